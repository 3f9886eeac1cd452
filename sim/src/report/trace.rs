//! What a trace file holds of the run, and what it does not.

use serde::Serialize;

use super::words::{count, printable};

/// The trace that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceReport {
    /// Where.
    pub file: String,
    /// How large it is.
    pub bytes: u64,
    /// Bars, instants and samples of counters in it.
    pub events: u64,
    /// Arrows in it: dependencies, and what made conditions true.
    pub arrows: u64,
    /// The part of the run's time that was asked for; `None`: all.
    pub window: Option<WindowReport>,
    /// `all`, or `bars`: the run was too long for more.
    pub detail: &'static str,
    /// One task in so many has its bars; 1: all have.
    pub sampled: u32,
    /// Entries for which there was no room.
    pub left_out: u64,
}

/// A part of a run's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WindowReport {
    /// From when on, in µs.
    pub from_us: u64,
    /// Before when; `None`: the end of the run.
    pub to_us: Option<u64>,
}

impl TraceReport {
    /// What people are told, in one line.
    pub(super) fn to_text(&self) -> String {
        let mut text = format!(
            "{}: {}, {}, {}",
            printable(&self.file),
            count(self.bytes, "byte"),
            count(self.events, "event"),
            count(self.arrows, "arrow")
        );
        if self.detail != "all" {
            text += ", bars only";
        }
        if self.sampled > 1 {
            text += &format!(", one task in {}", self.sampled);
        }
        if self.left_out > 0 {
            text += &format!(", {} left out", self.left_out);
        }
        if self.detail != "all" || self.left_out > 0 {
            text += ": take a part with --trace-window";
        }
        text
    }
}
