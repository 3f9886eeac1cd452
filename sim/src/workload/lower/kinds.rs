//! What collectives become: bytes, order, names and sizes, kind by kind.

use std::collections::HashMap;

use super::{Collectives, Steps, TooManySteps, lower};
use crate::demo::by_hand::run_in;
use crate::workload::chakra::{self, Collective, CollectiveKind, Node, NodeRef, Op, RankGraph};
use crate::workload::{EngineTime, Op as Step, RankPlan, TaskPlan, TaskRef, Workload};
use finbox_scheduler::{A2A3, A5};

const REAL: [Collectives; 2] = [Collectives::Ring, Collectives::Direct];
const ALL: [Collectives; 3] = [Collectives::Ring, Collectives::Direct, Collectives::Model];

fn node(id: u64, op: Op, deps: &[u32]) -> Node {
    Node {
        id,
        name: format!("n{id}").into(),
        offset: 0,
        op,
        deps: deps.into(),
    }
}

/// `members` ranks, each of which computes, takes part in a collective and computes again.
fn trace(kind: CollectiveKind, members: u32, bytes: u64, root: u32) -> chakra::Workload {
    let compute = Op::Compute { duration_ns: 1_000 };
    let joint = Op::Joint { collective: 0 };
    let graph = |rank| RankGraph {
        rank,
        file: "t.et".into(),
        nodes: vec![
            node(1, compute, &[]),
            node(2, joint, &[0]),
            node(3, compute, &[1]),
        ],
    };
    let at = |node| (0..members).map(move |rank_index| NodeRef { rank_index, node });
    let collective = Collective {
        kind,
        bytes,
        group: "g".into(),
        nth: 0,
        root,
        members: at(1).collect(),
    };
    chakra::Workload {
        name: "t".into(),
        ranks: (0..members).map(graph).collect(),
        messages: Vec::new(),
        collectives: vec![collective],
        groups: 1,
        order: at(0).chain(at(1)).chain(at(2)).collect(),
        dropped_self_edges: 0,
        dropped_repeated_edges: 0,
    }
}

fn lowered(trace: &chakra::Workload, how: Collectives) -> Workload {
    let workload = lower(trace, how).expect("it has few steps");
    assert_eq!(workload.check(), Ok(()));
    workload
}

/// Every kind among three ranks, in every way.
pub(in crate::workload) fn collectives() -> Vec<Workload> {
    let of = |kind| ALL.map(|how| lowered(&trace(kind, 3, 4_100, 1), how));
    CollectiveKind::ALL.into_iter().flat_map(of).collect()
}

/// Every kind, way and number of members worth a look; the root is the last but one.
fn each(hows: &[Collectives], mut look: impl FnMut(&chakra::Workload, Collectives, &Workload)) {
    for kind in CollectiveKind::ALL {
        for members in [2, 3, 4, 5, 8] {
            for &how in hows {
                let trace = trace(kind, members, 4_100, members - 2);
                look(&trace, how, &lowered(&trace, how));
            }
        }
    }
}

#[test]
fn every_kind_leaves_the_bytes_that_define_it_and_no_byte_is_unchecked() {
    let (mut checked, mut bytes) = (0, 0);
    each(&REAL, |trace, how, workload| {
        let collective = &trace.collectives[0];
        let what = || format!("{collective:?} {how:?}");
        for target in [A2A3, A5] {
            let devices = run_in(workload, target, &workload.order);
            let found = workload.verify(&devices);
            assert!(found.is_right(), "{}: {:?}", what(), found.first);
            for check in &workload.checks {
                let device = &devices[check.rank as usize];
                let crate::workload::Expect::U32(words) = &check.expect else {
                    panic!("a collective leaves words")
                };
                for word in 0..words.len() as u64 {
                    let addr = device.data_address(check.at + word * 4);
                    let right = device.dram().load_u32(addr);
                    device.dram().store_u32(addr, right ^ 1 << (word % 32));
                    assert_eq!(workload.verify(&devices).wrong, 1, "{}", what());
                    device.dram().store_u32(addr, right);
                    bytes += 4;
                }
                checked += 1;
            }
        }
        let rooted = [CollectiveKind::Reduce, CollectiveKind::Gather];
        let checks = match collective.kind {
            CollectiveKind::Barrier => 0,
            kind if rooted.contains(&kind) => 1,
            _ => collective.members.len(),
        };
        assert_eq!(workload.checks.len(), checks, "{}", what());
    });
    assert!(checked > 500 && bytes > 100_000, "{checked} {bytes}");
}

