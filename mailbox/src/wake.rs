//! The wake-up handshake of one sleeping thread: a three-state token, every step one
//! read-modify-write, no fence.
//!
//! The ringer writes its news, then swaps in NOTIFIED and unparks if it took PARKED. The sleeper
//! clears the token, looks at everything, and only then exchanges EMPTY for PARKED. If the ring
//! comes before that exchange, the exchange fails; if it comes after, the ringer sees PARKED; if
//! it came before the clearing, the clearing acquires the news and the look finds it. There is no
//! fourth place. Parking itself is the runtime's: this crate knows no threads.

use crossbeam_utils::CachePadded;

use crate::edge;
use crate::sync::AtomicU32;

const EMPTY: u32 = 0;
const NOTIFIED: u32 = 1;
const PARKED: u32 = 2;

/// The token of one thread that may sleep.
#[derive(Debug)]
pub struct WakeToken {
    state: CachePadded<AtomicU32>,
}

impl Default for WakeToken {
    fn default() -> Self {
        Self {
            state: CachePadded::new(AtomicU32::new(EMPTY)),
        }
    }
}

impl WakeToken {
    /// Says that there is news. `true`: the thread sleeps, and the caller must unpark it.
    #[inline]
    #[must_use = "a parked thread that is not unparked misses its news"]
    pub fn ring(&self) -> bool {
        // EDGE RING -> CLEAR, RING <- PARK. Carries the news written before; who takes PARKED also
        // knows whom to unpark.
        self.state.swap(NOTIFIED, edge::RING) == PARKED
    }

    /// Forgets old rings; returns whether there were any. What was announced before is visible from
    /// here on: look at everything.
    #[inline]
    pub fn clear(&self) -> bool {
        // EDGE CLEAR <- RING. A swap, not a store: it must read the ring it wipes out.
        self.state.swap(EMPTY, edge::CLEAR) == NOTIFIED
    }

    /// Goes to sleep unless somebody rang since [`clear`](Self::clear). `true`: park now.
    #[inline]
    #[must_use = "park only if this says so"]
    pub fn try_park(&self) -> bool {
        // EDGE PARK -> RING. RELAXED: PARK_LOST sends the sleeper back to `clear`, which acquires.
        self.state
            .compare_exchange(EMPTY, PARKED, edge::PARK, edge::PARK_LOST)
            .is_ok()
    }
}
