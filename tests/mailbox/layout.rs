//! M1: 64-byte messages and the header, byte by byte, as firmware and other processes see them.

use std::mem;
use std::num::NonZeroU32;

use finbox_mailbox::{
    Cell, ClaimLine, CompletionType, Done, Engine, Header, Line, MAGIC, Malformed, Message,
    SlotBits, Stop, VERSION, WORDS, place, region_lines,
};

use crate::fixture::{condition, done, lines};

fn word(line: &Line, offset: usize) -> u64 {
    u64::from_le_bytes(line.0[offset..offset + 8].try_into().expect("eight bytes"))
}

fn half(line: &Line, offset: usize) -> u32 {
    u32::from_le_bytes(line.0[offset..offset + 4].try_into().expect("four bytes"))
}

/// A region of 4 slots in epoch 0x5152_5354, after two pushes and one take.
fn used_region() -> Vec<Line> {
    let mut memory = lines(4, 0xAA);
    let (producer, mut consumer) =
        place(&mut memory, 4, 0, 0x5152_5354).expect("memory of the right size");
    let first = condition(0x0102_0304_0506_0708);
    let last = Message::NormalDone(Done {
        task: 0x11,
        slot: SlotBits(0x22),
        expected: 0x33,
    });
    assert_eq!(
        (producer.push(&first), producer.push(&last)),
        (Ok(()), Ok(()))
    );
    consumer.drain(1, |_, _| ());
    memory
}

#[test]
fn a_condition_has_the_documented_bytes() {
    let slot = &used_region()[2];
    assert_eq!(word(slot, 0), 1, "seq is ticket + 1");
    assert_eq!(word(slot, 8), 0x0102_0304_0506_0708, "task");
    assert_eq!(word(slot, 16), 0x2122_2324_2526_2728, "addr");
    assert_eq!(word(slot, 24), 0x3132_3334_3536_3738, "cookie");
    assert_eq!(half(slot, 32), 0x4142_4344, "expected");
    assert_eq!(half(slot, 36), 2, "engine URMA");
    assert_eq!(half(slot, 40), 1, "completion type SDMA_EVENT_RECORD");
    assert_eq!(half(slot, 44), 0, "kind CONDITION");
    assert_eq!(word(slot, 48), 0x0A0B_0C0D_0E0F_1011, "slot");
    assert_eq!(half(slot, 56), 0x5152_5354, "epoch");
    assert_eq!(half(slot, 60), 0, "reserved");
}

#[test]
fn a_task_normal_done_has_the_documented_bytes() {
    let slot = &used_region()[3];
    assert_eq!(word(slot, 0), 2, "seq is ticket + 1");
    assert_eq!(word(slot, 8), 0x11, "task");
    assert_eq!((word(slot, 16), word(slot, 24)), (0, 0), "addr and cookie");
    assert_eq!(half(slot, 32), 0x33, "number of conditions to expect");
    assert_eq!(
        (half(slot, 36), half(slot, 40)),
        (0, 0),
        "no engine, no type"
    );
    assert_eq!(half(slot, 44), 1, "kind TASK_NORMAL_DONE");
    assert_eq!(word(slot, 48), 0x22, "slot");
    assert_eq!(word(slot, 56), 0x5152_5354, "epoch, and reserved 0");
}

#[test]
fn the_header_has_the_documented_bytes() {
    let memory = used_region();
    assert_eq!(word(&memory[0], 0), 2, "head");
    assert_eq!(
        word(&memory[0], 8),
        0,
        "tail copy: nobody had to refresh it"
    );
    assert_eq!(word(&memory[0], 16), MAGIC);
    assert_eq!(&memory[0].0[16..22], b"FINBOX");
    assert_eq!(half(&memory[0], 24), VERSION);
    assert_eq!(half(&memory[0], 28), 4, "slots");
    assert_eq!(half(&memory[0], 32), 0x5152_5354, "run epoch");
    assert_eq!(
        half(&memory[0], 36),
        0,
        "claim lines: no memory is left for any"
    );
    assert_eq!(half(&memory[0], 40), 0, "not condemned");
    assert_eq!(word(&memory[1], 0), 1, "tail");
}

