//! What the planning lock protects: buffers, timelines, gaps.

use finbox_scheduler::{Fate, SlotId};

use super::error::{Gap, GapKind, PlanError};
use super::request::{Memory, Request};
use super::{Freed, Mode, PlanStats, Rule, holds};
use crate::buffer::{Access, BufferId, BufferUse, Buffers, UseError};
use crate::stream::{ReserveError, Stage, TimePoint, TimelineId, Timelines, Wait};
use crate::user::Party;

#[derive(Debug)]
struct Freeing {
    buffer: BufferId,
    bytes: u64,
    users: Vec<Party>,
    /// Whether `users` are the last launches of all streams.
    is_wide: bool,
}

#[derive(Debug)]
pub(crate) struct Desk {
    mode: Mode,
    pub(crate) timelines: Timelines,
    /// Of each timeline, whether its device tracks uses.
    tracks: Vec<bool>,
    /// Of each timeline, who launches on it.
    owners: Vec<Option<u32>>,
    launchers: u32,
    pub(crate) buffers: Buffers<Party>,
    freeing: Vec<Freeing>,
    spare: Vec<Vec<Party>>,
    gaps: Vec<Gap>,
    pub(super) stats: PlanStats,
}

impl Desk {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            timelines: Timelines::default(),
            tracks: Vec::new(),
            owners: Vec::new(),
            launchers: 0,
            buffers: Buffers::default(),
            freeing: Vec::new(),
            spare: Vec::new(),
            gaps: Vec::new(),
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
        self.timelines.open(name, is_foreign, now_ns)
    }

    /// The number of one more launcher.
    pub(crate) const fn next_launcher(&mut self) -> u32 {
        self.launchers += 1;
        self.launchers
    }

    /// Launches on `stream` are `launcher`'s from now on.
    pub(crate) fn own(&mut self, stream: TimelineId, launcher: u32) {
        self.owners[stream.index()] = Some(launcher);
    }

    /// What became of a user, as far as it is known without a scheduler.
    fn fate(timelines: &Timelines, user: Party) -> Fate {
        match user {
            Party::Launch { timeline, value } => timelines.fate(TimePoint::new(timeline, value)),
            Party::Task { .. } => Fate::Unfinished,
        }
    }

    pub(super) fn declare(&mut self, bytes: u64) -> BufferId {
        self.buffers.declare(bytes)
    }

    pub(super) fn gaps(&self) -> Vec<Gap> {
        self.gaps.clone()
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
        self.collect(stream, request)?;
        let reserved = self
            .timelines
            .reserve(stream, &request.waits, Stage::Planned);
        let point = reserved.map_err(|error| PlanError::Reserve {
            launch: request.launch().to_owned(),
            error,
        })?;
        // From here on nothing is refused.
        if tracks {
            let timelines = &self.timelines;
            let fate = |user| Self::fate(timelines, user);
            self.buffers.record(&request.uses, point.into(), fate);
            request.tracked = request.uses.len();
        }
        self.stats.planned += 1;
        self.stats.tracked_uses += request.tracked as u64;
        if !tracks || !request.is_plain {
            self.note_gaps(tracks, request);
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
    /// conflict with, and tasks. What was reached is no wait.
    fn collect(&self, stream: TimelineId, request: &mut Request) -> Result<(), PlanError> {
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
            let point = match *user {
                Party::Launch { timeline, value } => TimePoint::new(timeline, value),
                Party::Task { launcher, slot } if owner == Some(launcher) => {
                    tasks.push(slot);
                    continue;
                }
                Party::Task { .. } => {
                    let launch = request.launch().to_owned();
                    return Err(PlanError::Elsewhere { launch });
                }
            };
            if point.timeline == stream {
                continue;
            }
            let mut known = waits[hazards..].iter_mut();
            match known.find(|wait| wait.point.timeline == point.timeline) {
                // A later point than one that is not reached is not reached either.
                Some(wait) => wait.point = wait.point.max(point),
                None if is_met(point) => {}
                None => waits.push(Wait::forever(point)),
            }
        }
        Ok(())
    }

    fn note_gaps(&mut self, tracks: bool, request: &Request) {
        for (argument, one) in request.arguments.iter().enumerate() {
            let kind = match one.memory {
                Memory::External { address } => GapKind::External { address },
                Memory::Buffer(_) if !tracks => GapKind::Untracked,
                Memory::Buffer(_) => continue,
            };
            let (launch, label) = (request.launch(), request.label(argument));
            let known = self.gaps.iter_mut().find(|gap| {
                (gap.argument, gap.kind) == (argument, kind)
                    && gap.launch == launch
                    && gap.label == label
            });
            match known {
                Some(gap) => gap.count += 1,
                None => self.gaps.push(Gap {
                    launch: launch.to_owned(),
                    argument,
                    label: label.to_owned(),
                    kind,
                    count: 1,
                }),
            }
        }
    }

    pub(super) fn decide(&mut self, point: TimePoint, stage: Stage) {
        let count = match stage {
            Stage::Empty => &mut self.stats.dropped,
            Stage::Planned | Stage::Submitted => &mut self.stats.committed,
        };
        *count += 1;
        self.timelines.decide(point, stage);
    }

    pub(super) fn allocate(
        &mut self,
        stream: TimelineId,
        bytes: u64,
    ) -> Result<(BufferId, TimePoint), PlanError> {
        if bytes == 0 {
            return Err(PlanError::NoBytes);
        }
        let refused = |error: ReserveError| PlanError::Reserve {
            launch: "allocation".to_owned(),
            error,
        };
        self.timelines.check_stream(stream).map_err(refused)?;
        let reserved = self.timelines.reserve(stream, &[], Stage::Planned);
        let point = reserved.map_err(refused)?;
        let buffer = self.buffers.declare(bytes);
        let first = BufferUse {
            buffer,
            range: 0..bytes,
            access: Access::Out,
        };
        let timelines = &self.timelines;
        self.buffers
            .record(&[first], point.into(), |user| Self::fate(timelines, user));
        self.timelines.decide(point, Stage::Empty);
        Ok((buffer, point))
    }

    pub(super) fn free(&mut self, buffer: BufferId) -> Result<(), UseError> {
        let mut users = self.spare.pop().unwrap_or_default();
        let bytes = self.buffers.bytes_of(buffer);
        if let Err(error) = self.buffers.free(buffer, &mut users) {
            self.spare.push(users);
            return Err(error);
        }
        self.freeing.push(Freeing {
            buffer,
            bytes,
            users,
            is_wide: false,
        });
        Ok(())
    }

    /// Appends the freed buffers that nobody touches any more, each once.
    pub(super) fn take_freed(&mut self, freed: &mut Vec<Freed>) {
        let Self {
            freeing,
            spare,
            timelines,
            ..
        } = self;
        freeing.retain_mut(|one| {
            let is_lost = |&user: &Party| Self::fate(timelines, user) == Fate::Failed;
            if !one.is_wide && one.users.iter().any(is_lost) {
                // It never runs, but whom it was behind may, and that is forgotten.
                one.users.retain(|user| !is_lost(user));
                one.users.extend(timelines.ends().map(Party::from));
                one.is_wide = true;
            }
            let is_busy = |&user: &Party| Self::fate(timelines, user) == Fate::Unfinished;
            one.users
                .retain(|user| holds(Rule::FreeAfterUse) && is_busy(user));
            if one.users.is_empty() {
                spare.push(std::mem::take(&mut one.users));
                let (buffer, bytes) = (one.buffer, one.bytes);
                freed.push(Freed { buffer, bytes });
                return false;
            }
            true
        });
    }

    /// Forgets, of the users that freed buffers wait for, those tasks of `launcher` that are over.
    pub(crate) fn forget_tasks(&mut self, launcher: u32, fate: impl Fn(SlotId) -> Fate) {
        for one in &mut self.freeing {
            one.users.retain(|user| match *user {
                Party::Task { launcher: of, slot } if of == launcher => {
                    fate(slot) == Fate::Unfinished
                }
                _ => true,
            });
        }
    }
}
