//! Where a drain ends, and why (C1 to C3, C6).

use std::thread;

use super::fixture::{
    BARRIER, Device, LONG_NS, Memory, NO_OP, StepClock, add, indirect, launch, wait,
};
use crate::command::{
    Arrival, Blocker, Board, Entry, Evidence, HostClock, Journey, Kind, Place, Snapshot, Submitter,
    Verdict, WaitsFor, run_threaded,
};
use crate::wait::StopFlag;

fn evidence(arrival: Arrival) -> Evidence {
    match arrival {
        Arrival::TimedOut(evidence) => evidence,
        Arrival::Reached { .. } => panic!("nobody could have reached it"),
    }
}

#[test]
fn c1_a_drain_of_10_000_packets_ends_behind_its_marker_and_not_before() {
    for start in [0, u64::MAX - 5_000] {
        let mut memory = Memory::new(16_384);
        let (submitter, mut processor) = memory.ring(start, Device::with_counters(&[(8, 0)]));
        for _ in 0..10_000 {
            submitter.submit(&[NO_OP]).unwrap();
        }
        submitter.submit(&[add(8, 1)]).unwrap();
        let target = submitter.target();
        submitter.submit(&[add(8, 100)]).unwrap();
        let arrival = processor.drain_until(target, LONG_NS, &StepClock::default());
        let reached = Arrival::Reached {
            position: start.wrapping_add(10_001),
            not_reached: 1,
        };
        assert_eq!(arrival, Ok(reached));
        assert_eq!(processor.executor().counters[&8], 1);
    }
}

#[test]
fn c2_a_producer_that_keeps_pushing_prolongs_no_drain() {
    let mut memory = Memory::new(64);
    let (submitter, mut processor) = memory.ring(0, Device::with_counters(&[(8, 0)]));
    processor.executor_mut().refill = Some(submitter);
    submitter.submit(&[add(8, 1); 20]).unwrap();
    let clock = StepClock::default();
    let arrival = processor.drain_until(submitter.target(), LONG_NS, &clock);
    let reached = Arrival::Reached {
        position: 20,
        not_reached: 20,
    };
    assert_eq!(arrival, Ok(reached));

    let budget_ns = 1_000_000;
    let arrival = processor.drain_until(u64::MAX / 4, budget_ns, &clock);
    let told = evidence(arrival.unwrap());
    assert_eq!(told.took_ns, budget_ns);
    assert_eq!((told.verdict, told.not_reached), (Verdict::Slow, 20));
    assert!(told.distance > 1_000);
}

fn push_or_yield(submitter: &Submitter<'_>) {
    if submitter.submit(&[NO_OP; 16]).is_err() {
        thread::yield_now();
    }
}

#[test]
fn c2_a_producer_that_never_pauses_prolongs_no_drain_of_a_thread() {
    let mut memory = Memory::new(64);
    let (submitter, mut processor) = memory.ring(0, Device::default());
    let (clock, stop) = (HostClock::start(), StopFlag::default());
    let ended = run_threaded(&mut processor, &clock, |served| {
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.is_set() {
                    push_or_yield(&submitter);
                }
            });
            for _ in 0..200 {
                let target = submitter.target();
                let arrival = served.drain_until(target, LONG_NS);
                let is_there = matches!(arrival, Ok(Arrival::Reached { position, .. })
                    if position >= target);
                assert!(is_there, "{arrival:?}");
            }
            stop.stop();
        });
    });
    ended.unwrap();
}

#[test]
fn c3_a_jump_to_itself_is_told_as_a_livelock_with_its_revisits() {
    let mut memory = Memory::new(8);
    let mut device = Device::default();
    device.put(0x100, &[NO_OP, indirect(0x100, 2, Entry::Jump)]);
    let (submitter, mut processor) = memory.ring(0, device);
    submitter
        .submit(&[indirect(0x100, 2, Entry::Call), NO_OP])
        .unwrap();
    let arrival = processor.drain_until(2, 1_000_000, &StepClock::default());
    let told = evidence(arrival.unwrap());
    assert_eq!((told.verdict, told.distance), (Verdict::Livelock, 0));
    assert!(told.revisits > 100 && told.packets > told.revisits);
    assert_eq!((told.not_reached, told.blocker), (2, None));
    let again = evidence(
        processor
            .drain_until(2, 1_000_000, &StepClock::default())
            .unwrap(),
    );
    assert!(again.revisits < 2 * told.revisits, "of that drain alone");
    assert!(again.packets < 2 * told.packets, "of that drain alone");
}

/// A drain of 1 µs that began at 1 000 ns, and what stands in the way since `since_ns`.
fn verdict(since_ns: u64, revisits: u64) -> Verdict {
    let begin = Board::default().snapshot();
    let blocker = Blocker {
        place: Place::default(),
        kind: None,
        waits_for: WaitsFor::Submission,
        since_ns,
    };
    let now = Snapshot {
        blocker: Some(blocker),
        revisits,
        ..begin
    };
    let journey = Journey {
        target: 1,
        began_ns: 1_000,
        begin,
    };
    journey.evidence(&now, 2_000).verdict
}

#[test]
fn c3_a_drain_starves_that_stood_for_half_of_its_time_and_turns_in_circles_if_it_did_not() {
    for since_ns in [0, 1_000, 1_500] {
        assert_eq!(verdict(since_ns, 1), Verdict::Starved);
    }
    assert_eq!(verdict(1_501, 0), Verdict::Slow);
    assert_eq!(verdict(1_501, 1), Verdict::Livelock);
}

