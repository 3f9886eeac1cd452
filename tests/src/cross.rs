//! The cross-checked configuration: small enough for loom, shuttle and Spin to visit all of it.
//!
//! Two FINs stand in COND: A, on the first handler, deferred with three conditions that hold, which
//! are two messages (in Spin's model a condition and its done), and B, on the second, inline; C
//! waits for both. Two handlers and the dispatch thread run one pass each, on threads of their own;
//! then all is stepped to the end on one thread. A's messages fill the ring.

use std::collections::BTreeSet;
use std::{env, fs};

use finbox_scheduler::{
    A2A3, Assembly, Chip, Event, FinHandler, NoProbe, Probe, Scheduler, Shape, TaskId, TaskSpec,
};
#[cfg(loom)]
use loom::{
    sync::{Arc, Mutex},
    thread,
};
#[cfg(all(shuttle, not(loom)))]
use shuttle::{
    sync::{Arc, Mutex},
    thread,
};

use crate::arena::on_heap;
use crate::house::{House, Limits};
use crate::model_port::{Lines, ModelPort, WireCondition};

/// A cluster with a cube core for each handler.
const CHIP: Chip = Chip {
    target: &A2A3,
    cores: 5,
    host_lanes: 0,
    handlers: 2,
};

/// Conditions of A, B and C.
const CONDITIONS: [u8; 3] = [3, 0, 0];

/// How one execution ended: what completed in which order, and what the mailbox had to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ending {
    /// The tasks' letters in the order in which they finished.
    pub order: String,
    /// Messages that went through the mailbox.
    pub messages: u64,
    /// Tasks that completed on a handler.
    pub inline: u64,
    /// Messages that the pass beside the handlers drained.
    pub early: u64,
}

impl Ending {
    /// With the two messages and two inline tasks that every execution has.
    pub fn new(order: &str, early: u64) -> Self {
        Self {
            order: order.into(),
            messages: 2,
            inline: 2,
            early,
        }
    }

    /// A line of a set, as tests/spin/cross.sh compares it.
    fn line(&self) -> String {
        let Self {
            order,
            messages,
            inline,
            early,
        } = self;
        format!("{order} messages {messages} inline {inline} early {early}")
    }
}

/// Writes a set of endings to the file that `FINBOX_CROSS` names, if it names one.
///
/// # Panics
/// If the set is empty or the file cannot be written.
pub fn write<'a>(endings: impl Iterator<Item = &'a Ending>) {
    let lines: BTreeSet<String> = endings.map(Ending::line).collect();
    assert!(!lines.is_empty(), "no ending was reached");
    if let Some(path) = env::var_os("FINBOX_CROSS") {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(path, text).expect("the target folder can be written");
    }
}

/// Letters of tasks in the order in which they finished. Behind a lock that the checkers know: to
/// loom two steps that touch nothing in common have no order, and it would try only one.
struct Order(Mutex<String>);

impl Probe for Order {
    fn event(&self, event: Event) {
        if let Event::Finished { task, .. } = event {
            let letter = char::from(b'A' + u8::try_from(task.0).expect("three tasks"));
            self.0.lock().expect("no model panics").push(letter);
        }
    }
}

/// What the threads of an execution look at.
struct Shared {
    scheduler: Scheduler<'static>,
    port: ModelPort,
    order: Order,
}

/// One execution.
pub fn run() -> Ending {
    let limits = Limits {
        mailbox: 2,
        slots: 3,
        nodes: 2,
        conditions: 64,
        scopes: 1,
        queues: 1,
        ..Limits::default()
    };
    on_heap(House::new(&CHIP, &limits), |house| {
        let mut assembly = house.assemble(CHIP);
        // Boxed, since the stacks of loom's threads are small.
        let handlers = [(); 2].map(|()| Box::new(assembly.handler()));
        execute(assembly, handlers)
    })
}

/// Every core runs its next token to the end.
fn run_cores(port: &ModelPort) {
    for core in CHIP.all() {
        let Some((_, launch)) = port.start(core) else {
            continue;
        };
        if launch.task == TaskId::new(0, 0) {
            port.defer(core, &[WireCondition::counter(port.counter(0), 1); 3]);
        }
        port.finish(core);
    }
}

fn execute(assembly: Assembly<'static>, handlers: [Box<FinHandler<'static>>; 2]) -> Ending {
    let Assembly {
        scheduler,
        mut submitter,
        dispatcher,
        ..
    } = assembly;
    let mut dispatcher = Box::new(dispatcher);
    let port = ModelPort::new(&CHIP, Lines::Coherent, 1);
    port.set_counter(0, 1);
    let mut before = Vec::new();
    for (number, may_defer) in (0..).zip(CONDITIONS) {
        let spec = TaskSpec {
            may_defer,
            ..TaskSpec::new(TaskId::new(0, number), Shape::Aic)
        };
        let after = if number == 2 { &before[..] } else { &[] };
        let submitted = submitter.submit(&scheduler, &NoProbe, &spec, after);
        before.push(submitted.expect("there is room"));
    }
    let _ = dispatcher.pass(&scheduler, &port, &NoProbe);
    run_cores(&port);
    let order = Order(Mutex::new(String::new()));
    let shared = Arc::new(Shared {
        scheduler,
        port,
        order,
    });
    let work = |mut handler: Box<FinHandler<'static>>| {
        let it = Arc::clone(&shared);
        thread::spawn(move || {
            let _ = handler.pass(&it.scheduler, &it.port, &it.order);
            handler
        })
    };
    let threads = handlers.map(work);
    let it = Arc::clone(&shared);
    let dispatch = thread::spawn(move || {
        let _ = dispatcher.pass(&it.scheduler, &it.port, &it.order);
        dispatcher
    });
    let mut handlers = threads.map(|thread| thread.join().expect("no model panics"));
    let mut dispatcher = dispatch.join().expect("no model panics");
    let early = dispatcher.ledger().messages_delivered;
    let it = &*shared;
    for _ in 0..3 {
        for handler in &mut handlers {
            let _ = handler.pass(&it.scheduler, &it.port, &it.order);
        }
        let _ = dispatcher.pass(&it.scheduler, &it.port, &it.order);
        run_cores(&it.port);
    }
    let mut ledger = *submitter.ledger();
    ledger.merge(dispatcher.ledger());
    handlers.iter().for_each(|it| ledger.merge(it.ledger()));
    assert!(ledger.adds_up(0, 0), "{ledger:?}");
    Ending {
        order: it.order.0.lock().expect("no model panics").clone(),
        messages: ledger.messages_delivered,
        inline: ledger.inline,
        early,
    }
}
