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

mod admit;
mod book;
mod chip;
mod complete;
mod condition;
mod config;
mod core_pair;
mod core_set;
mod deadlines;
mod dependency;
mod dispatch;
mod duty;
pub mod edge;
mod edges;
mod fault;
mod fin_state;
mod gap;
mod handler;
mod heap;
mod id;
mod kind;
mod ledger;
pub mod limits;
mod listen;
mod locked;
mod look;
mod losses;
mod offer;
mod orphans;
mod peers;
mod poll;
mod pool;
mod port;
mod probe;
mod pusher;
mod ready;
mod reclaim;
mod reset;
mod retire;
mod rings;
mod room;
mod roomless;
mod scheduler;
mod scope;
mod slab;
mod slot;
mod spec;
mod stall;
mod submit;
mod sweep;
pub mod target;
mod turns;
mod urma;
mod wait_entry;
mod wait_list;
mod watched;
mod worked;

pub use admit::SubmitError;
pub use book::{REMEMBERED_LIVES, SlotBook};
pub use chip::{Chip, Handlers, shape_of_core};
pub use complete::RELEASE_BUDGET;
pub use condition::{EVENT_RECORD_BYTES, EVENT_RECORD_FAILURES, Unmet, timeline_cookie};
pub use config::{Config, ConfigError};
pub use core_pair::{Cond, CorePair, Foreign, Pair, Transition, observe};
pub use core_set::{CoreState, Openings, Part, Record};
pub use dependency::{Dependency, Needs};
pub use dispatch::{DISPATCH_BUDGET, DRAIN_BUDGET, Dispatcher, FINISH_BUDGET, Pass, SETTLE_BUDGET};
pub use edges::{EdgeList, EdgeNode, Fate, MAX_EDGE_NODES, Wired};
pub use fault::{Fault, FaultCode, FirstFault};
pub use finbox_mailbox::{CompletionType, Engine};
pub use gap::MailboxGap;
pub use handler::{FinHandler, HandlerCore, HandlerStep};
pub use heap::{HeapRing, OUTPUT_ALIGN, Reserved};
pub use id::{CoreId, SlotId, TaskId, Token};
pub use ledger::Ledger;
pub use limits::Limits;
pub use locked::{Completion, Holder};
pub use orphans::Orphans;
pub use poll::LinePlace;
pub use port::{Launch, Port};
pub use probe::{Event, NoProbe, Probe};
pub use ready::{ReadyStack, SlotQueue};
pub use retire::{Decision, Outcome, Refused, RetireState, RetireStep, RetireWord, Retired};
pub use rings::Rings;
pub use room::Room;
pub use roomless::RETRY_BUDGET;
pub use scheduler::{Assembly, Memory, NotAtRest, Scheduler, Start, assemble};
pub use scope::{Scope, ScopeError};
pub use slab::{
    ENTRIES_OFFSET, ENTRY_BYTES, ERROR_FATAL, ERROR_OVERFLOW, SLAB_BYTES, SlabEntry, SlabError,
};
pub use slot::TaskSlot;
pub use spec::{Comparison, PRIORITIES, Predicate, Priority, SHAPES, Shape, Subtasks, TaskSpec};
pub use stall::{Standing, Stuck, StuckCondition};
pub use submit::Submitter;
#[cfg(feature = "a2a3")]
pub use target::A2A3;
#[cfg(feature = "a5")]
pub use target::A5;
pub use target::{CORES_PER_CLUSTER, Engines, Target};
pub use urma::{
    MAX_QUEUE_ENTRIES, QUEUE_CONSUMED_OFFSET, QUEUE_ENTRY_BYTES, QUEUE_HEADER_BYTES,
    REMEMBERED_FAILURES, UrmaQueue, WALK_BUDGET,
};
pub use wait_entry::WaitEntry;
pub use wait_list::{AsyncWaitList, WaitDesk};
pub use watched::{LineWords, WatchedLine};
