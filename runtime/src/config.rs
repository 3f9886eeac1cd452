//! Configuration of one chip's scheduler, checked as a whole.

use std::fmt;

use finbox_scheduler::limits::{
    DEFAULT_CONDITION_ROOM, DEFAULT_EDGE_NODES, DEFAULT_MAILBOX_SLOTS, DEFAULT_TASK_SLOTS,
    MAX_CORES,
};
use finbox_scheduler::{Chip, MAX_EDGE_NODES, SlotId, Start, Target};
use thiserror::Error;

/// Most slots a mailbox may be configured with (1 GiB of memory).
const MAX_MAILBOX_SLOTS: u32 = 1 << 24;

/// What a scheduler is built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The chip, or the part of it, that is driven.
    pub chip: Chip,
    /// Tasks in flight at once, 1 to 2²⁴.
    pub task_slots: u32,
    /// Fan-out edges of unfinished tasks at once, 0 to 2³⁰.
    pub edge_nodes: u32,
    /// Conditions stored or promised at once, 64 to 2³⁰.
    pub condition_room: u32,
    /// Messages in the mailbox at once: a power of two, 2 to 2²⁴.
    pub mailbox_slots: u32,
    /// Where the mailbox's life starts, and the run's epoch.
    pub start: Start,
}

impl Config {
    /// The whole chip with the limits of the real one.
    pub const fn of(target: &'static Target) -> Self {
        Self {
            chip: Chip::whole(target),
            task_slots: DEFAULT_TASK_SLOTS,
            edge_nodes: DEFAULT_EDGE_NODES,
            condition_room: DEFAULT_CONDITION_ROOM,
            mailbox_slots: DEFAULT_MAILBOX_SLOTS,
            start: Start {
                position: 0,
                epoch: 1,
            },
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        let chip = &self.chip;
        let most_lanes = MAX_CORES - chip.target.cores() as usize;
        let checks = [
            (
                "cores",
                u64::from(chip.cores),
                1,
                u64::from(chip.target.cores()),
            ),
            (
                "host lanes",
                u64::from(chip.host_lanes),
                0,
                most_lanes as u64,
            ),
            ("FIN handlers", u64::from(chip.handlers), 1, 8),
            (
                "task slots",
                u64::from(self.task_slots),
                1,
                u64::from(SlotId::MAX_INDEX) + 1,
            ),
            (
                "edge nodes",
                u64::from(self.edge_nodes),
                0,
                u64::from(MAX_EDGE_NODES),
            ),
            (
                "condition room",
                u64::from(self.condition_room),
                64,
                1 << 30,
            ),
            (
                "mailbox slots",
                u64::from(self.mailbox_slots),
                2,
                u64::from(MAX_MAILBOX_SLOTS),
            ),
        ];
        let mut errors: Vec<ConfigError> = checks
            .into_iter()
            .filter(|(_, value, least, most)| !(least..=most).contains(&value))
            .map(|(what, value, least, most)| ConfigError::Range {
                what,
                value,
                least,
                most,
            })
            .collect();
        if !self.mailbox_slots.is_power_of_two() {
            errors.push(ConfigError::PowerOfTwo {
                slots: self.mailbox_slots,
            });
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(ConfigErrors(errors))
        }
    }
}

/// One field out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A number outside its range.
    #[error("{what}: {value} is outside {least} to {most}")]
    Range {
        /// Which number.
        what: &'static str,
        /// What it is.
        value: u64,
        /// Smallest allowed.
        least: u64,
        /// Largest allowed.
        most: u64,
    },
    /// A mailbox capacity that is no power of two.
    #[error("mailbox slots: {slots} is not a power of two")]
    PowerOfTwo {
        /// What it is.
        slots: u32,
    },
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, ConfigError};
    use finbox_scheduler::target::A5;

    #[test]
    fn all_errors_of_a_configuration_come_at_once() {
        let mut config = Config::of(&A5);
        assert_eq!(config.check(), Ok(()));
        config.chip.handlers = 0;
        config.chip.cores = 109;
        config.mailbox_slots = 3;
        let errors = config.check().expect_err("three fields are wrong").0;
        assert_eq!(errors.len(), 3);
        assert!(errors.contains(&ConfigError::PowerOfTwo { slots: 3 }));
    }
}
