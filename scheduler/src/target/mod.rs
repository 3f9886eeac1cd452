//! Targets are data: one page of facts each, same fields, same order.
//!
//! The only cfg of the house stands on the lines below. What *acts* differently between targets is
//! a [`Port`](crate::Port) method that consults these facts.

use bitflags::bitflags;

#[cfg(feature = "a2a3")]
mod a2a3;
#[cfg(feature = "a5")]
mod a5;

#[cfg(feature = "a2a3")]
pub use a2a3::A2A3;
#[cfg(feature = "a5")]
pub use a5::A5;

bitflags! {
    /// Completion engines that conditions may name on a target.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Engines: u8 {
        /// Notify counters.
        const COUNTER = 1;
        /// SDMA event records.
        const SDMA = 1 << 1;
        /// URMA completion queues.
        const URMA = 1 << 2;
    }
}

/// Cores of a cluster: one AIC (cube) and two AIV (vector).
pub const CORES_PER_CLUSTER: u16 = 3;

/// The facts of one chip family (facts.md §1 of the design; public hardware descriptions).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Clusters of one AIC and two AIVs.
    pub clusters: u16,
    /// Dies behind one device id.
    pub dies: u8,
    /// Control CPUs that run the scheduler on the real chip.
    pub control_threads: u8,
    /// FIN handlers on the real chip (simulation: 1 to 8).
    pub fin_handlers: u8,
    /// Frequency of the system counter in Hz.
    pub counter_hz: u64,
    /// Byte offset of the dispatch register (DMB) in a core's register window.
    pub dmb_offset: u32,
    /// Byte offset of COND in a core's register window.
    pub cond_offset: u32,
    /// Whether DMA writes are coherent with the control CPU's cache. If not, a line that DMA or
    /// the host wrote must be refreshed before it is read.
    pub coherent_dma: bool,
    /// Completion engines.
    pub engines: Engines,
}

impl Target {
    /// AIC and AIV cores of the chip.
    pub const fn cores(&self) -> u16 {
        self.clusters * CORES_PER_CLUSTER
    }
}
