//! A device library: found, loaded, asked for its table, and believed in nothing.
//!
//! Guarantees: what is returned has the major version of this program, all functions, and cores
//! that can do what every machine's can; the library stays loaded as long as anything of it is
//! used. Refuses, in words that say what to do next, everything else.

use std::env;
use std::ffi::{OsStr, c_void};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use finbox_abi::{
    Call, FINBOX_DEVICE_ABI_MAJOR, FINBOX_DEVICE_ABI_MINOR, FINBOX_DEVICE_QUERY, Function,
    Versioned, finbox_device_host, finbox_device_library, finbox_device_query_fn, finbox_machine,
    finbox_op, finbox_op_kind, finbox_open_args, finbox_port, finbox_text, not_null, read_newer,
    watched,
};
use libloading::os::unix::Library;

use super::calls::CallTable;
use super::error::LibraryError;
use super::events::{self, EventFunctions};
use super::log;
use super::search::{self, DEVICE_PATH_VARIABLE, DEVICE_VARIABLE};
use super::text;
use crate::machine::MachineError;

/// What a library says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its file, or the name by which the system's loader found it.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// Major and minor version of the contract that it was built with.
    pub abi: (u32, u32),
    /// What its cores can do: the bits of [`finbox_op_kind`].
    pub operations: u64,
    /// Optional features: the bits `FINBOX_FEATURE_*`, and perhaps others.
    pub features: u64,
}

type Context = *mut c_void;

/// The functions of a library's table, none of them null.
#[derive(Clone, Copy)]
pub(super) struct Functions {
    pub(super) open:
        unsafe extern "C-unwind" fn(*const finbox_open_args, *mut finbox_machine) -> i32,
    pub(super) close: unsafe extern "C-unwind" fn(Context) -> i32,
    pub(super) port: unsafe extern "C-unwind" fn(Context, u32, *mut finbox_port) -> i32,
    pub(super) allocate: unsafe extern "C-unwind" fn(Context, u32, u64, u64, *mut u64) -> i32,
    pub(super) release: unsafe extern "C-unwind" fn(Context, u32, u64) -> i32,
    pub(super) copy_in: unsafe extern "C-unwind" fn(Context, u64, *const c_void, u64) -> i32,
    pub(super) copy_out: unsafe extern "C-unwind" fn(Context, *mut c_void, u64, u64) -> i32,
    pub(super) load_kernel:
        unsafe extern "C-unwind" fn(Context, u32, *const finbox_op, usize, *mut u64) -> i32,
    last_error: unsafe extern "C-unwind" fn(*mut finbox_text),
}

struct Loaded {
    description: Description,
    functions: Functions,
    events: Option<EventFunctions>,
    calls: CallTable,
    /// Keeps the functions where they are.
    _code: Library,
}

/// A loaded device library. Clones share it; it is unloaded when the last of them and of its
/// machines is gone.
#[derive(Clone)]
pub struct DeviceLibrary(Arc<Loaded>);

impl fmt::Debug for DeviceLibrary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeviceLibrary")
            .field(self.describe())
            .finish()
    }
}

/// What stands at the start of a table in every version of the contract.
#[repr(C)]
struct Head {
    _struct_size: usize,
    abi_major: u32,
    abi_minor: u32,
}

static HOST: finbox_device_host = finbox_device_host {
    struct_size: size_of::<finbox_device_host>(),
    abi_major: FINBOX_DEVICE_ABI_MAJOR,
    abi_minor: FINBOX_DEVICE_ABI_MINOR,
    log: Some(log::line),
};

impl DeviceLibrary {
    /// Loads a library. A path is taken as it is; a bare name is tried as `libfinbox_NAME.so` and
    /// `NAME`, in the folders of `FINBOX_DEVICE_PATH` and then where the system's loader looks.
    ///
    /// Its code runs in this process: whoever names a library trusts it like the program itself.
    ///
    /// # Errors
    /// [`LibraryError`]: it is not there, cannot be loaded, or does not keep the contract.
    pub fn load(name: impl AsRef<OsStr>) -> Result<Self, LibraryError> {
        let folders = env::var_os(DEVICE_PATH_VARIABLE).unwrap_or_default();
        let folders = env::split_paths(&folders).filter(|folder| !folder.as_os_str().is_empty());
        Self::load_from(name, &folders.collect::<Vec<_>>())
    }

    /// As [`load`](Self::load), with these folders instead of those of `FINBOX_DEVICE_PATH`.
    ///
    /// # Errors
    /// As `load`.
    pub fn load_from(name: impl AsRef<OsStr>, folders: &[PathBuf]) -> Result<Self, LibraryError> {
        let (path, code) = search::find(name.as_ref(), folders)?;
        let calls = CallTable::new();
        let table = query(&path, &code, &calls)?;
        let functions = functions(&path, &table)?;
        let events = events::functions(&path, &table)?;
        let required = finbox_op_kind::ALL.into_iter();
        let missing: Vec<&str> = required
            .filter(|kind| finbox_op_kind::REQUIRED & !table.operations & kind.bit() != 0)
            .map(finbox_op_kind::name)
            .collect();
        if !missing.is_empty() {
            return Err(LibraryError::Operations { path, missing });
        }
        let description = Description {
            path,
            // SAFETY: by the library's contract, for as long as it is loaded.
            name: unsafe { text::copied(table.name) },
            // SAFETY: as above.
            version: unsafe { text::copied(table.version) },
            abi: (table.abi_major, table.abi_minor),
            operations: table.operations,
            features: table.features,
        };
        Ok(Self(Arc::new(Loaded {
            description,
            functions,
            events,
            calls,
            _code: code,
        })))
    }

