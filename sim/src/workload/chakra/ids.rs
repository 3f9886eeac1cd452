//! Which node of a rank has which id.
//!
//! Guarantees: an id is found in constant time where ids are dense, as in traces that were
//! recorded, and in logarithmic time otherwise; no content of a file makes it slower. Called by
//! `read`, and by `graph` for every edge.

/// Ids with the indices of their nodes.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// By id, once sorted.
    places: Vec<(u64, u32)>,
    /// Where ids are dense: for each from the least on its node's index plus 1, or 0.
    table: Vec<u32>,
}

/// Ids are dense if at least one in so many, from the least to the largest, occurs.
const SPARSEST: usize = 8;

/// The same id twice: indices of the node that had it first, and of the next that has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    pub(super) first: u32,
    pub(super) second: u32,
}

impl Ids {
    /// The node at `index`, which follows all that were added before, has `id`.
    pub(super) fn add(&mut self, id: u64, index: u32) {
        self.places.push((id, index));
    }

    /// Makes all that were added findable.
    ///
    /// # Errors
    /// [`Repeated`]: of the ids that occur twice the one that does so first in the file.
    pub(super) fn sort(&mut self) -> Result<(), Repeated> {
        if !self.places.is_sorted() {
            self.places.sort_unstable();
        }
        let twice = self.places.windows(2).filter(|two| two[0].0 == two[1].0);
        let repeated = twice.map(|two| Repeated {
            first: two[0].1,
            second: two[1].1,
        });
        match repeated.min_by_key(|repeated| repeated.second) {
            Some(repeated) => Err(repeated),
            None => {
                self.fill_table();
                Ok(())
            }
        }
    }

    fn fill_table(&mut self) {
        let (Some(&(first, _)), Some(&(last, _))) = (self.places.first(), self.places.last())
        else {
            return;
        };
        let span = usize::try_from(last - first).unwrap_or(usize::MAX);
        if span >= self.places.len().saturating_mul(SPARSEST) {
            return;
        }
        self.table = vec![0; span + 1];
        for &(id, index) in &self.places {
            let offset = usize::try_from(id - first).expect("at most the span");
            self.table[offset] = index + 1;
        }
    }

    /// The index of the node with `id`.
    pub(super) fn find(&self, id: u64) -> Option<u32> {
        if self.table.is_empty() {
            let place = self.places.binary_search_by_key(&id, |place| place.0);
            return place.ok().map(|place| self.places[place].1);
        }
        let offset = id.checked_sub(self.places.first()?.0)?;
        let found = self.table.get(usize::try_from(offset).ok()?)?;
        found.checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ids, Repeated};

    fn ids(all: &[u64]) -> Ids {
        let mut ids = Ids::default();
        (0..).zip(all).for_each(|(index, &id)| ids.add(id, index));
        ids
    }

    #[test]
    fn every_id_is_found_in_any_order_and_no_other_one() {
        for all in [
            &[3, 4, 5, 6][..],
            &[9, 7, u64::MAX, 0, 8],
            &[8, 1, 2, 4],
            &[0, 1, 40],
            &[],
        ] {
            let mut ids = ids(all);
            assert_eq!(ids.sort(), Ok(()));
            for id in (0..12).chain([u64::MAX - 1, u64::MAX]) {
                let expected = all.iter().position(|&one| one == id);
                assert_eq!(ids.find(id).map(|index| index as usize), expected);
            }
        }
    }

    #[test]
    fn the_first_repetition_in_the_file_is_told() {
        let repeated = |first, second| Err(Repeated { first, second });
        assert_eq!(ids(&[5, 1, 9, 9, 1, 5]).sort(), repeated(2, 3));
        assert_eq!(ids(&[1, 2, 2, 2]).sort(), repeated(1, 2));
    }
}
