//! What checks have in common: the machine without its type, tokens, memory, and waiting.
//!
//! A [`Rig`] lives as long as a run of the suite. It keeps to the protocol as the scheduler does:
//! the slab is cleared and cleaned before a doorbell, a second token is rung when the first was
//! taken, tokens of a core are consecutive.

use std::time::{Duration, Instant};

use finbox_abi::{finbox_op, finbox_op_kind};
use finbox_scheduler::{CoreId, Port};

use super::tokens::Lane;
use super::{Check, Limits};
use crate::machine::{Events, Machine, MachineError, MachineFacts};
use crate::wait::{StopFlag, Waited, Watch};

/// Bytes of a line.
pub(super) const LINE_BYTES: usize = 64;
pub(super) const LINE: u64 = LINE_BYTES as u64;
/// Least memory of a rank that the checks get along with.
const LEAST_MEMORY: u64 = 256 << 10;

/// Why a check ended early.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    /// The machine is wrong: a sentence.
    Fail(String),
    /// It cannot be asked: a reason.
    Skip(String),
}

/// What a check comes to.
pub(super) type Judged<T = ()> = Result<T, Stop>;

/// Ends a check with a sentence unless something holds.
macro_rules! demand {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err($crate::conformance::rig::Stop::Fail(format!($($text)+)));
        }
    };
}
pub(super) use demand;

/// A [`Machine`], whichever.
pub(super) trait AnyMachine: Sync {
    fn facts(&self) -> MachineFacts;
    fn port(&self, rank: u32) -> Box<dyn Port + Send + '_>;
    fn allocate(&self, rank: u32, size_bytes: u64, align: u64) -> Result<u64, MachineError>;
    fn release(&self, rank: u32, address: u64) -> Result<(), MachineError>;
    fn copy_in(&self, address: u64, bytes: &[u8]) -> Result<(), MachineError>;
    fn copy_out(&self, bytes: &mut [u8], address: u64) -> Result<(), MachineError>;
    fn load_kernel(&self, rank: u32, ops: &[finbox_op]) -> Result<u64, MachineError>;
    fn events(&self) -> Option<&dyn Events>;
    fn turn(&self);
}

impl<M: Machine> AnyMachine for M {
    fn facts(&self) -> MachineFacts {
        Machine::facts(self)
    }

    fn port(&self, rank: u32) -> Box<dyn Port + Send + '_> {
        Box::new(Machine::port(self, rank))
    }

    fn allocate(&self, rank: u32, size_bytes: u64, align: u64) -> Result<u64, MachineError> {
        Machine::allocate(self, rank, size_bytes, align)
    }

    fn release(&self, rank: u32, address: u64) -> Result<(), MachineError> {
        Machine::release(self, rank, address)
    }

    fn copy_in(&self, address: u64, bytes: &[u8]) -> Result<(), MachineError> {
        Machine::copy_in(self, address, bytes)
    }

    fn copy_out(&self, bytes: &mut [u8], address: u64) -> Result<(), MachineError> {
        Machine::copy_out(self, bytes, address)
    }

    fn load_kernel(&self, rank: u32, ops: &[finbox_op]) -> Result<u64, MachineError> {
        Machine::load_kernel(self, rank, ops)
    }

    fn events(&self) -> Option<&dyn Events> {
        Machine::events(self)
    }

    fn turn(&self) {
        Machine::turn(self);
    }
}

/// A run of the suite.
pub(super) struct Rig<'m> {
    pub(super) machine: &'m dyn AnyMachine,
    pub(super) facts: MachineFacts,
    pub(super) limits: Limits,
    /// One of each rank, once the facts were found right.
    ports: Vec<Box<dyn Port + Send + 'm>>,
    stop: StopFlag,
    /// The check that runs, and since when.
    pub(super) check: &'static str,
    began: Instant,
    /// What it allocated: rank, address.
    held: Vec<(u32, u64)>,
    /// What is known of each core, by rank.
    pub(super) state: Vec<Vec<Lane>>,
    /// Transfers posted so far, by rank and queue.
    pub(super) posted: Vec<Vec<u64>>,
}

