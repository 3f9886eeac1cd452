//! The lists of a report: failures, stuck tasks, gaps.

use super::*;

pub(super) fn stalled(tasks: u64, conditions: usize) -> RunReport {
    let condition = ConditionReport {
        engine: "SDMA".to_owned(),
        completion_type: "COUNTER".to_owned(),
        address: Address(0x1_0000),
        expected: 1,
        observed: 0,
        age_ns: 12_300_000,
        what: "counter 3 of rank 0".to_owned(),
        went_back: None,
    };
    let mut stall = StallReport::new(StallClass::WaitingOnAsync);
    for task in 0..tasks {
        stall.push(StalledTask {
            task: (1 << 32) | task,
            name: "notify_wait".to_owned(),
            state: "waiting".to_owned(),
            rank: 0,
            conditions: vec![condition.clone(); conditions],
            age_ns: 13_000_000,
            is_root: task == 0,
            blocks: if task == 0 { tasks - 1 } else { 0 },
            point: None,
        });
    }
    let code = Code {
        number: 100,
        name: "SCHEDULER_TIMEOUT",
        ..Code::USAGE
    };
    let error = ErrorReport::new(code, "no progress for 10 s", "see the stall");
    RunReport {
        stall: Some(stall),
        error: Some(error),
        verdict: Verdict::Stuck,
        ..example()
    }
}

fn failure(task: u64, outcome: FailureKind, victims: u64) -> Failure {
    Failure {
        rank: 1,
        task: Some(task),
        name: "sdma".to_owned(),
        outcome,
        code: Some(101),
        code_name: Some("ASYNC_COMPLETION_INVALID".to_owned()),
        core: Some(5),
        block: None,
        subtask: None,
        late_ns: None,
        engine: Some("SDMA".to_owned()),
        engine_code: Some(7),
        peer: None,
        position: None,
        claimer: None,
        causes: Vec::new(),
        victims,
        because: None,
        victim_names: (0..victims.min(16)).map(|at| format!("v{at}")).collect(),
    }
}

#[test]
fn failures_show_the_roots_with_their_victims_counted() {
    let mut failures = FailureReport::default();
    failures.push(|| failure(3, FailureKind::Failed, 12));
    failures.push(|| failure(4, FailureKind::Raised, 0));
    (0..12).for_each(|_| failures.push(|| failure(5, FailureKind::Cancelled, 0)));
    let report = RunReport {
        failures,
        verdict: Verdict::Fault,
        ..example()
    };
    let expected = "

  failures   14
    101 ASYNC_COMPLETION_INVALID: rank 1, task 3 sdma, core 5 failed (SDMA said 7)
      cancelled 12 tasks behind it: v0, v1, v2, v3, v4, v5, v6, v7, v8, v9 and 2 more
    101 ASYNC_COMPLETION_INVALID: rank 1, task 4 sdma, core 5 (SDMA said 7)
";
    let text = to_text(&report);
    assert!(text.ends_with(expected), "{text}");
    let value: Value = serde_json::from_str(&to_json(&report)).unwrap();
    assert_eq!(value["failures"]["count"], 14);
    let first = &value["failures"]["list"][0];
    assert_eq!(
        (&first["outcome"], &first["code"]),
        (&"failed".into(), &101.into())
    );
    assert_eq!(value["failures"]["list"][13]["outcome"], "cancelled");
}

#[test]
fn a_gap_is_shown_with_its_position_and_claimer() {
    let mut failures = FailureReport::default();
    failures.push(|| Failure {
        task: None,
        code: Some(107),
        code_name: Some("MAILBOX_GAP".to_owned()),
        core: None,
        engine: None,
        engine_code: None,
        position: Some(41),
        claimer: Some(2),
        ..failure(0, FailureKind::Raised, 0)
    });
    let report = RunReport {
        failures,
        verdict: Verdict::Fault,
        ..example()
    };
    let text = to_text(&report);
    let expected =
        "\n    107 MAILBOX_GAP: rank 1 at mailbox position 41, claimed by FIN handler 2\n";
    assert!(text.ends_with(expected), "{text}");
    let value: Value = serde_json::from_str(&to_json(&report)).unwrap();
    let told = &value["failures"]["list"][0];
    assert_eq!(
        (&told["position"], &told["claimer"]),
        (&41.into(), &2.into())
    );
}

