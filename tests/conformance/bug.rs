//! Bugs to plant: what authors get wrong, and which check must say so.

use finbox_abi::finbox_op_kind;

/// One mistake in a machine that is right otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// `operations` lacks a kind that every device can do.
    LacksCopy,
    /// It says another number of DMA queues each time it is asked.
    FactsChange,
    /// Time stands for a thousand calls, and then is a little earlier.
    TimeGoesBack,
    /// Time stands.
    TimeStands,
    /// Memory begins at multiples of 64 at most.
    AlignsToLines,
    /// Memory begins on the line on which the memory before it ends.
    SharesLines,
    /// Memory is not zeroed when it is given out again.
    KeepsBytes,
    /// `copy_in` copies whole pairs of bytes.
    CopiesPairsIn,
    /// `copy_out` copies from the aligned word.
    CopiesWordsOut,
    /// Memory that was released does not come back.
    ForgetsReleased,
    /// `release` refuses.
    RefusesRelease,
    /// `release` takes anything.
    ReleasesAnything,
    /// More memory is given out than there is.
    GivesTooMuch,
    /// `refresh` does nothing.
    RefreshIdles,
    /// `load_u64` gives the low half.
    LoadsHalf,
    /// `can_read` adds address and size, and wraps around.
    ReadsWrapped,
    /// `can_read` knows slabs only.
    ReadsNothing,
    /// Both parities have one slab.
    OneSlab,
    /// Slabs stand where memory is given out.
    SlabInMemory,
    /// A core's slabs begin on the same line as another core's end.
    SlabsOverlap,
    /// `store_u64` stores nothing behind the first line.
    StoresFirstLine,
    /// COND is 0 before the first token.
    CondZero,
    /// COND says FIN, and then ACK.
    FinThenAck,
    /// Core 1 never says FIN.
    Hangs,
    /// One place for launches, not two.
    OnePayload,
    /// The stride is not added.
    NoStride,
    /// The number of a block has 8 bits.
    ShortBlock,
    /// Subtasks are not looked at.
    AllSubtasks,
    /// A mixed block's rule is applied to others: they do only what names no subtask.
    SubtasksElsewhere,
    /// An operation of a kind does one unit too few, or what is nearest to that.
    Wrong(finbox_op_kind),
    /// `f32` operations are done in integers.
    TruncatesFloats,
    /// NOTIFY comes before the operation in front of it.
    NotifyFirst,
    /// AWAIT uses the other parity's slab.
    OtherSlab,
    /// 63 conditions fit.
    SixtyThree,
    /// 65 conditions are accepted: the last one goes lost.
    SixtyFive,
    /// Now and then FIN is said, and then the slab is written.
    FinBeforeSlab,
    /// A DMA queue says that a transfer has ended, and then copies.
    RecordEarly,
    /// Posts count from 0.
    PostsFromZero,
    /// Transfers of a queue end last posted first.
    PostsReversed,
    /// AWAIT_POST names the first post of its kernel.
    AwaitsFirstPost,
    /// AWAIT_POST registers a condition though nothing was posted.
    AwaitsNothing,
    /// LATER adds at once.
    LaterNow,
    /// LATER adds twice.
    LaterTwice,
    /// `load_kernel` looks at nothing.
    LoadsAnything,
    /// An unknown kernel ends without an error.
    UnknownIsFine,
    /// An unknown kernel takes the core along.
    UnknownHangs,
    /// NOTIFY loads, and stores in another step.
    NotifyTorn,
    /// The slot of a launch is taken for a part of the kernel's number.
    SlotIsKernel,
    /// COND is right on the thread that opened the machine.
    OneThread,
    /// An event's word moves before the bytes.
    EventEarly,
    /// An event takes a value again.
    EventRepeats,
    /// EXIT is not answered.
    IgnoresExit,
}

