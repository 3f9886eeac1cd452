//! Defaults and hard limits, related to each other at compile time.

/// Conditions one task may register, 0 to 64.
pub const MAX_CONDITIONS: u32 = 64;

/// SPMD blocks of one task: what a signed 16-bit count holds.
pub const MAX_BLOCKS: u16 = 32_767;

/// Retirements of one task: blocks × subtasks.
pub const MAX_RETIREMENTS: u32 = MAX_BLOCKS as u32 * 3;

/// Ranks that a condition may name as its peer.
pub const MAX_PEERS: u32 = 1024;

/// Timelines that a condition may name instead.
pub const MAX_TIMELINES: u32 = 1024;

/// Cores of one chip, host lanes included.
pub const MAX_CORES: usize = 128;

/// FIN handlers of one chip.
pub const MAX_HANDLERS: usize = 8;

/// Slots of a mailbox unless configured: 262 272 bytes with the header.
pub const DEFAULT_MAILBOX_SLOTS: u32 = 4096;

/// Rings, by scope depth.
pub const MAX_RINGS: usize = 4;

/// Scopes that may be open at once, at most.
pub const MAX_SCOPES: usize = u8::MAX as usize;

/// Task slots of a ring unless configured.
pub const DEFAULT_TASK_SLOTS: u32 = 16_384;

/// Conditions that may be stored or reserved at once unless configured.
pub const DEFAULT_CONDITION_ROOM: u32 = 65_536;

/// Dependency nodes (fan-out edges of unfinished tasks) unless configured.
pub const DEFAULT_EDGE_NODES: u32 = 262_144;

/// URMA completion queues that conditions may name unless configured.
pub const DEFAULT_URMA_QUEUES: u32 = 64;

/// How long a claimed mailbox position may stay unpublished, in ns, unless configured: 1 s.
pub const DEFAULT_GAP_NS: u64 = 1_000_000_000;

/// How long things may take where a task does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Longest time in ns from a token's start to its FIN.
    pub run_ns: Option<u64>,
    /// Longest time in ns from a condition's arrival until it holds.
    pub wait_ns: Option<u64>,
    /// Longest time in ns from when a claimed mailbox position is found unpublished until it must
    /// be published; [`DEFAULT_GAP_NS`] unless said.
    pub gap_ns: Option<u64>,
}

impl Limits {
    /// Nothing but the defaults.
    pub const NONE: Self = Self {
        run_ns: None,
        wait_ns: None,
        gap_ns: None,
    };
}

const _: () = assert!(
    MAX_RETIREMENTS < 1 << 17,
    "the retire word counts 17 bits of subtasks"
);
const _: () = assert!(
    MAX_CONDITIONS < 1 << 7,
    "the retire word counts 7 bits of conditions"
);
