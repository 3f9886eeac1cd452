//! Collectives of all ranks: which belong together, and what is refused.

use std::slice::from_ref;

use super::chakra::{CollectiveKind, Disagreement, ImportError, Odd, Op};
use super::encode::{COLLECTIVE, COMPUTE, Folder, Node, receive, send};
use super::{assert_promises, load, refusal};

const ALL_REDUCE: i64 = 0;
const REDUCE: i64 = 1;
const ALL_GATHER: i64 = 2;
const BROADCAST: i64 = 5;
const BARRIER: i64 = 9;

fn collective(id: u64, kind: i64, bytes: i64, group: &str) -> Node {
    Node::new(id, COLLECTIVE)
        .with("comm_type", kind)
        .with("comm_size", bytes)
        .in_group(group)
}

fn all_gather(group: &str) -> Node {
    collective(1, ALL_GATHER, 4, group)
}

fn compute(id: u64) -> Node {
    Node::new(id, COMPUTE)
}

/// Group and number of a collective, and its members as (rank index, node index).
type Members = (String, usize, Vec<(u32, u32)>);

fn joined(folder: &Folder) -> Vec<Members> {
    let workload = load(folder.path()).unwrap();
    assert_promises(&workload);
    let members = |one: &super::chakra::Collective| {
        let members = one.members.iter().map(|at| (at.rank_index, at.node));
        members.collect()
    };
    let all = workload.collectives.iter();
    all.map(|one| (one.group.to_string(), one.nth, members(one)))
        .collect()
}

fn disagreement(folder: &Folder) -> (Box<Disagreement>, String) {
    match refusal(folder.path()) {
        (ImportError::Disagreement(found), text) => (found, text),
        (_, text) => panic!("{text}"),
    }
}

