//! Traces for the Perfetto viewer, read back by an independent reader and held against the run.

mod reader;

use std::collections::HashMap;
use std::process::Command;

use finbox_scheduler::target::{A2A3, A5};
use finbox_sim::demo;
use finbox_sim::perfetto::{Form, Trace, Window, trace};
use finbox_sim::workload::Workload;
use finbox_sim::world::{Outcome, Settings};

use self::reader::{Bar, Lane, lanes};
use crate::fixture::{CLOCKS, crowd, pass};

fn recorded(workload: &Workload, settings: Settings) -> Outcome {
    let record = true;
    pass(workload, &Settings { record, ..settings })
}

fn traced(workload: &Workload, outcome: &Outcome, window: Window, form: Form) -> Trace {
    let timeline = outcome.timeline.as_ref().expect("it was asked for");
    trace(workload, timeline, window, form)
}

fn native(workload: &Workload, outcome: &Outcome) -> Trace {
    traced(workload, outcome, Window::ALL, Form::Native)
}

/// Workloads with everything a trace has lanes for: mixed blocks, notifies, engines, dummies.
fn workloads() -> Vec<Workload> {
    vec![
        demo::deferred_notify(4),
        demo::sdma_async(2),
        demo::mixed_spmd(2),
        demo::dummy_task(2),
        demo::prefetch_async(1),
        demo::grid(600),
        crowd(2, 40, 3),
    ]
}

/// All bars of the lanes whose path has `part` in it.
fn bars<'a>(lanes: &'a [Lane], part: &str) -> Vec<&'a Bar> {
    let lanes = lanes.iter().filter(|lane| lane.path.contains(part));
    lanes.flat_map(|lane| &lane.bars).collect()
}

fn check_nesting(lanes: &[Lane]) {
    for lane in lanes {
        let mut open: Vec<&Bar> = Vec::new();
        for bar in &lane.bars {
            open.truncate(bar.depth);
            assert_eq!(open.len(), bar.depth, "{}: {bar:?}", lane.path);
            assert!(bar.begin_ns <= bar.end_ns);
            if let Some(outer) = open.last() {
                let is_inside = outer.begin_ns <= bar.begin_ns && bar.end_ns <= outer.end_ns;
                assert!(is_inside, "{}: {bar:?} in {outer:?}", lane.path);
            }
            open.push(bar);
        }
        let times: Vec<u64> = lane.bars.iter().map(|bar| bar.begin_ns).collect();
        assert!(times.is_sorted(), "{}", lane.path);
        assert!(
            lane.samples.is_sorted_by_key(|(at, _)| *at),
            "{}",
            lane.path
        );
    }
}

/// Every arrow goes out once and comes in once, not earlier; returns how many there are.
fn check_arrows(lanes: &[Lane]) -> usize {
    let (mut out, mut into) = (HashMap::new(), HashMap::new());
    for bar in bars(lanes, "") {
        for id in &bar.flows {
            assert_eq!(out.insert(id, bar.begin_ns), None, "{bar:?}");
        }
        for id in &bar.last_flows {
            assert_eq!(into.insert(id, bar.begin_ns), None, "{bar:?}");
        }
    }
    assert_eq!(out.len(), into.len());
    for (id, from_ns) in &out {
        assert!(*from_ns <= into[id], "arrow {id}");
    }
    out.len()
}

/// What was counted in the run stands in the trace.
fn check_counts(workload: &Workload, outcome: &Outcome, lanes: &[Lane]) {
    let cores = bars(lanes, "/cores/");
    let tokens = cores.iter().filter(|bar| bar.depth == 0);
    let name = &workload.name;
    assert_eq!(tokens.count() as u64, outcome.ledger.fins_applied, "{name}");
    let runs = cores
        .iter()
        .filter(|bar| bar.depth == 1 && bar.name == "run");
    assert_eq!(runs.count() as u64, outcome.ledger.fins_applied, "{name}");
    let deferred = bars(lanes, "/deferred tasks");
    let waits = deferred.iter().filter(|bar| !bar.is_instant);
    assert_eq!(waits.count() as u64, outcome.ledger.deferred, "{name}");
    let met = deferred.iter().filter(|bar| bar.is_instant);
    assert_eq!(met.count() as u64, outcome.ledger.conditions, "{name}");
    let timeline = outcome.timeline.as_ref().expect("it was recorded");
    let operations: usize = timeline
        .ranks
        .iter()
        .map(|rank| rank.operations.len())
        .sum();
    let drawn = bars(lanes, "/engines/").len() + bars(lanes, "/links/").len();
    assert_eq!(drawn, operations, "{name}");
    for lane in lanes.iter().filter(|lane| !lane.samples.is_empty()) {
        let last = lane.samples.last().map(|(_, value)| *value);
        assert_eq!(last, Some(0), "{name}: {}", lane.path);
        assert!(lane.samples.iter().all(|(_, value)| *value >= 0));
    }
}

