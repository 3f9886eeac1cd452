//! Running one task's operations on its device.
//!
//! Guarantees: what a program does to its own memory is done when [`run`] returns; what it does
//! elsewhere or later comes back as effects, each put before the notifies behind it, never later
//! than they, or is posted to the rank's engines; what it waits for comes back as conditions, in
//! program order. Refuses nothing: [`Workload::check`](super::Workload::check) has seen the
//! program. Called by [`Programs`](super::Programs) at the end of a kernel, before its FIN.

#[cfg(test)]
mod tests;

use crate::device::{CostModel, Device, Registered, rank_at};
use crate::engine::{Effect, EffectKind, Engines, Lane, Posted};
use crate::shadow::{Act, By, Shadow, View};

use super::op::{EngineTime, Op, Part};
use super::pattern::pattern;
use super::rules::RuleSet;

/// What a program leaves to others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// What happens later: puts and notifies in order of time; engines have times of their own.
    pub effects: Vec<Effect>,
    /// What must hold before the task is complete.
    pub conditions: Vec<Registered>,
}

/// Whose program runs, where and when.
#[derive(Debug)]
pub struct Running<'a> {
    /// The rank's chip.
    pub device: &'a Device,
    /// Which memory the program names.
    pub reach: Reach<'a>,
    /// The rank's rule sets.
    pub rules: &'a [RuleSet],
    /// The rank's engines.
    pub engines: &'a mut Engines,
    /// Who is told what the program touches, if anybody is.
    pub shadow: Option<&'a Shadow>,
    /// The task, as an index.
    pub task: u32,
    /// Which part of it.
    pub part: Part,
    /// When its kernel ends, on the world's clock.
    pub now: u64,
}

/// Which memory a program names, and how.
#[derive(Clone, Copy, Debug)]
pub enum Reach<'a> {
    /// Its rank's, by offsets. What it does to peers comes back as effects.
    Own,
    /// All ranks', by device addresses, on chips that are [flat](Device::flat), in order of their
    /// ranks. Notifies are done at once, as everything else that is not an engine's.
    All(&'a [Device]),
}

/// Runs `program`.
pub fn run(program: &[Op], running: Running<'_>) -> Ran {
    let part = running.part;
    let mut run = Run {
        device: running.device,
        running,
        cursor_ns: 0,
        posted: Vec::new(),
        ran: Ran::default(),
    };
    for op in program.iter().filter_map(|op| op.in_part(part)) {
        run.step(&op);
    }
    run.ran
}

struct Run<'a> {
    device: &'a Device,
    running: Running<'a>,
    /// When the last put or notify so far is visible, in ns after the program's end.
    cursor_ns: u64,
    posted: Vec<Posted>,
    ran: Ran,
}

impl Run<'_> {
    fn step(&mut self, op: &Op) {
        match *op {
            Op::Put {
                peer,
                from,
                to,
                bytes,
            } => {
                let content = self.own_bytes(op, from, bytes);
                self.put(peer, to, content, bytes);
            }
            Op::PutTimed {
                peer,
                from,
                to,
                bytes,
                timed_bytes,
            } => {
                let content = self.own_bytes(op, from, bytes);
                self.put(peer, to, content, timed_bytes);
            }
            Op::PutPattern {
                peer,
                to,
                bytes,
                seed,
                timed_bytes,
            } => {
                self.put(peer, to, pattern(seed, bytes), timed_bytes);
            }
            Op::Notify { peer, counter, add } => self.notify(peer, counter, add),
            Op::Post { lane, transfer } => {
                let Running { task, now, .. } = self.running;
                let posted = (lane, transfer);
                let posted = self.running.engines.post(now, task, posted, self.device);
                self.posted.push(posted);
            }
            Op::Engine { counter, time } => {
                let (takes_ns, bytes) = engine_work(self.device.cost(), time);
                let rank = rank_at(self.device.counter_address(counter));
                let done = EffectKind::EngineDone { rank, counter };
                self.effect(takes_ns, takes_ns, bytes, done);
            }
            Op::Await { counter, expected } => {
                let addr = self.device.counter_address(counter);
                self.ran
                    .conditions
                    .push(Registered::counter(addr, expected));
            }
            Op::AwaitPost { lane } => self.await_last(lane),
            _ => change_own(&self.running, op),
        }
    }

    /// What `op` reads of the own data.
    fn own_bytes(&self, op: &Op, from: u64, bytes: u64) -> Box<[u8]> {
        let view = View::new(self.device, self.running.by(op));
        view.bytes(self.device.data_address(from), bytes)
    }

    /// Registers the condition of the last post to `lane`.
    fn await_last(&mut self, lane: Lane) {
        let Some(last) = self.posted.iter().rfind(|one| one.lane == lane) else {
            return;
        };
        let awaited = self.device.awaited();
        awaited.begin(self.running.task, (lane, last.post));
        self.ran.conditions.push(last.condition);
    }

    fn notify(&mut self, peer: u32, counter: u32, add: u32) {
        if let Reach::All(_) = self.running.reach {
            let addr = self.device.counter_address(counter);
            let (memory, addr) = self.running.holder(addr, By::NOBODY);
            memory.notify(addr, add);
            return;
        }
        let takes_ns = self.device.cost().notify_ns;
        self.cursor_ns = self.cursor_ns.saturating_add(takes_ns);
        let notify = EffectKind::Notify { peer, counter, add };
        self.effect(self.cursor_ns, takes_ns, 0, notify);
    }

    fn put(&mut self, peer: u32, to: u64, bytes: Box<[u8]>, timed_bytes: u64) {
        let takes_ns = self.device.cost().put(timed_bytes);
        self.cursor_ns = self.cursor_ns.saturating_add(takes_ns);
        let put = EffectKind::Put { peer, to, bytes };
        self.effect(self.cursor_ns, takes_ns, timed_bytes, put);
    }

    fn effect(&mut self, after_ns: u64, takes_ns: u64, timed_bytes: u64, kind: EffectKind) {
        self.ran.effects.push(Effect {
            after_ns,
            takes_ns,
            timed_bytes,
            kind,
        });
    }
}

