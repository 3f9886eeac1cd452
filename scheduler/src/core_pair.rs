//! The two-slot pipeline of a core: which token runs, which is pending, and what a COND word says.
//!
//! One 64-bit word. The dispatch thread installs tokens, the owning FIN handler applies what it
//! observed. Where nothing runs only the dispatch thread can change the word, and where there is no
//! room only the handler: each then stores. Where a token runs and the pending place is usable
//! either may come first, so both exchange. [`observe`] is a pure function of the word, the COND
//! register and what was seen before; the transition cases are those of the chip's manual:
//!
//! | case | COND | what follows |
//! | --- | --- | --- |
//! | 1 | FIN of pending | both finished, core idle |
//! | 2 | ACK of pending | running finished, pending runs |
//! | 3.1 | FIN of running, a pending exists | wait: its ACK will come |
//! | 3.2 | FIN of running, no pending | running finished, core idle |
//! | 4 | ACK of running | the pending place becomes usable |
//! | – | any other token | not ours: counted, never acted on |
//!
//! A token leaves the pair in one of two ways only: its FIN is observed, or the core is reset. A
//! token that missed its deadline stays in the pair, and the core out of the pool, until then.

use finbox_mailbox::sync::AtomicU64;

use crate::edge;
use crate::id::Token;

const ACKED: u64 = 1 << 31;
const TOKEN_MASK: u64 = 0x7FFF_FFFF;

/// A COND register value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cond(pub u32);

impl Cond {
    /// After reset: ACK, idle.
    pub const RESET: Self = Self(Token::IDLE.bits());

    /// "Taken": `token` runs.
    pub const fn ack(token: Token) -> Self {
        Self(token.bits())
    }

    /// "Finished": `token` is done.
    pub const fn fin(token: Token) -> Self {
        Self(token.bits() | 1 << 31)
    }

    /// Bit 31.
    pub const fn is_fin(self) -> bool {
        self.0 >> 31 == 1
    }

    /// Bits 30..0.
    pub const fn token(self) -> Token {
        Token::from_bits(self.0)
    }
}

/// The pair, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(u64);

impl Pair {
    /// Nothing runs, nothing is pending.
    pub const IDLE: Self = Self::new(None, false, None);

    const fn new(running: Option<Token>, acked: bool, pending: Option<Token>) -> Self {
        let running = match running {
            Some(token) => token.bits() as u64,
            None => Token::IDLE.bits() as u64,
        };
        let pending = match pending {
            Some(token) => token.bits() as u64,
            None => Token::IDLE.bits() as u64,
        };
        Self(running | if acked { ACKED } else { 0 } | pending << 32)
    }

    const fn half(bits: u64) -> Option<Token> {
        let token = Token::from_bits((bits & TOKEN_MASK) as u32);
        if token.is_ordinary() {
            Some(token)
        } else {
            None
        }
    }

    /// The token that runs.
    pub const fn running(self) -> Option<Token> {
        Self::half(self.0)
    }

    /// The token behind it.
    pub const fn pending(self) -> Option<Token> {
        Self::half(self.0 >> 32)
    }

    /// Whether the running token's ACK was seen, so that the doorbell register is free.
    pub const fn is_acked(self) -> bool {
        self.0 & ACKED != 0
    }

    /// Whether nothing is in flight.
    pub const fn is_idle(self) -> bool {
        self.running().is_none()
    }

    /// Whether the pipeline can take a token.
    pub const fn has_room(self) -> bool {
        self.is_idle() || self.is_acked() && self.pending().is_none()
    }

    /// The pair with `token` installed, where the pipeline can take one.
    pub const fn install(self, token: Token) -> Option<Self> {
        match (self.running(), self.pending()) {
            (None, _) => Some(Self::new(Some(token), false, None)),
            (Some(running), None) if self.is_acked() => {
                Some(Self::new(Some(running), true, Some(token)))
            }
            _ => None,
        }
    }
}

/// What a COND word means for a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Transition {
    /// The word seen last, or case 3.1: nothing follows yet.
    Nothing,
    /// The pair becomes `next`; up to two tokens finished, in this order.
    Apply {
        /// The new pair.
        next: Pair,
        /// Tokens that finished.
        finished: [Option<Token>; 2],
    },
    /// A token that is neither running nor pending.
    Foreign(Foreign),
}

/// A COND token that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Foreign {
    /// The token that finished last.
    Duplicate,
    /// One that was dispatched before that.
    Stale,
    /// One that was never dispatched on this core.
    Unknown,
}

