//! A machine behind a library: what the library says of it is checked, its errors are quoted.

use std::fs;
use std::path::{Path, PathBuf};

use finbox_runtime::plugin::{LibraryError, OpenOptions, PluginMachine, WrongMachine};
use finbox_runtime::{Machine, MachineError};
use finbox_scheduler::{A2A3, A5, CoreId, Port};

use crate::built::{have_cc, spoiled, whole};

fn opened(options: &str) -> Result<PluginMachine, LibraryError> {
    let options = OpenOptions {
        options: options.into(),
        ..OpenOptions::default()
    };
    PluginMachine::open(&whole(), &options)
}

fn wrong(opened: Result<PluginMachine, LibraryError>) -> WrongMachine {
    match opened {
        Err(LibraryError::Machine { wrong, .. }) => wrong,
        other => panic!("it cannot be: {other:?}"),
    }
}

fn refused(opened: Result<PluginMachine, LibraryError>) -> MachineError {
    match opened {
        Err(LibraryError::Open { refusal, .. }) => refusal,
        other => panic!("it refuses: {other:?}"),
    }
}

#[test]
fn a_machine_is_what_was_asked_for() {
    if !have_cc() {
        return;
    }
    let asked = OpenOptions {
        target: Some(&A5),
        ranks: 64,
        cores: 108,
        dma_queues: 3,
        memory_bytes: 64,
        options: "lanes=20".into(),
    };
    let machine = PluginMachine::open(&whole(), &asked).expect("all that can be");
    let facts = machine.facts();
    assert_eq!(
        (facts.target.name, facts.ranks, facts.cores),
        ("a5", 64, 108)
    );
    assert_eq!((facts.host_lanes, facts.dma_queues), (20, 3));
    assert_eq!((facts.memory_bytes, facts.operations), (4096, 0x3FFF));
    assert!(facts.is_coherent);
    let library = machine.library().describe();
    assert_eq!(
        (&*library.name, &*library.version),
        ("broken-device", "3.1")
    );
}

#[test]
fn numbers_that_no_machine_has_are_refused() {
    if !have_cc() {
        return;
    }
    for (options, what, value, most) in [
        ("ranks=0", "ranks", 0, 64),
        ("ranks=65", "ranks", 65, 64),
        ("ranks=4294967295", "ranks", u32::MAX, 64),
        ("cores=0", "cores", 0, 72),
        ("cores=73", "cores", 73, 72),
        ("target=2 cores=109", "cores", 109, 108),
        ("cores=65537", "cores", 65_537, 72),
        ("lanes=57", "host lanes", 57, 56),
    ] {
        let least = u64::from(what != "host lanes");
        let expected = WrongMachine::Range {
            what,
            value,
            least,
            most,
        };
        assert_eq!(wrong(opened(options)), expected, "{options}");
    }
    assert_eq!(wrong(opened("target=0")), WrongMachine::Family(0));
    assert_eq!(wrong(opened("target=3")), WrongMachine::Family(3));
}

#[test]
fn memory_that_is_not_coherent_is_refused_where_nobody_refreshes() {
    if have_cc() {
        let refusal = wrong(opened("target=2 coherent=0"));
        assert_eq!(refusal, WrongMachine::Incoherent("a5"));
        let machine = opened("target=1 coherent=0").expect("a2a3 refreshes");
        assert!(!machine.facts().is_coherent);
    }
}

#[test]
fn a_machine_that_is_something_else_than_was_asked_for_is_refused() {
    if !have_cc() {
        return;
    }
    for (options, what, asked, found) in [
        ("target=2", "as its chip family", 1, 2),
        ("ranks=3", "ranks", 4, 3),
        ("cores=4", "cores", 6, 4),
        ("queues=1", "DMA queues", 2, 1),
        ("memory=63", "bytes of memory a rank", 64, 63),
    ] {
        let options = OpenOptions {
            target: Some(&A2A3),
            ranks: 4,
            cores: 6,
            dma_queues: 2,
            memory_bytes: 64,
            options: options.into(),
        };
        let refusal = wrong(PluginMachine::open(&whole(), &options));
        let expected = WrongMachine::NotAsAsked { what, asked, found };
        assert_eq!(refusal, expected);
    }
}

#[test]
fn what_open_refuses_is_quoted_with_its_code() {
    if have_cc() {
        let opened = opened("open=-19");
        let said = opened.as_ref().expect_err("it refuses").to_string();
        assert!(
            said.ends_with("opens no machine: open: no board 3 (-19)"),
            "{said}"
        );
        assert_eq!(refused(opened).code, -19);
    }
}

#[test]
fn an_errors_text_that_breaks_the_contract_does_no_harm() {
    if !have_cc() {
        return;
    }
    let nothing = "the device library does not say why; ask whoever made it";
    for (how, text) in [
        ("null", nothing),
        ("none", nothing),
        ("huge", "no board 3"),
        ("bytes", "no \u{FFFD}board"),
    ] {
        let refusal = refused(opened(&format!("open=5 text={how}")));
        assert_eq!(refusal.text, text, "{how}");
    }
}

