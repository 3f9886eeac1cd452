//! What is written is read again as the same workload; what is wrong is refused with its line.

use std::path::Path;

use super::{Graph, SCHEMA, read, write};
use crate::demo;
use crate::file::{FileError, TextFile};
use crate::workload::lower::kinds::collectives;
use crate::workload::{Op, Workload, random};

fn read_text(text: &str) -> Result<Graph, FileError> {
    read(&TextFile::new(Path::new("g.json"), text))
}

fn demos() -> Vec<Workload> {
    vec![
        demo::deferred_notify(3),
        demo::dummy_task(2),
        demo::async_notify(2),
        demo::sdma_async(2),
        demo::urma_deferred(2),
        demo::prefetch_async(1),
        demo::mixed_spmd(2),
        demo::grid(300),
        demo::fan(40),
        demo::crowd(70),
        demo::persistent_scan(40, 0),
        demo::persistent_scan(40, 3),
    ]
}

/// The workload as a file says it: what it must come to is the writer's word.
fn stated(workload: &Workload) -> Workload {
    Workload {
        is_stated: true,
        ..workload.clone()
    }
}

#[test]
fn every_demo_and_collective_comes_back_as_it_was() {
    for workload in demos().into_iter().chain(collectives()) {
        let text = write(&workload, None);
        let found = read_text(&text).unwrap();
        assert_eq!(found.workload, stated(&workload), "{}", workload.name);
        assert_eq!(found.limits, None);
    }
}

/// What a file calls an operation.
fn key(written: &serde_json::Value) -> &str {
    let inner = written.get("per_block").map(|inner| &inner["op"]);
    let fields = inner.unwrap_or(written).as_object().unwrap();
    fields.keys().next().unwrap()
}

