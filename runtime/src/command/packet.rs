//! A packet: what one slot of the command ring asks for, and its wire form.
//!
//! 64 bytes with the ring's sequence at byte 0; the seven words behind it are these, little
//! endian. What a kind does not use is 0, and checked: a packet of another version is refused, not
//! half understood.
//!
//! | byte | width | what |
//! | --- | --- | --- |
//! | 8 | 4 | kind |
//! | 12 | 4 | epoch of the run |
//! | 16 | 8 | tag, the submitter's own |
//! | 24 | 8 | launch: kernel · wait, signal: counter · copy: destination · indirect: buffer |
//! | 32 | 8 | launch: arguments · copy: source |
//! | 40 | 8 | copy: how many bytes |
//! | 48 | 4 | launch: blocks · wait, signal: value · indirect: packets |
//! | 52 | 4 | launch: bytes of arguments · signal: 0 store, 1 add · indirect: 0 call, 1 jump |
//! | 56 | 8 | 0 |
//!
//! The packets of an indirect buffer have the same form; their first eight bytes mean nothing.

use finbox_mailbox::{Payload, WORDS, Words};
use thiserror::Error;

/// Kinds of packets, by number. 0 is none: zeroed memory is no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Kind {
    /// Nothing to do.
    NoOp = 1,
    /// Starts a kernel.
    Launch = 2,
    /// Waits for everything begun before.
    Barrier = 3,
    /// Waits for a counter.
    Wait = 4,
    /// Changes a counter.
    Signal = 5,
    /// Copies bytes.
    Copy = 6,
    /// A barrier that is answered.
    Fence = 7,
    /// Packets that stand elsewhere.
    Indirect = 8,
}

impl Kind {
    /// How many kinds there are.
    pub const COUNT: usize = 8;

    const fn from_wire(value: u32) -> Option<Self> {
        Some(match value {
            1 => Self::NoOp,
            2 => Self::Launch,
            3 => Self::Barrier,
            4 => Self::Wait,
            5 => Self::Signal,
            6 => Self::Copy,
            7 => Self::Fence,
            8 => Self::Indirect,
            _ => return None,
        })
    }
}

/// Starts a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Which, by the executor's own name for it.
    pub kernel: u64,
    /// Device address of its arguments.
    pub args: u64,
    /// How many blocks, at least 1.
    pub blocks: u32,
    /// Bytes of arguments.
    pub args_bytes: u32,
}

/// Waits until `(counter − value) as i32 ≥ 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Device address of a 32-bit counter.
    pub counter: u64,
    /// Value to reach.
    pub value: u32,
}

impl Wait {
    /// Whether a counter that stands at `current` is there. Counters wrap.
    pub const fn is_met(&self, current: u32) -> bool {
        current.wrapping_sub(self.value) as i32 >= 0
    }
}

/// What a signal does with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum How {
    /// The counter becomes the value.
    Store = 0,
    /// The value is added, wrapping.
    Add = 1,
}

/// Changes a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Device address of a 32-bit counter.
    pub counter: u64,
    /// Stored or added.
    pub value: u32,
    /// Which of the two.
    pub how: How,
}

/// Copies bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Device address of the first byte written.
    pub to: u64,
    /// Device address of the first byte read.
    pub from: u64,
    /// How many.
    pub bytes: u64,
}

/// What happens behind the last packet of an indirect buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Entry {
    /// The packet behind the one that entered it.
    Call = 0,
    /// What would have come behind the buffer that it was entered from: the rest of that one is
    /// given up. From the ring itself it is a call.
    Jump = 1,
}

/// Packets that stand elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indirect {
    /// Device address of the first.
    pub buffer: u64,
    /// How many, at least 1.
    pub packets: u32,
    /// How it is left.
    pub entry: Entry,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Nothing.
    NoOp,
    /// A kernel.
    Launch(Launch),
    /// Waits until everything begun before has completed.
    Barrier,
    /// Waits for a counter.
    Wait(Wait),
    /// Changes a counter.
    Signal(Signal),
    /// Copies bytes.
    Copy(Transfer),
    /// A barrier; behind it the statistics are published, and then the answer.
    Fence,
    /// Packets that stand elsewhere.
    Indirect(Indirect),
}

