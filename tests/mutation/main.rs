//! Mutates the logic of mailbox and scheduler and expects a test to notice each mutant.
//!
//! usage: mutation TREE LIST [FILE ...]
//!
//! TREE is a copy of the sources in which all mutants of CORE, or of the files named, are built at
//! once; each is live in a process of its own. LIST names those that may survive, with the reason:
//! one that survives and is not listed fails, and so does a listed one that is killed or not there.
#![cfg(not(any(loom, shuttle, finbox_weaken)))]

mod build;
mod killers;
mod listed;
mod operators;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::{env, fmt, fs, process, thread};

use killers::{End, Test, survey, try_on};
use listed::Listed;
use operators::Mutant;

/// Files whose logic is mutated.
const CORE: &[&str] = &[
    "mailbox/src/cell.rs",
    "mailbox/src/claimer.rs",
    "mailbox/src/handle.rs",
    "mailbox/src/message.rs",
    "mailbox/src/producer.rs",
    "mailbox/src/region.rs",
    "mailbox/src/ring.rs",
    "mailbox/src/ticket.rs",
    "mailbox/src/try_lock.rs",
    "mailbox/src/wake.rs",
    "scheduler/src/complete.rs",
    "scheduler/src/condition.rs",
    "scheduler/src/core_pair.rs",
    "scheduler/src/duty.rs",
    "scheduler/src/edges.rs",
    "scheduler/src/handler.rs",
    "scheduler/src/kind.rs",
    "scheduler/src/listen.rs",
    "scheduler/src/look.rs",
    "scheduler/src/poll.rs",
    "scheduler/src/ready.rs",
    "scheduler/src/reclaim.rs",
    "scheduler/src/retire.rs",
    "scheduler/src/room.rs",
    "scheduler/src/slab.rs",
    "scheduler/src/sweep.rs",
    "scheduler/src/wait_entry.rs",
    "scheduler/src/wait_list.rs",
    "scheduler/src/watched.rs",
];

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// By this test; or it did not end.
    Killed { by: String, timed_out: bool },
    /// So many tests came by its place.
    Survived { reached_by: usize },
}

const USAGE: &str = "usage: mutation TREE LIST [FILE ...]";

/// How many of a hundred must be killed, however good the reasons for the others.
const KILLED_PERCENT: usize = 95;

fn main() {
    let mut arguments = env::args().skip(1);
    let tree = PathBuf::from(arguments.next().expect(USAGE));
    let list = fs::read_to_string(arguments.next().expect(USAGE)).expect("a list of survivors");
    let wanted: Vec<String> = arguments.collect();
    let is_wanted = |file: &str| wanted.is_empty() || wanted.iter().any(|one| one == file);
    let files: Vec<&str> = CORE.iter().copied().filter(|it| is_wanted(it)).collect();
    let mut listed = listed::parse(&list);
    listed.retain(|one| is_wanted(&one.mutant.file));

    let built = build::build(&tree, &files);
    for mutant in &built.barred {
        println!("does not compile: {} {}", mutant.file, mutant.change);
    }
    let tests = survey(&built.binaries, &tree);
    println!("{} tests may kill", tests.len());
    let verdicts = verdicts(&tests, built.mutants.len());
    let (mut wrong, mut sum) = (0, Counts::default());
    for file in files {
        let ends = built.mutants.iter().zip(&verdicts);
        let (counts, findings) = judge(ends.filter(|(mutant, _)| mutant.file == file), &listed);
        println!("{file}: {counts}");
        findings.iter().for_each(|finding| println!("{finding}"));
        wrong += findings.len();
        sum.add(&counts);
    }
    for one in &listed {
        if !built.mutants.contains(&one.mutant) {
            println!(
                "listed, but not there: {} {}",
                one.mutant.file, one.mutant.change
            );
            wrong += 1;
        }
    }
    println!("mutation: {sum}, {} do not compile", built.barred.len());
    if wrong > 0 || sum.killed * 100 < sum.mutants * KILLED_PERCENT {
        process::exit(1);
    }
}

