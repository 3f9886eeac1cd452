//! Fault paths on all threads: a claimer that dies, a token that is late, a device that is reset.

use finbox_scheduler::{FaultCode, Outcome, Shape};

use crate::crew::{Plan, Report, Work};
use crate::explore::explore;

const WORKS: [Work; 8] = [
    Work::new(Shape::Aiv, 2, &[]),
    Work::new(Shape::Aiv, 1, &[]),
    Work::new(Shape::Aic, 0, &[]),
    Work::new(Shape::Aiv, 3, &[]),
    Work::new(Shape::Aic, 1, &[0]),
    Work::new(Shape::Aiv, 0, &[1, 2]),
    Work::new(Shape::Aiv, 0, &[3]),
    Work::new(Shape::Aic, 0, &[]),
];

/// Outcomes by task, and that cancelled ones have somebody to thank for it.
fn outcomes(report: &Report, code: FaultCode) -> Vec<Outcome> {
    let all: Vec<_> = (0..WORKS.len()).map(|it| report.outcome(it)).collect();
    for (work, outcome) in WORKS.iter().zip(&all) {
        let is_spoilt = work.after.iter().any(|&it| all[it] != Outcome::Completed);
        assert_eq!(is_spoilt, *outcome == Outcome::Cancelled, "{report:?}");
    }
    let failed = all.contains(&Outcome::Failed);
    assert!(!failed || report.fault == Some(code as u16), "{report:?}");
    all
}

fn counts(all: &[Outcome]) -> (usize, usize) {
    let of = |what| all.iter().filter(|outcome| **outcome == what).count();
    (of(Outcome::Failed), of(Outcome::Cancelled))
}

#[test]
fn a_claimer_that_dies_in_the_gap_costs_only_tasks_that_lack_messages() {
    for mailbox in [2, 4] {
        let plan = Plan {
            dies: true,
            gap_ns: Some(40),
            ..Plan::new(&WORKS, mailbox)
        };
        let name = format!("a claimer dies among {mailbox} slots");
        explore(&name, 800, move || {
            let report = plan.run();
            let all = outcomes(&report, FaultCode::MailboxGap);
            for (work, outcome) in WORKS.iter().zip(&all) {
                assert!(work.conditions > 0 || *outcome != Outcome::Failed);
            }
            (counts(&all), report.order())
        });
    }
}

#[test]
fn a_token_and_its_deadline_race_and_one_of_them_decides() {
    let works = WORKS.map(|work| Work {
        run_budget_ns: 8,
        ..work
    });
    let plan = Plan::new(&works, 2);
    explore("deadlines", 800, move || {
        let report = plan.run();
        let all: Vec<_> = (0..works.len()).map(|it| report.outcome(it)).collect();
        counts(&all)
    });
}

#[test]
fn a_reset_in_the_midst_fails_what_was_in_flight_once() {
    for resets_after in [0, 2] {
        let plan = Plan {
            resets_after: Some(resets_after),
            ..Plan::new(&WORKS, 2)
        };
        let name = format!("reset after {resets_after}");
        explore(&name, 800, move || {
            let report = plan.run();
            counts(&outcomes(&report, FaultCode::DeviceReset))
        });
    }
}
