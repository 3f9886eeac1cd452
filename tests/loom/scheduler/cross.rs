//! The cross-checked configuration under loom; see tests/spin/cross.sh.

use finbox_tests::cross::{PREEMPTIONS, run, write};
use finbox_tests::outcomes::explore;

#[test]
fn the_cross_checked_configuration_ends_as_it_may() {
    let endings = explore(Some(PREEMPTIONS), run);
    let executions: u64 = endings.values().sum();
    let orders = endings.keys().map(|ending| &ending.order);
    let orders: std::collections::BTreeSet<_> = orders.collect();
    println!(
        "cross check, loom: {executions} executions, {} outcomes",
        endings.len()
    );
    assert_eq!(orders.len(), 2, "A before B, and behind it: {endings:#?}");
    write(endings.keys());
}