#[test]
fn a_claim_line_has_the_documented_bytes() {
    let mut memory = lines(4, 0xAA);
    memory.extend([Line([0xAA; 64]); 2]);
    let (producer, mut consumer) = place(&mut memory, 4, 0x1_FFFF_FFFE, 1).unwrap();
    let name = NonZeroU32::new(0x61).unwrap();
    let mut first = producer.register(name).unwrap();
    mem::forget(first.claim(3));
    mem::forget(first);
    let mut found = 0;
    let drained = consumer.recover(9, |_, _| found += 1);
    assert_eq!((found, drained.stop), (3, Stop::Condemned));
    assert_eq!(half(&memory[0], 36), 2, "claim lines");
    assert_eq!(half(&memory[0], 40), 1, "condemned");
    assert_eq!(
        word(&memory[0], 0),
        0x1_FFFF_FFFE + (1 << 62),
        "head is out of reach"
    );
    let line = &memory[6];
    assert_eq!(half(line, 0), 0x61, "its owner's name");
    assert_eq!(half(line, 8), 0xFFFF_FFFE, "first position, low half");
    assert_eq!(half(line, 12), 3, "how many are in hand");
    assert_eq!((half(&memory[7], 0), word(&memory[7], 8)), (0, 0), "free");
}

#[test]
fn a_line_whose_owner_has_published_everything_shows_nothing_in_hand() {
    let mut memory = lines(2, 0xAA);
    memory.push(Line([0xAA; 64]));
    let (producer, mut consumer) = place(&mut memory, 2, 5, 1).unwrap();
    let mut named = producer.register(NonZeroU32::new(0x61).unwrap()).unwrap();
    assert_eq!(named.push_batch(2, |_| done(0)), 2);
    consumer.drain(2, |_, _| ());
    named.push(&done(0)).unwrap();
    mem::forget(named);
    assert_eq!(word(&memory[0], 8), 7, "the copy of tail was refreshed");
    assert_eq!((half(&memory[4], 0), word(&memory[4], 8)), (0x61, 0));
}

#[test]
fn the_default_mailbox_is_262_272_bytes_of_whole_lines() {
    assert_eq!(region_lines(4096) * size_of::<Line>(), 262_272);
    assert_eq!((size_of::<Cell>(), align_of::<Cell>()), (64, 64));
    assert_eq!((size_of::<Header>(), align_of::<Header>()), (128, 64));
    assert_eq!((size_of::<ClaimLine>(), align_of::<ClaimLine>()), (64, 64));
    assert_eq!(WORDS * 8 + 8, size_of::<Cell>());
}

#[test]
fn every_message_decodes_to_itself_in_its_epoch() {
    for message in [condition(7), done(u64::MAX), done(0)] {
        for epoch in [0, 1, u32::MAX] {
            assert_eq!(Message::decode(&message.encode(epoch), epoch), Ok(message));
        }
    }
}

#[test]
fn wire_numbers_are_those_of_the_table_and_no_others() {
    let engines = [Engine::Sdma, Engine::Roce, Engine::Urma, Engine::Ccu];
    for (wire, engine) in (0..).zip(engines) {
        assert_eq!(Engine::from_wire(wire), Some(engine));
    }
    assert_eq!(Engine::from_wire(4), None);
    let types = [
        CompletionType::Counter,
        CompletionType::SdmaEventRecord,
        CompletionType::UrmaEventHandle,
    ];
    for (wire, completion) in (0..).zip(types) {
        assert_eq!(CompletionType::from_wire(wire), Some(completion));
    }
    assert_eq!(CompletionType::from_wire(3), None);
    assert_eq!(CompletionType::from_wire(-1), None);
}

#[test]
fn a_field_outside_its_range_is_refused_by_name_and_value() {
    let good = condition(7).encode(1);
    let refused = |index: usize, value: u64| {
        let mut words = good;
        words[index] = value;
        Message::decode(&words, 1).unwrap_err()
    };
    assert_eq!(refused(4, 2 << 32), Malformed::Kind(2));
    assert_eq!(refused(4, 3), Malformed::CompletionType(3));
    assert_eq!(refused(4, 0xFFFF_FFFF), Malformed::CompletionType(-1));
    assert_eq!(refused(3, 4 << 32), Malformed::Engine(4));
    assert_eq!(refused(6, 1 | 5 << 32), Malformed::Reserved(5));
    assert!(Malformed::Reserved(5).to_string().contains("0x5"));
    let straggler = Malformed::Epoch {
        found: 9,
        current: 1,
    };
    assert_eq!(refused(6, 9), straggler);
    assert!(Malformed::Kind(77).to_string().contains("77"));
    assert!(straggler.to_string().contains("epoch 9"));
}
