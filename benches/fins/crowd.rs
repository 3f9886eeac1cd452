//! FINs that bring a condition while the dispatch thread polls 64 × 64 that do not hold.

use finbox_scheduler::{A2A3, Completion, Shape};
use finbox_sim::device::CounterPlace;
use finbox_sim::report::Percentiles;
use finbox_sim::workload::{Op, RankPlan, TaskPlan, Workload};
use finbox_sim::world::{Clock, Settings, run};

/// Tasks that wait all the time, and conditions of each.
const WAITERS: u32 = 64;
const CONDITIONS: u32 = 64;
/// Tasks between them, whose FINs bring one condition each, which holds.
const FINS: u32 = 10_000;
const KERNEL_NS: u64 = 20_000;
const LINE: u64 = 64;

/// How long handlers were busy with a FIN.
pub(crate) fn fin_handling(clock: Clock, completion: Completion) -> Percentiles {
    let settings = Settings {
        clock,
        completion,
        ..Settings::of(&A2A3)
    };
    let outcome = run(&workload(), &settings, &mut |_, _| {}).expect("it runs");
    assert!(outcome.stall.is_none(), "{:?}", outcome.stall);
    assert_eq!(
        outcome.ledger.completed,
        u64::from(2 * WAITERS + FINS),
        "every task completes"
    );
    assert!(
        outcome.ledger.polls > u64::from(WAITERS * CONDITIONS) * 10,
        "it polled"
    );
    outcome.latency.fin_handling
}

/// The waiters first; then the FINs that are measured; last, behind them, who makes the waiters'
/// conditions hold. Every counter stands on a line of its own.
fn workload() -> Workload {
    let mut plan = RankPlan::new(0);
    let counters = u64::from(WAITERS * CONDITIONS);
    let buffer = plan.add_buffer("counters", counters * LINE, LINE);
    let first = plan.offset(buffer);
    for counter in 0..counters {
        plan.add_counter(CounterPlace::Data(first + counter * LINE));
    }
    let of_waiter = |waiter: u32| waiter * CONDITIONS..(waiter + 1) * CONDITIONS;
    for waiter in 0..WAITERS {
        let wait = |counter| Op::Await {
            counter,
            expected: 1,
        };
        plan.add_task(TaskPlan {
            defers: CONDITIONS as u8,
            program: of_waiter(waiter).map(wait).collect(),
            ..TaskPlan::new("waiter", Shape::Aiv, KERNEL_NS)
        });
    }
    let mut last = Vec::new();
    for fin in 0..FINS {
        let holds = Op::Await {
            counter: fin % CONDITIONS,
            expected: 0,
        };
        let task = plan.add_task(TaskPlan {
            defers: 1,
            program: vec![holds].into(),
            ..TaskPlan::new("fin", Shape::Aiv, KERNEL_NS)
        });
        if fin + WAITERS >= FINS {
            last.push(task);
        }
    }
    for waiter in 0..WAITERS {
        let notify = |counter| Op::Notify {
            peer: 0,
            counter,
            add: 1,
        };
        plan.add_task(TaskPlan {
            after: last.clone().into(),
            program: of_waiter(waiter).map(notify).collect(),
            ..TaskPlan::new("notifier", Shape::Aiv, KERNEL_NS)
        });
    }
    let ranks = vec![plan];
    Workload {
        name: "FINs beside polls".into(),
        order: Workload::order_by_turns(&ranks),
        ranks,
        ..Workload::default()
    }
}
