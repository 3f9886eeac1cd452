//! Options → workload: scenarios are built, files are read.
//!
//! Refuses what cannot be run, as a report with the exit code of its kind. Called by `app`.

use std::path::Path;

use finbox_runtime::persistent::Unable;
use finbox_scheduler::{Chip, Engines, Shape};

use super::files;
use super::verdict::{counted, refused};
use super::{settings, target};
use crate::cli::{Collectives, Deps, Persistent, RunOptions, What};
use crate::cost_file::{self, Costs};
use crate::demo::{self, ITEM_BYTES, MOST_EDGES, MOST_ITEMS, Pattern, STREAMS_TASKS, TaskBench};
use crate::file::FileError;
use crate::persistent::{ChooseError, Chosen, choose};
use crate::report::{Code, ErrorReport, ImportCounts, Invalid, RunReport};
use crate::workload::{self, Workload, chakra, lower, random};
use crate::world;

/// Most tasks of a scenario with streams or of Task Bench: each takes several times the memory that
/// one of the others takes.
const MOST_TASKS: u64 = 4_000_000;

/// Steps and kernels of Task Bench, where nothing is said. Choices.
const BENCH_STEPS: u32 = 20;
const BENCH_TASK_NS: u64 = 10_000;

/// What there is to run.
pub(super) struct Loaded {
    pub(super) workload: Workload,
    pub(super) import: Option<ImportCounts>,
    pub(super) limits: Option<workload::Limits>,
    pub(super) costs: Costs,
    /// How its items go, if it has any, and why.
    pub(super) persistent: Option<Chosen>,
}

/// What `options` name.
pub(super) fn workload(options: &RunOptions) -> Result<Loaded, Box<RunReport>> {
    let costs = costs(options)?;
    match &options.what {
        What::Scenario(name) => {
            let ranks = u32::from(options.ranks_or_default().unwrap_or(1));
            if name == "random" {
                let has_urma = target(options.target).engines.contains(Engines::URMA);
                let ranks = options.ranks.map(u32::from);
                let (workload, limits) = random(options.seed, ranks, has_urma);
                return Ok(Loaded {
                    workload,
                    import: None,
                    limits: Some(limits),
                    costs,
                    persistent: None,
                });
            }
            let mut chosen = None;
            let workload = match name.as_str() {
                bench if Pattern::of_scenario(bench).is_some() => task_bench(bench, options)?,
                "grid" => demo::grid(options.tasks_or_default().unwrap_or(1)),
                "persistent_scan" => {
                    let (workload, how) = persistent_scan(options, &costs)?;
                    chosen = Some(how);
                    workload
                }
                "crowd" => demo::crowd(options.tasks_or_default().unwrap_or(1)),
                "fan" => demo::fan(options.tasks_or_default().unwrap_or(1)),
                "streams" => streams(ranks, options)?,
                "dummy_task" => demo::dummy_task(ranks),
                "async_notify" => demo::async_notify(ranks),
                "sdma_async" => demo::sdma_async(ranks),
                "urma_deferred" => demo::urma_deferred(ranks),
                "mixed_spmd" => demo::mixed_spmd(ranks),
                "prefetch_async" => demo::prefetch_async(ranks),
                "deferred_notify_demo" => demo::deferred_notify(ranks),
                other => unreachable!("the command line knows no scenario {other}"),
            };
            let target = target(options.target);
            world::check_target(&workload, target).map_err(|error| Box::new(refused(&error)))?;
            Ok(Loaded {
                workload,
                import: None,
                limits: None,
                costs,
                persistent: chosen,
            })
        }
        What::Path(path) if files::is_json(path) => {
            let of_traces = [
                ("--deps", options.deps.is_some()),
                ("--collectives", options.collectives.is_some()),
            ];
            refuse_others(path, "traces of Chakra", &of_traces)?;
            let loaded = files::load(path, options.time_scale, costs)
                .map_err(|error| Box::new(unreadable(&error)))?;
            check_ranks(options, &loaded.workload, "file")?;
            let target = target(options.target);
            world::check_target(&loaded.workload, target)
                .map_err(|error| Box::new(refused(&error)))?;
            Ok(loaded)
        }
        What::Path(path) => {
            let of_workflows = [("--time-scale", options.time_scale.is_some())];
            refuse_others(path, "workflows of WfCommons", &of_workflows)?;
            import(path, options, costs)
        }
    }
}

