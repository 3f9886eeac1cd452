//! The processor: takes packets in order and carries them out on an executor.
//!
//! Guarantees: a packet takes effect once and in its place, or not at all; what cannot be carried
//! out yet holds up everything behind it; a packet that never can be stops the processor there.
//! Refuses to wait: [`Processor::turn`] carries out what it can and returns. Called by
//! [`Processor::drain_until`] on the caller's thread, and by [`super::threaded`] on its own.

use finbox_mailbox::{Consumer, Words};

use super::board::Board;
use super::evidence::{
    Arrival, Blocker, Cause, Halt, Journey, Place, Snapshot, Statistics, WaitsFor,
};
use super::executor::{Answer, Clock, Executor, Refusal, WorkId};
use super::flight::{Flight, USUAL_ROOM};
use super::levels::Levels;
use super::packet::{Command, Kind, Packet, Wait};
use super::wait::wait_within;

/// Packets carried out between two looks at clock and completions.
pub(crate) const TURN: u32 = 16;

/// The receiving end of a command ring: one value.
#[derive(Debug)]
pub struct Processor<'m, E> {
    consumer: Consumer<'m, Packet>,
    board: &'m Board,
    executor: E,
    levels: Levels,
    taken: Taken,
    flight: Flight,
    statistics: Statistics,
    blocker: Option<Blocker>,
    halt: Option<Halt>,
    /// What the mirror shows.
    mirrored: Snapshot,
}

/// The ring's packets that were taken together and have not taken effect: so their slots go back
/// together, and a submitter that waits for room does not get them one by one.
#[derive(Debug, Default)]
struct Taken {
    words: [Words; TURN as usize],
    next: usize,
    end: usize,
}

impl Taken {
    fn first(&self) -> Option<&Words> {
        self.words[..self.end].get(self.next)
    }

    fn count(&self) -> u64 {
        (self.end - self.next) as u64
    }

    fn clear(&mut self) {
        (self.next, self.end) = (0, 0);
    }

    fn push(&mut self, words: &Words) {
        self.words[self.end] = *words;
        self.end += 1;
    }

    /// The first one took effect.
    fn pass(&mut self) {
        self.next += 1;
    }
}

/// What to do with a packet.
enum Step {
    Pass,
    Enter,
    Wait(WaitsFor),
}

impl<'m, E: Executor> Processor<'m, E> {
    pub(crate) fn new(consumer: Consumer<'m, Packet>, board: &'m Board, executor: E) -> Self {
        let statistics = Statistics::begin(consumer.position());
        Self {
            mirrored: board.snapshot(),
            consumer,
            board,
            executor,
            levels: Levels::default(),
            taken: Taken::default(),
            flight: Flight::with_room(USUAL_ROOM),
            statistics,
            blocker: None,
            halt: None,
        }
    }

    /// The same, with room for so many launches, copies and signals between the oldest that runs
    /// and the newest, instead of 64. A stream whose launches wait for later ones wants room for
    /// all of these. Takes 16 bytes each; say so before the first packet.
    ///
    /// # Panics
    /// If there is to be room for nothing, or a launch, copy or signal has begun.
    #[must_use]
    pub fn with_room(self, room: usize) -> Self {
        let is_unused = self.flight.next() == WorkId(0);
        assert!(
            is_unused,
            "how much room there is is said before the first packet"
        );
        Self {
            flight: Flight::with_room(room),
            ..self
        }
    }

    /// What carried the packets out, when none is to be any more.
    pub fn into_executor(self) -> E {
        self.executor
    }

    /// What carries the packets out.
    pub const fn executor(&self) -> &E {
        &self.executor
    }

    /// As [`executor`](Self::executor), to change it.
    pub const fn executor_mut(&mut self) -> &mut E {
        &mut self.executor
    }

