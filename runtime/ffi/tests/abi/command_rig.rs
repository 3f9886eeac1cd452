//! A command ring through the C ABI, over a model device of C functions.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Mutex, MutexGuard};

use finbox::*;

use crate::mailbox::{OK, c, last_error};

/// A kernel that ends when somebody tells.
pub(crate) const LATER: u64 = 77;
/// A kernel that the device refuses with 404.
pub(crate) const REFUSED: u64 = 404;
/// The device's one counter.
pub(crate) const COUNTER: u64 = 0x1000;
/// A buffer of its packets.
pub(crate) const BUFFER: u64 = 0x2000;
/// Longer than anything here takes.
pub(crate) const LONG_NS: u64 = 600_000_000_000;
pub(crate) const EPOCH: u32 = 7;

/// What the device knows.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) launched: Vec<(u64, u64, u64, u32, u32)>,
    pub(crate) copied: Vec<(u64, u64, u64)>,
    pub(crate) counter: u32,
    pub(crate) packets: Vec<finbox_packet>,
    /// What the next look tells.
    pub(crate) told: Vec<(u32, u64)>,
    /// What `tell` answered.
    pub(crate) answers: Vec<i32>,
    /// The ring that a launch calls, and what that answered.
    pub(crate) ring: usize,
    pub(crate) from_inside: Vec<finbox_status>,
}

#[derive(Default)]
pub(crate) struct Device(Mutex<State>);

impl Device {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panicked with it")
    }
}

fn device<'d>(context: *mut c_void) -> MutexGuard<'d, State> {
    c!(&*context.cast::<Device>()).state()
}

extern "C-unwind" fn launch(
    context: *mut c_void,
    work: u64,
    kernel: u64,
    args: u64,
    args_bytes: u32,
    blocks: u32,
) -> u32 {
    let mut device = device(context);
    let ring = ptr::with_exposed_provenance_mut(device.ring);
    if device.ring != 0 {
        let mut arrival = arrival();
        let mut target = 0;
        let answers = [
            c!(finbox_command_ring_drain_until(ring, 0, 0, &mut arrival)),
            c!(finbox_command_ring_start(ring)),
            c!(finbox_command_ring_stop(ring, 0)),
            c!(finbox_command_ring_destroy(ring)),
            c!(finbox_command_ring_target(ring, &mut target)),
        ];
        device.from_inside.extend(answers);
        device.ring = 0;
    }
    device
        .launched
        .push((work, kernel, args, args_bytes, blocks));
    match kernel {
        LATER => finbox_answer::Running as u32,
        REFUSED => 404,
        _ => finbox_answer::Done as u32,
    }
}

extern "C-unwind" fn copy(context: *mut c_void, _: u64, to: u64, from: u64, bytes: u64) -> u32 {
    device(context).copied.push((to, from, bytes));
    finbox_answer::Done as u32
}

extern "C-unwind" fn signal(
    context: *mut c_void,
    _: u64,
    counter: u64,
    value: u32,
    how: u32,
) -> u32 {
    assert_eq!(counter, COUNTER);
    let mut device = device(context);
    device.counter = match how {
        how if how == finbox_signal_how::Add as u32 => device.counter.wrapping_add(value),
        _ => value,
    };
    finbox_answer::Done as u32
}

extern "C-unwind" fn counter(context: *mut c_void, counter: u64, value: *mut u32) -> u32 {
    if counter != COUNTER {
        return 405;
    }
    let current = device(context).counter;
    c!(value.write(current));
    finbox_answer::Done as u32
}

extern "C-unwind" fn fetch(
    context: *mut c_void,
    buffer: u64,
    index: u32,
    packet: *mut finbox_packet,
) -> u32 {
    assert_eq!(buffer, BUFFER);
    match device(context).packets.get(index as usize) {
        Some(found) => {
            c!(packet.write(*found));
            finbox_answer::Done as u32
        }
        None => 406,
    }
}

extern "C-unwind" fn look(context: *mut c_void, tell: finbox_tell, told: *mut c_void) {
    let mut device = device(context);
    let tell = tell.expect("the library gives one");
    for (route, work) in std::mem::take(&mut device.told) {
        let answer = c!(tell(told, route, work));
        device.answers.push(answer);
    }
}

pub(crate) fn arrival() -> finbox_arrival {
    finbox_arrival {
        struct_size: size_of::<finbox_arrival>(),
        position: u64::MAX,
        not_reached: 0,
        distance: 0,
        packets: 0,
        completed: 0,
        revisits: 0,
        took_ns: 0,
        blocker: finbox_blocker::default(),
        verdict: u32::MAX,
        reserved: 0,
    }
}

