//! Rounds of a collective: who puts what where, who waits for it, and the tasks that makes.
//!
//! Guarantees: every notification has a counter of its own, so that one which comes twice or too
//! early ends no other wait; a task waits for at most [`MAX_CONDITIONS`], and what is more becomes
//! further tasks; the tasks of one member follow each other. In the order that comes out, a
//! round's tasks stand behind those of the rounds before it, and in it who sends stands before who
//! only waits: so a wait ends by tasks that stand before it, or beside it and begin without it.
//! Called by `collective`.

use finbox_scheduler::Shape;
use finbox_scheduler::limits::MAX_CONDITIONS;

use crate::device::CounterPlace;
use crate::workload::op::{EngineTime, Op};
use crate::workload::plan::{RankPlan, Span, TaskPlan, index};

use super::LAUNCH_NS;

/// The rounds of one collective, as far as they are planned.
pub(super) struct Rounds<'a> {
    ranks: &'a mut [RankPlan],
    /// The members' ranks, as indices.
    members: Vec<u32>,
    /// What each member does in the round that is being planned.
    parts: Vec<Part>,
    tasks: Vec<Vec<TaskPlan>>,
    order: Vec<(u32, u32)>,
}

/// What one member does in a round.
#[derive(Clone, Default)]
struct Part {
    /// In its own memory, before it sends.
    local: Vec<Op>,
    sends: Vec<Op>,
    /// Counters that must be at 1.
    waits: Vec<u32>,
}

/// Bytes that one member puts into another's data.
#[derive(Clone, Copy)]
pub(super) struct Move {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) bytes: u64,
    pub(super) timed_bytes: u64,
}

/// The tasks of a collective.
pub(super) struct Built {
    /// Of each member, in the order in which they follow each other.
    pub(super) tasks: Vec<Vec<TaskPlan>>,
    /// The order over all members: member and task.
    pub(super) order: Vec<(u32, u32)>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(ranks: &'a mut [RankPlan], members: Vec<u32>) -> Self {
        let count = members.len();
        Self {
            ranks,
            members,
            parts: vec![Part::default(); count],
            tasks: vec![Vec::new(); count],
            order: Vec::new(),
        }
    }

    /// How many members there are.
    pub(super) fn count(&self) -> usize {
        self.members.len()
    }

    /// The rank of a member.
    pub(super) fn plan(&mut self, member: usize) -> &mut RankPlan {
        &mut self.ranks[self.members[member] as usize]
    }

    /// In its next task, before it sends, `member` does `op`.
    pub(super) fn local(&mut self, member: usize, op: Op) {
        self.parts[member].local.push(op);
    }

    /// In this round `from` puts what `moved` says and then notifies `to`, which waits for that.
    pub(super) fn send(&mut self, from: usize, to: usize, moved: Move) {
        let peer = self.members[to];
        let counter = self.plan(to).add_counter(CounterPlace::Packed);
        let put = Op::PutTimed {
            peer,
            from: moved.from,
            to: moved.to,
            bytes: moved.bytes,
            timed_bytes: moved.timed_bytes,
        };
        let put = (moved.bytes > 0).then_some(put);
        let add = 1;
        let notify = Op::Notify { peer, counter, add };
        self.parts[from]
            .sends
            .extend(put.into_iter().chain([notify]));
        self.parts[to].waits.push(counter);
    }

    /// In this round `from` notifies `to`, which waits for that.
    pub(super) fn notify(&mut self, from: usize, to: usize) {
        let nothing = Move {
            from: 0,
            to: 0,
            bytes: 0,
            timed_bytes: 0,
        };
        self.send(from, to, nothing);
    }

    /// In this round `member` starts an engine and waits until it is done.
    pub(super) fn engine(&mut self, member: usize, time: EngineTime) {
        let counter = self.plan(member).add_counter(CounterPlace::Packed);
        self.parts[member].sends.push(Op::Engine { counter, time });
        self.parts[member].waits.push(counter);
    }

    /// Ends the round. Who neither sends nor waits keeps what it does locally for its next task.
    pub(super) fn end(&mut self) {
        for sends in [true, false] {
            for member in 0..self.count() {
                let part = &self.parts[member];
                let is_turn = part.sends.is_empty() != sends;
                if is_turn && (sends || !part.waits.is_empty()) {
                    self.add(member);
                }
            }
        }
    }

    /// What all members' parts become, `outputs` being what the last task of each leaves.
    pub(super) fn finish(mut self, outputs: &[Option<Span>]) -> Built {
        for (member, &output) in outputs.iter().enumerate() {
            if !self.parts[member].local.is_empty() {
                self.add(member);
            }
            if let Some(last) = self.tasks[member].last_mut() {
                last.output = output;
            }
        }
        let Self { tasks, order, .. } = self;
        Built { tasks, order }
    }

    fn add(&mut self, member: usize) {
        let Part {
            local,
            sends,
            waits,
        } = std::mem::take(&mut self.parts[member]);
        let mut program: Vec<Op> = local.into_iter().chain(sends).collect();
        let mut waits = waits.as_slice();
        loop {
            let (now, later) = waits.split_at(waits.len().min(MAX_CONDITIONS as usize));
            program.extend(now.iter().map(|&counter| Op::Await {
                counter,
                expected: 1,
            }));
            let tasks = &mut self.tasks[member];
            self.order.push((index(member), index(tasks.len())));
            tasks.push(TaskPlan {
                defers: u8::try_from(now.len()).expect("MAX_CONDITIONS fit 8 bits"),
                program: std::mem::take(&mut program).into(),
                ..TaskPlan::new("", Shape::Aiv, LAUNCH_NS)
            });
            waits = later;
            if waits.is_empty() {
                return;
            }
        }
    }
}
