//! Device libraries as they come: whole, newer, and broken in every way that can be seen; each is
//! written in C and compiled here. Without a C compiler there is nothing to load, and this says so.

#![cfg(not(any(loom, shuttle)))]

mod alone;
mod blocked;
mod built;
mod conforming;
mod machine;
mod refused;
mod search;
