//! Observation without cost: logic says what happened, a probe decides whether anyone listens.

use crate::core_pair::Foreign;
use crate::id::{CoreId, SlotId, TaskId, Token};
use crate::retire::Outcome;

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
    /// A condition was met.
    Met {
        /// Whose it was.
        slot: SlotId,
        /// The address it watched.
        addr: u64,
        /// The value seen.
        observed: u32,
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
