//! Shapes: where blocks and subtasks go, how often a task retires, and that nobody starves.

use std::collections::{BTreeMap, BTreeSet};

use finbox_scheduler::{CoreId, FaultCode, Launch, Outcome, Shape, SlotId, Subtasks};
use finbox_tests::house::Limits;
use oorandom::Rand32;

use crate::fixture::{TARGETS, World, below, clusters, on_chip};

/// Every core takes its next token and runs it to the end; what they were told to run.
pub(crate) fn run_all(world: &World<'_>) -> Vec<(CoreId, Launch)> {
    let mut ran = Vec::new();
    for core in world.scheduler.chip().all() {
        if let Some((_, launch)) = world.port.start(core) {
            world.port.finish(core);
            ran.push((core, launch));
        }
    }
    ran
}

/// Turns until nothing moves; everything that ran, in order.
fn run_to_the_end(world: &mut World<'_>) -> Vec<(CoreId, Launch)> {
    let mut ran = Vec::new();
    loop {
        let moved = world.dispatch().progress;
        let now = run_all(world);
        let handled = world.handle();
        if !moved && now.is_empty() && !handled {
            return ran;
        }
        ran.extend(now);
    }
}

#[test]
fn every_set_of_subtasks_runs_once_in_one_cluster_each_on_its_place() {
    for target in TARGETS {
        on_chip(clusters(target, 2), &Limits::default(), |world| {
            for bits in 1..8 {
                let subtasks = Subtasks::from_bits(bits).unwrap();
                let task = world.task(Shape::Mix, &[], |spec| {
                    (spec.subtasks, spec.blocks) = (subtasks, 5);
                });
                let ran = run_to_the_end(world);
                assert_eq!(world.log.outcome(task), Outcome::Completed);
                assert_eq!(ran.len(), 5 * bits.count_ones() as usize);
                let mut clusters_of: BTreeMap<u16, BTreeSet<u16>> = BTreeMap::new();
                for (core, launch) in ran {
                    let place = match core.0 % 3 {
                        0 => Subtasks::AIV0,
                        1 => Subtasks::AIC,
                        _ => Subtasks::AIV1,
                    };
                    assert_eq!((launch.subtask, launch.blocks), (place, 5));
                    let clusters = clusters_of.entry(launch.block).or_default();
                    clusters.insert(core.0 / 3);
                }
                assert_eq!(clusters_of.len(), 5, "every block ran");
                assert!(clusters_of.values().all(|clusters| clusters.len() == 1));
            }
            world.assert_done();
        });
    }
}

#[test]
fn every_block_of_a_task_runs_once_and_then_its_consumers() {
    for target in TARGETS {
        on_chip(clusters(target, 2), &Limits::default(), |world| {
            for shape in [Shape::Aic, Shape::Aiv] {
                let task = world.task(shape, &[], |spec| spec.blocks = 100);
                let after = world.plain(Shape::Aic, &[task]);
                let ran = run_to_the_end(world);
                let mut blocks: Vec<u16> = ran
                    .iter()
                    .filter(|(_, launch)| launch.slot == task)
                    .map(|(_, launch)| launch.block)
                    .collect();
                assert_eq!(ran.last().unwrap().1.slot, after, "behind all blocks");
                blocks.sort_unstable();
                assert_eq!(blocks, (0..100).collect::<Vec<u16>>());
            }
            world.assert_done();
        });
    }
}

#[test]
fn the_largest_task_retires_98_301_times() {
    on_chip(clusters(TARGETS[1], 36), &Limits::default(), |world| {
        world.listens = false;
        let task = world.task(Shape::Mix, &[], |spec| {
            (spec.subtasks, spec.blocks) = (Subtasks::all(), 32_767);
        });
        world.run();
        assert!(world.scheduler.is_finished(task));
        assert_eq!(world.ledger().fins_applied, 98_301);
        world.assert_done();
    });
}

#[test]
fn the_subtasks_of_a_task_share_its_bound_of_conditions() {
    for (may_defer, outcome) in [(5, Outcome::Failed), (6, Outcome::Completed)] {
        for target in TARGETS {
            on_chip(clusters(target, 1), &Limits::default(), |world| {
                let conditions = [world.counter(0, 1), world.counter(1, 1)];
                let args = world.script(&conditions);
                let task = world.task(Shape::Mix, &[], |spec| {
                    (spec.subtasks, spec.args) = (Subtasks::all(), args);
                    spec.may_defer = may_defer;
                });
                world.run();
                assert_eq!(world.scheduler.room().0 > 0, !world.log.is_finished(task));
                world.port.set_counter(0, 1);
                world.port.set_counter(1, 1);
                world.run();
                assert_eq!(world.log.outcome(task), outcome);
                let code = world.scheduler.fault().map(|fault| fault.code);
                let overflow = Some(FaultCode::AsyncWaitOverflow);
                assert_eq!(code == overflow, outcome == Outcome::Failed);
                world.assert_done();
            });
        }
    }
}

/// Room for a stream of tasks.
pub(crate) fn many_slots() -> Limits {
    Limits {
        slots: 4_096,
        ..Limits::default()
    }
}

/// Every core that runs something says FIN.
fn finish_running(world: &mut World<'_>) {
    for core in world.scheduler.chip().all() {
        if !world.port.is_idle(core) {
            world.port.finish(core);
        }
    }
    world.handle();
}

