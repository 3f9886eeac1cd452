//! The digest of a run: FNV-1a over its ordered events, in virtual time.
//!
//! The bytes are those of `Hash`; most of them are zeros of words that are nearly empty, and a run
//! of zeros is one multiplication. Called by the recorder, once an event.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

const BASIS: u64 = 0xCBF2_9CE4_8422_2325;
const PRIME: u64 = 0x0100_0000_01B3;

/// What so many bytes of zeros multiply the hash by.
const ZEROS: [u64; 9] = {
    let mut powers = [1; 9];
    let mut zeros = 1;
    while zeros < powers.len() {
        powers[zeros] = PRIME.wrapping_mul(powers[zeros - 1]);
        zeros += 1;
    }
    powers
};

/// The digest of what happened so far.
#[derive(Debug)]
pub(super) struct EventLog(AtomicU64);

impl Default for EventLog {
    fn default() -> Self {
        Self(AtomicU64::new(BASIS))
    }
}

impl EventLog {
    /// This happened.
    #[inline]
    pub(super) fn note(&self, what: impl Hash) {
        // RELAXED: virtual time has one thread.
        let mut hash = Fnv(self.0.load(Ordering::Relaxed));
        what.hash(&mut hash);
        self.0.store(hash.0, Ordering::Relaxed);
    }

    /// FNV-1a over everything.
    pub(super) fn digest(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// FNV-1a of words of which most bytes are 0.
struct Fnv(u64);

impl Fnv {
    #[inline(always)]
    const fn byte(&mut self, byte: u64) {
        self.0 = (self.0 ^ byte).wrapping_mul(PRIME);
    }

    /// The lower `bytes` bytes of `word`, which has no others: up to the last that is not 0 by
    /// fours, twos and one, the rest at once.
    #[inline(always)]
    const fn word(&mut self, word: u64, bytes: usize) {
        let (mut rest, used) = (word, 8 - word.leading_zeros() as usize / 8);
        let mut fours = used / 4;
        while fours > 0 {
            self.byte(rest & 0xFF);
            self.byte(rest >> 8 & 0xFF);
            self.byte(rest >> 16 & 0xFF);
            self.byte(rest >> 24 & 0xFF);
            rest >>= 32;
            fours -= 1;
        }
        if used & 2 != 0 {
            self.byte(rest & 0xFF);
            self.byte(rest >> 8 & 0xFF);
            rest >>= 16;
        }
        if used & 1 != 0 {
            self.byte(rest & 0xFF);
        }
        self.0 = self.0.wrapping_mul(ZEROS[bytes - used]);
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.byte(byte.into()));
    }

    #[inline]
    fn write_u8(&mut self, word: u8) {
        self.byte(word.into());
    }

    #[inline]
    fn write_u16(&mut self, word: u16) {
        self.word(word.into(), 2);
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.word(word.into(), 4);
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.word(word, 8);
    }

    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.word(word as u64, size_of::<usize>());
    }

    #[inline]
    fn write_isize(&mut self, word: isize) {
        self.word(word.cast_unsigned() as u64, size_of::<isize>());
    }
}

#[cfg(test)]
mod tests {
    use super::EventLog;
    use finbox_scheduler::{CoreId, Event, Outcome, SlotId, TaskId, Token};
    use fnv::FnvHasher;
    use std::hash::{Hash, Hasher};

    #[test]
    fn words_with_any_bytes_hash_as_their_bytes_do() {
        let words = [0, 1, 0xFF00, 0x1_0000_0001, u64::MAX, 0xAB << 56];
        let (slot, task) = (SlotId::new(3, 70_000, 9), TaskId::new(2, 77));
        let (core, token) = (CoreId(300), Token::LAST);
        let (outcome, cause) = (Outcome::Cancelled, Some(task));
        let events = [
            Event::Dispatched { core, token, slot },
            Event::Finished {
                slot,
                task,
                outcome,
                inline: true,
                cause,
            },
            Event::Quarantined { core },
        ];
        let (log, mut expected) = (EventLog::default(), FnvHasher::default());
        for (now, rank) in words.into_iter().zip(0_usize..) {
            for event in events {
                log.note((now, rank, event, -1_isize));
                (now, rank, event, -1_isize).hash(&mut expected);
            }
        }
        assert_eq!(log.digest(), expected.finish());
    }
}
