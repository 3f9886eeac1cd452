//! One rank's chip: memory, registers, cores.
//!
//! A [`Device`] is shared state only: everything in it is atomic, so a world of one thread in
//! virtual time and a world of many threads by the wall clock use the same one. What moves, the
//! [`Core`]s, belongs to the world that steps them. The control CPU sees a device through
//! [`SimPort`]; programs and engines see its [`Dram`].
//!
//! | file | concept |
//! | --- | --- |
//! | `dram` | bytes behind addresses, as cores and engines see them |
//! | `cache` | lines that stay stale until refreshed |
//! | `memory` | both views of one memory |
//! | `layout`, `kind` | where things are, which core is what |
//! | `register` | DMB, COND, staged payloads |
//! | `core`, `words` | one core's pick-up, run, FIN |
//! | `turning` | a thread that steps cores by the wall clock |
//! | `meter`, `port` | the control CPU's calls and what they cost |
//! | `awaited` | what tasks wait for at engines, for the judge |
//! | `cost` | every number of virtual time |

mod awaited;
mod cache;
mod core;
mod cost;
mod dram;
mod layout;
mod memory;
mod meter;
mod port;
mod register;
mod turning;
mod words;

pub use self::awaited::{Awaited, AwaitedPost, PostState};
pub use self::cache::{LINE_BYTES, lines};
pub use self::core::{Core, Kernels, Next, Picked};
pub use self::cost::{CostModel, EngineCost};
pub use self::dram::Dram;
pub use self::layout::{
    CounterPlace, EngineMemory, Layout, QueuePlan, RANK_STRIDE_BYTES, WINDOW_ALIGN_BYTES, rank_at,
    word_number,
};
pub use self::memory::Memory;
pub use self::meter::Meter;
pub use self::port::{Doorbells, Rung, SimPort};
pub use self::register::{COND_RESET, FIN, Registers};
pub use self::turning::{Turned, step_cores, turn_until};
pub use self::words::Words;

use std::sync::atomic::{AtomicU32, Ordering};

use finbox_mailbox::{CompletionType, Engine};
use finbox_scheduler::limits::MAX_CONDITIONS;
use finbox_scheduler::{
    CoreId, ENTRIES_OFFSET, ENTRY_BYTES, ERROR_FATAL, ERROR_OVERFLOW, Shape, Target, shape_of_core,
};

/// What a chip is made of.
#[derive(Clone, Copy, Debug)]
pub struct DeviceOptions {
    /// The chip family.
    pub target: Target,
    /// AIC and AIV cores in use, 1 to the target's.
    pub cores: u16,
    /// Host lanes behind them.
    pub host_lanes: u16,
    /// What things cost.
    pub cost: CostModel,
}

impl DeviceOptions {
    /// Cores and host lanes.
    pub const fn lanes(&self) -> usize {
        self.cores as usize + self.host_lanes as usize
    }
}

/// A condition as a core registers it: raw, so that wrong ones can be registered too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Device address the condition watches.
    pub addr: u64,
    /// The engine's own value.
    pub cookie: u64,
    /// Value to reach.
    pub expected: u32,
    /// Wire number of the engine.
    pub engine: u32,
    /// Wire number of the completion type.
    pub completion: i32,
}

impl Registered {
    /// "The counter at `addr` is at least `expected`."
    pub const fn counter(addr: u64, expected: u32) -> Self {
        Self {
            addr,
            cookie: 0,
            expected,
            engine: Engine::Sdma as u32,
            completion: CompletionType::Counter as i32,
        }
    }
}

/// The shared state of one rank's chip.
#[derive(Debug)]
pub struct Device {
    rank: u32,
    options: DeviceOptions,
    layout: Layout,
    memory: Memory,
    registers: Registers,
    doorbells: Doorbells,
    /// How often it was reset.
    incarnation: AtomicU32,
    awaited: Awaited,
}

