//! Workflows of WfCommons (WfFormat 1.5 and 1.6): read, checked and made into tasks.
//!
//! A workflow becomes one rank, a task a task on a vector core, at the same place. It runs as long
//! as it did (`runtimeInSeconds`), times a scale; how many cores it had (`coreCount`) is passed
//! over. Its files are one transfer of an engine, of the bytes of all that it reads and writes, at
//! the speed of SDMA whatever the scale: the task is done when that is. Its parents are what it
//! comes after. So that the result shows whether that was kept, each task writes a word, 1 more
//! than the sum of its parents' words (modulo 2³²), and all words are compared.
//!
//! Guarantees: every task once, an order behind all parents; memory is a small multiple of the
//! file. Refuses, with line and column: other versions, tasks or files that are not there or
//! there twice, parents and children that disagree, cycles (with their members), a task that was
//! not executed. Fields that are not named here are passed over, as the format allows. Version
//! 1.6 differs from 1.5 in optional metrics, which are not needed. Called by the app.

mod problem;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use finbox_scheduler::Shape;
use serde::Deserialize;

use self::problem::WfProblem;
use crate::device::CounterPlace;
use crate::file::Step::{At, Field};
use crate::file::{FileError, Step, TextFile};
use crate::workload::op::{EngineTime, Op};
use crate::workload::parents::{order, shown};
use crate::workload::plan::{MOST_TASK_NS, RankPlan, Span, TaskPlan, TaskRef, Workload, index};
use crate::workload::verify::{Check, Expect};

/// The versions that are read.
pub const VERSIONS: [&str; 2] = ["1.5", "1.6"];

/// Virtual ns for a second of a task's runtime, if nothing is said: a second is a millisecond.
pub const NS_PER_SECOND: u64 = 1_000_000;

#[derive(Deserialize)]
struct Instance {
    name: String,
    workflow: Workflow,
}

#[derive(Deserialize)]
struct Workflow {
    specification: Specification,
    execution: Option<Execution>,
}

#[derive(Deserialize)]
struct Specification {
    tasks: Vec<Task>,
    #[serde(default)]
    files: Vec<WorkFile>,
}

#[derive(Deserialize)]
struct Task {
    id: Box<str>,
    parents: Vec<Box<str>>,
    children: Vec<Box<str>>,
    #[serde(default, rename = "inputFiles")]
    inputs: Vec<Box<str>>,
    #[serde(default, rename = "outputFiles")]
    outputs: Vec<Box<str>>,
}

#[derive(Deserialize)]
struct WorkFile {
    id: Box<str>,
    #[serde(rename = "sizeInBytes")]
    bytes: u64,
}

#[derive(Deserialize)]
struct Execution {
    tasks: Vec<Executed>,
}

#[derive(Deserialize)]
struct Executed {
    id: Box<str>,
    #[serde(rename = "runtimeInSeconds")]
    runtime_s: f64,
}

/// A problem and where it is.
struct Located {
    steps: Vec<Step<'static>>,
    problem: WfProblem,
}

/// Where the tasks of a part of the workflow are, and which of them.
fn task_at(part: &'static str, list: &'static str, nth: usize) -> Vec<Step<'static>> {
    vec![Field("workflow"), Field(part), Field(list), At(nth)]
}

fn specified(nth: usize, problem: WfProblem) -> Located {
    let steps = task_at("specification", "tasks", nth);
    Located { steps, problem }
}

/// Reads a workflow; a second of it takes `ns_per_second`.
///
/// # Errors
/// [`FileError`], with the line of what is wrong.
pub fn read(file: &TextFile, ns_per_second: u64) -> Result<Workload, FileError> {
    let located = |Located { steps, problem }| file.wrong(&steps, problem);
    version(file)?;
    let instance: Instance = file.parse()?;
    workload(&instance, ns_per_second).map_err(located)
}

/// Refuses other versions before their fields are looked at.
fn version(file: &TextFile) -> Result<(), FileError> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "schemaVersion")]
        version: String,
    }
    let Head { version: found } = file.parse()?;
    if VERSIONS.contains(&found.as_str()) {
        return Ok(());
    }
    let found = found.chars().take(20).collect();
    Err(file.wrong(&[Field("schemaVersion")], WfProblem::Version { found }))
}

