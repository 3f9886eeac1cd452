//! File → workload.

use finbox_scheduler::limits::MAX_CONDITIONS;
use serde::Deserialize;

use super::model::{
    AccessFile, CheckFile, ComparisonFile, DataFile, ExpectFile, GraphFile, LimitsFile, PartFile,
    PredicateFile, PriorityFile, RankFile, ShapeFile, SpanFile, SubtaskFile, TaskFile, TaskName,
    UseFile,
};
use super::names::Names;
use super::problem::{GraphProblem, Located, at};
use super::read_op::op;
use super::scalar::{F32, Hex};
use super::streams::streams;
use super::{Graph, SCHEMA};
use crate::device::{CounterPlace, EngineMemory, QueuePlan};
use crate::file::Step::{At, Field};
use crate::file::{FileError, Step, TextFile};
use crate::workload::golden::Golden;
use crate::workload::op::conditions_of;
use crate::workload::parents;
use crate::workload::plan::{
    BufferPlan, BufferUse, Init, PredicatePlan, RankPlan, Span, TaskPlan, TaskRef, Workload, index,
};
use crate::workload::random::Limits;
use crate::workload::rules::RuleSet;
use crate::workload::verify::{Check, Expect};
use crate::workload::{Access, Comparison, PlanError, Priority, Shape, Subtasks};

/// Most ranks of a run.
const MOST_RANKS: usize = 64;
/// Most blocks of a task.
const MOST_BLOCKS: u16 = 32_767;
/// Buffers begin at multiples of this, where a file says nothing.
pub(super) const ALIGN_BYTES: u64 = 64;

/// What says which format a file has.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: String,
}

/// Reads a graph.
///
/// # Errors
/// [`FileError`], with the line of what is wrong.
pub fn read(file: &TextFile) -> Result<Graph, FileError> {
    let Head { schema: found } = file.parse()?;
    let located = |Located { steps, problem }| file.wrong(&steps, problem);
    if found != SCHEMA {
        let found = found.chars().take(80).collect();
        return Err(located(at(&[Field("schema")])(GraphProblem::Schema {
            found,
        })));
    }
    let graph: GraphFile = file.parse()?;
    let workload = workload(&graph, file.stem()).map_err(located)?;
    workload
        .check()
        .map_err(|error| file.wrong(&place_of(&error), GraphProblem::Plan(error)))?;
    Ok(Graph {
        workload,
        limits: graph.limits.map(limits),
    })
}

/// Where in the file a problem of the plan is.
fn place_of(error: &PlanError) -> Vec<Step<'static>> {
    if let Some(place) = error.place() {
        return task_steps(place.rank as usize, place.task as usize);
    }
    let Some(rank) = error.rank() else {
        return vec![Field("order")];
    };
    let mut steps = vec![Field("ranks"), At(rank as usize)];
    if let Some(set) = error.rule_set() {
        steps.extend([Field("rule_sets"), At(set)]);
    }
    if let Some(part) = error.part() {
        steps.extend([Field("parts"), At(part)]);
    }
    steps
}

fn task_steps(rank: usize, task: usize) -> Vec<Step<'static>> {
    vec![Field("ranks"), At(rank), Field("tasks"), At(task)]
}

const fn limits(file: LimitsFile) -> Limits {
    Limits {
        cores: file.cores,
        handlers: file.handlers,
        mailbox_slots: file.mailbox_slots,
        task_slots: file.task_slots,
        edge_nodes: file.edge_nodes,
        condition_room: file.condition_room,
        heap_bytes: file.heap_bytes,
    }
}

fn workload(file: &GraphFile, stem: String) -> Result<Workload, Located> {
    let count = file.ranks.len();
    if !(1..=MOST_RANKS).contains(&count) {
        let most = MOST_RANKS;
        return Err(at(&[Field("ranks")])(GraphProblem::Ranks { count, most }));
    }
    let bases = bases(file)?;
    let names: Vec<Names<'_>> = file.ranks.iter().zip(&bases).map(named).collect();
    let mut ranks = Vec::with_capacity(count);
    for (own, (base, rank)) in bases.iter().zip(&file.ranks).enumerate() {
        let all = All {
            bases: &bases,
            names: &names,
            own,
        };
        let rank = all.rank(base, rank)?;
        acyclic(own, &rank)?;
        ranks.push(rank);
    }
    let all = All {
        bases: &bases,
        names: &names,
        own: 0,
    };
    let steps = |nth| [Field("order"), At(nth)];
    let order = file.order.as_ref().map(|order| {
        let found = order.iter().enumerate();
        found
            .map(|(nth, name)| all.task(name).map_err(at(&steps(nth))))
            .collect()
    });
    let order = match order.transpose()? {
        Some(order) => order,
        None => Workload::order_by_turns(&ranks),
    };
    let checks = file.checks.iter().enumerate();
    let checks =
        checks.map(|(nth, check)| all.check(check).map_err(at(&[Field("checks"), At(nth)])));
    let mut workload = Workload {
        name: file.name.clone().unwrap_or(stem),
        order,
        golden: file.golden,
        is_stated: true,
        checks: checks.collect::<Result<_, _>>()?,
        ranks,
        ..Workload::default()
    };
    workload.add_gates();
    Ok(workload)
}

