//! Tasks on no stream that use buffers: what they come behind, and what became of them.
//!
//! Guarantees: a task is over when no core can touch its bytes any more, so one that failed is not
//! over while a core is late with it. What a task comes behind includes what the tasks in front of
//! it come behind. Memory is bounded by the task slots of the launchers, and serves again.
//!
//! Called by the desk, under the planning lock; launchers tell what became of their tasks.

use finbox_scheduler::{Fate, SlotId};

use crate::stream::TimePoint;

/// Tasks that are looked at in one turn, beside those that somebody waits for.
const LOOKS: usize = 16;

/// The last task of a slot that was recorded.
#[derive(Debug)]
struct Task {
    slot: SlotId,
    /// The last point of each timeline that it comes behind.
    behind: Vec<TimePoint>,
    /// What became of it, once it is over.
    fate: Fate,
    /// Which lives of the slot before this one failed, the last in bit 0.
    failed: u64,
    is_listed: bool,
}

impl Task {
    /// What became of an earlier life of the slot. Who failed 64 lives ago or more is forgotten: it
    /// may have been anyone, and who does not know waits.
    fn fate_of(&self, slot: SlotId) -> Fate {
        let age = self.slot.generation().wrapping_sub(slot.generation());
        match age.checked_sub(1) {
            None => self.fate,
            Some(life) if life < u64::BITS && self.failed >> life & 1 == 0 => Fate::Completed,
            Some(_) => Fate::Failed,
        }
    }

    /// The next life of the slot that is recorded; this one ended with `fate`.
    fn follow(&mut self, slot: SlotId, fate: Fate) {
        let lives = slot.generation().wrapping_sub(self.slot.generation());
        let own = u64::from(fate == Fate::Failed);
        let earlier = self.failed.checked_shl(lives).unwrap_or(0);
        self.failed = earlier | own.checked_shl(lives.wrapping_sub(1)).unwrap_or(0);
        (self.slot, self.fate) = (slot, Fate::Unfinished);
    }
}

#[derive(Debug, Default)]
struct OfLauncher {
    /// By slot.
    tasks: Vec<Option<Task>>,
    /// Slots whose task is not known to be over, each once, and some others.
    live: Vec<u32>,
    next: usize,
}

impl OfLauncher {
    /// What was recorded last in the place of `slot`: that task itself, or one behind it.
    fn task(&self, slot: SlotId) -> Option<&Task> {
        let task = self.tasks.get(slot.index())?.as_ref();
        task.filter(|task| task.slot.generation() >= slot.generation())
    }

    /// `slot` is over.
    fn end(&mut self, slot: SlotId, fate: Fate) {
        let task = self.tasks[slot.index()].as_mut();
        if let Some(task) = task.filter(|task| task.slot == slot) {
            task.fate = fate;
        }
    }
}

/// The tasks on no stream of all launchers.
#[derive(Debug, Default)]
pub(super) struct Loose {
    launchers: Vec<OfLauncher>,
}

impl Loose {
    /// The number of one more launcher.
    pub(super) fn open(&mut self) -> u32 {
        self.launchers.push(OfLauncher::default());
        u32::try_from(self.launchers.len() - 1).expect("fewer than 2^32 launchers")
    }

    fn task(&self, launcher: u32, slot: SlotId) -> Option<&Task> {
        self.launchers[launcher as usize].task(slot)
    }

    /// What became of a task; it is unfinished until it is over.
    pub(super) fn fate(&self, launcher: u32, slot: SlotId) -> Fate {
        // A slot has another task only when the one before is over.
        self.task(launcher, slot)
            .map_or(Fate::Completed, |task| task.fate_of(slot))
    }

    /// The points that a task comes behind, one a timeline; some may be reached.
    pub(super) fn behind(&self, launcher: u32, slot: SlotId) -> &[TimePoint] {
        let task = self.task(launcher, slot);
        task.filter(|task| task.slot == slot)
            .map_or(&[], |task| task.behind.as_slice())
    }

