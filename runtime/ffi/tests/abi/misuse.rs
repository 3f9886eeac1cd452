//! Arguments that are wrong where it can be seen, and a second consumer.

use std::ffi::{CStr, c_void};
use std::ptr;

use finbox::*;

use crate::mailbox::{Mailbox, OK, c, drained, last_error, no_consumer, no_producer, push_done};

const NULL: finbox_status = finbox_status::NullArgument;

/// The call was refused because `what` is null.
fn refused(status: finbox_status, what: &str) {
    let expected = format!("{what} must not be null");
    assert_eq!((status, last_error()), (NULL, expected));
}

#[test]
fn null_is_refused_by_its_name_when_ends_are_made_and_pushed_with() {
    let mut mailbox = Mailbox::new(4);
    let mut producer = mailbox.open(0);
    let producer = &raw mut *producer;
    let consumer = mailbox.consumer();
    refused(c!(finbox_mailbox_bytes(4, 0, ptr::null_mut())), "bytes");
    let placed = c!(finbox_mailbox_place(ptr::null(), consumer));
    refused(placed, "finbox_place_args");
    let mut args = mailbox.args(4);
    refused(c!(finbox_mailbox_place(&args, ptr::null_mut())), "consumer");
    args.memory = ptr::null_mut();
    refused(c!(finbox_mailbox_place(&args, consumer)), "memory");
    refused(c!(finbox_consumer_destroy(ptr::null_mut())), "consumer");
    refused(c!(finbox_producer_leave(ptr::null_mut())), "producer");
    let (none, mut accepted) = (ptr::null_mut(), 0);
    let pushed = c!(finbox_producer_push_condition(producer, 1, 1, ptr::null()));
    refused(pushed, "entry");
    let push = |messages, count, accepted| {
        c!(finbox_producer_push_batch(
            producer, messages, count, accepted
        ))
    };
    refused(push(ptr::null(), 1, &mut accepted), "messages");
    refused(push(ptr::null(), 0, ptr::null_mut()), "accepted");
    let accepted = &mut accepted;
    let pushed = c!(finbox_producer_push_batch_with(
        producer, 1, None, none, accepted
    ));
    refused(pushed, "fill");
}

#[test]
fn null_is_refused_by_its_name_when_messages_are_taken() {
    let mailbox = Mailbox::new(4);
    let (consumer, mut result) = (mailbox.consumer(), drained());
    let (none, nowhere) = (ptr::null_mut(), ptr::null_mut());
    let drain = |capacity, drained| {
        c!(finbox_consumer_try_drain(
            consumer, nowhere, capacity, drained
        ))
    };
    refused(drain(1, &mut result), "messages");
    refused(drain(0, ptr::null_mut()), "finbox_drained");
    let result = &mut result;
    let drain = c!(finbox_consumer_try_drain_with(
        consumer, 1, None, none, result
    ));
    refused(drain, "take");
    let text = c!(finbox_last_error(ptr::null_mut(), 1, ptr::null_mut()));
    assert_eq!(text, NULL);
}

#[test]
fn what_is_misaligned_is_refused_with_its_address() {
    let mut mailbox = Mailbox::unplaced(4, 0);
    let askew = mailbox.consumer().wrapping_byte_add(4);
    assert_eq!(
        c!(finbox_consumer_destroy(askew)),
        finbox_status::Misaligned
    );
    let args = finbox_place_args {
        memory: mailbox.args(4).memory.wrapping_byte_add(8),
        ..mailbox.args(4)
    };
    let placed = c!(finbox_mailbox_place(&args, mailbox.consumer()));
    assert_eq!(placed, finbox_status::Misaligned);
    let address = format!("{:#x}", args.memory.addr());
    assert!(last_error().contains(&address), "{}", last_error());
}

