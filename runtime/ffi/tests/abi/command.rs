//! The command ring through the C ABI: what the executor sees, how drains end, who may call.

use std::ptr;
use std::thread;

use finbox::*;
use finbox_mailbox::Line;

use crate::command_rig::{
    BUFFER, COUNTER, EPOCH, LATER, LONG_NS, REFUSED, Ring, args, arrival, launches, no_ring,
    packet, waits,
};
use crate::mailbox::{OK, c, last_error};

use finbox_packet_kind::{Copy, Fence, Indirect, NoOp, Signal};

/// 1 ms: enough for whatever does not move.
const SHORT_NS: u64 = 1_000_000;

#[test]
fn every_kind_arrives_at_the_executor_with_its_fields_and_in_order() {
    let ring = Ring::new();
    let launch = finbox_packet {
        source: 0xA0,
        detail: 24,
        count: 3,
        tag: 9,
        ..launches(5)
    };
    let copy = finbox_packet {
        address: 0x10,
        source: 0x20,
        bytes: 30,
        ..packet(Copy)
    };
    let add = finbox_packet {
        address: COUNTER,
        count: 4,
        detail: finbox_signal_how::Add as u32,
        ..packet(Signal)
    };
    let call = finbox_packet {
        address: BUFFER,
        count: 2,
        ..packet(Indirect)
    };
    let nested = |packet| finbox_packet {
        epoch: EPOCH,
        ..packet
    };
    ring.device.state().packets = vec![nested(launches(6)), nested(add)];
    let all = [
        packet(NoOp),
        launch,
        copy,
        add,
        waits(4),
        call,
        packet(Fence),
    ];
    assert_eq!(ring.submit(&all), (OK, 0, 7));
    assert_eq!((ring.target(), ring.drain_all()), (7, 7));
    let device = ring.device.state();
    assert_eq!(device.launched, [(0, 5, 0xA0, 24, 3), (0, 6, 0, 0, 1)]);
    assert_eq!(
        (&device.copied[..], device.counter),
        (&[(0x10, 0x20, 30)][..], 8)
    );
    let snapshot = ring.snapshot();
    assert_eq!(
        (snapshot.position, snapshot.answered, snapshot.left),
        (7, 7, 0)
    );
    assert_eq!(snapshot.passed, [1, 2, 0, 1, 2, 1, 1, 1]);
    assert_eq!(
        (snapshot.nested, snapshot.halt),
        (2, finbox_halt::default())
    );
    drop(device);
    ring.end();
}

#[test]
fn a_completion_counts_once_by_whichever_route_and_a_fence_waits_for_it() {
    let ring = Ring::new();
    assert_eq!(
        ring.submit(&[launches(LATER), launches(LATER), packet(Fence)])
            .0,
        OK
    );
    let (drained, late) = ring.drain(ring.target(), SHORT_NS);
    assert_eq!(
        (drained, late.verdict),
        (finbox_status::Timeout, finbox_verdict::Slow as u32)
    );
    let blocker = late.blocker;
    assert_eq!(blocker.waits_for, finbox_waits_for::Completions as u32);
    assert_eq!(
        (blocker.kind, blocker.position, blocker.running),
        (Fence as u32, 2, 2)
    );
    assert_eq!(
        (late.position, late.distance, late.packets, late.not_reached),
        (2, 2, 2, 1)
    );
    assert!(last_error().starts_with("Slow: in "), "{}", last_error());
    let notice =
        |route: finbox_route, work| c!(finbox_command_ring_notice(ring.at(), route as u32, work));
    assert_eq!(notice(finbox_route::Told, 0), OK);
    ring.device.state().told = vec![(0, 0), (0, 1), (1, 99), (2, 1)];
    assert_eq!(notice(finbox_route::Polled, 1), OK);
    assert_eq!(ring.drain_all(), 3);
    let invalid = finbox_status::InvalidArgument as i32;
    assert_eq!(ring.device.state().answers, [0, 0, 0, invalid]);
    let snapshot = ring.snapshot();
    assert_eq!((snapshot.completed, snapshot.running), (2, 0));
    assert_eq!((snapshot.duplicate, snapshot.unknown), ([2, 0], [0, 1]));
    ring.end();
}

