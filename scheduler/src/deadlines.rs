//! Run budgets: which running tokens are due when, and what follows when one is late.
//!
//! A budget begins when the scheduler knows that its token runs: when its doorbell rings, if the
//! core was idle; for a token behind another, at the first look at which it is seen running. It
//! ends when the dispatch thread sees that the token's FIN was observed. So it is never early by
//! more than a doorbell takes, and has to cover the way of the FIN and the switch to the next.
//!
//! A core and its tokens, as deadlines see them:
//!
//! | state | what happens | becomes |
//! | --- | --- | --- |
//! | running T, due | T's FIN observed | idle, or running P from now on |
//! | running T, due | due passes while the pair says T | lost: T fails (108), P behind it (109) |
//! | lost | FIN of T or ACK of P, at last | in the pool, "late by"; P has its budget |
//! | any | reset | forgotten: the handler fails what was in flight (111) |
//!
//! That the pair still says T is asked by a read-modify-write, so a FIN observed before is seen.
//! Which of FIN and deadline decides the *task* is a matter of its retire word alone; a core is
//! lost only if it still runs T after that.
//!
//! Items of work have budgets too, which begin when they are pushed (`offer`). When each is due is
//! known from its slot; here stands when the next one can be, at which time all are looked at, a
//! piece at a step.
//!
//! Costs nothing in a pass where no token has a budget, and one comparison where one has.

use crate::core_pair::Pair;
use crate::core_set::{CoreMask, each, first_of, only};
use crate::id::{CoreId, Token};
use crate::limits::MAX_CORES;

/// "Not due."
const NEVER: u64 = u64::MAX;

/// The budgeted tokens of one core.
#[derive(Clone, Copy, Debug)]
struct Watch {
    running: Token,
    due_ns: u64,
    pending: Token,
    budget_ns: u64,
}

const NOTHING: Watch = Watch {
    running: Token::IDLE,
    due_ns: NEVER,
    pending: Token::IDLE,
    budget_ns: 0,
};

/// All budgets, kept by the dispatch thread.
#[derive(Debug)]
pub(crate) struct Deadlines {
    watches: [Watch; MAX_CORES],
    /// Cores whose running token is due some time.
    due: CoreMask,
    /// Cores whose pending token has a budget that did not begin.
    pending: CoreMask,
    /// Cores whose running token is late and was not dealt with.
    overdue: CoreMask,
    /// Cores whose running token was late, and that are out of the pool for it.
    lost: CoreMask,
    /// Lost cores whose pending token was not dealt with.
    stranded: CoreMask,
    /// Nothing is due earlier.
    earliest_ns: u64,
    /// No item of work is due earlier.
    items_ns: u64,
    /// A look at all items that is going on: at which slot, and what time it was when it began.
    late_items: Option<(u32, u64)>,
    default_ns: u64,
}

impl Deadlines {
    /// Nothing runs; tokens whose tasks say nothing have `default_ns`, or no budget.
    pub(crate) fn new(default_ns: Option<u64>) -> Self {
        Self {
            watches: [NOTHING; MAX_CORES],
            due: 0,
            pending: 0,
            overdue: 0,
            lost: 0,
            stranded: 0,
            earliest_ns: NEVER,
            items_ns: NEVER,
            late_items: None,
            default_ns: default_ns.unwrap_or(0),
        }
    }

    /// What a task that says `run_budget_ns` has: 0 for no budget.
    #[inline]
    pub(crate) const fn budget_ns(&self, run_budget_ns: u64) -> u64 {
        match run_budget_ns {
            0 => self.default_ns,
            said => said,
        }
    }

    /// `token` with a budget was given to `core`, whose pair is now `pair`.
    pub(crate) fn given(&mut self, core: CoreId, token: Token, pair: Pair, budget: (u64, u64)) {
        let (budget_ns, now_ns) = budget;
        if pair.running() == Some(token) {
            self.begin(core, token, now_ns.saturating_add(budget_ns));
        } else {
            let watch = &mut self.watches[core.index()];
            (watch.pending, watch.budget_ns) = (token, budget_ns);
            self.pending |= only(core);
        }
    }

    fn begin(&mut self, core: CoreId, token: Token, due_ns: u64) {
        let watch = &mut self.watches[core.index()];
        (watch.running, watch.due_ns) = (token, due_ns);
        self.due |= only(core);
        // The token that was late has finished, or this one would not run.
        self.overdue &= !only(core);
        self.earliest_ns = self.earliest_ns.min(due_ns);
    }

    /// Cores of which a change would mean something here.
    #[inline]
    pub(crate) const fn watched(&self) -> CoreMask {
        self.due | self.pending | self.lost | self.overdue
    }

