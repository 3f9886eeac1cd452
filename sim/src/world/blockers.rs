//! Who is to blame: among stuck tasks that wait for each other, those that wait for nobody.
//!
//! A root waits for no other stuck task. A circle of tasks that wait for each other has no root;
//! its most urgent members are taken for roots then. Linear in waits for each 64 roots; a pure
//! function, called by the stall report.

/// What one stuck task is to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Nobody else among the stuck is in its way, or it stands in a circle.
    pub(super) is_root: bool,
    /// It is a root only because a circle needs one.
    pub(super) in_circle: bool,
    /// How many others wait for it, directly or not; counted for roots.
    pub(super) blocks: u64,
}

/// Finds the roots. `blockers[task]` are the tasks that `task` waits for, `urgency[task]` says who
/// is blamed first in a circle: the smallest.
///
/// `blockers` may be longer than `urgency`: what stands behind the tasks are things that tasks wait
/// for and that wait for tasks. They count as nobody.
pub(super) fn find(blockers: &[Vec<usize>], urgency: &[u8]) -> Vec<Standing> {
    let mut victims = vec![Vec::new(); blockers.len()];
    for (task, list) in blockers.iter().enumerate() {
        list.iter().for_each(|&blocker| victims[blocker].push(task));
    }
    let mut found = vec![Standing::default(); urgency.len()];
    let mut is_explained = vec![false; blockers.len()];
    let mut roots: Vec<usize> = (0..urgency.len())
        .filter(|&task| blockers[task].is_empty())
        .collect();
    let mut in_circle = false;
    loop {
        for roots in roots.chunks(64) {
            blame(roots, &victims, (&mut found, &mut is_explained));
            for &root in roots {
                (found[root].is_root, found[root].in_circle) = (true, in_circle);
            }
        }
        let left = || (0..urgency.len()).filter(|&task| !is_explained[task]);
        let Some(most_urgent) = left().map(|task| urgency[task]).min() else {
            return found;
        };
        roots = left()
            .filter(|&task| urgency[task] == most_urgent)
            .collect();
        in_circle = true;
    }
}

/// Counts for at most 64 roots whom they block: a bit a root spreads to all that wait for it.
fn blame(
    roots: &[usize],
    victims: &[Vec<usize>],
    (found, is_explained): (&mut [Standing], &mut [bool]),
) {
    let mut reached = vec![0_u64; victims.len()];
    let mut changed: Vec<usize> = roots.to_vec();
    for (bit, &root) in roots.iter().enumerate() {
        reached[root] = 1 << bit;
    }
    while let Some(task) = changed.pop() {
        is_explained[task] = true;
        for &victim in &victims[task] {
            if reached[task] & !reached[victim] != 0 {
                reached[victim] |= reached[task];
                changed.push(victim);
            }
        }
    }
    for (bit, &root) in roots.iter().enumerate() {
        let tasks = &reached[..found.len()];
        let blocked = tasks.iter().filter(|&&bits| bits >> bit & 1 == 1).count();
        found[root].blocks = blocked as u64 - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Standing, find};

    /// (is root, in a circle, blocks) of every task.
    fn found(blockers: &[&[usize]], urgency: &[u8]) -> Vec<(bool, bool, u64)> {
        let blockers: Vec<Vec<usize>> = blockers.iter().map(|list| list.to_vec()).collect();
        let short = |one: Standing| (one.is_root, one.in_circle, one.blocks);
        find(&blockers, urgency).into_iter().map(short).collect()
    }

    #[test]
    fn the_end_of_a_chain_is_its_root_and_blocks_all_of_it() {
        let expected = [(false, false, 0), (false, false, 0), (true, false, 2)];
        assert_eq!(found(&[&[1], &[2], &[]], &[3, 3, 0]), expected);
    }

    #[test]
    fn a_victim_of_two_roots_counts_for_both_and_once_for_each() {
        // 2 and 3 wait for 0 and 1, 4 for 2 and 3.
        let blockers: [&[usize]; 5] = [&[], &[], &[0, 1], &[0], &[2, 3]];
        let found = found(&blockers, &[0, 1, 3, 3, 3]);
        assert_eq!(found[..2], [(true, false, 3), (true, false, 2)]);
        assert!(found[2..].iter().all(|one| *one == (false, false, 0)));
    }

    #[test]
    fn a_circle_blames_its_most_urgent_and_only_where_no_root_explains_it() {
        let circle: [&[usize]; 3] = [&[1], &[2], &[0]];
        let expected = [(false, false, 0), (true, true, 2), (false, false, 0)];
        assert_eq!(found(&circle, &[3, 0, 3]), expected);
        let behind_a_root: [&[usize]; 3] = [&[1, 2], &[0], &[]];
        let expected = [(false, false, 0), (false, false, 0), (true, false, 2)];
        assert_eq!(found(&behind_a_root, &[0, 0, 3]), expected);
    }

    #[test]
    fn things_between_tasks_carry_blame_and_count_as_nobody() {
        // 0 and 1 wait for the thing 3, which waits for 2.
        let expected = [(false, false, 0), (false, false, 0), (true, false, 2)];
        assert_eq!(found(&[&[3], &[3], &[], &[2]], &[0, 0, 2]), expected);
    }

    #[test]
    fn more_roots_than_a_word_has_bits_are_all_found() {
        let mut blockers = vec![Vec::new(); 200];
        blockers.push((0..200).collect());
        let found = find(&blockers, &[0; 201]);
        assert!(
            found[..200]
                .iter()
                .all(|one| one.is_root && one.blocks == 1)
        );
        assert!(!found[200].is_root);
    }
}
