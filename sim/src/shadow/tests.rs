//! Each kind of undeclared use, and what excuses one, in runs of small workloads.

use crate::device::EngineMemory;
use crate::engine::{Lane, Transfer};
use crate::report::{ShadowReport, Undeclared, Why};
use crate::workload::{
    Access, BufferUse, Op, RankPlan, Shape, Span, TaskPlan, TaskRef, Workload, random,
};
use crate::world::{Clock, Settings, run};
use finbox_scheduler::{A2A3, A5};

const BYTES: u64 = 64;
const A: u32 = 0;
const B: u32 = 1;
const C: u32 = 2;
const LANE: Lane = Lane::Sdma { stream: 0 };

/// A rank with three buffers of 64 bytes, one counter and two streams.
fn rank(rank: u32, tasks: impl IntoIterator<Item = TaskPlan>) -> RankPlan {
    let mut plan = RankPlan {
        engines: EngineMemory {
            sdma_streams: 2,
            ..EngineMemory::default()
        },
        ..RankPlan::new(rank)
    };
    for name in ["a", "b", "c"] {
        plan.add_buffer(name, BYTES, 64);
    }
    plan.add_counter(crate::device::CounterPlace::Packed);
    plan.tasks.extend(tasks);
    plan
}

fn workload(ranks: Vec<RankPlan>) -> Workload {
    Workload {
        name: "shadowed".into(),
        order: Workload::order_by_turns(&ranks),
        ranks,
        ..Workload::default()
    }
}

fn task(name: &'static str, uses: &[(u32, Access)], program: Vec<Op>) -> TaskPlan {
    let whole = |&(buffer, access)| BufferUse {
        buffer,
        span: Span {
            at: 0,
            bytes: BYTES,
        },
        access,
    };
    TaskPlan {
        uses: uses.iter().map(whole).collect(),
        program: program.into(),
        ..TaskPlan::new(name, Shape::Aiv, 1_000)
    }
}

fn behind(task: TaskPlan, after: &[u32]) -> TaskPlan {
    let after = after.to_vec();
    TaskPlan {
        after: after.into(),
        ..task
    }
}

fn waits(task: TaskPlan, op: Op) -> TaskPlan {
    let mut task = TaskPlan { defers: 1, ..task };
    task.program.push(op);
    task
}

/// Where a buffer begins.
const fn at(buffer: u32) -> u64 {
    buffer as u64 * BYTES
}

fn fill(buffer: u32) -> Op {
    let (at, count, value) = (at(buffer), BYTES / 4, 7);
    Op::FillU32 { at, count, value }
}

fn copy(from: u32, to: u32) -> Op {
    let (from, to, bytes) = (at(from), at(to), BYTES);
    Op::Copy { from, to, bytes }
}

const NOTIFY: Op = Op::Notify {
    peer: 1,
    counter: 0,
    add: 1,
};
const AWAIT: Op = Op::Await {
    counter: 0,
    expected: 1,
};

/// What is found on both clocks, which must be the same; and nothing moves because of it.
fn found(workload: &Workload) -> ShadowReport {
    let settings = Settings {
        shadow: true,
        ..Settings::of(&A2A3)
    };
    let on = |settings| run(workload, &settings, &mut |_, _| {}).expect("the workload runs");
    let lockstep = on(settings);
    let alone = on(Settings::of(&A2A3));
    assert_eq!(alone.shadow, None);
    let digests = |outcome: &crate::world::Outcome| {
        let digests = (outcome.digest, outcome.result_digest);
        (digests, outcome.virtual_ns)
    };
    assert_eq!(digests(&lockstep), digests(&alone));
    let parallel = on(Settings {
        clock: Clock::Parallel,
        ..settings
    });
    assert_eq!(parallel.shadow, lockstep.shadow);
    lockstep.shadow.expect("it was asked for")
}

