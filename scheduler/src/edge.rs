//! Every memory order of this crate, by name. See [`finbox_mailbox::edge`] for how to read it.

use finbox_mailbox::edge_table;

edge_table! {
    RETIRE = AcqRel, with "RETIRE", "what each subtask's handler did before it retired, to the last one";
    RETIRE_LOOK = Relaxed, with "-", "only the next guess; the exchange decides";
    FINISH = AcqRel, with "RETIRE", "the outcome, decided once, after everything that was retired";
    RECLAIM = Release, with "RECYCLE", "the last walk over the slot's edges is over";
    RECYCLE = Acquire, with "RECLAIM", "slot and edge nodes may be written again";
    SLOT_OPEN = Release, with "SLOT_LOOK", "the description of the slot's new life";
    SLOT_LOOK = Acquire, with "SLOT_OPEN", "the description that belongs to the generation seen";
    DESCRIBE = Relaxed, with "-", "a slot's description travels on FAN_IN, READY_PUSH and INSTALL";
    FAN_IN = AcqRel, with "FAN_IN", "every producer's outcome and the submitter's wiring, to whoever counts to zero";
    FAN_IN_ADD = Relaxed, with "-", "the slot is not ready before its submitter drops its own count";
    EDGE_PUSH = Release, with "EDGE_CLOSE", "the node's consumer and link";
    EDGE_SEEN = Acquire, with "EDGE_CLOSE", "a closed list: the producer is finished, its effects are visible";
    EDGE_CLOSE = AcqRel, with "EDGE_PUSH", "all nodes to the finisher, the finish to later submitters";
    EDGE_NODE = Relaxed, with "-", "nodes travel on EDGE_PUSH and return on RECLAIM";
    READY_PUSH = Release, with "READY_TAKE", "the ready slot, its link and everything its producers did";
    READY_LOOK = Relaxed, with "-", "only the next guess, or a hint that there is something";
    READY_TAKE = Acquire, with "READY_PUSH", "the ready slots with their links";
    READY_LINK = Relaxed, with "-", "links travel on READY_PUSH; afterwards one thread owns them";
    INSTALL = Release, with "OBSERVE", "record, payload and cleared slab of the token";
    OBSERVE = Acquire, with "INSTALL", "record, payload and cleared slab of the tokens seen";
    APPLY = Release, with "LOOK", "the handler's last read of what a finished token left";
    LOOK = Acquire, with "APPLY", "the core pair as the handler left it";
    RECORD = Relaxed, with "-", "a record's slot travels on INSTALL";
    RECORD_FREE = Release, with "RECORD_SEEN", "slab and record of this parity are read for the last time";
    RECORD_SEEN = Acquire, with "RECORD_FREE", "slab and record of this parity may be written";
    OPEN_SET = Release, with "OPEN_TAKE", "the pair and records that made the core available";
    OPEN_TAKE = Acquire, with "OPEN_SET", "the pair and records that made the core available";
    OPEN_LOOK = Relaxed, with "-", "a hint; the pair decides";
    ROOM = Relaxed, with "-", "a number; what it counts is stored under the wait list's lock";
    LIVE_HINT = Relaxed, with "-", "a hint that the wait list is worth locking";
    FAULT = Relaxed, with "-", "first fault wins by exchange; the record is complete in one word";
    PULSE = Relaxed, with "-", "a counter written by one thread, read as progress by another";
}
