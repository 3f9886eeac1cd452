//! Items for persistent workers: pushed when ready, believed by position, each exactly once.

use std::num::NonZeroU32;

use finbox_mailbox::work::{NoWork, Work, Worker};
use finbox_mailbox::{WorkDone, WorkerLost, WorkerMessage};
use finbox_scheduler::{
    Event, FaultCode, Ledger, Limits as Budgets, Outcome, Shape, SlotId, Standing, Start,
    SubmitError,
};
use finbox_tests::house::Limits;

use crate::fixture::{World, on_each_target};

/// A ring of `work_slots`, for three workers.
pub(crate) fn ring_of(work_slots: usize) -> Limits {
    Limits {
        work_slots,
        workers: 3,
        ..Limits::default()
    }
}

pub(crate) fn name(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("names begin at 1")
}

pub(crate) fn worker<'m>(world: &World<'m>, number: u32) -> Worker<'m> {
    let ring = world.scheduler.work_ring().expect("there is a ring");
    ring.register(name(number)).expect("a line is free")
}

impl World<'_> {
    pub(crate) fn item(&mut self, after: &[SlotId]) -> SlotId {
        self.plain(Shape::Work, after)
    }

    /// Pushes what a worker says of a position.
    pub(crate) fn say(&mut self, position: u64, correlation: u32, status: u32) {
        let done = WorkDone {
            position,
            correlation,
            status,
        };
        let pushed = self
            .scheduler
            .mailbox()
            .for_workers()
            .push(&WorkerMessage::Done(done));
        pushed.expect("there is room");
        self.pushed_by_hand += 1;
    }

    /// Says that the worker of this name is gone.
    pub(crate) fn lose_worker(&mut self, name: u32, is_idempotent: bool) {
        let lost = WorkerLost {
            name,
            is_idempotent,
        };
        let pushed = self
            .scheduler
            .mailbox()
            .for_workers()
            .push(&WorkerMessage::Lost(lost));
        pushed.expect("there is room");
        self.pushed_by_hand += 1;
    }

    /// Says that `worker` is through with what it holds, as a worker has to: the message first.
    pub(crate) fn end(&mut self, worker: &mut Worker<'_>, status: u32) {
        let Work { position, item } = worker.in_hand().expect("it holds an item");
        self.say(position, item.correlation, status);
        worker.done(position).expect("it holds the position");
    }

    pub(crate) fn standing(&self, slot: SlotId) -> Standing {
        let mut standing = None;
        self.scheduler.for_each_stuck(|stuck| {
            if stuck.slot == slot {
                standing = Some(stuck.standing);
            }
        });
        standing.expect("it is not finished")
    }

    pub(crate) fn count(&self, of: impl Fn(&Ledger) -> u64) -> u64 {
        of(&self.ledger())
    }
}

#[test]
fn an_item_carries_the_tasks_words_runs_behind_its_producer_and_before_its_consumer() {
    on_each_target(&ring_of(4), |world| {
        let mut worker = worker(world, 7);
        let first = world.plain(Shape::Aiv, &[]);
        let item = world.task(Shape::Work, &[first], |spec| {
            (spec.kernel, spec.args) = (0xAAAA_AAAA_0000_0003, 0x0000_0400_0000_1000);
        });
        let last = world.plain(Shape::Aiv, &[item]);
        let _ = world.dispatch();
        assert_eq!(worker.claim(), Err(NoWork::Empty), "its producer runs");
        world.run();
        let work = worker.claim().expect("the producer has finished");
        assert!(!world.dispatch().watching, "nothing is left to offer");
        let index = u32::try_from(item.index()).unwrap();
        assert_eq!((work.item.offset, work.item.length), (0x1000, 0x400));
        assert_eq!((work.item.rule_set, work.item.correlation), (3, index));
        assert!(!world.log.is_finished(item) && !world.log.is_finished(last));
        world.end(&mut worker, 0);
        world.run();
        assert_eq!(world.log.outcome(last), Outcome::Completed);
        let ledger = world.ledger();
        assert_eq!((ledger.worked, ledger.inline, ledger.work_done), (1, 2, 1));
        assert_eq!((ledger.work_out(), world.log.raised()), (0, vec![]));
        world.assert_done();
    });
}

