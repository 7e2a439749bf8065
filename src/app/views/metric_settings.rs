//! What each metric counts for, which way it is better, how much worse is tolerated, and the unit and
//! correction of all: part of the settings.

use super::super::widgets::note;
use super::super::words::tr;
use crate::analysis::{
    Analysis, AnalysisSettings, Correction, Direction, InferenceUnit, Looks, MetricChoice,
    MetricRole, ScorecardRow, StrataChoice,
};
use crate::units::ValueForm;

const DIRECTIONS: [Direction; 3] = [
    Direction::LowerIsBetter,
    Direction::HigherIsBetter,
    Direction::Neutral,
];

/// One line per metric.
pub(super) fn ui(ui: &mut egui::Ui, settings: &mut AnalysisSettings, analysis: &Analysis) {
    egui::CollapsingHeader::new(tr("What each metric counts for")).id_salt("roles").show(ui, |ui| {
        note(ui, "Primary: must become better. Guardrail: must not get worse than its margin. Secondary: explains. Neutral: told. Primary and secondary metrics are corrected for their number; guardrails are not, because shipping needs every one of them.");
        egui::Grid::new("roles grid").num_columns(4).spacing([16.0, 6.0]).show(ui, |ui| {
            for row in &analysis.scorecard {
                metric_ui(ui, settings, row);
                ui.end_row();
            }
        });
    });
}

fn metric_ui(ui: &mut egui::Ui, settings: &mut AnalysisSettings, row: &ScorecardRow) {
    let before = settings.metrics.get(&row.id).copied().unwrap_or_default();
    let mut choice = before;
    ui.label(tr(&row.label));
    let mut role = row.role;
    egui::ComboBox::from_id_salt(("role", &row.id))
        .selected_text(tr(role.label()))
        .show_ui(ui, |ui| {
            for option in MetricRole::ALL {
                // Nothing without a direction can be improved.
                let is_possible =
                    option != MetricRole::Primary || row.direction != Direction::Neutral;
                if is_possible {
                    ui.selectable_value(&mut role, option, tr(option.label()));
                }
            }
        })
        .response
        .accessible_name(tr(format!("Role of {}", row.label)));
    if role != row.role {
        choice.role = Some(role);
    }
    let mut direction = row.direction;
    egui::ComboBox::from_id_salt(("direction", &row.id))
        .selected_text(tr(direction.label()))
        .show_ui(ui, |ui| {
            for option in DIRECTIONS {
                ui.selectable_value(&mut direction, option, tr(option.label()));
            }
        })
        .response
        .accessible_name(tr(format!("Better direction of {}", row.label)));
    if direction != row.direction {
        choice.direction = Some(direction);
        if direction == Direction::Neutral && role == MetricRole::Primary {
            choice.role = Some(MetricRole::Neutral);
        }
    }
    margin_ui(ui, &mut choice, row);
    if choice == MetricChoice::default() {
        settings.metrics.remove(&row.id);
    } else if choice != before {
        settings.metrics.insert(row.id.clone(), choice);
    }
}

/// The margin of this metric alone; empty follows the group's margin above.
fn margin_ui(ui: &mut egui::Ui, choice: &mut MetricChoice, row: &ScorecardRow) {
    ui.horizontal(|ui| {
        let mut is_own = choice.margin.is_some();
        let is_rating = row.id == "rating_mean";
        let default = if is_rating {
            0.1
        } else if row.form == ValueForm::Share {
            0.01
        } else {
            0.10
        };
        if ui.checkbox(&mut is_own, tr("own margin")).changed() {
            choice.margin = is_own.then_some(default);
        }
        let Some(margin) = &mut choice.margin else {
            return;
        };
        let name = format!("Margin of {}", row.label);
        let response = if is_rating {
            ui.add(
                egui::DragValue::new(margin)
                    .range(0.001..=100.0)
                    .speed(0.01),
            )
        } else {
            let mut percent = *margin * 100.0;
            let drag = egui::DragValue::new(&mut percent)
                .range(0.01..=500.0)
                .speed(0.1)
                .suffix(" %")
                .max_decimals(2);
            let response = ui.add(drag);
            if response.changed() {
                *margin = percent / 100.0;
            }
            response
        };
        response.accessible_name(tr(name));
    });
}

/// Whether users or single requests are the unit.
pub(super) fn unit_combo(ui: &mut egui::Ui, settings: &mut AnalysisSettings) {
    ui.label(tr("Unit of inference"));
    egui::ComboBox::from_id_salt("unit")
        .selected_text(tr(settings.unit.label()))
        .show_ui(ui, |ui| {
            for unit in [InferenceUnit::Unit, InferenceUnit::Request] {
                ui.selectable_value(&mut settings.unit, unit, tr(unit.label()));
            }
        })
        .response
        .accessible_name(tr("Unit of inference"));
}

/// Whether intervals have to hold at every look.
pub(super) fn looks_combo(ui: &mut egui::Ui, settings: &mut AnalysisSettings) {
    let label = |looks| match looks {
        Looks::Fixed => "once, at a fixed end",
        Looks::Continuous => "repeatedly, at any time",
    };
    ui.label(tr("Looked at"));
    egui::ComboBox::from_id_salt("looks")
        .selected_text(label(settings.looks))
        .show_ui(ui, |ui| {
            for looks in [Looks::Fixed, Looks::Continuous] {
                ui.selectable_value(&mut settings.looks, looks, label(looks));
            }
        })
        .response
        .accessible_name(tr("Looked at"));
}

/// Whether arms are compared within stages.
pub(super) fn strata_combo(ui: &mut egui::Ui, settings: &mut AnalysisSettings) {
    let label = |strata| match strata {
        StrataChoice::Stages => "within stages",
        StrataChoice::None => "over the whole log",
    };
    ui.label(tr("Where shares change, compare"));
    egui::ComboBox::from_id_salt("strata")
        .selected_text(label(settings.strata))
        .show_ui(ui, |ui| {
            for strata in [StrataChoice::Stages, StrataChoice::None] {
                ui.selectable_value(&mut settings.strata, strata, label(strata));
            }
        })
        .response
        .accessible_name(tr("Where shares change, compare"));
}

/// How many metrics at once are corrected for.
pub(super) fn correction_combo(ui: &mut egui::Ui, settings: &mut AnalysisSettings) {
    ui.label(tr("Correction for many metrics"));
    egui::ComboBox::from_id_salt("correction")
        .selected_text(tr(settings.correction.label()))
        .show_ui(ui, |ui| {
            for correction in Correction::ALL {
                ui.selectable_value(&mut settings.correction, correction, tr(correction.label()));
            }
        })
        .response
        .accessible_name(tr("Correction for many metrics"));
}
