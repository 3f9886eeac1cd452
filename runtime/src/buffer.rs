//! Dependencies from declared buffers: who last wrote a range, and who has read it since.
//!
//! A buffer is a block with a generation; a use names a range of it and how it is accessed. A read
//! waits for the last write, a write for the last write and every read since. Disjoint ranges of
//! one block do not conflict. Planning and recording are two steps, so that a task that could not
//! be wired leaves no trace.
//!
//! What is remembered is bounded by the uses of unfinished tasks, however many have finished: when
//! a block's state has doubled, users that completed are forgotten and ranges that became alike are
//! joined, which costs O(1) a use. A failed user is remembered as long as its submitter does, so
//! that whoever comes behind it is cancelled.
//!
//! Who uses a buffer is a [`User`]: a task of a submitter, or a time point of a launch plan. The
//! mechanism is the same; only time points make each other superfluous.

use std::ops::Range;

use finbox_scheduler::{Fate, SlotId};
use thiserror::Error;

use crate::plan::{Rule, holds, waits_for_writer};
use crate::user::User;

/// A declared buffer in one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl BufferId {
    /// One bit of 64, the same for all lives and every 64th buffer.
    #[inline]
    pub(crate) const fn bit(self) -> u64 {
        1 << (self.index % u64::BITS)
    }
}

/// How a task touches a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it.
    In,
    /// Writes all of it.
    Out,
    /// Reads and writes it.
    InOut,
}

/// One declared use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferUse {
    /// Which buffer.
    pub buffer: BufferId,
    /// Which bytes of it, from its start.
    pub range: Range<u64>,
    /// How.
    pub access: Access,
}

/// Why a use was refused. Nothing was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UseError {
    /// The buffer was freed, and perhaps its place reused.
    #[error("argument {argument}: the buffer was freed (life {found} is over, now {current})")]
    Stale {
        /// Which use, from 0.
        argument: usize,
        /// Generation in the id.
        found: u32,
        /// Generation of the block.
        current: u32,
    },
    /// No such buffer.
    #[error("argument {argument}: no buffer was declared under this id")]
    Unknown {
        /// Which use, from 0.
        argument: usize,
    },
    /// An empty range, or one that leaves the buffer.
    #[error("argument {argument}: bytes {start}..{end} of a buffer of {bytes} bytes")]
    Range {
        /// Which use, from 0.
        argument: usize,
        /// First byte.
        start: u64,
        /// One behind the last byte.
        end: u64,
        /// Size of the buffer.
        bytes: u64,
    },
}

impl UseError {
    /// Which use, from 0.
    pub const fn argument(&self) -> usize {
        match self {
            Self::Stale { argument, .. }
            | Self::Unknown { argument }
            | Self::Range { argument, .. } => *argument,
        }
    }
}

/// Smallest state that is looked through for what can be forgotten.
const SWEEP_AT: usize = 32;

#[derive(Clone, Debug)]
struct Segment<U> {
    range: Range<u64>,
    writer: Option<U>,
    readers: Vec<U>,
}

impl<U: User> Segment<U> {
    fn untouched(bytes: u64) -> Self {
        Self {
            range: 0..bytes,
            writer: None,
            readers: Vec::new(),
        }
    }

    /// `user` reads all of it, or writes it.
    #[inline]
    fn touch(&mut self, access: Access, user: U) {
        if access != Access::In {
            self.writer = Some(user);
            // Their memory serves again.
            self.readers.clear();
            return;
        }
        match user.stands_for(&self.readers) {
            Some(index) => self.readers[index] = user,
            None => self.readers.push(user),
        }
    }

    /// Appends to `after` whom a use of it must wait for.
    #[inline]
    fn conflicts(&self, access: Access, after: &mut Vec<U>) {
        if let Some(writer) = self.writer.filter(|_| waits_for_writer(access)) {
            after.push(writer);
        }
        if access != Access::In && holds(Rule::WriteAfterRead) {
            // Few: cheaper one by one than copied.
            for &reader in &self.readers {
                after.push(reader);
            }
        }
    }

    /// Forgets who completed, and all who failed as readers but the last.
    fn forget(&mut self, fate: &impl Fn(U) -> Fate) {
        self.writer = self
            .writer
            .filter(|&writer| fate(writer) != Fate::Completed);
        let mut failed = None;
        self.readers.retain(|&reader| match fate(reader) {
            Fate::Unfinished => true,
            Fate::Completed => false,
            Fate::Failed => {
                failed = Some(reader);
                false
            }
        });
        self.readers.extend(failed);
    }

