//! Every Rust file of the workspace, as text, as a flat row of tokens and as a syntax tree.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Members whose sources are read; one that does not exist yet has none.
const MEMBERS: [&str; 6] = ["mailbox", "scheduler", "runtime", "sim", "tests", "benches"];

/// One file. Paths are relative to the workspace, with `/`.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// One token and the line it starts on. Groups are opened and closed by tokens of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    pub(crate) fn tree(&self) -> syn::File {
        syn::parse_file(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }

    /// The tokens, without comments and without the text of literals.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        let stream: TokenStream = self
            .text
            .parse()
            .unwrap_or_else(|error| panic!("{}: {error}", self.path));
        let mut row = Vec::new();
        flatten(stream, &mut row);
        row
    }

    /// The tokens outside `#[cfg(test)] mod … { … }`.
    pub(crate) fn shipped_tokens(&self) -> Vec<Token> {
        let row = self.tokens();
        let mut kept = Vec::new();
        let mut at = 0;
        while at < row.len() {
            if matches(&row[at..], &["#", "[", "cfg", "(", "test", ")", "]", "mod"]) {
                at += skip_block(&row[at..]);
            } else {
                kept.push(row[at].clone());
                at += 1;
            }
        }
        kept
    }

    /// The comments of `line` (from 1) and of the `above` lines before it, as one text.
    pub(crate) fn comments_above(&self, line: usize, above: usize) -> String {
        let first = line.saturating_sub(above + 1);
        let lines = self.text.lines().skip(first).take(line - first);
        let comment = |line: &str| line.find("//").map(|at| line[at..].to_owned() + "\n");
        lines.filter_map(comment).collect()
    }

    /// `path:line: what`.
    pub(crate) fn finding(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    pub(crate) fn is_under(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }
}

/// How many tokens there are up to the end of the first `{ … }`, or up to the first `;`.
fn skip_block(row: &[Token]) -> usize {
    let mut depth = 0;
    for (at, token) in row.iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" if depth == 1 => return at + 1,
            "}" => depth -= 1,
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    row.len()
}

/// Whether the row begins with these texts.
pub(crate) fn matches(row: &[Token], texts: &[&str]) -> bool {
    row.len() >= texts.len()
        && row
            .iter()
            .zip(texts)
            .all(|(token, text)| token.text == *text)
}

/// Lines on which the row holds these texts one after another.
pub(crate) fn lines_of(row: &[Token], texts: &[&str]) -> Vec<usize> {
    let windows = row.windows(texts.len());
    let hits = windows.filter(|window| matches(window, texts));
    hits.map(|window| window[0].line).collect()
}

fn flatten(stream: TokenStream, row: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        let mut put = |text: &str, line| {
            row.push(Token {
                text: text.into(),
                line,
            });
        };
        match tree {
            TokenTree::Ident(ident) => put(&ident.to_string(), line),
            TokenTree::Punct(punct) => put(&punct.as_char().to_string(), line),
            TokenTree::Literal(_) => put("\"", line),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                put(open, line);
                let end = group.span_close().start().line;
                flatten(group.stream(), row);
                row.push(Token {
                    text: close.into(),
                    line: end,
                });
            }
        }
    }
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let member = Path::new(env!("CARGO_MANIFEST_DIR"));
    member.parent().expect("tests/ is in the workspace").into()
}

/// Every Rust source of every member.
pub(crate) fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for member in MEMBERS {
        collect(&root().join(member), member, &mut found);
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn collect(folder: &Path, name: &str, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        let file = path.file_name().expect("an entry has a name");
        let name = format!("{name}/{}", file.to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).expect("a readable source");
            found.push(Source { path: name, text });
        }
    }
}

/// Applies a rule to every source and fails with all findings.
pub(crate) fn hold(rule: impl Fn(&Source) -> Vec<String>) {
    let findings: Vec<String> = sources().iter().flat_map(rule).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn tokens_of_test_modules_are_told_from_shipped_ones() {
    let text = "fn a() { b }\n#[cfg(test)]\nmod tests { fn c() { d } }\nuse e;";
    let source = Source::new("mailbox/src/x.rs", text);
    let texts: Vec<String> = source
        .shipped_tokens()
        .into_iter()
        .map(|t| t.text)
        .collect();
    assert_eq!(texts.join(" "), "fn a ( ) { b } use e ;");
    assert_eq!(lines_of(&source.tokens(), &["fn", "c"]), [3]);
}

#[test]
fn comments_are_found_above_a_line_and_on_it() {
    let source = Source::new("x.rs", "// far\n\n// near\na();\nb(); // here\nc();");
    assert_eq!(source.comments_above(5, 2), "// near\n// here\n");
    assert_eq!(source.comments_above(1, 9), "// far\n");
}
