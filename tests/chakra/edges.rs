//! Edges and nodes: what is dropped, what is refused, cycles.

use super::chakra::{Deps, ImportError, Op, Options};
use super::encode::{COLLECTIVE, COMPUTE, Folder, METADATA, Node, SEND, STORE, trace};
use super::{assert_promises, chakra, load, refusal};

fn one(nodes: &[Node]) -> Folder {
    Folder::of_ranks(&[nodes])
}

fn compute(id: u64) -> Node {
    Node::new(id, COMPUTE)
}

#[test]
fn duplicate_parents_and_self_edges_are_dropped_and_counted() {
    let folder = one(&[compute(1), compute(2).after(&[1, 2, 1, 1])]);
    let workload = load(folder.path()).unwrap();
    assert_promises(&workload);
    assert_eq!(workload.ranks[0].nodes[1].deps, [0]);
    assert_eq!(
        (workload.dropped_self_edges, workload.dropped_repeated_edges),
        (1, 2)
    );
}

#[test]
fn the_option_chooses_which_edges_count() {
    let mut last = compute(3).after(&[1]);
    last.ctrl_deps = vec![2, 1];
    let folder = one(&[compute(1), compute(2), last]);
    let choices: [(Deps, &[u32], u64); 3] = [
        (Deps::Data, &[0], 0),
        (Deps::Ctrl, &[1, 0], 0),
        (Deps::Both, &[0, 1], 1),
    ];
    for (deps, parents, repeated) in choices {
        let options = Options {
            deps,
            ..Options::default()
        };
        let workload = chakra::load(folder.path(), &options).unwrap();
        assert_eq!(workload.ranks[0].nodes[2].deps, parents);
        assert_eq!(workload.dropped_repeated_edges, repeated);
    }
}

#[test]
fn a_forward_reference_is_ordinary() {
    let folder = one(&[compute(1).after(&[2]), compute(2)]);
    let workload = load(folder.path()).unwrap();
    assert_promises(&workload);
    let order: Vec<u32> = workload.order.iter().map(|at| at.node).collect();
    assert_eq!(order, [1, 0]);
}

#[test]
fn a_dangling_edge_names_node_id_and_offset() {
    let nodes = [compute(1), compute(2).after(&[1, 77])];
    let offset = trace(&nodes[..1]).len();
    let (error, text) = refusal(one(&nodes).path());
    assert!(
        matches!(
            error,
            ImportError::Dangling {
                missing: 77,
                dangling: 1,
                ..
            }
        ),
        "{text}"
    );
    assert!(text.contains("node 2 \"n2\" of rank 0"), "{text}");
    assert!(text.contains(&format!("byte {offset} of")), "{text}");
    assert!(text.contains("depends on node 77"), "{text}");
}

#[test]
fn a_duplicate_id_names_both_offsets() {
    let (error, text) = refusal(one(&[compute(1), compute(5), compute(1)]).path());
    let ImportError::DuplicateId {
        second,
        first_offset,
    } = error
    else {
        panic!("{text}")
    };
    assert_eq!((second.id, first_offset), (1, 1));
    assert!(second.offset > first_offset);
}

#[test]
fn a_cycle_is_refused_and_spelled_out() {
    let nodes = [
        compute(1),
        compute(2).after(&[1, 4]),
        compute(3).after(&[2]),
        compute(4).after(&[3]),
        compute(5).after(&[4]),
    ];
    let (error, text) = refusal(one(&nodes).path());
    let ImportError::Cycle(cycle) = error else {
        panic!("{text}")
    };
    let ids: Vec<u64> = cycle.nodes.iter().map(|node| node.id).collect();
    assert_eq!(
        (ids.as_slice(), cycle.length, cycle.over_messages),
        ([2, 3, 4].as_slice(), 3, false)
    );
    assert!(
        text.starts_with("cycle: 3 nodes wait for each other: node 2 \"n2\""),
        "{text}"
    );
    assert!(text.contains("node 2 again"), "{text}");
}

#[test]
fn a_long_cycle_is_cut_in_the_message() {
    let count = 5000;
    let nodes: Vec<Node> = (0..count)
        .map(|id| compute(id).after(&[(id + count - 1) % count]))
        .collect();
    let (error, text) = refusal(one(&nodes).path());
    let ImportError::Cycle(cycle) = error else {
        panic!("{text}")
    };
    assert_eq!((cycle.nodes.len(), cycle.length), (8, 5000));
    assert!(text.contains("4992 more"), "{text}");
}

#[test]
fn an_unknown_node_type_is_refused() {
    for kind in [0, 8, -5] {
        let (error, text) = refusal(one(&[Node::new(1, kind)]).path());
        assert!(
            matches!(error, ImportError::UnknownNodeType { .. }),
            "{text}"
        );
        assert!(
            text.contains(&format!("has type {kind}, known are 1 to 7")),
            "{text}"
        );
    }
}

#[test]
fn a_host_wrapper_of_a_collective_is_a_host_operation() {
    let mut wrapper = Node::new(1, COLLECTIVE).with("is_cpu_op", 1);
    wrapper.duration_micros = 3;
    let workload = load(one(&[wrapper, Node::new(2, METADATA)]).path()).unwrap();
    assert_eq!(
        workload.ranks[0].nodes[0].op,
        Op::Host { duration_ns: 3000 }
    );
}

#[test]
fn hostile_numbers_saturate() {
    let folder = one(&[
        Node::new(1, STORE).with("tensor_size", 0),
        Node::new(2, STORE).with("tensor_size", i64::MAX),
        Node {
            duration_micros: u64::MAX,
            ..compute(u64::MAX)
        },
        compute(3).with("num_ops", 1).with("tensor_size", i64::MAX),
    ]);
    let workload = load(folder.path()).unwrap();
    let ops: Vec<Op> = workload.ranks[0].nodes.iter().map(|node| node.op).collect();
    assert_eq!(
        ops[0],
        Op::Memory {
            store: true,
            bytes: 0,
            duration_ns: 0
        }
    );
    assert!(matches!(
        ops[1],
        Op::Memory {
            bytes: 0x7fff_ffff_ffff_ffff,
            ..
        }
    ));
    assert_eq!(
        ops[2],
        Op::Compute {
            duration_ns: u64::MAX
        }
    );
    assert!(matches!(ops[3], Op::Compute { duration_ns: 1.. }));
}

#[test]
fn a_size_below_0_is_refused_with_its_attribute() {
    let folder = one(&[Node::new(1, STORE).with("tensor_size", -1)]);
    let (_, text) = refusal(folder.path());
    assert!(
        text.contains("tensor_size") && text.contains("-1"),
        "{text}"
    );
}

#[test]
fn a_hostile_name_is_escaped_and_cut_in_the_message() {
    let name = "\u{1b}[31m\n".repeat(100_000);
    let (_, text) = refusal(
        one(&[Node {
            name,
            ..Node::new(1, 0)
        }])
        .path(),
    );
    assert!(
        !text.contains('\u{1b}') && text.contains("\\u{1b}[31m\\n"),
        "{text}"
    );
}

#[test]
fn a_rank_that_is_none_is_refused() {
    for (attribute, value) in [("comm_dst", -1), ("comm_dst", i64::MAX)] {
        let (error, text) = refusal(one(&[Node::new(1, SEND).with(attribute, value)]).path());
        assert!(matches!(error, ImportError::BadEndpoint { .. }), "{text}");
        assert!(text.contains(&format!("{attribute} = {value}")), "{text}");
    }
}
