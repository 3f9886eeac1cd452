//! `crowd`: everybody waits for everybody.
//!
//! Each task adds 1 to one of 64 counters and waits for all 64 to have come as far as all tasks
//! together bring them. So none can complete before the last one has run: all of them, and all
//! their conditions, wait at once, whatever the clock and however small the mailbox.

use finbox_scheduler::limits::MAX_CONDITIONS;

use crate::device::CounterPlace;
use crate::workload::{Common, Op, RankPlan, Shape, TaskPlan, Workload};

/// How long a kernel runs, in ns. A choice.
const KERNEL_NS: u64 = 1_000;

/// A crowd of `tasks` tasks, each with 64 conditions.
pub fn crowd(tasks: u32) -> Workload {
    let mut plan = RankPlan::new(0);
    for _ in 0..MAX_CONDITIONS {
        plan.add_counter(CounterPlace::Packed);
    }
    let waits = (0..MAX_CONDITIONS).map(|counter| Op::Await {
        counter,
        expected: (tasks + MAX_CONDITIONS - 1 - counter) / MAX_CONDITIONS,
    });
    let waits: Vec<Op> = waits.collect();
    let kernel = |counter| {
        let (peer, add) = (0, 1);
        let notify = Op::Notify { peer, counter, add };
        [notify].into_iter().chain(waits.iter().cloned()).collect()
    };
    let kernels: Vec<Common<Op>> = (0..MAX_CONDITIONS).map(kernel).collect();
    for task in 0..tasks {
        plan.add_task(TaskPlan {
            defers: u8::try_from(MAX_CONDITIONS).expect("64 fits a byte"),
            program: kernels[(task % MAX_CONDITIONS) as usize].clone(),
            ..TaskPlan::new("waiter", Shape::Aiv, KERNEL_NS)
        });
    }
    let ranks = vec![plan];
    Workload {
        name: "crowd".into(),
        order: Workload::order_by_turns(&ranks),
        ranks,
        ..Workload::default()
    }
}