    /// How far it is.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            statistics: Statistics {
                completed: self.flight.completed(),
                notices: self.flight.notices(),
                ..self.statistics
            },
            blocker: self.blocker,
            running: self.flight.running(),
            revisits: self.levels.revisits(),
            left: match &self.halt {
                Some(halt) => halt.behind,
                None => self.unpassed(),
            },
            halt: self.halt,
        }
    }

    /// Whether something is to be done or to be looked at, at any level: a packet in the ring or
    /// claimed there, one in hand, an indirect buffer that is not through, work that runs.
    pub fn has_work(&self) -> bool {
        let is_open = self.unpassed() > 0 || self.levels.depth() > 0;
        self.halt.is_none() && (is_open || self.flight.running() > 0)
    }

    /// Carries out packets until the target is reached or the budget of nanoseconds is used up,
    /// whichever comes first, and says how far it came. Packets behind the target stay where they
    /// are. At least one turn of 16 packets is tried, so with a budget of 0 this is a poll.
    ///
    /// A launch is passed when it has begun; a barrier or a command fence before the target makes
    /// it wait for the end.
    ///
    /// # Errors
    /// [`Halt`], if the processor has stopped for good before the target. One that is behind the
    /// packet's place is never reached any more; one that was reached stays so.
    ///
    /// # Cost
    /// Returns at most a turn of 16 packets, and on a host's clock a rest of 1 ms, behind the
    /// budget, if the executor does not wait.
    pub fn drain_until<C: Clock>(
        &mut self,
        target: u64,
        budget_ns: u64,
        clock: &C,
    ) -> Result<Arrival, Halt> {
        let journey = Journey {
            target,
            began_ns: clock.now_ns(),
            begin: self.snapshot(),
        };
        wait_within(journey, budget_ns, clock, |now_ns| {
            self.turn(Some(target), now_ns);
            self.snapshot()
        })
    }

    /// Carries out up to 16 packets, none at or behind `until`, and answers for them. Returns
    /// whether anything changed that the mirror shows.
    ///
    /// # Panics
    /// If the executor does. The processor has stopped for good then.
    pub fn turn(&mut self, until: Option<u64>, now_ns: u64) -> bool {
        let guard = HaltOnUnwind(self);
        guard.0.carry_on(until, now_ns);
        core::mem::forget(guard);
        self.answer()
    }

    /// Carries out up to 16 packets, none at or behind `until`, and answers for fences alone.
    /// Whether anything took effect or completed.
    pub(super) fn carry_on(&mut self, until: Option<u64>, now_ns: u64) -> bool {
        let Self {
            executor, flight, ..
        } = self;
        let before = flight.completed();
        executor.look(&mut |route, work| flight.complete(route, work));
        let mut has_moved = flight.completed() != before;
        for carried in 0..TURN {
            let most = match until {
                Some(until) if is_reached(self.position(), until) => break,
                Some(until) => until.wrapping_sub(self.position()),
                None => u64::MAX,
            };
            let most = most.min(u64::from(TURN - carried));
            if self.halt.is_some() || !self.advance(most, now_ns) {
                break;
            }
            has_moved = true;
        }
        has_moved
    }

    /// Publishes how far it is, unless that is what the mirror shows: with what was submitted since
    /// it was published last, whoever did anything.
    pub(super) fn answer(&mut self) -> bool {
        let now = self.snapshot();
        let is_news = self.mirrored != now;
        if is_news {
            self.board.answer(&now);
            self.mirrored = now;
        }
        is_news
    }

    pub(crate) fn board(&self) -> &'m Board {
        self.board
    }

    fn position(&self) -> u64 {
        self.statistics.position
    }

    /// Packets claimed and not passed, those in hand included.
    fn unpassed(&self) -> u64 {
        u64::from(self.consumer.depth_hint()) + self.taken.count()
    }

    fn place(&self) -> Place {
        let (buffer, index) = self.levels.next().unwrap_or_default();
        Place {
            position: self.position(),
            depth: u32::try_from(self.levels.depth()).expect("at most MAX_DEPTH"),
            buffer,
            index,
        }
    }

    /// Carries out the next packet. `false`: it cannot be, yet or ever. Up to `most` are taken from
    /// the ring, if none is in hand.
    fn advance(&mut self, most: u64, now_ns: u64) -> bool {
        let place = self.place();
        let words = match self.words(most) {
            Ok(Some(words)) => words,
            Ok(None) => {
                let gap = self.consumer.gap();
                let waits_for = gap.map_or(WaitsFor::Submission, |gap| {
                    WaitsFor::Publication(gap.claimers)
                });
                self.block(place, None, waits_for, now_ns);
                return false;
            }
            Err(refusal) => return self.stop(place, Words::default(), Cause::Refused(refusal)),
        };
        let packet = match Packet::decode(&words, self.consumer.epoch()) {
            Ok(packet) => packet,
            Err(bad) => return self.stop(place, words, bad.into()),
        };
        match self.carry_out(&packet.command) {
            Ok(Step::Wait(waits_for)) => {
                self.block(place, Some(packet.command.kind()), waits_for, now_ns);
                false
            }
            Ok(step) => {
                self.blocker = None;
                self.pass(place, packet.command.kind(), &words, &step);
                true
            }
            Err(cause) => self.stop(place, words, cause),
        }
    }

    /// The words of the next packet, at whichever level; `None`: the ring has none.
    fn words(&mut self, most: u64) -> Result<Option<Words>, Refusal> {
        if let Some((buffer, index)) = self.levels.next() {
            return self.executor.fetch(buffer, index).map(Some);
        }
        let taken = &mut self.taken;
        if taken.first().is_none() {
            taken.clear();
            let most = u32::try_from(most).unwrap_or(TURN).min(TURN);
            self.consumer.drain(most, |_, words| taken.push(words));
        }
        Ok(self.taken.first().copied())
    }

    /// Asks the executor to begin something, if there is room for it.
    #[inline]
    fn begin(
        &mut self,
        ask: impl FnOnce(&mut E, WorkId) -> Result<Answer, Refusal>,
    ) -> Result<Step, Cause> {
        if !self.flight.has_room() {
            return Ok(Step::Wait(self.completions()));
        }
        let answer = ask(&mut self.executor, self.flight.next());
        Ok(match answer.map_err(Cause::Refused)? {
            Answer::Done => Step::Pass,
            Answer::Running => {
                self.flight.begin(self.position());
                Step::Pass
            }
            Answer::NotYet => Step::Wait(WaitsFor::Executor),
        })
    }

    fn carry_out(&mut self, command: &Command) -> Result<Step, Cause> {
        match command {
            Command::NoOp => Ok(Step::Pass),
            Command::Launch(launch) => self.begin(|executor, work| executor.launch(work, launch)),
            Command::Copy(copy) => self.begin(|executor, work| executor.copy(work, copy)),
            Command::Signal(signal) => self.begin(|executor, work| executor.signal(work, signal)),
            Command::Wait(wait) => self.wait(wait),
            Command::Barrier | Command::Fence => Ok(match self.flight.running() {
                0 => Step::Pass,
                _ => Step::Wait(self.completions()),
            }),
            Command::Indirect(indirect) => match self.levels.enter(indirect) {
                true => Ok(Step::Enter),
                false => Err(Cause::TooDeep),
            },
        }
    }

    fn wait(&mut self, wait: &Wait) -> Result<Step, Cause> {
        let found = self.executor.counter(wait.counter);
        let found = found.map_err(Cause::Refused)?;
        if found.is_some_and(|current| wait.is_met(current)) {
            return Ok(Step::Pass);
        }
        Ok(Step::Wait(WaitsFor::Counter {
            address: wait.counter,
            wanted: wait.value,
            found,
        }))
    }

    fn completions(&self) -> WaitsFor {
        WaitsFor::Completions {
            running: self.flight.running(),
            oldest: self.flight.oldest_position().unwrap_or(self.position()),
        }
    }

    /// The packet at `place` took effect; if it was the ring's, its position is passed.
    fn pass(&mut self, place: Place, kind: Kind, words: &Words, step: &Step) {
        self.statistics.pass(place, kind, words);
        if matches!(step, Step::Enter) || !self.levels.pass() {
            return;
        }
        self.taken.pass();
        self.statistics.position = self.position().wrapping_add(1);
        if kind == Kind::Fence {
            self.answer();
        }
    }

    /// Something stands in the way: since now, unless it stood there before.
    fn block(&mut self, place: Place, kind: Option<Kind>, waits_for: WaitsFor, now_ns: u64) {
        let same = self.blocker.filter(|blocker| {
            let same_wait =
                core::mem::discriminant(&blocker.waits_for) == core::mem::discriminant(&waits_for);
            blocker.place == place && same_wait
        });
        self.statistics.not_yet += u64::from(kind.is_some() && same.is_none());
        self.blocker = Some(Blocker {
            place,
            kind,
            waits_for,
            since_ns: same.map_or(now_ns, |blocker| blocker.since_ns),
        });
    }

    /// Stops for good, and has every submission refused from here on.
    #[cold]
    fn stop(&mut self, place: Place, words: Words, cause: Cause) -> bool {
        self.consumer.condemn();
        self.halt = Some(Halt {
            place,
            words,
            cause,
            behind: self.unpassed().saturating_sub(1),
        });
        self.blocker = None;
        false
    }
}

/// Whoever carries packets out with this in hand stops the processor for good when it panics:
/// drains and submitters learn of it, and no packet is carried out twice. Forgotten when all went
/// well.
pub(super) struct HaltOnUnwind<'p, 'm, E: Executor>(pub(super) &'p mut Processor<'m, E>);

impl<E: Executor> Drop for HaltOnUnwind<'_, '_, E> {
    fn drop(&mut self) {
        let processor = &mut *self.0;
        if processor.halt.is_none() {
            let words = match processor.levels.depth() {
                0 => processor.taken.first().copied().unwrap_or_default(),
                _ => Words::default(),
            };
            processor.stop(processor.place(), words, Cause::Panicked);
        }
        processor.answer();
    }
}

/// Whether a position is at or behind a target.
pub(crate) const fn is_reached(position: u64, target: u64) -> bool {
    position.wrapping_sub(target) as i64 >= 0
}
