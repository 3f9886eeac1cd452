//! The worlds: a workload meets the scheduler that ships, on one of two clocks, or on a device.
//!
//! *Lockstep*: one thread, virtual nanoseconds, a seed decides who moves; the same seed gives the
//! same run to the bit. *Parallel*: the runtime's real threads, and device threads that step all
//! cores. *Onboard*: the same threads, and a machine that moves by itself. All share how a run is
//! set up (`stage`), fed (`feed`), recorded (`recorder`) and ended: with a result, or with the
//! tasks that are stuck.

mod actor;
mod blockers;
mod costs;
mod crew;
mod event_log;
mod failures;
mod feed;
mod halt;
mod jitter;
mod latency;
mod launches;
mod lock_clock;
mod lockstep;
mod lookout;
mod onboard;
pub(crate) mod order;
mod parallel;
mod places;
mod planned;
mod queue;
mod recorder;
mod recording;
mod root;
mod shortest;
mod stage;
mod stuck;
mod submission;

pub(crate) use self::failures::MAILBOX_GAP;
pub use self::launches::LaunchProblem;
pub use self::onboard::{
    Abandoned, Board, Calls, DeviceRefusal, LONGEST_CALL, LackedOperation, TaskName, Trusted,
};
pub(crate) use self::stuck::notified;
pub use self::submission::{DEFAULT_COMMAND_SLOTS, Submit};

use std::sync::atomic::{AtomicBool, Ordering};

use finbox_runtime::plan::Mode;
use finbox_runtime::{ConfigErrors, DEFAULT_PATIENCE, Machine, WiringError};
use finbox_scheduler::{
    Completion, Engines, Ledger, Limits, Outcome as TaskEnd, ScopeError, Target,
};
use thiserror::Error;

use self::launches::Planning;
use crate::device::CostModel;
use crate::fault::{Budgets, FaultKind, Faults, Injected, Occasion, stage};
use crate::report::{
    CommandReport, ExplainReport, FailureReport, GapReport, LatencyReport, ShadowReport,
    StallReport,
};
use crate::timeline::{Root, Timeline};
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
    /// What things cost in virtual time.
    pub cost: CostModel,
    /// Decides who moves, and small delays.
    pub seed: u64,
    /// FIN handlers of a rank, 1 to 8.
    pub handlers: u8,
    /// Cores of a rank, 1 to the target's.
    pub cores: u16,
    /// Host lanes of a rank; None: one, if the workload needs any.
    pub host_lanes: Option<u16>,
    /// Slots of a rank's mailbox, a power of two of at least 2.
    pub mailbox_slots: u32,
    /// Rings of a rank, 1 to 4; None: one for each scope depth of the workload, at most 4.
    pub rings: Option<u8>,
    /// Task slots of a ring; None: enough for the workload, at most the scheduler's default.
    pub task_slots: Option<u32>,
    /// Output bytes of a ring, a multiple of 64; None: enough for all outputs of the rank at once,
    /// at most 1 GiB unless one alone is larger.
    pub heap_bytes: Option<u64>,
    /// Dependency nodes of a rank; None: enough for the workload, at most the default.
    pub edge_nodes: Option<u32>,
    /// Condition room of a rank; None: enough for the workload, at most the default.
    pub condition_room: Option<u32>,
    /// What goes wrong with the machine.
    pub faults: Faults,
    /// With faults: tasks that wait have a budget, so that what never comes fails them. Without
    /// one the run is stuck, and says who waits for what.
    pub bounded_waits: bool,
    /// Longest time in ns without any progress, virtual in lockstep.
    pub patience_ns: u64,
    /// Longest time in ns of the whole run, virtual in lockstep.
    pub deadline_ns: Option<u64>,
    /// How completions reach the wait list.
    pub completion: Completion,
    /// What happens to memory that launches use and nobody tracks.
    pub plan: Mode,
    /// How tasks are submitted.
    pub submit: Submit,
    /// Slots of the command ring, if there is one: a power of two of at least 2.
    pub command_slots: u32,
    /// How long a token may run and a condition may stay unmet, where a task does not say.
    pub limits: Limits,
    /// Ends the run when it becomes true: nothing more is submitted then.
    pub stop: Option<&'static AtomicBool>,
    /// Lockstep: take every empty poll instead of charging it arithmetically. Same results, slow.
    pub every_poll: bool,
    /// Record what the run does, for [`Outcome::timeline`]. Moves nothing in lockstep; in parallel
    /// threads wait for each other with it.
    pub record: bool,
    /// Compare what tasks declare with what they touch, for [`Outcome::shadow`]. Moves nothing.
    pub shadow: bool,
}

