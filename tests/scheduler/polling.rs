//! Polling that scales: each line is made current once a sweep, and nothing is overlooked.

use std::collections::HashSet;

use finbox_scheduler::{Event, LinePlace, SETTLE_BUDGET, Shape, SlotId};
use finbox_tests::house::Limits;
use finbox_tests::model_port::{Lines, ModelPort, WireCondition};
use oorandom::Rand32;

use crate::fixture::{World, below, on_each_target};

fn roomy(conditions: usize) -> Limits {
    Limits {
        mailbox: 64,
        slots: 1024,
        conditions,
        ..Limits::default()
    }
}

/// "Word `word` of line `line` reaches `expected`."
fn packed(world: &World<'_>, (line, word): (usize, usize), expected: u32) -> WireCondition {
    WireCondition::counter(world.port.counter(line) + word as u64 * 4, expected)
}

#[test]
fn a_sweep_makes_each_line_current_once_however_many_conditions_watch_it() {
    on_each_target(&roomy(1024), |world| {
        for task in 0..16 {
            let conditions: Vec<_> = (0..64)
                .map(|i| packed(world, (i % 4, (i / 4 + task) % 16), 1))
                .collect();
            let _ = world.deferred(&conditions, &[]);
        }
        world.run();
        assert_eq!(world.scheduler.room().0, 1024);
        let before = (world.port.refreshes(), world.ledger());
        let pass = world.dispatch();
        assert_eq!(pass.polled, 1024);
        assert_eq!(world.port.refreshes() - before.0, 4);
        let lines = world.ledger().lines_refreshed - before.1.lines_refreshed;
        assert_eq!((lines, world.ledger().polls - before.1.polls), (4, 1024));
        for line in 0..4 {
            (0..16).for_each(|word| world.port.poke_counter(line, word, 1));
        }
        world.run();
        assert_eq!(world.ledger().completed, 16);
        world.assert_done();
    });
}

#[test]
fn a_long_list_is_swept_in_pieces_and_a_line_is_current_in_each() {
    on_each_target(&roomy(4096), |world| {
        // One line for all: every piece of the sweep ends in the midst of it.
        for _ in 0..40 {
            let conditions: Vec<_> = (0..64).map(|i| packed(world, (0, i % 16), 1)).collect();
            let _ = world.deferred(&conditions, &[]);
        }
        world.run();
        for _ in 0..7 {
            let before = world.port.refreshes();
            assert_eq!(world.dispatch().polled, SETTLE_BUDGET);
            assert!((1..=2).contains(&(world.port.refreshes() - before)));
        }
        (0..16).for_each(|word| world.port.poke_counter(0, word, 1));
        world.run();
        assert_eq!(world.ledger().completed, 40);
        world.assert_done();
    });
}

#[test]
fn an_empty_list_costs_no_look_and_no_lock() {
    on_each_target(&Limits::default(), |world| {
        world.run();
        let before = world.port.refreshes();
        let guard = world.scheduler.wait_list().try_lock().unwrap();
        let pass = world
            .dispatcher
            .pass(&world.scheduler, &world.port, &world.log);
        drop(guard);
        assert!(!pass.watching, "it would have wanted the lock");
        assert_eq!(world.port.refreshes(), before);
    });
}

/// Conditions that are unmet according to the list, as (address, expected), sorted.
fn listed(world: &World<'_>) -> Vec<(u64, u64)> {
    let mut listed = Vec::new();
    let seen = world.scheduler.for_each_unmet(&world.port, |unmet| {
        listed.push((unmet.addr, unmet.expected));
    });
    assert!(seen, "nobody holds the list");
    listed.sort_unstable();
    listed
}

const LINES: usize = 48;

/// What a naive list says: all counters, and all conditions as (line, word, expected).
struct Naive {
    random: Rand32,
    values: [[u32; 16]; LINES],
    unmet: Vec<(usize, usize, u32)>,
}

impl Naive {
    /// One to twenty conditions on the first `lines` lines that do not hold yet.
    fn conditions(&mut self, world: &World<'_>, lines: usize) -> Vec<WireCondition> {
        let count = 1 + below(&mut self.random, 20);
        let mut conditions = Vec::new();
        for _ in 0..count {
            let (line, word) = (below(&mut self.random, lines), below(&mut self.random, 16));
            let expected = self.values[line][word] + 1 + self.random.rand_range(0..6);
            self.unmet.push((line, word, expected));
            conditions.push(packed(world, (line, word), expected));
        }
        conditions
    }

    /// Some counters rise.
    fn raise(&mut self, world: &World<'_>) {
        for _ in 0..below(&mut self.random, 40) {
            let (line, word) = (below(&mut self.random, LINES), below(&mut self.random, 16));
            self.values[line][word] += self.random.rand_range(0..4);
            world.port.poke_counter(line, word, self.values[line][word]);
        }
        let values = &self.values;
        self.unmet
            .retain(|&(line, word, expected)| values[line][word] < expected);
    }

    fn listed(&self, world: &World<'_>) -> Vec<(u64, u64)> {
        let addr = |(line, word)| packed(world, (line, word), 0).addr;
        let unmet = self.unmet.iter();
        let mut listed: Vec<_> = unmet
            .map(|&(line, word, expected)| (addr((line, word)), u64::from(expected)))
            .collect();
        listed.sort_unstable();
        listed
    }
}

