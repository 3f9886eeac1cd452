//! What a launch costs whoever plans it: recorded, planned and committed, with 2, 4 and 32 uses.
//!
//! Half of the uses read what the other stream wrote and half write, each a buffer of its own, so
//! every launch waits for the other stream's last. Nothing is allocated: the warm-up did it.

use finbox_runtime::plan::{Mode, Planner, Recorder};
use finbox_runtime::stream::{TimePoint, TimelineId};
use finbox_runtime::{Access, BufferId};

use crate::TIMES;

const BYTES: u64 = 64;

type Use = (BufferId, Access);

#[inline(always)]
fn launch<const N: usize>(
    recorder: &mut Recorder<'_>,
    stream: TimelineId,
    uses: &[Use; N],
) -> TimePoint {
    let mut recording = recorder.record(stream, "launch");
    for &(buffer, access) in uses {
        recording = match access {
            Access::In => recording.reads("argument", buffer, 0..BYTES),
            Access::Out | Access::InOut => recording.writes("argument", buffer, 0..BYTES),
        };
    }
    let submitted = recording.plan().expect("it is right").commit();
    assert!(submitted.waits().len() < 2);
    submitted.point()
}

macro_rules! counted {
    ($name:ident, $count:literal) => {
        // Functions with the same code would be made one.
        #[inline(never)]
        fn $name(
            recorder: &mut Recorder<'_>,
            stream: TimelineId,
            uses: &[Use; $count],
        ) -> TimePoint {
            launch(recorder, stream, uses)
        }
    };
}
counted!(count_plan_of_2, 2);
counted!(count_plan_of_4, 4);
counted!(count_plan_of_32, 32);

/// Two streams, each of which reads what the other writes.
fn course<const N: usize>(counted: impl Fn(&mut Recorder<'_>, TimelineId, &[Use; N]) -> TimePoint) {
    let planner = Planner::new(Mode::Strict);
    let streams = ["a", "b"].map(|name| planner.stream(name, 0));
    let mut recorder = planner.recorder();
    let own = [0, 1].map(|_| [(); N].map(|()| planner.declare(BYTES)));
    let uses = [0, 1].map(|index: usize| {
        std::array::from_fn(|at| match at < N / 2 {
            true => (own[1 - index][at], Access::In),
            false => (own[index][at - N / 2], Access::Out),
        })
    });
    for round in 0..u64::from(TIMES) {
        let is_counted = round >= u64::from(TIMES / 2);
        let points = [0, 1].map(|index: usize| match is_counted {
            true => counted(&mut recorder, streams[index], &uses[index]),
            false => launch(&mut recorder, streams[index], &uses[index]),
        });
        for point in points {
            planner.advance(point, round).expect("it is the next");
        }
    }
}

/// Each operation is counted `TIMES` times.
pub(crate) fn plans() {
    course(count_plan_of_2);
    course(count_plan_of_4);
    course(count_plan_of_32);
}
