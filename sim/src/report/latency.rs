//! How long things took: four measures, each as percentiles of an HDR histogram.
//!
//! Guarantees: count and max are exact, percentiles within 0.1 % and never above the max; an empty
//! measure is all zeros. Refuses: to measure; the recorder does that. Called by the run's end.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Significant decimal digits of a percentile.
const DIGITS: u8 = 3;

/// The latencies of a run, over all ranks; virtual ns in lockstep, the wall's in parallel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LatencyReport {
    /// From a task's submission until its outcome is decided.
    pub task: Percentiles,
    /// From the last FIN of a task, or from when its last condition was seen to hold if it deferred
    /// and that came later, until the first core gets a consumer that had waited for nothing else
    /// any more.
    pub fin_to_consumer: Percentiles,
    /// From a deferred task's last FIN, which brings its last conditions, until its outcome.
    pub wait: Percentiles,
    /// From a FIN's being seen until its handler is done with it.
    pub fin_handling: Percentiles,
}

/// One measure, in ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: u64,
    /// Half took at most this.
    pub p50_ns: u64,
    /// Nine of ten took at most this.
    pub p90_ns: u64,
    /// 99 of 100 took at most this.
    pub p99_ns: u64,
    /// 999 of 1 000 took at most this.
    pub p99_9_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// A measure while it is taken.
#[derive(Debug, Clone)]
pub struct Durations {
    histogram: Histogram<u64>,
    max_ns: u64,
}

impl Default for Durations {
    fn default() -> Self {
        let valid = "three digits are a valid precision";
        Self {
            histogram: Histogram::new(DIGITS).expect(valid),
            max_ns: 0,
        }
    }
}

impl Durations {
    /// Counts one duration.
    pub fn record(&mut self, duration_ns: u64) {
        let grows = "a histogram that grows takes every value";
        self.histogram.record(duration_ns).expect(grows);
        self.max_ns = self.max_ns.max(duration_ns);
    }

    /// Adds what another one measured.
    pub fn merge(&mut self, other: &Self) {
        let grows = "a histogram that grows takes every value of another";
        self.histogram.add(&other.histogram).expect(grows);
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// The percentiles so far.
    pub fn percentiles(&self) -> Percentiles {
        let at = |quantile| self.histogram.value_at_quantile(quantile).min(self.max_ns);
        Percentiles {
            count: self.histogram.len(),
            p50_ns: at(0.5),
            p90_ns: at(0.9),
            p99_ns: at(0.99),
            p99_9_ns: at(0.999),
            max_ns: self.max_ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Durations, Percentiles};

    #[test]
    fn nothing_measured_is_all_zeros() {
        assert_eq!(Durations::default().percentiles(), Percentiles::default());
    }

    #[test]
    fn percentiles_are_within_a_thousandth_and_the_max_is_exact() {
        let (mut odd, mut even) = (Durations::default(), Durations::default());
        for number in 1..=100_000 {
            let half = if number % 2 == 1 { &mut odd } else { &mut even };
            half.record(number * 1_001);
        }
        odd.merge(&even);
        let found = odd.percentiles();
        assert_eq!((found.count, found.max_ns), (100_000, 100_100_000));
        let expected = [50_050_000, 90_090_000, 99_099_000, 99_999_900];
        let found = [found.p50_ns, found.p90_ns, found.p99_ns, found.p99_9_ns];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!(
                found.abs_diff(expected) <= expected / 1_000,
                "{found} {expected}"
            );
        }
    }

    #[test]
    fn one_duration_is_every_percentile_and_the_longest_time_fits() {
        let mut one = Durations::default();
        one.record(466_537);
        let Percentiles {
            count,
            p50_ns,
            p90_ns,
            p99_ns,
            p99_9_ns,
            max_ns,
        } = one.percentiles();
        let all = [p50_ns, p90_ns, p99_ns, p99_9_ns, max_ns];
        assert_eq!((all, count), ([466_537; 5], 1));
        one.record(u64::MAX);
        assert_eq!(
            (one.percentiles().max_ns, one.percentiles().count),
            (u64::MAX, 2)
        );
    }
}
