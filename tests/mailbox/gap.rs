//! Gaps: a position claimed and never published has a name, is recovered from once, and condemns.

use std::mem;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};

use finbox_mailbox::{
    Claimers, Consumer, Gap, Message, NamedProducer, NoLine, Producer, PushError, ResetError,
    Salvage, Stop,
};

use crate::fixture::{Memory, STARTS, done, fill, task_of, tasks};

fn name(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("a name is not 0")
}

fn named<'m>(producer: &Producer<'m>, number: u32) -> NamedProducer<'m> {
    producer.register(name(number)).expect("a free line")
}

const fn by(claimer: u32) -> Claimers {
    Claimers {
        name: NonZeroU32::new(claimer),
        others: 0,
    }
}

/// A position with the task found there, or with who left it.
type Found = (u64, Result<u64, Claimers>);

fn recover(consumer: &mut Consumer<'_>, budget: u32) -> (Vec<Found>, Stop) {
    let mut found = Vec::new();
    let drained = consumer.recover(budget, |ticket, salvage| {
        let what = match salvage {
            Salvage::Message(words) => Ok(task_of(
                &Message::decode(words, 1).expect("an undamaged message"),
            )),
            Salvage::Missing(claimers) => Err(claimers),
        };
        found.push((ticket.position(), what));
    });
    assert_eq!(drained.taken as usize, found.len());
    (found, drained.stop)
}

#[test]
fn a_gap_says_where_it_is_and_who_left_it() {
    for start in STARTS {
        let mut memory = Memory::with_lines(8, 3);
        let (producer, mut consumer) = memory.ring(start);
        let (mut first, mut second) = (named(&producer, 7), named(&producer, 9));
        assert_eq!(consumer.gap(), None, "nothing is claimed");
        first.push(&done(0)).unwrap();
        assert_eq!(consumer.gap(), None, "what is published is no gap");
        mem::forget(second.claim(2));
        first.push(&done(1)).unwrap();
        assert_eq!(tasks(&mut consumer), [0]);
        let gap = Gap {
            position: start.wrapping_add(1),
            claimers: by(9),
        };
        assert_eq!(consumer.gap(), Some(gap));
        assert_eq!(
            tasks(&mut consumer),
            [],
            "and delivery stands still behind it"
        );
    }
}

#[test]
fn a_gap_of_a_producer_without_a_line_has_no_name() {
    let mut memory = Memory::with_lines(4, 2);
    let (producer, consumer) = memory.ring(0);
    let _idle = named(&producer, 7);
    mem::forget(producer.claim(1));
    let gap = Gap {
        position: 0,
        claimers: by(0),
    };
    assert_eq!(consumer.gap(), Some(gap));
}

#[test]
fn a_claim_published_one_by_one_shows_until_the_last() {
    let mut memory = Memory::with_lines(4, 1);
    let (producer, mut consumer) = memory.ring(u64::MAX);
    let mut own = named(&producer, 3);
    let mut claimed = own.claim(3).unwrap();
    assert_eq!((claimed.position(), claimed.left()), (u64::MAX, 3));
    claimed.publish(&done(0));
    assert_eq!(tasks(&mut consumer), [0]);
    assert_eq!(consumer.gap().unwrap().claimers, by(3));
    claimed.publish(&done(1));
    claimed.publish(&done(2));
    let nothing_left = catch_unwind(AssertUnwindSafe(|| claimed.publish(&done(3))));
    assert!(nothing_left.is_err());
    drop(claimed);
    assert_eq!(tasks(&mut consumer), [1, 2]);
    assert_eq!(consumer.gap(), None);
}

#[test]
fn a_forgotten_claim_shows_until_the_next_one_is_refused() {
    let mut memory = Memory::with_lines(2, 1);
    let (producer, consumer) = memory.ring(0);
    let mut own = named(&producer, 3);
    mem::forget(own.claim(2));
    assert_eq!(consumer.gap().unwrap().claimers, by(3));
    assert!(own.push(&done(0)).is_err(), "the ring is full");
    assert_eq!(consumer.gap().unwrap().claimers, by(0));
}

