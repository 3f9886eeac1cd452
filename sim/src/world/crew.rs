//! What both worlds of real threads share: roles, patience, and the wish that a run ends.
//!
//! Called by `parallel`, against simulated devices, and by `onboard`, against a machine.

use std::time::{Duration, Instant};

use finbox_runtime::threads::{Running, Unit};
use finbox_runtime::{Drain, DrainLimits};
use finbox_scheduler::{Assembly, FinHandler, Submitter};

use super::halt::Halt;
use super::recorder::RankProbe;
use super::submission::Passage;
use super::{RunError, Settings};
use crate::report::StallReport;

/// How long tasks in flight may go on when the run is asked to end.
const GRACE: Duration = Duration::from_secs(1);

/// The stall that `report` tells of, if that is how the run ended: it is none if somebody asked it
/// to end, or if the processor of its command ring stopped for good.
pub(super) fn stall(
    (ended, passage): (Drain<RunError>, Option<&Passage>),
    grace: &Grace,
    report: impl FnOnce() -> StallReport,
) -> Result<Option<StallReport>, RunError> {
    let is_cut_short = grace.has_begun() || passage.is_some_and(Passage::is_halted);
    match ended {
        Drain::Refused(error) => Err(error),
        Drain::Stuck if !is_cut_short => Ok(Some(report())),
        Drain::Done | Drain::Stuck => Ok(None),
    }
}

/// What the messages of each rank stand behind; `is_held`: somebody else held the wait list.
pub(super) fn halts<P, B>(
    units: &[Unit<'_, P, B>],
    is_held: impl Fn(usize) -> bool,
    settings: &Settings,
) -> Vec<Option<Halt>> {
    let halt = |(rank, unit): (usize, &Unit<'_, P, B>)| {
        let keeping = unit.handlers.iter().map(FinHandler::owed_cores).sum();
        let mailbox = (settings.mailbox_slots, keeping);
        Halt::of(&unit.scheduler, is_held(rank), mailbox)
    };
    units.iter().enumerate().map(halt).collect()
}

/// The time between the wish that a run ends and its end.
#[derive(Default)]
pub(super) struct Grace(Option<Instant>);

impl Grace {
    /// Whether somebody wished it.
    pub(super) fn has_begun(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the run is to end. What was submitted may come to its end, as far as it does in
    /// time; then everybody stops.
    pub(super) fn winds_down(
        &mut self,
        settings: &Settings,
        running: &Running,
        submitted: impl FnOnce() -> u64,
    ) -> bool {
        if !settings.is_stopped() {
            return false;
        }
        let submitted = submitted();
        let began = self.0.get_or_insert_with(Instant::now);
        if running.finished() >= submitted || began.elapsed() >= GRACE {
            running.stop_flag().stop();
        }
        true
    }
}

/// One rank's chip with its roles, and the role that stays with the caller.
pub(super) fn unit<'a, 'm, P>(
    mut assembly: Assembly<'m>,
    port: P,
    probe: RankProbe<'a>,
) -> (Unit<'m, P, RankProbe<'a>>, Submitter<'m>) {
    let handlers = assembly.scheduler.chip().handlers;
    let unit = Unit {
        handlers: (0..handlers).map(|_| assembly.handler()).collect(),
        scheduler: assembly.scheduler,
        port,
        probe,
        dispatcher: assembly.dispatcher,
    };
    (unit, assembly.submitter)
}

/// How long a run may take.
pub(super) fn limits(settings: &Settings) -> DrainLimits {
    DrainLimits {
        patience: Duration::from_nanos(settings.patience_ns),
        deadline: settings.deadline_ns.map(Duration::from_nanos),
    }
}
