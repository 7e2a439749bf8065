//! Commands without data: those of menus, shortcuts and the palette, which read one table.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::super::palette::Palette;
use super::super::paths::{AskedPath, PathFor};
use super::super::session::Session;
use super::super::state::{AppState, Screen};
use crate::cli::bundled;
use crate::language::Language;

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
    /// Write the roles of the columns as a mapping file.
    SaveMapping,
    /// Take the roles of the columns from a mapping file.
    OpenMapping,
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
    pub const ALL: [Self; 24] = [
        Self::Open,
        Self::OpenSample,
        Self::OpenAa,
        Self::SaveAs, // before the shorter shortcut, which its keys would match too
        Self::Save,
        Self::Export,
        Self::SaveMapping,
        Self::OpenMapping,
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
            Self::SaveMapping => "Save columns as mapping file…",
            Self::OpenMapping => "Use a mapping file…",
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
            Self::Speak(Language::Chinese) => "语言：简体中文 (language: Chinese)",
            Self::Speak(Language::Korean) => "언어: 한국어 (language: Korean)",
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
            Self::Save | Self::SaveAs | Self::SaveMapping | Self::OpenMapping | Self::Requests => {
                session.loaded.value.is_some()
            }
            Self::Undo => state.history.can_undo(),
            Self::Redo => state.history.can_redo(),
            _ => true,
        }
    }
}

/// The keys of a screen: Ctrl and its number.
pub(in crate::app) fn screen_shortcut(screen: Screen) -> KeyboardShortcut {
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

fn ask(purpose: PathFor, state: &mut AppState) {
    state.asked_path = Some(AskedPath::new(purpose, state));
}

/// Carries out a command of the menus.
pub(super) fn apply_ui(
    ctx: &egui::Context,
    command: UiCommand,
    state: &mut AppState,
    session: &mut Session,
) {
    match command {
        UiCommand::Open => session.pick_log(),
        UiCommand::OpenSample => session.open_bundled(bundled::sample_log),
        UiCommand::OpenAa => session.open_bundled(bundled::aa_log),
        UiCommand::Save => match state.project.path.clone() {
            Some(path) => session.save(state, path),
            None => ask(PathFor::Project, state),
        },
        UiCommand::SaveAs => ask(PathFor::Project, state),
        UiCommand::Export => session.export(state),
        UiCommand::SaveMapping => ask(PathFor::Mapping, state),
        UiCommand::OpenMapping => ask(PathFor::UsedMapping, state),
        UiCommand::OpenRules => ask(PathFor::Rules, state),
        UiCommand::ExportRules => ask(PathFor::PrometheusRules, state),
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
