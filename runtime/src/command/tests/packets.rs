//! Packets on the wire, and bad ones (C10).

use finbox_mailbox::Words;

use super::fixture::{
    BARRIER, Device, EPOCH, FENCE, LONG_NS, Memory, NO_OP, StepClock, add, copy, indirect, launch,
    wait,
};
use crate::command::{Arrival, BadPacket, Cause, Entry, Kind, Packet, SubmitError};

fn each_kind() -> [Packet; 8] {
    [
        NO_OP,
        launch(u64::MAX),
        BARRIER,
        wait(1, u32::MAX),
        add(2, 3),
        copy(4, 5, 6),
        FENCE,
        indirect(7, 8, Entry::Jump),
    ]
}

#[test]
fn every_kind_comes_back_from_its_words() {
    for packet in each_kind() {
        assert_eq!(Packet::decode(&packet.words(EPOCH), EPOCH), Ok(packet));
    }
}

#[test]
fn a_bit_that_a_kind_does_not_use_is_refused_with_its_place() {
    let mut words = FENCE.words(EPOCH);
    words[4] = 1 << 40;
    let reserved = BadPacket::Reserved {
        kind: Kind::Fence,
        byte: 40,
        found: 1 << 40,
    };
    assert_eq!(Packet::decode(&words, EPOCH), Err(reserved));
    for packet in each_kind() {
        let mut words = packet.words(EPOCH);
        words[6] = 1;
        assert!(Packet::decode(&words, EPOCH).is_err());
    }
}

#[test]
fn a_counter_that_wrapped_is_met() {
    let crate::command::Command::Wait(wait) = wait(8, u32::MAX).command else {
        panic!("a wait");
    };
    assert!(wait.is_met(u32::MAX) && wait.is_met(3));
    assert!(!wait.is_met(u32::MAX - 1));
}

/// Bad words, and what they are refused for.
fn bad() -> Vec<(Words, BadPacket)> {
    let with = |packet: Packet, word: usize, value: u64| {
        let mut words = packet.words(EPOCH);
        words[word] = value;
        words
    };
    let epoch = BadPacket::Epoch {
        found: 6,
        current: EPOCH,
    };
    vec![
        ([0; 7], BadPacket::Kind(0)),
        ([u64::MAX; 7], BadPacket::Kind(u32::MAX)),
        (NO_OP.words(6), epoch),
        (with(launch(1), 5, 0), BadPacket::Nothing(Kind::Launch)),
        (with(add(8, 1), 5, 2 << 32), BadPacket::How(2)),
        (
            with(indirect(1, 1, Entry::Call), 5, 1 | 5 << 32),
            BadPacket::Entry(5),
        ),
    ]
}

#[test]
fn c10_a_bad_packet_stops_at_that_packet_and_none_behind_it_takes_effect() {
    for (words, cause) in bad() {
        let mut memory = Memory::new(8);
        let mut device = Device::with_counters(&[(8, 0)]);
        device.buffers.insert(
            0x100,
            vec![add(8, 10).words(EPOCH), words, add(8, 500).words(EPOCH)],
        );
        let (submitter, mut processor) = memory.ring(90, device);
        let ring = [add(8, 1), indirect(0x100, 3, Entry::Call), add(8, 900)];
        submitter.submit(&ring).unwrap();
        let clock = StepClock::default();
        let halt = processor.drain_until(93, LONG_NS, &clock).unwrap_err();
        assert_eq!((halt.place.position, halt.place.index), (91, 1));
        assert_eq!((halt.words, halt.cause), (words, Cause::Bad(cause)));
        assert_eq!(halt.behind, 1);
        assert_eq!(processor.drain_until(93, 0, &clock), Err(halt), "for good");
        let reached = Arrival::Reached {
            position: 91,
            not_reached: 1,
        };
        assert_eq!(
            processor.drain_until(91, 0, &clock),
            Ok(reached),
            "before it"
        );
        assert_eq!(processor.executor().counters[&8], 11);
        assert_eq!(processor.snapshot().statistics.position, 91);
        assert_eq!(submitter.submit(&ring), Err(SubmitError::Halted));
    }
}

#[test]
fn c10_a_claim_that_was_dropped_is_a_bad_packet_and_not_skipped() {
    let mut memory = Memory::new(8);
    let (submitter, mut processor) = memory.ring(0, Device::with_counters(&[(8, 0)]));
    submitter.submit(&[add(8, 1)]).unwrap();
    drop(submitter.producer().claim(1));
    submitter.submit(&[add(8, 900)]).unwrap();
    let halt = processor.drain_until(3, LONG_NS, &StepClock::default());
    let halt = halt.unwrap_err();
    assert_eq!(
        (halt.place.position, halt.place.depth, halt.behind),
        (1, 0, 1)
    );
    assert_eq!(halt.cause, Cause::Bad(BadPacket::Kind(u32::MAX)));
    assert_eq!(processor.executor().counters[&8], 1);
}
