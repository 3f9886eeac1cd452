//! Every number of the table of faults is raised, each by a short way to it.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use finbox_scheduler::limits::DEFAULT_GAP_NS;
use finbox_scheduler::target::A2A3;
use finbox_scheduler::{FaultCode, Shape, TaskSpec};
use finbox_sim::demo;
use finbox_sim::report::StallClass;
use finbox_sim::world::{self, Settings};
use finbox_tests::house::Limits;
use finbox_tests::model_port::WireCondition;

use crate::buffers::waiting;
use crate::dead_claimer::{ghost, of_slots};
use crate::fixture::{AIC, Script, World, on_each_target};
use crate::scopes::{DUMMY, dummies, limits};
use crate::work::ring_of;

const BUDGET_NS: u64 = 1 << 32;

/// Which number, in what house, and what is to be done there; returns what was raised last.
type Way = (
    FaultCode,
    fn() -> Limits,
    fn(&mut World<'_>) -> Option<FaultCode>,
);

/// Ways to the numbers that a scheduler raises, by number.
const WAYS: [Way; 21] = [
    (FaultCode::ScopeDeadlock, two_slots, |world| {
        in_scopes(world, 1)
    }),
    (FaultCode::HeapRingDeadlock, two_slots, |world| {
        refused(world, |spec| spec.output_bytes = 1)
    }),
    (FaultCode::FlowControlDeadlock, two_slots, |world| {
        in_scopes(world, 2)
    }),
    (FaultCode::DepPoolOverflow, one_node, behind_two),
    (FaultCode::InvalidArgs, Limits::default, |world| {
        refused(world, |spec| spec.blocks = 0)
    }),
    (
        FaultCode::RequireSyncStartInvalid,
        Limits::default,
        |world| refused(world, |spec| (spec.blocks, spec.sync_start) = (4, true)),
    ),
    (FaultCode::ExplicitFatal, Limits::default, |world| {
        of_slab(world, 0, 9)
    }),
    (
        FaultCode::AsyncCompletionInvalid,
        Limits::default,
        |world| of_condition(world, WireCondition::counter(0, 1)),
    ),
    (FaultCode::AsyncWaitOverflow, Limits::default, |world| {
        of_slab(world, 65, 0)
    }),
    (
        FaultCode::AsyncRegistrationFailed,
        Limits::default,
        |world| of_slab(world, 0, 1),
    ),
    (FaultCode::AsyncWaitTimeout, Limits::default, out_of_time),
    (FaultCode::MailboxGap, || of_slots(8), gap),
    (FaultCode::TaskTimeout, Limits::default, |world| {
        hang(world, false)
    }),
    (FaultCode::CoreLost, Limits::default, |world| {
        hang(world, true)
    }),
    (FaultCode::NoCoreLeft, Limits::default, |world| {
        let _ = hang(world, false);
        let _ = world.plain(Shape::Aic, &[]);
        raised(world)
    }),
    (FaultCode::DeviceReset, Limits::default, |world| {
        running(world);
        world.port.reset();
        raised(world)
    }),
    (FaultCode::PeerDead, Limits::default, |world| {
        world.scheduler.peer_dead(3);
        let condition = world.counter(0, 1).of_peer(3);
        of_condition(world, condition)
    }),
    (FaultCode::TimelineEnded, Limits::default, |world| {
        world.scheduler.timeline_ended(3);
        let condition = world.counter(0, 1).of_timeline(3);
        of_condition(world, condition)
    }),
    (FaultCode::ProtocolError, Limits::default, |world| {
        running(world);
        world.port.set_cond(AIC, u32::MAX);
        raised(world)
    }),
    (FaultCode::WorkerLost, one_item, |world| {
        let ring = world.scheduler.work_ring().unwrap();
        let mut worker = ring.register(NonZeroU32::MIN).unwrap();
        let _ = world.plain(Shape::Work, &[]);
        assert_eq!(raised(world), None);
        assert!(worker.claim().is_ok());
        drop(worker);
        world.lose_worker(1, false);
        raised(world)
    }),
    (FaultCode::NoWorkerLeft, one_item, |world| {
        world.scheduler.work_ring().unwrap().close();
        let _ = world.plain(Shape::Work, &[]);
        raised(world)
    }),
];

fn two_slots() -> Limits {
    limits(1, 2, 0)
}

fn one_item() -> Limits {
    ring_of(2)
}

fn one_node() -> Limits {
    Limits {
        nodes: 1,
        ..Limits::default()
    }
}

/// Everybody but the AIC core moves; the last fault.
fn raised(world: &mut World<'_>) -> Option<FaultCode> {
    world.handle();
    world.run_only(&[0, 2]);
    let raised = world.log.raised();
    raised.last().map(|&(code, ..)| code)
}

/// Why a vector task that is what `change` makes of it is refused.
fn refused(world: &mut World<'_>, change: fn(&mut TaskSpec)) -> Option<FaultCode> {
    let mut spec = world.spec(Shape::Aiv, 0, 0);
    change(&mut spec);
    world.try_submit_spec(&spec, &[]).unwrap_err().code()
}

/// So many scopes, the outermost of which holds all slots, and one task more.
fn in_scopes(world: &mut World<'_>, scopes: u32) -> Option<FaultCode> {
    world.submitter.open_scope().unwrap();
    let _ = dummies(world, 2);
    (1..scopes).for_each(|_| world.submitter.open_scope().unwrap());
    world.try_submit(DUMMY, &[]).unwrap_err().code()
}

/// A task behind two others that wait.
fn behind_two(world: &mut World<'_>) -> Option<FaultCode> {
    let before = [0, 1].map(|index| world.deferred(&[world.counter(index, 1)], &[]));
    world.try_submit(DUMMY, &before).unwrap_err().code()
}

fn of_slab(world: &mut World<'_>, count: u32, error: i32) -> Option<FaultCode> {
    world.scripts.push(Script {
        conditions: Vec::new(),
        header: Some((count, error)),
    });
    let _ = world.submit((Shape::Aiv, 64, 1), &[]);
    raised(world)
}

fn of_condition(world: &mut World<'_>, condition: WireCondition) -> Option<FaultCode> {
    let _ = world.deferred(&[condition], &[]);
    raised(world)
}

fn out_of_time(world: &mut World<'_>) -> Option<FaultCode> {
    let condition = world.counter(0, 1);
    let _ = world.in_time(BUDGET_NS, &[condition]);
    assert_eq!(raised(world), None);
    world.port.advance(BUDGET_NS);
    raised(world)
}

fn gap(world: &mut World<'_>) -> Option<FaultCode> {
    ghost(world, 1);
    assert_eq!(raised(world), None);
    world.port.advance(DEFAULT_GAP_NS);
    raised(world)
}

/// A task with a budget on the AIC core, which has taken it.
fn running(world: &mut World<'_>) {
    let _ = world.task(Shape::Aic, &[], |spec| spec.run_budget_ns = BUDGET_NS);
    let _ = world.dispatch();
    assert!(world.start(AIC).is_some());
    world.handle();
}

/// It never ends; with another one's token behind it, if there is to be one.
fn hang(world: &mut World<'_>, has_pending: bool) -> Option<FaultCode> {
    running(world);
    if has_pending {
        let _ = world.plain(Shape::Aic, &[]);
        let _ = world.dispatch();
    }
    world.port.pass_time(BUDGET_NS + 100);
    raised(world)
}

#[test]
fn every_number_of_the_table_is_raised() {
    let mut numbers = BTreeSet::new();
    for (code, limits, way) in WAYS {
        on_each_target(&limits(), |world| assert_eq!(way(world), Some(code)));
        numbers.insert(code.number());
    }
    // A host that waits for a buffer is told by the runtime.
    let (long, short) = (Duration::from_secs(1_000), Duration::from_millis(2));
    for (patience, limit) in [(long, short), (short, long)] {
        for result in waiting(false, patience, limit) {
            let code = result.unwrap_err().code().expect("it has a number");
            numbers.insert(code.number());
        }
    }
    // No room for conditions any more is how a run is stuck: it is a class of stall.
    let crowd = Settings {
        condition_room: Some(64),
        ..Settings::of(&A2A3)
    };
    let stuck = world::run(&demo::crowd(2), &crowd, &mut |_, _| {}).unwrap();
    assert_eq!(stuck.stall.unwrap().class(), StallClass::RoomExhausted);
    numbers.insert(FaultCode::ConditionRoomExhausted.number());
    // 104 is reserved: ready stacks cannot overflow.
    let all = FaultCode::ALL.into_iter().map(FaultCode::number);
    let all: BTreeSet<u16> = all.filter(|&number| number != 104).collect();
    assert_eq!(numbers, all);
}
