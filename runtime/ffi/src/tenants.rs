//! Which machines schedulers stand on, so that none is closed under one.
//!
//! A scheduler gets its port as a table that the caller may copy about, so machines are found again
//! by what the table says: its context and its first function. Guarantees: a machine whose port a
//! living scheduler uses is not closed. Refuses to see through a table that a caller made of
//! another one: whoever wraps a port keeps the machine open. Called by devices, and by schedulers
//! when they are placed and destroyed; nothing is allocated then.

use std::sync::{Mutex, MutexGuard, PoisonError};

use finbox_abi::finbox_port;

use crate::edition::refuse_with;
use crate::problem::Problem;
use crate::status::finbox_status;

/// What tells one port from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    context: usize,
    function: usize,
}

impl Key {
    fn of(port: &finbox_port) -> Self {
        Self {
            context: port.context.addr(),
            function: port.load_cond.map_or(0, |function| function as usize),
        }
    }
}

/// A port of an open machine.
#[derive(Debug)]
struct Port {
    machine: u64,
    rank: u32,
    key: Key,
    /// Schedulers that live on it.
    schedulers: u32,
}

#[derive(Debug)]
struct Ports {
    /// Machines that were opened.
    machines: u64,
    open: Vec<Port>,
}

static PORTS: Mutex<Ports> = Mutex::new(Ports {
    machines: 0,
    open: Vec::new(),
});

fn ports() -> MutexGuard<'static, Ports> {
    PORTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An open machine, as schedulers find it.
#[derive(Debug)]
pub(crate) struct Landlord(u64);

impl Landlord {
    /// Of a machine with these ports, rank by rank.
    pub(crate) fn of<'p>(tables: impl Iterator<Item = &'p finbox_port>) -> Self {
        let mut ports = ports();
        ports.machines += 1;
        let machine = ports.machines;
        ports
            .open
            .extend((0..).zip(tables).map(|(rank, table)| Port {
                machine,
                rank,
                key: Key::of(table),
                schedulers: 0,
            }));
        Self(machine)
    }

    /// Lets no further scheduler find the machine: it is about to be closed.
    ///
    /// # Errors
    /// BUSY, with the rank, while a scheduler lives on one of its ports.
    pub(crate) fn leave(&self) -> Result<(), Problem> {
        let mut ports = ports();
        let mut own = ports.open.iter().filter(|port| port.machine == self.0);
        if let Some(port) = own.find(|port| port.schedulers > 0) {
            let rank = port.rank;
            let why = format!("rank {rank}: a scheduler lives on its port; destroy it first");
            return Err(refuse_with(finbox_status::Busy, &why));
        }
        ports.open.retain(|port| port.machine != self.0);
        Ok(())
    }
}

/// A scheduler's stay on a port; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Tenancy(Key);

impl Tenancy {
    /// On the port that `table` is.
    pub(crate) fn on(table: &finbox_port) -> Self {
        let key = Key::of(table);
        let mut ports = ports();
        for port in ports.open.iter_mut().filter(|port| port.key == key) {
            port.schedulers += 1;
        }
        Self(key)
    }
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        let mut ports = ports();
        for port in ports.open.iter_mut().filter(|port| port.key == self.0) {
            port.schedulers = port.schedulers.saturating_sub(1);
        }
    }
}
