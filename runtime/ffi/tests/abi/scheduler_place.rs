//! A scheduler's life on memory of the caller's: what is refused, and what comes after what.

use std::mem::offset_of;
use std::ptr;

use finbox::*;
use finbox_abi::FINBOX_COND_FIN;

use crate::chip::{COUNTERS, NOTHING};
use crate::mailbox::{OK, c, last_error};
use crate::rig::{Rig, deferred, no_scheduler, task};

const INVALID: finbox_status = finbox_status::InvalidArgument;

type Args = finbox_scheduler_args;
/// Makes one thing wrong.
type Spoil<T> = fn(&mut T);

#[test]
fn each_size_is_judged_by_its_own_range_and_named() {
    let cases: [(Spoil<Args>, &str); 14] = [
        (|args| args.cores = 109, "cores: 109 is outside 1 to 108"),
        (
            |args| args.host_lanes = 99,
            "host lanes: 99 is outside 0 to 20",
        ),
        (
            |args| args.handlers = 1000,
            "FIN handlers: 1000 is outside 1 to 8",
        ),
        (|args| args.rings = 5, "rings: 5 is outside 1 to 4"),
        (|args| args.scopes = 256, "scopes: 256 is outside 1 to 255"),
        (
            |args| args.task_slots = 1 << 25,
            "task slots of all rings: 33554432 is outside",
        ),
        (
            |args| args.edge_nodes = u32::MAX,
            "edge nodes: 4294967295 is outside 0 to",
        ),
        (
            |args| args.condition_room = 63,
            "condition room: 63 is outside 64 to",
        ),
        (
            |args| args.urma_queues = 65_537,
            "URMA queues: 65537 is outside 0 to 65536",
        ),
        (
            |args| args.mailbox_slots = 12,
            "mailbox slots: 12 is not a power of two",
        ),
        (
            |args| args.mailbox_slots = 1,
            "mailbox slots: 1 is outside 2 to",
        ),
        (
            |args| args.heap_bytes = 65,
            "heap bytes: 65 is not a multiple of 64",
        ),
        (|args| args.target = 3, "target 3: 1 is a2a3, 2 is a5"),
        (
            |args| args.target = 0,
            "target 0: 1 is a2a3, 2 is a5, and this library",
        ),
    ];
    let mut rig = Rig::unplaced();
    for (spoil, said) in cases {
        let mut args = rig.args();
        spoil(&mut args);
        let mut bytes = 0;
        for refused in [
            c!(finbox_scheduler_bytes(&args, &mut bytes)),
            rig.place(&args),
        ] {
            assert_eq!(refused, INVALID, "{said}");
            assert!(
                last_error().starts_with(said),
                "{} for {said}",
                last_error()
            );
        }
    }
    assert_eq!(
        rig.destroy(),
        finbox_status::NotAHandle,
        "nothing was placed"
    );
}

#[test]
fn what_is_0_is_the_default_and_costs_more_than_what_is_small() {
    let mut rig = Rig::unplaced();
    let small = rig.args();
    let usual = Args {
        target: FINBOX_TARGET_A2A3,
        cores: 0,
        handlers: 0,
        rings: 0,
        task_slots: 0,
        scopes: 0,
        edge_nodes: 0,
        condition_room: 0,
        urma_queues: 0,
        mailbox_slots: 0,
        epoch: 0,
        ..small
    };
    let bytes = |args: &Args| {
        let mut bytes = 0;
        assert_eq!(c!(finbox_scheduler_bytes(args, &mut bytes)), OK);
        bytes
    };
    let mailbox = Args {
        mailbox_slots: 4096,
        ..usual
    };
    assert_eq!(bytes(&mailbox), bytes(&usual));
    assert!(bytes(&usual) > 100 * bytes(&small));
}

#[test]
fn memory_that_is_null_off_the_boundary_or_too_small_is_refused() {
    let mut rig = Rig::unplaced();
    let good = rig.args();
    let refused = rig.place(&Args {
        memory: ptr::null_mut(),
        ..good
    });
    assert_eq!(
        (refused, last_error()),
        (
            finbox_status::NullArgument,
            "memory must not be null".to_owned()
        )
    );
    let askew = good.memory.wrapping_byte_add(64);
    let refused = rig.place(&Args {
        memory: askew,
        ..good
    });
    assert_eq!(refused, finbox_status::Misaligned);
    assert!(
        last_error().contains("not aligned to 128 bytes"),
        "{}",
        last_error()
    );
    let mut needed = 0;
    assert_eq!(c!(finbox_scheduler_bytes(&good, &mut needed)), OK);
    let refused = rig.place(&Args {
        size_bytes: needed - 1,
        ..good
    });
    let said = format!(
        "the memory has {} bytes, and {needed} are needed",
        needed - 1
    );
    assert_eq!((refused, last_error()), (finbox_status::TooSmall, said));
    assert_eq!(
        rig.place(&Args {
            size_bytes: needed,
            ..good
        }),
        OK
    );
}

