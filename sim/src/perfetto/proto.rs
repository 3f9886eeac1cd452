//! The protobuf messages of a Perfetto trace, as far as they are written here.
//!
//! Written by hand from the published schema, field numbers as there. A trace is a row of packets,
//! each behind the tag of field 1 and its length. Called by `native`.

/// What stands before each packet: field 1, length-delimited.
pub(super) const PACKET_TAG: u8 = 0x0a;

/// Values of [`TracePacket::sequence_flags`].
pub(super) const STATE_CLEARED: u32 = 1;
pub(super) const NEEDS_STATE: u32 = 2;

/// Values of [`TrackEvent::kind`].
pub(super) const SLICE_BEGIN: i32 = 1;
pub(super) const SLICE_END: i32 = 2;
pub(super) const INSTANT: i32 = 3;
pub(super) const COUNTER: i32 = 4;

/// Children stand in the order of their ranks.
pub(super) const EXPLICIT_ORDER: i32 = 3;

/// A counter's values are numbers of things.
pub(super) const UNIT_COUNT: i32 = 2;

/// The clock of the trace.
pub(super) const TRACE_CLOCK: u32 = 6;

/// A clock of one sequence, each timestamp a difference from the one before.
pub(super) const DELTA_CLOCK: u32 = 64;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TracePacket {
    #[prost(message, optional, tag = "6")]
    pub(super) clock_snapshot: Option<ClockSnapshot>,
    #[prost(uint64, optional, tag = "8")]
    pub(super) timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "10")]
    pub(super) sequence: Option<u32>,
    #[prost(message, optional, tag = "11")]
    pub(super) track_event: Option<TrackEvent>,
    #[prost(message, optional, tag = "12")]
    pub(super) interned: Option<InternedData>,
    #[prost(uint32, optional, tag = "13")]
    pub(super) sequence_flags: Option<u32>,
    #[prost(message, optional, tag = "59")]
    pub(super) defaults: Option<PacketDefaults>,
    #[prost(message, optional, tag = "60")]
    pub(super) track: Option<TrackDescriptor>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ClockSnapshot {
    #[prost(message, repeated, tag = "1")]
    pub(super) clocks: Vec<Clock>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Clock {
    #[prost(uint32, optional, tag = "1")]
    pub(super) id: Option<u32>,
    #[prost(uint64, optional, tag = "2")]
    pub(super) timestamp: Option<u64>,
    #[prost(bool, optional, tag = "3")]
    pub(super) is_incremental: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PacketDefaults {
    #[prost(message, optional, tag = "11")]
    pub(super) event: Option<EventDefaults>,
    #[prost(uint32, optional, tag = "58")]
    pub(super) clock: Option<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct EventDefaults {
    #[prost(uint64, optional, tag = "11")]
    pub(super) track: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TrackDescriptor {
    #[prost(uint64, optional, tag = "1")]
    pub(super) uuid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    pub(super) name: Option<String>,
    #[prost(uint64, optional, tag = "5")]
    pub(super) parent: Option<u64>,
    #[prost(message, optional, tag = "8")]
    pub(super) counter: Option<CounterDescriptor>,
    #[prost(int32, optional, tag = "11")]
    pub(super) child_ordering: Option<i32>,
    #[prost(int32, optional, tag = "12")]
    pub(super) order: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CounterDescriptor {
    #[prost(int32, optional, tag = "3")]
    pub(super) unit: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TrackEvent {
    #[prost(message, repeated, tag = "4")]
    pub(super) arguments: Vec<Argument>,
    #[prost(int32, optional, tag = "9")]
    pub(super) kind: Option<i32>,
    #[prost(uint64, optional, tag = "10")]
    pub(super) name_id: Option<u64>,
    #[prost(string, optional, tag = "23")]
    pub(super) name: Option<String>,
    #[prost(int64, optional, tag = "30")]
    pub(super) count: Option<i64>,
    #[prost(fixed64, repeated, packed = "false", tag = "47")]
    pub(super) flows: Vec<u64>,
    #[prost(fixed64, repeated, packed = "false", tag = "48")]
    pub(super) last_flows: Vec<u64>,
}

/// A debug annotation.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Argument {
    #[prost(uint64, optional, tag = "1")]
    pub(super) name_id: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub(super) number: Option<u64>,
    #[prost(uint64, optional, tag = "17")]
    pub(super) word_id: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct InternedData {
    #[prost(message, repeated, tag = "2")]
    pub(super) events: Vec<Interned>,
    #[prost(message, repeated, tag = "3")]
    pub(super) arguments: Vec<Interned>,
    #[prost(message, repeated, tag = "29")]
    pub(super) words: Vec<Interned>,
}

/// A text and its number, on one sequence.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Interned {
    #[prost(uint64, optional, tag = "1")]
    pub(super) id: Option<u64>,
    #[prost(string, optional, tag = "2")]
    pub(super) text: Option<String>,
}
