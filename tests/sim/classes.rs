//! Why a run stops, by name: one test for each class that is no mere standing of a task.
//!
//! Three ranks in a row: `source` on rank 2 notifies `middle` on rank 1, behind which `teller`
//! notifies `waiter` on rank 0. Whatever stops the middle is the root, and the waiter its victim.

use finbox_scheduler::Target;
use finbox_sim::device::CounterPlace;
use finbox_sim::fault::{FaultKind, Faults};
use finbox_sim::report::{StallClass, StallReport};
use finbox_sim::workload::{Op, RankPlan, Shape, TaskPlan, TaskRef, Workload};
use finbox_sim::world::{Clock, Settings};

use crate::fixture::{CLOCKS, TARGETS, lockstep, run};

const MS: u64 = 1_000_000;

/// A task that waits until `counter` is 1.
fn waits(name: &'static str, counter: u32) -> TaskPlan {
    let expected = 1;
    TaskPlan {
        program: vec![Op::Await { counter, expected }].into(),
        defers: 1,
        ..TaskPlan::new(name, Shape::Aiv, 1_000)
    }
}

/// A task that notifies `peer`'s only counter.
fn notifies(name: &'static str, peer: u32) -> TaskPlan {
    let (counter, add) = (0, 1);
    TaskPlan {
        program: vec![Op::Notify { peer, counter, add }].into(),
        ..TaskPlan::new(name, Shape::Aiv, 1_000)
    }
}

fn row() -> Workload {
    row_of(1)
}

/// The task in the middle waits so many times for the same: two and TASK_NORMAL_DONE are a message.
fn row_of(waits_of_middle: u8) -> Workload {
    let mut ranks = [0, 1, 2].map(RankPlan::new);
    for rank in &mut ranks[..2] {
        rank.add_counter(CounterPlace::Packed);
    }
    ranks[0].add_task(waits("waiter", 0));
    let mut middle = waits("middle", 0);
    middle.program = vec![middle.program[0].clone(); waits_of_middle.into()].into();
    middle.defers = waits_of_middle;
    ranks[1].add_task(middle);
    ranks[1].add_task(TaskPlan {
        after: vec![0].into(),
        ..notifies("teller", 0)
    });
    ranks[2].add_task(notifies("source", 1));
    let order = [(2, 0), (1, 0), (1, 1), (0, 0)].map(|(rank, task)| TaskRef { rank, task });
    Workload {
        name: "row".into(),
        ranks: ranks.into(),
        order: order.into(),
        ..Workload::default()
    }
}

fn settings(target: &'static Target, seed: u64, kind: FaultKind) -> Settings {
    Settings {
        faults: Faults::only(kind),
        mailbox_slots: 2,
        patience_ns: 2_000 * MS,
        ..lockstep(target, seed)
    }
}

/// How the row stops, if it does.
fn stops(settings: &Settings) -> Option<StallReport> {
    row_stops(&row(), settings)
}

fn row_stops(row: &Workload, settings: &Settings) -> Option<StallReport> {
    let outcome = run(row, settings);
    assert!(outcome.adds_up && outcome.broken.is_empty(), "{outcome:?}");
    outcome.stall
}

/// Root by rank and name; and it is told with `words`.
fn assert_root(stall: &StallReport, (rank, name): (u16, &str), words: &[&str]) {
    let root = stall.root().expect("somebody is to blame");
    assert_eq!((root.rank, &*root.name), (rank, name), "{}", root.message);
    for word in words {
        assert!(root.message.contains(word), "{word}: {}", root.message);
    }
}

/// Some seed in which `kind` stops the row with `class`, its root being this.
fn assert_some_seed(
    kind: FaultKind,
    cores: u16,
    (class, root): (StallClass, (u16, &str)),
    words: &[&str],
) {
    for target in TARGETS {
        let mut found = 0;
        for seed in 0..40 {
            let settings = Settings {
                cores,
                ..settings(target, seed, kind)
            };
            if let Some(stall) = stops(&settings).filter(|stall| stall.class() == class) {
                assert_root(&stall, root, words);
                let waiter = &stall.tasks()[0];
                assert_eq!((&*waiter.name, stall.count()), ("waiter", 1));
                found += 1;
            }
        }
        assert!(found > 0, "{}: {kind:?} stops some seed so", target.name);
    }
}

#[test]
fn mailbox_gap_while_it_lasts_names_position_and_claimer() {
    for target in TARGETS {
        for clock in CLOCKS {
            let settings = Settings {
                clock,
                deadline_ns: Some(700 * MS),
                ..settings(target, 1, FaultKind::ProducerDies)
            };
            let stall = stops(&settings).expect("the deadline comes first");
            assert_eq!(stall.class(), StallClass::MailboxGap);
            let words = [
                "mailbox position 0,",
                "by FIN handler 1 and is not published",
            ];
            assert_root(&stall, (1, "middle"), &words);
            let halts: Vec<u16> = stall.halts().iter().map(|halt| halt.rank).collect();
            assert_eq!(halts, [1]);
        }
    }
}

#[test]
fn mailbox_gap_that_failed_a_task_elsewhere_is_the_root_of_who_waits_for_it() {
    for target in TARGETS {
        for clock in CLOCKS {
            let settings = Settings {
                clock,
                ..settings(target, 1, FaultKind::ProducerDies)
            };
            let stall = stops(&settings).expect("the waiter has no budget");
            assert_eq!((stall.class(), stall.count()), (StallClass::MailboxGap, 1));
            let words = ["failed with 107 MAILBOX_GAP", "rank 0, task waiter waits"];
            assert_root(&stall, (1, "middle"), &words);
        }
    }
}

#[test]
fn mailbox_full_and_a_held_list_are_told_apart_by_the_room_left() {
    let faults = Faults::NONE.with(FaultKind::MailboxFullForever, 1);
    for target in TARGETS {
        for (mailbox_slots, class) in [(2, StallClass::MailboxFull), (4, StallClass::ListHeld)] {
            let settings = Settings {
                faults,
                mailbox_slots,
                ..settings(target, 0, FaultKind::MailboxFullForever)
            };
            let stall = row_stops(&row_of(3), &settings).expect("nobody takes messages");
            assert_eq!(stall.class(), class);
            let used = format!("2 of {mailbox_slots} mailbox slots are used");
            assert_root(&stall, (1, "middle"), &["holds the wait list", &used]);
        }
        let parallel = Settings {
            clock: Clock::Parallel,
            faults,
            ..settings(target, 0, FaultKind::MailboxFullForever)
        };
        let stall = stops(&parallel).expect("nobody takes messages");
        let is_told = [StallClass::MailboxFull, StallClass::ListHeld].contains(&stall.class());
        assert!(is_told, "{stall:?}");
    }
}

#[test]
fn no_core_left_for_who_should_notify_is_the_root() {
    let words = ["failed with 110 NO_CORE_LEFT", "rank 0, task waiter waits"];
    let root = (StallClass::NoCoreLeft, (1, "teller"));
    assert_some_seed(FaultKind::FinUnknown, 1, root, &words);
}

#[test]
fn peer_dead_for_whom_somebody_waited_is_the_root() {
    let words = ["failed with 112 PEER_DEAD", "cancelled rank 1, task teller"];
    let root = (StallClass::PeerDead, (1, "middle"));
    assert_some_seed(FaultKind::PeerDead, 3, root, &words);
}
