//! Whatever a graph file says, it is refused or it runs: nothing panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use finbox_scheduler::A5;
use serde_json::{Map, Value};

use crate::app::limits::limited;
use crate::fault::Faults;
use crate::file::TextFile;
use crate::workload::graph_file::{Graph, read, write};
use crate::workload::random;
use crate::world::{self, RunError, Settings};

/// Virtual ns of a run; the examples need 1 ms.
const DEADLINE_NS: u64 = 5_000_000;

/// Files that are tried.
const CASES: usize = 3000;

/// The graphs to begin with: the examples, made small, and some with all that a file may hold.
fn graphs() -> Vec<Value> {
    let demo = include_str!("../../../examples/graphs/deferred_notify_demo.json");
    let demo = demo.replace("65536", "64").replace("16384", "16");
    let examples = [
        demo.replace("69632", "4096"),
        include_str!("../../../examples/graphs/gate.json").to_owned(),
        include_str!("../../../examples/graphs/pipeline.json").to_owned(),
    ];
    let drawn = [3, 8, 21].map(|seed| {
        let (workload, limits) = random(seed, None, true);
        write(&workload, Some(&limits))
    });
    let all = examples.into_iter().chain(drawn);
    all.map(|text| serde_json::from_str(&text).unwrap())
        .collect()
}

/// The paths of all values below `value`.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Array(items) => {
            for (nth, item) in items.iter().enumerate() {
                places(item, &format!("{path}/{nth}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                places(field, &format!("{path}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// A small generator, so that every run of the test sees the same files.
struct Draw(u64);

impl Draw {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        let high = usize::try_from(self.0 >> 33).unwrap();
        high % count
    }
}

fn number(number: u64, draw: &mut Draw) -> u64 {
    let twice = number.saturating_mul(2);
    let others = [
        0,
        1,
        number.wrapping_add(1),
        number.wrapping_sub(1),
        twice,
        number ^ 6,
        64,
        65_535,
        u64::from(u32::MAX),
        u64::MAX,
    ];
    others[draw.below(others.len())]
}

fn changed_items(items: &mut Vec<Value>, draw: &mut Draw) {
    if items.is_empty() {
        return;
    }
    let nth = draw.below(items.len());
    match draw.below(3) {
        0 => drop(items.remove(nth)),
        1 => items.push(items[nth].clone()),
        _ => items.swap(0, nth),
    }
}

fn changed_fields(fields: &mut Map<String, Value>, draw: &mut Draw) {
    let names: Vec<String> = fields.keys().cloned().collect();
    if !names.is_empty() {
        fields.remove(&names[draw.below(names.len())]);
    }
}

/// Changes one value of `graph`; a text becomes one of `texts`.
fn change(graph: &mut Value, texts: &[String], draw: &mut Draw) {
    let mut all = Vec::new();
    places(graph, "", &mut all);
    let at = &all[draw.below(all.len())];
    match graph.pointer_mut(at).unwrap() {
        Value::Number(found) => {
            *found = number(found.as_u64().unwrap_or(9), draw).into();
        }
        Value::String(found) => found.clone_from(&texts[draw.below(texts.len())]),
        Value::Array(items) => changed_items(items, draw),
        Value::Object(fields) => changed_fields(fields, draw),
        Value::Bool(found) => *found = !*found,
        Value::Null => {}
    }
}

fn texts(graph: &Value) -> Vec<String> {
    let mut all = Vec::new();
    places(graph, "", &mut all);
    let texts = all.iter().filter_map(|at| graph.pointer(at)?.as_str());
    let mut texts: Vec<String> = texts.map(str::to_owned).collect();
    let moved = |offset| texts.iter().map(move |text| format!("{text}+{offset}"));
    let moved: Vec<String> = moved(4).chain(moved(8)).chain(moved(62)).collect();
    texts.extend(moved);
    texts
}

/// Whether it was read and run to some end.
fn ran(text: &str) -> bool {
    let Ok(Graph { workload, limits }) = read(&TextFile::new(Path::new("g.json"), text)) else {
        return false;
    };
    let usual = Settings {
        cores: 6,
        ..Settings::of(&A5)
    };
    let settings = Settings {
        deadline_ns: Some(DEADLINE_NS),
        ..limited(usual, limits.as_ref(), &Faults::NONE)
    };
    world::run(&workload, &settings, &mut |_, _| {}).is_ok()
}

#[test]
fn more_cores_than_any_chip_has_are_refused() {
    let gate = include_str!("../../../examples/graphs/gate.json");
    let limits = "\"limits\": {\"cores\": 65535, \"handlers\": 1, \"mailbox_slots\": 8, \
         \"task_slots\": 4294967295, \"edge_nodes\": 64, \"condition_room\": 64, \
         \"heap_bytes\": 65536}, \"ranks\"";
    let text = gate.replace("\"ranks\"", limits);
    let graph = read(&TextFile::new(Path::new("g.json"), text)).unwrap();
    let settings = limited(Settings::of(&A5), graph.limits.as_ref(), &Faults::all());
    let refused = world::run(&graph.workload, &settings, &mut |_, _| {});
    assert!(matches!(refused, Err(RunError::Config(_))));
}

#[test]
fn no_change_of_a_graph_file_panics() {
    let with_texts = |graph| (texts(&graph), graph);
    let graphs: Vec<_> = graphs().into_iter().map(with_texts).collect();
    let mut draw = Draw(1);
    let mut runs = 0;
    for case in 0..CASES {
        let (texts, graph) = &graphs[case % graphs.len()];
        let mut changed = graph.clone();
        for _ in 0..=draw.below(3) {
            change(&mut changed, texts, &mut draw);
        }
        let text = changed.to_string();
        match catch_unwind(AssertUnwindSafe(|| ran(&text))) {
            Ok(has_run) => runs += usize::from(has_run),
            Err(_) => panic!("case {case} panicked: {text}"),
        }
    }
    // So many run that the test is of more than the reader.
    assert!(runs > CASES / 10, "{runs} of {CASES} ran");
}
