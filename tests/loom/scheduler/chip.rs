//! A whole scheduler small enough for loom: one line of cores, tasks on cube cores.
//!
//! The model's thread is submitter and dispatch thread; handlers run on threads of their own. A
//! core's kernel is over as soon as its token is rung: COND is a constant FIN of the first token,
//! or, where kernels go on, its ACK.

use std::sync::Mutex;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use finbox_mailbox::work::{WorkCell, WorkerLine, work_ring};
use finbox_mailbox::{Cell, Header};
use finbox_scheduler::{
    A2A3, Chip as Layout, Cond, CoreId, CoreState, Dispatcher, ENTRIES_OFFSET, EdgeNode,
    FinHandler, HandlerCore, Launch, LinePlace, LineWords, Memory, NoProbe, Port, Rings, Scheduler,
    Scope, Shape, SlotBook, SlotId, Start, Submitter, TaskId, TaskSlot, TaskSpec, Token, Unmet,
    UrmaQueue, WaitEntry, WatchedLine, assemble, timeline_cookie,
};
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

const SLOTS: usize = 3;
const NODES: usize = 2;
const CONDITIONS: usize = 64;

/// Where the one counter is that conditions watch.
const COUNTER: u64 = 64;
/// Where every slab is: none, or one condition, on that counter.
const SLAB: u64 = 128;

/// Doorbells, in order, the time, and a counter.
#[derive(Default)]
pub(crate) struct RungPort {
    rung: Mutex<Vec<u16>>,
    now_ns: AtomicU64,
    goes_on: AtomicBool,
    defers: AtomicBool,
    /// What the condition in the slab says of its counter.
    cookie: AtomicU64,
    counter: Counter,
}

/// What a device counts up when it is done: release there, acquire here, as a port must.
struct Counter(loom::sync::atomic::AtomicU64);

impl Default for Counter {
    fn default() -> Self {
        Self(loom::sync::atomic::AtomicU64::new(0))
    }
}

impl RungPort {
    pub(crate) fn rung(&self) -> Vec<u16> {
        self.rung.lock().unwrap().clone()
    }

    /// From here on no kernel ends.
    pub(crate) fn go_on(&self) {
        self.goes_on.store(true, Relaxed);
    }

    /// From here on every kernel leaves a condition.
    pub(crate) fn defer(&self) {
        self.defers.store(true, Relaxed);
    }

    /// As [`defer`](Self::defer), on a word of `timeline`.
    pub(crate) fn defer_on(&self, timeline: u32) {
        self.cookie.store(timeline_cookie(timeline), Relaxed);
        self.defer();
    }

    /// A device says that what it was asked for is done.
    pub(crate) fn count_up(&self) {
        self.counter.0.fetch_add(1, Release);
    }

    pub(crate) fn pass_time(&self, ns: u64) {
        self.now_ns.fetch_add(ns, Relaxed);
    }
}

impl Port for RungPort {
    fn load_cond(&self, _core: CoreId) -> u32 {
        match self.goes_on.load(Relaxed) {
            true => Cond::ack(Token::FIRST).0,
            false => Cond::fin(Token::FIRST).0,
        }
    }

    fn ring_doorbell(&self, core: CoreId, _token: Token) {
        self.rung.lock().unwrap().push(core.0);
    }

    fn stage_payload(&self, _core: CoreId, _token: Token, _launch: &Launch) {}

    fn slab_address(&self, _core: CoreId, _parity: usize) -> u64 {
        SLAB
    }

    fn refresh(&self, _addr: u64, _size_bytes: u64) {}

    fn clean(&self, _addr: u64, _size_bytes: u64) {}

    fn can_read(&self, addr: u64, _size_bytes: u64) -> bool {
        addr == COUNTER
    }

    fn load_u32(&self, addr: u64) -> u32 {
        assert_eq!(addr, COUNTER, "nothing else is watched");
        u32::try_from(self.counter.0.load(Acquire)).unwrap()
    }

    fn load_u64(&self, addr: u64) -> u64 {
        match addr - SLAB {
            0 => u64::from(self.defers.load(Relaxed)),
            ENTRIES_OFFSET => COUNTER,
            offset if offset == ENTRIES_OFFSET + 8 => self.cookie.load(Relaxed),
            offset if offset == ENTRIES_OFFSET + 16 => 1,
            _ => 0,
        }
    }

    fn store_u64(&self, _addr: u64, _value: u64) {}

    fn now(&self) -> u64 {
        self.now_ns.load(Relaxed)
    }
}

struct Tables {
    header: Header,
    cells: Vec<Cell>,
    slots: Vec<TaskSlot>,
    entries: Vec<WaitEntry>,
    books: Vec<SlotBook>,
    scopes: Vec<Scope>,
    nodes: Vec<EdgeNode>,
    conditions: Vec<Unmet>,
    lines: Vec<WatchedLine>,
    line_words: Vec<LineWords>,
    line_index: Vec<LinePlace>,
    queues: Vec<UrmaQueue>,
    cores: Vec<CoreState>,
    handler_cores: Vec<HandlerCore>,
    tokens: Vec<Token>,
    work_header: Header,
    work_cells: Vec<WorkCell>,
    worker_lines: Vec<WorkerLine>,
}

fn table<T: Default>(count: usize) -> Vec<T> {
    std::iter::repeat_with(T::default).take(count).collect()
}

