//! After assembly the scheduler allocates nothing: a counting allocator says so.

#[cfg(not(any(loom, shuttle)))]
mod plans;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::mem;
use std::num::NonZeroU32;

use finbox_scheduler::limits::DEFAULT_GAP_NS;
use finbox_scheduler::target::{A2A3, A5};
use finbox_scheduler::{
    Assembly, Chip, Comparison, CoreId, Dispatcher, FinHandler, Ledger, NoProbe, Predicate,
    Priority, Scheduler, Shape, SlotId, Submitter, Subtasks, Target, TaskId, TaskSpec,
};
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::{Lines, ModelPort, WireCondition};

thread_local! {
    /// Allocations of this thread: the test runner's other threads do not count.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: it came from the system's allocator, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const TASKS: u32 = 3000;

/// The cube core of the only cluster.
const AIC: CoreId = CoreId(1);

/// Everything that moves in a run.
struct Run<'m> {
    scheduler: Scheduler<'m>,
    submitter: Submitter<'m>,
    dispatcher: Dispatcher<'m>,
    handler: FinHandler<'m>,
    port: ModelPort,
}

impl Run<'_> {
    /// Task `number`: all shapes, some with blocks, predicates, budgets or priority, a third with 1
    /// to 3 conditions, one in a hundred malformed.
    fn submit(&mut self, number: u32, last: &[SlotId]) -> Option<SlotId> {
        let shapes = [
            Shape::Aic,
            Shape::Aiv,
            Shape::Host,
            Shape::Dummy,
            Shape::Mix,
        ];
        let shape = shapes[number as usize % shapes.len()];
        let mut spec = TaskSpec {
            args: u64::from(number),
            subtasks: Subtasks::all(),
            ..TaskSpec::new(TaskId::new(0, number), shape)
        };
        if shape != Shape::Dummy {
            spec.may_defer = 8;
            spec.blocks = [1, 3, 1][number as usize / 5 % 3];
            spec.sync_start = shape == Shape::Mix && spec.blocks == 1;
            spec.run_budget_ns = [0, 1 << 40][number as usize / 2 % 2];
            spec.priority = [Priority::Normal, Priority::High][number as usize / 7 % 2];
            spec.predicate = (number % 11 < 2).then(|| Predicate {
                addr: self.port.counter(0),
                comparison: [Comparison::Equal, Comparison::NotEqual][number as usize % 11],
                value: 0,
            });
        }
        self.submitter
            .submit(&self.scheduler, &NoProbe, &spec, last)
            .ok()
    }

    /// Everybody moves once.
    fn turn(&mut self) {
        let _ = self.dispatcher.pass(&self.scheduler, &self.port, &NoProbe);
        for core in self.scheduler.chip().all() {
            let Some((_, launch)) = self.port.start(core) else {
                continue;
            };
            self.port.add_counter(0, 1);
            let condition = WireCondition::counter(self.port.counter(0), 0);
            let conditions = [condition; 3];
            let number = usize::try_from(launch.args).expect("a small number");
            match number % 100 {
                n if n % 3 == 0 => self.port.defer(core, &conditions[..n % 4]),
                50 => self.port.write_slab_header(core, 65, 0),
                _ => {}
            }
            self.port.finish(core);
        }
        let _ = self.handler.pass(&self.scheduler, &self.port, &NoProbe);
    }

    fn all(&mut self) {
        let (mut number, mut last) = (0, None);
        while number < TASKS {
            let after = last.as_slice();
            if let Some(slot) = self.submit(number, after) {
                last = (number % 3 != 0).then_some(slot);
                number += 1;
            }
            self.turn();
        }
        (0..200).for_each(|_| self.turn());
    }

    /// One more task for a cube core, and its token rung.
    fn one(&mut self, may_defer: u8, run_budget_ns: u64) {
        let spec = TaskSpec {
            may_defer,
            run_budget_ns,
            ..TaskSpec::new(TaskId::new(1, 0), Shape::Aic)
        };
        let submitted = self.submitter.submit(&self.scheduler, &NoProbe, &spec, &[]);
        submitted.expect("there is room");
        self.look(1);
        assert!(self.port.start(AIC).is_some(), "it is the only one");
    }

    /// It waits so many times for counter 1 to reach 1.
    fn ends_deferred(&self, conditions: usize) {
        let condition = WireCondition::counter(self.port.counter(1), 1);
        self.port.defer(AIC, &[condition; 3][..conditions]);
        self.port.finish(AIC);
    }

    /// Handler and dispatch thread look around.
    fn look(&mut self, times: u32) {
        for _ in 0..times {
            let _ = self.handler.pass(&self.scheduler, &self.port, &NoProbe);
            let _ = self.dispatcher.pass(&self.scheduler, &self.port, &NoProbe);
        }
    }

    /// A wait that is long in vain, a deadline and its late FIN, a reset, and a claimer that dies.
    fn trouble(&mut self) {
        self.one(1, 0);
        self.ends_deferred(1);
        self.look(20);
        self.port.set_counter(1, 1);
        self.look(3);

        self.one(0, 1000);
        self.port.advance(2000);
        self.look(3);
        self.port.finish(AIC);
        self.look(3);

        self.one(0, 0);
        self.port.reset();
        self.look(3);

        let mut dead = self
            .scheduler
            .mailbox()
            .register(NonZeroU32::MIN)
            .expect("a free line");
        mem::forget(dead.claim(1).expect("there is room"));
        mem::forget(dead);
        self.one(3, 0);
        self.ends_deferred(3);
        self.look(3);
        self.port.advance(DEFAULT_GAP_NS);
        self.look(9);
    }

    fn ledger(&self) -> Ledger {
        let mut sum = *self.submitter.ledger();
        sum.merge(self.dispatcher.ledger());
        sum.merge(self.handler.ledger());
        sum
    }
}

