//! Kernels that `load_kernel` refuses.

use finbox_abi::finbox_op_kind::{Await, Copy, FillU32, Notify, Post};
use finbox_abi::{finbox_op, finbox_op_kind};

use super::ops::{moves, notify, op};
use super::rig::{Judged, LINE, Rig, Stop, demand};

pub(super) fn refused(rig: &mut Rig<'_>) -> Judged {
    for rank in rig.ranks().take(2) {
        let at = rig.memory(rank, LINE)?;
        let gone = rig.memory(rank, 4 * LINE)?;
        rig.give_back(rank, gone)?;
        let good = moves(FillU32, 0, at, 1);
        let mut bad: Vec<(String, finbox_op)> = Vec::new();
        for kind in [14, 63, 64, 0x8000_0000, u32::MAX] {
            bad.push((
                format!("kind {kind}, which is none"),
                finbox_op { kind, ..good },
            ));
        }
        for kind in finbox_op_kind::ALL {
            if rig.facts.operations & kind.bit() == 0 {
                let name = kind.name();
                bad.push((
                    format!("`{name}`, which `operations` does not name"),
                    op(kind),
                ));
            }
        }
        for (address, what) in [
            (0, "null"),
            (gone, "memory that was released"),
            (u64::MAX - 63, "no memory at all"),
        ] {
            let ops = [
                moves(FillU32, 0, address, 1),
                moves(Copy, at, address, 4),
                moves(Copy, address, at, 4),
                notify(address, 1),
                moves(Await, address, 0, 0),
            ];
            for one in ops {
                let name = finbox_op_kind::of(one.kind).map_or("", finbox_op_kind::name);
                bad.push((format!("`{name}` at {address:#x}, which is {what}"), one));
            }
        }
        if rig.needs(&[Post]).is_ok() {
            let queue = rig.facts.dma_queues;
            let post = finbox_op {
                queue,
                ..moves(Post, at, at + 8, 4)
            };
            bad.push((format!("`post` to queue {queue} of {queue}"), post));
        }
        for (what, one) in bad {
            let loaded = rig.machine.load_kernel(rank, &[good, one]);
            demand!(
                loaded.is_err(),
                "`load_kernel` of rank {rank} took an operation that it must refuse: {what}"
            );
        }
        distinct(rig, rank, at)?;
    }
    Ok(())
}

/// Good kernels are taken behind refused ones, and each has a number of its own.
fn distinct(rig: &mut Rig<'_>, rank: u32, at: u64) -> Judged {
    let fill = |value| finbox_op {
        value,
        ..moves(FillU32, 0, at, 1)
    };
    let [one, other] = [rig.kernel(rank, &[fill(1)])?, rig.kernel(rank, &[fill(2)])?];
    let added = rig.kernel(
        rank,
        &[finbox_op {
            to: at,
            value: 2,
            ..op(Notify)
        }],
    )?;
    if one == other || other == added || one == added {
        return Err(Stop::Fail(format!(
            "`load_kernel` of rank {rank} gave three kernels the numbers {one}, {other}, {added}"
        )));
    }
    for (kernel, expected) in [(other, 2), (added, 4), (one, 1)] {
        let core = rig.worker(rank)?;
        rig.work(core, &super::tokens::Job::of(kernel))?;
        let found = rig.sees(rank, at);
        demand!(
            found == expected,
            "{core} was given kernel {kernel} and left {found}, expected {expected}: it ran \
             another one of `load_kernel`"
        );
    }
    Ok(())
}
