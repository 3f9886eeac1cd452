//! The root of a stall in words: its class, and one sentence about the task to look at first.

use std::fmt::Write as _;

use finbox_scheduler::Standing;

use super::blockers::Standing as Blame;
use super::stuck::{Node, Scene, notified};
use crate::report::{ROOM_EXHAUSTED, RootBlocker, duration};
use crate::workload::{TaskPlan, TaskRef};

/// What kind of stall it is, by the task to look at first.
pub(super) fn class(root: Option<&Node>, unsubmitted: u64) -> &'static str {
    match root.map(|node| (node.standing, node)) {
        Some((Standing::WaitingOnAsync, _)) => "waiting on async",
        Some((Standing::Running { .. }, _)) => "running",
        Some((Standing::Ready, node)) if lacks_room(node).is_some() => ROOM_EXHAUSTED,
        Some((Standing::Ready, _)) => "ready",
        Some((Standing::Blocked { .. }, _)) => "blocked",
        None if unsubmitted > 0 => "submission blocked",
        None => "nothing is stuck",
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
    let _infallible = match node.standing {
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

/// The first unmet condition, and why nobody makes it true.
fn waits(scene: Scene<'_>, node: &Node, unsubmitted: Option<TaskRef>) -> String {
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
