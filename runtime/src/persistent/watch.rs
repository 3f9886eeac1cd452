//! Who watches the workers: which of them has held the same position for how long.
//!
//! Guarantees: an age begins at the first look that saw the position, so it is never too large.
//! Refuses: to call a worker dead; whoever ran it knows, or decides by its age. Called by whoever
//! runs the workers, now and then, and for reports.

use std::num::NonZeroU32;

use finbox_mailbox::work::WorkRing;

/// A worker that holds an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerAge {
    /// Its name.
    pub name: NonZeroU32,
    /// Where the item was pushed.
    pub position: u64,
    /// Since when it has held it at least, in ns of the caller's clock.
    pub since_ns: u64,
    /// It went away and left the item: recover it.
    pub is_gone: bool,
}

/// What was seen of each worker line.
#[derive(Debug)]
pub struct WorkerWatch<'m> {
    ring: WorkRing<'m>,
    /// Position and since when, by line.
    seen: Vec<Option<(u64, u64)>>,
}

impl<'m> WorkerWatch<'m> {
    /// For the workers of `ring`, none of which was seen.
    pub fn new(ring: WorkRing<'m>) -> Self {
        Self {
            ring,
            seen: vec![None; ring.worker_lines() as usize],
        }
    }

    /// Looks at all workers at `now_ns` and lends those that hold something to `visit`, by line.
    pub fn look(&mut self, now_ns: u64, mut visit: impl FnMut(WorkerAge)) {
        for seat in self.ring.workers() {
            let seen = &mut self.seen[usize::from(seat.line)];
            let Some(position) = seat.holds else {
                *seen = None;
                continue;
            };
            let known = seen.filter(|&(held, _)| held == position);
            let (_, since_ns) = *seen.insert(known.unwrap_or((position, now_ns)));
            visit(WorkerAge {
                name: seat.name,
                position,
                since_ns,
                is_gone: seat.is_gone,
            });
        }
    }
}