/// Refuses options that were given, and are for other files than `path`.
fn refuse_others(path: &Path, which: &str, given: &[(&str, bool)]) -> Result<(), Box<RunReport>> {
    let Some((option, _)) = given.iter().find(|(_, is_given)| *is_given) else {
        return Ok(());
    };
    let message = format!("{option} is for {which}, and {} is none", path.display());
    let error = ErrorReport::new(Code::USAGE, message, format!("leave {option} out"));
    Err(Box::new(RunReport::refused(Invalid::Usage, error)))
}

fn costs(options: &RunOptions) -> Result<Costs, Box<RunReport>> {
    let target = target(options.target);
    match &options.cost_model {
        Some(path) => cost_file::read(path, target).map_err(|error| Box::new(unreadable(&error))),
        None => Ok(Costs::of(target)),
    }
}

/// Why a file cannot be used, as a report.
fn unreadable(error: &FileError) -> RunReport {
    let code = match error {
        FileError::Unreadable { .. } => Code::INPUT_UNREADABLE,
        FileError::NotText { .. } | FileError::Invalid { .. } => Code::INPUT_INVALID,
    };
    let error = ErrorReport::new(code, error.to_string(), error.hint());
    RunReport::refused(Invalid::InputFile, error)
}

fn import(path: &Path, options: &RunOptions, costs: Costs) -> Result<Loaded, Box<RunReport>> {
    let deps = match options.deps {
        None | Some(Deps::Data) => chakra::Deps::Data,
        Some(Deps::Ctrl) => chakra::Deps::Ctrl,
        Some(Deps::Both) => chakra::Deps::Both,
    };
    let import = chakra::Options {
        deps,
        roofline: costs.roofline,
    };
    let trace = chakra::load(path, &import)
        .map_err(|error| Box::new(RunReport::refused(Invalid::InputFile, unusable(&error))))?;
    let workload = lower::lower(&trace, collectives(options)).map_err(|error| {
        let hint = "run them as a model: --collectives model";
        let error = ErrorReport::new(Code::INPUT_INVALID, error.to_string(), hint);
        Box::new(RunReport::refused(Invalid::InputFile, error))
    })?;
    check_ranks(options, &workload, "trace")?;
    workload
        .check()
        .map_err(|error| Box::new(refused(&error.into())))?;
    Ok(Loaded {
        workload,
        import: Some(counts(&trace)),
        limits: None,
        costs,
        persistent: None,
    })
}

/// The sort and the join, perhaps without one of their uses.
fn streams(ranks: u32, options: &RunOptions) -> Result<Workload, Box<RunReport>> {
    let rounds = options.tasks_or_default().unwrap_or(1);
    let tasks = u64::from(ranks) * u64::from(rounds) * STREAMS_TASKS;
    if tasks > MOST_TASKS {
        let message =
            format!("{rounds} rounds on {ranks} ranks, {tasks} tasks: at most {MOST_TASKS}");
        let error = ErrorReport::new(Code::USAGE, message, "take fewer --tasks or --ranks");
        return Err(Box::new(RunReport::refused(Invalid::Usage, error)));
    }
    let omitted = options.plan.omit_use.as_ref();
    demo::streams(ranks, rounds, omitted).ok_or_else(|| {
        let use_of = omitted.map_or_else(String::new, |one| format!("{}:{}", one.task, one.buffer));
        let message = format!("no launch of streams has the use {use_of}");
        let hint = "take one of load:raw, load:staging, sort:staging, sort:keys, spill:keys, \
                    spill:spilled, mark:mark, fetch:fetched, join:fetched, join:keys, join:found \
                    and seal:mark";
        let error = ErrorReport::new(Code::USAGE, message, hint);
        Box::new(RunReport::refused(Invalid::Usage, error))
    })
}

/// Items to scan, as many as fit a device, and how they go.
fn persistent_scan(
    options: &RunOptions,
    costs: &Costs,
) -> Result<(Workload, Chosen), Box<RunReport>> {
    let tasks = options.tasks_or_default().unwrap_or(1);
    if tasks > MOST_ITEMS {
        let message = format!("{tasks} items of {ITEM_BYTES} bytes: at most {MOST_ITEMS}");
        let hint = format!("take --tasks {MOST_ITEMS} or less");
        let error = ErrorReport::new(Code::USAGE, message, hint);
        return Err(Box::new(RunReport::refused(Invalid::Usage, error)));
    }
    let policy = options.persistent.unwrap_or(Persistent::Auto).policy();
    let workers = vector_cores(options);
    let able = match (options.board.library.is_some(), workers) {
        (true, _) => Err(Unable::Device),
        (false, 0) => Err(Unable::NoCore),
        (false, workers) => Ok(workers),
    };
    let settings = settings(options, None, costs.model);
    let chosen = choose(policy, able, &settings).map_err(|error| Box::new(unchosen(&error)))?;
    Ok((demo::persistent_scan(tasks, chosen.serving()), chosen))
}