#[test]
fn a_status_fails_the_task_and_what_depends_on_it() {
    on_each_target(&ring_of(4), |world| {
        let mut worker = worker(world, 1);
        let bad = world.item(&[]);
        let after = world.item(&[bad]);
        world.run();
        worker.claim().expect("it was offered");
        world.end(&mut worker, 42);
        world.run();
        assert_eq!(world.log.outcome(bad), Outcome::Failed);
        assert_eq!(world.log.outcome(after), Outcome::Cancelled);
        let raised = world.log.raised();
        assert_eq!(raised.len(), 1, "{raised:?}");
        assert_eq!(raised[0].0, FaultCode::ExplicitFatal);
        let says = |event: &Event| matches!(event, Event::Worked { status: 42, .. });
        assert!(world.log.events().iter().any(says));
        world.assert_done();
    });
}

#[test]
fn a_full_ring_holds_items_back_in_their_order_and_nothing_else() {
    on_each_target(&ring_of(2), |world| {
        let mut worker = worker(world, 1);
        let items: Vec<_> = (0..6).map(|_| world.item(&[])).collect();
        let other = world.plain(Shape::Aiv, &[]);
        world.run();
        assert!(world.log.is_finished(other), "a core's task goes on");
        assert_eq!(world.standing(items[2]), Standing::Ready);
        assert!(
            world.dispatch().watching,
            "a worker that takes one rings nobody"
        );
        for &item in &items {
            let work = worker.claim().expect("the next one was pushed");
            assert_eq!(work.item.correlation as usize, item.index());
            world.end(&mut worker, 0);
            world.run();
            assert!(world.log.is_finished(item));
        }
        assert_eq!(world.count(|ledger| ledger.work_offered), 6);
        world.assert_done();
    });
}

#[test]
fn high_items_go_before_normal_ones() {
    on_each_target(&ring_of(2), |world| {
        let mut worker = worker(world, 1);
        let normal: Vec<_> = (0..4).map(|_| world.item(&[])).collect();
        let high = world.task(Shape::Work, &[], |spec| {
            spec.priority = finbox_scheduler::Priority::High;
        });
        world.run();
        let order: Vec<usize> = std::iter::from_fn(|| {
            let work = worker.claim().ok()?;
            world.end(&mut worker, 0);
            world.run();
            Some(work.item.correlation as usize)
        })
        .collect();
        let expected = [high, normal[0], normal[1], normal[2], normal[3]];
        assert_eq!(order, expected.map(SlotId::index));
        world.assert_done();
    });
}

#[test]
fn what_is_said_of_another_position_another_slot_or_once_more_is_counted_and_not_acted_on() {
    on_each_target(&ring_of(4), |world| {
        let mut worker = worker(world, 1);
        let (item, other) = (world.item(&[]), world.plain(Shape::Aiv, &[]));
        let _ = world.dispatch();
        let _ = world.dispatch();
        let [index, cores] = [item, other].map(|slot| u32::try_from(slot.index()).unwrap());
        let work = worker.claim().expect("it was offered");
        // Before it is pushed, after all there is, of a core's task, of no slot.
        let lies = [(1, index), (u64::MAX, index), (0, cores), (0, 1 << 20)];
        for (position, correlation) in lies {
            world.say(position, correlation, 0);
        }
        world.run();
        assert!(!world.log.is_finished(item));
        assert_eq!(world.count(|ledger| ledger.work_unknown), 4);
        world.say(work.position, index, 0);
        world.say(work.position, index, 1);
        world.run();
        assert_eq!(
            world.log.outcome(item),
            Outcome::Completed,
            "the first counts"
        );
        world.say(work.position, index, 0);
        world.run();
        assert_eq!(world.count(|ledger| ledger.work_duplicate), 2);
        worker.done(work.position).expect("it holds the position");
        let ledger = world.ledger();
        assert_eq!((ledger.work_done, ledger.messages_reported), (1, 6));
        assert_eq!(world.log.refused().len(), 6);
        world.assert_done();
    });
}

