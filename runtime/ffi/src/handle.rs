//! Handles in the caller's storage: one word says what stands there and who has it.
//!
//! The word is the handle's kind, mixed with its own address, and a state. One exchange therefore
//! both recognises a handle and takes it: storage that was never made, was copied from elsewhere,
//! was overwritten or destroyed, or that another call uses, is refused by the same comparison.
//! Waiting is never done. Called by whatever takes a handle.

use core::mem::{self, MaybeUninit};
use core::ops::{Deref, DerefMut};

use finbox_abi::not_null;
use finbox_mailbox::edge;
use finbox_mailbox::sync::{AtomicU64, UnsafeCell};

use crate::consumer::Consuming;
use crate::problem::{Problem, Unusable};
use crate::producer::Sender;
use crate::scheduler::Placed;

/// Storage for the sending end of a mailbox. All zero before it is first used, and never copied or
/// moved while it is a handle.
#[derive(Debug)]
#[repr(C)]
pub struct finbox_producer {
    /// The library's.
    pub opaque: [u64; 16],
}

/// Storage for the receiving end of a mailbox. All zero before it is first used, and never copied
/// or moved while it is a handle.
#[derive(Debug)]
#[repr(C)]
pub struct finbox_consumer {
    /// The library's.
    pub opaque: [u64; 32],
}

/// Storage for a scheduler. All zero before it is first used, and never copied or moved while it is
/// a handle.
#[derive(Debug)]
#[repr(C)]
pub struct finbox_scheduler {
    /// The library's.
    pub opaque: [u64; 8],
}

/// What a kind of storage holds.
pub(crate) trait Storage {
    type Body;
    const NAME: &'static str;
    /// The word of a handle at address 0; the low three bits are the state's.
    const KIND: u64;
}

impl Storage for finbox_producer {
    type Body = Sender;
    const NAME: &'static str = "producer";
    const KIND: u64 = u64::from_le_bytes(*b"\0FBprod\xA5");
}

impl Storage for finbox_consumer {
    type Body = Consuming;
    const NAME: &'static str = "consumer";
    const KIND: u64 = u64::from_le_bytes(*b"\0FBcons\xA5");
}

impl Storage for finbox_scheduler {
    type Body = Placed;
    const NAME: &'static str = "scheduler";
    const KIND: u64 = u64::from_le_bytes(*b"\0FBsche\xA5");
}

const FREE: u64 = 1;
const HELD: u64 = 2;
const CALLING: u64 = 3;
const MAKING: u64 = 4;
const DESTROYED: u64 = 5;
const STATE: u64 = 7;

/// A view of storage, whatever it holds.
#[repr(C)]
pub(crate) struct Handle<S: Storage> {
    word: AtomicU64,
    body: UnsafeCell<MaybeUninit<S::Body>>,
}

const _: () = assert!(
    size_of::<Handle<finbox_producer>>() <= size_of::<finbox_producer>()
        && align_of::<Handle<finbox_producer>>() <= align_of::<finbox_producer>(),
    "a producer fits its storage"
);
const _: () = assert!(
    size_of::<Handle<finbox_consumer>>() <= size_of::<finbox_consumer>()
        && align_of::<Handle<finbox_consumer>>() <= align_of::<finbox_consumer>(),
    "a consumer fits its storage"
);

const _: () = assert!(
    size_of::<Handle<finbox_scheduler>>() <= size_of::<finbox_scheduler>()
        && align_of::<Handle<finbox_scheduler>>() <= align_of::<finbox_scheduler>(),
    "a scheduler's handle fits its storage"
);

impl<S: Storage> Handle<S> {
    /// Looks at storage.
    ///
    /// # Safety
    /// `storage` is null, misaligned, or points to storage of kind `S` that lives until the call
    /// returns and that only this library writes.
    #[inline]
    pub(crate) unsafe fn at<'h>(storage: *mut S) -> Result<&'h Self, Problem> {
        not_null(storage, S::NAME)?;
        // SAFETY: the view fits the storage and is valid for any bytes; the rest is the caller's
        // word.
        Ok(unsafe { &*storage.cast::<Self>() })
    }

    #[inline]
    fn word_of(&self, state: u64) -> u64 {
        let address = core::ptr::from_ref(self).addr() as u64;
        (S::KIND ^ address) | state
    }

    #[cold]
    fn unusable(&self, found: u64) -> Problem {
        let why = match found & STATE {
            _ if found & !STATE != self.word_of(0) => Unusable::NotAHandle(S::NAME),
            HELD | MAKING => Unusable::Busy(S::NAME),
            CALLING => Unusable::Reentered(S::NAME),
            DESTROYED => Unusable::Destroyed(S::NAME),
            _ => Unusable::NotAHandle(S::NAME),
        };
        why.into()
    }

