//! What a call says when it refuses: a number, and a text that stays until the thread's next one.
//!
//! Guarantees: a panic becomes a refusal, and goes no further. Numbers below 16 are the machine's
//! own. Called by every function of the table.

use std::any::Any;
use std::cell::RefCell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use finbox_abi::{Given, finbox_text};
use finbox_runtime::MachineError;
use thiserror::Error;

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Given(#[from] Given),
    #[error("{}", .0.text)]
    Machine(#[from] MachineError),
    #[error("no machine is open behind this context: it was closed, or never opened")]
    Context,
    #[error("the {0} are no UTF-8")]
    NoText(&'static str),
    #[error("{count} {what}; at most {most} can be given at once")]
    TooMany {
        what: &'static str,
        count: u64,
        most: u64,
    },
    #[error("the library panicked; its state may be damaged: {0}")]
    Panicked(String),
}

impl Refused {
    /// Its number, the same for ever.
    pub(crate) const fn code(&self) -> i32 {
        match self {
            Self::Machine(error) => error.code,
            Self::Given(_) => 16,
            Self::Context => 17,
            Self::NoText(_) => 18,
            Self::TooMany { .. } => 19,
            Self::Panicked(_) => 64,
        }
    }
}

thread_local! {
    /// What was refused last here.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a call's work: 0, or the number of what it refuses.
pub(crate) fn guard(work: impl FnOnce() -> Result<(), Refused>) -> i32 {
    let refused = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return 0,
        Ok(Err(refused)) => refused,
        Err(payload) => Refused::Panicked(words_of(payload)),
    };
    let text = refused.to_string();
    // A thread that is ending has no text any more, and the number says enough.
    let _kept = LAST.try_with(|last| last.replace(text));
    refused.code()
}

/// What was refused last on this thread, until something else is.
pub(crate) fn last() -> finbox_text {
    let text = |last: &RefCell<String>| finbox_text::of(&last.borrow());
    LAST.try_with(text).unwrap_or(finbox_text::EMPTY)
}

/// What a panic said.
fn words_of(payload: Box<dyn Any + Send>) -> String {
    let words = match payload.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => payload
            .downcast_ref::<&str>()
            .map_or_else(|| "it said nothing".to_owned(), |&text| text.to_owned()),
    };
    // What a stranger's payload does when it is dropped is unknown; it might panic again.
    mem::forget(payload);
    words
}

#[cfg(test)]
mod tests {
    use super::{Refused, guard, last};

    fn said() -> String {
        let text = last();
        // SAFETY: the text is this thread's, and nothing is refused meanwhile.
        let bytes = unsafe { text.bytes() };
        String::from_utf8(bytes.to_vec()).expect("the library writes UTF-8")
    }

    #[test]
    fn a_refusal_and_a_panic_leave_a_number_and_a_text() {
        assert_eq!((guard(|| Ok(())), said()), (0, String::new()));
        assert_eq!(guard(|| Err(Refused::Context)), 17);
        assert!(said().contains("no machine is open"));
        assert_eq!(guard(|| panic!("with {}", 7)), 64);
        assert!(said().ends_with("may be damaged: with 7"));
        let other = std::thread::spawn(said).join();
        assert_eq!(
            other.expect("it does not panic"),
            "",
            "a thread has its own"
        );
        assert_eq!(guard(|| Ok(())), 0);
        assert!(said().ends_with("with 7"), "what went well leaves it");
    }
}
