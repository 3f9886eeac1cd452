//! The error of a report: a stable number and name, what happened, what to do next.
//!
//! Guarantees: text from outside cannot steer the terminal. Refuses: to know the causes; those
//! that are raised before a run have their numbers here, all others come from their owner. Called
//! by the command line, by the loaders of input files and by the run.

use serde::Serialize;

use super::words::printable;

/// A stable number and what people should know about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The number; never reused.
    pub number: u32,
    /// The name in capitals.
    pub name: &'static str,
    /// What happened.
    pub what: &'static str,
    /// What was lost.
    pub lost: &'static str,
    /// What to do next, where the error itself says nothing better.
    pub hint: &'static str,
}

impl Code {
    /// Every code of the command line, by number.
    pub const ALL: [Self; 12] = [
        Self::USAGE,
        Self::INPUT_UNREADABLE,
        Self::INPUT_INVALID,
        Self::WRONG_RESULT,
        Self::THREAD,
        Self::INTERRUPTED,
        Self::OUT_OF_MEMORY,
        Self::OUTPUT_UNWRITABLE,
        Self::DEVICE,
        Self::DEVICE_BLOCKED,
        Self::UNDECLARED_USE,
        Self::COMMAND_HALTED,
    ];

    /// The arguments were refused.
    pub const USAGE: Self = Self {
        number: 190,
        name: "USAGE",
        what: "The arguments were refused.",
        lost: "nothing: nothing ran",
        hint: "See `finbox help`.",
    };
    /// An input file is missing or cannot be read.
    pub const INPUT_UNREADABLE: Self = Self {
        number: 191,
        name: "INPUT_UNREADABLE",
        what: "An input file is missing or cannot be read.",
        lost: "nothing: nothing ran",
        hint: "Check the path and its permissions.",
    };
    /// An input file was read and is not valid.
    pub const INPUT_INVALID: Self = Self {
        number: 192,
        name: "INPUT_INVALID",
        what: "An input file was read and is not valid.",
        lost: "nothing: nothing ran",
        hint: "Correct the file at the place that the message names.",
    };
    /// The run ended and its result is wrong.
    pub const WRONG_RESULT: Self = Self {
        number: 193,
        name: "WRONG_RESULT",
        what: "The run ended, and its result or its ledger is wrong.",
        lost: "the result",
        hint: "This is a bug in finbox.",
    };
    /// The operating system gives no more threads.
    pub const THREAD: Self = Self {
        number: 194,
        name: "THREAD",
        what: "The operating system gives no more threads.",
        lost: "nothing: nothing ran",
        hint: "Raise the limit of processes (ulimit -u).",
    };
    /// A signal ended the run.
    pub const INTERRUPTED: Self = Self {
        number: 195,
        name: "INTERRUPTED",
        what: "SIGINT or SIGTERM ended the run before its tasks had ended.",
        lost: "the tasks that are unfinished",
        hint: "Run it again.",
    };
    /// The operating system gives no more memory.
    pub const OUT_OF_MEMORY: Self = Self {
        number: 196,
        name: "OUT_OF_MEMORY",
        what: "The operating system gives no more memory.",
        lost: "nothing if the input was being loaded, else the run and its report",
        hint: "Raise the limit of address space (ulimit -v), or take a smaller input.",
    };
    /// An output file cannot be written.
    pub const OUTPUT_UNWRITABLE: Self = Self {
        number: 197,
        name: "OUTPUT_UNWRITABLE",
        what: "An output file cannot be written.",
        lost: "nothing if the run had not begun, else that file",
        hint: "Check the path, its permissions and the room on the disk.",
    };
    /// A device library is not of this contract, or its machine refused something.
    pub const DEVICE: Self = Self {
        number: 198,
        name: "DEVICE",
        what: "A device library or its machine refused something, or lacks what is needed.",
        lost: "the run",
        hint: "`finbox device PLUGIN.so` shows what the device is and does.",
    };
    /// A function of a device library does not come back.
    pub const DEVICE_BLOCKED: Self = Self {
        number: 199,
        name: "DEVICE_BLOCKED",
        what: "A function of a device library was called and does not come back.",
        lost: "the tasks that are unfinished, and the process: it cannot end that thread",
        hint: "Look at the function that the message names: it must not wait for anybody.",
    };
    /// Tasks touched what they neither declared nor ordered.
    pub const UNDECLARED_USE: Self = Self {
        number: 200,
        name: "UNDECLARED_USE",
        what: "Tasks touched bytes that they neither declared nor ordered.",
        lost: "nothing here; with other timing perhaps the result",
        hint: "Declare the use, or order the task behind or before whoever touches the bytes.",
    };
    /// The processor of the command ring stopped for good.
    pub const COMMAND_HALTED: Self = Self {
        number: 201,
        name: "COMMAND_HALTED",
        what: "The command ring's processor stopped for good at a packet that it cannot carry out.",
        lost: "the packets from that one on, and the tasks that are unfinished",
        hint: "Look at who wrote the packet at that position, and make the ring anew.",
    };
}

/// What went wrong, for people and for scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorReport {
    /// The stable number.
    pub code: u32,
    /// The stable name.
    pub name: String,
    /// What happened and where, in one sentence.
    pub message: String,
    /// What to do next, in one line; may be empty.
    pub hint: String,
}

impl ErrorReport {
    /// An error of this code.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code: code.number,
            name: code.name.to_owned(),
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The lines for stderr: what happened, then what to do next.
    pub fn to_text(&self) -> String {
        let mut text = format!("error: {}\n", printable(&self.message));
        if !self.hint.is_empty() {
            text.push_str(&format!(" hint: {}\n", printable(&self.hint)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_happened_and_what_to_do_next() {
        let error = ErrorReport::new(Code::INPUT_UNREADABLE, "a.et cannot be read", "check it");
        assert_eq!(
            error.to_text(),
            "error: a.et cannot be read\n hint: check it\n"
        );
        assert_eq!((error.code, error.name.as_str()), (191, "INPUT_UNREADABLE"));
    }

    #[test]
    fn without_a_hint_there_is_no_hint_line() {
        assert_eq!(
            ErrorReport::new(Code::USAGE, "m", "").to_text(),
            "error: m\n"
        );
    }

    #[test]
    fn an_escape_sequence_is_shown_and_not_sent() {
        let error = ErrorReport::new(Code::USAGE, "a\u{1b}[2Jb\nc", "");
        assert_eq!(error.to_text(), "error: a\\u{1b}[2Jb\\nc\n");
    }
}
