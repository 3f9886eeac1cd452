//! DMA queues: POST and AWAIT_POST.

use finbox_abi::finbox_op_kind::{AwaitPost, Post};
use finbox_abi::{finbox_completion, finbox_engine, finbox_op, finbox_slab_entry};

use super::ops::{mix, moves, op};
use super::rig::{Judged, LINE, Rig, Stop, demand};
use super::tokens::{At, Job};

const WORDS: usize = 125;
const BYTES: u64 = WORDS as u64 * 8;

fn needs(rig: &Rig<'_>) -> Judged {
    rig.needs(&[Post, AwaitPost])?;
    match rig.facts.dma_queues {
        0 => Err(Stop::Skip("it has no DMA queue".to_owned())),
        _ => Ok(()),
    }
}

fn on(queue: u32, one: finbox_op) -> finbox_op {
    finbox_op { queue, ..one }
}

/// Runs `posts` and an AWAIT_POST of `queue`: where its record is.
fn run(rig: &mut Rig<'_>, at: At, (queue, kernel): (u32, u64), posts: u64) -> Judged<u64> {
    let token = rig.work(at, &Job::of(kernel))?;
    let posted = &mut rig.posted[at.rank as usize][queue as usize];
    *posted += posts;
    let number = *posted;
    let left = rig.left(at, token);
    let record = left.entries.first().map_or(0, |entry| entry.addr);
    let expected = finbox_slab_entry {
        addr: record,
        cookie: number,
        expected: 0,
        engine: finbox_engine::Sdma as u32,
        completion_type: finbox_completion::SdmaEventRecord as i32,
        reserved: 0,
    };
    let what = format!("`await_post` behind transfer {number} of queue {queue}, counted from 1");
    rig.leaves((at, token), &[expected], &what)?;
    demand!(
        record.is_multiple_of(LINE) && rig.port(at.rank).can_read(record, LINE),
        "`await_post` of queue {queue} named {record:#x} as its event record: that is no multiple \
         of 64, or `can_read` of 64 bytes there says no"
    );
    Ok(record)
}

/// Waits until `record` says that `number` has ended: never back, never beyond, no failures.
fn ended(rig: &Rig<'_>, rank: u32, record: u64, number: u64) -> Judged {
    let mut before = 0;
    let ended = rig.wait_for(
        || format!("transfer {number} to end, by `completed` of the event record at {record:#x}"),
        || {
            let now = rig.sees_u64(rank, record);
            if now < before || now > number {
                return Some(Err(now));
            }
            before = now;
            (now == number).then_some(Ok(()))
        },
    )?;
    let failures = rig.sees_u64(rank, record + 8);
    demand!(
        failures == 0,
        "the event record at {record:#x} tells of {failures} failures; no transfer was wrong"
    );
    ended.map_err(|now| {
        Stop::Fail(format!(
            "`completed` of the event record at {record:#x} became {now}, behind {before}, with \
             {number} transfers posted; they end in order, and count from 1"
        ))
    })
}

/// Numbers, records, and the bytes that are there when the record says so.
pub(super) fn transfers(rig: &mut Rig<'_>) -> Judged {
    needs(rig)?;
    let mut records = Vec::new();
    for rank in rig.ranks().take(2) {
        let at = rig.worker(rank)?;
        let home = rig.neighbour(rank);
        for queue in 0..rig.facts.dma_queues.min(4) {
            let (from, to) = (rig.memory(rank, BYTES)?, rig.memory(home, BYTES)?);
            let ops = [
                on(queue, moves(Post, from, to, BYTES)),
                on(queue, op(AwaitPost)),
            ];
            let kernel = rig.kernel(rank, &ops)?;
            let mut own = None;
            for round in rig.rounds() {
                let value = mix(mix(round.into()) ^ to);
                rig.put(from, &value.to_le_bytes().repeat(WORDS))?;
                rig.sees_u64(home, to + BYTES - 8);
                let record = run(rig, at, (queue, kernel), 1)?;
                let first = *own.get_or_insert(record);
                demand!(
                    first == record,
                    "queue {queue} of rank {rank} had its record at {first:#x}, then {record:#x}"
                );
                let number = rig.posted[rank as usize][queue as usize];
                ended(rig, rank, record, number)?;
                for word in [BYTES - 8, 0, BYTES / 16 * 8] {
                    let found = rig.sees_u64(home, to + word);
                    demand!(
                        found == value,
                        "the record of queue {queue} said that transfer {number} had ended, and \
                         byte {word} of {BYTES} was not there: {found:#x}, expected {value:#x}"
                    );
                }
            }
            records.extend(own.map(|record| (record, rank, queue)));
        }
    }
    records.sort_unstable();
    match records.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        None => Ok(()),
        Some(pair) => Err(Stop::Fail(format!(
            "two queues have one event record (address, rank, queue): {pair:x?}"
        ))),
    }
}

/// Several transfers of one kernel: one condition, for the last; none, if it posted none.
pub(super) fn in_order(rig: &mut Rig<'_>) -> Judged {
    needs(rig)?;
    let at = rig.worker(0)?;
    let (from, to) = (rig.memory(0, 3 * BYTES)?, rig.memory(0, 3 * BYTES)?);
    let await_post = op(AwaitPost);
    // Each takes the bytes from where the one before put them: only in order they come through.
    let mut ops = vec![moves(Post, from, to, BYTES)];
    ops.extend([
        moves(Post, to, to + BYTES, BYTES),
        moves(Post, to + BYTES, from + BYTES, 104),
    ]);
    ops.push(await_post);
    let (kernel, none) = (rig.kernel(0, &ops)?, rig.kernel(0, &[await_post])?);
    for round in rig.rounds() {
        let value = mix(round.into());
        rig.put(from, &value.to_le_bytes().repeat(WORDS))?;
        let record = run(rig, at, (0, kernel), 3)?;
        let token = rig.work(at, &Job::of(none))?;
        rig.leaves(
            (at, token),
            &[],
            "`await_post` in a kernel that posted nothing",
        )?;
        ended(rig, 0, record, rig.posted[0][0])?;
        let found = rig.sees_u64(0, from + BYTES + 96);
        demand!(
            found == value,
            "three transfers of queue 0, each from where the one before put its bytes: the last \
             left {found:#x}, expected {value:#x}; they end one after another"
        );
    }
    Ok(())
}
