//! A check's tally as text and as one JSON document (`finbox.check/1`).

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::tally::Tally;
use crate::cli::CheckOptions;
use crate::report::{Verdict, printable};

const SCHEMA: &str = "finbox.check/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    scenario: String,
    target: String,
    mode: &'static str,
    seed: u64,
    seeds: u64,
    verdict: &'static str,
    ended: Ends,
    tasks: Tasks,
    fins: Fins,
    mailbox: Mailbox,
    faults: Vec<Kind>,
    codes: Vec<Code>,
    without_link: u64,
    wall_ns: u64,
    failures: Vec<Failed<'a>>,
}

#[derive(Serialize)]
struct Ends {
    passed: u64,
    failed: u64,
    stuck: u64,
}

#[derive(Serialize)]
struct Tasks {
    submitted: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
    live: u64,
}

#[derive(Serialize)]
struct Fins {
    received: u64,
    applied: u64,
    duplicate: u64,
    stale: u64,
    unknown: u64,
}

#[derive(Serialize)]
struct Mailbox {
    accepted: u64,
    delivered: u64,
    reported: u64,
    full: u64,
}

#[derive(Serialize)]
struct Kind {
    name: &'static str,
    row: u8,
    seeds: u64,
    strikes: u64,
}

#[derive(Serialize)]
struct Code {
    code: u16,
    name: &'static str,
    seeds: u64,
}

#[derive(Serialize)]
struct Failed<'a> {
    seed: u64,
    what: &'a str,
    replay: &'a str,
}

fn targets(options: &CheckOptions) -> String {
    match options.one_target {
        true => options.run.target.to_string(),
        false => "a2a3 and a5 in turn".to_owned(),
    }
}

/// The document, with a final newline.
pub(super) fn to_json(options: &CheckOptions, tally: &Tally, took: Duration) -> String {
    let ledger = &tally.ledger;
    let document = Document {
        schema: SCHEMA,
        scenario: options.run.what.label(),
        target: targets(options),
        mode: options.run.mode.as_str(),
        seed: options.run.seed,
        seeds: tally.seeds + tally.failures.len() as u64,
        verdict: tally.verdict().name(),
        ended: Ends {
            passed: tally.passed,
            failed: tally.failed,
            stuck: tally.stuck,
        },
        tasks: Tasks {
            submitted: ledger.submitted,
            completed: ledger.completed,
            failed: ledger.failed,
            cancelled: ledger.cancelled,
            live: tally.live,
        },
        fins: Fins {
            received: ledger.fins_received,
            applied: ledger.fins_applied,
            duplicate: ledger.fins_duplicate,
            stale: ledger.fins_stale,
            unknown: ledger.fins_unknown,
        },
        mailbox: Mailbox {
            accepted: ledger.messages_accepted,
            delivered: ledger.messages_delivered,
            reported: ledger.messages_reported,
            full: ledger.full,
        },
        faults: kinds(tally),
        codes: codes(tally),
        without_link: tally.without_link,
        wall_ns: u64::try_from(took.as_nanos()).unwrap_or(u64::MAX),
        failures: failed(tally),
    };
    let mut text = serde_json::to_string_pretty(&document)
        .expect("a check has only text keys and numbers, which JSON can always hold");
    text.push('\n');
    text
}

fn kinds(tally: &Tally) -> Vec<Kind> {
    let kind = |(kind, of_kind): (crate::fault::FaultKind, super::tally::OfKind)| Kind {
        name: kind.info().name,
        row: kind.info().row,
        seeds: of_kind.seeds,
        strikes: of_kind.strikes,
    };
    tally.kinds().map(kind).collect()
}

fn codes(tally: &Tally) -> Vec<Code> {
    let code = |(&number, &(code, seeds)): (&u16, &(finbox_scheduler::FaultCode, u64))| Code {
        code: number,
        name: code.name(),
        seeds,
    };
    tally.codes.iter().map(code).collect()
}

fn failed<'a>(tally: &'a Tally) -> Vec<Failed<'a>> {
    let failed = |failure: &'a super::Failure| {
        let super::Failure { seed, what, replay } = failure;
        Failed {
            seed: *seed,
            what,
            replay,
        }
    };
    tally.failures.iter().map(failed).collect()
}

/// For people, with a final newline.
pub(super) fn to_text(options: &CheckOptions, tally: &Tally, took: Duration) -> String {
    let (ledger, wrong) = (&tally.ledger, tally.failures.len());
    let headline = match tally.verdict() {
        Verdict::Wrong => "WRONG",
        other => other.headline(),
    };
    let mut text = format!("{headline}  {}\n\n", printable(&options.run.what.label()));
    let mut row = |label: &str, value: String| {
        let _infallible = writeln!(text, "  {label:<10} {value}");
    };
    let seeds = tally.seeds + wrong as u64;
    let per_seed = took.as_secs_f64() * 1e3 / seeds.max(1) as f64;
    row(
        "seeds",
        format!(
            "{seeds} from {}, {}, {} in {:.1} s, {per_seed:.2} ms each",
            options.run.seed,
            targets(options),
            options.run.mode,
            took.as_secs_f64(),
        ),
    );
    row(
        "ended",
        format!(
            "{} passed, {} failed and {} stuck as their faults explain, {wrong} wrong",
            tally.passed, tally.failed, tally.stuck
        ),
    );
    row(
        "tasks",
        format!(
            "submitted {} = completed {} + failed {} + cancelled {} + live {}",
            ledger.submitted, ledger.completed, ledger.failed, ledger.cancelled, tally.live
        ),
    );
    row(
        "FINs",
        format!(
            "{} = applied {} + duplicate {} + stale {} + unknown {}",
            ledger.fins_received,
            ledger.fins_applied,
            ledger.fins_duplicate,
            ledger.fins_stale,
            ledger.fins_unknown
        ),
    );
    row(
        "messages",
        format!(
            "accepted {}, delivered {}, reported {}; found full {} times",
            ledger.messages_accepted,
            ledger.messages_delivered,
            ledger.messages_reported,
            ledger.full
        ),
    );
    faults_and_errors(tally, &mut row);
    text
}

fn faults_and_errors(tally: &Tally, row: &mut impl FnMut(&str, String)) {
    for kind in kinds(tally) {
        let Kind {
            name,
            seeds,
            strikes,
            ..
        } = kind;
        row(
            "fault",
            format!("{name:<20} {strikes} strikes in {seeds} seeds"),
        );
    }
    if tally.without_link > 0 {
        let seeds = tally.without_link;
        row(
            "",
            format!("{seeds} seeds lack the link that is to be slow"),
        );
    }
    for Code { code, name, seeds } in codes(tally) {
        row("error", format!("{code} {name} first in {seeds} seeds"));
    }
}
