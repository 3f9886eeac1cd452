//! What workers serve: where the bytes of items lie, and where what is found in each goes.
//!
//! An item of a work ring has an offset, a length and a rule set, and nothing else that a worker
//! could know. Guarantees: the scan that a worker makes of an item is the one that the item's task
//! plans, byte for byte. Refuses tasks that plan anything else. Called by the plan's check, by
//! whoever submits items, and by the cores that do them.

use finbox_mailbox::work::WorkItem;

use super::op::Op;
use super::rules::Scanned;

/// What the workers of a rank were started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Where items begin, in bytes of the rank's data.
    pub input: u64,
    /// Where the [words](Scanned) of the item at offset 0 go.
    pub found: u64,
    /// Items begin at multiples of so many bytes, and the words of neighbours are neighbours.
    pub grain: u64,
}

impl Service {
    /// The scan of `item`.
    pub const fn scan(&self, item: &WorkItem) -> Op {
        let offset = item.offset as u64;
        Op::Scan {
            from: self.input + offset,
            to: self.found + offset / self.grain * Scanned::BYTES,
            bytes: item.length as u64,
            rules: item.rule_set,
        }
    }

    /// The item whose scan is all that `program` does, without its correlation; None: there is no
    /// such item.
    pub fn item(&self, program: &[Op]) -> Option<WorkItem> {
        let [
            Op::Scan {
                from, bytes, rules, ..
            },
        ] = *program
        else {
            return None;
        };
        let offset = from.checked_sub(self.input)?;
        let item = WorkItem {
            offset: u32::try_from(offset).ok()?,
            length: u32::try_from(bytes).ok()?,
            rule_set: rules,
            correlation: 0,
        };
        (offset % self.grain == 0 && self.scan(&item) == program[0]).then_some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::{Op, Service};

    const SERVICE: Service = Service {
        input: 1_000,
        found: 64,
        grain: 100,
    };

    fn scan(from: u64, to: u64, bytes: u64) -> Op {
        let rules = 3;
        Op::Scan {
            from,
            to,
            bytes,
            rules,
        }
    }

    #[test]
    fn an_item_is_the_scan_that_its_task_plans() {
        for (from, to, bytes) in [(1_000, 64, 100), (1_300, 88, 7), (1_100, 72, 1_000)] {
            let program = [scan(from, to, bytes)];
            let item = SERVICE.item(&program).expect("an item");
            assert_eq!((u64::from(item.offset), item.rule_set), (from - 1_000, 3));
            assert_eq!(SERVICE.scan(&item), program[0]);
        }
    }

    #[test]
    fn what_no_item_can_say_is_none() {
        let program = |op| [op];
        for op in [
            scan(900, 56, 100),
            scan(1_050, 64, 100),
            scan(1_100, 64, 100),
            scan(1_000 + (100 << 32), 64 + (8 << 32), 100),
            scan(1_000, 64, 1 << 32),
            Op::StoreU32 { at: 64, value: 1 },
        ] {
            assert_eq!(SERVICE.item(&program(op.clone())), None, "{op:?}");
        }
        let twice = [scan(1_000, 64, 100), scan(1_000, 64, 100)];
        assert_eq!(SERVICE.item(&twice), None);
        assert_eq!(SERVICE.item(&[]), None);
    }
}
