//! One node's message, interpreted: lane, durations, sizes, ends of messages, parents.
//!
//! Guarantees: no number overflows; parents hold neither the node itself nor a repeat.
//! Refuses unknown node types and collectives, and ranks or tags out of range. What depends
//! on other nodes or ranks is left to `graph`, `groups` and `matching`. Called by `read`.

use std::collections::HashSet;
use std::path::Path;

use super::attr::Attributes;
use super::disagreement::Call;
use super::error::ImportError;
use super::model::{CollectiveKind, Op};
use super::options::{Deps, Options};
use super::place::{NodePlace, shorten};
use super::proto;
use super::unmatched::Side;

/// A node on its way to a [`super::Node`].
pub(super) struct Draft {
    pub(super) id: u64,
    pub(super) name: Box<str>,
    pub(super) offset: u64,
    pub(super) work: Work,
    /// Ids of the enforced parents: no self, no repeats; perhaps not in the file.
    pub(super) parents: Vec<u64>,
}

/// What a node does, as far as it can tell alone.
pub(super) enum Work {
    /// Decided.
    Op(Op),
    /// One end of a message.
    Message(Side, MessageKey),
    /// A collective in a group that is not looked up yet.
    Collective(Box<Called>),
}

/// A collective as one of its ranks calls it.
pub(super) struct Called {
    pub(super) call: Call,
    pub(super) duration_ns: u64,
    /// The process group's name; may be empty.
    pub(super) group: Box<str>,
    /// Whether it leaves out a dimension of a topology that the trace does not describe.
    pub(super) partial: bool,
}

/// What a send and its receive have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct MessageKey {
    pub(super) source: u32,
    pub(super) destination: u32,
    pub(super) tag: i64,
    pub(super) bytes: u64,
}

/// Edges that were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Dropped {
    pub(super) self_edges: u64,
    pub(super) repeated_edges: u64,
}

/// Where a node stands: what `interpret` must know beside the message.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) file: &'a Path,
    pub(super) rank: u32,
    pub(super) offset: u64,
}

impl Site<'_> {
    /// Names a node here, for an error.
    pub(super) fn place(self, id: u64, name: &str) -> NodePlace {
        let Self { rank, offset, .. } = self;
        NodePlace {
            rank,
            id,
            name: shorten(name).into(),
            file: self.file.to_owned(),
            offset,
        }
    }
}

/// Interprets one message; `sorted` is scratch space for finding repeats.
pub(super) fn interpret(
    raw: proto::Node,
    site: Site<'_>,
    options: &Options,
    dropped: &mut Dropped,
    sorted: &mut Vec<u64>,
) -> Result<Draft, ImportError> {
    let work = work(&raw, site, options)?;
    let parents = parents(&raw, options.deps, dropped, sorted);
    let name = raw.name.into_boxed_str();
    Ok(Draft {
        id: raw.id,
        name,
        offset: site.offset,
        work,
        parents,
    })
}

fn work(raw: &proto::Node, site: Site<'_>, options: &Options) -> Result<Work, ImportError> {
    let attributes = Attributes(&raw.attributes);
    let size = |attribute| {
        let negative = |value| ImportError::NegativeSize {
            node: site.place(raw.id, &raw.name),
            attribute,
            value,
        };
        attributes.size(attribute).map_err(negative)
    };
    let (tensor_bytes, operations) = (size("tensor_size")?, size("num_ops")?);
    let message_bytes = size("comm_size")?.or(tensor_bytes).unwrap_or(0);
    let bytes = tensor_bytes.unwrap_or(0);
    let duration_ns = |bytes| match raw.duration_micros {
        0 => options.roofline.time_ns(operations.unwrap_or(0), bytes),
        micros => micros.saturating_mul(1000),
    };
    let host = attributes.is_set("is_cpu_op");
    Ok(match raw.kind {
        1 => Work::Op(Op::Metadata),
        2..=4 if host => Work::Op(Op::Host {
            duration_ns: duration_ns(bytes),
        }),
        2 | 3 => Work::Op(Op::Memory {
            store: raw.kind == 3,
            bytes,
            duration_ns: duration_ns(bytes),
        }),
        4 => Work::Op(Op::Compute {
            duration_ns: duration_ns(bytes),
        }),
        5 => Work::Message(Side::Send, key(raw, Side::Send, message_bytes, site)?),
        6 => Work::Message(Side::Receive, key(raw, Side::Receive, message_bytes, site)?),
        7 if host => Work::Op(Op::Host {
            duration_ns: duration_ns(message_bytes),
        }),
        7 => Work::Collective(Box::new(Called {
            call: call(raw, message_bytes, site)?,
            duration_ns: duration_ns(message_bytes),
            group: attributes.text("pg_name").unwrap_or_default().into(),
            partial: attributes.leaves_out("involved_dim"),
        })),
        kind => {
            let node = site.place(raw.id, &raw.name);
            return Err(ImportError::UnknownNodeType { node, kind });
        }
    })
}

