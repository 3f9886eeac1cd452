//! Threads of the library's: what a wait says, and what a stop does when a callback stays.

use std::ptr;
use std::sync::Barrier;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use finbox::*;

use crate::chip::{COUNTERS, HANG, NOTHING, Prank};
use crate::mailbox::{OK, c, last_error};
use crate::rig::{Rig, deferred, task};

const FOREVER: u64 = u64::MAX;
const MILLISECOND: u64 = 1_000_000;

fn started(patience_ns: u64) -> Rig {
    let mut rig = Rig::unplaced();
    let args = finbox_scheduler_args {
        patience_ns,
        ..rig.args()
    };
    assert_eq!(rig.place(&args), OK, "{}", last_error());
    assert_eq!(c!(finbox_scheduler_start(rig.at())), OK, "{}", last_error());
    rig
}

fn wait(rig: &Rig, tasks: &[finbox_task], timeout_ns: u64) -> finbox_status {
    let (tasks, count) = (tasks.as_ptr(), tasks.len());
    c!(finbox_scheduler_wait(rig.at(), tasks, count, timeout_ns))
}

fn stop(rig: &Rig) -> finbox_status {
    c!(finbox_scheduler_stop(rig.at()))
}

/// A `load_cond` that stays, and the ends of this test's side.
fn stay(rig: &Rig) -> (Receiver<()>, Sender<()>) {
    let ((said, inside), (let_go, release)) = (channel(), channel());
    rig.chip.play("load_cond", Prank::Stay(said, release));
    (inside, let_go)
}

#[test]
fn the_librarys_threads_finish_what_is_submitted_and_a_wait_sees_it() {
    let rig = started(0);
    let waits = rig.submit(&deferred(1, COUNTERS), &[]);
    let behind = rig.submit(&task(2, NOTHING), &[waits]);
    assert_eq!(wait(&rig, &[waits, behind], 0), finbox_status::Timeout);
    assert_eq!(last_error(), "not finished within the time given");
    rig.chip.notify(COUNTERS, 1);
    assert_eq!(
        wait(&rig, &[behind, waits], FOREVER),
        OK,
        "{}",
        last_error()
    );
    assert_eq!(rig.fate(behind), finbox_fate::Completed as u32);
    for number in 3..200 {
        let next = task(number, NOTHING);
        while rig.try_submit(&next, &[]).0 == finbox_status::NoRoom {
            thread::yield_now();
        }
    }
    assert_eq!(wait(&rig, &[], FOREVER), OK, "{}", last_error());
    assert_eq!(stop(&rig), OK);
    assert_eq!(rig.ledger().completed, 199);
    assert_eq!(rig.destroy(), OK);
}

#[test]
fn what_own_passes_finished_counts_when_the_library_goes_on() {
    let rig = Rig::new();
    rig.submit(&task(1, NOTHING), &[]);
    rig.settle();
    let left = rig.submit(&task(2, NOTHING), &[]);
    assert_eq!(
        wait(&rig, &[left], 0),
        finbox_status::Stopped,
        "nobody would finish it"
    );
    assert_eq!(c!(finbox_scheduler_start(rig.at())), OK);
    assert_eq!(c!(finbox_scheduler_start(rig.at())), finbox_status::Started);
    assert_eq!(wait(&rig, &[], FOREVER), OK, "{}", last_error());
    assert_eq!(stop(&rig), OK);
    assert_eq!(stop(&rig), OK, "none run");
    let behind = rig.submit(&task(3, NOTHING), &[left]);
    rig.settle();
    assert_eq!(rig.fate(behind), finbox_fate::Completed as u32);
}

#[test]
fn a_wait_on_a_chip_that_stands_still_ends_as_stuck_and_the_report_says_why() {
    // Longer than a loaded machine keeps a thread in a callback, which would be blamed.
    let rig = started(500 * MILLISECOND);
    let hangs = rig.submit(&task(4, HANG), &[]);
    assert_eq!(wait(&rig, &[hangs], FOREVER), finbox_status::Stuck);
    let said = "nothing moves, and tasks are unfinished: stop, and ask finbox_scheduler_stalls";
    assert_eq!(last_error(), said);
    let mut count = 0;
    let asked = c!(finbox_scheduler_stalls(
        rig.at(),
        ptr::null_mut(),
        0,
        &mut count
    ));
    assert_eq!(asked, finbox_status::Started);
    assert_eq!(stop(&rig), OK);
    assert!(
        rig.stall_text()
            .starts_with("task 4 of slot 0:0#1 runs on core ")
    );
}

