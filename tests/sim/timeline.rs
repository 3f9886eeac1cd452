//! What is recorded of a run is what happened, on both clocks, and recording moves nothing.

use finbox_scheduler::target::A2A3;
use finbox_scheduler::{Outcome as TaskEnd, Subtasks};
use finbox_sim::analysis::{analyse, realised_path};
use finbox_sim::demo;
use finbox_sim::device::CounterPlace;
use finbox_sim::fault::{FaultKind, Faults};
use finbox_sim::timeline::{
    Block, NEVER, OperationKind, Phase, RankTimeline, Role, Sample, TaskTimes, Timeline, Watch,
};
use finbox_sim::workload::{Op, Part, RankPlan, Shape, TaskPlan, Workload};
use finbox_sim::world::{self, Clock, Settings};

use crate::fixture::{CLOCKS, TARGETS, crowd, lockstep, pass, run, small_workloads, trace};

fn workloads() -> Vec<Workload> {
    let mut all = Vec::from(small_workloads());
    all.extend([demo::mixed_spmd(2), demo::sdma_async(2), crowd(2, 40, 3)]);
    all
}

fn recorded(workload: &Workload, settings: Settings) -> Timeline {
    let outcome = pass(
        workload,
        &Settings {
            record: true,
            ..settings
        },
    );
    outcome.timeline.expect("it was asked for")
}

#[test]
fn recording_moves_no_event() {
    for target in TARGETS {
        for workload in workloads() {
            for seed in [0, 7] {
                let plain = pass(&workload, &lockstep(target, seed));
                let record = Settings {
                    record: true,
                    ..lockstep(target, seed)
                };
                let watched = pass(&workload, &record);
                assert_eq!(watched.digest, plain.digest, "{}", workload.name);
                assert_eq!(watched.result_digest, plain.result_digest);
                assert_eq!(watched.virtual_ns, plain.virtual_ns);
                assert!(plain.timeline.is_none());
                assert_eq!(
                    watched.timeline.map(|one| one.end_ns),
                    Some(plain.virtual_ns)
                );
            }
        }
    }
}

/// The parts of a rank's tasks that run on cores whatever a counter says, sorted.
fn planned(tasks: &[TaskPlan]) -> Vec<(u32, u16, u8)> {
    let runs = |task: &TaskPlan| task.shape != Shape::Dummy && task.predicate.is_none();
    let parts = (0..).zip(tasks).filter(|&(_, task)| runs(task));
    let part = |task: u32, part: Part| (task, part.block, part.subtask.bits());
    let mut all: Vec<_> = parts
        .flat_map(|(index, task)| Part::all_of(task).map(move |one| part(index, one)))
        .collect();
    all.sort_unstable();
    all
}

fn check_blocks(plan: &[TaskPlan], rank: &RankTimeline) {
    let part = |block: &Block| (block.task, block.block, block.subtask.bits());
    let always = |block: &&Block| plan[block.task as usize].predicate.is_none();
    let mut found: Vec<_> = rank.blocks.iter().filter(always).map(part).collect();
    found.sort_unstable();
    assert_eq!(found, planned(plan), "every part of every task once");
    for block in &rank.blocks {
        let times = [
            rank.tasks[block.task as usize].ready_ns,
            block.dispatched_ns,
            block.started_ns,
            block.ended_ns,
            block.observed_ns,
            rank.tasks[block.task as usize].finished_ns,
        ];
        assert!(
            times.is_sorted() && times[5] != NEVER,
            "{block:?} {times:?}"
        );
        let shape = match (rank.tasks[block.task as usize].shape, block.subtask) {
            (Shape::Mix, Subtasks::AIC) => Shape::Aic,
            (Shape::Mix, _) => Shape::Aiv,
            (shape, _) => shape,
        };
        assert_eq!(rank.lanes[usize::from(block.core)].shape, shape);
    }
    let mut by_core: Vec<_> = rank.blocks.iter().collect();
    by_core.sort_by_key(|block| (block.core, block.started_ns, block.ended_ns));
    for pair in by_core
        .windows(2)
        .filter(|pair| pair[0].core == pair[1].core)
    {
        assert!(
            pair[0].ended_ns <= pair[1].started_ns,
            "one at a time: {pair:?}"
        );
    }
}

