//! Scopes of a random rank, and what must fit while one of them is open.
//!
//! What a scope holds comes back when it closes, which only the submitter can do: slots, nodes and
//! output memory must suffice for all that is submitted until then.

use finbox_scheduler::OUTPUT_ALIGN;

use super::draw::Draw;
use crate::workload::plan::{RankPlan, Span, TaskPlan, index};

/// Deepest that scopes of a random rank go: two of them share the last ring.
const DEEPEST: u8 = 5;

/// How a rank opens and closes scopes.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    is_used: bool,
    depth: u8,
}

impl Scopes {
    pub(super) const fn draw(draw: &mut Draw) -> Self {
        Self {
            is_used: draw.one_in(2),
            depth: 0,
        }
    }

    /// Now and then: scopes open before `task`, or close behind it.
    pub(super) fn place(&mut self, task: &mut TaskPlan, draw: &mut Draw) {
        if !self.is_used {
            return;
        }
        if draw.one_in(5) {
            task.opens = draw.pick(&[1, 1, 2, 3]).min(DEEPEST - self.depth);
            self.depth += task.opens;
        }
        if draw.one_in(4) {
            task.closes = draw.pick(&[1, 2, DEEPEST]).min(self.depth);
            self.depth -= task.closes;
        }
    }

    /// Closes what is open behind the last of `tasks`.
    pub(super) fn close(&mut self, tasks: &mut [TaskPlan]) {
        if let Some(last) = tasks.last_mut() {
            last.closes += std::mem::take(&mut self.depth);
        }
    }
}

/// What a rank must have room for at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    /// Tasks.
    pub(super) tasks: u32,
    /// Dependency nodes.
    pub(super) nodes: u32,
    /// Output bytes.
    pub(super) bytes: u64,
}

impl Held {
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            tasks: self.tasks.max(other.tasks),
            nodes: self.nodes.max(other.nodes),
            bytes: self.bytes.max(other.bytes),
        }
    }

    /// The most that an outermost scope of `plan` holds, or a task outside of all needs, and as
    /// many bytes again as may be passed over at the end of a ring.
    pub(super) fn most_of(plan: &RankPlan) -> Self {
        let (mut most, mut sum, mut largest, mut depth) = (Self::default(), Self::default(), 0, 0);
        for (nth, task) in plan.tasks.iter().enumerate() {
            depth += task.opens;
            let bytes = task.output_bytes.next_multiple_of(OUTPUT_ALIGN);
            largest = bytes.max(largest);
            sum.tasks += 1;
            sum.nodes += before(plan, nth);
            sum.bytes += bytes;
            most = most.max(sum);
            depth -= task.closes;
            if depth == 0 {
                sum = Self::default();
            }
        }
        most.bytes += largest;
        most
    }
}

/// How many tasks task `nth` of `plan` may have to be wired behind, at most.
fn before(plan: &RankPlan, nth: usize) -> u32 {
    let overlaps =
        |one: &Span, other: &Span| one.at < other.at + other.bytes && other.at < one.at + one.bytes;
    let (earlier, rest) = plan.tasks.split_at(nth);
    let uses = &rest[0].uses;
    let conflicts = |other: &&TaskPlan| {
        let mut pairs = uses
            .iter()
            .flat_map(|one| other.uses.iter().map(move |two| (one, two)));
        pairs.any(|(one, two)| overlaps(&one.span, &two.span))
    };
    index(rest[0].after.len() + earlier.iter().filter(conflicts).count())
}
