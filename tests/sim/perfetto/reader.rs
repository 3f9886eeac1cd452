//! A minimal reader of Perfetto traces: fields by number from the published schema, no code of the
//! writer. Panics where a trace is not as the format says.

use std::collections::HashMap;

use prost::Message;

#[derive(Clone, PartialEq, Message)]
struct Trace {
    #[prost(message, repeated, tag = "1")]
    packets: Vec<Packet>,
}

#[derive(Clone, PartialEq, Message)]
struct Packet {
    #[prost(message, optional, tag = "6")]
    clocks: Option<Clocks>,
    #[prost(uint64, optional, tag = "8")]
    timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "10")]
    sequence: Option<u32>,
    #[prost(message, optional, tag = "11")]
    event: Option<Event>,
    #[prost(message, optional, tag = "12")]
    interned: Option<Interned>,
    #[prost(uint32, optional, tag = "13")]
    flags: Option<u32>,
    #[prost(message, optional, tag = "59")]
    defaults: Option<Defaults>,
    #[prost(message, optional, tag = "60")]
    track: Option<Descriptor>,
}

#[derive(Clone, PartialEq, Message)]
struct Clocks {
    #[prost(message, repeated, tag = "1")]
    clocks: Vec<Clock>,
}

#[derive(Clone, PartialEq, Message)]
struct Clock {
    #[prost(uint32, tag = "1")]
    id: u32,
    #[prost(uint64, tag = "2")]
    timestamp: u64,
    #[prost(bool, tag = "3")]
    is_incremental: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Defaults {
    #[prost(message, optional, tag = "11")]
    event: Option<EventDefaults>,
    #[prost(uint32, tag = "58")]
    clock: u32,
}

#[derive(Clone, PartialEq, Message)]
struct EventDefaults {
    #[prost(uint64, tag = "11")]
    track: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Descriptor {
    #[prost(uint64, tag = "1")]
    uuid: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(uint64, optional, tag = "5")]
    parent: Option<u64>,
    #[prost(message, optional, tag = "8")]
    counter: Option<Counter>,
}

#[derive(Clone, PartialEq, Message)]
struct Counter {
    #[prost(int32, tag = "3")]
    unit: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(message, repeated, tag = "4")]
    annotations: Vec<Annotation>,
    #[prost(int32, tag = "9")]
    kind: i32,
    #[prost(uint64, tag = "10")]
    name_iid: u64,
    #[prost(string, tag = "23")]
    name: String,
    #[prost(int64, optional, tag = "30")]
    counter: Option<i64>,
    #[prost(fixed64, repeated, packed = "false", tag = "47")]
    flows: Vec<u64>,
    #[prost(fixed64, repeated, packed = "false", tag = "48")]
    last_flows: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct Annotation {
    #[prost(uint64, tag = "1")]
    name_iid: u64,
    #[prost(uint64, optional, tag = "3")]
    number: Option<u64>,
    #[prost(uint64, tag = "17")]
    text_iid: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Interned {
    #[prost(message, repeated, tag = "2")]
    names: Vec<Text>,
    #[prost(message, repeated, tag = "3")]
    annotations: Vec<Text>,
    #[prost(message, repeated, tag = "29")]
    texts: Vec<Text>,
}

#[derive(Clone, PartialEq, Message)]
struct Text {
    #[prost(uint64, tag = "1")]
    iid: u64,
    #[prost(string, tag = "2")]
    text: String,
}

/// A bar, or an instant: then it ends where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) begin_ns: u64,
    pub(crate) end_ns: u64,
    /// In how many others it is.
    pub(crate) depth: usize,
    pub(crate) is_instant: bool,
    pub(crate) numbers: HashMap<String, u64>,
    pub(crate) texts: HashMap<String, String>,
    pub(crate) flows: Vec<u64>,
    pub(crate) last_flows: Vec<u64>,
}

/// A lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lane {
    /// Names from the top on, with slashes between them.
    pub(crate) path: String,
    /// In the order in which they begin.
    pub(crate) bars: Vec<Bar>,
    /// (time, value)
    pub(crate) samples: Vec<(u64, i64)>,
}

/// What is known of a sequence.
#[derive(Default)]
struct Sequence {
    track: u64,
    now_ns: u64,
    names: HashMap<u64, String>,
    annotations: HashMap<u64, String>,
    texts: HashMap<u64, String>,
    /// Bars that have not ended.
    open: Vec<usize>,
}