/// Decides what `cond` means. Pure.
///
/// `seen` is the COND word that was acted on last; `last` the token that finished last on this
/// core, [`Token::IDLE`] before the first.
#[inline]
pub fn observe(pair: Pair, cond: Cond, seen: Cond, last: Token) -> Transition {
    if cond == seen {
        return Transition::Nothing;
    }
    let token = Some(cond.token());
    match (pair.running(), pair.pending()) {
        (Some(running), Some(pending)) if token == Some(pending) => {
            if cond.is_fin() {
                apply(Pair::IDLE, [Some(running), Some(pending)])
            } else {
                apply(Pair::new(Some(pending), true, None), [Some(running), None])
            }
        }
        (Some(running), Some(_)) if token == Some(running) => Transition::Nothing,
        (Some(running), None) if token == Some(running) => {
            if cond.is_fin() {
                apply(Pair::IDLE, [Some(running), None])
            } else {
                apply(Pair::new(Some(running), true, None), [None, None])
            }
        }
        _ => Transition::Foreign(classify(cond.token(), last)),
    }
}

const fn apply(next: Pair, finished: [Option<Token>; 2]) -> Transition {
    Transition::Apply { next, finished }
}

fn classify(token: Token, last: Token) -> Foreign {
    if !token.is_ordinary() || !last.is_ordinary() {
        Foreign::Unknown
    } else if token == last {
        Foreign::Duplicate
    } else if token.is_before(last) {
        Foreign::Stale
    } else {
        Foreign::Unknown
    }
}

/// The shared word of a core.
#[derive(Debug)]
pub struct CorePair(AtomicU64);

impl Default for CorePair {
    fn default() -> Self {
        Self(AtomicU64::new(Pair::IDLE.0))
    }
}

impl CorePair {
    /// The pair, for the owning handler: acquired from the dispatch thread.
    #[inline]
    pub fn observed(&self) -> Pair {
        // EDGE OBSERVE <- INSTALL.
        Pair(self.0.load(edge::OBSERVE))
    }

    /// The pair, for the dispatch thread.
    #[inline]
    pub fn looked_at(&self) -> Pair {
        // RELAXED: LOOK is only about tokens; OPEN_TAKE or IDLE_HEAR came first.
        Pair(self.0.load(edge::LOOK))
    }

    /// Dispatch thread: puts `token` behind what runs. `None` if the pipeline cannot take it.
    ///
    /// Record, payload and slab of the token must be ready; the doorbell rings afterwards.
    #[inline]
    pub fn install(&self, token: Token) -> Option<Pair> {
        let looked_at = self.looked_at();
        if looked_at.is_idle() {
            // Only the dispatch thread writes it now. EDGE INSTALL -> OBSERVE.
            let next = looked_at.install(token)?;
            self.0.store(next.0, edge::INSTALL);
            return Some(next);
        }
        // EDGE INSTALL -> OBSERVE. RELAXED: LOOK is only about tokens.
        let install = |word| Pair(word).install(token).map(|next| next.0);
        let before = self.0.try_update(edge::INSTALL, edge::LOOK, install).ok()?;
        Pair(before).install(token)
    }

    /// Dispatch thread: whether `token` runs, as far as it knows. If not any more, the handler is
    /// still to tell of what came next; the retire word decides about the task.
    pub fn still_runs(&self, token: Token) -> bool {
        self.looked_at().running() == Some(token)
    }

    /// Owning handler: after a reset, nothing is in flight. Returns the pair that was.
    pub fn reset(&self) -> Pair {
        let idle = |_| Some(Pair::IDLE.0);
        // EDGE OBSERVE <- INSTALL. RELAXED: APPLY is only about tokens.
        let before = self.0.try_update(edge::APPLY, edge::OBSERVE, idle);
        Pair(before.unwrap_or(Pair::IDLE.0))
    }

    /// Owning handler: applies what `cond` means, observing again whenever it lost a race.
    #[inline]
    pub fn apply(&self, cond: Cond, seen: Cond, last: Token) -> Transition {
        let pair = self.observed();
        if !pair.is_acked() || pair.pending().is_some() {
            // Only the handler writes it now, or nobody, where nothing runs.
            let transition = observe(pair, cond, seen, last);
            if let Transition::Apply { next, .. } = transition {
                // RELAXED: APPLY is only about tokens.
                self.0.store(next.0, edge::APPLY);
            }
            return transition;
        }
        let mut transition = Transition::Nothing;
        // EDGE OBSERVE <- INSTALL. RELAXED: APPLY is only about tokens.
        let _ = self.0.try_update(edge::APPLY, edge::OBSERVE, |word| {
            transition = observe(Pair(word), cond, seen, last);
            match transition {
                Transition::Apply { next, .. } => Some(next.0),
                Transition::Nothing | Transition::Foreign(_) => None,
            }
        });
        transition
    }
}
