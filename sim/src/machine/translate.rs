//! From the operations of a kernel to those that the simulator's cores know.
//!
//! Guarantees: what comes out names only memory that was given out when it was asked, words that
//! are aligned, and queues that are there; so no kernel, whoever wrote it, brings a core down.
//! Refuses everything else with a sentence that names it. Called when a kernel is loaded, for its
//! first block, and when a core starts one, for its own.

#[cfg(test)]
mod tests;

use finbox_abi::{finbox_op, finbox_op_kind as Kind};
use finbox_scheduler::Subtasks;
use thiserror::Error;

use crate::device::{rank_at, word_number};
use crate::engine::{Lane, Transfer};
use crate::workload::{EngineTime, Op, Part};

/// What cores can do, as bits: everything.
pub(super) const OPERATIONS: u64 = (1 << Kind::ALL.len()) - 1;

/// What is wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Wrong {
    #[error("no operation has kind {0}")]
    Kind(u32),
    #[error("it sets a reserved field")]
    Reserved,
    #[error("its subtasks are {0:#x}; FINBOX_SUBTASK_* are 1, 2 and 4")]
    Subtasks(u32),
    #[error("it sets `{0}`, which such an operation does not have")]
    Unused(&'static str),
    #[error("its value {0:#x} has more than 32 bits")]
    Word(u64),
    #[error("the address {0:#x} is no multiple of 4")]
    Unaligned(u64),
    #[error("not all of {size_bytes} bytes at {address:#x} were given out")]
    NotGiven { address: u64, size_bytes: u64 },
    #[error("its addresses or its size are beyond all memory")]
    Beyond,
    #[error("it reads and writes at {from:#x} and {to:#x}, which overlap")]
    Overlap { from: u64, to: u64 },
    #[error("there is no DMA queue {queue}; a rank has {queues}")]
    Queue { queue: u32, queues: u16 },
    #[error("a DMA queue of rank {rank} cannot copy from {from:#x} to {to:#x}: both are of peers")]
    Strangers { rank: u32, from: u64, to: u64 },
    #[error("{0:#x} is memory of a peer; a condition is on a counter of the own rank")]
    Peer(u64),
}

/// What translation asks of the machine.
pub(super) trait Ground {
    /// Whether all of these bytes are of one piece that was given out, on any rank.
    fn has(&self, address: u64, size_bytes: u64) -> bool;
    /// DMA queues of a rank.
    fn queues(&self) -> u16;
}

/// What a core does in one part of a task.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Translated {
    /// How long it is busy.
    pub(super) busy_ns: u64,
    /// What it does then.
    pub(super) program: Vec<Op>,
    /// The cookies of its conditions on counters, in order.
    pub(super) cookies: Vec<u64>,
}

/// What the kernel `ops` of `rank` is in `part`.
///
/// # Errors
/// The index of the first operation that cannot be, and why.
pub(super) fn translate(
    ops: &[finbox_op],
    (rank, part): (u32, Part),
    ground: &impl Ground,
) -> Result<Translated, (usize, Wrong)> {
    let mut translated = Translated::default();
    for (index, op) in ops.iter().enumerate() {
        let one = One { op, rank, ground };
        let does = one.in_part(part).map_err(|wrong| (index, wrong))?;
        match does {
            None => {}
            Some(Does::Busy(ns)) => translated.busy_ns = translated.busy_ns.saturating_add(ns),
            Some(Does::Op(op)) => translated.program.push(op),
            Some(Does::Await(op, cookie)) => {
                translated.program.push(op);
                translated.cookies.push(cookie);
            }
        }
    }
    Ok(translated)
}

/// Whether `rank` has a kernel of `ops` in its first block, whichever subtasks do them.
///
/// # Errors
/// As [`translate`].
pub(super) fn check(
    ops: &[finbox_op],
    rank: u32,
    ground: &impl Ground,
) -> Result<(), (usize, Wrong)> {
    let mut numbered = ops.iter().enumerate();
    numbered.try_for_each(|(index, op)| {
        let one = One { op, rank, ground };
        let does = one.subtasks().and_then(|_| one.in_block(0));
        does.map(|_| ()).map_err(|wrong| (index, wrong))
    })
}

