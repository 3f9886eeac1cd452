//! One rank's memory in its two views: [`Dram`] for the device, lines for the control CPU.
//!
//! Guarantees: on a coherent target the control CPU sees memory as it is; on another it sees
//! lines that stay as they were until they are refreshed, and its stores wait for a clean.
//! Refuses to let the control CPU read what it was not given: [`can_read`](Memory::can_read)
//! says what that is. Called by [`SimPort`](super::SimPort); cores and engines use
//! [`dram`](Memory::dram).

use std::ops::Range;

use super::cache::{Cache, merged};
use super::dram::{Dram, half_of};

/// Device memory and what the control CPU has cached of it.
#[derive(Debug)]
pub struct Memory {
    dram: Dram,
    /// What the control CPU may read: sorted, merged where ranges touch.
    readable: Box<[Range<u64>]>,
    /// None on a coherent target.
    cache: Option<Cache>,
}

impl Memory {
    /// `dram` with the ranges of it that the control CPU may read, in any order.
    pub fn new(dram: Dram, readable: &[Range<u64>], is_coherent: bool) -> Self {
        let cache = (!is_coherent).then(|| Cache::new(readable));
        Self {
            dram,
            readable: merged(readable.to_vec()).into(),
            cache,
        }
    }

    /// As cores, engines and peers see it.
    pub const fn dram(&self) -> &Dram {
        &self.dram
    }

    /// Whether the control CPU was given all of `bytes` bytes at `addr`.
    pub fn can_read(&self, addr: u64, bytes: u64) -> bool {
        let after = self.readable.partition_point(|range| range.start <= addr);
        let Some(range) = after.checked_sub(1).map(|index| &self.readable[index]) else {
            return false;
        };
        addr.checked_add(bytes).is_some_and(|end| end <= range.end)
    }

    /// The aligned `u64` at `addr`, as the control CPU sees it.
    ///
    /// # Panics
    /// If the control CPU may not read it, or it is not aligned.
    pub fn control_load_u64(&self, addr: u64) -> u64 {
        assert!(
            self.can_read(addr, 8),
            "the control CPU may not read {addr:#x}"
        );
        assert!(addr.is_multiple_of(8), "a u64 at {addr:#x} is not aligned");
        self.control_word(addr)
    }

    /// The aligned `u32` at `addr`, as the control CPU sees it.
    ///
    /// # Panics
    /// As [`control_load_u64`](Self::control_load_u64).
    pub fn control_load_u32(&self, addr: u64) -> u32 {
        assert!(
            self.can_read(addr, 4),
            "the control CPU may not read {addr:#x}"
        );
        half_of(self.control_word(addr - addr % 8), addr)
    }

    fn control_word(&self, addr: u64) -> u64 {
        match &self.cache {
            Some(cache) => cache.load(&self.dram, addr),
            None => self.dram.load_u64(addr),
        }
    }

    /// Stores the aligned `u64` at `addr` for the control CPU; needs a
    /// [`clean`](Self::clean) to be seen by the device where the target is not coherent.
    ///
    /// # Panics
    /// As [`control_load_u64`](Self::control_load_u64).
    pub fn control_store_u64(&self, addr: u64, value: u64) {
        assert!(
            self.can_read(addr, 8),
            "the control CPU may not write {addr:#x}"
        );
        assert!(addr.is_multiple_of(8), "a u64 at {addr:#x} is not aligned");
        match &self.cache {
            Some(cache) => cache.store(&self.dram, addr, value),
            None => self.dram.store_u64(addr, value),
        }
    }

    /// Makes the control CPU's next loads of these lines look at memory.
    pub fn refresh(&self, addr: u64, bytes: u64) {
        if let Some(cache) = &self.cache {
            cache.refresh(addr, bytes);
        }
    }

    /// Makes the control CPU's stores to these lines visible to the device.
    pub fn clean(&self, addr: u64, bytes: u64) {
        if let Some(cache) = &self.cache {
            cache.clean(&self.dram, addr, bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Dram, Memory};

    const BASE: u64 = 0x1000_0000;

    fn memory(is_coherent: bool) -> Memory {
        let readable = [BASE + 4..BASE + 8, BASE..BASE + 4, BASE + 64..BASE + 128];
        Memory::new(Dram::new(BASE, 256), &readable, is_coherent)
    }

    #[test]
    fn the_control_cpu_reads_what_it_was_given_and_not_a_byte_more() {
        let memory = memory(true);
        assert!(memory.can_read(BASE, 8) && memory.can_read(BASE + 124, 4));
        for (addr, bytes) in [(0, 4), (BASE - 4, 4), (BASE + 8, 4), (BASE + 125, 4)] {
            assert!(!memory.can_read(addr, bytes), "{addr:#x}");
        }
        assert!(!memory.can_read(u64::MAX, 4));
    }

    #[test]
    fn two_counters_of_one_word_are_told_apart() {
        for is_coherent in [false, true] {
            let memory = memory(is_coherent);
            memory.dram().store_u32(BASE, 1);
            memory.dram().store_u32(BASE + 4, 2);
            let seen = (
                memory.control_load_u32(BASE),
                memory.control_load_u32(BASE + 4),
            );
            assert_eq!(seen, (1, 2));
        }
    }

    #[test]
    fn a_store_is_seen_at_once_only_where_the_target_is_coherent() {
        for is_coherent in [false, true] {
            let memory = memory(is_coherent);
            memory.control_store_u64(BASE + 64, 7);
            assert_eq!(memory.dram().load_u64(BASE + 64) == 7, is_coherent);
            memory.clean(BASE + 64, 8);
            assert_eq!(memory.dram().load_u64(BASE + 64), 7);
        }
    }
}
