//! The machine by hand, through its port, and under the whole scheduler.

use std::sync::Arc;
use std::time::Duration;

use finbox_abi::{finbox_op, finbox_op_kind as Kind};
use finbox_runtime::threads::{self, Unit};
use finbox_runtime::wait::{StopFlag, Waited, Watch};
use finbox_runtime::{Arena, Config, Drain, DrainLimits, Machine, drain};
use finbox_scheduler::{
    Chip, CoreId, ENTRIES_OFFSET, Launch, NoProbe, Port, SLAB_BYTES, Shape, SlotId, Subtasks,
    TaskId, TaskSpec, Token,
};

use super::{SimMachine, Wanted};
use crate::device::{COND_RESET, FIN};
use crate::workload::pattern;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two ranks of six cores each.
fn machine(target: u32, options: &str) -> SimMachine {
    let wanted = Wanted {
        target,
        cores: 6,
        memory_bytes: 1 << 20,
        options,
        ..Wanted::default()
    };
    SimMachine::open(&wanted).expect("a small machine")
}

fn op(kind: Kind) -> finbox_op {
    finbox_op {
        kind: kind as u32,
        ..finbox_op::default()
    }
}

fn moves(kind: Kind, from: u64, to: u64, count: u64) -> finbox_op {
    finbox_op {
        from,
        to,
        count,
        ..op(kind)
    }
}

/// One core of one rank, by hand.
struct Hand<'m> {
    machine: &'m SimMachine,
    rank: u32,
    core: CoreId,
    token: Token,
}

impl<'m> Hand<'m> {
    fn on(machine: &'m SimMachine, rank: u32, core: u16) -> Self {
        let (core, token) = (CoreId(core), Token::FIRST);
        Self {
            machine,
            rank,
            core,
            token,
        }
    }

    fn say(&self, token: Token, expected: u32) {
        let port = self.machine.port(self.rank);
        port.ring_doorbell(self.core, token);
        let (stop, patience) = (&StopFlag::default(), PATIENCE);
        let watch = Watch { stop, patience };
        let waited = watch.wait_for(|| {
            let is_there = port.load_cond(self.core) == expected;
            (is_there.then_some(()), 0)
        });
        assert_eq!(waited, Waited::Done(()), "{:#x}", port.load_cond(self.core));
    }

    /// Launches `launch` and waits for its FIN; returns the slab's first word.
    fn launch(&mut self, launch: Launch) -> u64 {
        let (port, token) = (self.machine.port(self.rank), self.token);
        let slab = port.slab_address(self.core, token.parity());
        port.store_u64(slab, 0);
        port.clean(slab, SLAB_BYTES);
        port.stage_payload(self.core, token, &launch);
        self.say(token, FIN | token.bits());
        self.token = token.next();
        port.refresh(slab, SLAB_BYTES);
        port.load_u64(slab)
    }

    fn run(&mut self, kernel: u64) -> u64 {
        let (slot, task) = (SlotId::new(0, 0, 1), TaskId::new(0, 0));
        self.launch(Launch::single(slot, task, kernel, 0))
    }

    fn load(&self, ops: &[finbox_op]) -> u64 {
        let loaded = self.machine.load_kernel(self.rank, ops);
        loaded.expect("the kernel is as it should be")
    }
}

fn given(machine: &SimMachine, rank: u32, size_bytes: u64) -> u64 {
    let given = machine.allocate(rank, size_bytes, 64);
    given.expect("a megabyte is enough")
}

fn words<const N: usize>(machine: &SimMachine, address: u64) -> [u32; N] {
    let mut bytes = vec![0; N * 4];
    let copied = machine.copy_out(&mut bytes, address);
    copied.expect("that was given out");
    let (words, _) = bytes.as_chunks::<4>();
    std::array::from_fn(|index| u32::from_le_bytes(words[index]))
}

/// What a slab says whose core could not go on.
const FATAL: u64 = 9 << 32;

