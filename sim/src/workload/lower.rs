//! A trace becomes tasks that a device can run.
//!
//! One task a node, at the same indices, in the trace's own order. Ordering is explicit
//! ([`TaskPlan::after`]); nothing is declared. Guarantees: a message moves real bytes, and after
//! the run every received region is compared with what its sender put there. Refuses nothing
//! that the importer lets through.
//!
//! | node | task |
//! | --- | --- |
//! | metadata | a dummy |
//! | host | a host lane, as long as the trace says |
//! | compute | a vector core, as long as the trace says |
//! | memory, collective of one rank | a short launch starts a DMA engine; done when the engine is |
//! | send | puts a pattern into the receiver's region of that message, then notifies it |
//! | receive | done when the message's own counter was notified |
//!
//! A put is timed for the whole message; of its bytes at most [`MESSAGE_BYTES_CAP`] are moved.

use std::collections::HashMap;

use crate::device::CounterPlace;

use super::chakra;
use super::op::{EngineTime, Op};
use super::pattern::pattern_seed;
use finbox_scheduler::Shape;

use super::plan::{RankPlan, Span, TaskPlan, TaskRef, Workload};
use super::verify::{Check, Expect};

/// Most bytes of a message that are really moved; less where one rank receives so many messages
/// that they would take more than [`RECEIVED_BYTES`].
pub const MESSAGE_BYTES_CAP: u64 = 4096;

/// Most bytes that the regions of one rank take together, but for traces with more than 262 144
/// messages to one rank: 16 MiB.
pub const RECEIVED_BYTES: u64 = 16 << 20;

/// Kernels that only start something or register a condition. A choice.
const LAUNCH_NS: u64 = 500;

/// Regions start on lines of their own.
const LINE_BYTES: u64 = 64;

/// The tasks of `trace`.
pub fn lower(trace: &chakra::Workload) -> Workload {
    let mut ranks: Vec<RankPlan> = trace
        .ranks
        .iter()
        .map(|graph| RankPlan::new(graph.rank))
        .collect();
    let mailed = place_messages(trace, &mut ranks);
    for (graph, plan) in trace.ranks.iter().zip(&mut ranks) {
        for node in &graph.nodes {
            let task = lower_node(node, plan, &mailed);
            plan.add_task(task);
        }
    }
    let order = trace.order.iter();
    Workload {
        name: trace.name.clone(),
        ranks,
        order: order
            .map(|at| TaskRef {
                rank: at.rank_index,
                task: at.node,
            })
            .collect(),
        golden: false,
        checks: trace.messages.iter().zip(&mailed).map(received).collect(),
        ..Workload::default()
    }
}

/// A message on the devices.
struct Mailed {
    /// The receiver, as an index.
    peer: u32,
    /// The receiver's counter for it.
    counter: u32,
    /// Where its bytes arrive in the receiver's data.
    region: Span,
    /// Which bytes.
    seed: u64,
    /// How large it is in the trace.
    full_bytes: u64,
}

/// Gives every message a region and a counter at its receiver.
fn place_messages(trace: &chakra::Workload, ranks: &mut [RankPlan]) -> Vec<Mailed> {
    let mut counts = vec![0; ranks.len()];
    for message in &trace.messages {
        counts[message.receive.rank_index as usize] += 1;
    }
    let caps: Vec<u64> = counts.into_iter().map(region_cap).collect();
    let mut nth_of: HashMap<(u32, u32, i64), u32> = HashMap::new();
    let place = |message: &chakra::Message| {
        let chakra::Message {
            source,
            destination,
            tag,
            bytes,
            receive,
            ..
        } = *message;
        let nth = nth_of.entry((source, destination, tag)).or_default();
        let seed = pattern_seed(source, destination, tag, *nth);
        let name = format!("message {nth} from rank {source}, tag {tag}");
        *nth += 1;
        let (peer, plan) = (receive.rank_index, &mut ranks[receive.rank_index as usize]);
        let buffer = plan.add_buffer(&name, bytes.min(caps[peer as usize]), LINE_BYTES);
        let (region, counter) = (plan.span(buffer), plan.add_counter(CounterPlace::Packed));
        Mailed {
            peer,
            counter,
            region,
            seed,
            full_bytes: bytes,
        }
    };
    trace.messages.iter().map(place).collect()
}

