//! One rank's file, read into drafts of nodes.
//!
//! Guarantees: streams; what stays in memory is the nodes' ids, names and parents, never a
//! message's other content. Refuses what does not decode, and an id that occurs
//! twice, at their byte offsets. Called by `load`.

use std::path::{Path, PathBuf};

use prost::Message;

use super::discover::TraceFile;
use super::error::ImportError;
use super::frame::{Frame, Frames};
use super::ids::{Ids, Repeated};
use super::node::{Draft, Dropped, Site, interpret};
use super::options::Options;
use super::place::NodePlace;
use super::proto;

/// The most nodes a rank may have. Those of all ranks together fit an index of 32 bits.
const MAX_NODES: u32 = u32::MAX / 64;

/// The nodes of one rank, in file order, and what was dropped on the way.
pub(super) struct RankDraft {
    pub(super) rank: u32,
    pub(super) file: PathBuf,
    pub(super) nodes: Vec<Draft>,
    pub(super) ids: Ids,
    pub(super) dropped: Dropped,
    /// How many nodes there may be.
    limit: u32,
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
            .filter(|&index| index < self.limit);
        let Some(index) = index else {
            return Err(ImportError::TooManyNodes {
                file: self.file.clone(),
                limit: self.limit,
            });
        };
        self.ids.add(node.id, index);
        self.nodes.push(node);
        Ok(())
    }

    fn check_ids(&mut self) -> Result<(), ImportError> {
        let Err(Repeated { first, second }) = self.ids.sort() else {
            return Ok(());
        };
        Err(ImportError::DuplicateId {
            second: self.place(&self.nodes[second as usize]),
            first_offset: self.nodes[first as usize].offset,
        })
    }
}

/// Reads a whole file; at most `room` nodes, what the other ranks left.
pub(super) fn read(
    trace: TraceFile,
    options: &Options,
    room: u32,
) -> Result<RankDraft, ImportError> {
    let TraceFile { rank, path: file } = trace;
    let mut frames = Frames::open(&file)?;
    match frames.next()? {
        None => return Err(ImportError::EmptyFile { file }),
        Some(frame) => decode::<proto::GlobalMetadata>(&frame, "GlobalMetadata", &file)?,
    };
    let mut draft = RankDraft {
        rank,
        file,
        nodes: Vec::new(),
        ids: Ids::default(),
        dropped: Dropped::default(),
        limit: room.min(MAX_NODES),
    };
    let ended = read_nodes(&mut frames, &mut draft, options);
    // What stands in the file before whatever ended it.
    draft.check_ids()?;
    ended?;
    draft.nodes.shrink_to_fit();
    Ok(draft)
}

fn read_nodes(
    frames: &mut Frames,
    draft: &mut RankDraft,
    options: &Options,
) -> Result<(), ImportError> {
    let mut sorted = Vec::new();
    while let Some(frame) = frames.next()? {
        let raw = decode::<proto::Node>(&frame, "Node", &draft.file)?;
        let site = Site {
            file: &draft.file,
            rank: draft.rank,
            offset: frame.offset,
        };
        let node = interpret(raw, site, options, &mut draft.dropped, &mut sorted)?;
        draft.add(node)?;
    }
    Ok(())
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
