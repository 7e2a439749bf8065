//! What can be asked for, and carrying it out.

mod menu;

use std::path::PathBuf;

use egui::Key;

use super::mapping_files;
use super::paths::{AskedPath, PathFor};
use super::pictures::Picture;
use super::requests::Query;
use super::rule_files;
use super::saving::{self, open_log};
use super::session::Session;
use super::sources::SourceCommand;
use super::state::{AppState, Notice, Screen};
use crate::analysis::AnalysisSettings;
use crate::cli::MemoryLimit;
use crate::data::{FilterPart, MsRange, Quantity};
use crate::ingest::{Answer, DurationUnit, LoadRequest, Mapping, Question, Role};
use crate::jobs::JobId;
use crate::report::chart::Chart;
use crate::rules::Rule;

pub use menu::UiCommand;
use menu::apply_ui;
pub(super) use menu::screen_shortcut;

/// Everything that a screen can ask for; the only way to change the document from a view.
#[derive(Debug, Clone)]
pub enum Command {
    /// A command of the menus.
    Ui(UiCommand),
    /// Open a log.
    OpenLog(Box<LoadRequest>),
    /// Write the project to a file.
    SaveProject(PathBuf),
    /// Open a file of rules: a rulebook, or what another system runs.
    OpenRules(PathBuf),
    /// Write the rules as Prometheus rules.
    ExportRules(PathBuf),
    /// Write the roles of the columns as a mapping file.
    SaveMapping(PathBuf),
    /// Read the log with the roles of a mapping file.
    OpenMapping(PathBuf),
    /// Ask where to save a chart as a picture.
    AskPicture(Box<Chart>),
    /// Choose the file of the picture with the file dialog; proposed is this one.
    PickPicture(PathBuf),
    /// Write a chart as a picture.
    SavePicture(Box<Picture>),
    /// Ask for a file.
    AskPath(PathFor),
    /// Choose it with the file dialog.
    PickPath(AskedPath),
    /// Compare with the rules of a file.
    OpenRival(PathBuf),
    /// Bring back the state that a crash left behind, or let it go.
    Recover(bool),
    /// Give a column a role, or none.
    AssignRole {
        /// The column.
        column: String,
        /// Its role.
        role: Option<Role>,
    },
    /// Say what unit a column of durations is in.
    SetUnit {
        /// The column.
        column: String,
        /// Its unit.
        unit: DurationUnit,
    },
    /// Change what belongs to the log besides its own columns.
    Sources(SourceCommand),
    /// Read the log again, with the roles and settings on screen.
    Reload,
    /// Let logs take as much memory.
    LimitMemory(MemoryLimit),
    /// Do not mind that the files changed.
    IgnoreChange,
    /// Answer what the values of the log do not tell.
    Answer(Question, Answer),
    /// Go to a screen.
    Show(Screen),
    /// Choose the control arm; `None` lets names and sizes decide.
    SetControl(Option<String>),
    /// Choose the treatment arm.
    SetTreatment(Option<String>),
    /// Look at one segment value only.
    SetSegment(Option<(String, String)>),
    /// Look at a stretch of event time only, microseconds of the log's clock.
    SetTimeRange(Option<i64>, Option<i64>),
    /// Look at latencies of a range only, of [`Quantity::LatencyMs`] or [`Quantity::TtftMs`].
    SetLatencyRange(Quantity, Option<MsRange>),
    /// List the requests behind a number.
    ShowRequests(Box<Query>),
    /// Copy the ids of the listed requests.
    CopyIds,
    /// Take a part of the selection back.
    ClearFilter(FilterPart),
    /// Change arms, margins, level or strategy.
    SetSettings(AnalysisSettings),
    /// Change a rule's threshold: rule, condition, value.
    SetThreshold(usize, usize, f64),
    /// Put a rule in the place of another.
    ReplaceRule(usize, Box<Rule>),
    /// Try a rule on rollouts made from the log.
    RunLab,
    /// Go back to the rules that come with the program.
    ResetRules,
    /// Stop a job.
    CancelJob(JobId),
    /// Start again what was cancelled or failed.
    Recompute,
    /// Put text on the clipboard.
    Copy(String),
}

