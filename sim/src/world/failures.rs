//! Failures as they happen, and afterwards who was cancelled because of whom.
//!
//! The first fault of a run decides its error; all are kept here, in the order in which they were
//! raised. A cancelled task names the producer that poisoned it; following these ends at a task
//! that failed by itself: the root.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::MutexGuard;

use finbox_mailbox::Engine;
use finbox_scheduler::{CoreId, Fault, FaultCode, Outcome, Subtasks, TaskId, Token};

use super::FaultAt;
use crate::report::{Failure, FailureKind, FailureReport, GapReport, MOST_FAILURES, MOST_NAMES};
use crate::shared::Shared;
use crate::workload::{TaskRef, Workload};

/// What gaps are of: messages, and workers.
pub(crate) const MAILBOX_GAP: &str = "mailbox";
const WORKER_GAP: &str = "worker";

/// Everything that failed so far.
#[derive(Debug, Default)]
pub(super) struct Failures(Shared<Log>);

#[derive(Debug, Default)]
struct Log {
    raised: Vec<Raised>,
    ended: Vec<Ended>,
    /// What an engine said of a task, and which dead rank one waited for.
    engines: HashMap<TaskRef, (Engine, u32)>,
    peers: HashMap<TaskRef, u32>,
    /// Missing positions of mailboxes, with their ranks and claimers.
    missing: Vec<(u32, u64, Option<NonZeroU32>)>,
    /// Workers that died, with the task whose item they had in hand, and where it had been pushed;
    /// whether it is pushed again.
    workers: Vec<(TaskRef, NonZeroU32, u64, bool)>,
    /// Where an item had been pushed that was late.
    items: HashMap<TaskRef, u64>,
    /// Which part of a task was late, on which core; and by how much, once it came.
    overdue: HashMap<TaskRef, Overdue>,
}

/// A token of a task that missed its budget.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overdue {
    pub(super) core: CoreId,
    pub(super) token: Token,
    pub(super) block: u16,
    pub(super) subtask: Subtasks,
    pub(super) late_ns: Option<u64>,
}

/// Who failed first in a chain of tasks, and by what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blamed {
    pub(super) at: TaskRef,
    pub(super) code: Option<FaultCode>,
    pub(super) core: Option<CoreId>,
}

#[derive(Debug, Clone, Copy)]
struct Raised {
    rank: u32,
    fault: Fault,
    core: Option<CoreId>,
}

#[derive(Debug, Clone, Copy)]
struct Ended {
    at: TaskRef,
    outcome: Outcome,
    cause: Option<TaskId>,
}

impl Failures {
    /// Something failed on `rank`.
    pub(super) fn raised(&self, rank: u32, fault: Fault, core: Option<CoreId>) {
        self.log().raised.push(Raised { rank, fault, core });
    }

    /// An engine said that what a task waits for failed. The first word counts.
    pub(super) fn engine_failed(&self, at: TaskRef, engine: Engine, code: u32) {
        self.log().engines.entry(at).or_insert((engine, code));
    }

    /// A task waits for a dead rank.
    pub(super) fn peer_lost(&self, at: TaskRef, rank: u32) {
        self.log().peers.entry(at).or_insert(rank);
    }

    /// A position of `rank`'s mailbox was never published.
    pub(super) fn missing(&self, rank: u32, position: u64, claimer: Option<NonZeroU32>) {
        self.log().missing.push((rank, position, claimer));
    }

    /// A worker died with the item of a task in hand.
    pub(super) fn worker_lost(
        &self,
        at: TaskRef,
        worker: NonZeroU32,
        (position, again): (u64, bool),
    ) {
        let mut log = self.log();
        log.items.insert(at, position);
        log.workers.push((at, worker, position, again));
    }

    /// The item of a task missed its budget.
    pub(super) fn item_overdue(&self, at: TaskRef, position: u64) {
        self.log().items.insert(at, position);
    }

    /// A token of a task missed its budget. The first one counts.
    pub(super) fn overdue(&self, at: TaskRef, overdue: Overdue) {
        self.log().overdue.entry(at).or_insert(overdue);
    }

    /// A token of `rank` that had missed its budget came, so late.
    pub(super) fn returned(&self, rank: u32, (core, token): (CoreId, Token), late_ns: u64) {
        let mut log = self.log();
        let mut late = log.overdue.iter_mut().filter(|(at, late)| {
            (at.rank, late.core, late.token, late.late_ns) == (rank, core, token, None)
        });
        if let Some((_, late)) = late.next() {
            late.late_ns = Some(late_ns);
        }
    }

    /// The outcome of a task is decided; completed ones are no news.
    pub(super) fn ended(&self, at: TaskRef, outcome: Outcome, cause: Option<TaskId>) {
        if outcome != Outcome::Completed {
            self.log().ended.push(Ended { at, outcome, cause });
        }
    }

