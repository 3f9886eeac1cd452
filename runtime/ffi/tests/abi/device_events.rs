//! A device's events through the C ABI: on posix-device, as a foreign timeline of a planner.

use std::ptr;
use std::thread;

use finbox::*;
use finbox_abi::{FINBOX_EVENT_FAILED, FINBOX_FEATURE_EVENTS, finbox_event, finbox_event_copy};

use crate::device::{library, open_with};
use crate::mailbox::{OK, c, last_error};
use crate::plan_rig::{Desk, point, text, wait};

/// Two ranks, an event of rank 1, and 64 bytes of each rank.
struct Rig {
    device: Box<finbox_device>,
    event: finbox_event,
    from: u64,
    to: u64,
}

impl Rig {
    fn new(library: &str) -> Self {
        Self::with(library, "")
    }

    fn with(library: &str, options: &str) -> Self {
        let mut rig = Self {
            device: open_with(library, options),
            event: finbox_event::default(),
            from: 0,
            to: 0,
        };
        let at = rig.at();
        assert_eq!(c!(finbox_device_allocate(at, 0, 64, 64, &mut rig.from)), OK);
        assert_eq!(c!(finbox_device_allocate(at, 1, 64, 64, &mut rig.to)), OK);
        assert_eq!(c!(finbox_device_event_open(at, 1, &mut rig.event)), OK);
        rig
    }

    fn at(&self) -> *mut finbox_device {
        ptr::from_ref(&*self.device).cast_mut()
    }

    fn copy(&self, value: u64, to: u64) -> finbox_status {
        let copy = finbox_event_copy {
            value,
            to,
            from: self.from,
            size_bytes: 64,
        };
        c!(finbox_device_event_copy(self.at(), &self.event, &copy))
    }

    fn value(&self) -> u64 {
        let mut value = u64::MAX;
        let asked = c!(finbox_device_event_value(
            self.at(),
            &self.event,
            &mut value
        ));
        assert_eq!(asked, OK);
        value
    }

    fn close(self) {
        assert_eq!(c!(finbox_device_event_close(self.at(), &self.event)), OK);
        assert_eq!(c!(finbox_device_close(self.at())), OK);
    }
}

#[test]
fn a_launch_waits_for_what_a_device_copies_by_itself() {
    let Some(library) = library() else { return };
    let rig = Rig::new(library);
    let desk = Desk::new(finbox_plan_mode::Strict);
    let events = desk.timeline("events of rank 1", finbox_timeline_kind::Foreign);
    let (launch, waits) = desk.launch(desk.streams[0], &[], &[wait(point(events, 7), 1_000)]);
    assert_eq!((rig.value(), waits.len(), desk.fate(launch)), (0, 1, 0));
    let bytes = [0x5A_u8; 64];
    let put = c!(finbox_device_copy_in(
        rig.at(),
        rig.from,
        bytes.as_ptr().cast(),
        64
    ));
    assert_eq!(
        (put, rig.copy(3, rig.to), rig.copy(7, rig.to)),
        (OK, OK, OK)
    );
    let mut told = 0;
    while desk.fate(point(events, 7)) == finbox_fate::Unfinished as u32 {
        let value = rig.value();
        if value > told {
            assert_eq!(
                desk.advance(point(events, value), 10),
                OK,
                "{}",
                last_error()
            );
            told = value;
        }
        thread::yield_now();
    }
    assert_eq!((told, desk.advance(launch, 11)), (7, OK));
    let mut found = [0_u8; 64];
    let got = c!(finbox_device_copy_out(
        rig.at(),
        found.as_mut_ptr().cast(),
        rig.to,
        64
    ));
    assert_eq!((got, found), (OK, bytes));
    rig.close();
    desk.end();
}