#[test]
fn the_kth_of_a_group_belong_together_however_groups_interleave() {
    let pair = |id| collective(id, ALL_REDUCE, 64, "pair");
    let all = |id| collective(id, BARRIER, 0, "");
    let folder = Folder::of_ranks(&[
        &[pair(1), all(2), pair(3), all(4)],
        &[all(1), pair(2), pair(3), all(4)],
        &[all(1), all(2)],
    ]);
    folder.file("t.json", br#"{"pair": [0, 1]}"#);
    let expected = [
        ("pair", 0, vec![(0, 0), (1, 1)]),
        ("pair", 1, vec![(0, 2), (1, 2)]),
        ("0", 0, vec![(0, 1), (1, 0), (2, 0)]),
        ("0", 1, vec![(0, 3), (1, 3), (2, 1)]),
    ];
    let expected = expected.map(|(group, nth, members)| (group.to_owned(), nth, members));
    assert_eq!(joined(&folder), expected);
}

#[test]
fn sub_groups_are_joined_apart_and_groups_of_one_not_at_all() {
    let own = |group| [all_gather(group), collective(2, BARRIER, 0, "all")];
    let folder = Folder::of_ranks(&[&own("a"), &own("b"), &own("a"), &own("b"), &own("c")]);
    folder.file(
        "t.json",
        br#"{"a": [0, 2], "b": [1, 3], "c": [4], "all": [0, 1, 2, 3, 4]}"#,
    );
    let groups: Vec<(String, usize)> = joined(&folder)
        .into_iter()
        .map(|(group, _, members)| (group, members.len()))
        .collect();
    let expected = [("a", 2), ("all", 5), ("b", 2)].map(|(group, count)| (group.to_owned(), count));
    assert_eq!(groups, expected);
    let workload = load(folder.path()).unwrap();
    let alone = workload.ranks[4].nodes[0].op;
    assert!(
        matches!(alone, Op::Collective { bytes: 4, .. }),
        "{alone:?}"
    );
    assert_eq!(workload.groups, 4);
}

#[test]
fn a_nameless_group_is_group_0_and_all_ranks_unless_declared() {
    let folder = Folder::of_ranks(&[&[all_gather("")], &[all_gather("0")], &[compute(1)]]);
    let (found, text) = disagreement(&folder);
    assert_eq!(found.odd, Odd::Missing { rank: 2, has: 0 }, "{text}");
    folder.file("t.json", br#"{"0": [0, 1]}"#);
    assert_eq!(joined(&folder), [("0".to_owned(), 0, vec![(0, 0), (1, 0)])]);
}

#[test]
fn a_rank_loaded_alone_is_a_world_of_its_own() {
    let folder = Folder::of_ranks(&[&[all_gather("5")], &[all_gather("5")]]);
    folder.file("t.json", br#"{"5": [0, 1]}"#);
    let workload = load(&folder.path().join("t.1.et")).unwrap();
    assert!(workload.collectives.is_empty());
    assert_eq!(workload.groups, 1);
    let op = workload.ranks[0].nodes[0].op;
    assert!(matches!(op, Op::Collective { bytes: 4, .. }), "{op:?}");
}

#[test]
fn members_that_differ_in_kind_or_size_are_both_named() {
    let others = [
        (collective(7, ALL_REDUCE, 4, ""), "all-reduce of 4 bytes"),
        (collective(7, ALL_GATHER, 5, ""), "all-gather of 5 bytes"),
    ];
    for (other, said) in others {
        let folder = Folder::of_ranks(&[&[compute(3), all_gather("")], &[compute(1), other]]);
        let (found, text) = disagreement(&folder);
        let Odd::Other { node, .. } = &found.odd else {
            panic!("{text}")
        };
        assert_eq!((found.node.rank, found.node.id), (0, 1));
        assert_eq!((node.rank, node.id), (1, 7));
        for part in [
            "node 1 \"n1\" of rank 0 (byte ",
            "t.0.et) is collective 1 of process group \"0\", all-gather of 4 bytes",
            "there node 7 \"n7\" of rank 1 (byte ",
            said,
        ] {
            assert!(text.contains(part), "{text}");
        }
        let offset = load(&folder.path().join("t.1.et")).unwrap().ranks[0].nodes[1].offset;
        assert!(text.contains(&format!("(byte {offset} of")), "{text}");
    }
}

#[test]
fn the_first_collective_that_a_member_lacks_is_named() {
    let barrier = |id| collective(id, BARRIER, 0, "g");
    let folder = Folder::of_ranks(&[
        &[barrier(1), barrier(2)],
        &[barrier(1)],
        &[barrier(4), barrier(5), barrier(6)],
    ]);
    folder.file("t.json", br#"{"g": [0, 1, 2]}"#);
    let (found, text) = disagreement(&folder);
    assert_eq!((found.node.rank, found.node.id, found.nth), (0, 2, 1));
    assert_eq!(found.odd, Odd::Missing { rank: 1, has: 1 });
    assert!(text.contains("rank 1, a member, has 1 there"), "{text}");
}

#[test]
fn a_member_that_was_not_loaded_is_named() {
    let folder = Folder::of_ranks(&[&[all_gather("g")], &[all_gather("g")]]);
    folder.file("t.json", br#"{"g": [0, 1, 9]}"#);
    let (found, text) = disagreement(&folder);
    assert_eq!(found.odd, Odd::NotLoaded { rank: 9, loaded: 2 });
    assert!(
        text.contains("the trace of rank 9, a member, was not loaded"),
        "{text}"
    );
}

#[test]
fn an_undeclared_group_is_refused() {
    let folder = Folder::of_ranks(&[&[all_gather("5")], &[compute(1)]]);
    let unknown = |is_declared| {
        let (error, text) = refusal(folder.path());
        let ImportError::UnknownGroup { declared, .. } = error else {
            panic!("{text}")
        };
        assert_eq!(declared, is_declared, "{text}");
        assert!(
            text.contains("process group \"5\"") && text.contains("t.json"),
            "{text}"
        );
    };
    unknown(false);
    folder.file("t.json", br#"{"5": [1]}"#);
    unknown(true);
    folder.file("t.0.et", &super::encode::trace(&[compute(1)]));
    folder.file("t.1.et", &super::encode::trace(&[all_gather("5")]));
    assert_eq!(load(folder.path()).unwrap().groups, 1);
}

#[test]
fn the_root_is_the_rank_that_is_named_else_the_first_of_the_group() {
    let rooted = |root: Option<i64>| {
        let node = collective(1, BROADCAST, 4, "g");
        root.map_or(node.clone(), |root| node.with("comm_root", root))
    };
    let folder = |roots: [Option<i64>; 2]| {
        let [first, second] = roots.map(rooted);
        let folder = Folder::of_ranks(&[&[compute(1)], &[first], &[second]]);
        folder.file("t.json", br#"{"g": [1, 2]}"#);
        folder
    };
    for (named, root) in [(None, 0), (Some(1), 0), (Some(2), 1)] {
        let found = load(folder([named, named]).path()).unwrap();
        assert_eq!(found.collectives[0].root, root);
    }
    let (found, text) = disagreement(&folder([Some(1), Some(2)]));
    assert!(
        matches!(found.odd, Odd::Other { .. }) && text.contains("with root 2"),
        "{text}"
    );
    for outside in [0, -1, i64::MAX] {
        let (error, text) = refusal(folder([Some(outside), Some(outside)]).path());
        assert!(matches!(error, ImportError::RootOutside { .. }), "{text}");
        assert!(text.contains(&format!("comm_root = {outside}")), "{text}");
    }
}

#[test]
fn a_root_of_a_kind_that_has_none_is_not_looked_at() {
    let all = |root| collective(1, ALL_REDUCE, 4, "").with("comm_root", root);
    let folder = Folder::of_ranks(&[&[all(0)], &[all(77)]]);
    assert_eq!(joined(&folder).len(), 1);
    let reduce = |root| collective(1, REDUCE, 4, "").with("comm_root", root);
    let folder = Folder::of_ranks(&[&[reduce(0)], &[reduce(77)]]);
    disagreement(&folder);
}

#[test]
fn a_dimension_left_out_needs_a_declared_group() {
    let over = |dimensions: &[bool]| {
        let node = all_gather("").over(dimensions);
        Folder::of_ranks(&[from_ref(&node), from_ref(&node)])
    };
    assert_eq!(joined(&over(&[true, true])).len(), 1);
    let folder = over(&[true, false]);
    let (error, text) = refusal(folder.path());
    assert!(matches!(error, ImportError::SomeDimensions(_)), "{text}");
    assert!(
        text.contains("involved_dim") && text.contains("node 1"),
        "{text}"
    );
    folder.file("t.json", br#"{"0": [0, 1]}"#);
    assert_eq!(joined(&folder).len(), 1);
}

#[test]
fn a_collective_stands_behind_what_any_of_its_members_waits_for() {
    let folder = Folder::of_ranks(&[
        &[all_gather(""), compute(2).after(&[1])],
        &[
            compute(7),
            compute(8).after(&[7]),
            all_gather("").after(&[8]),
        ],
    ]);
    let workload = load(folder.path()).unwrap();
    assert_promises(&workload);
    let order: Vec<(u32, u32)> = workload
        .order
        .iter()
        .map(|at| (at.rank_index, at.node))
        .collect();
    assert_eq!(order, [(1, 0), (1, 1), (0, 0), (1, 2), (0, 1)]);
    assert_eq!(workload.collectives[0].kind, CollectiveKind::AllGather);
}

#[test]
fn two_ranks_that_take_two_groups_in_turn_deadlock() {
    let one = |id, group, after: &[u64]| collective(id, BARRIER, 0, group).after(after);
    let folder = Folder::of_ranks(&[
        &[one(1, "a", &[]), one(2, "b", &[1])],
        &[one(3, "b", &[]), one(4, "a", &[3])],
    ]);
    folder.file("t.json", br#"{"a": [0, 1], "b": [0, 1]}"#);
    let (error, text) = refusal(folder.path());
    let ImportError::Cycle(cycle) = error else {
        panic!("{text}")
    };
    assert!(cycle.over_collectives && !cycle.over_messages, "{text}");
    let ids: Vec<u64> = cycle.nodes.iter().map(|node| node.id).collect();
    assert_eq!((ids.as_slice(), cycle.length), ([1, 2, 3, 4].as_slice(), 4));
    assert!(
        text.starts_with("deadlock over collectives: 4 nodes"),
        "{text}"
    );
}

#[test]
fn a_message_behind_a_collective_that_waits_for_it_deadlocks() {
    let folder = Folder::of_ranks(&[
        &[all_gather(""), send(2, 1, 0, 8).after(&[1])],
        &[receive(7, 0, 0, 8), all_gather("").after(&[7])],
    ]);
    let (error, text) = refusal(folder.path());
    let ImportError::Cycle(cycle) = error else {
        panic!("{text}")
    };
    assert!(cycle.over_collectives && cycle.over_messages, "{text}");
    assert_eq!(cycle.length, 4, "{text}");
}
