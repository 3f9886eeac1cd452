//! The `locked` baseline: a FIN registers its conditions directly, under the wait list's lock.
//!
//! It exists so that the mailbox can be measured against what it replaces. Results and ledger are
//! the same; the ring is not used. A handler *spins* while another thread holds the lock, which
//! nothing else in the house does, and the dispatch thread looks at all conditions while it holds
//! the lock, without a budget: that is what is measured.

use finbox_mailbox::{FinBatch, Guard, Message, Watch};

use crate::port::Port;
use crate::probe::{Event, Probe};
use crate::wait_entry::Turn;
use crate::wait_list::{AsyncWaitList, WaitDesk};

/// How a FIN's conditions come to the wait list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Completion {
    /// As messages, which the dispatch thread drains.
    #[default]
    Mailbox,
    /// Under the wait list's lock, on the FIN thread: the baseline.
    Locked,
}

/// Who holds the wait list's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A FIN handler that registers conditions.
    Handler,
    /// The dispatch thread that settles.
    Dispatcher,
}

/// The list, however long another thread holds it.
fn lock<'a, 'm>(list: &'a AsyncWaitList<'m>) -> Guard<'a, WaitDesk<'m>> {
    loop {
        if let Some(desk) = list.try_lock() {
            return desk;
        }
        core::hint::spin_loop();
    }
}

/// Acts on all that `fin` has to say, one by one, under the list's lock. Returns how many parts
/// that were: its conditions, and its TASK_NORMAL_DONE if it has one.
pub(crate) fn register<P: Port, B: Probe>(
    turn: &mut Turn<'_, '_, P, B>,
    fin: &FinBatch,
    mut entry: impl FnMut(u32) -> (Watch, u64),
) -> u32 {
    let list = &turn.scheduler.wait_list;
    let by = Holder::Handler;
    let mut desk = lock(list);
    turn.probe.event(Event::Locked { by });
    for index in 0..fin.conditions {
        let (watch, cookie) = entry(index);
        let condition = watch.condition(fin.task, fin.slot, cookie);
        desk.register(turn, &Message::Condition(condition));
    }
    if let Some(done) = fin.done() {
        desk.register(turn, &Message::NormalDone(done));
    }
    list.say_live(desk.live_hint());
    drop(desk);
    turn.probe.event(Event::Unlocked { by });
    fin.conditions + u32::from(fin.done.is_some())
}
