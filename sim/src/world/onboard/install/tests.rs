//! What is put on a machine, and what comes back from there.

use finbox_runtime::Machine;
use finbox_scheduler::{A5, Shape};

use super::Installed;
use crate::device::{CostModel, CounterPlace, DeviceOptions};
use crate::workload::{Init, Op, RankPlan, TaskPlan, Workload};
use crate::world::onboard::tests::machine::{Told, Toy};

const OPTIONS: DeviceOptions = DeviceOptions {
    target: A5,
    cores: 1,
    host_lanes: 0,
    cost: CostModel::FREE,
};

/// A rank with two packed counters around one in its data, and three tasks, two of them idle.
fn workload() -> Workload {
    let mut rank = RankPlan {
        data_bytes: 100,
        counters: vec![
            CounterPlace::Packed,
            CounterPlace::Data(96),
            CounterPlace::Packed,
        ],
        init: vec![Init::U32 {
            at: 4,
            words: [7, 8].into(),
        }],
        ..RankPlan::new(0)
    };
    rank.add_task(TaskPlan::new("idle", Shape::Aiv, 1));
    rank.add_task(TaskPlan {
        program: vec![Op::StoreU32 { at: 0, value: 1 }].into(),
        ..TaskPlan::new("busy", Shape::Aiv, 1)
    });
    rank.add_task(TaskPlan::new("as idle", Shape::Aiv, 1));
    rank.add_task(TaskPlan::new("nothing", Shape::Dummy, 0));
    let ranks = vec![rank];
    Workload {
        order: Workload::order_by_turns(&ranks),
        ranks,
        ..Workload::default()
    }
}

#[test]
fn data_begins_on_a_window_with_its_first_bytes_and_counters_stand_where_they_should() {
    let (machine, workload) = (Toy::new(Told::ALL), workload());
    let mirror = workload.make_devices(OPTIONS);
    let installed = Installed::new(&machine, &workload, (&mirror, &CostModel::FREE)).unwrap();
    let places = &installed.places[0];
    assert_eq!(places.data % 4096, 0);
    let packed = places.counters[0];
    assert_eq!(packed % 64, 0);
    assert_eq!(*places.counters, [packed, places.data + 96, packed + 4]);
    let mut bytes = [0; 16];
    machine.copy_out(&mut bytes, places.data).unwrap();
    assert_eq!(bytes, [0, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn tasks_that_do_nothing_share_a_kernel_and_those_without_a_core_have_none() {
    let (machine, workload) = (Toy::new(Told::ALL), workload());
    let mirror = workload.make_devices(OPTIONS);
    let installed = Installed::new(&machine, &workload, (&mirror, &CostModel::FREE)).unwrap();
    assert_eq!(*installed.kernels[0], [0, 1, 0, 0]);
    assert_eq!(machine.kernels().len(), 2);
}

#[test]
fn the_mirror_gets_data_and_counters_and_the_machine_its_memory() {
    let (machine, workload) = (Toy::new(Told::ALL), workload());
    let mirror = workload.make_devices(OPTIONS);
    let installed = Installed::new(&machine, &workload, (&mirror, &CostModel::FREE)).unwrap();
    let places = &installed.places[0];
    for (value, &addr) in (5_u32..).zip(&places.counters) {
        machine.copy_in(addr, &value.to_le_bytes()).unwrap();
    }
    machine.copy_in(places.data, &[9, 9, 9, 9]).unwrap();
    installed.fetch(&mirror).unwrap();
    let device = &mirror[0];
    let counters = [0, 1, 2].map(|at| device.dram().load_u32(device.counter_address(at)));
    assert_eq!(counters, [5, 6, 7]);
    assert_eq!(device.dram().load_u32(device.data_address(0)), 0x0909_0909);
    assert_eq!(machine.given(), 2);
    installed.release().unwrap();
    assert_eq!(machine.given(), 0);
}
