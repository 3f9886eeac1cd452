//! Launches on streams: results on both clocks, gates between ranks, poison, lives of buffers, and
//! what is said of points that do not come.

use finbox_runtime::plan::Mode;
use finbox_scheduler::{FaultCode, Outcome as End};
use finbox_sim::demo::{self, Omitted};
use finbox_sim::device::CounterPlace;
use finbox_sim::workload::{
    Access, Op, PointWait, RankPlan, Shape, StreamPlan, TaskPlan, Workload,
};
use finbox_sim::world::{self, RunError, Settings};

use crate::fixture::{CLOCKS, TARGETS, lockstep, pass, run};

fn streams(ranks: u32, rounds: u32) -> Workload {
    demo::streams(ranks, rounds, None).expect("no use is omitted")
}

fn stream(name: &str) -> StreamPlan {
    StreamPlan {
        name: name.into(),
        tracks: true,
    }
}

fn launch(name: &'static str, stream: u32) -> TaskPlan {
    TaskPlan {
        stream: Some(stream),
        ..TaskPlan::new(name, Shape::Aiv, 1_000)
    }
}

fn of(ranks: Vec<RankPlan>) -> Workload {
    let mut workload = Workload {
        name: "streams of a test".into(),
        order: Workload::order_by_turns(&ranks),
        ranks,
        ..Workload::default()
    };
    workload.add_gates();
    workload
}

#[test]
fn sorts_and_joins_are_right_for_any_seed_and_the_result_is_the_same_on_both_clocks() {
    for ranks in [1, 2, 3] {
        let workload = streams(ranks, 6);
        for target in TARGETS {
            let digests: Vec<u64> = (0..6)
                .map(|seed| pass(&workload, &lockstep(target, seed)).result_digest)
                .collect();
            let settings = CLOCKS.map(|clock| Settings {
                clock,
                ..lockstep(target, 0)
            });
            for settings in settings {
                let outcome = pass(&workload, &settings);
                assert_eq!(outcome.verified.max_diff, Some(0.0));
                assert!(outcome.explain.is_empty(), "every point was reached");
                assert!(digests.iter().all(|&one| one == outcome.result_digest));
            }
        }
    }
}

#[test]
fn tiny_rings_hold_launches_back_and_lose_none() {
    let workload = streams(2, 8);
    for task_slots in [8, 12] {
        let settings = Settings {
            task_slots: Some(task_slots),
            mailbox_slots: 2,
            ..lockstep(TARGETS[0], 3)
        };
        let _ = pass(&workload, &settings);
    }
}

#[test]
fn a_use_that_nobody_declares_is_refused_strictly_and_a_gap_permissively() {
    let (task, buffer) = ("join".to_owned(), "keys".to_owned());
    let omitted = Omitted { task, buffer };
    let workload = demo::streams(2, 8, Some(&omitted)).expect("a join reads keys");
    let strict = lockstep(TARGETS[0], 0);
    let error = world::run(&workload, &strict, &mut |_, _| {}).expect_err("it is strict");
    let RunError::Launch { task, .. } = &error else {
        panic!("another refusal: {error}");
    };
    assert_eq!(task, "join 0");
    let text = error.to_string();
    assert!(
        text.contains("argument 2 `keys`: nobody declared"),
        "{text}"
    );
    let permissive = Settings {
        plan: Mode::Permissive,
        ..strict
    };
    let outcome = run(&workload, &permissive);
    assert_eq!(outcome.untracked.len(), 16, "one a round and rank");
    let of_rank = |rank| {
        outcome
            .untracked
            .iter()
            .filter(|gap| gap.rank == rank)
            .count()
    };
    assert_eq!([0, 1].map(of_rank), [8, 8]);
    assert_eq!(outcome.untracked[0].kind, "external");
    assert!(!outcome.verified.is_right(), "nothing orders it");
}

