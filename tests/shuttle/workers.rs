//! Mixed routes: FINs inline and deferred, dummies, and items of two persistent workers, through a
//! mailbox and a work ring of two slots.

use std::num::NonZeroU32;
use std::sync::atomic::Ordering::Relaxed;

use finbox_mailbox::{WorkDone, WorkerMessage};
use finbox_scheduler::{Outcome, Shape};
use shuttle::rand::{Rng, thread_rng};

use crate::crew::{Crew, Plan, Post, Work, is_now};
use crate::explore::explore;

/// Items behind and before tasks of every other kind, and behind each other.
const GRAPH: [Work; 10] = [
    Work::new(Shape::Aiv, 3, &[]),
    Work::new(Shape::Work, 0, &[]),
    Work::new(Shape::Work, 0, &[]),
    Work::new(Shape::Aic, 0, &[1]),
    Work::new(Shape::Work, 0, &[0]),
    Work::new(Shape::Dummy, 0, &[1, 4]),
    Work::new(Shape::Work, 0, &[2, 3]),
    Work::new(Shape::Work, 0, &[5]),
    Work::new(Shape::Aiv, 2, &[6, 7]),
    Work::new(Shape::Work, 0, &[8]),
];

impl Crew<'_, '_> {
    /// A persistent worker: claims an item, does it, says so, sometimes twice.
    pub(crate) fn serve(&self, post: &Post, name: u32) {
        let ring = self.scheduler.work_ring().expect("there are workers");
        let name = NonZeroU32::new(name).expect("names begin at 1");
        let mut worker = ring.register(name).expect("each has a line");
        let say = |position, correlation| {
            let status = 0;
            let done = WorkerMessage::Done(WorkDone {
                position,
                correlation,
                status,
            });
            let is_pushed = self.scheduler.mailbox().for_workers().push(&done).is_ok();
            self.said.fetch_add(u64::from(is_pushed), Relaxed);
            if is_pushed {
                self.dispatch.wake();
            }
            is_pushed
        };
        self.until_stopped(post, || {
            let Some(work) = worker.in_hand() else {
                let claimed = worker.claim();
                if let Ok(work) = claimed {
                    self.start(work.item.offset as usize);
                }
                return claimed.is_ok();
            };
            let (position, correlation) = (work.position, work.item.correlation);
            if is_now() && say(position, correlation) {
                worker.done(position).expect("it is in hand");
                if thread_rng().gen_range(0..3) == 0 {
                    say(position, correlation);
                }
            }
            true
        });
    }
}

#[test]
fn tasks_of_every_route_complete_once_behind_each_other() {
    let plan = Plan {
        workers: 2,
        handlers: 2,
        devices: 1,
        slots: 6,
        ..Plan::new(&GRAPH, 2)
    };
    let outcomes = explore("mixed routes with workers", 1_000, move || {
        let report = plan.run();
        let is_completed = |(_, outcome): &(usize, Outcome)| *outcome == Outcome::Completed;
        assert!(report.finished.iter().all(is_completed), "{report:?}");
        let ledger = &report.ledger;
        let roads = (ledger.deferred, ledger.inline, ledger.worked);
        assert_eq!((roads, report.fault), ((2, 2, 6), None));
        // What is said twice is of the slot's past by then, or of a slot that is no item's now.
        let doubled = ledger.work_duplicate + ledger.work_stale + ledger.work_unknown;
        assert_eq!((ledger.work_done, ledger.messages_reported), (6, doubled));
        (report.order(), doubled > 0)
    });
    assert!(
        outcomes.keys().any(|&(_, doubled)| doubled),
        "none was said twice"
    );
}