/// Shadow mode calls operations as people find them in the file.
#[test]
fn an_operations_name_is_that_in_the_file() {
    let mut seen = std::collections::BTreeSet::new();
    let random = (0..20).map(|seed| random(seed, None, true).0);
    for workload in demos().into_iter().chain(random) {
        let file: serde_json::Value = serde_json::from_str(&write(&workload, None)).unwrap();
        let ranks = workload.ranks.iter().zip(file["ranks"].as_array().unwrap());
        let tasks = ranks.flat_map(|(plan, rank)| {
            let written = rank["tasks"].as_array().into_iter().flatten();
            plan.tasks.iter().zip(written)
        });
        for (task, written) in tasks {
            let written = written["program"].as_array().into_iter().flatten();
            let names: Vec<&str> = task.program.iter().map(Op::name).collect();
            assert_eq!(written.map(key).collect::<Vec<_>>(), names);
            seen.extend(names);
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
}

#[test]
fn random_workloads_come_back_with_their_limits() {
    for seed in 0..300 {
        let (workload, limits) = random(seed, None, seed % 2 == 0);
        let text = write(&workload, Some(&limits));
        let found = read_text(&text).unwrap();
        assert_eq!(found.workload, stated(&workload), "seed {seed}");
        assert_eq!(found.limits, Some(limits));
    }
}

#[test]
fn rule_sets_that_cannot_be_used_are_refused_where_they_stand() {
    let tasks = "\"tasks\": [{\"name\": \"t\"}]";
    let sets = |sets: &str| format!("\"rule_sets\": [\n[\"61\"],\n{sets}],\n{tasks}\n");
    assert!(read_text(&graph(&sets("[\"6162\", \"00\"]"))).is_ok());
    for (wrong, what) in [
        ("[]", "rule set 1: 0 patterns"),
        ("[\"61\", \"\"]", "rule set 1: pattern 1 has 0 bytes"),
        ("[\"616\"]", "hexadecimal digits"),
    ] {
        let (said, _) = refused(&sets(wrong));
        let in_place = said.starts_with("g.json, line 5") && said.contains(what);
        assert!(in_place, "{said}");
    }
}

/// A graph of one rank with these fields.
fn graph(rank: &str) -> String {
    format!("{{\"schema\": \"{SCHEMA}\",\n\"ranks\": [{{\n{rank}}}]}}")
}

/// Every graph with such a rank is refused in words that hold the other text, with a line and a
/// hint.
fn refused_in_place(cases: &[(&str, &str)]) {
    for (rank, what) in cases {
        let (said, hint) = refused(rank);
        assert!(
            said.starts_with("g.json, line ") && said.contains(what),
            "{said}"
        );
        assert!(!hint.is_empty());
    }
}

fn refused(rank: &str) -> (String, String) {
    let error = read_text(&graph(rank)).expect_err(rank);
    (error.to_string(), error.hint().to_owned())
}

#[test]
fn what_is_left_out_has_a_default() {
    let text = graph(
        "\"buffers\": [{\"name\": \"a\", \"bytes\": 4}, {\"name\": \"b\", \"bytes\": 8}],
         \"counters\": [{\"name\": \"done\"}],
         \"tasks\": [{\"name\": \"t\", \"program\": [
             {\"copy\": {\"from\": \"a\", \"to\": \"b+4\", \"bytes\": 4}},
             {\"engine\": {\"counter\": \"done\", \"ns\": 5}},
             {\"await\": {\"counter\": \"done\", \"expected\": 1}}]}]",
    );
    let Graph { workload, .. } = read_text(&text).unwrap();
    assert_eq!(workload.name, "g");
    let (plan, task) = (&workload.ranks[0], &workload.ranks[0].tasks[0]);
    assert_eq!((plan.offset(1), plan.data_bytes), (64, 72));
    assert_eq!((task.blocks, task.defers), (1, 1));
    let to = Op::Copy {
        from: 0,
        to: 68,
        bytes: 4,
    };
    assert_eq!(task.program[0], to);
}

#[test]
fn a_name_that_is_not_there_is_told_with_its_line_and_a_near_one() {
    let (said, hint) = refused(
        "\"buffers\": [{\"name\": \"mailbox\", \"bytes\": 4}],
         \"tasks\": [{\"name\": \"t\"},
         {\"name\": \"u\", \"program\": [
            {\"store\": {\"at\": \"mailbx\", \"value\": 1}}]}]",
    );
    assert_eq!(
        said,
        "g.json, line 6, column 13: there is no buffer \"mailbx\" in rank 0"
    );
    assert_eq!(hint, "did you mean \"mailbox\"?");
    let (said, _) = refused("\"tasks\": [{\"name\": \"t\", \"after\": [\"nobody\"]}]");
    assert!(
        said.contains("line 3, column 11: there is no task \"nobody\""),
        "{said}"
    );
}

#[test]
fn what_cannot_be_is_refused_and_said() {
    refused_in_place(&[
        (
            "\"tasks\": [{\"name\": \"t\"}, {\"name\": \"t\"}, \
              {\"name\": \"u\", \"after\": [\"t\"]}]",
            "several tasks \"t\"",
        ),
        (
            "\"tasks\": [{\"name\": \"t\", \"after\": [7]}]",
            "no task 7 in rank 0, which has 1",
        ),
        (
            "\"tasks\": [{\"name\": \"t\", \"after\": [\"u\"]}, {\"name\": \"u\"}]",
            "the order",
        ),
        (
            "\"tasks\": [{\"name\": \"t\", \"blocks\": 0}]",
            "blocks is 0: it must be 1 to 32767",
        ),
        (
            "\"tasks\": [{\"name\": \"t\", \"blocks\": 40000}]",
            "blocks is 40000",
        ),
        (
            "\"tasks\": [{\"name\": \"t\", \"blocks\": 70000}]",
            "blocks is 70000: it must be 1 to 32767",
        ),
        (
            "\"tasks\": [{\"name\": \"t\", \"blocks\": -1}]",
            "-1 stands where a whole number from 1 to 32767 belongs",
        ),
        ("\"tasks\": {}", "an object stands where a list belongs"),
        (
            "\"tasks\": [{\"name\": \"t\", \"defers\": 65}]",
            "defers is 65: it must be 0 to 64",
        ),
        (
            "\"tasks\": [{\"name\": \"t\", \"shape\": \"mix\"}]",
            "subtasks",
        ),
        (
            "\"tasks\": [{\"name\": \"t\", \"shap\": \"mix\"}]",
            "unknown field `shap`",
        ),
        (
            "\"tasks\": [{\"name\": \"t\", \"name\": \"u\"}]",
            "duplicate field `name`",
        ),
        (
            "\"tasks\": [{\"name\": \"t\", \"program\": [{\"notify\": \
             {\"peer\": 9, \"counter\": 0, \"add\": 1}}]}]",
            "there is no rank 9",
        ),
        (
            "\"tasks\": [{\"name\": \"t\", \"program\": [{\"store\": {\"at\": 0, \"value\": 1}}]}]",
            "not inside 0 bytes",
        ),
    ]);
}

#[test]
fn what_cannot_run_is_refused_with_its_members_and_numbers() {
    refused_in_place(&[
        (
            "\"tasks\": [{\"name\": \"t\", \"after\": [\"t\"]}]",
            "line 3, column 11: tasks of rank 0 wait for each other: t → t",
        ),
        (
            "\"tasks\": [{\"name\": \"s\"}, {\"name\": \"t\", \"after\": [\"u\", \"s\"]}, \
              {\"name\": \"u\", \"after\": [\"t\"]}]",
            "tasks of rank 0 wait for each other: u → t → u",
        ),
        (
            "\"tasks\": [{\"name\": \"t\", \"duration_ns\": 3600000000000001}]",
            "task 0 `t`: it runs for 3600000000000001 ns, and a thousand hours are the most",
        ),
        (
            "\"counters\": [{\"name\": \"c\"}], \"tasks\": [{\"name\": \"t\", \"program\": [\
              {\"engine\": {\"counter\": \"c\", \"ns\": 18446744073709551615}}]}]",
            "it runs for 18446744073709551615 ns",
        ),
        (
            "\"buffers\": [{\"name\": \"d\", \"bytes\": 64}], \"tasks\": [], \
              \"parts\": [{\"at\": \"d+62\", \"u32s\": [], \"writers\": []}]",
            "line 3, column 65: rank 0, part 0: 0 bytes at 62",
        ),
        (
            "\"buffers\": [{\"name\": \"d\", \"bytes\": 64}], \"tasks\": [], \
              \"parts\": [{\"at\": 0, \"u32s\": [1], \"writers\": [[0, 0]]}]",
            "there is no task 0 in rank 0",
        ),
        (
            "\"buffers\": [{\"name\": \"d\", \"bytes\": 64}], \"tasks\": [{\"name\": \"a\", \
              \"program\": [{\"copy\": {\"from\": \"d\", \"to\": \"d+8\", \"bytes\": 16}}]}]",
            "rank 0, task 0 `a`: 16 bytes from 0 and 16 bytes to 8 overlap",
        ),
    ]);
}

#[test]
fn memory_and_engines_that_cannot_be_are_refused() {
    refused_in_place(&[
        (
            "\"counters\": [{\"name\": \"c\"}], \"tasks\": [{\"name\": \"t\", \"program\": [\
          {\"engine\": {\"counter\": \"c\"}}]}]",
            "one of them",
        ),
        (
            "\"buffers\": [{\"name\": \"b\", \"bytes\": 18446744073709551615, \"at\": 1}], \
          \"tasks\": []",
            "further than",
        ),
        (
            "\"buffers\": [{\"name\": \"b\", \"bytes\": 1, \"align\": 3}], \"tasks\": []",
            "align is 3: it must be a power of two",
        ),
        (
            "\"data_bytes\": 999999999999, \"tasks\": []",
            "do not fit a device",
        ),
    ]);
}

#[test]
fn another_schema_and_too_many_ranks_are_refused() {
    let newer = graph("\"tasks\": []").replace(SCHEMA, "finbox.graph/2");
    let error = read_text(&newer).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("its \"schema\" is \"finbox.graph/2\"")
    );
    assert!(error.hint().contains(SCHEMA));
    let rank = "{\"tasks\": []}";
    for count in [0, 65] {
        let ranks = vec![rank; count].join(",");
        let text = format!("{{\"schema\": \"{SCHEMA}\", \"ranks\": [{ranks}]}}");
        let said = read_text(&text).unwrap_err().to_string();
        assert!(said.contains(&format!("this one has {count}")), "{said}");
    }
    let same = "{\"rank\": 3, \"tasks\": []}";
    let text = format!("{{\"schema\": \"{SCHEMA}\", \"ranks\": [{same}, {same}]}}");
    assert!(
        read_text(&text)
            .unwrap_err()
            .to_string()
            .contains("two ranks 3")
    );
}

#[test]
fn every_beginning_is_refused_and_no_byte_panics() {
    let text = write(&demo::deferred_notify(2), None);
    let whole = text.trim_end();
    assert!(read_text(whole).is_ok());
    for end in 0..whole.len() {
        assert!(read_text(&whole[..end]).is_err(), "{end}");
    }
    for (at, byte) in whole.bytes().enumerate() {
        for other in [b'0', b'9', b'"', b'-', b'}', b'['] {
            let mut changed = whole.as_bytes().to_vec();
            changed[at] = if byte == other { b' ' } else { other };
            if let Ok(changed) = String::from_utf8(changed) {
                let _may_be_either = read_text(&changed);
            }
        }
    }
}
