//! What crosses as bytes: messages, a mailbox's header and lines.
//!
//! Little endian; no pointer is among them. Every offset is asserted here and again in the header,
//! and compared with what the other crates say.

use core::mem::offset_of;

use finbox_abi::not_null;
use finbox_mailbox::{Bundle, ClaimLine, Header, MAGIC, Malformed, Message, Words, WorkerMessage};
use static_assertions::{const_assert, const_assert_eq};

use crate::edition::guard;
use crate::problem::Problem;
use crate::status::finbox_status;

/// Bytes of the unit that mailbox memory is measured in, and its alignment.
pub const FINBOX_LINE_BYTES: usize = 64;
/// What stands at byte 16 of a placed mailbox.
pub const FINBOX_MAILBOX_MAGIC: u64 = 0x0100_584F_424E_4946;
/// Most producers of a mailbox that have a name.
pub const FINBOX_MAX_PRODUCERS: u32 = 64;

/// Values of a message's `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_kind {
    /// One thing a deferred task waits for.
    Condition = 0,
    /// The last subtask of a deferred task retired.
    NormalDone = 1,
    /// A persistent worker is through with an item of a work ring. Drained, not pushed.
    WorkDone = 2,
    /// A persistent worker is gone, and may have left an item. Drained, not pushed.
    WorkerLost = 3,
    /// One or two CONDITIONs and perhaps the TASK_NORMAL_DONE behind them: `finbox_message_parts`
    /// tells them apart. Drained, not pushed.
    Bundle = 4,
}

/// A message, and a slot of a mailbox. A CONDITION uses all fields; a TASK_NORMAL_DONE `task`,
/// `slot`, `expected` and `kind`; a WORK_DONE `addr`, `expected`, `engine` and `kind`, a
/// WORKER_LOST `addr`, `expected` and `kind`; `task` and `slot` of both are all ones. A BUNDLE is
/// laid out in its own way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_message {
    /// Position in the mailbox + 1. Written by the library; ignored in what is pushed.
    pub seq: u64,
    /// Task id: ring in bits 39..32, local number in bits 31..0; all ones is none.
    pub task: u64,
    /// CONDITION: device address that it watches. WORK_DONE: position of the item in the work
    /// ring. WORKER_LOST: the worker's name.
    pub addr: u64,
    /// CONDITION: the engine's own value (post id, queue handle).
    pub cookie: u64,
    /// CONDITION: value to reach. TASK_NORMAL_DONE: number of conditions to expect. WORK_DONE: 0,
    /// or the worker's own code: the item failed. WORKER_LOST: 1 if its item may be done twice.
    pub expected: u32,
    /// CONDITION: a `finbox_engine`. WORK_DONE: what the item bore as its correlation.
    pub engine: u32,
    /// CONDITION: a `finbox_completion`.
    pub completion_type: i32,
    /// A `finbox_kind`.
    pub kind: u32,
    /// The task's slot: ring 8 bits, index 24, generation 32.
    pub slot: u64,
    /// Run epoch. Written by the library; ignored in what is pushed.
    pub epoch: u32,
    /// 0.
    pub reserved: u32,
}

/// The first two lines of a mailbox, for debuggers and for firmware that speaks the layout itself.
/// Every field is an atomic and may change at any time.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_mailbox_header {
    /// Next position to be claimed; far away once the mailbox is condemned.
    pub head: u64,
    /// A copy of `tail` that may lag.
    pub tail_copy: u64,
    /// `FINBOX_MAILBOX_MAGIC` once all else is written.
    pub magic: u64,
    /// Version of this layout.
    pub version: u32,
    /// Capacity in messages, a power of two.
    pub slots: u32,
    /// Epoch of the run.
    pub epoch: u32,
    /// Claim lines behind the slots.
    pub claimers: u32,
    /// 1 once condemned.
    pub state: u32,
    /// Name of the consumer, 0 if it gave the mailbox up.
    pub consumer: u32,
    /// Up to the end of the line.
    pub reserved: [u8; 16],
    /// Next position to be taken, as far as the producers are told.
    pub tail: u64,
    /// Up to the end of the line.
    pub reserved_tail: [u8; 56],
}

/// A claim line: what one named producer has in hand. Every field is an atomic.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_claim_line {
    /// The producer's name, 0 if the line is free.
    pub owner: u32,
    /// 0.
    pub reserved: u32,
    /// Low half: first position, high half: how many positions are claimed and not published.
    pub in_hand: u64,
    /// Up to the end of the line.
    pub reserved_tail: [u8; 48],
}

const fn low(word: u64) -> u32 {
    (word & 0xFFFF_FFFF) as u32
}

const fn high(word: u64) -> u32 {
    (word >> 32) as u32
}

