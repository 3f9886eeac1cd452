//! The message about a send or receive that has no partner: it names both sides.
//!
//! Guarantees: says what the node asks for, whether the peer's trace was loaded, and the
//! nearest leftover partner there, if any. Made by `matching`.

use std::fmt;

use super::place::NodePlace;

/// A send without its receive, or a receive without its send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// The node without a partner.
    pub node: NodePlace,
    /// What it is.
    pub side: Side,
    /// The tag it gives.
    pub tag: i64,
    /// The size it gives.
    pub bytes: u64,
    /// The rank its partner should be in.
    pub peer: u32,
    /// What is known of that rank.
    pub peer_state: PeerState,
}

/// Which end of a message a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The sending end.
    Send,
    /// The receiving end.
    Receive,
}

/// What the peer of an unmatched node has to offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerState {
    /// Its trace was not loaded.
    NotLoaded {
        /// How many ranks were.
        loaded: usize,
    },
    /// All its nodes of the other side between these two ranks are matched, or it has none.
    NothingLeft {
        /// How many it has, all matched.
        matched: usize,
    },
    /// One is left over that differs in tag or size.
    Nearest {
        /// The nearest one.
        node: NodePlace,
        /// The tag it gives.
        tag: i64,
        /// The size it gives.
        bytes: u64,
    },
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            node,
            tag,
            bytes,
            peer,
            ..
        } = self;
        let (verb, preposition, partner) = match self.side {
            Side::Send => ("sends", "to", "receive"),
            Side::Receive => ("receives", "from", "send"),
        };
        write!(
            f,
            "{node} {verb} {bytes} bytes with tag {tag} {preposition} rank {peer}, "
        )?;
        match &self.peer_state {
            PeerState::NotLoaded { loaded } => write!(
                f,
                "but the trace of rank {peer} was not loaded ({loaded} loaded)"
            ),
            PeerState::NothingLeft { matched: 0 } => {
                write!(f, "but rank {peer} has no {partner} for it")
            }
            PeerState::NothingLeft { matched } => write!(
                f,
                "but the {matched} of rank {peer} that could {partner} it are all matched"
            ),
            PeerState::Nearest { node, tag, bytes } => write!(
                f,
                "but rank {peer} has no {partner} for it; the nearest, {node}, has {bytes} bytes \
                 and tag {tag}"
            ),
        }
    }
}

impl Unmatched {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self.peer_state {
            PeerState::NotLoaded { .. } => "load the folder or PREFIX that holds all ranks",
            PeerState::NothingLeft { matched: 0 } => "check the peer's trace",
            PeerState::NothingLeft { .. } => "one side has too many or too few: check both traces",
            PeerState::Nearest { .. } => "make both sides agree",
        }
    }
}
