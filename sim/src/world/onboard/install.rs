//! A workload's bytes, counters and kernels on a machine, and the way back.
//!
//! Guarantees: nothing is given out or loaded before all was looked at that can be refused
//! beforehand; a simulated device a rank, the *mirror*, holds the bytes that data has at the start,
//! and after [`Installed::fetch`] those it has at the end, so that whoever judges a simulated run
//! judges this one. Called by the onboard world.

use finbox_abi::{finbox_op, finbox_op_kind as Kind};
use finbox_runtime::{Machine, MachineError, MachineFacts};
use finbox_scheduler::Shape;

use super::lower::Lowering;
use super::refusal::{DeviceRefusal, LackedOperation};
use crate::device::{CostModel, CounterPlace, Device, LINE_BYTES, WINDOW_ALIGN_BYTES};
use crate::shared::Shared;
use crate::workload::{RankPlan, TaskRef, Workload};
use crate::world::places::Places;

/// Bytes of one packed counter.
const COUNTER_BYTES: u64 = 4;

/// A workload on a machine.
pub(super) struct Installed<'a, M> {
    machine: &'a M,
    workload: &'a Workload,
    /// Where each rank's data and counters are.
    pub(super) places: Vec<Places>,
    /// What was given out, by rank.
    given: Vec<(u32, u64)>,
    /// The kernel of each task, by rank and index; 0 for those that have none.
    pub(super) kernels: Vec<Box<[u64]>>,
    /// The first word of a timeline that the machine refused.
    unstored: Shared<Option<MachineError>>,
}

impl<'a, M: Machine> Installed<'a, M> {
    /// Puts `workload` there: the bytes that the mirror has, zeroed counters, a kernel a task.
    ///
    /// # Errors
    /// [`DeviceRefusal`].
    pub(super) fn new(
        machine: &'a M,
        workload: &'a Workload,
        (mirror, cost): (&[Device], &CostModel),
    ) -> Result<Self, DeviceRefusal> {
        let facts = machine.facts();
        has_enough(workload, &facts)?;
        let somewhere = Places::of_all(mirror);
        lacks_no_operation((workload, &somewhere, cost), &facts)?;
        let mut installed = Self {
            machine,
            workload,
            places: Vec::new(),
            given: Vec::new(),
            kernels: Vec::new(),
            unstored: Shared::default(),
        };
        for (rank, (plan, device)) in (0..).zip(workload.ranks.iter().zip(mirror)) {
            installed.allocate(rank, plan, device)?;
        }
        installed.load(cost)?;
        Ok(installed)
    }

    fn allocate(
        &mut self,
        rank: u32,
        plan: &RankPlan,
        device: &Device,
    ) -> Result<(), DeviceRefusal> {
        let data = self.take(rank, plan.data_bytes, WINDOW_ALIGN_BYTES, "of data")?;
        if !plan.init.is_empty() {
            let bytes = device.dram().bytes(device.data_address(0), plan.data_bytes);
            let refused = refused(|| format!("the first bytes of rank {}", plan.rank));
            self.machine.copy_in(data, &bytes).map_err(refused)?;
        }
        let packed = self.take(rank, packed_bytes(plan), LINE_BYTES, "of counters")?;
        self.places
            .push(Places::new(data, place(plan, data, packed)));
        Ok(())
    }

    /// Memory of a rank, whole lines of it; 0 where none is needed.
    fn take(
        &mut self,
        rank: u32,
        bytes: u64,
        align: u64,
        what: &str,
    ) -> Result<u64, DeviceRefusal> {
        if bytes == 0 {
            return Ok(0);
        }
        let bytes = bytes.next_multiple_of(LINE_BYTES);
        let label = self.workload.ranks[rank as usize].rank;
        let refused = refused(|| format!("{bytes} bytes {what} on rank {label}"));
        let address = self.machine.allocate(rank, bytes, align).map_err(refused)?;
        self.given.push((rank, address));
        Ok(address)
    }

    fn load(&mut self, cost: &CostModel) -> Result<(), DeviceRefusal> {
        let (workload, machine) = (self.workload, self.machine);
        let lowering = Lowering {
            workload,
            places: &self.places,
            cost,
        };
        let mut kernels = Vec::new();
        for (rank, plan) in (0..).zip(&workload.ranks) {
            // Tasks that do nothing share a kernel.
            let mut idle = None;
            let mut load = |task: u32| {
                let at = TaskRef { rank, task };
                if workload.task(at).shape == Shape::Dummy {
                    return Ok(0);
                }
                let is_idle = workload.task(at).program.is_empty();
                if let Some(kernel) = idle.filter(|_| is_idle) {
                    return Ok(kernel);
                }
                let ops = lowering.kernel(at)?;
                let refused = refused(|| format!("the kernel of {}", lowering.name(at)));
                let kernel = machine.load_kernel(rank, &ops).map_err(refused)?;
                if is_idle {
                    idle = Some(kernel);
                }
                Ok(kernel)
            };
            let tasks = (0..).zip(&plan.tasks).map(|(task, _)| load(task));
            kernels.push(tasks.collect::<Result<Box<[u64]>, DeviceRefusal>>()?);
        }
        self.kernels = kernels;
        Ok(())
    }

    /// Stores a word of a timeline, where gates look.
    pub(super) fn store(&self, address: u64, value: u32) {
        if let Err(error) = self.machine.copy_in(address, &value.to_le_bytes()) {
            self.unstored.lock().get_or_insert(error);
        }
    }