fn workload(instance: &Instance, ns_per_second: u64) -> Result<Workload, Located> {
    let tasks = &instance.workflow.specification.tasks;
    let numbers = numbers(tasks)?;
    let parents = parents(tasks, &numbers)?;
    let executed = executed(instance, &numbers)?;
    let files = files(&instance.workflow.specification.files)?;
    let order = order(&parents).map_err(|cycle| {
        let members = shown(cycle.iter().map(|&task| &*tasks[task as usize].id));
        specified(cycle[0] as usize, WfProblem::Cycle { members })
    })?;
    let mut plan = RankPlan::new(0);
    plan.add_buffer("words", tasks.len() as u64 * 4, 64);
    for (nth, (task, parents)) in tasks.iter().zip(&parents).enumerate() {
        let wrong = |problem| specified(nth, problem);
        let bytes = bytes(task, &files).map_err(wrong)?;
        let planned = planned(&mut plan, parents, bytes);
        plan.add_task(TaskPlan {
            name: String::from(&*task.id).into(),
            duration_ns: scaled(executed[nth], ns_per_second).map_err(wrong)?,
            ..planned
        });
    }
    let words = words(&parents, &order);
    Ok(Workload {
        name: instance.name.clone(),
        ranks: vec![plan],
        order: order
            .into_iter()
            .map(|task| TaskRef { rank: 0, task })
            .collect(),
        checks: vec![Check {
            rank: 0,
            name: "words".into(),
            at: 0,
            expect: Expect::U32(words.into()),
        }],
        ..Workload::default()
    })
}

/// The number of each id.
fn numbers(tasks: &[Task]) -> Result<HashMap<&str, u32>, Located> {
    if tasks.is_empty() {
        return Err(specified(0, WfProblem::NoTasks));
    }
    let mut numbers = HashMap::with_capacity(tasks.len());
    for (nth, task) in tasks.iter().enumerate() {
        if numbers.insert(&*task.id, index(nth)).is_some() {
            return Err(specified(nth, WfProblem::same("task", &task.id)));
        }
    }
    Ok(numbers)
}

/// The parents of each task, each once and in order of their numbers; children agree.
fn parents(tasks: &[Task], numbers: &HashMap<&str, u32>) -> Result<Vec<Vec<u32>>, Located> {
    let find = |id: &str| {
        let found = numbers.get(id).copied();
        found.ok_or_else(|| WfProblem::unknown("task", id, numbers.keys().copied()))
    };
    let all = |ids: &[Box<str>]| {
        let mut found = ids
            .iter()
            .map(|id| find(id))
            .collect::<Result<Vec<u32>, _>>()?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    };
    let (mut parents, mut children) = (Vec::new(), Vec::new());
    for (nth, task) in tasks.iter().enumerate() {
        parents.push(all(&task.parents).map_err(|problem| specified(nth, problem))?);
        children.push(all(&task.children).map_err(|problem| specified(nth, problem))?);
    }
    agree(tasks, &parents, &children, "parent")?;
    agree(tasks, &children, &parents, "child")?;
    Ok(parents)
}

/// Everything that `some` name names them back.
fn agree(
    tasks: &[Task],
    some: &[Vec<u32>],
    others: &[Vec<u32>],
    what: &'static str,
) -> Result<(), Located> {
    for (nth, named) in some.iter().enumerate() {
        let back = |other: &&u32| others[**other as usize].binary_search(&index(nth)).is_err();
        if let Some(&other) = named.iter().find(back) {
            let problem = WfProblem::disagree(what, &tasks[nth].id, &tasks[other as usize].id);
            return Err(specified(nth, problem));
        }
    }
    Ok(())
}