/// Commands asked for since the last frame.
#[derive(Debug, Default)]
pub(super) struct Commands(Vec<Command>);

impl Commands {
    pub(super) fn push(&mut self, command: Command) {
        self.0.push(command);
    }

    pub(super) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    pub(super) fn take(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.0)
    }
}

/// Turns pressed keys into commands. A text field that is being edited keeps its own undo.
pub(super) fn take_shortcuts(ctx: &egui::Context, commands: &mut Commands) {
    let is_typing = ctx.text_edit_focused();
    for command in UiCommand::ALL {
        let is_text_key = matches!(command, UiCommand::Undo | UiCommand::Redo);
        if let Some(shortcut) = command.shortcut().filter(|_| !(is_text_key && is_typing))
            && ctx.input_mut(|input| input.consume_shortcut(&shortcut))
        {
            commands.push(Command::Ui(command));
        }
    }
    // As in many programs; with Shift on most keyboards, so that it is no shortcut of its own.
    if !is_typing && ctx.input(|input| input.key_pressed(Key::Questionmark)) {
        commands.push(Command::Ui(UiCommand::Shortcuts));
    }
    for screen in Screen::ALL {
        if ctx.input_mut(|input| input.consume_shortcut(&screen_shortcut(screen))) {
            commands.push(Command::Show(screen));
        }
    }
}

/// Opens the files that were dropped on the window as one log.
pub(super) fn take_dropped_files(ctx: &egui::Context, commands: &mut Commands) {
    let mut paths: Vec<PathBuf> = ctx.input(|input| {
        let files = input.raw.dropped_files.iter();
        files.map(|file| file.path().to_path_buf()).collect()
    });
    paths.retain(|path| !path.as_os_str().is_empty());
    // Desktops hand them over in the order in which they were marked.
    paths.sort();
    if let [path] = paths.as_slice()
        && rule_files::is_rule_file(path)
    {
        commands.push(Command::OpenRules(path.clone()));
    } else if !paths.is_empty() {
        let request = LoadRequest {
            paths,
            ..LoadRequest::default()
        };
        commands.push(Command::OpenLog(request.into()));
    }
}

