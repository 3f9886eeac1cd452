//! Placement: whoever attaches finds no mailbox yet, or a whole one; what an old life left is never
//! taken for the new one's.

use std::num::NonZeroU32;

use finbox_mailbox::{AttachError, Consumer, Message, Occupant, PlaceError, model};
use finbox_tests::arena::{drain, push, with_mailbox, with_memory};
use finbox_tests::outcomes::expect;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

/// Takes up to `budget` messages: the run each belongs to, of which there are two, and its task.
fn take(consumer: &mut Consumer<'_>, budget: u32) -> Vec<(u32, u64)> {
    let mut seen = Vec::new();
    consumer.drain(budget, |_, words| {
        let run = [1, 2]
            .into_iter()
            .find_map(|run| match Message::decode(words, run) {
                Ok(Message::NormalDone(message)) => Some((run, message.task)),
                _ => None,
            });
        seen.push(run.expect("a whole message of one of the runs"));
    });
    seen
}

#[test]
fn whoever_attaches_during_placement_finds_nothing_or_a_whole_mailbox() {
    let nothing = AttachError::Magic { found: 0 }.to_string();
    expect(
        "place, attach",
        &[(Ok(1), vec![3]), (Err(nothing), vec![])],
        || {
            with_memory(2, |header, cells| {
                let other = thread::spawn(move || {
                    let producer =
                        model::attach(header, cells).map_err(|error| error.to_string())?;
                    assert!(push(&producer, 3), "a fresh mailbox has room");
                    Ok(producer.epoch())
                });
                let (_, mut consumer) = model::place(header, cells, &[], 1 << 40, 1);
                let attached = other.join().unwrap();
                (attached, drain(&mut consumer, 9))
            })
        },
    );
}

/// The memory holds the sequences and payloads of a life that ended full, where the new one begins.
#[test]
fn what_an_old_life_published_is_not_there_in_the_next() {
    let expected = [(vec![], vec![(2, 9)]), (vec![(2, 9)], vec![])];
    expect("dirty memory, push", &expected, || {
        with_memory(2, |header, cells| {
            let (producer, _) = model::place(header, cells, &[], 7, 1);
            assert!(push(&producer, 1) && push(&producer, 2));
            let (producer, mut consumer) = model::place(header, cells, &[], 7, 2);
            let other = thread::spawn(move || assert!(push(&producer, 9)));
            let early = take(&mut consumer, 2);
            other.join().unwrap();
            (early, take(&mut consumer, 2))
        })
    });
}

/// A straggler of the run before may push at any time; its message is known by its epoch.
#[test]
fn a_straggler_of_the_run_before_is_told_apart() {
    let expected = [
        (vec![(1, 5)], true, vec![(2, 6)]),
        (vec![], false, vec![(1, 5)]),
        (vec![], true, vec![(1, 5), (2, 6)]),
        (vec![], true, vec![(2, 6), (1, 5)]),
    ];
    expect("reset, straggler", &expected, || {
        with_mailbox(2, 0, |old, mut consumer| {
            let straggler = thread::spawn(move || assert!(push(&old, 5)));
            let before = take(&mut consumer, 1);
            let new = consumer.reset(2);
            if let Ok(producer) = &new {
                assert!(push(producer, 6), "there is room for both");
            }
            straggler.join().unwrap();
            (before, new.is_ok(), take(&mut consumer, 9))
        })
    });
}

/// What the consumer before wrote is carried by its seat alone.
#[test]
fn a_second_consumer_is_refused_or_sees_all_that_the_one_before_did() {
    let refused = PlaceError::Occupied { name: 1 };
    expect(
        "leave a seat, take it",
        &[Ok(7), Err(refused.to_string())],
        || {
            with_memory(2, |header, cells| {
                let occupant = |name| Occupant {
                    name: NonZeroU32::new(name).expect("names are not 0"),
                    instead_of: None,
                };
                let _handles = model::place(header, cells, &[], 0, 1);
                let seat = model::sit_down(header, occupant(1)).expect("nobody sits there");
                let did = Arc::new(AtomicU64::new(0));
                let work = Arc::clone(&did);
                let other = thread::spawn(move || {
                    // RELAXED: the seat is to carry it.
                    work.store(7, Ordering::Relaxed);
                    drop(seat);
                });
                let seen = model::sit_down(header, occupant(2));
                // RELAXED: as above.
                let seen = seen.map(|_seat| did.load(Ordering::Relaxed));
                other.join().unwrap();
                seen.map_err(|error| error.to_string())
            })
        },
    );
}
