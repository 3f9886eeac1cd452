//! The report as text and as JSON, against the contract.

use serde_json::Value;

use super::*;
use crate::timeline::{CoreLane, RankTimeline, TaskTimes, Timeline};
use crate::workload::Shape;

mod lists;
use lists::stalled;

/// The example of the contract, with digests filled in.
const CONTRACT: &str = r#"
{ "schema": "finbox.run/1", "scenario": "deferred_notify_demo", "target": "a2a3",
  "mode": "lockstep", "completion": "mailbox",
  "seed": 0, "ranks": 2, "verdict": "pass", "max_diff": 0.0,
  "tasks": {"submitted": 6, "completed": 6, "failed": 0, "cancelled": 0, "quarantined": 0,
            "inline": 4, "deferred": 2},
  "fins": {"received": 6, "applied": 6, "duplicate": 0, "stale": 0, "unknown": 0},
  "mailbox": {"slots": 4096, "accepted": 4, "delivered": 4, "conditions": 2,
              "normal_done": 2, "full": 0, "high_water": 2},
  "wait_list": {"high_water": 1, "left": 0, "polls": 17},
  "time": {"virtual_ns": 31840, "wall_ns": 1203344},
  "digest": "0123456789abcdef", "result_digest": "00000000000000fe",
  "stall": null, "error": null, "gaps": [] }
"#;

/// Fields that were added to the contract's example.
const ADDED: &[&str] = &[
    "live",
    "skipped",
    "reported",
    "handlers",
    "cores",
    "import",
    "latency",
    "failures",
    "faults",
    "list",
    "cores_quarantined",
    "undelivered",
    "overshoots",
    "went_back",
    "shadow",
    "trace",
    "worked",
    "items",
    "offered",
    "again",
    "lost",
    "told",
    "told_late",
    "told_twice",
    "told_stale",
    "told_unknown",
    "out",
    "command",
];

/// Measures of the latency, and the fields of each.
const LATENCY: [&str; 4] = ["task", "fin_to_consumer", "wait", "fin_handling"];
const PERCENTILES: [&str; 6] = ["count", "p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "max_ns"];

fn example() -> RunReport {
    RunReport {
        scenario: "deferred_notify_demo".to_owned(),
        target: "a2a3".to_owned(),
        mode: "lockstep".to_owned(),
        completion: "mailbox".to_owned(),
        ranks: 2,
        max_diff: Some(0.0),
        tasks: TaskCounts {
            submitted: 6,
            completed: 6,
            inline: 4,
            deferred: 2,
            ..TaskCounts::default()
        },
        fins: FinCounts {
            received: 6,
            applied: 6,
            ..FinCounts::default()
        },
        mailbox: MailboxCounts {
            slots: 4096,
            accepted: 4,
            delivered: 4,
            conditions: 2,
            normal_done: 2,
            high_water: 2,
            ..MailboxCounts::default()
        },
        wait_list: WaitListCounts {
            high_water: 1,
            left: 0,
            polls: 17,
            ..WaitListCounts::default()
        },
        time: TimeReport {
            virtual_ns: 31_840,
            wall_ns: 1_203_344,
        },
        digest: Some(Digest(0x0123_4567_89ab_cdef)),
        result_digest: Digest(0xfe),
        handlers: 2,
        cores: 72,
        ..RunReport::neutral(Verdict::Pass)
    }
}

/// Every key of a JSON text in the order of writing.
fn keys(text: &str) -> Vec<&str> {
    let pieces: Vec<&str> = text.split('"').collect();
    pieces
        .windows(2)
        .skip(1)
        .step_by(2)
        .filter(|pair| pair[1].trim_start().starts_with(':'))
        .map(|pair| pair[0])
        .collect()
}

fn is_of_the_contract(key: &str) -> bool {
    ![ADDED, &LATENCY, &PERCENTILES].concat().contains(&key)
}

/// Whether `whole` has everything `part` has, with the same values.
fn holds_all(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|found| holds_all(found, value))),
        _ => whole == part,
    }
}

#[test]
fn the_json_has_the_fields_of_the_contract_in_its_order() {
    let text = to_json(&example());
    let ours: Vec<&str> = keys(&text)
        .into_iter()
        .filter(|key| is_of_the_contract(key))
        .collect();
    assert_eq!(ours, keys(CONTRACT));
    assert_eq!(keys(CONTRACT).len(), 43);
}

#[test]
fn the_json_has_the_values_of_the_contract() {
    let ours: Value = serde_json::from_str(&to_json(&example())).unwrap();
    let contract: Value = serde_json::from_str(CONTRACT).unwrap();
    assert!(holds_all(&ours, &contract), "{ours}");
}

