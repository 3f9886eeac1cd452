//! `finbox`: parses the command line and hands it to the right place.

use std::alloc::System;
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use finbox_sim::app;
use finbox_sim::check;
use finbox_sim::cli::{self, Command, output};
use finbox_sim::compare;
use finbox_sim::memory::Guarded;
use finbox_sim::metg;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[global_allocator]
static ALLOCATOR: Guarded<System> = Guarded(System);

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let json = cli::wants_json(&args);
    let targets = app::target_facts();
    match cli::parse(args, &targets) {
        Ok(Command::Run(options)) => {
            start_logging();
            app::run(&options)
        }
        Ok(Command::Check(options)) => {
            start_logging();
            check::run(&options)
        }
        Ok(Command::Device(options)) => {
            start_logging();
            app::device(&options)
        }
        Ok(Command::Convert(options)) => app::convert(&options),
        Ok(Command::Metg(options)) => {
            start_logging();
            metg::run(&options)
        }
        Ok(Command::List { json: true }) => output::print(&cli::list_json(&targets)),
        Ok(Command::List { json: false }) => output::print(&cli::list_text(&targets)),
        Ok(Command::Compare(options)) => compare::run(&options),
        Ok(Command::CostModel(target)) => output::print(&app::cost_model(target)),
        Ok(Command::Text(text) | Command::Help(text) | Command::Version(text)) => {
            output::print(&text)
        }
        Err(error) => output::refuse_usage(&error, json),
    }
}

/// `RUST_LOG` as usual, such as `finbox=debug`; nothing is logged without it.
fn start_logging() {
    let Ok(wish) = std::env::var("RUST_LOG") else {
        return;
    };
    match wish.parse::<Targets>() {
        Ok(targets) => {
            let stderr = tracing_subscriber::fmt::layer().with_writer(io::stderr);
            tracing_subscriber::registry()
                .with(stderr)
                .with(targets)
                .init();
        }
        Err(error) => output::say(&format!("warning: RUST_LOG is not understood: {error}\n")),
    }
}
