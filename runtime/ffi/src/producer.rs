//! The sending end across the ABI.

use core::ffi::c_void;
use core::num::NonZeroU32;
use core::ptr::NonNull;

use finbox_abi::{Given, Versioned, finbox_slab_entry, no_extension, not_null, only, read};
use finbox_mailbox::sync::UnsafeCell;
use finbox_mailbox::{
    Claimed, Done, Line, Malformed, Message, NamedProducer, Producer, PushError, SlotBits,
    attach_shared,
};

use crate::edition::{guard, named};
use crate::handle::{Handle, finbox_consumer, finbox_producer};
use crate::problem::Problem;
use crate::status::finbox_status;
use crate::wire::{FINBOX_LINE_BYTES, finbox_message};

/// What `finbox_producer_attach` wants to know.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_attach_args {
    /// `FINBOX_ATTACH_ARGS_SIZE`.
    pub struct_size: usize,
    /// Null: no extension exists yet.
    pub next: *const c_void,
    /// Where the mailbox stands in this process, on a 64-byte boundary.
    pub memory: *mut c_void,
    /// How large the memory is.
    pub size_bytes: usize,
    /// Name that gaps of this producer bear, such as a process id; 0 for none.
    pub name: u32,
    /// 0.
    pub flags: u32,
}

// SAFETY: integers and pointers, 40 bytes without padding.
unsafe impl Versioned for finbox_attach_args {
    const NAME: &'static str = "finbox_attach_args";
    const MINIMUM: usize = 40;
}

/// Writes message `index` of a batch into `message`, which is all zero before. Must not unwind, and
/// must not use a producer that has a name and is being pushed with.
pub type finbox_fill = Option<
    unsafe extern "C-unwind" fn(context: *mut c_void, index: u32, message: *mut finbox_message),
>;

/// What a producer's storage holds.
pub(crate) enum Sender {
    /// Any number of threads at once.
    Anonymous(Producer<'static>),
    /// One thread at a time, by the contract of every function that takes a producer.
    Named(UnsafeCell<NamedProducer<'static>>),
}

impl Sender {
    pub(crate) fn new(
        producer: Producer<'static>,
        name: Option<NonZeroU32>,
    ) -> Result<Self, Problem> {
        Ok(match name {
            None => Self::Anonymous(producer),
            Some(name) => Self::Named(UnsafeCell::new(producer.register(name)?)),
        })
    }

    #[inline]
    fn producer(&self) -> Producer<'static> {
        match self {
            Self::Anonymous(producer) => *producer,
            // SAFETY: whoever uses the named one now is this thread, by the contract.
            Self::Named(named) => named.with(|named| unsafe { &*named }.producer()),
        }
    }

    #[inline(always)]
    fn push(&self, message: &Message) -> Result<(), PushError> {
        match self {
            Self::Anonymous(producer) => producer.push(message),
            // SAFETY: one thread at a time, by the contract, and it is in no callback: the handle
            // would not be free.
            Self::Named(named) => named.with_mut(|named| unsafe { &mut *named }.push(message)),
        }
    }

    #[inline]
    fn claim(&self, count: u32) -> Option<Claimed<'_>> {
        match self {
            Self::Anonymous(producer) => producer.claim(count),
            // SAFETY: as in `push`; while the claim lives the handle is taken or in no callback.
            Self::Named(named) => named.with_mut(|named| unsafe { &mut *named }.claim(count)),
        }
    }

    /// Claims, or says why nothing could be; `None` if nothing was asked for.
    #[inline]
    fn claim_some(&self, count: u32) -> Result<Option<Claimed<'_>>, Problem> {
        match self.claim(count) {
            None if count > 0 => Err(self.refusal().into()),
            claimed => Ok(claimed),
        }
    }

    #[cold]
    fn refusal(&self) -> PushError {
        let producer = self.producer();
        if producer.is_condemned() {
            return PushError::Condemned;
        }
        let slots = producer.slots();
        finbox_mailbox::Full { slots }.into()
    }
}

/// Makes a producer of the mailbox that `consumer` drains, in the consumer's own process.
///
/// With a `name` other than 0 it owns a claim line: a gap that it leaves bears the name, and one
/// thread at a time may use it. Without, any number of threads may, and its gaps are nameless.
/// It serves until `finbox_producer_leave`, and the mailbox's memory must live as long.
///
/// May be refused with BUSY while another thread uses `consumer`.
///
/// # Safety
/// `consumer` and `producer` point to storage of theirs that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_producer_open(
    consumer: *mut finbox_consumer,
    name: u32,
    producer: *mut finbox_producer,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let producer = unsafe { Handle::at(producer) }?;
        let reserved = producer.reserve()?;
        // SAFETY: handed on to the caller.
        let consumer = unsafe { Handle::at(consumer) }?;
        let held = consumer.lock()?;
        reserved.fill(Sender::new(held.producer, NonZeroU32::new(name))?);
        Ok(())
    })
}

