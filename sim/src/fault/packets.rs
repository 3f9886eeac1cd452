//! The seed's decisions about a batch of packets.
//!
//! Guarantees: at most one thing goes wrong with a batch. Refuses to write packets: whoever submits
//! does what was decided. Called by the submitting side of a command ring.

use super::injector::Injector;
use super::table::FaultKind;

/// What goes wrong with a batch of packets, and with which of them, as a number to reduce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchMishap {
    /// Nobody rings.
    BellLost,
    /// The bell is rung twice.
    BellDoubled,
    /// Whoever submits crashes before that packet is published.
    Torn(u32),
    /// A buffer of another run is called.
    OtherEpoch,
    /// What is published from that packet on is none.
    Garbage(u32),
    /// A buffer is called that jumps to itself.
    Loop,
}

impl Injector {
    /// One more batch of packets, for which there is room.
    pub fn batch(&mut self) -> Option<BatchMishap> {
        let draw = |draw: u64| u32::try_from(draw >> 32).unwrap_or(0);
        if let Some(number) = self.strikes(FaultKind::PacketTorn) {
            return Some(BatchMishap::Torn(draw(number)));
        }
        if let Some(number) = self.strikes(FaultKind::PacketGarbage) {
            return Some(BatchMishap::Garbage(draw(number)));
        }
        let others = [
            (FaultKind::PacketOtherEpoch, BatchMishap::OtherEpoch),
            (FaultKind::PacketLoop, BatchMishap::Loop),
            (FaultKind::BellLost, BatchMishap::BellLost),
            (FaultKind::BellDoubled, BatchMishap::BellDoubled),
        ];
        let mut others = others.into_iter();
        others.find_map(|(kind, mishap)| self.strikes(kind).map(|_| mishap))
    }
}
