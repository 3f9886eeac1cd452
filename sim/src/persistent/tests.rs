//! What is chosen follows from what was measured, and what was measured from the costs.

use finbox_runtime::persistent::{Because, Crossover, Policy, Unable, Way};
use finbox_scheduler::{A2A3, A5};

use super::{ChooseError, as_if, choose};
use crate::device::CostModel;
use crate::world::Settings;

#[test]
fn an_item_costs_as_if_it_had_the_bytes() {
    let cost = CostModel::A2A3;
    for bytes in [1_024, 2_048, 1 << 20, 1 << 26] {
        let takes = as_if(&cost, bytes).scan.takes(1_024);
        assert_eq!(takes, cost.scan.takes(bytes.into()));
    }
}

#[test]
fn auto_takes_the_faster_way_and_says_by_how_much_on_both_targets() {
    for (target, workers) in [(&A2A3, 48), (&A5, 72)] {
        let settings = Settings::of(target);
        let chosen = choose(Policy::Auto, Ok(workers), &settings).unwrap();
        let Because::Measured(found) = chosen.choice.because else {
            panic!("{chosen:?}");
        };
        assert_eq!((chosen.choice.way, chosen.serving()), (Way::Ring, workers));
        assert_eq!(found.bytes, 1_024);
        assert!(found.ring_ns < found.launch_ns, "{found:?}");
        let Crossover::At { last_win, bytes } = chosen.measured.crossover() else {
            panic!("{chosen:?}");
        };
        assert!(
            last_win.is_some_and(|win| 1_024 <= win && win < bytes),
            "{chosen:?}"
        );
    }
}

#[test]
fn where_the_ring_costs_more_auto_launches() {
    let settings = Settings {
        cost: CostModel {
            offer_ns: 20_000,
            ..CostModel::A2A3
        },
        ..Settings::of(&A2A3)
    };
    let chosen = choose(Policy::Auto, Ok(48), &settings).unwrap();
    assert_eq!((chosen.choice.way, chosen.serving()), (Way::Launch, 0));
    assert!(matches!(chosen.choice.because, Because::Measured(found) if !found.is_win()));
    let at_once = Crossover::At {
        last_win: None,
        bytes: 1_024,
    };
    assert_eq!(chosen.measured.crossover(), at_once);
}

#[test]
fn force_and_disable_measure_nothing_and_force_fails_where_there_can_be_none() {
    let settings = Settings::of(&A2A3);
    for (policy, serving) in [(Policy::Force, 7), (Policy::Disable, 0)] {
        let chosen = choose(policy, Ok(7), &settings).unwrap();
        assert_eq!(chosen.serving(), serving);
        assert_eq!(chosen.measured.crossover(), Crossover::Unmeasured);
    }
    let able = Err(Unable::Device);
    let refused = choose(Policy::Force, able, &settings);
    assert!(matches!(refused, Err(ChooseError::Policy(_))));
    let chosen = choose(Policy::Auto, able, &settings).unwrap();
    assert_eq!(chosen.choice.because, Because::Unable(Unable::Device));
}
