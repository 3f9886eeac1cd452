//! Callbacks: what they are given, what they may not do, and what becomes of their panics.

use std::ffi::c_void;
use std::ptr;
use std::sync::mpsc;
use std::thread;

use finbox::*;

use crate::mailbox::{Mailbox, OK, c, context, drained, last_error, push_done};

/// What a `take` that writes down was given.
#[derive(Default)]
struct Seen {
    tasks: Vec<(finbox_status, u64)>,
    enough: usize,
}

extern "C-unwind" fn write_down(
    seen: *mut c_void,
    verdict: finbox_status,
    message: *const finbox_message,
) -> i32 {
    let seen = c!(&mut *seen.cast::<Seen>());
    seen.tasks.push((verdict, c!(*message).task));
    (seen.tasks.len() == seen.enough).into()
}

#[test]
fn a_callback_gets_each_message_once_and_may_end_the_drain() {
    let mailbox = Mailbox::new(8);
    let old = mailbox.open(0);
    assert_eq!(c!(finbox_consumer_reset(mailbox.consumer(), 2)), OK);
    let producer = mailbox.open(0);
    for task in 0..4 {
        assert_eq!(push_done(&producer, task), OK);
    }
    assert_eq!(push_done(&old, 4), OK);
    let (mut seen, mut result) = (Seen::default(), drained());
    let mut drain = |seen: &mut Seen, budget| {
        let status = c!(finbox_consumer_try_drain_with(
            mailbox.consumer(),
            budget,
            Some(write_down),
            context(seen),
            &mut result
        ));
        assert_eq!(status, OK);
        (result.taken, result.malformed, result.stop)
    };
    assert_eq!(drain(&mut seen, 1), (1, 0, finbox_stop::Budget as u32));
    seen.enough = 3;
    assert_eq!(drain(&mut seen, 9), (2, 0, finbox_stop::Callback as u32));
    assert_eq!(drain(&mut seen, 9), (1, 1, finbox_stop::Gap as u32));
    let malformed = finbox_status::MalformedMessage;
    let expected = [(OK, 0), (OK, 1), (OK, 2), (OK, 3), (malformed, 4)];
    assert_eq!(seen.tasks, expected);
    assert_eq!(mailbox.stats().taken, 5);
}

extern "C-unwind" fn take_and_panic(
    _: *mut c_void,
    _: finbox_status,
    message: *const finbox_message,
) -> i32 {
    panic!("not task {}", c!(*message).task);
}

#[test]
fn a_panic_in_take_becomes_a_status_with_its_text_and_the_next_drain_goes_on() {
    let mailbox = Mailbox::new(8);
    let producer = mailbox.open(0);
    for task in [7, 8] {
        assert_eq!(push_done(&producer, task), OK);
    }
    let mut result = drained();
    let status = c!(finbox_consumer_try_drain_with(
        mailbox.consumer(),
        9,
        Some(take_and_panic),
        ptr::null_mut(),
        &mut result
    ));
    assert_eq!(status, finbox_status::Panic);
    assert_eq!(last_error(), "panic: not task 7");
    assert_eq!(result.taken, 1, "the message that it panicked on");
    assert_eq!(mailbox.tasks(), [8]);
}

extern "C-unwind" fn fill_or_panic(at: *mut c_void, index: u32, message: *mut finbox_message) {
    let at = c!(*at.cast::<u32>());
    assert!(index < at, "no message {index}");
    let message = c!(&mut *message);
    (message.task, message.kind) = (index.into(), finbox_kind::NormalDone as u32);
}

#[test]
fn a_panic_in_fill_leaves_no_gap() {
    let mailbox = Mailbox::new(8);
    for name in [0, 6] {
        let mut producer = mailbox.open(name);
        let (mut at, mut accepted) = (2_u32, 0);
        let mut push = |count| {
            let status = c!(finbox_producer_push_batch_with(
                &mut *producer,
                count,
                Some(fill_or_panic),
                context(&mut at),
                &mut accepted
            ));
            (status, accepted)
        };
        assert_eq!(push(4), (finbox_status::Panic, 2));
        assert_eq!(last_error(), "panic: no message 2");
        assert_eq!(push(1), (OK, 1), "the producer serves on");
        let (messages, void) = mailbox.drain(8);
        assert_eq!(messages.len(), 3);
        assert!(void.iter().all(|message| message.kind == u32::MAX));
        assert_eq!((void.len(), mailbox.gap().is_gap), (2, 0));
    }
}

