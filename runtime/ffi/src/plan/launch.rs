//! A launch: recorded and planned in one call, then committed, or dropped.

use core::ptr::NonNull;

use finbox_abi::{Answer, Versioned, not_null, only, read};
use finbox_runtime::plan::{Planned, Recorder, Recording};
use finbox_runtime::stream::{TimelineId, Wait};
use finbox_runtime::{Access, BufferUse};

use super::planner::{buffer_of, no_chain};
use super::types::no_such;
use super::{
    Launch, Office, Stage, finbox_access, finbox_launch_args, finbox_planned, finbox_planner,
    finbox_point, finbox_use, finbox_wait, office,
};
use crate::device::text_of;
use crate::edition::{guard, refuse_with};
use crate::given::{Rows, all_at};
use crate::handle::Handle;
use crate::problem::Problem;
use crate::status::finbox_status;

/// A committed launch: what to launch it behind, and what to tell when it has finished.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_submitted {
    /// `FINBOX_SUBMITTED_SIZE`, set by the caller.
    pub struct_size: usize,
    /// What it signals when it has finished.
    pub point: finbox_point,
    /// The point of its own stream that it comes behind; value 0 is reached from the beginning.
    pub behind: finbox_point,
    /// How many points it waits for besides: `finbox_planned_waits` has them.
    pub wait_count: u64,
    /// How many of its uses are remembered.
    pub tracked_uses: u64,
}

// SAFETY: integers, without padding.
unsafe impl Versioned for finbox_submitted {
    const NAME: &'static str = "finbox_submitted";
    const MINIMUM: usize = size_of::<usize>() + 48;
}

/// What a launch declares, seen to be readable.
struct Declared<'a> {
    stream: TimelineId,
    name: &'a str,
    uses: &'a [finbox_use],
    waits: &'a [finbox_wait],
}

impl Declared<'_> {
    /// # Safety
    /// The texts of its uses live for as long as this does.
    unsafe fn record<'p>(
        &self,
        recorder: &'p mut Recorder<'static>,
    ) -> Result<Recording<'p, 'static>, Problem> {
        let mut recording = recorder.record(self.stream, self.name);
        for (index, one) in self.uses.iter().enumerate() {
            // SAFETY: handed on to the caller.
            let label = unsafe { text_of(one.label, "label") }?;
            let access = match one.access {
                access if access == finbox_access::In as u32 => Access::In,
                access if access == finbox_access::Out as u32 => Access::Out,
                access if access == finbox_access::Inout as u32 => Access::InOut,
                access if access == finbox_access::External as u32 => {
                    recording = recording.external(label, one.buffer);
                    continue;
                }
                access => {
                    return Err(no_such(
                        &format!("argument {index} `{label}`: access"),
                        access,
                    ));
                }
            };
            let buffer = buffer_of(index, one.buffer).map_err(|error| {
                let why = format!("launch `{}`, `{label}`: {error}", self.name);
                refuse_with(finbox_status::BadUse, &why)
            })?;
            let range = one.begin..one.end;
            recording = recording.uses(
                label,
                BufferUse {
                    buffer,
                    range,
                    access,
                },
            );
        }
        let waits = self.waits.iter().map(|wait| wait.wait());
        Ok(waits.fold(recording, Recording::waits))
    }
}

