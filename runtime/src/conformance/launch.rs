//! Tokens and launches: ACK and FIN, two slots, which block, which subtask, several cores, EXIT.

use std::cell::Cell;

use finbox_abi::finbox_op_kind::{Busy, Copy, FillU32};
use finbox_abi::{FINBOX_SUBTASK_AIC, FINBOX_SUBTASK_AIV0, FINBOX_SUBTASK_AIV1, finbox_op};
use finbox_scheduler::{CoreId, Subtasks, Token};

use super::ops::{moves, notify, op};
use super::rig::{Judged, LINE, LINE_BYTES, Rig, Stop, demand};
use super::tokens::{At, Job, fin, said};

pub(super) fn empty_kernel(rig: &mut Rig<'_>) -> Judged {
    let everywhere = rig.everywhere();
    for rank in rig.ranks() {
        let kernel = rig.kernel(rank, &[])?;
        // Twice: a token of either parity.
        for _ in 0..2 {
            for &at in everywhere.iter().filter(|at| at.rank == rank) {
                let token = rig.work(at, &Job::of(kernel))?;
                quiet(rig, at, fin(token))?;
            }
        }
    }
    Ok(())
}

/// COND keeps its word while nothing is rung.
fn quiet(rig: &Rig<'_>, at: At, expected: u32) -> Judged {
    for _ in 0..32 {
        rig.machine.turn();
        let word = rig.port(at.rank).load_cond(at.core);
        demand!(
            word == expected,
            "`load_cond` of {at} gave {} behind {}, though no doorbell was rung",
            said(word),
            said(expected)
        );
    }
    Ok(())
}

/// Two tokens on one core: the second is staged while the first runs, and rung when that was taken.
pub(super) fn two_tokens(rig: &mut Rig<'_>) -> Judged {
    for at in rig.everywhere().into_iter().take(6) {
        let cells = rig.memory(at.rank, 2 * LINE)?;
        let fill = finbox_op {
            value: 1,
            stride: LINE,
            ..moves(FillU32, 0, cells, 1)
        };
        let long = finbox_op {
            value: 3_000,
            ..op(Busy)
        };
        // What is read when the kernel is over shows whose launch it was.
        let kernel = rig.kernel(at.rank, &[long, fill])?;
        for _ in rig.rounds() {
            rig.put(cells, &[0; 2 * LINE_BYTES])?;
            two_of(rig, at, kernel)?;
            let done = [0, 1].map(|block| rig.sees(at.rank, cells + block * LINE));
            demand!(
                done == [1, 1],
                "{at} took a launch of `stage_payload` for another token's: of two tokens, for \
                 the blocks 0 and 1 of a kernel, block 0 was run {}, block 1 {}",
                ["not at all", "once or more"][done[0].min(1) as usize],
                ["not at all", "once or more"][done[1].min(1) as usize]
            );
        }
    }
    Ok(())
}

fn two_of(rig: &mut Rig<'_>, at: At, kernel: u64) -> Judged {
    let first = rig.next_token(at)?;
    let second = first.next();
    let [one, other] = [0, 1].map(|block| Job::block(kernel, block, 2));
    rig.stage(at, first, &one);
    rig.ring(at, first);
    rig.stage(at, second, &other);
    let words = [first.bits(), fin(first), second.bits(), fin(second)];
    let last = Cell::new(0);
    let taken = rig.wait_for(
        || {
            let (first, last) = (said(words[0]), said(last.get()));
            format!("{at} to say {first} or FIN of it; `load_cond` still gives {last}")
        },
        || {
            last.set(rig.port(at.rank).load_cond(at.core));
            words[..2].contains(&last.get()).then_some(())
        },
    );
    taken?;
    rig.lane_mut(at).word = last.get();
    rig.ring(at, second);
    let behind = if last.get() == words[0] { 1 } else { 2 };
    rig.follow(at, &words[behind..])
}

pub(super) fn blocks(rig: &mut Rig<'_>) -> Judged {
    const BLOCKS: u16 = 400;
    let size = usize::from(BLOCKS) * 8;
    for rank in rig.ranks().take(2) {
        let bytes: Vec<u8> = (1..=u8::MAX).cycle().take(size).collect();
        let (from, to) = (
            rig.memory_with(rank, &bytes)?,
            rig.memory(rank, size as u64)?,
        );
        let counters = rig.memory(rank, size as u64)?;
        let stride = 8;
        let ops = [
            finbox_op {
                stride,
                ..moves(Copy, from, to, 5)
            },
            finbox_op {
                stride,
                ..notify(counters, 1)
            },
        ];
        let kernel = rig.kernel(rank, &ops)?;
        let (mut expected, mut counted) = (vec![0; size], vec![0; size]);
        for (at, block) in rig
            .everywhere()
            .into_iter()
            .filter(|at| at.rank == rank)
            .cycle()
            .zip([3, 0, BLOCKS - 1, 1, 256, 255])
        {
            rig.work(at, &Job::block(kernel, block, BLOCKS))?;
            let at_byte = usize::from(block) * 8;
            expected[at_byte..at_byte + 5].copy_from_slice(&bytes[at_byte..at_byte + 5]);
            counted[at_byte] = 1;
            let what = || {
                format!(
                    "block {block} of {BLOCKS} on {at}, as `stage_payload` was told, with a \
                     stride of 8 bytes"
                )
            };
            super::memory::same(&rig.get(to, size)?, &expected, || {
                format!("`copy`: {}", what())
            })?;
            let found = rig.get(counters, size)?;
            super::memory::same(&found, &counted, || format!("`notify`: {}", what()))?;
        }
    }
    Ok(())
}

