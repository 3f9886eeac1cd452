//! Who is inside which call of somebody else's code, and since when: a watch for functions that
//! may not return.
//!
//! Guarantees: going in and coming back are stores to a line of the thread's own, without a
//! clock; a call that does not return is named with its thread by a [`Watchdog`] that somebody
//! asks; a call that panics or throws ends the process with its name.
//!
//! Refuses to interrupt a call: nobody can. Called by [`TablePort`](finbox_abi::TablePort) and by
//! the functions of a device library; a watchdog by whoever waits for a machine.

use std::fmt;
use std::io::{self, Write};
use std::process;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use finbox_abi::{Call, CallWatch, Function};
use finbox_mailbox::sync::{AtomicU32, AtomicU64};

use super::seats::{self, SEATS};
use crate::edge;

/// Bits of a line's word that are odd inside a call, and another number in each. A watchdog would
/// take two calls for one only if 2^38 had passed between two looks, which is minutes' worth.
const SEQUENCE_BITS: u32 = 39;
const SEQUENCE: u64 = (1 << SEQUENCE_BITS) - 1;
/// Above them, one more than the core, or 0; above that, the function's number.
const CORE_BITS: u32 = 17;
const CORE_MASK: u64 = (1 << CORE_BITS) - 1;

const _: () = assert!(
    Function::ALL.len() <= 1 << (64 - SEQUENCE_BITS - CORE_BITS),
    "a function's number fits above sequence and core"
);

fn packed(call: Call) -> u64 {
    let core = call.core.map_or(0, |core| u64::from(core) + 1);
    ((u64::from(call.function.number()) << CORE_BITS) | core) << SEQUENCE_BITS
}

/// The call that a thread is in, by its line's word.
fn unpacked(word: u64) -> Option<Call> {
    if word & 1 == 0 {
        return None;
    }
    let call = word >> SEQUENCE_BITS;
    let function = usize::try_from(call >> CORE_BITS).ok()?;
    let core = (call & CORE_MASK).checked_sub(1);
    Some(Call {
        function: *Function::ALL.get(function)?,
        core: core.and_then(|core| u16::try_from(core).ok()),
    })
}

/// A stay in a call, told from others by a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay(u64);

impl Stay {
    /// The call; `None` if the word was none that a line holds.
    pub fn call(self) -> Option<Call> {
        unpacked(self.0)
    }
}

/// What one thread at a time writes: the call that it is in.
#[derive(Debug)]
pub struct CallLine {
    /// The call, and its number; 0 outside.
    word: AtomicU64,
    /// How many calls were made from this line.
    count: AtomicU64,
}

impl Default for CallLine {
    fn default() -> Self {
        Self {
            word: AtomicU64::new(0),
            count: AtomicU64::new(0),
        }
    }
}

impl CallLine {
    /// The line's one thread goes into `call`.
    #[inline]
    pub fn enter(&self, call: Call) {
        // RELAXED: CALL has this thread as its one writer.
        let count = self.count.load(edge::CALL).wrapping_add(1);
        // RELAXED: CALL has this thread as its one writer, and nobody else reads the count.
        self.count.store(count, edge::CALL);
        let inside = ((count << 1) | 1) & SEQUENCE;
        // RELAXED: CALL is believed when it has not changed for long.
        self.word.store(packed(call) | inside, edge::CALL);
    }

    /// It came back.
    #[inline]
    pub fn leave(&self) {
        // RELAXED: CALL is believed when it has not changed for long.
        self.word.store(0, edge::CALL);
    }

    /// Where its thread is, if it is in a call: the same as before if it has not come back since.
    pub fn stay(&self) -> Option<Stay> {
        // RELAXED: CALL is believed when it has not changed for long.
        let word = self.word.load(edge::CALL);
        (word & 1 == 1).then_some(Stay(word))
    }
}

/// The calls that threads of this process are in, as far as they went in through this table.
///
/// The first 64 threads that live at once have a line; more are counted and not watched.
#[derive(Debug)]
pub struct CallTable {
    lines: Box<[CachePadded<CallLine>]>,
    unwatched: AtomicU32,
}