    /// The pair of a watched core changed to `pair` some time before `now_ns`. If the core was lost
    /// and answers again: which token was late, and by how many ns.
    pub(crate) fn changed(
        &mut self,
        core: CoreId,
        pair: Pair,
        now_ns: u64,
    ) -> Option<(Token, u64)> {
        let (bit, watch) = (only(core), self.watches[core.index()]);
        let mut late = None;
        if pair.running() != Some(watch.running) {
            late = (self.lost & bit != 0)
                .then(|| (watch.running, now_ns.saturating_sub(watch.due_ns)));
            self.due &= !bit;
            self.overdue &= !bit;
            self.lost &= !bit;
            self.stranded &= !bit;
            self.watches[core.index()].running = Token::IDLE;
            self.rest();
        }
        if self.pending & bit != 0 && pair.pending() != Some(watch.pending) {
            self.pending &= !bit;
            if pair.running() == Some(watch.pending) {
                self.begin(core, watch.pending, now_ns.saturating_add(watch.budget_ns));
            }
        }
        late
    }

    /// The cores were reset: what they had is gone.
    pub(crate) const fn forget(&mut self, cores: CoreMask) {
        self.due &= !cores;
        self.pending &= !cores;
        self.overdue &= !cores;
        self.lost &= !cores;
        self.stranded &= !cores;
        self.rest();
    }

    /// Where nothing is due, nobody need look at the time.
    const fn rest(&mut self) {
        if self.due == 0 {
            self.earliest_ns = self.items_ns;
        }
    }

    /// An item of work was pushed and is due at `due_ns`.
    pub(crate) fn item_given(&mut self, due_ns: u64) {
        self.items_ns = self.items_ns.min(due_ns);
        self.earliest_ns = self.earliest_ns.min(due_ns);
    }

    /// From which slot on to look for items that were due at which time, if that is to be done.
    pub(crate) const fn late_items(&self) -> Option<(u32, u64)> {
        self.late_items
    }

    /// The look at items stands at slot `next`; none of those seen is due before `next_ns`.
    pub(crate) fn looked_at_items(&mut self, next: u32, next_ns: u64) {
        self.item_given(next_ns);
        self.late_items = self.late_items.map(|(_, now_ns)| (next, now_ns));
    }

    /// As [`looked_at_items`](Self::looked_at_items), and it is over.
    pub(crate) fn looked_at_all_items(&mut self, next_ns: u64) {
        self.item_given(next_ns);
        self.late_items = None;
    }

    /// Whether anything that runs has a budget: only then the time matters.
    #[inline]
    pub(crate) const fn is_running(&self) -> bool {
        self.earliest_ns != NEVER
    }

    /// Finds who is late at `now_ns`. One comparison while nobody can be.
    pub(crate) fn expire(&mut self, now_ns: u64) {
        if now_ns < self.earliest_ns {
            return;
        }
        self.earliest_ns = NEVER;
        for core in each(self.due) {
            let due_ns = self.watches[core.index()].due_ns;
            if due_ns <= now_ns {
                self.due &= !only(core);
                self.overdue |= only(core);
            } else {
                self.earliest_ns = self.earliest_ns.min(due_ns);
            }
        }
        if self.items_ns <= now_ns {
            self.items_ns = NEVER;
            self.late_items = Some((0, now_ns));
        }
        self.earliest_ns = self.earliest_ns.min(self.items_ns);
    }

    /// Whether a late token or item, or one behind such a token, was not dealt with.
    #[inline]
    pub(crate) const fn has_late(&self) -> bool {
        self.overdue | self.stranded != 0 || self.late_items.is_some()
    }

    /// A core with a late token, and the token. It stays until [`set_lost`](Self::set_lost) or
    /// [`is_on_time`](Self::is_on_time).
    #[inline]
    pub(crate) fn next_overdue(&self) -> Option<(CoreId, Token)> {
        let core = (self.overdue != 0).then(|| first_of(self.overdue))?;
        Some((core, self.watches[core.index()].running))
    }

    /// The core of a late token hangs.
    pub(crate) const fn set_lost(&mut self, core: CoreId) {
        self.overdue &= !only(core);
        self.lost |= only(core);
        self.stranded |= only(core);
    }

    /// A lost core whose pending token is to be dealt with.
    #[inline]
    pub(crate) fn next_stranded(&self) -> Option<CoreId> {
        (self.stranded != 0).then(|| first_of(self.stranded))
    }

    /// The pending token of a lost core, if any, was dealt with.
    pub(crate) const fn is_not_stranded(&mut self, core: CoreId) {
        self.stranded &= !only(core);
    }

