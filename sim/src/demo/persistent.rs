//! `persistent_scan`: many small alike items, each a rule scan over 1 KiB of bytes, each a launch
//! of its own or taken from a work ring by persistent workers. Both do the same.
//!
//! The bytes are generated, and patterns are planted in them: inside items, at their edges, across
//! the edge of two, where nobody must find them. An item is judged by one of two rule sets and
//! leaves two words: how many matches, and where the first one is. The golden result is a plain
//! search.

use crate::workload::{
    Check, Expect, Init, Op, RankPlan, RuleSet, Scanned, Service, Shape, Span, TaskPlan, TaskRef,
    Workload, mix, pattern,
};

/// Bytes of an item.
pub const ITEM_BYTES: u64 = 1024;

/// Most items: their bytes fit a device.
pub const MOST_ITEMS: u32 = 200_000;

/// Which pattern the bytes are before anything is planted.
const SEED: u64 = 0x0005_CA11;

/// Items judged by the first set, and by the second. Some patterns begin alike, one stands inside
/// another, one has a single byte and is common.
const RULES: [&[&[u8]]; 2] = [
    &[b"\x7fELF", b"finbox", b"fin", b"#!/bin/sh", b"%PDF-1."],
    &[b"\0\0\xff\xff", b"needle", b"DROP TABLE", b"\xee"],
];

/// Of how many items one is followed by a pattern that reaches into the next. A choice.
const ACROSS_EVERY: u64 = 16;

/// `tasks` items. `workers`: so many vector cores, at most 32 767, serve them in one launch that
/// lasts until the last is done, as the last task, which is submitted first; 0: each is a launch of
/// its own.
pub fn persistent_scan(tasks: u32, workers: u16) -> Workload {
    let mut plan = RankPlan::new(0);
    let input = plan.add_buffer("input", u64::from(tasks) * ITEM_BYTES, 64);
    let found = plan.add_buffer("found", u64::from(tasks) * Scanned::BYTES, 64);
    plan.rule_sets = rule_sets();
    let service = Service {
        input: plan.offset(input),
        found: plan.offset(found),
        grain: ITEM_BYTES,
    };
    let (bytes, init) = content(tasks, service.input);
    plan.init = init;
    let shape = match workers {
        0 => Shape::Aiv,
        _ => Shape::Work,
    };
    for task in 0..tasks {
        plan.add_task(item(&service, task, shape));
    }
    let mut order: Vec<TaskRef> = (0..tasks).map(|task| TaskRef { rank: 0, task }).collect();
    if workers > 0 {
        // In a ring of its own: it is the first to begin and the last to end, and slots come back
        // in ring order.
        let task = plan.add_task(TaskPlan {
            opens: 1,
            closes: 1,
            blocks: workers,
            program: vec![Op::Serve(service)].into(),
            ..TaskPlan::new("workers", Shape::Aiv, 0)
        });
        order.insert(0, TaskRef { rank: 0, task });
    }
    let expect = Expect::U32(golden(&plan.rule_sets, &bytes).into());
    Workload {
        name: "persistent_scan".into(),
        order,
        ranks: vec![plan],
        golden: true,
        checks: vec![Check {
            rank: 0,
            name: "found".into(),
            at: service.found,
            expect,
        }],
        ..Workload::default()
    }
}

/// Item `nth` as a task.
fn item(service: &Service, nth: u32, shape: Shape) -> TaskPlan {
    let at = service.found + u64::from(nth) * Scanned::BYTES;
    let scan = Op::Scan {
        from: service.input + u64::from(nth) * ITEM_BYTES,
        to: at,
        bytes: ITEM_BYTES,
        rules: rules_of(nth),
    };
    let bytes = Scanned::BYTES;
    TaskPlan {
        program: vec![scan].into(),
        output: Some(Span { at, bytes }),
        ..TaskPlan::new("scan", shape, 0)
    }
}

fn rule_sets() -> Vec<RuleSet> {
    let sets = RULES.iter();
    sets.map(|set| RuleSet::of(set.iter().copied())).collect()
}

/// The rule set that an item is judged by.
const fn rules_of(item: u32) -> u32 {
    item % 2
}

