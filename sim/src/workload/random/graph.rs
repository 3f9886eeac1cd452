//! Shapes of dependency graphs: which earlier tasks a task depends on.

use super::draw::Draw;

/// A family of graphs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Graph {
    /// Each after the one before.
    Chain,
    /// One, then so many, then one that waits for them, and so on.
    ForkJoin {
        /// How many between fork and join.
        width: usize,
    },
    /// Layers; each task depends on some of the layer before.
    Layers {
        /// Tasks of a layer.
        width: usize,
    },
    /// Everything depends on the first, and the last on everything.
    Fan,
    /// A few of all earlier ones, often none.
    Sparse,
}

impl Graph {
    pub(super) fn draw(draw: &mut Draw) -> Self {
        let width = draw.index(6) + 2;
        match draw.below(6) {
            0 => Self::Chain,
            1 => Self::ForkJoin { width },
            2 => Self::Layers { width },
            3 => Self::Fan,
            _ => Self::Sparse,
        }
    }

    /// What task `index` of `count` depends on: earlier indices, without repeats.
    pub(super) fn before(self, index: usize, count: usize, draw: &mut Draw) -> Vec<usize> {
        let mut before = match self {
            Self::Chain => index.checked_sub(1).into_iter().collect(),
            Self::ForkJoin { width } => fork_join(index, width),
            Self::Layers { width } => some_of(layer_before(index, width), draw),
            Self::Fan if index == 0 => Vec::new(),
            Self::Fan if index + 1 == count => (0..index).collect(),
            Self::Fan => vec![0],
            Self::Sparse => some_of(0..index, draw),
        };
        before.sort_unstable();
        before.dedup();
        before
    }
}

/// Blocks of fork, `width` in the middle, join; the join is the next block's fork.
fn fork_join(index: usize, width: usize) -> Vec<usize> {
    let (block, place) = (index / (width + 1), index % (width + 1));
    let fork = block * (width + 1);
    match (place, block) {
        (0, 0) => Vec::new(),
        (0, _) => (fork - width..fork).collect(),
        _ => vec![fork],
    }
}

fn layer_before(index: usize, width: usize) -> std::ops::Range<usize> {
    let layer = index / width;
    layer.saturating_sub(1) * width..layer * width
}

fn some_of(range: std::ops::Range<usize>, draw: &mut Draw) -> Vec<usize> {
    let (first, count) = (range.start, range.len());
    if count == 0 {
        return Vec::new();
    }
    let wanted = draw.index(4);
    (0..wanted).map(|_| first + draw.index(count)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Draw, Graph, fork_join};

    #[test]
    fn a_join_waits_for_its_middle_and_forks_the_next_block() {
        let all: Vec<Vec<usize>> = (0..7).map(|index| fork_join(index, 2)).collect();
        let expected: [&[usize]; 7] = [&[], &[0], &[0], &[1, 2], &[3], &[3], &[4, 5]];
        assert_eq!(all, expected);
    }

    #[test]
    fn a_task_depends_on_earlier_ones_only() {
        for seed in 0..200 {
            let mut draw = Draw::new(seed);
            let graph = Graph::draw(&mut draw);
            for index in 0..30 {
                let before = graph.before(index, 30, &mut draw);
                assert!(before.iter().all(|&one| one < index), "{graph:?} {index}");
            }
        }
    }
}
