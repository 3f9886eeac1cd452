//! What a scheduler is placed with: its sizes, with a default for every one, and their ranges.

use core::ffi::c_void;

use finbox_abi::{Versioned, finbox_port, no_extension, not_null, read};
use finbox_scheduler::limits::{MAX_CORES, MAX_HANDLERS, MAX_RINGS, MAX_SCOPES};
use finbox_scheduler::{Chip, Config, ConfigError, Limits, Start};

use crate::edition::guard;
use crate::problem::Problem;
use crate::scheduler::plan::Plan;
use crate::status::finbox_status;
use crate::version::target_of;

/// What `finbox_scheduler_bytes` and `finbox_scheduler_place` want to know. 0 stands for the
/// default, where there is one.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_scheduler_args {
    /// `FINBOX_SCHEDULER_ARGS_SIZE`.
    pub struct_size: usize,
    /// Null: no extension exists yet.
    pub next: *const c_void,
    /// The memory, on a boundary of `FINBOX_SCHEDULER_ALIGN`; it may hold anything.
    pub memory: *mut c_void,
    /// How large it is: at least what `finbox_scheduler_bytes` says.
    pub size_bytes: usize,
    /// The chip's port. The table is copied; its functions and its context must outlive the
    /// scheduler.
    pub port: *const finbox_port,
    /// Output bytes of each ring, a multiple of 64; 0: tasks may have no output.
    pub heap_bytes: u64,
    /// Longest time in ns from a token's start to its FIN, where a task does not say; 0: for ever.
    pub run_ns: u64,
    /// Longest time in ns from a condition's arrival until it holds, where a task does not say; 0:
    /// for ever.
    pub wait_ns: u64,
    /// Longest time in ns that a claimed mailbox position may stay unpublished; 0: a second.
    pub gap_ns: u64,
    /// How long in ns nothing may move before a wait says STUCK, and a thread may stay in a
    /// callback before a stop does; 0: ten seconds. Firmware does not look at it.
    pub patience_ns: u64,
    /// The chip family: a `FINBOX_TARGET_*`; 0: the library's, if it was built for one.
    pub target: u32,
    /// Cubes and vectors in use, 1 to the chip's, which is the default.
    pub cores: u32,
    /// Host lanes behind them, 0 and more; 0 is none.
    pub host_lanes: u32,
    /// FIN handlers, 1 to 8; 0: the chip's usual number.
    pub handlers: u32,
    /// Rings, 1 to 4; 0: one.
    pub rings: u32,
    /// Tasks in flight at once in each ring, 1 to 2^24 in all; 0: 16384.
    pub task_slots: u32,
    /// Scopes open at once, 1 to 255; 0: 255.
    pub scopes: u32,
    /// Dependencies of unfinished tasks at once, up to 2^30; 0: 262144.
    pub edge_nodes: u32,
    /// Conditions stored or promised at once, 64 to 2^30; 0: 65536.
    pub condition_room: u32,
    /// URMA completion queues that conditions may name, up to 65536; 0: 64.
    pub urma_queues: u32,
    /// Messages in the mailbox at once, a power of two, 2 to 2^24; 0: 4096.
    pub mailbox_slots: u32,
    /// Epoch of the run: messages bear it, and tasks of another epoch are refused; 0: 1.
    pub epoch: u32,
    /// Items for persistent workers in the work ring at once, a power of two, 2 to 2^24; 0: no such
    /// ring, and tasks of the shape WORK are refused.
    pub work_slots: u32,
    /// Persistent workers at once, up to `FINBOX_MAX_WORKERS`.
    pub workers: u32,
}

// SAFETY: integers and pointers, without padding.
unsafe impl Versioned for finbox_scheduler_args {
    const NAME: &'static str = "finbox_scheduler_args";
    const MINIMUM: usize = 5 * size_of::<usize>() + 88;
}

/// `value`, or the default for 0, if it lies in its range.
pub(super) fn within<T: TryFrom<u32>>(
    what: &'static str,
    (value, default): (u32, u32),
    (least, most): (u32, usize),
) -> Result<T, Problem> {
    let value = if value == 0 { default } else { value };
    let range = ConfigError::Range {
        what,
        value: value.into(),
        least: least.into(),
        most: most as u64,
    };
    if value < least || value as usize > most {
        return Err(range.into());
    }
    T::try_from(value).map_err(|_| range.into())
}

fn or(value: u32, default: u32) -> u32 {
    if value == 0 { default } else { value }
}

const fn limit(ns: u64) -> Option<u64> {
    if ns == 0 { None } else { Some(ns) }
}

impl finbox_scheduler_args {
    /// The configuration, every field of it in its range.
    pub(super) fn config(&self) -> Result<Config, Problem> {
        let target = target_of(self.target)?;
        let usual = Config::of(target);
        let cores = usize::from(target.cores());
        let handlers = u32::from(target.fin_handlers);
        let all_lanes = MAX_CORES - cores;
        let chip = Chip {
            target,
            cores: within("cores", (self.cores, target.cores().into()), (1, cores))?,
            host_lanes: within("host lanes", (self.host_lanes, 0), (0, all_lanes))?,
            handlers: within("FIN handlers", (self.handlers, handlers), (1, MAX_HANDLERS))?,
        };
        let scopes = (self.scopes, u32::from(u8::MAX));
        let config = Config {
            chip,
            rings: within("rings", (self.rings, 1), (1, MAX_RINGS))?,
            task_slots: or(self.task_slots, usual.task_slots),
            heap_bytes: self.heap_bytes,
            scopes: within("scopes", scopes, (1, MAX_SCOPES))?,
            edge_nodes: or(self.edge_nodes, usual.edge_nodes),
            condition_room: or(self.condition_room, usual.condition_room),
            urma_queues: or(self.urma_queues, usual.urma_queues),
            mailbox_slots: or(self.mailbox_slots, usual.mailbox_slots),
            work_slots: self.work_slots,
            workers: self.workers,
            start: Start {
                limits: Limits {
                    run_ns: limit(self.run_ns),
                    wait_ns: limit(self.wait_ns),
                    gap_ns: limit(self.gap_ns),
                },
                ..Start::of_epoch(or(self.epoch, 1))
            },
        };
        match config.errors().next() {
            Some(error) => Err(error.into()),
            None => Ok(config),
        }
    }
}

/// What `args` points to, and the configuration that it asks for.
///
/// # Safety
/// `args` is null, misaligned, or points to what its size says.
pub(super) unsafe fn read_args(
    args: *const finbox_scheduler_args,
) -> Result<(finbox_scheduler_args, Config), Problem> {
    // SAFETY: handed on to the caller.
    let args = unsafe { read(args) }?;
    no_extension(args.next, finbox_scheduler_args::NAME)?;
    let config = args.config()?;
    Ok((args, config))
}

/// How many bytes of memory a scheduler of these sizes needs. Memory and port of `args` are not
/// looked at. Any thread.
///
/// # Safety
/// `args` points to what its size says, `bytes` to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_scheduler_bytes(
    args: *const finbox_scheduler_args,
    bytes: *mut usize,
) -> finbox_status {
    guard(|| {
        not_null(bytes, "bytes")?;
        // SAFETY: handed on to the caller.
        let (_, config) = unsafe { read_args(args) }?;
        let needed = Plan::of(&config).bytes();
        // SAFETY: writable by the caller's word.
        unsafe { bytes.write(needed) };
        Ok(())
    })
}
