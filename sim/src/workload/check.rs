//! A plan names only what exists.
//!
//! Guarantees for a workload that passes: every range lies in the data of its rank, every word is
//! aligned, no operation reads a part of what it writes, every peer, counter, buffer and task
//! exists, only tasks that may defer wait for something, and the order holds every task once,
//! behind those it names. Programs rely on that and check nothing again. Called once, before
//! devices are made.

use std::cell::OnceCell;

use crate::device::{CounterPlace, EngineMemory, RANK_STRIDE_BYTES};

use finbox_scheduler::Shape;

use super::golden::Golden;
use super::plan::{Init, MOST_TASK_NS, RankPlan, Span, TaskPlan, TaskRef, Workload};
use super::plan_error::{Place, PlanError};
use super::service::Service;
use super::stream::Points;
use super::verify::{Check, Expect};

/// What a rank's counters and data may take: a device without 2 MiB for slabs and alignment, and
/// without the memory of its engines.
const MAX_PLANNED_BYTES: u64 = RANK_STRIDE_BYTES - (2 << 20) - EngineMemory::MOST_BYTES;

impl Workload {
    /// Whether everything that the workload names exists.
    ///
    /// # Errors
    /// [`PlanError`], the first by rank and task, then by order.
    pub fn check(&self) -> Result<(), PlanError> {
        let points = self.has_streams().then(|| Points::of(self));
        for (rank, plan) in (0..).zip(&self.ranks) {
            check_data(rank, plan)?;
            let service = OnceCell::new();
            for (task, planned) in (0..).zip(&plan.tasks) {
                let at = TaskRef { rank, task };
                let task = OfTask {
                    workload: self,
                    plan,
                    service: &service,
                    task: planned,
                    at,
                };
                task.check()?;
                task.streams(points.as_ref().unwrap_or(&Points::default()))?;
            }
            for (nth, part) in plan.parts.iter().enumerate() {
                self.check_part(rank, nth, part)?;
            }
        }
        self.checks
            .iter()
            .try_for_each(|check| self.check_check(check))?;
        self.check_order()?;
        match points {
            Some(_) => self.check_streams(),
            None => Ok(()),
        }
    }

    fn check_part(&self, rank: u32, part: usize, golden: &Golden) -> Result<(), PlanError> {
        let limit = self.ranks[rank as usize].data_bytes;
        let (at, bytes) = (golden.at, golden.words.len() as u64 * 4);
        if !lies_inside(Span { at, bytes }, limit, 4) {
            return Err(PlanError::PartMisplaced {
                rank,
                part,
                at,
                bytes,
                limit,
            });
        }
        let is_missing = |writer: &&TaskRef| {
            let rank = self.ranks.get(writer.rank as usize);
            rank.is_none_or(|rank| writer.task as usize >= rank.tasks.len())
        };
        match golden.writers.iter().find(is_missing) {
            Some(&writer) => Err(PlanError::NoWriter { rank, part, writer }),
            None => Ok(()),
        }
    }

    fn check_check(&self, check: &Check) -> Result<(), PlanError> {
        let rank = check.rank;
        let Some(plan) = self.ranks.get(rank as usize) else {
            return Err(PlanError::NoRank {
                name: check.name.clone(),
                rank,
            });
        };
        let (bytes, align) = match &check.expect {
            Expect::F32 { count, .. } => (count.saturating_mul(4), 4),
            Expect::U32(words) => (words.len() as u64 * 4, 4),
            Expect::F32s(values) => (values.len() as u64 * 4, 4),
            Expect::Pattern { bytes, .. } => (*bytes, 1),
        };
        placed(
            rank,
            plan,
            "a check",
            Span {
                at: check.at,
                bytes,
            },
            align,
        )
    }

    fn check_order(&self) -> Result<(), PlanError> {
        let unseen = |rank: &RankPlan| vec![false; rank.tasks.len()];
        let mut seen: Vec<Vec<bool>> = self.ranks.iter().map(unseen).collect();
        for at in &self.order {
            let there = seen
                .get(at.rank as usize)
                .and_then(|rank| rank.get(at.task as usize));
            let Some(&is_seen) = there else {
                let place = Place {
                    rank: at.rank,
                    task: at.task,
                    name: "".into(),
                };
                return Err(PlanError::Missing {
                    place,
                    what: "task",
                    index: at.task,
                });
            };
            let rank = &mut seen[at.rank as usize];
            let task = self.task(*at);
            let gates = task.waits.iter().filter_map(|wait| wait.gate.as_ref());
            let mut firsts = task.after.iter().chain(gates);
            if is_seen || !firsts.all(|&first| rank[first as usize]) {
                return Err(PlanError::Order {
                    place: self.place(*at),
                });
            }
            rank[at.task as usize] = true;
        }
        let tasks = seen.iter().map(Vec::len).sum();
        let ordered = self.order.len();
        if ordered == tasks {
            Ok(())
        } else {
            Err(PlanError::Incomplete { ordered, tasks })
        }
    }

