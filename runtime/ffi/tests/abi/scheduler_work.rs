//! Items as tasks through the C ABI: workers take them, and what they say ends the tasks.

use std::mem::offset_of;
use std::ptr;
use std::thread;

use finbox::*;

use crate::chip::NOTHING;
use crate::mailbox::{OK, c, last_error};
use crate::rig::{Rig, task};

const COMPLETED: u32 = finbox_fate::Completed as u32;
const FAILED: u32 = finbox_fate::Failed as u32;
const INVALID: finbox_status = finbox_status::InvalidArgument;

fn no_worker() -> Box<finbox_worker> {
    Box::new(finbox_worker { opaque: [0; 20] })
}

/// Room for 4 items and 3 workers.
fn placed(mailbox_slots: u32) -> Rig {
    let mut rig = Rig::unplaced();
    let args = finbox_scheduler_args {
        mailbox_slots,
        work_slots: 4,
        workers: 3,
        ..rig.args()
    };
    let args = rig.sized(args);
    assert_eq!(rig.place(&args), OK, "{}", last_error());
    rig
}

/// An item of 64 bytes, at as many times its number.
fn item(number: u64) -> finbox_task_args {
    finbox_task_args {
        shape: finbox_shape::Work as u32,
        args: (64 << 32) | (64 * number),
        ..task(number, 3)
    }
}

fn worker(rig: &Rig, name: u32) -> Box<finbox_worker> {
    let mut worker = no_worker();
    let registered = c!(finbox_scheduler_register_worker(
        rig.at(),
        name,
        &mut *worker
    ));
    assert_eq!(registered, OK, "{}", last_error());
    worker
}

fn claim(worker: &mut finbox_worker) -> (finbox_status, finbox_work) {
    let mut work = finbox_work::default();
    let status = c!(finbox_worker_claim(worker, &mut work));
    (status, work)
}

/// The position of the item that it took.
fn take(worker: &mut finbox_worker) -> u64 {
    let (status, work) = claim(worker);
    assert_eq!(status, OK, "{}", last_error());
    work.position
}

fn done(worker: &mut finbox_worker, position: u64) -> finbox_status {
    c!(finbox_worker_done(worker, position, ptr::null_mut()))
}

fn fail(worker: &mut finbox_worker, position: u64, status: u32) -> finbox_status {
    c!(finbox_worker_fail(worker, position, status))
}

fn leave(worker: &mut finbox_worker) {
    assert_eq!(c!(finbox_worker_leave(worker)), OK);
}

fn lose(rig: &Rig, name: u32, flags: u32) -> finbox_status {
    c!(finbox_scheduler_lose_worker(rig.at(), name, flags))
}

fn close(rig: &Rig) -> finbox_status {
    c!(finbox_scheduler_close_work(rig.at()))
}

/// Ends the scheduler; what was counted adds up.
fn end(rig: &Rig) -> finbox_ledger {
    let ledger = rig.ledger();
    let roads = ledger.inline_completed + ledger.deferred + ledger.worked;
    assert_eq!(ledger.completed, roads);
    let back = ledger.work_done + ledger.work_late + ledger.work_left + ledger.work_again;
    assert_eq!(ledger.work_offered, back);
    let heard = ledger.messages_delivered + ledger.messages_reported;
    assert_eq!(ledger.messages_accepted, heard);
    assert_eq!(rig.destroy(), OK, "{}", last_error());
    ledger
}

#[test]
fn an_item_goes_to_a_worker_and_its_task_ends_when_that_says_so() {
    let rig = placed(16);
    let mut worker = worker(&rig, 9);
    let before = rig.submit(&task(1, NOTHING), &[]);
    let scanned = rig.submit(&item(2), &[before]);
    let behind = rig.submit(&task(3, NOTHING), &[scanned]);
    assert_eq!(claim(&mut worker).0, finbox_status::Empty);
    rig.settle();
    let (status, work) = claim(&mut worker);
    let finbox_work_item {
        offset,
        length,
        rule_set,
        ..
    } = work.item;
    assert_eq!((status, offset, length, rule_set), (OK, 128, 64, 3));
    rig.settle();
    assert_eq!(rig.fate(scanned), finbox_fate::Unfinished as u32);
    assert!(rig.stall_text().contains("waits for worker 9"));
    assert_eq!(done(&mut worker, 7), finbox_status::NotHeld);
    assert_eq!(done(&mut worker, work.position), OK);
    assert_eq!(done(&mut worker, work.position), finbox_status::Duplicate);
    rig.settle();
    assert_eq!([scanned, behind].map(|task| rig.fate(task)), [COMPLETED; 2]);
    leave(&mut worker);
    let ledger = end(&rig);
    assert_eq!((ledger.worked, ledger.messages_accepted), (1, 1));
}

