//! The retire word: how much of a task is left, and what became of it, in 64 bits.
//!
//! generation 32 · remaining 17 · expected conditions 7 · any_subtask_deferred · failed ·
//! finished · cancelled · released. The word is private; outside, transitions return what to do
//! next. Every transition names the generation it means and is refused for another.
//!
//! *remaining* counts tokens that were or may still be given to cores. The outcome may be decided
//! while some are out (a token missed its deadline, a core was reset): whoever decides takes off
//! what will never be given, and each of the others is counted down when its FIN comes, as *late*.
//! A slot is at rest, and may be recycled, when it is released and nothing remains. Released with
//! something remaining is a *quarantined* task: a core may still write where it was told to.
//!
//! | state | retire | finish | lose (deadline, reset) |
//! | --- | --- | --- | --- |
//! | live, remaining > 0 | Partial, LastDeferred; LastInline: decided | decided | decided, failed |
//! | live, remaining = 0 | refused | decided | refused: the FIN won |
//! | decided, remaining > 0 | Late | refused | refused |
//! | decided, remaining = 0 | refused | refused | refused |

use finbox_mailbox::sync::AtomicU64;

use crate::edge;
use crate::limits::{MAX_CONDITIONS, MAX_RETIREMENTS};

const REMAINING_SHIFT: u32 = 32;
const REMAINING_MASK: u64 = (1 << 17) - 1;
const EXPECTED_SHIFT: u32 = 49;
const EXPECTED_MASK: u64 = (1 << 7) - 1;
const ANY_SUBTASK_DEFERRED: u64 = 1 << 56;
const FAILED: u64 = 1 << 57;
const FINISHED: u64 = 1 << 58;
const CANCELLED: u64 = 1 << 59;
const RELEASED: u64 = 1 << 60;

/// The word, decoded. A copy: it may be old when you read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetireState(u64);

impl RetireState {
    /// Of a slot that was never used.
    pub(crate) const NEVER: Self = Self(FINISHED | RELEASED);

    const fn new(generation: u32, remaining: u32) -> Self {
        Self(generation as u64 | (remaining as u64) << REMAINING_SHIFT)
    }

    /// Which life of the slot.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half is the generation"
    )]
    pub const fn generation(self) -> u32 {
        self.0 as u32
    }

    /// Subtasks that did not retire yet.
    pub const fn remaining(self) -> u32 {
        (self.0 >> REMAINING_SHIFT & REMAINING_MASK) as u32
    }

    /// Conditions registered by the subtasks that retired, 0 to 64.
    pub const fn expected(self) -> u32 {
        (self.0 >> EXPECTED_SHIFT & EXPECTED_MASK) as u32
    }

    /// Whether any subtask registered a condition: the task completes through the mailbox.
    pub const fn any_subtask_deferred(self) -> bool {
        self.0 & ANY_SUBTASK_DEFERRED != 0
    }

    /// Whether something in it failed.
    pub const fn is_failed(self) -> bool {
        self.0 & FAILED != 0
    }

    /// Whether the outcome is decided.
    pub const fn is_finished(self) -> bool {
        self.0 & FINISHED != 0
    }

    /// Whether it was cancelled before it ran.
    pub const fn is_cancelled(self) -> bool {
        self.0 & CANCELLED != 0
    }

    /// Whether its consumers are all released.
    pub const fn is_released(self) -> bool {
        self.0 & RELEASED != 0
    }

    /// Whether nobody will touch the slot any more: it may be recycled.
    pub const fn is_at_rest(self) -> bool {
        self.is_released() && self.remaining() == 0
    }

    /// Whether its consumers are released and a core still has a token of it.
    pub const fn is_quarantined(self) -> bool {
        self.is_released() && self.remaining() > 0
    }

    /// Lives and waits for something: its generation is current and no outcome is decided.
    pub const fn is_live(self, generation: u32) -> bool {
        self.generation() == generation && !self.is_finished()
    }

    const fn with(self, bits: u64) -> Self {
        Self(self.0 | bits)
    }

    /// One subtask retires with `conditions`, of which the task may register `bound` in all; `None`
    /// where that cannot be.
    #[inline]
    const fn retire(
        self,
        generation: u32,
        conditions: u32,
        bound: u32,
        failed: bool,
    ) -> Option<Self> {
        if self.generation() != generation || self.remaining() == 0 {
            return None;
        }
        let next = Self(self.0 - (1 << REMAINING_SHIFT));
        if self.is_finished() {
            return Some(next);
        }
        let overflow = self.expected() + conditions > bound;
        let next = next.with(if overflow || failed { FAILED } else { 0 });
        if overflow || conditions == 0 {
            let is_end = next.remaining() == 0 && !next.any_subtask_deferred();
            return Some(next.with(if is_end { FINISHED } else { 0 }));
        }
        let grown = Self(next.0 + ((conditions as u64) << EXPECTED_SHIFT));
        Some(grown.with(ANY_SUBTASK_DEFERRED))
    }

    /// What a decided state says.
    #[inline]
    pub(crate) const fn outcome(self) -> Outcome {
        match (self.is_cancelled(), self.is_failed()) {
            (true, _) => Outcome::Cancelled,
            (false, true) => Outcome::Failed,
            (false, false) => Outcome::Completed,
        }
    }

    /// The outcome is decided; `None` where it was before, or where the FIN has won.
    #[inline]
    const fn decide(self, generation: u32, decision: Decision) -> Option<Self> {
        let is_too_late = decision.only_unretired && self.remaining() == 0;
        if !self.is_live(generation) || is_too_late {
            return None;
        }
        assert!(
            decision.forgone <= self.remaining(),
            "only tokens that were never given are forgone"
        );
        let failed = if decision.failed { FAILED } else { 0 };
        let cancelled = if decision.cancelled { CANCELLED } else { 0 };
        let fewer = Self(self.0 - ((decision.forgone as u64) << REMAINING_SHIFT));
        Some(fewer.with(FINISHED | failed | cancelled))
    }
}

