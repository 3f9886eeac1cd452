//! One ring, one thread: capacity, order, laps.

use finbox_mailbox::{Cell, Done, Header, Message, SlotBits, mailbox};

fn done(task: u64) -> Message {
    Message::NormalDone(Done {
        task,
        slot: SlotBits(0),
        expected: 0,
    })
}

#[test]
fn exactly_slots_messages_fit_and_arrive_in_order() {
    let (mut header, mut cells) = (Header::default(), [(); 4].map(|()| Cell::default()));
    let (producer, mut consumer) = mailbox(&mut header, &mut cells, u64::MAX - 1, 1);
    for lap in 0..3 {
        assert_eq!(producer.push_batch(9, |i| done(lap * 10 + u64::from(i))), 4);
        assert!(producer.push(&done(99)).is_err());
        let mut seen = Vec::new();
        consumer.drain(100, |_, words| seen.push(Message::decode(words, 1)));
        assert_eq!(seen, [0, 1, 2, 3].map(|i| Ok(done(lap * 10 + i))));
    }
}
