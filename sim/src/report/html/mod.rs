//! The report for a browser: one file that needs nothing else.
//!
//! Guarantees: what held the run up stands first, in words; whatever comes from a workload is
//! escaped; nothing is told by hue alone; at most about 5 MB, because lanes of many blocks are
//! drawn as how busy they were, and lists are cut with the number that was left out. Refuses to
//! compute: figures come from [`analysis`](crate::analysis). Called by `finbox run --report`.

mod lanes;
mod tables;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::RunReport;
use super::words::{count, duration, rate, size};
use crate::timeline::Timeline;
use crate::workload::Workload;

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

/// Most findings of the shadow on the page.
const MOST_FINDINGS: usize = 100;

/// What is shown.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The report of the run, with its analysis.
    pub report: &'a RunReport,
    /// What the run did.
    pub timeline: &'a Timeline,
    /// The names of its tasks.
    pub workload: &'a Workload,
    /// The command that runs it again.
    pub command: &'a str,
}

/// The whole page.
pub fn to_html(shown: &Shown<'_>) -> String {
    let mut page = String::new();
    let report = shown.report;
    let title = escaped(&report.scenario);
    let verdict = report.verdict.headline();
    let class = escaped(&verdict.to_lowercase());
    let end = shown.timeline.end_ns;
    push(
        &mut page,
        format_args!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <title>finbox: {title}</title><style>{CSS}</style></head>\
             <body data-end=\"{end}\"><h1>{title} <span class=\"verdict {class}\">{}</span></h1>",
            escaped(verdict)
        ),
    );
    header(&mut page, shown);
    lanes::picture(&mut page, shown);
    tables::all(&mut page, shown);
    push(
        &mut page,
        format_args!("<script>{JS}</script></body></html>\n"),
    );
    page
}

fn header(page: &mut String, shown: &Shown<'_>) {
    let report = shown.report;
    let time = match report.time.virtual_ns {
        0 => format!("{} by the wall clock", duration(report.time.wall_ns)),
        ns => format!("{} of virtual time", duration(ns)),
    };
    push(
        page,
        format_args!(
            "<p class=\"dim\">{} of {} on {}, {}, seed {}; {}; {time}.<br>\
             Again: <code>{}</code></p>",
            count(report.ranks.into(), "rank"),
            count(report.cores.into(), "core"),
            escaped(&report.target),
            escaped(&report.mode),
            report.seed,
            count(report.tasks.submitted, "task"),
            escaped(shown.command)
        ),
    );
    if let Some(error) = &report.error {
        push(
            page,
            format_args!(
                "<p><b>{} {}</b>: {} <span class=\"dim\">{}</span></p>",
                error.code,
                escaped(&error.name),
                escaped(&error.message),
                escaped(&error.hint)
            ),
        );
    }
    if let Some(shadow) = &report.shadow {
        let summary = escaped(&shadow.summary());
        push(page, format_args!("<div><b>Shadow.</b> {summary}<ul>"));
        for finding in shadow.findings().take(MOST_FINDINGS) {
            push(page, format_args!("<li>{}</li>", escaped(&finding)));
        }
        push(page, format_args!("</ul></div>"));
    }
    if let Some(analysis) = &report.analysis {
        let sentence = escaped(&analysis.held_up.sentence);
        push(
            page,
            format_args!("<p class=\"answer\"><b>What held this run up.</b> {sentence}</p>"),
        );
    }
}

/// Writing into a text cannot fail.
fn push(page: &mut String, what: std::fmt::Arguments<'_>) {
    let _infallible = page.write_fmt(what);
}

/// Text that is text wherever it stands in a page, attributes included.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            control if control.is_control() && control != '\n' => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
    out
}

/// A task's name, escaped; its number if it came in by a fault.
fn task_name(shown: &Shown<'_>, rank: u32, task: u32) -> String {
    let tasks = shown.workload.ranks.get(rank as usize);
    let found = tasks.and_then(|rank| rank.tasks.get(task as usize));
    found.map_or_else(|| format!("task {task}"), |task| escaped(&task.name))
}

/// The number people know a rank by.
fn label(shown: &Shown<'_>, rank: u32) -> u32 {
    let found = shown.timeline.ranks.get(rank as usize);
    found.map_or(rank, |rank| rank.rank)
}
