//! Who a point waits for, what planning let pass, and what was counted.

use core::ffi::c_char;
use core::fmt::Write;

use finbox_abi::{Answer, Versioned, not_null};
use finbox_runtime::plan::{Gap, GapKind};
use finbox_runtime::stream::{Explanation, Place, Root, TimePoint};

use super::{finbox_planner, finbox_point, office};
use crate::edition::guard;
use crate::given::Rows;
use crate::status::{Text, finbox_status};

/// Values of `finbox_explanation`'s `root`: what the coming of a point hangs on in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_root {
    /// It was reached.
    Reached = 0,
    /// A committed launch all of whose waits are met: it runs, or is about to.
    Running = 1,
    /// A launch that was planned and neither committed nor dropped.
    Uncommitted = 2,
    /// A value that nobody has planned a launch for.
    Unreserved = 3,
    /// Somebody else's timeline.
    Foreign = 4,
    /// A timeline that ended.
    Poisoned = 5,
}

/// What is known about the coming of a point.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_explanation {
    /// `FINBOX_EXPLANATION_SIZE`, set by the caller.
    pub struct_size: usize,
    /// The value that is wanted.
    pub wanted: u64,
    /// Where its timeline is.
    pub current: u64,
    /// Since when that has not moved, in ns.
    pub age_ns: u64,
    /// How many points its launch waits for and has not got.
    pub wait_count: u64,
    /// The root's point; all 0 if it was reached.
    pub root_point: finbox_point,
    /// Where the root's timeline is: RUNNING, UNCOMMITTED, UNRESERVED and FOREIGN.
    pub root_current: u64,
    /// Since when that has not moved, in ns: of the same.
    pub root_age_ns: u64,
    /// A `finbox_root`.
    pub root: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: integers, without padding.
unsafe impl Versioned for finbox_explanation {
    const NAME: &'static str = "finbox_explanation";
    const MINIMUM: usize = size_of::<usize>() + 72;
}

/// Values of `finbox_plan_gap`'s `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum finbox_plan_gap_kind {
    /// The stream's device does not track uses.
    Untracked = 0,
    /// Nobody declared the memory.
    External = 1,
}

/// Uses that a permissive planner let pass: nothing orders them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct finbox_plan_gap {
    /// How many launches had it.
    pub count: u64,
    /// EXTERNAL: where the memory is.
    pub address: u64,
    /// Which argument, from 0.
    pub argument: u32,
    /// A `finbox_plan_gap_kind`.
    pub kind: u32,
}

/// What a planner counted.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct finbox_plan_stats {
    /// `FINBOX_PLAN_STATS_SIZE`, set by the caller.
    pub struct_size: usize,
    /// Launches planned; allocations are not among them.
    pub planned: u64,
    /// Of these, committed.
    pub committed: u64,
    /// Of these, dropped.
    pub dropped: u64,
    /// Uses that were remembered, over all launches.
    pub tracked_uses: u64,
    /// Points that were told to be reached more than once.
    pub duplicates: u64,
}

// SAFETY: integers, without padding.
unsafe impl Versioned for finbox_plan_stats {
    const NAME: &'static str = "finbox_plan_stats";
    const MINIMUM: usize = size_of::<usize>() + 40;
}

impl From<&Explanation> for finbox_explanation {
    fn from(explanation: &Explanation) -> Self {
        let here = |place: &Place| (place.point.into(), place.current, place.age_ns);
        let only = |point: Option<TimePoint>| (point.map(Into::into).unwrap_or_default(), 0, 0);
        let (root, (root_point, root_current, root_age_ns)) = match &explanation.root {
            Root::Reached => (finbox_root::Reached, only(None)),
            Root::Running(place) => (finbox_root::Running, here(place)),
            Root::Uncommitted(place) => (finbox_root::Uncommitted, here(place)),
            Root::Unreserved(place) => (finbox_root::Unreserved, here(place)),
            Root::Foreign(place) => (finbox_root::Foreign, here(place)),
            Root::Poisoned(chain) => {
                let last = chain.0.last().map(|poison| poison.point);
                (finbox_root::Poisoned, only(last))
            }
        };
        Self {
            struct_size: size_of::<Self>(),
            wanted: explanation.place.point.value,
            current: explanation.place.current,
            age_ns: explanation.place.age_ns,
            wait_count: explanation.waits.len() as u64,
            root_point,
            root_current,
            root_age_ns,
            root: root as u32,
            reserved: 0,
        }
    }
}

