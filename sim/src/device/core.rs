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

/// What cores run.
pub trait Kernels {
    /// A core starts `picked` at `now`: how long it takes in ns, or None if it never ends.
    fn start(&mut self, picked: &Picked, now: u64) -> Option<u64>;

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
        while self.turn(now, registers, kernels) {}
        self.publish(now, registers);
        self.next_due()
    }

    /// When it acts next, unless it said so before: a doorbell that rings while a kernel runs
    /// changes nothing about its end.
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
            Phase::Running { picked, .. } => Some(picked),
            _ => None,
        }
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
                kernels.finish(picked, now);
                let words = kernels.words(picked, FIN | picked.token.bits());
                self.say(now, words);
                self.phase = self.after(now, registers);
                true
            }
            Phase::Switching { .. } | Phase::Running { .. } | Phase::Stopped => false,
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

    fn publish(&mut self, now: u64, registers: &Registers) {
        while let Some(&(at, cond)) = self.on_the_way.front() {
            if at > now {
                break;
            }
            registers.set_cond(self.id, cond);
            self.on_the_way.pop_front();
        }
    }

    fn next_due(&self) -> Option<u64> {
        let phase = match self.phase {
            Phase::Switching { until } => Some(until),
            Phase::Running { until, .. } => until,
            Phase::Idle | Phase::Stopped => None,
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
mod tests {
    use super::{Core, CostModel, FIN, Kernels, Picked, Registers};
    use finbox_scheduler::Shape;
    use finbox_scheduler::{CoreId, Launch, SlotId, TaskId, Token};

    const ID: CoreId = CoreId(0);

    /// Runs kernel `k` for `k` ns; 0 hangs.
    #[derive(Default)]
    struct Log(Vec<(char, u64, u32)>);

    impl Kernels for Log {
        fn start(&mut self, picked: &Picked, now: u64) -> Option<u64> {
            self.0.push(('s', now, picked.token.bits()));
            (picked.launch.kernel > 0).then_some(picked.launch.kernel)
        }

        fn finish(&mut self, picked: &Picked, now: u64) {
            self.0.push(('f', now, picked.token.bits()));
        }
    }

    fn ring(registers: &Registers, token: u32, kernel: u64) {
        let token = Token::from_bits(token);
        let (slot, task) = (SlotId::new(0, 0, 1), TaskId::new(0, 0));
        registers.stage(ID, token, &Launch::single(slot, task, kernel, 0));
        registers.ring(ID, token);
    }

    fn made(cost: &CostModel) -> (Registers, Core, Log) {
        (
            Registers::new(1),
            Core::new(ID, Shape::Aiv, cost),
            Log::default(),
        )
    }

    #[test]
    fn a_doorbell_in_the_midst_of_a_kernel_announces_its_end_no_second_time() {
        let (registers, mut core, mut log) = made(&CostModel::FREE);
        ring(&registers, 1, 1_000);
        core.step(0, &registers, &mut log);
        assert_eq!(core.announce(0), Some(1_000));
        ring(&registers, 2, 500);
        core.step(10, &registers, &mut log);
        assert_eq!(core.announce(10), None);
        core.step(1_000, &registers, &mut log);
        assert_eq!(core.announce(1_000), Some(1_500));
        core.step(1_000, &registers, &mut log);
        assert_eq!(core.announce(1_000), None);
    }

    #[test]
    fn a_token_is_acknowledged_at_pick_up_and_finished_at_its_end() {
        let (registers, mut core, mut log) = made(&CostModel::A2A3);
        assert_eq!(core.step(0, &registers, &mut log), None);
        ring(&registers, 1, 1_000);
        assert_eq!(core.step(140, &registers, &mut log), Some(220));
        assert_eq!(registers.cond(ID), 0x7FFF_FFFF, "the ACK is on its way");
        assert_eq!(core.step(220, &registers, &mut log), Some(1_140));
        assert_eq!(registers.cond(ID), 1);
        assert_eq!(core.step(1_140, &registers, &mut log), Some(1_220));
        assert_eq!(registers.cond(ID), 1, "the FIN is on its way");
        assert_eq!(core.step(1_220, &registers, &mut log), None);
        assert_eq!(registers.cond(ID), FIN | 1);
        assert_eq!(log.0, [('s', 140, 1), ('f', 1_140, 1)]);
    }

    #[test]
    fn a_pending_token_costs_a_switch_and_then_runs() {
        let (registers, mut core, mut log) = made(&CostModel::A2A3);
        ring(&registers, 1, 1_000);
        core.step(0, &registers, &mut log);
        ring(&registers, 2, 50);
        core.step(300, &registers, &mut log);
        let mut due = core.step(1_000, &registers, &mut log);
        let mut words = Vec::new();
        while let Some(at) = due {
            due = core.step(at, &registers, &mut log);
            words.push((at, registers.cond(ID)));
        }
        let expected = [(1_080, FIN | 1), (1_810, FIN | 1), (1_860, FIN | 1)];
        assert_eq!(words[..3], expected);
        assert_eq!(words[3..], [(1_890, 2), (1_940, FIN | 2)]);
        assert_eq!(log.0[2..], [('s', 1_810, 2), ('f', 1_860, 2)]);
    }

    #[test]
    fn stepping_too_early_or_twice_changes_nothing() {
        let (registers, mut core, mut log) = made(&CostModel::A2A3);
        ring(&registers, 1, 1_000);
        for now in [0, 0, 10, 79, 80, 500, 999] {
            core.step(now, &registers, &mut log);
        }
        assert_eq!((log.0.len(), registers.cond(ID)), (1, 1));
    }

    #[test]
    fn a_token_is_picked_once() {
        let (registers, mut core, mut log) = made(&CostModel::FREE);
        ring(&registers, 1, 1);
        for now in 0..5 {
            core.step(now, &registers, &mut log);
        }
        assert_eq!(log.0, [('s', 0, 1), ('f', 1, 1)]);
        assert_eq!(registers.cond(ID), FIN | 1);
    }

    #[test]
    fn exit_stops_a_core_and_is_acknowledged() {
        let (registers, mut core, mut log) = made(&CostModel::FREE);
        registers.ring(ID, Token::EXIT);
        core.step(0, &registers, &mut log);
        assert_eq!(registers.cond(ID), Token::EXIT.bits());
        ring(&registers, 1, 1);
        assert_eq!(core.step(9, &registers, &mut log), None);
        assert!(core.is_stopped() && log.0.is_empty());
    }

    #[test]
    fn a_hung_core_ignores_everything_but_a_reset() {
        let (registers, mut core, mut log) = made(&CostModel::FREE);
        ring(&registers, 1, 0);
        core.step(0, &registers, &mut log);
        registers.ring(ID, Token::EXIT);
        assert_eq!(core.step(1 << 40, &registers, &mut log), None);
        assert!(core.is_hung() && !core.is_stopped());
        core.reset(&registers);
        ring(&registers, 2, 3);
        core.step(1 << 41, &registers, &mut log);
        assert_eq!(core.running().map(|picked| picked.token.bits()), Some(2));
    }

    #[test]
    fn the_largest_token_and_the_one_after_it_are_ordinary() {
        let (registers, mut core, mut log) = made(&CostModel::FREE);
        ring(&registers, Token::LAST.bits(), 1);
        core.step(0, &registers, &mut log);
        core.step(1, &registers, &mut log);
        ring(&registers, 0, 1);
        core.step(2, &registers, &mut log);
        core.step(3, &registers, &mut log);
        assert_eq!((registers.cond(ID), log.0.len()), (FIN, 4));
    }
}
