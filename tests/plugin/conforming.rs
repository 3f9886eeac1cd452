//! The device libraries in C that finbox brings along pass the suite of every machine. The make
//! files of their own test them without finbox.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use finbox_runtime::conformance::{Limits, Verdict, run};
use finbox_runtime::plugin::{OpenOptions, PluginMachine};
use finbox_scheduler::{A2A3, A5, Target};

use crate::alone;
use crate::built::{folder, have_cc, load};

/// Builds `runtime/devices/<name>`; `None`, and it is said why, where there is nothing to build
/// with.
fn built(name: &str) -> Option<PathBuf> {
    let has_make = Command::new("make").arg("--version").output();
    if !have_cc() || !has_make.is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no make, or no cc");
        return None;
    }
    let target = folder(&format!("devices-{name}"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/devices");
    let mut make = Command::new("make");
    make.arg("-s").arg("-C").arg(source.join(name));
    make.arg(format!("BUILD={}", target.display()));
    let output = make.output().expect("there is a make");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{make:?}: {said}");
    Some(target)
}

/// Every check passes, or is skipped because the library announces no such operation: those are
/// `unable`.
fn conforms(library: &Path, target: &'static Target, options: &str, unable: &[&str]) {
    let wanted = OpenOptions {
        target: Some(target),
        ranks: 2,
        cores: 6,
        dma_queues: 2,
        memory_bytes: 4 << 20,
        options: options.to_owned(),
    };
    let machine = PluginMachine::open(&load(library), &wanted);
    let machine = machine.unwrap_or_else(|error| panic!("{error}"));
    let limits = Limits {
        deadline: Duration::from_secs(60),
        rounds: 20,
        end_cores: true,
    };
    let findings = run(&machine, &limits);
    assert!(findings.len() >= 40, "there were {}", findings.len());
    let is_fine = |verdict: &Verdict, name| match verdict {
        Verdict::Pass => true,
        Verdict::Skipped(_) => unable.contains(&name),
        Verdict::Fail(_) => false,
    };
    let others = findings
        .iter()
        .filter(|finding| !is_fine(&finding.verdict, finding.check.name));
    let others: Vec<String> = others.map(ToString::to_string).collect();
    assert!(others.is_empty(), "{}", others.join("\n"));
}

#[test]
fn posix_device_conforms() {
    let Some(built) = built("posix") else { return };
    let library = built.join("libfinbox_posix_device.so");
    conforms(&library, &A2A3, "", &[]);
    conforms(&library, &A5, "threads=3", &[]);
}

/// Its AscendCL is a stand-in: what a board would say is not known.
#[test]
fn acl_device_conforms_on_its_stand_in() {
    const UNABLE: &[&str] = &[
        "op-fill-pattern",
        "op-add-u32",
        "op-accumulate-u32",
        "op-add-f32",
        "op-scale-f32",
        "op-add-counter-f32",
        "events",
    ];
    const FOLDER: &str = "FINBOX_TEST_ACL";
    if alone::is_alone() {
        let built = PathBuf::from(std::env::var_os(FOLDER).expect("set by the parent"));
        for target in [&A2A3, &A5] {
            conforms(&built.join("libfinbox_acl_device.so"), target, "", UNABLE);
        }
        return;
    }
    let Some(built) = built("acl") else { return };
    let stand_in = built.join("libascendcl_standin.so");
    for plan in ["", "delay=100us"] {
        let set = [
            ("FINBOX_ACL_LIB", stand_in.as_os_str()),
            ("FINBOX_ACL_STANDIN", OsStr::new(plan)),
            (FOLDER, built.as_os_str()),
        ];
        let name = "conforming::acl_device_conforms_on_its_stand_in";
        alone::run(name, &set, &[]);
    }
}