/// Makes a producer of a mailbox that another process placed in memory that both map, or that this
/// process placed there without `FINBOX_PLACE_OWN`. As `finbox_producer_open` otherwise.
///
/// # Safety
/// `args` points to what its size says. Its memory is mapped, readable and writable, until the
/// producer has left, and nobody reads or writes it but through this library and by atomics.
/// `producer` points to storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_producer_attach(
    args: *const finbox_attach_args,
    producer: *mut finbox_producer,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let args = unsafe { read(args) }?;
        no_extension(args.next, finbox_attach_args::NAME)?;
        only(0, args.flags.into())?;
        let memory = args.memory.cast::<Line>();
        not_null(memory, "memory")?;
        // SAFETY: handed on to the caller.
        let producer = unsafe { Handle::at(producer) }?;
        let reserved = producer.reserve()?;
        let base = NonNull::new(memory).expect("seen above");
        let lines = args.size_bytes / FINBOX_LINE_BYTES;
        // SAFETY: live for as long as the producer, by the caller's word.
        let attached = unsafe { attach_shared(base, lines) }?;
        reserved.fill(Sender::new(attached, NonZeroU32::new(args.name))?);
        Ok(())
    })
}

/// Gives the producer up, and its claim line if it has one. What it pushed stays. Its storage
/// serves again.
///
/// # Safety
/// `producer` points to a producer's storage, and no other thread uses it from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_producer_leave(producer: *mut finbox_producer) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let producer = unsafe { Handle::at(producer) }?;
        producer.lock()?.destroy();
        Ok(())
    })
}

/// Pushes one CONDITION of `task` in `slot`: what a core registered in `entry`.
///
/// FULL and CONDEMNED leave it yours. Never blocks, takes no lock and allocates nothing; a producer
/// without a name may be used by any number of threads at once, one with a name by one.
///
/// # Safety
/// `producer` points to a producer's storage, `entry` to an entry; both live until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_producer_push_condition(
    producer: *mut finbox_producer,
    task: u64,
    slot: u64,
    entry: *const finbox_slab_entry,
) -> finbox_status {
    guard(|| {
        not_null(entry, "entry")?;
        // SAFETY: neither null nor misaligned, so readable by the caller's word.
        let entry = unsafe { entry.read() };
        let message = entry.condition(task, slot);
        let message = message.map_err(|why| Problem::Malformed { index: 0, why })?;
        // SAFETY: handed on to the caller.
        unsafe { push(producer, &message) }
    })
}

/// Pushes one TASK_NORMAL_DONE: the last subtask of `task` in `slot` retired, and `expected`
/// CONDITIONs belong to it. As `finbox_producer_push_condition` otherwise.
///
/// # Safety
/// `producer` points to a producer's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_producer_push_normal_done(
    producer: *mut finbox_producer,
    task: u64,
    slot: u64,
    expected: u32,
) -> finbox_status {
    guard(|| {
        let message = Message::NormalDone(Done {
            task,
            slot: SlotBits(slot),
            expected,
        });
        // SAFETY: handed on to the caller.
        unsafe { push(producer, &message) }
    })
}

/// # Safety
/// `producer` points to a producer's storage that lives until the call returns.
#[inline(always)]
unsafe fn push(producer: *mut finbox_producer, message: &Message) -> Result<(), Problem> {
    // SAFETY: handed on to the caller.
    let producer = unsafe { Handle::at(producer) }?;
    // SAFETY: nobody destroys it while it is used, by the caller's word.
    let sender = unsafe { producer.shared() }?;
    Ok(sender.push(message)?)
}

