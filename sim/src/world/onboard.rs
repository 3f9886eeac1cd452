//! The onboard world: the runtime's real threads against a machine that moves by itself.
//!
//! A workload is put on the machine (`install`), its programs as kernels that every device
//! understands (`lower`); the scheduler then has the machine's own ports. Guarantees: bytes,
//! outcomes and so the result digest are those of the other two worlds; a machine of which a
//! function does not come back hangs nobody: that function is named, and the process ends. Refuses,
//! before a task runs, what the machine cannot do. Called by [`run_on`](super::run_on).

mod install;
mod lower;
mod refusal;

use std::thread;
use std::time::{Duration, Instant};

use finbox_runtime::threads::{Running, run as run_threads};
use finbox_runtime::{Drain, Machine, ledger};
use finbox_scheduler::{Outcome as TaskEnd, Port, Scheduler};

use self::install::Installed;
pub use self::refusal::{DeviceRefusal, LackedOperation, TaskName};
use super::crew::{Grace, halts, limits, stall, unit};
use super::feed::Feed;
use super::launches::Planning;
use super::places::Places;
use super::recorder::Recorder;
use super::stage::{Remains, arenas, conclude, devices};
use super::stuck::{self, Scene};
use super::submission::{Intake, through, watch};
use super::{Outcome, RunError, Settings};
use crate::device::{Device, Meter};
use crate::fault::Injected;
use crate::report::StallReport;
use crate::workload::{Op, TaskRef, Workload};

/// How long a call may take until it counts as one that does not come back.
pub const LONGEST_CALL: Duration = Duration::from_secs(1);

/// How long to wait between two looks at calls that have not come back yet.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// What a run is to be on.
pub struct Board<'a, M> {
    /// The machine, just opened.
    pub machine: &'a M,
    /// Who knows what is being called.
    pub calls: &'a dyn Calls,
}

/// Who knows which functions of a machine are being called.
pub trait Calls: Sync {
    /// Whether a thread is in a call now.
    fn is_any_out(&self) -> bool;

    /// A call that does not come back, in words. Asked again and again while a call is out, and
    /// best believed when it has been the same for [`LONGEST_CALL`].
    fn lost(&self) -> Option<String>;

    /// A call is lost, so that its thread can never be joined. Is to end the process; if it
    /// returns, the run waits for that call.
    fn abandon(&self, run: &Abandoned);
}

/// Every call comes back: the machine is this program's own.
pub struct Trusted;

impl Calls for Trusted {
    fn is_any_out(&self) -> bool {
        false
    }

    fn lost(&self) -> Option<String> {
        None
    }

    fn abandon(&self, _run: &Abandoned) {}
}

/// What is known of a run of which a thread is lost in a call.
#[derive(Clone, Debug)]
pub struct Abandoned {
    /// The call.
    pub call: String,
    /// The tasks that are unfinished.
    pub stall: StallReport,
    /// Tasks that were submitted.
    pub submitted: u64,
    /// What became of every task, by rank and index; None: it is unfinished, or was not told yet.
    pub ends: Vec<Box<[Option<TaskEnd>]>>,
}

