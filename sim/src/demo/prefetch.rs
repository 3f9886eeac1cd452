//! `prefetch_async`: 48 streams bring data while the consumers wait (facts.md §3).
//!
//! On every rank 48 deferred *prefetch* tasks, one a stream, get the rank's 128 values `i / 8` into
//! a buffer of their own; 48 *copy* tasks hand them on. All 48 wait at once. The transfers take the
//! time of more bytes than they carry, so that a copy that does not wait copies zeros.

use std::ops::RangeInclusive;

use super::values::{LATE_NS, START_NS, begin_with, end_with, values};
use crate::device::{CostModel, EngineMemory};
use crate::engine::{Lane, Transfer};
use crate::workload::{Access, Op, RankPlan, Shape, Span, TaskPlan, Workload};

/// How many ranks the demo runs on; each for itself.
pub const PREFETCH_RANKS: RangeInclusive<u32> = 1..=64;

/// Values that each stream brings.
const VALUES: u16 = 128;
const BYTES: u64 = VALUES as u64 * 4;
/// Streams.
const STREAMS: u16 = 48;
/// How long each transfer takes at least. A choice: 48 tasks a rank are through later than one.
const TAKES_NS: u64 = 4 * LATE_NS;
/// Kernels that copy 512 bytes. A choice.
const COPY_NS: u64 = 200;

/// The buffer of what is brought; behind it come staged and out, one after another, of each stream.
const SRC: u32 = 0;

/// The demo on `ranks` ranks, which must lie in [`PREFETCH_RANKS`].
pub fn prefetch_async(ranks: u32) -> Workload {
    let plans: Vec<RankPlan> = (0..ranks).map(plan).collect();
    let mut checks = Vec::new();
    for (rank, plan) in (0..).zip(&plans) {
        let golden = |stream| end_with(plan, rank, out(stream), values(VALUES, source));
        checks.extend((0..STREAMS).map(golden));
    }
    Workload {
        name: "prefetch_async".into(),
        order: Workload::order_by_turns(&plans),
        ranks: plans,
        golden: true,
        checks,
        ..Workload::default()
    }
}

/// `src[i] = i / 8`.
fn source(i: u16) -> f32 {
    f32::from(i) / 8.0
}

const fn staged(stream: u16) -> u32 {
    1 + 2 * stream as u32
}

const fn out(stream: u16) -> u32 {
    staged(stream) + 1
}

fn plan(rank: u32) -> RankPlan {
    let mut plan = RankPlan {
        engines: EngineMemory {
            sdma_streams: STREAMS,
            ..EngineMemory::default()
        },
        ..RankPlan::new(rank)
    };
    plan.add_buffer("src", BYTES, 64);
    for stream in 0..STREAMS {
        plan.add_buffer(&format!("staged {stream}"), BYTES, 64);
        plan.add_buffer(&format!("out {stream}"), BYTES, 64);
    }
    begin_with(&mut plan, SRC, &values(VALUES, source));
    for stream in 0..STREAMS {
        let tasks = [prefetch(&plan, stream), copy(&plan, stream)];
        plan.tasks.extend(tasks);
    }
    plan
}

fn prefetch(plan: &RankPlan, stream: u16) -> TaskPlan {
    let (lane, staged) = (Lane::Sdma { stream }, staged(stream));
    let transfer = Transfer::get(plan.rank, plan.offset(SRC), plan.offset(staged), BYTES)
        .timed(CostModel::A2A3.sdma.bytes_per_us * TAKES_NS / 1_000);
    TaskPlan {
        uses: vec![plan.whole(SRC, Access::In), plan.whole(staged, Access::Out)].into(),
        defers: 1,
        program: vec![Op::Post { lane, transfer }, Op::AwaitPost { lane }].into(),
        output: Some(plan.span(staged)),
        ..TaskPlan::new(format!("prefetch {stream}"), Shape::Aiv, START_NS)
    }
}

fn copy(plan: &RankPlan, stream: u16) -> TaskPlan {
    let (staged, out) = (staged(stream), out(stream));
    let Span { at: from, bytes } = plan.span(staged);
    TaskPlan {
        uses: vec![plan.whole(staged, Access::In), plan.whole(out, Access::Out)].into(),
        program: vec![Op::Copy {
            from,
            to: plan.offset(out),
            bytes,
        }]
        .into(),
        output: Some(plan.span(out)),
        ..TaskPlan::new(format!("copy {stream}"), Shape::Aiv, COPY_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::{PREFETCH_RANKS, prefetch_async};
    use crate::demo::by_hand::run_in;
    use finbox_scheduler::{A2A3, A5};

    #[test]
    fn every_stream_brings_the_source_bit_for_bit() {
        for target in [A2A3, A5] {
            for ranks in [*PREFETCH_RANKS.start(), 3, *PREFETCH_RANKS.end()] {
                let workload = prefetch_async(ranks);
                assert_eq!(workload.check(), Ok(()));
                assert_eq!(workload.planned_conditions(), 48 * u64::from(ranks));
                let devices = run_in(&workload, target, &workload.order);
                assert_eq!(workload.verify(&devices).max_diff, Some(0.0));
                let last = devices[0].data_address(workload.checks[47].at + 127 * 4);
                assert_eq!(devices[0].dram().load_f32(last), 15.875);
            }
        }
    }

    #[test]
    fn a_copy_before_its_prefetch_copies_zeros() {
        let workload = prefetch_async(1);
        let mut order = workload.order.clone();
        order.swap(94, 95);
        let devices = run_in(&workload, A2A3, &order);
        let found = workload.verify(&devices);
        assert_eq!((found.wrong, found.max_diff), (127, Some(15.875)));
    }
}