#[test]
fn a_full_ring_takes_what_fits_and_notices_that_find_no_room_are_refused() {
    let ring = Ring::new();
    assert_eq!(ring.submit(&[packet(NoOp); 12]), (OK, 0, 8));
    assert_eq!(ring.submit(&[packet(NoOp)]).0, finbox_status::Full);
    assert!(
        last_error().contains("none of its 8 slots"),
        "{}",
        last_error()
    );
    assert_eq!(ring.submit(&[]).0, OK, "of nothing everything fits");
    let notice = || c!(finbox_command_ring_notice(ring.at(), 1, 5));
    assert_eq!((0..256).filter(|_| notice() == OK).count(), 256);
    assert_eq!(notice(), finbox_status::Full);
    assert_eq!((ring.drain_all(), notice()), (8, OK));
    ring.end();
}

#[test]
fn a_counter_that_nobody_moves_is_told_with_its_value() {
    let ring = Ring::new();
    ring.device.state().counter = 2;
    assert_eq!(ring.submit(&[waits(3)]).0, OK);
    let (drained, late) = ring.drain(1, SHORT_NS);
    let starved = finbox_verdict::Starved as u32;
    assert_eq!((drained, late.verdict), (finbox_status::Timeout, starved));
    let blocker = late.blocker;
    assert_eq!((blocker.address, blocker.wanted), (COUNTER, 3));
    assert_eq!((blocker.found, blocker.is_read), (2, 1));
    ring.device.state().counter = 3;
    assert_eq!(ring.drain_all(), 1);
    let (drained, late) = ring.drain(2, 0);
    assert_eq!(drained, finbox_status::Timeout, "nobody has submitted it");
    assert_eq!(late.blocker.waits_for, finbox_waits_for::Submission as u32);
    ring.end();
}

#[test]
fn what_the_executor_refuses_stops_the_processor_for_good_and_is_named() {
    let ring = Ring::new();
    assert_eq!(
        ring.submit(&[packet(NoOp), launches(REFUSED), packet(NoOp)])
            .0,
        OK
    );
    let (drained, arrival) = ring.drain(3, LONG_NS);
    assert_eq!((drained, arrival.position), (finbox_status::Halted, 1));
    assert!(
        last_error().contains("the executor refused it with 404"),
        "{}",
        last_error()
    );
    let halt = ring.snapshot().halt;
    assert_eq!(
        (halt.cause, halt.refusal),
        (finbox_halt_cause::Refused as u32, 404)
    );
    assert_eq!(
        (halt.position, halt.behind, halt.packet.address),
        (1, 1, REFUSED)
    );
    assert_eq!(ring.submit(&[packet(NoOp)]).0, finbox_status::Halted);
    ring.end();
    // Without a function; without a packet of this epoch; without such a packet.
    let other = finbox_packet {
        epoch: EPOCH + 1,
        ..packet(NoOp)
    };
    let call = |count| finbox_packet {
        address: BUFFER,
        count,
        ..packet(Indirect)
    };
    for (packets, cause, refusal) in [
        (vec![other], finbox_halt_cause::BadPacket, 0),
        (vec![], finbox_halt_cause::Refused, 406),
    ] {
        let ring = Ring::new();
        ring.device.state().packets = packets;
        assert_eq!(ring.submit(&[call(1)]).0, OK);
        assert_eq!(ring.drain(1, LONG_NS).0, finbox_status::Halted);
        let halt = ring.snapshot().halt;
        assert_eq!((halt.cause, halt.refusal), (cause as u32, refusal));
        assert_eq!((halt.position, halt.buffer, halt.depth), (0, BUFFER, 1));
        ring.end();
    }
}

