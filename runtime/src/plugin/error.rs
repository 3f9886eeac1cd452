//! Why a device library, or a machine of it, is of no use here.

use std::fmt;
use std::path::{Path, PathBuf};

use finbox_abi::{FINBOX_DEVICE_ABI_MAJOR, FINBOX_DEVICE_ABI_MINOR, FINBOX_DEVICE_QUERY, Given};
use thiserror::Error;

use super::search::{DEVICE_PATH_VARIABLE, DEVICE_VARIABLE};
use crate::machine::MachineError;

/// A device library cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LibraryError {
    /// Nobody said which.
    #[error("no device library is named: set {DEVICE_VARIABLE} to its path, or name it")]
    Unset,
    /// There is no such file.
    #[error("there is no device library {}: {}; {}", .name.display(), .tried, next_path(.name))]
    Missing {
        /// What was asked for.
        name: PathBuf,
        /// Where it was looked for, and what came of that.
        tried: Tried,
    },
    /// The loader does not want it.
    #[error(
        "{} cannot be loaded: {text}; it must be a shared library for this machine, and what it \
         needs must be found (`ldd` lists that)",
        .path.display()
    )]
    Load {
        /// The file.
        path: PathBuf,
        /// The loader's words.
        text: String,
    },
    /// It is no device library.
    #[error(
        "{} exports no `{FINBOX_DEVICE_QUERY}`: it is no device library, or was linked so that \
         the symbol is hidden (`nm -D` lists what is exported)",
        .path.display()
    )]
    Symbol {
        /// The file.
        path: PathBuf,
    },
    /// It does not want to work here.
    #[error("{} refuses to be used: {}", .path.display(), or_nothing(.text))]
    Refused {
        /// The file.
        path: PathBuf,
        /// Its words.
        text: String,
    },
    /// It was built for another version of the contract.
    #[error(
        "{} was built for device ABI {}.{}, and this program has {OURS}: build it with this \
         program's finbox_device.h, or use a program for its ABI",
        .path.display(), .theirs.0, .theirs.1
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its major and minor version.
        theirs: (u32, u32),
    },
    /// Its table cannot be read.
    #[error(
        "the table of {} cannot be read: {given}; it says {}, and this program has {OURS}: build \
         it with this program's finbox_device.h",
        .path.display(), version(*.theirs)
    )]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        given: Given,
        /// Its major and minor version, if the table got so far.
        theirs: Option<(u32, u32)>,
    },
    /// A function of its table is null.
    #[error(
        "`{function}` of {} is null: only functions that finbox_device.h calls optional may be",
        .path.display()
    )]
    NullFunction {
        /// The file.
        path: PathBuf,
        /// Which.
        function: &'static str,
    },
    /// It announces a feature without the functions that come with it.
    #[error(
        "{} announces {feature} in its `features`, and has no readable {table} among its \
         `extensions`",
        .path.display()
    )]
    Feature {
        /// The file.
        path: PathBuf,
        /// Which feature.
        feature: &'static str,
        /// The extension that comes with it.
        table: &'static str,
    },
    /// Its cores cannot do what every machine's can.
    #[error(
        "the cores of {} cannot do {}: every device library must offer that, as a bit of \
         `operations`",
        .path.display(), .missing.join(", ")
    )]
    Operations {
        /// The file.
        path: PathBuf,
        /// Names of what is missing.
        missing: Vec<&'static str>,
    },
    /// It does not open a machine.
    #[error("{} opens no machine: {refusal}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What it says.
        refusal: MachineError,
    },
    /// What it says about the machine it opened cannot be.
    #[error(
        "the machine that {} opened cannot be used: {wrong}; it was closed again",
        .path.display()
    )]
    Machine {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        wrong: WrongMachine,
    },
}

/// What cannot be about a machine.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WrongMachine {
    /// A number that no chip family has.
    #[error("it says chip family {0}, and there are 1 (a2a3) and 2 (a5)")]
    Family(u32),
    /// A chip family that this program cannot drive.
    #[error("it is of {0}, and this program was built without the feature `{0}`")]
    NotBuilt(&'static str),
    /// A number outside its range.
    #[error("it says {value} {what}, outside {least} to {most}")]
    Range {
        /// Which number.
        what: &'static str,
        /// What it is.
        value: u32,
        /// Smallest allowed.
        least: u64,
        /// Largest allowed.
        most: u64,
    },
    /// Something else than was asked for.
    #[error("it says {found} {what}, and {asked} was asked for")]
    NotAsAsked {
        /// Which number.
        what: &'static str,
        /// What was asked for.
        asked: u64,
        /// What it is.
        found: u64,
    },
    /// Memory that needs a refresh where the scheduler makes none.
    #[error("it says that its memory is not coherent, and on {0} nobody refreshes lines")]
    Incoherent(&'static str),
    /// A rank has no port.
    #[error("rank {rank}: {refusal}")]
    NoPort {
        /// Which rank.
        rank: u32,
        /// What the library says.
        refusal: MachineError,
    },
    /// A function of a port is null.
    #[error("`{function}` of the port of rank {rank} is null")]
    NullFunction {
        /// Which rank.
        rank: u32,
        /// Which function.
        function: &'static str,
    },
}

/// Where a library was looked for, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Files that are not there.
    pub files: Vec<PathBuf>,
    /// The loader's words for names that it was asked to find.
    pub loader: Vec<String>,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, file) in self.files.iter().enumerate() {
            let before = if at == 0 { "no file " } else { ", no file " };
            write!(f, "{before}{}", file.display())?;
        }
        for (at, text) in self.loader.iter().enumerate() {
            let first = at == 0 && self.files.is_empty();
            let before = if first { "" } else { "; " };
            write!(f, "{before}the loader says `{text}`")?;
        }
        Ok(())
    }
}

/// This program's version of the contract.
struct Ours;
const OURS: Ours = Ours;

impl fmt::Display for Ours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FINBOX_DEVICE_ABI_MAJOR}.{FINBOX_DEVICE_ABI_MINOR}")
    }
}

fn version(theirs: Option<(u32, u32)>) -> String {
    match theirs {
        Some((major, minor)) => format!("device ABI {major}.{minor}"),
        None => "no device ABI".into(),
    }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() {
        "it does not say why; ask whoever made it"
    } else {
        text
    }
}

/// What to do about a library that was not found.
fn next_path(name: &Path) -> String {
    if name.as_os_str().as_encoded_bytes().contains(&b'/') {
        return "check the path".into();
    }
    let name = name.display();
    format!("write ./{name} for a file here, or set {DEVICE_PATH_VARIABLE} to its folder")
}