/// The bytes of all items, and what makes them the data at `at` that they are.
fn content(items: u32, at: u64) -> (Vec<u8>, Vec<Init>) {
    let size = u64::from(items) * ITEM_BYTES;
    let mut bytes = pattern(SEED, size).into_vec();
    let plants = planted(items);
    for (place, what) in &plants {
        bytes[*place..place + what.len()].copy_from_slice(what);
    }
    let mut init = vec![Init::Pattern {
        at,
        bytes: size,
        seed: SEED,
    }];
    for (place, what) in plants {
        let words = place / 4..(place + what.len()).div_ceil(4);
        let (chunks, _) = bytes[words.start * 4..words.end * 4].as_chunks();
        init.push(Init::U32 {
            at: at + words.start as u64 * 4,
            words: chunks.iter().copied().map(u32::from_le_bytes).collect(),
        });
    }
    (bytes, init)
}

/// Which patterns are planted, and where, in bytes from the first item.
fn planted(items: u32) -> Vec<(usize, &'static [u8])> {
    let all: Vec<&[u8]> = RULES.concat();
    let item_bytes = usize::try_from(ITEM_BYTES).expect("an item fits into memory");
    let mut plants = Vec::new();
    for item in 0..u64::from(items) {
        let first = usize::try_from(item).expect("items fit into memory") * item_bytes;
        let draw = |nth: u64, below: usize| {
            let drawn = mix(SEED ^ mix(item << 8 | nth)) % below as u64;
            usize::try_from(drawn).expect("less than what it is drawn below")
        };
        // None, one, two or three; the places from the first that fits to the last.
        for nth in 0..draw(0, 4) as u64 {
            let what = all[draw(3 * nth + 1, all.len())];
            plants.push((first + draw(3 * nth + 2, item_bytes + 1 - what.len()), what));
        }
        let follows = item + 1 < items.into();
        let what = all[draw(99, all.len())];
        if follows && item % ACROSS_EVERY == 0 && what.len() > 1 {
            plants.push((first + item_bytes - what.len() / 2, what));
        }
    }
    plants
}

/// What must be found in each item: two words each.
fn golden(rules: &[RuleSet], bytes: &[u8]) -> Vec<u32> {
    let item_bytes = usize::try_from(ITEM_BYTES).expect("an item fits into memory");
    let items = (0..).zip(bytes.chunks_exact(item_bytes));
    items
        .flat_map(|(item, bytes)| rules[rules_of(item) as usize].search(bytes).words())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Scanned, content, golden, persistent_scan, rule_sets};
    use crate::demo::by_hand::run_in;
    use crate::workload::Expect;
    use finbox_scheduler::{A2A3, A5};

    #[test]
    fn the_scans_find_what_a_plain_search_finds() {
        for (tasks, workers) in [(1, 0), (2, 3), (33, 0), (300, 0), (300, 48)] {
            let workload = persistent_scan(tasks, workers);
            assert_eq!(workload.check(), Ok(()));
            for target in [A2A3, A5] {
                let devices = run_in(&workload, target, &workload.order);
                let found = workload.verify(&devices);
                assert!(found.is_right(), "{tasks} tasks: {found:?}");
            }
        }
    }

    #[test]
    fn a_byte_that_is_planted_or_missing_is_noticed() {
        let workload = persistent_scan(64, 0);
        let mut devices = run_in(&workload, A2A3, &[]);
        assert!(!workload.verify(&devices).is_right(), "nothing ran");
        let Expect::U32(words) = &workload.checks[0].expect else {
            panic!("words");
        };
        let with_matches = words.chunks(2).position(|found| found[0] > 0).unwrap();
        let first = u64::from(words[with_matches * 2 + 1]);
        let at = with_matches as u64 * super::ITEM_BYTES + first;
        let mut broken = workload.clone();
        broken.ranks[0].init.push(crate::workload::Init::Pattern {
            at,
            bytes: 1,
            seed: 12,
        });
        devices = run_in(&broken, A2A3, &broken.order);
        assert!(!broken.verify(&devices).is_right());
    }

    #[test]
    fn items_with_and_without_matches_and_patterns_across_their_edges() {
        let (bytes, _) = content(1_000, 0);
        let sets = rule_sets();
        let words = golden(&sets, &bytes);
        let of_items: Vec<&[u32]> = words.chunks(2).collect();
        let without = of_items.iter().filter(|found| found[1] == Scanned::NONE);
        let several = of_items.iter().filter(|found| found[0] > 1);
        assert!(without.count() > 50 && several.count() > 50);
        let in_items: u32 = of_items.iter().step_by(2).map(|found| found[0]).sum();
        let item_bytes = usize::try_from(super::ITEM_BYTES).unwrap();
        let with_next = bytes.windows(item_bytes + 8).step_by(2 * item_bytes);
        let with_next: u32 = with_next.map(|bytes| sets[0].search(bytes).matches).sum();
        assert!(with_next > in_items, "{with_next} and {in_items}");
    }
}