    /// Loads the library that `FINBOX_DEVICE` names, as [`load`](Self::load) would.
    ///
    /// # Errors
    /// As `load`, and [`LibraryError::Unset`] if the variable is not there or empty.
    pub fn from_env() -> Result<Self, LibraryError> {
        let name = env::var_os(DEVICE_VARIABLE).filter(|name| !name.is_empty());
        Self::load(name.ok_or(LibraryError::Unset)?)
    }

    /// What it says of itself.
    pub fn describe(&self) -> &Description {
        &self.0.description
    }

    /// The calls that threads are in, of its functions and of its machines' ports: what a
    /// [`Watchdog`](super::Watchdog) looks at.
    pub fn calls(&self) -> &CallTable {
        &self.0.calls
    }

    /// Its functions for events, if it has any.
    pub(super) fn events(&self) -> Option<&EventFunctions> {
        self.0.events.as_ref()
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.description.path.clone()
    }

    /// Makes a call of one of its functions that returns 0 or a number of its own.
    pub(super) fn call(
        &self,
        function: Function,
        body: impl FnOnce(&Functions) -> i32,
    ) -> Result<(), MachineError> {
        let call = Call {
            function,
            core: None,
        };
        match watched(&self.0.calls, call, || body(&self.0.functions)) {
            0 => Ok(()),
            code => {
                let (doing, text) = (function.name(), self.last_error());
                // Many libraries begin with what they were asked to do, as this error does.
                let rest = text
                    .strip_prefix(doing)
                    .and_then(|rest| rest.strip_prefix(": "));
                let text = rest.unwrap_or(&text).to_owned();
                Err(MachineError { doing, code, text })
            }
        }
    }

    /// What it refused last on this thread.
    fn last_error(&self) -> String {
        let mut given = finbox_text::EMPTY;
        let call = Call {
            function: Function::LastError,
            core: None,
        };
        let at = &raw mut given;
        watched(&self.0.calls, call, || {
            // SAFETY: by the library's contract; it writes a text to where there is one.
            unsafe { (self.0.functions.last_error)(at) }
        });
        // SAFETY: the text lives until this thread's next call there.
        let text = unsafe { text::copied(given) };
        if text.is_empty() {
            return "the device library does not say why; ask whoever made it".into();
        }
        text
    }
}

/// Asks a library for its table: a copy of what this version knows of it.
fn query(
    path: &Path,
    code: &Library,
    calls: &CallTable,
) -> Result<finbox_device_library, LibraryError> {
    // SAFETY: a library that exports this name exports a function of this type.
    let found = unsafe { code.get::<finbox_device_query_fn>(FINBOX_DEVICE_QUERY.as_bytes()) };
    let Some(query) = found.ok().and_then(|symbol| *symbol) else {
        return Err(LibraryError::Symbol { path: path.into() });
    };
    let mut refusal = finbox_text::EMPTY;
    let at = &raw mut refusal;
    let call = Call {
        function: Function::Query,
        core: None,
    };
    let table = watched(calls, call, || {
        // SAFETY: the host's table lives for ever, and the refusal's place until the call returns.
        unsafe { query(&raw const HOST, at) }
    });
    if table.is_null() {
        return Err(LibraryError::Refused {
            path: path.into(),
            // SAFETY: a refusal lives for ever.
            text: unsafe { text::copied(refusal) },
        });
    }
    let theirs = version(table);
    if let Some(theirs) = theirs.filter(|theirs| theirs.0 != FINBOX_DEVICE_ABI_MAJOR) {
        let path = path.into();
        return Err(LibraryError::Version { path, theirs });
    }
    // SAFETY: a library's table lives as long as it is loaded, and says how large it is.
    let table = unsafe { read_newer(table) };
    table.map_err(|given| LibraryError::Table {
        path: path.into(),
        given,
        theirs,
    })
}

/// Major and minor version that a table was made for, if it is one that goes so far.
fn version(table: *const finbox_device_library) -> Option<(u32, u32)> {
    not_null(table, finbox_device_library::NAME).ok()?;
    // SAFETY: a table begins with its size.
    let size = unsafe { table.cast::<usize>().read() };
    if size < size_of::<Head>() {
        return None;
    }
    // SAFETY: the table is larger than that, by its own word.
    let head = unsafe { table.cast::<Head>().read() };
    Some((head.abi_major, head.abi_minor))
}

fn functions(path: &Path, table: &finbox_device_library) -> Result<Functions, LibraryError> {
    let null = |function: Function| LibraryError::NullFunction {
        path: path.into(),
        function: function.name(),
    };
    Ok(Functions {
        open: table.open.ok_or_else(|| null(Function::Open))?,
        close: table.close.ok_or_else(|| null(Function::Close))?,
        port: table.port.ok_or_else(|| null(Function::Port))?,
        allocate: table.allocate.ok_or_else(|| null(Function::Allocate))?,
        release: table.release.ok_or_else(|| null(Function::Release))?,
        copy_in: table.copy_in.ok_or_else(|| null(Function::CopyIn))?,
        copy_out: table.copy_out.ok_or_else(|| null(Function::CopyOut))?,
        load_kernel: table
            .load_kernel
            .ok_or_else(|| null(Function::LoadKernel))?,
        last_error: table.last_error.ok_or_else(|| null(Function::LastError))?,
    })
}
