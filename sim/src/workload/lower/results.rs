//! What the members of a collective must have at the end, by the definition of each kind.
//!
//! Nothing of the rounds is in it but where a result stands and how much of a part is moved: it is
//! what their bytes are compared with. Called by `collective`.

use std::sync::Arc;

use crate::workload::chakra::CollectiveKind as Kind;
use crate::workload::pattern::pattern;
use crate::workload::plan::Span;

use super::collective::Plan;

/// What a member must have at the end, and where; None: nothing.
pub(super) type Result = Option<(Span, Arc<[u32]>)>;

impl Plan<'_> {
    /// What must be where when all is done, member by member.
    pub(super) fn results(&self) -> Vec<Result> {
        let (all, words) = (self.count(), self.part.bytes / 4);
        if words == 0 {
            return vec![None; all];
        }
        let words = usize::try_from(words).expect("a part fits into memory");
        let (work, inbox) = (self.work.clone(), self.inbox.clone());
        let result = |at: u64, words: Arc<[u32]>| {
            let bytes = words.len() as u64 * 4;
            Some((Span { at, bytes }, words))
        };
        match self.kind {
            Kind::AllReduce => {
                let sum: Arc<[u32]> = self.sum().into();
                work.iter().map(|&at| result(at, sum.clone())).collect()
            }
            Kind::Reduce => self.at_root(|root| result(work[root], self.sum().into())),
            Kind::ReduceScatter | Kind::ReduceScatterBlock => {
                let sum = self.sum();
                let own = sum.chunks(words).enumerate();
                own.map(|(member, own)| result(self.work(member, member), own.into()))
                    .collect()
            }
            Kind::AllGather => {
                let blocks: Arc<[u32]> = self.blocks().into();
                work.iter().map(|&at| result(at, blocks.clone())).collect()
            }
            Kind::Gather => self.at_root(|root| result(work[root], self.blocks().into())),
            Kind::Broadcast => {
                let given: Arc<[u32]> = self.given(self.root).into();
                work.iter().map(|&at| result(at, given.clone())).collect()
            }
            Kind::Scatter => {
                let given = self.given(self.root);
                let own = given.chunks(words).enumerate();
                own.map(|(member, own)| result(self.work(member, member), own.into()))
                    .collect()
            }
            Kind::AllToAll => {
                let given: Vec<Vec<u32>> = (0..all).map(|member| self.given(member)).collect();
                let for_one = |member: usize| -> Arc<[u32]> {
                    let parts = given.iter().map(|parts| &parts[member * words..][..words]);
                    parts.flatten().copied().collect()
                };
                let members = inbox.iter().enumerate();
                members
                    .map(|(member, &at)| result(at, for_one(member)))
                    .collect()
            }
            Kind::Barrier => vec![None; all],
        }
    }

    fn at_root(&self, result: impl Fn(usize) -> Result) -> Vec<Result> {
        (0..self.count())
            .map(|member| (member == self.root).then(|| result(member)).flatten())
            .collect()
    }

    /// What a member gives.
    fn given(&self, member: usize) -> Vec<u32> {
        let bytes = self.given_parts * self.part.bytes;
        words(&pattern(self.seeds[member], bytes))
    }

    /// What all give, added up.
    fn sum(&self) -> Vec<u32> {
        let mut sum = self.given(0);
        for member in 1..self.count() {
            for (total, one) in sum.iter_mut().zip(self.given(member)) {
                *total = total.wrapping_add(one);
            }
        }
        sum
    }

    /// What all give, one behind the other.
    fn blocks(&self) -> Vec<u32> {
        (0..self.count())
            .flat_map(|member| self.given(member))
            .collect()
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|&word| u32::from_le_bytes(word)).collect()
}
