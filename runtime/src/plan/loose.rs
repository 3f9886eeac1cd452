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
}

#[derive(Debug, Default)]
struct OfLauncher {
    /// By slot.
    tasks: Vec<Option<Task>>,
    /// Those that are not known to be over.
    live: Vec<SlotId>,
    next: usize,
}

impl OfLauncher {
    fn task(&self, slot: SlotId) -> Option<&Task> {
        let task = self.tasks.get(slot.index())?.as_ref();
        task.filter(|task| task.slot == slot)
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
            .map_or(Fate::Completed, |task| task.fate)
    }

    /// The points that a task comes behind, one a timeline; some may be reached.
    pub(super) fn behind(&self, launcher: u32, slot: SlotId) -> &[TimePoint] {
        self.task(launcher, slot)
            .map_or(&[], |task| task.behind.as_slice())
    }

    /// `slot` is a task that comes behind these points, one a timeline.
    pub(super) fn record(&mut self, launcher: u32, slot: SlotId, behind: &[TimePoint]) {
        let of = &mut self.launchers[launcher as usize];
        let index = slot.index();
        if of.tasks.len() <= index {
            of.tasks.resize_with(index + 1, || None);
        }
        let task = of.tasks[index].get_or_insert_with(|| Task {
            slot,
            behind: Vec::new(),
            fate: Fate::Unfinished,
        });
        (task.slot, task.fate) = (slot, Fate::Unfinished);
        task.behind.clear();
        task.behind.extend_from_slice(behind);
        of.live.push(slot);
    }

    /// All tasks that are not known to be over, with their launchers.
    pub(super) fn live(&self) -> impl Iterator<Item = (u32, SlotId)> {
        let of = |(launcher, of): (u32, &OfLauncher)| (launcher, of.live.clone());
        let each = (0..).zip(&self.launchers).map(of);
        each.flat_map(|(launcher, live)| live.into_iter().map(move |slot| (launcher, slot)))
    }

    /// Looks whether `slot` is over, and was not before. `over` tells what became of a task that is.
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
            let slot = of.live[of.next];
            match over(slot) {
                Some(fate) => {
                    of.end(slot, fate);
                    of.live.swap_remove(of.next);
                }
                None => of.next += 1,
            }
        }
    }
}
