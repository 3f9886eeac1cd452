//! The ring itself: claim and publish for producers, take for workers, and what may be asked of it.
//!
//! Guarantees: one successful compare-exchange claims what fits of a batch; "full" is said only of
//! a ring whose next slot is not free; nobody waits for anybody. Refuses: positions that wrap (2⁶⁴
//! items are more than any machine lives to push). Who calls it: producers, and [`super::Worker`].

use core::num::NonZeroU32;
use core::ops::Range;

use crossbeam_utils::Backoff;

use crate::cell::Sealed;
use crate::edge;
use crate::ring::{Claim, Header};
use crate::sync::fetch_for_writing;
use crate::ticket::Ticket;

use super::error::{NoWorkerLine, NothingLeft, WorkFull, WorkRingError};
use super::item::WorkItem;
use super::line::WorkerLine;
use super::state::{self, MAX_WORKERS, Sight};
use super::worker::Worker;

/// Workers write the tail hint once in so many positions: its line is one for all of them.
const TAIL_STRIDE: u64 = 8;

/// Stands in head, above every position, when the ring takes no more items: so each claim was
/// before that, or is refused.
const CLOSED: u64 = 1 << 63;

/// One slot of a work ring: sequence at byte 0, item at bytes 8 to 23.
#[repr(C, align(32))]
#[derive(Debug, Default)]
pub struct WorkCell(Sealed<WorkItem>);

/// A work ring in somebody's memory: the sending end, and what anybody may ask. Copies look at the
/// same ring.
#[derive(Clone, Copy, Debug)]
pub struct WorkRing<'m> {
    pub(super) header: &'m Header,
    cells: &'m [WorkCell],
    pub(super) lines: &'m [WorkerLine],
    mask: u64,
}

/// Makes a work ring of `cells.len()` slots with a line for each worker.
///
/// The memory may hold anything. It is borrowed exclusively, so no older handle can exist.
///
/// # Errors
/// [`WorkRingError`] if the number of cells is not a power of two of at least 2, or there are more
/// than [`MAX_WORKERS`] lines; nothing was written.
pub fn work_ring<'m>(
    header: &'m mut Header,
    cells: &'m mut [WorkCell],
    lines: &'m mut [WorkerLine],
) -> Result<WorkRing<'m>, WorkRingError> {
    work_ring_at(header, cells, lines, 0)
}

/// As [`work_ring`], from position `start` on, which is below 2⁶³.
pub(super) fn work_ring_at<'m>(
    header: &'m mut Header,
    cells: &'m mut [WorkCell],
    lines: &'m mut [WorkerLine],
    start: u64,
) -> Result<WorkRing<'m>, WorkRingError> {
    let slots = cells.len();
    if !slots.is_power_of_two() || slots < 2 || u32::try_from(slots).is_err() {
        return Err(WorkRingError::Slots { slots });
    }
    if lines.len() > MAX_WORKERS as usize {
        let lines = lines.len();
        return Err(WorkRingError::Lines { lines });
    }
    // RELAXED: handing over the handles carries it, as all that is stamped.
    header.head.store(start, edge::STAMP);
    // RELAXED: as above.
    header.tail.tail.store(start, edge::STAMP);
    lines.iter().for_each(WorkerLine::stamp);
    let ring = WorkRing {
        header,
        cells,
        lines,
        mask: slots as u64 - 1,
    };
    for offset in 0..slots as u64 {
        let ticket = Ticket::new(start).plus(offset);
        // RELAXED: as above.
        ring.slot(ticket)
            .seq
            .store(state::free(ticket), edge::STAMP);
    }
    Ok(ring)
}

impl<'m> WorkRing<'m> {
    /// Capacity in items.
    #[expect(clippy::cast_possible_truncation, reason = "checked when it was made")]
    pub fn slots(&self) -> u32 {
        self.cells.len() as u32
    }

