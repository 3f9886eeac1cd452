//! What is refused, why, and which fault it is: a task as such, and a task with no room for it.

use thiserror::Error;

use crate::fault::FaultCode;
use crate::id::SlotId;
use crate::limits::{MAX_BLOCKS, MAX_CONDITIONS};
use crate::scheduler::Scheduler;
use crate::spec::{Shape, Subtasks, TaskSpec};

/// Why a task was not wired in. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// Every slot of the ring is in use, and the oldest will be free one day. Try again.
    #[error("all {slots} task slots of ring {ring} are in use; the oldest task is not finished")]
    RingFull {
        /// Which ring.
        ring: u8,
        /// Slots of the ring.
        slots: u32,
    },
    /// Fewer free dependency nodes than dependencies. Try again.
    #[error("{needed} dependency nodes needed, {free} free of {total}")]
    NoNodes {
        /// Nodes for what is unfinished.
        needed: u32,
        /// Nodes free now.
        free: u32,
        /// Nodes in all.
        total: u32,
    },
    /// The ring has not so much output memory in one piece now. Try again.
    #[error("{needed} output bytes needed in one piece; {used} of {total} of ring {ring} are used")]
    NoHeap {
        /// Which ring.
        ring: u8,
        /// Bytes of this task.
        needed: u64,
        /// Bytes in use now.
        used: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The ring is full, and its oldest task is held by a scope that is open: no slot will ever
    /// be free before that scope closes.
    #[error(
        "all {slots} task slots of ring {ring} are in use, and the oldest is held by the open \
         scope at depth {by} of {depth}, which has {tasks} tasks with {bytes} output bytes; more \
         than {slots} slots are needed"
    )]
    SlotsHeld {
        /// Which ring.
        ring: u8,
        /// Slots of the ring.
        slots: u32,
        /// Scopes that are open.
        depth: u8,
        /// Depth of the scope that holds the oldest task.
        by: u8,
        /// Tasks of that scope.
        tasks: u32,
        /// Output bytes of these tasks.
        bytes: u64,
    },
    /// Too few nodes are free, and no ring will give any back before a scope closes.
    #[error(
        "{needed} dependency nodes needed, {free} free of {total}; the others come back when the \
         open scope at depth {by} closes, which has {tasks} tasks"
    )]
    NodesHeld {
        /// Nodes for what is unfinished.
        needed: u32,
        /// Nodes free now.
        free: u32,
        /// Nodes in all.
        total: u32,
        /// Depth of a scope that holds a ring's oldest task.
        by: u8,
        /// Tasks of that scope.
        tasks: u32,
    },
    /// The output memory is in use, and its oldest part is held by a scope that is open.
    #[error(
        "{needed} output bytes needed in one piece; {used} of {total} of ring {ring} are used, \
         and the oldest are held by the open scope at depth {by} of {depth}, which has {tasks} \
         tasks with {bytes} output bytes"
    )]
    HeapHeld {
        /// Which ring.
        ring: u8,
        /// Bytes of this task.
        needed: u64,
        /// Bytes in use now.
        used: u64,
        /// Bytes in all.
        total: u64,
        /// Scopes that are open.
        depth: u8,
        /// Depth of the scope that holds the oldest task.
        by: u8,
        /// Tasks of that scope.
        tasks: u32,
        /// Output bytes of these tasks.
        bytes: u64,
    },
    /// More unfinished dependencies than there are nodes: trying again cannot help.
    #[error(
        "a task with {needed} unfinished dependencies can never be wired: there are {total} nodes"
    )]
    NeverEnoughNodes {
        /// Nodes for what is unfinished.
        needed: u32,
        /// Nodes in all.
        total: u32,
    },
    /// More output bytes than the ring has.
    #[error("{needed} output bytes can never be reserved: ring {ring} has {total}")]
    NeverEnoughHeap {
        /// Which ring.
        ring: u8,
        /// Bytes of this task.
        needed: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The task is malformed.
    #[error("{field} is {value}; {least} to {most} is allowed")]
    Field {
        /// Which field of it.
        field: &'static str,
        /// What it says.
        value: u64,
        /// Smallest value allowed.
        least: u64,
        /// Largest value allowed.
        most: u64,
    },
    /// Its bound of conditions is larger than the whole condition room.
    #[error("a task that may register {may_defer} conditions needs more than the room of {total}")]
    NeverEnoughRoom {
        /// What it said.
        may_defer: u8,
        /// Room in all.
        total: u32,
    },
    /// All its blocks are to start together, and the chip has fewer places for them.
    #[error(
        "{needed} blocks are to start together, and this chip has cores for {available} of shape \
         {shape:?}"
    )]
    Cohort {
        /// Blocks of the task.
        needed: u32,
        /// Blocks that can start at once while everything is idle.
        available: u32,
        /// What a block needs.
        shape: Shape,
    },
    /// A task for workers, and this scheduler was made without a work ring.
    #[error("a task for workers needs a work ring, and this scheduler was made without one")]
    NoWorkRing,
    /// The chip has no core of this shape.
    #[error("this chip has no core for a task of shape {0:?}")]
    NoCore(Shape),
    /// A dependency names no slot, or a life that has not begun.
    #[error("dependency {0:?} names no task that was ever submitted here")]
    UnknownDependency(SlotId),
    /// A task that is to be retained has been reclaimed already. A scope would have held it.
    #[error("dependency {0:?} cannot be retained: it was reclaimed already")]
    Reclaimed(SlotId),
    /// The ring's slots have lived 2³² lives each.
    #[error("every task slot has used up its generations")]
    WornOut,
}