#[test]
fn a_rank_without_a_port_is_named() {
    if have_cc() {
        let said = opened("port=6")
            .expect_err("no rank has a port")
            .to_string();
        assert!(
            said.contains("rank 0: port: this rank has no registers (6)"),
            "{said}"
        );
    }
}

#[test]
fn every_function_of_a_port_reaches_the_library() {
    if have_cc() {
        let machine = opened("").expect("a whole machine");
        let port = machine.port(1);
        let slab = port.slab_address(CoreId(0), 0);
        assert_eq!(port.load_cond(CoreId(2)), 0x7FFF_FFFF);
        assert!(port.can_read(slab, 64) && !port.can_read(slab, 4097));
        assert_eq!((port.load_u32(slab), port.load_u64(slab)), (32, 64));
        assert_eq!((port.now(), port.incarnation()), (17, 4));
        let machine = opened("null=incarnation rank=1").expect("it may be null");
        assert_eq!(machine.port(1).incarnation(), 0);
    }
}

#[test]
fn a_context_may_be_null() {
    if have_cc() {
        let machine = opened("context=null").expect("null is a context");
        assert_eq!(machine.port(0).now(), 17);
        machine.close().expect("it closes");
    }
}

#[test]
fn bytes_go_in_and_come_out() {
    if have_cc() {
        let machine = opened("").expect("a whole machine");
        let address = machine.allocate(0, 16, 64).expect("there is so much");
        assert!(address.is_multiple_of(64));
        machine
            .copy_in(address, b"sixteen bytes in")
            .expect("they fit");
        let mut bytes = [0; 16];
        machine
            .copy_out(&mut bytes, address)
            .expect("they are there");
        assert_eq!(&bytes, b"sixteen bytes in");
        machine.release(0, address).expect("it was given out");
    }
}

#[test]
fn what_a_machine_refuses_is_quoted_with_the_functions_name() {
    if !have_cc() {
        return;
    }
    let machine = opened("").expect("a whole machine");
    let error = |result: Result<(), MachineError>| result.expect_err("it refuses").to_string();
    let allocated = machine.allocate(0, 1 << 40, 64).map(drop);
    assert_eq!(error(allocated), "allocate: no memory left (12)");
    let not_given_out = "that was not given out (14)";
    let released = machine.release(0, 64);
    assert_eq!(error(released), format!("release: {not_given_out}"));
    let copied = machine.copy_in(64, &[1]);
    assert_eq!(error(copied), format!("copy_in: {not_given_out}"));
    let copied = machine.copy_out(&mut [1], 64);
    assert_eq!(error(copied), format!("copy_out: {not_given_out}"));
    let loaded = machine.load_kernel(0, &[]).map(drop);
    assert_eq!(
        error(loaded),
        "load_kernel: a kernel without operations (22)"
    );
}

#[test]
fn an_address_that_was_not_asked_for_is_refused() {
    if have_cc() {
        for address in ["0", "4100"] {
            let machine = opened(&format!("address={address}")).expect("a whole machine");
            let refusal = machine.allocate(0, 16, 64).expect_err("no multiple of 64");
            assert!(
                refusal.text.contains("a multiple of 64 that is not 0"),
                "{refusal}"
            );
        }
    }
}

/// Whether the code of a library is in this process.
fn is_loaded(path: &Path) -> bool {
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux tells what is mapped");
    maps.contains(&path.display().to_string())
}

/// The path of a library of the test's own, and a machine that holds it alone.
fn only_holder(test: &str, options: &str) -> (PathBuf, PluginMachine) {
    let (path, library) = spoiled(test, "(void)0");
    let options = OpenOptions {
        options: options.into(),
        ..OpenOptions::default()
    };
    let library = library.expect("a whole library");
    let machine = PluginMachine::open(&library, &options).expect("it opens");
    (path, machine)
}

#[test]
fn a_library_stays_loaded_until_its_last_machine_is_closed() {
    if have_cc() {
        let (path, machine) = only_holder("stays", "");
        assert_eq!(machine.port(0).now(), 17);
        assert!(is_loaded(&path));
        machine.close().expect("it closes");
        assert!(!is_loaded(&path));
    }
}

#[test]
fn a_machine_that_does_not_close_says_so_and_its_code_is_never_unloaded() {
    if have_cc() {
        let (path, machine) = only_holder("close", "close=3");
        let refusal = machine.close().expect_err("it does not close");
        assert_eq!(refusal.to_string(), "close: a core does not end (3)");
        assert!(is_loaded(&path));
        let (path, machine) = only_holder("drop", "close=3");
        drop(machine);
        assert!(is_loaded(&path));
    }
}
