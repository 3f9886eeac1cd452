//! The steps of threads: in lockstep whole, with their phases; in parallel a FIN's handling alone.

use finbox_scheduler::Event;

use super::{Most, NEVER, Rank, Recording, Role};
use crate::timeline::Step;

/// The step that a lockstep world is taking.
#[derive(Debug, Default)]
pub(super) struct Current {
    began_ns: u64,
    /// Up to when its phases are known.
    until_ns: u64,
    is_dispatch: bool,
    /// Whether nothing happened in it yet.
    is_fresh: bool,
    last: usize,
    ns: [u32; 4],
}

/// Phases as places in [`Role::phases`].
const FIRST: usize = 0;
const RETIRE: usize = 1;
const SETTLE: usize = 1;
const PUSH: usize = 2;
const FINISH_DEFERRED: usize = 2;
const FINISH_INLINE: usize = 3;
const DISPATCH: usize = 3;

impl Current {
    /// What the thread does when this happens.
    const fn phase(&self, event: Event) -> usize {
        match (self.is_dispatch, event) {
            (true, Event::Finished { .. }) => FINISH_DEFERRED,
            (true, Event::Dispatched { .. } | Event::Skipped { .. }) => DISPATCH,
            (true, _) => SETTLE,
            (false, Event::Finished { .. }) => FINISH_INLINE,
            (false, Event::Pushed { .. } | Event::Locked { .. } | Event::Unlocked { .. }) => PUSH,
            (false, _) => RETIRE,
        }
    }

    fn mark(&mut self, phase: usize, now: u64) {
        let passed = now.saturating_sub(self.until_ns);
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        self.ns[phase] = self.ns[phase].saturating_add(passed);
        (self.until_ns, self.last) = (now, phase);
    }
}

impl Recording<'_> {
    /// Lockstep: somebody's step begins, the dispatch thread's or another.
    pub(in crate::world) fn begin_step(&self, is_dispatch: bool) {
        let now = self.meter.now();
        *self.current.lock() = Current {
            began_ns: now,
            until_ns: now,
            is_dispatch,
            is_fresh: true,
            last: FIRST,
            ns: [0; 4],
        };
    }

    /// Lockstep: something is about to happen in a step.
    pub(in crate::world) fn before(&self, event: Event) {
        let mut current = self.current.lock();
        let phase = match current.is_fresh {
            true => FIRST,
            false => current.phase(event),
        };
        current.is_fresh = false;
        current.mark(phase, self.meter.now());
    }

    /// Lockstep: it has happened, and was charged.
    pub(in crate::world) fn after(&self, event: Event) {
        let mut current = self.current.lock();
        let phase = current.phase(event);
        current.mark(phase, self.meter.now());
    }

    /// Lockstep: the step, of `rank` unless it is the submitter's, ends, and something came of it.
    pub(in crate::world) fn end_step(&self, rank: usize, role: Role) {
        let mut current = self.current.lock();
        let last = current.last;
        current.mark(last, self.meter.now());
        let step = Step {
            began_ns: current.began_ns,
            ns: current.ns,
        };
        match role {
            Role::Handler(handler) => {
                let mut rank = self.ranks[rank].lock();
                rank.step(handler.into(), step, self.most);
            }
            Role::Dispatch => {
                let mut rank = self.ranks[rank].lock();
                let last = rank.threads.len() - 1;
                rank.step(last, step, self.most);
            }
            Role::Submitter => {
                let mut submitter = self.submitter.lock();
                let (thread, left_out) = &mut *submitter;
                match thread.steps.len() < self.most.steps {
                    true => thread.steps.push(step),
                    false => *left_out += 1,
                }
            }
        }
    }
}

impl Rank {
    fn step(&mut self, thread: usize, step: Step, most: Most) {
        let steps = &mut self.threads[thread].steps;
        match steps.len() < most.steps / 4 {
            true => steps.push(step),
            false => self.left_out.steps += 1,
        }
    }

    /// Parallel: the handler of `core` is done with a FIN.
    pub(super) fn handled(&mut self, core: usize, now: u64, most: Most) {
        let began_ns = std::mem::replace(&mut self.handling[core], NEVER);
        if began_ns == NEVER {
            return;
        }
        let retire = u32::try_from(now.saturating_sub(began_ns)).unwrap_or(u32::MAX);
        let handler = usize::from(self.cores[core].handler);
        let mut step = Step {
            began_ns,
            ns: [0; 4],
        };
        step.ns[RETIRE] = retire;
        self.step(handler, step, most);
    }
}
