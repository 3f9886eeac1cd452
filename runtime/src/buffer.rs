//! Dependencies from declared buffers: who last wrote a range, and who has read it since.
//!
//! A buffer is a block with a generation; a use names a range of it and how it is accessed. A read
//! waits for the last write, a write for the last write and every read since. Disjoint ranges of
//! one block do not conflict. Planning and recording are two steps, so that a task that could not
//! be wired leaves no trace.

use std::ops::Range;

use finbox_scheduler::SlotId;
use thiserror::Error;

/// A declared buffer in one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferId {
    index: u32,
    generation: u32,
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

#[derive(Clone, Debug)]
struct Segment {
    range: Range<u64>,
    writer: Option<SlotId>,
    readers: Vec<SlotId>,
}

#[derive(Debug)]
struct Block {
    generation: u32,
    bytes: u64,
    /// Neighbouring ranges that cover the whole block.
    segments: Vec<Segment>,
}

/// All declared buffers of one submitter.
#[derive(Debug, Default)]
pub struct Buffers {
    blocks: Vec<Block>,
    unused: Vec<u32>,
}

impl Buffers {
    /// Declares a buffer of `bytes` bytes that nobody has touched.
    ///
    /// # Panics
    /// After 2³² buffers at once.
    pub fn declare(&mut self, bytes: u64) -> BufferId {
        let segments = vec![Segment {
            range: 0..bytes,
            writer: None,
            readers: Vec::new(),
        }];
        if let Some(index) = self.unused.pop() {
            let block = &mut self.blocks[index as usize];
            (block.bytes, block.segments) = (bytes, segments);
            return BufferId {
                index,
                generation: block.generation,
            };
        }
        let index = u32::try_from(self.blocks.len()).expect("fewer than 2^32 buffers at once");
        self.blocks.push(Block {
            generation: 0,
            bytes,
            segments,
        });
        BufferId {
            index,
            generation: 0,
        }
    }

    /// Ends a buffer's life and appends the tasks that still touch it to `last_users`.
    ///
    /// # Errors
    /// [`UseError`] if it has ended already.
    pub fn free(&mut self, buffer: BufferId, last_users: &mut Vec<SlotId>) -> Result<(), UseError> {
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

    fn block(&self, argument: usize, buffer: BufferId) -> Result<&Block, UseError> {
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

    /// Appends to `after` what a task with these uses must wait for. Repeats are possible.
    ///
    /// # Errors
    /// [`UseError`], naming the argument.
    pub fn plan(&self, uses: &[BufferUse], after: &mut Vec<SlotId>) -> Result<(), UseError> {
        for (argument, one) in uses.iter().enumerate() {
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
            for segment in overlapping(&block.segments, &one.range) {
                after.extend(segment.writer);
                if one.access != Access::In {
                    after.extend(&segment.readers);
                }
            }
        }
        Ok(())
    }

    /// Records that `slot` has these uses, which were planned. `is_finished` tells which earlier
    /// readers need not be remembered.
    pub fn record(
        &mut self,
        uses: &[BufferUse],
        slot: SlotId,
        is_finished: impl Fn(SlotId) -> bool,
    ) {
        for BufferUse {
            buffer,
            range,
            access,
        } in uses
        {
            let segments = &mut self.blocks[buffer.index as usize].segments;
            split_at(segments, range.start);
            split_at(segments, range.end);
            let first = segments.partition_point(|segment| segment.range.end <= range.start);
            let last = segments.partition_point(|segment| segment.range.start < range.end);
            match access {
                Access::In => {
                    for segment in &mut segments[first..last] {
                        remember(&mut segment.readers, slot, &is_finished);
                    }
                }
                Access::Out | Access::InOut => {
                    let writer = Some(slot);
                    let whole = Segment {
                        range: range.clone(),
                        writer,
                        readers: Vec::new(),
                    };
                    segments.splice(first..last, [whole]);
                }
            }
        }
    }
}

fn overlapping<'a>(
    segments: &'a [Segment],
    range: &Range<u64>,
) -> impl Iterator<Item = &'a Segment> + use<'a> {
    let first = segments.partition_point(|segment| segment.range.end <= range.start);
    let last = segments.partition_point(|segment| segment.range.start < range.end);
    segments[first..last.max(first)].iter()
}

/// Makes `at` a boundary between segments.
fn split_at(segments: &mut Vec<Segment>, at: u64) {
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
    segments.insert(index + 1, behind);
}

/// Adds a reader once; whenever the list has doubled, drops those that have finished.
fn remember(readers: &mut Vec<SlotId>, slot: SlotId, is_finished: &impl Fn(SlotId) -> bool) {
    if readers.last() == Some(&slot) {
        return;
    }
    if readers.len() >= 16 && readers.len().is_power_of_two() {
        readers.retain(|&reader| !is_finished(reader));
    }
    readers.push(slot);
}

#[cfg(test)]
mod tests {
    use super::{Access, BufferId, BufferUse, Buffers, UseError};
    use finbox_scheduler::SlotId;
    use std::ops::Range;

