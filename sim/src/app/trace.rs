//! `--trace FILE`: the file is opened before the run, so that a bad path costs nothing, and
//! written behind it. What a file held before stays until then. Called by `app`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::cli::TraceOptions;
use crate::perfetto::{self, Form, Window};
use crate::report::{Code, ErrorReport, Invalid, RunReport, TraceReport, WindowReport};
use crate::timeline::Timeline;
use crate::workload::Workload;

/// A trace that is to be written.
pub(super) struct TraceFile {
    file: File,
    path: PathBuf,
    window: Option<Window>,
    /// Whether there was none before.
    is_new: bool,
}

impl TraceFile {
    /// The file that `options` ask for, if they do.
    pub(super) fn open(options: &TraceOptions) -> Result<Option<Self>, Box<RunReport>> {
        let Some(path) = &options.file else {
            return Ok(None);
        };
        match opened(path) {
            Ok((file, is_new)) => Ok(Some(Self {
                file,
                path: path.clone(),
                window: options.window,
                is_new,
            })),
            Err(error) => {
                let error = unwritable(path, &error);
                Err(Box::new(RunReport::refused(Invalid::Usage, error)))
            }
        }
    }

    /// Writes what `timeline` says of the run; without one there is nothing to write, and no file.
    pub(super) fn write(
        mut self,
        workload: &Workload,
        timeline: Option<&Timeline>,
    ) -> Result<Option<TraceReport>, ErrorReport> {
        let Some(timeline) = timeline else {
            self.give_up();
            return Ok(None);
        };
        let (window, began) = (self.window.unwrap_or(Window::ALL), Instant::now());
        let trace = perfetto::trace(workload, timeline, window, Form::of(&self.path));
        if let Err(error) = self.fill(&trace.bytes) {
            let error = unwritable(&self.path, &error);
            self.give_up();
            return Err(error);
        }
        let took = began.elapsed();
        tracing::debug!(target: "finbox", "{} bytes of trace in {took:?}", trace.bytes.len());
        let window = self.window.map(|window| WindowReport {
            from_us: window.from_ns / 1_000,
            to_us: (window.to_ns < u64::MAX).then_some(window.to_ns / 1_000),
        });
        Ok(Some(TraceReport {
            file: self.path.display().to_string(),
            bytes: trace.bytes.len() as u64,
            events: trace.events,
            arrows: trace.arrows,
            window,
            detail: if trace.is_all { "all" } else { "bars" },
            sampled: trace.one_in,
            left_out: trace.left_out,
        }))
    }

    fn fill(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        self.file.write_all(bytes)?;
        self.file.flush()
    }

    /// Takes a file away again that nobody had before.
    fn give_up(&self) {
        if self.is_new {
            let _nobody_needs_it = fs::remove_file(&self.path);
        }
    }
}

/// The file, and whether it is new.
fn opened(path: &Path) -> io::Result<(File, bool)> {
    let mut options = File::options();
    match options.write(true).create_new(true).open(path) {
        Ok(file) => Ok((file, true)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = File::options().write(true).open(path)?;
            Ok((file, false))
        }
        Err(error) => Err(error),
    }
}

fn unwritable(path: &Path, error: &io::Error) -> ErrorReport {
    let message = format!("the trace cannot be written to {}: {error}", path.display());
    ErrorReport::new(
        Code::OUTPUT_UNWRITABLE,
        message,
        Code::OUTPUT_UNWRITABLE.hint,
    )
}
