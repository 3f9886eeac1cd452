//! The simulator: the scheduler that ships, on a chip made of memory, on one of two clocks.
//!
//! Guarantees: the same seed gives the same lockstep run to the bit; kernels move real bytes; a
//! run ends with a result, an error, or the names of the tasks that are stuck.
//!
//! Refuses: to decide anything the scheduler decides. It is the machine and the judge.
//!
//! Start at [`app`] for what `finbox run` does, [`world`] for the two clocks, [`device`] for the
//! chip, [`workload`] for tasks as data, [`fault`] for what goes wrong, [`check`] for many seeds,
//! [`timeline`] for what a run did and when, [`analysis`] for what held it up, [`perfetto`] for
//! traces, [`compare`] for two results, [`demo`] for the built-in ones, [`mod@file`] and
//! [`cost_file`] for files that people write, [`metg`] for what `finbox metg` measures,
//! [`machine`] for chips that run the kernels of whoever asks, [`mod@persistent`] for whether items
//! go to persistent workers, [`shadow`] for what tasks touch beside what they declare.

pub mod analysis;
pub mod app;
pub mod check;
pub mod cli;
pub mod compare;
pub mod cost_file;
pub mod demo;
pub mod device;
pub mod engine;
pub mod fault;
pub mod file;
pub mod machine;
pub mod memory;
pub mod metg;
pub mod perfetto;
pub mod persistent;
pub mod report;
pub mod shadow;
pub mod shared;
pub mod signal;
pub mod timeline;
pub mod workload;
pub mod world;
