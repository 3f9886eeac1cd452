//! Conditions: what a deferred task waits for, what is refused, and what one look says.
//!
//! Three kinds: a counter that reaches a value, an SDMA event record whose post id completes, an
//! URMA completion queue that is walked to a head. [`check`] is asked twice, by the handler about a
//! slab and by the wait list about a message: a message may lie. Nothing is dereferenced that was
//! not checked.

pub(crate) use finbox_mailbox::CompletionType;
use finbox_mailbox::{Condition, Engine};

use crate::fault::FaultCode;
use crate::id::SlotId;
use crate::limits::MAX_PEERS;
use crate::port::Port;
use crate::target::{Engines, Target};
use crate::urma::UrmaQueue;

/// Bytes of an SDMA event record: completed post id, count of failures, the last six of them.
pub const EVENT_RECORD_BYTES: u64 = 64;
/// Failures that an SDMA event record remembers.
pub const EVENT_RECORD_FAILURES: u64 = 6;

pub(crate) const LINE: u64 = 64;
/// Words of a line that can be counters.
pub(crate) const LINE_WORDS: usize = 16;
/// Bits of a post id in a failure of an event record; the error code stands above them.
const POST_BITS: u32 = 48;

/// Why a condition is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// This target has no engine for its type.
    Completion,
    /// Null, unaligned, or outside everything the control CPU may read.
    Address,
    /// A post id that no transfer has.
    Cookie,
}

/// Whether a condition of this type, address and cookie may be looked at.
#[inline]
pub(crate) fn check(
    port: &impl Port,
    target: &Target,
    (completion, addr, cookie): (CompletionType, u64, u64),
) -> Result<(), Invalid> {
    let (engine, size_bytes, align) = match completion {
        CompletionType::Counter => (Engines::COUNTER, 4, 4),
        CompletionType::SdmaEventRecord => (Engines::SDMA, EVENT_RECORD_BYTES, LINE),
        CompletionType::UrmaEventHandle => (Engines::URMA, LINE, LINE),
    };
    if !target.engines.contains(engine) {
        return Err(Invalid::Completion);
    }
    if addr == 0 || addr % align != 0 || !port.can_read(addr, size_bytes) {
        return Err(Invalid::Address);
    }
    if completion == CompletionType::SdmaEventRecord && cookie == 0 {
        return Err(Invalid::Cookie);
    }
    Ok(())
}

/// Why a task fails while it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A condition that cannot be looked at.
    Invalid,
    /// The engine says that the work behind a condition failed.
    Engine(Engine, u32),
    /// The condition's queue finds no place in the table of queues.
    NoQueue,
    /// A condition did not come true in time.
    Timeout,
    /// The peer that should make a condition true is dead.
    PeerDead(u32),
    /// The timeline that should make a condition true has ended.
    TimelineEnded(u32),
    /// One of its messages cannot be read.
    Message,
    /// One of its messages can never arrive.
    Gap,
}

impl Failure {
    /// Nobody is left who could make a condition true: its `source` is dead.
    pub(crate) const fn of_source(source: u32) -> Self {
        match source.checked_sub(MAX_PEERS) {
            None => Self::PeerDead(source),
            Some(timeline) => Self::TimelineEnded(timeline),
        }
    }

    /// The number it is known by.
    pub(crate) const fn code(self) -> FaultCode {
        match self {
            Self::Invalid | Self::Engine(..) => FaultCode::AsyncCompletionInvalid,
            Self::NoQueue | Self::Message => FaultCode::AsyncRegistrationFailed,
            Self::Timeout => FaultCode::AsyncWaitTimeout,
            Self::PeerDead(_) => FaultCode::PeerDead,
            Self::TimelineEnded(_) => FaultCode::TimelineEnded,
            Self::Gap => FaultCode::MailboxGap,
        }
    }
}

/// What one look says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not yet.
    Unmet,
    /// It holds.
    Met,
    /// It never will.
    Failed(Failure),
}

