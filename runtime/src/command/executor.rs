//! What carries packets out, and what time it is for whoever waits.
//!
//! An [`Executor`] never waits: it begins something, says that it cannot yet, or refuses for good.
//! What it began completes later, and whichever way it learns of that it tells in
//! [`Executor::look`]; [`Flight`](super::flight::Flight) counts each completion once.

use std::time::Instant;

use finbox_mailbox::Words;

use super::packet::{Launch, Signal, Transfer};

/// A number for something begun, never reused within a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkId(pub u64);

/// How a completion was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Somebody looked: a register, a counter, a queue.
    Polled,
    /// It came by itself: a message, a callback.
    Told,
}

impl Route {
    /// How many there are.
    pub const COUNT: usize = 2;

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has completed.
    Done,
    /// It has begun; [`Executor::look`] will tell of its end.
    Running,
    /// Nothing happened; ask again.
    NotYet,
}

/// The executor will never do this; the number is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub u32);

/// The device, as a processor sees it. One thread calls it, and it does not wait.
pub trait Executor {
    /// Starts a kernel.
    ///
    /// # Errors
    /// [`Refusal`]; nothing happened.
    fn launch(&mut self, work: WorkId, launch: &Launch) -> Result<Answer, Refusal>;

    /// Copies bytes.
    ///
    /// # Errors
    /// [`Refusal`]; nothing happened.
    fn copy(&mut self, work: WorkId, copy: &Transfer) -> Result<Answer, Refusal>;

    /// Changes a counter.
    ///
    /// # Errors
    /// [`Refusal`]; nothing happened.
    fn signal(&mut self, work: WorkId, signal: &Signal) -> Result<Answer, Refusal>;

    /// The value of a counter; `None`: it cannot be read yet.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such counter.
    fn counter(&mut self, address: u64) -> Result<Option<u32>, Refusal>;

    /// The packet at `index` of an indirect buffer.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such packet.
    fn fetch(&mut self, buffer: u64, index: u32) -> Result<Words, Refusal>;

    /// Tells of everything that completed since it was asked last, by whichever route. What is
    /// told twice counts once.
    fn look(&mut self, tell: &mut dyn FnMut(Route, WorkId));
}

/// What time it is: the host's, or a simulated machine's.
pub trait Clock {
    /// Whether time passes by being asked for. Then nobody sleeps while it waits.
    const IS_STEPPED: bool = false;

    /// Nanoseconds since some beginning; never less than before.
    fn now_ns(&self) -> u64;
}

/// The host's clock.
#[derive(Clone, Copy, Debug)]
pub struct HostClock(Instant);

impl HostClock {
    /// Begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for HostClock {
    fn now_ns(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
