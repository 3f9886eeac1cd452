//! Collectives of all ranks, joined into one each: who takes part, and that all agree.
//!
//! Guarantees: the k-th collective of a process group in one rank's file belongs to the k-th of
//! every other member's; all have one kind, one size and one root. A group's members are those
//! that the side file declares; the nameless group is group 0, which is all ranks unless
//! declared. The root is the rank that `comm_root` names, else the group's first. Refuses groups
//! that nobody declares, members that were not loaded or take part less often, members that
//! disagree, and `involved_dim` with a dimension left out where no group says who remains.
//! Called by `load`.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::disagreement::{Call, Disagreement, Odd};
use super::error::ImportError;
use super::model::{Collective, NodeRef};
use super::node::{Called, Draft, Work};
use super::place::{NodePlace, shorten};
use super::read::RankDraft;
use super::side_file::{self, Groups};

/// The group of all ranks, unless declared.
const EVERYBODY: &str = "0";

/// All collectives among several ranks, and to which of them a node belongs.
#[derive(Default)]
pub(super) struct Joined {
    pub(super) collectives: Vec<Collective>,
    pub(super) collective_of: HashMap<NodeRef, u32>,
    /// Process groups that have a collective, those of one rank included.
    pub(super) groups: u64,
}

/// One process group and what its members call.
struct Group<'a> {
    name: &'a str,
    /// The members, as indices; sorted.
    members: Vec<u32>,
    /// The collectives of each member, as nodes in file order.
    calls: Vec<Vec<(u32, Call)>>,
}

/// Joins the collectives of all ranks. A rank loaded alone is a world of its own; otherwise the
/// side file is read, once a collective needs it.
pub(super) fn join(ranks: &[RankDraft], side_file: &Path) -> Result<Joined, ImportError> {
    let mut joined = Joined::default();
    if ranks.len() == 1 {
        let called = collectives(ranks).map(|(_, _, called)| &*called.group);
        let names: BTreeSet<&str> = called.collect();
        joined.groups = names.len() as u64;
        return Ok(joined);
    }
    let declared = match collectives(ranks).next() {
        Some(_) => side_file::read(side_file)?,
        None => return Ok(joined),
    };
    let groups = gather(ranks, &declared, side_file)?;
    joined.groups = groups.len() as u64;
    for group in groups.iter().filter(|group| group.members.len() > 1) {
        joined.add(ranks, group)?;
    }
    Ok(joined)
}

/// Every collective by rank and in file order.
fn collectives(ranks: &[RankDraft]) -> impl Iterator<Item = (NodeRef, &Draft, &Called)> + '_ {
    (0_u32..).zip(ranks).flat_map(|(rank_index, rank)| {
        (0_u32..)
            .zip(&rank.nodes)
            .filter_map(move |(node, draft)| match &draft.work {
                Work::Collective(called) => Some((NodeRef { rank_index, node }, draft, &**called)),
                _ => None,
            })
    })
}

/// The groups in the order in which collectives name them, with their members' calls.
fn gather<'a>(
    ranks: &'a [RankDraft],
    declared: &Groups,
    side_file: &Path,
) -> Result<Vec<Group<'a>>, ImportError> {
    let (mut groups, mut index_of) = (Vec::new(), HashMap::new());
    for (at, draft, called) in collectives(ranks) {
        let rank = &ranks[at.rank_index as usize];
        let name = canonical(&called.group, declared);
        let unknown = |declared| ImportError::UnknownGroup {
            node: rank.place(draft),
            group: shorten(name).into(),
            declared,
            side_file: side_file.to_owned(),
        };
        let index = match index_of.get(name) {
            Some(&index) => index,
            None => {
                let first = (rank, draft, called.call);
                groups.push(Group::new(name, first, ranks, declared, unknown)?);
                *index_of.entry(name).or_insert(groups.len() - 1)
            }
        };
        let group: &mut Group<'_> = &mut groups[index];
        let Ok(member) = group.members.binary_search(&at.rank_index) else {
            return Err(unknown(true));
        };
        if called.partial && !declared.contains_key(name) {
            return Err(ImportError::SomeDimensions(Box::new(rank.place(draft))));
        }
        group.calls[member].push((at.node, called.call));
    }
    Ok(groups)
}

/// The nameless group is the group of all ranks, unless somebody declares it.
fn canonical<'a>(name: &'a str, declared: &Groups) -> &'a str {
    match name {
        "" if !declared.contains_key("") => EVERYBODY,
        name => name,
    }
}

