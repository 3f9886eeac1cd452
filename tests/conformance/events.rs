//! The model's events: a turn copies the bytes of the first copy that is due, another says so in
//! the event's word.

use std::collections::VecDeque;

use finbox_abi::{finbox_event, finbox_event_copy};
use finbox_runtime::{Events, MachineError};

use crate::bug::Bug;
use crate::machine::{ModelMachine, QUEUES, State, refuse};

/// Turns that a copy takes at least.
const TURNS: u32 = 3;

/// An event of a rank.
#[derive(Debug, Default)]
pub(crate) struct Event {
    word: u64,
    rank: u32,
    last: u64,
    is_closed: bool,
    copies: VecDeque<(finbox_event_copy, u32)>,
}

impl ModelMachine {
    /// One turn of every event.
    pub(crate) fn step_events(&self, state: &mut State) {
        for event in &mut state.events {
            let word = event.word;
            let Some((copy, turns)) = event.copies.front_mut() else {
                continue;
            };
            *turns += 1;
            let (moves, says) = match self.has(Bug::EventEarly) {
                true => (TURNS + 1, TURNS),
                false => (TURNS, TURNS + 1),
            };
            if *turns == moves {
                for (to, from) in (copy.to..copy.to + copy.size_bytes).zip(copy.from..) {
                    self.set_byte(to, self.byte(from));
                }
            }
            if *turns == says {
                self.set_word(word, u32::try_from(copy.value).expect("a test's value"));
            }
            if *turns > TURNS {
                event.copies.pop_front();
            }
        }
    }

    /// Where the word of a rank's event stands: there is one at a time.
    fn event_word(&self, rank: usize) -> u64 {
        self.record(rank, QUEUES as usize)
    }

    fn named<'s>(
        state: &'s mut State,
        event: &finbox_event,
        doing: &'static str,
    ) -> Result<&'s mut Event, MachineError> {
        let index = usize::try_from(event.event).unwrap_or(usize::MAX);
        let found = state.events.get_mut(index).filter(|one| !one.is_closed);
        found.map_or_else(|| refuse(doing, "no such event".to_owned()), Ok)
    }
}

impl Events for ModelMachine {
    fn open_event(&self, rank: u32) -> Result<finbox_event, MachineError> {
        let mut state = self.state();
        let event = state.events.len();
        let word = self.event_word(rank as usize);
        self.set_word(word, 0);
        state.events.push(Event {
            word,
            rank,
            ..Event::default()
        });
        Ok(finbox_event {
            event: event as u64,
            word,
            rank,
            reserved: 0,
        })
    }

    fn close_event(&self, event: &finbox_event) -> Result<(), MachineError> {
        let mut state = self.state();
        let found = Self::named(&mut state, event, "event_close")?;
        if found.copies.is_empty() && found.rank == event.rank {
            found.is_closed = true;
            return Ok(());
        }
        refuse("event_close", "copies have not ended".to_owned())
    }

    fn event_copy(
        &self,
        event: &finbox_event,
        copy: &finbox_event_copy,
    ) -> Result<(), MachineError> {
        let mut state = self.state();
        let is_given = |address| Self::is_given(&state, address, copy.size_bytes);
        if !is_given(copy.from) || !is_given(copy.to) {
            return refuse("event_copy", "its bytes were not given out".to_owned());
        }
        let repeats = self.has(Bug::EventRepeats);
        let found = Self::named(&mut state, event, "event_copy")?;
        if copy.value <= found.last && !repeats {
            return refuse("event_copy", format!("{} is not behind", copy.value));
        }
        found.last = copy.value;
        found.copies.push_back((*copy, 0));
        Ok(())
    }
}
