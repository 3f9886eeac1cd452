//! Counters: what NOTIFY adds and when, and LATER.

use finbox_abi::finbox_op;
use finbox_abi::finbox_op_kind::{Copy, Later, Notify};

use super::ops::{mix, moves, notify, op};
use super::rig::{Judged, LINE, LINE_BYTES, Rig, Stop, demand};
use super::tokens::Job;

pub(super) fn adds(rig: &mut Rig<'_>) -> Judged {
    for rank in rig.ranks().take(2) {
        for home in [rank, rig.neighbour(rank)] {
            let counter = rig.memory_with(home, &[9; LINE_BYTES])?;
            let mut expected = 0x0909_0909_u32;
            for value in [1, 5, u32::MAX, 0x8000_0000, 0, 0x7FFF_FFFF] {
                rig.work_ops(rank, &[notify(counter + 8, value.into())])?;
                expected = expected.wrapping_add(value);
                let found = [4, 8, 12].map(|at| rig.sees(home, counter + at));
                demand!(
                    found == [0x0909_0909, expected, 0x0909_0909],
                    "`{}` of {value:#x} on rank {rank} to a counter of rank {home}: it and the \
                     words beside it are {found:#x?}, expected {expected:#x} between 0x9090909",
                    Notify.name()
                );
            }
        }
    }
    Ok(())
}

/// The moment a counter is seen raised, what was copied before it is there.
pub(super) fn last(rig: &mut Rig<'_>) -> Judged {
    const WORDS: u64 = 512;
    for rank in rig.ranks().take(2) {
        let home = rig.neighbour(rank);
        let from = rig.memory(rank, WORDS * 8)?;
        let (to, counter) = (rig.memory(home, WORDS * 8)?, rig.memory(home, LINE)?);
        let put = [moves(Copy, from, to, WORDS * 8), notify(counter, 1)];
        let (at, kernel) = (rig.worker(rank)?, rig.kernel(rank, &put)?);
        for round in rig.rounds() {
            let value = |word: u64| mix(word ^ mix(round.into()));
            let bytes: Vec<u8> = (0..WORDS)
                .flat_map(|word| value(word).to_le_bytes())
                .collect();
            rig.put(from, &bytes)?;
            // Read beforehand: lines that stay as they are without a refresh.
            rig.sees_u64(home, to + (WORDS - 1) * 8);
            let token = rig.start(at, &Job::of(kernel))?;
            let seen = rig.wait_for(
                || {
                    format!(
                        "the counter of rank {home} to reach {}, by `notify` on {at}",
                        round + 1
                    )
                },
                || (rig.sees(home, counter) == round + 1).then_some(()),
            );
            let words = [WORDS - 1, 0, WORDS / 2, WORDS - 8];
            let late = words.map(|word| (word, rig.sees_u64(home, to + word * 8), value(word)));
            rig.finish(at, token)?;
            seen?;
            if let Some((word, found, expected)) = late.into_iter().find(|row| row.1 != row.2) {
                return Err(Stop::Fail(format!(
                    "`notify` came before the `copy` that stands before it: in round {round} rank \
                     {home} saw the counter raised, and word {word} of the copy was {found:#x} \
                     (behind `refresh`), expected {expected:#x}"
                )));
            }
        }
    }
    Ok(())
}

pub(super) fn later(rig: &mut Rig<'_>) -> Judged {
    const VALUE: u64 = 2_000_000;
    rig.needs(&[Later])?;
    for rank in rig.ranks().take(2) {
        for home in [rank, rig.neighbour(rank)] {
            let counter = rig.memory_with(home, &7_u32.to_le_bytes())?;
            let operation = finbox_op {
                to: counter,
                value: VALUE,
                ..op(Later)
            };
            let (at, kernel) = (rig.worker(rank)?, rig.kernel(rank, &[operation])?);
            let began = rig.port(rank).now();
            rig.work(at, &Job::of(kernel))?;
            let found = rig.sees(home, counter);
            let passed = rig.port(rank).now() - began;
            demand!(
                found == 7 || passed >= VALUE / 2,
                "`later` on {at} had added already {passed} ns after its doorbell; it was to take \
                 {VALUE} ns from the kernel's end"
            );
            rig.wait_for(
                || format!("`later` on {at} to add 1 to a counter of rank {home}, {VALUE} ns on"),
                || (rig.sees(home, counter) != 7).then_some(()),
            )?;
            for _ in 0..64 {
                rig.machine.turn();
            }
            let found = rig.sees(home, counter);
            demand!(
                found == 8,
                "`later` made a counter {found} of 7; it adds 1, once"
            );
        }
    }
    Ok(())
}
