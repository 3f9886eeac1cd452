//! Mutates the logic of mailbox, scheduler and runtime and expects a test to notice each mutant.
//!
//! usage: mutation TREE LIST [--whole] [FILE ...]
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
    "mailbox/src/bundle.rs",
    "mailbox/src/cell.rs",
    "mailbox/src/claimer.rs",
    "mailbox/src/fin_batch.rs",
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

/// Files of which one mutant in [`SAMPLE`] is tried, or all with `--whole`.
const SAMPLED: &[&str] = &[
    "mailbox/src/work/line.rs",
    "mailbox/src/work/look.rs",
    "mailbox/src/work/ring.rs",
    "mailbox/src/work/state.rs",
    "mailbox/src/work/worker.rs",
    "runtime/src/buffer.rs",
    "runtime/src/command/board.rs",
    "runtime/src/command/evidence.rs",
    "runtime/src/command/flight.rs",
    "runtime/src/command/levels.rs",
    "runtime/src/command/packet.rs",
    "runtime/src/command/processor.rs",
    "runtime/src/command/submit.rs",
    "runtime/src/command/wait.rs",
    "runtime/src/launch/launcher.rs",
    "runtime/src/launch/streams.rs",
    "runtime/src/persistent/group.rs",
    "runtime/src/persistent/policy.rs",
    "runtime/src/persistent/watch.rs",
    "runtime/src/persistent/worker.rs",
    "runtime/src/plan/desk.rs",
    "runtime/src/plan/planner.rs",
    "runtime/src/plan/recorder.rs",
    "runtime/src/plan/request.rs",
    "runtime/src/stream/cycle.rs",
    "runtime/src/stream/explain.rs",
    "runtime/src/stream/timelines.rs",
    "runtime/src/user.rs",
    "scheduler/src/offer.rs",
    "scheduler/src/worked.rs",
];

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// By this test; or it did not end.
    Killed { by: String, timed_out: bool },
    /// So many tests came by its place.
    Survived { reached_by: usize },
}

/// One mutant in so many is drawn.
const SAMPLE: u64 = 4;

const USAGE: &str = "usage: mutation TREE LIST [--whole] [FILE ...]";

/// How many of a hundred must be killed of the core and of the sample, however good the reasons for
/// the others.
const KILLED_PERCENT: [usize; 2] = [95, 90];

fn main() {
    let mut arguments = env::args().skip(1);
    let tree = PathBuf::from(arguments.next().expect(USAGE));
    let list = fs::read_to_string(arguments.next().expect(USAGE)).expect("a list of survivors");
    let mut wanted: Vec<String> = arguments.collect();
    let is_whole = wanted.first().is_some_and(|one| one == "--whole");
    wanted.drain(..usize::from(is_whole));
    let is_wanted = |file: &str| wanted.is_empty() || wanted.iter().any(|one| one == file);
    let files = CORE.iter().chain(SAMPLED).copied();
    let files: Vec<&str> = files.filter(|it| is_wanted(it)).collect();
    let is_tried = |mutant: &Mutant| is_wanted(&mutant.file) && (is_whole || is_drawn(mutant));
    let mut listed = listed::parse(&list);
    listed.retain(|one| is_tried(&one.mutant));

    let built = build::build(&tree, &files, is_tried);
    for mutant in &built.barred {
        println!("does not compile: {} {}", mutant.file, mutant.change);
    }
    let tests = survey(&built.binaries, &tree);
    println!("{} tests may kill", tests.len());
    let verdicts = verdicts(&tests, &built.mutants);
    let (mut wrong, mut sums) = (0, [Counts::default(), Counts::default()]);
    for file in files {
        let ends = built.mutants.iter().zip(&verdicts);
        let (counts, findings) = judge(ends.filter(|(mutant, _)| mutant.file == file), &listed);
        println!("{file}: {counts}");
        findings.iter().for_each(|finding| println!("{finding}"));
        wrong += findings.len();
        sums[usize::from(SAMPLED.contains(&file))].add(&counts);
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
    println!("mutation: {} do not compile", built.barred.len());
    for ((name, sum), percent) in ["core", "sample"].iter().zip(&sums).zip(KILLED_PERCENT) {
        println!("mutation: {name}: {sum}");
        wrong += usize::from(sum.killed * 100 < sum.mutants * percent);
    }
    if wrong > 0 {
        process::exit(1);
    }
}

/// Whether a run that is not whole tries it. By its name, so what stands beside it has no say.
fn is_drawn(mutant: &Mutant) -> bool {
    let name = mutant.file.bytes().chain(mutant.change.bytes());
    // FNV-1a.
    let hash = name.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    CORE.contains(&mutant.file.as_str()) || (hash >> 32).is_multiple_of(SAMPLE)
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
fn verdicts(tests: &[Test], mutants: &[Mutant]) -> Vec<Verdict> {
    let count = mutants.len();
    let next = Mutex::new(0..count);
    let recent = Mutex::new(VecDeque::new());
    let found = Mutex::new(HashMap::new());
    let work = || {
        loop {
            let taken = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(index) = taken else {
                return;
            };
            let is_core = CORE.contains(&mutants[index].file.as_str());
            let verdict = verdict(tests, (index + 1, is_core), &recent);
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
fn verdict(
    tests: &[Test],
    (number, is_core): (usize, bool),
    recent: &Mutex<VecDeque<usize>>,
) -> Verdict {
    let mut order: Vec<usize> = (0..tests.len()).collect();
    order.retain(|&test| tests[test].reached.contains(&number));
    // The core is judged by its own tests, which no thread holds up.
    order.retain(|&test| !is_core || tests[test].is_of_core());
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
