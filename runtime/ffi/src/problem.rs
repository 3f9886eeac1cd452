//! Why a call was refused: its status, and a sentence with the numbers.

use finbox_abi::{Given, Missing};
use finbox_mailbox::work::{DoneError, NoWork, NoWorkerLine, NothingLeft, WorkFull, WorkRingError};
use finbox_mailbox::{AttachError, Malformed, NoLine, PlaceError, PushError, ResetError, SlotBits};
use finbox_scheduler::{ConfigError, ScopeError, SlotId, SubmitError};
use thiserror::Error;

use crate::edition::{Refusal, refuse_with, status_of};
use crate::scheduler::Taken;
use crate::status::finbox_status;

/// What stands in storage that should hold a handle ready for use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Unusable {
    #[error("another call uses this {0}")]
    Busy(&'static str),
    #[error("a callback of this {0} is running; it cannot be used from inside it")]
    Reentered(&'static str),
    #[error("this {0} was destroyed")]
    Destroyed(&'static str),
    #[error("no {0} stands here: never made, copied from elsewhere, or overwritten")]
    NotAHandle(&'static str),
    #[error("the storage for a {0} is neither all zero nor destroyed")]
    InUse(&'static str),
}

/// Why a call was refused. Kept a thread, and put into words only when these are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Problem {
    #[error(transparent)]
    Given(#[from] Given),
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error("{producers} producers: a mailbox has claim lines for at most 64")]
    Producers { producers: u32 },
    #[error("the name of a dead producer cannot be 0")]
    Nameless,
    #[error("a worker's name cannot be 0")]
    NamelessWorker,
    #[error("this scheduler has no work ring: place it with work_slots and workers")]
    NoWorkRing,
    #[error("this worker is of no scheduler: tell whoever pushed the item by a way of your own")]
    Unheard,
    #[error("a worker fails with a status of its own, and 0 says that all went well")]
    NoFailure,
    #[error("worker {name} has not left: let it leave, or say that it is lost")]
    WorkerLeft { name: u32 },
    #[error(transparent)]
    WorkRing(#[from] WorkRingError),
    #[error(transparent)]
    WorkFull(#[from] WorkFull),
    #[error("the work ring is closed: it takes no more items")]
    WorkClosed,
    #[error(transparent)]
    NoWork(#[from] NoWork),
    #[error(transparent)]
    Done(#[from] DoneError),
    #[error(transparent)]
    NoWorkerLine(#[from] NoWorkerLine),
    #[error(transparent)]
    NothingLeft(#[from] NothingLeft),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Attach(#[from] AttachError),
    #[error(transparent)]
    Push(#[from] PushError),
    #[error(transparent)]
    NoLine(#[from] NoLine),
    #[error(transparent)]
    Reset(#[from] ResetError),
    #[error("message {index}: {why}")]
    Malformed { index: u32, why: Malformed },
    #[error("target {number}: 1 is a2a3, 2 is a5, and this library was built for the sum {built}")]
    Target { number: u32, built: u32 },
    #[error("the memory has {given} bytes, and {needed} are needed")]
    Memory { needed: usize, given: usize },
    #[error(transparent)]
    Port(#[from] Missing),
    #[error("core {core} is at work for another run or has ended: its COND is {cond:#x}")]
    CoreAtWork { core: u16, cond: u32 },
    #[error("FIN handler {handler}: there are {handlers}, counted from 0")]
    NoHandler { handler: u32, handlers: usize },
    #[error("another call has {0}")]
    Taken(Taken),
    #[error("{what}: {count} are more than memory holds")]
    Count { what: &'static str, count: usize },
    #[error("{:?} is no task of this scheduler, or of another epoch of it", id(*slot))]
    Stranger { slot: u64 },
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error("the library's threads run this scheduler: stop them first")]
    Started,
    /// Its text, if texts are kept, was kept where it was refused: too large to be carried here.
    #[error("see the text that was kept")]
    Told(finbox_status),
    #[error(transparent)]
    Hosted(#[from] Refusal),
}

const fn id(slot: u64) -> SlotId {
    SlotId::from_bits(SlotBits(slot))
}

impl Problem {
    pub(crate) fn status(self) -> finbox_status {
        use finbox_status as Status;
        match self {
            Self::Given(given) => of_given(given),
            Self::Place(PlaceError::Unaligned { .. }) => Status::Misaligned,
            Self::Unusable(Unusable::Busy(_)) => Status::Busy,
            Self::Unusable(Unusable::Reentered(_)) => Status::Reentered,
            Self::Unusable(Unusable::Destroyed(_)) => Status::Destroyed,
            Self::Unusable(Unusable::NotAHandle(_)) => Status::NotAHandle,
            Self::Unusable(Unusable::InUse(_)) => Status::InUse,
            Self::Producers { .. } | Self::Nameless | Self::NamelessWorker | Self::WorkRing(_) => {
                Status::InvalidArgument
            }
            Self::NoWorkRing | Self::Unheard | Self::NoFailure => Status::InvalidArgument,
            Self::WorkerLeft { .. } => Status::Outstanding,
            Self::Place(PlaceError::Slots { .. }) => Status::InvalidArgument,
            Self::Place(PlaceError::TooSmall { .. }) => Status::TooSmall,
            Self::Place(PlaceError::Attached { .. }) => Status::Attached,
            Self::Place(PlaceError::Occupied { .. }) => Status::Occupied,
            Self::Attach(AttachError::Memory { .. }) => Status::TooSmall,
            Self::Attach(AttachError::Magic { .. }) => Status::NoMailbox,
            Self::Attach(AttachError::Version { .. }) => Status::LayoutVersion,
            Self::Attach(AttachError::Slots { .. } | AttachError::Claimers { .. }) => {
                Status::DamagedHeader
            }
            Self::Push(PushError::Full(_)) | Self::WorkFull(_) => Status::Full,
            Self::NoLine(_) | Self::NoWorkerLine(_) => Status::NoLine,
            Self::NoWork(NoWork::Empty) => Status::Empty,
            Self::WorkClosed | Self::NoWork(NoWork::Closed) => Status::Closed,
            Self::NoWork(NoWork::NotYet { .. }) => Status::NotPublished,
            Self::NoWork(NoWork::Holding { .. }) => Status::Holding,
            Self::Done(DoneError::Twice { .. }) => Status::Duplicate,
            Self::Done(DoneError::Stranger { .. }) => Status::NotHeld,
            Self::NothingLeft(_) => Status::NothingLeft,
            Self::Reset(ResetError::Undrained { .. }) => Status::Undrained,
            Self::Attach(AttachError::Condemned)
            | Self::Push(PushError::Condemned)
            | Self::Reset(ResetError::Condemned) => Status::Condemned,
            Self::Malformed { .. } => Status::MalformedMessage,
            Self::Target { .. } | Self::NoHandler { .. } | Self::Count { .. } => {
                Status::InvalidArgument
            }
            Self::Memory { .. } => Status::TooSmall,
            Self::Port(_) => Status::NullArgument,
            Self::CoreAtWork { .. } => Status::NotAtRest,
            Self::Taken(_) => Status::Busy,
            Self::Stranger { .. } => Status::UnknownTask,
            Self::Scope(ScopeError::TooDeep { .. }) => Status::NeverRoom,
            Self::Scope(ScopeError::NoneOpen) => Status::InvalidArgument,
            Self::Started => Status::Started,
            Self::Told(status) => status,
            Self::Hosted(refusal) => status_of(refusal),
        }
    }
}

const _: () = assert!(
    size_of::<Problem>() <= 40,
    "a call that is not refused does not pay for what it could be refused for"
);

impl From<ConfigError> for Problem {
    fn from(why: ConfigError) -> Self {
        refuse_with(finbox_status::InvalidArgument, &why)
    }
}

impl From<SubmitError> for Problem {
    fn from(why: SubmitError) -> Self {
        refuse_with(of_submission(why), &why)
    }
}

fn of_submission(why: SubmitError) -> finbox_status {
    match why {
        why if why.is_temporary() => finbox_status::NoRoom,
        SubmitError::UnknownDependency(_) | SubmitError::Reclaimed(_) => finbox_status::UnknownTask,
        SubmitError::Field { .. }
        | SubmitError::Cohort { .. }
        | SubmitError::NoWorkRing
        | SubmitError::NoCore(_) => finbox_status::InvalidArgument,
        _ => finbox_status::NeverRoom,
    }
}

fn of_given(given: Given) -> finbox_status {
    match given {
        Given::Null(_) => finbox_status::NullArgument,
        Given::Misaligned { .. } => finbox_status::Misaligned,
        Given::Size { .. } => finbox_status::StructSize,
        Given::UnknownField { .. } | Given::Extension(_) | Given::Flags(_) => {
            finbox_status::Unsupported
        }
    }
}