    /// Takes the handle for one call.
    #[inline]
    pub(crate) fn lock(&self) -> Result<Held<'_, S>, Problem> {
        let (free, held) = (self.word_of(FREE), self.word_of(HELD));
        // EDGE LOCK <- UNLOCK. Everything the call before did. RELAXED for whoever is refused, who
        // touches nothing (LOCK_BUSY).
        let taken = self
            .word
            .compare_exchange(free, held, edge::LOCK, edge::LOCK_BUSY);
        taken.map_err(|found| self.unusable(found))?;
        Ok(Held { handle: self })
    }

    /// The body, without taking the handle: for what several threads may do at once.
    ///
    /// # Safety
    /// The handle is not destroyed before the reference is gone.
    #[inline]
    pub(crate) unsafe fn shared(&self) -> Result<&S::Body, Problem> {
        // EDGE LOCK <- UNLOCK. What made the handle.
        let found = self.word.load(edge::LOCK);
        if found != self.word_of(FREE) {
            return Err(self.unusable(found));
        }
        // SAFETY: FREE says that a body was written; nobody destroys it, by the caller's word, and
        // whoever takes the handle meanwhile has only such bodies as may be shared.
        Ok(self.body.with(|body| unsafe { &*body.cast::<S::Body>() }))
    }

    /// Takes storage that holds nothing, to make a handle of it.
    pub(crate) fn reserve(&self) -> Result<Reserved<'_, S>, Problem> {
        let making = self.word_of(MAKING);
        for empty in [0, self.word_of(DESTROYED)] {
            // EDGE LOCK <- UNLOCK. The end of the handle before. RELAXED failure: nothing is
            // touched (LOCK_BUSY).
            let taken = self
                .word
                .compare_exchange(empty, making, edge::LOCK, edge::LOCK_BUSY);
            if taken.is_ok() {
                return Ok(Reserved {
                    handle: self,
                    empty,
                });
            }
        }
        Err(Unusable::InUse(S::NAME).into())
    }
}

/// Storage that becomes a handle, or, dropped, what it was.
pub(crate) struct Reserved<'h, S: Storage> {
    handle: &'h Handle<S>,
    empty: u64,
}

impl<S: Storage> Reserved<'_, S> {
    pub(crate) fn fill(self, body: S::Body) {
        let target = |at: *mut MaybeUninit<S::Body>| {
            // SAFETY: MAKING made this the only call that touches the body.
            unsafe { at.write(MaybeUninit::new(body)) };
        };
        self.handle.body.with_mut(target);
        // EDGE UNLOCK -> LOCK. The body.
        let free = self.handle.word_of(FREE);
        self.handle.word.store(free, edge::UNLOCK);
        mem::forget(self);
    }
}

impl<S: Storage> Drop for Reserved<'_, S> {
    fn drop(&mut self) {
        // EDGE UNLOCK -> LOCK. Nothing was made.
        self.handle.word.store(self.empty, edge::UNLOCK);
    }
}

/// A handle that this call has taken, given back on drop.
pub(crate) struct Held<'h, S: Storage> {
    handle: &'h Handle<S>,
}

impl<S: Storage> Held<'_, S> {
    /// Runs what calls back: whoever comes to the handle meanwhile is told so.
    pub(crate) fn calling<R>(&mut self, call: impl FnOnce(&S::Body) -> R) -> R {
        let word = &self.handle.word;
        // EDGE UNLOCK -> LOCK. Whoever finds it goes away; the exchange wants FREE.
        word.store(self.handle.word_of(CALLING), edge::UNLOCK);
        let result = call(self);
        // EDGE UNLOCK -> LOCK. As above.
        word.store(self.handle.word_of(HELD), edge::UNLOCK);
        result
    }

    /// Ends the handle.
    pub(crate) fn destroy(self) {
        let end = |body: *mut MaybeUninit<S::Body>| {
            // SAFETY: HELD made this the only call that touches the body, which is not used again.
            unsafe { body.cast::<S::Body>().drop_in_place() };
        };
        self.handle.body.with_mut(end);
        // EDGE UNLOCK -> LOCK. The body's end.
        let destroyed = self.handle.word_of(DESTROYED);
        self.handle.word.store(destroyed, edge::UNLOCK);
        mem::forget(self);
    }
}

impl<S: Storage> Deref for Held<'_, S> {
    type Target = S::Body;

    #[inline]
    fn deref(&self) -> &S::Body {
        let body = |at: *const MaybeUninit<S::Body>| at.cast::<S::Body>();
        // SAFETY: HELD says that a body stands here and makes this call the only one to touch it.
        self.handle.body.with(|at| unsafe { &*body(at) })
    }
}

impl<S: Storage> DerefMut for Held<'_, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut S::Body {
        let body = |at: *mut MaybeUninit<S::Body>| at.cast::<S::Body>();
        // SAFETY: as in `deref`, and `&mut self` makes the borrow exclusive.
        self.handle.body.with_mut(|at| unsafe { &mut *body(at) })
    }
}

impl<S: Storage> Drop for Held<'_, S> {
    #[inline]
    fn drop(&mut self) {
        // EDGE UNLOCK -> LOCK. Everything this call did.
        let free = self.handle.word_of(FREE);
        self.handle.word.store(free, edge::UNLOCK);
    }
}
