//! The table of all checks, in the order in which an author writes the functions.

use super::{
    Check, basics, defer, events, kernels, launch, memory, ops, order, post, sight, whole,
};

/// The check that all others rest upon.
pub(super) const FIRST: &str = "facts";

pub(super) static CHECKS: &[Check] = &[
    Check {
        name: FIRST,
        proves: "what the machine is lies in range, and stays so",
        exercises: &["finbox_device_query", "open", "port"],
        judge: basics::facts,
    },
    Check {
        name: "time",
        proves: "time moves, and never goes back",
        exercises: &["now"],
        judge: basics::time,
    },
    Check {
        name: "memory-aligned",
        proves: "memory is given out where it was asked for, and no byte twice",
        exercises: &["allocate"],
        judge: memory::aligned,
    },
    Check {
        name: "memory-copied",
        proves: "copies in and out move every byte, whatever their sizes and places, and no other",
        exercises: &["copy_in", "copy_out"],
        judge: memory::copied,
    },
    Check {
        name: "memory-zeroed",
        proves: "memory is zeroed when it is given out, also the second time",
        exercises: &["allocate", "release"],
        judge: memory::zeroed,
    },
    Check {
        name: "memory-released",
        proves: "memory that was released is given out again; nothing else can be released",
        exercises: &["release"],
        judge: memory::released,
    },
    Check {
        name: "memory-refused",
        proves: "more than there is is refused, with a number and words",
        exercises: &["allocate", "last_error"],
        judge: memory::refused,
    },
    Check {
        name: "loads",
        proves: "the control CPU sees behind a refresh what was copied in",
        exercises: &["refresh", "load_u32", "load_u64"],
        judge: sight::loads,
    },
    Check {
        name: "can-read",
        proves: "what was given out may be read; null, the far end and what wraps around may not",
        exercises: &["can_read"],
        judge: sight::can_read,
    },
    Check {
        name: "slabs",
        proves: "each core has two slabs of its own, on lines, always the same",
        exercises: &["slab_address"],
        judge: sight::slabs,
    },
    Check {
        name: "slab-stores",
        proves: "a word stored in a slab, cleaned and refreshed, is read back",
        exercises: &["store_u64", "clean", "refresh", "load_u64"],
        judge: sight::slab_stores,
    },
    Check {
        name: "cond-reset",
        proves: "COND says reset before a core's first token",
        exercises: &["load_cond"],
        judge: sight::cond_reset,
    },
    Check {
        name: "empty-kernel",
        proves: "each core takes a token and says FIN of it, and nothing else",
        exercises: &["load_kernel", "stage_payload", "ring_doorbell", "load_cond"],
        judge: launch::empty_kernel,
    },
    Check {
        name: "op-fill-u32",
        proves: "`fill_u32` does what it says",
        exercises: &["load_kernel"],
        judge: ops::fill_u32,
    },
    Check {
        name: "op-copy",
        proves: "`copy` does what it says, for any number of bytes at any place",
        exercises: &["load_kernel"],
        judge: ops::copy,
    },
    Check {
        name: "op-busy",
        proves: "`busy` ends",
        exercises: &["load_kernel"],
        judge: ops::busy,
    },
    Check {
        name: "op-notify",
        proves: "`notify` adds, wraps, and touches no other word, on any rank",
        exercises: &["load_kernel"],
        judge: order::adds,
    },
    Check {
        name: "two-tokens",
        proves: "a token behind another runs after it, with its own launch",
        exercises: &["stage_payload", "ring_doorbell", "load_cond"],
        judge: launch::two_tokens,
    },
    Check {
        name: "launch-block",
        proves: "a kernel does its block's part, by the stride",
        exercises: &["stage_payload"],
        judge: launch::blocks,
    },
    Check {
        name: "launch-subtask",
        proves: "a kernel does its subtask's operations; all of them, if the block is not mixed",
        exercises: &["stage_payload"],
        judge: launch::subtasks,
    },
    Check {
        name: "op-fill-pattern",
        proves: "`fill_pattern` does what it says",
        exercises: &["load_kernel"],
        judge: ops::fill_pattern,
    },
    Check {
        name: "op-add-u32",
        proves: "`add_u32` does what it says, and wraps",
        exercises: &["load_kernel"],
        judge: ops::add_u32,
    },
    Check {
        name: "op-accumulate-u32",
        proves: "`accumulate_u32` does what it says, and wraps",
        exercises: &["load_kernel"],
        judge: ops::accumulate_u32,
    },
    Check {
        name: "op-add-f32",
        proves: "`add_f32` does what it says, and rounds once",
        exercises: &["load_kernel"],
        judge: ops::add_f32,
    },
    Check {
        name: "op-scale-f32",
        proves: "`scale_f32` does what it says, and rounds once",
        exercises: &["load_kernel"],
        judge: ops::scale_f32,
    },
    Check {
        name: "op-add-counter-f32",
        proves: "`add_counter_f32` does what it says, with any counter",
        exercises: &["load_kernel"],
        judge: ops::add_counter_f32,
    },
    Check {
        name: "notify-last",
        proves: "a counter is raised after everything that stands before it",
        exercises: &["load_kernel", "refresh"],
        judge: order::last,
    },
    Check {
        name: "op-await",
        proves: "`await` leaves the condition in the slab of its token, and nothing else",
        exercises: &["load_kernel", "slab_address"],
        judge: defer::entries,
    },
    Check {
        name: "await-64",
        proves: "64 conditions fit into a slab",
        exercises: &["load_kernel", "slab_address"],
        judge: defer::sixty_four,
    },
    Check {
        name: "await-65",
        proves: "one more sets the slab's error",
        exercises: &["load_kernel", "slab_address"],
        judge: defer::sixty_five,
    },
    Check {
        name: "slab-before-fin",
        proves: "whoever sees FIN sees what the slab says, behind a refresh",
        exercises: &["load_cond", "refresh"],
        judge: defer::before_fin,
    },
    Check {
        name: "op-post",
        proves: "a transfer's bytes are there when its record says so; numbers count from 1",
        exercises: &["load_kernel"],
        judge: post::transfers,
    },
    Check {
        name: "post-order",
        proves: "transfers of a queue end in order; the condition is the last one's",
        exercises: &["load_kernel"],
        judge: post::in_order,
    },
    Check {
        name: "op-later",
        proves: "`later` adds 1 after the kernel's end, once",
        exercises: &["load_kernel"],
        judge: order::later,
    },
    Check {
        name: "events",
        proves: "an event's word says a copy's value when its bytes are there, and not before",
        exercises: &["event_open", "event_copy", "event_close"],
        judge: events::copies,
    },
    Check {
        name: "kernel-refused",
        proves: "what its cores cannot do, and memory that was not given out, is refused",
        exercises: &["load_kernel"],
        judge: kernels::refused,
    },
    Check {
        name: "kernel-unknown",
        proves: "a kernel that was not loaded fails in its slab, and the core goes on",
        exercises: &["stage_payload", "load_kernel"],
        judge: defer::unknown_kernel,
    },
    Check {
        name: "cores-together",
        proves: "all cores run at once, and counters count them all",
        exercises: &["ring_doorbell", "load_cond"],
        judge: launch::together,
    },
    Check {
        name: "scheduler-passes",
        proves: "the scheduler runs the deferred-notify graph on it, pass by pass",
        exercises: &["port"],
        judge: whole::passes,
    },
    Check {
        name: "scheduler-threads",
        proves: "the same, with the runtime's threads",
        exercises: &["port"],
        judge: whole::with_threads,
    },
    Check {
        name: "exit",
        proves: "a core answers EXIT with ACK of it",
        exercises: &["ring_doorbell", "load_cond"],
        judge: launch::exit,
    },
];
