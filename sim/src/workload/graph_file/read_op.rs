//! Operations of a file → operations of a program.

use super::op::{LaneFile, OpFile, PostFile};
use super::problem::GraphProblem;
use super::read::{All, subtasks};
use super::scalar::NameOr;
use crate::engine::{Direction, Lane, Transfer};
use crate::workload::Service;
use crate::workload::op::{EngineTime, Op};

/// What `file` is in the own rank of `all`.
pub(super) fn op(all: &All<'_>, file: &OpFile) -> Result<Op, GraphProblem> {
    let counter = |name: &NameOr| all.own().counter(name);
    Ok(match file {
        OpFile::PerBlock {
            stride,
            subtasks: some,
            op: inner,
        } => Op::PerBlock {
            subtasks: subtasks(some),
            stride: *stride,
            op: Box::new(op(all, inner)?),
        },
        OpFile::Engine {
            counter: name,
            ns,
            bytes,
            rounds,
        } => Op::Engine {
            counter: counter(name)?,
            time: match (*ns, *bytes, *rounds) {
                (Some(ns), None, None) => EngineTime::Ns(ns),
                (None, Some(bytes), None) => EngineTime::Bytes(bytes),
                (None, Some(bytes), Some(rounds)) => EngineTime::Rounds { rounds, bytes },
                _ => return Err(GraphProblem::EngineTime),
            },
        },
        OpFile::Await {
            counter: name,
            expected,
        } => Op::Await {
            counter: counter(name)?,
            expected: *expected,
        },
        OpFile::FillPattern { at, bytes, seed } => Op::FillPattern {
            at: all.own().place(at)?,
            bytes: *bytes,
            seed: *seed,
        },
        OpFile::Scan {
            from,
            to,
            bytes,
            rules,
        } => Op::Scan {
            from: all.own().place(from)?,
            to: all.own().place(to)?,
            bytes: *bytes,
            rules: *rules,
        },
        OpFile::Serve {
            input,
            found,
            grain,
        } => Op::Serve(Service {
            input: all.own().place(input)?,
            found: all.own().place(found)?,
            grain: *grain,
        }),
        OpFile::AwaitPost { lane: file } => Op::AwaitPost {
            lane: lane(all, file)?,
        },
        OpFile::Put { .. }
        | OpFile::PutPattern { .. }
        | OpFile::Notify { .. }
        | OpFile::Get(_)
        | OpFile::Send(_) => with_peer(all, file)?,
        OpFile::SortU32 { .. } | OpFile::JoinU32 { .. } => of_columns(all, file)?,
        _ => in_memory(all, file)?,
    })
}

/// An operation on columns of words.
fn of_columns(all: &All<'_>, file: &OpFile) -> Result<Op, GraphProblem> {
    let own = |place: &NameOr| all.own().place(place);
    Ok(match file {
        OpFile::SortU32 { from, to, count } => Op::SortU32 {
            from: own(from)?,
            to: own(to)?,
            count: *count,
        },
        OpFile::JoinU32 {
            left,
            right,
            to,
            count,
        } => Op::JoinU32 {
            left: own(left)?,
            right: own(right)?,
            to: own(to)?,
            count: *count,
        },
        _ => unreachable!("only operations on columns come here"),
    })
}

