//! The scheduler's shared words on real threads, each with plain memory that its edge carries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use finbox_scheduler::{
    CorePair, EdgeList, EdgeNode, Orphans, Part, ReadyStack, Record, RetireStep, RetireWord,
    SlotId, SlotQueue, TaskSlot, Token, Wired,
};

use crate::plain::{Plain, both, join, spin_until};

/// A word and what it carries.
struct Carried<T> {
    word: T,
    news: [Plain<u64>; 2],
}

fn carried<T>(word: T) -> [Arc<Carried<T>>; 2] {
    let shared = Arc::new(Carried {
        word,
        news: Default::default(),
    });
    [Arc::clone(&shared), shared]
}

fn opened(remaining: u32) -> [Arc<Carried<RetireWord>>; 2] {
    let word = RetireWord::default();
    word.open(1, remaining);
    carried(word)
}

/// Record, payload and cleared slab, from whoever installs a token to whoever observes it.
pub(crate) fn install() {
    let [there, here] = carried(CorePair::default());
    let dispatch = move || {
        there.news[0].set(1);
        assert!(there.word.install(Token::FIRST).is_some());
    };
    both(dispatch, || {
        spin_until(|| !here.word.observed().is_idle());
        assert_eq!(here.news[0].get(), 1);
    });
}

/// A core's slab, from its last reader to whoever clears it next.
pub(crate) fn free_record() {
    let [there, here] = carried(Record::default());
    here.word.assign(SlotId::new(0, 3, 9), Part::ONLY);
    let handler = move || {
        assert_eq!(there.news[0].get(), 0);
        there.word.free();
    };
    both(handler, || {
        spin_until(|| here.word.is_free());
        here.news[0].set(1);
    });
}

/// What every handler did, to the one that retires last.
pub(crate) fn retire() {
    let [there, here] = opened(2);
    let subtask = |task: &Carried<RetireWord>, index: usize| {
        task.news[index].set(1);
        let step = task.word.retire(1, 0, 64, false).expect("it is out").step;
        if step != RetireStep::Partial {
            assert_eq!(task.news[1 - index].get(), 1);
        }
    };
    both(move || subtask(&there, 1), || subtask(&here, 0));
}

/// What a late handler read, to the submitter that recycles the slot.
pub(crate) fn retire_late() {
    let [there, here] = opened(1);
    assert!(here.word.finish(1, true, false).is_some());
    here.word.release();
    let handler = move || {
        assert_eq!(there.news[0].get(), 0);
        let late = there.word.retire(1, 0, 64, false).expect("it is out").step;
        assert_eq!(late, RetireStep::Late);
    };
    both(handler, || {
        spin_until(|| here.word.state_for_recycling().is_at_rest());
        here.news[0].set(1);
    });
}

/// What a task did, to whoever sees that it finished.
pub(crate) fn finish() {
    let [there, here] = opened(1);
    let finisher = move || {
        there.news[0].set(1);
        assert!(there.word.finish(1, false, false).is_some());
    };
    both(finisher, || {
        spin_until(|| here.word.state().is_finished());
        assert_eq!(here.news[0].get(), 1);
    });
}

/// What was done for a deferred task behind its last FIN, to whoever sees that it was concluded.
pub(crate) fn conclude() {
    let [there, here] = opened(1);
    assert!(here.word.retire(1, 1, 64, false).is_ok());
    let finisher = move || {
        there.news[0].set(1);
        let state = there.word.state();
        assert!(there.word.conclude(1, state).is_some());
    };
    both(finisher, || {
        spin_until(|| here.word.state().is_finished());
        assert_eq!(here.news[0].get(), 1);
    });
}

/// A slot's description, to whoever sees its new life.
pub(crate) fn open_slot() {
    let [there, here] = opened(1);
    let submitter = move || {
        there.news[0].set(1);
        there.word.open(2, 1);
    };
    both(submitter, || {
        spin_until(|| here.word.state().generation() == 2);
        assert_eq!(here.news[0].get(), 1);
    });
}

/// A slot and its edge nodes, from the walk over them to whoever writes them again.
pub(crate) fn release() {
    let [there, here] = opened(1);
    let walker = move || {
        assert_eq!(there.news[0].get(), 0);
        there.word.release();
    };
    both(walker, || {
        spin_until(|| here.word.state_for_recycling().is_released());
        here.news[0].set(1);
    });
}

/// The word of a task whose messages were refused, to whoever fails it.
pub(crate) fn orphans() {
    let [there, here] = carried(Orphans::default());
    let handler = move || {
        there.news[0].set(1);
        there.word.say();
    };
    both(handler, || {
        spin_until(|| here.word.take());
        assert_eq!(here.news[0].get(), 1);
    });
}

/// What a consumer needs, from its submitter to the finisher that takes the list.
pub(crate) fn edge_push() {
    let list = EdgeList::default();
    list.open(1);
    let [there, here] = carried((list, [EdgeNode::default()], AtomicU32::new(0)));
    let submitter = move || {
        let (list, nodes, pushed) = &there.word;
        there.news[0].set(1);
        assert_eq!(list.push(1, 0, nodes), Wired::Waits);
        pushed.store(1, Relaxed);
    };
    both(submitter, || {
        let (list, _, pushed) = &here.word;
        // It orders nothing; only the list does.
        spin_until(|| pushed.load(Relaxed) == 1);
        assert_eq!(list.close(1, false), Some(0));
        assert_eq!(here.news[0].get(), 1);
    });
}

/// What a producer did, from its finisher to a submitter that meets the closed list.
pub(crate) fn edge_close() {
    let list = EdgeList::default();
    list.open(1);
    let [there, here] = carried((list, [EdgeNode::default()], AtomicU32::new(0)));
    let finisher = move || {
        let (list, _, closed) = &there.word;
        there.news[0].set(1);
        assert_eq!(list.close(1, false), None);
        closed.store(1, Relaxed);
    };
    both(finisher, || {
        let (list, nodes, closed) = &here.word;
        // It orders nothing; only the list does.
        spin_until(|| closed.load(Relaxed) == 1);
        assert_eq!(list.push(1, 0, nodes), Wired::AlreadyFinished);
        assert_eq!(here.news[0].get(), 1);
    });
}

/// A ready slot, from whoever made it ready to the dispatch thread.
pub(crate) fn ready() {
    let slots = [TaskSlot::default(), TaskSlot::default()];
    let [there, here] = carried((ReadyStack::default(), slots));
    let readies = [0, 1].map(|index: u32| {
        let there = Arc::clone(&there);
        thread::spawn(move || {
            there.news[index as usize].set(1);
            there.word.0.push(&there.word.1, index);
        })
    });
    let (mut queue, mut taken) = (SlotQueue::default(), 0);
    spin_until(|| {
        taken += here.word.0.take_all(&here.word.1, &mut queue);
        while let Some(index) = queue.pop(&here.word.1) {
            assert_eq!(here.news[index as usize].get(), 1);
        }
        taken == 2
    });
    readies.into_iter().for_each(join);
}
