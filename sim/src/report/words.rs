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
pub(super) fn count(number: u64, noun: &str) -> String {
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
    const UNITS: [(u64, &str); 3] = [(1_000, "µs"), (1_000_000, "ms"), (1_000_000_000, "s")];
    if nanoseconds < 1_000 {
        return format!("{nanoseconds} ns");
    }
    let mut text = String::new();
    for (size, unit) in UNITS {
        let tenth = size / 10;
        let tenths = nanoseconds / tenth + u64::from(nanoseconds % tenth >= tenth / 2);
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
    fn control_and_direction_marks_become_visible_and_letters_stay() {
        assert_eq!(printable("é→\u{7}\u{202e}x"), "é→\\u{7}\\u{202e}x");
    }
}
