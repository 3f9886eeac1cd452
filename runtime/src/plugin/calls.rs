//! Who is inside which call of somebody else's code, and since when: a watch for functions that
//! may not return.
//!
//! Guarantees: going in and coming back is a store each to a line of the thread's own, without a
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

/// Bits of a line's word that count how often its thread went in and came back: odd inside. A
/// watchdog would miss a call only if exactly so many had passed between two looks: minutes' worth.
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

/// The calls that threads of this process are in, as far as they went in through this table.
///
/// The first 64 threads that live at once have a line; more are counted and not watched.
#[derive(Debug)]
pub struct CallTable {
    lines: Box<[CachePadded<AtomicU64>]>,
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
        let line = |_| CachePadded::new(AtomicU64::new(0));
        Self {
            lines: (0..SEATS).map(line).collect(),
            unwatched: AtomicU32::new(0),
        }
    }

    /// Calls that were made by threads without a line, and were not watched; it wraps.
    pub fn unwatched(&self) -> u32 {
        // RELAXED: UNSEATED is a statistic.
        self.unwatched.load(edge::UNSEATED)
    }

    /// The word of the calling thread's line, if it has one.
    #[inline]
    fn own(&self) -> Option<&AtomicU64> {
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
        // RELAXED: CALL has this thread as its one writer.
        let before = line.load(edge::CALL) & SEQUENCE;
        let inside = ((before + 1) | 1) & SEQUENCE;
        // RELAXED: CALL is believed when it has not changed for long.
        line.store(packed(call) | inside, edge::CALL);
    }

    #[inline]
    fn leave(&self) {
        let Some(line) = self.own() else {
            return;
        };
        // RELAXED: CALL has this thread as its one writer.
        let inside = line.load(edge::CALL) & SEQUENCE;
        // RELAXED: CALL is believed when it has not changed for long.
        line.store(((inside | 1) + 1) & SEQUENCE, edge::CALL);
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
            let word = line.load(edge::CALL);
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