    /// Joins `next`, which follows it, if the same tasks touch both.
    fn join(&mut self, next: &Self) -> bool {
        let is_alike = self.writer == next.writer && self.readers == next.readers;
        if is_alike {
            self.range.end = next.range.end;
        }
        is_alike
    }
}

#[derive(Debug)]
struct Block<U> {
    generation: u32,
    bytes: u64,
    /// Neighbouring ranges that cover the whole block.
    segments: Vec<Segment<U>>,
    /// Readers remembered by all segments together.
    readers: usize,
    /// The state at which it is looked through again.
    sweep_at: usize,
}

impl<U: User> Block<U> {
    fn new(generation: u32, bytes: u64) -> Self {
        Self {
            generation,
            bytes,
            segments: vec![Segment::untouched(bytes)],
            readers: 0,
            sweep_at: SWEEP_AT,
        }
    }

    /// Segments and readers.
    fn state(&self) -> usize {
        self.segments.len() + self.readers
    }

    /// Makes `at` a boundary between segments.
    fn split_at(&mut self, at: u64) {
        let segments = &mut self.segments;
        let index = segments.partition_point(|segment| segment.range.end <= at);
        let Some(segment) = segments
            .get_mut(index)
            .filter(|segment| segment.range.start < at)
        else {
            return;
        };
        let mut behind = segment.clone();
        segment.range.end = at;
        behind.range.start = at;
        self.readers += behind.readers.len();
        segments.insert(index + 1, behind);
    }

    /// Records one use of `user`. Returns how many segments it looked at.
    #[inline]
    fn touch(&mut self, range: &Range<u64>, access: Access, user: U) -> usize {
        let touched = overlap(&self.segments, range);
        // Most uses are of the same bytes as one before.
        let is_one = touched.len() == 1;
        match self.segments.get_mut(touched.start).filter(|_| is_one) {
            Some(segment) if segment.range == *range => {
                let before = segment.readers.len();
                segment.touch(access, user);
                self.readers = self.readers + segment.readers.len() - before;
                1
            }
            _ => self.touch_pieces(range, access, user),
        }
    }

    /// As [`touch`](Self::touch), of bytes in several segments or in parts of them.
    #[inline(never)]
    fn touch_pieces(&mut self, range: &Range<u64>, access: Access, user: U) -> usize {
        self.split_at(range.start);
        self.split_at(range.end);
        let touched = overlap(&self.segments, range);
        let count = touched.len();
        if access != Access::In && count > 1 {
            let kept = touched.start + 1;
            let rest = self.segments.drain(kept..touched.end);
            self.readers -= rest.map(|segment| segment.readers.len()).sum::<usize>();
            self.segments[touched.start].range.end = range.end;
        }
        let end = match access {
            Access::In => touched.end,
            Access::Out | Access::InOut => touched.start + 1,
        };
        for segment in &mut self.segments[touched.start..end] {
            let before = segment.readers.len();
            segment.touch(access, user);
            self.readers = self.readers + segment.readers.len() - before;
        }
        count
    }

    /// Once the state has doubled, forgets what can be forgotten. Returns how much it looked at.
    #[inline]
    fn sweep(&mut self, fate: &impl Fn(U) -> Fate) -> usize {
        let before = self.state();
        if before >= self.sweep_at {
            self.forget(fate);
            return before;
        }
        0
    }

    #[cold]
    fn forget(&mut self, fate: &impl Fn(U) -> Fate) {
        self.segments.iter_mut().for_each(|one| one.forget(fate));
        self.segments.dedup_by(|next, kept| kept.join(next));
        self.readers = self.segments.iter().map(|one| one.readers.len()).sum();
        self.sweep_at = SWEEP_AT.max(2 * self.state());
    }
}

/// All declared buffers of one submitter, or of one planner.
#[derive(Debug)]
pub struct Buffers<U = SlotId> {
    blocks: Vec<Block<U>>,
    unused: Vec<u32>,
    steps: u64,
}

impl<U> Default for Buffers<U> {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            unused: Vec::new(),
            steps: 0,
        }
    }
}