fn call(raw: &proto::Node, bytes: u64, site: Site<'_>) -> Result<Call, ImportError> {
    let attributes = Attributes(&raw.attributes);
    let number = attributes.number("comm_type").unwrap_or(0);
    let kind = usize::try_from(number)
        .ok()
        .and_then(|index| CollectiveKind::ALL.get(index));
    let Some(&kind) = kind else {
        let node = site.place(raw.id, &raw.name);
        return Err(ImportError::UnknownCollective { node, kind: number });
    };
    let root = match kind.is_rooted() {
        true => attributes.number("comm_root"),
        false => None,
    };
    let in_range = |root: i128| root.clamp(i64::MIN.into(), i64::MAX.into());
    let root = root.map(|root| i64::try_from(in_range(root)).expect("it was clamped"));
    Ok(Call { kind, bytes, root })
}

fn key(
    raw: &proto::Node,
    side: Side,
    bytes: u64,
    site: Site<'_>,
) -> Result<MessageKey, ImportError> {
    let attributes = Attributes(&raw.attributes);
    let out_of_range = |attribute, value| ImportError::BadEndpoint {
        node: site.place(raw.id, &raw.name),
        attribute,
        value,
    };
    let rank = |attribute| match attributes.number(attribute) {
        None => Ok(site.rank),
        Some(value) => u32::try_from(value).map_err(|_| out_of_range(attribute, value)),
    };
    let (source, destination) = (rank("comm_src")?, rank("comm_dst")?);
    let (attribute, value) = match side {
        Side::Send => ("comm_src", source),
        Side::Receive => ("comm_dst", destination),
    };
    if value != site.rank {
        let node = site.place(raw.id, &raw.name);
        return Err(ImportError::ForeignEndpoint {
            node,
            attribute,
            value,
        });
    }
    let tag = attributes.number("comm_tag").unwrap_or(0);
    let tag = i64::try_from(tag).map_err(|_| out_of_range("comm_tag", tag))?;
    Ok(MessageKey {
        source,
        destination,
        tag,
        bytes,
    })
}

fn parents(
    raw: &proto::Node,
    deps: Deps,
    dropped: &mut Dropped,
    sorted: &mut Vec<u64>,
) -> Vec<u64> {
    let (data, ctrl): (&[u64], &[u64]) = match deps {
        Deps::Data => (&raw.data_deps, &[]),
        Deps::Ctrl => (&[], &raw.ctrl_deps),
        Deps::Both => (&raw.data_deps, &raw.ctrl_deps),
    };
    let all = || data.iter().chain(ctrl).copied();
    sorted.clear();
    sorted.extend(all());
    sorted.sort_unstable();
    // Sorting is faster than hashing, and what was recorded has no repeats.
    let has_repeats = sorted.windows(2).any(|two| two[0] == two[1]);
    let mut seen = HashSet::new();
    let mut parents = Vec::with_capacity(sorted.len());
    for parent in all() {
        if parent == raw.id {
            dropped.self_edges += 1;
        } else if !has_repeats || seen.insert(parent) {
            parents.push(parent);
        } else {
            dropped.repeated_edges += 1;
        }
    }
    parents.shrink_to_fit();
    parents
}

#[cfg(test)]
mod tests {
    use super::super::proto::{Attribute, Value};
    use super::*;

    fn raw(kind: i32, attributes: &[(&str, i64)]) -> proto::Node {
        let attributes = attributes.iter().map(|&(name, value)| Attribute {
            name: name.to_owned(),
            value: Some(Value::Int64(value)),
        });
        proto::Node {
            id: 9,
            kind,
            attributes: attributes.collect(),
            ..Default::default()
        }
    }

    fn work_of(raw: &proto::Node) -> Result<Work, ImportError> {
        let site = Site {
            file: Path::new("a.3.et"),
            rank: 3,
            offset: 0,
        };
        work(raw, site, &Options::default())
    }

    fn op_of(raw: &proto::Node) -> Op {
        match work_of(raw) {
            Ok(Work::Op(op)) => op,
            _ => panic!("this node should be decided alone"),
        }
    }

    fn key_of(raw: &proto::Node) -> MessageKey {
        match work_of(raw) {
            Ok(Work::Message(_, key)) => key,
            _ => panic!("this node should be an end of a message"),
        }
    }

