//! A task's program as what cores of any device can do: operations with device addresses.
//!
//! Guarantees: a kernel leaves the same bytes, notifies the same counters and registers the same
//! conditions, in every block and subtask, as the program does in the simulator. Kernels take the
//! time they take: a task's planned duration is not waited for, an engine's up to
//! [`LONGEST_LATER_NS`]. Refuses engines that the contract with devices does not know. Called by
//! `install`.

use finbox_abi::{finbox_op, finbox_op_kind as Kind};

use super::refusal::{DeviceRefusal, TaskName};
use crate::device::CostModel;
use crate::engine::{Direction, Lane, Transfer};
use crate::workload::{Op, TaskRef, Workload, engine_work};
use crate::world::places::Places;

/// Engines of which only their time is known take that time, but at most so many ns: a device's
/// clock is the wall's, and modelled durations are not waited for there.
pub(super) const LONGEST_LATER_NS: u64 = 10_000;

/// What lowering needs to know.
#[derive(Clone, Copy)]
pub(super) struct Lowering<'a> {
    pub(super) workload: &'a Workload,
    /// Where each rank's data and counters are.
    pub(super) places: &'a [Places],
    /// How long engines take.
    pub(super) cost: &'a CostModel,
}

impl Lowering<'_> {
    /// The kernel of a task: at least one operation.
    ///
    /// # Errors
    /// [`DeviceRefusal::Lane`], [`DeviceRefusal::Scan`], [`DeviceRefusal::Workers`].
    pub(super) fn kernel(&self, at: TaskRef) -> Result<Vec<finbox_op>, DeviceRefusal> {
        let program = &self.workload.task(at).program;
        if program.is_empty() {
            return Ok(vec![op(Kind::Busy)]);
        }
        program.iter().map(|one| self.op(at, one)).collect()
    }

    fn op(&self, at: TaskRef, planned: &Op) -> Result<finbox_op, DeviceRefusal> {
        self.is_known(at, planned)?;
        let data = self.data(at.rank, 0);
        Ok(match *planned {
            Op::Put {
                peer,
                from,
                to,
                bytes,
            }
            | Op::PutTimed {
                peer,
                from,
                to,
                bytes,
                ..
            } => moved(Kind::Copy, data + from, self.data(peer, to), bytes),
            Op::PutPattern {
                peer,
                to,
                bytes,
                seed,
                ..
            } => filled(Kind::FillPattern, self.data(peer, to), bytes, seed),
            Op::Notify {
                peer,
                counter,
                add: value,
            } => finbox_op {
                to: self.counter(peer, counter),
                value: value.into(),
                ..op(Kind::Notify)
            },
            Op::Post { lane, transfer } => self.post(at, lane, transfer)?,
            Op::AwaitPost { lane } => finbox_op {
                queue: self.queue(at, lane)?,
                ..op(Kind::AwaitPost)
            },
            Op::PerBlock {
                subtasks,
                stride,
                op: ref inner,
            } => finbox_op {
                subtasks: subtasks.bits().into(),
                stride: if has_offsets(inner) { stride } else { 0 },
                ..self.op(at, inner)?
            },
            Op::Engine { counter, time } => finbox_op {
                to: self.counter(at.rank, counter),
                value: engine_work(self.cost, time).0.min(LONGEST_LATER_NS),
                ..op(Kind::Later)
            },
            Op::Await { counter, expected } => finbox_op {
                from: self.counter(at.rank, counter),
                value: expected.into(),
                count: self.workload.ranks[at.rank as usize].cookie(counter as usize),
                ..op(Kind::Await)
            },
            Op::AddCounterF32 {
                from,
                to,
                count,
                counter,
            } => finbox_op {
                value: self.counter(at.rank, counter),
                ..moved(Kind::AddCounterF32, data + from, data + to, count)
            },
            _ => own_data(planned, data),
        })
    }

    /// Whether the contract with devices knows the operation.
    fn is_known(&self, at: TaskRef, planned: &Op) -> Result<(), DeviceRefusal> {
        let first = || self.name(at);
        match planned {
            Op::Serve(_) => Err(DeviceRefusal::Workers { first: first() }),
            Op::Scan { .. } => Err(DeviceRefusal::Scan { first: first() }),
            Op::SortU32 { .. } | Op::JoinU32 { .. } => {
                Err(DeviceRefusal::Simulated { first: first() })
            }
            _ => Ok(()),
        }
    }

    fn post(
        &self,
        at: TaskRef,
        lane: Lane,
        transfer: Transfer,
    ) -> Result<finbox_op, DeviceRefusal> {
        let (from, to) = (transfer.from, transfer.to);
        let (from, to) = match transfer.direction {
            Direction::Get => (self.data(transfer.peer, from), self.data(at.rank, to)),
            Direction::Put => (self.data(at.rank, from), self.data(transfer.peer, to)),
        };
        Ok(finbox_op {
            queue: self.queue(at, lane)?,
            ..moved(Kind::Post, from, to, transfer.bytes)
        })
    }

    /// The DMA queue that stands for `lane`.
    fn queue(&self, at: TaskRef, lane: Lane) -> Result<u32, DeviceRefusal> {
        match lane {
            Lane::Sdma { stream } => Ok(stream.into()),
            Lane::Urma { .. } | Lane::Roce { .. } | Lane::Ccu { .. } => Err(DeviceRefusal::Lane {
                lane,
                first: self.name(at),
            }),
        }
    }

    fn data(&self, rank: u32, offset: u64) -> u64 {
        self.places[rank as usize].data + offset
    }

    fn counter(&self, rank: u32, index: u32) -> u64 {
        self.places[rank as usize].counters[index as usize]
    }

    /// What people call a task.
    pub(super) fn name(&self, at: TaskRef) -> TaskName {
        TaskName {
            rank: self.workload.ranks[at.rank as usize].rank,
            task: self.workload.task(at).name.to_string(),
        }
    }
}