impl<'m> Rig<'m> {
    pub(super) fn new(machine: &'m impl Machine, limits: Limits) -> Self {
        Self {
            facts: machine.facts(),
            machine,
            limits,
            ports: Vec::new(),
            stop: StopFlag::default(),
            check: "",
            began: Instant::now(),
            held: Vec::new(),
            state: Vec::new(),
            posted: Vec::new(),
        }
    }

    /// Runs one check, and gives back what it allocated.
    pub(super) fn judge(&mut self, check: &'static Check) -> Judged {
        (self.check, self.began) = (check.name, Instant::now());
        let is_first = self.check == super::checks::FIRST;
        if self.ports.is_empty() && !is_first {
            let reason = format!(
                "the machine's facts are wrong: see `{}`",
                super::checks::FIRST
            );
            return Err(Stop::Skip(reason));
        }
        let judged = (check.judge)(self);
        let busy = self.state.iter_mut().flatten().filter(|lane| lane.is_busy);
        busy.for_each(|lane| (lane.is_busy, lane.lost) = (false, Some(check.name)));
        let held = self.held.split_off(0);
        let released = held
            .into_iter()
            .map(|(rank, address)| self.give_back(rank, address));
        let released: Vec<Judged> = released.collect();
        judged.and(released.into_iter().collect())
    }

    /// Makes the ports: the facts are right.
    pub(super) fn connect(&mut self) {
        let (ranks, lanes) = (self.ranks(), self.lanes().count());
        self.state = ranks.clone().map(|_| vec![Lane::FRESH; lanes]).collect();
        let queues = self.facts.dma_queues as usize;
        self.posted = ranks.clone().map(|_| vec![0; queues]).collect();
        self.ports = ranks.map(|rank| self.machine.port(rank)).collect();
    }

    /// The port of `rank`.
    pub(super) fn port(&self, rank: u32) -> &(dyn Port + Send + 'm) {
        &*self.ports[rank as usize]
    }

    /// All ranks.
    pub(super) fn ranks(&self) -> std::ops::Range<u32> {
        0..self.facts.ranks
    }

    /// All cores of a rank and its host lanes.
    pub(super) fn lanes(&self) -> impl Iterator<Item = CoreId> + use<> {
        (0..self.facts.cores + self.facts.host_lanes).map(CoreId)
    }

    /// The rank at the right of `rank`; itself if it is alone.
    pub(super) fn neighbour(&self, rank: u32) -> u32 {
        (rank + 1) % self.facts.ranks
    }

    /// Skips the check unless the machine announced `kinds`.
    pub(super) fn needs(&self, kinds: &[finbox_op_kind]) -> Judged {
        match kinds
            .iter()
            .find(|kind| self.facts.operations & kind.bit() == 0)
        {
            None => Ok(()),
            Some(kind) => Err(Stop::Skip(format!(
                "its `operations` do not name `{}`",
                kind.name()
            ))),
        }
    }

    /// The rounds of a check: as many as the limits say, fewer if its time is half over before.
    pub(super) fn rounds(&self) -> impl Iterator<Item = u32> + use<> {
        let (until, least) = (self.began + self.limits.deadline / 2, 4);
        (0..self.limits.rounds.max(least))
            .take_while(move |&round| round < least || Instant::now() < until)
    }

    /// What is left of the check's time.
    pub(super) fn time_left(&self) -> Duration {
        self.limits.deadline.saturating_sub(self.began.elapsed())
    }

