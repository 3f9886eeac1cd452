//! The whole FIN path on real threads: a submitter, two handlers, a dispatch thread.
//!
//! The machine's registers are relaxed words that order nothing, and everything else of it is plain
//! memory: payloads, slabs, what kernels write. So whatever reaches another thread here must have
//! come over an edge of the scheduler.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::thread;

use finbox_scheduler::{
    A2A3, Assembly, Chip, Cond, CoreId, ENTRIES_OFFSET, Event, Launch, NoProbe, Port, Probe,
    RELEASE_BUDGET, SLAB_BYTES, Scheduler, Shape, SlotId, Submitter, TaskId, TaskSpec, Token,
};
use finbox_tests::house::{House, Limits};

use crate::plain::{Plain, spin, spin_until};

const TASKS: usize = 1_000;
const CORES: u16 = 6;
const WORDS: usize = (SLAB_BYTES / 8) as usize;
/// Device addresses: slabs one behind the other, and behind them a counter.
const SLABS: u64 = 0x1000;
const COUNTER: u64 = SLABS + CORES as u64 * 2 * SLAB_BYTES;

/// One core: two registers' worth of relaxed words, the rest plain.
struct Core {
    cond: AtomicU32,
    /// The launch of each parity.
    staged: [Plain<[u64; Launch::WORDS]>; 2],
    slabs: [[Plain<u64>; WORDS]; 2],
    /// The token whose FIN was handled last: plain, from handler to dispatch thread.
    handled: Plain<u32>,
}

struct Machine {
    /// Whose outputs a task reads, by its number.
    reads: fn(usize) -> Vec<usize>,
    cores: Vec<Core>,
    counter: AtomicU64,
    /// What the kernel of each task wrote.
    outputs: Vec<Plain<u64>>,
    finished: AtomicU32,
    /// Doorbells.
    rung: AtomicU32,
    stop: AtomicBool,
}

impl Machine {
    fn new(reads: fn(usize) -> Vec<usize>) -> Self {
        let core = || Core {
            cond: AtomicU32::new(Cond::RESET.0),
            staged: Default::default(),
            slabs: std::array::from_fn(|_| std::array::from_fn(|_| Plain::default())),
            handled: Plain::default(),
        };
        Self {
            reads,
            cores: (0..CORES).map(|_| core()).collect(),
            counter: AtomicU64::new(0),
            outputs: (0..TASKS).map(|_| Plain::default()).collect(),
            finished: AtomicU32::new(0),
            rung: AtomicU32::new(0),
            stop: AtomicBool::new(false),
        }
    }

    fn slab_word(&self, addr: u64) -> &Plain<u64> {
        let word = usize::try_from((addr - SLABS) / 8).expect("a small address");
        let (slab, word) = (word / WORDS, word % WORDS);
        &self.cores[slab / 2].slabs[slab % 2][word]
    }

    /// The kernel of `token`, on its handler's thread: writes its output, and defers if it is to.
    fn run(&self, core: CoreId, token: Token) {
        let parity = token.parity();
        let launch = Launch::from_words(self.cores[core.index()].staged[parity].get());
        let number = number(launch.task);
        self.outputs[number].set(number as u64 + 1);
        if defers(number) {
            let slab = self.slab_address(core, parity);
            let entry = slab + ENTRIES_OFFSET;
            self.slab_word(entry).set(COUNTER);
            self.slab_word(entry + 16).set(number as u64);
            self.slab_word(slab).set(1);
            self.counter.fetch_max(number as u64, Relaxed);
        }
        self.cores[core.index()].handled.set(token.bits());
    }

    fn until_stopped(&self, mut step: impl FnMut()) {
        while !self.stop.load(Relaxed) {
            step();
            thread::yield_now();
        }
    }
}

fn number(task: TaskId) -> usize {
    usize::try_from(task.0).expect("a small number")
}

/// Tasks of graphs alone, which are many, defer.
fn defers(number: usize) -> bool {
    number > 100 && number % 3 == 1
}

/// The tasks whose outputs task `number` of a graph reads: so far back that cores are short.
fn seven_back(number: usize) -> Vec<usize> {
    let back = [7, 9, 14].into_iter();
    back.filter_map(|back| number.checked_sub(back)).collect()
}

impl Port for Machine {
    fn load_cond(&self, core: CoreId) -> u32 {
        self.cores[core.index()].cond.load(Relaxed)
    }

