//! That mutants are made where they should be and nowhere else, and that ends are judged right.

use crate::listed::{Listed, parse};
use crate::operators::{Mutant, mutate};
use crate::{Counts, Verdict, judge};

fn changes(text: &str) -> Vec<String> {
    let mutated = mutate(("x.rs", text), "is", 1, &|_| true);
    syn::parse_file(&mutated.text).expect("mutants are Rust");
    mutated.mutants.into_iter().map(|it| it.change).collect()
}

fn text_of(text: &str, barred: &[&Mutant]) -> String {
    mutate(("x.rs", text), "is", 7, &|mutant| !barred.contains(&mutant)).text
}

fn mutant(change: &str) -> Mutant {
    Mutant {
        file: "x.rs".into(),
        change: change.into(),
    }
}

#[test]
fn a_deleted_wake_up_a_dropped_generation_check_and_a_wrong_distance_are_mutants() {
    let wake = changes("fn f(&self) { self.news.store(n, E); self.token.ring(); }");
    assert!(
        wake.contains(&"f: no `self.token.ring();`".into()),
        "{wake:?}"
    );
    let check = changes("fn f() -> u32 { if self.generation() != generation { return 1; } 2 }");
    assert!(check.contains(&"f: false for `self.generation() != generation`".into()));
    let distance = changes("fn f() -> i64 { a.wrapping_sub(b) as i64 }");
    assert!(distance.contains(&"f: `wrapping_add` in `a.wrapping_sub(b)`".into()));
}

#[test]
fn each_kind_of_change_is_made() {
    let of = |body: &str| changes(&format!("impl<T> A<T> {{ fn f(&self) -> X {{ {body} }} }}"));
    assert_eq!(
        of("a < b"),
        ["A::f: `<=` in `a < b`", "A::f: `>` in `a < b`"]
    );
    assert_eq!(
        of("a & !b"),
        ["A::f: `|` in `a & !b`", "A::f: no `!` in `!b`"]
    );
    assert_eq!(of("7"), ["A::f: 8 for 7"]);
    assert_eq!(of("(7, 7)"), ["A::f: 8 for 7", "A::f: 8 for 7 #2"]);
    assert_eq!(of("[true; 4]"), ["A::f: false for true"]);
    assert_eq!(of("a.min(b)"), ["A::f: `max` in `a.min(b)`"]);
    assert_eq!(
        of("{ x += y; z }"),
        ["A::f: `-=` in `x += y`", "A::f: no `x += y`"]
    );
    assert_eq!(of("{ x = y; z }"), ["A::f: no `x = y`"]);
    assert_eq!(of("{ assert!(a); z }"), ["A::f: no `assert!(a);`"]);
    assert_eq!(of("{ let _ = g(); z }"), ["A::f: no `let _ = g();`"]);
    let guard = of("match a { b if c => d, _ => e }");
    assert_eq!(guard, ["A::f: true for `c`", "A::f: false for `c`"]);
    let bools = of("match a { true => d, false => e }");
    assert_eq!(bools, ["A::f: true for `a`", "A::f: false for `a`"]);
    assert_eq!(
        of("a.then_some(b)"),
        ["A::f: true for `a`", "A::f: false for `a`"]
    );
}

#[test]
fn a_body_ends_at_once_with_the_simplest_answers() {
    let of = |output: &str| changes(&format!("fn f() {output} {{ a; b }}"));
    assert_eq!(
        of("-> bool"),
        ["f: `return true` at once", "f: `return false` at once"]
    );
    assert_eq!(of("-> Option<&T>"), ["f: `return None` at once"]);
    assert_eq!(of("-> Result<(), E>"), ["f: `return Ok(())` at once"]);
    assert_eq!(of("-> u64"), ["f: `return 0` at once"]);
    assert_eq!(of(""), ["f: `return` at once"]);
    assert_eq!(of("-> Self"), [""; 0]);
}

#[test]
fn calls_that_give_nothing_are_left_out_wherever_they_stand() {
    let text = "fn f() { match a { b => g(), c => { h() } } }";
    assert_eq!(changes(text), ["f: no `g()`", "f: no `h()`"]);
    assert_eq!(changes("fn f() -> X { g() }"), [""; 0]);
}

#[test]
fn tests_constants_patterns_types_macros_and_formatting_are_left_alone() {
    for text in [
        "#[cfg(test)] mod tests { fn f() -> bool { a == 1 } }",
        "const A: u32 = 1 + 1;",
        "fn f(a: [u8; 3]) -> X { match a { [1, 2, 3] => b, _ => c } }",
        "fn f() -> X { debug_assert!(a == 1); b::<3>() }",
        "impl fmt::Debug for A { fn fmt(&self) -> bool { a == 1 } }",
        "impl Default for A { fn default() -> Self { Self(0) } }",
        "enum A { B = 1 }",
        "fn f() -> X { if let Some(a) = b && c { d } else { e } }",
    ] {
        assert_eq!(changes(text), [""; 0], "{text}");
    }
}

#[test]
fn one_build_has_a_mutant_beside_the_original_and_none_that_is_barred() {
    let text = "fn f() -> X { a == 1 }";
    let whole =
        "fn f() -> X { (if is(7) { (a) != (1) } else { a == (if is(8) { 2 } else { 1 }) }) }";
    assert_eq!(text_of(text, &[]), whole);
    let barred = mutant("f: `!=` in `a == 1`");
    let rest = "fn f() -> X { a == (if is(7) { 2 } else { 1 }) }";
    assert_eq!(text_of(text, &[&barred]), rest);
}

#[test]
fn a_reason_holds_for_all_that_stand_above_it() {
    let list = parse("# what\n[x.rs]\nf: a\nf: b\n    both\n\n[y.rs]\nf: a\n    other\n");
    let reasons: Vec<_> = list.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(reasons, ["both", "both", "other"]);
    assert_eq!(list[1].mutant, mutant("f: b"));
    assert_eq!(list[2].mutant.file, "y.rs");
}

#[test]
#[should_panic(expected = "no reason")]
fn a_survivor_without_a_reason_is_refused() {
    parse("[x.rs]\nf: a\n");
}

#[test]
#[should_panic(expected = "listed twice")]
fn a_survivor_that_stands_twice_is_refused() {
    parse("[x.rs]\nf: a\nf: a\n    why\n");
}

#[test]
fn a_survivor_that_is_not_listed_and_a_kill_that_is_are_found() {
    let killed = Verdict::Killed {
        by: "t".into(),
        timed_out: true,
    };
    let survived = Verdict::Survived { reached_by: 3 };
    let listed = [Listed {
        mutant: mutant("f: a"),
        reason: "why".into(),
    }];
    let (a, b) = (mutant("f: a"), mutant("f: b"));
    let (counts, findings) = judge([(&a, &survived), (&b, &killed)].into_iter(), &listed);
    assert_eq!(
        (counts.mutants, counts.killed, counts.hung, counts.listed),
        (2, 1, 1, 1)
    );
    assert_eq!(findings, [""; 0]);
    let (counts, findings) = judge([(&a, &killed), (&b, &survived)].into_iter(), &listed);
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert_eq!((counts.killed, counts.listed), (1, 0));
    assert_eq!(
        counts.to_string(),
        "2 mutants, 1 killed (1 hung), 0 listed, 1 survive"
    );
    let mut sum = Counts::default();
    sum.add(&counts);
    assert_eq!(sum, counts);
}
