//! Inputs that are no good: refused before anything ran, with what, where and what to do next.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::{arg, data, finbox, refused};

const LOAD: u64 = 2;
const COMPUTE: u64 = 4;
const RECEIVE: u64 = 6;
const COLLECTIVE: u64 = 7;

/// A protobuf varint.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7F {
        bytes.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push((value & 0x7F) as u8);
    bytes
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, content: &[u8]) -> Vec<u8> {
    [
        varint(field << 3 | 2),
        varint(content.len() as u64),
        content.to_vec(),
    ]
    .concat()
}

/// A node of a trace, with the length before it.
fn node(id: u64, kind: u64, duration_micros: u64, parents: &[u64]) -> Vec<u8> {
    let mut node = [
        number(1, id),
        bytes(2, format!("n{id}").as_bytes()),
        number(3, kind),
        number(7, duration_micros),
    ]
    .concat();
    for &parent in parents {
        node.extend(number(5, parent));
    }
    if kind == RECEIVE {
        let size = [bytes(1, b"comm_size"), number(9, 64)].concat();
        node.extend(bytes(10, &size));
    }
    [varint(node.len() as u64), node].concat()
}

/// A trace with empty metadata.
fn trace(nodes: &[Vec<u8>]) -> Vec<u8> {
    [vec![0], nodes.concat()].concat()
}

fn file(folder: &TempDir, name: &str, content: &[u8]) -> String {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    arg(&path).to_owned()
}

fn refused_file(path: &str, what: &[&str]) {
    for mode in ["lockstep", "parallel"] {
        let error = refused(&["run", path, "--mode", mode], 3, what);
        assert_eq!(error["name"], "INPUT_INVALID", "{error}");
    }
}

#[test]
fn an_unknown_scenario_is_usage_and_near_names_are_offered() {
    let error = refused(&["run", "deferred_notfy_demo"], 2, &["deferred_notfy_demo"]);
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("deferred_notify_demo"),
        "{error}"
    );
    refused(&["run", "zzzz"], 2, &["'zzzz'", "finbox list"]);
    refused(&["run", ""], 2, &["finbox list"]);
}

#[test]
fn numbers_out_of_range_are_usage_and_the_range_is_named() {
    let demo = "deferred_notify_demo";
    let a2a3 = ["run", demo, "--target", "a2a3"];
    for (option, value, what) in [
        ("--ranks", "0", "from 1 to 64"),
        ("--ranks", "65", "from 1 to 64"),
        ("--ranks", "-1", "from 1 to 64"),
        ("--ranks", "1", "2 to 64"),
        ("--mailbox-slots", "3", "2 and 4"),
        ("--mailbox-slots", "0", "from 2 to 16777216"),
        ("--mailbox-slots", "33554432", "from 2 to 16777216"),
        ("--threads", "0", "from 1 to 8"),
        ("--threads", "9", "from 1 to 8"),
        ("--cores", "0", "from 1 to 72"),
        ("--cores", "73", "from 1 to 72"),
        ("--deadline-ms", "0", "from 1 to"),
        ("--seed", "-1", "from 0 to 18446744073709551615"),
        (
            "--seed",
            "18446744073709551616",
            "from 0 to 18446744073709551615",
        ),
        ("--mode", "fast", "lockstep"),
        ("--target", "a9", "a2a3"),
        ("--deps", "all", "ctrl"),
        ("--collectives", "tree", "ring, direct, model"),
    ] {
        let args = if option == "--target" {
            &a2a3[..2]
        } else {
            &a2a3[..]
        };
        refused(&[args, &[option, value]].concat(), 2, &[what, option]);
    }
    refused(
        &["run", demo, "--target", "a5", "--cores", "109"],
        2,
        &["from 1 to 108"],
    );
}

#[test]
fn a_trace_cut_anywhere_is_refused_with_file_and_byte() {
    let folder = TempDir::new().unwrap();
    let whole = trace(&[node(7, COMPUTE, 5, &[]), node(8, COMPUTE, 5, &[7])]);
    let first = 1 + node(7, COMPUTE, 5, &[]).len();
    for left in (2..whole.len()).filter(|&left| left != first) {
        let path = file(&folder, "cut.0.et", &whole[..left]);
        let byte = if left < first {
            "byte 1 ".to_owned()
        } else {
            format!("byte {first} ")
        };
        let error = finbox(&["run", &path]);
        assert_eq!(error.code, Some(3), "{left} bytes");
        for part in ["cut short", &path, &byte, " hint: "] {
            assert!(
                error.stderr.contains(part),
                "{left} bytes: {}",
                error.stderr
            );
        }
    }
    let path = file(&folder, "cut.0.et", &whole[..whole.len() - 1]);
    refused_file(&path, &["cut short", &path]);
}

#[test]
fn a_sample_cut_short_is_refused_though_seven_ranks_are_whole() {
    let folder = TempDir::new().unwrap();
    for rank in 0..8 {
        let name = format!("custom_allreduce.{rank}.et");
        let mut content = fs::read(data("ring-allreduce-8").join(&name)).unwrap();
        content.truncate(if rank == 3 {
            content.len() - 10
        } else {
            content.len()
        });
        file(&folder, &name, &content);
    }
    refused_file(arg(folder.path()), &["cut short", "custom_allreduce.3.et"]);
}

