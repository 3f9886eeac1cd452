//! Every memory order of this crate, by name.
//!
//! The door in [`crate::sync`] accepts an [`Edge`] where `core` accepts an `Ordering`, so an
//! atomic access whose order is not in a table does not compile. An edge names its partner (the
//! other end of the synchronising pair) and what it carries; a relaxed entry says what makes
//! relaxed enough. The crates above keep tables of their own, made by the same
//! [`edge_table!`](crate::edge_table) macro. In model builds the order of one edge can be weakened
//! from outside (`FINBOX_WEAKEN=PUBLISH=Relaxed`), which is how each edge gets its killer.

pub use core::sync::atomic::Ordering;

use crate::sync;

/// One end of a synchronising pair, or a relaxed access with its reason.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    name: &'static str,
    order: Ordering,
    partner: &'static str,
    carries: &'static str,
}

impl Edge {
    /// Makes a table row. Use [`edge_table!`](crate::edge_table) instead.
    pub const fn new(
        name: &'static str,
        order: Ordering,
        partner: &'static str,
        carries: &'static str,
    ) -> Self {
        Self {
            name,
            order,
            partner,
            carries,
        }
    }

    /// The order this access runs with: the table's, unless a model build weakened it.
    #[inline(always)]
    pub fn order(self) -> Ordering {
        sync::effective_order(self.name, self.order)
    }

    /// The constant's name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The order written in the table.
    pub const fn table_order(self) -> Ordering {
        self.order
    }

    /// Name of the other end, or `"-"` for a relaxed access that synchronises nothing.
    pub const fn partner(self) -> &'static str {
        self.partner
    }

    /// What the edge carries, or why relaxed is enough.
    pub const fn carries(self) -> &'static str {
        self.carries
    }
}

/// Declares named edges: `NAME = Order, with "PARTNER", "what it carries";`.
#[macro_export]
macro_rules! edge_table {
    ($( $name:ident = $order:ident, with $partner:literal, $carries:literal; )*) => {
        $(
            #[doc = concat!("`", stringify!($order), "`, pairs with `", $partner, "`: ")]
            #[doc = concat!($carries, ".")]
            pub const $name: $crate::edge::Edge = $crate::edge::Edge::new(
                stringify!($name),
                $crate::edge::Ordering::$order,
                $partner,
                $carries,
            );
        )*

        /// Every row of this table.
        pub const TABLE: &[$crate::edge::Edge] = &[$($name),*];
    };
}

edge_table! {
    PUBLISH = Release, with "TAKE", "the payload of the slot";
    TAKE = Acquire, with "PUBLISH", "the payload of the slot";
    TAIL_RELEASE = Release, with "TAIL_REFRESH", "the consumer has finished reading these slots";
    TAIL_REFRESH = Acquire, with "TAIL_RELEASE", "the consumer has finished reading these slots";
    COPY_STORE = Release, with "COPY_LOAD", "what TAIL_REFRESH brought, handed on to other claimers";
    COPY_LOAD = Acquire, with "COPY_STORE", "what TAIL_REFRESH brought to whoever refreshed the copy";
    HEAD_CLAIM = Release, with "HEAD_SEEN, HEAD_CONDEMN", "the tail that made room for this claim, and its announcement";
    HEAD_SEEN = Acquire, with "HEAD_CLAIM, HEAD_CONDEMN", "a tail that belongs to this head: an older one looks full";
    HEAD_CONDEMN = AcqRel, with "HEAD_SEEN, HEAD_CLAIM", "that the mailbox is condemned, to whoever is refused; the announcements of all claims";
    CONDEMN = Relaxed, with "-", "HEAD_CONDEMN carries it to whoever is refused because of it";
    ANNOUNCE = Release, with "LINE_LOOK", "the publications of the batch before, whose announcement it replaces";
    LINE_CLEAR = Release, with "LINE_LOOK", "the publications of the batch whose announcement it takes back";
    LINE_LOOK = Acquire, with "ANNOUNCE, LINE_CLEAR", "that what a line no longer shows is published";
    ENROL = Acquire, with "LEAVE", "that the line's last owner is through with it";
    ENROL_BUSY = Relaxed, with "-", "a line that is taken is passed over";
    LEAVE = Release, with "ENROL, OWNER_LOOK", "everything the line's owner did to line and slots";
    OWNER_LOOK = Acquire, with "LEAVE", "that whoever left is through with the memory";
    TAIL_HINT = Relaxed, with "-", "a hint; the consumer's own tail decides";
    HEAD_HINT = Relaxed, with "-", "a statistic, allowed to be stale";
    LOCK = Acquire, with "UNLOCK", "everything the previous holder did";
    UNLOCK = Release, with "LOCK", "everything this holder did";
    LOCK_BUSY = Relaxed, with "-", "the loser touches nothing";
    SEAT_TAKE = Acquire, with "SEAT_LEAVE", "everything the consumer before did to the memory";
    SEAT_LEAVE = Release, with "SEAT_TAKE", "everything this consumer did to the memory";
    SEAT_BUSY = Relaxed, with "-", "whoever is refused touches nothing";
    RING = AcqRel, with "CLEAR, PARK", "the news the ringer wrote before it rang";
    CLEAR = Acquire, with "RING", "the news of every ring that is wiped out here";
    PARK = Release, with "RING", "what the sleeper wrote before, such as who it is";
    PARK_LOST = Relaxed, with "-", "whoever is refused goes back to CLEAR";
    PLACE = Release, with "ATTACH", "the header and every stamped sequence";
    ATTACH = Acquire, with "PLACE", "the header and every stamped sequence";
    STAMP = Relaxed, with "-", "written before PLACE or before the handles exist";
    HEADER = Relaxed, with "-", "read after ATTACH, and constant from PLACE on";
    EPOCH = Relaxed, with "-", "changes only while producers are quiesced";
    SHARED_WORD = Relaxed, with "-", "payload words in shared memory travel on PUBLISH";
    WORK_CLAIM = Release, with "WORK_HEAD", "that the slots claimed were free, and what their takers wrote before";
    WORK_HEAD = Acquire, with "WORK_CLAIM", "slots as new as this head: older ones look full, or as if they were held";
    WORK_FREED = Acquire, with "WORK_FREE", "that the taker has read the slot";
    WORK_PUBLISH = Release, with "WORK_TAKE", "the item in the slot";
    WORK_PEEK = Relaxed, with "-", "a look: the exchange decides, and every position that is gone was taken";
    WORK_TAKE = Acquire, with "WORK_PUBLISH", "the item in the slot";
    WORK_TAKE_LOST = Relaxed, with "-", "whoever loses goes on to the next position";
    WORK_HOLD = Release, with "WORK_LOOK", "what was done for the position before, which it replaces on the line";
    WORK_FREE = Release, with "WORK_FREED, WORK_STATE", "that the slot was read, and the line that holds its position";
    WORK_STATE = Acquire, with "WORK_FREE", "the line that holds the position";
    WORK_DONE = Release, with "WORK_LOOK", "what was done for the position";
    WORK_LOOK = Acquire, with "WORK_HOLD, WORK_DONE", "what was done for a position that the line no longer shows";
    WORK_CLOSE = Relaxed, with "-", "a bit of head: whoever sees it sees the last claim on the same word";
    WORK_OWN = Relaxed, with "-", "the line's owner alone writes it; a hint for others";
    WORK_TAIL = Relaxed, with "-", "a hint; the slots decide";
}
