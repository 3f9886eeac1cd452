//! Why messages of a rank are not delivered, seen when all threads are at rest.

use std::num::NonZeroU32;

use finbox_scheduler::{Scheduler, Standing};

use super::stuck::Node;
use crate::report::StallClass;

/// What a rank's messages stand behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// Somebody else held the wait list, so nobody could take them.
    Held {
        /// Messages in the mailbox, and how many it takes.
        used: u32,
        slots: u32,
        /// Cores whose handlers keep what the mailbox had no room for.
        keeping: u32,
    },
    /// A position that was claimed and is not published.
    Gap {
        position: u64,
        claimer: Option<NonZeroU32>,
    },
}

impl Halt {
    /// `is_held`: somebody else held the wait list until the run ended. `slots` of the mailbox;
    /// `keeping` as above.
    pub(super) fn of(
        scheduler: &Scheduler<'_>,
        is_held: bool,
        (slots, keeping): (u32, u32),
    ) -> Option<Self> {
        if is_held {
            let used = scheduler.mailbox_depth_hint();
            return Some(Self::Held {
                used,
                slots,
                keeping,
            });
        }
        let desk = scheduler.wait_list().try_lock()?;
        let (position, claimer) = desk.open_gap()?;
        Some(Self::Gap { position, claimer })
    }

    /// Whether a task of the rank is stuck because of it. Without its wait list a rank neither
    /// finishes nor loses a task that may defer, and gives no room back.
    pub(super) fn stops(&self, node: &Node) -> bool {
        match self {
            Self::Held { .. } => true,
            Self::Gap { .. } => {
                node.standing == Standing::WaitingOnAsync && node.told.conditions.is_empty()
            }
        }
    }

    /// The class of a stall that it explains.
    pub(super) const fn class(self) -> StallClass {
        match self {
            Self::Held {
                used,
                slots,
                keeping,
            } if used == slots || keeping > 0 => StallClass::MailboxFull,
            Self::Held { .. } => StallClass::ListHeld,
            Self::Gap { .. } => StallClass::MailboxGap,
        }
    }

    /// What it is, in words.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Held {
                used,
                slots,
                keeping,
            } => {
                let kept = match keeping {
                    0 => String::new(),
                    1 => ", and what 1 core left has no room".to_owned(),
                    cores => format!(", and what {cores} cores left has no room"),
                };
                format!(
                    "somebody else holds the wait list, so nobody takes messages or looks at \
                     conditions; {used} of {slots} mailbox slots are used{kept}"
                )
            }
            Self::Gap { position, claimer } => {
                let by = claimer.map_or_else(String::new, |name| format!(" by FIN handler {name}"));
                format!(
                    "messages stand behind mailbox position {position}, which was claimed{by} \
                     and is not published"
                )
            }
        }
    }
}
