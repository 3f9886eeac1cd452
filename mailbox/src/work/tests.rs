//! The work ring on one thread, step by step: what stops between two steps, and what is refused.

use core::num::NonZeroU32;

use super::ring::work_ring_at;
use super::state::Sight;
use super::{
    DoneError, NoWork, NothingLeft, Work, WorkCell, WorkItem, WorkRing, WorkRingError, Worker,
    WorkerLine, work_ring,
};
use crate::edge;
use crate::ring::Header;
use crate::ticket::Ticket;

const STARTS: [u64; 5] = [0, 1, u32::MAX as u64, (1 << 54) - 3, 1 << 62];

fn item(correlation: u32) -> WorkItem {
    WorkItem {
        offset: correlation.wrapping_mul(1024),
        length: 1024,
        rule_set: 3,
        correlation,
    }
}

fn name(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("names are not 0")
}

/// Runs `test` on a ring of `SLOTS` slots with three worker lines, from position `start` on.
fn with<const SLOTS: usize>(start: u64, test: impl FnOnce(WorkRing<'_>)) {
    let mut header = Header::default();
    let mut cells: [WorkCell; SLOTS] = core::array::from_fn(|_| WorkCell::default());
    let mut lines: [WorkerLine; 3] = core::array::from_fn(|_| WorkerLine::default());
    test(work_ring_at(&mut header, &mut cells, &mut lines, start).expect("it fits"));
}

fn workers<'m>(ring: &WorkRing<'m>) -> [Worker<'m>; 2] {
    [1, 2].map(|number| ring.register(name(number)).expect("there are lines"))
}

fn take(worker: &mut Worker<'_>) -> u32 {
    let work = worker.claim().expect("there is work");
    let finished = worker.done(work.position).expect("it is in hand");
    assert_eq!(finished.correlation, work.item.correlation);
    finished.correlation
}

#[test]
fn a_capacity_that_is_no_power_of_two_from_2_on_is_refused_in_words() {
    let refused = |cells: &mut [WorkCell]| {
        let slots = cells.len();
        let error = work_ring(&mut Header::default(), cells, &mut []).expect_err("refused");
        assert_eq!(error, WorkRingError::Slots { slots });
    };
    refused(&mut []);
    refused(&mut [WorkCell::default()]);
    refused(&mut [(); 3].map(|()| WorkCell::default()));
    refused(&mut [(); 6].map(|()| WorkCell::default()));
    let mut lines = [(); 257].map(|()| WorkerLine::default());
    let mut cells = [WorkCell::default(), WorkCell::default()];
    let error = work_ring(&mut Header::default(), &mut cells, &mut lines).expect_err("refused");
    assert_eq!(error, WorkRingError::Lines { lines: 257 });
    assert!(work_ring(&mut Header::default(), &mut cells, &mut lines[..256]).is_ok());
}

#[test]
fn exactly_the_slots_fit_and_items_come_in_order_from_any_start() {
    for start in STARTS {
        with::<4>(start, |ring| {
            let [mut one, mut two] = workers(&ring);
            for lap in 0..20_u32 {
                let first = lap * 4;
                for number in first..first + 4 {
                    assert_eq!(ring.push(item(number)), Ok(start + u64::from(number)));
                }
                assert_eq!(ring.push(item(0)).expect_err("it is full").slots, 4);
                assert_eq!(ring.in_flight(), 4);
                let taken = [
                    take(&mut one),
                    take(&mut two),
                    take(&mut two),
                    take(&mut one),
                ];
                assert_eq!(taken, [0, 1, 2, 3].map(|number| first + number));
                assert_eq!((one.claim(), ring.in_flight()), (Err(NoWork::Empty), 0));
            }
        });
    }
}

#[test]
fn memory_that_is_used_again_begins_with_no_owners_and_nothing_in_hand() {
    let (mut header, mut cells) = (Header::default(), [(); 2].map(|()| WorkCell::default()));
    let mut lines = [WorkerLine::default()];
    for _ in 0..2 {
        let ring = work_ring(&mut header, &mut cells, &mut lines).expect("it fits");
        assert_eq!((ring.in_flight(), ring.is_closed()), (0, false));
        let mut worker = ring.register(name(1)).expect("its line is nobody's");
        ring.push(item(1)).expect("there is room");
        worker.claim().expect("there is work");
        ring.close();
        core::mem::forget(worker);
    }
}

