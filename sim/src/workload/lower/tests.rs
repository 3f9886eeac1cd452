//! What nodes become, and that messages arrive.

use super::{Collectives, MESSAGE_BYTES_CAP, RECEIVED_BYTES, region_cap};
use crate::demo::by_hand::run_in;
use crate::workload::chakra::{self, CollectiveKind, Message, Node, NodeRef, Op, RankGraph};
use crate::workload::{Op as Step, Shape, Workload};
use finbox_scheduler::{A2A3, A5};

const TAG: i64 = -3;

fn node(id: u64, op: Op, deps: &[u32]) -> Node {
    Node {
        id,
        name: "".into(),
        offset: 0,
        op,
        deps: deps.into(),
    }
}

fn at(rank_index: u32, node: u32) -> NodeRef {
    NodeRef { rank_index, node }
}

/// Ranks 3 and 7: rank 3 loads, computes and sends twice with one key; rank 7 receives both,
/// takes part in a collective of its own and ends on the host.
fn trace() -> chakra::Workload {
    let (duration_ns, bytes) = (1_000, 8);
    let sender = vec![
        node(
            10,
            Op::Memory {
                store: false,
                bytes,
                duration_ns,
            },
            &[],
        ),
        node(11, Op::Compute { duration_ns }, &[0]),
        node(12, Op::Send { message: 0 }, &[1]),
        node(13, Op::Send { message: 1 }, &[1, 2]),
    ];
    let kind = CollectiveKind::AllReduce;
    let receiver = vec![
        node(0, Op::Metadata, &[]),
        node(1, Op::Receive { message: 0 }, &[0]),
        node(2, Op::Receive { message: 1 }, &[0]),
        node(
            3,
            Op::Collective {
                kind,
                bytes,
                duration_ns,
            },
            &[1, 2],
        ),
        node(4, Op::Host { duration_ns }, &[3]),
    ];
    let ranks = [(3, sender), (7, receiver)];
    let graph = |(rank, nodes)| RankGraph {
        rank,
        file: "t.et".into(),
        nodes,
    };
    let message = |send, receive, bytes| Message {
        source: 3,
        destination: 7,
        tag: TAG,
        bytes,
        send: at(0, send),
        receive: at(1, receive),
    };
    chakra::Workload {
        name: "t".into(),
        ranks: ranks.map(graph).into(),
        messages: vec![message(2, 1, 1 << 20), message(3, 2, 100)],
        order: [
            (0, 0),
            (1, 0),
            (0, 1),
            (0, 2),
            (1, 1),
            (0, 3),
            (1, 2),
            (1, 3),
            (1, 4),
        ]
        .map(|(rank, node)| at(rank, node))
        .into(),
        collectives: Vec::new(),
        groups: 1,
        dropped_self_edges: 0,
        dropped_repeated_edges: 0,
    }
}

fn lower(trace: &chakra::Workload) -> Workload {
    super::lower(trace, Collectives::default()).expect("it has few steps")
}

#[test]
fn every_node_becomes_a_task_at_its_index() {
    let workload = lower(&trace());
    assert_eq!(workload.check(), Ok(()));
    let shapes = |rank: usize| -> Vec<Shape> {
        workload.ranks[rank]
            .tasks
            .iter()
            .map(|task| task.shape)
            .collect()
    };
    use Shape::{Aiv, Dummy, Host};
    assert_eq!(shapes(0), [Aiv, Aiv, Aiv, Aiv]);
    assert_eq!(shapes(1), [Dummy, Aiv, Aiv, Aiv, Host]);
    assert_eq!(*workload.ranks[1].tasks[3].after, [1, 2]);
    assert_eq!(workload.ranks[1].rank, 7);
    assert_eq!(&*workload.ranks[0].tasks[3].name, "node 13");
    assert!(workload.needs_host() && !workload.golden);
}

#[test]
fn memory_receive_and_collective_are_done_when_their_counters_are() {
    let workload = lower(&trace());
    let defers = |rank: usize| -> Vec<u8> {
        workload.ranks[rank]
            .tasks
            .iter()
            .map(|task| task.defers)
            .collect()
    };
    assert_eq!(defers(0), [1, 0, 0, 0]);
    assert_eq!(defers(1), [0, 1, 1, 1, 0]);
    assert_eq!(
        workload.ranks[1].counters.len(),
        3,
        "two messages and one engine"
    );
}

#[test]
fn received_bytes_are_those_of_their_own_message() {
    for target in [A2A3, A5] {
        let workload = lower(&trace());
        let devices = run_in(&workload, target, &workload.order);
        let found = workload.verify(&devices);
        assert!(
            found.is_right() && found.max_diff.is_none(),
            "{:?}",
            found.first
        );
        let region = workload.ranks[1].span(1);
        let addr = devices[1].data_address(region.at);
        devices[1].dram().write_bytes(addr + 99, &[0, 0]);
        let found = workload.verify(&devices);
        let first = found
            .first
            .expect("the last byte of the second message is not 0");
        let name = "message from rank 3 to rank 7, tag -3";
        assert_eq!(
            (found.wrong, first.rank, &*first.name, first.offset),
            (1, 1, name, 99)
        );
    }
}

#[test]
fn a_message_that_never_arrives_is_a_wrong_result() {
    let workload = lower(&trace());
    let is_send = |at: &crate::workload::TaskRef| (at.rank, at.task) == (0, 2);
    let mut order = workload.order.clone();
    order.retain(|at| !is_send(at));
    assert!(!workload.verify(&run_in(&workload, A2A3, &order)).is_right());
}

#[test]
fn a_large_message_moves_few_bytes_and_takes_its_full_time() {
    let workload: Workload = lower(&trace());
    let Step::PutPattern {
        bytes, timed_bytes, ..
    } = workload.ranks[0].tasks[2].program[0]
    else {
        panic!("a send begins with a put");
    };
    assert_eq!((bytes, timed_bytes), (MESSAGE_BYTES_CAP, 1 << 20));
}

#[test]
fn many_messages_share_a_bounded_room() {
    for (messages, cap) in [(0, 4096), (4_096, 4096), (4_097, 2048), (262_144, 64)] {
        assert_eq!(region_cap(messages), cap);
        assert!(messages * cap <= RECEIVED_BYTES);
    }
    assert_eq!(region_cap(u64::MAX), 64);
}
