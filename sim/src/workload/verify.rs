//! What memory must hold at the end, and the digest of what it holds.
//!
//! Called by the worlds after the last task.

use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

use fnv::FnvHasher;

use crate::device::{AwaitedPost, Device, PostState};

use super::op::Op;
use super::pattern::pattern;
use super::plan::{TaskRef, Workload};

/// A part of one rank's data that must hold something.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The rank, as an index.
    pub rank: u32,
    /// Its name in messages.
    pub name: Box<str>,
    /// First byte in the rank's data.
    pub at: u64,
    /// What must be there.
    pub expect: Expect,
}

/// What must be somewhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// One `f32`, so many times; `at` is a multiple of 4.
    F32 {
        /// How many.
        count: u64,
        /// The value.
        value: f32,
    },
    /// These values, to the bit; `at` is a multiple of 4.
    F32s(Box<[f32]>),
    /// These words; `at` is a multiple of 4.
    U32(Arc<[u32]>),
    /// The first `bytes` bytes of a [`pattern`].
    Pattern {
        /// Which pattern.
        seed: u64,
        /// How many bytes.
        bytes: u64,
    },
}

/// What [`Workload::verify`] found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verified {
    /// Largest difference to the golden result; None where there is none. Infinite for a NaN.
    pub max_diff: Option<f64>,
    /// Values (f32, u32 or bytes) that are wrong.
    pub wrong: u64,
    /// The first of them.
    pub first: Option<Wrong>,
}

/// A value that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// The rank, as an index.
    pub rank: u32,
    /// The check's name.
    pub name: Box<str>,
    /// Byte offset from where the check begins.
    pub offset: u64,
    /// What should be there.
    pub expected: f64,
    /// What is there.
    pub observed: f64,
}

/// Something that a task waits for and that is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// A counter of the task's rank that has not come that far.
    Counter {
        /// The counter.
        counter: u32,
        /// Value to reach.
        expected: u32,
        /// Its value.
        observed: u32,
    },
    /// A transfer that has not ended, or has failed.
    Post(AwaitedPost),
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counter {
                counter,
                expected,
                observed,
            } => write!(f, "at {observed} of {expected} of counter {counter}"),
            Self::Post(AwaitedPost { lane, post, state }) => {
                let state = match state {
                    PostState::Failed(code) => {
                        return write!(f, "though post {post} of {lane} failed with {code}");
                    }
                    PostState::Open | PostState::Done => "before",
                };
                write!(f, "{state} post {post} of {lane}")
            }
        }
    }
}

impl Verified {
    /// Whether everything is as it must be.
    pub const fn is_right(&self) -> bool {
        self.wrong == 0
    }

    fn compare(&mut self, check: &Check, offset: u64, expected: f64, observed: f64) {
        // A comparison that a NaN cannot pass.
        if observed != expected {
            self.wrong(check, offset, expected, observed);
        }
    }

    fn wrong(&mut self, check: &Check, offset: u64, expected: f64, observed: f64) {
        let diff = (observed - expected).abs();
        let diff = if diff.is_nan() { f64::INFINITY } else { diff };
        self.max_diff = self.max_diff.map(|max| max.max(diff));
        self.wrong += 1;
        self.first.get_or_insert_with(|| {
            let (rank, name) = (check.rank, check.name.clone());
            Wrong {
                rank,
                name,
                offset,
                expected,
                observed,
            }
        });
    }
}

impl Check {
    pub(super) fn compare(&self, device: &Device, found: &mut Verified) {
        let (dram, start) = (device.dram(), device.data_address(self.at));
        match &self.expect {
            Expect::F32 { count, value } => {
                for offset in (0..*count).map(|word| word * 4) {
                    let observed = dram.load_f32(start + offset);
                    found.compare(self, offset, f64::from(*value), f64::from(observed));
                }
            }
            Expect::F32s(values) => {
                for (offset, expected) in (0..).step_by(4).zip(values) {
                    let observed = dram.load_f32(start + offset);
                    if observed.to_bits() != expected.to_bits() {
                        found.wrong(self, offset, f64::from(*expected), f64::from(observed));
                    }
                }
            }
            Expect::U32(words) => {
                for (offset, word) in (0..).step_by(4).zip(words.iter()) {
                    let observed = dram.load_u32(start + offset);
                    found.compare(self, offset, f64::from(*word), f64::from(observed));
                }
            }
            Expect::Pattern { seed, bytes } => {
                let (expected, observed) = (pattern(*seed, *bytes), dram.bytes(start, *bytes));
                for (offset, (expected, observed)) in (0..).zip(expected.iter().zip(&observed)) {
                    found.compare(self, offset, f64::from(*expected), f64::from(*observed));
                }
            }
        }
    }
}

impl Workload {
    /// Compares memory with what it must hold.
    pub fn verify(&self, devices: &[Device]) -> Verified {
        let max_diff = self.golden.then_some(0.0);
        let mut found = Verified {
            max_diff,
            ..Verified::default()
        };
        for check in &self.checks {
            check.compare(&devices[check.rank as usize], &mut found);
        }
        found
    }

    /// The first that a task's program waits for and that is not so: a counter that memory says is
    /// not reached, or a transfer that its engine has not ended well.
    ///
    /// For an oracle: when a task has completed, there is none. Counters of a plan only go up and
    /// transfers do not begin again, so this holds on both clocks.
    pub fn unmet(&self, at: TaskRef, devices: &[Device]) -> Option<Unmet> {
        let device = &devices[at.rank as usize];
        let counter = self.task(at).program.iter().find_map(|op| {
            let Op::Await { counter, expected } = *op else {
                return None;
            };
            let observed = device.dram().load_u32(device.counter_address(counter));
            let is_reached = observed.wrapping_sub(expected).cast_signed() >= 0;
            (!is_reached).then_some(Unmet::Counter {
                counter,
                expected,
                observed,
            })
        });
        counter.or_else(|| device.awaited().unmet(at.task).map(Unmet::Post))
    }

