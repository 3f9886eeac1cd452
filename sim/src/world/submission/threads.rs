//! Submission by the wall clock: the caller's thread feeds, or sends packets that it carries out
//! itself or that a thread of their own does.
//!
//! Called by both worlds of real threads, on the thread that also watches the run.

use finbox_runtime::command::{
    Arrival, Clock as _, Executor, Halt, HostClock, Kind, Processor, ProcessorThread, Snapshot,
    run_threaded,
};
use finbox_runtime::threads::Running;
use finbox_runtime::{Drain, DrainLimits, drain};
use finbox_scheduler::{Ledger, Scheduler};

use super::{BATCH, Leg, Memory, PacketQueue, Passage, Sent, Tasks, Vigil};
use crate::device::Meter;
use crate::fault::BatchMishap;
use crate::world::feed::{Fed, Feed};
use crate::world::planned::Planned;
use crate::world::recorder::{RankProbe, Recorder};
use crate::world::{RunError, Settings};

/// Tasks wired in between two looks at deadline and progress.
const FEED_AT_ONCE: u64 = 256;

/// How long the fence may take when every task has ended.
const FINISH_NS: u64 = 1_000_000_000;

/// Where tasks are submitted: how, who listens, the threads and the schedulers of all ranks.
type Site<'x, 'm> = (
    &'x Settings,
    &'x Recorder<'x>,
    &'x Running,
    &'x [&'x Scheduler<'m>],
);

/// How the tasks of a run come in, for whoever watches it.
pub(in crate::world) trait Intake {
    /// Submits some more, as far as there is room; returns how many tasks or packets went on.
    fn some(&mut self) -> Result<u64, RunError>;

    /// Tasks that were wired in.
    fn submitted(&self) -> u64;

    /// Every task has ended: whether everything that was submitted is answered for.
    fn finish(&mut self) -> bool;
}

/// What came of a run's submission.
pub(in crate::world) struct Ended<R> {
    /// What the body returned.
    pub(in crate::world) result: R,
    /// What the submitters counted.
    pub(in crate::world) ledger: Ledger,
    /// What plans have to say.
    pub(in crate::world) planned: Planned,
    /// What went through the ring, if there is one.
    pub(in crate::world) passage: Option<Passage>,
}

/// Lends `body` the intake that the settings ask for. `mishaps` says of each batch that there is
/// room for what goes wrong with it.
///
/// # Errors
/// A thread could not be started, or a task was refused for good.
pub(in crate::world) fn through<'x, 'm, R>(
    feed: Feed<'x, 'm>,
    (settings, recorder, running, schedulers): Site<'x, 'm>,
    mishaps: &mut dyn FnMut() -> Option<BatchMishap>,
    body: impl FnOnce(&mut dyn Intake) -> R,
) -> Result<Ended<R>, RunError> {
    let (memory, probes) = (Memory::of(settings), recorder.probes());
    let Some(mut memory) = memory else {
        let mut intake = Direct {
            feed,
            site: (running, schedulers, &probes, recorder.meter()),
        };
        let result = body(&mut intake);
        return Ok(Ended {
            result,
            ledger: ledger(&intake.feed),
            planned: intake.feed.planned(schedulers, recorder.meter().now()),
            passage: None,
        });
    };
    let tasks = Tasks::new(feed, (schedulers, &probes), recorder).waking(running);
    let (mut queue, mut processor) = memory.ends(tasks, settings);
    let clock = HostClock::start();
    let mut leg = Leg::begin(processor.snapshot(), clock.now_ns());
    let result = if settings.submit.has_bell() {
        let ended = run_threaded(&mut processor, &clock, |thread| {
            let mut side = *thread;
            let (queue, leg) = (&mut queue, &mut leg);
            body(&mut Ring::new(
                (queue, &mut side),
                leg,
                (&clock, running),
                mishaps,
            ))
        });
        ended.map_err(|error| RunError::Thread(error.kind()))?
    } else {
        let (queue, leg) = (&mut queue, &mut leg);
        body(&mut Ring::new(
            (queue, &mut processor),
            leg,
            (&clock, running),
            mishaps,
        ))
    };
    if let Some(error) = processor.executor_mut().take_error() {
        return Err(error);
    }
    let (snapshot, now_ns) = (processor.snapshot(), clock.now_ns());
    leg.look(&snapshot, now_ns);
    let feed = processor.executor_mut().feed_mut();
    let planned = feed.planned(schedulers, recorder.meter().now());
    Ok(Ended {
        result,
        ledger: ledger(processor.executor().feed()),
        planned,
        passage: Some(Passage::of(settings, &queue, (&leg, &snapshot), now_ns)),
    })
}

/// Waits until `tasks` tasks have ended and `intake` is through. `winds_down` is called again and
/// again: while it says no, more is submitted.
pub(in crate::world) fn watch(
    (running, tasks): (&Running, u64),
    limits: DrainLimits,
    intake: &mut dyn Intake,
    mut winds_down: impl FnMut(&dyn Intake) -> bool,
) -> Drain<RunError> {
    let ended = drain(running, tasks, limits, || match winds_down(intake) {
        true => Ok(0),
        false => intake.some(),
    });
    match ended {
        Drain::Done if !intake.finish() => Drain::Stuck,
        ended => ended,
    }
}

