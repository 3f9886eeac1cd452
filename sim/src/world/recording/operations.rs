//! Puts, notifies and transfers, and the conditions that wait for them.

use std::ops::Range;

use super::{Condition, NEVER, NOBODY, Operation, Rank, Recording};
use crate::device::{CostModel, Registered};
use crate::engine::{EffectKind, EngineNote, Lane, Transfer, What};
use crate::timeline::{OperationKind, OperationRef, Watch};
use crate::workload::Programs;

impl Recording<'_> {
    /// Takes what the programs and engines of `rank` noted.
    pub(in crate::world) fn collect(&self, rank: usize, programs: &mut Programs<'_>, now: u64) {
        let notes = programs.engines.take_notes();
        let registered = programs.take_registered();
        if notes.is_empty() && registered.is_empty() {
            return;
        }
        let mut own = self.ranks[rank].lock();
        for note in notes {
            self.engine(rank, &mut own, note);
        }
        let registered_ns = self.at(now);
        for (task, condition) in registered {
            let (watch, post) = self.watch(rank, &condition);
            let posts = own.lanes.get(&watch).and_then(|posts| posts.get(post));
            let by = posts.map(|&index| OperationRef {
                rank: self.devices[rank].rank(),
                index,
            });
            let noted = Condition {
                task,
                watch,
                expected: condition.expected,
                registered_ns,
                met_ns: NEVER,
                by,
            };
            own.register((condition.addr, noted), self.most.operations);
        }
    }

    /// An effect of `rank` becomes what happens at `at`, if nothing comes between: its number.
    pub(in crate::world) fn issued(
        &self,
        rank: usize,
        (task, (planned, timed_bytes)): (u32, (Range<u64>, u64)),
        (now, at): (u64, u64),
        kind: &EffectKind,
    ) -> u32 {
        let index = u32::try_from(rank).expect("a run has at most 64 ranks");
        let issued_ns = self.at(now);
        let began = match self.meter.is_virtual() {
            true => planned.start.saturating_add(now).min(at),
            false => issued_ns,
        };
        let cost = self.devices[rank].cost();
        let (operation, bytes, planned_ns) = match *kind {
            EffectKind::Put { .. } => (OperationKind::Put, timed_bytes, cost.put(timed_bytes)),
            EffectKind::Notify { counter, .. } => {
                (OperationKind::Notify { counter }, 0, cost.notify_ns)
            }
            EffectKind::EngineDone { counter, .. } => {
                let timer = OperationKind::Timer { counter };
                (timer, timed_bytes, planned.end - planned.start)
            }
        };
        let operation = Operation {
            kind: operation,
            task,
            from: index,
            to: kind.rank(),
            bytes,
            issued_ns,
            began_ns: began,
            ended_ns: NEVER,
            planned_ns,
            value: 0,
        };
        let mut own = self.ranks[rank].lock();
        own.add_operation(operation, self.most.operations)
    }

    /// An effect has happened; `operation`: what [`issued`](Self::issued) said.
    pub(in crate::world) fn applied(&self, rank: usize, operation: u32, now: u64) {
        let mut own = self.ranks[rank].lock();
        let Some(operation) = own.operations.get_mut(operation as usize) else {
            return;
        };
        operation.ended_ns = self.at(now);
        let counter = operation.counter();
        operation.value = self.value(operation.to as usize, counter);
    }

    fn value(&self, rank: usize, counter: Option<u32>) -> u32 {
        let device = &self.devices[rank];
        counter.map_or(0, |counter| {
            device.dram().load_u32(device.counter_address(counter))
        })
    }

    /// An engine of `rank` said what it does.
    fn engine(&self, rank: usize, own: &mut Rank, note: EngineNote) {
        let EngineNote { nth, at, what } = note;
        let at = self.at(at);
        if let What::Posted(task, posted) = what {
            let operation = transfer(self.devices[rank].cost(), rank, (task, posted), at);
            let index = own.add_operation(operation, self.most.operations);
            own.posts.push(index);
            let posts = own.lanes.entry(Watch::Post(posted.0)).or_default();
            posts.push(index);
            return;
        }
        let place = usize::try_from(nth).ok().and_then(|nth| own.posts.get(nth));
        let Some(operation) = place.and_then(|&at| own.operations.get_mut(at as usize)) else {
            return;
        };
        match what {
            What::Posted(..) => {}
            What::Began => operation.began_ns = at,
            What::Ended(failed) => {
                operation.ended_ns = at;
                operation.value = self.value(rank, operation.counter());
                if let OperationKind::Transfer { status, .. } = &mut operation.kind {
                    *status = failed;
                }
            }
        }
    }

    /// What a condition of `rank` watches, and which post to it, from 0, if it is a queue.
    fn watch(&self, rank: usize, condition: &Registered) -> (Watch, usize) {
        let layout = self.devices[rank].layout();
        let addr = condition.addr;
        let index = |found: Option<usize>| found.and_then(|found| u16::try_from(found).ok());
        let stream = layout.event_records().iter().position(|&at| at == addr);
        if let Some(stream) = index(stream) {
            let post = usize::try_from(condition.cookie).unwrap_or(0);
            return (Watch::Post(Lane::Sdma { stream }), post.wrapping_sub(1));
        }
        let queues = layout.completion_queues();
        let queue = queues.iter().position(|queue| queue.addr() == addr);
        if let Some(queue) = index(queue) {
            let first = queues[usize::from(queue)].next();
            let head = condition.cookie & u64::from(u32::MAX);
            let head = u32::try_from(head).expect("32 bits");
            let post = head.wrapping_sub(first) as usize;
            return (Watch::Post(Lane::Urma { queue }), post.wrapping_sub(1));
        }
        let counter = self.counters[rank].get(&addr);
        let watch = counter.map_or(Watch::Address(addr), |&counter| Watch::Counter(counter));
        (watch, usize::MAX)
    }
}

/// A transfer that was posted.
fn transfer(
    cost: &CostModel,
    rank: usize,
    (task, (lane, moved)): (u32, (Lane, Transfer)),
    at: u64,
) -> Operation {
    let cost = match lane {
        Lane::Sdma { .. } => cost.sdma,
        Lane::Urma { .. } => cost.urma,
        Lane::Roce { .. } => cost.roce,
        Lane::Ccu { .. } => cost.ccu,
    };
    let own = u32::try_from(rank).expect("a run has at most 64 ranks");
    let (from, to) = moved.ends(own);
    Operation {
        kind: OperationKind::Transfer { lane, status: 0 },
        task,
        from,
        to,
        bytes: moved.timed_bytes,
        issued_ns: at,
        began_ns: NEVER,
        ended_ns: NEVER,
        planned_ns: cost.takes(moved.timed_bytes),
        value: 0,
    }
}

impl Rank {
    fn add_operation(&mut self, operation: Operation, most: usize) -> u32 {
        if self.operations.len() >= most {
            self.left_out.operations += 1;
            return NOBODY;
        }
        self.operations.push(operation);
        u32::try_from(self.operations.len() - 1).expect("at most 2²⁰ operations are recorded")
    }

    fn register(&mut self, (addr, condition): (u64, Condition), most: usize) {
        if self.conditions.len() >= most {
            self.left_out.conditions += 1;
            return;
        }
        let index = u32::try_from(self.conditions.len()).expect("at most 2²⁰ are recorded");
        let unmet = self.unmet.entry(condition.task).or_default();
        unmet.push((addr, index));
        self.conditions.push(condition);
    }
}
