//! Operations of a program → operations of a file.

use super::op::{LaneFile, OpFile, PostFile};
use super::scalar::F32;
use super::write::{All, subtasks};
use crate::engine::{Direction, Lane, Transfer};
use crate::workload::op::{EngineTime, Op};

/// How `op` of rank `own`, as an index, is written.
pub(super) fn op(all: &All<'_>, own: u32, op: &Op) -> OpFile {
    let called = |counter: u32| all.names[own as usize].counter_called(counter);
    match *op {
        Op::Put { .. } | Op::PutTimed { .. } | Op::PutPattern { .. } | Op::Notify { .. } => {
            with_peer(all, own, op)
        }
        Op::Post { lane, transfer } => post(all, own, lane, transfer),
        Op::FillPattern { at, bytes, seed } => OpFile::FillPattern {
            at: all.names[own as usize].place_called(at),
            bytes,
            seed,
        },
        Op::Scan {
            from,
            to,
            bytes,
            rules,
        } => OpFile::Scan {
            from: all.names[own as usize].place_called(from),
            to: all.names[own as usize].place_called(to),
            bytes,
            rules,
        },
        Op::Serve(service) => OpFile::Serve {
            input: all.names[own as usize].place_called(service.input),
            found: all.names[own as usize].place_called(service.found),
            grain: service.grain,
        },
        Op::AwaitPost { lane } => OpFile::AwaitPost {
            lane: written(all, own, lane),
        },
        Op::PerBlock {
            subtasks: some,
            stride,
            op: ref inner,
        } => OpFile::PerBlock {
            stride,
            subtasks: subtasks(some),
            op: Box::new(self::op(all, own, inner)),
        },
        Op::Engine { counter, time } => {
            let (ns, bytes, rounds) = match time {
                EngineTime::Ns(ns) => (Some(ns), None, None),
                EngineTime::Bytes(bytes) => (None, Some(bytes), None),
                EngineTime::Rounds { rounds, bytes } => (None, Some(bytes), Some(rounds)),
            };
            OpFile::Engine {
                counter: called(counter),
                ns,
                bytes,
                rounds,
            }
        }
        Op::Await { counter, expected } => OpFile::Await {
            counter: called(counter),
            expected,
        },
        Op::SortU32 { .. } | Op::JoinU32 { .. } => of_columns(all, own, op),
        _ => in_memory(all, own, op),
    }
}

/// An operation on another rank's data or counter.
fn with_peer(all: &All<'_>, own: u32, op: &Op) -> OpFile {
    let names = &all.names[own as usize];
    match *op {
        Op::Put {
            peer,
            from,
            to,
            bytes,
        } => {
            let (peer, theirs) = all.peer(peer);
            OpFile::Put {
                peer,
                from: names.place_called(from),
                to: theirs.place_called(to),
                bytes,
                timed_bytes: None,
            }
        }
        Op::PutTimed {
            peer,
            from,
            to,
            bytes,
            timed_bytes,
        } => {
            let (peer, theirs) = all.peer(peer);
            OpFile::Put {
                peer,
                from: names.place_called(from),
                to: theirs.place_called(to),
                bytes,
                timed_bytes: Some(timed_bytes),
            }
        }
        Op::PutPattern {
            peer,
            to,
            bytes,
            seed,
            timed_bytes,
        } => {
            let (peer, theirs) = all.peer(peer);
            let timed_bytes = (timed_bytes != bytes).then_some(timed_bytes);
            OpFile::PutPattern {
                peer,
                to: theirs.place_called(to),
                bytes,
                seed,
                timed_bytes,
            }
        }
        Op::Notify { peer, counter, add } => {
            let (peer, theirs) = all.peer(peer);
            OpFile::Notify {
                peer,
                counter: theirs.counter_called(counter),
                add,
            }
        }
        _ => unreachable!("only operations that reach a peer come here"),
    }
}

/// An operation on columns of words.
fn of_columns(all: &All<'_>, own: u32, op: &Op) -> OpFile {
    let names = &all.names[own as usize];
    let place = |offset: u64| names.place_called(offset);
    match *op {
        Op::SortU32 { from, to, count } => OpFile::SortU32 {
            from: place(from),
            to: place(to),
            count,
        },
        Op::JoinU32 {
            left,
            right,
            to,
            count,
        } => OpFile::JoinU32 {
            left: place(left),
            right: place(right),
            to: place(to),
            count,
        },
        _ => unreachable!("only operations on columns come here"),
    }
}

/// An operation on the rank's own data.
fn in_memory(all: &All<'_>, own: u32, op: &Op) -> OpFile {
    let names = &all.names[own as usize];
    let place = |offset: u64| names.place_called(offset);
    match *op {
        Op::Copy { from, to, bytes } => OpFile::Copy {
            from: place(from),
            to: place(to),
            bytes,
        },
        Op::StoreU32 { at, value } => OpFile::Store {
            at: place(at),
            value,
        },
        Op::FillU32 { at, count, value } => OpFile::Fill {
            at: place(at),
            count,
            value,
        },
        Op::AddU32 {
            from,
            to,
            count,
            add,
        } => OpFile::AddU32 {
            from: place(from),
            to: place(to),
            count,
            add,
        },
        Op::AccumulateU32 { from, to, count } => OpFile::AccumulateU32 {
            from: place(from),
            to: place(to),
            count,
        },
        Op::ScaleF32 {
            from,
            to,
            count,
            by,
        } => OpFile::ScaleF32 {
            from: place(from),
            to: place(to),
            count,
            by: F32(by),
        },
        Op::AddF32 {
            from,
            to,
            count,
            add,
        } => OpFile::AddF32 {
            from: place(from),
            to: place(to),
            count,
            add: F32(add),
        },
        Op::AddCounterF32 {
            from,
            to,
            count,
            counter,
        } => OpFile::AddCounterF32 {
            from: place(from),
            to: place(to),
            count,
            counter: names.counter_called(counter),
        },
        _ => unreachable!("only operations on the own data come here"),
    }
}

fn post(all: &All<'_>, own: u32, lane: Lane, transfer: Transfer) -> OpFile {
    let Transfer {
        direction,
        peer,
        from,
        to,
        bytes,
        timed_bytes,
    } = transfer;
    let names = &all.names[own as usize];
    let (peer, theirs) = all.peer(peer);
    let (read, changed) = match direction {
        Direction::Get => (theirs, names),
        Direction::Put => (names, theirs),
    };
    let posted = PostFile {
        lane: written(all, own, lane),
        peer,
        from: read.place_called(from),
        to: changed.place_called(to),
        bytes,
        timed_bytes: (timed_bytes != bytes).then_some(timed_bytes),
    };
    match direction {
        Direction::Get => OpFile::Get(posted),
        Direction::Put => OpFile::Send(posted),
    }
}

fn written(all: &All<'_>, own: u32, lane: Lane) -> LaneFile {
    let called = |counter: u32| all.names[own as usize].counter_called(counter);
    match lane {
        Lane::Sdma { stream } => LaneFile::Sdma(stream),
        Lane::Urma { queue } => LaneFile::Urma(queue),
        Lane::Roce { counter } => LaneFile::Roce(called(counter)),
        Lane::Ccu { counter } => LaneFile::Ccu(called(counter)),
    }
}
