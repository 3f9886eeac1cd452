//! Sends and receives over several ranks.

use super::chakra::{ImportError, NodeRef, PeerState, Side};
use super::encode::{COMPUTE, Folder, Node, receive, send};
use super::{assert_promises, load, refusal};

#[test]
fn equal_sends_and_receives_are_matched_in_file_order() {
    let folder = Folder::of_ranks(&[
        &[send(1, 1, 0, 8), send(2, 1, 5, 8), send(3, 1, 0, 8)],
        &[
            receive(1, 0, 5, 8),
            receive(2, 0, 0, 8),
            receive(3, 0, 0, 8),
        ],
    ]);
    let workload = load(folder.path()).unwrap();
    assert_promises(&workload);
    let pairs: Vec<(u32, u32)> = workload
        .messages
        .iter()
        .map(|message| (message.send.node, message.receive.node))
        .collect();
    assert_eq!(pairs, [(0, 1), (1, 0), (2, 2)]);
}

#[test]
fn the_order_takes_ranks_in_turn_and_receives_after_their_sends() {
    let folder = Folder::of_ranks(&[
        &[receive(1, 1, 0, 8), Node::new(2, COMPUTE)],
        &[Node::new(1, COMPUTE), send(2, 0, 0, 8).after(&[1])],
    ]);
    let workload = load(folder.path()).unwrap();
    let at = |rank_index, node| NodeRef { rank_index, node };
    assert_eq!(workload.order, [at(1, 0), at(0, 1), at(1, 1), at(0, 0)]);
}

#[test]
fn a_receive_without_a_send_names_both_sides() {
    let folder = Folder::of_ranks(&[&[receive(4, 1, 7, 64)], &[Node::new(1, COMPUTE)]]);
    let (error, text) = refusal(folder.path());
    let ImportError::Unmatched(unmatched) = error else {
        panic!("{text}")
    };
    assert_eq!((unmatched.side, unmatched.peer), (Side::Receive, 1));
    assert_eq!(unmatched.peer_state, PeerState::NothingLeft { matched: 0 });
    assert!(text.contains("node 4 \"n4\" of rank 0"), "{text}");
    assert!(
        text.contains("receives 64 bytes with tag 7 from rank 1"),
        "{text}"
    );
    assert!(text.contains("rank 1 has no send for it"), "{text}");
}

#[test]
fn an_unmatched_send_names_the_nearest_receive() {
    let folder = Folder::of_ranks(&[
        &[send(4, 1, 7, 64)],
        &[
            receive(1, 0, 8, 65),
            receive(2, 0, 8, 64),
            receive(3, 0, 7, 65),
        ],
    ]);
    let (error, text) = refusal(folder.path());
    let ImportError::Unmatched(unmatched) = error else {
        panic!("{text}")
    };
    let PeerState::Nearest {
        node,
        tag: 8,
        bytes: 64,
    } = unmatched.peer_state
    else {
        panic!("{text}")
    };
    assert_eq!((node.rank, node.id), (1, 2));
    assert!(text.contains("node 2 \"n2\" of rank 1"), "{text}");
}

#[test]
fn one_send_too_many_says_that_the_others_are_matched() {
    let folder = Folder::of_ranks(&[
        &[send(1, 1, 0, 8), send(2, 1, 0, 8)],
        &[receive(1, 0, 0, 8)],
    ]);
    let (error, text) = refusal(folder.path());
    let ImportError::Unmatched(unmatched) = error else {
        panic!("{text}")
    };
    assert_eq!(
        (unmatched.node.id, unmatched.peer_state),
        (2, PeerState::NothingLeft { matched: 1 })
    );
}

#[test]
fn a_send_in_the_file_of_another_rank_is_refused() {
    let folder = Folder::of_ranks(&[&[send(1, 1, 0, 8).with("comm_src", 5)]]);
    let (error, text) = refusal(folder.path());
    assert!(
        matches!(error, ImportError::ForeignEndpoint { value: 5, .. }),
        "{text}"
    );
}

#[test]
fn a_rank_may_send_to_itself() {
    let folder = Folder::of_ranks(&[&[receive(1, 0, 0, 8), send(2, 0, 0, 8)]]);
    let workload = load(folder.path()).unwrap();
    assert_promises(&workload);
    assert_eq!(workload.order[0].node, 1);
}

#[test]
fn two_ranks_that_receive_before_they_send_deadlock() {
    let rank = |peer| [receive(1, peer, 0, 8), send(2, peer, 0, 8).after(&[1])];
    let folder = Folder::of_ranks(&[&rank(1), &rank(0)]);
    let (error, text) = refusal(folder.path());
    let ImportError::Cycle(cycle) = error else {
        panic!("{text}")
    };
    let nodes: Vec<(u32, u64)> = cycle
        .nodes
        .iter()
        .map(|node| (node.rank, node.id))
        .collect();
    assert_eq!(nodes, [(0, 1), (0, 2), (1, 1), (1, 2)]);
    assert!(cycle.over_messages);
    assert!(
        text.starts_with("deadlock over send and receive: 4 nodes"),
        "{text}"
    );
}

#[test]
fn a_rank_that_receives_from_itself_first_deadlocks() {
    let folder = Folder::of_ranks(&[&[receive(1, 0, 0, 8), send(2, 0, 0, 8).after(&[1])]]);
    let (error, text) = refusal(folder.path());
    assert!(
        matches!(error, ImportError::Cycle(cycle) if cycle.over_messages),
        "{text}"
    );
}
