//! What things cost in virtual time.
//!
//! One value a target, all numbers in nanoseconds unless their names say otherwise. Published
//! are the costs of one control thread on a2a3 (facts.md §1, "Published costs"); where nothing
//! is published the comment says "choice". Nothing is published for a5: it takes a2a3's numbers
//! until somebody measures it. Called by [`SimPort`](super::SimPort), by cores and engines, and
//! by the worlds for what the scheduler's own steps cost.

use finbox_scheduler::Target;
use serde::{Deserialize, Serialize};

/// Costs in virtual nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostModel {
    /// Posted register store of the control CPU. Published: 5 in a burst.
    pub posted_store_ns: u64,
    /// Load of one COND. Published: 95 to 105, serial within a thread.
    pub cond_load_ns: u64,
    /// From the doorbell store until an idle core sees it. Published: 140.
    pub dispatch_seen_ns: u64,
    /// From a core's COND store until a load of the control CPU can see it. Published is end to
    /// end, 180 at least, the load of 100 included; the rest is this.
    pub cond_visible_ns: u64,
    /// Load of a line in the cache. Published: 3.
    pub cached_load_ns: u64,
    /// Dropping a line so that the next load misses. Published: 41 for a reload, load included.
    pub refresh_line_ns: u64,
    /// Writing a line back. Choice: as a posted store.
    pub clean_line_ns: u64,
    /// A core's switch to a token that was already pending. Published: 810.
    pub switch_ns: u64,
    /// Start of a task on a host lane. Published: 8 080 a task on the host.
    pub host_start_ns: u64,
    /// Start of a run. Published: 43 300 on the host.
    pub run_start_ns: u64,
    /// Submission of one task. Published: 874.
    pub submit_ns: u64,
    /// A packet written into a command ring. Choice: as a message into the mailbox, one line.
    pub packet_write_ns: u64,
    /// A packet taken from a command ring. Choice: a line that another thread wrote, as a reload.
    pub packet_read_ns: u64,
    /// Ringing a processor's bell, once a batch. Choice: a read-modify-write on a line that the
    /// other side has, as a reload.
    pub bell_ns: u64,
    /// Walk over a fan-out, before its first edge. Published: ≈ 500 for 1 or 2 edges and ≈ 5 000
    /// for 50; a line through both.
    pub fan_out_ns: u64,
    /// A message pushed into the mailbox, or a condition registered under the lock: one line.
    pub message_ns: u64,
    /// Each edge of a fan-out; see [`fan_out_ns`](Self::fan_out_ns).
    pub fan_out_edge_ns: u64,
    /// Dispatching one task, besides what the port charges. Published: 3 000 to 6 000 with it;
    /// choice: the lower end.
    pub dispatch_ns: u64,
    /// Completing one task, besides port and fan-out. Published: 2 000 to 4 000 with them;
    /// choice: what is left at the lower end.
    pub complete_ns: u64,
    /// A core's search for the patterns of a rule set. Choice: no latency, and 16 bytes a ns, as
    /// demos take it for kernels that only read and write.
    pub scan: EngineCost,
    /// Offering one item to persistent workers: a line written back for them. Choice: no core is
    /// picked and no payload built, so a fifteenth of dispatching a task.
    pub offer_ns: u64,
    /// A worker's look at the work ring, from one to the next where it finds nothing. Choice: half
    /// the published way from core to control through memory and a flush, 1 040.
    pub worker_poll_ns: u64,
    /// Taking an item: the exchange on its slot and the worker's own line. Choice: as a look.
    pub worker_claim_ns: u64,
    /// Telling of an item that is done: what it wrote, and the message. Published: 1 040 from core
    /// to control through memory and a flush.
    pub worker_tell_ns: u64,
    /// First byte of a put. Choice: as core to control through memory and a flush, 1 040.
    pub put_latency_ns: u64,
    /// Bandwidth of puts in bytes per microsecond. Choice: 25 GB/s.
    pub put_bytes_per_us: u64,
    /// From a put's last byte until its notify is visible. Choice: half a put's latency.
    pub notify_ns: u64,
    /// An SDMA stream. Choice: the latency of a put, 50 GB/s, whatever other streams do.
    pub sdma: EngineCost,
    /// A URMA queue. Choice: to the peer and back, two latencies of a put, and a put's bandwidth.
    pub urma: EngineCost,
    /// RoCE. Choice: as [`urma`](Self::urma), and two microseconds for the way through a switch.
    pub roce: EngineCost,
    /// The collective unit. Choice: as [`sdma`](Self::sdma).
    pub ccu: EngineCost,
}

/// What a transfer in one queue of an engine, or a scan, costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineCost {
    /// From its beginning to its end, without its bytes.
    pub latency_ns: u64,
    /// Bytes per microsecond.
    pub bytes_per_us: u64,
}

impl EngineCost {
    /// No costs.
    pub const FREE: Self = Self {
        latency_ns: 0,
        bytes_per_us: u64::MAX,
    };

    /// How long a transfer of `bytes` bytes takes, in ns.
    pub const fn takes(&self, bytes: u64) -> u64 {
        self.latency_ns
            .saturating_add(transfer_ns(bytes, self.bytes_per_us))
    }
}

