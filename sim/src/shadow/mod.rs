//! Shadow mode: what tasks declare beside the bytes that they really touch.
//!
//! Kernels, puts and transfers reach data through [`View`]s, which tell a [`Shadow`] of every
//! access; [`compare`] sets that against the plan. Guarantees: virtual time, events and digests are
//! the same with and without it; who is accused did touch those bytes, and neither declared them
//! nor ordered itself by other means with whoever touches them too. Streams and the points
//! that launches wait for are such means. Refuses to accuse tasks that declare no use at all: they
//! are counted, and only their order is looked at. Does not see what persistent workers touch: a
//! worker does not know whose item it does.
//!
//! | file | concept |
//! | --- | --- |
//! | `view` | memory as tasks reach it |
//! | `touch` | what was touched, while the run goes on |
//! | `spans` | sets of bytes |
//! | `names` | which buffer bytes belong to |
//! | `paths` | whether a plan orders two touches |
//! | `counters` | who adds to counters, and who waits for them |
//! | `conflicts` | which touches meet, in which order |
//! | `compare` | how each touch stands to what its task declares |
//! | `judge` | what is undeclared or unordered |

mod compare;
mod conflicts;
mod counters;
mod judge;
mod names;
mod paths;
mod spans;
#[cfg(test)]
mod tests;
mod touch;
mod view;

pub use self::compare::compare;
pub use self::touch::{Act, Shadow};
pub use self::view::{By, View};
