//! URMA completion queues: where each was walked to, and what failed on the way.
//!
//! A queue is found by the device address of its header and known from the first condition that
//! names it until the run ends. A walk consumes whatever is new, for everybody who waits on the
//! queue, and gives the device its credits back. Failures are remembered, so that a condition that
//! is registered after the walk learns of its own.
//!
//! Layout, little endian: a header line with the number of entries (`u32` at 0, a power of two of
//! 2 to 4096) and the position consumed (`u32` at 8, written here); entries of 16 bytes from 64 on,
//! each with its owner bit (`u32` at 0), status (`u32` at 4) and post id (`u64` at 8). Positions
//! count from 0 and wrap at 2³²; the owner bit says in which lap an entry was written.

use crate::port::Port;

/// Bytes of a queue's header.
pub const QUEUE_HEADER_BYTES: u64 = 64;
/// Bytes of one entry of a queue.
pub const QUEUE_ENTRY_BYTES: u64 = 16;
/// Offset of the consumed position in a queue's header.
pub const QUEUE_CONSUMED_OFFSET: u64 = 8;
/// Most entries of a queue.
pub const MAX_QUEUE_ENTRIES: u32 = 4096;
/// Entries consumed in one walk.
pub const WALK_BUDGET: u32 = 256;
/// Failures of one queue that are remembered: the last ones.
pub const REMEMBERED_FAILURES: usize = 16;

const LINE: u64 = 64;

/// A completion that carried a status other than 0.
#[derive(Clone, Copy, Debug, Default)]
struct FailedEntry {
    position: u32,
    status: u32,
}

/// One queue as far as it was walked.
#[derive(Clone, Copy, Debug, Default)]
pub struct UrmaQueue {
    /// Device address of the header; 0: this place of the table is free.
    header: u64,
    entries: u32,
    /// The next position to look at.
    consumed: u32,
    failures: [FailedEntry; REMEMBERED_FAILURES],
    failed: usize,
}

/// Why a condition's queue cannot be walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueError {
    /// The header says nothing that a queue can have, or its entries cannot be read.
    Malformed,
    /// More queues are in use than the table has places.
    TableFull,
}

/// Finds the queue whose header is at `addr`, or takes it in. Returns its place in the table.
pub(crate) fn find(
    queues: &mut [UrmaQueue],
    port: &impl Port,
    addr: u64,
) -> Result<usize, QueueError> {
    let mine = |queue: &UrmaQueue| queue.header == addr || queue.header == 0;
    let place = queues.iter().position(mine);
    let place = place.ok_or(QueueError::TableFull)?;
    if queues[place].header == 0 {
        queues[place] = UrmaQueue::read(port, addr).ok_or(QueueError::Malformed)?;
    }
    Ok(place)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
const fn low(word: u64) -> u32 {
    word as u32
}

impl UrmaQueue {
    /// Reads the header at `addr`, whose line the control CPU may read.
    fn read(port: &impl Port, addr: u64) -> Option<Self> {
        port.refresh(addr, LINE);
        let entries = low(port.load_u64(addr));
        let consumed = low(port.load_u64(addr + QUEUE_CONSUMED_OFFSET));
        let is_size = entries.is_power_of_two() && (2..=MAX_QUEUE_ENTRIES).contains(&entries);
        let size_bytes = QUEUE_HEADER_BYTES + u64::from(entries) * QUEUE_ENTRY_BYTES;
        (is_size && port.can_read(addr, size_bytes)).then_some(Self {
            header: addr,
            entries,
            consumed,
            failures: [FailedEntry::default(); REMEMBERED_FAILURES],
            failed: 0,
        })
    }

    /// The position that was walked to.
    pub(crate) const fn consumed(&self) -> u32 {
        self.consumed
    }

    /// Whether everything before `head` was consumed; positions are less than 2³¹ apart.
    pub(crate) const fn has_reached(&self, head: u32) -> bool {
        self.consumed.wrapping_sub(head) as i32 >= 0
    }

    /// The status of the completion at `position`, if it was a failure that is still remembered.
    pub(crate) fn failure_at(&self, position: u32) -> Option<u32> {
        let remembered = self.failed.min(REMEMBERED_FAILURES);
        let mut failures = self.failures[..remembered].iter();
        let failure = failures.find(|failure| failure.position == position)?;
        Some(failure.status)
    }

    /// The owner bit of an entry that holds `position`.
    const fn owner_of(&self, position: u32) -> u32 {
        (position / self.entries + 1) & 1
    }

    /// Consumes what is new, at most [`WALK_BUDGET`] entries, and gives credits back for it.
    /// Returns how many entries were consumed and how many lines were made current.
    ///
    /// # Ordering
    /// The device writes status and post, then the owner bit: owner and status stand in one word
    /// that is loaded once, after its line was made current.
    pub(crate) fn walk(&mut self, port: &impl Port) -> (u32, u32) {
        let (mut taken, mut refreshed, mut line) = (0, 0, 0);
        while taken < self.entries.min(WALK_BUDGET) {
            let index = u64::from(self.consumed % self.entries);
            let at = self.header + QUEUE_HEADER_BYTES + index * QUEUE_ENTRY_BYTES;
            if at & !(LINE - 1) != line {
                line = at & !(LINE - 1);
                port.refresh(line, LINE);
                refreshed += 1;
            }
            let word = port.load_u64(at);
            if low(word) & 1 != self.owner_of(self.consumed) {
                break;
            }
            self.remember(low(word >> 32));
            self.consumed = self.consumed.wrapping_add(1);
            taken += 1;
        }
        if taken > 0 {
            let consumed = u64::from(self.consumed);
            port.store_u64(self.header + QUEUE_CONSUMED_OFFSET, consumed);
            port.clean(self.header, LINE);
        }
        (taken, refreshed)
    }

    fn remember(&mut self, status: u32) {
        if status != 0 {
            let position = self.consumed;
            self.failures[self.failed % REMEMBERED_FAILURES] = FailedEntry { position, status };
            self.failed += 1;
        }
    }
}
