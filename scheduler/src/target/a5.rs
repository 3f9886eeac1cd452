//! Facts of a5.

use super::{Engines, Target};

/// a5: 36 clusters on two dies, DMA coherent with the control CPU.
pub const A5: Target = Target {
    name: "a5",
    clusters: 36,
    dies: 2,
    control_threads: 5,
    fin_handlers: 3,
    counter_hz: 1_000_000_000,
    dmb_offset: 0xD0,
    cond_offset: 0x5108,
    coherent_dma: true,
    engines: Engines::COUNTER.union(Engines::SDMA).union(Engines::URMA),
};
