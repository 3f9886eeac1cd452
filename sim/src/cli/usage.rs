//! Errors of the command line: what was given, what is allowed, what to do next.
//!
//! Guarantees: each one exits with 2, has one line that says what happened and one that says what
//! to do next, and turns into a whole report for `--json`. Refuses: errors of input files, which
//! exit with 3. Called by the parser, which makes them, and by `main`, which shows them.

use thiserror::Error;

use super::near::near;
use super::scenario::{find_scenario, near_scenarios};
use super::target::TargetName;
use crate::fault::{FaultError, TABLE};
use crate::report::{Code, ErrorReport, Invalid, RunReport, printable};

/// Why the arguments were refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UsageError {
    /// There were no arguments at all.
    #[error("no command was given")]
    NoCommand {
        /// The help text, to be shown instead.
        help: String,
    },
    /// The arguments do not fit the grammar, or one value is outside its range.
    #[error("{message}")]
    Grammar {
        /// What does not fit, in one line.
        message: String,
        /// What to do next, in one line.
        hint: String,
    },
    /// The argument has no dot and no slash, and no scenario is called that.
    #[error("there is no scenario called '{}'", printable(.name))]
    UnknownScenario {
        /// The argument.
        name: String,
        /// Names that are near it, nearest first.
        near: Vec<&'static str>,
    },
    /// `--ranks` is no number, or one outside every scenario or trace.
    #[error(
        "invalid value '{}' for '--ranks <N>': it must be a whole number from 1 to {most}",
        printable(.asked)
    )]
    RanksOutsideRange {
        /// The value as it was written.
        asked: String,
        /// The most ranks.
        most: u64,
    },
    /// `--ranks` is a number of ranks the scenario is not defined for.
    #[error("invalid value '{asked}' for '--ranks <N>': '{scenario}' runs on {}", ranks(.scenario))]
    RanksOutsideScenario {
        /// The scenario.
        scenario: &'static str,
        /// The ranks asked for.
        asked: u16,
    },
    /// `--tasks` for something whose tasks are what they are.
    #[error("invalid value '{asked}' for '--tasks <N>': '{}' has a fixed number", printable(.what))]
    TasksFixed {
        /// The scenario or file.
        what: String,
        /// The tasks asked for.
        asked: u32,
    },
    /// `--cores` is not a number of cores that the target has.
    #[error(
        "invalid value '{}' for '--cores <N>': {target} takes a whole number from 1 to {most}",
        printable(.asked)
    )]
    CoresOutsideTarget {
        /// The value as it was written.
        asked: String,
        /// The target that bounds it.
        target: TargetName,
        /// The cores of that target.
        most: u16,
    },
    /// An option of Task Bench for something else.
    #[error("{option} is for the scenarios task_bench_*, and '{}' is none", printable(.what))]
    BenchOnly {
        /// The option.
        option: &'static str,
        /// The scenario or file.
        what: String,
    },
    /// `--omit-use` for something else than `streams`.
    #[error("--omit-use is for streams, and '{}' is another scenario", printable(.what))]
    StreamsOnly {
        /// What it was given for.
        what: String,
    },
    /// `--time-scale` for something that has no seconds.
    #[error("--time-scale is for workflows of WfCommons, and '{}' is none", printable(.what))]
    NoTimeScale {
        /// The scenario.
        what: String,
    },
    /// `--persistent` for something without items.
    #[error(
        "--persistent is for the scenario persistent_scan, and '{}' is another",
        printable(.what)
    )]
    NoItems {
        /// The scenario or file.
        what: String,
    },
    /// An option of traces for something else.
    #[error("{option} is for traces of Chakra, and '{}' is none", printable(.what))]
    TraceOnly {
        /// The option.
        option: &'static str,
        /// The scenario.
        what: String,
    },
    /// A cost model for a run that takes the time it takes.
    #[error("--cost-model says what virtual time costs, and --mode parallel has real time")]
    CostsInParallel,
    /// A fault that is not understood.
    #[error("{}", printable(&.0.to_string()))]
    Fault(#[from] FaultError),
    /// The target exists, but not in this build.
    #[error("this build has no target '{asked}'")]
    TargetNotBuilt {
        /// The target asked for.
        asked: TargetName,
        /// The targets that this build has.
        built: Vec<TargetName>,
    },
}

