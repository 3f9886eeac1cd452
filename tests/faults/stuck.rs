//! Planted bugs that starve a thread, each beside what the mailbox's users do: both are stepped
//! through every schedule of a bounded length, on the real mailbox.
//!
//! A thread that spins is one whose step does not return: it takes whatever turns it is given.

use finbox_mailbox::{Consumer, Producer};
use finbox_tests::arena::{drain, push, with_mailbox};

/// Turns of one schedule; each of two threads has it for a turn.
const TURNS: u32 = 12;
/// Loads that a loop gets before it counts as one that never ends.
const PATIENCE: u32 = 1_000;
const SLOTS: usize = 2;
/// Messages each FIN thread owes; both together owe more than there are slots.
const OWED: u32 = 2;

/// A FIN thread that also drains: what it still owes, and whether it spins.
#[derive(Default)]
struct FinThread {
    sent: u32,
    spins: bool,
}

impl FinThread {
    /// One turn; how many messages it drained.
    fn turn(&mut self, producer: &Producer<'_>, consumer: &mut Consumer<'_>, waits: bool) -> usize {
        if self.sent < OWED {
            let accepted = push(producer, 7);
            self.sent += u32::from(accepted);
            self.spins = waits && !accepted;
        }
        // The planted bug returns to its push, not to its caller, and never comes here.
        if self.spins {
            return 0;
        }
        let may_drain = self.sent == OWED || !waits;
        if may_drain {
            drain(consumer, 1).len()
        } else {
            0
        }
    }
}

/// Two threads through `schedule`, one bit a turn; messages delivered, and whether both spin.
fn retire(schedule: u32, waits: bool) -> (usize, bool) {
    with_mailbox(SLOTS, 0, move |producer, mut consumer| {
        let mut threads = [FinThread::default(), FinThread::default()];
        let turns = (0..TURNS).map(|turn| usize::from(schedule >> turn & 1 == 1));
        let delivered = turns
            .map(|who| threads[who].turn(&producer, &mut consumer, waits))
            .sum();
        (delivered, threads.iter().all(|thread| thread.spins))
    })
}

/// Schedules in which each thread gets at least as many turns as it needs when none is wasted.
fn fair() -> impl Iterator<Item = u32> {
    (0..1 << TURNS).filter(|schedule: &u32| {
        let ones = schedule.count_ones();
        ones >= 2 * OWED && TURNS - ones >= 2 * OWED
    })
}

#[test]
fn b4_fin_threads_that_spin_on_a_full_mailbox_and_alone_drain_it_are_stuck() {
    let stuck = fair().filter(|&schedule| retire(schedule, true) == (0, true));
    assert!(stuck.count() > 100, "the planted bug is found");
    let all = 2 * OWED as usize;
    for schedule in fair() {
        assert_eq!(retire(schedule, false), (all, false), "{schedule:b}");
    }
}

/// One core for a claimer that has claimed and not published, and a helper that is given the turn
/// first and whenever it wants it: it loops till the message is there, or returns at the gap.
/// Messages the helper got, within `PATIENCE` loads a turn.
fn help(claimer_turns: u32, helper_first: bool, yields: bool) -> usize {
    with_mailbox(SLOTS, 0, move |producer, mut consumer| {
        let mut claimed = producer.claim(1);
        let claimed = claimed.as_mut().expect("there is room");
        let (mut got, mut left) = (0, claimer_turns);
        let mut is_helpers = helper_first;
        for _ in 0..TURNS {
            if is_helpers {
                let loads = if yields { 1 } else { PATIENCE };
                let found = (0..loads).map(|_| drain(&mut consumer, 1).len());
                let found = found.take_while(|&found| found == 0).count();
                let has_got = u32::try_from(found) != Ok(loads);
                got += usize::from(has_got);
                if !yields && !has_got {
                    break;
                }
            } else if left > 0 {
                left -= 1;
                if left == 0 {
                    claimed.publish(&finbox_tests::arena::done(7));
                }
            }
            is_helpers = !is_helpers;
        }
        got
    })
}

#[test]
fn b5_a_helping_loop_that_does_not_yield_starves_the_claimer_it_helps() {
    for turns in 1..=4 {
        assert_eq!(help(turns, true, false), 0, "the planted bug is found");
        for helper_first in [false, true] {
            assert_eq!(help(turns, helper_first, true), 1, "{turns} turns");
        }
    }
}
