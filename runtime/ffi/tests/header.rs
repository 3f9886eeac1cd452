//! The committed headers are what cbindgen makes of these crates, and what Rust says of layouts.

use std::fs;
use std::mem::offset_of;
use std::path::PathBuf;

use finbox::{
    finbox_arrival, finbox_attach_args, finbox_blocker, finbox_claim_line, finbox_command_ring,
    finbox_command_ring_args, finbox_command_snapshot, finbox_consumer, finbox_device,
    finbox_device_args, finbox_device_facts, finbox_drained, finbox_executor, finbox_explanation,
    finbox_fault, finbox_freed, finbox_gap, finbox_halt, finbox_launch_args, finbox_ledger,
    finbox_mailbox_header, finbox_message, finbox_output, finbox_packet, finbox_pass,
    finbox_place_args, finbox_plan_gap, finbox_plan_stats, finbox_planned, finbox_planner,
    finbox_planner_args, finbox_point, finbox_producer, finbox_salvage, finbox_scheduler,
    finbox_scheduler_args, finbox_stall, finbox_stats, finbox_submitted, finbox_task,
    finbox_task_args, finbox_timeline_args, finbox_use, finbox_wait, finbox_work, finbox_work_item,
    finbox_work_ring, finbox_work_ring_args, finbox_worker,
};
use finbox_abi::{
    finbox_device_events, finbox_device_host, finbox_device_library, finbox_event,
    finbox_event_copy, finbox_event_record, finbox_extension, finbox_launch, finbox_machine,
    finbox_op, finbox_open_args, finbox_port, finbox_slab, finbox_slab_entry, finbox_text,
};

/// A header: its name, the package it is made of, and that package's files in the header's order.
struct Made {
    header: &'static str,
    package: &'static str,
    files: &'static [&'static str],
    /// Functions for C alone, behind the declarations.
    inline: &'static str,
    assertions: fn() -> String,
}

const FINBOX: Made = Made {
    header: "finbox.h",
    package: ".",
    files: &[
        "version.rs",
        "status.rs",
        "wire.rs",
        "handle.rs",
        "consumer.rs",
        "producer.rs",
        "drain.rs",
        "work_ring.rs",
        "worker.rs",
        "scheduler/carve.rs",
        "scheduler/args.rs",
        "scheduler/place.rs",
        "scheduler/task.rs",
        "scheduler/submit.rs",
        "scheduler/pass.rs",
        "scheduler/threads.rs",
        "scheduler/work.rs",
        "scheduler/report.rs",
        "scheduler/stall.rs",
        "device.rs",
        "device_events.rs",
        "command/packet.rs",
        "command/mod.rs",
        "command/executor.rs",
        "command/ring.rs",
        "command/drain.rs",
        "plan/mod.rs",
        "plan/types.rs",
        "plan/planner.rs",
        "plan/launch.rs",
        "plan/progress.rs",
        "plan/explain.rs",
        "firmware.rs",
    ],
    inline: include_str!("../constructors.h"),
    assertions: of_finbox,
};

const DEVICE: Made = Made {
    header: "finbox_device.h",
    package: "../abi",
    files: &["slab.rs", "port.rs", "op.rs", "library.rs", "events.rs"],
    inline: "",
    assertions: of_device,
};

/// Ahead of the assertions: one macro for three languages.
const ASSERT: &str = "\
/* What follows holds when these headers compile. */
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

