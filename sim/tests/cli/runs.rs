//! Runs through the executable: verdicts, the document, and what the same seed repeats.

use serde_json::Value;

use crate::{Ended, arg, data, finbox, refused};

fn json(args: &[&str]) -> (Ended, Value) {
    let ended = finbox(&[&["run"], args, &["--json"]].concat());
    let document = ended.document();
    (ended, document)
}

/// The document of a run that must pass, without wall time.
fn passed(args: &[&str]) -> String {
    let (ended, document) = json(args);
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
    assert_eq!(document["verdict"], "pass");
    let lines = ended
        .stdout
        .lines()
        .filter(|line| !line.contains("\"wall_ns\""));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_demos_pass_with_their_counts_on_both_targets_and_clocks() {
    for target in ["a2a3", "a5"] {
        for mode in ["lockstep", "parallel"] {
            for ranks in [2, 3, 16] {
                let text = ranks.to_string();
                let demo = ["deferred_notify_demo", "--target", target, "--mode", mode];
                let (ended, document) = json(&[&demo[..], &["--ranks", &text]].concat());
                assert_eq!(
                    (ended.code, &document["verdict"]),
                    (Some(0), &"pass".into())
                );
                assert_eq!(document["max_diff"], 0.0);
                assert_eq!(document["tasks"]["inline"], 2 * ranks);
                assert_eq!(document["tasks"]["deferred"], ranks);
                assert_eq!(document["wait_list"]["left"], 0);
                assert_eq!(
                    (&document["target"], &document["mode"]),
                    (&target.into(), &mode.into())
                );
                assert_eq!(ended.stderr, "");
            }
            let (_, dummy) = json(&["dummy_task", "--target", target, "--mode", mode]);
            assert_eq!(
                (&dummy["verdict"], &dummy["max_diff"]),
                (&"pass".into(), &0.0.into())
            );
        }
    }
}

#[test]
fn one_core_is_enough_for_the_demos() {
    for target in ["a2a3", "a5"] {
        for demo in ["deferred_notify_demo", "dummy_task"] {
            for mode in ["lockstep", "parallel"] {
                passed(&[demo, "--target", target, "--cores", "1", "--mode", mode]);
            }
        }
    }
    passed(&["deferred_notify_demo", "--target", "a5", "--cores", "108"]);
}

#[test]
fn the_same_seed_prints_the_same_bytes_but_for_wall_time() {
    let ring = data("ring-allreduce-8");
    for what in ["deferred_notify_demo", "dummy_task", arg(&ring)] {
        for seed in ["0", "7", "18446744073709551615"] {
            let args = [
                what,
                "--seed",
                seed,
                "--target",
                "a5",
                "--mailbox-slots",
                "2",
            ];
            assert_eq!(passed(&args), passed(&args));
        }
    }
}

#[test]
fn results_are_equal_on_both_clocks() {
    let ring = data("ring-allreduce-8");
    for what in ["deferred_notify_demo", "dummy_task", arg(&ring)] {
        let of = |mode| json(&[what, "--mode", mode]).1["result_digest"].clone();
        assert_eq!(of("lockstep"), of("parallel"), "{what}");
    }
}

/// Where each of `names` stands as a key in `text`, which must be in this order.
fn assert_keys_in_order(text: &str, names: &[&str]) {
    let mut rest = text;
    for name in names {
        let key = format!("\"{name}\":");
        let at = rest
            .find(&key)
            .unwrap_or_else(|| panic!("{key} in its place in {text}"));
        rest = &rest[at + key.len()..];
    }
}

#[test]
fn the_document_has_the_fields_of_the_contract_in_their_order() {
    let (ended, document) = json(&["deferred_notify_demo"]);
    assert_keys_in_order(
        &ended.stdout,
        &[
            "schema",
            "scenario",
            "target",
            "mode",
            "completion",
            "seed",
            "ranks",
            "verdict",
            "max_diff",
            "tasks",
            "submitted",
            "completed",
            "failed",
            "cancelled",
            "quarantined",
            "inline",
            "deferred",
            "fins",
            "received",
            "applied",
            "duplicate",
            "stale",
            "unknown",
            "mailbox",
            "slots",
            "accepted",
            "delivered",
            "conditions",
            "normal_done",
            "full",
            "high_water",
            "wait_list",
            "high_water",
            "left",
            "polls",
            "time",
            "virtual_ns",
            "wall_ns",
            "digest",
            "result_digest",
            "stall",
            "error",
            "gaps",
        ],
    );
    assert_eq!(document["completion"], "mailbox");
    assert!(document["stall"].is_null() && document["error"].is_null());
    assert!(document["gaps"].as_array().is_some_and(Vec::is_empty));
    for digest in ["digest", "result_digest"] {
        let hex = document[digest].as_str().expect("a digest is text");
        assert!(
            hex.len() == 16 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{hex}"
        );
    }
}

#[test]
fn a_missed_deadline_exits_4_and_lists_who_is_stuck() {
    let trace = data("mlcommons");
    for mode in ["lockstep", "parallel"] {
        let args = [arg(&trace), "--deadline-ms", "1", "--mode", mode];
        let (ended, document) = json(&args);
        assert_eq!(
            (ended.code, &document["verdict"]),
            (Some(4), &"stuck".into()),
            "{mode}"
        );
        let error = &document["error"];
        assert_eq!(
            (&error["code"], &error["name"]),
            (&100.into(), &"SCHEDULER_TIMEOUT".into())
        );
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| text.contains("deadline of 1 ms"))
        );
        let stall = &document["stall"];
        let live = document["tasks"]["live"].as_u64().expect("a count");
        assert!(live > 0 && stall["count"] == live, "{stall}");
        let tasks = stall["tasks"].as_array().expect("a list");
        assert_eq!(tasks.len() as u64, live.min(1_000));
        for task in tasks {
            assert!(task["task"].is_u64() && task["conditions"].is_array());
            assert!(!task["state"].as_str().expect("text").is_empty());
        }
        let text = finbox(&[&["run"], &args[..]].concat());
        assert_eq!(text.code, Some(4));
        assert!(text.stdout.starts_with("STUCK") && text.stderr.starts_with("error: "));
    }
}

