//! Who is accused: touches that meet others in no order that counts.
//!
//! Guarantees: pairs are asked about once; what cannot be known in time is counted and accuses
//! nobody. Called by the comparison.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::compare::{One, Standing, in_data, is_for};
use super::conflicts::{Met, each_conflict};
use super::names::Names;
use super::paths::{At, By, Paths};
use super::spans::Spans;
use super::touch::{Act, Touch};
use crate::report::{MOST_IN_SHADOW, ShadowReport, Touching, Undeclared, Unordered, Why};
use crate::workload::Workload;

/// Most whom one touch is remembered to meet in no order.
const MOST_MET: usize = 64;

pub(super) struct Judge<'a> {
    workload: &'a Workload,
    paths: Paths<'a>,
    names: Vec<Names>,
    report: &'a mut ShadowReport,
}

/// What came of one touch's meetings with others.
#[derive(Default)]
struct Meetings {
    /// Bytes at which it met somebody in an order that counts.
    ordered: Spans,
    /// Bytes at which it met somebody in none.
    unordered: Spans,
    /// The first of these, and where.
    with: Vec<(Range<u64>, usize)>,
}

/// The touches of one rank's data, and what came of them.
struct Scene<'a> {
    touches: &'a [One],
    /// Whether the plan orders two of them, where that was asked before.
    known: HashMap<(usize, usize, By), Option<bool>>,
    meetings: HashMap<usize, Meetings>,
    /// Pairs without an order, of whom none is accused by itself.
    races: BTreeMap<(usize, usize), Range<u64>>,
}

impl<'a> Judge<'a> {
    /// Of a run of `workload`, adding to `report`.
    pub(super) fn of(workload: &'a Workload, report: &'a mut ShadowReport) -> Self {
        Self {
            workload,
            paths: Paths::of(workload),
            names: workload.ranks.iter().map(Names::of).collect(),
            report,
        }
    }

    /// Judges all touches of a run.
    pub(super) fn all(mut self, mut touches: Vec<One>) {
        touches.sort_by_key(|one| {
            let task = self.paths.number(one.by);
            let position = self.paths.position(task);
            (one.memory, position, task, turn(one.act), one.touch)
        });
        for touches in touches.chunk_by(|one, other| one.memory == other.memory) {
            self.memory(touches);
        }
        let undeclared = &mut self.report.undeclared;
        undeclared.sort_by_key(|one| (one.by.rank, one.by.task));
    }

    /// Judges the touches of one rank's data, which are in order of time.
    fn memory(&mut self, touches: &[One]) {
        if touches.iter().all(is_settled) {
            return;
        }
        let (mut met, mut owners) = (Vec::new(), Vec::new());
        for (owner, one) in touches.iter().enumerate() {
            let at = (self.paths.number(one.by), one.act);
            let touch = one.touch;
            met.extend(one.spans.iter().map(|range| Met { at, touch, range }));
            owners.resize(met.len(), owner);
        }
        let mut scene = Scene {
            touches,
            known: HashMap::new(),
            meetings: HashMap::new(),
            races: BTreeMap::new(),
        };
        each_conflict(&met, |one, other, range| {
            self.meet(&mut scene, (owners[one], owners[other]), &range);
        });
        for (&(one, other), range) in &scene.races {
            self.tell_race(&touches[one], &touches[other], range.clone());
        }
        for (index, one) in touches.iter().enumerate() {
            let meetings = scene.meetings.remove(&index).unwrap_or_default();
            self.conclude(touches, one, &meetings);
        }
    }

    /// Two touches meet at `range`.
    fn meet(&mut self, scene: &mut Scene<'_>, (one, other): (usize, usize), range: &Range<u64>) {
        let standing = |index: usize| scene.touches[index].standing;
        let both = [(one, other), (other, one)];
        for (index, with) in both {
            let by = match standing(index) {
                Standing::Undeclared => By::Explicit,
                Standing::Remote => By::Any,
                Standing::Declared | Standing::Silent => continue,
            };
            let is_ordered = self.orders(scene, (one, other), by);
            let meetings = scene.meetings.entry(index).or_default();
            match is_ordered {
                true => meetings.ordered.add(range.clone()),
                false => {
                    meetings.unordered.add(range.clone());
                    if meetings.with.len() < MOST_MET {
                        meetings.with.push((range.clone(), with));
                    }
                }
            }
        }
        let is_accused = |standing| matches!(standing, Standing::Undeclared | Standing::Remote);
        let standings = [standing(one), standing(other)];
        let are_settled = [one, other].map(|index| is_settled(&scene.touches[index]));
        let is_race = are_settled != [true; 2] && !standings.into_iter().any(is_accused);
        if is_race && !self.orders(scene, (one, other), By::Any) {
            let race = scene.races.entry((one, other)).or_insert(range.clone());
            if race.end == range.start {
                race.end = range.end;
            }
        }
    }