fn check_threads(timeline: &Timeline, clock: Clock) {
    let ranks = timeline.ranks.iter().flat_map(|rank| &rank.threads);
    for thread in ranks.chain([&timeline.submitter]) {
        let spans: Vec<_> = thread.spans().collect();
        let is_whole = clock == Clock::Lockstep;
        let in_turn = spans
            .windows(2)
            .all(|pair| pair[0].ended_ns <= pair[1].began_ns);
        assert!(
            in_turn || !is_whole,
            "{:?}: one thing at a time",
            thread.role
        );
        let phases = thread.role.phases();
        assert!(spans.iter().all(|span| phases.contains(&span.phase)));
        assert!(!is_whole || thread.busy_ns() <= timeline.end_ns);
    }
}

#[test]
fn every_block_task_and_condition_is_there_with_its_times_in_order() {
    for target in TARGETS {
        for clock in CLOCKS {
            for workload in workloads() {
                let timeline = recorded(
                    &workload,
                    Settings {
                        clock,
                        ..lockstep(target, 3)
                    },
                );
                assert_eq!(timeline.left_out.total(), 0);
                assert_eq!(timeline.is_virtual, clock == Clock::Lockstep);
                for (plan, rank) in workload.ranks.iter().zip(&timeline.ranks) {
                    check_blocks(&plan.tasks, rank);
                    let completed = Some(TaskEnd::Completed);
                    assert!(rank.tasks.iter().all(|task| task.outcome == completed));
                    assert!(clock == Clock::Parallel || rank.tasks.iter().all(is_in_order));
                }
                let conditions = timeline.ranks.iter().flat_map(|rank| &rank.conditions);
                assert_eq!(conditions.count() as u64, workload.planned_conditions());
                check_causes(&timeline);
                check_threads(&timeline, clock);
            }
        }
    }
}

fn is_in_order(task: &TaskTimes) -> bool {
    let times = [task.submitted_ns, task.ready_ns, task.finished_ns];
    times.is_sorted() && task.finished_ns <= task.released_ns
}

/// Every condition was made true by an operation that came before it was seen to hold.
fn check_causes(timeline: &Timeline) {
    for (index, rank) in (0..).zip(&timeline.ranks) {
        for condition in &rank.conditions {
            let by = condition
                .by
                .unwrap_or_else(|| panic!("nobody: {condition:?}"));
            let by = &timeline.ranks[by.rank as usize].operations[by.index as usize];
            // On real threads an operation is seen before its device thread has said so.
            let is_told = by.ended_ns <= condition.met_ns || !timeline.is_virtual;
            assert!(is_told, "{condition:?} {by:?}");
            assert!(condition.registered_ns <= condition.met_ns);
            match (condition.watch, by.kind) {
                (Watch::Post(watched), OperationKind::Transfer { lane, .. }) => {
                    assert_eq!((watched, condition.task), (lane, by.task));
                }
                (Watch::Counter(counter), _) => assert_eq!(by.counter(), Some(counter)),
                other => panic!("{other:?}"),
            }
            if let OperationKind::Notify { .. } = by.kind {
                assert_eq!(by.to, index);
            }
        }
        for one in &rank.operations {
            let times = [one.issued_ns, one.began_ns, one.ended_ns];
            assert!(times.is_sorted(), "{one:?}");
        }
    }
}

#[test]
fn the_path_covers_the_run_and_no_run_is_shorter_than_its_bounds() {
    for target in TARGETS {
        for workload in workloads() {
            let timeline = recorded(&workload, lockstep(target, 3));
            let path = realised_path(&timeline);
            let edges = path
                .windows(2)
                .map(|pair| (pair[0].ended_ns, pair[1].began_ns));
            assert!(edges.clone().all(|(end, begin)| end == begin), "{path:?}");
            let ends = path.first().zip(path.last());
            let ends = ends.map(|(first, last)| (first.began_ns, last.ended_ns));
            assert_eq!(ends, Some((0, timeline.end_ns)));
            let found = analyse(&timeline);
            let path = &found.path;
            let parts = path.work_ns + path.message_ns + path.queue_ns + path.scheduler_ns;
            assert_eq!(parts, timeline.end_ns, "{}: {path:?}", workload.name);
            assert!(found.bounds.lower_ns <= timeline.end_ns);
            assert!(found.bounds.critical_path_ns >= path.work_ns.min(1));
        }
    }
}

