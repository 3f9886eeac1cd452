//! Uses that permissive planning let pass, each listed once and counted.
//!
//! Guarantees: what is noted again is found without a search through the others. Refuses: to tell
//! two addresses of one argument apart, so a service that passes a fresh pointer each time has one
//! gap. Called under the planning lock, for launches that have such uses alone.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::mem::discriminant;

use super::error::{Gap, GapKind};
use super::request::{Memory, Request};
use crate::stream::TimelineId;

/// All gaps, in the order they were first seen.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    list: Vec<Gap>,
    /// Places in the list, by the hash of what makes two gaps one.
    places: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
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
            let key = (timeline, launch, argument, label, discriminant(&kind));
            let places = self.places.entry(self.hasher.hash_one(key)).or_default();
            let is_it = |gap: &Gap| {
                let (launch, label) = (gap.launch.as_str(), gap.label.as_str());
                (
                    gap.timeline,
                    launch,
                    gap.argument,
                    label,
                    discriminant(&gap.kind),
                ) == key
            };
            if let Some(&at) = places.iter().find(|&&at| is_it(&self.list[at])) {
                self.list[at].count += 1;
                continue;
            }
            places.push(self.list.len());
            self.list.push(Gap {
                timeline,
                launch: launch.to_owned(),
                argument,
                label: label.to_owned(),
                kind,
                count: 1,
            });
        }
    }

    pub(super) fn list(&self) -> &[Gap] {
        &self.list
    }
}
