//! What both clocks set up: devices, arenas sized for the workload, and how a run is summed up.

use finbox_mailbox::Producer;
use finbox_runtime::persistent::Group;
use finbox_runtime::{Arena, Config, ConfigErrors};
use finbox_scheduler::limits::{
    DEFAULT_CONDITION_ROOM, DEFAULT_EDGE_NODES, DEFAULT_TASK_SLOTS, DEFAULT_URMA_QUEUES,
    MAX_CONDITIONS,
};
use finbox_scheduler::{
    Chip, Dispatcher, FinHandler, Ledger, OUTPUT_ALIGN, Outcome as TaskEnd, Scheduler, Shape,
    Start, Submitter,
};

use super::planned::Planned;
use super::recorder::Recorder;
use super::submission::Passage;
use super::{FaultAt, Outcome, RunError, Settings};
use crate::device::{CostModel, Device, DeviceOptions};
use crate::fault::{FaultKind, Injected, Injector, counter_base};
use crate::report::StallReport;
use crate::shadow::{Shadow, compare};
use crate::workload::{RankPlan, TaskRef, Verified, Workload};

/// Rings that a rank may have.
const MAX_RINGS: u8 = 4;

/// Most output bytes of a ring unless one task alone has more.
const USUAL_HEAP_BYTES: u64 = 1 << 30;

/// Most items in a rank's work ring. Choice: several for every worker, and few enough that what
/// stands there has not long been ready.
const USUAL_WORK_SLOTS: u32 = 256;

/// Most condition room of a rank, if its plan asks for as much: 8 192 tasks with 64 conditions.
const MOST_CONDITION_ROOM: u32 = 8 * DEFAULT_CONDITION_ROOM;

/// Host lanes of a rank whose tasks need one.
const HOST_LANES: u16 = 1;

/// The devices of a run, with their first bytes in place.
pub(super) fn devices(workload: &Workload, settings: &Settings, cost: CostModel) -> Vec<Device> {
    let host_lanes = host_lanes(workload, settings);
    let (target, cores) = (*settings.target, settings.cores);
    let devices = workload.make_devices(DeviceOptions {
        target,
        cores,
        host_lanes,
        cost,
    });
    for ((rank, plan), device) in (0..).zip(&workload.ranks).zip(&devices) {
        for (counter, &addr) in (0..).zip(device.layout().counters()) {
            let base = counter_base(plan, &settings.occasions(), (settings.seed, rank, counter));
            if base != 0 {
                device.dram().store_u32(addr, base);
            }
        }
    }
    devices
}

fn host_lanes(workload: &Workload, settings: &Settings) -> u16 {
    let usual = if workload.needs_host() { HOST_LANES } else { 0 };
    settings.host_lanes.unwrap_or(usual)
}

/// Whether arenas and devices can be as the settings say.
pub(super) fn check_settings(workload: &Workload, settings: &Settings) -> Result<(), RunError> {
    let mut configs = configs(workload, settings);
    configs.try_for_each(|config| Ok(ConfigErrors::check(&config)?))
}

/// One arena a rank.
pub(super) fn arenas(workload: &Workload, settings: &Settings) -> Result<Vec<Arena>, RunError> {
    let arena = |config| Ok(Arena::new(config)?);
    configs(workload, settings).map(arena).collect()
}

/// The roles of all ranks: schedulers, submitters, handlers and dispatchers.
pub(super) type Roles<'m> = (
    Vec<Scheduler<'m>>,
    Vec<Submitter<'m>>,
    Vec<FinHandler<'m>>,
    Vec<Dispatcher<'m>>,
);

/// One of each a rank, and so many handlers.
pub(super) fn roles(arenas: &mut [Arena], handlers: u8) -> Roles<'_> {
    let mut roles: Roles<'_> = Default::default();
    for arena in arenas {
        let mut assembly = arena.assemble();
        roles.2.extend((0..handlers).map(|_| assembly.handler()));
        roles.0.push(assembly.scheduler);
        roles.1.push(assembly.submitter);
        roles.3.push(assembly.dispatcher);
    }
    roles
}

/// Those of all ranks.
fn configs(workload: &Workload, settings: &Settings) -> impl Iterator<Item = Config> {
    let needs: Vec<Needs> = workload.ranks.iter().map(Needs::of).collect();
    let usual = if needs.iter().any(|needs| needs.host) {
        HOST_LANES
    } else {
        0
    };
    let host_lanes = settings.host_lanes.unwrap_or(usual);
    let ranks = workload.ranks.iter().zip(needs);
    ranks.map(move |(plan, needs)| config((workload, plan), &needs, settings, host_lanes))
}

