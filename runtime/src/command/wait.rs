//! How a drain waits, whoever carries the packets out: the runtime's one wait, and a clock that
//! somebody gave.

use std::time::Duration;

use super::evidence::{Arrival, Halt, Journey, Snapshot};
use super::executor::Clock;
use super::processor::is_reached;
use crate::wait::{StopFlag, Waited, Watch};

/// Calls `look` with the time until it shows the target reached, or a halt before it, or the budget
/// is over.
pub(crate) fn wait_within<C: Clock>(
    journey: Journey,
    budget_ns: u64,
    clock: &C,
    mut look: impl FnMut(u64) -> Snapshot,
) -> Result<Arrival, Halt> {
    let stop = StopFlag::default();
    // The clock decides, below.
    let watch = Watch {
        stop: &stop,
        patience: Duration::MAX,
    };
    let (mut now_ns, mut turns) = (journey.began_ns, 0);
    let waited = watch.wait_for(|| {
        let snapshot = look(now_ns);
        now_ns = clock.now_ns();
        turns += u64::from(C::IS_STEPPED);
        let result = judge(&journey, &snapshot, (now_ns, budget_ns));
        (result, life(&snapshot).wrapping_add(turns))
    });
    match waited {
        Waited::Done(result) => result,
        Waited::NoProgress | Waited::Stopped => {
            unreachable!("its patience has no end, and nobody else has its stop flag")
        }
    }
}

fn judge(
    journey: &Journey,
    snapshot: &Snapshot,
    (now_ns, budget_ns): (u64, u64),
) -> Option<Result<Arrival, Halt>> {
    let position = snapshot.statistics.position;
    if is_reached(position, journey.target) {
        return Some(Ok(Arrival::Reached {
            position,
            not_reached: snapshot.left,
        }));
    }
    if let Some(halt) = snapshot.halt {
        return Some(Err(halt));
    }
    let is_over = now_ns.saturating_sub(journey.began_ns) >= budget_ns;
    is_over.then(|| Ok(Arrival::TimedOut(journey.evidence(snapshot, now_ns))))
}

/// A number that changes whenever the processor moved.
fn life(snapshot: &Snapshot) -> u64 {
    snapshot
        .statistics
        .packets()
        .wrapping_add(snapshot.statistics.completed)
}
