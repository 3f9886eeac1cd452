//! What a kernel does: the operations of programs.
//!
//! Plain data. Guarantees: an operation means the same bytes whenever and wherever it runs, once
//! its part of the task is known ([`Op::in_part`]). Checked by
//! [`Workload::check`](super::Workload::check), done by [`run`](super::run).

use std::borrow::Cow;

use finbox_scheduler::{Shape, Subtasks};

use crate::engine::{Lane, Transfer};

use super::plan::TaskPlan;
use super::service::Service;

/// One step of a kernel. Offsets of words are multiples of 4.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Copies within the rank's data; the ranges do not overlap.
    Copy {
        /// First byte read.
        from: u64,
        /// First byte written.
        to: u64,
        /// How many.
        bytes: u64,
    },
    /// Writes one word.
    StoreU32 {
        /// Where.
        at: u64,
        /// What.
        value: u32,
    },
    /// Writes one word over and over.
    FillU32 {
        /// First word.
        at: u64,
        /// How many words.
        count: u64,
        /// What.
        value: u32,
    },
    /// Writes [`pattern`](super::pattern) bytes.
    FillPattern {
        /// First byte.
        at: u64,
        /// How many.
        bytes: u64,
        /// Which pattern.
        seed: u64,
    },
    /// `to[i] = from[i] + add` over words, wrapping; the ranges do not overlap, or are the same.
    AddU32 {
        /// First word read.
        from: u64,
        /// First word written.
        to: u64,
        /// How many words.
        count: u64,
        /// What is added.
        add: u32,
    },
    /// `to[i] += from[i]` over words, wrapping.
    AccumulateU32 {
        /// First word read.
        from: u64,
        /// First word changed.
        to: u64,
        /// How many words.
        count: u64,
    },
    /// Writes words in rising order; the ranges do not overlap, or are the same.
    SortU32 {
        /// First word read.
        from: u64,
        /// First word written.
        to: u64,
        /// How many words.
        count: u64,
    },
    /// `to[i]` = where `left[i]` stands first in `right`, whose words rise; `u32::MAX` if nowhere.
    /// What is written does not overlap what is read.
    JoinU32 {
        /// First word looked up.
        left: u64,
        /// First word it is looked up in.
        right: u64,
        /// First word written.
        to: u64,
        /// How many words each of the three has.
        count: u64,
    },
    /// `to[i] = from[i] × by` over `f32` values; the ranges do not overlap, or are the same.
    ScaleF32 {
        /// First value read.
        from: u64,
        /// First value written.
        to: u64,
        /// How many values.
        count: u64,
        /// The factor.
        by: f32,
    },
    /// `to[i] = from[i] + add` over `f32` values; the ranges do not overlap, or are the same.
    AddF32 {
        /// First value read.
        from: u64,
        /// First value written.
        to: u64,
        /// How many values.
        count: u64,
        /// What is added.
        add: f32,
    },
    /// As `AddF32`, of what a counter of this rank says when the kernel runs.
    AddCounterF32 {
        /// First value read.
        from: u64,
        /// First value written.
        to: u64,
        /// How many values.
        count: u64,
        /// The counter, less than 2²⁴.
        counter: u32,
    },
    /// Looks for the patterns of a rule set of this rank, and writes what a
    /// [`Scanned`](super::Scanned) says, as two words; bytes read and words written do not overlap.
    Scan {
        /// First byte looked at.
        from: u64,
        /// First word written.
        to: u64,
        /// How many bytes are looked at.
        bytes: u64,
        /// The rule set, as an index.
        rules: u32,
    },
    /// Serves the rank's work ring: does the items in it until it is closed and empty.
    Serve(Service),
    /// Copies into a peer's data; visible later, and before any notify that follows.
    Put {
        /// The peer, as an index.
        peer: u32,
        /// First byte read, in the own data.
        from: u64,
        /// First byte written, in the peer's data.
        to: u64,
        /// How many.
        bytes: u64,
    },
    /// As `Put`, for the time that more bytes would take.
    PutTimed {
        /// The peer, as an index.
        peer: u32,
        /// First byte read, in the own data.
        from: u64,
        /// First byte written, in the peer's data.
        to: u64,
        /// How many.
        bytes: u64,
        /// How many bytes the time of the put is reckoned for.
        timed_bytes: u64,
    },
    /// As `Put`, of [`pattern`](super::pattern) bytes that stand nowhere in the own data.
    PutPattern {
        /// The peer, as an index.
        peer: u32,
        /// First byte written, in the peer's data.
        to: u64,
        /// How many.
        bytes: u64,
        /// Which pattern.
        seed: u64,
        /// How many bytes the time of the put is reckoned for.
        timed_bytes: u64,
    },
    /// Adds to a peer's counter, after the puts before it.
    Notify {
        /// The peer, as an index.
        peer: u32,
        /// The peer's counter.
        counter: u32,
        /// By how much.
        add: u32,
    },
    /// Posts a transfer to a queue of one of this rank's engines; it happens later.
    Post {
        /// Which queue.
        lane: Lane,
        /// What is moved.
        transfer: Transfer,
    },
    /// Registers a condition: what this program posted last to `lane` is complete.
    AwaitPost {
        /// Which queue.
        lane: Lane,
    },
    /// Does `op` in some subtasks, each block with its own bytes.
    PerBlock {
        /// The subtasks of a mixed task that do it; empty: all of them, and tasks of one core.
        subtasks: Subtasks,
        /// How far apart two blocks are: block `b` does `op` with `b × stride` added to its
        /// offsets, a peer's included.
        stride: u64,
        /// What; not another `PerBlock`.
        op: Box<Op>,
    },
    /// Starts an engine of which only its time is known: it adds 1 to a counter of this rank when
    /// it is done. Any number run at once.
    Engine {
        /// The counter.
        counter: u32,
        /// How long it takes.
        time: EngineTime,
    },
    /// Registers a condition: counter of this rank ≥ `expected`.
    Await {
        /// The counter.
        counter: u32,
        /// Value to reach.
        expected: u32,
    },
}

