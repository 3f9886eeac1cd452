//! All engines of one rank.
//!
//! Guarantees: posts of a queue are numbered from 1 and complete in order; a transfer's bytes are
//! there before its completion says so; a transfer that fails moves nothing and says so with its
//! code, or, where a counter is all there is, not at all. The same posts at the same times end at
//! the same times. Refuses to know a clock: a world says what time it is, asks when something ends
//! next, and steps the engines then; stepping early or often changes nothing. Refuses nothing:
//! [`Workload::check`](crate::workload::Workload::check) has seen what is posted.

use std::collections::{BTreeMap, HashMap};

use finbox_mailbox::{CompletionType, Engine};

use super::lane::{Direction, Lane, Transfer};
use super::note::{EngineNote, Notes, What};
use super::notify::Effect;
use super::sdma::EventRecord;
use super::serial::Serial;
use super::urma::CompletionQueue;
use crate::device::{Device, EngineCost, Registered};
use crate::fault::Links;
use crate::shadow::{Act, By, Shadow, View};
use crate::workload::mix;

/// Transfers that an SDMA stream, RoCE or CCU holds. A choice.
const QUEUE_DEPTH: usize = 64;

/// An operation of an engine that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineFault {
    /// The rank, as an index.
    pub rank: u32,
    /// Which of its engines.
    pub engine: Engine,
    /// Which of the engine's operations, from 0, in the order in which they were posted.
    pub nth: u64,
    /// The code it fails with, not 0.
    pub status: u16,
}

/// How much later than modelled transfers end, as a seed says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    /// The seed; 0: never late.
    pub seed: u64,
    /// Latest, in units of the world's clock, plus one; 0: never late.
    pub bound: u64,
}

impl Lateness {
    /// How much later the `nth` event about `subject` is.
    pub fn of(self, subject: u64, nth: u64) -> u64 {
        match self {
            Self { seed: 0, .. } | Self { bound: 0, .. } => 0,
            Self { seed, bound } => mix(mix(mix(seed) ^ subject) ^ nth) % bound,
        }
    }
}

/// What was posted, for whoever waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Where.
    pub lane: Lane,
    /// Its number there, from 1.
    pub post: u64,
    /// The condition that it is complete.
    pub condition: Registered,
}

/// A transfer in a queue.
#[derive(Debug)]
struct Moving {
    task: u32,
    lane: Lane,
    post: u64,
    transfer: Transfer,
    status: u16,
    late: u64,
    /// Its number among all posts of the rank.
    nth: u64,
}

/// How a queue says that a transfer is complete.
#[derive(Debug)]
enum Teller {
    Record(EventRecord),
    Queue(CompletionQueue),
    Counter,
}

#[derive(Debug)]
struct Queue {
    moving: Serial<Moving>,
    teller: Teller,
    cost: EngineCost,
    posted: u64,
}

impl Queue {
    const fn new(depth: usize, teller: Teller, cost: EngineCost) -> Self {
        Self {
            moving: Serial::new(depth),
            teller,
            cost,
            posted: 0,
        }
    }

    fn begin(&mut self, now: u64, device: &Device, (links, notes): (&Links, &mut Notes)) {
        let Self {
            moving,
            teller,
            cost,
            ..
        } = self;
        let begun = moving.begin(now, |first| {
            let has_credit = match teller {
                Teller::Queue(queue) => queue.has_credit(device.dram()),
                Teller::Record(_) | Teller::Counter => true,
            };
            has_credit.then(|| {
                let (from, to) = first.transfer.ends(device.rank());
                let takes = cost.takes(first.transfer.timed_bytes);
                let takes = takes.saturating_mul(links.times(from, to));
                takes.saturating_add(first.late)
            })
        });
        if let Some((at, first)) = begun {
            notes.add(first.nth, at, What::Began);
        }
    }
}

/// The engines of one rank.
#[derive(Debug)]
pub struct Engines {
    rank: u32,
    /// SDMA streams, then completion queues, then RoCE, then CCU.
    queues: Vec<Queue>,
    streams: usize,
    /// Posts that add to a counter, by counter.
    added: HashMap<u32, u64>,
    /// Posts of each engine.
    operations: [u64; 4],
    notes: Notes,
    links: Links,
    /// Transfers posted, and effects, that go over slow links.
    slowed: u64,
    faults: Vec<EngineFault>,
    lateness: Lateness,
    /// Transfers that have not ended.
    open: usize,
    /// When the world was told to step.
    announced: Option<u64>,
}