#[test]
fn the_json_is_pretty_stable_and_one_document() {
    let text = to_json(&example());
    assert!(text.starts_with("{\n  \"schema\": \"finbox.run/1\",\n  \"scenario\""));
    assert!(text.contains("\n  \"max_diff\": 0.0,\n"));
    assert!(text.contains("\n  \"digest\": \"0123456789abcdef\",\n"));
    let end = "\n    \"list\": []\n  },\n  \"faults\": [],\n  \"trace\": null,\n  \
               \"shadow\": null,\n  \"command\": null\n}\n";
    assert!(text.ends_with(end), "{text}");
    assert_eq!(text, to_json(&example()));
}

#[test]
fn no_golden_result_is_null_and_a_result_that_is_no_number_is_not() {
    let json = |max_diff| {
        let text = to_json(&RunReport {
            max_diff,
            ..example()
        });
        serde_json::from_str::<Value>(&text).unwrap()["max_diff"].clone()
    };
    assert_eq!(json(None), Value::Null);
    assert_eq!(json(Some(0.5)), 0.5);
    assert_eq!(json(Some(f64::NAN)), f64::MAX);
    assert_eq!(json(Some(f64::INFINITY)), f64::MAX);
}

#[test]
fn the_text_of_a_pass_is_this() {
    let expected = "\
PASS  deferred_notify_demo

  run        a2a3, 2 ranks of 72 cores and 2 FIN handlers, lockstep, seed 0
  result     equal to the golden result, max difference 0
  tasks      6 submitted: 4 inline, 2 deferred, 0 quarantined
  FINs       6 received, 6 applied
  mailbox    2 CONDITION, 2 TASK_NORMAL_DONE in 4 messages; high water 2 of 4096 slots, full 0 times
  wait list  high water 1, left 0, 17 polls
  time       31.8 µs virtual, 1.2 ms wall
  digest     events 0123456789abcdef, results 00000000000000fe
  ledger     submitted 6 = completed 6 + failed 0 + cancelled 0
             FINs 6 = applied 6 + duplicate 0 + stale 0 + unknown 0
             messages accepted 4 = delivered 4 + reported 0
";
    assert_eq!(to_text(&example()), expected);
}

#[test]
fn latencies_have_a_line_each_and_only_where_something_was_measured() {
    let measure = |max_ns| Percentiles {
        count: 6,
        p50_ns: 840,
        p90_ns: 2_000,
        p99_ns: 31_840,
        p99_9_ns: 31_841,
        max_ns,
    };
    let latency = LatencyReport {
        task: measure(40_000),
        fin_handling: measure(466_500),
        ..LatencyReport::default()
    };
    let report = RunReport {
        latency,
        ..example()
    };
    let expected = "
  latency    task             p50   840 ns, p99  31.8 µs, max  40.0 µs of 6
             FIN handling     p50   840 ns, p99  31.8 µs, max 466.5 µs of 6
  digest     ";
    let text = to_text(&report);
    assert!(text.contains(expected), "{text}");
    let value: Value = serde_json::from_str(&to_json(&report)).unwrap();
    let expected = [6, 840, 2_000, 31_840, 31_841, 40_000];
    for (field, expected) in PERCENTILES.into_iter().zip(expected) {
        assert_eq!(value["latency"]["task"][field], expected);
    }
    for measure in LATENCY {
        assert!(value["latency"][measure]["p99_ns"].is_u64(), "{measure}");
    }
}

#[test]
fn what_is_rare_is_told_only_where_there_is_some() {
    let mut report = example();
    assert!(!to_text(&report).contains("skipped"));
    report.tasks.skipped = 2;
    report.cores_quarantined = 1;
    report.mailbox = MailboxCounts {
        accepted: 5,
        undelivered: 1,
        ..report.mailbox
    };
    (report.wait_list.overshoots, report.wait_list.went_back) = (1, 2);
    let text = to_text(&report);
    assert!(
        text.contains("0 quarantined, 1 core out of the pool, 2 skipped\n"),
        "{text}"
    );
    assert!(
        text.contains("17 polls, 1 overshoot, 2 steps back\n"),
        "{text}"
    );
}

#[test]
fn an_import_says_what_it_kept_and_dropped() {
    let import = ImportCounts {
        nodes: 120,
        messages: 1,
        collectives: 3,
        groups: 2,
        dropped_self_edges: 2,
        dropped_repeated_edges: 1,
    };
    let report = RunReport {
        import: Some(import),
        max_diff: None,
        ..example()
    };
    let text = to_text(&report);
    assert!(text.contains(
        "  import     120 nodes, 1 message, 3 collectives in 2 groups; \
             dropped 2 self-edges and 1 repeated edge\n"
    ));
    assert!(text.contains("  result     no golden result to compare with\n"));
    let wrong = to_text(&RunReport {
        verdict: Verdict::Wrong,
        ..report.clone()
    });
    assert!(wrong.contains("  result     wrong, as the error says\n"));
    let value: Value = serde_json::from_str(&to_json(&report)).unwrap();
    assert_eq!(value["import"]["dropped_self_edges"], 2);
}

