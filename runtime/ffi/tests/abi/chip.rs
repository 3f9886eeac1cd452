//! A chip in a test: cores that run a kernel when their doorbell rings, behind a port of functions.

use std::ffi::c_void;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender};

use finbox_abi::*;

pub(crate) const CORES: u32 = 6;
/// Slabs, two a core, at the beginning of memory.
pub(crate) const BASE: u64 = 0x10_0000;
const SLAB_BYTES: u64 = 2112;
/// Behind the slabs: words for counters.
pub(crate) const COUNTERS: u64 = BASE + 2 * CORES as u64 * SLAB_BYTES;
const WORDS: usize = 2 * CORES as usize * 264 + 64;

/// What a kernel's number means here. Its `args` is an address.
pub(crate) const NOTHING: u64 = 0;
/// Registers a counter at `args`, to reach 1.
pub(crate) const AWAIT: u64 = 1;
/// Leaves the error of a kernel that cannot go on.
pub(crate) const FATAL: u64 = 2;
/// Does not end by itself.
pub(crate) const HANG: u64 = 3;

/// What `load_cond` or `ring_doorbell` does besides its work, once.
pub(crate) enum Prank {
    None,
    /// Says that it is inside, and stays until the other end goes.
    Stay(Sender<()>, Receiver<()>),
    /// Calls the library.
    Call(Box<dyn FnOnce() + Send>),
    Panic,
}

#[derive(Default)]
struct Core {
    cond: AtomicU32,
    staged: [Mutex<finbox_launch>; 2],
}

pub(crate) struct Chip {
    cores: Vec<Core>,
    words: Vec<AtomicU64>,
    now: AtomicU64,
    /// What a function does next besides its work, and which.
    prank: Mutex<(&'static str, Prank)>,
    has_prank: AtomicBool,
    pub(crate) launches: Mutex<Vec<finbox_launch>>,
    pub(crate) cond_loads: AtomicU64,
}

impl Chip {
    pub(crate) fn new() -> Box<Self> {
        let cores = || {
            let core = Core::default();
            core.cond.store(FINBOX_COND_RESET, SeqCst);
            core
        };
        Box::new(Self {
            cores: (0..CORES).map(|_| cores()).collect(),
            words: (0..WORDS).map(|_| AtomicU64::new(0)).collect(),
            now: AtomicU64::new(0),
            prank: Mutex::new(("", Prank::None)),
            has_prank: AtomicBool::new(false),
            launches: Mutex::default(),
            cond_loads: AtomicU64::new(0),
        })
    }

    fn word(&self, address: u64) -> &AtomicU64 {
        &self.words[usize::try_from((address - BASE) / 8).expect("an index")]
    }

    fn slab(core: u32, parity: u32) -> u64 {
        BASE + u64::from(core * 2 + parity) * SLAB_BYTES
    }

    /// Sets a counter.
    pub(crate) fn notify(&self, address: u64, value: u32) {
        self.word(address).store(value.into(), SeqCst);
    }

    /// What a core says.
    pub(crate) fn say(&self, core: usize, cond: u32) {
        self.cores[core].cond.store(cond, SeqCst);
    }

    /// Time goes on.
    pub(crate) fn pass_time(&self, ns: u64) {
        self.now.fetch_add(ns, SeqCst);
    }

    /// What the next call of `function` does besides.
    pub(crate) fn play(&self, function: &'static str, prank: Prank) {
        *self.prank.lock().expect("nobody panicked with it") = (function, prank);
        self.has_prank.store(true, SeqCst);
    }

    fn run(&self, core: u32, token: u32) {
        let parity = token & 1;
        let launch = *self.cores[core as usize].staged[parity as usize]
            .lock()
            .expect("nobody panicked with it");
        self.launches
            .lock()
            .expect("nobody panicked with it")
            .push(launch);
        let slab = Self::slab(core, parity);
        match launch.kernel {
            AWAIT => {
                self.word(slab + 8).store(launch.args, SeqCst);
                self.word(slab + 24).store(1, SeqCst);
                self.word(slab + 32).store(0, SeqCst);
                self.word(slab).store(1, SeqCst);
            }
            FATAL => self.word(slab).store(9 << 32, SeqCst),
            HANG => return self.say(core as usize, token),
            _ => {}
        }
        self.say(core as usize, FINBOX_COND_FIN | token);
    }