/// An operation that stays within the rank's own data, which begins at `data`.
fn own_data(planned: &Op, data: u64) -> finbox_op {
    let words = |kind, from, to, count, value| finbox_op {
        value,
        ..moved(kind, data + from, data + to, count)
    };
    match *planned {
        Op::Copy { from, to, bytes } => words(Kind::Copy, from, to, bytes, 0),
        Op::StoreU32 { at, value } => filled(Kind::FillU32, data + at, 1, value.into()),
        Op::FillU32 { at, count, value } => filled(Kind::FillU32, data + at, count, value.into()),
        Op::FillPattern { at, bytes, seed } => filled(Kind::FillPattern, data + at, bytes, seed),
        Op::AddU32 {
            from,
            to,
            count,
            add,
        } => words(Kind::AddU32, from, to, count, add.into()),
        Op::AccumulateU32 { from, to, count } => words(Kind::AccumulateU32, from, to, count, 0),
        Op::ScaleF32 {
            from,
            to,
            count,
            by,
        } => words(Kind::ScaleF32, from, to, count, by.to_bits().into()),
        Op::AddF32 {
            from,
            to,
            count,
            add,
        } => words(Kind::AddF32, from, to, count, add.to_bits().into()),
        Op::AddCounterF32 { .. }
        | Op::Scan { .. }
        | Op::Serve(_)
        | Op::Put { .. }
        | Op::PutTimed { .. }
        | Op::PutPattern { .. }
        | Op::Notify { .. }
        | Op::Post { .. }
        | Op::AwaitPost { .. }
        | Op::PerBlock { .. }
        | Op::Engine { .. }
        | Op::SortU32 { .. }
        | Op::JoinU32 { .. }
        | Op::Await { .. } => unreachable!("{planned:?} goes beyond the rank's own data"),
    }
}

/// Whether blocks of a task have each their own bytes of `op`: counters and queues are shared.
const fn has_offsets(op: &Op) -> bool {
    !matches!(
        op,
        Op::Notify { .. } | Op::Engine { .. } | Op::Await { .. } | Op::AwaitPost { .. }
    )
}

fn op(kind: Kind) -> finbox_op {
    finbox_op {
        kind: kind as u32,
        ..finbox_op::default()
    }
}

fn moved(kind: Kind, from: u64, to: u64, count: u64) -> finbox_op {
    finbox_op {
        from,
        to,
        count,
        ..op(kind)
    }
}

fn filled(kind: Kind, to: u64, count: u64, value: u64) -> finbox_op {
    finbox_op {
        to,
        count,
        value,
        ..op(kind)
    }
}

#[cfg(test)]
mod tests;
