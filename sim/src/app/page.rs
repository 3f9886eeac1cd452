//! The report for a browser, with the command that it is of.

use std::env;

use crate::report::RunReport;
use crate::report::html::{Shown, to_html};
use crate::timeline::Timeline;
use crate::workload::Workload;

/// What `report` and `timeline` say of a run of `workload`.
pub(super) fn page(report: &RunReport, timeline: &Timeline, workload: &Workload) -> String {
    let command = command();
    to_html(&Shown {
        report,
        timeline,
        workload,
        command: &command,
    })
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
