//! Faults that are part of a workload before it runs, and the budgets that find the others.
//!
//! Guarantees: a workload without faults stays what it is. With faults every task has a run budget,
//! its own or the default, so that lost FINs and hung cores are found. A check also gives wait
//! budgets, so that a lost notification fails its waiter and the run goes on; in a plain run it
//! stalls, and the stall report says who waits for what. So does a plain run all of whose cores
//! hang: there no run budget is added. Called by the worlds, which run what comes out.

use std::borrow::Cow;

use finbox_mailbox::Engine;

use super::choice::Faults;
use super::injector::Injected;
use super::table::FaultKind;
use crate::device::CounterPlace;
use crate::engine::EngineFault;
use crate::workload::{EngineTime, Op, RankPlan, Shape, TaskPlan, TaskRef, Workload, mix};

/// Default budgets of tasks that have none of their own, in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    run_ns: u64,
    /// What peers do meanwhile is included; 0: none.
    wait_ns: u64,
}

impl Budgets {
    /// In virtual time, or by the wall clock, where a thread may be preempted.
    pub const fn of(is_virtual: bool, bounded_waits: bool) -> Self {
        let (run_ns, wait_ns) = if is_virtual {
            (1_000_000, 100_000_000)
        } else {
            (500_000_000, 2_000_000_000)
        };
        let wait_ns = if bounded_waits { wait_ns } else { 0 };
        Self { run_ns, wait_ns }
    }
}

/// A run budget is at least so many times the planned duration.
const DURATIONS: u64 = 16;

/// An item may wait for all others, and so may the launch of those who do them: their budget is so
/// many usual ones, and so many ns for each item of the rank.
const WAITS: u64 = 8;
const ITEM_NS: u64 = 50_000;

/// Conditions of a task that registers too many.
const TOO_MANY: usize = 65;

/// What an engine says of an operation that failed.
const FAILED_STATUS: u16 = 5;

/// `workload` with the faults that are part of it, and what was done to it.
pub fn stage<'a>(
    workload: &'a Workload,
    faults: &Faults,
    seed: u64,
    budgets: Budgets,
) -> (Cow<'a, Workload>, Injected) {
    let mut injected = Injected::default();
    if faults.is_none() {
        return (Cow::Borrowed(workload), injected);
    }
    let mut staged = workload.clone();
    if let Some(tasks) = faults.often(FaultKind::Crowd).filter(|&tasks| tasks > 0) {
        crowd(&mut staged, tasks.into());
        injected.count(FaultKind::Crowd);
    }
    if faults.has(FaultKind::Conditions65) && register_65(&mut staged, seed) {
        injected.count(FaultKind::Conditions65);
    }
    if let Some(every) = faults.often(FaultKind::Errors) {
        for at in staged
            .order
            .clone()
            .iter()
            .step_by(usize::from(every.max(1)))
        {
            if register_too_many(&mut staged, *at) {
                injected.count(FaultKind::Errors);
            }
        }
    }
    if faults.has(FaultKind::EngineError) {
        fail_engines(&mut staged, &mut injected);
    }
    if faults.has(FaultKind::PeerDead) || faults.has(FaultKind::PeerReturns) {
        name_sources(&mut staged);
    }
    if faults.has(FaultKind::CounterWrap) {
        for (rank, plan) in (0..).zip(&mut staged.ranks) {
            shift(plan, faults, (seed, rank));
        }
        if staged.ranks.iter().any(|plan| !plan.counters.is_empty()) {
            injected.count(FaultKind::CounterWrap);
        }
    }
    let Budgets { run_ns, wait_ns } = budgets;
    // Else no run could show what is left when nothing finds hung cores.
    let is_found = wait_ns > 0 || !faults.has(FaultKind::AllCoresHang);
    for plan in &mut staged.ranks {
        let items = plan.items().count() as u64;
        let all_ns = (run_ns * WAITS).saturating_add(items.saturating_mul(ITEM_NS));
        for task in &mut plan.tasks {
            let is_of_ring = task.shape == Shape::Work || task.service().is_some();
            if task.run_budget_ns == 0 && is_found && is_of_ring {
                task.run_budget_ns = all_ns;
            }
        }
    }
    for task in staged.ranks.iter_mut().flat_map(|rank| &mut rank.tasks) {
        if task.run_budget_ns == 0 && is_found {
            task.run_budget_ns = run_ns.max(task.duration_ns.saturating_mul(DURATIONS));
        }
        if task.wait_budget_ns == 0 && task.defers > 0 {
            task.wait_budget_ns = wait_ns;
        }
    }
    (Cow::Owned(staged), injected)
}

