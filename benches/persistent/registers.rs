//! Registers between a scheduler and threads that are its cores.

use std::array;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crossbeam_utils::{Backoff, CachePadded};
use finbox_scheduler::{Cond, CoreId, Launch, Port, Token};

#[derive(Debug)]
struct Core {
    doorbell: CachePadded<AtomicU32>,
    cond: CachePadded<AtomicU32>,
    /// By parity.
    staged: [CachePadded<[AtomicU64; Launch::WORDS]>; 2],
}

/// The registers of all cores.
#[derive(Debug)]
pub(crate) struct Registers {
    cores: Vec<Core>,
    is_over: AtomicBool,
}

impl Registers {
    /// Of so many cores.
    pub(crate) fn new(cores: usize) -> Self {
        let core = |_| Core {
            doorbell: CachePadded::new(AtomicU32::new(Token::IDLE.bits())),
            cond: CachePadded::new(AtomicU32::new(Cond::RESET.0)),
            staged: [(); 2].map(|()| CachePadded::new(array::from_fn(|_| AtomicU64::new(0)))),
        };
        Self {
            cores: (0..cores).map(core).collect(),
            is_over: AtomicBool::new(false),
        }
    }

    /// Lets all cores end.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// What core `core` does until the end: each token once, ACK, kernel, FIN.
    pub(crate) fn run(&self, core: CoreId, mut kernel: impl FnMut(&Launch)) {
        let core = &self.cores[core.index()];
        let (mut last, backoff) = (Token::IDLE, Backoff::new());
        loop {
            let token = Token::from_bits(core.doorbell.load(Ordering::Acquire));
            if token == last {
                if self.is_over.load(Ordering::Acquire) {
                    return;
                }
                backoff.snooze();
                continue;
            }
            backoff.reset();
            last = token;
            let staged = &core.staged[token.parity()];
            let words = array::from_fn(|word| staged[word].load(Ordering::Relaxed));
            core.cond.store(token.bits(), Ordering::Release);
            kernel(&Launch::from_words(words));
            core.cond.store(Cond::fin(token).0, Ordering::Release);
        }
    }
}

impl Port for Registers {
    fn load_cond(&self, core: CoreId) -> u32 {
        self.cores[core.index()].cond.load(Ordering::Acquire)
    }

    fn ring_doorbell(&self, core: CoreId, token: Token) {
        let doorbell = &self.cores[core.index()].doorbell;
        doorbell.store(token.bits(), Ordering::Release);
    }

    fn stage_payload(&self, core: CoreId, token: Token, launch: &Launch) {
        let staged = &self.cores[core.index()].staged[token.parity()];
        for (to, word) in staged.iter().zip(launch.to_words()) {
            to.store(word, Ordering::Relaxed);
        }
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
