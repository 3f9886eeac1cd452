//! What a processor says about itself: its statistics, where it stands, and why a drain ended.

use core::fmt;

use finbox_mailbox::{Claimers, Words};
use thiserror::Error;

use super::executor::{Refusal, Route};
use super::flight::Notices;
use super::levels::MAX_DEPTH;
use super::packet::{BadPacket, Kind};

/// What was carried out. The same packets give the same [`Statistics::digest`] whoever carries
/// them out; the numbers named in [`Statistics::UNSTABLE`] depend on when somebody looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// The first ring position that was not passed.
    pub position: u64,
    /// Packets that took effect, by kind, those of indirect buffers included; see
    /// [`Statistics::of`].
    pub passed: [u64; Kind::COUNT],
    /// How many of them stood in an indirect buffer.
    pub nested: u64,
    /// What took effect, where and in which order, as one number.
    pub effects: u64,
    /// Launches, copies and signals that began and completed later, and have.
    pub completed: u64,
    /// Completions that changed nothing.
    pub notices: Notices,
    /// Times that a packet could not be carried out yet.
    pub not_yet: u64,
}

impl Statistics {
    /// Fields that are no part of the digest.
    pub const UNSTABLE: [&str; 3] = ["completed", "notices", "not_yet"];

    /// Packets of a kind that took effect.
    pub const fn of(&self, kind: Kind) -> u64 {
        self.passed[kind as usize - 1]
    }

    /// Packets that took effect.
    pub fn packets(&self) -> u64 {
        self.passed.iter().sum()
    }

    /// Everything that does not depend on when somebody looked, as one number.
    pub fn digest(&self) -> u64 {
        let Self {
            position,
            passed,
            nested,
            effects,
            completed: _,
            notices: _,
            not_yet: _,
        } = self;
        let own = [*position, *nested, *effects];
        mix(mix(SEED, &own), passed)
    }

    pub(crate) fn begin(position: u64) -> Self {
        Self {
            position,
            effects: SEED,
            ..Self::default()
        }
    }

    /// Counts a packet that takes effect.
    pub(crate) fn pass(&mut self, place: Place, kind: Kind, words: &Words) {
        self.passed[kind as usize - 1] += 1;
        self.nested += u64::from(place.depth > 0);
        let level = u64::from(place.depth) << 32 | u64::from(place.index);
        let packet = words.iter().zip(FACTORS);
        let packet = packet.map(|(&word, factor)| spread(word, factor));
        let at = spread(place.position, SEED).wrapping_add(spread(level, PRIME));
        let packet = packet.fold(at, u64::wrapping_add);
        self.effects = step(self.effects, packet);
    }
}

/// FNV-1a, a word at a time.
const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// What the words of a packet are multiplied by, each by another odd number: so none of them waits
/// for another, and two that change places change the sum.
const FACTORS: Words = {
    let (mut factors, mut at) = ([0; finbox_mailbox::WORDS], 0);
    while at < factors.len() {
        factors[at] = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(2 * at as u64 + 3);
        at += 1;
    }
    factors
};

/// Reversible, for each odd factor.
const fn spread(word: u64, factor: u64) -> u64 {
    (word ^ word >> 32).wrapping_mul(factor)
}

const fn step(digest: u64, word: u64) -> u64 {
    let digest = (digest ^ word).wrapping_mul(PRIME);
    digest ^ digest >> 29
}

fn mix(digest: u64, words: &[u64]) -> u64 {
    words
        .iter()
        .fold(digest, |digest, &word| step(digest, word))
}

/// Where a packet stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Position in the ring, of the packet itself or of the one that led to it.
    pub position: u64,
    /// How many indirect buffers deep; 0: in the ring.
    pub depth: u32,
    /// Address of the innermost of them.
    pub buffer: u64,
    /// Which of its packets.
    pub index: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            position,
            depth,
            buffer,
            index,
        } = self;
        match depth {
            0 => write!(f, "position {position}"),
            _ => write!(
                f,
                "position {position}, packet {index} of buffer {buffer:#x} at depth {depth}"
            ),
        }
    }
}

/// What a packet waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// Nobody has claimed this position.
    Submission,
    /// Somebody claimed this position and has not published it.
    Publication(Claimers),
    /// A counter is too small.
    Counter {
        /// Its address.
        address: u64,
        /// The value to reach.
        wanted: u32,
        /// The value it has; `None`: it could not be read.
        found: Option<u32>,
    },
    /// What was begun before has not completed.
    Completions {
        /// How much of it.
        running: u32,
        /// The ring position that began the oldest.
        oldest: u64,
    },
    /// The executor said "not yet".
    Executor,
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// Where.
    pub place: Place,
    /// What stands there; `None`: nothing yet.
    pub kind: Option<Kind>,
    /// What for.
    pub waits_for: WaitsFor,
    /// Since when, by the processor's clock.
    pub since_ns: u64,
}

/// A processor as it saw itself last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What was carried out.
    pub statistics: Statistics,
    /// What stands in the way now.
    pub blocker: Option<Blocker>,
    /// Launches, copies and signals that run.
    pub running: u32,
    /// How often the jumps at this position came back to where they had been.
    pub revisits: u64,
    /// Packets claimed in the ring and not passed.
    pub left: u64,
    /// Why it stopped for good.
    pub halt: Option<Halt>,
}

