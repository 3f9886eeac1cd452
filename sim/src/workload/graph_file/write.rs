//! Workload → file.

use std::collections::HashSet;

use super::SCHEMA;
use super::model::{
    AccessFile, BufferFile, CheckFile, ComparisonFile, CounterFile, DataFile, ExpectFile,
    GraphFile, InitFile, LimitsFile, PartFile, PredicateFile, PriorityFile, QueueFile, RankFile,
    ShapeFile, SpanFile, SubtaskFile, TaskFile, TaskName, UseFile,
};
use super::names::Names;
use super::read::ALIGN_BYTES;
use super::scalar::{F32, Hex};
use super::streams::stream_files;
use super::write_op::op;
use crate::device::CounterPlace;
use crate::file::laid_out;
use crate::workload::list::{After, Seldom};
use crate::workload::op::conditions_of;
use crate::workload::plan::{BufferUse, Init, RankPlan, TaskPlan, TaskRef, Workload};
use crate::workload::random::Limits;
use crate::workload::rules::RuleSet;
use crate::workload::verify::{Check, Expect};
use crate::workload::{Access, Comparison, Priority, Shape, Subtasks};

/// Writes `workload`, which must have passed [`Workload::check`], as a graph file.
pub fn write(workload: &Workload, limits: Option<&Limits>) -> String {
    let counters: Vec<Vec<String>> = workload.ranks.iter().map(counter_names).collect();
    let named = workload
        .ranks
        .iter()
        .zip(&counters)
        .map(|(plan, counters)| named(plan, counters));
    let names: Vec<Names<'_>> = named.collect();
    let all = All {
        workload,
        names: &names,
    };
    let is_usual = workload.order == Workload::order_by_turns(&workload.ranks);
    let order = workload.order.iter().map(|at| all.task_name(*at));
    let ranks = (0..).zip(&workload.ranks).zip(&counters);
    let file = GraphFile {
        schema: SCHEMA.into(),
        name: Some(workload.name.clone()),
        golden: workload.golden,
        limits: limits.map(limited),
        ranks: ranks
            .map(|((own, plan), counters)| all.rank(own, plan, counters))
            .collect(),
        order: (!is_usual).then(|| order.collect()),
        checks: workload
            .checks
            .iter()
            .map(|check| all.check(check))
            .collect(),
    };
    let text = serde_json::to_string(&file).expect("a graph is names and numbers");
    drop(file);
    laid_out(&text)
}

const fn limited(limits: &Limits) -> LimitsFile {
    LimitsFile {
        cores: limits.cores,
        handlers: limits.handlers,
        mailbox_slots: limits.mailbox_slots,
        task_slots: limits.task_slots,
        edge_nodes: limits.edge_nodes,
        condition_room: limits.condition_room,
        heap_bytes: limits.heap_bytes,
    }
}

/// A counter that fills a buffer has its name; others are numbered.
fn counter_names(plan: &RankPlan) -> Vec<String> {
    let mut taken = HashSet::new();
    let name = |(nth, place): (usize, &CounterPlace)| {
        let at = |offset: u64| move |buffer: &&_| is_counter(buffer, offset);
        let buffer = match place {
            CounterPlace::Packed => None,
            CounterPlace::Data(offset) => plan.buffers.iter().find(at(*offset)),
        };
        let of_buffer = buffer.map(|buffer| buffer.name.to_string());
        let name = of_buffer.filter(|name| taken.insert(name.clone()));
        name.unwrap_or_else(|| format!("c{nth}"))
    };
    plan.counters.iter().enumerate().map(name).collect()
}

fn is_counter(buffer: &crate::workload::BufferPlan, offset: u64) -> bool {
    (buffer.offset, buffer.bytes) == (offset, 4)
}

fn named<'n>(plan: &'n RankPlan, counters: &'n [String]) -> Names<'n> {
    let tasks = plan.tasks.iter().map(|task| &*task.name);
    Names::new(
        plan,
        counters.iter().map(String::as_str).collect(),
        tasks.collect(),
    )
}

/// A workload and its names.
pub(super) struct All<'n> {
    workload: &'n Workload,
    pub(super) names: &'n [Names<'n>],
}

