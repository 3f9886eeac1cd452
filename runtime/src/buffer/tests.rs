//! What conflicts, what is forgotten, and what is refused.

use super::{Access, BufferId, BufferUse, Buffers, UseError};
use finbox_scheduler::{Fate, SlotId};
use std::ops::Range;

fn slot(index: u32) -> SlotId {
    SlotId::new(0, index, 1)
}

fn touch(
    buffers: &mut Buffers,
    (buffer, range, access): (BufferId, Range<u64>, Access),
    index: u32,
) -> Vec<SlotId> {
    let uses = [BufferUse {
        buffer,
        range,
        access,
    }];
    let mut after = Vec::new();
    buffers
        .plan(&uses, &mut after)
        .expect("the use is in range");
    buffers.record(&uses, slot(index), |_| Fate::Unfinished);
    after
}

#[test]
fn a_read_waits_for_the_write_and_a_write_for_the_reads() {
    let mut buffers = Buffers::default();
    let b = buffers.declare(8);
    assert_eq!(touch(&mut buffers, (b, 0..8, Access::Out), 0), []);
    assert_eq!(touch(&mut buffers, (b, 0..8, Access::In), 1), [slot(0)]);
    assert_eq!(touch(&mut buffers, (b, 0..8, Access::In), 2), [slot(0)]);
    let after = touch(&mut buffers, (b, 0..8, Access::InOut), 3);
    assert_eq!(after, [slot(0), slot(1), slot(2)]);
    assert_eq!(touch(&mut buffers, (b, 0..8, Access::In), 4), [slot(3)]);
}

#[test]
fn a_task_that_reads_the_same_bytes_again_is_remembered_once_and_every_look_is_counted() {
    let mut buffers = Buffers::default();
    let b = buffers.declare(8);
    touch(&mut buffers, (b, 0..8, Access::Out), 0);
    assert_eq!(buffers.steps(), 2, "one segment planned, one recorded");
    for _ in 0..2 {
        assert_eq!(touch(&mut buffers, (b, 0..8, Access::In), 1), [slot(0)]);
    }
    assert_eq!((buffers.state_of(b), buffers.steps()), (2, 8));
    assert_eq!(touch(&mut buffers, (b, 0..8, Access::In), 2), [slot(0)]);
    assert_eq!(buffers.state_of(b), 3);
}

#[test]
fn disjoint_halves_do_not_conflict_and_the_whole_waits_for_both() {
    let mut buffers = Buffers::default();
    let b = buffers.declare(8);
    assert_eq!(touch(&mut buffers, (b, 0..4, Access::Out), 0), []);
    assert_eq!(touch(&mut buffers, (b, 4..8, Access::Out), 1), []);
    assert_eq!(
        touch(&mut buffers, (b, 3..5, Access::In), 2),
        [slot(0), slot(1)]
    );
    assert_eq!(touch(&mut buffers, (b, 0..3, Access::Out), 3), [slot(0)]);
    let after = touch(&mut buffers, (b, 0..8, Access::Out), 4);
    assert_eq!(
        after,
        [slot(3), slot(0), slot(2), slot(1), slot(2), slot(1)]
    );
}

#[test]
fn a_freed_buffer_is_refused_and_names_the_argument() {
    let mut buffers = Buffers::default();
    let old = buffers.declare(8);
    let mut users = Vec::new();
    touch(&mut buffers, (old, 0..8, Access::Out), 0);
    buffers.free(old, &mut users).expect("it lives");
    assert_eq!(users, [slot(0)]);
    assert_eq!((buffers.bytes_of(old), buffers.state_of(old)), (0, 0));
    let new = buffers.declare(8);
    let uses = [new, old].map(|buffer| BufferUse {
        buffer,
        range: 0..1,
        access: Access::In,
    });
    let error = buffers.plan(&uses, &mut Vec::new());
    assert_eq!(
        error,
        Err(UseError::Stale {
            argument: 1,
            found: 0,
            current: 1
        })
    );
}

#[test]
fn a_range_outside_its_buffer_is_refused() {
    let mut buffers = Buffers::<SlotId>::default();
    let buffer = buffers.declare(8);
    for range in [4..9, 4..4, 9..10] {
        let uses = [BufferUse {
            buffer,
            range,
            access: Access::In,
        }];
        let error = buffers.plan(&uses, &mut Vec::new());
        assert!(matches!(
            error,
            Err(UseError::Range {
                argument: 0,
                bytes: 8,
                ..
            })
        ));
    }
}
