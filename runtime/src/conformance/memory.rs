//! Memory of a rank: given out, zeroed, copied, taken back, refused.

use super::rig::{Judged, Rig, Stop, demand};

/// Sizes of a check's allocations, none like another.
const SIZES: [u64; 7] = [1, 64, 100, 4096, 63, 777, 8200];

/// Two ranges of bytes that share one, if there are two.
pub(super) fn overlap(ranges: &mut [(u64, u64, String)]) -> Option<String> {
    ranges.sort_unstable();
    let pairs = ranges.windows(2);
    let mut shared = pairs.filter(|pair| pair[0].0 + pair[0].1 > pair[1].0);
    shared.next().map(|pair| {
        let [(a, a_size, one), (b, b_size, other)] = pair else {
            unreachable!("windows of two")
        };
        format!("{one} ({a_size} bytes at {a:#x}) and {other} ({b_size} bytes at {b:#x})")
    })
}

pub(super) fn aligned(rig: &mut Rig<'_>) -> Judged {
    let mut given = Vec::new();
    for rank in rig.ranks() {
        for (power, size) in (6..=12).zip(SIZES) {
            let align = 1_u64 << power;
            let at = rig.memory_at(rank, size, align)?;
            demand!(
                at != 0 && at.is_multiple_of(align) && at.checked_add(size).is_some(),
                "`allocate` of {size} bytes at a multiple of {align} on rank {rank} gave {at:#x}"
            );
            given.push((at, size, format!("memory of rank {rank}")));
        }
    }
    match overlap(&mut given) {
        None => Ok(()),
        Some(pair) => Err(Stop::Fail(format!(
            "`allocate` gave bytes out twice: {pair}"
        ))),
    }
}

pub(super) fn zeroed(rig: &mut Rig<'_>) -> Judged {
    for rank in rig.ranks() {
        for (round, size) in SIZES.into_iter().chain([8200; 3]).enumerate() {
            let at = rig.memory(rank, size)?;
            let count = usize::try_from(size).expect("a few thousand");
            let found = rig.get(at, count)?;
            if let Some(place) = found.iter().position(|&byte| byte != 0) {
                let what = format!("byte {place} of {size} bytes, the {round}. of rank {rank}");
                let value = found[place];
                return Err(Stop::Fail(format!(
                    "`allocate` gave memory that was used before: {what}, is {value:#04x}, not 0"
                )));
            }
            rig.put(at, &vec![0xFF; count])?;
            rig.give_back(rank, at)?;
        }
    }
    Ok(())
}

pub(super) fn copied(rig: &mut Rig<'_>) -> Judged {
    const BYTES: usize = 600;
    for rank in rig.ranks() {
        let mut expected: Vec<u8> = (0..=255).cycle().take(BYTES).collect();
        let at = rig.memory_with(rank, &expected)?;
        let offsets = [0, 1, 3, 4, 7, 8, 63, 64, 65, 129];
        let counts = [1, 2, 3, 4, 5, 8, 63, 64, 65, 127, 300];
        let each = offsets
            .iter()
            .flat_map(|&offset| counts.map(|count| (offset, count)));
        for (value, (offset, count)) in (1_u8..=u8::MAX).cycle().zip(each) {
            let bytes = vec![value ^ 0x5A; count];
            rig.put(at + offset as u64, &bytes)?;
            expected[offset..offset + count].copy_from_slice(&bytes);
            let found = rig.get(at, BYTES)?;
            same(&found, &expected, || {
                format!("`copy_in` of {count} bytes to offset {offset}, and `copy_out` of all")
            })?;
            let found = rig.get(at + offset as u64, count)?;
            same(&found, &bytes, || {
                format!("`copy_out` of {count} bytes from offset {offset}")
            })?;
        }
    }
    Ok(())
}

/// Fails with the first byte in which `found` is not as `expected`.
pub(super) fn same(found: &[u8], expected: &[u8], what: impl Fn() -> String) -> Judged {
    let mut pairs = found.iter().zip(expected);
    match pairs.position(|(found, expected)| found != expected) {
        None => Ok(()),
        Some(place) => Err(Stop::Fail(format!(
            "{}: byte {place} is {:#04x}, expected {:#04x}",
            what(),
            found[place],
            expected[place]
        ))),
    }
}

pub(super) fn released(rig: &mut Rig<'_>) -> Judged {
    const LARGE: u64 = 64 << 20;
    let part = (rig.facts.memory_bytes / 4).min(LARGE);
    for rank in rig.ranks() {
        // Six quarters of the memory, one after another: there is room only if they come back.
        for _ in 0..6 {
            let at = rig.memory(rank, part)?;
            rig.give_back(rank, at)?;
        }
        let at = rig.memory(rank, 256)?;
        let strange = [
            (at + 64, "lies inside of memory that was given out"),
            (0, "is null"),
        ];
        for (address, why) in strange {
            demand!(
                rig.machine.release(rank, address).is_err(),
                "`release` took {address:#x} of rank {rank}, which {why}; it must be refused"
            );
        }
        rig.give_back(rank, at)?;
        demand!(
            rig.machine.release(rank, at).is_err(),
            "`release` took {at:#x} of rank {rank} twice; the second must be refused"
        );
    }
    Ok(())
}

pub(super) fn refused(rig: &mut Rig<'_>) -> Judged {
    let memory = rig.facts.memory_bytes;
    for rank in rig.ranks() {
        for size in [
            memory + 64,
            memory.saturating_mul(16),
            u64::MAX - 63,
            u64::MAX,
        ] {
            match rig.machine.allocate(rank, size, 64) {
                Ok(at) => {
                    return Err(Stop::Fail(format!(
                        "`allocate` gave {size} bytes of rank {rank} out at {at:#x}; `open` said \
                         that it has {memory}"
                    )));
                }
                Err(error) => demand!(
                    error.code != 0 && !error.text.trim().is_empty(),
                    "`allocate` refused {size} bytes of rank {rank}, and `last_error` says nothing"
                ),
            }
        }
        rig.memory(rank, 4096)?;
    }
    Ok(())
}
