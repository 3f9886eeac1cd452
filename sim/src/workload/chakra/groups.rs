//! How many ranks a collective has, from its process group.
//!
//! Guarantees: what passes is a collective of one rank. Refuses collectives over several
//! ranks, for now, and groups that nobody declares. `involved_dim` is not looked at. Called by
//! `load`.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::ImportError;
use super::node::{Draft, Work};
use super::place::shorten;
use super::read::RankDraft;
use super::side_file::{self, Groups};

/// Checks every collective. A rank loaded alone is a world of its own; otherwise the side file
/// is read, once a collective needs it.
pub(super) fn check(ranks: &[RankDraft], side_file: &Path) -> Result<(), ImportError> {
    if ranks.len() == 1 {
        return Ok(());
    }
    let world: BTreeSet<u32> = ranks.iter().map(|rank| rank.rank).collect();
    let mut read = None;
    for rank in ranks {
        for draft in &rank.nodes {
            let Work::Collective { group, .. } = &draft.work else {
                continue;
            };
            if read.is_none() {
                read = Some(side_file::read(side_file)?);
            }
            let groups = read.as_ref().expect("it was read above if not before");
            let members = members(groups, group, &world);
            check_members(members, rank, (draft, group), side_file)?;
        }
    }
    Ok(())
}

/// The ranks of a group: as declared; all of them for the nameless group and group 0.
fn members<'a>(
    groups: &'a Groups,
    group: &str,
    world: &'a BTreeSet<u32>,
) -> Option<&'a BTreeSet<u32>> {
    groups
        .get(group)
        .or_else(|| matches!(group, "" | "0").then_some(world))
}

fn check_members(
    members: Option<&BTreeSet<u32>>,
    rank: &RankDraft,
    (draft, group): (&Draft, &str),
    side_file: &Path,
) -> Result<(), ImportError> {
    match members {
        Some(members) if members.contains(&rank.rank) && members.len() == 1 => Ok(()),
        Some(members) if members.contains(&rank.rank) => Err(ImportError::NotSupportedYet {
            node: rank.place(draft),
            ranks: members.len(),
        }),
        _ => Err(ImportError::UnknownGroup {
            node: rank.place(draft),
            group: shorten(group).into(),
            declared: members.is_some(),
            side_file: side_file.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nameless_group_and_group_0_are_all_ranks_unless_declared() {
        let world = BTreeSet::from([0, 1, 2]);
        let mut groups = Groups::new();
        assert_eq!(members(&groups, "", &world), Some(&world));
        assert_eq!(members(&groups, "0", &world), Some(&world));
        assert_eq!(members(&groups, "5", &world), None);
        groups.insert("0".to_owned(), BTreeSet::from([1]));
        assert_eq!(members(&groups, "0", &world), Some(&BTreeSet::from([1])));
    }
}
