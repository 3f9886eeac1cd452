//! A list that trusts quiet lines, beside one that looks at every condition.
#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of a test are small"
)]

use super::Sweep;
use crate::condition::{CompletionType, LINE, LINE_WORDS, Unmet};
use crate::id::{CoreId, Token};
use crate::poll::{LinePlace, PollList, PollMemory};
use crate::port::{Launch, Port};
use crate::watched::{LineWords, WatchedLine};

const BASE: u64 = 4096;
const LINES: usize = 6;
const ROOM: usize = 64;

/// Counters, as any control CPU would see them.
struct Counters([u32; LINES * LINE_WORDS]);

impl Counters {
    /// One of them rises, or falls.
    fn move_one(&mut self, random: &mut Random, (lines, words): (u64, u64)) {
        let word = random.below(lines) * LINE_WORDS as u64 + random.below(words);
        let counter = &mut self.0[word as usize];
        *counter = match random.below(9) {
            0..=3 => counter.wrapping_sub(1),
            _ => counter.wrapping_add(1),
        };
    }
}

impl Port for Counters {
    fn load_cond(&self, _: CoreId) -> u32 {
        unreachable!("there are no cores")
    }

    fn ring_doorbell(&self, _: CoreId, _: Token) {}

    fn stage_payload(&self, _: CoreId, _: Token, _: &Launch) {}

    fn slab_address(&self, _: CoreId, _: usize) -> u64 {
        unreachable!("there are no cores")
    }

    fn refresh(&self, addr: u64, size_bytes: u64) {
        assert_eq!((addr % LINE, size_bytes), (0, LINE));
    }

    fn clean(&self, _: u64, _: u64) {}

    fn can_read(&self, _: u64, _: u64) -> bool {
        true
    }

    fn load_u32(&self, addr: u64) -> u32 {
        self.0[usize::try_from((addr - BASE) / 4).unwrap()]
    }

    fn load_u64(&self, addr: u64) -> u64 {
        u64::from(self.load_u32(addr)) | u64::from(self.load_u32(addr + 4)) << 32
    }

    fn store_u64(&self, _: u64, _: u64) {}

    fn now(&self) -> u64 {
        0
    }
}

/// A sequence of numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What a list did, in words that can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    events: u64,
    digest: u64,
    refreshed: u64,
}

impl Told {
    fn tell(&mut self, words: [u64; 4]) {
        self.events += 1;
        for word in words {
            let mixed = (self.digest ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            self.digest = mixed ^ mixed >> 29;
        }
    }
}

struct Memory {
    conditions: [Unmet; ROOM],
    lines: [WatchedLine; ROOM],
    words: [LineWords; ROOM],
    index: [LinePlace; 2 * ROOM],
}

impl Memory {
    fn new() -> Self {
        Self {
            conditions: [Unmet::default(); ROOM],
            lines: [WatchedLine::default(); ROOM],
            words: [LineWords::default(); ROOM],
            index: [LinePlace::default(); 2 * ROOM],
        }
    }
}

/// A list that may trust lines, or looks at every condition.
struct Side<'m> {
    list: PollList<'m>,
    told: Told,
    trusts: bool,
    passed: usize,
}

impl<'m> Side<'m> {
    fn new(memory: &'m mut Memory, trusts: bool) -> Self {
        let mut list = PollList::new(PollMemory {
            conditions: &mut memory.conditions,
            lines: &mut memory.lines,
            words: &mut memory.words,
            index: &mut memory.index,
        });
        // The rounds begin again soon.
        list.round = u16::MAX - 40;
        let (told, passed) = (Told::default(), 0);
        Self {
            list,
            told,
            trusts,
            passed,
        }
    }

    fn settle(&mut self, counters: &Counters, (now_ns, budget): (u64, usize)) {
        if !self.trusts {
            self.list.distrust_all();
        }
        let looks = budget.min(self.list.count());
        self.list.begin_if_whole(budget);
        let (mut sweep, mut left) = (Sweep::new(now_ns), looks);
        loop {
            let passed = self.list.pass_quiet(counters, &mut sweep, left);
            (self.passed, left) = (self.passed + passed, left - passed);
            if left == 0 {
                break;
            }
            self.look(counters, &mut sweep);
            left -= 1;
        }
        self.list.begin_if_whole(budget);
        self.told.refreshed += sweep.refreshed;
    }