/// Runs `workload` on a machine.
pub(super) fn run<M: Machine>(
    workload: &Workload,
    settings: &Settings,
    board: &Board<'_, M>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Outcome, RunError> {
    let machine = board.machine;
    let mirror = devices(workload, settings, settings.cost);
    let installed = Installed::new(machine, workload, (&mirror, &settings.cost))?;
    let places = &installed.places[..];
    let mut arenas = arenas(workload, settings)?;
    let slots = arenas.iter().map(|arena| arena.config().all_task_slots());
    let meter = Meter::wall_time(Instant::now());
    let ranks = 0..u32::try_from(mirror.len()).expect("a run has at most 1024 ranks");
    let looks: Vec<M::Port<'_>> = ranks.clone().map(|rank| machine.port(rank)).collect();
    let look = |at: TaskRef| look_at_counters((workload, places), &looks, &mirror, at);
    let recorder = Recorder::new(workload, &mirror, &meter, slots);
    let recorder = recorder.looking(&look).telling(settings);
    let parts = arenas.iter_mut().zip(ranks).zip(recorder.probes());
    let parts =
        parts.map(|((arena, rank), probe)| unit(arena.assemble(), machine.port(rank), probe));
    let (mut units, submitters): (Vec<_>, Vec<_>) = parts.unzip();
    let planning = Planning::of(workload, settings.plan);
    let store = |_: usize, address, value: u32| installed.store(address, value);
    // Counters of a machine begin with zero.
    let feed = Feed::new(&planning, workload, (places, &store, &|_, _| 0), submitters);
    let feed = feed.with_kernels(&installed.kernels);
    let mut turn = Turn {
        workload,
        settings,
        recorder: &recorder,
        places,
        grace: Grace::default(),
    };
    let ended = run_threads(&mut units, |running, schedulers| {
        let site = (settings, &recorder, running, schedulers);
        through(feed, site, &mut || None, |intake| {
            let ended = turn.drain(board, (running, intake), progress);
            turn.leave(board, (running, schedulers), intake);
            ended
        })
    });
    let ended = ended.map_err(|error| RunError::Thread(error.kind()))??;
    let (mut ledger, passage) = (ledger(&units), ended.passage);
    ledger.merge(&ended.ledger);
    let halts = halts(&units, |_| false, settings);
    let scene = turn.scene(&halts, ledger.submitted);
    let ports = units.iter().map(|unit| (&unit.scheduler, Some(&unit.port)));
    let end = (ended.result, passage.as_ref());
    let stall = stall(end, &turn.grace, || stuck::report(scene, ports))?;
    installed.fetch(&mirror)?;
    let outcome = conclude(Remains {
        planned: ended.planned,
        workload,
        devices: &mirror,
        schedulers: units.iter().map(|unit| &unit.scheduler).collect(),
        recorder: &recorder,
        ledger,
        stall,
        injected: Injected::default(),
        virtual_ns: 0,
        interrupted: turn.grace.has_begun() && ledger.finished() < workload.order.len() as u64,
        passage,
    });
    // What is unfinished may still be running, and write there.
    if outcome.live == 0 && outcome.quarantined == (0, 0) {
        installed.release()?;
    }
    Ok(outcome)
}

/// Brings the counters that a task waits for into the mirror, as its control CPU sees them now.
fn look_at_counters(
    (workload, places): (&Workload, &[Places]),
    ports: &[impl Port],
    mirror: &[Device],
    at: TaskRef,
) {
    let rank = at.rank as usize;
    for op in &workload.task(at).program {
        if let Op::Await { counter, .. } = *op {
            let addr = places[rank].counters[counter as usize];
            ports[rank].refresh(addr, 4);
            let value = ports[rank].load_u32(addr);
            let mirrored = mirror[rank].counter_address(counter);
            mirror[rank].dram().store_u32(mirrored, value);
        }
    }
}

/// What the calling thread does while the others run.
struct Turn<'a> {
    workload: &'a Workload,
    settings: &'a Settings,
    recorder: &'a Recorder<'a>,
    places: &'a [Places],
    grace: Grace,
}

impl Turn<'_> {
    /// Feeds the workload and waits until all is done, or until that cannot be.
    fn drain<M: Machine>(
        &mut self,
        board: &Board<'_, M>,
        (running, intake): (&Running, &mut dyn Intake),
        progress: &mut dyn FnMut(u64, u64),
    ) -> Drain<RunError> {
        let all = self.workload.order.len() as u64;
        watch((running, all), limits(self.settings), intake, |intake| {
            progress(running.finished(), all);
            board.machine.turn();
            let submitted = || intake.submitted();
            self.grace.winds_down(self.settings, running, submitted)
        })
    }

    /// Tells everybody to end, and waits until no thread is in a call: one that is lost in it
    /// could not be joined.
    fn leave<M: Machine>(
        &self,
        board: &Board<'_, M>,
        (running, schedulers): (&Running, &[&Scheduler<'_>]),
        intake: &dyn Intake,
    ) {
        running.stop_flag().stop();
        while board.calls.is_any_out() {
            let Some(call) = board.calls.lost() else {
                thread::park_timeout(BETWEEN_LOOKS);
                continue;
            };
            let submitted = intake.submitted();
            let halts = vec![None; schedulers.len()];
            // Without ports: who asks the machine now may be lost as well.
            let none = schedulers.iter().map(|one| (*one, None::<M::Port<'_>>));
            let stall = stuck::report(self.scene(&halts, submitted), none);
            let ends = self.recorder.ends();
            board.calls.abandon(&Abandoned {
                call,
                stall,
                submitted,
                ends,
            });
            return;
        }
    }

    fn scene<'s>(&'s self, halts: &'s [Option<super::halt::Halt>], submitted: u64) -> Scene<'s> {
        Scene::of(
            (self.workload, self.places),
            self.recorder,
            submitted,
            halts,
        )
    }
}

#[cfg(test)]
mod tests;
