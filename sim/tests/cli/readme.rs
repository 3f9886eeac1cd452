//! What the README shows is what happens.

use crate::{Ended, command};

#[test]
fn the_demo_prints_what_the_readme_shows() {
    let readme = include_str!("../../../README.md");
    let shown = readme
        .split("```\n")
        .find(|block| block.starts_with("PASS  deferred_notify_demo"))
        .expect("the README shows a run");
    let ended = Ended::of(command(&["run", "deferred_notify_demo"]).output().unwrap());
    assert_eq!(ended.code, Some(0));
    assert_eq!(masked(&ended.stdout), masked(shown));
}

/// Without the time that the wall clock took.
fn masked(text: &str) -> String {
    let line = |line: &str| match line.split_once(" virtual, ") {
        Some((virtual_time, _)) => virtual_time.to_owned(),
        None => line.to_owned(),
    };
    text.trim_end()
        .lines()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}
