//! Any COND words: what is the word of no token in flight is counted and changes nothing.

use finbox_scheduler::{
    Chip, Cond, CoreId, Foreign, Outcome, Pair, Shape, SlotId, Token, Transition, observe,
};
use finbox_tests::house::Limits;

use crate::bytes::Bytes;
use crate::fixture::{TARGETS, World, clusters};
use crate::raw::with_world;

const MOST_TASKS: usize = 24;

/// One word against one pair, then words among honest ones in a whole scheduler.
pub(crate) fn target(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    one_word(&mut bytes);
    let chip: Chip = clusters(TARGETS[bytes.below(2)], 1);
    let limits = Limits {
        mailbox: 2,
        slots: 16,
        ..Limits::default()
    };
    with_world(chip, &limits, |world, _| run(world, &mut bytes));
}

/// A token: any, or one near `other`.
fn token(bytes: &mut Bytes<'_>, other: Token) -> Token {
    match bytes.below(4) {
        0 => Token::from_bits(bytes.u32()),
        1 => other,
        2 => other.next(),
        _ => Token::from_bits(other.bits().wrapping_sub(u32::from(bytes.u8()))),
    }
}

/// `observe` beside the table of cases in the header of `core_pair`.
fn one_word(bytes: &mut Bytes<'_>) {
    let first = token(bytes, Token::FIRST);
    let second = token(bytes, first);
    let mut pair = Pair::IDLE;
    let stage = bytes.below(4);
    if first.is_ordinary() && stage > 0 {
        pair = pair.install(first).expect("an idle pair takes a token");
    }
    if stage > 1 && !pair.is_idle() {
        let ack = observe(pair, Cond::ack(first), Cond::RESET, Token::IDLE);
        let Transition::Apply { next, .. } = ack else {
            panic!("the ACK of the running token: {ack:?}");
        };
        pair = next;
    }
    if stage > 2 && second.is_ordinary() && second != first {
        pair = pair.install(second).unwrap_or(pair);
    }
    let last = token(bytes, first);
    let is_fin = bytes.u8() & 1 == 1;
    let said = token(bytes, second);
    let cond = if is_fin {
        Cond::fin(said)
    } else {
        Cond::ack(said)
    };
    let seen = Cond(bytes.u32());
    let (running, pending, said) = (pair.running(), pair.pending(), Some(said));
    match observe(pair, cond, seen, last) {
        Transition::Nothing => {
            assert!(cond == seen || said == running && pending.is_some() && said != pending)
        }
        Transition::Apply { next, finished } => {
            let ours = running.is_some() && (said == running || said == pending);
            assert!(ours && cond != seen);
            let expected = match (said == pending, is_fin) {
                (true, true) => (None, None, [running, pending]),
                (true, false) => (pending, None, [running, None]),
                (false, true) => (None, None, [running, None]),
                (false, false) => (running, None, [None, None]),
            };
            assert_eq!((next.running(), next.pending(), finished), expected);
            assert_eq!(next.is_acked(), !is_fin);
        }
        Transition::Foreign(kind) => {
            assert!(running.is_none() || said != running && said != pending);
            let said = cond.token();
            let expected = match said.is_ordinary() && last.is_ordinary() {
                true if said == last => Foreign::Duplicate,
                true if said.is_before(last) => Foreign::Stale,
                _ => Foreign::Unknown,
            };
            assert_eq!(kind, expected);
        }
    }
}

/// Tasks, honest cores, and words that no token in flight has. One that no token explains takes
/// its core out of the pool, so half of the inputs do without.
fn run(world: &mut World<'_>, bytes: &mut Bytes<'_>) {
    let mut tasks: Vec<SlotId> = Vec::new();
    let may_be_unknown = bytes.u8() & 1 == 1;
    while !bytes.is_empty() {
        let core = CoreId(u16::from(bytes.u8() % 3));
        match bytes.below(8) {
            0 | 1 => submit(world, bytes, &mut tasks),
            2 => drop(world.dispatch()),
            3 => drop(world.handle()),
            4 => drop(world.start(core)),
            5 if !world.port.is_idle(core) => world.port.finish(core),
            _ => forge(world, bytes, core, may_be_unknown),
        }
    }
    run_honestly(world);
    world.assert_done();
    let ledger = world.ledger();
    assert!(may_be_unknown || ledger.fins_unknown == 0);
    for task in tasks {
        let outcome = world.log.outcome(task);
        let faults = world.log.raised();
        assert!(
            ledger.fins_unknown > 0 || outcome == Outcome::Completed,
            "{faults:?}"
        );
    }
    let dispatched = world.log.dispatched().len() as u64;
    assert_eq!(ledger.fins_applied, dispatched, "each token retires once");
}

fn submit(world: &mut World<'_>, bytes: &mut Bytes<'_>, tasks: &mut Vec<SlotId>) {
    let what = bytes.u8();
    let after = tasks.iter().rev().take(usize::from(what & 1)).copied();
    let after: Vec<SlotId> = after.collect();
    let shape = [Shape::Aiv, Shape::Aic][usize::from(what >> 1 & 1)];
    if tasks.len() == MOST_TASKS {
        return;
    }
    if what & 4 != 0 {
        let met = world.counter(0, 0);
        let args = world.script(&[met; 3]);
        tasks.extend(world.try_submit((shape, 3, args), &after));
    } else {
        tasks.extend(world.try_submit((shape, 0, 0), &after));
    }
}

/// Everybody moves until nothing is left to do.
fn run_honestly(world: &mut World<'_>) {
    let cores = [0, 1, 2].map(CoreId);
    loop {
        let busy = cores.iter().filter(|core| !world.port.is_idle(**core));
        busy.for_each(|core| world.port.finish(*core));
        world.run();
        if cores.iter().all(|core| world.port.is_idle(*core)) {
            return;
        }
    }
}

/// COND of `core` says something for a moment that no token in flight can say.
fn forge(world: &mut World<'_>, bytes: &mut Bytes<'_>, core: CoreId, may_be_unknown: bool) {
    let doorbell = world.port.doorbell(core);
    let said = token(bytes, doorbell);
    let word = Cond(said.bits() | u32::from(bytes.u8() & 1) << 31);
    // What the core itself said is seen first, so that the word meets nothing else.
    let _ = world.handle();
    let observed = observed(world, core);
    let mut dispatched = world.log.dispatched().into_iter();
    let is_in_flight =
        dispatched.any(|(on, token, _)| on == core && token == said && !observed.contains(&said));
    let is_known = observed.contains(&said);
    if is_in_flight || !is_known && !may_be_unknown {
        return;
    }
    let honest = world.port.cond(core);
    let before = world.ledger();
    let finished = world.log.finished();
    world.port.set_cond(core, word.0);
    let _ = world.handle();
    world.port.set_cond(core, honest);
    let after = world.ledger();
    assert_eq!(after.fins_applied, before.fins_applied, "{word:?}");
    assert_eq!(world.log.finished(), finished, "{word:?}");
    assert!(after.fins_received <= before.fins_received + 1);
}

/// Tokens of `core` whose FIN was observed.
fn observed(world: &World<'_>, core: CoreId) -> Vec<Token> {
    let events = world.log.events().into_iter();
    let tokens = events.filter_map(|event| match event {
        finbox_scheduler::Event::Observed {
            core: on, token, ..
        } if on == core => Some(token),
        _ => None,
    });
    tokens.collect()
}
