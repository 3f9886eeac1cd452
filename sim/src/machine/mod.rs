//! Simulated chips as a [`Machine`]: kernels of whoever asks, memory that is given out, real time.
//!
//! The same cores, registers, memory with its stale lines, engines and interpreter as in the
//! worlds, without plans and without a judge: a [`SimMachine`] runs the kernels that it is given,
//! stepped by threads of its own by the wall clock. Guarantees: nothing that it is asked for makes
//! it panic; what it refuses changes nothing; its threads end with it. Refuses what the contract of
//! [`finbox_abi`] says, with a sentence. Called by the device library in `sim/device` and by the
//! conformance suite.
//!
//! | file | concept |
//! | --- | --- |
//! | `wanted` | what a machine is to be, and what it becomes |
//! | `heap` | which memory was given out |
//! | `translate` | from the operations of a kernel to those of the simulator |
//! | `chips` | shared state, and the threads that step cores |
//! | `refusal` | why something was refused |

mod chips;
mod heap;
mod refusal;
#[cfg(test)]
mod tests;
mod translate;
mod wanted;

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use finbox_abi::{finbox_op, finbox_op_kind};
use finbox_runtime::{Machine, MachineError, MachineFacts};
use finbox_scheduler::Target;

use self::chips::{Chips, Kernel};
use self::refusal::Why;
use self::translate::{Ground, check};
pub use self::wanted::Wanted;
use crate::device::{Device, Meter, SimPort, rank_at};

/// How much of an answer or of zeros is moved at once.
const CHUNK_BYTES: usize = 1 << 16;

/// Simulated chips, one a rank, stepped by threads of their own.
#[derive(Debug)]
pub struct SimMachine {
    chips: Arc<Chips>,
    threads: Vec<JoinHandle<()>>,
}

impl SimMachine {
    /// Most operations of a kernel.
    pub const MOST_OPERATIONS: usize = 1 << 16;

    /// The number of `target`'s chip family in the contract.
    pub fn family(target: &Target) -> u32 {
        wanted::family(target)
    }

    /// Refuses a rank that is not there.
    ///
    /// # Errors
    /// It is not.
    pub fn check_rank(&self, rank: u32) -> Result<(), MachineError> {
        let device = self.device(rank);
        device.map(|_| ()).map_err(|why| why.when("port"))
    }

    /// A machine as `wanted`, at work.
    ///
    /// # Errors
    /// What cannot be as wanted, or the operating system's, if a thread could not be started.
    pub fn open(wanted: &Wanted<'_>) -> Result<Self, MachineError> {
        let refused = |why: Why| why.when("open");
        let plan = wanted.plan().map_err(refused)?;
        let meter = Meter::wall_time(Instant::now());
        // From here on whatever was started is ended by the drop.
        let mut machine = Self {
            chips: Arc::new(Chips::new(&plan, meter)),
            threads: Vec::new(),
        };
        for index in 0..machine.chips.threads() {
            let chips = Arc::clone(&machine.chips);
            let named = thread::Builder::new().name(format!("finbox-chips-{index}"));
            let thread = named.spawn(move || chips.step(index));
            let thread = thread.map_err(|error| refused(Why::Thread(error.to_string())))?;
            machine.threads.push(thread);
        }
        Ok(machine)
    }

    /// The chip of `rank`.
    fn device(&self, rank: u32) -> Result<&Device, Why> {
        let ranks = self.chips.facts.ranks;
        let device = self.chips.devices.get(rank as usize);
        device.ok_or(Why::Rank { rank, ranks })
    }