#[test]
fn a_failure_ends_its_stream_and_gates_of_other_ranks_fail_with_the_chain_of_causes() {
    let mut workload = streams(2, 3);
    let rank = &mut workload.ranks[0];
    let counter = rank.add_counter(CounterPlace::Packed);
    let expected = 0;
    let sort = &mut rank.tasks[1];
    assert_eq!(&*sort.name, "sort 0");
    let wait = Op::Await { counter, expected };
    sort.program.extend(std::iter::repeat_n(wait, 65));
    sort.defers = 64;
    for clock in CLOCKS {
        let settings = Settings {
            clock,
            ..lockstep(TARGETS[0], 1)
        };
        let outcome = run(&workload, &settings);
        assert!(
            outcome.stall.is_none() && outcome.broken.is_empty(),
            "{outcome:?}"
        );
        let end = |rank: usize, name: &str| {
            let mut tasks = workload.ranks[rank].tasks.iter();
            let task = tasks.position(|task| &*task.name == name);
            outcome.ends[rank][task.expect("it is planned")]
        };
        assert_eq!(end(0, "sort 0"), Some(End::Failed));
        assert_eq!(end(1, "fetch 0"), Some(End::Cancelled));
        assert_eq!(
            end(1, "sort 0"),
            Some(End::Completed),
            "it waits for nobody"
        );
        let code = Some(u32::from(FaultCode::TimelineEnded.number()));
        let mut failures = outcome.failures.list.iter();
        // By the wall clock other gates may be seen to fail before it.
        let waits_so = |name: &str| name.starts_with("gate: stream sort reaches 2 on");
        let gate = failures.find(|one| (one.code, one.rank) == (code, 1) && waits_so(&one.name));
        let gate = gate.expect("a gate waits for the sort");
        let why = gate.because.as_deref().expect("it is told");
        assert!(why.starts_with("`sort of rank 0` ended before 2"), "{why}");
        assert!(why.ends_with("task sort 0 failed"), "{why}");
        let explained = outcome.explain.iter().find(|one| one.name == "fetch 0");
        assert_eq!(explained.map(|one| &*one.root), Some("poisoned"));
    }
}

#[test]
fn a_launch_that_waits_for_ever_is_explained_down_to_the_one_that_runs() {
    let mut rank = RankPlan::new(0);
    rank.streams = vec![stream("copy"), stream("compute")];
    let buffer = rank.add_buffer("column", 64, 64);
    let counter = rank.add_counter(CounterPlace::Packed);
    let never = Op::Await {
        counter,
        expected: 1,
    };
    rank.tasks = vec![
        TaskPlan {
            uses: vec![rank.whole(buffer, Access::Out)].into(),
            defers: 1,
            program: vec![never].into(),
            ..launch("bring", 0)
        },
        TaskPlan {
            uses: vec![rank.whole(buffer, Access::In)].into(),
            ..launch("use", 1)
        },
        launch("last", 1),
    ];
    let settings = Settings {
        patience_ns: 1_000_000,
        ..lockstep(TARGETS[0], 0)
    };
    let outcome = run(&of(vec![rank]), &settings);
    let stall = outcome.stall.expect("nobody notifies the counter");
    let stuck = stall.tasks().iter().find(|task| task.name == "use");
    let point = stuck
        .and_then(|task| task.point.as_deref())
        .expect("it is a launch");
    let words = [
        "`compute` 1 (it is at 0",
        "waits for `copy` 1",
        "task bring",
    ];
    assert!(words.iter().all(|word| point.contains(word)), "{point}");
    let names: Vec<&str> = outcome.explain.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["bring", "use", "last"]);
    assert_eq!(outcome.explain[1].root, "running, task bring");
    assert_eq!(outcome.explain[1].waits.len(), 1);
    assert_eq!(outcome.explain[0].waits, [], "it runs");
}

#[test]
fn a_wait_for_a_later_launch_has_a_gate_that_misses_its_budget_and_ends_the_stream() {
    let mut rank = RankPlan::new(0);
    rank.streams = vec![stream("early"), stream("late")];
    let slow = TaskPlan {
        duration_ns: 500_000,
        ..launch("slow", 1)
    };
    let wait = |budget_ns| PointWait {
        budget_ns,
        ..PointWait::new(0, 1, 1)
    };
    let early = |budget_ns| TaskPlan {
        waits: vec![wait(budget_ns)].into(),
        ..launch("early", 0)
    };
    let with = |budget_ns| {
        let mut rank = rank.clone();
        rank.tasks = vec![early(budget_ns), slow.clone()];
        of(vec![rank])
    };
    let settings = lockstep(TARGETS[0], 0);
    let met = pass(&with(2_000_000), &settings);
    assert_eq!(met.ledger.deferred, 1, "the gate");
    let missed = run(&with(50_000), &settings);
    assert_eq!(
        *missed.ends[0],
        [
            Some(End::Cancelled),
            Some(End::Completed),
            Some(End::Failed)
        ]
    );
    let early = missed.explain.iter().find(|one| one.name == "early");
    let message = &early.expect("it did not come").message;
    assert!(message.contains("was not reached by"), "{message}");
}