/// Each bug, and the check that catches it.
pub(crate) const PLANTED: &[(Bug, &str)] = &[
    (Bug::LacksCopy, "facts"),
    (Bug::FactsChange, "facts"),
    (Bug::TimeGoesBack, "time"),
    (Bug::TimeStands, "time"),
    (Bug::AlignsToLines, "memory-aligned"),
    (Bug::SharesLines, "memory-aligned"),
    (Bug::CopiesPairsIn, "memory-copied"),
    (Bug::CopiesWordsOut, "memory-copied"),
    (Bug::KeepsBytes, "memory-zeroed"),
    (Bug::ForgetsReleased, "memory-released"),
    (Bug::RefusesRelease, "memory-released"),
    (Bug::ReleasesAnything, "memory-released"),
    (Bug::GivesTooMuch, "memory-refused"),
    (Bug::RefreshIdles, "loads"),
    (Bug::LoadsHalf, "loads"),
    (Bug::ReadsWrapped, "can-read"),
    (Bug::ReadsNothing, "can-read"),
    (Bug::OneSlab, "slabs"),
    (Bug::SlabInMemory, "slabs"),
    (Bug::SlabsOverlap, "slabs"),
    (Bug::StoresFirstLine, "slab-stores"),
    (Bug::CondZero, "cond-reset"),
    (Bug::FinThenAck, "empty-kernel"),
    (Bug::Hangs, "empty-kernel"),
    (Bug::Wrong(finbox_op_kind::FillU32), "op-fill-u32"),
    (Bug::Wrong(finbox_op_kind::Copy), "op-copy"),
    (Bug::Wrong(finbox_op_kind::Busy), "op-busy"),
    (Bug::Wrong(finbox_op_kind::Notify), "op-notify"),
    (Bug::OnePayload, "two-tokens"),
    (Bug::NoStride, "launch-block"),
    (Bug::ShortBlock, "launch-block"),
    (Bug::AllSubtasks, "launch-subtask"),
    (Bug::SubtasksElsewhere, "launch-subtask"),
    (Bug::Wrong(finbox_op_kind::FillPattern), "op-fill-pattern"),
    (Bug::Wrong(finbox_op_kind::AddU32), "op-add-u32"),
    (
        Bug::Wrong(finbox_op_kind::AccumulateU32),
        "op-accumulate-u32",
    ),
    (Bug::Wrong(finbox_op_kind::AddF32), "op-add-f32"),
    (Bug::TruncatesFloats, "op-add-f32"),
    (Bug::Wrong(finbox_op_kind::ScaleF32), "op-scale-f32"),
    (Bug::TruncatesFloats, "op-scale-f32"),
    (
        Bug::Wrong(finbox_op_kind::AddCounterF32),
        "op-add-counter-f32",
    ),
    (Bug::NotifyFirst, "notify-last"),
    (Bug::Wrong(finbox_op_kind::Await), "op-await"),
    (Bug::OtherSlab, "op-await"),
    (Bug::SixtyThree, "await-64"),
    (Bug::SixtyFive, "await-65"),
    (Bug::FinBeforeSlab, "slab-before-fin"),
    (Bug::RecordEarly, "op-post"),
    (Bug::PostsFromZero, "op-post"),
    (Bug::Wrong(finbox_op_kind::Post), "op-post"),
    (Bug::PostsReversed, "post-order"),
    (Bug::AwaitsFirstPost, "post-order"),
    (Bug::AwaitsNothing, "post-order"),
    (Bug::Wrong(finbox_op_kind::AwaitPost), "op-post"),
    (Bug::LaterNow, "op-later"),
    (Bug::LaterTwice, "op-later"),
    (Bug::Wrong(finbox_op_kind::Later), "op-later"),
    (Bug::EventEarly, "events"),
    (Bug::EventRepeats, "events"),
    (Bug::LoadsAnything, "kernel-refused"),
    (Bug::UnknownIsFine, "kernel-unknown"),
    (Bug::UnknownHangs, "kernel-unknown"),
    (Bug::NotifyTorn, "cores-together"),
    (Bug::SlotIsKernel, "scheduler-passes"),
    (Bug::OneThread, "scheduler-threads"),
    (Bug::IgnoresExit, "exit"),
];
