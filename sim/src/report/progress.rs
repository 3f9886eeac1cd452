//! A progress line on stderr for long runs.
//!
//! Guarantees: drawn only where a person can see it (stderr is a terminal that understands cursor
//! control) and not with `--quiet`; at most five times a second; never in the first second, so a
//! short run draws nothing; cleared on [`Progress::clear`] and on drop. Rate and time left follow
//! the last five seconds. An error of the terminal ends the drawing, not the run. Refuses: to be
//! shared between threads; one thread draws.
//!
//! Called by the run and by `check`. Written out here because a progress-bar library would bring
//! five crates for one line of text.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Stderr, Write};
use std::time::{Duration, Instant};

use super::words::printable;

/// The shortest time between two drawings: five a second.
const BETWEEN: Duration = Duration::from_millis(200);

/// The time before the first drawing.
const BEFORE_FIRST: Duration = Duration::from_secs(1);

/// How many drawings the rate looks back: five seconds.
const LOOKS_BACK: usize = 25;

/// Columns of the bar, without its ends.
const BAR: u64 = 16;

/// The most columns of the line, so that it fits an 80-column terminal and never wraps.
const MOST_COLUMNS: usize = 79;

/// Back to the first column and erase the line.
const ERASE: &str = "\r\x1b[2K";

/// The progress line.
#[derive(Debug)]
pub struct Progress<W: Write = Stderr> {
    out: Option<W>,
    next: Instant,
    is_drawn: bool,
    /// When whatever is going on ends at the latest.
    end: Option<Instant>,
    /// The last drawings, oldest first: when, and how many were done. Begins with the start.
    seen: VecDeque<(Instant, u64)>,
}

impl Progress<Stderr> {
    /// A line on stderr, or one that is never drawn.
    pub fn on_stderr(quiet: bool) -> Self {
        let stderr = io::stderr();
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_seen = !quiet && !is_dumb && stderr.is_terminal();
        Self::new(is_seen.then_some(stderr), Instant::now())
    }

    /// Draws, where it is time to: `done` of `total` `noun`s.
    pub fn update(&mut self, done: u64, total: u64, noun: &str) {
        if self.out.is_some() {
            self.update_at(Instant::now(), done, total, noun);
        }
    }
}

impl<W: Write> Progress<W> {
    /// A line on `out` that began at `now`; `None` is never drawn.
    pub fn new(out: Option<W>, now: Instant) -> Self {
        Self {
            out,
            next: now + BEFORE_FIRST,
            is_drawn: false,
            end: None,
            seen: VecDeque::from([(now, 0)]),
        }
    }

    /// Says that all ends at `end`, if there is one, however much is done by then.
    #[must_use]
    pub fn ending_at(mut self, end: Option<Instant>) -> Self {
        self.end = end;
        self
    }

    /// Draws, where it is time to at `now`: `done` of `total` `noun`s.
    pub fn update_at(&mut self, now: Instant, done: u64, total: u64, noun: &str) {
        if now < self.next {
            return;
        }
        self.next = now + BETWEEN;
        let pace = self.pace(now, done, total);
        let line = format!("{}{pace}", line(done, total, noun));
        let line: String = line.chars().take(MOST_COLUMNS).collect();
        self.is_drawn |= self.out.is_some();
        self.draw(&format!("{ERASE}{line}"));
    }

    /// Rate and time left, as far as they are known at `now`.
    fn pace(&mut self, now: Instant, done: u64, total: u64) -> String {
        let (since, before) = *self.seen.front().unwrap_or(&(now, done));
        if self.seen.len() == LOOKS_BACK {
            self.seen.pop_front();
        }
        self.seen.push_back((now, done));
        let took_ns = now.duration_since(since).as_nanos();
        let more = u128::from(done.saturating_sub(before));
        let Some(per_second) = (more * 1_000_000_000).checked_div(took_ns) else {
            return String::new();
        };
        let missing = u128::from(total.saturating_sub(done));
        let by_rate = (missing * took_ns).checked_div(more * 1_000_000_000);
        let by_clock = self
            .end
            .map(|end| u128::from(end.duration_since(now).as_secs()));
        let left = match (by_rate.filter(|_| total > 0), by_clock) {
            (Some(by_rate), Some(by_clock)) => Some(by_rate.min(by_clock)),
            (one, other) => one.or(other),
        };
        let left = left.map_or(String::new(), |seconds| {
            format!(", {} left", clock(seconds))
        });
        format!(", {}/s{left}", rate(per_second))
    }

    /// Erases the line; the next drawing brings it back.
    pub fn clear(&mut self) {
        if self.is_drawn {
            self.is_drawn = false;
            self.draw(ERASE);
        }
    }

    /// Writes `text`; after an error nothing is drawn any more.
    fn draw(&mut self, text: &str) {
        let Some(out) = &mut self.out else {
            return;
        };
        if out
            .write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .is_err()
        {
            self.out = None;
        }
    }
}

impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn line(done: u64, total: u64, noun: &str) -> String {
    let noun = printable(noun);
    let parts =
        |all: u64| (u128::from(done.min(total)) * u128::from(all)).checked_div(total.into());
    match (parts(100), parts(BAR)) {
        (Some(percent), Some(filled)) => {
            let bar: String = (0..u128::from(BAR))
                .map(|column| if column < filled { '#' } else { '.' })
                .collect();
            format!("[{bar}] {percent:>3} %  {done} of {total} {noun}")
        }
        _ => format!("{done} {noun}"),
    }
}

/// A number with at most four digits before its unit: `9999`, `12.3 k`, `4.0 M`.
fn rate(number: u128) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{}.{} k", number / 1_000, number / 100 % 10),
        _ => format!("{}.{} M", number / 1_000_000, number / 100_000 % 10),
    }
}

/// Seconds as a person tells them: `8 s`, `2 min 5 s`, `3 h 20 min`.
fn clock(seconds: u128) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(out: &[u8]) -> &str {
        std::str::from_utf8(out).unwrap()
    }

    #[test]
    fn a_short_run_draws_nothing() {
        let (mut out, start) = (Vec::new(), Instant::now());
        let mut progress = Progress::new(Some(&mut out), start);
        progress.update_at(start + Duration::from_millis(999), 1, 2, "tasks");
        drop(progress);
        assert_eq!(drawn(&out), "");
    }

    #[test]
    fn a_long_run_draws_at_most_five_times_a_second_and_erases_its_line() {
        let (mut out, start) = (Vec::new(), Instant::now());
        let mut progress = Progress::new(Some(&mut out), start);
        for tick in 0..2_000 {
            progress.update_at(start + Duration::from_millis(tick), tick, 2_000, "tasks");
        }
        drop(progress);
        let text = drawn(&out);
        assert_eq!(text.matches("of 2000 tasks, 1000/s, ").count(), 5);
        let first =
            "\r\x1b[2K[########........]  50 %  1000 of 2000 tasks, 1000/s, 1 s left\r\x1b[2K";
        assert!(text.starts_with(first), "{text:?}");
        assert!(text.ends_with(" left\r\x1b[2K"), "{text:?}");
    }

    #[test]
    fn rate_and_time_left_follow_the_last_five_seconds() {
        let start = Instant::now();
        let mut progress = Progress::new(None::<Vec<u8>>, start);
        // Ten a second for a minute, then a hundred.
        let mut last = String::new();
        let mut done = 0;
        for tenth in 1..=700 {
            done += if tenth <= 600 { 1 } else { 10 };
            last = progress.pace(start + Duration::from_millis(200 * tenth), done, 10_000);
        }
        assert_eq!((done, last.as_str()), (1_600, ", 50/s, 2 min 48 s left"));
        let stands = progress.pace(start + Duration::from_secs(200), done, 0);
        assert_eq!(stands, ", 3/s");
    }

    #[test]
    fn what_ends_by_the_clock_does_not_take_longer_than_that() {
        let start = Instant::now();
        let end = start + Duration::from_secs(30);
        let mut progress = Progress::new(None::<Vec<u8>>, start).ending_at(Some(end));
        let at = |second| start + Duration::from_secs(second);
        assert_eq!(progress.pace(at(10), 0, 1_000), ", 0/s, 20 s left");
        assert_eq!(progress.pace(at(20), 10, 1_000), ", 0/s, 10 s left");
        assert_eq!(progress.pace(at(21), 990, 1_000), ", 47/s, 0 s left");
    }

    #[test]
    fn rates_and_clocks_are_short() {
        let rates = [0, 9_999, 10_000, 123_456, 999_999, 12_345_678].map(rate);
        assert_eq!(
            rates,
            ["0", "9999", "10.0 k", "123.4 k", "999.9 k", "12.3 M"]
        );
        let clocks = [59, 60, 3_599, 3_600, 100_000].map(clock);
        assert_eq!(
            clocks,
            [
                "59 s",
                "1 min 0 s",
                "59 min 59 s",
                "1 h 0 min",
                "27 h 46 min"
            ]
        );
    }

    #[test]
    fn nobody_to_see_it_means_nothing_is_drawn() {
        let start = Instant::now();
        let mut progress = Progress::new(None::<Vec<u8>>, start);
        progress.update_at(start + Duration::from_secs(9), 1, 2, "tasks");
        assert!(!progress.is_drawn);
    }

    #[test]
    fn an_unknown_total_has_no_percentage_and_a_long_noun_does_not_wrap() {
        assert_eq!(line(7, 0, "tasks"), "7 tasks");
        let (mut out, start) = (Vec::new(), Instant::now());
        let mut progress = Progress::new(Some(&mut out), start);
        progress.update_at(start + BEFORE_FIRST, 1, 2, &"x".repeat(500));
        drop(progress);
        assert_eq!(
            drawn(&out).chars().filter(|c| !c.is_control()).count(),
            79 + 2 * 3
        );
    }

    #[test]
    fn a_terminal_that_fails_ends_the_drawing() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let start = Instant::now();
        let mut progress = Progress::new(Some(Broken), start);
        progress.update_at(start + BEFORE_FIRST, 1, 2, "tasks");
        assert!(progress.out.is_none());
    }
}
