//! What operations leave behind.

use super::{Op, Part, Ran, Reach, Registered, Running};
use crate::device::{CostModel, CounterPlace, Device, DeviceOptions};
use crate::engine::{EffectKind, Engines};
use crate::workload::{EngineTime, RuleSet, pattern};
use finbox_scheduler::{A2A3, Subtasks};

fn run_part(program: &[Op], device: &Device, part: Part) -> Ran {
    let engines = &mut Engines::new(device);
    super::run(program, running(device, engines, &[], part))
}

fn running<'a>(
    device: &'a Device,
    engines: &'a mut Engines,
    rules: &'a [RuleSet],
    part: Part,
) -> Running<'a> {
    Running {
        device,
        reach: Reach::Own,
        rules,
        engines,
        shadow: None,
        task: 0,
        part,
        now: 0,
    }
}

fn run(program: &[Op], device: &Device) -> Ran {
    run_part(program, device, Part::WHOLE)
}

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
fn a_scan_leaves_how_many_and_where_the_first_is() {
    let [device, _] = devices();
    let text = b"..rules are rules";
    device.dram().write_bytes(device.data_address(20), text);
    let rules = [
        RuleSet::of([&b"none"[..]]),
        RuleSet::of([&b"rules"[..], b"are"]),
    ];
    for (rules_of, from, bytes, found) in [
        (1, 20, 17, [3, 2]),
        (1, 23, 14, [2, 5]),
        (1, 23, 13, [1, 5]),
        (0, 20, 17, [0, u32::MAX]),
        (1, 20, 0, [0, u32::MAX]),
    ] {
        let scan = Op::Scan {
            from,
            to: 8,
            bytes,
            rules: rules_of,
        };
        let engines = &mut Engines::new(&device);
        super::run(&[scan], running(&device, engines, &rules, Part::WHOLE));
        let words = [8, 12].map(|at| device.dram().load_u32(device.data_address(at)));
        assert_eq!(words, found, "{bytes} bytes from {from}");
    }
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

#[test]
fn a_count_becomes_the_nearest_f32() {
    let pairs = [
        (16_777_215, 16_777_215.0),
        (16_777_217, 16_777_216.0),
        (16_777_219, 16_777_220.0),
        (u32::MAX, 4_294_967_296.0),
    ];
    for (number, nearest) in pairs {
        assert_eq!(super::rounded_f32(number), nearest, "{number}");
    }
}

#[test]
fn f32_operations_round_once_each() {
    let [device, _] = devices();
    let (dram, at) = (device.dram(), |offset| device.data_address(offset));
    dram.store_u32(at(0), 0.1_f32.to_bits());
    dram.fetch_add_u32(device.counter_address(0), 16_777_215);
    let (from, count) = (0, 1);
    let program = [
        Op::ScaleF32 {
            from,
            to: 4,
            count,
            by: 3.0,
        },
        Op::AddF32 {
            from,
            to: 8,
            count,
            add: 0.2,
        },
        Op::AddCounterF32 {
            from: 32,
            to: 12,
            count,
            counter: 0,
        },
    ];
    run(&program, &device);
    let values = [4, 8, 12].map(|offset| dram.load_f32(at(offset)));
    assert_eq!(values, [0.1 * 3.0, 0.1 + 0.2, 16_777_215.0]);
}

#[test]
fn each_part_of_a_task_has_its_own_bytes() {
    let [device, _] = devices();
    let store = |subtasks, at| Op::PerBlock {
        subtasks,
        stride: 8,
        op: Box::new(Op::StoreU32 { at, value: 7 }),
    };
    let program = [
        store(Subtasks::AIC, 0),
        store(Subtasks::AIV1, 4),
        store(Subtasks::empty(), 64),
    ];
    for (block, subtask) in [(0, Subtasks::AIC), (2, Subtasks::AIV1)] {
        run_part(&program, &device, Part { block, subtask });
    }
    let written: Vec<u64> = (0..128)
        .step_by(4)
        .filter(|&offset| device.dram().load_u32(device.data_address(offset)) == 7)
        .collect();
    assert_eq!(written, [0, 20, 64, 80]);
}
