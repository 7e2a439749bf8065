//! A chart saved as a picture: where to and in which form, asked on top of the screen.

use std::path::{Path, PathBuf};

use super::command::{Command, Commands};
use super::state::AppState;
use super::widgets::bold;
use super::words::tr;
use crate::analysis::Analysis;
use crate::error::{Error, ErrorKind, Result};
use crate::language::Language;
use crate::report::chart::Chart;
use crate::report::picture::{PictureForm, file_name, origin};
use crate::report::spoken_chart;
use crate::report::write::write_atomic;
use crate::rules::Rulebook;

/// A chart that is about to be saved.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The chart, as it was when it was asked for.
    pub chart: Chart,
    /// Where it goes, as typed.
    pub path_text: String,
    /// Whether the field had the focus once.
    is_begun: bool,
}

impl Picture {
    /// Proposes a file beside the log, named after the chart.
    pub(super) fn beside(log: &[PathBuf], chart: Chart) -> Self {
        let folder = log.first().and_then(|path| path.parent());
        let path = folder
            .unwrap_or(Path::new(""))
            .join(file_name(&chart, PictureForm::Png));
        Self {
            path_text: path.display().to_string(),
            is_begun: false,
            chart,
        }
    }

    fn form(&self) -> Option<PictureForm> {
        let extension = Path::new(self.path_text.trim()).extension()?;
        PictureForm::ALL
            .into_iter()
            .find(|form| extension.eq_ignore_ascii_case(form.extension()))
    }

    /// Draws and writes the picture in a language; gives the file.
    pub(super) fn write(
        &self,
        analysis: &Analysis,
        rulebook: &Rulebook,
        language: Language,
    ) -> Result<PathBuf> {
        let path = PathBuf::from(self.path_text.trim());
        let form = self.form().ok_or_else(|| {
            Error::new(ErrorKind::Settings, "A picture ends with .png or .svg").at(&path)
        })?;
        let origin = origin(analysis, env!("CARGO_PKG_VERSION"));
        let (chart, origin) = spoken_chart(&self.chart, &origin, analysis, rulebook, language);
        let bytes = form.render(&chart, &origin)?;
        write_atomic(&path, &bytes)?;
        Ok(path)
    }
}

/// Asks, while a chart waits to be saved.
pub(super) fn ui(ctx: &egui::Context, state: &mut AppState, commands: &mut Commands) {
    let Some(mut picture) = state.picture.take() else {
        return;
    };
    let modal = egui::Modal::new(egui::Id::unique("picture")).show(ctx, |ui| {
        ui.set_width(520.0);
        ui.label(bold(tr("Save the chart as a picture")));
        ui.label(tr(&picture.chart.title));
        ui.add_space(4.0);
        let field = egui::TextEdit::singleline(&mut picture.path_text).desired_width(f32::INFINITY);
        let field = ui.add(field).accessible_name(tr("File of the picture"));
        if !std::mem::replace(&mut picture.is_begun, true) {
            field.request_focus();
        }
        let is_entered =
            field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        if Path::new(picture.path_text.trim()).is_file() {
            let text = tr("This file exists; what is in it will be replaced.");
            ui.colored_label(ui.visuals().warn_fg_color, text);
        }
        ui.horizontal(|ui| {
            let chosen = picture.form();
            for form in PictureForm::ALL {
                let is_chosen = chosen == Some(form);
                if ui.selectable_label(is_chosen, form.name()).clicked() && !is_chosen {
                    let path = Path::new(picture.path_text.trim()).with_extension(form.extension());
                    picture.path_text = path.display().to_string();
                }
            }
            if ui.button(tr("Browse…")).clicked() {
                commands.push(Command::PickPicture(picture.path_text.clone().into()));
            }
        });
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let save = egui::Button::new(tr("Save the picture"));
            let has_form = picture.form().is_some();
            let is_saved = ui.add_enabled(has_form, save).clicked() || (is_entered && has_form);
            (is_saved, ui.button(tr("Cancel")).clicked())
        })
        .inner
    });
    match modal.inner {
        (true, _) => commands.push(Command::SavePicture(Box::new(picture))),
        (false, true) => {}
        (false, false) if modal.should_close() => {}
        (false, false) => state.picture = Some(picture),
    }
}