/// A recorder that nobody uses, out of its box.
fn take_recorder(office: &'static Office) -> NonNull<Recorder<'static>> {
    let spare = office.pool().recorders.pop();
    let recorder = spare.unwrap_or_else(|| Box::new(office.planner.recorder()));
    NonNull::from(Box::leak(recorder))
}

/// Plans a launch in `recorder`, which comes back to the pool if it is refused.
///
/// # Safety
/// As for [`Declared::record`]; `recorder` came from [`take_recorder`], and is used here alone.
unsafe fn plan(
    office: &'static Office,
    mut recorder: NonNull<Recorder<'static>>,
    declared: &Declared<'_>,
) -> Result<Planned<'static, 'static>, Problem> {
    // SAFETY: it stands in a box of its own, and nobody else uses it.
    let lent: &'static mut Recorder<'static> = unsafe { recorder.as_mut() };
    // SAFETY: handed on to the caller.
    let recorded = unsafe { declared.record(lent) };
    let planned = recorded.and_then(|recording| Ok(recording.plan()?));
    planned.inspect_err(|_| {
        // SAFETY: it came out of a box, and what borrowed it is gone.
        let recorder = unsafe { Box::from_raw(recorder.as_ptr()) };
        office.pool().recorders.push(recorder);
    })
}

/// Records a launch and plans it: it gets its point, and its place among all that use its buffers,
/// at once or not at all. `planned` becomes a handle of it, and `point`, unless null, its point:
/// others may wait for it already. Commit it then; destroyed without, it is a launch that does
/// nothing, whose point is reached when its waits are met.
///
/// BAD_USE, UNTRACKED, UNKNOWN_TIMELINE, NO_DEADLINE, CYCLE, POISONED, and INVALID_ARGUMENT on a
/// foreign timeline or for a wait whose value is 2^31 values away or more: nothing was planned, and
/// the last error names launch and argument. Has the planning lock for an instant, and allocates
/// nothing in the steady state. Any thread.
///
/// # Safety
/// `planner` points to a planner's storage; `args` to what its size says, with arrays and texts
/// that live, and `point` to a point or it is null, until the call returns. `planned` points to
/// storage that lives until it is destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_plan(
    planner: *mut finbox_planner,
    args: *const finbox_launch_args,
    planned: *mut finbox_planned,
    point: *mut finbox_point,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let args = unsafe { read(args) }?;
        no_chain(args.next, finbox_launch_args::NAME)?;
        only(0, args.flags.into())?;
        if !point.is_null() {
            not_null(point, "point")?;
        }
        let declared = Declared {
            stream: TimelineId::from_number(args.stream),
            // SAFETY: handed on to the caller.
            name: unsafe { text_of(args.name, "name") }?,
            // SAFETY: handed on to the caller.
            uses: unsafe { all_at(args.uses, args.use_count, "uses") }?,
            // SAFETY: handed on to the caller.
            waits: unsafe { all_at(args.waits, args.wait_count, "waits") }?,
        };
        // SAFETY: handed on to the caller.
        let office = unsafe { office(planner) }?;
        // SAFETY: handed on to the caller.
        let reserved = unsafe { Handle::at(planned) }?.reserve()?;
        let recorder = take_recorder(office);
        // SAFETY: the texts live until the call returns; the recorder was taken just now.
        let stage = unsafe { plan(office, recorder, &declared) }?;
        office.pool().planned += 1;
        if !point.is_null() {
            // SAFETY: writable by the caller's word.
            unsafe { point.write(stage.point().into()) };
        }
        reserved.fill(Launch {
            stage: Some(Stage::Planned(stage)),
            recorder,
            office,
        });
        Ok(())
    })
}

/// Commits a planned launch: whoever launches it waits for its waits, and tells its point with
/// `finbox_planner_advance` when it has finished. Cannot be refused but by a mistake in the call:
/// DUPLICATE if it was committed before.
///
/// # Safety
/// `planned` points to a planned launch's storage, `submitted` to what its size says; both live
/// until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planned_commit(
    planned: *mut finbox_planned,
    submitted: *mut finbox_submitted,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(submitted) }?;
        // SAFETY: handed on to the caller.
        let mut held = unsafe { Handle::at(planned) }?.lock()?;
        let stage = match held.stage.take() {
            Some(Stage::Planned(stage)) => stage,
            committed => {
                held.stage = committed;
                let why = "the launch was committed before; it is launched once";
                return Err(refuse_with(finbox_status::Duplicate, &why));
            }
        };
        let launch = stage.commit();
        answer.put(&finbox_submitted {
            struct_size: size_of::<finbox_submitted>(),
            point: launch.point().into(),
            behind: launch.behind().into(),
            wait_count: launch.waits().len() as u64,
            tracked_uses: launch.tracked_uses() as u64,
        });
        held.stage = Some(Stage::Committed(launch));
        Ok(())
    })
}

/// Copies up to `capacity` of what a planned launch waits for besides its own stream to `waits`:
/// explicit waits first, then one a stream for its uses. `count` becomes how many there are. What
/// was reached when it was planned is not among them. Before the commit or behind it.
///
/// # Safety
/// `planned` points to a planned launch's storage, `waits` to room for `capacity` waits, `count` to
/// a number; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planned_waits(
    planned: *mut finbox_planned,
    waits: *mut finbox_wait,
    capacity: usize,
    count: *mut usize,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let mut rows = unsafe { Rows::at(waits, capacity, count, "waits") }?;
        // SAFETY: handed on to the caller.
        let held = unsafe { Handle::at(planned) }?.lock()?;
        let waits: &[Wait] = match &held.stage {
            Some(Stage::Planned(launch)) => launch.waits(),
            Some(Stage::Committed(launch)) => launch.waits(),
            None => &[],
        };
        for wait in waits {
            rows.put(wait.into());
        }
        rows.end(0);
        Ok(())
    })
}

/// Ends the handle of a planned launch. One that was not committed becomes a launch that does
/// nothing, and is counted as dropped; of one that was, nothing changes. The storage serves again.
///
/// # Safety
/// `planned` points to a planned launch's storage that lives until the call returns; its planner
/// was not destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planned_destroy(planned: *mut finbox_planned) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        unsafe { Handle::at(planned) }?.lock()?.destroy();
        Ok(())
    })
}
