//! Any bytes as a command line: a command, or a refusal in words.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use finbox_sim::app::target_facts;
use finbox_sim::cli::{Command, parse, wants_json};

/// The arguments, one a line.
pub(crate) fn target(data: &[u8]) {
    let words = data.split(|&byte| byte == b'\n').map(OsStr::from_bytes);
    let line: Vec<&OsStr> = [OsStr::new("finbox")].into_iter().chain(words).collect();
    let facts = target_facts();
    let _ = wants_json(&line);
    match parse(&line, &facts) {
        Ok(Command::Run(options)) => {
            assert_eq!(parse(&line, &facts), Ok(Command::Run(options)));
        }
        Ok(Command::Text(text) | Command::Help(text) | Command::Version(text)) => {
            assert!(!text.is_empty())
        }
        Ok(_) => {}
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}
