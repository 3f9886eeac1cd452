//! An item's way: pushed by the dispatch thread, taken and said to be done by a worker, believed by
//! the dispatch thread, which starts what comes behind it.

use std::num::NonZeroU32;

use finbox_mailbox::work::{NoWork, Worker};
use finbox_mailbox::{Producer, WorkDone, WorkerLost, WorkerMessage};
use finbox_scheduler::Shape;
use finbox_tests::outcomes::expect_all;
use loom::thread;

use crate::chip::Chip;
use crate::wiring::Output;

/// Claims once, does what it got and says so; whether it got anything.
fn serve(worker: &mut Worker<'static>, mailbox: Producer<'static>, output: &Output) -> bool {
    let work = match worker.claim() {
        Ok(work) => work,
        Err(NoWork::Empty | NoWork::NotYet { .. }) => return false,
        Err(other) => panic!("{other}"),
    };
    output.write();
    let done = WorkerMessage::Done(WorkDone {
        position: work.position,
        correlation: work.item.correlation,
        status: 0,
    });
    mailbox.for_workers().push(&done).expect("there is room");
    worker.done(work.position).expect("it is in hand");
    true
}

#[test]
fn a_consumer_starts_behind_an_item_and_sees_what_its_worker_wrote() {
    let expected = ["at once", "next time", "nothing yet"];
    expect_all("offer, claim, say, drain", &expected, || {
        let mut chip = Chip::with_work(2, 1);
        let ring = chip.scheduler.work_ring().expect("it was asked for");
        let mailbox = chip.scheduler.mailbox();
        let mut worker = ring.register(NonZeroU32::MIN).expect("a line is free");
        let item = chip.submit_as(&[], |spec| spec.shape = Shape::Work);
        chip.submit(&[item]);
        chip.pass();
        let output = Output::new();
        let written = loom::sync::Arc::clone(&output);
        let other = thread::spawn(move || {
            let took = serve(&mut worker, mailbox, &written);
            (took, worker)
        });
        chip.pass();
        chip.pass();
        let at_once = !chip.port.rung().is_empty();
        if at_once {
            assert_eq!(output.read(), 1);
        }
        let (took, mut worker) = other.join().unwrap();
        if !took {
            assert!(serve(&mut worker, mailbox, &output), "it was pushed");
        }
        chip.pass();
        assert_eq!(chip.port.rung(), [1], "the consumer starts exactly once");
        let ledger = *chip.dispatcher.ledger();
        assert_eq!((ledger.worked, ledger.work_done), (1, 1));
        drop(worker);
        chip.end();
        match (at_once, took) {
            (true, _) => "at once",
            (false, true) => "next time",
            (false, false) => "nothing yet",
        }
    });
}

/// A worker says so, and dies before the ring hears of it; somebody says the same, and that it is
/// gone. Its message counts, or else its item is left, and fails.
#[test]
fn what_is_said_twice_counts_once_and_what_a_dead_worker_left_is_taken_over() {
    let expected = ["completed", "failed"];
    expect_all("item, said twice or left", &expected, || {
        let mut chip = Chip::with_work(2, 1);
        let ring = chip.scheduler.work_ring().expect("it was asked for");
        let mailbox = chip.scheduler.mailbox();
        let mut worker = ring.register(NonZeroU32::MIN).expect("a line is free");
        let item = chip.submit_as(&[], |spec| spec.shape = Shape::Work);
        chip.pass();
        chip.pass();
        let work = worker.claim().expect("it was pushed");
        let done = WorkerMessage::Done(WorkDone {
            position: work.position,
            correlation: work.item.correlation,
            status: 0,
        });
        let lost = WorkerMessage::Lost(WorkerLost {
            name: 1,
            is_idempotent: false,
        });
        let other = thread::spawn(move || {
            drop(worker);
            mailbox.for_workers().push(&lost).expect("there is room");
        });
        let said = mailbox.for_workers().push(&done).is_ok();
        chip.pass();
        other.join().unwrap();
        chip.pass();
        let ledger = *chip.dispatcher.ledger();
        assert!(chip.scheduler.is_finished(item) && said);
        assert_eq!(ledger.completed + ledger.failed, 1);
        assert_eq!(ledger.work_done + ledger.work_duplicate, 1);
        assert_eq!(ledger.work_left, ledger.failed);
        assert_eq!(ring.in_flight(), 0, "the line is free");
        chip.end();
        match ledger.completed {
            1 => "completed",
            _ => "failed",
        }
    });
}
