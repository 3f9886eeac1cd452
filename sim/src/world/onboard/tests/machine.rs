//! A machine in this process that does as it is told: a core runs its kernels when somebody reads
//! its COND, and can be told to keep silent, or not to come back.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::Instant;

use finbox_abi::{finbox_op, finbox_op_kind as Kind};
use finbox_runtime::{Machine, MachineError, MachineFacts};
use finbox_scheduler::{
    A5, CoreId, ENTRIES_OFFSET, ENTRY_BYTES, Launch, Port, SLAB_BYTES, SlotId, TaskId, Token,
};

use crate::workload::pattern;

const BASE: u64 = 0x77_0000_0000;
const FIN: u32 = 1 << 31;

/// What it is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) ranks: u32,
    pub(crate) host_lanes: u16,
    pub(crate) dma_queues: u32,
    pub(crate) operations: u64,
    /// The kernel, counted as it was loaded, whose FIN never comes.
    pub(crate) silent: Option<u64>,
    /// Reading COND of a core that has a token does not come back until the gate is opened.
    pub(crate) blocks: bool,
    /// No memory for data.
    pub(crate) is_full: bool,
}

impl Told {
    /// Everything, for two ranks.
    pub(crate) const ALL: Self = Self {
        ranks: 2,
        host_lanes: 1,
        dma_queues: 64,
        operations: u64::MAX,
        silent: None,
        blocks: false,
        is_full: false,
    };
}

struct Core {
    staged: [Launch; 2],
    rung: VecDeque<Token>,
    cond: u32,
    slabs: [u64; 2],
}

struct Rank {
    cores: Vec<Mutex<Core>>,
    /// A record for each DMA queue.
    records: Vec<u64>,
}

#[derive(Default)]
struct Memory {
    bytes: Vec<u8>,
    given: Vec<u64>,
}

impl Memory {
    fn take(&mut self, bytes: u64, align: u64) -> u64 {
        let at = (BASE + self.bytes.len() as u64).next_multiple_of(align);
        self.bytes.resize(index(at + bytes), 0);
        at
    }

    fn read(&self, at: u64, bytes: u64) -> Vec<u8> {
        self.bytes[index(at)..index(at + bytes)].to_vec()
    }

    fn write(&mut self, at: u64, bytes: &[u8]) {
        self.bytes[index(at)..][..bytes.len()].copy_from_slice(bytes);
    }

    fn u32(&self, at: u64) -> u32 {
        u32::from_le_bytes(self.read(at, 4).try_into().unwrap())
    }

    fn u64(&self, at: u64) -> u64 {
        u64::from_le_bytes(self.read(at, 8).try_into().unwrap())
    }

    fn each(&mut self, op: &finbox_op, value: impl Fn(u32, u32) -> u32) {
        for word in 0..op.count {
            let (from, to) = (op.from + word * 4, op.to + word * 4);
            let result = value(self.u32(from), self.u32(to));
            self.write(to, &result.to_le_bytes());
        }
    }
}

fn index(at: u64) -> usize {
    usize::try_from(at - BASE).unwrap()
}

/// The machine.
pub(crate) struct Toy {
    told: Told,
    began: Instant,
    memory: Mutex<Memory>,
    kernels: Mutex<Vec<Vec<finbox_op>>>,
    ranks: Vec<Rank>,
    is_open: Mutex<bool>,
    gate: Condvar,
}

impl Toy {
    pub(crate) fn new(told: Told) -> Self {
        let mut memory = Memory::default();
        let lanes = A5.cores() + told.host_lanes;
        let launch = Launch::single(SlotId::new(0, 0, 0), TaskId(0), 0, 0);
        let mut core = || {
            Mutex::new(Core {
                staged: [launch; 2],
                rung: VecDeque::new(),
                cond: Token::IDLE.bits(),
                slabs: [0, 1].map(|_| memory.take(SLAB_BYTES, 64)),
            })
        };
        let cores: Vec<Vec<_>> = (0..told.ranks)
            .map(|_| (0..lanes).map(|_| core()).collect())
            .collect();
        let rank = |cores| Rank {
            cores,
            records: (0..told.dma_queues).map(|_| memory.take(64, 64)).collect(),
        };
        Self {
            ranks: cores.into_iter().map(rank).collect(),
            told,
            began: Instant::now(),
            memory: Mutex::new(memory),
            kernels: Mutex::default(),
            is_open: Mutex::new(!told.blocks),
            gate: Condvar::new(),
        }
    }

