//! What is wrong with a configuration, all of it at once.

use std::fmt;

use finbox_scheduler::{Config, ConfigError};
use thiserror::Error;

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    /// Checks every field of `config`.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn check(config: &Config) -> Result<(), Self> {
        let errors: Vec<_> = config.errors().collect();
        match errors.is_empty() {
            true => Ok(()),
            false => Err(Self(errors)),
        }
    }
}

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
    use super::ConfigErrors;
    use finbox_scheduler::Config;
    use finbox_scheduler::target::A5;

    #[test]
    fn all_errors_of_a_configuration_come_at_once() {
        let mut config = Config::of(&A5);
        assert_eq!(ConfigErrors::check(&config), Ok(()));
        (config.mailbox_slots, config.heap_bytes) = (3, 65);
        let errors = ConfigErrors::check(&config).expect_err("two fields are wrong");
        let text = "mailbox slots: 3 is not a power of two; heap bytes: 65 is not a multiple of 64";
        assert_eq!(errors.to_string(), text);
    }
}