/// What became of the mutants of a file, or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    mutants: usize,
    killed: usize,
    /// Killed ones that did not end.
    hung: usize,
    /// Survivors that are listed.
    listed: usize,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.mutants += other.mutants;
        self.killed += other.killed;
        self.hung += other.hung;
        self.listed += other.listed;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self {
            mutants,
            killed,
            hung,
            listed,
        } = self;
        let survive = mutants - killed - listed;
        write!(
            f,
            "{mutants} mutants, {killed} killed ({hung} hung), {listed} listed, {survive} survive"
        )
    }
}

/// Counts how mutants ended, and finds those that did not end as listed.
fn judge<'v>(
    ends: impl Iterator<Item = (&'v Mutant, &'v Verdict)>,
    listed: &[Listed],
) -> (Counts, Vec<String>) {
    let (mut counts, mut findings) = (Counts::default(), Vec::new());
    for (mutant, verdict) in ends {
        let is_listed = listed.iter().any(|one| one.mutant == *mutant);
        counts.mutants += 1;
        match verdict {
            Verdict::Killed { by, .. } if is_listed => {
                findings.push(format!("listed, but killed by {by}: {}", mutant.change));
            }
            Verdict::Survived { reached_by } if !is_listed => {
                let what = &mutant.change;
                findings.push(format!("survives, reached by {reached_by} tests: {what}"));
            }
            Verdict::Survived { .. } => counts.listed += 1,
            Verdict::Killed { .. } => {}
        }
        if let Verdict::Killed { timed_out, .. } = verdict {
            counts.killed += 1;
            counts.hung += usize::from(*timed_out);
        }
    }
    (counts, findings)
}

/// What becomes of each mutant, a thread a processor.
fn verdicts(tests: &[Test], count: usize) -> Vec<Verdict> {
    let next = Mutex::new(0..count);
    let recent = Mutex::new(VecDeque::new());
    let found = Mutex::new(HashMap::new());
    let work = || {
        loop {
            let taken = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(index) = taken else {
                return;
            };
            let verdict = verdict(tests, index + 1, &recent);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.insert(index, verdict);
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let all = (0..count).map(|index| found.remove(&index).expect("each was tried"));
    all.collect()
}

/// What becomes of mutant `number`: tests that killed its neighbours go first, then quick ones; a
/// few at a time, then more.
fn verdict(tests: &[Test], number: usize, recent: &Mutex<VecDeque<usize>>) -> Verdict {
    let mut order: Vec<usize> = (0..tests.len()).collect();
    order.retain(|&test| tests[test].reached.contains(&number));
    let reached_by = order.len();
    let killers = recent
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let rank = |test: usize| killers.iter().position(|&one| one == test);
    order.sort_by_key(|&test| (rank(test).unwrap_or(killers.len()), tests[test].took));
    let mut order = VecDeque::from(order);
    let mut size = 1;
    while let Some(&first) = order.front() {
        let binary = &tests[first].binary;
        let mut chunk = Vec::new();
        order.retain(|&test| {
            let is_in = chunk.len() < size && tests[test].binary == *binary;
            if is_in {
                chunk.push(test);
            }
            !is_in
        });
        let chosen: Vec<&Test> = chunk.iter().map(|&test| &tests[test]).collect();
        let end = try_on(&chosen, number);
        if end != End::Passed {
            let mut recent = recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.retain(|test| !chunk.contains(test));
            chunk
                .into_iter()
                .rev()
                .for_each(|test| recent.push_front(test));
            recent.truncate(RECENT);
            return Verdict::Killed {
                by: chosen
                    .iter()
                    .map(|test| test.name.as_str())
                    .collect::<Vec<_>>()
                    .join(" or "),
                timed_out: end == End::TimedOut,
            };
        }
        size *= 2;
    }
    Verdict::Survived { reached_by }
}

/// How many killers go first.
const RECENT: usize = 12;
