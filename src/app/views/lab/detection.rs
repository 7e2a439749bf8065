//! What a rule and its calibrated versions find.

use super::super::super::widgets::{Column, card_ui, chart_ui, table_height, table_ui};
use super::super::super::words::tr;
use crate::lab::words::chance;
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
    });
}

fn detections_ui(ui: &mut egui::Ui, id: &str, detections: &[Detection], without: &Chance) {
    const COLUMNS: [Column<'_>; 6] = [
        Column::text("Regression", 220.0),
        Column::number("Fires with it", 150.0),
        Column::number("Fires without", 150.0),
        Column::number("Median delay, canary requests", 200.0),
        Column::number("Harmed requests until then", 190.0),
        Column::number("without the rule", 120.0),
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
                1 => chance(&d.detected),
                2 => chance(without),
                3 => d.median_delay_requests.map_or_else(
                    || units::NO_VALUE.to_owned(),
                    |n| units::count(n.round() as u64),
                ),
                4 => units::count(d.harmed.round() as u64),
                _ => units::count(d.harmed_without_rule.round() as u64),
            };
            ui.label(tr(text));
        },
    );
}
