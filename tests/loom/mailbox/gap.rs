//! Gaps: a missing position names its claimer, and a recovery finds each accepted message once.

use std::num::NonZeroU32;

use finbox_mailbox::{Claimers, Consumer, Message, Producer, PushError, Salvage, model};
use finbox_tests::arena::{done, with_lines, with_mailbox};
use finbox_tests::outcomes::expect;
use loom::thread;

/// What a recovery finds at a position: a task, or that it is missing.
fn recover(consumer: &mut Consumer<'_>, claimer: Option<u32>) -> Vec<Option<u64>> {
    let mut found = Vec::new();
    consumer.recover(u32::MAX, |_, salvage| match salvage {
        Salvage::Message(words) => match Message::decode(words, 1) {
            Ok(Message::NormalDone(message)) => found.push(Some(message.task)),
            other => panic!("not what was pushed: {other:?}"),
        },
        Salvage::Missing(claimers) => {
            let name = claimer.and_then(NonZeroU32::new);
            assert_eq!(claimers, Claimers { name, others: 0 }, "who left the gap");
            found.push(None);
        }
    });
    found
}

fn name(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("a name is not 0")
}

/// Whether the push was accepted; refused, it must know why.
fn is_accepted(pushed: Result<(), PushError>) -> bool {
    assert_ne!(
        pushed.is_err(),
        pushed != Err(PushError::Condemned),
        "there is room: only a condemned mailbox refuses"
    );
    pushed.is_ok()
}

/// The publisher may be anywhere when its position is visited; what it publishes after that stays
/// lost, and what it publishes before is found, once.
#[test]
fn a_recovery_beside_a_publisher_finds_its_message_or_its_name() {
    let expected = [(false, vec![]), (true, vec![None]), (true, vec![Some(1)])];
    expect("recover, publish", &expected, || {
        with_lines(2, 1, |producer, mut consumer| {
            let mut own = producer.register(name(7)).unwrap();
            let other = thread::spawn(move || is_accepted(own.push(&done(1))));
            let found = recover(&mut consumer, Some(7));
            let accepted = other.join().unwrap();
            assert_eq!(recover(&mut consumer, None), [], "nothing is found twice");
            (accepted, found)
        })
    });
}

/// The line shows a second batch, or nothing, only to those who see the first one published.
#[test]
fn a_line_that_moved_on_left_no_gap_behind() {
    let expected = [
        (0, vec![]),
        (1, vec![None]),
        (1, vec![Some(1)]),
        (2, vec![Some(1), None]),
        (2, vec![Some(1), Some(2)]),
    ];
    expect("recover, publish twice", &expected, || {
        with_lines(2, 1, |producer, mut consumer| {
            let mut own = producer.register(name(7)).unwrap();
            let other = thread::spawn(move || {
                u32::from(is_accepted(own.push(&done(1))))
                    + u32::from(is_accepted(own.push(&done(2))))
            });
            let found = recover(&mut consumer, Some(7));
            (other.join().unwrap(), found)
        })
    });
}

/// A line that changed hands shows what its new owner has in hand.
#[test]
fn a_line_taken_over_names_its_new_owner() {
    let (one, two) = (Some(1), Some(2));
    let expected = [
        (false, vec![]),
        (false, vec![None]),
        (false, vec![one]),
        (true, vec![one, None]),
        (true, vec![one, two]),
    ];
    expect("leave, register, recover", &expected, || {
        with_lines(2, 1, |producer, mut consumer| {
            let mut own = producer.register(name(7)).unwrap();
            let first = thread::spawn(move || is_accepted(own.push(&done(1))));
            let second = thread::spawn(move || match producer.register(name(7)) {
                Ok(mut own) => is_accepted(own.push(&done(2))),
                Err(_) => false,
            });
            let found = recover(&mut consumer, Some(7));
            let accepted = (first.join().unwrap(), second.join().unwrap());
            (accepted.0 && accepted.1, found)
        })
    });
}

/// Who left wrote its slot before; who is attached keeps the memory from being placed.
#[test]
fn memory_is_placed_again_only_behind_the_last_producers_back() {
    let expected = [(true, vec![Some(3)]), (false, vec![])];
    expect("leave, place again", &expected, || {
        finbox_tests::arena::with_line_memory(2, 1, |header, cells, lines| {
            let (producer, mut consumer) = model::place(header, cells, lines, 0, 1);
            let mut own = producer.register(name(7)).unwrap();
            let other = thread::spawn(move || own.push(&done(1)).is_ok());
            consumer.condemn();
            let placed = model::place_again(header, cells, lines, 0, 1);
            let found = match placed {
                Ok((producer, mut consumer)) => {
                    producer.push(&done(3)).unwrap();
                    (true, recover(&mut consumer, None))
                }
                Err(_) => (false, vec![]),
            };
            other.join().unwrap();
            found
        })
    });
}

/// Two threads without lines: each message is found or missing, and none in two places.
#[test]
fn a_recovery_beside_two_publishers_accounts_for_both() {
    let expected = [
        (0, 0, 0),
        (1, 0, 1),
        (1, 1, 0),
        (2, 0, 2),
        (2, 1, 1),
        (2, 2, 0),
    ];
    expect("recover, two publishers", &expected, || {
        with_mailbox(2, u64::MAX, |producer: Producer<'static>, mut consumer| {
            let push = move |task| move || u64::from(is_accepted(producer.push(&done(task))));
            let (first, second) = (thread::spawn(push(1)), thread::spawn(push(2)));
            let found = recover(&mut consumer, None);
            let accepted = first.join().unwrap() + second.join().unwrap();
            let missing = found.iter().filter(|found| found.is_none()).count() as u64;
            let delivered = found.len() as u64 - missing;
            assert_eq!(accepted, delivered + missing);
            (accepted, delivered, missing)
        })
    });
}
