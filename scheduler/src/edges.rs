//! Fan-out: who waits for a task, and the word that closes the list when it finishes.
//!
//! A slot's list head is one word: (generation, node), with two values that mean *closed*. The
//! submitter pushes by compare-exchange; finishing takes the whole list by one swap to closed.
//! Meeting closed, or another generation, means "already finished". Nodes are allocated and
//! recycled by the submitter only, together with the slot whose list they were in.

use finbox_mailbox::sync::{AtomicU32, AtomicU64};

use crate::edge;
use crate::id::SlotId;

/// No node: the end of a list.
pub(crate) const NONE: u32 = u32::MAX;
const CLOSED: u32 = u32::MAX - 1;
const CLOSED_FAILED: u32 = u32::MAX - 2;

/// Most nodes a scheduler may have.
pub const MAX_EDGE_NODES: u32 = 1 << 30;

/// One edge: the consumer, and the next edge of the same producer.
#[derive(Debug)]
pub struct EdgeNode {
    consumer: AtomicU64,
    next: AtomicU32,
}

impl Default for EdgeNode {
    fn default() -> Self {
        Self {
            consumer: AtomicU64::new(0),
            next: AtomicU32::new(NONE),
        }
    }
}

impl EdgeNode {
    /// The slot that waits. RELAXED: EDGE_PUSH carries it.
    #[inline]
    pub(crate) fn consumer(&self) -> SlotId {
        SlotId::from_bits(finbox_mailbox::SlotBits(
            self.consumer.load(edge::EDGE_NODE),
        ))
    }

    /// The next node, or [`NONE`]. RELAXED: EDGE_PUSH carries it.
    #[inline]
    pub(crate) fn next(&self) -> u32 {
        self.next.load(edge::EDGE_NODE)
    }

    /// Links the node, in a list or in the free list. RELAXED: EDGE_PUSH carries it.
    pub(crate) fn set_next(&self, next: u32) {
        self.next.store(next, edge::EDGE_NODE);
    }

    /// Says who waits. RELAXED: EDGE_PUSH carries it.
    pub(crate) fn set_consumer(&self, consumer: SlotId) {
        self.consumer.store(consumer.bits().0, edge::EDGE_NODE);
    }
}

/// What became of a task, as far as its submitter knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its outcome is open, or its consumers are about to be told.
    Unfinished,
    /// It completed; or it failed too many lives ago to be remembered.
    Completed,
    /// It failed or was cancelled.
    Failed,
}

/// What became of an attempt to wait for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wired {
    /// The producer will count the consumer down.
    Waits,
    /// The producer is finished; there is nothing to wait for.
    AlreadyFinished,
    /// The producer is finished and failed.
    AlreadyFailed,
}

/// The list head of one slot.
#[derive(Debug)]
pub struct EdgeList(AtomicU64);

const fn word(generation: u32, node: u32) -> u64 {
    (generation as u64) << 32 | node as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is the node")]
const fn node_of(word: u64) -> u32 {
    word as u32
}

const fn generation_of(word: u64) -> u32 {
    (word >> 32) as u32
}

impl Default for EdgeList {
    fn default() -> Self {
        Self(AtomicU64::new(word(0, CLOSED)))
    }
}

impl EdgeList {
    /// Opens the list of a slot's new life, empty. SLOT_OPEN publishes it.
    pub fn open(&self, generation: u32) {
        // RELAXED: EDGE_NODE; only the submitter pushes, and it is the one that opens.
        self.0.store(word(generation, NONE), edge::EDGE_NODE);
    }

    /// Submitter: what became of life `generation`, which is the current one.
    #[inline]
    pub(crate) fn fate(&self, generation: u32) -> Fate {
        // EDGE EDGE_SEEN <- EDGE_CLOSE.
        let head = self.0.load(edge::EDGE_SEEN);
        debug_assert_eq!(
            generation_of(head),
            generation,
            "asked about the current life"
        );
        match node_of(head) {
            CLOSED => Fate::Completed,
            CLOSED_FAILED => Fate::Failed,
            _ => Fate::Unfinished,
        }
    }

    /// Submitter: puts `index`, which is `nodes[index]` and names its consumer, into the list of
    /// life `generation`.
    #[inline]
    pub fn push(&self, generation: u32, index: u32, nodes: &[EdgeNode]) -> Wired {
        let node = &nodes[index as usize];
        // EDGE EDGE_PUSH -> EDGE_CLOSE, EDGE EDGE_SEEN <- EDGE_CLOSE.
        let pushed = self.0.try_update(edge::EDGE_PUSH, edge::EDGE_SEEN, |head| {
            let is_open = generation_of(head) == generation && node_of(head) != CLOSED;
            if !is_open || node_of(head) == CLOSED_FAILED {
                return None;
            }
            node.set_next(node_of(head));
            Some(word(generation, index))
        });
        match pushed {
            Ok(_) => Wired::Waits,
            Err(head) if head == word(generation, CLOSED_FAILED) => Wired::AlreadyFailed,
            Err(_) => Wired::AlreadyFinished,
        }
    }

    /// Finisher: closes the list and returns its first node, or `None` if it is empty.
    #[inline]
    pub fn close(&self, generation: u32, failed: bool) -> Option<u32> {
        let closed = if failed { CLOSED_FAILED } else { CLOSED };
        // EDGE EDGE_CLOSE <- EDGE_PUSH. One swap takes all nodes and tells later submitters.
        let head = self.0.swap(word(generation, closed), edge::EDGE_CLOSE);
        debug_assert_eq!(
            generation_of(head),
            generation,
            "only the life's own finish closes it"
        );
        Some(node_of(head)).filter(|&node| node < MAX_EDGE_NODES)
    }
}
