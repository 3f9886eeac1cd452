//! Words for numbers: counts with their noun, durations with their unit, text made harmless.
//!
//! Guarantees: pure functions; integers only, so no rounding surprise. Refuses: locales. Called by
//! the text form, the progress line and the error texts.

use std::fmt::Write as _;

/// `text` with every control character, and every mark that turns the reading direction, visible.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_direction_mark(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn is_direction_mark(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1 rank`, `2 ranks`.
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// A task as people call it: its number, behind its ring where that is not the first.
pub(super) fn task_id(task: u64) -> String {
    let (ring, local) = (task >> 32, task & 0xffff_ffff);
    if ring == 0 {
        format!("task {local}")
    } else {
        format!("task {ring}:{local}")
    }
}

/// A duration with one decimal in the unit that keeps it short: `840 ns`, `31.8 µs`, `12.3 ms`.
pub fn duration(nanoseconds: u64) -> String {
    scaled(nanoseconds, ["ns", "µs", "ms", "s"])
}

/// An amount of bytes, likewise: `4 B`, `65.5 kB`, `8.4 MB`.
pub fn size(bytes: u64) -> String {
    scaled(bytes, ["B", "kB", "MB", "GB"])
}

/// How fast so many bytes were in so many nanoseconds: `3.8 MB/s`, `25.0 GB/s`.
pub fn rate(bytes: u64, nanoseconds: u64) -> String {
    let a_second = u128::from(bytes) * 1_000_000_000 / u128::from(nanoseconds.max(1));
    size(u64::try_from(a_second).unwrap_or(u64::MAX)) + "/s"
}

/// With one decimal in the unit that keeps it short; each is 1000 of the one before it.
fn scaled(number: u64, [plain, units @ ..]: [&str; 4]) -> String {
    if number < 1_000 {
        return format!("{number} {plain}");
    }
    let mut text = String::new();
    for (size, unit) in [1_000, 1_000_000, 1_000_000_000].into_iter().zip(units) {
        let tenth = size / 10;
        let tenths = number / tenth + u64::from(number % tenth >= tenth / 2);
        text.clear();
        let _infallible = write!(text, "{}.{} {unit}", tenths / 10, tenths % 10);
        if tenths < 10_000 {
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_no_plural() {
        assert_eq!(count(1, "rank"), "1 rank");
        assert_eq!(count(0, "rank"), "0 ranks");
        assert_eq!(count(2, "rank"), "2 ranks");
    }

    #[test]
    fn a_duration_takes_the_shortest_unit_and_rounds_half_up() {
        for (nanoseconds, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.0 µs"),
            (31_840, "31.8 µs"),
            (31_850, "31.9 µs"),
            (999_949, "999.9 µs"),
            (999_950, "1.0 ms"),
            (12_300_000, "12.3 ms"),
            (999_950_000, "1.0 s"),
            (90_000_000_000, "90.0 s"),
            (u64::MAX, "18446744073.7 s"),
        ] {
            assert_eq!(duration(nanoseconds), text, "{nanoseconds}");
        }
    }

    #[test]
    fn amounts_and_rates_take_the_unit_that_shows_them() {
        let sizes = [4, 65_536, 8_388_608, 3_000_000_000].map(size);
        assert_eq!(sizes, ["4 B", "65.5 kB", "8.4 MB", "3.0 GB"]);
        let rates = [(4, 1_040), (8_388_608, 336_584), (1, u64::MAX), (5, 0)];
        let rates = rates.map(|(bytes, ns)| rate(bytes, ns));
        assert_eq!(rates, ["3.8 MB/s", "24.9 GB/s", "0 B/s", "5.0 GB/s"]);
    }

    #[test]
    fn control_and_direction_marks_become_visible_and_letters_stay() {
        assert_eq!(printable("é→\u{7}\u{202e}x"), "é→\\u{7}\\u{202e}x");
    }
}