#[test]
fn a_launch_that_cannot_be_followed_fails_in_its_slab_and_the_core_goes_on() {
    let machine = machine(1, "");
    let mut hand = Hand::on(&machine, 1, 5);
    let at = given(&machine, 1, 64);
    let fill = finbox_op {
        value: 7,
        stride: 64,
        ..moves(Kind::FillU32, 0, at, 16)
    };
    let (good, of_peer) = (hand.load(&[fill]), Hand::on(&machine, 0, 0).load(&[]));
    for unknown in [0, of_peer, 3, u64::MAX] {
        assert_eq!(hand.run(unknown), FATAL, "kernel {unknown}");
    }
    let (slot, task) = (SlotId::new(0, 0, 1), TaskId::new(0, 0));
    let of_block = |block| Launch {
        block,
        blocks: u16::MAX,
        ..Launch::single(slot, task, good, 0)
    };
    assert_eq!(hand.launch(of_block(1)), FATAL, "behind what was given out");
    assert_eq!(words::<1>(&machine, at), [0], "nothing of it was done");
    assert_eq!(hand.launch(of_block(0)), 0);
    assert_eq!(words::<16>(&machine, at), [7; 16]);
    machine.release(1, at).expect("it was given out");
    assert_eq!(hand.launch(of_block(0)), FATAL, "it was taken back");
}

#[test]
fn blocks_and_subtasks_do_their_own_operations() {
    let machine = machine(2, "seed=3,jitter=1000");
    let mut hand = Hand::on(&machine, 0, 0);
    let at = given(&machine, 0, 4096);
    let fill = |subtasks, to, value| finbox_op {
        subtasks,
        value,
        stride: 256,
        ..moves(Kind::FillU32, 0, to, 1)
    };
    let kernel = hand.load(&[fill(1, at, 1), fill(6, at + 4, 2), fill(0, at + 8, 3)]);
    let launch = |block, subtask| Launch {
        block,
        blocks: 4,
        subtask,
        ..Launch::single(SlotId::new(0, 0, 1), TaskId::new(0, 0), kernel, 0)
    };
    for (block, subtask, expected) in [
        (0, Subtasks::AIC, [1, 0, 3]),
        (1, Subtasks::AIV1, [0, 2, 3]),
        (3, Subtasks::empty(), [1, 2, 3]),
    ] {
        assert_eq!(hand.launch(launch(block, subtask)), 0);
        assert_eq!(words::<3>(&machine, at + 256 * u64::from(block)), expected);
    }
}

#[test]
fn posts_and_what_comes_later_come_after_the_kernel() {
    for target in [1, 2] {
        let machine = machine(target, "seed=5");
        let mut hand = Hand::on(&machine, 0, 1);
        let (own, peers) = (given(&machine, 0, 4096), given(&machine, 1, 4096));
        let bytes = pattern(9, 1000);
        machine.copy_in(peers, &bytes).expect("it was given out");
        let counter = own + 2048;
        let ops = [
            moves(Kind::Post, peers, own, 1000),
            op(Kind::AwaitPost),
            finbox_op {
                to: counter,
                value: 50_000,
                ..op(Kind::Later)
            },
            finbox_op {
                from: counter,
                value: 1,
                count: 0xC00C_1E00_0000_0001,
                ..op(Kind::Await)
            },
        ];
        let kernel = hand.load(&ops);
        assert_eq!(hand.run(kernel), 2, "two conditions");
        let port = machine.port(0);
        let slab = port.slab_address(CoreId(1), Token::FIRST.parity()) + ENTRIES_OFFSET;
        let entry = |at: u64| [0, 8, 16, 24].map(|word| port.load_u64(slab + at + word));
        let [record, post, ..] = entry(0);
        assert_eq!((post, entry(0)[3]), (1, 1), "an event record");
        assert_eq!(entry(32), [counter, 0xC00C_1E00_0000_0001, 1, 0]);
        let (stop, patience) = (&StopFlag::default(), PATIENCE);
        let watch = Watch { stop, patience };
        let waited = watch.wait_for(|| {
            port.refresh(record, 8);
            port.refresh(counter, 4);
            let are_met = port.load_u64(record) == 1 && port.load_u32(counter) == 1;
            (are_met.then_some(()), 0)
        });
        assert_eq!(waited, Waited::Done(()));
        let mut arrived = vec![0; 1000];
        machine
            .copy_out(&mut arrived, own)
            .expect("it was given out");
        assert_eq!(arrived, bytes[..]);
    }
}

