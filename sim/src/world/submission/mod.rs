//! How tasks come in: offered to the schedulers directly, or as packets of a command ring.
//!
//! Through the ring every task of the workload is a launch packet, in the global order, and a
//! command fence stands behind the last. The processor carries a launch out by offering the task
//! to the one [`Feed`](super::feed::Feed), so dependencies, scopes and back-pressure are what they
//! are without a ring, and so is every result. Guarantees: a run ends when its fence was answered;
//! a processor that stops for good, goes in circles or stands before a packet that nobody publishes
//! ends the run in words. Called by all worlds.
//!
//! | file | concept |
//! | --- | --- |
//! | `queue` | the submitting side: batches of packets, bells, and what goes wrong with them |
//! | `tasks` | the executor: launches offer tasks, and two routes tell of their ends |
//! | `leg` | how long the processor has stood where it stands, and why |
//! | `threads` | both sides by the wall clock |

mod leg;
mod queue;
mod tasks;
mod threads;

use clap::ValueEnum;
use finbox_mailbox::{Cell, Header};
use finbox_runtime::command::{Kind, Processor, Snapshot, command_ring};

pub(super) use self::leg::{Leg, Vigil};
pub(super) use self::queue::{PacketQueue, Sent};
pub(super) use self::tasks::Tasks;
pub(super) use self::threads::{Intake, through, watch};
use super::Settings;
use crate::report::{CommandReport, CommandStall, Digest, HaltedReport};

/// Packets of a batch at most.
pub(super) const BATCH: usize = 16;

/// Run epoch of a command ring, as of the schedulers beside it.
pub(super) const EPOCH: u32 = 1;

/// Slots of a command ring unless somebody says otherwise.
pub const DEFAULT_COMMAND_SLOTS: u32 = 1024;

/// How tasks are submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Submit {
    /// Offered to the schedulers one by one
    Direct,
    /// As packets of a command ring, carried out by whoever submits
    Ring,
    /// As packets of a command ring, carried out by a thread of their own
    RingThreaded,
}

impl Submit {
    /// The name as it is written on the command line and in the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Ring => "ring",
            Self::RingThreaded => "ring-threaded",
        }
    }

    /// Whether there is a command ring.
    pub const fn has_ring(self) -> bool {
        !matches!(self, Self::Direct)
    }

    /// Whether its processor is rung, because it acts by itself.
    pub const fn has_bell(self) -> bool {
        matches!(self, Self::RingThreaded)
    }
}

impl std::fmt::Display for Submit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.pad(self.as_str())
    }
}

/// What a command ring lies in.
pub(super) struct Memory {
    header: Header,
    cells: Box<[Cell]>,
    board: finbox_runtime::command::Board,
}

impl Memory {
    /// Enough for the ring that `settings` ask for, if they ask for one.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        settings.submit.has_ring().then(|| Self {
            header: Header::default(),
            cells: (0..settings.command_slots)
                .map(|_| Cell::default())
                .collect(),
            board: finbox_runtime::command::Board::default(),
        })
    }

    /// Both ends of the ring, whose processor offers `tasks`.
    pub(super) fn ends<'r, 'f, 'm, B: finbox_scheduler::Probe>(
        &'r mut self,
        tasks: Tasks<'f, 'm, B>,
        settings: &Settings,
    ) -> (PacketQueue<'r>, Processor<'r, Tasks<'f, 'm, B>>) {
        let all = tasks.all();
        let memory = (&mut self.header, &mut *self.cells);
        let (submitter, processor) = command_ring(memory, &mut self.board, (0, EPOCH), tasks);
        let room = usize::try_from(all).expect("tasks are in memory").max(1);
        (
            PacketQueue::new(submitter, all, settings.submit.has_bell()),
            processor.with_room(room),
        )
    }
}

/// What a run through a ring came to.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    /// What was counted.
    pub(super) report: CommandReport,
    /// Where the processor stands, if the run is stuck.
    pub(super) stall: CommandStall,
    /// A rule that did not hold.
    pub(super) broken: Option<String>,
}

impl Passage {
    /// Whether the processor stopped for good.
    pub(super) const fn is_halted(&self) -> bool {
        self.report.halt.is_some()
    }

    /// Sums up what `queue` sent and the processor is left with at `now_ns`.
    pub(super) fn of(
        settings: &Settings,
        queue: &PacketQueue<'_>,
        (leg, snapshot): (&Leg, &Snapshot),
        now_ns: u64,
    ) -> Self {
        let (sent, statistics) = (queue.counts(), &snapshot.statistics);
        let evidence = leg.evidence(snapshot, queue.target(), now_ns);
        let notices = &statistics.notices;
        let duplicates: u64 = notices.duplicate.iter().sum();
        let unknown: u64 = notices.unknown.iter().sum();
        let launched = statistics.of(Kind::Launch);
        let is_whole = snapshot.halt.is_none() && snapshot.running == 0;
        let broken = match () {
            () if unknown > 0 => Some(format!(
                "the command ring was told of {unknown} completions of what nobody launched"
            )),
            () if is_whole && statistics.completed != launched => Some(format!(
                "the command ring launched {launched} tasks and counted {} completions",
                statistics.completed
            )),
            () => None,
        };
        let report = CommandReport {
            submit: settings.submit.as_str(),
            slots: settings.command_slots,
            submitted: sent.packets,
            passed: statistics.packets(),
            batches: sent.batches,
            bells: sent.bells,
            fences: statistics.of(Kind::Fence),
            not_reached: snapshot.left,
            duplicates,
            high_water: sent.high_water,
            digest: Digest(statistics.digest()),
            halt: snapshot.halt.as_ref().map(HaltedReport::of),
        };
        Self {
            report,
            stall: CommandStall::of(&evidence, snapshot.statistics.position),
            broken,
        }
    }
}
