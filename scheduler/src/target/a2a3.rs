//! Facts of a2a3.

use super::{Engines, Target};

/// a2a3: 24 clusters, DMA not coherent with the control CPU.
pub const A2A3: Target = Target {
    name: "a2a3",
    clusters: 24,
    dies: 1,
    control_threads: 4,
    fin_handlers: 2,
    counter_hz: 50_000_000,
    dmb_offset: 0xA0,
    cond_offset: 0x4C8,
    coherent_dma: false,
    engines: Engines::COUNTER.union(Engines::SDMA),
};