/// Pushes the first of `count` messages, as many as fit, in order and in neighbouring positions;
/// `accepted` becomes how many. OK if that is at least one, or `count` is 0.
///
/// All are looked at before: if one is malformed, none is pushed. One exchange, whatever the count.
/// As `finbox_producer_push_condition` otherwise.
///
/// # Safety
/// `producer` points to a producer's storage, `messages` to `count` messages that nobody writes,
/// `accepted` to a number; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_producer_push_batch(
    producer: *mut finbox_producer,
    messages: *const finbox_message,
    count: u32,
    accepted: *mut u32,
) -> finbox_status {
    guard(|| {
        not_null(accepted, "accepted")?;
        if count > 0 {
            not_null(messages, "messages")?;
        }
        // SAFETY: handed on to the caller.
        let producer = unsafe { Handle::at(producer) }?;
        // SAFETY: nobody destroys it while it is used, by the caller's word.
        let sender = unsafe { producer.shared() }?;
        let message = |index: u32| {
            // SAFETY: below `count`, so one of the caller's messages.
            let at = unsafe { messages.add(index as usize) };
            // SAFETY: as above.
            unsafe { at.read() }.decode(0)
        };
        for index in 0..count {
            if let Err(why) = message(index) {
                return Err(Problem::Malformed { index, why });
            }
        }
        let mut fill = |index: u32| message(index);
        // SAFETY: writable by the caller's word.
        unsafe { publish_some(sender.claim_some(count), &mut fill, accepted) }
    })
}

/// Claims room for up to `count` messages, then has `fill` write one after another into it;
/// `accepted` becomes how many were written. OK if that is at least one, or `count` is 0.
///
/// Delivery stands still behind a message that is being written. If one is malformed, or `fill`
/// panics, the rest of what was claimed is published as void messages, which the consumer finds
/// malformed: no gap is left. As `finbox_producer_push_condition` otherwise; a producer with a
/// name answers REENTERED from inside `fill`.
///
/// # Safety
/// As for `finbox_producer_push_batch`; `fill` may be called with `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_producer_push_batch_with(
    producer: *mut finbox_producer,
    count: u32,
    fill: finbox_fill,
    context: *mut c_void,
    accepted: *mut u32,
) -> finbox_status {
    guard(|| {
        not_null(accepted, "accepted")?;
        let fill = fill.ok_or(Given::Null("fill"))?;
        // SAFETY: handed on to the caller.
        let producer = unsafe { Handle::at(producer) }?;
        let mut message = |index: u32| {
            let mut message = finbox_message::default();
            // SAFETY: the caller's function, with the caller's context.
            let call = || unsafe { fill(context, index, &raw mut message) };
            named("fill", call);
            message.decode(0)
        };
        // SAFETY: nobody destroys it while it is used, by the caller's word.
        let sender = unsafe { producer.shared() }?;
        if let Sender::Anonymous(sender) = sender {
            let sender = Sender::Anonymous(*sender);
            // SAFETY: writable by the caller's word.
            return unsafe { publish_some(sender.claim_some(count), &mut message, accepted) };
        }
        let publish = |sender: &Sender| {
            // SAFETY: writable by the caller's word.
            unsafe { publish_some(sender.claim_some(count), &mut message, accepted) }
        };
        producer.lock()?.calling(publish)
    })
}

/// Publishes what `build` makes in all that was claimed, and counts in `accepted`.
///
/// # Safety
/// `accepted` is writable.
#[inline]
unsafe fn publish_some(
    claimed: Result<Option<Claimed<'_>>, Problem>,
    build: &mut impl FnMut(u32) -> Result<Message, Malformed>,
    accepted: *mut u32,
) -> Result<(), Problem> {
    // SAFETY: writable by the caller's word.
    unsafe { accepted.write(0) };
    let Some(mut claimed) = claimed? else {
        return Ok(());
    };
    for index in 0..claimed.left() {
        match build(index) {
            Ok(message) => claimed.publish(&message),
            Err(why) => return Err(Problem::Malformed { index, why }),
        }
        // SAFETY: as above.
        unsafe { accepted.write(index + 1) };
    }
    Ok(())
}

/// How many messages seem to be claimed and not taken: a statistic, stale when it arrives. Any
/// thread that may push with `producer`.
///
/// # Safety
/// `producer` points to a producer's storage, `depth` to a number; both live until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_producer_depth_hint(
    producer: *mut finbox_producer,
    depth: *mut u32,
) -> finbox_status {
    guard(|| {
        not_null(depth, "depth")?;
        // SAFETY: handed on to the caller.
        let producer = unsafe { Handle::at(producer) }?;
        // SAFETY: nobody destroys it while it is used, by the caller's word.
        let sender = unsafe { producer.shared() }?;
        // SAFETY: writable by the caller's word.
        unsafe { depth.write(sender.producer().depth_hint()) };
        Ok(())
    })
}
