//! A program names only what exists: the part of the check that looks at operations.
//!
//! Called by [`Workload::check`](super::Workload::check) for each task. Every operation is looked
//! at in the first two blocks and in the last, in each subtask: offsets grow with the block, so
//! what lies inside there lies inside everywhere, and what is aligned in two is in all.

use crate::engine::{Direction, Lane, Transfer};

use super::check::OfTask;
use super::op::{EngineTime, Op, Part};
use super::plan::{RankPlan, Span, index};
use super::plan_error::PlanError;
use super::rules::Scanned;

impl OfTask<'_> {
    pub(super) fn program(&self) -> Result<(), PlanError> {
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
            | Op::ScaleF32 {
                from, to, count, ..
            }
            | Op::AddF32 {
                from, to, count, ..
            } => self.word_by_word(from, to, count),
            Op::AccumulateU32 { from, to, count } => {
                self.words(from, count).and(self.words(to, count))
            }
            Op::AddCounterF32 {
                from,
                to,
                count,
                counter,
            } => {
                self.word_by_word(from, to, count)?;
                self.exists("counter", counter, self.plan.counters.len())
            }
            Op::Scan {
                from,
                to,
                bytes,
                rules,
            } => {
                self.own(from, bytes).and(self.words(to, 2))?;
                self.exists("rule set", rules, self.plan.rule_sets.len())?;
                self.disjoint((from, bytes), (to, Scanned::BYTES))
            }
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
            } => {
                self.own(from, bytes)?;
                self.inside(Span { at: to, bytes }, self.peer(peer)?.data_bytes)?;
                self.moved(peer, from, to, bytes)
            }
            Op::PutPattern {
                peer, to, bytes, ..
            } => self.inside(Span { at: to, bytes }, self.peer(peer)?.data_bytes),
            Op::Notify { peer, counter, .. } => self.exists(
                "counter of the peer",
                counter,
                self.peer(peer)?.counters.len(),
            ),
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

    fn copied(&self, from: u64, to: u64, bytes: u64) -> Result<(), PlanError> {
        self.own(from, bytes).and(self.own(to, bytes))?;
        self.apart(from, to, bytes)
    }

    fn engine(&self, counter: u32, time: EngineTime) -> Result<(), PlanError> {
        if let EngineTime::Ns(ns) = time {
            self.ends(ns)?;
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
            ..
        } = transfer;
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
mod tests {
    use super::{Lane, Op, PlanError, RankPlan, Transfer};
    use crate::device::{CounterPlace, EngineMemory, QueuePlan};
    use crate::workload::{RuleSet, Shape, Subtasks, TaskPlan, Workload};

    /// One mixed task of 4 blocks on a rank with 64 bytes, a counter, a stream and a queue.
    fn with(program: Vec<Op>) -> Result<(), PlanError> {
        in_blocks(4, program)
    }

    fn in_blocks(blocks: u16, program: Vec<Op>) -> Result<(), PlanError> {
        let queue = QueuePlan {
            entries: 2,
            first: 0,
        };
        let engines = EngineMemory {
            sdma_streams: 1,
            completion_queues: vec![queue],
        };
        let mut rank = RankPlan {
            data_bytes: 64,
            counters: vec![CounterPlace::Packed],
            engines,
            rule_sets: vec![RuleSet::of([&b"rule"[..]])],
            ..RankPlan::new(0)
        };
        rank.add_task(TaskPlan {
            subtasks: Subtasks::AIC | Subtasks::AIV1,
            blocks,
            defers: 8,
            program,
            ..TaskPlan::new("task", Shape::Mix, 1)
        });
        let order = Workload::order_by_turns(std::slice::from_ref(&rank));
        let ranks = vec![rank];
        Workload {
            ranks,
            order,
            ..Workload::default()
        }
        .check()
    }

    fn post(lane: Lane) -> Op {
        let transfer = Transfer::get(0, 0, 32, 32);
        Op::Post { lane, transfer }
    }

    fn per_block(stride: u64, op: Op) -> Op {
        Op::PerBlock {
            subtasks: Subtasks::AIV1,
            stride,
            op: Box::new(op),
        }
    }

    const STREAM: Lane = Lane::Sdma { stream: 0 };

    #[test]
    fn queues_that_exist_pass_and_others_are_refused() {
        for lane in [
            STREAM,
            Lane::Urma { queue: 0 },
            Lane::Roce { counter: 0 },
            Lane::Ccu { counter: 0 },
        ] {
            assert_eq!(with(vec![post(lane), Op::AwaitPost { lane }]), Ok(()));
        }
        for lane in [
            Lane::Sdma { stream: 1 },
            Lane::Urma { queue: 1 },
            Lane::Roce { counter: 1 },
            Lane::Ccu { counter: 1 },
        ] {
            let refused = with(vec![post(lane)]);
            assert!(matches!(refused, Err(PlanError::Missing { index: 1, .. })));
        }
    }

    #[test]
    fn a_transfer_lies_inside_both_ranks_whichever_way_it_goes() {
        for (transfer, is_inside) in [
            (Transfer::get(0, 60, 0, 4), true),
            (Transfer::get(0, 61, 0, 4), false),
            (Transfer::put(0, 0, 61, 4), false),
            (Transfer::put(1, 0, 0, 4), false),
        ] {
            let op = Op::Post {
                lane: STREAM,
                transfer,
            };
            assert_eq!(with(vec![op]).is_ok(), is_inside, "{transfer:?}");
        }
    }

    #[test]
    fn waiting_for_what_this_part_has_not_posted_is_refused() {
        let wait = Op::AwaitPost { lane: STREAM };
        let refused = [
            vec![wait.clone(), post(STREAM)],
            vec![per_block(0, post(STREAM)), wait.clone()],
        ];
        for program in refused {
            let refused = with(program);
            assert!(matches!(refused, Err(PlanError::NotPosted { .. })));
        }
        let own = vec![per_block(0, post(STREAM)), per_block(0, wait)];
        assert_eq!(with(own), Ok(()));
    }

    #[test]
    fn what_is_read_and_what_is_written_do_not_overlap() {
        let copy = |to, bytes| Op::Copy { from: 8, to, bytes };
        let put = |to, bytes| Op::Put {
            peer: 0,
            from: 8,
            to,
            bytes,
        };
        let get = |to, bytes| Op::Post {
            lane: STREAM,
            transfer: Transfer::get(0, 8, to, bytes),
        };
        let add = |to, bytes: u64| Op::AddU32 {
            from: 8,
            to,
            count: bytes / 4,
            add: 1,
        };
        let scale = |to, bytes: u64| Op::ScaleF32 {
            from: 8,
            to,
            count: bytes / 4,
            by: 2.0,
        };
        let all: [&dyn Fn(u64, u64) -> Op; 5] = [&copy, &put, &get, &add, &scale];
        for op in all {
            for (to, bytes, is_apart) in
                [(0, 8, true), (0, 12, false), (12, 8, false), (16, 8, true)]
            {
                let op = op(to, bytes);
                for op in [op.clone(), per_block(4, op)] {
                    let refused = with(vec![op.clone()]);
                    let is_overlap = matches!(refused, Err(PlanError::Overlap { .. }));
                    assert_eq!(
                        (refused.is_ok(), is_overlap),
                        (is_apart, !is_apart),
                        "{op:?}"
                    );
                }
            }
        }
        assert!(matches!(
            with(vec![copy(8, 4)]),
            Err(PlanError::Overlap { .. })
        ));
        assert_eq!(
            with(vec![
                copy(8, 0),
                put(8, 4),
                get(8, 4),
                add(8, 4),
                scale(8, 4)
            ]),
            Ok(())
        );
    }

    #[test]
    fn a_scan_reads_what_is_there_beside_its_words_by_rules_that_are_there() {
        let scan = |from, to, bytes, rules| {
            let op = Op::Scan {
                from,
                to,
                bytes,
                rules,
            };
            with(vec![op])
        };
        for (from, to, bytes) in [(8, 0, 56), (0, 56, 56), (3, 8, 5), (64, 8, 0)] {
            assert_eq!(scan(from, to, bytes, 0), Ok(()));
        }
        for (from, to, bytes) in [(7, 0, 8), (0, 52, 53), (16, 12, 1), (0, 0, 64)] {
            let refused = scan(from, to, bytes, 0);
            assert!(matches!(refused, Err(PlanError::Overlap { .. })), "{from}");
        }
        assert!(matches!(scan(8, 2, 8, 0), Err(PlanError::Unaligned { .. })));
        for (from, to, bytes) in [(60, 0, 5), (0, 60, 8), (u64::MAX, 0, 1)] {
            let refused = scan(from, to, bytes, 0);
            assert!(matches!(refused, Err(PlanError::Outside { .. })), "{from}");
        }
        assert!(matches!(scan(8, 0, 8, 1), Err(PlanError::Missing { .. })));
    }

    #[test]
    fn words_are_aligned_in_blocks_between_too() {
        let store = |stride| per_block(stride, Op::StoreU32 { at: 0, value: 0 });
        assert_eq!(in_blocks(5, vec![store(4)]), Ok(()));
        let refused = in_blocks(5, vec![store(5)]);
        assert!(matches!(refused, Err(PlanError::Unaligned { at: 5, .. })));
    }

    #[test]
    fn the_last_block_lies_inside_too() {
        let store = |at| Op::StoreU32 { at, value: 0 };
        assert_eq!(with(vec![per_block(16, store(12))]), Ok(()));
        let outside = with(vec![per_block(16, store(16))]);
        assert!(matches!(outside, Err(PlanError::Outside { at: 64, .. })));
        let nested = with(vec![per_block(0, per_block(0, store(0)))]);
        assert!(matches!(nested, Err(PlanError::Nested { .. })));
    }
}
