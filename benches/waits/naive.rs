//! What one would write first: a list of (address, value waited for), looked at one by one.

use finbox_scheduler::Port;

/// The list.
pub(crate) struct Naive(Vec<(u64, u32)>);

impl Naive {
    /// Of so many counters from `first` on.
    pub(crate) fn new(first: u64, (count, stride): (u64, u64)) -> Self {
        Self((0..count).map(|at| (first + at * stride, 1)).collect())
    }

    /// How many do not hold, each line made current for every condition or for none.
    pub(crate) fn unmet<const REFRESHES: bool>(&self, port: &impl Port) -> usize {
        let mut unmet = 0;
        for &(addr, expected) in &self.0 {
            if REFRESHES {
                port.refresh(addr, 4);
            }
            let ahead = port.load_u32(addr).wrapping_sub(expected) as i32;
            unmet += usize::from(ahead < 0);
        }
        unmet
    }
}
