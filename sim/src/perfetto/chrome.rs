//! The older JSON form, which every viewer of traces reads; about four times as large.
//!
//! A rank is a process, a lane a thread; lanes of one name are threads of one name. Times are
//! microseconds with three decimals. Called by `mod`.

use std::fmt::{Arguments, Write as _};

use super::sink::{Group, Kind, Name, Names, Sink, Told, Value};

/// The trace so far.
#[derive(Debug, Default)]
pub(super) struct Chrome {
    out: String,
    names: Names,
    /// Names as JSON, made when first needed.
    quoted: Vec<String>,
    /// What each group is in.
    parents: Vec<Option<Group>>,
    process: u32,
    lane: u32,
    lane_name: String,
    told: u64,
}

impl Chrome {
    /// A trace of about `events` events.
    pub(super) fn new(events: usize) -> Self {
        let mut out = String::with_capacity(events * 100 + 64);
        out.push_str("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
        Self {
            out,
            ..Self::default()
        }
    }

    /// The process of a group: the one below the uppermost, or that one itself.
    fn process_of(&self, mut group: Group) -> u32 {
        while let Some(parent) = self.above(group) {
            if self.above(parent).is_none() {
                break;
            }
            group = parent;
        }
        group.0
    }

    fn above(&self, group: Group) -> Option<Group> {
        self.parents.get(group.0 as usize).copied().flatten()
    }

    fn add(&mut self, text: Arguments<'_>) {
        let infallible = "memory takes every text";
        self.out.write_fmt(text).expect(infallible);
    }

    /// Begins an entry on the lane that is open.
    fn entry(&mut self, phase: &str) {
        let comma = if self.out.ends_with('[') { "\n" } else { ",\n" };
        let (process, lane) = (self.process, self.lane);
        self.add(format_args!(
            "{comma}{{\"ph\":\"{phase}\",\"pid\":{process},\"tid\":{lane}"
        ));
    }

    fn at(&mut self, at_ns: u64) {
        let (us, ns) = (at_ns / 1_000, at_ns % 1_000);
        self.add(format_args!(",\"ts\":{us}.{ns:03}"));
    }

    /// What a viewer calls a process or a thread.
    fn called(&mut self, what: &str, name: &str) {
        self.entry("M");
        let name = quoted(name);
        self.add(format_args!(
            ",\"name\":\"{what}\",\"args\":{{\"name\":{name}}}}}"
        ));
    }

    fn sorted(&mut self, what: &str, index: u32) {
        self.entry("M");
        self.add(format_args!(
            ",\"name\":\"{what}\",\"args\":{{\"sort_index\":{index}}}}}"
        ));
    }

    fn quote(&mut self, name: Name) {
        if self.quoted.len() <= name.index() {
            self.quoted.resize(name.index() + 1, String::new());
        }
        let cached = &mut self.quoted[name.index()];
        if cached.is_empty() {
            *cached = quoted(self.names.text(name));
        }
        self.out.push_str(cached);
    }

    fn tell(&mut self, phase: &str, at_ns: u64, told: &Told<'_>) {
        self.told += 1;
        self.entry(phase);
        self.at(at_ns);
        self.out.push_str(",\"name\":");
        self.quote(told.name);
        for (index, &(name, value)) in told.arguments.iter().enumerate() {
            self.out
                .push_str(if index == 0 { ",\"args\":{" } else { "," });
            self.quote(name);
            self.out.push(':');
            match value {
                Value::Number(number) => self.add(format_args!("{number}")),
                Value::Word(word) => self.quote(word),
            }
        }
        let end = if told.arguments.is_empty() { "}" } else { "}}" };
        self.out.push_str(end);
        let flows = told.into.iter().map(|id| ("f\",\"bp\":\"e", id));
        for (phase, id) in flows.chain(told.out.iter().map(|id| ("s", id))) {
            self.entry(phase);
            self.at(at_ns);
            self.add(format_args!(
                ",\"id\":{id},\"cat\":\"flow\",\"name\":\"flow\"}}"
            ));
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text can be written as JSON")
}

impl Sink for Chrome {
    fn group(&mut self, parent: Option<Group>, name: &str) -> Group {
        let next = u32::try_from(self.parents.len());
        let group = Group(next.expect("groups of one run, far fewer than 2^32"));
        self.parents.push(parent);
        let is_process = parent.is_none_or(|parent| self.above(parent).is_none());
        if is_process {
            (self.process, self.lane) = (group.0, 0);
            self.called("process_name", name);
            self.sorted("process_sort_index", group.0);
        }
        group
    }

    fn lane(&mut self, parent: Group, name: &str, kind: Kind) {
        self.process = self.process_of(parent);
        self.lane += 1;
        name.clone_into(&mut self.lane_name);
        if kind == Kind::Bars {
            self.called("thread_name", name);
            self.sorted("thread_sort_index", self.lane);
        }
    }

    fn begin(&mut self, at_ns: u64, told: &Told<'_>) {
        self.tell("B", at_ns, told);
    }

    fn end(&mut self, at_ns: u64) {
        self.entry("E");
        self.at(at_ns);
        self.out.push('}');
    }

    fn instant(&mut self, at_ns: u64, told: &Told<'_>) {
        self.tell("i\",\"s\":\"t", at_ns, told);
    }

    fn count(&mut self, at_ns: u64, count: u32) {
        self.told += 1;
        self.entry("C");
        self.at(at_ns);
        let name = quoted(&self.lane_name);
        self.add(format_args!(
            ",\"name\":{name},\"args\":{{\"count\":{count}}}}}"
        ));
    }

    fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    fn events(&self) -> u64 {
        self.told
    }

    fn finish(mut self) -> Vec<u8> {
        self.out.push_str("\n]}\n");
        self.out.into_bytes()
    }
}
