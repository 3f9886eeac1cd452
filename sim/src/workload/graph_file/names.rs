//! Names ↔ numbers of one rank's buffers, counters and tasks.
//!
//! Guarantees: a name resolves to the one thing that has it; what is written resolves to what it
//! was written for.

use std::collections::HashMap;

use super::problem::GraphProblem;
use super::scalar::NameOr;
use crate::workload::plan::{RankPlan, index};

/// What may have a name, in one rank.
pub(super) struct Names<'n> {
    rank: u32,
    buffers: Kind<'n>,
    counters: Kind<'n>,
    tasks: Kind<'n>,
    streams: Kind<'n>,
    /// Where each buffer begins and ends.
    ranges: Vec<(u64, u64)>,
}

/// The names of one kind of thing.
struct Kind<'n> {
    what: &'static str,
    names: Vec<&'n str>,
    /// The number of each name; None: several have it.
    by_name: HashMap<&'n str, Option<u32>>,
}

impl<'n> Kind<'n> {
    fn new(what: &'static str, names: Vec<&'n str>) -> Self {
        let mut by_name = HashMap::with_capacity(names.len());
        for (number, name) in (0..).zip(&names) {
            let first = by_name.insert(*name, Some(number));
            if first.is_some() {
                by_name.insert(*name, None);
            }
        }
        Self {
            what,
            names,
            by_name,
        }
    }

    fn find(&self, rank: u32, wanted: &NameOr) -> Result<u32, GraphProblem> {
        let what = self.what;
        match wanted {
            NameOr::Number(number) => {
                let found = u32::try_from(*number).ok();
                let found = found.filter(|&found| (found as usize) < self.names.len());
                found.ok_or(GraphProblem::Beyond {
                    what,
                    number: *number,
                    rank,
                    count: self.names.len(),
                })
            }
            NameOr::Name(name) => match self.by_name.get(&**name) {
                Some(Some(number)) => Ok(*number),
                Some(None) => Err(GraphProblem::Ambiguous {
                    what,
                    name: name.to_string(),
                    rank,
                }),
                None => {
                    let names = self.names.iter().copied();
                    Err(GraphProblem::unknown(what, name, rank, names))
                }
            },
        }
    }

    fn called(&self, number: u32) -> NameOr {
        let name = self.names[number as usize];
        match self.by_name.get(name) {
            Some(Some(_)) if !name.is_empty() => NameOr::Name(name.into()),
            _ => NameOr::Number(number.into()),
        }
    }
}

impl<'n> Names<'n> {
    /// The names of a rank whose buffers are in place.
    pub(super) fn new(plan: &'n RankPlan, counters: Vec<&'n str>, tasks: Vec<&'n str>) -> Self {
        let buffers = plan.buffers.iter().map(|buffer| &*buffer.name).collect();
        let end = |offset: u64, bytes| (offset, offset.saturating_add(bytes));
        let ranges = plan.buffers.iter();
        Self {
            rank: plan.rank,
            buffers: Kind::new("buffer", buffers),
            counters: Kind::new("counter", counters),
            tasks: Kind::new("task", tasks),
            streams: Kind::new(
                "stream",
                plan.streams.iter().map(|one| &*one.name).collect(),
            ),
            ranges: ranges
                .map(|buffer| end(buffer.offset, buffer.bytes))
                .collect(),
        }
    }

    /// How many tasks it has.
    pub(super) const fn task_count(&self) -> usize {
        self.tasks.names.len()
    }

    pub(super) fn buffer(&self, wanted: &NameOr) -> Result<u32, GraphProblem> {
        self.buffers.find(self.rank, wanted)
    }

    pub(super) fn counter(&self, wanted: &NameOr) -> Result<u32, GraphProblem> {
        self.counters.find(self.rank, wanted)
    }

    pub(super) fn task(&self, wanted: &NameOr) -> Result<u32, GraphProblem> {
        self.tasks.find(self.rank, wanted)
    }

    pub(super) fn stream(&self, wanted: &NameOr) -> Result<u32, GraphProblem> {
        self.streams.find(self.rank, wanted)
    }

    pub(super) fn stream_called(&self, number: u32) -> NameOr {
        self.streams.called(number)
    }

    pub(super) fn buffer_called(&self, number: u32) -> NameOr {
        self.buffers.called(number)
    }

    pub(super) fn counter_called(&self, number: u32) -> NameOr {
        self.counters.called(number)
    }

    pub(super) fn task_called(&self, number: u32) -> NameOr {
        self.tasks.called(number)
    }

    /// A place in the data, as a byte offset: `BUFFER`, `BUFFER+OFFSET` or the offset.
    pub(super) fn place(&self, wanted: &NameOr) -> Result<u64, GraphProblem> {
        let name = match wanted {
            NameOr::Number(offset) => return Ok(*offset),
            NameOr::Name(name) => name,
        };
        let (buffer, offset) = match name.rsplit_once('+') {
            Some((buffer, offset)) if !self.buffers.by_name.contains_key(&**name) => {
                match offset.parse::<u64>() {
                    Ok(offset) => (NameOr::Name(buffer.into()), offset),
                    Err(_) => (wanted.clone(), 0),
                }
            }
            _ => (wanted.clone(), 0),
        };
        let (begins, _) = self.ranges[self.buffer(&buffer)? as usize];
        begins.checked_add(offset).ok_or(GraphProblem::TooFar)
    }

    /// How a byte offset is written: with the name of the last buffer that holds it, if any does.
    pub(super) fn place_called(&self, offset: u64) -> NameOr {
        let holds = |&(begins, end): &(u64, u64)| (begins..end).contains(&offset);
        // Buffers usually lie in order; where they do not, a place has its number.
        let behind = self.ranges.partition_point(|&(begins, _)| begins <= offset);
        let buffer = behind
            .checked_sub(1)
            .filter(|&buffer| holds(&self.ranges[buffer]));
        let named = buffer.and_then(|buffer| {
            let NameOr::Name(name) = self.buffer_called(index(buffer)) else {
                return None;
            };
            Some(match offset - self.ranges[buffer].0 {
                0 => NameOr::Name(name),
                within => NameOr::Name(format!("{name}+{within}").into()),
            })
        });
        let right = named.filter(|named| self.place(named).is_ok_and(|found| found == offset));
        right.unwrap_or(NameOr::Number(offset))
    }
}
