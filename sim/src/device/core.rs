//! One core: takes the token in DMB, runs it, says ACK and FIN in COND.
//!
//! Guarantees: every ordinary token is picked once; ACK is written at the pick-up and FIN at the
//! end, in that order, after what the kernel left in memory; a token rung while another runs is
//! picked after that one's FIN, with the cost of a switch. Refuses to know a clock or a kernel: it
//! is told `now`, and asks [`Kernels`] what to run. It answers when it wants to be stepped again;
//! being stepped earlier or more often changes nothing.
//!
//! Called by the worlds: in virtual time at exactly the times it asked for and when a doorbell is
//! seen, in wall time as often as the device thread comes by (an idle core costs one load).

use std::collections::VecDeque;

use finbox_scheduler::{CoreId, Launch, Shape, Token};

use super::cost::CostModel;
use super::register::{COND_RESET, FIN, Registers};
use super::words::Words;

/// A token that a core took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picked {
    /// The core.
    pub core: CoreId,
    /// The token.
    pub token: Token,
    /// What was staged for it.
    pub launch: Launch,
}

/// What follows a stretch of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Its end.
    End,
    /// Another stretch, of so many ns.
    GoOn(u64),
    /// Nothing: it hangs.
    Hang,
    /// It polls every so many ns for something that is not there. Whoever brings it
    /// [pokes](Core::poke) the core, and the first poll behind that is taken.
    Poll(u64),
}

/// What cores run.
pub trait Kernels {
    /// A core starts `picked` at `now`: how long it takes in ns, or None if it never ends.
    fn start(&mut self, picked: &Picked, now: u64) -> Option<u64>;

    /// `picked` has come at `now` as far as it said when it started, or went on: what follows.
    fn proceed(&mut self, picked: &Picked, now: u64) -> Next {
        let _one_of_one_stretch = (picked, now);
        Next::End
    }

    /// `picked` ends at `now`: do what it does to memory, its slab included. FIN follows.
    fn finish(&mut self, picked: &Picked, now: u64);

    /// The COND words that `word`, an ACK or FIN of `picked`, becomes: itself, unless this machine
    /// is a broken one.
    fn words(&mut self, picked: &Picked, word: u32) -> Words {
        let _one_like_any_other = picked;
        Words::just(word)
    }
}

/// The state of one core.
#[derive(Debug)]
pub struct Core {
    id: CoreId,
    switch_ns: u64,
    start_ns: u64,
    visible_ns: u64,
    last_picked: Token,
    phase: Phase,
    /// COND words on their way to the control CPU, with the times they arrive.
    on_the_way: VecDeque<(u64, u32)>,
    /// When it said last that it acts next.
    announced: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Looks at DMB.
    Idle,
    /// Goes over to the token that is already in DMB.
    Switching { until: u64 },
    /// Runs a kernel; None: it hangs.
    Running { picked: Picked, until: Option<u64> },
    /// Runs a kernel that polls in vain, at these times.
    Polling {
        picked: Picked,
        first: u64,
        period: u64,
    },
    /// Took EXIT.
    Stopped,
}

impl Core {
    /// Core `id` that runs `shape` after reset.
    pub fn new(id: CoreId, shape: Shape, cost: &CostModel) -> Self {
        let start_ns = if shape == Shape::Host {
            cost.host_start_ns
        } else {
            0
        };
        Self {
            id,
            switch_ns: cost.switch_ns,
            start_ns,
            visible_ns: cost.cond_visible_ns,
            last_picked: Token::IDLE,
            phase: Phase::Idle,
            on_the_way: VecDeque::with_capacity(4),
            announced: None,
        }
    }

    /// Does everything that is due at `now`; returns when it wants to be stepped again.
    ///
    /// None: not before somebody rings its doorbell (or never, if it hangs or has stopped).
    pub fn step(
        &mut self,
        now: u64,
        registers: &Registers,
        kernels: &mut impl Kernels,
    ) -> Option<u64> {
        self.advance(now, registers, kernels);
        self.next_due()
    }

    /// The same, for whoever [asks](Self::announce) when.
    pub fn advance(&mut self, now: u64, registers: &Registers, kernels: &mut impl Kernels) {
        while self.turn(now, registers, kernels) {}
        self.publish(now, registers);
    }

    /// When it acts next, unless it said so before: a doorbell that rings while a kernel runs
    /// changes nothing about its end.
    #[inline]
    pub fn announce(&mut self, now: u64) -> Option<u64> {
        let next = self.next_due()?;
        if next > now && self.announced == Some(next) {
            return None;
        }
        self.announced = Some(next);
        Some(next)
    }

    /// The token it runs, if any.
    pub const fn running(&self) -> Option<&Picked> {
        match &self.phase {
            Phase::Running { picked, .. } | Phase::Polling { picked, .. } => Some(picked),
            _ => None,
        }
    }

