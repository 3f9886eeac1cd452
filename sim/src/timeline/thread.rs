//! What threads of the scheduler did, step by step.
//!
//! A step is one visit of a FIN handler to a core, one pass of a dispatch thread or one submission,
//! if something came of it; between two steps a thread polls in vain, naps, or pauses.

/// Which thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// A FIN handler.
    Handler(u8),
    /// The dispatch thread.
    Dispatch,
    /// Who submits.
    #[default]
    Submitter,
}

/// What a thread was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Reads a COND register, up to the news.
    Observe,
    /// Takes the record, reads the slab, retires the subtask.
    Retire,
    /// Publishes messages, or registers conditions under the baseline's lock.
    Push,
    /// Finishes a task and releases its consumers.
    Finish,
    /// Takes messages, and looks at conditions, up to the first news.
    Drain,
    /// Deals with conditions that are met.
    Settle,
    /// Gives blocks to cores.
    Dispatch,
    /// Wires a task in.
    Submit,
}

impl Phase {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Retire => "retire",
            Self::Push => "push",
            Self::Finish => "finish",
            Self::Drain => "drain",
            Self::Settle => "settle",
            Self::Dispatch => "dispatch",
            Self::Submit => "submit",
        }
    }
}

/// A productive step: its phases follow one another, each as long as [`ns`](Self::ns) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it began.
    pub began_ns: u64,
    /// How long each phase of the thread's [`Role`] took, in the order of [`Role::phases`]; where
    /// phases alternated they are added up. At most 4.29 s each, longer ones are cut.
    pub ns: [u32; 4],
}

/// A phase of a step that took any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// What the thread did.
    pub phase: Phase,
    /// From when.
    pub began_ns: u64,
    /// Until when.
    pub ended_ns: u64,
}

/// A thread and its productive steps, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// Which one.
    pub role: Role,
    /// What it did.
    pub steps: Vec<Step>,
}

impl Role {
    /// The phases of a step, in order.
    pub const fn phases(self) -> [Phase; 4] {
        match self {
            Self::Handler(_) => [Phase::Observe, Phase::Retire, Phase::Push, Phase::Finish],
            Self::Dispatch => [Phase::Drain, Phase::Settle, Phase::Finish, Phase::Dispatch],
            Self::Submitter => [Phase::Submit; 4],
        }
    }
}

impl Step {
    /// When it ended.
    pub fn ended_ns(&self) -> u64 {
        self.began_ns + self.ns.iter().map(|&ns| u64::from(ns)).sum::<u64>()
    }
}

impl Thread {
    /// All phases that took any time, in order.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        let phases = self.role.phases();
        self.steps.iter().flat_map(move |step| {
            let mut began_ns = step.began_ns;
            let spans = phases.into_iter().zip(step.ns).map(move |(phase, ns)| {
                let ended_ns = began_ns + u64::from(ns);
                let span = Span {
                    phase,
                    began_ns,
                    ended_ns,
                };
                began_ns = ended_ns;
                span
            });
            spans.filter(|span| span.ended_ns > span.began_ns)
        })
    }

    /// How long all steps took together.
    pub fn busy_ns(&self) -> u64 {
        let steps = self.steps.iter();
        steps.map(|step| step.ended_ns() - step.began_ns).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Phase, Role, Step, Thread};

    #[test]
    fn spans_are_the_phases_that_took_time_one_after_another() {
        let thread = Thread {
            role: Role::Dispatch,
            steps: vec![
                Step {
                    began_ns: 100,
                    ns: [5, 0, 0, 30],
                },
                Step {
                    began_ns: 200,
                    ns: [0, 7, 0, 0],
                },
            ],
        };
        let spans = thread.spans();
        let spans: Vec<_> = spans
            .map(|span| (span.phase, span.began_ns, span.ended_ns))
            .collect();
        let expected = [
            (Phase::Drain, 100, 105),
            (Phase::Dispatch, 105, 135),
            (Phase::Settle, 200, 207),
        ];
        assert_eq!(spans, expected);
        assert_eq!(thread.busy_ns(), 42);
    }
}
