//! A trace becomes tasks that a device can run.
//!
//! One task a node, but for a collective among several ranks: its rounds are tasks, one behind the
//! other, and the last one stands for the node. The tasks of a rank stand in the order of its
//! nodes. Ordering is explicit ([`TaskPlan::after`]); nothing is declared. Guarantees: messages
//! and collectives move real bytes, and after the run every region that received any is compared
//! with what must be there. Refuses traces whose collectives become too many tasks.
//!
//! | node | task |
//! | --- | --- |
//! | metadata | a dummy |
//! | host | a host lane, as long as the trace says |
//! | compute | a vector core, as long as the trace says |
//! | memory, collective of one rank | a short launch starts a DMA engine; done when the engine is |
//! | send | puts a pattern into the receiver's region of that message, then notifies it |
//! | receive | done when the message's own counter was notified |
//! | collective among several ranks | see `collective`: what each kind becomes, in which rounds |
//!
//! A put is timed for the whole message; of its bytes at most [`MESSAGE_BYTES_CAP`] are moved, of
//! a collective at most 256 of each part.
//!
//! [`Workload::order`] stays one topological order: the tasks of a collective stand side by side,
//! round after round, where the trace has its nodes. Each waits only for notifications of tasks
//! before it, or of its own round, and those begin without it: so ranks whose task windows are
//! full never wait for each other.

mod collective;
mod results;
mod rounds;
mod steps;

use std::collections::HashMap;

use crate::device::CounterPlace;

use super::chakra;
use super::op::{EngineTime, Op};
use super::pattern::pattern_seed;
use finbox_scheduler::Shape;

use super::plan::{RankPlan, Span, TaskPlan, Workload};
use super::verify::{Check, Expect};

use self::steps::Steps;

pub use self::collective::DIRECT_BYTES;

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

/// Most tasks that the collectives of a trace may become.
pub const MOST_STEPS: usize = 1 << 22;

/// How collectives among several ranks are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Collectives {
    /// Directly up to [`DIRECT_BYTES`] a rank, else round a ring.
    #[default]
    BySize,
    /// Round a ring.
    Ring,
    /// Everybody to everybody concerned.
    Direct,
    /// As one engine operation a rank, once all have arrived; no bytes are moved.
    Model,
}

/// A trace whose collectives become too many tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the collectives of this trace become more than {MOST_STEPS} tasks")]
pub struct TooManySteps;

/// The tasks of `trace`.
///
/// # Errors
/// [`TooManySteps`]: more than [`MOST_STEPS`].
pub fn lower(trace: &chakra::Workload, how: Collectives) -> Result<Workload, TooManySteps> {
    let mut ranks: Vec<RankPlan> = trace
        .ranks
        .iter()
        .map(|graph| RankPlan::new(graph.rank))
        .collect();
    let mailed = place_messages(trace, &mut ranks);
    let mut checks: Vec<Check> = trace.messages.iter().zip(&mailed).map(received).collect();
    let mut steps = Steps::plan(trace, (how, MOST_STEPS), &mut ranks, &mut checks)?;
    let order = steps.order();
    for (rank, (graph, plan)) in trace.ranks.iter().zip(&mut ranks).enumerate() {
        plan.tasks.reserve_exact(steps.count(rank));
        for node in &graph.nodes {
            let after = steps.last_of(rank, &node.deps);
            if let chakra::Op::Joint { collective } = node.op {
                steps.add(plan, (rank, node), collective, after);
            } else {
                let task = lower_node(node, plan, &mailed);
                plan.add_task(TaskPlan {
                    after: after.into(),
                    ..task
                });
            }
        }
    }
    Ok(Workload {
        name: trace.name.clone(),
        ranks,
        order,
        golden: false,
        checks,
        ..Workload::default()
    })
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
    let name = name_of(node);
    match node.op {
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
        chakra::Op::Joint { .. } => unreachable!("what is joint has tasks of its own"),
    }
}

fn name_of(node: &chakra::Node) -> String {
    match &*node.name {
        "" => format!("node {}", node.id),
        name => name.to_owned(),
    }
}

/// A launch that starts an engine and is done when the engine is.
fn engine(name: String, plan: &mut RankPlan, time: EngineTime) -> TaskPlan {
    let counter = plan.add_counter(CounterPlace::Packed);
    TaskPlan {
        defers: 1,
        program: vec![
            Op::Engine { counter, time },
            Op::Await {
                counter,
                expected: 1,
            },
        ]
        .into(),
        ..TaskPlan::new(name, Shape::Aiv, LAUNCH_NS)
    }
}

fn send(name: String, mailed: &Mailed) -> TaskPlan {
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
        ]
        .into(),
        ..TaskPlan::new(name, Shape::Aiv, LAUNCH_NS)
    }
}

fn receive(name: String, mailed: &Mailed) -> TaskPlan {
    TaskPlan {
        defers: 1,
        program: vec![Op::Await {
            counter: mailed.counter,
            expected: 1,
        }]
        .into(),
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
pub(super) mod kinds;
#[cfg(test)]
mod tests;
