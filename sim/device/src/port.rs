//! A rank's port as C functions.
//!
//! Guarantees: what a caller asks for that is not there, a core, a word that is not readable or not
//! aligned, a null context, is answered with 0 and changes nothing; no panic leaves. Refuses to be
//! called behind the machine's close: then the context points nowhere, as the contract says. Called
//! through the table that `library.rs` fills in.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use finbox_abi::{FINBOX_TOKEN_EXIT, finbox_launch, finbox_port, not_null};
use finbox_runtime::Machine;
use finbox_scheduler::{CoreId, Launch, Port, Token};
use finbox_sim::device::SimPort;
use finbox_sim::machine::SimMachine;

/// More than any line that a caller wants current at once: the memory of a rank.
const MOST_LINES_BYTES: u64 = 1 << 28;

/// What a port's context points to.
pub(crate) struct RankPort {
    machine: Arc<SimMachine>,
    rank: u32,
    lanes: u32,
}

impl RankPort {
    /// The port of `rank`, which the machine has.
    pub(crate) fn new(machine: Arc<SimMachine>, rank: u32) -> Self {
        let facts = machine.facts();
        let lanes = u32::from(facts.cores) + u32::from(facts.host_lanes);
        Self {
            machine,
            rank,
            lanes,
        }
    }

    /// Its functions. The context lives as long as `self` stays where it is.
    pub(crate) fn table(&self) -> finbox_port {
        finbox_port {
            struct_size: size_of::<finbox_port>(),
            context: (&raw const *self).cast_mut().cast(),
            load_cond: Some(load_cond),
            ring_doorbell: Some(ring_doorbell),
            stage_payload: Some(stage_payload),
            slab_address: Some(slab_address),
            refresh: Some(refresh),
            clean: Some(clean),
            can_read: Some(can_read),
            load_u32: Some(load_u32),
            load_u64: Some(load_u64),
            store_u64: Some(store_u64),
            now: Some(now),
            incarnation: None,
        }
    }

    fn port(&self) -> SimPort<'_> {
        self.machine.port(self.rank)
    }

    fn core(&self, core: u32) -> Option<CoreId> {
        let core = (core < self.lanes).then_some(core)?;
        u16::try_from(core).ok().map(CoreId)
    }

    /// The port, if an aligned word of so many bytes at `address` may be read.
    fn with_word(&self, address: u64, size_bytes: u64) -> Option<SimPort<'_>> {
        let port = self.port();
        let is_there = address.is_multiple_of(size_bytes) && port.can_read(address, size_bytes);
        is_there.then_some(port)
    }
}

/// Does `work` with what `context` points to; None if that is nothing, or it panicked.
///
/// # Safety
/// `context` is null, or what [`RankPort::table`] gave out and is still there.
unsafe fn on<R>(context: *mut c_void, work: impl FnOnce(&RankPort) -> Option<R>) -> Option<R> {
    // SAFETY: null, or a port's that is still there, by the caller's word.
    let port = unsafe { context.cast::<RankPort>().as_ref() }?;
    catch_unwind(AssertUnwindSafe(|| work(port))).ok()?
}

unsafe extern "C-unwind" fn load_cond(context: *mut c_void, core: u32) -> u32 {
    let load = |port: &RankPort| Some(port.port().load_cond(port.core(core)?));
    // SAFETY: the contract's: a context that the table came with.
    unsafe { on(context, load) }.unwrap_or(0)
}

unsafe extern "C-unwind" fn ring_doorbell(context: *mut c_void, core: u32, token: u32) {
    let ring = |port: &RankPort| {
        let (core, token) = (port.core(core)?, Token::from_bits(token));
        port.port().ring_doorbell(core, token);
        Some(())
    };
    // SAFETY: the contract's: a context that the table came with.
    let _rung = unsafe { on(context, ring) };
}

