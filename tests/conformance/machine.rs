//! The tests' model as a [`Machine`]: several [`ModelPort`]s, memory that is given out, kernels.
//!
//! It moves in turns: each turn every core does one operation of its kernel, and every DMA queue
//! one half of a transfer. So whatever comes in the wrong order is seen in the wrong order. A
//! [`Bug`] can be planted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, ThreadId};

use finbox_abi::{finbox_op, finbox_op_kind};
use finbox_runtime::{Events, Machine, MachineError, MachineFacts};
use finbox_scheduler::{Chip, CoreId, Launch, Port, SLAB_BYTES, Target, Token};
use finbox_tests::model_port::{BASE, Lines, ModelPort};

use crate::bug::Bug;
use crate::events::Event;
use crate::interpreter::{Core, Queue};

/// Memory of a rank.
pub(crate) const MEMORY: u64 = 1 << 20;
/// DMA queues of a rank.
pub(crate) const QUEUES: u32 = 2;
/// How far apart two ranks' memories are.
const STRIDE: u64 = 1 << 32;
const LINE: u64 = 64;

/// The machine.
#[derive(Debug)]
pub(crate) struct ModelMachine {
    facts: MachineFacts,
    pub(crate) ports: Vec<ModelPort>,
    pub(crate) bug: Option<Bug>,
    opener: ThreadId,
    /// How often time, or what it is, was asked.
    asked: AtomicU64,
    /// A thread steps it; turns do nothing.
    moves: bool,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Address and size of what is given out, by rank.
    given: Vec<BTreeMap<u64, u64>>,
    /// Behind what was given out last, by rank.
    top: Vec<u64>,
    /// Kernels of each rank.
    pub(crate) kernels: Vec<Vec<Arc<[finbox_op]>>>,
    /// By rank and core.
    pub(crate) cores: Vec<Vec<Core>>,
    /// By rank and queue.
    pub(crate) queues: Vec<Vec<Queue>>,
    /// Events, closed ones too.
    pub(crate) events: Vec<Event>,
    /// What LATER adds to, and when.
    pub(crate) later: Vec<(u64, u64)>,
    /// What was staged last, for whoever has one place only.
    pub(crate) staged: BTreeMap<(u32, u16), Launch>,
    /// Slabs written.
    pub(crate) slabs: u64,
    /// Time.
    pub(crate) now: u64,
}

pub(crate) fn refuse<T>(doing: &'static str, text: String) -> Result<T, MachineError> {
    let code = 22;
    Err(MachineError { doing, code, text })
}

impl ModelMachine {
    /// `ranks` chips of `cores` cores and a host lane.
    pub(crate) fn new(target: &'static Target, ranks: u32, cores: u16) -> Self {
        let host_lanes = 1;
        let chip = Chip {
            cores,
            host_lanes,
            ..Chip::whole(target)
        };
        let lines = usize::try_from(MEMORY / LINE).expect("1 MiB") + QUEUES as usize + 1;
        let port = |rank: u32| {
            let base = BASE + u64::from(rank) * STRIDE;
            ModelPort::at(base, &chip, Lines::of(&chip), lines)
        };
        let ports: Vec<ModelPort> = (0..ranks).map(port).collect();
        let each = || ports.iter();
        let cells = |port: &ModelPort| port.counter(0);
        let state = State {
            given: each().map(|_| BTreeMap::new()).collect(),
            top: each().map(cells).collect(),
            kernels: each().map(|_| Vec::new()).collect(),
            cores: each()
                .map(|_| chip.all().map(|_| Core::default()).collect())
                .collect(),
            queues: each()
                .map(|_| (0..QUEUES).map(|_| Queue::default()).collect())
                .collect(),
            ..State::default()
        };
        let facts = MachineFacts {
            target,
            ranks,
            cores,
            host_lanes,
            dma_queues: QUEUES,
            is_coherent: target.coherent_dma,
            memory_bytes: MEMORY,
            operations: (1 << finbox_op_kind::ALL.len()) - 1,
        };
        Self {
            facts,
            ports,
            bug: None,
            opener: thread::current().id(),
            asked: AtomicU64::new(0),
            moves: false,
            state: Mutex::new(state),
        }
    }

