//! Which rules are applied, where one may be let go: `FINBOX_RULE=NAME`, read once.
//!
//! An unknown name is a panic, so that a misspelt rule cannot pass for one that nobody misses.

use std::sync::OnceLock;

use super::rule::Rule;

static LET_GO: OnceLock<Option<Rule>> = OnceLock::new();

/// Whether the rule is applied.
pub(crate) fn holds(rule: Rule) -> bool {
    *LET_GO.get_or_init(read) != Some(rule)
}

fn read() -> Option<Rule> {
    let name = std::env::var("FINBOX_RULE").ok()?;
    Some(match name.as_str() {
        "raw" => Rule::ReadAfterWrite,
        "war" => Rule::WriteAfterRead,
        "waw" => Rule::WriteAfterWrite,
        "free" => Rule::FreeAfterUse,
        "behind" => Rule::Behind,
        other => panic!("FINBOX_RULE names no rule: {other}"),
    })
}
