//! The sweep over unmet conditions: where it stands, and what it passes without a look.
//!
//! It goes line by line. A line is quiet when a walk looked at all its conditions and found them
//! unmet; while its words are as they were then, and no deadline on it has passed, all of them are
//! passed at once. What else could change a look's verdict distrusts all lines: a peer that died, a
//! task that waits no more. A line that moved is walked, condition by condition, and is quiet again
//! behind the last one, unless two of them saw different values of one word, or one watches a
//! queue, or the walk was not whole.

use crate::condition::{LINE, Unmet};
use crate::poll::{NONE, PollList, number};
use crate::port::Port;
use crate::watched::{NEVER, WatchedLine};

/// One sweep over unmet conditions: what needs no second time within it.
#[derive(Debug)]
pub(crate) struct Sweep {
    pub(crate) now_ns: u64,
    /// The line that was made current last.
    pub(crate) line: Option<u64>,
    /// Lines that were made current.
    pub(crate) refreshed: u64,
    /// The queue that was walked last.
    pub(crate) walked: Option<usize>,
}

impl Sweep {
    pub(crate) const fn new(now_ns: u64) -> Self {
        Self {
            now_ns,
            line: None,
            refreshed: 0,
            walked: None,
        }
    }
}

/// Where the sweep stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    pub(crate) line: usize,
    /// Conditions on the line that were passed.
    pub(crate) passed: u32,
    /// One of them, the one before the next if `reached` is `passed`; its number from 1.
    pub(crate) before: u32,
    pub(crate) reached: u32,
}

impl Cursor {
    /// Before the first condition of a line.
    pub(crate) const fn at(line: usize) -> Self {
        Self {
            line,
            passed: 0,
            before: NONE,
            reached: 0,
        }
    }

    pub(crate) const fn is_at_first(&self) -> bool {
        self.line == 0 && self.passed == 0
    }

    /// Behind the condition at `at`, which is the next.
    pub(crate) const fn step(&mut self, at: u32) {
        self.passed += 1;
        (self.before, self.reached) = (at, self.passed);
    }
}

/// A walk over the conditions of the line where the sweep stands.
#[derive(Debug)]
pub(crate) struct Walk {
    /// The round in which it began.
    pub(crate) round: u16,
    /// All conditions on the line were looked at by now or noted as they came, and none
    /// disagreed with another.
    pub(crate) is_whole: bool,
}

/// The earliest deadline: a lower bound that each full lap of the sweep makes exact again.
#[derive(Debug)]
pub(crate) struct Lap {
    pub(crate) bound_ns: u64,
    /// The earliest deadline seen since the sweep began at the first line.
    pub(crate) seen_ns: u64,
    /// Whether the sweep looked at everything since then.
    pub(crate) is_whole: bool,
}

