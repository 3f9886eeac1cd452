//! `--trace FILE`: what is written, and what is said of it. Called by `app`.

use std::time::Instant;

use super::output_file::OutputFile;
use crate::cli::{TraceOptions, What};
use crate::perfetto::{self, Form, Window};
use crate::report::{ErrorReport, RunReport, TraceReport, WindowReport};
use crate::timeline::Timeline;
use crate::workload::Workload;

/// A trace that is to be written.
pub(super) struct TraceFile {
    file: OutputFile,
    window: Option<Window>,
}

impl TraceFile {
    /// The file that `options` ask for, if they do, of a run of `input`.
    pub(super) fn open(
        options: &TraceOptions,
        input: &What,
    ) -> Result<Option<Self>, Box<RunReport>> {
        let open = |path| OutputFile::open("trace", path, input);
        let file = options.file.as_deref().map(open).transpose()?;
        Ok(file.map(|file| Self {
            file,
            window: options.window,
        }))
    }

    /// Writes what `timeline` says of the run; without one there is nothing to write, and no file.
    pub(super) fn write(
        self,
        workload: &Workload,
        timeline: Option<&Timeline>,
    ) -> Result<Option<TraceReport>, ErrorReport> {
        let Some(timeline) = timeline else {
            self.file.give_up();
            return Ok(None);
        };
        let (window, began) = (self.window.unwrap_or(Window::ALL), Instant::now());
        let trace = perfetto::trace(workload, timeline, window, Form::of(self.file.path()));
        let path = self.file.path().display().to_string();
        self.file.write(&trace.bytes)?;
        let took = began.elapsed();
        tracing::debug!(target: "finbox", "{} bytes of trace in {took:?}", trace.bytes.len());
        let window = self.window.map(|window| WindowReport {
            from_us: window.from_ns / 1_000,
            to_us: (window.to_ns < u64::MAX).then_some(window.to_ns / 1_000),
        });
        Ok(Some(TraceReport {
            file: path,
            bytes: trace.bytes.len() as u64,
            events: trace.events,
            arrows: trace.arrows,
            window,
            detail: if trace.is_all { "all" } else { "bars" },
            sampled: trace.one_in,
            left_out: trace.left_out,
        }))
    }

    /// The run will not begin.
    pub(super) fn give_up(&self) {
        self.file.give_up();
    }
}