    /// Waits until `look` gives something, and lets the machine move on meanwhile.
    ///
    /// # Errors
    /// [`Stop::Fail`] with what was waited for, when the check's time is over.
    pub(super) fn wait_for<T>(
        &self,
        what: impl FnOnce() -> String,
        mut look: impl FnMut() -> Option<T>,
    ) -> Judged<T> {
        let deadline = self.limits.deadline;
        let watch = Watch {
            stop: &self.stop,
            patience: self.time_left(),
        };
        let mut turns = 0_u32;
        let waited = watch.wait_for(|| {
            // More of them the longer it takes: a machine that moves in turns needs many.
            turns = (turns + 1).min(256);
            let found = (0..turns).find_map(|_| {
                self.machine.turn();
                look()
            });
            (found, 0)
        });
        match waited {
            Waited::Done(found) => Ok(found),
            Waited::NoProgress | Waited::Stopped => Err(Stop::Fail(format!(
                "waited in vain for {}; the check had {deadline:?}",
                what()
            ))),
        }
    }

    /// Zeroed memory of `rank` on a line, which is released when the check ends.
    pub(super) fn memory(&mut self, rank: u32, size_bytes: u64) -> Judged<u64> {
        self.memory_at(rank, size_bytes, LINE)
    }

    /// Zeroed memory of `rank` at a multiple of `align`, which is released when the check ends.
    pub(super) fn memory_at(&mut self, rank: u32, size_bytes: u64, align: u64) -> Judged<u64> {
        let memory = self.facts.memory_bytes;
        if memory < LEAST_MEMORY {
            let reason = format!("{memory} bytes of memory a rank; it needs {LEAST_MEMORY}");
            return Err(Stop::Skip(reason));
        }
        match self.machine.allocate(rank, size_bytes, align) {
            Ok(address) => {
                self.held.push((rank, address));
                Ok(address)
            }
            Err(error) => Err(Stop::Fail(format!(
                "`allocate` refused {size_bytes} bytes at a multiple of {align} on rank {rank}, \
                 which has {memory} bytes: {error}"
            ))),
        }
    }

    /// Releases what [`memory`](Self::memory) gave.
    pub(super) fn give_back(&mut self, rank: u32, address: u64) -> Judged {
        self.held.retain(|&one| one != (rank, address));
        self.machine.release(rank, address).map_err(|error| {
            let what = format!("`release` of {address:#x}, which `allocate` of rank {rank} had");
            Stop::Fail(format!("{what} given out, was refused: {error}"))
        })
    }

    /// As [`memory`](Self::memory), with `bytes` in it.
    pub(super) fn memory_with(&mut self, rank: u32, bytes: &[u8]) -> Judged<u64> {
        let address = self.memory(rank, bytes.len() as u64)?;
        self.put(address, bytes)?;
        Ok(address)
    }

    /// `copy_in`.
    pub(super) fn put(&self, address: u64, bytes: &[u8]) -> Judged {
        let put = self.machine.copy_in(address, bytes);
        put.map_err(|error| {
            let count = bytes.len();
            Stop::Fail(format!(
                "`copy_in` of {count} bytes to {address:#x} was refused: {error}"
            ))
        })
    }

    /// `copy_out`.
    pub(super) fn get(&self, address: u64, count: usize) -> Judged<Vec<u8>> {
        // Nothing that a machine forgets to write is taken for what it wrote.
        let mut bytes = vec![0xA7; count];
        match self.machine.copy_out(&mut bytes, address) {
            Ok(()) => Ok(bytes),
            Err(error) => Err(Stop::Fail(format!(
                "`copy_out` of {count} bytes from {address:#x} was refused: {error}"
            ))),
        }
    }

    /// The word at `address`, as `rank`'s control CPU sees it behind a refresh.
    pub(super) fn sees(&self, rank: u32, address: u64) -> u32 {
        let port = self.port(rank);
        port.refresh(address, 4);
        port.load_u32(address)
    }

    /// The 64-bit word at `address`, as `rank`'s control CPU sees it behind a refresh.
    pub(super) fn sees_u64(&self, rank: u32, address: u64) -> u64 {
        let port = self.port(rank);
        port.refresh(address, 8);
        port.load_u64(address)
    }
}