impl Device {
    /// The chip of rank `rank` (an index from 0) without engines, its memory zero.
    ///
    /// # Panics
    /// As [`Layout::new`].
    pub fn new(
        options: DeviceOptions,
        rank: u32,
        counters: &[CounterPlace],
        data_bytes: u64,
    ) -> Self {
        let memory = (counters, &EngineMemory::default());
        Self::with_engines(options, rank, memory, data_bytes)
    }

    /// The same with engines, their records and queues as they are before the first completion.
    ///
    /// # Panics
    /// As [`Layout::new`].
    pub fn with_engines(
        options: DeviceOptions,
        rank: u32,
        memory: (&[CounterPlace], &EngineMemory),
        data_bytes: u64,
    ) -> Self {
        let layout = Layout::new(rank, options.lanes(), memory, data_bytes);
        Self::laid_out(options, rank, layout, Awaited::default())
    }

    /// The same for programs that name all ranks' memory by device addresses, as [`Layout::flat`]
    /// lays it out. What its tasks wait for at its engines is not kept: nobody judges them.
    ///
    /// # Panics
    /// As [`Layout::new`].
    pub fn flat(
        options: DeviceOptions,
        rank: u32,
        engines: &EngineMemory,
        data_bytes: u64,
    ) -> Self {
        let layout = Layout::flat(rank, options.lanes(), engines, data_bytes);
        Self::laid_out(options, rank, layout, Awaited::unjudged())
    }

    fn laid_out(options: DeviceOptions, rank: u32, layout: Layout, awaited: Awaited) -> Self {
        let dram = Dram::new(layout.base(), layout.size_bytes());
        for queue in layout.completion_queues() {
            queue.initialise(&dram);
        }
        let memory = Memory::new(dram, &layout.readable(), options.target.coherent_dma);
        let (registers, doorbells) = (Registers::new(options.lanes()), Doorbells::default());
        Self {
            rank,
            options,
            layout,
            memory,
            registers,
            doorbells,
            incarnation: AtomicU32::new(0),
            awaited,
        }
    }

    /// Which rank, as an index from 0.
    pub const fn rank(&self) -> u32 {
        self.rank
    }

    /// What it is made of.
    pub const fn options(&self) -> &DeviceOptions {
        &self.options
    }

    /// The chip family.
    pub const fn target(&self) -> &Target {
        &self.options.target
    }

    /// What things cost.
    pub const fn cost(&self) -> &CostModel {
        &self.options.cost
    }

    /// Where things are.
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Both views of its memory.
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Its memory as cores, engines and peers see it.
    pub const fn dram(&self) -> &Dram {
        self.memory.dram()
    }

    /// The registers of its cores and host lanes.
    pub const fn registers(&self) -> &Registers {
        &self.registers
    }

    /// Doorbells that were rung in virtual time and not yet seen.
    pub const fn doorbells(&self) -> &Doorbells {
        &self.doorbells
    }

    /// What its tasks wait for at its engines.
    pub const fn awaited(&self) -> &Awaited {
        &self.awaited
    }

    /// How often it was reset.
    pub fn incarnation(&self) -> u32 {
        self.incarnation.load(Ordering::Acquire)
    }

    /// A reset begins: counted before any register shows it.
    pub fn begin_reset(&self) {
        self.incarnation.fetch_add(1, Ordering::AcqRel);
    }

    /// Cores and host lanes, all in one numbering.
    pub fn core_ids(&self) -> impl ExactSizeIterator<Item = CoreId> + use<> {
        (0..self.options.cores + self.options.host_lanes).map(CoreId)
    }

    /// What `core` computes with.
    pub const fn shape(&self, core: CoreId) -> Shape {
        shape_of_core(core.0, self.options.cores)
    }

    /// Its cores and host lanes after reset, in order of their ids.
    pub fn make_cores(&self) -> Vec<Core> {
        self.core_ids()
            .map(|id| Core::new(id, self.shape(id), self.cost()))
            .collect()
    }

    /// Address of counter `index`.
    ///
    /// # Panics
    /// If there is none.
    pub fn counter_address(&self, index: u32) -> u64 {
        self.layout.counter(index)
    }

