//! Any words in mailbox slots: decoded or refused, and no task is finished twice or for ever not.

use std::collections::BTreeSet;

use finbox_mailbox::{Bundle, Done, Malformed, Message, SlotBits, WORDS, Words};
use finbox_scheduler::{Chip, Outcome, Shape, SlotId, TaskSpec};
use finbox_tests::house::Limits;
use finbox_tests::model_port::WireCondition;

use crate::bytes::Bytes;
use crate::fixture::{COUNTERS, TARGETS, World, cluster};
use crate::raw::{Slots, with_world};

/// Longer than any of it takes, in ns.
const AN_AGE: u64 = 1 << 40;

const MOST_TASKS: usize = 12;

const EPOCH: u32 = 7;

/// Target and mailbox, then what happens.
pub(crate) fn target(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let chip: Chip = cluster(TARGETS[bytes.below(2)]);
    let limits = Limits {
        mailbox: 2 << bytes.below(4),
        slots: 8,
        conditions: 64,
        ..Limits::default()
    };
    with_world(chip, &limits, |world, slots| {
        let mut run = Run {
            slots,
            world,
            tasks: Vec::new(),
            slandered: BTreeSet::new(),
        };
        while !bytes.is_empty() {
            run.step(&mut bytes);
        }
        run.end();
    });
}

struct Run<'r, 'm> {
    slots: &'r Slots,
    world: &'r mut World<'m>,
    tasks: Vec<SlotId>,
    /// Slots that a forged message named.
    slandered: BTreeSet<u64>,
}

impl Run<'_, '_> {
    fn step(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.below(8) {
            0 => self.submit(bytes),
            1 => drop(self.world.dispatch()),
            2 => drop(self.world.run_cores()),
            3 => drop(self.world.handle()),
            4 => self.world.port.set_counter(bytes.below(COUNTERS), 1),
            _ => self.forge(bytes),
        }
    }

    /// A task that waits for up to seven counters.
    fn submit(&mut self, bytes: &mut Bytes<'_>) {
        let (first, shape) = (bytes.below(COUNTERS - 8), bytes.u8());
        let conditions: Vec<WireCondition> = (0..usize::from(shape & 7))
            .map(|i| self.world.counter(first + i, 1))
            .collect();
        let args = self.world.script(&conditions);
        let spec = TaskSpec {
            may_defer: (shape & 7) + (shape >> 3 & 1),
            wait_budget_ns: AN_AGE / 2,
            args,
            ..self.world.spec(Shape::Aiv, 0, 0)
        };
        if self.tasks.len() < MOST_TASKS
            && let Ok(slot) = self.world.try_submit_spec(&spec, &[])
        {
            self.tasks.push(slot);
        }
    }

    /// A message of seven words, some of which may be made plausible, if there is room for one.
    fn forge(&mut self, bytes: &mut Bytes<'_>) {
        let mode = bytes.u8();
        let mut words = raw(bytes);
        if let Some(slot) = self.tasks.get(bytes.below(MOST_TASKS)) {
            words[5] = slot.bits().0;
        }
        if mode & 1 == 0 {
            words[6] = u64::from(EPOCH);
        }
        if mode & 2 == 0 {
            // Of a bundle, what it carries.
            let kinds = [0, 1, 4 << 32, 4 << 32 | u64::from(bytes.u8() & 3) << 16];
            words[4] = match kinds[usize::from(mode >> 5 & 3)] {
                small @ 0..2 => small << 32,
                bundle => bundle | u64::from(bytes.u8() & 7) << 24,
            };
        }
        if mode & 4 == 0 {
            words[3] = u64::from(mode >> 6) | u64::from(mode >> 4 & 1) << 32;
        }
        if mode & 8 == 0 {
            words[1] = self.world.port.counter(usize::from(mode >> 4));
        }
        assert_decoded(&words);
        let placeholder = Message::NormalDone(Done {
            task: 0,
            slot: SlotBits(0),
            expected: 0,
        });
        if let Some(mut claimed) = self.world.scheduler.mailbox().claim(1) {
            let position = claimed.position();
            claimed.publish(&placeholder);
            self.world.pushed_by_hand += 1;
            self.slots.overwrite(position, &words);
            self.slandered.insert(words[5]);
        }
    }

    /// Every counter is set and every budget used up: then everything has ended, once, and what
    /// nobody slandered has completed.
    fn end(&mut self) {
        (0..COUNTERS).for_each(|counter| self.world.port.set_counter(counter, 1));
        for _ in 0..=MOST_TASKS {
            self.world.run();
            self.world.port.pass_time(AN_AGE);
        }
        self.world.run();
        self.world.assert_done();
        for &slot in &self.tasks {
            let outcome = self.world.log.outcome(slot);
            let is_slandered = self.slandered.contains(&slot.bits().0);
            assert!(is_slandered || outcome == Outcome::Completed, "{slot:?}");
        }
    }
}

fn raw(bytes: &mut Bytes<'_>) -> Words {
    let mut words = [0; WORDS];
    words.iter_mut().for_each(|word| *word = bytes.u64());
    words
}

/// What is taken for a message can be sent again; what is refused is so for its reason.
fn assert_decoded(words: &Words) {
    let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).expect("32 bits");
    let [_, _, _, engine, kind, _, tail] = words.map(|word| (half(word), half(word >> 32)));
    if let Ok(bundle) = Bundle::decode(words, EPOCH) {
        assert_eq!((tail.0, kind.1), (EPOCH, 4));
        let again = bundle.encode(EPOCH);
        let is_condition = Message::decode(&again, EPOCH) == Ok(Message::Condition(bundle.first()));
        let is_alone = bundle.second().is_none() && bundle.done().is_none();
        assert_eq!(
            (Bundle::decode(&again, EPOCH) == Ok(bundle), is_condition),
            (!is_alone, is_alone)
        );
    }
    match Message::decode(words, EPOCH) {
        Ok(message) => {
            assert_eq!((tail, kind.1 < 2), ((EPOCH, 0), true));
            let again = message.encode(EPOCH);
            assert_eq!(Message::decode(&again, EPOCH), Ok(message));
            let is_condition = matches!(message, Message::Condition(_));
            assert!(!is_condition || again == *words, "a field was changed");
        }
        Err(Malformed::Kind(found)) => assert!(found == kind.1 && found > 1),
        Err(error @ (Malformed::Named { .. } | Malformed::Bundle(..))) => {
            panic!("neither a worker's message nor a bundle is read here: {error}")
        }
        Err(Malformed::Engine(found)) => assert!(found == engine.1 && found > 3),
        Err(Malformed::CompletionType(found)) => {
            assert!(found == kind.0 as i32 && !(0..3).contains(&found));
        }
        Err(Malformed::Reserved(found)) => assert!(found == tail.1 && found > 0),
        Err(Malformed::Epoch { found, current }) => {
            assert_eq!(current, EPOCH);
            assert!(found == tail.0 && found != EPOCH);
        }
    }
}
