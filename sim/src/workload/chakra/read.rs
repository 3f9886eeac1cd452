//! One rank's file, read into drafts of nodes.
//!
//! Guarantees: streams; what stays in memory is the nodes' ids, names and parents, never a
//! message's other content. Refuses what does not decode, and an id that occurs
//! twice, at their byte offsets. Called by `load`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use prost::Message;

use super::discover::{MAX_RANKS, TraceFile};
use super::error::ImportError;
use super::frame::{Frame, Frames};
use super::node::{Draft, Dropped, Site, interpret};
use super::options::Options;
use super::place::NodePlace;
use super::proto;

/// The most nodes a rank may have: those of all ranks together fit an index of 32 bits.
const MAX_NODES: u32 = u32::MAX / 64;
const _: () = assert!(MAX_RANKS <= 64, "MAX_NODES allows for 64 ranks");

/// The nodes of one rank, in file order, and what was dropped on the way.
pub(super) struct RankDraft {
    pub(super) rank: u32,
    pub(super) file: PathBuf,
    pub(super) nodes: Vec<Draft>,
    /// From ids to indices of nodes.
    pub(super) index_of: HashMap<u64, u32>,
    pub(super) dropped: Dropped,
}

impl RankDraft {
    /// Names a node, for an error.
    pub(super) fn place(&self, draft: &Draft) -> NodePlace {
        let site = Site {
            file: &self.file,
            rank: self.rank,
            offset: draft.offset,
        };
        site.place(draft.id, &draft.name)
    }

    fn add(&mut self, node: Draft) -> Result<(), ImportError> {
        let index = u32::try_from(self.nodes.len())
            .ok()
            .filter(|&index| index < MAX_NODES);
        let Some(index) = index else {
            return Err(ImportError::TooManyNodes {
                file: self.file.clone(),
                limit: MAX_NODES,
            });
        };
        if let Some(first) = self.index_of.insert(node.id, index) {
            let first_offset = self.nodes[first as usize].offset;
            return Err(ImportError::DuplicateId {
                second: self.place(&node),
                first_offset,
            });
        }
        self.nodes.push(node);
        Ok(())
    }
}

/// Reads a whole file.
pub(super) fn read(trace: TraceFile, options: &Options) -> Result<RankDraft, ImportError> {
    let TraceFile { rank, path: file } = trace;
    let mut frames = Frames::open(&file)?;
    match frames.next()? {
        None => return Err(ImportError::EmptyFile { file }),
        Some(frame) => decode::<proto::GlobalMetadata>(&frame, "GlobalMetadata", &file)?,
    };
    let (nodes, index_of, dropped) = (Vec::new(), HashMap::new(), Dropped::default());
    let mut draft = RankDraft {
        rank,
        file,
        nodes,
        index_of,
        dropped,
    };
    let mut seen = HashSet::new();
    while let Some(frame) = frames.next()? {
        let raw = decode::<proto::Node>(&frame, "Node", &draft.file)?;
        let site = Site {
            file: &draft.file,
            rank,
            offset: frame.offset,
        };
        let node = interpret(raw, site, options, &mut draft.dropped, &mut seen)?;
        draft.add(node)?;
    }
    draft.nodes.shrink_to_fit();
    Ok(draft)
}

fn decode<M: Message + Default>(
    frame: &Frame<'_>,
    expected: &'static str,
    file: &Path,
) -> Result<M, ImportError> {
    M::decode(frame.bytes).map_err(|source| ImportError::Undecodable {
        file: file.to_owned(),
        offset: frame.offset,
        expected,
        source,
    })
}
