//! The dispatch thread's own picture of the cores, and where a block of a task fits.
//!
//! A block needs a *unit*: one core, or for a mixed task the cores of one cluster that its subtasks
//! name. A set of units is a mask with the bit of each unit's first place. Cores that are idle stay
//! so, and pending places stay usable, until this thread gives a token; so picking is arithmetic on
//! masks, refilled once a pass from what handlers said.
//!
//! Nobody starves: what stands in front of its line and does not fit holds back, for this pass, the
//! cores it will use, from whatever comes behind. Only running kernels decide when those become
//! free, and one line is always the first to be served; so no two ever wait for each other. A
//! cohort holds back every core it can use. A mixed block holds back one cluster, and after
//! [`PATIENCE`] passes in vain another one, so that a kernel which never ends keeps nobody waiting.

use crate::core_set::{CoreMask, each, first_of, only};
use crate::id::{CoreId, Token};
use crate::scheduler::Scheduler;
use crate::spec::{Shape, Subtasks};
use crate::target::CORES_PER_CLUSTER;

/// Passes after which a mixed block tries to gather another cluster.
const PATIENCE: u32 = 64;

/// The first core of every cluster.
const FIRSTS: CoreMask = {
    let mut mask = 0;
    let mut core = 0;
    while core < CoreMask::BITS {
        mask |= 1 << core;
        core += CORES_PER_CLUSTER as u32;
    }
    mask
};

/// Where in its cluster each subtask of a mixed block runs.
pub(crate) const PLACES: [(Subtasks, u16); CORES_PER_CLUSTER as usize] =
    [(Subtasks::AIV0, 0), (Subtasks::AIC, 1), (Subtasks::AIV1, 2)];

/// What a block of a task needs: which cores can be part of a unit, and which places of a cluster
/// make one (none: each core is one).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint {
    cores: CoreMask,
    subtasks: Subtasks,
}

impl Footprint {
    pub(crate) const fn new(cores: CoreMask, shape: Shape, subtasks: Subtasks) -> Self {
        let subtasks = match shape {
            Shape::Mix => subtasks,
            _ => Subtasks::empty(),
        };
        Self { cores, subtasks }
    }

    /// The units that are whole in `cores`.
    #[inline]
    pub(crate) fn units(self, cores: CoreMask) -> CoreMask {
        let cores = cores & self.cores;
        if self.subtasks.is_empty() {
            return cores;
        }
        let needed = PLACES
            .iter()
            .filter(|(one, _)| self.subtasks.contains(*one));
        needed.fold(FIRSTS, |units, (_, place)| units & cores >> place)
    }

    /// The cores of `units`.
    #[inline]
    pub(crate) fn cores(self, units: CoreMask) -> CoreMask {
        if self.subtasks.is_empty() {
            return units;
        }
        let needed = PLACES
            .iter()
            .filter(|(one, _)| self.subtasks.contains(*one));
        needed.fold(0, |cores, (_, place)| cores | units << place)
    }

    /// Which subtask runs on each core of the unit at `first`.
    #[inline]
    pub(crate) fn places(self, first: CoreId) -> impl Iterator<Item = (CoreId, Subtasks)> {
        // A unit of one core is its first and only place.
        let (mut left, mut is_single) = (self.subtasks, self.subtasks.is_empty());
        core::iter::from_fn(move || {
            if core::mem::take(&mut is_single) {
                return Some((first, Subtasks::empty()));
            }
            let (one, place) = PLACES.into_iter().find(|(one, _)| left.contains(*one))?;
            left.remove(one);
            Some((CoreId(first.0 + place), one))
        })
    }
}

/// Where the blocks at the front of a line may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// There: units to be used now.
    Here(CoreMask),
    /// Nowhere yet; what it will use is held back.
    NotYet,
    /// Nowhere as long as the cores that are out stay out: so many units are left.
    Never(u32),
}

/// The cores, as this thread knows them.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// Nothing in flight, and the record of the next token is free; and what is no core.
    idle: CoreMask,
    /// A token runs, and the pending place and its record are free.
    open: CoreMask,
    /// In this pass not to be used by anyone who comes later.
    held: CoreMask,
    /// Clusters that mixed blocks gathered lately, those given up for now, and for how many passes.
    gathered: CoreMask,
    given_up: CoreMask,
    in_vain: u32,
    /// Out of the pool until something is heard of them: their token is late, or they are suspect.
    pub(crate) out: CoreMask,
    /// A reset of them was not dealt with by their handler yet: usable again in a moment.
    pub(crate) in_reset: CoreMask,
}

