//! Why two runs differ, as far as their documents tell.
//!
//! Guarantees: only what stands in the figures: phases by how much their median moved, counters by
//! how much they changed in proportion. Refuses: to guess at what no document says; where the
//! configuration differs the reader knows more. Called by `compare`.

use serde::Serialize;

use super::differences::{Differences, Figure};
use super::document::Node;

/// The phases of a task's life that a document measures, with their words.
const PHASES: &[(&str, &str)] = &[
    ("latency.fin_to_consumer", "FIN to consumer"),
    ("latency.wait", "wait"),
    ("latency.fin_handling", "FIN handling"),
];

/// A phase that both runs measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Phase {
    pub(super) name: String,
    #[serde(skip)]
    pub(super) words: String,
    pub(super) p50: Figure,
    pub(super) p99: Option<Figure>,
}

/// What the figures say of the difference.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub(super) struct Causes {
    /// Phases whose median or p99 moved, the one that grew most first.
    pub(super) phases: Vec<Phase>,
    /// Durations of an analysis that moved, the one that grew most first.
    pub(super) analysis: Vec<Figure>,
    /// Counters that changed, the one that changed most in proportion first.
    pub(super) counters: Vec<Figure>,
}

impl Causes {
    /// Of what differs.
    pub(super) fn of(all: &Differences) -> Self {
        let mut phases: Vec<Phase> = PHASES
            .iter()
            .filter_map(|phase| measured(all, phase))
            .collect();
        phases.sort_by(|one, other| grown(&other.p50).total_cmp(&grown(&one.p50)));
        let changed = all.figures.iter().filter(|figure| figure.differs());
        let (mut analysis, mut counters) = (Vec::new(), Vec::new());
        for figure in changed.filter(|figure| figure.difference.is_some()) {
            let is_duration = figure.name.ends_with("_ns");
            if is_duration && figure.name.starts_with("analysis.") {
                analysis.push(figure.clone());
            } else if !is_duration && !figure.name.starts_with("latency.") {
                counters.push(figure.clone());
            }
        }
        analysis.sort_by(|one, other| grown(other).total_cmp(&grown(one)));
        counters.sort_by(|one, other| proportion(other).total_cmp(&proportion(one)));
        Self {
            phases,
            analysis,
            counters,
        }
    }
}

/// The phase, if it was measured on both sides and moved.
fn measured(all: &Differences, (name, words): &(&str, &str)) -> Option<Phase> {
    let is_counted = |node: &Option<Node>| node.as_ref().and_then(Node::number) > Some(0.0);
    let count = all.figure(&format!("{name}.count"))?;
    let p50 = all.figure(&format!("{name}.p50_ns"))?;
    let p99 = all.figure(&format!("{name}.p99_ns"));
    let has_moved = p50.differs() || p99.is_some_and(Figure::differs);
    (is_counted(&count.a) && is_counted(&count.b) && has_moved).then(|| Phase {
        name: (*name).to_owned(),
        words: (*words).to_owned(),
        p50: p50.clone(),
        p99: p99.cloned(),
    })
}

fn grown(figure: &Figure) -> f64 {
    let difference = figure.difference.as_ref();
    difference.and_then(Node::number).unwrap_or(0.0)
}

/// How far the ratio is from one, up or down alike; from or to zero is farthest.
fn proportion(figure: &Figure) -> f64 {
    match figure.ratio {
        Some(ratio) if ratio > 0.0 => ratio.ln().abs(),
        _ => f64::INFINITY,
    }
}
