//! The house rules that a compiler does not know, each a function over the sources with a test
//! that it holds here and a test that it can fail.
#![cfg(not(loom))]

mod arrows;
mod atomics;
mod cfg_places;
mod doors;
mod edges;
mod files;
mod models;
mod sizes;
mod source;
