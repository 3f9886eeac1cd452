//! The work ring on real threads, line by line of its requirements (W1 to W5).

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;

use finbox_mailbox::Header;
use finbox_mailbox::work::{
    DoneError, NoWork, Work, WorkCell, WorkItem, WorkRing, WorkRingError, Worker, WorkerLine,
    work_ring,
};

/// Runs `test` on a work ring of so many slots and worker lines.
fn with<R>(slots: usize, workers: usize, test: impl FnOnce(WorkRing<'_>) -> R) -> R {
    let mut header = Header::default();
    let mut cells: Vec<_> = std::iter::repeat_with(WorkCell::default)
        .take(slots)
        .collect();
    let mut lines: Vec<_> = std::iter::repeat_with(WorkerLine::default)
        .take(workers)
        .collect();
    test(work_ring(&mut header, &mut cells, &mut lines).expect("it fits"))
}

fn name(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("names are not 0")
}

fn worker<'m>(ring: &WorkRing<'m>, number: u32) -> Worker<'m> {
    ring.register(name(number)).expect("a line each")
}

/// An item whose fields all come from its number.
fn item(number: u32) -> WorkItem {
    WorkItem {
        offset: number.wrapping_mul(1024),
        length: 1024 + number % 7,
        rule_set: number % 5,
        correlation: number,
    }
}

/// Pushes an item, waiting where the ring is full; its position.
fn push(ring: &WorkRing<'_>, number: u32) -> u64 {
    loop {
        match ring.push(item(number)) {
            Ok(position) => return position,
            Err(_) => thread::yield_now(),
        }
    }
}

/// The next item, unless `is_over` and there is none.
fn claim(worker: &mut Worker<'_>, is_over: &AtomicBool) -> Option<Work> {
    loop {
        let was_over = is_over.load(Ordering::Acquire);
        match worker.claim() {
            Ok(work) => return Some(work),
            Err(NoWork::Empty) if was_over => return None,
            Err(NoWork::Holding { position }) => panic!("{position} was not finished"),
            Err(_) => thread::yield_now(),
        }
    }
}

/// Claims and finishes all that comes: positions, and the numbers of their items.
fn work_off(mut worker: Worker<'_>, is_over: &AtomicBool) -> Vec<(u64, u32)> {
    let mut taken = Vec::new();
    while let Some(work) = claim(&mut worker, is_over) {
        let number = work.item.correlation;
        assert_eq!(work.item, item(number), "a torn item");
        taken.push((work.position, number));
        worker.done(work.position).expect("it is in hand");
    }
    assert!(taken.is_sorted(), "positions go backwards");
    taken
}

/// What four producers pushed and what four workers took: positions and numbers, sorted.
fn four_by_four(ring: WorkRing<'_>, each: u32) -> [Vec<(u64, u32)>; 2] {
    let is_over = &AtomicBool::new(false);
    let push_from = |first: u32| -> Vec<_> {
        let numbers = first * each..(first + 1) * each;
        numbers
            .map(|number| (push(&ring, number), number))
            .collect()
    };
    thread::scope(|scope| {
        let producer = |first| scope.spawn(move || push_from(first));
        let receiver = |number| {
            let worker = worker(&ring, number);
            scope.spawn(move || work_off(worker, is_over))
        };
        let producers: Vec<_> = (0..4).map(producer).collect();
        let workers: Vec<_> = (1..=4).map(receiver).collect();
        let pushed = producers
            .into_iter()
            .flat_map(|it| it.join().expect("no panic"));
        let mut pushed: Vec<_> = pushed.collect();
        is_over.store(true, Ordering::Release);
        let taken = workers
            .into_iter()
            .flat_map(|it| it.join().expect("no panic"));
        let mut taken: Vec<_> = taken.collect();
        pushed.sort_unstable();
        taken.sort_unstable();
        [pushed, taken]
    })
}

#[test]
fn w1_no_item_is_lost_or_given_twice_and_they_are_taken_in_the_order_of_their_positions() {
    const EACH: u32 = 5_000;
    for slots in [2, 8] {
        let [pushed, taken] = with(slots, 4, |ring| four_by_four(ring, EACH));
        assert_eq!(pushed, taken);
        assert!(taken.iter().map(|taken| taken.0).eq(0..u64::from(4 * EACH)));
    }
}

#[test]
fn w1_a_capacity_of_1_or_of_no_power_of_two_is_refused_in_words() {
    for slots in [0, 1, 3, 12] {
        let mut cells: Vec<_> = std::iter::repeat_with(WorkCell::default)
            .take(slots)
            .collect();
        let mut header = Header::default();
        let refused = work_ring(&mut header, &mut cells, &mut []);
        let error = refused.expect_err("no such ring");
        assert_eq!(error, WorkRingError::Slots { slots });
        let text = error.to_string();
        let start = format!("{slots} slots: a work ring needs a power of two of at least 2");
        assert!(text.starts_with(&start), "{text}");
    }
}

/// Items of the late race, and its workers.
const ITEMS: u64 = 4_000;
const WORKERS: u32 = 4;
/// Ten laps of two slots.
const LATE: u64 = 2 * 10;

/// A ring of 2 slots whose workers take turns in keeping an item for ten laps.
struct LateRace<'m> {
    ring: WorkRing<'m>,
    /// Whether the worker of a position is through with it.
    deeds: Vec<AtomicU32>,
    newest: AtomicU64,
    is_over: AtomicBool,
}