    /// FNV-1a over the output bytes of a task, for the result digest; of nothing if it has none.
    pub fn task_output_hash(&self, at: TaskRef, devices: &[Device]) -> u64 {
        let device = &devices[at.rank as usize];
        let bytes = self.task(at).output.map(|output| {
            device
                .dram()
                .bytes(device.data_address(output.at), output.bytes)
        });
        fnv1a(bytes.as_deref().unwrap_or_default())
    }
}

/// 64-bit FNV-1a.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::{Check, Expect, Op, Unmet, fnv1a};
    use crate::device::{CostModel, CounterPlace, Device, DeviceOptions};
    use crate::workload::{Init, RankPlan, Shape, Span, TaskPlan, TaskRef, Workload, pattern};
    use finbox_scheduler::A2A3;

    fn workload(golden: bool, expect: Expect) -> (Workload, Vec<Device>) {
        let init = vec![Init::F32 {
            at: 0,
            count: 4,
            value: 2.0,
        }];
        let mut rank = RankPlan {
            data_bytes: 64,
            init,
            ..RankPlan::new(0)
        };
        let output = Some(Span { at: 0, bytes: 16 });
        rank.add_task(TaskPlan {
            output,
            ..TaskPlan::new("task", Shape::Aiv, 1)
        });
        rank.add_task(TaskPlan::new("silent", Shape::Aiv, 1));
        let checks = vec![Check {
            rank: 0,
            name: "result".into(),
            at: 0,
            expect,
        }];
        let workload = Workload {
            ranks: vec![rank],
            golden,
            checks,
            ..Workload::default()
        };
        let cost = CostModel::FREE;
        let options = DeviceOptions {
            target: A2A3,
            cores: 1,
            host_lanes: 0,
            cost,
        };
        let devices = workload.make_devices(options);
        (workload, devices)
    }

    #[test]
    fn a_golden_result_has_a_difference_of_zero() {
        let (workload, devices) = workload(
            true,
            Expect::F32 {
                count: 4,
                value: 2.0,
            },
        );
        let found = workload.verify(&devices);
        assert!(found.is_right());
        assert_eq!(found.max_diff, Some(0.0));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_place() {
        let (workload, devices) = workload(
            true,
            Expect::F32 {
                count: 4,
                value: 2.0,
            },
        );
        devices[0]
            .dram()
            .store_u32(devices[0].data_address(8), 2.5_f32.to_bits());
        devices[0]
            .dram()
            .store_u32(devices[0].data_address(12), f32::NAN.to_bits());
        let found = workload.verify(&devices);
        assert_eq!((found.wrong, found.max_diff), (2, Some(f64::INFINITY)));
        let first = found.first.expect("two values are wrong");
        assert_eq!((&*first.name, first.offset), ("result", 8));
        assert_eq!((first.expected, first.observed), (2.0, 2.5));
    }

    #[test]
    fn a_workload_without_golden_result_is_still_checked() {
        let (workload, devices) = workload(false, Expect::Pattern { seed: 1, bytes: 16 });
        let found = workload.verify(&devices);
        assert!(!found.is_right() && found.max_diff.is_none());
        devices[0]
            .dram()
            .write_bytes(devices[0].data_address(0), &pattern(1, 16));
        assert!(workload.verify(&devices).is_right());
    }

    #[test]
    fn the_hash_covers_the_output_and_nothing_else() {
        let (workload, devices) = workload(true, Expect::U32([].into()));
        let [task, silent] = [0, 1].map(|task| TaskRef { rank: 0, task });
        let before = workload.task_output_hash(task, &devices);
        devices[0].dram().store_u32(devices[0].data_address(16), 1);
        assert_eq!(workload.task_output_hash(task, &devices), before);
        devices[0].dram().store_u32(devices[0].data_address(12), 1);
        assert_ne!(workload.task_output_hash(task, &devices), before);
        assert_eq!(workload.task_output_hash(silent, &devices), fnv1a(b""));
    }

    #[test]
    fn a_wait_is_unmet_until_its_counter_is_there_and_across_the_wrap() {
        let (mut workload, _) = workload(false, Expect::U32([].into()));
        workload.ranks[0].counters.push(CounterPlace::Packed);
        let wait = Op::Await {
            counter: 0,
            expected: 2,
        };
        workload.ranks[0].tasks[1].program.push(wait);
        let cost = CostModel::FREE;
        let options = DeviceOptions {
            target: A2A3,
            cores: 1,
            host_lanes: 0,
            cost,
        };
        let devices = workload.make_devices(options);
        let addr = devices[0].counter_address(0);
        let at = |task| TaskRef { rank: 0, task };
        for (observed, is_unmet) in [(0, true), (1, true), (2, false), (9, false), (!0, true)] {
            devices[0].dram().store_u32(addr, observed);
            let unmet = is_unmet.then_some(Unmet::Counter {
                counter: 0,
                expected: 2,
                observed,
            });
            assert_eq!(workload.unmet(at(1), &devices), unmet);
            assert_eq!(workload.unmet(at(0), &devices), None);
        }
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv1a(b""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xAF63_DC4C_8601_EC8C);
    }
}
