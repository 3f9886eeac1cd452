//! A core's pair, its records and its openings: install against observe, and nothing forgotten.

use finbox_scheduler::{Cond, CorePair, Pair, Part, Record, SlotId, Token, Transition};
use finbox_tests::outcomes::expect_all;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use crate::chip::Chip;
use crate::wiring::Output;

const FIRST: Token = Token::FIRST;

fn second() -> Token {
    FIRST.next()
}

fn running_first(is_acked: bool) -> Arc<CorePair> {
    let pair = CorePair::default();
    assert!(pair.install(FIRST).is_some());
    if is_acked {
        let acked = pair.apply(Cond::ack(FIRST), Cond::RESET, Token::IDLE);
        assert!(matches!(
            acked,
            Transition::Apply {
                finished: [None, None],
                ..
            }
        ));
    }
    Arc::new(pair)
}

#[test]
fn a_fin_either_finds_the_pending_token_or_leaves_the_core_idle_for_it() {
    let expected = [
        ("runs", "finished"),
        ("waits behind the first", "nothing yet"),
    ];
    expect_all("install against observe", &expected, || {
        let pair = running_first(true);
        let other = Arc::clone(&pair);
        let handler =
            thread::spawn(move || other.apply(Cond::fin(FIRST), Cond::ack(FIRST), Token::IDLE));
        let installed = pair
            .install(second())
            .expect("an acked core takes a pending token");
        let seen = handler.join().unwrap();
        let installed = match (installed.running(), installed.pending()) {
            (Some(running), None) if running == second() => "runs",
            (Some(FIRST), Some(pending)) if pending == second() => "waits behind the first",
            other => panic!("no such pair: {other:?}"),
        };
        let seen = match seen {
            Transition::Apply {
                finished: [Some(FIRST), None],
                ..
            } => "finished",
            Transition::Nothing => "nothing yet",
            other => panic!("no such transition: {other:?}"),
        };
        let late = pair.apply(Cond::fin(second()), Cond::ack(FIRST), FIRST);
        let Transition::Apply { next, finished } = late else {
            panic!("the second must finish")
        };
        assert_eq!(next, Pair::IDLE);
        assert_eq!(finished.iter().flatten().last(), Some(&second()));
        (installed, seen)
    });
}

/// The register shows the FIN before until the doorbell is rung. A handler that sees the new token
/// first takes the old FIN for no news; it never takes it for the new token's, nor for foreign.
#[test]
fn a_token_installed_and_not_yet_rung_is_not_taken_for_finished() {
    let expected = ["core idle", "installed, old FIN", "rung, finished"];
    expect_all("install, observe, doorbell", &expected, || {
        let pair = Arc::new(CorePair::default());
        let cond = Arc::new(AtomicU32::new(Cond::fin(FIRST).0));
        let (others, register) = (Arc::clone(&pair), Arc::clone(&cond));
        let dispatch = thread::spawn(move || {
            assert!(others.install(second()).is_some());
            // The core is done with it as soon as the doorbell rings.
            register.store(Cond::fin(second()).0, Ordering::Release);
        });
        let seen = Cond::fin(FIRST);
        let what = match pair.observed().is_idle() {
            true => "core idle",
            false => {
                let word = Cond(cond.load(Ordering::Acquire));
                match pair.apply(word, seen, FIRST) {
                    Transition::Nothing => "installed, old FIN",
                    Transition::Apply { next, finished } => {
                        assert_eq!((next, finished), (Pair::IDLE, [Some(second()), None]));
                        "rung, finished"
                    }
                    other => panic!("no such transition: {other:?}"),
                }
            }
        };
        dispatch.join().unwrap();
        what
    });
}

/// A record and the slab beside it, which has no order of its own.
struct Parity {
    pair: CorePair,
    record: Record,
    slab: UnsafeCell<u32>,
}

// SAFETY: loom checks every access of `slab`; that it finds no race is what the models show.
unsafe impl Sync for Parity {}
// SAFETY: as above.
unsafe impl Send for Parity {}

impl Parity {
    fn new() -> Arc<Self> {
        let (pair, record) = (CorePair::default(), Record::default());
        Arc::new(Self {
            pair,
            record,
            slab: UnsafeCell::new(7),
        })
    }
}

#[test]
fn whoever_sees_a_token_sees_its_record_and_its_cleared_slab() {
    expect_all("install carries the record", &[false, true], || {
        let core = Parity::new();
        let other = Arc::clone(&core);
        let slot = SlotId::new(0, 3, 9);
        let dispatch = thread::spawn(move || {
            other.record.assign(slot, Part::ONLY);
            // SAFETY: loom fails the model if another thread touches the cell meanwhile.
            other.slab.with_mut(|slab| unsafe { *slab = 0 });
            assert!(other.pair.install(FIRST).is_some());
        });
        let sees_it = !core.pair.observed().is_idle();
        if sees_it {
            assert_eq!(core.record.slot(), Some(slot));
            // SAFETY: as above.
            assert_eq!(core.slab.with(|slab| unsafe { *slab }), 0);
        }
        dispatch.join().unwrap();
        sees_it
    });
}

#[test]
fn a_free_record_means_that_its_slab_was_read_for_the_last_time() {
    expect_all("record freed", &[false, true], || {
        let core = Parity::new();
        core.record.assign(SlotId::new(0, 3, 9), Part::ONLY);
        let other = Arc::clone(&core);
        let handler = thread::spawn(move || {
            // SAFETY: loom fails the model if another thread writes the cell meanwhile.
            assert_eq!(other.slab.with(|slab| unsafe { *slab }), 7);
            other.record.free();
        });
        let is_free = core.record.is_free();
        if is_free {
            // SAFETY: as above.
            core.slab.with_mut(|slab| unsafe { *slab = 0 });
        }
        handler.join().unwrap();
        is_free
    });
}

#[test]
fn a_place_behind_a_token_that_runs_is_never_forgotten() {
    expect_all(
        "core acknowledges against dispatch",
        &["at once", "next time"],
        || {
            let mut chip = Chip::new(2, 1);
            chip.port.go_on();
            chip.submit(&[]);
            chip.pass();
            chip.submit(&[]);
            let handler = chip.spawn_handler(|()| {});
            chip.pass();
            let at_once = chip.port.rung().len() == 2;
            handler.join().unwrap();
            chip.pass();
            assert_eq!(chip.port.rung(), [1, 1], "the second task found the place");
            chip.end();
            if at_once { "at once" } else { "next time" }
        },
    );
}

#[test]
fn a_core_that_becomes_free_is_never_forgotten() {
    expect_all(
        "core freed against dispatch",
        &["at once", "next time"],
        || {
            let mut chip = Chip::new(2, 1);
            chip.submit(&[]);
            chip.pass();
            chip.submit(&[]);
            chip.pass();
            assert_eq!(chip.port.rung(), [1], "the only cube core is taken");
            let output = Output::new();
            let written = Arc::clone(&output);
            let handler = chip.spawn_handler(move |()| written.write());
            chip.pass();
            let at_once = chip.port.rung().len() == 2;
            if at_once {
                assert_eq!(output.read(), 1, "what came before the core was free");
            }
            handler.join().unwrap();
            chip.pass();
            assert_eq!(chip.port.rung(), [1, 1], "the second task found the core");
            chip.end();
            if at_once { "at once" } else { "next time" }
        },
    );
}
