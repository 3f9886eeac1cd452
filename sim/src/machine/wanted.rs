//! What a machine is to be, as whoever opens it says, and what it becomes.
//!
//! Guarantees: every number is within its limits before anything is allocated. Refuses what it
//! does not know, by name. Called by [`SimMachine::open`](super::SimMachine::open).

use finbox_runtime::MachineFacts;
use finbox_scheduler::{A2A3, A5, Target};

use super::refusal::Why;
use super::translate::OPERATIONS;
use crate::device::{
    CostModel, DeviceOptions, EngineMemory, LINE_BYTES, Layout, RANK_STRIDE_BYTES,
};
use crate::engine::Lateness;

/// Most ranks of a machine.
const MOST_RANKS: u32 = 64;

const _: () = assert!(
    MOST_RANKS as u64 * RANK_STRIDE_BYTES / 4 <= 1 << 32,
    "every word of every rank has a number of 32 bits"
);

/// Chip families by their numbers in the contract; the first is what somebody gets who says none.
const FAMILIES: [(u32, &Target); 2] = [(1, &A2A3), (2, &A5)];

/// Ranks, unless somebody says how many.
const USUAL_RANKS: u32 = 2;
/// DMA queues of a rank, unless somebody says how many.
const USUAL_QUEUES: u32 = 4;
/// Host lanes of a rank.
const HOST_LANES: u16 = 1;
/// Memory of a rank, unless somebody says how much or all of them together have more than
/// [`USUAL_MEMORY_OF_ALL`].
const USUAL_MEMORY: u64 = 16 << 20;
/// Memory of all ranks, unless somebody says how much.
const USUAL_MEMORY_OF_ALL: u64 = 256 << 20;
/// Most memory of all ranks: it is all allocated at once, and once more where lines are cached.
const MOST_MEMORY_OF_ALL: u64 = 4 << 30;
/// How late things are at most with a seed, unless somebody says.
const USUAL_JITTER_NS: u64 = 10_000;
/// The seed of somebody who only said how late things are.
const USUAL_SEED: u64 = 1;
/// Most that somebody can say: a second.
const MOST_JITTER_NS: u64 = 1_000_000_000;

/// What a machine is to be. 0, and no text: as the machine likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Chip family: 1 a2a3, 2 a5.
    pub target: u32,
    /// Ranks, 1 to 64.
    pub ranks: u32,
    /// Cores of a rank, cubes and vectors, at most the chip's.
    pub cores: u32,
    /// DMA queues of a rank, at most 64.
    pub dma_queues: u32,
    /// Bytes of memory of a rank.
    pub memory_bytes: u64,
    /// `NAME=NUMBER`, with commas between them. `seed`: kernels and DMA end a little late, as it
    /// says; 0: they do not. `jitter`: by how many ns at most.
    pub options: &'a str,
}

/// What a machine is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) facts: MachineFacts,
    pub(super) lateness: Lateness,
    pub(super) queues: u16,
}

impl Wanted<'_> {
    /// What the machine becomes.
    ///
    /// # Errors
    /// The first that is not within its limits, or is not known.
    pub(super) fn plan(&self) -> Result<Plan, Why> {
        let lateness = lateness(self.options)?;
        let target = match self.target {
            0 => FAMILIES[0].1,
            number => {
                let family = FAMILIES.iter().find(|&&(family, _)| family == number);
                family.ok_or(Why::Target(number))?.1
            }
        };
        let ranks = between("ranks", (self.ranks, USUAL_RANKS), MOST_RANKS)?;
        let most_cores = u32::from(target.cores());
        let cores = between("cores", (self.cores, most_cores), most_cores)?;
        let most_queues = u32::from(EngineMemory::MOST_STREAMS);
        let queues = between("DMA queues", (self.dma_queues, USUAL_QUEUES), most_queues)?;
        let mut facts = MachineFacts {
            target,
            ranks,
            cores: small(cores),
            host_lanes: HOST_LANES,
            dma_queues: queues,
            is_coherent: target.coherent_dma,
            memory_bytes: 0,
            operations: OPERATIONS,
        };
        let queues = small(queues);
        facts.memory_bytes = self.memory(&facts, queues)?;
        Ok(Plan {
            facts,
            lateness,
            queues,
        })
    }

    /// Bytes of a rank.
    fn memory(&self, facts: &MachineFacts, queues: u16) -> Result<u64, Why> {
        let (asked, ranks) = (self.memory_bytes, u64::from(facts.ranks));
        let empty = Layout::flat(0, options(facts).lanes(), &engines(queues), 0);
        let most = RANK_STRIDE_BYTES - (empty.data().start - empty.base());
        let most = most.min(MOST_MEMORY_OF_ALL / ranks);
        let bytes = match asked {
            0 => USUAL_MEMORY.min(USUAL_MEMORY_OF_ALL / ranks),
            _ if asked <= most => asked,
            _ => return Err(Why::Memory { asked, most }),
        };
        // Whole lines: what is refreshed by the line may all be read.
        Ok(bytes.next_multiple_of(LINE_BYTES))
    }
}

/// The number of `target`'s chip family; 0 for one that has none.
pub(super) fn family(target: &Target) -> u32 {
    let named = FAMILIES.iter().find(|(_, one)| one.name == target.name);
    named.map_or(0, |&(number, _)| number)
}

