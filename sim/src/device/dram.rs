//! Device memory as cores, engines and peers see it: bytes behind addresses, never stale.
//!
//! Guarantees: every access is atomic by 64-bit word, so threads may share it without `unsafe`;
//! a write of some bytes never disturbs the other bytes of their word. Refuses addresses outside
//! the memory with a panic that names them: programs are checked before they run. Called by
//! programs, engines, and by [`Memory`](super::Memory) for the control CPU's view.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a word.
const WORD: u64 = 8;

/// The memory of one rank: words from a base address on, zero at the start.
#[derive(Debug)]
pub struct Dram {
    base: u64,
    words: Box<[AtomicU64]>,
}

impl Dram {
    /// `size_bytes` of zeros from `base`, rounded up to whole words.
    ///
    /// # Panics
    /// If `base` is not a positive multiple of 8.
    pub fn new(base: u64, size_bytes: u64) -> Self {
        assert!(
            base > 0 && base.is_multiple_of(WORD),
            "memory begins at a word, and not at null"
        );
        let words = (0..size_bytes.div_ceil(WORD))
            .map(|_| AtomicU64::new(0))
            .collect();
        Self { base, words }
    }

    /// First address.
    pub const fn base(&self) -> u64 {
        self.base
    }

    /// Size in bytes, a multiple of 8.
    pub const fn size_bytes(&self) -> u64 {
        self.words.len() as u64 * WORD
    }

    /// Whether all of `bytes` bytes at `addr` are here.
    pub fn contains(&self, addr: u64, bytes: u64) -> bool {
        let end = self.base + self.size_bytes();
        addr >= self.base && addr.checked_add(bytes).is_some_and(|last| last <= end)
    }

    /// The word that holds `addr`.
    fn word(&self, addr: u64) -> &AtomicU64 {
        assert!(
            self.contains(addr, 1),
            "address {addr:#x} is outside this rank's memory"
        );
        &self.words[to_index((addr - self.base) / WORD)]
    }

    /// Loads the aligned `u64` at `addr`.
    ///
    /// # Ordering
    /// Acquire: what was written before a [`fetch_add_u32`](Self::fetch_add_u32) or
    /// [`store_u32`](Self::store_u32) seen here is visible.
    pub fn load_u64(&self, addr: u64) -> u64 {
        assert!(
            addr.is_multiple_of(WORD),
            "a u64 at {addr:#x} is not aligned"
        );
        self.word(addr).load(Ordering::Acquire)
    }

    /// Stores the aligned `u64` at `addr`; Release.
    pub fn store_u64(&self, addr: u64, value: u64) {
        assert!(
            addr.is_multiple_of(WORD),
            "a u64 at {addr:#x} is not aligned"
        );
        self.word(addr).store(value, Ordering::Release);
    }

    /// Loads the aligned `u32` at `addr`; Acquire, as [`load_u64`](Self::load_u64).
    pub fn load_u32(&self, addr: u64) -> u32 {
        half_of(self.word(addr).load(Ordering::Acquire), addr)
    }

    /// Stores the aligned `u32` at `addr`; Release, the other half of the word is kept.
    pub fn store_u32(&self, addr: u64, value: u32) {
        self.update_u32(addr, |_| value);
    }

    /// Adds to the aligned `u32` at `addr`, wrapping, and returns what it was before.
    ///
    /// # Ordering
    /// Release, and Acquire: a notify carries the data put before it.
    pub fn fetch_add_u32(&self, addr: u64, add: u32) -> u32 {
        self.update_u32(addr, |value| value.wrapping_add(add))
    }

    /// The `f32` at an aligned `addr`.
    pub fn load_f32(&self, addr: u64) -> f32 {
        f32::from_bits(self.load_u32(addr))
    }

    /// Replaces the `u32` at `addr` and returns what it was; the other half is kept.
    fn update_u32(&self, addr: u64, next: impl Fn(u32) -> u32) -> u32 {
        let shift = half_shift(addr);
        let replace = |word: u64| {
            let kept = word & !(u64::from(u32::MAX) << shift);
            kept | u64::from(next(half_of(word, addr))) << shift
        };
        replace_word(self.word(addr), replace, Ordering::AcqRel, addr)
    }

    /// Copies bytes from `addr` on into `out`.
    pub fn read_bytes(&self, addr: u64, out: &mut [u8]) {
        let mut at = addr;
        let mut rest = out;
        while !rest.is_empty() {
            // RELAXED: bulk data travels on the doorbell or on the notify that follows it.
            let word = self.word(at).load(Ordering::Relaxed).to_le_bytes();
            let offset = to_index(at % WORD);
            let take = rest.len().min(word.len() - offset);
            let (now, later) = rest.split_at_mut(take);
            now.copy_from_slice(&word[offset..offset + take]);
            at += take as u64;
            rest = later;
        }
    }

    /// Copies `bytes` to `addr` on.
    pub fn write_bytes(&self, addr: u64, bytes: &[u8]) {
        let mut at = addr;
        let mut rest = bytes;
        while !rest.is_empty() {
            let offset = to_index(at % WORD);
            let (now, later) = rest.split_at(rest.len().min(to_index(WORD) - offset));
            self.write_in_word(at, offset, now);
            at += now.len() as u64;
            rest = later;
        }
    }

