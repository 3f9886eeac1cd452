//! What the model's cores and DMA queues do in a turn.

use std::collections::VecDeque;
use std::sync::Arc;

use finbox_abi::finbox_op;
use finbox_abi::finbox_op_kind as Kind;
use finbox_scheduler::{
    Cond, CoreId, ENTRIES_OFFSET, ENTRY_BYTES, ERROR_FATAL, ERROR_OVERFLOW, Launch, Token,
};
use finbox_tests::wire::WireCondition;

use crate::bug::Bug;
use crate::machine::{ModelMachine, QUEUES, State};

/// Nanoseconds of a turn.
const TURN_NS: u64 = 500;
/// How long a transfer takes.
const POST_NS: u64 = 4 * TURN_NS;

/// A core.
#[derive(Debug, Default)]
pub(crate) struct Core {
    running: Option<Running>,
    /// It took EXIT.
    stopped: bool,
    /// What a broken one does in the turn behind its FIN.
    after: Option<After>,
}

#[derive(Debug)]
enum After {
    Slab(Running),
    Ack(Token),
}

#[derive(Clone, Debug)]
struct Running {
    token: Token,
    launch: Launch,
    /// None: nobody loaded the kernel.
    ops: Option<Arc<[finbox_op]>>,
    at: usize,
    began: u64,
    /// What a torn NOTIFY loaded.
    loaded: Option<u32>,
    conditions: Vec<WireCondition>,
    overflow: bool,
    /// First and last post to each queue.
    posts: [Option<(u64, u64)>; QUEUES as usize],
}

/// A DMA queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    posted: u64,
    ended: u64,
    transfers: VecDeque<Transfer>,
}

#[derive(Debug)]
struct Transfer {
    number: u64,
    one: finbox_op,
    due: u64,
    is_half_done: bool,
}

impl ModelMachine {
    /// One turn of everything.
    pub(crate) fn step(&self) {
        let mut state = self.state();
        state.now += TURN_NS;
        for rank in 0..self.ports.len() {
            self.ports[rank].pass_time(TURN_NS);
            for core in 0..self.lanes() {
                self.step_core(&mut state, rank, CoreId(core));
            }
            for queue in 0..QUEUES as usize {
                self.step_queue(&mut state, rank, queue);
            }
        }
        self.step_events(&mut state);
        let now = state.now;
        let (due, rest) = state.later.iter().partition(|&&(at, _)| at <= now);
        state.later = rest;
        let due: Vec<(u64, u64)> = due;
        due.into_iter()
            .for_each(|(_, to)| self.set_word(to, self.word(to).wrapping_add(1)));
    }

    fn step_core(&self, state: &mut State, rank: usize, core: CoreId) {
        let port = &self.ports[rank];
        let own = &mut state.cores[rank][core.index()];
        match own.after.take() {
            Some(After::Ack(token)) => port.set_cond(core, Cond::ack(token).0),
            Some(After::Slab(running)) => self.write_slab(rank, core, &running),
            None => {}
        }
        let Some(mut running) = own.running.take() else {
            if port.doorbell(core) == Token::EXIT {
                if !own.stopped && !self.has(Bug::IgnoresExit) {
                    port.set_cond(core, Cond::ack(Token::EXIT).0);
                    own.stopped = true;
                }
            } else if let Some((token, launch)) = port.start(core) {
                let launch = match self.has(Bug::OnePayload) {
                    true => state.staged[&(u32::try_from(rank).expect("few"), core.0)],
                    false => launch,
                };
                let running = self.begin(state, rank, token, launch);
                state.cores[rank][core.index()].running = Some(running);
            }
            return;
        };
        let is_over = match running.ops.clone() {
            None => !self.has(Bug::UnknownHangs),
            Some(ops) => match ops.get(running.at) {
                None => !(self.has(Bug::Hangs) && core.0 == 1),
                Some(one) => {
                    if self.operate(state, rank, &mut running, one) {
                        running.at += 1;
                    }
                    false
                }
            },
        };
        match is_over {
            true => self.end(state, rank, core, running),
            false => state.cores[rank][core.index()].running = Some(running),
        }
    }

    fn begin(&self, state: &State, rank: usize, token: Token, launch: Launch) -> Running {
        let kernel = match self.has(Bug::SlotIsKernel) {
            true => launch.kernel + launch.slot.index() as u64,
            false => launch.kernel,
        };
        let index = usize::try_from(kernel)
            .ok()
            .and_then(|kernel| kernel.checked_sub(1));
        Running {
            token,
            launch,
            ops: index
                .and_then(|index| state.kernels[rank].get(index))
                .cloned(),
            at: 0,
            began: state.now,
            loaded: None,
            conditions: Vec::new(),
            overflow: false,
            posts: [None; QUEUES as usize],
        }
    }