/// What becomes of an operation.
enum Does {
    Busy(u64),
    Op(Op),
    /// With the cookie of its condition.
    Await(Op, u64),
}

/// One operation, and where.
struct One<'a, G> {
    op: &'a finbox_op,
    rank: u32,
    ground: &'a G,
}

impl<G: Ground> One<'_, G> {
    /// None: it is not done in this part.
    fn in_part(&self, part: Part) -> Result<Option<Does>, Wrong> {
        let subtasks = self.subtasks()?;
        if subtasks.is_empty() || subtasks.contains(part.subtask) {
            return self.in_block(part.block).map(Some);
        }
        Ok(None)
    }

    fn in_block(&self, block: u16) -> Result<Does, Wrong> {
        let kind = Kind::of(self.op.kind).ok_or(Wrong::Kind(self.op.kind))?;
        self.only_fields_of(kind)?;
        let (from, to) = self.moved_by(block)?;
        let op = match kind {
            Kind::Busy => return Ok(Does::Busy(self.op.value)),
            Kind::Await => return Ok(Does::Await(self.waits(from)?, self.op.count)),
            Kind::Copy | Kind::FillU32 | Kind::FillPattern => self.moves(kind, from, to)?,
            Kind::AddU32 | Kind::AccumulateU32 => self.computes(kind, from, to)?,
            Kind::AddF32 | Kind::ScaleF32 | Kind::AddCounterF32 => self.computes(kind, from, to)?,
            Kind::Notify => Op::Notify {
                peer: rank_at(to),
                counter: self.counter(to)?,
                add: self.word()?,
            },
            Kind::Later => Op::Engine {
                counter: self.counter(to)?,
                time: EngineTime::Ns(self.op.value),
            },
            Kind::Post => self.posts(from, to)?,
            Kind::AwaitPost => Op::AwaitPost { lane: self.lane()? },
        };
        Ok(Does::Op(op))
    }

    fn subtasks(&self) -> Result<Subtasks, Wrong> {
        let bits = self.op.subtasks;
        let subtasks = u8::try_from(bits).ok().and_then(Subtasks::from_bits);
        subtasks.ok_or(Wrong::Subtasks(bits))
    }

    /// Fields that the operation does not have are 0.
    fn only_fields_of(&self, kind: Kind) -> Result<(), Wrong> {
        let op = self.op;
        if op.reserved != [0; 3] {
            return Err(Wrong::Reserved);
        }
        let reads = !matches!(
            kind,
            Kind::Busy
                | Kind::FillU32
                | Kind::FillPattern
                | Kind::Notify
                | Kind::AwaitPost
                | Kind::Later
        );
        let writes = !matches!(kind, Kind::Busy | Kind::Await | Kind::AwaitPost);
        let counts = !matches!(
            kind,
            Kind::Busy | Kind::Notify | Kind::AwaitPost | Kind::Later
        );
        let values = !matches!(
            kind,
            Kind::Copy | Kind::AccumulateU32 | Kind::Post | Kind::AwaitPost
        );
        let queues = matches!(kind, Kind::Post | Kind::AwaitPost);
        let fields = [
            ("from", reads, op.from),
            ("to", writes, op.to),
            ("count", counts, op.count),
            ("value", values, op.value),
            ("stride", reads || writes, op.stride),
            ("queue", queues, op.queue.into()),
        ];
        let unused = fields.iter().find(|&&(_, has, found)| !has && found != 0);
        unused.map_or(Ok(()), |&(name, ..)| Err(Wrong::Unused(name)))
    }

    /// Its addresses in `block`; those that it does not have stay 0.
    fn moved_by(&self, block: u16) -> Result<(u64, u64), Wrong> {
        let shift = self.op.stride.checked_mul(block.into());
        let moved = |address: u64| shift.and_then(|shift| address.checked_add(shift));
        let both = moved(self.op.from).zip(moved(self.op.to));
        both.ok_or(Wrong::Beyond)
    }

    fn word(&self) -> Result<u32, Wrong> {
        u32::try_from(self.op.value).map_err(|_| Wrong::Word(self.op.value))
    }

    fn given(&self, address: u64, size_bytes: u64) -> Result<(), Wrong> {
        if self.ground.has(address, size_bytes) {
            return Ok(());
        }
        Err(Wrong::NotGiven {
            address,
            size_bytes,
        })
    }

    /// `count` words at `address`, and how many bytes that is.
    fn words(&self, address: u64) -> Result<u64, Wrong> {
        if !address.is_multiple_of(4) {
            return Err(Wrong::Unaligned(address));
        }
        let size_bytes = self.op.count.checked_mul(4).ok_or(Wrong::Beyond)?;
        self.given(address, size_bytes)?;
        Ok(size_bytes)
    }

    fn counter(&self, address: u64) -> Result<u32, Wrong> {
        if !address.is_multiple_of(4) {
            return Err(Wrong::Unaligned(address));
        }
        self.given(address, 4)?;
        word_number(address).ok_or(Wrong::Beyond)
    }

    fn lane(&self) -> Result<Lane, Wrong> {
        let (queue, queues) = (self.op.queue, self.ground.queues());
        let stream = u16::try_from(queue).ok().filter(|&stream| stream < queues);
        let stream = stream.ok_or(Wrong::Queue { queue, queues })?;
        Ok(Lane::Sdma { stream })
    }

    fn waits(&self, from: u64) -> Result<Op, Wrong> {
        let counter = self.counter(from)?;
        if rank_at(from) != self.rank {
            return Err(Wrong::Peer(from));
        }
        let expected = self.word()?;
        Ok(Op::Await { counter, expected })
    }

    fn moves(&self, kind: Kind, from: u64, to: u64) -> Result<Op, Wrong> {
        let bytes = self.op.count;
        match kind {
            Kind::FillU32 => {
                self.words(to)?;
                let (at, value) = (to, self.word()?);
                let count = bytes;
                Ok(Op::FillU32 { at, count, value })
            }
            Kind::FillPattern => {
                self.given(to, bytes)?;
                let (at, seed) = (to, self.op.value);
                Ok(Op::FillPattern { at, bytes, seed })
            }
            _ => {
                self.given(from, bytes).and(self.given(to, bytes))?;
                apart(from, to, bytes)?;
                Ok(Op::Copy { from, to, bytes })
            }
        }
    }

    fn computes(&self, kind: Kind, from: u64, to: u64) -> Result<Op, Wrong> {
        let (count, size_bytes) = (self.op.count, self.words(from)?);
        self.words(to)?;
        if from != to {
            apart(from, to, size_bytes)?;
        }
        Ok(match kind {
            Kind::AddU32 => Op::AddU32 {
                from,
                to,
                count,
                add: self.word()?,
            },
            Kind::AccumulateU32 => Op::AccumulateU32 { from, to, count },
            Kind::AddF32 => Op::AddF32 {
                from,
                to,
                count,
                add: f32::from_bits(self.word()?),
            },
            Kind::ScaleF32 => Op::ScaleF32 {
                from,
                to,
                count,
                by: f32::from_bits(self.word()?),
            },
            _ => Op::AddCounterF32 {
                from,
                to,
                count,
                counter: self.counter(self.op.value)?,
            },
        })
    }

    fn posts(&self, from: u64, to: u64) -> Result<Op, Wrong> {
        let (lane, bytes, rank) = (self.lane()?, self.op.count, self.rank);
        self.given(from, bytes).and(self.given(to, bytes))?;
        apart(from, to, bytes)?;
        let transfer = match (rank_at(from), rank_at(to)) {
            (peer, own) if own == rank => Transfer::get(peer, from, to, bytes),
            (own, peer) if own == rank => Transfer::put(peer, from, to, bytes),
            _ => return Err(Wrong::Strangers { rank, from, to }),
        };
        Ok(Op::Post { lane, transfer })
    }
}

fn apart(from: u64, to: u64, bytes: u64) -> Result<(), Wrong> {
    if from.abs_diff(to) >= bytes {
        return Ok(());
    }
    Err(Wrong::Overlap { from, to })
}