#[test]
fn a_ledger_that_adds_up_says_so_and_live_tasks_take_part() {
    let mut report = example();
    assert!(report.ledger_holds());
    report.tasks.completed = 4;
    report.tasks.live = 2;
    let [tasks, ..] = report.ledger();
    let expected = "submitted 6 = completed 4 + failed 0 + cancelled 0 + live 2";
    assert_eq!(tasks.to_string(), expected);
}

#[test]
fn a_ledger_that_does_not_add_up_never_shows_an_equals_sign() {
    let mut report = example();
    report.mailbox.delivered = 3;
    report.fins.unknown = u64::MAX;
    let [tasks, fins, messages] = report.ledger();
    assert!(tasks.holds() && !fins.holds() && !messages.holds() && !report.ledger_holds());
    assert_eq!(
        messages.to_string(),
        "messages accepted 4 ≠ delivered 3 + reported 0  (does NOT add up: off by 1)"
    );
    assert!(
        fins.to_string()
            .ends_with("(does NOT add up: off by 18446744073709551615)")
    );
    assert!(to_text(&report).contains(&messages.to_string()));
}

#[test]
fn an_invalid_report_shows_its_error_and_no_counts() {
    let error = ErrorReport::new(
        Code::INPUT_INVALID,
        "a.et, byte 17: bad length",
        "export again",
    );
    let report = RunReport::refused(Invalid::InputFile, error);
    assert_eq!(report.verdict.exit_code(), 3);
    let expected = "INVALID\n  error      192 INPUT_INVALID: a.et, byte 17: bad length\n  \
                    hint       export again\n";
    assert_eq!(to_text(&report), expected);
    let value: Value = serde_json::from_str(&to_json(&report)).unwrap();
    assert_eq!(value["verdict"], "invalid");
    assert_eq!(value["error"]["message"], "a.et, byte 17: bad length");
    let text = to_json(&report);
    let ours: Vec<&str> = keys(&text)
        .into_iter()
        .filter(|key| is_of_the_contract(key) && !["code", "name", "message", "hint"].contains(key))
        .collect();
    assert_eq!(ours, keys(CONTRACT));
}

#[test]
fn the_verdict_line_comes_first_whatever_the_verdict() {
    for (verdict, word) in [
        (Verdict::Wrong, "WRONG RESULT"),
        (Verdict::Fault, "FAULT"),
        (Verdict::Interrupted, "INTERRUPTED"),
    ] {
        let text = to_text(&RunReport {
            verdict,
            ..example()
        });
        assert!(
            text.starts_with(&format!("{word}  deferred_notify_demo\n")),
            "{text}"
        );
        assert!(text.contains("submitted 6 = completed 6"), "{text}");
    }
}

#[test]
fn a_baseline_completion_is_named_and_a_wrong_result_shows_its_distance() {
    let report = RunReport {
        completion: "locked".to_owned(),
        max_diff: Some(1.5),
        verdict: Verdict::Wrong,
        ..example()
    };
    let text = to_text(&report);
    assert!(text.contains("seed 0, completion locked\n"), "{text}");
    assert!(
        text.contains("max difference from the golden result 1.5\n"),
        "{text}"
    );
    let text = to_text(&RunReport {
        max_diff: Some(f64::NAN),
        ..report
    });
    assert!(text.contains("  result     not a number\n"), "{text}");
}

#[test]
fn names_from_files_cannot_steer_the_terminal() {
    let mut report = stalled(1, 1);
    report.scenario = "a\u{1b}[2Jb\n".to_owned();
    report.target = "\u{7}".to_owned();
    let text = to_text(&report);
    assert!(
        text.chars()
            .all(|letter| letter == '\n' || !letter.is_control()),
        "{text:?}"
    );
    assert!(text.starts_with("STUCK  a\\u{1b}[2Jb\\n\n"));
}

#[test]
fn a_slow_link_that_nothing_crossed_and_idle_cores_are_told_as_what_they_are() {
    let mut report = example();
    report.faults = vec![FaultCount {
        name: "link-slow".to_owned(),
        strikes: 0,
    }];
    assert!(to_text(&report).contains("link-slow never struck: nothing crossed a slow link"));
    report.analysis = Some(Box::new(crate::analysis::analyse(&idle_beside_work())));
    let text = to_text(&report);
    let said = "AIV 0.0 % busy, 100.0 % of the time one or more idle beside ready work";
    assert!(text.contains(said), "{text}");
}

/// A task that is ready all the time, and a core that nobody gives it to.
fn idle_beside_work() -> Timeline {
    let (shape, blocks) = (Shape::Aiv, 1);
    let lane = CoreLane {
        shape,
        cluster: Some(0),
        handler: 0,
    };
    let task = TaskTimes {
        submitted_ns: 0,
        ready_ns: 0,
        finished_ns: 100,
        released_ns: 100,
        outcome: None,
        is_inline: true,
        shape,
        blocks,
    };
    let rank = RankTimeline {
        lanes: vec![lane],
        tasks: vec![task],
        ..RankTimeline::default()
    };
    Timeline {
        end_ns: 100,
        ranks: vec![rank],
        ..Timeline::default()
    }
}