/// The chip of such a machine. Cores take what they take; DMA takes what the target's does.
pub(super) const fn options(facts: &MachineFacts) -> DeviceOptions {
    let cost = CostModel {
        sdma: CostModel::of(facts.target).sdma,
        ..CostModel::FREE
    };
    DeviceOptions {
        target: *facts.target,
        cores: facts.cores,
        host_lanes: facts.host_lanes,
        cost,
    }
}

/// The engines of a rank with so many DMA queues.
pub(super) const fn engines(queues: u16) -> EngineMemory {
    EngineMemory {
        sdma_streams: queues,
        completion_queues: Vec::new(),
    }
}

fn between(what: &'static str, (asked, usual): (u32, u32), most: u32) -> Result<u32, Why> {
    match asked {
        0 => Ok(usual),
        _ if asked <= most => Ok(asked),
        _ => Err(Why::TooMany { what, asked, most }),
    }
}

/// A number that is no larger than 65 535.
fn small(number: u32) -> u16 {
    u16::try_from(number).expect("cores and queues are fewer than 65 536")
}

/// What the options say about how late things are.
fn lateness(options: &str) -> Result<Lateness, Why> {
    let (mut seed, mut jitter_ns) = (None, None);
    for option in options.split(',').map(str::trim) {
        if option.is_empty() {
            continue;
        }
        let refusal = |why: fn(String) -> Why| why(option.to_owned());
        let (name, number) = option.split_once('=').ok_or(refusal(Why::Option))?;
        let value = match name.trim() {
            "seed" => &mut seed,
            "jitter" => &mut jitter_ns,
            _ => return Err(refusal(Why::Option)),
        };
        let number: u64 = number
            .trim()
            .parse()
            .map_err(|_| refusal(Why::OptionNumber))?;
        if value.replace(number).is_some() {
            return Err(refusal(Why::OptionTwice));
        }
    }
    let jitter_ns = match (seed, jitter_ns) {
        (_, Some(ns)) if ns > MOST_JITTER_NS => return Err(Why::Jitter(ns)),
        (_, Some(ns)) => ns,
        (None, None) => 0,
        (Some(_), None) => USUAL_JITTER_NS,
    };
    Ok(Lateness {
        seed: seed.unwrap_or(USUAL_SEED),
        bound: jitter_ns + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::{Wanted, lateness};

    #[test]
    fn what_nobody_says_is_as_the_machine_likes() {
        let plan = Wanted::default().plan().expect("the usual machine");
        let facts = plan.facts;
        assert_eq!((facts.target.name, facts.ranks), ("a2a3", 2));
        assert_eq!((facts.cores, facts.dma_queues), (facts.target.cores(), 4));
        assert_eq!((facts.memory_bytes, plan.lateness.bound), (16 << 20, 1));
        let ranks = 64;
        let many = Wanted {
            ranks,
            ..Wanted::default()
        }
        .plan();
        assert_eq!(many.expect("64 ranks").facts.memory_bytes, 4 << 20);
    }

    #[test]
    fn what_is_beyond_its_limit_is_refused_with_the_limit() {
        let ask = |[target, ranks, cores, dma_queues]: [u32; 4], memory_bytes| Wanted {
            target,
            ranks,
            cores,
            dma_queues,
            memory_bytes,
            options: "",
        };
        for (wanted, words) in [
            (ask([3, 0, 0, 0], 0), "no chip family 3"),
            (ask([0, 65, 0, 0], 0), "65 ranks; there are at most 64"),
            (ask([0, 0, 73, 0], 0), "73 cores; there are at most 72"),
            (ask([0, 0, 0, 65], 0), "65 DMA queues"),
            (ask([0; 4], 256 << 20), "268435456 bytes of memory a rank"),
            (ask([0; 4], u64::MAX), "bytes of memory a rank"),
            (ask([0, 64, 0, 0], 65 << 20), "at most 67108864"),
        ] {
            let refusal = wanted.plan().expect_err("it is refused").to_string();
            assert!(refusal.contains(words), "{wanted:?}: {refusal}");
        }
    }

    #[test]
    fn what_is_no_option_is_refused_by_name() {
        for (options, words) in [
            ("sead=1", "`sead=1` is no option"),
            ("seed", "`seed` is no option"),
            ("seed=x", "`seed=x` has no number"),
            ("seed=1,seed=2", "`seed=2` was said before"),
            ("jitter=1000000001", "a second at most"),
        ] {
            let usual = Wanted::default();
            let refused = Wanted { options, ..usual }.plan();
            let refusal = refused.expect_err("it is refused").to_string();
            assert!(refusal.contains(words), "{options}: {refusal}");
        }
    }

    #[test]
    fn the_most_memory_of_a_rank_fits_its_part_of_the_addresses() {
        let ask = |memory_bytes| {
            Wanted {
                ranks: 1,
                memory_bytes,
                ..Wanted::default()
            }
            .plan()
        };
        let refusal = ask(256 << 20).expect_err("there are slabs too").to_string();
        let most = refusal
            .rsplit(' ')
            .next()
            .and_then(|most| most.parse().ok());
        let most: u64 = most.expect("it ends with the limit");
        assert!(ask(most).is_ok() && ask(most + 1).is_err());
    }

    #[test]
    fn options_say_how_late_things_are() {
        let late = |options| lateness(options).map(|late| (late.seed, late.bound));
        assert_eq!(late(""), Ok((1, 1)));
        assert_eq!(late("seed=7"), Ok((7, 10_001)));
        assert_eq!(late(" jitter = 50 , seed=0,"), Ok((0, 51)));
        assert_eq!(late("jitter=0"), Ok((1, 1)));
    }
}