/// No task waits for itself, not over others either.
fn acyclic(rank: usize, plan: &RankPlan) -> Result<(), Located> {
    let parents: Vec<Vec<u32>> = plan.tasks.iter().map(|task| task.after.to_vec()).collect();
    let Err(cycle) = parents::order(&parents) else {
        return Ok(());
    };
    let members = cycle.iter().map(|&task| &*plan.tasks[task as usize].name);
    let members = parents::shown(members);
    let rank_label = plan.rank;
    Err(at(&task_steps(rank, cycle[0] as usize))(
        GraphProblem::Cycle {
            rank: rank_label,
            members,
        },
    ))
}

/// The ranks with buffers and engines, and nothing that names anything.
fn bases(file: &GraphFile) -> Result<Vec<RankPlan>, Located> {
    let mut bases: Vec<RankPlan> = Vec::with_capacity(file.ranks.len());
    for (nth, rank) in file.ranks.iter().enumerate() {
        let steps = [Field("ranks"), At(nth)];
        let label = rank.rank.unwrap_or(index(nth));
        if bases.iter().any(|other| other.rank == label) {
            return Err(at(&steps)(GraphProblem::SameRank { rank: label }));
        }
        bases.push(base(rank, label).map_err(|(buffer, problem)| {
            let steps = [&steps[..], &[Field("buffers"), At(buffer)]].concat();
            Located { steps, problem }
        })?);
    }
    Ok(bases)
}

fn base(file: &RankFile, label: u32) -> Result<RankPlan, (usize, GraphProblem)> {
    let mut plan = RankPlan::new(label);
    for (nth, buffer) in file.buffers.iter().enumerate() {
        let align = buffer.align.unwrap_or(ALIGN_BYTES);
        if !align.is_power_of_two() {
            let (field, value, range) = ("align", align, "a power of two");
            return Err((
                nth,
                GraphProblem::Range {
                    field,
                    value,
                    range,
                },
            ));
        }
        let behind = plan.data_bytes.checked_next_multiple_of(align);
        let offset = buffer.at.or(behind).ok_or((nth, GraphProblem::TooFar))?;
        let end = offset.checked_add(buffer.bytes);
        let end = end.ok_or((nth, GraphProblem::TooFar))?;
        plan.data_bytes = plan.data_bytes.max(end);
        plan.buffers.push(BufferPlan {
            name: buffer.name.clone(),
            offset,
            bytes: buffer.bytes,
            takes: None,
        });
    }
    let set = |patterns: &Vec<Hex>| RuleSet::of(patterns.iter().map(|one| &*one.0));
    plan.rule_sets = file.rule_sets.iter().map(set).collect();
    plan.data_bytes = file.data_bytes.unwrap_or(plan.data_bytes);
    plan.streams = streams(file);
    let queues = file.completion_queues.iter();
    plan.engines = EngineMemory {
        sdma_streams: file.sdma_streams,
        completion_queues: queues
            .map(|queue| QueuePlan {
                entries: queue.entries,
                first: queue.first,
            })
            .collect(),
    };
    Ok(plan)
}

fn named<'n>((file, base): (&'n RankFile, &'n RankPlan)) -> Names<'n> {
    let counters = file.counters.iter().map(|counter| &*counter.name);
    let tasks = file.tasks.iter().map(|task| &*task.name);
    Names::new(base, counters.collect(), tasks.collect())
}

/// What names may refer to, as seen from one rank.
pub(super) struct All<'n> {
    bases: &'n [RankPlan],
    names: &'n [Names<'n>],
    own: usize,
}

