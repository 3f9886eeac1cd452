//! The mailbox, line by line of its requirements (M1 to M5).

mod ring;
