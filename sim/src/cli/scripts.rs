//! What is made from the grammar: completion scripts and manual pages.
//!
//! Guarantees: generated from the very declarations that parse, so every command and option is in
//! them and nothing else. Refuses: to install anything; the text goes to stdout. Called by the
//! parser.

use clap::Args;
use clap_complete::Shell;

use super::usage::UsageError;
use crate::report::printable;

#[derive(Debug, Args)]
pub(super) struct ShellArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The command; without one, the page of finbox itself
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// The script that teaches a shell all of `grammar`.
pub(super) fn completions(mut grammar: clap::Command, wanted: &ShellArgs) -> String {
    let name = grammar.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(wanted.shell, &mut grammar, name, &mut script);
    text(script)
}

/// The manual page of `grammar`, or of one of its commands.
pub(super) fn manual(mut grammar: clap::Command, wanted: &ManArgs) -> Result<String, UsageError> {
    grammar = grammar.disable_help_subcommand(true);
    grammar.build();
    let page = match &wanted.command {
        None => grammar,
        Some(name) => match grammar.find_subcommand(name) {
            Some(command) => command.clone(),
            None => return Err(no_page(&grammar, name)),
        },
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page)
        .source(concat!("finbox ", env!("CARGO_PKG_VERSION")))
        .render(&mut roff)
        .expect("memory takes every page");
    Ok(text(roff))
}

fn no_page(grammar: &clap::Command, name: &str) -> UsageError {
    let commands: Vec<&str> = grammar
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    UsageError::Grammar {
        message: format!("invalid value '{}' for '[COMMAND]'", printable(name)),
        hint: format!("take one of {}, or none", commands.join(", ")),
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("the grammar is text")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command as Process, Stdio};

    use clap::CommandFactory as _;

    use super::super::Command;
    use super::super::args::Top;
    use super::super::tests::{parsed, refused};

    const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

    fn printed(line: &str) -> String {
        match parsed(line) {
            Ok(Command::Text(text)) => text,
            other => panic!("{line}: {other:?}"),
        }
    }

    /// Every command with its options, but help and version.
    fn grammar() -> Vec<(String, Vec<String>)> {
        let options = |command: &clap::Command| {
            let longs = command.get_arguments().filter_map(clap::Arg::get_long);
            longs.map(str::to_owned).collect()
        };
        let top = Top::command();
        let commands = top.get_subcommands();
        commands
            .map(|command| (command.get_name().to_owned(), options(command)))
            .collect()
    }

    #[test]
    fn every_script_knows_every_command_and_option() {
        assert!(
            grammar()
                .iter()
                .map(|(_, options)| options.len())
                .sum::<usize>()
                > 20
        );
        for shell in SHELLS {
            let script = printed(&format!("completions {shell}"));
            for (command, options) in grammar() {
                assert!(script.contains(&command), "{shell}: {command}");
                for option in options {
                    let spelled = match shell {
                        "fish" => format!("-l {option} "),
                        _ => format!("--{option}"),
                    };
                    assert!(script.contains(&spelled), "{shell}: {command} {spelled}");
                }
            }
        }
    }

    #[test]
    fn the_manual_has_a_page_for_finbox_and_one_for_every_command() {
        let top = printed("man");
        for (command, options) in grammar() {
            assert!(top.contains(&format!("finbox\\-{command}(1)")), "{command}");
            let page = printed(&format!("man {command}"));
            assert!(page.contains(&format!(".TH finbox-{command} 1")), "{page}");
            let version = concat!("\"finbox ", env!("CARGO_PKG_VERSION"), "\"");
            assert!(page.contains(version), "{page}");
            for option in options {
                let spelled = format!("\\-\\-{}", option.replace('-', "\\-"));
                assert!(page.contains(&spelled), "{command}: {spelled}");
            }
        }
        let (message, hint) = refused("man runn");
        assert_eq!(message, "invalid value 'runn' for '[COMMAND]'");
        let commands: Vec<String> = grammar().into_iter().map(|(command, _)| command).collect();
        assert_eq!(
            hint,
            format!("take one of {}, or none", commands.join(", "))
        );
    }

    #[test]
    fn bash_understands_its_script() {
        let mut bash = match Process::new("bash").arg("-n").stdin(Stdio::piped()).spawn() {
            Ok(bash) => bash,
            Err(error) => return println!("skipped: bash cannot be started: {error}"),
        };
        let script = printed("completions bash");
        let mut input = bash.stdin.take().expect("it was asked for");
        input.write_all(script.as_bytes()).expect("bash reads");
        drop(input);
        assert!(bash.wait().expect("bash ends").success());
    }
}