/// How an outcome is decided, beside what the subtasks left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// It fails.
    pub failed: bool,
    /// It never ran, because something it depends on failed.
    pub cancelled: bool,
    /// Tokens of it that will never be given to a core.
    pub forgone: u32,
    /// Only while a subtask is still to retire: if the last FIN came first, that one decides.
    pub only_unretired: bool,
}

/// What a handler does next about a subtask it retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Retired {
    /// Whether, and how, this was the last one.
    pub step: RetireStep,
    /// Whether its conditions were counted and must be pushed; otherwise it pushes none.
    pub push_conditions: bool,
}

impl Retired {
    /// Whether the outcome had been decided before.
    pub const fn is_late(&self) -> bool {
        matches!(self.step, RetireStep::Late)
    }
}

/// Whether, and how, a subtask was the last one of its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetireStep {
    /// Others are still running.
    Partial,
    /// The last, and `any_subtask_deferred` is false: this decided the outcome; release the task's
    /// consumers here and now.
    LastInline(Outcome),
    /// The last of a deferred task: push TASK_NORMAL_DONE behind the conditions.
    LastDeferred {
        /// CONDITIONs that belong to the task, 1 to 64.
        expected: u32,
    },
    /// The outcome was decided before: this FIN changes nothing, but one token less is out.
    Late,
}

/// A FIN that retires nothing: another generation, or one subtask too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub RetireState);

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It ran and all its conditions were met.
    Completed,
    /// A subtask, a condition or an engine failed.
    Failed,
    /// It never ran, because something it depends on failed.
    Cancelled,
}

/// The shared word of a slot.
#[derive(Debug)]
pub struct RetireWord(AtomicU64);

impl Default for RetireWord {
    /// A word that was never used: released, generation 0.
    fn default() -> Self {
        Self(AtomicU64::new(RetireState::NEVER.0))
    }
}

impl RetireWord {
    /// The state, acquired from whoever opened the slot's life.
    #[inline]
    pub fn state(&self) -> RetireState {
        // EDGE SLOT_LOOK <- SLOT_OPEN, RETIRE, FINISH, CONCLUDE.
        RetireState(self.0.load(edge::SLOT_LOOK))
    }

    /// The state, acquired from whoever touched it last: a slot at rest may be recycled.
    #[inline]
    pub fn state_for_recycling(&self) -> RetireState {
        // EDGE RECYCLE <- RECLAIM, RETIRE.
        RetireState(self.0.load(edge::RECYCLE))
    }

    /// Starts a new life of a slot at rest with `remaining` subtasks, 1 to 98 301.
    ///
    /// # Panics
    /// If `remaining` is out of range.
    #[inline]
    pub fn open(&self, generation: u32, remaining: u32) {
        assert!(
            (1..=MAX_RETIREMENTS).contains(&remaining),
            "a task retires between once and 98 301 times"
        );
        // EDGE SLOT_OPEN -> SLOT_LOOK. Carries the description written before.
        self.0
            .store(RetireState::new(generation, remaining).0, edge::SLOT_OPEN);
    }