/// The only undeclared use, with nothing in no order.
fn the_one(workload: &Workload) -> Undeclared {
    let report = found(workload);
    let [one] = &report.undeclared[..] else {
        panic!("{report:?}");
    };
    assert_eq!((report.undeclared_count, report.unordered_count), (1, 0));
    one.clone()
}

fn assert_clean(workload: &Workload) {
    let report = found(workload);
    assert!(
        report.is_clean() && report.unchecked_pairs == 0,
        "{report:?}"
    );
}

#[test]
fn an_undeclared_read_is_named_with_who_writes_the_bytes() {
    let writer = task("writer", &[(A, Access::Out)], vec![fill(A)]);
    let reader = |uses: &[_]| task("reader", uses, vec![copy(A, B)]);
    let plan = |reader| workload(vec![rank(0, [writer.clone(), reader])]);
    let one = the_one(&plan(reader(&[(B, Access::Out)])));
    assert_eq!(
        one.to_text(),
        "rank 0, task 1 reader (copy) reads bytes 0..64 of a, which it does not declare beside \
         rank 0, task 0 writer (fill) writes them"
    );
    assert_eq!(
        (one.why, one.ranges, one.all_bytes),
        (Why::Undeclared, 1, 64)
    );
    assert_clean(&plan(reader(&[(A, Access::In), (B, Access::Out)])));
}

#[test]
fn an_undeclared_read_of_what_nobody_writes_is_named_too() {
    let reader = task("reader", &[(B, Access::Out)], vec![copy(A, B)]);
    let one = the_one(&workload(vec![rank(5, [reader])]));
    assert_eq!((one.by.rank, one.memory, one.against), (5, 5, None));
}

#[test]
fn an_undeclared_write_is_named() {
    let writer = task("writer", &[(A, Access::Out)], vec![fill(A), fill(B)]);
    let one = the_one(&workload(vec![rank(0, [writer])]));
    assert_eq!(
        (&*one.by.access, one.buffer.as_deref()),
        ("write", Some("b"))
    );
}

#[test]
fn a_range_that_is_too_short_is_named_with_what_is_missing() {
    let mut writer = task("writer", &[(A, Access::Out)], vec![fill(A)]);
    writer.uses[0].span = Span { at: 8, bytes: 24 };
    let one = the_one(&workload(vec![rank(0, [writer])]));
    let ranges = (one.at, one.bytes, one.ranges, one.all_bytes);
    assert_eq!((one.why, ranges), (Why::Range, (0, 8, 2, 40)));
}

#[test]
fn the_right_bytes_for_the_wrong_access_are_named() {
    let inner = task("inner", &[(A, Access::In)], vec![fill(A)]);
    let one = the_one(&workload(vec![rank(0, [inner])]));
    assert_eq!((one.why, &*one.by.access), (Why::Access, "write"));
    let uses = [(A, Access::Out), (B, Access::Out)];
    let outer = task("outer", &uses, vec![copy(A, B)]);
    let one = the_one(&workload(vec![rank(0, [outer])]));
    assert_eq!((one.why, &*one.by.access), (Why::Access, "read"));
    // What a task wrote before it is its own.
    let outer = task("outer", &uses, vec![fill(A), copy(A, B)]);
    assert_clean(&workload(vec![rank(0, [outer])]));
}

#[test]
fn bytes_of_no_buffer_are_named_by_their_place_in_the_data() {
    let mut plan = rank(0, [task("t", &[(A, Access::Out)], vec![])]);
    let at = plan.data_bytes;
    plan.data_bytes += 8;
    plan.tasks[0].program.push(Op::StoreU32 { at, value: 1 });
    let one = the_one(&workload(vec![plan]));
    assert_eq!((one.buffer.clone(), one.at, one.bytes), (None, at, 4));
    assert!(
        one.to_text()
            .contains("bytes 192..196 of the data, in no buffer")
    );
}