    /// The kernels that were loaded.
    pub(crate) fn kernels(&self) -> Vec<Vec<finbox_op>> {
        self.kernels.lock().unwrap().clone()
    }

    /// How many pieces of memory are given out.
    pub(crate) fn given(&self) -> usize {
        self.memory.lock().unwrap().given.len()
    }

    /// Whether somebody waits at the gate, or would.
    pub(crate) fn is_shut(&self) -> bool {
        !*self.is_open.lock().unwrap()
    }

    /// Lets those go on that did not come back.
    pub(crate) fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.gate.notify_all();
    }

    fn run(&self, rank: &Rank, launch: &Launch, slab: u64) {
        let kernels = self.kernels.lock().unwrap();
        let ops = &kernels[usize::try_from(launch.kernel).unwrap()];
        let mut memory = self.memory.lock().unwrap();
        let mut posted = vec![0; rank.records.len()];
        for op in ops {
            let is_elsewhere = op.subtasks & u32::from(launch.subtask.bits()) == 0;
            if !launch.subtask.is_empty() && op.subtasks != 0 && is_elsewhere {
                continue;
            }
            let shift = u64::from(launch.block) * op.stride;
            let op = finbox_op {
                from: op.from + shift,
                to: op.to + shift,
                ..*op
            };
            step(&mut memory, &op, (&rank.records, &mut posted), slab);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "words stand in the low halves"
)]
fn step(memory: &mut Memory, op: &finbox_op, (records, posted): (&[u64], &mut [u64]), slab: u64) {
    let value = op.value as u32;
    let queue = op.queue as usize;
    match Kind::of(op.kind).unwrap() {
        Kind::Busy => {}
        Kind::Copy => {
            let bytes = memory.read(op.from, op.count);
            memory.write(op.to, &bytes);
        }
        Kind::FillU32 => memory.each(&finbox_op { from: op.to, ..*op }, |_, _| value),
        Kind::FillPattern => memory.write(op.to, &pattern(op.value, op.count)),
        Kind::AddU32 => memory.each(op, |from, _| from.wrapping_add(value)),
        Kind::AccumulateU32 => memory.each(op, u32::wrapping_add),
        Kind::AddF32 => add(memory, op, f32::from_bits(value)),
        Kind::ScaleF32 => {
            let by = f32::from_bits(value);
            memory.each(op, |from, _| (f32::from_bits(from) * by).to_bits());
        }
        Kind::AddCounterF32 => {
            let counter = u16::try_from(memory.u32(op.value)).unwrap();
            add(memory, op, f32::from(counter));
        }
        Kind::Notify => count(memory, op.to, value),
        Kind::Later => count(memory, op.to, 1),
        Kind::Await => register(memory, slab, [op.from, op.count, value.into(), 0]),
        Kind::Post => {
            let bytes = memory.read(op.from, op.count);
            memory.write(op.to, &bytes);
            posted[queue] = memory.u64(records[queue]) + 1;
            memory.write(records[queue], &posted[queue].to_le_bytes());
        }
        Kind::AwaitPost => register(memory, slab, [records[queue], posted[queue], 0, 1]),
    }
}

fn add(memory: &mut Memory, op: &finbox_op, add: f32) {
    memory.each(op, |from, _| (f32::from_bits(from) + add).to_bits());
}

fn count(memory: &mut Memory, at: u64, by: u32) {
    let sum = memory.u32(at).wrapping_add(by);
    memory.write(at, &sum.to_le_bytes());
}

fn register(memory: &mut Memory, slab: u64, words: [u64; 4]) {
    let at = slab + ENTRIES_OFFSET + u64::from(memory.u32(slab)) * ENTRY_BYTES;
    for (offset, word) in (0..).step_by(8).zip(words) {
        memory.write(at + offset, &word.to_le_bytes());
    }
    count(memory, slab, 1);
}

impl Machine for Toy {
    type Port<'m> = ToyPort<'m>;