    /// It is to move by itself.
    pub(crate) fn by_itself(mut self) -> Self {
        self.moves = true;
        self
    }

    /// Steps it on a thread of its own while `body` runs.
    pub(crate) fn while_it_moves<R>(&self, body: impl FnOnce() -> R) -> R {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let end = EndOnDrop(&is_over);
            scope.spawn(|| {
                while !is_over.load(SeqCst) {
                    self.step();
                    thread::yield_now();
                }
            });
            let result = body();
            drop(end);
            result
        })
    }

    /// With other facts than it has.
    pub(crate) fn claiming(mut self, claim: impl FnOnce(&mut MachineFacts)) -> Self {
        claim(&mut self.facts);
        self
    }

    /// With `bug` in it.
    pub(crate) fn with(mut self, bug: Bug) -> Self {
        self.bug = Some(bug);
        if bug == Bug::CondZero {
            for port in &self.ports {
                (0..self.lanes()).for_each(|core| port.set_cond(CoreId(core), 0));
            }
        }
        self
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    pub(crate) const fn lanes(&self) -> u16 {
        self.facts.cores + self.facts.host_lanes
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    /// Where a DMA queue's record stands.
    pub(crate) fn record(&self, rank: usize, queue: usize) -> u64 {
        let lines = usize::try_from(MEMORY / LINE).expect("1 MiB");
        self.ports[rank].counter(lines + queue)
    }

    /// The slab of a core.
    pub(crate) fn slab(&self, rank: usize, core: CoreId, parity: usize) -> u64 {
        let port = &self.ports[rank];
        let right = port.slab_address(core, parity);
        let index = core.index() as u64 * 2 + parity as u64;
        match self.bug {
            Some(Bug::OneSlab) => port.slab_address(core, 0),
            Some(Bug::SlabInMemory) => port.counter(0) + index * SLAB_BYTES.next_multiple_of(LINE),
            Some(Bug::SlabsOverlap) => right - index / 2 * LINE,
            _ => right,
        }
    }

    /// Whose memory has `address`.
    pub(crate) fn home(&self, address: u64) -> &ModelPort {
        let mut ports = self.ports.iter();
        let holds = |port: &&ModelPort| (port.counter(0)..port.end()).contains(&address);
        ports.find(holds).expect("an address of some rank")
    }

    pub(crate) fn byte(&self, address: u64) -> u8 {
        let word = self.home(address).peek_u32(address & !3);
        word.to_le_bytes()[(address & 3) as usize]
    }

    pub(crate) fn set_byte(&self, address: u64, value: u8) {
        let home = self.home(address);
        let mut word = home.peek_u32(address & !3).to_le_bytes();
        word[(address & 3) as usize] = value;
        home.poke_u32(address & !3, u32::from_le_bytes(word));
    }

    pub(crate) fn word(&self, address: u64) -> u32 {
        self.home(address).peek_u32(address)
    }

    pub(crate) fn set_word(&self, address: u64, value: u32) {
        self.home(address).poke_u32(address, value);
    }

    pub(crate) fn is_given(state: &State, address: u64, size: u64) -> bool {
        let within = |(&at, &bytes): (&u64, &u64)| {
            address >= at
                && address
                    .checked_add(size)
                    .is_some_and(|end| end <= at + bytes)
        };
        let mut ranks = state.given.iter();
        ranks.any(|given| given.range(..=address).next_back().is_some_and(within))
    }

    fn check_op(&self, state: &State, one: &finbox_op) -> Result<(), String> {
        let kind = finbox_op_kind::of(one.kind).ok_or(format!("kind {}", one.kind))?;
        if self.facts.operations & kind.bit() == 0 {
            return Err(format!("no `{}`", kind.name()));
        }
        use finbox_op_kind as Kind;
        let (reads, writes, counter) = match kind {
            Kind::Busy | Kind::AwaitPost => (0, 0, None),
            Kind::Copy | Kind::Post => (one.count, one.count, None),
            Kind::FillU32 => (0, one.count * 4, None),
            Kind::FillPattern => (0, one.count, None),
            Kind::AddU32 | Kind::AccumulateU32 | Kind::AddF32 | Kind::ScaleF32 => {
                (one.count * 4, one.count * 4, None)
            }
            Kind::AddCounterF32 => (one.count * 4, one.count * 4, Some(one.value)),
            Kind::Notify | Kind::Later => (0, 4, None),
            Kind::Await => (4, 0, None),
        };
        let ranges = [
            (one.from, reads),
            (one.to, writes),
            (counter.unwrap_or(0), 4),
        ];
        let used = [reads > 0, writes > 0, counter.is_some()];
        for ((address, size), is_used) in ranges.into_iter().zip(used) {
            if is_used && !Self::is_given(state, address, size) {
                return Err(format!("{size} bytes at {address:#x} were not given out"));
            }
        }
        let is_post = matches!(kind, Kind::Post | Kind::AwaitPost);
        match is_post && one.queue >= QUEUES {
            true => Err(format!("queue {}", one.queue)),
            false => Ok(()),
        }
    }

    /// Where there is room, first come first served.
    fn place(&self, state: &State, rank: usize, size: u64, align: u64) -> Option<u64> {
        let start = self.ports[rank].counter(0);
        let end = start + MEMORY;
        let mut at = start.next_multiple_of(align);
        if self.has(Bug::ForgetsReleased) {
            at = state.top[rank].next_multiple_of(align);
        } else {
            for (&from, &bytes) in &state.given[rank] {
                if at.checked_add(size)? <= from {
                    break;
                }
                let behind = match self.bug {
                    Some(Bug::SharesLines) => (from + bytes - 1) & !63,
                    _ => from + bytes,
                };
                at = at.max(behind.next_multiple_of(align));
            }
        }
        (at.checked_add(size)? <= end).then_some(at)
    }
}

impl Machine for ModelMachine {
    type Port<'m> = MachinePort<'m>;

    fn facts(&self) -> MachineFacts {
        let mut facts = self.facts;
        match self.bug {
            Some(Bug::LacksCopy) => facts.operations &= !finbox_op_kind::Copy.bit(),
            Some(Bug::FactsChange) => {
                facts.dma_queues += u32::from(self.asked.fetch_add(1, SeqCst) > 0);
            }
            _ => {}
        }
        facts
    }

    fn port(&self, rank: u32) -> MachinePort<'_> {
        MachinePort {
            machine: self,
            rank,
        }
    }

    fn allocate(&self, rank: u32, size_bytes: u64, align: u64) -> Result<u64, MachineError> {
        let (mut state, index) = (self.state(), rank as usize);
        let size = match self.has(Bug::GivesTooMuch) {
            true => size_bytes.min(MEMORY / 2),
            false => size_bytes,
        };
        let align = match self.has(Bug::AlignsToLines) {
            true => align.min(LINE),
            false => align,
        };
        let Some(at) = self.place(&state, index, size, align) else {
            return refuse(
                "allocate",
                format!("no room for {size_bytes} bytes on rank {rank}"),
            );
        };
        state.given[index].insert(at, size);
        state.top[index] = state.top[index].max(at + size);
        if !self.has(Bug::KeepsBytes) {
            (at..at + size).for_each(|address| self.set_byte(address, 0));
        }
        Ok(at)
    }

    fn release(&self, rank: u32, address: u64) -> Result<(), MachineError> {
        let gone = self.state().given[rank as usize].remove(&address);
        match (self.bug, gone) {
            (Some(Bug::RefusesRelease), _) => refuse("release", "not now".to_owned()),
            (Some(Bug::ReleasesAnything), _) | (_, Some(_)) => Ok(()),
            _ => refuse(
                "release",
                format!("{address:#x} of rank {rank} was not given out"),
            ),
        }
    }

    fn copy_in(&self, address: u64, bytes: &[u8]) -> Result<(), MachineError> {
        let _state = self.state();
        let count = match self.has(Bug::CopiesPairsIn) {
            true => bytes.len() & !1,
            false => bytes.len(),
        };
        for (at, &byte) in (address..).zip(&bytes[..count]) {
            self.set_byte(at, byte);
        }
        Ok(())
    }

    fn copy_out(&self, bytes: &mut [u8], address: u64) -> Result<(), MachineError> {
        let _state = self.state();
        let address = match self.has(Bug::CopiesWordsOut) {
            true => address & !3,
            false => address,
        };
        for (at, byte) in (address..).zip(bytes) {
            *byte = self.byte(at);
        }
        Ok(())
    }

    fn load_kernel(&self, rank: u32, ops: &[finbox_op]) -> Result<u64, MachineError> {
        let mut state = self.state();
        if !self.has(Bug::LoadsAnything) {
            let checked = ops.iter().try_for_each(|one| self.check_op(&state, one));
            checked.or_else(|text| refuse("load_kernel", text))?;
        }
        let mut ops = ops.to_vec();
        let notify = finbox_op_kind::Notify as u32;
        if let (Bug::NotifyFirst, Some(at)) = (
            self.bug.unwrap_or(Bug::LacksCopy),
            ops.iter().position(|one| one.kind == notify),
        ) {
            ops.swap(at, at.saturating_sub(1));
        }
        let kernels = &mut state.kernels[rank as usize];
        kernels.push(ops.into());
        Ok(kernels.len() as u64)
    }

    fn events(&self) -> Option<&dyn Events> {
        Some(self)
    }

    fn turn(&self) {
        if !self.moves {
            self.step();
        }
    }
}

