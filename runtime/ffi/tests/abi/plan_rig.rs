//! A planner through the C ABI, with its handle where it stays.

use std::ffi::CStr;
use std::ptr;

use finbox::*;
use finbox_abi::finbox_text;

use crate::mailbox::{OK, c, last_error};

/// A planner and two streams, `copy` and `compute`.
pub(crate) struct Desk {
    handle: Box<finbox_planner>,
    pub(crate) streams: [u32; 2],
}

pub(crate) fn no_planned() -> Box<finbox_planned> {
    Box::new(finbox_planned { opaque: [0; 16] })
}

pub(crate) fn text(text: &'static str) -> finbox_text {
    finbox_text::of(text)
}

pub(crate) const fn point(timeline: u32, value: u64) -> finbox_point {
    finbox_point {
        value,
        timeline,
        reserved: 0,
    }
}

pub(crate) const fn wait(point: finbox_point, deadline_ns: u64) -> finbox_wait {
    finbox_wait { point, deadline_ns }
}

pub(crate) fn one(label: &'static str, buffer: u64, access: finbox_access) -> finbox_use {
    finbox_use {
        label: text(label),
        buffer,
        begin: 0,
        end: 64,
        access: access as u32,
        reserved: 0,
    }
}

/// What `finbox_planned_commit` answered.
pub(crate) fn submitted() -> finbox_submitted {
    finbox_submitted {
        struct_size: size_of::<finbox_submitted>(),
        point: finbox_point::default(),
        behind: finbox_point::default(),
        wait_count: 0,
        tracked_uses: 0,
    }
}

impl Desk {
    pub(crate) fn new(mode: finbox_plan_mode) -> Self {
        let args = finbox_planner_args {
            struct_size: size_of::<finbox_planner_args>(),
            next: ptr::null(),
            mode: mode as u32,
            flags: 0,
        };
        let mut handle = Box::new(finbox_planner { opaque: [0; 8] });
        assert_eq!(c!(finbox_planner_create(&args, &mut *handle)), OK);
        let streams = [0; 2];
        let mut desk = Self { handle, streams };
        let stream = finbox_timeline_kind::Stream;
        desk.streams = ["copy", "compute"].map(|name| desk.timeline(name, stream));
        desk
    }

    pub(crate) fn at(&self) -> *mut finbox_planner {
        ptr::from_ref(&*self.handle).cast_mut()
    }

    pub(crate) fn timeline(&self, name: &'static str, kind: finbox_timeline_kind) -> u32 {
        let args = finbox_timeline_args {
            struct_size: size_of::<finbox_timeline_args>(),
            next: ptr::null(),
            name: text(name),
            now_ns: 0,
            kind: kind as u32,
            flags: 0,
        };
        let mut timeline = u32::MAX;
        assert_eq!(
            c!(finbox_planner_timeline(self.at(), &args, &mut timeline)),
            OK
        );
        timeline
    }

    pub(crate) fn buffer(&self) -> u64 {
        let mut buffer = 0;
        assert_eq!(c!(finbox_planner_declare(self.at(), 64, &mut buffer)), OK);
        buffer
    }

    pub(crate) fn plan(
        &self,
        stream: u32,
        uses: &[finbox_use],
        waits: &[finbox_wait],
        planned: &mut finbox_planned,
    ) -> (finbox_status, finbox_point) {
        let args = finbox_launch_args {
            struct_size: size_of::<finbox_launch_args>(),
            next: ptr::null(),
            name: text("kernel"),
            uses: uses.as_ptr(),
            use_count: uses.len(),
            waits: waits.as_ptr(),
            wait_count: waits.len(),
            stream,
            flags: 0,
        };
        let mut point = finbox_point::default();
        let status = c!(finbox_planner_plan(self.at(), &args, planned, &mut point));
        (status, point)
    }

    /// Plans and commits; its point, and what it waits for.
    pub(crate) fn launch(
        &self,
        stream: u32,
        uses: &[finbox_use],
        waits: &[finbox_wait],
    ) -> (finbox_point, Vec<finbox_wait>) {
        let mut planned = no_planned();
        let (status, point) = self.plan(stream, uses, waits, &mut planned);
        assert_eq!(status, OK, "{}", last_error());
        let mut committed = submitted();
        assert_eq!(c!(finbox_planned_commit(&mut *planned, &mut committed)), OK);
        assert_eq!(
            (committed.point, committed.behind.value),
            (point, point.value - 1)
        );
        let waits = waits_of(&mut planned);
        assert_eq!(committed.wait_count, waits.len() as u64);
        assert_eq!(c!(finbox_planned_destroy(&mut *planned)), OK);
        (point, waits)
    }

    pub(crate) fn advance(&self, point: finbox_point, now_ns: u64) -> finbox_status {
        c!(finbox_planner_advance(self.at(), &point, now_ns))
    }

    pub(crate) fn fate(&self, point: finbox_point) -> u32 {
        let mut fate = u32::MAX;
        assert_eq!(c!(finbox_planner_fate(self.at(), &point, &mut fate)), OK);
        fate
    }

    pub(crate) fn explain(&self, point: finbox_point, now_ns: u64) -> (finbox_explanation, String) {
        let mut told = finbox_explanation {
            struct_size: size_of::<finbox_explanation>(),
            wanted: 0,
            current: 0,
            age_ns: 0,
            wait_count: 0,
            root_point: finbox_point::default(),
            root_current: 0,
            root_age_ns: 0,
            root: u32::MAX,
            reserved: 0,
        };
        let explained = c!(finbox_planner_explain(self.at(), &point, now_ns, &mut told));
        assert_eq!(explained, OK);
        let (mut text, mut length) = ([0; 512], 0);
        let explained = c!(finbox_planner_explain_text(
            self.at(),
            &point,
            now_ns,
            text.as_mut_ptr(),
            text.len(),
            &mut length
        ));
        assert_eq!(explained, OK);
        let text = c!(CStr::from_ptr(text.as_ptr()));
        let text = text.to_str().expect("UTF-8").to_owned();
        assert_eq!(text.len(), length);
        (told, text)
    }

    pub(crate) fn stats(&self) -> [u64; 5] {
        let mut stats = finbox_plan_stats {
            struct_size: size_of::<finbox_plan_stats>(),
            planned: 0,
            committed: 0,
            dropped: 0,
            tracked_uses: 0,
            duplicates: 0,
        };
        assert_eq!(c!(finbox_planner_stats(self.at(), &mut stats)), OK);
        [
            stats.planned,
            stats.committed,
            stats.dropped,
            stats.tracked_uses,
            stats.duplicates,
        ]
    }

    pub(crate) fn end(&self) {
        assert_eq!(
            c!(finbox_planner_destroy(self.at())),
            OK,
            "{}",
            last_error()
        );
    }
}

pub(crate) fn waits_of(planned: &mut finbox_planned) -> Vec<finbox_wait> {
    let mut count = 0;
    let asked = c!(finbox_planned_waits(
        planned,
        ptr::null_mut(),
        0,
        &mut count
    ));
    assert_eq!(asked, OK);
    let (mut waits, mut again) = (vec![finbox_wait::default(); count], 0);
    let asked = c!(finbox_planned_waits(
        planned,
        waits.as_mut_ptr(),
        count,
        &mut again
    ));
    assert_eq!((asked, again), (OK, count));
    waits
}