/// How many ns an engine takes, and how many bytes it moves as far as is known.
pub const fn engine_work(cost: &CostModel, time: EngineTime) -> (u64, u64) {
    match time {
        EngineTime::Bytes(bytes) => (cost.dma(bytes), bytes),
        EngineTime::Ns(ns) => (ns, 0),
        EngineTime::Rounds { rounds, bytes } => {
            let latencies = (rounds as u64).saturating_sub(1);
            let more = cost.ccu.latency_ns.saturating_mul(latencies);
            (cost.ccu.takes(bytes).saturating_add(more), bytes)
        }
    }
}

/// Some memory and an address in it.
type Place<'a> = (View<'a>, u64);

impl<'a> Running<'a> {
    /// On whose behalf `op` touches memory.
    fn by(&self, op: &Op) -> By<'a> {
        By::task(
            self.shadow,
            self.device.rank(),
            self.task,
            Act::Kernel(op.name()),
        )
    }

    /// Where what the program calls `offset` is.
    fn place(&self, offset: u64, by: By<'a>) -> Place<'a> {
        self.holder(self.device.data_address(offset), by)
    }

    /// What has `addr`. Memory says itself which addresses it does not have.
    fn holder(&self, addr: u64, by: By<'a>) -> Place<'a> {
        let own = self.device;
        let holder = match self.reach {
            Reach::Own => own,
            Reach::All(devices) => devices.get(rank_at(addr) as usize).unwrap_or(own),
        };
        (View::new(holder, by), addr)
    }
}

/// Does an operation that is over when the program is.
fn change_own(running: &Running<'_>, op: &Op) {
    let by = running.by(op);
    let at = |offset| running.place(offset, by);
    match *op {
        Op::Copy { from, to, bytes } => copy(at(from), at(to), bytes),
        Op::StoreU32 { at: to, value } => {
            let (memory, addr) = at(to);
            memory.store_u32(addr, value);
        }
        Op::FillU32 {
            at: to,
            count,
            value,
        } => {
            let (memory, addr) = at(to);
            memory.fill_u32(addr, count, value);
        }
        Op::FillPattern {
            at: to,
            bytes,
            seed,
        } => {
            let (memory, addr) = at(to);
            memory.write_bytes(addr, &pattern(seed, bytes));
        }
        Op::AddU32 {
            from,
            to,
            count,
            add,
        } => each_word(at(from), at(to), count, |from| from.wrapping_add(add)),
        Op::AccumulateU32 { from, to, count } => accumulate(at(from), at(to), count),
        Op::SortU32 { from, to, count } => sort(at(from), at(to), count),
        Op::JoinU32 { .. } => join(running, op),
        Op::ScaleF32 {
            from,
            to,
            count,
            by,
        } => each_f32(at(from), at(to), count, |value| value * by),
        Op::AddF32 {
            from,
            to,
            count,
            add,
        } => each_f32(at(from), at(to), count, |value| value + add),
        Op::AddCounterF32 {
            from,
            to,
            count,
            counter,
        } => {
            let (counters, addr) = running.holder(running.device.counter_address(counter), by);
            let add = rounded_f32(counters.counter(addr));
            each_f32(at(from), at(to), count, |value| value + add);
        }
        Op::Scan { .. } => scan(running, op),
        Op::Serve(_)
        | Op::Put { .. }
        | Op::PutTimed { .. }
        | Op::PutPattern { .. }
        | Op::Notify { .. }
        | Op::Post { .. }
        | Op::Engine { .. }
        | Op::Await { .. }
        | Op::AwaitPost { .. }
        | Op::PerBlock { .. } => {}
    }
}

/// Copies within one memory, where the ranges do not overlap, or from one to another.
fn copy((source, from): Place<'_>, (target, to): Place<'_>, bytes: u64) {
    if source.is_same(&target) {
        target.copy(from, to, bytes);
    } else {
        target.write_bytes(to, &source.bytes(from, bytes));
    }
}

/// Stores `result(word of from)` to each of `count` words of `to`.
fn each_word(
    (source, from): Place<'_>,
    (target, to): Place<'_>,
    count: u64,
    result: impl Fn(u32) -> u32,
) {
    for word in 0..count {
        target.store_u32(to + word * 4, result(source.load_u32(from + word * 4)));
    }
}

/// Adds each of `count` words of `from` to that of `to`.
fn accumulate((source, from): Place<'_>, (target, to): Place<'_>, count: u64) {
    for word in 0..count {
        let (from, to) = (from + word * 4, to + word * 4);
        target.store_u32(to, source.load_u32(from).wrapping_add(target.load_u32(to)));
    }
}

/// Puts `count` words in rising order.
fn sort(from: Place<'_>, to: Place<'_>, count: u64) {
    let mut sorted = words(from, count);
    sorted.sort_unstable();
    store_words(to, &sorted);
}

/// Stores the words of what a rule set finds.
fn scan(running: &Running<'_>, op: &Op) {
    let Op::Scan {
        from,
        to,
        bytes,
        rules,
    } = *op
    else {
        return;
    };
    let by = running.by(op);
    let ((source, from), (target, to)) = (running.place(from, by), running.place(to, by));
    let found = running.rules[rules as usize].scan(&source.bytes(from, bytes));
    for (addr, word) in (to..).step_by(4).zip(found.words()) {
        target.store_u32(addr, word);
    }
}

/// Looks the words of one column up in another, which rises.
fn join(running: &Running<'_>, op: &Op) {
    let Op::JoinU32 {
        left,
        right,
        to,
        count,
    } = *op
    else {
        return;
    };
    let by = running.by(op);
    let column = words(running.place(right, by), count);
    let left = words(running.place(left, by), count).into_iter();
    let found: Vec<u32> = left.map(|word| first_place(&column, word)).collect();
    store_words(running.place(to, by), &found);
}

/// `count` words from a place on.
fn words((memory, at): Place<'_>, count: u64) -> Vec<u32> {
    let bytes = memory.bytes(at, count * 4);
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|&word| u32::from_le_bytes(word)).collect()
}