    pub(super) fn place(&self, at: TaskRef) -> Place {
        Place {
            rank: at.rank,
            task: at.task,
            name: self.task(at).name.clone().into(),
        }
    }
}

/// Counters and initial values lie in the data, and all of it fits into a device.
fn check_data(rank: u32, plan: &RankPlan) -> Result<(), PlanError> {
    let (counters, data_bytes) = (plan.counters.len(), plan.data_bytes);
    if data_bytes.saturating_add(counters as u64 * 4) > MAX_PLANNED_BYTES {
        return Err(PlanError::TooLarge {
            rank,
            counters,
            data_bytes,
        });
    }
    if !plan.engines.is_possible() {
        return Err(PlanError::Engines { rank });
    }
    for counter in &plan.counters {
        if let CounterPlace::Data(at) = *counter {
            placed(rank, plan, "a counter", Span { at, bytes: 4 }, 4)?;
        }
    }
    for init in &plan.init {
        let (at, bytes, align) = match init {
            Init::F32 { at, count, .. } => (*at, count.saturating_mul(4), 4),
            Init::U32 { at, words } => (*at, words.len() as u64 * 4, 4),
            Init::Pattern { at, bytes, .. } => (*at, *bytes, 1),
        };
        placed(rank, plan, "an initial value", Span { at, bytes }, align)?;
    }
    for (set, rules) in plan.rule_sets.iter().enumerate() {
        let refused = |error| PlanError::Rules { rank, set, error };
        rules.check().map_err(refused)?;
    }
    Ok(())
}

fn placed(
    rank: u32,
    plan: &RankPlan,
    what: &'static str,
    span: Span,
    align: u64,
) -> Result<(), PlanError> {
    let (at, limit) = (span.at, plan.data_bytes);
    if lies_inside(span, limit, align) {
        return Ok(());
    }
    Err(PlanError::Misplaced {
        rank,
        what,
        at,
        limit,
    })
}

fn lies_inside(Span { at, bytes }: Span, limit: u64, align: u64) -> bool {
    at.checked_add(bytes).is_some_and(|end| end <= limit) && at.is_multiple_of(align)
}

/// One task, with what it may name.
pub(super) struct OfTask<'a> {
    pub(super) workload: &'a Workload,
    pub(super) plan: &'a RankPlan,
    /// What the workers of the rank serve.
    /// What the workers of its rank serve, once somebody asked.
    pub(super) service: &'a OnceCell<Option<Service>>,
    pub(super) task: &'a TaskPlan,
    pub(super) at: TaskRef,
}

