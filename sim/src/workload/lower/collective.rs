//! What a collective among several ranks becomes: the rounds of each kind, and what they leave.
//!
//! Every member gives [`pattern`] bytes of its own, the rounds move and add them as the kind
//! demands, and what must stand where at the end is reckoned here from the definition of the
//! kind, not from the rounds. Adding is real (words, wrapping) and takes no modelled time of its
//! own. With `n` members, for each of which `bytes` is what it gives:
//!
//! | kind | ring | direct |
//! | --- | --- | --- |
//! | all-reduce | parts go round adding up, then round again: 2(n − 1) | all to all, add up |
//! | reduce-scatter (block) | parts go round adding up: n − 1 | a part to each, add up |
//! | all-gather | blocks go round: n − 1 | a block to all |
//! | all-to-all | a part to the s-th neighbour in round s: n − 1 | all parts at once |
//! | reduce | as reduce-scatter, then parts to the root | all to the root, add up, release |
//! | broadcast | arrive, a part to each, then as all-gather | arrive, all to each |
//! | gather | all to the root, release | the same |
//! | scatter | arrive, a part to each | the same |
//! | barrier | notifications go round: n − 1 | a notification to each |
//!
//! *Arrive*: each member notifies the root, which waits for all. *Release*: the root notifies
//! each member. With these no member's collective ends before the last one has begun, whatever
//! the kind. In the model all arrive at the root and are released, and then each starts an engine
//! that takes as long as the ring would: rounds × latency + bytes ÷ bandwidth of the collective
//! unit. It moves no bytes.

use crate::workload::chakra::{Collective, CollectiveKind as Kind};
use crate::workload::op::{EngineTime, Op};
use crate::workload::pattern::mix;
use crate::workload::plan::{RankPlan, Span, index};
use crate::workload::verify::{Check, Expect};

use super::rounds::{Built, Move, Rounds};
use super::{Collectives, LINE_BYTES};

/// Which algorithm one collective takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Ring,
    Direct,
    Model,
}

/// Up to so many bytes a rank, collectives are direct unless asked for: 64 KiB. A choice.
pub const DIRECT_BYTES: u64 = 64 << 10;

/// Bytes of a part that are really moved, at most; a multiple of 4.
const PART_BYTES_CAP: u64 = 256;

/// Bytes that the regions of all collectives take together, but for 4 bytes a part: 64 MiB.
const ALL_PARTS_BYTES: u64 = 64 << 20;

impl Collectives {
    pub(super) const fn of(self, collective: &Collective) -> Algorithm {
        match self {
            Self::BySize if collective.bytes <= DIRECT_BYTES => Algorithm::Direct,
            Self::BySize | Self::Ring => Algorithm::Ring,
            Self::Direct => Algorithm::Direct,
            Self::Model => Algorithm::Model,
        }
    }
}

/// Bytes of a part that are moved where so many collectives share the room.
pub(super) fn part_cap(collectives: &[Collective]) -> u64 {
    let parts = collectives.iter().map(|one| {
        let members = one.members.len() as u64;
        2 * members * members
    });
    let parts: u64 = parts.sum();
    let mut cap = PART_BYTES_CAP;
    while cap > 4 && parts.saturating_mul(cap) > ALL_PARTS_BYTES {
        cap /= 2;
    }
    cap
}

