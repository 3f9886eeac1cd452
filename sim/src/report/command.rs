//! What went through a run's command ring, and where its processor stands.
//!
//! Guarantees: a halt has its position and its packet, word by word; a stall has the evidence of
//! the drain that ended, in numbers and in one sentence. Called by the worlds.

use std::fmt::Write as _;

use finbox_runtime::command::{Blocker, Evidence, Halt, Verdict, WaitsFor};
use serde::Serialize;

use super::hex::{Address, Digest};
use super::stall::StallClass;
use super::words::{count, duration};

/// What went through a command ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandReport {
    /// `ring` or `ring-threaded`.
    pub submit: &'static str,
    /// Capacity of the ring in packets.
    pub slots: u32,
    /// Packets that were published.
    pub submitted: u64,
    /// Packets that took effect, those of indirect buffers included.
    pub passed: u64,
    /// Batches of them.
    pub batches: u64,
    /// Times that the bell was rung.
    pub bells: u64,
    /// Command fences that were passed.
    pub fences: u64,
    /// Packets that were claimed and are not passed.
    pub not_reached: u64,
    /// Completions that were noticed a second time, by another route.
    pub duplicates: u64,
    /// The most packets in the ring at once, as who submits saw it.
    pub high_water: u64,
    /// What took effect, where and in which order.
    pub digest: Digest,
    /// Why the processor stopped for good, if it did.
    pub halt: Option<HaltedReport>,
}

impl CommandReport {
    /// The line that tells of it.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "{}: {} in {}, {} passed, {} not reached; {}, {}; high water {} of {}",
            self.submit,
            count(self.submitted, "packet"),
            if self.batches == 1 {
                "1 batch".to_owned()
            } else {
                format!("{} batches", self.batches)
            },
            self.passed,
            self.not_reached,
            count(self.bells, "bell"),
            count(self.fences, "fence"),
            self.high_water,
            count(u64::from(self.slots), "slot"),
        );
        if self.duplicates > 0 {
            text += &format!("; {} noticed again", count(self.duplicates, "completion"));
        }
        text
    }
}

/// A processor that stopped for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HaltedReport {
    /// The ring position of the packet, or of the one that led to it.
    pub position: u64,
    /// How many indirect buffers deep; 0: in the ring.
    pub depth: u32,
    /// The innermost of them.
    pub buffer: Address,
    /// Which of its packets.
    pub index: u32,
    /// The packet without its sequence.
    pub words: [Address; 7],
    /// Why, in words.
    pub cause: String,
    /// Packets behind it, which are lost.
    pub behind: u64,
}

impl HaltedReport {
    /// What is to be told of `halt`.
    pub fn of(halt: &Halt) -> Self {
        Self {
            position: halt.place.position,
            depth: halt.place.depth,
            buffer: Address(halt.place.buffer),
            index: halt.place.index,
            words: halt.words.map(Address),
            cause: halt.cause.to_string(),
            behind: halt.behind,
        }
    }

    /// Where, what and why, in one sentence.
    pub fn message(&self) -> String {
        let mut text = format!(
            "the command ring's processor stopped at position {}",
            self.position
        );
        if self.depth > 0 {
            let (index, buffer, depth) = (self.index, self.buffer, self.depth);
            let _infallible = write!(
                text,
                ", packet {index} of the indirect buffer {buffer} at depth {depth}"
            );
        }
        let words: Vec<String> = self.words.iter().map(Address::to_string).collect();
        let _infallible = write!(text, ": {}; it holds [{}]", self.cause, words.join(" "));
        text
    }
}

/// Where the processor of a run's command ring stands that does not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandStall {
    /// `slow`, `starved` or `livelock`.
    pub verdict: &'static str,
    /// The first position that was not passed.
    pub position: u64,
    /// Where it was to arrive.
    pub target: u64,
    /// Packets that took effect since it came to its position.
    pub packets: u64,
    /// Tasks that completed since then.
    pub completed: u64,
    /// Times that a jump came back to where one had been.
    pub revisits: u64,
    /// Packets that were claimed and are not passed.
    pub not_reached: u64,
    /// The same in one sentence.
    pub message: String,
    /// The stall that this explains, if it explains one.
    #[serde(skip)]
    class: Option<StallClass>,
}

