//! The time of one acting thread.
//!
//! In virtual time: when its step began, plus what was charged since. By the wall clock: time
//! since the run began, and charges are nothing. One meter a thread; it is shared only because a
//! [`Port`](finbox_scheduler::Port) is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Time and charges of one acting thread.
#[derive(Debug)]
pub struct Meter {
    /// None: virtual time.
    origin: Option<Instant>,
    began: AtomicU64,
    charged: AtomicU64,
}

impl Meter {
    /// A meter of virtual time, at 0.
    pub const fn virtual_time() -> Self {
        Self {
            origin: None,
            began: AtomicU64::new(0),
            charged: AtomicU64::new(0),
        }
    }

    /// A meter by the wall clock, counting from `origin`.
    pub const fn wall_time(origin: Instant) -> Self {
        Self {
            origin: Some(origin),
            ..Self::virtual_time()
        }
    }

    /// Whether it goes by virtual time.
    #[inline]
    pub const fn is_virtual(&self) -> bool {
        self.origin.is_none()
    }

    /// A step begins at virtual time `now_ns`, with nothing charged.
    #[inline]
    pub fn begin(&self, now_ns: u64) {
        // RELAXED, here and below: one thread acts by a meter.
        self.began.store(now_ns, Ordering::Relaxed);
        self.charged.store(0, Ordering::Relaxed);
    }

    /// Adds `ns` to what the step costs.
    #[inline]
    pub fn charge(&self, ns: u64) {
        let charged = self.charged.load(Ordering::Relaxed);
        self.charged.store(charged + ns, Ordering::Relaxed);
    }

    /// What was charged since the step began, in ns.
    #[inline]
    pub fn elapsed(&self) -> u64 {
        self.charged.load(Ordering::Relaxed)
    }

    /// When the step began, in virtual time: its effects hold from then on. By the wall: now.
    #[inline]
    pub fn step_began(&self) -> u64 {
        match self.origin {
            Some(_) => self.now(),
            None => self.began.load(Ordering::Relaxed),
        }
    }

    /// Nanoseconds, since virtual or wall time began.
    #[inline]
    pub fn now(&self) -> u64 {
        match self.origin {
            Some(origin) => u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX),
            None => self.began.load(Ordering::Relaxed) + self.elapsed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Meter;

    #[test]
    fn virtual_time_moves_by_charges_alone() {
        let meter = Meter::virtual_time();
        meter.begin(1_000);
        meter.charge(5);
        meter.charge(100);
        assert_eq!((meter.now(), meter.elapsed()), (1_105, 105));
        assert_eq!(meter.step_began(), 1_000);
        meter.begin(2_000);
        assert_eq!((meter.now(), meter.elapsed()), (2_000, 0));
    }

    #[test]
    fn wall_time_never_goes_back() {
        let meter = Meter::wall_time(std::time::Instant::now());
        let first = meter.now();
        assert!(meter.now() >= first && !meter.is_virtual());
    }
}
