//! L9 and time points on many threads: three that plan on the same buffers in opposite order, two
//! that carry launches out and advance meanwhile, a wait that comes late, a point told twice.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use finbox_runtime::plan::{Mode, Planner};
use finbox_runtime::stream::{AdvanceError, TimePoint, TimelineId, Wait};
use finbox_runtime::{Access, BufferId, BufferUse, Buffers};
use finbox_scheduler::{Fate, SlotId};
use shuttle::sync::Mutex;
use shuttle::thread;

use crate::explore::{explore, must_fail, random};

const BYTES: Range<u64> = 0..8;
/// Launches a stream.
const EACH: usize = 2;

fn one(buffer: BufferId, access: Access) -> BufferUse {
    let range = BYTES;
    BufferUse {
        buffer,
        range,
        access,
    }
}

/// A committed launch.
struct Launched {
    point: TimePoint,
    behind: Vec<TimePoint>,
    uses: Vec<BufferUse>,
}

/// What planners hand to runners, and who touches each buffer.
struct Yard {
    planner: Planner,
    streams: [TimelineId; 3],
    buffers: [BufferId; 2],
    /// Of each stream, what nobody has begun.
    launched: Mutex<[VecDeque<Launched>; 3]>,
    /// Of each buffer, who reads and who writes it.
    users: Mutex<[[u32; 2]; 2]>,
    /// The streams in the order in which their launches ran.
    ran: Mutex<Vec<usize>>,
}

impl Yard {
    fn new() -> Self {
        let planner = Planner::new(Mode::Strict);
        Self {
            streams: ["a", "b", "c"].map(|name| planner.stream(name, 0)),
            buffers: [planner.declare(8), planner.declare(8)],
            launched: Mutex::default(),
            users: Mutex::default(),
            ran: Mutex::default(),
            planner,
        }
    }

    /// Streams 0 and 1 change both buffers, in opposite order; 2 reads one of them, and drops a
    /// plan that writes it.
    fn plan(&self, index: usize) {
        let [x, y] = self.buffers;
        let uses = match index {
            0 => vec![one(x, Access::InOut), one(y, Access::InOut)],
            1 => vec![one(y, Access::InOut), one(x, Access::InOut)],
            _ => vec![one(x, Access::In)],
        };
        let mut recorder = self.planner.recorder();
        for _ in 0..EACH {
            let mut recording = recorder.record(self.streams[index], "launch");
            for one in &uses {
                recording = recording.uses("argument", one.clone());
            }
            let submitted = recording.plan().unwrap().commit();
            let waits = submitted.waits().iter().map(|wait| wait.point);
            let launched = Launched {
                point: submitted.point(),
                behind: waits.chain([submitted.behind()]).collect(),
                uses: uses.clone(),
            };
            self.launched.lock().unwrap()[index].push_back(launched);
        }
        if index == 2 {
            let dropped = recorder.record(self.streams[2], "dropped");
            drop(
                dropped
                    .uses("argument", one(x, Access::Out))
                    .plan()
                    .unwrap(),
            );
        }
    }

    /// A launch whose waits are met, and of which stream.
    fn next(&self) -> Option<(usize, Launched)> {
        let mut launched = self.launched.lock().unwrap();
        let is_met = |&point: &TimePoint| self.planner.fate(point) == Ok(Fate::Completed);
        let is_ready = |line: &VecDeque<Launched>| {
            line.front()
                .is_some_and(|launch| launch.behind.iter().all(is_met))
        };
        let index = launched.iter().position(is_ready)?;
        let launch = launched[index].pop_front()?;
        Some((index, launch))
    }

    /// Carries launches out until all have run; no two may touch a buffer that one of them writes.
    fn run(&self) {
        while self.ran.lock().unwrap().len() < 3 * EACH {
            let Some((index, launch)) = self.next() else {
                thread::yield_now();
                continue;
            };
            self.touch(&launch, |count| *count += 1);
            thread::yield_now();
            self.touch(&launch, |count| *count -= 1);
            self.ran.lock().unwrap().push(index);
            self.planner.advance(launch.point, 1).unwrap();
        }
    }

    fn touch(&self, launch: &Launched, change: impl Fn(&mut u32)) {
        let mut users = self.users.lock().unwrap();
        for one in &launch.uses {
            let place = usize::from(one.buffer != self.buffers[0]);
            change(&mut users[place][usize::from(one.access != Access::In)]);
            let [readers, writers] = users[place];
            let is_fine = writers == 0 || (readers, writers) == (0, 1);
            assert!(is_fine, "{} runs beside another", launch.point);
        }
    }
}

#[test]
fn l9_plans_on_two_buffers_in_opposite_order_are_ordered_while_others_advance() {
    explore("plans against advances", 2_000, || {
        let yard = Yard::new();
        thread::scope(|scope| {
            for index in 0..3 {
                let yard = &yard;
                scope.spawn(move || yard.plan(index));
            }
            scope.spawn(|| yard.run());
            yard.run();
        });
        let last = TimePoint::new(yard.streams[2], 3);
        assert_eq!(
            yard.planner.fate(last),
            Ok(Fate::Completed),
            "dropped, and reached"
        );
        let stats = yard.planner.stats();
        assert_eq!((stats.planned, stats.committed, stats.dropped), (7, 6, 1));
        yard.ran.into_inner().unwrap()
    });
}

