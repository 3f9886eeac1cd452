//! The work ring through the C ABI: items in, workers, what the dead left, what is refused.

use std::ptr;
use std::thread::{self, ScopedJoinHandle};

use finbox::*;
use finbox_mailbox::Line;

use crate::mailbox::{OK, c, last_error};

/// A ring of 4 items and 3 workers, on dirty memory.
struct Ring {
    memory: Vec<Line>,
    handle: Box<finbox_work_ring>,
}

// SAFETY: a test's threads use a handle at once, as C may.
unsafe impl Sync for Ring {}

fn no_worker() -> Box<finbox_worker> {
    Box::new(finbox_worker { opaque: [0; 20] })
}

fn item(correlation: u32) -> finbox_work_item {
    finbox_work_item {
        offset: 64 * correlation,
        length: 64,
        rule_set: 3,
        correlation,
    }
}

fn claim(worker: &mut finbox_worker) -> (finbox_status, u64, u32) {
    let mut work = finbox_work::default();
    let status = c!(finbox_worker_claim(worker, &mut work));
    (status, work.position, work.item.correlation)
}

fn done(worker: &mut finbox_worker, position: u64) -> (finbox_status, u32) {
    let mut correlation = 0;
    let status = c!(finbox_worker_done(worker, position, &mut correlation));
    (status, correlation)
}

fn leave(worker: &mut finbox_worker) {
    assert_eq!(c!(finbox_worker_leave(worker)), OK);
}

impl Ring {
    fn new() -> Self {
        let mut bytes = 0;
        assert_eq!(c!(finbox_work_ring_bytes(4, 3, &mut bytes)), OK);
        assert_eq!(bytes, 128 + 4 * 32 + 3 * 64);
        let mut ring = Self {
            memory: vec![Line([0xAA; 64]); bytes / 64],
            handle: Box::new(finbox_work_ring { opaque: [0; 12] }),
        };
        let args = ring.args();
        assert_eq!(c!(finbox_work_ring_place(&args, ring.at())), OK);
        ring
    }

    fn args(&mut self) -> finbox_work_ring_args {
        finbox_work_ring_args {
            struct_size: size_of::<finbox_work_ring_args>(),
            next: ptr::null(),
            memory: self.memory.as_mut_ptr().cast(),
            size_bytes: self.memory.len() * 64,
            slots: 4,
            workers: 3,
            flags: 0,
        }
    }

    fn at(&self) -> *mut finbox_work_ring {
        ptr::from_ref(&*self.handle).cast_mut()
    }

    fn push(&self, correlation: u32) -> (finbox_status, u64) {
        let mut position = u64::MAX;
        let status = c!(finbox_work_ring_push(
            self.at(),
            &item(correlation),
            &mut position
        ));
        (status, position)
    }

    fn worker(&self, name: u32) -> Box<finbox_worker> {
        let mut worker = no_worker();
        assert_eq!(
            c!(finbox_work_ring_register(self.at(), name, &mut *worker)),
            OK
        );
        worker
    }

    /// Whether a position is done, who has it, and how many items are in flight.
    fn ask(&self, position: u64) -> (u32, u32, u64) {
        let (mut is_done, mut holder, mut in_flight) = (9, 9, 9);
        assert_eq!(
            c!(finbox_work_ring_is_done(self.at(), position, &mut is_done)),
            OK
        );
        assert_eq!(
            c!(finbox_work_ring_holder(self.at(), position, &mut holder)),
            OK
        );
        assert_eq!(
            c!(finbox_work_ring_in_flight(self.at(), &mut in_flight)),
            OK
        );
        (is_done, holder, in_flight)
    }

    fn close(&self) -> finbox_status {
        c!(finbox_work_ring_close(self.at()))
    }

    fn end(&self) {
        assert_eq!(c!(finbox_work_ring_destroy(self.at())), OK);
    }
}

