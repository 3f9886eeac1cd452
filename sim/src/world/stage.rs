//! What both clocks set up: devices, arenas sized for the workload, and how a run is summed up.

use finbox_runtime::{Arena, Config};
use finbox_scheduler::limits::{
    DEFAULT_CONDITION_ROOM, DEFAULT_EDGE_NODES, DEFAULT_TASK_SLOTS, MAX_CONDITIONS,
};
use finbox_scheduler::{Chip, Ledger, Scheduler, Start};

use super::recorder::Recorder;
use super::{FaultAt, Outcome, RunError, Settings};
use crate::device::{CostModel, Device, DeviceOptions};
use crate::report::StallReport;
use crate::workload::{RankPlan, Workload};

/// Host lanes of a rank whose tasks need one.
const HOST_LANES: u16 = 1;

/// The devices of a run, with their first bytes in place.
pub(super) fn devices(workload: &Workload, settings: &Settings, cost: CostModel) -> Vec<Device> {
    let host_lanes = host_lanes(workload);
    let (target, cores) = (*settings.target, settings.cores);
    workload.make_devices(DeviceOptions {
        target,
        cores,
        host_lanes,
        cost,
    })
}

fn host_lanes(workload: &Workload) -> u16 {
    if workload.needs_host() { HOST_LANES } else { 0 }
}

/// One arena a rank.
pub(super) fn arenas(workload: &Workload, settings: &Settings) -> Result<Vec<Arena>, RunError> {
    let arena = |plan| Ok(Arena::new(config(workload, plan, settings))?);
    workload.ranks.iter().map(arena).collect()
}

/// Limits that fit the rank's plan, up to the scheduler's defaults: small runs stay small.
fn config(workload: &Workload, plan: &RankPlan, settings: &Settings) -> Config {
    let tasks = plan.tasks.len() as u64;
    let deferring: u64 = plan.tasks.iter().map(|task| u64::from(task.defers)).sum();
    let edges: u64 = plan
        .tasks
        .iter()
        .map(|task| (task.after.len() + task.uses.len() * 8) as u64)
        .sum();
    Config {
        chip: Chip {
            target: settings.target,
            cores: settings.cores,
            host_lanes: host_lanes(workload),
            handlers: settings.handlers,
        },
        task_slots: settings
            .task_slots
            .unwrap_or(between(tasks, 1, DEFAULT_TASK_SLOTS)),
        edge_nodes: between(edges, 64, DEFAULT_EDGE_NODES),
        condition_room: between(deferring, MAX_CONDITIONS, DEFAULT_CONDITION_ROOM),
        mailbox_slots: settings.mailbox_slots,
        start: Start {
            position: 0,
            epoch: 1,
        },
    }
}

fn between(wanted: u64, least: u32, most: u32) -> u32 {
    u32::try_from(wanted).unwrap_or(most).clamp(least, most)
}

/// What is left when all threads are at rest.
pub(super) struct Remains<'a, 'm> {
    pub(super) workload: &'a Workload,
    pub(super) devices: &'a [Device],
    pub(super) schedulers: Vec<&'a Scheduler<'m>>,
    pub(super) recorder: &'a Recorder<'a>,
    pub(super) ledger: Ledger,
    pub(super) stall: Option<StallReport>,
    pub(super) virtual_ns: u64,
}

/// Sums a run up.
pub(super) fn conclude(remains: Remains<'_, '_>) -> Outcome {
    let Remains {
        workload,
        devices,
        schedulers,
        recorder,
        ledger,
        stall,
        virtual_ns,
    } = remains;
    let live = ledger.submitted - ledger.finished();
    let at_rest = "the wait list is free when all threads are at rest";
    let waiting = schedulers.iter().map(|one| one.waiting().expect(at_rest));
    let (waiting, in_mailbox) = waiting.fold((0, 0), |(w, m), (live, depth)| {
        (w + u64::from(live), m + u64::from(depth))
    });
    let planned = workload.planned_conditions();
    let mut broken = recorder.broken(stall.is_none());
    if ledger.completed == workload.order.len() as u64 && ledger.conditions != planned {
        let delivered = ledger.conditions;
        broken.push(format!(
            "every task completed, with {delivered} of {planned} conditions"
        ));
    }
    let result_digest = recorder.result_digest(|at| workload.task_output_hash(at, devices));
    Outcome {
        adds_up: ledger.adds_up(live, in_mailbox),
        ledger,
        live,
        waiting,
        verified: workload.verify(devices),
        broken,
        stall,
        fault: first_fault(workload, &schedulers),
        virtual_ns,
        digest: recorder.digest(),
        result_digest,
    }
}

fn first_fault(workload: &Workload, schedulers: &[&Scheduler<'_>]) -> Option<FaultAt> {
    let at = |(plan, scheduler): (&RankPlan, &&Scheduler<'_>)| {
        let fault = scheduler.fault()?;
        let task = usize::try_from(fault.task.0)
            .ok()
            .and_then(|index| plan.tasks.get(index));
        let task = task.map_or_else(String::new, |task| task.name.to_string());
        Some(FaultAt {
            code: fault.code,
            rank: plan.rank,
            task,
        })
    };
    workload.ranks.iter().zip(schedulers).find_map(at)
}