/// Why a drain took longer than its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It moves, or something that it began does: give it longer.
    Slow,
    /// For at least half of the drain it stood before something that others must bring, a packet
    /// or a counter, and nothing that it began runs: look there.
    Starved,
    /// It carries out packets and comes back to those it had: no budget is enough.
    Livelock,
}

/// How far a drain came whose budget was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Why.
    pub verdict: Verdict,
    /// Where it was to arrive.
    pub target: u64,
    /// Ring positions passed in this drain.
    pub distance: u64,
    /// Packets that took effect in this drain, those of indirect buffers included.
    pub packets: u64,
    /// What it began that completed in this drain.
    pub completed: u64,
    /// Times in this drain that a jump came back to where one had been.
    pub revisits: u64,
    /// What stands in the way, the oldest of it.
    pub blocker: Option<Blocker>,
    /// Packets claimed and not reached.
    pub not_reached: u64,
    /// How long the drain took.
    pub took_ns: u64,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?}: in {} ns the drain to position {} passed {} positions and {} packets, {} \
             completed, {} revisits; {} packets were not reached",
            self.verdict,
            self.took_ns,
            self.target,
            self.distance,
            self.packets,
            self.completed,
            self.revisits,
            self.not_reached,
        )?;
        match &self.blocker {
            None => Ok(()),
            Some(Blocker {
                place,
                kind,
                waits_for,
                since_ns,
            }) => write!(
                f,
                "; at {place} {kind:?} waits for {waits_for:?} since {since_ns} ns"
            ),
        }
    }
}

/// A drain as it began: what every drain keeps, and what those need who let time pass themselves
/// and call [`Processor::turn`](super::Processor::turn).
#[derive(Clone, Copy, Debug)]
pub struct Journey {
    /// Where it is to arrive.
    pub target: u64,
    /// When it began, by the processor's clock.
    pub began_ns: u64,
    /// The processor as it was then.
    pub begin: Snapshot,
}

impl Journey {
    /// What to say of it when its budget is used up at `now_ns`, and the processor is as in `now`.
    pub fn evidence(&self, now: &Snapshot, now_ns: u64) -> Evidence {
        let (then, is) = (&self.begin.statistics, &now.statistics);
        let distance = is.position.wrapping_sub(then.position);
        let same_packet = distance == 0;
        let before = if same_packet { self.begin.revisits } else { 0 };
        Evidence {
            verdict: self.verdict(now, now_ns),
            target: self.target,
            distance,
            packets: is.packets() - then.packets(),
            completed: is.completed - then.completed,
            revisits: now.revisits.saturating_sub(before),
            blocker: now.blocker,
            not_reached: now.left,
            took_ns: now_ns.saturating_sub(self.began_ns),
        }
    }

    fn verdict(&self, now: &Snapshot, now_ns: u64) -> Verdict {
        let Some(blocker) = now.blocker else {
            return match now.revisits {
                0 => Verdict::Slow,
                _ => Verdict::Livelock,
            };
        };
        let stood = now_ns.saturating_sub(blocker.since_ns.max(self.began_ns));
        let is_long = stood >= now_ns.saturating_sub(self.began_ns) / 2;
        let is_others = match blocker.waits_for {
            WaitsFor::Submission | WaitsFor::Publication(_) => true,
            WaitsFor::Counter { .. } => now.running == 0,
            WaitsFor::Completions { .. } | WaitsFor::Executor => false,
        };
        match () {
            () if is_others && is_long => Verdict::Starved,
            () if now.revisits > 0 && !is_long => Verdict::Livelock,
            () => Verdict::Slow,
        }
    }
}

/// How a drain ended that was not halted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Arrival {
    /// Every packet before the target was passed, and the statistics say so.
    Reached {
        /// The first position that was not passed, not before the target.
        position: u64,
        /// Packets claimed at or behind it.
        not_reached: u64,
    },
    /// The budget was used up first.
    TimedOut(Evidence),
}

/// Why a processor stops at a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Cause {
    /// The words are no packet.
    #[error(transparent)]
    Bad(#[from] BadPacket),
    /// The executor will never carry it out.
    #[error("the executor refused it with {}", .0.0)]
    Refused(Refusal),
    /// Calls of indirect buffers within each other have a bound.
    #[error("indirect buffers go {MAX_DEPTH} deep; jump where nothing is to be returned to")]
    TooDeep,
    /// The executor panicked at it, or while it was asked what has completed; what it was doing is
    /// left as it was.
    #[error("the executor panicked there; what it was doing is left as it was")]
    Panicked,
}

/// A processor has stopped for good: everything before this packet took effect, nothing behind it,
/// and nothing of it unless the executor panicked. The ring takes nothing any more; make it anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("stopped at {place}, holding {words:#x?}: {cause}; {behind} packets behind it are lost")]
pub struct Halt {
    /// Where.
    pub place: Place,
    /// What stands there: all of the packet but its sequence. Zeroes if it could not be fetched.
    pub words: Words,
    /// Why.
    pub cause: Cause,
    /// Packets claimed in the ring behind it.
    pub behind: u64,
}

impl Notices {
    /// Completions noticed again, or never begun, by `route`.
    pub const fn useless(&self, route: Route) -> u64 {
        self.duplicate[route.index()] + self.unknown[route.index()]
    }
}