pub(crate) fn packet(kind: finbox_packet_kind) -> finbox_packet {
    finbox_packet {
        kind: kind as u32,
        ..finbox_packet::default()
    }
}

pub(crate) fn launches(kernel: u64) -> finbox_packet {
    finbox_packet {
        address: kernel,
        count: 1,
        ..packet(finbox_packet_kind::Launch)
    }
}

pub(crate) fn waits(value: u32) -> finbox_packet {
    finbox_packet {
        address: COUNTER,
        count: value,
        ..packet(finbox_packet_kind::Wait)
    }
}

/// A ring of 8 packets whose memory is the library's.
pub(crate) struct Ring {
    pub(crate) device: Box<Device>,
    handle: Box<finbox_command_ring>,
}

// SAFETY: a test's threads use a handle at once, as C may.
unsafe impl Sync for Ring {}

pub(crate) fn no_ring() -> Box<finbox_command_ring> {
    Box::new(finbox_command_ring { opaque: [0; 8] })
}

impl Ring {
    pub(crate) fn new() -> Self {
        let mut ring = Self {
            device: Box::default(),
            handle: no_ring(),
        };
        let executor = ring.executor();
        let args = args(&executor);
        let made = c!(finbox_command_ring_create(&args, &mut *ring.handle));
        assert_eq!(made, OK, "{}", last_error());
        ring
    }

    pub(crate) fn executor(&self) -> finbox_executor {
        finbox_executor {
            struct_size: size_of::<finbox_executor>(),
            next: ptr::null(),
            context: ptr::from_ref(&*self.device).cast_mut().cast(),
            launch: Some(launch),
            copy: Some(copy),
            signal: Some(signal),
            counter: Some(counter),
            fetch: Some(fetch),
            look: Some(look),
        }
    }

    pub(crate) fn at(&self) -> *mut finbox_command_ring {
        ptr::from_ref(&*self.handle).cast_mut()
    }

    pub(crate) fn submit(&self, packets: &[finbox_packet]) -> (finbox_status, u64, u32) {
        let (mut first, mut accepted) = (u64::MAX, u32::MAX);
        let count = u32::try_from(packets.len()).expect("few");
        let status = c!(finbox_command_ring_submit(
            self.at(),
            packets.as_ptr(),
            count,
            &mut first,
            &mut accepted
        ));
        (status, first, accepted)
    }

    pub(crate) fn target(&self) -> u64 {
        let mut target = 0;
        assert_eq!(c!(finbox_command_ring_target(self.at(), &mut target)), OK);
        target
    }

    pub(crate) fn drain(&self, target: u64, budget_ns: u64) -> (finbox_status, finbox_arrival) {
        let mut arrival = arrival();
        let at = self.at();
        let drained = c!(finbox_command_ring_drain_until(
            at,
            target,
            budget_ns,
            &mut arrival
        ));
        (drained, arrival)
    }

    /// Drains everything; where it arrived.
    pub(crate) fn drain_all(&self) -> u64 {
        let (drained, arrival) = self.drain(self.target(), LONG_NS);
        assert_eq!(drained, OK, "{}", last_error());
        arrival.position
    }

    pub(crate) fn snapshot(&self) -> finbox_command_snapshot {
        let mut snapshot = finbox_command_snapshot {
            struct_size: size_of::<finbox_command_snapshot>(),
            position: 0,
            answered: 0,
            passed: [0; 8],
            nested: 0,
            digest: 0,
            completed: 0,
            duplicate: [0; 2],
            unknown: [0; 2],
            not_yet: 0,
            revisits: 0,
            left: 0,
            blocker: finbox_blocker::default(),
            halt: finbox_halt::default(),
            running: 0,
            reserved: 0,
        };
        assert_eq!(
            c!(finbox_command_ring_snapshot(self.at(), &mut snapshot)),
            OK
        );
        snapshot
    }

    pub(crate) fn end(&self) {
        assert_eq!(
            c!(finbox_command_ring_destroy(self.at())),
            OK,
            "{}",
            last_error()
        );
    }
}

/// A ring of 8 packets on memory of the library's.
pub(crate) fn args(executor: &finbox_executor) -> finbox_command_ring_args {
    finbox_command_ring_args {
        struct_size: size_of::<finbox_command_ring_args>(),
        next: ptr::null(),
        memory: ptr::null_mut(),
        size_bytes: 0,
        executor,
        start: 0,
        slots: 8,
        epoch: EPOCH,
        flags: 0,
    }
}