impl Command {
    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoOp => Kind::NoOp,
            Self::Launch(_) => Kind::Launch,
            Self::Barrier => Kind::Barrier,
            Self::Wait(_) => Kind::Wait,
            Self::Signal(_) => Kind::Signal,
            Self::Copy(_) => Kind::Copy,
            Self::Fence => Kind::Fence,
            Self::Indirect(_) => Kind::Indirect,
        }
    }
}

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The submitter's own; the processor hands it on and looks at nothing in it.
    pub tag: u64,
    /// What is asked for.
    pub command: Command,
}

/// Why words are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadPacket {
    /// A kind nobody knows.
    #[error("packet kind {0} is none of 1 to 8: another version's packet, or no packet at all")]
    Kind(u32),
    /// Submitted in another run.
    #[error("a packet of run epoch {found}, this run is {current}")]
    Epoch {
        /// Epoch in the packet.
        found: u32,
        /// Epoch of the run.
        current: u32,
    },
    /// A signal that neither stores nor adds.
    #[error("a signal's way {0} is neither store (0) nor add (1)")]
    How(u32),
    /// An indirect buffer that is neither called nor jumped to.
    #[error("an indirect buffer's entry {0} is neither call (0) nor jump (1)")]
    Entry(u32),
    /// A launch of 0 blocks, or an indirect buffer of 0 packets.
    #[error("{0:?} with a count of 0: leave the packet out, or say how many")]
    Nothing(Kind),
    /// Something stands where this kind has nothing.
    #[error("byte {byte} of {kind:?} holds {found:#x}, not 0: another version's packet?")]
    Reserved {
        /// Kind of the packet.
        kind: Kind,
        /// Where in the 64 bytes.
        byte: u32,
        /// What stands there.
        found: u64,
    },
}

