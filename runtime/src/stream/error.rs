//! What is refused on timelines, and why a timeline ended.

use std::fmt;

use thiserror::Error;

use super::point::{TimePoint, TimelineId};

/// Why a launch was not given a point. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReserveError {
    /// No such timeline.
    #[error("timeline {} was never opened here", .0.index())]
    Unknown(TimelineId),
    /// Nothing is planned on a timeline that somebody else moves.
    #[error("`{name}` is moved by somebody else: plan on a stream, and wait for `{name}`")]
    Foreign {
        /// Its name.
        name: String,
    },
    /// The stream ended.
    #[error("nothing more runs on the stream `{name}`: {chain}")]
    Poisoned {
        /// Its name.
        name: String,
        /// Why.
        chain: PoisonChain,
    },
    /// A foreign timeline may never move.
    #[error("a wait for `{name}` to reach {value} must have a deadline: somebody else moves it")]
    NoDeadline {
        /// The foreign timeline's name.
        name: String,
        /// The value.
        value: u64,
    },
    /// A value that the word of its timeline, of 32 bits, cannot tell from one that was reached.
    #[error("`{name}` value {value} is {away} values away: {most} at most")]
    TooFar {
        /// The timeline's name.
        name: String,
        /// The value.
        value: u64,
        /// How many values the timeline is to move until then.
        away: u64,
        /// How many it may be.
        most: u64,
    },
    /// Explicit waits in a circle.
    #[error("the launch would wait for itself: {0}")]
    Cycle(Circle),
}

/// Launches each of which waits for the next, and the last for the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle(pub Vec<(String, TimePoint)>);

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, point) in &self.0 {
            write!(f, "`{name}` value {} waits for ", point.value)?;
        }
        match self.0.first() {
            Some((name, point)) => write!(f, "`{name}` value {}", point.value),
            None => f.write_str("nobody"),
        }
    }
}

/// Why a point was not reached by a call that said so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AdvanceError {
    /// No such timeline.
    #[error("timeline {} was never opened here", .0.index())]
    Unknown(TimelineId),
    /// It was told before. Counted, and nothing else.
    #[error("`{name}` reached {value} before: it is at {reached}")]
    Duplicate {
        /// The timeline's name.
        name: String,
        /// What was told.
        value: u64,
        /// Where it is.
        reached: u64,
    },
    /// A stream is reached one value behind the other.
    #[error("`{name}` is at {reached}: its next value is {}, not {value}", .reached + 1)]
    OutOfOrder {
        /// The stream's name.
        name: String,
        /// What was told.
        value: u64,
        /// Where it is.
        reached: u64,
    },
    /// A foreign timeline that is waited for moves so far at once that its word, of 32 bits, would
    /// come round.
    #[error(
        "`{name}` is at {reached}, and is waited for: it cannot come {} values further at once",
        .value - .reached
    )]
    TooFar {
        /// The timeline's name.
        name: String,
        /// What was told.
        value: u64,
        /// Where it is.
        reached: u64,
    },
    /// Nobody committed a launch with this value.
    #[error("`{name}` cannot reach {value}: no launch with this value was committed")]
    NotCommitted {
        /// The stream's name.
        name: String,
        /// What was told.
        value: u64,
    },
    /// Its launch cannot have run yet.
    #[error("`{name}` cannot reach {value}: its launch waits for {on}, which is not reached")]
    TooEarly {
        /// The stream's name.
        name: String,
        /// What was told.
        value: u64,
        /// What its launch waits for.
        on: TimePoint,
    },
    /// The timeline ended.
    #[error("`{name}` has ended: {chain}")]
    Poisoned {
        /// Its name.
        name: String,
        /// Why.
        chain: PoisonChain,
    },
}

/// Why nothing behind a point is reached any more.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Cause {
    /// The work failed.
    #[error("{0}")]
    Failed(String),
    /// It waits for a point that will not be reached.
    #[error("it waits for {0}")]
    Waited(TimePoint),
    /// It waited for a point in vain.
    #[error("{on} was not reached by {deadline_ns} ns, as it was told at {now_ns} ns")]
    Missed {
        /// The point.
        on: TimePoint,
        /// How long it waited.
        deadline_ns: u64,
        /// When that was seen.
        now_ns: u64,
    },
}

/// One timeline's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    /// The first point that is not reached.
    pub point: TimePoint,
    /// The timeline's name.
    pub name: String,
    /// Why.
    pub cause: Cause,
}

/// Ends of timelines, each because of the next; the last is the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoisonChain(pub Vec<Poison>);

impl fmt::Display for PoisonChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, one) in self.0.iter().enumerate() {
            let because = if place == 0 { "" } else { ", because " };
            let value = one.point.value;
            write!(f, "{because}`{}` ended before {value}: ", one.name)?;
            match (&one.cause, self.0.get(place + 1)) {
                (Cause::Waited(on), Some(next)) if next.point.timeline == on.timeline => {
                    write!(f, "it waits for `{}` value {}", next.name, on.value)?;
                }
                (cause, _) => write!(f, "{cause}")?,
            }
        }
        Ok(())
    }
}
