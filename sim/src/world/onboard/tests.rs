//! Workloads on a machine: the same results as in the simulator, and what is said where a machine
//! cannot, will not or does not come back.

pub(super) mod machine;

use std::sync::Mutex;

use finbox_abi::finbox_op_kind as Kind;
use finbox_scheduler::A5;

use self::machine::{Told, Toy};
use super::{Abandoned, Board, Calls, DeviceRefusal, Trusted};
use crate::demo;
use crate::workload::{Access, Op, PointWait, RankPlan, Shape, StreamPlan, TaskPlan, Workload};
use crate::world::{self, Outcome, RunError, Settings, Submit, run_on};

/// For runs that nothing ends but patience.
const IMPATIENT: Settings = Settings {
    patience_ns: 1_000_000_000,
    ..Settings::of(&A5)
};

fn on(told: Told, workload: &Workload) -> Result<Outcome, RunError> {
    on_with(told, workload, &Settings::of(&A5))
}

fn on_with(told: Told, workload: &Workload, settings: &Settings) -> Result<Outcome, RunError> {
    let machine = Toy::new(told);
    let board = Board {
        machine: &machine,
        calls: &Trusted,
    };
    let ended = run_on(workload, settings, &board, &mut |_, _| {});
    if ended.as_ref().is_ok_and(|outcome| outcome.live == 0) {
        assert_eq!(machine.given(), 0, "memory goes back");
    }
    ended
}