    fn try_allocate(&self, rank: u32, size_bytes: u64, align: u64) -> Result<u64, Why> {
        let device = self.device(rank)?;
        if size_bytes == 0 {
            return Err(Why::Nothing);
        }
        if !align.is_power_of_two() {
            return Err(Why::Alignment(align));
        }
        let mut heap = self.chips.heaps[rank as usize].lock();
        let address = heap.allocate(size_bytes, align).ok_or(Why::NoRoom {
            rank,
            size_bytes,
            align,
        })?;
        let (zeros, mut at) = ([0; CHUNK_BYTES], address);
        while at < address + size_bytes {
            let rest = usize::try_from(address + size_bytes - at).unwrap_or(CHUNK_BYTES);
            let now = &zeros[..rest.min(CHUNK_BYTES)];
            device.dram().write_bytes(at, now);
            at += now.len() as u64;
        }
        Ok(address)
    }

    fn try_release(&self, rank: u32, address: u64) -> Result<(), Why> {
        self.device(rank)?;
        let is_back = self.chips.heaps[rank as usize].lock().release(address);
        let why = Why::NotGiven { rank, address };
        is_back.then_some(()).ok_or(why)
    }

    /// The chip that gave out all of these bytes.
    fn holder(&self, address: u64, count: usize) -> Result<&Device, Why> {
        let size_bytes = count as u64;
        if self.chips.has(address, size_bytes) {
            return self.device(rank_at(address));
        }
        Err(Why::Outside {
            address,
            size_bytes,
        })
    }

    fn try_load(&self, rank: u32, ops: &[finbox_op]) -> Result<u64, Why> {
        self.device(rank)?;
        if ops.len() > Self::MOST_OPERATIONS {
            return Err(Why::Long(ops.len()));
        }
        check(ops, rank, &*self.chips).map_err(|(nth, wrong)| Why::Operation {
            nth,
            kind: name_of(ops[nth].kind),
            wrong,
        })?;
        let ops = ops.into();
        let mut kernels = self.chips.kernels.lock();
        kernels.push(Arc::new(Kernel { rank, ops }));
        Ok(kernels.len() as u64)
    }
}

/// What a kind is called.
fn name_of(kind: u32) -> String {
    finbox_op_kind::of(kind).map_or_else(|| format!("kind {kind}"), |kind| kind.name().to_owned())
}

impl Drop for SimMachine {
    fn drop(&mut self) {
        self.chips.stop();
        for thread in self.threads.drain(..) {
            // One that panicked has said so, and has nothing more to lose.
            let _ended = thread.join();
        }
    }
}

impl Machine for SimMachine {
    type Port<'m> = SimPort<'m>;

    fn facts(&self) -> MachineFacts {
        self.chips.facts
    }

    /// # Panics
    /// If there is no such rank.
    fn port(&self, rank: u32) -> SimPort<'_> {
        let device = &self.chips.devices[rank as usize];
        SimPort::new(device, &self.chips.meter).with_bell(self.chips.bell(rank))
    }

    fn allocate(&self, rank: u32, size_bytes: u64, align: u64) -> Result<u64, MachineError> {
        self.try_allocate(rank, size_bytes, align)
            .map_err(|why| why.when("allocate"))
    }

    fn release(&self, rank: u32, address: u64) -> Result<(), MachineError> {
        self.try_release(rank, address)
            .map_err(|why| why.when("release"))
    }

    fn copy_in(&self, address: u64, bytes: &[u8]) -> Result<(), MachineError> {
        let holder = self.holder(address, bytes.len());
        let holder = holder.map_err(|why| why.when("copy_in"))?;
        holder.dram().write_bytes(address, bytes);
        Ok(())
    }

    fn copy_out(&self, bytes: &mut [u8], address: u64) -> Result<(), MachineError> {
        let holder = self.holder(address, bytes.len());
        let holder = holder.map_err(|why| why.when("copy_out"))?;
        holder.dram().read_bytes(address, bytes);
        Ok(())
    }

    fn load_kernel(&self, rank: u32, ops: &[finbox_op]) -> Result<u64, MachineError> {
        self.try_load(rank, ops)
            .map_err(|why| why.when("load_kernel"))
    }
}
