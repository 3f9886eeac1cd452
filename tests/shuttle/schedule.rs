//! What a scheduler chose, kept so that a failing execution can be saved and replayed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{env, fs};

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

/// Names a file of [`save`] to be replayed instead of exploring.
pub(crate) const REPLAY: &str = "FINBOX_REPLAY";

/// One step: who ran, or that somebody drew a random number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Ran(usize),
    Drew,
}

/// Everything that an execution did by choice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choices {
    seed: u64,
    steps: Vec<Step>,
}

impl Choices {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// As shuttle knows it.
    pub(crate) fn schedule(&self) -> Schedule {
        let mut schedule = Schedule::new(self.seed);
        for step in &self.steps {
            match *step {
                Step::Ran(who) => schedule.push_task(who.into()),
                Step::Drew => schedule.push_random(),
            }
        }
        schedule
    }
}

/// The choices of the execution under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(Arc<Mutex<Choices>>);

impl Record {
    /// What was chosen so far.
    pub(crate) fn so_far(&self) -> Choices {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Choices> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `inner`, remembering what it chooses.
#[derive(Debug)]
pub(crate) struct Recorded<S> {
    pub(crate) inner: S,
    pub(crate) record: Record,
}

impl<S: Scheduler> Scheduler for Recorded<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        let schedule = self.inner.new_execution()?;
        let (seed, steps) = (schedule.seed, Vec::new());
        *self.record.lock() = Choices { seed, steps };
        Some(schedule)
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let next = self.inner.next_task(runnable, current, is_yielding)?;
        self.record.lock().steps.push(Step::Ran(next.into()));
        Some(next)
    }

    fn next_u64(&mut self) -> u64 {
        self.record.lock().steps.push(Step::Drew);
        self.inner.next_u64()
    }
}

/// A saved schedule: the model's name, the seed, then who ran for how many steps (`-`: draws).
pub(crate) struct Saved {
    pub(crate) model: String,
    pub(crate) choices: Choices,
}

/// Below which folder schedules are saved: beside the build.
fn folder() -> PathBuf {
    let binary = env::current_exe().expect("a running test has a path");
    let mut folder = binary.ancestors().skip(3);
    let folder = folder
        .next()
        .expect("a test lies in target/PROFILE/deps")
        .join("schedules");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// Writes the schedule of a failing execution of `model`; where to.
pub(crate) fn save(model: &str, choices: &Choices) -> PathBuf {
    let mut text = format!("{model}\n{}\n", choices.seed);
    for run in choices.steps.chunk_by(|a, b| a == b) {
        let who = match run[0] {
            Step::Ran(who) => who.to_string(),
            Step::Drew => "-".into(),
        };
        writeln!(text, "{who} {}", run.len()).expect("a string grows");
    }
    let path = folder().join(format!("{}.txt", model.replace(' ', "-")));
    // A replay reads such a file, on every thread.
    if env::var_os(REPLAY).is_none() {
        fs::write(&path, text).expect("the target folder can be written");
    }
    path
}

/// Reads a file that [`save`] wrote.
///
/// # Panics
/// If it cannot be read or is none.
pub(crate) fn load(path: &Path) -> Saved {
    let text = fs::read_to_string(path).expect("the schedule can be read");
    let mut lines = text.lines();
    let model = lines.next().expect("a model's name comes first").into();
    let seed = lines.next().and_then(|line| line.parse().ok());
    let steps = lines.flat_map(|run| {
        let (who, steps) = run.split_once(' ').expect("a thread and its steps");
        let step = who.parse().map_or(Step::Drew, Step::Ran);
        std::iter::repeat_n(step, steps.parse().expect("a number of steps"))
    });
    let choices = Choices {
        seed: seed.expect("a seed comes second"),
        steps: steps.collect(),
    };
    Saved { model, choices }
}

/// The schedule that this process is to replay, if any.
pub(crate) fn to_replay() -> Option<Saved> {
    env::var_os(REPLAY).map(|path| load(Path::new(&path)))
}