/// Rank 0 sends its `a` to `b` of rank 1 by an engine; there a task reads it.
fn sent(sender: TaskPlan, more: &[TaskPlan], waiter: TaskPlan) -> Workload {
    let uses = [(B, Access::In), (C, Access::Out)];
    let reader = behind(task("reader", &uses, vec![copy(B, C)]), &[0]);
    let mut senders = vec![sender];
    senders.extend_from_slice(more);
    workload(vec![rank(0, senders), rank(1, [waiter, reader])])
}

fn send() -> TaskPlan {
    let transfer = Transfer::put(1, at(A), at(B), BYTES);
    let post = Op::Post {
        lane: LANE,
        transfer,
    };
    let sender = task("sender", &[(A, Access::In)], vec![post]);
    waits(sender, Op::AwaitPost { lane: LANE })
}

#[test]
fn an_engines_write_to_a_peer_must_be_ordered_with_who_reads_it_there() {
    let nobody = task("nobody", &[], Vec::new());
    let one = the_one(&sent(send(), &[], nobody));
    assert_eq!(
        one.to_text(),
        "rank 0, task 0 sender (send) writes bytes 0..64 of b of rank 1, in no order with \
         rank 1, task 1 reader (copy) reads them"
    );
    let waiter = || waits(task("waiter", &[], Vec::new()), AWAIT);
    let notifier = behind(task("notifier", &[], vec![NOTIFY]), &[0]);
    assert_clean(&sent(send(), &[notifier], waiter()));
    // A notify of the same kernel goes before the transfer.
    let mut early = send();
    early.program.push(NOTIFY);
    assert_eq!(the_one(&sent(early, &[], waiter())).why, Why::Peer);
}

#[test]
fn a_put_is_ordered_by_the_notify_of_its_task() {
    let put = Op::Put {
        peer: 1,
        from: at(A),
        to: at(B),
        bytes: BYTES,
    };
    let sender = |ops: &[Op]| task("sender", &[(A, Access::In)], ops.to_vec());
    let waiter = || waits(task("waiter", &[], Vec::new()), AWAIT);
    let both = sender(&[put.clone(), NOTIFY]);
    assert_clean(&sent(both, &[], waiter()));
    // It may arrive behind the notify of a task behind it.
    let notifier = behind(task("notifier", &[], vec![NOTIFY]), &[0]);
    let one = the_one(&sent(sender(&[put]), &[notifier], waiter()));
    assert_eq!((one.why, &*one.by.operation), (Why::Peer, "put"));
}

#[test]
fn a_wait_for_one_of_two_who_notify_in_turn_is_no_wait_for_the_second() {
    let put = |to: u32| Op::Put {
        peer: 1,
        from: at(A),
        to: at(to),
        bytes: BYTES,
    };
    let sender = |to| task("sender", &[(A, Access::In)], vec![put(to), NOTIFY]);
    let waiter = || waits(task("waiter", &[], Vec::new()), AWAIT);
    let second = behind(sender(B), &[0]);
    let one = the_one(&sent(sender(A), std::slice::from_ref(&second), waiter()));
    assert_eq!(one.by.task, 1);
    let mut both = waiter();
    both.program.make_mut()[0] = Op::Await {
        counter: 0,
        expected: 2,
    };
    assert_clean(&sent(sender(A), &[second], both));
}

#[test]
fn explicit_order_excuses_and_that_of_another_buffer_does_not() {
    let uses = [(A, Access::Out)];
    let writer = || task("writer", &uses, vec![fill(A), fill(B)]);
    let reader = task(
        "reader",
        &[(A, Access::In), (C, Access::Out)],
        vec![copy(B, C)],
    );
    let report = found(&workload(vec![rank(0, [writer(), reader.clone()])]));
    let names: Vec<&str> = report.undeclared.iter().map(|one| &*one.by.name).collect();
    assert_eq!(names, ["writer", "reader"]);
    let between = behind(task("between", &[], Vec::new()), &[0]);
    let reader = behind(reader, &[1]);
    assert_clean(&workload(vec![rank(0, [writer(), between, reader])]));
}

