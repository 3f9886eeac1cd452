//! Who is stuck, by name: the stall report of a run that cannot go on.

use finbox_scheduler::{Scheduler, SlotId, Standing, Stuck};

use crate::device::SimPort;
use crate::report::{Address, ConditionReport, StallReport, StalledTask};
use crate::workload::Workload;

/// Collects the stuck tasks of all ranks; all threads are at rest.
///
/// Tasks that wait for conditions come first, then what runs, is ready, and is blocked by others:
/// roots before their victims.
pub(super) fn report<'a, 'm: 'a>(
    workload: &Workload,
    ranks: impl Iterator<Item = (&'a Scheduler<'m>, SimPort<'a>)>,
    fed: bool,
) -> StallReport {
    let mut stuck: Vec<(u8, StalledTask)> = Vec::new();
    let mut rooms = Vec::new();
    for ((scheduler, port), plan) in ranks.zip(&workload.ranks) {
        rooms.push(scheduler.room());
        let mut conditions: Vec<(SlotId, ConditionReport)> = Vec::new();
        scheduler.for_each_unmet(&port, |unmet| {
            let report = ConditionReport {
                engine: format!("{:?}", unmet.engine).to_uppercase(),
                completion_type: "COUNTER".to_owned(),
                address: Address(unmet.addr),
                expected: u64::from(unmet.expected),
                observed: u64::from(unmet.observed),
                age_ns: unmet.age_ns,
            };
            conditions.push((unmet.slot, report));
        });
        conditions.sort_by_key(|&(slot, _)| slot);
        scheduler.for_each_stuck(
            |Stuck {
                 slot,
                 task,
                 standing,
             }| {
                let first = conditions.partition_point(|&(owner, _)| owner < slot);
                let own = conditions[first..]
                    .iter()
                    .take_while(|&&(owner, _)| owner == slot);
                let index = usize::try_from(task.0).ok();
                let name = index.and_then(|index| plan.tasks.get(index));
                let (urgency, state) = describe(standing);
                let task = StalledTask {
                    task: task.0,
                    name: name.map_or_else(String::new, |task| task.name.to_string()),
                    state,
                    rank: u16::try_from(plan.rank).unwrap_or(u16::MAX),
                    conditions: own.map(|(_, condition)| condition.clone()).collect(),
                };
                stuck.push((urgency, task));
            },
        );
    }
    stuck.sort_by_key(|&(urgency, _)| urgency);
    let (promised, room) = rooms.into_iter().fold((0, 0), |(p, r), (promised, room)| {
        (p + u64::from(promised), r + u64::from(room))
    });
    let class = match (stuck.first(), fed) {
        (Some((0, _)), _) => "waiting on async",
        (Some((1, _)), _) => "running",
        (Some((2, _)), _) if promised > 0 => {
            return filled(
                format!("ready, with {promised} of {room} condition room promised"),
                stuck,
            );
        }
        (Some((2, _)), _) => "ready",
        (Some(_), _) => "blocked",
        (None, false) => "submission blocked",
        (None, true) => "nothing is stuck",
    };
    filled(class.to_owned(), stuck)
}

fn filled(class: String, stuck: Vec<(u8, StalledTask)>) -> StallReport {
    let mut report = StallReport::new(class);
    stuck.into_iter().for_each(|(_, task)| report.push(task));
    report
}

fn describe(standing: Standing) -> (u8, String) {
    match standing {
        Standing::WaitingOnAsync => (0, "waiting on async".to_owned()),
        Standing::Running { core } => (1, format!("running on core {}", core.0)),
        Standing::Ready => (2, "ready".to_owned()),
        Standing::Blocked { producers: 1 } => (3, "blocked by 1 task".to_owned()),
        Standing::Blocked { producers } => (3, format!("blocked by {producers} tasks")),
    }
}