/// What is done to a launch.
type Change = fn(&mut TaskPlan);

#[test]
fn what_a_workload_says_of_streams_is_checked() {
    let with = |change: fn(&mut TaskPlan)| {
        let mut rank = RankPlan::new(0);
        rank.streams = vec![stream("only")];
        let mut task = launch("one", 0);
        change(&mut task);
        rank.tasks = vec![task, launch("two", 0)];
        of(vec![rank]).check().map_err(|error| error.to_string())
    };
    assert_eq!(with(|_| ()), Ok(()));
    let refused: [(Change, &str); 5] = [
        (|task| task.stream = Some(1), "there is no stream 1"),
        (
            |task| task.waits = vec![PointWait::new(0, 0, 3)].into(),
            "launch 3 of stream `only`, which has 2",
        ),
        (
            |task| task.waits = vec![PointWait::new(0, 0, 0)].into(),
            "launch 0 of stream",
        ),
        (
            |task| (task.stream, task.waits) = (None, vec![PointWait::new(0, 0, 1)].into()),
            "only launches",
        ),
        (|task| task.frees = vec![0].into(), "there is no buffer 0"),
    ];
    for (change, word) in refused {
        let error = with(change).expect_err(word);
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn launches_that_would_wait_for_themselves_are_refused_with_their_circle() {
    let mut rank = RankPlan::new(0);
    rank.streams = vec![stream("a"), stream("b")];
    let waits = |name: &'static str, own, other| TaskPlan {
        waits: vec![PointWait::new(0, other, 1)].into(),
        ..launch(name, own)
    };
    rank.tasks = vec![waits("first", 0, 1), waits("second", 1, 0)];
    let settings = lockstep(TARGETS[0], 0);
    let error = world::run(&of(vec![rank]), &settings, &mut |_, _| {}).expect_err("a circle");
    let text = error.to_string();
    assert!(
        text.contains("would wait for itself: `b` value 1 waits for `a`"),
        "{text}"
    );
}

#[test]
fn memory_is_given_to_the_next_buffer_when_nobody_uses_the_one_before() {
    let with = |frees: bool| {
        let mut rank = RankPlan::new(0);
        rank.streams = vec![stream("write"), stream("read")];
        let first = rank.add_buffer("first", 64, 64);
        let second = rank.add_buffer_in("second", first);
        let sink = rank.add_buffer("sink", 64, 64);
        let (at, to) = (rank.offset(first), rank.offset(sink));
        let fill = |value| Op::FillU32 {
            at,
            count: 16,
            value,
        };
        let copy = Op::Copy {
            from: at,
            to,
            bytes: 64,
        };
        let write = |rank: &RankPlan, buffer, value| TaskPlan {
            uses: vec![rank.whole(buffer, Access::Out)].into(),
            program: vec![fill(value)].into(),
            ..launch("write", 0)
        };
        let tasks = vec![
            write(&rank, first, 7),
            TaskPlan {
                uses: vec![rank.whole(first, Access::In), rank.whole(sink, Access::Out)].into(),
                frees: if frees {
                    vec![first].into()
                } else {
                    Vec::new().into()
                },
                program: vec![copy].into(),
                output: Some(rank.span(sink)),
                duration_ns: 90_000,
                ..launch("read", 1)
            },
            write(&rank, second, 8),
        ];
        rank.tasks = tasks;
        of(vec![rank])
    };
    let error = with(false).check().expect_err("its memory is never free");
    assert!(
        error.to_string().contains("`second` takes the memory"),
        "{error}"
    );
    for clock in CLOCKS {
        let settings = Settings {
            clock,
            ..lockstep(TARGETS[0], 5)
        };
        let _ = pass(&with(true), &settings);
    }
}
