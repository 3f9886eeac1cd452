//! Spans that overlap, laid into rows in which none do.

/// The row of each span, from 0: the first in which it has room; `None` beyond `most` rows. Spans
/// come in the order in which they begin; two that only touch share a row.
pub(super) fn rows(spans: impl Iterator<Item = (u64, u64)>, most: usize) -> Vec<Option<usize>> {
    let mut ends: Vec<u64> = Vec::new();
    spans
        .map(|(begin, end)| {
            let row = ends.iter().position(|&last| last <= begin);
            let row = row.or((ends.len() < most).then_some(ends.len()))?;
            match ends.get_mut(row) {
                Some(last) => *last = end,
                None => ends.push(end),
            }
            Some(row)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn spans_that_overlap_are_in_different_rows_and_no_more_than_allowed() {
        let spans = [(0, 10), (5, 8), (6, 7), (8, 9), (10, 12), (10, 10)];
        let found = rows(spans.into_iter(), 2);
        assert_eq!(found, [Some(0), Some(1), None, Some(1), Some(0), Some(1)]);
    }
}
