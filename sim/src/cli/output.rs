//! Where words go: results to stdout, everything else to stderr.
//!
//! Guarantees: a failure to write a result (a full disk, a reader that has gone away) is said on
//! stderr and changes a passing exit code; it is never a panic. Refuses: to format;
//! that is the report's work. Called by `main`.

use std::io::{self, Write};
use std::process::ExitCode;

use super::usage::UsageError;
use crate::report::{self, RunReport, Verdict};

/// Writes `text` and flushes.
///
/// # Errors
///
/// Every error of `out`, a closed pipe included.
pub fn write_all(mut out: impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// Says `text` on stderr; a stderr that cannot be written to has nobody left to tell.
pub fn say(text: &str) {
    let _nobody_left = write_all(io::stderr().lock(), text);
}

/// Prints `text` on stdout and gives the exit code: 0, or a fault's when the text was lost.
pub fn print(text: &str) -> ExitCode {
    ExitCode::from(printed(text, 0))
}

/// Prints `text` on stdout and gives the exit code `code`, or a fault's when the text was lost.
pub fn print_with(text: &str, code: u8) -> ExitCode {
    ExitCode::from(printed(text, code))
}

/// Ends a run: its report on stdout as text or JSON, and its exit code.
pub fn finish(report: &RunReport, json: bool) -> ExitCode {
    let text = if json {
        report::to_json(report)
    } else {
        report::to_text(report)
    };
    ExitCode::from(printed(&text, report.verdict.exit_code()))
}

/// Ends before the run for an argument error: text on stderr, and with `json` the document too.
pub fn refuse_usage(error: &UsageError, json: bool) -> ExitCode {
    say(&error.to_text());
    refuse_document(&error.to_report(), json)
}

/// Ends before the run for an input file: the report's error on stderr, and with `json` the
/// document on stdout.
pub fn refuse(report: &RunReport, json: bool) -> ExitCode {
    if let Some(error) = &report.error {
        say(&error.to_text());
    }
    refuse_document(report, json)
}

fn refuse_document(report: &RunReport, json: bool) -> ExitCode {
    let code = report.verdict.exit_code();
    let code = if json {
        printed(&report::to_json(report), code)
    } else {
        code
    };
    ExitCode::from(code)
}

/// Prints on stdout; a lost result is said, and cannot end as a pass.
fn printed(text: &str, code: u8) -> u8 {
    match write_all(io::stdout().lock(), text) {
        Ok(()) => code,
        Err(error) => {
            say(&format!(
                "error: the result could not be written to stdout: {error}\n"
            ));
            if code == 0 {
                Verdict::Fault.exit_code()
            } else {
                code
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_and_a_closed_pipe_are_errors() {
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::BrokenPipe] {
            let error = write_all(Failing(kind), "x").unwrap_err();
            assert_eq!(error.kind(), kind);
        }
    }

    #[test]
    fn a_whole_text_arrives_unchanged() {
        let mut out = Vec::new();
        write_all(&mut out, "0 → 1\n").unwrap();
        assert_eq!(out, "0 → 1\n".as_bytes());
    }
}
