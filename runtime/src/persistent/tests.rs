//! Policies and crossovers, one by one; a group of threads from its first item to its last.

use super::{Because, Choice, Crossover, Measured, Measurements, Policy, PolicyError, Unable, Way};

/// Both ways at a size: bytes, launch ns, ring ns.
type Row = (u32, u64, u64);

fn measured(rows: &[Row]) -> Measurements {
    let mut all = Measurements::default();
    for &(bytes, launch_ns, ring_ns) in rows {
        all.add(Way::Launch, bytes, (10, 10 * launch_ns));
        all.add(Way::Ring, bytes, (10, 10 * ring_ns));
    }
    all
}

#[test]
fn each_policy_chooses_its_way_whatever_the_others_would() {
    let wins = measured(&[(1024, 900, 300)]);
    let choose = |policy: Policy, able| policy.choose(able, &wins, 1024);
    let found = Measured {
        bytes: 1024,
        launch_ns: 900,
        ring_ns: 300,
    };
    let (able, unable) = (Ok(()), Err(Unable::Device));
    let rows = [
        (Policy::Auto, able, Way::Ring, Because::Measured(found)),
        (Policy::Force, able, Way::Ring, Because::Policy),
        (Policy::Disable, able, Way::Launch, Because::Policy),
        (
            Policy::Auto,
            unable,
            Way::Launch,
            Because::Unable(Unable::Device),
        ),
        (Policy::Disable, unable, Way::Launch, Because::Policy),
    ];
    for (policy, able, way, because) in rows {
        assert_eq!(choose(policy, able), Ok(Choice { way, because }));
    }
    let why = Unable::Device;
    assert_eq!(choose(Policy::Force, unable), Err(PolicyError { why }));
    assert!(PolicyError { why }.to_string().contains("demanded"));
}

#[test]
fn auto_claims_no_win_at_a_size_that_was_not_measured_both_ways() {
    let mut some = measured(&[(1024, 900, 300), (4096, 1000, 1000)]);
    some.add(Way::Ring, 64, (1, 1));
    some.add(Way::Launch, 65_536, (1, 1));
    let way = |bytes| {
        let choice = Policy::Auto.choose(Ok(()), &some, bytes);
        let choice = choice.expect("nobody demands workers");
        (choice.way, choice.because == Because::Unmeasured)
    };
    assert_eq!(way(1024), (Way::Ring, false));
    assert_eq!(way(2047), (Way::Ring, false), "the same size class");
    for unmeasured in [0, 64, 1023, 2048, 65_536, u32::MAX] {
        assert_eq!(way(unmeasured), (Way::Launch, true), "{unmeasured}");
    }
    assert_eq!(way(4096), (Way::Launch, false), "as fast is no win");
}

#[test]
fn a_crossover_is_where_the_wins_end_and_says_how_much_of_that_was_measured() {
    let rows: [(&[Row], Crossover, &str); 5] = [
        (&[], Crossover::Unmeasured, "nothing was measured both ways"),
        (
            &[(256, 9, 3), (1024, 9, 8)],
            Crossover::Beyond { bytes: 1024 },
            "persistent workers are faster up to 1024 bytes an item, the largest measured",
        ),
        (
            &[(256, 9, 3), (1024, 9, 8), (4096, 9, 9), (65_536, 9, 12)],
            Crossover::At {
                last_win: Some(1024),
                bytes: 4096,
            },
            "persistent workers are faster up to 1024 bytes an item; from 4096 bytes on launches \
             of their own are as good",
        ),
        (
            &[(256, 9, 9), (1024, 9, 8), (4096, 9, 10)],
            Crossover::At {
                last_win: Some(1024),
                bytes: 4096,
            },
            "persistent workers are faster up to 1024 bytes an item; from 4096 bytes on launches \
             of their own are as good",
        ),
        (
            &[(256, 9, 9), (1024, 9, 80)],
            Crossover::At {
                last_win: None,
                bytes: 256,
            },
            "launches of their own are as good at every size measured, from 256 bytes on",
        ),
    ];
    for (sizes, crossover, text) in rows {
        let found = measured(sizes).crossover();
        assert_eq!(found, crossover);
        assert_eq!(found.to_string(), text);
    }
    assert_eq!(
        measured(&[(1, 2, 1), (2, 1, 1)]).crossover().bytes(),
        Some(2)
    );
}
