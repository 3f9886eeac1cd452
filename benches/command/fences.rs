//! From the moment at which what a fence waits for is over until its drain returns: with a short
//! budget and a long one, which it must not depend on, and behind work that is short, which a drain
//! spins for, or long, for which it rests.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use finbox_benches::stay_on;
use finbox_mailbox::Words;
use finbox_runtime::command::{
    Answer, Arrival, Clock as _, Command, Executor, HostClock, Launch, Packet, Refusal, Route,
    Signal, Transfer, WorkId, run_threaded,
};

use crate::sides::{Memory, launch};

const BUDGETS_NS: [u64; 2] = [5_000_000, 900_000_000];
/// How long a launch takes.
const WORK_NS: [u64; 2] = [2_000, 300_000];

/// Each launch ends `work_ns` behind its start, by the clock, whoever looks or not.
struct Device<'a> {
    clock: &'a HostClock,
    ended_ns: &'a AtomicU64,
    work_ns: u64,
    running: Option<WorkId>,
}

impl Executor for Device<'_> {
    fn launch(&mut self, work: WorkId, _: &Launch) -> Result<Answer, Refusal> {
        let end_ns = self.clock.now_ns() + self.work_ns;
        self.ended_ns.store(end_ns, Relaxed);
        self.running = Some(work);
        Ok(Answer::Running)
    }

    fn copy(&mut self, _: WorkId, _: &Transfer) -> Result<Answer, Refusal> {
        Err(Refusal(1))
    }

    fn signal(&mut self, _: WorkId, _: &Signal) -> Result<Answer, Refusal> {
        Err(Refusal(1))
    }

    fn counter(&mut self, _: u64) -> Result<Option<u32>, Refusal> {
        Err(Refusal(1))
    }

    fn fetch(&mut self, _: u64, _: u32) -> Result<Words, Refusal> {
        Err(Refusal(1))
    }

    fn look(&mut self, tell: &mut dyn FnMut(Route, WorkId)) {
        if let Some(work) = self.running
            && self.clock.now_ns() >= self.ended_ns.load(Relaxed)
        {
            tell(Route::Polled, work);
            self.running = None;
        }
    }
}

fn batch() -> [Packet; 2] {
    let fence = Packet {
        tag: 0,
        command: Command::Fence,
    };
    [launch(1), fence]
}

/// So many answers for each budget, in turns of 50, on this thread or on another.
fn answers(is_threaded: bool, work_ns: u64, samples: u64) -> [Vec<u64>; 2] {
    let (clock, ended_ns) = (HostClock::start(), AtomicU64::new(0));
    let mut memory = Memory::new();
    let (submitter, mut processor) = memory.ends(Device {
        clock: &clock,
        ended_ns: &ended_ns,
        work_ns,
        running: None,
    });
    let mut times = [Vec::new(), Vec::new()];
    let mut all = |drain: &mut dyn FnMut(u64, u64) -> bool| {
        for nth in 0..samples {
            let side = (nth / 50 % 2) as usize;
            let end = submitter.submit(&batch()).expect("it was drained").end();
            assert!(drain(end, BUDGETS_NS[side]), "a fence was not answered");
            times[side].push(clock.now_ns() - ended_ns.load(Relaxed));
        }
    };
    let is_there = |arrival| matches!(arrival, Ok(Arrival::Reached { .. }));
    if is_threaded {
        // The processor's thread stays where it was started, and this one moves.
        stay_on(1);
        let ended = run_threaded(&mut processor, &clock, |thread| {
            stay_on(0);
            all(&mut |end, budget_ns| is_there(thread.drain_until(end, budget_ns)));
        });
        ended.expect("a thread can be started");
    } else {
        all(&mut |end, budget_ns| is_there(processor.drain_until(end, budget_ns, &clock)));
    }
    times
}

/// One row a side and budget.
pub(crate) fn rows(samples: u64) {
    for (name, is_threaded) in [("inline", false), ("on a thread", true)] {
        for work_ns in WORK_NS {
            let times = answers(is_threaded, work_ns, samples);
            for (budget_ns, mut ns) in BUDGETS_NS.into_iter().zip(times) {
                ns.sort_unstable();
                let at = |share: usize| ns[(ns.len() - 1) * share / 100];
                let (us, ms) = (work_ns / 1_000, budget_ns / 1_000_000);
                println!("| {name} | {us} µs | {ms} ms | {} | {} |", at(50), at(99));
            }
        }
    }
}