impl LateRace<'_> {
    fn deed(&self, position: u64) -> &AtomicU32 {
        &self.deeds[usize::try_from(position).expect("small")]
    }

    /// Whether `position` is done; then its worker has written so.
    fn is_done(&self, position: u64) -> bool {
        let is_done = self.ring.is_done(position);
        // The ring is to carry it.
        let deed = self.deed(position).load(Ordering::Relaxed);
        assert!(!is_done || deed == 1, "{position} was finished for another");
        is_done
    }

    /// Works until all is done, and late in its turns; how many it finished.
    fn work(&self, number: u32) -> u64 {
        let mut worker = worker(&self.ring, number);
        let mut finished = 0;
        while let Some(work) = claim(&mut worker, &self.is_over) {
            let position = work.position;
            self.newest.fetch_max(position, Ordering::Relaxed);
            if position / 64 % u64::from(WORKERS) == u64::from(number - 1) {
                self.linger(&mut worker, position);
            }
            self.deed(position).store(1, Ordering::Relaxed);
            let done = worker.done(position).expect("it is in hand");
            assert_eq!(u64::from(done.correlation), position);
            assert_eq!(worker.done(position), Err(DoneError::Twice { position }));
            finished += 1;
        }
        finished
    }

    /// Keeps the item of `position` for ten laps, and tries to finish those of its slot's others.
    fn linger(&self, worker: &mut Worker<'_>, position: u64) {
        let until = (position + LATE).min(ITEMS - u64::from(WORKERS));
        while self.newest.load(Ordering::Relaxed) < until {
            assert!(!self.is_done(position), "it is still in hand");
            let others = [Some(position + 2), position.checked_sub(2)];
            for position in others.into_iter().flatten() {
                let refused = worker.done(position).expect_err("not its own");
                let twice = DoneError::Twice { position };
                assert!([twice, DoneError::Stranger { position }].contains(&refused));
            }
            thread::yield_now();
        }
    }

    /// Asks of all that may be out whether it is done, until all is.
    fn ask(&self) {
        while !self.is_over.load(Ordering::Acquire) {
            let newest = self.newest.load(Ordering::Relaxed);
            let mut done =
                (newest.saturating_sub(LATE + 8)..=newest).filter(|&it| self.is_done(it));
            assert!(done.all(|it| self.is_done(it)), "once done, for ever done");
            thread::yield_now();
        }
    }
}

/// One worker after the other keeps an item for ten laps and then finishes it, while the others
/// finish theirs, and everybody tries to finish what is not its own.
#[test]
fn w2_no_item_is_finished_for_another_by_late_calls_over_ten_laps_of_two_slots() {
    with(2, WORKERS as usize, |ring| {
        let race = &LateRace {
            ring,
            deeds: (0..ITEMS).map(|_| AtomicU32::new(0)).collect(),
            newest: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        };
        thread::scope(|scope| {
            let starts = |name| scope.spawn(move || race.work(name));
            let workers: Vec<_> = (1..=WORKERS).map(starts).collect();
            let asks = scope.spawn(|| race.ask());
            for number in 0..u32::try_from(ITEMS).expect("few") {
                assert_eq!(
                    push(&ring, number),
                    u64::from(number),
                    "there is one producer"
                );
            }
            race.is_over.store(true, Ordering::Release);
            asks.join().expect("no panic");
            let finished = workers
                .into_iter()
                .map(|worker| worker.join().expect("no panic"));
            assert_eq!(finished.sum::<u64>(), ITEMS);
        });
        assert!((0..ITEMS).all(|position| race.is_done(position)));
        assert!(!ring.is_done(ITEMS) && ring.in_flight() == 0);
    });
}

#[test]
fn w3_the_correlation_comes_back_with_done_and_with_what_a_dead_worker_left() {
    with(2, 2, |ring| {
        let (mut dies, mut lives) = (worker(&ring, 1), worker(&ring, 2));
        let first = push(&ring, 0xDEAD_BEEF);
        let second = push(&ring, 77);
        assert_eq!(dies.claim().map(|work| work.position), Ok(first));
        assert_eq!(lives.claim().map(|work| work.position), Ok(second));
        drop(dies);
        assert_eq!(lives.done(second).map(|done| done.correlation), Ok(77));
        let mut heir = ring.recover(name(1), name(3)).expect("it left one");
        assert_eq!(
            heir.in_hand().map(|work| work.item),
            Some(item(0xDEAD_BEEF))
        );
        assert_eq!(
            heir.done(first).map(|done| done.correlation),
            Ok(0xDEAD_BEEF)
        );
    });
}

#[test]
fn w5_in_flight_stays_between_nothing_and_what_fits_while_all_move() {
    const WORKERS: usize = 2;
    with(2, WORKERS, |ring| {
        let is_over = &AtomicBool::new(false);
        thread::scope(|scope| {
            for number in 1..=2 {
                let worker = worker(&ring, number);
                scope.spawn(move || work_off(worker, is_over));
            }
            let asks = scope.spawn(move || {
                let mut most = 0;
                while !is_over.load(Ordering::Acquire) {
                    most = most.max(ring.in_flight());
                }
                most
            });
            for number in 0..20_000 {
                push(&ring, number);
            }
            is_over.store(true, Ordering::Release);
            let most = asks.join().expect("no panic");
            assert!(
                most <= (2 + WORKERS) as u64,
                "{most} of 2 slots and {WORKERS} workers"
            );
        });
        assert_eq!(ring.in_flight(), 0);
    });
}
