//! Engines stepped by hand: order, time, credits, failures.

use super::{EngineFault, Engines, Lane, Lateness, Transfer};
use crate::device::{
    CostModel, CounterPlace, Device, DeviceOptions, EngineMemory, PostState, QueuePlan,
};
use finbox_mailbox::Engine;
use finbox_scheduler::A5;

const SDMA: Lane = Lane::Sdma { stream: 1 };
const URMA: Lane = Lane::Urma { queue: 0 };
const KIB: u64 = 1_024;

fn devices() -> [Device; 2] {
    let options = DeviceOptions {
        target: A5,
        cores: 1,
        host_lanes: 0,
        cost: CostModel::A5,
    };
    let engines = EngineMemory {
        sdma_streams: 2,
        completion_queues: vec![QueuePlan {
            entries: 2,
            first: u32::MAX,
        }],
    };
    let counters = [CounterPlace::Packed, CounterPlace::Packed];
    [0, 1].map(|rank| Device::with_engines(options, rank, (&counters, &engines), 4 * KIB))
}

fn fault(engine: Engine, nth: u64) -> EngineFault {
    EngineFault {
        rank: 0,
        engine,
        nth,
        status: 0x51,
    }
}

/// Posts a get of the peer's word `n` into the own word `n`; the peer's holds `n`.
fn get(engines: &mut Engines, devices: &[Device], lane: Lane, n: u32) -> u64 {
    let at = u64::from(n) * 4;
    let peer = devices[1].data_address(at);
    devices[1].dram().store_u32(peer, n);
    let posted = (lane, Transfer::get(1, at, at, 4));
    engines.post(0, n, posted, &devices[0]).post
}

fn own(devices: &[Device], n: u64) -> u32 {
    let at = devices[0].data_address(n * 4);
    devices[0].dram().load_u32(at)
}

/// Steps until nothing is under way; the times at which something ended.
fn ends(engines: &mut Engines, devices: &[Device]) -> Vec<u64> {
    let mut times = Vec::new();
    while let Some(now) = engines.next_end() {
        assert!(!engines.step(now - 1, devices), "nothing ends early");
        assert!(engines.step(now, devices));
        times.push(now);
    }
    times
}

#[test]
fn a_stream_moves_one_after_another_and_says_so_behind_the_bytes() {
    let devices = devices();
    let mut engines = Engines::new(&devices[0]);
    let record = devices[0].layout().event_records()[1];
    assert_eq!([1, 2].map(|n| get(&mut engines, &devices, SDMA, n)), [1, 2]);
    let each = devices[0].cost().sdma.takes(4);
    for done in 1..=2 {
        assert_eq!(devices[0].dram().load_u64(record), done - 1);
        assert_eq!(own(&devices, done), 0);
        assert_eq!(engines.next_end(), Some(each * done));
        assert!(engines.step(each * done, &devices));
        assert_eq!(devices[0].dram().load_u64(record), done);
        assert_eq!(u64::from(own(&devices, done)), done);
    }
    assert_eq!(engines.next_end(), None);
}

#[test]
fn streams_and_engines_do_not_wait_for_each_other() {
    let devices = devices();
    let mut engines = Engines::new(&devices[0]);
    for lane in [SDMA, Lane::Sdma { stream: 0 }, URMA] {
        get(&mut engines, &devices, lane, 1);
    }
    get(&mut engines, &devices, Lane::Ccu { counter: 0 }, 2);
    let cost = devices[0].cost();
    let (sdma, urma) = (cost.sdma.takes(4), cost.urma.takes(4));
    assert_eq!(ends(&mut engines, &devices), [sdma, urma]);
}

#[test]
fn more_posts_than_a_queue_holds_all_end() {
    let devices = devices();
    let mut engines = Engines::new(&devices[0]);
    (1..=200).for_each(|n| {
        get(&mut engines, &devices, SDMA, n);
    });
    assert_eq!(engines.delayed(), 200 - 64);
    let each = devices[0].cost().sdma.takes(4);
    let times = ends(&mut engines, &devices);
    assert_eq!((times.len(), times[199]), (200, each * 200));
    assert!((1..=200).all(|n| own(&devices, n.into()) == n));
}

