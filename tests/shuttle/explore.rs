//! Runs a shuttle model many times, collects the set of outcomes it reached, saves what fails.
//!
//! Each model runs half its executions under the random scheduler, fair in the long run, and half
//! under PCT, which is not: whoever loops without yielding is found there.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::schedule::{Choices, Record, Recorded, save, to_replay};

const SEED: u64 = 0xF1B0;
/// Priority changes of a PCT execution, and one.
const PCT_DEPTH: usize = 4;
/// Steps after which an execution counts as one that never ends.
pub(crate) const MAX_STEPS: usize = 200_000;

/// Times as many executions, for a long run: `FINBOX_SHUTTLE_TIMES`.
fn times() -> usize {
    let times = std::env::var("FINBOX_SHUTTLE_TIMES");
    times.map_or(1, |times| times.parse().expect("a number of times"))
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = 1 << 18;
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    config.silence_warnings = true;
    config
}

/// How often each outcome was reached.
pub(crate) type Outcomes<T> = BTreeMap<T, u64>;

/// What failed, and where its schedule was saved.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) executions: u64,
    pub(crate) schedule: PathBuf,
}

/// Runs `model` under `scheduler` until that has enough, or something fails.
fn run<T: Ord + Send + 'static>(
    name: &str,
    scheduler: impl Scheduler + 'static,
    model: Arc<dyn Fn() -> T + Send + Sync>,
    outcomes: &Arc<Mutex<Outcomes<T>>>,
) -> Result<(), Failure> {
    let record = Record::default();
    let recorded = Recorded {
        inner: scheduler,
        record: record.clone(),
    };
    let sink = Arc::clone(outcomes);
    let execution = move || {
        let outcome = model();
        let mut outcomes = sink.lock().unwrap_or_else(PoisonError::into_inner);
        *outcomes.entry(outcome).or_insert(0) += 1;
    };
    let runner = Runner::new(recorded, config());
    let ended = panic::catch_unwind(AssertUnwindSafe(|| runner.run(execution)));
    let Err(payload) = ended else { return Ok(()) };
    let message = payload.downcast_ref::<String>().cloned();
    let message = message.or_else(|| payload.downcast_ref::<&str>().map(|&text| text.into()));
    let executions = sum(&outcomes.lock().unwrap_or_else(PoisonError::into_inner)) + 1;
    Err(Failure {
        message: message.unwrap_or_default(),
        executions,
        schedule: save(name, &record.so_far()),
    })
}

fn sum<T>(outcomes: &Outcomes<T>) -> u64 {
    outcomes.values().sum()
}

/// Runs `model` along `choices` once.
pub(crate) fn replay<T: Ord + Send + 'static>(
    name: &str,
    choices: &Choices,
    model: Arc<dyn Fn() -> T + Send + Sync>,
) -> Result<Outcomes<T>, Failure> {
    let outcomes = Arc::default();
    run(
        name,
        ReplayScheduler::new_from_schedule(choices.schedule()),
        model,
        &outcomes,
    )?;
    Ok(take(&outcomes))
}

fn take<T>(outcomes: &Mutex<Outcomes<T>>) -> Outcomes<T> {
    std::mem::take(&mut *outcomes.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether this process replays: then `model` ran along the schedule if it is the one.
fn is_replay<T>(name: &str, model: &Arc<dyn Fn() -> T + Send + Sync>) -> bool
where
    T: Ord + Debug + Send + 'static,
{
    let Some(saved) = to_replay() else {
        return false;
    };
    if saved.model == name {
        let steps = saved.choices.len();
        match replay(name, &saved.choices, Arc::clone(model)) {
            Ok(outcomes) => println!("{name}: replayed {steps} steps, no failure: {outcomes:?}"),
            Err(failure) => println!("{name}: replayed {steps} steps: {}", failure.message),
        }
    }
    true
}

/// Explores `model` under `scheduler` alone.
pub(crate) fn explore_with<T: Ord + Send + 'static>(
    name: &str,
    scheduler: impl Scheduler + 'static,
    model: Arc<dyn Fn() -> T + Send + Sync>,
) -> Result<Outcomes<T>, Failure> {
    let outcomes = Arc::default();
    run(name, scheduler, model, &outcomes)?;
    Ok(take(&outcomes))
}

/// Explores `model` in `executions` executions, and demands more than one outcome and that each
/// holds.
///
/// # Panics
/// If an execution fails; its schedule is saved, and the message says how to replay it.
pub(crate) fn explore<T>(
    name: &str,
    executions: usize,
    model: impl Fn() -> T + Send + Sync + 'static,
) -> Outcomes<T>
where
    T: Ord + Debug + Send + 'static,
{
    let model: Arc<dyn Fn() -> T + Send + Sync> = Arc::new(model);
    if is_replay(name, &model) {
        return Outcomes::new();
    }
    let begin = Instant::now();
    let half = (executions * times()).div_ceil(2);
    let outcomes = Arc::default();
    let ended = run(
        name,
        RandomScheduler::new_from_seed(SEED, half),
        Arc::clone(&model),
        &outcomes,
    )
    .and_then(|()| {
        let pct = PctScheduler::new_from_seed(SEED, PCT_DEPTH, half);
        run(name, pct, model, &outcomes)
    });
    if let Err(failure) = ended {
        panic!(
            "{name}: {}\nafter {} executions; bash tests/shuttle/run.sh --replay {}",
            failure.message,
            failure.executions,
            failure.schedule.display()
        );
    }
    let outcomes = take(&outcomes);
    println!(
        "{name}: {} executions, {} outcomes, {:.1} s",
        sum(&outcomes),
        outcomes.len(),
        begin.elapsed().as_secs_f64()
    );
    assert!(outcomes.len() > 1, "{name}: explored nothing: {outcomes:?}");
    outcomes
}

/// Explores a planted bug until it is found, and then replays what was saved.
///
/// # Panics
/// If nothing is found, if what is found is not `message`, or if the replay ends otherwise.
pub(crate) fn must_fail<T>(
    name: &str,
    (scheduler, message): (impl Scheduler + 'static, &str),
    model: impl Fn() -> T + Send + Sync + 'static,
) where
    T: Ord + Debug + Send + 'static,
{
    let model: Arc<dyn Fn() -> T + Send + Sync> = Arc::new(model);
    if is_replay(name, &model) {
        return;
    }
    let begin = Instant::now();
    let failure = explore_with(name, scheduler, Arc::clone(&model))
        .expect_err("the planted bug was not found");
    assert!(failure.message.contains(message), "{failure:?}");
    let seconds = begin.elapsed().as_secs_f64();
    let saved = crate::schedule::load(&failure.schedule);
    let again = replay(name, &saved.choices, model).expect_err("the replay did not fail");
    assert!(again.message.contains(message), "{again:?}");
    println!(
        "{name}: found in execution {}, {seconds:.2} s, replayed in {} steps",
        failure.executions,
        saved.choices.len()
    );
}

/// The random scheduler with this house's seed.
pub(crate) fn random(executions: usize) -> RandomScheduler {
    RandomScheduler::new_from_seed(SEED, executions)
}

/// PCT with this house's seed.
pub(crate) fn pct(executions: usize) -> PctScheduler {
    PctScheduler::new_from_seed(SEED, PCT_DEPTH, executions)
}
