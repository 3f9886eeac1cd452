//! How far timelines are: told, ended, asked.

use ::finbox_scheduler::Fate;
use finbox_abi::{FINBOX_EVENT_FAILED, finbox_text, not_null};
use finbox_runtime::stream::TimelineId;

use super::{finbox_planner, finbox_point, office};
use crate::device::text_of;
use crate::edition::{guard, refuse_with};
use crate::problem::Problem;
use crate::scheduler::finbox_fate;
use crate::status::finbox_status;

/// Refuses what a device's event says when it has failed: it would be the last of all values, and
/// whoever waits would go on.
fn check_value(value: u64) -> Result<(), Problem> {
    if value != FINBOX_EVENT_FAILED {
        return Ok(());
    }
    let why = "an event that says FINBOX_EVENT_FAILED reaches nothing more: poison its timeline";
    Err(refuse_with(finbox_status::InvalidArgument, &why))
}

/// Says that the launch of a point has finished, or that a foreign timeline has come so far.
///
/// DUPLICATE if it was told before, which is counted; OUT_OF_ORDER if the launch was not committed,
/// comes behind one that has not finished, or waits for something that is not reached; POISONED;
/// UNKNOWN_TIMELINE; INVALID_ARGUMENT if the value is `FINBOX_EVENT_FAILED`, which is none (end the
/// timeline with `finbox_planner_poison`), or if a foreign timeline that is waited for would come
/// 2^31 values further or more at once. Nothing was changed then. Any thread.
///
/// # Safety
/// `planner` points to a planner's storage, `point` to a point; both live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_advance(
    planner: *mut finbox_planner,
    point: *const finbox_point,
    now_ns: u64,
) -> finbox_status {
    guard(|| {
        not_null(point, "point")?;
        // SAFETY: readable by the caller's word.
        let point = unsafe { point.read() }.point();
        check_value(point.value)?;
        // SAFETY: handed on to the caller.
        unsafe { office(planner) }?.planner.advance(point, now_ns)?;
        Ok(())
    })
}

/// Ends a timeline because of `cause`: nothing of it is reached any more, nor what waits for it,
/// when its turn comes. Other timelines go on. POISONED if it has ended already; UNKNOWN_TIMELINE.
/// Any thread. Allocates.
///
/// # Safety
/// `planner` points to a planner's storage, `cause` to a text that lives or it is null; all until
/// the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_poison(
    planner: *mut finbox_planner,
    timeline: u32,
    cause: *const finbox_text,
    now_ns: u64,
) -> finbox_status {
    guard(|| {
        not_null(cause, "cause")?;
        // SAFETY: readable by the caller's word.
        let cause = unsafe { cause.read() };
        // SAFETY: handed on to the caller.
        let cause = unsafe { text_of(cause, "cause") }?;
        // SAFETY: handed on to the caller.
        let planner = &unsafe { office(planner) }?.planner;
        planner.poison(TimelineId::from_number(timeline), cause, now_ns)?;
        Ok(())
    })
}

/// Ends every stream whose next launch waits past a deadline, as of `now_ns`. Any thread.
///
/// # Safety
/// `planner` points to a planner's storage that lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_expire(
    planner: *mut finbox_planner,
    now_ns: u64,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        unsafe { office(planner) }?.planner.expire(now_ns);
        Ok(())
    })
}

/// Whether a point was reached (COMPLETED), is to come, or never will be (FAILED): `fate` becomes a
/// `finbox_fate`. UNKNOWN_TIMELINE. Any thread.
///
/// # Safety
/// `planner` points to a planner's storage, `point` to a point, `fate` to a number; all live until
/// the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_fate(
    planner: *mut finbox_planner,
    point: *const finbox_point,
    fate: *mut u32,
) -> finbox_status {
    guard(|| {
        not_null(point, "point")?;
        not_null(fate, "fate")?;
        // SAFETY: readable by the caller's word.
        let point = unsafe { point.read() }.point();
        // SAFETY: handed on to the caller.
        let found = match unsafe { office(planner) }?.planner.fate(point)? {
            Fate::Unfinished => finbox_fate::Unfinished,
            Fate::Completed => finbox_fate::Completed,
            Fate::Failed => finbox_fate::Failed,
        };
        // SAFETY: writable by the caller's word.
        unsafe { fate.write(found as u32) };
        Ok(())
    })
}
