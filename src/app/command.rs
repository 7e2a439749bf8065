//! What can be asked for. Menus, shortcuts and tests read one table.

use std::path::PathBuf;

use egui::{Key, KeyboardShortcut, Modifiers};

use super::dialogs;
use super::palette::Palette;
use super::requests::Query;
use super::rule_files;
use super::saving::{self, open_log};
use super::session::Session;
use super::sources::SourceCommand;
use super::state::{AppState, Notice, Screen};
use crate::analysis::AnalysisSettings;
use crate::cli::bundled;
use crate::data::{FilterPart, MsRange, Quantity};
use crate::ingest::{Answer, DurationUnit, LoadRequest, Mapping, Question, Role};
use crate::jobs::JobId;
use crate::language::Language;
use crate::rules::Rule;

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

/// Commands without data: those of menus and shortcuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UiCommand {
    /// Choose a log with the file dialog.
    Open,
    /// Open the bundled canary rollout.
    OpenSample,
    /// Open the bundled A/A log.
    OpenAa,
    /// Write the project to its file.
    Save,
    /// Write the project to another file.
    SaveAs,
    /// Write the report.
    Export,
    /// Choose a file of rules with the file dialog.
    OpenRules,
    /// Write the rules for Prometheus.
    ExportRules,
    /// Go back one step.
    Undo,
    /// Go forward again.
    Redo,
    /// Follow the system's theme.
    ThemeSystem,
    /// Light theme.
    ThemeLight,
    /// Dark theme.
    ThemeDark,
    /// Larger.
    ZoomIn,
    /// Smaller.
    ZoomOut,
    /// As made.
    ZoomReset,
    /// Show or hide the table of requests.
    Requests,
    /// Speak another language.
    Speak(Language),
    /// Show or hide the command palette.
    Palette,
    /// Show or hide the list of shortcuts.
    Shortcuts,
}

impl UiCommand {
    /// All of them, as in the menus.
    pub const ALL: [Self; 22] = [
        Self::Open,
        Self::OpenSample,
        Self::OpenAa,
        Self::SaveAs, // before the shorter shortcut, which its keys would match too
        Self::Save,
        Self::Export,
        Self::OpenRules,
        Self::ExportRules,
        Self::Undo,
        Self::Redo,
        Self::ThemeSystem,
        Self::ThemeLight,
        Self::ThemeDark,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ZoomReset,
        Self::Requests,
        Self::Speak(Language::English),
        Self::Speak(Language::Chinese),
        Self::Speak(Language::Korean),
        Self::Palette,
        Self::Shortcuts,
    ];

    /// As shown in menus.
    pub fn text(self) -> &'static str {
        match self {
            Self::Open => "Open log…",
            Self::OpenSample => "Open sample: canary rollout",
            Self::OpenAa => "Open sample: A/A, nothing differs",
            Self::Save => "Save project",
            Self::SaveAs => "Save project as…",
            Self::Export => "Export report",
            Self::OpenRules => "Open rules…",
            Self::ExportRules => "Export rules for Prometheus…",
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::ThemeSystem => "Theme of the system",
            Self::ThemeLight => "Light theme",
            Self::ThemeDark => "Dark theme",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomReset => "Zoom 100 %",
            Self::Requests => "Requests behind the numbers",
            // Findable by whoever cannot read the language that is set.
            Self::Speak(Language::English) => "Language: English",
            Self::Speak(Language::Chinese) => "语言：简体中文",
            Self::Speak(Language::Korean) => "언어: 한국어",
            Self::Palette => "Find a command…",
            Self::Shortcuts => "Keyboard shortcuts",
        }
    }

    /// Its keys.
    pub fn shortcut(self) -> Option<KeyboardShortcut> {
        let command = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND, key));
        match self {
            Self::Open => command(Key::O),
            Self::Save => command(Key::S),
            Self::SaveAs => Some(KeyboardShortcut::new(
                Modifiers::COMMAND | Modifiers::SHIFT,
                Key::S,
            )),
            Self::Export => command(Key::E),
            Self::Undo => command(Key::Z),
            Self::Redo => command(Key::Y),
            Self::ZoomIn => command(Key::Plus),
            Self::ZoomOut => command(Key::Minus),
            Self::ZoomReset => command(Key::Num0),
            Self::Requests => command(Key::R),
            Self::Palette => command(Key::K),
            Self::Shortcuts => Some(KeyboardShortcut::new(Modifiers::NONE, Key::F1)),
            _ => None,
        }
    }

    /// Whether it can do something now.
    pub fn is_enabled(self, state: &AppState, session: &Session) -> bool {
        match self {
            Self::Export => {
                session.analysis.value.is_some()
                    && !session.analysis.is_stale
                    && !session.replay.is_stale
            }
            Self::Save | Self::SaveAs | Self::Requests => session.loaded.value.is_some(),
            Self::Undo => state.history.can_undo(),
            Self::Redo => state.history.can_redo(),
            _ => true,
        }
    }
}

