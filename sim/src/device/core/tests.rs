//! Cores that pick, run, poll, hang and are reset.

use super::{Core, CostModel, FIN, Kernels, Next, Picked, Registers};
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

/// Looks every 30 ns for what it wants, works 100 ns on each, and ends when it is told to.
#[derive(Default)]
struct Server {
    wanted: u32,
    is_over: bool,
    looks: Vec<u64>,
    worked: Vec<u64>,
}

impl Kernels for Server {
    fn start(&mut self, _picked: &Picked, _now: u64) -> Option<u64> {
        Some(30)
    }

    fn proceed(&mut self, _picked: &Picked, now: u64) -> Next {
        self.looks.push(now);
        match (self.wanted, self.is_over) {
            (0, true) => Next::End,
            (0, false) => Next::Poll(30),
            _ => {
                self.wanted -= 1;
                self.worked.push(now);
                Next::GoOn(100)
            }
        }
    }

    fn finish(&mut self, _picked: &Picked, now: u64) {
        assert!(self.is_over, "{now}");
    }
}

#[test]
fn a_kernel_that_polls_takes_the_first_poll_behind_what_came() {
    let (registers, mut core, _) = made(&CostModel::FREE);
    let mut server = Server::default();
    assert_eq!(core.poke(0), None, "it runs nothing");
    ring(&registers, 1, 1);
    assert_eq!(core.step(0, &registers, &mut server), Some(30));
    assert_eq!(core.poke(10), None, "it does not poll yet");
    assert_eq!(core.step(30, &registers, &mut server), None);
    assert!(core.running().is_some() && !core.is_hung());
    server.wanted = 1;
    // Polls at 60, 90 and 120 see nothing, that at 150 sees what came at 125.
    assert_eq!(core.poke(125), Some(3));
    assert_eq!(core.announce(125), Some(150));
    assert_eq!(core.step(149, &registers, &mut server), Some(150));
    assert_eq!(core.step(150, &registers, &mut server), Some(250));
    assert_eq!(core.step(250, &registers, &mut server), None);
    assert_eq!(registers.cond(ID), 1, "it is no end");
    // What comes before the next poll is seen by that one.
    assert_eq!(core.poke(251), Some(0));
    assert_eq!(core.step(280, &registers, &mut server), None);
    server.is_over = true;
    assert_eq!(core.poke(310), Some(0));
    assert_eq!(core.step(310, &registers, &mut server), None);
    assert_eq!(registers.cond(ID), FIN | 1);
    assert_eq!(server.looks, [30, 150, 250, 280, 310]);
    assert_eq!(server.worked, [150]);
}

#[test]
fn a_reset_ends_a_kernel_that_polls() {
    let (registers, mut core, mut log) = made(&CostModel::FREE);
    ring(&registers, 1, 1);
    let mut server = Server::default();
    core.step(0, &registers, &mut server);
    core.step(30, &registers, &mut server);
    core.reset(&registers);
    assert_eq!((core.poke(99), core.running()), (None, None));
    ring(&registers, 2, 3);
    core.step(100, &registers, &mut log);
    assert_eq!(core.running().map(|picked| picked.token.bits()), Some(2));
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
