//! Memory as a task's kernels, puts and transfers reach it: the same bytes, and somebody watching.
//!
//! Guarantees: an access through a view is the access of [`Dram`], and is told to the shadow if
//! there is one; kernels and engines have no other way to data, so nothing is forgotten. Without a
//! shadow it costs one branch an access. Refuses to tell of counters, which are no data. Called by
//! programs, effects and engines.

use super::touch::{Act, Shadow, Touch, Toucher};
use crate::device::{Device, Dram};
use crate::workload::TaskRef;

/// On whose behalf memory is touched, and who is told.
#[derive(Clone, Copy, Debug)]
pub struct By<'a>(Option<(&'a Shadow, Toucher)>);

impl<'a> By<'a> {
    /// Nobody is told.
    pub const NOBODY: Self = Self(None);

    /// `act` of `task` of rank `rank`, told to `shadow` if there is one.
    pub fn task(shadow: Option<&'a Shadow>, rank: u32, task: u32, act: Act) -> Self {
        let task = TaskRef { rank, task };
        Self(shadow.map(|shadow| (shadow, Toucher { task, act })))
    }
}

/// One rank's memory as somebody reaches it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    device: &'a Device,
    by: By<'a>,
}

impl<'a> View<'a> {
    /// The memory of `device`, touched by `by`.
    pub const fn new(device: &'a Device, by: By<'a>) -> Self {
        Self { device, by }
    }

    const fn dram(&self) -> &'a Dram {
        self.device.dram()
    }

    fn tell(&self, touch: Touch, addr: u64, bytes: u64) {
        if let Some((shadow, by)) = self.by.0 {
            let at = addr.saturating_sub(self.device.data_address(0));
            shadow.touched(by, self.device.rank(), touch, at..at.saturating_add(bytes));
        }
    }

    /// Whether both are the memory of one rank.
    pub fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self.device, other.device)
    }

    /// As [`Dram::load_u32`].
    pub fn load_u32(&self, addr: u64) -> u32 {
        self.tell(Touch::Read, addr, 4);
        self.dram().load_u32(addr)
    }

    /// As [`Dram::load_u32`], of a counter.
    pub fn counter(&self, addr: u64) -> u32 {
        self.dram().load_u32(addr)
    }

    /// As [`Dram::store_u32`].
    pub fn store_u32(&self, addr: u64, value: u32) {
        self.tell(Touch::Write, addr, 4);
        self.dram().store_u32(addr, value);
    }

    /// As [`Dram::fetch_add_u32`], of a counter.
    pub fn notify(&self, addr: u64, add: u32) {
        self.dram().fetch_add_u32(addr, add);
    }

    /// As [`Dram::bytes`].
    pub fn bytes(&self, addr: u64, bytes: u64) -> Box<[u8]> {
        self.tell(Touch::Read, addr, bytes);
        self.dram().bytes(addr, bytes)
    }

    /// As [`Dram::write_bytes`].
    pub fn write_bytes(&self, addr: u64, bytes: &[u8]) {
        self.tell(Touch::Write, addr, bytes.len() as u64);
        self.dram().write_bytes(addr, bytes);
    }

    /// As [`Dram::copy`].
    pub fn copy(&self, from: u64, to: u64, bytes: u64) {
        self.tell(Touch::Read, from, bytes);
        self.tell(Touch::Write, to, bytes);
        self.dram().copy(from, to, bytes);
    }

    /// As [`Dram::fill_u32`].
    pub fn fill_u32(&self, addr: u64, count: u64, value: u32) {
        self.tell(Touch::Write, addr, count.saturating_mul(4));
        self.dram().fill_u32(addr, count, value);
    }
}