impl All<'_> {
    /// The number of a rank, and its names.
    pub(super) fn peer(&self, rank: u32) -> (u32, &Names<'_>) {
        (
            self.workload.ranks[rank as usize].rank,
            &self.names[rank as usize],
        )
    }

    fn task_name(&self, at: TaskRef) -> TaskName {
        let (rank, names) = self.peer(at.rank);
        (rank, names.task_called(at.task))
    }

    fn rank(&self, own: u32, plan: &RankPlan, counters: &[String]) -> RankFile {
        let (label, names) = self.peer(own);
        let (buffers, end) = buffers(plan, names);
        let counter = |(name, place): (&String, &CounterPlace)| CounterFile {
            name: name.as_str().into(),
            at: match place {
                CounterPlace::Packed => None,
                CounterPlace::Data(offset) => Some(names.place_called(*offset)),
            },
        };
        let queues = plan.engines.completion_queues.iter();
        let part = |part: &crate::workload::Golden| PartFile {
            at: names.place_called(part.at),
            u32s: part.words.to_vec(),
            writers: part
                .writers
                .iter()
                .map(|&writer| self.task_name(writer))
                .collect(),
        };
        RankFile {
            rank: (label != own).then_some(label),
            data_bytes: (plan.data_bytes != end).then_some(plan.data_bytes),
            buffers,
            counters: counters.iter().zip(&plan.counters).map(counter).collect(),
            sdma_streams: plan.engines.sdma_streams,
            completion_queues: queues
                .map(|queue| QueueFile {
                    entries: queue.entries,
                    first: queue.first,
                })
                .collect(),
            init: plan
                .init
                .iter()
                .map(|init| first_values(names, init))
                .collect(),
            rule_sets: plan.rule_sets.iter().map(patterns).collect(),
            streams: stream_files(plan),
            tasks: plan.tasks.iter().map(|task| self.task(own, task)).collect(),
            parts: plan.parts.iter().map(part).collect(),
        }
    }

    fn task(&self, own: u32, task: &TaskPlan) -> TaskFile {
        let names = &self.names[own as usize];
        let counted = TaskPlan {
            defers: 1,
            uses: Seldom::new(),
            after: After::new(),
            ..task.clone()
        };
        let is_usual = u64::from(task.defers) == conditions_of(&counted);
        let mut file = TaskFile {
            name: task.name.clone().into(),
            shape: shape(task.shape),
            subtasks: subtasks(task.subtasks),
            blocks: task.blocks.into(),
            sync_start: task.sync_start,
            priority: match task.priority {
                Priority::Normal => PriorityFile::Normal,
                Priority::High => PriorityFile::High,
            },
            only_if: task.predicate.map(|predicate| PredicateFile {
                counter: names.counter_called(predicate.counter),
                is: comparison(predicate.comparison),
                value: predicate.value,
            }),
            duration_ns: task.duration_ns,
            run_budget_ns: task.run_budget_ns,
            wait_budget_ns: task.wait_budget_ns,
            output_bytes: task.output_bytes,
            opens: task.opens,
            closes: task.closes,
            after: task
                .after
                .iter()
                .map(|&first| names.task_called(first))
                .collect(),
            stream: None,
            waits: Vec::new(),
            frees: Vec::new(),
            externals: Vec::new(),
            uses: task.uses.iter().map(|used| self.used(own, used)).collect(),
            defers: (!is_usual).then_some(task.defers),
            program: task
                .program
                .iter()
                .map(|step| op(self, own, step))
                .collect(),
            output: task.output.map(|output| SpanFile {
                at: names.place_called(output.at),
                bytes: output.bytes,
            }),
        };
        self.launch(own, task, &mut file);
        file
    }

    fn used(&self, own: u32, used: &BufferUse) -> UseFile {
        let buffer = &self.workload.ranks[own as usize].buffers[used.buffer as usize];
        let rest = buffer.bytes.saturating_sub(used.span.at);
        UseFile {
            buffer: self.names[own as usize].buffer_called(used.buffer),
            access: match used.access {
                Access::In => AccessFile::In,
                Access::Out => AccessFile::Out,
                Access::InOut => AccessFile::Inout,
            },
            offset: used.span.at,
            bytes: (used.span.bytes != rest).then_some(used.span.bytes),
        }
    }

    fn check(&self, check: &Check) -> CheckFile {
        let (rank, names) = self.peer(check.rank);
        CheckFile {
            rank,
            name: check.name.clone(),
            at: names.place_called(check.at),
            expect: match &check.expect {
                Expect::F32 { count, value } => ExpectFile::Fill {
                    count: *count,
                    f32: F32(*value),
                },
                Expect::F32s(values) => ExpectFile::F32s(values.iter().copied().map(F32).collect()),
                Expect::U32(words) => ExpectFile::U32s(words.to_vec()),
                Expect::Pattern { seed, bytes } => ExpectFile::Pattern {
                    seed: *seed,
                    bytes: *bytes,
                },
            },
        }
    }
}