    /// The fault that was raised first.
    pub(super) fn first(&self, workload: &Workload) -> Option<FaultAt> {
        let first = *self.log().raised.first()?;
        Some(FaultAt {
            code: first.fault.code,
            rank: workload.ranks[first.rank as usize].rank,
            task: name_of(workload, first.rank, first.fault.task),
        })
    }

    /// Who is to blame that `at`, which failed or was cancelled, did not complete.
    pub(super) fn blamed(&self, at: TaskRef, workload: &Workload) -> Blamed {
        let log = self.log();
        let root = Family::of(&log, workload).roots.get(&at).copied();
        let at = root.unwrap_or(at);
        let is_its = |one: &&Raised| one.rank == at.rank && one.fault.task.0 == u64::from(at.task);
        let raised = log.raised.iter().find(is_its);
        Blamed {
            at,
            code: raised.map(|one| one.fault.code),
            core: raised.and_then(|one| one.core),
        }
    }

    /// Messages that were claimed and never published.
    pub(super) fn gaps(&self, workload: &Workload) -> Vec<GapReport> {
        let gap = |&(rank, position, claimer): &(u32, u64, Option<NonZeroU32>)| GapReport {
            kind: MAILBOX_GAP.to_owned(),
            rank: label(workload, rank),
            message: match claimer {
                Some(claimer) => {
                    let by = format!("claimed by FIN handler {claimer}");
                    format!("position {position} was {by} and never published")
                }
                None => format!("position {position} was claimed and never published"),
            },
        };
        let log = self.log();
        let workers = log.workers.iter().map(|lost| lost_worker(workload, lost));
        let missing = log.missing.iter().map(gap);
        missing.chain(workers).take(MOST_FAILURES).collect()
    }

    /// All of them: roots and what else was raised, then who was cancelled.
    pub(super) fn report(&self, workload: &Workload) -> FailureReport {
        let log = self.log();
        Family::of(&log, workload).report()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock()
    }
}

/// A worker that died, in words.
fn lost_worker(
    workload: &Workload,
    &(at, worker, position, again): &(TaskRef, NonZeroU32, u64, bool),
) -> GapReport {
    let name = name_of(workload, at.rank, TaskId(at.task.into()));
    let then = match again {
        true => "which was pushed again",
        false => "whose task was told of before, or failed",
    };
    GapReport {
        kind: WORKER_GAP.to_owned(),
        rank: label(workload, at.rank),
        message: format!(
            "worker {worker} died with the item of task {} ({name}) from position {position}, \
             {then}",
            at.task
        ),
    }
}

fn name_of(workload: &Workload, rank: u32, task: TaskId) -> String {
    let index = usize::try_from(task.0).ok();
    let task = index.and_then(|index| workload.ranks[rank as usize].tasks.get(index));
    task.map_or_else(String::new, |task| task.name.to_string())
}

/// Who was cancelled because of whom.
struct Family<'a> {
    workload: &'a Workload,
    log: &'a Log,
    ended: HashMap<TaskRef, Ended>,
    /// The root of every cancelled task.
    roots: HashMap<TaskRef, TaskRef>,
    /// Of every root: how many it cancelled, and the first of them.
    victims: HashMap<TaskRef, (u64, Vec<TaskRef>)>,
}

impl<'a> Family<'a> {
    fn of(log: &'a Log, workload: &'a Workload) -> Self {
        let mut family = Self {
            workload,
            log,
            ended: log.ended.iter().map(|one| (one.at, *one)).collect(),
            roots: HashMap::new(),
            victims: HashMap::new(),
        };
        for one in &log.ended {
            if one.outcome != Outcome::Cancelled {
                continue;
            }
            let root = family.find_root(one.at);
            if root == one.at {
                continue;
            }
            let (count, first) = family.victims.entry(root).or_default();
            *count += 1;
            if first.len() < MOST_NAMES {
                first.push(one.at);
            }
        }
        family
    }

    /// The task that cancelled `at`, if one did.
    fn cause(&self, at: TaskRef) -> Option<TaskRef> {
        let task = self.ended.get(&at)?.cause?;
        let task = u32::try_from(task.0).ok()?;
        Some(TaskRef { task, ..at })
    }

    /// Follows causes to their end, or to one whose root is known; remembers the root for all of
    /// them. A producer ends before its consumers, so there is no circle.
    fn find_root(&mut self, at: TaskRef) -> TaskRef {
        let mut way = Vec::new();
        let mut root = at;
        while let Some(cause) = self.cause(root) {
            if let Some(&known) = self.roots.get(&root) {
                root = known;
                break;
            }
            way.push(root);
            root = cause;
        }
        self.roots.extend(way.into_iter().map(|one| (one, root)));
        root
    }

