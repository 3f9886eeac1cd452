//! What the caller of `load` may choose: which edges count, and the speed that stands in for
//! durations a trace does not have.
//!
//! Guarantees: every estimated time is finite and saturates. Refuses roofline knobs that are
//! not finite and above 0.

use serde::{Deserialize, Serialize};

use super::error::ImportError;

/// How to read a trace.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Options {
    /// The edges that are enforced.
    pub deps: Deps,
    /// Stands in where a node's duration is 0, that is unknown.
    pub roofline: Roofline,
}

/// Which of a trace's two kinds of edges are enforced; the others are not even checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deps {
    /// The data edges.
    #[default]
    Data,
    /// The control edges.
    Ctrl,
    /// Both; an edge of both kinds counts once.
    Both,
}

/// The speeds from which an unknown duration is estimated.
///
/// With `n` operations on `b` bytes, time = n / min(peak, n / b × bandwidth), which is the
/// longer of n / peak and b / bandwidth. The defaults are round figures in the range of
/// today's accelerators, not those of a device: estimated times scale with them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roofline {
    /// Operations per second, finite and above 0; default 1e14.
    pub peak_flops: f64,
    /// Bytes per second, finite and above 0; default 1e12.
    pub bandwidth_bytes_per_s: f64,
}

impl Default for Roofline {
    fn default() -> Self {
        Self {
            peak_flops: 1e14,
            bandwidth_bytes_per_s: 1e12,
        }
    }
}

impl Roofline {
    /// Refuses knobs from which no time can be computed.
    pub(super) fn check(&self) -> Result<(), ImportError> {
        let knobs = [
            ("peak_flops", self.peak_flops),
            ("bandwidth_bytes_per_s", self.bandwidth_bytes_per_s),
        ];
        for (knob, value) in knobs {
            if !(value.is_finite() && value > 0.0) {
                return Err(ImportError::Roofline { knob, value });
            }
        }
        Ok(())
    }

    /// The estimated time, rounded; at least 1 ns where there is any work, 0 where none.
    #[expect(
        clippy::cast_precision_loss,
        reason = "an estimate needs no more than 53 bits"
    )]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates"
    )]
    pub(super) fn time_ns(&self, operations: u64, bytes: u64) -> u64 {
        if operations == 0 && bytes == 0 {
            return 0;
        }
        let computing_s = operations as f64 / self.peak_flops;
        let moving_s = bytes as f64 / self.bandwidth_bytes_per_s;
        ((computing_s.max(moving_s) * 1e9).round() as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOBS: Roofline = Roofline {
        peak_flops: 1e12,
        bandwidth_bytes_per_s: 1e9,
    };

    #[test]
    fn no_operations_and_no_bytes_take_no_time() {
        assert_eq!(KNOBS.time_ns(0, 0), 0);
    }

    #[test]
    fn only_bytes_take_bytes_over_bandwidth() {
        assert_eq!(KNOBS.time_ns(0, 1000), 1000);
    }

    #[test]
    fn only_operations_take_operations_over_peak() {
        assert_eq!(KNOBS.time_ns(5000, 0), 5);
    }

    #[test]
    fn the_slower_of_computing_and_moving_decides() {
        assert_eq!(KNOBS.time_ns(2_000_000, 1000), 2000);
        assert_eq!(KNOBS.time_ns(2_000_000, 3000), 3000);
    }

    #[test]
    fn a_little_work_takes_at_least_a_nanosecond() {
        assert_eq!(KNOBS.time_ns(1, 0), 1);
    }

    #[test]
    fn the_largest_numbers_saturate() {
        let slow = Roofline {
            peak_flops: f64::MIN_POSITIVE,
            bandwidth_bytes_per_s: 1e-300,
        };
        assert_eq!(slow.time_ns(u64::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn knobs_that_are_no_speed_are_refused() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let knobs = Roofline {
                peak_flops: value,
                ..Roofline::default()
            };
            assert!(matches!(
                knobs.check(),
                Err(ImportError::Roofline {
                    knob: "peak_flops",
                    ..
                })
            ));
        }
        assert!(Roofline::default().check().is_ok());
    }
}
