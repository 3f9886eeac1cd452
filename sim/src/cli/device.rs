//! The grammar of what concerns devices: the options of `run`, and `finbox device`.
//!
//! Guarantees: what only the simulator has is refused beside `--device`. Refuses to look whether a
//! library exists. Called by the parser.

use std::ffi::OsString;

use clap::builder::TypedValueParser as _;
use clap::{Args, ValueHint};

use super::args::Asked;
use super::target::TargetName;
use super::usage::UsageError;
use super::values;

const AFTER_HELP: &str = "\
A name without a slash is looked for as libfinbox_NAME.so and as NAME, in the folders of
FINBOX_DEVICE_PATH and where the system's loader looks. The library's code runs in this process.

Exit code 5 if a check or a demo failed, 3 if there is no such library.

Example: finbox device ./libmychip.so --target a5 --json";

/// `--device` and what belongs to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct BoardOptions {
    /// Run on a device: a library by its path, or by a name that is looked for
    #[arg(id = "device", long = "device", value_name = "PLUGIN.so")]
    #[arg(value_hint = ValueHint::AnyPath)]
    #[arg(conflicts_with_all = ["mode", "faults", "cost_model", "explain", "report"])]
    #[arg(conflicts_with_all = ["shadow", "file"])]
    pub library: Option<OsString>,

    /// The device library's own options, in its own words
    #[arg(id = "device-options", long = "device-options", value_name = "TEXT")]
    #[arg(requires = "device", allow_hyphen_values = true, default_value = "")]
    #[arg(hide_default_value = true)]
    pub options: String,

    /// Whether the device decides on the target: none was asked for.
    #[arg(skip)]
    pub any_target: bool,
}

/// The arguments of `finbox device`, as they are written.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct DeviceArgs {
    /// A device library: a path, or a name that is looked for
    #[arg(value_name = "PLUGIN.so", value_hint = ValueHint::AnyPath)]
    library: OsString,

    /// The chip it is to be: a2a3 or a5 [default: the library's]
    #[arg(long, value_name = "TARGET", value_enum, hide_possible_values = true)]
    target: Option<TargetName>,

    /// Ranks of the machine and of the demos, 1 to 64 [default: the library's, and each demo's]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::builder::StringValueParser::new().map(Asked))]
    ranks: Option<Asked>,

    /// The library's own options, in its own words
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        default_value = ""
    )]
    #[arg(hide_default_value = true)]
    options: String,

    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,

    /// Draw no progress line
    #[arg(long)]
    quiet: bool,
}

/// What `finbox device` was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceOptions {
    /// Path or name of the library.
    pub library: OsString,
    /// The chip; `None`: as the library likes.
    pub target: Option<TargetName>,
    /// Ranks, 1 to 64.
    pub ranks: Option<u16>,
    /// The library's own options.
    pub options: String,
    /// One JSON document on stdout instead of text.
    pub json: bool,
    /// No progress line.
    pub quiet: bool,
}

/// Checks what the grammar alone cannot.
pub(super) fn device(args: DeviceArgs) -> Result<DeviceOptions, UsageError> {
    let ranks = |Asked(asked)| {
        let most = *values::RANKS.end();
        let ranks = values::whole(&asked, values::RANKS);
        ranks.map_err(|_| UsageError::RanksOutsideRange { asked, most })
    };
    Ok(DeviceOptions {
        library: args.library,
        target: args.target,
        ranks: args.ranks.map(ranks).transpose()?,
        options: args.options,
        json: args.json,
        quiet: args.quiet,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{message, parsed, run};
    use super::super::{Command, TargetName};
    use super::DeviceOptions;

    fn device(line: &str) -> DeviceOptions {
        match parsed(&format!("device {line}")) {
            Ok(Command::Device(options)) => options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_run_takes_a_device_its_options_and_maybe_a_target() {
        let board = run("dummy_task --device ./x.so --device-options seed=1,-x").board;
        assert_eq!(board.library.as_deref(), Some("./x.so".as_ref()));
        assert_eq!((&*board.options, board.any_target), ("seed=1,-x", true));
        let board = run("dummy_task --device sim --target a2a3").board;
        assert!(!board.any_target);
        assert_eq!(run("dummy_task").board.library, None);
    }

    #[test]
    fn what_only_the_simulator_has_is_refused_beside_a_device() {
        for option in [
            "--mode parallel",
            "--fault fin-lost",
            "--cost-model x.json",
            "--explain",
            "--report x.html",
            "--shadow",
            "--trace x.json",
        ] {
            let message = message(&format!("run dummy_task --device x.so {option}"));
            let name = option.split(' ').next().unwrap();
            assert!(
                message.contains("'--device <PLUGIN.so>' cannot be used"),
                "{message}"
            );
            assert!(message.contains(name), "{message}");
        }
        let alone = message("run dummy_task --device-options x");
        assert!(alone.contains("--device <PLUGIN.so>"), "{alone}");
    }

    #[test]
    fn every_option_of_device_reaches_its_field() {
        let expected = DeviceOptions {
            library: "./x.so".into(),
            target: Some(TargetName::A5),
            ranks: Some(3),
            options: "-a b".replace(' ', "="),
            json: true,
            quiet: true,
        };
        let line = "./x.so --target a5 --ranks 3 --options -a=b --json --quiet";
        assert_eq!(device(line), expected);
        let bare = device("x");
        assert_eq!((bare.target, bare.ranks, &*bare.options), (None, None, ""));
        assert!(!bare.json && !bare.quiet);
    }

    #[test]
    fn a_device_has_1_to_64_ranks() {
        for ranks in ["0", "65", "two"] {
            let message = message(&format!("device x.so --ranks {ranks}"));
            assert!(message.contains("a whole number from 1 to 64"), "{message}");
        }
        assert!(message("device").contains("<PLUGIN.so>"));
    }
}
