//! The comparison for people: what differs, why as far as it is known, then every figure.
//!
//! Guarantees: aligned, with sign and ratio; figures that are zero on both sides are counted and
//! not shown; text from the documents cannot steer the terminal. Called by `compare`.

use super::Comparison;
use super::differences::{Change, Figure};
use super::document::Node;
use crate::report::{duration, printable};

/// The most counters that are named as changed.
const MOST_COUNTERS: usize = 5;

/// The width of the labels on the left.
const LABEL: usize = 14;

pub(super) fn to_text(comparison: &Comparison) -> String {
    let all = &comparison.differences;
    let mut lines = vec![
        headline(comparison),
        row("A", &printable(&comparison.a)),
        row("B", &printable(&comparison.b)),
    ];
    for (label, changes) in [
        ("configuration", &all.configuration),
        ("outcome", &all.outcome),
    ] {
        for (index, change) in changes.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            lines.push(row(label, &changed(change)));
        }
    }
    causes(comparison, &mut lines);
    lines.push(String::new());
    table(&all.figures, &mut lines);
    lines.push(String::new());
    lines.join("\n")
}

fn headline(comparison: &Comparison) -> String {
    let all = &comparison.differences;
    let differ = all.figures.iter().filter(|figure| figure.differs()).count();
    if !all.is_none() {
        return format!("{differ} of {} figures differ", all.figures.len());
    }
    match differ {
        0 => "no difference".to_owned(),
        _ => "no difference but in the wall's time".to_owned(),
    }
}

fn row(label: &str, value: &str) -> String {
    format!("  {label:<LABEL$} {value}")
}

fn changed(change: &Change) -> String {
    let name = printable(&change.name);
    format!("{name}: {} → {}", plain(&change.a), plain(&change.b))
}

fn causes(comparison: &Comparison, lines: &mut Vec<String>) {
    let causes = &comparison.causes;
    for (index, phase) in causes.phases.iter().enumerate() {
        let label = if index == 0 { "phases" } else { "" };
        let mut text = format!("{}: p50 {}", phase.words, moved(&phase.p50));
        if let Some(p99) = &phase.p99 {
            text += &format!("; p99 {}", moved(p99));
        }
        lines.push(row(label, &text));
    }
    for (index, figure) in causes.analysis.iter().take(MOST_COUNTERS).enumerate() {
        let label = if index == 0 { "analysis" } else { "" };
        lines.push(row(label, &named(figure)));
    }
    for (index, figure) in causes.counters.iter().take(MOST_COUNTERS).enumerate() {
        let label = if index == 0 { "counters" } else { "" };
        lines.push(row(label, &named(figure)));
    }
    if causes.counters.len() > MOST_COUNTERS {
        let more = causes.counters.len() - MOST_COUNTERS;
        lines.push(row("", &format!("and {more} more, see below")));
    }
}

fn named(figure: &Figure) -> String {
    format!("{}: {}", printable(&figure.name), moved(figure))
}

/// `1.2 µs → 3.4 µs (+2.2 µs, ×2.833)`.
fn moved(figure: &Figure) -> String {
    let [a, b, difference, ratio] = cells(figure);
    match ratio.is_empty() {
        true => format!("{a} → {b} ({difference})"),
        false => format!("{a} → {b} ({difference}, {ratio})"),
    }
}

fn table(figures: &[Figure], lines: &mut Vec<String>) {
    let head = ["", "A", "B", "difference", "ratio"].map(str::to_owned);
    let shown = figures.iter().filter(|figure| !figure.is_empty());
    let rows = shown.map(|figure| {
        let [a, b, difference, ratio] = cells(figure);
        [printable(&figure.name), a, b, difference, ratio]
    });
    let rows: Vec<[String; 5]> = [head].into_iter().chain(rows).collect();
    let width = |column: usize| {
        let widths = rows
            .iter()
            .map(|row: &[String; 5]| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: [usize; 5] = std::array::from_fn(width);
    for row in &rows {
        let mut line = format!("  {:<width$}", row[0], width = widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1) {
            line += &format!("  {cell:>width$}");
        }
        lines.push(line.trim_end().to_owned());
    }
    let empty = figures.iter().filter(|figure| figure.is_empty()).count();
    if empty > 0 {
        lines.push(format!("  and {empty} that are 0 in both"));
    }
}

/// A, B, the difference with its sign, and the ratio.
fn cells(figure: &Figure) -> [String; 4] {
    let is_duration = figure.name.ends_with("_ns");
    let show = |node: &Option<Node>| match node {
        Some(Node::Whole(number)) if is_duration => in_time(*number),
        other => plain(other),
    };
    let difference = match &figure.difference {
        _ if !figure.differs() => "=".to_owned(),
        None if figure.a.is_none() => "only in B".to_owned(),
        None => "only in A".to_owned(),
        Some(node) => {
            let plus = if node.number() > Some(0.0) { "+" } else { "" };
            format!("{plus}{}", show(&Some(node.clone())))
        }
    };
    let ratio = match figure.ratio {
        Some(ratio) if figure.differs() => format!("×{ratio:.3}"),
        _ => String::new(),
    };
    [show(&figure.a), show(&figure.b), difference, ratio]
}

fn in_time(ns: i128) -> String {
    let minus = if ns < 0 { "-" } else { "" };
    let size = u64::try_from(ns.unsigned_abs()).unwrap_or(u64::MAX);
    format!("{minus}{}", duration(size))
}

fn plain(node: &Option<Node>) -> String {
    match node {
        None | Some(Node::Nothing | Node::List(_) | Node::Object(_)) => "-".to_owned(),
        Some(Node::Truth(truth)) => truth.to_string(),
        Some(Node::Whole(number)) => number.to_string(),
        Some(Node::Real(number)) if number.abs() < 0.000_1 && *number != 0.0 => {
            format!("{number:.2e}")
        }
        Some(Node::Real(number)) => format!("{number:.4}"),
        Some(Node::Text(text)) => printable(text),
    }
}
