//! The simulator as a machine: by itself, and loaded as the device library that cargo built beside
//! this test.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use finbox_abi::{finbox_op, finbox_op_kind};
use finbox_runtime::conformance::{Finding, Limits, Verdict, run};
use finbox_runtime::plugin::{DeviceLibrary, OpenOptions, PluginMachine};
use finbox_runtime::{Machine, MachineError};
use finbox_scheduler::{A2A3, A5, CoreId, Port, Target, Token};
use finbox_sim::machine::{SimMachine, Wanted};

fn library() -> PathBuf {
    let exe = env::current_exe().expect("a running test has a path");
    let deps = exe.parent().expect("it lies in a folder");
    let library = deps.join("libfinbox_sim_device.so");
    assert!(library.is_file(), "{} was not built", library.display());
    library
}

/// A machine of two ranks with six cores each, from the library.
fn open(target: &'static Target, options: &str) -> PluginMachine {
    let loaded = DeviceLibrary::load(library()).expect("the library is as it should be");
    let wanted = OpenOptions {
        target: Some(target),
        ranks: 2,
        cores: 6,
        memory_bytes: 4 << 20,
        options: options.to_owned(),
        ..OpenOptions::default()
    };
    PluginMachine::open(&loaded, &wanted).expect("a small machine")
}

/// Every check passes; what the machine cannot be asked is in none of them.
fn conforms(machine: &impl Machine) {
    let limits = Limits {
        deadline: Duration::from_secs(60),
        rounds: 20,
        end_cores: true,
    };
    let findings = run(machine, &limits);
    assert!(findings.len() >= 40, "there were {}", findings.len());
    // What a library does not announce is not asked for.
    let is_optional = |finding: &&Finding| {
        matches!(finding.verdict, Verdict::Skipped(_)) && finding.check.name == "events"
    };
    let failed = findings
        .iter()
        .filter(|finding| finding.verdict != Verdict::Pass && !is_optional(finding));
    let failed: Vec<String> = failed.map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn the_simulator_conforms_on_both_targets() {
    for (target, options) in [(1, ""), (2, ""), (1, "seed=9"), (2, "seed=9,jitter=50000")] {
        let wanted = Wanted {
            target,
            cores: 6,
            memory_bytes: 4 << 20,
            options,
            ..Wanted::default()
        };
        conforms(&SimMachine::open(&wanted).expect("a small machine"));
    }
}

#[test]
fn the_device_library_conforms_on_both_targets() {
    for (target, options) in [(&A2A3, ""), (&A5, ""), (&A2A3, "seed=4"), (&A5, "seed=4")] {
        conforms(&open(target, options));
    }
}

#[test]
fn a_whole_chip_and_one_rank_conform() {
    for (ranks, cores) in [(1, 0), (3, 4)] {
        let wanted = Wanted {
            ranks,
            cores,
            memory_bytes: 1 << 20,
            ..Wanted::default()
        };
        conforms(&SimMachine::open(&wanted).expect("a machine"));
    }
}

#[test]
fn what_the_library_refuses_comes_with_its_number_and_its_words() {
    let machine = open(&A2A3, "");
    let told = |error: MachineError| (error.doing, error.code, error.text);
    let text = |words: &str| words.to_owned();
    assert_eq!(
        told(machine.release(1, 8).unwrap_err()),
        (
            "release",
            6,
            text("nothing begins at 0x8 that rank 1 gave out")
        )
    );
    let unknown = finbox_op {
        kind: finbox_op_kind::Later as u32 + 1,
        ..finbox_op::default()
    };
    assert_eq!(
        told(machine.load_kernel(0, &[unknown]).unwrap_err()),
        (
            "load_kernel",
            7,
            text("operation 0, kind 14: no operation has kind 14")
        )
    );
    let loaded = DeviceLibrary::load(library()).expect("the library is as it should be");
    let wanted = OpenOptions {
        options: text("sed=1"),
        ..OpenOptions::default()
    };
    let refusal = PluginMachine::open(&loaded, &wanted)
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains("`sed=1` is no option; there are seed="),
        "{refusal}"
    );
}

#[test]
fn a_port_answers_0_where_nothing_is() {
    let machine = open(&A2A3, "");
    let port = machine.port(0);
    for core in [7, u16::MAX] {
        assert_eq!(port.load_cond(CoreId(core)), 0);
        assert_eq!(port.slab_address(CoreId(core), 1), 0);
        port.ring_doorbell(CoreId(core), Token::FIRST);
    }
    let slab = port.slab_address(CoreId(0), 0);
    for address in [0, 8, slab + 1, u64::MAX, u64::MAX - 7] {
        port.store_u64(address, 7);
        port.refresh(address, u64::MAX);
        port.clean(address, 1 << 40);
        assert_eq!((port.load_u32(address), port.load_u64(address)), (0, 0));
    }
    assert!(!port.can_read(slab, u64::MAX) && port.can_read(slab, 64));
}

#[test]
fn many_machines_are_open_at_once_and_none_knows_the_other() {
    let machines = [open(&A2A3, ""), open(&A5, "")];
    let given = machines
        .each_ref()
        .map(|machine| machine.allocate(0, 64, 64));
    let [first, second] = given.map(|given| given.expect("there is room"));
    assert!(machines[0].copy_in(first, &[1; 64]).is_ok());
    let mut bytes = [9; 64];
    assert!(machines[1].copy_out(&mut bytes, second).is_ok());
    assert_eq!(bytes, [0; 64]);
    for machine in machines {
        machine.close().expect("it was open");
    }
}

#[test]
fn the_library_exports_one_symbol() {
    let mut nm = Command::new("nm");
    let Ok(output) = nm.args(["-D", "--defined-only"]).arg(library()).output() else {
        println!("skipped: there is no nm here");
        return;
    };
    let symbols = String::from_utf8(output.stdout).expect("symbols are text");
    let names = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2));
    assert_eq!(Vec::from_iter(names), ["finbox_device_query"]);
}