#[test]
fn tasks_that_declare_nothing_are_counted_and_must_be_ordered() {
    let writer = task("writer", &[], vec![fill(A)]);
    let reader = task("reader", &[], vec![copy(A, B)]);
    let apart = found(&workload(vec![rank(0, [writer.clone(), reader.clone()])]));
    assert_eq!(
        (apart.checked, apart.silent, apart.undeclared_count),
        (0, 2, 0)
    );
    assert_eq!(
        apart.unordered[0].to_text(),
        "rank 0, task 0 writer (fill) writes bytes 0..64 of a of rank 0, and in no order \
         rank 0, task 1 reader (copy) reads them"
    );
    assert_clean(&workload(vec![rank(0, [writer, behind(reader, &[0])])]));
}

#[test]
fn a_transfer_that_nobody_waits_for_is_in_no_order_with_those_behind() {
    let transfer = Transfer::get(0, at(A), at(B), BYTES);
    let post = Op::Post {
        lane: LANE,
        transfer,
    };
    let getter = task("getter", &[(A, Access::In), (B, Access::Out)], vec![post]);
    let reader = task(
        "reader",
        &[(B, Access::In), (C, Access::Out)],
        vec![copy(B, C)],
    );
    let plan = |getter| workload(vec![rank(0, [getter, reader.clone()])]);
    let report = found(&plan(getter.clone()));
    assert_eq!((report.undeclared_count, report.unordered_count), (0, 1));
    assert_clean(&plan(waits(getter, Op::AwaitPost { lane: LANE })));
}

#[test]
fn a_declared_use_that_touches_nothing_is_only_a_note() {
    let idle = task(
        "idle",
        &[(A, Access::InOut), (B, Access::Out)],
        vec![fill(B)],
    );
    let report = found(&workload(vec![rank(0, [idle])]));
    assert!(report.is_clean());
    assert_eq!(
        (report.unused_count, &*report.unused[0].access),
        (1, "inout")
    );
}

/// In random graphs everything is declared or ordered; without one of the uses that were touched,
/// the task is named, unless it is in explicit order with all others, or has no use left.
#[test]
fn random_graphs_are_clean_until_a_use_is_left_out() {
    let (mut tried, mut named) = (0, 0);
    for seed in 0..150 {
        let has_urma = seed % 2 == 1;
        let (workload, _) = random(seed, None, has_urma);
        let settings = Settings {
            shadow: true,
            ..Settings::of(if has_urma { &A5 } else { &A2A3 })
        };
        let shadow = |workload: &Workload| {
            let outcome = run(workload, &settings, &mut |_, _| {}).expect("it runs");
            outcome.shadow.expect("it was asked for")
        };
        let report = shadow(&workload);
        assert!(report.is_clean(), "seed {seed}: {report:?}");
        let is_candidate = |at: &&TaskRef| {
            let task = workload.task(**at);
            let unused = report.unused.iter();
            let is_used = !unused
                .clone()
                .any(|one| (one.rank, one.task) == (at.rank, at.task));
            task.uses.len() > 1 && task.after.is_empty() && task.predicate.is_none() && is_used
        };
        for at in workload.order.iter().filter(is_candidate).take(2) {
            let mut less = workload.clone();
            let uses = &mut less.ranks[at.rank as usize].tasks[at.task as usize].uses;
            *uses = uses[..uses.len() - 1].to_vec().into();
            let report = shadow(&less);
            let mut undeclared = report.undeclared.iter();
            tried += 1;
            named +=
                u32::from(undeclared.any(|one| (one.by.rank, one.by.task) == (at.rank, at.task)));
        }
    }
    assert!(tried > 50 && named == tried, "{named} of {tried}");
}
