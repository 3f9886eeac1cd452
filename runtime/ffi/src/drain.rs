//! Taking messages across the ABI: into an array, through a callback, and out of a condemned
//! mailbox. What is no message of the run is told apart and never lost.

use core::ffi::c_void;
use core::num::NonZeroU32;

use finbox_abi::{Answer, Given, Versioned, not_null};
use finbox_mailbox::{Drained, Salvage, Stop, Ticket, Words};

use crate::consumer::Consuming;
use crate::edition::{guard, named};
use crate::handle::{Handle, finbox_consumer};
use crate::status::finbox_status;
use crate::wire::{finbox_message, is_message};

/// What ended a drain: values of `finbox_drained`'s `stop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_stop {
    /// Nothing more can be taken now: empty, or a producer is between claim and publish.
    Gap = 0,
    /// The room or the budget is used up; there may be more.
    Budget = 1,
    /// The mailbox is condemned: a drain takes nothing, a recovery is through.
    Condemned = 2,
    /// The callback wanted no more.
    Callback = 3,
}

/// How much a drain took and what ended it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_drained {
    /// `FINBOX_DRAINED_SIZE`, set by the caller.
    pub struct_size: usize,
    /// Messages of this run.
    pub taken: u32,
    /// What is no message of this run: unknown kinds, void messages, another epoch's.
    pub malformed: u32,
    /// A recovery: positions that were claimed and never published.
    pub missing: u32,
    /// A `finbox_stop`.
    pub stop: u32,
}

// SAFETY: integers, 24 bytes without padding.
unsafe impl Versioned for finbox_drained {
    const NAME: &'static str = "finbox_drained";
    const MINIMUM: usize = 24;
}

/// Values of `finbox_salvage`'s `what`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_found {
    /// A message of this run.
    Message = 0,
    /// Something else was published here.
    Malformed = 1,
    /// Nothing: claimed and never published.
    Missing = 2,
}

/// What a recovery found at a position.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_salvage {
    /// Where.
    pub position: u64,
    /// A `finbox_found`.
    pub what: u32,
    /// Missing: name of the producer that claimed it; 0 if it has none.
    pub claimer: u32,
    /// Missing: how many other producers announced the position as well and may be the ones.
    pub others: u32,
    /// 0.
    pub reserved: u32,
    /// What was published; all zero where nothing was.
    pub message: finbox_message,
}

static_assertions::const_assert_eq!(size_of::<finbox_salvage>(), 88);
static_assertions::const_assert_eq!(core::mem::offset_of!(finbox_salvage, message), 24);

/// Gets a copy of each message, in order, after its slot went back to the producers. `verdict` is
/// OK, or MALFORMED_MESSAGE for what is no message of this run. Returns 0 to go on, anything else
/// to end the drain. Must not unwind; the consumer answers REENTERED from inside it.
pub type finbox_take = Option<
    unsafe extern "C-unwind" fn(
        context: *mut c_void,
        verdict: finbox_status,
        message: *const finbox_message,
    ) -> i32,
>;

impl finbox_drained {
    fn new(stop: Stop) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            taken: 0,
            malformed: 0,
            missing: 0,
            stop: match stop {
                Stop::Gap => finbox_stop::Gap as u32,
                Stop::Budget => finbox_stop::Budget as u32,
                Stop::Condemned => finbox_stop::Condemned as u32,
            },
        }
    }
}

impl Consuming {
    /// Adds to what the consumer has seen.
    fn count(&mut self, drained: &finbox_drained) {
        self.taken += u64::from(drained.taken) + u64::from(drained.malformed);
        self.malformed += u64::from(drained.malformed);
        self.missing += u64::from(drained.missing);
    }
}

/// Takes up to `capacity` messages in order and copies them to `messages`. Those of this run stand
/// in front, `taken` of them in order; what is no message of this run stands at the end of the
/// array, the first of it last, `malformed` of it. Never blocks.
///
/// One thread at a time: another gets BUSY. OK also when there was nothing; a condemned mailbox
/// gives nothing and says so in `stop`.
///
/// # Safety
/// `consumer` points to a consumer's storage, `messages` to room for `capacity` messages, `drained`
/// to what its size says; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_consumer_try_drain(
    consumer: *mut finbox_consumer,
    messages: *mut finbox_message,
    capacity: u32,
    drained: *mut finbox_drained,
) -> finbox_status {
    guard(|| {
        if capacity > 0 {
            not_null(messages, "messages")?;
        }
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(drained) }?;
        // SAFETY: handed on to the caller.
        let consumer = unsafe { Handle::at(consumer) }?;
        let mut held = consumer.lock()?;
        let epoch = held.consumer.epoch();
        let (mut taken, mut malformed) = (0, 0);
        let take = |ticket: Ticket, words: &Words| {
            let index = match is_message(words, epoch) {
                true => {
                    taken += 1;
                    taken - 1
                }
                false => {
                    malformed += 1;
                    capacity - malformed
                }
            };
            // SAFETY: one place for each of at most `capacity` messages, front and end together.
            let target = unsafe { messages.add(index as usize) };
            // SAFETY: as above.
            unsafe { target.write(finbox_message::of(ticket.position(), words)) };
        };
        let Drained { stop, .. } = held.consumer.drain(capacity, take);
        let result = finbox_drained {
            taken,
            malformed,
            ..finbox_drained::new(stop)
        };
        held.count(&result);
        answer.put(&result);
        Ok(())
    })
}