impl UsageError {
    /// What to do next, in one line.
    pub fn hint(&self) -> String {
        match self {
            Self::NoCommand { .. } => "see `finbox --help`".to_owned(),
            Self::Grammar { hint, .. } => hint.clone(),
            Self::UnknownScenario { near, .. } if near.is_empty() => {
                "`finbox list` shows the scenarios; a file needs a dot or a slash: ./NAME"
                    .to_owned()
            }
            Self::UnknownScenario { near, .. } => format!(
                "did you mean {}? `finbox list` shows all; a file needs a dot or a slash: ./NAME",
                either(near)
            ),
            Self::RanksOutsideRange { .. } => {
                "leave --ranks out for the default: a scenario's own, or all of a trace".to_owned()
            }
            Self::RanksOutsideScenario { scenario, .. } => {
                format!("leave --ranks out, or take {}", ranks(scenario))
            }
            Self::TasksFixed { .. } => {
                "leave --tasks out; `finbox list` shows who takes it".to_owned()
            }
            Self::CoresOutsideTarget { most, .. } => {
                format!("leave --cores out for all {most}, or take fewer")
            }
            Self::BenchOnly { option, .. } | Self::TraceOnly { option, .. } => {
                format!("leave {option} out")
            }
            Self::StreamsOnly { .. } => "leave --omit-use out".to_owned(),
            Self::NoTimeScale { .. } => "leave --time-scale out".to_owned(),
            Self::NoItems { .. } => "leave --persistent out".to_owned(),
            Self::CostsInParallel => "leave one of them out".to_owned(),
            Self::Fault(error) => fault_hint(error),
            Self::TargetNotBuilt { built, .. } => {
                let built: Vec<&str> = built.iter().map(|target| target.as_str()).collect();
                format!("take --target {}", either(&built))
            }
        }
    }

    /// The text for stderr: what happened and what to do next, or the help where nothing was asked.
    pub fn to_text(&self) -> String {
        match self {
            Self::NoCommand { help } => help.clone(),
            _ => self.to_error().to_text(),
        }
    }

    /// The report of a run that never began, for `--json`.
    pub fn to_report(&self) -> RunReport {
        RunReport::refused(Invalid::Usage, self.to_error())
    }

    /// There is no pattern of Task Bench called so; `name` is what the scenario would be called.
    pub(super) fn unknown_pattern(asked: &str, name: &str) -> Self {
        let bench = |near: &&str| near.starts_with("task_bench_");
        Self::UnknownScenario {
            name: asked.to_owned(),
            near: near_scenarios(name).into_iter().filter(bench).collect(),
        }
    }

    /// Takes the first sentence and the tips out of what the grammar said.
    pub(super) fn from_grammar(answer: &clap::Error) -> Self {
        let text = answer.render().to_string();
        let mut paragraphs = text.split("\n\n");
        let message = one_line(paragraphs.next().unwrap_or_default());
        let tips: Vec<String> = text
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("tip: "))
            .filter(|tip| !tip.trim_start().starts_with("to pass "))
            .map(|tip| printable(tip.trim()))
            .collect();
        let hint = if tips.is_empty() {
            "see `finbox --help` and `finbox run --help`".to_owned()
        } else {
            tips.join("; ")
        };
        Self::Grammar {
            message: message.trim_start_matches("error: ").to_owned(),
            hint,
        }
    }

    fn to_error(&self) -> ErrorReport {
        ErrorReport::new(Code::USAGE, self.to_string(), self.hint())
    }
}

/// Joins the lines and makes every remaining control character visible.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(['\n', ' '])
        .filter(|word| !word.is_empty())
        .collect();
    printable(&words.join(" "))
}

fn ranks(scenario: &str) -> String {
    match find_scenario(scenario) {
        Some(found) => format!("{} to {} ranks", found.ranks.start(), found.ranks.end()),
        None => "no ranks".to_owned(),
    }
}

fn fault_hint(error: &FaultError) -> String {
    let kinds = TABLE.iter().map(|row| row.name);
    let near = match error {
        FaultError::Unknown(name) => near(&name.to_lowercase().replace('_', "-"), kinds),
        _ => Vec::new(),
    };
    match near.is_empty() {
        true => "`finbox list` shows the kinds of fault".to_owned(),
        false => format!("did you mean {}? `finbox list` shows all", either(&near)),
    }
}

fn either(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => format!("'{one}'"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|name| format!("'{name}'")).collect();
            format!("{} or '{last}'", first.join(", "))
        }
    }
}
