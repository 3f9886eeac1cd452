//! What the planning lock protects: buffers, timelines, tasks on no stream, gaps.

use finbox_scheduler::{Fate, SlotId};

use super::error::{Gap, PlanError};
use super::freeing::Freeing;
use super::gaps::Gaps;
use super::loose::Loose;
use super::request::{Argument, Memory, Request};
use super::{Mode, PlanStats};
use crate::buffer::{Access, BufferId, BufferUse, Buffers};
use crate::launch::OwnError;
use crate::stream::{ReserveError, Stage, TimePoint, TimelineId, Timelines, Wait};
use crate::user::Party;

/// A dropped launch, which is reached behind tasks on no stream too.
#[derive(Debug)]
struct Dropped {
    point: TimePoint,
    launcher: u32,
    tasks: Vec<SlotId>,
}

#[derive(Debug)]
pub(crate) struct Desk {
    mode: Mode,
    pub(crate) timelines: Timelines,
    /// Of each timeline, whether its device tracks uses.
    tracks: Vec<bool>,
    /// Of each timeline, who launches on it.
    pub(super) owners: Vec<Option<u32>>,
    /// Of each timeline that ended, whether its launcher has seen that none of its launches runs.
    pub(super) rests: Vec<bool>,
    pub(super) loose: Loose,
    dropped: Vec<Dropped>,
    pub(crate) buffers: Buffers<Party>,
    pub(super) freeing: Vec<Freeing>,
    pub(super) spare: Vec<Vec<Party>>,
    gaps: Gaps,
    pub(super) stats: PlanStats,
}

