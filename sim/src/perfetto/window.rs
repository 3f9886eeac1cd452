//! From when to when a trace is written: `--trace-window FROM..TO`, in microseconds.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A part of a run's time, in ns: from `from_ns` on, and before `to_ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it begins.
    pub from_ns: u64,
    /// When it ends.
    pub to_ns: u64,
}

/// Not a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it must be FROM..TO in whole microseconds, FROM below TO, one of them may be left out")]
pub struct WindowError;

impl Window {
    /// All of a run.
    pub const ALL: Self = Self {
        from_ns: 0,
        to_ns: u64::MAX,
    };

    /// Whether something from `begin_ns` until `end_ns` is seen through it.
    pub const fn sees(&self, begin_ns: u64, end_ns: u64) -> bool {
        begin_ns < self.to_ns && end_ns >= self.from_ns
    }
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let (from, to) = text.split_once("..").ok_or(WindowError)?;
        let ns = |us: &str, otherwise: u64| match us {
            "" => Ok(otherwise),
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
                .parse::<u64>()
                .ok()
                .and_then(|us| us.checked_mul(1_000))
                .ok_or(WindowError),
            _ => Err(WindowError),
        };
        let window = Self {
            from_ns: ns(from, Self::ALL.from_ns)?,
            to_ns: ns(to, Self::ALL.to_ns)?,
        };
        let is_one = window != Self::ALL && window.from_ns < window.to_ns;
        is_one.then_some(window).ok_or(WindowError)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from_ns > 0 {
            write!(out, "{}", self.from_ns / 1_000)?;
        }
        out.write_str("..")?;
        match self.to_ns {
            u64::MAX => Ok(()),
            to_ns => write!(out, "{}", to_ns / 1_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Window, WindowError};

    #[test]
    fn a_window_has_a_beginning_or_an_end_in_microseconds() {
        for (text, from_ns, to_ns) in [
            ("0..5", 0, 5_000),
            ("10..20", 10_000, 20_000),
            ("7..", 7_000, u64::MAX),
            ("..7", 0, 7_000),
        ] {
            let window: Window = text.parse().unwrap();
            assert_eq!(window, Window { from_ns, to_ns });
            assert_eq!(window.to_string().parse(), Ok(window));
        }
        for text in [
            "", "..", "5", "5..5", "6..5", "-1..5", "a..b", "1...5", "1.5..2", "0..0",
        ] {
            assert_eq!(text.parse::<Window>(), Err(WindowError), "{text}");
        }
        let most = format!("..{}", u64::MAX);
        assert_eq!(most.parse::<Window>(), Err(WindowError));
    }

    #[test]
    fn what_ends_where_it_begins_and_what_spans_it_are_seen() {
        let window: Window = "10..20".parse().unwrap();
        for (begin, end, is_seen) in [
            (0, 9_999, false),
            (0, 10_000, true),
            (19_999, 19_999, true),
            (20_000, 20_000, false),
            (0, u64::MAX, true),
        ] {
            assert_eq!(window.sees(begin, end), is_seen, "{begin}..{end}");
        }
    }
}