#[test]
fn an_item_arrives_with_its_fields_and_is_done_once_by_the_worker_that_holds_it() {
    let ring = Ring::new();
    let (mut one, mut two) = (ring.worker(11), ring.worker(12));
    assert_eq!(claim(&mut one).0, finbox_status::Empty);
    assert_eq!((ring.push(5), ring.push(6)), ((OK, 0), (OK, 1)));
    assert_eq!(ring.ask(0), (0, 0, 2));
    let mut work = finbox_work::default();
    assert_eq!(c!(finbox_worker_claim(&mut *one, &mut work)), OK);
    assert_eq!((work.position, work.item), (0, item(5)));
    assert_eq!(
        (ring.ask(0), claim(&mut one).0),
        ((0, 11, 2), finbox_status::Holding)
    );
    let mut held = finbox_work::default();
    assert_eq!(c!(finbox_worker_in_hand(&mut *one, &mut held)), OK);
    assert_eq!((held, done(&mut two, 0).0), (work, finbox_status::NotHeld));
    assert_eq!(done(&mut one, 0), (OK, 5));
    assert_eq!(
        (done(&mut one, 0).0, ring.ask(0)),
        (finbox_status::Duplicate, (1, 0, 1))
    );
    let in_hand = c!(finbox_worker_in_hand(&mut *one, &mut held));
    assert_eq!(
        (in_hand, claim(&mut two)),
        (finbox_status::Empty, (OK, 1, 6))
    );
    assert_eq!(done(&mut two, 1), (OK, 6));
    leave(&mut one);
    leave(&mut two);
    ring.end();
}

#[test]
fn a_full_ring_takes_what_fits_of_a_batch() {
    let ring = Ring::new();
    let items: Vec<_> = (0..6).map(item).collect();
    let (mut first, mut accepted) = (9, 9);
    let mut push = |items: &[finbox_work_item]| {
        let count = u32::try_from(items.len()).expect("few");
        let (at, items) = (ring.at(), items.as_ptr());
        let status = c!(finbox_work_ring_push_batch(
            at,
            items,
            count,
            &mut first,
            &mut accepted
        ));
        (status, first, accepted)
    };
    assert_eq!(push(&items), (OK, 0, 4));
    assert_eq!(push(&items).0, finbox_status::Full);
    assert_eq!(ring.push(7).0, finbox_status::Full);
    assert!(last_error().contains("none of its 4") || last_error().contains("its 4 slots"));
    assert_eq!(push(&[]).0, OK);
    let mut worker = ring.worker(1);
    assert_eq!(claim(&mut worker), (OK, 0, 0));
    assert_eq!(
        push(&items),
        (OK, 4, 1),
        "a slot is free when its item was taken"
    );
    leave(&mut worker);
    ring.end();
}

#[test]
fn what_a_dead_worker_had_is_buried_and_recovered_at_its_position() {
    let ring = Ring::new();
    let (mut dead, mut gone) = (ring.worker(21), ring.worker(22));
    assert_eq!((ring.push(1), ring.push(2)), ((OK, 0), (OK, 1)));
    assert_eq!((claim(&mut dead).1, claim(&mut gone).1), (0, 1));
    leave(&mut gone);
    let (mut heir, mut left) = (no_worker(), 9);
    let recover =
        |dead, heir: &mut finbox_worker| c!(finbox_work_ring_recover(ring.at(), dead, 30, heir));
    assert_eq!(
        recover(21, &mut heir),
        finbox_status::NothingLeft,
        "it lives"
    );
    assert_eq!(c!(finbox_work_ring_bury(ring.at(), 21, &mut left)), OK);
    assert_eq!((left, recover(21, &mut heir)), (1, OK));
    assert_eq!((done(&mut heir, 0), ring.ask(0).0), ((OK, 1), 1));
    leave(&mut heir);
    assert_eq!((recover(22, &mut heir), done(&mut heir, 1)), (OK, (OK, 2)));
    assert_eq!(recover(22, &mut no_worker()), finbox_status::NothingLeft);
    leave(&mut heir);
    ring.end();
}

#[test]
fn every_line_has_one_worker() {
    let ring = Ring::new();
    let mut workers = [1, 2, 3].map(|name| ring.worker(name));
    let register = |worker: &mut finbox_worker| c!(finbox_work_ring_register(ring.at(), 4, worker));
    let mut fourth = no_worker();
    assert_eq!(register(&mut fourth), finbox_status::NoLine);
    leave(&mut workers[1]);
    assert_eq!(register(&mut fourth), OK);
    ring.end();
    assert_eq!(
        claim(&mut fourth).0,
        finbox_status::Empty,
        "a worker outlives the handle"
    );
    let [first, _, third] = &mut workers;
    for worker in [&mut fourth, first, third] {
        leave(worker);
    }
}

