//! The report for people: verdict first, then what ran, what was counted, and the ledger.
//!
//! Guarantees: compact and aligned; the same report gives the same text; long lists are cut with
//! the number that was left out; names from files cannot steer the terminal. Refuses: colours and
//! the width of the terminal. Called by `cli::output`.

use super::run::RunReport;
use super::stall::{ConditionReport, StallReport, StalledTask};
use super::words::{count, duration, printable};

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
    if !matches!(report.verdict, super::Verdict::Invalid(_)) {
        lines.push(String::new());
        counts(report, &mut lines);
        times(report, &mut lines);
        ledger(report, &mut lines);
    }
    if let Some(stall) = &report.stall {
        stalled(stall, &mut lines);
    }
    gaps(report, &mut lines);
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

fn counts(report: &RunReport, lines: &mut Vec<String>) {
    lines.push(row("run", &what_ran(report)));
    if let Some(import) = &report.import {
        let dropped = format!(
            "dropped {} and {}",
            count(import.dropped_self_edges, "self-edge"),
            count(import.dropped_repeated_edges, "repeated edge")
        );
        let kept = format!(
            "{}, {}",
            count(import.nodes, "node"),
            count(import.messages, "message")
        );
        lines.push(row("import", &format!("{kept}; {dropped}")));
    }
    lines.push(row("result", &result(report.max_diff)));
    let tasks = &report.tasks;
    let ways = format!("{} inline, {} deferred", tasks.inline, tasks.deferred);
    let kept_back = format!("{} quarantined", tasks.quarantined);
    lines.push(row(
        "tasks",
        &format!("{} submitted: {ways}, {kept_back}", tasks.submitted),
    ));
    let fins = &report.fins;
    lines.push(row(
        "FINs",
        &format!("{} received, {} applied", fins.received, fins.applied),
    ));
    let mailbox = &report.mailbox;
    let kinds = format!(
        "{} CONDITION, {} TASK_NORMAL_DONE",
        mailbox.conditions, mailbox.normal_done
    );
    let room = format!(
        "high water {} of {}, full {}",
        mailbox.high_water,
        count(u64::from(mailbox.slots), "slot"),
        count(mailbox.full, "time")
    );
    lines.push(row("mailbox", &format!("{kinds}; {room}")));
    let waits = &report.wait_list;
    let polls = count(waits.polls, "poll");
    lines.push(row(
        "wait list",
        &format!(
            "high water {}, left {}, {polls}",
            waits.high_water, waits.left
        ),
    ));
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

fn result(max_diff: Option<f64>) -> String {
    match max_diff {
        Some(0.0) => "equal to the golden result, max difference 0".to_owned(),
        Some(difference) if difference.is_nan() => "not a number".to_owned(),
        Some(difference) => format!("max difference from the golden result {difference}"),
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
    lines.push(row(
        "digest",
        &match report.digest {
            Some(events) => format!("events {events}, results {}", report.result_digest),
            None => format!("results {}", report.result_digest),
        },
    ));
}

fn ledger(report: &RunReport, lines: &mut Vec<String>) {
    for (index, equation) in report.ledger().iter().enumerate() {
        let label = if index == 0 { "ledger" } else { "" };
        lines.push(row(label, &equation.to_string()));
    }
}

fn stalled(stall: &StallReport, lines: &mut Vec<String>) {
    let tasks = count(stall.count(), "task");
    lines.push(String::new());
    lines.push(row(
        "stall",
        &format!("{}; {tasks} stuck", printable(stall.class())),
    ));
    for task in stall.tasks().iter().take(MOST_LISTED) {
        lines.push(format!("    {}", stuck_task(task)));
        for condition in task.conditions.iter().take(MOST_LISTED) {
            lines.push(format!("      {}", unmet(condition)));
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
    let (ring, local) = (task.task >> 32, task.task & 0xffff_ffff);
    let id = if ring == 0 {
        format!("task {local}")
    } else {
        format!("task {ring}:{local}")
    };
    let why = if task.conditions.is_empty() {
        ", on no condition"
    } else {
        ""
    };
    let (name, state) = (printable(&task.name), printable(&task.state));
    format!("{id} {name}, rank {}: {state}{why}", task.rank)
}

fn unmet(condition: &ConditionReport) -> String {
    format!(
        "{} at {} expected {} observed {} for {} ({})",
        printable(&condition.completion_type),
        condition.address,
        condition.expected,
        condition.observed,
        duration(condition.age_ns),
        printable(&condition.engine)
    )
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