impl CostModel {
    /// Costs on a2a3.
    pub const A2A3: Self = Self {
        posted_store_ns: 5,
        cond_load_ns: 100,
        dispatch_seen_ns: 140,
        cond_visible_ns: 80,
        cached_load_ns: 3,
        refresh_line_ns: 38,
        clean_line_ns: 5,
        switch_ns: 810,
        host_start_ns: 8_080,
        run_start_ns: 43_300,
        submit_ns: 874,
        packet_write_ns: 41,
        packet_read_ns: 41,
        bell_ns: 41,
        fan_out_ns: 360,
        fan_out_edge_ns: 93,
        message_ns: 41,
        dispatch_ns: 3_000,
        complete_ns: 1_500,
        scan: EngineCost {
            latency_ns: 0,
            bytes_per_us: 16_000,
        },
        offer_ns: 200,
        worker_poll_ns: 520,
        worker_claim_ns: 520,
        worker_tell_ns: 1_040,
        put_latency_ns: 1_040,
        put_bytes_per_us: 25_000,
        notify_ns: 520,
        sdma: EngineCost {
            latency_ns: 1_040,
            bytes_per_us: 50_000,
        },
        urma: EngineCost {
            latency_ns: 2_080,
            bytes_per_us: 25_000,
        },
        roce: EngineCost {
            latency_ns: 4_080,
            bytes_per_us: 25_000,
        },
        ccu: EngineCost {
            latency_ns: 1_040,
            bytes_per_us: 50_000,
        },
    };

    /// Costs on a5: nothing is published, so a2a3's.
    pub const A5: Self = Self::A2A3;

    /// No costs: for worlds that run by the wall clock, where things take what they take.
    pub const FREE: Self = Self {
        posted_store_ns: 0,
        cond_load_ns: 0,
        dispatch_seen_ns: 0,
        cond_visible_ns: 0,
        cached_load_ns: 0,
        refresh_line_ns: 0,
        clean_line_ns: 0,
        switch_ns: 0,
        host_start_ns: 0,
        run_start_ns: 0,
        submit_ns: 0,
        packet_write_ns: 0,
        packet_read_ns: 0,
        bell_ns: 0,
        fan_out_ns: 0,
        fan_out_edge_ns: 0,
        message_ns: 0,
        dispatch_ns: 0,
        complete_ns: 0,
        scan: EngineCost::FREE,
        offer_ns: 0,
        worker_poll_ns: 0,
        worker_claim_ns: 0,
        worker_tell_ns: 0,
        put_latency_ns: 0,
        put_bytes_per_us: u64::MAX,
        notify_ns: 0,
        sdma: EngineCost::FREE,
        urma: EngineCost::FREE,
        roce: EngineCost::FREE,
        ccu: EngineCost::FREE,
    };

    /// The costs of `target`, by its name; those of a2a3 for one that is not known here.
    pub const fn of(target: &Target) -> Self {
        match target.name.as_bytes() {
            b"a5" => Self::A5,
            _ => Self::A2A3,
        }
    }

    /// Walking over a fan-out of `edges` edges; nothing for none.
    pub const fn fan_out(&self, edges: u64) -> u64 {
        if edges == 0 {
            0
        } else {
            self.fan_out_ns + self.fan_out_edge_ns * edges
        }
    }

    /// A put of `bytes` bytes, from its issue until its last byte is visible.
    pub const fn put(&self, bytes: u64) -> u64 {
        self.put_latency_ns
            .saturating_add(transfer_ns(bytes, self.put_bytes_per_us))
    }

    /// An operation over `bytes` bytes of an engine of which nothing else is known: as SDMA.
    pub const fn dma(&self, bytes: u64) -> u64 {
        self.sdma.takes(bytes)
    }
}

const fn transfer_ns(bytes: u64, bytes_per_us: u64) -> u64 {
    bytes.saturating_mul(1_000) / bytes_per_us
}

#[cfg(test)]
mod tests {
    use super::CostModel;

    #[test]
    fn the_derived_costs_meet_the_published_ones() {
        let cost = CostModel::A2A3;
        assert_eq!(cost.cond_visible_ns + cost.cond_load_ns, 180);
        assert_eq!(cost.refresh_line_ns + cost.cached_load_ns, 41);
        assert_eq!(
            [cost.packet_write_ns, cost.packet_read_ns, cost.bell_ns],
            [41; 3]
        );
        assert!((450..=550).contains(&cost.fan_out(1)) && (450..=550).contains(&cost.fan_out(2)));
        assert!((4_900..=5_100).contains(&cost.fan_out(50)));
        assert_eq!(cost.fan_out(0), 0);
        assert_eq!(24 * cost.cond_load_ns, 2_400);
    }

    #[test]
    fn a_transfer_takes_its_latency_and_its_bytes() {
        let cost = CostModel::A2A3;
        assert_eq!(cost.put(0), 1_040);
        assert_eq!(cost.put(65_536), 1_040 + 2_621);
        assert_eq!(cost.dma(50_000), 1_040 + 1_000);
        assert_eq!(cost.scan.takes(1_024), 64);
        assert_eq!(CostModel::FREE.put(1 << 40), 0);
    }
}