/// What a callback tries with its own handle, and what it is told.
struct Within {
    consumer: *mut finbox_consumer,
    producer: *mut finbox_producer,
    told: Vec<finbox_status>,
}

extern "C-unwind" fn take_within(
    within: *mut c_void,
    _: finbox_status,
    _: *const finbox_message,
) -> i32 {
    let within = c!(&mut *within.cast::<Within>());
    let (consumer, mut result) = (within.consumer, drained());
    let none = ptr::null_mut();
    within.told = vec![
        c!(finbox_consumer_try_drain(consumer, none, 0, &mut result)),
        c!(finbox_consumer_condemn(consumer)),
        c!(finbox_consumer_destroy(consumer)),
        c!(finbox_producer_push_normal_done(within.producer, 2, 2, 0)),
    ];
    0
}

extern "C-unwind" fn fill_within(within: *mut c_void, _: u32, message: *mut finbox_message) {
    let within = c!(&mut *within.cast::<Within>());
    c!(&mut *message).kind = finbox_kind::NormalDone as u32;
    within.told = vec![
        c!(finbox_producer_push_normal_done(within.producer, 2, 2, 0)),
        c!(finbox_producer_leave(within.producer)),
        c!(finbox_consumer_condemn(within.consumer)),
    ];
}

#[test]
fn a_callback_cannot_use_its_own_handle_but_any_other() {
    use finbox_status::Reentered;
    let mailbox = Mailbox::new(8);
    let mut producer = mailbox.open(3);
    let mut within = Within {
        consumer: mailbox.consumer(),
        producer: &mut *producer,
        told: Vec::new(),
    };
    assert_eq!(push_done(&producer, 1), OK);
    let mut result = drained();
    let status = c!(finbox_consumer_try_drain_with(
        mailbox.consumer(),
        1,
        Some(take_within),
        context(&mut within),
        &mut result
    ));
    assert_eq!(status, OK);
    assert_eq!(within.told, [Reentered, Reentered, Reentered, OK]);
    assert_eq!(mailbox.tasks(), [2]);
    let mut accepted = 0;
    let status = c!(finbox_producer_push_batch_with(
        within.producer,
        1,
        Some(fill_within),
        context(&mut within),
        &mut accepted
    ));
    assert_eq!((status, accepted), (OK, 1));
    assert_eq!(within.told, [Reentered, Reentered, OK]);
}

/// Says that it was called, and returns when it is told to.
struct Hang {
    called: mpsc::Sender<()>,
    go_on: mpsc::Receiver<()>,
}

extern "C-unwind" fn hang(hang: *mut c_void, _: u32, message: *mut finbox_message) {
    let hang = c!(&*hang.cast::<Hang>());
    c!(&mut *message).kind = finbox_kind::NormalDone as u32;
    hang.called.send(()).expect("somebody waits");
    hang.go_on.recv().expect("somebody says so");
}

#[test]
fn a_claimer_that_hangs_is_named_and_its_positions_are_reported_missing() {
    let mailbox = Mailbox::new(8);
    let mut hanging = mailbox.open(41);
    let others = mailbox.open(0);
    let (called, was_called) = mpsc::channel();
    let (go, go_on) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            let (mut hang_until, mut accepted) = (Hang { called, go_on }, 0);
            let status = c!(finbox_producer_push_batch_with(
                &mut *hanging,
                2,
                Some(hang),
                context(&mut hang_until),
                &mut accepted
            ));
            assert_eq!((status, accepted), (OK, 2), "too late to be delivered");
        });
        was_called.recv().unwrap();
        assert_eq!(push_done(&others, 5), OK);
        assert_eq!(mailbox.tasks(), []);
        let gap = mailbox.gap();
        assert_eq!((gap.is_gap, gap.position, gap.claimer), (1, 0, 41));
        let found = mailbox.recover();
        let row: Vec<_> = found.iter().map(|one| (one.what, one.claimer)).collect();
        let (missing, message) = (finbox_found::Missing as u32, finbox_found::Message as u32);
        assert_eq!(row, [(missing, 41), (missing, 41), (message, 0)]);
        assert_eq!((found[2].message.task, found[2].position), (5, 2));
        assert_eq!(mailbox.stats().missing, 2);
        go.send(()).unwrap();
        go.send(()).unwrap();
    });
    let mut buried = 0;
    assert_eq!(
        c!(finbox_consumer_bury(mailbox.consumer(), 41, &mut buried)),
        OK
    );
    assert_eq!(buried, 1);
}
