//! The mailbox, line by line of its requirements (M1 to M5).

mod batch;
mod capacity;
mod fins;
mod fixture;
mod gap;
mod generations;
mod guard;
mod layout;
mod model;
mod order;
mod region;
mod release;
mod work;
