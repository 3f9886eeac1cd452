//! Perfetto's own form: protobuf packets, compact.
//!
//! Each lane is a packet sequence with its track as the default, so no event names its track;
//! timestamps are differences on a clock of the sequence; texts that come again are numbers.
//! Called by `mod`.

use prost::Message as _;

use super::proto::{
    Argument, COUNTER, Clock, ClockSnapshot, CounterDescriptor, DELTA_CLOCK, EXPLICIT_ORDER,
    EventDefaults, INSTANT, Interned, NEEDS_STATE, PACKET_TAG, PacketDefaults, SLICE_BEGIN,
    SLICE_END, STATE_CLEARED, TRACE_CLOCK, TracePacket, TrackDescriptor, TrackEvent, UNIT_COUNT,
};
use super::sink::{Group, Kind, Name, Names, Sink, Told, Value};

/// The trace so far.
#[derive(Debug, Default)]
pub(super) struct Native {
    out: Vec<u8>,
    names: Names,
    /// The packet of an event, kept so that its lists keep their memory.
    packet: TracePacket,
    /// Tracks so far; the number of the last one, and of its sequence.
    tracks: u32,
    last_ns: u64,
    told: u64,
    events: Seen,
    arguments: Seen,
    words: Seen,
}

/// Which texts have a number on this sequence.
#[derive(Debug, Default)]
struct Seen {
    /// By name: the sequence, and the number there.
    ids: Vec<(u32, u64)>,
    next: u64,
}

impl Seen {
    /// The number of `name` on `sequence`, and whether it is new.
    fn id(&mut self, sequence: u32, name: Name) -> (u64, bool) {
        if self.ids.len() <= name.index() {
            self.ids.resize(name.index() + 1, (0, 0));
        }
        let (known, id) = &mut self.ids[name.index()];
        if *known == sequence {
            return (*id, false);
        }
        self.next += 1;
        (*known, *id) = (sequence, self.next);
        (self.next, true)
    }
}

fn put(out: &mut Vec<u8>, packet: &TracePacket) {
    out.push(PACKET_TAG);
    packet
        .encode_length_delimited(out)
        .expect("memory takes every packet");
}

impl Native {
    /// A trace of about `events` events.
    pub(super) fn new(events: usize) -> Self {
        Self {
            out: Vec::with_capacity(events * 24),
            ..Self::default()
        }
    }

    /// A track; the first packet of its sequence says what all others leave out.
    fn track(&mut self, track: TrackDescriptor) -> u32 {
        self.tracks += 1;
        let clock = |id, is_incremental| Clock {
            id: Some(id),
            timestamp: Some(0),
            is_incremental,
        };
        let packet = TracePacket {
            sequence: Some(self.tracks),
            sequence_flags: Some(STATE_CLEARED),
            clock_snapshot: Some(ClockSnapshot {
                clocks: vec![clock(TRACE_CLOCK, None), clock(DELTA_CLOCK, Some(true))],
            }),
            defaults: Some(PacketDefaults {
                event: Some(EventDefaults {
                    track: Some(self.tracks.into()),
                }),
                clock: Some(DELTA_CLOCK),
            }),
            ..TracePacket::default()
        };
        put(&mut self.out, &packet);
        let packet = TracePacket {
            sequence: Some(self.tracks),
            track: Some(TrackDescriptor {
                uuid: Some(self.tracks.into()),
                order: i32::try_from(self.tracks).ok(),
                ..track
            }),
            ..TracePacket::default()
        };
        put(&mut self.out, &packet);
        (self.events.next, self.arguments.next, self.words.next) = (0, 0, 0);
        self.last_ns = 0;
        self.tracks
    }

    /// Writes the event that was prepared.
    fn event(&mut self, at_ns: u64, kind: i32) {
        debug_assert!(
            at_ns >= self.last_ns,
            "time goes back on track {}",
            self.tracks
        );
        let packet = &mut self.packet;
        packet.timestamp = Some(at_ns.saturating_sub(self.last_ns));
        packet.sequence = Some(self.tracks);
        packet.sequence_flags = Some(NEEDS_STATE);
        packet.track_event.get_or_insert_default().kind = Some(kind);
        put(&mut self.out, packet);
        self.last_ns = at_ns.max(self.last_ns);
        packet.interned = None;
        if let Some(event) = &mut packet.track_event {
            event.arguments.clear();
            event.flows.clear();
            event.last_flows.clear();
            (event.name_id, event.name, event.count) = (None, None, None);
        }
    }

    fn tell(&mut self, told: &Told<'_>) {
        let (sequence, names) = (self.tracks, &self.names);
        let event = self.packet.track_event.get_or_insert_default();
        event.flows.extend_from_slice(told.out);
        event.last_flows.extend_from_slice(told.into);
        let interned = &mut self.packet.interned;
        let entry = |id, name| Interned {
            id: Some(id),
            text: Some(names.text(name).to_owned()),
        };
        if names.is_used_once(told.name) {
            event.name = Some(names.text(told.name).to_owned());
        } else {
            let (id, is_new) = self.events.id(sequence, told.name);
            event.name_id = Some(id);
            if is_new {
                let interned = interned.get_or_insert_default();
                interned.events.push(entry(id, told.name));
            }
        }
        for &(name, value) in told.arguments {
            let (id, is_new) = self.arguments.id(sequence, name);
            if is_new {
                let interned = interned.get_or_insert_default();
                interned.arguments.push(entry(id, name));
            }
            let mut argument = Argument {
                name_id: Some(id),
                ..Argument::default()
            };
            match value {
                Value::Number(number) => argument.number = Some(number),
                Value::Word(word) => {
                    let (id, is_new) = self.words.id(sequence, word);
                    if is_new {
                        interned.get_or_insert_default().words.push(entry(id, word));
                    }
                    argument.word_id = Some(id);
                }
            }
            event.arguments.push(argument);
        }
    }
}

impl Sink for Native {
    fn group(&mut self, parent: Option<Group>, name: &str) -> Group {
        Group(self.track(TrackDescriptor {
            name: Some(name.to_owned()),
            parent: parent.map(|Group(uuid)| uuid.into()),
            child_ordering: Some(EXPLICIT_ORDER),
            ..TrackDescriptor::default()
        }))
    }

    fn lane(&mut self, Group(parent): Group, name: &str, kind: Kind) {
        let counter = (kind == Kind::Counter).then_some(CounterDescriptor {
            unit: Some(UNIT_COUNT),
        });
        self.track(TrackDescriptor {
            name: Some(name.to_owned()),
            parent: Some(parent.into()),
            counter,
            ..TrackDescriptor::default()
        });
    }

    fn begin(&mut self, at_ns: u64, told: &Told<'_>) {
        self.told += 1;
        self.tell(told);
        self.event(at_ns, SLICE_BEGIN);
    }

    fn end(&mut self, at_ns: u64) {
        self.event(at_ns, SLICE_END);
    }

    fn instant(&mut self, at_ns: u64, told: &Told<'_>) {
        self.told += 1;
        self.tell(told);
        self.event(at_ns, INSTANT);
    }

    fn count(&mut self, at_ns: u64, count: u32) {
        self.told += 1;
        let event: &mut TrackEvent = self.packet.track_event.get_or_insert_default();
        event.count = Some(count.into());
        self.event(at_ns, COUNTER);
    }

    fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    fn events(&self) -> u64 {
        self.told
    }

    fn finish(self) -> Vec<u8> {
        self.out
    }
}
