//! L12: a launch plan, from recording to its point, allocates nothing in the steady state.

use finbox_runtime::plan::{Mode, Planner, Recorder};
use finbox_runtime::stream::TimelineId;
use finbox_runtime::{Access, BufferId, BufferUse};

use crate::COUNT;

/// Each stream reads what the other wrote and writes its own; every fifth plan is dropped.
fn round(
    planner: &Planner,
    recorder: &mut Recorder<'_>,
    streams: [TimelineId; 2],
    buffers: [BufferId; 2],
    number: u64,
) {
    let mut points = [None; 2];
    for own in 0..2 {
        let of = |index: usize, access| BufferUse {
            buffer: buffers[index],
            range: 0..32,
            access,
        };
        let recording = recorder.record(streams[own], "launch");
        let recording = recording.uses("in", of(1 - own, Access::In));
        let recording = recording.uses("out", of(own, Access::Out));
        let again = recording.uses("in again", of(1 - own, Access::In));
        let planned = again.plan().expect("it is right");
        if !number.is_multiple_of(5) {
            points[own] = Some(planned.commit().point());
        }
    }
    for point in points.into_iter().flatten() {
        planner.advance(point, number).expect("in order");
    }
}

#[test]
fn l12_a_launch_allocates_nothing_in_the_steady_state() {
    let planner = Planner::new(Mode::Strict);
    let streams = ["a", "b"].map(|name| planner.stream(name, 0));
    let buffers = [64, 64].map(|bytes| planner.declare(bytes));
    let mut recorder = planner.recorder();
    let mut freed = Vec::new();
    let mut before = 0;
    for number in 0..1_100 {
        if number == 100 {
            before = COUNT.get();
        }
        round(&planner, &mut recorder, streams, buffers, number);
        let gone = planner.declare(8);
        planner.free(gone).expect("it lives");
        freed.clear();
        planner.take_freed(&mut freed);
    }
    let allocated = COUNT.get() - before;
    let stats = planner.stats();
    assert_eq!((stats.planned, stats.dropped), (2_200, 440));
    // A declared buffer has a table of its own; a launch has nothing.
    assert_eq!(allocated, 1_000, "one a declaration");
}
