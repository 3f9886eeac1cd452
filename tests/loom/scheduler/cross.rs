//! The cross-checked configuration under loom; see tests/spin/cross.sh.

use finbox_tests::cross::{Ending, run, write};
use finbox_tests::outcomes::expect;

#[test]
fn the_cross_checked_configuration_ends_as_it_may() {
    let a_first = Ending::new("ABC", 2);
    let b_first = [0, 1, 2].map(|early| Ending::new("BAC", early));
    let endings = [&[a_first], &b_first[..]].concat();
    expect("cross check, loom", &endings, run);
    write(endings.iter());
}