#[test]
fn an_item_that_fails_fails_its_task_and_what_is_behind_it() {
    let rig = placed(16);
    let mut worker = worker(&rig, 9);
    let scanned = rig.submit(&item(1), &[]);
    let behind = rig.submit(&item(2), &[scanned]);
    rig.settle();
    let position = take(&mut worker);
    assert_eq!(fail(&mut worker, position, 0), INVALID);
    assert_eq!(fail(&mut worker, position, 7), OK);
    rig.settle();
    assert_eq!([scanned, behind].map(|task| rig.fate(task)), [FAILED; 2]);
    assert_eq!(rig.fault().1, "EXPLICIT_FATAL");
    assert_eq!(claim(&mut worker).0, finbox_status::Empty);
    leave(&mut worker);
    let ledger = end(&rig);
    assert_eq!((ledger.failed, ledger.cancelled), (1, 1));
}

#[test]
fn a_full_mailbox_leaves_the_item_in_its_workers_hand() {
    let rig = placed(2);
    let mut workers = [1, 2, 3].map(|name| worker(&rig, name));
    let tasks = [1, 2, 3].map(|number| rig.submit(&item(number), &[]));
    rig.settle();
    let [first, second, third] = &mut workers;
    let positions = [take(first), take(second), take(third)];
    assert_eq!(done(first, positions[0]), OK);
    assert_eq!(done(second, positions[1]), OK);
    assert_eq!(done(third, positions[2]), finbox_status::Full);
    let mut held = finbox_work::default();
    assert_eq!(c!(finbox_worker_in_hand(&mut **third, &mut held)), OK);
    assert_eq!(held.position, positions[2]);
    rig.settle();
    assert_eq!(done(third, positions[2]), OK);
    rig.settle();
    assert_eq!(tasks.map(|task| rig.fate(task)), [COMPLETED; 3]);
    for worker in &mut workers {
        leave(worker);
    }
    assert_eq!(end(&rig).full, 1);
}

#[test]
fn the_item_of_a_lost_worker_is_pushed_again_or_its_task_fails() {
    let rig = placed(16);
    let (mut dead, mut gone, mut heir) = (worker(&rig, 1), worker(&rig, 2), worker(&rig, 3));
    let [again, lost] = [1, 2].map(|number| rig.submit(&item(number), &[]));
    rig.settle();
    let position = take(&mut dead);
    take(&mut gone);
    leave(&mut gone);
    assert_eq!(rig.destroy(), finbox_status::Outstanding);
    assert_eq!(
        last_error(),
        "worker 1 has not left: let it leave, or say that it is lost"
    );
    assert_eq!(lose(&rig, 1, 2), finbox_status::Unsupported);
    assert_eq!(lose(&rig, 1, FINBOX_LOST_AGAIN), OK);
    assert_eq!(lose(&rig, 2, 0), OK);
    rig.settle();
    assert_eq!((rig.fate(lost), rig.fault().0), (FAILED, 114));
    let found = take(&mut heir);
    assert_ne!(found, position);
    assert_eq!(done(&mut heir, found), OK);
    rig.settle();
    assert_eq!(rig.fate(again), COMPLETED);
    leave(&mut heir);
    let ledger = end(&rig);
    assert_eq!((ledger.work_again, ledger.work_left), (1, 1));
}

#[test]
fn what_a_worker_said_before_it_was_lost_counts() {
    let rig = placed(16);
    let mut dead = worker(&rig, 1);
    let scanned = rig.submit(&item(1), &[]);
    rig.settle();
    let position = take(&mut dead);
    assert_eq!(done(&mut dead, position), OK);
    assert_eq!((lose(&rig, 1, 0), lose(&rig, 1, 0)), (OK, OK));
    rig.settle();
    assert_eq!(rig.fate(scanned), COMPLETED);
    assert_eq!(end(&rig).messages_accepted, 3);
}

#[test]
fn a_closed_ring_is_drained_and_takes_no_more() {
    let rig = placed(16);
    let mut worker = worker(&rig, 1);
    let tasks = [1, 2].map(|number| rig.submit(&item(number), &[]));
    rig.settle();
    assert_eq!((close(&rig), close(&rig)), (OK, OK));
    let late = rig.submit(&item(3), &[]);
    rig.settle();
    assert_eq!((rig.fate(late), rig.fault().0), (FAILED, 115));
    for _ in tasks {
        let position = take(&mut worker);
        assert_eq!(done(&mut worker, position), OK);
    }
    assert_eq!(claim(&mut worker).0, finbox_status::Closed);
    leave(&mut worker);
    rig.settle();
    assert_eq!(tasks.map(|task| rig.fate(task)), [COMPLETED; 2]);
    end(&rig);
}

