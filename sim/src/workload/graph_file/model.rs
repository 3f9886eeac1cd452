//! A graph file as data: its fields, as they are written.
//!
//! Guarantees: unknown fields and fields given twice are refused; what is left out has the
//! default that the schema file states. Refuses to know whether a name exists; that is `read`'s.

use serde::{Deserialize, Deserializer, Serialize};

use super::op::OpFile;
use super::scalar::{F32, Hex, NameOr, Whole};
use super::streams::{ExternalFile, StreamFile, WaitFile};

/// The whole file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GraphFile {
    pub(super) schema: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) golden: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) limits: Option<LimitsFile>,
    pub(super) ranks: Vec<RankFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<Vec<TaskName>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) checks: Vec<CheckFile>,
}

/// A task of any rank: the rank's number and the task.
pub(super) type TaskName = (u32, NameOr);

/// What a rank may use at once.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsFile {
    pub(super) cores: u16,
    pub(super) handlers: u8,
    pub(super) mailbox_slots: u32,
    pub(super) task_slots: u32,
    pub(super) edge_nodes: u32,
    pub(super) condition_room: u32,
    pub(super) heap_bytes: u64,
}

/// One rank.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RankFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rank: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) buffers: Vec<BufferFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) counters: Vec<CounterFile>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) sdma_streams: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) completion_queues: Vec<QueueFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) init: Vec<InitFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) rule_sets: Vec<Vec<Hex>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) streams: Vec<StreamFile>,
    pub(super) tasks: Vec<TaskFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<PartFile>,
}

/// A named part of a rank's data.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BufferFile {
    pub(super) name: Box<str>,
    pub(super) bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) align: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) takes: Option<NameOr>,
}

/// A counter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CounterFile {
    pub(super) name: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<NameOr>,
}

/// A completion queue.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueFile {
    pub(super) entries: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) first: u32,
}

/// What a part of the data holds at the start.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InitFile {
    pub(super) at: NameOr,
    pub(super) data: DataFile,
}

/// Values.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum DataFile {
    Fill { count: u64, f32: F32 },
    F32s(Vec<F32>),
    U32s(Vec<u32>),
    Pattern { seed: u64, bytes: u64 },
}

/// What must be somewhere at the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckFile {
    pub(super) rank: u32,
    pub(super) name: Box<str>,
    pub(super) at: NameOr,
    pub(super) expect: ExpectFile,
}

/// Values to find.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum ExpectFile {
    Fill { count: u64, f32: F32 },
    F32s(Vec<F32>),
    U32s(Vec<u32>),
    Pattern { seed: u64, bytes: u64 },
}

/// Words that must be there if their writers completed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartFile {
    pub(super) at: NameOr,
    pub(super) u32s: Vec<u32>,
    pub(super) writers: Vec<TaskName>,
}

/// One task.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskFile {
    pub(super) name: Box<str>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) shape: ShapeFile,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) subtasks: Vec<SubtaskFile>,
    #[serde(
        default = "one_block",
        skip_serializing_if = "is_one_block",
        deserialize_with = "blocks"
    )]
    pub(super) blocks: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) sync_start: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) priority: PriorityFile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) only_if: Option<PredicateFile>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) duration_ns: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) run_budget_ns: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) wait_budget_ns: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) output_bytes: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) opens: u8,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) closes: u8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) after: Vec<NameOr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<NameOr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) waits: Vec<WaitFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) frees: Vec<NameOr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) externals: Vec<ExternalFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) uses: Vec<UseFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) defers: Option<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) program: Vec<OpFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<SpanFile>,
}

/// A declared use of a buffer: of all of it, unless it says which bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UseFile {
    pub(super) buffer: NameOr,
    pub(super) access: AccessFile,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) offset: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<u64>,
}

/// Bytes of the rank's data.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpanFile {
    pub(super) at: NameOr,
    pub(super) bytes: u64,
}

/// Compares a counter of the rank with a value.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PredicateFile {
    pub(super) counter: NameOr,
    pub(super) is: ComparisonFile,
    pub(super) value: u32,
}

/// Where a task runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ShapeFile {
    Aic,
    #[default]
    Aiv,
    Mix,
    Host,
    Dummy,
    Work,
}

/// A core of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SubtaskFile {
    Aic,
    Aiv0,
    Aiv1,
}

/// Which ready tasks go first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PriorityFile {
    #[default]
    Normal,
    High,
}

/// What is done to a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AccessFile {
    In,
    Out,
    Inout,
}

/// How a counter is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ComparisonFile {
    #[serde(rename = "==")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How many blocks; the reader says what is too many.
fn blocks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_any(Whole("a whole number from 1 to 32767"))
}

const fn one_block() -> u64 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it writes by reference"
)]
const fn is_one_block(blocks: &u64) -> bool {
    *blocks == 1
}