    #[test]
    fn a_cpu_operation_goes_to_the_host_lane() {
        for kind in [2, 3, 4, 7] {
            let mut raw = raw(kind, &[("is_cpu_op", 1)]);
            raw.duration_micros = 5;
            assert_eq!(op_of(&raw), Op::Host { duration_ns: 5000 }, "type {kind}");
        }
    }

    #[test]
    fn the_longest_duration_saturates() {
        let mut raw = raw(4, &[]);
        raw.duration_micros = u64::MAX;
        assert_eq!(
            op_of(&raw),
            Op::Compute {
                duration_ns: u64::MAX
            }
        );
    }

    #[test]
    fn an_unknown_duration_comes_from_the_roofline() {
        let raw = raw(4, &[("num_ops", 200_000), ("tensor_size", 1000)]);
        assert_eq!(op_of(&raw), Op::Compute { duration_ns: 2 });
    }

    #[test]
    fn the_ends_of_a_message_default_to_the_own_rank() {
        let send = key_of(&raw(5, &[("comm_dst", 1), ("tensor_size", 8)]));
        assert_eq!(
            send,
            MessageKey {
                source: 3,
                destination: 1,
                tag: 0,
                bytes: 8
            }
        );
        let sizes = [
            ("comm_src", 1),
            ("comm_size", 0),
            ("tensor_size", 8),
            ("comm_tag", -1),
        ];
        let receive = key_of(&raw(6, &sizes));
        assert_eq!(
            receive,
            MessageKey {
                source: 1,
                destination: 3,
                tag: -1,
                bytes: 0
            }
        );
    }

    #[test]
    fn a_send_from_another_rank_is_refused() {
        let error = work_of(&raw(5, &[("comm_src", 2)])).err();
        assert!(matches!(
            error,
            Some(ImportError::ForeignEndpoint { value: 2, .. })
        ));
        let error = work_of(&raw(6, &[("comm_dst", 2)])).err();
        assert!(matches!(
            error,
            Some(ImportError::ForeignEndpoint { value: 2, .. })
        ));
    }

    #[test]
    fn a_negative_rank_is_refused() {
        let error = work_of(&raw(5, &[("comm_dst", -1)])).err();
        assert!(matches!(
            error,
            Some(ImportError::BadEndpoint { value: -1, .. })
        ));
    }

    #[test]
    fn a_size_below_0_is_refused_with_its_attribute() {
        for kind in [2, 4, 5, 7] {
            for name in ["tensor_size", "num_ops", "comm_size"] {
                let error = work_of(&raw(kind, &[(name, -7)])).err();
                let error = error.expect("it is refused");
                assert!(
                    error
                        .to_string()
                        .ends_with(&format!("has {name} = -7, and a size is 0 or more")),
                    "{error}"
                );
                assert_eq!(error.hint(), "correct the attribute");
            }
        }
    }

    #[test]
    fn types_and_collectives_outside_the_format_are_refused() {
        for kind in [0, 8, -1, i32::MAX, i32::MIN] {
            let error = work_of(&raw(kind, &[])).err();
            assert!(
                matches!(error, Some(ImportError::UnknownNodeType { .. })),
                "{kind}"
            );
        }
        for kind in [10, -1, i64::MAX] {
            let error = work_of(&raw(7, &[("comm_type", kind)])).err();
            assert!(
                matches!(error, Some(ImportError::UnknownCollective { .. })),
                "{kind}"
            );
        }
    }

    #[test]
    fn self_edges_and_repeats_are_dropped_and_counted() {
        let mut raw = raw(4, &[]);
        raw.data_deps = vec![1, 9, 1, 2];
        raw.ctrl_deps = vec![2, 3, 9];
        let mut dropped = Dropped::default();
        let found = parents(&raw, Deps::Both, &mut dropped, &mut Vec::new());
        assert_eq!(found, [1, 2, 3]);
        assert_eq!(
            dropped,
            Dropped {
                self_edges: 2,
                repeated_edges: 2
            }
        );
        raw.data_deps.extend(4..40);
        raw.data_deps.extend(4..40);
        let mut dropped = Dropped::default();
        let found = parents(&raw, Deps::Data, &mut dropped, &mut Vec::new());
        assert_eq!((found.len(), dropped.repeated_edges), (2 + 35, 1 + 35));
        let mut dropped = Dropped::default();
        assert_eq!(
            parents(&raw, Deps::Ctrl, &mut dropped, &mut Vec::new()),
            [2, 3]
        );
        assert_eq!(
            dropped,
            Dropped {
                self_edges: 1,
                repeated_edges: 0
            }
        );
    }
}