fn ledger(feed: &Feed<'_, '_>) -> Ledger {
    let mut ledger = Ledger::default();
    feed.ledgers().for_each(|part| ledger.merge(part));
    ledger
}

/// Without a ring.
struct Direct<'x, 'm> {
    feed: Feed<'x, 'm>,
    site: (
        &'x Running,
        &'x [&'x Scheduler<'m>],
        &'x [RankProbe<'x>],
        &'x Meter,
    ),
}

impl Intake for Direct<'_, '_> {
    fn some(&mut self) -> Result<u64, RunError> {
        let (running, schedulers, probes, meter) = self.site;
        let mut fed = 0;
        let moved = self.feed.has_streams() && self.feed.turn(schedulers, meter.now()).moved;
        while fed < FEED_AT_ONCE {
            let Fed::Task(_) = self.feed.next(schedulers, probes, meter.now())? else {
                break;
            };
            fed += 1;
        }
        fed += u64::from(moved);
        if fed > 0 {
            running.wake_dispatch();
        }
        Ok(fed)
    }

    fn submitted(&self) -> u64 {
        self.feed.ledgers().map(|part| part.submitted).sum()
    }

    fn finish(&mut self) -> bool {
        true
    }
}

/// Who carries packets out: this thread or another.
trait Side {
    /// As [`Processor::drain_until`].
    fn drain(&mut self, target: u64, budget_ns: u64, clock: &HostClock) -> Result<Arrival, Halt>;

    fn snapshot(&self) -> Snapshot;
}

impl<E: Executor> Side for Processor<'_, E> {
    fn drain(&mut self, target: u64, budget_ns: u64, clock: &HostClock) -> Result<Arrival, Halt> {
        self.drain_until(target, budget_ns, clock)
    }

    fn snapshot(&self) -> Snapshot {
        self.snapshot()
    }
}

impl Side for ProcessorThread<'_, HostClock> {
    fn drain(&mut self, target: u64, budget_ns: u64, _: &HostClock) -> Result<Arrival, Halt> {
        self.drain_until(target, budget_ns)
    }

    fn snapshot(&self) -> Snapshot {
        self.board().snapshot()
    }
}

/// Through a ring: the submitting side.
struct Ring<'s, 'r> {
    queue: &'s mut PacketQueue<'r>,
    side: &'s mut dyn Side,
    leg: &'s mut Leg,
    clock: &'s HostClock,
    running: &'s Running,
    mishaps: &'s mut dyn FnMut() -> Option<BatchMishap>,
    /// The first position that was not told as progress.
    told: u64,
    vigil: Vigil,
}

impl<'s, 'r> Ring<'s, 'r> {
    fn new(
        (queue, side): (&'s mut PacketQueue<'r>, &'s mut dyn Side),
        leg: &'s mut Leg,
        (clock, running): (&'s HostClock, &'s Running),
        mishaps: &'s mut dyn FnMut() -> Option<BatchMishap>,
    ) -> Self {
        Self {
            queue,
            side,
            leg,
            clock,
            running,
            mishaps,
            told: 0,
            vigil: Vigil::default(),
        }
    }

    /// Sends what there is room for: for a processor on this thread a batch at a time.
    fn send(&mut self) {
        if self.queue.has_bell() {
            let batches = FEED_AT_ONCE / BATCH as u64;
            for _ in 0..batches {
                let Sent::Batch { .. } = self.queue.send(&mut *self.mishaps) else {
                    return;
                };
            }
        } else if self.side.snapshot().statistics.position >= self.queue.sent_end() {
            let _full_or_over = self.queue.send(&mut *self.mishaps);
        }
    }

    /// How many positions were passed since this was asked last. A processor that stopped for
    /// good, or goes in circles for good, ends the run.
    fn watch(&mut self) -> u64 {
        let (snapshot, now_ns) = (self.side.snapshot(), self.clock.now_ns());
        self.leg.look(&snapshot, now_ns);
        if snapshot.halt.is_some() || self.leg.is_livelock(&snapshot, now_ns) {
            self.running.stop_flag().stop();
        }
        let position = snapshot.statistics.position;
        if self.vigil.is_to_ring(position, now_ns) && position < self.queue.target() {
            self.queue.ring();
        }
        position - std::mem::replace(&mut self.told, position)
    }
}

impl Intake for Ring<'_, '_> {
    fn some(&mut self) -> Result<u64, RunError> {
        let mut all = 0;
        while all < FEED_AT_ONCE {
            self.send();
            if !self.queue.has_bell() {
                // What it came to is in the snapshot, which is looked at below.
                let _arrival = self.side.drain(self.queue.sent_end(), 0, self.clock);
            }
            match self.watch() {
                0 => break,
                passed => all += passed,
            }
        }
        Ok(all)
    }

    fn submitted(&self) -> u64 {
        self.side.snapshot().statistics.of(Kind::Launch)
    }

    fn finish(&mut self) -> bool {
        let ended = self.side.drain(self.queue.target(), FINISH_NS, self.clock);
        matches!(ended, Ok(Arrival::Reached { .. }))
    }
}
