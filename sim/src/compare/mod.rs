//! `finbox compare`: two documents of `finbox run --json` side by side.
//!
//! | file | concept |
//! | --- | --- |
//! | `document` | reading a document back, and refusing what is none |
//! | `leaves` | a document as named values, each of a class |
//! | `differences` | two documents, value by value |
//! | `causes` | phases and counters that moved |
//! | `text` | the table for people |

mod causes;
mod differences;
mod document;
mod leaves;
mod text;

use std::process::ExitCode;

use serde::Serialize;

use self::causes::Causes;
use self::differences::{Change, Differences, Figure};
use crate::cli::{CompareOptions, output};
use crate::report::{ErrorReport, Invalid, Verdict};

/// The name and version of the JSON form.
const SCHEMA: &str = "finbox.compare/1";

/// What is printed.
struct Comparison {
    a: String,
    b: String,
    differences: Differences,
    causes: Causes,
}

/// The JSON form.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    a: &'a str,
    b: &'a str,
    /// Whether nothing differs but what differs between two runs of the same thing.
    same: bool,
    configuration: &'a [Change],
    outcome: &'a [Change],
    causes: &'a Causes,
    figures: &'a [Figure],
}

/// The JSON form of a refusal.
#[derive(Serialize)]
struct Refusal<'a> {
    schema: &'static str,
    verdict: Verdict,
    error: &'a ErrorReport,
}

/// Compares what `options` name and prints what came of it: exit code 0 whether they differ or
/// not, 3 if one of them is no document of a run.
pub fn run(options: &CompareOptions) -> ExitCode {
    let comparison = match comparison(options) {
        Ok(comparison) => comparison,
        Err(error) => return refuse(&error, options.json),
    };
    match options.json {
        true => output::print(&comparison.to_json()),
        false => output::print(&text::to_text(&comparison)),
    }
}

fn comparison(options: &CompareOptions) -> Result<Comparison, ErrorReport> {
    let (a, b) = (
        document::read(&options.before)?,
        document::read(&options.after)?,
    );
    let differences = Differences::between(&a, &b);
    Ok(Comparison {
        a: options.before.display().to_string(),
        b: options.after.display().to_string(),
        causes: Causes::of(&differences),
        differences,
    })
}

fn refuse(error: &ErrorReport, json: bool) -> ExitCode {
    output::say(&error.to_text());
    let verdict = Verdict::Invalid(Invalid::InputFile);
    let refusal = Refusal {
        schema: SCHEMA,
        verdict,
        error,
    };
    match json {
        true => output::print_with(&pretty(&refusal), verdict.exit_code()),
        false => ExitCode::from(verdict.exit_code()),
    }
}

impl Comparison {
    fn to_json(&self) -> String {
        pretty(&Document {
            schema: SCHEMA,
            a: &self.a,
            b: &self.b,
            same: self.differences.is_none(),
            configuration: &self.differences.configuration,
            outcome: &self.differences.outcome,
            causes: &self.causes,
            figures: &self.differences.figures,
        })
    }
}

fn pretty(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document)
        .expect("text keys and numbers that were read from JSON can be written as JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
