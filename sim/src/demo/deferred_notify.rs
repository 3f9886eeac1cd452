//! `deferred_notify_demo`: a task whose completion is another rank's notify (facts.md §3).
//!
//! Every rank puts its partial into its left neighbour's mailbox and notifies it; a deferred task
//! waits for the own counter; a consumer copies the mailbox. The consumer depends on the waiter
//! through the token it declares and on the producer through the mailbox; nothing is explicit.
//!
//! The last rank's producer is late, so that its neighbour's consumer would read zeros if it did
//! not wait: the result proves the wait, and not a lucky race.

use std::ops::RangeInclusive;

use crate::device::{CounterPlace, WINDOW_ALIGN_BYTES};
use crate::workload::{Access, Check, Expect, Init, Op, RankPlan, Shape, TaskPlan, Workload};

/// How many ranks the demo runs on.
pub const DEFERRED_NOTIFY_RANKS: RangeInclusive<u32> = 2..=64;

/// `f32` values of a mailbox: 128 × 128.
const VALUES: u64 = 128 * 128;
const MAILBOX_BYTES: u64 = VALUES * 4;
/// Kernels that move a mailbox. A choice: 65 536 bytes at about 16 bytes a ns.
const MOVE_NS: u64 = 4_000;
/// How much longer the last rank's producer takes. A choice: more than 64 ranks need to submit
/// everything and to be through, if their consumers did not wait.
const LATE_NS: u64 = 400_000;
/// The kernel that registers a condition and returns. A choice.
const WAIT_NS: u64 = 500;

/// Buffers of a rank, by index; the first two are the window.
const MAILBOX: u32 = 0;
const COUNTER: u32 = 1;
const PARTIAL: u32 = 2;
const RESULT: u32 = 3;
const TOKEN: u32 = 4;
const SCRATCH: u32 = 5;

/// The demo on `ranks` ranks, which must lie in [`DEFERRED_NOTIFY_RANKS`].
pub fn deferred_notify(ranks: u32) -> Workload {
    let plans: Vec<RankPlan> = (0..ranks).map(|rank| plan(rank, ranks)).collect();
    let checks = (0..ranks).map(|rank| golden(rank, &plans)).collect();
    Workload {
        name: "deferred_notify_demo".into(),
        order: Workload::order_by_turns(&plans),
        ranks: plans,
        golden: true,
        checks,
        ..Workload::default()
    }
}

/// What rank `rank` starts with.
const fn partial(rank: u32) -> f32 {
    (rank + 1) as f32
}

fn golden(rank: u32, plans: &[RankPlan]) -> Check {
    let source = (rank as usize + 1) % plans.len();
    let value = partial(plans[source].rank);
    let at = plans[rank as usize].offset(RESULT);
    Check {
        rank,
        name: "result".into(),
        at,
        expect: Expect::F32 {
            count: VALUES,
            value,
        },
    }
}

fn plan(rank: u32, ranks: u32) -> RankPlan {
    let mut plan = RankPlan::new(rank);
    let buffers = [
        ("mailbox", MAILBOX_BYTES, WINDOW_ALIGN_BYTES),
        ("notify_counter", 4, 4),
        ("partial", MAILBOX_BYTES, WINDOW_ALIGN_BYTES),
        ("result", MAILBOX_BYTES, 64),
        ("token", 4, 64),
        ("scratch", 64, 64),
    ];
    for (name, bytes, align) in buffers {
        plan.add_buffer(name, bytes, align);
    }
    plan.add_counter(CounterPlace::Data(plan.offset(COUNTER)));
    let at = plan.offset(PARTIAL);
    plan.init.push(Init::F32 {
        at,
        count: VALUES,
        value: partial(rank),
    });
    let peer = (rank + ranks - 1) % ranks;
    let late_ns = if rank + 1 == ranks { LATE_NS } else { 0 };
    let tasks = [
        producer(&plan, peer, late_ns),
        notify_wait(&plan),
        consumer(&plan),
    ];
    plan.tasks.extend(tasks);
    plan
}

