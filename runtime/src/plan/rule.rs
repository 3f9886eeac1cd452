//! The rules that order launches, by name: each is asked for where it is applied.

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