impl PollList<'_> {
    /// Passes over conditions that stand as they stood, on quiet lines, from where the sweep stands
    /// on; up to `budget`. Returns how many: fewer if the next one has to be looked at.
    pub(crate) fn pass_quiet(
        &mut self,
        port: &impl Port,
        sweep: &mut Sweep,
        budget: usize,
    ) -> usize {
        let mut left = budget;
        loop {
            if self.cursor.passed == 0 {
                left -= self.pass_lines(port, sweep, left);
            }
            if left == 0 {
                break;
            }
            self.advance();
            let passed = self.pass_part(port, sweep, left);
            if passed == 0 {
                break;
            }
            left -= passed;
        }
        budget - left
    }

    /// Passes over whole quiet lines, up to the last one in the array. No condition is looked at
    /// twice in a call, so none of them is current yet.
    #[inline]
    fn pass_lines(&mut self, port: &impl Port, sweep: &mut Sweep, budget: usize) -> usize {
        let begin = self.cursor.line.min(self.lines);
        let lines = self.memory.lines[begin..self.lines].iter();
        let mut lines = lines.zip(&self.memory.words[begin..self.lines]);
        let (mut left, mut passed, mut earliest_ns) = (budget, 0, self.lap.seen_ns);
        let moved = loop {
            let Some((line, words)) = lines.next() else {
                break false;
            };
            if !line.is_quiet(self.round, sweep.now_ns) || line.count as usize > left {
                break false;
            }
            port.refresh(line.addr, LINE);
            if !port.is_still(line.addr, line.words(), line.seen(words), line.count) {
                break true;
            }
            left -= line.count as usize;
            earliest_ns = earliest_ns.min(line.deadline_ns());
            passed += 1;
        };
        let refreshed = passed + usize::from(moved);
        if refreshed > 0 {
            sweep.line = Some(self.memory.lines[begin + refreshed - 1].addr);
            sweep.refreshed += refreshed as u64;
        }
        if moved {
            self.memory.lines[begin + passed].distrust();
        }
        self.lap.seen_ns = earliest_ns;
        self.cursor = Cursor::at(begin + passed);
        budget - left
    }

    /// Passes over what is left of a quiet line, or over some of it; 0 if it is not quiet.
    fn pass_part(&mut self, port: &impl Port, sweep: &mut Sweep, budget: usize) -> usize {
        let line = &self.memory.lines[self.cursor.line];
        if !line.is_quiet(self.round, sweep.now_ns) {
            return 0;
        }
        if sweep.line != Some(line.addr) {
            sweep.line = Some(line.addr);
            port.refresh(line.addr, LINE);
            sweep.refreshed += 1;
        }
        let rest = line.count - self.cursor.passed;
        let looks = u32::try_from(budget).map_or(rest, |budget| rest.min(budget));
        let seen = line.seen(&self.memory.words[self.cursor.line]);
        if !port.is_still(line.addr, line.words(), seen, looks) {
            return 0;
        }
        if looks == rest {
            self.lap.seen_ns = self.lap.seen_ns.min(line.deadline_ns());
            self.cursor = Cursor::at(self.cursor.line + 1);
        } else {
            self.pass_some(looks);
        }
        looks as usize
    }

    /// Passes over `looks` conditions of a quiet line that has more.
    fn pass_some(&mut self, looks: u32) {
        self.walk.is_whole = false;
        let line = &self.memory.lines[self.cursor.line];
        if line.deadline_ns() == u64::MAX {
            self.cursor.passed += looks;
            return;
        }
        for _ in 0..looks {
            let at = self.next_on_line();
            let deadline_ns = self.memory.conditions[at as usize].deadline_ns;
            self.lap.seen_ns = self.lap.seen_ns.min(deadline_ns);
            self.cursor.step(at);
        }
    }

    /// What was seen proves nothing any more: every condition is looked at by itself once.
    pub(crate) fn distrust_all(&mut self) {
        self.round = self.round.wrapping_add(1);
        if self.round == NEVER {
            // Lines may stand untouched since a round of any number.
            let lines = self.memory.lines[..self.lines].iter_mut();
            lines.for_each(WatchedLine::distrust);
            self.walk.is_whole = false;
            self.round = NEVER + 1;
        }
    }

    /// The same, if conditions are stored whose task waits no more: they are taken out where they
    /// are met with.
    #[inline]
    pub(crate) fn distrust_if(&mut self, has_stale: bool) {
        if has_stale {
            self.distrust_all();
        }
    }

    /// The next condition of the sweep; there is one. The sweep stays before it, and its line is
    /// not quiet until all conditions on it were looked at in one walk.
    pub(crate) fn here(&mut self) -> &mut Unmet {
        self.advance();
        let line = &mut self.memory.lines[self.cursor.line];
        if self.cursor.passed == 0 {
            line.forget();
            self.walk = Walk {
                round: self.round,
                is_whole: true,
            };
        } else {
            line.distrust();
        }
        self.at = self.next_on_line() as usize;
        &mut self.memory.conditions[self.at]
    }

    /// Leaves a line that is done, and goes back to the first one behind the last.
    #[inline]
    fn advance(&mut self) {
        if self.is_line_done() {
            self.cursor = Cursor::at(self.cursor.line + 1);
        }
        if self.cursor.line >= self.lines {
            self.end_lap();
        }
    }

    #[inline]
    fn is_line_done(&self) -> bool {
        let Cursor { line, passed, .. } = self.cursor;
        line < self.lines && passed == self.memory.lines[line].count
    }

    /// The condition on the line of the sweep that was not passed; there is one.
    fn next_on_line(&mut self) -> u32 {
        let line = &self.memory.lines[self.cursor.line];
        while self.cursor.reached < self.cursor.passed {
            self.cursor.before = match self.cursor.before {
                NONE => line.first,
                before => self.memory.conditions[before as usize].next,
            };
            self.cursor.reached += 1;
        }
        match self.cursor.before {
            NONE => line.first,
            before => self.memory.conditions[before as usize].next,
        }
    }

    /// Goes back to the first line.
    fn end_lap(&mut self) {
        self.cursor = Cursor::at(0);
        if self.lap.is_whole {
            self.lap.bound_ns = self.lap.seen_ns;
        }
        (self.lap.seen_ns, self.lap.is_whole) = (u64::MAX, true);
    }

    /// Leaves the condition [`here`](Self::here) in and goes on behind it.
    pub(crate) fn keep(&mut self) {
        let (at, line) = (self.at, self.cursor.line);
        let condition = &self.memory.conditions[at];
        self.lap.seen_ns = self.lap.seen_ns.min(condition.deadline_ns);
        self.walk.is_whole &= self.memory.lines[line].note(&mut self.memory.words[line], condition);
        self.cursor.step(number(at));
        self.end_walk();
    }

    /// Takes the condition [`here`](Self::here) out and goes on behind it.
    pub(crate) fn take(&mut self) {
        let at = self.at;
        let next = self.memory.conditions[at].next;
        let line = &mut self.memory.lines[self.cursor.line];
        line.count -= 1;
        let count = line.count;
        match self.cursor.before {
            NONE => line.first = next,
            before => self.memory.conditions[before as usize].next = next,
        }
        self.memory.conditions[at].next = self.free;
        self.free = number(at);
        self.count -= 1;
        match count {
            0 => self.remove_line(),
            _ => self.end_walk(),
        }
    }

    /// Behind the last condition of a line: it is quiet if all were noted, in this round.
    fn end_walk(&mut self) {
        let line = &mut self.memory.lines[self.cursor.line];
        if self.cursor.passed == line.count {
            if self.walk.is_whole && self.walk.round == self.round {
                line.trust(self.round);
            }
            self.walk.is_whole = false;
        }
    }

    /// Before and after a call with this budget: where it is enough for everything, every call
    /// begins at the first line.
    pub(crate) fn begin_if_whole(&mut self, budget: usize) {
        self.advance();
        if self.count <= budget && !self.cursor.is_at_first() {
            self.cursor = Cursor::at(0);
            (self.lap.seen_ns, self.lap.is_whole) = (u64::MAX, true);
        }
    }

    /// Moves on by `looks` looks that are known to see nothing, without taking them.
    pub(crate) fn skip(&mut self, looks: u64) {
        let Some(mut left) = looks.checked_rem(self.count as u64) else {
            return;
        };
        while left > 0 {
            self.advance();
            let Cursor { line, passed, .. } = self.cursor;
            let rest = self.memory.lines[line].count - passed;
            let skipped = u32::try_from(left).map_or(rest, |left| rest.min(left));
            match (passed, skipped == rest) {
                (0, true) => self.cursor = Cursor::at(line + 1),
                _ => self.cursor.passed += skipped,
            }
            left -= u64::from(skipped);
            (self.lap.is_whole, self.walk.is_whole) = (false, false);
        }
    }
}

#[cfg(test)]
mod tests;