#[test]
fn a_ring_looks_full_while_its_next_slot_is_not_free() {
    with::<2>(0, |ring| {
        let [mut worker, _] = workers(&ring);
        for number in [0, 1] {
            assert!(!ring.is_full_hint());
            ring.push(item(number)).expect("there is room");
        }
        assert!(ring.is_full_hint());
        take(&mut worker);
        assert!(!ring.is_full_hint());
    });
}

#[test]
fn a_batch_takes_what_fits_and_says_where() {
    with::<4>(7, |ring| {
        let [mut one, _] = workers(&ring);
        let items = [0, 1, 2, 3, 4, 5].map(item);
        assert_eq!(ring.push_batch(&items[..0]), 0..0);
        assert_eq!(ring.push_batch(&items[..3]), 7..10);
        assert_eq!(ring.push_batch(&items[3..]), 10..11);
        assert!(ring.push_batch(&items).is_empty());
        assert_eq!([(); 3].map(|()| take(&mut one)), [0, 1, 2]);
        assert_eq!(ring.push_batch(&items), 11..14);
        assert_eq!([(); 4].map(|()| take(&mut one)), [3, 0, 1, 2]);
    });
}

#[test]
fn a_slot_is_free_when_its_item_was_taken_and_the_position_done_when_its_worker_says_so() {
    for start in STARTS {
        with::<2>(start, |ring| {
            let [mut slow, mut other] = workers(&ring);
            assert!(!ring.is_done(start) && !ring.is_done(u64::MAX));
            let first = ring.push(item(0)).expect("there is room");
            assert!(!ring.is_done(first));
            assert_eq!(slow.claim().map(|work| work.position), Ok(first));
            for number in 1..40 {
                let position = ring.push(item(number)).expect("there is room");
                assert!(!ring.is_done(position));
                assert_eq!(take(&mut other), number);
                assert!(ring.is_done(position) && !ring.is_done(first));
            }
            assert_eq!(ring.in_flight(), 1);
            assert!(slow.done(first).is_ok());
            assert!((start..start + 40).all(|position| ring.is_done(position)));
            assert!(!ring.is_done(start + 40) && !ring.is_done(u64::MAX));
        });
    }
}

/// Slots keep 54 bits of a position, and lines all of them.
#[test]
fn a_position_is_not_taken_for_one_so_far_behind_that_slots_forgot_it() {
    with::<2>((1 << 54) + 4, |ring| {
        let [mut one, mut other] = workers(&ring);
        let position = ring.push(item(1)).expect("there is room");
        assert!(ring.is_done(position - (1 << 54)));
        let held = one.claim().expect("there is work").position;
        assert_eq!(held, position);
        assert!(ring.is_done(held - (1 << 54)) && !ring.is_done(held));
        assert_eq!(other.done(4), Err(DoneError::Twice { position: 4 }));
    });
}

#[test]
fn done_is_accepted_once_and_from_the_worker_that_holds_the_position_alone() {
    with::<2>(0, |ring| {
        let [mut one, mut two] = workers(&ring);
        let stranger = |position| Err(DoneError::Stranger { position });
        assert_eq!(one.done(0), stranger(0));
        assert_eq!(ring.push_batch(&[item(5), item(6)]), 0..2);
        assert_eq!(two.done(0), stranger(0));
        assert_eq!(one.claim().map(|work| work.item), Ok(item(5)));
        assert_eq!(two.claim().map(|work| work.item), Ok(item(6)));
        assert_eq!((one.done(1), two.done(0)), (stranger(1), stranger(0)));
        assert_eq!(one.claim(), Err(NoWork::Holding { position: 0 }));
        assert_eq!(
            (ring.holder(0), ring.holder(1)),
            (Some(name(1)), Some(name(2)))
        );
        assert_eq!(one.done(0).map(|finished| finished.correlation), Ok(5));
        let twice = Err(DoneError::Twice { position: 0 });
        assert_eq!((one.done(0), two.done(0)), (twice, twice));
        assert_eq!((ring.holder(0), ring.holder(u64::MAX)), (None, None));
        assert_eq!(two.done(1).map(|finished| finished.correlation), Ok(6));
    });
}

