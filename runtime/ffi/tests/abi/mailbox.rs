//! A mailbox through the C ABI, with its memory and handles where they stay.

use std::ffi::c_void;
use std::ptr;

use finbox::*;
use finbox_mailbox::Line;

/// Calls a function of the ABI.
macro_rules! c {
    ($call:expr) => {{
        // SAFETY: storage and memory of a test live until its end. What is wrong is so on purpose,
        // and is refused before it is touched: that is what is tested.
        unsafe { $call }
    }};
}
pub(crate) use c;

pub(crate) const OK: finbox_status = finbox_status::Ok;

pub(crate) fn no_consumer() -> finbox_consumer {
    finbox_consumer { opaque: [0; 32] }
}

pub(crate) fn no_producer() -> finbox_producer {
    finbox_producer { opaque: [0; 16] }
}

pub(crate) fn drained() -> finbox_drained {
    finbox_drained {
        struct_size: size_of::<finbox_drained>(),
        taken: 0,
        malformed: 0,
        missing: 0,
        stop: 0,
    }
}

/// Storage of a consumer that threads may use at once, as C may.
pub(crate) struct Mailbox {
    memory: Vec<Line>,
    consumer: Box<finbox_consumer>,
}

impl Mailbox {
    /// Dirty memory, and storage that holds nothing.
    pub(crate) fn unplaced(slots: u32, producers: u32) -> Self {
        let mut bytes = 0;
        assert_eq!(c!(finbox_mailbox_bytes(slots, producers, &mut bytes)), OK);
        Self {
            memory: vec![Line([0xAA; 64]); bytes / size_of::<Line>()],
            consumer: Box::new(no_consumer()),
        }
    }

    /// Four claim lines, epoch 1.
    pub(crate) fn new(slots: u32) -> Self {
        let mut mailbox = Self::unplaced(slots, 4);
        let args = mailbox.args(slots);
        assert_eq!(c!(finbox_mailbox_place(&args, mailbox.consumer())), OK);
        mailbox
    }

    pub(crate) fn args(&mut self, slots: u32) -> finbox_place_args {
        finbox_place_args {
            struct_size: size_of::<finbox_place_args>(),
            next: ptr::null(),
            memory: self.memory.as_mut_ptr().cast(),
            size_bytes: self.memory.len() * size_of::<Line>(),
            start: 0,
            slots,
            epoch: 1,
            name: 5,
            instead_of: 0,
            flags: 0,
        }
    }

    pub(crate) fn attach_args(&mut self, name: u32) -> finbox_attach_args {
        finbox_attach_args {
            struct_size: size_of::<finbox_attach_args>(),
            next: ptr::null(),
            memory: self.memory.as_mut_ptr().cast(),
            size_bytes: self.memory.len() * size_of::<Line>(),
            name,
            flags: 0,
        }
    }

    pub(crate) fn consumer(&self) -> *mut finbox_consumer {
        ptr::from_ref(&*self.consumer).cast_mut()
    }

    pub(crate) fn open(&self, name: u32) -> Box<finbox_producer> {
        let mut producer = Box::new(no_producer());
        let status = c!(finbox_producer_open(self.consumer(), name, &mut *producer));
        assert_eq!(status, OK);
        producer
    }

    /// Status, the messages, and what was malformed.
    pub(crate) fn drain(&self, capacity: u32) -> (Vec<finbox_message>, Vec<finbox_message>) {
        let mut messages = vec![finbox_message::default(); capacity as usize];
        let mut drained = drained();
        let at = messages.as_mut_ptr();
        let status = c!(finbox_consumer_try_drain(
            self.consumer(),
            at,
            capacity,
            &mut drained
        ));
        assert_eq!(status, OK);
        let malformed = messages.split_off((capacity - drained.malformed) as usize);
        messages.truncate(drained.taken as usize);
        (messages, malformed)
    }

    /// The tasks of all that can be drained.
    pub(crate) fn tasks(&self) -> Vec<u64> {
        let (messages, malformed) = self.drain(64);
        assert_eq!(malformed, []);
        messages.iter().map(|message| message.task).collect()
    }

    pub(crate) fn stats(&self) -> finbox_stats {
        let mut stats = finbox_stats {
            struct_size: size_of::<finbox_stats>(),
            taken: 0,
            malformed: 0,
            missing: 0,
            slots: 0,
            epoch: 0,
            depth_hint: 0,
            is_condemned: 0,
        };
        assert_eq!(c!(finbox_consumer_stats(self.consumer(), &mut stats)), OK);
        stats
    }

    pub(crate) fn gap(&self) -> finbox_gap {
        let mut gap = finbox_gap {
            struct_size: size_of::<finbox_gap>(),
            position: 0,
            is_gap: 0,
            claimer: 0,
            others: 0,
            reserved: 0,
        };
        assert_eq!(c!(finbox_consumer_gap(self.consumer(), &mut gap)), OK);
        gap
    }

    /// What a recovery finds, a few positions at a time.
    pub(crate) fn recover(&self) -> Vec<finbox_salvage> {
        let nothing = finbox_salvage {
            position: 0,
            what: 0,
            claimer: 0,
            others: 0,
            reserved: 0,
            message: finbox_message::default(),
        };
        let mut found = Vec::new();
        loop {
            let (mut some, mut drained) = ([nothing; 2], drained());
            let at = some.as_mut_ptr();
            let status = c!(finbox_consumer_recover(
                self.consumer(),
                at,
                2,
                &mut drained
            ));
            assert_eq!(status, OK);
            let count = drained.taken + drained.malformed + drained.missing;
            found.extend(&some[..count as usize]);
            if drained.stop == finbox_stop::Condemned as u32 {
                return found;
            }
        }
    }
}

pub(crate) fn push_done(producer: &finbox_producer, task: u64) -> finbox_status {
    let producer = ptr::from_ref(producer).cast_mut();
    c!(finbox_producer_push_normal_done(producer, task, task, 0))
}

/// What the last refused call of this thread said.
pub(crate) fn last_error() -> String {
    let (mut text, mut length) = ([0x55_u8; 4096], 0);
    let at = text.as_mut_ptr().cast();
    assert_eq!(c!(finbox_last_error(at, text.len(), &mut length)), OK);
    assert_eq!(text[length], 0);
    String::from_utf8(text[..length].to_vec()).expect("text")
}

/// A place that a callback reaches through its context.
pub(crate) fn context<T>(value: &mut T) -> *mut c_void {
    ptr::from_mut(value).cast()
}