#[test]
fn a_function_that_the_port_lacks_is_named() {
    let spoilers: [(Spoil<finbox_abi::finbox_port>, &str); 3] = [
        (|port| port.load_cond = None, "load_cond"),
        (|port| port.store_u64 = None, "store_u64"),
        (|port| port.now = None, "now"),
    ];
    for (spoil, name) in spoilers {
        let mut rig = Rig::unplaced();
        let args = rig.args();
        spoil(&mut rig.port);
        assert_eq!(rig.place(&args), finbox_status::NullArgument);
        assert_eq!(last_error(), format!("`{name}` of the port is null"));
    }
    let mut rig = Rig::unplaced();
    let args = Args {
        port: ptr::null(),
        ..rig.args()
    };
    assert_eq!(rig.place(&args), finbox_status::NullArgument);
    assert_eq!(last_error(), "finbox_port must not be null");
    let args = rig.args();
    rig.port.struct_size = 8;
    assert_eq!(rig.place(&args), finbox_status::StructSize);
}

#[test]
fn sizes_and_extensions_that_are_not_known_are_refused() {
    let mut rig = Rig::unplaced();
    let args = rig.args();
    let small = Args {
        struct_size: offset_of!(Args, work_slots) - 1,
        ..args
    };
    assert_eq!(rig.place(&small), finbox_status::StructSize);
    let extended = Args {
        next: (&raw const args).cast(),
        ..args
    };
    assert_eq!(rig.place(&extended), finbox_status::Unsupported);
    assert_eq!(
        c!(finbox_scheduler_place(ptr::null(), rig.at())),
        finbox_status::NullArgument
    );
    assert_eq!(
        c!(finbox_scheduler_place(&args, ptr::null_mut())),
        finbox_status::NullArgument
    );
    let askew = rig.at().wrapping_byte_add(4);
    assert_eq!(
        c!(finbox_scheduler_place(&args, askew)),
        finbox_status::Misaligned
    );
}

#[test]
fn a_handle_is_refused_before_it_is_made_twice_moved_and_after_its_end() {
    let mut rig = Rig::unplaced();
    assert_eq!(rig.fin(0), finbox_status::NotAHandle);
    let args = rig.args();
    assert_eq!(rig.place(&args), OK);
    assert_eq!(rig.place(&args), finbox_status::InUse);
    let mut moved = no_scheduler();
    moved.opaque = rig.handle.opaque;
    let refused = c!(finbox_scheduler_fin_pass(&mut moved, 0, ptr::null_mut()));
    assert_eq!(refused, finbox_status::NotAHandle);
    assert_eq!(
        c!(finbox_scheduler_destroy(&mut moved)),
        finbox_status::NotAHandle
    );
    assert_eq!(rig.destroy(), OK);
    assert_eq!(rig.destroy(), finbox_status::Destroyed);
    assert_eq!(rig.fin(0), finbox_status::Destroyed);
    assert_eq!(
        rig.try_submit(&task(1, NOTHING), &[]).0,
        finbox_status::Destroyed
    );
    assert_eq!(last_error(), "this scheduler was destroyed");
    let null = ptr::null_mut();
    assert_eq!(
        c!(finbox_scheduler_destroy(null)),
        finbox_status::NullArgument
    );
    assert_eq!(c!(finbox_scheduler_wake(null)), finbox_status::NullArgument);
}

/// Fault 27: dirty memory, and memory with an old run in it.
#[test]
fn f27_a_scheduler_on_dirty_memory_starts_from_nothing() {
    let mut rig = Rig::new();
    let old = rig.submit(&deferred(1, COUNTERS), &[]);
    rig.settle();
    assert_eq!(rig.destroy(), OK);
    let args = Args {
        epoch: 6,
        ..rig.args()
    };
    assert_eq!(rig.place(&args), OK, "{}", last_error());
    assert_eq!((rig.stalls().len(), rig.ledger().submitted), (0, 0));
    rig.chip.notify(COUNTERS, 1);
    rig.settle();
    assert_eq!(rig.ledger().messages_delivered, 0, "nothing stale");
    let mut fate = 9;
    let refused = c!(finbox_scheduler_fate(rig.at(), old, &mut fate));
    assert_eq!((refused, fate), (finbox_status::UnknownTask, 9));
}

/// Fault 28: the cores still show what they did for the run before.
#[test]
fn f28_tokens_go_on_where_the_run_before_left_them() {
    let mut rig = Rig::new();
    for number in 0..6 {
        rig.submit(&task(number, NOTHING), &[]);
    }
    rig.settle();
    assert_eq!(rig.destroy(), OK);
    let args = rig.args();
    assert_eq!(rig.place(&args), OK, "{}", last_error());
    let again: Vec<_> = (0..6)
        .map(|number| rig.submit(&task(number, NOTHING), &[]))
        .collect();
    rig.settle();
    for task in again {
        assert_eq!(rig.fate(task), finbox_fate::Completed as u32);
    }
    let ledger = rig.ledger();
    assert_eq!((ledger.fins_applied, ledger.fins_unknown), (6, 0));
    assert_eq!(rig.fault().0, 0);
}

#[test]
fn a_chip_with_a_core_at_work_or_ended_is_refused_until_it_rests() {
    let mut rig = Rig::unplaced();
    let args = rig.args();
    for (cond, is_at_rest) in [
        (7, false),
        (finbox_abi::FINBOX_TOKEN_EXIT, false),
        (FINBOX_COND_FIN | finbox_abi::FINBOX_COND_RESET, false),
        (FINBOX_COND_FIN | 7, true),
    ] {
        rig.chip.say(4, cond);
        let placed = rig.place(&args);
        if is_at_rest {
            assert_eq!(placed, OK);
            continue;
        }
        assert_eq!(placed, finbox_status::NotAtRest);
        let said = format!("core 4 is at work for another run or has ended: its COND is {cond:#x}");
        assert_eq!(last_error(), said);
    }
}