#[test]
fn a_put_that_never_happens_is_a_wrong_result() {
    let mut left_out = 0;
    each(&REAL, |trace, how, workload| {
        let collective = &trace.collectives[0];
        // The ring brings the root of a broadcast what it has.
        let is_idle =
            |peer| collective.kind == CollectiveKind::Broadcast && peer == collective.root;
        let puts = |task: &TaskPlan| {
            let is_put = |op: &Step| matches!(op, Step::PutTimed { peer, .. } if !is_idle(*peer));
            task.program.iter().any(is_put)
        };
        if workload.ranks.len() > 4 {
            return;
        }
        for &without in &workload.order {
            if !puts(workload.task(without)) {
                continue;
            }
            let mut changed = workload.clone();
            let task = &mut changed.ranks[without.rank as usize].tasks[without.task as usize];
            task.program
                .retain(|op| !matches!(op, Step::PutTimed { .. }));
            let found = changed.verify(&run_in(&changed, A2A3, &changed.order));
            assert!(!found.is_right(), "{collective:?} {how:?} {without:?}");
            left_out += 1;
        }
    });
    assert!(left_out > 100, "{left_out}");
}

/// What must have begun before something has ended, over dependencies and notifications.
struct Before<'a> {
    workload: &'a Workload,
    /// Who notifies a rank's counter.
    notifiers: HashMap<(u32, u32), TaskRef>,
    known: HashMap<TaskRef, Vec<TaskRef>>,
}

impl<'a> Before<'a> {
    fn of(workload: &'a Workload) -> Self {
        let mut notifiers = HashMap::new();
        for &at in &workload.order {
            for op in &workload.task(at).program {
                if let Step::Notify { peer, counter, .. } = *op {
                    let other = notifiers.insert((peer, counter), at);
                    assert_eq!(other, None, "a counter has one notifier");
                }
            }
        }
        Self {
            workload,
            notifiers,
            known: HashMap::new(),
        }
    }

    /// Whom a task waits for when its program has run.
    fn awaited(&self, at: TaskRef) -> Vec<TaskRef> {
        let program = self.workload.task(at).program.iter();
        let notifier = |op: &Step| match *op {
            Step::Await { counter, .. } => self.notifiers.get(&(at.rank, counter)).copied(),
            _ => None,
        };
        program.filter_map(notifier).collect()
    }

    /// All tasks that began before `at` did, itself included.
    fn begun(&mut self, at: TaskRef) -> Vec<TaskRef> {
        if let Some(known) = self.known.get(&at) {
            return known.clone();
        }
        let mut found = vec![at];
        for &task in &self.workload.task(at).after {
            found.extend(self.ended(TaskRef { task, ..at }));
        }
        found.sort_unstable();
        found.dedup();
        self.known.insert(at, found.clone());
        found
    }

