//! Every kind of fault, once.
//!
//! Guarantees: one row a kind, in the order of the kinds (tested). A row says how often the kind
//! strikes by default and what may follow; whatever else follows is a bug. Called by the command
//! line, the injector and whoever judges a run.

use finbox_scheduler::FaultCode;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum FaultKind {
    /// A core's FIN never reaches COND.
    FinLost,
    /// A FIN is seen again while the next token runs.
    FinDuplicated,
    /// A FIN of a token that was never dispatched.
    FinUnknown,
    /// More FINs than there are subtasks.
    FinExtra,
    /// A FIN of an older token.
    FinStale,
    /// A FIN after its task's budget has passed.
    FinLate,
    /// FINs of different cores in any order.
    FinReorder,
    /// A core never ends a kernel.
    CoreHang,
    /// All cores of a rank do.
    AllCoresHang,
    /// A core is many times slower.
    CoreSlow,
    /// COND holds nonsense for a while.
    CondGarbage,
    /// An engine's counter does not move.
    CounterStuck,
    /// A peer's notification never arrives.
    NotifyLost,
    /// A counter goes beyond what anybody waits for.
    CounterOvershoot,
    /// Counters begin just below 2³².
    CounterWrap,
    /// A counter goes back for a while.
    CounterBack,
    /// A FIN handler dies between claim and publish.
    ProducerDies,
    /// Nobody takes messages for a while.
    MailboxFull,
    /// Nobody takes messages any more.
    MailboxFullForever,
    /// Thousands of tasks wait at once.
    Crowd,
    /// A task registers 65 conditions.
    Conditions65,
    /// An operation of an engine fails.
    EngineError,
    /// Several tasks fail at once.
    Errors,
    /// The device is reset in mid-run.
    DeviceReset,
    /// A notification is late.
    NotifyLate,
    /// Everything arrives before anybody waits for it.
    NotifyEarly,
    /// A notification arrives twice.
    NotifyDuplicated,
    /// A rank dies.
    PeerDead,
    /// A rank that was declared dead goes on.
    PeerReturns,
    /// What goes over a link takes longer.
    LinkSlow,
    /// A persistent worker dies with an item in hand.
    WorkerDies,
    /// A persistent worker never comes back from an item.
    WorkerHangs,
    /// A persistent worker tells of an item twice.
    WorkerTwice,
    /// A persistent worker stands still between an item's claim and its message.
    WorkerStalls,
    /// A batch of packets is in the command ring, and nobody rings.
    BellLost,
    /// The bell is rung twice.
    BellDoubled,
    /// Whoever submits crashes between claim and publication of a packet.
    PacketTorn,
    /// A packet that was recorded in another run.
    PacketOtherEpoch,
    /// A packet is none.
    PacketGarbage,
    /// An indirect buffer jumps to itself.
    PacketLoop,
}

/// When a kind may strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A core starts a kernel.
    Start,
    /// A core says ACK.
    Ack,
    /// A core says FIN.
    Fin,
    /// A peer's counter is to go up.
    Notify,
    /// An engine is done.
    Engine,
    /// A FIN handler pushes a batch.
    Batch,
    /// A persistent worker takes an item.
    Item,
    /// A batch of packets is in the command ring, and its processor is to be rung.
    Bell,
    /// A batch of packets is written into the command ring.
    Packet,
    /// Before the run: it changes the workload.
    Workload,
}

/// What is known about a kind.
#[derive(Clone, Copy, Debug)]
pub struct FaultInfo {
    /// The kind.
    pub kind: FaultKind,
    /// Its name on the command line.
    pub name: &'static str,
    /// Its row in the fault model; 0: beside it.
    pub row: u8,
    /// When it may strike.
    pub on: Occasion,
    /// It strikes one occasion in so many; 0: once.
    pub usually: u16,
    /// What its argument means; empty: it takes none.
    pub argument: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Codes of what may fail by it, not of what follows: who waits for a task that did not
    /// complete may miss its budget. None: everything completes all the same.
    pub codes: &'static [FaultCode],
    /// Whether the run may end as stuck.
    pub may_stall: bool,
    /// Whether the processor of the command ring may stop for good.
    pub may_halt: bool,
}

impl FaultInfo {
    /// Whether it strikes once, and has nothing to be told.
    pub const fn takes_none(&self) -> bool {
        self.argument.is_empty()
    }

    /// Whether every task must complete, however often it strikes.
    pub const fn is_harmless(&self) -> bool {
        self.codes.is_empty() && !self.may_stall && !self.may_halt
    }
}

impl FaultKind {
    /// What is known about it.
    pub const fn info(self) -> &'static FaultInfo {
        &TABLE[self as usize]
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        let row = TABLE.iter().find(|row| row.name == name)?;
        Some(row.kind)
    }
}

/// What most arguments mean.
const ONE_IN: &str = "strikes one occasion in N; 0: once";

