//! Any bytes in deferred slabs: each task ends once, as its count and error field say.

use finbox_scheduler::{
    Chip, CoreId, ENTRIES_OFFSET, ENTRY_BYTES, Outcome, Port, SLAB_BYTES, Shape, SlotId, TaskSpec,
};
use finbox_tests::house::Limits;

use crate::bytes::Bytes;
use crate::fixture::{COUNTERS, TARGETS, World, cluster};
use crate::raw::with_world;

/// Longer than any of it takes, in ns.
const AN_AGE: u64 = 1 << 40;

const MOST_TASKS: u32 = 12;

/// Target, mailbox, then one task after the other with what it leaves in its slab.
pub(crate) fn target(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let chip: Chip = cluster(TARGETS[bytes.below(2)]);
    let limits = Limits {
        mailbox: 2 << bytes.below(4),
        slots: 4 << bytes.below(2),
        conditions: 64 << bytes.below(3),
        ..Limits::default()
    };
    with_world(chip, &limits, |world, _| run(world, &mut bytes));
}

/// A task, and how it must end where that is known.
struct Told {
    slot: SlotId,
    may_defer: u32,
    outcome: Option<Outcome>,
}

fn run(world: &mut World<'_>, bytes: &mut Bytes<'_>) {
    let mut told = Vec::new();
    for _ in 0..MOST_TASKS {
        if bytes.is_empty() {
            break;
        }
        let spec = TaskSpec {
            may_defer: bytes.u8() % 65,
            wait_budget_ns: AN_AGE / 2,
            ..world.spec(Shape::Aiv, 0, 0)
        };
        if let Ok(slot) = world.try_submit_spec(&spec, &[]) {
            told.push(Told {
                slot,
                may_defer: u32::from(spec.may_defer),
                outcome: None,
            });
        }
        play(world, bytes, &mut told);
    }
    for _ in 0..=MOST_TASKS {
        world.run();
        play(world, bytes, &mut told);
        world.port.pass_time(AN_AGE);
    }
    world.run();
    world.assert_done();
    for Told { slot, outcome, .. } in told {
        let ended = world.log.outcome(slot);
        assert_eq!(ended, outcome.unwrap_or(ended), "{slot:?}");
    }
}

/// Everybody moves a little; whatever core starts a task leaves something in its slab.
fn play(world: &mut World<'_>, bytes: &mut Bytes<'_>, told: &mut [Told]) {
    let _ = world.dispatch();
    let cores: Vec<CoreId> = world.scheduler.chip().all().collect();
    for core in cores {
        let Some((token, launch)) = world.port.start(core) else {
            continue;
        };
        let slab = world.port.slab_address(core, token.parity());
        let told = told.iter_mut().find(|told| told.slot == launch.slot);
        let told = told.expect("it was submitted");
        told.outcome = foretell(&fill(world, bytes, slab), told.may_defer);
        world.port.finish(core);
        if bytes.below(4) == 0 {
            assert!(world.handle());
            spoil(world, bytes, slab);
        }
    }
    let _ = world.handle();
}

/// What a core left in its slab.
struct Left {
    count: u32,
    error: u32,
    /// Whether every entry is one that can be looked at.
    is_valid: bool,
}

/// How a task ends whose core left this.
fn foretell(left: &Left, may_defer: u32) -> Option<Outcome> {
    match (may_defer, left.count, left.error) {
        (0, _, _) | (_, 0, 0) => Some(Outcome::Completed),
        (_, count, error) if error != 0 || count > may_defer => Some(Outcome::Failed),
        _ => (!left.is_valid).then_some(Outcome::Failed),
    }
}

/// Writes header and entries.
fn fill(world: &World<'_>, bytes: &mut Bytes<'_>, slab: u64) -> Left {
    let mode = bytes.u8();
    let count = match mode & 1 {
        0 => u32::from(mode >> 4),
        _ => bytes.u32(),
    };
    let error = match mode & 6 {
        6 => bytes.u32(),
        _ => 0,
    };
    let mut is_valid = true;
    for index in 0..u64::from(count.min(64)) {
        let words = entry(world, bytes);
        let at = slab + ENTRIES_OFFSET + index * ENTRY_BYTES;
        (0..)
            .zip(words)
            .for_each(|(word, value)| world.port.poke(at + word * 8, value));
        is_valid &= can_be_looked_at(world, words);
    }
    world
        .port
        .poke(slab, u64::from(count) | u64::from(error) << 32);
    Left {
        count,
        error,
        is_valid,
    }
}

/// An entry, likelier a plausible one than not: address, cookie, expected and engine, type.
fn entry(world: &World<'_>, bytes: &mut Bytes<'_>) -> [u64; 4] {
    let (mode, near) = (bytes.u8(), bytes.u8());
    let counter = world.port.counter(usize::from(near) % COUNTERS);
    let addr = match mode & 3 {
        3 => bytes.u64(),
        2 => counter + (u64::from(near >> 5) << (mode >> 6)),
        _ => counter,
    };
    let cookie = match mode & 4 {
        0 => u64::from(near),
        _ => bytes.u64(),
    };
    let expected_engine = match mode & 8 {
        0 => u64::from(near & 1) | u64::from(near >> 6) << 32,
        _ => bytes.u64(),
    };
    let completion = match mode & 0xF0 {
        0 => bytes.u64(),
        _ => u64::from(mode >> 4) % 3,
    };
    [addr, cookie, expected_engine, completion]
}

/// Whether an entry is a condition of this target: every field in its range, the address aligned
/// and all that stands there in memory that may be read.
fn can_be_looked_at(world: &World<'_>, [addr, cookie, engine, completion]: [u64; 4]) -> bool {
    let has_urma = world.scheduler.chip().target.name == "a5";
    let (align, size_bytes) = match completion & u64::from(u32::MAX) {
        0 => (4, 4),
        1 if cookie != 0 => (64, 64),
        2 if has_urma => (64, 64),
        _ => return false,
    };
    let (first, end) = (world.port.counter(0), world.port.end());
    engine >> 32 < 4 && addr % align == 0 && addr >= first && addr <= end - size_bytes
}

/// A core that does not keep off a slab it gave up.
fn spoil(world: &World<'_>, bytes: &mut Bytes<'_>, slab: u64) {
    let word = u64::from(bytes.u8()) * 8 % SLAB_BYTES;
    world.port.poke(slab + word, bytes.u64());
}
