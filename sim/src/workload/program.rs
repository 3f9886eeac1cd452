//! Running one task's operations on its device.
//!
//! Guarantees: what a program does to its own memory is done when [`run`] returns; what it does
//! elsewhere or later comes back as effects, each put before the notifies behind it, never later
//! than they; what it waits for comes back as conditions, in program order. Refuses nothing:
//! [`Workload::check`](super::Workload::check) has seen the program. Called by
//! [`Programs`](super::Programs) at the end of a kernel, before its FIN.

use crate::device::{Device, Dram, Registered};
use crate::engine::{Effect, EffectKind};

use super::pattern::pattern;
use super::plan::{EngineTime, Op};

/// What a program leaves to others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// What happens later: puts and notifies in order of time; engines have times of their own.
    pub effects: Vec<Effect>,
    /// What must hold before the task is complete.
    pub conditions: Vec<Registered>,
}

/// Runs `program` on `device`.
pub fn run(program: &[Op], device: &Device) -> Ran {
    let mut run = Run {
        device,
        cursor_ns: 0,
        ran: Ran::default(),
    };
    for op in program {
        run.step(op);
    }
    run.ran
}

struct Run<'a> {
    device: &'a Device,
    /// When the last put or notify so far is visible, in ns after the program's end.
    cursor_ns: u64,
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
                let content = self
                    .device
                    .dram()
                    .bytes(self.device.data_address(from), bytes);
                self.put(peer, to, content, bytes);
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
            Op::Notify { peer, counter, add } => {
                self.cursor_ns += self.device.cost().notify_ns;
                self.effect(self.cursor_ns, EffectKind::Notify { peer, counter, add });
            }
            Op::Engine { counter, time } => {
                let after_ns = match time {
                    EngineTime::Bytes(bytes) => self.device.cost().dma(bytes),
                    EngineTime::Ns(ns) => ns,
                };
                let rank = self.device.rank();
                self.effect(after_ns, EffectKind::EngineDone { rank, counter });
            }
            Op::Await { counter, expected } => {
                let addr = self.device.counter_address(counter);
                self.ran
                    .conditions
                    .push(Registered::counter(addr, expected));
            }
            Op::Copy { .. }
            | Op::StoreU32 { .. }
            | Op::FillU32 { .. }
            | Op::AddU32 { .. }
            | Op::AccumulateU32 { .. } => change_own(self.device, op),
        }
    }

    fn put(&mut self, peer: u32, to: u64, bytes: Box<[u8]>, timed_bytes: u64) {
        self.cursor_ns += self.device.cost().put(timed_bytes);
        self.effect(self.cursor_ns, EffectKind::Put { peer, to, bytes });
    }

    fn effect(&mut self, after_ns: u64, kind: EffectKind) {
        self.ran.effects.push(Effect { after_ns, kind });
    }
}

/// Does an operation that stays within the rank's own data.
fn change_own(device: &Device, op: &Op) {
    let dram = device.dram();
    let address = |offset| device.data_address(offset);
    match *op {
        Op::Copy { from, to, bytes } => dram.copy(address(from), address(to), bytes),
        Op::StoreU32 { at, value } => dram.store_u32(address(at), value),
        Op::FillU32 { at, count, value } => dram.fill_u32(address(at), count, value),
        Op::AddU32 {
            from,
            to,
            count,
            add,
        } => {
            let sum = |from, _| dram.load_u32(from).wrapping_add(add);
            each_word(dram, address(from), address(to), count, sum);
        }
        Op::AccumulateU32 { from, to, count } => {
            let sum = |from, to| dram.load_u32(from).wrapping_add(dram.load_u32(to));
            each_word(dram, address(from), address(to), count, sum);
        }
        Op::Put { .. }
        | Op::PutPattern { .. }
        | Op::Notify { .. }
        | Op::Engine { .. }
        | Op::Await { .. } => {}
    }
}

/// Stores `result(address in from, address in to)` to each of `count` words of `to`.
fn each_word(dram: &Dram, from: u64, to: u64, count: u64, result: impl Fn(u64, u64) -> u32) {
    for word in 0..count {
        let (from, to) = (from + word * 4, to + word * 4);
        dram.store_u32(to, result(from, to));
    }
}