#[test]
fn a_trace_has_every_block_wait_and_operation_nested_and_with_both_ends_of_every_arrow() {
    for clock in CLOCKS {
        for workload in workloads() {
            let settings = Settings {
                clock,
                ..Settings::of(&A2A3)
            };
            let outcome = recorded(&workload, settings);
            let trace = native(&workload, &outcome);
            assert!(trace.is_all && trace.one_in == 1 && trace.left_out == 0);
            let lanes = lanes(&trace.bytes);
            check_nesting(&lanes);
            check_counts(&workload, &outcome, &lanes);
            assert_eq!(check_arrows(&lanes) as u64, trace.arrows);
            let bars = bars(&lanes, "").len();
            let samples: usize = lanes.iter().map(|lane| lane.samples.len()).sum();
            assert_eq!((bars + samples) as u64, trace.events);
        }
    }
}

#[test]
fn dependencies_and_notifies_are_arrows_and_bars_say_which_task() {
    let workload = demo::deferred_notify(2);
    let outcome = recorded(&workload, Settings::of(&A5));
    let lanes = lanes(&native(&workload, &outcome).bytes);
    let tasks = outcome.timeline.as_ref().expect("recorded").ranks[0]
        .tasks
        .len();
    for rank in 0..2 {
        let cores = bars(&lanes, &format!("/rank {rank}/cores/"));
        let mut of: Vec<u64> = cores
            .iter()
            .filter_map(|bar| bar.numbers.get("task").copied())
            .collect();
        of.sort_unstable();
        assert_eq!(of, (0..tasks as u64).collect::<Vec<_>>());
        for bar in cores.iter().filter(|bar| bar.depth == 0) {
            let task = usize::try_from(bar.numbers["task"]).expect("a small number");
            assert_eq!(bar.name, *workload.ranks[rank].tasks[task].name);
            assert_eq!(bar.texts["outcome"], "completed");
            assert_eq!(bar.numbers["block"], 0);
            assert!(bar.numbers["finished_ns"] >= bar.end_ns);
        }
        // The peer's notify makes the condition true; the wait's end lets the consumer go.
        let links = bars(&lanes, &format!("/rank {}/links/", 1 - rank));
        let notify = links.iter().find(|bar| bar.name.starts_with("notify"));
        let notify = notify.expect("the peer notifies");
        let waits = bars(&lanes, &format!("/rank {rank}/deferred tasks"));
        let met = waits.iter().find(|bar| bar.is_instant).expect("it was met");
        assert!(met.last_flows.iter().any(|id| notify.flows.contains(id)));
        let consumer = cores.iter().find(|bar| {
            let wait = waits[0];
            bar.last_flows.iter().any(|id| wait.flows.contains(id))
        });
        let consumer = consumer.expect("somebody waits for the deferred task");
        assert!(consumer.begin_ns >= waits[0].end_ns);
    }
}

