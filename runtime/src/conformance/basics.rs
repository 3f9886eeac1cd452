//! Facts and time.

use finbox_abi::finbox_op_kind;
use finbox_scheduler::limits::MAX_CORES;

use super::rig::{Judged, Rig, Stop, demand};
use crate::machine::MachineFacts;

pub(super) fn facts(rig: &mut Rig<'_>) -> Judged {
    let facts = rig.facts;
    numbers(&facts)?;
    abilities(&facts)?;
    let again = rig.machine.facts();
    for ((what, first), (_, second)) in fields(&facts).into_iter().zip(fields(&again)) {
        demand!(
            first == second,
            "what a machine is never changes; {what} was {first}, and then {second}"
        );
    }
    rig.connect();
    Ok(())
}

fn fields(facts: &MachineFacts) -> [(&'static str, u64); 8] {
    [
        ("the target's number of cores", facts.target.cores().into()),
        ("ranks", facts.ranks.into()),
        ("cores", facts.cores.into()),
        ("host_lanes", facts.host_lanes.into()),
        ("dma_queues", facts.dma_queues.into()),
        ("is_coherent", facts.is_coherent.into()),
        ("memory_bytes", facts.memory_bytes),
        ("operations", facts.operations),
    ]
}

fn numbers(facts: &MachineFacts) -> Judged {
    let (target, lanes) = (
        facts.target,
        u64::from(facts.cores) + u64::from(facts.host_lanes),
    );
    let cores = u64::from(target.cores());
    let ranges = [
        ("ranks", u64::from(facts.ranks), 1, 64),
        ("cores", u64::from(facts.cores), 1, cores),
        ("cores + host_lanes", lanes, 1, MAX_CORES as u64),
        ("memory_bytes", facts.memory_bytes, 64, 1 << 60),
    ];
    for (what, value, least, most) in ranges {
        demand!(
            (least..=most).contains(&value),
            "`open` filled in {what} = {value}; a machine like {} has {least} to {most}",
            target.name
        );
    }
    demand!(
        facts.is_coherent || !target.coherent_dma,
        "`open` filled in is_coherent = 0, but the memory of {} is coherent",
        target.name
    );
    Ok(())
}

fn abilities(facts: &MachineFacts) -> Judged {
    let known = finbox_op_kind::ALL
        .iter()
        .fold(0, |bits, kind| bits | kind.bit());
    let unknown = facts.operations & !known;
    demand!(
        unknown == 0,
        "`operations` has bits {unknown:#x}, which are of no kind of operation"
    );
    for kind in finbox_op_kind::ALL {
        let is_missing = finbox_op_kind::REQUIRED & !facts.operations & kind.bit() != 0;
        demand!(
            !is_missing,
            "`operations` lacks bit {} (`{}`), which every device can do",
            kind as u32,
            kind.name()
        );
    }
    let both = [finbox_op_kind::Post, finbox_op_kind::AwaitPost];
    let said = both.map(|kind| facts.operations & kind.bit() != 0);
    demand!(
        said[0] == said[1],
        "`operations` names one of `post` and `await_post`; neither is of use without the other"
    );
    Ok(())
}

pub(super) fn time(rig: &mut Rig<'_>) -> Judged {
    for rank in rig.ranks() {
        let (port, other) = (rig.port(rank), rig.machine.port(rank));
        let first = port.now();
        let mut last = first;
        let mut looks = 0_u32;
        let back = rig.wait_for(
            || format!("`now` of rank {rank} to move on from {first} ns"),
            || {
                for now in [port.now(), other.now()] {
                    if now < last {
                        return Some(Some((last, now)));
                    }
                    last = now;
                }
                looks += 1;
                (looks > 1000 && last > first).then_some(None)
            },
        )?;
        if let Some((before, now)) = back {
            let what = format!("`now` of rank {rank} said {before} ns, and after that {now} ns");
            return Err(Stop::Fail(format!("{what}; time never goes back")));
        }
    }
    Ok(())
}
