//! Which buffer of a rank bytes belong to, for people.
//!
//! Guarantees: every byte has one answer; where buffers lie over each other it is the smallest,
//! and the first of equals. Called by the comparison.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::workload::RankPlan;

/// The buffers of a rank by place.
#[derive(Debug)]
pub(super) struct Names {
    /// Where an answer begins, and the buffer; it holds up to the next.
    begins: Vec<(u64, Option<u32>)>,
}

impl Names {
    /// Of the buffers of `plan`.
    pub(super) fn of(plan: &RankPlan) -> Self {
        let mut edges = Vec::new();
        let buffers = (0_u32..).zip(&plan.buffers);
        for (index, buffer) in buffers.filter(|(_, buffer)| buffer.bytes > 0) {
            let one = (buffer.bytes, index);
            edges.push((buffer.offset, true, one));
            edges.push((buffer.offset.saturating_add(buffer.bytes), false, one));
        }
        edges.sort_unstable();
        let (mut here, mut begins) = (BTreeSet::new(), vec![(0, None)]);
        for (at, opens, one) in edges {
            match opens {
                true => here.insert(one),
                false => here.remove(&one),
            };
            let name = here.first().map(|&(_, index)| index);
            match begins.last_mut() {
                Some(last) if last.0 == at => last.1 = name,
                _ => begins.push((at, name)),
            }
        }
        Self { begins }
    }

    /// `range` in parts, each of one buffer or of none.
    pub(super) fn cut(&self, range: Range<u64>) -> Vec<(Option<u32>, Range<u64>)> {
        let first = self.begins.partition_point(|&(at, _)| at <= range.start) - 1;
        let (mut at, mut parts) = (range.start, Vec::new());
        for (index, &(_, name)) in self.begins.iter().enumerate().skip(first) {
            let next = self.begins.get(index + 1).map_or(u64::MAX, |&(at, _)| at);
            let end = next.min(range.end);
            if at < end {
                match parts.last_mut() {
                    Some((last, part)) if *last == name => {
                        let part: &mut Range<u64> = part;
                        part.end = end;
                    }
                    _ => parts.push((name, at..end)),
                }
            }
            at = at.max(end);
            if at >= range.end {
                break;
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::Names;
    use crate::workload::{BufferPlan, RankPlan};

    #[test]
    fn the_smallest_buffer_names_a_byte_and_gaps_belong_to_none() {
        let mut plan = RankPlan::new(0);
        for (offset, bytes) in [(8, 24), (16, 8), (40, 8), (16, 8), (4, 0)] {
            let name = "b".into();
            plan.buffers.push(BufferPlan {
                name,
                offset,
                bytes,
                takes: None,
            });
        }
        let names = Names::of(&plan);
        let expected = [
            (None, 0..8),
            (Some(0), 8..16),
            (Some(1), 16..24),
            (Some(0), 24..32),
            (None, 32..40),
            (Some(2), 40..48),
            (None, 48..100),
        ];
        assert_eq!(names.cut(0..100), expected);
        assert_eq!(names.cut(20..26), [(Some(1), 20..24), (Some(0), 24..26)]);
        assert_eq!(names.cut(9..9), []);
    }
}