fn of_device() -> String {
    let mut text = String::from(ASSERT);
    layout!(text, finbox_slab_entry: addr cookie expected engine completion_type reserved);
    layout!(text, finbox_slab: count error entries reserved);
    layout!(text, finbox_event_record: completed failures failed);
    layout!(text, finbox_launch: slot task kernel args block blocks subtask);
    layout!(text, finbox_port: struct_size context load_cond ring_doorbell stage_payload
        slab_address refresh clean can_read load_u32 load_u64 store_u64 now incarnation);
    layout!(text, finbox_op: kind subtasks from to count value stride queue reserved);
    layout!(text, finbox_text: bytes length);
    layout!(text, finbox_device_host: struct_size abi_major abi_minor log);
    layout!(text, finbox_extension: struct_size next kind);
    layout!(text, finbox_open_args: struct_size next options target ranks cores dma_queues
        memory_bytes);
    layout!(text, finbox_machine: struct_size context target ranks cores host_lanes dma_queues
        is_coherent memory_bytes);
    layout!(text, finbox_device_library: struct_size abi_major abi_minor name version operations
        features extensions open close port allocate release copy_in copy_out load_kernel
        last_error);
    layout!(text, finbox_event: event word rank reserved);
    layout!(text, finbox_event_copy: value to from size_bytes);
    layout!(text, finbox_device_events: struct_size next kind event_open event_close event_copy);
    text
}

fn of_finbox() -> String {
    let mut text = String::from("/* What follows holds when this header compiles. */\n");
    layout!(text, finbox_message: seq task addr cookie expected engine completion_type kind slot
        epoch reserved);
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
    layout!(text, finbox_work_ring: opaque);
    layout!(text, finbox_worker: opaque);
    layout!(text, finbox_work_ring_args: struct_size next memory size_bytes slots workers flags);
    layout!(text, finbox_work_item: offset length rule_set correlation);
    layout!(text, finbox_work: position item);
    text + &of_scheduler() + &of_plans() + &of_commands()
}

fn of_commands() -> String {
    let mut text = String::new();
    layout!(text, finbox_packet: seq kind epoch tag address source bytes count detail reserved);
    layout!(text, finbox_command_ring: opaque);
    layout!(text, finbox_command_ring_args: struct_size next memory size_bytes executor start slots
        epoch flags);
    layout!(text, finbox_executor: struct_size next context launch copy signal counter fetch look);
    layout!(text, finbox_blocker: position buffer since_ns address oldest waits_for kind depth index
        wanted found is_read running claimer others);
    layout!(text, finbox_halt: position buffer behind cause refusal depth index packet);
    layout!(text, finbox_arrival: struct_size position not_reached distance packets completed
        revisits took_ns blocker verdict reserved);
    layout!(text, finbox_command_snapshot: struct_size position answered passed nested digest
        completed duplicate unknown not_yet revisits left blocker halt running reserved);
    text
}

fn of_plans() -> String {
    let mut text = String::new();
    layout!(text, finbox_planner: opaque);
    layout!(text, finbox_planned: opaque);
    layout!(text, finbox_planner_args: struct_size next mode flags);
    layout!(text, finbox_timeline_args: struct_size next name now_ns kind flags);
    layout!(text, finbox_point: value timeline reserved);
    layout!(text, finbox_wait: point deadline_ns);
    layout!(text, finbox_use: label buffer begin end access reserved);
    layout!(text, finbox_launch_args: struct_size next name uses use_count waits wait_count stream
        flags);
    layout!(text, finbox_submitted: struct_size point behind wait_count tracked_uses);
    layout!(text, finbox_freed: buffer size_bytes);
    layout!(text, finbox_explanation: struct_size wanted current age_ns wait_count root_point
        root_current root_age_ns root reserved);
    layout!(text, finbox_plan_gap: count address argument kind);
    layout!(text, finbox_plan_stats: struct_size planned committed dropped tracked_uses duplicates);
    text
}

