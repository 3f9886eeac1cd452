//! The operations of programs, as they are written: an object with one field, the operation.

use serde::{Deserialize, Serialize};

use super::model::{SubtaskFile, is_default};
use super::scalar::{F32, NameOr};

/// One step of a kernel; see [`Op`](crate::workload::Op) for what each one does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum OpFile {
    Copy {
        from: NameOr,
        to: NameOr,
        bytes: u64,
    },
    Store {
        at: NameOr,
        value: u32,
    },
    Fill {
        at: NameOr,
        count: u64,
        value: u32,
    },
    FillPattern {
        at: NameOr,
        bytes: u64,
        seed: u64,
    },
    AddU32 {
        from: NameOr,
        to: NameOr,
        count: u64,
        add: u32,
    },
    AccumulateU32 {
        from: NameOr,
        to: NameOr,
        count: u64,
    },
    SortU32 {
        from: NameOr,
        to: NameOr,
        count: u64,
    },
    JoinU32 {
        left: NameOr,
        right: NameOr,
        to: NameOr,
        count: u64,
    },
    ScaleF32 {
        from: NameOr,
        to: NameOr,
        count: u64,
        by: F32,
    },
    AddF32 {
        from: NameOr,
        to: NameOr,
        count: u64,
        add: F32,
    },
    AddCounterF32 {
        from: NameOr,
        to: NameOr,
        count: u64,
        counter: NameOr,
    },
    Scan {
        from: NameOr,
        to: NameOr,
        bytes: u64,
        rules: u32,
    },
    Serve {
        input: NameOr,
        found: NameOr,
        grain: u64,
    },
    Put {
        peer: u32,
        from: NameOr,
        to: NameOr,
        bytes: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timed_bytes: Option<u64>,
    },
    PutPattern {
        peer: u32,
        to: NameOr,
        bytes: u64,
        seed: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timed_bytes: Option<u64>,
    },
    Notify {
        peer: u32,
        counter: NameOr,
        add: u32,
    },
    Get(PostFile),
    Send(PostFile),
    AwaitPost {
        lane: LaneFile,
    },
    PerBlock {
        stride: u64,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        subtasks: Vec<SubtaskFile>,
        op: Box<OpFile>,
    },
    Engine {
        counter: NameOr,
        #[serde(default, skip_serializing_if = "is_default")]
        ns: Option<u64>,
        #[serde(default, skip_serializing_if = "is_default")]
        bytes: Option<u64>,
        #[serde(default, skip_serializing_if = "is_default")]
        rounds: Option<u32>,
    },
    Await {
        counter: NameOr,
        expected: u32,
    },
}

/// A transfer that is posted to an engine: `get` brings it from the peer, `send` takes it there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PostFile {
    pub(super) lane: LaneFile,
    pub(super) peer: u32,
    pub(super) from: NameOr,
    pub(super) to: NameOr,
    pub(super) bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) timed_bytes: Option<u64>,
}

/// A queue of an engine of this rank.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LaneFile {
    Sdma(u16),
    Urma(u16),
    Roce(NameOr),
    Ccu(NameOr),
}
