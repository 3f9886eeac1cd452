//! What tasks wait for at their rank's engines, and what became of it: for the judge.
//!
//! Guarantees: a transfer's end is noted here before any word in memory tells the control CPU, so
//! a task that completed must find here that everything it waited for has ended, and well. Refuses
//! to serve the scheduler: no device has such a list. Written by programs and engines, read by
//! [`Workload::unmet`](crate::workload::Workload::unmet).

use std::collections::HashMap;
use std::sync::MutexGuard;

use crate::engine::Lane;
use crate::shared::Shared;

/// What became of a transfer that somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostState {
    /// It has not ended.
    Open,
    /// It has ended, and its bytes are there.
    Done,
    /// It has failed with this code.
    Failed(u16),
}

/// A transfer that somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AwaitedPost {
    /// Where it was posted.
    pub lane: Lane,
    /// Its number there.
    pub post: u64,
    /// What became of it.
    pub state: PostState,
}

/// What each task waits for.
type Tasks = HashMap<u32, Vec<AwaitedPost>>;

/// The transfers that a rank's tasks wait for; None: nobody judges them, so nothing is kept.
#[derive(Debug)]
pub struct Awaited(Option<Shared<Tasks>>);

impl Default for Awaited {
    fn default() -> Self {
        Self(Some(Shared::default()))
    }
}

impl Awaited {
    /// Keeps nothing: of a machine that never ends it would be ever more.
    pub const fn unjudged() -> Self {
        Self(None)
    }

    /// `task` waits for `post` of `lane`, which has not ended.
    pub fn begin(&self, task: u32, (lane, post): (Lane, u64)) {
        let Some(mut tasks) = self.lock() else {
            return;
        };
        let state = PostState::Open;
        let awaited = AwaitedPost { lane, post, state };
        tasks.entry(task).or_default().push(awaited);
    }

    /// `post` of `lane`, posted by `task`, has ended, with 0 or the code of its failure.
    pub fn end(&self, task: u32, (lane, post): (Lane, u64), status: u16) {
        let Some(mut tasks) = self.lock() else {
            return;
        };
        let posts = tasks.get_mut(&task).into_iter().flatten();
        for awaited in posts.filter(|one| (one.lane, one.post) == (lane, post)) {
            awaited.state = match status {
                0 => PostState::Done,
                _ => PostState::Failed(status),
            };
        }
    }

    /// The first that `task` waits for and that has not ended well.
    pub fn unmet(&self, task: u32) -> Option<AwaitedPost> {
        let tasks = self.lock()?;
        let mut posts = tasks.get(&task)?.iter();
        posts.find(|one| one.state != PostState::Done).copied()
    }

    fn lock(&self) -> Option<MutexGuard<'_, Tasks>> {
        self.0.as_ref().map(Shared::lock)
    }
}

#[cfg(test)]
mod tests {
    use super::{Awaited, AwaitedPost, PostState};
    use crate::engine::Lane;

    #[test]
    fn a_task_is_unmet_until_all_it_waits_for_has_ended_well() {
        let (awaited, lane) = (Awaited::default(), Lane::Sdma { stream: 1 });
        [1, 3]
            .into_iter()
            .for_each(|post| awaited.begin(7, (lane, post)));
        let unmet = |post, state| Some(AwaitedPost { lane, post, state });
        awaited.end(7, (lane, 2), 0);
        assert_eq!(awaited.unmet(7), unmet(1, PostState::Open));
        awaited.end(7, (lane, 1), 0);
        assert_eq!(awaited.unmet(7), unmet(3, PostState::Open));
        awaited.end(7, (lane, 3), 5);
        assert_eq!(awaited.unmet(7), unmet(3, PostState::Failed(5)));
        assert_eq!(awaited.unmet(8), None);
    }
}
