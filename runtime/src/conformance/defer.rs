//! Conditions in slabs: AWAIT, how many fit, and that FIN comes after them.

use finbox_abi::finbox_op_kind::{Await, FillU32};
use finbox_abi::{
    FINBOX_MAX_CONDITIONS, FINBOX_SLAB_ERROR_FATAL, FINBOX_SLAB_ERROR_OVERFLOW, finbox_completion,
    finbox_engine, finbox_op, finbox_slab_entry,
};
use finbox_scheduler::{ENTRIES_OFFSET, ENTRY_BYTES, SLAB_BYTES, Token};

use super::ops::{moves, op};
use super::rig::{Judged, LINE, Rig, Stop, demand};
use super::tokens::{At, Job};

/// What a core left in a slab.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) count: u32,
    pub(super) error: i32,
    /// As many as `count` says, 64 at most.
    pub(super) entries: Vec<finbox_slab_entry>,
}

#[expect(clippy::cast_possible_truncation, reason = "two fields in one word")]
const fn halves(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

impl Rig<'_> {
    /// What `at` left in the slab of `token`.
    pub(super) fn left(&self, at: At, token: Token) -> Left {
        let (port, slab) = (self.port(at.rank), self.slab(at, token));
        port.refresh(slab, SLAB_BYTES);
        let [count, error] = halves(port.load_u64(slab));
        let entry = |index: u64| {
            let base = slab + ENTRIES_OFFSET + index * ENTRY_BYTES;
            let [expected, engine] = halves(port.load_u64(base + 16));
            let [completion_type, reserved] = halves(port.load_u64(base + 24));
            finbox_slab_entry {
                addr: port.load_u64(base),
                cookie: port.load_u64(base + 8),
                expected,
                engine,
                completion_type: completion_type.cast_signed(),
                reserved,
            }
        };
        let entries = u64::from(count).min(FINBOX_MAX_CONDITIONS as u64);
        Left {
            count,
            error: error.cast_signed(),
            entries: (0..entries).map(entry).collect(),
        }
    }

    /// Fails unless `at` left exactly `entries` in the slab of `token`.
    pub(super) fn leaves(
        &self,
        (at, token): (At, Token),
        entries: &[finbox_slab_entry],
        what: &str,
    ) -> Judged {
        let left = self.left(at, token);
        let (count, error) = (left.count, left.error);
        demand!(
            (count as usize, error) == (entries.len(), 0),
            "the slab of {at}, token {}, behind its FIN and a `refresh`: count {count}, error \
             {error}; expected count {}, error 0, of {what}",
            token.bits(),
            entries.len()
        );
        let mut pairs = left.entries.iter().zip(entries);
        match pairs.position(|(left, entry)| left != entry) {
            None => Ok(()),
            Some(index) => Err(Stop::Fail(format!(
                "entry {index} of the slab of {at}, token {}, behind its FIN and a `refresh`: \
                 {:?}; expected {:?}, of {what}",
                token.bits(),
                left.entries[index],
                entries[index]
            ))),
        }
    }
}

/// What AWAIT leaves.
pub(super) const fn counter_entry(addr: u64, expected: u32, cookie: u64) -> finbox_slab_entry {
    finbox_slab_entry {
        addr,
        cookie,
        expected,
        engine: finbox_engine::Sdma as u32,
        completion_type: finbox_completion::Counter as i32,
        reserved: 0,
    }
}

/// "Await that the counter at `from` reaches `value`", with a cookie.
pub(super) fn awaits(from: u64, value: u32, cookie: u64) -> finbox_op {
    finbox_op {
        from,
        value: value.into(),
        count: cookie,
        ..op(Await)
    }
}

pub(super) fn entries(rig: &mut Rig<'_>) -> Judged {
    for at in rig.everywhere().into_iter().take(6) {
        let counters = rig.memory(at.rank, 4 * LINE)?;
        let rows = [
            (counters, 1, 0),
            (counters + 4, u32::MAX, 1 << 32),
            (counters + LINE, 0, u64::MAX),
            (counters, 1, 0x0123_4567_89AB_CDEF),
        ];
        let word = moves(FillU32, 0, counters + 3 * LINE, 1);
        for count in 0..=rows.len() {
            let rows = rows.iter().take(count);
            let expected: Vec<_> = rows
                .clone()
                .map(|row| counter_entry(row.0, row.1, row.2))
                .collect();
            let mut ops: Vec<_> = rows.map(|row| awaits(row.0, row.1, row.2)).collect();
            ops.push(word);
            let kernel = rig.kernel(at.rank, &ops)?;
            // Both parities: each has a slab of its own, and what stood in the other one stays.
            let what = format!("{count} `await`");
            let first = rig.work(at, &Job::of(kernel))?;
            rig.leaves((at, first), &expected, &what)?;
            let second = rig.work(at, &Job::of(kernel))?;
            rig.leaves((at, second), &expected, &what)?;
            let none = rig.kernel(at.rank, &[word])?;
            let third = rig.work(at, &Job::of(none))?;
            rig.leaves((at, third), &[], "a kernel without `await`")?;
            let other = format!("{what}, which the next token's kernel must leave alone");
            rig.leaves((at, second), &expected, &other)?;
        }
    }
    Ok(())
}

