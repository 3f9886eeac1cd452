//! Tokens: what a rig remembers of each core, and how a check runs kernels on one.

use std::cell::Cell;
use std::fmt;

use finbox_abi::{FINBOX_COND_FIN, FINBOX_COND_RESET, finbox_op};
use finbox_scheduler::{CoreId, Launch, SlotId, Subtasks, TaskId, Token};

use super::rig::{Judged, LINE, Rig, Stop};

/// A core or host lane of a rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) rank: u32,
    pub(super) core: CoreId,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "core {} of rank {}", self.core.0, self.rank)
    }
}

/// What is known of a core.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    /// Its next token.
    pub(super) next: Token,
    /// What COND says while it runs nothing.
    pub(super) word: u32,
    /// A doorbell was rung, and its FIN not seen.
    pub(super) is_busy: bool,
    /// The check in which it did not answer as it must.
    pub(super) lost: Option<&'static str>,
}

impl Lane {
    pub(super) const FRESH: Self = Self {
        next: Token::FIRST,
        word: FINBOX_COND_RESET,
        is_busy: false,
        lost: None,
    };
}

/// What a token is to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) kernel: u64,
    pub(super) block: u16,
    pub(super) blocks: u16,
    pub(super) subtask: Subtasks,
}

impl Job {
    /// The only block of a task that is not mixed.
    pub(super) const fn of(kernel: u64) -> Self {
        Self::block(kernel, 0, 1)
    }

    /// One block of several.
    pub(super) const fn block(kernel: u64, block: u16, blocks: u16) -> Self {
        let subtask = Subtasks::empty();
        Self {
            kernel,
            block,
            blocks,
            subtask,
        }
    }
}

/// A word of COND, for people.
pub(super) fn said(word: u32) -> String {
    match (word, word & FINBOX_COND_FIN) {
        (FINBOX_COND_RESET, _) => format!("{word:#010x} (reset)"),
        (_, 0) => format!("{word:#010x} (ACK of token {word})"),
        _ => format!("{word:#010x} (FIN of token {})", word & !FINBOX_COND_FIN),
    }
}

/// COND when `token` has finished.
pub(super) const fn fin(token: Token) -> u32 {
    FINBOX_COND_FIN | token.bits()
}