impl All<'_> {
    /// The names of the own rank.
    pub(super) fn own(&self) -> &Names<'_> {
        &self.names[self.own]
    }

    /// A rank by its number: its index and its names.
    pub(super) fn peer(&self, rank: u32) -> Result<(u32, &Names<'_>), GraphProblem> {
        let found = self.bases.iter().position(|base| base.rank == rank);
        let found = found.ok_or(GraphProblem::NoRank { rank })?;
        Ok((index(found), &self.names[found]))
    }

    fn task(&self, (rank, task): &TaskName) -> Result<TaskRef, GraphProblem> {
        let (rank, names) = self.peer(*rank)?;
        let task = names.task(task)?;
        Ok(TaskRef { rank, task })
    }

    fn rank(&self, base: &RankPlan, file: &RankFile) -> Result<RankPlan, Located> {
        let below = |field, nth| at(&[Field("ranks"), At(self.own), Field(field), At(nth)]);
        let mut plan = base.clone();
        for (nth, counter) in file.counters.iter().enumerate() {
            let place = counter.at.as_ref().map(|place| self.own().place(place));
            let place = place.transpose().map_err(below("counters", nth))?;
            plan.counters
                .push(place.map_or(CounterPlace::Packed, CounterPlace::Data));
        }
        self.takes(file, &mut plan)
            .map_err(|(nth, problem)| below("buffers", nth)(problem))?;
        for (nth, init) in file.init.iter().enumerate() {
            let place = self.own().place(&init.at).map_err(below("init", nth))?;
            plan.init.push(first_values(place, &init.data));
        }
        plan.tasks.reserve_exact(self.own().task_count());
        for (nth, task) in file.tasks.iter().enumerate() {
            plan.tasks.push(self.planned(nth, task)?);
        }
        for (nth, part) in file.parts.iter().enumerate() {
            plan.parts
                .push(self.part(part).map_err(below("parts", nth))?);
        }
        Ok(plan)
    }

    fn planned(&self, nth: usize, file: &TaskFile) -> Result<TaskPlan, Located> {
        let steps = task_steps(self.own, nth);
        let mut task = self.unprogrammed(file).map_err(at(&steps))?;
        self.launched(file, &mut task).map_err(at(&steps))?;
        let program = file.program.iter().enumerate().map(|(nth, written)| {
            let steps = [&steps[..], &[Field("program"), At(nth)]].concat();
            op(self, written).map_err(at(&steps))
        });
        task.program = program.collect::<Result<_, _>>()?;
        task.defers = match file.defers {
            Some(most) if most <= max_conditions() => most,
            Some(most) => {
                return Err(at(&steps)(GraphProblem::Range {
                    field: "defers",
                    value: most.into(),
                    range: "0 to 64",
                }));
            }
            None => counted(&mut task).map_err(at(&steps))?,
        };
        Ok(task)
    }

    fn unprogrammed(&self, file: &TaskFile) -> Result<TaskPlan, GraphProblem> {
        let shape = shape(file.shape);
        let subtasks = subtasks(&file.subtasks);
        if shape == Shape::Mix && subtasks.is_empty() {
            return Err(GraphProblem::NoSubtasks);
        }
        let after = file.after.iter().map(|first| self.own().task(first));
        let predicate = file.only_if.as_ref().map(|only_if| self.predicate(only_if));
        let output = file.output.as_ref().map(|output| self.span(output));
        Ok(TaskPlan {
            subtasks,
            blocks: blocks(file.blocks)?,
            sync_start: file.sync_start,
            priority: match file.priority {
                PriorityFile::Normal => Priority::Normal,
                PriorityFile::High => Priority::High,
            },
            predicate: predicate.transpose()?,
            run_budget_ns: file.run_budget_ns,
            wait_budget_ns: file.wait_budget_ns,
            output_bytes: file.output_bytes,
            opens: file.opens,
            closes: file.closes,
            uses: file
                .uses
                .iter()
                .map(|used| self.used(used))
                .collect::<Result<_, _>>()?,
            after: after.collect::<Result<_, _>>()?,
            output: output.transpose()?,
            ..TaskPlan::new(String::from(&*file.name), shape, file.duration_ns)
        })
    }

    fn used(&self, file: &UseFile) -> Result<BufferUse, GraphProblem> {
        let buffer = self.own().buffer(&file.buffer)?;
        let all = self.bases[self.own].buffers[buffer as usize].bytes;
        let rest = all.saturating_sub(file.offset);
        Ok(BufferUse {
            buffer,
            span: Span {
                at: file.offset,
                bytes: file.bytes.unwrap_or(rest),
            },
            access: match file.access {
                AccessFile::In => Access::In,
                AccessFile::Out => Access::Out,
                AccessFile::Inout => Access::InOut,
            },
        })
    }

    fn span(&self, file: &SpanFile) -> Result<Span, GraphProblem> {
        let at = self.own().place(&file.at)?;
        Ok(Span {
            at,
            bytes: file.bytes,
        })
    }

    fn predicate(&self, file: &PredicateFile) -> Result<PredicatePlan, GraphProblem> {
        Ok(PredicatePlan {
            counter: self.own().counter(&file.counter)?,
            comparison: match file.is {
                ComparisonFile::Equal => Comparison::Equal,
                ComparisonFile::NotEqual => Comparison::NotEqual,
                ComparisonFile::Less => Comparison::Less,
                ComparisonFile::LessOrEqual => Comparison::LessOrEqual,
                ComparisonFile::Greater => Comparison::Greater,
                ComparisonFile::GreaterOrEqual => Comparison::GreaterOrEqual,
            },
            value: file.value,
        })
    }

    fn part(&self, file: &PartFile) -> Result<Golden, GraphProblem> {
        let writers = file.writers.iter().map(|writer| self.task(writer));
        Ok(Golden {
            at: self.own().place(&file.at)?,
            words: file.u32s.clone().into(),
            writers: writers.collect::<Result<_, _>>()?,
        })
    }

    fn check(&self, file: &CheckFile) -> Result<Check, GraphProblem> {
        let (rank, names) = self.peer(file.rank)?;
        Ok(Check {
            rank,
            name: file.name.clone(),
            at: names.place(&file.at)?,
            expect: match &file.expect {
                ExpectFile::Fill {
                    count,
                    f32: F32(value),
                } => Expect::F32 {
                    count: *count,
                    value: *value,
                },
                ExpectFile::F32s(values) => Expect::F32s(values.iter().map(|it| it.0).collect()),
                ExpectFile::U32s(words) => Expect::U32(words.clone().into()),
                ExpectFile::Pattern { seed, bytes } => Expect::Pattern {
                    seed: *seed,
                    bytes: *bytes,
                },
            },
        })
    }
}

