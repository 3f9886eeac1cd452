//! A machine that a device library opened.
//!
//! Guarantees: what the library says of it was checked; all its ports have all their functions; it
//! is closed once, when no port of it is left. A library whose machine does not close stays
//! loaded, for something may still be running in it.

use std::ffi::c_void;
use std::fmt;
use std::mem;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use finbox_abi::{Function, finbox_machine, finbox_op, finbox_open_args, finbox_port, finbox_text};
use finbox_scheduler::Target;
use finbox_scheduler::limits::MAX_CORES;

use super::calls::CallTable;
use super::error::{LibraryError, WrongMachine};
use super::family;
use super::library::DeviceLibrary;
use super::port::{self, PluginPort};
use crate::machine::{Events, Machine, MachineError, MachineFacts};

/// Most ranks of a machine.
const MAX_RANKS: u64 = 64;

/// The code of a [`MachineError`] where the library said that all is well, and it is not.
pub(super) const BROKEN: i32 = -1;

/// `open` is not to run twice at once, and two libraries may be one file.
static OPENING: Mutex<()> = Mutex::new(());

/// What a machine is to be. 0, or `None`: as the library likes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Chip family.
    pub target: Option<&'static Target>,
    /// Ranks, 1 to 64.
    pub ranks: u32,
    /// Cores of a rank, cubes and vectors, at most the target's.
    pub cores: u16,
    /// DMA queues of a rank; there may be more.
    pub dma_queues: u32,
    /// Bytes of memory of a rank; there may be more.
    pub memory_bytes: u64,
    /// The library's own options, in its own words.
    pub options: String,
}

/// A machine behind a device library.
pub struct PluginMachine {
    facts: MachineFacts,
    ports: Vec<finbox_port>,
    opened: Opened,
}

// SAFETY: the library's functions may be called from any thread, and `open` is serialised here.
unsafe impl Send for PluginMachine {}
// SAFETY: as above.
unsafe impl Sync for PluginMachine {}

impl fmt::Debug for PluginMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginMachine")
            .field("facts", &self.facts)
            .field("library", &self.opened.library)
            .finish_non_exhaustive()
    }
}

/// A machine's context, to be closed.
struct Opened {
    library: DeviceLibrary,
    context: *mut c_void,
    is_closed: bool,
}

impl Opened {
    fn close(&mut self) -> Result<(), MachineError> {
        if mem::replace(&mut self.is_closed, true) {
            return Ok(());
        }
        let context = self.context;
        let closed = self.library.call(Function::Close, |library| {
            // SAFETY: of an open machine, whose ports are gone: they borrow it.
            unsafe { (library.close)(context) }
        });
        if closed.is_err() {
            // Something may still be running in there: never to be unloaded.
            mem::forget(self.library.clone());
        }
        closed
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            let path = self.library.path();
            tracing::error!(
                target: "finbox::device",
                library = %path.display(),
                "a machine was not closed: {error}"
            );
        }
    }
}

impl PluginMachine {
    /// Opens a machine.
    ///
    /// # Errors
    /// [`LibraryError`]: the library refuses, or what it opened cannot be.
    pub fn open(library: &DeviceLibrary, options: &OpenOptions) -> Result<Self, LibraryError> {
        let machine = open(library, options).map_err(|refusal| LibraryError::Open {
            path: library.path(),
            refusal,
        })?;
        let opened = Opened {
            library: library.clone(),
            context: machine.context,
            is_closed: false,
        };
        let unusable = |wrong| LibraryError::Machine {
            path: library.path(),
            wrong,
        };
        let operations = library.describe().operations;
        let facts = facts(&machine, options, operations).map_err(unusable)?;
        let ports = (0..facts.ranks).map(|rank| filled_in(&opened, rank));
        let ports = ports.collect::<Result<Vec<_>, _>>().map_err(unusable)?;
        Ok(Self {
            facts,
            ports,
            opened,
        })
    }

    /// Closes it, as dropping it does, and tells whether that went well.
    ///
    /// # Errors
    /// What the library says; the machine is gone all the same, and its library stays loaded.
    pub fn close(mut self) -> Result<(), MachineError> {
        self.opened.close()
    }

