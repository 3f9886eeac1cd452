//! Packets as bytes: the 64 of a slot, as [`finbox_runtime::command::Packet`] has them.

use core::mem::offset_of;

use finbox_mailbox::Words;
use finbox_runtime::command::Kind;
use static_assertions::const_assert_eq;

/// Values of a packet's `kind`. 0 is none: zeroed memory is no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_packet_kind {
    /// Nothing to do.
    NoOp = 1,
    /// Starts a kernel: `address` names it, `source` is its arguments' address, `count` its blocks,
    /// at least 1, `detail` the arguments' bytes.
    Launch = 2,
    /// Waits until everything begun before has completed.
    Barrier = 3,
    /// Waits until the 32-bit counter at `address` has reached `count`; counters wrap.
    Wait = 4,
    /// Changes the counter at `address`: `detail` is a `finbox_signal_how`, `count` the value.
    Signal = 5,
    /// Copies `bytes` bytes from `source` to `address`.
    Copy = 6,
    /// A barrier; behind it the statistics are published, and then the answer.
    Fence = 7,
    /// `count` packets, at least 1, that stand at `address`; `detail` is a `finbox_entry`.
    Indirect = 8,
}

/// What a signal does with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_signal_how {
    /// The counter becomes the value.
    Store = 0,
    /// The value is added, wrapping.
    Add = 1,
}

/// What happens behind the last packet of an indirect buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_entry {
    /// The packet behind the one that entered it.
    Call = 0,
    /// What would have come behind the buffer that it was entered from. From the ring a call.
    Jump = 1,
}

/// A packet, and a slot of a command ring. What a kind does not use is 0, and checked. Made by
/// `finbox_packet_launch` and its like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_packet {
    /// Position in the ring + 1. Written by the library; ignored in what is submitted.
    pub seq: u64,
    /// A `finbox_packet_kind`.
    pub kind: u32,
    /// Epoch of the run. Written by the library in what is submitted; in an indirect buffer it
    /// must be the ring's.
    pub epoch: u32,
    /// The submitter's own; nothing looks at it.
    pub tag: u64,
    /// LAUNCH: the kernel. WAIT, SIGNAL: the counter. COPY: the first byte written. INDIRECT: the
    /// first packet.
    pub address: u64,
    /// LAUNCH: the arguments. COPY: the first byte read.
    pub source: u64,
    /// COPY: how many bytes.
    pub bytes: u64,
    /// LAUNCH: blocks. WAIT, SIGNAL: the value. INDIRECT: packets.
    pub count: u32,
    /// LAUNCH: bytes of arguments. SIGNAL: a `finbox_signal_how`. INDIRECT: a `finbox_entry`.
    pub detail: u32,
    /// 0.
    pub reserved: u64,
}

impl finbox_packet {
    /// The seven words behind the sequence, in run `epoch`.
    pub(super) fn words(&self, epoch: u32) -> Words {
        let pack = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        [
            pack(self.kind, epoch),
            self.tag,
            self.address,
            self.source,
            self.bytes,
            pack(self.count, self.detail),
            self.reserved,
        ]
    }

    /// What these words are, packet or not.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "each half is what is wanted"
    )]
    pub(super) const fn of(words: &Words) -> Self {
        let [kind, tag, address, source, bytes, count, reserved] = *words;
        Self {
            seq: 0,
            kind: kind as u32,
            epoch: (kind >> 32) as u32,
            tag,
            address,
            source,
            bytes,
            count: count as u32,
            detail: (count >> 32) as u32,
            reserved,
        }
    }
}

const_assert_eq!(size_of::<finbox_packet>(), 64);
const_assert_eq!(offset_of!(finbox_packet, kind), 8);
const_assert_eq!(offset_of!(finbox_packet, epoch), 12);
const_assert_eq!(offset_of!(finbox_packet, tag), 16);
const_assert_eq!(offset_of!(finbox_packet, address), 24);
const_assert_eq!(offset_of!(finbox_packet, source), 32);
const_assert_eq!(offset_of!(finbox_packet, bytes), 40);
const_assert_eq!(offset_of!(finbox_packet, count), 48);
const_assert_eq!(offset_of!(finbox_packet, detail), 52);
const_assert_eq!(offset_of!(finbox_packet, reserved), 56);

const_assert_eq!(Kind::COUNT, 8);
const_assert_eq!(finbox_packet_kind::NoOp as u32, Kind::NoOp as u32);
const_assert_eq!(finbox_packet_kind::Launch as u32, Kind::Launch as u32);
const_assert_eq!(finbox_packet_kind::Barrier as u32, Kind::Barrier as u32);
const_assert_eq!(finbox_packet_kind::Wait as u32, Kind::Wait as u32);
const_assert_eq!(finbox_packet_kind::Signal as u32, Kind::Signal as u32);
const_assert_eq!(finbox_packet_kind::Copy as u32, Kind::Copy as u32);
const_assert_eq!(finbox_packet_kind::Fence as u32, Kind::Fence as u32);
const_assert_eq!(finbox_packet_kind::Indirect as u32, Kind::Indirect as u32);
