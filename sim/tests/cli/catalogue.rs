//! ERRORS.md is what the tables in the code say, and every number of the command line is looked for
//! by a test. Those of the scheduler are raised, one after another, by its own tests (`numbers`).

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use finbox_scheduler::FaultCode;
use finbox_sim::report::Code;

const HEAD: &str = "\
# Errors

Every error of finbox has a number that never changes its meaning. This page is made from the
tables in the code (`scheduler/src/fault.rs`, `sim/src/report/error.rs`); a test compares both.

| number | name | what happened | what was lost | what to do next |
| --- | --- | --- | --- | --- |
";

struct Row {
    number: u32,
    name: &'static str,
    what: &'static str,
    lost: &'static str,
    hint: &'static str,
}

fn rows() -> Vec<Row> {
    let faults = FaultCode::ALL.into_iter().map(|code| Row {
        number: u32::from(code.number()),
        name: code.name(),
        what: code.what(),
        lost: code.lost(),
        hint: code.hint(),
    });
    let codes = Code::ALL.into_iter().map(|code| Row {
        number: code.number,
        name: code.name,
        what: code.what,
        lost: code.lost,
        hint: code.hint,
    });
    faults.chain(codes).collect()
}

fn top() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("a workspace").to_owned()
}

#[test]
fn the_page_of_errors_is_what_the_tables_say() {
    let mut page = HEAD.to_owned();
    for Row {
        number,
        name,
        what,
        lost,
        hint,
    } in rows()
    {
        writeln!(page, "| {number} | `{name}` | {what} | {lost} | {hint} |").unwrap();
    }
    let path = top().join("ERRORS.md");
    if std::env::var_os("FINBOX_RENEW").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let renew = "FINBOX_RENEW=1 cargo test -p finbox-sim --test cli catalogue";
    assert_eq!(
        found, page,
        "ERRORS.md is not what the tables say; renew it with: {renew}"
    );
}

#[test]
fn numbers_and_names_are_given_once_and_rise() {
    let rows = rows();
    for pair in rows.windows(2) {
        assert!(pair[0].number < pair[1].number, "{}", pair[1].number);
    }
    for row in &rows {
        let same = rows.iter().filter(|other| other.name == row.name).count();
        assert_eq!(same, 1, "{}", row.name);
        for text in [row.what, row.lost, row.hint] {
            assert!(
                !text.is_empty() && !text.contains('|'),
                "{}: {text}",
                row.name
            );
        }
    }
}

/// All test code but this file: everything under a `tests` folder, and files named so.
fn tests() -> String {
    let mut all = String::new();
    let mut folders: Vec<PathBuf> = ["tests", "sim", "scheduler/src", "runtime/src"]
        .into_iter()
        .map(|folder| top().join(folder))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_test = path.components().any(|part| part.as_os_str() == "tests")
                || path.ends_with("tests.rs");
            if path.is_dir() {
                folders.push(path);
            } else if is_test && !path.ends_with("catalogue.rs") {
                all += &fs::read_to_string(path).unwrap_or_default();
            }
        }
    }
    all
}

/// Whether a test asks for the code: by its name, or as `"code"] , number`.
fn is_asserted(tests: &str, code: &Code) -> bool {
    let number = code.number;
    let words = [
        format!("Code::{}", code.name),
        format!("\"{}\"", code.name),
        format!("[\"code\"], {number}"),
        format!("\"code\"], {number})"),
    ];
    words.iter().any(|word| tests.contains(word.as_str()))
}

#[test]
fn every_number_of_the_command_line_is_asserted_by_a_test() {
    let tests = tests();
    let mut codes = Code::ALL.into_iter();
    let missing = codes.find(|code| !is_asserted(&tests, code));
    assert_eq!(missing, None);
}
