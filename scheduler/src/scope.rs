//! Scopes: whoever submits says how long finished tasks must still be nameable.
//!
//! A task submitted while a scope is open is held by the innermost one: its slot and its output
//! memory are not reclaimed before that scope closes. Scopes nest. A scope holds a contiguous part
//! of one ring's life, together with what the scopes inside it hold, so opening and closing are
//! O(1): closing moves nothing, and the ring finds its tasks free when it comes to them.

use thiserror::Error;

/// One open scope, as its submitter remembers it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope {
    /// Where its ring stood when it opened.
    opened_at: u64,
    /// Tasks it holds itself.
    tasks: u32,
    /// Output bytes it holds itself.
    bytes: u64,
}

impl Scope {
    /// Tasks submitted to it.
    pub const fn tasks(&self) -> u32 {
        self.tasks
    }

    /// Output bytes of these tasks.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Why a scope was not opened or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScopeError {
    /// As many are open as the submitter has room for.
    #[error("{most} scopes are open, and no more may be")]
    TooDeep {
        /// Most scopes open at once.
        most: u8,
    },
    /// None is open.
    #[error("a scope is closed, and none is open")]
    NoneOpen,
}

/// The open scopes, innermost last.
#[derive(Debug)]
pub(crate) struct Scopes<'m> {
    stack: &'m mut [Scope],
    depth: u8,
}

impl<'m> Scopes<'m> {
    /// None open; as many may be as `stack` is long, at most 255.
    pub(crate) const fn new(stack: &'m mut [Scope]) -> Self {
        Self { stack, depth: 0 }
    }

    /// How many are open.
    #[inline]
    pub(crate) const fn depth(&self) -> u8 {
        self.depth
    }

    /// Opens one whose ring stands at `position`.
    pub(crate) fn open(&mut self, position: u64) -> Result<(), ScopeError> {
        let most = u8::try_from(self.stack.len()).unwrap_or(u8::MAX);
        if self.depth == most {
            return Err(ScopeError::TooDeep { most });
        }
        self.stack[usize::from(self.depth)] = Scope {
            opened_at: position,
            ..Scope::default()
        };
        self.depth += 1;
        Ok(())
    }

    /// Closes the innermost.
    pub(crate) fn close(&mut self) -> Result<Scope, ScopeError> {
        self.depth = self.depth.checked_sub(1).ok_or(ScopeError::NoneOpen)?;
        Ok(self.stack[usize::from(self.depth)])
    }

    /// The open scope at `depth`, 1 for the outermost.
    pub(crate) fn at(&self, depth: u8) -> &Scope {
        &self.stack[usize::from(depth) - 1]
    }

    /// Counts a task with `bytes` output bytes for the innermost scope, if one is open.
    #[inline]
    pub(crate) fn count(&mut self, bytes: u64) {
        if let Some(innermost) = self.depth.checked_sub(1) {
            let scope = &mut self.stack[usize::from(innermost)];
            scope.tasks += 1;
            scope.bytes += bytes;
        }
    }

    /// Whether a task submitted at `depth` and `position` of its ring is held by an open scope: by
    /// the one that is open at its depth now, if that had opened when the task came.
    #[inline]
    pub(crate) fn holds(&self, depth: u8, position: u64) -> bool {
        depth != 0 && depth <= self.depth && self.at(depth).opened_at <= position
    }
}