#[test]
fn a_copy_that_failed_is_no_value_and_ends_the_timeline_of_whoever_waits() {
    let Some(library) = library() else { return };
    let rig = Rig::with(library, "delay_us=300000");
    let desk = Desk::new(finbox_plan_mode::Strict);
    let events = desk.timeline("events of rank 1", finbox_timeline_kind::Foreign);
    let (launch, _) = desk.launch(desk.streams[0], &[], &[wait(point(events, 7), 1_000)]);
    assert_eq!(rig.copy(7, rig.to), OK);
    assert_eq!(c!(finbox_device_release(rig.at(), 1, rig.to)), OK);
    let value = loop {
        let value = rig.value();
        if value > 0 {
            break value;
        }
        thread::yield_now();
    };
    assert_eq!(value, FINBOX_EVENT_FAILED);
    let told = desk.advance(point(events, value), 10);
    assert_eq!(told, finbox_status::InvalidArgument);
    assert!(last_error().ends_with("poison its timeline"));
    assert_eq!(desk.fate(point(events, 7)), finbox_fate::Unfinished as u32);
    let cause = text("a copy failed");
    let ended = c!(finbox_planner_poison(desk.at(), events, &cause, 11));
    assert_eq!(ended, OK);
    let failed = finbox_fate::Failed as u32;
    assert_eq!(
        [desk.fate(point(events, 7)), desk.fate(launch)],
        [failed; 2]
    );
    while c!(finbox_device_event_close(rig.at(), &rig.event)) != OK {
        thread::yield_now();
    }
    assert_eq!(c!(finbox_device_close(rig.at())), OK);
    desk.end();
}

#[test]
fn what_an_event_cannot_do_is_refused_in_the_device_s_words() {
    let Some(library) = library() else { return };
    let rig = Rig::new(library);
    // SAFETY: integers and pointers.
    let mut facts: finbox_device_facts = unsafe { std::mem::zeroed() };
    facts.struct_size = size_of::<finbox_device_facts>();
    assert_eq!(c!(finbox_device_describe(rig.at(), &mut facts)), OK);
    assert_eq!(facts.features, FINBOX_FEATURE_EVENTS);
    assert_eq!(rig.copy(0, rig.to), finbox_status::Device);
    assert_eq!(last_error(), "event_copy: the value 0 is not behind 0 (1)");
    assert_eq!(rig.copy(FINBOX_EVENT_FAILED, rig.to), finbox_status::Device);
    assert_eq!(rig.copy(1, 8), finbox_status::Device);
    let stranger = finbox_event {
        event: 99,
        ..rig.event
    };
    assert_eq!(
        c!(finbox_device_event_close(rig.at(), &stranger)),
        finbox_status::Device
    );
    assert_eq!(rig.value(), 0);
    rig.close();
}

#[test]
fn null_ranks_and_addresses_that_are_none_are_refused_by_name() {
    let Some(library) = library() else { return };
    let rig = Rig::new(library);
    let (at, mut event, mut value) = (rig.at(), finbox_event::default(), 0);
    let refused = |status, what: &str| {
        let expected = format!("{what} must not be null");
        assert_eq!(
            (status, last_error()),
            (finbox_status::NullArgument, expected)
        );
    };
    let (none, no_event) = (ptr::null_mut(), ptr::null());
    let copy = finbox_event_copy::default();
    refused(
        c!(finbox_device_event_open(at, 0, ptr::null_mut())),
        "event",
    );
    refused(c!(finbox_device_event_open(none, 0, &mut event)), "device");
    refused(c!(finbox_device_event_close(at, no_event)), "event");
    refused(c!(finbox_device_event_copy(at, no_event, &copy)), "event");
    refused(
        c!(finbox_device_event_copy(at, &rig.event, ptr::null())),
        "copy",
    );
    refused(
        c!(finbox_device_event_value(at, no_event, &mut value)),
        "event",
    );
    refused(
        c!(finbox_device_event_value(at, &rig.event, ptr::null_mut())),
        "value",
    );
    let invalid = finbox_status::InvalidArgument;
    assert_eq!(c!(finbox_device_event_open(at, 2, &mut event)), invalid);
    for wrong in [
        finbox_event {
            rank: 2,
            ..rig.event
        },
        finbox_event {
            word: 8,
            ..rig.event
        },
    ] {
        assert_eq!(
            c!(finbox_device_event_value(at, &wrong, &mut value)),
            invalid
        );
    }
    let device = rig.at();
    assert_eq!(c!(finbox_device_event_close(device, &rig.event)), OK);
    assert_eq!(c!(finbox_device_close(device)), OK);
    let opened = c!(finbox_device_event_open(device, 0, &mut event));
    assert_eq!(opened, finbox_status::Destroyed);
}
