//! `finbox check`: what it prints, and that a seed that goes wrong can be run again.

use crate::{arg, data, finbox, refused};

#[test]
fn a_check_prints_its_sums_as_text_and_as_one_document() {
    let args = [
        "check",
        "random",
        "--seeds",
        "40",
        "--faults",
        "core-slow,counter-wrap",
    ];
    let text = finbox(&args);
    assert_eq!((text.code, text.stderr.as_str()), (Some(0), ""));
    assert!(text.stdout.starts_with("PASS  random\n"), "{}", text.stdout);
    for word in [
        "40 from 0",
        "a2a3 and a5 in turn",
        "core-slow",
        "counter-wrap",
    ] {
        assert!(text.stdout.contains(word), "{word}: {}", text.stdout);
    }
    let document = finbox(&[&args[..], &["--json"]].concat()).document();
    assert_eq!(document["schema"], "finbox.check/1");
    assert_eq!(
        (&document["verdict"], &document["seeds"]),
        (&"pass".into(), &40.into())
    );
    assert_eq!(document["ended"]["passed"], 40);
    assert_eq!(
        document["tasks"]["submitted"],
        document["tasks"]["completed"]
    );
    assert_eq!(document["failures"].as_array().map(Vec::len), Some(0));
}

#[test]
fn one_seed_of_a_check_is_the_run_of_that_seed() {
    let check = ["check", "random", "--json", "--seeds", "1", "--seed"];
    for seed in ["0", "5", "11"] {
        let checked = finbox(&[&check[..], &[seed, "--target", "a5"]].concat()).document();
        let run = finbox(&["run", "random", "--seed", seed, "--target", "a5", "--json"]).document();
        assert_eq!(checked["tasks"]["submitted"], run["tasks"]["submitted"]);
        assert_eq!(checked["fins"]["received"], run["fins"]["received"]);
        assert_eq!(run["verdict"], "pass");
    }
}

#[test]
fn what_cannot_be_run_is_refused_as_a_run_refuses_it() {
    for (what, code, number) in [("./nope.et", 3, 191), ("urma_deferred", 2, 190)] {
        let ended = finbox(&["check", what, "--seeds", "2", "--json"]);
        assert_eq!(ended.code, Some(code), "{what}: {}", ended.stderr);
        let document = ended.document();
        assert_eq!(document["verdict"], "invalid", "{what}");
        assert_eq!(document["error"]["code"], number, "{what}");
    }
}

#[test]
fn what_no_seed_can_run_is_refused_once_and_is_no_seed_that_went_wrong() {
    let streams = ["streams", "--omit-use", "join:keys"];
    let mailboxes = ["dummy_task", "--ranks", "2", "--mailbox-slots", "16777216"];
    for (what, said) in [
        (
            &streams[..],
            &["argument 2 `keys`", "--plan permissive"][..],
        ),
        (&mailboxes[..], &["16777216 mailbox slots on 2 ranks"][..]),
    ] {
        let check = refused(&[&["check"], what].concat(), 2, said);
        let run = finbox(&[&["run"], what, &["--json"]].concat());
        assert_eq!((run.code, &run.document()["error"]), (Some(2), &check));
    }
}

#[test]
fn collectives_under_all_faults_are_right_or_fail_for_a_reason() {
    for (sample, how) in [
        ("collectives/all_reduce-4npus_1MB", "ring"),
        ("collectives/all_reduce-4npus_1MB", "direct"),
        ("micro/BROADCAST", "ring"),
        ("micro/BROADCAST", "model"),
    ] {
        let path = data(sample);
        let check = ["check", arg(&path), "--faults", "all", "--seeds", "150"];
        let ended = finbox(&[&check[..], &["--collectives", how]].concat());
        assert_eq!(ended.code, Some(0), "{sample} {how}: {}", ended.stderr);
    }
}

#[test]
fn a_slow_link_that_no_seed_can_have_is_refused_and_one_that_some_lack_is_told() {
    for link in [
        ["--fault", "link-slow:0-9:4"],
        ["--faults", "link-slow:0-9:4"],
    ] {
        for more in [&["deferred_notify_demo"][..], &["random", "--ranks", "2"]] {
            let check = [&["check", "--seeds", "2"], &link[..], more].concat();
            let error = refused(&check, 2, &["there is no link 0-9", "0 to 1"]);
            assert_eq!(error["code"], 190, "{check:?}");
        }
        let some = ["check", "random", "--seeds", "20", "--json"];
        let ended = finbox(&[&some[..], &["--fault", "link-slow:0-1:4"]].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let document = ended.document();
        let lack = document["without_link"].as_u64().unwrap();
        assert!((1..20).contains(&lack), "{lack}");
        assert_eq!(document["faults"][0]["seeds"], 20 - lack);
    }
    let all = [
        "check",
        "random",
        "--seeds",
        "20",
        "--fault",
        "link-slow:0-63:4",
    ];
    let ended = finbox(&all);
    assert!(
        ended
            .stdout
            .contains("20 seeds lack the link that is to be slow"),
        "{}",
        ended.stdout
    );
}
