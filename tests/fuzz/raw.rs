//! Memory of a mailbox that a stranger writes: slots of the scheduler's, and a whole shared region.

use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use finbox_mailbox::{
    AttachError, Consumer, Line, PlaceError, Producer, WORDS, Words, attach_shared, place_shared,
    region_lines,
};
use finbox_scheduler::Chip;
use finbox_tests::house::{House, Limits};
use finbox_tests::model_port::Lines;

use crate::fixture::World;

/// The slots of a mailbox, for as long as its world lives.
pub(crate) struct Slots(Vec<*mut u64>);

impl Slots {
    /// Overwrites what is published at `position` and not drained.
    pub(crate) fn overwrite(&self, position: u64, words: &Words) {
        let mask = self.0.len() as u64 - 1;
        let index = usize::try_from(position & mask).expect("an index");
        for (offset, &value) in (0..WORDS).zip(words) {
            // SAFETY: inside a mailbox slot, whose first word is its sequence.
            let at = unsafe { self.0[index].add(1 + offset) };
            // SAFETY: `with_world` keeps the memory, and one thread runs all of it.
            unsafe { at.write_volatile(value) };
        }
    }
}

/// Runs `test` in a fresh world whose mailbox slots can be reached.
pub(crate) fn with_world(chip: Chip, limits: &Limits, test: impl FnOnce(&mut World<'_>, &Slots)) {
    let mut house = House::new(&chip, limits);
    let slots = (0..limits.mailbox).map(|index| house.cell_words(index));
    let slots = Slots(slots.collect());
    let mut world = World::new(&mut house, chip, Lines::of(&chip));
    test(&mut world, &slots);
}

/// Memory that another process could map as well: nobody has a Rust reference to it.
pub(crate) struct Region(Box<[UnsafeCell<Line>]>);

impl Region {
    /// Room for `slots` messages and `claimers` claim lines, every word `word`.
    pub(crate) fn new(slots: u32, claimers: usize, word: u64) -> Self {
        let mut line = [0; 64];
        line.chunks_exact_mut(8)
            .for_each(|chunk| chunk.copy_from_slice(&word.to_le_bytes()));
        let lines = region_lines(slots) + claimers;
        Self((0..lines).map(|_| UnsafeCell::new(Line(line))).collect())
    }

    fn base(&self) -> NonNull<Line> {
        NonNull::from(&*self.0).cast()
    }

    pub(crate) fn words(&self) -> usize {
        self.0.len() * 8
    }

    /// Places a mailbox. The caller has no other consumer on this memory.
    pub(crate) fn place(
        &self,
        slots: u32,
        start: u64,
    ) -> Result<(Producer<'_>, Consumer<'_>), PlaceError> {
        // SAFETY: the lines live as long as the handles, and are reached through cells alone.
        unsafe { place_shared(self.base(), self.0.len(), slots, start, 1) }
    }

    pub(crate) fn attach(&self) -> Result<Producer<'_>, AttachError> {
        // SAFETY: as in `place`.
        unsafe { attach_shared(self.base(), self.0.len()) }
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.words());
        // SAFETY: the word lies inside the region.
        let word = unsafe { self.base().cast::<u64>().add(index) };
        // SAFETY: aligned, live, and everybody uses atomics on it.
        unsafe { AtomicU64::from_ptr(word.as_ptr()) }
    }

    /// What a hostile process can do: read any word, and write any.
    pub(crate) fn read(&self, index: usize) -> u64 {
        self.word(index).load(Ordering::Relaxed)
    }

    pub(crate) fn write(&self, index: usize, value: u64) {
        self.word(index).store(value, Ordering::Relaxed);
    }
}
