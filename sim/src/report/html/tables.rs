//! The figures below the picture, table by table.

use std::collections::BTreeMap;

use super::{Shown, count, duration, escaped, label, push, rate, size, task_name};
use crate::analysis::{Analysis, Because, LinkUse, Part, PartKind, Stage, Wait, realised_path};
use crate::report::Percentiles;

/// Rows of one table.
const MOST_ROWS: usize = 64;

/// Parts of the path that are listed, the longest ones.
const MOST_PARTS: usize = 40;

/// Writes all tables.
pub(super) fn all(page: &mut String, shown: &Shown<'_>) {
    if let Some(analysis) = &shown.report.analysis {
        links(page, &analysis.links);
        waits(page, shown, &analysis.waits);
        path(page, shown, analysis);
        cores(page, shown, analysis);
        latencies(page, &analysis.latencies);
        if analysis.left_out > 0 {
            let left = analysis.left_out;
            push(
                page,
                format_args!(
                    "<p>Left out for want of room: {left} of what there was to record.</p>"
                ),
            );
        }
    }
    ledger(page, shown);
    ends(page, shown);
}

/// How busy the cores of a rank were, in words.
pub(super) fn rank_share(shown: &Shown<'_>, rank: u32) -> String {
    let Some(analysis) = &shown.report.analysis else {
        return String::new();
    };
    let kinds = analysis.utilisation.iter().filter_map(|kind| {
        let share = kind.ranks.get(rank as usize)?;
        Some(format!("{} {}", kind.kind, percent(*share)))
    });
    let kinds: Vec<String> = kinds.collect();
    kinds.join(", ")
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A table with a heading; the first `text` columns are text, the others numbers.
fn table(page: &mut String, heads: &[&str], text: usize, rows: &[Vec<String>]) {
    let class = |column: usize| if column < text { "" } else { " class=\"n\"" };
    *page += "<div class=\"scroll\"><table><tr>";
    for (column, head) in heads.iter().enumerate() {
        push(page, format_args!("<th{}>{head}</th>", class(column)));
    }
    *page += "</tr>";
    for (index, row) in rows.iter().take(MOST_ROWS).enumerate() {
        *page += if index == 0 {
            "<tr class=\"first\">"
        } else {
            "<tr>"
        };
        for (column, cell) in row.iter().enumerate() {
            push(page, format_args!("<td{}>{cell}</td>", class(column)));
        }
        *page += "</tr>";
    }
    *page += "</table></div>";
    if rows.len() > MOST_ROWS {
        let more = rows.len() - MOST_ROWS;
        push(page, format_args!("<p class=\"dim\">and {more} more</p>"));
    }
}

fn links(page: &mut String, links: &[LinkUse]) {
    if links.is_empty() {
        return;
    }
    *page += "<h2>Links, slowest first</h2>";
    let mut links: Vec<&LinkUse> = links.iter().collect();
    links.sort_by(|one, other| other.slower.total_cmp(&one.slower));
    let rows = links.iter().map(|link| {
        let (planned, times) = match link.planned_ns {
            0 => ("not known".to_owned(), "not known".to_owned()),
            ns => (
                duration(ns / link.operations.max(1)),
                format!("{:.2}", link.slower),
            ),
        };
        vec![
            format!("{}\u{2192}{}", link.from, link.to),
            link.operations.to_string(),
            size(link.bytes),
            duration(link.busy_ns),
            rate(link.bytes, link.busy_ns),
            duration(link.sum_ns / link.operations.max(1)),
            planned,
            times,
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let heads = [
        "link",
        "moves",
        "bytes",
        "busy",
        "moved while busy, all together",
        "mean time of a move",
        "by the cost model",
        "times as long",
    ];
    table(page, &heads, 1, &rows);
}

fn waits(page: &mut String, shown: &Shown<'_>, waits: &[Wait]) {
    if waits.is_empty() {
        return;
    }
    *page += "<h2>Who waited for whom</h2>";
    let rows = waits.iter().map(|wait| {
        let whom = match (wait.peer, wait.engine) {
            (Some(peer), None) => format!("rank {peer}"),
            (Some(peer), Some(engine)) => format!("rank {peer}, through {engine}"),
            (None, Some(engine)) => format!("its own {engine}"),
            (None, None) => "nobody who came".to_owned(),
        };
        let unmet = if wait.is_unmet { ", in vain" } else { "" };
        vec![
            format!("rank {}", wait.rank),
            format!("{whom}{unmet}"),
            wait.conditions.to_string(),
            duration(wait.ns),
            percent(wait.share),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let heads = [
        "waited",
        "for",
        "conditions",
        "at least one open",
        "of the run",
    ];
    table(page, &heads, 2, &rows);
    matrix(page, shown, waits);
}

/// Ranks against ranks, in percent of the run; the darker the frame, the longer.
fn matrix(page: &mut String, shown: &Shown<'_>, waits: &[Wait]) {
    let mut cells: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    for wait in waits {
        if let Some(peer) = wait.peer {
            let cell = cells.entry((wait.rank, peer)).or_default();
            *cell = cell.max(wait.share);
        }
    }
    let ranks: Vec<u32> = shown.timeline.ranks.iter().map(|rank| rank.rank).collect();
    if cells.is_empty() || ranks.len() < 3 {
        return;
    }
    *page += "<details><summary>as a matrix, in percent of the run (row waits for column)\
              </summary><div class=\"scroll\"><table><tr><th></th>";
    for rank in &ranks {
        push(page, format_args!("<th class=\"n\">{rank}</th>"));
    }
    *page += "</tr>";
    for row in &ranks {
        push(page, format_args!("<tr><th>{row}</th>"));
        for column in &ranks {
            match cells.get(&(*row, *column)) {
                Some(share) => push(
                    page,
                    format_args!(
                        "<td class=\"heat\" style=\"background:color-mix(in srgb,var(--wait) \
                         {0:.0}%,var(--bg))\">{0:.0}</td>",
                        share * 100.0
                    ),
                ),
                None => *page += "<td class=\"heat\"></td>",
            }
        }
        *page += "</tr>";
    }
    *page += "</table></div></details>";
}

fn path(page: &mut String, shown: &Shown<'_>, analysis: &Analysis) {
    *page += "<h2>The chain that determined the end</h2>";
    let sums = &analysis.path;
    let whole = analysis.makespan_ns;
    let shares = [
        ("kernels", sums.work_ns),
        ("messages and transfers", sums.message_ns),
        ("queues of engines", sums.queue_ns),
        ("scheduler: ready, not dispatched", sums.dispatch_ns),
        ("scheduler: on the way to the core", sums.pick_up_ns),
        ("scheduler: FIN not seen yet", sums.fin_ns),
        ("scheduler: finish and release", sums.finish_ns),
        ("scheduler: condition held, not seen yet", sums.poll_ns),
        ("scheduler: submission", sums.submit_ns),
        ("nothing known", sums.nothing_ns),
    ];
    let mut shares = Vec::from(shares);
    shares.sort_by_key(|&(_, ns)| std::cmp::Reverse(ns));
    let shares = shares.into_iter().filter(|&(_, ns)| ns > 0);
    let rows = shares.map(|(what, ns)| {
        let share = crate::analysis::share(ns, whole);
        let bar = format!(
            "<span class=\"bar\" style=\"width:{:.0}px\"></span>",
            share * 160.0
        );
        vec![what.to_owned(), bar, duration(ns), percent(share)]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    table(page, &["spent on", "", "time", "of the run"], 2, &rows);
    let path = realised_path(shown.timeline);
    let mut longest: Vec<&Part> = path.iter().collect();
    longest.sort_by_key(|part| std::cmp::Reverse(part.ended_ns - part.began_ns));
    longest.truncate(MOST_PARTS);
    longest.sort_by_key(|part| part.began_ns);
    let all = path.len();
    push(
        page,
        format_args!(
            "<details><summary>its {} longest parts of {all}, in order</summary>",
            longest.len()
        ),
    );
    let rows: Vec<Vec<String>> = longest.iter().map(|part| row(shown, part)).collect();
    table(page, &["what", "rank", "task", "from", "for"], 3, &rows);
    *page += "</details>";
}

fn row(shown: &Shown<'_>, part: &Part) -> Vec<String> {
    let what = match part.kind {
        PartKind::Work => "kernel".to_owned(),
        PartKind::Message { from, to } => {
            format!("message {}\u{2192}{}", label(shown, from), label(shown, to))
        }
        PartKind::Queue => "queue of an engine".to_owned(),
        PartKind::Dispatch => "ready, not dispatched".to_owned(),
        PartKind::PickUp => "on the way to the core".to_owned(),
        PartKind::Fin => "FIN not seen yet".to_owned(),
        PartKind::Finish => "finish and release".to_owned(),
        PartKind::Poll => "condition held, not seen yet".to_owned(),
        PartKind::Submit => "submission".to_owned(),
        PartKind::Nothing => "nothing known".to_owned(),
    };
    let behind = match part.because {
        Because::Core => ", behind another block of the core",
        Because::Next | Because::Dependency | Because::Message => "",
    };
    vec![
        format!("{what}{behind}"),
        label(shown, part.rank).to_string(),
        task_name(shown, part.rank, part.task),
        duration(part.began_ns),
        duration(part.ended_ns - part.began_ns),
    ]
}

fn cores(page: &mut String, shown: &Shown<'_>, analysis: &Analysis) {
    *page += "<h2>Cores</h2>";
    let overhead = |kind: &str| {
        let mut kinds = analysis.overhead.kinds.iter();
        let found = kinds.find(|one| one.kind == kind);
        found.map_or(0.0, |found| found.share)
    };
    let rows = analysis.utilisation.iter().map(|kind| {
        vec![
            kind.kind.to_owned(),
            kind.cores.to_string(),
            duration(kind.busy_ns),
            percent(kind.share),
            percent(overhead(kind.kind)),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let heads = [
        "kind",
        "cores",
        "worked",
        "utilisation",
        "of the time, one was idle beside ready work",
    ];
    table(page, &heads, 1, &rows);
    let (any, all) = (analysis.overhead.any, analysis.overhead.all);
    let bounds = &analysis.bounds;
    push(
        page,
        format_args!(
            "<p>{} of the time a core of some kind was idle beside work ready for it, {} of the \
             time an AIC and an AIV core at once.{} Work {}, critical path {}; no schedule is \
             shorter than {}; this run took {}.</p>",
            percent(any),
            percent(all),
            gaps(&analysis.pick_up_gap),
            duration(bounds.work_ns),
            duration(bounds.critical_path_ns),
            duration(bounds.lower_ns),
            duration(shown.timeline.end_ns)
        ),
    );
}

/// How long cores took from one block to the next, where any had to.
fn gaps(gaps: &Percentiles) -> String {
    if gaps.count == 0 {
        return String::new();
    }
    format!(
        " From one block to the next on a core where work was ready: median {}, 99 % {}, longest \
         {} ({}).",
        duration(gaps.p50_ns),
        duration(gaps.p99_ns),
        duration(gaps.max_ns),
        count(gaps.count, "time")
    )
}

fn latencies(page: &mut String, stages: &[Stage]) {
    *page += "<h2>Latencies</h2>";
    let rows = stages.iter().filter(|stage| stage.percentiles.count > 0);
    let rows = rows.map(|stage| {
        let all = &stage.percentiles;
        vec![
            stage.name.to_owned(),
            histogram(&stage.histogram),
            all.count.to_string(),
            duration(all.p50_ns),
            duration(all.p99_ns),
            duration(all.max_ns),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let heads = [
        "from, to",
        "how many, by powers of two",
        "count",
        "median",
        "99 %",
        "longest",
    ];
    table(page, &heads, 2, &rows);
}

/// Columns as high as there are many, from 1 ns to 4 s.
fn histogram(counts: &[u64]) -> String {
    let most = counts.iter().max().copied().unwrap_or(0).max(1);
    let mut picture = "<svg viewBox=\"0 0 132 26\" width=\"132\" height=\"26\">".to_owned();
    for (place, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
        let tall = (count * 24).div_ceil(most);
        let (below, x) = (duration(1_u64 << place.min(63)), place.min(32) * 4);
        push(
            &mut picture,
            format_args!(
                "<rect class=\"w\" x=\"{x}\" y=\"{}\" width=\"3\" height=\"{tall}\">\
                 <title>{count} below {below}</title></rect>",
                26 - tall
            ),
        );
    }
    picture + "</svg>"
}

fn ledger(page: &mut String, shown: &Shown<'_>) {
    *page += "<h2>Ledger</h2><pre>";
    for equation in shown.report.ledger() {
        push(page, format_args!("{}\n", escaped(&equation.to_string())));
    }
    *page += "</pre>";
}

/// Stall and failures, as the text report tells them.
fn ends(page: &mut String, shown: &Shown<'_>) {
    let report = shown.report;
    if let Some(stall) = &report.stall {
        let class = escaped(stall.class().name());
        push(
            page,
            format_args!(
                "<h2>Stall</h2><p>{class}; {} stuck.</p>",
                count(stall.count(), "task")
            ),
        );
        if let Some(root) = stall.root() {
            push(
                page,
                format_args!("<p>Root: {}</p>", escaped(&root.message)),
            );
        }
        let rows = stall.tasks().iter().map(|task| {
            let first = task.conditions.first();
            let condition = first.map_or(String::new(), |one| {
                format!("{} of {} at {}", one.observed, one.expected, one.address)
            });
            vec![
                format!("rank {}", task.rank),
                escaped(&task.name),
                escaped(&task.state),
                condition,
                duration(task.age_ns),
            ]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        table(
            page,
            &["rank", "task", "state", "first condition", "for"],
            4,
            &rows,
        );
    }
    if report.failures.count > 0 {
        *page += "<h2>Failures</h2>";
        let rows = report.failures.list.iter().map(|failure| {
            let code = failure.code_name.as_deref().unwrap_or("");
            let place = failure.place() + &failure.details();
            vec![escaped(code), escaped(&place), failure.victims.to_string()]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        table(page, &["code", "where", "cancelled behind it"], 2, &rows);
    }
}
