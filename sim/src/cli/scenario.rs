//! The scenarios that `run` accepts by name, as data.
//!
//! Guarantees: names are unique, and `default_ranks` lies inside `ranks` (tested). Refuses: to know
//! how a scenario runs. Called by the parser (existence, ranks, near names) and by `list`.

use std::ops::RangeInclusive;

use super::near::near;
use super::target::TargetName;

/// Every target.
const ALL: &[TargetName] = &[TargetName::A2a3, TargetName::A5];

/// One scenario that can be run by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// The name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// The numbers of ranks it is defined for.
    pub ranks: RangeInclusive<u16>,
    /// The ranks it runs on when `--ranks` is not given.
    pub default_ranks: u16,
    /// The targets that have the engines it needs.
    pub targets: &'static [TargetName],
    /// The tasks it has when `--tasks` is not given; `None`: their number is fixed.
    pub default_tasks: Option<u32>,
}

/// Every scenario that is delivered, in the order in which `list` prints them.
pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "deferred_notify_demo",
        about: "write to the peer and notify it; a deferred task waits",
        ranks: 2..=64,
        default_ranks: 2,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "dummy_task",
        about: "ordering-only tasks: dummy, chain, barrier, 1 to 18 to 1",
        ranks: 1..=64,
        default_ranks: 1,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "async_notify",
        about: "a task that is done when a late neighbour notifies it",
        ranks: 1..=64,
        default_ranks: 2,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "sdma_async",
        about: "SDMA gets the peer's data; a deferred task waits for event records",
        ranks: 2..=64,
        default_ranks: 2,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "urma_deferred",
        about: "needs a5: the same through a URMA completion queue with credits",
        ranks: 2..=64,
        default_ranks: 2,
        targets: &[TargetName::A5],
        default_tasks: None,
    },
    Scenario {
        name: "prefetch_async",
        about: "48 SDMA streams bring data for 48 consumers",
        ranks: 1..=64,
        default_ranks: 1,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "mixed_spmd",
        about: "mixed tasks, blocks, a cohort, predicates, engines by block",
        ranks: 1..=64,
        default_ranks: 1,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "grid",
        about: "--tasks N: each waits for three before it; a tenth is deferred",
        ranks: 1..=1,
        default_ranks: 1,
        targets: ALL,
        default_tasks: Some(10_000),
    },
    Scenario {
        name: "fan",
        about: "--tasks N: one, up to 100000 that wait for it, one that waits for all",
        ranks: 1..=1,
        default_ranks: 1,
        targets: ALL,
        default_tasks: Some(10_000),
    },
    Scenario {
        name: "streams",
        about: "--tasks N rounds: a sort and a join on two streams that share columns",
        ranks: 1..=64,
        default_ranks: 2,
        targets: ALL,
        default_tasks: Some(8),
    },
    Scenario {
        name: "crowd",
        about: "--tasks N: each has 64 conditions that hold when all have run",
        ranks: 1..=1,
        default_ranks: 1,
        targets: ALL,
        default_tasks: Some(5_000),
    },
    Scenario {
        name: "persistent_scan",
        about: "--tasks N: items of 1 KiB, searched for the patterns of a rule set",
        ranks: 1..=1,
        default_ranks: 1,
        targets: ALL,
        default_tasks: Some(10_000),
    },
    Scenario {
        name: "task_bench_trivial",
        about: "Task Bench: nobody waits for anybody; --width, --steps, --task-ns",
        ranks: 1..=1,
        default_ranks: 1,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "task_bench_stencil",
        about: "Task Bench: each waits for itself and its neighbours a step before",
        ranks: 1..=1,
        default_ranks: 1,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "task_bench_tree",
        about: "Task Bench: what begins at one point reaches all in log(width) steps",
        ranks: 1..=1,
        default_ranks: 1,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "task_bench_fft",
        about: "Task Bench: a butterfly",
        ranks: 1..=1,
        default_ranks: 1,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "task_bench_all_to_all",
        about: "Task Bench: each waits for all of the step before",
        ranks: 1..=1,
        default_ranks: 1,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "task_bench_nearest",
        about: "Task Bench: each waits for the five nearest",
        ranks: 1..=1,
        default_ranks: 1,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "task_bench_spread",
        about: "Task Bench: each waits for five, spread over the width",
        ranks: 1..=1,
        default_ranks: 1,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "task_bench_random",
        about: "Task Bench: each waits for some of the five nearest",
        ranks: 1..=1,
        default_ranks: 1,
        targets: ALL,
        default_tasks: None,
    },
    Scenario {
        name: "random",
        about: "a graph, ranks and tiny limits from the seed; for check",
        ranks: 1..=64,
        default_ranks: 1,
        default_tasks: None,
        targets: ALL,
    },
];

/// The scenario of exactly this name.
pub fn find_scenario(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// The names a person may have meant, nearest first, at most three.
pub fn near_scenarios(name: &str) -> Vec<&'static str> {
    let wanted = name.to_lowercase().replace('-', "_");
    near(&wanted, SCENARIOS.iter().map(|scenario| scenario.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_defaults_lie_inside_their_ranges() {
        for (index, scenario) in SCENARIOS.iter().enumerate() {
            assert!(
                scenario.ranks.contains(&scenario.default_ranks),
                "{}",
                scenario.name
            );
            assert!(*scenario.ranks.start() >= 1 && *scenario.ranks.end() <= 64);
            assert!(
                SCENARIOS[..index]
                    .iter()
                    .all(|earlier| earlier.name != scenario.name)
            );
        }
    }

    #[test]
    fn a_scenario_name_is_never_taken_for_a_path() {
        assert!(
            SCENARIOS
                .iter()
                .all(|scenario| !scenario.name.contains(['.', '/']))
        );
    }

    #[test]
    fn a_slip_a_dash_a_capital_or_a_part_finds_the_name() {
        for wanted in [
            "defered_notify_demo",
            "deferred-notify-demo",
            "Deferred_Notify",
            "notify",
        ] {
            assert_eq!(
                near_scenarios(wanted).first(),
                Some(&"deferred_notify_demo"),
                "{wanted}"
            );
        }
        assert_eq!(near_scenarios("dumy"), ["dummy_task"]);
    }

    #[test]
    fn a_name_far_from_all_finds_nothing() {
        assert!(near_scenarios("zzzz").is_empty());
        assert!(near_scenarios("").is_empty());
    }
}
