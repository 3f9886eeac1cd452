//! The targets as the command line sees them: a name, and facts to print and to check against.
//!
//! Guarantees: plain data. Refuses: to know the facts itself; the caller copies them from the one
//! place that owns them. Called by the parser, by `list`, and by `main`, which builds the facts.

use std::fmt;

use clap::ValueEnum;

/// A target that `--target` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum TargetName {
    /// 24 clusters; DMA writes are not coherent.
    A2a3,
    /// 36 clusters; DMA writes are coherent.
    A5,
}

impl TargetName {
    /// The name as it is written on the command line and in the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A2a3 => "a2a3",
            Self::A5 => "a5",
        }
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// The facts of one target of this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetFacts {
    /// Which target these facts describe.
    pub name: TargetName,
    /// Clusters a chip.
    pub clusters: u16,
    /// Cube cores a chip.
    pub aic: u16,
    /// Vector cores a chip.
    pub aiv: u16,
    /// Cores a chip, `aic + aiv`; the most that `--cores` accepts.
    pub cores: u16,
    /// Completion engines that can be used, as people call them.
    pub engines: &'static [&'static str],
    /// Whether the control CPU's cache sees DMA writes without an invalidation.
    pub is_coherent: bool,
}
