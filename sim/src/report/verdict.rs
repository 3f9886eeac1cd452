//! How a run ended, and the exit code that says so.
//!
//! Guarantees: one verdict has one exit code, and the two causes of `invalid` stay apart. Refuses:
//! to be built from a number. Called by whoever ends a run.

use serde::{Serialize, Serializer};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Everything completed, and the result is right where it can be checked.
    Pass,
    /// Everything completed, and the result is wrong.
    Wrong,
    /// A stall or a missed deadline.
    Stuck,
    /// A device, a plugin, an engine or a limit failed.
    Fault,
    /// The run never began.
    Invalid(Invalid),
    /// A signal ended it; the ledger still holds.
    Interrupted,
}

/// Why a run never began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Invalid {
    /// The arguments were refused.
    Usage,
    /// An input file is missing, unreadable or not valid.
    InputFile,
}

impl Verdict {
    /// The name in the JSON document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Wrong => "wrong",
            Self::Stuck => "stuck",
            Self::Fault => "fault",
            Self::Invalid(_) => "invalid",
            Self::Interrupted => "interrupted",
        }
    }

    /// The exit code of the process.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Wrong => 1,
            Self::Invalid(Invalid::Usage) => 2,
            Self::Invalid(Invalid::InputFile) => 3,
            Self::Stuck => 4,
            Self::Fault => 5,
            Self::Interrupted => 130,
        }
    }

    /// The words that open the text form.
    pub(crate) const fn headline(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Wrong => "WRONG RESULT",
            Self::Stuck => "STUCK",
            Self::Fault => "FAULT",
            Self::Invalid(_) => "INVALID",
            Self::Interrupted => "INTERRUPTED",
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_the_name_and_the_exit_code_of_the_contract() {
        for (verdict, name, code) in [
            (Verdict::Pass, "pass", 0),
            (Verdict::Wrong, "wrong", 1),
            (Verdict::Invalid(Invalid::Usage), "invalid", 2),
            (Verdict::Invalid(Invalid::InputFile), "invalid", 3),
            (Verdict::Stuck, "stuck", 4),
            (Verdict::Fault, "fault", 5),
            (Verdict::Interrupted, "interrupted", 130),
        ] {
            assert_eq!((verdict.name(), verdict.exit_code()), (name, code));
            assert_eq!(
                serde_json::to_string(&verdict).unwrap(),
                format!("\"{name}\"")
            );
        }
    }
}
