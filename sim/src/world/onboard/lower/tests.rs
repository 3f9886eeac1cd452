//! Each operation of a program, as a device is told to do it.

use finbox_abi::{FINBOX_SUBTASK_AIC, FINBOX_SUBTASK_AIV1, finbox_op, finbox_op_kind as Kind};

use super::{LONGEST_LATER_NS, Lowering};
use crate::device::{CostModel, CounterPlace};
use crate::engine::{Lane, Transfer};
use crate::workload::{EngineTime, Op, RankPlan, Shape, Subtasks, TaskPlan, TaskRef, Workload};
use crate::world::onboard::DeviceRefusal;
use crate::world::places::Places;

/// Rank 0 has its data at 0x1000 and its counters at 0x100, rank 1 at 0x2000 and 0x200. The task
/// is rank 0's; its second counter is notified by rank 1.
fn lowered(program: Vec<Op>) -> Result<Vec<finbox_op>, DeviceRefusal> {
    let rank = |label| RankPlan {
        counters: vec![CounterPlace::Packed; 2],
        ..RankPlan::new(label)
    };
    let mut ranks = vec![rank(7), rank(8)];
    ranks[0].sources = vec![None, Some(1)];
    ranks[0].add_task(TaskPlan {
        program: program.into(),
        ..TaskPlan::new("task", Shape::Mix, 1)
    });
    let workload = Workload {
        ranks,
        ..Workload::default()
    };
    let places = [0x1000, 0x2000].map(|data| {
        let first = data >> 4;
        Places::new(data, [first, first + 4].into())
    });
    let lowering = Lowering {
        workload: &workload,
        places: &places,
        cost: &CostModel::A2A3,
    };
    lowering.kernel(TaskRef { rank: 0, task: 0 })
}

fn one(op: Op) -> finbox_op {
    let ops = lowered(vec![op]).unwrap();
    assert_eq!(ops.len(), 1);
    ops[0]
}

fn op(kind: Kind, from: u64, to: u64, count: u64, value: u64) -> finbox_op {
    finbox_op {
        kind: kind as u32,
        from,
        to,
        count,
        value,
        ..finbox_op::default()
    }
}

#[test]
fn what_stays_in_the_own_data_has_its_addresses() {
    let (from, to, count, bytes) = (8, 16, 3, 5);
    let add_f32 = Op::AddF32 {
        from,
        to,
        count,
        add: 1.5,
    };
    let scale = Op::ScaleF32 {
        from,
        to,
        count,
        by: 2.0,
    };
    let counted = Op::AddCounterF32 {
        from,
        to,
        count,
        counter: 1,
    };
    let both = |kind, count, value| op(kind, 0x1008, 0x1010, count, value);
    for (planned, expected) in [
        (Op::Copy { from, to, bytes }, both(Kind::Copy, 5, 0)),
        (
            Op::AddU32 {
                from,
                to,
                count,
                add: 9,
            },
            both(Kind::AddU32, 3, 9),
        ),
        (
            Op::AccumulateU32 { from, to, count },
            both(Kind::AccumulateU32, 3, 0),
        ),
        (add_f32, both(Kind::AddF32, 3, 1.5_f32.to_bits().into())),
        (scale, both(Kind::ScaleF32, 3, 2.0_f32.to_bits().into())),
        (counted, both(Kind::AddCounterF32, 3, 0x104)),
        (
            Op::StoreU32 { at: 4, value: 6 },
            op(Kind::FillU32, 0, 0x1004, 1, 6),
        ),
        (
            Op::FillU32 {
                at: 4,
                count,
                value: 6,
            },
            op(Kind::FillU32, 0, 0x1004, 3, 6),
        ),
        (
            Op::FillPattern {
                at: 1,
                bytes,
                seed: 3,
            },
            op(Kind::FillPattern, 0, 0x1001, 5, 3),
        ),
    ] {
        assert_eq!(one(planned.clone()), expected, "{planned:?}");
    }
}

