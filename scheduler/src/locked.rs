//! The `locked` baseline: a FIN registers its conditions directly, under the wait list's lock.
//!
//! It exists so that the mailbox can be measured against what it replaces. Results and ledger are
//! the same; the ring is not used. A handler *spins* while another thread holds the lock, which
//! nothing else in the house does, and the dispatch thread looks at all conditions while it holds
//! the lock, without a budget: that is what is measured.

use finbox_mailbox::{Guard, Message};

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

/// Acts on the messages `build(0) .. build(count - 1)` under the list's lock. All are taken:
/// returns `count`.
pub(crate) fn register<P: Port, B: Probe>(
    turn: &mut Turn<'_, '_, P, B>,
    count: u32,
    mut build: impl FnMut(u32) -> Message,
) -> u32 {
    let list = &turn.scheduler.wait_list;
    let by = Holder::Handler;
    let mut desk = lock(list);
    turn.probe.event(Event::Locked { by });
    for index in 0..count {
        desk.register(turn, &build(index));
    }
    list.say_live(desk.live_hint());
    drop(desk);
    turn.probe.event(Event::Unlocked { by });
    count
}
