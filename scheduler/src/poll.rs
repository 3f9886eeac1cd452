//! Unmet conditions, grouped by the line they watch.
//!
//! A sweep makes each distinct line current once and then reads the conditions on it. Lines stand
//! in one dense array; the conditions of a line are linked; an open-addressing index finds a line's
//! place. Putting a condition in and taking one out where the sweep stands cost a constant time.
//! All memory is lent, sized for the worst case at start: nothing is searched, nothing allocated.

use crate::condition::Unmet;

/// No condition, no line.
const NONE: u32 = u32::MAX;

/// One line with unmet conditions.
#[derive(Clone, Copy, Debug, Default)]
pub struct WatchedLine {
    addr: u64,
    first: u32,
    count: u32,
}

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
    /// A power of two of at least twice as many.
    pub(crate) index: &'m mut [LinePlace],
}

/// The conditions and where the sweep stands.
#[derive(Debug)]
pub(crate) struct PollList<'m> {
    memory: PollMemory<'m>,
    count: usize,
    lines: usize,
    /// Places of conditions that were taken out, linked; behind `fresh` none was ever used.
    free: u32,
    fresh: usize,
    /// The line to go on with, and the condition on it that was looked at last.
    line: usize,
    before: u32,
    /// The condition behind it, once the sweep has moved there.
    at: usize,
    lap: Lap,
}

/// The earliest deadline: a lower bound that each full lap of the sweep makes exact again.
#[derive(Debug)]
struct Lap {
    bound_ns: u64,
    /// The earliest deadline seen since the sweep began at the first line.
    seen_ns: u64,
    /// Whether the sweep looked at everything since then.
    is_whole: bool,
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
            line: 0,
            before: NONE,
            at: 0,
            lap: Lap {
                bound_ns: u64::MAX,
                seen_ns: u64::MAX,
                is_whole: true,
            },
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
                let (first, count) = (NONE, 0);
                self.memory.lines[line] = WatchedLine { addr, first, count };
                self.memory.index[place] = LinePlace(number(line));
                self.lines += 1;
                line
            }
            line => line as usize,
        };
        let line = &mut self.memory.lines[line];
        self.memory.conditions[at as usize] = Unmet {
            next: line.first,
            ..condition
        };
        line.first = at;
        line.count += 1;
        self.count += 1;
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

    /// The next condition of the sweep; there is one. The sweep stays before it.
    pub(crate) fn here(&mut self) -> &mut Unmet {
        self.at = self.index_here();
        &mut self.memory.conditions[self.at]
    }

    fn index_here(&mut self) -> usize {
        if self.next_on_line() == NONE {
            self.line += 1;
            self.before = NONE;
        }
        self.end_lap();
        self.next_on_line() as usize
    }

    /// The condition behind the one that was looked at last.
    fn next_on_line(&self) -> u32 {
        match self.before {
            NONE if self.line < self.lines => self.memory.lines[self.line].first,
            NONE => NONE,
            before => self.memory.conditions[before as usize].next,
        }
    }

    /// Goes back to the first line behind the last one.
    fn end_lap(&mut self) {
        if self.line < self.lines {
            return;
        }
        (self.line, self.before) = (0, NONE);
        if self.lap.is_whole {
            self.lap.bound_ns = self.lap.seen_ns;
        }
        (self.lap.seen_ns, self.lap.is_whole) = (u64::MAX, true);
    }

    /// Leaves the condition [`here`](Self::here) in and goes on behind it.
    pub(crate) fn keep(&mut self) {
        let at = self.at;
        let deadline_ns = self.memory.conditions[at].deadline_ns;
        self.lap.seen_ns = self.lap.seen_ns.min(deadline_ns);
        self.before = number(at);
    }

    /// Takes the condition [`here`](Self::here) out and goes on behind it.
    pub(crate) fn take(&mut self) {
        let at = self.at;
        let next = self.memory.conditions[at].next;
        match self.before {
            NONE => self.memory.lines[self.line].first = next,
            before => self.memory.conditions[before as usize].next = next,
        }
        self.memory.conditions[at].next = self.free;
        self.free = number(at);
        self.count -= 1;
        let line = &mut self.memory.lines[self.line];
        line.count -= 1;
        if line.count == 0 {
            self.remove_line();
        }
    }

    /// Takes the empty line where the sweep stands out; the last line takes its place.
    fn remove_line(&mut self) {
        let place = self.place(self.memory.lines[self.line].addr);
        self.unindex(place);
        self.lines -= 1;
        if self.line != self.lines {
            let moved = self.memory.lines[self.lines];
            let place = self.place(moved.addr);
            self.memory.index[place] = LinePlace(number(self.line));
            self.memory.lines[self.line] = moved;
        }
        self.before = NONE;
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

    /// Ends a call that looked at everything: it begins at the first line next time.
    pub(crate) fn begin_if_whole(&mut self, budget: usize) {
        if self.next_on_line() == NONE && self.line < self.lines {
            (self.line, self.before) = (self.line + 1, NONE);
        }
        self.end_lap();
        if self.count <= budget && (self.line, self.before) != (0, NONE) {
            (self.line, self.before) = (0, NONE);
            (self.lap.seen_ns, self.lap.is_whole) = (u64::MAX, true);
        }
    }

    /// Moves on by `looks` looks that are known to see nothing, without taking them.
    pub(crate) fn skip(&mut self, looks: u64) {
        let Some(mut left) = looks.checked_rem(self.count as u64) else {
            return;
        };
        while left > 0 {
            self.index_here();
            let whole = u64::from(self.memory.lines[self.line].count);
            if self.before == NONE && left >= whole {
                (self.line, self.before) = (self.line + 1, NONE);
                left -= whole;
            } else {
                self.before = self.next_on_line();
                left -= 1;
            }
            self.lap.is_whole = false;
        }
    }
}

/// A place in a table of at most 2³¹.
fn number(index: usize) -> u32 {
    u32::try_from(index).expect("tables have at most 2^31 places")
}
