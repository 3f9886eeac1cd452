//! Plain memory, and cores that do what they are told at once.

use std::sync::atomic::{AtomicU32, Ordering, fence};

use finbox_scheduler::{Cond, CoreId, Launch, Port, SLAB_BYTES, Token};

const BASE: u64 = 1 << 32;
/// Cores of the machine: whole clusters.
pub(crate) const CORES: u16 = 96;
const SLABS: u64 = CORES as u64 * 2 * SLAB_BYTES;

/// Slabs and counters; making a line current costs nothing if `COHERENT`.
pub(crate) struct Machine<const COHERENT: bool> {
    words: Vec<AtomicU32>,
    tokens: Vec<AtomicU32>,
    conds: Vec<AtomicU32>,
}

impl<const COHERENT: bool> Machine<COHERENT> {
    /// With `bytes` bytes of counters.
    pub(crate) fn new(bytes: u64) -> Self {
        let words = |count, value| (0..count).map(|_| AtomicU32::new(value)).collect();
        let cores = u64::from(CORES);
        Self {
            words: words((SLABS + bytes) / 4, 0),
            tokens: words(cores, Token::IDLE.bits()),
            conds: words(cores, Cond::RESET.0),
        }
    }

    #[inline]
    fn word(&self, addr: u64) -> &AtomicU32 {
        &self.words[(addr - BASE) as usize / 4]
    }

    /// Where counters begin.
    pub(crate) const fn counters(&self) -> u64 {
        BASE + SLABS
    }

    /// An engine sets the counter at `addr`.
    pub(crate) fn set(&self, addr: u64, value: u32) {
        self.word(addr).store(value, Ordering::Release);
    }

    /// Every core that has a new token runs it to its FIN, and leaves the conditions that `leave`
    /// says for it: (address, expected). Returns how many cores had one.
    pub(crate) fn run_cores(&self, mut leave: impl FnMut() -> Vec<(u64, u32)>) -> usize {
        let mut ran = 0;
        for core in 0..CORES {
            let taken = self.tokens[usize::from(core)].swap(Token::IDLE.bits(), Ordering::AcqRel);
            let token = Token::from_bits(taken);
            if token == Token::IDLE {
                continue;
            }
            let slab = self.slab_address(CoreId(core), token.parity());
            let conditions = leave();
            for (at, (addr, expected)) in (0..).zip(&conditions) {
                self.store_u64(slab + 8 + at * 32, *addr);
                self.store_u64(slab + 24 + at * 32, u64::from(*expected));
            }
            self.store_u64(slab, conditions.len() as u64);
            self.conds[usize::from(core)].store(Cond::fin(token).0, Ordering::Release);
            ran += 1;
        }
        ran
    }
}

impl<const COHERENT: bool> Port for Machine<COHERENT> {
    fn load_cond(&self, core: CoreId) -> u32 {
        self.conds[core.index()].load(Ordering::Acquire)
    }

    fn ring_doorbell(&self, core: CoreId, token: Token) {
        self.tokens[core.index()].store(token.bits(), Ordering::Release);
    }

    fn stage_payload(&self, _: CoreId, _: Token, _: &Launch) {}

    fn slab_address(&self, core: CoreId, parity: usize) -> u64 {
        BASE + (core.index() * 2 + parity) as u64 * SLAB_BYTES
    }

    #[inline]
    fn refresh(&self, _: u64, _: u64) {
        if !COHERENT {
            fence(Ordering::SeqCst);
        }
    }

    fn clean(&self, _: u64, _: u64) {}

    fn can_read(&self, addr: u64, size_bytes: u64) -> bool {
        addr >= BASE && addr - BASE + size_bytes <= self.words.len() as u64 * 4
    }

    #[inline]
    fn load_u32(&self, addr: u64) -> u32 {
        self.word(addr).load(Ordering::Acquire)
    }

    fn load_u64(&self, addr: u64) -> u64 {
        u64::from(self.load_u32(addr)) | u64::from(self.load_u32(addr + 4)) << 32
    }

    fn store_u64(&self, addr: u64, value: u64) {
        self.set(addr, value as u32);
        self.set(addr + 4, (value >> 32) as u32);
    }

    fn now(&self) -> u64 {
        0
    }
}