#[test]
fn a_deadline_stops_lockstep_at_its_virtual_millisecond() {
    let trace = data("mlcommons");
    let (_, document) = json(&[arg(&trace), "--deadline-ms", "2"]);
    assert_eq!(document["time"]["virtual_ns"], 2_000_000);
}

#[test]
fn traces_say_what_was_imported() {
    for target in ["a2a3", "a5"] {
        let ring = data("ring-allreduce-8");
        let (_, document) = json(&[arg(&ring), "--target", target]);
        assert_eq!(document["verdict"], "pass");
        let import = &document["import"];
        assert_eq!(
            (&import["nodes"], &import["messages"]),
            (&280.into(), &112.into())
        );
        assert_eq!(document["mailbox"]["conditions"], 112);
        assert!(document["max_diff"].is_null());
    }
    for trace in [
        "micro/one_comp_node.0.et",
        "micro/two_comp_nodes_dependent.0.et",
        "micro/one_metadata_node_all_types.0.et",
        "micro/one_remote_mem_load_node.0.et",
        "micro/one_remote_mem_store_node.0.et",
        "micro/ALL_REDUCE.0.et",
        "micro/BARRIER.0.et",
    ] {
        for mode in ["lockstep", "parallel"] {
            passed(&[arg(&data(trace)), "--mode", mode]);
        }
    }
}

#[test]
fn collectives_run_in_every_way_and_are_counted() {
    let llama = data("llama-dp2-tp2-pp2");
    let mut digests = Vec::new();
    for how in ["ring", "direct", "model"] {
        let (_, document) = json(&[arg(&llama), "--collectives", how]);
        assert_eq!(document["verdict"], "pass");
        let import = &document["import"];
        assert_eq!(
            (&import["collectives"], &import["groups"]),
            (&184.into(), &8.into())
        );
        digests.push(document["digest"].to_string());
    }
    let (_, document) = json(&[arg(&llama)]);
    assert_eq!(document["digest"], digests[0].trim_matches('"'));
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 3);
    let text = finbox(&["run", arg(&data("micro/BROADCAST"))]).stdout;
    assert!(
        text.contains("4 nodes, 0 messages, 1 collective in 1 group;"),
        "{text}"
    );
}

