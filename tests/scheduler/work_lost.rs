//! Items whose worker died, or of which no message will come: pushed again or failed, each once.

use finbox_mailbox::work::NoWork;
use finbox_scheduler::{Event, FaultCode, Ledger, Outcome, Shape, SlotId};

use crate::fixture::{World, on_each_target};
use crate::work::{name, ring_of, worker};

#[test]
fn the_item_of_a_dead_worker_is_pushed_again_or_fails_and_both_are_told() {
    for is_idempotent in [true, false] {
        on_each_target(&ring_of(2), |world| {
            let (mut dead, mut lives) = (worker(world, 1), worker(world, 2));
            let item = world.item(&[]);
            world.run();
            let work = dead.claim().expect("it was offered");
            world.lose_worker(1, is_idempotent);
            world.run();
            assert!(!world.log.is_finished(item), "it lives");
            drop(dead);
            for _ in 0..2 {
                world.lose_worker(1, is_idempotent);
                world.run();
            }
            let position = work.position;
            if is_idempotent {
                let again = lives.claim().expect("it was pushed again");
                assert_eq!(again.item, work.item);
                assert_eq!(lives.claim(), Err(NoWork::Holding { position: 1 }));
                // What the dead one had said, had it come, would be of the old position.
                world.say(position, work.item.correlation, 1);
                world.run();
                assert!(!world.log.is_finished(item));
                world.end(&mut lives, 0);
                world.run();
                assert_eq!(world.log.outcome(item), Outcome::Completed);
                assert_eq!(world.count(|ledger| ledger.work_stale), 1);
            } else {
                assert_eq!(world.log.outcome(item), Outcome::Failed);
                assert_eq!(world.log.raised()[0].0, FaultCode::WorkerLost);
            }
            let lost = Event::WorkerLost {
                slot: item,
                position,
                worker: name(1),
                again: is_idempotent,
            };
            let told = world.log.events();
            assert_eq!(told.iter().filter(|&&event| event == lost).count(), 1);
            assert_eq!(world.count(Ledger::work_out), 0);
            world.assert_done();
        });
    }
}

#[test]
fn what_a_dead_worker_had_said_counts_and_its_item_is_not_done_again() {
    on_each_target(&ring_of(2), |world| {
        let mut dead = worker(world, 1);
        let item = world.item(&[]);
        world.run();
        let work = dead.claim().expect("it was offered");
        world.say(work.position, work.item.correlation, 0);
        drop(dead);
        world.lose_worker(1, true);
        world.run();
        assert_eq!(world.log.outcome(item), Outcome::Completed);
        assert_eq!(world.count(|ledger| ledger.work_again), 0);
        worker(world, 3);
        world.assert_done();
    });
}

#[test]
fn a_late_item_that_a_dead_worker_left_is_given_up_and_its_slot_rests() {
    on_each_target(&ring_of(2), |world| {
        let mut dead = worker(world, 1);
        let item = world.task(Shape::Work, &[], |spec| spec.run_budget_ns = 10);
        world.run();
        dead.claim().expect("it was offered");
        world.port.pass_time(10_000);
        world.run();
        assert_eq!(world.log.outcome(item), Outcome::Failed);
        assert_eq!(world.scheduler.quarantined().0, 1);
        drop(dead);
        world.lose_worker(1, true);
        world.run();
        assert_eq!(world.scheduler.quarantined().0, 0);
        let codes: Vec<_> = world.log.raised().iter().map(|raised| raised.0).collect();
        assert_eq!(codes, [FaultCode::TaskTimeout], "once");
        assert_eq!(world.count(Ledger::work_out), 0);
        world.assert_done();
    });
}

#[test]
fn an_item_taken_back_stands_behind_a_full_ring_and_its_predicate_is_not_asked_again() {
    on_each_target(&ring_of(2), |world| {
        let (mut dead, mut lives) = (worker(world, 1), worker(world, 2));
        let addr = world.port.counter(0);
        let first = world.task(Shape::Work, &[], |spec| {
            let comparison = finbox_scheduler::Comparison::Equal;
            let value = 0;
            spec.predicate = Some(finbox_scheduler::Predicate {
                addr,
                comparison,
                value,
            });
        });
        let others = [(); 3].map(|()| world.item(&[]));
        world.run();
        dead.claim().expect("it was offered");
        world.run();
        drop(dead);
        world.port.set_counter(0, 1);
        world.lose_worker(1, true);
        world.run();
        let mut order = Vec::new();
        while let Ok(work) = lives.claim() {
            order.push(work.item.correlation as usize);
            world.end(&mut lives, 0);
            world.run();
        }
        let [second, third, fourth] = others;
        assert_eq!(order, [second, third, fourth, first].map(SlotId::index));
        let ledger = world.ledger();
        assert_eq!(
            (ledger.worked, ledger.skipped, ledger.work_again),
            (4, 0, 1)
        );
        world.assert_done();
    });
}

