//! Which touches of a rank's data meet, one of them writing: each with the one before it.
//!
//! Touches are taken in an order that all paths of the plan follow. Whatever is ordered with the
//! last writer is ordered with those before, so every byte is looked at beside its last writer
//! and, for a write, its readers since. Guarantees: linear in touches and in the pieces into which
//! they cut the data. Refuses to know what orders them; the comparison asks. Called by it, once a
//! rank's data.

use std::ops::Range;

use super::paths::At;
use super::touch::Touch;

/// Bytes that somebody touched.
#[derive(Clone, Debug)]
pub(super) struct Met {
    /// Who.
    pub(super) at: At,
    /// How.
    pub(super) touch: Touch,
    /// Which bytes, as offsets in the data.
    pub(super) range: Range<u64>,
}

/// One piece of the data: the last who wrote it, and who read it since.
#[derive(Clone, Debug, Default)]
struct Piece {
    writer: Option<u32>,
    readers: Vec<u32>,
}

/// Tells `conflict` of every two of `touches` that meet: the earlier, the later, and where. They
/// must be in order of time as far as the plan has one.
pub(super) fn each_conflict(touches: &[Met], mut conflict: impl FnMut(usize, usize, Range<u64>)) {
    let mut cuts: Vec<u64> = touches
        .iter()
        .flat_map(|one| [one.range.start, one.range.end])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces = vec![Piece::default(); cuts.len()];
    for (index, one) in (0_u32..).zip(touches) {
        let first = cuts.partition_point(|&cut| cut < one.range.start);
        let last = cuts.partition_point(|&cut| cut < one.range.end);
        for (piece, range) in pieces[first..last].iter_mut().zip(cuts[first..].windows(2)) {
            let mut meet = |earlier: u32| {
                if touches[earlier as usize].at.0 != one.at.0 {
                    conflict(earlier as usize, index as usize, range[0]..range[1]);
                }
            };
            piece.writer.into_iter().for_each(&mut meet);
            match one.touch {
                Touch::Read => piece.readers.push(index),
                Touch::Write => {
                    piece.readers.drain(..).for_each(&mut meet);
                    piece.writer = Some(index);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Met, each_conflict};
    use crate::shadow::Act;
    use crate::shadow::touch::Touch::{Read, Write};

    #[test]
    fn a_touch_meets_the_last_writer_and_a_write_the_readers_since() {
        let touches = [
            (0, Write, 0..8),
            (1, Read, 4..12),
            (2, Read, 0..4),
            (2, Write, 0..6),
            (3, Read, 0..12),
        ];
        let touches = touches.map(|(task, touch, range)| Met {
            at: (task, Act::Kernel("op")),
            touch,
            range,
        });
        let mut met = Vec::new();
        each_conflict(&touches, |one, other, range| met.push((one, other, range)));
        let expected = [
            (0, 1, 4..6),
            (0, 1, 6..8),
            (0, 2, 0..4),
            (0, 3, 0..4),
            (0, 3, 4..6),
            (1, 3, 4..6),
            (3, 4, 0..4),
            (3, 4, 4..6),
            (0, 4, 6..8),
        ];
        assert_eq!(met, expected);
    }
}