impl OfTask<'_> {
    fn check(&self) -> Result<(), PlanError> {
        if self.task.shape == Shape::Dummy && !self.task.program.is_empty() {
            return Err(PlanError::BusyDummy {
                place: self.place(),
            });
        }
        self.ends(self.task.duration_ns)?;
        for used in &self.task.uses {
            let Some(buffer) = self.plan.buffers.get(used.buffer as usize) else {
                return Err(self.missing("buffer", used.buffer));
            };
            self.inside(used.span, buffer.bytes)?;
            self.inside(
                Span {
                    at: buffer.offset,
                    bytes: buffer.bytes,
                },
                self.plan.data_bytes,
            )?;
        }
        for &first in &self.task.after {
            self.exists("task", first, self.plan.tasks.len())?;
        }
        if let Some(predicate) = &self.task.predicate {
            self.exists("counter", predicate.counter, self.plan.counters.len())?;
        }
        if let Some(output) = self.task.output {
            self.own(output.at, output.bytes)?;
        }
        self.program()?;
        match self.task.shape {
            Shape::Work => self.item(),
            _ => Ok(()),
        }
    }

    /// What takes so long ends while somebody waits.
    pub(super) fn ends(&self, ns: u64) -> Result<(), PlanError> {
        if ns <= MOST_TASK_NS {
            return Ok(());
        }
        let place = self.place();
        Err(PlanError::TooLong { place, ns })
    }

    pub(super) fn place(&self) -> Place {
        self.workload.place(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Check, Expect, Golden, Init, PlanError, RankPlan, Shape, TaskPlan, TaskRef, Workload,
    };
    use crate::device::CounterPlace;
    use crate::workload::Op;

    fn with(program: Vec<Op>) -> Result<(), PlanError> {
        let mut rank = RankPlan {
            data_bytes: 64,
            ..RankPlan::new(0)
        };
        rank.add_task(TaskPlan {
            program: program.into(),
            ..TaskPlan::new("task", Shape::Aiv, 1)
        });
        let order = Workload::order_by_turns(std::slice::from_ref(&rank));
        Workload {
            ranks: vec![rank],
            order,
            ..Workload::default()
        }
        .check()
    }

    #[test]
    fn a_plan_that_names_what_exists_passes() {
        assert_eq!(
            with(vec![Op::Copy {
                from: 0,
                to: 32,
                bytes: 32
            }]),
            Ok(())
        );
    }

    #[test]
    fn what_does_not_exist_is_refused_with_its_place() {
        let outside = with(vec![Op::Copy {
            from: 0,
            to: 33,
            bytes: 32,
        }]);
        let text = outside.expect_err("33 + 32 > 64").to_string();
        assert_eq!(
            text,
            "rank 0, task 0 `task`: bytes 33 to 33 + 32 are not inside 64 bytes"
        );
        let refused = [
            Op::StoreU32 { at: 2, value: 0 },
            Op::FillU32 {
                at: 0,
                count: u64::MAX,
                value: 0,
            },
            Op::Put {
                peer: 1,
                from: 0,
                to: 0,
                bytes: 4,
            },
            Op::Notify {
                peer: 0,
                counter: 0,
                add: 1,
            },
            Op::Await {
                counter: 0,
                expected: 1,
            },
        ];
        for op in refused {
            assert!(with(vec![op.clone()]).is_err(), "{op:?}");
        }
    }

    #[test]
    fn counters_initial_values_and_checks_lie_in_the_data() {
        let check = |at| Check {
            rank: 0,
            name: "c".into(),
            at,
            expect: Expect::U32([0].into()),
        };
        let refused = |rank: RankPlan, checks: Vec<Check>| {
            let rank = RankPlan {
                data_bytes: 64,
                ..rank
            };
            Workload {
                ranks: vec![rank],
                checks,
                ..Workload::default()
            }
            .check()
            .is_err()
        };
        let counter = |at| RankPlan {
            counters: vec![CounterPlace::Data(at)],
            ..RankPlan::new(0)
        };
        let init = |at| {
            let init = vec![Init::F32 {
                at,
                count: 2,
                value: 1.0,
            }];
            RankPlan {
                init,
                ..RankPlan::new(0)
            }
        };
        for (at, is_refused) in [(0, false), (56, false), (58, true), (64, true)] {
            assert_eq!(
                refused(counter(at), Vec::new()),
                is_refused,
                "counter at {at}"
            );
            assert_eq!(refused(init(at), Vec::new()), is_refused, "value at {at}");
            assert_eq!(
                refused(RankPlan::new(0), vec![check(at)]),
                is_refused,
                "check at {at}"
            );
        }
    }

    #[test]
    fn parts_lie_in_the_data_and_their_writers_exist() {
        let with = |at, writer: (u32, u32)| {
            let mut rank = RankPlan {
                data_bytes: 64,
                ..RankPlan::new(0)
            };
            rank.add_task(TaskPlan::new("task", Shape::Aiv, 1));
            let (rank_index, task) = writer;
            let writers = [TaskRef {
                rank: rank_index,
                task,
            }];
            let words = [1, 2];
            rank.parts = vec![Golden {
                at,
                words: words.into(),
                writers: writers.into(),
            }];
            let order = Workload::order_by_turns(std::slice::from_ref(&rank));
            let ranks = vec![rank];
            Workload {
                ranks,
                order,
                ..Workload::default()
            }
            .check()
        };
        assert_eq!(with(56, (0, 0)), Ok(()));
        for at in [54, 60, 236, u64::MAX] {
            let refused = with(at, (0, 0)).unwrap_err();
            let said = format!("rank 0, part 0: 8 bytes at {at} are not inside 64 bytes of data");
            assert!(refused.to_string().starts_with(&said), "{refused}");
        }
        for (rank, task) in [(0, 1), (1, 0)] {
            let said = format!("rank 0, part 0: there is no writer {task} in rank {rank}");
            assert_eq!(with(0, (rank, task)).unwrap_err().to_string(), said);
        }
    }

    #[test]
    fn a_rank_too_large_for_a_device_is_refused_and_not_built() {
        let rank = RankPlan {
            data_bytes: 256 << 20,
            ..RankPlan::new(0)
        };
        let workload = Workload {
            ranks: vec![rank],
            ..Workload::default()
        };
        assert!(matches!(
            workload.check(),
            Err(PlanError::TooLarge { rank: 0, .. })
        ));
    }

    #[test]
    fn an_order_that_forgets_repeats_or_turns_around_is_refused() {
        let mut rank = RankPlan::new(0);
        let first = rank.add_task(TaskPlan::new("first", Shape::Dummy, 0));
        let second = TaskPlan {
            after: vec![first].into(),
            ..TaskPlan::new("second", Shape::Aiv, 0)
        };
        rank.add_task(second);
        let check = |tasks: &[u32]| {
            let order = tasks
                .iter()
                .map(|&task| TaskRef { rank: 0, task })
                .collect();
            Workload {
                ranks: vec![rank.clone()],
                order,
                ..Workload::default()
            }
            .check()
        };
        assert_eq!(check(&[0, 1]), Ok(()));
        assert!(matches!(
            check(&[0]),
            Err(PlanError::Incomplete {
                ordered: 1,
                tasks: 2
            })
        ));
        assert!(matches!(check(&[1, 0]), Err(PlanError::Order { .. })));
        assert!(matches!(check(&[0, 0]), Err(PlanError::Order { .. })));
        assert!(matches!(check(&[0, 2]), Err(PlanError::Missing { .. })));
    }
}
