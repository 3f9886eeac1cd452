//! `--persistent`: whether items go to persistent workers.
//!
//! Guarantees: it is refused for what has no items. Refuses to decide what `auto` comes to; that is
//! measured when the scenario is loaded. Called by the parser and by checks.

use std::fmt;

use clap::ValueEnum;
use finbox_runtime::persistent::Policy;

use super::options::What;
use super::usage::UsageError;

/// Whether items go to persistent workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Persistent {
    /// Where they were measured to be faster
    Auto,
    /// Always
    Force,
    /// Never
    Disable,
}

impl Persistent {
    /// The name as it is written on the command line and in the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Force => "force",
            Self::Disable => "disable",
        }
    }

    /// What the runtime calls it.
    pub const fn policy(self) -> Policy {
        match self {
            Self::Auto => Policy::Auto,
            Self::Force => Policy::Force,
            Self::Disable => Policy::Disable,
        }
    }

    /// What the `nth` seed of a check takes, where its user leaves it open: both ways in turn, two
    /// seeds each, so that both targets see both.
    pub(crate) const fn in_turn(nth: u64) -> Self {
        match nth / 2 % 2 {
            0 => Self::Force,
            _ => Self::Disable,
        }
    }

    /// Refuses it for what has no items.
    pub(super) fn check(asked: Option<Self>, what: &What) -> Result<(), UsageError> {
        match asked {
            Some(_) if !what.has_items() => Err(UsageError::NoItems { what: what.label() }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Persistent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl What {
    /// Whether it has items that persistent workers could do.
    pub(crate) fn has_items(&self) -> bool {
        matches!(self, Self::Scenario(name) if name == "persistent_scan")
    }
}
