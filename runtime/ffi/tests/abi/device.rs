//! Device libraries through the C ABI, on posix-device: right, wrong, and what is said of it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;
use std::sync::LazyLock;

use finbox::*;
use finbox_abi::{finbox_op, finbox_op_kind, finbox_port, finbox_text};

use crate::mailbox::{OK, c, last_error};
use crate::rig::Rig;

const DEVICE: finbox_status = finbox_status::Device;
const INVALID: finbox_status = finbox_status::InvalidArgument;

/// posix-device, built once; `None` where C cannot be compiled, and this says so.
pub(crate) fn library() -> Option<&'static str> {
    static BUILT: LazyLock<Option<String>> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("device-of-abi");
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../devices/posix");
        let mut make = Command::new("make");
        make.arg("-C").arg(source);
        make.arg(format!("BUILD={}", folder.display()));
        let Ok(made) = make.output() else {
            println!("skipped: there is no make here");
            return None;
        };
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{said}");
        let path = folder.join("libfinbox_posix_device.so");
        Some(path.to_str().expect("a path of text").to_owned())
    });
    BUILT.as_deref()
}

fn args(library: &str, options: &str) -> finbox_device_args {
    finbox_device_args {
        struct_size: size_of::<finbox_device_args>(),
        next: ptr::null(),
        library: finbox_text {
            bytes: library.as_ptr().cast(),
            length: library.len(),
        },
        options: finbox_text {
            bytes: options.as_ptr().cast(),
            length: options.len(),
        },
        target: 0,
        ranks: 2,
        cores: 0,
        dma_queues: 0,
        memory_bytes: 0,
    }
}

fn no_device() -> finbox_device {
    finbox_device { opaque: [0; 8] }
}

pub(crate) fn open(library: &str) -> Box<finbox_device> {
    open_with(library, "")
}

pub(crate) fn open_with(library: &str, options: &str) -> Box<finbox_device> {
    let mut device = Box::new(no_device());
    let opened = c!(finbox_device_open(&args(library, options), &mut *device));
    assert_eq!(opened, OK, "{}", last_error());
    device
}

pub(crate) fn no_port() -> finbox_port {
    // SAFETY: integers, pointers, and functions that may be null.
    let mut port: finbox_port = unsafe { std::mem::zeroed() };
    port.struct_size = size_of::<finbox_port>();
    port
}

#[test]
fn a_machine_says_what_it_is_and_lends_ports_until_it_is_closed() {
    let Some(library) = library() else { return };
    let mut device = open(library);
    let device = &raw mut *device;
    // SAFETY: integers and pointers.
    let mut facts: finbox_device_facts = unsafe { std::mem::zeroed() };
    facts.struct_size = size_of::<finbox_device_facts>();
    assert_eq!(c!(finbox_device_describe(device, &mut facts)), OK);
    // SAFETY: a text that lives until the device is closed.
    let name = String::from_utf8_lossy(unsafe { facts.name.bytes() }).into_owned();
    assert!(name.contains("posix"), "{name}");
    assert_eq!(facts.ranks, 2);
    assert!(facts.cores >= 1 && [1, 2].contains(&facts.target));
    let mut port = no_port();
    assert_eq!(c!(finbox_device_port(device, 1, &mut port)), OK);
    assert!(port.load_cond.is_some() && port.now.is_some());
    assert_eq!(c!(finbox_device_close(device)), OK);
    assert_eq!(c!(finbox_device_close(device)), finbox_status::Destroyed);
    let ported = c!(finbox_device_port(device, 0, &mut port));
    assert_eq!(ported, finbox_status::Destroyed);
}

#[test]
fn memory_is_zeroed_aligned_copied_both_ways_and_given_back_once() {
    let Some(library) = library() else { return };
    let mut device = open(library);
    let device = &raw mut *device;
    let (mut address, mut kernel) = (0, 0);
    assert_eq!(
        c!(finbox_device_allocate(device, 1, 100, 4096, &mut address)),
        OK
    );
    assert!(address != 0 && address % 4096 == 0);
    let (sent, mut back) = ([7_u8; 100], [1_u8; 101]);
    let copied = c!(finbox_device_copy_out(
        device,
        back.as_mut_ptr().cast(),
        address,
        100
    ));
    assert_eq!(
        (copied, &back[..]),
        (OK, &[&[0; 100][..], &[1]].concat()[..]),
        "zeroed"
    );
    assert_eq!(
        c!(finbox_device_copy_in(
            device,
            address,
            sent.as_ptr().cast(),
            100
        )),
        OK
    );
    assert_eq!(
        c!(finbox_device_copy_out(
            device,
            back.as_mut_ptr().cast(),
            address,
            100
        )),
        OK
    );
    assert_eq!((&back[..100], back[100]), (&sent[..], 1));
    let op = finbox_op {
        kind: finbox_op_kind::FillU32 as u32,
        to: address,
        count: 4,
        value: 9,
        ..finbox_op::default()
    };
    assert_eq!(
        c!(finbox_device_load_kernel(device, 1, &op, 1, &mut kernel)),
        OK
    );
    assert_eq!(c!(finbox_device_release(device, 1, address)), OK);
    assert_eq!(c!(finbox_device_release(device, 1, address)), DEVICE);
    assert!(last_error().starts_with("release: "), "{}", last_error());
    assert_eq!(c!(finbox_device_close(device)), OK);
}