/// An operation on the rank's own data.
fn in_memory(all: &All<'_>, file: &OpFile) -> Result<Op, GraphProblem> {
    let own = |place: &NameOr| all.own().place(place);
    Ok(match file {
        OpFile::Copy { from, to, bytes } => Op::Copy {
            from: own(from)?,
            to: own(to)?,
            bytes: *bytes,
        },
        OpFile::Store { at, value } => Op::StoreU32 {
            at: own(at)?,
            value: *value,
        },
        OpFile::Fill { at, count, value } => Op::FillU32 {
            at: own(at)?,
            count: *count,
            value: *value,
        },
        OpFile::AddU32 {
            from,
            to,
            count,
            add,
        } => Op::AddU32 {
            from: own(from)?,
            to: own(to)?,
            count: *count,
            add: *add,
        },
        OpFile::AccumulateU32 { from, to, count } => Op::AccumulateU32 {
            from: own(from)?,
            to: own(to)?,
            count: *count,
        },
        OpFile::ScaleF32 {
            from,
            to,
            count,
            by,
        } => Op::ScaleF32 {
            from: own(from)?,
            to: own(to)?,
            count: *count,
            by: by.0,
        },
        OpFile::AddF32 {
            from,
            to,
            count,
            add,
        } => Op::AddF32 {
            from: own(from)?,
            to: own(to)?,
            count: *count,
            add: add.0,
        },
        OpFile::AddCounterF32 {
            from,
            to,
            count,
            counter: name,
        } => Op::AddCounterF32 {
            from: own(from)?,
            to: own(to)?,
            count: *count,
            counter: all.own().counter(name)?,
        },
        _ => unreachable!("only operations on the own data come here"),
    })
}

/// An operation that reaches another rank.
fn with_peer(all: &All<'_>, file: &OpFile) -> Result<Op, GraphProblem> {
    Ok(match file {
        OpFile::Put {
            peer,
            from,
            to,
            bytes,
            timed_bytes,
        } => {
            let (peer, names) = all.peer(*peer)?;
            let (from, to, bytes) = (all.own().place(from)?, names.place(to)?, *bytes);
            match *timed_bytes {
                None => Op::Put {
                    peer,
                    from,
                    to,
                    bytes,
                },
                Some(timed_bytes) => Op::PutTimed {
                    peer,
                    from,
                    to,
                    bytes,
                    timed_bytes,
                },
            }
        }
        OpFile::PutPattern {
            peer,
            to,
            bytes,
            seed,
            timed_bytes,
        } => {
            let (peer, names) = all.peer(*peer)?;
            let timed_bytes = timed_bytes.unwrap_or(*bytes);
            Op::PutPattern {
                peer,
                to: names.place(to)?,
                bytes: *bytes,
                seed: *seed,
                timed_bytes,
            }
        }
        OpFile::Notify { peer, counter, add } => {
            let (peer, names) = all.peer(*peer)?;
            Op::Notify {
                peer,
                counter: names.counter(counter)?,
                add: *add,
            }
        }
        OpFile::Get(posted) => post(all, posted, Direction::Get)?,
        OpFile::Send(posted) => post(all, posted, Direction::Put)?,
        _ => unreachable!("only operations that reach a peer come here"),
    })
}

fn post(all: &All<'_>, file: &PostFile, direction: Direction) -> Result<Op, GraphProblem> {
    let PostFile {
        bytes, timed_bytes, ..
    } = *file;
    let (peer, names) = all.peer(file.peer)?;
    let (read, written) = match direction {
        Direction::Get => (names, all.own()),
        Direction::Put => (all.own(), names),
    };
    let transfer = Transfer {
        direction,
        peer,
        from: read.place(&file.from)?,
        to: written.place(&file.to)?,
        bytes,
        timed_bytes: timed_bytes.unwrap_or(bytes),
    };
    Ok(Op::Post {
        lane: lane(all, &file.lane)?,
        transfer,
    })
}

fn lane(all: &All<'_>, file: &LaneFile) -> Result<Lane, GraphProblem> {
    let counter = |name: &NameOr| all.own().counter(name);
    Ok(match file {
        LaneFile::Sdma(stream) => Lane::Sdma { stream: *stream },
        LaneFile::Urma(queue) => Lane::Urma { queue: *queue },
        LaneFile::Roce(name) => Lane::Roce {
            counter: counter(name)?,
        },
        LaneFile::Ccu(name) => Lane::Ccu {
            counter: counter(name)?,
        },
    })
}
