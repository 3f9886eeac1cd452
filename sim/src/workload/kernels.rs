//! Programs as what cores run: [`Kernels`] over one rank's plan.
//!
//! Guarantees: a launch's `kernel` is the index of its task in the rank's plan; when a kernel
//! ends, its program has run, its slab is written, its effects stand in
//! [`issued`](Programs::issued) with absolute times, and its transfers are in the queues of
//! [`engines`](Programs::engines). Refuses to apply or step them: that is the world's.

use finbox_mailbox::Producer;
use finbox_runtime::persistent::Group;

use crate::device::{Device, Kernels, Next, Picked, Registered};
use crate::engine::{Effect, EngineFault, Engines, Lateness};
use crate::fault::{Links, Mishap};
use crate::shadow::Shadow;

use super::op::{Op, Part};
use super::plan::{RankPlan, TaskPlan};
use super::program::{Reach, Running, run};
use super::workers::Workers;

/// An effect and when its program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The task whose program it was.
    pub task: u32,
    /// When it happens, in ns of the world's clock.
    pub at_ns: u64,
    /// What happens.
    pub effect: Effect,
}

/// The kernels of one rank.
#[derive(Debug)]
pub struct Programs<'a> {
    plan: &'a RankPlan,
    device: &'a Device,
    stretch: u64,
    /// Who is told what programs touch, if anybody is.
    shadow: Option<&'a Shadow>,
    /// The rank's engines; the world steps them.
    pub engines: Engines,
    /// Its persistent workers, if it has a work ring.
    pub workers: Option<Workers<'a>>,
    /// Effects of programs that ended, in the order they were issued; the world takes them.
    pub issued: Vec<Issued>,
    /// The conditions of programs that ended, with their tasks, if they are to be noted.
    registered: Option<Vec<(u32, Registered)>>,
}

impl<'a> Programs<'a> {
    /// The kernels of `plan` on `device`, at the planned speed.
    pub fn new(plan: &'a RankPlan, device: &'a Device) -> Self {
        Self {
            plan,
            device,
            stretch: 1,
            shadow: None,
            engines: Engines::new(device),
            workers: None,
            issued: Vec::new(),
            registered: None,
        }
    }

    /// The same, noting conditions and what engines do, for whoever records them.
    #[must_use]
    pub fn noting(mut self, notes: bool) -> Self {
        if notes {
            self.registered = Some(Vec::new());
            self.engines = self.engines.noting();
        }
        self
    }

    /// The same; `shadow`, if there is one, is told what programs touch.
    #[must_use]
    pub const fn watched(mut self, shadow: Option<&'a Shadow>) -> Self {
        self.shadow = shadow;
        self
    }

    /// The conditions of programs that ended, with their tasks, since they were last taken.
    pub fn take_registered(&mut self) -> Vec<(u32, Registered)> {
        self.registered
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// The same, every kernel taking `factor` times as long; 0 takes no time at all.
    #[must_use]
    pub fn stretched(mut self, factor: u64) -> Self {
        self.stretch = factor;
        self
    }

    /// The same with a group of workers, where any task serves.
    #[must_use]
    pub fn with_workers(mut self, ends: Option<(Group<'a>, Producer<'a>)>) -> Self {
        self.workers = ends.and_then(|ends| {
            let service = self.plan.service()?;
            Some(Workers::new(self.device, service, ends))
        });
        self
    }

    /// The same, some of `faults` being operations of its engines, which end a little late.
    #[must_use]
    pub fn with_engines(
        mut self,
        faults: &[EngineFault],
        lateness: Lateness,
        links: Links,
    ) -> Self {
        self.engines = Engines::new(self.device)
            .with_faults(faults)
            .with_links(links)
            .with_lateness(lateness);
        self
    }

    /// What a core does next that may be a worker; `mishap` says what goes wrong with an item, of
    /// the only worker or of one among others.
    pub fn serve(
        &mut self,
        picked: &Picked,
        now: u64,
        mishap: &mut dyn FnMut(bool) -> Option<Mishap>,
    ) -> Next {
        let Some(workers) = &mut self.workers else {
            return Next::End;
        };
        let (device, rules) = (self.device, &self.plan.rule_sets[..]);
        let (engines, part) = (&mut self.engines, part_of(picked));
        let scan = |op: &Op| {
            let running = Running {
                device,
                reach: Reach::Own,
                rules,
                engines,
                // Which task an item is, its worker does not know.
                shadow: None,
                task: u32::MAX,
                part,
                now,
            };
            let _none = run(std::slice::from_ref(op), running);
        };
        workers.proceed((picked.core, now), device, scan, mishap)
    }

    /// The task that `picked` runs.
    ///
    /// # Panics
    /// If the launch names none.
    pub fn task(&self, picked: &Picked) -> &'a TaskPlan {
        let task = usize::try_from(picked.launch.kernel).ok();
        task.and_then(|task| self.plan.tasks.get(task))
            .expect("a launch names a task of its rank's plan")
    }
}