    /// All tasks that began before `at` ended.
    fn ended(&mut self, at: TaskRef) -> Vec<TaskRef> {
        let mut found = self.begun(at);
        for other in self.awaited(at) {
            found.extend(self.begun(other));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[test]
fn no_member_ends_before_the_last_one_has_begun() {
    each(&ALL, |trace, how, workload| {
        let mut before = Before::of(workload);
        for (rank, plan) in (0..).zip(&workload.ranks) {
            let last = u32::try_from(plan.tasks.len() - 2).expect("few tasks");
            let begun = before.ended(TaskRef { rank, task: last });
            for rank in 0..u32::try_from(workload.ranks.len()).expect("few ranks") {
                let first = TaskRef { rank, task: 1 };
                let collective = &trace.collectives[0];
                assert!(begun.contains(&first), "{collective:?} {how:?} {rank}");
            }
        }
    });
}

#[test]
fn a_wait_ends_by_what_stands_before_it_or_begins_without_it() {
    each(&ALL, |_, how, workload| {
        let mut before = Before::of(workload);
        let place: HashMap<TaskRef, usize> = (0..workload.order.len())
            .map(|place| (workload.order[place], place))
            .collect();
        for &at in &workload.order {
            for other in before.awaited(at) {
                let mut is_beside = || !before.begun(other).contains(&at);
                assert!(place[&other] < place[&at] || is_beside(), "{how:?} {at:?}");
            }
        }
    });
}

#[test]
fn the_last_task_stands_for_the_node_and_all_say_which_they_are() {
    let trace = trace(CollectiveKind::AllReduce, 8, 1 << 20, 0);
    let workload = lowered(&trace, Collectives::default());
    let tasks = &workload.ranks[3].tasks;
    let names: Vec<&str> = tasks.iter().map(|task| &*task.name).collect();
    assert_eq!(names.len(), 16);
    assert_eq!((names[0], names[15]), ("n1", "n3"));
    assert_eq!(names[3], "all-reduce step 3 of 14 (n2)");
    for (index, task) in (0..).zip(tasks).skip(1) {
        assert_eq!(*task.after, [index - 1]);
    }
    let outputs = tasks.iter().filter(|task| task.output.is_some()).count();
    assert!(outputs == 1 && tasks[14].output.is_some());
}

#[test]
fn up_to_64_kib_a_collective_is_direct_unless_asked_for() {
    let steps = |bytes, how| {
        let trace = trace(CollectiveKind::AllReduce, 8, bytes, 0);
        lowered(&trace, how).ranks[0].tasks.len() - 2
    };
    assert_eq!(steps(super::DIRECT_BYTES, Collectives::BySize), 2);
    assert_eq!(steps(super::DIRECT_BYTES + 1, Collectives::BySize), 14);
    assert_eq!(steps(8, Collectives::Ring), 14);
    assert_eq!(steps(1 << 30, Collectives::Direct), 2);
    assert_eq!(steps(1 << 30, Collectives::Model), 3);
}

#[test]
fn puts_take_the_time_of_their_parts_and_move_few_bytes() {
    let puts = |how| {
        let trace = trace(CollectiveKind::AllReduce, 4, 1 << 20, 0);
        let workload = lowered(&trace, how);
        let programs = workload.ranks[0]
            .tasks
            .iter()
            .flat_map(|task| &task.program);
        let sizes = programs.filter_map(|op| match *op {
            Step::PutTimed {
                bytes, timed_bytes, ..
            } => Some((bytes, timed_bytes)),
            _ => None,
        });
        sizes.collect::<Vec<(u64, u64)>>()
    };
    assert_eq!(puts(Collectives::Ring), [(256, 1 << 18); 6]);
    assert_eq!(puts(Collectives::Direct), [(256, 1 << 20); 3]);
}

#[test]
fn more_than_64_notifications_are_awaited_by_several_tasks() {
    for how in ALL {
        let trace = trace(CollectiveKind::Reduce, 130, 4, 0);
        let workload = lowered(&trace, how);
        let waits: Vec<u8> = workload.ranks[0]
            .tasks
            .iter()
            .map(|task| task.defers)
            .collect();
        if how == Collectives::Direct {
            assert_eq!(waits, [0, 64, 64, 1, 0, 0]);
        }
        let found = workload.verify(&run_in(&workload, A2A3, &workload.order));
        assert!(found.is_right(), "{how:?} {:?}", found.first);
    }
}

#[test]
fn a_model_takes_the_rounds_and_bytes_of_the_ring() {
    use CollectiveKind::{AllGather, AllReduce, AllToAll, Barrier, Gather, Reduce, Scatter};
    let times = [
        (AllReduce, 6, 6_000),
        (CollectiveKind::ReduceScatter, 3, 3_000),
        (AllToAll, 3, 3_000),
        (AllGather, 3, 12_000),
        (Reduce, 4, 6_000),
        (Gather, 1, 12_000),
        (Scatter, 1, 3_000),
        (Barrier, 3, 0),
    ];
    for (kind, rounds, bytes) in times {
        let workload = lowered(&trace(kind, 4, 4_000, 0), Collectives::Model);
        for plan in &workload.ranks {
            let engine = plan.tasks[3].program[0].clone();
            let Step::Engine { time, .. } = engine else {
                panic!("{engine:?}")
            };
            assert_eq!(time, EngineTime::Rounds { rounds, bytes }, "{kind:?}");
        }
    }
}

#[test]
fn collectives_of_nothing_move_nothing_and_still_wait_for_all() {
    for kind in CollectiveKind::ALL {
        for how in REAL {
            let workload = lowered(&trace(kind, 3, 0, 0), how);
            assert!(workload.checks.is_empty());
            let mut programs = workload.ranks.iter().flat_map(|rank| &rank.tasks);
            let moves = |op: &Step| matches!(op, Step::PutTimed { .. } | Step::Copy { .. });
            assert!(!programs.any(|task| task.program.iter().any(moves)));
            assert!(
                Before::of(&workload).notifiers.len() >= 2,
                "{kind:?} {how:?}"
            );
        }
    }
}

#[test]
fn many_collectives_share_a_bounded_room() {
    let mut trace = trace(CollectiveKind::AllReduce, 8, 1 << 20, 0);
    assert_eq!(super::collective::part_cap(&trace.collectives), 256);
    trace.collectives = vec![trace.collectives[0].clone(); 10_000];
    assert_eq!(super::collective::part_cap(&trace.collectives), 32);
}

#[test]
fn a_trace_that_becomes_too_many_tasks_is_refused() {
    let trace = trace(CollectiveKind::AllReduce, 4, 1 << 20, 0);
    let plan = |most| {
        let mut ranks: Vec<RankPlan> = (0..4).map(RankPlan::new).collect();
        let how = Collectives::Ring;
        Steps::plan(&trace, (how, most), &mut ranks, &mut Vec::new()).map(drop)
    };
    assert_eq!((plan(24), plan(23)), (Ok(()), Err(TooManySteps)));
}