#[test]
fn threads_show_what_they_did_and_that_they_were_idle() {
    let workload = demo::grid(600);
    let outcome = recorded(&workload, Settings::of(&A2A3));
    let lanes = lanes(&native(&workload, &outcome).bytes);
    let names = |part: &str| {
        let mut names: Vec<&str> = bars(&lanes, part)
            .iter()
            .map(|bar| bar.name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let handler = names("/threads/FIN handler");
    for phase in ["finish", "idle", "observe", "push"] {
        assert!(handler.contains(&phase), "{handler:?}");
    }
    let dispatch = names("/threads/dispatch");
    for phase in ["dispatch", "drain", "idle", "settle"] {
        assert!(dispatch.contains(&phase), "{dispatch:?}");
    }
    assert!(names("/submitter").contains(&"submit"));
    for counter in [
        "ready tasks",
        "waiting tasks",
        "unmet conditions",
        "messages in the mailbox",
    ] {
        assert!(
            lanes.iter().any(|lane| lane.path.ends_with(counter)),
            "{counter}"
        );
    }
}

#[test]
fn through_a_window_only_what_is_in_it_is_seen_and_arrows_keep_both_ends() {
    let workload = demo::grid(2_000);
    let outcome = recorded(&workload, Settings::of(&A2A3));
    let all = lanes(&native(&workload, &outcome).bytes);
    let window = Window {
        from_ns: 50_000,
        to_ns: 850_000,
    };
    let part = traced(&workload, &outcome, window, Form::Native);
    let part = lanes(&part.bytes);
    check_nesting(&part);
    let tokens = |lanes: &[Lane]| {
        let bars = bars(lanes, "/cores/").into_iter();
        let seen = bars.filter(|bar| bar.depth == 0 && window.sees(bar.begin_ns, bar.end_ns));
        let mut seen: Vec<(u64, u64)> = seen
            .map(|bar| (bar.begin_ns, bar.numbers["task"]))
            .collect();
        seen.sort_unstable();
        seen
    };
    assert_eq!(tokens(&part), tokens(&all));
    assert!(tokens(&part).len() > 50);
    let arrows = check_arrows(&part);
    assert!(arrows > 50 && arrows < check_arrows(&all));
    let outside = |bar: &&&Bar| bar.depth == 0 && !window.sees(bar.begin_ns, bar.end_ns);
    let outside = bars(&part, "").iter().filter(outside).count();
    assert_eq!(outside, 0, "a bar that the window does not see");
}

#[test]
fn a_long_run_is_drawn_in_outline_with_one_bar_a_block() {
    let tasks = 40_000;
    let workload = demo::grid(tasks);
    let outcome = recorded(&workload, Settings::of(&A2A3));
    let trace = native(&workload, &outcome);
    assert!(!trace.is_all && trace.one_in == 1);
    let lanes = lanes(&trace.bytes);
    check_nesting(&lanes);
    let mut drawn: Vec<u64> = bars(&lanes, "/cores/")
        .iter()
        .map(|bar| bar.numbers["task"])
        .collect();
    drawn.sort_unstable();
    assert_eq!(drawn, (0..u64::from(tasks)).collect::<Vec<_>>());
    let timeline = outcome.timeline.as_ref().expect("it was recorded");
    let dispatch = timeline.ranks[0].threads.last().expect("a dispatch thread");
    let busy: u64 = bars(&lanes, "/threads/dispatch")
        .iter()
        .map(|bar| bar.end_ns - bar.begin_ns)
        .sum();
    assert!(busy >= dispatch.busy_ns());
}

#[test]
fn a_trace_of_200_000_tasks_is_10_megabytes_at_most_and_above_that_tasks_are_sampled() {
    for (tasks, one_in) in [(200_000, 1), (300_000, 2)] {
        let workload = demo::grid(tasks);
        let outcome = recorded(&workload, Settings::of(&A2A3));
        let trace = native(&workload, &outcome);
        assert!(trace.bytes.len() <= 10_000_000, "{}", trace.bytes.len());
        assert_eq!((trace.is_all, trace.one_in), (false, one_in));
        assert!(trace.events >= u64::from(tasks / one_in / 2));
    }
}

#[test]
fn json_has_the_same_bars_samples_and_arrows() {
    for workload in workloads() {
        let outcome = recorded(&workload, Settings::of(&A2A3));
        let native = native(&workload, &outcome);
        let chrome = traced(&workload, &outcome, Window::ALL, Form::Chrome);
        assert_eq!(
            (chrome.events, chrome.arrows),
            (native.events, native.arrows)
        );
        let text = String::from_utf8(chrome.bytes).expect("JSON is text");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let events = value["traceEvents"].as_array().expect("a list");
        let count = |phase: &str| events.iter().filter(|it| it["ph"] == phase).count() as u64;
        assert_eq!(count("B"), count("E"));
        assert_eq!(count("B") + count("i") + count("C"), native.events);
        assert_eq!((count("s"), count("f")), (native.arrows, native.arrows));
        let lanes = lanes(&native.bytes);
        let named = |name: &str| events.iter().filter(|it| it["name"] == name).count();
        let runs = bars(&lanes, "")
            .iter()
            .filter(|bar| bar.name == "run")
            .count();
        assert_eq!(named("run"), runs);
    }
}

/// The published schema comes with a package of Python's. Without it there is nothing to ask.
#[test]
fn the_published_schema_knows_every_field() {
    let ask = Command::new("python3")
        .args(["-c", "import perfetto"])
        .output();
    match ask {
        Ok(output) if output.status.success() => {}
        Ok(_) => {
            return println!("skipped: python3 has no package perfetto (pip install perfetto)");
        }
        Err(error) => return println!("skipped: python3 cannot be started: {error}"),
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/sim/perfetto/schema.py");
    let folder = tempfile::tempdir().expect("a folder");
    for workload in workloads() {
        let outcome = recorded(&workload, Settings::of(&A2A3));
        let file = folder.path().join("trace.pftrace");
        std::fs::write(&file, native(&workload, &outcome).bytes).expect("room");
        let output = Command::new("python3")
            .arg(script)
            .arg(&file)
            .output()
            .expect("python3 ran");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {said}", workload.name);
    }
}