/// What a counter of `plan` begins with: 0, unless counters are to wrap.
pub fn counter_base(
    plan: &RankPlan,
    faults: &Faults,
    (seed, rank, counter): (u64, u32, u32),
) -> u32 {
    let is_compared = |task: &TaskPlan| {
        let predicate = task.predicate.as_ref();
        predicate.is_some_and(|predicate| predicate.counter == counter)
    };
    if !faults.has(FaultKind::CounterWrap) || plan.tasks.iter().any(is_compared) {
        return 0;
    }
    let below = mix(mix(seed ^ u64::from(rank) << 32) ^ u64::from(counter)) % 3;
    u32::MAX - u32::try_from(below).unwrap_or(0)
}

/// Lets every wait of the rank begin where its counter does.
fn shift(plan: &mut RankPlan, faults: &Faults, (seed, rank): (u64, u32)) {
    let counters = 0..u32::try_from(plan.counters.len()).unwrap_or(u32::MAX);
    let bases: Vec<u32> = counters
        .map(|counter| counter_base(plan, faults, (seed, rank, counter)))
        .collect();
    for op in plan
        .tasks
        .iter_mut()
        .flat_map(|task| task.program.make_mut())
    {
        if let Op::Await { counter, expected } = op {
            *expected = expected.wrapping_add(bases[*counter as usize]);
        }
    }
}

/// `tasks` more tasks on the first rank, each waiting for an engine of its own.
fn crowd(workload: &mut Workload, tasks: u32) {
    let Some(plan) = workload.ranks.first_mut() else {
        return;
    };
    for one in 0..tasks {
        let counter = plan.add_counter(CounterPlace::Packed);
        let time = EngineTime::Ns(u64::from(one % 7) * 1_000);
        let task = plan.add_task(TaskPlan {
            defers: 1,
            program: vec![
                Op::Engine { counter, time },
                Op::Await {
                    counter,
                    expected: 1,
                },
            ]
            .into(),
            ..TaskPlan::new("one of a crowd", Shape::Aiv, 100)
        });
        workload.order.push(TaskRef { rank: 0, task });
    }
}

/// Lets a task register 65 conditions; `false` if no task can register any.
fn register_65(workload: &mut Workload, seed: u64) -> bool {
    let can = |at: &&TaskRef| always_runs(workload.task(**at));
    let able: Vec<TaskRef> = workload.order.iter().filter(can).copied().collect();
    let Some(draw) = mix(seed ^ 65).checked_rem(able.len() as u64) else {
        return false;
    };
    register_too_many(workload, able[usize::try_from(draw).expect("an index")])
}

/// Whether it has a program of its own that runs whatever a counter says.
fn always_runs(task: &TaskPlan) -> bool {
    let has_program = !matches!(task.shape, Shape::Dummy | Shape::Work);
    has_program && task.predicate.is_none() && task.service().is_none()
}

fn register_too_many(workload: &mut Workload, at: TaskRef) -> bool {
    let plan = &mut workload.ranks[at.rank as usize];
    if !always_runs(&plan.tasks[at.task as usize]) {
        return false;
    }
    let counter = plan.add_counter(CounterPlace::Packed);
    let task = &mut plan.tasks[at.task as usize];
    let expected = 0;
    let wait = Op::Await { counter, expected };
    task.program.extend(std::iter::repeat_n(wait, TOO_MANY));
    task.defers = 64;
    true
}

