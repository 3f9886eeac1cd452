//! Where a rank's data and counters are, in device addresses: what tasks and reports name.
//!
//! Guarantees: as many counters as the plan has, in its order. Called by whoever feeds a workload
//! and by the stall report; made from a simulated device, or from what a machine gave out.

use crate::device::Device;

/// The addresses of one rank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// First byte of its data.
    pub(super) data: u64,
    /// Its counters.
    pub(super) counters: Box<[u64]>,
    /// The event records of its SDMA streams, as far as they are known.
    records: Box<[u64]>,
    /// Its completion queues.
    queues: Box<[u64]>,
}

impl Places {
    /// Of a rank whose engines keep to themselves where they say what ended.
    pub(super) fn new(data: u64, counters: Box<[u64]>) -> Self {
        Self {
            data,
            counters,
            ..Self::default()
        }
    }

    /// Of simulated devices.
    pub(super) fn of_all(devices: &[Device]) -> Vec<Self> {
        devices.iter().map(Self::of).collect()
    }

    fn of(device: &Device) -> Self {
        let layout = device.layout();
        let queues = layout.completion_queues().iter();
        Self {
            data: device.data_address(0),
            counters: layout.counters().into(),
            records: layout.event_records().into(),
            queues: queues.map(|queue| queue.addr()).collect(),
        }
    }

    /// What of an engine stands at `addr`.
    pub(super) fn engine_memory(&self, addr: u64) -> Option<String> {
        let at = |all: &[u64]| all.iter().position(|&one| one == addr);
        let record = at(&self.records);
        let record = record.map(|stream| format!("the event record of SDMA stream {stream}"));
        record.or_else(|| Some(format!("URMA completion queue {}", at(&self.queues)?)))
    }
}
