//! The threads: FIN handlers and one dispatch thread, each stepping the passes of all chips.
//!
//! Handler thread `h` steps handler `h` of every unit, so their number does not grow with ranks.
//! A pass that moved something rings whoever may care; a thread that sees nothing backs off, then
//! parks. [`run`] starts them, lends them to a body on the calling thread, and ends them all;
//! [`Crew`](crate::Crew) lets them go on behind the call that started them.

use std::io;
use std::panic;
use std::thread::{self, ScopedJoinHandle};

use crossbeam_utils::CachePadded;
use finbox_mailbox::sync::AtomicU64;
use finbox_scheduler::{
    Dispatcher, FinHandler, HandlerStep, Handlers, Pass, Port, Probe, Scheduler,
};

use crate::edge;
use crate::wait::{Rest, RestPolicy, Sleeper, StopFlag};

/// One chip with everything that runs it.
#[derive(Debug)]
pub struct Unit<'m, P, B> {
    /// What all threads share.
    pub scheduler: Scheduler<'m>,
    /// The machine.
    pub port: P,
    /// Who listens.
    pub probe: B,
    /// Its FIN handlers.
    pub handlers: Vec<FinHandler<'m>>,
    /// Its dispatch state.
    pub dispatcher: Dispatcher<'m>,
}

/// Signs of life of one thread: written by it, read by others.
#[derive(Debug)]
struct Pulse {
    beats: AtomicU64,
    finished: AtomicU64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            beats: AtomicU64::new(0),
            finished: AtomicU64::new(0),
        }
    }
}

impl Pulse {
    /// RELAXED: BEAT has one writer and carries nothing.
    fn beat(&self, finished: u64) {
        self.beats
            .store(self.beats.load(edge::BEAT) + 1, edge::BEAT);
        self.begin(finished);
    }

    /// RELAXED: BEAT has one writer and carries nothing.
    fn begin(&self, finished: u64) {
        self.finished.store(finished, edge::BEAT);
    }
}

#[derive(Debug, Default)]
struct Post {
    sleeper: Sleeper,
    pulse: CachePadded<Pulse>,
}

/// The running threads, as the body sees them.
#[derive(Debug)]
pub struct Running {
    policy: RestPolicy,
    stop: StopFlag,
    handlers: Vec<Post>,
    dispatch: Post,
}

impl Running {
    /// Posts for `handlers` handler threads and the dispatch thread, none of which runs yet.
    pub(crate) fn new(policy: RestPolicy, handlers: usize) -> Self {
        Self {
            policy,
            stop: StopFlag::default(),
            handlers: (0..handlers).map(|_| Post::default()).collect(),
            dispatch: Post::default(),
        }
    }

    /// Asks all threads to end, and wakes them.
    pub(crate) fn end(&self) {
        self.stop.stop();
        self.posts().for_each(|post| post.sleeper.wake());
    }

    /// Ends every wait and every thread.
    pub fn stop_flag(&self) -> &StopFlag {
        &self.stop
    }

    /// Tells the dispatch thread that something became ready or may have changed.
    pub fn wake_dispatch(&self) {
        self.dispatch.sleeper.wake();
    }

    /// Tasks whose outcome is decided, over all units, as far as their threads have said.
    pub fn finished(&self) -> u64 {
        // RELAXED: BEAT carries nothing; what the tasks did is visible after the threads ended.
        self.posts()
            .map(|post| post.pulse.finished.load(edge::BEAT))
            .sum()
    }

    /// A number that changes whenever any thread moved something.
    pub fn signs_of_life(&self) -> u64 {
        // RELAXED: BEAT carries nothing.
        self.posts()
            .map(|post| post.pulse.beats.load(edge::BEAT))
            .sum()
    }

    /// Says what was finished before the threads run: handler by handler, and by the dispatcher.
    pub(crate) fn begin(&self, finished: impl Iterator<Item = u64>) {
        for (post, finished) in self.posts().zip(finished) {
            post.pulse.begin(finished);
        }
    }

    fn posts(&self) -> impl Iterator<Item = &Post> {
        self.handlers.iter().chain([&self.dispatch])
    }

    fn wake_handlers(&self, handlers: Handlers) {
        for handler in handlers.each() {
            if let Some(post) = self.handlers.get(usize::from(handler)) {
                post.sleeper.wake();
            }
        }
    }
}

/// Ends the threads when the body is over, also by panic.
struct EndOnDrop<'a>(&'a Running);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Ends the others at once when a role's thread panics, instead of when patience is over.
struct StopOnPanic<'a>(&'a Running);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop.stop();
        }
    }
}

/// What a handler's thread steps.
pub trait HandlerRole {
    /// Visits every busy core of the handler once.
    fn pass(&mut self) -> HandlerStep;
    /// Tasks whose outcome it decided, ever.
    fn finished(&self) -> u64;
}

/// What the dispatch thread steps.
pub trait DispatchRole {
    /// One turn.
    fn pass(&mut self) -> Pass;
    /// Tasks whose outcome it decided, ever.
    fn finished(&self) -> u64;
}

struct Handling<'a, 'm, P, B> {
    scheduler: &'a Scheduler<'m>,
    port: &'a P,
    probe: &'a B,
    handler: &'a mut FinHandler<'m>,
}

struct Dispatching<'a, 'm, P, B> {
    scheduler: &'a Scheduler<'m>,
    port: &'a P,
    probe: &'a B,
    dispatcher: &'a mut Dispatcher<'m>,
}

impl<P: Port, B: Probe> HandlerRole for Handling<'_, '_, P, B> {
    fn pass(&mut self) -> HandlerStep {
        self.handler.pass(self.scheduler, self.port, self.probe)
    }

