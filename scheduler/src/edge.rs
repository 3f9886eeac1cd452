//! Every memory order of this crate, by name. See [`finbox_mailbox::edge`] for how to read it.

use finbox_mailbox::edge_table;

edge_table! {
    RETIRE = AcqRel, with "RETIRE, RECYCLE, SLOT_LOOK", "what every handler did, to the last one, to who sees the end";
    RETIRE_LOOK = Relaxed, with "-", "only the next guess; the exchange decides";
    FINISH = Release, with "SLOT_LOOK", "what the task did, to a submitter that waits no more";
    CONCLUDE = Release, with "SLOT_LOOK", "what a deferred task did, as FINISH where nothing is out any more";
    RECLAIM = Release, with "RECYCLE", "the last walk over the slot's edges is over";
    RECYCLE = Acquire, with "RECLAIM, RETIRE", "slot and edge nodes may be written again";
    SLOT_OPEN = Release, with "SLOT_LOOK", "the description of the slot's new life";
    SLOT_LOOK = Acquire, with "SLOT_OPEN, RETIRE, FINISH, CONCLUDE", "what belongs to the life and outcome seen";
    DESCRIBE = Relaxed, with "-", "descriptions travel on EDGE_PUSH, READY_PUSH and INSTALL";
    FAN_IN = Release, with "FAN_IN_LAST", "what producers and submitter did, to who has the last count";
    FAN_IN_LAST = Acquire, with "FAN_IN", "what all others did, to who has the last count";
    FAN_IN_ADD = Relaxed, with "-", "not ready before whoever marks it takes back a count of its own";
    EDGE_PUSH = Release, with "EDGE_CLOSE", "the node's consumer, its description and the link";
    EDGE_SEEN = Acquire, with "EDGE_CLOSE", "the list is closed: what the producer did is visible";
    EDGE_CLOSE = AcqRel, with "EDGE_PUSH, EDGE_SEEN", "nodes to the finisher, the finish to others";
    EDGE_NODE = Relaxed, with "-", "nodes travel on EDGE_PUSH and return on RECLAIM";
    READY_PUSH = Release, with "READY_TAKE", "the slot, its link, what its producers did";
    READY_LOOK = Relaxed, with "-", "only the next guess, or a hint that there is something";
    READY_TAKE = Acquire, with "READY_PUSH", "the ready slots with their links";
    READY_LINK = Relaxed, with "-", "links travel on READY_PUSH; then one thread owns them";
    INSTALL = Release, with "OBSERVE", "record, payload and cleared slab of the token";
    OBSERVE = Acquire, with "INSTALL", "record, payload and cleared slab of the tokens seen";
    APPLY = Relaxed, with "-", "only tokens; slab and record return on RECORD_FREE";
    LOOK = Relaxed, with "-", "only tokens; that a core can take one arrives on OPEN_TAKE or IDLE_HEAR";
    RECORD = Relaxed, with "-", "a record's slot travels on INSTALL";
    RECORD_FREE = Release, with "RECORD_SEEN", "slab and record were read for the last time";
    RECORD_SEEN = Acquire, with "RECORD_FREE", "slab and record of this parity may be written";
    OPEN_SET = Release, with "OPEN_TAKE", "the pair and record that made the core available";
    OPEN_TAKE = Acquire, with "OPEN_SET", "the pair and record that made the core available";
    OPEN_LOOK = Relaxed, with "-", "a hint; the pair decides";
    IDLE_SAY = Release, with "IDLE_HEAR", "the pair and the records of the core that is idle";
    IDLE_HEAR = Acquire, with "IDLE_SAY", "the pair and the records of the cores that are idle";
    ENGAGE = Relaxed, with "-", "a bit with one writer; INSTALL carries the token, RING the news";
    OUT_HINT = Relaxed, with "-", "a statistic with one writer";
    ROOM = Relaxed, with "-", "a number; what it counts stands under the wait list's lock";
    SOURCE_END = Release, with "SOURCE_ENDED", "the last word of whoever ends, to who looks at it once more";
    SOURCE_ENDED = Acquire, with "SOURCE_END", "the last word of whoever has ended";
    SOURCE_HINT = Relaxed, with "-", "a bit, never taken back: it is news to walk for, and the look behind it decides";
    LIVE_HINT = Relaxed, with "-", "a hint that the wait list is worth locking";
    ORPHAN = Release, with "ORPHANS_TAKEN", "the retire word of the task whose messages were refused";
    ORPHANS_TAKEN = Acquire, with "ORPHAN", "the retire words of the tasks to be failed";
    ORPHAN_HINT = Relaxed, with "-", "a hint; taking it decides";
    FAULT = Relaxed, with "-", "the first exchange wins; the record is one word";
}
