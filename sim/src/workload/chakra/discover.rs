//! From the path a user gives to the trace files it means, one a rank.
//!
//! Guarantees: the files are sorted by rank, ranks differ, at most [`MAX_RANKS`]. Refuses a
//! folder without traces or with those of several workloads. Opens no file. Called by `load`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::error::ImportError;

/// The most ranks one workload may have: as many peers as a scheduler can lose.
pub const MAX_RANKS: usize = finbox_scheduler::limits::MAX_PEERS as usize;

/// The files of one workload.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The prefix; for one file its name without `.et`.
    pub(super) name: String,
    /// One file a rank, sorted by rank.
    pub(super) traces: Vec<TraceFile>,
    /// Where a side file with process groups would be.
    pub(super) side_file: PathBuf,
}

/// The file of one rank.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TraceFile {
    pub(super) rank: u32,
    pub(super) path: PathBuf,
}

/// Finds the traces that a folder, a file or a prefix stands for.
pub(super) fn find(path: &Path) -> Result<Found, ImportError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => in_folder(path),
        Ok(_) => Ok(one_file(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => by_prefix(path, error),
        Err(source) => Err(ImportError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

fn in_folder(folder: &Path) -> Result<Found, ImportError> {
    let mut by_prefix: BTreeMap<String, Vec<TraceFile>> = BTreeMap::new();
    for (prefix, trace) in list(folder)? {
        by_prefix.entry(prefix).or_default().push(trace);
    }
    if by_prefix.len() > 1 {
        let prefixes = by_prefix.into_keys().collect();
        return Err(ImportError::SeveralPrefixes {
            folder: folder.to_owned(),
            prefixes,
        });
    }
    match by_prefix.pop_first() {
        Some((prefix, traces)) => sorted(folder, &folder.join(&prefix), prefix, traces),
        None => Err(ImportError::NoTraces {
            folder: folder.to_owned(),
        }),
    }
}

fn by_prefix(path: &Path, missing: io::Error) -> Result<Found, ImportError> {
    let unreadable = |source| ImportError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let Some(wanted) = path.file_name().and_then(|name| name.to_str()) else {
        return Err(unreadable(missing));
    };
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let Ok(listed) = list(folder) else {
        return Err(unreadable(missing));
    };
    let traces: Vec<TraceFile> = listed
        .into_iter()
        .filter_map(|(prefix, trace)| (prefix == wanted).then_some(trace))
        .collect();
    if traces.is_empty() {
        return Err(unreadable(missing));
    }
    sorted(path, path, wanted.to_owned(), traces)
}

fn one_file(path: &Path) -> Found {
    let file_name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    let name = file_name
        .strip_suffix(".et")
        .unwrap_or(&file_name)
        .to_owned();
    let (prefix, rank) = split(&file_name).unwrap_or((name.as_str(), 0));
    let side_file = path.with_file_name(format!("{prefix}.json"));
    Found {
        traces: vec![TraceFile {
            rank,
            path: path.to_owned(),
        }],
        side_file,
        name,
    }
}

/// Every file in a folder that is named as a trace, with its prefix.
fn list(folder: &Path) -> Result<Vec<(String, TraceFile)>, ImportError> {
    let unreadable = |source| ImportError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let mut listed = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let file_name = entry.file_name();
        let Some((prefix, rank)) = file_name.to_str().and_then(split) else {
            continue;
        };
        let path = entry.path();
        if !path.is_dir() {
            listed.push((prefix.to_owned(), TraceFile { rank, path }));
        }
    }
    Ok(listed)
}

/// Splits `PREFIX.<rank>.et` into prefix and rank.
fn split(file_name: &str) -> Option<(&str, u32)> {
    let (prefix, rank) = file_name.strip_suffix(".et")?.rsplit_once('.')?;
    let is_number = !rank.is_empty() && rank.bytes().all(|byte| byte.is_ascii_digit());
    if prefix.is_empty() || !is_number {
        return None;
    }
    Some((prefix, rank.parse().ok()?))
}

fn sorted(
    path: &Path,
    prefix: &Path,
    name: String,
    mut traces: Vec<TraceFile>,
) -> Result<Found, ImportError> {
    traces.sort_by(|a, b| (a.rank, &a.path).cmp(&(b.rank, &b.path)));
    if let Some(pair) = traces.windows(2).find(|pair| pair[0].rank == pair[1].rank) {
        return Err(ImportError::SameRank {
            rank: pair[0].rank,
            first: pair[0].path.clone(),
            second: pair[1].path.clone(),
        });
    }
    if traces.len() > MAX_RANKS {
        return Err(ImportError::TooManyRanks {
            path: path.to_owned(),
            found: traces.len(),
            limit: MAX_RANKS,
        });
    }
    let mut side_file = prefix.as_os_str().to_owned();
    side_file.push(".json");
    Ok(Found {
        name,
        traces,
        side_file: side_file.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_splits_into_prefix_and_rank() {
        assert_eq!(split("llama.3.et"), Some(("llama", 3)));
        assert_eq!(split("a.b.12.et"), Some(("a.b", 12)));
    }

    #[test]
    fn names_without_a_rank_are_no_traces() {
        for name in [
            "llama.et",
            ".0.et",
            "llama.x.et",
            "llama..et",
            "llama.+1.et",
            "llama.0.json",
        ] {
            assert_eq!(split(name), None, "{name}");
        }
        assert_eq!(split("llama.4294967296.et"), None, "a rank has 32 bits");
    }

    #[test]
    fn one_file_takes_its_rank_from_its_name_else_0() {
        let found = one_file(Path::new("folder/llama.7.et"));
        assert_eq!((found.name.as_str(), found.traces[0].rank), ("llama.7", 7));
        assert_eq!(found.side_file, Path::new("folder/llama.json"));
        let found = one_file(Path::new("trace.et"));
        assert_eq!((found.name.as_str(), found.traces[0].rank), ("trace", 0));
    }
}
