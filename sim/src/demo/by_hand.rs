//! Runs a workload without a scheduler: programs one after another, what they leave to others at
//! once. For tests.

use finbox_scheduler::Target;

use crate::device::{CostModel, Device, DeviceOptions};
use crate::engine::Engines;
use crate::workload::{Part, Reach, Running, TaskPlan, TaskRef, Workload, run};

/// Runs the tasks in `order`, every part of each, and gives the devices back.
pub(crate) fn run_in(workload: &Workload, target: Target, order: &[TaskRef]) -> Vec<Device> {
    let options = DeviceOptions {
        target,
        cores: 1,
        host_lanes: 1,
        cost: CostModel::of(&target),
    };
    let devices = workload.make_devices(options);
    let mut engines: Vec<Engines> = devices.iter().map(Engines::new).collect();
    for at in order {
        let (task, rank) = (workload.task(*at), at.rank as usize);
        if !is_wanted(task, &devices[rank]) {
            continue;
        }
        for part in Part::all_of(task) {
            let running = Running {
                device: &devices[rank],
                reach: Reach::Own,
                rules: &workload.ranks[rank].rule_sets,
                engines: &mut engines[rank],
                shadow: None,
                task: at.task,
                part,
                now: 0,
            };
            let ran = run(&task.program, running);
            ran.effects.iter().for_each(|effect| effect.apply(&devices));
        }
        end_all(&mut engines[rank], &devices);
    }
    devices
}

/// Whether a task's predicate, if it has one, holds now.
fn is_wanted(task: &TaskPlan, device: &Device) -> bool {
    task.predicate.is_none_or(|predicate| {
        let counter = device.counter_address(predicate.counter);
        let word = device.dram().load_u32(counter);
        predicate.comparison.holds(word, predicate.value)
    })
}

/// Steps engines until nothing is under way, consuming what completes.
fn end_all(engines: &mut Engines, devices: &[Device]) {
    let device = &devices[engines.rank() as usize];
    loop {
        while let Some(now) = engines.next_end() {
            engines.step(now, devices);
        }
        consume_all(device);
        if !engines.has_new_credit(device) {
            return;
        }
        engines.step(0, devices);
    }
}

/// What the control CPU does: reads every completion queue up to where nothing is new.
fn consume_all(device: &Device) {
    let dram = device.dram();
    for queue in device.layout().completion_queues() {
        let (header, entries) = (queue.addr(), dram.load_u32(queue.addr()));
        let mut consumed = dram.load_u32(header + 8);
        let owner =
            |position: u32| dram.load_u32(header + 64 + u64::from(position % entries) * 16) & 1;
        while owner(consumed) == (consumed / entries + 1) & 1 {
            consumed = consumed.wrapping_add(1);
        }
        dram.store_u32(header + 8, consumed);
    }
}
