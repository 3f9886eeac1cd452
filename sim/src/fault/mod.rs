//! Faults: what can go wrong with the machine, as data, and how it is made to go wrong.
//!
//! Guarantees: a fault strikes the same places for the same seed; every strike is counted; a glitch
//! of a register passes, so the true word is never lost unless the kind says so. Refuses: to touch
//! the scheduler. Everything here happens in the simulated machine, and the scheduler sees it only
//! as a real one would show it.
//!
//! | file | concept |
//! | --- | --- |
//! | `table` | every kind: name, row of the fault model, what it does, what may follow |
//! | `choice` | which kinds are on, and how often each strikes |
//! | `injector` | the seed's decisions, at every start, word and effect |
//! | `packets` | the seed's decisions, at every batch of packets |
//! | `ranks` | sets of ranks |
//! | `staging` | faults that are part of a workload before it runs |

mod choice;
mod injector;
mod packets;
mod ranks;
mod staging;
mod table;

pub use self::choice::{FaultError, Faults, Links};
pub use self::injector::{DETECT_NS, Injected, Injector, Mishap, Strike};
pub use self::packets::BatchMishap;
pub use self::ranks::{Ranks, SharedRanks};
pub use self::staging::{Budgets, counter_base, stage};
pub use self::table::{FaultInfo, FaultKind, Occasion, TABLE};
