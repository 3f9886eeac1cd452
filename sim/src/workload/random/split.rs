//! How a random task is divided among cores: its shape, blocks and subtasks.
//!
//! Guarantees: a chip with so many cores can run it, all blocks at once if they start together.
//! Each part has words of its own, and together they have all of a region, block by block.

use finbox_scheduler::shape_of_core;

use super::draw::Draw;
use crate::workload::{Op, Shape, Subtasks, TaskPlan};

/// Cores of a cluster, AIV · AIC · AIV.
const PLACES: [Subtasks; 3] = [Subtasks::AIV0, Subtasks::AIC, Subtasks::AIV1];

/// A division.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    shape: Shape,
    subtasks: Subtasks,
    blocks: u16,
    sync_start: bool,
}

impl Split {
    /// One that a chip with `cores` cores and a host lane can run.
    pub(super) fn draw(draw: &mut Draw, cores: u16) -> Self {
        let mut split = Self {
            shape: match draw.below(12) {
                0 => Shape::Host,
                1..=3 if cores > 1 => Shape::Aic,
                4..=6 => Shape::Mix,
                _ => Shape::Aiv,
            },
            subtasks: Subtasks::empty(),
            blocks: draw.pick(&[1, 1, 1, 2, 3, 4, 5]),
            sync_start: draw.one_in(4),
        };
        if split.shape == Shape::Mix {
            let drawn = draw.pick(&[1, 2, 3, 4, 5, 6, 7, 7]);
            split.subtasks = Subtasks::from_bits_truncate(drawn);
            if split.places(cores) == 0 {
                split.subtasks = Subtasks::AIV0;
            }
        }
        if split.sync_start {
            split.blocks = split.blocks.min(split.places(cores));
        }
        split
    }

    /// How many of its blocks run at once while everything is idle.
    fn places(self, cores: u16) -> u16 {
        let count = match self.shape {
            Shape::Mix => (0..cores.div_ceil(3))
                .filter(|&cluster| {
                    let is_there = |place: usize| 3 * usize::from(cluster) + place < cores.into();
                    (0..PLACES.len())
                        .all(|place| !self.subtasks.contains(PLACES[place]) || is_there(place))
                })
                .count(),
            shape => (0..=cores)
                .filter(|&core| shape_of_core(core, cores) == shape)
                .count(),
        };
        u16::try_from(count).unwrap_or(u16::MAX)
    }

    fn subtasks(self) -> Vec<Subtasks> {
        match self.shape {
            Shape::Mix => self.subtasks.iter().collect(),
            _ => vec![Subtasks::empty()],
        }
    }

    /// How often its program runs.
    pub(super) fn parts(self) -> usize {
        self.subtasks().len() * usize::from(self.blocks)
    }

    /// The same on one core, if `words` cannot be divided.
    pub(super) fn of_words(self, words: usize) -> Self {
        if words.is_multiple_of(self.parts()) {
            return self;
        }
        Self {
            shape: Shape::Aiv,
            subtasks: Subtasks::empty(),
            blocks: 1,
            sync_start: false,
        }
    }

    /// Lets `task` run so.
    pub(super) fn apply(self, task: &mut TaskPlan) {
        (task.shape, task.subtasks) = (self.shape, self.subtasks);
        (task.blocks, task.sync_start) = (self.blocks, self.sync_start);
    }

    /// `op`, which goes over `words` words one by one, as each part does its own.
    pub(super) fn divide(self, op: Op, words: u64) -> Vec<Op> {
        let parts = self.parts() as u64;
        if parts == 1 {
            return vec![op];
        }
        let subtasks = self.subtasks();
        let (own, stride) = (words / parts, words / parts * 4 * subtasks.len() as u64);
        let part = |(place, subtasks): (u64, Subtasks)| Op::PerBlock {
            subtasks,
            stride,
            op: Box::new(narrowed(&op, place * own * 4, own)),
        };
        (0..).zip(subtasks).map(part).collect()
    }
}

/// `op` over `own` words, `shift` bytes behind its first.
fn narrowed(op: &Op, shift: u64, own: u64) -> Op {
    let mut op = op.clone();
    match &mut op {
        Op::FillU32 { at, count, .. } => (*at, *count) = (*at + shift, own),
        Op::AddU32 {
            from, to, count, ..
        }
        | Op::AccumulateU32 { from, to, count } => {
            (*from, *to, *count) = (*from + shift, *to + shift, own);
        }
        Op::Post { transfer, .. } => {
            (transfer.from, transfer.to) = (transfer.from + shift, transfer.to + shift);
            transfer.bytes = own * 4;
        }
        other => unreachable!("{other:?} does not go over words"),
    }
    op
}
