//! Buffers in front of submission: what is remembered does not grow with what has finished.

use std::time::Duration;

use finbox_runtime::wait::{StopFlag, Watch};
use finbox_runtime::{Access, BufferUse, BufferWaitError, Buffers, Wiring};
use finbox_scheduler::{
    Assembly, Fate, FaultCode, HandlerStep, Outcome, Shape, SlotId, TaskId, TaskSpec,
};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, ModelPort};
use oorandom::Rand32;

use crate::fixture::{COUNTERS, Log, TARGETS, below, cluster};

const BYTES: u64 = 1 << 20;
/// Uses whose tasks are unfinished at once.
const LIVE: u32 = 50;

fn random_use(random: &mut Rand32, buffer: finbox_runtime::BufferId) -> BufferUse {
    let start = below(random, 1 << 20) as u64;
    let most = 1 << (1 + random.rand_range(0..19));
    let end = start + 1 + below(random, most) as u64;
    let access = match random.rand_range(0..3) {
        0 => Access::Out,
        1 => Access::InOut,
        _ => Access::In,
    };
    let range = start..end.min(BYTES);
    BufferUse {
        buffer,
        range,
        access,
    }
}

#[test]
fn a_hundred_thousand_tasks_over_one_buffer_leave_its_state_bounded_and_each_use_as_cheap() {
    let mut random = Rand32::new(9);
    let mut buffers = Buffers::default();
    let buffer = buffers.declare(BYTES);
    let (mut after, mut steps, mut largest) = (Vec::new(), Vec::new(), 0);
    for number in 0..100_000_u32 {
        let one = [random_use(&mut random, buffer)];
        after.clear();
        buffers.plan(&one, &mut after).unwrap();
        let fate = |slot: SlotId| match slot.generation() + LIVE > number {
            true => Fate::Unfinished,
            false => Fate::Completed,
        };
        buffers.record(&one, SlotId::new(0, 0, number), fate);
        largest = largest.max(buffers.state_of(buffer));
        if (number + 1) % 25_000 == 0 {
            steps.push(buffers.steps() - steps.iter().sum::<u64>());
        }
    }
    assert!(largest < 64 * LIVE as usize, "{largest} remembered at once");
    let (first, last) = (steps[0], steps[3]);
    assert!(last * 10 < first * 11, "the last uses cost more: {steps:?}");
    assert!(last < 25_000 * 64, "{last} steps for 25 000 uses");
}

#[test]
fn a_block_that_was_written_in_pieces_is_one_piece_again_when_all_have_finished() {
    let mut buffers = Buffers::default();
    let buffer = buffers.declare(BYTES);
    for number in 0..10_000_u32 {
        let start = u64::from(number) * 64;
        let range = start..start + 64;
        let access = Access::Out;
        let one = [BufferUse {
            buffer,
            range,
            access,
        }];
        buffers.plan(&one, &mut Vec::new()).unwrap();
        let slot = SlotId::new(0, 0, number);
        buffers.record(&one, slot, |other| match other.generation() + 3 > number {
            true => Fate::Unfinished,
            false => Fate::Completed,
        });
        assert!(buffers.state_of(buffer) <= 64);
    }
}

#[test]
fn disjoint_halves_stay_parallel_however_often_the_block_is_looked_through() {
    let mut buffers = Buffers::default();
    let buffer = buffers.declare(8);
    let mut last = [None; 2];
    for number in 0..1_000_u32 {
        let half = (number % 2) as usize;
        let range = [0..4, 4..8][half].clone();
        let access = if number % 3 == 0 {
            Access::Out
        } else {
            Access::InOut
        };
        let one = [BufferUse {
            buffer,
            range,
            access,
        }];
        let mut after = Vec::new();
        buffers.plan(&one, &mut after).unwrap();
        assert_eq!(
            after,
            Vec::from_iter(last[half]),
            "only the same half's last writer"
        );
        let slot = SlotId::new(0, 0, number);
        buffers.record(&one, slot, |_| Fate::Unfinished);
        last[half] = Some(slot);
    }
}