    /// Writes up to 8 bytes, from `offset` on, into the word that holds `addr`.
    fn write_in_word(&self, addr: u64, offset: usize, bytes: &[u8]) {
        let (mut value, mut mask) = ([0; 8], [0; 8]);
        value[offset..offset + bytes.len()].copy_from_slice(bytes);
        mask[offset..offset + bytes.len()].fill(0xFF);
        let (value, mask) = (u64::from_le_bytes(value), u64::from_le_bytes(mask));
        // RELAXED: bulk data is published by the FIN or the notify that follows it.
        if mask == u64::MAX {
            self.word(addr).store(value, Ordering::Relaxed);
        } else {
            let replace = |word: u64| word & !mask | value;
            replace_word(self.word(addr), replace, Ordering::Relaxed, addr);
        }
    }

    /// Copies `bytes` bytes within this memory; the ranges must not overlap.
    ///
    /// # Panics
    /// If they do.
    pub fn copy(&self, from: u64, to: u64, bytes: u64) {
        assert!(
            from + bytes <= to || to + bytes <= from,
            "a copy onto itself at {to:#x}"
        );
        self.write_bytes(to, &self.bytes(from, bytes));
    }

    /// The `bytes` bytes at `addr`, as they are now.
    pub fn bytes(&self, addr: u64, bytes: u64) -> Box<[u8]> {
        let mut copy = vec![0; to_index(bytes)];
        self.read_bytes(addr, &mut copy);
        copy.into_boxed_slice()
    }

    /// Writes `count` times `value` from an aligned `addr` on.
    pub fn fill_u32(&self, addr: u64, count: u64, value: u32) {
        self.write_bytes(addr, &value.to_le_bytes().repeat(to_index(count)));
    }
}

/// Bytes as an index into memory of this process.
fn to_index(bytes: u64) -> usize {
    usize::try_from(bytes).expect("device memory was allocated in this process")
}

/// How far left the `u32` at `addr` stands in its word, in bits.
fn half_shift(addr: u64) -> u32 {
    assert!(addr.is_multiple_of(4), "a u32 at {addr:#x} is not aligned");
    if addr.is_multiple_of(WORD) { 0 } else { 32 }
}

/// The `u32` at `addr` out of its word.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the half that was shifted down is wanted"
)]
pub(super) fn half_of(word: u64, addr: u64) -> u32 {
    (word >> half_shift(addr)) as u32
}

/// Replaces a word by a function of itself; returns the half at `addr` that was there before.
fn replace_word(word: &AtomicU64, replace: impl Fn(u64) -> u64, order: Ordering, addr: u64) -> u32 {
    // RELAXED: the first load and failures only give the next guess.
    let mut seen = word.load(Ordering::Relaxed);
    loop {
        match word.compare_exchange_weak(seen, replace(seen), order, Ordering::Relaxed) {
            Ok(before) => return half_of(before, addr & !3),
            Err(now) => seen = now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dram;

    const BASE: u64 = 0x1000_0000;

    #[test]
    fn bytes_come_back_at_any_alignment() {
        let dram = Dram::new(BASE, 64);
        let bytes: Vec<u8> = (1..=29).collect();
        for offset in 0..16 {
            dram.fill_u32(BASE, 16, 0xAAAA_AAAA);
            dram.write_bytes(BASE + offset, &bytes);
            assert_eq!(&dram.bytes(BASE + offset, 29)[..], &bytes[..]);
            assert!(dram.bytes(BASE, offset).iter().all(|&byte| byte == 0xAA));
            let behind = BASE + offset + 29;
            assert!(
                dram.bytes(behind, 64 - 29 - offset)
                    .iter()
                    .all(|&byte| byte == 0xAA)
            );
        }
    }

    #[test]
    fn a_counter_that_wraps_leaves_its_neighbour_alone() {
        let dram = Dram::new(BASE, 8);
        dram.store_u32(BASE, u32::MAX);
        dram.store_u32(BASE + 4, 7);
        assert_eq!(dram.fetch_add_u32(BASE, 2), u32::MAX);
        assert_eq!((dram.load_u32(BASE), dram.load_u32(BASE + 4)), (1, 7));
        assert_eq!(dram.fetch_add_u32(BASE + 4, 1), 7);
        assert_eq!(dram.load_u64(BASE), 8 << 32 | 1);
    }

    #[test]
    fn a_copy_takes_the_bytes_along() {
        let dram = Dram::new(BASE, 128);
        dram.fill_u32(BASE, 5, 1.5_f32.to_bits());
        dram.copy(BASE, BASE + 64, 20);
        assert_eq!(dram.load_f32(BASE + 80), 1.5);
        assert_eq!(dram.load_u32(BASE + 84), 0);
    }

    #[test]
    #[should_panic(expected = "outside this rank's memory")]
    fn an_address_behind_the_end_is_refused() {
        Dram::new(BASE, 8).load_u32(BASE + 8);
    }

    #[test]
    fn threads_lose_no_addition() {
        let dram = Dram::new(BASE, 8);
        let dram = &dram;
        let add = |addr| (0..1000).fold(0, |_, _| dram.fetch_add_u32(addr, 1));
        std::thread::scope(|scope| {
            for half in [0, 4, 0, 4] {
                scope.spawn(move || add(BASE + half));
            }
        });
        assert_eq!(dram.load_u64(BASE), 2000 << 32 | 2000);
    }
}