fn refused(told: Told, workload: &Workload) -> DeviceRefusal {
    match on(told, workload) {
        Err(RunError::Device(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_demo_has_the_result_and_the_result_digest_of_the_simulator() {
    let scenarios = [
        demo::deferred_notify(2),
        demo::async_notify(4),
        demo::sdma_async(2),
        demo::dummy_task(2),
        demo::mixed_spmd(2),
        demo::prefetch_async(2),
        demo::grid(300),
        demo::crowd(80),
        demo::fan(300),
    ];
    for workload in scenarios {
        let name = &workload.name;
        let simulated = world::run(&workload, &Settings::of(&A5), &mut |_, _| {}).unwrap();
        let ranks = u32::try_from(workload.ranks.len()).unwrap();
        let outcome = on(Told { ranks, ..Told::ALL }, &workload).unwrap();
        assert_eq!(outcome.broken, [""; 0], "{name}");
        assert!(outcome.stall.is_none() && outcome.adds_up, "{name}");
        assert!(
            outcome.verified.is_right(),
            "{name}: {:?}",
            outcome.verified
        );
        assert_eq!(outcome.verified.max_diff, simulated.verified.max_diff);
        assert_eq!(outcome.ends, simulated.ends, "{name}");
        assert_eq!(outcome.result_digest, simulated.result_digest, "{name}");
        assert_eq!(outcome.ledger.conditions, simulated.ledger.conditions);
        for submit in [Submit::Ring, Submit::RingThreaded] {
            let settings = Settings {
                submit,
                command_slots: 4,
                ..Settings::of(&A5)
            };
            let told = Told { ranks, ..Told::ALL };
            let outcome = on_with(told, &workload, &settings).unwrap();
            assert_eq!(outcome.broken, [""; 0], "{name}");
            assert_eq!(
                outcome.result_digest, simulated.result_digest,
                "{name} {submit}"
            );
            let command = outcome.command.expect("there is a ring");
            assert_eq!((command.fences, command.not_reached), (1, 0), "{name}");
        }
        assert_eq!((outcome.digest, outcome.virtual_ns), (None, 0));
    }
}

#[test]
fn streams_of_two_ranks_wait_for_each_other_on_a_machine_as_in_the_simulator() {
    let mut ranks: Vec<RankPlan> = (0..2).map(RankPlan::new).collect();
    for (own, rank) in (0..).zip(&mut ranks) {
        let (name, tracks) = ("only".into(), true);
        rank.streams = vec![StreamPlan { name, tracks }];
        let column = rank.add_buffer("column", 64, 64);
        for value in 1..=4_u32 {
            let before = u64::from(value) - u64::from(own == 0);
            let wait = PointWait::new(1 - own, 0, before);
            rank.tasks.push(TaskPlan {
                uses: vec![rank.whole(column, Access::InOut)].into(),
                stream: Some(0),
                // By turns: the first of rank 0, the first of rank 1, the second of rank 0.
                waits: if before > 0 {
                    vec![wait].into()
                } else {
                    Vec::new().into()
                },
                program: vec![Op::AddU32 {
                    from: 0,
                    to: 0,
                    count: 16,
                    add: value,
                }]
                .into(),
                output: Some(rank.span(column)),
                ..TaskPlan::new(format!("add {value}"), Shape::Aiv, 100)
            });
        }
    }
    let mut workload = Workload {
        name: "by turns".into(),
        order: Workload::order_by_turns(&ranks),
        ranks,
        ..Workload::default()
    };
    workload.add_gates();
    let simulated = world::run(&workload, &Settings::of(&A5), &mut |_, _| {}).unwrap();
    let told = Told {
        ranks: 2,
        ..Told::ALL
    };
    let outcome = on(told, &workload).unwrap();
    assert!(outcome.stall.is_none() && outcome.adds_up, "{outcome:?}");
    assert_eq!(outcome.broken, [""; 0]);
    assert_eq!(outcome.ledger.deferred, 7, "every wait but none has a gate");
    assert_eq!(outcome.result_digest, simulated.result_digest);
    let refusal = refused(told, &demo::streams(2, 1, None).unwrap()).to_string();
    assert!(refusal.contains("task sort 0 sorts or joins"), "{refusal}");
}

#[test]
fn random_graphs_have_the_result_digest_of_the_simulator() {
    let mut compared = 0;
    for seed in 0..40 {
        let (workload, limits) = crate::workload::random(seed, None, false);
        let ranks = u32::try_from(workload.ranks.len()).unwrap();
        let outcome = match on(Told { ranks, ..Told::ALL }, &workload) {
            Ok(outcome) => outcome,
            Err(RunError::Device(DeviceRefusal::Lane { .. } | DeviceRefusal::EngineFaults)) => {
                continue;
            }
            Err(error) => panic!("seed {seed}: {error}"),
        };
        let settings = Settings {
            cores: limits.cores,
            ..Settings::of(&A5)
        };
        let simulated = world::run(&workload, &settings, &mut |_, _| {}).unwrap();
        assert_eq!(outcome.broken, [""; 0], "seed {seed}");
        assert_eq!(
            outcome.result_digest, simulated.result_digest,
            "seed {seed}"
        );
        compared += 1;
    }
    assert!(compared >= 5, "{compared} of 40 graphs could be compared");
}

#[test]
fn a_wrong_byte_is_found_where_it_is() {
    let mut workload = demo::deferred_notify(2);
    workload.ranks[0].init.clear();
    let outcome = on(Told::ALL, &workload).unwrap();
    assert!(!outcome.verified.is_right());
}

#[test]
fn operations_that_a_device_lacks_are_named_with_who_needs_them_and_nothing_is_loaded() {
    let workload = demo::sdma_async(2);
    let machine = Toy::new(Told {
        operations: Kind::REQUIRED,
        ..Told::ALL
    });
    let (machine, calls) = (&machine, &Trusted);
    let board = Board { machine, calls };
    let refusal = run_on(&workload, &Settings::of(&A5), &board, &mut |_, _| {}).unwrap_err();
    let text = refusal.to_string();
    for part in [
        "the device lacks the operations",
        "post (for rank 0, task",
        "await_post",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("copy"), "{text}");
    assert_eq!((machine.given(), machine.kernels().len()), (0, 0));
}

#[test]
fn engines_that_the_contract_does_not_know_are_refused_by_name() {
    let refusal = refused(Told::ALL, &demo::urma_deferred(2));
    let text = refusal.to_string();
    assert!(matches!(refusal, DeviceRefusal::Lane { .. }));
    assert!(text.contains("uses completion queue 0"), "{text}");
}

#[test]
fn what_looks_for_patterns_is_refused_by_name() {
    let refusal = refused(Told::ALL, &demo::persistent_scan(3, 0));
    let text = refusal.to_string();
    assert!(matches!(refusal, DeviceRefusal::Scan { .. }));
    assert!(
        text.starts_with("rank 0, task scan looks for patterns"),
        "{text}"
    );
}

#[test]
fn a_device_with_too_few_ranks_queues_or_lanes_says_how_many() {
    let few = |told, workload: &Workload| refused(told, workload).to_string();
    let one = Told {
        ranks: 1,
        ..Told::ALL
    };
    let text = few(one, &demo::deferred_notify(2));
    assert_eq!(text, "the workload needs 2 ranks, and the device has 1");
    let queues = Told {
        dma_queues: 47,
        ..Told::ALL
    };
    let text = few(queues, &demo::prefetch_async(1));
    assert_eq!(
        text,
        "the workload needs 48 DMA queues a rank, and the device has 47"
    );
}

#[test]
fn a_device_that_refuses_memory_is_quoted() {
    let full = Told {
        is_full: true,
        ..Told::ALL
    };
    let text = refused(full, &demo::deferred_notify(2)).to_string();
    assert!(text.starts_with("the device refused "), "{text}");
    assert!(
        text.contains("bytes of data on rank 0: allocate: the toy is full (7)"),
        "{text}"
    );
}

#[test]
fn a_core_that_never_says_fin_leaves_its_task_stuck_by_name() {
    let workload = demo::deferred_notify(2);
    let silent = Told {
        silent: Some(0),
        ..Told::ALL
    };
    let outcome = on_with(silent, &workload, &IMPATIENT).unwrap();
    let stall = outcome.stall.expect("nothing moves");
    let root = stall.root().expect("somebody is to blame");
    assert_eq!(
        (root.rank, &*root.name),
        (0, &*workload.ranks[0].tasks[0].name)
    );
    assert!(root.message.contains("core"), "{}", root.message);
    assert!(outcome.live > 0);
}

/// Calls into a toy whose gate is shut.
struct Gate<'a> {
    machine: &'a Toy,
    abandoned: Mutex<Option<Abandoned>>,
}

impl Calls for Gate<'_> {
    fn is_any_out(&self) -> bool {
        self.machine.is_shut()
    }

    fn lost(&self) -> Option<String> {
        self.machine
            .is_shut()
            .then(|| "`load_cond` of core 0".to_owned())
    }

    fn abandon(&self, run: &Abandoned) {
        *self.abandoned.lock().unwrap() = Some(run.clone());
        self.machine.open();
    }
}

#[test]
fn a_call_that_does_not_come_back_is_told_with_the_unfinished_tasks_before_anybody_joins() {
    let workload = demo::deferred_notify(2);
    let machine = Toy::new(Told {
        blocks: true,
        ..Told::ALL
    });
    let gate = Gate {
        machine: &machine,
        abandoned: Mutex::new(None),
    };
    let board = Board {
        machine: &machine,
        calls: &gate,
    };
    let settings = Settings {
        handlers: 1,
        ..IMPATIENT
    };
    let outcome = run_on(&workload, &settings, &board, &mut |_, _| {}).unwrap();
    let abandoned = gate.abandoned.lock().unwrap().take().expect("it was told");
    assert_eq!(abandoned.call, "`load_cond` of core 0");
    assert_eq!(abandoned.submitted, 6);
    assert!(abandoned.ends.iter().flatten().all(Option::is_none));
    assert_eq!(abandoned.stall.count(), 6);
    assert!(abandoned.stall.root().is_some());
    assert!(outcome.stall.is_some());
}
