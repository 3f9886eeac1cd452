//! The mailbox on real threads. What an edge carries beside payloads stands in plain memory here.

use std::num::NonZeroU32;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use finbox_mailbox::{
    Line, Occupant, PlaceError, Producer, PushError, Sharing, TryLock, WakeToken, attach_shared,
    place_occupied, place_shared, region_lines,
};
use finbox_tests::arena::{done, drain, push, with_lines, with_mailbox};

use crate::plain::{Plain, both, join, spin, spin_until};

fn name() -> NonZeroU32 {
    NonZeroU32::MIN
}

fn plain() -> Arc<Plain<u64>> {
    Arc::default()
}

/// A payload, from publication to consumer.
pub(crate) fn publish() {
    with_mailbox(2, u64::MAX, |producer, mut consumer| {
        let pusher = move || assert!(push(&producer, 7));
        both(pusher, || {
            spin_until(|| drain(&mut consumer, 2) == [7]);
        });
    });
}

/// A slot, from the consumer's last read to its next writer.
pub(crate) fn reuse() {
    with_mailbox(2, 0, |producer, mut consumer| {
        assert!(push(&producer, 0) && push(&producer, 1));
        let pusher = move || spin_until(|| push(&producer, 2));
        both(pusher, || assert_eq!(drain(&mut consumer, 2), [0, 1]));
        assert_eq!(drain(&mut consumer, 2), [2]);
    });
}

/// Two producers on two slots: one may learn of room from the copy that the other left.
pub(crate) fn two_producers() {
    const EACH: u64 = 2_000;
    with_mailbox(2, 0, |producer: Producer<'static>, mut consumer| {
        let pusher = move |first: u64| {
            move || (first..first + EACH).for_each(|task| spin_until(|| push(&producer, task)))
        };
        let threads = [0, EACH].map(|first| thread::spawn(pusher(first)));
        let mut taken = 0;
        spin_until(|| {
            taken += drain(&mut consumer, 2).len() as u64;
            taken == 2 * EACH
        });
        threads.into_iter().for_each(join);
    });
}

/// Whoever claims behind another knows what that one knew when it claimed.
pub(crate) fn claim_order() {
    with_mailbox(4, 0, |producer, _consumer| {
        let known = [plain(), plain()];
        let seen = known.clone();
        let claims = move |known: &[Arc<Plain<u64>>; 2], index: usize| {
            known[index].set(1);
            let claimed = producer.claim(1).expect("there is room for both");
            if claimed.position() == 1 {
                assert_eq!(known[1 - index].get(), 1);
            }
        };
        both(move || claims(&seen, 1), || claims(&known, 0));
    });
}

/// Whoever is refused by a condemned mailbox knows what was done before.
pub(crate) fn condemned() {
    with_mailbox(2, 0, |producer, mut consumer| {
        let (why, is_over) = (plain(), Arc::new(AtomicBool::new(false)));
        let (said, over) = (Arc::clone(&why), Arc::clone(&is_over));
        let pusher = move || {
            // It orders nothing; only head does.
            spin_until(|| over.load(Relaxed));
            assert_eq!(producer.push(&done(1)), Err(PushError::Condemned));
            assert_eq!(said.get(), 9);
        };
        both(pusher, || {
            why.set(9);
            consumer.condemn();
            is_over.store(true, Relaxed);
        });
    });
}

/// Whoever condemns a mailbox knows what each claimer did before its claim.
pub(crate) fn condemn_after_claim() {
    with_mailbox(2, 0, |producer, mut consumer| {
        let news = plain();
        let told = Arc::clone(&news);
        let claimer = move || {
            told.set(5);
            let _claimed = producer.claim(1).expect("there is room");
        };
        both(claimer, || {
            // A hint, which orders nothing.
            spin_until(|| consumer.depth_hint() > 0);
            consumer.condemn();
            assert_eq!(news.get(), 5);
        });
    });
}

/// A claim line, from its last owner to the next.
pub(crate) fn claim_line() {
    with_lines(2, 1, |producer, _consumer| {
        let work = plain();
        let (did, own) = (
            Arc::clone(&work),
            producer.register(name()).expect("it is free"),
        );
        let owner = move || {
            did.set(3);
            drop(own);
        };
        both(owner, || {
            let _next = spin(|| producer.register(name()).ok());
            assert_eq!(work.get(), 3);
        });
    });
}

/// Memory that threads reach as another process would: mapped, and of no Rust type.
struct Region {
    base: NonNull<Line>,
    lines: usize,
}

impl Region {
    fn new(slots: u32) -> Self {
        let lines = region_lines(slots) + 1;
        let memory = vec![Line([0; 64]); lines].into_boxed_slice();
        let base = NonNull::from(Box::leak(memory)).cast();
        Self { base, lines }
    }