/// Limits that fit the rank's plan, up to the scheduler's defaults: small runs stay small.
fn config(
    (workload, plan): (&Workload, &RankPlan),
    needs: &Needs,
    settings: &Settings,
    host_lanes: u16,
) -> Config {
    let tasks = plan.tasks.len() as u64;
    Config {
        chip: Chip {
            target: settings.target,
            cores: settings.cores,
            host_lanes,
            handlers: settings.handlers,
        },
        rings: settings
            .rings
            .unwrap_or_else(|| rings(workload, plan, needs)),
        heap_bytes: settings.heap_bytes.unwrap_or_else(|| needs.heap_bytes()),
        scopes: u8::MAX,
        task_slots: settings
            .task_slots
            .unwrap_or(between(tasks, 1, DEFAULT_TASK_SLOTS)),
        edge_nodes: settings
            .edge_nodes
            .unwrap_or(between(needs.edges, 64, DEFAULT_EDGE_NODES)),
        condition_room: settings.condition_room.unwrap_or(between(
            needs.conditions,
            MAX_CONDITIONS,
            MOST_CONDITION_ROOM,
        )),
        mailbox_slots: settings.mailbox_slots,
        urma_queues: DEFAULT_URMA_QUEUES,
        work_slots: needs.work_slots(),
        workers: needs.workers(u32::from(settings.cores) + u32::from(host_lanes)),
        start: Start {
            limits: settings.limits,
            completion: settings.completion,
            ..Start::of_epoch(1)
        },
    }
}

/// What the tasks of a plan need together.
#[derive(Default)]
struct Needs {
    conditions: u64,
    edges: u64,
    has_scopes: bool,
    outputs_bytes: u64,
    largest_output_bytes: u64,
    items: u64,
    host: bool,
}

impl Needs {
    /// In one walk: a plan may be larger than what is near.
    fn of(plan: &RankPlan) -> Self {
        let mut needs = Self::default();
        for task in &plan.tasks {
            needs.conditions += u64::from(task.defers);
            needs.edges += (task.after.len() + task.uses.len() * 8) as u64;
            needs.has_scopes |= task.opens > 0;
            needs.items += u64::from(task.shape == Shape::Work);
            needs.host |= task.shape == Shape::Host;
            let bytes = task.output_bytes.saturating_add(OUTPUT_ALIGN - 1) & !(OUTPUT_ALIGN - 1);
            needs.outputs_bytes = needs.outputs_bytes.saturating_add(bytes);
            needs.largest_output_bytes = needs.largest_output_bytes.max(bytes);
        }
        needs
    }

    /// Room for all items, up to the usual limit; none where there are none.
    fn work_slots(&self) -> u32 {
        match self.items {
            0 => 0,
            items => between(items, 2, USUAL_WORK_SLOTS).next_power_of_two(),
        }
    }

    /// As many workers as cores.
    fn workers(&self, lanes: u32) -> u32 {
        if self.items == 0 { 0 } else { lanes }
    }

    /// Room for all outputs at once, up to a limit that only a single output exceeds.
    fn heap_bytes(&self) -> u64 {
        let usual = self.outputs_bytes.min(USUAL_HEAP_BYTES);
        usual.max(self.largest_output_bytes)
    }
}

/// A ring for each depth at which tasks of the plan are submitted.
fn rings(workload: &Workload, plan: &RankPlan, needs: &Needs) -> u8 {
    if !needs.has_scopes {
        return 1;
    }
    let (mut depth, mut deepest) = (0_i64, 0);
    let is_mine = |at: &&TaskRef| std::ptr::eq(&workload.ranks[at.rank as usize], plan);
    for at in workload.order.iter().filter(is_mine) {
        let task = workload.task(*at);
        depth += i64::from(task.opens);
        deepest = deepest.max(depth);
        depth -= i64::from(task.closes);
    }
    u8::try_from(deepest + 1).map_or(MAX_RINGS, |rings| rings.min(MAX_RINGS))
}

fn between(wanted: u64, least: u32, most: u32) -> u32 {
    u32::try_from(wanted).unwrap_or(most).clamp(least, most)
}

/// The FIN handlers that are to die, as the seed says.
#[derive(Clone, Copy)]
pub(super) struct Doomed(usize);

impl Doomed {
    /// Chooses among the handlers of all ranks: first of each rank the first, and so on.
    pub(super) fn choose<'h, 'm: 'h>(
        settings: &Settings,
        ranks: impl Iterator<Item = &'h mut [FinHandler<'m>]>,
    ) -> Self {
        let mut ranks: Vec<_> = ranks.collect();
        let mut injector = Injector::new(settings.seed, settings.faults, 1);
        let first = settings.seed % ranks.len() as u64;
        ranks.rotate_left(usize::try_from(first).expect("a run has at most 1024 ranks"));
        let mut doomed = 0;
        for handler in 0..usize::from(settings.handlers) {
            for rank in &mut ranks {
                if let Some(nth) = injector.doom() {
                    rank[handler].die_in_batch(nth);
                    doomed += 1;
                }
            }
        }
        Self(doomed)
    }

    /// `injected` with those of them that have died.
    pub(super) fn count<'h, 'm: 'h>(
        self,
        handlers: impl IntoIterator<Item = &'h FinHandler<'m>>,
        mut injected: Injected,
    ) -> Injected {
        let handlers = handlers.into_iter();
        let alive = handlers.filter(|handler| handler.is_doomed()).count();
        (alive..self.0).for_each(|_| injected.count(FaultKind::ProducerDies));
        injected
    }
}

