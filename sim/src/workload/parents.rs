//! An order behind all parents, or a cycle and its words.
//!
//! Called by the readers of files in which tasks name the tasks that come first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::plan::index;

/// Members of a cycle that are shown, and characters of a name.
const MOST_MEMBERS: usize = 8;
const MOST_CHARS: usize = 80;

/// The tasks, each behind its `parents` and otherwise by their numbers.
///
/// # Errors
/// The members of a cycle, each a parent of the next.
pub(super) fn order(parents: &[Vec<u32>]) -> Result<Vec<u32>, Vec<u32>> {
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); parents.len()];
    let mut waits: Vec<usize> = parents.iter().map(Vec::len).collect();
    for (task, parents) in (0..).zip(parents) {
        for &parent in parents {
            children[parent as usize].push(task);
        }
    }
    let free = (0..parents.len()).filter(|&task| waits[task] == 0);
    let mut ready: BinaryHeap<Reverse<u32>> = free.map(|task| Reverse(index(task))).collect();
    let mut order = Vec::with_capacity(parents.len());
    while let Some(Reverse(task)) = ready.pop() {
        order.push(task);
        for &child in &children[task as usize] {
            waits[child as usize] -= 1;
            if waits[child as usize] == 0 {
                ready.push(Reverse(child));
            }
        }
    }
    match waits.iter().position(|&waits| waits > 0) {
        None => Ok(order),
        Some(task) => Err(cycle(parents, &waits, index(task))),
    }
}

/// The members of a cycle, by name and in order.
pub(super) fn shown<'n>(members: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = members.len().saturating_sub(MOST_MEMBERS);
    let short = |name: &str| name.chars().take(MOST_CHARS).collect();
    let mut names: Vec<String> = members.take(MOST_MEMBERS).map(short).collect();
    let first = names.first().cloned();
    names.extend((more > 0).then(|| format!("{more} more")));
    names.extend(first);
    names.join(" → ")
}

/// Walks from parent to parent among tasks that wait, until one comes again.
fn cycle(parents: &[Vec<u32>], waits: &[usize], from: u32) -> Vec<u32> {
    let mut seen = vec![None; parents.len()];
    let (mut walk, mut task) = (Vec::new(), from);
    while seen[task as usize].is_none() {
        seen[task as usize] = Some(walk.len());
        walk.push(task);
        let mut waiting = parents[task as usize].iter();
        let next = waiting.find(|&&parent| waits[parent as usize] > 0);
        task = *next.expect("a task that waits has a parent that waits");
    }
    let begins = seen[task as usize].expect("the walk came here before");
    let mut members = walk.split_off(begins);
    members.reverse();
    members
}

#[cfg(test)]
mod tests {
    use super::{order, shown};

    #[test]
    fn parents_come_first_and_numbers_decide_the_rest() {
        let parents = [vec![3], vec![], vec![0, 1], vec![]];
        assert_eq!(order(&parents), Ok(vec![1, 3, 0, 2]));
    }

    #[test]
    fn a_cycle_is_its_members_without_what_hangs_on_it() {
        let parents = [vec![], vec![0, 3], vec![1], vec![2], vec![3]];
        assert_eq!(order(&parents), Err(vec![2, 3, 1]));
        assert_eq!(order(&[vec![0]]), Err(vec![0]));
    }

    #[test]
    fn a_long_cycle_is_cut_and_closed() {
        assert_eq!(shown(["a", "b"].into_iter()), "a → b → a");
        let members = ["a"; 10].into_iter();
        assert_eq!(shown(members), format!("{}2 more → a", "a → ".repeat(8)));
    }
}
