//! `finbox metg`: the minimum effective task granularity of a pattern of Task Bench.
//!
//! Runs the pattern in lockstep with kernels of many lengths and looks, by doubling or halving and
//! then by bisection, for the shortest with which the vector cores in use spend the wanted part of
//! the time in kernels. Guarantees: every run completed with the right words, or the measure ends
//! with what was wrong; the same options give the same figures. Called by `main`.
//!
//! *Makespan*: virtual time without the start of the run. *Efficiency*: the time of all kernels, by
//! the vector cores that the pattern can use, over the makespan. *Granularity*: makespan × those
//! cores / tasks. *METG*: the granularity of the shortest kernels that reach the goal.

use std::process::ExitCode;

use finbox_scheduler::{Chip, Shape};
use serde::Serialize;

use crate::app;
use crate::cli::{BenchOptions, MetgOptions, RunOptions, output};
use crate::report::{Verdict, count};
use crate::signal;
use crate::workload::Workload;
use crate::world::{self, Settings};

/// The name and version of the JSON form.
const SCHEMA: &str = "finbox.metg/1";

/// Kernels that a search begins with, and the longest that it tries.
const FIRST_NS: u64 = 10_000;
const LONGEST_NS: u64 = 1_000_000_000;

/// A search ends when it knows the shortest kernel to one part in so many.
const PARTS: u64 = 100;

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Sample {
    task_ns: u64,
    makespan_ns: u64,
    granularity_ns: f64,
    efficiency: f64,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Measure {
    schema: &'static str,
    pattern: String,
    target: String,
    completion: String,
    seed: u64,
    width: u32,
    steps: u64,
    tasks: u64,
    edges: u64,
    cores: u64,
    handlers: u8,
    goal: f64,
    /// By length of the kernel.
    samples: Vec<Sample>,
    /// None: no kernel reaches the goal.
    metg_ns: Option<f64>,
    metg_task_ns: Option<u64>,
}

/// Why there is no measure.
enum Ended {
    Wrong(String),
    Interrupted,
}

/// Measures what `options` say and prints it.
pub fn run(options: &MetgOptions) -> ExitCode {
    if let Some(report) = app::refusal(&options.run, None) {
        return output::refuse(&report, options.run.json);
    }
    app::words(Verdict::Fault, "measuring", &options.run).prepare();
    match measure(options) {
        Ok(measure) if options.run.json => {
            let mut text = serde_json::to_string_pretty(&measure).expect("names and numbers");
            text.push('\n');
            output::print(&text)
        }
        Ok(measure) => output::print(&to_text(&measure)),
        Err(Ended::Wrong(why)) => {
            output::say(&format!(
                "error: {why}\n hint: finbox run it, to see how it ends\n"
            ));
            ExitCode::from(Verdict::Wrong.exit_code())
        }
        Err(Ended::Interrupted) => {
            output::say("error: a signal ended the measure\n hint: run it again\n");
            ExitCode::from(Verdict::Interrupted.exit_code())
        }
    }
}

fn measure(options: &MetgOptions) -> Result<Measure, Ended> {
    let (workload, settings) = prepared(&options.run, FIRST_NS)?;
    let tasks = workload.order.len() as u64;
    let edges = workload.ranks[0]
        .tasks
        .iter()
        .map(|task| task.after.len() as u64)
        .sum();
    let (width, cores) = used(&workload, &settings);
    let goal = f64::from(options.goal_percent) / 100.0;
    let mut samples = search(goal, |task_ns| sample(&options.run, task_ns, cores))?;
    samples.sort_by_key(|sample| sample.task_ns);
    let found = samples.iter().find(|sample| sample.efficiency >= goal);
    Ok(Measure {
        schema: SCHEMA,
        pattern: workload.name.clone(),
        target: options.run.target.to_string(),
        completion: options.run.completion.to_string(),
        seed: options.run.seed,
        width,
        steps: tasks / u64::from(width),
        tasks,
        edges,
        cores,
        handlers: settings.handlers,
        goal,
        metg_ns: found.map(|sample| sample.granularity_ns),
        metg_task_ns: found.map(|sample| sample.task_ns),
        samples,
    })
}

/// The graph with kernels of this length.
fn prepared(run: &RunOptions, task_ns: u64) -> Result<(Workload, Settings), Ended> {
    let bench = BenchOptions {
        task_ns: Some(task_ns),
        ..run.bench
    };
    let run = RunOptions {
        bench,
        ..run.clone()
    };
    app::prepare(&run).map_err(Ended::Wrong)
}

/// The width of the graph, and how many vector cores it can use.
fn used(workload: &Workload, settings: &Settings) -> (u32, u64) {
    let chip = Chip {
        target: settings.target,
        cores: settings.cores,
        host_lanes: 0,
        handlers: settings.handlers,
    };
    let tasks = workload.ranks[0].tasks.iter();
    let width = tasks.take_while(|task| task.name.starts_with("0.")).count();
    let cores = width.min(chip.count_of(Shape::Aiv)) as u64;
    (u32::try_from(width).unwrap_or(u32::MAX), cores)
}

fn sample(run: &RunOptions, task_ns: u64, cores: u64) -> Result<Sample, Ended> {
    let (workload, settings) = prepared(run, task_ns)?;
    let settings = Settings {
        stop: signal::stop_flag(),
        ..settings
    };
    let outcome = world::run(&workload, &settings, &mut |_, _| {})
        .map_err(|error| Ended::Wrong(error.to_string()))?;
    if outcome.interrupted {
        return Err(Ended::Interrupted);
    }
    let tasks = workload.order.len() as u64;
    let is_whole = outcome.ledger.completed == tasks && outcome.adds_up;
    if !is_whole || !outcome.verified.is_right() || !outcome.broken.is_empty() {
        let why = format!(
            "{} with kernels of {task_ns} ns is not right",
            workload.name
        );
        return Err(Ended::Wrong(why));
    }
    let makespan_ns = outcome
        .virtual_ns
        .saturating_sub(settings.cost.run_start_ns)
        .max(1);
    let core_ns = makespan_ns as f64 * cores as f64;
    Ok(Sample {
        task_ns,
        makespan_ns,
        granularity_ns: core_ns / tasks as f64,
        efficiency: task_ns as f64 * tasks as f64 / core_ns,
    })
}

/// Samples around the shortest kernel that reaches `goal`.
fn search<E>(
    goal: f64,
    mut sample: impl FnMut(u64) -> Result<Sample, E>,
) -> Result<Vec<Sample>, E> {
    let mut samples = vec![sample(FIRST_NS)?];
    let (mut below, mut above) = (0, FIRST_NS);
    if samples[0].efficiency >= goal {
        while above > 1 {
            let half = sample(above / 2)?;
            samples.push(half);
            if half.efficiency < goal {
                below = half.task_ns;
                break;
            }
            above = half.task_ns;
        }
    } else {
        while samples.last().is_some_and(|last| last.efficiency < goal) {
            if above >= LONGEST_NS {
                return Ok(samples);
            }
            below = above;
            above = (above * 2).min(LONGEST_NS);
            samples.push(sample(above)?);
        }
    }
    while above - below > (above / PARTS).max(1) {
        let middle = sample(below.midpoint(above))?;
        samples.push(middle);
        if middle.efficiency < goal {
            below = middle.task_ns;
        } else {
            above = middle.task_ns;
        }
    }
    Ok(samples)
}

fn to_text(measure: &Measure) -> String {
    let goal = measure.goal * 100.0;
    let found = match (measure.metg_ns, measure.metg_task_ns) {
        (Some(ns), Some(task_ns)) => format!("{ns:.0} ns (kernels of {task_ns} ns)"),
        _ => format!("none: no kernel up to {LONGEST_NS} ns is enough"),
    };
    let Measure {
        pattern,
        target,
        width,
        steps,
        tasks,
        edges,
        cores,
        handlers,
        ..
    } = measure;
    let completion = &measure.completion;
    let cores = count(*cores, "vector core");
    let handlers = count(u64::from(*handlers), "FIN handler");
    let (tasks, edges) = (count(*tasks, "task"), count(*edges, "edge"));
    let mut text = format!(
        "METG({goal:.0} %) of {pattern}: {found}\n\n  run   {target}, {cores} and {handlers}, \
         {completion}, seed {}\n  graph width {width}, steps {steps}: {tasks}, {edges}\n\n  \
         {:>11}  {:>14}  {:>12}  efficiency\n",
        measure.seed, "kernel ns", "granularity ns", "makespan ns",
    );
    for sample in &measure.samples {
        let percent = sample.efficiency * 100.0;
        text.push_str(&format!(
            "  {:>11}  {:>14.0}  {:>12}  {percent:>8.1} %\n",
            sample.task_ns, sample.granularity_ns, sample.makespan_ns
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{FIRST_NS, LONGEST_NS, Sample, search};

    /// A machine on which every task costs `overhead` ns beside its kernel.
    fn found(overhead: f64, goal: f64) -> (Option<u64>, usize) {
        let sample = |task_ns: u64| {
            let efficiency = task_ns as f64 / (task_ns as f64 + overhead);
            Ok::<_, ()>(Sample {
                task_ns,
                makespan_ns: 1,
                granularity_ns: 0.0,
                efficiency,
            })
        };
        let samples = search(goal, sample).unwrap();
        let reach = samples.iter().filter(|sample| sample.efficiency >= goal);
        (reach.map(|sample| sample.task_ns).min(), samples.len())
    }

    #[test]
    fn half_the_time_in_kernels_is_a_kernel_as_long_as_the_overhead() {
        for overhead in [3_u64, 700, FIRST_NS, 10_001, 2_345_678] {
            let (task_ns, runs) = found(overhead as f64, 0.5);
            let task_ns = task_ns.unwrap();
            let error = task_ns - overhead;
            assert!(error <= (task_ns / 100).max(1), "{task_ns} for {overhead}");
            assert!(runs < 30, "{runs}");
        }
    }

    #[test]
    fn no_overhead_and_too_much_of_it_end_too() {
        assert_eq!(found(0.0, 0.5).0, Some(1));
        assert_eq!(found(LONGEST_NS as f64 * 2.0, 0.5).0, None);
    }
}
