//! Runs a workload without a scheduler: programs one after another, effects at once. For tests.

use finbox_scheduler::Target;

use crate::device::{CostModel, Device, DeviceOptions};
use crate::workload::{TaskRef, Workload, run};

/// Runs the tasks in `order` and gives the devices back.
pub(crate) fn run_in(workload: &Workload, target: Target, order: &[TaskRef]) -> Vec<Device> {
    let options = DeviceOptions {
        target,
        cores: 1,
        host_lanes: 1,
        cost: CostModel::of(&target),
    };
    let devices = workload.make_devices(options);
    for at in order {
        let ran = run(&workload.task(*at).program, &devices[at.rank as usize]);
        for effect in ran.effects {
            effect.apply(&devices);
        }
    }
    devices
}
