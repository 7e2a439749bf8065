//! The `hindsight` program: a headless command, or the window.

use std::process::ExitCode;

use clap::Parser as _;
use hindsight::cli::{self, Arguments};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(command) => cli::run(command),
        None => open_window(&arguments),
    }
}

#[cfg(feature = "gui")]
fn open_window(arguments: &Arguments) -> ExitCode {
    match hindsight::app::open(&arguments.log, arguments.window_size) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => cli::report_instead_of_window(&arguments.log, &reason),
    }
}

#[cfg(not(feature = "gui"))]
fn open_window(arguments: &Arguments) -> ExitCode {
    cli::report_instead_of_window(
        &arguments.log,
        "This build has no window (feature `gui` is off)",
    )
}