/// Makes every AIV core run a task and have another behind it.
pub(crate) fn fill_vector_cores(world: &mut World<'_>) {
    let cores: Vec<CoreId> = world.scheduler.chip().all().collect();
    for _ in 0..2 {
        for _ in 0..world.scheduler.capacity(Shape::Aiv, Subtasks::empty()) {
            let _ = world.plain(Shape::Aiv, &[]);
        }
        let _ = world.dispatch();
        for &core in &cores {
            world.start(core);
        }
        world.handle();
    }
}

/// Submits AIV tasks so that some are always ready, lets one core a turn say FIN, until `wanted` is
/// given to a core; after how many turns. The kernel on `endless` does not end.
pub(crate) fn turns_in_a_stream(
    world: &mut World<'_>,
    wanted: SlotId,
    endless: Option<CoreId>,
) -> u32 {
    let all = world.scheduler.chip().all();
    let cores: Vec<CoreId> = all.filter(|&core| Some(core) != endless).collect();
    for turn in 0..1_000 {
        while world.log.dispatched().len() as u64 + 20 > world.ledger().submitted {
            let _ = world.plain(Shape::Aiv, &[]);
        }
        let _ = world.dispatch();
        if world
            .log
            .dispatched()
            .iter()
            .any(|&(.., slot)| slot == wanted)
        {
            finish_running(world);
            return turn;
        }
        for &core in &cores {
            world.start(core);
        }
        world.handle();
        let core = cores[turn as usize % cores.len()];
        if !world.port.is_idle(core) {
            world.port.finish(core);
        }
        world.handle();
    }
    panic!("it starved");
}

#[test]
fn a_stream_of_single_tasks_cannot_starve_a_mixed_one() {
    for target in TARGETS {
        on_chip(clusters(target, 3), &many_slots(), |world| {
            fill_vector_cores(world);
            let mixed = world.task(Shape::Mix, &[], |spec| spec.subtasks = Subtasks::all());
            assert!(turns_in_a_stream(world, mixed, None) <= 30);
            world.run();
            world.assert_done();
        });
    }
}

#[test]
fn a_kernel_that_never_ends_starves_neither_a_mixed_task_nor_a_cohort_beside_a_stream() {
    for target in TARGETS {
        for together in [false, true] {
            on_chip(clusters(target, 3), &many_slots(), |world| {
                fill_vector_cores(world);
                let wide = world.task(Shape::Mix, &[], |spec| {
                    (spec.subtasks, spec.blocks) = (Subtasks::all(), 2);
                    spec.sync_start = together;
                });
                let turns = turns_in_a_stream(world, wide, Some(CoreId(0)));
                assert!(turns < 300, "{turns}");
                world.run();
                world.assert_done();
            });
        }
    }
}

/// One random task; its blocks and subtasks.
fn random_task(world: &mut World<'_>, random: &mut Rand32, after: &[SlotId]) -> (SlotId, usize) {
    let shapes = [Shape::Aic, Shape::Aiv, Shape::Mix, Shape::Dummy];
    let shape = shapes[below(random, 4)];
    let conditions = match shape {
        Shape::Dummy => 0,
        _ => below(random, 3),
    };
    let wires: Vec<_> = (0..conditions)
        .map(|index| world.counter(index, 1))
        .collect();
    let args = world.script(&wires);
    let mut tokens = 0;
    let task = world.task(shape, after, |spec| {
        if shape == Shape::Dummy {
            return;
        }
        spec.args = args;
        spec.subtasks = Subtasks::from_bits_truncate(1 + u8::try_from(below(random, 7)).unwrap());
        spec.sync_start = below(random, 4) == 0;
        spec.blocks =
            1 + u16::try_from(below(random, if spec.sync_start { 3 } else { 9 })).unwrap();
        spec.may_defer = u8::try_from(conditions * spec.retirements() as usize).unwrap();
        if below(random, 3) == 0 {
            spec.priority = finbox_scheduler::Priority::High;
        }
        tokens = spec.retirements() as usize;
    });
    (task, tokens)
}

/// Wires in 60 random tasks while others run; each with its number of tokens.
fn random_graph(world: &mut World<'_>, random: &mut Rand32) -> Vec<(SlotId, usize)> {
    let mut tasks: Vec<(SlotId, usize)> = Vec::new();
    for _ in 0..60 {
        let count = if tasks.is_empty() {
            0
        } else {
            below(random, 3)
        };
        let after: Vec<SlotId> = (0..count)
            .map(|_| tasks[below(random, tasks.len())].0)
            .collect();
        tasks.push(random_task(world, random, &after));
        if below(random, 4) == 0 {
            world.turn();
        }
    }
    tasks
}

fn runs_every_token_once(world: &mut World<'_>, seed: u64) {
    let mut random = Rand32::new(seed);
    world.port.set_counter(0, 1);
    let tasks = random_graph(world, &mut random);
    world.run();
    world.port.set_counter(1, 1);
    world.run();
    let mut given: BTreeMap<SlotId, usize> = BTreeMap::new();
    for (.., slot) in world.log.dispatched() {
        *given.entry(slot).or_default() += 1;
    }
    for (task, tokens) in tasks {
        assert_eq!(world.log.outcome(task), Outcome::Completed);
        assert_eq!(given.get(&task).copied().unwrap_or(0), tokens);
    }
    world.assert_done();
}

#[test]
fn random_graphs_of_all_shapes_run_every_token_once() {
    let limits = Limits {
        slots: 128,
        ..Limits::default()
    };
    for seed in 0..60 {
        for target in TARGETS {
            on_chip(clusters(target, 3), &limits, |world| {
                runs_every_token_once(world, seed);
            });
        }
    }
}