/// Carries out one command.
pub(super) fn apply(
    ctx: &egui::Context,
    command: Command,
    state: &mut AppState,
    session: &mut Session,
) {
    match command {
        Command::Ui(command) if command.is_enabled(state, session) => {
            apply_ui(ctx, command, state, session);
        }
        Command::Ui(_) => {}
        Command::OpenLog(request) => open_log(state, *request),
        Command::LimitMemory(limit) => super::memory::set(state, limit),
        Command::SaveProject(path) => session.save(state, path),
        Command::OpenRules(path) => rule_files::open(state, &path),
        Command::ExportRules(path) => rule_files::export(state, &path),
        Command::SaveMapping(path) => mapping_files::save(state, session, &path),
        Command::OpenMapping(path) => mapping_files::open(state, session, &path),
        Command::AskPicture(chart) => {
            state.picture = Some(Picture::beside(&state.document.log, *chart));
        }
        Command::PickPicture(proposed) => session.pick_picture(proposed),
        Command::SavePicture(picture) => {
            session.save_picture(*picture, state.document.rulebook.clone());
        }
        Command::AskPath(purpose) => state.asked_path = Some(AskedPath::new(purpose, state)),
        Command::PickPath(asked) => session.pick_path(&asked),
        Command::OpenRival(path) => super::rivals::open(state, &path),
        Command::Recover(is_wanted) => {
            if let Some(project) = state.storage.leftover.take().filter(|_| is_wanted) {
                saving::open(state, (project, String::new()), None);
            }
        }
        Command::AssignRole { column, role } => {
            if let Some(mut mapping) = mapping_in_force(state, session) {
                let before = mapping
                    .columns
                    .iter()
                    .find(|c| c.column == column)
                    .map(|c| c.role);
                mapping.assign(&column, role);
                state.document.mapping = Some(mapping);
                forget_what_stood_on(&mut state.document.settings, [before, role]);
            }
        }
        Command::Sources(command) => super::sources::apply(command, state, session),
        Command::Reload => session.reload(state),
        Command::IgnoreChange => session.ignore_change(),
        Command::SetUnit { column, unit } => {
            if let Some(mut mapping) = mapping_in_force(state, session) {
                mapping.set_unit(&column, unit);
                state.document.mapping = Some(mapping);
            }
        }
        Command::Answer(question, answer) => {
            if let Some(mut mapping) = mapping_in_force(state, session) {
                let before = mapping.clone();
                mapping.answer(&question, &answer);
                for role in Role::ALL {
                    if mapping.column(role) != before.column(role) {
                        forget_what_stood_on(&mut state.document.settings, [Some(role), None]);
                    }
                }
                state.document.mapping = Some(mapping);
            }
        }
        Command::Show(screen) => state.screen = screen,
        Command::SetControl(name) => {
            let settings = &mut state.document.settings;
            // The arm that was the treatment cannot be both: the other one is chosen anew.
            if settings.treatment == name {
                settings.treatment = None;
            }
            settings.control = name;
        }
        Command::SetTreatment(name) => {
            let settings = &mut state.document.settings;
            if settings.control == name {
                settings.control = None;
            }
            settings.treatment = name;
        }
        Command::SetSegment(segment) => state.document.settings.filter.segment = segment,
        Command::SetTimeRange(from_us, to_us) => {
            let filter = &mut state.document.settings.filter;
            (filter.from_us, filter.to_us) = (from_us, to_us);
        }
        Command::SetLatencyRange(quantity, range) => {
            if let Some(part) = state.document.settings.filter.range_mut(quantity) {
                *part = range;
            }
        }
        Command::ShowRequests(query) => {
            state.requests.is_open = true;
            state.requests.query = *query;
        }
        Command::CopyIds => session.copy_ids(state),
        Command::ClearFilter(part) => {
            let filter = &mut state.document.settings.filter;
            *filter = std::mem::take(filter).without(part);
        }
        Command::SetSettings(settings) => state.document.settings = settings,
        Command::SetThreshold(rule, condition, value) => {
            if let Some(changed) =
                crate::rules::with_threshold(&state.document.rulebook, rule, condition, value)
            {
                state.document.rulebook = changed;
            }
        }
        Command::ReplaceRule(at, rule) => {
            if let Some(known) = state.document.rulebook.rules.get_mut(at) {
                *known = *rule;
            }
        }
        Command::RunLab => {
            state.screen = Screen::Lab;
            session.run_lab(state);
        }
        Command::ResetRules => state.document.reset_rules(),
        Command::CancelJob(id) => session.cancel(id),
        Command::Recompute => session.recompute(),
        Command::Copy(text) => {
            ctx.copy_text(text);
            state.notice = Some(Notice::done("Copied"));
        }
    }
}

/// The mapping that was asked for last, else the one that the log was read with.
pub(super) fn mapping_in_force(state: &AppState, session: &Session) -> Option<Mapping> {
    let of_log = || session.loaded.value.as_ref().map(|l| l.mapping.clone());
    state.document.mapping.clone().or_else(of_log)
}

/// Arms, segment and times of the filter mean nothing once their column plays another part.
pub(super) fn forget_what_stood_on(settings: &mut AnalysisSettings, roles: [Option<Role>; 2]) {
    for role in roles.into_iter().flatten() {
        match role {
            Role::Variant => {
                (settings.control, settings.treatment) = (None, None);
                settings.expected_shares.clear();
            }
            Role::Segment => settings.filter.segment = None,
            Role::Time | Role::EndTime => {
                (settings.filter.from_us, settings.filter.to_us) = (None, None);
            }
            Role::Latency => settings.filter.latency = None,
            Role::Ttft => settings.filter.ttft = None,
            _ => {}
        }
    }
}