impl Engines {
    /// The engines of `device`, all at rest.
    pub fn new(device: &Device) -> Self {
        let (layout, cost) = (device.layout(), device.cost());
        let stream = |&addr: &u64| {
            let record = EventRecord::new(addr);
            Queue::new(QUEUE_DEPTH, Teller::Record(record), cost.sdma)
        };
        let completions =
            |&queue: &CompletionQueue| Queue::new(QUEUE_DEPTH, Teller::Queue(queue), cost.urma);
        let mut queues: Vec<Queue> = layout.event_records().iter().map(stream).collect();
        let streams = queues.len();
        queues.extend(layout.completion_queues().iter().map(completions));
        for cost in [cost.roce, cost.ccu] {
            queues.push(Queue::new(QUEUE_DEPTH, Teller::Counter, cost));
        }
        Self {
            rank: device.rank(),
            queues,
            streams,
            added: HashMap::new(),
            operations: [0; 4],
            notes: Notes::default(),
            links: Links::USUAL,
            slowed: 0,
            faults: Vec::new(),
            lateness: Lateness::default(),
            open: 0,
            announced: None,
        }
    }

    /// The same, some operations failing; those of other ranks are passed over.
    #[must_use]
    pub fn with_faults(mut self, faults: &[EngineFault]) -> Self {
        let own = faults.iter().filter(|fault| fault.rank == self.rank);
        self.faults = own.copied().collect();
        self
    }

    /// The same, transfers a little later.
    #[must_use]
    pub const fn with_lateness(mut self, lateness: Lateness) -> Self {
        self.lateness = lateness;
        self
    }

    /// The same, some links being slow.
    #[must_use]
    pub const fn with_links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// What a program that ended leaves to others, slowed where it goes over slow links: each takes
    /// its own time so many times, and what the program sends over the same link stands behind it.
    pub fn slow(&mut self, effects: &mut [Effect]) {
        let mut late: BTreeMap<u32, u64> = BTreeMap::new();
        for effect in effects {
            let peer = effect.kind.rank();
            let times = self.links.times(self.rank, peer);
            if times == 1 {
                continue;
            }
            let more = effect.takes_ns.saturating_mul(times - 1);
            let late = late.entry(peer).or_default();
            *late = late.saturating_add(more);
            effect.takes_ns = effect.takes_ns.saturating_add(more);
            effect.after_ns = effect.after_ns.saturating_add(*late);
            self.slowed += 1;
        }
    }

    /// How many transfers and effects were there that go over slow links.
    pub const fn slowed(&self) -> u64 {
        self.slowed
    }

    /// The same, noting what they do.
    #[must_use]
    pub fn noting(mut self) -> Self {
        self.notes = Notes::kept();
        self
    }

    /// What they did since they were last asked, if they are noting.
    pub fn take_notes(&mut self) -> Vec<EngineNote> {
        self.notes.take()
    }

    /// Posts `transfer` for `task` at `now`.
    pub fn post(
        &mut self,
        now: u64,
        task: u32,
        (lane, transfer): (Lane, Transfer),
        device: &Device,
    ) -> Posted {
        let engine = lane.engine() as usize;
        let nth = self.operations[engine];
        self.operations[engine] += 1;
        let is_hit = |fault: &&EngineFault| fault.engine == lane.engine() && fault.nth == nth;
        let status = self.faults.iter().find(is_hit).map_or(0, |hit| hit.status);
        let subject = u64::from(self.rank) << 8 | engine as u64;
        let late = self.lateness.of(subject, nth);
        let index = self.index(lane);
        self.queues[index].posted += 1;
        self.open += 1;
        let (from, to) = transfer.ends(self.rank);
        self.slowed += u64::from(self.links.times(from, to) > 1);
        let post = match lane {
            Lane::Roce { counter } | Lane::Ccu { counter } => {
                let added = self.added.entry(counter).or_default();
                *added += 1;
                *added
            }
            Lane::Sdma { .. } | Lane::Urma { .. } => self.queues[index].posted,
        };
        let condition = condition(device, (lane, post), transfer.peer);
        let nth = self.operations.iter().sum::<u64>() - 1;
        self.notes
            .add(nth, now, What::Posted(task, (lane, transfer)));
        self.queues[index].moving.post(
            now,
            Moving {
                task,
                lane,
                post,
                transfer,
                status,
                late,
                nth,
            },
        );
        self.queues[index].begin(now, device, (&self.links, &mut self.notes));
        Posted {
            lane,
            post,
            condition,
        }
    }

    /// Ends what has ended by `now` and begins what can begin; says whether anything ended.
    pub fn step(&mut self, now: u64, devices: &[Device]) -> bool {
        self.step_watched(now, devices, None)
    }

    /// The same; `shadow` is told what transfers touch.
    pub fn step_watched(&mut self, now: u64, devices: &[Device], shadow: Option<&Shadow>) -> bool {
        let device = &devices[self.rank as usize];
        self.announced = self.announced.filter(|&at| at > now);
        if self.open == 0 {
            return false;
        }
        let before = self.open;
        for queue in &mut self.queues {
            queue.begin(now, device, (&self.links, &mut self.notes));
            let mut ends_at = queue.moving.ends_at();
            while let Some(moved) = queue.moving.end(now) {
                end(&moved, &mut queue.teller, devices, (device, shadow));
                let ended = What::Ended(moved.status);
                self.notes.add(moved.nth, ends_at.unwrap_or(now), ended);
                queue.begin(now, device, (&self.links, &mut self.notes));
                ends_at = queue.moving.ends_at();
                self.open -= 1;
            }
        }
        self.open < before
    }