#[test]
fn storage_that_is_no_handle_is_refused_and_one_that_is_made_is_not_made_again() {
    use finbox_status::{Destroyed, InUse, NotAHandle};
    let mut mailbox = Mailbox::unplaced(4, 1);
    let args = mailbox.args(4);
    let destroy = |consumer| c!(finbox_consumer_destroy(consumer));
    assert_eq!(destroy(mailbox.consumer()), NotAHandle);
    assert_eq!(c!(finbox_mailbox_place(&args, mailbox.consumer())), OK);
    assert_eq!(c!(finbox_mailbox_place(&args, mailbox.consumer())), InUse);
    let mut moved = finbox_consumer {
        opaque: c!(&*mailbox.consumer()).opaque,
    };
    assert_eq!(destroy(&mut moved), NotAHandle);
    let mut other = no_producer();
    assert_eq!(push_done(&other, 1), NotAHandle, "all zero");
    let producer = mailbox.open(2);
    other.opaque[0] = producer.opaque[0];
    assert_eq!(push_done(&other, 1), NotAHandle, "of another place");
    let as_producer = mailbox.consumer().cast::<finbox_producer>();
    assert_eq!(
        c!(finbox_producer_leave(as_producer)),
        NotAHandle,
        "of another kind"
    );
    other.opaque[0] = 0x1234;
    let opened = c!(finbox_producer_open(mailbox.consumer(), 0, &mut other));
    assert_eq!(opened, InUse, "not all zero");
    let producer = Box::into_raw(producer);
    assert_eq!(c!(finbox_producer_leave(producer)), OK);
    assert_eq!(c!(finbox_producer_leave(producer)), Destroyed);
    assert_eq!(
        c!(finbox_producer_push_normal_done(producer, 1, 1, 0)),
        Destroyed
    );
    assert_eq!(
        c!(finbox_producer_open(mailbox.consumer(), 0, producer)),
        OK,
        "serves again"
    );
    drop(c!(Box::from_raw(producer)));
    assert_eq!(destroy(mailbox.consumer()), OK);
    assert_eq!(destroy(mailbox.consumer()), Destroyed);
    assert_eq!(
        c!(finbox_mailbox_place(&args, mailbox.consumer())),
        OK,
        "serves again"
    );
}

#[test]
fn a_refused_place_leaves_storage_and_memory_free() {
    let mut mailbox = Mailbox::unplaced(4, 0);
    for (slots, size_bytes, status) in [
        (3, 4096, finbox_status::InvalidArgument),
        (8, 6 * 64, finbox_status::TooSmall),
    ] {
        let args = finbox_place_args {
            slots,
            size_bytes,
            ..mailbox.args(4)
        };
        assert_eq!(c!(finbox_mailbox_place(&args, mailbox.consumer())), status);
    }
    let mut bytes = 0;
    let asked = c!(finbox_mailbox_bytes(4, 65, &mut bytes));
    assert_eq!((asked, bytes), (finbox_status::InvalidArgument, 0));
    assert_eq!(c!(finbox_mailbox_bytes(4096, 0, &mut bytes)), OK);
    assert_eq!(bytes, 262_272);
    let args = mailbox.args(4);
    assert_eq!(c!(finbox_mailbox_place(&args, mailbox.consumer())), OK);
}

#[test]
fn memory_without_a_mailbox_cannot_be_attached_to() {
    let mut mailbox = Mailbox::unplaced(4, 1);
    let attach = |mailbox: &mut Mailbox, size_bytes| {
        let args = finbox_attach_args {
            size_bytes,
            ..mailbox.attach_args(3)
        };
        c!(finbox_producer_attach(&args, &mut no_producer()))
    };
    assert_eq!(attach(&mut mailbox, 7 * 64), finbox_status::NoMailbox);
    assert_eq!(attach(&mut mailbox, 64), finbox_status::TooSmall);
    let mut mailbox = Mailbox::new(4);
    assert_eq!(attach(&mut mailbox, 5 * 64), finbox_status::DamagedHeader);
    assert_eq!(attach(&mut mailbox, 10 * 64), OK);
    for _ in 0..3 {
        assert_eq!(attach(&mut mailbox, 10 * 64), OK);
    }
    assert_eq!(attach(&mut mailbox, 10 * 64), finbox_status::NoLine);
    let version = mailbox.args(4).memory.wrapping_byte_add(24).cast::<u32>();
    c!(version.write(99));
    assert_eq!(attach(&mut mailbox, 10 * 64), finbox_status::LayoutVersion);
    assert!(last_error().contains("version 99"), "{}", last_error());
}