/// Which words a kernel writes that is launched for a subtask.
pub(super) fn subtasks(rig: &mut Rig<'_>) -> Judged {
    let [cube, first, second] = [FINBOX_SUBTASK_AIC, FINBOX_SUBTASK_AIV0, FINBOX_SUBTASK_AIV1];
    let who = [0, cube, first, second, cube | second, cube | first | second];
    let places = [(Subtasks::AIC, 1), (Subtasks::AIV0, 0), (Subtasks::AIV1, 2)];
    for rank in rig.ranks().take(2) {
        let cells = rig.memory(rank, LINE)?;
        let fills = (0..).zip(who).map(|(word, subtasks)| finbox_op {
            subtasks,
            value: 1,
            ..moves(FillU32, 0, cells + word * 4, 1)
        });
        let fills: Vec<finbox_op> = fills.collect();
        let kernel = rig.kernel(rank, &fills)?;
        let there = |&(_, core): &(Subtasks, u16)| core < rig.facts.cores;
        let mixed: Vec<_> = places.into_iter().filter(there).collect();
        for (subtask, core) in mixed.into_iter().chain([(Subtasks::empty(), 0)]) {
            rig.put(cells, &[0; LINE_BYTES])?;
            let core = CoreId(core);
            let job = Job {
                subtask,
                ..Job::of(kernel)
            };
            rig.work(At { rank, core }, &job)?;
            let bits = u32::from(subtask.bits());
            for (word, subtasks) in (0..).zip(who) {
                let expected = subtasks == 0 || bits == 0 || subtasks & bits != 0;
                let found = rig.sees(rank, cells + word * 4) == 1;
                demand!(
                    found == expected,
                    "a launch with subtask {bits} (`stage_payload`): an operation with subtasks \
                     {subtasks} was {}, expected was the contrary",
                    if found { "done" } else { "not done" }
                );
            }
        }
    }
    Ok(())
}

/// All cores of all ranks at once, each on its own words, and all on one counter.
pub(super) fn together(rig: &mut Rig<'_>) -> Judged {
    let everywhere = rig.all_of_them()?;
    let counter = rig.memory(0, LINE)?;
    let lanes = rig.lanes().count();
    let mut kernels = Vec::new();
    for rank in rig.ranks() {
        let cells = rig.memory(rank, lanes as u64 * LINE)?;
        let fill = finbox_op {
            value: 1,
            stride: LINE,
            ..moves(FillU32, 0, cells, 1)
        };
        kernels.push((cells, rig.kernel(rank, &[fill, notify(counter, 1)])?));
    }
    let mut expected = 0_u32;
    for _ in rig.rounds() {
        for &(cells, _) in &kernels {
            rig.put(cells, &vec![0; lanes * LINE_BYTES])?;
        }
        let mut started = Vec::new();
        for &at in &everywhere {
            let kernel = kernels[at.rank as usize].1;
            let block = at.core.0;
            let blocks = rig.facts.cores + rig.facts.host_lanes;
            started.push((at, rig.start(at, &Job::block(kernel, block, blocks))?));
        }
        let ended: Vec<Judged> = started
            .iter()
            .map(|&(at, token)| rig.finish(at, token))
            .collect();
        ended.into_iter().collect::<Judged>()?;
        for &at in &everywhere {
            let cell = kernels[at.rank as usize].0 + u64::from(at.core.0) * LINE;
            demand!(
                rig.sees(at.rank, cell) == 1,
                "{at} said FIN, among all cores at once, and its block's word is not written"
            );
        }
        expected += u32::try_from(started.len()).expect("at most 64 ranks of 128 cores");
        let found = rig.sees(0, counter);
        if found != expected {
            return Err(Stop::Fail(format!(
                "all cores added 1 to one counter (`notify`) at once: it says {found}, expected \
                 {expected}; adding must be atomic"
            )));
        }
    }
    Ok(())
}

/// The last of all: a core answers EXIT with ACK of it.
pub(super) fn exit(rig: &mut Rig<'_>) -> Judged {
    if !rig.limits.end_cores {
        let reason = "cores run nothing afterwards; nobody asked for it".to_owned();
        return Err(Stop::Skip(reason));
    }
    for at in rig.all_of_them()? {
        rig.port(at.rank).ring_doorbell(at.core, Token::EXIT);
        rig.follow(at, &[Token::EXIT.bits()])?;
        rig.lane_mut(at).lost = Some(rig.check);
    }
    Ok(())
}
