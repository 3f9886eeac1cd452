//! Attaching while placement runs: no mailbox yet, or a whole one.

use finbox_mailbox::{AttachError, model};
use finbox_tests::arena::{drain, push, with_memory};
use finbox_tests::outcomes::expect;
use loom::thread;

#[test]
fn whoever_attaches_during_placement_finds_nothing_or_a_whole_mailbox() {
    let nothing = AttachError::Magic { found: 0 }.to_string();
    expect(
        "place, attach",
        &[(Ok(1), vec![3]), (Err(nothing), vec![])],
        || {
            with_memory(2, |header, cells| {
                let other = thread::spawn(move || {
                    let producer =
                        model::attach(header, cells).map_err(|error| error.to_string())?;
                    assert!(push(&producer, 3), "a fresh mailbox has room");
                    Ok(producer.epoch())
                });
                let (_, mut consumer) = model::place(header, cells, &[], 1 << 40, 1);
                let attached = other.join().unwrap();
                (attached, drain(&mut consumer, 9))
            })
        },
    );
}
