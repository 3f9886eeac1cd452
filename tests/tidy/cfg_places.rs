//! cfg stands on `mod`, `use` and whole files, never inside logic: variants are swapped modules.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::source::{Source, hold, lines_of};

struct Places<'s> {
    source: &'s Source,
    findings: Vec<String>,
}

impl<'ast> Visit<'ast> for Places<'_> {
    fn visit_file(&mut self, file: &'ast syn::File) {
        // The file's own attributes may be cfg.
        for item in &file.items {
            self.visit_item(item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        for item in item.content.iter().flat_map(|(_, items)| items) {
            self.visit_item(item);
        }
    }

    /// A build that must not be is refused under a cfg; that is no logic.
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if !item.mac.path.is_ident("compile_error") {
            visit::visit_item_macro(self, item);
        }
    }

    fn visit_item_use(&mut self, _: &'ast syn::ItemUse) {}

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr") {
            let line = attribute.span().start().line;
            self.findings.push(self.source.finding(line, MISPLACED));
        }
    }

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        let inside = Source::new(&self.source.path, &invoked.tokens.to_string());
        let hidden = !lines_of(&inside.tokens(), &["#", "[", "cfg"]).is_empty();
        if hidden || invoked.path.is_ident("cfg") {
            let line = invoked.span().start().line;
            self.findings.push(self.source.finding(line, MISPLACED));
        }
        visit::visit_macro(self, invoked);
    }
}

const MISPLACED: &str = "cfg belongs on `mod` and `use` lines only";

fn places(source: &Source) -> Vec<String> {
    let mut places = Places {
        source,
        findings: Vec::new(),
    };
    places.visit_file(&source.tree());
    places.findings
}

#[test]
fn cfg_stands_on_mod_and_use_lines_only() {
    hold(places);
}

#[test]
fn cfg_anywhere_else_is_found() {
    for bad in [
        "#[cfg(loom)] fn f() {}",
        "fn f() { #[cfg(loom)] g(); }",
        "fn f(#[cfg(loom)] a: u8) {}",
        "struct S { #[cfg(loom)] a: u8 }",
        "fn f() { if cfg!(loom) { g() } }",
        "mod m { #[cfg(test)] impl S {} }",
        "#[cfg_attr(loom, inline)] fn f() {}",
        "macro_rules! m { () => { #[cfg(loom)] fn f() {} } }",
    ] {
        let found = places(&Source::new("x.rs", bad));
        assert_eq!(found, [format!("x.rs:1: {MISPLACED}")], "{bad}");
    }
    let good = "#![cfg(loom)]\n#[cfg(loom)] mod a;\n#[cfg(test)] mod b {}\n#[cfg(loom)] use a::b;\n\
                #[cfg(loom)] compile_error!(\"no\");";
    assert_eq!(places(&Source::new("x.rs", good)), [""; 0]);
}