#[test]
fn a_packet_without_a_function_is_refused_and_the_memory_may_be_the_caller_s() {
    let ring = Ring::new();
    let mut bytes = 0;
    assert_eq!(c!(finbox_command_ring_bytes(4, &mut bytes)), OK);
    let mut memory = vec![Line([0xAA; 64]); bytes / 64];
    let executor = finbox_executor {
        launch: None,
        look: None,
        ..ring.executor()
    };
    let on_memory = finbox_command_ring_args {
        memory: memory.as_mut_ptr().cast(),
        size_bytes: bytes,
        slots: 4,
        start: u64::MAX - 1,
        ..args(&executor)
    };
    let mut handle = no_ring();
    assert_eq!(c!(finbox_command_ring_create(&on_memory, &mut *handle)), OK);
    let (mut first, mut accepted) = (0, 0);
    let packets = [packet(NoOp), packet(NoOp), launches(1)];
    let submitted = c!(finbox_command_ring_submit(
        &mut *handle,
        packets.as_ptr(),
        3,
        &mut first,
        &mut accepted
    ));
    assert_eq!((submitted, first, accepted), (OK, u64::MAX - 1, 3));
    let mut arrival = arrival();
    let drained = c!(finbox_command_ring_drain_until(
        &mut *handle,
        1,
        LONG_NS,
        &mut arrival
    ));
    assert_eq!(drained, finbox_status::Halted);
    assert!(
        last_error().contains("refused it with 4294967295"),
        "{}",
        last_error()
    );
    assert_eq!(c!(finbox_command_ring_destroy(&mut *handle)), OK);
    let short = finbox_command_ring_args {
        size_bytes: bytes - 1,
        ..on_memory
    };
    let made = c!(finbox_command_ring_create(&short, &mut *handle));
    assert_eq!(made, finbox_status::TooSmall);
    ring.end();
}

#[test]
fn a_thread_of_the_library_carries_packets_out_until_it_is_stopped() {
    let ring = Ring::new();
    assert_eq!(c!(finbox_command_ring_stop(ring.at(), 0)), OK, "none runs");
    assert_eq!(c!(finbox_command_ring_start(ring.at())), OK);
    assert_eq!(
        c!(finbox_command_ring_start(ring.at())),
        finbox_status::Started
    );
    assert_eq!(
        c!(finbox_command_ring_destroy(ring.at())),
        finbox_status::Started
    );
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut left = 1_000;
                while left > 0 {
                    let (submitted, _, accepted) = ring.submit(&[packet(NoOp); 4]);
                    match submitted {
                        OK => left -= accepted.min(left),
                        finbox_status::Full => thread::yield_now(),
                        other => panic!("{other:?}: {}", last_error()),
                    }
                }
            });
        }
    });
    for last in [launches(LATER), packet(Fence)] {
        while ring.submit(&[last]).0 == finbox_status::Full {
            thread::yield_now();
        }
    }
    let target = ring.target();
    assert_eq!(ring.drain(target, SHORT_NS).0, finbox_status::Timeout);
    // Of work that the thread has not begun a notice says nothing: it is told again.
    while ring.drain(target, SHORT_NS).0 == finbox_status::Timeout {
        assert_eq!(c!(finbox_command_ring_notice(ring.at(), 1, 0)), OK);
    }
    assert_eq!(ring.drain_all(), target);
    assert_eq!(c!(finbox_command_ring_stop(ring.at(), LONG_NS)), OK);
    assert_eq!(
        c!(finbox_command_ring_start(ring.at())),
        finbox_status::Stopped
    );
    assert_eq!(ring.submit(&[packet(NoOp)]).0, OK);
    assert_eq!(
        (ring.drain_all(), ring.snapshot().answered),
        (target + 1, target + 1)
    );
    ring.end();
}

#[test]
fn calls_that_wait_are_refused_from_inside_the_executor() {
    let ring = Ring::new();
    ring.device.state().ring = ring.at().expose_provenance();
    assert_eq!(ring.submit(&[launches(1)]).0, OK);
    assert_eq!(ring.drain_all(), 1);
    let reentered = finbox_status::Reentered;
    let answers = [reentered, reentered, reentered, reentered, OK];
    assert_eq!(ring.device.state().from_inside, answers);
    ring.end();
}