    fn look(&mut self, counters: &Counters, sweep: &mut Sweep) {
        let condition = self.list.here();
        if sweep.line != Some(condition.line()) {
            sweep.line = Some(condition.line());
            sweep.refreshed += 1;
        }
        let (before, id) = (condition.observed, condition.since_ns);
        let verdict = condition.look(counters, &[]);
        let (observed, wanted) = (condition.observed, condition.wanted());
        if condition.note_step_back(before) {
            self.told.tell([1, id, before, observed]);
        }
        let is_late = condition.deadline_ns <= sweep.now_ns;
        if verdict == crate::condition::Verdict::Unmet && !is_late {
            self.list.keep();
            return;
        }
        self.told.tell([2, id, wanted, observed]);
        self.list.take();
    }

    fn state(&self) -> (usize, usize, u64, usize, u32, Told) {
        let (list, cursor) = (&self.list, self.list.cursor);
        let bound_ns = list.deadline_bound_ns();
        let (count, lines) = (list.count(), list.lines());
        (
            count,
            lines,
            bound_ns,
            cursor.line,
            cursor.passed,
            self.told,
        )
    }
}

/// On how many lines, and on how many words of each, conditions come: few now, many then.
const fn crowd(step: u64) -> (u64, u64) {
    match step / 500 % 4 {
        0 => (1, 2),
        1 => (3, 2),
        2 => (LINES as u64, 1),
        _ => (LINES as u64, 16),
    }
}

/// A condition that does not hold, as its first look saw it.
fn condition(random: &mut Random, counters: &Counters, (id, now_ns): (u64, u64)) -> Unmet {
    let (lines, words) = crowd(id);
    let line = BASE + random.below(lines) * LINE;
    let is_record = random.below(8) == 0;
    let word = if is_record { 0 } else { random.below(words) };
    let deadline_ns = match random.below(4) {
        0 if id % 1000 < 700 => now_ns + 1 + random.below(400),
        _ => u64::MAX,
    };
    let mut unmet = Unmet {
        addr: line + word * 4,
        since_ns: id,
        deadline_ns,
        ..Unmet::default()
    };
    if is_record {
        unmet.completion = CompletionType::SdmaEventRecord;
        unmet.observed = counters.load_u64(unmet.addr);
        unmet.cookie = unmet.observed.saturating_add(1 + random.below(5));
    } else {
        let value = counters.load_u32(unmet.addr);
        unmet.observed = u64::from(value);
        unmet.expected = value.wrapping_add(1 + random.below(5) as u32);
    }
    unmet
}