/// Ends the thread that steps the machine, also by panic.
struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// A rank's chip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MachinePort<'m> {
    machine: &'m ModelMachine,
    rank: u32,
}

impl MachinePort<'_> {
    fn inner(&self) -> &ModelPort {
        &self.machine.ports[self.rank as usize]
    }
}

impl Port for MachinePort<'_> {
    fn load_cond(&self, core: CoreId) -> u32 {
        let is_stranger = thread::current().id() != self.machine.opener;
        match self.machine.has(Bug::OneThread) && is_stranger {
            true => Token::IDLE.bits(),
            false => self.inner().load_cond(core),
        }
    }

    fn ring_doorbell(&self, core: CoreId, token: Token) {
        self.inner().ring_doorbell(core, token);
    }

    fn stage_payload(&self, core: CoreId, token: Token, launch: &Launch) {
        let mut state = self.machine.state();
        state.staged.insert((self.rank, core.0), *launch);
        self.inner().stage_payload(core, token, launch);
    }

    fn slab_address(&self, core: CoreId, parity: usize) -> u64 {
        self.machine.slab(self.rank as usize, core, parity)
    }

    fn refresh(&self, addr: u64, size_bytes: u64) {
        if !self.machine.has(Bug::RefreshIdles) {
            self.inner().refresh(addr, size_bytes);
        }
    }

    fn clean(&self, addr: u64, size_bytes: u64) {
        self.inner().clean(addr, size_bytes);
    }

    fn can_read(&self, addr: u64, size_bytes: u64) -> bool {
        let port = self.inner();
        match self.machine.bug {
            Some(Bug::ReadsWrapped) => {
                addr >= port.counter(0) && addr.wrapping_add(size_bytes) <= port.end()
            }
            Some(Bug::ReadsNothing) => addr < port.counter(0),
            _ => port.can_read(addr, size_bytes),
        }
    }

    fn load_u32(&self, addr: u64) -> u32 {
        self.inner().load_u32(addr)
    }

    fn load_u64(&self, addr: u64) -> u64 {
        match self.machine.has(Bug::LoadsHalf) {
            true => self.inner().load_u32(addr).into(),
            false => self.inner().load_u64(addr),
        }
    }

    fn store_u64(&self, addr: u64, value: u64) {
        let is_far = (addr - self.inner().slab_address(CoreId(0), 0)) % SLAB_BYTES >= LINE;
        if !(self.machine.has(Bug::StoresFirstLine) && is_far) {
            self.inner().store_u64(addr, value);
        }
    }

    fn now(&self) -> u64 {
        let now = self.inner().now();
        match self.machine.bug {
            Some(Bug::TimeStands) => 1_000,
            Some(Bug::TimeGoesBack) if self.machine.asked.fetch_add(1, SeqCst) % 1000 == 999 => {
                now.saturating_sub(5)
            }
            _ => now,
        }
    }
}