#[cfg(test)]
mod tests {
    use super::{Op, Registered, run};
    use crate::device::{CostModel, CounterPlace, Device, DeviceOptions};
    use crate::engine::EffectKind;
    use crate::workload::{EngineTime, pattern};
    use finbox_scheduler::A2A3;

    fn devices() -> [Device; 2] {
        let cost = CostModel::A2A3;
        let options = DeviceOptions {
            target: A2A3,
            cores: 1,
            host_lanes: 0,
            cost,
        };
        [0, 1].map(|rank| Device::new(options, rank, &[CounterPlace::Packed], 128))
    }

    #[test]
    fn own_memory_changes_at_once_and_in_order() {
        let [device, _] = devices();
        let program = [
            Op::FillU32 {
                at: 0,
                count: 3,
                value: 5,
            },
            Op::AddU32 {
                from: 0,
                to: 16,
                count: 3,
                add: 1,
            },
            Op::AccumulateU32 {
                from: 16,
                to: 0,
                count: 2,
            },
            Op::Copy {
                from: 0,
                to: 32,
                bytes: 12,
            },
            Op::StoreU32 { at: 32, value: 9 },
        ];
        assert!(run(&program, &device).effects.is_empty());
        let words = [0, 4, 8, 16, 20, 24, 32, 36, 40]
            .map(|offset| device.dram().load_u32(device.data_address(offset)));
        assert_eq!(words, [11, 11, 5, 6, 6, 6, 9, 11, 5]);
    }

    #[test]
    fn a_put_arrives_before_its_notify() {
        let devices = devices();
        let program = [
            Op::StoreU32 { at: 0, value: 7 },
            Op::Put {
                peer: 1,
                from: 0,
                to: 64,
                bytes: 4,
            },
            Op::Notify {
                peer: 1,
                counter: 0,
                add: 2,
            },
            Op::StoreU32 { at: 0, value: 8 },
        ];
        let ran = run(&program, &devices[0]);
        assert_eq!(ran.effects.len(), 2);
        assert!(matches!(ran.effects[0].kind, EffectKind::Put { .. }));
        assert!(ran.effects[0].after_ns < ran.effects[1].after_ns);
        assert_eq!(devices[1].dram().load_u32(devices[1].data_address(64)), 0);
        for effect in &ran.effects {
            effect.apply(&devices);
        }
        assert_eq!(devices[1].dram().load_u32(devices[1].data_address(64)), 7);
        assert_eq!(devices[1].dram().load_u32(devices[1].counter_address(0)), 2);
        assert_eq!(devices[0].dram().load_u32(devices[0].counter_address(0)), 0);
    }

    #[test]
    fn an_engine_takes_its_own_time_and_tells_its_own_rank() {
        let devices = devices();
        let program = [
            Op::Engine {
                counter: 0,
                time: EngineTime::Ns(3),
            },
            Op::Engine {
                counter: 0,
                time: EngineTime::Bytes(50_000),
            },
            Op::Await {
                counter: 0,
                expected: 2,
            },
        ];
        let ran = run(&program, &devices[1]);
        let times: Vec<u64> = ran.effects.iter().map(|effect| effect.after_ns).collect();
        assert_eq!(times, [3, 2_040]);
        let counter = devices[1].counter_address(0);
        assert_eq!(ran.conditions, [Registered::counter(counter, 2)]);
        ran.effects.iter().for_each(|effect| effect.apply(&devices));
        assert_eq!(devices[1].dram().load_u32(counter), 2);
    }

    #[test]
    fn a_pattern_is_timed_for_more_bytes_than_it_carries() {
        let devices = devices();
        let put = |timed_bytes| Op::PutPattern {
            peer: 1,
            to: 3,
            bytes: 9,
            seed: 4,
            timed_bytes,
        };
        let ran = run(&[put(250_000)], &devices[0]);
        assert_eq!(
            ran.effects[0].after_ns,
            CostModel::A2A3.put_latency_ns + 10_000
        );
        ran.effects[0].apply(&devices);
        let arrived = devices[1].dram().bytes(devices[1].data_address(3), 9);
        assert_eq!(arrived, pattern(4, 9));
    }
}
