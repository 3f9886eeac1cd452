//! Rows 38 and 39 of the fault model: a library is refused in words before it is used.

use std::fs;
use std::process::Command;

use finbox_runtime::plugin::{DeviceLibrary, LibraryError, OpenOptions, PluginMachine};

use crate::built::{build, folder, have_cc, refusal, spoiled, whole};

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[test]
fn f38_another_major_version_is_refused_with_both_versions() {
    if have_cc() {
        let newer = "table->abi_major=2;table->abi_minor=5;table->struct_size=32";
        let said = refusal("f38-newer", newer);
        has(
            &said,
            &["device ABI 2.5", "this program has 1.1", "build it"],
        );
        let said = refusal("f38-none", "table->abi_major=0");
        has(&said, &["device ABI 0.1", "this program has 1.1"]);
    }
}

#[test]
fn f38_a_table_of_a_size_that_no_version_had_is_refused_with_both_versions() {
    if have_cc() {
        for (test, size) in [("f38-small", 136), ("f38-large", 4097)] {
            let said = refusal(test, &format!("table->struct_size={size}"));
            has(
                &said,
                &[
                    &format!("has {size} bytes"),
                    "at least 144",
                    "device ABI 1.1",
                ],
            );
            has(&said, &["this program has 1.1"]);
        }
        let said = refusal("f38-tiny", "table->struct_size=8;table->abi_major=9");
        has(&said, &["has 8 bytes", "says no device ABI", "has 1.1"]);
    }
}

#[test]
fn f38_a_table_that_is_not_aligned_is_refused() {
    if have_cc() {
        let crooked = "table=(finbox_device_library*)(void*)((char*)table+1)";
        has(
            &refusal("f38-crooked", crooked),
            &["not aligned to 8 bytes"],
        );
    }
}

#[test]
fn f38_a_newer_minor_version_with_a_longer_table_is_accepted() {
    if have_cc() {
        let longer = "table->abi_minor=7;table->struct_size=sizeof(struct newer);\
                      library.unknown[1]=library.unknown;table->features=0x10";
        let (_, loaded) = spoiled("f38-longer", longer);
        let library = loaded.expect("a longer table");
        assert_eq!(library.describe().abi, (1, 7));
        assert_eq!(library.describe().features, 0x10);
        let machine = PluginMachine::open(&library, &OpenOptions::default());
        machine.expect("it works as a library of this version does");
    }
}

/// Fault 38: a bit is a promise.
#[test]
fn f38_a_library_that_announces_events_without_their_functions_is_refused() {
    if !have_cc() {
        return;
    }
    let said = refusal("f38-no-events", "table->features=1");
    let expected = "announces events in its `features`, and has no readable finbox_device_events";
    has(&said, &[expected]);
    let small = "static finbox_device_events events={8,0,FINBOX_EXTENSION_EVENTS,0,0,0};\
                 table->features=1;table->extensions=(void*)&events";
    has(&refusal("f38-small-events", small), &[expected]);
    let chained = "static finbox_device_events events={FINBOX_DEVICE_EVENTS_SIZE,0,\
                   FINBOX_EXTENSION_EVENTS,0,0,0};static finbox_extension first={24,\
                   (void*)&events,77};table->features=1;table->extensions=&first";
    has(
        &refusal("f38-null-event", chained),
        &["`event_open` of", "is null"],
    );
    let endless = "static finbox_extension first={24,&first,77};table->features=1;\
                   table->extensions=&first";
    has(&refusal("f38-endless", endless), &[expected]);
}

#[test]
fn f39_a_file_that_is_no_shared_library_is_refused_in_the_loaders_words() {
    let path = folder("f39-text").join("notes.so");
    fs::write(&path, "not a library").expect("a writable folder");
    let refusal = DeviceLibrary::load(&path).expect_err("text");
    assert!(matches!(refusal, LibraryError::Load { .. }), "{refusal:?}");
    has(
        &refusal.to_string(),
        &["notes.so cannot be loaded: ", "ldd"],
    );
}

#[test]
fn f39_a_library_without_the_symbol_is_refused_with_its_name() {
    if have_cc() {
        let path = folder("f39-symbol").join("device.so");
        build(&path, "-DHIDDEN");
        let refusal = DeviceLibrary::load(&path).expect_err("nothing is exported");
        has(
            &refusal.to_string(),
            &["exports no `finbox_device_query`", "nm -D"],
        );
    }
}

#[test]
fn f39_a_library_that_lacks_what_it_needs_is_refused_before_it_is_called() {
    if have_cc() {
        let folder = folder("f39-needs");
        let (source, path) = (folder.join("device.c"), folder.join("device.so"));
        let text = "int not_anywhere(void);\n\
                    int finbox_device_query(void);\n\
                    int finbox_device_query(void) { return not_anywhere(); }\n";
        fs::write(&source, text).expect("a writable folder");
        let mut build = Command::new("cc");
        build
            .args(["-fPIC", "-shared", "-o"])
            .arg(&path)
            .arg(&source);
        assert!(build.status().expect("there is a cc").success());
        let refusal = DeviceLibrary::load(&path).expect_err("it lacks a function");
        has(&refusal.to_string(), &["cannot be loaded", "not_anywhere"]);
    }
}

#[test]
fn f39_each_null_function_of_the_table_is_named() {
    if have_cc() {
        for function in [
            "open",
            "close",
            "port",
            "allocate",
            "release",
            "copy_in",
            "copy_out",
            "load_kernel",
            "last_error",
        ] {
            let said = refusal(
                &format!("f39-{function}"),
                &format!("table->{function}=NULL"),
            );
            has(&said, &[&format!("`{function}` of "), "is null"]);
        }
    }
}

#[test]
fn f39_each_null_function_of_a_port_is_named_with_its_rank() {
    if have_cc() {
        for function in [
            "load_cond",
            "ring_doorbell",
            "stage_payload",
            "slab_address",
            "refresh",
            "clean",
            "can_read",
            "load_u32",
            "load_u64",
            "store_u64",
            "now",
        ] {
            let options = OpenOptions {
                options: format!("null={function} rank=1"),
                ..OpenOptions::default()
            };
            let opened = PluginMachine::open(&whole(), &options);
            let said = opened.expect_err("a function is null").to_string();
            has(
                &said,
                &[
                    &format!("`{function}` of the port of rank 1 is null"),
                    "closed again",
                ],
            );
        }
    }
}

#[test]
fn f39_a_library_that_refuses_is_quoted() {
    if have_cc() {
        let words = "refusal->bytes=\"no driver\";refusal->length=9;return NULL";
        has(
            &refusal("f39-words", words),
            &["refuses to be used: no driver"],
        );
        let silent = refusal("f39-silent", "return NULL");
        has(&silent, &["it does not say why"]);
        let null = "refusal->length=SIZE_MAX;return NULL";
        has(&refusal("f39-null", null), &["it does not say why"]);
    }
}

#[test]
fn f39_operations_that_every_device_offers_and_this_one_does_not_are_named() {
    if have_cc() {
        let said = refusal("f39-operations", "table->operations=0x3FFF&~0x202u");
        has(&said, &["cannot do copy, notify: "]);
    }
}