#[test]
fn in_a_ring_of_two_no_item_is_finished_for_another_across_ten_laps() {
    let limits = Limits {
        slots: 3,
        ..ring_of(2)
    };
    on_each_target(&limits, |world| {
        let mut workers = [1, 2, 3].map(|number| worker(world, number));
        let mut past: Vec<(u64, u32)> = Vec::new();
        for lap in 0..20_u32 {
            let items = [(); 2].map(|()| world.item(&[]));
            world.run();
            let held = [0, 1].map(|index| workers[index].claim().expect("both were pushed"));
            // What was said before is said again, late, of slots that are other tasks' now.
            for &(position, correlation) in &past {
                world.say(position, correlation, lap % 2);
                world.run();
            }
            for item in items {
                assert!(!world.log.is_finished(item), "lap {lap}");
            }
            for (index, work) in held.into_iter().enumerate().rev() {
                world.end(&mut workers[index], 0);
                world.run();
                let correlation = work.item.correlation;
                let of = |slot: &&SlotId| slot.index() == correlation as usize;
                let done = items.iter().find(of).expect("one of the two");
                assert!(world.log.is_finished(*done), "lap {lap}");
                past.push((work.position, correlation));
            }
        }
        let ledger = world.ledger();
        assert_eq!((ledger.work_done, ledger.worked), (40, 40));
        let doubled = ledger.work_stale + ledger.work_duplicate;
        assert_eq!((doubled, ledger.work_unknown), (20 * 19, 0));
        assert!(ledger.work_stale > 0 && ledger.failed == 0);
        world.assert_done();
    });
}

#[test]
fn an_item_that_is_late_fails_its_task_and_its_slot_rests_when_it_comes_at_last() {
    let limits = Limits {
        slots: 2,
        ..ring_of(2)
    };
    on_each_target(&limits, |world| {
        let mut worker = worker(world, 1);
        let item = world.task(Shape::Work, &[], |spec| spec.run_budget_ns = 1_000_000);
        world.run();
        let work = worker.claim().expect("it was offered");
        world.port.pass_time(900_000);
        world.run();
        assert!(!world.log.is_finished(item));
        world.port.pass_time(200_000);
        world.run();
        assert_eq!(world.log.outcome(item), Outcome::Failed);
        assert_eq!(world.log.raised()[0].0, FaultCode::TaskTimeout);
        let is_told = |event: &Event| {
            let (slot, position) = (item, work.position);
            *event == Event::WorkOverdue { slot, position }
        };
        assert!(world.log.events().iter().any(is_told));
        assert_eq!(world.scheduler.quarantined().0, 1, "a worker has it");
        // The slot is passed over until the item comes back.
        let next = world.plain(Shape::Dummy, &[]);
        world.run();
        assert!(world.log.is_finished(next));
        world.end(&mut worker, 0);
        world.run();
        let ledger = world.ledger();
        assert_eq!((ledger.work_late, ledger.work_done), (1, 0));
        assert_eq!(world.scheduler.quarantined().0, 0);
        world.assert_done();
    });
}

#[test]
fn among_many_items_just_the_late_ones_fail_and_the_next_deadline_is_that_of_the_next() {
    let limits = Limits {
        slots: 600,
        start: Start {
            limits: Budgets {
                run_ns: Some(5_000_000),
                ..Budgets::NONE
            },
            ..Limits::default().start
        },
        ..ring_of(1024)
    };
    on_each_target(&limits, |world| {
        let early = world.item(&[]);
        world.run();
        world.port.pass_time(4_000_000);
        let items: Vec<_> = (0..598)
            .map(|number| {
                world.task(Shape::Work, &[], |spec| {
                    spec.run_budget_ns = if number == 597 { 2_000_000 } else { 0 };
                })
            })
            .collect();
        world.run();
        assert!(!world.log.is_finished(early));
        world.port.pass_time(1_100_000);
        world.run();
        assert_eq!(world.log.finished(), [(early, Outcome::Failed)]);
        let next = world
            .dispatch()
            .deadline_ns
            .expect("the others have budgets");
        assert!((6_000_000..6_100_000).contains(&next), "{next}");
        world.port.pass_time(1_000_000);
        world.run();
        assert_eq!(world.log.outcome(items[597]), Outcome::Failed);
        assert_eq!(world.log.finished().len(), 2);
    });
}