/// Bytes of each region where one rank receives `messages` messages; whole lines.
fn region_cap(messages: u64) -> u64 {
    let mut cap = MESSAGE_BYTES_CAP;
    while cap > LINE_BYTES && messages.saturating_mul(cap) > RECEIVED_BYTES {
        cap /= 2;
    }
    cap
}

fn lower_node(node: &chakra::Node, plan: &mut RankPlan, mailed: &[Mailed]) -> TaskPlan {
    let name: Box<str> = if node.name.is_empty() {
        format!("node {}", node.id).into()
    } else {
        node.name.clone()
    };
    let task = match node.op {
        chakra::Op::Metadata => TaskPlan::new(name, Shape::Dummy, 0),
        chakra::Op::Host { duration_ns } => TaskPlan::new(name, Shape::Host, duration_ns),
        chakra::Op::Compute { duration_ns } => TaskPlan::new(name, Shape::Aiv, duration_ns),
        chakra::Op::Memory {
            bytes, duration_ns, ..
        } => {
            let is_known = duration_ns > 0;
            let time = if is_known {
                EngineTime::Ns(duration_ns)
            } else {
                EngineTime::Bytes(bytes)
            };
            engine(name, plan, time)
        }
        chakra::Op::Collective { duration_ns, .. } => {
            engine(name, plan, EngineTime::Ns(duration_ns))
        }
        chakra::Op::Send { message } => send(name, &mailed[message as usize]),
        chakra::Op::Receive { message } => receive(name, &mailed[message as usize]),
    };
    TaskPlan {
        after: node.deps.clone(),
        ..task
    }
}

/// A launch that starts an engine and is done when the engine is.
fn engine(name: Box<str>, plan: &mut RankPlan, time: EngineTime) -> TaskPlan {
    let counter = plan.add_counter(CounterPlace::Packed);
    TaskPlan {
        defers: 1,
        program: vec![
            Op::Engine { counter, time },
            Op::Await {
                counter,
                expected: 1,
            },
        ],
        ..TaskPlan::new(name, Shape::Aiv, LAUNCH_NS)
    }
}

fn send(name: Box<str>, mailed: &Mailed) -> TaskPlan {
    let Mailed {
        peer,
        counter,
        region,
        seed,
        full_bytes,
    } = *mailed;
    let Span { at: to, bytes } = region;
    TaskPlan {
        program: vec![
            Op::PutPattern {
                peer,
                to,
                bytes,
                seed,
                timed_bytes: full_bytes,
            },
            Op::Notify {
                peer,
                counter,
                add: 1,
            },
        ],
        ..TaskPlan::new(name, Shape::Aiv, LAUNCH_NS)
    }
}

fn receive(name: Box<str>, mailed: &Mailed) -> TaskPlan {
    TaskPlan {
        defers: 1,
        program: vec![Op::Await {
            counter: mailed.counter,
            expected: 1,
        }],
        output: Some(mailed.region),
        ..TaskPlan::new(name, Shape::Aiv, LAUNCH_NS)
    }
}

fn received((message, mailed): (&chakra::Message, &Mailed)) -> Check {
    let chakra::Message {
        source,
        destination,
        tag,
        ..
    } = message;
    let bytes = mailed.region.bytes;
    Check {
        rank: mailed.peer,
        name: format!("message from rank {source} to rank {destination}, tag {tag}").into(),
        at: mailed.region.at,
        expect: Expect::Pattern {
            seed: mailed.seed,
            bytes,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{MESSAGE_BYTES_CAP, RECEIVED_BYTES, lower, region_cap};
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
            dropped_self_edges: 0,
            dropped_repeated_edges: 0,
        }
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
        assert_eq!(workload.ranks[1].tasks[3].after, [1, 2]);
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
}