    /// The token was not late after all: its FIN came first.
    pub(crate) const fn is_on_time(&mut self, core: CoreId) {
        self.overdue &= !only(core);
    }

    /// Cores that are out of the pool.
    pub(crate) const fn lost(&self) -> CoreMask {
        self.lost
    }

    /// When the dispatch thread must look again though nothing happens.
    pub(crate) const fn next_ns(&self) -> Option<u64> {
        match self.earliest_ns {
            NEVER => None,
            at_ns => Some(at_ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Deadlines;
    use crate::core_pair::{Cond, CorePair, Pair};
    use crate::id::{CoreId, Token};

    const CORE: CoreId = CoreId(127);

    fn second() -> Token {
        Token::FIRST.next()
    }

    /// Running the first token, with the second behind it.
    fn full() -> CorePair {
        let pair = CorePair::default();
        assert!(pair.install(Token::FIRST).is_some());
        let _ = pair.apply(Cond::ack(Token::FIRST), Cond::RESET, Token::IDLE);
        assert!(pair.install(second()).is_some());
        pair
    }

    fn watched() -> Deadlines {
        let mut deadlines = Deadlines::new(None);
        let alone = Pair::IDLE.install(Token::FIRST).unwrap();
        deadlines.given(CORE, Token::FIRST, alone, (100, 1_000));
        deadlines.given(CORE, second(), full().looked_at(), (50, 1_010));
        deadlines
    }

    #[test]
    fn a_running_token_is_late_at_its_due_time_and_not_before() {
        let mut deadlines = watched();
        assert_eq!(deadlines.next_ns(), Some(1_100));
        deadlines.expire(1_099);
        assert_eq!(deadlines.next_overdue(), None);
        deadlines.expire(1_100);
        assert_eq!(deadlines.next_overdue(), Some((CORE, Token::FIRST)));
        assert_eq!(deadlines.next_ns(), None);
    }

    #[test]
    fn a_pending_token_has_its_whole_budget_from_the_look_that_sees_it_running() {
        let (mut deadlines, pair) = (watched(), full());
        let _ = pair.apply(Cond::ack(second()), Cond::ack(Token::FIRST), Token::IDLE);
        assert_eq!(deadlines.changed(CORE, pair.looked_at(), 1_090), None);
        deadlines.expire(1_139);
        assert_eq!(deadlines.next_overdue(), None);
        deadlines.expire(1_140);
        assert_eq!(deadlines.next_overdue(), Some((CORE, second())));
    }

    #[test]
    fn a_lost_core_that_answers_says_how_late_it_is_and_goes_on_with_the_next() {
        let (mut deadlines, pair) = (watched(), full());
        deadlines.expire(1_100);
        deadlines.set_lost(CORE);
        assert_eq!(deadlines.changed(CORE, pair.looked_at(), 1_105), None);
        let _ = pair.apply(Cond::ack(second()), Cond::ack(Token::FIRST), Token::IDLE);
        let late = deadlines.changed(CORE, pair.looked_at(), 1_250);
        assert_eq!(late, Some((Token::FIRST, 150)));
        assert_eq!((deadlines.lost(), deadlines.next_ns()), (0, Some(1_300)));
    }

    #[test]
    fn a_token_given_where_a_late_one_had_just_finished_is_not_late_itself() {
        let mut deadlines = Deadlines::new(None);
        let alone = |token| Pair::IDLE.install(token).unwrap();
        deadlines.given(CORE, Token::FIRST, alone(Token::FIRST), (100, 1_000));
        deadlines.expire(1_100);
        assert_eq!(deadlines.next_overdue(), Some((CORE, Token::FIRST)));
        deadlines.given(CORE, second(), alone(second()), (100, 1_110));
        assert_eq!(deadlines.next_overdue(), None);
        deadlines.expire(1_210);
        assert_eq!(deadlines.next_overdue(), Some((CORE, second())));
    }

    #[test]
    fn a_fin_before_its_due_time_leaves_nothing_to_wait_for() {
        let mut deadlines = Deadlines::new(Some(70));
        assert_eq!((deadlines.budget_ns(0), deadlines.budget_ns(3)), (70, 3));
        let alone = Pair::IDLE.install(Token::FIRST).unwrap();
        deadlines.given(CORE, Token::FIRST, alone, (100, 1_000));
        assert_eq!(deadlines.changed(CORE, Pair::IDLE, 1_050), None);
        deadlines.expire(1_200);
        assert_eq!((deadlines.next_overdue(), deadlines.watched()), (None, 0));
        assert!(!deadlines.is_running());
    }
}