#[test]
fn a_closed_ring_lets_workers_go_when_all_of_it_was_taken() {
    let ring = Ring::new();
    let (mut one, mut two) = (ring.worker(1), ring.worker(2));
    assert_eq!(ring.push(5), (OK, 0));
    assert_eq!((ring.close(), ring.close()), (OK, OK));
    assert_eq!(ring.push(6).0, finbox_status::Closed);
    assert_eq!(
        last_error(),
        "the work ring is closed: it takes no more items"
    );
    let (items, mut first, mut accepted) = ([item(6), item(7)], 9, 9);
    let mut push_batch = |count| {
        let (at, items) = (ring.at(), items.as_ptr());
        let (first, accepted) = (&mut first, &mut accepted);
        let status = c!(finbox_work_ring_push_batch(
            at, items, count, first, accepted
        ));
        (status, *accepted)
    };
    assert_eq!(push_batch(2), (finbox_status::Closed, 9));
    assert_eq!(push_batch(0), (OK, 0));
    assert_eq!(claim(&mut one), (OK, 0, 5));
    assert_eq!(claim(&mut one).0, finbox_status::Holding);
    assert_eq!(claim(&mut two).0, finbox_status::Closed);
    assert!(last_error().contains("closed"), "{}", last_error());
    assert_eq!(done(&mut one, 0), (OK, 5));
    let mut late = ring.worker(3);
    for worker in [&mut one, &mut two, &mut late] {
        assert_eq!(claim(worker).0, finbox_status::Closed);
        leave(worker);
    }
    assert_eq!(ring.ask(0), (1, 0, 0));
    ring.end();
    assert_eq!(ring.close(), finbox_status::Destroyed);
    refused(c!(finbox_work_ring_close(ptr::null_mut())), "work ring");
}

const EACH: u32 = 2_000;

type Sums<'s> = [ScopedJoinHandle<'s, u64>; 2];

/// Pushes for as long as there is a worker to take what it pushes.
fn produce(ring: &Ring, producer: u32, workers: &Sums<'_>) {
    for number in 0..EACH {
        while ring.push(producer * EACH + number).0 == finbox_status::Full {
            let is_over = workers.iter().all(ScopedJoinHandle::is_finished);
            assert!(!is_over, "nobody takes anything any more");
            thread::yield_now();
        }
    }
}

/// The sum of what one worker did, until the ring is closed.
fn consume(ring: &Ring, name: u32) -> u64 {
    let (mut worker, mut sum) = (ring.worker(name), 0);
    loop {
        match claim(&mut worker) {
            (OK, position, correlation) => {
                sum += u64::from(correlation);
                assert_eq!(done(&mut worker, position), (OK, correlation));
            }
            (finbox_status::Closed, ..) => break,
            _ => thread::yield_now(),
        }
    }
    leave(&mut worker);
    sum
}

#[test]
fn two_producers_and_two_workers_lose_nothing() {
    let ring = Ring::new();
    let (pushed, sums) = thread::scope(|scope| {
        let ring = &ring;
        let workers = [1, 2].map(|name| scope.spawn(move || consume(ring, name)));
        // Whoever panics is told of when everybody has ended: the ring is closed before.
        let pushed = thread::scope(|scope| {
            let workers = &workers;
            let producers = [0, 1].map(|one| scope.spawn(move || produce(ring, one, workers)));
            producers.map(ScopedJoinHandle::join)
        });
        assert_eq!(ring.close(), OK);
        (pushed, workers.map(ScopedJoinHandle::join))
    });
    for pushed in pushed {
        pushed.expect("no panic");
    }
    let all = u64::from(2 * EACH);
    let sum: u64 = sums.map(|sum| sum.expect("no panic")).iter().sum();
    assert_eq!(sum, all * (all - 1) / 2);
    assert_eq!(ring.ask(0), (1, 0, 0));
    ring.end();
}

fn refused(status: finbox_status, what: &str) {
    let expected = format!("{what} must not be null");
    assert_eq!(
        (status, last_error()),
        (finbox_status::NullArgument, expected)
    );
}

