//! The `hindsight` program: a headless command, or the window.

use std::process::ExitCode;

use clap::Parser as _;
use hindsight::cli::{self, Arguments};

fn main() -> ExitCode {
    silence_reader();
    let arguments = Arguments::parse();
    match arguments.command {
        Some(command) => cli::run(command),
        None => open_window(&arguments),
    }
}

/// A damaged Parquet file can make its reader panic, and a duration without end the parser of queries. Either is
/// turned into an error with a place and a hint, so the panic's own message would only puzzle.
fn silence_reader() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_reader = panic
            .location()
            .is_some_and(|l| l.file().contains("polars") || l.file().ends_with("core/src/time.rs"));
        if !is_reader {
            report(panic);
        }
    }));
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