    /// `slot` is a task that comes behind these points, one a timeline. `fate` tells what became of
    /// the one before in its place.
    pub(super) fn record(
        &mut self,
        (launcher, slot): (u32, SlotId),
        behind: &[TimePoint],
        fate: impl Fn(SlotId) -> Fate,
    ) {
        let of = &mut self.launchers[launcher as usize];
        let index = slot.index();
        if of.tasks.len() <= index {
            of.tasks.resize_with(index + 1, || None);
        }
        let task = of.tasks[index].get_or_insert_with(|| Task {
            slot,
            behind: Vec::new(),
            fate: Fate::Unfinished,
            failed: 0,
            is_listed: false,
        });
        if task.slot != slot {
            let before = match task.fate {
                Fate::Unfinished => fate(task.slot),
                known => known,
            };
            task.follow(slot, before);
        }
        task.behind.clear();
        task.behind.extend_from_slice(behind);
        if !std::mem::replace(&mut task.is_listed, true) {
            of.live.push(u32::try_from(index).expect("a slot's index"));
        }
    }

    /// All tasks that are not known to be over, with their launchers.
    pub(super) fn live(&self) -> impl Iterator<Item = (u32, SlotId)> {
        let of = |(launcher, of)| {
            let of: &OfLauncher = of;
            let tasks = of
                .live
                .iter()
                .filter_map(|&at| of.tasks[at as usize].as_ref());
            let live = tasks.filter(|task| task.fate == Fate::Unfinished);
            live.map(move |task| (launcher, task.slot))
        };
        (0..).zip(&self.launchers).flat_map(of)
    }

    /// Whether `slot` is over, and was not before. `over` tells what became of a task that is.
    pub(super) fn look_at(
        &mut self,
        launcher: u32,
        slot: SlotId,
        over: &impl Fn(SlotId) -> Option<Fate>,
    ) -> bool {
        if self.fate(launcher, slot) != Fate::Unfinished {
            return false;
        }
        let fate = over(slot);
        if let Some(fate) = fate {
            self.launchers[launcher as usize].end(slot, fate);
        }
        fate.is_some()
    }

    /// Looks at some tasks of `launcher`, and comes to all of them in time.
    pub(super) fn look(&mut self, launcher: u32, over: &impl Fn(SlotId) -> Option<Fate>) {
        let of = &mut self.launchers[launcher as usize];
        for _ in 0..LOOKS.min(of.live.len()) {
            if of.next >= of.live.len() {
                of.next = 0;
            }
            let task = of.tasks[of.live[of.next] as usize].as_mut();
            let task = task.expect("what is listed was recorded");
            match over(task.slot) {
                Some(fate) => {
                    (task.fate, task.is_listed) = (fate, false);
                    of.live.swap_remove(of.next);
                }
                None => of.next += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use finbox_scheduler::{Fate, SlotId};

    use super::Loose;

    fn life(generation: u32) -> SlotId {
        SlotId::new(0, 3, generation)
    }

    #[test]
    fn what_failed_is_remembered_when_its_slot_serves_again() {
        let mut loose = Loose::default();
        let own = loose.open();
        let fates = |slot: SlotId| match slot.generation() {
            1 | 5 => Fate::Failed,
            _ => Fate::Completed,
        };
        for generation in [1, 2, 5, 6, 9] {
            loose.record((own, life(generation)), &[], fates);
            assert_eq!(loose.fate(own, life(generation)), Fate::Unfinished);
            assert_eq!(loose.live().collect::<Vec<_>>(), [(own, life(generation))]);
        }
        for (generation, fate) in [
            (1, Fate::Failed),
            (2, Fate::Completed),
            (5, Fate::Failed),
            (6, Fate::Completed),
        ] {
            assert_eq!(loose.fate(own, life(generation)), fate, "{generation}");
        }
        loose.record((own, life(69)), &[], fates);
        assert_eq!(loose.fate(own, life(5)), Fate::Failed);
        assert_eq!(loose.fate(own, life(6)), Fate::Completed);
        assert_eq!(loose.fate(own, life(4)), Fate::Failed, "nobody knows");
        loose.look(own, &|_| Some(Fate::Completed));
        assert_eq!(loose.live().count(), 0);
    }
}
