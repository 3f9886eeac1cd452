//! Who is stuck, by name, and who is to blame: the stall report of a run that cannot go on.
//!
//! A blocked task waits for its unfinished producers; one that waits for a counter waits for the
//! tasks that would still notify it. Whoever waits for nobody is a root, and roots come first;
//! before them whoever lacks messages that are not delivered. If a task that failed would have
//! notified the first of them, that one is to blame.

use std::collections::HashMap;

use finbox_scheduler::{CompletionType, Port, Scheduler, SlotId, Standing, Stuck};

use super::blockers::{self, Standing as Blame};
use super::failures::{Blamed, label};
use super::halt::Halt;
use super::places::Places;
use super::recorder::Recorder;
use super::root;
use crate::report::{Address, ConditionReport, HaltReport, StallReport, StalledTask};
use crate::workload::{Op, TaskRef, Workload};

/// What a stall report looks at; all threads are at rest.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) workload: &'a Workload,
    pub(super) places: &'a [Places],
    pub(super) recorder: &'a Recorder<'a>,
    /// Tasks not submitted yet.
    pub(super) unsubmitted: u64,
    /// What the messages of each rank stand behind, if they do.
    pub(super) halts: &'a [Option<Halt>],
}

impl<'a> Scene<'a> {
    /// Of a run that submitted so many tasks, and whose ranks stand behind `halts`.
    pub(super) fn of(
        (workload, places): (&'a Workload, &'a [Places]),
        recorder: &'a Recorder<'a>,
        submitted: u64,
        halts: &'a [Option<Halt>],
    ) -> Self {
        Self {
            workload,
            places,
            recorder,
            unsubmitted: workload.order.len() as u64 - submitted,
            halts,
        }
    }
}

impl Scene<'_> {
    /// What `node` is stuck behind, if it is messages that are not delivered.
    pub(super) fn halt(&self, node: &Node) -> Option<Halt> {
        self.halts[node.at.rank as usize].filter(|halt| halt.stops(node))
    }

    fn halted(&self) -> Vec<HaltReport> {
        let ranks = (0..).zip(self.halts);
        let report = |(rank, halt): (u32, &Option<Halt>)| {
            let halt = halt.as_ref()?;
            Some(HaltReport {
                rank: label(self.workload, rank),
                class: halt.class(),
                message: halt.describe(),
            })
        };
        ranks.filter_map(report).collect()
    }
}

/// A stuck task and what it needs.
pub(super) struct Node {
    pub(super) at: TaskRef,
    pub(super) standing: Standing,
    pub(super) told: StalledTask,
    /// Counters of its rank that it waits for.
    pub(super) counters: Vec<u32>,
    /// Most conditions it may register.
    pub(super) defers: u8,
    /// Condition room of its rank that is promised, and all there is.
    pub(super) room: (u32, u32),
}

/// A counter, by index of rank and counter.
pub(crate) type Counter = (u32, u32);

/// Collects the stuck tasks of all ranks: roots first, those before others that block most, and
/// then their victims. Without a rank's port nothing is said of what its tasks wait for.
pub(super) fn report<'a, 'm: 'a>(
    scene: Scene<'_>,
    ranks: impl Iterator<Item = (&'a Scheduler<'m>, Option<impl Port>)>,
) -> StallReport {
    let mut nodes = Vec::new();
    for (rank, (scheduler, port)) in (0..).zip(ranks) {
        collect(scene, rank, (scheduler, port.as_ref()), &mut nodes);
    }
    let notifiers = Notifiers::of(scene, &nodes);
    let urgency: Vec<u8> = nodes.iter().map(|node| urgency(node.standing)).collect();
    let blame = blockers::find(&edges(scene, &nodes, &notifiers), &urgency);
    for (node, blame) in nodes.iter_mut().zip(&blame) {
        (node.told.is_root, node.told.blocks) = (blame.is_root, blame.blocks);
    }
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|&at| {
        let is_halted = scene.halt(&nodes[at]).is_some();
        (!is_halted, rank_of_blame(&nodes[at], &blame[at]))
    });
    let first = order.first().map(|&at| (&nodes[at], &blame[at]));
    let silent = first.and_then(|(node, _)| notifiers.failed(scene, node));
    let class = root::class(scene, first.map(|(node, _)| node), silent.as_ref());
    let root = first.map(|(node, blame)| match &silent {
        Some(silent) => root::describe_silent(scene, (node, blame), silent),
        None => root::describe(scene, node, blame, notifiers.unsubmitted(node)),
    });
    let report = StallReport::new(class).with_root(root);
    let report = report.with_halts(scene.halted());
    let mut report = report.with_unsubmitted(scene.unsubmitted);
    let mut told: Vec<Option<StalledTask>> =
        nodes.into_iter().map(|node| Some(node.told)).collect();
    for task in order.into_iter().filter_map(|at| told[at].take()) {
        report.push(task);
    }
    report
}

