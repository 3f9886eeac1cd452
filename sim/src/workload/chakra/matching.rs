//! Sends and receives of all ranks, matched into messages.
//!
//! Guarantees: the k-th send of a key (source, destination, tag, size) in file order belongs
//! to the k-th receive of that key in file order. Refuses a send or receive that is left over,
//! naming both sides. Called by `load`.

use std::collections::HashMap;

use super::error::ImportError;
use super::model::{Message, NodeRef};
use super::node::{Draft, MessageKey, Work};
use super::read::RankDraft;
use super::unmatched::{PeerState, Side, Unmatched};

/// All messages, and to which of them a node belongs.
pub(super) struct Matched {
    pub(super) messages: Vec<Message>,
    pub(super) message_of: HashMap<NodeRef, u32>,
}

/// The ends that share a key, each side in file order (a side's ends are all in one file).
#[derive(Default)]
struct Queue {
    sends: Vec<NodeRef>,
    receives: Vec<NodeRef>,
}

impl Queue {
    fn ends(&self, side: Side) -> &[NodeRef] {
        match side {
            Side::Send => &self.sends,
            Side::Receive => &self.receives,
        }
    }

    fn matched(&self) -> usize {
        self.sends.len().min(self.receives.len())
    }
}

type Queues = HashMap<MessageKey, Queue>;

/// Matches all ends.
pub(super) fn pair(ranks: &[RankDraft]) -> Result<Matched, ImportError> {
    let mut queues = Queues::new();
    for (at, side, key) in ends(ranks) {
        let queue = queues.entry(key).or_default();
        match side {
            Side::Send => queue.sends.push(at),
            Side::Receive => queue.receives.push(at),
        }
    }
    let mut matched = Matched {
        messages: Vec::new(),
        message_of: HashMap::new(),
    };
    let mut taken: HashMap<(MessageKey, Side), usize> = HashMap::with_capacity(queues.len());
    for (at, side, key) in ends(ranks) {
        let queue = &queues[&key];
        let next = taken.entry((key, side)).or_default();
        if *next >= queue.matched() {
            return Err(left_over(ranks, &queues, at, side, key));
        }
        if side == Side::Send {
            matched.add(key, at, queue.receives[*next]);
        }
        *next += 1;
    }
    Ok(matched)
}

impl Matched {
    fn add(&mut self, key: MessageKey, send: NodeRef, receive: NodeRef) {
        let index =
            u32::try_from(self.messages.len()).expect("all nodes together are less than 2^32");
        let MessageKey {
            source,
            destination,
            tag,
            bytes,
        } = key;
        self.messages.push(Message {
            source,
            destination,
            tag,
            bytes,
            send,
            receive,
        });
        self.message_of.insert(send, index);
        self.message_of.insert(receive, index);
    }
}

/// Every end of a message, by rank and in file order.
fn ends(ranks: &[RankDraft]) -> impl Iterator<Item = (NodeRef, Side, MessageKey)> + '_ {
    (0_u32..).zip(ranks).flat_map(|(rank_index, rank)| {
        (0_u32..)
            .zip(&rank.nodes)
            .filter_map(move |(node, draft)| match draft.work {
                Work::Message(side, key) => Some((NodeRef { rank_index, node }, side, key)),
                _ => None,
            })
    })
}

fn left_over(
    ranks: &[RankDraft],
    queues: &Queues,
    at: NodeRef,
    side: Side,
    key: MessageKey,
) -> ImportError {
    let (peer, partner) = match side {
        Side::Send => (key.destination, Side::Receive),
        Side::Receive => (key.source, Side::Send),
    };
    let peer_state = if ranks.iter().any(|rank| rank.rank == peer) {
        nearest(ranks, queues, partner, key)
    } else {
        PeerState::NotLoaded {
            loaded: ranks.len(),
        }
    };
    let (rank, draft) = draft(ranks, at);
    let node = rank.place(draft);
    let (tag, bytes) = (key.tag, key.bytes);
    ImportError::Unmatched(Box::new(Unmatched {
        node,
        side,
        tag,
        bytes,
        peer,
        peer_state,
    }))
}

/// Looks for the leftover partner between the same ranks that differs least, then earliest.
fn nearest(ranks: &[RankDraft], queues: &Queues, partner: Side, key: MessageKey) -> PeerState {
    let between = queues
        .iter()
        .filter(|(other, _)| (other.source, other.destination) == (key.source, key.destination));
    let mut matched = 0;
    let mut best = None;
    for (other, queue) in between {
        matched += queue.matched();
        let Some(&at) = queue.ends(partner).get(queue.matched()) else {
            continue;
        };
        let differences = u8::from(other.tag != key.tag) + u8::from(other.bytes != key.bytes);
        if best.is_none_or(|(fewest, earliest, _)| (differences, at) < (fewest, earliest)) {
            best = Some((differences, at, *other));
        }
    }
    let Some((_, at, other)) = best else {
        return PeerState::NothingLeft { matched };
    };
    let (rank, draft) = draft(ranks, at);
    PeerState::Nearest {
        node: rank.place(draft),
        tag: other.tag,
        bytes: other.bytes,
    }
}

fn draft(ranks: &[RankDraft], at: NodeRef) -> (&RankDraft, &Draft) {
    let rank = &ranks[at.rank_index as usize];
    (rank, &rank.nodes[at.node as usize])
}