#[test]
fn w4_a_stopped_producer_is_told_from_an_empty_ring_and_items_before_it_flow() {
    with::<4>(0, |ring| {
        let [mut one, mut two] = workers(&ring);
        assert_eq!(one.claim(), Err(NoWork::Empty));
        assert_eq!(ring.push(item(0)), Ok(0));
        let stopped = ring.claim(1).expect("there is room");
        assert_eq!(ring.push(item(2)), Ok(2));
        assert_eq!(take(&mut one), 0);
        let not_yet = Err(NoWork::NotYet { position: 1 });
        for _ in 0..3 {
            assert_eq!((one.claim(), two.claim()), (not_yet, not_yet));
        }
        assert_eq!(
            (ring.is_done(0), ring.is_done(1), ring.in_flight()),
            (true, false, 2)
        );
        // A lap later producers come to the slot, which is claimed and not free.
        assert_eq!(ring.push_batch(&[item(3), item(4)]), 3..5);
        assert!(ring.push(item(5)).is_err());
        // SAFETY: the claim is held here, and published once.
        unsafe { ring.publish(stopped.first, item(1)) };
        assert_eq!([take(&mut one), take(&mut two), take(&mut one)], [1, 2, 3]);
    });
}

#[test]
fn w5_in_flight_neither_panics_nor_wraps_whatever_head_and_tail_seem_to_be() {
    let (slots, lines) = (4, 3);
    for (head, tail) in [
        (0, 9),
        (9, 0),
        (0, u64::MAX >> 1),
        (u64::MAX >> 1, 0),
        (0, u64::MAX),
    ] {
        with::<4>(0, |ring| {
            // RELAXED: there is one thread.
            ring.header.head.store(head, edge::STAMP);
            ring.header.tail.tail.store(tail, edge::STAMP);
            assert!(ring.in_flight() <= slots + lines, "{head}, {tail}");
        });
    }
}

/// A worker that stood still while others went on, and whose hint is the last that was written.
#[test]
fn a_hint_that_lags_by_laps_is_caught_up_in_one_step() {
    with::<4>(0, |ring| {
        let [mut fast, mut late] = workers(&ring);
        for number in 0..4_000 {
            assert!(ring.push(item(number)).is_ok());
            assert_eq!(take(&mut fast), number);
        }
        // RELAXED: there is one thread.
        ring.header.tail.tail.store(0, edge::WORK_TAIL);
        assert_eq!(ring.sight(Ticket::new(0)), Sight::Gone(Ticket::new(3_997)));
        assert_eq!((late.claim(), ring.in_flight()), (Err(NoWork::Empty), 0));
        assert!(ring.push(item(4_000)).is_ok());
        assert_eq!(take(&mut late), 4_000);
        // RELAXED: as above.
        ring.header.tail.tail.store(1, edge::WORK_TAIL);
        assert_eq!(fast.claim(), Err(NoWork::Empty));
    });
}

#[test]
fn a_worker_stopped_behind_its_exchange_keeps_its_slot_alone_and_the_slot_names_it() {
    with::<2>(0, |ring| {
        let [mut stopped, mut other] = workers(&ring);
        assert_eq!(ring.push_batch(&[item(0), item(1)]), 0..2);
        let taken = stopped.take_next().expect("there is work");
        assert_eq!((taken.position(), ring.holder(0)), (0, Some(name(1))));
        assert_eq!(take(&mut other), 1);
        assert_eq!(other.claim(), Err(NoWork::Empty));
        assert_eq!((ring.is_done(0), ring.is_done(1)), (false, true));
        assert!(ring.push(item(2)).is_err(), "its slot is the next");
        // SAFETY: it took the item, and goes on here, once.
        let handed = unsafe { ring.hand_over(taken, stopped_line(&ring)) };
        assert_eq!(handed, item(0));
        assert_eq!((ring.push(item(2)), take(&mut other)), (Ok(2), 2));
        assert_eq!(
            (ring.holder(0), stopped.done(0).is_ok()),
            (Some(name(1)), true)
        );
    });
}

/// The line of the first worker.
fn stopped_line<'m>(ring: &WorkRing<'m>) -> &'m WorkerLine {
    &ring.lines[0]
}

