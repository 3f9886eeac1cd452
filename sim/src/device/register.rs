//! The registers of all cores of a chip: DMB, COND and the staged payloads.
//!
//! Guarantees: a core that sees a token in DMB sees the payload staged before it; a control
//! thread that sees a FIN in COND sees what the core wrote before it. Refuses nothing: which
//! values are sensible is for the two ends to know. Called by [`SimPort`](super::SimPort) on one
//! side and by [`Core`](super::Core) on the other.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use finbox_scheduler::{CoreId, Launch, Token};

/// Bit 31 of COND: the token below it has finished (0: it was taken).
pub const FIN: u32 = 1 << 31;

/// COND after reset: taken, no token.
pub const COND_RESET: u32 = Token::IDLE.bits();

/// The registers of every core of one chip.
#[derive(Debug)]
pub struct Registers {
    cores: Box<[CoreRegisters]>,
}

/// One core's registers, on lines of their own.
#[derive(Debug)]
#[repr(align(128))]
struct CoreRegisters {
    dmb: AtomicU32,
    cond: AtomicU32,
    /// By parity of the token.
    payloads: [Payload; 2],
}

/// A [`Launch`], word by word.
#[derive(Debug, Default)]
struct Payload([AtomicU64; Launch::WORDS]);

impl Registers {
    /// Registers of `cores` cores after reset.
    pub fn new(cores: usize) -> Self {
        let reset = |_| CoreRegisters {
            dmb: AtomicU32::new(Token::IDLE.bits()),
            cond: AtomicU32::new(COND_RESET),
            payloads: Default::default(),
        };
        Self {
            cores: (0..cores).map(reset).collect(),
        }
    }

    /// How many cores.
    pub fn count(&self) -> usize {
        self.cores.len()
    }

    /// COND, as the control CPU reads it.
    ///
    /// # Ordering
    /// Acquire; pairs with [`set_cond`](Self::set_cond).
    #[inline]
    pub fn cond(&self, core: CoreId) -> u32 {
        self.cores[core.index()].cond.load(Ordering::Acquire)
    }

    /// Writes COND, as the core does.
    ///
    /// # Ordering
    /// Release: the slab and the data of the task come before its FIN.
    #[inline]
    pub fn set_cond(&self, core: CoreId, word: u32) {
        self.cores[core.index()].cond.store(word, Ordering::Release);
    }

    /// The token in DMB, as the core reads it.
    ///
    /// # Ordering
    /// Acquire; pairs with [`ring`](Self::ring).
    #[inline]
    pub fn dmb(&self, core: CoreId) -> Token {
        Token::from_bits(self.cores[core.index()].dmb.load(Ordering::Acquire))
    }

    /// Writes DMB, as the control CPU does.
    ///
    /// # Ordering
    /// Release: payload and slab come before the doorbell.
    #[inline]
    pub fn ring(&self, core: CoreId, token: Token) {
        self.cores[core.index()]
            .dmb
            .store(token.bits(), Ordering::Release);
    }

    /// Leaves `launch` where the core looks for the payload of `token`.
    pub fn stage(&self, core: CoreId, token: Token, launch: &Launch) {
        for (to, word) in self.cores[core.index()].payloads[token.parity()]
            .0
            .iter()
            .zip(launch.to_words())
        {
            // RELAXED: the payload travels on the doorbell.
            to.store(word, Ordering::Relaxed);
        }
    }

    /// What was staged for `token`.
    pub fn staged(&self, core: CoreId, token: Token) -> Launch {
        // RELAXED: the core saw the doorbell before.
        let payload = &self.cores[core.index()].payloads[token.parity()];
        Launch::from_words(payload.0.each_ref().map(load_relaxed))
    }

    /// Puts DMB and COND of a core back to their values after reset.
    pub fn reset(&self, core: CoreId) {
        self.ring(core, Token::IDLE);
        self.set_cond(core, COND_RESET);
    }
}

fn load_relaxed(word: &AtomicU64) -> u64 {
    word.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::{COND_RESET, Registers};
    use finbox_scheduler::{CoreId, Launch, SlotId, Subtasks, TaskId, Token};

    #[test]
    fn after_reset_a_core_is_idle() {
        let registers = Registers::new(2);
        assert_eq!(registers.cond(CoreId(1)), 0x7FFF_FFFF);
        assert_eq!(registers.dmb(CoreId(1)), Token::IDLE);
        registers.ring(CoreId(1), Token::FIRST);
        registers.set_cond(CoreId(1), 1);
        registers.reset(CoreId(1));
        assert_eq!(
            (registers.cond(CoreId(1)), registers.dmb(CoreId(1))),
            (COND_RESET, Token::IDLE)
        );
    }

    #[test]
    fn the_payloads_of_two_tokens_in_flight_do_not_mix() {
        let registers = Registers::new(1);
        let launch = |kernel| Launch {
            block: 7,
            blocks: 32_767,
            subtask: Subtasks::AIV1,
            ..Launch::single(SlotId::new(3, 4, 5), TaskId::new(3, 9), kernel, !kernel)
        };
        let tokens = [Token::LAST, Token::LAST.next()];
        registers.stage(CoreId(0), tokens[0], &launch(1));
        registers.stage(CoreId(0), tokens[1], &launch(2));
        assert_eq!(registers.staged(CoreId(0), tokens[0]), launch(1));
        assert_eq!(registers.staged(CoreId(0), tokens[1]), launch(2));
    }
}