impl Kernels for Programs<'_> {
    fn start(&mut self, picked: &Picked, _now: u64) -> Option<u64> {
        let task = self.task(picked);
        if let Some(workers) = &mut self.workers
            && task.service().is_some()
        {
            return workers.begin(picked.core, self.device);
        }
        let part = part_of(picked);
        let scan = self.device.cost().scan;
        let scans = task.program.iter().filter_map(|op| op.in_part(part));
        let scans: u64 = scans
            .filter_map(|op| op.scanned_bytes())
            .map(|bytes| scan.takes(bytes))
            .sum();
        let planned = task.duration_ns.saturating_add(scans);
        Some(planned.saturating_mul(self.stretch))
    }

    fn proceed(&mut self, picked: &Picked, now: u64) -> Next {
        self.serve(picked, now, &mut |_| None)
    }

    fn finish(&mut self, picked: &Picked, now: u64) {
        let task = self.task(picked);
        let index = u32::try_from(picked.launch.kernel).expect("a plan has less than 2³² tasks");
        let running = Running {
            device: self.device,
            reach: Reach::Own,
            rules: &self.plan.rule_sets,
            engines: &mut self.engines,
            shadow: self.shadow,
            task: index,
            part: part_of(picked),
            now,
        };
        let mut ran = run(&task.program, running);
        if let Some(shadow) = self.shadow {
            shadow.ran(self.device.rank(), index);
        }
        name_peers(self.plan, self.device, &mut ran.conditions);
        self.device
            .write_slab(picked.core, picked.token.parity(), &ran.conditions);
        if let Some(registered) = &mut self.registered {
            registered.extend(ran.conditions.iter().map(|&condition| (index, condition)));
        }
        let issue = |effect: Effect| Issued {
            task: index,
            at_ns: now.saturating_add(effect.after_ns),
            effect,
        };
        if !ran.effects.is_empty() {
            self.engines.slow(&mut ran.effects);
            self.issued.extend(ran.effects.into_iter().map(issue));
        }
    }
}

/// Which part of its task a launch is.
const fn part_of(picked: &Picked) -> Part {
    Part {
        block: picked.launch.block,
        subtask: picked.launch.subtask,
    }
}

/// Lets conditions on counters that a peer notifies name that peer.
fn name_peers(plan: &RankPlan, device: &Device, conditions: &mut [Registered]) {
    if plan.sources.is_empty() {
        return;
    }
    for condition in conditions.iter_mut().filter(|one| one.cookie == 0) {
        let mut counters = device.layout().counters().iter();
        if let Some(counter) = counters.position(|&addr| addr == condition.addr) {
            condition.cookie = plan.cookie(counter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Programs;
    use crate::device::{CostModel, CounterPlace, DeviceOptions, FIN};
    use crate::engine::EffectKind;
    use crate::workload::{EngineTime, Op, RankPlan, Shape, TaskPlan, Workload};
    use finbox_scheduler::{A2A3, A5, CoreId, Launch, SlotId, Target, TaskId, Token};

    const NS: u64 = 1_000;

    fn workload() -> Workload {
        let mut rank = RankPlan {
            data_bytes: 64,
            ..RankPlan::new(0)
        };
        let counter = rank.add_counter(CounterPlace::Packed);
        rank.add_task(TaskPlan::new("other", Shape::Aiv, 1));
        rank.add_task(TaskPlan {
            defers: 1,
            program: vec![
                Op::StoreU32 { at: 0, value: 5 },
                Op::Engine {
                    counter,
                    time: EngineTime::Ns(70),
                },
                Op::Await {
                    counter,
                    expected: 1,
                },
            ]
            .into(),
            ..TaskPlan::new("engine", Shape::Aiv, NS)
        });
        let ranks = vec![rank];
        Workload {
            order: Workload::order_by_turns(&ranks),
            ranks,
            ..Workload::default()
        }
    }

    /// Runs task 1 on core 0 and says when it ended.
    fn end_of_task_1(target: Target, stretch: u64) -> u64 {
        let workload = workload();
        assert_eq!(workload.check(), Ok(()));
        let options = DeviceOptions {
            target,
            cores: 1,
            host_lanes: 0,
            cost: CostModel::FREE,
        };
        let devices = workload.make_devices(options);
        let (device, core) = (&devices[0], CoreId(0));
        let mut programs = Programs::new(&workload.ranks[0], device).stretched(stretch);
        let (slot, task) = (SlotId::new(0, 0, 1), TaskId::new(0, 1));
        let launch = Launch::single(slot, task, 1, 0);
        device.registers().stage(core, Token::FIRST, &launch);
        device.registers().ring(core, Token::FIRST);
        let mut cores = device.make_cores();
        let mut due = cores[0].step(0, device.registers(), &mut programs);
        let mut ended = 0;
        while let Some(at) = due {
            assert_eq!(device.registers().cond(core), Token::FIRST.bits());
            assert_eq!(device.dram().load_u32(device.data_address(0)), 0);
            ended = at;
            due = cores[0].step(at, device.registers(), &mut programs);
        }
        assert_eq!(device.registers().cond(core), FIN | Token::FIRST.bits());
        assert_eq!(device.dram().load_u32(device.data_address(0)), 5);
        let slab = device.layout().slab(core, Token::FIRST.parity());
        assert_eq!(device.dram().load_u64(slab), 1, "one condition, no error");
        let [issued] = &programs.issued[..] else {
            panic!("one effect")
        };
        assert_eq!(issued.at_ns, ended + 70);
        assert_eq!(
            issued.effect.kind,
            EffectKind::EngineDone {
                rank: 0,
                counter: 0
            }
        );
        ended
    }

    #[test]
    fn bytes_slab_and_effects_are_there_when_the_fin_is() {
        for target in [A2A3, A5] {
            assert_eq!(end_of_task_1(target, 1), NS);
        }
    }

    #[test]
    fn a_slower_rank_takes_that_many_times_as_long() {
        assert_eq!(end_of_task_1(A2A3, 3), 3 * NS);
        assert_eq!(end_of_task_1(A5, 0), 0);
    }
}
