//! Sizes: functions, argument lists, files, columns.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::source::{Source, hold};

const FUNCTION_LINES: usize = 70;
const ARGUMENTS: usize = 6;
const FILE_LINES: usize = 500;
const COLUMNS: usize = 100;

struct Functions<'s> {
    source: &'s Source,
    findings: Vec<String>,
}

impl Functions<'_> {
    fn check(&mut self, signature: &syn::Signature, end: Span) {
        let first = signature.span().start().line;
        let lines = end.end().line + 1 - first;
        let name = &signature.ident;
        if lines > FUNCTION_LINES {
            let what = format!("`{name}` has {lines} lines, at most {FUNCTION_LINES}");
            self.findings.push(self.source.finding(first, &what));
        }
        let count = signature.inputs.len();
        if count > ARGUMENTS {
            let what = format!("`{name}` has {count} arguments, at most {ARGUMENTS}");
            self.findings.push(self.source.finding(first, &what));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.check(&item.sig, item.block.span());
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.check(&item.sig, item.block.span());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.check(&item.sig, item.span());
        visit::visit_trait_item_fn(self, item);
    }
}

fn functions(source: &Source) -> Vec<String> {
    let mut functions = Functions {
        source,
        findings: Vec::new(),
    };
    functions.visit_file(&source.tree());
    functions.findings
}

/// Rows of edge tables are one line each, however long their reason.
fn is_table_row(source: &Source, line: &str) -> bool {
    source.path.ends_with("/edge.rs") && line.contains(", with \"")
}

fn lines(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for (at, line) in source.text.lines().enumerate() {
        if line.chars().count() > COLUMNS && !is_table_row(source, line) {
            findings.push(source.finding(at + 1, "a line of more than 100 columns"));
        }
    }
    let count = source.text.lines().count();
    if count > FILE_LINES {
        findings.push(source.finding(count, "a file of more than 500 lines"));
    }
    findings
}

#[test]
fn no_function_is_longer_than_70_lines_or_takes_more_than_6_arguments() {
    hold(functions);
}

#[test]
fn no_file_is_longer_than_500_lines_or_wider_than_100_columns() {
    hold(lines);
}

#[test]
fn a_long_function_and_a_long_argument_list_are_found() {
    let body = "    x();\n".repeat(69);
    let long = format!("impl A {{\nfn ok() {{\n}}\nfn long() {{\n{body}}}\n}}");
    let expected = ["x.rs:4: `long` has 71 lines, at most 70"];
    assert_eq!(functions(&Source::new("x.rs", &long)), expected);
    let wide = "trait T { fn wide(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8); }";
    assert_eq!(functions(&Source::new("x.rs", wide)).len(), 1);
}

#[test]
fn a_long_file_and_a_long_line_are_found_but_not_a_table_row() {
    assert_eq!(lines(&Source::new("x.rs", &"\n".repeat(501))).len(), 1);
    assert_eq!(lines(&Source::new("x.rs", &"ä".repeat(100))), [""; 0]);
    let row = format!("A = Acquire, with \"B\", \"{}\";", "x".repeat(100));
    assert_eq!(lines(&Source::new("x.rs", &row)).len(), 1);
    assert_eq!(lines(&Source::new("mailbox/src/edge.rs", &row)).len(), 0);
}
