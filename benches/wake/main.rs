//! How long a dispatch thread takes from a FIN handler's message to the end of its task: one that
//! was parked, beside one that never parks.
//!
//! `cargo bench -p finbox-benches --bench wake`, or with `-- SAMPLES` for another number (500). The
//! handler is this thread, so only the dispatch thread rests; before each message it had 2 ms
//! without news, in which the parking ones have parked. The sides take turns of 50 samples. The
//! system places both threads, as it does in a run: some of the longest are of the two on one core.
#![allow(
    clippy::cast_possible_truncation,
    reason = "a benchmark's counts are small"
)]

#[path = "../fins/chip.rs"]
mod chip;

use std::thread;
use std::time::{Duration, Instant};

use finbox_runtime::threads::{Running, Unit, run_resting};
use finbox_runtime::wait::RestPolicy;
use finbox_runtime::{Arena, Config};
use finbox_scheduler::target::A2A3;
use finbox_scheduler::{
    Chip, FinHandler, HandlerStep, NoProbe, Scheduler, Shape, Submitter, TaskId, TaskSpec,
};

use chip::SlabChip;

/// Samples of one side before the other's turn.
const TURN: u32 = 50;
const QUIET: Duration = Duration::from_millis(2);

const POLICIES: [(&str, RestPolicy); 4] = [
    ("never parks", RestPolicy::BUSY),
    ("default: 48 spins", RestPolicy::DEFAULT),
    (
        "32 spins, 16 yields",
        RestPolicy {
            spins: 32,
            yields: 16,
            ..RestPolicy::DEFAULT
        },
    ),
    (
        "parks at once",
        RestPolicy {
            spins: 0,
            yields: 0,
            ..RestPolicy::DEFAULT
        },
    ),
];

fn main() {
    let samples = std::env::args().find_map(|word| word.parse().ok());
    let samples = samples.map_or(500, |samples: u32| samples.max(TURN));
    let mut times = POLICIES.map(|_| Vec::new());
    for _ in 0..samples.div_ceil(TURN) {
        for (times, (_, policy)) in times.iter_mut().zip(POLICIES) {
            times.extend(turn(policy));
        }
    }
    println!("| dispatch thread | message to end, µs: p50 | p90 | p99 | max |");
    println!("| --- | --- | --- | --- | --- |");
    for ((name, _), times) in POLICIES.iter().zip(&mut times) {
        times.sort_unstable();
        let at = |share: usize| times[(times.len() - 1) * share / 100].as_nanos() as f64 / 1e3;
        let columns = [at(50), at(90), at(99), at(100)].map(|us| format!("{us:.1}"));
        println!("| {name} | {} |", columns.join(" | "));
    }
}

/// [`TURN`] samples with one policy.
fn turn(policy: RestPolicy) -> Vec<Duration> {
    let chip = Chip {
        handlers: 1,
        ..Chip::whole(&A2A3)
    };
    let mut arena = Arena::new(Config {
        chip,
        ..Config::of(&A2A3)
    })
    .expect("the chip itself");
    let mut assembly = arena.assemble();
    let mut handler = assembly.handler();
    let mut submitter = assembly.submitter;
    let slabs = SlabChip::new(A2A3.cores() as usize, 1);
    let mut units = [Unit {
        scheduler: assembly.scheduler,
        port: &slabs,
        probe: NoProbe,
        handlers: Vec::new(),
        dispatcher: assembly.dispatcher,
    }];
    run_resting(policy, &mut units, |running, schedulers| {
        let sample = |number| {
            let task = TaskId::new(0, number);
            sample(
                (running, schedulers[0]),
                (&mut submitter, &mut handler, &slabs),
                task,
            )
        };
        (0..TURN).map(sample).collect()
    })
    .expect("a thread can be started")
}

/// One task's way from its FIN to its end.
fn sample(
    (running, scheduler): (&Running, &Scheduler<'_>),
    (submitter, handler, chip): (&mut Submitter<'_>, &mut FinHandler<'_>, &SlabChip),
    task: TaskId,
) -> Duration {
    let spec = TaskSpec {
        may_defer: 1,
        ..TaskSpec::new(task, Shape::Aiv)
    };
    let before = running.finished();
    submitter
        .submit(scheduler, &NoProbe, &spec, &[])
        .expect("there is room");
    running.wake_dispatch();
    while handler.busy_mask(scheduler) == 0 {
        thread::yield_now();
    }
    thread::sleep(QUIET);
    let begin = Instant::now();
    let step = handler.pass(scheduler, &chip, &NoProbe);
    assert_eq!(step, HandlerStep::Progress, "it pushes its messages");
    running.wake_dispatch();
    while running.finished() == before {
        std::hint::spin_loop();
    }
    begin.elapsed()
}