impl Default for CallTable {
    fn default() -> Self {
        Self::new()
    }
}

impl CallTable {
    /// A table without calls.
    pub fn new() -> Self {
        Self {
            lines: (0..SEATS).map(|_| CachePadded::default()).collect(),
            unwatched: AtomicU32::new(0),
        }
    }

    /// Calls that were made by threads without a line, and were not watched; it wraps.
    pub fn unwatched(&self) -> u32 {
        // RELAXED: UNSEATED is a statistic.
        self.unwatched.load(edge::UNSEATED)
    }

    /// The calling thread's line, if it has one.
    #[inline]
    fn own(&self) -> Option<&CallLine> {
        self.lines.get(seats::own()).map(|line| &**line)
    }
}

impl CallWatch for CallTable {
    #[inline]
    fn enter(&self, call: Call) {
        let Some(line) = self.own() else {
            // RELAXED: UNSEATED is a statistic.
            self.unwatched.fetch_add(1, edge::UNSEATED);
            return;
        };
        line.enter(call);
    }

    #[inline]
    fn leave(&self) {
        let Some(line) = self.own() else {
            return;
        };
        line.leave();
    }

    fn thrown(&self, call: Call) -> ! {
        let owner = call.function.owner();
        // Where it cannot be written there is nobody to tell.
        let _ = writeln!(
            io::stderr(),
            "finbox: {call} panicked or threw; a {owner}'s function must do neither"
        );
        process::abort()
    }
}

/// A call that has been running for longer than a watchdog's budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// Which.
    pub call: Call,
    /// The name of the thread that is in it, if it has one.
    pub thread: Option<String>,
    /// For how long a watchdog has seen it there; it has been running for longer.
    pub elapsed: Duration,
    /// Whether this is the first look that finds it late.
    pub is_new: bool,
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (call, owner) = (self.call, self.call.function.owner());
        write!(f, "{call} has not returned for {:?}", self.elapsed)?;
        match &self.thread {
            Some(name) => write!(f, ", called by thread `{name}`")?,
            None => write!(f, ", called by a thread without a name")?,
        }
        write!(f, "; a {owner}'s function must not wait")
    }
}

/// What a watchdog remembers of a line.
#[derive(Clone, Copy, Debug)]
struct Seen {
    word: u64,
    since: Instant,
    told: bool,
}

/// Finds calls that take too long, by looking again and again. One belongs to one table.
#[derive(Debug)]
pub struct Watchdog {
    budget: Duration,
    seen: Vec<Option<Seen>>,
}

impl Watchdog {
    /// One that finds calls that take `budget` or longer.
    pub fn new(budget: Duration) -> Self {
        Self {
            budget,
            seen: vec![None; SEATS],
        }
    }

    /// Calls of `table` that have been seen running for as long as the budget. `now` is the time
    /// of this look, no earlier than that of the one before.
    pub fn look(&mut self, table: &CallTable, now: Instant) -> Vec<Late> {
        let mut late = Vec::new();
        for (seat, (line, seen)) in table.lines.iter().zip(&mut self.seen).enumerate() {
            // RELAXED: CALL is believed when it has not changed for long.
            let word = line.word.load(edge::CALL);
            let Some(call) = unpacked(word) else {
                *seen = None;
                continue;
            };
            let known = seen.filter(|seen| seen.word == word);
            let current = seen.insert(known.unwrap_or(Seen {
                word,
                since: now,
                told: false,
            }));
            let elapsed = now.saturating_duration_since(current.since);
            if elapsed < self.budget {
                continue;
            }
            late.push(Late {
                call,
                thread: seats::name(seat),
                elapsed,
                is_new: !current.told,
            });
            current.told = true;
        }
        late
    }
}

#[cfg(test)]
mod tests {
    use super::{CallTable, Late, SEATS, Watchdog, packed, unpacked};
    use crate::plugin::port;
    use finbox_abi::{Call, CallWatch, Function, finbox_port};
    use finbox_scheduler::{CoreId, Port};
    use std::env;
    use std::ffi::c_void;
    use std::process::Command;
    use std::ptr;
    use std::sync::Barrier;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use std::time::{Duration, Instant};

