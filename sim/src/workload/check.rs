//! A plan names only what exists.
//!
//! Guarantees for a workload that passes: every range lies in the data of its rank, every word
//! is aligned, every peer, counter, buffer and task exists, only tasks that may defer wait for
//! something, and the order holds every task once, behind those it names. Programs rely on that
//! and check nothing again. Called once, before devices are made.

use thiserror::Error;

use super::plan::{Op, RankPlan, Shape, Span, TaskPlan, TaskRef, Workload, index};

/// Where in a workload a problem is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("rank {rank}, task {task} `{name}`")]
pub struct Place {
    /// The rank, as an index.
    pub rank: u32,
    /// The task, as an index.
    pub task: u32,
    /// Its name.
    pub name: Box<str>,
}

/// Why a workload cannot run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A range that is not inside the data, or not inside its buffer.
    #[error("{place}: bytes {at} to {at} + {bytes} are not inside {limit} bytes")]
    Outside {
        /// Whose.
        place: Place,
        /// First byte.
        at: u64,
        /// How many.
        bytes: u64,
        /// Size of what they should be in.
        limit: u64,
    },
    /// A word that is not aligned.
    #[error("{place}: the word at {at} is not aligned to 4 bytes")]
    Unaligned {
        /// Whose.
        place: Place,
        /// Where.
        at: u64,
    },
    /// A peer, counter, buffer or task that is not there.
    #[error("{place}: there is no {what} {index}")]
    Missing {
        /// Whose.
        place: Place,
        /// What is missing.
        what: &'static str,
        /// Which.
        index: u32,
    },
    /// A task that waits without having declared that it may.
    #[error("{place}: it waits for a counter but declares 0 conditions")]
    Waits {
        /// Whose.
        place: Place,
    },
    /// An ordering-only task that computes, moves or waits.
    #[error("{place}: a dummy runs nowhere and has no program")]
    BusyDummy {
        /// Whose.
        place: Place,
    },
    /// The order names a task twice, or before one it depends on.
    #[error("{place}: the order names it twice or before a task it comes after")]
    Order {
        /// Whose.
        place: Place,
    },
    /// The order leaves tasks out.
    #[error("the order names {ordered} of {tasks} tasks")]
    Incomplete {
        /// How many it names.
        ordered: usize,
        /// How many there are.
        tasks: usize,
    },
}

impl Workload {
    /// Whether everything that the workload names exists.
    ///
    /// # Errors
    /// [`PlanError`], the first by rank and task, then by order.
    pub fn check(&self) -> Result<(), PlanError> {
        for (rank, plan) in (0..).zip(&self.ranks) {
            for (task, planned) in (0..).zip(&plan.tasks) {
                let at = TaskRef { rank, task };
                OfTask {
                    workload: self,
                    plan,
                    task: planned,
                    at,
                }
                .check()?;
            }
        }
        self.check_order()
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
            if is_seen
                || !self
                    .task(*at)
                    .after
                    .iter()
                    .all(|&first| rank[first as usize])
            {
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

    fn place(&self, at: TaskRef) -> Place {
        Place {
            rank: at.rank,
            task: at.task,
            name: self.task(at).name.clone(),
        }
    }
}

/// One task, with what it may name.
struct OfTask<'a> {
    workload: &'a Workload,
    plan: &'a RankPlan,
    task: &'a TaskPlan,
    at: TaskRef,
}

impl OfTask<'_> {
    fn check(&self) -> Result<(), PlanError> {
        if self.task.shape == Shape::Dummy && !self.task.program.is_empty() {
            return Err(PlanError::BusyDummy {
                place: self.place(),
            });
        }
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
        if let Some(output) = self.task.output {
            self.own(output.at, output.bytes)?;
        }
        self.task.program.iter().try_for_each(|op| self.op(op))
    }

    fn op(&self, op: &Op) -> Result<(), PlanError> {
        match *op {
            Op::Copy { from, to, bytes } => self.own(from, bytes).and(self.own(to, bytes)),
            Op::StoreU32 { at, .. } => self.words(at, 1),
            Op::FillU32 { at, count, .. } => self.words(at, count),
            Op::AddU32 {
                from, to, count, ..
            }
            | Op::AccumulateU32 { from, to, count } => {
                self.words(from, count).and(self.words(to, count))
            }
            Op::Put {
                peer,
                from,
                to,
                bytes,
            } => {
                self.own(from, bytes)?;
                self.inside(Span { at: to, bytes }, self.peer(peer)?.data_bytes)
            }
            Op::PutPattern {
                peer, to, bytes, ..
            } => self.inside(Span { at: to, bytes }, self.peer(peer)?.data_bytes),
            Op::Notify { peer, counter, .. } => self.exists(
                "counter of the peer",
                counter,
                self.peer(peer)?.counters.len(),
            ),
            Op::Engine { counter, .. } => self.exists("counter", counter, self.plan.counters.len()),
            Op::Await { .. } if self.task.defers == 0 => Err(PlanError::Waits {
                place: self.place(),
            }),
            Op::Await { counter, .. } => self.exists("counter", counter, self.plan.counters.len()),
        }
    }

    fn own(&self, at: u64, bytes: u64) -> Result<(), PlanError> {
        self.inside(Span { at, bytes }, self.plan.data_bytes)
    }

    fn words(&self, at: u64, count: u64) -> Result<(), PlanError> {
        if at % 4 != 0 {
            return Err(PlanError::Unaligned {
                place: self.place(),
                at,
            });
        }
        self.own(at, count.saturating_mul(4))
    }

    fn inside(&self, span: Span, limit: u64) -> Result<(), PlanError> {
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

    fn exists(&self, what: &'static str, wanted: u32, count: usize) -> Result<(), PlanError> {
        if wanted < index(count) {
            Ok(())
        } else {
            Err(self.missing(what, wanted))
        }
    }

    fn missing(&self, what: &'static str, index: u32) -> PlanError {
        PlanError::Missing {
            place: self.place(),
            what,
            index,
        }
    }

    fn place(&self) -> Place {
        self.workload.place(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::{Op, PlanError, RankPlan, Shape, TaskPlan, TaskRef, Workload};

    fn with(program: Vec<Op>) -> Result<(), PlanError> {
        let mut rank = RankPlan {
            data_bytes: 64,
            ..RankPlan::new(0)
        };
        rank.add_task(TaskPlan {
            program,
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
    fn an_order_that_forgets_repeats_or_turns_around_is_refused() {
        let mut rank = RankPlan::new(0);
        let first = rank.add_task(TaskPlan::new("first", Shape::Dummy, 0));
        let second = TaskPlan {
            after: vec![first],
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
