//! What is undeclared, unordered or unused, once a run has ended.
//!
//! A touch of a task's own data is *declared* by a use of these bytes with the right access. One
//! that is not is excused where it meets the touches of others only behind or before explicit
//! order: `after`, and notifications that are waited for. A peer's data cannot be declared: what a
//! task does there must be ordered, by whatever the plan has, with those whom it meets. Tasks that
//! declare nothing are held to the same, and to no more.

use std::ops::Range;

use super::judge::Judge;
use super::spans::Spans;
use super::touch::{Act, Shadow, TaskLog, Touch, Touched};
use crate::report::{MOST_IN_SHADOW, ShadowReport, Unused};
use crate::workload::{Access, BufferUse, TaskRef, Workload};

/// Compares what `shadow` saw with what `workload` declares.
pub fn compare(shadow: Shadow, workload: &Workload) -> ShadowReport {
    let logs = shadow.into_logs();
    let mut report = ShadowReport::default();
    let mut touches = Vec::new();
    for (rank, logs) in (0..).zip(&logs) {
        for (task, log) in (0..).zip(logs) {
            let at = TaskRef { rank, task };
            count(workload, at, log, &mut report);
            classify(workload, at, log, &mut touches);
        }
    }
    Judge::of(workload, &mut report).all(touches);
    report
}

/// How a touch stands to what its task declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Declared,
    /// Its task declares uses, and not this one.
    Undeclared,
    /// Of a peer's data, by a task that declares uses.
    Remote,
    /// Its task declares nothing.
    Silent,
}

/// Bytes that a task touched.
#[derive(Debug)]
pub(super) struct One {
    pub(super) by: TaskRef,
    pub(super) memory: u32,
    pub(super) touch: Touch,
    pub(super) act: Act,
    pub(super) standing: Standing,
    pub(super) spans: Spans,
}

fn count(workload: &Workload, at: TaskRef, log: &TaskLog, report: &mut ShadowReport) {
    let plan = workload.task(at);
    match plan.uses.is_empty() {
        true => report.silent += u64::from(!log.touched.is_empty()),
        false => report.checked += u64::from(log.ran),
    }
    if log.ran {
        unused(workload, at, log, report);
    }
}

/// Notes the declared uses of which nothing was touched.
fn unused(workload: &Workload, at: TaskRef, log: &TaskLog, report: &mut ShadowReport) {
    let (rank, plan) = (&workload.ranks[at.rank as usize], workload.task(at));
    for one in &plan.uses {
        let range = in_data(workload, at.rank, one);
        let is_it = |touched: &Touched| {
            touched.memory == at.rank
                && is_for(one.access, touched.touch)
                && touched.spans.meets(&range)
        };
        if range.is_empty() || log.touched.iter().any(is_it) {
            continue;
        }
        report.unused_count += 1;
        if report.unused.len() < MOST_IN_SHADOW {
            report.unused.push(Unused {
                rank: rank.rank,
                task: at.task,
                name: plan.name.to_string(),
                buffer: rank.buffers[one.buffer as usize].name.to_string(),
                access: access_name(one.access).to_owned(),
            });
        }
    }
}

const fn access_name(access: Access) -> &'static str {
    match access {
        Access::In => "in",
        Access::Out => "out",
        Access::InOut => "inout",
    }
}

/// Whether a use of this access declares such a touch.
pub(super) const fn is_for(access: Access, touch: Touch) -> bool {
    match touch {
        Touch::Read => matches!(access, Access::In | Access::InOut),
        Touch::Write => matches!(access, Access::Out | Access::InOut),
    }
}

/// The bytes of a use, as offsets in its rank's data.
pub(super) fn in_data(workload: &Workload, rank: u32, one: &BufferUse) -> Range<u64> {
    let at = workload.ranks[rank as usize].offset(one.buffer) + one.span.at;
    at..at + one.span.bytes
}

/// The bytes of its own data that a task declares for such touches.
fn declared(workload: &Workload, at: TaskRef, touch: Touch) -> Spans {
    let uses = workload.task(at).uses.iter();
    let uses = uses.filter(|one| is_for(one.access, touch));
    uses.map(|one| in_data(workload, at.rank, one)).collect()
}

/// Adds what `at` touched, each with its standing.
fn classify(workload: &Workload, at: TaskRef, log: &TaskLog, into: &mut Vec<One>) {
    let is_silent = workload.task(at).uses.is_empty();
    for &Touched {
        memory,
        touch,
        act,
        ref spans,
    } in &log.touched
    {
        let mut add = |standing, spans: Spans| {
            if !spans.is_empty() {
                into.push(One {
                    by: at,
                    memory,
                    touch,
                    act,
                    standing,
                    spans,
                });
            }
        };
        if is_silent || memory != at.rank {
            let standing = if is_silent {
                Standing::Silent
            } else {
                Standing::Remote
            };
            add(standing, spans.clone());
            continue;
        }
        let undeclared = spans.without(&declared(workload, at, touch));
        add(Standing::Declared, spans.without(&undeclared));
        add(Standing::Undeclared, undeclared);
    }
}
