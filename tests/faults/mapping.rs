//! A file's pages as mailbox memory, mapped by each process that opens it.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::ptr::{self, NonNull};

use finbox_mailbox::{
    AttachError, Consumer, Line, PlaceError, Producer, attach_shared, place_shared,
};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// The mapping. It outlives every handle in each test, since the tests keep it until their end.
pub(crate) struct Mapping {
    base: NonNull<Line>,
    lines: usize,
    _file: File,
}

impl Mapping {
    /// A file of `lines` lines full of `byte`.
    pub(crate) fn create(path: &Path, lines: usize, byte: u8) -> Self {
        std::fs::write(path, vec![byte; lines * size_of::<Line>()]).expect("a writable folder");
        Self::open(path)
    }

    /// The file as another process made it.
    pub(crate) fn open(path: &Path) -> Self {
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.expect("the file was created before");
        let bytes = file.metadata().expect("an open file has a size").len();
        let bytes = usize::try_from(bytes).expect("a test's file is small");
        let (prot, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: a fresh mapping where the kernel likes it; nobody truncates the file.
        let base = unsafe { mmap(ptr::null_mut(), bytes, prot, flags, &file, 0) };
        let base = base.expect("a file can be mapped").cast();
        Self {
            base: NonNull::new(base).expect("no mapping is at 0"),
            lines: bytes / size_of::<Line>(),
            _file: file,
        }
    }

    /// Places a mailbox in epoch 1.
    pub(crate) fn place<'m>(
        &self,
        slots: u32,
        start: u64,
    ) -> Result<(Producer<'m>, Consumer<'m>), PlaceError> {
        // SAFETY: mapped as long as the test runs, and only raw pointers touch it.
        unsafe { place_shared(self.base, self.lines, slots, start, 1) }
    }

    /// Attaches to the mailbox that stands here.
    pub(crate) fn attach<'m>(&self) -> Result<Producer<'m>, AttachError> {
        // SAFETY: as in `place`.
        unsafe { attach_shared(self.base, self.lines) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let bytes = self.lines * size_of::<Line>();
        // SAFETY: this mapping, whose handles are gone with the test.
        let unmapped = unsafe { munmap(self.base.as_ptr().cast(), bytes) };
        assert!(unmapped.is_ok(), "what was mapped can be unmapped");
    }
}
