//! The executor of a run's command ring: a launch is the next task, offered to its scheduler.
//!
//! Guarantees: tasks are offered in the global order and each once; a full scheduler is "not yet".
//! Two routes tell of a task's end: its fate, which is looked at, and the probe's event, which
//! comes by itself; the processor counts the first. Refuses launches out of order, and everything
//! that a run does not send. Called by the processor.

use finbox_mailbox::Words;
use finbox_runtime::command::{
    Answer, Command, Entry, Executor, Indirect, Launch, Packet, Refusal, Route, Signal, Transfer,
    WorkId,
};
use finbox_runtime::threads::Running;
use finbox_scheduler::{Probe, Scheduler};

use super::EPOCH;
use crate::device::Meter;
use crate::shared::Shared;
use crate::workload::TaskRef;
use crate::world::RunError;
use crate::world::feed::{Fed, Feed, Turned};
use crate::world::recorder::Recorder;

/// An indirect buffer that jumps to itself for ever.
pub(super) const LOOP_BUFFER: u64 = 0x1000;

/// One that was recorded in an earlier run.
pub(super) const STALE_BUFFER: u64 = 0x2000;

/// The launch is not of the task whose turn it is.
const OUT_OF_ORDER: Refusal = Refusal(1);

/// The task can never be wired in: see [`Tasks::take_error`].
const REFUSED: Refusal = Refusal(2);

/// A run sends no such thing.
const UNKNOWN: Refusal = Refusal(3);

/// Offers the tasks of a workload as launches ask for them.
pub(in crate::world) struct Tasks<'f, 'm, B> {
    feed: Feed<'f, 'm>,
    schedulers: &'f [&'f Scheduler<'m>],
    probes: &'f [B],
    told: &'f Shared<Vec<TaskRef>>,
    meter: &'f Meter,
    /// Who is woken for a task that was wired in, where threads are.
    running: Option<&'f Running>,
    /// What each task was begun as, by rank and index.
    works: Vec<Box<[u64]>>,
    /// Tasks of the global order whose fate was found decided, all before the first that is open.
    decided: usize,
    heard: Vec<TaskRef>,
    /// What streams came to since somebody took it.
    turned: Turned,
    error: Option<RunError>,
}

impl<'f, 'm, B: Probe> Tasks<'f, 'm, B> {
    pub(in crate::world) fn new(
        feed: Feed<'f, 'm>,
        (schedulers, probes): (&'f [&'f Scheduler<'m>], &'f [B]),
        recorder: &'f Recorder<'_>,
    ) -> Self {
        let told = recorder
            .told()
            .expect("it was asked to tell, with the ring");
        let ranks = feed.workload().ranks.iter();
        let works = ranks.map(|plan| vec![u64::MAX; plan.tasks.len()].into_boxed_slice());
        Self {
            works: works.collect(),
            feed,
            schedulers,
            probes,
            told,
            meter: recorder.meter(),
            running: None,
            decided: 0,
            heard: Vec::new(),
            turned: Turned::default(),
            error: None,
        }
    }

    /// The same, waking threads.
    pub(super) fn waking(self, running: &'f Running) -> Self {
        Self {
            running: Some(running),
            ..self
        }
    }

    /// How many tasks there are.
    pub(super) fn all(&self) -> u64 {
        self.feed.workload().order.len() as u64
    }

    pub(in crate::world) const fn feed(&self) -> &Feed<'f, 'm> {
        &self.feed
    }

    /// The same, to sum up its plans when the run is over.
    pub(in crate::world) const fn feed_mut(&mut self) -> &mut Feed<'f, 'm> {
        &mut self.feed
    }

    /// What streams came to since this was asked last.
    pub(in crate::world) fn take_turned(&mut self) -> Turned {
        std::mem::take(&mut self.turned)
    }

    /// Looks at the streams, which move when launches end.
    fn turn_streams(&mut self) {
        if !self.feed.has_streams() {
            return;
        }
        let turned = self.feed.turn(self.schedulers, self.meter.now());
        if let Some(running) = self.running.filter(|_| turned.moved) {
            running.wake_dispatch();
        }
        self.turned.moved |= turned.moved;
        self.turned.told.extend(turned.told);
    }

    /// Why the last task was refused for good, if one was.
    pub(in crate::world) fn take_error(&mut self) -> Option<RunError> {
        self.error.take()
    }
}

impl<B: Probe> Executor for Tasks<'_, '_, B> {
    fn launch(&mut self, work: WorkId, launch: &Launch) -> Result<Answer, Refusal> {
        let position = self.feed.position();
        if launch.kernel != position as u64 {
            return Err(OUT_OF_ORDER);
        }
        match self
            .feed
            .next(self.schedulers, self.probes, self.meter.now())
        {
            Ok(Fed::Task(_)) => {
                let at = self.feed.workload().order[position];
                self.works[at.rank as usize][at.task as usize] = work.0;
                if let Some(running) = self.running {
                    running.wake_dispatch();
                }
                Ok(Answer::Running)
            }
            Ok(Fed::Blocked(_)) => Ok(Answer::NotYet),
            Ok(Fed::All) => Err(OUT_OF_ORDER),
            Err(error) => {
                self.error = Some(error);
                Err(REFUSED)
            }
        }
    }

    fn copy(&mut self, _: WorkId, _: &Transfer) -> Result<Answer, Refusal> {
        Err(UNKNOWN)
    }

    fn signal(&mut self, _: WorkId, _: &Signal) -> Result<Answer, Refusal> {
        Err(UNKNOWN)
    }

    fn counter(&mut self, _: u64) -> Result<Option<u32>, Refusal> {
        Err(UNKNOWN)
    }

    fn fetch(&mut self, buffer: u64, index: u32) -> Result<Words, Refusal> {
        let again = Command::Indirect(Indirect {
            buffer: LOOP_BUFFER,
            packets: 2,
            entry: Entry::Jump,
        });
        let (command, epoch) = match (buffer, index) {
            (LOOP_BUFFER, 0) => (Command::NoOp, EPOCH),
            (LOOP_BUFFER, 1) => (again, EPOCH),
            (STALE_BUFFER, 0) => (Command::NoOp, EPOCH - 1),
            _ => return Err(UNKNOWN),
        };
        Ok(Packet { tag: 0, command }.words(epoch))
    }

    fn look(&mut self, tell: &mut dyn FnMut(Route, WorkId)) {
        self.turn_streams();
        let work_of =
            |works: &[Box<[u64]>], at: TaskRef| WorkId(works[at.rank as usize][at.task as usize]);
        while self.decided < self.feed.position() {
            let at = self.feed.workload().order[self.decided];
            if !self.feed.is_decided(at, self.schedulers) {
                break;
            }
            tell(Route::Polled, work_of(&self.works, at));
            self.decided += 1;
        }
        std::mem::swap(&mut *self.told.lock(), &mut self.heard);
        for at in self.heard.drain(..) {
            tell(Route::Told, work_of(&self.works, at));
        }
    }
}