const fn pack(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

/// Whether these words are a message of run `epoch`, of whatever kind.
pub(crate) fn is_message(words: &Words, epoch: u32) -> bool {
    Message::decode(words, epoch).is_ok() || is_bundle_or_of_worker(words, epoch)
}

/// In a call of its own: the others pay nothing for it.
#[inline(never)]
fn is_bundle_or_of_worker(words: &Words, epoch: u32) -> bool {
    Bundle::decode(words, epoch).is_ok() || WorkerMessage::decode(words, epoch).is_ok()
}

/// Most parts of a message.
pub const FINBOX_MESSAGE_PARTS: usize = 3;

/// Takes a BUNDLE apart: `parts` become its CONDITIONs and then its TASK_NORMAL_DONE, `count` how
/// many these are; what is left of `parts` is zero. Any other message is its own only part.
///
/// MALFORMED_MESSAGE: it is a BUNDLE that no producer made.
///
/// # Safety
/// `message` points to a message, `parts` to room for `FINBOX_MESSAGE_PARTS`, `count` to a number;
/// all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_message_parts(
    message: *const finbox_message,
    parts: *mut finbox_message,
    count: *mut u32,
) -> finbox_status {
    guard(|| {
        not_null(message, "message")?;
        not_null(parts, "parts")?;
        not_null(count, "count")?;
        // SAFETY: neither null nor misaligned, so readable by the caller's word.
        let message = unsafe { message.read() };
        let found = message
            .parts()
            .map_err(|why| Problem::Malformed { index: 0, why })?;
        let mut all = [finbox_message::default(); FINBOX_MESSAGE_PARTS];
        let mut some = 0;
        for (place, part) in all.iter_mut().zip(found.into_iter().flatten()) {
            *place = part;
            some += 1;
        }
        // SAFETY: room for as many, by the caller's word.
        unsafe {
            parts
                .cast::<[finbox_message; FINBOX_MESSAGE_PARTS]>()
                .write(all)
        };
        // SAFETY: writable by the caller's word.
        unsafe { count.write(some) };
        Ok(())
    })
}

impl finbox_message {
    /// The message in this wire form, as one of run `epoch`.
    #[inline]
    pub(crate) fn decode(&self, epoch: u32) -> Result<Message, Malformed> {
        Message::decode(&self.words(epoch), epoch)
    }

    fn words(&self, epoch: u32) -> Words {
        [
            self.task,
            self.addr,
            self.cookie,
            pack(self.expected, self.engine),
            pack(self.completion_type as u32, self.kind),
            self.slot,
            pack(epoch, self.reserved),
        ]
    }

    fn parts(&self) -> Result<[Option<Self>; FINBOX_MESSAGE_PARTS], Malformed> {
        let (words, position) = (self.words(self.epoch), self.seq.wrapping_sub(1));
        if !Bundle::is_kind_of(&words) {
            return Ok([Some(*self), None, None]);
        }
        let bundle = Bundle::decode(&words, self.epoch)?;
        let part = |message: Message| Self::of(position, &message.encode(self.epoch));
        Ok([
            Some(part(Message::Condition(bundle.first()))),
            bundle.second().map(Message::Condition).map(part),
            bundle.done().map(Message::NormalDone).map(part),
        ])
    }

    /// What stood at `position`, message or not.
    #[inline]
    pub(crate) fn of(position: u64, words: &Words) -> Self {
        let [task, addr, cookie, expected_engine, type_kind, slot, tail] = *words;
        Self {
            seq: position.wrapping_add(1),
            task,
            addr,
            cookie,
            expected: low(expected_engine),
            engine: high(expected_engine),
            completion_type: low(type_kind) as i32,
            kind: high(type_kind),
            slot,
            epoch: low(tail),
            reserved: high(tail),
        }
    }
}

const_assert_eq!(size_of::<usize>(), 8);
const_assert_eq!(FINBOX_MAILBOX_MAGIC, MAGIC);
const_assert_eq!(FINBOX_MAX_PRODUCERS, finbox_mailbox::MAX_CLAIMERS);

const_assert_eq!(size_of::<finbox_message>(), 64);
const_assert_eq!(offset_of!(finbox_message, seq), 0);
const_assert_eq!(offset_of!(finbox_message, task), 8);
const_assert_eq!(offset_of!(finbox_message, addr), 16);
const_assert_eq!(offset_of!(finbox_message, cookie), 24);
const_assert_eq!(offset_of!(finbox_message, expected), 32);
const_assert_eq!(offset_of!(finbox_message, engine), 36);
const_assert_eq!(offset_of!(finbox_message, completion_type), 40);
const_assert_eq!(offset_of!(finbox_message, kind), 44);
const_assert_eq!(offset_of!(finbox_message, slot), 48);
const_assert_eq!(offset_of!(finbox_message, epoch), 56);
const_assert_eq!(offset_of!(finbox_message, reserved), 60);

const_assert_eq!(size_of::<finbox_mailbox_header>(), size_of::<Header>());
const_assert_eq!(offset_of!(finbox_mailbox_header, magic), 16);
const_assert_eq!(offset_of!(finbox_mailbox_header, epoch), 32);
const_assert_eq!(offset_of!(finbox_mailbox_header, consumer), 44);
const_assert_eq!(offset_of!(finbox_mailbox_header, tail), 64);
const_assert_eq!(size_of::<finbox_claim_line>(), size_of::<ClaimLine>());
const_assert_eq!(offset_of!(finbox_claim_line, in_hand), 8);
const_assert!(FINBOX_LINE_BYTES == size_of::<finbox_mailbox::Line>());
