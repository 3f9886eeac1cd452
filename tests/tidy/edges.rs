//! Edges: each has a partner that names it back, is used, and is explained where it is used.

use finbox_mailbox::edge::{Edge, Ordering};
use finbox_tests::mutants;

use crate::source::{Source, hold, lines_of, sources};

/// Name of a crate and its table.
const TABLES: &[(&str, &[Edge])] = &[
    ("mailbox", finbox_mailbox::edge::TABLE),
    ("scheduler", finbox_scheduler::edge::TABLE),
    ("runtime", finbox_runtime::edge::TABLE),
];

/// How far above an access its comment may begin; accesses are often the end of a chain of calls.
const COMMENT_ABOVE: usize = 8;

fn partners(edge: &Edge) -> impl Iterator<Item = &'static str> {
    edge.partner().split(", ")
}

fn releases(edge: &Edge) -> bool {
    matches!(edge.table_order(), Ordering::Release | Ordering::AcqRel)
}

fn acquires(edge: &Edge) -> bool {
    matches!(edge.table_order(), Ordering::Acquire | Ordering::AcqRel)
}

/// Each partner exists, names the edge back, and one of the two releases what the other acquires.
fn pairs(table: &[Edge]) -> Vec<String> {
    let mut findings = Vec::new();
    for edge in table {
        let name = edge.name();
        if edge.carries().is_empty() {
            findings.push(format!(
                "{name} says neither what it carries nor why relaxed is enough"
            ));
        }
        if edge.table_order() == Ordering::Relaxed {
            if edge.partner() != "-" {
                findings.push(format!("{name} is relaxed and cannot have a partner"));
            }
            continue;
        }
        for partner in partners(edge) {
            let Some(other) = table.iter().find(|other| other.name() == partner) else {
                findings.push(format!("{name}: there is no {partner}"));
                continue;
            };
            if !partners(other).any(|back| back == name) {
                findings.push(format!(
                    "{name} names {partner}, which does not name it back"
                ));
            }
            if !(releases(edge) && acquires(other) || acquires(edge) && releases(other)) {
                findings.push(format!("{name} and {partner} do not synchronise"));
            }
        }
    }
    findings
}

/// Uses of edge constants in the crate that owns them: (line, edge).
fn uses<'t>(source: &Source, table: &'t [Edge]) -> Vec<(usize, &'t Edge)> {
    let row = source.shipped_tokens();
    let of = |edge: &'t Edge| {
        let lines = lines_of(&row, &["edge", ":", ":", edge.name()]);
        lines.into_iter().map(move |line| (line, edge))
    };
    table.iter().flat_map(of).collect()
}

/// An access of a pair stands under `EDGE …NAME…`, a relaxed one under `RELAXED` or its name.
fn explained(source: &Source, table: &[Edge]) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, edge) in uses(source, table) {
        let comment = source.comments_above(line, COMMENT_ABOVE);
        let named = has_word(&comment, edge.name());
        let relaxed = edge.table_order() == Ordering::Relaxed;
        let fine = if relaxed {
            named || has_word(&comment, "RELAXED")
        } else {
            named && has_word(&comment, "EDGE")
        };
        if !fine {
            let wanted = if relaxed {
                "RELAXED: why"
            } else {
                "EDGE NAME -> PARTNER"
            };
            let what = format!("{} without a comment `{wanted}`", edge.name());
            findings.push(source.finding(line, &what));
        }
    }
    findings
}

fn has_word(text: &str, word: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|other| other == word)
}

#[test]
fn every_edge_has_a_partner_that_names_it_back_and_synchronises() {
    let findings: Vec<String> = TABLES.iter().flat_map(|(_, table)| pairs(table)).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn names_of_edges_are_unique_over_all_tables() {
    let mut names: Vec<&str> = TABLES
        .iter()
        .flat_map(|(_, table)| table.iter().map(|edge| edge.name()))
        .collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(twice, None, "a mutant of one would be a mutant of both");
}

#[test]
fn every_table_with_a_strong_edge_is_hunted_through() {
    for (name, table) in TABLES {
        let names = |table: &[Edge]| table.iter().map(|edge| edge.name()).collect::<Vec<_>>();
        let mut hunted = mutants::TABLES.iter();
        let is_hunted = hunted.any(|hunted| names(hunted) == names(table));
        let is_strong = !mutants::mutants(table).is_empty();
        assert!(is_hunted || !is_strong, "no mutant of {name} is ever run");
    }
}

#[test]
fn every_edge_is_used() {
    let sources = sources();
    for (name, table) in TABLES {
        let folder = format!("{name}/src/");
        for edge in *table {
            let mut own = sources
                .iter()
                .filter(|source| source.path.starts_with(&folder));
            let used = own.any(|source| !uses(source, &[*edge]).is_empty());
            assert!(
                used,
                "{name}: {} is in the table and nowhere else",
                edge.name()
            );
        }
    }
}

#[test]
fn every_atomic_access_says_which_edge_it_is() {
    // The C ABI has no table: its locks are those of the mailbox.
    let borrowed = ("runtime/ffi", finbox_mailbox::edge::TABLE);
    for (name, table) in TABLES.iter().chain([&borrowed]) {
        let folder = format!("{name}/src/");
        hold(|source| {
            if source.path.starts_with(&folder) {
                explained(source, table)
            } else {
                Vec::new()
            }
        });
    }
}

const RELEASE: Edge = Edge::new("OUT", Ordering::Release, "IN", "news");
const ACQUIRE: Edge = Edge::new("IN", Ordering::Acquire, "OUT", "news");

#[test]
fn a_pair_that_does_not_match_is_found() {
    assert_eq!(pairs(&[RELEASE, ACQUIRE]), [""; 0]);
    let lone = pairs(&[RELEASE]);
    assert_eq!(lone, ["OUT: there is no IN"]);
    let stranger = Edge::new("IN", Ordering::Acquire, "IN", "news");
    assert!(
        pairs(&[RELEASE, stranger]).contains(&"OUT names IN, which does not name it back".into())
    );
    let same_side = Edge::new("IN", Ordering::Release, "OUT", "news");
    assert_eq!(pairs(&[RELEASE, same_side]).len(), 2);
    let relaxed = Edge::new("HINT", Ordering::Relaxed, "OUT", "");
    assert_eq!(pairs(&[relaxed]).len(), 2);
    let many = Edge::new("IN", Ordering::Acquire, "OUT, OTHER", "news");
    let other = Edge::new("OTHER", Ordering::AcqRel, "IN", "news");
    assert_eq!(pairs(&[RELEASE, many, other]), [""; 0]);
}

#[test]
fn an_access_without_its_comment_is_found() {
    let hint = Edge::new("HINT", Ordering::Relaxed, "-", "a hint");
    let table = [RELEASE, ACQUIRE, hint];
    let check = |text: &str| explained(&Source::new("x.rs", text), &table).len();
    assert_eq!(check("a.store(1, edge::OUT);"), 1);
    assert_eq!(check("// OUT\na.store(1, edge::OUT);"), 1);
    assert_eq!(check("// EDGE INSIDE\na.load(edge::IN);"), 1);
    assert_eq!(check("// EDGE OUT -> IN\na.store(1, edge::OUT);"), 0);
    assert_eq!(check("a.load(edge::HINT);"), 1);
    assert_eq!(check("// RELAXED: a hint.\na.load(edge::HINT);"), 0);
}