/// Faults 38 and 39: what is not there or no library is told with its name.
#[test]
fn f39_what_is_no_device_library_is_refused_in_words() {
    let mut device = no_device();
    let mut open = |args: &finbox_device_args| c!(finbox_device_open(args, &mut device));
    let missing = "/nowhere/libfinbox_none.so";
    assert_eq!(open(&args(missing, "")), DEVICE);
    assert!(
        last_error().contains(&format!("no device library {missing}")),
        "{}",
        last_error()
    );
    let exe = env::current_exe().expect("a running test has a path");
    let exe = exe.to_str().expect("a path of text");
    assert_eq!(open(&args(exe, "")), DEVICE);
    assert!(last_error().contains(exe), "{}", last_error());
    let mut broken = args("", "");
    let bytes = [b'a', 0xFF];
    broken.library = finbox_text {
        bytes: bytes.as_ptr().cast(),
        length: 2,
    };
    assert_eq!(open(&broken), INVALID);
    assert!(
        last_error().starts_with("library: invalid utf-8"),
        "{}",
        last_error()
    );
    let extended = finbox_device_args {
        next: ptr::dangling(),
        ..args(missing, "")
    };
    assert_eq!(open(&extended), finbox_status::Unsupported);
    let target = finbox_device_args {
        target: 3,
        ..args(missing, "")
    };
    assert_eq!(open(&target), INVALID);
    let cores = finbox_device_args {
        cores: 70_000,
        ..args(missing, "")
    };
    assert_eq!(open(&cores), INVALID);
    assert_eq!(last_error(), "cores: 70000 is outside 0 to 65535");
    assert_eq!(
        c!(finbox_device_close(&mut device)),
        finbox_status::NotAHandle
    );
}

#[test]
fn options_that_the_library_does_not_know_are_refused_in_its_words() {
    let Some(library) = library() else { return };
    let mut device = no_device();
    let opened = c!(finbox_device_open(
        &args(library, "nonsense=3"),
        &mut device
    ));
    assert_eq!(opened, DEVICE);
    assert!(last_error().contains("nonsense"), "{}", last_error());
}

#[test]
fn wrong_ranks_alignments_addresses_and_storage_are_refused() {
    let Some(library) = library() else { return };
    let mut device = open(library);
    let device = &raw mut *device;
    let (mut port, mut number, op) = (no_port(), 0, finbox_op::default());
    let refused = [
        c!(finbox_device_port(device, 2, &mut port)),
        c!(finbox_device_allocate(device, 2, 1, 1, &mut number)),
        c!(finbox_device_release(device, 2, 64)),
        c!(finbox_device_load_kernel(device, 2, &op, 1, &mut number)),
    ];
    assert_eq!(refused, [INVALID; 4]);
    assert_eq!(last_error(), "rank: 2 is outside 0 to 1");
    assert_eq!(
        c!(finbox_device_allocate(device, 0, 64, 48, &mut number)),
        INVALID
    );
    assert_eq!(last_error(), "align: 48 is not a power of two");
    let byte = [0_u8; 1];
    let copied = c!(finbox_device_copy_in(device, 8, byte.as_ptr().cast(), 1));
    assert_eq!(copied, DEVICE, "memory that was not given out");
    let again = c!(finbox_device_open(&args(library, ""), device));
    assert_eq!(again, finbox_status::InUse);
    assert_eq!(c!(finbox_device_close(device)), OK);
}

