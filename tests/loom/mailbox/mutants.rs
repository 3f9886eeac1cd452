//! Every edge of the mailbox's table has a model that notices when it is weakened.

use finbox_mailbox::edge::TABLE;
use finbox_tests::mutants::{MISSPELT, UNSEEN_BY_LOOM, Verdict, hunt, run, run_raw};

#[test]
fn every_weakened_edge_is_noticed() {
    hunt(TABLE, UNSEEN_BY_LOOM, 1, run);
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