#[test]
fn what_is_no_packet_is_refused_before_anything_is_submitted() {
    let ring = Ring::new();
    for (bad, said) in [
        (
            finbox_packet::default(),
            "packet 1: packet kind 0 is none of 1 to 8",
        ),
        (
            finbox_packet {
                count: 0,
                ..launches(1)
            },
            "packet 1: Launch with a count of 0",
        ),
        (
            finbox_packet {
                detail: 1,
                ..waits(1)
            },
            "packet 1: byte 48 of Wait holds",
        ),
        (
            finbox_packet {
                reserved: 1,
                ..packet(NoOp)
            },
            "packet 1: byte 56 of NoOp holds 0x1",
        ),
        (
            finbox_packet {
                detail: 2,
                ..packet(Signal)
            },
            "packet 1: a signal's way 2",
        ),
    ] {
        let refused = ring.submit(&[packet(NoOp), bad]);
        assert_eq!(refused.0, finbox_status::MalformedMessage);
        assert!(last_error().starts_with(said), "{}", last_error());
    }
    assert_eq!(ring.target(), 0);
    ring.end();
}

fn refused(status: finbox_status, what: &str) {
    let expected = format!("{what} must not be null");
    assert_eq!(
        (status, last_error()),
        (finbox_status::NullArgument, expected)
    );
}

#[test]
fn null_numbers_and_handles_that_are_none_are_refused_by_name() {
    use finbox_status::{Destroyed, InvalidArgument, Misaligned, NotAHandle, Unsupported};
    let ring = Ring::new();
    let (at, executor) = (ring.at(), ring.executor());
    let (mut number, mut count) = (0, 0);
    let none = ptr::null_mut::<finbox_command_ring>();
    let create = |args: &_| c!(finbox_command_ring_create(args, &mut *no_ring()));
    refused(
        c!(finbox_command_ring_create(ptr::null(), at)),
        "finbox_command_ring_args",
    );
    let good = args(&executor);
    refused(
        create(&finbox_command_ring_args {
            executor: ptr::null(),
            ..good
        }),
        "finbox_executor",
    );
    refused(c!(finbox_command_ring_create(&good, none)), "command ring");
    refused(c!(finbox_command_ring_bytes(2, ptr::null_mut())), "bytes");
    let submit = |packets, first: *mut u64, accepted: *mut u32| {
        c!(finbox_command_ring_submit(at, packets, 1, first, accepted))
    };
    refused(submit(ptr::null(), &mut number, &mut count), "packets");
    refused(submit(&packet(NoOp), ptr::null_mut(), &mut count), "first");
    refused(
        submit(&packet(NoOp), &mut number, ptr::null_mut()),
        "accepted",
    );
    refused(
        c!(finbox_command_ring_target(at, ptr::null_mut())),
        "target",
    );
    let drained = c!(finbox_command_ring_drain_until(at, 0, 0, ptr::null_mut()));
    refused(drained, "finbox_arrival");
    refused(
        c!(finbox_command_ring_snapshot(at, ptr::null_mut())),
        "finbox_command_snapshot",
    );
    refused(c!(finbox_command_ring_notice(none, 0, 0)), "command ring");
    refused(c!(finbox_command_ring_start(none)), "command ring");
    refused(c!(finbox_command_ring_stop(none, 0)), "command ring");
    assert_eq!(c!(finbox_command_ring_notice(at, 2, 0)), InvalidArgument);
    assert_eq!(
        create(&finbox_command_ring_args { slots: 3, ..good }),
        InvalidArgument
    );
    assert_eq!(c!(finbox_command_ring_bytes(1, &mut 0)), InvalidArgument);
    assert_eq!(
        create(&finbox_command_ring_args { flags: 1, ..good }),
        Unsupported
    );
    let askew = ptr::without_provenance_mut(8);
    assert_eq!(
        create(&finbox_command_ring_args {
            memory: askew,
            ..good
        }),
        Misaligned
    );
    assert_eq!(c!(finbox_command_ring_destroy(&mut *no_ring())), NotAHandle);
    ring.end();
    assert_eq!(
        (ring.submit(&[packet(NoOp)]).0, ring.drain(0, 0).0),
        (Destroyed, Destroyed)
    );
    assert_eq!(c!(finbox_command_ring_start(at)), Destroyed);
    assert_eq!(c!(finbox_command_ring_destroy(at)), Destroyed);
}