fn first_values(at: u64, data: &DataFile) -> Init {
    match data {
        DataFile::Fill {
            count,
            f32: F32(value),
        } => Init::F32 {
            at,
            count: *count,
            value: *value,
        },
        DataFile::F32s(values) => Init::U32 {
            at,
            words: values.iter().map(|value| value.0.to_bits()).collect(),
        },
        DataFile::U32s(words) => Init::U32 {
            at,
            words: words.clone().into(),
        },
        DataFile::Pattern { seed, bytes } => Init::Pattern {
            at,
            bytes: *bytes,
            seed: *seed,
        },
    }
}

const fn shape(file: ShapeFile) -> Shape {
    match file {
        ShapeFile::Aic => Shape::Aic,
        ShapeFile::Aiv => Shape::Aiv,
        ShapeFile::Mix => Shape::Mix,
        ShapeFile::Host => Shape::Host,
        ShapeFile::Dummy => Shape::Dummy,
        ShapeFile::Work => Shape::Work,
    }
}

/// The set of these.
pub(super) fn subtasks(file: &[SubtaskFile]) -> Subtasks {
    let one = |subtask: &SubtaskFile| match subtask {
        SubtaskFile::Aic => Subtasks::AIC,
        SubtaskFile::Aiv0 => Subtasks::AIV0,
        SubtaskFile::Aiv1 => Subtasks::AIV1,
    };
    file.iter().map(one).collect()
}

fn max_conditions() -> u8 {
    u8::try_from(MAX_CONDITIONS).expect("64 fits a byte")
}

/// As many conditions as the program of `task` registers.
fn counted(task: &mut TaskPlan) -> Result<u8, GraphProblem> {
    task.defers = 1;
    let count = conditions_of(task);
    let fits = u8::try_from(count)
        .ok()
        .filter(|&count| count <= max_conditions());
    fits.ok_or(GraphProblem::Range {
        field: "the number of conditions",
        value: count,
        range: "at most 64 in all blocks and subtasks of a task",
    })
}

fn blocks(blocks: u64) -> Result<u16, GraphProblem> {
    let possible = u16::try_from(blocks).ok();
    let possible = possible.filter(|blocks| (1..=MOST_BLOCKS).contains(blocks));
    possible.ok_or(GraphProblem::Range {
        field: "blocks",
        value: blocks,
        range: "1 to 32767",
    })
}