impl Tables {
    fn new(lanes: usize) -> Self {
        Self {
            header: Header::default(),
            cells: table(2),
            slots: table(SLOTS),
            entries: table(SLOTS),
            books: table(SLOTS),
            scopes: table(1),
            nodes: table(NODES),
            conditions: table(CONDITIONS),
            lines: table(CONDITIONS),
            line_words: table(CONDITIONS),
            line_index: table(LinePlace::needed(CONDITIONS)),
            queues: table(1),
            cores: table(lanes),
            handler_cores: table(lanes),
            tokens: vec![Token::FIRST; lanes],
            work_header: Header::default(),
            work_cells: table(2),
            worker_lines: table(1),
        }
    }
}

/// One chip in one execution of a model.
pub(crate) struct Chip {
    pub(crate) port: Arc<RungPort>,
    pub(crate) scheduler: Arc<Scheduler<'static>>,
    submitter: Submitter<'static>,
    pub(crate) dispatcher: Dispatcher<'static>,
    handlers: std::vec::IntoIter<FinHandler<'static>>,
    submitted: u32,
    tables: *mut Tables,
}

impl Chip {
    /// `cores` cores for `handlers` handlers. Call [`end`](Self::end) when all threads are joined.
    pub(crate) fn new(cores: u16, handlers: u8) -> Self {
        Self::make(cores, handlers, false)
    }

    /// As [`new`](Self::new), with a ring of two items for one worker.
    pub(crate) fn with_work(cores: u16, handlers: u8) -> Self {
        Self::make(cores, handlers, true)
    }

    fn make(cores: u16, handlers: u8, with_work: bool) -> Self {
        let tables = Box::into_raw(Box::new(Tables::new(usize::from(cores))));
        // SAFETY: fresh from `into_raw`; freed by `end`, after everything that borrows it.
        let memory = unsafe { &mut *tables };
        let slots = u32::try_from(SLOTS).unwrap();
        let memory = Memory {
            header: &mut memory.header,
            cells: &mut memory.cells,
            claim_lines: &mut [],
            slots: &mut memory.slots,
            entries: &mut memory.entries,
            rings: Rings::one(slots),
            books: &mut memory.books,
            scopes: &mut memory.scopes,
            nodes: &mut memory.nodes,
            conditions: &mut memory.conditions,
            lines: &mut memory.lines,
            line_words: &mut memory.line_words,
            line_index: &mut memory.line_index,
            queues: &mut memory.queues,
            cores: &mut memory.cores,
            handler_cores: &mut memory.handler_cores,
            tokens: &mut memory.tokens,
            work: with_work.then(|| {
                let (cells, lines) = (&mut memory.work_cells, &mut memory.worker_lines);
                work_ring(&mut memory.work_header, cells, lines).expect("two slots, one worker")
            }),
        };
        let layout = Layout {
            target: &A2A3,
            cores,
            host_lanes: 0,
            handlers,
        };
        let mut assembly = assemble(layout, Start::default(), memory);
        let handlers: Vec<_> = (0..handlers).map(|_| assembly.handler()).collect();
        Self {
            port: Arc::new(RungPort::default()),
            scheduler: Arc::new(assembly.scheduler),
            submitter: assembly.submitter,
            dispatcher: assembly.dispatcher,
            handlers: handlers.into_iter(),
            submitted: 0,
            tables,
        }
    }

    /// Wires in a task for a cube core.
    pub(crate) fn submit(&mut self, after: &[SlotId]) -> SlotId {
        self.submit_as(after, |_| {})
    }

    /// Wires in a task for a cube core that is what `change` makes of it.
    pub(crate) fn submit_as(
        &mut self,
        after: &[SlotId],
        change: impl FnOnce(&mut TaskSpec),
    ) -> SlotId {
        let task = TaskId::new(0, self.submitted);
        self.submitted += 1;
        let mut spec = TaskSpec::new(task, Shape::Aic);
        change(&mut spec);
        self.submitter
            .submit(&self.scheduler, &NoProbe, &spec, after)
            .unwrap()
    }

    /// One pass of the dispatch thread.
    pub(crate) fn pass(&mut self) {
        let _ = self.dispatcher.pass(&self.scheduler, &*self.port, &NoProbe);
    }

    /// Starts the next handler: its cores' kernel is `kernel`, then one pass. How many tasks it
    /// completed.
    pub(crate) fn spawn_handler(
        &mut self,
        kernel: impl FnOnce(()) + Send + 'static,
    ) -> JoinHandle<u64> {
        let mut handler = self.handlers.next().expect("one call a handler");
        let (scheduler, port) = (Arc::clone(&self.scheduler), Arc::clone(&self.port));
        thread::spawn(move || {
            kernel(());
            let _ = handler.pass(&scheduler, &*port, &NoProbe);
            handler.ledger().completed
        })
    }

    /// Frees the memory. All threads are joined.
    pub(crate) fn end(self) {
        let Self {
            scheduler,
            submitter,
            dispatcher,
            handlers,
            tables,
            ..
        } = self;
        drop((scheduler, submitter, dispatcher, handlers));
        // SAFETY: from `into_raw` in `new`; everything that borrowed it was just dropped, and the
        // threads that had clones are joined.
        drop(unsafe { Box::from_raw(tables) });
    }
}