    /// Something came at `now` for which its kernel may be polling: it takes its next poll, which
    /// is at `now` at the earliest. Returns how many it had taken in vain; None: it does not poll.
    pub fn poke(&mut self, now: u64) -> Option<u64> {
        let Phase::Polling {
            picked,
            first,
            period,
        } = self.phase
        else {
            return None;
        };
        let in_vain = now.saturating_sub(first).div_ceil(period.max(1));
        let until = Some(first.max(first.saturating_add(in_vain.saturating_mul(period))));
        self.phase = Phase::Running { picked, until };
        Some(in_vain)
    }

    /// Whether it runs something that never ends.
    pub const fn is_hung(&self) -> bool {
        matches!(self.phase, Phase::Running { until: None, .. })
    }

    /// Whether it took EXIT.
    pub const fn is_stopped(&self) -> bool {
        matches!(self.phase, Phase::Stopped)
    }

    /// Throws away whatever it does and brings its registers to their values after reset.
    pub fn reset(&mut self, registers: &Registers) {
        self.phase = Phase::Idle;
        self.last_picked = Token::IDLE;
        self.on_the_way.clear();
        registers.reset(self.id);
    }

    /// Moves on by one phase if that is due.
    fn turn(&mut self, now: u64, registers: &Registers, kernels: &mut impl Kernels) -> bool {
        match self.phase {
            Phase::Idle => self.pick(now, registers, kernels),
            Phase::Switching { until } if until <= now => {
                self.phase = Phase::Idle;
                true
            }
            Phase::Running {
                ref picked,
                until: Some(until),
            } if until <= now => {
                let picked = *picked;
                self.phase = self.proceed(picked, now, registers, kernels);
                true
            }
            Phase::Switching { .. }
            | Phase::Running { .. }
            | Phase::Polling { .. }
            | Phase::Stopped => false,
        }
    }

    /// A stretch of `picked` is over.
    fn proceed(
        &mut self,
        picked: Picked,
        now: u64,
        registers: &Registers,
        kernels: &mut impl Kernels,
    ) -> Phase {
        match kernels.proceed(&picked, now) {
            Next::End => {
                kernels.finish(&picked, now);
                let words = kernels.words(&picked, FIN | picked.token.bits());
                self.say(now, words);
                self.after(now, registers)
            }
            Next::GoOn(ns) => {
                let until = Some(now.saturating_add(ns));
                Phase::Running { picked, until }
            }
            Next::Hang => Phase::Running {
                picked,
                until: None,
            },
            Next::Poll(period) => {
                let first = now.saturating_add(period);
                Phase::Polling {
                    picked,
                    first,
                    period,
                }
            }
        }
    }

    /// What it does after a FIN: another token may have been rung meanwhile.
    fn after(&self, now: u64, registers: &Registers) -> Phase {
        if registers.dmb(self.id) == self.last_picked {
            Phase::Idle
        } else {
            Phase::Switching {
                until: now + self.switch_ns,
            }
        }
    }

    fn pick(&mut self, now: u64, registers: &Registers, kernels: &mut impl Kernels) -> bool {
        let token = registers.dmb(self.id);
        if token == self.last_picked {
            return false;
        }
        self.last_picked = token;
        if token == Token::EXIT {
            self.say(now, Words::just(token.bits()));
            self.phase = Phase::Stopped;
        } else if token.is_ordinary() {
            let picked = Picked {
                core: self.id,
                token,
                launch: registers.staged(self.id, token),
            };
            let words = kernels.words(&picked, token.bits());
            self.say(now, words);
            let until = kernels
                .start(&picked, now)
                .map(|ns| (now + self.start_ns).saturating_add(ns));
            self.phase = Phase::Running { picked, until };
        }
        true
    }

    /// Writes COND; the control CPU sees it a little later.
    fn say(&mut self, now: u64, words: Words) {
        let usual = now.saturating_add(self.visible_ns);
        for (later, word) in words.iter() {
            self.on_the_way
                .push_back((usual.saturating_add(later), word));
        }
    }

    #[inline]
    fn publish(&mut self, now: u64, registers: &Registers) {
        while let Some(&(at, cond)) = self.on_the_way.front() {
            if at > now {
                break;
            }
            registers.set_cond(self.id, cond);
            self.on_the_way.pop_front();
        }
    }

    #[inline]
    fn next_due(&self) -> Option<u64> {
        let phase = match self.phase {
            Phase::Switching { until } => Some(until),
            Phase::Running { until, .. } => until,
            Phase::Polling { .. } | Phase::Idle | Phase::Stopped => None,
        };
        let word = self.on_the_way.front().map(|&(at, _)| at);
        match (phase, word) {
            (Some(phase), Some(word)) => Some(phase.min(word)),
            (phase, word) => phase.or(word),
        }
    }
}

const _: () = assert!(COND_RESET & FIN == 0, "a core is not finished after reset");

#[cfg(test)]
mod tests;
