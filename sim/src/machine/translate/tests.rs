//! What becomes of operations, and what is refused.

use super::{Ground, Kind, Op, Wrong, check, finbox_op, translate};
use crate::device::{RANK_STRIDE_BYTES, word_number};
use crate::engine::{Lane, Transfer};
use crate::workload::Part;
use finbox_scheduler::Subtasks;

const OWN: u64 = RANK_STRIDE_BYTES;
const PEER: u64 = 2 * RANK_STRIDE_BYTES;
const OTHER: u64 = 3 * RANK_STRIDE_BYTES;

/// 256 bytes at the start of each of three ranks.
struct Three;

impl Ground for Three {
    fn has(&self, address: u64, size_bytes: u64) -> bool {
        let end = address.checked_add(size_bytes);
        [OWN, PEER, OTHER]
            .iter()
            .any(|&start| address >= start && end.is_some_and(|end| end <= start + 256))
    }

    fn queues(&self) -> u16 {
        2
    }
}

fn op(kind: Kind, from: u64, to: u64, count: u64) -> finbox_op {
    finbox_op {
        kind: kind as u32,
        from,
        to,
        count,
        ..finbox_op::default()
    }
}

fn with(op: finbox_op, value: u64) -> finbox_op {
    finbox_op { value, ..op }
}

#[test]
fn operations_become_those_of_the_simulator() {
    let queue = |op| finbox_op { queue: 1, ..op };
    let ops = [
        with(op(Kind::Busy, 0, 0, 0), 5),
        op(Kind::Copy, OWN, PEER, 256),
        with(op(Kind::Notify, 0, PEER + 8, 0), 3),
        with(op(Kind::Await, OWN + 4, 0, 99), 2),
        queue(op(Kind::Post, PEER, OWN, 64)),
        queue(op(Kind::Post, OWN, PEER, 64)),
        queue(op(Kind::AwaitPost, 0, 0, 0)),
        with(op(Kind::Busy, 0, 0, 0), 6),
    ];
    let translated = translate(&ops, (0, Part::WHOLE), &Three).expect("all can be");
    let lane = Lane::Sdma { stream: 1 };
    let number = |address| word_number(address).expect("a word");
    let expected = [
        Op::Copy {
            from: OWN,
            to: PEER,
            bytes: 256,
        },
        Op::Notify {
            peer: 1,
            counter: number(PEER + 8),
            add: 3,
        },
        Op::Await {
            counter: number(OWN + 4),
            expected: 2,
        },
        Op::Post {
            lane,
            transfer: Transfer::get(1, PEER, OWN, 64),
        },
        Op::Post {
            lane,
            transfer: Transfer::put(1, OWN, PEER, 64),
        },
        Op::AwaitPost { lane },
    ];
    assert_eq!(translated.program, expected);
    assert_eq!((translated.busy_ns, translated.cookies), (11, vec![99]));
}

#[test]
fn a_block_moves_both_addresses_and_a_subtask_does_its_own() {
    let copy = finbox_op {
        stride: 32,
        subtasks: 4,
        ..op(Kind::Copy, OWN, PEER, 32)
    };
    let part = |block, subtask| translate(&[copy], (0, Part { block, subtask }), &Three);
    let moved = part(7, Subtasks::AIV1).expect("the last that fits");
    let (from, to, bytes) = (OWN + 224, PEER + 224, 32);
    assert_eq!(moved.program, [Op::Copy { from, to, bytes }]);
    assert_eq!(part(7, Subtasks::AIC), Ok(super::Translated::default()));
    let (address, size_bytes) = (OWN + 256, 32);
    let outside = Wrong::NotGiven {
        address,
        size_bytes,
    };
    assert_eq!(part(8, Subtasks::empty()), Err((0, outside)));
}

fn refused<const N: usize>(wrongs: [(finbox_op, Wrong); N]) {
    let fill = op(Kind::FillU32, 0, OWN, 4);
    for (op, wrong) in wrongs {
        assert_eq!(check(&[fill, op], 0, &Three), Err((1, wrong)), "{op:?}");
    }
}

fn at_queue(op: finbox_op, queue: u32) -> finbox_op {
    finbox_op { queue, ..op }
}

#[test]
fn a_field_that_cannot_be_is_refused_by_name() {
    let fill = op(Kind::FillU32, 0, OWN, 4);
    let kind = |kind| finbox_op { kind, ..fill };
    let subtasks = |subtasks| finbox_op { subtasks, ..fill };
    let mut reserved = fill;
    reserved.reserved[2] = 1;
    let far = finbox_op {
        stride: 1,
        ..op(Kind::Busy, 0, 0, 0)
    };
    refused([
        (kind(14), Wrong::Kind(14)),
        (kind(u32::MAX), Wrong::Kind(u32::MAX)),
        (reserved, Wrong::Reserved),
        (subtasks(8), Wrong::Subtasks(8)),
        (subtasks(256), Wrong::Subtasks(256)),
        (op(Kind::FillU32, 1, OWN, 4), Wrong::Unused("from")),
        (
            with(op(Kind::Copy, OWN, PEER, 1), 1),
            Wrong::Unused("value"),
        ),
        (far, Wrong::Unused("stride")),
        (at_queue(fill, 1), Wrong::Unused("queue")),
        (op(Kind::Notify, 0, OWN, 1), Wrong::Unused("count")),
        (op(Kind::Await, OWN, OWN, 1), Wrong::Unused("to")),
        (with(fill, 1 << 32), Wrong::Word(1 << 32)),
    ]);
}

#[test]
fn memory_and_queues_that_are_not_there_are_refused_by_name() {
    let not_given = |address, size_bytes| Wrong::NotGiven {
        address,
        size_bytes,
    };
    let overlap = |from, to| Wrong::Overlap { from, to };
    let (queue, queues) = (2, 2);
    let (rank, from, to) = (0, PEER, OTHER);
    let counter = |at| with(op(Kind::AddCounterF32, OWN, OWN, 1), at);
    let unaligned = OWN + 254;
    refused([
        (op(Kind::FillU32, 0, OWN + 2, 1), Wrong::Unaligned(OWN + 2)),
        (op(Kind::FillU32, 0, OWN, u64::MAX), Wrong::Beyond),
        (
            op(Kind::Notify, 0, unaligned, 0),
            Wrong::Unaligned(unaligned),
        ),
        (op(Kind::Later, 0, 0, 0), not_given(0, 4)),
        (op(Kind::Copy, OWN, PEER, 257), not_given(OWN, 257)),
        (counter(4), not_given(4, 4)),
        (op(Kind::Copy, OWN, OWN + 31, 32), overlap(OWN, OWN + 31)),
        (op(Kind::AddU32, OWN, OWN + 4, 2), overlap(OWN, OWN + 4)),
        (op(Kind::Await, PEER, 0, 0), Wrong::Peer(PEER)),
        (
            at_queue(op(Kind::AwaitPost, 0, 0, 0), queue),
            Wrong::Queue { queue, queues },
        ),
        (
            op(Kind::Post, from, to, 8),
            Wrong::Strangers { rank, from, to },
        ),
    ]);
}
