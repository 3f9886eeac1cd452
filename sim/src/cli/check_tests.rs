//! The options of a check, and the faults of a run.

use super::tests::{message, parsed, refused, run};
use super::*;
use crate::fault::{FaultKind, Faults};

fn check(line: &str) -> CheckOptions {
    match parsed(&format!("check {line}")) {
        Ok(Command::Check(options)) => *options,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_check_takes_the_options_of_a_run_and_its_own() {
    let plain = check("random");
    assert_eq!(
        (plain.seeds, plain.for_seconds, plain.one_target),
        (1_000, None, false)
    );
    assert_eq!(plain.faults, Faults::NONE);
    let line = "random --seeds 5 --seed 7 --faults all --for 9 --target a5 --mode parallel";
    let full = check(line);
    assert_eq!(
        (full.seeds, full.run.seed, full.for_seconds),
        (5, 7, Some(9))
    );
    assert_eq!((full.faults, full.one_target), (Faults::all(), true));
    assert_eq!(
        (full.run.target, full.run.mode),
        (TargetName::A5, Mode::Parallel)
    );
    let two = check("dummy_task --faults fin-lost:3,core-hang").faults;
    assert_eq!(
        (two.often(FaultKind::FinLost), two.kinds().count()),
        (Some(3), 2)
    );
}

#[test]
fn a_fault_that_is_not_known_or_not_understood_is_refused() {
    let faults = run("dummy_task --fault fin-late --fault core-hang:2,fin-stale").faults;
    assert_eq!(
        (faults.kinds().count(), faults.often(FaultKind::CoreHang)),
        (3, Some(2))
    );
    for line in [
        "run dummy_task --fault fin-gone",
        "check random --faults every",
    ] {
        let (message, hint) = refused(line);
        assert!(message.contains("no fault called"), "{message}");
        assert!(hint.contains("finbox list"), "{hint}");
    }
    let (_, hint) = refused("run dummy_task --fault Notify_Lots");
    assert!(hint.contains("did you mean 'notify-lost'"), "{hint}");
    for argument in ["x", "", "65535"] {
        let found = message(&format!("run dummy_task --fault fin-lost:{argument}"));
        assert!(found.contains(&format!("not '{argument}'")), "{found}");
    }
    for line in ["check random --seeds 0", "check random --for 0"] {
        assert!(message(line).contains("whole number from 1"), "{line}");
    }
}

#[test]
fn every_way_of_collectives_and_no_other_is_accepted() {
    for text in ["ring", "direct", "model"] {
        let options = check(&format!("./a.0.et --collectives {text}"));
        let how = options.run.collectives.map(Collectives::as_str);
        assert_eq!(how, Some(text));
    }
    assert_eq!(check("./a.0.et").run.collectives, None);
    let message = message("run ./a.0.et --collectives tree");
    assert!(message.contains("ring, direct, model"), "{message}");
}
