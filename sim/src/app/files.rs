//! Workload files that are JSON: told from traces, told from each other, read.
//!
//! Refuses JSON of no format that is known here. Called by the loader.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::load::Loaded;
use crate::cost_file::Costs;
use crate::file::{FileError, Problem, Step, TextFile};
use crate::workload::{graph_file, wfcommons};

/// Bytes at the beginning of a file that say whether it is JSON.
const FIRST_BYTES: u64 = 4096;

/// What says which format a file has.
#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
    #[serde(rename = "schemaVersion")]
    wf_version: Option<IgnoredAny>,
}

/// A format that is not known.
#[derive(Debug, thiserror::Error)]
#[error("this is JSON, but no workload: it has no \"schema\" of finbox's and no \"schemaVersion\"")]
struct NoWorkload;

impl Problem for NoWorkload {
    fn hint(&self) -> String {
        "`finbox list` shows the formats".to_owned()
    }
}

/// A scale for seconds that the file does not have.
#[derive(Debug, thiserror::Error)]
#[error("--time-scale is for workflows of WfCommons, and this is a graph with times in ns")]
struct NoSeconds;

impl Problem for NoSeconds {
    fn hint(&self) -> String {
        "leave --time-scale out".to_owned()
    }
}

/// Whether `path` is a file of JSON, by its name or by how it begins. A file named `.et` is a
/// trace however it begins.
pub(super) fn is_json(path: &Path) -> bool {
    let is_named = |name: &str| path.extension().is_some_and(|extension| extension == name);
    if !path.is_file() || is_named("et") {
        return false;
    }
    is_named("json") || File::open(path).is_ok_and(begins_as_json)
}

/// A `{`, and then a field's name or the end: a trace may begin with the same byte, but not so.
fn begins_as_json(file: File) -> bool {
    let mut first = Vec::new();
    if file.take(FIRST_BYTES).read_to_end(&mut first).is_err() {
        return false;
    }
    let mut marks = first.iter().filter(|byte| !byte.is_ascii_whitespace());
    marks.next() == Some(&b'{') && matches!(marks.next(), Some(b'"' | b'}'))
}

/// Loads a file of JSON; a second of a workflow takes `ns_per_second`, if that is said.
pub(super) fn load(
    path: &Path,
    ns_per_second: Option<u64>,
    costs: Costs,
) -> Result<Loaded, FileError> {
    let file = TextFile::read(path)?;
    let head: Head = file.parse()?;
    let family = graph_file::SCHEMA.split('/').next().unwrap_or_default();
    let is_graph = head.schema.is_some_and(|schema| schema.starts_with(family));
    let (workload, limits) = match (is_graph, head.wf_version) {
        (true, _) if ns_per_second.is_some() => {
            return Err(file.wrong(&[Step::Field("schema")], NoSeconds));
        }
        (true, _) => {
            let graph = graph_file::read(&file)?;
            (graph.workload, graph.limits)
        }
        (false, Some(_)) => {
            let scale = ns_per_second.unwrap_or(wfcommons::NS_PER_SECOND);
            (wfcommons::read(&file, scale)?, None)
        }
        (false, None) => return Err(file.wrong(&[Step::Field("schema")], NoWorkload)),
    };
    Ok(Loaded {
        persistent: None,
        workload,
        import: None,
        limits,
        costs,
    })
}
