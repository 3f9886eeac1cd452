//! Tasks submitted through a command ring: the same results whoever carries the packets out, bit
//! for bit in lockstep, and a run that is stuck or halted says where the processor stands.

use finbox_sim::app;
use finbox_sim::cli::{Command, SCENARIOS, parse};
use finbox_sim::fault::{FaultKind, Faults};
use finbox_sim::report::CommandReport;
use finbox_sim::workload::Workload;
use finbox_sim::world::{Outcome, Settings, Submit};

use crate::fixture::{CLOCKS, TARGETS, lockstep, pass, run, trace};

/// Ways through a ring, and its slots.
const WAYS: [(Submit, u32); 4] = [
    (Submit::Ring, 1024),
    (Submit::Ring, 2),
    (Submit::RingThreaded, 1024),
    (Submit::RingThreaded, 2),
];

const TRACES: [&str; 4] = [
    "ring-allreduce-8",
    "mlcommons",
    "llama-dp2-tp2-pp2",
    "collectives/all_reduce-4npus_1MB",
];

fn scenario(name: &str, target: &str) -> Workload {
    let words = ["finbox", "run", name, "--target", target];
    match parse(words, &app::target_facts()) {
        Ok(Command::Run(options)) => app::prepare(&options).expect("a scenario").0,
        other => panic!("{name}: {other:?}"),
    }
}

fn through((submit, command_slots): (Submit, u32), settings: &Settings) -> Settings {
    Settings {
        submit,
        command_slots,
        ..*settings
    }
}

fn command(outcome: &Outcome) -> &CommandReport {
    outcome.command.as_ref().expect("there is a ring")
}