/// The planning lock split in two: one for what is waited for, one for what is recorded.
#[test]
fn l9_a_planner_that_finds_and_records_in_two_steps_is_found_to_lose_an_order() {
    must_fail(
        "split planning lock",
        (random(1_000), "in no order"),
        || {
            let mut buffers = Buffers::default();
            let both = [buffers.declare(8), buffers.declare(8)];
            let buffers = Arc::new(Mutex::new(buffers));
            let planning = |user: SlotId, uses: [BufferUse; 2]| {
                let buffers = Arc::clone(&buffers);
                thread::spawn(move || {
                    let mut behind = Vec::new();
                    buffers.lock().unwrap().plan(&uses, &mut behind).unwrap();
                    let mut locked = buffers.lock().unwrap();
                    locked.record(&uses, user, |_| Fate::Unfinished);
                    behind.len()
                })
            };
            let uses = both.map(|buffer| one(buffer, Access::InOut));
            let [x, y] = uses.clone();
            let threads = [planning(user(1), uses), planning(user(2), [y, x])];
            let found: usize = threads.map(|thread| thread.join().unwrap()).iter().sum();
            assert!(found > 0, "two launches in no order");
            found
        },
    );
}

fn user(number: u32) -> SlotId {
    SlotId::new(0, number, 1)
}

type Locked = (BufferId, Mutex<Buffers>);

/// Plans a use of `first` and one of `second`, each under its own lock; how many it is behind.
fn plan_under_two_locks(first: &Locked, second: &Locked, own: SlotId) -> usize {
    let mut locked = [first.1.lock().unwrap(), second.1.lock().unwrap()];
    let mut behind = Vec::new();
    for (buffers, id) in locked.iter_mut().zip([first.0, second.0]) {
        let uses = [one(id, Access::InOut)];
        buffers.plan(&uses, &mut behind).unwrap();
        buffers.record(&uses, own, |_| Fate::Unfinished);
    }
    behind.len()
}

/// A lock for each buffer, taken as the launch names them.
#[test]
fn l9_a_planner_with_a_lock_for_each_buffer_is_found_to_deadlock() {
    must_fail("a lock a buffer", (random(1_000), "deadlock"), || {
        let buffer = || {
            let mut buffers = Buffers::default();
            let id = buffers.declare(8);
            Arc::new((id, Mutex::new(buffers)))
        };
        let (x, y) = (buffer(), buffer());
        let (other_x, other_y) = (Arc::clone(&x), Arc::clone(&y));
        let other = thread::spawn(move || plan_under_two_locks(&other_y, &other_x, user(1)));
        let found = plan_under_two_locks(&x, &y, user(2)) + other.join().unwrap();
        assert_eq!(found, 2);
    });
}

/// A wait for a value is planned while that value is planned, committed and reached: whichever
/// comes first, it is met.
#[test]
fn l11_a_wait_that_comes_before_beside_or_behind_its_signal_is_met() {
    let outcomes = explore("wait against signal", 400, || {
        let planner = Planner::new(Mode::Strict);
        let [a, b] = ["a", "b"].map(|name| planner.stream(name, 0));
        let wanted = TimePoint::new(a, 1);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut recorder = planner.recorder();
                let planned = recorder.record(a, "signal").plan().unwrap();
                let point = planned.commit().point();
                planner.advance(point, 1).unwrap();
            });
            let mut recorder = planner.recorder();
            let recording = recorder.record(b, "wait").waits(Wait::forever(wanted));
            let submitted = recording.plan().unwrap().commit();
            let is_listed = submitted.waits() == [Wait::forever(wanted)];
            assert!(is_listed || submitted.waits().is_empty());
            let mut early = 0;
            while let Err(error) = planner.advance(submitted.point(), 2) {
                assert!(is_listed, "{error}");
                assert!(matches!(error, AdvanceError::TooEarly { on, .. } if on == wanted));
                early = 1;
                thread::yield_now();
            }
            (is_listed, early)
        })
    });
    // Not listed; listed and met at once; listed and early.
    assert!(outcomes.is_empty() || outcomes.len() == 3, "{outcomes:?}");
}

/// C7 of time points: whoever tells a point second is counted, and changes nothing.
#[test]
fn a_point_that_two_threads_tell_counts_once_and_poison_beside_it_is_one_or_the_other() {
    explore("point told twice", 600, || {
        let planner = Planner::new(Mode::Strict);
        let a = planner.stream("a", 0);
        let point = planner
            .recorder()
            .record(a, "launch")
            .plan()
            .unwrap()
            .commit()
            .point();
        let told = thread::scope(|scope| {
            let tell = || planner.advance(point, 1);
            let threads = [scope.spawn(tell), scope.spawn(tell)];
            let poisoned = planner.poison(a, "lost", 2);
            assert_eq!(poisoned, Ok(()));
            threads.map(|thread| thread.join().unwrap())
        });
        let is_told = told.iter().filter(|told| told.is_ok()).count();
        let duplicates = told
            .iter()
            .filter(|told| matches!(told, Err(AdvanceError::Duplicate { .. })));
        let duplicates = duplicates.count();
        assert_eq!(planner.stats().duplicates, duplicates as u64);
        match planner.fate(point) {
            Ok(Fate::Completed) => assert_eq!((is_told, duplicates), (1, 1)),
            Ok(Fate::Failed) => assert_eq!((is_told, duplicates), (0, 0)),
            other => panic!("{other:?}"),
        }
        told.map(|told| told.is_ok())
    });
}
