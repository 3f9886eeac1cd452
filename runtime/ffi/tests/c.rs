//! The library as C and C++ see it: its header in three languages, its symbols, its SONAME, and
//! programs that link with it. Without a C compiler there is nothing to see, and this says so.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const SONAME: &str = "libfinbox.so.0";

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The library that cargo built beside this test.
fn library() -> PathBuf {
    let exe = env::current_exe().expect("a running test has a path");
    let deps = exe.parent().expect("it lies in a folder");
    let library = deps.join("libfinbox.so");
    assert!(library.is_file(), "{} was not built", library.display());
    library
}

/// A folder with the library under the names that linker and loader look for.
fn linkable(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a writable folder");
    for name in ["libfinbox.so", SONAME] {
        symlink(library(), folder.join(name)).expect("an empty folder");
    }
    folder
}

fn have(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output();
    let have = found.is_ok_and(|output| output.status.success());
    if !have {
        println!("skipped: there is no {program} here");
    }
    have
}

/// What the program printed; it must end well.
fn output(command: &mut Command) -> String {
    let output = command.output().expect("a program that is there starts");
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        text.concat()
    );
    text.concat()
}

fn compiler(language: &str) -> Command {
    let name = if language.starts_with("c++") {
        "c++"
    } else {
        "cc"
    };
    let mut command = Command::new(name);
    command
        .arg(format!("-std={language}"))
        .args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-O1"])
        .arg("-I")
        .arg(package().join("../include"));
    command
}

/// Builds a program with the library and runs it.
fn run(source: &str, language: &str) -> String {
    run_with(source, language, &[])
}

/// As `run`, with these arguments for the program.
fn run_with(source: &str, language: &str, args: &[&Path]) -> String {
    let name = Path::new(source).file_stem().expect("a source has a name");
    let folder = linkable(&format!("{}-{language}", name.to_string_lossy()));
    let program = folder.join("program");
    let mut build = compiler(language);
    build.arg(package().join(source)).arg("-o").arg(&program);
    build.arg("-L").arg(&folder).args(["-lfinbox", "-pthread"]);
    build.arg(format!("-Wl,-rpath,{}", folder.display()));
    output(&mut build);
    output(Command::new(program).args(args))
}

#[test]
fn the_header_compiles_without_a_warning_as_c99_c11_and_cpp17() {
    for (program, language, kind, header) in [
        ("cc", "c99", "c", "finbox.h"),
        ("cc", "c11", "c", "finbox.h"),
        ("c++", "c++17", "c++", "finbox.h"),
        ("c++", "c++17", "c++", "finbox.hpp"),
    ] {
        if have(program) {
            let folder = linkable(&format!("header-{language}-{header}"));
            let source = folder.join("source");
            fs::write(&source, format!("#include \"{header}\"\n")).unwrap();
            let mut build = compiler(language);
            output(build.args(["-fsyntax-only", "-x", kind]).arg(source));
        }
    }
}

#[test]
fn the_library_exports_the_listed_symbols_and_no_others() {
    if !have("nm") {
        return;
    }
    let symbols = output(
        Command::new("nm")
            .args(["-D", "--defined-only"])
            .arg(library()),
    );
    let mut found: Vec<&str> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect();
    found.sort_unstable();
    let listed = fs::read_to_string(package().join("symbols.txt")).unwrap();
    let listed: Vec<&str> = listed.lines().collect();
    assert_eq!(
        found, listed,
        "a symbol is never renamed or removed; add new ones to symbols.txt"
    );
    let header = fs::read_to_string(package().join("../include/finbox.h")).unwrap();
    for symbol in listed {
        assert!(
            header.contains(&format!("{symbol}(")),
            "{symbol} is not in the header"
        );
    }
}

#[test]
fn the_library_bears_its_soname() {
    if have("readelf") {
        let dynamic = output(Command::new("readelf").arg("-d").arg(library()));
        let mut lines = dynamic.lines();
        let soname = lines.find(|line| line.contains("(SONAME)"));
        assert!(
            soname.is_some_and(|line| line.ends_with(&format!("[{SONAME}]"))),
            "{dynamic}"
        );
    }
}

