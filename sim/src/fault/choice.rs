//! Which kinds of fault are on, and how often each strikes.
//!
//! Guarantees: what is printed can be parsed again, so a failure's command replays it. Refuses
//! names that are not in the table. Called by the command line and by `check`.

use std::fmt;

use thiserror::Error;

use super::table::{FaultKind, TABLE};
use crate::workload::chakra::MAX_RANKS;
use crate::workload::mix;

/// Kinds there are.
pub(super) const KINDS: usize = TABLE.len();

/// A kind that is off.
const OFF: u16 = u16::MAX;

/// The chosen kinds: for each that is on, it strikes one occasion in so many, or once (0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    often: [u16; KINDS],
    /// The link that is slow, as indices of ranks; None: the seed decides.
    link: Option<(u16, u16)>,
}

/// How many times as long what goes over a link takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Links {
    times: u64,
    link: Option<(u16, u16)>,
    odd: u64,
}

impl Links {
    /// All links are as fast as they are.
    pub const USUAL: Self = Self {
        times: 1,
        link: None,
        odd: 0,
    };

    /// How many times as long it takes from one rank to another; 1 within a rank.
    pub fn times(&self, from: u32, to: u32) -> u64 {
        let is_slow = match self.link {
            Some((slow_from, slow_to)) => (from, to) == (slow_from.into(), slow_to.into()),
            None => u64::from(to) & 1 == self.odd,
        };
        if is_slow && from != to { self.times } else { 1 }
    }
}

/// Why a choice of faults was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FaultError {
    /// No kind has this name.
    #[error("there is no fault called '{0}'")]
    Unknown(String),
    /// It has an argument and takes none.
    #[error("{0} takes no argument")]
    Needless(&'static str),
    /// The argument names no link, or no factor.
    #[error(
        "the argument of link-slow is FROM-TO:N or N, not '{0}': FROM and TO are two ranks up to \
         {most}, N times as long a whole number from 2 to 100",
        most = MAX_RANKS - 1
    )]
    Link(String),
    /// The argument is no number.
    #[error("the argument of {name} is a whole number up to 65534 ({means}), not '{argument}'")]
    Argument {
        /// The kind.
        name: &'static str,
        /// What was given.
        argument: String,
        /// What it should be.
        means: &'static str,
    },
}

