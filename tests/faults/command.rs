//! What goes wrong with a command ring: bells, torn packets, packets that are none, and circles.

use finbox_sim::check::Ended;
use finbox_sim::cli::{Mode, RunOptions};
use finbox_sim::fault::{FaultKind, Faults};
use finbox_sim::report::StallClass;
use finbox_sim::world::{Outcome, Submit};

use crate::fixture::{judged, random};

const RINGS: [Submit; 2] = [Submit::Ring, Submit::RingThreaded];

fn options(mode: Mode, seed: u64, submit: Submit, faults: Faults) -> RunOptions {
    RunOptions {
        submit,
        command_slots: Some(32),
        ..random(mode, seed, faults)
    }
}

/// Seeds in lockstep and one by the wall clock, through both rings; each strikes.
fn each(kind: FaultKind, rings: &[Submit], mut judge: impl FnMut(&Outcome, Ended)) {
    let faults = Faults::NONE.with(kind, 0);
    for &submit in rings {
        let lockstep = (0..30).map(|seed| (Mode::Lockstep, seed));
        for (mode, seed) in lockstep.chain([(Mode::Parallel, 3)]) {
            let (outcome, ended) = judged(&options(mode, seed, submit, faults));
            assert_eq!(outcome.injected.of(kind), 1, "{submit} {mode} {seed}");
            judge(&outcome, ended);
        }
    }
}

#[test]
fn without_an_occasion_nothing_strikes() {
    let packets = [
        FaultKind::PacketTorn,
        FaultKind::PacketOtherEpoch,
        FaultKind::PacketGarbage,
        FaultKind::PacketLoop,
    ];
    let bells = [FaultKind::BellLost, FaultKind::BellDoubled];
    let with = |kinds: &[FaultKind]| {
        let kinds = kinds.iter();
        kinds.fold(Faults::NONE, |faults, &kind| faults.with(kind, 1))
    };
    let all = with(&[&packets[..], &bells[..]].concat());
    for mode in [Mode::Lockstep, Mode::Parallel] {
        for (submit, faults) in [(Submit::Direct, all), (Submit::Ring, with(&bells))] {
            let (outcome, ended) = judged(&options(mode, 2, submit, faults));
            assert_eq!((outcome.injected.total(), ended), (0, Ended::Passed));
        }
    }
}

#[test]
fn a_lost_bell_costs_time_and_nothing_else() {
    let mut later = 0;
    for seed in 0..60 {
        let [usual, lost] = [None, Some(1)].map(|often| {
            let faults = often.map_or(Faults::NONE, |often| {
                Faults::NONE.with(FaultKind::BellLost, often)
            });
            let options = options(Mode::Lockstep, seed, Submit::RingThreaded, faults);
            let (outcome, ended) = judged(&options);
            assert_eq!(ended, Ended::Passed);
            outcome
        });
        let batches = lost.command.as_ref().expect("a ring").batches;
        assert_eq!(lost.injected.of(FaultKind::BellLost), batches, "every one");
        assert_eq!(lost.result_digest, usual.result_digest);
        // Whoever waits rings again after 0.1 ms, then after twice as long, and so on.
        assert!(lost.virtual_ns < 3 * usual.virtual_ns + 1_000_000);
        later += u64::from(lost.virtual_ns >= usual.virtual_ns + 90_000);
    }
    assert!(later > 15, "{later} runs waited for the next bell");
    each(FaultKind::BellLost, &[Submit::RingThreaded], |_, ended| {
        assert_eq!(ended, Ended::Passed);
    });
}

#[test]
fn a_doubled_bell_changes_nothing() {
    each(
        FaultKind::BellDoubled,
        &[Submit::RingThreaded],
        |_, ended| {
            assert_eq!(ended, Ended::Passed);
        },
    );
}

#[test]
fn a_torn_packet_is_told_with_its_position_and_everything_before_it_took_effect() {
    each(FaultKind::PacketTorn, &RINGS, |outcome, ended| {
        assert_eq!(ended, Ended::Stuck);
        let stall = outcome.stall.as_ref().expect("nobody publishes it");
        assert_eq!(stall.class(), StallClass::CommandStarved);
        let (told, command) = (stall.command().unwrap(), outcome.command.as_ref().unwrap());
        assert_eq!(
            (told.verdict, told.position),
            ("starved", command.submitted)
        );
        assert_eq!((command.passed, command.fences), (told.position, 0));
        assert!(told.not_reached > 0 && told.target > told.position);
        assert!(
            told.message.contains("was claimed and is not published"),
            "{}",
            told.message
        );
        assert_eq!(outcome.ledger.submitted, told.position);
    });
}

/// Stops at a packet, whose position and content are told.
fn halts(kind: FaultKind, depth: u32, cause: &str) {
    each(kind, &RINGS, |outcome, ended| {
        assert_eq!(ended, Ended::Failed);
        assert!(outcome.stall.is_none());
        let command = outcome.command.as_ref().expect("a ring");
        let halt = command.halt.as_ref().expect("it stopped");
        assert_eq!(halt.depth, depth);
        assert!(halt.cause.contains(cause), "{}", halt.cause);
        let first = usize::from(depth > 0);
        let tasks = command.passed - first as u64;
        assert_eq!((halt.position, outcome.ledger.submitted), (tasks, tasks));
        assert_ne!(halt.words.map(|word| word.0), [0; 7]);
        assert!(halt.message().contains("stopped at position"));
    });
}

#[test]
fn a_packet_of_another_run_stops_the_processor_there() {
    halts(FaultKind::PacketOtherEpoch, 1, "run epoch 0, this run is 1");
}

#[test]
fn a_packet_that_is_none_stops_the_processor_there() {
    halts(FaultKind::PacketGarbage, 0, "packet kind 4294967295");
}

#[test]
fn a_buffer_that_jumps_to_itself_is_a_livelock_within_its_budget() {
    each(FaultKind::PacketLoop, &RINGS, |outcome, ended| {
        assert_eq!(ended, Ended::Stuck);
        let stall = outcome.stall.as_ref().expect("no budget is enough");
        assert_eq!(stall.class(), StallClass::CommandLivelock);
        let told = stall.command().expect("a ring");
        assert!(told.verdict == "livelock" && told.revisits > 10, "{told:?}");
        // Its budget is 1 ms; the threads start within 0.1 ms.
        assert!(outcome.virtual_ns < 1_200_000, "{}", outcome.virtual_ns);
    });
}

#[test]
fn rings_under_swarms_of_all_faults_end_as_these_explain() {
    for (submit, seeds) in [(Submit::Ring, 0..150), (Submit::RingThreaded, 150..300)] {
        for seed in seeds {
            let faults = Faults::all().some(seed);
            let _ended = judged(&options(Mode::Lockstep, seed, submit, faults));
        }
    }
}
