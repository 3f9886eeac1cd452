//! Out of memory at the n-th allocation, for every n of loading, lowering and running a trace: the
//! process ends with the prepared words and their exit code.
//!
//! Each n is a process of its own: this executable again, told n by its environment.
#![cfg(not(any(loom, shuttle)))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, ptr};

use finbox_scheduler::target::A2A3;
use finbox_sim::memory::{Guarded, LastWords};
use finbox_sim::report::{Invalid, RunReport, Verdict};
use finbox_sim::workload::chakra;
use finbox_sim::workload::lower::{self, Collectives};
use finbox_sim::world::{self, Settings};

thread_local! {
    /// Allocations of this thread until one fails; 0: none will.
    static LEFT: Cell<u64> = const { Cell::new(0) };
}

struct Failing;

impl Failing {
    /// Whether this allocation fails; after that one none does.
    fn fails(&self) -> bool {
        let left = LEFT.get();
        LEFT.set(left.saturating_sub(1));
        left == 1
    }
}

// SAFETY: every call is passed on to the system's allocator as it came, or says null.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.fails() {
            return ptr::null_mut();
        }
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if self.fails() {
            return ptr::null_mut();
        }
        // SAFETY: it came from the system's allocator, with this layout.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: it came from the system's allocator, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Guarded<Failing> = Guarded(Failing);

/// Which allocation is to fail in a process that this test starts.
const FAIL_AT: &str = "FINBOX_TEST_FAIL_AT";
const WORDS: &str = "out of memory while the test loads";
const SAID: &str = "the trace was loaded and run";

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/chakra/micro/two_comp_nodes_dependent.0.et")
}

/// Loads, lowers and runs the sample, and says so if allocation number `fail_at` was not reached.
fn load_and_run(fail_at: u64) {
    let path = sample();
    let report = RunReport::neutral(Verdict::Invalid(Invalid::InputFile));
    LastWords::new(report, WORDS.to_owned(), true).prepare();
    let settings = Settings {
        cores: 1,
        mailbox_slots: 2,
        ..Settings::of(&A2A3)
    };
    LEFT.set(fail_at);
    let trace = chakra::load(&path, &chakra::Options::default()).expect("a valid sample");
    let workload = lower::lower(&trace, Collectives::default()).expect("it has no collectives");
    let outcome = world::run(&workload, &settings, &mut |_, _| {});
    let left = LEFT.replace(0);
    assert_eq!(outcome.expect("a run that starts").ledger.completed, 2);
    if left > 0 {
        println!("{SAID}");
    }
}

fn process(fail_at: u64) -> Output {
    let this = env::current_exe().expect("this executable has a path");
    let mut command = Command::new(this);
    command.args(["--nocapture", "--test-threads=1"]);
    command.env(FAIL_AT, fail_at.to_string());
    command.output().expect("this executable starts")
}

#[test]
fn f45_whichever_allocation_fails_the_process_ends_in_words_with_exit_code_3() {
    if let Ok(fail_at) = env::var(FAIL_AT) {
        return load_and_run(fail_at.parse().expect("a number"));
    }
    for fail_at in 1.. {
        let Output {
            status,
            stdout,
            stderr,
        } = process(fail_at);
        let [stdout, stderr] =
            [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        if status.success() {
            assert!(
                stdout.contains(SAID),
                "allocation {fail_at} failed and nobody knew: {stdout}"
            );
            assert!(fail_at > 100, "only {fail_at} allocations");
            break;
        }
        assert_eq!(
            status.code(),
            Some(3),
            "allocation {fail_at}: {status} {stderr}"
        );
        assert!(
            stderr.contains(WORDS) && !stderr.contains("panicked"),
            "{stderr}"
        );
        assert_eq!(
            stdout.matches("\"schema\": \"finbox.run/1\"").count(),
            1,
            "{stdout}"
        );
    }
}