/// Smaller comes first. Roots that only lack a core or room may lack it because of the others.
fn rank_of_blame(node: &Node, blame: &Blame) -> impl Ord + use<> {
    let urgency = urgency(node.standing);
    let lacks = blame.is_root && urgency > 1;
    (!blame.is_root, lacks, u64::MAX - blame.blocks, urgency)
}

fn urgency(standing: Standing) -> u8 {
    match standing {
        Standing::WaitingOnAsync => 0,
        Standing::Running { .. } | Standing::Held { .. } | Standing::Unsaid { .. } => 1,
        Standing::Ready | Standing::InRing { .. } => 2,
        Standing::Blocked { .. } => 3,
    }
}

fn collect(
    scene: Scene<'_>,
    rank: u32,
    (scheduler, port): (&Scheduler<'_>, Option<&impl Port>),
    nodes: &mut Vec<Node>,
) {
    let conditions = port.map(|port| conditions(scene, rank, scheduler, port));
    let conditions = conditions.unwrap_or_default();
    let plan = &scene.workload.ranks[rank as usize];
    scheduler.for_each_stuck(|stuck: Stuck| {
        let Ok(task) = u32::try_from(stuck.task.0) else {
            return;
        };
        let at = TaskRef { rank, task };
        let first = conditions.partition_point(|one| one.slot < stuck.slot);
        let own = conditions[first..]
            .iter()
            .take_while(|one| one.slot == stuck.slot);
        let told = StalledTask {
            task: stuck.task.0,
            name: plan.tasks[task as usize].name.to_string(),
            state: state(stuck.standing),
            rank: label(scene.workload, rank),
            conditions: own.clone().map(|one| one.told.clone()).collect(),
            age_ns: scene.recorder.age_ns(at),
            is_root: false,
            blocks: 0,
            point: None,
        };
        nodes.push(Node {
            at,
            standing: stuck.standing,
            told,
            counters: own.filter_map(|one| one.counter).collect(),
            defers: plan.tasks[task as usize].defers,
            room: scheduler.room(),
        });
    });
}

struct Awaited {
    slot: SlotId,
    told: ConditionReport,
    counter: Option<u32>,
}

/// What the tasks of a rank wait for, by slot.
fn conditions(
    scene: Scene<'_>,
    rank: u32,
    scheduler: &Scheduler<'_>,
    port: &impl Port,
) -> Vec<Awaited> {
    let (plan, places) = (
        &scene.workload.ranks[rank as usize],
        &scene.places[rank as usize],
    );
    let mut counters: HashMap<u64, u32> = HashMap::new();
    let mut conditions = Vec::new();
    scheduler.for_each_unmet(port, |unmet| {
        if counters.is_empty() {
            counters = places.counters.iter().copied().zip(0..).collect();
        }
        let is_counter = unmet.completion == CompletionType::Counter;
        let counter = counters.get(&unmet.addr).copied().filter(|_| is_counter);
        let what = counter.map(|at| format!("counter {at}"));
        let what = what.or_else(|| places.engine_memory(unmet.addr));
        let told = ConditionReport {
            engine: format!("{:?}", unmet.engine).to_uppercase(),
            completion_type: type_name(unmet.completion).to_owned(),
            address: Address(unmet.addr),
            expected: unmet.expected,
            observed: unmet.observed,
            age_ns: unmet.age_ns,
            what: what.map_or_else(String::new, |what| format!("{what} of rank {}", plan.rank)),
            went_back: unmet.went_back.map(<[u32; 2]>::from),
        };
        let slot = unmet.slot;
        conditions.push(Awaited {
            slot,
            told,
            counter,
        });
    });
    conditions.sort_by_key(|one| one.slot);
    conditions
}

/// The wire name of a completion type.
const fn type_name(completion: CompletionType) -> &'static str {
    match completion {
        CompletionType::Counter => "COUNTER",
        CompletionType::SdmaEventRecord => "SDMA_EVENT_RECORD",
        CompletionType::UrmaEventHandle => "URMA_EVENT_HANDLE",
    }
}

fn state(standing: Standing) -> String {
    match standing {
        Standing::WaitingOnAsync => "waiting on async".to_owned(),
        Standing::Running { core } => format!("running on core {}", core.0),
        Standing::Ready => "ready".to_owned(),
        Standing::Blocked { producers: 1 } => "blocked by 1 task".to_owned(),
        Standing::Blocked { producers } => format!("blocked by {producers} tasks"),
        Standing::InRing {
            position, behind, ..
        } => format!("in the work ring at position {position}, behind {behind} others"),
        Standing::Held { position, by, .. } => {
            format!("held by worker {by}, from position {position}")
        }
        Standing::Unsaid { position } => {
            format!("done at position {position}, and nobody said so")
        }
    }
}