unsafe extern "C-unwind" fn stage_payload(
    context: *mut c_void,
    core: u32,
    token: u32,
    launch: *const finbox_launch,
) {
    if not_null(launch, "launch").is_err() {
        return;
    }
    // SAFETY: neither null nor misaligned, so it is a launch by the contract.
    let launch = unsafe { launch.read() };
    let stage = |port: &RankPort| {
        let (core, token) = (port.core(core)?, Token::from_bits(token));
        port.port().stage_payload(core, token, &launch_of(launch));
        Some(())
    };
    // SAFETY: the contract's: a context that the table came with.
    let _staged = unsafe { on(context, stage) };
}

/// A launch as the scheduler writes it. Bits of no subtask are dropped.
fn launch_of(launch: finbox_launch) -> Launch {
    let place = u64::from(launch.block) | u64::from(launch.blocks) << 16;
    let place = place | u64::from(launch.subtask) << 32;
    let finbox_launch { slot, task, .. } = launch;
    Launch::from_words([slot, task, place, launch.kernel, launch.args])
}

unsafe extern "C-unwind" fn slab_address(context: *mut c_void, core: u32, parity: u32) -> u64 {
    let address = |port: &RankPort| {
        let parity = usize::from(parity != 0);
        Some(port.port().slab_address(port.core(core)?, parity))
    };
    // SAFETY: the contract's: a context that the table came with.
    unsafe { on(context, address) }.unwrap_or(0)
}

/// Whether lines can be so many.
fn are_lines(address: u64, size_bytes: u64) -> bool {
    size_bytes <= MOST_LINES_BYTES && address.checked_add(size_bytes + 64).is_some()
}

unsafe extern "C-unwind" fn refresh(context: *mut c_void, address: u64, size_bytes: u64) {
    let refresh = |port: &RankPort| {
        are_lines(address, size_bytes).then(|| port.port().refresh(address, size_bytes))
    };
    // SAFETY: the contract's: a context that the table came with.
    let _done = unsafe { on(context, refresh) };
}

unsafe extern "C-unwind" fn clean(context: *mut c_void, address: u64, size_bytes: u64) {
    let clean = |port: &RankPort| {
        are_lines(address, size_bytes).then(|| port.port().clean(address, size_bytes))
    };
    // SAFETY: the contract's: a context that the table came with.
    let _done = unsafe { on(context, clean) };
}

unsafe extern "C-unwind" fn can_read(context: *mut c_void, address: u64, size_bytes: u64) -> u32 {
    let can_read = |port: &RankPort| Some(port.port().can_read(address, size_bytes));
    // SAFETY: the contract's: a context that the table came with.
    unsafe { on(context, can_read) }.map_or(0, u32::from)
}

unsafe extern "C-unwind" fn load_u32(context: *mut c_void, address: u64) -> u32 {
    let load = |port: &RankPort| Some(port.with_word(address, 4)?.load_u32(address));
    // SAFETY: the contract's: a context that the table came with.
    unsafe { on(context, load) }.unwrap_or(0)
}

unsafe extern "C-unwind" fn load_u64(context: *mut c_void, address: u64) -> u64 {
    let load = |port: &RankPort| Some(port.with_word(address, 8)?.load_u64(address));
    // SAFETY: the contract's: a context that the table came with.
    unsafe { on(context, load) }.unwrap_or(0)
}

unsafe extern "C-unwind" fn store_u64(context: *mut c_void, address: u64, value: u64) {
    let store = |port: &RankPort| {
        port.with_word(address, 8)?.store_u64(address, value);
        Some(())
    };
    // SAFETY: the contract's: a context that the table came with.
    let _stored = unsafe { on(context, store) };
}

unsafe extern "C-unwind" fn now(context: *mut c_void) -> u64 {
    let now = |port: &RankPort| Some(port.port().now());
    // SAFETY: the contract's: a context that the table came with.
    unsafe { on(context, now) }.unwrap_or(0)
}

const _: () = assert!(
    FINBOX_TOKEN_EXIT == Token::EXIT.bits(),
    "tokens are the same on both sides"
);
