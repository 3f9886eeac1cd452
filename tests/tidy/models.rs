//! Models: each names the set of outcomes it must reach, and none is run past that.

use syn::visit::{self, Visit};

use crate::source::{Source, hold, lines_of};

const MODELS: &[&str] = &["tests/loom/"];
/// Starts processes with mutants; no models.
const MUTANTS: &str = "/mutants.rs";
/// The one place that runs loom.
const RUNNER: &str = "tests/src/outcomes.rs";

/// Whether `outcomes::expect` is called somewhere inside.
struct Calls {
    expects: bool,
}

impl<'ast> Visit<'ast> for Calls {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(function) = &*call.func {
            let names = ["expect", "expect_all"];
            self.expects |= names.iter().any(|name| function.path.is_ident(name));
        }
        visit::visit_expr_call(self, call);
    }
}

fn without_outcomes(source: &Source) -> Vec<String> {
    if !source.is_under(MODELS) || source.path.ends_with(MUTANTS) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for item in source.tree().items {
        let syn::Item::Fn(function) = item else {
            continue;
        };
        let is_test = |attribute: &syn::Attribute| attribute.path().is_ident("test");
        let mut calls = Calls { expects: false };
        calls.visit_item_fn(&function);
        if function.attrs.iter().any(is_test) && !calls.expects {
            let line = function.sig.ident.span().start().line;
            findings.push(source.finding(line, "a model without its set of outcomes"));
        }
    }
    findings
}

fn runs_loom(source: &Source) -> Vec<String> {
    if source.path == RUNNER {
        return Vec::new();
    }
    let row = source.tokens();
    let mut lines = lines_of(&row, &["loom", ":", ":", "model"]);
    lines.extend(lines_of(&row, &["model", ":", ":", "Builder"]));
    let what = "a model runs through `outcomes::expect`";
    lines
        .into_iter()
        .map(|line| source.finding(line, what))
        .collect()
}

#[test]
fn every_model_names_its_outcomes() {
    hold(without_outcomes);
}

#[test]
fn every_model_is_run_by_the_one_runner() {
    hold(runs_loom);
}

#[test]
fn a_model_without_outcomes_and_one_past_the_runner_are_found() {
    let model = |text: &str| Source::new("tests/loom/mailbox/x.rs", text);
    assert_eq!(without_outcomes(&model("#[test] fn f() { g(); }")).len(), 1);
    let method = "#[test] fn f() { a.expect(b); }";
    assert_eq!(without_outcomes(&model(method)).len(), 1);
    let fine = "#[test] fn f() { expect(n, &[1], || 1); } fn g() {}";
    assert_eq!(without_outcomes(&model(fine)), [""; 0]);
    assert_eq!(runs_loom(&model("fn f() { loom::model(g) }")).len(), 1);
    let built = "fn f() { model::Builder::new() }";
    assert_eq!(runs_loom(&model(built)).len(), 1);
    assert_eq!(
        runs_loom(&model("fn f() { loom::thread::spawn(g) }")),
        [""; 0]
    );
}
