//! Unmet conditions, grouped by the line they watch.
//!
//! Lines stand in one dense array; the conditions of a line are linked; an open-addressing index
//! finds a line's place. Putting a condition in and taking one out where the sweep stands cost a
//! constant time. All memory is lent, sized for the worst case at start: nothing is searched,
//! nothing allocated. How the list is swept stands in `sweep`, what a line remembers in `watched`.

use crate::condition::Unmet;
use crate::sweep::{Cursor, Lap, Walk};
use crate::watched::{LineWords, NEVER, WatchedLine};

/// No condition, no line.
pub(crate) const NONE: u32 = u32::MAX;

/// One place of the index over the lines: which line of the dense array stands here.
#[derive(Clone, Copy, Debug)]
pub struct LinePlace(u32);

impl Default for LinePlace {
    fn default() -> Self {
        Self(NONE)
    }
}

impl LinePlace {
    /// How many places an index for `conditions` conditions must have at least.
    pub const fn needed(conditions: usize) -> usize {
        (conditions * 2).next_power_of_two()
    }
}

/// Memory for unmet conditions.
#[derive(Debug)]
pub(crate) struct PollMemory<'m> {
    pub(crate) conditions: &'m mut [Unmet],
    /// As many as conditions.
    pub(crate) lines: &'m mut [WatchedLine],
    /// As many as lines.
    pub(crate) words: &'m mut [LineWords],
    /// A power of two of at least twice as many.
    pub(crate) index: &'m mut [LinePlace],
}

/// The conditions and where the sweep stands.
#[derive(Debug)]
pub(crate) struct PollList<'m> {
    pub(crate) memory: PollMemory<'m>,
    pub(crate) count: usize,
    pub(crate) lines: usize,
    /// Places of conditions that were taken out, linked; behind `fresh` none was ever used.
    pub(crate) free: u32,
    pub(crate) fresh: usize,
    /// The line to go on with, and how far the sweep came on it.
    pub(crate) cursor: Cursor,
    /// The condition that is looked at, once the sweep has moved to it.
    pub(crate) at: usize,
    pub(crate) lap: Lap,
    pub(crate) walk: Walk,
    /// Lines whose conditions were all looked at in this round are quiet.
    pub(crate) round: u16,
}

impl<'m> PollList<'m> {
    pub(crate) fn new(memory: PollMemory<'m>) -> Self {
        memory.index.fill(LinePlace(NONE));
        Self {
            memory,
            count: 0,
            lines: 0,
            free: NONE,
            fresh: 0,
            cursor: Cursor::at(0),
            at: 0,
            lap: Lap {
                bound_ns: u64::MAX,
                seen_ns: u64::MAX,
                is_whole: true,
            },
            walk: Walk {
                round: NEVER,
                is_whole: false,
            },
            round: NEVER + 1,
        }
    }

    /// How many conditions are in it.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// How many distinct lines they watch.
    pub(crate) const fn lines(&self) -> usize {
        self.lines
    }

    /// No deadline of a condition in it is earlier; `u64::MAX` if none has one.
    pub(crate) const fn deadline_bound_ns(&self) -> u64 {
        self.lap.bound_ns
    }