impl Pool {
    /// Of the cores `all`, of which nothing is known yet.
    pub(crate) fn new(all: CoreMask) -> Self {
        Self {
            idle: !all,
            ..Self::default()
        }
    }

    /// Which of `idle`, as the handlers tell, were not found so yet.
    #[inline]
    pub(crate) const fn unknown(&self, idle: CoreMask) -> CoreMask {
        idle & !self.idle
    }

    /// Nothing is held any more.
    #[inline]
    pub(crate) const fn hold_none(&mut self) {
        self.held = 0;
    }

    /// Looks at the cores of `news`, each with its next token in `tokens`.
    #[inline]
    pub(crate) fn refill(&mut self, scheduler: &Scheduler<'_>, news: CoreMask, tokens: &[Token]) {
        self.idle &= !news;
        self.open &= !news;
        for core in each(news) {
            let (state, token) = (&scheduler.cores[core.index()], tokens[core.index()]);
            let pair = state.pair.looked_at();
            if !pair.has_room() || !state.records[token.parity()].is_free() {
                continue;
            }
            match pair.is_idle() {
                true => self.idle |= only(core),
                false => self.open |= only(core),
            }
        }
    }

    /// Units for one block, idle ones first; or, `together`, for all of `blocks`, idle ones only.
    #[inline]
    pub(crate) fn fit(&mut self, footprint: Footprint, blocks: u32, together: bool) -> Fit {
        let usable = !(self.held | self.out | self.in_reset);
        if footprint.subtasks.is_empty() && !together {
            let usable = usable & footprint.cores;
            let (idle, open) = (self.idle & usable, self.open & usable);
            let cores = if idle != 0 { idle } else { open };
            if cores != 0 {
                return Fit::Here(only(first_of(cores)));
            }
        }
        let (idle, any) = (self.idle & usable, (self.idle | self.open) & usable);
        let idle_units = footprint.units(idle);
        let units = match (together, idle_units) {
            (true, _) if idle_units.count_ones() >= blocks => lowest(idle_units, blocks),
            (true, _) => 0,
            (false, 0) => lowest(footprint.units(any), 1),
            (false, _) => lowest(idle_units, 1),
        };
        if units != 0 {
            if !footprint.subtasks.is_empty() {
                (self.gathered, self.given_up, self.in_vain) = (0, 0, 0);
            }
            return Fit::Here(units);
        }
        let alive = footprint.units(!self.out);
        if alive.count_ones() < if together { blocks } else { 1 } {
            return Fit::Never(alive.count_ones());
        }
        let wanted = match (together, footprint.subtasks.is_empty()) {
            (true, _) => alive,
            (false, true) => 0,
            (false, false) => self.gather(footprint, alive, any),
        };
        self.held |= footprint.cores(wanted);
        Fit::NotYet
    }

    /// Which unit of `alive` a mixed block waits for.
    fn gather(&mut self, footprint: Footprint, alive: CoreMask, ready: CoreMask) -> CoreMask {
        self.in_vain += 1;
        if self.in_vain > PATIENCE {
            self.given_up |= self.gathered;
            (self.gathered, self.in_vain) = (0, 0);
        }
        if alive & !self.given_up == 0 {
            self.given_up = 0;
        }
        let unit = nearest(footprint, alive & !self.given_up, ready);
        self.gathered |= unit;
        unit
    }

    /// The core of `bit` was given a token.
    #[inline]
    pub(crate) const fn take(&mut self, bit: CoreMask) {
        self.idle &= !bit;
        self.open &= !bit;
    }
}

/// The lowest `count` bits of `mask`, or all of them.
fn lowest(mask: CoreMask, count: u32) -> CoreMask {
    let mut rest = mask;
    for _ in 0..count.min(mask.count_ones()) {
        rest &= rest - 1;
    }
    mask & !rest
}

/// The unit of `alive` that has most cores in `ready`; the first among equals, so that the choice
/// does not wander.
fn nearest(footprint: Footprint, alive: CoreMask, ready: CoreMask) -> CoreMask {
    let near = |&unit: &CoreId| (footprint.cores(only(unit)) & ready).count_ones();
    let best = each(alive).max_by_key(|unit| (near(unit), core::cmp::Reverse(unit.0)));
    best.map_or(0, only)
}

