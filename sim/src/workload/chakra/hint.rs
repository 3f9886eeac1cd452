//! What to do about a trace that was refused, for every reason.
//!
//! Guarantees: every error has a hint, one line, and it is not part of the error's own sentence.

use super::error::ImportError;

const DAMAGED: &str = "this is no Chakra trace, or it is damaged: record it again";

impl ImportError {
    /// What to do next.
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::SeveralPrefixes { folder, prefixes } => {
                let first = prefixes.first().map_or("PREFIX", String::as_str);
                return format!("which one? Name it as {}", folder.join(first).display());
            }
            Self::Cycle(cycle) => cycle.hint(),
            Self::Unmatched(unmatched) => unmatched.hint(),
            Self::Roofline { .. } => "give a finite number above 0",
            Self::Unreadable { .. } => {
                "check the path and its permissions (a file, a folder or a PREFIX of \
                 PREFIX.<rank>.et)"
            }
            Self::NoTraces { .. } => "rename the traces so, or name one file",
            Self::SameRank { .. } => "remove one",
            Self::TooManyRanks { .. } => "load one file or a smaller trace",
            Self::EmptyFile { .. } => "record it again",
            Self::NoNodes { .. } => "check that recording was not cut off",
            Self::TooManyNodes { .. } => "split the trace",
            Self::Truncated { .. } => "copy or record the trace again",
            Self::MalformedLength { .. }
            | Self::MessageTooLong { .. }
            | Self::Undecodable { .. } => DAMAGED,
            Self::Gzip { .. } => "check it with 'gzip -t' and copy it again",
            Self::ExpandsTooFar { .. } => "decompress it yourself if it is to be trusted",
            Self::UnknownNodeType { .. } => "the trace is damaged or of another schema",
            Self::UnknownCollective { .. } => "correct its comm_type",
            Self::BadEndpoint { .. } | Self::NegativeSize { .. } => "correct the attribute",
            Self::ForeignEndpoint { .. } => "correct the attribute or the rank in the file's name",
            Self::DuplicateId { .. } => "ids must differ in a rank: correct one",
            Self::Dangling { .. } => "use only edges that are complete: data is the default",
            Self::Disagreement(disagreement) => disagreement.hint(),
            Self::RootOutside { .. } => "correct comm_root, pg_name or the side file",
            Self::SomeDimensions(_) => "give it a pg_name that the side file declares",
            Self::UnknownGroup { .. } => "correct pg_name or the side file",
            Self::SideFile { .. } => {
                "the file must map group names to lists of ranks, as {\"1\": [0, 1]}"
            }
        };
        hint.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::ImportError;

    #[test]
    fn a_path_with_a_semicolon_stays_whole_and_the_hint_stays_apart() {
        let error = ImportError::Unreadable {
            path: "a; b.et".into(),
            source: io::ErrorKind::NotFound.into(),
        };
        assert!(
            error.to_string().starts_with("cannot read a; b.et: "),
            "{error}"
        );
        assert!(
            error.hint().starts_with("check the path"),
            "{}",
            error.hint()
        );
        let error = ImportError::TooManyNodes {
            file: "x; y.et".into(),
            limit: 7,
        };
        assert_eq!(error.to_string(), "x; y.et has more than 7 nodes");
        assert_eq!(error.hint(), "split the trace");
    }
}