/// The tasks of the `nth` collective of all, and what they must leave.
pub(super) fn build(
    ranks: &mut [RankPlan],
    (nth, collective): (usize, &Collective),
    algorithm: Algorithm,
    cap: u64,
    checks: &mut Vec<Check>,
) -> Built {
    let members = collective.members.iter().map(|at| at.rank_index).collect();
    let seed = |member: usize| mix(mix(nth as u64) ^ mix(!(member as u64)));
    let mut plan = Plan {
        seeds: (0..collective.members.len()).map(seed).collect(),
        rounds: Rounds::new(ranks, members),
        kind: collective.kind,
        root: collective.root as usize,
        given_bytes: collective.bytes,
        cap,
        given_parts: 1,
        part: Size::default(),
        work: Vec::new(),
        inbox: Vec::new(),
    };
    match algorithm {
        Algorithm::Ring => plan.ring(),
        Algorithm::Direct => plan.direct(),
        Algorithm::Model => plan.model(),
    }
    let results = match algorithm {
        Algorithm::Model => vec![None; collective.members.len()],
        Algorithm::Ring | Algorithm::Direct => plan.results(),
    };
    let name = format!(
        "{} {} of process group {}",
        collective.kind.name(),
        collective.nth + 1,
        collective.group.escape_debug()
    );
    let spans = results.into_iter().zip(&collective.members);
    let spans: Vec<Option<Span>> = spans
        .map(|(result, at)| {
            let (span, words) = result?;
            checks.push(Check {
                rank: at.rank_index,
                name: name.as_str().into(),
                at: span.at,
                expect: Expect::U32(words),
            });
            Some(span)
        })
        .collect();
    plan.rounds.finish(&spans)
}

/// How large a part is.
#[derive(Clone, Copy, Default)]
pub(super) struct Size {
    /// What is moved of it: whole words.
    pub(super) bytes: u64,
    /// What its time is reckoned for.
    timed_bytes: u64,
}

pub(super) struct Plan<'a> {
    rounds: Rounds<'a>,
    pub(super) kind: Kind,
    pub(super) root: usize,
    given_bytes: u64,
    cap: u64,
    /// Which pattern each member gives.
    pub(super) seeds: Vec<u64>,
    /// In how many parts it does.
    pub(super) given_parts: u64,
    /// What is moved at once.
    pub(super) part: Size,
    /// Where each member's parts begin: what it gives, and what it gets in place.
    pub(super) work: Vec<u64>,
    /// Where each member's parts from others begin, if they are to be added or kept apart.
    pub(super) inbox: Vec<u64>,
}