#[test]
fn c3_a_slow_device_is_told_as_slow_with_the_oldest_that_runs() {
    let mut memory = Memory::new(8);
    let mut device = Device::with_counters(&[]);
    device.looks = 5_000;
    let (submitter, mut processor) = memory.ring(0, device);
    submitter
        .submit(&[NO_OP, launch(1), launch(2), BARRIER])
        .unwrap();
    let clock = StepClock::default();
    let told = evidence(processor.drain_until(4, 1_000_000, &clock).unwrap());
    assert_eq!((told.verdict, told.distance), (Verdict::Slow, 3));
    let blocker = told.blocker.unwrap();
    assert_eq!(
        (blocker.place.position, blocker.kind),
        (3, Some(Kind::Barrier))
    );
    let waits_for = WaitsFor::Completions {
        running: 2,
        oldest: 1,
    };
    assert_eq!(blocker.waits_for, waits_for);
    assert!(blocker.since_ns <= 10_000);
    let arrival = processor.drain_until(4, LONG_NS, &clock).unwrap();
    assert!(matches!(arrival, Arrival::Reached { position: 4, .. }));
}

#[test]
fn c3_a_counter_that_nobody_moves_is_told_as_starved_with_its_value() {
    let mut memory = Memory::new(8);
    let (submitter, mut processor) = memory.ring(0, Device::with_counters(&[(8, 3)]));
    submitter.submit(&[NO_OP, wait(8, 5), NO_OP]).unwrap();
    let clock = StepClock::default();
    let told = evidence(processor.drain_until(3, 1_000_000, &clock).unwrap());
    assert_eq!((told.verdict, told.distance), (Verdict::Starved, 1));
    let waits_for = WaitsFor::Counter {
        address: 8,
        wanted: 5,
        found: Some(3),
    };
    assert_eq!(told.blocker.unwrap().waits_for, waits_for);
    let since_ns = told.blocker.unwrap().since_ns;
    let again = evidence(processor.drain_until(3, 1_000_000, &clock).unwrap());
    assert_eq!(again.blocker.unwrap().since_ns, since_ns, "the same wait");
    assert_eq!(processor.snapshot().statistics.not_yet, 1, "the same wait");
    processor.executor_mut().counters.insert(8, 5);
    let arrival = processor.drain_until(3, 0, &clock).unwrap();
    assert!(matches!(arrival, Arrival::Reached { position: 3, .. }));
    processor.turn(None, 1);
    assert!(processor.snapshot().blocker.is_some(), "for packets");
    assert_eq!(processor.snapshot().statistics.not_yet, 1, "of no packet");
}

#[test]
#[should_panic(expected = "room for one at least")]
fn a_processor_without_room_for_a_launch_is_refused() {
    let mut memory = Memory::new(8);
    let (_, processor) = memory.ring(0, Device::default());
    drop(processor.with_room(0));
}

#[test]
fn c3_a_launch_waits_for_room_and_says_behind_what() {
    for (room, behind) in [(Some(1), 1), (Some(2), 2), (None, 64)] {
        let mut memory = Memory::new(128);
        let mut device = Device::with_counters(&[]);
        device.looks = 9;
        let (submitter, mut processor) = memory.ring(0, device);
        if let Some(room) = room {
            processor = processor.with_room(room);
        }
        submitter.submit(&[launch(1); 80]).unwrap();
        for now_ns in 0..6 {
            processor.turn(None, now_ns);
        }
        let snapshot = processor.snapshot();
        let waits_for = WaitsFor::Completions {
            running: behind,
            oldest: 0,
        };
        assert_eq!(snapshot.statistics.position, u64::from(behind));
        assert_eq!(snapshot.blocker.unwrap().waits_for, waits_for);
    }
}

#[test]
fn c6_a_claimed_and_unpublished_packet_ends_a_drain_with_its_position() {
    let mut memory = Memory::new(8);
    let (submitter, mut processor) = memory.ring(40, Device::default());
    submitter.submit(&[NO_OP]).unwrap();
    let producer = submitter.producer();
    let mut claimed = producer.claim(1).unwrap();
    submitter.submit(&[NO_OP]).unwrap();
    let (clock, target) = (StepClock::default(), submitter.target());
    let told = evidence(processor.drain_until(target, 50_000, &clock).unwrap());
    assert_eq!((told.verdict, told.distance), (Verdict::Starved, 1));
    let blocker = told.blocker.unwrap();
    assert_eq!((blocker.place.position, blocker.kind), (41, None));
    assert!(matches!(blocker.waits_for, WaitsFor::Publication(_)));
    claimed.publish(&NO_OP);
    let arrival = processor.drain_until(target, 0, &clock).unwrap();
    assert!(matches!(arrival, Arrival::Reached { position: 43, .. }));
}

#[test]
fn c6_what_many_submitters_send_takes_effect_once() {
    const EACH: u32 = 2_000;
    let mut memory = Memory::new(16);
    let (submitter, mut processor) = memory.ring(0, Device::with_counters(&[(8, 0)]));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let batch = [add(8, 1); 4];
                let mut left = EACH as usize;
                while left > 0 {
                    match submitter.submit(&batch[..left.min(4)]) {
                        Ok(submitted) => left -= submitted.count as usize,
                        Err(_) => thread::yield_now(),
                    }
                }
            });
        }
        let target = u64::from(3 * EACH);
        let clock = StepClock::default();
        let arrival = processor.drain_until(target, u64::MAX, &clock).unwrap();
        assert!(matches!(arrival, Arrival::Reached { .. }));
    });
    assert_eq!(processor.executor().counters[&8], 3 * EACH);
}
