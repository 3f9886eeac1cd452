//! What `finbox convert` does: options → workload → graph file.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use super::load::{Loaded, workload};
use super::verdict::counted;
use super::{named, words};
use crate::cli::{ConvertOptions, output};
use crate::report::{Invalid, Verdict};
use crate::workload::graph_file;

/// Writes what `options` name as a graph file; the exit code says whether it was written.
pub fn convert(options: &ConvertOptions) -> ExitCode {
    words(
        Verdict::Invalid(Invalid::InputFile),
        "converting",
        &options.run,
    )
    .prepare();
    let Loaded {
        workload, limits, ..
    } = match workload(&options.run) {
        Ok(loaded) => loaded,
        Err(report) => return output::refuse(&named(*report, &options.run), false),
    };
    let text = graph_file::write(&workload, limits.as_ref());
    if options.output == Path::new("-") {
        return output::print(&text);
    }
    let path = options.output.display();
    match fs::write(&options.output, text) {
        Ok(()) => {
            let ranks = counted(workload.ranks.len() as u64, "rank");
            let tasks = counted(workload.order.len() as u64, "task");
            output::print(&format!("{path}: {ranks}, {tasks}\n"))
        }
        Err(error) => {
            output::say(&format!(
                "error: cannot write {path}: {error}\n hint: check the path and its permissions\n"
            ));
            ExitCode::from(Verdict::Fault.exit_code())
        }
    }
}
