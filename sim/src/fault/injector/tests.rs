//! What strikes, when, and what it leaves true.

use super::{EffectKind, FIN, FaultKind, Faults, Injector, Mishap, Picked};
use finbox_scheduler::{CoreId, Launch, SlotId, TaskId, Token};

const OF_WORDS: [FaultKind; 8] = [
    FaultKind::FinLost,
    FaultKind::FinDuplicated,
    FaultKind::FinUnknown,
    FaultKind::FinExtra,
    FaultKind::FinStale,
    FaultKind::FinLate,
    FaultKind::FinReorder,
    FaultKind::CondGarbage,
];

fn picked(token: u32) -> Picked {
    let slot = SlotId::new(0, 0, 1);
    Picked {
        core: CoreId(0),
        token: Token::from_bits(token),
        launch: Launch::single(slot, TaskId::new(0, 0), 0, 0),
    }
}

#[test]
fn the_word_that_stands_last_is_the_true_one_unless_it_is_lost() {
    for kind in OF_WORDS {
        let mut injector = Injector::new(3, Faults::NONE.with(kind, 1), 1);
        for token in 3..50 {
            for word in [token, FIN | token] {
                let words: Vec<_> = injector
                    .words(&picked(token), word, || 100)
                    .iter()
                    .collect();
                let last = words.last().map(|&(_, word)| word);
                assert!(last == Some(word) || kind == FaultKind::FinLost, "{kind:?}");
                assert!(words.is_sorted_by_key(|&(later, _)| later));
            }
        }
        assert!(injector.injected().of(kind) >= 40);
    }
}

#[test]
fn a_fault_that_was_asked_for_strikes_among_its_first_occasions() {
    for seed in 0..50 {
        let mut injector = Injector::new(seed, Faults::NONE.with(FaultKind::CoreHang, 0), 1);
        let ends: Vec<bool> = (0..100).map(|_| injector.start(0, 5).is_some()).collect();
        assert_eq!(ends.iter().filter(|&&ends| !ends).count(), 1);
        assert!(ends[4..].iter().all(|&ends| ends));
    }
}

#[test]
fn the_last_worker_neither_dies_nor_hangs() {
    for kind in [FaultKind::WorkerDies, FaultKind::WorkerHangs] {
        let mut injector = Injector::new(5, Faults::NONE.with(kind, 1), 1);
        assert_eq!(injector.item(0, true), None);
        assert!(injector.item(0, false).is_some());
        assert_eq!(injector.injected().total(), 1);
    }
    let faults = Faults::NONE.with(FaultKind::WorkerDies, 1);
    let mut injector = Injector::new(5, faults, 1);
    let mishaps = (0..50).map(|_| injector.item(0, false));
    let mut kinds = [Mishap::DiesAtOnce, Mishap::DiesUntold, Mishap::DiesTold].to_vec();
    for mishap in mishaps {
        kinds.retain(|&kind| Some(kind) != mishap);
    }
    assert_eq!(kinds, [], "at each of three moments");
}

#[test]
fn threads_of_one_world_strike_once_between_them() {
    for seed in 0..50 {
        let faults = Faults::only(FaultKind::NotifyLost);
        let mut one = Injector::new(seed, faults, 1);
        let mut other = one.beside();
        let (peer, counter, add) = (1, 2, 3);
        let notify = EffectKind::Notify { peer, counter, add };
        for injector in [&mut one, &mut other] {
            let _ = injector.effect(0, (10, 20), notify.clone());
        }
        let struck = [&one, &other].map(|injector| injector.injected().total());
        assert_eq!(struck.iter().sum::<u64>(), 1, "{seed}");
    }
}

#[test]
fn whatever_is_done_to_a_notification_that_is_not_lost_arrives() {
    let harmless = [
        FaultKind::CounterOvershoot,
        FaultKind::CounterBack,
        FaultKind::NotifyLate,
        FaultKind::NotifyEarly,
        FaultKind::NotifyDuplicated,
    ];
    for kind in harmless {
        let mut injector = Injector::new(3, Faults::NONE.with(kind, 1), 1);
        let (peer, counter, add) = (1, 2, 3);
        let notify = EffectKind::Notify { peer, counter, add };
        let effects = injector.effect(0, (10, 20), notify);
        let sum = effects
            .iter()
            .fold(0_u32, |sum, (at, effect)| match effect {
                EffectKind::Notify { add, .. } if *at >= 10 => sum.wrapping_add(*add),
                _ => panic!("a notification became {effect:?}"),
            });
        assert!(sum >= 3, "{kind:?}");
    }
}