#[test]
fn what_this_library_does_not_know_is_refused() {
    let mut mailbox = Mailbox::unplaced(4, 0);
    let args = mailbox.args(4);
    let mut extension = 0_u8;
    let next: *const c_void = ptr::from_mut(&mut extension).cast();
    for (args, status) in [
        (
            finbox_place_args { flags: 2, ..args },
            finbox_status::Unsupported,
        ),
        (
            finbox_place_args { next, ..args },
            finbox_status::Unsupported,
        ),
        (
            finbox_place_args {
                struct_size: 63,
                ..args
            },
            finbox_status::StructSize,
        ),
        (
            finbox_place_args {
                struct_size: 0,
                ..args
            },
            finbox_status::StructSize,
        ),
    ] {
        assert_eq!(c!(finbox_mailbox_place(&args, mailbox.consumer())), status);
    }
    assert!(
        last_error().contains("says it has 0 bytes; at least 64"),
        "{}",
        last_error()
    );
}

/// Fault 29: where the types of Rust do not reach, the memory itself says who consumes.
#[test]
fn f29_a_second_consumer_on_the_same_memory_is_refused_by_the_name_of_the_first() {
    let mut mailbox = Mailbox::new(4);
    assert_eq!(push_done(&mailbox.open(0), 1), OK);
    let (mut second, mut third) = (no_consumer(), no_consumer());
    let args = finbox_place_args {
        name: 6,
        ..mailbox.args(4)
    };
    assert_eq!(
        c!(finbox_mailbox_place(&args, &mut second)),
        finbox_status::Occupied
    );
    assert!(last_error().contains("consumer 5"), "{}", last_error());
    assert_eq!(mailbox.tasks(), [1], "and nothing was touched");
    let wrong = finbox_place_args {
        instead_of: 4,
        ..args
    };
    assert_eq!(
        c!(finbox_mailbox_place(&wrong, &mut second)),
        finbox_status::Occupied
    );
    let known_dead = finbox_place_args {
        instead_of: 5,
        ..args
    };
    assert_eq!(c!(finbox_mailbox_place(&known_dead, &mut second)), OK);
    assert_eq!(
        c!(finbox_consumer_destroy(mailbox.consumer())),
        OK,
        "not its mailbox any more"
    );
    assert_eq!(
        c!(finbox_mailbox_place(&args, &mut third)),
        finbox_status::Occupied
    );
    assert_eq!(c!(finbox_consumer_destroy(&mut second)), OK);
    assert_eq!(c!(finbox_mailbox_place(&args, &mut third)), OK);
}

#[test]
fn every_status_has_a_text_of_its_own_and_other_numbers_have_none() {
    let text = |status| {
        let text = c!(CStr::from_ptr(finbox_status_text(status)));
        text.to_str().unwrap()
    };
    let none = text(-1);
    let mut texts: Vec<_> = (0..100).map(text).filter(|text| *text != none).collect();
    assert_eq!(texts.len(), 49);
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), 49);
    assert_eq!(
        text(finbox_status::Full as i32),
        "the mailbox or the ring is full"
    );
}

#[test]
fn the_last_text_is_cut_to_the_buffer_and_its_length_is_told() {
    assert_eq!(c!(finbox_consumer_destroy(ptr::null_mut())), NULL);
    let (mut buffer, mut length) = ([0x55_u8; 9], 0);
    let at = buffer.as_mut_ptr().cast();
    assert_eq!(c!(finbox_last_error(at, 8, &mut length)), OK);
    assert_eq!(&buffer, b"consume\0\x55");
    assert_eq!(length, "consumer must not be null".len());
    assert_eq!(
        c!(finbox_last_error(ptr::null_mut(), 0, ptr::null_mut())),
        OK
    );
}

#[test]
fn the_library_says_which_it_is() {
    let version = c!(CStr::from_ptr(finbox_version()));
    assert_eq!(version.to_str(), Ok(env!("CARGO_PKG_VERSION")));
    assert_eq!(
        finbox_abi_version(),
        FINBOX_ABI_MAJOR << 16 | FINBOX_ABI_MINOR
    );
    assert_eq!(finbox_targets(), FINBOX_TARGET_A2A3 | FINBOX_TARGET_A5);
}