#[cfg(test)]
mod tests {
    use super::{Fit, Footprint, Pool, lowest};
    use crate::spec::{Shape, Subtasks};

    /// Two clusters: AIV 0, AIC 1, AIV 2, AIV 3, AIC 4, AIV 5.
    const CLUSTERS: u128 = 0b11_1111;

    fn mixed(subtasks: Subtasks) -> Footprint {
        Footprint::new(CLUSTERS, Shape::Mix, subtasks)
    }

    fn pool(idle: u128, open: u128) -> Pool {
        Pool {
            idle,
            open,
            ..Pool::default()
        }
    }

    #[test]
    fn every_set_of_subtasks_finds_the_clusters_that_have_all_its_places() {
        for bits in 1..8 {
            let subtasks = Subtasks::from_bits_truncate(bits);
            let footprint = mixed(subtasks);
            for cores in 0..64 {
                let has = |first: u32| {
                    footprint
                        .places(crate::CoreId(u16::try_from(first).unwrap()))
                        .all(|(core, _)| cores >> core.index() & 1 == 1)
                };
                let expected = u128::from(has(0)) | u128::from(has(3)) << 3;
                assert_eq!(
                    footprint.units(cores),
                    expected,
                    "{subtasks:?} in {cores:b}"
                );
            }
        }
    }

    #[test]
    fn idle_cores_are_used_before_pending_places() {
        let single = Footprint::new(0b10_0101, Shape::Aiv, Subtasks::empty());
        assert_eq!(
            pool(0b10_0000, 0b1).fit(single, 1, false),
            Fit::Here(0b10_0000)
        );
        assert_eq!(pool(0, 0b1).fit(single, 1, false), Fit::Here(1));
        let all = mixed(Subtasks::all());
        assert_eq!(pool(0b11_1000, 0b111).fit(all, 1, false), Fit::Here(0b1000));
        assert_eq!(pool(0b001, 0b110).fit(all, 1, false), Fit::Here(1));
    }

    #[test]
    fn a_mixed_block_that_does_not_fit_holds_back_the_nearest_cluster() {
        let single = Footprint::new(0b10_1101, Shape::Aiv, Subtasks::empty());
        let mut pool = pool(0b10_1001, 0);
        assert_eq!(pool.fit(mixed(Subtasks::all()), 1, false), Fit::NotYet);
        assert_eq!(
            pool.fit(single, 1, false),
            Fit::Here(1),
            "the other cluster's"
        );
        pool.take(1);
        assert_eq!(pool.fit(single, 1, false), Fit::NotYet, "held back");
    }

    #[test]
    fn a_cohort_takes_idle_cores_only_and_holds_back_all_it_can_use() {
        let vector = Footprint::new(0b10_1101, Shape::Aiv, Subtasks::empty());
        let cube = Footprint::new(0b01_0010, Shape::Aic, Subtasks::empty());
        let mut pool = pool(0b1010, 0b10_0101);
        assert_eq!(pool.fit(vector, 3, true), Fit::NotYet);
        assert_eq!(pool.fit(vector, 1, false), Fit::NotYet, "held back");
        assert_eq!(pool.fit(cube, 1, false), Fit::Here(0b10));
        pool.held = 0;
        (pool.idle, pool.open) = (0b1101, 0b10_0000);
        assert_eq!(pool.fit(vector, 3, true), Fit::Here(0b1101));
        pool.out = 0b1;
        assert_eq!(pool.fit(vector, 4, true), Fit::Never(3));
    }

    #[test]
    fn a_mixed_block_that_waits_in_vain_tries_every_cluster() {
        let all = mixed(Subtasks::all());
        let mut pool = pool(0b00_1110, 0);
        let mut held = 0;
        for _ in 0..3 * super::PATIENCE {
            pool.held = 0;
            assert_eq!(pool.fit(all, 1, false), Fit::NotYet);
            held |= pool.held;
        }
        assert_eq!(held, CLUSTERS);
    }

    #[test]
    fn the_lowest_bits_are_the_first_ones() {
        assert_eq!(lowest(0b1011_0100, 2), 0b1_0100);
        assert_eq!(lowest(0b1, 3), 0b1);
        assert_eq!(lowest(u128::MAX, 128), u128::MAX);
    }
}
