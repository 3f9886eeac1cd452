//! Programs that name what exists, and programs that do not.

use super::{EngineTime, Lane, MOST_TIMED_BYTES, Op, PlanError, RankPlan, Transfer};
use crate::device::{CounterPlace, EngineMemory, QueuePlan};
use crate::workload::{RuleSet, Scanned, Service, Shape, Subtasks, TaskPlan, Workload};

/// One mixed task of 4 blocks on a rank with 64 bytes, a counter, a stream and a queue.
fn with(program: Vec<Op>) -> Result<(), PlanError> {
    in_blocks(4, program)
}

fn in_blocks(blocks: u16, program: Vec<Op>) -> Result<(), PlanError> {
    let queue = QueuePlan {
        entries: 2,
        first: 0,
    };
    let engines = EngineMemory {
        sdma_streams: 1,
        completion_queues: vec![queue],
    };
    let mut rank = RankPlan {
        data_bytes: 64,
        counters: vec![CounterPlace::Packed],
        engines,
        rule_sets: vec![RuleSet::of([&b"rule"[..]])],
        ..RankPlan::new(0)
    };
    rank.add_task(TaskPlan {
        subtasks: Subtasks::AIC | Subtasks::AIV1,
        blocks,
        defers: 8,
        program: program.into(),
        ..TaskPlan::new("task", Shape::Mix, 1)
    });
    let order = Workload::order_by_turns(std::slice::from_ref(&rank));
    let ranks = vec![rank];
    Workload {
        ranks,
        order,
        ..Workload::default()
    }
    .check()
}

fn post(lane: Lane) -> Op {
    let transfer = Transfer::get(0, 0, 32, 32);
    Op::Post { lane, transfer }
}

fn per_block(stride: u64, op: Op) -> Op {
    Op::PerBlock {
        subtasks: Subtasks::AIV1,
        stride,
        op: Box::new(op),
    }
}

const STREAM: Lane = Lane::Sdma { stream: 0 };

#[test]
fn queues_that_exist_pass_and_others_are_refused() {
    for lane in [
        STREAM,
        Lane::Urma { queue: 0 },
        Lane::Roce { counter: 0 },
        Lane::Ccu { counter: 0 },
    ] {
        assert_eq!(with(vec![post(lane), Op::AwaitPost { lane }]), Ok(()));
    }
    for lane in [
        Lane::Sdma { stream: 1 },
        Lane::Urma { queue: 1 },
        Lane::Roce { counter: 1 },
        Lane::Ccu { counter: 1 },
    ] {
        let refused = with(vec![post(lane)]);
        assert!(matches!(refused, Err(PlanError::Missing { index: 1, .. })));
    }
}

#[test]
fn a_transfer_lies_inside_both_ranks_whichever_way_it_goes() {
    for (transfer, is_inside) in [
        (Transfer::get(0, 60, 0, 4), true),
        (Transfer::get(0, 61, 0, 4), false),
        (Transfer::put(0, 0, 61, 4), false),
        (Transfer::put(1, 0, 0, 4), false),
    ] {
        let op = Op::Post {
            lane: STREAM,
            transfer,
        };
        assert_eq!(with(vec![op]).is_ok(), is_inside, "{transfer:?}");
    }
}

#[test]
fn waiting_for_what_this_part_has_not_posted_is_refused() {
    let wait = Op::AwaitPost { lane: STREAM };
    let refused = [
        vec![wait.clone(), post(STREAM)],
        vec![per_block(0, post(STREAM)), wait.clone()],
    ];
    for program in refused {
        let refused = with(program);
        assert!(matches!(refused, Err(PlanError::NotPosted { .. })));
    }
    let own = vec![per_block(0, post(STREAM)), per_block(0, wait)];
    assert_eq!(with(own), Ok(()));
}

#[test]
fn what_is_read_and_what_is_written_do_not_overlap() {
    let copy = |to, bytes| Op::Copy { from: 8, to, bytes };
    let put = |to, bytes| Op::Put {
        peer: 0,
        from: 8,
        to,
        bytes,
    };
    let get = |to, bytes| Op::Post {
        lane: STREAM,
        transfer: Transfer::get(0, 8, to, bytes),
    };
    let add = |to, bytes: u64| Op::AddU32 {
        from: 8,
        to,
        count: bytes / 4,
        add: 1,
    };
    let scale = |to, bytes: u64| Op::ScaleF32 {
        from: 8,
        to,
        count: bytes / 4,
        by: 2.0,
    };
    let all: [&dyn Fn(u64, u64) -> Op; 5] = [&copy, &put, &get, &add, &scale];
    for op in all {
        for (to, bytes, is_apart) in [(0, 8, true), (0, 12, false), (12, 8, false), (16, 8, true)] {
            let op = op(to, bytes);
            for op in [op.clone(), per_block(4, op)] {
                let refused = with(vec![op.clone()]);
                let is_overlap = matches!(refused, Err(PlanError::Overlap { .. }));
                assert_eq!(
                    (refused.is_ok(), is_overlap),
                    (is_apart, !is_apart),
                    "{op:?}"
                );
            }
        }
    }
    assert!(matches!(
        with(vec![copy(8, 4)]),
        Err(PlanError::Overlap { .. })
    ));
    assert_eq!(
        with(vec![
            copy(8, 0),
            put(8, 4),
            get(8, 4),
            add(8, 4),
            scale(8, 4)
        ]),
        Ok(())
    );
}

