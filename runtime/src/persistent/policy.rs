//! When persistent workers are used: by policy, and by what was measured of items of a size.
//!
//! Guarantees: no win is claimed that was not measured, both ways, at that size; where it was not,
//! items are launched one by one. Refuses: to measure, and to go on without workers where they are
//! demanded. Called by whoever runs workers; pure.

use std::fmt;

use super::error::{PolicyError, Unable};

/// Size classes: class c holds items of 2^c to 2^(c + 1) − 1 bytes, class 0 the empty ones too.
const CLASSES: usize = 32;

/// Whether persistent workers are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Where they were measured to be faster.
    #[default]
    Auto,
    /// Always; where there can be none, that is an error.
    Force,
    /// Never.
    Disable,
}

/// How an item comes to a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// By a launch of its own.
    Launch,
    /// Through the work ring, to a persistent worker.
    Ring,
}

/// Why a way was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Because {
    /// The policy says so, whatever was measured.
    Policy,
    /// There can be no workers.
    Unable(Unable),
    /// Not both ways were measured at this size.
    Unmeasured,
    /// Both were, and this one was faster; launches are chosen where both were as fast.
    Measured(Measured),
}

/// A way, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// Which way items of that size go.
    pub way: Way,
    /// Why.
    pub because: Because,
}

/// What an item of a size class took, each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Measured {
    /// The largest item of the class that was measured, in bytes.
    pub bytes: u32,
    /// Mean time an item in ns, by launches of their own.
    pub launch_ns: u64,
    /// Mean time an item in ns, through the ring.
    pub ring_ns: u64,
}

impl Measured {
    /// Whether workers were faster.
    pub const fn is_win(&self) -> bool {
        self.ring_ns < self.launch_ns
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    items: u64,
    ns: u64,
}

impl Sample {
    /// `None`: nothing was measured.
    fn mean_ns(&self) -> Option<u64> {
        self.ns.checked_div(self.items)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Class {
    bytes: u32,
    launch: Sample,
    ring: Sample,
}

/// What was measured, by size class.
#[derive(Clone, Debug, Default)]
pub struct Measurements {
    classes: [Class; CLASSES],
}

const fn class_of(bytes: u32) -> usize {
    match bytes {
        0 => 0,
        bytes => bytes.ilog2() as usize,
    }
}

impl Measurements {
    /// Adds that `items` items of `bytes` bytes each took `ns` ns together, `way`.
    pub fn add(&mut self, way: Way, bytes: u32, (items, ns): (u64, u64)) {
        let class = &mut self.classes[class_of(bytes)];
        let sample = match way {
            Way::Launch => &mut class.launch,
            Way::Ring => &mut class.ring,
        };
        sample.items += items;
        sample.ns = sample.ns.saturating_add(ns);
        class.bytes = class.bytes.max(bytes);
    }

    /// What items of the class of `bytes` took; `None` unless both ways were measured.
    pub fn of(&self, bytes: u32) -> Option<Measured> {
        self.in_class(class_of(bytes))
    }

    fn in_class(&self, class: usize) -> Option<Measured> {
        let Class {
            bytes,
            launch,
            ring,
        } = &self.classes[class];
        Some(Measured {
            bytes: *bytes,
            launch_ns: launch.mean_ns()?,
            ring_ns: ring.mean_ns()?,
        })
    }

    /// Every class measured both ways, small items first.
    pub fn all(&self) -> impl Iterator<Item = Measured> {
        (0..CLASSES).filter_map(|class| self.in_class(class))
    }

    /// From which size on launches are as good.
    pub fn crossover(&self) -> Crossover {
        let (mut last_win, mut from) = (None, None);
        for measured in self.all() {
            if measured.is_win() {
                (last_win, from) = (Some(measured.bytes), None);
            } else {
                from = from.or(Some(measured.bytes));
            }
        }
        match (last_win, from) {
            (None, None) => Crossover::Unmeasured,
            (Some(bytes), None) => Crossover::Beyond { bytes },
            (last_win, Some(bytes)) => Crossover::At { last_win, bytes },
        }
    }
}

/// From which size of item on launches of their own are as good as persistent workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Crossover {
    /// Nothing was measured both ways.
    Unmeasured,
    /// Workers were faster at the largest size measured; of larger items nothing is known.
    Beyond {
        /// That size.
        bytes: u32,
    },
    /// From some size on, workers were nowhere faster.
    At {
        /// The largest size at which they were; `None`: they were nowhere.
        last_win: Option<u32>,
        /// The smallest size above at which they were not.
        bytes: u32,
    },
}

impl Crossover {
    /// The size from which on launches are as good, as far as it was found.
    pub const fn bytes(&self) -> Option<u32> {
        match *self {
            Self::At { bytes, .. } => Some(bytes),
            Self::Unmeasured | Self::Beyond { .. } => None,
        }
    }
}

impl fmt::Display for Crossover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unmeasured => write!(f, "nothing was measured both ways"),
            Self::Beyond { bytes } => write!(
                f,
                "persistent workers are faster up to {bytes} bytes an item, the largest measured"
            ),
            Self::At {
                last_win: None,
                bytes,
            } => write!(
                f,
                "launches of their own are as good at every size measured, from {bytes} bytes on"
            ),
            Self::At {
                last_win: Some(win),
                bytes,
            } => write!(
                f,
                "persistent workers are faster up to {win} bytes an item; from {bytes} bytes on \
                 launches of their own are as good"
            ),
        }
    }
}

impl Policy {
    /// Which way items of `bytes` bytes go, where workers can be had or not, as `able` says.
    ///
    /// # Errors
    /// [`PolicyError`] if workers are demanded and cannot be had.
    pub fn choose(
        self,
        able: Result<(), Unable>,
        measured: &Measurements,
        bytes: u32,
    ) -> Result<Choice, PolicyError> {
        let launch = |because| Choice {
            way: Way::Launch,
            because,
        };
        let ring = |because| Choice {
            way: Way::Ring,
            because,
        };
        Ok(match (self, able, measured.of(bytes)) {
            (Self::Disable, _, _) => launch(Because::Policy),
            (Self::Force, Err(why), _) => return Err(PolicyError { why }),
            (Self::Force, Ok(()), _) => ring(Because::Policy),
            (Self::Auto, Err(why), _) => launch(Because::Unable(why)),
            (Self::Auto, Ok(()), None) => launch(Because::Unmeasured),
            (Self::Auto, Ok(()), Some(found)) => match found.is_win() {
                true => ring(Because::Measured(found)),
                false => launch(Because::Measured(found)),
            },
        })
    }
}
