//! What is pushed arrives, what is no message is told apart, and a run ends and begins.

use std::ptr::NonNull;

use finbox::*;
use finbox_mailbox::{
    CompletionType, Engine, FinBatch, Line, Producer, SlotBits, Watch, attach_shared,
};

use crate::mailbox::{Mailbox, OK, c, drained, last_error, no_producer, push_done};

fn condition() -> finbox_slab_entry {
    finbox_slab_entry {
        addr: 0x1000,
        cookie: 9,
        expected: 3,
        engine: finbox_engine::Urma as u32,
        completion_type: finbox_completion::UrmaEventHandle as i32,
        reserved: 0,
    }
}

#[test]
fn messages_arrive_in_order_with_every_field_whatever_the_memory_held() {
    for flags in [0, FINBOX_PLACE_OWN] {
        let mut mailbox = Mailbox::unplaced(4, 2);
        let start = u64::MAX - 1;
        let args = finbox_place_args {
            start,
            flags,
            ..mailbox.args(4)
        };
        assert_eq!(c!(finbox_mailbox_place(&args, mailbox.consumer())), OK);
        let mut producer = mailbox.open(77);
        let entry = condition();
        let pushed = c!(finbox_producer_push_condition(&mut *producer, 7, 8, &entry));
        assert_eq!(pushed, OK);
        assert_eq!(push_done(&producer, 11), OK);
        let (messages, malformed) = mailbox.drain(4);
        let expected = finbox_message {
            seq: start.wrapping_add(1),
            task: 7,
            addr: 0x1000,
            cookie: 9,
            expected: 3,
            engine: 2,
            completion_type: 2,
            kind: 0,
            slot: 8,
            epoch: 1,
            reserved: 0,
        };
        assert_eq!(messages[0], expected);
        let (kind, seq) = (finbox_kind::NormalDone as u32, start.wrapping_add(2));
        assert_eq!((messages[1].kind, messages[1].seq), (kind, seq));
        assert_eq!((messages.len(), malformed.len()), (2, 0));
        assert_eq!(c!(finbox_producer_leave(&mut *producer)), OK);
    }
}

#[test]
fn a_batch_says_how_many_fit_and_a_full_mailbox_says_so() {
    let mailbox = Mailbox::new(4);
    for name in [0, 3] {
        let mut producer = mailbox.open(name);
        let mut messages = [finbox_message::default(); 6];
        for (task, message) in (10..).zip(&mut messages) {
            (message.task, message.kind, message.seq) = (task, 1, 99);
        }
        let (mut accepted, mut depth) = (9, 9);
        let at = messages.as_ptr();
        let pushed = c!(finbox_producer_push_batch(
            &mut *producer,
            at,
            6,
            &mut accepted
        ));
        assert_eq!((pushed, accepted), (OK, 4));
        assert_eq!(
            c!(finbox_producer_depth_hint(&mut *producer, &mut depth)),
            OK
        );
        assert_eq!(depth, 4);
        assert_eq!(push_done(&producer, 1), finbox_status::Full);
        assert!(last_error().contains("all 4 slots"), "{}", last_error());
        let pushed = c!(finbox_producer_push_batch(
            &mut *producer,
            at,
            6,
            &mut accepted
        ));
        assert_eq!((pushed, accepted), (finbox_status::Full, 0));
        let pushed = c!(finbox_producer_push_batch(
            &mut *producer,
            at,
            0,
            &mut accepted
        ));
        assert_eq!((pushed, accepted), (OK, 0), "nothing was asked for");
        assert_eq!(mailbox.tasks(), [10, 11, 12, 13]);
    }
}

/// What a FIN handler of another process pushes: two conditions, then one with a TASK_NORMAL_DONE.
fn of_a_fin() -> Vec<finbox_message> {
    let mut mailbox = Mailbox::new(4);
    let args = mailbox.attach_args(0);
    let base = NonNull::new(args.memory.cast::<Line>()).expect("a mailbox has memory");
    let producer: Producer<'_> =
        c!(attach_shared(base, args.size_bytes / FINBOX_LINE_BYTES)).expect("it is placed");
    let fin = FinBatch {
        task: 7,
        slot: SlotBits(8),
        conditions: 3,
        in_pairs: true,
        done: Some(5),
    };
    let entry = |at: u32| {
        let watch = Watch {
            addr: 0x1000 + u64::from(at) * 4,
            expected: at,
            engine: Engine::Ccu,
            completion: CompletionType::Counter,
        };
        (watch, if at == 2 { 99 } else { 0 })
    };
    assert_eq!(producer.push_fin(&fin, entry), 2);
    let (messages, malformed) = mailbox.drain(4);
    assert_eq!((messages.len(), malformed.len()), (2, 0));
    messages
}

fn parts(message: &finbox_message) -> (finbox_status, Vec<finbox_message>) {
    let mut parts = [finbox_message::default(); FINBOX_MESSAGE_PARTS];
    let mut count = 9;
    let status = c!(finbox_message_parts(
        message,
        parts.as_mut_ptr(),
        &mut count
    ));
    let some = if status == OK { count as usize } else { 0 };
    assert!(
        parts[some..]
            .iter()
            .all(|part| *part == finbox_message::default())
    );
    (status, parts[..some].to_vec())
}

