//! Mutants that no test can kill, or none that gives the same answer every time, and why.
//!
//! `[file]`, then a line `function: change` for each mutant, and indented below one or several of
//! them the reason that holds for all of these.

use crate::operators::Mutant;

/// A mutant that may survive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) mutant: Mutant,
    pub(crate) reason: String,
}

/// Reads a list.
///
/// # Panics
/// If a mutant has no file, no reason, or stands twice.
pub(crate) fn parse(text: &str) -> Vec<Listed> {
    let (mut file, mut listed) = (None, Vec::<Listed>::new());
    let is_code = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let mut without_reason = 0;
    for line in text.lines().filter(is_code) {
        if let Some(reason) = line.strip_prefix("    ") {
            assert!(without_reason < listed.len(), "a reason of nothing: {line}");
            for one in &mut listed[without_reason..] {
                one.reason = reason.into();
            }
            without_reason = listed.len();
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            file = name.strip_suffix(']');
            continue;
        }
        let mutant = Mutant {
            file: file.expect("a file stands above its mutants").into(),
            change: line.trim().into(),
        };
        let is_known = listed.iter().any(|one| one.mutant == mutant);
        assert!(!is_known, "listed twice: {line}");
        let reason = String::new();
        listed.push(Listed { mutant, reason });
    }
    assert_eq!(without_reason, listed.len(), "the last ones have no reason");
    listed
}
