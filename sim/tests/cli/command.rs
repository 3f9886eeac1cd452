//! `--submit` through the executable: the document, the text, and how a run ends that the command
//! ring ends.

use serde_json::Value;

use crate::{finbox, refused};

fn json(args: &[&str]) -> (Option<i32>, Value) {
    let ended = finbox(&[&["run", "random", "--seed", "5"], args, &["--json"]].concat());
    (ended.code, ended.document())
}

#[test]
fn the_document_counts_packets_and_direct_submission_has_none() {
    let (code, direct) = json(&[]);
    assert_eq!((code, &direct["command"]), (Some(0), &Value::Null));
    for submit in ["ring", "ring-threaded"] {
        let (code, document) = json(&["--submit", submit, "--command-slots", "8"]);
        assert_eq!((code, &document["verdict"]), (Some(0), &"pass".into()));
        assert_eq!(document["result_digest"], direct["result_digest"]);
        let command = &document["command"];
        let packets = direct["tasks"]["submitted"].as_u64().unwrap() + 1;
        assert_eq!(
            (&command["submit"], &command["slots"]),
            (&submit.into(), &8.into())
        );
        for (name, expected) in [
            ("submitted", packets),
            ("passed", packets),
            ("fences", 1),
            ("not_reached", 0),
        ] {
            assert_eq!(command[name], expected, "{name}");
        }
        assert!(command["batches"].as_u64() >= Some(packets / 8));
        assert_eq!(command["bells"] == 0, submit == "ring");
        assert!(command["duplicates"].is_u64() && command["high_water"].as_u64() <= Some(8));
        assert_eq!(command["halt"], Value::Null);
    }
}

#[test]
fn a_bad_packet_is_error_201_with_its_position_and_content() {
    let (code, document) = json(&["--submit", "ring", "--fault", "packet-garbage"]);
    assert_eq!((code, &document["verdict"]), (Some(5), &"fault".into()));
    assert_eq!(document["error"]["code"], 201);
    assert_eq!(document["error"]["name"], "COMMAND_HALTED");
    let halt = &document["command"]["halt"];
    let said = document["error"]["message"].as_str().unwrap();
    assert!(
        said.contains(&format!("stopped at position {}", halt["position"])),
        "{said}"
    );
    assert_eq!(halt["words"][0], "0xffffffffffffffff");
    assert_eq!(
        (&document["stall"], halt["depth"].as_u64()),
        (&Value::Null, Some(0))
    );
}

#[test]
fn a_torn_packet_ends_with_4_and_the_stall_says_where() {
    let (code, document) = json(&["--submit", "ring-threaded", "--fault", "packet-torn"]);
    assert_eq!((code, &document["verdict"]), (Some(4), &"stuck".into()));
    assert_eq!(document["stall"]["class"], "command ring starved");
    let command = &document["stall"]["command"];
    assert_eq!(
        (&command["verdict"], command["position"].is_u64()),
        (&"starved".into(), true)
    );
    let said = document["error"]["message"].as_str().unwrap();
    assert!(
        said.contains(command["message"].as_str().unwrap()),
        "{said}"
    );
    let text = finbox(&[
        "run",
        "random",
        "--submit",
        "ring",
        "--fault",
        "packet-loop",
        "--seed",
        "5",
    ]);
    assert_eq!(text.code, Some(4));
    assert!(
        text.stdout.contains("command ring in a livelock"),
        "{}",
        text.stdout
    );
    assert!(
        text.stdout.contains("  command    ring: "),
        "{}",
        text.stdout
    );
}

#[test]
fn a_ring_that_stands_is_told_of_in_its_own_words() {
    for (fault, words) in [
        ("packet-torn", "no packet passes any more"),
        ("packet-loop", "packets go in circles"),
    ] {
        let (code, document) = json(&["--submit", "ring", "--fault", fault]);
        assert_eq!(code, Some(4), "{document}");
        let (error, stall) = (&document["error"], &document["stall"]);
        let [said, hint] = ["message", "hint"].map(|field| error[field].as_str().unwrap());
        let unsubmitted = stall["unsubmitted"].as_u64().unwrap();
        assert!(unsubmitted > 0 && stall["count"] == 0, "{stall}");
        assert!(said.starts_with(words), "{said}");
        assert!(
            said.contains(&format!("{unsubmitted} tasks not submitted")),
            "{said}"
        );
        assert!(!said.contains("0 tasks unfinished"), "{said}");
        assert!(
            !hint.contains("stuck task") && hint.contains("packet"),
            "{hint}"
        );
    }
}

#[test]
fn a_ring_of_odd_size_or_another_way_is_refused() {
    for slots in ["0", "1", "3", "1000", "many"] {
        let line = ["run", "grid", "--command-slots", slots];
        refused(&line, 2, &["--command-slots", "power of two"]);
    }
    refused(
        &["run", "grid", "--submit", "rings"],
        2,
        &["--submit", "ring-threaded"],
    );
}

#[test]
fn a_check_goes_through_the_ring() {
    let line = [
        "check", "random", "--seeds", "60", "--faults", "all", "--json",
    ];
    let ended = finbox(&[&line[..], &["--submit", "ring-threaded"]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let document = ended.document();
    let faults = document["faults"].as_array().unwrap();
    let strikes = |name: &str| {
        let kind = faults.iter().find(|kind| kind["name"] == name);
        kind.map(|kind| kind["strikes"].clone()).unwrap()
    };
    for name in ["bell-lost", "packet-torn", "packet-garbage", "packet-loop"] {
        assert!(strikes(name).as_u64() > Some(0), "{name}");
    }
}
