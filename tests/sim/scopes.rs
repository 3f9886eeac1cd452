//! Workloads with scopes and outputs: they pass, and a structural deadlock is told at once.

use finbox_scheduler::FaultCode;
use finbox_sim::demo;
use finbox_sim::workload::{RankPlan, Shape, TaskPlan, Workload};
use finbox_sim::world::{self, RunError, Settings};

use crate::fixture::{CLOCKS, TARGETS, crowd, lockstep, pass, run};

/// One rank, whose tasks open and close scopes as `plan` says: (opens, closes, output bytes).
fn scoped(plan: &[(u8, u8, u64)]) -> Workload {
    let mut rank = RankPlan::new(0);
    for (number, &(opens, closes, output_bytes)) in plan.iter().enumerate() {
        rank.add_task(TaskPlan {
            opens,
            closes,
            output_bytes,
            ..TaskPlan::new(format!("task {number}"), Shape::Aiv, 1_000)
        });
    }
    let ranks = vec![rank];
    Workload {
        name: "scoped".into(),
        order: Workload::order_by_turns(&ranks),
        ranks,
        ..Workload::default()
    }
}

/// Scopes of `tasks` tasks each, one after another, each inside one that spans everything.
fn batches(batches: usize, tasks: usize) -> Workload {
    let mut plan = vec![(1, 0, 64)];
    for _ in 0..batches {
        let mut batch = vec![(0, 0, 4_096); tasks];
        batch[0].0 = 1;
        batch[tasks - 1].1 = 1;
        plan.extend(batch);
    }
    plan.push((0, 1, 64));
    scoped(&plan)
}

fn refusal(workload: &Workload, settings: &Settings) -> (Option<FaultCode>, String) {
    let refused = world::run(workload, settings, &mut |_, _| {}).expect_err("it is a deadlock");
    let code = match &refused {
        RunError::Wiring { error, .. } => error.code(),
        _ => None,
    };
    (code, refused.to_string())
}

#[test]
fn batches_of_scopes_pass_with_a_ring_of_one_batch() {
    let workload = batches(50, 8);
    for target in TARGETS {
        for clock in CLOCKS {
            for (task_slots, heap_bytes) in [(None, None), (Some(8), Some(8 * 4_096))] {
                let settings = Settings {
                    clock,
                    task_slots,
                    heap_bytes,
                    ..lockstep(target, 2)
                };
                pass(&workload, &settings);
            }
        }
    }
}

#[test]
fn a_scope_larger_than_its_ring_is_told_at_once_with_code_1_and_numbers() {
    for target in TARGETS {
        for clock in CLOCKS {
            let settings = Settings {
                clock,
                task_slots: Some(8),
                patience_ns: u64::MAX,
                ..lockstep(target, 1)
            };
            let (code, text) = refusal(&batches(1, 9), &settings);
            assert_eq!(code, Some(FaultCode::ScopeDeadlock));
            let told = "rank 0, task task 9: all 8 task slots of ring 2 are in use, and the \
                        oldest is held by the open scope at depth 2 of 2, which has 8 tasks with \
                        32768 output bytes; more than 8 slots are needed";
            assert_eq!(text, told);
        }
    }
}

#[test]
fn nested_scopes_that_share_a_ring_and_fill_it_are_told_with_code_3() {
    for target in TARGETS {
        let settings = Settings {
            rings: Some(1),
            task_slots: Some(5),
            patience_ns: u64::MAX,
            ..lockstep(target, 1)
        };
        let (code, text) = refusal(&batches(1, 5), &settings);
        assert_eq!(code, Some(FaultCode::FlowControlDeadlock));
        assert!(text.contains("depth 1 of 2, which has 1 tasks"), "{text}");
    }
}

#[test]
fn outputs_that_an_open_scope_holds_and_that_fill_the_heap_are_told_with_code_2() {
    for target in TARGETS {
        let settings = Settings {
            heap_bytes: Some(3 * 4_096),
            patience_ns: u64::MAX,
            ..lockstep(target, 1)
        };
        let (code, text) = refusal(&batches(1, 4), &settings);
        assert_eq!(code, Some(FaultCode::HeapRingDeadlock));
        assert!(text.contains("4096 output bytes needed") && text.contains("12288 of 12288"));
        let (code, _) = refusal(&scoped(&[(0, 0, 3 * 4_096 + 1)]), &settings);
        assert_eq!(code, Some(FaultCode::HeapRingDeadlock));
    }
}

#[test]
fn a_tiny_ring_whose_head_waits_is_only_slow() {
    let mut waiting = crowd(1, 40, 3);
    for (number, task) in waiting.ranks[0].tasks.iter_mut().enumerate() {
        task.opens = u8::from(number % 2 == 0);
        task.closes = u8::from(number % 2 == 1);
        task.output_bytes = 64;
    }
    for target in TARGETS {
        for clock in CLOCKS {
            for rings in [1, 2] {
                let settings = Settings {
                    clock,
                    rings: Some(rings),
                    task_slots: Some(2),
                    heap_bytes: Some(128),
                    ..lockstep(target, 3)
                };
                pass(&waiting, &settings);
            }
        }
    }
}

#[test]
fn rings_change_no_result() {
    for target in TARGETS {
        let expected = run(&demo::dummy_task(2), &lockstep(target, 4)).result_digest;
        for rings in 1..=4 {
            let settings = Settings {
                rings: Some(rings),
                ..lockstep(target, 4)
            };
            assert_eq!(
                pass(&demo::dummy_task(2), &settings).result_digest,
                expected
            );
        }
    }
}

#[test]
fn a_scope_that_is_closed_and_was_not_opened_is_refused() {
    for target in TARGETS {
        let (code, text) = refusal(&scoped(&[(0, 0, 0), (1, 2, 0)]), &lockstep(target, 0));
        assert_eq!(code, None);
        assert_eq!(
            text,
            "rank 0, task task 1: a scope is closed, and none is open"
        );
    }
}