/// What a run counted, and how often it allocated.
fn run(target: &'static Target, course: impl FnOnce(&mut Run<'_>)) -> (Ledger, u64) {
    let chip = Chip {
        target,
        cores: 3,
        host_lanes: 1,
        handlers: 1,
    };
    let limits = Limits {
        mailbox: 2,
        slots: 32,
        conditions: 64,
        ..Limits::default()
    };
    let mut house = House::new(&chip, &limits);
    let mut assembly = house.assemble(chip);
    let handler = assembly.handler();
    let Assembly {
        scheduler,
        submitter,
        dispatcher,
        ..
    } = assembly;
    let mut run = Run {
        scheduler,
        submitter,
        dispatcher,
        handler,
        port: ModelPort::new(&chip, Lines::of(&chip), 2),
    };
    let before = COUNT.get();
    course(&mut run);
    let allocated = COUNT.get() - before;
    (run.ledger(), allocated)
}

#[test]
fn push_drain_retire_submit_and_dispatch_allocate_nothing() {
    for target in [&A2A3, &A5] {
        let (ledger, allocated) = run(target, |run| run.all());
        assert!(ledger.adds_up(0, 0), "{ledger:?}");
        let roads = [
            ledger.inline,
            ledger.deferred,
            ledger.failed,
            ledger.cancelled,
            ledger.skipped,
            ledger.full,
        ];
        assert!(
            roads.iter().all(|&count| count > 0),
            "not every road was taken: {ledger:?}"
        );
        assert_eq!(allocated, 0, "{}", target.name);
    }
}

#[test]
fn polling_deadlines_resets_and_recovery_allocate_nothing() {
    for target in [&A2A3, &A5] {
        let (ledger, allocated) = run(target, |run| run.trouble());
        assert_eq!((ledger.completed, ledger.failed), (1, 3), "{ledger:?}");
        // The last task's second message found no room, and then no mailbox any more.
        assert_eq!((ledger.deferred, ledger.messages_reported), (1, 1));
        assert!(ledger.polls >= 20 && ledger.full > 0, "{ledger:?}");
        assert_eq!(ledger.fins_stale, 1, "the one that came late");
        assert_eq!(allocated, 0, "{}", target.name);
    }
}

#[test]
fn the_counter_counts() {
    let before = COUNT.get();
    drop(Box::new([before; 4]));
    assert!(
        COUNT.get() > before,
        "an allocator that sees nothing proves nothing"
    );
}
