//! Which cores a scheduler drives, what kind each is, and which FIN handler owns it.
//!
//! Cores are numbered cluster by cluster, AIV · AIC · AIV, so that the first cores of a chip cut
//! short are the most useful ones; host lanes come behind the clusters and speak the same
//! protocol. A FIN handler owns whole clusters; the last one also owns the host lanes.

use core::ops::Range;

use crate::id::CoreId;
use crate::limits::{MAX_CORES, MAX_HANDLERS};
use crate::spec::Shape;
use crate::target::{CORES_PER_CLUSTER, Target};

/// What runs on core `index` of a chip of which `cores` cores are used.
pub const fn shape_of_core(index: u16, cores: u16) -> Shape {
    match (index < cores, index % CORES_PER_CLUSTER) {
        (false, _) => Shape::Host,
        (true, 1) => Shape::Aic,
        (true, _) => Shape::Aiv,
    }
}

/// The part of a chip that a scheduler drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chip {
    /// The family.
    pub target: &'static Target,
    /// Cores in use, 1 to the target's.
    pub cores: u16,
    /// Host lanes, 0 or more; with the cores at most 128.
    pub host_lanes: u16,
    /// FIN handlers, 1 to 8.
    pub handlers: u8,
}

impl Chip {
    /// The whole chip with its usual handlers and one host lane.
    pub const fn whole(target: &'static Target) -> Self {
        Self {
            target,
            cores: target.cores(),
            host_lanes: 1,
            handlers: target.fin_handlers,
        }
    }

    /// Whether all counts are in range.
    pub const fn is_valid(&self) -> bool {
        self.cores >= 1
            && self.cores <= self.target.cores()
            && self.lanes() <= MAX_CORES
            && self.handlers >= 1
            && self.handlers as usize <= MAX_HANDLERS
    }

    /// Cores and host lanes.
    pub const fn lanes(&self) -> usize {
        self.cores as usize + self.host_lanes as usize
    }

    /// What runs on `core`.
    pub const fn shape_of(&self, core: CoreId) -> Shape {
        shape_of_core(core.0, self.cores)
    }

    /// Cores that can run `shape`, host lanes included, 0 for dummies.
    pub fn count_of(&self, shape: Shape) -> usize {
        self.all()
            .filter(|&core| self.shape_of(core) == shape)
            .count()
    }

    /// Every core, in order.
    pub fn all(&self) -> impl Iterator<Item = CoreId> + use<> {
        #[expect(clippy::cast_possible_truncation, reason = "at most MAX_CORES")]
        let lanes = self.lanes() as u16;
        (0..lanes).map(CoreId)
    }

    /// The cores that `handler` owns; neighbours, whole clusters.
    pub fn cores_of(&self, handler: u8) -> Range<usize> {
        let clusters = usize::from(self.cores.div_ceil(CORES_PER_CLUSTER));
        let handlers = usize::from(self.handlers);
        let bound = |h: usize| (clusters * h / handlers) * usize::from(CORES_PER_CLUSTER);
        let start = bound(usize::from(handler));
        let is_last = usize::from(handler) + 1 == handlers;
        let end = if is_last {
            self.lanes()
        } else {
            bound(usize::from(handler) + 1)
        };
        start..end
    }

    /// The handler that owns `core`.
    pub fn owner_of(&self, core: CoreId) -> u8 {
        let owns = |&handler: &u8| self.cores_of(handler).contains(&core.index());
        (0..self.handlers)
            .find(owns)
            .expect("the handlers' ranges cover every core")
    }
}

/// A set of a chip's FIN handlers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handlers(u8);

const _: () = assert!(
    MAX_HANDLERS == u8::BITS as usize,
    "every handler of a chip has a bit"
);

impl Handlers {
    /// The first `count` handlers, 0 to 8.
    pub const fn first(count: u8) -> Self {
        Self(match count {
            0 => 0,
            _ => u8::MAX >> (MAX_HANDLERS - count as usize),
        })
    }

    /// Adds `handler`, 0 to 7.
    pub const fn add(&mut self, handler: u8) {
        self.0 |= 1 << handler;
    }

    /// Adds all of `others`.
    pub const fn merge(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Whether `handler`, 0 to 7, is in it.
    pub const fn contains(self, handler: u8) -> bool {
        self.0 >> handler & 1 == 1
    }

    /// Whether nobody is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Who is in it, in order.
    pub fn each(self) -> impl Iterator<Item = u8> {
        (0..8).filter(move |&handler| self.contains(handler))
    }
}

#[cfg(test)]
mod tests {
    use super::{Handlers, shape_of_core};
    use crate::spec::Shape::{Aic, Aiv, Host};

    #[test]
    fn a_cluster_has_one_cube_and_two_vector_cores_and_the_host_comes_last() {
        let shapes: [_; 8] =
            core::array::from_fn(|index| shape_of_core(u16::try_from(index).unwrap(), 6));
        assert_eq!(shapes, [Aiv, Aic, Aiv, Aiv, Aic, Aiv, Host, Host]);
    }
    #[test]
    fn a_set_of_handlers_has_whom_it_was_given() {
        for count in 0..=8 {
            let handlers = Handlers::first(count);
            assert!(handlers.each().eq(0..count));
            assert_eq!(handlers.is_empty(), count == 0);
        }
        let mut some = Handlers::default();
        some.add(7);
        some.merge(Handlers::first(2));
        assert!(some.each().eq([0, 1, 7]));
    }
}