pub(super) fn sixty_four(rig: &mut Rig<'_>) -> Judged {
    let (at, ops, expected) = many(rig, FINBOX_MAX_CONDITIONS)?;
    let kernel = rig.kernel(at.rank, &ops)?;
    for _ in 0..2 {
        let token = rig.work(at, &Job::of(kernel))?;
        rig.leaves((at, token), &expected, "64 `await`")?;
    }
    Ok(())
}

pub(super) fn sixty_five(rig: &mut Rig<'_>) -> Judged {
    for count in [FINBOX_MAX_CONDITIONS + 1, FINBOX_MAX_CONDITIONS + 20] {
        let (at, ops, _) = many(rig, count)?;
        let kernel = rig.kernel(at.rank, &ops)?;
        let token = rig.work(at, &Job::of(kernel))?;
        let left = rig.left(at, token);
        demand!(
            left.error == FINBOX_SLAB_ERROR_OVERFLOW,
            "a kernel of {count} `await` on {at} left count {}, error {} in its slab; expected is \
             error {FINBOX_SLAB_ERROR_OVERFLOW} (FINBOX_SLAB_ERROR_OVERFLOW): 64 fit",
            left.count,
            left.error
        );
    }
    Ok(())
}

fn many(rig: &mut Rig<'_>, count: usize) -> Judged<(At, Vec<finbox_op>, Vec<finbox_slab_entry>)> {
    let counters = rig.memory(0, count as u64 * LINE)?;
    let rows = (0..).zip(0..).take(count);
    let rows = rows.map(|(index, expected): (u64, u32)| (counters + index * LINE, expected, index));
    let ops = rows
        .clone()
        .map(|row| awaits(row.0, row.1, row.2))
        .collect();
    let entries = rows.map(|row| counter_entry(row.0, row.1, row.2)).collect();
    Ok((rig.worker(0)?, ops, entries))
}

/// What a slab says is there when FIN is seen: a block's address differs from the one before.
pub(super) fn before_fin(rig: &mut Rig<'_>) -> Judged {
    const BLOCKS: u16 = 97;
    let everywhere = rig.everywhere();
    for rank in rig.ranks().take(2) {
        let counters = rig.memory(rank, u64::from(BLOCKS) * LINE)?;
        let stride = |one: finbox_op| finbox_op {
            stride: LINE,
            ..one
        };
        let ops = [
            awaits(counters, 5, 6),
            awaits(counters + 4, 7, 8),
            awaits(counters + 8, 9, 1),
        ];
        let kernel = rig.kernel(rank, &ops.map(stride))?;
        let lanes = everywhere.iter().filter(|at| at.rank == rank).cycle();
        for (_, (&at, block)) in rig.rounds().zip(lanes.zip((0..BLOCKS).cycle())) {
            let token = rig.work(at, &Job::block(kernel, block, BLOCKS))?;
            let line = counters + u64::from(block) * LINE;
            let expected = [(0, 5, 6), (4, 7, 8), (8, 9, 1)]
                .map(|(word, value, cookie)| counter_entry(line + word, value, cookie));
            let what = format!("block {block} of 3 `await` with a stride of 64");
            rig.leaves((at, token), &expected, &what)?;
        }
    }
    Ok(())
}

/// A kernel that nobody loaded fails, and the core goes on.
pub(super) fn unknown_kernel(rig: &mut Rig<'_>) -> Judged {
    for rank in rig.ranks().take(2) {
        let at = rig.worker(rank)?;
        let cell = rig.memory(rank, LINE)?;
        let mut value = 0;
        for unknown in [u64::MAX, 0x7777_7777_7777] {
            let token = rig.work(at, &Job::of(unknown))?;
            let error = rig.left(at, token).error;
            demand!(
                error == FINBOX_SLAB_ERROR_FATAL,
                "{at} was given kernel {unknown:#x}, which `load_kernel` did not give out, and \
                 left error {error} in its slab; expected is {FINBOX_SLAB_ERROR_FATAL} \
                 (FINBOX_SLAB_ERROR_FATAL), and then FIN"
            );
            value += 1;
            let fill = finbox_op {
                value,
                ..moves(FillU32, 0, cell, 1)
            };
            let kernel = rig.kernel(rank, &[fill])?;
            let token = rig.work(at, &Job::of(kernel))?;
            rig.leaves((at, token), &[], "a kernel behind an unknown one")?;
            let found = rig.sees(rank, cell);
            demand!(
                u64::from(found) == value,
                "behind an unknown kernel {at} said FIN of a good one, whose `fill_u32` left \
                 {found}, expected {value}"
            );
        }
    }
    Ok(())
}