/// Why nobody knows how items are to go, as a report.
fn unchosen(error: &ChooseError) -> RunReport {
    match error {
        ChooseError::Run(error) => refused(error),
        ChooseError::Policy(_) | ChooseError::Warmup(_) => {
            let hint = "take --persistent disable";
            let error = ErrorReport::new(Code::USAGE, error.to_string(), hint);
            RunReport::refused(Invalid::Usage, error)
        }
    }
}

/// The vector cores in use.
fn vector_cores(options: &RunOptions) -> u16 {
    let target = target(options.target);
    let chip = Chip {
        target,
        cores: options.cores.unwrap_or(target.cores()),
        host_lanes: 0,
        handlers: target.fin_handlers,
    };
    u16::try_from(chip.count_of(Shape::Aiv)).expect("a chip has at most 128 cores")
}

/// A graph of Task Bench, as wide as the vector cores in use unless it is said.
fn task_bench(name: &str, options: &RunOptions) -> Result<Workload, Box<RunReport>> {
    let usual = u32::from(vector_cores(options));
    let bench = TaskBench {
        pattern: Pattern::of_scenario(name).expect("the scenario is one of Task Bench"),
        width: options.bench.width.unwrap_or(usual),
        steps: options.bench.steps.unwrap_or(BENCH_STEPS),
        task_ns: options.bench.task_ns.unwrap_or(BENCH_TASK_NS),
    };
    let (tasks, edges) = (bench.tasks(), bench.most_edges());
    let message = if tasks > MOST_TASKS {
        format!("a graph of {tasks} tasks: at most {MOST_TASKS}")
    } else if edges > MOST_EDGES {
        format!("a graph of up to {edges} edges: at most {MOST_EDGES}")
    } else {
        return Ok(bench.workload());
    };
    let error = ErrorReport::new(Code::USAGE, message, "take less --width or fewer --steps");
    Err(Box::new(RunReport::refused(Invalid::Usage, error)))
}

/// A file has the ranks it has.
fn check_ranks(
    options: &RunOptions,
    workload: &Workload,
    what: &str,
) -> Result<(), Box<RunReport>> {
    let count = workload.ranks.len();
    let asked = options.ranks.filter(|&asked| usize::from(asked) != count);
    let Some(asked) = asked else {
        return Ok(());
    };
    let has = counted(count as u64, "rank");
    let message = format!("--ranks {asked}: this {what} has {has}");
    let hint = format!("leave --ranks out for {what}s");
    let error = ErrorReport::new(Code::USAGE, message, hint);
    Err(Box::new(RunReport::refused(Invalid::Usage, error)))
}

const fn collectives(options: &RunOptions) -> lower::Collectives {
    match options.collectives {
        None => lower::Collectives::BySize,
        Some(Collectives::Ring) => lower::Collectives::Ring,
        Some(Collectives::Direct) => lower::Collectives::Direct,
        Some(Collectives::Model) => lower::Collectives::Model,
    }
}

/// What was imported.
fn counts(trace: &chakra::Workload) -> ImportCounts {
    let nodes = || trace.ranks.iter().flat_map(|rank| &rank.nodes);
    let own = nodes().filter(|node| matches!(node.op, chakra::Op::Collective { .. }));
    ImportCounts {
        nodes: nodes().count() as u64,
        messages: trace.messages.len() as u64,
        collectives: (trace.collectives.len() + own.count()) as u64,
        groups: trace.groups,
        dropped_self_edges: trace.dropped_self_edges,
        dropped_repeated_edges: trace.dropped_repeated_edges,
    }
}

/// Why a trace cannot be run.
fn unusable(error: &chakra::ImportError) -> ErrorReport {
    let code = match error {
        chakra::ImportError::Unreadable { .. } => Code::INPUT_UNREADABLE,
        _ => Code::INPUT_INVALID,
    };
    ErrorReport::new(code, error.to_string(), error.hint())
}

#[cfg(test)]
mod tests;