    fn facts(&self) -> MachineFacts {
        MachineFacts {
            target: &A5,
            ranks: self.told.ranks,
            cores: A5.cores(),
            host_lanes: self.told.host_lanes,
            dma_queues: self.told.dma_queues,
            is_coherent: true,
            memory_bytes: 1 << 30,
            operations: self.told.operations,
        }
    }

    fn port(&self, rank: u32) -> ToyPort<'_> {
        let machine = self;
        ToyPort { machine, rank }
    }

    fn allocate(&self, _rank: u32, size_bytes: u64, align: u64) -> Result<u64, MachineError> {
        if self.told.is_full {
            return Err(MachineError {
                doing: "allocate",
                code: 7,
                text: "the toy is full".to_owned(),
            });
        }
        let mut memory = self.memory.lock().unwrap();
        let at = memory.take(size_bytes, align);
        memory.given.push(at);
        Ok(at)
    }

    fn release(&self, _rank: u32, address: u64) -> Result<(), MachineError> {
        let mut memory = self.memory.lock().unwrap();
        memory.given.retain(|&given| given != address);
        Ok(())
    }

    fn copy_in(&self, address: u64, bytes: &[u8]) -> Result<(), MachineError> {
        self.memory.lock().unwrap().write(address, bytes);
        Ok(())
    }

    fn copy_out(&self, bytes: &mut [u8], address: u64) -> Result<(), MachineError> {
        let copy = self
            .memory
            .lock()
            .unwrap()
            .read(address, bytes.len() as u64);
        bytes.copy_from_slice(&copy);
        Ok(())
    }

    fn load_kernel(&self, _rank: u32, ops: &[finbox_op]) -> Result<u64, MachineError> {
        let mut kernels = self.kernels.lock().unwrap();
        kernels.push(ops.to_vec());
        Ok(kernels.len() as u64 - 1)
    }
}

/// One rank of it.
pub(crate) struct ToyPort<'m> {
    machine: &'m Toy,
    rank: u32,
}

impl ToyPort<'_> {
    fn rank(&self) -> &Rank {
        &self.machine.ranks[self.rank as usize]
    }

    fn core(&self, core: CoreId) -> std::sync::MutexGuard<'_, Core> {
        self.rank().cores[core.index()].lock().unwrap()
    }
}

impl Port for ToyPort<'_> {
    fn load_cond(&self, core: CoreId) -> u32 {
        let told = &self.machine.told;
        let mut core = self.core(core);
        if let Some(token) = core.rung.pop_front() {
            let mut is_open = self.machine.is_open.lock().unwrap();
            while !*is_open {
                is_open = self.machine.gate.wait(is_open).unwrap();
            }
            drop(is_open);
            let launch = core.staged[token.parity()];
            core.cond = token.bits();
            if told.silent != Some(launch.kernel) {
                let slab = core.slabs[token.parity()];
                self.machine.run(self.rank(), &launch, slab);
                core.cond |= FIN;
            }
        }
        core.cond
    }

    fn ring_doorbell(&self, core: CoreId, token: Token) {
        self.core(core).rung.push_back(token);
    }

    fn stage_payload(&self, core: CoreId, token: Token, launch: &Launch) {
        self.core(core).staged[token.parity()] = *launch;
    }

    fn slab_address(&self, core: CoreId, parity: usize) -> u64 {
        self.core(core).slabs[parity]
    }

    fn refresh(&self, _addr: u64, _size_bytes: u64) {}

    fn clean(&self, _addr: u64, _size_bytes: u64) {}

    fn can_read(&self, addr: u64, size_bytes: u64) -> bool {
        let memory = self.machine.memory.lock().unwrap();
        addr >= BASE && index(addr + size_bytes) <= memory.bytes.len()
    }

    fn load_u32(&self, addr: u64) -> u32 {
        self.machine.memory.lock().unwrap().u32(addr)
    }

    fn load_u64(&self, addr: u64) -> u64 {
        self.machine.memory.lock().unwrap().u64(addr)
    }

    fn store_u64(&self, addr: u64, value: u64) {
        let mut memory = self.machine.memory.lock().unwrap();
        memory.write(addr, &value.to_le_bytes());
    }

    fn now(&self) -> u64 {
        u64::try_from(self.machine.began.elapsed().as_nanos()).unwrap()
    }
}
