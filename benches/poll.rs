//! One thread: what an unmet condition costs in a sweep, packed and each on a line of its own.
//!
//! `cargo bench -p finbox-benches --bench poll`. 64 tasks wait for 64 counters each. *Packed*, 16
//! counters share a line, as notify counters do; *scattered*, each stands on its own, which is what
//! every condition cost when each look made its line current. Making a line current is a full fence
//! here, a stand-in of about what a cache maintenance operation costs to issue; on a coherent chip
//! it is nothing.
#![allow(
    missing_docs,
    reason = "criterion's macros write undocumented functions"
)]

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use finbox_runtime::{Arena, Config};
use finbox_scheduler::target::A5;
use finbox_scheduler::{
    Assembly, Chip, Cond, CoreId, Launch, NoProbe, Port, SETTLE_BUDGET, SLAB_BYTES, Shape, TaskId,
    TaskSpec, Token,
};

const BASE: u64 = 1 << 32;
const CORES: usize = 3;
const TASKS: u32 = 64;
const CONDITIONS: u64 = 64;
const SLABS: u64 = CORES as u64 * 2 * SLAB_BYTES;

/// Plain memory behind two slabs a core; a core's register is what the bench says.
struct Bench {
    words: Vec<AtomicU64>,
    tokens: [AtomicU32; CORES],
    conds: [AtomicU32; CORES],
    is_coherent: bool,
}

impl Bench {
    fn new(is_coherent: bool) -> Self {
        let counters = u64::from(TASKS) * CONDITIONS * 64;
        let words = (SLABS + counters) / 8;
        Self {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            tokens: [(); CORES].map(|()| AtomicU32::new(Token::IDLE.bits())),
            conds: [(); CORES].map(|()| AtomicU32::new(Cond::RESET.0)),
            is_coherent,
        }
    }

    fn word(&self, addr: u64) -> &AtomicU64 {
        let index = usize::try_from((addr - BASE) / 8).expect("in memory");
        &self.words[index]
    }

    /// A core that has a new token leaves conditions from counter `first` on and says FIN; whether
    /// one had.
    fn run_core(&self, first: u64, stride: u64) -> bool {
        for (core, token) in (0..).zip(&self.tokens) {
            let token = Token::from_bits(token.swap(Token::IDLE.bits(), Ordering::SeqCst));
            if token == Token::IDLE {
                continue;
            }
            let slab = self.slab_address(CoreId(core), token.parity());
            self.store_u64(slab, CONDITIONS);
            for index in 0..CONDITIONS {
                let entry = slab + 8 + index * 32;
                self.store_u64(entry, BASE + SLABS + (first + index) * stride);
                self.store_u64(entry + 16, 1);
            }
            self.conds[usize::from(core)].store(Cond::fin(token).0, Ordering::SeqCst);
            return true;
        }
        false
    }
}

impl Port for Bench {
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

    fn refresh(&self, _: u64, _: u64) {
        if !self.is_coherent {
            fence(Ordering::SeqCst);
        }
    }

    fn clean(&self, _: u64, _: u64) {}

    fn can_read(&self, addr: u64, size_bytes: u64) -> bool {
        addr >= BASE && addr - BASE + size_bytes <= self.words.len() as u64 * 8
    }

    fn load_u32(&self, addr: u64) -> u32 {
        let word = self.word(addr).load(Ordering::Acquire);
        let shift = addr % 8 * 8;
        u32::try_from(word >> shift & u64::from(u32::MAX)).expect("32 bits")
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

/// Passes of a dispatch thread over conditions `stride` bytes apart that never hold.
fn bench(criterion: &mut Criterion, name: &str, is_coherent: bool, stride: u64) {
    let port = Bench::new(is_coherent);
    let mut config = Config::of(&A5);
    config.chip = Chip {
        target: &A5,
        cores: 3,
        host_lanes: 0,
        handlers: 1,
    };
    let mut arena = Arena::new(config).expect("a small chip");
    let mut assembly = arena.assemble();
    let mut handler = assembly.handler();
    let Assembly {
        scheduler,
        mut submitter,
        mut dispatcher,
        ..
    } = assembly;
    for number in 0..TASKS {
        let spec = TaskSpec {
            may_defer: 64,
            ..TaskSpec::new(TaskId::new(0, number), Shape::Aiv)
        };
        submitter
            .submit(&scheduler, &NoProbe, &spec, &[])
            .expect("there is room");
    }
    let mut ran = 0;
    for _ in 0..100_000 {
        let _ = dispatcher.pass(&scheduler, &port, &NoProbe);
        ran += u64::from(port.run_core(ran * CONDITIONS, stride));
        let _ = handler.pass(&scheduler, &port, &NoProbe);
        if scheduler.waiting() == Some((TASKS, 0)) {
            break;
        }
    }
    assert_eq!(scheduler.waiting(), Some((TASKS, 0)), "all wait");
    let mut group = criterion.benchmark_group("poll");
    group.throughput(Throughput::Elements(u64::from(SETTLE_BUDGET)));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let pass = dispatcher.pass(&scheduler, &port, &NoProbe);
            assert_eq!(pass.polled, SETTLE_BUDGET);
        });
    });
    group.finish();
}

fn poll(criterion: &mut Criterion) {
    for (lines, is_coherent) in [("coherent", true), ("refreshed", false)] {
        for (place, stride) in [("packed", 4), ("scattered", 64)] {
            bench(criterion, &format!("{lines}_{place}"), is_coherent, stride);
        }
    }
}

criterion_group!(benches, poll);
criterion_main!(benches);
