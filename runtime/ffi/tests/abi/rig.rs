//! A scheduler over a chip, through the C ABI, with its memory and its handle where they stay.

use std::ptr;

use finbox::*;

use crate::chip::{CORES, Chip};
use crate::mailbox::{OK, c, last_error};

/// What memory is made of here: on the boundary, dirty.
#[derive(Clone, Copy)]
#[repr(align(128))]
struct Block(#[expect(dead_code, reason = "memory, never looked at as this")] [u8; 128]);

pub(crate) struct Rig {
    pub(crate) chip: Box<Chip>,
    memory: Vec<Block>,
    pub(crate) handle: Box<finbox_scheduler>,
    pub(crate) port: Box<finbox_abi::finbox_port>,
}

// SAFETY: a test's threads use a handle at once, as C may.
unsafe impl Sync for Rig {}

pub(crate) fn no_scheduler() -> finbox_scheduler {
    finbox_scheduler { opaque: [0; 8] }
}

/// A task of one block on a vector core.
pub(crate) fn task(number: u64, kernel: u64) -> finbox_task_args {
    finbox_task_args {
        struct_size: size_of::<finbox_task_args>(),
        next: ptr::null(),
        after: ptr::null(),
        after_count: 0,
        retained: ptr::null(),
        retained_count: 0,
        task: number,
        kernel,
        args: 0,
        output_bytes: 0,
        run_budget_ns: 0,
        wait_budget_ns: 0,
        predicate_address: 0,
        shape: finbox_shape::Aiv as u32,
        subtasks: 0,
        blocks: 0,
        defers: 0,
        predicate_comparison: 0,
        predicate_value: 0,
        flags: 0,
    }
}

/// A task that waits for the counter at `address`.
pub(crate) fn deferred(number: u64, address: u64) -> finbox_task_args {
    finbox_task_args {
        args: address,
        defers: 1,
        ..task(number, crate::chip::AWAIT)
    }
}

macro_rules! answer {
    ($name:ident { $($field:ident),* }) => {
        $name { struct_size: size_of::<$name>(), $($field: 0),* }
    };
}
pub(crate) use answer;

impl Drop for Rig {
    /// A test that failed must not let go of memory that threads are at.
    fn drop(&mut self) {
        if std::thread::panicking() && c!(finbox_scheduler_stop(self.at())) == finbox_status::Stuck
        {
            std::process::abort();
        }
    }
}

impl Rig {
    /// Memory and storage that hold no scheduler.
    pub(crate) fn unplaced() -> Self {
        let chip = Chip::new();
        let port = Box::new(chip.port());
        let mut rig = Self {
            chip,
            memory: Vec::new(),
            handle: Box::new(no_scheduler()),
            port,
        };
        let args = rig.args();
        let mut bytes = 0;
        assert_eq!(c!(finbox_scheduler_bytes(&args, &mut bytes)), OK);
        rig.memory = vec![Block([0xAA; 128]); bytes.div_ceil(128)];
        rig
    }

    pub(crate) fn new() -> Self {
        let mut rig = Self::unplaced();
        let args = rig.args();
        assert_eq!(rig.place(&args), OK, "{}", last_error());
        rig
    }

    /// Two clusters, two handlers, eight task slots in a ring.
    pub(crate) fn args(&mut self) -> finbox_scheduler_args {
        finbox_scheduler_args {
            struct_size: size_of::<finbox_scheduler_args>(),
            next: ptr::null(),
            memory: self.memory.as_mut_ptr().cast(),
            size_bytes: self.memory.len() * size_of::<Block>(),
            port: &raw const *self.port,
            heap_bytes: 4096,
            run_ns: 0,
            wait_ns: 0,
            gap_ns: 0,
            patience_ns: 0,
            target: FINBOX_TARGET_A5,
            cores: CORES,
            host_lanes: 0,
            handlers: 2,
            rings: 1,
            task_slots: 8,
            scopes: 4,
            edge_nodes: 16,
            condition_room: 64,
            urma_queues: 1,
            mailbox_slots: 16,
            epoch: 5,
            work_slots: 0,
            workers: 0,
        }
    }

    /// The same arguments with memory that is large enough for them.
    pub(crate) fn sized(&mut self, args: finbox_scheduler_args) -> finbox_scheduler_args {
        let mut bytes = 0;
        assert_eq!(c!(finbox_scheduler_bytes(&args, &mut bytes)), OK);
        self.memory = vec![Block([0xAA; 128]); bytes.div_ceil(128)];
        finbox_scheduler_args {
            memory: self.memory.as_mut_ptr().cast(),
            size_bytes: self.memory.len() * size_of::<Block>(),
            ..args
        }
    }

    pub(crate) fn place(&mut self, args: &finbox_scheduler_args) -> finbox_status {
        c!(finbox_scheduler_place(args, &raw mut *self.handle))
    }

    pub(crate) fn at(&self) -> *mut finbox_scheduler {
        ptr::from_ref(&*self.handle).cast_mut()
    }

    /// Overwrites the memory, which the library has given back.
    pub(crate) fn spoil(&self) {
        let (at, size_bytes) = (self.memory.as_ptr().cast_mut(), self.memory.len());
        // SAFETY: all of the blocks, which nobody else uses any more.
        unsafe { at.write_bytes(0xAA, size_bytes) };
    }

    pub(crate) fn destroy(&self) -> finbox_status {
        c!(finbox_scheduler_destroy(self.at()))
    }

    pub(crate) fn try_submit(
        &self,
        args: &finbox_task_args,
        after: &[finbox_task],
    ) -> (finbox_status, finbox_task) {
        let mut task = finbox_task::default();
        let args = finbox_task_args {
            after: after.as_ptr(),
            after_count: after.len(),
            ..*args
        };
        let status = c!(finbox_scheduler_submit(self.at(), &args, &mut task));
        (status, task)
    }

    pub(crate) fn submit(&self, args: &finbox_task_args, after: &[finbox_task]) -> finbox_task {
        let (status, task) = self.try_submit(args, after);
        assert_eq!(status, OK, "{}", last_error());
        task
    }

    pub(crate) fn fin(&self, handler: u32) -> finbox_status {
        c!(finbox_scheduler_fin_pass(
            self.at(),
            handler,
            ptr::null_mut()
        ))
    }

    pub(crate) fn dispatch(&self) -> finbox_pass {
        let mut pass = answer!(finbox_pass {
            deadline_ns,
            progress,
            watching,
            handlers,
            polled
        });
        let status = c!(finbox_scheduler_dispatch_pass(self.at(), &mut pass));
        assert_eq!(status, OK, "{}", last_error());
        pass
    }

    /// Passes until nothing moves.
    pub(crate) fn settle(&self) {
        loop {
            let mut progress = self.dispatch().progress != 0;
            for handler in 0..2 {
                let mut step = 9;
                let status = c!(finbox_scheduler_fin_pass(self.at(), handler, &mut step));
                assert_eq!(status, OK, "{}", last_error());
                progress |= step == finbox_step::Progress as u32;
            }
            if !progress {
                return;
            }
        }
    }

    pub(crate) fn fate(&self, task: finbox_task) -> u32 {
        let mut fate = 9;
        let status = c!(finbox_scheduler_fate(self.at(), task, &mut fate));
        assert_eq!(status, OK, "{}", last_error());
        fate
    }

    pub(crate) fn ledger(&self) -> finbox_ledger {
        // SAFETY: integers.
        let mut ledger: finbox_ledger = unsafe { std::mem::zeroed() };
        ledger.struct_size = size_of::<finbox_ledger>();
        let status = c!(finbox_scheduler_ledger(self.at(), &mut ledger));
        assert_eq!(status, OK, "{}", last_error());
        ledger
    }

    /// The first fault's number and name.
    pub(crate) fn fault(&self) -> (u64, String) {
        // SAFETY: integers and pointers.
        let mut fault: finbox_fault = unsafe { std::mem::zeroed() };
        fault.struct_size = size_of::<finbox_fault>();
        let status = c!(finbox_scheduler_first_fault(self.at(), &mut fault));
        assert_eq!(status, OK, "{}", last_error());
        // SAFETY: a text of the library, which lives as long.
        let name = unsafe { fault.name.bytes() };
        (fault.code, String::from_utf8_lossy(name).into_owned())
    }

    pub(crate) fn stalls(&self) -> Vec<finbox_stall> {
        let mut rows = vec![finbox_stall::default(); 32];
        let mut count = 0;
        let status = c!(finbox_scheduler_stalls(
            self.at(),
            rows.as_mut_ptr(),
            rows.len(),
            &mut count
        ));
        assert_eq!(status, OK, "{}", last_error());
        rows.truncate(count);
        rows
    }

    pub(crate) fn stall_text(&self) -> String {
        let (mut text, mut length) = ([0x55_u8; 1000], 0);
        let at = text.as_mut_ptr().cast();
        let status = c!(finbox_scheduler_stall_text(
            self.at(),
            at,
            text.len(),
            &mut length
        ));
        assert_eq!(status, OK, "{}", last_error());
        assert_eq!(text[length], 0);
        String::from_utf8(text[..length].to_vec()).expect("text")
    }
}