impl Plan<'_> {
    pub(super) fn count(&self) -> usize {
        self.rounds.count()
    }

    fn others(&self, member: usize) -> impl Iterator<Item = usize> + use<> {
        (0..self.count()).filter(move |&other| other != member)
    }

    /// What is moved at once is a part: what each member gives, or an `n`-th of it. Every member
    /// gets room for so many of them.
    fn room(&mut self, is_divided: bool, work: usize, inbox: usize) {
        self.given_parts = if is_divided { self.count() as u64 } else { 1 };
        let timed_bytes = self.given_bytes.div_ceil(self.given_parts);
        let bytes = timed_bytes.min(self.cap).next_multiple_of(4);
        self.part = Size { bytes, timed_bytes };
        for member in 0..self.count() {
            let plan = self.rounds.plan(member);
            let mut take = |what: &str, parts: usize| {
                let buffer = plan.add_buffer(what, parts as u64 * bytes, LINE_BYTES);
                plan.offset(buffer)
            };
            self.work.push(take("parts of a collective", work));
            self.inbox.push(take("parts from others", inbox));
        }
    }

    pub(super) fn work(&self, member: usize, part: usize) -> u64 {
        self.work[member] + part as u64 * self.part.bytes
    }

    fn inbox(&self, member: usize, part: usize) -> u64 {
        self.inbox[member] + part as u64 * self.part.bytes
    }

    /// `member` has what it gives: `parts` parts from `first` on.
    fn fill(&mut self, member: usize, first: usize, parts: usize) {
        let (at, bytes) = (self.work(member, first), parts as u64 * self.part.bytes);
        let seed = self.seeds[member];
        if bytes > 0 {
            self.rounds
                .local(member, Op::FillPattern { at, bytes, seed });
        }
    }

    /// `member` adds a part from others to one of its own.
    fn add_up(&mut self, member: usize, from: usize, to: usize) {
        let (from, to) = (self.inbox(member, from), self.work(member, to));
        let count = self.part.bytes / 4;
        if count > 0 {
            self.rounds
                .local(member, Op::AccumulateU32 { from, to, count });
        }
    }

    fn send(&mut self, (from, from_at): (usize, u64), (to, to_at): (usize, u64)) {
        let Size { bytes, timed_bytes } = self.part;
        let moved = Move {
            from: from_at,
            to: to_at,
            bytes,
            timed_bytes,
        };
        self.rounds.send(from, to, moved);
    }

    /// A part of `from` arrives at the same place of `to`.
    fn send_in_place(&mut self, from: usize, to: usize, part: usize) {
        let (from_at, to_at) = (self.work(from, part), self.work(to, part));
        self.send((from, from_at), (to, to_at));
    }

    fn ring(&mut self) {
        let all = self.count();
        match self.kind {
            Kind::AllReduce => {
                self.room(true, all, all - 1);
                self.reduce_round(0);
                self.gather_round(1);
            }
            Kind::ReduceScatter | Kind::ReduceScatterBlock => {
                self.room(true, all, all - 1);
                self.reduce_round(1);
            }
            Kind::Reduce => {
                self.room(true, all, all - 1);
                self.reduce_round(1);
                for member in self.others(self.root) {
                    self.send_in_place(member, self.root, member);
                }
                self.rounds.end();
            }
            Kind::AllGather => {
                self.room(false, all, 0);
                (0..all).for_each(|member| self.fill(member, member, 1));
                self.gather_round(0);
            }
            Kind::Broadcast => {
                self.room(true, all, 0);
                self.arrive();
                self.fill(self.root, 0, all);
                self.scatter();
                self.gather_round(0);
            }
            Kind::AllToAll => {
                self.begin_exchange();
                for step in 1..all {
                    for member in 0..all {
                        self.exchange(member, (member + step) % all);
                    }
                    self.rounds.end();
                }
            }
            Kind::Barrier => {
                for _ in 1..all {
                    for member in 0..all {
                        self.rounds.notify(member, (member + 1) % all);
                    }
                    self.rounds.end();
                }
            }
            Kind::Gather | Kind::Scatter => self.direct(),
        }
    }

    fn direct(&mut self) {
        let all = self.count();
        match self.kind {
            Kind::AllReduce => {
                self.room(false, 1, all);
                for member in 0..all {
                    self.fill(member, 0, 1);
                    for other in self.others(member) {
                        let to_at = self.inbox(other, member);
                        self.send((member, self.work(member, 0)), (other, to_at));
                    }
                }
                self.rounds.end();
                (0..all).for_each(|member| self.add_all(member, 0));
            }
            Kind::ReduceScatter | Kind::ReduceScatterBlock => {
                self.room(true, all, all);
                for member in 0..all {
                    self.fill(member, 0, all);
                    for other in self.others(member) {
                        let to_at = self.inbox(other, member);
                        self.send((member, self.work(member, other)), (other, to_at));
                    }
                }
                self.rounds.end();
                (0..all).for_each(|member| self.add_all(member, member));
            }
            Kind::Reduce => {
                self.room(false, 1, all);
                self.fill(self.root, 0, 1);
                for member in self.others(self.root) {
                    self.fill(member, 0, 1);
                    let to_at = self.inbox(self.root, member);
                    self.send((member, self.work(member, 0)), (self.root, to_at));
                }
                self.rounds.end();
                self.add_all(self.root, 0);
                self.release();
            }
            _ => self.direct_moves(),
        }
    }

    /// The kinds that add nothing.
    fn direct_moves(&mut self) {
        let all = self.count();
        match self.kind {
            Kind::AllGather => {
                self.room(false, all, 0);
                for member in 0..all {
                    self.fill(member, member, 1);
                    for other in self.others(member) {
                        self.send_in_place(member, other, member);
                    }
                }
                self.rounds.end();
            }
            Kind::Gather => {
                self.room(false, all, 0);
                for member in 0..all {
                    self.fill(member, member, 1);
                }
                for member in self.others(self.root) {
                    self.send_in_place(member, self.root, member);
                }
                self.rounds.end();
                self.release();
            }
            Kind::Scatter => {
                self.room(true, all, 0);
                self.arrive();
                self.fill(self.root, 0, all);
                self.scatter();
            }
            Kind::Broadcast => {
                self.room(false, 1, 0);
                self.arrive();
                self.fill(self.root, 0, 1);
                for member in self.others(self.root) {
                    self.send_in_place(self.root, member, 0);
                }
                self.rounds.end();
            }
            Kind::AllToAll => {
                self.begin_exchange();
                for member in 0..all {
                    for other in self.others(member) {
                        self.exchange(member, other);
                    }
                }
                self.rounds.end();
            }
            _ => {
                for member in 0..all {
                    for other in self.others(member) {
                        self.rounds.notify(member, other);
                    }
                }
                self.rounds.end();
            }
        }
    }

    fn model(&mut self) {
        self.arrive();
        self.release();
        let time = modelled(self.kind, self.count(), self.given_bytes);
        for member in 0..self.count() {
            self.rounds.engine(member, time);
        }
        self.rounds.end();
    }

    /// All members but the root notify it, and it waits for all of them.
    fn arrive(&mut self) {
        for member in self.others(self.root) {
            self.rounds.notify(member, self.root);
        }
        self.rounds.end();
    }

    /// The root notifies all others, and they wait for it.
    fn release(&mut self) {
        for member in self.others(self.root) {
            self.rounds.notify(self.root, member);
        }
        self.rounds.end();
    }

    /// The root puts each member's part where it belongs.
    fn scatter(&mut self) {
        for member in self.others(self.root) {
            self.send_in_place(self.root, member, member);
        }
        self.rounds.end();
    }

    /// All members begin with all parts; each ends with one in which everybody's are added up:
    /// part `member + 1 − shift`, and 0 behind the last.
    fn reduce_round(&mut self, shift: usize) {
        let all = self.count();
        let part = |member: usize, step: usize| (member + 2 * all - shift - step) % all;
        for step in 0..all - 1 {
            for member in 0..all {
                match step {
                    0 => self.fill(member, 0, all),
                    _ => self.add_up(member, step - 1, part(member, step)),
                }
                let right = (member + 1) % all;
                let from_at = self.work(member, part(member, step));
                self.send((member, from_at), (right, self.inbox(right, step)));
            }
            self.rounds.end();
        }
        for member in 0..all {
            self.add_up(member, all - 2, part(member, all - 1));
        }
    }

    /// Each member has part `member + first`; all end with all.
    fn gather_round(&mut self, first: usize) {
        let all = self.count();
        for step in 0..all - 1 {
            for member in 0..all {
                let part = (member + first + all - step) % all;
                self.send_in_place(member, (member + 1) % all, part);
            }
            self.rounds.end();
        }
    }

    /// Adds up what all others sent.
    fn add_all(&mut self, member: usize, to: usize) {
        for other in self.others(member) {
            self.add_up(member, other, to);
        }
    }

    /// Every member has a part for each, its own where it belongs.
    fn begin_exchange(&mut self) {
        let all = self.count();
        self.room(true, all, all);
        for member in 0..all {
            self.fill(member, 0, all);
            let (from, to) = (self.work(member, member), self.inbox(member, member));
            let bytes = self.part.bytes;
            if bytes > 0 {
                self.rounds.local(member, Op::Copy { from, to, bytes });
            }
        }
    }

    fn exchange(&mut self, from: usize, to: usize) {
        let (from_at, to_at) = (self.work(from, to), self.inbox(to, from));
        self.send((from, from_at), (to, to_at));
    }
}

/// How long a collective of `bytes` a rank takes: the rounds of its ring and what one rank sends.
fn modelled(kind: Kind, members: usize, bytes: u64) -> EngineTime {
    let others = members as u64 - 1;
    let part = bytes.div_ceil(members as u64);
    let rounds = index(members - 1);
    let (rounds, bytes) = match kind {
        Kind::AllReduce => (rounds.saturating_mul(2), part.saturating_mul(2 * others)),
        Kind::ReduceScatter | Kind::ReduceScatterBlock | Kind::AllToAll => {
            (rounds, part.saturating_mul(others))
        }
        Kind::AllGather => (rounds, bytes.saturating_mul(others)),
        Kind::Reduce | Kind::Broadcast => (rounds + 1, part.saturating_mul(2 * others)),
        Kind::Gather => (1, bytes.saturating_mul(others)),
        Kind::Scatter => (1, part.saturating_mul(others)),
        Kind::Barrier => (rounds, 0),
    };
    EngineTime::Rounds { rounds, bytes }
}