fn producer(plan: &RankPlan, peer: u32, late_ns: u64) -> TaskPlan {
    let (from, to) = (plan.offset(PARTIAL), plan.offset(MAILBOX));
    TaskPlan {
        uses: vec![
            plan.whole(PARTIAL, Access::In),
            plan.whole(MAILBOX, Access::InOut),
            plan.whole(SCRATCH, Access::Out),
        ]
        .into(),
        program: vec![
            Op::Put {
                peer,
                from,
                to,
                bytes: MAILBOX_BYTES,
            },
            Op::Notify {
                peer,
                counter: 0,
                add: 1,
            },
            Op::FillU32 {
                at: plan.offset(SCRATCH),
                count: 16,
                value: 1,
            },
        ]
        .into(),
        output: Some(plan.span(SCRATCH)),
        ..TaskPlan::new("producer", Shape::Aiv, MOVE_NS + late_ns)
    }
}

fn notify_wait(plan: &RankPlan) -> TaskPlan {
    TaskPlan {
        uses: vec![plan.whole(TOKEN, Access::Out)].into(),
        defers: 1,
        program: vec![
            Op::StoreU32 {
                at: plan.offset(TOKEN),
                value: 1,
            },
            Op::Await {
                counter: 0,
                expected: 1,
            },
        ]
        .into(),
        output: Some(plan.span(TOKEN)),
        ..TaskPlan::new("notify_wait", Shape::Aiv, WAIT_NS)
    }
}

fn consumer(plan: &RankPlan) -> TaskPlan {
    let (from, to) = (plan.offset(MAILBOX), plan.offset(RESULT));
    TaskPlan {
        uses: vec![
            plan.whole(TOKEN, Access::In),
            plan.whole(MAILBOX, Access::In),
            plan.whole(RESULT, Access::Out),
        ]
        .into(),
        program: vec![Op::Copy {
            from,
            to,
            bytes: MAILBOX_BYTES,
        }]
        .into(),
        output: Some(plan.span(RESULT)),
        ..TaskPlan::new("consumer", Shape::Aiv, MOVE_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFERRED_NOTIFY_RANKS, deferred_notify};
    use crate::demo::by_hand::run_in;
    use finbox_scheduler::{A2A3, A5};

    #[test]
    fn the_window_is_65_540_bytes_and_ends_with_the_counter() {
        let plan = &deferred_notify(2).ranks[0];
        let [mailbox, counter] = [&plan.buffers[0], &plan.buffers[1]];
        assert_eq!(
            (mailbox.offset, counter.offset + counter.bytes),
            (0, 65_540)
        );
    }

    #[test]
    fn every_number_of_ranks_gives_a_plan_that_names_what_exists() {
        for ranks in DEFERRED_NOTIFY_RANKS {
            let workload = deferred_notify(ranks);
            assert_eq!(workload.check(), Ok(()));
            assert_eq!(workload.order.len(), 3 * ranks as usize);
            assert_eq!(workload.planned_conditions(), u64::from(ranks));
        }
    }

    #[test]
    fn the_ranks_hand_their_partials_on_to_the_left() {
        for target in [A2A3, A5] {
            for ranks in [2, 3, 64] {
                let workload = deferred_notify(ranks);
                let devices = run_in(&workload, target, &workload.order);
                assert_eq!(workload.verify(&devices).max_diff, Some(0.0));
                let result = devices[0].data_address(workload.ranks[0].offset(3));
                assert_eq!(devices[0].dram().load_f32(result), 2.0);
            }
        }
    }

    #[test]
    fn a_consumer_before_the_notify_gives_a_wrong_result() {
        let workload = deferred_notify(2);
        let mut order = workload.order.clone();
        order.rotate_right(2);
        let devices = run_in(&workload, A2A3, &order);
        assert_eq!(workload.verify(&devices).max_diff, Some(2.0));
    }
}
