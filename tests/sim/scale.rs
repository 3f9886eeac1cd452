//! Many tasks at once, and many in all.

use finbox_sim::demo;
use finbox_sim::world::{Clock, Settings};

use crate::fixture::{CLOCKS, TARGETS, lockstep, pass, run};

/// Tasks whose last FINs may still be on their way when the first ones complete: two a core.
const IN_FLIGHT: u64 = 2 * 108;

#[test]
fn five_thousand_tasks_with_64_conditions_each_wait_at_once_through_64_slots() {
    let workload = demo::crowd(5_000);
    for target in TARGETS {
        for clock in CLOCKS {
            let settings = Settings {
                clock,
                mailbox_slots: 64,
                ..lockstep(target, 3)
            };
            let ledger = pass(&workload, &settings).ledger;
            assert_eq!((ledger.conditions, ledger.deferred), (320_000, 5_000));
            assert!(ledger.mailbox_high_water <= 64 && ledger.full > 0);
            assert!(ledger.waiting_high_water > 5_000 - IN_FLIGHT, "{ledger:?}");
        }
    }
}

#[test]
fn a_crowd_beyond_the_condition_room_is_stuck_and_says_so() {
    let settings = Settings {
        clock: Clock::Lockstep,
        patience_ns: 1_000_000,
        ..lockstep(TARGETS[0], 0)
    };
    let outcome = run(&demo::crowd(9_000), &settings);
    assert_eq!((outcome.live, outcome.waiting), (9_000, 8_192));
    let stall = outcome
        .stall
        .expect("808 tasks have no room, and all wait for them");
    assert_eq!(stall.count(), 9_000);
}

#[test]
fn a_long_grid_and_a_wide_fan_pass_with_few_slots_and_nodes() {
    for target in TARGETS {
        for workload in [demo::grid(20_000), demo::fan(120_000)] {
            pass(&workload, &lockstep(target, 1));
        }
    }
}
