//! What has begun and not completed: each completion is decided here, once.
//!
//! A completion may be noticed by two routes. The first one counts, whichever it is; the other is
//! counted as a duplicate of its route, and one of something never begun as unknown.

use std::collections::VecDeque;

use super::executor::{Route, WorkId};

/// Most that may be begun and not completed unless somebody says otherwise.
pub(crate) const USUAL_ROOM: usize = 64;

/// Completions that changed nothing, by route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// Completed before.
    pub duplicate: [u64; Route::COUNT],
    /// Never begun.
    pub unknown: [u64; Route::COUNT],
}

/// A window over the numbers of what was begun, from the oldest that is still running.
#[derive(Debug)]
pub(crate) struct Flight {
    oldest: u64,
    /// Most that the window holds; then the next one waits for room.
    room: usize,
    /// The ring position that began it, as long as it runs.
    window: VecDeque<Option<u64>>,
    running: u32,
    completed: u64,
    notices: Notices,
}

impl Flight {
    /// # Panics
    /// If there is room for nothing.
    pub(crate) fn with_room(room: usize) -> Self {
        assert!(room > 0, "room for one at least: else nothing may begin");
        Self {
            oldest: 0,
            room,
            window: VecDeque::with_capacity(room),
            running: 0,
            completed: 0,
            notices: Notices::default(),
        }
    }

    /// Whether one more may begin. The window's length counts, so it never grows.
    pub(crate) fn has_room(&self) -> bool {
        self.window.len() < self.room
    }

    /// The number of what begins next.
    pub(crate) fn next(&self) -> WorkId {
        WorkId(self.oldest + self.window.len() as u64)
    }

    /// It has begun, at `position` of the ring.
    pub(crate) fn begin(&mut self, position: u64) {
        self.window.push_back(Some(position));
        self.running += 1;
    }

    /// Its end was noticed by `route`.
    pub(crate) fn complete(&mut self, route: Route, work: WorkId) {
        if work.0 < self.oldest {
            self.notices.duplicate[route.index()] += 1;
            return;
        }
        let index = usize::try_from(work.0 - self.oldest).unwrap_or(usize::MAX);
        match self.window.get_mut(index) {
            None => self.notices.unknown[route.index()] += 1,
            Some(None) => self.notices.duplicate[route.index()] += 1,
            Some(entry) => {
                *entry = None;
                self.running -= 1;
                self.completed += 1;
            }
        }
        while self.window.front() == Some(&None) {
            self.window.pop_front();
            self.oldest += 1;
        }
    }

    pub(crate) fn running(&self) -> u32 {
        self.running
    }

    pub(crate) fn completed(&self) -> u64 {
        self.completed
    }

    pub(crate) fn notices(&self) -> Notices {
        self.notices
    }

    /// The ring position that began the oldest one that runs.
    pub(crate) fn oldest_position(&self) -> Option<u64> {
        self.window.front().copied().flatten()
    }
}