    const BUDGET: Duration = Duration::from_secs(1);

    fn call(function: Function, core: Option<u16>) -> Call {
        Call { function, core }
    }

    /// Whether this is a process of `name`'s own; otherwise it ran there, and said what comes back.
    fn alone(name: &str) -> Option<(bool, String)> {
        const VARIABLE: &str = "FINBOX_TEST_ALONE";
        if env::var_os(VARIABLE).is_some() {
            return None;
        }
        let mut test = Command::new(env::current_exe().expect("a running test has a path"));
        test.args([
            "--exact",
            &format!("plugin::calls::tests::{name}"),
            "--nocapture",
        ]);
        let output = test.env(VARIABLE, "1").output().expect("it starts again");
        let said =
            [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        Some((output.status.success(), said.concat()))
    }

    #[test]
    fn a_line_tells_every_call_with_and_without_a_core() {
        for function in Function::ALL {
            for core in [None, Some(0), Some(1), Some(u16::MAX)] {
                let word = packed(call(function, core));
                assert_eq!(unpacked(word | 1), Some(call(function, core)));
                assert_eq!(unpacked(word), None, "nobody is inside");
            }
        }
    }

    #[test]
    fn a_call_is_late_when_it_stands_there_for_the_budget_and_is_new_once() {
        let (table, mut watchdog) = (CallTable::new(), Watchdog::new(BUDGET));
        let now = Instant::now();
        let mut look = |after| watchdog.look(&table, now + after);
        let waits = call(Function::LoadCond, Some(3));
        assert_eq!(look(Duration::ZERO), []);
        table.enter(waits);
        assert_eq!(look(BUDGET), [], "nobody knows for how long");
        assert_eq!(look(BUDGET * 3 / 2), []);
        let late = |elapsed, is_new| Late {
            call: waits,
            thread: thread::current().name().map(Into::into),
            elapsed,
            is_new,
        };
        assert_eq!(look(BUDGET * 2), [late(BUDGET, true)]);
        assert_eq!(look(BUDGET * 3), [late(BUDGET * 2, false)]);
        table.leave();
        assert_eq!(look(BUDGET * 4), []);
    }

    #[test]
    fn the_same_call_made_again_is_not_late() {
        let (table, mut watchdog) = (CallTable::new(), Watchdog::new(BUDGET));
        let now = Instant::now();
        for round in 0..5 {
            table.enter(call(Function::Now, None));
            assert_eq!(watchdog.look(&table, now + BUDGET * round), []);
            table.leave();
        }
    }

    #[test]
    fn a_call_from_inside_a_call_leaves_nothing_behind() {
        let (table, mut watchdog) = (CallTable::new(), Watchdog::new(Duration::ZERO));
        let [outer, inner] = [Function::CopyIn, Function::Now].map(|function| call(function, None));
        table.enter(outer);
        table.enter(inner);
        assert_eq!(watchdog.look(&table, Instant::now())[0].call, inner);
        table.leave();
        table.leave();
        assert_eq!(watchdog.look(&table, Instant::now()), []);
    }

    #[test]
    fn threads_beyond_the_lines_are_counted_and_those_that_end_make_room() {
        let name = "threads_beyond_the_lines_are_counted_and_those_that_end_make_room";
        if let Some((passed, said)) = alone(name) {
            assert!(passed && said.contains("1 passed"), "{said}");
            return;
        }
        let table = &CallTable::new();
        let at_once = |count: usize| {
            let barrier = &Barrier::new(count);
            let inside = || {
                table.enter(call(Function::Now, None));
                barrier.wait();
                table.leave();
            };
            thread::scope(|scope| {
                let threads: Vec<_> = (0..count).map(|_| scope.spawn(inside)).collect();
                // A scope does not wait for what thread-locals do at a thread's end; a join does.
                for thread in threads {
                    thread.join().expect("nothing panics in it");
                }
            });
            table.unwatched()
        };
        assert_eq!(at_once(SEATS), 0);
        assert_eq!(at_once(SEATS), 0, "the first ones made room");
        assert_eq!(at_once(SEATS + 3), 3);
    }

    /// What the port's functions of these tests get as their context.
    struct Gate {
        inside: Sender<()>,
        open: Receiver<()>,
    }

    unsafe extern "C-unwind" fn waits(context: *mut c_void, _core: u32) -> u32 {
        // SAFETY: the context of these tests is a gate that outlives the port.
        let gate = unsafe { &*context.cast::<Gate>() };
        gate.inside.send(()).expect("somebody waits for it");
        gate.open.recv().expect("somebody opens the gate");
        7
    }

    unsafe extern "C-unwind" fn panics(_context: *mut c_void) -> u64 {
        panic!("a bug in somebody's driver");
    }

    unsafe extern "C-unwind" fn core_of_two(_: *mut c_void, _: u32, _: u32) {}
    unsafe extern "C-unwind" fn staged(
        _: *mut c_void,
        _: u32,
        _: u32,
        _: *const finbox_abi::finbox_launch,
    ) {
    }
    unsafe extern "C-unwind" fn slab(_: *mut c_void, _: u32, _: u32) -> u64 {
        64
    }
    unsafe extern "C-unwind" fn lines(_: *mut c_void, _: u64, _: u64) {}
    unsafe extern "C-unwind" fn can_read(_: *mut c_void, _: u64, _: u64) -> u32 {
        1
    }
    unsafe extern "C-unwind" fn word(_: *mut c_void, _: u64) -> u32 {
        0
    }
    unsafe extern "C-unwind" fn words(_: *mut c_void, _: u64) -> u64 {
        0
    }

    fn port_over(context: *mut c_void) -> finbox_port {
        finbox_port {
            struct_size: size_of::<finbox_port>(),
            context,
            load_cond: Some(waits),
            ring_doorbell: Some(core_of_two),
            stage_payload: Some(staged),
            slab_address: Some(slab),
            refresh: Some(lines),
            clean: Some(lines),
            can_read: Some(can_read),
            load_u32: Some(word),
            load_u64: Some(words),
            store_u64: Some(lines),
            now: Some(panics),
            incarnation: None,
        }
    }

    #[test]
    fn f41_a_callback_that_does_not_return_is_named_until_it_does() {
        let table = CallTable::new();
        let (inside, is_inside) = channel();
        let (opens, open) = channel();
        let mut gate = Gate { inside, open };
        let functions = port_over((&raw mut gate).cast());
        // SAFETY: the gate and the functions outlive the port.
        let port = unsafe { port::over(&functions, &table) }.expect("all functions are there");
        thread::scope(|scope| {
            let thread = thread::Builder::new().name("fin 5".into());
            let call = || port.load_cond(CoreId(9));
            let waiting = thread.spawn_scoped(scope, call).expect("a thread");
            is_inside.recv().expect("it goes in");
            let (mut watchdog, now) = (Watchdog::new(BUDGET), Instant::now());
            let early = watchdog.look(&table, now);
            let late = watchdog.look(&table, now + BUDGET);
            opens.send(()).expect("it waits");
            assert_eq!(waiting.join().expect("it returns"), 7);
            assert_eq!(early, []);
            let said: Vec<String> = late.iter().map(ToString::to_string).collect();
            let expected = "`load_cond` of core 9 has not returned for 1s, called by thread \
                            `fin 5`; a port's function must not wait";
            assert_eq!(said, [expected]);
            assert_eq!(watchdog.look(&table, now + BUDGET * 2), []);
        });
    }

    #[test]
    fn f40_a_callback_that_panics_ends_the_process_with_its_name() {
        if let Some((passed, said)) =
            alone("f40_a_callback_that_panics_ends_the_process_with_its_name")
        {
            assert!(!passed, "it goes on: {said}");
            for part in [
                "a bug in somebody's driver",
                "finbox: `now` panicked or threw; a port's function must do neither",
            ] {
                assert!(said.contains(part), "`{part}` is not in: {said}");
            }
            return;
        }
        let (table, functions) = (CallTable::new(), port_over(ptr::null_mut()));
        // SAFETY: the functions outlive the port, and the one that panics is what is tested.
        let port = unsafe { port::over(&functions, &table) }.expect("all functions are there");
        let now = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| port.now()));
        panic!("it came back: {now:?}");
    }
}
