//! Random workloads: task graphs of many shapes with a golden result, and limits so tiny that
//! every edge of the scheduler is met often.
//!
//! Guarantees: the same seed gives the same workload and limits; every workload can finish
//! whatever the limits: tasks wait only for tasks before them in the global order, and there is
//! condition room for every task that waits for a peer besides the largest that waits for an
//! engine of its own. What memory must hold is reckoned beside the plan, word by word, by code
//! that neither the simulator nor the runtime uses. Called by `run` and `check`.

mod build;
mod draw;
mod gate;
mod graph;
mod rank;
mod region;
mod scopes;
mod split;

use build::Builder;
use draw::Draw;

use super::plan::Workload;

/// Limits of a rank that fit a random workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Cores.
    pub cores: u16,
    /// FIN handlers.
    pub handlers: u8,
    /// Mailbox slots.
    pub mailbox_slots: u32,
    /// Task slots.
    pub task_slots: u32,
    /// Dependency nodes.
    pub edge_nodes: u32,
    /// Condition room.
    pub condition_room: u32,
    /// Output bytes of each ring.
    pub heap_bytes: u64,
}

/// Most ranks of a random workload, unless they are asked for.
const MOST_RANKS: u64 = 4;

/// The workload and the limits of `seed`; on `ranks` ranks, if that many are asked for. With
/// `has_urma` some transfers go through completion queues.
pub fn random(seed: u64, ranks: Option<u32>, has_urma: bool) -> (Workload, Limits) {
    let mut draw = Draw::new(seed);
    let drawn = draw.between(1, MOST_RANKS);
    let ranks = ranks.unwrap_or(u32::try_from(drawn).unwrap_or(1));
    let cores = draw.pick(&[1, 2, 3, 3, 4, 6, 9]);
    let tasks = draw.index(26) + 3;
    let mut builder = Builder::new(draw, ranks, (cores, has_urma));
    builder.build(tasks);
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::random;
    use crate::demo::by_hand::run_in;
    use crate::device::CounterPlace;
    use crate::workload::{Op, Priority, RankPlan, Shape, Workload};
    use finbox_mailbox::Engine;
    use finbox_scheduler::{A2A3, A5};

    fn awaits(rank: &RankPlan, wanted: u32) -> bool {
        let mut ops = rank.tasks.iter().flat_map(|task| &task.program);
        ops.any(|op| matches!(op, Op::Await { counter, .. } if *counter == wanted))
    }

    fn tasks(workload: &Workload) -> impl Iterator<Item = &crate::workload::TaskPlan> {
        workload.ranks.iter().flat_map(|rank| &rank.tasks)
    }

    #[test]
    fn every_seed_gives_a_valid_workload_that_is_right_by_hand() {
        for seed in 0..300 {
            let (workload, limits) = random(seed, None, true);
            assert_eq!(workload.check(), Ok(()), "seed {seed}");
            assert!(limits.mailbox_slots.is_power_of_two());
            assert_eq!((workload, limits), random(seed, None, true));
        }
        for seed in 0..60 {
            for target in [A2A3, A5] {
                let (workload, _) = random(seed, None, target == A5);
                assert!(target == A5 || !workload.needs_urma());
                let devices = run_in(&workload, target, &workload.order);
                let mut found = workload.verify(&devices);
                workload.verify_parts(&devices, |_| true, &mut found);
                assert_eq!(found.wrong, 0, "seed {seed}: {found:?}");
            }
        }
    }

    #[test]
    fn seeds_differ_and_together_reach_every_kind_of_task() {
        let all: Vec<Workload> = (0..300).map(|seed| random(seed, None, true).0).collect();
        let has = |is: &dyn Fn(&crate::workload::TaskPlan) -> bool| {
            all.iter().any(|workload| tasks(workload).any(is))
        };
        // Items need workers, which only whoever knows the whole graph can plan.
        for shape in Shape::ALL.into_iter().filter(|&shape| shape != Shape::Work) {
            assert!(has(&|task| task.shape == shape), "{shape:?}");
        }
        let holds =
            |task: &crate::workload::TaskPlan, is: fn(&Op) -> bool| task.program.iter().any(is);
        assert!(has(&|task| holds(task, |op| matches!(
            op,
            Op::Notify { .. }
        ))));
        assert!(has(&|task| holds(task, |op| matches!(
            op,
            Op::Engine { .. }
        ))));
        assert!(has(&|task| task.defers > 8));
        assert!(has(&|task| task.sync_start && task.blocks > 2));
        assert!(has(&|task| task.blocks == 5 && task.defers > 0));
        assert!(has(&|task| task.subtasks.is_all() && task.blocks > 1));
        assert!(has(&|task| task.priority == Priority::High));
        assert!(has(&|task| task.opens > 1));
        assert!(has(&|task| task.closes == 0 && task.output_bytes > 0));
        assert!(has(&|task| !task.after.is_empty()));
        assert!(all.iter().any(|workload| workload.ranks.len() == 4));
        assert_ne!(all[0], all[1]);
    }

    #[test]
    fn together_they_post_to_every_engine_and_compare_what_tasks_wrote_or_waited_for() {
        let all: Vec<Workload> = (0..300).map(|seed| random(seed, None, true).0).collect();
        let has = |is: &dyn Fn(&crate::workload::TaskPlan) -> bool| {
            all.iter().any(|workload| tasks(workload).any(is))
        };
        for engine in [Engine::Sdma, Engine::Urma] {
            let is_post = |op: &Op| matches!(op, Op::Post { lane, .. } if lane.engine() == engine);
            assert!(has(&|task| task.program.iter().any(is_post)), "{engine:?}");
        }
        for runs in [false, true] {
            assert!(has(&|task| task
                .predicate
                .is_some_and(|one| one.comparison.holds(0, one.value) == runs)));
        }
        let compares = |rank: &RankPlan, is: &dyn Fn(CounterPlace, u32) -> bool| {
            let mut all = rank.tasks.iter().filter_map(|task| task.predicate);
            all.any(|one| is(rank.counters[one.counter as usize], one.counter))
        };
        let mut ranks = all.iter().flat_map(|workload| &workload.ranks);
        let is_word = |place, _| matches!(place, CounterPlace::Data(_));
        assert!(ranks.any(|rank| compares(rank, &is_word)));
        assert!(ranks.any(|rank| compares(rank, &|_, counter| awaits(rank, counter))));
    }
}
