//! The report for people: verdict first, then what ran, what was counted, and the ledger.
//!
//! Guarantees: compact and aligned; the same report gives the same text; long lists are cut with
//! the number that was left out; names from files cannot steer the terminal. Refuses: colours and
//! the width of the terminal. Called by `cli::output`.

use super::explain::ExplainReport;
use super::failures::{Failure, FailureKind, FailureReport};
use super::latency::Percentiles;
use super::run::{FaultCount, ImportCounts, RunReport};
use super::shadow::{ShadowReport, Unused};
use super::stall::{ConditionReport, StallReport, StalledTask};
use super::verdict::Verdict;
use super::words::{count, duration, printable, task_id};
use crate::analysis::{Analysis, share};
use crate::fault::FaultKind;

/// The most entries of one list: stuck tasks, conditions of a task, gaps.
const MOST_LISTED: usize = 10;

/// The width of the labels on the left.
const LABEL: usize = 10;

/// The report as text, ending with a newline.
pub fn to_text(report: &RunReport) -> String {
    let mut lines = vec![headline(report)];
    if let Some(error) = &report.error {
        let name = printable(&error.name);
        lines.push(row(
            "error",
            &format!("{} {name}: {}", error.code, printable(&error.message)),
        ));
        if !error.hint.is_empty() {
            lines.push(row("hint", &printable(&error.hint)));
        }
    }
    if !matches!(report.verdict, Verdict::Invalid(_)) {
        lines.push(String::new());
        counts(report, &mut lines);
        times(report, &mut lines);
        ledger(report, &mut lines);
    }
    if let Some(analysis) = &report.analysis {
        held_up(analysis, &mut lines);
    }
    failures(&report.failures, &mut lines);
    if let Some(stall) = &report.stall {
        stalled(stall, &mut lines);
    }
    gaps(report, &mut lines);
    if let Some(shadow) = &report.shadow {
        shadowed(shadow, &mut lines);
    }
    if let Some(explained) = &report.explain {
        waited(explained, &mut lines);
    }
    if let Some(trace) = &report.trace {
        lines.push(row("trace", &trace.to_text()));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn headline(report: &RunReport) -> String {
    let verdict = report.verdict.headline();
    if report.scenario.is_empty() {
        return verdict.to_owned();
    }
    format!("{verdict}  {}", printable(&report.scenario))
}

fn row(label: &str, value: &str) -> String {
    format!("  {label:<LABEL$} {value}")
}

/// What an import kept, and what it dropped.
fn imported(import: &ImportCounts) -> String {
    let mut kept = count(import.nodes, "node");
    kept += &format!(", {}", count(import.messages, "message"));
    if import.collectives > 0 {
        let (all, groups) = (
            count(import.collectives, "collective"),
            count(import.groups, "group"),
        );
        kept += &format!(", {all} in {groups}");
    }
    let self_edges = count(import.dropped_self_edges, "self-edge");
    let repeated = count(import.dropped_repeated_edges, "repeated edge");
    format!("{kept}; dropped {self_edges} and {repeated}")
}

fn counts(report: &RunReport, lines: &mut Vec<String>) {
    lines.push(row("run", &what_ran(report)));
    if let Some(device) = &report.device {
        lines.push(row("device", &device.to_text()));
    }
    how_items_went(report, lines);
    if let Some(import) = &report.import {
        lines.push(row("import", &imported(import)));
    }
    for (index, fault) in report.faults.iter().enumerate() {
        let label = if index == 0 { "faults" } else { "" };
        lines.push(row(label, &struck(fault)));
    }
    lines.push(row("result", &result(report)));
    let tasks = &report.tasks;
    let mut ways = format!("{} inline, {} deferred", tasks.inline, tasks.deferred);
    if tasks.items.offered > 0 {
        ways += &format!(", {} by workers", tasks.worked);
    }
    if tasks.items.out > 0 {
        ways += &format!(", {} out", count(tasks.items.out, "item"));
    }
    let mut kept_back = format!("{} quarantined", tasks.quarantined);
    if report.cores_quarantined > 0 {
        kept_back += &format!(
            ", {} out of the pool",
            count(report.cores_quarantined, "core")
        );
    }
    if tasks.skipped > 0 {
        kept_back += &format!(", {} skipped", tasks.skipped);
    }
    lines.push(row(
        "tasks",
        &format!("{} submitted: {ways}, {kept_back}", tasks.submitted),
    ));
    let fins = &report.fins;
    lines.push(row(
        "FINs",
        &format!("{} received, {} applied", fins.received, fins.applied),
    ));
    lines.push(row("mailbox", &mailbox(report)));
    if let Some(command) = &report.command {
        lines.push(row("command", &command.to_text()));
    }
    let waits = &report.wait_list;
    let mut polls = count(waits.polls, "poll");
    if waits.overshoots > 0 {
        polls += &format!(", {}", count(waits.overshoots, "overshoot"));
    }
    if waits.went_back > 0 {
        polls += &format!(", {} back", count(waits.went_back, "step"));
    }
    lines.push(row(
        "wait list",
        &format!(
            "high water {}, left {}, {polls}",
            waits.high_water, waits.left
        ),
    ));
}

fn mailbox(report: &RunReport) -> String {
    let mailbox = &report.mailbox;
    format!(
        "{} in {}; high water {} of {}, full {}",
        kinds(report),
        count(mailbox.accepted, "message"),
        mailbox.high_water,
        count(u64::from(mailbox.slots), "slot"),
        count(mailbox.full, "time")
    )
}

/// The messages of each kind.
fn kinds(report: &RunReport) -> String {
    let (mailbox, items) = (&report.mailbox, &report.tasks.items);
    let kinds = format!(
        "{} CONDITION, {} TASK_NORMAL_DONE",
        mailbox.conditions, mailbox.normal_done
    );
    match items.offered {
        0 => kinds,
        _ => format!("{kinds}, {} WORK_DONE", items.told),
    }
}

/// By launches or through the ring, and why, where there are items.
fn how_items_went(report: &RunReport, lines: &mut Vec<String>) {
    let all = report.persistent.iter().flat_map(|one| one.to_text());
    for (index, line) in all.enumerate() {
        let label = if index == 0 { "persistent" } else { "" };
        lines.push(row(label, &line));
    }
}

fn struck(fault: &FaultCount) -> String {
    let name = printable(&fault.name);
    match fault.strikes {
        0 if fault.name == FaultKind::LinkSlow.info().name => format!(
            "{name} never struck: nothing crossed a slow link (modelled collectives cross none)"
        ),
        0 => format!("{name} never struck: this run gave it too few occasions"),
        strikes => format!("{name} struck {}", count(strikes, "time")),
    }
}

fn what_ran(report: &RunReport) -> String {
    let mut parts = vec![
        printable(&report.target),
        format!(
            "{} of {} and {}",
            count(u64::from(report.ranks), "rank"),
            count(u64::from(report.cores), "core"),
            count(u64::from(report.handlers), "FIN handler")
        ),
        printable(&report.mode),
        format!("seed {}", report.seed),
    ];
    if report.completion != "mailbox" {
        parts.push(format!("completion {}", printable(&report.completion)));
    }
    parts.join(", ")
}

fn result(report: &RunReport) -> String {
    match report.max_diff {
        Some(0.0) => "equal to the golden result, max difference 0".to_owned(),
        Some(difference) if difference.is_nan() => "not a number".to_owned(),
        Some(difference) => format!("max difference from the golden result {difference}"),
        None if report.verdict == Verdict::Wrong => "wrong, as the error says".to_owned(),
        None => "no golden result to compare with".to_owned(),
    }
}

fn times(report: &RunReport, lines: &mut Vec<String>) {
    let wall = format!("{} wall", duration(report.time.wall_ns));
    let both = match report.time.virtual_ns {
        0 => wall,
        virtual_ns => format!("{} virtual, {wall}", duration(virtual_ns)),
    };
    lines.push(row("time", &both));
    latencies(report, lines);
    lines.push(row(
        "digest",
        &match report.digest {
            Some(events) => format!("events {events}, results {}", report.result_digest),
            None => format!("results {}", report.result_digest),
        },
    ));
}

/// The measures that have something measured, one a line.
fn latencies(report: &RunReport, lines: &mut Vec<String>) {
    let latency = &report.latency;
    let measures = [
        ("task", latency.task),
        ("FIN to consumer", latency.fin_to_consumer),
        ("wait", latency.wait),
        ("FIN handling", latency.fin_handling),
    ];
    let measured = measures.iter().filter(|(_, measure)| measure.count > 0);
    for (index, (name, measure)) in measured.enumerate() {
        let label = if index == 0 { "latency" } else { "" };
        lines.push(row(label, &format!("{name:<15}  {}", spread(measure))));
    }
}

fn spread(measure: &Percentiles) -> String {
    format!(
        "p50 {:>8}, p99 {:>8}, max {:>8} of {}",
        duration(measure.p50_ns),
        duration(measure.p99_ns),
        duration(measure.max_ns),
        measure.count
    )
}

fn ledger(report: &RunReport, lines: &mut Vec<String>) {
    for (index, equation) in report.ledger().iter().enumerate() {
        let label = if index == 0 { "ledger" } else { "" };
        lines.push(row(label, &equation.to_string()));
    }
}

/// What held the run up, and the figures that say so.
fn held_up(analysis: &Analysis, lines: &mut Vec<String>) {
    let part = |share: f64| format!("{:.1} %", share * 100.0);
    lines.push(String::new());
    lines.push(row("answer", &printable(&analysis.held_up.sentence)));
    let (path, whole) = (&analysis.path, analysis.makespan_ns);
    let of = |ns: u64| part(share(ns, whole));
    lines.push(row(
        "path",
        &format!(
            "kernels {}, messages {}, queues {}, scheduler {}, nothing {}",
            of(path.work_ns),
            of(path.message_ns),
            of(path.queue_ns),
            of(path.scheduler_ns),
            of(path.nothing_ns)
        ),
    ));
    let cores = analysis.utilisation.iter().zip(&analysis.overhead.kinds);
    let cores = cores.map(|(kind, idle)| {
        let (busy, idle) = (part(kind.share), part(idle.share));
        let beside = "of the time one or more idle beside ready work";
        format!("{} {busy} busy, {idle} {beside}", kind.kind)
    });
    lines.push(row("cores", &cores.collect::<Vec<_>>().join("; ")));
    let bounds = &analysis.bounds;
    lines.push(row(
        "bounds",
        &format!(
            "{} of work, critical path {}; {} at least, took {}",
            duration(bounds.work_ns),
            duration(bounds.critical_path_ns),
            duration(bounds.lower_ns),
            duration(whole)
        ),
    ));
    for (index, wait) in analysis.waits.iter().take(3).enumerate() {
        let whom = match (wait.peer, wait.engine) {
            (Some(peer), _) => format!("rank {peer}"),
            (None, Some(engine)) => engine.to_owned(),
            (None, None) => "nobody who came".to_owned(),
        };
        let label = if index == 0 { "waits" } else { "" };
        let (rank, time) = (wait.rank, duration(wait.ns));
        let text = format!("rank {rank} for {whom}: {time}, {}", part(wait.share));
        lines.push(row(label, &text));
    }
}

/// Roots with their victims; who was cancelled has no line of its own.
fn failures(report: &FailureReport, lines: &mut Vec<String>) {
    if report.count == 0 {
        return;
    }
    lines.push(String::new());
    lines.push(row("failures", &report.count.to_string()));
    let is_root = |failure: &&Failure| failure.outcome != FailureKind::Cancelled;
    for failure in report.list.iter().filter(is_root).take(MOST_LISTED) {
        lines.push(format!("    {}", failed(failure)));
        if failure.victims > 0 {
            lines.push(format!("      {}", cancelled(failure)));
        }
    }
    let roots = report.list.iter().filter(is_root).count();
    more(
        "    ",
        u64::try_from(roots).unwrap_or(u64::MAX),
        roots,
        lines,
    );
}

fn failed(failure: &Failure) -> String {
    let code = match (&failure.code, &failure.code_name) {
        (Some(code), Some(name)) => format!("{code} {}: ", printable(name)),
        _ => String::new(),
    };
    let failed = match failure.outcome {
        FailureKind::Failed => " failed",
        _ => "",
    };
    format!("{code}{}{failed}{}", failure.place(), failure.details())
}

fn cancelled(failure: &Failure) -> String {
    let shown = failure.victim_names.iter().take(MOST_LISTED);
    let shown: Vec<String> = shown.map(|name| printable(name)).collect();
    let left = failure.victims - u64::try_from(shown.len()).unwrap_or(failure.victims);
    let more = match left {
        0 => String::new(),
        left => format!(" and {left} more"),
    };
    let tasks = count(failure.victims, "task");
    format!("cancelled {tasks} behind it: {}{more}", shown.join(", "))
}

fn stalled(stall: &StallReport, lines: &mut Vec<String>) {
    let tasks = count(stall.count(), "task");
    lines.push(String::new());
    lines.push(row(
        "stall",
        &format!("{}; {tasks} stuck", stall.class().name()),
    ));
    if let Some(command) = stall.command() {
        lines.push(row("", &printable(&command.message)));
    }
    if let Some(root) = stall.root() {
        lines.push(row("", &format!("root: {}", printable(&root.message))));
    }
    if stall.unsubmitted() > 0 {
        let tasks = count(stall.unsubmitted(), "task");
        lines.push(row("", &format!("{tasks} not submitted yet")));
    }
    for task in stall.tasks().iter().take(MOST_LISTED) {
        lines.push(format!("    {}", stuck_task(task)));
        for condition in task.conditions.iter().take(MOST_LISTED) {
            lines.push(format!("      {}", unmet(condition)));
        }
        if let Some(point) = &task.point {
            lines.push(format!("      {}", printable(point)));
        }
        let conditions = u64::try_from(task.conditions.len()).unwrap_or(u64::MAX);
        more("      ", conditions, task.conditions.len(), lines);
    }
    more("    ", stall.count(), stall.tasks().len(), lines);
}

/// Says how many of `all` entries are not shown, where `held` were at hand.
fn more(indent: &str, all: u64, held: usize, lines: &mut Vec<String>) {
    let shown = u64::try_from(held.min(MOST_LISTED)).unwrap_or(u64::MAX);
    if all > shown {
        lines.push(format!("{indent}… and {} more", all - shown));
    }
}

fn stuck_task(task: &StalledTask) -> String {
    let id = task_id(task.task);
    let why = if task.conditions.is_empty() {
        ", on no condition"
    } else {
        ""
    };
    let (name, state) = (printable(&task.name), printable(&task.state));
    let blocks = match task.blocks {
        0 => String::new(),
        blocks => format!("; blocks {}", count(blocks, "task")),
    };
    let (rank, age) = (task.rank, duration(task.age_ns));
    format!("{id} {name}, rank {rank}: {state} for {age}{why}{blocks}")
}

fn unmet(condition: &ConditionReport) -> String {
    let what = match &*condition.what {
        "" => String::new(),
        what => format!(", {}", printable(what)),
    };
    let back = match condition.went_back {
        Some([from, to]) => format!(", went back from {from} to {to}"),
        None => String::new(),
    };
    format!(
        "{}{what} at {} expected {} observed {} for {} ({}){back}",
        printable(&condition.completion_type),
        condition.address,
        condition.expected,
        condition.observed,
        duration(condition.age_ns),
        printable(&condition.engine)
    )
}

/// What tasks declared beside what they touched.
fn shadowed(shadow: &ShadowReport, lines: &mut Vec<String>) {
    lines.push(String::new());
    lines.push(row("shadow", &shadow.summary()));
    let found = shadow.undeclared_count + shadow.unordered_count;
    for finding in shadow.findings().take(MOST_LISTED) {
        lines.push(format!("    {finding}"));
    }
    let held = shadow.undeclared.len() + shadow.unordered.len();
    more("    ", found, held, lines);
    let notes = shadow.unused.iter().take(MOST_LISTED);
    lines.extend(
        notes
            .map(Unused::to_text)
            .map(|note| format!("    note: {note}")),
    );
    more("    ", shadow.unused_count, shadow.unused.len(), lines);
}

/// Who is waiting for whom.
fn waited(explained: &[ExplainReport], lines: &mut Vec<String>) {
    lines.push(String::new());
    let all = u64::try_from(explained.len()).unwrap_or(u64::MAX);
    let said = match all {
        0 => "every point was reached, and nobody waits".to_owned(),
        all => format!("{all} did not come"),
    };
    lines.push(row("waits", &said));
    for one in explained.iter().take(MOST_LISTED) {
        let (name, message) = (printable(&one.name), printable(&one.message));
        lines.push(format!("    rank {}, {name}: {message}", one.rank));
    }
    more("    ", all, explained.len(), lines);
}

fn gaps(report: &RunReport, lines: &mut Vec<String>) {
    if report.gaps.is_empty() {
        return;
    }
    let all = u64::try_from(report.gaps.len()).unwrap_or(u64::MAX);
    lines.push(String::new());
    lines.push(row("gaps", &all.to_string()));
    for gap in report.gaps.iter().take(MOST_LISTED) {
        let (kind, message) = (printable(&gap.kind), printable(&gap.message));
        lines.push(format!("    {kind}, rank {}: {message}", gap.rank));
    }
    more("    ", all, report.gaps.len(), lines);
}