/// Takes up to `budget` messages in order and gives a copy of each to `take`, whose slot is free
/// again before: however long `take` needs, no producer waits for it.
///
/// One thread at a time: another gets BUSY, or REENTERED while `take` runs. If `take` panics, the
/// message counts as taken. Otherwise as `finbox_consumer_try_drain`.
///
/// # Safety
/// `consumer` points to a consumer's storage, `drained` to what its size says; both live until the
/// call returns. `take` may be called with `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_consumer_try_drain_with(
    consumer: *mut finbox_consumer,
    budget: u32,
    take: finbox_take,
    context: *mut c_void,
    drained: *mut finbox_drained,
) -> finbox_status {
    guard(|| {
        let take = take.ok_or(Given::Null("take"))?;
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(drained) }?;
        // SAFETY: handed on to the caller.
        let consumer = unsafe { Handle::at(consumer) }?;
        let mut held = consumer.lock()?;
        let epoch = held.consumer.epoch();
        let mut total = finbox_drained::new(Stop::Budget);
        answer.put(&total);
        for _ in 0..budget {
            let mut found = None;
            let copy = |ticket: Ticket, words: &Words| found = Some((ticket, *words));
            let Drained { stop, .. } = held.consumer.drain(1, copy);
            let Some((ticket, words)) = found else {
                total.stop = finbox_drained::new(stop).stop;
                break;
            };
            let is_message = is_message(&words, epoch);
            let one = finbox_drained {
                taken: is_message.into(),
                malformed: (!is_message).into(),
                ..total
            };
            held.count(&one);
            total.taken += one.taken;
            total.malformed += one.malformed;
            answer.put(&total);
            let verdict = match is_message {
                true => finbox_status::Ok,
                false => finbox_status::MalformedMessage,
            };
            let message = finbox_message::of(ticket.position(), &words);
            // SAFETY: the caller's function, with the caller's context.
            let call = || unsafe { take(context, verdict, &raw const message) };
            if held.calling(|_| named("take", call)) != 0 {
                total.stop = finbox_stop::Callback as u32;
                break;
            }
        }
        answer.put(&total);
        Ok(())
    })
}

/// Condemns the mailbox if it is not yet, and copies up to `capacity` of the positions that were
/// claimed and not drained to `found`, each once and in order: every published message, gaps or
/// not, and for every other who claimed it. Call it until `stop` is CONDEMNED.
///
/// One thread at a time: another gets BUSY.
///
/// # Safety
/// `consumer` points to a consumer's storage, `found` to room for `capacity` of them, `drained` to
/// what its size says; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_consumer_recover(
    consumer: *mut finbox_consumer,
    found: *mut finbox_salvage,
    capacity: u32,
    drained: *mut finbox_drained,
) -> finbox_status {
    guard(|| {
        if capacity > 0 {
            not_null(found, "found")?;
        }
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(drained) }?;
        // SAFETY: handed on to the caller.
        let consumer = unsafe { Handle::at(consumer) }?;
        let mut held = consumer.lock()?;
        let epoch = held.consumer.epoch();
        let mut total = finbox_drained::new(Stop::Budget);
        let mut index = 0;
        let take = |ticket: Ticket, salvage: Salvage<'_>| {
            let salvage = salvaged(ticket, salvage, epoch);
            match salvage.what {
                what if what == finbox_found::Message as u32 => total.taken += 1,
                what if what == finbox_found::Malformed as u32 => total.malformed += 1,
                _ => total.missing += 1,
            }
            // SAFETY: at most `capacity` positions are visited.
            let target = unsafe { found.add(index) };
            // SAFETY: as above.
            unsafe { target.write(salvage) };
            index += 1;
        };
        let Drained { stop, .. } = held.consumer.recover(capacity, take);
        total.stop = finbox_drained::new(stop).stop;
        held.count(&total);
        answer.put(&total);
        Ok(())
    })
}

fn salvaged(ticket: Ticket, salvage: Salvage<'_>, epoch: u32) -> finbox_salvage {
    let position = ticket.position();
    let nothing = finbox_salvage {
        position,
        what: finbox_found::Missing as u32,
        claimer: 0,
        others: 0,
        reserved: 0,
        message: finbox_message::default(),
    };
    match salvage {
        Salvage::Missing(claimers) => finbox_salvage {
            claimer: claimers.name.map_or(0, NonZeroU32::get),
            others: claimers.others,
            ..nothing
        },
        Salvage::Message(words) => finbox_salvage {
            what: match is_message(words, epoch) {
                true => finbox_found::Message as u32,
                false => finbox_found::Malformed as u32,
            },
            message: finbox_message::of(position, words),
            ..nothing
        },
    }
}