    /// Whether the plan orders two touches; what would take too long to know is counted, once.
    fn orders(&mut self, scene: &mut Scene<'_>, (one, other): (usize, usize), by: By) -> bool {
        let at = |index: usize| -> At {
            let one = &scene.touches[index];
            (self.paths.number(one.by), one.act)
        };
        let (first, last) = (at(one), at(other));
        let known = scene.known.entry((one, other, by));
        let known = *known.or_insert_with(|| {
            let found = self.paths.orders(first, last, by);
            self.report.unchecked_pairs += u64::from(found.is_none());
            found
        });
        known.unwrap_or(true)
    }

    /// Tells what is left against one touch.
    fn conclude(&mut self, touches: &[One], one: &One, meetings: &Meetings) {
        let accused = match one.standing {
            Standing::Declared | Standing::Silent => return,
            Standing::Remote => meetings.unordered.clone(),
            Standing::Undeclared => one
                .spans
                .without(&meetings.ordered.without(&meetings.unordered)),
        };
        let mut by_buffer: BTreeMap<Option<u32>, Vec<Range<u64>>> = BTreeMap::new();
        for range in accused.iter() {
            for (buffer, part) in self.names[one.memory as usize].cut(range) {
                by_buffer.entry(buffer).or_default().push(part);
            }
        }
        for (buffer, ranges) in by_buffer {
            let with = meetings.with.iter().find(|(met, _)| {
                let mut ranges = ranges.iter();
                ranges.any(|range| range.start < met.end && met.start < range.end)
            });
            let with = with.map(|&(_, index)| &touches[index]);
            self.accuse(one, buffer, &ranges, with);
        }
    }

    fn accuse(
        &mut self,
        one: &One,
        buffer: Option<u32>,
        ranges: &[Range<u64>],
        against: Option<&One>,
    ) {
        self.report.undeclared_count += 1;
        if self.report.undeclared.len() >= MOST_IN_SHADOW {
            return;
        }
        let (name, start) = self.buffer(one.memory, buffer);
        let first = &ranges[0];
        let found = Undeclared {
            by: self.touching(one),
            memory: self.workload.ranks[one.memory as usize].rank,
            buffer: name,
            at: first.start - start,
            bytes: first.end - first.start,
            ranges: ranges.len() as u64,
            all_bytes: ranges.iter().map(|range| range.end - range.start).sum(),
            why: self.why(one, buffer, first),
            against: against.map(|one| self.touching(one)),
        };
        self.report.undeclared.push(found);
    }

    fn tell_race(&mut self, one: &One, other: &One, range: Range<u64>) {
        self.report.unordered_count += 1;
        if self.report.unordered.len() >= MOST_IN_SHADOW {
            return;
        }
        let parts = self.names[one.memory as usize].cut(range);
        let (buffer, range) = parts.into_iter().next().expect("touches meet at some byte");
        let (name, start) = self.buffer(one.memory, buffer);
        let found = Unordered {
            memory: self.workload.ranks[one.memory as usize].rank,
            buffer: name,
            at: range.start - start,
            bytes: range.end - range.start,
            first: self.touching(one),
            second: self.touching(other),
        };
        self.report.unordered.push(found);
    }

    /// The name of a buffer and where it begins; of none, the data.
    fn buffer(&self, rank: u32, buffer: Option<u32>) -> (Option<String>, u64) {
        let plan = &self.workload.ranks[rank as usize];
        let Some(buffer) = buffer.map(|index| &plan.buffers[index as usize]) else {
            return (None, 0);
        };
        (Some(buffer.name.to_string()), buffer.offset)
    }

    fn touching(&self, one: &One) -> Touching {
        Touching {
            rank: self.workload.ranks[one.by.rank as usize].rank,
            task: one.by.task,
            name: self.workload.task(one.by).name.to_string(),
            operation: one.act.name().to_owned(),
            access: one.touch.name().to_owned(),
        }
    }

    /// Why `range` is not declared.
    fn why(&self, one: &One, buffer: Option<u32>, range: &Range<u64>) -> Why {
        if one.memory != one.by.rank {
            return Why::Peer;
        }
        let uses = &self.workload.task(one.by).uses;
        let other = match one.touch {
            Touch::Read => Touch::Write,
            Touch::Write => Touch::Read,
        };
        let for_other = uses.iter().filter(|used| is_for(used.access, other));
        let for_other = for_other.map(|used| in_data(self.workload, one.by.rank, used));
        if for_other.collect::<Spans>().meets(range) {
            return Why::Access;
        }
        match uses.iter().any(|used| Some(used.buffer) == buffer) {
            true => Why::Range,
            false => Why::Undeclared,
        }
    }
}

/// Whether the runtime orders it with all others of which that holds: it was declared, and is over
/// when its kernel is.
fn is_settled(one: &One) -> bool {
    one.standing == Standing::Declared && matches!(one.act, Act::Kernel(_))
}

/// A task's acts in order of their ends.
const fn turn(act: Act) -> u8 {
    match act {
        Act::Kernel(_) => 0,
        Act::Arrival(_) => 1,
        Act::Transfer(..) => 2,
    }
}