    fn ring_doorbell(&self, core: CoreId, token: Token) {
        let cond = Cond::fin(token);
        self.cores[core.index()].cond.store(cond.0, Relaxed);
        self.rung.fetch_add(1, Relaxed);
    }

    fn stage_payload(&self, core: CoreId, token: Token, launch: &Launch) {
        for task in (self.reads)(number(launch.task)) {
            assert_eq!(self.outputs[task].get(), task as u64 + 1, "it ran before");
        }
        let core = &self.cores[core.index()];
        core.staged[token.parity()].set(launch.to_words());
    }

    fn slab_address(&self, core: CoreId, parity: usize) -> u64 {
        SLABS + (core.index() * 2 + parity) as u64 * SLAB_BYTES
    }

    fn refresh(&self, _addr: u64, _size_bytes: u64) {}

    fn clean(&self, _addr: u64, _size_bytes: u64) {}

    fn can_read(&self, addr: u64, _size_bytes: u64) -> bool {
        (SLABS..=COUNTER).contains(&addr)
    }

    fn load_u32(&self, addr: u64) -> u32 {
        let word = self.load_u64(addr & !7) >> (addr % 8 * 8);
        u32::try_from(word & u64::from(u32::MAX)).expect("masked")
    }

    fn load_u64(&self, addr: u64) -> u64 {
        match addr {
            COUNTER => self.counter.load(Relaxed),
            _ => self.slab_word(addr).get(),
        }
    }

    fn store_u64(&self, addr: u64, value: u64) {
        self.slab_word(addr).set(value);
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Runs a kernel when its FIN is handled, which is when a real one would have ended.
struct Kernels<'a>(&'a Machine);

impl Probe for Kernels<'_> {
    fn event(&self, event: Event) {
        match event {
            Event::Observed { core, token, .. } => self.0.run(core, token),
            Event::Finished { .. } => {
                self.0.finished.fetch_add(1, Relaxed);
            }
            _ => {}
        }
    }
}

/// As [`Kernels`], and stands still behind its first FIN until it may go on.
struct Halts<'a> {
    kernels: Kernels<'a>,
    has_handled: &'a AtomicBool,
    may_go_on: &'a AtomicBool,
}

impl Probe for Halts<'_> {
    fn event(&self, event: Event) {
        self.kernels.event(event);
        if let Event::Handled { .. } = event {
            self.has_handled.store(true, Relaxed);
            spin_until(|| self.may_go_on.load(Relaxed));
        }
    }
}

fn chip(cores: u16, handlers: u8) -> Chip {
    Chip {
        target: &A2A3,
        cores,
        host_lanes: 0,
        handlers,
    }
}

/// Wires in task `number`, or says that there is no room.
fn submit(
    (scheduler, submitter): (&Scheduler<'_>, &mut Submitter<'_>),
    number: usize,
    shape: Shape,
    after: &[SlotId],
) -> Option<SlotId> {
    let task = TaskId::new(0, u32::try_from(number).expect("a small number"));
    let spec = TaskSpec {
        may_defer: u8::from(defers(number)),
        ..TaskSpec::new(task, shape)
    };
    match submitter.submit(scheduler, &NoProbe, &spec, after) {
        Ok(slot) => Some(slot),
        Err(error) => {
            assert!(error.is_temporary(), "{error}");
            None
        }
    }
}

/// Tasks of which each reads what three before it wrote, some of them deferred.
pub(crate) fn graph() {
    let chip = chip(CORES, 2);
    let limits = Limits {
        mailbox: 4,
        slots: 32,
        nodes: 128,
        conditions: 64,
        ..Limits::default()
    };
    let mut house = House::new(&chip, &limits);
    let mut assembly = house.assemble(chip);
    let mut handlers = [assembly.handler(), assembly.handler()];
    let Assembly {
        scheduler,
        mut submitter,
        mut dispatcher,
        ..
    } = assembly;
    let machine = Machine::new(seven_back);
    let (scheduler, machine) = (&scheduler, &machine);
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for handler in &mut handlers {
            threads.push(scope.spawn(move || {
                machine.until_stopped(|| {
                    let _ = handler.pass(scheduler, machine, &Kernels(machine));
                });
            }));
        }
        let dispatcher = &mut dispatcher;
        threads.push(scope.spawn(move || {
            machine.until_stopped(|| {
                let _ = dispatcher.pass(scheduler, machine, &Kernels(machine));
                let finished = machine.finished.load(Relaxed) as usize;
                machine.stop.store(finished == TASKS, Relaxed);
            });
        }));
        let mut slots: Vec<SlotId> = Vec::with_capacity(TASKS);
        for number in 0..TASKS {
            let after: Vec<SlotId> = seven_back(number).iter().map(|&task| slots[task]).collect();
            let parts = &mut submitter;
            slots.push(spin(|| {
                submit((scheduler, parts), number, Shape::Aiv, &after)
            }));
        }
        for thread in threads {
            thread.join().expect("no driver panics");
        }
    });
}

