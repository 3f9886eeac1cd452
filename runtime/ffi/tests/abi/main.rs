//! The C ABI, called from Rust: what arrives, what is refused, and what callbacks may do.

mod callbacks;
mod mailbox;
mod messages;
mod misuse;
mod threads;