/// A group for the workers of a rank, and where they tell, if it has a work ring.
pub(super) fn workers_of<'m>(scheduler: &Scheduler<'m>) -> Option<(Group<'m>, Producer<'m>)> {
    let group = Group::open(scheduler).ok()?;
    Some((group, scheduler.mailbox()))
}

/// What is left when all threads are at rest.
pub(super) struct Remains<'a, 'm> {
    pub(super) workload: &'a Workload,
    pub(super) devices: &'a [Device],
    pub(super) schedulers: Vec<&'a Scheduler<'m>>,
    pub(super) recorder: &'a Recorder<'a>,
    pub(super) ledger: Ledger,
    pub(super) stall: Option<StallReport>,
    pub(super) injected: Injected,
    pub(super) virtual_ns: u64,
    pub(super) interrupted: bool,
    pub(super) planned: Planned,
    /// What went through the command ring, if there is one.
    pub(super) passage: Option<Passage>,
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
        injected,
        virtual_ns,
        interrupted,
        planned,
        passage,
    } = remains;
    let stall = stall.map(|stall| {
        let command = passage.as_ref().map(|passage| passage.stall.clone());
        stall.explaining(&planned.explain).with_command(command)
    });
    let is_halted = passage.as_ref().is_some_and(Passage::is_halted);
    let failures = planned.explaining(workload, recorder.failures());
    let live = ledger.submitted - ledger.finished();
    let at_rest = "the wait list is free when all threads are at rest";
    let waiting = schedulers.iter().map(|one| one.waiting().expect(at_rest));
    let (waiting, in_mailbox) = waiting.fold((0, 0), |(w, m), (live, depth)| {
        (w + u64::from(live), m + u64::from(depth))
    });
    let tasks = workload.order.len() as u64;
    if virtual_ns > 0 && ledger.completed == tasks {
        recorder.check_time(virtual_ns);
    }
    let mut broken = recorder.broken(stall.is_none() && !interrupted && !is_halted);
    broken.extend(passage.as_ref().and_then(|passage| passage.broken.clone()));
    broken.extend(lost_conditions(workload, &ledger));
    let result_digest = recorder.result_digest(|at| workload.task_output_hash(at, devices));
    let ends = recorder.ends();
    let completed =
        |at: TaskRef| ends[at.rank as usize][at.task as usize] == Some(TaskEnd::Completed);
    let mut parts = Verified::default();
    workload.verify_parts(devices, completed, &mut parts);
    Outcome {
        adds_up: ledger.adds_up(live, in_mailbox),
        ledger,
        live,
        waiting,
        items_out: schedulers.iter().map(|one| one.items_out()).sum(),
        in_mailbox,
        quarantined: quarantined(&schedulers),
        interrupted,
        verified: workload.verify(devices),
        parts,
        ends,
        injected,
        broken,
        latency: recorder.latency(),
        stall,
        fault: recorder
            .first_fault()
            .or_else(|| first_fault(workload, &schedulers)),
        failures,
        gaps: recorder.gaps(),
        untracked: planned.untracked,
        explain: planned.explain,
        command: passage.map(|passage| passage.report),
        virtual_ns,
        digest: recorder.digest(),
        result_digest,
        timeline: recorder.timeline(virtual_ns),
        shadow: None,
    }
}

/// A sentence, if every task completed and conditions were lost.
fn lost_conditions(workload: &Workload, ledger: &Ledger) -> Option<String> {
    let (planned, delivered) = (workload.planned_conditions(), ledger.conditions);
    let is_whole = ledger.completed == workload.order.len() as u64;
    (is_whole && delivered != planned)
        .then(|| format!("every task completed, with {delivered} of {planned} conditions"))
}

/// Who is told what tasks touch, if `settings` say so.
pub(super) fn shadow_of(workload: &Workload, settings: &Settings) -> Option<Shadow> {
    settings.shadow.then(|| Shadow::new(workload))
}

/// `outcome` with what was declared compared with what was touched, if anybody was told.
pub(super) fn compared(outcome: Outcome, shadow: Option<Shadow>, workload: &Workload) -> Outcome {
    Outcome {
        shadow: shadow.map(|shadow| compare(shadow, workload)),
        ..outcome
    }
}

/// Tasks and cores of all ranks.
fn quarantined(schedulers: &[&Scheduler<'_>]) -> (u64, u64) {
    let all = schedulers.iter().map(|one| one.quarantined());
    all.fold((0, 0), |(tasks, cores), (more_tasks, more_cores)| {
        (tasks + u64::from(more_tasks), cores + u64::from(more_cores))
    })
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
