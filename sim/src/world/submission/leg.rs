//! The leg of a drain: from when the processor came to its position.
//!
//! A run drains its ring to the end, whatever that takes, so the budget of its drains is one of
//! legs: within it a processor that goes in circles is told from one that is slow. Called by both
//! clocks.

use finbox_runtime::command::{Evidence, Journey, Snapshot, Verdict};

/// How long a processor may come back to packets that it had, at one position, in ns. A choice: a
/// buffer of some thousand packets is through before.
pub(in crate::world) const BUDGET_NS: u64 = 1_000_000;

/// From when the processor came to its position.
#[derive(Clone, Copy, Debug)]
pub(in crate::world) struct Leg(Journey);

impl Leg {
    /// The processor is as in `begin`.
    pub(in crate::world) const fn begin(begin: Snapshot, began_ns: u64) -> Self {
        Self(Journey {
            target: begin.statistics.position,
            began_ns,
            begin,
        })
    }

    /// The processor is as in `now`: a new leg, if it came further.
    pub(in crate::world) fn look(&mut self, now: &Snapshot, now_ns: u64) {
        if now.statistics.position != self.0.begin.statistics.position {
            *self = Self::begin(*now, now_ns);
        }
    }

    /// Why it is not at `target`.
    pub(in crate::world) fn evidence(&self, now: &Snapshot, target: u64, now_ns: u64) -> Evidence {
        let journey = Journey { target, ..self.0 };
        journey.evidence(now, now_ns)
    }

    /// Whether it goes in circles, and will.
    pub(in crate::world) fn is_livelock(&self, now: &Snapshot, now_ns: u64) -> bool {
        now.revisits > 0
            && now_ns.saturating_sub(self.0.began_ns) >= BUDGET_NS
            && self.evidence(now, self.0.target, now_ns).verdict == Verdict::Livelock
    }
}

/// How long whoever waits for a processor lets it stand before it rings again: a bell may be lost.
#[derive(Clone, Copy, Debug)]
pub(in crate::world) struct Vigil {
    position: u64,
    since_ns: u64,
    patience_ns: u64,
}

impl Default for Vigil {
    fn default() -> Self {
        Self {
            position: 0,
            since_ns: 0,
            patience_ns: Self::FIRST_NS,
        }
    }
}

impl Vigil {
    /// At first. A choice: a bell that is heard has been by then.
    const FIRST_NS: u64 = 100_000;

    /// Each time twice as long, up to a second.
    const LATEST_NS: u64 = 1_000_000_000;

    /// For how long the processor may stand now, in ns.
    pub(in crate::world) const fn patience_ns(&self) -> u64 {
        self.patience_ns
    }

    /// The processor is at `position`: whether it has stood there for too long.
    pub(in crate::world) fn is_to_ring(&mut self, position: u64, now_ns: u64) -> bool {
        if position != self.position {
            *self = Self {
                position,
                since_ns: now_ns,
                ..Self::default()
            };
            return false;
        }
        let is_long = now_ns.saturating_sub(self.since_ns) >= self.patience_ns;
        if is_long {
            self.since_ns = now_ns;
            self.patience_ns = (2 * self.patience_ns).min(Self::LATEST_NS);
        }
        is_long
    }
}
