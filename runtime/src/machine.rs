//! A machine: several ranks' chips, their memory, and kernels that are loaded into them.
//!
//! What the scheduler asks of a chip is its [`Port`]; this is the rest: what whoever sets a run up
//! asks. Implemented by device libraries (`plugin`), by the simulator and by the tests' model; used
//! by the conformance suite and by whoever runs tasks on a device.

use finbox_abi::{finbox_event, finbox_event_copy, finbox_op};
use finbox_scheduler::{Port, Target};
use thiserror::Error;

/// What a machine is. It never changes.
#[derive(Clone, Copy, Debug)]
pub struct MachineFacts {
    /// Every rank's chip.
    pub target: &'static Target,
    /// Ranks, 1 to 64.
    pub ranks: u32,
    /// Cubes and vectors of a rank, 1 to the target's.
    pub cores: u16,
    /// Host lanes of a rank, behind its cores.
    pub host_lanes: u16,
    /// DMA queues of a rank.
    pub dma_queues: u32,
    /// Whether the control CPU sees without a refresh what cores and DMA wrote.
    pub is_coherent: bool,
    /// Bytes of memory of a rank that can be allocated.
    pub memory_bytes: u64,
    /// What its cores can do: the bits of
    /// [`finbox_op_kind`](finbox_abi::finbox_op_kind).
    pub operations: u64,
}

/// A machine refused something.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{doing}: {text} ({code})")]
pub struct MachineError {
    /// What it was asked to do.
    pub doing: &'static str,
    /// Its number for what happened, never 0.
    pub code: i32,
    /// Its words for it.
    pub text: String,
}

/// Timelines that a machine advances by itself, each a 64-bit word that begins at 0 and that the
/// control CPU reads behind a refresh; for a planner they are foreign timelines.
pub trait Events: Sync {
    /// Makes an event of `rank`.
    ///
    /// # Errors
    /// What the machine says.
    fn open_event(&self, rank: u32) -> Result<finbox_event, MachineError>;

    /// Ends an event whose copies have ended.
    ///
    /// # Errors
    /// What the machine says, if it is none, or is in use.
    fn close_event(&self, event: &finbox_event) -> Result<(), MachineError>;

    /// Has the machine copy bytes and then advance the event's word to the copy's value.
    ///
    /// # Errors
    /// What the machine says: the value does not grow, or bytes are not given out.
    fn event_copy(
        &self,
        event: &finbox_event,
        copy: &finbox_event_copy,
    ) -> Result<(), MachineError>;
}

/// Chips with memory and kernels. Device addresses are of all ranks: none has the same as another,
/// slabs included. Its cores are as after a reset until somebody gives them a token; a scheduler on
/// cores that ran something goes on behind that
/// ([`Arena::go_on_behind`](crate::Arena::go_on_behind)).
pub trait Machine: Sync {
    /// One rank's chip as the scheduler sees it.
    type Port<'m>: Port + Send
    where
        Self: 'm;

    /// What it is.
    fn facts(&self) -> MachineFacts;

    /// The port of a rank; all ports of a rank are of the same chip.
    fn port(&self, rank: u32) -> Self::Port<'_>;

    /// Zeroed memory of `rank`, at a multiple of `align`, a power of two: readable by its control
    /// CPU, by its cores, and by its peers' cores and DMA. Its address is not 0.
    ///
    /// # Errors
    /// What the machine says, if there is not so much.
    fn allocate(&self, rank: u32, size_bytes: u64, align: u64) -> Result<u64, MachineError>;

    /// Gives memory of `rank` back, by its address.
    ///
    /// # Errors
    /// What the machine says, if that was not given out.
    fn release(&self, rank: u32, address: u64) -> Result<(), MachineError>;

    /// Copies bytes into memory that was given out; kernels that start afterwards see them, and the
    /// control CPU behind a refresh.
    ///
    /// # Errors
    /// What the machine says.
    fn copy_in(&self, address: u64, bytes: &[u8]) -> Result<(), MachineError>;

    /// Copies bytes out of memory that was given out: what kernels wrote before their FIN is there.
    ///
    /// # Errors
    /// What the machine says.
    fn copy_out(&self, bytes: &mut [u8], address: u64) -> Result<(), MachineError>;

    /// Makes a kernel for the cores of `rank`; tasks name it by the number.
    ///
    /// # Errors
    /// What the machine says, if its cores cannot do an operation, or an operation reads or writes
    /// where no memory is given out.
    fn load_kernel(&self, rank: u32, ops: &[finbox_op]) -> Result<u64, MachineError>;

    /// Its events, if it has any.
    fn events(&self) -> Option<&dyn Events> {
        None
    }

    /// Lets the machine move on, where it does not by itself.
    fn turn(&self) {}
}