/// Wherever a worker dies after its exchange, its item is found, at its position.
#[test]
fn what_a_buried_worker_had_is_recovered_wherever_it_died() {
    for died in 0..4 {
        with::<2>(6, |ring| {
            let [mut dead, mut other] = workers(&ring);
            assert_eq!(ring.push_batch(&[item(0), item(1)]), 6..8);
            if died > 0 {
                let taken = dead.take_next().expect("there is work");
                if died == 2 {
                    // SAFETY: it is the worker's line, which is about to die.
                    unsafe { stopped_line(&ring).hold(taken, item(0)) };
                }
                if died == 3 {
                    // SAFETY: it took the item, and copies it once.
                    let _ = unsafe { ring.hand_over(taken, stopped_line(&ring)) };
                }
            }
            core::mem::forget(dead);
            // SAFETY: it was forgotten, on this thread.
            assert_eq!(unsafe { ring.bury(name(1)) }, u32::from(died > 0));
            let heir = ring.recover(name(1), name(9));
            let nothing = NothingLeft { name: 1 };
            assert_eq!(ring.recover(name(1), name(9)).map(|_| ()), Err(nothing));
            if died == 0 {
                assert_eq!(heir.map(|_| ()), Err(nothing));
                assert_eq!([take(&mut other), take(&mut other)], [0, 1]);
                return;
            }
            let mut heir = heir.expect("it left one");
            let (position, item) = (6, item(0));
            assert_eq!(heir.in_hand(), Some(Work { position, item }));
            assert_eq!((ring.is_done(6), ring.holder(6)), (false, Some(name(9))));
            assert_eq!(heir.claim(), Err(NoWork::Holding { position }));
            assert_eq!(other.done(6), Err(DoneError::Stranger { position }));
            assert_eq!(take(&mut other), 1);
            assert_eq!(ring.push_batch(&[WorkItem::default(); 3]), 8..10);
            assert_eq!(heir.done(6).map(|finished| finished.correlation), Ok(0));
            assert!(ring.is_done(6));
        });
    }
}

#[test]
fn a_worker_dropped_with_an_item_leaves_it_and_one_without_gives_its_line_back() {
    with::<2>(0, |ring| {
        let [mut dead, idle] = workers(&ring);
        assert_eq!((dead.name(), dead.in_hand()), (name(1), None));
        assert!(ring.push(item(4)).is_ok() && dead.claim().is_ok());
        drop((dead, idle));
        assert_eq!(
            ring.recover(name(2), name(7)).map(|_| ()),
            Err(NothingLeft { name: 2 })
        );
        assert_eq!((ring.holder(0), ring.in_flight()), (Some(name(1)), 1));
        let others = [2, 3].map(|number| ring.register(name(number)).expect("two are free"));
        assert_eq!(
            ring.register(name(4))
                .expect_err("one is left with an item")
                .lines,
            3
        );
        let mut heir = ring.recover(name(1), name(1)).expect("it left one");
        assert_eq!(heir.done(0).map(|finished| finished.correlation), Ok(4));
        drop(others);
        // SAFETY: no worker of this name is left.
        assert_eq!(unsafe { ring.bury(name(3)) }, 0);
    });
}

#[test]
fn a_closed_ring_takes_nothing_whatever_room_it_has() {
    for start in STARTS {
        with::<4>(start, |ring| {
            let [mut worker, _] = workers(&ring);
            let position = ring.push(item(5)).expect("there is room");
            ring.close();
            ring.close();
            assert!(ring.is_closed() && ring.push(item(6)).is_err());
            assert!(ring.push_batch(&[item(6), item(7)]).is_empty());
            assert_eq!((ring.in_flight(), ring.is_done(position)), (1, false));
            assert_eq!(take(&mut worker), 5);
            assert_eq!((ring.in_flight(), ring.is_done(position)), (0, true));
            assert_eq!(worker.claim(), Err(NoWork::Closed));
        });
    }
}

#[test]
fn an_item_that_was_withdrawn_is_nobodys_and_one_that_was_taken_is_not_withdrawn() {
    for start in STARTS {
        with::<4>(start, |ring| {
            let [mut worker, mut other] = workers(&ring);
            let [held, next, last] = [1, 2, 3].map(|of| ring.push(item(of)).expect("room"));
            worker.claim().expect("three were pushed");
            ring.close();
            assert!(!ring.withdraw(held) && ring.withdraw(last) && !ring.withdraw(last));
            assert!(ring.withdraw(next), "in any order");
            assert_eq!(other.claim(), Err(NoWork::Closed));
            let are_done = [held, next, last].map(|position| ring.is_done(position));
            assert_eq!(are_done, [false, true, true]);
            assert_eq!(worker.done(held).map(|done| done.correlation), Ok(1));
            assert_eq!(ring.in_flight(), 0);
        });
    }
}

#[test]
fn nothing_is_withdrawn_from_an_open_ring_whose_workers_take_in_order() {
    for start in STARTS {
        with::<4>(start, |ring| {
            let [mut worker, mut idle] = workers(&ring);
            for of in 0..4 {
                ring.push(item(of)).expect("room");
                assert_eq!(take(&mut worker), of);
            }
            let [_, last] = [4, 5].map(|of| ring.push(item(of)).expect("room"));
            assert!(!ring.withdraw(last));
            assert_eq!([(); 2].map(|()| take(&mut idle)), [4, 5]);
        });
    }
}
