//! The two-slot pipeline: what a COND word means, case by case and in every legal schedule.

use std::collections::HashSet;

use finbox_scheduler::{Cond, CorePair, Foreign, Pair, Token, Transition, observe};
use oorandom::Rand32;

const R: Token = Token::from_bits(8);
const P: Token = Token::from_bits(9);
const LAST: Token = Token::from_bits(7);
/// What was seen last before `R` became known.
const SEEN: Cond = Cond::fin(LAST);

fn fresh() -> Pair {
    Pair::IDLE.install(R).unwrap()
}

fn acked() -> Pair {
    match observe(fresh(), Cond::ack(R), SEEN, LAST) {
        Transition::Apply { next, .. } => next,
        other => panic!("{other:?}"),
    }
}

fn full() -> Pair {
    acked().install(P).unwrap()
}

fn applied(transition: Transition) -> (Pair, Vec<Token>) {
    match transition {
        Transition::Apply { next, finished } => (next, finished.into_iter().flatten().collect()),
        other => panic!("{other:?}"),
    }
}

fn foreign(pair: Pair, cond: Cond) -> Foreign {
    match observe(pair, cond, SEEN, LAST) {
        Transition::Foreign(kind) => kind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pair_takes_a_second_token_only_after_the_first_was_acked() {
    assert!(Pair::IDLE.is_idle() && !fresh().is_idle());
    assert_eq!((fresh().running(), fresh().pending()), (Some(R), None));
    assert!(!fresh().is_acked() && fresh().install(P).is_none());
    assert!(acked().is_acked());
    assert_eq!((full().running(), full().pending()), (Some(R), Some(P)));
    assert!(full().install(P.next()).is_none());
}

#[test]
fn case_1_fin_of_pending_finishes_both_in_order() {
    let (next, finished) = applied(observe(full(), Cond::fin(P), Cond::ack(R), LAST));
    assert_eq!((next, finished), (Pair::IDLE, vec![R, P]));
}

#[test]
fn case_2_ack_of_pending_finishes_running_and_promotes_pending() {
    let (next, finished) = applied(observe(full(), Cond::ack(P), Cond::ack(R), LAST));
    assert_eq!(finished, [R]);
    assert_eq!(
        (next.running(), next.pending(), next.is_acked()),
        (Some(P), None, true)
    );
}

#[test]
fn case_3_1_fin_of_running_waits_while_a_pending_exists() {
    let cond = Cond::fin(R);
    assert_eq!(
        observe(full(), cond, Cond::ack(R), LAST),
        Transition::Nothing
    );
}

#[test]
fn case_3_2_fin_of_running_without_pending_idles_the_core() {
    for pair in [fresh(), acked()] {
        let (next, finished) = applied(observe(pair, Cond::fin(R), SEEN, LAST));
        assert_eq!((next, finished), (Pair::IDLE, vec![R]));
    }
}

#[test]
fn case_4_ack_of_running_opens_the_pending_place() {
    let (next, finished) = applied(observe(fresh(), Cond::ack(R), SEEN, LAST));
    assert_eq!((next, finished.len()), (acked(), 0));
}

#[test]
fn ack_of_running_while_a_pending_exists_changes_nothing() {
    assert_eq!(
        observe(full(), Cond::ack(R), SEEN, LAST),
        Transition::Nothing
    );
}

#[test]
fn the_word_seen_last_is_no_news() {
    for word in [
        Cond::fin(LAST),
        Cond::ack(R),
        Cond::fin(R),
        Cond::fin(P),
        Cond(u32::MAX),
    ] {
        for pair in [fresh(), acked(), full()] {
            assert_eq!(observe(pair, word, word, LAST), Transition::Nothing);
        }
    }
}

#[test]
fn a_token_that_is_not_ours_is_duplicate_stale_or_unknown() {
    for pair in [fresh(), acked(), full()] {
        let seen_before = |bits: u32| foreign(pair, Cond(bits));
        assert_eq!(
            seen_before(LAST.bits()),
            Foreign::Duplicate,
            "its ACK, once more"
        );
        assert_eq!(
            foreign(pair, Cond::fin(Token::from_bits(6))),
            Foreign::Stale
        );
        assert_eq!(foreign(pair, Cond::fin(Token::FIRST)), Foreign::Stale);
        assert_eq!(
            foreign(pair, Cond::fin(Token::from_bits(10))),
            Foreign::Unknown
        );
    }
    assert_eq!(
        foreign(acked(), Cond::fin(P)),
        Foreign::Unknown,
        "not dispatched yet"
    );
    let duplicate = observe(acked(), Cond::fin(LAST), Cond::ack(R), LAST);
    assert_eq!(duplicate, Transition::Foreign(Foreign::Duplicate));
}

#[test]
fn stale_is_told_from_unknown_across_the_wrap() {
    let last = Token::from_bits(1);
    let running = Token::from_bits(2);
    let pair = Pair::IDLE.install(running).unwrap();
    let old = observe(pair, Cond::fin(Token::LAST), Cond::fin(last), last);
    assert_eq!(old, Transition::Foreign(Foreign::Stale));
}

#[test]
fn garbage_and_reserved_tokens_are_unknown() {
    let reserved = (Token::LAST.bits() + 1..=0x7FFF_FFFF).flat_map(|t| [t, t | 1 << 31]);
    for bits in reserved.chain([u32::MAX]) {
        for pair in [fresh(), acked(), full()] {
            assert_eq!(foreign(pair, Cond(bits)), Foreign::Unknown, "{bits:#x}");
        }
    }
}

#[test]
fn before_the_first_token_finished_everything_foreign_is_unknown() {
    let pair = Pair::IDLE.install(Token::FIRST).unwrap();
    for bits in [0, 5, 0x7FFF_FFEF, 0xFFFF_FFFF] {
        let transition = observe(pair, Cond(bits), Cond::RESET, Token::IDLE);
        assert_eq!(
            transition,
            Transition::Foreign(Foreign::Unknown),
            "{bits:#x}"
        );
    }
    assert_eq!(
        observe(pair, Cond::RESET, Cond::RESET, Token::IDLE),
        Transition::Nothing
    );
}

#[test]
fn an_idle_pair_takes_no_word_for_its_own() {
    assert!(matches!(
        observe(Pair::IDLE, Cond::fin(LAST), Cond::ack(LAST), LAST),
        Transition::Foreign(Foreign::Duplicate)
    ));
}

/// Dispatcher, core and handler of one core, each step small enough to interleave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Model {
    running: Option<u32>,
    acked: bool,
    pending: Option<u32>,
    next: u32,
    rung: u32,
    dmb: u32,
    taken: u32,
    core_runs: bool,
    cond: u32,
    loaded: Option<u32>,
    seen: u32,
    last: u32,
    finished: u32,
}

const START: u32 = 1;

impl Model {
    const fn new() -> Self {
        let idle = Token::IDLE.bits();
        Self {
            running: None,
            acked: false,
            pending: None,
            next: START,
            rung: START - 1,
            dmb: START - 1,
            taken: START - 1,
            core_runs: false,
            cond: idle,
            loaded: None,
            seen: idle,
            last: idle,
            finished: START - 1,
        }
    }

    fn pair(&self) -> Pair {
        let mut pair = Pair::IDLE;
        if let Some(running) = self.running {
            let token = Token::from_bits(running);
            pair = pair.install(token).unwrap();
            if self.acked {
                pair = applied(observe(pair, Cond::ack(token), Cond(!0), token)).0;
            }
        }
        match self.pending {
            Some(pending) => pair.install(Token::from_bits(pending)).unwrap(),
            None => pair,
        }
    }

    fn set_pair(&mut self, pair: Pair) {
        self.running = pair.running().map(Token::bits);
        self.pending = pair.pending().map(Token::bits);
        self.acked = pair.is_acked() && self.running.is_some();
    }

    /// Every state that one step of anybody leads to.
    fn successors(self, tokens: u32) -> Vec<Self> {
        let mut all = Vec::new();
        if self.next <= tokens
            && self.rung == self.next - 1
            && let Some(pair) = self.pair().install(Token::from_bits(self.next))
        {
            let mut to = self;
            to.set_pair(pair);
            to.next += 1;
            all.push(to);
        }
        if self.rung < self.next - 1 {
            assert_eq!(
                self.dmb, self.taken,
                "rung over a token not taken: {self:?}"
            );
            let mut to = self;
            to.rung += 1;
            to.dmb = to.rung;
            all.push(to);
        }
        if !self.core_runs && self.dmb != self.taken {
            let mut to = self;
            to.core_runs = true;
            to.taken = self.dmb;
            to.cond = self.dmb;
            all.push(to);
        }
        if self.core_runs {
            let mut to = self;
            to.core_runs = false;
            to.cond = self.taken | 1 << 31;
            all.push(to);
        }
        all.extend(self.handler_step());
        all
    }

    fn handler_step(self) -> Option<Self> {
        let mut to = self;
        let Some(loaded) = self.loaded else {
            self.running?;
            to.loaded = Some(self.cond);
            return Some(to);
        };
        to.loaded = None;
        let last = Token::from_bits(self.last);
        match observe(self.pair(), Cond(loaded), Cond(self.seen), last) {
            Transition::Nothing => {}
            Transition::Foreign(kind) => panic!("{kind:?} in a legal run: {self:?}"),
            Transition::Apply { next, finished } => {
                to.seen = loaded;
                for token in finished.into_iter().flatten() {
                    assert_eq!(token.bits(), to.finished + 1, "out of order: {self:?}");
                    to.finished = token.bits();
                    to.last = token.bits();
                }
                to.set_pair(next);
            }
        }
        Some(to)
    }
}

#[test]
fn in_every_schedule_of_a_legal_core_each_token_finishes_once_and_in_order() {
    const TOKENS: u32 = 5;
    let mut known = HashSet::from([Model::new()]);
    let mut open = vec![Model::new()];
    let (mut ends, mut both_at_once, mut waited) = (0, 0, 0);
    while let Some(state) = open.pop() {
        let successors = state.successors(TOKENS);
        if state.finished == TOKENS && state.next > TOKENS {
            ends += 1;
        } else {
            let stuck = successors.iter().all(|to| *to == state);
            assert!(!stuck, "nothing leads on: {state:?}");
        }
        for to in successors {
            both_at_once += u32::from(to.finished == state.finished + 2);
            let fin_of_running = Some(to.cond & !(1 << 31)) == to.running && to.cond >> 31 == 1;
            waited += u32::from(fin_of_running && to.pending.is_some());
            if known.insert(to) {
                open.push(to);
            }
        }
    }
    assert!(
        ends > 0 && both_at_once > 0 && waited > 0,
        "not all cases were reached"
    );
    assert!(known.len() > 150, "only {} states", known.len());
}

#[test]
fn in_long_random_schedules_each_token_finishes_once_and_in_order() {
    for seed in 0..50 {
        let mut random = Rand32::new(seed);
        let mut state = Model::new();
        while state.finished < 400 {
            let successors = state.successors(400);
            let pick = random.rand_range(0..u32::try_from(successors.len()).unwrap());
            state = successors[pick as usize];
        }
        assert_eq!((state.running, state.pending), (None, None));
    }
}

#[test]
fn a_token_runs_from_its_turn_until_its_fin() {
    let pair = CorePair::default();
    assert!(!pair.still_runs(R), "nothing runs");
    pair.install(R);
    assert!(pair.still_runs(R) && !pair.still_runs(P));
    let _ = applied(pair.apply(Cond::ack(R), SEEN, LAST));
    pair.install(P);
    assert!(pair.still_runs(R) && !pair.still_runs(P), "P stands behind");
    let _ = applied(pair.apply(Cond::ack(P), Cond::ack(R), LAST));
    assert!(pair.still_runs(P) && !pair.still_runs(R));
}

#[test]
fn the_shared_word_applies_what_observe_decides() {
    let pair = CorePair::default();
    assert!(pair.observed().is_idle());
    assert_eq!(pair.install(R), Some(fresh()));
    assert_eq!(pair.install(P), None);
    assert_eq!(pair.apply(SEEN, SEEN, LAST), Transition::Nothing);
    let (next, _) = applied(pair.apply(Cond::ack(R), SEEN, LAST));
    assert_eq!((next, pair.looked_at()), (acked(), acked()));
    assert_eq!(pair.install(P), Some(full()));
    let unknown = pair.apply(Cond(u32::MAX), Cond::ack(R), LAST);
    assert_eq!(unknown, Transition::Foreign(Foreign::Unknown));
    assert_eq!(pair.observed(), full(), "a foreign word changes nothing");
    let (next, finished) = applied(pair.apply(Cond::fin(P), Cond::ack(R), LAST));
    assert_eq!((next, finished), (Pair::IDLE, vec![R, P]));
    assert!(pair.looked_at().is_idle());
}
