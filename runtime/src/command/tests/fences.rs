//! Answers, completions and the two processors (C4, C5, C7, C8).

use super::fixture::{
    BARRIER, Device, FENCE, LONG_NS, Memory, StepClock, add, copy, indirect, launch, wait,
};
use crate::command::{Arrival, Clock, Entry, HostClock, Packet, Route, Statistics, run_threaded};

#[test]
fn c4_a_fence_that_is_reached_early_returns_early_whatever_its_budget() {
    let took = [1_000_000, 900_000_000].map(|budget_ns| {
        let mut memory = Memory::new(8);
        let mut device = Device::with_counters(&[]);
        device.looks = 20;
        let (submitter, mut processor) = memory.ring(0, device);
        let end = submitter.submit(&[launch(1), FENCE]).unwrap().end();
        let clock = StepClock::default();
        let arrival = processor.drain_until(end, budget_ns, &clock).unwrap();
        assert!(matches!(arrival, Arrival::Reached { position: 2, .. }));
        clock.now_ns()
    });
    assert_eq!(took[0], took[1]);
    assert!(took[0] < 100_000);
}

#[test]
fn c5_behind_each_of_100_000_inline_answers_the_statistics_are_there() {
    let mut memory = Memory::new(8);
    let (submitter, mut processor) = memory.ring(0, Device::default());
    let clock = StepClock::default();
    for _ in 0..100_000 {
        let end = submitter.submit(&[FENCE]).unwrap().end();
        let arrival = processor.drain_until(end, LONG_NS, &clock).unwrap();
        assert!(matches!(arrival, Arrival::Reached { .. }));
        assert!(submitter.board().answered() >= end);
        assert!(submitter.board().snapshot().statistics.position >= end);
    }
}

#[test]
fn c5_behind_each_of_100_000_answers_of_a_thread_the_statistics_are_there() {
    let mut memory = Memory::new(32);
    let (submitter, mut processor) = memory.ring(0, Device::default());
    let clock = HostClock::start();
    let ended = run_threaded(&mut processor, &clock, |served| {
        let board = served.board();
        for _ in 0..100_000 / 16 {
            let submitted = submitter.submit(&[FENCE; 16]).unwrap();
            for fence in 1..=16 {
                let target = submitted.first + fence;
                while board.answered() < target {
                    assert!(clock.now_ns() < LONG_NS, "no answer");
                    std::hint::spin_loop();
                }
                assert!(board.snapshot().statistics.position >= target);
            }
        }
    });
    ended.unwrap();
    assert_eq!(processor.snapshot().statistics.position, 100_000);
}

#[test]
fn c5_between_two_answers_a_processor_publishes_at_its_fences_alone() {
    let mut memory = Memory::new(64);
    let (submitter, mut processor) = memory.ring(0, Device::default());
    let board = submitter.board();
    let published = || (board.answered(), board.snapshot().statistics.position);
    submitter.submit(&[launch(1); 16]).unwrap();
    assert!(processor.carry_on(None, 0));
    assert_eq!(published(), (0, 0), "nobody asked for it");
    let end = submitter.submit(&[launch(1), FENCE]).unwrap().end();
    submitter.submit(&[launch(1)]).unwrap();
    assert!(processor.carry_on(None, 0));
    assert_eq!(published(), (end, end));
    assert!(!processor.carry_on(None, 0), "nothing is left");
    assert!(processor.answer() && !processor.answer());
    assert_eq!(published(), (19, 19));
}

#[test]
fn c5_a_fence_is_answered_before_the_packet_behind_it_takes_effect() {
    let mut memory = Memory::new(8);
    let (submitter, mut processor) = memory.ring(0, Device::default());
    processor.executor_mut().refill = Some(submitter);
    let ring = [FENCE, launch(1), BARRIER, FENCE, launch(2)];
    submitter.submit(&ring).unwrap();
    processor.turn(None, 1);
    assert_eq!(processor.executor().answered, [1, 4]);
}

#[test]
fn c5_what_drains_did_not_reach_adds_up_to_what_was_injected_behind_their_targets() {
    let mut memory = Memory::new(64);
    let (submitter, mut processor) = memory.ring(u64::MAX - 2_000, Device::default());
    let clock = StepClock::default();
    let (mut told, mut injected) = (0, 0);
    for round in 0..1_000 {
        let target = submitter.submit(&[FENCE; 5]).unwrap().end();
        let behind = round % 7;
        for _ in 0..behind {
            submitter.submit(&[BARRIER]).unwrap();
        }
        match processor.drain_until(target, LONG_NS, &clock) {
            Ok(Arrival::Reached { not_reached, .. }) => told += not_reached,
            other => panic!("{other:?}"),
        }
        injected += behind;
    }
    assert_eq!((told, injected), (injected, 2_997));
}

