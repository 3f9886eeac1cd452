//! Every memory order of this crate, by name. See [`finbox_mailbox::edge`] for how to read it.

use finbox_mailbox::edge_table;

edge_table! {
    STOP = Relaxed, with "-", "a wish to end; joining the threads carries what they did";
    BEAT = Relaxed, with "-", "a counter with one writer, read as a sign of life";
    CALL = Relaxed, with "-", "a word with one writer; a watchdog believes it when it has not changed for long";
    UNSEATED = Relaxed, with "-", "a statistic";
}
