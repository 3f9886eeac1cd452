//! The values that options take: from text to a number inside its range.
//!
//! Guarantees: every refusal names the allowed range, also for text that is no number at all.
//! Refuses: signs, fractions, units, and any range that depends on another option. Called by the
//! argument parser.

use std::ops::RangeInclusive;

use thiserror::Error;

use crate::workload::chakra::MAX_RANKS;

/// Ranks of a scenario, whatever it is.
pub(super) const RANKS: RangeInclusive<u64> = 1..=64;

/// Ranks of a trace.
pub(super) const TRACE_RANKS: RangeInclusive<u64> = 1..=MAX_RANKS as u64;

/// Tasks of a scenario of any size.
pub(super) const TASKS: RangeInclusive<u64> = 1..=10_000_000;

/// FIN handlers of one rank.
pub(super) const HANDLERS: RangeInclusive<u64> = 1..=8;

/// Deadline in milliseconds; the upper end is the last one that fits 64 bits of nanoseconds.
pub(super) const DEADLINE_MS: RangeInclusive<u64> = 1..=u64::MAX / 1_000_000;

/// Mailbox slots, fewest and most; both are powers of two.
const FEWEST_SLOTS: u32 = 2;
const MOST_SLOTS: u32 = 1 << 24;

/// Scales of time, smallest and largest: a second is 1 ns to 1 000 s.
const LEAST_SCALE: f64 = 1e-9;
const MOST_SCALE: f64 = 1e3;

/// Why a value was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum ValueError {
    #[error("it must be a whole number from {least} to {most}")]
    NotInRange { least: u64, most: u64 },
    #[error("it must be a power of two from {FEWEST_SLOTS} to {MOST_SLOTS}{}", nearest(.near))]
    NotASlotCount { near: Vec<u32> },
    #[error("it must be a number from 0.000000001 to 1000")]
    BeyondScale,
}

/// Reads a whole number inside `range`.
pub(super) fn whole<T: TryFrom<u64>>(
    text: &str,
    range: RangeInclusive<u64>,
) -> Result<T, ValueError> {
    let refused = ValueError::NotInRange {
        least: *range.start(),
        most: *range.end(),
    };
    match digits(text)
        .filter(|number| range.contains(number))
        .map(T::try_from)
    {
        Some(Ok(number)) => Ok(number),
        _ => Err(refused),
    }
}

/// Reads a scale of time, as virtual ns for a second: 0.001 is 1 000 000.
pub(super) fn time_scale(text: &str) -> Result<u64, ValueError> {
    let starts = text.starts_with(|first: char| first.is_ascii_digit());
    let scale = text.parse::<f64>().ok().filter(|_| starts);
    let scale = scale.filter(|scale| (LEAST_SCALE..=MOST_SCALE).contains(scale));
    let scale = scale.ok_or(ValueError::BeyondScale)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between 1 and 10¹²"
    )]
    let ns = (scale * 1e9).round() as u64;
    Ok(ns)
}

/// Reads a number of mailbox slots.
pub(super) fn mailbox_slots(text: &str) -> Result<u32, ValueError> {
    if !is_number(text) {
        return Err(ValueError::NotASlotCount { near: Vec::new() });
    }
    // A number beyond 64 bits is far above the range: its nearest allowed value is the most.
    let number = digits(text).unwrap_or(u64::MAX);
    match u32::try_from(number) {
        Ok(slots) if slots.is_power_of_two() && (FEWEST_SLOTS..=MOST_SLOTS).contains(&slots) => {
            Ok(slots)
        }
        Ok(slots) => Err(ValueError::NotASlotCount {
            near: nearest_slots(slots),
        }),
        Err(_) => Err(ValueError::NotASlotCount {
            near: vec![MOST_SLOTS],
        }),
    }
}

/// The allowed values around `slots`, which is not allowed itself.
fn nearest_slots(slots: u32) -> Vec<u32> {
    if slots < FEWEST_SLOTS {
        return vec![FEWEST_SLOTS];
    }
    if slots > MOST_SLOTS {
        return vec![MOST_SLOTS];
    }
    let above = slots.next_power_of_two();
    vec![above / 2, above]
}

fn nearest(near: &[u32]) -> String {
    match near {
        [] => String::new(),
        [one] => format!("; nearest is {one}"),
        [below, above, ..] => format!("; nearest are {below} and {above}"),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn digits(text: &str) -> Option<u64> {
    if is_number(text) {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_range_are_allowed_and_their_neighbours_are_not() {
        assert_eq!(whole::<u16>("1", RANKS), Ok(1));
        assert_eq!(whole::<u16>("64", RANKS), Ok(64));
        for text in [
            "0",
            "65",
            "",
            " 2",
            "+2",
            "-2",
            "2.0",
            "two",
            "99999999999999999999",
        ] {
            let refused = whole::<u16>(text, RANKS).unwrap_err();
            assert_eq!(
                refused.to_string(),
                "it must be a whole number from 1 to 64",
                "{text:?}"
            );
        }
    }

    #[test]
    fn every_power_of_two_in_the_range_is_a_slot_count() {
        for shift in 1..=24 {
            let slots = 1u32 << shift;
            assert_eq!(mailbox_slots(&slots.to_string()), Ok(slots));
        }
    }

    #[test]
    fn a_refused_slot_count_names_the_range_and_the_nearest_values() {
        for (text, near) in [
            ("0", "; nearest is 2"),
            ("1", "; nearest is 2"),
            ("3", "; nearest are 2 and 4"),
            ("4095", "; nearest are 2048 and 4096"),
            ("4097", "; nearest are 4096 and 8192"),
            ("16777215", "; nearest are 8388608 and 16777216"),
            ("16777217", "; nearest is 16777216"),
            ("33554432", "; nearest is 16777216"),
            ("4294967296", "; nearest is 16777216"),
            ("99999999999999999999", "; nearest is 16777216"),
            ("many", ""),
            ("-4", ""),
            ("", ""),
        ] {
            let expected = format!("it must be a power of two from 2 to 16777216{near}");
            assert_eq!(
                mailbox_slots(text).unwrap_err().to_string(),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_scale_is_ns_for_a_second() {
        let read = [("0.001", 1_000_000), ("1", 1_000_000_000), ("1e-9", 1)];
        for (text, ns) in read.into_iter().chain([("1000", 1_000_000_000_000)]) {
            assert_eq!(time_scale(text), Ok(ns), "{text}");
        }
        for text in ["0", "-1", "+1", "1001", "1e-10", "nan", "inf", "", "x"] {
            assert_eq!(time_scale(text), Err(ValueError::BeyondScale), "{text}");
        }
    }

    #[test]
    fn the_longest_deadline_fits_64_bits_of_nanoseconds() {
        assert!(DEADLINE_MS.end().checked_mul(1_000_000).is_some());
    }
}
