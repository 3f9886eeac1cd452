//! The message about a collective whose members do not fit together: it names both sides.
//!
//! Guarantees: says what the node asks for and what is odd: another member's node that differs, a
//! member that takes part less often, or one whose trace was not loaded. Made by `groups`.

use std::fmt;

use super::model::CollectiveKind;
use super::place::{NodePlace, Quoted};

/// A collective that its members do not agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The first member's node, or the first that is left over.
    pub node: NodePlace,
    /// The process group, shortened.
    pub group: Box<str>,
    /// Which of the group's collectives, from 0.
    pub nth: usize,
    /// What the node asks for.
    pub call: Call,
    /// What does not fit.
    pub odd: Odd,
}

/// What a member asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Which collective.
    pub kind: CollectiveKind,
    /// How much each rank gives.
    pub bytes: u64,
    /// The root that it names, if it is rooted and names one.
    pub root: Option<i64>,
}

/// What does not fit a collective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Odd {
    /// Another member asks for something else.
    Other {
        /// Its node.
        node: NodePlace,
        /// What it asks for.
        call: Call,
    },
    /// A member has no such collective.
    Missing {
        /// Its rank.
        rank: u32,
        /// How many collectives it has in this group.
        has: usize,
    },
    /// A member's trace was not loaded.
    NotLoaded {
        /// Its rank.
        rank: u32,
        /// How many ranks were loaded.
        loaded: usize,
    },
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.kind.name(), self.bytes)?;
        match self.root {
            Some(root) => write!(f, " with root {root}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            node,
            group,
            nth,
            call,
            odd,
        } = self;
        let (count, group) = (nth + 1, Quoted(group));
        write!(
            f,
            "{node} is collective {count} of process group {group}, {call}, but "
        )?;
        match odd {
            Odd::Other { node, call } => write!(f, "there {node} is {call}"),
            Odd::Missing { rank, has } => write!(f, "rank {rank}, a member, has {has} there"),
            Odd::NotLoaded { rank, loaded } => write!(
                f,
                "the trace of rank {rank}, a member, was not loaded ({loaded} loaded)"
            ),
        }
    }
}

impl Disagreement {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self.odd {
            Odd::Other { .. } => "make both agree, or correct their order or pg_name",
            Odd::Missing { .. } => "check that recording was not cut off, and both pg_names",
            Odd::NotLoaded { .. } => "load the folder or PREFIX that holds all ranks",
        }
    }
}
