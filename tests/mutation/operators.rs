//! What a mutant changes: an operator, a condition, a literal, a call, the body of a function.
//!
//! Each change stands beside the original, `if is(N) { changed } else { original }`, so that one
//! build has all mutants. Tests, constants, patterns, types, macros, formatting and the numbers of
//! defaults are left alone.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, Lit, Pat, ReturnType, Stmt, UnOp};

/// One change to one file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mutant {
    /// The file, from the workspace on.
    pub(crate) file: String,
    /// `function: change`, with a number behind it if the function has the same one twice.
    pub(crate) change: String,
}

/// A file with all its mutants.
pub(crate) struct Mutated {
    pub(crate) text: String,
    /// The first has the number that was asked for, the others those behind it.
    pub(crate) mutants: Vec<Mutant>,
}

/// Puts every mutant that is `wanted` beside what it changes. `is` is the path of the function that
/// asks which one is live; numbers begin at `first`.
pub(crate) fn mutate(
    (file, text): (&str, &str),
    is: &str,
    first: usize,
    wanted: &dyn Fn(&Mutant) -> bool,
) -> Mutated {
    let tree = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut mutator = Mutator {
        file,
        text,
        is,
        first,
        wanted,
        functions: Vec::new(),
        types: Vec::new(),
        names: HashMap::new(),
        mutants: Vec::new(),
        insertions: Vec::new(),
        truths: HashSet::new(),
        units: HashSet::new(),
    };
    mutator.visit_file(&tree);
    Mutated {
        text: inserted(text, mutator.insertions),
        mutants: mutator.mutants,
    }
}

/// `text` with each insertion at its place, those of one place in their order.
fn inserted(text: &str, mut insertions: Vec<(usize, String)>) -> String {
    insertions.sort_by_key(|(at, _)| *at);
    let (mut whole, mut done) = (String::new(), 0);
    for (at, new) in insertions {
        whole += &text[done..at];
        whole += &new;
        done = at;
    }
    whole + &text[done..]
}

/// What a change is called, and the text that stands for the original.
type Change = (String, String);

struct Mutator<'t> {
    file: &'t str,
    text: &'t str,
    is: &'t str,
    first: usize,
    wanted: &'t dyn Fn(&Mutant) -> bool,
    functions: Vec<String>,
    types: Vec<String>,
    names: HashMap<String, usize>,
    mutants: Vec<Mutant>,
    insertions: Vec<(usize, String)>,
    /// Expressions that are known to be a bool.
    truths: HashSet<Range<usize>>,
    /// Calls that are known to give nothing.
    units: HashSet<Range<usize>>,
}

fn range(node: &impl Spanned) -> Range<usize> {
    node.span().byte_range()
}

