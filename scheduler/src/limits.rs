//! Defaults and hard limits, related to each other at compile time.

/// Conditions one task may register, 0 to 64.
pub const MAX_CONDITIONS: u32 = 64;

/// Retirements of one task: blocks × subtasks, at most 32 767 × 3.
pub const MAX_RETIREMENTS: u32 = 32_767 * 3;

/// Cores of one chip, host lanes included.
pub const MAX_CORES: usize = 128;

/// Slots of a mailbox unless configured: 262 272 bytes with the header.
pub const DEFAULT_MAILBOX_SLOTS: u32 = 4096;

/// Task slots of a ring unless configured.
pub const DEFAULT_TASK_SLOTS: u32 = 16_384;

/// Conditions that may be stored or reserved at once unless configured.
pub const DEFAULT_CONDITION_ROOM: u32 = 65_536;

/// Dependency nodes (fan-out edges of unfinished tasks) unless configured.
pub const DEFAULT_EDGE_NODES: u32 = 262_144;

const _: () = assert!(
    MAX_RETIREMENTS < 1 << 17,
    "the retire word counts 17 bits of subtasks"
);
const _: () = assert!(
    MAX_CONDITIONS < 1 << 7,
    "the retire word counts 7 bits of conditions"
);