impl Desk {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            timelines: Timelines::default(),
            tracks: Vec::new(),
            owners: Vec::new(),
            rests: Vec::new(),
            loose: Loose::default(),
            dropped: Vec::new(),
            buffers: Buffers::default(),
            freeing: Vec::new(),
            spare: Vec::new(),
            gaps: Gaps::default(),
            stats: PlanStats::default(),
        }
    }

    pub(super) fn open(
        &mut self,
        name: &str,
        (is_foreign, tracks): (bool, bool),
        now_ns: u64,
    ) -> TimelineId {
        self.tracks.push(tracks);
        self.owners.push(None);
        self.rests.push(false);
        self.timelines.open(name, is_foreign, now_ns)
    }

    /// The number of one more launcher.
    pub(crate) fn next_launcher(&mut self) -> u32 {
        self.loose.open()
    }

    /// Launches on `stream` are `launcher`'s from now on.
    pub(crate) fn own(&mut self, stream: TimelineId, launcher: u32) -> Result<(), OwnError> {
        let owner = self.owners.get_mut(stream.index());
        let owner = owner.ok_or(OwnError::Unknown(stream))?;
        if self.timelines.is_foreign(stream) {
            return Err(OwnError::Foreign(stream));
        }
        if owner.is_some() {
            return Err(OwnError::Owned(stream));
        }
        *owner = Some(launcher);
        Ok(())
    }

    /// No launch of `stream`, which has ended, runs any more, nor will.
    pub(crate) fn rests(&mut self, stream: TimelineId) {
        self.rests[stream.index()] = true;
    }

    /// What became of a user, as far as it was told.
    pub(super) fn fate((timelines, loose): (&Timelines, &Loose), user: Party) -> Fate {
        match user {
            Party::Launch { timeline, value } => timelines.fate(TimePoint::new(timeline, value)),
            Party::Task { launcher, slot } => loose.fate(launcher, slot),
        }
    }

    pub(super) fn declare(&mut self, size_bytes: u64) -> BufferId {
        self.buffers.declare(size_bytes)
    }

    pub(super) fn gaps(&self) -> Vec<Gap> {
        self.gaps.list().to_vec()
    }

    pub(super) fn state_of(&self, buffer: BufferId) -> usize {
        self.buffers.state_of(buffer)
    }

    /// Plans a launch as a whole, or changes nothing.
    pub(super) fn plan(
        &mut self,
        stream: TimelineId,
        request: &mut Request,
    ) -> Result<TimePoint, PlanError> {
        let refused = |error| PlanError::Reserve {
            launch: request.launch().to_owned(),
            error,
        };
        self.timelines.check_stream(stream).map_err(refused)?;
        let tracks = self.tracks[stream.index()];
        self.find(stream, tracks, request)?;
        for wait in &request.explicit {
            let checked = self.timelines.check_wait(wait);
            checked.map_err(|error| PlanError::Reserve {
                launch: request.launch().to_owned(),
                error,
            })?;
        }
        if let Err(other) = self.collect(stream, request) {
            return Err(self.elsewhere(request, other));
        }
        let reserved = self
            .timelines
            .reserve(stream, &request.waits, Stage::Planned);
        let point = reserved.map_err(|error| PlanError::Reserve {
            launch: request.launch().to_owned(),
            error,
        })?;
        // From here on nothing is refused.
        if tracks {
            let known = (&self.timelines, &self.loose);
            let fate = |user| Self::fate(known, user);
            self.buffers.record(&request.uses, point.into(), fate);
            request.tracked = request.uses.len();
        }
        self.stats.planned += 1;
        self.stats.tracked_uses += request.tracked as u64;
        if !tracks || !request.is_plain {
            self.gaps.note(stream, tracks, request);
        }
        Ok(point)
    }

    fn check_arguments(
        &self,
        stream: TimelineId,
        tracks: bool,
        request: &Request,
    ) -> Result<(), PlanError> {
        for (argument, one) in request.arguments.iter().enumerate() {
            let launch = || request.launch().to_owned();
            let label = || request.label(argument).to_owned();
            match &one.memory {
                Memory::Buffer(one) => {
                    let checked = self.buffers.check(argument, one);
                    checked.map_err(|error| PlanError::Use {
                        launch: launch(),
                        label: label(),
                        error,
                    })?;
                    if !tracks && self.mode == Mode::Strict {
                        return Err(PlanError::Untracked {
                            launch: launch(),
                            argument,
                            label: label(),
                            stream: self.timelines.name(stream),
                        });
                    }
                }
                &Memory::External { address } if self.mode == Mode::Strict => {
                    return Err(PlanError::External {
                        launch: launch(),
                        argument,
                        label: label(),
                        address,
                    });
                }
                Memory::External { .. } => {}
            }
        }
        Ok(())
    }

    /// What the uses conflict with. Uses that are all right are looked at once, merged.
    fn find(
        &mut self,
        stream: TimelineId,
        tracks: bool,
        request: &mut Request,
    ) -> Result<(), PlanError> {
        let Self { buffers, .. } = self;
        if tracks && request.is_plain && buffers.plan(&request.uses, &mut request.found).is_ok() {
            return Ok(());
        }
        request.found.clear();
        self.check_arguments(stream, tracks, request)?;
        if !tracks {
            return Ok(());
        }
        let found = self.buffers.plan(&request.uses, &mut request.found);
        found.map_err(|error| PlanError::Use {
            launch: request.launch().to_owned(),
            label: request.label(error.argument()).to_owned(),
            error,
        })
    }

    /// What the launch waits for: explicitly, of each other stream the last point that its uses
    /// conflict with, and tasks. It waits for what those come behind too: so a circle through a
    /// task is seen. What was reached is no wait.
    ///
    /// # Errors
    /// A task of another launcher's that is not over.
    fn collect(&self, stream: TimelineId, request: &mut Request) -> Result<(), Party> {
        let owner = self.owners[stream.index()];
        let is_met = |point| self.timelines.fate(point) == Fate::Completed;
        let Request {
            explicit,
            found,
            waits,
            tasks,
            ..
        } = &mut *request;
        waits.extend(explicit.iter().filter(|wait| !is_met(wait.point)));
        let hazards = waits.len();
        for user in found.iter() {
            match *user {
                Party::Launch { timeline, value } => {
                    self.wait_for(TimePoint::new(timeline, value), stream, (waits, hazards));
                }
                Party::Task { launcher, slot } if owner == Some(launcher) => {
                    tasks.push(slot);
                    for &point in self.loose.behind(launcher, slot) {
                        self.wait_for(point, stream, (waits, hazards));
                    }
                }
                Party::Task { launcher, slot }
                    if self.loose.fate(launcher, slot) == Fate::Completed => {}
                Party::Task { .. } => return Err(*user),
            }
        }
        Ok(())
    }

    /// A launch on `stream` waits for `point`, of each other stream once: behind `hazards`.
    #[inline(always)]
    fn wait_for(
        &self,
        point: TimePoint,
        stream: TimelineId,
        (waits, hazards): (&mut Vec<Wait>, usize),
    ) {
        if point.timeline == stream {
            return;
        }
        let mut known = waits[hazards..].iter_mut();
        match known.find(|wait| wait.point.timeline == point.timeline) {
            // A later point than one that is not reached is not reached either.
            Some(wait) => wait.point = wait.point.max(point),
            None if self.timelines.fate(point) == Fate::Completed => {}
            None => waits.push(Wait::forever(point)),
        }
    }

    #[cold]
    fn elsewhere(&mut self, request: &Request, other: Party) -> PlanError {
        let merged = self.argument_of(&request.uses, other);
        let buffer = request.uses[merged].buffer;
        let is_its = |argument: &Argument| match &argument.memory {
            Memory::Buffer(one) => one.buffer == buffer,
            Memory::External { .. } => false,
        };
        let argument = request.arguments.iter().position(is_its);
        let argument = argument.expect("uses are made of arguments");
        PlanError::Elsewhere {
            launch: request.launch().to_owned(),
            argument,
            label: request.label(argument).to_owned(),
        }
    }

    /// The first of `uses`, which can be planned, that conflicts with `other`.
    pub(crate) fn argument_of(&mut self, uses: &[BufferUse], other: Party) -> usize {
        let mut found = Vec::new();
        let conflicts = |one: &BufferUse| {
            let planned = self.buffers.plan(std::slice::from_ref(one), &mut found);
            planned.is_ok() && found.contains(&other)
        };
        let argument = uses.iter().position(conflicts);
        argument.expect("it was found among what they conflict with")
    }

    pub(super) fn commit(&mut self, point: TimePoint) {
        self.stats.committed += 1;
        self.timelines.decide(point, Stage::Submitted);
    }

    /// The launch of `point` does nothing, behind its waits and `tasks`, which are its launcher's.
    pub(super) fn drop_plan(&mut self, point: TimePoint, tasks: &[SlotId]) {
        self.stats.dropped += 1;
        match self.owners[point.timeline.index()].filter(|_| !tasks.is_empty()) {
            Some(launcher) => self.dropped.push(Dropped {
                point,
                launcher,
                tasks: tasks.to_vec(),
            }),
            None => self.timelines.decide(point, Stage::Empty),
        }
    }

    pub(super) fn allocate(
        &mut self,
        stream: TimelineId,
        size_bytes: u64,
    ) -> Result<(BufferId, TimePoint), PlanError> {
        if size_bytes == 0 {
            return Err(PlanError::NoBytes);
        }
        let refused = |error: ReserveError| PlanError::Reserve {
            launch: "allocation".to_owned(),
            error,
        };
        self.timelines.check_stream(stream).map_err(refused)?;
        let reserved = self.timelines.reserve(stream, &[], Stage::Planned);
        let point = reserved.map_err(refused)?;
        let buffer = self.buffers.declare(size_bytes);
        let first = BufferUse {
            buffer,
            range: 0..size_bytes,
            access: Access::Out,
        };
        let known = (&self.timelines, &self.loose);
        self.buffers
            .record(&[first], point.into(), |user| Self::fate(known, user));
        self.timelines.decide(point, Stage::Empty);
        Ok((buffer, point))
    }

    /// `slot`, which is `launcher`'s and on no stream, has these uses and comes behind these
    /// points. `fate` tells of other users what is known.
    pub(crate) fn record_task(
        &mut self,
        (launcher, slot): (u32, SlotId),
        uses: &[BufferUse],
        behind: &[TimePoint],
        fate: impl Fn(SlotId) -> Fate,
    ) {
        if uses.is_empty() && behind.is_empty() {
            return;
        }
        self.loose.record((launcher, slot), behind, &fate);
        let known = (&self.timelines, &self.loose);
        let user = Party::Task { launcher, slot };
        self.buffers.record(uses, user, |user| match user {
            Party::Task { launcher: of, slot } if of == launcher => fate(slot),
            _ => Self::fate(known, user),
        });
    }

    /// Whether a task is over and completed, and which points it came behind.
    pub(crate) fn task(&self, launcher: u32, slot: SlotId) -> (bool, &[TimePoint]) {
        let is_done = self.loose.fate(launcher, slot) == Fate::Completed;
        (is_done, self.loose.behind(launcher, slot))
    }

    /// Looks which tasks of `launcher` are over: those that somebody waits for, and some others.
    /// `over` tells what became of a task that is. Returns how many were over for whoever waits.
    pub(crate) fn look(
        &mut self,
        launcher: u32,
        over: impl Fn(SlotId) -> Option<Fate>,
        now_ns: u64,
    ) -> u32 {
        let mut moved = 0;
        let Self {
            loose, timelines, ..
        } = self;
        for user in self.freeing.iter().flat_map(|one| &one.users) {
            match *user {
                Party::Task { launcher: of, slot } if of == launcher => {
                    moved += u32::from(loose.look_at(launcher, slot, &over));
                }
                _ => {}
            }
        }
        self.dropped.retain_mut(|one| {
            if one.launcher != launcher {
                return true;
            }
            let fates = || one.tasks.iter().map(|&slot| over(slot));
            if fates().any(|fate| fate.is_none()) {
                return true;
            }
            if fates().any(|fate| fate == Some(Fate::Failed)) {
                timelines.lose(one.point, "a task in front of it failed", now_ns);
            } else {
                timelines.decide(one.point, Stage::Empty);
            }
            moved += 1;
            false
        });
        loose.look(launcher, &over);
        moved
    }
}
