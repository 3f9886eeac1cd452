//! BUNDLE, and its wire form: what a FIN has to say, in fewer lines.
//!
//! A FIN's batch is conditions of one task and, from its last subtask, its TASK_NORMAL_DONE. Each
//! as a message of its own repeats task, slot and epoch; a bundle says them once. It means what
//! the same messages one behind the other mean, in that order.
//!
//! | bytes | one condition | two conditions |
//! | --- | --- | --- |
//! | 8, `task` | task id | task id |
//! | 16, `addr` | address | the first's address |
//! | 24, `cookie` | cookie | the second's address; neither has a cookie |
//! | 32, `expected` | value to reach | the first's |
//! | 36, `engine` | engine | the first's in byte 36, the second's in byte 37 |
//! | 40, `completion_type` | byte 40: completion type | byte 40: the first's, 41: the second's |
//! | 42 | 2 with a TASK_NORMAL_DONE, else 0 | 3 with a TASK_NORMAL_DONE, else 1 |
//! | 43 | how many conditions that expects | how many conditions that expects |
//! | 44, `kind` | 4 | 4 |
//! | 48, `slot` | slot | slot |
//! | 56, `epoch` | epoch | epoch |
//! | 60 | 0 | the second's value to reach |
//!
//! One condition without a TASK_NORMAL_DONE would be a CONDITION but for its kind: it is sent as
//! one, which every reader knows.

use crate::cell::Words;
use crate::message::{
    CompletionType, Condition, Done, Engine, KIND_CONDITION, Malformed, SlotBits, high, low, pack,
};

/// `kind` of a BUNDLE message.
const KIND_BUNDLE: u32 = 4;

/// Byte 42: there is a second condition.
const HAS_SECOND: u32 = 1;
/// Byte 42: there is a TASK_NORMAL_DONE.
const HAS_DONE: u32 = 2;
/// Byte 42: there are both.
const BOTH: u32 = HAS_SECOND | HAS_DONE;

/// What a condition watches. Who waits, and the engine's own value, stand elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Device address.
    pub addr: u64,
    /// Value to reach.
    pub expected: u32,
    /// Who will make it true.
    pub engine: Engine,
    /// How it is read.
    pub completion: CompletionType,
}

impl Watch {
    /// All zero: where there is no second condition.
    const NONE: Self = Self {
        addr: 0,
        expected: 0,
        engine: Engine::Sdma,
        completion: CompletionType::Counter,
    };

    /// What `condition` watches.
    #[inline]
    pub const fn of(condition: &Condition) -> Self {
        Self {
            addr: condition.addr,
            expected: condition.expected,
            engine: condition.engine,
            completion: condition.completion,
        }
    }

    /// The CONDITION of `task` in `slot` that watches this.
    #[inline]
    pub const fn condition(self, task: u64, slot: SlotBits, cookie: u64) -> Condition {
        let Self {
            addr,
            expected,
            engine,
            completion,
        } = self;
        Condition {
            task,
            slot,
            addr,
            cookie,
            expected,
            engine,
            completion,
        }
    }
}

/// The conditions of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watches {
    /// One, and its cookie.
    One(Watch, u64),
    /// Two whose cookies are 0.
    Two(Watch, Watch),
}

/// BUNDLE: conditions of a deferred task and, if it is the last of them, its TASK_NORMAL_DONE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Task id: ring in bits 39..32, local number in bits 31..0.
    pub task: u64,
    /// The task's slot.
    pub slot: SlotBits,
    /// One or two conditions.
    pub watches: Watches,
    /// TASK_NORMAL_DONE behind them, with so many CONDITIONs of the task to expect in all.
    pub done: Option<u8>,
}

impl Bundle {
    /// Its first condition.
    #[inline]
    pub const fn first(&self) -> Condition {
        match self.watches {
            Watches::One(watch, cookie) => watch.condition(self.task, self.slot, cookie),
            Watches::Two(first, _) => first.condition(self.task, self.slot, 0),
        }
    }

    /// Its second condition, if it has one.
    #[inline]
    pub const fn second(&self) -> Option<Condition> {
        match self.watches {
            Watches::One(..) => None,
            Watches::Two(_, second) => Some(second.condition(self.task, self.slot, 0)),
        }
    }

    /// Its TASK_NORMAL_DONE, if it has one.
    #[inline]
    pub const fn done(&self) -> Option<Done> {
        done_of(self.task, self.slot, self.done)
    }