const fn pack(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
const fn low(word: u64) -> u32 {
    word as u32
}

const fn high(word: u64) -> u32 {
    (word >> 32) as u32
}

/// The words of a packet without epoch and tag.
const fn body(command: &Command) -> [u64; 4] {
    match *command {
        Command::NoOp | Command::Barrier | Command::Fence => [0; 4],
        Command::Launch(Launch {
            kernel,
            args,
            blocks,
            args_bytes,
        }) => [kernel, args, 0, pack(blocks, args_bytes)],
        Command::Wait(Wait { counter, value }) => [counter, 0, 0, pack(value, 0)],
        Command::Signal(Signal {
            counter,
            value,
            how,
        }) => [counter, 0, 0, pack(value, how as u32)],
        Command::Copy(Transfer { to, from, bytes }) => [to, from, bytes, 0],
        Command::Indirect(Indirect {
            buffer,
            packets,
            entry,
        }) => [buffer, 0, 0, pack(packets, entry as u32)],
    }
}

impl Packet {
    /// The seven words of this packet in run `epoch`.
    pub const fn words(&self, epoch: u32) -> Words {
        let [a, b, c, d] = body(&self.command);
        let kind = self.command.kind() as u32;
        [pack(kind, epoch), self.tag, a, b, c, d, 0]
    }

    /// Reads a packet of run `epoch`, and checks every field.
    ///
    /// # Errors
    /// [`BadPacket`], naming the field and its value.
    pub fn decode(words: &Words, epoch: u32) -> Result<Self, BadPacket> {
        let [first, tag, a, b, c, d, _] = *words;
        let kind = Kind::from_wire(low(first)).ok_or(BadPacket::Kind(low(first)))?;
        if high(first) != epoch {
            return Err(BadPacket::Epoch {
                found: high(first),
                current: epoch,
            });
        }
        let command = command(kind, [a, b, c, d])?;
        let packet = Self { tag, command };
        let expected = packet.words(epoch);
        // Word by word: nothing that was built in parts is read whole.
        let pairs = expected.iter().zip(words);
        if pairs.fold(0, |all, (one, other)| all | (one ^ other)) == 0 {
            return Ok(packet);
        }
        let stray = first_stray(&expected, words);
        let (word, found) = stray.expect("they differ somewhere");
        Err(BadPacket::Reserved {
            kind,
            byte: 8 + 8 * word,
            found,
        })
    }
}

/// The command of a kind whose other fields are not looked at.
fn command(kind: Kind, [a, b, c, d]: [u64; 4]) -> Result<Command, BadPacket> {
    let (count, flag) = (low(d), high(d));
    let is_counted = matches!(kind, Kind::Launch | Kind::Indirect);
    if is_counted && count == 0 {
        return Err(BadPacket::Nothing(kind));
    }
    Ok(match kind {
        Kind::NoOp => Command::NoOp,
        Kind::Barrier => Command::Barrier,
        Kind::Fence => Command::Fence,
        Kind::Launch => Command::Launch(Launch {
            kernel: a,
            args: b,
            blocks: count,
            args_bytes: flag,
        }),
        Kind::Wait => Command::Wait(Wait {
            counter: a,
            value: count,
        }),
        Kind::Signal => Command::Signal(Signal {
            counter: a,
            value: count,
            how: match flag {
                0 => How::Store,
                1 => How::Add,
                other => return Err(BadPacket::How(other)),
            },
        }),
        Kind::Copy => Command::Copy(Transfer {
            to: a,
            from: b,
            bytes: c,
        }),
        Kind::Indirect => Command::Indirect(Indirect {
            buffer: a,
            packets: count,
            entry: match flag {
                0 => Entry::Call,
                1 => Entry::Jump,
                other => return Err(BadPacket::Entry(other)),
            },
        }),
    })
}

/// The first word of `found` that differs from what a packet of its fields has there.
fn first_stray(expected: &Words, found: &Words) -> Option<(u32, u64)> {
    let mut words = (0..).zip(expected.iter().zip(found));
    words.find_map(|(word, (expected, found))| (expected != found).then_some((word, *found)))
}

impl Payload for Packet {
    /// Of a kind that nobody knows.
    const VOID: Words = [u64::MAX; WORDS];

    #[inline]
    fn encode(&self, epoch: u32) -> Words {
        self.words(epoch)
    }
}

/// The layout, field by field, as a C struct behind the sequence sees it. Checkers' atomics are
/// larger.
#[cfg(not(any(loom, shuttle)))]
mod layout {
    use super::{Command, Entry, How, Indirect, Launch, Packet, Signal, Transfer, Wait};
    use finbox_mailbox::{Cell, Words};

    const fn words(command: Command) -> Words {
        let tag = 0x1112_1314_1516_1718;
        Packet { tag, command }.words(0xE1E2_E3E4)
    }

    const fn holds(words: Words, kind: u64, body: [u64; 4]) -> bool {
        words[0] == (0xE1E2_E3E4 << 32 | kind)
            && words[1] == 0x1112_1314_1516_1718
            && words[2] == body[0]
            && words[3] == body[1]
            && words[4] == body[2]
            && words[5] == body[3]
            && words[6] == 0
    }

    const LAUNCH: Launch = Launch {
        kernel: 0xA1,
        args: 0xB1,
        blocks: 0xC1,
        args_bytes: 0xD1,
    };
    const WAIT: Wait = Wait {
        counter: 0xA2,
        value: 0xB2,
    };
    const SIGNAL: Signal = Signal {
        counter: 0xA3,
        value: 0xB3,
        how: How::Add,
    };
    const COPY: Transfer = Transfer {
        to: 0xA4,
        from: 0xB4,
        bytes: 0xC4,
    };
    const INDIRECT: Indirect = Indirect {
        buffer: 0xA5,
        packets: 0xB5,
        entry: Entry::Jump,
    };

    const _: () = {
        assert!(size_of::<Words>() == 56, "seven words behind the sequence");
        assert!(size_of::<Cell>() == 64, "a packet fills one slot");
        assert!(holds(words(Command::NoOp), 1, [0; 4]));
        let body = [0xA1, 0xB1, 0, 0xC1 | 0xD1 << 32];
        assert!(holds(words(Command::Launch(LAUNCH)), 2, body));
        assert!(holds(words(Command::Barrier), 3, [0; 4]));
        assert!(holds(words(Command::Wait(WAIT)), 4, [0xA2, 0, 0, 0xB2]));
        let body = [0xA3, 0, 0, 0xB3 | 1 << 32];
        assert!(holds(words(Command::Signal(SIGNAL)), 5, body));
        assert!(holds(words(Command::Copy(COPY)), 6, [0xA4, 0xB4, 0xC4, 0]));
        assert!(holds(words(Command::Fence), 7, [0; 4]));
        let body = [0xA5, 0, 0, 0xB5 | 1 << 32];
        assert!(holds(words(Command::Indirect(INDIRECT)), 8, body));
    };
}
