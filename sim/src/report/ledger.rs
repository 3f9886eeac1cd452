//! The conservation equations of a run, spelled out with their numbers.
//!
//! Guarantees: an equation that does not hold is printed with `≠` and the difference, never with
//! `=`. Sums are computed wide, so a broken counter cannot make a false equation hold. Refuses: to
//! judge; the run decides what a broken ledger means. Called by the text form and by the run.

use std::fmt;

use super::run::RunReport;

/// `total = part + part + …`, or the news that it is not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equation {
    total: (&'static str, u64),
    parts: Vec<(&'static str, u64)>,
}

impl Equation {
    /// Whether the parts add up to the total.
    pub fn holds(&self) -> bool {
        u128::from(self.total.1) == self.sum()
    }

    fn sum(&self) -> u128 {
        self.parts
            .iter()
            .map(|(_, number)| u128::from(*number))
            .sum()
    }
}

impl fmt::Display for Equation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, number) = self.total;
        let sign = if self.holds() { "=" } else { "≠" };
        write!(out, "{name} {number} {sign} ")?;
        for (index, (name, number)) in self.parts.iter().enumerate() {
            let plus = if index == 0 { "" } else { " + " };
            write!(out, "{plus}{name} {number}")?;
        }
        if !self.holds() {
            let difference = u128::from(number).abs_diff(self.sum());
            write!(out, "  (does NOT add up: off by {difference})")?;
        }
        Ok(())
    }
}

impl RunReport {
    /// The three equations: tasks, FINs, messages. Live tasks, and messages left in a
    /// mailbox, appear only where there are some.
    pub fn ledger(&self) -> [Equation; 3] {
        let (tasks, fins, mailbox) = (&self.tasks, &self.fins, &self.mailbox);
        let mut ends = vec![
            ("completed", tasks.completed),
            ("failed", tasks.failed),
            ("cancelled", tasks.cancelled),
        ];
        if tasks.live > 0 {
            ends.push(("live", tasks.live));
        }
        let mut arrived = vec![
            ("delivered", mailbox.delivered),
            ("reported", mailbox.reported),
        ];
        if mailbox.undelivered > 0 {
            arrived.push(("undelivered", mailbox.undelivered));
        }
        [
            Equation {
                total: ("submitted", tasks.submitted),
                parts: ends,
            },
            Equation {
                total: ("FINs", fins.received),
                parts: vec![
                    ("applied", fins.applied),
                    ("duplicate", fins.duplicate),
                    ("stale", fins.stale),
                    ("unknown", fins.unknown),
                ],
            },
            Equation {
                total: ("messages accepted", mailbox.accepted),
                parts: arrived,
            },
        ]
    }

    /// Whether all three equations hold.
    pub fn ledger_holds(&self) -> bool {
        self.ledger().iter().all(Equation::holds)
    }
}
