//! The control CPU's view of one device: [`Port`] on simulated registers and memory.
//!
//! Guarantees: in virtual time every call is charged to the acting thread's [`Meter`], and a
//! doorbell is only noted, with the time at which the core will see it; by the wall clock calls
//! act at once. Refuses, with a panic, reads of memory that [`can_read`](Port::can_read) denies.
//! Called by the scheduler; made by the worlds, one a device and acting thread.

use finbox_runtime::wait::Sleeper;
use finbox_scheduler::{CoreId, Launch, Port, Token};

use super::Device;
use super::cache::lines;
use super::meter::Meter;
use crate::shared::Shared;

/// A doorbell that was rung in virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Whose.
    pub core: CoreId,
    /// The token that was written.
    pub token: Token,
    /// When the store was issued, in virtual ns.
    pub at_ns: u64,
    /// When the core sees it: the world writes it into DMB then, and steps the core.
    pub seen_ns: u64,
}

/// Doorbells rung and not yet taken by the world, in order.
#[derive(Debug, Default)]
pub struct Doorbells(Shared<Vec<Rung>>);

impl Doorbells {
    /// Moves all of them to the end of `out`.
    pub fn drain_into(&self, out: &mut Vec<Rung>) {
        out.append(&mut self.0.lock());
    }

    fn note(&self, rung: Rung) {
        self.0.lock().push(rung);
    }
}

/// One device as one acting thread sees it.
#[derive(Clone, Copy, Debug)]
pub struct SimPort<'a> {
    device: &'a Device,
    meter: &'a Meter,
    bell: Option<&'a Sleeper>,
}

impl<'a> SimPort<'a> {
    /// `device`, acted upon by the thread that `meter` measures.
    pub const fn new(device: &'a Device, meter: &'a Meter) -> Self {
        Self {
            device,
            meter,
            bell: None,
        }
    }

    /// The same; by the wall clock a doorbell also wakes the thread that steps the device.
    #[must_use]
    pub const fn with_bell(self, bell: &'a Sleeper) -> Self {
        Self {
            bell: Some(bell),
            ..self
        }
    }

    /// The device.
    pub const fn device(&self) -> &'a Device {
        self.device
    }

    /// The meter.
    pub const fn meter(&self) -> &'a Meter {
        self.meter
    }

    /// Charges `ns` a line where the target needs lines to be maintained at all.
    fn charge_lines(&self, addr: u64, size_bytes: u64, ns: u64) {
        if !self.device.target().coherent_dma {
            self.meter.charge(lines(addr, size_bytes).len() as u64 * ns);
        }
    }
}

impl Port for SimPort<'_> {
    fn load_cond(&self, core: CoreId) -> u32 {
        self.meter.charge(self.device.cost().cond_load_ns);
        self.device.registers().cond(core)
    }

    fn ring_doorbell(&self, core: CoreId, token: Token) {
        let cost = self.device.cost();
        self.meter.charge(cost.posted_store_ns);
        if !self.meter.is_virtual() {
            self.device.registers().ring(core, token);
            if let Some(sleeper) = self.bell {
                sleeper.wake();
            }
            return;
        }
        let at_ns = self.meter.now();
        let seen_ns = at_ns + cost.dispatch_seen_ns;
        self.device.doorbells().note(Rung {
            core,
            token,
            at_ns,
            seen_ns,
        });
    }

    fn stage_payload(&self, core: CoreId, token: Token, launch: &Launch) {
        self.meter.charge(self.device.cost().posted_store_ns);
        self.device.registers().stage(core, token, launch);
    }

    fn slab_address(&self, core: CoreId, parity: usize) -> u64 {
        self.device.layout().slab(core, parity)
    }

    fn refresh(&self, addr: u64, size_bytes: u64) {
        self.charge_lines(addr, size_bytes, self.device.cost().refresh_line_ns);
        self.device.memory().refresh(addr, size_bytes);
    }

    fn clean(&self, addr: u64, size_bytes: u64) {
        self.charge_lines(addr, size_bytes, self.device.cost().clean_line_ns);
        self.device.memory().clean(addr, size_bytes);
    }

    fn can_read(&self, addr: u64, size_bytes: u64) -> bool {
        self.device.memory().can_read(addr, size_bytes)
    }

    fn load_u32(&self, addr: u64) -> u32 {
        self.meter.charge(self.device.cost().cached_load_ns);
        self.device.memory().control_load_u32(addr)
    }

    fn load_u64(&self, addr: u64) -> u64 {
        self.meter.charge(self.device.cost().cached_load_ns);
        self.device.memory().control_load_u64(addr)
    }

    fn is_still(&self, line: u64, words: u16, seen: &[u32], looks: u32) -> bool {
        let memory = self.device.memory();
        let watched = (0..16).filter(|word| words >> word & 1 == 1);
        let mut watched = watched.zip(seen);
        let is_still =
            watched.all(|(word, &seen)| memory.control_load_u32(line + word * 4) == seen);
        if is_still {
            let load_ns = self.device.cost().cached_load_ns;
            self.meter.charge(u64::from(looks) * load_ns);
        }
        is_still
    }

    fn store_u64(&self, addr: u64, value: u64) {
        self.meter.charge(self.device.cost().cached_load_ns);
        self.device.memory().control_store_u64(addr, value);
    }

    fn incarnation(&self) -> u32 {
        self.device.incarnation()
    }

    fn now(&self) -> u64 {
        self.meter.now()
    }
}

