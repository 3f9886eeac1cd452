//! The page says what held a run up, holds no foreign text as markup, and stays small.

use finbox_scheduler::A2A3;

use super::{Shown, escaped, to_html};
use crate::analysis::analyse;
use crate::demo;
use crate::fault::Faults;
use crate::report::{RunReport, Verdict};
use crate::workload::Workload;
use crate::world::{Settings, run};

/// The page of a recorded run.
fn page(workload: &Workload, faults: &str, verdict: Verdict) -> String {
    let faults = match faults {
        "" => Faults::NONE,
        faults => Faults::NONE.parse(faults).expect("a fault"),
    };
    let settings = Settings {
        record: true,
        faults,
        ..Settings::of(&A2A3)
    };
    let mut outcome = run(workload, &settings, &mut |_, _| {}).expect("it runs");
    let timeline = outcome.timeline.take().expect("it was recorded");
    let report = RunReport {
        scenario: "<i>\"&'".to_owned(),
        analysis: Some(Box::new(analyse(&timeline))),
        stall: outcome.stall,
        failures: outcome.failures,
        ..RunReport::neutral(verdict)
    };
    to_html(&Shown {
        report: &report,
        timeline: &timeline,
        workload,
        command: "finbox run '<u>'",
    })
}

#[test]
fn names_and_commands_are_text_and_nothing_comes_from_elsewhere() {
    let mut workload = demo::deferred_notify(2);
    for task in workload.ranks.iter_mut().flat_map(|rank| &mut rank.tasks) {
        task.name = "</title><script>alert(1)</script>".into();
    }
    let page = page(&workload, "", Verdict::Pass);
    assert_eq!(page.matches("<script>").count(), 1, "the page's own");
    for foreign in [
        "<script>alert",
        "<u>",
        "<i>",
        "http:",
        "https:",
        "src=",
        "@import",
        "url(",
    ] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let name = "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;";
    assert!(page.contains(name) && page.contains("finbox run &#39;&lt;u&gt;&#39;"));
    assert_eq!(escaped("a\u{1b}[2J<"), "a\u{FFFD}[2J&lt;");
    for tag in ["svg", "div", "table", "details", "tr", "td"] {
        let opened = page.matches(&format!("<{tag}>")).count();
        let opened = opened + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn the_page_of_a_slow_link_names_it_before_anything_else() {
    let workload = demo::deferred_notify(8);
    let page = page(&workload, "link-slow:0-7:100", Verdict::Pass);
    let answer = page.find("The link 0\u{2192}7 held this run up: rank 7 waited");
    let answer = answer.expect("the answer");
    assert!(answer < page.find("<svg class=\"t\"").expect("a picture"));
    assert!(page[answer..].contains("a move took 100.0 times as long as it should"));
    assert!(!page.contains("(0 times)"), "no gap, no line about gaps");
    let heads = [
        "moved while busy, all together",
        "mean time of a move",
        "by the cost model",
    ];
    assert!(heads.iter().all(|head| page.contains(head)));
    let links = page.find("Links, slowest first").expect("a table");
    let first = page[links..].find("<tr class=\"first\"><td>0\u{2192}7</td>");
    assert!(first.is_some(), "and in the table");
}

#[test]
fn stuck_and_failed_runs_have_their_page() {
    let stuck = page(&demo::deferred_notify(2), "notify-lost", Verdict::Stuck);
    assert!(
        stuck.contains("<h2>Stall</h2>") && stuck.contains("STUCK"),
        "{stuck}"
    );
    assert!(stuck.contains("nobody who came, in vain"));
    let failed = page(&demo::deferred_notify(2), "conditions-65", Verdict::Fault);
    assert!(failed.contains("<h2>Failures</h2>"));
}

#[test]
fn a_large_run_has_a_small_page() {
    let page = page(&demo::grid(20_000), "", Verdict::Pass);
    assert!(page.len() < 5 << 20, "{} bytes", page.len());
    assert!(page.contains("% busy"));
}
