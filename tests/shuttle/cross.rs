//! The cross-checked configuration under shuttle, depth first; see tests/spin/cross.sh.

use std::sync::Arc;

use finbox_tests::cross::{run, write};

use crate::bounded::BoundedDfs;
use crate::explore::explore_with;
use crate::schedule::to_replay;

/// One less than loom's models have: shuttle prunes nothing.
const PREEMPTIONS: usize = 2;

#[test]
fn the_cross_checked_configuration_ends_as_it_may() {
    if to_replay().is_some() {
        return;
    }
    let search = BoundedDfs::new(PREEMPTIONS);
    let endings = explore_with("cross check", search, Arc::new(run)).expect("no execution fails");
    let executions: u64 = endings.values().sum();
    println!(
        "cross check, shuttle: {executions} executions, {} outcomes",
        endings.len()
    );
    assert!(endings.len() > 1, "explored nothing: {endings:?}");
    write(endings.keys());
}
