//! What the decision stands on: strategy, margins, level, expected shares; part of the overview.

use super::super::command::{Command, Commands};
use super::super::state::AppState;
use super::super::widgets::{note, shortened};
use super::super::words::tr;
use super::metric_settings;
use crate::analysis::{Analysis, AnalysisSettings, CrossingUnits, Strategy};

/// The strategies that an analyst can declare.
const STRATEGIES: [Strategy; 5] = [
    Strategy::AbTest,
    Strategy::Canary,
    Strategy::Shadow,
    Strategy::BlueGreen,
    Strategy::Sequential,
];

/// Margins and the rest, folded away until asked for.
pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &AppState,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    let mut settings = state.document.settings.clone();
    egui::CollapsingHeader::new(tr("What this decision stands on")).id_salt("settings").show(ui, |ui| {
        note(ui, "A guardrail passes when the worse end of its interval stays within its margin. The decision follows at once.");
        egui::Grid::new("settings grid").num_columns(4).spacing([16.0, 8.0]).show(ui, |ui| {
            strategy_combo(ui, &mut settings, analysis);
            percent(ui, "Confidence level", &mut settings.level, (50.1, 99.9));
            ui.end_row();
            percent(ui, "Margin: error share (points)", &mut settings.margins.error_share, (0.01, 50.0));
            percent(ui, "Margin: latency (relative)", &mut settings.margins.latency, (0.1, 500.0));
            ui.end_row();
            let label = ui.label(tr("Margin: rating (points of its scale)"));
            let drag = egui::DragValue::new(&mut settings.margins.rating).range(0.001..=100.0).speed(0.01);
            ui.add(drag).labelled_by(label.id);
            percent(ui, "Margin: cost (relative)", &mut settings.margins.cost, (0.1, 500.0));
            ui.end_row();
            percent(ui, "Margin: other metrics (relative)", &mut settings.margins.metric, (0.1, 500.0));
            metric_settings::correction_combo(ui, &mut settings);
            ui.end_row();
            metric_settings::unit_combo(ui, &mut settings);
            metric_settings::strata_combo(ui, &mut settings);
            ui.end_row();
            metric_settings::looks_combo(ui, &mut settings);
            ui.end_row();
            if analysis.log.n_units.is_some() {
                crossing_combo(ui, &mut settings);
            }
            ui.end_row();
        });
        metric_settings::ui(ui, &mut settings, analysis);
        shares_ui(ui, &mut settings, analysis);
        let is_default = settings == AnalysisSettings { filter: settings.filter.clone(), ..AnalysisSettings::default() };
        if ui.add_enabled(!is_default, egui::Button::new(tr("Back to the defaults"))).clicked() {
            settings = AnalysisSettings { filter: settings.filter.clone(), ..AnalysisSettings::default() };
        }
    });
    if settings != state.document.settings {
        commands.push(Command::SetSettings(settings));
    }
}

fn strategy_combo(ui: &mut egui::Ui, settings: &mut AnalysisSettings, analysis: &Analysis) {
    ui.label(tr("Rollout"));
    let shown = settings.strategy.map_or_else(
        || format!("{} (inferred)", analysis.strategy.label(analysis.log.clock)),
        |s| s.label().to_owned(),
    );
    egui::ComboBox::from_id_salt("strategy")
        .selected_text(tr(shown))
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut settings.strategy, None, tr("Infer it from the log"));
            for strategy in STRATEGIES {
                ui.selectable_value(&mut settings.strategy, Some(strategy), tr(strategy.label()));
            }
        })
        .response
        .accessible_name(tr("Rollout"));
}

fn crossing_combo(ui: &mut egui::Ui, settings: &mut AnalysisSettings) {
    ui.label(tr("Users in several arms"));
    egui::ComboBox::from_id_salt("crossing")
        .selected_text(tr(settings.crossing.label()))
        .width(190.0)
        .show_ui(ui, |ui| {
            for choice in [
                CrossingUnits::Keep,
                CrossingUnits::First,
                CrossingUnits::Drop,
            ] {
                ui.selectable_value(&mut settings.crossing, choice, tr(choice.label()));
            }
        })
        .response
        .accessible_name(tr("Users in several arms"));
}

/// Expected shares make the sample-ratio check a test where the split was not equal.
fn shares_ui(ui: &mut egui::Ui, settings: &mut AnalysisSettings, analysis: &Analysis) {
    let mut is_given = !settings.expected_shares.is_empty();
    if ui
        .checkbox(
            &mut is_given,
            tr("The split was fixed: test it against expected shares"),
        )
        .changed()
    {
        let equal = 1.0 / analysis.arms.len().max(1) as f64;
        settings.expected_shares = if is_given {
            analysis
                .arms
                .iter()
                .map(|arm| (arm.name.clone(), equal))
                .collect()
        } else {
            Vec::new()
        };
    }
    ui.horizontal_wrapped(|ui| {
        for (name, share) in &mut settings.expected_shares {
            percent(ui, &shortened(name), share, (0.01, 99.99));
        }
    });
}

fn percent(ui: &mut egui::Ui, name: &str, value: &mut f64, (low, high): (f64, f64)) {
    let label = ui.label(tr(name));
    let mut shown = *value * 100.0;
    let drag = egui::DragValue::new(&mut shown)
        .range(low..=high)
        .speed(0.1)
        .suffix(" %")
        .max_decimals(2);
    if ui.add(drag).labelled_by(label.id).changed() {
        *value = shown / 100.0;
    }
}
