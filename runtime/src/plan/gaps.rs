//! Uses that permissive planning let pass, each listed once and counted.
//!
//! Guarantees: what is noted again is found without a search through the others. Refuses: to tell
//! two addresses of one argument apart, so a service that passes a fresh pointer each time has one
//! gap. Called under the planning lock, for launches that have such uses alone.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};

use super::error::{Gap, GapKind};
use super::request::{Memory, Request};
use crate::stream::TimelineId;

/// What makes two gaps one: stream, launch, argument, label and kind.
type Key = (TimelineId, String, usize, String, Discriminant<GapKind>);

/// All gaps, in the order they were first seen.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    list: Vec<Gap>,
    known: HashMap<Key, usize>,
}

impl Gaps {
    /// Notes the gaps of a launch on `timeline`, whose device tracks uses or does not.
    pub(super) fn note(&mut self, timeline: TimelineId, tracks: bool, request: &Request) {
        for (argument, one) in request.arguments.iter().enumerate() {
            let kind = match one.memory {
                Memory::External { address } => GapKind::External { address },
                Memory::Buffer(_) if !tracks => GapKind::Untracked,
                Memory::Buffer(_) => continue,
            };
            let (launch, label) = (request.launch(), request.label(argument));
            let (launch, label) = (launch.to_owned(), label.to_owned());
            let key = (timeline, launch, argument, label, discriminant(&kind));
            let at = *self.known.entry(key).or_insert_with_key(|key| {
                self.list.push(Gap {
                    timeline,
                    launch: key.1.clone(),
                    argument,
                    label: key.3.clone(),
                    kind,
                    count: 0,
                });
                self.list.len() - 1
            });
            self.list[at].count += 1;
        }
    }

    pub(super) fn list(&self) -> &[Gap] {
        &self.list
    }
}
