//! What a FIN has to say, through a mailbox: all of it, once, in order, in few messages.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};

use finbox_mailbox::{
    Bundle, Cell, ClaimLine, Claimers, CompletionType, Engine, FinBatch, Gap, Header, Malformed,
    Message, SlotBits, Watch, Words, mailbox, mailbox_with_lines,
};

const EPOCH: u32 = 9;
const NAME: NonZeroU32 = NonZeroU32::MIN;

fn batch(conditions: u32, in_pairs: bool, done: Option<u8>) -> FinBatch {
    let (task, slot) = (5, SlotBits(6));
    FinBatch {
        task,
        slot,
        conditions,
        in_pairs,
        done,
    }
}

/// Condition `at`, which says its number in its address; `cookie` as all have.
fn entry(cookie: u64) -> impl Fn(u32) -> (Watch, u64) {
    move |at| {
        let watch = Watch {
            addr: at.into(),
            expected: 1,
            engine: Engine::Sdma,
            completion: CompletionType::Counter,
        };
        (watch, cookie)
    }
}

/// A condition, its number and cookie; or a TASK_NORMAL_DONE, what it expects.
type Part = Result<(u64, u64), u32>;

/// What words stand for.
fn meaning(words: &Words, all: &mut Vec<Part>) {
    if Bundle::is_kind_of(words) {
        let bundle = Bundle::decode(words, EPOCH).expect("a bundle");
        all.push(Ok((bundle.first().addr, bundle.first().cookie)));
        all.extend(
            bundle
                .second()
                .map(|second| Ok((second.addr, second.cookie))),
        );
        all.extend(bundle.done().map(|done| Err(done.expected)));
        return;
    }
    all.push(match Message::decode(words, EPOCH).expect("a message") {
        Message::Condition(condition) => Ok((condition.addr, condition.cookie)),
        Message::NormalDone(done) => Err(done.expected),
    });
}

/// Pushes `fin` into a mailbox with room for `room`: how many messages were taken, and what
/// they stand for.
fn through(fin: &FinBatch, room: u32, cookie: u64) -> (u32, Vec<Part>) {
    let mut header = Header::default();
    let mut cells: Vec<Cell> = (0..64).map(|_| Cell::default()).collect();
    let (producer, mut consumer) = mailbox(&mut header, &mut cells, 0, EPOCH);
    let filler = batch(64 - room, false, None);
    assert_eq!(producer.push_fin(&filler, entry(0)), 64 - room);
    let accepted = producer.push_fin(fin, entry(cookie));
    let mut all = Vec::new();
    consumer.drain(64 - room, |_, _| ());
    let drained = consumer.drain(64, |_, words| meaning(words, &mut all));
    assert_eq!(drained.taken, accepted);
    (accepted, all)
}

#[test]
fn everything_is_said_once_in_order_in_as_few_messages_as_can_be_and_as_fits() {
    for conditions in 0..=64_u32 {
        for (in_pairs, cookie) in [(false, 7), (true, 0)] {
            for done in [None, Some(3)] {
                let fin = batch(conditions, in_pairs, done);
                let share = 1 + u32::from(in_pairs);
                let alone = u32::from(conditions == 0 && done.is_some());
                assert_eq!(fin.messages(), conditions.div_ceil(share) + alone);
                let mut wanted: Vec<_> =
                    (0..conditions.into()).map(|at| Ok((at, cookie))).collect();
                wanted.extend(done.map(|expected| Err(expected.into())));
                let whole = (fin.messages(), wanted.clone());
                assert_eq!(through(&fin, 64, cookie), whole, "{fin:?}");
                let room = fin.messages().saturating_sub(1);
                let some = conditions.min(room * share) as usize;
                let part = (room, wanted[..some].to_vec());
                assert_eq!(through(&fin, room, cookie), part, "{fin:?}");
            }
        }
    }
}

