//! The worlds: a workload meets the scheduler that ships, on one of two clocks.
//!
//! *Lockstep*: one thread, virtual nanoseconds, a seed decides who moves; the same seed gives the
//! same run to the bit. *Parallel*: the runtime's real threads, and device threads that step all
//! cores. Both share how a run is set up (`stage`), fed (`feed`), recorded (`recorder`) and
//! ended: with a result, or with the tasks that are stuck.

mod actor;
mod costs;
mod feed;
mod jitter;
mod lockstep;
mod order;
mod parallel;
mod queue;
mod recorder;
mod stage;
mod stuck;

use finbox_runtime::{ConfigErrors, DEFAULT_PATIENCE, WiringError};
use finbox_scheduler::{Ledger, Target};
use thiserror::Error;

use crate::report::StallReport;
use crate::workload::{PlanError, Verified, Workload};

/// Most mailbox slots of all ranks together: 1 GiB.
const MOST_MAILBOX_SLOTS: u64 = 1 << 24;

/// Which clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// One thread, virtual time.
    Lockstep,
    /// Real threads.
    Parallel,
}

/// How to run a workload.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The chip every rank has.
    pub target: &'static Target,
    /// Which clock.
    pub clock: Clock,
    /// Decides who moves, and small delays.
    pub seed: u64,
    /// FIN handlers of a rank, 1 to 8.
    pub handlers: u8,
    /// Cores of a rank, 1 to the target's.
    pub cores: u16,
    /// Slots of a rank's mailbox, a power of two of at least 2.
    pub mailbox_slots: u32,
    /// Task slots of a rank; None: enough for the workload, at most the scheduler's default.
    pub task_slots: Option<u32>,
    /// Longest time in ns without any progress, virtual in lockstep.
    pub patience_ns: u64,
    /// Longest time in ns of the whole run, virtual in lockstep.
    pub deadline_ns: Option<u64>,
    /// Lockstep: take every empty poll instead of charging it arithmetically. Same results, slow.
    pub every_poll: bool,
}

impl Settings {
    /// The whole chip as it usually is, seed 0, lockstep.
    pub const fn of(target: &'static Target) -> Self {
        Self {
            target,
            clock: Clock::Lockstep,
            seed: 0,
            handlers: target.fin_handlers,
            cores: target.cores(),
            mailbox_slots: finbox_scheduler::limits::DEFAULT_MAILBOX_SLOTS,
            task_slots: None,
            patience_ns: DEFAULT_PATIENCE.as_secs() * 1_000_000_000,
            deadline_ns: None,
            every_poll: false,
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was counted, over all ranks.
    pub ledger: Ledger,
    /// Tasks unfinished at the end.
    pub live: u64,
    /// Tasks in wait lists at the end.
    pub waiting: u64,
    /// Whether the ledger's equations hold.
    pub adds_up: bool,
    /// What memory holds, compared with what it must.
    pub verified: Verified,
    /// What the recorder's own oracles found: a sentence for each broken rule, at most ten.
    pub broken: Vec<String>,
    /// The stall, if the run is stuck.
    pub stall: Option<StallReport>,
    /// The first fault, with rank and task name.
    pub fault: Option<FaultAt>,
    /// Virtual ns at the end; 0 in parallel.
    pub virtual_ns: u64,
    /// FNV-1a over the ordered event log; None in parallel, where the order is one of many.
    pub digest: Option<u64>,
    /// FNV-1a over (task, outcome, output bytes) in task order; the same on both clocks.
    pub result_digest: u64,
}

/// A fault and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultAt {
    /// What kind.
    pub code: finbox_scheduler::FaultCode,
    /// The rank's label.
    pub rank: u32,
    /// The task's name, where one is to blame.
    pub task: String,
}

/// Why a run did not begin, or could not go on feeding its workload.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RunError {
    /// The workload names something that does not exist.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The configuration is out of range.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The operating system gives no more threads.
    #[error("a thread could not be started: {0}")]
    Thread(std::io::ErrorKind),
    /// More mailbox memory than a run may take.
    #[error("{slots} mailbox slots on {ranks} ranks: at most {most} in all")]
    MailboxMemory {
        /// Slots a rank.
        slots: u32,
        /// Ranks.
        ranks: usize,
        /// Most slots of all ranks together.
        most: u64,
    },
    /// A task was refused for good.
    #[error("rank {rank}, task {task}: {error}")]
    Wiring {
        /// The rank's label.
        rank: u32,
        /// The task's name.
        task: String,
        /// Why.
        error: WiringError,
    },
}

/// Runs `workload`. `progress` is told (finished, all) from time to time.
///
/// # Errors
/// [`RunError`], before any task ran or when one was refused for good.
pub fn run(
    workload: &Workload,
    settings: &Settings,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Outcome, RunError> {
    workload.check()?;
    let (slots, ranks) = (settings.mailbox_slots, workload.ranks.len());
    if u64::from(slots) * ranks as u64 > MOST_MAILBOX_SLOTS {
        let most = MOST_MAILBOX_SLOTS;
        return Err(RunError::MailboxMemory { slots, ranks, most });
    }
    match settings.clock {
        Clock::Lockstep => lockstep::run(workload, settings, progress),
        Clock::Parallel => parallel::run(workload, settings, progress),
    }
}
