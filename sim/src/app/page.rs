//! The report for a browser, written where the command line says.

use std::path::Path;
use std::{env, fs};

use crate::report::RunReport;
use crate::report::html::{Shown, to_html};
use crate::timeline::Timeline;
use crate::workload::Workload;

/// Writes what `report` and `timeline` say of a run of `workload`.
///
/// # Errors
/// Why it could not be written, in a sentence.
pub(super) fn write(
    path: &Path,
    report: &RunReport,
    timeline: &Timeline,
    workload: &Workload,
) -> Result<(), String> {
    let command = command();
    let shown = Shown {
        report,
        timeline,
        workload,
        command: &command,
    };
    let path_said = path.display();
    fs::write(path, to_html(&shown))
        .map_err(|error| format!("the report {path_said} could not be written: {error}"))
}

/// The command line of this process, for a shell.
fn command() -> String {
    let words = env::args_os().skip(1);
    let words = words.map(|word| quoted(&word.to_string_lossy()));
    let mut command = "finbox".to_owned();
    for word in words {
        command += " ";
        command += &word;
    }
    command
}

fn quoted(word: &str) -> String {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "-_./:,=+@%".contains(one);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_stay_words_in_a_shell() {
        assert_eq!(quoted("./a-b_c.et"), "./a-b_c.et");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a b"), "'a b'");
    }
}
