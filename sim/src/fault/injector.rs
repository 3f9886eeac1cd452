//! The seed's decisions: what goes wrong at every start, word and effect.
//!
//! Guarantees: a kind strikes for the first time at one of its first few occasions, so a fault
//! that was asked for does happen, and then one occasion in so many; both follow from the seed.
//! A word that stands in COND by mistake is followed by the true one. Refuses to act on the
//! machine as a whole: what concerns more than one core comes back as a [`Strike`], which the
//! world carries out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use finbox_scheduler::Token;

use super::choice::{Faults, KINDS, Links};
use super::ranks::Ranks;
use super::table::{FaultKind, Occasion};
use crate::device::{FIN, Picked, Words};
use crate::engine::EffectKind;
use crate::workload::mix;

/// How long a wrong word, or a wrong value, stands: long enough for a poll to see it.
const GLITCH_NS: u64 = 3_000;
/// Most that a FIN is late for the sake of disorder.
const REORDER_NS: u64 = 20_000;
/// Most that a late notification is late.
const LATE_NS: u64 = 200_000;
/// How long nobody takes messages.
const FULL_NS: u64 = 200_000;
/// A FIN that comes after its budget comes so many budgets later.
const LATE_BUDGETS: u64 = 2;
/// Most that a persistent worker stands still.
const STALL_NS: u64 = 20_000;
/// How far away a token is that was never dispatched.
const UNKNOWN: u32 = 100_000;

/// How often each kind has struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injected {
    counts: [u64; KINDS],
}

impl Default for Injected {
    fn default() -> Self {
        Self { counts: [0; KINDS] }
    }
}

impl Injected {
    /// How often `kind` has struck.
    pub const fn of(&self, kind: FaultKind) -> u64 {
        self.counts[kind as usize]
    }

    /// Counts one more strike.
    pub const fn count(&mut self, kind: FaultKind) {
        self.counts[kind as usize] += 1;
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
    }

    /// Strikes of all kinds.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Something that concerns more than one core, to be carried out by the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// Somebody holds the wait list of this rank; None: for ever.
    HoldList {
        /// Whose.
        rank: usize,
        /// For how long.
        for_ns: Option<u64>,
    },
    /// All cores of this rank are reset.
    Reset {
        /// Whose.
        rank: usize,
    },
    /// The other ranks are to be told, some time later, that this one is dead.
    Dies {
        /// Which.
        rank: usize,
    },
}

/// What goes wrong with a persistent worker that has taken an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It dies before it has done anything.
    DiesAtOnce,
    /// It dies when it has done the item, and has told nobody.
    DiesUntold,
    /// It dies when it has told of the item, and still has it in hand.
    DiesTold,
    /// It never comes back.
    Hangs,
    /// It tells twice.
    TellsTwice,
    /// It takes so many ns more.
    Stalls(u64),
}

/// From a rank's death until the others are told, in ns.
pub const DETECT_NS: u64 = 50_000;

/// Decides for one world, or for one thread of one: those of a world count occasions together.
#[derive(Debug)]
pub struct Injector {
    seed: u64,
    faults: Faults,
    /// Whether there are none: asked at every start, word and effect.
    is_calm: bool,
    links: Links,
    /// Nanoseconds in one unit of this world's clock.
    scale: u64,
    occasions: Arc<[AtomicU64; KINDS]>,
    injected: Injected,
    /// Ranks whose cores all hang from now on.
    hung: Ranks,
    /// Ranks from which nothing arrives any more.
    silent: Ranks,
    strikes: Vec<Strike>,
}

impl Injector {
    /// The decisions of `seed`. Times are divided by `scale`, for worlds with a coarser clock.
    pub fn new(seed: u64, faults: Faults, scale: u64) -> Self {
        Self {
            seed: mix(seed ^ 0x5741_5253),
            faults,
            is_calm: faults.is_none(),
            links: faults.links(seed),
            scale: scale.max(1),
            occasions: Arc::new([const { AtomicU64::new(0) }; KINDS]),
            injected: Injected::default(),
            hung: Ranks::NONE,
            silent: Ranks::NONE,
            strikes: Vec::new(),
        }
    }

