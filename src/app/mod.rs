//! The window: the only place that knows egui. It asks ([`command`]), runs jobs ([`session`]) and
//! shows ([`views`]); every number on screen comes from [`crate::analysis`] or [`crate::rules`].

mod command;
mod dialogs;
mod document;
mod history;
mod lab_run;
mod mapping_files;
mod memory;
mod palette;
mod paths;
mod pictures;
mod planner;
mod requests;
mod requests_run;
mod rivals;
mod rule_files;
mod saving;
mod selection_bar;
mod session;
mod shell;
mod sources;
mod state;
mod storage;
mod theme;
mod thresholds;
mod views;
mod watch;
mod widgets;
mod words;

use std::path::Path;
use std::sync::Arc;

pub use command::{Command, UiCommand};
pub use paths::{AskedPath, PathFor};
pub use requests::{Column as RequestColumn, Ending, Listing, Query};
pub use requests_run::RequestsRun;
pub use rivals::{Rival, RivalRun};
pub use rule_files::RuleFile;
pub use saving::ProjectState;
pub use session::Session;
pub use sources::{SourceCommand, SourceFields};
pub use state::{AppState, Screen};
pub use storage::Storage;
pub use theme::install as install_theme;
pub use thresholds::{FirstFires, Thresholds};

use crate::cli::LogArguments;
use crate::language::Language;
use command::Commands;

/// In the title bar and the list of windows; a desktop that has the program installed takes its own.
const ICON: &[u8] = include_bytes!("../../assets/icon/hindsight-128.png");

/// The application: what was asked, what was found, and what runs.
pub struct App {
    /// What the user chose and looks at.
    pub state: AppState,
    /// What was loaded and computed.
    pub session: Session,
    commands: Commands,
    /// As last told to the desktop.
    window_title: String,
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
            window_title: String::new(),
        }
    }

    /// The same with a folder for recent logs and for the state to come back to after a crash.
    pub fn with_storage(ctx: &egui::Context, folder: &Path) -> Self {
        let mut app = Self::new(ctx);
        app.state.storage = Storage::open(folder);
        app.state.language = app.state.storage.language.unwrap_or_default();
        app.state.memory = app.state.storage.memory.unwrap_or_default();
        app
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
            window_title,
        } = self;
        words::speak(state.language);
        command::take_dropped_files(ctx, commands);
        command::take_shortcuts(ctx, commands);
        widgets::take_asked(ctx, commands);
        session.poll(state);
        for command in commands.take() {
            command::apply(ctx, command, state, session);
        }
        let is_dragging = ctx.input(|input| input.pointer.any_down());
        state.history.settle(&state.document, is_dragging);
        session.follow(state, is_dragging);
        session.keep(ctx, state);
        if let Some(text) = state.to_copy.take() {
            ctx.copy_text(text);
        }
        show_title(ctx, state, session, window_title);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let Self {
            state,
            session,
            commands,
            ..
        } = self;
        words::speak(state.language);
        shell::ui(ui, state, session, commands);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        let is_unsaved = self.state.project.is_unsaved(&self.state.document);
        self.state.storage.close(is_unsaved);
    }
}

/// Names the project or log in the title bar, with a dot where something is unsaved.
fn show_title(ctx: &egui::Context, state: &AppState, session: &Session, shown: &mut String) {
    let name = match (&state.project.path, &session.loaded.value) {
        (Some(path), _) => path
            .file_stem()
            .map(|name| name.to_string_lossy().into_owned()),
        (None, Some(loaded)) => Some(loaded.log.name.clone()),
        (None, None) => None,
    };
    let dot = if state.project.is_unsaved(&state.document) {
        "• "
    } else {
        ""
    };
    let title = name.map_or("Hindsight".to_owned(), |name| {
        format!("{dot}{name} – Hindsight")
    });
    if title != *shown {
        ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
        *shown = title;
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
    let request = arguments.load_request().map_err(|e| e.to_string())?;
    let tools = request.tools.clone();
    let memory = arguments.memory;
    let (width, height) = size.unwrap_or((1280.0, 800.0));
    let icon = eframe::icon_data::from_png_bytes(ICON).unwrap_or_default();
    let viewport = egui::ViewportBuilder::default()
        .with_icon(icon)
        .with_title("Hindsight")
        .with_app_id("hindsight")
        .with_inner_size([width, height])
        .with_min_inner_size([960.0, 600.0]);
    let options = eframe::NativeOptions {
        viewport,
        persist_window: size.is_none(),
        ..eframe::NativeOptions::default()
    };
    let is_start = request.paths.is_empty();
    let first = if is_start {
        Command::Ui(UiCommand::OpenSample)
    } else {
        Command::OpenLog(request.into())
    };
    eframe::run_native(
        "hindsight",
        options,
        Box::new(move |creation| {
            let mut app = match eframe::storage_dir("hindsight") {
                Some(folder) => App::with_storage(&creation.egui_ctx, &folder),
                None => App::new(&creation.egui_ctx),
            };
            app.state.tools = tools;
            app.state.memory = memory.unwrap_or(app.state.memory);
            if app.state.storage.language.is_none() {
                let locale = sys_locale::get_locale().unwrap_or_default();
                app.state.language = Language::of_locale(&locale);
            }
            app.state.shows_start = is_start;
            app.ask(first);
            app.ask(Command::Show(Screen::Overview));
            Ok(Box::new(app))
        }),
    )
    .map_err(|cause| format!("The window cannot be opened: {cause}"))
}