    fn finished(&self) -> u64 {
        self.handler.ledger().finished()
    }
}

impl<P: Port, B: Probe> DispatchRole for Dispatching<'_, '_, P, B> {
    fn pass(&mut self) -> Pass {
        self.dispatcher.pass(self.scheduler, self.port, self.probe)
    }

    fn finished(&self) -> u64 {
        self.dispatcher.ledger().finished()
    }
}

/// Runs `body` while the units' threads run and rest as usual, then ends and joins them.
///
/// # Errors
/// As [`run_resting`].
///
/// # Panics
/// As [`run_resting`].
pub fn run<'m, P: Port + Send, B: Probe + Send, R>(
    units: &mut [Unit<'m, P, B>],
    body: impl FnOnce(&Running, &[&Scheduler<'m>]) -> R,
) -> io::Result<R> {
    run_resting(RestPolicy::DEFAULT, units, body)
}

/// Runs `body` while the units' threads run and rest as `policy` says, then ends and joins them.
///
/// # Errors
/// The operating system's, if a thread could not be started; those that were are ended.
///
/// # Panics
/// If a thread panicked.
pub fn run_resting<'m, P: Port + Send, B: Probe + Send, R>(
    policy: RestPolicy,
    units: &mut [Unit<'m, P, B>],
    body: impl FnOnce(&Running, &[&Scheduler<'m>]) -> R,
) -> io::Result<R> {
    let threads = units
        .iter()
        .map(|unit| unit.handlers.len())
        .max()
        .unwrap_or(0);
    let running = Running::new(policy, threads);
    let mut handling: Vec<Vec<_>> = (0..threads).map(|_| Vec::new()).collect();
    let (mut dispatching, mut schedulers) = (Vec::new(), Vec::new());
    for unit in units {
        let (scheduler, port, probe) = (&unit.scheduler, &unit.port, &unit.probe);
        schedulers.push(scheduler);
        for (index, handler) in unit.handlers.iter_mut().enumerate() {
            handling[index].push(Handling {
                scheduler,
                port,
                probe,
                handler,
            });
        }
        let dispatcher = &mut unit.dispatcher;
        dispatching.push(Dispatching {
            scheduler,
            port,
            probe,
            dispatcher,
        });
    }
    let running = &running;
    thread::scope(|scope| {
        let end = EndOnDrop(running);
        let mut threads = Vec::new();
        for (index, roles) in handling.into_iter().enumerate() {
            let work = move || handle_fins(running, index, roles);
            let handler = thread::Builder::new().name(handler_name(index));
            threads.push(handler.spawn_scoped(scope, work)?);
        }
        let work = move || dispatch(running, dispatching);
        let dispatch = thread::Builder::new().name(DISPATCH_NAME.to_owned());
        threads.push(dispatch.spawn_scoped(scope, work)?);
        let result = body(running, &schedulers);
        join_all(end, threads);
        Ok(result)
    })
}

/// Drops `end`, which tells the threads to end, and joins them. A scope's end would wait for them
/// as well, but neither hand on what one of them panicked with, nor be seen by a race detector.
///
/// # Panics
/// As the first of them that did.
pub fn join_all(end: impl Sized, threads: Vec<ScopedJoinHandle<'_, ()>>) {
    drop(end);
    for thread in threads {
        if let Err(panic) = thread.join() {
            panic::resume_unwind(panic);
        }
    }
}

/// The dispatch thread's name.
pub(crate) const DISPATCH_NAME: &str = "finbox-dispatch";

/// The name of handler thread `index`.
pub(crate) fn handler_name(index: usize) -> String {
    format!("finbox-fin-{index}")
}

/// What handler thread `index` does until it is asked to end.
pub(crate) fn handle_fins(running: &Running, index: usize, mut roles: Vec<impl HandlerRole>) {
    let post = &running.handlers[index];
    let _end = StopOnPanic(running);
    post.sleeper.adopt();
    let mut rest = Rest::new(running.policy);
    loop {
        rest.before_pass(&post.sleeper);
        // RELAXED is enough behind CLEAR: a stop whose ring was just cleared is acquired with it,
        // and a later ring keeps this thread from parking or unparks it.
        if running.stop.is_set() {
            return;
        }
        let mut watching = false;
        let mut progress = false;
        for role in &mut roles {
            let step = role.pass();
            watching |= step != HandlerStep::Idle;
            progress |= step == HandlerStep::Progress;
        }
        if progress {
            post.pulse
                .beat(roles.iter().map(HandlerRole::finished).sum());
            running.wake_dispatch();
            rest.reset();
        } else {
            rest.after_pass(&post.sleeper, watching);
        }
    }
}

/// What the dispatch thread does until it is asked to end.
pub(crate) fn dispatch(running: &Running, mut roles: Vec<impl DispatchRole>) {
    let post = &running.dispatch;
    let _end = StopOnPanic(running);
    post.sleeper.adopt();
    let mut rest = Rest::new(running.policy);
    loop {
        rest.before_pass(&post.sleeper);
        // RELAXED is enough behind CLEAR, as in `handle_fins`.
        if running.stop.is_set() {
            return;
        }
        let (mut watching, mut progress) = (false, false);
        let mut handlers = Handlers::default();
        for role in &mut roles {
            let pass = role.pass();
            // Whoever has a deadline does not park for good; rests are far shorter than budgets.
            watching |= pass.watching || pass.deadline_ns.is_some();
            progress |= pass.progress;
            handlers.merge(pass.handlers);
        }
        running.wake_handlers(handlers);
        if progress {
            post.pulse
                .beat(roles.iter().map(DispatchRole::finished).sum());
            rest.reset();
        } else {
            rest.after_pass(&post.sleeper, watching);
        }
    }
}