/// Fault 21, from C: with a second process, killed with SIGKILL.
#[test]
fn f21_a_killed_process_is_named_and_survived_in_c() {
    if have("cc") {
        for language in ["c99", "c11"] {
            let said = run("examples/firmware_mailbox.c", language);
            assert!(said.ends_with("nothing else was lost\n"), "{said}");
        }
    }
}

#[test]
fn the_conventions_hold_for_a_c_program() {
    if have("cc") {
        let said = run("tests/c/conventions.c", "c99");
        assert!(said.starts_with("the conventions hold"), "{said}");
    }
}

#[test]
fn a_c_program_steps_a_scheduler_itself_and_lets_the_library_do_it() {
    if have("cc") {
        for language in ["c99", "c11"] {
            let said = run("tests/c/scheduler.c", language);
            assert!(said.starts_with("103 tasks in "), "{said}");
        }
    }
}

#[test]
fn threads_share_a_mailbox_in_cpp() {
    if have("c++") {
        let said = run("examples/mailbox.cpp", "c++17");
        assert_eq!(said, "10000 conditions and 10000 ends of tasks\n");
    }
}

#[test]
fn streams_wait_for_what_their_launches_use_in_c() {
    if have("cc") {
        let said = run("examples/streams.c", "c11");
        let gate =
            "`compute` 2 (it is at 1, for 50 ns) waits for `events` 3 (it is at 0, for 60 ns)";
        let expected = format!(
            "produce runs\nconsume runs\nrefill runs\n{gate}; in the end: `events` 3 (it is at 0, \
             for 60 ns) is told by somebody else\nreport runs\nthe sum is 499500\nmax_diff 0\n"
        );
        assert_eq!(said, expected);
    }
}

#[test]
fn two_persistent_workers_search_what_a_plain_search_finds_in_c() {
    if have("cc") {
        let said = run("examples/work_ring.c", "c11");
        assert!(
            said.starts_with("2000 items, ") && said.ends_with("max_diff 0\n"),
            "{said}"
        );
    }
}

#[test]
fn packets_leave_the_same_whoever_carries_them_out_in_c() {
    if have("cc") {
        let said = run("examples/command_ring.c", "c11");
        assert!(said.starts_with("inline: 250 packets, digest "), "{said}");
        assert!(said.ends_with("max_diff 0\n"), "{said}");
    }
}

#[test]
fn planner_and_rings_end_with_their_values_in_cpp() {
    if have("c++") {
        assert_eq!(run("tests/c/planes.cpp", "c++17"), "three planes\n");
    }
}

/// posix-device, as its Makefile builds it.
fn posix_device() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("device-of-c");
    let mut make = Command::new("make");
    make.arg("-C").arg(package().join("../devices/posix"));
    output(make.arg(format!("BUILD={}", folder.display())));
    folder.join("libfinbox_posix_device.so")
}

#[test]
fn two_ranks_of_a_device_library_notify_each_other_in_c_and_cpp() {
    if have("cc") && have("c++") && have("make") {
        let device = posix_device();
        let said = run_with("examples/onboard_minimal.c", "c11", &[&device]);
        let rank = "3 tasks, 1 deferred, 1 CONDITION and 1 TASK_NORMAL_DONE";
        assert_eq!(
            said,
            format!("rank 0: {rank}\nrank 1: {rank}\nmax_diff 0\n")
        );
        let said = run_with("examples/onboard_minimal.cpp", "c++17", &[&device]);
        assert_eq!(said, "max_diff 0\n");
    }
}

/// Fault 40: what a callback may not do, and what becomes of it.
#[test]
fn f40_an_exception_that_leaves_a_callback_ends_the_process() {
    if have("c++") {
        let said = run("tests/c/throws.cpp", "c++17");
        let expected = "finbox: an exception left the callback `take`; it must not";
        assert!(said.starts_with(expected), "{said}");
    }
}

/// Fault 40: and it is named.
#[test]
fn f40_an_exception_that_leaves_a_function_of_a_port_ends_the_process_and_is_named() {
    if have("c++") {
        let said = run("tests/c/port_throws.cpp", "c++17");
        let expected = "finbox: `now` panicked or threw; a port's function must do neither";
        assert!(said.starts_with(expected), "{said}");
    }
}