/// How long an engine takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineTime {
    /// As long as the cost model says for so many bytes.
    Bytes(u64),
    /// So many ns.
    Ns(u64),
    /// As long as the collective unit takes for so many bytes in so many rounds, one at least,
    /// each of which has its latency.
    Rounds {
        /// How many rounds.
        rounds: u32,
        /// How many bytes, all rounds together.
        bytes: u64,
    },
}

/// One run of a program: a block of a task, and which subtask of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The block, from 0.
    pub block: u16,
    /// The subtask; empty for tasks that are not mixed.
    pub subtask: Subtasks,
}

impl Part {
    /// The only part of a task of one block that is not mixed.
    pub const WHOLE: Self = Self {
        block: 0,
        subtask: Subtasks::empty(),
    };

    /// The parts of `task`, block after block.
    pub fn all_of(task: &TaskPlan) -> impl Iterator<Item = Self> + use<> {
        let (is_mixed, subtasks) = (task.shape == Shape::Mix, task.subtasks);
        (0..task.blocks).flat_map(move |block| {
            let each = is_mixed.then(|| subtasks.iter()).into_iter().flatten();
            let only = (!is_mixed).then(Subtasks::empty);
            each.chain(only).map(move |subtask| Self { block, subtask })
        })
    }
}

impl Op {
    /// What this operation is in `part`, for an operation of all parts; None: it is not done there.
    #[inline]
    pub fn in_part(&self, part: Part) -> Option<Cow<'_, Self>> {
        let Self::PerBlock {
            subtasks,
            stride,
            op,
        } = self
        else {
            return Some(Cow::Borrowed(self));
        };
        let is_done = subtasks.is_empty() || subtasks.contains(part.subtask);
        let shift = u64::from(part.block).saturating_mul(*stride);
        is_done.then(|| Cow::Owned(op.shifted(shift)))
    }

    /// Its name, as graph files call it; of one for some parts, that of what is done there.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Copy { .. } => "copy",
            Self::StoreU32 { .. } => "store",
            Self::FillU32 { .. } => "fill",
            Self::FillPattern { .. } => "fill_pattern",
            Self::AddU32 { .. } => "add_u32",
            Self::AccumulateU32 { .. } => "accumulate_u32",
            Self::ScaleF32 { .. } => "scale_f32",
            Self::AddF32 { .. } => "add_f32",
            Self::AddCounterF32 { .. } => "add_counter_f32",
            Self::Put { .. } | Self::PutTimed { .. } => "put",
            Self::PutPattern { .. } => "put_pattern",
            Self::Notify { .. } => "notify",
            Self::Post { transfer, .. } => transfer.direction.name(),
            Self::AwaitPost { .. } => "await_post",
            Self::PerBlock { op, .. } => op.name(),
            Self::Engine { .. } => "engine",
            Self::Await { .. } => "await",
            Self::Scan { .. } => "scan",
            Self::SortU32 { .. } => "sort_u32",
            Self::JoinU32 { .. } => "join_u32",
            Self::Serve(_) => "serve",
        }
    }

    /// The operation with `by` added to every offset it names.
    fn shifted(&self, by: u64) -> Self {
        let mut op = self.clone();
        match &mut op {
            Self::Copy { from, to, .. }
            | Self::AddU32 { from, to, .. }
            | Self::AccumulateU32 { from, to, .. }
            | Self::SortU32 { from, to, .. }
            | Self::ScaleF32 { from, to, .. }
            | Self::AddF32 { from, to, .. }
            | Self::AddCounterF32 { from, to, .. }
            | Self::Scan { from, to, .. }
            | Self::Put { from, to, .. }
            | Self::PutTimed { from, to, .. } => move_both(from, to, by),
            Self::JoinU32 {
                left, right, to, ..
            } => {
                move_both(left, right, by);
                *to = to.saturating_add(by);
            }
            Self::Post { transfer, .. } => move_both(&mut transfer.from, &mut transfer.to, by),
            Self::StoreU32 { at, .. } | Self::FillU32 { at, .. } | Self::FillPattern { at, .. } => {
                *at = at.saturating_add(by)
            }
            Self::PutPattern { to, .. } => *to = to.saturating_add(by),
            Self::Notify { .. }
            | Self::Serve(_)
            | Self::Engine { .. }
            | Self::Await { .. }
            | Self::AwaitPost { .. }
            | Self::PerBlock { .. } => {}
        }
        op
    }

    /// How many bytes it looks for patterns in, which takes a time of its own: in the simulator
    /// that comes on top of its task's planned duration.
    pub const fn scanned_bytes(&self) -> Option<u64> {
        match self {
            Self::Scan { bytes, .. } => Some(*bytes),
            _ => None,
        }
    }

    /// Whether it registers a condition.
    const fn waits(&self) -> bool {
        matches!(self, Self::Await { .. } | Self::AwaitPost { .. })
    }
}

fn move_both(from: &mut u64, to: &mut u64, by: u64) {
    *from = from.saturating_add(by);
    *to = to.saturating_add(by);
}

/// How many conditions all parts of a task register together.
pub(super) fn conditions_of(task: &TaskPlan) -> u64 {
    let in_part = |part| {
        let ops = task.program.iter().filter_map(move |op| op.in_part(part));
        ops.filter(|op| op.waits()).count() as u64
    };
    if task.defers == 0 {
        return 0;
    }
    Part::all_of(task).map(in_part).sum()
}