#[test]
fn a_link_made_ten_times_slower_is_named_first() {
    let faults = Faults::NONE.parse("link-slow:2-3:10");
    for target in TARGETS {
        let slow = Settings {
            faults: faults.clone().expect("a fault"),
            ..lockstep(target, 0)
        };
        let found = analyse(&recorded(&trace("ring-allreduce-8"), slow));
        assert_eq!(
            (found.held_up.by, found.held_up.link),
            ("link", Some([2, 3]))
        );
        let sentence = &found.held_up.sentence;
        assert!(sentence.starts_with("The link 2\u{2192}3 held this run up: rank 3 waited"));
        assert!(
            sentence.contains("a move took 10.0 times as long as it should"),
            "{sentence}"
        );
        assert_eq!((found.waits[0].rank, found.waits[0].peer), (3, Some(2)));
        let usual = analyse(&recorded(&trace("ring-allreduce-8"), lockstep(target, 0)));
        assert_eq!(usual.held_up.link, None, "{}", usual.held_up.sentence);
        assert!(usual.makespan_ns < found.makespan_ns);
    }
}

/// Rank 0 puts to ranks 1, 2 and 1 again in one program, then notifies both.
fn puts_to_two_ranks() -> Workload {
    let put = |peer, timed_bytes| Op::PutTimed {
        peer,
        from: 0,
        to: 0,
        bytes: 64,
        timed_bytes,
    };
    let notify = |peer| Op::Notify {
        peer,
        counter: 0,
        add: 1,
    };
    let program = vec![
        put(1, 100_000),
        put(2, 200_000),
        put(1, 50_000),
        notify(2),
        notify(1),
    ];
    let ranks = [0, 1, 2].map(|index| {
        let mut rank = RankPlan {
            data_bytes: 64,
            ..RankPlan::new(index)
        };
        let counter = rank.add_counter(CounterPlace::Packed);
        rank.add_task(match index {
            0 => TaskPlan {
                program: program.clone().into(),
                ..TaskPlan::new("send", Shape::Aiv, 1_000)
            },
            _ => TaskPlan {
                defers: 1,
                program: vec![Op::Await {
                    counter,
                    expected: 1,
                }]
                .into(),
                ..TaskPlan::new("receive", Shape::Aiv, 1_000)
            },
        });
        rank
    });
    Workload {
        order: Workload::order_by_turns(&ranks),
        ranks: ranks.into(),
        ..Workload::default()
    }
}

#[test]
fn a_slow_link_slows_what_goes_over_it_and_nothing_else() {
    let spans = |faults: Faults| {
        let settings = Settings {
            faults,
            ..lockstep(&A2A3, 0)
        };
        let timeline = recorded(&puts_to_two_ranks(), settings);
        let operations = timeline.ranks[0].operations.iter();
        let spans = operations.map(|one| {
            let since = |at: u64| at - one.issued_ns;
            (one.to, since(one.began_ns), since(one.ended_ns))
        });
        spans.collect::<Vec<_>>()
    };
    let (one, two, three, notify) = (1_040 + 4_000, 1_040 + 8_000, 1_040 + 2_000, 520);
    let (second, third) = (one + two, one + two + three);
    let usual = [
        (1, 0, one),
        (2, one, second),
        (1, second, third),
        (2, third, third + notify),
        (1, third + notify, third + 2 * notify),
    ];
    assert_eq!(spans(Faults::NONE), usual);
    let slow = Faults::NONE.parse("link-slow:0-1:10").expect("a fault");
    let (late, later) = (9 * one, 9 * (one + three));
    let expected = [
        (1, 0, one + late),
        (2, one, second),
        (1, second + late, third + later),
        (2, third, third + notify),
        (
            1,
            third + notify + later,
            third + 2 * notify + later + 9 * notify,
        ),
    ];
    assert_eq!(spans(slow), expected);
}

