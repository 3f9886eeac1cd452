//! From paths to ranks.

use std::io::ErrorKind;

use super::chakra::{ImportError, Options, Roofline};
use super::encode::{COMPUTE, Folder, Node, trace};
use super::{chakra, load, refusal};

fn small() -> Vec<u8> {
    trace(&[Node::new(1, COMPUTE)])
}

#[test]
fn a_folder_without_traces_is_refused() {
    let folder = Folder::new();
    folder.file("readme.txt", b"");
    folder.file("trace.et", &small());
    let (error, text) = refusal(folder.path());
    assert!(matches!(error, ImportError::NoTraces { .. }), "{text}");
    assert!(text.contains("PREFIX.<rank>.et"), "{text}");
}

#[test]
fn a_folder_with_several_prefixes_asks_which() {
    let folder = Folder::new();
    for name in ["b.0.et", "a.0.et", "a.1.et"] {
        folder.file(name, &small());
    }
    let (error, text) = refusal(folder.path());
    let ImportError::SeveralPrefixes { prefixes, .. } = error else {
        panic!("{text}")
    };
    assert_eq!(prefixes, ["a", "b"]);
    assert!(text.contains("2 workloads (a, b); which one?"), "{text}");
    assert_eq!(load(&folder.path().join("a")).unwrap().ranks.len(), 2);
}

#[test]
fn ranks_are_sorted_by_number_not_by_name() {
    let folder = Folder::new();
    for name in ["t.10.et", "t.2.et", "t.0.et"] {
        folder.file(name, &small());
    }
    let workload = load(folder.path()).unwrap();
    let ranks: Vec<u32> = workload.ranks.iter().map(|rank| rank.rank).collect();
    assert_eq!(ranks, [0, 2, 10]);
}

#[test]
fn one_file_loads_that_rank_alone() {
    let folder = Folder::new();
    folder.file("t.0.et", &small());
    let workload = load(&folder.file("t.5.et", &small())).unwrap();
    assert_eq!((workload.ranks.len(), workload.ranks[0].rank), (1, 5));
    let workload = load(&folder.file("any-name", &small())).unwrap();
    assert_eq!(
        (workload.name.as_str(), workload.ranks[0].rank),
        ("any-name", 0)
    );
}

#[test]
fn two_files_of_one_rank_are_refused() {
    let folder = Folder::new();
    folder.file("t.1.et", &small());
    folder.file("t.01.et", &small());
    let (error, text) = refusal(folder.path());
    assert!(
        matches!(error, ImportError::SameRank { rank: 1, .. }),
        "{text}"
    );
}

#[test]
fn a_thousand_and_twenty_four_ranks_load_and_one_more_does_not() {
    let folder = Folder::new();
    for rank in 0..1024 {
        folder.file(&format!("t.{rank}.et"), &small());
    }
    assert_eq!(load(folder.path()).unwrap().ranks.len(), 1024);
    folder.file("t.1024.et", &small());
    let (error, text) = refusal(folder.path());
    let is_it = matches!(
        error,
        ImportError::TooManyRanks {
            found: 1025,
            limit: 1024,
            ..
        }
    );
    assert!(is_it, "{text}");
}

#[test]
fn a_missing_path_gives_the_systems_reason() {
    let folder = Folder::new();
    for name in ["missing.0.et", "no/such/folder", "t"] {
        let (error, text) = refusal(&folder.path().join(name));
        let ImportError::Unreadable { source, .. } = error else {
            panic!("{text}")
        };
        assert_eq!(source.kind(), ErrorKind::NotFound);
        assert!(
            text.contains(name) && text.contains("No such file"),
            "{text}"
        );
    }
}

#[test]
fn an_empty_rank_beside_others_is_taken() {
    let folder = Folder::new();
    folder.file("t.0.et", &small());
    folder.file("t.1.et", &[0]);
    let workload = load(folder.path()).unwrap();
    assert!(workload.ranks[1].nodes.is_empty());
}

#[test]
fn a_roofline_without_speed_is_refused() {
    let roofline = Roofline {
        bandwidth_bytes_per_s: 0.0,
        ..Roofline::default()
    };
    let options = Options {
        roofline,
        ..Options::default()
    };
    let error = chakra::load(Folder::new().path(), &options).unwrap_err();
    assert!(
        error.to_string().contains("bandwidth_bytes_per_s is 0"),
        "{error}"
    );
}
