//! From an imported trace to tasks: what each kind of node becomes.
//!
//! | node | task |
//! | --- | --- |
//! | metadata | a dummy: complete as soon as its dependencies are |
//! | CPU operation | on the host lane, completes inline |
//! | compute | on a vector core for its duration |
//! | memory load or store | a short launch that starts a DMA engine; deferred on its counter |
//! | send | a put into the receiver's window, then a notify of that message's counter |
//! | receive | a short launch; deferred on the message's counter |
//! | collective over one rank | a short launch that starts an engine for the trace's duration |
//!
//! Guarantees: task `i` of a rank is node `i` of its trace; the order of submission is the
//! trace's global order; every message carries bytes that can be told from all others, and what
//! was received is checked. A message's time is that of its full size; of its bytes at most
//! [`MESSAGE_BYTES_CAP`] are really moved.

use super::chakra::{self, Message};
use super::pattern_seed;
use super::{Check, EngineTime, Expect, Op, RankPlan, Shape, TaskPlan, TaskRef, Workload};
use crate::device::CounterPlace;

/// Most bytes of one message that are really moved. A choice: memory stays small on big traces.
pub const MESSAGE_BYTES_CAP: u64 = 4096;

/// A launch that only starts an engine or registers a condition, in ns. A choice: as the demo's.
const LAUNCH_NS: u64 = 500;

/// Where a message arrives.
struct Arrival {
    buffer: u32,
    counter: u32,
    bytes: u64,
    seed: u64,
}

/// Turns a trace into a workload.
pub fn lower(trace: &chakra::Workload) -> Workload {
    let mut ranks: Vec<RankPlan> = trace
        .ranks
        .iter()
        .map(|graph| RankPlan::new(graph.rank))
        .collect();
    let arrivals: Vec<Arrival> = (0..)
        .zip(&trace.messages)
        .map(|(nth, message)| arrive(&mut ranks, message, nth))
        .collect();
    let checks = trace
        .messages
        .iter()
        .zip(&arrivals)
        .map(|(message, arrival)| Check {
            rank: message.receive.rank_index,
            name: format!("message {} → {}", message.source, message.destination).into(),
            at: ranks[message.receive.rank_index as usize].offset(arrival.buffer),
            expect: Expect::Pattern {
                seed: arrival.seed,
                bytes: arrival.bytes,
            },
        });
    let checks = checks.collect();
    let lowering = Lowering { trace, arrivals };
    for rank in 0..ranks.len() {
        for node in 0..trace.ranks[rank].nodes.len() {
            let task = lowering.task(&mut ranks, rank, node);
            ranks[rank].add_task(task);
        }
    }
    let order = trace.order.iter();
    let order = order
        .map(|at| TaskRef {
            rank: at.rank_index,
            task: at.node,
        })
        .collect();
    Workload {
        name: trace.name.clone(),
        ranks,
        order,
        golden: false,
        checks,
    }
}

/// Makes room for a message in its receiver's window.
fn arrive(ranks: &mut [RankPlan], message: &Message, nth: u32) -> Arrival {
    let plan = &mut ranks[message.receive.rank_index as usize];
    let bytes = message.bytes.min(MESSAGE_BYTES_CAP);
    let buffer = plan.add_buffer("message", bytes, 64);
    let counter = plan.add_counter(CounterPlace::Packed);
    let seed = pattern_seed(message.source, message.destination, message.tag, nth);
    Arrival {
        buffer,
        counter,
        bytes,
        seed,
    }
}

struct Lowering<'a> {
    trace: &'a chakra::Workload,
    arrivals: Vec<Arrival>,
}

impl Lowering<'_> {
    fn task(&self, ranks: &mut [RankPlan], rank: usize, node: usize) -> TaskPlan {
        let node = &self.trace.ranks[rank].nodes[node];
        let new = |shape, ns| TaskPlan {
            after: node.deps.clone(),
            ..TaskPlan::new(node.name.clone(), shape, ns)
        };
        match node.op {
            chakra::Op::Metadata => new(Shape::Dummy, 0),
            chakra::Op::Host { duration_ns } => new(Shape::Host, duration_ns),
            chakra::Op::Compute { duration_ns } => new(Shape::Aiv, duration_ns),
            chakra::Op::Memory {
                bytes, duration_ns, ..
            } => {
                let time = match duration_ns {
                    0 => EngineTime::Bytes(bytes),
                    ns => EngineTime::Ns(ns),
                };
                engine(&mut ranks[rank], time, new(Shape::Aiv, LAUNCH_NS))
            }
            chakra::Op::Collective { duration_ns, .. } => {
                let time = EngineTime::Ns(duration_ns);
                engine(&mut ranks[rank], time, new(Shape::Aiv, LAUNCH_NS))
            }
            chakra::Op::Send { message } => TaskPlan {
                program: self.send(ranks, message),
                ..new(Shape::Aiv, LAUNCH_NS)
            },
            chakra::Op::Receive { message } => {
                let arrival = &self.arrivals[message as usize];
                let output = Some(ranks[rank].span(arrival.buffer));
                let program = vec![Op::Await {
                    counter: arrival.counter,
                    expected: 1,
                }];
                TaskPlan {
                    program,
                    output,
                    defers: 1,
                    ..new(Shape::Aiv, LAUNCH_NS)
                }
            }
        }
    }

    fn send(&self, ranks: &[RankPlan], message: u32) -> Vec<Op> {
        let (arrival, message) = (
            &self.arrivals[message as usize],
            &self.trace.messages[message as usize],
        );
        let peer = message.receive.rank_index;
        let to = ranks[peer as usize].offset(arrival.buffer);
        let Arrival {
            bytes,
            seed,
            counter,
            ..
        } = *arrival;
        vec![
            Op::PutPattern {
                peer,
                to,
                bytes,
                seed,
                timed_bytes: message.bytes,
            },
            Op::Notify {
                peer,
                counter,
                add: 1,
            },
        ]
    }
}

/// A launch that starts an engine and waits for it.
fn engine(plan: &mut RankPlan, time: EngineTime, launch: TaskPlan) -> TaskPlan {
    let counter = plan.add_counter(CounterPlace::Packed);
    let program = vec![
        Op::Engine { counter, time },
        Op::Await {
            counter,
            expected: 1,
        },
    ];
    TaskPlan {
        program,
        defers: 1,
        ..launch
    }
}
