//! Indirect buffers (C9).

use super::fixture::{
    Device, FENCE, LONG_NS, Memory, NO_OP, StepClock, UNKNOWN, add, indirect, launch, wait,
};
use crate::command::{Arrival, Cause, Entry, Kind, MAX_DEPTH};

#[test]
fn c9_nested_buffers_return_to_their_parent_and_a_jump_to_its_grandparent() {
    let mut memory = Memory::new(8);
    let mut device = Device::with_counters(&[]);
    let call = indirect(0x200, 3, Entry::Call);
    device.put(0x100, &[launch(1), call, launch(4)]);
    let jump = indirect(0x300, 1, Entry::Jump);
    device.put(0x200, &[launch(2), jump, launch(99)]);
    device.put(0x300, &[launch(3)]);
    let (submitter, mut processor) = memory.ring(0, device);
    let ring = [indirect(0x100, 3, Entry::Call), launch(5), FENCE];
    submitter.submit(&ring).unwrap();
    let arrival = processor.drain_until(3, LONG_NS, &StepClock::default());
    assert!(matches!(arrival, Ok(Arrival::Reached { position: 3, .. })));
    assert_eq!(processor.executor().begun, [1, 2, 3, 4, 5]);
    let statistics = processor.snapshot().statistics;
    assert_eq!((statistics.packets(), statistics.nested), (9, 6));
    let of = [Kind::Launch, Kind::Indirect, Kind::Fence].map(|kind| statistics.of(kind));
    assert_eq!(of, [5, 3, 1]);
    assert!(!processor.has_work());
}

#[test]
fn c9_work_is_seen_at_every_level() {
    let mut memory = Memory::new(8);
    let mut device = Device::with_counters(&[(8, 0)]);
    device.put(0x100, &[indirect(0x200, 2, Entry::Call)]);
    device.put(0x200, &[wait(8, 1), launch(1)]);
    device.looks = 3;
    let (submitter, mut processor) = memory.ring(0, device);
    assert!(!processor.has_work());
    submitter
        .submit(&[indirect(0x100, 1, Entry::Call)])
        .unwrap();
    assert!(processor.has_work(), "in the ring");
    processor.turn(None, 1);
    let place = processor.snapshot().blocker.unwrap().place;
    assert_eq!((place.depth, place.buffer, place.index), (2, 0x200, 0));
    assert_eq!(submitter.producer().depth_hint(), 0);
    assert!(processor.has_work(), "in a buffer");
    processor.executor_mut().counters.insert(8, 1);
    processor.turn(None, 2);
    assert_eq!(processor.snapshot().statistics.position, 1);
    assert!(processor.has_work(), "on the device");
    for now_ns in 3..6 {
        processor.turn(None, now_ns);
    }
    assert!(!processor.has_work());
}

#[test]
fn c9_a_buffer_that_calls_itself_is_refused_at_the_bound_and_one_below_is_not() {
    for (depth, is_refused) in [(MAX_DEPTH as u64, false), (MAX_DEPTH as u64 + 1, true)] {
        let mut memory = Memory::new(8);
        let mut device = Device::with_counters(&[]);
        for level in 1..depth {
            device.put(level, &[indirect(level + 1, 1, Entry::Call)]);
        }
        device.put(depth, &[NO_OP]);
        let (submitter, mut processor) = memory.ring(0, device);
        submitter.submit(&[indirect(1, 1, Entry::Call)]).unwrap();
        let arrival = processor.drain_until(1, LONG_NS, &StepClock::default());
        assert_eq!(arrival.is_err(), is_refused);
        if let Err(halt) = arrival {
            assert_eq!(halt.cause, Cause::TooDeep);
            assert_eq!((halt.place.depth, halt.place.buffer), (8, 8));
        }
    }
}

#[test]
fn c9_a_buffer_that_nobody_has_stops_the_processor_there() {
    let mut memory = Memory::new(8);
    let (submitter, mut processor) = memory.ring(0, Device::default());
    let ring = [NO_OP, indirect(0x500, 1, Entry::Call)];
    submitter.submit(&ring).unwrap();
    let halt = processor.drain_until(2, LONG_NS, &StepClock::default());
    let halt = halt.unwrap_err();
    assert_eq!(halt.cause, Cause::Refused(UNKNOWN));
    assert_eq!((halt.place.position, halt.place.buffer), (1, 0x500));
    processor.executor_mut().put(0x500, &[launch(1)]);
    processor.turn(None, 1);
    assert_eq!(processor.snapshot().halt, Some(halt), "for good");
    assert!(processor.executor().begun.is_empty());
}

#[test]
fn c9_a_buffer_called_twice_that_jumps_is_no_circle() {
    let mut memory = Memory::new(8);
    let mut device = Device::with_counters(&[(8, 1)]);
    let call = indirect(0x200, 1, Entry::Call);
    device.put(0x100, &[call, call, add(8, u32::MAX), call]);
    device.put(0x200, &[indirect(0x300, 1, Entry::Jump)]);
    device.put(0x300, &[wait(8, 1)]);
    let (submitter, mut processor) = memory.ring(0, device);
    submitter
        .submit(&[indirect(0x100, 4, Entry::Call)])
        .unwrap();
    processor.turn(None, 1);
    let snapshot = processor.snapshot();
    let place = snapshot.blocker.unwrap().place;
    assert_eq!((place.depth, place.buffer), (2, 0x300));
    assert_eq!(snapshot.revisits, 0);
}