/// Does what comes until the ring is closed.
fn serve(rig: &Rig, name: u32) -> u32 {
    let (mut worker, mut served) = (worker(rig, name), 0);
    loop {
        match claim(&mut worker) {
            (OK, work) => {
                while done(&mut worker, work.position) == finbox_status::Full {
                    thread::yield_now();
                }
                served += 1;
            }
            (finbox_status::Closed, _) => break,
            _ => thread::yield_now(),
        }
    }
    leave(&mut worker);
    served
}

#[test]
fn three_workers_serve_the_librarys_threads() {
    const ITEMS: u32 = 500;
    let rig = placed(2);
    assert_eq!(c!(finbox_scheduler_start(rig.at())), OK);
    let served = thread::scope(|scope| {
        let rig = &rig;
        let workers = [1, 2, 3].map(|name| scope.spawn(move || serve(rig, name)));
        let submitted = scope.spawn(move || {
            for number in 1..=ITEMS {
                while rig.try_submit(&item(number.into()), &[]).0 == finbox_status::NoRoom {
                    thread::yield_now();
                }
            }
            c!(finbox_scheduler_wait(rig.at(), ptr::null(), 0, u64::MAX))
        });
        let waited = submitted.join();
        assert_eq!(close(rig), OK);
        let served = workers.map(|worker| worker.join().expect("no panic"));
        assert_eq!(waited.expect("no panic"), OK);
        served
    });
    assert_eq!(served.iter().sum::<u32>(), ITEMS);
    assert_eq!(c!(finbox_scheduler_stop(rig.at())), OK);
    let ledger = end(&rig);
    assert_eq!(
        (ledger.worked, ledger.work_done),
        (ITEMS.into(), ITEMS.into())
    );
}

#[test]
fn without_a_ring_a_name_or_a_line_there_are_no_workers() {
    let rig = Rig::new();
    let register =
        |rig: &Rig, name, worker| c!(finbox_scheduler_register_worker(rig.at(), name, worker));
    let mut none = no_worker();
    assert_eq!(register(&rig, 1, &raw mut *none), INVALID);
    assert!(last_error().contains("work_slots"), "{}", last_error());
    assert_eq!([lose(&rig, 1, 0), close(&rig)], [INVALID; 2]);
    assert_eq!(rig.try_submit(&item(1), &[]).0, INVALID);
    assert_eq!(rig.destroy(), OK);
    let rig = placed(16);
    assert_eq!(
        [register(&rig, 0, &raw mut *none), lose(&rig, 0, 0)],
        [INVALID; 2]
    );
    let null = finbox_status::NullArgument;
    assert_eq!(register(&rig, 1, ptr::null_mut()), null);
    assert_eq!(fail(&mut none, 0, 1), finbox_status::NotAHandle);
    assert_eq!(c!(finbox_worker_fail(ptr::null_mut(), 0, 1)), null);
    let mut workers = [1, 2, 3].map(|name| worker(&rig, name));
    assert_eq!(register(&rig, 4, &raw mut *none), finbox_status::NoLine);
    for worker in &mut workers {
        leave(worker);
    }
    assert_eq!(rig.destroy(), OK);
    let gone = finbox_status::Destroyed;
    assert_eq!(register(&rig, 1, &raw mut *none), gone);
    assert_eq!([lose(&rig, 1, 0), close(&rig)], [gone; 2]);
}

#[test]
fn sizes_of_a_work_ring_are_checked_and_an_older_program_has_none() {
    let mut rig = Rig::unplaced();
    let mut bytes_of = |change: fn(&mut finbox_scheduler_args)| {
        let (mut args, mut bytes) = (rig.args(), 0);
        change(&mut args);
        (c!(finbox_scheduler_bytes(&args, &mut bytes)), bytes)
    };
    let (_, plain) = bytes_of(|_| {});
    let (status, with_ring) = bytes_of(|args| (args.work_slots, args.workers) = (4, 3));
    assert!(status == OK && with_ring >= plain + 128 + 4 * 32 + 3 * 64);
    assert_eq!(bytes_of(|args| args.work_slots = 3).0, INVALID);
    assert_eq!(bytes_of(|args| args.workers = 257).0, INVALID);
    let older = bytes_of(|args| {
        args.struct_size = offset_of!(finbox_scheduler_args, work_slots);
        args.work_slots = 3;
    });
    assert_eq!(older, (OK, plain));
}