/// Lets the first operation of an engine that can say so fail, on the first rank that has one.
fn fail_engines(workload: &mut Workload, injected: &mut Injected) {
    let first_of = |plan: &RankPlan| {
        let ops = plan.tasks.iter().flat_map(|task| &task.program);
        let engines = ops.filter_map(|op| match op {
            Op::Post { lane, .. } => Some(lane.engine()),
            _ => None,
        });
        let mut engines = engines.filter(|engine| matches!(engine, Engine::Sdma | Engine::Urma));
        engines.next()
    };
    let mut ranks = (0..).zip(&workload.ranks);
    let found = ranks.find_map(|(rank, plan)| first_of(plan).map(|engine| (rank, engine)));
    if let Some((rank, engine)) = found {
        let (nth, status) = (0, FAILED_STATUS);
        let fault = EngineFault {
            rank,
            engine,
            nth,
            status,
        };
        workload.engine_faults.push(fault);
        injected.count(FaultKind::EngineError);
    }
}

/// Says of every counter which peer notifies it, so that conditions can name the peer.
fn name_sources(workload: &mut Workload) {
    let known = |plan: &RankPlan| {
        let mut sources = plan.sources.clone();
        sources.resize(plan.counters.len(), None);
        sources
    };
    let mut sources: Vec<Vec<Option<u32>>> = workload.ranks.iter().map(known).collect();
    for (rank, plan) in (0..).zip(&workload.ranks) {
        for op in plan.tasks.iter().flat_map(|task| &task.program) {
            if let Op::Notify { peer, counter, .. } = *op {
                sources[peer as usize][counter as usize] = Some(rank);
            }
        }
    }
    for (plan, sources) in workload.ranks.iter_mut().zip(sources) {
        plan.sources = sources;
    }
}

#[cfg(test)]
mod tests {
    use super::{Budgets, FaultKind, Faults, stage};
    use crate::demo::deferred_notify;
    use crate::workload::Op;
    use std::borrow::Cow;

    #[test]
    fn without_faults_a_workload_stays_what_it_is() {
        let demo = deferred_notify(2);
        let (staged, injected) = stage(&demo, &Faults::NONE, 7, Budgets::of(true, true));
        assert!(matches!(staged, Cow::Borrowed(_)));
        assert_eq!(injected.total(), 0);
    }

    #[test]
    fn staged_workloads_are_valid_and_every_task_has_its_budgets() {
        let demo = deferred_notify(2);
        for kind in [
            FaultKind::Crowd,
            FaultKind::Conditions65,
            FaultKind::CounterWrap,
        ] {
            let (staged, injected) = stage(&demo, &Faults::only(kind), 7, Budgets::of(true, true));
            assert_eq!(staged.check(), Ok(()), "{kind:?}");
            assert_eq!((injected.of(kind), injected.total()), (1, 1));
            let mut tasks = staged.ranks.iter().flat_map(|rank| &rank.tasks);
            let bound = |task: &crate::workload::TaskPlan| {
                task.run_budget_ns > 0 && (task.wait_budget_ns > 0 || task.defers == 0)
            };
            assert!(tasks.all(bound), "{kind:?}");
        }
    }

    #[test]
    fn one_task_registers_one_condition_too_many() {
        let demo = deferred_notify(2);
        let (staged, _) = stage(
            &demo,
            &Faults::only(FaultKind::Conditions65),
            0,
            Budgets::of(true, true),
        );
        let waits = |task: &crate::workload::TaskPlan| {
            let is_wait = |op: &&Op| matches!(op, Op::Await { .. });
            task.program.iter().filter(is_wait).count()
        };
        let mut tasks = staged.ranks.iter().flat_map(|rank| &rank.tasks);
        assert!(tasks.any(|task| waits(task) >= 65));
    }
}