impl Rig<'_> {
    /// All cores and lanes of all ranks.
    pub(super) fn everywhere(&self) -> Vec<At> {
        let of = |rank| self.lanes().map(move |core| At { rank, core });
        self.ranks().flat_map(of).collect()
    }

    /// A core of `rank` that answers.
    pub(super) fn worker(&self, rank: u32) -> Judged<At> {
        let mut all = self.lanes().map(|core| At { rank, core });
        let answers = |&at: &At| self.lane(at).lost.is_none();
        let none = || Stop::Skip(format!("no core of rank {rank} answers any more"));
        all.find(answers).ok_or_else(none)
    }

    pub(super) fn lane(&self, at: At) -> &Lane {
        &self.state[at.rank as usize][at.core.index()]
    }

    pub(super) fn lane_mut(&mut self, at: At) -> &mut Lane {
        &mut self.state[at.rank as usize][at.core.index()]
    }

    /// The next token of a core.
    ///
    /// # Errors
    /// [`Stop::Skip`]: the core did not answer in an earlier check.
    pub(super) fn next_token(&self, at: At) -> Judged<Token> {
        match self.lane(at).lost {
            None => Ok(self.lane(at).next),
            Some(check) => Err(Stop::Skip(format!("{at} went astray in check `{check}`"))),
        }
    }

    /// Every core and lane, if all of them answer.
    pub(super) fn all_of_them(&self) -> Judged<Vec<At>> {
        let everywhere = self.everywhere().into_iter();
        everywhere
            .map(|at| self.next_token(at).map(|_| at))
            .collect()
    }

    /// Where `token` of a core leaves its conditions.
    pub(super) fn slab(&self, at: At, token: Token) -> u64 {
        self.port(at.rank).slab_address(at.core, token.parity())
    }

    /// Clears the slab and stages the launch of `token`.
    pub(super) fn stage(&self, at: At, token: Token, job: &Job) {
        let (port, slab) = (self.port(at.rank), self.slab(at, token));
        port.store_u64(slab, 0);
        port.clean(slab, LINE);
        let (slot, task) = (SlotId::new(0, 0, 1), TaskId::new(0, token.bits()));
        let launch = Launch {
            block: job.block,
            blocks: job.blocks,
            subtask: job.subtask,
            ..Launch::single(slot, task, job.kernel, 0)
        };
        port.stage_payload(at.core, token, &launch);
    }

    /// Rings the doorbell for the core's next token.
    pub(super) fn ring(&mut self, at: At, token: Token) {
        let lane = self.lane_mut(at);
        (lane.next, lane.is_busy) = (token.next(), true);
        self.port(at.rank).ring_doorbell(at.core, token);
    }

    /// Gives an idle core a token.
    pub(super) fn start(&mut self, at: At, job: &Job) -> Judged<Token> {
        let token = self.next_token(at)?;
        self.stage(at, token, job);
        self.ring(at, token);
        Ok(token)
    }

    /// Waits until COND says FIN of `token`, the core's only one; before that it may say ACK.
    pub(super) fn finish(&mut self, at: At, token: Token) -> Judged {
        self.follow(at, &[token.bits(), fin(token)])
    }

    /// Waits until COND says the last of `words`: it may pass over others, and never goes back.
    pub(super) fn follow(&mut self, at: At, words: &[u32]) -> Judged {
        let before = self.lane(at).word;
        let (last, mut passed) = (Cell::new(before), 0);
        let end = words.len();
        let seen = self.wait_for(
            || {
                let (last, end) = (said(last.get()), said(words[end - 1]));
                format!("{at} to say {end} in COND; `load_cond` still gives {last}")
            },
            || {
                let word = self.port(at.rank).load_cond(at.core);
                let is_new = word != last.replace(word);
                if !is_new {
                    return None;
                }
                match words[passed..].iter().position(|&one| one == word) {
                    Some(ahead) => passed += ahead + 1,
                    None => return Some(Err(word)),
                }
                (passed == end).then_some(Ok(()))
            },
        );
        let lane = self.lane_mut(at);
        lane.word = words[end - 1];
        // Whoever is busy when its check ends is lost.
        lane.is_busy = !matches!(seen, Ok(Ok(())));
        seen?.map_err(|word| {
            let expected: Vec<String> = words.iter().map(|&word| said(word)).collect();
            let (before, word) = (said(before), said(word));
            Stop::Fail(format!(
                "`load_cond` of {at} gave {word}; after {before} come {}, each once, in order",
                expected.join(", ")
            ))
        })
    }

    /// Runs a token on a core.
    pub(super) fn work(&mut self, at: At, job: &Job) -> Judged<Token> {
        let token = self.start(at, job)?;
        self.finish(at, token)?;
        Ok(token)
    }

    /// `load_kernel`.
    pub(super) fn kernel(&self, rank: u32, ops: &[finbox_op]) -> Judged<u64> {
        self.machine.load_kernel(rank, ops).map_err(|error| {
            let kinds: Vec<&str> = ops.iter().map(kind_name).collect();
            let kinds = kinds.join(", ");
            Stop::Fail(format!(
                "`load_kernel` of rank {rank} refused [{kinds}]: {error}"
            ))
        })
    }

    /// Loads a kernel and runs it on a core of `rank`.
    pub(super) fn work_ops(&mut self, rank: u32, ops: &[finbox_op]) -> Judged<(At, Token)> {
        let (at, kernel) = (self.worker(rank)?, self.kernel(rank, ops)?);
        Ok((at, self.work(at, &Job::of(kernel))?))
    }
}

fn kind_name(op: &finbox_op) -> &'static str {
    finbox_abi::finbox_op_kind::of(op.kind).map_or("unknown", finbox_abi::finbox_op_kind::name)
}
