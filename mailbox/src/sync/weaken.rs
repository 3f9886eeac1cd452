//! Model and sanitizer builds only: one edge may be weakened from outside, to prove that a model
//! or a sanitizer notices.
//!
//! `FINBOX_WEAKEN=NAME=Order`, read once per process. An unknown order is a panic, so that a
//! misspelt mutant cannot pass for a surviving one; the driver checks names against the tables.

extern crate std;

use core::sync::atomic::Ordering;
use std::string::String;
use std::sync::OnceLock;

static MUTANT: OnceLock<Option<(String, Ordering)>> = OnceLock::new();

pub(crate) fn effective_order(name: &'static str, order: Ordering) -> Ordering {
    match MUTANT.get_or_init(read) {
        Some((weakened, weaker)) if weakened == name => *weaker,
        _ => order,
    }
}

fn read() -> Option<(String, Ordering)> {
    let text = std::env::var("FINBOX_WEAKEN").ok()?;
    let (name, order) = text.split_once('=').expect("FINBOX_WEAKEN is NAME=Order");
    let order = match order {
        "Relaxed" => Ordering::Relaxed,
        "Acquire" => Ordering::Acquire,
        "Release" => Ordering::Release,
        other => panic!("FINBOX_WEAKEN names no weaker order: {other}"),
    };
    Some((name.into(), order))
}
