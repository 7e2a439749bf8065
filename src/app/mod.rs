//! The window: the only place that knows egui. It asks ([`command`]), runs jobs ([`session`]) and
//! shows ([`views`]); every number on screen comes from [`crate::analysis`] or [`crate::rules`].

mod command;
mod dialogs;
mod document;
mod history;
mod palette;
mod planner;
mod session;
mod shell;
mod state;
mod theme;
mod views;
mod widgets;

use std::sync::Arc;

pub use command::{Command, UiCommand};
pub use session::Session;
pub use state::{AppState, Screen};
pub use theme::install as install_theme;

use crate::cli::LogArguments;
use crate::ingest::{LoadRequest, Mapping};
use command::Commands;

/// The application: what was asked, what was found, and what runs.
pub struct App {
    /// What the user chose and looks at.
    pub state: AppState,
    /// What was loaded and computed.
    pub session: Session,
    commands: Commands,
}

impl App {
    /// An application without a log that wakes `ctx` when a job ends.
    pub fn new(ctx: &egui::Context) -> Self {
        theme::install(ctx);
        let waker = Arc::new(theme::Repaint::new(ctx.clone())).into();
        Self {
            state: AppState::default(),
            session: Session::new(waker),
            commands: Commands::default(),
        }
    }

    /// Asks for something, as a menu would.
    pub fn ask(&mut self, command: Command) {
        self.commands.push(command);
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        let Self {
            state,
            session,
            commands,
        } = self;
        command::take_dropped_files(ctx, commands);
        command::take_shortcuts(ctx, commands);
        session.poll(state);
        for command in commands.take() {
            command::apply(ctx, command, state, session);
        }
        state
            .history
            .settle(&state.document, ctx.input(|input| input.pointer.any_down()));
        session.follow(state);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let Self {
            state,
            session,
            commands,
        } = self;
        shell::ui(ui, state, session, commands);
    }
}

/// Opens the window on a log, or on the bundled sample. Returns why, where there is no display.
pub fn open(arguments: &LogArguments, size: Option<(f32, f32)>) -> Result<(), String> {
    if cfg!(target_os = "linux")
        && ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .all(|name| std::env::var_os(name).is_none())
    {
        return Err("There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)".to_owned());
    }
    let mapping = arguments
        .mapping
        .as_deref()
        .map(Mapping::read)
        .transpose()
        .map_err(|error| error.to_string())?;
    let (width, height) = size.unwrap_or((1280.0, 800.0));
    let viewport = egui::ViewportBuilder::default()
        .with_title("Hindsight")
        .with_app_id("hindsight")
        .with_inner_size([width, height])
        .with_min_inner_size([960.0, 600.0]);
    let options = eframe::NativeOptions {
        viewport,
        persist_window: size.is_none(),
        ..eframe::NativeOptions::default()
    };
    let first = if arguments.logs.is_empty() {
        Command::Ui(UiCommand::OpenSample)
    } else {
        Command::OpenLog(LoadRequest {
            paths: arguments.logs.clone(),
            mapping,
        })
    };
    eframe::run_native(
        "hindsight",
        options,
        Box::new(move |creation| {
            let mut app = App::new(&creation.egui_ctx);
            app.ask(first);
            app.ask(Command::Show(Screen::Overview));
            Ok(Box::new(app))
        }),
    )
    .map_err(|cause| format!("The window cannot be opened: {cause}"))
}