#[test]
fn there_is_mail_until_a_condemned_mailbox_is_wholly_visited() {
    let mut memory = Memory::new(4);
    let (producer, mut consumer) = memory.ring(u64::MAX);
    assert!(producer.is_empty_hint() && !producer.is_mail_hint());
    mem::forget(producer.claim(1));
    assert!(producer.is_empty_hint() && producer.is_mail_hint(), "a gap");
    producer.push(&done(0)).unwrap();
    assert_eq!(tasks(&mut consumer), []);
    let mut other = Memory::new(4);
    let (producer, mut consumer) = other.ring(u64::MAX);
    producer.push(&done(0)).unwrap();
    assert!(!producer.is_empty_hint());
    consumer.condemn();
    assert!(producer.is_mail_hint(), "a message is left");
}

#[test]
fn a_claim_dropped_early_leaves_void_messages_and_no_gap() {
    let mut memory = Memory::with_lines(4, 1);
    let (producer, mut consumer) = memory.ring(0);
    let mut own = named(&producer, 3);
    let mut claimed = own.claim(3).unwrap();
    claimed.publish(&done(0));
    drop(claimed);
    let mut undecoded = 0;
    consumer.drain(9, |_, words| {
        undecoded += u32::from(Message::decode(words, 1).is_err());
    });
    assert_eq!((undecoded, consumer.gap()), (2, None));
}

#[test]
fn lines_are_lent_one_each_and_come_back() {
    let mut memory = Memory::with_lines(4, 2);
    let (producer, _consumer) = memory.ring(0);
    let (first, _second) = (named(&producer, 1), named(&producer, 2));
    let refused = producer.register(name(3)).unwrap_err();
    assert_eq!(refused, NoLine { lines: 2 });
    assert!(refused.to_string().starts_with("all 2 claim lines"));
    drop(first);
    assert_eq!(named(&producer, 3).name(), name(3));
    let mut without = Memory::new(4);
    let (producer, _consumer) = without.ring(0);
    assert_eq!(producer.register(name(1)).unwrap_err(), NoLine { lines: 0 });
}

#[test]
fn a_recovery_delivers_what_is_published_once_and_lists_the_rest() {
    for start in STARTS {
        let mut memory = Memory::with_lines(8, 2);
        let (producer, mut consumer) = memory.ring(start);
        let (mut dies, mut lives) = (named(&producer, 7), named(&producer, 9));
        lives.push(&done(0)).unwrap();
        let mut claimed = dies.claim(3).unwrap();
        claimed.publish(&done(1));
        mem::forget(claimed);
        lives.push(&done(4)).unwrap();
        mem::forget(producer.claim(1));
        assert_eq!(tasks(&mut consumer), [0, 1]);
        let at = |offset: u64| start.wrapping_add(offset);
        let first = [(at(2), Err(by(7))), (at(3), Err(by(7)))];
        assert_eq!(recover(&mut consumer, 2), (first.to_vec(), Stop::Budget));
        let rest = [(at(4), Ok(4)), (at(5), Err(by(0)))];
        assert_eq!(recover(&mut consumer, 2), (rest.to_vec(), Stop::Condemned));
        assert_eq!(recover(&mut consumer, 2), (vec![], Stop::Condemned));
    }
}

