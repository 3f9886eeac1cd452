//! A document as a list of leaves with dotted names, each of a class.
//!
//! Guarantees: no field has to be known; a list whose elements have names is told by name, any
//! other by its length. Refuses: what says where output went, which is no property of a run.
//! Called by `compare`.

use super::document::Node;

/// Numbers that were asked for and not measured. Text and truth values are unless they tell an end.
const ASKED: &[&str] = &["seed", "ranks", "handlers", "cores", "mailbox.slots"];

/// How a run ended.
const ENDS: &[&str] = &["verdict", "digest", "result_digest", "error", "stall"];

/// Where output went, and what says that this is a run.
const ASIDE: &[&str] = &["schema", "trace", "report"];

/// The most elements of a list that are told by name.
const MOST_NAMED: usize = 32;

/// What a leaf tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// How it was to run.
    Configuration,
    /// How it ended.
    Outcome,
    /// What was counted or measured.
    Figure,
}

/// A named value that is neither list nor object nor null.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    pub(super) name: String,
    pub(super) class: Class,
    pub(super) value: Node,
}

/// All leaves of `document`, in its order.
pub(super) fn leaves(document: &Node) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    walk(String::new(), document, &mut leaves);
    leaves
}

fn walk(name: String, node: &Node, leaves: &mut Vec<Leaf>) {
    match node {
        Node::Nothing => {}
        Node::Object(fields) => {
            for (own, value) in fields {
                if name.is_empty() && ASIDE.contains(&own.as_str()) {
                    continue;
                }
                walk(joined(&name, own), value, leaves);
            }
        }
        Node::List(list) => walk_list(name, list, leaves),
        value => leaves.push(Leaf {
            class: class(&name, value),
            name,
            value: value.clone(),
        }),
    }
}

fn walk_list(name: String, list: &[Node], leaves: &mut Vec<Leaf>) {
    if list.is_empty() {
        return;
    }
    let Some(names) = names(list) else {
        let count = Node::Whole(list.len() as i128);
        return walk(joined(&name, "length"), &count, leaves);
    };
    walk(name.clone(), &Node::Text(names.join(", ")), leaves);
    for (element, own) in list.iter().zip(names) {
        let Node::Object(fields) = element else {
            continue;
        };
        for (field, value) in fields.iter().filter(|(field, _)| field != "name") {
            walk(joined(&joined(&name, own), field), value, leaves);
        }
    }
}

/// The names of the elements, if each has one of its own and nothing in it is deeper.
fn names(list: &[Node]) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    for element in list {
        let Node::Object(fields) = element else {
            return None;
        };
        let is_deep = |node: &Node| matches!(node, Node::List(_) | Node::Object(_));
        let name = element.text("name")?;
        if names.len() == MOST_NAMED || names.contains(&name) {
            return None;
        }
        if fields.iter().any(|(_, value)| is_deep(value)) {
            return None;
        }
        names.push(name);
    }
    Some(names)
}

fn joined(name: &str, own: &str) -> String {
    match name.is_empty() {
        true => own.to_owned(),
        false => format!("{name}.{own}"),
    }
}

fn class(name: &str, value: &Node) -> Class {
    let group = name.split('.').next().unwrap_or(name);
    if ENDS.contains(&group) {
        return Class::Outcome;
    }
    let is_number = matches!(value, Node::Whole(_) | Node::Real(_));
    if group == "analysis" && !is_number {
        return Class::Outcome;
    }
    match !is_number || ASKED.contains(&name) || group == "import" {
        true => Class::Configuration,
        false => Class::Figure,
    }
}
