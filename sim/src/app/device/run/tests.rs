//! What is asked of a library, and what is said of a run that nobody can end.

use finbox_scheduler::A5;

use super::{RunOptions, TaskEnd, abandoned, wanted, workload};
use crate::cli::{self, Command};
use crate::report::StallReport;
use crate::report::{StallClass, Verdict, to_text};
use crate::world::{Abandoned, Settings};

fn options(line: &str) -> RunOptions {
    let words = ["finbox", "run"].into_iter().chain(line.split(' '));
    match cli::parse(words, &crate::app::target_facts()) {
        Ok(Command::Run(options)) => *options,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_library_decides_what_nobody_asked_for() {
    let options = options("sdma_async --ranks 3 --device x.so");
    let wanted = wanted(&options, &workload(&options).unwrap());
    assert_eq!((wanted.target.is_none(), wanted.cores), (true, 0));
    assert_eq!((wanted.ranks, &*wanted.options), (3, ""));
    assert!(wanted.dma_queues > 0);
}

#[test]
fn what_was_asked_for_is_asked_of_the_library() {
    let options = options("grid --target a5 --cores 6 --device x.so --device-options a=b");
    let wanted = wanted(&options, &workload(&options).unwrap());
    assert_eq!(wanted.target.map(|target| target.name), Some("a5"));
    assert_eq!(
        (wanted.cores, wanted.ranks, &*wanted.options),
        (6, 1, "a=b")
    );
}

#[test]
fn a_run_with_a_lost_thread_is_stuck_with_the_call_and_counts_that_add_up() {
    let ends = [
        Some(TaskEnd::Completed),
        Some(TaskEnd::Completed),
        Some(TaskEnd::Failed),
        None,
        None,
    ];
    let run = Abandoned {
        call: "`load_cond` of core 3 has not returned".to_owned(),
        stall: StallReport::new(StallClass::Running),
        submitted: 4,
        ends: vec![ends.into()],
    };
    let report = abandoned(&run, &Settings::of(&A5));
    assert_eq!(report.verdict, Verdict::Stuck);
    let tasks = report.tasks;
    assert_eq!(
        (tasks.submitted, tasks.completed, tasks.failed, tasks.live),
        (4, 2, 1, 1)
    );
    assert!(report.ledger().iter().all(|equation| equation.holds()));
    let text = to_text(&report);
    assert!(
        text.contains("199 DEVICE_BLOCKED: `load_cond` of core 3"),
        "{text}"
    );
    assert!(text.contains("1 task unfinished"), "{text}");
}