    fn end(&self, state: &mut State, rank: usize, core: CoreId, running: Running) {
        state.slabs += 1;
        let token = running.token;
        let late = self.has(Bug::FinBeforeSlab) && state.slabs.is_multiple_of(2);
        if !late {
            self.write_slab(rank, core, &running);
        }
        self.ports[rank].finish(core);
        state.cores[rank][core.index()].after = match self.bug {
            Some(Bug::FinThenAck) => Some(After::Ack(token)),
            _ => late.then_some(After::Slab(running)),
        };
    }

    fn write_slab(&self, rank: usize, core: CoreId, running: &Running) {
        let error = match (&running.ops, running.overflow) {
            (None, _) if !self.has(Bug::UnknownIsFine) => ERROR_FATAL,
            (_, true) if !self.has(Bug::SixtyFive) => ERROR_OVERFLOW,
            _ => 0,
        };
        if running.conditions.is_empty() && error == 0 {
            return;
        }
        let flip = usize::from(self.has(Bug::OtherSlab));
        let slab = self.slab(rank, core, running.token.parity() ^ flip);
        let port = &self.ports[rank];
        for (index, one) in (0..).zip(&running.conditions) {
            let base = slab + ENTRIES_OFFSET + index * ENTRY_BYTES;
            port.poke(base, one.addr);
            port.poke(base + 8, one.cookie);
            port.poke(
                base + 16,
                u64::from(one.expected) | u64::from(one.engine) << 32,
            );
            port.poke(base + 24, one.completion.cast_unsigned().into());
        }
        port.poke_u32(slab + 4, error.cast_unsigned());
        port.poke_u32(slab, u32::try_from(running.conditions.len()).expect("64"));
    }

    /// Does one operation; whether it is over.
    fn operate(
        &self,
        state: &mut State,
        rank: usize,
        running: &mut Running,
        one: &finbox_op,
    ) -> bool {
        let kind = Kind::of(one.kind).expect("it was checked");
        let mine = u32::from(running.launch.subtask.bits());
        let is_other = one.subtasks != 0 && one.subtasks & mine == 0;
        let skips = match self.bug {
            Some(Bug::AllSubtasks) => false,
            Some(Bug::SubtasksElsewhere) => is_other,
            _ => is_other && mine != 0,
        };
        if skips {
            return true;
        }
        let block = match self.has(Bug::ShortBlock) {
            true => running.launch.block & 0xFF,
            false => running.launch.block,
        };
        let stride = if self.has(Bug::NoStride) {
            0
        } else {
            one.stride
        };
        let shift = u64::from(block) * stride;
        let mut one = finbox_op {
            from: one.from.wrapping_add(shift),
            to: one.to.wrapping_add(shift),
            ..*one
        };
        let is_wrong = self.has(Bug::Wrong(kind));
        if is_wrong && kind != Kind::Await {
            one.count = one.count.saturating_sub(1);
        }
        match kind {
            Kind::Busy => return !is_wrong && state.now >= running.began + one.value,
            Kind::Notify => return self.notify(running, &one, is_wrong),
            Kind::Later if !is_wrong => self.later(state, &one),
            Kind::Post => self.post(state, rank, running, one),
            Kind::Await => {
                let cookie = if is_wrong { 0 } else { one.count };
                let condition = WireCondition::counter(one.from, low(one.value));
                self.register(
                    running,
                    WireCondition {
                        cookie,
                        ..condition
                    },
                );
            }
            Kind::AwaitPost => self.await_post(rank, running, one.queue as usize, is_wrong),
            _ => self.move_bytes(kind, &one),
        }
        true
    }

    fn notify(&self, running: &mut Running, one: &finbox_op, is_wrong: bool) -> bool {
        let value = low(one.value);
        if self.has(Bug::NotifyTorn) && running.loaded.is_none() {
            running.loaded = Some(self.word(one.to));
            return false;
        }
        let before = running.loaded.take().unwrap_or_else(|| self.word(one.to));
        let after = if is_wrong {
            value
        } else {
            before.wrapping_add(value)
        };
        self.set_word(one.to, after);
        true
    }

    fn later(&self, state: &mut State, one: &finbox_op) {
        let due = match self.has(Bug::LaterNow) {
            true => state.now,
            false => state.now + one.value,
        };
        let times = if self.has(Bug::LaterTwice) { 2 } else { 1 };
        state.later.extend(vec![(due, one.to); times]);
    }