impl CommandStall {
    /// What `evidence` says of a processor at `position`.
    pub fn of(evidence: &Evidence, position: u64) -> Self {
        let verdict = match evidence.verdict {
            Verdict::Slow => "slow",
            Verdict::Starved => "starved",
            Verdict::Livelock => "livelock",
        };
        let is_through = position >= evidence.target;
        let class = match evidence.verdict {
            Verdict::Livelock => Some(StallClass::CommandLivelock),
            Verdict::Starved if !is_through => Some(StallClass::CommandStarved),
            Verdict::Slow | Verdict::Starved => None,
        };
        let stands = match is_through {
            true => "is through".to_owned(),
            false => format!("stands at position {position} of {}", evidence.target),
        };
        let why = why(evidence, is_through);
        let took = duration(evidence.took_ns);
        Self {
            verdict,
            position,
            target: evidence.target,
            packets: evidence.packets,
            completed: evidence.completed,
            revisits: evidence.revisits,
            not_reached: evidence.not_reached,
            message: format!(
                "the command ring's processor {stands} for {took}{why} ({verdict}; {} not reached)",
                count(evidence.not_reached, "packet")
            ),
            class,
        }
    }

    /// The class of the stall that it explains.
    pub(super) const fn class(&self) -> Option<StallClass> {
        self.class
    }
}

fn why(evidence: &Evidence, is_through: bool) -> String {
    if is_through {
        return String::new();
    }
    let Some(Blocker {
        kind, waits_for, ..
    }) = evidence.blocker
    else {
        let (packets, revisits) = (
            count(evidence.packets, "packet"),
            count(evidence.revisits, "time"),
        );
        return format!(": it carried out {packets} there and came back {revisits} to one it had");
    };
    let what = kind.map_or_else(String::new, |kind| format!(", before a {kind:?} packet"));
    let waits = match waits_for {
        WaitsFor::Submission => "nobody submitted it".to_owned(),
        WaitsFor::Publication(_) => "it was claimed and is not published".to_owned(),
        WaitsFor::Counter {
            address,
            wanted,
            found,
        } => format!("counter {address:#x} is {found:?} and not {wanted} yet"),
        WaitsFor::Completions { running, oldest } => format!(
            "{} began before and did not end, the oldest at position {oldest}",
            count(running.into(), "task")
        ),
        WaitsFor::Executor => "its task finds no room".to_owned(),
    };
    format!("{what}: {waits}")
}

#[cfg(test)]
mod tests {
    use super::{CommandStall, HaltedReport};
    use crate::report::StallClass;
    use finbox_runtime::command::{
        BadPacket, Blocker, Cause, Evidence, Halt, Kind, Place, Verdict, WaitsFor,
    };

    fn evidence(verdict: Verdict, waits_for: Option<WaitsFor>) -> Evidence {
        Evidence {
            verdict,
            target: 9,
            distance: 0,
            packets: 40,
            completed: 0,
            revisits: 20,
            blocker: waits_for.map(|waits_for| Blocker {
                place: Place::default(),
                kind: Some(Kind::Fence),
                waits_for,
                since_ns: 0,
            }),
            not_reached: 2,
            took_ns: 3_000_000,
        }
    }

    #[test]
    fn a_stall_is_explained_by_what_others_must_bring_and_by_circles_not_by_slow_tasks() {
        let waits_for = WaitsFor::Completions {
            running: 3,
            oldest: 5,
        };
        let slow = CommandStall::of(&evidence(Verdict::Slow, Some(waits_for)), 7);
        assert_eq!((slow.verdict, slow.class()), ("slow", None));
        let said = "position 7 of 9 for 3.0 ms, before a Fence packet: 3 tasks began before and \
                    did not end, the oldest at position 5 (slow; 2 packets not reached)";
        assert!(slow.message.contains(said), "{}", slow.message);
        let publication = WaitsFor::Submission;
        let starved = evidence(Verdict::Starved, Some(publication));
        let class = |at| CommandStall::of(&starved, at).class();
        assert_eq!(
            [class(8), class(9)],
            [Some(StallClass::CommandStarved), None]
        );
        let livelock = CommandStall::of(&evidence(Verdict::Livelock, None), 7);
        assert_eq!(livelock.class(), Some(StallClass::CommandLivelock));
        let said = "it carried out 40 packets there and came back 20 times";
        assert!(livelock.message.contains(said), "{}", livelock.message);
    }

    #[test]
    fn a_halt_is_told_with_its_place_and_every_word() {
        let halt = Halt {
            place: Place {
                position: 4,
                depth: 1,
                buffer: 0x2000,
                index: 3,
            },
            words: [1, 2, 3, 4, 5, 6, 0xff],
            cause: Cause::Bad(BadPacket::Kind(1 << 20)),
            behind: 5,
        };
        let said = HaltedReport::of(&halt).message();
        let place = "at position 4, packet 3 of the indirect buffer 0x2000 at depth 1: packet kind";
        assert!(said.contains(place), "{said}");
        assert!(said.ends_with("[0x1 0x2 0x3 0x4 0x5 0x6 0xff]"), "{said}");
    }
}
