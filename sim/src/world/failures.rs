//! Failures as they happen, and afterwards who was cancelled because of whom.
//!
//! The first fault of a run decides its error; all are kept here, in the order in which they were
//! raised. A cancelled task names the producer that poisoned it; following these ends at a task
//! that failed by itself: the root.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use finbox_mailbox::Engine;
use finbox_scheduler::{CoreId, Fault, FaultCode, Outcome, TaskId};

use super::FaultAt;
use crate::report::{Failure, FailureKind, FailureReport, MOST_NAMES};
use crate::workload::{TaskRef, Workload};

/// Everything that failed so far.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    raised: Vec<Raised>,
    ended: Vec<Ended>,
    /// What an engine said of a task, and which dead rank one waited for.
    engines: HashMap<TaskRef, (Engine, u32)>,
    peers: HashMap<TaskRef, u32>,
    /// First missing position of each rank's mailbox, with its claimer.
    gaps: HashMap<u32, (u64, Option<NonZeroU32>)>,
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

    /// A position of `rank`'s mailbox was never published. The first one counts.
    pub(super) fn missing(&self, rank: u32, position: u64, claimer: Option<NonZeroU32>) {
        self.log().gaps.entry(rank).or_insert((position, claimer));
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

    /// All of them: roots and what else was raised, then who was cancelled.
    pub(super) fn report(&self, workload: &Workload) -> FailureReport {
        let log = self.log();
        Family::of(&log, workload).report()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let gap = self.log.gaps.get(&one.rank).filter(|_| is_gap);
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
            engine: engine.map(|(engine, _)| format!("{engine:?}").to_uppercase()),
            engine_code: engine.map(|&(_, code)| code),
            peer: root.and_then(|root| self.log.peers.get(&root)).copied(),
            position: gap.map(|(position, _)| *position),
            claimer: gap.and_then(|(_, claimer)| claimer.map(NonZeroU32::get)),
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
            engine: None,
            engine_code: None,
            peer: None,
            position: None,
            claimer: None,
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
        u16::try_from(self.workload.ranks[rank as usize].rank).unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use finbox_mailbox::Engine;
    use finbox_scheduler::{CoreId, Fault, FaultCode, Outcome, TaskId};

    use std::num::NonZeroU32;

    use super::Failures;
    use crate::report::{Failure, FailureKind, MOST_FAILURES, MOST_NAMES};
    use crate::workload::{RankPlan, Shape, TaskPlan, TaskRef, Workload};

    /// One rank, known as 7, with so many tasks.
    fn workload(tasks: u32) -> Workload {
        let mut plan = RankPlan::new(7);
        for task in 0..tasks {
            plan.add_task(TaskPlan::new(format!("t{task}"), Shape::Aiv, 0));
        }
        Workload {
            ranks: vec![plan],
            ..Workload::default()
        }
    }

    fn fault(code: FaultCode, task: TaskId) -> Fault {
        Fault { code, task }
    }

    fn at(task: u32) -> TaskRef {
        TaskRef { rank: 0, task }
    }

    fn cancel(failures: &Failures, task: u32, cause: u32) {
        let cause = Some(TaskId(u64::from(cause)));
        failures.ended(at(task), Outcome::Cancelled, cause);
    }

    fn list(failures: &Failures, tasks: u32) -> Vec<Failure> {
        let report = failures.report(&workload(tasks));
        assert_eq!(report.count, report.list.len() as u64);
        report.list
    }

    #[test]
    fn a_root_comes_first_with_its_victims_and_a_victim_with_its_chain() {
        let failures = Failures::default();
        failures.raised(0, fault(FaultCode::TaskTimeout, TaskId(2)), Some(CoreId(5)));
        failures.ended(at(2), Outcome::Failed, None);
        cancel(&failures, 3, 2);
        cancel(&failures, 4, 3);
        failures.ended(at(0), Outcome::Completed, None);
        let list = list(&failures, 5);
        let [root, first, second] = &list[..] else {
            panic!("three: {list:?}")
        };
        assert_eq!((root.rank, root.task, &*root.name), (7, Some(2), "t2"));
        assert_eq!((root.code, root.core), (Some(108), Some(5)));
        assert_eq!((root.outcome, root.victims), (FailureKind::Failed, 2));
        assert_eq!(root.victim_names, ["t3", "t4"]);
        assert_eq!(
            (first.outcome, &first.causes[..]),
            (FailureKind::Cancelled, &["t2".to_owned()][..])
        );
        assert_eq!(second.causes, ["t3", "t2"]);
        assert_eq!(second.code_name.as_deref(), Some("TASK_TIMEOUT"));
    }

    #[test]
    fn a_gap_is_told_once_with_its_first_position_and_claimer_and_then_who_failed_by_it() {
        let failures = Failures::default();
        failures.raised(0, fault(FaultCode::MailboxGap, TaskId::INVALID), None);
        failures.missing(0, 41, NonZeroU32::new(2));
        failures.missing(0, 42, None);
        failures.raised(0, fault(FaultCode::MailboxGap, TaskId(1)), None);
        failures.ended(at(1), Outcome::Failed, None);
        let list = list(&failures, 2);
        let [gap, task] = &list[..] else {
            panic!("two: {list:?}")
        };
        assert_eq!((gap.outcome, gap.task), (FailureKind::Raised, None));
        assert_eq!((gap.position, gap.claimer), (Some(41), Some(2)));
        assert_eq!((task.outcome, task.code), (FailureKind::Failed, Some(107)));
        assert_eq!((task.position, task.claimer), (None, None));
    }

    #[test]
    fn an_engine_and_a_dead_rank_are_named_with_their_task() {
        let failures = Failures::default();
        failures.engine_failed(at(0), Engine::Sdma, 7);
        failures.engine_failed(at(0), Engine::Sdma, 8);
        failures.peer_lost(at(1), 3);
        failures.raised(0, fault(FaultCode::AsyncCompletionInvalid, TaskId(0)), None);
        failures.raised(0, fault(FaultCode::PeerDead, TaskId(1)), None);
        (0..2).for_each(|task| failures.ended(at(task), Outcome::Failed, None));
        let list = list(&failures, 2);
        assert_eq!(
            (list[0].engine.as_deref(), list[0].engine_code),
            (Some("SDMA"), Some(7))
        );
        assert_eq!((list[1].peer, list[1].engine.as_deref()), (Some(3), None));
    }

    #[test]
    fn the_first_fault_wins_and_every_other_is_told() {
        let failures = Failures::default();
        failures.raised(
            0,
            fault(FaultCode::ProtocolError, TaskId::INVALID),
            Some(CoreId(1)),
        );
        failures.raised(0, fault(FaultCode::AsyncWaitTimeout, TaskId(1)), None);
        failures.raised(0, fault(FaultCode::PeerDead, TaskId(1)), None);
        failures.ended(at(1), Outcome::Failed, None);
        let first = failures.first(&workload(2)).unwrap();
        assert_eq!((first.code, &*first.task), (FaultCode::ProtocolError, ""));
        let found = list(&failures, 2);
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.code, one.task, one.outcome))
            .collect();
        let expected = [
            (Some(113), None, FailureKind::Raised),
            (Some(105), Some(1), FailureKind::Failed),
            (Some(112), Some(1), FailureKind::Raised),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_long_chain_is_followed_once_and_told_with_its_root() {
        let failures = Failures::default();
        let tasks = 100_000;
        failures.raised(0, fault(FaultCode::ExplicitFatal, TaskId(0)), None);
        failures.ended(at(0), Outcome::Failed, None);
        (1..tasks).for_each(|task| cancel(&failures, task, task - 1));
        let report = failures.report(&workload(tasks));
        assert_eq!(report.count, u64::from(tasks));
        assert_eq!(report.list.len(), MOST_FAILURES);
        let (root, last) = (&report.list[0], report.list.last().unwrap());
        assert_eq!(root.victims, u64::from(tasks) - 1);
        assert_eq!(root.victim_names.len(), MOST_NAMES);
        assert_eq!(
            (last.causes.len(), &*last.causes[MOST_NAMES - 1]),
            (MOST_NAMES, "t0")
        );
    }

    #[test]
    fn what_fails_without_a_word_is_listed_all_the_same() {
        let failures = Failures::default();
        failures.ended(at(0), Outcome::Failed, None);
        cancel(&failures, 1, 0);
        let list = list(&failures, 2);
        assert_eq!(
            (list[0].code, list[0].victims, list[0].outcome),
            (None, 1, FailureKind::Failed)
        );
        assert_eq!(
            (list[1].code, &list[1].causes[..]),
            (None, &["t0".to_owned()][..])
        );
    }
}