/// What was measured of each task.
fn executed<'i>(
    instance: &'i Instance,
    numbers: &HashMap<&str, u32>,
) -> Result<Vec<&'i Executed>, Located> {
    let workflow = &instance.workflow;
    let steps = vec![Field("workflow"), Field("execution")];
    let Some(execution) = &workflow.execution else {
        let problem = WfProblem::NoExecution;
        return Err(Located { steps, problem });
    };
    let mut found: Vec<Option<&Executed>> = vec![None; numbers.len()];
    for (nth, executed) in execution.tasks.iter().enumerate() {
        let wrong = |problem| Located {
            steps: task_at("execution", "tasks", nth),
            problem,
        };
        let Some(&task) = numbers.get(&*executed.id) else {
            let names = numbers.keys().copied();
            return Err(wrong(WfProblem::unknown("task", &executed.id, names)));
        };
        if found[task as usize].replace(executed).is_some() {
            return Err(wrong(WfProblem::same("executed task", &executed.id)));
        }
        if let Some(problem) = impossible(executed) {
            return Err(wrong(problem));
        }
    }
    let tasks = workflow.specification.tasks.iter().enumerate();
    let each = tasks.zip(found).map(|((nth, task), found)| {
        found.ok_or_else(|| specified(nth, WfProblem::not_executed(&task.id)))
    });
    each.collect()
}

/// What no machine can have measured.
fn impossible(executed: &Executed) -> Option<WfProblem> {
    let (field, value) = ("runtimeInSeconds", executed.runtime_s);
    let is_time = value.is_finite() && value >= 0.0;
    (!is_time).then_some(WfProblem::Impossible { field, value })
}

/// How long a task runs.
fn scaled(executed: &Executed, ns_per_second: u64) -> Result<u64, WfProblem> {
    let ns = (executed.runtime_s * ns_per_second as f64).round();
    if ns > MOST_TASK_NS as f64 {
        return Err(WfProblem::TooLong {
            runtime_s: executed.runtime_s,
        });
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between 0 and MOST_TASK_NS"
    )]
    let ns = ns as u64;
    Ok(ns)
}

/// The size of each file.
fn files(files: &[WorkFile]) -> Result<HashMap<&str, u64>, Located> {
    let mut sizes = HashMap::with_capacity(files.len());
    for (nth, file) in files.iter().enumerate() {
        if sizes.insert(&*file.id, file.bytes).is_some() {
            let steps = task_at("specification", "files", nth);
            let problem = WfProblem::same("file", &file.id);
            return Err(Located { steps, problem });
        }
    }
    Ok(sizes)
}

/// Bytes of all files that a task reads and writes.
fn bytes(task: &Task, files: &HashMap<&str, u64>) -> Result<u64, WfProblem> {
    let all = task.inputs.iter().chain(&task.outputs);
    all.map(|id| {
        let size = files.get(&**id).copied();
        size.ok_or_else(|| WfProblem::unknown("file", id, files.keys().copied()))
    })
    .try_fold(0_u64, |sum, size| Ok(sum.saturating_add(size?)))
}

/// The next task, but for its name and how long it runs.
fn planned(plan: &mut RankPlan, parents: &[u32], bytes: u64) -> TaskPlan {
    let word = |task: u32| u64::from(task) * 4;
    let to = word(index(plan.tasks.len()));
    let mut program = vec![Op::StoreU32 { at: to, value: 1 }];
    program.extend(parents.iter().map(|&parent| Op::AccumulateU32 {
        from: word(parent),
        to,
        count: 1,
    }));
    if bytes > 0 {
        let counter = plan.add_counter(CounterPlace::Packed);
        let time = EngineTime::Bytes(bytes);
        let expected = 1;
        program.extend([
            Op::Engine { counter, time },
            Op::Await { counter, expected },
        ]);
    }
    TaskPlan {
        after: parents.to_vec().into(),
        defers: u8::from(bytes > 0),
        program: program.into(),
        output: Some(Span { at: to, bytes: 4 }),
        ..TaskPlan::new("", Shape::Aiv, 0)
    }
}

/// What each task must have written, found from the parents alone.
fn words(parents: &[Vec<u32>], order: &[u32]) -> Vec<u32> {
    let mut words = vec![0_u32; parents.len()];
    for &task in order {
        let sum = parents[task as usize]
            .iter()
            .map(|&parent| words[parent as usize]);
        words[task as usize] = sum.fold(1, u32::wrapping_add);
    }
    words
}