#[test]
fn a_stall_names_its_tasks_and_conditions() {
    let text = to_text(&stalled(1, 1));
    assert!(text.starts_with(
        "STUCK  deferred_notify_demo\n  error      100 SCHEDULER_TIMEOUT: no progress for 10 s\n  \
         hint       see the stall\n\n  run  "
    ));
    assert!(text.ends_with(
        "\n\n  stall      waiting on async; 1 task stuck\n    \
         task 1:0 notify_wait, rank 0: waiting for 13.0 ms\n      \
         COUNTER, counter 3 of rank 0 at 0x10000 expected 1 observed 0 for 12.3 ms (SDMA)\n"
    ));
}

#[test]
fn a_stalled_task_without_conditions_says_so() {
    assert!(to_text(&stalled(1, 0)).contains("rank 0: waiting for 13.0 ms, on no condition\n"));
}

#[test]
fn a_long_stall_is_cut_in_text_and_says_how_much_is_left_out() {
    let text = to_text(&stalled(10, 10));
    assert!(!text.contains("more"));
    let text = to_text(&stalled(5_000, 12));
    assert_eq!(text.matches("notify_wait").count(), 10);
    assert_eq!(text.matches("      … and 2 more\n").count(), 10);
    assert!(text.ends_with("\n    … and 4990 more\n"));
    assert!(text.contains("5000 tasks stuck"));
}

#[test]
fn the_json_of_a_stall_holds_a_thousand_tasks_and_the_true_count() {
    let value: Value = serde_json::from_str(&to_json(&stalled(1_001, 1))).unwrap();
    let stall = &value["stall"];
    assert_eq!(
        stall["tasks"].as_array().unwrap().len(),
        MOST_STALLED_IN_JSON
    );
    assert_eq!(stall["count"], 1_001);
    assert_eq!(stall["tasks"][0]["conditions"][0]["address"], "0x10000");
    assert_eq!(value["error"]["code"], 100);
}

#[test]
fn the_json_of_a_stall_has_the_fields_of_the_contract_in_its_order() {
    let stall = stalled(1, 1).stall.unwrap();
    let text = serde_json::to_string(&stall).unwrap();
    let expected = [
        "class",
        "tasks",
        "task",
        "name",
        "state",
        "rank",
        "conditions",
        "engine",
        "type",
        "address",
        "expected",
        "observed",
        "age_ns",
        "what",
        "went_back",
        "age_ns",
        "is_root",
        "blocks",
        "count",
        "root",
        "unsubmitted",
        "halts",
        "command",
    ];
    assert_eq!(keys(&text), expected);
}

#[test]
fn gaps_are_listed_and_cut() {
    let gap = GapReport {
        kind: "mailbox".to_owned(),
        rank: 1,
        message: "slot 7".to_owned(),
    };
    let text = to_text(&RunReport {
        gaps: vec![gap; 12],
        ..example()
    });
    assert!(
        text.contains("\n  gaps       12\n    mailbox, rank 1: slot 7\n"),
        "{text}"
    );
    assert!(text.ends_with("    … and 2 more\n"), "{text}");
}

#[test]
fn a_root_is_told_before_the_list_and_in_the_document() {
    let mut report = stalled(2, 1);
    let root = RootBlocker {
        rank: 1,
        task: 7,
        name: "notify_wait".to_owned(),
        blocks: 1,
        message: "rank 1, task notify_wait: counter 0 of rank 1".to_owned(),
    };
    let stall = report.stall.take().unwrap();
    report.stall = Some(stall.with_root(Some(root)).with_unsubmitted(3));
    let text = to_text(&report);
    let expected = "2 tasks stuck
             root: rank 1, task notify_wait: counter 0 of rank 1
             3 tasks not submitted yet
    task 1:0 notify_wait, rank 0: waiting for 13.0 ms; blocks 1 task
";
    assert!(text.contains(expected), "{text}");
    let value: Value = serde_json::from_str(&to_json(&report)).unwrap();
    let root = &value["stall"]["root"];
    assert_eq!((&root["task"], &root["blocks"]), (&7.into(), &1.into()));
    assert_eq!(value["stall"]["unsubmitted"], 3);
}