impl Mutator<'_> {
    /// The source in `range` on one line, without comments.
    fn flat(&self, range: &Range<usize>) -> String {
        let lines = self.text[range.clone()].lines();
        let code = lines.map(|line| line.split("//").next().unwrap_or(line).trim());
        let code: Vec<&str> = code.filter(|line| !line.is_empty()).collect();
        code.join(" ")
    }

    /// The same, for a name: not too long.
    fn short(&self, range: &Range<usize>) -> String {
        const LONGEST: usize = 56;
        let flat = self.flat(range);
        match flat.char_indices().nth(LONGEST) {
            Some((at, _)) => format!("{}…", flat[..at].trim_end()),
            None => flat,
        }
    }

    /// `if is(N) { changed } else if …` for each change, up to an `else` without a block.
    fn switch(&mut self, changes: Vec<Change>) -> String {
        let mut switch = String::new();
        for (change, text) in changes {
            let function = self.functions.last().map_or("", String::as_str);
            let mut change = format!("{function}: {change}");
            let count = self.names.entry(change.clone()).or_default();
            *count += 1;
            if *count > 1 {
                change += &format!(" #{count}");
            }
            let file = self.file.into();
            let mutant = Mutant { file, change };
            if (self.wanted)(&mutant) {
                let number = self.first + self.mutants.len();
                switch += &format!("if {}({number}) {{ {text} }} else ", self.is);
                self.mutants.push(mutant);
            }
        }
        switch
    }

    /// Puts `changes` beside the expression in `range`, whose own parts `visit` changes.
    fn beside(
        &mut self,
        range: &Range<usize>,
        changes: Vec<Change>,
        visit: impl FnOnce(&mut Self),
    ) {
        let switch = self.switch(changes);
        let (open, close) = match switch.is_empty() {
            true => (String::new(), ""),
            false => (format!("({switch}{{ "), " })"),
        };
        self.insertions.push((range.start, open));
        visit(self);
        self.insertions.push((range.end, close.into()));
    }

    /// Puts the statement in `range` under a switch that leaves it out.
    fn without(&mut self, range: &Range<usize>, visit: impl FnOnce(&mut Self)) {
        let name = format!("no `{}`", self.short(range));
        let switch = self.switch(vec![(name, String::new())]);
        let (open, close) = match switch.is_empty() {
            true => (String::new(), ""),
            false => (format!("{switch}{{ "), " }"),
        };
        self.insertions.push((range.start, open));
        visit(self);
        self.insertions.push((range.end, close.into()));
    }

    /// A function under its name: its body may end at once, with the simplest answers.
    fn function(
        &mut self,
        signature: &syn::Signature,
        block: &Block,
        visit: impl FnOnce(&mut Self),
    ) {
        let name = signature.ident.to_string();
        if name == "fmt" {
            return;
        }
        let name = match self.types.last() {
            Some(kind) => format!("{kind}::{name}"),
            None => name,
        };
        self.functions.push(name);
        let answer = match &signature.output {
            ReturnType::Default => String::new(),
            ReturnType::Type(_, kind) => self.flat(&range(kind)),
        };
        let answers: &[&str] = match answer.as_str() {
            // A single statement is left out on its own.
            "" if block.stmts.len() > 1 => &[""],
            "bool" => &["true", "false"],
            "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => &["0"],
            option if option.starts_with("Option<") => &["None"],
            result if result.starts_with("Result<(),") => &["Ok(())"],
            _ => &[],
        };
        let early = |answer: &&str| {
            let text = format!("return {answer}").trim_end().to_owned();
            (format!("`{text}` at once"), text + ";")
        };
        let mut switch = self.switch(answers.iter().map(early).collect());
        if !switch.is_empty() {
            switch += "{}";
        }
        let start = block.brace_token.span.open().byte_range().end;
        self.insertions.push((start, switch));
        if answer.is_empty() {
            self.unit_block(block);
        }
        visit(self);
        self.functions.pop();
    }

    /// A block that gives nothing: nor does what it ends with.
    fn unit_block(&mut self, block: &Block) {
        if let Some(Stmt::Expr(last, None)) = block.stmts.last() {
            self.unit(last);
        }
    }

    fn unit(&mut self, expression: &Expr) {
        match expression {
            Expr::Call(_) | Expr::MethodCall(_) => {
                self.units.insert(range(expression));
            }
            Expr::Match(node) => node.arms.iter().for_each(|arm| self.unit(&arm.body)),
            Expr::If(node) => {
                self.unit_block(&node.then_branch);
                if let Some((_, other)) = &node.else_branch {
                    self.unit(other);
                }
            }
            Expr::Block(node) => self.unit_block(&node.block),
            Expr::Unsafe(node) => self.unit_block(&node.block),
            Expr::ForLoop(node) => self.unit_block(&node.body),
            Expr::While(node) => self.unit_block(&node.body),
            Expr::Loop(node) => self.unit_block(&node.body),
            _ => {}
        }
    }

    /// What an expression may be changed into.
    fn changes(&self, expression: &Expr) -> Vec<Change> {
        let whole = range(expression);
        let mut changes = Vec::new();
        if self.truths.contains(&whole) {
            for truth in ["true", "false"] {
                changes.push((
                    format!("{truth} for `{}`", self.short(&whole)),
                    truth.into(),
                ));
            }
        }
        match expression {
            Expr::Binary(node) => self.operators(node, &mut changes),
            Expr::Assign(_) => {
                changes.push((format!("no `{}`", self.short(&whole)), String::new()))
            }
            Expr::Unary(node) if matches!(node.op, UnOp::Not(_)) => {
                let text = self.flat(&range(&*node.expr));
                changes.push((format!("no `!` in `{}`", self.short(&whole)), text));
            }
            Expr::Lit(node) => match &node.lit {
                Lit::Bool(lit) => {
                    let other = (!lit.value).to_string();
                    changes.push((format!("{other} for {}", lit.value), other));
                }
                Lit::Int(lit) if !self.is_default() => {
                    if let Ok(more) = lit.base10_parse::<u64>().map(|value| value.wrapping_add(1)) {
                        let other = format!("{more}{}", lit.suffix());
                        changes.push((format!("{other} for {}", self.flat(&whole)), other));
                    }
                }
                _ => {}
            },
            Expr::MethodCall(node) => self.methods(node, &mut changes),
            _ => {}
        }
        if self.units.contains(&whole) {
            changes.push((format!("no `{}`", self.short(&whole)), String::new()));
        }
        changes
    }

    /// Whether this is what memory holds before it is given a meaning.
    fn is_default(&self) -> bool {
        let function = self.functions.last();
        function.is_some_and(|name| name.ends_with("::default"))
    }

    fn operators(&self, node: &syn::ExprBinary, changes: &mut Vec<Change>) {
        let (left, right) = (range(&*node.left), range(&*node.right));
        let others: &[&str] = match node.op {
            BinOp::Eq(_) => &["!="],
            BinOp::Ne(_) => &["=="],
            BinOp::Lt(_) => &["<=", ">"],
            BinOp::Le(_) => &["<", ">="],
            BinOp::Gt(_) => &[">=", "<"],
            BinOp::Ge(_) => &[">", "<="],
            BinOp::Add(_) => &["-"],
            BinOp::Sub(_) | BinOp::Mul(_) => &["+"],
            BinOp::Div(_) => &["*"],
            BinOp::Rem(_) => &["/"],
            BinOp::And(_) if !has_let(&node.left) && !has_let(&node.right) => &["||"],
            BinOp::Or(_) => &["&&"],
            BinOp::BitAnd(_) => &["|"],
            BinOp::BitOr(_) => &["&"],
            BinOp::BitXor(_) => &["|"],
            BinOp::Shl(_) => &[">>"],
            BinOp::Shr(_) => &["<<"],
            BinOp::AddAssign(_) => &["-="],
            BinOp::SubAssign(_) => &["+="],
            BinOp::BitOrAssign(_) => &["&="],
            BinOp::BitAndAssign(_) => &["|="],
            BinOp::BitXorAssign(_) => &["|="],
            _ => &[],
        };
        let whole = self.short(&range(node));
        let is_assignment = others.first().is_some_and(|other| other.len() == 2)
            && others[0].ends_with('=')
            && !["==", "!=", "<=", ">="].contains(&others[0]);
        for other in others {
            let (left, right) = (self.flat(&left), self.flat(&right));
            let text = match is_assignment {
                true => format!("{left} {other} {right}"),
                false => format!("({left}) {other} ({right})"),
            };
            changes.push((format!("`{other}` in `{whole}`"), text));
        }
        if is_assignment {
            changes.push((format!("no `{whole}`"), String::new()));
        }
    }

    fn methods(&self, node: &syn::ExprMethodCall, changes: &mut Vec<Change>) {
        let name = node.method.to_string();
        let (whole, method) = (range(node), range(&node.method));
        let before = self.flat(&(whole.start..method.start));
        if name == "clamp" {
            let text = self.flat(&range(&*node.receiver));
            changes.push((format!("no `clamp` in `{}`", self.short(&whole)), text));
        }
        let pair = PAIRS.iter().find(|pair| pair.0 == name || pair.1 == name);
        let Some((one, two)) = pair else {
            return;
        };
        let other = if name == *one { two } else { one };
        let text = format!("{before}{other}{}", self.flat(&(method.end..whole.end)));
        changes.push((format!("`{other}` in `{}`", self.short(&whole)), text));
    }
}