/// The buffers, and where the data ends if it ends with them.
fn buffers(plan: &RankPlan, names: &Names<'_>) -> (Vec<BufferFile>, u64) {
    let mut end = 0_u64;
    let buffer = |buffer: &crate::workload::BufferPlan| {
        let usual = end.checked_next_multiple_of(ALIGN_BYTES);
        end = end.max(buffer.offset.saturating_add(buffer.bytes));
        BufferFile {
            name: buffer.name.clone(),
            bytes: buffer.bytes,
            at: (usual != Some(buffer.offset)).then_some(buffer.offset),
            align: None,
            takes: buffer.takes.map(|before| names.buffer_called(before)),
        }
    };
    (plan.buffers.iter().map(buffer).collect(), end)
}

fn patterns(rules: &RuleSet) -> Vec<Hex> {
    rules.patterns.iter().cloned().map(Hex).collect()
}

fn first_values(names: &Names<'_>, init: &Init) -> InitFile {
    let (at, data) = match init {
        Init::F32 { at, count, value } => (
            at,
            DataFile::Fill {
                count: *count,
                f32: F32(*value),
            },
        ),
        Init::U32 { at, words } if words.iter().all(|&word| looks_like_f32(word)) => {
            let values = words.iter().map(|&word| F32(f32::from_bits(word)));
            (at, DataFile::F32s(values.collect()))
        }
        Init::U32 { at, words } => (at, DataFile::U32s(words.to_vec())),
        Init::Pattern { at, bytes, seed } => {
            let (seed, bytes) = (*seed, *bytes);
            (at, DataFile::Pattern { seed, bytes })
        }
    };
    InitFile {
        at: names.place_called(*at),
        data,
    }
}

/// Whether a word reads better as an `f32`, which both are the same bits of.
fn looks_like_f32(word: u32) -> bool {
    let size = f32::from_bits(word).abs();
    word == 0 || (1e-6..1e9).contains(&size)
}

const fn shape(shape: Shape) -> ShapeFile {
    match shape {
        Shape::Aic => ShapeFile::Aic,
        Shape::Aiv => ShapeFile::Aiv,
        Shape::Mix => ShapeFile::Mix,
        Shape::Host => ShapeFile::Host,
        Shape::Dummy => ShapeFile::Dummy,
        Shape::Work => ShapeFile::Work,
    }
}

const fn comparison(comparison: Comparison) -> ComparisonFile {
    match comparison {
        Comparison::Equal => ComparisonFile::Equal,
        Comparison::NotEqual => ComparisonFile::NotEqual,
        Comparison::Less => ComparisonFile::Less,
        Comparison::LessOrEqual => ComparisonFile::LessOrEqual,
        Comparison::Greater => ComparisonFile::Greater,
        Comparison::GreaterOrEqual => ComparisonFile::GreaterOrEqual,
    }
}

/// These, one by one.
pub(super) fn subtasks(subtasks: Subtasks) -> Vec<SubtaskFile> {
    let all = [
        (Subtasks::AIC, SubtaskFile::Aic),
        (Subtasks::AIV0, SubtaskFile::Aiv0),
        (Subtasks::AIV1, SubtaskFile::Aiv1),
    ];
    let some = all.into_iter().filter(|(one, _)| subtasks.contains(*one));
    some.map(|(_, written)| written).collect()
}
