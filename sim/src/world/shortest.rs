//! The oracle of time: no run is shorter than its longest chain of kernels, nor than its work
//! divided among its cores.
//!
//! Holds in virtual time for runs in which everything ran: faults only make things later. Needs no
//! recording. Called when a run is summed up.

use super::order::Dependencies;
use crate::device::Device;
use crate::workload::{Part, RankPlan, Shape, Subtasks, TaskPlan};

/// The shortest that the tasks of one rank can take on its device, in ns.
pub(super) fn shortest_ns(plan: &RankPlan, after: &Dependencies, device: &Device) -> u64 {
    let (mut chains, mut work) = (Chains::of(plan), [0_u64; 3]);
    for (index, task) in (0..).zip(&plan.tasks) {
        let runs_ns = runs_ns(task);
        chains.add(runs_ns, after.before(index));
        add_work(&mut work, task, runs_ns);
    }
    chains.longest_ns.max(work_a_core_ns(work, device))
}

/// The chains of tasks; in a plan whoever is waited for comes first.
struct Chains {
    /// When each task ends at the earliest.
    ends: Vec<u64>,
    longest_ns: u64,
}

impl Chains {
    fn of(plan: &RankPlan) -> Self {
        Self {
            ends: Vec::with_capacity(plan.tasks.len()),
            longest_ns: 0,
        }
    }

    fn add(&mut self, runs_ns: u64, befores: &[u32]) {
        let ends = befores.iter().filter_map(|&at| self.ends.get(at as usize));
        let end = ends.max().copied().unwrap_or(0) + runs_ns;
        self.ends.push(end);
        self.longest_ns = self.longest_ns.max(end);
    }
}

/// How long a part of it runs at least: what a counter decides may not run at all.
const fn runs_ns(task: &TaskPlan) -> u64 {
    match (task.shape, task.predicate) {
        (Shape::Dummy, _) | (_, Some(_)) => 0,
        _ => task.duration_ns,
    }
}

/// Kinds of cores.
const KINDS: [Shape; 3] = [Shape::Aic, Shape::Aiv, Shape::Host];

/// Adds the work of a task, of which each part takes so long, to that of each kind of cores.
fn add_work(work: &mut [u64; 3], task: &TaskPlan, ns: u64) {
    let blocks = u64::from(task.blocks);
    match task.shape {
        Shape::Mix => Part::all_of(task).for_each(|part| {
            let kind = usize::from(part.subtask != Subtasks::AIC);
            work[kind] = work[kind].saturating_add(ns);
        }),
        shape => {
            let kind = KINDS.iter().position(|&kind| kind == shape).unwrap_or(0);
            work[kind] = work[kind].saturating_add(ns.saturating_mul(blocks));
        }
    }
}

/// The work of the kind of cores that has the most of it each.
fn work_a_core_ns(work: [u64; 3], device: &Device) -> u64 {
    let cores = |kind: Shape| {
        device
            .core_ids()
            .filter(move |&core| device.shape(core) == kind)
    };
    let each = KINDS.into_iter().zip(work);
    let each = each.map(|(kind, work)| work.checked_div(cores(kind).count() as u64).unwrap_or(0));
    each.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Dependencies, Device, RankPlan, Shape, TaskPlan, shortest_ns};
    use crate::device::{CostModel, DeviceOptions};
    use finbox_scheduler::A2A3;

    fn device(cores: u16) -> Device {
        let options = DeviceOptions {
            target: A2A3,
            cores,
            host_lanes: 0,
            cost: CostModel::FREE,
        };
        Device::new(options, 0, &[], 0)
    }

    #[test]
    fn a_diamond_is_as_long_as_its_longer_side_or_as_its_work_on_one_core() {
        let mut plan = RankPlan::new(0);
        let task = |after: &[u32], ns| TaskPlan {
            after: after.to_vec().into(),
            ..TaskPlan::new("task", Shape::Aiv, ns)
        };
        plan.tasks = vec![
            task(&[], 10),
            task(&[0], 20),
            task(&[0], 35),
            task(&[1, 2], 5),
        ];
        let after = Dependencies::of(&plan);
        assert_eq!(shortest_ns(&plan, &after, &device(3)), 10 + 35 + 5);
        assert_eq!(shortest_ns(&plan, &after, &device(1)), 10 + 20 + 35 + 5);
        plan.tasks[2].blocks = 4;
        let work = 10 + 20 + 4 * 35 + 5;
        assert_eq!(
            shortest_ns(&plan, &after, &device(3)),
            work / 2,
            "two AIVs of three cores"
        );
    }
}
