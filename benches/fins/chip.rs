//! A chip whose cores finish a task the moment its doorbell rings, leaving conditions that hold.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use finbox_scheduler::{
    Cond, CoreId, ENTRIES_OFFSET, ENTRY_BYTES, Launch, Port, SLAB_BYTES, Token,
};

const BASE: u64 = 1 << 32;

/// Registers, two slabs a core, and one counter behind them that stays 0.
pub(crate) struct SlabChip {
    conds: Vec<AtomicU32>,
    words: Vec<AtomicU64>,
    conditions: u32,
}

impl SlabChip {
    /// With so many cores; whoever runs leaves so many `conditions`.
    pub(crate) fn new(cores: usize, conditions: u32) -> Self {
        let words = cores * 2 * (SLAB_BYTES as usize / 8) + 8;
        Self {
            conds: (0..cores).map(|_| AtomicU32::new(Cond::RESET.0)).collect(),
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            conditions,
        }
    }

    fn counter(&self) -> u64 {
        BASE + (self.words.len() as u64 - 8) * 8
    }

    fn word(&self, addr: u64) -> &AtomicU64 {
        &self.words[(addr - BASE) as usize / 8]
    }
}

impl Port for SlabChip {
    fn load_cond(&self, core: CoreId) -> u32 {
        self.conds[core.index()].load(Ordering::Acquire)
    }

    fn ring_doorbell(&self, core: CoreId, token: Token) {
        if self.conditions > 0 {
            let slab = self.slab_address(core, token.parity());
            self.store_u64(slab, u64::from(self.conditions));
            for index in 0..u64::from(self.conditions) {
                // A COUNTER of SDMA that reaches 0.
                let entry = slab + ENTRIES_OFFSET + index * ENTRY_BYTES;
                self.store_u64(entry, self.counter());
            }
        }
        self.conds[core.index()].store(Cond::fin(token).0, Ordering::Release);
    }

    fn stage_payload(&self, _: CoreId, _: Token, _: &Launch) {}

    fn slab_address(&self, core: CoreId, parity: usize) -> u64 {
        BASE + (core.index() * 2 + parity) as u64 * SLAB_BYTES
    }

    fn refresh(&self, _: u64, _: u64) {}

    fn clean(&self, _: u64, _: u64) {}

    fn can_read(&self, addr: u64, size_bytes: u64) -> bool {
        addr >= BASE && addr - BASE + size_bytes <= self.words.len() as u64 * 8
    }

    fn load_u32(&self, addr: u64) -> u32 {
        let word = self.word(addr & !7).load(Ordering::Acquire);
        (word >> (addr % 8 * 8)) as u32
    }

    fn load_u64(&self, addr: u64) -> u64 {
        self.word(addr).load(Ordering::Acquire)
    }

    fn store_u64(&self, addr: u64, value: u64) {
        self.word(addr).store(value, Ordering::Release);
    }

    fn now(&self) -> u64 {
        0
    }
}
