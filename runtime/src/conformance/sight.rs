//! What the control CPU sees: loads behind a refresh, what it may read, slabs, COND before a token.

use finbox_abi::FINBOX_COND_RESET;
use finbox_scheduler::SLAB_BYTES;

use super::memory::overlap;
use super::ops::mix;
use super::rig::{Judged, LINE, Rig, Stop, demand};
use super::tokens::said;

fn bytes_of(words: impl Iterator<Item = u64>) -> Vec<u8> {
    words.flat_map(u64::to_le_bytes).collect()
}

pub(super) fn loads(rig: &mut Rig<'_>) -> Judged {
    const WORDS: u64 = 32;
    for rank in rig.ranks() {
        let at = rig.memory(rank, WORDS * 8)?;
        for round in 0..4 {
            let value = |word: u64| mix(mix(round) ^ word);
            rig.put(at, &bytes_of((0..WORDS).map(value)))?;
            // One word a line alone, so that each needs its own refresh; the others behind it.
            for word in (0..WORDS).rev() {
                let (expected, address) = (value(word), at + word * 8);
                let found = rig.sees_u64(rank, address);
                demand!(
                    found == expected,
                    "`load_u64` of {address:#x} (rank {rank}), behind `refresh`, gave {found:#x}; \
                     `copy_in` had written {expected:#x}"
                );
                let halves = [rig.sees(rank, address), rig.sees(rank, address + 4)];
                let found = u64::from(halves[0]) | u64::from(halves[1]) << 32;
                demand!(
                    found == expected,
                    "`load_u32` of {address:#x} and the word behind it (rank {rank}), behind \
                     `refresh`, gave {halves:#x?}; `copy_in` had written {expected:#x}"
                );
            }
        }
    }
    Ok(())
}

pub(super) fn can_read(rig: &mut Rig<'_>) -> Judged {
    const BYTES: u64 = 256;
    for rank in rig.ranks() {
        let at = rig.memory(rank, BYTES)?;
        let port = rig.port(rank);
        for (offset, size) in [(0, 4), (0, 8), (4, 4), (252, 4), (192, 64), (0, BYTES)] {
            demand!(
                port.can_read(at + offset, size),
                "`can_read` of {size} bytes at {:#x} said no; `allocate` of rank {rank} gave them \
                 out",
                at + offset
            );
        }
        let beyond = [
            (0, 4, "null"),
            (0, 64, "null"),
            (at, 1 << 60, "more than there is"),
            (at, u64::MAX, "a size that wraps around"),
            (at, u64::MAX - at + 1, "an end that wraps around to 0"),
            (u64::MAX - 3, 4, "the end of all addresses"),
            (u64::MAX - 63, 64, "the end of all addresses"),
        ];
        for (address, size, what) in beyond {
            demand!(
                !port.can_read(address, size),
                "`can_read` of {size} bytes at {address:#x} (rank {rank}) said yes: that is {what}"
            );
        }
    }
    Ok(())
}

pub(super) fn slabs(rig: &mut Rig<'_>) -> Judged {
    let mut ranges = Vec::new();
    for rank in rig.ranks() {
        for size in [64, 4096, 64 << 10] {
            let at = rig.memory(rank, size)?;
            ranges.push((
                at,
                size,
                format!("memory that `allocate` of rank {rank} gave out"),
            ));
        }
    }
    for at in rig.everywhere() {
        let (port, other) = (rig.port(at.rank), rig.machine.port(at.rank));
        for parity in [0, 1] {
            let slab = port.slab_address(at.core, parity);
            demand!(
                slab != 0 && slab.is_multiple_of(LINE) && slab.checked_add(SLAB_BYTES).is_some(),
                "`slab_address` of {at}, parity {parity}, gave {slab:#x}: not a multiple of 64, \
                 or null"
            );
            let again = other.slab_address(at.core, parity);
            demand!(
                again == slab,
                "`slab_address` of {at}, parity {parity}, gave {slab:#x} and then {again:#x}"
            );
            ranges.push((
                slab,
                SLAB_BYTES,
                format!("the slab of {at}, parity {parity},"),
            ));
        }
    }
    match overlap(&mut ranges) {
        None => Ok(()),
        Some(pair) => Err(Stop::Fail(format!(
            "`slab_address` gave bytes that are not its own: {pair}"
        ))),
    }
}

pub(super) fn slab_stores(rig: &mut Rig<'_>) -> Judged {
    let all = rig.everywhere();
    let slabs = || {
        let both = |at| [0, 1].map(|parity| (at, parity));
        all.iter().copied().flat_map(both)
    };
    let words = [0, 8, 56, 64, 1032, SLAB_BYTES - 64, SLAB_BYTES - 8];
    for round in 1..=3_u64 {
        let value = |address: u64| mix(address ^ mix(round));
        for (at, parity) in slabs() {
            let port = rig.port(at.rank);
            let slab = port.slab_address(at.core, parity);
            for word in words {
                port.store_u64(slab + word, value(slab + word));
            }
            port.clean(slab, SLAB_BYTES);
        }
        for (at, parity) in slabs() {
            let port = rig.port(at.rank);
            let slab = port.slab_address(at.core, parity);
            port.refresh(slab, SLAB_BYTES);
            for word in words {
                let (found, expected) = (port.load_u64(slab + word), value(slab + word));
                demand!(
                    found == expected,
                    "`load_u64` of byte {word} of the slab of {at}, parity {parity}, gave \
                     {found:#x}; `store_u64` had written {expected:#x}, and `clean` and `refresh` \
                     followed"
                );
            }
        }
    }
    Ok(())
}

pub(super) fn cond_reset(rig: &mut Rig<'_>) -> Judged {
    let mut wrong = None;
    for at in rig.everywhere() {
        let word = rig.port(at.rank).load_cond(at.core);
        if word != FINBOX_COND_RESET {
            // It is told once: the checks behind this one start from what is there.
            rig.lane_mut(at).word = word;
            wrong.get_or_insert((at, word));
        }
    }
    wrong.map_or(Ok(()), |(at, word)| {
        let (word, expected) = (said(word), said(FINBOX_COND_RESET));
        Err(Stop::Fail(format!(
            "`load_cond` of {at} gave {word}; before the first token it is {expected}"
        )))
    })
}