impl From<&Gap> for finbox_plan_gap {
    fn from(gap: &Gap) -> Self {
        let (kind, address) = match gap.kind {
            GapKind::Untracked => (finbox_plan_gap_kind::Untracked, 0),
            GapKind::External { address } => (finbox_plan_gap_kind::External, address),
        };
        Self {
            count: gap.count,
            address,
            argument: u32::try_from(gap.argument).unwrap_or(u32::MAX),
            kind: kind as u32,
        }
    }
}

/// What a point waits for, as of `now_ns`: what is wanted, where its timeline is, and what its
/// coming hangs on in the end. UNKNOWN_TIMELINE. Allocates. Any thread.
///
/// # Safety
/// `planner` points to a planner's storage, `point` to a point, `explanation` to what its size
/// says; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_explain(
    planner: *mut finbox_planner,
    point: *const finbox_point,
    now_ns: u64,
    explanation: *mut finbox_explanation,
) -> finbox_status {
    guard(|| {
        not_null(point, "point")?;
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(explanation) }?;
        // SAFETY: readable by the caller's word.
        let point = unsafe { point.read() }.point();
        // SAFETY: handed on to the caller.
        let explained = unsafe { office(planner) }?.planner.explain(point, now_ns)?;
        answer.put(&(&explained).into());
        Ok(())
    })
}

/// Writes the same in words to `buffer`: at most `capacity` bytes, of which the last is 0.
/// `length`, unless null, becomes what the whole text has, without the 0. Otherwise as
/// `finbox_planner_explain`.
///
/// # Safety
/// `planner` points to a planner's storage, `point` to a point, `buffer` to room for `capacity`
/// bytes, `length` to a number or it is null; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_explain_text(
    planner: *mut finbox_planner,
    point: *const finbox_point,
    now_ns: u64,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> finbox_status {
    guard(|| {
        not_null(point, "point")?;
        // SAFETY: handed on to the caller.
        let mut text = unsafe { Text::checked(buffer, capacity, length) }?;
        // SAFETY: readable by the caller's word.
        let point = unsafe { point.read() }.point();
        // SAFETY: handed on to the caller.
        let explained = unsafe { office(planner) }?.planner.explain(point, now_ns)?;
        write!(text, "{explained}").expect("a copy into memory does not fail");
        // SAFETY: handed on to the caller.
        unsafe { text.end(length) };
        Ok(())
    })
}

/// Copies up to `capacity` of the uses that a permissive planner let pass to `gaps`; `count`
/// becomes how many there are. Allocates. Any thread.
///
/// # Safety
/// `planner` points to a planner's storage, `gaps` to room for `capacity` rows, `count` to a
/// number; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_gaps(
    planner: *mut finbox_planner,
    gaps: *mut finbox_plan_gap,
    capacity: usize,
    count: *mut usize,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let mut rows = unsafe { Rows::at(gaps, capacity, count, "gaps") }?;
        // SAFETY: handed on to the caller.
        let found = unsafe { office(planner) }?.planner.gaps();
        for gap in &found {
            rows.put(gap.into());
        }
        rows.end(0);
        Ok(())
    })
}

/// Writes the gaps in words to `buffer`, a line each, in the order of `finbox_planner_gaps`: at
/// most `capacity` bytes, of which the last is 0. `length`, unless null, becomes what the whole
/// text has, without the 0. Allocates. Any thread.
///
/// # Safety
/// `planner` points to a planner's storage, `buffer` to room for `capacity` bytes, `length` to a
/// number or it is null; all live until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_gap_text(
    planner: *mut finbox_planner,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let mut text = unsafe { Text::checked(buffer, capacity, length) }?;
        // SAFETY: handed on to the caller.
        for gap in &unsafe { office(planner) }?.planner.gaps() {
            writeln!(text, "{gap}").expect("a copy into memory does not fail");
        }
        // SAFETY: handed on to the caller.
        unsafe { text.end(length) };
        Ok(())
    })
}

/// What a planner counted. Any thread.
///
/// # Safety
/// `planner` points to a planner's storage, `stats` to what its size says; both live until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn finbox_planner_stats(
    planner: *mut finbox_planner,
    stats: *mut finbox_plan_stats,
) -> finbox_status {
    guard(|| {
        // SAFETY: handed on to the caller.
        let answer = unsafe { Answer::at(stats) }?;
        // SAFETY: handed on to the caller.
        let counted = unsafe { office(planner) }?.planner.stats();
        answer.put(&finbox_plan_stats {
            struct_size: size_of::<finbox_plan_stats>(),
            planned: counted.planned,
            committed: counted.committed,
            dropped: counted.dropped,
            tracked_uses: counted.tracked_uses,
            duplicates: counted.duplicates,
        });
        Ok(())
    })
}
