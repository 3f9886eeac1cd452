//! A probe that says what happens through `tracing`, target `finbox`, level TRACE and DEBUG.

use finbox_scheduler::{Event, Outcome, Probe};
use tracing::level_filters::LevelFilter;

/// Hands every event to `tracing`; costs one level check where nobody subscribed.
#[derive(Clone, Copy, Debug)]
pub struct TracingProbe {
    /// Which rank the events belong to.
    pub rank: u32,
}

impl Probe for TracingProbe {
    #[inline]
    fn event(&self, event: Event) {
        let is_usual = match event {
            Event::Finished { outcome, .. } => outcome == Outcome::Completed,
            Event::Foreign { .. } | Event::Refused { .. } => false,
            _ => true,
        };
        if !is_usual || LevelFilter::current() >= LevelFilter::DEBUG {
            self.tell(event);
        }
    }
}

impl TracingProbe {
    #[cold]
    fn tell(&self, event: Event) {
        let rank = self.rank;
        match event {
            Event::Finished {
                slot,
                task,
                outcome,
                ..
            } if outcome != Outcome::Completed => {
                tracing::warn!(target: "finbox", rank, ?slot, task = task.0, ?outcome, "finished");
            }
            Event::Foreign { core, cond, kind } => {
                tracing::warn!(target: "finbox", rank, core = core.0, cond, ?kind, "foreign FIN");
            }
            Event::Refused { position, slot } => {
                tracing::warn!(target: "finbox", rank, position, ?slot, "message refused");
            }
            Event::Finished {
                slot, task, inline, ..
            } => {
                tracing::debug!(target: "finbox", rank, ?slot, task = task.0, inline, "finished");
            }
            other => tracing::trace!(target: "finbox", rank, event = ?other),
        }
    }
}
