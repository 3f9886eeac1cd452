//! Edge lists, ready stacks, tokens and the ledger, one by one.

use finbox_scheduler::{
    EdgeList, EdgeNode, Fault, FaultCode, FirstFault, Ledger, ReadyStack, SlotQueue, TaskId,
    TaskSlot, Token, Wired,
};

fn nodes(count: usize) -> Vec<EdgeNode> {
    std::iter::repeat_with(EdgeNode::default)
        .take(count)
        .collect()
}

fn slots(count: usize) -> Vec<TaskSlot> {
    std::iter::repeat_with(TaskSlot::default)
        .take(count)
        .collect()
}

#[test]
fn a_list_nobody_opened_is_closed() {
    let list = EdgeList::default();
    assert_eq!(list.push(0, 0, &nodes(1)), Wired::AlreadyFinished);
}

#[test]
fn closing_takes_the_newest_node_and_later_consumers_need_not_wait() {
    let (list, nodes) = (EdgeList::default(), nodes(4));
    list.open(7);
    for index in 0..3 {
        assert_eq!(list.push(7, index, &nodes), Wired::Waits);
    }
    assert_eq!(list.close(7, false), Some(2));
    assert_eq!(list.push(7, 3, &nodes), Wired::AlreadyFinished);
}

#[test]
fn closing_an_empty_list_gives_no_node() {
    let list = EdgeList::default();
    list.open(7);
    assert_eq!(list.close(7, true), None);
}

#[test]
fn a_consumer_of_a_failed_producer_learns_that_it_failed() {
    let (list, nodes) = (EdgeList::default(), nodes(1));
    list.open(7);
    assert_eq!(list.close(7, true), None);
    assert_eq!(list.push(7, 0, &nodes), Wired::AlreadyFailed);
}

#[test]
fn another_generation_counts_as_finished_and_leaves_the_list_alone() {
    let (list, nodes) = (EdgeList::default(), nodes(2));
    list.open(7);
    assert_eq!(list.push(6, 0, &nodes), Wired::AlreadyFinished);
    assert_eq!(list.push(8, 0, &nodes), Wired::AlreadyFinished);
    assert_eq!(list.push(7, 1, &nodes), Wired::Waits);
    assert_eq!(list.close(7, true), Some(1));
    list.open(8);
    assert_eq!(
        list.push(7, 0, &nodes),
        Wired::AlreadyFinished,
        "its failure is forgotten"
    );
}

fn drained(queue: &mut SlotQueue, slots: &[TaskSlot]) -> Vec<u32> {
    std::iter::from_fn(|| queue.pop(slots)).collect()
}

#[test]
fn slots_leave_a_ready_stack_in_the_order_they_came() {
    let (stack, slots) = (ReadyStack::default(), slots(8));
    let mut queue = SlotQueue::default();
    assert_eq!(stack.take_all(&slots, &mut queue), 0);
    for index in [3, 1, 4] {
        stack.push(&slots, index);
    }
    assert!(!stack.is_empty_hint());
    assert_eq!(stack.take_all(&slots, &mut queue), 3);
    assert!(stack.is_empty_hint());
    for index in [5, 0] {
        stack.push(&slots, index);
    }
    assert_eq!(stack.take_all(&slots, &mut queue), 2);
    assert_eq!(drained(&mut queue, &slots), [3, 1, 4, 5, 0]);
    assert!(queue.is_empty() && queue.front().is_none());
}

#[test]
fn a_queue_that_was_emptied_can_be_filled_again() {
    let slots = slots(4);
    let mut queue = SlotQueue::default();
    for _ in 0..3 {
        for index in [2, 0, 3] {
            queue.push(&slots, index);
        }
        assert_eq!(queue.front(), Some(2));
        assert_eq!(drained(&mut queue, &slots), [2, 0, 3]);
    }
}

#[test]
fn tokens_alternate_parity_through_the_wrap_and_are_never_reserved() {
    let mut token = Token::from_bits(Token::LAST.bits() - 5);
    for _ in 0..12 {
        assert!(token.is_ordinary());
        assert_ne!(token.parity(), token.next().parity());
        assert!(token.is_before(token.next()) && !token.next().is_before(token));
        token = token.next();
    }
    assert!(token.bits() < 10, "it went through the wrap");
}

