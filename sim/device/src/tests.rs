//! Calls of the table that no loader makes.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;

use finbox_abi::{
    FINBOX_DEVICE_ABI_MAJOR, FINBOX_DEVICE_ABI_MINOR, finbox_device_host, finbox_device_library,
    finbox_extension, finbox_machine, finbox_open_args, finbox_port, finbox_text,
};

use crate::finbox_device_query;

unsafe extern "C-unwind" fn log(_level: u32, _text: *const std::ffi::c_char, _length: usize) {}

fn query(abi_major: u32, struct_size: usize) -> Result<&'static finbox_device_library, String> {
    let host = finbox_device_host {
        struct_size,
        abi_major,
        abi_minor: FINBOX_DEVICE_ABI_MINOR + 1,
        log: Some(log),
    };
    let mut refusal = finbox_text::EMPTY;
    // SAFETY: both live until the call returns, and the size is at most the struct's.
    let table = unsafe { finbox_device_query(&raw const host, &raw mut refusal) };
    // SAFETY: null, or a table that lives as long as the library.
    let table = unsafe { table.as_ref() };
    table.ok_or_else(|| text(refusal))
}

fn text(text: finbox_text) -> String {
    // SAFETY: the library's, and nothing is called meanwhile.
    let bytes = unsafe { text.bytes() };
    String::from_utf8(bytes.to_vec()).expect("the library writes UTF-8")
}

fn table() -> &'static finbox_device_library {
    let size = size_of::<finbox_device_host>();
    query(FINBOX_DEVICE_ABI_MAJOR, size).expect("the same version")
}

fn last_error() -> String {
    let mut said = finbox_text::EMPTY;
    let last = table().last_error.expect("it has all functions");
    // SAFETY: it lives until the call returns.
    unsafe { last(&raw mut said) };
    text(said)
}

/// All zero, which is a valid one, but for its size.
fn zeroed<T>(struct_size: usize) -> T {
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: a struct of the contract begins with its size.
    unsafe { value.as_mut_ptr().cast::<usize>().write(struct_size) };
    // SAFETY: integers, pointers and functions that may be null.
    unsafe { value.assume_init() }
}

fn open(args: &finbox_open_args) -> Result<*mut c_void, (i32, String)> {
    let open = table().open.expect("it has all functions");
    let mut machine: finbox_machine = zeroed(size_of::<finbox_machine>());
    // SAFETY: both live until the call returns.
    let code = unsafe { open(args, &raw mut machine) };
    match code {
        0 => Ok(machine.context),
        _ => Err((code, last_error())),
    }
}

fn args() -> finbox_open_args {
    finbox_open_args {
        ranks: 1,
        cores: 1,
        memory_bytes: 4096,
        ..zeroed(size_of::<finbox_open_args>())
    }
}

#[test]
fn another_version_and_no_host_are_refused_in_words() {
    let size = size_of::<finbox_device_host>();
    assert!(query(2, size).unwrap_err().contains("version 1"));
    assert!(
        query(FINBOX_DEVICE_ABI_MAJOR, 8)
            .unwrap_err()
            .contains("no such struct")
    );
    // SAFETY: null is one of the things that it may be.
    let table = unsafe { finbox_device_query(ptr::null(), ptr::null_mut()) };
    assert!(table.is_null());
}

/// What a later minor version appended only tells: it is no reason to refuse the program.
#[test]
fn a_newer_program_with_a_longer_host_is_accepted() {
    #[repr(C)]
    struct Newer {
        host: finbox_device_host,
        appended: u64,
    }
    let newer = Newer {
        host: finbox_device_host {
            struct_size: size_of::<Newer>(),
            abi_major: FINBOX_DEVICE_ABI_MAJOR,
            abi_minor: FINBOX_DEVICE_ABI_MINOR + 1,
            log: Some(log),
        },
        appended: 7,
    };
    let mut refusal = finbox_text::EMPTY;
    let host = (&raw const newer).cast();
    // SAFETY: both live until the call returns, and the size is that of all of it.
    let table = unsafe { finbox_device_query(host, &raw mut refusal) };
    assert!(!table.is_null(), "{}", text(refusal));
}

