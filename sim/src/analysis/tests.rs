//! Every figure, worked out by hand on small runs.

use finbox_scheduler::{Outcome, Subtasks};

use super::{Because, Part, PartKind, analyse, bounds, realised_path, sums};
use crate::engine::Lane;
use crate::timeline::{
    Befores, Block, Condition, CoreLane, NEVER, NOBODY, Operation, OperationKind, OperationRef,
    RankTimeline, Root, TaskTimes, Timeline, Watch,
};
use crate::workload::Shape;

fn task(submitted_ns: u64, ready_ns: u64, finished_ns: u64, released_ns: u64) -> TaskTimes {
    TaskTimes {
        submitted_ns,
        ready_ns,
        finished_ns,
        released_ns,
        outcome: Some(Outcome::Completed),
        is_inline: true,
        shape: Shape::Aiv,
        blocks: 1,
    }
}

/// A block on `core` with the times of dispatch, start, end and FIN.
fn block(task: u32, core: u16, times: [u64; 4]) -> Block {
    Block {
        task,
        block: 0,
        core,
        subtask: Subtasks::empty(),
        dispatched_ns: times[0],
        started_ns: times[1],
        ended_ns: times[2],
        observed_ns: times[3],
    }
}

const AIV: CoreLane = CoreLane {
    shape: Shape::Aiv,
    cluster: Some(0),
    handler: 0,
};

fn befores(lists: &[&[u32]]) -> Befores {
    let mut befores = Befores {
        begins: vec![0],
        tasks: Vec::new(),
    };
    for list in lists {
        befores.tasks.extend_from_slice(list);
        befores
            .begins
            .push(u32::try_from(befores.tasks.len()).unwrap());
    }
    befores
}

/// One core: task 0, then tasks 1 and 2, which both depend on it; 2 stands behind 1.
fn one_core() -> Timeline {
    let rank = RankTimeline {
        rank: 0,
        lanes: vec![AIV],
        tasks: vec![
            task(10, 10, 170, 180),
            task(20, 180, 330, 340),
            task(30, 180, 470, 480),
        ],
        befores: befores(&[&[], &[0], &[0]]),
        blocks: vec![
            block(0, 0, [40, 50, 150, 160]),
            block(1, 0, [200, 210, 310, 320]),
            block(2, 0, [350, 360, 450, 460]),
        ],
        ..RankTimeline::default()
    };
    Timeline {
        is_virtual: true,
        end_ns: 480,
        ranks: vec![rank],
        ..Timeline::default()
    }
}

fn told(path: &[Part]) -> Vec<(PartKind, u64, u32, Because)> {
    let one = |part: &Part| (part.kind, part.began_ns, part.task, part.because);
    path.iter().map(one).collect()
}

#[test]
fn the_path_follows_the_core_where_a_task_waits_for_one() {
    let path = realised_path(&one_core());
    use Because::{Core, Dependency, Next};
    use PartKind::{Dispatch, Fin, Finish, PickUp, Submit, Work};
    let expected = [
        (Submit, 0, 0, Next),
        (Dispatch, 10, 0, Next),
        (PickUp, 40, 0, Next),
        (Work, 50, 0, Next),
        (Fin, 150, 0, Next),
        (Finish, 160, 0, Next),
        (Finish, 170, 0, Dependency),
        (Dispatch, 180, 1, Next),
        (PickUp, 200, 1, Next),
        (Work, 210, 1, Next),
        (Fin, 310, 1, Next),
        (Dispatch, 320, 2, Core),
        (PickUp, 350, 2, Next),
        (Work, 360, 2, Next),
        (Fin, 450, 2, Next),
        (Finish, 460, 2, Next),
        (Finish, 470, 2, Next),
    ];
    assert_eq!(told(&path), expected);
    let sums = sums(&path);
    assert_eq!((sums.work_ns, sums.message_ns, sums.tasks), (290, 0, 3));
    assert_eq!((sums.dispatch_ns, sums.pick_up_ns), (30 + 20 + 30, 10 * 3));
    assert_eq!((sums.fin_ns, sums.finish_ns, sums.submit_ns), (30, 40, 10));
    assert_eq!(sums.work_ns + sums.scheduler_ns, 480);
}

