//! Any program: indirect buffers of random packets, some with a flipped bit, beside an interpreter
//! that knows nothing but what packets mean (C3, C9, C10).

use std::collections::BTreeMap;

use finbox_mailbox::Words;

use super::fixture::{Device, EPOCH, FENCE, Memory, NO_OP, StepClock, add, indirect, launch, wait};
use crate::command::{Arrival, Command, Entry, How, Indirect, MAX_DEPTH, Packet, Place, Verdict};

const BUFFERS: [u64; 4] = [0x100, 0x200, 0x300, 0x400];
const LENGTH: u32 = 4;
const COUNTER: u64 = 8;
/// More than a program takes that ends, and fewer than a drain carries out in its budget.
const FUEL: u32 = 10_000;
const BUDGET_NS: u64 = 1_000_000;

/// Marsaglia's xorshift: the same numbers for a seed everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn index(&mut self, end: u64) -> usize {
        usize::try_from(self.below(end)).expect("a small end")
    }

    fn packet(&mut self, kernel: u64) -> Packet {
        match self.below(16) {
            0 => NO_OP,
            1 => FENCE,
            2 | 3 => add(COUNTER, 1),
            4 => wait(COUNTER, u32::try_from(self.below(4)).expect("below 4")),
            5..=8 => {
                let buffer = BUFFERS[self.index(4)];
                let packets = u32::try_from(1 + self.below(20) * 5 / 19).expect("at most 6");
                let entry = [Entry::Call, Entry::Jump][self.index(2)];
                indirect(buffer, packets, entry)
            }
            _ => launch(kernel),
        }
    }

    /// A buffer's packets; one in forty has a wrong bit.
    fn words(&mut self, buffer: u64) -> Vec<Words> {
        let packets = (0..u64::from(LENGTH)).map(|index| {
            let mut words = self.packet(buffer + index).words(EPOCH);
            if self.below(40) == 0 {
                words[self.index(7)] ^= 1 << self.below(64);
            }
            words
        });
        packets.collect()
    }
}

/// How a program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Reached,
    /// It waits for a counter.
    Waits,
    Halted,
    Loops,
}

/// What a program left behind.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    end: End,
    /// Buffer and index of where it stands.
    at: (u64, u32),
    begun: Vec<u64>,
    counter: u32,
}

/// Returns from every buffer that is through: buffer, next packet, packets.
fn unwind(stack: &mut Vec<(u64, u32, u32)>) {
    while let Some(&(_, index, packets)) = stack.last()
        && index == packets
    {
        stack.pop();
        if let Some((_, index, _)) = stack.last_mut() {
            *index += 1;
        }
    }
}

/// One packet after the other, as the definition says.
fn interpret(buffers: &BTreeMap<u64, Vec<Words>>, first: Indirect) -> Left {
    let mut stack = vec![(first.buffer, 0, first.packets)];
    let (mut begun, mut counter) = (Vec::new(), 0_u32);
    for _ in 0..FUEL {
        unwind(&mut stack);
        let depth = stack.len();
        let Some((buffer, index, _)) = stack.last_mut() else {
            let end = End::Reached;
            return Left {
                end,
                at: (0, 0),
                begun,
                counter,
            };
        };
        let at = (*buffer, *index);
        let mut left = |end| Left {
            end,
            at,
            begun: std::mem::take(&mut begun),
            counter,
        };
        let words = buffers
            .get(buffer)
            .and_then(|packets| packets.get(*index as usize));
        let Some(Ok(packet)) = words.map(|words| Packet::decode(words, EPOCH)) else {
            return left(End::Halted);
        };
        match packet.command {
            Command::Signal(one) if one.counter != COUNTER => return left(End::Halted),
            Command::Wait(one) if one.counter != COUNTER => return left(End::Halted),
            Command::Wait(one) if !one.is_met(counter) => return left(End::Waits),
            Command::Signal(one) => {
                counter = match one.how {
                    How::Store => one.value,
                    How::Add => counter.wrapping_add(one.value),
                }
            }
            Command::Launch(one) => begun.push(one.kernel),
            Command::Indirect(Indirect {
                buffer: to,
                packets,
                entry: Entry::Jump,
            }) => {
                *stack.last_mut().expect("it is on top") = (to, 0, packets);
                continue;
            }
            Command::Indirect(_) if depth == MAX_DEPTH => return left(End::Halted),
            Command::Indirect(call) => {
                stack.push((call.buffer, 0, call.packets));
                continue;
            }
            Command::Copy(_) => return left(End::Halted),
            Command::NoOp | Command::Barrier | Command::Wait(_) | Command::Fence => {}
        }
        if let Some((_, index, _)) = stack.last_mut() {
            *index += 1;
        }
    }
    Left {
        end: End::Loops,
        at: (0, 0),
        begun,
        counter,
    }
}