/// What a handler did about a core, to the dispatch thread that gives the core a token again.
pub(crate) fn opening() {
    open(|_| ());
}

/// What came before a core acknowledged its token, to the dispatch thread that gives it the next.
pub(crate) fn place() {
    open(|core| {
        core.cond.store(Cond::ack(Token::FIRST).0, Relaxed);
        core.handled.set(Token::FIRST.bits());
    });
}

/// A core with a token is heard of by its handler, behind `first`, and gets another.
fn open(first: fn(&Core)) {
    let chip = chip(2, 1);
    let mut house = House::new(&chip, &Limits::default());
    let mut assembly = house.assemble(chip);
    let mut handler = assembly.handler();
    let (scheduler, machine) = (&assembly.scheduler, &Machine::new(|_| Vec::new()));
    for number in 0..2 {
        let parts = (scheduler, &mut assembly.submitter);
        submit(parts, number, Shape::Aic, &[]).expect("there is room");
    }
    let mut pass = || {
        let _ = assembly.dispatcher.pass(scheduler, machine, &NoProbe);
        machine.rung.load(Relaxed)
    };
    assert_eq!(pass(), 1, "the only cube core is taken");
    thread::scope(|scope| {
        let fins = move || {
            first(&machine.cores[1]);
            let _ = handler.pass(scheduler, machine, &Kernels(machine));
        };
        let handler = scope.spawn(fins);
        spin_until(|| pass() == 2);
        assert_eq!(machine.cores[1].handled.get(), Token::FIRST.bits());
        handler.join().expect("no driver panics");
    });
}

/// What each producer did, to a consumer that the last of them counted to zero: the dispatch thread
/// starts it before it hears anything else of the first one's handler, which stands still in the
/// middle of a fan-out too large for one step.
pub(crate) fn fan_in() {
    const FIRST: usize = 0;
    const SECOND: usize = 1;
    const FAN_OUT: usize = RELEASE_BUDGET as usize + 1;
    const LAST: usize = 3 + FAN_OUT;
    let limits = Limits {
        slots: 128,
        ..Limits::default()
    };
    let chip = chip(5, 2);
    let mut house = House::new(&chip, &limits);
    let mut assembly = house.assemble(chip);
    let [mut first, mut second] = [assembly.handler(), assembly.handler()];
    let reads = |number| match number {
        LAST => vec![FIRST, SECOND],
        _ => Vec::new(),
    };
    let (scheduler, machine) = (&assembly.scheduler, &Machine::new(reads));
    let submitter = &mut assembly.submitter;
    let mut wire = |number: usize, shape: Shape, after: &[SlotId]| {
        submit((scheduler, &mut *submitter), number, shape, after).expect("there is room")
    };
    let [one, two, never] = [0, 1, 2].map(|number| wire(number, Shape::Aic, &[]));
    (3..LAST).for_each(|number| {
        wire(number, Shape::Dummy, &[one, never]);
    });
    // The edges of a task are walked youngest first.
    wire(LAST, Shape::Aiv, &[one, two]);
    let mut pass = || {
        let _ = assembly.dispatcher.pass(scheduler, machine, &NoProbe);
        machine.rung.load(Relaxed)
    };
    assert_eq!(
        pass(),
        2,
        "one producer a cluster, and no core for the third"
    );
    let (has_handled, may_go_on) = (&AtomicBool::new(false), &AtomicBool::new(false));
    thread::scope(|scope| {
        let halts = Halts {
            kernels: Kernels(machine),
            has_handled,
            may_go_on,
        };
        let handler = scope.spawn(move || {
            let _ = first.pass(scheduler, machine, &halts);
        });
        spin_until(|| has_handled.load(Relaxed));
        let _ = second.pass(scheduler, machine, &Kernels(machine));
        let rung = pass();
        may_go_on.store(true, Relaxed);
        handler.join().expect("no driver panics");
        assert_eq!(
            rung, 4,
            "a core is free for the third, and the last is ready"
        );
    });
}