    /// When a transfer ends next, if any is under way.
    pub fn next_end(&self) -> Option<u64> {
        if self.open == 0 {
            return None;
        }
        let ends = self
            .queues
            .iter()
            .filter_map(|queue| queue.moving.ends_at());
        ends.min()
    }

    /// As [`next_end`](Self::next_end), once: None if the world was told of a time not later.
    pub fn announce(&mut self) -> Option<u64> {
        let next = self.next_end()?;
        if self.announced.is_some_and(|at| at <= next) {
            return None;
        }
        self.announced = Some(next);
        Some(next)
    }

    /// Whether a queue that lacked a credit could go on now.
    pub fn has_new_credit(&self, device: &Device) -> bool {
        self.open > 0
            && self.queues.iter().any(|queue| match &queue.teller {
                Teller::Queue(completions) => {
                    queue.moving.is_starved() && completions.has_credit(device.dram())
                }
                Teller::Record(_) | Teller::Counter => false,
            })
    }

    /// Whose engines they are.
    pub const fn rank(&self) -> u32 {
        self.rank
    }

    /// How many transfers found their queue full.
    pub fn delayed(&self) -> u64 {
        self.queues.iter().map(|queue| queue.moving.delayed()).sum()
    }

    fn index(&self, lane: Lane) -> usize {
        match lane {
            Lane::Sdma { stream } => stream.into(),
            Lane::Urma { queue } => self.streams + usize::from(queue),
            Lane::Roce { .. } => self.queues.len() - 2,
            Lane::Ccu { .. } => self.queues.len() - 1,
        }
    }
}

/// The condition that `post` of `lane` is complete.
fn condition(device: &Device, (lane, post): (Lane, u64), peer: u32) -> Registered {
    let engine = lane.engine() as u32;
    match lane {
        Lane::Sdma { stream } => Registered {
            addr: device.layout().event_records()[usize::from(stream)],
            cookie: post,
            expected: 0,
            engine,
            completion: CompletionType::SdmaEventRecord as i32,
        },
        Lane::Urma { queue } => {
            let queue = &device.layout().completion_queues()[usize::from(queue)];
            let head = u64::from(queue.next()).wrapping_add(post) & u64::from(u32::MAX);
            Registered {
                addr: queue.addr(),
                cookie: u64::from(peer) << 32 | head,
                expected: 0,
                engine,
                completion: CompletionType::UrmaEventHandle as i32,
            }
        }
        Lane::Roce { counter } | Lane::Ccu { counter } => Registered {
            cookie: (u64::from(peer) + 1) << 32,
            engine,
            ..Registered::counter(device.counter_address(counter), low(post))
        },
    }
}

/// The low half: counters wrap.
#[expect(clippy::cast_possible_truncation, reason = "counters wrap at 2³²")]
const fn low(post: u64) -> u32 {
    post as u32
}

/// Bytes, then the truth for the judge, then the word that says so.
fn end(
    moved: &Moving,
    teller: &mut Teller,
    devices: &[Device],
    (device, shadow): (&Device, Option<&Shadow>),
) {
    let Moving {
        task,
        lane,
        post,
        ref transfer,
        status,
        ..
    } = *moved;
    if status == 0 {
        let act = Act::Transfer(lane, transfer.direction);
        let by = By::task(shadow, device.rank(), task, act);
        move_bytes(transfer, devices, (device, by));
    }
    device.awaited().end(task, (lane, post), status);
    match (teller, lane) {
        (Teller::Record(record), _) => record.complete(device.dram(), post, status),
        (Teller::Queue(queue), _) => queue.complete(device.dram(), post, status),
        (Teller::Counter, Lane::Roce { counter } | Lane::Ccu { counter }) if status == 0 => {
            device
                .dram()
                .fetch_add_u32(device.counter_address(counter), 1);
        }
        (Teller::Counter, _) => {}
    }
}

fn move_bytes(transfer: &Transfer, devices: &[Device], (own, by): (&Device, By<'_>)) {
    let Transfer {
        direction,
        peer,
        from,
        to,
        bytes,
        ..
    } = *transfer;
    let peer = &devices[peer as usize];
    let (source, target) = match direction {
        Direction::Get => (peer, own),
        Direction::Put => (own, peer),
    };
    let content = View::new(source, by).bytes(source.data_address(from), bytes);
    View::new(target, by).write_bytes(target.data_address(to), &content);
}