    /// One subtask of life `generation` retires, having registered `conditions` (0 to 64) of the
    /// `bound` that its task may register in all.
    ///
    /// More than that in the whole task set *failed* and count none of this subtask's.
    ///
    /// # Errors
    /// [`Refused`] with what stands there; nothing changed.
    ///
    /// # Ordering
    /// EDGE RETIRE: an AcqRel read-modify-write, so the last handler sees what all others did, and
    /// whoever sees the outcome sees it too.
    #[inline]
    pub fn retire(
        &self,
        generation: u32,
        conditions: u32,
        bound: u32,
        failed: bool,
    ) -> Result<Retired, Refused> {
        debug_assert!(bound <= MAX_CONDITIONS, "a task registers at most 64");
        let step = |state: RetireState| state.retire(generation, conditions, bound, failed);
        // EDGE RETIRE -> RETIRE, RECYCLE, SLOT_LOOK. RELAXED first look: the exchange decides.
        let before = self.0.try_update(edge::RETIRE, edge::RETIRE_LOOK, |word| {
            step(RetireState(word)).map(|next| next.0)
        });
        let before = RetireState(before.map_err(|word| Refused(RetireState(word)))?);
        let after = step(before).expect("the same step was just installed");
        let step = match (after.remaining(), after.any_subtask_deferred()) {
            _ if before.is_finished() => RetireStep::Late,
            (0, false) => RetireStep::LastInline(after.outcome()),
            (0, true) => RetireStep::LastDeferred {
                expected: after.expected(),
            },
            _ => RetireStep::Partial,
        };
        Ok(Retired {
            step,
            push_conditions: after.expected() > before.expected(),
        })
    }

    /// Decides the outcome of life `generation`, once: `None` if it was decided before.
    ///
    /// `failed` and `cancelled` add to what the subtasks left.
    #[inline]
    pub fn finish(&self, generation: u32, failed: bool, cancelled: bool) -> Option<Outcome> {
        let decision = Decision {
            failed,
            cancelled,
            ..Decision::default()
        };
        self.decide(generation, decision)
    }

    /// Decides the outcome of life `generation` as `decision` says, once: `None` if it was decided
    /// before, or if the decision is only for tasks with unretired subtasks and this has none.
    #[inline]
    pub fn decide(&self, generation: u32, decision: Decision) -> Option<Outcome> {
        // EDGE FINISH -> SLOT_LOOK. RELAXED first look: the exchange decides.
        let before = self.0.try_update(edge::FINISH, edge::RETIRE_LOOK, |word| {
            let next = RetireState(word).decide(generation, decision);
            next.map(|next| next.0)
        });
        let after = RetireState(before.ok()?).decide(generation, decision)?;
        Some(after.outcome())
    }

    /// Decides the outcome of life `generation` of a deferred task that stands at `state`, with
    /// nothing remaining; `None` if it was decided before.
    ///
    /// Once the wait list collected such a task its finisher alone writes the word: FINs and
    /// deadlines are refused, and the list believes nothing more about it.
    #[inline]
    pub fn conclude(&self, generation: u32, state: RetireState) -> Option<Outcome> {
        debug_assert!(state.remaining() == 0, "a FIN may still come");
        let next = state.decide(generation, Decision::default())?;
        // EDGE CONCLUDE -> SLOT_LOOK. What the subtasks did was acquired with the state.
        self.0.store(next.0, edge::CONCLUDE);
        Some(next.outcome())
    }

    /// Marks life `generation` failed if its outcome is still open.
    pub fn fail(&self, generation: u32) {
        // EDGE FINISH -> SLOT_LOOK. RELAXED first look: the exchange decides.
        let _ = self.0.try_update(edge::FINISH, edge::RETIRE_LOOK, |word| {
            RetireState(word)
                .is_live(generation)
                .then_some(word | FAILED)
        });
    }

    /// Says that the walk over the slot's edges is over: when nothing remains, its submitter may
    /// recycle it.
    #[inline]
    pub fn release(&self) {
        // Whoever releases has decided the outcome, and where no token is out nobody else writes
        // the word any more. EDGE RECYCLE <- RETIRE: a late FIN is in the past of the store.
        let state = self.state_for_recycling();
        if state.remaining() == 0 {
            // EDGE RECLAIM -> RECYCLE. The walk over the edges is over.
            self.0.store(state.with(RELEASED).0, edge::RECLAIM);
        } else {
            // EDGE RECLAIM -> RECYCLE. As above, beside FINs that come late.
            self.0.fetch_or(RELEASED, edge::RECLAIM);
        }
    }
}
