//! What both forms of a trace can be told: groups, lanes, and what happened on them.
//!
//! A lane is opened, filled in the order of time, and left when the next one is opened: forms need
//! to remember no other lane. Names are registered before they are used.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use fnv::FnvHasher;

/// A text that was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name(u32);

impl Name {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Something that has lanes or groups in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group(pub(super) u32);

/// What is on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Bars, one inside another, and instants.
    Bars,
    /// How many of something there were.
    Counter,
}

/// The value of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Number(u64),
    Word(Name),
}

/// What is told of a bar or an instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) name: Name,
    pub(super) arguments: &'a [(Name, Value)],
    /// Flows that go out from here.
    pub(super) out: &'a [u64],
    /// Flows that end here.
    pub(super) into: &'a [u64],
}

impl Told<'_> {
    /// Only a name.
    pub(super) const fn named(name: Name) -> Self {
        Told {
            name,
            arguments: &[],
            out: &[],
            into: &[],
        }
    }
}

/// A form of trace. Times are ns; on one lane they never go back.
pub(super) trait Sink {
    /// A group in `parent`; without one, all the trace.
    fn group(&mut self, parent: Option<Group>, name: &str) -> Group;
    /// Opens a lane in `parent`: what follows is on it.
    fn lane(&mut self, parent: Group, name: &str, kind: Kind);
    /// A bar begins.
    fn begin(&mut self, at_ns: u64, told: &Told<'_>);
    /// The bar that began last and has not ended ends.
    fn end(&mut self, at_ns: u64);
    /// Something without a duration.
    fn instant(&mut self, at_ns: u64, told: &Told<'_>);
    /// From now on there are so many.
    fn count(&mut self, at_ns: u64, count: u32);
    /// The texts.
    fn names(&mut self) -> &mut Names;
    /// How many bars, instants and samples there are.
    fn events(&self) -> u64;
    /// All bytes of the trace.
    fn finish(self) -> Vec<u8>;
}

/// Registered texts, each once, and how often each is going to be used at least.
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: Vec<Box<str>>,
    is_used_once: Vec<bool>,
    by_text: HashMap<Box<str>, Name, BuildHasherDefault<FnvHasher>>,
}

impl Names {
    /// Registers `text` for one more use.
    pub(super) fn add(&mut self, text: &str) -> Name {
        if let Some(&name) = self.by_text.get(text) {
            self.is_used_once[name.index()] = false;
            return name;
        }
        let next = u32::try_from(self.texts.len());
        let name = Name(next.expect("texts of one run, far fewer than 2^32"));
        self.texts.push(text.into());
        self.is_used_once.push(true);
        self.by_text.insert(text.into(), name);
        name
    }

    pub(super) fn text(&self, name: Name) -> &str {
        &self.texts[name.index()]
    }

    /// Whether nobody asked for it twice.
    pub(super) fn is_used_once(&self, name: Name) -> bool {
        self.is_used_once[name.index()]
    }
}