    /// The functions of a rank's port, as the library filled them in: valid while it is open.
    ///
    /// # Panics
    /// If there is no such rank.
    pub fn table(&self, rank: u32) -> &finbox_port {
        &self.ports[rank as usize]
    }

    /// What the library's functions are handed.
    pub(super) fn context(&self) -> *mut c_void {
        self.opened.context
    }

    /// Its library.
    pub fn library(&self) -> &DeviceLibrary {
        &self.opened.library
    }

    /// The calls that threads are in: what a [`Watchdog`](super::Watchdog) looks at. One table for
    /// all machines of a library.
    pub fn calls(&self) -> &CallTable {
        self.opened.library.calls()
    }
}

fn open(library: &DeviceLibrary, options: &OpenOptions) -> Result<finbox_machine, MachineError> {
    let args = finbox_open_args {
        struct_size: size_of::<finbox_open_args>(),
        next: ptr::null(),
        options: finbox_text::of(&options.options),
        target: options.target.map_or(0, family::number_of),
        ranks: options.ranks,
        cores: options.cores.into(),
        dma_queues: options.dma_queues,
        memory_bytes: options.memory_bytes,
    };
    let mut machine = finbox_machine {
        struct_size: size_of::<finbox_machine>(),
        context: ptr::null_mut(),
        target: 0,
        ranks: 0,
        cores: 0,
        host_lanes: 0,
        dma_queues: 0,
        is_coherent: 0,
        memory_bytes: 0,
    };
    let (args, at) = (&raw const args, &raw mut machine);
    let one = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    library.call(Function::Open, |library| {
        // SAFETY: both live until the call returns, and no other one is running.
        unsafe { (library.open)(args, at) }
    })?;
    drop(one);
    Ok(machine)
}

/// What the library says of a machine, where that can be.
fn facts(
    machine: &finbox_machine,
    options: &OpenOptions,
    operations: u64,
) -> Result<MachineFacts, WrongMachine> {
    let family = family::of_number(machine.target);
    let family = family.ok_or(WrongMachine::Family(machine.target))?;
    let target = family.target.ok_or(WrongMachine::NotBuilt(family.name))?;
    let most_cores = u64::from(target.cores());
    in_range("ranks", machine.ranks, 1, MAX_RANKS)?;
    let cores = in_range("cores", machine.cores, 1, most_cores)?;
    let host_lanes = in_range(
        "host lanes",
        machine.host_lanes,
        0,
        MAX_CORES as u64 - most_cores,
    )?;
    let is_coherent = machine.is_coherent != 0;
    if !is_coherent && target.coherent_dma {
        return Err(WrongMachine::Incoherent(target.name));
    }
    let wanted = options.target.map_or(0, family::number_of);
    as_asked("as its chip family", wanted.into(), machine.target.into())?;
    as_asked("ranks", options.ranks.into(), machine.ranks.into())?;
    as_asked("cores", options.cores.into(), machine.cores.into())?;
    let (asked, found) = (options.dma_queues, machine.dma_queues);
    as_asked("DMA queues", asked.into(), found.min(asked).into())?;
    let (asked, found) = (options.memory_bytes, machine.memory_bytes);
    as_asked("bytes of memory a rank", asked, found.min(asked))?;
    Ok(MachineFacts {
        target,
        ranks: machine.ranks,
        cores,
        host_lanes,
        dma_queues: machine.dma_queues,
        is_coherent,
        memory_bytes: machine.memory_bytes,
        operations,
    })
}

/// A number between `least` and `most`.
fn in_range(what: &'static str, value: u32, least: u64, most: u64) -> Result<u16, WrongMachine> {
    let number = u16::try_from(value).ok();
    let number = number.filter(|number| (least..=most).contains(&u64::from(*number)));
    number.ok_or(WrongMachine::Range {
        what,
        value,
        least,
        most,
    })
}

/// Refuses `found` where something else was asked for.
fn as_asked(what: &'static str, asked: u64, found: u64) -> Result<(), WrongMachine> {
    if asked == 0 || asked == found {
        return Ok(());
    }
    Err(WrongMachine::NotAsAsked { what, asked, found })
}