impl SubmitError {
    /// Whether the same task can be wired in later, without closing a scope.
    pub const fn is_temporary(&self) -> bool {
        self.code().is_none()
    }

    /// Which fault it is; `None` if it is temporary.
    pub const fn code(&self) -> Option<FaultCode> {
        Some(match self {
            Self::RingFull { .. } | Self::NoNodes { .. } | Self::NoHeap { .. } => return None,
            Self::SlotsHeld { depth, by, .. } if *depth == *by => FaultCode::ScopeDeadlock,
            Self::SlotsHeld { .. } => FaultCode::FlowControlDeadlock,
            Self::HeapHeld { .. } | Self::NeverEnoughHeap { .. } => FaultCode::HeapRingDeadlock,
            Self::NodesHeld { .. } | Self::NeverEnoughNodes { .. } => FaultCode::DepPoolOverflow,
            Self::NeverEnoughRoom { .. } => FaultCode::ConditionRoomExhausted,
            Self::Cohort { .. } => FaultCode::RequireSyncStartInvalid,
            Self::Field { .. }
            | Self::NoWorkRing
            | Self::NoCore(_)
            | Self::UnknownDependency(_)
            | Self::Reclaimed(_)
            | Self::WornOut => FaultCode::InvalidArgs,
        })
    }
}

/// Refuses what can never run.
#[inline]
pub(crate) fn check(scheduler: &Scheduler<'_>, spec: &TaskSpec) -> Result<(), SubmitError> {
    if !spec.is_valid() {
        return Err(wrong_field(spec));
    }
    let total = scheduler.room.total();
    if u32::from(spec.may_defer) > total {
        return Err(SubmitError::NeverEnoughRoom {
            may_defer: spec.may_defer,
            total,
        });
    }
    if !can_run(scheduler, spec) {
        return Err(match spec.shape {
            Shape::Work => SubmitError::NoWorkRing,
            shape => SubmitError::NoCore(shape),
        });
    }
    if spec.sync_start {
        return check_cohort(scheduler, spec);
    }
    Ok(())
}

/// Whether the chip has what a block of it needs.
fn can_run(scheduler: &Scheduler<'_>, spec: &TaskSpec) -> bool {
    match spec.shape {
        Shape::Mix => scheduler.capacity(spec.shape, spec.subtasks) > 0,
        shape => scheduler.can_run(shape),
    }
}

fn check_cohort(scheduler: &Scheduler<'_>, spec: &TaskSpec) -> Result<(), SubmitError> {
    let available = scheduler.capacity(spec.shape, spec.subtasks);
    let needed = u32::from(spec.blocks);
    let shape = spec.shape;
    if needed > available {
        return Err(SubmitError::Cohort {
            needed,
            available,
            shape,
        });
    }
    Ok(())
}

/// The field that makes a task invalid.
fn wrong_field(spec: &TaskSpec) -> SubmitError {
    let has_no_core = matches!(spec.shape, Shape::Dummy | Shape::Work);
    let with_core = |most: u64| if has_no_core { 0 } else { most };
    let blocks = if has_no_core {
        1
    } else {
        u64::from(MAX_BLOCKS)
    };
    let least_subtasks = u64::from(spec.shape == Shape::Mix);
    let fields = [
        ("the number of blocks", u64::from(spec.blocks), 1, blocks),
        (
            "the set of subtasks",
            u64::from(spec.subtasks.bits()),
            least_subtasks,
            u64::from(Subtasks::all().bits()),
        ),
        (
            "the bound of conditions",
            u64::from(spec.may_defer),
            0,
            with_core(u64::from(MAX_CONDITIONS)),
        ),
        (
            "the wish to start together",
            u64::from(spec.sync_start),
            0,
            with_core(1),
        ),
    ];
    let wrong = fields
        .into_iter()
        .find(|(_, value, least, most)| !(least..=most).contains(&value));
    let (field, value, least, most) = wrong.expect("an invalid task has an invalid field");
    SubmitError::Field {
        field,
        value,
        least,
        most,
    }
}