/// One condition that did not hold when it was last looked at.
#[derive(Clone, Copy, Debug)]
pub struct Unmet {
    pub(crate) slot: SlotId,
    pub(crate) addr: u64,
    pub(crate) cookie: u64,
    pub(crate) expected: u32,
    pub(crate) engine: Engine,
    pub(crate) completion: CompletionType,
    /// Its place in the table of queues, for an URMA condition.
    pub(crate) queue: usize,
    /// What was seen first, and last.
    pub(crate) first: u64,
    pub(crate) observed: u64,
    /// The last step backwards that its counter took: from, to.
    pub(crate) went_back: Option<(u32, u32)>,
    pub(crate) since_ns: u64,
    pub(crate) deadline_ns: u64,
    /// The next condition on the same line, or the next free place.
    pub(crate) next: u32,
}

impl Default for Unmet {
    fn default() -> Self {
        Self {
            slot: SlotId::new(0, 0, 0),
            addr: 0,
            cookie: 0,
            expected: 0,
            engine: Engine::Sdma,
            completion: CompletionType::Counter,
            queue: 0,
            first: 0,
            observed: 0,
            went_back: None,
            since_ns: 0,
            deadline_ns: u64::MAX,
            next: 0,
        }
    }
}

/// The cookie of a COUNTER condition on a word of `timeline`, a number below
/// [`MAX_TIMELINES`](crate::limits::MAX_TIMELINES): it fails with TIMELINE_ENDED when
/// [`Scheduler::timeline_ended`](crate::Scheduler::timeline_ended) is told of that timeline.
pub const fn timeline_cookie(timeline: u32) -> u64 {
    (MAX_PEERS as u64 + timeline as u64 + 1) << 32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
const fn low(word: u64) -> u32 {
    word as u32
}

/// `a − b` of two positions less than 2³¹ apart.
pub(crate) const fn distance(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b) as i32
}

impl Unmet {
    /// What `message` asks for. It was not looked at, and may take as long as it likes.
    #[inline]
    pub(crate) fn new(message: &Condition) -> Self {
        Self {
            slot: SlotId::from_bits(message.slot),
            addr: message.addr,
            cookie: message.cookie,
            expected: message.expected,
            engine: message.engine,
            completion: message.completion,
            ..Self::default()
        }
    }

    /// The line it watches.
    pub(crate) const fn line(&self) -> u64 {
        self.addr & !(LINE - 1)
    }

    /// Whether words of its line alone say when it is to be looked at again.
    pub(crate) const fn has_words(&self) -> bool {
        !matches!(self.completion, CompletionType::UrmaEventHandle)
    }

    /// The words of its line that the last look read, and what they were.
    pub(crate) fn seen_words(&self) -> impl Iterator<Item = (usize, u32)> {
        let word = (self.addr % LINE / 4) as usize;
        let (low, high) = (low(self.observed), low(self.observed >> 32));
        let count = match self.completion {
            CompletionType::Counter => 1,
            CompletionType::SdmaEventRecord => 2,
            CompletionType::UrmaEventHandle => 0,
        };
        [(word, low), (word + 1, high)].into_iter().take(count)
    }

    /// The value it waits for: of the counter, of completed post ids, of the queue's head.
    pub(crate) const fn wanted(&self) -> u64 {
        match self.completion {
            CompletionType::Counter => self.expected as u64,
            CompletionType::SdmaEventRecord => self.cookie,
            CompletionType::UrmaEventHandle => low(self.cookie) as u64,
        }
    }

    /// The rank or timeline that is to make it true, if it says so: see [`crate::peers`].
    pub(crate) const fn source(&self) -> Option<u32> {
        let high = low(self.cookie >> 32);
        match self.completion {
            CompletionType::Counter => high.checked_sub(1),
            CompletionType::UrmaEventHandle if high < MAX_PEERS => Some(high),
            CompletionType::UrmaEventHandle | CompletionType::SdmaEventRecord => None,
        }
    }

    /// By how much more than it waited for its counter was raised, if it is one.
    pub(crate) const fn overshot(&self) -> bool {
        let is_counter = matches!(self.completion, CompletionType::Counter);
        is_counter && distance(low(self.observed), self.expected) > 0
    }