    /// Whether every word was stored.
    ///
    /// # Errors
    /// [`DeviceRefusal::Refused`].
    fn check_stored(&self) -> Result<(), DeviceRefusal> {
        let refused = refused(|| "a word of a stream".to_owned());
        self.unstored
            .lock()
            .take()
            .map_or(Ok(()), Err)
            .map_err(refused)
    }

    /// Copies what data and counters hold now into the mirror.
    ///
    /// # Errors
    /// [`DeviceRefusal::Refused`].
    pub(super) fn fetch(&self, mirror: &[Device]) -> Result<(), DeviceRefusal> {
        self.check_stored()?;
        for ((plan, places), device) in self.workload.ranks.iter().zip(&self.places).zip(mirror) {
            let refused = refused(|| format!("the last bytes of rank {}", plan.rank));
            self.fetch_rank((plan, places), device).map_err(refused)?;
        }
        Ok(())
    }

    fn fetch_rank(
        &self,
        (plan, places): (&RankPlan, &Places),
        device: &Device,
    ) -> Result<(), MachineError> {
        let to_mirror = |at: u64, from: u64, bytes: u64| {
            let bytes = usize::try_from(bytes).expect("a rank has at most 256 MiB");
            let mut copy = vec![0; bytes];
            self.machine.copy_out(&mut copy, from)?;
            device.dram().write_bytes(at, &copy);
            Ok(())
        };
        if plan.data_bytes > 0 {
            to_mirror(device.data_address(0), places.data, plan.data_bytes)?;
        }
        let is_packed = |at: &usize| plan.counters[*at] == CounterPlace::Packed;
        let first = (0..plan.counters.len()).find(is_packed);
        first.map_or(Ok(()), |first| {
            let at = device.layout().counters()[first];
            to_mirror(at, places.counters[first], packed_bytes(plan))
        })
    }

    /// Gives the memory back; nothing runs on the machine any more.
    ///
    /// # Errors
    /// [`DeviceRefusal::Refused`].
    pub(super) fn release(self) -> Result<(), DeviceRefusal> {
        for (rank, address) in self.given {
            let refused = refused(|| format!("to take back memory at {address:#x}"));
            self.machine.release(rank, address).map_err(refused)?;
        }
        Ok(())
    }
}

fn refused(what: impl FnOnce() -> String) -> impl FnOnce(MachineError) -> DeviceRefusal {
    |error| DeviceRefusal::Refused {
        what: what(),
        error,
    }
}

fn packed_bytes(plan: &RankPlan) -> u64 {
    let packed = plan.counters.iter();
    let packed = packed.filter(|place| **place == CounterPlace::Packed);
    packed.count() as u64 * COUNTER_BYTES
}

/// The addresses of a plan's counters, packed ones in their order as a simulated device has them.
fn place(plan: &RankPlan, data: u64, packed: u64) -> Box<[u64]> {
    let mut next = packed;
    let address = |place: &CounterPlace| match *place {
        CounterPlace::Packed => {
            next += COUNTER_BYTES;
            next - COUNTER_BYTES
        }
        CounterPlace::Data(offset) => data + offset,
    };
    plan.counters.iter().map(address).collect()
}

/// Whether the machine has as many ranks, queues and lanes as the workload needs.
fn has_enough(workload: &Workload, facts: &MachineFacts) -> Result<(), DeviceRefusal> {
    if !workload.engine_faults.is_empty() {
        return Err(DeviceRefusal::EngineFaults);
    }
    let streams = workload.ranks.iter().map(|plan| plan.engines.sdma_streams);
    let needs = [
        ("ranks", workload.ranks.len() as u64, facts.ranks.into()),
        (
            "DMA queues a rank",
            streams.max().unwrap_or(0).into(),
            facts.dma_queues.into(),
        ),
        (
            "lanes for host tasks a rank",
            workload.needs_host().into(),
            facts.host_lanes.into(),
        ),
    ];
    let mut short = needs.into_iter().filter(|&(_, needed, has)| needed > has);
    short.next().map_or(Ok(()), |(what, needed, has)| {
        Err(DeviceRefusal::Few { what, needed, has })
    })
}

/// Whether the machine's cores can do all that programs do, wherever memory will be.
fn lacks_no_operation(
    (workload, places, cost): (&Workload, &[Places], &CostModel),
    facts: &MachineFacts,
) -> Result<(), DeviceRefusal> {
    let lowering = Lowering {
        workload,
        places,
        cost,
    };
    let mut lacked: Vec<LackedOperation> = Vec::new();
    for &at in &workload.order {
        if workload.task(at).shape == Shape::Dummy {
            continue;
        }
        let kinds = lowering.kernel(at)?;
        let kinds = kinds.iter().filter_map(|op: &finbox_op| Kind::of(op.kind));
        for kind in kinds.filter(|kind| facts.operations & kind.bit() == 0) {
            if lacked.iter().all(|one| one.kind != kind) {
                let first = lowering.name(at);
                lacked.push(LackedOperation { kind, first });
            }
        }
    }
    if lacked.is_empty() {
        return Ok(());
    }
    lacked.sort_by_key(|one| one.kind as u32);
    Err(DeviceRefusal::Operations(lacked))
}

#[cfg(test)]
mod tests;