#[test]
fn random_lines_come_and_go_and_the_list_agrees_with_a_naive_one() {
    on_each_target(&roomy(2048), |world| {
        let mut naive = Naive {
            random: Rand32::new(11),
            values: [[0; 16]; LINES],
            unmet: Vec::new(),
        };
        for round in 0..400 {
            // Few lines now, many then, so that lines come and go.
            let lines = if round % 80 < 40 { 4 } else { LINES };
            if naive.unmet.len() < 1500 {
                let conditions = naive.conditions(world, lines);
                let _ = world.deferred(&conditions, &[]);
            }
            naive.raise(world);
            world.run();
            let expected = naive.listed(world);
            assert_eq!(listed(world), expected, "round {round}");
            let mut lines: Vec<_> = expected.iter().map(|&(addr, _)| addr & !63).collect();
            lines.dedup();
            let desk = world.scheduler.wait_list().try_lock().unwrap();
            assert_eq!(desk.lines(), lines.len(), "round {round}");
        }
        (0..LINES).for_each(|line| {
            (0..16).for_each(|word| world.port.poke_counter(line, word, 1 << 20));
        });
        world.run();
        world.assert_done();
    });
}

/// In which order conditions are met when all hold at once, after `passes` passes saw nothing:
/// taken, or reckoned.
fn order_after(passes: u64, reckoned: bool, tasks: usize) -> Vec<Vec<Event>> {
    let orders = std::cell::RefCell::new(Vec::new());
    on_each_target(&roomy(4096), |world| {
        for task in 0..tasks {
            let conditions: Vec<_> = (0..64)
                .map(|i| packed(world, ((i + task) % 7, i % 16), 1))
                .collect();
            let _ = world.deferred(&conditions, &[]);
        }
        let _ = world.plain(Shape::Dummy, &[]);
        world.run();
        let polled = world.dispatch().polled;
        let before = world.ledger();
        if reckoned {
            world.dispatcher.skip(&world.scheduler, passes, polled);
        } else {
            (0..passes).for_each(|_| assert!(!world.dispatch().progress));
        }
        let polls = world.ledger().polls - before.polls;
        assert_eq!(polls, passes * u64::from(polled));
        if tasks <= 16 {
            let refreshed = world.ledger().lines_refreshed - before.lines_refreshed;
            assert_eq!(refreshed, passes * 7);
        }
        (0..7).for_each(|line| {
            (0..16).for_each(|word| world.port.poke_counter(line, word, 1));
        });
        world.run();
        let met = |event: &Event| matches!(event, Event::Met { .. });
        let events = world.log.events();
        orders
            .borrow_mut()
            .push(events.into_iter().filter(met).collect());
        world.assert_done();
    });
    orders.into_inner()
}

#[test]
fn passes_that_are_reckoned_leave_the_sweep_where_taken_ones_would() {
    for tasks in [3, 16, 17, 23, 40] {
        for passes in [0, 1, 2, 5, 13] {
            let orders = [false, true].map(|reckoned| order_after(passes, reckoned, tasks));
            assert!(!orders[0][0].is_empty());
            assert_eq!(orders[0], orders[1], "{passes} passes, {tasks} tasks");
        }
    }
}

#[test]
fn an_index_has_at_least_twice_as_many_places_as_there_may_be_lines() {
    for lines in 1..1000 {
        let places = LinePlace::needed(lines);
        assert!(places.is_power_of_two() && (2 * lines..4 * lines).contains(&places));
    }
}

/// Neighbouring lines never meet in the index; these stand far apart, so many do.
#[test]
fn lines_that_meet_in_the_index_are_found_and_leave_no_trace() {
    const LINES: usize = 4096;
    let limits = Limits {
        conditions: 64,
        slots: 256,
        ..Limits::default()
    };
    for seed in 0..20 {
        on_each_target(&limits, |world| {
            let chip = *world.scheduler.chip();
            world.port = ModelPort::new(&chip, Lines::of(&chip), LINES);
            let mut random = Rand32::new(seed);
            let pool: Vec<usize> = (0..48).map(|_| below(&mut random, LINES)).collect();
            let mut waiting: Vec<(usize, SlotId)> = Vec::new();
            for _ in 0..200 {
                let index = pool[below(&mut random, pool.len())];
                if waiting.len() < 60 {
                    let task = world.deferred(&[world.counter(index, 1)], &[]);
                    waiting.push((index, task));
                }
                world.run();
                if below(&mut random, 2) == 0 {
                    let (index, _) = waiting[below(&mut random, waiting.len())];
                    world.port.set_counter(index, 1);
                    world.run();
                    let over = waiting.extract_if(.., |&mut (other, _)| other == index);
                    over.for_each(|(_, task)| assert!(world.log.is_finished(task)));
                    world.port.set_counter(index, 0);
                }
                let before = world.ledger().lines_refreshed;
                let _ = world.dispatch();
                let lines = world.ledger().lines_refreshed - before;
                let distinct: HashSet<usize> = waiting.iter().map(|&(index, _)| index).collect();
                assert_eq!(lines, distinct.len() as u64, "each line once");
            }
            for (index, _) in waiting {
                world.port.set_counter(index, 1);
            }
            world.run();
            world.assert_done();
        });
    }
}