    fn report(&self) -> FailureReport {
        let log = self.log;
        let mut report = FailureReport::default();
        let mut codes: HashMap<TaskRef, FaultCode> = HashMap::new();
        for one in &log.raised {
            let task = u32::try_from(one.fault.task.0).ok();
            let at = task.map(|task| TaskRef {
                rank: one.rank,
                task,
            });
            let failed = |at: &TaskRef| {
                self.ended
                    .get(at)
                    .is_some_and(|end| end.outcome == Outcome::Failed)
            };
            let is_root =
                at.is_some_and(|at| failed(&at) && codes.insert(at, one.fault.code).is_none());
            report.push(|| self.raised(one, at.filter(|_| is_root)));
        }
        for one in &log.ended {
            if !codes.contains_key(&one.at) {
                report.push(|| self.ended(one, &codes));
            }
        }
        report
    }

    /// A fault that was raised; with `root` the task that failed by it.
    fn raised(&self, one: &Raised, root: Option<TaskRef>) -> Failure {
        let (victims, first) = root
            .and_then(|root| self.victims.get(&root))
            .cloned()
            .unwrap_or_default();
        let engine = root.and_then(|root| self.log.engines.get(&root));
        let is_gap = one.fault.code == FaultCode::MailboxGap && root.is_none();
        let mut missing = self.log.missing.iter().filter(|gap| gap.0 == one.rank);
        let gap = missing.next().filter(|_| is_gap);
        let late = root.and_then(|root| self.log.overdue.get(&root));
        let late = late.filter(|_| one.fault.code == FaultCode::TaskTimeout);
        let item = root.and_then(|root| self.log.items.get(&root)).copied();
        let by_ring = [FaultCode::TaskTimeout, FaultCode::WorkerLost];
        let item = item.filter(|_| by_ring.contains(&one.fault.code));
        Failure {
            rank: self.label(one.rank),
            task: (one.fault.task != TaskId::INVALID).then_some(one.fault.task.0),
            name: name_of(self.workload, one.rank, one.fault.task),
            outcome: match root {
                Some(_) => FailureKind::Failed,
                None => FailureKind::Raised,
            },
            code: Some(u32::from(one.fault.code.number())),
            code_name: Some(one.fault.code.name().to_owned()),
            core: one.core.map(|core| core.0),
            block: late.map(|late| late.block),
            subtask: late.and_then(|late| subtask_name(late.subtask)),
            late_ns: late.and_then(|late| late.late_ns),
            engine: engine.map(|(engine, _)| format!("{engine:?}").to_uppercase()),
            engine_code: engine.map(|&(_, code)| code),
            peer: root.and_then(|root| self.log.peers.get(&root)).copied(),
            position: gap.map(|gap| gap.1).or(item),
            claimer: gap.and_then(|gap| gap.2.map(NonZeroU32::get)),
            because: None,
            causes: Vec::new(),
            victims,
            victim_names: self.names(first),
        }
    }

    /// A task that was cancelled, or one that failed with nothing raised.
    fn ended(&self, one: &Ended, codes: &HashMap<TaskRef, FaultCode>) -> Failure {
        let root = self.roots.get(&one.at).copied().unwrap_or(one.at);
        let code = codes.get(&root);
        let (victims, first) = self.victims.get(&one.at).cloned().unwrap_or_default();
        Failure {
            rank: self.label(one.at.rank),
            task: Some(u64::from(one.at.task)),
            name: self.name(one.at),
            outcome: match one.outcome {
                Outcome::Cancelled => FailureKind::Cancelled,
                _ => FailureKind::Failed,
            },
            code: code.map(|code| u32::from(code.number())),
            code_name: code.map(|code| code.name().to_owned()),
            core: None,
            block: None,
            subtask: None,
            late_ns: None,
            engine: None,
            engine_code: None,
            peer: None,
            position: None,
            claimer: None,
            because: None,
            causes: self.causes(one.at, root),
            victims,
            victim_names: self.names(first),
        }
    }

    /// Names from the cause of `at` up to its root; of a long chain the nearest, and the root.
    fn causes(&self, at: TaskRef, root: TaskRef) -> Vec<String> {
        let chain = std::iter::successors(self.cause(at), |&at| self.cause(at));
        let mut chain: Vec<TaskRef> = chain.take(MOST_NAMES).collect();
        if let Some(last) = chain.last_mut() {
            *last = root;
        }
        self.names(chain)
    }

    fn names(&self, tasks: Vec<TaskRef>) -> Vec<String> {
        tasks.into_iter().map(|at| self.name(at)).collect()
    }

    fn name(&self, at: TaskRef) -> String {
        self.workload.task(at).name.to_string()
    }

    fn label(&self, rank: u32) -> u16 {
        label(self.workload, rank)
    }
}

/// What the rank at this index is called.
pub(super) fn label(workload: &Workload, rank: u32) -> u16 {
    u16::try_from(workload.ranks[rank as usize].rank).unwrap_or(u16::MAX)
}

/// Which part of a mixed block it is; other blocks have one part.
fn subtask_name(subtask: Subtasks) -> Option<String> {
    let names: Vec<&str> = subtask.iter_names().map(|(name, _)| name).collect();
    (!names.is_empty()).then(|| names.join("+"))
}

#[cfg(test)]
mod tests;
