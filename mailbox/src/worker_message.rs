//! WORK_DONE and WORKER_LOST, and their wire form: what is said of persistent workers.
//!
//! A type of its own, so that pushing and reading the others costs nothing more. In a mailbox they
//! stand among the others, told by their kind; `task` and `slot` are all ones, which name nothing,
//! so that none is taken for a damaged message about a task.
//!
//! | bytes | WORK_DONE | WORKER_LOST |
//! | --- | --- | --- |
//! | 8, `task` | all ones | all ones |
//! | 16, `addr` | position | name |
//! | 32, `expected` | status | 1 if its item may be done twice |
//! | 36, `engine` | correlation | 0 |
//! | 44, `kind` | 2 | 3 |
//! | 48, `slot` | all ones | all ones |
//! | 56, `epoch` | epoch | epoch |

use crate::cell::{Payload, Words};
use crate::message::{Malformed, Message, high, low, pack};
use crate::producer::Producer;

/// `kind` of a WORK_DONE message.
const KIND_WORK_DONE: u32 = 2;
/// `kind` of a WORKER_LOST message.
const KIND_WORKER_LOST: u32 = 3;

/// A task, or a slot, that a message does not name.
const NOTHING: u64 = u64::MAX;

/// WORK_DONE: a persistent worker is through with an item of a work ring.
///
/// Position and correlation say which item: a worker knows neither task nor slot, and no position
/// is ever used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkDone {
    /// Where the item stood in the work ring.
    pub position: u64,
    /// What the item bore; for the item of a task, the index of the task's slot.
    pub correlation: u32,
    /// 0: it was done. Anything else: it failed, and this is the worker's own code.
    pub status: u32,
}

/// WORKER_LOST: a persistent worker is gone, and may have left an item on its line.
///
/// Whoever saw it end says so, behind everything that it pushed itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerLost {
    /// The name under which it registered, in the work ring of whoever drains this mailbox.
    pub name: u32,
    /// Its item may be done twice: it is pushed again. Otherwise its task fails.
    pub is_idempotent: bool,
}

/// What a mailbox is told of persistent workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerMessage {
    /// WORK_DONE.
    Done(WorkDone),
    /// WORKER_LOST.
    Lost(WorkerLost),
}

impl WorkerMessage {
    /// The seven words of this message in run `epoch`.
    pub const fn encode(&self, epoch: u32) -> Words {
        let (position, what, kind) = match *self {
            Self::Done(WorkDone {
                position,
                correlation,
                status,
            }) => (position, pack(status, correlation), KIND_WORK_DONE),
            Self::Lost(WorkerLost {
                name,
                is_idempotent,
            }) => {
                let may_be_twice = pack(is_idempotent as u32, 0);
                (pack(name, 0), may_be_twice, KIND_WORKER_LOST)
            }
        };
        let (kind, epoch) = (pack(0, kind), pack(epoch, 0));
        [NOTHING, position, 0, what, kind, NOTHING, epoch]
    }

    /// Reads a message of run `epoch`.
    ///
    /// # Errors
    /// [`Malformed`], naming the field and its value; of every other message its kind.
    pub const fn decode(words: &Words, epoch: u32) -> Result<Self, Malformed> {
        let [task, position, _, what, type_kind, slot, tail] = *words;
        let kind = high(type_kind);
        if kind != KIND_WORK_DONE && kind != KIND_WORKER_LOST {
            return Err(Malformed::Kind(kind));
        }
        if low(tail) != epoch {
            return Err(Malformed::Epoch {
                found: low(tail),
                current: epoch,
            });
        }
        if high(tail) != 0 {
            return Err(Malformed::Reserved(high(tail)));
        }
        if task != NOTHING || slot != NOTHING {
            return Err(Malformed::Named { task, slot });
        }
        Ok(match kind {
            KIND_WORK_DONE => Self::Done(WorkDone {
                position,
                correlation: high(what),
                status: low(what),
            }),
            _ => Self::Lost(WorkerLost {
                name: low(position),
                is_idempotent: low(what) != 0,
            }),
        })
    }
}

impl Payload for WorkerMessage {
    const VOID: Words = Message::VOID;

    #[inline]
    fn encode(&self, epoch: u32) -> Words {
        Self::encode(self, epoch)
    }
}

impl<'m> Producer<'m> {
    /// A sending end of the same mailbox, for what is said of workers.
    pub fn for_workers(&self) -> Producer<'m, WorkerMessage> {
        self.retyped()
    }
}

#[cfg(test)]
mod tests {
    use super::{NOTHING, WorkDone, WorkerLost, WorkerMessage};
    use crate::message::{Malformed, Message};

    const DONE: WorkerMessage = WorkerMessage::Done(WorkDone {
        position: u64::MAX - 7,
        correlation: 0xABCD_EF01,
        status: 0x2345_6789,
    });
    const LOST: [WorkerMessage; 2] = [lost(false), lost(true)];

    const fn lost(is_idempotent: bool) -> WorkerMessage {
        let name = u32::MAX - 1;
        WorkerMessage::Lost(WorkerLost {
            name,
            is_idempotent,
        })
    }

    #[test]
    fn every_field_comes_back_and_stands_where_the_wire_form_says() {
        for message in [DONE, LOST[0], LOST[1]] {
            let words = message.encode(9);
            assert_eq!(WorkerMessage::decode(&words, 9), Ok(message));
            assert!(matches!(
                Message::decode(&words, 9),
                Err(Malformed::Kind(2 | 3))
            ));
        }
        let done = [
            NOTHING,
            u64::MAX - 7,
            0,
            0xABCD_EF01_2345_6789,
            2 << 32,
            NOTHING,
            9,
        ];
        assert_eq!(DONE.encode(9), done);
        let lost = [NOTHING, u64::from(u32::MAX - 1), 0, 1, 3 << 32, NOTHING, 9];
        assert_eq!(LOST[1].encode(9), lost);
    }

    #[test]
    fn what_names_a_slot_or_a_task_or_is_of_another_run_or_version_is_refused() {
        let damaged = |at: usize, word: u64| {
            let mut words = DONE.encode(9);
            words[at] = word;
            WorkerMessage::decode(&words, 9)
        };
        let (task, slot) = (5, NOTHING);
        assert_eq!(damaged(0, 5), Err(Malformed::Named { task, slot }));
        let (task, slot) = (NOTHING, 6);
        assert_eq!(damaged(5, 6), Err(Malformed::Named { task, slot }));
        assert_eq!(damaged(4, 1 << 32), Err(Malformed::Kind(1)));
        assert_eq!(damaged(4, 4 << 32), Err(Malformed::Kind(4)));
        assert_eq!(damaged(6, 9 | 1 << 32), Err(Malformed::Reserved(1)));
        let (found, current) = (8, 9);
        assert_eq!(damaged(6, 8), Err(Malformed::Epoch { found, current }));
    }
}