#[test]
fn what_reaches_a_peer_has_the_peers_addresses() {
    let (peer, from, to, bytes) = (1, 8, 16, 5);
    let copy = op(Kind::Copy, 0x1008, 0x2010, 5, 0);
    assert_eq!(
        one(Op::Put {
            peer,
            from,
            to,
            bytes
        }),
        copy
    );
    let timed_bytes = 1 << 20;
    assert_eq!(
        one(Op::PutTimed {
            peer,
            from,
            to,
            bytes,
            timed_bytes
        }),
        copy
    );
    let pattern = Op::PutPattern {
        peer,
        to,
        bytes,
        seed: 3,
        timed_bytes,
    };
    assert_eq!(one(pattern), op(Kind::FillPattern, 0, 0x2010, 5, 3));
    let notify = Op::Notify {
        peer,
        counter: 1,
        add: 2,
    };
    assert_eq!(one(notify), op(Kind::Notify, 0, 0x204, 0, 2));
}

#[test]
fn conditions_name_their_counter_and_the_peer_that_notifies_it() {
    let expected = 4;
    let silent = one(Op::Await {
        counter: 0,
        expected,
    });
    assert_eq!(silent, op(Kind::Await, 0x100, 0, 0, 4));
    let named = one(Op::Await {
        counter: 1,
        expected,
    });
    assert_eq!(named, op(Kind::Await, 0x104, 0, 2 << 32, 4));
}

#[test]
fn posts_go_the_way_of_their_transfer_to_the_queue_of_their_stream() {
    let lane = Lane::Sdma { stream: 5 };
    let post = |transfer| one(Op::Post { lane, transfer });
    let on_queue = |op| finbox_op { queue: 5, ..op };
    let get = post(Transfer::get(1, 8, 16, 32));
    assert_eq!(get, on_queue(op(Kind::Post, 0x2008, 0x1010, 32, 0)));
    let put = post(Transfer::put(1, 8, 16, 32));
    assert_eq!(put, on_queue(op(Kind::Post, 0x1008, 0x2010, 32, 0)));
    let wait = one(Op::AwaitPost { lane });
    assert_eq!(wait, on_queue(op(Kind::AwaitPost, 0, 0, 0, 0)));
}

#[test]
fn engines_that_no_device_has_are_refused_with_their_task() {
    for lane in [
        Lane::Urma { queue: 2 },
        Lane::Roce { counter: 0 },
        Lane::Ccu { counter: 0 },
    ] {
        let transfer = Transfer::get(1, 0, 0, 4);
        for planned in [Op::Post { lane, transfer }, Op::AwaitPost { lane }] {
            let text = lowered(vec![planned]).unwrap_err().to_string();
            assert!(
                text.starts_with(&format!("rank 7, task task uses {lane}, ")),
                "{text}"
            );
        }
    }
}

#[test]
fn blocks_shift_bytes_and_neither_counters_nor_queues() {
    let per_block = |op| Op::PerBlock {
        subtasks: Subtasks::AIC | Subtasks::AIV1,
        stride: 64,
        op: Box::new(op),
    };
    let subtasks = FINBOX_SUBTASK_AIC | FINBOX_SUBTASK_AIV1;
    let store = one(per_block(Op::StoreU32 { at: 4, value: 6 }));
    let expected = op(Kind::FillU32, 0, 0x1004, 1, 6);
    assert_eq!(
        store,
        finbox_op {
            subtasks,
            stride: 64,
            ..expected
        }
    );
    for shared in [
        Op::Notify {
            peer: 1,
            counter: 0,
            add: 1,
        },
        Op::Await {
            counter: 0,
            expected: 1,
        },
        Op::AwaitPost {
            lane: Lane::Sdma { stream: 0 },
        },
        Op::Engine {
            counter: 0,
            time: EngineTime::Ns(1),
        },
    ] {
        let lowered = one(per_block(shared.clone()));
        assert_eq!(
            (lowered.subtasks, lowered.stride),
            (subtasks, 0),
            "{shared:?}"
        );
    }
}

#[test]
fn an_engine_ends_after_its_time_and_never_much_later() {
    let later = |ns| {
        one(Op::Engine {
            counter: 1,
            time: EngineTime::Ns(ns),
        })
    };
    assert_eq!(later(70), op(Kind::Later, 0, 0x104, 0, 70));
    assert_eq!(later(u64::MAX).value, LONGEST_LATER_NS);
}

#[test]
fn a_task_that_does_nothing_has_a_kernel_that_takes_no_time() {
    assert_eq!(lowered(Vec::new()).unwrap(), [op(Kind::Busy, 0, 0, 0, 0)]);
}