/// Methods that stand for each other.
const PAIRS: &[(&str, &str)] = &[
    ("wrapping_add", "wrapping_sub"),
    ("saturating_add", "saturating_sub"),
    ("checked_add", "checked_sub"),
    ("fetch_add", "fetch_sub"),
    ("fetch_or", "fetch_and"),
    ("min", "max"),
    ("is_some", "is_none"),
    ("is_ok", "is_err"),
    ("any", "all"),
];

fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(node) => has_let(&node.left) || has_let(&node.right),
        _ => false,
    }
}

/// Whether every arm of a match names a bool.
fn is_of_bools(node: &syn::ExprMatch) -> bool {
    let is_bool = |pat: &Pat| matches!(pat, Pat::Lit(lit) if matches!(lit.lit, Lit::Bool(_)));
    node.arms.iter().all(|arm| is_bool(&arm.pat))
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    let is = |attribute: &syn::Attribute| attribute.path().is_ident("cfg");
    attributes.iter().any(is)
}

impl<'ast> Visit<'ast> for Mutator<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = self.flat(&range(&*item.self_ty));
        let name = name.split('<').next().unwrap_or_default().to_owned();
        self.types.push(name);
        visit::visit_item_impl(self, item);
        self.types.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block, |all| all.visit_block(&item.block));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block, |all| all.visit_block(&item.block));
    }

    fn visit_block(&mut self, block: &'ast Block) {
        for statement in block.stmts.iter().rev().skip(1) {
            if let Stmt::Expr(expression, None) = statement {
                self.unit(expression);
            }
        }
        visit::visit_block(self, block);
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let whole = range(statement);
        let is_left_out = match statement {
            Stmt::Expr(Expr::Call(_) | Expr::MethodCall(_), Some(_)) => true,
            Stmt::Local(local) => matches!(local.pat, Pat::Wild(_)),
            Stmt::Macro(node) => node.mac.path.is_ident("assert"),
            _ => false,
        };
        match is_left_out {
            true => self.without(&whole, |all| visit::visit_stmt(all, statement)),
            false => visit::visit_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::ForLoop(_) | Expr::While(_) => self.unit(expression),
            Expr::If(node) => {
                if node.else_branch.is_none() {
                    self.unit_block(&node.then_branch);
                }
                if !has_let(&node.cond) {
                    self.truths.insert(range(&*node.cond));
                }
            }
            Expr::Match(node) if is_of_bools(node) => {
                self.truths.insert(range(&*node.expr));
            }
            Expr::MethodCall(node) if node.method == "then" || node.method == "then_some" => {
                self.truths.insert(range(&*node.receiver));
            }
            _ => {}
        }
        let changes = self.changes(expression);
        self.beside(&range(expression), changes, |all| {
            visit::visit_expr(all, expression);
        });
    }

    fn visit_expr_repeat(&mut self, node: &'ast syn::ExprRepeat) {
        self.visit_expr(&node.expr);
    }

    fn visit_pat(&mut self, pat: &'ast Pat) {
        if let Pat::Guard(node) = pat
            && !has_let(&node.guard)
        {
            self.truths.insert(range(&*node.guard));
            self.visit_expr(&node.guard);
        }
    }

    fn visit_variant(&mut self, _: &'ast syn::Variant) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_path(&mut self, _: &'ast syn::Path) {}
    fn visit_macro(&mut self, _: &'ast syn::Macro) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_angle_bracketed_generic_arguments(
        &mut self,
        _: &'ast syn::AngleBracketedGenericArguments,
    ) {
    }
}
