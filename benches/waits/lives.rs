//! Conditions that come and go, polls of nothing, and deferred tasks.

use std::hint::black_box;
use std::time::Instant;

use finbox_benches::spread;
use finbox_scheduler::Completion;

use crate::run::{Run, arena};
use crate::table;

/// Conditions that come and go together: those of one task.
const TASK: u64 = 64;
/// Polls in one measurement.
const POLLS: u64 = 100_000;
/// Deferred tasks in flight at once, one a core.
pub(crate) const TASKS: u64 = 32;
/// Conditions of each.
pub(crate) const CONDITIONS: u64 = 4;
/// Measurements of a task's conditions in one round.
pub(crate) const TIMES: u32 = 100;

/// A FIN handler puts 64 conditions in, each on a line of its own, and the dispatch thread takes
/// them out when they hold, among `stored` in all.
pub(crate) fn come_and_go(rounds: usize, stored: u64) {
    let mut arena = arena(Completion::Locked, stored as u32 + 64);
    let mut run = Run::<true>::new(&mut arena, (stored + TASK) * 64);
    let first = run.machine.counters();
    if stored > TASK {
        run.wait_for(first + TASK * 64, (stored - TASK, 64));
    }
    let (mut came, mut went, mut expected) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        let (mut come_ns, mut go_ns) = (Vec::new(), Vec::new());
        for _ in 0..TIMES {
            expected += 1;
            run.submit(TASK as u8);
            let _ = run.pass();
            let mine = || (0..TASK).map(|at| (first + at * 64, expected)).collect();
            assert_eq!(run.machine.run_cores(mine), 1);
            come_ns.push(time_ns(|| run.handle()) / TASK as f64);
            let sweep_ns = time_ns(|| assert!(!run.pass().progress));
            (0..TASK).for_each(|at| run.machine.set(first + at * 64, expected));
            let ends_ns = time_ns(|| assert!(run.pass().polled > 0));
            go_ns.push((ends_ns - sweep_ns) / TASK as f64);
        }
        came.push(spread(&come_ns).1);
        went.push(spread(&go_ns).1);
    }
    let desk = run.scheduler.wait_list().try_lock().expect("one thread");
    assert_eq!(desk.unmet().count() as u64, stored - TASK, "all went");
    let stored = stored.to_string();
    table::row(&[&stored, "come, in a FIN of 64"], &came, None);
    table::row(&[&stored, "go, with the end of a task"], &went, None);
}

/// How long `what` takes.
pub(crate) fn time_ns(what: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    what();
    begin.elapsed().as_nanos() as f64
}

/// Nothing waits and the mailbox is empty.
pub(crate) fn empty(rounds: usize) {
    let mut arena = arena(Completion::Mailbox, 64);
    let mut run = Run::<true>::new(&mut arena, 64);
    let (mut polls, mut passes) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let scheduler = &run.scheduler;
        let poll_ns = time_ns(|| {
            for _ in 0..POLLS {
                let scheduler = black_box(scheduler);
                let waiting = scheduler.wait_list().live_hint();
                assert!(waiting == 0 && !scheduler.has_mail_hint());
            }
        });
        polls.push(poll_ns / POLLS as f64);
        let pass_ns = time_ns(|| (0..POLLS).for_each(|_| assert!(!run.pass().progress)));
        passes.push(pass_ns / POLLS as f64);
    }
    table::row(
        &["a poll of nothing: list and mailbox are empty"],
        &polls,
        None,
    );
    table::row(&["a dispatch pass without news"], &passes, None);
}

/// Tasks that leave four conditions each, which hold when all are stored.
pub(crate) fn deferred(rounds: usize) {
    let mut arena = arena(Completion::Mailbox, 4096);
    let mut run = Run::<true>::new(&mut arena, TASKS * CONDITIONS * 64);
    let first = run.machine.counters();
    let (mut lives, mut ends, mut expected) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        let (mut life_ns, mut end_ns) = (0.0, 0.0);
        for _ in 0..TIMES {
            expected += 1;
            let start_ns = time_ns(|| {
                (0..TASKS).for_each(|_| run.submit(CONDITIONS as u8));
                let _ = run.pass();
            });
            let mut addr = (0..TASKS * CONDITIONS).map(|at| (first + at * 64, expected));
            let mine = || addr.by_ref().take(CONDITIONS as usize).collect();
            assert_eq!(run.machine.run_cores(mine) as u64, TASKS);
            let ns = time_ns(|| {
                run.handle();
                let _ = run.pass();
                let counters = (0..TASKS * CONDITIONS).map(|at| first + at * 64);
                counters.for_each(|addr| run.machine.set(addr, expected));
                let _ = run.pass();
            });
            (life_ns, end_ns) = (life_ns + start_ns + ns, end_ns + ns);
            assert_eq!(run.scheduler.waiting(), Some((0, 0)), "all ended");
        }
        lives.push(life_ns / (f64::from(TIMES) * TASKS as f64));
        ends.push(end_ns / (f64::from(TIMES) * TASKS as f64));
    }
    let title = "a deferred task of 4 conditions, from its FIN to its end";
    table::row(&[title], &ends, None);
    let title = "the same, with submission and dispatch";
    table::row(&[title], &lives, None);
}