    /// The seven words of this in run `epoch`; of one condition without a TASK_NORMAL_DONE, those
    /// of a CONDITION.
    #[inline]
    pub const fn encode(&self, epoch: u32) -> Words {
        let (first, behind, second, has_second) = match self.watches {
            Watches::One(watch, cookie) => (watch, cookie, Watch::NONE, 0),
            Watches::Two(first, second) => (first, second.addr, second, HAS_SECOND),
        };
        let what = match self.done {
            None => has_second,
            Some(expected) => has_second | HAS_DONE | (expected as u32) << 8,
        };
        let kind = if what == 0 {
            KIND_CONDITION
        } else {
            KIND_BUNDLE
        };
        let engines = first.engine as u32 | (second.engine as u32) << 8;
        let types = first.completion as u32 | (second.completion as u32) << 8;
        [
            self.task,
            first.addr,
            behind,
            pack(first.expected, engines),
            pack(types | what << 16, kind),
            self.slot.0,
            pack(epoch, second.expected),
        ]
    }

    /// Whether these words say that they are a bundle.
    #[inline]
    pub const fn is_kind_of(words: &Words) -> bool {
        high(words[4]) == KIND_BUNDLE
    }

    /// Reads a bundle of run `epoch`.
    ///
    /// # Errors
    /// [`Malformed`], naming the field and its value; of every other message its kind.
    #[inline]
    pub const fn decode(words: &Words, epoch: u32) -> Result<Self, Malformed> {
        let [task, addr, behind, expected_engines, types_kind, slot, tail] = *words;
        if !Self::is_kind_of(words) {
            return Err(Malformed::Kind(high(types_kind)));
        }
        if low(tail) != epoch {
            return Err(Malformed::Epoch {
                found: low(tail),
                current: epoch,
            });
        }
        let (engines, types) = (high(expected_engines), low(types_kind));
        let what = types >> 16;
        let first = match watch(addr, low(expected_engines), engines, types) {
            Ok(watch) => watch,
            Err(malformed) => return Err(malformed),
        };
        let is_clear = engines >> 8 == 0 && types >> 8 & 0xFF == 0 && high(tail) == 0;
        let watches = match what & 0xFF {
            HAS_DONE if is_clear => Watches::One(first, behind),
            HAS_SECOND | BOTH if engines >> 16 == 0 => {
                match watch(behind, high(tail), engines >> 8, types >> 8) {
                    Ok(second) => Watches::Two(first, second),
                    Err(malformed) => return Err(malformed),
                }
            }
            _ => return Err(Malformed::Bundle(what, engines)),
        };
        let done = match what & HAS_DONE {
            0 => None,
            _ => Some((what >> 8) as u8),
        };
        Ok(Self {
            task,
            slot: SlotBits(slot),
            watches,
            done,
        })
    }
}

pub(crate) const fn done_of(task: u64, slot: SlotBits, expected: Option<u8>) -> Option<Done> {
    match expected {
        None => None,
        Some(expected) => Some(Done {
            task,
            slot,
            expected: expected as u32,
        }),
    }
}

const fn watch(addr: u64, expected: u32, engine: u32, completion: u32) -> Result<Watch, Malformed> {
    let (engine, completion) = (engine & 0xFF, (completion & 0xFF) as i32);
    let Some(engine) = Engine::from_wire(engine) else {
        return Err(Malformed::Engine(engine));
    };
    let Some(completion) = CompletionType::from_wire(completion) else {
        return Err(Malformed::CompletionType(completion));
    };
    Ok(Watch {
        addr,
        expected,
        engine,
        completion,
    })
}

#[cfg(test)]
mod tests {
    use super::{Bundle, Watch, Watches};
    use crate::cell::Words;
    use crate::message::{CompletionType, Engine, Malformed, Message, SlotBits};

    const FIRST: Watch = Watch {
        addr: 0x1122_3344_5566_7788,
        expected: u32::MAX - 1,
        engine: Engine::Ccu,
        completion: CompletionType::UrmaEventHandle,
    };
    const SECOND: Watch = Watch {
        addr: 0x99AA_BBCC_DDEE_FF00,
        expected: 7,
        engine: Engine::Roce,
        completion: CompletionType::SdmaEventRecord,
    };

    const fn bundle(watches: Watches, done: Option<u8>) -> Bundle {
        let (task, slot) = (0x3_0000_0005, SlotBits(u64::MAX - 9));
        Bundle {
            task,
            slot,
            watches,
            done,
        }
    }

