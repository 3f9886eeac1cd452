//! Every edge of the mailbox's table has a model that notices when it is weakened.

use finbox_mailbox::edge::TABLE;
use finbox_tests::mutants::{Equivalent, MISSPELT, Verdict, hunt, run, run_raw};

/// Mutants that no execution can tell from the original.
const EQUIVALENTS: &[Equivalent] = &[];

#[test]
fn every_weakened_edge_is_noticed() {
    hunt(TABLE, EQUIVALENTS);
}

#[test]
fn a_mutant_that_weakens_nothing_survives() {
    assert_eq!(run("PUBLISH=Release"), Verdict::Survived);
}

#[test]
fn a_misspelt_mutant_is_an_error() {
    assert_eq!(run_raw("PUBLSH=Relaxed").0, Some(MISSPELT));
    assert_eq!(run_raw("Relaxed").0, Some(MISSPELT));
}
