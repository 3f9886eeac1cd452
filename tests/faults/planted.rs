//! A planted bug that the faults must find: FINs counted instead of identified.
//!
//! One core runs token after token while its COND repeats old FINs. A handler that takes any new
//! FIN for the end of what runs ends tasks early; one that identifies tokens, as the scheduler
//! does, never.

use std::collections::HashSet;

use finbox_scheduler::{
    Cond, CoreId, Launch, Pair, Shape, SlotId, TaskId, Token, Transition, observe,
};
use finbox_sim::device::{Core, CostModel, Kernels, Picked, Registers, Words};
use finbox_sim::fault::{FaultKind, Faults, Injector};

const ID: CoreId = CoreId(0);
const TOKENS: u32 = 12;
const KERNEL_NS: u64 = 20_000;
const POLL_NS: u64 = 100;

/// Kernels of one length on a machine that is broken as the seed says.
struct Machine {
    injector: Injector,
    ended: HashSet<u32>,
}

impl Kernels for Machine {
    fn start(&mut self, _: &Picked, _: u64) -> Option<u64> {
        Some(KERNEL_NS)
    }

    fn finish(&mut self, picked: &Picked, _: u64) {
        self.ended.insert(picked.token.bits());
    }

    fn words(&mut self, picked: &Picked, word: u32) -> Words {
        self.injector.words(picked, word, || KERNEL_NS)
    }
}

/// Whether `cond` ends `running`.
type Ends = fn(running: Token, cond: Cond, seen: Cond, last: Token) -> bool;

/// The planted bug: a FIN that is news counts, whosever it is.
fn counted(_: Token, cond: Cond, seen: Cond, _: Token) -> bool {
    cond != seen && cond.is_fin()
}

/// As the scheduler does.
fn identified(running: Token, cond: Cond, seen: Cond, last: Token) -> bool {
    let pair = Pair::IDLE.install(running).expect("it is idle");
    match observe(pair, cond, seen, last) {
        Transition::Apply { finished, .. } => finished.contains(&Some(running)),
        Transition::Nothing | Transition::Foreign(_) => false,
    }
}

/// Runs all tokens; how many were taken for finished before their kernels had ended.
fn early(seed: u64, ends: Ends) -> usize {
    let faults = Faults::NONE.with(FaultKind::FinDuplicated, 3);
    let mut machine = Machine {
        injector: Injector::new(seed, faults, 1),
        ended: HashSet::new(),
    };
    let (registers, mut core) = (
        Registers::new(1),
        Core::new(ID, Shape::Aiv, &CostModel::A2A3),
    );
    let (mut token, mut last, mut seen) = (Token::FIRST, Token::IDLE, Cond::RESET);
    let (mut now, mut early) = (0, 0);
    for task in 0..TOKENS {
        let (slot, task) = (SlotId::new(0, 0, 1), TaskId::new(0, task));
        registers.stage(ID, token, &Launch::single(slot, task, 0, 0));
        registers.ring(ID, token);
        loop {
            now += POLL_NS;
            core.step(now, &registers, &mut machine);
            let cond = Cond(registers.cond(ID));
            let is_end = ends(token, cond, seen, last);
            seen = cond;
            if is_end {
                break;
            }
        }
        early += usize::from(!machine.ended.contains(&token.bits()));
        (last, token) = (token, token.next());
    }
    early
}

#[test]
fn b8_fins_that_are_counted_end_tasks_early_and_identified_ones_never() {
    let sum = |ends: Ends| (0..500).map(|seed| early(seed, ends)).sum::<usize>();
    assert!(sum(counted) > 100, "the planted bug is found");
    assert_eq!(sum(identified), 0);
}
