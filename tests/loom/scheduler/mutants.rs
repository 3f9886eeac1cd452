//! Every edge of the scheduler's table has a model that notices when it is weakened.

use finbox_scheduler::edge::TABLE;
use finbox_tests::mutants::{Equivalent, hunt};

/// Mutants that no execution can tell from the original.
const EQUIVALENTS: &[Equivalent] = &[];

#[test]
fn every_weakened_edge_is_noticed() {
    hunt(TABLE, EQUIVALENTS);
}