impl Default for Faults {
    fn default() -> Self {
        Self::NONE
    }
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        often: [OFF; KINDS],
        link: None,
    };

    /// Every kind, as often as is usual.
    pub fn all() -> Self {
        TABLE
            .iter()
            .fold(Self::NONE, |faults, row| faults.with(row.kind, row.usually))
    }

    /// One kind, as often as is usual.
    pub fn only(kind: FaultKind) -> Self {
        Self::NONE.with(kind, kind.info().usually)
    }

    /// The same with `kind`: it strikes one occasion in `often`, or once (0).
    #[must_use]
    pub const fn with(mut self, kind: FaultKind, often: u16) -> Self {
        self.often[kind as usize] = often;
        self
    }

    /// The same without `kind`.
    #[must_use]
    pub const fn without(self, kind: FaultKind) -> Self {
        let without = self.with(kind, OFF);
        match kind {
            FaultKind::LinkSlow => Self {
                link: None,
                ..without
            },
            _ => without,
        }
    }

    /// The link that was named as slow, as indices of ranks, if one was and is.
    pub const fn slow_link(&self) -> Option<(u16, u16)> {
        match self.has(FaultKind::LinkSlow) {
            true => self.link,
            false => None,
        }
    }

    /// How often `kind` strikes; None: it is off.
    pub const fn often(&self, kind: FaultKind) -> Option<u16> {
        match self.often[kind as usize] {
            OFF => None,
            often => Some(often),
        }
    }

    /// Whether `kind` is on.
    pub const fn has(&self, kind: FaultKind) -> bool {
        self.often(kind).is_some()
    }

    /// The kinds that are on.
    pub fn kinds(&self) -> impl Iterator<Item = FaultKind> {
        let often = self.often;
        TABLE
            .iter()
            .map(|row| row.kind)
            .filter(move |&kind| often[kind as usize] != OFF)
    }

    /// Whether nothing goes wrong.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// Whether every task must complete.
    pub fn are_harmless(&self) -> bool {
        self.kinds().all(|kind| kind.info().is_harmless())
    }

    /// Adds `KIND[:N],…`.
    ///
    /// # Errors
    /// [`FaultError`] for the first that is not understood.
    pub fn parse(self, text: &str) -> Result<Self, FaultError> {
        text.split(',').try_fold(self, |faults, one| {
            let (name, argument) = match one.split_once(':') {
                Some((name, argument)) => (name, Some(argument)),
                None => (one, None),
            };
            let kind =
                FaultKind::named(name).ok_or_else(|| FaultError::Unknown(name.to_owned()))?;
            let info = kind.info();
            if let (FaultKind::LinkSlow, Some(argument)) = (kind, argument) {
                return faults.with_slow_link(argument);
            }
            let often = match argument {
                None => Ok(info.usually),
                Some(_) if info.takes_none() => Err(FaultError::Needless(info.name)),
                Some(argument) => number(argument).ok_or_else(|| FaultError::Argument {
                    name: info.name,
                    argument: argument.to_owned(),
                    means: info.argument,
                }),
            };
            Ok(faults.with(kind, often?))
        })
    }

    /// Adds a slow link: `FROM-TO:N`, or `N`.
    fn with_slow_link(self, argument: &str) -> Result<Self, FaultError> {
        let (ends, times) = match argument.split_once(':') {
            Some((ends, times)) => (Some(ends), times),
            None => (None, argument),
        };
        let end = |text: &str| {
            text.parse()
                .ok()
                .filter(|&end: &u16| usize::from(end) < MAX_RANKS)
        };
        let link = ends.map(|ends| {
            let (from, to) = ends.split_once('-')?;
            let link = (end(from)?, end(to)?);
            (link.0 != link.1).then_some(link)
        });
        let times = number(times).filter(|times| (2..=100).contains(times));
        match (link, times) {
            (None | Some(Some(_)), Some(times)) => Ok(Self {
                link: link.flatten(),
                ..self.with(FaultKind::LinkSlow, times)
            }),
            _ => Err(FaultError::Link(argument.to_owned())),
        }
    }

    /// How much longer links take, as `seed` says where no link is named.
    pub fn links(&self, seed: u64) -> Links {
        Links {
            times: self.often(FaultKind::LinkSlow).unwrap_or(1).max(1).into(),
            link: self.link,
            odd: mix(seed ^ 0x4C49_4E4B) & 1,
        }
    }

    /// A few of these: what the seed of a swarm turns on. Every eighth seed turns nothing on.
    #[must_use]
    pub fn some(&self, seed: u64) -> Self {
        let seed = mix(seed ^ 0xFA17);
        if seed.is_multiple_of(8) {
            return Self::NONE;
        }
        let rarity = 2 + mix(seed ^ 1) % 8;
        self.kinds().fold(Self::NONE, |chosen, kind| {
            let draw = mix(mix(seed) ^ (kind as u64 + 2));
            if !draw.is_multiple_of(rarity) {
                return chosen;
            }
            let link = match kind {
                FaultKind::LinkSlow => self.link,
                _ => chosen.link,
            };
            let chosen = chosen.with(kind, rate_of(kind, mix(draw)));
            Self { link, ..chosen }
        })
    }
}

fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|&number| number != OFF)
}

