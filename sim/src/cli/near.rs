//! Which name a person may have meant.

/// Similarity, from 0 to 1, above which a name counts as near.
const NEAR: f64 = 0.75;

/// The most near names that one refusal lists.
const MOST_NEAR: usize = 3;

/// Those of `names` that are near `wanted`, nearest first, at most three.
pub(crate) fn near<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut near: Vec<(f64, &'n str)> = names
        .map(|name| (similarity(wanted, name), name))
        .filter(|(similarity, _)| *similarity > NEAR)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.truncate(MOST_NEAR);
    near.into_iter().map(|(_, name)| name).collect()
}

/// A part of a name, of three letters or more, counts as the name itself.
fn similarity(wanted: &str, name: &str) -> f64 {
    if wanted.len() >= 3 && name.contains(wanted) {
        return 1.0;
    }
    strsim::jaro_winkler(wanted, name)
}
