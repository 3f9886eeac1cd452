//! Cancellation: what a failed task's consumers become, whoever is faster.

use finbox_scheduler::{Outcome, Shape};

use crate::crew::{Plan, Work};
use crate::explore::explore;

const FAILS: Work = Work {
    fails: true,
    ..Work::new(Shape::Aiv, 2, &[])
};

/// Task 0 fails; 2, 4, 5 and 7 depend on it, 7 along two roads.
const WORKS: [Work; 8] = [
    FAILS,
    Work::new(Shape::Aic, 2, &[]),
    Work::new(Shape::Aiv, 1, &[0]),
    Work::new(Shape::Aiv, 0, &[1]),
    Work::new(Shape::Dummy, 0, &[0, 1]),
    Work::new(Shape::Aic, 3, &[2]),
    Work::new(Shape::Aiv, 4, &[3]),
    Work::new(Shape::Host, 0, &[4, 6]),
];

#[test]
fn whoever_depends_on_a_failed_task_is_cancelled_and_nobody_else() {
    let plan = Plan::new(&WORKS, 2);
    explore("cancellation", 1_000, move || {
        let report = plan.run();
        for number in 0..WORKS.len() {
            let expected = match number {
                0 => Outcome::Failed,
                2 | 4 | 5 | 7 => Outcome::Cancelled,
                _ => Outcome::Completed,
            };
            assert_eq!(report.outcome(number), expected, "task {number}");
        }
        report.order()
    });
}
