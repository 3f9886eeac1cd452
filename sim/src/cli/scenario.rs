//! The scenarios that `run` accepts by name, as data.
//!
//! Guarantees: names are unique, and `default_ranks` lies inside `ranks` (tested). Refuses: to know
//! how a scenario runs. Called by the parser (existence, ranks, near names) and by `list`.

use std::ops::RangeInclusive;

/// Similarity, from 0 to 1, above which a name counts as near.
const NEAR: f64 = 0.75;

/// The most near names that one refusal lists.
const MOST_NEAR: usize = 3;

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
}

/// Every scenario that is delivered, in the order in which `list` prints them.
pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "deferred_notify_demo",
        about: "write to the peer and notify it; a deferred task waits",
        ranks: 2..=64,
        default_ranks: 2,
    },
    Scenario {
        name: "dummy_task",
        about: "ordering-only tasks: dummy, chain, barrier, 1 to 18 to 1",
        ranks: 1..=64,
        default_ranks: 1,
    },
];

/// The scenario of exactly this name.
pub fn find_scenario(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// The names a person may have meant, nearest first, at most three.
pub fn near_scenarios(name: &str) -> Vec<&'static str> {
    let wanted = name.to_lowercase().replace('-', "_");
    let mut near: Vec<(f64, &'static str)> = SCENARIOS
        .iter()
        .map(|scenario| (similarity(&wanted, scenario.name), scenario.name))
        .filter(|(similarity, _)| *similarity > NEAR)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter()
        .take(MOST_NEAR)
        .map(|(_, name)| name)
        .collect()
}

/// A part of a name, of three letters or more, counts as the name itself.
fn similarity(wanted: &str, name: &str) -> f64 {
    if wanted.len() >= 3 && name.contains(wanted) {
        return 1.0;
    }
    strsim::jaro_winkler(wanted, name)
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
