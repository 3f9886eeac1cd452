//! Every edge of the scheduler's table has a model that notices when it is weakened.

use finbox_scheduler::edge::TABLE;
use finbox_tests::mutants::{UNSEEN_BY_LOOM, hunt, run};

#[test]
fn every_weakened_edge_is_noticed() {
    hunt(TABLE, UNSEEN_BY_LOOM, 1, run);
}