#[test]
fn a_transfer_that_fails_moves_nothing_and_the_next_goes_on() {
    let devices = devices();
    let faults = [fault(Engine::Sdma, 1), fault(Engine::Urma, 0)];
    let mut engines = Engines::new(&devices[0]).with_faults(&faults);
    (1..=3).for_each(|n| {
        devices[0].awaited().begin(n, (SDMA, n.into()));
        get(&mut engines, &devices, SDMA, n);
    });
    (4..=5).for_each(|n| {
        get(&mut engines, &devices, URMA, n);
    });
    ends(&mut engines, &devices);
    assert_eq!([1, 2, 3, 4, 5].map(|n| own(&devices, n)), [1, 0, 3, 0, 5]);
    let record = devices[0].layout().event_records()[1];
    let words = [0, 8, 16].map(|at| devices[0].dram().load_u64(record + at));
    assert_eq!(words, [3, 1, 0x51 << 48 | 2]);
    let states = [1, 2, 3].map(|task| devices[0].awaited().unmet(task).map(|one| one.state));
    assert_eq!(states, [None, Some(PostState::Failed(0x51)), None]);
    let queue = devices[0].layout().completion_queues()[0].addr();
    let statuses = [1, 0].map(|index| devices[0].dram().load_u32(queue + 68 + index * 16));
    assert_eq!(statuses, [0x51, 0]);
}

#[test]
fn a_full_completion_queue_holds_the_engine_until_its_entries_are_consumed() {
    let devices = devices();
    let mut engines = Engines::new(&devices[0]);
    (1..=5).for_each(|n| {
        get(&mut engines, &devices, URMA, n);
    });
    assert_eq!(ends(&mut engines, &devices).len(), 2);
    assert_eq!([1, 2, 3].map(|n| own(&devices, n)), [1, 2, 0]);
    assert!(!engines.has_new_credit(&devices[0]));
    let consumed = devices[0].layout().completion_queues()[0].addr() + 8;
    devices[0].dram().store_u32(consumed, 0);
    assert!(engines.has_new_credit(&devices[0]));
    engines.step(1_000_000, &devices);
    let takes = devices[0].cost().urma.takes(4);
    assert_eq!(ends(&mut engines, &devices), [1_000_000 + takes]);
    assert_eq!([3, 4].map(|n| own(&devices, n)), [3, 0]);
}

#[test]
fn counters_count_what_ended_well() {
    let devices = devices();
    let faults = [fault(Engine::Ccu, 0)];
    let mut engines = Engines::new(&devices[0]).with_faults(&faults);
    for n in 1..=3 {
        get(&mut engines, &devices, Lane::Roce { counter: 0 }, n);
        get(&mut engines, &devices, Lane::Ccu { counter: 1 }, n + 10);
    }
    ends(&mut engines, &devices);
    let counters = [0, 1].map(|index| {
        let at = devices[0].counter_address(index);
        devices[0].dram().load_u32(at)
    });
    assert_eq!((counters, own(&devices, 3)), ([3, 2], 3));
}

#[test]
fn conditions_name_address_cookie_and_engine() {
    let devices = devices();
    let mut engines = Engines::new(&devices[0]);
    let mut condition = |lane| {
        let posted = (lane, Transfer::put(1, 0, 0, 4));
        engines.post(0, 0, posted, &devices[0]).condition
    };
    let layout = devices[0].layout();
    let (sdma, urma) = (condition(SDMA), condition(URMA));
    let (roce, ccu) = (
        condition(Lane::Roce { counter: 1 }),
        condition(Lane::Ccu { counter: 0 }),
    );
    let numbers = [sdma, roce, urma, ccu].map(|one| (one.engine, one.completion));
    assert_eq!(numbers, [(0, 1), (1, 0), (2, 2), (3, 0)]);
    assert_eq!((sdma.addr, sdma.cookie), (layout.event_records()[1], 1));
    let queue = layout.completion_queues()[0].addr();
    assert_eq!((urma.addr, urma.cookie), (queue, 1 << 32));
    let counter = devices[0].counter_address(1);
    let seen = (roce.addr, roce.cookie, roce.expected);
    assert_eq!(seen, (counter, 2 << 32, 1));
    assert_eq!(condition(URMA).cookie, 1 << 32 | 1);
    assert_eq!(condition(Lane::Roce { counter: 1 }).expected, 2);
}

#[test]
fn lateness_is_the_seeds_and_keeps_the_order() {
    let times = |seed| {
        let devices = devices();
        let bound = 64;
        let mut engines = Engines::new(&devices[0]).with_lateness(Lateness { seed, bound });
        (1..=9).for_each(|n| {
            get(&mut engines, &devices, SDMA, n);
        });
        let times = ends(&mut engines, &devices);
        assert!(times.is_sorted() && times.len() == 9);
        times
    };
    assert_eq!(times(5), times(5));
    assert_ne!(times(5), times(6));
    let each = CostModel::A5.sdma.takes(4);
    assert_eq!(times(0)[8], each * 9);
}
