//! `run --device` and `device`, on posix-device: a device library in C, as it is and spoiled.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

use crate::{arg, finbox, refused};

const SOURCES: [&str; 8] = [
    "posix/device.c",
    "posix/memory.c",
    "posix/kernel.c",
    "posix/core.c",
    "posix/dma.c",
    "posix/event.c",
    "support/support.c",
    "support/blocks.c",
];

/// How `spoiled.c` spoils it.
const NO_FIN: &str = "-DSPOIL=NO_FIN";
const NO_RETURN: &str = "-DSPOIL=NO_RETURN";
const NO_MEMORY: &str = "-DSPOIL=NO_MEMORY";
const NO_VERSION: &str = "-DSPOIL=NO_VERSION";
const NO_POST: &str = "-DSPOIL=NO_POST";

/// Whether C can be compiled here.
fn have_cc() -> bool {
    static HAVE: LazyLock<bool> = LazyLock::new(|| {
        let found = Command::new("cc").arg("--version").output();
        found.is_ok_and(|output| output.status.success())
    });
    if !*HAVE {
        println!("skipped: there is no cc here");
    }
    *HAVE
}

/// Compiles posix-device; with `spoil`, as that says.
fn build(name: &str, spoil: Option<&str>) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let runtime = here.parent().expect("a workspace").join("runtime");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("devices");
    fs::create_dir_all(&folder).expect("a writable folder");
    let path = folder.join(format!("libfinbox_{name}.so"));
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror"]);
    cc.args(["-O1", "-fPIC", "-shared", "-pthread", "-I"]);
    cc.arg(runtime.join("include"));
    cc.args(SOURCES.map(|file| runtime.join("devices").join(file)));
    if let Some(spoil) = spoil {
        cc.arg(spoil).arg("-Dfinbox_device_query=posix_query");
        let object = folder.join(format!("{name}.o"));
        let mut alone = Command::new("cc");
        alone.args(["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror"]);
        alone.args(["-O1", "-fPIC", "-c", "-I"]);
        alone.arg(runtime.join("include")).arg(spoil);
        alone.arg(here.join("tests/cli/spoiled.c"));
        ran(alone.arg("-o").arg(&object));
        cc.arg(object);
    }
    ran(cc.arg("-o").arg(&path));
    path
}

fn ran(cc: &mut Command) {
    let output = cc.output().expect("there is a cc");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{cc:?}: {said}");
}

/// The device as it is, built once.
fn posix() -> &'static Path {
    static POSIX: LazyLock<PathBuf> = LazyLock::new(|| build("posix", None));
    &POSIX
}

fn document(args: &[&str]) -> Value {
    let ended = finbox(args);
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
    ended.document()
}

#[test]
fn every_demo_has_the_same_results_on_a_device_in_c_as_in_the_simulator() {
    if !have_cc() {
        return;
    }
    for scenario in [
        &["deferred_notify_demo"][..],
        &["deferred_notify_demo", "--ranks", "5", "--target", "a5"],
        &["async_notify"],
        &["sdma_async"],
        &["dummy_task"],
        &["mixed_spmd"],
        &["grid", "--tasks", "400"],
        &["task_bench_fft", "--width", "8", "--steps", "6"],
    ] {
        let args = [&["run", "--json"], scenario].concat();
        let simulated = document(&args);
        let found = document(&[&args[..], &["--device", arg(posix())]].concat());
        assert_eq!(found["verdict"], "pass", "{scenario:?}");
        assert_eq!(found["mode"], "device", "{scenario:?}");
        assert_eq!(found["device"]["name"], "posix-device");
        assert_eq!(found["device"]["path"], arg(posix()));
        assert_eq!(found["max_diff"], simulated["max_diff"], "{scenario:?}");
        assert_eq!(found["result_digest"], simulated["result_digest"]);
        assert_eq!(found["digest"], Value::Null);
        let conditions = |document: &Value| document["mailbox"]["conditions"].clone();
        assert_eq!(conditions(&found), conditions(&simulated), "{scenario:?}");
    }
}

#[test]
fn a_device_is_shown_with_its_self_test_and_the_demos() {
    if !have_cc() {
        return;
    }
    let shown = document(&["device", arg(posix()), "--json"]);
    assert_eq!(shown["schema"], "finbox.device/1");
    assert_eq!(shown["verdict"], "pass", "{shown}");
    assert_eq!(shown["device"]["name"], "posix-device");
    assert_eq!(shown["abi"], serde_json::json!([1, 1]));
    let checks = shown["checks"].as_array().unwrap();
    assert!(checks.len() > 30);
    assert!(
        checks.iter().all(|check| check["verdict"] != "fail"),
        "{shown}"
    );
    let demos = shown["demos"].as_array().unwrap();
    let passed = demos.iter().filter(|demo| demo["verdict"] == "pass");
    assert_eq!((demos.len(), passed.count()), (7, 6), "{shown}");
    let skipped = demos.iter().find(|demo| demo["name"] == "urma_deferred");
    let skipped = skipped.expect("it is among the seven");
    assert_eq!(skipped["verdict"], "skipped", "{skipped}");
    let reason = skipped["message"].as_str().expect("a text");
    assert!(reason.contains("counters and DMA queues only"), "{reason}");
}

