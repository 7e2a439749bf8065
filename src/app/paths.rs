//! Where a file is saved to or opened from: a path to type, with the desktop's dialog beside it. Not
//! every desktop has a dialog, and a window that then did nothing could not save.

use std::path::{Path, PathBuf};

use super::command::{Command, Commands};
use super::dialogs;
use super::session::{Output, Session};
use super::state::AppState;
use super::widgets::bold;
use super::words::{spoken, tr};
use crate::jobs::JobKind;
use crate::project::EXTENSION;

/// What a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathFor {
    /// To save the project to.
    Project,
    /// To take rules from.
    Rules,
    /// To write rules for Prometheus to.
    PrometheusRules,
    /// To take rules from that are compared with the present ones.
    Rival,
    /// To write the roles of the columns to.
    Mapping,
    /// To take the roles of the columns from.
    UsedMapping,
}

/// A file that is asked for.
#[derive(Debug, Clone)]
pub struct AskedPath {
    /// What for.
    pub purpose: PathFor,
    /// As typed so far.
    pub path_text: String,
    /// Whether the field had the focus once.
    is_begun: bool,
}

impl PathFor {
    fn title(self) -> &'static str {
        match self {
            Self::Project => "Save the project",
            Self::Rules => "Open rules: a rulebook, or what another system runs",
            Self::PrometheusRules => "Export the rules for Prometheus",
            Self::Rival => "Open rules to compare with",
            Self::Mapping => "Save columns as mapping file",
            Self::UsedMapping => "Use a mapping file",
        }
    }

    fn verb(self) -> &'static str {
        if self.writes() { "Save" } else { "Open" }
    }

    fn writes(self) -> bool {
        matches!(self, Self::Project | Self::PrometheusRules | Self::Mapping)
    }

    fn command(self, path: PathBuf) -> Command {
        match self {
            Self::Project => Command::SaveProject(path),
            Self::Rules => Command::OpenRules(path),
            Self::PrometheusRules => Command::ExportRules(path),
            Self::Rival => Command::OpenRival(path),
            Self::Mapping => Command::SaveMapping(path),
            Self::UsedMapping => Command::OpenMapping(path),
        }
    }
}

impl AskedPath {
    /// Proposes a file beside the log; for the project, its own.
    pub(super) fn new(purpose: PathFor, state: &AppState) -> Self {
        let log = state.document.log.first().map(PathBuf::as_path);
        let beside = |name: &str| log.unwrap_or(Path::new("")).with_file_name(name);
        let path = match (purpose, &state.project.path) {
            (PathFor::Project, Some(own)) => own.clone(),
            (PathFor::Project, None) => {
                let stem = log.and_then(Path::file_stem);
                let stem = stem.map_or("rollout".into(), |stem| stem.to_string_lossy());
                beside(&format!("{stem}.{EXTENSION}"))
            }
            (PathFor::PrometheusRules, _) => beside("rules.yml"),
            (PathFor::Mapping, _) => beside("mapping.toml"),
            (PathFor::Rules | PathFor::Rival | PathFor::UsedMapping, _) => PathBuf::new(),
        };
        Self {
            purpose,
            path_text: path.display().to_string(),
            is_begun: false,
        }
    }

    /// The file; a project gets its ending.
    fn path(&self) -> Option<PathBuf> {
        let text = self.path_text.trim().trim_matches('"');
        let path = PathBuf::from((!text.is_empty()).then_some(text)?);
        if self.purpose == PathFor::Project && path.extension().is_none() {
            return Some(path.with_extension(EXTENSION));
        }
        Some(path)
    }
}

impl Session {
    /// Asks with the desktop's dialog; its answer goes into the field.
    pub(super) fn pick_path(&mut self, asked: &AskedPath) {
        let (language, purpose) = (spoken(), asked.purpose);
        let proposed = asked.path().unwrap_or_default();
        self.jobs.start(JobKind::Dialog, move |_| {
            let pick = || match purpose {
                PathFor::Project => dialogs::pick_project(language, &proposed),
                PathFor::PrometheusRules => dialogs::pick_rules_export(language, &proposed),
                PathFor::Mapping => dialogs::pick_mapping_export(language, &proposed),
                PathFor::UsedMapping => dialogs::pick_mapping(language),
                PathFor::Rules | PathFor::Rival => dialogs::pick_rules(language),
            };
            dialogs::answer(pick, Output::PickedPath)
        });
    }
}

/// Asks, while a file is waited for.
pub(super) fn ui(ctx: &egui::Context, state: &mut AppState, commands: &mut Commands) {
    let Some(mut asked) = state.asked_path.take() else {
        return;
    };
    let modal = egui::Modal::new(egui::Id::unique("path")).show(ctx, |ui| {
        ui.set_width(520.0);
        ui.label(bold(tr(asked.purpose.title())));
        ui.add_space(4.0);
        let is_entered = field_ui(ui, &mut asked, commands);
        let path = asked.path();
        let own = state.project.path.as_deref();
        if let Some(path) = path.as_deref().filter(|_| asked.purpose.writes())
            && Some(path) != own
            && path.exists()
        {
            let text = tr("This file exists; what is in it will be replaced.");
            ui.colored_label(ui.visuals().warn_fg_color, text);
        }
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let button = egui::Button::new(tr(asked.purpose.verb()));
            let is_chosen = ui.add_enabled(path.is_some(), button).clicked() || is_entered;
            (
                path.filter(|_| is_chosen),
                ui.button(tr("Cancel")).clicked(),
            )
        })
        .inner
    });
    match modal.inner {
        (Some(path), _) => commands.push(asked.purpose.command(path)),
        (None, true) => {}
        (None, false) if modal.should_close() => {}
        (None, false) => state.asked_path = Some(asked),
    }
}

/// The path and the dialog; whether Enter was pressed in it.
fn field_ui(ui: &mut egui::Ui, asked: &mut AskedPath, commands: &mut Commands) -> bool {
    ui.horizontal(|ui| {
        let width = ui.available_width() - 110.0;
        let field = egui::TextEdit::singleline(&mut asked.path_text)
            .desired_width(width)
            .hint_text(tr("Path of the file"));
        let field = ui.add(field).accessible_name(tr("Path of the file"));
        if !std::mem::replace(&mut asked.is_begun, true) {
            field.request_focus();
        }
        if ui.button(tr("Browse…")).clicked() {
            commands.push(Command::PickPath(asked.clone()));
        }
        field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter))
    })
    .inner
}