#[test]
fn a_scan_reads_what_is_there_beside_its_words_by_rules_that_are_there() {
    let scan = |from, to, bytes, rules| {
        let op = Op::Scan {
            from,
            to,
            bytes,
            rules,
        };
        with(vec![op])
    };
    for (from, to, bytes) in [(8, 0, 56), (0, 56, 56), (3, 8, 5), (64, 8, 0)] {
        assert_eq!(scan(from, to, bytes, 0), Ok(()));
    }
    for (from, to, bytes) in [(7, 0, 8), (0, 52, 53), (16, 12, 1), (0, 0, 64)] {
        let refused = scan(from, to, bytes, 0);
        assert!(matches!(refused, Err(PlanError::Overlap { .. })), "{from}");
    }
    assert!(matches!(scan(8, 2, 8, 0), Err(PlanError::Unaligned { .. })));
    for (from, to, bytes) in [(60, 0, 5), (0, 60, 8), (u64::MAX, 0, 1)] {
        let refused = scan(from, to, bytes, 0);
        assert!(matches!(refused, Err(PlanError::Outside { .. })), "{from}");
    }
    assert!(matches!(scan(8, 0, 8, 1), Err(PlanError::Missing { .. })));
}

#[test]
fn words_are_aligned_in_blocks_between_too() {
    let store = |stride| per_block(stride, Op::StoreU32 { at: 0, value: 0 });
    assert_eq!(in_blocks(5, vec![store(4)]), Ok(()));
    let refused = in_blocks(5, vec![store(5)]);
    assert!(matches!(refused, Err(PlanError::Unaligned { at: 5, .. })));
}

#[test]
fn the_last_block_lies_inside_too() {
    let store = |at| Op::StoreU32 { at, value: 0 };
    assert_eq!(with(vec![per_block(16, store(12))]), Ok(()));
    let outside = with(vec![per_block(16, store(16))]);
    assert!(matches!(outside, Err(PlanError::Outside { at: 64, .. })));
    let nested = with(vec![per_block(0, per_block(0, store(0)))]);
    assert!(matches!(nested, Err(PlanError::Nested { .. })));
}

#[test]
fn the_time_of_more_bytes_than_pass_is_refused() {
    let lane = Lane::Sdma { stream: 0 };
    let with_bytes = |bytes: u64| {
        [
            Op::Engine {
                counter: 0,
                time: EngineTime::Bytes(bytes),
            },
            Op::Engine {
                counter: 0,
                time: EngineTime::Rounds { rounds: 2, bytes },
            },
            Op::Post {
                lane,
                transfer: Transfer::get(0, 8, 0, 4).timed(bytes),
            },
            Op::PutTimed {
                peer: 0,
                from: 8,
                to: 0,
                bytes: 4,
                timed_bytes: bytes,
            },
            Op::PutPattern {
                peer: 0,
                to: 0,
                bytes: 4,
                seed: 1,
                timed_bytes: bytes,
            },
        ]
    };
    for op in with_bytes(MOST_TIMED_BYTES) {
        assert_eq!(with(vec![op]), Ok(()));
    }
    for op in with_bytes(MOST_TIMED_BYTES + 1) {
        let refused = with(vec![op]);
        assert!(
            matches!(refused, Err(PlanError::TooMuch { .. })),
            "{refused:?}"
        );
    }
}

/// So many that looking for the workers once an item would never end.
#[test]
fn items_in_front_of_their_workers_are_looked_at_without_a_search_for_each() {
    let (items, grain) = (200_000, 64);
    let service = Service {
        input: 0,
        found: items * grain,
        grain,
    };
    let mut rank = RankPlan {
        data_bytes: items * (grain + Scanned::BYTES),
        rule_sets: vec![RuleSet::of([&b"rule"[..]])],
        ..RankPlan::new(0)
    };
    for item in 0..items {
        let scan = Op::Scan {
            from: item * grain,
            to: service.found + item * Scanned::BYTES,
            bytes: grain,
            rules: 0,
        };
        rank.add_task(TaskPlan {
            program: vec![scan].into(),
            ..TaskPlan::new("scan", Shape::Work, 0)
        });
    }
    rank.add_task(TaskPlan {
        program: vec![Op::Serve(service)].into(),
        ..TaskPlan::new("workers", Shape::Aiv, 0)
    });
    let order = Workload::order_by_turns(std::slice::from_ref(&rank));
    let workload = Workload {
        ranks: vec![rank],
        order,
        ..Workload::default()
    };
    assert_eq!(workload.check(), Ok(()));
}
