//! Output memory: the ring heap against a model that paints every unit, and outputs of tasks.

use std::collections::VecDeque;

use finbox_scheduler::{HeapRing, OUTPUT_ALIGN, Reserved, Rings, Shape, SlotId, SubmitError};
use finbox_tests::house::Limits;
use oorandom::Rand32;

use crate::fixture::{World, below, on_each_target};

/// Every unit of 64 bytes is free, or painted with the number of a reservation.
struct Painted {
    units: Vec<Option<u32>>,
    cursor: usize,
}

impl Painted {
    fn are_free(&self, from: usize, to: usize) -> bool {
        self.units[from..to].iter().all(Option::is_none)
    }

    fn paint(&mut self, from: usize, to: usize, number: u32) {
        self.units[from..to].fill(Some(number));
    }

    /// First unit of `count` units for reservation `number`.
    fn reserve(&mut self, count: usize, number: u32) -> Option<usize> {
        let size = self.units.len();
        let at_end = self.cursor + count > size;
        if self.are_free(0, size) {
            if count > size {
                return None;
            }
            let first = if at_end { 0 } else { self.cursor };
            self.paint(first, first + count, number);
            self.cursor = first + count;
            return Some(first);
        }
        let (from, to) = if at_end {
            (0, count)
        } else {
            (self.cursor, self.cursor + count)
        };
        let skipped = if at_end { self.cursor..size } else { 0..0 };
        if to > size || !self.are_free(skipped.start, skipped.end) || !self.are_free(from, to) {
            return None;
        }
        self.paint(skipped.start, skipped.end, number);
        self.paint(from, to, number);
        self.cursor = to;
        Some(from)
    }

    fn give_back(&mut self, number: u32) {
        let mine = |unit: &&mut Option<u32>| **unit == Some(number);
        self.units
            .iter_mut()
            .filter(mine)
            .for_each(|unit| *unit = None);
    }
}

#[test]
fn a_ring_heap_gives_what_a_painted_one_gives() {
    for seed in 0..200 {
        let mut random = Rand32::new(seed);
        let size = 1 + below(&mut random, 40);
        let mut heap = HeapRing::new(size as u64 * OUTPUT_ALIGN);
        let mut painted = Painted {
            units: vec![None; size],
            cursor: 0,
        };
        let mut live: VecDeque<(u32, Reserved)> = VecDeque::new();
        let (mut wrapped, mut full) = (0, 0);
        for number in 0..2_000 {
            if random.rand_range(0..3) == 0 {
                if let Some((oldest, reserved)) = live.pop_front() {
                    heap.give_back(reserved.end);
                    painted.give_back(oldest);
                }
                continue;
            }
            let most = if random.rand_range(0..2) == 0 {
                4
            } else {
                size + 1
            };
            let bytes = 1 + below(&mut random, most * 64) as u64;
            let units = usize::try_from(bytes.div_ceil(OUTPUT_ALIGN)).unwrap();
            let reserved = heap.reserve(bytes, |_| None);
            let expected = painted.reserve(units, number);
            let first = reserved.map(|one| usize::try_from(one.at / OUTPUT_ALIGN).unwrap());
            assert_eq!(
                first, expected,
                "seed {seed}, step {number}: {units} units of {size}"
            );
            let Some(reserved) = reserved else { continue };
            assert_eq!(
                (reserved.at % OUTPUT_ALIGN, reserved.bytes),
                (0, units as u64 * 64)
            );
            wrapped += u32::from(reserved.at == 0);
            full += u32::from(heap.used() == heap.bytes());
            live.push_back((number, reserved));
        }
        assert!(
            wrapped > 10 && full > 10,
            "seed {seed}: {wrapped} wraps, {full} times full"
        );
    }
}

#[test]
fn a_ring_heap_of_exactly_the_size_asked_for_is_used_again_and_again() {
    let mut heap = HeapRing::new(640);
    for _ in 0..5 {
        let reserved = heap.reserve(640, |_| None).unwrap();
        assert_eq!((reserved.range(), heap.used()), (0..640, 640));
        assert_eq!(heap.reserve(1, |_| None), None);
        heap.give_back(reserved.end);
        assert_eq!(heap.used(), 0);
    }
    assert!(!heap.can_ever(641) && !heap.can_ever(u64::MAX));
    assert_eq!(heap.reserve(641, |_| None), None);
}

#[test]
fn an_empty_ring_heap_begins_wherever_the_reservation_fits() {
    let mut heap = HeapRing::new(640);
    let half = heap.reserve(320, |_| None).unwrap();
    heap.give_back(half.end);
    assert_eq!(heap.reserve(640, |_| None).unwrap().range(), 0..640);
}