#[test]
fn more_than_memory_holds_is_refused_before_it_is_looked_at() {
    let Some(library) = library() else { return };
    let mut device = open(library);
    let device = &raw mut *device;
    let (mut number, op, mut byte) = (0, finbox_op::default(), [0_u8; 1]);
    let said = |status, said: &str| {
        assert_eq!((status, last_error()), (INVALID, said.to_owned()));
    };
    let from = byte.as_ptr().cast();
    let copied = c!(finbox_device_copy_in(device, 64, from, usize::MAX));
    said(
        copied,
        &format!("size_bytes: {} are more than memory holds", usize::MAX),
    );
    let (to, most) = (byte.as_mut_ptr().cast(), 1 << 63);
    let copied = c!(finbox_device_copy_out(device, to, 64, most));
    said(
        copied,
        &format!("size_bytes: {most} are more than memory holds"),
    );
    let most = usize::MAX / 64;
    let loaded = c!(finbox_device_load_kernel(device, 0, &op, most, &mut number));
    said(loaded, &format!("ops: {most} are more than memory holds"));
    let no_ops = ptr::null();
    let loaded = c!(finbox_device_load_kernel(device, 0, no_ops, 0, &mut number));
    assert_eq!((loaded, number != 0), (OK, true), "{}", last_error());
    assert_eq!(c!(finbox_device_close(device)), OK);
}

#[test]
fn a_machine_is_not_closed_under_a_scheduler() {
    let Some(library) = library() else { return };
    let (mut device, mut other) = (open(library), open(library));
    let (device, other) = (&raw mut *device, &raw mut *other);
    // SAFETY: integers and pointers.
    let mut facts: finbox_device_facts = unsafe { std::mem::zeroed() };
    facts.struct_size = size_of::<finbox_device_facts>();
    assert_eq!(c!(finbox_device_describe(device, &mut facts)), OK);
    let mut rig = Rig::unplaced();
    *rig.port = no_port();
    assert_eq!(c!(finbox_device_port(device, 1, &mut *rig.port)), OK);
    let args = finbox_scheduler_args {
        target: facts.target,
        cores: facts.cores,
        host_lanes: facts.host_lanes,
        ..rig.args()
    };
    let args = rig.sized(args);
    let small = finbox_scheduler_args {
        size_bytes: 64,
        ..args
    };
    assert_eq!(rig.place(&small), finbox_status::TooSmall);
    assert_eq!(rig.place(&args), OK, "{}", last_error());
    for _ in 0..2 {
        assert_eq!(c!(finbox_device_close(device)), finbox_status::Busy);
        let said = "rank 1: a scheduler lives on its port; destroy it first";
        assert_eq!(last_error(), said);
    }
    assert_eq!(c!(finbox_device_close(other)), OK, "{}", last_error());
    assert_eq!(c!(finbox_device_describe(device, &mut facts)), OK);
    assert_eq!(c!(finbox_scheduler_destroy(rig.at())), OK);
    assert_eq!(rig.place(&args), OK, "{}", last_error());
    assert_eq!(c!(finbox_scheduler_destroy(rig.at())), OK);
    assert_eq!(c!(finbox_device_close(device)), OK, "{}", last_error());
}

/// What to do next stands at the end of a refusal.
#[test]
fn a_long_refusal_is_told_to_its_end() {
    let name = "n".repeat(300);
    let opened = c!(finbox_device_open(&args(&name, ""), &mut no_device()));
    assert_eq!(opened, DEVICE);
    let said = last_error();
    assert!(said.ends_with("to its folder"), "{said}");
}

#[test]
fn null_is_refused_by_its_name_where_a_device_is_used() {
    let Some(library) = library() else { return };
    let mut device = open(library);
    let device = &raw mut *device;
    let (mut number, op, no_number) = (0, finbox_op::default(), ptr::null_mut());
    let null = |status, what: &str| {
        let said = format!("{what} must not be null");
        assert_eq!((status, last_error()), (finbox_status::NullArgument, said));
    };
    let allocated = c!(finbox_device_allocate(device, 0, 64, 64, no_number));
    null(allocated, "address");
    let copied = c!(finbox_device_copy_in(device, 64, ptr::null(), 1));
    null(copied, "from");
    let copied = c!(finbox_device_copy_out(device, ptr::null_mut(), 64, 1));
    null(copied, "to");
    let loaded = c!(finbox_device_load_kernel(
        device,
        0,
        ptr::null(),
        1,
        &mut number
    ));
    null(loaded, "ops");
    let loaded = c!(finbox_device_load_kernel(device, 0, &op, 1, no_number));
    null(loaded, "kernel");
    null(
        c!(finbox_device_port(device, 0, ptr::null_mut())),
        "finbox_port",
    );
    let described = c!(finbox_device_describe(device, ptr::null_mut()));
    null(described, "finbox_device_facts");
    null(c!(finbox_device_close(ptr::null_mut())), "device");
    assert_eq!(c!(finbox_device_close(device)), OK);
}