#[test]
fn a_bundle_is_taken_apart_into_what_it_stands_for_and_another_message_is_left_whole() {
    let [two, one] = of_a_fin()[..] else {
        panic!("two messages");
    };
    assert_eq!((two.kind, one.kind), (4, finbox_kind::Bundle as u32));
    let condition = |seq, at: u32| finbox_message {
        seq,
        task: 7,
        addr: 0x1000 + u64::from(at) * 4,
        cookie: if at == 2 { 99 } else { 0 },
        expected: at,
        engine: 3,
        completion_type: 0,
        kind: 0,
        slot: 8,
        epoch: 1,
        reserved: 0,
    };
    let done = finbox_message {
        kind: 1,
        expected: 5,
        addr: 0,
        cookie: 0,
        engine: 0,
        ..condition(2, 2)
    };
    assert_eq!(parts(&two), (OK, vec![condition(1, 0), condition(1, 1)]));
    assert_eq!(parts(&one), (OK, vec![condition(2, 2), done]));
    assert_eq!(parts(&done), (OK, vec![done]), "no bundle");
    let torn = finbox_message { engine: 7, ..two };
    assert_eq!(parts(&torn), (finbox_status::MalformedMessage, vec![]));
}

#[test]
fn a_malformed_message_is_not_pushed_nor_anything_of_its_batch() {
    let mailbox = Mailbox::new(4);
    let mut producer = mailbox.open(0);
    let mut messages = [finbox_message::default(); 2];
    let mut accepted = 0;
    let bad = [
        finbox_message {
            kind: 2,
            ..messages[0]
        },
        finbox_message {
            engine: 4,
            ..messages[0]
        },
        finbox_message {
            completion_type: -1,
            ..messages[0]
        },
        finbox_message {
            reserved: 1,
            ..messages[0]
        },
    ];
    for message in bad {
        messages[1] = message;
        let at = messages.as_ptr();
        let pushed = c!(finbox_producer_push_batch(
            &mut *producer,
            at,
            2,
            &mut accepted
        ));
        assert_eq!(pushed, finbox_status::MalformedMessage);
        assert!(last_error().starts_with("message 1: "), "{}", last_error());
    }
    let entry = finbox_slab_entry {
        engine: 9,
        ..condition()
    };
    let pushed = c!(finbox_producer_push_condition(&mut *producer, 1, 1, &entry));
    assert_eq!(pushed, finbox_status::MalformedMessage);
    assert_eq!(mailbox.tasks(), []);
}

#[test]
fn a_straggler_of_the_run_before_arrives_as_malformed() {
    let mailbox = Mailbox::new(4);
    let old = mailbox.open(0);
    assert_eq!(push_done(&old, 1), OK);
    let reset = || c!(finbox_consumer_reset(mailbox.consumer(), 2));
    assert_eq!(reset(), finbox_status::Undrained);
    assert_eq!(mailbox.tasks(), [1]);
    assert_eq!(reset(), OK);
    let new = mailbox.open(0);
    for producer in [&old, &new, &old] {
        assert_eq!(push_done(producer, 2), OK);
    }
    let (messages, malformed) = mailbox.drain(8);
    let seqs = |messages: &[finbox_message]| {
        let of = messages.iter().map(|message| (message.seq, message.epoch));
        of.collect::<Vec<_>>()
    };
    assert_eq!(seqs(&messages), [(3, 2)]);
    assert_eq!(seqs(&malformed), [(4, 1), (2, 1)]);
    let stats = mailbox.stats();
    assert_eq!((stats.taken, stats.malformed, stats.epoch), (4, 2, 2));
}

#[test]
fn a_condemned_mailbox_gives_back_what_is_in_it_and_serves_again_when_placed_anew() {
    let mut mailbox = Mailbox::new(4);
    let args = mailbox.attach_args(9);
    let mut other = Box::new(no_producer());
    assert_eq!(c!(finbox_producer_attach(&args, &mut *other)), OK);
    assert_eq!(push_done(&other, 1), OK);
    assert_eq!(c!(finbox_consumer_condemn(mailbox.consumer())), OK);
    assert_eq!(push_done(&other, 2), finbox_status::Condemned);
    let mut late = no_producer();
    assert_eq!(
        c!(finbox_producer_attach(&args, &mut late)),
        finbox_status::Condemned
    );
    let (mut none, at) = (drained(), std::ptr::null_mut());
    let drained = c!(finbox_consumer_try_drain(
        mailbox.consumer(),
        at,
        0,
        &mut none
    ));
    assert_eq!((drained, none.stop), (OK, finbox_stop::Condemned as u32));
    let found = mailbox.recover();
    assert_eq!(
        (found.len(), found[0].what, found[0].message.task),
        (1, 0, 1)
    );
    assert_eq!(mailbox.stats().is_condemned, 1);
    assert_eq!(c!(finbox_consumer_destroy(mailbox.consumer())), OK);
    let args = mailbox.args(4);
    let place = || c!(finbox_mailbox_place(&args, mailbox.consumer()));
    assert_eq!(place(), finbox_status::Attached);
    assert!(last_error().contains("producer 9"), "{}", last_error());
    assert_eq!(c!(finbox_producer_leave(&mut *other)), OK);
    assert_eq!(place(), OK);
    assert_eq!(push_done(&mailbox.open(0), 3), OK);
    assert_eq!(mailbox.tasks(), [3]);
}
