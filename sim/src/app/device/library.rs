//! A device library is loaded and a machine of it opened, or why that cannot be.
//!
//! Refuses with exit code 3 what is no device library at all, with 5 what one refuses or says
//! wrongly. Called by `run` and `show`.

use std::ffi::OsStr;

use finbox_runtime::Machine;
use finbox_runtime::plugin::{
    Description, DeviceLibrary, LibraryError, OpenOptions, PluginMachine,
};

use finbox_scheduler::{CORES_PER_CLUSTER, Shape};

use crate::report::{Code, DeviceReport, ErrorReport, Invalid, Verdict};
use crate::workload::{RankPlan, TaskPlan, Workload};

/// Room beside data and counters, for their alignment.
const SPARE_BYTES: u64 = 16 << 10;

/// Why there is no library or no machine, with the verdict that this is.
pub(super) type Refusal = (Verdict, ErrorReport);

/// Loads the library with this path or name.
pub(super) fn load(name: &OsStr) -> Result<DeviceLibrary, Refusal> {
    DeviceLibrary::load(name).map_err(|error| refusal(&error))
}

/// Opens a machine with enough of everything for `workload`; of what `wanted` does not say, as much
/// as the library likes, if that is enough.
pub(super) fn open_for(
    library: &DeviceLibrary,
    wanted: &OpenOptions,
    workload: &Workload,
) -> Result<PluginMachine, Refusal> {
    let machine = open(library, wanted)?;
    let facts = machine.facts();
    let cores = cores_together(workload).min(facts.target.cores());
    if wanted.cores != 0 || facts.cores >= cores {
        return Ok(machine);
    }
    close(machine)?;
    let wanted = wanted.clone();
    open(library, &OpenOptions { cores, ..wanted })
}

/// Closes a machine, which may refuse that.
pub(super) fn close(machine: PluginMachine) -> Result<(), Refusal> {
    machine.close().map_err(|error| {
        let message = format!("the machine was not closed: {error}");
        let error = ErrorReport::new(Code::DEVICE, message, Code::DEVICE.hint);
        (Verdict::Fault, error)
    })
}

/// Cores, in whole clusters, for the largest of a workload's cohorts and for each shape.
pub(super) fn cores_together(workload: &Workload) -> u16 {
    let clusters = |task: &TaskPlan| {
        let blocks = if task.sync_start { task.blocks } else { 1 };
        match task.shape {
            Shape::Mix | Shape::Aic => blocks,
            Shape::Aiv => blocks.div_ceil(CORES_PER_CLUSTER - 1),
            Shape::Host | Shape::Dummy | Shape::Work => 0,
        }
    };
    let tasks = workload.ranks.iter().flat_map(|plan| &plan.tasks);
    let most = tasks.map(clusters).max().unwrap_or(0);
    most.saturating_mul(CORES_PER_CLUSTER)
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
        | LibraryError::Operations { .. }
        | LibraryError::Feature { .. } => (
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

/// A machine with as many ranks and queues and as much memory as `workload` needs.
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
    use super::{LibraryError, cores_together, enough, refusal};
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
        assert!(wanted.target.is_none() && wanted.cores == 0);
    }

    #[test]
    fn a_cohort_needs_as_many_clusters_as_start_together() {
        let demo = demo::mixed_spmd(1);
        let cohorts = demo.ranks[0].tasks.iter().filter(|task| task.sync_start);
        let blocks = cohorts.map(|task| task.blocks).max().unwrap();
        assert_eq!(cores_together(&demo), blocks * 3);
        assert_eq!(cores_together(&demo::grid(9)), 3);
    }
}