impl<'a> Group<'a> {
    /// The group of a collective that is the first to name it.
    fn new(
        name: &'a str,
        (rank, draft, call): (&RankDraft, &Draft, Call),
        ranks: &[RankDraft],
        declared: &Groups,
        unknown: impl Fn(bool) -> ImportError,
    ) -> Result<Self, ImportError> {
        let index_of = |wanted: u32| ranks.binary_search_by_key(&wanted, |rank| rank.rank);
        let members: Result<Vec<u32>, u32> = match declared.get(name) {
            None if name == EVERYBODY => Ok((0..).zip(ranks).map(|(index, _)| index).collect()),
            None => return Err(unknown(false)),
            Some(members) if !members.contains(&rank.rank) => return Err(unknown(true)),
            Some(members) => members
                .iter()
                .map(|&member| match index_of(member) {
                    Ok(index) => Ok(u32::try_from(index).expect("MAX_RANKS fit 32 bits")),
                    Err(_) => Err(member),
                })
                .collect(),
        };
        let members = members.map_err(|missing| {
            let odd = Odd::NotLoaded {
                rank: missing,
                loaded: ranks.len(),
            };
            disagreement(rank.place(draft), (name, 0), call, odd)
        })?;
        let calls = vec![Vec::new(); members.len()];
        Ok(Self {
            name,
            members,
            calls,
        })
    }

    /// The node of a member's `nth` collective, and what it asks for.
    fn at(&self, member: usize, nth: usize) -> (NodeRef, Call) {
        let rank_index = self.members[member];
        let (node, call) = self.calls[member][nth];
        (NodeRef { rank_index, node }, call)
    }
}

impl Joined {
    /// Joins the k-th calls of all members, for every k.
    fn add(&mut self, ranks: &[RankDraft], group: &Group<'_>) -> Result<(), ImportError> {
        let counts = || group.calls.iter().map(Vec::len);
        let least = counts().min().unwrap_or(0);
        for nth in 0..least {
            let first = agreed(ranks, group, nth)?;
            let root = root(ranks, group, nth, first.root)?;
            let index = u32::try_from(self.collectives.len())
                .expect("all nodes together are less than 2^32");
            let members: Vec<NodeRef> = (0..group.members.len())
                .map(|member| group.at(member, nth).0)
                .collect();
            for &at in &members {
                self.collective_of.insert(at, index);
            }
            self.collectives.push(Collective {
                kind: first.kind,
                bytes: first.bytes,
                group: group.name.into(),
                nth,
                root,
                members,
            });
        }
        match counts().position(|count| count > least) {
            None => Ok(()),
            Some(member) => Err(left_over(ranks, group, member, least)),
        }
    }
}

/// What all members say of the group's `nth` collective.
fn agreed(ranks: &[RankDraft], group: &Group<'_>, nth: usize) -> Result<Call, ImportError> {
    let (at, first) = group.at(0, nth);
    for member in 1..group.members.len() {
        let (other, call) = group.at(member, nth);
        if call != first {
            let node = place(ranks, other);
            let odd = Odd::Other { node, call };
            return Err(disagreement(
                place(ranks, at),
                (group.name, nth),
                first,
                odd,
            ));
        }
    }
    Ok(first)
}

/// The root among the members: the rank that was named, else the first.
fn root(
    ranks: &[RankDraft],
    group: &Group<'_>,
    nth: usize,
    named: Option<i64>,
) -> Result<u32, ImportError> {
    let Some(root) = named else { return Ok(0) };
    let mut members = (0..).zip(&group.members);
    let found = members.find(|(_, index)| i64::from(ranks[**index as usize].rank) == root);
    found.map(|(member, _)| member).ok_or_else(|| {
        let node = Box::new(place(ranks, group.at(0, nth).0));
        let group = shorten(group.name).into();
        ImportError::RootOutside { node, root, group }
    })
}

/// `member` takes part more often than another one.
fn left_over(ranks: &[RankDraft], group: &Group<'_>, member: usize, nth: usize) -> ImportError {
    let short = group.calls.iter().position(|calls| calls.len() == nth);
    let rank = ranks[group.members[short.unwrap_or(0)] as usize].rank;
    let (at, call) = group.at(member, nth);
    let odd = Odd::Missing { rank, has: nth };
    disagreement(place(ranks, at), (group.name, nth), call, odd)
}

fn disagreement(node: NodePlace, (group, nth): (&str, usize), call: Call, odd: Odd) -> ImportError {
    let group = shorten(group).into();
    ImportError::Disagreement(Box::new(Disagreement {
        node,
        group,
        nth,
        call,
        odd,
    }))
}

fn place(ranks: &[RankDraft], at: NodeRef) -> NodePlace {
    let rank = &ranks[at.rank_index as usize];
    rank.place(&rank.nodes[at.node as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nameless_group_is_group_0_unless_declared() {
        let mut groups = Groups::new();
        assert_eq!(canonical("", &groups), "0");
        assert_eq!(canonical("5", &groups), "5");
        groups.insert(String::new(), BTreeSet::from([1]));
        assert_eq!(canonical("", &groups), "");
    }
}
