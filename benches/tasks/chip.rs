//! A chip whose cores finish a task the moment its doorbell rings: what is left is the scheduler.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use finbox_scheduler::{Cond, CoreId, Launch, Port, Token};

/// Registers and nothing else.
pub(crate) struct NullChip {
    conds: Vec<AtomicU32>,
}

impl NullChip {
    /// With so many cores.
    pub(crate) fn new(cores: usize) -> Self {
        let reset = || AtomicU32::new(Cond::RESET.0);
        Self {
            conds: (0..cores).map(|_| reset()).collect(),
        }
    }
}

impl Port for NullChip {
    fn load_cond(&self, core: CoreId) -> u32 {
        self.conds[core.index()].load(Ordering::Acquire)
    }

    fn ring_doorbell(&self, core: CoreId, token: Token) {
        self.conds[core.index()].store(Cond::fin(token).0, Ordering::Release);
    }

    fn stage_payload(&self, _: CoreId, _: Token, launch: &Launch) {
        black_box(launch);
    }

    fn slab_address(&self, _: CoreId, _: usize) -> u64 {
        unreachable!("no task defers")
    }

    fn refresh(&self, _: u64, _: u64) {}

    fn clean(&self, _: u64, _: u64) {}

    fn can_read(&self, _: u64, _: u64) -> bool {
        false
    }

    fn load_u32(&self, _: u64) -> u32 {
        unreachable!("nothing can be read")
    }

    fn load_u64(&self, _: u64) -> u64 {
        unreachable!("nothing can be read")
    }

    fn store_u64(&self, _: u64, _: u64) {
        unreachable!("no task defers")
    }

    fn now(&self) -> u64 {
        0
    }
}