/// The lanes of a trace in the order of their tracks.
pub(crate) fn lanes(bytes: &[u8]) -> Vec<Lane> {
    let trace = Trace::decode(bytes).expect("a trace");
    let mut sequences: HashMap<u32, Sequence> = HashMap::new();
    let mut tracks: HashMap<u64, Descriptor> = HashMap::new();
    let mut lanes: HashMap<u64, Lane> = HashMap::new();
    for packet in trace.packets {
        let id = packet.sequence.expect("every packet is of a sequence");
        if packet.flags == Some(1) {
            sequences.insert(id, Sequence::begun(&packet));
        }
        let sequence = sequences.get_mut(&id).expect("a sequence begins cleared");
        sequence.learn(packet.interned.unwrap_or_default());
        if let Some(track) = packet.track {
            let is_known = tracks.insert(track.uuid, track).is_some();
            assert!(!is_known, "a track is described once");
        }
        if let Some(event) = packet.event {
            assert_eq!(packet.flags, Some(2), "an event needs the state");
            sequence.now_ns += packet.timestamp.expect("an event has a time");
            let lane = lanes.entry(sequence.track).or_default();
            sequence.happen(event, lane);
        }
    }
    assert!(sequences.values().all(|one| one.open.is_empty()));
    let mut found: Vec<(u64, Lane)> = lanes.into_iter().collect();
    found.sort_unstable_by_key(|(track, _)| *track);
    for (track, lane) in &mut found {
        lane.path = path(*track, &tracks);
        let is_counter = tracks[track].counter.is_some();
        assert_eq!(is_counter, !lane.samples.is_empty(), "{}", lane.path);
        assert!(lane.samples.is_empty() || lane.bars.is_empty());
    }
    found.into_iter().map(|(_, lane)| lane).collect()
}

fn path(track: u64, tracks: &HashMap<u64, Descriptor>) -> String {
    let track = &tracks[&track];
    match track.parent {
        Some(parent) => format!("{}/{}", path(parent, tracks), track.name),
        None => track.name.clone(),
    }
}

impl Sequence {
    fn begun(packet: &Packet) -> Self {
        let defaults = packet.defaults.clone().expect("a sequence has defaults");
        let clocks = &packet
            .clocks
            .as_ref()
            .expect("a sequence has clocks")
            .clocks;
        let own = clocks.iter().find(|clock| clock.id == defaults.clock);
        let own = own.expect("the clock of the sequence");
        assert!(own.is_incremental && (64..128).contains(&own.id));
        assert!(
            clocks.iter().any(|clock| clock.id == 6),
            "the trace's clock"
        );
        Self {
            track: defaults.event.expect("a track of its own").track,
            now_ns: own.timestamp,
            ..Self::default()
        }
    }

    fn learn(&mut self, interned: Interned) {
        for (known, new) in [
            (&mut self.names, interned.names),
            (&mut self.annotations, interned.annotations),
            (&mut self.texts, interned.texts),
        ] {
            known.extend(new.into_iter().map(|text| (text.iid, text.text)));
        }
    }

    fn happen(&mut self, event: Event, lane: &mut Lane) {
        match event.kind {
            1 | 3 => {
                let is_instant = event.kind == 3;
                let bar = self.bar(event);
                if !is_instant {
                    self.open.push(lane.bars.len());
                }
                lane.bars.push(Bar { is_instant, ..bar });
            }
            2 => {
                let bar = self.open.pop().expect("an end has a beginning");
                lane.bars[bar].end_ns = self.now_ns;
            }
            4 => {
                let value = event.counter.expect("a sample has a value");
                lane.samples.push((self.now_ns, value));
            }
            other => panic!("an event of kind {other}"),
        }
    }

    fn bar(&self, event: Event) -> Bar {
        let (mut numbers, mut texts) = (HashMap::new(), HashMap::new());
        for annotation in event.annotations {
            let name = self.annotations[&annotation.name_iid].clone();
            match annotation.number {
                Some(number) => drop(numbers.insert(name, number)),
                None => drop(texts.insert(name, self.texts[&annotation.text_iid].clone())),
            }
        }
        Bar {
            name: match event.name_iid {
                0 => event.name,
                iid => self.names[&iid].clone(),
            },
            begin_ns: self.now_ns,
            end_ns: self.now_ns,
            depth: self.open.len(),
            is_instant: false,
            numbers,
            texts,
            flows: event.flows,
            last_flows: event.last_flows,
        }
    }
}
