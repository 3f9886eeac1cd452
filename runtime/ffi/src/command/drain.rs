//! Drains, and what a processor says of itself.

use finbox_abi::{Answer, Versioned};
use finbox_runtime::command::{
    Arrival, Blocker, Cause, Evidence, Halt, Kind, Place, Route, Snapshot, Verdict, WaitsFor,
};

use super::{commanding, finbox_command_ring, finbox_packet, number_of};
use crate::edition::{guard, refuse_with};
use crate::scheduler::outside;
use crate::status::finbox_status;

/// Values of `finbox_arrival`'s `verdict`: why a drain took longer than its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_verdict {
    /// It did not: it arrived, or was halted.
    None = 0,
    /// It moves, or something that it began does: give it longer.
    Slow = 1,
    /// It stood before something that others must bring, a packet or a counter: look there.
    Starved = 2,
    /// It carries out packets and comes back to those it had: no budget is enough.
    Livelock = 3,
}

/// Values of `finbox_blocker`'s `waits_for`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_waits_for {
    /// Nothing stands in the way.
    Nothing = 0,
    /// Nobody has claimed this position.
    Submission = 1,
    /// Somebody claimed this position and has not published it.
    Publication = 2,
    /// A counter is too small.
    Counter = 3,
    /// What was begun before has not completed.
    Completions = 4,
    /// The executor said "not yet".
    Executor = 5,
}

/// Values of `finbox_halt`'s `cause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_halt_cause {
    /// It has not stopped.
    None = 0,
    /// The words are no packet.
    BadPacket = 1,
    /// The executor will never carry it out.
    Refused = 2,
    /// Indirect buffers within each other have a bound, which was reached.
    TooDeep = 3,
    /// The executor panicked at it; what it was doing is left as it was.
    Panicked = 4,
}

/// What stands in a processor's way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_blocker {
    /// Position in the ring, of the packet itself or of the one that led to it.
    pub position: u64,
    /// Address of the innermost indirect buffer; 0 in the ring.
    pub buffer: u64,
    /// Since when, in ns since the ring was made.
    pub since_ns: u64,
    /// COUNTER: its address.
    pub address: u64,
    /// COMPLETIONS: the ring position that began the oldest.
    pub oldest: u64,
    /// A `finbox_waits_for`.
    pub waits_for: u32,
    /// A `finbox_packet_kind`; 0: nothing stands there yet.
    pub kind: u32,
    /// How many indirect buffers deep; 0: in the ring.
    pub depth: u32,
    /// Which packet of the innermost.
    pub index: u32,
    /// COUNTER: the value to reach.
    pub wanted: u32,
    /// COUNTER: the value it has.
    pub found: u32,
    /// COUNTER: 1 if it could be read.
    pub is_read: u32,
    /// COMPLETIONS: how many run.
    pub running: u32,
    /// PUBLICATION: name of the producer that claimed it; 0 if it has none.
    pub claimer: u32,
    /// PUBLICATION: how many other producers announced the position as well.
    pub others: u32,
}