    fn post(&self, state: &mut State, rank: usize, running: &mut Running, one: finbox_op) {
        let due = state.now + POST_NS;
        let queue = &mut state.queues[rank][one.queue as usize];
        queue.posted += 1;
        let number = queue.posted - u64::from(self.has(Bug::PostsFromZero));
        queue.transfers.push_back(Transfer {
            number,
            one,
            due,
            is_half_done: false,
        });
        let posts = &mut running.posts[one.queue as usize];
        *posts = Some((posts.map_or(number, |(first, _)| first), number));
    }

    fn await_post(&self, rank: usize, running: &mut Running, queue: usize, is_wrong: bool) {
        let (first, last) = match (running.posts[queue], self.has(Bug::AwaitsNothing)) {
            (Some(posts), _) => posts,
            (None, true) => (0, 0),
            (None, false) => return,
        };
        let number = match self.has(Bug::AwaitsFirstPost) {
            true => first,
            false => last + u64::from(is_wrong),
        };
        let record = self.record(rank, queue);
        self.register(running, WireCondition::event_record(record, number));
    }

    fn register(&self, running: &mut Running, condition: WireCondition) {
        let most = if self.has(Bug::SixtyThree) { 63 } else { 64 };
        match running.conditions.len() < most {
            true => running.conditions.push(condition),
            false => running.overflow = true,
        }
    }

    fn step_queue(&self, state: &mut State, rank: usize, index: usize) {
        let now = state.now;
        let record = self.record(rank, index);
        let queue = &mut state.queues[rank][index];
        let last = queue.transfers.len().saturating_sub(1);
        let next = if self.has(Bug::PostsReversed) {
            last
        } else {
            0
        };
        let Some(transfer) = queue.transfers.get_mut(next).filter(|one| one.due <= now) else {
            return;
        };
        let is_early = self.has(Bug::RecordEarly);
        let copies = transfer.is_half_done == is_early;
        let number = match self.has(Bug::PostsReversed) {
            true => queue.ended + 1,
            false => transfer.number,
        };
        match copies {
            true => self.move_bytes(Kind::Copy, &transfer.one),
            false => self.home(record).poke(record, number),
        }
        if transfer.is_half_done {
            queue.ended += 1;
            queue.transfers.remove(next);
        } else {
            transfer.is_half_done = true;
        }
    }

    fn move_bytes(&self, kind: Kind, one: &finbox_op) {
        let float = f32::from_bits(low(one.value));
        let floats = |result: fn(f32, f32) -> f32, by: f32| {
            for word in 0..one.count {
                let value = f32::from_bits(self.word(one.from + word * 4));
                self.set_word(one.to + word * 4, self.round(result, value, by).to_bits());
            }
        };
        match kind {
            Kind::Copy => (0..one.count).for_each(|at| {
                self.set_byte(one.to + at, self.byte(one.from + at));
            }),
            Kind::FillU32 => (0..one.count).for_each(|word| {
                self.set_word(one.to + word * 4, low(one.value));
            }),
            Kind::FillPattern => (0..one.count).for_each(|at| {
                let word = mix(one.value.wrapping_add(mix(at / 8)));
                self.set_byte(one.to + at, word.to_le_bytes()[(at % 8) as usize]);
            }),
            Kind::AddU32 | Kind::AccumulateU32 => (0..one.count).for_each(|word| {
                let (from, to) = (one.from + word * 4, one.to + word * 4);
                let other = match kind {
                    Kind::AddU32 => low(one.value),
                    _ => self.word(to),
                };
                self.set_word(to, self.word(from).wrapping_add(other));
            }),
            Kind::AddF32 => floats(|value, by| value + by, float),
            Kind::ScaleF32 => floats(|value, by| value * by, float),
            #[expect(clippy::cast_precision_loss, reason = "as the contract says")]
            Kind::AddCounterF32 => floats(|value, by| value + by, self.word(one.value) as f32),
            _ => {}
        }
    }

    fn round(&self, result: fn(f32, f32) -> f32, value: f32, by: f32) -> f32 {
        match self.has(Bug::TruncatesFloats) {
            true => result(value.trunc(), by.trunc()),
            false => result(value, by),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
const fn low(word: u64) -> u32 {
    word as u32
}

/// SplitMix64, by its definition: a state that steps, and a finaliser.
fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    for (shift, factor) in [(30, 0xBF58_476D_1CE4_E5B9), (27, 0x94D0_49BB_1331_11EB_u64)] {
        z = (z ^ (z >> shift)).wrapping_mul(factor);
    }
    z ^ (z >> 31)
}