/// Every way leaves what direct submission does, and accounts for every packet.
fn assert_same(workload: &Workload, settings: &Settings) {
    let direct = pass(workload, settings);
    assert_eq!(direct.command, None);
    let mut digests = Vec::new();
    for way in WAYS {
        let outcome = pass(workload, &through(way, settings));
        let (told, name) = (command(&outcome), &workload.name);
        assert_eq!(
            outcome.result_digest, direct.result_digest,
            "{name} {way:?}"
        );
        let packets = workload.order.len() as u64 + 1;
        assert_eq!((told.submitted, told.passed), (packets, packets), "{name}");
        assert_eq!((told.fences, told.not_reached, &told.halt), (1, 0, &None));
        assert!(told.batches >= packets.div_ceil(16) && told.batches >= packets / u64::from(way.1));
        assert_eq!(told.bells == 0, way.0 == Submit::Ring, "{name} {told:?}");
        assert!(
            (1..=u64::from(way.1)).contains(&told.high_water),
            "{told:?}"
        );
        digests.push(told.digest);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{}: the same packets", workload.name);
}

#[test]
fn every_scenario_leaves_the_same_through_the_ring_on_both_targets_and_both_clocks() {
    for target in TARGETS {
        for one in SCENARIOS {
            if one.name == "urma_deferred" && target.name == "a2a3" {
                continue;
            }
            let workload = scenario(one.name, target.name);
            for clock in CLOCKS {
                let usual = lockstep(target, 3);
                assert_same(&workload, &Settings { clock, ..usual });
            }
        }
    }
}

#[test]
fn every_trace_leaves_the_same_through_the_ring_on_both_targets_and_both_clocks() {
    for name in TRACES {
        let workload = trace(name);
        for target in TARGETS {
            for clock in CLOCKS {
                let usual = lockstep(target, 1);
                assert_same(&workload, &Settings { clock, ..usual });
            }
        }
    }
}

#[test]
fn a_seed_gives_the_same_events_again_in_each_way_and_each_way_its_own() {
    let workload = scenario("random", "a5");
    for seed in 0..6 {
        let direct = lockstep(TARGETS[1], seed);
        let mut events = vec![pass(&workload, &direct).digest];
        for way in [(Submit::Ring, 64), (Submit::RingThreaded, 64)] {
            let [one, again] = [(); 2].map(|()| pass(&workload, &through(way, &direct)));
            assert_eq!(
                (one.digest, one.virtual_ns),
                (again.digest, again.virtual_ns)
            );
            assert_eq!(one.command, again.command);
            events.push(one.digest);
        }
        events.dedup();
        assert_eq!(events.len(), 3, "packets and bells take time");
    }
}

#[test]
fn submitter_and_processor_interleave_as_the_seed_says() {
    let workload = scenario("grid", "a2a3");
    let high_waters = (0..12).map(|seed| {
        let settings = through((Submit::RingThreaded, 1 << 16), &lockstep(TARGETS[0], seed));
        command(&pass(&workload, &settings)).high_water
    });
    let mut high_waters: Vec<u64> = high_waters.collect();
    high_waters.sort_unstable();
    high_waters.dedup();
    assert!(high_waters.len() > 1, "{high_waters:?}");
}

#[test]
fn completions_noticed_by_both_routes_count_once_and_the_second_as_duplicates() {
    for name in ["grid", "crowd", "random"] {
        let workload = scenario(name, "a5");
        for way in WAYS {
            let outcome = pass(&workload, &through(way, &lockstep(TARGETS[1], 2)));
            let duplicates = command(&outcome).duplicates;
            // A pass that counted none twice would have one route only; `pass` has looked at
            // the rule that each launch counts one completion.
            let tasks = workload.order.len() as u64;
            assert!(
                (tasks / 2..=tasks).contains(&duplicates),
                "{name}: {duplicates}"
            );
        }
    }
}

#[test]
fn packets_and_bells_take_the_time_that_the_cost_model_says() {
    let workload = scenario("grid", "a2a3");
    let took = |submit, change: fn(&mut Settings)| {
        let mut settings = through((submit, 64), &lockstep(TARGETS[0], 0));
        change(&mut settings);
        pass(&workload, &settings).virtual_ns
    };
    for submit in [Submit::Ring, Submit::RingThreaded] {
        let usual = took(submit, |_| {});
        let slow_write = took(submit, |settings| settings.cost.packet_write_ns = 50_000);
        let slow_read = took(submit, |settings| settings.cost.packet_read_ns = 50_000);
        assert!(slow_write > usual + 1_000_000 && slow_read > usual + 1_000_000);
    }
    let bell = |settings: &mut Settings| settings.cost.bell_ns = 500_000;
    let without = |_: &mut Settings| {};
    assert_eq!(took(Submit::Ring, bell), took(Submit::Ring, without));
    assert!(took(Submit::RingThreaded, bell) > took(Submit::RingThreaded, without) + 400_000);
}

#[test]
fn a_run_that_is_stuck_behind_slow_tasks_says_that_the_processor_is_slow_and_where() {
    let workload = scenario("random", "a5");
    let hang = Faults::only(FaultKind::AllCoresHang);
    for submit in [Submit::Ring, Submit::RingThreaded] {
        let settings = Settings {
            faults: hang,
            ..through((submit, 1024), &lockstep(TARGETS[1], 1))
        };
        let outcome = run(&workload, &settings);
        let stall = outcome.stall.expect("nothing finds the cores");
        assert!(!stall.class().is_of_command(), "{:?}", stall.class());
        let told = stall.command().expect("there is a ring");
        assert_eq!((told.verdict, told.position + 1), ("slow", told.target));
        assert!(
            told.message.contains("before a Fence packet"),
            "{}",
            told.message
        );
    }
}

#[test]
fn a_deadline_on_a_slow_device_is_told_as_slow_and_not_as_a_livelock() {
    let workload = scenario("grid", "a2a3");
    let settings = Settings {
        deadline_ns: Some(100_000),
        faults: Faults::NONE.with(FaultKind::CoreSlow, 1),
        ..through((Submit::Ring, 64), &lockstep(TARGETS[0], 0))
    };
    let outcome = run(&workload, &settings);
    let stall = outcome.stall.expect("the deadline comes first");
    assert_eq!(stall.command().expect("there is a ring").verdict, "slow");
    assert!(!stall.class().is_of_command());
}
