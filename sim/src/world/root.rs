//! The root of a stall in words: its class, and one sentence about the task to look at first.

use std::fmt::Write as _;

use finbox_scheduler::{FaultCode, Standing};

use super::blockers::Standing as Blame;
use super::failures::label;
use super::stuck::{Node, Scene, Silent, notified};
use crate::report::{RootBlocker, StallClass, duration};
use crate::workload::{TaskPlan, TaskRef};

/// What kind of stall it is, by the task to look at first.
pub(super) fn class(scene: Scene<'_>, root: Option<&Node>, silent: Option<&Silent>) -> StallClass {
    let Some(node) = root else {
        return match scene.unsubmitted {
            0 => StallClass::Nothing,
            _ => StallClass::SubmissionBlocked,
        };
    };
    if let Some(halt) = scene.halt(node) {
        return halt.class();
    }
    match (node.standing, silent.and_then(|silent| silent.blamed.code)) {
        (Standing::WaitingOnAsync, Some(FaultCode::MailboxGap)) => StallClass::MailboxGap,
        (Standing::WaitingOnAsync, Some(FaultCode::NoCoreLeft)) => StallClass::NoCoreLeft,
        (Standing::WaitingOnAsync, Some(FaultCode::PeerDead)) => StallClass::PeerDead,
        (Standing::WaitingOnAsync, _) => StallClass::WaitingOnAsync,
        (Standing::Running { .. } | Standing::Held { .. } | Standing::Unsaid { .. }, _) => {
            StallClass::Running
        }
        (Standing::Ready, _) if lacks_room(node).is_some() => StallClass::RoomExhausted,
        (Standing::Ready | Standing::InRing { .. }, _) => StallClass::Ready,
        (Standing::Blocked { .. }, _) => StallClass::Blocked,
    }
}

/// The root blocker where a task that failed would have notified what `node` waits for.
pub(super) fn describe_silent(
    scene: Scene<'_>,
    (node, blame): (&Node, &Blame),
    Silent { notifier, blamed }: &Silent,
) -> RootBlocker {
    let workload = scene.workload;
    let named = |at: TaskRef| {
        let (rank, name) = (label(workload, at.rank), &workload.task(at).name);
        format!("rank {rank}, task {name}")
    };
    let mut message = format!("{} failed", named(blamed.at));
    if let Some(code) = blamed.code {
        message += &format!(" with {} {}", code.number(), code.name());
    }
    if let Some(core) = blamed.core {
        message += &format!(" on core {}", core.0);
    }
    if *notifier != blamed.at {
        message += &format!(", which cancelled {}", named(*notifier));
    }
    let told = &node.told;
    message += &format!("; for its notification rank {}, ", told.rank);
    message += &format!("task {} waits: {}", told.name, first_condition(node));
    RootBlocker {
        rank: label(workload, blamed.at.rank),
        task: u64::from(blamed.at.task),
        name: workload.task(blamed.at).name.to_string(),
        blocks: blame.blocks + 1,
        message,
    }
}

/// The root blocker; `unsubmitted` would make one of its conditions true.
pub(super) fn describe(
    scene: Scene<'_>,
    node: &Node,
    blame: &Blame,
    unsubmitted: Option<TaskRef>,
) -> RootBlocker {
    let told = &node.told;
    let mut message = format!("rank {}, task {}: ", told.rank, told.name);
    let age = duration(told.age_ns);
    let halt = scene.halt(node);
    let behind = halt.map_or_else(String::new, |halt| halt.describe());
    let _infallible = match node.standing {
        _ if halt.is_some() => write!(message, "{} for {age}; {}", told.state, behind),
        Standing::WaitingOnAsync => write!(message, "{}", waits(scene, node, unsubmitted)),
        Standing::Ready => write!(message, "ready for {age}, {}", lacks(node)),
        _ => write!(message, "{} for {age}", told.state),
    };
    if blame.in_circle {
        message += "; it stands in a circle of tasks that wait for each other";
    }
    RootBlocker {
        rank: told.rank,
        task: told.task,
        name: told.name.clone(),
        blocks: blame.blocks,
        message,
    }
}

/// The condition room that a ready task needs and does not find.
fn lacks_room(node: &Node) -> Option<(u32, u32, u32)> {
    let (promised, room) = node.room;
    let needs = u32::from(node.defers);
    (needs > room - promised).then_some((promised, room, needs))
}

fn lacks(node: &Node) -> String {
    match lacks_room(node) {
        Some((promised, room, needs)) => {
            format!("needs condition room for {needs}, and {promised} of {room} is promised")
        }
        None => "and no core took it".to_owned(),
    }
}

/// The first unmet condition.
fn first_condition(node: &Node) -> String {
    let Some(first) = node.told.conditions.first() else {
        return format!("waiting on async for {}", duration(node.told.age_ns));
    };
    let what = match &*first.what {
        "" => first.completion_type.as_str(),
        what => what,
    };
    let (address, observed, expected) = (first.address, first.observed, first.expected);
    let age = duration(first.age_ns);
    let mut text = format!("{what} at {address}, {observed} of {expected}, for {age}");
    if let Some([from, to]) = first.went_back {
        text += &format!(" (went back from {from} to {to})");
    }
    match node.told.conditions.len() - 1 {
        0 => {}
        others => text += &format!(" (and {others} more)"),
    }
    text
}

/// The first unmet condition, and why nobody makes it true.
fn waits(scene: Scene<'_>, node: &Node, unsubmitted: Option<TaskRef>) -> String {
    let mut text = first_condition(node);
    if let Some(at) = unsubmitted {
        let rank = scene.workload.ranks[at.rank as usize].rank;
        let name = &scene.workload.task(at).name;
        text += &format!("; rank {rank}, task {name} would notify it and is not submitted yet");
    } else if is_notified(scene, node) {
        text += "; every task that notifies it has run";
    }
    text
}

/// Whether any task of the plan notifies the first counter that `node` waits for.
fn is_notified(scene: Scene<'_>, node: &Node) -> bool {
    let Some(&counter) = node.counters.first() else {
        return false;
    };
    let counter = (node.at.rank, counter);
    let mut tasks = scene.workload.ranks.iter().flat_map(|rank| &rank.tasks);
    let any_is = |task: &TaskPlan| {
        task.program
            .iter()
            .filter_map(notified)
            .any(|one| one == counter)
    };
    tasks.any(any_is)
}