fn step_of(sides: &mut [Side<'_>; 2], counters: &mut Counters, random: &mut Random, step: u64) {
    let (now_ns, budget) = (step, 1 + random.below(2 * ROOM as u64) as usize);
    match random.below(10) {
        0..=2 if sides[0].list.count() < ROOM => {
            let condition = condition(random, counters, (step, now_ns));
            sides
                .iter_mut()
                .for_each(|side| side.list.insert(condition));
        }
        3 | 4 => counters.move_one(random, crowd(step)),
        5 if random.below(4) == 0 => sides.iter_mut().for_each(|side| side.list.distrust_all()),
        _ => {
            let budget = if random.below(2) == 0 {
                budget
            } else {
                budget % 7 + 1
            };
            let before = sides[1].state();
            for side in sides.iter_mut() {
                side.settle(counters, (now_ns, budget));
            }
            let is_still = sides[1].told.events == before.5.events;
            if is_still && random.below(3) == 0 {
                let looks = random.below(3 * ROOM as u64);
                sides.iter_mut().for_each(|side| side.list.skip(looks));
            }
        }
    }
}

#[test]
fn a_list_that_trusts_quiet_lines_does_what_one_does_that_looks_at_every_condition() {
    let mut memory = [Memory::new(), Memory::new()];
    let [one, other] = &mut memory;
    let mut sides = [Side::new(one, true), Side::new(other, false)];
    let mut counters = Counters([u32::MAX - 20; LINES * LINE_WORDS]);
    let mut random = Random(0x5EED);
    for step in 0..400_000 {
        step_of(&mut sides, &mut counters, &mut random, step);
        assert_eq!(sides[0].state(), sides[1].state(), "step {step}");
    }
    let [trusting, looking] = sides;
    assert!(trusting.told.events > 20_000, "{:?}", trusting.told);
    assert!(trusting.passed > 4_000_000, "{}", trusting.passed);
    assert_eq!(looking.passed, 0);
}

#[test]
fn a_line_that_was_quiet_when_rounds_had_the_same_numbers_before_is_not_quiet() {
    let mut memory = Memory::new();
    let mut side = Side::new(&mut memory, true);
    let counters = Counters([0; LINES * LINE_WORDS]);
    let unmet = Unmet {
        addr: BASE,
        expected: 1,
        ..Unmet::default()
    };
    side.list.round = 1;
    side.list.insert(unmet);
    side.settle(&counters, (0, 1));
    assert_eq!(side.passed, 1);
    side.list.round = u16::MAX;
    side.list.distrust_all();
    assert_eq!(side.list.round, 1);
    side.settle(&counters, (0, 1));
    assert_eq!(side.passed, 1, "it was looked at");
    side.settle(&counters, (0, 1));
    assert_eq!(side.passed, 2);
}

/// "Word `word` of line `line` reaches `expected`", seen as it is.
fn waits_for(counters: &Counters, (line, word): (usize, usize), expected: u32) -> Unmet {
    let observed = u64::from(counters.0[line * LINE_WORDS + word]);
    Unmet {
        addr: BASE + (line * LINE_WORDS + word) as u64 * 4,
        expected,
        observed,
        ..Unmet::default()
    }
}

#[test]
fn what_disagrees_with_the_part_of_a_line_that_was_walked_is_looked_at() {
    let mut memory = Memory::new();
    let mut side = Side::new(&mut memory, true);
    let mut counters = Counters([0; LINES * LINE_WORDS]);
    for word in [0, 1] {
        side.list.insert(waits_for(&counters, (0, word), 9));
    }
    side.list.distrust_all();
    side.settle(&counters, (0, 1));
    // Word 1 was walked at 0; whoever comes saw it at 1, and then it goes back.
    counters.0[1] = 1;
    side.list.insert(waits_for(&counters, (0, 1), 9));
    counters.0[1] = 0;
    side.settle(&counters, (0, 1));
    side.settle(&counters, (0, 3));
    assert_eq!(side.told.events, 1, "a step back");
    side.settle(&counters, (0, 3));
    assert_eq!((side.told.events, side.passed), (1, 3));
}

#[test]
fn a_line_that_takes_the_place_of_another_brings_its_words() {
    let mut memory = Memory::new();
    let mut side = Side::new(&mut memory, true);
    let mut counters = Counters([5; LINES * LINE_WORDS]);
    counters.0[LINE_WORDS..].fill(3);
    for word in [0, 1] {
        side.list.insert(waits_for(&counters, (0, word), 6));
        side.list.insert(waits_for(&counters, (1, word), 5));
    }
    // The first line goes, and the second now shows what the first did.
    counters.0[..LINE_WORDS].fill(6);
    counters.0[LINE_WORDS..].fill(5);
    side.settle(&counters, (0, 4));
    assert_eq!((side.told.events, side.list.count()), (4, 0));
}

/// One condition with each deadline, on lines of their own but for the first two.
fn with_deadlines(side: &mut Side<'_>, counters: &Counters, deadlines_ns: &[u64]) {
    for (place, &deadline_ns) in deadlines_ns.iter().enumerate() {
        side.list.insert(Unmet {
            deadline_ns,
            ..waits_for(counters, (place.saturating_sub(1), 0), 9)
        });
    }
}

fn place(side: &Side<'_>) -> (usize, u32) {
    (side.list.cursor.line, side.list.cursor.passed)
}

#[test]
fn a_call_that_looks_at_everything_begins_at_the_first_line_and_tells_the_next_deadline() {
    for (budget, stop) in [(1, (0, 1)), (2, (1, 0)), (3, (2, 0))] {
        let mut memory = Memory::new();
        let mut side = Side::new(&mut memory, true);
        let counters = Counters([0; LINES * LINE_WORDS]);
        with_deadlines(&mut side, &counters, &[70, 60, 50, 90]);
        side.settle(&counters, (0, budget));
        assert_eq!((place(&side), side.passed), (stop, budget));
        side.settle(&counters, (0, 4));
        assert_eq!((place(&side), side.passed), ((0, 0), budget + 4));
        for (now_ns, next_ns) in [(50, 60), (60, 70), (89, 90), (90, u64::MAX)] {
            side.settle(&counters, (now_ns, 4));
            assert_eq!(place(&side), (0, 0));
            assert_eq!(side.list.deadline_bound_ns(), next_ns, "at {now_ns}");
        }
        assert_eq!(side.list.count(), 0);
    }
}

#[test]
fn looks_that_were_skipped_hide_no_deadline_and_the_next_whole_call_tells_it() {
    let mut memory = Memory::new();
    let mut side = Side::new(&mut memory, true);
    let counters = Counters([0; LINES * LINE_WORDS]);
    with_deadlines(&mut side, &counters, &[70, 50, 60, 90]);
    side.settle(&counters, (0, 4));
    for (looks, stop) in [(1, (0, 1)), (2, (1, 0)), (3, (2, 0))] {
        side.list.skip(looks);
        assert_eq!(place(&side), stop);
        (0..4).for_each(|_| side.settle(&counters, (0, 1)));
        assert_eq!(side.list.deadline_bound_ns(), 50);
        side.settle(&counters, (0, 4));
    }
    side.list.skip(2);
    side.settle(&counters, (50, 4));
    assert_eq!((side.list.deadline_bound_ns(), side.list.count()), (60, 3));
}

#[test]
fn a_walk_of_an_earlier_round_proves_nothing_in_one_of_the_same_number() {
    let mut memory = Memory::new();
    let mut side = Side::new(&mut memory, true);
    let counters = Counters([0; LINES * LINE_WORDS]);
    for word in 0..3 {
        side.list.insert(waits_for(&counters, (0, word), 9));
    }
    side.list.round = u16::MAX;
    side.list.distrust_all();
    side.settle(&counters, (0, 1));
    assert_eq!(place(&side), (0, 1));
    side.list.round = u16::MAX;
    side.list.distrust_all();
    side.settle(&counters, (0, 2));
    side.settle(&counters, (0, 3));
    assert_eq!(side.passed, 0, "the first one was not looked at since");
    side.settle(&counters, (0, 3));
    assert_eq!(side.passed, 3);
}

#[test]
fn a_line_that_has_moved_is_passed_in_its_new_place_alone() {
    let mut memory = Memory::new();
    let mut side = Side::new(&mut memory, true);
    let mut counters = Counters([0; LINES * LINE_WORDS]);
    for line in [0, 1, 1, 2, 2] {
        side.list.insert(waits_for(&counters, (line, 0), 9));
    }
    counters.0[0] = 9;
    side.settle(&counters, (0, 5));
    assert_eq!((side.list.lines(), side.passed), (2, 4));
    for stop in [(1, 1), (1, 0), (0, 1), (0, 0)] {
        side.settle(&counters, (0, 3));
        assert_eq!(place(&side), stop);
    }
    assert_eq!(side.passed, 4 + 12);
}

#[test]
fn a_condition_that_comes_onto_a_line_before_the_sweep_does_is_looked_at_in_this_lap() {
    let mut memory = Memory::new();
    let mut side = Side::new(&mut memory, true);
    let counters = Counters([0; LINES * LINE_WORDS]);
    for line in [0, 1] {
        side.list.insert(waits_for(&counters, (line, 0), 9));
    }
    side.settle(&counters, (0, 1));
    side.list.insert(waits_for(&counters, (1, 0), 8));
    assert_eq!(place(&side), (1, 0));
    side.settle(&counters, (0, 1));
    assert_eq!(place(&side), (1, 1));
}

#[test]
fn a_line_whose_last_condition_is_taken_is_quiet_at_once() {
    let mut memory = Memory::new();
    let mut side = Side::new(&mut memory, true);
    let mut counters = Counters([0; LINES * LINE_WORDS]);
    for (word, expected) in [(1, 5), (0, 9)] {
        side.list.insert(waits_for(&counters, (0, word), expected));
    }
    counters.0[1] = 5;
    side.settle(&counters, (0, 2));
    assert_eq!((side.list.count(), side.passed), (1, 0));
    side.settle(&counters, (0, 1));
    assert_eq!(side.passed, 1);
}