    /// Address of byte `offset` of the data: the window.
    pub const fn data_address(&self, offset: u64) -> u64 {
        self.layout.address(offset)
    }

    /// Says in a slab, as a core does before its FIN, that its kernel cannot go on.
    pub fn fail_slab(&self, core: CoreId, parity: usize) {
        let slab = self.layout.slab(core, parity);
        self.dram().store_u32(slab + 4, ERROR_FATAL.cast_unsigned());
    }

    /// Registers conditions as a core does before its FIN: behind those the slab counts already,
    /// which are none if it was cleared. The 65th and later ones stay out and set error 102.
    pub fn write_slab(&self, core: CoreId, parity: usize, conditions: &[Registered]) {
        let (slab, dram) = (self.layout.slab(core, parity), self.dram());
        for condition in conditions {
            let count = dram.load_u32(slab);
            if count >= MAX_CONDITIONS {
                dram.store_u32(slab + 4, ERROR_OVERFLOW.cast_unsigned());
                return;
            }
            let entry = slab + ENTRIES_OFFSET + u64::from(count) * ENTRY_BYTES;
            let completion = condition.completion.cast_unsigned();
            dram.store_u64(entry, condition.addr);
            dram.store_u64(entry + 8, condition.cookie);
            dram.store_u64(entry + 16, pack(condition.expected, condition.engine));
            dram.store_u64(entry + 24, pack(completion, 0));
            dram.store_u32(slab, count + 1);
        }
    }
}

fn pack(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

#[cfg(test)]
mod tests {
    use super::{CostModel, CounterPlace, Device, DeviceOptions, Registered};
    use finbox_scheduler::{A2A3, A5, CoreId, Target};

    fn device(target: Target) -> Device {
        let options = DeviceOptions {
            target,
            cores: 3,
            host_lanes: 1,
            cost: CostModel::FREE,
        };
        Device::new(options, 0, &[CounterPlace::Packed], 256)
    }

    #[test]
    fn a_slab_holds_what_the_core_registered() {
        for target in [A2A3, A5] {
            let device = device(target);
            let condition = Registered::counter(device.counter_address(0), 7);
            device.write_slab(CoreId(3), 1, &[condition, condition]);
            let slab = device.layout().slab(CoreId(3), 1);
            let words = [0, 8, 16, 24, 32].map(|offset| device.dram().load_u64(slab + offset));
            assert_eq!(words, [2, condition.addr, 0, 7, 0]);
            assert_eq!(device.dram().load_u64(slab + 40), condition.addr);
        }
    }

    #[test]
    fn a_slab_that_was_not_cleared_keeps_what_it_had() {
        let device = device(A2A3);
        let condition = Registered::counter(device.counter_address(0), 1);
        device.write_slab(CoreId(0), 0, &[condition]);
        device.write_slab(CoreId(0), 0, &[]);
        let slab = device.layout().slab(CoreId(0), 0);
        assert_eq!(device.dram().load_u64(slab), 1);
        device.write_slab(CoreId(0), 0, &[condition]);
        assert_eq!(device.dram().load_u64(slab), 2);
    }

    #[test]
    fn the_65th_condition_sets_the_error_and_stays_out() {
        let device = device(A2A3);
        let conditions = [Registered::counter(device.counter_address(0), 1); 65];
        device.write_slab(CoreId(0), 0, &conditions);
        let slab = device.layout().slab(CoreId(0), 0);
        assert_eq!(device.dram().load_u64(slab), 102 << 32 | 64);
        assert_eq!(
            device.dram().load_u64(device.layout().slab(CoreId(0), 1)),
            0
        );
    }

    #[test]
    fn a_chip_of_72_cores_takes_less_than_a_megabyte() {
        let options = DeviceOptions {
            target: A2A3,
            cores: 72,
            host_lanes: 2,
            cost: CostModel::FREE,
        };
        let device = Device::new(options, 63, &[CounterPlace::Packed; 64], 260 << 10);
        assert!(device.dram().size_bytes() < 600 << 10);
        assert!(device.dram().base() >= 64 * 0x1000_0000);
    }
}