/// Where `word` stands first in a column that rises; `u32::MAX` if it does not.
fn first_place(column: &[u32], word: u32) -> u32 {
    let place = column.partition_point(|&other| other < word);
    let is_there = column.get(place) == Some(&word);
    let place = u32::try_from(place).ok().filter(|_| is_there);
    place.unwrap_or(u32::MAX)
}

/// Stores words from a place on.
fn store_words((memory, at): Place<'_>, words: &[u32]) {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    memory.write_bytes(at, &bytes);
}

/// Stores `result(value)` of each of `count` values.
fn each_f32(
    (source, from): Place<'_>,
    (target, to): Place<'_>,
    count: u64,
    result: impl Fn(f32) -> f32,
) {
    let mut bytes = source.bytes(from, count * 4);
    let (values, _) = bytes.as_chunks_mut::<4>();
    for value in values {
        *value = result(f32::from_le_bytes(*value)).to_le_bytes();
    }
    target.write_bytes(to, &bytes);
}

/// The number, rounded once; exactly, if it is below 2²⁴.
fn rounded_f32(number: u32) -> f32 {
    let [high, low] =
        [number >> 16, number & 0xFFFF].map(|half| u16::try_from(half).unwrap_or(u16::MAX));
    f32::from(high) * 65_536.0 + f32::from(low)
}
