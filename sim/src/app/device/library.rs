//! A device library is loaded and a machine of it opened, or why that cannot be.
//!
//! Refuses with exit code 3 what is no device library at all, with 5 what one refuses or says
//! wrongly. Called by `run` and `show`.

use std::ffi::OsStr;

use finbox_runtime::plugin::{
    Description, DeviceLibrary, LibraryError, OpenOptions, PluginMachine,
};

use crate::report::{Code, DeviceReport, ErrorReport, Invalid, Verdict};
use crate::workload::{RankPlan, Workload};

/// Room beside data and counters, for their alignment.
const SPARE_BYTES: u64 = 16 << 10;

/// Why there is no library or no machine, with the verdict that this is.
pub(super) type Refusal = (Verdict, ErrorReport);

/// Loads the library with this path or name.
pub(super) fn load(name: &OsStr) -> Result<DeviceLibrary, Refusal> {
    DeviceLibrary::load(name).map_err(|error| refusal(&error))
}

/// Opens a machine.
pub(super) fn open(
    library: &DeviceLibrary,
    wanted: &OpenOptions,
) -> Result<PluginMachine, Refusal> {
    PluginMachine::open(library, wanted).map_err(|error| refusal(&error))
}

/// What a library error is to whoever called finbox.
fn refusal(error: &LibraryError) -> Refusal {
    let (verdict, code, hint) = match error {
        LibraryError::Unset | LibraryError::Missing { .. } => (
            Verdict::Invalid(Invalid::InputFile),
            Code::INPUT_UNREADABLE,
            Code::INPUT_UNREADABLE.hint,
        ),
        LibraryError::Load { .. } | LibraryError::Symbol { .. } => (
            Verdict::Invalid(Invalid::InputFile),
            Code::INPUT_INVALID,
            "give a device library: a shared library that exports `finbox_device_query`",
        ),
        LibraryError::Open { .. } | LibraryError::Machine { .. } => {
            (Verdict::Fault, Code::DEVICE, Code::DEVICE.hint)
        }
        LibraryError::Refused { .. }
        | LibraryError::Version { .. }
        | LibraryError::Table { .. }
        | LibraryError::NullFunction { .. }
        | LibraryError::Operations { .. } => (
            Verdict::Fault,
            Code::DEVICE,
            "build the library with the finbox_device.h of this finbox, and ask whoever made it",
        ),
    };
    (verdict, ErrorReport::new(code, error.to_string(), hint))
}

/// The library, as a report names it.
pub(super) fn named(description: &Description) -> DeviceReport {
    DeviceReport {
        name: description.name.clone(),
        version: description.version.clone(),
        path: description.path.display().to_string(),
    }
}

/// A machine with enough of everything for `workload`; of what is not said, as much as the
/// library likes.
pub(super) fn enough(workload: &Workload) -> OpenOptions {
    let queues = workload.ranks.iter().map(|plan| plan.engines.sdma_streams);
    let bytes = |plan: &RankPlan| plan.data_bytes + plan.counters.len() as u64 * 4 + SPARE_BYTES;
    OpenOptions {
        ranks: u32::try_from(workload.ranks.len()).expect("a run has at most 1024 ranks"),
        dma_queues: queues.max().unwrap_or(0).into(),
        memory_bytes: workload.ranks.iter().map(bytes).max().unwrap_or(0),
        ..OpenOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{LibraryError, enough, refusal};
    use crate::demo;

    #[test]
    fn what_is_no_device_library_is_an_input_and_what_one_says_wrongly_a_fault() {
        let path = || "./x.so".into();
        let inputs = [
            LibraryError::Unset,
            LibraryError::Load {
                path: path(),
                text: "no".to_owned(),
            },
            LibraryError::Symbol { path: path() },
        ];
        for error in inputs {
            assert_eq!(refusal(&error).0.exit_code(), 3, "{error}");
        }
        let theirs = (2, 0);
        let path = path();
        let (verdict, error) = refusal(&LibraryError::Version { path, theirs });
        assert_eq!((verdict.exit_code(), error.code), (5, 198));
        assert!(error.message.contains("ABI 2.0"), "{}", error.message);
    }

    #[test]
    fn a_machine_is_asked_for_what_the_workload_needs() {
        let wanted = enough(&demo::prefetch_async(3));
        assert_eq!((wanted.ranks, wanted.dma_queues), (3, 48));
        let largest = demo::prefetch_async(3).ranks[0].data_bytes;
        assert!(wanted.memory_bytes > largest);
        assert_eq!((wanted.target, wanted.cores), (None, 0));
    }
}