/// Where and why a processor has stopped for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_halt {
    /// Position in the ring, of the packet itself or of the one that led to it.
    pub position: u64,
    /// Address of the innermost indirect buffer; 0 in the ring.
    pub buffer: u64,
    /// Packets claimed in the ring behind it, which are lost.
    pub behind: u64,
    /// A `finbox_halt_cause`.
    pub cause: u32,
    /// REFUSED: the executor's number.
    pub refusal: u32,
    /// How many indirect buffers deep; 0: in the ring.
    pub depth: u32,
    /// Which packet of the innermost.
    pub index: u32,
    /// What stands there; zeroes if it could not be fetched. Its `seq` is 0.
    pub packet: finbox_packet,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_arrival {
    /// `FINBOX_ARRIVAL_SIZE`, set by the caller.
    pub struct_size: usize,
    /// The first position that was not passed.
    pub position: u64,
    /// Packets claimed and not reached.
    pub not_reached: u64,
    /// TIMEOUT: ring positions passed in this drain.
    pub distance: u64,
    /// TIMEOUT: packets that took effect in this drain, those of indirect buffers included.
    pub packets: u64,
    /// TIMEOUT: what it began that completed in this drain.
    pub completed: u64,
    /// TIMEOUT: times in this drain that a jump came back to where one had been.
    pub revisits: u64,
    /// TIMEOUT: how long the drain took, in ns.
    pub took_ns: u64,
    /// TIMEOUT: what stands in the way, the oldest of it.
    pub blocker: finbox_blocker,
    /// A `finbox_verdict`.
    pub verdict: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: integers, without padding.
unsafe impl Versioned for finbox_arrival {
    const NAME: &'static str = "finbox_arrival";
    const MINIMUM: usize = size_of::<usize>() + 144;
}

/// A processor as it saw itself last.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_command_snapshot {
    /// `FINBOX_COMMAND_SNAPSHOT_SIZE`, set by the caller.
    pub struct_size: usize,
    /// The first ring position that was not passed.
    pub position: u64,
    /// Every packet before this position is answered for; all else here is at least that new.
    pub answered: u64,
    /// Packets that took effect, those of indirect buffers included: of kind `n` at `n - 1`.
    pub passed: [u64; 8],
    /// How many of them stood in an indirect buffer.
    pub nested: u64,
    /// What took effect, where and in which order, as one number: the same, whoever did it.
    pub digest: u64,
    /// Launches, copies and signals that began and completed later, and have.
    pub completed: u64,
    /// Completions noticed again, by `finbox_route`.
    pub duplicate: [u64; 2],
    /// Completions of what never began, by `finbox_route`.
    pub unknown: [u64; 2],
    /// Times that a packet could not be carried out yet.
    pub not_yet: u64,
    /// How often the jumps at this position came back to where they had been.
    pub revisits: u64,
    /// Packets claimed in the ring and not passed.
    pub left: u64,
    /// What stands in the way now.
    pub blocker: finbox_blocker,
    /// Why it stopped for good, if it did.
    pub halt: finbox_halt,
    /// Launches, copies and signals that run.
    pub running: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: integers, without padding.
unsafe impl Versioned for finbox_command_snapshot {
    const NAME: &'static str = "finbox_command_snapshot";
    const MINIMUM: usize = size_of::<usize>() + 344;
}

static_assertions::const_assert_eq!(size_of::<finbox_blocker>(), 80);
static_assertions::const_assert_eq!(size_of::<finbox_halt>(), 104);
static_assertions::const_assert_eq!(Kind::COUNT, 8);
static_assertions::const_assert_eq!(Route::COUNT, 2);

impl From<&Blocker> for finbox_blocker {
    fn from(blocker: &Blocker) -> Self {
        let Place {
            position,
            depth,
            buffer,
            index,
        } = blocker.place;
        let here = Self {
            position,
            buffer,
            since_ns: blocker.since_ns,
            kind: blocker.kind.map_or(0, |kind| kind as u32),
            depth,
            index,
            ..Self::default()
        };
        let waits = |waits_for: finbox_waits_for| Self {
            waits_for: waits_for as u32,
            ..here
        };
        match blocker.waits_for {
            WaitsFor::Submission => waits(finbox_waits_for::Submission),
            WaitsFor::Publication(claimers) => Self {
                claimer: number_of(claimers.name),
                others: claimers.others,
                ..waits(finbox_waits_for::Publication)
            },
            WaitsFor::Counter {
                address,
                wanted,
                found,
            } => Self {
                address,
                wanted,
                found: found.unwrap_or(0),
                is_read: found.is_some().into(),
                ..waits(finbox_waits_for::Counter)
            },
            WaitsFor::Completions { running, oldest } => Self {
                running,
                oldest,
                ..waits(finbox_waits_for::Completions)
            },
            WaitsFor::Executor => waits(finbox_waits_for::Executor),
        }
    }
}

impl From<&Halt> for finbox_halt {
    fn from(halt: &Halt) -> Self {
        let (cause, refusal) = match halt.cause {
            Cause::Bad(_) => (finbox_halt_cause::BadPacket, 0),
            Cause::Refused(refusal) => (finbox_halt_cause::Refused, refusal.0),
            Cause::TooDeep => (finbox_halt_cause::TooDeep, 0),
            Cause::Panicked => (finbox_halt_cause::Panicked, 0),
        };
        Self {
            position: halt.place.position,
            buffer: halt.place.buffer,
            behind: halt.behind,
            cause: cause as u32,
            refusal,
            depth: halt.place.depth,
            index: halt.place.index,
            packet: finbox_packet::of(&halt.words),
        }
    }
}

impl finbox_arrival {
    fn at(position: u64, not_reached: u64) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            position,
            not_reached,
            distance: 0,
            packets: 0,
            completed: 0,
            revisits: 0,
            took_ns: 0,
            blocker: finbox_blocker::default(),
            verdict: finbox_verdict::None as u32,
            reserved: 0,
        }
    }

    fn late(position: u64, evidence: &Evidence) -> Self {
        let verdict = match evidence.verdict {
            Verdict::Slow => finbox_verdict::Slow,
            Verdict::Starved => finbox_verdict::Starved,
            Verdict::Livelock => finbox_verdict::Livelock,
        };
        let blocker = evidence.blocker.as_ref();
        Self {
            distance: evidence.distance,
            packets: evidence.packets,
            completed: evidence.completed,
            revisits: evidence.revisits,
            took_ns: evidence.took_ns,
            blocker: blocker.map(Into::into).unwrap_or_default(),
            verdict: verdict as u32,
            ..Self::at(position, evidence.not_reached)
        }
    }
}