#[test]
fn a_cyclic_trace_is_refused_with_the_nodes_of_the_cycle() {
    let folder = TempDir::new().unwrap();
    let nodes = [
        node(1, COMPUTE, 1, &[]),
        node(2, COMPUTE, 1, &[3]),
        node(3, COMPUTE, 1, &[2]),
    ];
    let path = file(&folder, "cycle.0.et", &trace(&nodes));
    refused_file(&path, &["wait for each other", "\"n2\"", "\"n3\"", &path]);
}

#[test]
fn a_receive_without_a_send_is_refused_with_the_node() {
    let folder = TempDir::new().unwrap();
    for rank in 0..2 {
        let nodes = if rank == 0 {
            vec![node(5, RECEIVE, 0, &[])]
        } else {
            vec![]
        };
        let nodes = [nodes, vec![node(9, COMPUTE, 1, &[])]].concat();
        file(&folder, &format!("t.{rank}.et"), &trace(&nodes));
    }
    refused_file(
        arg(folder.path()),
        &["node 5 \"n5\" of rank 0", "t.0.et", "no send"],
    );
}

#[test]
fn an_empty_file_a_folder_without_traces_and_a_foreign_file_are_refused() {
    let folder = TempDir::new().unwrap();
    refused_file(
        arg(folder.path()),
        &["PREFIX.<rank>.et", arg(folder.path())],
    );
    file(&folder, "notes.txt", b"not a trace");
    refused_file(arg(folder.path()), &["PREFIX.<rank>.et"]);
    let path = file(&folder, "empty.0.et", b"");
    refused_file(&path, &["is empty", "0 bytes", &path]);
    let path = file(&folder, "foreign.0.et", b"{\"nodes\": []}\n");
    refused_file(&path, &["byte 0", &path]);
    let path = file(&folder, "silent.0.et", &trace(&[]));
    refused_file(&path, &["no node"]);
}

#[test]
fn a_path_that_is_not_there_is_unreadable() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("missing.0.et");
    for path in [arg(&path), "./no/such/folder", "missing.json"] {
        let error = refused(&["run", path], 3, &[path, "No such file"]);
        assert_eq!(
            (&error["code"], &error["name"]),
            (&191.into(), &"INPUT_UNREADABLE".into())
        );
    }
}

#[test]
fn a_collective_without_one_of_its_ranks_is_refused_with_its_place() {
    let folder = TempDir::new().unwrap();
    let barrier = |id| {
        let attributes = [bytes(1, b"comm_type"), number(9, 9)].concat();
        let node = [number(1, id), number(3, COLLECTIVE), bytes(10, &attributes)].concat();
        [varint(node.len() as u64), node].concat()
    };
    fs::write(
        folder.path().join("t.0.et"),
        trace(&[barrier(1), barrier(2)]),
    )
    .unwrap();
    fs::write(folder.path().join("t.1.et"), trace(&[barrier(7)])).unwrap();
    let said = [
        "node 2 \"\" of rank 0",
        "is collective 2 of process group \"0\", barrier of 0 bytes",
        "rank 1, a member, has 1 there",
        "t.0.et",
    ];
    refused_file(arg(folder.path()), &said);
}

#[test]
fn the_ranks_of_a_trace_are_its_own() {
    let ring = data("ring-allreduce-8");
    refused(
        &["run", arg(&ring), "--ranks", "4"],
        2,
        &["--ranks 4", "8 ranks"],
    );
    let ended = finbox(&["run", arg(&ring), "--ranks", "8", "--json"]);
    assert_eq!(
        (ended.code, &ended.document()["ranks"]),
        (Some(0), &8.into())
    );
    let one = data("micro/one_comp_node.0.et");
    refused(
        &["run", arg(&one), "--ranks", "2"],
        2,
        &["--ranks 2", "1 rank\n"],
    );
}

#[test]
fn control_edges_that_dangle_are_refused_with_a_count() {
    let path = data("mlcommons");
    for deps in ["ctrl", "both"] {
        refused(
            &["run", arg(&path), "--deps", deps],
            3,
            &["1277 such edges", "data is"],
        );
    }
}

#[test]
fn a_trace_longer_than_any_clock_is_refused() {
    let folder = TempDir::new().unwrap();
    let what = ["task 0 `n1`", "a thousand hours are the most"];
    for kind in [COMPUTE, LOAD, COLLECTIVE] {
        let huge = [
            node(1, kind, u64::MAX, &[]),
            node(2, kind, u64::MAX / 2_000, &[1]),
        ];
        let path = file(&folder, "huge.0.et", &trace(&huge));
        for mode in ["lockstep", "parallel"] {
            refused(&["run", &path, "--mode", mode], 3, &what);
        }
    }
}

#[test]
fn an_estimate_longer_than_a_thousand_hours_is_refused() {
    let folder = TempDir::new().unwrap();
    let trace = data("micro/ALL_REDUCE.0.et");
    let speed = "{\"bandwidth_bytes_per_s\": 1e-300}";
    let costs = format!("{{\"schema\": \"finbox.cost/1\", \"roofline\": {speed}}}");
    let costs = file(&folder, "slow.json", costs.as_bytes());
    refused(
        &["run", arg(&trace), "--cost-model", &costs],
        3,
        &["it runs for 18446744073709551615 ns", "--cost-model"],
    );
}

#[test]
fn names_from_a_file_cannot_steer_the_terminal() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a\u{1b}[31m.0.et", b"");
    let ended = finbox(&["run", &path]);
    assert_eq!(ended.code, Some(3));
    assert!(!ended.stderr.contains('\u{1b}'), "{:?}", ended.stderr);
    assert!(Path::new(&path).exists());
}