#[test]
fn every_reserved_number_is_no_token() {
    for bits in Token::LAST.bits() + 1..=0x7FFF_FFFF {
        assert!(!Token::from_bits(bits).is_ordinary(), "{bits:#x}");
    }
}

#[test]
fn the_first_fault_wins_and_names_its_task() {
    let first = FirstFault::default();
    assert_eq!(first.get(), None);
    let fault = |code, task| Fault { code, task };
    let task = TaskId::new(0xFF, u32::MAX - 1);
    assert!(first.raise(fault(FaultCode::AsyncWaitOverflow, task)));
    assert!(!first.raise(fault(FaultCode::InvalidArgs, TaskId::new(0, 1))));
    assert_eq!(first.get(), Some(fault(FaultCode::AsyncWaitOverflow, task)));
    let nobody = FirstFault::default();
    assert!(nobody.raise(fault(FaultCode::SchedulerTimeout, TaskId::INVALID)));
    assert_eq!(nobody.get().unwrap().task, TaskId::INVALID);
}

fn balanced() -> Ledger {
    Ledger {
        submitted: 9,
        completed: 4,
        failed: 2,
        cancelled: 1,
        inline: 1,
        deferred: 2,
        worked: 1,
        work_offered: 8,
        work_again: 1,
        work_left: 1,
        work_done: 1,
        work_late: 1,
        fins_received: 10,
        fins_applied: 6,
        fins_duplicate: 1,
        fins_stale: 2,
        fins_unknown: 1,
        messages_accepted: 12,
        messages_delivered: 8,
        messages_reported: 1,
        ..Ledger::default()
    }
}

#[test]
fn a_ledger_adds_up_with_what_is_still_live_and_in_the_mailbox() {
    assert!(balanced().adds_up(2, 3));
    assert!(Ledger::default().adds_up(0, 0));
}

#[test]
fn a_ledger_does_not_add_up_when_anything_is_lost_or_counted_twice() {
    let fields: [fn(&mut Ledger) -> &mut u64; 15] = [
        |l| &mut l.inline,
        |l| &mut l.deferred,
        |l| &mut l.worked,
        |l| &mut l.submitted,
        |l| &mut l.completed,
        |l| &mut l.failed,
        |l| &mut l.cancelled,
        |l| &mut l.fins_received,
        |l| &mut l.fins_applied,
        |l| &mut l.fins_duplicate,
        |l| &mut l.fins_stale,
        |l| &mut l.fins_unknown,
        |l| &mut l.messages_accepted,
        |l| &mut l.messages_delivered,
        |l| &mut l.messages_reported,
    ];
    for (index, field) in fields.into_iter().enumerate() {
        let (mut lost, mut twice) = (balanced(), balanced());
        *field(&mut lost) -= 1;
        *field(&mut twice) += 1;
        assert!(!lost.adds_up(2, 3), "field {index} lost one");
        assert!(!twice.adds_up(2, 3), "field {index} counted one twice");
    }
    assert!(!balanced().adds_up(1, 3) && !balanced().adds_up(2, 2));
}

/// Of eight items four came back, and two live and two failed tasks may have one out.
#[test]
fn a_ledger_does_not_add_up_when_more_items_are_out_than_tasks_or_more_came_back_than_went() {
    let of_items = |offered, again, done| Ledger {
        work_offered: offered,
        work_again: again,
        work_done: done,
        ..balanced()
    };
    assert!(of_items(8, 1, 1).adds_up(2, 3) && of_items(8, 5, 1).adds_up(2, 3));
    assert!(!of_items(9, 1, 1).adds_up(2, 3), "five are out of four");
    assert!(!of_items(8, 6, 1).adds_up(2, 3), "nine came back of eight");
    assert!(
        !of_items(8, 1, 0).adds_up(2, 3),
        "nobody said that it is done"
    );
}

#[test]
fn merged_ledgers_add_counts_and_keep_the_highest_water() {
    let mut one = balanced();
    one.mailbox_high_water = 5;
    let mut other = balanced();
    other.mailbox_high_water = 3;
    other.waiting_high_water = 4;
    one.merge(&other);
    assert_eq!(
        (one.submitted, one.fins_received, one.messages_accepted),
        (18, 20, 24)
    );
    assert_eq!((one.mailbox_high_water, one.waiting_high_water), (5, 4));
    assert!(one.adds_up(4, 6));
}
