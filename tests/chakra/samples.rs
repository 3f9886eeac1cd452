//! The sample traces hold what is known of them.

use super::chakra::{CollectiveKind, Deps, ImportError, Op, Options, PeerState};
use super::{assert_promises, chakra, data, load, refusal};

#[test]
fn the_ring_all_reduce_has_112_messages_between_neighbours() {
    let workload = load(&data("ring-allreduce-8")).unwrap();
    assert_promises(&workload);
    assert_eq!(workload.name, "custom_allreduce");
    let ranks: Vec<u32> = workload.ranks.iter().map(|rank| rank.rank).collect();
    assert_eq!(ranks, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(workload.order.len(), 280);
    let ops = || {
        workload
            .ranks
            .iter()
            .flat_map(|rank| &rank.nodes)
            .map(|node| node.op)
    };
    assert_eq!(
        ops().filter(|op| matches!(op, Op::Send { .. })).count(),
        112
    );
    assert_eq!(
        ops().filter(|op| matches!(op, Op::Receive { .. })).count(),
        112
    );
    assert_eq!(
        ops().filter(|op| matches!(op, Op::Compute { .. })).count(),
        56
    );
    assert_eq!(workload.messages.len(), 112);
    for message in &workload.messages {
        assert_eq!(message.destination, (message.source + 1) % 8);
        assert_eq!((message.tag, message.bytes), (0, 131_072));
    }
    assert_eq!(
        (workload.dropped_self_edges, workload.dropped_repeated_edges),
        (0, 0)
    );
}

#[test]
fn the_ring_loads_by_its_prefix_as_by_its_folder() {
    let by_prefix = load(&data("ring-allreduce-8/custom_allreduce")).unwrap();
    assert_eq!(by_prefix, load(&data("ring-allreduce-8")).unwrap());
}

#[test]
fn one_rank_of_the_ring_misses_its_neighbour() {
    let (error, text) = refusal(&data("ring-allreduce-8/custom_allreduce.3.et"));
    let ImportError::Unmatched(unmatched) = error else {
        panic!("{text}")
    };
    assert_eq!((unmatched.node.rank, unmatched.peer), (3, 4));
    assert_eq!(unmatched.peer_state, PeerState::NotLoaded { loaded: 1 });
    assert!(
        text.contains("the trace of rank 4 was not loaded"),
        "{text}"
    );
}

#[test]
fn the_pytorch_trace_has_a_closed_acyclic_data_graph() {
    let workload = load(&data("mlcommons/chakra.0.et")).unwrap();
    assert_promises(&workload);
    assert_eq!(workload.name, "chakra.0");
    let nodes = &workload.ranks[0].nodes;
    assert_eq!(nodes.len(), 3664);
    assert_eq!(
        nodes.iter().map(|node| node.deps.len()).sum::<usize>(),
        181_878
    );
    assert_eq!(nodes.iter().map(|node| node.deps.len()).max(), Some(270));
    assert_eq!(nodes.iter().filter(|node| node.deps.is_empty()).count(), 5);
    let forward = (0_u32..)
        .zip(nodes)
        .map(|(index, node)| node.deps.iter().filter(|&&parent| parent > index).count());
    assert_eq!(forward.sum::<usize>(), 53);
    let mut fan_out = vec![0; nodes.len()];
    for &parent in nodes.iter().flat_map(|node| &node.deps) {
        fan_out[parent as usize] += 1;
    }
    assert_eq!(fan_out.into_iter().max(), Some(569));
    assert_eq!(
        (workload.dropped_self_edges, workload.dropped_repeated_edges),
        (0, 0)
    );
}

#[test]
fn the_pytorch_trace_has_host_operations_kernels_and_7_collectives() {
    let workload = load(&data("mlcommons/chakra.0.et")).unwrap();
    let nodes = &workload.ranks[0].nodes;
    assert_eq!(
        nodes
            .iter()
            .filter(|node| matches!(node.op, Op::Host { .. }))
            .count(),
        2448
    );
    let computes: Vec<u64> = nodes
        .iter()
        .filter_map(|node| match node.op {
            Op::Compute { duration_ns } => Some(duration_ns),
            _ => None,
        })
        .collect();
    assert_eq!(computes.len(), 1209);
    assert_eq!(
        computes
            .iter()
            .filter(|&&duration_ns| duration_ns == 0)
            .count(),
        157
    );
    let collectives: Vec<(CollectiveKind, u64)> = nodes
        .iter()
        .filter_map(|node| match node.op {
            Op::Collective { kind, bytes, .. } => Some((kind, bytes)),
            _ => None,
        })
        .collect();
    assert_eq!(collectives.len(), 7);
    assert_eq!(collectives[0], (CollectiveKind::Broadcast, 212_480));
    assert!(collectives.contains(&(CollectiveKind::AllReduce, 31_502_336)));
}

#[test]
fn the_control_edges_of_the_pytorch_trace_dangle() {
    for deps in [Deps::Ctrl, Deps::Both] {
        let options = Options {
            deps,
            ..Options::default()
        };
        let error = chakra::load(&data("mlcommons/chakra.0.et"), &options).unwrap_err();
        let text = error.to_string();
        let ImportError::Dangling {
            dangling,
            self_edges,
            ..
        } = error
        else {
            panic!("{text}")
        };
        assert_eq!((dangling, self_edges), (1277, 383));
        assert!(
            text.contains("1277 such edges, 383 self-edges dropped"),
            "{text}"
        );
    }
}

#[test]
fn a_metadata_node_with_every_kind_of_attribute_is_read() {
    let workload = load(&data("micro/one_metadata_node_all_types.0.et")).unwrap();
    assert_eq!(workload.ranks[0].nodes[0].op, Op::Metadata);
}

#[test]
fn two_dependent_nodes_keep_their_edge_and_offsets() {
    let workload = load(&data("micro/two_comp_nodes_dependent.0.et")).unwrap();
    let [first, second] = workload.ranks[0].nodes.as_slice() else {
        panic!("two nodes")
    };
    assert_eq!(
        (first.id, first.offset, first.deps.as_slice()),
        (24, 8, [].as_slice())
    );
    assert_eq!(
        (second.id, second.offset, second.deps.as_slice()),
        (25, 42, [0].as_slice())
    );
    assert_eq!(first.op, Op::Compute { duration_ns: 5000 });
}

#[test]
fn memory_nodes_take_the_time_of_their_bytes() {
    let options = Options {
        roofline: chakra::Roofline {
            bandwidth_bytes_per_s: 1e9,
            ..Default::default()
        },
        ..Options::default()
    };
    for (name, store) in [("load", false), ("store", true)] {
        let path = data(&format!("micro/one_remote_mem_{name}_node.0.et"));
        let workload = chakra::load(&path, &options).unwrap();
        let expected = Op::Memory {
            store,
            bytes: 1024,
            duration_ns: 1024,
        };
        assert_eq!(workload.ranks[0].nodes[0].op, expected);
    }
}

#[test]
fn a_collective_of_a_rank_loaded_alone_is_its_own() {
    let workload = load(&data("micro/ALL_REDUCE.0.et")).unwrap();
    let Op::Collective { kind, bytes, .. } = workload.ranks[0].nodes[0].op else {
        panic!("a collective")
    };
    assert_eq!((kind, bytes), (CollectiveKind::AllReduce, 65_536));
    let workload = load(&data("micro/BARRIER.0.et")).unwrap();
    let expected = Op::Collective {
        kind: CollectiveKind::Barrier,
        bytes: 0,
        duration_ns: 0,
    };
    assert_eq!(workload.ranks[0].nodes[0].op, expected);
}

#[test]
fn every_sample_of_a_collective_is_one_over_all_ranks() {
    use CollectiveKind::{AllGather, AllReduce, AllToAll, Barrier, Broadcast, ReduceScatter};
    let samples = [
        ("collectives/all_gather-4npus_1MB", AllGather, 1 << 20),
        ("collectives/all_reduce-4npus_1MB", AllReduce, 1 << 20),
        ("collectives/all_to_all-4npus_1MB", AllToAll, 1 << 20),
        (
            "collectives/reduce_scatter-4npus_1MB",
            ReduceScatter,
            1 << 20,
        ),
        ("micro/ALL_GATHER", AllGather, 65_536),
        ("micro/ALL_REDUCE", AllReduce, 65_536),
        ("micro/ALL_TO_ALL", AllToAll, 65_536),
        ("micro/BARRIER", Barrier, 0),
        ("micro/BROADCAST", Broadcast, 65_536),
        ("micro/REDUCE_SCATTER", ReduceScatter, 65_536),
    ];
    for (name, kind, bytes) in samples {
        let workload = load(&data(name)).unwrap();
        assert_promises(&workload);
        let [collective] = workload.collectives.as_slice() else {
            panic!("{name}: {:?}", workload.collectives)
        };
        assert_eq!((collective.kind, collective.bytes), (kind, bytes), "{name}");
        assert_eq!(
            (collective.members.len(), workload.groups),
            (4, 1),
            "{name}"
        );
    }
}

#[test]
fn the_llama_step_has_184_collectives_in_groups_of_two() {
    let workload = load(&data("llama-dp2-tp2-pp2")).unwrap();
    assert_promises(&workload);
    assert_eq!(workload.order.len(), 1440);
    assert_eq!((workload.collectives.len(), workload.groups), (184, 8));
    let first = &workload.collectives[0];
    assert_eq!((&*first.group, first.nth, first.bytes), ("5", 0, 4_194_304));
    let ranks: Vec<u32> = first.members.iter().map(|at| at.rank_index).collect();
    assert_eq!((first.kind, ranks), (CollectiveKind::AllGather, vec![0, 2]));
    assert_eq!(workload.messages.len(), 16);
}
