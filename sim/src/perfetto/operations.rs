//! What engines and links did: a lane for each queue, and for each pair of ranks.

use std::collections::BTreeMap;

use super::View;
use super::arrows::{Arrows, Ends};
use super::detail::Detail;
use super::rows::rows;
use super::sink::{Group, Kind, Sink, Told, Value};
use super::words;
use crate::timeline::{NEVER, Operation, OperationKind, OperationRef};

/// The operations on one lane, with their index in the rank's list.
type Lane<'a> = Vec<(u32, &'a Operation)>;

/// Writes the lanes of `rank`, with those of `arrows` that end there.
pub(super) fn write<S: Sink>(
    view: &View<'_>,
    sink: &mut S,
    group: Group,
    (rank, arrows): (usize, &Arrows),
) {
    let mut lanes: [BTreeMap<String, Lane<'_>>; 2] = Default::default();
    for (index, operation) in (0..).zip(&view.timeline.ranks[rank].operations) {
        let is_seen = view.window.sees(operation.began_ns, operation.ended_ns);
        if operation.began_ns != NEVER && is_seen && view.detail.has_operation(index) {
            let (is_engine, name) = words::route(operation);
            let lane = lanes[usize::from(!is_engine)].entry(name).or_default();
            lane.push((index, operation));
        }
    }
    for (title, lanes) in ["engines", "links"].into_iter().zip(lanes) {
        if lanes.is_empty() {
            continue;
        }
        let group = sink.group(Some(group), title);
        for (name, mut operations) in lanes {
            operations.sort_by_key(|(_, operation)| operation.began_ns);
            let writer = Writer { view, rank, arrows };
            writer.lane(sink, (group, &name), &operations);
        }
    }
}

struct Writer<'a> {
    view: &'a View<'a>,
    rank: usize,
    arrows: &'a Arrows,
}

impl Writer<'_> {
    /// A lane, with as many rows as overlap.
    fn lane<S: Sink>(
        &self,
        sink: &mut S,
        (group, name): (Group, &str),
        operations: &[(u32, &Operation)],
    ) {
        let end_ns = |it: &Operation| it.ended_ns.min(self.view.timeline.end_ns).max(it.began_ns);
        let spans = operations.iter();
        let found = rows(spans.map(|(_, it)| (it.began_ns, end_ns(it))), usize::MAX);
        let count = found.iter().flatten().max().map_or(0, |last| last + 1);
        for row in 0..count {
            sink.lane(group, name, Kind::Bars);
            let here = operations.iter().zip(&found);
            for (&(index, operation), _) in here.filter(|(_, it)| **it == Some(row)) {
                self.begin(sink, index, operation);
                sink.end(end_ns(operation));
            }
        }
    }

    fn begin<S: Sink>(&self, sink: &mut S, index: u32, operation: &Operation) {
        let words = &self.view.words;
        let status = match operation.kind {
            OperationKind::Transfer { status, .. } => status,
            _ => 0,
        };
        let arguments = [
            (words.task, operation.task.into()),
            (words.from, operation.from.into()),
            (words.to, operation.to.into()),
            (words.bytes, operation.bytes),
            (words.issued, operation.issued_ns),
            (words.status, status.into()),
        ];
        let arguments = arguments.map(|(name, number)| (name, Value::Number(number)));
        let told = match (self.view.detail, status) {
            (Detail::Bars { .. }, _) => &arguments[..1],
            (Detail::All, 0) => &arguments[..5],
            (Detail::All, _) => &arguments[..],
        };
        let rank = u32::try_from(self.rank).unwrap_or(u32::MAX);
        let none = Ends::default();
        let ends = self.arrows.operations.get(&OperationRef { rank, index });
        let ends = ends.unwrap_or(&none);
        let told = Told {
            name: sink.names().add(&words::operation(operation)),
            arguments: told,
            out: &ends.out,
            into: &ends.into,
        };
        sink.begin(operation.began_ns, &told);
    }
}