/// A row of a kind after which everything completes.
const fn harmless(kind: FaultKind, name: &'static str, row: u8, on: Occasion) -> FaultInfo {
    FaultInfo {
        kind,
        name,
        row,
        on,
        usually: 0,
        argument: ONE_IN,
        about: "",
        codes: &[],
        may_stall: false,
        may_halt: false,
    }
}

const fn harmful(
    (kind, name, row): (FaultKind, &'static str, u8),
    on: Occasion,
    codes: &'static [FaultCode],
) -> FaultInfo {
    FaultInfo {
        codes,
        ..harmless(kind, name, row, on)
    }
}

impl FaultInfo {
    const fn says(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    const fn one_in(self, usually: u16) -> Self {
        Self { usually, ..self }
    }

    const fn takes(self, argument: &'static str) -> Self {
        Self { argument, ..self }
    }

    const fn stalls(self) -> Self {
        Self {
            may_stall: true,
            ..self
        }
    }

    const fn halts(self) -> Self {
        Self {
            may_halt: true,
            ..self
        }
    }
}

use FaultCode as Code;
use FaultKind as Kind;
use Occasion as On;

/// A core was lost with what it ran, and perhaps it was the last of its shape.
const LOST: &[Code] = &[
    Code::TaskTimeout,
    Code::CoreLost,
    Code::NoCoreLeft,
    Code::RequireSyncStartInvalid,
];

/// A core said what no token explains: it is out of the pool, perhaps as the last of its shape.
const SUSPECT: &[Code] = &[
    Code::ProtocolError,
    Code::NoCoreLeft,
    Code::RequireSyncStartInvalid,
];

/// Tasks fail by themselves.
const OVERFLOW: &[Code] = &[Code::AsyncWaitOverflow];

/// Engines fail.
const ENGINE: &[Code] = &[Code::AsyncCompletionInvalid];

/// What was in flight is lost.
const RESET: &[Code] = &[Code::DeviceReset];

/// Waits for a dead rank fail; what it had itself is lost with its cores, and what its engines did.
const DEAD: &[Code] = &[
    Code::PeerDead,
    Code::TaskTimeout,
    Code::CoreLost,
    Code::NoCoreLeft,
    Code::RequireSyncStartInvalid,
    Code::AsyncWaitTimeout,
];

/// What was claimed is lost, and the mailbox with it; what stood behind it comes late.
const GAP: &[Code] = &[Code::MailboxGap, Code::AsyncWaitTimeout];

/// A condition's time is up.
const UNMET: &[Code] = &[Code::AsyncWaitTimeout];

/// Every kind, in the order of [`FaultKind`].
pub const TABLE: &[FaultInfo] = &[
    harmful((Kind::FinLost, "fin-lost", 1), On::Fin, LOST)
        .says("a FIN never reaches COND: the task's budget finds it"),
    harmless(Kind::FinDuplicated, "fin-duplicated", 2, On::Ack)
        .says("the last FIN is seen again while the next token runs"),
    harmful((Kind::FinUnknown, "fin-unknown", 3), On::Ack, SUSPECT)
        .says("a FIN of a token that was never dispatched"),
    harmful((Kind::FinExtra, "fin-extra", 4), On::Fin, SUSPECT)
        .says("FINs around the true one: of a subtask that is not there, and again"),
    harmless(Kind::FinStale, "fin-stale", 5, On::Ack).says("a FIN of a token before the last one"),
    harmful((Kind::FinLate, "fin-late", 6), On::Fin, LOST)
        .says("a FIN comes after its task's budget has passed"),
    harmless(Kind::FinReorder, "fin-reorder", 8, On::Fin)
        .one_in(1)
        .says("FINs take up to 20 µs more, so those of different cores come in any order"),
    harmful((Kind::CoreHang, "core-hang", 9), On::Start, LOST)
        .says("a core never ends the kernel that it starts"),
    harmful((Kind::AllCoresHang, "all-cores-hang", 10), On::Start, LOST)
        .says("from then on no core of that rank ends a kernel"),
    harmless(Kind::CoreSlow, "core-slow", 0, On::Start)
        .one_in(4)
        .says("a kernel takes 2 to 8 times as long"),
    harmful((Kind::CondGarbage, "cond-garbage", 11), On::Ack, SUSPECT)
        .says("COND holds nonsense for a while, 0xFFFFFFFF included"),
    harmful((Kind::CounterStuck, "counter-stuck", 12), On::Engine, UNMET)
        .says("an engine ends without moving its counter"),
    harmful((Kind::NotifyLost, "notify-lost", 12), On::Notify, UNMET)
        .says("a peer's notification never arrives"),
    harmless(Kind::CounterOvershoot, "counter-overshoot", 13, On::Notify)
        .says("a counter goes up by more than was asked for"),
    harmless(Kind::CounterWrap, "counter-wrap", 14, On::Workload)
        .takes("")
        .says("counters begin just below 2³², and what is waited for lies beyond"),
    harmless(Kind::CounterBack, "counter-back", 15, On::Notify)
        .says("a counter goes back by one for 3 µs before it goes up"),
    harmful((Kind::ProducerDies, "producer-dies", 21), On::Batch, GAP)
        .takes("one FIN handler in N dies, in one of its first N batches; 0: one, in its first")
        .says("a FIN handler dies between claim and publish, and another takes its place"),
    harmless(Kind::MailboxFull, "mailbox-full", 23, On::Start)
        .says("nobody takes messages for 200 µs"),
    harmful(
        (Kind::MailboxFullForever, "mailbox-full-forever", 24),
        On::Start,
        &[],
    )
    .stalls()
    .says("from then on nobody takes messages on that rank"),
    harmless(Kind::Crowd, "crowd", 30, On::Workload)
        .one_in(5_000)
        .takes("N tasks")
        .says("so many more tasks on the first rank, all of which defer"),
    harmful(
        (Kind::Conditions65, "conditions-65", 31),
        On::Workload,
        OVERFLOW,
    )
    .takes("")
    .says("a task registers 65 conditions"),
    harmful(
        (Kind::EngineError, "engine-error", 32),
        On::Workload,
        ENGINE,
    )
    .takes("")
    .says("the first operation of an SDMA or URMA queue fails"),
    harmful((Kind::Errors, "errors", 33), On::Workload, OVERFLOW)
        .one_in(3)
        .says("every N-th task registers 65 conditions"),
    harmful((Kind::DeviceReset, "device-reset", 34), On::Start, RESET)
        .says("all cores of a rank are reset while they run"),
    harmless(Kind::NotifyLate, "notify-late", 35, On::Notify)
        .one_in(2)
        .says("a notification comes up to 200 µs later"),
    harmless(Kind::NotifyEarly, "notify-early", 35, On::Notify)
        .one_in(2)
        .says("a notification arrives at once, before anybody waits for it"),
    harmless(Kind::NotifyDuplicated, "notify-duplicated", 35, On::Notify)
        .says("a notification arrives twice"),
    harmful((Kind::PeerDead, "peer-dead", 36), On::Start, DEAD)
        .says("a rank dies, and the others are told 50 µs later"),
    harmful((Kind::PeerReturns, "peer-returns", 37), On::Start, DEAD)
        .says("a rank is declared dead and goes on: what it still sends is of an old epoch"),
    harmless(Kind::LinkSlow, "link-slow", 0, On::Notify)
        .one_in(10)
        .takes(
            "FROM-TO:N or N: N times as long, 2 to 100, to every second rank if no link is named",
        )
        .says("puts, notifications and transfers over a link take so many times as long"),
    harmless(Kind::WorkerDies, "worker-dies", 0, On::Item).says(
        "a persistent worker dies with an item in hand, unless it is the last: another does it",
    ),
    harmful((Kind::WorkerHangs, "worker-hangs", 0), On::Item, LOST).says(
        "a persistent worker hangs with an item in hand, unless it is the last: another does it",
    ),
    harmless(Kind::WorkerTwice, "worker-twice", 0, On::Item)
        .says("a persistent worker tells of an item twice"),
    harmless(Kind::WorkerStalls, "worker-stalls", 0, On::Item)
        .says("a persistent worker takes up to 20 µs more for an item"),
    harmless(Kind::BellLost, "bell-lost", 0, On::Bell)
        .says("a batch of packets is in the command ring, and nobody rings"),
    harmless(Kind::BellDoubled, "bell-doubled", 0, On::Bell)
        .says("the command ring's bell is rung twice"),
    harmful((Kind::PacketTorn, "packet-torn", 0), On::Packet, &[])
        .stalls()
        .says("whoever submits packets crashes between claim and publication"),
    harmful((Kind::PacketOtherEpoch, "packet-epoch", 0), On::Packet, &[])
        .halts()
        .says("an indirect buffer holds a packet of another run"),
    harmful((Kind::PacketGarbage, "packet-garbage", 0), On::Packet, &[])
        .halts()
        .says("what stands in the command ring is no packet"),
    harmful((Kind::PacketLoop, "packet-loop", 0), On::Packet, &[])
        .stalls()
        .says("an indirect buffer jumps to itself for ever"),
];

#[cfg(test)]
mod tests {
    use super::{FaultKind, TABLE};

    #[test]
    fn every_kind_has_its_row_and_every_row_is_whole() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.kind as usize, index, "{}", row.name);
            assert_eq!(FaultKind::named(row.name), Some(row.kind));
            assert!(!row.about.is_empty());
            assert!(!row.takes_none() || row.usually == 0);
        }
        assert_eq!(FaultKind::named("fin"), None);
    }
}
