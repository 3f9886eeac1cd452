//! The port: everything the scheduler asks of the machine, in a dozen methods.
//!
//! Implemented by the simulator, by memory-mapped registers on a real chip, and by device
//! libraries. Every implementation is called from several threads at once; the house rules say
//! who may call what: only the owning FIN handler loads a core's COND, only the dispatch thread
//! stages payloads and rings doorbells.

use finbox_mailbox::SlotBits;

use crate::id::{CoreId, SlotId, TaskId, Token};
use crate::spec::Subtasks;

/// What a core needs to run one block of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The task's slot.
    pub slot: SlotId,
    /// The task's number.
    pub task: TaskId,
    /// Which block of the task, from 0.
    pub block: u16,
    /// How many blocks the task has.
    pub blocks: u16,
    /// Which subtask of a mixed block this is; empty for other shapes.
    pub subtask: Subtasks,
    /// Kernel to run: an address or a table index, opaque to the scheduler.
    pub kernel: u64,
    /// The kernel's arguments: an address or a table index, opaque to the scheduler.
    pub args: u64,
}

impl Launch {
    /// Words of a launch as a port may stage it.
    pub const WORDS: usize = 5;

    /// The only block of a task that is not mixed.
    pub const fn single(slot: SlotId, task: TaskId, kernel: u64, args: u64) -> Self {
        Self {
            slot,
            task,
            block: 0,
            blocks: 1,
            subtask: Subtasks::empty(),
            kernel,
            args,
        }
    }

    /// As five words: slot, task, block 16 · blocks 16 · subtask 8, kernel, arguments.
    pub const fn to_words(&self) -> [u64; Self::WORDS] {
        let place = self.block as u64 | (self.blocks as u64) << 16;
        let place = place | (self.subtask.bits() as u64) << 32;
        [
            self.slot.bits().0,
            self.task.0,
            place,
            self.kernel,
            self.args,
        ]
    }

    /// From what [`to_words`](Self::to_words) made.
    #[expect(clippy::cast_possible_truncation, reason = "fields of a packed word")]
    pub const fn from_words([slot, task, place, kernel, args]: [u64; Self::WORDS]) -> Self {
        Self {
            slot: SlotId::from_bits(SlotBits(slot)),
            task: TaskId(task),
            block: place as u16,
            blocks: (place >> 16) as u16,
            subtask: Subtasks::from_bits_truncate((place >> 32) as u8),
            kernel,
            args,
        }
    }
}

/// The machine, as seen by the control CPU.
pub trait Port: Sync {
    /// Reads a core's COND register: bit 31 FIN, bits 30..0 token.
    ///
    /// # Ordering
    /// Acquire: what the core wrote and flushed before this value is visible afterwards (on a
    /// non-coherent target after [`refresh`](Self::refresh)).
    fn load_cond(&self, core: CoreId) -> u32;

    /// Writes `token` to a core's dispatch register (DMB).
    ///
    /// # Ordering
    /// Release: payload, slab and records written before are visible to a core that sees it.
    fn ring_doorbell(&self, core: CoreId, token: Token);

    /// Leaves the launch where the core will look for `token`'s payload.
    fn stage_payload(&self, core: CoreId, token: Token, launch: &Launch);

    /// Device address of the deferred slab of `core` for tokens of this parity; 64-byte aligned.
    fn slab_address(&self, core: CoreId, parity: usize) -> u64;

    /// Whether a kernel may leave an error in its slab whatever its task is: then slabs are looked
    /// at behind every FIN. Where not, tasks that do not defer pay nothing for theirs. Always the
    /// same.
    #[inline]
    fn kernels_fail(&self) -> bool {
        false
    }

    /// Makes the lines that cover `size_bytes` at `addr` current for the control CPU.
    ///
    /// Nothing on a coherent target; drops cached lines on another.
    fn refresh(&self, addr: u64, size_bytes: u64);

    /// Makes what the control CPU wrote in these lines visible to the cores.
    fn clean(&self, addr: u64, size_bytes: u64);

