//! Launch plans and timelines: what a launch waits for, what is refused, and what it leaves.
#![cfg(not(any(loom, shuttle)))]

mod hazards;
mod reference;
mod refusals;
mod timelines;

use std::ops::Range;

use finbox_runtime::plan::{Mode, Planner, Recorder};
use finbox_runtime::stream::{TimePoint, TimelineId, Wait};
use finbox_runtime::{Access, BufferId, BufferUse};

/// A strict planner with three streams.
fn planner() -> (Planner, [TimelineId; 3]) {
    let planner = Planner::new(Mode::Strict);
    let streams = ["a", "b", "c"].map(|name| planner.stream(name, 0));
    (planner, streams)
}

fn one(buffer: BufferId, range: Range<u64>, access: Access) -> BufferUse {
    BufferUse {
        buffer,
        range,
        access,
    }
}

/// Launches on `stream` with these uses, and says behind what.
fn launch(
    recorder: &mut Recorder<'_>,
    stream: TimelineId,
    uses: &[BufferUse],
) -> (TimePoint, Vec<TimePoint>) {
    launch_behind(recorder, stream, uses, &[])
}

fn launch_behind(
    recorder: &mut Recorder<'_>,
    stream: TimelineId,
    uses: &[BufferUse],
    waits: &[Wait],
) -> (TimePoint, Vec<TimePoint>) {
    let mut recording = recorder.record(stream, "launch");
    for one in uses {
        recording = recording.uses("argument", one.clone());
    }
    for &wait in waits {
        recording = recording.waits(wait);
    }
    let submitted = recording.plan().expect("nothing is wrong with it").commit();
    let waits = submitted.waits().iter().map(|wait| wait.point);
    (submitted.point(), waits.collect())
}