#[test]
fn exit_is_acknowledged_and_nothing_is_taken_after_it() {
    let machine = machine(1, "");
    let mut hand = Hand::on(&machine, 0, 6);
    assert_eq!(machine.port(0).load_cond(CoreId(6)), COND_RESET);
    let kernel = hand.load(&[]);
    assert_eq!(hand.run(kernel), 0);
    hand.say(Token::EXIT, Token::EXIT.bits());
    machine.port(0).ring_doorbell(CoreId(6), hand.token);
    let mut other = Hand::on(&machine, 0, 5);
    assert_eq!(other.run(kernel), 0);
    assert_eq!(machine.port(0).load_cond(CoreId(6)), Token::EXIT.bits());
}

#[test]
fn memory_comes_zeroed_and_what_was_not_given_out_is_refused() {
    let machine = machine(1, "");
    let at = given(&machine, 1, 70_000);
    machine
        .copy_in(at, &[0xFF; 70_000])
        .expect("it was given out");
    machine.release(1, at).expect("it was given out");
    assert_eq!(given(&machine, 1, 70_000), at, "the first that fits");
    let mut bytes = vec![1; 70_000];
    machine.copy_out(&mut bytes, at).expect("it was given out");
    assert!(bytes.iter().all(|&byte| byte == 0));
    let text = |refusal: Result<(), finbox_runtime::MachineError>| {
        let error = refusal.expect_err("it is refused");
        assert_ne!(error.code, 0);
        error.to_string()
    };
    for (refusal, words) in [
        (
            machine.copy_in(at + 1, &[0; 70_000]),
            "not all of 70000 bytes",
        ),
        (machine.copy_in(u64::MAX, &[0; 8]), "copy_in: not all of 8"),
        (
            machine.copy_out(&mut [0], 0),
            "copy_out: not all of 1 bytes at 0x0",
        ),
        (machine.release(0, at), "rank 0 gave out"),
        (machine.release(1, at + 64), "rank 1 gave out"),
        (machine.release(2, at), "there is no rank 2; there are 2"),
        (machine.allocate(2, 8, 8).map(|_| ()), "there is no rank 2"),
        (machine.allocate(0, 0, 8).map(|_| ()), "0 bytes"),
        (machine.allocate(0, 8, 24).map(|_| ()), "an alignment of 24"),
        (machine.allocate(0, 8, 0).map(|_| ()), "an alignment of 0"),
        (
            machine.allocate(0, 1 << 21, 8).map(|_| ()),
            "no 2097152 bytes",
        ),
        (
            machine.load_kernel(9, &[]).map(|_| ()),
            "there is no rank 9",
        ),
        (
            machine
                .load_kernel(0, &vec![op(Kind::Busy); 65_537])
                .map(|_| ()),
            "65537 operations",
        ),
        (
            machine
                .load_kernel(0, &[op(Kind::Busy), op(Kind::Notify)])
                .map(|_| ()),
            "load_kernel: operation 1, notify: not all of 4 bytes at 0x0",
        ),
    ] {
        let text = text(refusal);
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn the_threads_end_with_the_machine() {
    let machine = machine(1, "");
    let chips = Arc::downgrade(&machine.chips);
    assert_eq!(chips.strong_count(), 3, "the machine's, and two threads'");
    drop(machine);
    assert_eq!(chips.strong_count(), 0);
}

/// The kernels of a producer on rank 0, and of a waiter and a consumer on rank 1, and where the
/// consumer leaves its copy.
struct Graph {
    producer: u64,
    waiter: u64,
    consumer: u64,
    result: u64,
}

/// Rank 0 fills the window of rank 1 and notifies it, `rounds` times; a waiter there completes with
/// the last notify, and its consumer finds the bytes.
fn graph(machine: &SimMachine, rounds: u32) -> Graph {
    let (window, result) = (given(machine, 1, 4096), given(machine, 1, 4096));
    let (source, counter) = (given(machine, 0, 4096), given(machine, 1, 64));
    let load = |rank, ops: &[finbox_op]| machine.load_kernel(rank, ops).expect("it can be done");
    let with = |value: u64, op| finbox_op { value, ..op };
    let produces = [
        with(77, moves(Kind::FillPattern, 0, source, 4096)),
        with(20_000, op(Kind::Busy)),
        moves(Kind::Copy, source, window, 4096),
        with(1, moves(Kind::Notify, 0, counter, 0)),
    ];
    let waits = with(rounds.into(), moves(Kind::Await, counter, 0, 0));
    Graph {
        producer: load(0, &produces),
        waiter: load(1, &[waits]),
        consumer: load(1, &[moves(Kind::Copy, window, result, 4096)]),
        result,
    }
}

/// Runs the graph with the runtime's threads.
fn deferred_notify(machine: &SimMachine, rounds: u32) {
    let graph = graph(machine, rounds);
    let facts = machine.facts();
    let chip = Chip {
        target: facts.target,
        cores: facts.cores,
        host_lanes: facts.host_lanes,
        handlers: 2,
    };
    let config = Config {
        chip,
        task_slots: 64,
        ..Config::of(facts.target)
    };
    let mut arenas = [0, 1].map(|_| Arena::new(config).expect("a valid configuration"));
    let (mut units, mut submitters) = (Vec::new(), Vec::new());
    for (rank, arena) in (0..).zip(&mut arenas) {
        let mut assembly = arena.assemble();
        units.push(Unit {
            handlers: (0..chip.handlers).map(|_| assembly.handler()).collect(),
            scheduler: assembly.scheduler,
            port: machine.port(rank),
            probe: NoProbe,
            dispatcher: assembly.dispatcher,
        });
        submitters.push(assembly.submitter);
    }
    let limits = DrainLimits {
        patience: PATIENCE,
        deadline: None,
    };
    let ended = threads::run(&mut units, |running, schedulers| {
        let mut submit = |rank: usize, (number, kernel, may_defer), after: &[SlotId]| {
            let spec = TaskSpec {
                kernel,
                may_defer,
                ..TaskSpec::new(TaskId::new(0, number), Shape::Aiv)
            };
            let slot = submitters[rank].submit(schedulers[rank], &NoProbe, &spec, after);
            slot.expect("there is room")
        };
        let waits = submit(1, (0, graph.waiter, 1), &[]);
        submit(1, (1, graph.consumer, 0), &[waits]);
        for round in 0..rounds {
            submit(0, (round, graph.producer, 0), &[]);
        }
        running.wake_dispatch();
        drain(running, u64::from(rounds) + 2, limits, || Ok::<u64, ()>(0))
    });
    assert_eq!(ended.expect("threads can be started"), Drain::Done);
    let mut bytes = vec![0; 4096];
    let copied = machine.copy_out(&mut bytes, graph.result);
    copied.expect("it was given out");
    assert_eq!(bytes, pattern(77, 4096)[..]);
}

#[test]
fn the_deferred_notify_graph_completes_on_both_targets() {
    for (target, options) in [(1, ""), (2, ""), (1, "seed=11"), (2, "seed=11")] {
        deferred_notify(&machine(target, options), 20);
    }
}