#[test]
fn a_condemned_mailbox_refuses_everything_by_name() {
    let mut memory = Memory::with_lines(4, 1);
    let (producer, mut consumer) = memory.ring(0);
    let mut own = named(&producer, 7);
    let mut late = producer.claim(2).unwrap();
    assert!(!producer.is_condemned() && !consumer.is_condemned());
    assert_eq!(consumer.depth_hint(), 2);
    let (found, _) = recover(&mut consumer, 9);
    assert_eq!(found, [(0, Err(by(0))), (1, Err(by(0)))]);
    late.publish(&done(0));
    drop(late);
    assert_eq!(producer.push(&done(1)), Err(PushError::Condemned));
    assert_eq!(own.push(&done(1)), Err(PushError::Condemned));
    assert_eq!(
        own.push_batch(2, |_| unreachable!("nothing is accepted")),
        0
    );
    assert!(producer.is_condemned() && consumer.is_condemned());
    let drained = consumer.drain(9, |_, _| panic!("a late publication is not revived"));
    assert_eq!((drained.taken, drained.stop), (0, Stop::Condemned));
    assert_eq!((consumer.depth_hint(), consumer.gap()), (0, None));
    assert_eq!(consumer.reset(2).unwrap_err(), ResetError::Condemned);
    drop(own);

    let (producer, mut consumer) = memory.ring(9);
    assert_eq!(fill(&producer, 0), 4, "placed anew, it is a mailbox");
    assert_eq!(tasks(&mut consumer), [0, 1, 2, 3]);
}

#[test]
fn a_full_condemned_mailbox_is_recovered_whole() {
    let mut memory = Memory::with_lines(4, 1);
    let (producer, mut consumer) = memory.ring(u64::MAX - 1);
    mem::forget(producer.claim(1));
    assert_eq!(fill(&producer, 1), 3);
    let (found, stop) = recover(&mut consumer, 9);
    let tasks: Vec<_> = found.iter().map(|(_, what)| what.ok()).collect();
    assert_eq!(tasks, [None, Some(1), Some(2), Some(3)]);
    assert_eq!(stop, Stop::Condemned);
}

/// Claims up to three positions, publishes `task` at the first and leaves the rest: where, and how
/// many.
fn die(producer: &mut NamedProducer<'_>, task: u64) -> Option<(u64, u64)> {
    let mut claimed = producer.claim(3)?;
    claimed.publish(&done(task));
    let left = (claimed.position(), u64::from(claimed.left()));
    mem::forget(claimed);
    Some(left)
}

#[test]
fn whatever_was_accepted_is_delivered_or_missing_and_never_both() {
    for seed in 0..300 {
        let mut random = oorandom::Rand32::new(seed);
        let start = STARTS[random.rand_range(0..6) as usize];
        let mut memory = Memory::with_lines(16, 4);
        let (producer, mut consumer) = memory.ring(start);
        let mut living: Vec<_> = (1..5).map(|number| named(&producer, number)).collect();
        let (mut next, mut published, mut lost) = (0, Vec::new(), Vec::new());
        let mut seen = Vec::new();
        for _ in 0..random.rand_range(1..60) {
            let chosen = random.rand_range(0..5) as usize;
            match (living.get_mut(chosen), random.rand_range(0..20)) {
                (None, _) => seen.extend(tasks(&mut consumer)),
                (Some(_), 0) => {
                    let mut one = living.remove(chosen);
                    if let Some((first, left)) = die(&mut one, next) {
                        published.push(next);
                        next += 1;
                        let all = (0..left).map(|offset| first.wrapping_add(offset));
                        lost.extend(all.map(|position| (position, by(one.name().get()))));
                    }
                    mem::forget(one);
                }
                (Some(one), size) => {
                    let count = one.push_batch(size % 4, |i| done(next + u64::from(i)));
                    published.extend(next..next + u64::from(count));
                    next += u64::from(count);
                }
            }
        }
        for (position, what) in recover(&mut consumer, 16).0 {
            match what {
                Ok(task) => seen.push(task),
                Err(claimers) => assert_eq!((position, claimers), lost.remove(0), "seed {seed}"),
            }
        }
        assert_eq!(seen, published, "seed {seed}");
        assert_eq!(lost, [], "seed {seed}");
    }
}