#[test]
fn work_critical_path_and_occupancy_of_one_core() {
    let found = analyse(&one_core());
    assert_eq!(found.makespan_ns, 480);
    assert_eq!(
        (found.bounds.work_ns, found.bounds.critical_path_ns),
        (290, 200)
    );
    assert_eq!(
        (found.bounds.work_a_core_ns, found.bounds.lower_ns),
        (290, 290)
    );
    assert!((found.utilisation[0].share - 290.0 / 480.0).abs() < 1e-12);
    // Idle and ready: 10 to 40, 180 to 200, and from 310, task 2 being ready, to 350.
    assert_eq!(found.overhead.kinds[0].ns, 30 + 20 + 40);
    assert!((found.overhead.any - 90.0 / 480.0).abs() < 1e-12);
    assert!((found.overhead.all - found.overhead.any).abs() < 1e-12);
    // Only task 2 was ready when the block before it ended: 310 to 360.
    assert_eq!((found.pick_up_gap.count, found.pick_up_gap.max_ns), (1, 50));
    assert_eq!(found.held_up.by, "work");
    let stage = &found.latencies[1];
    assert_eq!(
        (stage.name, stage.percentiles.max_ns),
        ("ready to dispatched", 170)
    );
    assert_eq!(stage.histogram[5], 2, "20 and 30 lie below 32");
}

/// Three ranks in a row: each puts to the next and notifies it; 0→1 takes 100 a put, 1→2 900.
fn three_ranks() -> Timeline {
    let operation = |kind, from: u32, bytes, times: [u64; 3]| Operation {
        kind,
        task: 0,
        from,
        to: from + 1,
        bytes,
        issued_ns: times[0],
        began_ns: times[1],
        ended_ns: times[2],
        planned_ns: 100,
        value: 1,
    };
    let send = |from: u32, at: u64, takes: u64| {
        let arrives = at + takes;
        vec![
            operation(OperationKind::Put, from, 1_000, [at, at, arrives]),
            operation(
                OperationKind::Notify { counter: 0 },
                from,
                0,
                [at, arrives, arrives + 10],
            ),
        ]
    };
    let wait = |registered_ns, met_ns, rank| Condition {
        task: 0,
        watch: Watch::Counter(0),
        expected: 1,
        registered_ns,
        met_ns,
        by: Some(OperationRef { rank, index: 1 }),
    };
    let rank = |rank: u32, tasks: Vec<TaskTimes>, blocks| RankTimeline {
        rank: 10 + rank,
        lanes: vec![AIV, AIV],
        befores: befores(&vec![&[][..]; tasks.len()]),
        tasks,
        blocks,
        ..RankTimeline::default()
    };
    let deferred = |finished_ns| TaskTimes {
        is_inline: false,
        ..task(0, 0, finished_ns, finished_ns)
    };
    let mut first = rank(
        0,
        vec![task(0, 0, 60, 60)],
        vec![block(0, 0, [5, 10, 50, 60])],
    );
    first.operations = send(0, 50, 100);
    let mut second = rank(1, vec![deferred(190)], vec![block(0, 0, [5, 10, 40, 50])]);
    second.conditions = vec![wait(40, 180, 0)];
    second.operations = send(1, 40, 900);
    let mut third = rank(2, vec![deferred(1_000)], vec![block(0, 0, [5, 10, 30, 40])]);
    third.conditions = vec![wait(30, 970, 1)];
    Timeline {
        is_virtual: true,
        end_ns: 1_000,
        ranks: vec![first, second, third],
        ..Timeline::default()
    }
}

#[test]
fn the_path_follows_a_message_to_the_kernel_that_sent_it() {
    let timeline = three_ranks();
    let path = realised_path(&timeline);
    let parts: Vec<_> = path
        .iter()
        .map(|part| (part.kind, part.began_ns, part.ended_ns, part.rank))
        .collect();
    let expected = [
        (PartKind::Dispatch, 0, 5, 1),
        (PartKind::PickUp, 5, 10, 1),
        (PartKind::Work, 10, 40, 1),
        (PartKind::Message { from: 1, to: 2 }, 40, 950, 1),
        (PartKind::Poll, 950, 970, 2),
        (PartKind::Finish, 970, 1_000, 2),
    ];
    assert_eq!(parts, expected);
    let bounds = bounds(&timeline);
    assert_eq!(
        (bounds.work_ns, bounds.critical_path_ns),
        (40 + 30 + 20, 30 + 910)
    );
}

#[test]
fn the_link_that_is_unlike_the_others_is_told_first_with_who_waited() {
    let found = analyse(&three_ranks());
    let link = |from, to| {
        let mut links = found.links.iter();
        let link = links.find(|one| (one.from, one.to) == (from, to));
        link.map(|one| (one.bytes, one.busy_ns, one.sum_ns, one.operations))
    };
    assert_eq!(link(10, 11), Some((1_000, 100, 100, 1)));
    assert_eq!(link(11, 12), Some((1_000, 900, 900, 1)));
    assert!((found.links[1].slower - 9.0).abs() < 1e-9);
    let waits: Vec<_> = found
        .waits
        .iter()
        .map(|wait| (wait.rank, wait.peer, wait.engine, wait.ns))
        .collect();
    assert_eq!(
        waits,
        [(12, Some(11), None, 920), (11, Some(10), None, 120)]
    );
    assert_eq!(
        (found.held_up.by, found.held_up.link),
        ("link", Some([11, 12]))
    );
    let sentence = &found.held_up.sentence;
    for part in [
        "link 11\u{2192}12",
        "rank 12 waited 92 %",
        "It moved 1.0 kB at 1.1 GB/s while busy, and a move took 9.0 times as long as it should",
        "91 %",
    ] {
        assert!(sentence.contains(part), "{part}: {sentence}");
    }
}

