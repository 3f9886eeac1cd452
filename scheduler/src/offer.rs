//! Items of work on their way to persistent workers: from ready to the work ring.
//!
//! A task of [`Shape::Work`] needs no core: it becomes ready where dummies do and then stands in a
//! line of its priority until the ring has room. It is admitted, once, when it could be pushed: its
//! predicate is asked. Its slot keeps the position, by which alone its WORK_DONE is
//! believed (`worked`). A full ring holds up items and nothing else. Its run budget begins with the
//! push and ends when the dispatch thread takes in the WORK_DONE.

use finbox_mailbox::work::{WorkItem, WorkRing};

use crate::complete::Road;
use crate::deadlines::Deadlines;
use crate::dispatch::{DISPATCH_BUDGET, Dispatcher, Pass};
use crate::fault::FaultCode;
use crate::losses::Lost;
use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::ready::Line;
use crate::scheduler::Scheduler;
use crate::slot::{Item, TaskSlot};
use crate::spec::{Priority, Shape};

/// Slots looked at in one step for items that are late.
const LATE_BUDGET: u32 = 256;

/// What is to be done with a task that needs no core.
pub(crate) enum Next {
    /// It comes to its end.
    End(Road),
    /// It is an item for workers.
    Offer,
}

/// What workers get of the task in slot `index`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves are what is wanted"
)]
fn item_of(words: &TaskSlot, index: u32) -> WorkItem {
    let (kernel, args) = words.kernel();
    WorkItem {
        offset: args as u32,
        length: (args >> 32) as u32,
        rule_set: kernel as u32,
        correlation: index,
    }
}

impl Dispatcher<'_> {
    /// What is settled comes to its end, then what needs no core; or it is an item.
    pub(crate) fn next_to_finish(&mut self, scheduler: &Scheduler<'_>) -> Option<(u32, Next)> {
        if let Some(slot) = self.settled.pop(scheduler.slots) {
            let words = &scheduler.slots[slot as usize];
            let next = match words.kind().is_work() {
                true if words.item() == Item::TakenBack => Next::Offer,
                true => Next::End(Road::Worked),
                false => Next::End(Road::Deferred),
            };
            return Some((slot, next));
        }
        let mut unrun = Priority::ALL.into_iter();
        let slot = unrun.find_map(|priority| {
            self.lines[priority as usize][Shape::Dummy as usize].pop(scheduler.slots)
        })?;
        let words = &scheduler.slots[slot as usize];
        let next = if words.is_poisoned() {
            Next::End(Road::Cancelled)
        } else if words.kind().is_work() && words.item() == Item::Unpushed {
            Next::Offer
        } else {
            Next::End(Road::Unrun)
        };
        Some((slot, next))
    }

    /// Takes in a ready item.
    pub(crate) fn take_in_item(&mut self, slots: &[TaskSlot], index: u32) {
        let priority = slots[index as usize].kind().priority();
        self.items(priority).queue.push(slots, index);
        self.offers += 1;
    }

    /// The ready items of a priority.
    fn items(&mut self, priority: Priority) -> &mut Line {
        &mut self.lines[priority as usize][Shape::Work as usize]
    }

    /// Pushes ready items into the work ring, as far as it has room.
    #[inline(never)]
    pub(crate) fn offer(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        pass: &mut Pass,
    ) {
        for priority in Priority::ALL {
            for _ in 0..DISPATCH_BUDGET {
                let is_full = |ring: WorkRing<'_>| ring.is_full_hint() && !ring.is_closed();
                if scheduler.work.is_none_or(is_full) {
                    break;
                }
                let Some(index) = self.items(priority).pop(scheduler.slots) else {
                    break;
                };
                if !self.push_item(scheduler, port, probe, index) {
                    self.items(priority).keep(index);
                    break;
                }
                self.offers -= 1;
                pass.progress = true;
            }
        }
        // A worker that takes an item rings nobody.
        pass.watching |= self.offers > 0;
    }

    /// Pushes the item of slot `index`, or turns its task away: also when the ring is closed in the
    /// midst of this. `false`: the ring is full.
    fn push_item(
        &mut self,
        scheduler: &Scheduler<'_>,
        port: &impl Port,
        probe: &impl Probe,
        index: u32,
    ) -> bool {
        let words = &scheduler.slots[index as usize];
        let Some(ring) = scheduler.work.filter(|ring| !ring.is_closed()) else {
            self.fail_unrun(scheduler, probe, index, FaultCode::NoWorkerLeft);
            return true;
        };
        let is_new = words.item() == Item::Unpushed;
        if is_new && !self.admit(scheduler, port, probe, (index, words)) {
            return true;
        }
        let Ok(position) = ring.push(item_of(words, index)) else {
            let is_closed = ring.is_closed();
            if is_closed {
                self.fail_unrun(scheduler, probe, index, FaultCode::NoWorkerLeft);
            }
            return is_closed;
        };
        self.ledger.work_offered += 1;
        let (slot, now_ns) = (scheduler.id_of(index), port.now());
        words.set_item(Item::At(position, now_ns));
        if let Some(due_ns) = due_ns(&self.deadlines, words, now_ns) {
            self.deadlines.item_given(due_ns);
        }
        probe.event(Event::Offered { slot, position });
        true
    }

    /// Deals with one item that is late, if any is. `false`: there is none.
    pub(crate) fn lose_item(
        &mut self,
        scheduler: &Scheduler<'_>,
        probe: &impl Probe,
        pass: &mut Pass,
    ) -> bool {
        let Some((first, now_ns)) = self.deadlines.late_items() else {
            return false;
        };
        pass.watching = true;
        let slots = &scheduler.slots[(first as usize).min(scheduler.slots.len())..];
        let mut next_ns = u64::MAX;
        for (index, words) in (first..).zip(slots).take(LATE_BUDGET as usize) {
            let state = words.retire.state();
            if state.is_finished() || !words.kind().is_work() {
                continue;
            }
            let Item::At(position, pushed_ns) = words.item() else {
                continue;
            };
            match due_ns(&self.deadlines, words, pushed_ns) {
                None => continue,
                Some(due_ns) if due_ns > now_ns => {
                    next_ns = next_ns.min(due_ns);
                    continue;
                }
                Some(_) => {}
            }
            self.deadlines.looked_at_items(index + 1, next_ns);
            let slot = scheduler.id_of(index);
            let lost = self.lose(scheduler, probe, (slot, FaultCode::TaskTimeout, None));
            if lost == Lost::Failed {
                probe.event(Event::WorkOverdue { slot, position });
            }
            return true;
        }
        let last = first.saturating_add(LATE_BUDGET);
        if (last as usize) < scheduler.slots.len() {
            self.deadlines.looked_at_items(last, next_ns);
            pass.progress = true;
        } else {
            self.deadlines.looked_at_all_items(next_ns);
        }
        false
    }
}

/// When the item of a task that was pushed at `pushed_ns` is late; `None`: never.
fn due_ns(deadlines: &Deadlines, words: &TaskSlot, pushed_ns: u64) -> Option<u64> {
    let budget_ns = deadlines.budget_ns(words.run_budget_ns());
    (budget_ns > 0).then(|| pushed_ns.saturating_add(budget_ns))
}