#[test]
fn a_condition_alone_and_a_done_alone_are_messages_that_every_reader_knows() {
    for (fin, is_bundle) in [
        (batch(1, true, None), false),
        (batch(0, true, Some(0)), false),
        (batch(1, true, Some(1)), true),
        (batch(2, true, None), true),
    ] {
        let mut header = Header::default();
        let mut cells = [Cell::default(), Cell::default()];
        let (producer, mut consumer) = mailbox(&mut header, &mut cells, 0, EPOCH);
        assert_eq!(producer.push_fin(&fin, entry(0)), 1);
        let drained = consumer.drain(2, |_, words| {
            assert_eq!(Message::decode(words, EPOCH).is_err(), is_bundle, "{fin:?}");
        });
        assert_eq!(drained.taken, 1);
    }
}

#[test]
fn a_producer_with_a_name_says_the_same_and_shows_its_claim_until_all_is_said() {
    let fin = batch(5, true, Some(5));
    let (mut header, mut lines) = (Header::default(), [ClaimLine::default()]);
    let mut cells: Vec<Cell> = (0..4).map(|_| Cell::default()).collect();
    let (producer, mut consumer) =
        mailbox_with_lines(&mut header, &mut cells, &mut lines, 0, EPOCH);
    let mut named = producer.register(NAME).expect("a free line");
    let mut gaps = Vec::new();
    let accepted = named.push_fin(&fin, |at| {
        gaps.push(consumer.gap());
        entry(0)(at)
    });
    let claimers = Claimers {
        name: Some(NAME),
        others: 0,
    };
    let (position, none) = (0, None);
    let gap = Some(Gap { position, claimers });
    assert_eq!(
        gaps,
        [gap, gap, none, none, none],
        "until the first is said"
    );
    assert_eq!((accepted, consumer.gap()), (3, None));
    let mut all = Vec::new();
    consumer.drain(9, |_, words| meaning(words, &mut all));
    let wanted: Vec<Part> = (0..5).map(|at| Ok((at, 0))).chain([Err(5)]).collect();
    assert_eq!(all, wanted);
    assert_eq!(consumer.gap(), None);
}

/// Lets `push` say five conditions in pairs, and panics when it asks for the one at `dies_at`.
fn say_until(dies_at: u32, push: impl FnOnce(&FinBatch, &mut dyn FnMut(u32) -> (Watch, u64))) {
    let (fin, mut asked) = (batch(5, true, Some(5)), 0);
    let mut says = |at| {
        assert_eq!(at, asked, "in order, and once");
        asked += 1;
        assert!(at < dies_at, "the caller's own");
        entry(0)(at)
    };
    let said = catch_unwind(AssertUnwindSafe(|| push(&fin, &mut says)));
    assert!(said.is_err());
    assert_eq!(asked, dies_at + 1);
}

#[test]
fn a_panic_of_whoever_is_asked_leaves_void_messages_and_no_gap() {
    for dies_at in 0..5 {
        for is_named in [false, true] {
            let (mut header, mut lines) = (Header::default(), [ClaimLine::default()]);
            let mut cells: Vec<Cell> = (0..4).map(|_| Cell::default()).collect();
            let (producer, mut consumer) =
                mailbox_with_lines(&mut header, &mut cells, &mut lines, 0, EPOCH);
            let mut named = producer.register(NAME).expect("a free line");
            say_until(dies_at, |fin, says| match is_named {
                true => _ = named.push_fin(fin, says),
                false => _ = producer.push_fin(fin, says),
            });
            assert_eq!(consumer.gap(), None);
            let (mut bundles, mut void) = (0, 0);
            let drained = consumer.drain(9, |_, words| match Bundle::decode(words, EPOCH) {
                Ok(bundle) => bundles += 1 + u32::from(bundle.second().is_some()),
                Err(why) => {
                    assert_eq!(why, Malformed::Kind(u32::MAX));
                    void += 1;
                }
            });
            assert_eq!((drained.taken, bundles), (3, dies_at / 2 * 2));
            assert_eq!(void, 3 - dies_at / 2);
            assert_eq!(consumer.gap(), None);
            assert_eq!(producer.push_fin(&batch(1, true, None), entry(0)), 1);
            assert_eq!(consumer.drain(9, |_, _| ()).taken, 1, "delivery goes on");
        }
    }
}