#[test]
fn a_link_of_small_messages_is_no_slow_link_and_a_slow_one_off_the_path_is_not_told() {
    let mut small = three_ranks();
    for one in &mut small.ranks[1].operations {
        (one.bytes, one.planned_ns) = (4, 900);
    }
    let links = analyse(&small).links;
    assert!((links[0].slower - 1.0).abs() < 1e-9, "{links:?}");
    assert!((links[1].slower - 1.0).abs() < 1e-9, "{links:?}");
    let sentence = analyse(&small).held_up.sentence;
    assert!(sentence.contains("moved 4 B at 4.4 MB/s"), "{sentence}");
    assert!(!sentence.contains("times as long"), "{sentence}");
    // 910 of 10 000 are on the slow link, and most goes by until somebody sees the condition.
    let mut rare = three_ranks();
    rare.end_ns = 10_000;
    rare.ranks[2].conditions[0].met_ns = 9_970;
    rare.ranks[2].tasks[0].finished_ns = 10_000;
    let found = analyse(&rare);
    assert!((found.links[1].slower - 9.0).abs() < 1e-9);
    assert_eq!((found.held_up.by, found.held_up.link), ("scheduler", None));
}

#[test]
fn a_transfer_that_stood_in_a_queue_is_told_apart_from_its_bytes() {
    let mut timeline = three_ranks();
    timeline.ranks.truncate(1);
    let rank = &mut timeline.ranks[0];
    rank.tasks = vec![TaskTimes {
        is_inline: false,
        ..task(0, 0, 500, 500)
    }];
    let lane = Lane::Sdma { stream: 0 };
    rank.operations = vec![Operation {
        kind: OperationKind::Transfer { lane, status: 0 },
        task: 0,
        from: 0,
        to: 0,
        bytes: 64,
        issued_ns: 50,
        began_ns: 300,
        ended_ns: 450,
        planned_ns: 150,
        value: 0,
    }];
    rank.conditions = vec![Condition {
        task: 0,
        watch: Watch::Post(lane),
        expected: 0,
        registered_ns: 50,
        met_ns: 480,
        by: Some(OperationRef { rank: 0, index: 0 }),
    }];
    timeline.end_ns = 500;
    let found = analyse(&timeline);
    assert_eq!((found.path.queue_ns, found.path.message_ns), (250, 150));
    assert_eq!((found.path.poll_ns, found.path.finish_ns), (30, 20));
    assert_eq!(found.held_up.by, "queue");
    assert_eq!(found.waits[0].engine, Some("SDMA"));
    assert!(found.links.is_empty(), "it never left its rank");
}

#[test]
fn a_run_that_stands_still_spends_its_end_on_nothing() {
    let mut timeline = three_ranks();
    timeline.end_ns = 5_000;
    let last = &mut timeline.ranks[2];
    last.tasks[0].finished_ns = NEVER;
    last.tasks[0].outcome = None;
    last.conditions[0].met_ns = NEVER;
    last.conditions[0].by = None;
    let found = analyse(&timeline);
    assert_eq!(found.path.nothing_ns, 5_000 - 190);
    assert_eq!(found.held_up.by, "nothing");
    let said = "rank 12 waited for something that never came.";
    assert!(
        found.held_up.sentence.ends_with(said),
        "{}",
        found.held_up.sentence
    );
    let wait = &found.waits[0];
    assert_eq!(
        (wait.rank, wait.peer, wait.ns, wait.is_unmet),
        (12, None, 4_970, true)
    );
    timeline.root = Some(Root {
        rank: 11,
        message: "rank 11, task send: running".to_owned(),
    });
    let said = "of the run: rank 11, task send: running; 1 other rank waited behind it.";
    let sentence = analyse(&timeline).held_up.sentence;
    assert!(sentence.ends_with(said), "{sentence}");
    let path = realised_path(&Timeline::default());
    assert_eq!(path, [], "nothing was recorded");
    timeline.ranks.clear();
    let path = realised_path(&timeline);
    assert_eq!(told(&path), [(PartKind::Nothing, 0, NOBODY, Because::Next)]);
}