    fn prank(&self, function: &'static str) {
        if !self.has_prank.load(SeqCst) {
            return;
        }
        let mut place = self.prank.lock().expect("nobody panicked with it");
        if place.0 != function {
            return;
        }
        self.has_prank.store(false, SeqCst);
        let (_, prank) = std::mem::replace(&mut *place, ("", Prank::None));
        drop(place);
        match prank {
            Prank::None => {}
            Prank::Stay(inside, release) => {
                let _ = inside.send(());
                let _ = release.recv();
            }
            Prank::Call(call) => call(),
            Prank::Panic => panic!("from a callback"),
        }
    }

    /// The port; valid as long as the chip.
    pub(crate) fn port(&self) -> finbox_port {
        finbox_port {
            struct_size: size_of::<finbox_port>(),
            context: ptr::from_ref(self).cast_mut().cast(),
            load_cond: Some(load_cond),
            ring_doorbell: Some(ring_doorbell),
            stage_payload: Some(stage_payload),
            slab_address: Some(slab_address),
            refresh: Some(nothing),
            clean: Some(nothing),
            can_read: Some(can_read),
            load_u32: Some(load_u32),
            load_u64: Some(load_u64),
            store_u64: Some(store_u64),
            now: Some(now),
            incarnation: None,
        }
    }
}

fn chip<'c>(context: *mut c_void) -> &'c Chip {
    // SAFETY: the context of every port here is a chip that outlives its schedulers.
    unsafe { &*context.cast::<Chip>() }
}

unsafe extern "C-unwind" fn load_cond(context: *mut c_void, core: u32) -> u32 {
    let chip = chip(context);
    chip.cond_loads.fetch_add(1, SeqCst);
    chip.prank("load_cond");
    chip.cores[core as usize].cond.load(SeqCst)
}

unsafe extern "C-unwind" fn ring_doorbell(context: *mut c_void, core: u32, token: u32) {
    let chip = chip(context);
    chip.prank("ring_doorbell");
    chip.run(core, token);
}

unsafe extern "C-unwind" fn stage_payload(
    context: *mut c_void,
    core: u32,
    token: u32,
    launch: *const finbox_launch,
) {
    let place = &chip(context).cores[core as usize].staged[token as usize & 1];
    // SAFETY: the launch lives until this returns, by the port's contract.
    *place.lock().expect("nobody panicked with it") = unsafe { launch.read() };
}

unsafe extern "C-unwind" fn slab_address(_: *mut c_void, core: u32, parity: u32) -> u64 {
    Chip::slab(core, parity)
}

unsafe extern "C-unwind" fn nothing(_: *mut c_void, _: u64, _: u64) {}

unsafe extern "C-unwind" fn can_read(_: *mut c_void, address: u64, size_bytes: u64) -> u32 {
    let end = BASE + 8 * WORDS as u64;
    u32::from(address >= BASE && address < end && size_bytes <= end - address)
}

unsafe extern "C-unwind" fn load_u32(context: *mut c_void, address: u64) -> u32 {
    let word = chip(context).word(address).load(SeqCst);
    let half = if address % 8 == 0 { word } else { word >> 32 };
    u32::try_from(half & u64::from(u32::MAX)).expect("the low half")
}

unsafe extern "C-unwind" fn load_u64(context: *mut c_void, address: u64) -> u64 {
    chip(context).word(address).load(SeqCst)
}

unsafe extern "C-unwind" fn store_u64(context: *mut c_void, address: u64, value: u64) {
    chip(context).word(address).store(value, SeqCst);
}

unsafe extern "C-unwind" fn now(context: *mut c_void) -> u64 {
    chip(context).now.fetch_add(1, SeqCst)
}
