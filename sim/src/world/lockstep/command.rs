//! Submission in virtual time: directly, or through a command ring whose processor is the
//! submitter itself or an actor of its own.
//!
//! A batch is written in one step and is there when that step had come so far. One packet of the
//! ring is carried out a step. What a bell wakes acts when it was rung; who waits for the
//! processor rings again when that has stood for too long, so a lost bell costs time.

use std::collections::VecDeque;

use finbox_runtime::command::{Kind, Processor, Snapshot};
use finbox_scheduler::Scheduler;

use super::{Ended, STEP_NS, What, World};
use crate::fault::Injector;
use crate::world::actor::Nap;
use crate::world::costs::Costed;
use crate::world::feed::{Fed, Feed, Turned};
use crate::world::planned::Planned;
use crate::world::submission::{Leg, Memory, PacketQueue, Passage, Sent, Tasks, Vigil};
use crate::world::{RunError, Settings};

/// How the tasks of a run come in.
pub(super) enum Submission<'a, 'm> {
    Direct(Box<Feed<'a, 'm>>),
    Ring(Box<Ring<'a, 'm>>),
}

/// Both ends of a command ring.
pub(super) struct Ring<'a, 'm> {
    queue: PacketQueue<'a>,
    processor: Processor<'a, Tasks<'a, 'm, Costed<'a>>>,
    leg: Leg,
    vigil: Vigil,
    /// Ends of batches that are not there yet, and when they will be.
    written: VecDeque<(u64, u64)>,
}

impl<'a, 'm> Submission<'a, 'm> {
    /// The one that `settings` ask for; `memory` if that is a ring, with `tasks` as its executor.
    pub(super) fn new(
        memory: Option<&'a mut Memory>,
        settings: &Settings,
        feed: Feed<'a, 'm>,
        tasks: impl FnOnce(Feed<'a, 'm>) -> Tasks<'a, 'm, Costed<'a>>,
    ) -> Self {
        let Some(memory) = memory else {
            return Self::Direct(Box::new(feed));
        };
        let (queue, processor) = memory.ends(tasks(feed), settings);
        Self::Ring(Box::new(Ring {
            leg: Leg::begin(processor.snapshot(), 0),
            queue,
            processor,
            vigil: Vigil::default(),
            written: VecDeque::new(),
        }))
    }

    /// The submitters of all ranks.
    pub(super) fn feed(&self) -> &Feed<'a, 'm> {
        match self {
            Self::Direct(feed) => feed,
            Self::Ring(ring) => ring.processor.executor().feed(),
        }
    }

    /// What plans have to say when the run is over.
    pub(super) fn planned(&mut self, schedulers: &[&Scheduler<'_>], now: u64) -> Planned {
        match self {
            Self::Direct(feed) => feed.planned(schedulers, now),
            Self::Ring(ring) => {
                let feed = ring.processor.executor_mut().feed_mut();
                feed.planned(schedulers, now)
            }
        }
    }

    /// Whether everything that is to be submitted was, and is answered for.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Direct(_) => true,
            Self::Ring(ring) => ring.position() >= ring.queue.target(),
        }
    }

    /// How the run has to end, if the processor ends it.
    #[inline]
    pub(super) fn ended(&self, now: u64) -> Option<Ended> {
        let Self::Ring(ring) = self else {
            return None;
        };
        let snapshot = ring.processor.snapshot();
        match () {
            () if snapshot.halt.is_some() => Some(Ended::Halted),
            () if ring.leg.is_livelock(&snapshot, now) => Some(Ended::Stuck),
            () => None,
        }
    }

    /// What went through the ring up to `now`, if there is one.
    pub(super) fn passage(&self, settings: &Settings, now: u64) -> Option<Passage> {
        let Self::Ring(ring) = self else {
            return None;
        };
        let snapshot = ring.processor.snapshot();
        Some(Passage::of(
            settings,
            &ring.queue,
            (&ring.leg, &snapshot),
            now,
        ))
    }
}

/// What came of a processor's step.
enum Went {
    /// A task was wired in.
    Task(usize),
    /// Something else took effect.
    Packets,
    /// Nothing can be carried out now.
    Nothing,
}

impl Ring<'_, '_> {
    fn position(&self) -> u64 {
        self.processor.snapshot().statistics.position
    }

    /// Nobody carries out what was not there at `now`: how much later that is.
    fn not_before(&mut self, now: u64) -> u64 {
        let position = self.position();
        while self
            .written
            .front()
            .is_some_and(|&(end, _)| end <= position)
        {
            self.written.pop_front();
        }
        let there = self.written.front().map_or(0, |&(_, at_ns)| at_ns);
        there.saturating_sub(now)
    }

    /// Carries out the next packet of the ring, or up to 16 of an indirect buffer.
    fn turn(&mut self, now: u64) -> (Went, u64) {
        let before = self.processor.snapshot();
        let position = before.statistics.position;
        self.processor.turn(Some(position.wrapping_add(1)), now);
        let after = self.processor.snapshot();
        self.leg.look(&after, now);
        let passed = after.statistics.packets() - before.statistics.packets();
        let went = match self.launched(&before, &after) {
            Some(rank) => Went::Task(rank),
            None if passed > 0 => Went::Packets,
            None => Went::Nothing,
        };
        (went, passed)
    }