/// Carries out packets, or waits until the ring's thread or another caller has, until the target is
/// reached or `budget_ns` is used up, whichever comes first. Packets behind the target stay in the
/// ring; a launch is passed when it has begun: a barrier or a command fence before the target makes
/// it wait for the end. With a budget of 0 it is a poll.
///
/// TIMEOUT with the evidence in `arrival` and in words; HALTED if the processor has stopped for
/// good before the target: `finbox_command_ring_snapshot` has the packet. Blocks for about the
/// budget at most, if the executor does not. Any number of threads; not from inside the executor.
///
/// # Safety
/// `ring` points to a command ring's storage, `arrival` to what its size says; both live until the
/// call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_command_ring_drain_until(
    ring: *mut finbox_command_ring,
    target: u64,
    budget_ns: u64,
    arrival: *mut finbox_arrival,
) -> finbox_status {
    guard(|| {
        outside()?;
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(arrival) }?;
        // SAFETY: handed on to the caller.
        let ring = unsafe { commanding(ring) }?;
        match ring.served.drain_until(target, budget_ns) {
            Ok(Arrival::Reached {
                position,
                not_reached,
            }) => {
                answer.put(&finbox_arrival::at(position, not_reached));
                Ok(())
            }
            Ok(Arrival::TimedOut(evidence)) => {
                let position = ring.submitter.board().snapshot().statistics.position;
                answer.put(&finbox_arrival::late(position, &evidence));
                Err(refuse_with(finbox_status::Timeout, &evidence))
            }
            Err(halt) => {
                answer.put(&finbox_arrival::at(halt.place.position, halt.behind));
                Err(refuse_with(finbox_status::Halted, &halt))
            }
        }
    })
}

fn snapshot_of(answered: u64, snapshot: &Snapshot) -> finbox_command_snapshot {
    let statistics = &snapshot.statistics;
    finbox_command_snapshot {
        struct_size: size_of::<finbox_command_snapshot>(),
        position: statistics.position,
        answered,
        passed: statistics.passed,
        nested: statistics.nested,
        digest: statistics.digest(),
        completed: statistics.completed,
        duplicate: statistics.notices.duplicate,
        unknown: statistics.notices.unknown,
        not_yet: statistics.not_yet,
        revisits: snapshot.revisits,
        left: snapshot.left,
        blocker: snapshot
            .blocker
            .as_ref()
            .map(Into::into)
            .unwrap_or_default(),
        halt: snapshot.halt.as_ref().map(Into::into).unwrap_or_default(),
        running: snapshot.running,
        reserved: 0,
    }
}

/// The processor as it saw itself last. Any thread.
///
/// # Safety
/// `ring` points to a command ring's storage, `snapshot` to what its size says; both live until the
/// call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_command_ring_snapshot(
    ring: *mut finbox_command_ring,
    snapshot: *mut finbox_command_snapshot,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(snapshot) }?;
        // SAFETY: handed on to the caller.
        let board = unsafe { commanding(ring) }?.submitter.board();
        let answered = board.answered();
        answer.put(&snapshot_of(answered, &board.snapshot()));
        Ok(())
    })
}
