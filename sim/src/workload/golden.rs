//! Parts of memory that must be right if certain tasks completed, whatever became of others.
//!
//! A run in which something failed has no golden result as a whole, but every part of it that was
//! not touched by the failure has one. Called by the worlds after the last task.

use super::plan::{TaskRef, Workload};
use super::verify::{Check, Expect, Verified};
use crate::device::Device;

/// Words that must be there if all of these tasks completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Golden {
    /// First byte in the rank's data.
    pub at: u64,
    /// The words.
    pub words: Box<[u32]>,
    /// The tasks that write there, of any rank.
    pub writers: Box<[TaskRef]>,
}

impl Workload {
    /// Adds to `found` what is wrong in parts whose writers all completed.
    pub fn verify_parts(
        &self,
        devices: &[Device],
        completed: impl Fn(TaskRef) -> bool,
        found: &mut Verified,
    ) {
        for ((rank, plan), device) in (0..).zip(&self.ranks).zip(devices) {
            for part in &plan.parts {
                if !part.writers.iter().all(|&writer| completed(writer)) {
                    continue;
                }
                let check = Check {
                    rank,
                    name: format!("words at {}", part.at).into(),
                    at: part.at,
                    expect: Expect::U32(part.words.as_ref().into()),
                };
                check.compare(device, found);
            }
        }
    }
}