    /// The decisions of another thread of the same world, where nothing has struck yet.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            seed: self.seed,
            faults: self.faults,
            is_calm: self.is_calm,
            links: self.links,
            scale: self.scale,
            occasions: Arc::clone(&self.occasions),
            injected: Injected::default(),
            hung: Ranks::NONE,
            silent: Ranks::NONE,
            strikes: Vec::new(),
        }
    }

    /// What has struck so far.
    pub const fn injected(&self) -> &Injected {
        &self.injected
    }

    /// Whether there is something that the world is to do.
    #[inline]
    pub const fn has_struck(&self) -> bool {
        !self.strikes.is_empty()
    }

    /// What the world is to do, since it last asked.
    pub fn take_strikes(&mut self) -> Vec<Strike> {
        std::mem::take(&mut self.strikes)
    }

    /// These ranks were declared dead: what they still send is ignored.
    pub fn declare_dead(&mut self, ranks: Ranks) {
        self.silent.add(ranks);
    }

    /// Whether anything that `rank` sends still arrives.
    pub const fn is_heard(&self, rank: usize) -> bool {
        !self.silent.has(rank)
    }

    /// One more FIN handler: the batch it dies in, counted from 1, if it is to die. Whether it
    /// comes to that is counted by whoever asks.
    pub fn doom(&mut self) -> Option<u32> {
        let among = u64::from(self.faults.often(FaultKind::ProducerDies)?.max(1));
        let draw = self.hits(FaultKind::ProducerDies)?;
        Some(1 + u32::try_from(draw % among).expect("among is 16 bits"))
    }

    /// One more occasion for `kind`: a number to decide details with, if it strikes.
    pub(super) fn strikes(&mut self, kind: FaultKind) -> Option<u64> {
        let draw = self.hits(kind)?;
        self.injected.count(kind);
        Some(draw)
    }

    fn hits(&mut self, kind: FaultKind) -> Option<u64> {
        let often = self.faults.often(kind)?;
        // RELAXED: each occasion has its number; nothing else depends on who had which.
        let occasion = self.occasions[kind as usize].fetch_add(1, Ordering::Relaxed);
        let subject = mix(self.seed ^ (kind as u64 + 1));
        let draw = mix(subject ^ mix(occasion));
        let within = match kind.info().on {
            Occasion::Batch | Occasion::Bell | Occasion::Packet => 1,
            Occasion::Notify | Occasion::Engine => 2,
            _ => 4,
        };
        let hit =
            occasion == subject % within || often > 0 && draw.is_multiple_of(u64::from(often));
        hit.then(|| mix(draw))
    }

    /// Nanoseconds of the table in this world's clock.
    const fn ns(&self, ns: u64) -> u64 {
        ns.div_ceil(self.scale)
    }

    /// A core of `rank` starts a kernel that would take `planned`; None: it never ends.
    #[inline]
    pub fn start(&mut self, rank: usize, planned: u64) -> Option<u64> {
        match self.is_calm {
            true => Some(planned),
            false => self.start_badly(rank, planned),
        }
    }

    fn start_badly(&mut self, rank: usize, planned: u64) -> Option<u64> {
        for (kind, for_ns) in [
            (FaultKind::MailboxFull, Some(FULL_NS)),
            (FaultKind::MailboxFullForever, None),
        ] {
            if self.strikes(kind).is_some() {
                self.strikes.push(Strike::HoldList { rank, for_ns });
            }
        }
        if self.strikes(FaultKind::AllCoresHang).is_some() {
            self.hung.add(Ranks::only(rank));
        }
        if self.strikes(FaultKind::DeviceReset).is_some() {
            self.strikes.push(Strike::Reset { rank });
        }
        let dies = self.strikes(FaultKind::PeerDead).is_some();
        if dies {
            self.hung.add(Ranks::only(rank));
            self.silent.add(Ranks::only(rank));
        }
        if dies || self.strikes(FaultKind::PeerReturns).is_some() {
            self.strikes.push(Strike::Dies { rank });
        }
        let hangs = self.strikes(FaultKind::CoreHang).is_some();
        if hangs || self.hung.has(rank) {
            return None;
        }
        match self.strikes(FaultKind::CoreSlow) {
            Some(draw) => Some(planned.saturating_mul(2 + draw % 7)),
            None => Some(planned),
        }
    }

    /// A persistent worker of `rank` has taken an item: what goes wrong, if anything. `is_last`:
    /// the rank has no other.
    pub fn item(&mut self, rank: usize, is_last: bool) -> Option<Mishap> {
        if self.is_calm {
            return None;
        }
        if self.hung.has(rank) || !is_last && self.strikes(FaultKind::WorkerHangs).is_some() {
            return Some(Mishap::Hangs);
        }
        if !is_last && let Some(draw) = self.strikes(FaultKind::WorkerDies) {
            return Some(match draw % 3 {
                0 => Mishap::DiesAtOnce,
                1 => Mishap::DiesUntold,
                _ => Mishap::DiesTold,
            });
        }
        if self.strikes(FaultKind::WorkerTwice).is_some() {
            return Some(Mishap::TellsTwice);
        }
        let draw = self.strikes(FaultKind::WorkerStalls)?;
        Some(Mishap::Stalls(self.ns(draw % STALL_NS)))
    }

    /// What `word`, an ACK or FIN of `picked`, becomes. `budget_ns` says its task's run budget.
    #[inline]
    pub fn words(&mut self, picked: &Picked, word: u32, budget_ns: impl FnOnce() -> u64) -> Words {
        if self.is_calm {
            return Words::just(word);
        }
        if word & FIN == 0 {
            self.ack(picked.token, word)
        } else {
            self.fin(picked.token, word, budget_ns())
        }
    }

    /// An ACK, and perhaps something else that stands for a while behind it.
    fn ack(&mut self, token: Token, word: u32) -> Words {
        let glitch = self.ns(GLITCH_NS);
        let wrong = if let Some(draw) = self.strikes(FaultKind::CondGarbage) {
            Some(garbage(draw))
        } else if self.strikes(FaultKind::FinUnknown).is_some() {
            Some(FIN | (token.bits() + UNKNOWN))
        } else if token.bits() > 1 && self.strikes(FaultKind::FinDuplicated).is_some() {
            Some(FIN | (token.bits() - 1))
        } else if token.bits() > 2 && self.strikes(FaultKind::FinStale).is_some() {
            Some(FIN | (token.bits() - 2))
        } else {
            None
        };
        match wrong {
            Some(wrong) => Words::just(word).then(glitch, wrong).then(2 * glitch, word),
            None => Words::just(word),
        }
    }

    fn fin(&mut self, token: Token, word: u32, budget_ns: u64) -> Words {
        if self.strikes(FaultKind::FinLost).is_some() {
            return Words::NONE;
        }
        if self.strikes(FaultKind::FinLate).is_some() {
            return Words::NONE.then(self.ns(budget_ns.saturating_mul(LATE_BUDGETS)), word);
        }
        if self.strikes(FaultKind::FinExtra).is_some() {
            let glitch = self.ns(GLITCH_NS);
            let extra = FIN | (token.bits() + 2);
            let before = FIN | token.bits().saturating_sub(1).max(1);
            let words = Words::NONE.then(0, extra).then(glitch, word);
            return words.then(2 * glitch, before).then(3 * glitch, word);
        }
        match self.strikes(FaultKind::FinReorder) {
            Some(draw) => Words::NONE.then(self.ns(draw % REORDER_NS), word),
            None => Words::just(word),
        }
    }

    /// What an effect of `rank` that would happen at `at` becomes: what happens, and when. `now`:
    /// when it was issued.
    pub fn effect(
        &mut self,
        rank: usize,
        (now, at): (u64, u64),
        kind: EffectKind,
    ) -> Vec<(u64, EffectKind)> {
        if self.is_calm {
            return vec![(at, kind)];
        }
        if !self.is_heard(rank) {
            return Vec::new();
        }
        match kind {
            EffectKind::Notify { peer, counter, add } => self.notify(now, at, (peer, counter, add)),
            EffectKind::EngineDone { .. } if self.strikes(FaultKind::CounterStuck).is_some() => {
                Vec::new()
            }
            // What is notified early must be there.
            EffectKind::Put { .. } if self.faults.has(FaultKind::NotifyEarly) => vec![(now, kind)],
            other => vec![(at, other)],
        }
    }

    /// When it arrives what is under way from `rank` to `peer` from `now` until `at` and nothing
    /// else in front of it: for worlds whose programs take no time.
    pub fn over_link(&self, (rank, peer): (u32, u32), (now, at): (u64, u64)) -> u64 {
        match self.links.times(rank, peer) {
            1 => at,
            times => {
                let takes = at.saturating_sub(now).max(1);
                now.saturating_add(takes.saturating_mul(times))
            }
        }
    }

    /// Transfers of engines and effects of programs went over slow links, so many.
    pub fn slowed(&mut self, many: u64) {
        (0..many).for_each(|_| self.injected.count(FaultKind::LinkSlow));
    }

    fn notify(
        &mut self,
        now: u64,
        at: u64,
        (peer, counter, add): (u32, u32, u32),
    ) -> Vec<(u64, EffectKind)> {
        let notify = |add| EffectKind::Notify { peer, counter, add };
        if self.strikes(FaultKind::NotifyLost).is_some() {
            return Vec::new();
        }
        let at = match self.strikes(FaultKind::NotifyLate) {
            Some(draw) => at + self.ns(draw % LATE_NS),
            None => at,
        };
        if self.strikes(FaultKind::CounterBack).is_some() {
            let later = at + self.ns(GLITCH_NS);
            return vec![(at, notify(u32::MAX)), (later, notify(add.wrapping_add(1)))];
        }
        if let Some(draw) = self.strikes(FaultKind::CounterOvershoot) {
            let more = u32::try_from(draw % 1_000).unwrap_or(1) + 1;
            return vec![(at, notify(add.wrapping_add(more)))];
        }
        if self.strikes(FaultKind::NotifyDuplicated).is_some() {
            return vec![(at, notify(add)), (at + self.ns(GLITCH_NS), notify(add))];
        }
        if self.strikes(FaultKind::NotifyEarly).is_some() {
            return vec![(now, notify(add))];
        }
        vec![(at, notify(add))]
    }
}

/// A word that no token explains.
fn garbage(draw: u64) -> u32 {
    match draw % 5 {
        0 => u32::MAX,
        1 => 0,
        2 => Token::EXIT.bits(),
        3 => FIN | Token::EXIT.bits(),
        _ => 0x4000_0000 | u32::try_from(draw >> 40).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests;
