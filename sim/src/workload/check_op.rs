//! A program names only what exists: the part of the check that looks at operations.
//!
//! Called by [`Workload::check`](super::Workload::check) for each task. Every operation is looked
//! at in the first two blocks and in the last, in each subtask: offsets grow with the block, so
//! what lies inside there lies inside everywhere, and what is aligned in two is in all.

use finbox_scheduler::Shape;

use crate::engine::{Direction, Lane, Transfer};

use super::check::OfTask;
use super::op::{EngineTime, Op, Part};
use super::plan::{MOST_TIMED_BYTES, RankPlan, Span, index};
use super::plan_error::PlanError;
use super::rules::Scanned;
use super::service::Service;

impl OfTask<'_> {
    pub(super) fn program(&self) -> Result<(), PlanError> {
        if self.task.blocks == 1 && self.task.shape != Shape::Mix {
            return self.part(Part::WHOLE);
        }
        let last = self.task.blocks.saturating_sub(1);
        let is_end = |part: &Part| part.block <= 1 || part.block == last;
        Part::all_of(self.task)
            .filter(is_end)
            .try_for_each(|part| self.part(part))
    }

    fn part(&self, part: Part) -> Result<(), PlanError> {
        let mut posted = Vec::new();
        for op in &self.task.program {
            let Some(op) = op.in_part(part) else {
                continue;
            };
            self.op(&op)?;
            match *op {
                Op::Post { lane, .. } => posted.push(lane),
                Op::AwaitPost { lane } if !posted.contains(&lane) => {
                    let place = self.place();
                    return Err(PlanError::NotPosted { place, lane });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn op(&self, op: &Op) -> Result<(), PlanError> {
        match *op {
            Op::Copy { from, to, bytes } => self.copied(from, to, bytes),
            Op::StoreU32 { at, .. } => self.words(at, 1),
            Op::FillU32 { at, count, .. } => self.words(at, count),
            Op::FillPattern { at, bytes, .. } => self.own(at, bytes),
            Op::AddU32 {
                from, to, count, ..
            }
            | Op::SortU32 { from, to, count }
            | Op::ScaleF32 {
                from, to, count, ..
            }
            | Op::AddF32 {
                from, to, count, ..
            } => self.word_by_word(from, to, count),
            Op::AccumulateU32 { from, to, count } => {
                self.words(from, count).and(self.words(to, count))
            }
            Op::JoinU32 { .. } => self.joined(op),
            Op::AddCounterF32 {
                from,
                to,
                count,
                counter,
            } => {
                self.word_by_word(from, to, count)?;
                self.exists("counter", counter, self.plan.counters.len())
            }
            Op::Scan { .. } => self.scans(op),
            Op::Put {
                peer,
                from,
                to,
                bytes,
            } => self.put(peer, from, to, bytes),
            Op::PutTimed {
                peer,
                from,
                to,
                bytes,
                timed_bytes,
            } => self.timed(timed_bytes).and(self.put(peer, from, to, bytes)),
            Op::PutPattern {
                peer,
                to,
                bytes,
                timed_bytes,
                ..
            } => (self.timed(timed_bytes)).and(self.put_pattern((peer, to), bytes)),
            Op::Notify { peer, counter, .. } => {
                let counters = self.peer(peer)?.counters.len();
                self.exists("counter of the peer", counter, counters)
            }
            Op::Serve(service) => self.serves(service),
            Op::Post { lane, transfer } => self.lane(lane).and(self.transfer(transfer)),
            Op::Engine { counter, time } => self.engine(counter, time),
            Op::Await { .. } | Op::AwaitPost { .. } if self.task.defers == 0 => {
                Err(PlanError::Waits {
                    place: self.place(),
                })
            }
            Op::Await { counter, .. } => self.exists("counter", counter, self.plan.counters.len()),
            Op::AwaitPost { lane } => self.lane(lane),
            Op::PerBlock { .. } => Err(PlanError::Nested {
                place: self.place(),
            }),
        }
    }

    fn scans(&self, op: &Op) -> Result<(), PlanError> {
        let Op::Scan {
            from,
            to,
            bytes,
            rules,
        } = *op
        else {
            return Ok(());
        };
        self.own(from, bytes).and(self.words(to, 2))?;
        self.exists("rule set", rules, self.plan.rule_sets.len())?;
        self.disjoint((from, bytes), (to, Scanned::BYTES))
    }

    fn put_pattern(&self, (peer, to): (u32, u64), bytes: u64) -> Result<(), PlanError> {
        self.inside(Span { at: to, bytes }, self.peer(peer)?.data_bytes)
    }

    /// What the workers of its rank serve, if there are any.
    fn service(&self) -> Option<Service> {
        *self.service.get_or_init(|| self.plan.service())
    }

    /// All workers of a rank serve the same.
    fn serves(&self, service: Service) -> Result<(), PlanError> {
        if service.grain > 0 && self.service() == Some(service) {
            return Ok(());
        }
        let place = self.place();
        Err(PlanError::Serves { place })
    }

    /// A task for workers is an item, and its rank has workers.
    pub(super) fn item(&self) -> Result<(), PlanError> {
        let place = || self.place();
        let Some(service) = self.service() else {
            return Err(PlanError::NoWorkers { place: place() });
        };
        match service.item(&self.task.program) {
            Some(_) => Ok(()),
            None => Err(PlanError::NoItem { place: place() }),
        }
    }

    /// What a join writes does not overlap what it reads.
    fn joined(&self, op: &Op) -> Result<(), PlanError> {
        let Op::JoinU32 {
            left,
            right,
            to,
            count,
        } = *op
        else {
            return Ok(());
        };
        let bytes = count.saturating_mul(4);
        self.words(left, count).and(self.words(right, count))?;
        self.words(to, count)?;
        self.apart(left, to, bytes)
            .and(self.apart(right, to, bytes))
    }

    fn copied(&self, from: u64, to: u64, bytes: u64) -> Result<(), PlanError> {
        self.own(from, bytes).and(self.own(to, bytes))?;
        self.apart(from, to, bytes)
    }

    fn put(&self, peer: u32, from: u64, to: u64, bytes: u64) -> Result<(), PlanError> {
        self.own(from, bytes)?;
        self.inside(Span { at: to, bytes }, self.peer(peer)?.data_bytes)?;
        self.moved(peer, from, to, bytes)
    }

    /// Whether the time of so many bytes passes.
    fn timed(&self, bytes: u64) -> Result<(), PlanError> {
        if bytes <= MOST_TIMED_BYTES {
            return Ok(());
        }
        let place = self.place();
        Err(PlanError::TooMuch { place, bytes })
    }

    fn engine(&self, counter: u32, time: EngineTime) -> Result<(), PlanError> {
        match time {
            EngineTime::Ns(ns) => self.ends(ns)?,
            EngineTime::Bytes(bytes) | EngineTime::Rounds { bytes, .. } => self.timed(bytes)?,
        }
        self.exists("counter", counter, self.plan.counters.len())
    }

    fn lane(&self, lane: Lane) -> Result<(), PlanError> {
        let engines = &self.plan.engines;
        match lane {
            Lane::Sdma { stream } => {
                let streams = usize::from(engines.sdma_streams);
                self.exists("SDMA stream", stream.into(), streams)
            }
            Lane::Urma { queue } => {
                let queues = engines.completion_queues.len();
                self.exists("completion queue", queue.into(), queues)
            }
            Lane::Roce { counter } | Lane::Ccu { counter } => {
                self.exists("counter", counter, self.plan.counters.len())
            }
        }
    }

    fn transfer(&self, transfer: Transfer) -> Result<(), PlanError> {
        let Transfer {
            direction,
            peer,
            from,
            to,
            bytes,
            timed_bytes,
        } = transfer;
        self.timed(timed_bytes)?;
        let (own, other) = match direction {
            Direction::Get => (to, from),
            Direction::Put => (from, to),
        };
        self.own(own, bytes)?;
        self.inside(Span { at: other, bytes }, self.peer(peer)?.data_bytes)?;
        self.moved(peer, from, to, bytes)
    }

    /// Words that are read and words that are written: others, or the same.
    fn word_by_word(&self, from: u64, to: u64, count: u64) -> Result<(), PlanError> {
        self.words(from, count).and(self.words(to, count))?;
        self.apart_or_same(from, to, count.saturating_mul(4))
    }

    /// What moves within one rank does not move onto a part of itself.
    fn moved(&self, peer: u32, from: u64, to: u64, bytes: u64) -> Result<(), PlanError> {
        if peer == self.at.rank {
            self.apart_or_same(from, to, bytes)
        } else {
            Ok(())
        }
    }

    fn apart_or_same(&self, from: u64, to: u64, bytes: u64) -> Result<(), PlanError> {
        if from == to {
            Ok(())
        } else {
            self.apart(from, to, bytes)
        }
    }

    fn apart(&self, from: u64, to: u64, bytes: u64) -> Result<(), PlanError> {
        if from.abs_diff(to) >= bytes {
            return Ok(());
        }
        Err(PlanError::Overlap {
            place: self.place(),
            from,
            to,
            bytes,
        })
    }

    /// Bytes that are read and others that are written, both inside the data.
    fn disjoint(&self, read: (u64, u64), written: (u64, u64)) -> Result<(), PlanError> {
        let ((from, bytes), (to, result)) = (read, written);
        if from + bytes <= to || to + result <= from {
            return Ok(());
        }
        let place = self.place();
        Err(PlanError::Overlap {
            place,
            from,
            to,
            bytes,
        })
    }

    pub(super) fn own(&self, at: u64, bytes: u64) -> Result<(), PlanError> {
        self.inside(Span { at, bytes }, self.plan.data_bytes)
    }

    fn words(&self, at: u64, count: u64) -> Result<(), PlanError> {
        if !at.is_multiple_of(4) {
            return Err(PlanError::Unaligned {
                place: self.place(),
                at,
            });
        }
        self.own(at, count.saturating_mul(4))
    }

    pub(super) fn inside(&self, span: Span, limit: u64) -> Result<(), PlanError> {
        let Span { at, bytes } = span;
        if at.checked_add(bytes).is_some_and(|end| end <= limit) {
            return Ok(());
        }
        Err(PlanError::Outside {
            place: self.place(),
            at,
            bytes,
            limit,
        })
    }

    fn peer(&self, peer: u32) -> Result<&RankPlan, PlanError> {
        self.workload
            .ranks
            .get(peer as usize)
            .ok_or_else(|| self.missing("rank", peer))
    }

    pub(super) fn exists(
        &self,
        what: &'static str,
        wanted: u32,
        count: usize,
    ) -> Result<(), PlanError> {
        if wanted < index(count) {
            Ok(())
        } else {
            Err(self.missing(what, wanted))
        }
    }

    pub(super) fn missing(&self, what: &'static str, index: u32) -> PlanError {
        PlanError::Missing {
            place: self.place(),
            what,
            index,
        }
    }
}

#[cfg(test)]
mod tests;
