//! The texts of a trace: names of arguments and phases, registered once, and names of lanes.

use finbox_scheduler::{Outcome, Shape};

use super::sink::{Name, Names};
use crate::timeline::{CoreLane, Operation, OperationKind, Phase, Role, Watch};

/// Texts that many bars have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) task: Name,
    pub(super) block: Name,
    pub(super) part: Name,
    pub(super) outcome: Name,
    pub(super) conditions: Name,
    pub(super) finished: Name,
    pub(super) expected: Name,
    pub(super) from: Name,
    pub(super) to: Name,
    pub(super) bytes: Name,
    pub(super) issued: Name,
    pub(super) status: Name,
    pub(super) runs: Name,
    pub(super) busy: Name,
    pub(super) idle: Name,
    outcomes: [Name; 4],
    phases: [Name; PHASES.len()],
}

const PHASES: [Phase; 8] = [
    Phase::Observe,
    Phase::Retire,
    Phase::Push,
    Phase::Finish,
    Phase::Drain,
    Phase::Settle,
    Phase::Dispatch,
    Phase::Submit,
];

impl Words {
    /// Registers all of them.
    pub(super) fn of(names: &mut Names) -> Self {
        // Twice: whatever stands here is used often.
        let mut often = |text| {
            names.add(text);
            names.add(text)
        };
        Self {
            task: often("task"),
            block: often("block"),
            part: often("part"),
            outcome: often("outcome"),
            conditions: often("conditions"),
            finished: often("finished_ns"),
            expected: often("expected"),
            from: often("from rank"),
            to: often("to rank"),
            bytes: often("bytes"),
            issued: often("issued_ns"),
            status: often("status"),
            runs: often("run"),
            busy: often("busy"),
            idle: often("idle"),
            outcomes: ["completed", "failed", "cancelled", "unfinished"].map(&mut often),
            phases: PHASES.map(|phase| often(phase.name())),
        }
    }

    pub(super) const fn outcome(&self, outcome: Option<Outcome>) -> Name {
        let [completed, failed, cancelled, unfinished] = self.outcomes;
        match outcome {
            Some(Outcome::Completed) => completed,
            Some(Outcome::Failed) => failed,
            Some(Outcome::Cancelled) => cancelled,
            None => unfinished,
        }
    }

    pub(super) fn phase(&self, phase: Phase) -> Name {
        let at = PHASES.iter().position(|&it| it == phase);
        at.map_or(self.busy, |at| self.phases[at])
    }
}

/// The name of a core's lane.
pub(super) fn core(index: usize, lane: &CoreLane) -> String {
    match lane.shape {
        Shape::Aic => format!("core {index} AIC"),
        Shape::Aiv => format!("core {index} AIV"),
        Shape::Host => format!("host lane {index}"),
        Shape::Mix | Shape::Dummy | Shape::Work => format!("core {index}"),
    }
}

/// The name of a thread's lane.
pub(super) fn thread(role: Role) -> String {
    match role {
        Role::Handler(handler) => format!("FIN handler {handler}"),
        Role::Dispatch => "dispatch".to_owned(),
        Role::Submitter => "submitter".to_owned(),
    }
}

/// What a condition watches.
pub(super) fn watch(watch: Watch) -> String {
    match watch {
        Watch::Counter(counter) => format!("counter {counter}"),
        Watch::Post(lane) => lane.to_string(),
        Watch::Address(address) => format!("address {address:#x}"),
    }
}

/// The name of the lane of an engine's queue, or of a link, and whether it is an engine's.
pub(super) fn route(operation: &Operation) -> (bool, String) {
    match operation.kind {
        OperationKind::Transfer { lane, .. } => (true, lane.to_string()),
        OperationKind::Timer { .. } => (true, "SDMA timers".to_owned()),
        OperationKind::Put | OperationKind::Notify { .. } => {
            let (from, to) = (operation.from, operation.to);
            (false, format!("rank {from} → rank {to}"))
        }
    }
}

/// What an operation is called on its lane.
pub(super) fn operation(operation: &Operation) -> String {
    match operation.kind {
        OperationKind::Put => "put".to_owned(),
        OperationKind::Notify { counter } => format!("notify counter {counter}"),
        OperationKind::Timer { counter } => format!("timer of counter {counter}"),
        OperationKind::Transfer { .. } => "transfer".to_owned(),
    }
}