    /// Looks at it. Its line is current, and its queue, if it has one, was walked.
    #[inline]
    pub(crate) fn look(&mut self, port: &impl Port, queues: &[UrmaQueue]) -> Verdict {
        let (observed, verdict) = match self.completion {
            CompletionType::Counter => {
                let counter = port.load_u32(self.addr);
                let verdict = match distance(counter, self.expected) >= 0 {
                    true => Verdict::Met,
                    false => Verdict::Unmet,
                };
                (u64::from(counter), verdict)
            }
            CompletionType::SdmaEventRecord => {
                look_at_record(port, self.addr, (self.engine, self.cookie))
            }
            CompletionType::UrmaEventHandle => {
                look_at_queue(&queues[self.queue], (self.engine, self.cookie))
            }
        };
        self.observed = observed;
        verdict
    }

    /// Whether its counter stands lower than when it was looked at before; remembered if so.
    ///
    /// A wait is at most 2³¹ − 1 ahead, so this wraps right.
    pub(crate) fn note_step_back(&mut self, before: u64) -> bool {
        let (from, to) = (low(before), low(self.observed));
        let is_counter = self.completion == CompletionType::Counter;
        let went_back = is_counter && distance(to, from) < 0;
        if went_back {
            self.went_back = Some((from, to));
        }
        went_back
    }
}

/// What an event record says of the transfer `cookie` of `engine`.
///
/// # Ordering
/// The device writes a failure, then the count, then the completed post id; here they are read the
/// other way round.
fn look_at_record(port: &impl Port, addr: u64, (engine, cookie): (Engine, u64)) -> (u64, Verdict) {
    let observed = port.load_u64(addr);
    if observed < cookie {
        return (observed, Verdict::Unmet);
    }
    let count = port.load_u64(addr + 8);
    for index in 0..count.min(EVENT_RECORD_FAILURES) {
        let failure = port.load_u64(addr + 16 + index * 8);
        if failure & ((1 << POST_BITS) - 1) == cookie {
            let code = low(failure >> POST_BITS);
            return (observed, Verdict::Failed(Failure::Engine(engine, code)));
        }
    }
    (observed, Verdict::Met)
}

/// What a queue that was walked says of the head in `cookie`.
fn look_at_queue(queue: &UrmaQueue, (engine, cookie): (Engine, u64)) -> (u64, Verdict) {
    let (observed, head) = (u64::from(queue.consumed()), low(cookie));
    if !queue.has_reached(head) {
        return (observed, Verdict::Unmet);
    }
    let verdict = match queue.failure_at(head.wrapping_sub(1)) {
        Some(status) => Verdict::Failed(Failure::Engine(engine, status)),
        None => Verdict::Met,
    };
    (observed, verdict)
}

#[cfg(test)]
mod tests {
    use super::{CompletionType, Unmet, timeline_cookie};

    fn counter(expected: u32, observed: u64) -> Unmet {
        Unmet {
            expected,
            observed,
            ..Unmet::default()
        }
    }

    #[test]
    fn a_counter_beyond_what_was_waited_for_overshot_also_across_the_wrap() {
        assert!(counter(5, 6).overshot() && !counter(5, 5).overshot());
        assert!(counter(u32::MAX, 0).overshot());
        assert!(!counter(0, u64::from(u32::MAX)).overshot());
    }

    #[test]
    fn a_step_back_is_told_from_a_step_over_the_wrap() {
        let mut over = counter(9, 1);
        assert!(!over.note_step_back(u64::from(u32::MAX)));
        assert_eq!(over.went_back, None);
        assert!(over.note_step_back(2));
        assert_eq!(over.went_back, Some((2, 1)));
    }

    #[test]
    fn a_peer_is_named_one_up_by_counters_and_as_it_is_by_queues() {
        let mut condition = counter(1, 0);
        assert_eq!(condition.source(), None);
        condition.cookie = 4 << 32;
        assert_eq!(condition.source(), Some(3));
        condition.completion = CompletionType::UrmaEventHandle;
        assert_eq!(condition.source(), Some(4));
        condition.completion = CompletionType::SdmaEventRecord;
        assert_eq!(condition.source(), None);
    }

    #[test]
    fn a_timeline_is_named_by_counters_only() {
        let mut condition = counter(1, 0);
        condition.cookie = timeline_cookie(7);
        assert_eq!(condition.source(), Some(1024 + 7));
        condition.completion = CompletionType::UrmaEventHandle;
        assert_eq!(condition.source(), None);
    }
}