    /// Frees it. Plain memory again, of which nobody else has anything.
    fn free(self) {
        let slice = NonNull::slice_from_raw_parts(self.base, self.lines);
        // SAFETY: leaked by `new`; every thread that had handles on it is joined.
        drop(unsafe { Box::from_raw(slice.as_ptr()) });
    }
}

/// A header and its sequences, from placement to whoever attaches.
pub(crate) fn attach() {
    let region = Region::new(2);
    let (base, lines) = (region.base.as_ptr() as usize, region.lines);
    let before = plain();
    let told = Arc::clone(&before);
    let attacher = move || {
        let base = NonNull::new(base as *mut Line).expect("it came from one");
        // SAFETY: the region lives until this thread is joined.
        let producer = spin(|| unsafe { attach_shared(base, lines) }.ok());
        assert_eq!(told.get(), 8);
        assert!(push(&producer, 1));
    };
    both(attacher, || {
        before.set(8);
        // SAFETY: the region lives on, and this is its only consumer.
        let placed = unsafe { place_shared(region.base, region.lines, 2, 0, 1) };
        let (_, mut consumer) = placed.expect("it fits");
        spin_until(|| drain(&mut consumer, 2) == [1]);
    });
    region.free();
}

/// Memory, from the last producer that leaves it to whoever places anew.
pub(crate) fn deserted() {
    let region = Region::new(2);
    // SAFETY: the region lives on, and this is its only consumer.
    let placed = unsafe { place_shared(region.base, region.lines, 2, 0, 1) };
    let (producer, mut consumer) = placed.expect("it fits");
    let own = producer.register(name()).expect("the line is free");
    let work = plain();
    let did = Arc::clone(&work);
    let owner = move || {
        did.set(4);
        drop(own);
    };
    both(owner, || {
        consumer.condemn();
        let placed = spin(|| {
            // SAFETY: the region lives on, and the consumer before is not used again.
            match unsafe { place_shared(region.base, region.lines, 2, 0, 1) } {
                Err(PlaceError::Attached { .. }) => None,
                placed => Some(placed),
            }
        });
        assert!(placed.is_ok());
        assert_eq!(work.get(), 4);
    });
    region.free();
}

/// Memory, from the consumer that gives its seat up to the one that takes it.
pub(crate) fn seat() {
    let region = Region::new(2);
    let (base, lines, sharing) = (region.base, region.lines, Sharing::Shared);
    let occupant = |name| Occupant {
        name: NonZeroU32::new(name).expect("names are not 0"),
        instead_of: None,
    };
    // SAFETY: the region lives on, and whoever is refused consumes nothing.
    let place = |name| unsafe { place_occupied(base, lines, 2, sharing, (0, 1), occupant(name)) };
    let (_, consumer, seat) = place(1).expect("nobody sits there");
    let work = plain();
    let did = Arc::clone(&work);
    let first = move || {
        {
            let _consumer = consumer;
            did.set(4);
        }
        drop(seat);
    };
    both(first, || {
        let _next = spin(|| place(2).ok());
        assert_eq!(work.get(), 4);
    });
    region.free();
}

/// A value, from one holder of its lock to the next.
pub(crate) fn try_lock() {
    const EACH: u64 = 3;
    let lock = Arc::new(TryLock::new(0_u64));
    let other = Arc::clone(&lock);
    let add = |lock: &TryLock<u64>| {
        (0..EACH).for_each(|_| *spin(|| lock.try_lock()) += 1);
    };
    both(move || add(&other), || add(&lock));
    assert_eq!(*lock.try_lock().expect("nobody holds it"), 2 * EACH);
}

/// News, from the ringer to the sleeper.
pub(crate) fn ring() {
    let shared = Arc::new((WakeToken::default(), Plain::<u64>::default()));
    let other = Arc::clone(&shared);
    let ringer = move || {
        other.1.set(6);
        other.0.ring()
    };
    let must_unpark = both(ringer, || {
        spin_until(|| shared.0.clear());
        assert_eq!(shared.1.get(), 6);
    });
    assert!(!must_unpark, "it never parked");
}

/// Who sleeps, from the sleeper to whoever must unpark it.
pub(crate) fn park() {
    let shared = Arc::new((WakeToken::default(), Plain::<u64>::default()));
    let other = Arc::clone(&shared);
    let sleeper = move || {
        other.1.set(2);
        spin_until(|| {
            other.0.clear();
            other.0.try_park()
        });
    };
    both(sleeper, || {
        spin_until(|| shared.0.ring());
        assert_eq!(shared.1.get(), 2);
    });
}
