//! Whole passes: graphs of inline and deferred tasks through rings of 2 and 4 slots.

use finbox_scheduler::{Outcome, Shape};

use crate::crew::{Plan, Report, Work};
use crate::explore::explore;

/// Fans, chains, a dummy, and deferred tasks with up to 6 conditions.
const GRAPH: [Work; 10] = [
    Work::new(Shape::Aiv, 3, &[]),
    Work::new(Shape::Aic, 0, &[]),
    Work::new(Shape::Aiv, 6, &[]),
    Work::new(Shape::Host, 0, &[]),
    Work::new(Shape::Dummy, 0, &[0, 1]),
    Work::new(Shape::Aic, 1, &[2]),
    Work::new(Shape::Aiv, 0, &[0, 2]),
    Work::new(Shape::Aic, 2, &[4]),
    Work::new(Shape::Aiv, 0, &[3, 5]),
    Work::new(Shape::Aiv, 1, &[6, 7, 8]),
];

fn check(report: &Report) {
    let is_completed = |(_, outcome): &(usize, Outcome)| *outcome == Outcome::Completed;
    assert!(report.finished.iter().all(is_completed), "{report:?}");
    let ledger = &report.ledger;
    assert_eq!((ledger.deferred, ledger.inline), (5, 5));
    assert_eq!((ledger.conditions, ledger.normal_done), (13, 5));
    assert_eq!(report.fault, None);
}

#[test]
fn every_task_of_a_graph_completes_once_through_two_slots() {
    let plan = Plan::new(&GRAPH, 2);
    let outcomes = explore("passes through 2 slots", 1_000, move || {
        let report = plan.run();
        check(&report);
        (report.order(), report.ledger.full > 0)
    });
    let refused = outcomes.keys().filter(|(_, full)| *full).count();
    println!("    {refused} of them with refusals");
}

#[test]
fn every_task_of_a_graph_completes_once_through_four_slots_and_few_task_slots() {
    let plan = Plan {
        slots: 5,
        handlers: 4,
        ..Plan::new(&GRAPH, 4)
    };
    explore("passes through 4 slots", 1_000, move || {
        let report = plan.run();
        check(&report);
        report.order()
    });
}
