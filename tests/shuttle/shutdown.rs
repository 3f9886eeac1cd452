//! Shutdown: whenever it is said, every thread ends and the ledger adds up.

use finbox_scheduler::Shape;

use crate::crew::{Plan, Work};
use crate::explore::explore;

const WORKS: [Work; 8] = [
    Work::new(Shape::Aiv, 4, &[]),
    Work::new(Shape::Aic, 0, &[]),
    Work::new(Shape::Aiv, 2, &[]),
    Work::new(Shape::Aiv, 0, &[]),
    Work::new(Shape::Aic, 3, &[1]),
    Work::new(Shape::Aiv, 0, &[0]),
    Work::new(Shape::Aiv, 1, &[2, 3]),
    Work::new(Shape::Host, 0, &[4]),
];

#[test]
fn a_stop_in_the_midst_ends_every_thread_and_loses_nothing() {
    let plans = [0, 1, 3].map(|stops_after| Plan {
        stops_after,
        handlers: 4,
        ..Plan::new(&WORKS, 2)
    });
    for plan in plans {
        let name = format!("stop after {}", plan.stops_after);
        explore(&name, 600, move || plan.run().order());
    }
}