#[cfg(test)]
mod tests {
    use super::{Meter, Port, Rung, SimPort};
    use crate::device::{CostModel, CounterPlace, Device, DeviceOptions, Registered};
    use finbox_runtime::wait::{Rest, Sleeper};
    use finbox_scheduler::{A2A3, A5, CoreId, Target, Token};
    use std::sync::mpsc;
    use std::thread;
    use std::time::{Duration, Instant};

    fn device(target: Target) -> Device {
        let options = DeviceOptions {
            target,
            cores: 3,
            host_lanes: 1,
            cost: CostModel::A2A3,
        };
        Device::new(
            options,
            0,
            &[CounterPlace::Packed, CounterPlace::Data(128)],
            132,
        )
    }

    /// Whoever was rung does not park, and whoever was not would stay parked here.
    #[test]
    fn a_doorbell_wakes_whoever_steps_the_cores() {
        let (said, heard) = mpsc::channel();
        thread::spawn(move || {
            let (device, meter) = (device(A2A3), Meter::wall_time(Instant::now()));
            let (sleeper, mut rest) = (Sleeper::default(), Rest::default());
            sleeper.adopt();
            let port = SimPort::new(&device, &meter).with_bell(&sleeper);
            port.ring_doorbell(CoreId(0), Token::FIRST);
            (0..10_000).for_each(|_| rest.after_pass(&sleeper, false));
            said.send(()).expect("somebody waits");
        });
        let is_awake = heard.recv_timeout(Duration::from_secs(60)).is_ok();
        assert!(is_awake, "the bell was not heard");
    }

    #[test]
    fn a_forgotten_refresh_shows_on_a2a3_and_not_on_a5() {
        for target in [A2A3, A5] {
            for counter in [0, 1] {
                let (device, meter) = (device(target), Meter::virtual_time());
                let port = SimPort::new(&device, &meter);
                let addr = device.counter_address(counter);
                assert_eq!(port.load_u32(addr), 0);
                device.dram().fetch_add_u32(addr, 1);
                assert_eq!(
                    port.load_u32(addr),
                    u32::from(target.coherent_dma),
                    "{}",
                    target.name
                );
                port.refresh(addr, 4);
                assert_eq!(port.load_u32(addr), 1);
            }
        }
    }

    #[test]
    fn a_forgotten_clean_leaves_the_old_slab_to_the_core_on_a2a3() {
        for target in [A2A3, A5] {
            let (device, meter) = (device(target), Meter::virtual_time());
            let port = SimPort::new(&device, &meter);
            let slab = port.slab_address(CoreId(1), 0);
            let condition = Registered::counter(device.counter_address(0), 1);
            device.write_slab(CoreId(1), 0, &[condition]);
            port.store_u64(slab, 0);
            assert_eq!(device.dram().load_u64(slab) == 0, target.coherent_dma);
            port.clean(slab, 64);
            assert_eq!(device.dram().load_u64(slab), 0);
        }
    }

    #[test]
    fn in_virtual_time_a_doorbell_is_noted_with_the_time_it_is_seen() {
        let (device, meter) = (device(A2A3), Meter::virtual_time());
        let port = SimPort::new(&device, &meter);
        meter.begin(1_000);
        port.ring_doorbell(CoreId(2), Token::FIRST);
        assert_eq!(device.registers().dmb(CoreId(2)), Token::IDLE);
        let mut rung = Vec::new();
        device.doorbells().drain_into(&mut rung);
        let (core, token) = (CoreId(2), Token::FIRST);
        assert_eq!(
            rung,
            [Rung {
                core,
                token,
                at_ns: 1_005,
                seen_ns: 1_145
            }]
        );
    }

    #[test]
    fn by_the_wall_clock_a_doorbell_is_seen_at_once() {
        let (device, meter) = (device(A5), Meter::wall_time(Instant::now()));
        SimPort::new(&device, &meter).ring_doorbell(CoreId(0), Token::FIRST);
        assert_eq!(device.registers().dmb(CoreId(0)), Token::FIRST);
    }

    #[test]
    fn calls_cost_what_was_published() {
        let (device, meter) = (device(A2A3), Meter::virtual_time());
        let port = SimPort::new(&device, &meter);
        let addr = device.counter_address(1);
        meter.begin(0);
        assert_eq!((port.load_cond(CoreId(0)), port.now()), (0x7FFF_FFFF, 100));
        assert_eq!((port.load_u32(addr), port.now()), (0, 103));
        port.refresh(addr, 4);
        assert_eq!((port.load_u32(addr), port.now()), (0, 144));
        port.clean(port.slab_address(CoreId(0), 0), 65);
        assert_eq!(meter.elapsed(), 154);
    }

    #[test]
    fn the_control_cpu_reads_slabs_and_counters_only() {
        let (device, meter) = (device(A2A3), Meter::virtual_time());
        let port = SimPort::new(&device, &meter);
        assert!(port.can_read(port.slab_address(CoreId(3), 1), 2112));
        assert!(port.can_read(device.counter_address(0), 4));
        assert!(port.can_read(device.counter_address(1), 4));
        assert!(!port.can_read(device.data_address(0), 4));
        assert!(!port.can_read(device.counter_address(1), 8));
        assert!(!port.can_read(0, 4));
    }
}