    /// Every condition, line by line.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Unmet> {
        let lines = self.memory.lines[..self.lines].iter();
        lines.flat_map(|line| {
            let first = self.memory.conditions.get(line.first as usize);
            core::iter::successors(first, |condition| {
                self.memory.conditions.get(condition.next as usize)
            })
        })
    }

    /// Where the search for the line at `addr` begins in the index.
    fn home(&self, addr: u64) -> usize {
        let bits = self.memory.index.len().trailing_zeros();
        let hash = (addr >> 6).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        usize::try_from(hash >> (64 - bits)).expect("an index is addressable")
    }

    /// The place in the index that has the line at `addr`, or the free one where it belongs.
    fn place(&self, addr: u64) -> usize {
        let mask = self.memory.index.len() - 1;
        let mut place = self.home(addr);
        loop {
            match self.memory.index[place].0 {
                NONE => return place,
                line if self.memory.lines[line as usize].addr == addr => return place,
                _ => place = (place + 1) & mask,
            }
        }
    }

    /// Stores a condition. There is room: it was reserved.
    pub(crate) fn insert(&mut self, condition: Unmet) {
        self.lap.bound_ns = self.lap.bound_ns.min(condition.deadline_ns);
        self.lap.seen_ns = self.lap.seen_ns.min(condition.deadline_ns);
        let addr = condition.line();
        let at = self.take_free();
        let place = self.place(addr);
        let line = match self.memory.index[place].0 {
            NONE => {
                let line = self.lines;
                self.memory.lines[line] = WatchedLine::new(addr, NONE, self.round);
                self.memory.index[place] = LinePlace(number(line));
                self.lines += 1;
                line
            }
            line => line as usize,
        };
        self.note(line, &condition);
        let line = &mut self.memory.lines[line];
        self.memory.conditions[at as usize] = Unmet {
            next: line.first,
            ..condition
        };
        line.first = at;
        line.count += 1;
        self.count += 1;
    }

    /// Notes what the first look at `condition` saw, which comes onto `line` in front of all.
    fn note(&mut self, line: usize, condition: &Unmet) {
        let is_here = self.cursor.line == line && self.cursor.passed > 0;
        if is_here {
            self.cursor.passed += 1;
            self.cursor.reached += u32::from(self.cursor.before != NONE);
        }
        let (line, words) = (&mut self.memory.lines[line], &mut self.memory.words[line]);
        if !line.note(words, condition) {
            line.distrust();
            self.walk.is_whole &= !is_here;
        }
    }

    fn take_free(&mut self) -> u32 {
        if self.free == NONE {
            self.fresh += 1;
            return number(self.fresh - 1);
        }
        let at = self.free;
        self.free = self.memory.conditions[at as usize].next;
        at
    }

    /// Takes the empty line where the sweep stands out; the last line takes its place.
    pub(crate) fn remove_line(&mut self) {
        let line = self.cursor.line;
        let place = self.place(self.memory.lines[line].addr);
        self.unindex(place);
        self.lines -= 1;
        if line != self.lines {
            let moved = self.memory.lines[self.lines];
            let place = self.place(moved.addr);
            self.memory.index[place] = LinePlace(number(line));
            self.memory.lines[line] = moved;
            self.memory.words[line] = self.memory.words[self.lines];
        }
        self.cursor = Cursor::at(line);
    }

    /// Frees a place of the index and closes the gap: whoever stands behind it and could not stand
    /// nearer to its home moves up.
    fn unindex(&mut self, mut gap: usize) {
        let mask = self.memory.index.len() - 1;
        let mut place = gap;
        loop {
            place = (place + 1) & mask;
            let LinePlace(line) = self.memory.index[place];
            if line == NONE {
                break;
            }
            let home = self.home(self.memory.lines[line as usize].addr);
            let from_home = place.wrapping_sub(home) & mask;
            let from_gap = place.wrapping_sub(gap) & mask;
            if from_home >= from_gap {
                self.memory.index[gap] = LinePlace(line);
                gap = place;
            }
        }
        self.memory.index[gap] = LinePlace(NONE);
    }
}

/// A place in a table of at most 2³¹.
pub(crate) fn number(index: usize) -> u32 {
    u32::try_from(index).expect("tables have at most 2^31 places")
}

#[cfg(test)]
mod tests {
    use super::{LinePlace, PollList, PollMemory};

    #[test]
    fn neighbouring_lines_and_pages_spread_over_the_index() {
        const PLACES: usize = 256;
        let mut index = [LinePlace::default(); PLACES];
        let list = PollList::new(PollMemory {
            conditions: &mut [],
            lines: &mut [],
            words: &mut [],
            index: &mut index,
        });
        for step in [64, 4096] {
            let mut is_home = [false; PLACES];
            for line in 0..PLACES as u64 / 2 {
                is_home[list.home(line * step)] = true;
            }
            let homes = is_home.iter().filter(|&&is_home| is_home).count();
            assert!(homes > PLACES / 8 * 3, "{homes} for lines {step} apart");
            let mut parts = is_home.chunks(PLACES / 4);
            assert!(parts.all(|part| part.contains(&true)));
        }
    }
}