    #[inline]
    fn slot(&self, ticket: Ticket) -> &'m Sealed<WorkItem> {
        let index = ticket.index(self.mask);
        // SAFETY: `mask` is one less than the number of cells, a power of two.
        &unsafe { self.cells.get_unchecked(index) }.0
    }

    /// Pushes one item and returns its position, by which [`is_done`](Self::is_done) knows it.
    ///
    /// # Errors
    /// [`WorkFull`], also if it [`is_closed`](Self::is_closed); the item is still yours.
    ///
    /// # Cost
    /// One read-modify-write on the head line, and the slot.
    #[inline]
    pub fn push(&self, item: WorkItem) -> Result<u64, WorkFull> {
        let Some(claim) = self.claim(1) else {
            return Err(WorkFull {
                slots: self.slots(),
            });
        };
        // SAFETY: the claim is this thread's and is published here, once.
        unsafe { self.publish(claim.first, item) };
        Ok(claim.first.position())
    }

    /// Pushes as many of `items` as fit, in order. Returns their positions, which are neighbours;
    /// none if the ring is full or closed (or there are no items).
    ///
    /// # Cost
    /// One successful compare-exchange, whatever the count.
    #[inline]
    pub fn push_batch(&self, items: &[WorkItem]) -> Range<u64> {
        let want = items.len().min(self.cells.len()) as u64;
        let claim = (want > 0).then(|| self.claim(want)).flatten();
        let positions = claim.map_or(0..0, |claim| {
            let first = claim.first.position();
            first..first + claim.count
        });
        for (position, item) in positions.clone().zip(items) {
            // SAFETY: the claim is this thread's, and each of its positions is published once.
            unsafe { self.publish(Ticket::new(position), *item) };
        }
        positions
    }

    /// Claims up to `want` positions, at least one; `None` if the ring is full or closed.
    ///
    /// # Ordering
    /// Head is loaded before the slots, and acquires what its claimers knew of them: so a slot that
    /// is behind head was not free when head stood there, and "full" is true of that moment. An
    /// older slot beside a newer head would call a ring full that never was.
    #[inline]
    pub(super) fn claim(&self, want: u64) -> Option<Claim> {
        let backoff = Backoff::new();
        // EDGE WORK_HEAD <- WORK_CLAIM.
        let mut found = self.header.head.load(edge::WORK_HEAD);
        loop {
            if found & CLOSED != 0 {
                return None;
            }
            let head = Ticket::new(found);
            match self.room(head, want) {
                Ok(count) => {
                    let (from, to) = (head.position(), head.plus(count).position());
                    let word = &self.header.head;
                    // EDGE WORK_CLAIM -> WORK_HEAD. Carries that the slots were seen free; a lost
                    // exchange is one more WORK_HEAD.
                    match word.compare_exchange(from, to, edge::WORK_CLAIM, edge::WORK_HEAD) {
                        Ok(_) => return Some(Claim { first: head, count }),
                        Err(newer) => found = newer,
                    }
                }
                Err(word) if state::ahead_of(word, head) < 0 => return None,
                // Whoever claimed this position moved head before: it is seen to have moved.
                // EDGE WORK_HEAD <- WORK_CLAIM.
                Err(_) => found = self.header.head.load(edge::WORK_HEAD),
            }
            backoff.spin();
        }
    }

    /// How many of `want` slots from `head` on are free, at least one; or the word of the first.
    #[inline]
    fn room(&self, head: Ticket, want: u64) -> Result<u64, u64> {
        // EDGE WORK_FREED <- WORK_FREE. Whoever had the slot is through with it.
        let word = |ticket: Ticket| self.slot(ticket).seq.load(edge::WORK_FREED);
        let first = word(head);
        if first != state::free(head) {
            return Err(first);
        }
        let is_free = |&offset: &u64| {
            let ticket = head.plus(offset);
            word(ticket) == state::free(ticket)
        };
        Ok(1 + (1..want).take_while(is_free).count() as u64)
    }

    /// Writes the item of a claimed position and publishes it.
    ///
    /// # Safety
    /// The caller holds the claim on `ticket` and publishes it once.
    #[inline]
    pub(super) unsafe fn publish(&self, ticket: Ticket, item: WorkItem) {
        let slot = self.slot(ticket);
        // SAFETY: the caller claimed the slot and publishes it below.
        unsafe { slot.write(&item) };
        // EDGE WORK_PUBLISH -> WORK_TAKE. Carries the item written above.
        slot.seq.store(state::published(ticket), edge::WORK_PUBLISH);
    }

    /// Where a worker that knows nothing begins to look: everything before it is taken. It may lag,
    /// never lead: each of its values was written by the taker of the position before.
    #[inline]
    pub(super) fn tail_hint(&self) -> Ticket {
        // RELAXED: a hint; the slots decide.
        Ticket::new(self.header.tail.tail.load(edge::WORK_TAIL))
    }

    /// What stands at `ticket`, for whoever only counts.
    pub(super) fn sight(&self, ticket: Ticket) -> Sight {
        // RELAXED: a look.
        let word = self.slot(ticket).seq.load(edge::WORK_PEEK);
        state::sight(word, ticket, self.mask + 1)
    }

    /// Asks for the slot of `ticket`, to be taken soon.
    #[inline]
    pub(super) fn fetch(&self, ticket: Ticket) {
        fetch_for_writing(self.slot(ticket));
    }

    /// Takes the item of `ticket` for `worker`, or says what stands there instead.
    ///
    /// # Cost
    /// One exchange without a look before: the slot's line comes once, to be written.
    #[inline]
    pub(super) fn take(&self, ticket: Ticket, worker: u8) -> Result<(), Sight> {
        let (from, to) = (state::published(ticket), state::taken(ticket, worker));
        let seq = &self.slot(ticket).seq;
        // EDGE WORK_TAKE <- WORK_PUBLISH. Carries the item. RELAXED failure (WORK_TAKE_LOST): the
        // loser goes on to another position.
        match seq.compare_exchange(from, to, edge::WORK_TAKE, edge::WORK_TAKE_LOST) {
            Ok(_) => Ok(()),
            Err(found) => Err(state::sight(found, ticket, self.mask + 1)),
        }
    }

    /// Takes the item of `position`, which was pushed, for nobody: it counts as done. Of a closed
    /// ring whose workers are all gone, all items, in any order. `false`: a worker has it, or had,
    /// or the ring is open: its workers look for what is left in the order of positions.
    pub fn withdraw(&self, position: u64) -> bool {
        if !self.is_closed() {
            return false;
        }
        let ticket = Ticket::new(position);
        let to = state::free(ticket.plus(self.mask + 1));
        let seq = &self.slot(ticket).seq;
        // EDGE WORK_TAKE <- WORK_PUBLISH. An exchange, so whoever sees the slot free sees it
        // written. RELAXED failure (WORK_TAKE_LOST): it is somebody's.
        seq.compare_exchange(
            state::published(ticket),
            to,
            edge::WORK_TAKE,
            edge::WORK_TAKE_LOST,
        )
        .is_ok()
    }

    /// Copies the item of `ticket` to `line`, and only then gives the slot back.
    ///
    /// # Safety
    /// The worker of `line` [took](Self::take) `ticket`, and this is called once for it.
    #[inline]
    pub(super) unsafe fn hand_over(&self, ticket: Ticket, line: &WorkerLine) -> WorkItem {
        let slot = self.slot(ticket);
        // SAFETY: the exchange acquired the item, and made it this worker's alone.
        let item = unsafe { slot.read(|item| *item) };
        // SAFETY: the line is this worker's, by the caller's word.
        unsafe { line.hold(ticket, item) };
        self.give_back(ticket);
        let next = ticket.plus(1).position();
        if next % TAIL_STRIDE == 0 {
            // RELAXED: a hint; the slots decide. An older value may overwrite a newer one.
            self.header.tail.tail.store(next, edge::WORK_TAIL);
        }
        item
    }

    #[inline]
    fn give_back(&self, ticket: Ticket) {
        let next = state::free(ticket.plus(self.mask + 1));
        // EDGE WORK_FREE -> WORK_FREED, WORK_STATE. The slot was read; the line holds the position.
        self.slot(ticket).seq.store(next, edge::WORK_FREE);
    }

    /// Has every further push refused: workers get [`NoWork::Closed`] when all is taken, and may
    /// go. A push beside this was before it, and is taken, or is refused.
    ///
    /// [`NoWork::Closed`]: super::NoWork::Closed
    pub fn close(&self) {
        // RELAXED: WORK_CLOSE, a bit of head: whoever sees it sees every claim there will be.
        self.header.head.fetch_or(CLOSED, edge::WORK_CLOSE);
    }

    /// Whether it was [closed](Self::close). Head, looked at behind this, shows every claim.
    #[inline]
    pub fn is_closed(&self) -> bool {
        // RELAXED: as any look at head; the same word, looked at later, is no older.
        self.header.head.load(edge::HEAD_HINT) & CLOSED != 0
    }

    /// Whether the next position's slot seems to be in use: sure not, for its only producer.
    #[inline]
    pub fn is_full_hint(&self) -> bool {
        let head = self.head_hint();
        // RELAXED: a look; the claim decides.
        let word = self.slot(head).seq.load(edge::WORK_PEEK);
        word != state::free(head)
    }

    /// Up to where producers have claimed.
    #[inline]
    pub(super) fn head_hint(&self) -> Ticket {
        // RELAXED: whoever knows of a claim sees it here; for others it is as if it came later.
        Ticket::new(self.header.head.load(edge::HEAD_HINT) & !CLOSED)
    }

    /// Whether the item of `position` was finished: for ever right, also when its slot was used
    /// again. `true`: what its worker did before it said so is visible here.
    ///
    /// # Ordering
    /// Never true too early. A position that head has not passed was not pushed. Of one in the lap
    /// before head the slot still speaks: it is free again only when its taker's line shows the
    /// position, and whoever sees that (WORK_STATE) sees the line so, or as it became later. An
    /// older one's slot was free before it was claimed again, which came with head (WORK_HEAD). And
    /// a line that showed the position shows something else only when it was done: lines change
    /// hands with what they hold. So if no line shows it, it is done.
    ///
    /// Never false too late. Slots and head only grow, and no line ever shows a position again:
    /// each is taken once.
    ///
    /// # Cost
    /// Head, the slot and one load a worker line.
    pub fn is_done(&self, position: u64) -> bool {
        let ticket = Ticket::new(position);
        // EDGE WORK_HEAD <- WORK_CLAIM.
        let head = Ticket::new(self.header.head.load(edge::WORK_HEAD) & !CLOSED);
        let Some(age) = head.position().checked_sub(position).filter(|&age| age > 0) else {
            return false;
        };
        if age <= u64::from(self.slots()) && !self.is_freed(ticket) {
            return false;
        }
        !self.lines.iter().any(|line| line.shows(ticket))
    }

    /// Whether the slot of `ticket`, which was claimed, was given back by its taker.
    fn is_freed(&self, ticket: Ticket) -> bool {
        // EDGE WORK_STATE <- WORK_FREE. The line that holds the position.
        let word = self.slot(ticket).seq.load(edge::WORK_STATE);
        state::ahead_of(word, ticket) > 0
    }

    /// Who has `position`: the worker that is taking it, or holds it, or died with it.
    pub fn holder(&self, position: u64) -> Option<NonZeroU32> {
        let ticket = Ticket::new(position);
        // EDGE WORK_STATE <- WORK_FREE. The line that holds the position.
        let word = self.slot(ticket).seq.load(edge::WORK_STATE);
        let taker = state::taker(word).filter(|_| state::ahead_of(word, ticket) == 0);
        let line = match taker {
            Some(worker) => self.lines.get(usize::from(worker)),
            None => self.lines.iter().find(|line| line.shows(ticket)),
        };
        line?.name()
    }

    /// Items pushed and not finished, from words that are read one after another: a statistic. At
    /// most the slots and the worker lines together, and right when nobody moves.
    pub fn in_flight(&self) -> u64 {
        let slots = u64::from(self.slots());
        let first = self.first_waiting();
        let waiting = u64::try_from(self.head_hint().distance_from(first)).unwrap_or(0);
        let held = self.lines.iter().filter(|line| line.is_busy()).count() as u64;
        waiting.min(slots).saturating_add(held)
    }

    /// The first position that nobody took, as far as can be seen.
    pub(super) fn first_waiting(&self) -> Ticket {
        let mut first = self.tail_hint();
        // It may lag by what others took since; more than a lap of it is caught up in one step.
        for _ in 0..=self.slots() {
            match self.sight(first) {
                Sight::Gone(next) => first = next,
                Sight::Ready | Sight::Unpublished => break,
            }
        }
        first
    }

    /// Takes a free worker line under `name`: a core's number, a process id.
    ///
    /// # Errors
    /// [`NoWorkerLine`] if none is free.
    pub fn register(&self, name: NonZeroU32) -> Result<Worker<'m>, NoWorkerLine> {
        self.find(name, |line| line.enrol(name))
            .ok_or_else(|| NoWorkerLine {
                lines: self.worker_lines(),
            })
    }

    /// Takes over the line of a worker that is gone and left an item. The item stays where it is,
    /// in the hands of the [`Worker`] that this returns, and so does its position.
    ///
    /// # Errors
    /// [`NothingLeft`] if no worker of this name left an item.
    pub fn recover(&self, dead: NonZeroU32, heir: NonZeroU32) -> Result<Worker<'m>, NothingLeft> {
        let name = dead.get();
        self.find(heir, |line| line.inherit(dead, heir))
            .ok_or(NothingLeft { name })
    }

    fn find(&self, name: NonZeroU32, wins: impl Fn(&WorkerLine) -> bool) -> Option<Worker<'m>> {
        let index = self.lines.iter().position(wins)?;
        let line = &self.lines[index];
        let index = u8::try_from(index).expect("at most MAX_WORKERS");
        Some(Worker::new(*self, line, index, name))
    }

    /// Says that the workers of this name are dead and were never dropped. Each leaves its line, or
    /// its item on it, also one that it had taken and not yet copied there. Returns how many left
    /// an item, to be [recovered](Self::recover).
    ///
    /// # Safety
    /// Nothing runs any more that could use a worker of this name, and whatever it did is visible
    /// to the caller.
    pub unsafe fn bury(&self, name: NonZeroU32) -> u32 {
        let mut left = 0;
        for (index, line) in self.lines.iter().enumerate() {
            if !line.is_owned_by(name) {
                continue;
            }
            self.complete_take(index, line);
            left += u32::from(line.is_busy());
            line.leave(name);
        }
        left
    }

    /// Does what a dead worker had not come to, after it took an item.
    fn complete_take(&self, index: usize, line: &WorkerLine) {
        let head = self.head_hint();
        for back in 1..=self.mask + 1 {
            let ticket = Ticket::new(head.position().wrapping_sub(back));
            // EDGE WORK_STATE <- WORK_FREE. Whoever had the slot is through with it.
            let word = self.slot(ticket).seq.load(edge::WORK_STATE);
            let is_its = state::taker(word).is_some_and(|worker| usize::from(worker) == index);
            if !is_its || state::ahead_of(word, ticket) != 0 {
                continue;
            }
            if line.shows(ticket) {
                self.give_back(ticket);
                continue;
            }
            // SAFETY: it took the item and is dead, so this is the only one to copy it.
            let _ = unsafe { self.hand_over(ticket, line) };
        }
    }
}

/// Layout, as devices see it. (Model builds have other atomics.)
#[cfg(not(any(loom, shuttle)))]
mod layout {
    use super::WorkCell;
    use static_assertions::const_assert_eq;

    const_assert_eq!(size_of::<WorkCell>(), 32);
    const_assert_eq!(align_of::<WorkCell>(), 32);
}