fn of_scheduler() -> String {
    let mut text = String::new();
    layout!(text, finbox_scheduler: opaque);
    layout!(text, finbox_scheduler_args: struct_size next memory size_bytes port heap_bytes run_ns
        wait_ns gap_ns patience_ns target cores host_lanes handlers rings task_slots scopes
        edge_nodes condition_room urma_queues mailbox_slots epoch work_slots workers);
    layout!(text, finbox_task: slot owner);
    layout!(text, finbox_task_args: struct_size next after after_count retained retained_count task
        kernel args output_bytes run_budget_ns wait_budget_ns predicate_address shape subtasks
        blocks defers predicate_comparison predicate_value flags);
    layout!(text, finbox_device: opaque);
    layout!(text, finbox_device_args: struct_size next library options target ranks cores
        dma_queues memory_bytes);
    layout!(text, finbox_device_facts: struct_size name version target ranks cores host_lanes
        dma_queues is_coherent memory_bytes operations features);
    layout!(text, finbox_output: struct_size offset size_bytes);
    layout!(text, finbox_pass: struct_size deadline_ns progress watching handlers polled);
    layout!(text, finbox_ledger: struct_size submitted completed failed cancelled skipped
        inline_completed deferred fins_received fins_applied fins_duplicate fins_stale fins_unknown
        messages_accepted messages_delivered messages_reported conditions normal_done full
        mailbox_high_water waiting_high_water polls lines_refreshed overshoots went_back worked
        work_offered work_again work_left work_done work_late work_duplicate work_stale
        work_unknown);
    layout!(text, finbox_fault: struct_size code task name what lost hint);
    layout!(text, finbox_stall: slot task standing waits_for address cookie expected first observed
        age_ns engine completion_type);
    text
}

/// (struct, last field) of every struct in `header` that begins with its size.
fn sized_structs(header: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    for text in header.split("typedef struct ").skip(1) {
        let (name, rest) = text.split_once(" {").expect("a struct has a body");
        let (body, _) = rest.split_once("\n}").expect("a body ends");
        let is_code = |line: &&str| !line.trim_start().starts_with(['/', '*']);
        let code: Vec<&str> = body.lines().filter(is_code).collect();
        let code = code.join(" ");
        let mut names = code.split_terminator(';').map(|field| {
            let pointer = field
                .split_once("(*")
                .and_then(|(_, rest)| rest.split_once(')'));
            let plain = || field.rsplit([' ', '*']).next().unwrap_or(field);
            pointer.map_or_else(plain, |(name, _)| name).to_owned()
        });
        if names.next().as_deref() == Some("struct_size") {
            found.push((name, names.next_back().expect("it has other fields")));
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

fn generate(made: &Made) -> String {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(made.package);
    let config = cbindgen::Config::from_file(package.join("cbindgen.toml"));
    let config = config.expect("a readable configuration");
    let files = made.files.iter();
    let files = files.map(|file| package.join("src").join(file));
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
    let (sizes, assertions) = (sizes(declarations), (made.assertions)());
    let inline = made.inline;
    format!("{declarations}{inline}{sizes}\n{assertions}\n#endif{end}")
}

#[test]
fn the_committed_headers_are_those_that_these_crates_make() {
    for header in [DEVICE, FINBOX] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../include");
        let path = folder.join(header.header);
        let made = generate(&header);
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
            "runtime/include/{} is not what the sources say. If the ABI may change so, renew \
             it:\nFINBOX_RENEW=1 cargo test -p finbox-ffi --test header\n{}",
            header.header,
            first.take(1).collect::<String>()
        );
    }
}

#[test]
fn every_struct_with_a_size_has_a_macro_up_to_its_last_field() {
    let header = "typedef struct a {\n    size_t struct_size;\n    /**\n     * x;\n     */\n    \
                  const void *next;\n    void (*last)(int x,\n        int y);\n} a;\n\
                  typedef struct b {\n    uint64_t first;\n} b;\n";
    assert_eq!(sized_structs(header), [("a", "last".to_owned())]);
    let made = generate(&FINBOX);
    let found = sized_structs(&made);
    assert_eq!(found.len(), 24, "{found:?}");
    let device = generate(&DEVICE);
    let found = sized_structs(&device);
    assert!(found.contains(&("finbox_port", "incarnation".to_owned())));
    let size = "#define FINBOX_GAP_SIZE FINBOX_SIZE_UP_TO(finbox_gap, reserved)";
    assert!(made.contains(size));
}