    #[test]
    fn every_field_comes_back_and_stands_where_the_wire_form_says() {
        for watches in [Watches::One(FIRST, u64::MAX), Watches::Two(FIRST, SECOND)] {
            for done in [None, Some(0), Some(64), Some(u8::MAX)] {
                let bundle = bundle(watches, done);
                let words = bundle.encode(9);
                if matches!((watches, done), (Watches::One(..), None)) {
                    let condition = Message::Condition(bundle.first());
                    assert_eq!(Message::decode(&words, 9), Ok(condition));
                    continue;
                }
                assert_eq!(Bundle::decode(&words, 9), Ok(bundle));
                assert_eq!(Message::decode(&words, 9), Err(Malformed::Kind(4)));
            }
        }
        let two = bundle(Watches::Two(FIRST, SECOND), Some(64));
        let words = [
            0x3_0000_0005,
            FIRST.addr,
            SECOND.addr,
            0x0000_0103_FFFF_FFFE,
            0x0000_0004_4003_0102,
            u64::MAX - 9,
            0x0000_0007_0000_0009,
        ];
        assert_eq!(two.encode(9), words);
        let one = bundle(Watches::One(SECOND, 0x00C0_0C1E), Some(5));
        let words = [
            0x3_0000_0005,
            SECOND.addr,
            0x00C0_0C1E,
            0x0000_0001_0000_0007,
            0x0000_0004_0502_0001,
            u64::MAX - 9,
            9,
        ];
        assert_eq!(one.encode(9), words);
    }

    #[test]
    fn it_means_what_its_parts_mean_one_by_one() {
        let two = bundle(Watches::Two(FIRST, SECOND), Some(5));
        let (first, second) = (two.first(), two.second().expect("two"));
        assert_eq!((first.addr, first.cookie), (FIRST.addr, 0));
        assert_eq!((second.addr, second.cookie), (SECOND.addr, 0));
        assert_eq!(
            (second.engine, second.completion),
            (SECOND.engine, SECOND.completion)
        );
        assert_eq!((first.expected, second.expected), (u32::MAX - 1, 7));
        let done = two.done().expect("with its done");
        for (task, slot) in [(first.task, first.slot), (second.task, second.slot)] {
            assert_eq!((task, slot), (two.task, two.slot));
        }
        assert_eq!(
            (done.task, done.slot, done.expected),
            (two.task, two.slot, 5)
        );
        let one = bundle(Watches::One(FIRST, 11), None);
        assert_eq!(
            (one.first().cookie, one.second(), one.done()),
            (11, None, None)
        );
    }

    #[test]
    fn what_is_damaged_is_refused_and_says_where() {
        let two = bundle(Watches::Two(FIRST, SECOND), Some(3)).encode(9);
        let one = bundle(Watches::One(FIRST, 7), Some(3)).encode(9);
        let damaged = |words: &Words, at: usize, xor: u64| {
            let mut words = *words;
            words[at] ^= xor;
            Bundle::decode(&words, 9).expect_err("damaged")
        };
        assert_eq!(damaged(&two, 3, 4 << 32), Malformed::Engine(7));
        assert_eq!(damaged(&two, 3, 0x40 << 40), Malformed::Engine(0x41));
        assert_eq!(damaged(&two, 4, 8), Malformed::CompletionType(10));
        assert_eq!(damaged(&two, 4, 0x80 << 8), Malformed::CompletionType(0x81));
        assert_eq!(damaged(&two, 4, 1 << 32), Malformed::Kind(5));
        assert_eq!(damaged(&two, 4, 4 << 16), Malformed::Bundle(0x0307, 0x0103));
        assert_eq!(
            damaged(&two, 3, 1 << 48),
            Malformed::Bundle(0x0303, 0x1_0103)
        );
        assert_eq!(damaged(&one, 4, 2 << 16), Malformed::Bundle(0x0300, 3));
        assert_eq!(damaged(&one, 3, 1 << 40), Malformed::Bundle(0x0302, 0x0103));
        assert_eq!(damaged(&one, 4, 1 << 8), Malformed::Bundle(0x0302, 3));
        assert_eq!(damaged(&one, 6, 1 << 32), Malformed::Bundle(0x0302, 3));
        let (found, current) = (8, 9);
        assert_eq!(damaged(&two, 6, 1), Malformed::Epoch { found, current });
    }
}