#[test]
fn null_is_refused_by_its_name() {
    let mut ring = Ring::new();
    let at = ring.at();
    let (none, no_work) = (ptr::null_mut::<finbox_work_ring>(), ptr::null_mut());
    let (mut number, mut count, mut nobody) = (0, 0, no_worker());
    let nobody = &mut *nobody;
    refused(c!(finbox_work_ring_bytes(4, 1, ptr::null_mut())), "bytes");
    refused(
        c!(finbox_work_ring_place(ptr::null(), at)),
        "finbox_work_ring_args",
    );
    let mut args = ring.args();
    refused(c!(finbox_work_ring_place(&args, none)), "work ring");
    args.memory = ptr::null_mut();
    refused(c!(finbox_work_ring_place(&args, at)), "memory");
    refused(c!(finbox_work_ring_destroy(none)), "work ring");
    refused(
        c!(finbox_work_ring_push(at, ptr::null(), &mut number)),
        "item",
    );
    refused(
        c!(finbox_work_ring_push(at, &item(1), ptr::null_mut())),
        "position",
    );
    let items = ptr::null();
    let push = |first, accepted| c!(finbox_work_ring_push_batch(at, items, 1, first, accepted));
    refused(push(ptr::null_mut(), &mut count), "first");
    refused(push(&mut number, ptr::null_mut()), "accepted");
    refused(push(&mut number, &mut count), "items");
    refused(
        c!(finbox_work_ring_is_done(at, 0, ptr::null_mut())),
        "is_done",
    );
    refused(
        c!(finbox_work_ring_holder(at, 0, ptr::null_mut())),
        "holder",
    );
    refused(
        c!(finbox_work_ring_in_flight(at, ptr::null_mut())),
        "in_flight",
    );
    refused(
        c!(finbox_work_ring_register(at, 1, ptr::null_mut())),
        "worker",
    );
    refused(c!(finbox_work_ring_register(none, 1, nobody)), "work ring");
    refused(
        c!(finbox_work_ring_bury(none, 1, ptr::null_mut())),
        "work ring",
    );
    refused(
        c!(finbox_work_ring_recover(at, 1, 2, ptr::null_mut())),
        "worker",
    );
    refused(c!(finbox_worker_claim(nobody, no_work)), "work");
    refused(
        c!(finbox_worker_claim(
            ptr::null_mut(),
            &mut finbox_work::default()
        )),
        "worker",
    );
    refused(
        c!(finbox_worker_done(ptr::null_mut(), 0, ptr::null_mut())),
        "worker",
    );
    refused(c!(finbox_worker_in_hand(nobody, no_work)), "work");
    refused(c!(finbox_worker_leave(ptr::null_mut())), "worker");
    ring.end();
}

#[test]
fn numbers_and_handles_that_are_none_are_refused() {
    use finbox_status::{Destroyed, InUse, InvalidArgument, Misaligned, NotAHandle, TooSmall};
    let mut ring = Ring::new();
    let args = ring.args();
    let mut bytes = 0;
    assert_eq!(
        c!(finbox_work_ring_bytes(3, 1, &mut bytes)),
        InvalidArgument
    );
    assert_eq!(
        c!(finbox_work_ring_bytes(4, 257, &mut bytes)),
        InvalidArgument
    );
    let mut other = finbox_work_ring { opaque: [0; 12] };
    let mut place = |args: &finbox_work_ring_args| c!(finbox_work_ring_place(args, &mut other));
    let short = finbox_work_ring_args {
        size_bytes: args.size_bytes - 1,
        ..args
    };
    assert_eq!(place(&short), TooSmall);
    assert!(
        last_error().ends_with("and 448 are needed"),
        "{}",
        last_error()
    );
    let askew = finbox_work_ring_args {
        memory: args.memory.wrapping_byte_add(32),
        ..args
    };
    assert_eq!(place(&askew), Misaligned);
    assert_eq!(c!(finbox_work_ring_place(&args, ring.at())), InUse);
    let mut worker = no_worker();
    let nameless = c!(finbox_work_ring_register(ring.at(), 0, &mut *worker));
    assert_eq!(nameless, InvalidArgument);
    assert_eq!(last_error(), "a worker's name cannot be 0");
    assert_eq!(
        c!(finbox_work_ring_bury(ring.at(), 0, ptr::null_mut())),
        InvalidArgument
    );
    assert_eq!(
        c!(finbox_work_ring_recover(ring.at(), 1, 0, &mut *worker)),
        InvalidArgument
    );
    assert_eq!(
        (claim(&mut worker).0, done(&mut worker, 0).0),
        (NotAHandle, NotAHandle)
    );
    let mut worker = ring.worker(9);
    leave(&mut worker);
    assert_eq!(
        (claim(&mut worker).0, c!(finbox_worker_leave(&mut *worker))),
        (Destroyed, Destroyed)
    );
    ring.end();
    assert_eq!(
        (ring.push(1).0, c!(finbox_work_ring_destroy(ring.at()))),
        (Destroyed, Destroyed)
    );
}
