//! The orders that a command ring rests on (C6): each, weakened, is noticed by a model of packets.

use finbox_tests::mutants::{Verdict, run};

#[test]
fn publication_and_read_position_of_packets_are_noticed_when_weaker() {
    for mutant in [
        "PUBLISH=Relaxed",
        "TAKE=Relaxed",
        "TAIL_RELEASE=Relaxed",
        "TAIL_REFRESH=Relaxed",
    ] {
        let verdict = run(mutant);
        assert!(
            matches!(verdict, Verdict::Killed(_)),
            "{mutant}: {verdict:?}"
        );
        println!("    {mutant}: {verdict:?}");
    }
    assert_eq!(run("PUBLISH=Release"), Verdict::Survived);
}