/// How often a kind strikes in a swarm: small crowds, and everything from once to always.
fn rate_of(kind: FaultKind, draw: u64) -> u16 {
    let rates: [u16; 4] = match kind {
        _ if kind.info().takes_none() => [0; 4],
        FaultKind::Crowd => [3, 9, 17, 65],
        FaultKind::LinkSlow => [2, 5, 10, 20],
        FaultKind::ProducerDies => [0, 2, 5, 20],
        _ if kind.info().is_harmless() => [0, 1, 3, 16],
        _ => [0, 0, 8, 30],
    };
    rates[usize::try_from(draw % 4).expect("below 4")]
}

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return out.write_str("none");
        }
        for (index, kind) in self.kinds().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(out, "{comma}{}", kind.info().name)?;
            if let (FaultKind::LinkSlow, Some((from, to))) = (kind, self.link) {
                write!(out, ":{from}-{to}")?;
            }
            if !kind.info().takes_none() {
                write!(out, ":{}", self.often(kind).unwrap_or(0))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FaultError, FaultKind, Faults};

    #[test]
    fn what_is_printed_is_parsed_again() {
        for seed in 0..200 {
            let some = Faults::all().some(seed);
            let text = some.to_string();
            let parsed = match text.as_str() {
                "none" => Ok(Faults::NONE),
                text => Faults::NONE.parse(text),
            };
            assert_eq!(parsed, Ok(some), "{text}");
        }
    }

    #[test]
    fn a_slow_link_is_the_one_that_was_named_or_leads_to_every_second_rank() {
        let named = Faults::NONE.parse("link-slow:2-3:10,fin-lost").unwrap();
        assert_eq!(named.to_string(), "fin-lost:0,link-slow:2-3:10");
        assert_eq!(Faults::NONE.parse(&named.to_string()), Ok(named));
        let times = |from, to| named.links(0).times(from, to);
        assert_eq!(
            [times(2, 3), times(3, 2), times(2, 2), times(1, 3)],
            [10, 1, 1, 1]
        );
        for seed in 0..20 {
            let links = Faults::only(FaultKind::LinkSlow).links(seed);
            assert_eq!(
                links.times(0, 1).max(links.times(1, 0)),
                10,
                "one of two ranks"
            );
            assert_eq!(links.times(0, 1).min(links.times(1, 0)), 1);
        }
        assert_eq!(Faults::NONE.links(3).times(0, 1), 1);
    }

    #[test]
    fn a_name_or_argument_that_is_not_understood_is_named() {
        let unknown = FaultError::Unknown("fin-gone".into());
        assert_eq!(Faults::NONE.parse("fin-lost,fin-gone"), Err(unknown));
        assert!(matches!(
            Faults::NONE.parse("fin-lost:two"),
            Err(FaultError::Argument { .. })
        ));
        for wrong in ["2-2:10", "2-1024:3", "2:3:4", "1", "101", "2-3:1", "2-3"] {
            let refused = Faults::NONE.parse(&format!("link-slow:{wrong}"));
            assert_eq!(refused, Err(FaultError::Link(wrong.to_owned())));
            let said = FaultError::Link(wrong.to_owned()).to_string();
            assert!(
                said.contains(&format!("FROM-TO:N or N, not '{wrong}': ")),
                "{said}"
            );
            assert!(!said.contains("65534"), "{said}");
        }
        let needless = Err(FaultError::Needless("counter-wrap"));
        assert_eq!(Faults::NONE.parse("counter-wrap:7"), needless);
        let two = Faults::NONE.parse("fin-lost,core-hang:7").unwrap();
        assert_eq!(two.often(FaultKind::CoreHang), Some(7));
        assert_eq!(two.kinds().count(), 2);
    }

    #[test]
    fn swarms_turn_on_every_kind_now_and_then_and_sometimes_none() {
        let all = Faults::all();
        for kind in all.kinds() {
            assert!((0..200).any(|seed| all.some(seed).has(kind)), "{kind:?}");
        }
        assert!((0..50).any(|seed| all.some(seed).is_none()));
        assert!(Faults::only(FaultKind::FinLost).some(3).kinds().count() <= 1);
    }
}
