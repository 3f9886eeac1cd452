//! The verdict over checks and demos.

use super::{BoardReport, DemoReport, RunReport, Tried, Verdict, judged, sum_up};
use crate::report::{CheckReport, Code, ErrorReport};

fn demo(verdict: Tried) -> DemoReport {
    DemoReport {
        name: "dummy_task",
        ranks: 1,
        verdict,
        max_diff: None,
        result_digest: None,
        message: String::new(),
    }
}

fn check(verdict: Tried) -> CheckReport {
    CheckReport {
        name: "facts",
        proves: "",
        verdict,
        message: String::new(),
    }
}

#[test]
fn what_is_skipped_is_no_failure_and_one_failure_is_one() {
    let all = |checks: &[Tried], demos: &[Tried]| BoardReport {
        checks: checks.iter().copied().map(check).collect(),
        demos: demos.iter().copied().map(demo).collect(),
        ..BoardReport::neutral(String::new())
    };
    let (pass, fail, skipped) = (Tried::Pass, Tried::Fail, Tried::Skipped);
    assert_eq!(sum_up(&all(&[pass, skipped], &[pass, skipped])), Ok(()));
    let (verdict, error) = sum_up(&all(&[fail, pass], &[pass])).unwrap_err();
    assert_eq!((verdict.exit_code(), error.code), (5, 198));
    assert_eq!(error.message, "1 check and 0 demos failed");
    let (_, error) = sum_up(&all(&[pass], &[fail, fail])).unwrap_err();
    assert_eq!(error.message, "0 checks and 2 demos failed");
}

#[test]
fn a_demo_fails_with_the_error_of_its_run_or_of_closing_the_machine() {
    let passed = RunReport {
        max_diff: Some(0.0),
        ..RunReport::neutral(Verdict::Pass)
    };
    let good = judged(demo(Tried::Pass), &passed, Ok(()));
    assert_eq!((good.verdict, good.max_diff), (Tried::Pass, Some(0.0)));
    assert!(good.result_digest.is_some());
    let unclosed = judged(demo(Tried::Pass), &passed, Err("close: no (1)".to_owned()));
    assert_eq!(
        (unclosed.verdict, &*unclosed.message),
        (Tried::Fail, "close: no (1)")
    );
    let stuck = RunReport {
        error: Some(ErrorReport::new(Code::DEVICE, "nothing moves", "")),
        ..RunReport::neutral(Verdict::Stuck)
    };
    let stuck = judged(demo(Tried::Pass), &stuck, Ok(()));
    assert_eq!(
        (stuck.verdict, &*stuck.message),
        (Tried::Fail, "nothing moves")
    );
    assert_eq!(stuck.result_digest, None);
}
