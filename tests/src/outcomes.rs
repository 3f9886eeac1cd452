//! Runs a loom model and compares the set of outcomes it reached with the expected one.
//!
//! A model returns what it observed. loom calls it once per execution; the outcomes are collected
//! outside of it, counted and printed. A model that explored too little misses an outcome and
//! fails, as does one that reached a state nobody thought of.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use loom::model::Builder;

use crate::mutants;

/// Preemptions per execution of a model of the mailbox: exhaustive up to this bound.
const PREEMPTIONS: usize = 3;

/// Explores `model` up to three preemptions and demands exactly the `expected` outcomes.
///
/// # Panics
/// If the sets differ, if none is expected, or if loom finds a data race, a deadlock or a panic
/// inside the model.
pub fn expect<T>(name: &str, expected: &[T], model: impl Fn() -> T + Send + Sync + 'static)
where
    T: Ord + Clone + Debug + Send + 'static,
{
    compare(name, expected, Some(PREEMPTIONS), model);
}

/// Explores all of `model`, however often threads preempt each other.
///
/// # Panics
/// As [`expect`].
pub fn expect_all<T>(name: &str, expected: &[T], model: impl Fn() -> T + Send + Sync + 'static)
where
    T: Ord + Clone + Debug + Send + 'static,
{
    compare(name, expected, None, model);
}

fn compare<T>(
    name: &str,
    expected: &[T],
    preemptions: Option<usize>,
    model: impl Fn() -> T + Send + Sync + 'static,
) where
    T: Ord + Clone + Debug + Send + 'static,
{
    assert!(
        !expected.is_empty(),
        "{name}: a model that reaches nothing shows nothing"
    );
    // Whoever weakens an edge wants to know soon: three preemptions show it.
    let preemptions = match mutants::enter_process() {
        true => Some(PREEMPTIONS),
        false => preemptions,
    };
    let begin = Instant::now();
    let outcomes = explore(preemptions, model);
    let executions: u64 = outcomes.values().sum();
    println!(
        "{name}: {executions} executions, {} outcomes, {:.1} s",
        outcomes.len(),
        begin.elapsed().as_secs_f64()
    );
    for (outcome, count) in &outcomes {
        println!("    {count:>8} × {outcome:?}");
    }
    let mut wanted = expected.to_vec();
    wanted.sort();
    let reached: Vec<T> = outcomes.into_keys().collect();
    assert_eq!(reached, wanted, "{name}: outcomes reached, and expected");
}

/// Every outcome of `model` with the number of executions that ended in it.
fn explore<T>(
    preemptions: Option<usize>,
    model: impl Fn() -> T + Send + Sync + 'static,
) -> BTreeMap<T, u64>
where
    T: Ord + Send + 'static,
{
    let outcomes = Arc::new(Mutex::new(BTreeMap::new()));
    let sink = Arc::clone(&outcomes);
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    // Passes to the end of a graph have more than loom's 1000.
    builder.max_branches = 10_000;
    // A bound that is reached would end the search in silence.
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.check(move || {
        let outcome = model();
        let mut outcomes = sink.lock().unwrap_or_else(PoisonError::into_inner);
        *outcomes.entry(outcome).or_insert(0) += 1;
    });
    let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *outcomes)
}