    fn slot(index: u32) -> SlotId {
        SlotId::new(0, index, 1)
    }

    fn touch(
        buffers: &mut Buffers,
        (buffer, range, access): (BufferId, Range<u64>, Access),
        index: u32,
    ) -> Vec<SlotId> {
        let uses = [BufferUse {
            buffer,
            range,
            access,
        }];
        let mut after = Vec::new();
        buffers
            .plan(&uses, &mut after)
            .expect("the use is in range");
        buffers.record(&uses, slot(index), |_| false);
        after
    }

    #[test]
    fn a_read_waits_for_the_write_and_a_write_for_the_reads() {
        let mut buffers = Buffers::default();
        let b = buffers.declare(8);
        assert_eq!(touch(&mut buffers, (b, 0..8, Access::Out), 0), []);
        assert_eq!(touch(&mut buffers, (b, 0..8, Access::In), 1), [slot(0)]);
        assert_eq!(touch(&mut buffers, (b, 0..8, Access::In), 2), [slot(0)]);
        let after = touch(&mut buffers, (b, 0..8, Access::InOut), 3);
        assert_eq!(after, [slot(0), slot(1), slot(2)]);
        assert_eq!(touch(&mut buffers, (b, 0..8, Access::In), 4), [slot(3)]);
    }

    #[test]
    fn disjoint_halves_do_not_conflict_and_the_whole_waits_for_both() {
        let mut buffers = Buffers::default();
        let b = buffers.declare(8);
        assert_eq!(touch(&mut buffers, (b, 0..4, Access::Out), 0), []);
        assert_eq!(touch(&mut buffers, (b, 4..8, Access::Out), 1), []);
        assert_eq!(
            touch(&mut buffers, (b, 3..5, Access::In), 2),
            [slot(0), slot(1)]
        );
        assert_eq!(touch(&mut buffers, (b, 0..3, Access::Out), 3), [slot(0)]);
        let after = touch(&mut buffers, (b, 0..8, Access::Out), 4);
        assert_eq!(
            after,
            [slot(3), slot(0), slot(2), slot(1), slot(2), slot(1)]
        );
    }

    #[test]
    fn a_freed_buffer_is_refused_and_names_the_argument() {
        let mut buffers = Buffers::default();
        let old = buffers.declare(8);
        let mut users = Vec::new();
        touch(&mut buffers, (old, 0..8, Access::Out), 0);
        buffers.free(old, &mut users).expect("it lives");
        assert_eq!(users, [slot(0)]);
        let new = buffers.declare(8);
        let uses = [new, old].map(|buffer| BufferUse {
            buffer,
            range: 0..1,
            access: Access::In,
        });
        let error = buffers.plan(&uses, &mut Vec::new());
        assert_eq!(
            error,
            Err(UseError::Stale {
                argument: 1,
                found: 0,
                current: 1
            })
        );
    }

    #[test]
    fn a_range_outside_its_buffer_is_refused() {
        let mut buffers = Buffers::default();
        let buffer = buffers.declare(8);
        for range in [4..9, 4..4, 9..10] {
            let uses = [BufferUse {
                buffer,
                range,
                access: Access::In,
            }];
            let error = buffers.plan(&uses, &mut Vec::new());
            assert!(matches!(
                error,
                Err(UseError::Range {
                    argument: 0,
                    bytes: 8,
                    ..
                })
            ));
        }
    }

    #[test]
    fn readers_that_finished_are_forgotten() {
        let mut buffers = Buffers::default();
        let buffer = buffers.declare(8);
        for index in 0..10_000 {
            let uses = [BufferUse {
                buffer,
                range: 0..8,
                access: Access::In,
            }];
            buffers.record(&uses, slot(index), |reader| reader != slot(0));
        }
        let mut after = Vec::new();
        let uses = [BufferUse {
            buffer,
            range: 0..8,
            access: Access::Out,
        }];
        buffers
            .plan(&uses, &mut after)
            .expect("the use is in range");
        assert!(
            after.len() <= 32 && after.contains(&slot(0)),
            "{} remembered",
            after.len()
        );
    }
}