    /// Whether the control CPU may read `size_bytes` at `addr`.
    fn can_read(&self, addr: u64, size_bytes: u64) -> bool;

    /// Acquire load of the aligned `u32` at a readable `addr`.
    fn load_u32(&self, addr: u64) -> u32;

    /// Acquire load of the aligned `u64` at a readable `addr`.
    fn load_u64(&self, addr: u64) -> u64;

    /// Whether the words of the line at `line` that `words` names, its first as bit 0, are what
    /// `seen` says, as many and lowest first. Each is readable, the line is current, and `looks`
    /// conditions are looked at by this.
    ///
    /// A port that counts or charges loads takes one a condition if all are the same, and none if
    /// one is not: then each condition is looked at by itself.
    #[inline]
    fn is_still(&self, line: u64, words: u16, seen: &[u32], looks: u32) -> bool {
        let _ = looks;
        match seen {
            [seen] => self.load_u32(line + u64::from(words.trailing_zeros()) * 4) == *seen,
            _ => several_are_still(self, line, words, seen),
        }
    }

    /// Stores the aligned `u64` at `addr`; used for clearing slabs only.
    fn store_u64(&self, addr: u64, value: u64);

    /// How often the device was reset since this port was made. Counted up before any register
    /// shows the value it has after reset.
    fn incarnation(&self) -> u32 {
        0
    }

    /// Time in nanoseconds, from any start, never going back.
    fn now(&self) -> u64;
}

impl<P: Port + ?Sized> Port for &P {
    #[inline]
    fn kernels_fail(&self) -> bool {
        (**self).kernels_fail()
    }

    #[inline]
    fn load_cond(&self, core: CoreId) -> u32 {
        (**self).load_cond(core)
    }

    #[inline]
    fn ring_doorbell(&self, core: CoreId, token: Token) {
        (**self).ring_doorbell(core, token);
    }

    #[inline]
    fn stage_payload(&self, core: CoreId, token: Token, launch: &Launch) {
        (**self).stage_payload(core, token, launch);
    }

    #[inline]
    fn slab_address(&self, core: CoreId, parity: usize) -> u64 {
        (**self).slab_address(core, parity)
    }

    #[inline]
    fn refresh(&self, addr: u64, size_bytes: u64) {
        (**self).refresh(addr, size_bytes);
    }

    #[inline]
    fn clean(&self, addr: u64, size_bytes: u64) {
        (**self).clean(addr, size_bytes);
    }

    #[inline]
    fn can_read(&self, addr: u64, size_bytes: u64) -> bool {
        (**self).can_read(addr, size_bytes)
    }

    #[inline]
    fn load_u32(&self, addr: u64) -> u32 {
        (**self).load_u32(addr)
    }

    #[inline]
    fn load_u64(&self, addr: u64) -> u64 {
        (**self).load_u64(addr)
    }

    #[inline]
    fn store_u64(&self, addr: u64, value: u64) {
        (**self).store_u64(addr, value);
    }

    #[inline]
    fn is_still(&self, line: u64, words: u16, seen: &[u32], looks: u32) -> bool {
        (**self).is_still(line, words, seen, looks)
    }

    #[inline]
    fn incarnation(&self) -> u32 {
        (**self).incarnation()
    }

    #[inline]
    fn now(&self) -> u64 {
        (**self).now()
    }
}

/// [`Port::is_still`] for more than one word. Out of line: one word is what the loop over lines is
/// there for.
#[inline(never)]
fn several_are_still<P: Port + ?Sized>(port: &P, line: u64, words: u16, seen: &[u32]) -> bool {
    if let Ok(seen) = <&[u32; 16]>::try_from(seen) {
        let changes = (0..).zip(seen);
        let changes = changes.map(|(word, seen)| port.load_u32(line + word * 4) ^ seen);
        return changes.fold(0, |any, change| any | change) == 0;
    }
    let (mut left, mut change) = (words, 0);
    for &seen in seen {
        change |= port.load_u32(line + u64::from(left.trailing_zeros()) * 4) ^ seen;
        left &= left - 1;
    }
    change == 0
}
