//! A table of C functions as the scheduler's [`Port`].
//!
//! Guarantees: no function of the table is null, and none that panics or throws returns into the
//! scheduler: its watch ends the process, with the function's name. Refuses to judge what a
//! function returns: the scheduler believes no machine anyway.

use core::ffi::c_void;

use finbox_scheduler::{CoreId, Launch, Port, Token};
use thiserror::Error;

use crate::call::{Call, CallWatch, Function, watched};
use crate::port::{finbox_launch, finbox_port};

/// A function that a table lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("`{0}` of the port is null")]
pub struct Missing(pub &'static str);

type Context = *mut c_void;

#[derive(Clone, Copy, Debug)]
struct Functions {
    load_cond: unsafe extern "C-unwind" fn(Context, u32) -> u32,
    ring_doorbell: unsafe extern "C-unwind" fn(Context, u32, u32),
    stage_payload: unsafe extern "C-unwind" fn(Context, u32, u32, *const finbox_launch),
    slab_address: unsafe extern "C-unwind" fn(Context, u32, u32) -> u64,
    refresh: unsafe extern "C-unwind" fn(Context, u64, u64),
    clean: unsafe extern "C-unwind" fn(Context, u64, u64),
    can_read: unsafe extern "C-unwind" fn(Context, u64, u64) -> u32,
    load_u32: unsafe extern "C-unwind" fn(Context, u64) -> u32,
    load_u64: unsafe extern "C-unwind" fn(Context, u64) -> u64,
    store_u64: unsafe extern "C-unwind" fn(Context, u64, u64),
    now: unsafe extern "C-unwind" fn(Context) -> u64,
    incarnation: Option<unsafe extern "C-unwind" fn(Context) -> u32>,
}

/// A port whose functions are somebody else's.
#[derive(Clone, Copy, Debug)]
pub struct TablePort<W> {
    context: Context,
    functions: Functions,
    watch: W,
}

// SAFETY: `new` has the word of whoever filled the table in that its functions may be called from
// any thread; the rest is plain data, and the watch is `Send` itself.
unsafe impl<W: Send> Send for TablePort<W> {}
// SAFETY: as above.
unsafe impl<W: Sync> Sync for TablePort<W> {}

impl<W: CallWatch> TablePort<W> {
    /// A port over `table`, watched by `watch`.
    ///
    /// # Errors
    /// [`Missing`]: a function is null.
    ///
    /// # Safety
    /// The functions do what [`finbox_port`] says, for as long as the port is used.
    pub unsafe fn new(table: &finbox_port, watch: W) -> Result<Self, Missing> {
        let functions = Functions {
            load_cond: table.load_cond.ok_or(Missing("load_cond"))?,
            ring_doorbell: table.ring_doorbell.ok_or(Missing("ring_doorbell"))?,
            stage_payload: table.stage_payload.ok_or(Missing("stage_payload"))?,
            slab_address: table.slab_address.ok_or(Missing("slab_address"))?,
            refresh: table.refresh.ok_or(Missing("refresh"))?,
            clean: table.clean.ok_or(Missing("clean"))?,
            can_read: table.can_read.ok_or(Missing("can_read"))?,
            load_u32: table.load_u32.ok_or(Missing("load_u32"))?,
            load_u64: table.load_u64.ok_or(Missing("load_u64"))?,
            store_u64: table.store_u64.ok_or(Missing("store_u64"))?,
            now: table.now.ok_or(Missing("now"))?,
            incarnation: table.incarnation,
        };
        Ok(Self {
            context: table.context,
            functions,
            watch,
        })
    }

    /// Who watches.
    pub const fn watch(&self) -> &W {
        &self.watch
    }

    #[inline]
    fn call<R>(
        &self,
        (function, core): (Function, Option<CoreId>),
        body: impl FnOnce(Context) -> R,
    ) -> R {
        let core = core.map(|core| core.0);
        watched(&self.watch, Call { function, core }, || body(self.context))
    }
}

impl<W: CallWatch> Port for TablePort<W> {
    #[inline]
    fn kernels_fail(&self) -> bool {
        true
    }

    fn load_cond(&self, core: CoreId) -> u32 {
        let function = self.functions.load_cond;
        // SAFETY: what `new` was promised.
        let load = |context| unsafe { function(context, core.0.into()) };
        self.call((Function::LoadCond, Some(core)), load)
    }

    fn ring_doorbell(&self, core: CoreId, token: Token) {
        let function = self.functions.ring_doorbell;
        // SAFETY: what `new` was promised.
        let ring = |context| unsafe { function(context, core.0.into(), token.bits()) };
        self.call((Function::RingDoorbell, Some(core)), ring);
    }

    fn stage_payload(&self, core: CoreId, token: Token, launch: &Launch) {
        let (function, launch) = (self.functions.stage_payload, finbox_launch::from(launch));
        let launch = &raw const launch;
        // SAFETY: what `new` was promised; the launch lives until the function returns.
        let stage = |context| unsafe { function(context, core.0.into(), token.bits(), launch) };
        self.call((Function::StagePayload, Some(core)), stage);
    }

    fn slab_address(&self, core: CoreId, parity: usize) -> u64 {
        let function = self.functions.slab_address;
        let parity = u32::from(parity != 0);
        // SAFETY: what `new` was promised.
        let address = |context| unsafe { function(context, core.0.into(), parity) };
        self.call((Function::SlabAddress, Some(core)), address)
    }

    fn refresh(&self, addr: u64, size_bytes: u64) {
        let function = self.functions.refresh;
        // SAFETY: what `new` was promised.
        let refresh = |context| unsafe { function(context, addr, size_bytes) };
        self.call((Function::Refresh, None), refresh);
    }

    fn clean(&self, addr: u64, size_bytes: u64) {
        let function = self.functions.clean;
        // SAFETY: what `new` was promised.
        let clean = |context| unsafe { function(context, addr, size_bytes) };
        self.call((Function::Clean, None), clean);
    }

    fn can_read(&self, addr: u64, size_bytes: u64) -> bool {
        let function = self.functions.can_read;
        // SAFETY: what `new` was promised.
        let can_read = |context| unsafe { function(context, addr, size_bytes) };
        self.call((Function::CanRead, None), can_read) != 0
    }

    fn load_u32(&self, addr: u64) -> u32 {
        let function = self.functions.load_u32;
        // SAFETY: what `new` was promised; readable, by the port's own contract.
        let load = |context| unsafe { function(context, addr) };
        self.call((Function::LoadU32, None), load)
    }

    fn load_u64(&self, addr: u64) -> u64 {
        let function = self.functions.load_u64;
        // SAFETY: what `new` was promised; readable, by the port's own contract.
        let load = |context| unsafe { function(context, addr) };
        self.call((Function::LoadU64, None), load)
    }

    fn store_u64(&self, addr: u64, value: u64) {
        let function = self.functions.store_u64;
        // SAFETY: what `new` was promised; in a slab, by the port's own contract.
        let store = |context| unsafe { function(context, addr, value) };
        self.call((Function::StoreU64, None), store);
    }

    fn incarnation(&self) -> u32 {
        let Some(function) = self.functions.incarnation else {
            return 0;
        };
        // SAFETY: what `new` was promised.
        let incarnation = |context| unsafe { function(context) };
        self.call((Function::Incarnation, None), incarnation)
    }

    fn now(&self) -> u64 {
        let function = self.functions.now;
        // SAFETY: what `new` was promised.
        let now = |context| unsafe { function(context) };
        self.call((Function::Now, None), now)
    }
}
