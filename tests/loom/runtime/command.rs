//! The command ring, typed for packets: publication, the read position that gives slots back, and
//! a packet that is claimed and not published.

use finbox_mailbox::{Cell, Header, Words};
use finbox_runtime::command::{
    Answer, Board, Command, Executor, Launch, Packet, Processor, Refusal, Route, Signal,
    SubmitError, Submitter, Transfer, WaitsFor, WorkId, command_ring,
};
use finbox_tests::arena::on_heap;
use finbox_tests::outcomes::expect;
use loom::thread;

const NOBODY: Refusal = Refusal(1);

/// Remembers which kernels were launched.
#[derive(Default)]
struct Seen(Vec<u64>);

impl Executor for Seen {
    fn launch(&mut self, _: WorkId, launch: &Launch) -> Result<Answer, Refusal> {
        assert_eq!(*launch, of(launch.kernel), "a torn packet");
        self.0.push(launch.kernel);
        Ok(Answer::Done)
    }

    fn copy(&mut self, _: WorkId, _: &Transfer) -> Result<Answer, Refusal> {
        Err(NOBODY)
    }

    fn signal(&mut self, _: WorkId, _: &Signal) -> Result<Answer, Refusal> {
        Err(NOBODY)
    }

    fn counter(&mut self, _: u64) -> Result<Option<u32>, Refusal> {
        Err(NOBODY)
    }

    fn fetch(&mut self, _: u64, _: u32) -> Result<Words, Refusal> {
        Err(NOBODY)
    }

    fn look(&mut self, _: &mut dyn FnMut(Route, WorkId)) {}
}

/// A launch whose fields all say `kernel`.
fn of(kernel: u64) -> Launch {
    Launch {
        kernel,
        args: kernel + 1,
        blocks: u32::try_from(kernel).expect("models have small kernels"),
        args_bytes: 3,
    }
}

fn packet(kernel: u64) -> Packet {
    let command = Command::Launch(of(kernel));
    Packet { tag: 0, command }
}

/// Runs `model` on a command ring of two slots.
fn with_ring<R: 'static>(
    start: u64,
    model: impl FnOnce(Submitter<'static>, Processor<'static, Seen>) -> R,
) -> R {
    let cells: Vec<_> = (0..2).map(|_| Cell::default()).collect();
    let memory = (Header::default(), cells, Board::default());
    on_heap(memory, |(header, cells, board)| {
        let (submitter, processor) =
            command_ring((header, cells), board, (start, 1), Seen::default());
        model(submitter, processor)
    })
}

fn seen(processor: &mut Processor<'static, Seen>) -> Vec<u64> {
    processor.turn(None, 0);
    let position = processor.snapshot().statistics.position;
    let seen = processor.executor().0.clone();
    assert_eq!(position, seen.len() as u64, "one position a packet");
    seen
}

/// Two submitters, one of them with a batch; each packet whole, each submitter's in order.
#[test]
fn c6_packets_of_two_submitters_arrive_whole_and_in_each_ones_order() {
    let expected = [
        (vec![], vec![1, 2]),
        (vec![], vec![2, 1]),
        (vec![1], vec![1, 2]),
        (vec![2], vec![2, 1]),
        (vec![1, 2], vec![1, 2]),
        (vec![2, 1], vec![2, 1]),
    ];
    expect("command: two submitters", &expected, || {
        with_ring(0, |submitter, mut processor| {
            let other = thread::spawn(move || submitter.submit(&[packet(1)]));
            let own = thread::spawn(move || submitter.submit(&[packet(2)]));
            let before = seen(&mut processor);
            for submitted in [other, own] {
                let submitted = submitted.join().unwrap();
                assert_eq!(
                    submitted.map(|one| one.count),
                    Ok(1),
                    "there is room for both"
                );
            }
            (before, seen(&mut processor))
        })
    });
}

/// The slot of the first packet is written again only when the processor has it; a submitter that
/// is told that the ring is full was told so rightly.
#[test]
fn c6_a_slot_is_given_back_behind_its_packet_and_full_means_full() {
    let expected = [
        (vec![1, 2], false),
        (vec![1, 2], true),
        (vec![1, 2, 3], true),
    ];
    expect("command: read position", &expected, || {
        with_ring(0, |submitter, mut processor| {
            assert!(submitter.submit(&[packet(1), packet(2)]).is_ok());
            let other = thread::spawn(move || submitter.submit(&[packet(3)]));
            let before = seen(&mut processor);
            let third = other.join().unwrap();
            let is_accepted = third.is_ok();
            assert!(is_accepted || third == Err(SubmitError::Full { slots: 2 }));
            let all: Vec<u64> = (1..=2 + u64::from(is_accepted)).collect();
            assert_eq!(seen(&mut processor), all);
            (before, is_accepted)
        })
    });
}

/// What stands in front of a packet that is claimed and not published is carried out; the processor
/// says that it waits for its publication, and by and by has it.
#[test]
fn c6_a_packet_that_is_claimed_and_not_published_holds_up_what_is_behind_it_alone() {
    let expected = [
        (vec![1], "submission"),
        (vec![1], "publication"),
        (vec![1, 2], "submission"),
    ];
    expect("command: stalled submitter", &expected, || {
        with_ring(0, |submitter, mut processor| {
            assert!(submitter.submit(&[packet(1)]).is_ok());
            let other = thread::spawn(move || submitter.submit(&[packet(2)]));
            let before = seen(&mut processor);
            let blocker = processor.snapshot().blocker.expect("there is nothing more");
            assert_eq!(blocker.place.position, before.len() as u64);
            let waits_for = match blocker.waits_for {
                WaitsFor::Submission => "submission",
                WaitsFor::Publication(_) => "publication",
                other => panic!("{other:?}"),
            };
            assert!(other.join().unwrap().is_ok());
            assert_eq!(seen(&mut processor), [1, 2]);
            (before, waits_for)
        })
    });
}