    /// On which rank a task was wired in between two snapshots, if one was.
    fn launched(&self, before: &Snapshot, after: &Snapshot) -> Option<usize> {
        let launches = |snapshot: &Snapshot| snapshot.statistics.of(Kind::Launch);
        let feed = self.processor.executor().feed();
        let last = feed.workload().order.get(feed.position().checked_sub(1)?)?;
        (launches(after) > launches(before)).then_some(last.rank as usize)
    }
}

impl World<'_, '_> {
    /// A step of whoever submits.
    pub(super) fn submit(&mut self, actor: usize) -> Result<(), RunError> {
        match &self.submission {
            Submission::Direct(_) => self.offer(actor),
            Submission::Ring(ring) if ring.queue.has_bell() => {
                self.send(actor);
                Ok(())
            }
            Submission::Ring(ring)
                if ring.queue.has_more() && ring.position() >= ring.queue.sent_end() =>
            {
                self.send(actor);
                Ok(())
            }
            Submission::Ring(_) => self.process(actor),
        }
    }

    /// Who wires tasks in.
    pub(super) fn feeder(&self) -> usize {
        self.submitter() + usize::from(self.settings.submit.has_bell())
    }

    /// One task, offered directly.
    fn offer(&mut self, actor: usize) -> Result<(), RunError> {
        let Submission::Direct(feed) = &mut self.submission else {
            return Ok(());
        };
        let turned = feed.turn(&self.schedulers, self.now);
        let fed = feed.next(&self.schedulers, self.probes, self.now)?;
        let has_streams = feed.has_streams();
        let next = self.now + self.meter.elapsed().max(STEP_NS);
        self.wake_told(&turned);
        match fed {
            Fed::Task(rank) => {
                self.go_on(actor, next, 0);
                self.wake(self.dispatch_of(rank));
            }
            Fed::Blocked(_) | Fed::All if turned.moved => self.go_on(actor, next, 0),
            Fed::Blocked(_) => self.actors.lay_down(actor, Nap::new(next, None, 0)),
            // What finishes moves streams.
            Fed::All if has_streams => self.actors.lay_down(actor, Nap::new(next, None, 0)),
            Fed::All => {}
        }
        Ok(())
    }

    /// Wakes the dispatch threads of ranks whose timelines' words changed.
    fn wake_told(&mut self, turned: &Turned) {
        for &rank in &turned.told {
            self.wake(self.dispatch_of(rank));
        }
    }

    /// One batch, as far as there is room for it.
    fn send(&mut self, actor: usize) {
        let Submission::Ring(ring) = &mut self.submission else {
            return;
        };
        self.actors.get_up(actor);
        let sent = ring.queue.send(|| Injector::batch(&mut self.injector));
        let cost = &self.settings.cost;
        match sent {
            Sent::Batch { packets, bells } => {
                let bells_ns = u64::from(bells) * cost.bell_ns;
                self.meter
                    .charge(u64::from(packets) * cost.packet_write_ns + bells_ns);
                let next = self.now + self.meter.elapsed().max(STEP_NS);
                ring.written.push_back((ring.queue.sent_end(), next));
                if bells > 0 {
                    self.queue.issue(next, What::Bell);
                }
                self.go_on(actor, next, 0);
            }
            // The run's drain goes on, also when whoever submitted has crashed.
            Sent::Full | Sent::All | Sent::Over => self.wait_for_processor(actor),
        }
    }

    /// Whoever submits waits: for room, or for the answer to the fence.
    fn wait_for_processor(&mut self, actor: usize) {
        let Submission::Ring(ring) = &mut self.submission else {
            return;
        };
        let position = ring.position();
        if position >= ring.queue.target() {
            return;
        }
        if ring.vigil.is_to_ring(position, self.now) && ring.queue.ring() > 0 {
            self.meter.charge(self.settings.cost.bell_ns);
            let rung = self.now + self.meter.elapsed();
            self.queue.issue(rung, What::Bell);
        }
        let next = self.now + self.meter.elapsed().max(STEP_NS);
        let again = next + ring.vigil.patience_ns();
        self.actors.lay_down(actor, Nap::new(next, None, 0));
        self.schedule(actor, again);
    }

    /// A step of the command ring's processor.
    pub(super) fn process(&mut self, actor: usize) -> Result<(), RunError> {
        let Submission::Ring(ring) = &mut self.submission else {
            return Ok(());
        };
        let read_ns = self.settings.cost.packet_read_ns;
        self.meter.charge(ring.not_before(self.now) + read_ns);
        let (went, passed) = ring.turn(self.meter.now());
        self.meter.charge(passed.saturating_sub(1) * read_ns);
        if let Some(error) = ring.processor.executor_mut().take_error() {
            return Err(error);
        }
        let next = self.now + self.meter.elapsed().max(STEP_NS);
        let (has_bell, has_more) = (ring.queue.has_bell(), ring.queue.has_more());
        let streams = ring.processor.executor_mut().take_turned();
        self.wake_told(&streams);
        match went {
            Went::Task(rank) => {
                self.go_on(actor, next, 0);
                self.wake(self.dispatch_of(rank));
            }
            // No sign of life: a task is one, and a packet that leads nowhere is none.
            Went::Packets => self.schedule(actor, next),
            Went::Nothing if streams.moved => self.go_on(actor, next, 0),
            Went::Nothing => {
                self.actors.lay_down(actor, Nap::new(next, None, 0));
                return Ok(());
            }
        }
        if has_bell && has_more {
            self.wake(self.submitter());
        }
        Ok(())
    }
}
