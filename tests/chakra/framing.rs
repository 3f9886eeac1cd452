//! Files as bytes: gzip, truncation at every byte, damage at every byte.

use super::chakra::ImportError;
use super::encode::{COMPUTE, Folder, Node, STORE, gzip, receive, send, trace};
use super::{assert_promises, checked, data, load, refusal};

/// A trace with every part in it that a flipped bit could turn against the importer.
fn small() -> Vec<u8> {
    trace(&[
        Node::new(1, COMPUTE).with("num_ops", 1000),
        send(2, 0, 7, 4096).after(&[1]),
        receive(3, 0, 7, 4096),
        Node::new(4, STORE).after(&[2, 3]).with("tensor_size", 64),
    ])
}

#[test]
fn a_gzipped_file_loads_as_the_plain_one() {
    let folder = Folder::new();
    let plain = load(&folder.file("t.0.et", &small())).unwrap();
    let packed = load(&folder.file("t.0.et", &gzip(&small()))).unwrap();
    assert_eq!(plain, packed);
    assert_eq!(plain.order.len(), 4);
}

#[test]
fn gzip_members_in_a_row_are_one_stream() {
    let whole = small();
    let (head, tail) = whole.split_at(5);
    let packed = [gzip(head), gzip(tail)].concat();
    assert_eq!(
        load(&Folder::new().file("t.0.et", &packed))
            .unwrap()
            .order
            .len(),
        4
    );
}

#[test]
fn empty_metadata_is_legal() {
    let workload = load(&Folder::new().file("t.0.et", &small())).unwrap();
    assert_eq!(workload.ranks[0].nodes[0].offset, 1);
}

#[test]
fn an_empty_file_is_refused_as_empty() {
    for bytes in [Vec::new(), gzip(&[])] {
        let folder = Folder::new();
        let (error, text) = refusal(&folder.file("t.0.et", &bytes));
        assert!(matches!(error, ImportError::EmptyFile { .. }), "{text}");
        assert!(text.contains("t.0.et is empty (0 bytes)"), "{text}");
    }
}

#[test]
fn a_trace_without_nodes_is_refused() {
    let folder = Folder::new();
    let (error, text) = refusal(&folder.file("t.0.et", &[0]));
    assert!(matches!(error, ImportError::NoNodes { .. }), "{text}");
}

#[test]
fn f42_a_cut_inside_a_message_is_truncation_at_its_length_prefix() {
    let whole = small();
    let workload = load(&Folder::new().file("t.0.et", &whole)).unwrap();
    let offsets: Vec<u64> = workload.ranks[0]
        .nodes
        .iter()
        .map(|node| node.offset)
        .collect();
    let folder = Folder::new();
    for end in 2..whole.len() {
        let length = end as u64;
        if offsets.contains(&length) {
            continue;
        }
        let started = *offsets.iter().rfind(|&&offset| offset < length).unwrap();
        let (error, text) = refusal(&folder.file("t.0.et", &whole[..end]));
        let ImportError::Truncated { offset, .. } = error else {
            panic!("cut at {end}: {text}")
        };
        assert_eq!(offset, started, "cut at {end}");
        assert!(text.contains("t.0.et is cut short"), "{text}");
        assert!(text.contains(&format!("byte {started} ")), "{text}");
    }
}

#[test]
fn a_cut_between_messages_is_a_shorter_trace_or_an_error() {
    for sample in ["two_comp_nodes_dependent", "one_metadata_node_all_types"] {
        let whole = std::fs::read(data(&format!("micro/{sample}.0.et"))).unwrap();
        let folder = Folder::new();
        for end in 0..whole.len() {
            let path = folder.file("t.0.et", &whole[..end]);
            if let Ok(workload) = load(&path) {
                assert_eq!((sample, end), ("two_comp_nodes_dependent", 42));
                assert_eq!(workload.order.len(), 1);
            } else {
                refusal(&path);
            }
        }
    }
}

#[test]
fn a_gzip_stream_cut_anywhere_is_refused() {
    let whole = gzip(&small());
    let folder = Folder::new();
    for end in 0..whole.len() {
        refusal(&folder.file("t.0.et", &whole[..end]));
    }
    let (error, text) = refusal(&folder.file("t.0.et", &whole[..whole.len() - 1]));
    assert!(matches!(error, ImportError::Gzip { .. }), "{text}");
    assert!(text.contains("gzip -t"), "{text}");
}

#[test]
fn no_damaged_byte_breaks_a_promise() {
    let all_types = std::fs::read(data("micro/one_metadata_node_all_types.0.et")).unwrap();
    let folder = Folder::new();
    let (mut loaded, mut refused) = (0, 0);
    for whole in [small(), all_types, gzip(&small())] {
        for at in 0..whole.len() {
            for mask in [1, 4, 16, 128, 255] {
                let mut damaged = whole.clone();
                damaged[at] ^= mask;
                let path = folder.file("t.0.et", &damaged);
                match load(&path) {
                    Ok(workload) => {
                        assert_promises(&workload);
                        loaded += 1;
                    }
                    Err(error) => {
                        checked(error);
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(
        loaded > 100 && refused > 1000,
        "{loaded} loaded, {refused} refused"
    );
}

#[test]
fn a_huge_claimed_length_is_truncation() {
    let folder = Folder::new();
    let claim = [
        0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 8, 1,
    ];
    let (error, text) = refusal(&folder.file("t.0.et", &claim));
    assert!(
        matches!(
            error,
            ImportError::Truncated {
                offset: 1,
                left: 2,
                ..
            }
        ),
        "{text}"
    );
}

#[test]
fn a_gzip_bomb_is_refused() {
    // Nodes with an unknown field (15) of 10 MiB, which the decoder skips.
    let mut bomb = vec![0];
    for id in 0..4_u8 {
        let mut node = vec![8, id, 24, 4, 0x7a, 0x80, 0x80, 0x80, 5];
        node.resize(node.len() + (10 << 20), 0);
        prost::encode_length_delimiter(node.len(), &mut bomb).unwrap();
        bomb.extend(node);
    }
    let folder = Folder::new();
    assert_eq!(load(&folder.file("t.0.et", &bomb)).unwrap().order.len(), 4);
    let (error, text) = refusal(&folder.file("t.0.et", &gzip(&bomb)));
    assert!(matches!(error, ImportError::ExpandsTooFar { .. }), "{text}");
}

#[test]
fn a_message_of_more_than_16_mib_is_refused() {
    let mut bytes = vec![0];
    prost::encode_length_delimiter((16 << 20) + 1, &mut bytes).unwrap();
    bytes.resize(17 << 20, 0);
    let (error, text) = refusal(&Folder::new().file("t.0.et", &bytes));
    assert!(
        matches!(error, ImportError::MessageTooLong { offset: 1, .. }),
        "{text}"
    );
}

#[test]
fn a_file_of_another_format_is_refused() {
    let folder = Folder::new();
    for bytes in [
        b"{\"nodes\": []}".as_slice(),
        b"\x7fELF\x02\x01\x01",
        &[0xff; 64],
    ] {
        refusal(&folder.file("t.0.et", bytes));
    }
}
