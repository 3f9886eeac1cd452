//! A progress line on stderr for long runs.
//!
//! Guarantees: drawn only where a person can see it (stderr is a terminal that understands cursor
//! control) and not with `--quiet`; at most five times a second; never in the first half second,
//! so a short run draws nothing; cleared on [`Progress::clear`] and on drop. An error of the
//! terminal ends the drawing, not the run. Refuses: to be shared between threads; one thread draws.
//!
//! Called by the run. Written out here because a progress-bar library would bring five crates for
//! one line of text.

use std::io::{self, IsTerminal, Stderr, Write};
use std::time::{Duration, Instant};

use super::words::printable;

/// The shortest time between two drawings: five a second.
const BETWEEN: Duration = Duration::from_millis(200);

/// The time before the first drawing.
const BEFORE_FIRST: Duration = Duration::from_millis(500);

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
        }
    }

    /// Draws, where it is time to at `now`: `done` of `total` `noun`s.
    pub fn update_at(&mut self, now: Instant, done: u64, total: u64, noun: &str) {
        if now < self.next {
            return;
        }
        self.next = now + BETWEEN;
        let line: String = line(done, total, noun).chars().take(MOST_COLUMNS).collect();
        self.is_drawn |= self.out.is_some();
        self.draw(&format!("{ERASE}{line}"));
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
    match (u128::from(done) * 100).checked_div(u128::from(total)) {
        Some(percent) => format!("{percent:>3} %  {done} of {total} {noun}"),
        None => format!("{done} {noun}"),
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
        progress.update_at(start + Duration::from_millis(499), 1, 2, "tasks");
        drop(progress);
        assert_eq!(drawn(&out), "");
    }

    #[test]
    fn a_long_run_draws_at_most_five_times_a_second_and_erases_its_line() {
        let (mut out, start) = (Vec::new(), Instant::now());
        let mut progress = Progress::new(Some(&mut out), start);
        for tick in 0..1_500 {
            progress.update_at(start + Duration::from_millis(tick), tick, 1_500, "tasks");
        }
        drop(progress);
        let text = drawn(&out);
        assert_eq!(text.matches("of 1500 tasks").count(), 5);
        assert!(
            text.starts_with("\r\x1b[2K 33 %  500 of 1500 tasks\r\x1b[2K"),
            "{text:?}"
        );
        assert!(text.ends_with("tasks\r\x1b[2K"), "{text:?}");
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
