//! Indirect buffers: where the processor stands in each of them, and whether it goes in circles.
//!
//! A call puts a buffer on top and returns to its parent; a jump replaces what is on top. Depth is
//! bounded, so only jumps can go on for ever. At each depth they are watched as Brent watched
//! sequences: one buffer is remembered, a later one after 1, 2, 4, 8 … jumps, and one that is met
//! again was revisited. Returning forgets it: a buffer that is called twice is no circle.

use super::packet::{Entry, Indirect};

/// Most indirect buffers within each other.
pub const MAX_DEPTH: usize = 8;

#[derive(Clone, Copy, Debug, Default)]
struct Level {
    buffer: u64,
    packets: u32,
    /// The next packet to carry out.
    index: u32,
    circle: Circle,
}

#[derive(Clone, Copy, Debug, Default)]
struct Circle {
    remembered: Option<u64>,
    jumps: u64,
    /// After how many jumps another buffer is remembered.
    lap: u64,
    revisits: u64,
}

impl Circle {
    fn jump(&mut self, buffer: u64) {
        if self.remembered == Some(buffer) {
            self.revisits += 1;
            return;
        }
        self.jumps += 1;
        if self.jumps > self.lap {
            self.remembered = Some(buffer);
            self.lap = self.jumps.saturating_mul(2);
        }
    }
}

/// The indirect buffers that the packet at the ring's position has opened.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    levels: [Level; MAX_DEPTH],
    depth: usize,
}

impl Levels {
    pub(crate) const fn depth(&self) -> usize {
        self.depth
    }

    /// Buffer and index of the next packet; `None`: it is the ring's turn.
    pub(crate) fn next(&self) -> Option<(u64, u32)> {
        let top = self.levels[..self.depth].last()?;
        Some((top.buffer, top.index))
    }

    /// How often a jump came back to a buffer, in the buffers that are open.
    pub(crate) fn revisits(&self) -> u64 {
        let levels = self.levels[..self.depth].iter();
        levels.map(|level| level.circle.revisits).sum()
    }

    /// Goes into a buffer, from the packet that stood next. `false`: it would be too deep.
    pub(crate) fn enter(&mut self, indirect: &Indirect) -> bool {
        let is_jump = indirect.entry == Entry::Jump;
        let top = self.depth.checked_sub(1);
        if top.is_none() || !is_jump {
            if self.depth == MAX_DEPTH {
                return false;
            }
            if let Some(parent) = top {
                self.levels[parent].index += 1;
            }
            self.levels[self.depth] = Level::default();
            self.depth += 1;
        }
        let level = &mut self.levels[self.depth - 1];
        level.circle.jump(indirect.buffer);
        level.buffer = indirect.buffer;
        level.packets = indirect.packets;
        level.index = 0;
        true
    }

    /// Passes the packet that stood next, and leaves every buffer that is through with it. `true`:
    /// the ring's own packet is through.
    pub(crate) fn pass(&mut self) -> bool {
        if let Some(top) = self.depth.checked_sub(1) {
            self.levels[top].index += 1;
        }
        while let Some(top) = self.depth.checked_sub(1) {
            if self.levels[top].index < self.levels[top].packets {
                return false;
            }
            self.depth = top;
        }
        true
    }
}
