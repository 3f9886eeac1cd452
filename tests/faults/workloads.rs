//! Graphs that are no good, and graphs that are large, and engines of random graphs that fail: the
//! rows of the fault model about workloads.

use std::fs;

use finbox_scheduler::FaultCode;
use finbox_scheduler::target::{A2A3, A5};
use finbox_sim::check::Ended;
use finbox_sim::cli::Mode;
use finbox_sim::demo;
use finbox_sim::fault::{FaultKind, Faults};
use finbox_sim::workload::Workload;
use finbox_sim::workload::chakra::{self, ImportError};
use finbox_sim::world::{self, Settings};
use tempfile::TempDir;

use crate::fixture::{judged, random};

/// A compute node of a trace (id, name, kind 4, parents), with the length before it; all numbers
/// are below 128, so each is one byte.
fn node(id: u8, parents: &[u8]) -> Vec<u8> {
    let mut node = vec![0x08, id, 0x12, 2, b'n', b'0' + id % 10, 0x18, 4, 0x38, 1];
    node.extend(parents.iter().flat_map(|&parent| [0x28, parent]));
    let length = u8::try_from(node.len()).expect("a short node");
    [vec![length], node].concat()
}

/// Why a trace of these nodes is refused.
fn refusal(nodes: &[Vec<u8>]) -> ImportError {
    let folder = TempDir::new().expect("a writable folder");
    let path = folder.path().join("t.0.et");
    fs::write(&path, [vec![0], nodes.concat()].concat()).expect("a writable folder");
    chakra::load(&path, &chakra::Options::default()).expect_err("this must be refused")
}

#[test]
fn f43_cyclic_or_dangling_graph_is_refused_with_one_cycle_or_the_dangling_id() {
    let cyclic = refusal(&[node(1, &[]), node(2, &[1, 4]), node(3, &[2]), node(4, &[3])]);
    let text = cyclic.to_string();
    assert!(matches!(cyclic, ImportError::Cycle(_)), "{text}");
    for name in ["\"n2\"", "\"n3\"", "\"n4\""] {
        assert!(text.contains(name), "{text}");
    }
    assert!(!text.contains("\"n1\""), "it is not on the cycle: {text}");
    let dangling = refusal(&[node(1, &[]), node(2, &[1, 77])]);
    let text = dangling.to_string();
    let names_it = matches!(dangling, ImportError::Dangling { missing: 77, .. });
    assert!(names_it && text.contains("77"), "{text}");
}

/// What a whole run of `workload` counted: FINs, messages and words polled together.
fn counted(workload: &Workload, settings: &Settings) -> u64 {
    let outcome = world::run(workload, settings, &mut |_, _| {}).expect("a run that starts");
    let tasks = workload.order.len() as u64;
    assert!(outcome.stall.is_none() && outcome.fault.is_none());
    assert!(outcome.verified.is_right() && outcome.adds_up);
    assert_eq!(outcome.ledger.completed, tasks);
    let ledger = &outcome.ledger;
    ledger.fins_received + ledger.messages_accepted + ledger.polls
}

/// 10^6 tasks themselves are run by the `scale` rung of CI; here the work counted at most doubles,
/// and a quarter for what differs at the ends, when the tasks double.
#[test]
fn f44_twice_the_tasks_or_a_fan_out_of_100_000_is_linear_in_what_it_counts() {
    for target in [&A2A3, &A5] {
        let settings = Settings::of(target);
        for make in [demo::grid as fn(u32) -> Workload, demo::fan] {
            let once = counted(&make(30_000), &settings);
            let twice = counted(&make(60_000), &settings);
            assert!(twice <= once * 5 / 2, "{once} became {twice}");
        }
    }
    counted(&demo::fan(120_000), &Settings::of(&A2A3));
}

#[test]
fn f32_an_engine_error_in_a_random_graph_fails_its_task_and_what_depends_on_it() {
    let faults = Faults::only(FaultKind::EngineError);
    let (mut struck, mut cancelled) = ([0; 2], 0);
    for seed in 0..200 {
        let (outcome, ended) = judged(&random(Mode::Lockstep, seed, faults));
        let code = outcome.fault.as_ref().map(|fault| fault.code);
        if ended == Ended::Failed {
            assert_eq!(code, Some(FaultCode::AsyncCompletionInvalid), "seed {seed}");
            assert!(outcome.ledger.completed > 0 || outcome.ledger.submitted < 4);
            struck[usize::from(seed % 2 == 1)] += outcome.injected.of(FaultKind::EngineError);
            cancelled += outcome.ledger.cancelled;
        }
    }
    assert!(struck.into_iter().all(|count| count > 5), "{struck:?}");
    assert!(cancelled > 20, "{cancelled}");
}
