//! The completion side of an accelerator runtime: what happens when a core says FIN.
//!
//! Guarantees: every task finishes exactly once, after its last condition and before its consumers
//! start; no step blocks, spins or allocates; nothing is lost when anything is full.
//!
//! Refuses: to know a thread, a file, a clock or an allocator. The machine is behind [`Port`],
//! memory is lent by the caller ([`Memory`]), observation goes to a [`Probe`].
//!
//! Start at [`FinHandler`] for a FIN's arrival, [`Dispatcher`] for what the dispatch thread does,
//! `complete` for how a task ends, [`edge`] for every memory order.
#![no_std]

mod chip;
mod complete;
mod core_pair;
mod core_set;
mod dispatch;
pub mod edge;
mod edges;
mod fault;
mod handler;
mod id;
mod ledger;
pub mod limits;
mod port;
mod probe;
mod ready;
mod retire;
mod room;
mod roomless;
mod scheduler;
mod slab;
mod slot;
mod stall;
mod submit;
pub mod target;
mod wait_list;

pub use chip::{Chip, shape_of_core};
pub use complete::RELEASE_BUDGET;
pub use core_pair::{Cond, CorePair, Foreign, Pair, Transition, observe};
pub use core_set::{CoreState, Openings, Record};
pub use dispatch::{DISPATCH_BUDGET, DRAIN_BUDGET, Dispatcher, FINISH_BUDGET, Pass, SETTLE_BUDGET};
pub use edges::{EdgeList, EdgeNode, MAX_EDGE_NODES, Wired};
pub use fault::{Fault, FaultCode, FirstFault};
pub use finbox_mailbox::{CompletionType, Engine};
pub use handler::{FinHandler, HandlerCore, HandlerStep};
pub use id::{CoreId, SlotId, TaskId, Token};
pub use ledger::Ledger;
pub use port::{Launch, Port};
pub use probe::{Event, NoProbe, Probe};
pub use ready::{ReadyStack, SlotQueue};
pub use retire::{Outcome, Refused, RetireState, RetireStep, RetireWord, Retired};
pub use room::Room;
pub use roomless::RETRY_BUDGET;
pub use scheduler::{Assembly, Memory, Scheduler, Start, assemble};
pub use slab::{ENTRIES_OFFSET, ENTRY_BYTES, ERROR_OVERFLOW, SLAB_BYTES, SlabEntry, SlabError};
pub use slot::{SHAPES, Shape, TaskSlot, TaskSpec};
pub use stall::{Standing, Stuck, StuckCondition};
pub use submit::{SubmitError, Submitter};
#[cfg(feature = "a2a3")]
pub use target::A2A3;
#[cfg(feature = "a5")]
pub use target::A5;
pub use target::{CORES_PER_CLUSTER, Engines, Target};
pub use wait_list::{AsyncWaitList, Unmet, WaitDesk, WaitEntry};
