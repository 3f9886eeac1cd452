//! The command ring, line by line of its requirements (C1 to C10).

mod any;
mod drains;
mod ends;
mod fences;
mod fixture;
mod levels;
mod packets;
mod served;
