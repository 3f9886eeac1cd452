//! Observation without cost: logic says what happened, a probe decides whether anyone listens.

use finbox_mailbox::Engine;

use core::num::NonZeroU32;

use crate::core_pair::Foreign;
use crate::fault::Fault;
use crate::id::{CoreId, SlotId, TaskId, Token};
use crate::locked::Holder;
use crate::retire::Outcome;
use crate::spec::Subtasks;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A task was wired in.
    Submitted {
        /// Its slot.
        slot: SlotId,
        /// Its number.
        task: TaskId,
    },
    /// A token was installed and its doorbell rung.
    Dispatched {
        /// On which core.
        core: CoreId,
        /// Which token.
        token: Token,
        /// For which slot.
        slot: SlotId,
    },
    /// A token finished and its record was taken.
    Observed {
        /// On which core.
        core: CoreId,
        /// Which token.
        token: Token,
        /// Whose it was.
        slot: SlotId,
    },
    /// A COND word that belongs to no token in flight.
    Foreign {
        /// On which core.
        core: CoreId,
        /// The register.
        cond: u32,
        /// What it is.
        kind: Foreign,
    },
    /// A handler pushed messages.
    Pushed {
        /// For which slot.
        slot: SlotId,
        /// How many were accepted.
        accepted: u32,
        /// How many were refused and are still owed.
        owed: u32,
    },
    /// A message was taken that cannot be acted on.
    Refused {
        /// Its position in the mailbox's life.
        position: u64,
        /// The slot it names.
        slot: SlotId,
    },
    /// A position of the condemned mailbox was claimed and never published.
    Missing {
        /// Which one.
        position: u64,
        /// Who announced it, if it had a line: a handler's number counted from 1, or a name.
        claimer: Option<NonZeroU32>,
    },
    /// A handler is done with a FIN: what it owes is pushed, kept, or finished.
    Handled {
        /// On which core.
        core: CoreId,
        /// Which token.
        token: Token,
    },
    /// Something failed. The first of a run decides its error; all are told.
    Raised {
        /// What, and whose.
        fault: Fault,
        /// On which core, where one is to blame.
        core: Option<CoreId>,
    },
    /// A token did not finish within its budget. Its task failed, if its outcome was open.
    Overdue {
        /// On which core.
        core: CoreId,
        /// Which token.
        token: Token,
        /// Whose it is.
        slot: SlotId,
        /// Which block of the task.
        block: u16,
        /// Which subtask of a mixed block; empty for other shapes.
        subtask: Subtasks,
    },
    /// A core was taken out of the pool.
    Quarantined {
        /// Which one.
        core: CoreId,
    },
    /// A core that was out of the pool because of a late token is back.
    Returned {
        /// Which one.
        core: CoreId,
        /// The token that was late.
        token: Token,
        /// By how many ns, as far as the dispatch thread saw.
        late_ns: u64,
    },
    /// A task's predicate was false: it retires without running.
    Skipped {
        /// Its slot.
        slot: SlotId,
    },
    /// A condition was met.
    Met {
        /// Whose it was.
        slot: SlotId,
        /// The address it watched.
        addr: u64,
        /// The value seen: of the counter, the completed post id, the queue's position.
        observed: u64,
    },
    /// A counter stands lower than when it was looked at before.
    WentBack {
        /// Who waits for it.
        slot: SlotId,
        /// Its address.
        addr: u64,
        /// What it was.
        from: u64,
        /// What it is.
        to: u64,
    },
    /// An engine said that the work behind a condition failed.
    EngineFailed {
        /// Whose condition it was.
        slot: SlotId,
        /// Which engine.
        engine: Engine,
        /// Its error code or status.
        code: u32,
    },
    /// A condition waits for a rank that was declared dead.
    PeerLost {
        /// Whose condition it is.
        slot: SlotId,
        /// Which rank.
        rank: u32,
    },
    /// `locked` baseline: the wait list's lock was taken.
    Locked {
        /// By whom.
        by: Holder,
    },
    /// `locked` baseline: the wait list's lock was given back.
    Unlocked {
        /// By whom.
        by: Holder,
    },
    /// A task's outcome was decided.
    Finished {
        /// Its slot.
        slot: SlotId,
        /// Its number.
        task: TaskId,
        /// How it ended.
        outcome: Outcome,
        /// On the FIN thread, without mailbox or lock.
        inline: bool,
        /// The task whose failure cancelled this one.
        cause: Option<TaskId>,
    },
    /// A condition waits for a timeline that has ended.
    TimelineLost {
        /// Whose condition it is.
        slot: SlotId,
        /// Which timeline, by the number that the condition names.
        timeline: u32,
    },
    /// An item was pushed into the work ring.
    Offered {
        /// Of which slot.
        slot: SlotId,
        /// Where it stands.
        position: u64,
    },
    /// A worker said that it was through with an item, and that is believed.
    Worked {
        /// Of which slot.
        slot: SlotId,
        /// Where it stood.
        position: u64,
        /// 0, or the worker's own code: it failed.
        status: u32,
        /// Its task had its outcome before.
        is_late: bool,
    },
    /// An item did not come back within its task's run budget. The task failed.
    WorkOverdue {
        /// Of which slot.
        slot: SlotId,
        /// Where it stands.
        position: u64,
    },
    /// A worker died with an item in hand.
    WorkerLost {
        /// Of which slot, as the item says.
        slot: SlotId,
        /// Where it stood.
        position: u64,
        /// The worker's name.
        worker: NonZeroU32,
        /// The item is pushed again.
        again: bool,
    },
}

/// Somebody who may listen. Called from several threads at once.
pub trait Probe: Sync {
    /// Something happened.
    fn event(&self, event: Event);
}

/// Nobody listens; inlined away.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {
    #[inline(always)]
    fn event(&self, _event: Event) {}
}