/// Leaves a gap in the mailbox until it is condemned for that.
fn condemn(world: &mut World<'_>) {
    let claimed = world.scheduler.mailbox().claim(1).expect("there is room");
    std::mem::forget(claimed);
    world.pushed_by_hand += 1;
    world.run();
    world.port.pass_time(60_000_000_000);
    world.run();
    assert!(world.scheduler.mailbox().is_condemned());
}

#[test]
fn behind_a_condemned_mailbox_an_item_fails_when_its_worker_is_through() {
    on_each_target(&ring_of(4), |world| {
        let mut workers = [1, 2].map(|number| worker(world, number));
        let items = [(); 2].map(|()| world.item(&[]));
        world.run();
        let held = workers
            .each_mut()
            .map(|worker| worker.claim().expect("two"));
        condemn(world);
        assert!(!world.log.is_finished(items[0]), "its worker has it");
        for (mut worker, work) in workers.into_iter().zip(held) {
            // One is through with its item, the other dies with it.
            if work.position == 0 {
                worker.done(work.position).expect("it holds it");
            }
            drop(worker);
            world.scheduler.work_unsaid();
            world.run();
            let item = items[usize::from(work.position == 1)];
            assert_eq!(world.log.outcome(item), Outcome::Failed);
        }
        let codes: Vec<_> = world.log.raised().iter().map(|raised| raised.0).collect();
        assert_eq!(codes, [FaultCode::MailboxGap; 3]);
        assert_eq!(world.count(Ledger::work_out), 0);
        world.assert_done();
    });
}

#[test]
fn what_nobody_is_left_to_take_fails_when_the_last_worker_of_a_closed_ring_is_lost() {
    on_each_target(&ring_of(4), |world| {
        let (mut last, other) = (worker(world, 1), worker(world, 2));
        let items = [(); 3].map(|()| world.item(&[]));
        world.run();
        last.claim().expect("three were offered");
        drop((last, other));
        world.lose_worker(1, true);
        world.run();
        assert!(world.log.finished().is_empty(), "others may come");
        let mut third = worker(world, 3);
        third.claim().expect("the second was not taken");
        world.scheduler.work_ring().expect("there is one").close();
        world.lose_worker(2, true);
        world.run();
        assert!(world.log.finished().is_empty(), "the third lives");
        drop(third);
        world.lose_worker(3, true);
        world.run();
        let outcomes = items.map(|item| world.log.outcome(item));
        assert_eq!(outcomes, [Outcome::Failed; 3]);
        let mut raised: Vec<_> = world.log.raised().iter().map(|fault| fault.0).collect();
        raised.sort_by_key(|code| *code as u32);
        let none_left = FaultCode::NoWorkerLeft;
        assert_eq!(raised, [FaultCode::WorkerLost, none_left, none_left]);
        assert_eq!(world.count(Ledger::work_out), 0);
        world.assert_done();
    });
}

#[test]
fn behind_a_condemned_mailbox_what_nobody_is_left_to_take_fails_when_the_ring_is_closed() {
    on_each_target(&ring_of(4), |world| {
        let mut last = worker(world, 1);
        let items = [(); 3].map(|()| world.item(&[]));
        world.run();
        last.claim().expect("three were offered");
        condemn(world);
        world.scheduler.work_ring().expect("there is one").close();
        world.scheduler.work_unsaid();
        world.run();
        assert!(world.log.finished().is_empty(), "its worker lives");
        drop(last);
        world.scheduler.work_unsaid();
        world.run();
        let outcomes = items.map(|item| world.log.outcome(item));
        assert_eq!(outcomes, [Outcome::Failed; 3]);
        let codes: Vec<_> = world.log.raised().iter().map(|raised| raised.0).collect();
        let (gap, none_left) = (FaultCode::MailboxGap, FaultCode::NoWorkerLeft);
        assert_eq!(codes, [gap, gap, none_left, none_left]);
        assert_eq!(world.count(Ledger::work_out), 0);
        world.assert_done();
    });
}
