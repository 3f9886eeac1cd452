//! Whether persistent workers are used for a scan: measured before the run, in virtual time.
//!
//! Guarantees: what is compared was run, both ways, by the scheduler that ships under the run's own
//! settings and costs, calm and without faults; so the numbers are the cost model's. Refuses to say
//! anything about the host's time. Called by the app when it loads a scenario with items.
//!
//! A few warm-up items of a size are run twice, so many and then twice as many: the difference is
//! what an item takes, without the start of the run and its end. Items that are larger than those
//! of the demo are told from them by the time of their scan alone, so no more bytes are scanned.

use finbox_runtime::persistent::{Choice, Measurements, Policy, PolicyError, Unable, Way};
use thiserror::Error;

use crate::demo::{self, ITEM_BYTES};
use crate::device::{CostModel, EngineCost};
use crate::fault::Faults;
use crate::world::{self, Clock, RunError, Settings};

/// Warm-up items for each worker: so many that all are busy several times over.
const ROUNDS: u32 = 4;

/// Fewest warm-up items.
const LEAST_ITEMS: u32 = 64;

/// The largest item that is tried: 64 MiB.
const LARGEST_BYTES: u32 = 1 << 26;

/// What was chosen, and what it was chosen by.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// What was asked for.
    pub policy: Policy,
    /// How items go, and why.
    pub choice: Choice,
    /// Vector cores that serve, where any do.
    pub workers: u16,
    /// Bytes of an item.
    pub item_bytes: u32,
    /// What was measured.
    pub measured: Measurements,
}

impl Chosen {
    /// Cores that serve: none where every item is a launch.
    pub const fn serving(&self) -> u16 {
        match self.choice.way {
            Way::Ring => self.workers,
            Way::Launch => 0,
        }
    }
}

/// Why nothing was chosen.
#[derive(Debug, Error)]
pub enum ChooseError {
    /// Workers are demanded, and cannot be had.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The warm-up items did not run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The warm-up items were not done as they must.
    #[error("the warm-up items were not done: {0}")]
    Warmup(String),
}

/// Chooses how the items of `persistent_scan` go, with `workers` vector cores that could serve, or
/// none for the reason in `able`.
///
/// # Errors
/// [`ChooseError`].
pub fn choose(
    policy: Policy,
    able: Result<u16, Unable>,
    settings: &Settings,
) -> Result<Chosen, ChooseError> {
    let item_bytes = u32::try_from(ITEM_BYTES).expect("an item has 1 KiB");
    let measured = match (policy, able) {
        (Policy::Auto, Ok(workers)) => measure(settings, workers)?,
        _ => Measurements::default(),
    };
    let choice = policy.choose(able.map(drop), &measured, item_bytes)?;
    Ok(Chosen {
        policy,
        choice,
        workers: able.unwrap_or(0),
        item_bytes,
        measured,
    })
}

/// Measures items of the demo's size, and of twice that again and again until launches of their own
/// are as good.
fn measure(settings: &Settings, workers: u16) -> Result<Measurements, ChooseError> {
    let mut measured = Measurements::default();
    let mut bytes = u32::try_from(ITEM_BYTES).expect("an item has 1 KiB");
    while bytes <= LARGEST_BYTES {
        for (way, serving) in [(Way::Launch, 0), (Way::Ring, workers)] {
            let took = items_take(settings, (workers, serving), bytes)?;
            measured.add(way, bytes, took);
        }
        if measured.of(bytes).is_none_or(|found| !found.is_win()) {
            break;
        }
        bytes *= 2;
    }
    Ok(measured)
}

/// How many items of `bytes` bytes took how many virtual ns together.
fn items_take(
    settings: &Settings,
    (workers, serving): (u16, u16),
    bytes: u32,
) -> Result<(u64, u64), ChooseError> {
    let items = LEAST_ITEMS.max(ROUNDS * u32::from(workers));
    let few = run_ns(settings, (items, serving), bytes)?;
    let many = run_ns(settings, (2 * items, serving), bytes)?;
    Ok((items.into(), many.saturating_sub(few)))
}

/// Virtual ns of a run of so many items.
fn run_ns(
    settings: &Settings,
    (items, serving): (u32, u16),
    bytes: u32,
) -> Result<u64, ChooseError> {
    let settings = Settings {
        clock: Clock::Lockstep,
        cost: as_if(&settings.cost, bytes),
        seed: 0,
        faults: Faults::NONE,
        deadline_ns: None,
        every_poll: false,
        record: false,
        ..*settings
    };
    let workload = demo::persistent_scan(items, serving);
    let outcome = world::run(&workload, &settings, &mut |_, _| {})?;
    let is_whole = outcome.ledger.completed == workload.order.len() as u64;
    if !is_whole || !outcome.verified.is_right() || !outcome.broken.is_empty() {
        let what = match &outcome.fault {
            Some(fault) => fault.code.what().to_owned(),
            None => format!("{} of {items} items completed", outcome.ledger.completed),
        };
        return Err(ChooseError::Warmup(what));
    }
    Ok(outcome.virtual_ns)
}

/// The costs by which an item of the demo takes as long as one of `bytes` bytes, which are as many
/// or more.
fn as_if(cost: &CostModel, bytes: u32) -> CostModel {
    let more_ns = cost.scan.takes(bytes.into()) - cost.scan.takes(ITEM_BYTES);
    let scan = EngineCost {
        latency_ns: cost.scan.latency_ns + more_ns,
        ..cost.scan
    };
    CostModel { scan, ..*cost }
}

#[cfg(test)]
mod tests;
