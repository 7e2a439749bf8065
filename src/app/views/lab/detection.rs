//! What a rule and its calibrated versions find.

use super::super::super::widgets::{Column, card_ui, chart_ui, note, table_height, table_ui};
use super::super::super::words::tr;
use crate::lab::words::{HARM_WORDS, ceiling, chance, few};
use crate::lab::{Chance, Detection, RuleTrial};
use crate::report::charts;
use crate::units;

pub(super) fn ui(ui: &mut egui::Ui, trial: &RuleTrial) {
    if trial.detection.is_empty() {
        return;
    }
    card_ui(ui, "What it finds", |ui| {
        if let Some(chart) = charts::lab_detection(trial) {
            chart_ui(ui, &chart, 220.0);
            ui.add_space(6.0);
        }
        let versions = trial.calibrated.iter().map(|v| {
            (
                format!("Calibrated, {}", v.name),
                &v.detection,
                &v.false_rollback,
            )
        });
        let written = (
            "As written".to_owned(),
            &trial.detection,
            &trial.false_rollback,
        );
        for (name, detection, without) in std::iter::once(written).chain(versions) {
            ui.label(egui::RichText::new(&name).strong());
            detections_ui(ui, &name, detection, without);
            ui.add_space(6.0);
        }
        note(ui, HARM_WORDS);
        for sentence in trial.detection.iter().filter_map(ceiling) {
            note(ui, &sentence);
        }
    });
}

fn detections_ui(ui: &mut egui::Ui, id: &str, detections: &[Detection], without: &Chance) {
    const COLUMNS: [Column<'_>; 7] = [
        Column::text("Regression", 212.0),
        Column::number("Rollouts", 64.0),
        Column::number("Fires with it", 150.0),
        Column::number("Fires without", 150.0),
        Column::number("Canary requests to the firing, median", 226.0),
        Column::number("Harmed until then, mean", 150.0),
        Column::number("if nobody acts", 94.0),
    ];
    let height = table_height(detections.len());
    table_ui(
        ui,
        id,
        &COLUMNS,
        (detections.len(), height),
        |ui, i, column| {
            let d = &detections[i];
            let text = match column {
                0 => d.text.clone(),
                1 => units::count(d.detected.n),
                2 if !d.sees => "no condition on it".to_owned(),
                3..=6 if !d.sees => units::NO_VALUE.to_owned(),
                2 => chance(&d.detected),
                3 => chance(without),
                4 => d
                    .median_delay_requests
                    .map_or_else(|| "never".to_owned(), few),
                5 => few(d.harmed),
                _ => few(d.harmed_without_rule),
            };
            ui.label(tr(text));
        },
    );
}