#[test]
fn a_failed_writer_is_remembered_and_the_last_failed_reader_with_it() {
    let mut buffers = Buffers::default();
    let buffer = buffers.declare(8);
    let touch = |buffers: &mut Buffers, access, number| {
        let one = [BufferUse {
            buffer,
            range: 0..8,
            access,
        }];
        let mut after = Vec::new();
        buffers.plan(&one, &mut after).unwrap();
        buffers.record(&one, SlotId::new(0, 0, number), |_| Fate::Failed);
        after
    };
    let _ = touch(&mut buffers, Access::Out, 1);
    for number in 2..2_000 {
        let _ = touch(&mut buffers, Access::In, number);
        assert!(buffers.state_of(buffer) <= 64);
    }
    let after = touch(&mut buffers, Access::Out, 2_000);
    assert!(after.contains(&SlotId::new(0, 0, 1)));
    assert!(after.contains(&SlotId::new(0, 0, 1_999)));
}

/// A task that writes, on a core that runs when it is told; and a host that wants the bytes.
pub(crate) fn waiting(
    finishes: bool,
    patience: Duration,
    limit: Duration,
) -> Vec<Result<(), BufferWaitError>> {
    let on = |target| {
        let chip = cluster(target);
        let mut house = House::new(&chip, &Limits::default());
        let mut assembly = house.assemble(chip);
        let mut handler = assembly.handler();
        let Assembly {
            scheduler,
            submitter,
            mut dispatcher,
            ..
        } = assembly;
        let (log, port) = (
            Log::default(),
            ModelPort::new(&chip, Lines::of(&chip), COUNTERS),
        );
        let mut wiring = Wiring::new(submitter);
        let buffer = wiring.declare(64);
        let mut one = BufferUse {
            buffer,
            range: 0..64,
            access: Access::Out,
        };
        let spec = TaskSpec::new(TaskId::new(0, 1), Shape::Aiv);
        let uses = std::slice::from_ref(&one);
        let slot = wiring.submit(&scheduler, &log, &spec, &[], uses).unwrap();
        one.access = Access::In;
        one.range = 32..40;
        let (stop, mut life) = (StopFlag::default(), 0);
        let watch = Watch {
            stop: &stop,
            patience,
        };
        let result = wiring.wait_for(&watch, &scheduler, &one, limit, || {
            let _ = dispatcher.pass(&scheduler, &port, &log);
            for core in chip.all() {
                if port.start(core).is_some() && finishes {
                    port.finish(core);
                }
            }
            life += u64::from(handler.pass(&scheduler, &port, &log) == HandlerStep::Progress);
            life
        });
        if finishes {
            assert_eq!(log.outcome(slot), Outcome::Completed);
            one.range = 32..65;
            let error = wiring
                .wait_for(&watch, &scheduler, &one, limit, || 0)
                .unwrap_err();
            assert_eq!(error.code(), Some(FaultCode::InvalidArgs));
        }
        result
    };
    TARGETS.map(on).into()
}

#[test]
fn a_host_waits_for_a_buffer_until_its_writer_has_finished() {
    let long = Duration::from_secs(1_000);
    for result in waiting(true, long, long) {
        assert_eq!(result, Ok(()));
    }
}

#[test]
fn a_buffer_that_is_not_written_in_time_is_told_with_code_8() {
    let (long, limit) = (Duration::from_secs(1_000), Duration::from_millis(2));
    for result in waiting(false, long, limit) {
        let error = result.unwrap_err();
        let unfinished = 1;
        assert_eq!(error, BufferWaitError::Timeout { limit, unfinished });
        assert_eq!(error.code(), Some(FaultCode::TensorWaitTimeout));
    }
    for result in waiting(false, limit, long) {
        let error = result.unwrap_err();
        assert_eq!(
            error.code(),
            Some(FaultCode::SchedulerTimeout),
            "nothing moves: {error}"
        );
    }
}