/// The processor, on the same program.
fn carry_out(buffers: &BTreeMap<u64, Vec<Words>>, first: Indirect) -> Left {
    let mut device = Device::with_counters(&[(COUNTER, 0)]);
    device.buffers.clone_from(buffers);
    let mut memory = Memory::new(4);
    let (submitter, mut processor) = memory.ring(0, device);
    let call = indirect(first.buffer, first.packets, first.entry);
    submitter.submit(&[call, NO_OP]).expect("there is room");
    let arrival = processor.drain_until(2, BUDGET_NS, &StepClock::default());
    let inside = |place: Place| (place.buffer, place.index);
    let (end, at) = match arrival {
        Ok(Arrival::Reached { position, .. }) => {
            assert_eq!(position, 2);
            (End::Reached, (0, 0))
        }
        Ok(Arrival::TimedOut(told)) => match told.blocker {
            Some(blocker) => (End::Waits, inside(blocker.place)),
            None => {
                assert_eq!(told.verdict, Verdict::Livelock, "{told}");
                (End::Loops, (0, 0))
            }
        },
        Err(halt) => {
            assert_eq!((halt.place.position, halt.behind), (0, 1));
            let (buffer, index) = inside(halt.place);
            let there = buffers
                .get(&buffer)
                .and_then(|words| words.get(index as usize));
            assert_eq!(halt.words, there.copied().unwrap_or_default());
            (End::Halted, (buffer, index))
        }
    };
    let executor = processor.executor();
    Left {
        end,
        at,
        begun: executor.begun.clone(),
        counter: executor.counters[&COUNTER],
    }
}

#[test]
fn any_program_of_indirect_buffers_does_what_its_packets_mean_and_stops_where_they_do() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut ends = BTreeMap::<End, u32>::new();
    for _ in 0..1_000 {
        let buffers = BUFFERS.map(|buffer| (buffer, random.words(buffer)));
        let buffers = BTreeMap::from(buffers);
        let has_copy = buffers.values().flatten().any(|words| {
            let packet = Packet::decode(words, EPOCH);
            packet.is_ok_and(|packet| matches!(packet.command, Command::Copy(_)))
        });
        if has_copy {
            continue;
        }
        let entry = Entry::Call;
        let first = Indirect {
            buffer: BUFFERS[0],
            packets: LENGTH,
            entry,
        };
        let (expected, found) = (interpret(&buffers, first), carry_out(&buffers, first));
        *ends.entry(expected.end).or_insert(0) += 1;
        match expected.end {
            End::Loops => {
                let common = expected.begun.len().min(found.begun.len());
                assert_eq!(found.end, End::Loops, "{buffers:x?}");
                assert_eq!(found.begun[..common], expected.begun[..common]);
            }
            End::Reached | End::Waits | End::Halted => assert_eq!(found, expected, "{buffers:x?}"),
        }
    }
    assert!(
        ends.len() == 4 && ends.values().all(|&count| count > 20),
        "{ends:?}"
    );
}

/// What decodes is written back as the same words, so no bit of a packet is ignored.
#[test]
fn any_words_are_refused_or_come_back_as_they_were() {
    let mut random = Random(7);
    let mut decoded = 0;
    for _ in 0..50_000 {
        let mut words: Words = std::array::from_fn(|_| match random.below(3) {
            0 => random.below(u64::MAX),
            _ => random.below(3),
        });
        words[0] = (1 + random.below(9)) | (u64::from(EPOCH) << 32);
        words[6] = random.below(20) / 19;
        if let Ok(packet) = Packet::decode(&words, EPOCH) {
            assert_eq!(packet.words(EPOCH), words);
            decoded += 1;
        }
    }
    assert!(decoded > 500, "{decoded} decoded");
}