#[test]
fn a_context_whose_machine_was_closed_is_refused_for_ever() {
    let context = open(&args()).expect("a small machine");
    let close = table().close.expect("it has all functions");
    let release = table().release.expect("it has all functions");
    // SAFETY: an open machine, of which no port was taken.
    assert_eq!(unsafe { close(context) }, 0);
    let _other = open(&args()).expect("another small machine");
    for context in [
        context,
        ptr::null_mut(),
        ptr::without_provenance_mut(usize::MAX),
    ] {
        // SAFETY: contexts are numbers, and none of them is followed.
        assert_eq!(unsafe { close(context) }, 17);
        // SAFETY: as above.
        assert_eq!(unsafe { release(context, 0, 0) }, 17);
        assert!(last_error().contains("no machine is open"));
    }
}

#[test]
fn an_extension_that_is_not_known_is_passed_over() {
    let unknown = finbox_extension {
        struct_size: size_of::<finbox_extension>(),
        next: ptr::null(),
        kind: 77,
    };
    let next = &raw const unknown;
    let context = open(&finbox_open_args { next, ..args() }).expect("a small machine");
    let close = table().close.expect("there");
    // SAFETY: it is open, and nobody else has it.
    assert_eq!(unsafe { close(context) }, 0);
}

#[test]
fn arguments_that_are_null_or_not_what_they_say_are_refused() {
    let (code, text) = open(&zeroed(16)).unwrap_err();
    assert!(
        code == 16 && text.contains("finbox_open_args says it has 16 bytes"),
        "{text}"
    );
    let options = finbox_text {
        bytes: [0xFF_u8, 0xFE].as_ptr().cast(),
        length: 2,
    };
    let (code, text) = open(&finbox_open_args { options, ..args() }).unwrap_err();
    assert_eq!((code, &*text), (18, "the options are no UTF-8"));
    let context = open(&args()).expect("a small machine");
    let library = table();
    let (none, nowhere) = (ptr::null_mut(), ptr::null_mut());
    let [allocate, copy_in, copy_out, load] = [
        // SAFETY: null is one of the things that an argument may be, here and below.
        unsafe { library.allocate.expect("there")(context, 0, 8, 8, none) },
        // SAFETY: as above.
        unsafe { library.copy_in.expect("there")(context, 4096, nowhere, 8) },
        // SAFETY: as above.
        unsafe { library.copy_out.expect("there")(context, nowhere, 4096, 8) },
        // SAFETY: as above.
        unsafe { library.load_kernel.expect("there")(context, 0, ptr::null(), 1, none) },
    ];
    assert_eq!([allocate, copy_in, copy_out, load], [16; 4]);
    assert_eq!(last_error(), "kernel must not be null");
    let (mut kernel, mut port): (u64, finbox_port) = (0, zeroed(size_of::<finbox_port>()));
    let kernel = &raw mut kernel;
    // SAFETY: so many operations are never looked at.
    let code =
        unsafe { library.load_kernel.expect("there")(context, 0, ptr::null(), 65_537, kernel) };
    assert_eq!(
        (code, &*last_error()),
        (19, "65537 operations; at most 65536 can be given at once")
    );
    // SAFETY: so many bytes are never looked at.
    let code = unsafe { library.copy_in.expect("there")(context, 4096, nowhere, u64::MAX) };
    assert_eq!(code, 19);
    // SAFETY: the port lives until the call returns.
    let code = unsafe { library.port.expect("there")(context, 1, &raw mut port) };
    assert!(code == 4 && port.context.is_null() && last_error().contains("no rank 1"));
}

#[test]
fn a_port_without_a_context_answers_0() {
    let context = open(&args()).expect("a small machine");
    let mut port: finbox_port = zeroed(size_of::<finbox_port>());
    // SAFETY: the port lives until the call returns.
    let code = unsafe { table().port.expect("there")(context, 0, &raw mut port) };
    assert_eq!(code, 0);
    let nobody = ptr::null_mut();
    // SAFETY: a null context is never followed, here and below.
    assert_eq!(unsafe { port.load_cond.expect("there")(nobody, 0) }, 0);
    // SAFETY: as above.
    assert_eq!(unsafe { port.now.expect("there")(nobody) }, 0);
    // SAFETY: as above, and nothing is read from a null launch.
    unsafe { port.stage_payload.expect("there")(port.context, 0, 1, ptr::null()) };
    // SAFETY: the table's own context, of a machine that is open.
    let cond = unsafe { port.load_cond.expect("there")(port.context, 0) };
    assert_eq!(cond, finbox_abi::FINBOX_COND_RESET);
    // SAFETY: no port is used any more.
    assert_eq!(unsafe { table().close.expect("there")(context) }, 0);
}