/// Fault 41: a callback that blocks is named by the wait and by the stop, and nothing hangs.
#[test]
fn f41_a_callback_that_blocks_is_named_and_the_scheduler_stays_until_it_comes_back() {
    let rig = started(MILLISECOND);
    let (inside, let_go) = stay(&rig);
    let task = rig.submit(&task(1, NOTHING), &[]);
    inside
        .recv()
        .expect("a handler's thread is in its callback");
    let named = |status| {
        assert_eq!(status, finbox_status::Stuck);
        let said = last_error();
        let at = said.find("FIN handler ").expect("the thread is named");
        assert!(
            said[at..].contains("is inside `load_cond` of core "),
            "{said}"
        );
        assert!(
            said.ends_with("of the port, which has not come back"),
            "{said}"
        );
    };
    named(wait(&rig, &[task], FOREVER));
    named(stop(&rig));
    named(stop(&rig));
    assert_eq!(
        rig.destroy(),
        finbox_status::Started,
        "its memory is still used"
    );
    assert_eq!(wait(&rig, &[task], FOREVER), finbox_status::Stopped);
    drop(let_go);
    while stop(&rig) != OK {
        thread::yield_now();
    }
    rig.settle();
    assert_eq!(rig.fate(task), finbox_fate::Completed as u32);
    assert_eq!(rig.destroy(), OK);
}

#[test]
fn a_stop_ends_the_waits_of_other_threads() {
    let rig = started(0);
    let hangs = rig.submit(&task(1, HANG), &[]);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(&rig, &[hangs], FOREVER));
        assert_eq!(stop(&rig), OK);
        assert_eq!(
            waiting.join().expect("it comes back"),
            finbox_status::Stopped
        );
    });
}

#[test]
fn waits_refuse_nobody_submission_nor_each_other() {
    const TIMES: u32 = 200_000;
    let rig = started(0);
    let hangs = rig.submit(&task(1, HANG), &[]);
    let together = Barrier::new(3);
    thread::scope(|scope| {
        let waits = || {
            together.wait();
            for _ in 0..TIMES {
                let waited = wait(&rig, &[hangs], 0);
                assert_eq!(waited, finbox_status::Timeout, "{}", last_error());
            }
        };
        let _waiting = [scope.spawn(waits), scope.spawn(waits)];
        together.wait();
        for _ in 0..TIMES {
            assert_eq!(rig.fate(hangs), finbox_fate::Unfinished as u32);
        }
    });
    assert_eq!(stop(&rig), OK);
}

#[test]
fn a_scheduler_is_not_destroyed_while_a_wait_or_a_stop_is_inside() {
    for _ in 0..100 {
        let rig = started(0);
        let hangs = rig.submit(&task(1, HANG), &[]);
        thread::scope(|scope| {
            let (said, begins) = channel();
            let (rig, ends) = (&rig, said.clone());
            let waiting = scope.spawn(move || {
                said.send(()).expect("somebody waits for it");
                wait(rig, &[hangs], FOREVER)
            });
            let stopping = scope.spawn(move || {
                ends.send(()).expect("somebody waits for it");
                // Whoever destroys has the handle for an instant, and is refused.
                while stop(rig) == finbox_status::Busy {}
            });
            for _ in 0..2 {
                begins.recv().expect("both begin");
            }
            while rig.destroy() != OK {
                thread::yield_now();
            }
            rig.spoil();
            stopping.join().expect("it comes back");
            let waited = waiting.join().expect("it comes back");
            let begun_late = [finbox_status::Busy, finbox_status::Destroyed];
            assert!(
                waited == finbox_status::Stopped || begun_late.contains(&waited),
                "{waited:?}"
            );
        });
    }
}

#[test]
fn a_wait_refuses_tasks_of_others_before_it_waits() {
    let (rig, other) = (started(0), Rig::new());
    let others = other.submit(&task(1, NOTHING), &[]);
    assert_eq!(wait(&rig, &[others], FOREVER), finbox_status::UnknownTask);
    let null = c!(finbox_scheduler_wait(rig.at(), ptr::null(), 1, FOREVER));
    assert_eq!(null, finbox_status::NullArgument);
    assert_eq!(stop(&rig), OK);
}