#[test]
fn a_run_that_stood_still_is_told_by_what_it_stands_behind() {
    let settings = Settings {
        faults: Faults::only(FaultKind::CoreHang),
        record: true,
        ..lockstep(&A2A3, 0)
    };
    let outcome = run(&trace("ring-allreduce-8"), &settings);
    let stall = outcome.stall.expect("it is stuck");
    let root = stall.root().expect("a root");
    let found = analyse(&outcome.timeline.expect("it was asked for"));
    assert_eq!(found.held_up.by, "nothing");
    let sentence = found.held_up.sentence;
    assert!(
        sentence.contains(&format!("of the run: {}; ", root.message)),
        "{sentence}"
    );
    assert!(
        sentence.contains(&format!("rank {}, task ", root.rank)),
        "{sentence}"
    );
    assert!(
        sentence.ends_with("; 7 other ranks waited behind it."),
        "{sentence}"
    );
}

#[test]
fn a_slow_link_that_is_not_there_is_refused_before_anything_runs() {
    let said = |workload: &Workload, fault| {
        let settings = Settings {
            faults: Faults::NONE.parse(fault).expect("a fault"),
            ..lockstep(&A2A3, 0)
        };
        let refused = world::run(workload, &settings, &mut |_, _| {});
        refused.expect_err("no such link").to_string()
    };
    assert_eq!(
        said(&trace("ring-allreduce-8"), "link-slow:2-9:10"),
        "there is no link 2-9: the ranks of this run are 0 to 7"
    );
    assert_eq!(
        said(&demo::grid(4), "link-slow:2-3:10"),
        "there is no link 2-3: this run has one rank, and no links"
    );
}

#[test]
fn the_demo_takes_the_times_of_the_cost_model() {
    let timeline = recorded(&demo::deferred_notify(2), lockstep(&A2A3, 0));
    let [left, right] = &timeline.ranks[..] else {
        panic!("two ranks")
    };
    let producer = left.blocks.iter().find(|block| block.task == 0);
    let producer = producer.expect("it ran");
    assert_eq!(
        producer.started_ns - producer.dispatched_ns,
        5 + 140,
        "posted, seen"
    );
    assert_eq!(producer.ended_ns - producer.started_ns, 4_000);
    assert!(producer.observed_ns - producer.ended_ns >= 180);
    let [put, notify] = &left.operations[..] else {
        panic!("a put and its notify")
    };
    assert_eq!((put.from, put.to, put.bytes), (0, 1, 65_536));
    assert_eq!(put.issued_ns, producer.ended_ns);
    assert_eq!(put.began_ns, producer.ended_ns);
    assert_eq!(put.ended_ns - put.began_ns, 1_040 + 2_621);
    assert_eq!(
        (notify.began_ns, notify.ended_ns),
        (put.ended_ns, put.ended_ns + 520)
    );
    assert_eq!(notify.value, 1);
    let [condition] = &right.conditions[..] else {
        panic!("one wait")
    };
    assert_eq!((condition.task, condition.watch), (1, Watch::Counter(0)));
    let ended: Vec<_> = right.waiting();
    let fin = right.last_fins()[1];
    let end = right.tasks[1].finished_ns;
    let sample = |at_ns, count| Sample { at_ns, count };
    assert_eq!(ended, [sample(fin, 1), sample(end, 0)]);
    assert_eq!(right.befores.of(2), [0, 1]);
    let dispatch = left.threads.last().expect("a dispatch thread");
    assert_eq!(dispatch.role, Role::Dispatch);
    let given = dispatch
        .spans()
        .filter(|span| span.phase == Phase::Dispatch);
    let given: u64 = given.map(|span| span.ended_ns - span.began_ns).sum();
    assert!(given >= 3 * 3_000, "three tasks at 3 µs each, {given}");
}

#[test]
fn what_is_ready_and_what_is_in_a_mailbox_comes_and_goes() {
    let timeline = recorded(&demo::deferred_notify(4), lockstep(&A2A3, 0));
    for rank in &timeline.ranks {
        for series in [
            rank.ready(),
            rank.waiting(),
            rank.unmet(),
            rank.mailbox.clone(),
        ] {
            assert!(series.iter().any(|sample| sample.count > 0));
            assert_eq!(series.last().map(|sample| sample.count), Some(0));
            assert!(series.is_sorted_by_key(|sample| sample.at_ns));
        }
    }
}
