//! One random course of a planner and its model.

use finbox_runtime::plan::{Mode, PlanError, PlanStats, Planned, Planner, Recorder};
use finbox_runtime::stream::{ReserveError, TimePoint, TimelineId, Wait};
use finbox_runtime::{Access, BufferId, BufferUse};
use finbox_scheduler::Fate;
use oorandom::Rand32;

use super::manner::{Manner, Tally};
use super::model::{Launch, Line, Model, Stage, merged};

const BYTES: u32 = 64;
/// Plans of one thread that may be open at once.
const DEPTH: usize = 3;

pub(super) struct Course<'p> {
    planner: &'p Planner,
    model: Model,
    random: Rand32,
    manner: Manner,
    streams: Vec<TimelineId>,
    peer: TimelineId,
    alive: Vec<BufferId>,
    dead: Vec<BufferId>,
    /// Freed, and not given back.
    pending: Vec<BufferId>,
    now_ns: u64,
    allocations: u64,
    tally: Tally,
}

impl<'p> Course<'p> {
    /// A course of its own for every seed.
    pub(super) fn run(manner: Manner, seed: u64) -> Tally {
        let planner = Planner::new(Mode::Strict);
        let streams = ["a", "b", "c", "d"].map(|name| planner.stream(name, 0));
        let peer = planner.foreign("peer", 0);
        let mut model = Model::default();
        for &stream in &streams {
            model.open(stream, false);
        }
        model.open(peer, true);
        let mut recorders: Vec<_> = (0..DEPTH).map(|_| planner.recorder()).collect();
        let mut course = Course {
            planner: &planner,
            model,
            random: Rand32::new(seed),
            manner,
            streams: streams.to_vec(),
            peer,
            alive: (0..manner.buffers())
                .map(|_| planner.declare(u64::from(BYTES)))
                .collect(),
            dead: Vec::new(),
            pending: Vec::new(),
            now_ns: 0,
            allocations: 0,
            tally: Tally::default(),
        };
        for _ in 0..manner.steps() {
            course.step(&mut recorders);
        }
        course.finish(&mut recorders[0]);
        course.tally
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u32::try_from(end).expect("courses are short");
        self.random.rand_range(0..end) as usize
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn any_stream(&mut self) -> TimelineId {
        let index = self.below(self.streams.len());
        self.streams[index]
    }

    fn step(&mut self, recorders: &mut [Recorder<'p>]) {
        self.now_ns += 1;
        let has_faults = self.manner == Manner::Faults;
        let has_lives = self.manner != Manner::Pieces;
        match self.below(100) {
            0..45 => self.launch(recorders),
            45..70 => self.finish_one(),
            70..76 if has_lives => self.allocate(),
            76..82 if has_lives => self.free(),
            82..88 => self.take_freed(),
            88..92 => self.move_peer(),
            92..96 if has_faults => {
                self.planner.expire(self.now_ns);
                self.model.expire(self.now_ns);
            }
            96..97 if has_faults => {
                let stream = self.any_stream();
                let poisoned = self.planner.poison(stream, "a fault", self.now_ns);
                assert_eq!(poisoned.is_ok(), !self.model.line(stream).is_over);
                if poisoned.is_ok() {
                    self.model.poison(stream);
                }
            }
            _ => {}
        }
        self.compare();
    }

    /// Both know the same of every point.
    fn compare(&self) {
        for line in &self.model.lines {
            for value in 1..=line.reserved.max(line.reached) + 1 {
                let point = TimePoint::new(line.id, value);
                assert_eq!(
                    self.planner.fate(point),
                    Ok(self.model.fate(point)),
                    "{point}"
                );
            }
        }
    }

    fn random_use(&mut self) -> BufferUse {
        let is_stale = !self.dead.is_empty() && self.one_in(20);
        let among = if is_stale { &self.dead } else { &self.alive };
        let count = among.len();
        let index = self.below(count);
        let among = if is_stale { &self.dead } else { &self.alive };
        let buffer = among[index];
        let most = match self.one_in(3) {
            true => BYTES,
            false => BYTES / 16,
        };
        let start = self.random.rand_range(0..BYTES);
        let end = start + 1 + self.random.rand_range(0..most);
        let access = match self.below(5) {
            0 | 1 => Access::In,
            2 | 3 => Access::Out,
            _ => Access::InOut,
        };
        let range = u64::from(start)..u64::from(end.min(BYTES));
        BufferUse {
            buffer,
            range,
            access,
        }
    }

    fn random_wait(&mut self) -> Wait {
        if self.one_in(4) {
            let value = self.model.line(self.peer).reached + self.below(3) as u64;
            let deadline_ns = match self.manner {
                Manner::Faults => self.now_ns + self.below(40) as u64,
                _ => u64::MAX,
            };
            return Wait::until(TimePoint::new(self.peer, value), deadline_ns);
        }
        let stream = self.any_stream();
        let beyond = self.below(3) as u64;
        let value = self.model.line(stream).reserved + beyond;
        let back = self.below(3) as u64;
        Wait::forever(TimePoint::new(stream, value.saturating_sub(back)))
    }

    /// Plans a launch, and commits or drops it now or when others came between.
    fn launch(&mut self, recorders: &mut [Recorder<'p>]) {
        let Some((recorder, others)) = recorders.split_first_mut() else {
            return;
        };
        let stream = self.any_stream();
        let count = self.below(4);
        let uses: Vec<_> = (0..count).map(|_| self.random_use()).collect();
        let count = match self.manner {
            Manner::Calm | Manner::Pieces => 0,
            Manner::Waits | Manner::Faults => self.below(6) / 4,
        };
        let explicit: Vec<_> = (0..count).map(|_| self.random_wait()).collect();
        let Some(planned) = self.plan(recorder, stream, (&uses, &explicit)) else {
            return;
        };
        if self.one_in(4) {
            for _ in 0..4 {
                self.step(others);
            }
        }
        let point = planned.point();
        if self.one_in(5) {
            drop(planned);
            self.model.decide(point, Stage::Empty);
            self.tally.dropped += 1;
        } else {
            let submitted = planned.commit();
            let launch = self.model.launch(point).expect("it was planned");
            assert_eq!(submitted.waits(), launch.waits);
            assert_eq!(submitted.tracked_uses(), launch.uses.len());
            self.model.decide(point, Stage::Submitted);
        }
    }

    fn plan<'r>(
        &mut self,
        recorder: &'r mut Recorder<'p>,
        stream: TimelineId,
        (uses, explicit): (&[BufferUse], &[Wait]),
    ) -> Option<Planned<'r, 'p>> {
        let Line {
            reserved, is_over, ..
        } = *self.model.line(stream);
        let point = TimePoint::new(stream, reserved + 1);
        let mut recording = recorder.record(stream, "launch");
        for (index, one) in uses.iter().enumerate() {
            recording = recording.uses(&index.to_string(), one.clone());
        }
        for &wait in explicit {
            recording = recording.waits(wait);
        }
        let uses = merged(uses);
        let hazards = self.model.hazards(stream, &uses);
        let everything = hazards.iter().map(|&point| Wait::forever(point));
        let everything: Vec<_> = explicit.iter().copied().chain(everything).collect();
        let stale = uses.iter().any(|one| self.dead.contains(&one.buffer));
        match recording.plan() {
            Ok(planned) => {
                assert!(!is_over && !stale);
                // The waits of one that failed are forgotten, and a circle with them.
                let is_open = !self.model.closes_circle(point, &everything);
                assert!(is_open || self.model.never_runs(point, &everything));
                assert_eq!(planned.point(), point);
                self.tally.planned += 1;
                let waits = self.waits_of(point, explicit, &hazards);
                self.model.plan(Launch {
                    point,
                    uses,
                    waits,
                    stage: Stage::Planned,
                });
                Some(planned)
            }
            Err(PlanError::Use { error, label, .. }) => {
                assert!(stale && error.argument().to_string() == label);
                self.tally.stale += 1;
                None
            }
            Err(PlanError::Reserve { error, .. }) => {
                match error {
                    ReserveError::Poisoned { .. } => assert!(is_over),
                    ReserveError::Cycle(circle) => {
                        assert!(self.model.closes_circle(point, &everything), "{circle}");
                        assert_eq!(circle.0[0].1, point);
                        self.tally.circles += 1;
                    }
                    other => panic!("{other}"),
                }
                None
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// What the launch of `point` waits for: what was asked, and of each stream one that it
    /// conflicts with.
    fn waits_of(
        &mut self,
        point: TimePoint,
        explicit: &[Wait],
        hazards: &[TimePoint],
    ) -> Vec<Wait> {
        let is_met = |wait: &Wait| self.model.fate(wait.point) == Fate::Completed;
        let mut waits: Vec<_> = explicit
            .iter()
            .filter(|wait| !is_met(wait))
            .copied()
            .collect();
        let explained = self.planner.explain(point, self.now_ns);
        let told: Vec<_> = explained.expect("it is known").waits;
        let told: Vec<_> = told.iter().map(|place| place.point).collect();
        let asked: Vec<_> = waits.iter().map(|wait| wait.point).collect();
        // A stream that ended keeps no launches; then the model waits for all that it could.
        if told.is_empty() && self.planner.fate(point) == Ok(Fate::Failed) {
            waits.extend(hazards.iter().map(|&point| Wait::forever(point)));
            return waits;
        }
        assert_eq!(told[..asked.len()], asked);
        let found = &told[asked.len()..];
        for (index, point) in found.iter().enumerate() {
            assert!(hazards.contains(point), "{point} is in nobody's way");
            let same = found.iter().filter(|one| one.timeline == point.timeline);
            assert_eq!(same.count(), 1, "one a stream: {index}");
        }
        self.tally.hazards += found.len() as u64;
        waits.extend(found.iter().map(|&point| Wait::forever(point)));
        waits
    }

    /// Says of some launch that it has finished, rightly or wrongly.
    fn finish_one(&mut self) {
        let stream = self.any_stream();
        let line = self.model.line(stream);
        let next = line.reached + 1;
        let value = if self.one_in(8) { next + 1 } else { next };
        let point = TimePoint::new(stream, value);
        let may_finish = self
            .model
            .launch(point)
            .is_some_and(|one| self.model.may_finish(one));
        let advanced = self.planner.advance(point, self.now_ns);
        assert_eq!(advanced.is_ok(), may_finish, "{point}: {advanced:?}");
        if may_finish {
            self.model.advance(point);
        }
    }

    fn move_peer(&mut self) {
        let by = 1 + self.below(2) as u64;
        let point = TimePoint::new(self.peer, self.model.line(self.peer).reached + by);
        self.planner
            .advance(point, self.now_ns)
            .expect("nobody ended it");
        self.model.advance(point);
    }

    fn allocate(&mut self) {
        let stream = self.any_stream();
        let line = self.model.line(stream);
        let point = TimePoint::new(stream, line.reserved + 1);
        let is_over = line.is_over;
        match self.planner.allocate(stream, u64::from(BYTES)) {
            Ok((buffer, at)) => {
                assert_eq!((at, is_over), (point, false));
                let access = Access::Out;
                let range = 0..u64::from(BYTES);
                let uses = vec![BufferUse {
                    buffer,
                    range,
                    access,
                }];
                let waits = Vec::new();
                let stage = Stage::Planned;
                self.model.plan(Launch {
                    point,
                    uses,
                    waits,
                    stage,
                });
                self.model.decide(point, Stage::Empty);
                self.alive.push(buffer);
                self.allocations += 1;
            }
            Err(error) => assert!(is_over, "{error}"),
        }
    }

    /// Frees a buffer, and declares another if it was the last.
    fn free(&mut self) {
        let index = self.below(self.alive.len());
        let buffer = self.alive.swap_remove(index);
        self.planner.free(buffer).expect("it lives");
        self.planner.free(buffer).expect_err("its life is over");
        self.pending.push(buffer);
        self.dead.push(buffer);
        if self.alive.is_empty() {
            self.alive.push(self.planner.declare(u64::from(BYTES)));
        }
    }

    /// Memory is back when nobody uses it any more, and not before.
    fn take_freed(&mut self) {
        let mut freed = Vec::new();
        self.planner.take_freed(&mut freed);
        for one in freed {
            let known = self.pending.iter().position(|&buffer| buffer == one.buffer);
            self.pending
                .swap_remove(known.expect("it was freed and not given back"));
            assert_eq!(one.size_bytes, u64::from(BYTES));
            assert!(
                !self.model.is_in_use(one.buffer),
                "somebody still uses {one:?}"
            );
            self.tally.freed += 1;
        }
        // Who stood behind whom is not known of a stream that ended: memory may come later then.
        if !self.model.lines.iter().any(|line| line.is_over) {
            let unused = |buffer: &&BufferId| !self.model.is_in_use(**buffer);
            assert_eq!(self.pending.iter().find(unused), None);
        }
    }

    /// Plans what is waited for and lets everything finish that can.
    fn finish(&mut self, recorder: &mut Recorder<'p>) {
        let last = TimePoint::new(self.peer, self.model.line(self.peer).reached + 1_000);
        self.planner
            .advance(last, self.now_ns)
            .expect("nobody ended it");
        self.model.advance(last);
        while self.finish_front() || self.fill(recorder) {}
        self.model.line_mut(self.peer).reserved = 0;
        for line in &self.model.lines {
            assert!(
                line.is_over || line.reached >= line.reserved,
                "{line:?} hangs"
            );
            self.tally.ended += u64::from(line.is_over);
        }
        while let Some(buffer) = self.alive.pop() {
            self.planner.free(buffer).expect("it lives");
            self.pending.push(buffer);
        }
        self.take_freed();
        assert_eq!(self.pending, [], "everything is over");
        let PlanStats {
            planned,
            committed,
            dropped,
            ..
        } = self.planner.stats();
        assert_eq!((planned, dropped), (self.tally.planned, self.tally.dropped));
        assert_eq!(committed + dropped, planned);
        let launches = self.model.launches.len() as u64;
        assert_eq!(planned + self.allocations, launches);
    }

    /// Finishes the next launch of some stream.
    fn finish_front(&mut self) -> bool {
        let fronts = self
            .model
            .lines
            .iter()
            .filter_map(|line| self.model.front(line));
        let mut ready = fronts.filter(|launch| self.model.may_finish(launch));
        let Some(point) = ready.next().map(|launch| launch.point) else {
            return false;
        };
        self.planner
            .advance(point, self.now_ns)
            .expect("its turn has come");
        self.model.advance(point);
        true
    }

    /// Plans a launch for a value that is waited for and nobody has planned.
    fn fill(&mut self, recorder: &mut Recorder<'p>) -> bool {
        let is_live = |line: &&Line| !line.is_over;
        let fronts = self.model.lines.iter().filter(is_live);
        let fronts = fronts.filter_map(|line| self.model.front(line));
        let mut wanted = fronts.flat_map(|launch| &launch.waits).filter(|wait| {
            let line = self.model.line(wait.point.timeline);
            !line.is_foreign && !line.is_over && wait.point.value > line.reserved
        });
        let Some(stream) = wanted.next().map(|wait| wait.point.timeline) else {
            return false;
        };
        let planned = self.plan(recorder, stream, (&[], &[]));
        let point = planned
            .expect("a launch without waits is never refused")
            .commit()
            .point();
        self.model.decide(point, Stage::Submitted);
        true
    }
}
