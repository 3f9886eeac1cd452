//! Random courses of planners beside a model made of definitions: launches, drops, commits that
//! come late, allocations, frees, foreign timelines, deadlines, poison, explicit waits.
//!
//! After every step both agree on the fate of every point, on what is refused, on what is waited
//! for and on which memory is free; in the end everything was reached or ended.

mod course;
mod manner;
mod model;

use course::Course;
use manner::{Manner, Tally};

fn run(manner: Manner, seeds: std::ops::Range<u64>) -> Tally {
    let mut all = Tally::default();
    for seed in seeds {
        all.add(&Course::run(manner, seed));
    }
    println!("{manner:?}: {all:?}");
    all
}

#[test]
fn whatever_was_planned_is_in_the_order_that_its_uses_ask_for() {
    let tally = run(Manner::Calm, 0..1_000);
    assert!(
        tally.planned > 20_000 && tally.hazards > 10_000,
        "{tally:?}"
    );
    assert!(tally.dropped > 1_000 && tally.freed > 1_000, "{tally:?}");
    assert_eq!(
        (tally.circles, tally.ended),
        (0, 0),
        "hazards form no circle"
    );
}

#[test]
fn what_is_remembered_of_a_buffer_in_many_pieces_is_cut_down_to_what_still_matters() {
    let tally = run(Manner::Pieces, 0..120);
    assert!(
        tally.planned > 10_000 && tally.hazards > 10_000,
        "{tally:?}"
    );
}

#[test]
fn explicit_waits_that_close_a_circle_are_refused_and_all_others_come_to_an_end() {
    let tally = run(Manner::Waits, 0..1_000);
    assert!(tally.planned > 20_000 && tally.circles > 1_000, "{tally:?}");
    assert_eq!(tally.ended, 0, "{tally:?}");
}

#[test]
fn poison_and_missed_deadlines_end_what_waits_for_them_and_free_no_memory_too_early() {
    let tally = run(Manner::Faults, 0..1_000);
    assert!(tally.planned > 10_000 && tally.ended > 1_000, "{tally:?}");
    assert!(tally.freed > 1_000, "{tally:?}");
}