#[test]
fn items_that_are_late_beside_each_other_all_fail() {
    on_each_target(&ring_of(4), |world| {
        let items =
            [(); 3].map(|()| world.task(Shape::Work, &[], |spec| spec.run_budget_ns = 1_000_000));
        world.run();
        world.port.pass_time(1_100_000);
        world.run();
        let outcomes = items.map(|item| world.log.outcome(item));
        assert_eq!(outcomes, [Outcome::Failed; 3]);
        let overdue = |event: &&Event| matches!(event, Event::WorkOverdue { .. });
        assert_eq!(world.log.events().iter().filter(overdue).count(), 3);
    });
}

#[test]
fn an_item_whose_predicate_is_false_is_skipped_and_one_that_cannot_be_asked_fails() {
    on_each_target(&ring_of(4), |world| {
        let mut worker = worker(world, 1);
        let addr = world.port.counter(0);
        let when = |addr, value| {
            let comparison = finbox_scheduler::Comparison::Equal;
            Some(finbox_scheduler::Predicate {
                addr,
                comparison,
                value,
            })
        };
        let skipped = world.task(Shape::Work, &[], |spec| spec.predicate = when(addr, 1));
        let broken = world.task(Shape::Work, &[], |spec| spec.predicate = when(1, 0));
        let runs = world.task(Shape::Work, &[], |spec| spec.predicate = when(addr, 0));
        world.run();
        assert_eq!(world.log.outcome(skipped), Outcome::Completed);
        assert_eq!(world.log.outcome(broken), Outcome::Failed);
        let work = worker.claim().expect("one was offered");
        assert_eq!(work.item.correlation as usize, runs.index());
        world.end(&mut worker, 0);
        world.run();
        let ledger = world.ledger();
        assert_eq!((ledger.work_offered, ledger.skipped), (1, 1));
        world.assert_done();
    });
}

#[test]
fn without_a_ring_an_item_is_refused_and_behind_a_closed_one_it_fails() {
    on_each_target(&Limits::default(), |world| {
        let refused = world.try_submit((Shape::Work, 0, 0), &[]);
        assert_eq!(refused, Err(SubmitError::NoWorkRing));
        assert_eq!(SubmitError::NoWorkRing.code(), Some(FaultCode::InvalidArgs));
    });
    on_each_target(&ring_of(2), |world| {
        let refused = world.try_submit((Shape::Work, 1, 0), &[]);
        assert!(
            matches!(refused, Err(SubmitError::Field { .. })),
            "it defers"
        );
        world.scheduler.work_ring().expect("there is one").close();
        let item = world.item(&[]);
        world.run();
        assert_eq!(world.log.outcome(item), Outcome::Failed);
        assert_eq!(world.log.raised()[0].0, FaultCode::NoWorkerLeft);
        world.assert_done();
    });
}

#[test]
fn a_stall_report_says_where_each_item_is() {
    on_each_target(&ring_of(4), |world| {
        let mut worker = worker(world, 9);
        let items = [(); 3].map(|()| world.item(&[]));
        world.run();
        worker.claim().expect("three were offered");
        let [held, next, behind] = items.map(|item| world.standing(item));
        let (by, first) = (name(9), 0);
        let is_held = matches!(held, Standing::Held { position, by: it, .. }
            if (position, it) == (first, by));
        assert!(is_held, "{held:?}");
        for (standing, at, others) in [(next, 1, 0), (behind, 2, 1)] {
            let is_there = matches!(standing, Standing::InRing { position, behind, .. }
                if (position, behind) == (at, others));
            assert!(is_there, "{standing:?}");
        }
        assert_eq!(
            world.scheduler.waiting(),
            Some((0, 0)),
            "no item is in the wait list"
        );
        assert_eq!(world.scheduler.items_out(), 3);
        worker.done(0).expect("it holds it");
        assert_eq!(world.standing(items[0]), Standing::Unsaid { position: 0 });
    });
}
