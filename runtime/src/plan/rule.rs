//! The rules that order launches, by name: each is asked for where it is applied.

use super::rules::holds;
use crate::buffer::Access;

/// What orders uses of the same bytes, and launches of the same stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A read waits for the last write.
    ReadAfterWrite,
    /// A write waits for every read since the last write.
    WriteAfterRead,
    /// A write waits for the last write.
    WriteAfterWrite,
    /// Freed memory is given out again behind its last use.
    FreeAfterUse,
    /// A launch comes behind the one before it on its stream.
    Behind,
}

/// Whether one who touches a range so waits for its last write.
#[inline]
pub(crate) fn waits_for_writer(access: Access) -> bool {
    match access {
        Access::In => holds(Rule::ReadAfterWrite),
        Access::Out => holds(Rule::WriteAfterWrite),
        Access::InOut => holds(Rule::ReadAfterWrite) || holds(Rule::WriteAfterWrite),
    }
}