#[test]
fn what_is_barred_is_passed_over_until_it_is_not() {
    let mut heap = HeapRing::new(640);
    let barred =
        |range: std::ops::Range<u64>| (range.start < 256 && range.end > 128).then_some(256);
    let first = heap.reserve(128, barred).unwrap();
    let second = heap.reserve(128, barred).unwrap();
    assert_eq!((first.range(), second.range()), (0..128, 256..384));
    assert_eq!(heap.reserve(320, barred), None);
    heap.give_back(second.end);
    assert_eq!(heap.reserve(512, barred), None);
    assert_eq!(heap.reserve(384, barred).unwrap().range(), 256..640);
    assert_eq!(heap.reserve(128, |_| None).unwrap().range(), 0..128);
}

const HEAP: u64 = 1024;

fn limits(slots: u32) -> Limits {
    Limits {
        slots: slots as usize,
        rings: Some(Rings::alike(1, slots, HEAP)),
        ..Limits::default()
    }
}

fn with_output(world: &mut World<'_>, bytes: u64, after: &[SlotId]) -> Result<SlotId, SubmitError> {
    let mut spec = world.spec(Shape::Aiv, 0, 0);
    spec.output_bytes = bytes;
    world
        .submitter
        .submit(&world.scheduler, &world.log, &spec, after)
}

#[test]
fn outputs_are_apart_aligned_and_given_out_again_after_their_tasks() {
    on_each_target(&limits(8), |world| {
        let blocker = world.deferred(&[world.counter(0, 1)], &[]);
        let first = with_output(world, 100, &[blocker]).unwrap();
        let second = with_output(world, 896, &[blocker]).unwrap();
        assert_eq!(world.submitter.output_of(first), Some(0..128));
        assert_eq!(world.submitter.output_of(second), Some(128..1024));
        assert_eq!(world.submitter.output_of(blocker), None);
        world.run();
        let error = with_output(world, 1, &[]).unwrap_err();
        let wanted = SubmitError::NoHeap {
            ring: 0,
            needed: 1,
            used: 1024,
            total: HEAP,
        };
        assert_eq!((error, error.is_temporary()), (wanted, true));
        world.port.set_counter(0, 1);
        world.run();
        let third = with_output(world, 1, &[]).unwrap();
        assert_eq!(world.submitter.output_of(third), Some(0..64));
        assert_eq!(world.submitter.output_of(first), None, "it was reclaimed");
        world.run();
        world.assert_done();
    });
}

#[test]
fn an_output_larger_than_the_heap_is_refused_at_once_and_changes_nothing() {
    on_each_target(&limits(8), |world| {
        for bytes in [HEAP + 1, u64::MAX] {
            let error = with_output(world, bytes, &[]).unwrap_err();
            let wanted = SubmitError::NeverEnoughHeap {
                ring: 0,
                needed: bytes,
                total: HEAP,
            };
            assert_eq!(error, wanted);
            assert_eq!(error.code().unwrap().number(), 2);
        }
        assert_eq!(world.ledger().submitted, 0);
        let whole = with_output(world, HEAP, &[]).unwrap();
        assert_eq!(world.submitter.output_of(whole), Some(0..HEAP));
        world.run();
        world.assert_done();
    });
}

#[test]
fn without_a_heap_no_task_may_have_an_output() {
    on_each_target(&Limits::default(), |world| {
        let error = with_output(world, 1, &[]).unwrap_err();
        let wanted = SubmitError::NeverEnoughHeap {
            ring: 0,
            needed: 1,
            total: 0,
        };
        assert_eq!(error, wanted);
    });
}

#[test]
fn outputs_of_living_tasks_never_overlap() {
    on_each_target(&limits(12), |world| {
        world.listens = false;
        let mut random = Rand32::new(5);
        let mut living: VecDeque<SlotId> = VecDeque::new();
        for _ in 0..3_000 {
            let bytes = 1 + below(&mut random, 500) as u64;
            let slot = loop {
                match with_output(world, bytes, &[]) {
                    Ok(slot) => break slot,
                    Err(error) => assert!(error.is_temporary(), "{error}"),
                }
                assert!(world.turn(), "back-pressure that never ends");
            };
            living.retain(|&other| world.submitter.output_of(other).is_some());
            let mine = world.submitter.output_of(slot).unwrap();
            assert!(mine.end <= HEAP && mine.start % 64 == 0 && mine.end - mine.start >= bytes);
            for &other in &living {
                let theirs = world.submitter.output_of(other).unwrap();
                assert!(mine.end <= theirs.start || theirs.end <= mine.start);
            }
            living.push_back(slot);
        }
        world.run();
        world.assert_done();
    });
}