impl<U: User> Buffers<U> {
    /// Declares a buffer of `bytes` bytes that nobody has touched.
    ///
    /// # Panics
    /// After 2³² buffers at once.
    pub fn declare(&mut self, bytes: u64) -> BufferId {
        if let Some(index) = self.unused.pop() {
            let block = &mut self.blocks[index as usize];
            let generation = block.generation;
            *block = Block::new(generation, bytes);
            return BufferId { index, generation };
        }
        let index = u32::try_from(self.blocks.len()).expect("fewer than 2^32 buffers at once");
        self.blocks.push(Block::new(0, bytes));
        BufferId {
            index,
            generation: 0,
        }
    }

    /// Ends a buffer's life and appends who still touches it to `last_users`.
    ///
    /// # Errors
    /// [`UseError`] if it has ended already.
    pub fn free(&mut self, buffer: BufferId, last_users: &mut Vec<U>) -> Result<(), UseError> {
        let block = self.block(0, buffer)?;
        for segment in &block.segments {
            last_users.extend(segment.writer);
            last_users.extend(&segment.readers);
        }
        let block = &mut self.blocks[buffer.index as usize];
        block.generation = block.generation.wrapping_add(1);
        self.unused.push(buffer.index);
        Ok(())
    }

    /// Segments and users that are remembered of `buffer`; 0 if its life is over.
    pub fn state_of(&self, buffer: BufferId) -> usize {
        self.block(0, buffer).map_or(0, Block::state)
    }

    /// Size of `buffer` in bytes; 0 if its life is over.
    pub fn bytes_of(&self, buffer: BufferId) -> u64 {
        self.block(0, buffer).map_or(0, |block| block.bytes)
    }

    /// Segments and users that were looked at so far, over all calls.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    fn block(&self, argument: usize, buffer: BufferId) -> Result<&Block<U>, UseError> {
        let block = self.blocks.get(buffer.index as usize);
        let block = block.ok_or(UseError::Unknown { argument })?;
        let (found, current) = (buffer.generation, block.generation);
        if found != current {
            return Err(UseError::Stale {
                argument,
                found,
                current,
            });
        }
        Ok(block)
    }

    /// The block of a use whose range lies in it.
    #[inline]
    fn used(&self, argument: usize, one: &BufferUse) -> Result<&Block<U>, UseError> {
        let block = self.block(argument, one.buffer)?;
        let Range { start, end } = one.range;
        if start >= end || end > block.bytes {
            return Err(UseError::Range {
                argument,
                start,
                end,
                bytes: block.bytes,
            });
        }
        Ok(block)
    }

    /// Whether `one` can be planned: a living buffer, and a range of it.
    ///
    /// # Errors
    /// [`UseError`], naming `argument`.
    pub fn check(&self, argument: usize, one: &BufferUse) -> Result<(), UseError> {
        self.used(argument, one).map(|_| ())
    }

    /// Appends to `after` what somebody with these uses must wait for. Repeats are possible.
    ///
    /// # Errors
    /// [`UseError`], naming the argument.
    ///
    /// # Cost
    /// The segments in its ranges and their users, at most twice what unfinished tasks touch.
    pub fn plan(&mut self, uses: &[BufferUse], after: &mut Vec<U>) -> Result<(), UseError> {
        let found = after.len();
        let mut segments = 0;
        for (argument, one) in uses.iter().enumerate() {
            let block = self.used(argument, one)?;
            let touched = &block.segments[overlap(&block.segments, &one.range)];
            segments += touched.len();
            for segment in touched {
                segment.conflicts(one.access, after);
            }
        }
        self.steps += (segments + after.len() - found) as u64;
        Ok(())
    }

    /// Records that `user` has these uses, which were planned. `fate` tells which earlier users
    /// need not be remembered.
    pub fn record(&mut self, uses: &[BufferUse], user: U, fate: impl Fn(U) -> Fate) {
        for BufferUse {
            buffer,
            range,
            access,
        } in uses
        {
            let block = &mut self.blocks[buffer.index as usize];
            let touched = block.touch(range, *access, user);
            self.steps += (touched + block.sweep(&fate)) as u64;
        }
    }
}

/// Indices of the segments that overlap `range`.
#[inline]
fn overlap<U>(segments: &[Segment<U>], range: &Range<u64>) -> Range<usize> {
    if segments
        .first()
        .is_some_and(|first| range.end <= first.range.end)
    {
        return 0..1;
    }
    let first = segments.partition_point(|segment| segment.range.end <= range.start);
    let behind = segments[first..].iter();
    let count = behind.take_while(|segment| segment.range.start < range.end);
    first..first + count.count()
}

#[cfg(test)]
mod tests;