/// The port of a rank, with all its functions.
fn filled_in(opened: &Opened, rank: u32) -> Result<finbox_port, WrongMachine> {
    let mut table = finbox_port {
        struct_size: size_of::<finbox_port>(),
        context: ptr::null_mut(),
        load_cond: None,
        ring_doorbell: None,
        stage_payload: None,
        slab_address: None,
        refresh: None,
        clean: None,
        can_read: None,
        load_u32: None,
        load_u64: None,
        store_u64: None,
        now: None,
        incarnation: None,
    };
    let (context, at) = (opened.context, &raw mut table);
    let filled = opened.library.call(Function::Port, |library| {
        // SAFETY: of an open machine and one of its ranks; the table lives until it returns.
        unsafe { (library.port)(context, rank, at) }
    });
    filled.map_err(|refusal| WrongMachine::NoPort { rank, refusal })?;
    // SAFETY: of an open machine; nothing is called here.
    let port = unsafe { port::over(&table, opened.library.calls()) };
    port.map_err(|missing| WrongMachine::NullFunction {
        rank,
        function: missing.0,
    })?;
    Ok(table)
}

impl Machine for PluginMachine {
    type Port<'m> = PluginPort<'m>;

    fn facts(&self) -> MachineFacts {
        self.facts
    }

    /// # Panics
    /// If there is no such rank.
    fn port(&self, rank: u32) -> PluginPort<'_> {
        let table = self.table(rank);
        // SAFETY: the machine stays open while the port borrows it.
        let port = unsafe { port::over(table, self.calls()) };
        port.expect("all functions were there when it was opened")
    }

    fn events(&self) -> Option<&dyn Events> {
        self.library().events().map(|_| self as &dyn Events)
    }

    fn allocate(&self, rank: u32, size_bytes: u64, align: u64) -> Result<u64, MachineError> {
        let (context, mut address) = (self.opened.context, 0);
        let at = &raw mut address;
        self.library().call(Function::Allocate, |library| {
            // SAFETY: of an open machine; the address has a place until the call returns.
            unsafe { (library.allocate)(context, rank, size_bytes, align, at) }
        })?;
        if address == 0 || !address.is_multiple_of(align) {
            return Err(MachineError {
                doing: Function::Allocate.name(),
                code: BROKEN,
                text: format!(
                    "the device library gave out address {address:#x} where a multiple of \
                     {align} that is not 0 was asked for; tell whoever made it"
                ),
            });
        }
        Ok(address)
    }

    fn release(&self, rank: u32, address: u64) -> Result<(), MachineError> {
        let context = self.opened.context;
        self.library().call(Function::Release, |library| {
            // SAFETY: of an open machine.
            unsafe { (library.release)(context, rank, address) }
        })
    }

    fn copy_in(&self, address: u64, bytes: &[u8]) -> Result<(), MachineError> {
        let (from, size) = (bytes.as_ptr().cast(), bytes.len() as u64);
        let context = self.opened.context;
        self.library().call(Function::CopyIn, |library| {
            // SAFETY: of an open machine; so many bytes can be read.
            unsafe { (library.copy_in)(context, address, from, size) }
        })
    }

    fn copy_out(&self, bytes: &mut [u8], address: u64) -> Result<(), MachineError> {
        let (to, size) = (bytes.as_mut_ptr().cast(), bytes.len() as u64);
        let context = self.opened.context;
        self.library().call(Function::CopyOut, |library| {
            // SAFETY: of an open machine; so many bytes can be written.
            unsafe { (library.copy_out)(context, to, address, size) }
        })
    }

    fn load_kernel(&self, rank: u32, ops: &[finbox_op]) -> Result<u64, MachineError> {
        let (context, mut kernel) = (self.opened.context, 0);
        let at = &raw mut kernel;
        let (first, count) = (ops.as_ptr(), ops.len());
        self.library().call(Function::LoadKernel, |library| {
            // SAFETY: of an open machine; so many operations can be read.
            unsafe { (library.load_kernel)(context, rank, first, count, at) }
        })?;
        Ok(kernel)
    }
}