#[test]
fn list_shows_what_can_be_run_and_every_name_in_it_runs() {
    let text = finbox(&["list"]).stdout;
    let listing = finbox(&["list", "--json"]).document();
    assert_eq!(listing["schema"], "finbox.list/1");
    let entries = |field: &str| listing[field].as_array().expect("a list").clone();
    for scenario in entries("scenarios") {
        let name = scenario["name"].as_str().expect("a name");
        assert!(text.contains(name));
        for target in entries("targets") {
            let chip = target["name"].as_str().expect("a name");
            assert!(text.contains(chip));
            let runs_on = scenario["targets"].as_array().expect("a list");
            if runs_on.contains(&target["name"]) {
                passed(&[name, "--target", chip]);
            } else {
                refused(&["run", name, "--target", chip], 2, &["needs URMA", chip]);
            }
        }
    }
}

#[test]
fn more_conditions_than_there_is_room_for_end_as_stuck_with_their_own_number() {
    let (ended, document) = json(&["crowd", "--tasks", "9000", "--deadline-ms", "100"]);
    assert_eq!(
        (ended.code, &document["verdict"]),
        (Some(4), &"stuck".into())
    );
    assert_eq!(document["error"]["name"], "CONDITION_ROOM_EXHAUSTED");
    let hint = document["error"]["hint"].as_str().unwrap_or_default();
    assert!(
        hint.contains("--tasks") && hint.contains("condition_room"),
        "{hint}"
    );
    assert_eq!(document["stall"]["root"]["blocks"], 8_192);
}

#[test]
fn a_task_that_takes_longer_than_the_run_allows_fails_with_108() {
    for target in ["a2a3", "a5"] {
        let with = |budget: &str| {
            json(&[
                "async_notify",
                "--target",
                target,
                "--task-budget-ms",
                budget,
            ])
        };
        let (ended, document) = with("10");
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(document["tasks"]["failed"], 0);
        let (ended, document) = with("1");
        assert_eq!(
            (ended.code, &document["verdict"]),
            (Some(5), &"fault".into())
        );
        assert_eq!(document["error"]["code"], 108);
        let message = "A core or a worker did not finish a task within its run budget: rank 0, \
                       task 1 notifier, block 0, core 2 (its FIN came 1.0 ms late)";
        assert_eq!(document["error"]["message"], message);
        assert!(document["tasks"]["failed"].as_u64() >= Some(1));
    }
}

#[test]
fn the_locked_baseline_has_the_same_results_and_is_named() {
    for mode in ["lockstep", "parallel"] {
        let [mailbox, locked] = ["mailbox", "locked"].map(|completion| {
            let args = [
                "deferred_notify_demo",
                "--mode",
                mode,
                "--completion",
                completion,
            ];
            let (ended, document) = json(&args);
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            assert_eq!(document["completion"], completion);
            document["result_digest"].clone()
        });
        assert_eq!(mailbox, locked, "{mode}");
    }
}

#[test]
fn items_that_no_worker_takes_are_out_and_stand_in_no_wait_list() {
    let run = [
        "run",
        "persistent_scan",
        "--tasks",
        "50",
        "--persistent",
        "force",
    ];
    let fault = [
        "--fault",
        "all-cores-hang:0",
        "--deadline-ms",
        "5",
        "--json",
    ];
    let ended = finbox(&[&run[..], &fault].concat());
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let document = ended.document();
    let waits = &document["wait_list"];
    assert_eq!(
        (&waits["high_water"], &waits["left"]),
        (&0.into(), &0.into())
    );
    let (tasks, items) = (&document["tasks"], &document["tasks"]["items"]);
    let left = (&items["out"], &tasks["live"]);
    assert_eq!(left, (&50.into(), &51.into()), "{tasks}");
}