#[test]
fn c5_a_thread_tells_in_every_drain_what_it_did_not_reach() {
    let mut memory = Memory::new(64);
    let (submitter, mut processor) = memory.ring(0, Device::with_counters(&[(8, 0)]));
    let clock = HostClock::start();
    let ended = run_threaded(&mut processor, &clock, |served| {
        let end = submitter.submit(&[FENCE, wait(8, 1)]).unwrap().end();
        let first = served.drain_until(end - 1, LONG_NS);
        assert!(matches!(first, Ok(Arrival::Reached { position: 1, .. })));
        let (mut told, mut injected) = (0, 0);
        for more in 1..=20 {
            let end = submitter.submit(&[FENCE]).unwrap().end();
            // What was submitted by now is told when the thread has looked again.
            let not_reached = loop {
                match served.drain_until(end, 0) {
                    Ok(Arrival::TimedOut(told)) if told.not_reached > more => break told,
                    Ok(Arrival::TimedOut(_)) => assert!(clock.now_ns() < LONG_NS),
                    other => panic!("{other:?}"),
                }
            };
            told += not_reached.not_reached;
            injected += 1 + more;
        }
        assert_eq!(told, injected);
    });
    ended.unwrap();
    assert_eq!(processor.snapshot().left, 21);
}

#[test]
fn c7_a_completion_noticed_by_two_routes_counts_once_and_the_duplicate_by_its_route() {
    for (first, second) in [(Route::Polled, Route::Told), (Route::Told, Route::Polled)] {
        let mut memory = Memory::new(8);
        let mut device = Device::with_counters(&[]);
        device.looks = 9;
        device.routes = vec![first, second];
        let (submitter, mut processor) = memory.ring(0, device);
        submitter.submit(&[launch(1)]).unwrap();
        processor.turn(None, 1);
        // The second ends while the first runs.
        processor.executor_mut().looks = 3;
        submitter.submit(&[launch(2), BARRIER]).unwrap();
        let arrival = processor.drain_until(3, LONG_NS, &StepClock::default());
        assert!(matches!(arrival, Ok(Arrival::Reached { .. })));
        let snapshot = processor.snapshot();
        let Statistics {
            completed, notices, ..
        } = snapshot.statistics;
        assert_eq!((completed, snapshot.running), (2, 0));
        assert_eq!((notices.useless(first), notices.useless(second)), (0, 2));
    }
}

/// Launches, copies, counters and nested buffers; and what a device is left with.
fn program() -> Vec<Packet> {
    let round = |round: u64| {
        [
            launch(round),
            add(8, 1),
            copy(round % 8, round % 8 + 1, 4),
            wait(8, u32::try_from(round).unwrap()),
            indirect(0x100, 2, Entry::Call),
            FENCE,
        ]
    };
    (1..=500).flat_map(round).collect()
}

fn device() -> Device<'static> {
    let mut device = Device::with_counters(&[(8, 0), (16, 0)]);
    device.bytes = (0..16).collect();
    device.looks = 2;
    device.put(0x100, &[add(16, 3), launch(1_000)]);
    device
}

type Left = (u64, Vec<u64>, Vec<u8>, u32);

fn left(statistics: &Statistics, device: &Device<'_>) -> Left {
    let counters = device.counters[&16];
    let (begun, bytes) = (device.begun.clone(), device.bytes.clone());
    (statistics.digest(), begun, bytes, counters)
}

fn inline(program: &[Packet]) -> Left {
    let mut memory = Memory::new(4096);
    let (submitter, mut processor) = memory.ring(0, device());
    let end = submitter.submit(program).unwrap().end();
    let arrival = processor.drain_until(end, LONG_NS, &StepClock::default());
    assert!(matches!(arrival, Ok(Arrival::Reached { .. })));
    left(&processor.snapshot().statistics, processor.executor())
}

fn threaded(program: &[Packet]) -> Left {
    let mut memory = Memory::new(4096);
    let (submitter, mut processor) = memory.ring(0, device());
    let clock = HostClock::start();
    let ended = run_threaded(&mut processor, &clock, |served| {
        let mut end = 0;
        for batch in program.chunks(16) {
            end = submitter.submit(batch).unwrap().end();
        }
        served.drain_until(end, LONG_NS)
    });
    let arrival = ended.unwrap();
    assert!(matches!(arrival, Ok(Arrival::Reached { .. })));
    left(&processor.snapshot().statistics, processor.executor())
}

#[test]
fn c8_both_processors_leave_the_same_and_another_program_something_else() {
    let mut program = program();
    let whole = inline(&program);
    assert_eq!(whole, inline(&program));
    assert_eq!(whole, threaded(&program));
    program.swap(0, 1);
    assert_ne!(whole.0, inline(&program).0, "the digest knows order");
}

#[test]
fn c8_the_digest_knows_nothing_of_when_somebody_looked() {
    let statistics = [
        (0, vec![Route::Told]),
        (5, vec![Route::Told, Route::Polled]),
    ];
    let [quick, slow] = statistics.map(|(looks, routes)| {
        let mut memory = Memory::new(4096);
        let mut device = device();
        (device.looks, device.routes) = (looks, routes);
        let (submitter, mut processor) = memory.ring(0, device);
        let end = submitter.submit(&program()).unwrap().end();
        let arrival = processor.drain_until(end, LONG_NS, &StepClock::default());
        assert!(matches!(arrival, Ok(Arrival::Reached { .. })));
        processor.snapshot().statistics
    });
    assert_eq!(quick.digest(), slow.digest());
    assert_ne!(quick.not_yet, slow.not_yet);
    assert_ne!(quick.completed, slow.completed);
    assert_ne!(quick.notices, slow.notices);
}
