//! Failure stays local: who failed, because of what, and who was cancelled behind it.

use finbox_scheduler::Limits;
use finbox_sim::demo;
use finbox_sim::report::FailureKind;
use finbox_sim::world::Settings;

use crate::fixture::{CLOCKS, TARGETS, lockstep, run};

#[test]
fn a_wait_that_misses_its_budget_cancels_its_consumer_and_nobody_else() {
    let mut unnotified = demo::deferred_notify(2);
    let program = &mut unnotified.ranks[0].tasks[0].program;
    *program = program[..1].to_vec().into();
    for target in TARGETS {
        for clock in CLOCKS {
            let settings = Settings {
                clock,
                limits: Limits {
                    wait_ns: Some(50_000_000),
                    ..Limits::NONE
                },
                ..lockstep(target, 1)
            };
            let outcome = run(&unnotified, &settings);
            let ledger = outcome.ledger;
            assert_eq!(
                (ledger.completed, ledger.failed, ledger.cancelled),
                (4, 1, 1)
            );
            assert!(outcome.adds_up && outcome.stall.is_none());
            assert!(outcome.broken.is_empty(), "{:?}", outcome.broken);
            let fault = outcome.fault.expect("a budget was missed");
            assert_eq!(
                (fault.code.number(), fault.rank, &*fault.task),
                (105, 1, "notify_wait")
            );
            assert_eq!(outcome.failures.count, 2);
            let [root, victim] = &outcome.failures.list[..] else {
                panic!("two: {:?}", outcome.failures)
            };
            assert_eq!(
                (root.outcome, root.code, root.rank),
                (FailureKind::Failed, Some(105), 1)
            );
            assert_eq!(
                (root.victims, &root.victim_names[..]),
                (1, &["consumer".to_owned()][..])
            );
            assert_eq!(
                (victim.outcome, &*victim.name),
                (FailureKind::Cancelled, "consumer")
            );
            assert_eq!(
                (&victim.causes[..], victim.code),
                (&["notify_wait".to_owned()][..], Some(105))
            );
        }
    }
}
