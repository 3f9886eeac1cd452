//! Buffers whose lives are over, and whose memory may still be touched.
//!
//! Guarantees: memory is given back once, when nobody touches it any more: neither a launch or a
//! task that uses it, nor one that a lost user came behind, nor a core that is late with either.

use finbox_scheduler::Fate;

use super::desk::Desk;
use super::{Freed, Rule, holds};
use crate::buffer::{BufferId, UseError};
use crate::user::Party;

#[derive(Debug)]
pub(super) struct Freeing {
    buffer: BufferId,
    size_bytes: u64,
    pub(super) users: Vec<Party>,
    /// Whether `users` are the last launches of all streams, and all tasks on no stream.
    is_wide: bool,
}

impl Desk {
    pub(super) fn free(&mut self, buffer: BufferId) -> Result<(), UseError> {
        let mut users = self.spare.pop().unwrap_or_default();
        let size_bytes = self.buffers.bytes_of(buffer);
        if let Err(error) = self.buffers.free(buffer, &mut users) {
            self.spare.push(users);
            return Err(error);
        }
        self.freeing.push(Freeing {
            buffer,
            size_bytes,
            users,
            is_wide: false,
        });
        Ok(())
    }

    /// Appends the freed buffers that nobody touches any more, each once.
    pub(super) fn take_freed(&mut self, freed: &mut Vec<Freed>) {
        let Self {
            freeing,
            spare,
            timelines,
            loose,
            owners,
            rests,
            ..
        } = self;
        // What was submitted runs on when its stream has ended.
        let may_run = |user: Party| match user {
            Party::Launch { timeline, .. } => {
                let at = timeline.index();
                owners[at].is_some() && !rests[at]
            }
            Party::Task { .. } => false,
        };
        let fate = |&user: &Party| match Self::fate((timelines, loose), user) {
            Fate::Failed if may_run(user) => Fate::Unfinished,
            fate => fate,
        };
        freeing.retain_mut(|one| {
            let is_lost = |user: &Party| fate(user) == Fate::Failed;
            if !one.is_wide && one.users.iter().any(is_lost) {
                // It never runs, but whom it was behind may, and that is forgotten.
                one.users.retain(|user| !is_lost(user));
                one.users.extend(timelines.ends().map(Party::from));
                let live = loose.live();
                one.users
                    .extend(live.map(|(launcher, slot)| Party::Task { launcher, slot }));
                one.is_wide = true;
            }
            one.users
                .retain(|user| holds(Rule::FreeAfterUse) && fate(user) == Fate::Unfinished);
            if one.users.is_empty() {
                spare.push(std::mem::take(&mut one.users));
                let (buffer, size_bytes) = (one.buffer, one.size_bytes);
                freed.push(Freed { buffer, size_bytes });
                return false;
            }
            true
        });
    }
}