/// Who would still notify the counters that stuck tasks wait for.
pub(super) struct Notifiers {
    /// Stuck tasks that have not run yet, as indices of nodes.
    stuck: HashMap<Counter, Vec<usize>>,
    /// One that was not even submitted.
    unsubmitted: HashMap<Counter, TaskRef>,
    /// One that failed or was cancelled.
    failed: HashMap<Counter, TaskRef>,
}

/// A task that did not notify because it failed or was cancelled, and who is to blame for that.
pub(super) struct Silent {
    pub(super) notifier: TaskRef,
    pub(super) blamed: Blamed,
}

impl Notifiers {
    fn of(scene: Scene<'_>, nodes: &[Node]) -> Self {
        let awaited = nodes
            .iter()
            .flat_map(|node| node.counters.iter().map(|&at| (node.at.rank, at)));
        let mut stuck: HashMap<Counter, Vec<usize>> = awaited.map(|at| (at, Vec::new())).collect();
        let (mut unsubmitted, mut failed) = (HashMap::new(), HashMap::new());
        if stuck.is_empty() {
            return Self {
                stuck,
                unsubmitted,
                failed,
            };
        }
        let places: HashMap<TaskRef, usize> = nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (node.at, index))
            .collect();
        for &at in &scene.workload.order {
            let is_over = scene.recorder.is_finished(at);
            let has_failed = is_over && scene.recorder.has_failed(at);
            let program = scene.workload.task(at).program.iter();
            for counter in program
                .filter(|_| !is_over || has_failed)
                .filter_map(notified)
            {
                let Some(list) = stuck.get_mut(&counter) else {
                    continue;
                };
                match places.get(&at) {
                    _ if has_failed => drop(failed.entry(counter).or_insert(at)),
                    // What waits has run, and notified.
                    Some(&node) if nodes[node].standing == Standing::WaitingOnAsync => {}
                    Some(&node) => list.push(node),
                    None => drop(unsubmitted.entry(counter).or_insert(at)),
                }
            }
        }
        Self {
            stuck,
            unsubmitted,
            failed,
        }
    }

    /// A task that would have made a condition of `node` true, and failed or was cancelled.
    fn failed(&self, scene: Scene<'_>, node: &Node) -> Option<Silent> {
        if scene.halt(node).is_some() {
            return None;
        }
        let mut counters = node.counters.iter().map(|&at| (node.at.rank, at));
        let notifier = counters.find_map(|counter| self.failed.get(&counter).copied())?;
        let blamed = scene.recorder.blamed(notifier);
        Some(Silent { notifier, blamed })
    }

    /// A task that would make a condition of `node` true and was not submitted yet.
    fn unsubmitted(&self, node: &Node) -> Option<TaskRef> {
        let mut counters = node.counters.iter().map(|&at| (node.at.rank, at));
        counters.find_map(|counter| self.unsubmitted.get(&counter).copied())
    }
}

/// The counter that an operation notifies.
pub(crate) fn notified(op: &Op) -> Option<Counter> {
    match op {
        Op::Notify { peer, counter, .. } => Some((*peer, *counter)),
        Op::PerBlock { op, .. } => notified(op),
        _ => None,
    }
}

/// For every node the nodes that it waits for; behind them one for every counter that is awaited
/// and that a stuck task would notify.
fn edges(scene: Scene<'_>, nodes: &[Node], notifiers: &Notifiers) -> Vec<Vec<usize>> {
    let places: HashMap<TaskRef, usize> = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| (node.at, index))
        .collect();
    let mut counters: Vec<(&Counter, &Vec<usize>)> = notifiers
        .stuck
        .iter()
        .filter(|(_, list)| !list.is_empty())
        .collect();
    counters.sort_unstable();
    let counter_nodes: HashMap<Counter, usize> = counters
        .iter()
        .zip(nodes.len()..)
        .map(|((counter, _), at)| (**counter, at))
        .collect();
    let of_node = |node: &Node| -> Vec<usize> {
        let producers = scene
            .recorder
            .before(node.at)
            .iter()
            .map(|&task| TaskRef { task, ..node.at });
        let producers = producers.filter_map(|at| places.get(&at).copied());
        let counters = node.counters.iter().map(|&at| (node.at.rank, at));
        let counters = counters.filter_map(|counter| counter_nodes.get(&counter).copied());
        match node.standing {
            Standing::Blocked { .. } => producers.collect(),
            _ => counters.collect(),
        }
    };
    let tasks = nodes.iter().map(of_node);
    tasks
        .chain(counters.iter().map(|(_, list)| (*list).clone()))
        .collect()
}
