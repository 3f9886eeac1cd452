//! The committed header is what cbindgen makes of this crate, and what Rust says of its layouts.

use std::fs;
use std::mem::offset_of;
use std::path::PathBuf;

use finbox::{
    finbox_attach_args, finbox_claim_line, finbox_consumer, finbox_drained, finbox_gap,
    finbox_mailbox_header, finbox_message, finbox_place_args, finbox_producer, finbox_salvage,
    finbox_slab, finbox_slab_entry, finbox_stats,
};

/// What the ABI is made of, in the header's order.
const FILES: [&str; 8] = [
    "version.rs",
    "status.rs",
    "wire.rs",
    "handle.rs",
    "consumer.rs",
    "producer.rs",
    "drain.rs",
    "firmware.rs",
];

/// Ahead of the assertions: one macro for three languages.
const ASSERT: &str = "\
/* What follows holds when this header compiles. */
#if defined(__cplusplus)
#define FINBOX_ASSERT(condition) static_assert(condition, #condition)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define FINBOX_ASSERT(condition) _Static_assert(condition, #condition)
#else
#define FINBOX_JOIN(a, b) a##b
#define FINBOX_NAME(line) FINBOX_JOIN(finbox_assert_, line)
#define FINBOX_ASSERT(condition) typedef char FINBOX_NAME(__LINE__)[(condition) ? 1 : -1]
#endif
";

/// Assertions of a struct's size, alignment and offsets, as Rust has them.
macro_rules! layout {
    ($text:ident, $name:ident: $($field:ident)*) => {
        let (name, size) = (stringify!($name), size_of::<$name>());
        $text += &format!("FINBOX_ASSERT(sizeof({name}) == {size});\n");
        $(
            let (field, offset) = (stringify!($field), offset_of!($name, $field));
            $text += &format!("FINBOX_ASSERT(offsetof({name}, {field}) == {offset});\n");
        )*
    };
}

fn assertions() -> String {
    let mut text = String::from(ASSERT);
    layout!(text, finbox_message: seq task addr cookie expected engine completion_type kind slot
        epoch reserved);
    layout!(text, finbox_slab_entry: addr cookie expected engine completion_type reserved);
    layout!(text, finbox_slab: count error entries reserved);
    layout!(text, finbox_mailbox_header: head tail_copy magic version slots epoch claimers state
        consumer tail);
    layout!(text, finbox_claim_line: owner in_hand);
    layout!(text, finbox_producer: opaque);
    layout!(text, finbox_consumer: opaque);
    layout!(text, finbox_place_args: struct_size next memory size_bytes start slots epoch name
        instead_of flags);
    layout!(text, finbox_attach_args: struct_size next memory size_bytes name flags);
    layout!(text, finbox_gap: struct_size position is_gap claimer others reserved);
    layout!(text, finbox_stats: struct_size taken malformed missing slots epoch depth_hint
        is_condemned);
    layout!(text, finbox_drained: struct_size taken malformed missing stop);
    layout!(text, finbox_salvage: position what claimer others reserved message);
    text
}

/// (struct, last field) of every struct in `header` that begins with its size.
fn sized_structs(header: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for text in header.split("typedef struct ").skip(1) {
        let (name, rest) = text.split_once(" {").expect("a struct has a body");
        let (body, _) = rest.split_once("\n}").expect("a body ends");
        let fields = body.lines().filter(|line| line.ends_with(';'));
        let mut names = fields.map(|line| line.rsplit([' ', '*']).next().unwrap_or(line));
        if names.next() == Some("struct_size;") {
            let last = names.next_back().expect("it has other fields");
            found.push((name, last.trim_end_matches(';')));
        }
    }
    found
}

fn sizes(header: &str) -> String {
    let mut text = String::from("/* What struct_size is to be, by struct. */\n");
    for (name, last) in sized_structs(header) {
        let upper = name.to_uppercase();
        text += &format!("#define {upper}_SIZE FINBOX_SIZE_UP_TO({name}, {last})\n");
    }
    text
}

fn generate() -> String {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(package.join("cbindgen.toml"));
    let config = config.expect("a readable configuration");
    let files = FILES.iter().map(|file| package.join("src").join(file));
    let builder = files.fold(cbindgen::Builder::new(), cbindgen::Builder::with_src);
    let bindings = builder
        .with_config(config)
        .generate()
        .expect("readable sources");
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).expect("text");
    let text = text.replace(" * # Safety\n * ", " * @pre ");
    let (declarations, end) = text.rsplit_once("#endif").expect("the include guard");
    let (sizes, assertions) = (sizes(declarations), assertions());
    format!("{declarations}{sizes}\n{assertions}\n#endif{end}")
}

#[test]
fn the_committed_header_is_the_one_that_this_crate_makes() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../include/finbox.h");
    let made = generate();
    if std::env::var_os("FINBOX_RENEW").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let lines = made.lines().zip(committed.lines()).enumerate();
    let differing = lines.filter(|(_, (made, committed))| made != committed);
    let first = differing.map(|(at, (made, committed))| {
        format!("line {}\n made: {made}\n committed: {committed}", at + 1)
    });
    assert!(
        made == committed,
        "runtime/include/finbox.h is not what the sources say. If the ABI may change so, renew \
         it:\nFINBOX_RENEW=1 cargo test -p finbox-ffi --test header\n{}",
        first.take(1).collect::<String>()
    );
}

#[test]
fn every_struct_with_a_size_has_a_macro_up_to_its_last_field() {
    let header = "typedef struct a {\n    size_t struct_size;\n    /**\n     * x;\n     */\n    \
                  const void *next;\n    uint32_t last;\n} a;\n\
                  typedef struct b {\n    uint64_t first;\n} b;\n";
    assert_eq!(sized_structs(header), [("a", "last")]);
    let made = generate();
    let found = sized_structs(&made);
    assert_eq!(found.len(), 5, "{found:?}");
    let size = "#define FINBOX_GAP_SIZE FINBOX_SIZE_UP_TO(finbox_gap, reserved)";
    assert!(made.contains(size));
}