#[test]
fn a_name_is_looked_for_in_the_folders_that_are_named() {
    if !have_cc() {
        return;
    }
    let folder = posix().parent().unwrap();
    let mut run = crate::command(&["run", "dummy_task", "--device", "posix"]);
    let ended = run.env("FINBOX_DEVICE_PATH", folder).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
fn operations_that_a_device_lacks_are_named_and_its_demos_are_skipped_with_that() {
    if !have_cc() {
        return;
    }
    let path = build("no_post", Some(NO_POST));
    let ended = finbox(&["run", "sdma_async", "--json", "--device", arg(&path)]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let error = &ended.document()["error"];
    assert_eq!(
        (&error["code"], &error["name"]),
        (&198.into(), &"DEVICE".into())
    );
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("the device lacks the operation post (for rank 0, task"));
    assert_eq!(
        finbox(&["run", "dummy_task", "--device", arg(&path)]).code,
        Some(0)
    );
}

#[test]
fn a_core_that_never_says_fin_ends_the_run_as_stuck_with_its_task() {
    if !have_cc() {
        return;
    }
    let path = build("no_fin", Some(NO_FIN));
    let line = [
        "run",
        "deferred_notify_demo",
        "--json",
        "--deadline-ms",
        "1000",
        "--device",
    ];
    let ended = finbox(&[&line[..], &[arg(&path)]].concat());
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let document = ended.document();
    assert_eq!(document["verdict"], "stuck");
    let stall = &document["stall"];
    assert_eq!(stall["class"], "running", "{stall}");
    let root = stall["root"]["message"].as_str().unwrap();
    assert!(root.contains("core"), "{root}");
    assert!(!stall["root"]["name"].as_str().unwrap().is_empty());
}

#[test]
fn a_function_that_does_not_return_is_named_with_its_thread_and_the_unfinished_tasks() {
    if !have_cc() {
        return;
    }
    let path = build("no_return", Some(NO_RETURN));
    let line = [
        "run",
        "deferred_notify_demo",
        "--json",
        "--deadline-ms",
        "1000",
        "--device",
    ];
    let ended = finbox(&[&line[..], &[arg(&path)]].concat());
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let document = ended.document();
    assert_eq!(document["error"]["name"], "DEVICE_BLOCKED");
    assert_eq!(document["error"]["code"], 199);
    let message = document["error"]["message"].as_str().unwrap();
    for part in ["`load_cond` of core ", "`finbox-fin-", "unfinished"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!document["stall"]["tasks"].as_array().unwrap().is_empty());
    let tasks = &document["tasks"];
    let sum = ["completed", "failed", "cancelled", "live"].map(|what| tasks[what].as_u64());
    assert_eq!(
        sum.iter().flatten().sum::<u64>(),
        tasks["submitted"].as_u64().unwrap()
    );
}

#[test]
fn a_device_that_refuses_memory_is_quoted() {
    if !have_cc() {
        return;
    }
    let path = build("no_memory", Some(NO_MEMORY));
    let ended = finbox(&["run", "sdma_async", "--json", "--device", arg(&path)]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let error = ended.document()["error"].clone();
    assert_eq!(error["name"], "DEVICE");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("this device is full (7)"), "{message}");
}

#[test]
fn a_library_of_another_contract_is_a_fault_with_both_versions() {
    if !have_cc() {
        return;
    }
    let path = build("no_version", Some(NO_VERSION));
    for line in [["run", "dummy_task", "--device"].as_slice(), &["device"]] {
        let ended = finbox(&[line, &[arg(&path)]].concat());
        assert_eq!(ended.code, Some(5), "{}", ended.stderr);
        for part in ["ABI 2.1", "1.1", "hint: "] {
            assert!(ended.stderr.contains(part), "{part} in {}", ended.stderr);
        }
        assert_eq!(ended.stdout, "", "nothing ran");
    }
}

#[test]
fn what_is_no_device_library_is_an_input_that_cannot_be_used() {
    let run = |path| ["run", "dummy_task", "--device", path];
    let missing = refused(&run("./nowhere.so"), 3, &["./nowhere.so"]);
    assert_eq!(missing["name"], "INPUT_UNREADABLE");
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.so");
    fs::write(&text, "no library").unwrap();
    let invalid = refused(&run(arg(&text)), 3, &["text.so", "cannot be loaded"]);
    assert_eq!(invalid["name"], "INPUT_INVALID");
    let shown = finbox(&["device", arg(&text), "--json"]);
    assert_eq!(shown.code, Some(3));
    let document = shown.document();
    assert_eq!(document["verdict"], "invalid");
    assert_eq!(document["error"]["name"], "INPUT_INVALID");
}