impl Settings {
    /// The whole chip as it usually is, seed 0, lockstep.
    pub const fn of(target: &'static Target) -> Self {
        Self {
            target,
            clock: Clock::Lockstep,
            cost: CostModel::of(target),
            seed: 0,
            handlers: target.fin_handlers,
            cores: target.cores(),
            host_lanes: None,
            mailbox_slots: finbox_scheduler::limits::DEFAULT_MAILBOX_SLOTS,
            rings: None,
            task_slots: None,
            heap_bytes: None,
            edge_nodes: None,
            condition_room: None,
            faults: Faults::NONE,
            bounded_waits: false,
            patience_ns: DEFAULT_PATIENCE.as_secs() * 1_000_000_000,
            deadline_ns: None,
            completion: Completion::Mailbox,
            plan: Mode::Strict,
            submit: Submit::Direct,
            command_slots: DEFAULT_COMMAND_SLOTS,
            limits: Limits::NONE,
            stop: None,
            every_poll: false,
            record: false,
            shadow: false,
        }
    }
}

impl Settings {
    /// The faults that have an occasion: without a mailbox none can be full, and whoever holds the
    /// wait list of the baseline holds its FIN handlers, which is what the baseline is about;
    /// without a command ring no packet is bad, and without a thread that is rung no bell is lost.
    fn occasions(&self) -> Faults {
        let faults = match self.completion {
            Completion::Mailbox => self.faults,
            Completion::Locked => {
                let faults = self.faults.without(FaultKind::MailboxFull);
                faults.without(FaultKind::MailboxFullForever)
            }
        };
        let has_occasion = |kind: FaultKind| match kind.info().on {
            Occasion::Bell => self.submit.has_bell(),
            Occasion::Packet => self.submit.has_ring(),
            _ => true,
        };
        let kinds = faults.kinds().filter(|&kind| !has_occasion(kind));
        kinds.fold(faults, |faults, kind| faults.without(kind))
    }

