//! Two documents, leaf by leaf: what differs in configuration and outcome, and every figure.
//!
//! Guarantees: each leaf of either document appears once, those of A first and in its order;
//! whole numbers are subtracted exactly. Refuses: to say why; that is [`causes`](super::causes).
//! Called by `compare`.

use serde::{Serialize, Serializer};

use super::document::Node;
use super::leaves::{Class, Leaf, leaves};

/// Figures that differ between two runs of the same thing.
const NOISE: &[&str] = &["time.wall_ns"];

/// A property that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Change {
    pub(super) name: String,
    pub(super) a: Option<Node>,
    pub(super) b: Option<Node>,
}

/// A number of both documents, or of one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) a: Option<Node>,
    pub(super) b: Option<Node>,
    /// B less A.
    pub(super) difference: Option<Node>,
    /// B by A; none where A is zero.
    pub(super) ratio: Option<f64>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Differences {
    pub(super) configuration: Vec<Change>,
    pub(super) outcome: Vec<Change>,
    pub(super) figures: Vec<Figure>,
}

impl Node {
    /// The number, if it is one.
    #[expect(clippy::cast_precision_loss, reason = "ratios are rounded anyway")]
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(*number as f64),
            Self::Real(number) => Some(*number),
            _ => None,
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => out.serialize_unit(),
            Self::Truth(truth) => out.serialize_bool(*truth),
            Self::Whole(number) => match u64::try_from(*number) {
                Ok(positive) => out.serialize_u64(positive),
                Err(_) => out.serialize_i128(*number),
            },
            Self::Real(number) => out.serialize_f64(*number),
            Self::Text(text) => out.serialize_str(text),
            Self::List(list) => out.collect_seq(list),
            Self::Object(fields) => out.collect_map(fields.iter().map(|(name, node)| (name, node))),
        }
    }
}

impl Figure {
    fn of(name: String, a: Option<Node>, b: Option<Node>) -> Self {
        let numbers = |node: &Option<Node>| node.as_ref().and_then(Node::number);
        let ratio = match (numbers(&a), numbers(&b)) {
            (Some(a), Some(b)) if a != 0.0 => Some(b / a),
            _ => None,
        };
        let difference = match (&a, &b) {
            (Some(Node::Whole(a)), Some(Node::Whole(b))) => Some(Node::Whole(b - a)),
            _ => match (numbers(&a), numbers(&b)) {
                (Some(a), Some(b)) => Some(Node::Real(b - a)),
                _ => None,
            },
        };
        Self {
            name,
            a,
            b,
            difference,
            ratio,
        }
    }

    /// Whether A and B have different numbers, or only one has it.
    pub(super) fn differs(&self) -> bool {
        self.a != self.b
    }

    /// Whether it differs between two runs of the same thing as well.
    pub(super) fn is_noise(&self) -> bool {
        NOISE.contains(&self.name.as_str())
    }

    /// Whether it is zero or missing on both sides.
    pub(super) fn is_empty(&self) -> bool {
        let is_zero = |node: &Option<Node>| node.as_ref().and_then(Node::number).unwrap_or(0.0);
        is_zero(&self.a) == 0.0 && is_zero(&self.b) == 0.0
    }
}

impl Differences {
    /// Of two documents.
    pub(super) fn between(a: &Node, b: &Node) -> Self {
        let mut rest: Vec<Leaf> = leaves(b);
        let mut all = Self::default();
        for leaf in leaves(a) {
            let twin = rest.iter().position(|other| other.name == leaf.name);
            let other = twin.map(|at| rest.remove(at).value);
            all.add(leaf.name, leaf.class, (Some(leaf.value), other));
        }
        for leaf in rest {
            all.add(leaf.name, leaf.class, (None, Some(leaf.value)));
        }
        all
    }

    fn add(&mut self, name: String, class: Class, (a, b): (Option<Node>, Option<Node>)) {
        let list = match class {
            Class::Figure => return self.figures.push(Figure::of(name, a, b)),
            Class::Configuration => &mut self.configuration,
            Class::Outcome => &mut self.outcome,
        };
        if a != b {
            list.push(Change { name, a, b });
        }
    }

    /// Whether nothing differs but what always does.
    pub(super) fn is_none(&self) -> bool {
        let figures = self.figures.iter().filter(|figure| figure.differs());
        let is_noise = figures.into_iter().all(Figure::is_noise);
        self.configuration.is_empty() && self.outcome.is_empty() && is_noise
    }

    /// The figure called `name`.
    pub(super) fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }
}