/// The keys of a screen: Ctrl and its number.
pub(super) fn screen_shortcut(screen: Screen) -> KeyboardShortcut {
    let key = match screen {
        Screen::Log => Key::Num1,
        Screen::Overview => Key::Num2,
        Screen::Latency => Key::Num3,
        Screen::Trends => Key::Num4,
        Screen::Tests => Key::Num5,
        Screen::Plan => Key::Num6,
        Screen::Rollback => Key::Num7,
        Screen::Lab => Key::Num8,
        Screen::Report => Key::Num9,
    };
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

/// Commands asked for since the last frame.
#[derive(Debug, Default)]
pub(super) struct Commands(Vec<Command>);

impl Commands {
    pub(super) fn push(&mut self, command: Command) {
        self.0.push(command);
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
        Command::SaveProject(path) => session.save(state, path),
        Command::OpenRules(path) => rule_files::open(state, &path),
        Command::ExportRules(path) => rule_files::export(state, &path),
        Command::Recover(is_wanted) => {
            if let Some(project) = state.storage.leftover.take().filter(|_| is_wanted) {
                saving::open(state, project, None);
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
        Command::RunLab => session.run_lab(state),
        Command::ResetRules => {
            state.document.rulebook = super::document::Document::default().rulebook;
        }
        Command::CancelJob(id) => session.cancel(id),
        Command::Recompute => session.recompute(),
        Command::Copy(text) => {
            ctx.copy_text(text);
            state.notice = Some(Notice {
                is_error: false,
                text: "Copied".to_owned(),
                path: None,
            });
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

fn apply_ui(ctx: &egui::Context, command: UiCommand, state: &mut AppState, session: &mut Session) {
    match command {
        UiCommand::Open => session.pick_log(),
        UiCommand::OpenSample => session.open_bundled(bundled::sample_log),
        UiCommand::OpenAa => session.open_bundled(bundled::aa_log),
        UiCommand::Save => match state.project.path.clone() {
            Some(path) => session.save(state, path),
            None => session.pick_project(),
        },
        UiCommand::SaveAs => session.pick_project(),
        UiCommand::Export => session.export(state),
        UiCommand::OpenRules => session.pick_rules(dialogs::pick_rules, rule_files::open),
        UiCommand::ExportRules => {
            session.pick_rules(dialogs::pick_rules_export, rule_files::export);
        }
        UiCommand::Undo => state.history.undo(&mut state.document),
        UiCommand::Redo => state.history.redo(&mut state.document),
        UiCommand::ThemeSystem => ctx.set_theme(egui::ThemePreference::System),
        UiCommand::ThemeLight => ctx.set_theme(egui::ThemePreference::Light),
        UiCommand::ThemeDark => ctx.set_theme(egui::ThemePreference::Dark),
        UiCommand::ZoomIn => egui::gui_zoom::zoom_in(ctx),
        UiCommand::ZoomOut => egui::gui_zoom::zoom_out(ctx),
        UiCommand::ZoomReset => ctx.set_zoom_factor(1.0),
        UiCommand::Requests => state.requests.is_open = !state.requests.is_open,
        UiCommand::Speak(language) => {
            state.language = language;
            state.storage.remember_language(language);
        }
        UiCommand::Palette => {
            state.palette = match state.palette {
                Some(_) => None,
                None => Some(Palette::default()),
            };
        }
        UiCommand::Shortcuts => state.shows_shortcuts = !state.shows_shortcuts,
    }
}