    /// Whether somebody asked the run to end.
    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
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
    /// Items in work rings or in the hands of workers at the end.
    pub items_out: u64,
    /// Messages in mailboxes at the end.
    pub in_mailbox: u64,
    /// Tasks that still keep their slot though they have ended, and cores out of the pool.
    pub quarantined: (u64, u64),
    /// Whether somebody asked the run to end before it had.
    pub interrupted: bool,
    /// Whether the ledger's equations hold.
    pub adds_up: bool,
    /// What memory holds, compared with what it must.
    pub verified: Verified,
    /// The same for those parts of it whose writers completed.
    pub parts: Verified,
    /// What the recorder's own oracles found: a sentence for each broken rule, at most ten.
    pub broken: Vec<String>,
    /// How long things took; virtual ns in lockstep.
    pub latency: LatencyReport,
    /// The stall, if the run is stuck.
    pub stall: Option<StallReport>,
    /// The first fault, with rank and task name.
    pub fault: Option<FaultAt>,
    /// All that failed, and who was cancelled behind it.
    pub failures: FailureReport,
    /// Messages that were lost on the way.
    pub gaps: Vec<GapReport>,
    /// Uses that permissive planning let pass: nothing orders them.
    pub untracked: Vec<GapReport>,
    /// Who each launch whose point was not reached is waiting for.
    pub explain: Vec<ExplainReport>,
    /// What went through the command ring, if there is one.
    pub command: Option<CommandReport>,
    /// What became of every task, by rank and index; None: it is unfinished.
    pub ends: Vec<Box<[Option<TaskEnd>]>>,
    /// How often each kind of fault struck.
    pub injected: Injected,
    /// Virtual ns at the end; 0 in parallel.
    pub virtual_ns: u64,
    /// FNV-1a over the ordered event log; None in parallel, where the order is one of many.
    pub digest: Option<u64>,
    /// FNV-1a over (task, outcome, output bytes) in task order; the same on both clocks.
    pub result_digest: u64,
    /// What the run did, and when, if it was to be recorded.
    pub timeline: Option<Timeline>,
    /// What was declared beside what was touched, if that was to be compared.
    pub shadow: Option<ShadowReport>,
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
    /// The device does not run the workload.
    #[error(transparent)]
    Device(#[from] DeviceRefusal),
    /// The operating system gives no more threads.
    #[error("a thread could not be started: {0}")]
    Thread(std::io::ErrorKind),
    /// The workload needs an engine that the target does not have.
    #[error("{workload} needs URMA, which {target} does not have")]
    NoUrma {
        /// The workload's name.
        workload: String,
        /// The target's name.
        target: &'static str,
    },
    /// The link that is to be slow is none of this run's.
    #[error("there is no link {from}-{to}: {}", ranks_there(*ranks))]
    NoLink {
        /// From this rank, as an index.
        from: u16,
        /// To this one.
        to: u16,
        /// Ranks of the run.
        ranks: usize,
    },
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
    /// A launch was refused for good.
    #[error("rank {rank}, task {task}: {error}")]
    Launch {
        /// The rank's label.
        rank: u32,
        /// The task's name.
        task: String,
        /// Why.
        error: LaunchProblem,
    },
    /// A task opens too many scopes, or closes one that is not open.
    #[error("rank {rank}, task {task}: {error}")]
    Scope {
        /// The rank's label.
        rank: u32,
        /// The task's name.
        task: String,
        /// Why.
        error: ScopeError,
    },
}

/// Between which ranks links are.
fn ranks_there(ranks: usize) -> String {
    match ranks {
        0 | 1 => "this run has one rank, and no links".to_owned(),
        _ => format!("the ranks of this run are 0 to {}", ranks - 1),
    }
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
    check(workload, settings)?;
    let is_virtual = settings.clock == Clock::Lockstep;
    let budgets = Budgets::of(is_virtual, settings.bounded_waits);
    let (staged, injected) = stage(workload, &settings.faults, settings.seed, budgets);
    let workload = &*staged;
    let mut outcome = match settings.clock {
        Clock::Lockstep => lockstep::run(workload, settings, progress),
        Clock::Parallel => parallel::run(workload, settings, progress),
    }?;
    outcome.injected.merge(&injected);
    let root = root(&outcome);
    if let Some(timeline) = &mut outcome.timeline {
        timeline.root = root;
    }
    Ok(outcome)
}

/// Runs `workload` on a machine, by the wall clock: target, cores and host lanes are the machine's,
/// and nothing goes wrong but what goes wrong there. `progress` is as for [`run`].
///
/// # Errors
/// [`RunError`], before any task ran, when one was refused for good, or when the machine refused
/// to give back what tasks have left.
pub fn run_on<M: Machine>(
    workload: &Workload,
    settings: &Settings,
    board: &Board<'_, M>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Outcome, RunError> {
    let facts = board.machine.facts();
    let settings = Settings {
        target: facts.target,
        clock: Clock::Parallel,
        cores: facts.cores,
        host_lanes: Some(facts.host_lanes),
        faults: Faults::NONE,
        record: false,
        shadow: false,
        ..*settings
    };
    check(workload, &settings)?;
    onboard::run(workload, &settings, board, progress)
}

/// Whether `workload` can be run as `settings` say.
///
/// # Errors
/// [`RunError`], what a run of it is refused with before a task runs.
pub(crate) fn check(workload: &Workload, settings: &Settings) -> Result<(), RunError> {
    workload.check()?;
    Planning::check(workload, settings.plan)?;
    check_target(workload, settings.target)?;
    check_link(settings.faults.slow_link(), workload.ranks.len())?;
    stage::check_settings(workload, settings)?;
    let (slots, ranks) = (settings.mailbox_slots, workload.ranks.len());
    if u64::from(slots) * ranks as u64 > MOST_MAILBOX_SLOTS {
        let most = MOST_MAILBOX_SLOTS;
        return Err(RunError::MailboxMemory { slots, ranks, most });
    }
    Ok(())
}

/// Where to look first: at the root of the stall, else at the first failure.
fn root(outcome: &Outcome) -> Option<Root> {
    let stalled = outcome.stall.as_ref().and_then(StallReport::root);
    let stalled = stalled.map(|root| Root {
        rank: root.rank.into(),
        message: root.message.clone(),
    });
    let failed = outcome.failures.list.first();
    stalled.or_else(|| {
        failed.map(|first| {
            let name = first.code_name.as_deref().unwrap_or("failed");
            Root {
                rank: first.rank.into(),
                message: format!("{}: {name}{}", first.place(), first.details()),
            }
        })
    })
}

/// Whether there is a link, if one is named, among so many ranks.
///
/// # Errors
/// [`RunError::NoLink`].
pub(crate) fn check_link(link: Option<(u16, u16)>, ranks: usize) -> Result<(), RunError> {
    match link {
        Some((from, to)) if usize::from(from.max(to)) >= ranks => {
            Err(RunError::NoLink { from, to, ranks })
        }
        _ => Ok(()),
    }
}

/// Whether `target` has the engines that `workload` needs.
///
/// # Errors
/// [`RunError::NoUrma`].
pub fn check_target(workload: &Workload, target: &Target) -> Result<(), RunError> {
    if workload.needs_urma() && !target.engines.contains(Engines::URMA) {
        return Err(RunError::NoUrma {
            workload: workload.name.clone(),
            target: target.name,
        });
    }
    Ok(())
}
