//! Sample-size calculators, filled from the log's own baseline, spread and traffic.

use super::super::planner::{PlanMetric, Planner};
use super::super::widgets::{card_ui, chart_ui, note};
use super::super::words::tr;
use crate::analysis::Analysis;
use crate::units;

pub(super) fn ui(ui: &mut egui::Ui, planner: &mut Planner, analysis: Option<&Analysis>) {
    card_ui(ui, "How much data does it take?", |ui| {
        let before = planner.fields.metric;
        ui.horizontal(|ui| {
            ui.selectable_value(
                &mut planner.fields.metric,
                PlanMetric::Share,
                tr("A share (errors, conversions)"),
            );
            ui.selectable_value(
                &mut planner.fields.metric,
                PlanMetric::Mean,
                tr("A mean (ratings)"),
            );
            if let Some(analysis) = analysis
                && ui
                    .button(tr("Fill from this log"))
                    .on_hover_text(tr(
                        "Baseline, spread, design effect and traffic of the control",
                    ))
                    .clicked()
            {
                planner.fill_from(analysis);
            }
        });
        if let Some(analysis) = analysis {
            planner.follow(analysis, before != planner.fields.metric);
        }
        ui.add_space(6.0);
        fields_ui(ui, planner);
    });
    let fields = planner.fields.clone();
    let answer = planner.answer().clone();
    card_ui(ui, "Answer", |ui| match &answer.size {
        Err(why) => {
            ui.colored_label(ui.visuals().error_fg_color, tr(why));
        }
        Ok(size) => {
            ui.label(
                egui::RichText::new(tr(format!(
                    "{} in the control and {} in the treatment",
                    units::count(size.n_control),
                    units::count(size.n_treatment)
                )))
                .size(20.0),
            );
            let what = match fields.metric {
                PlanMetric::Share => format!(
                    "to tell {} from {} ({}, {} relative)",
                    units::share(fields.baseline + fields.share_mde),
                    units::share(fields.baseline),
                    units::points(fields.share_mde),
                    units::relative(fields.share_mde / fields.baseline)
                ),
                PlanMetric::Mean => format!(
                    "to find a difference of {} at a standard deviation of {}",
                    units::change(fields.mean_mde),
                    units::number(fields.sd)
                ),
            };
            ui.label(tr(format!(
                "{what}, with power {} at a two-sided alpha of {}.",
                units::share(fields.power),
                fields.alpha
            )));
            match answer.days {
                Some(days) => ui.strong(tr(format!(
                    "About {} at {} observations a day.",
                    if days == 1 {
                        "1 day".to_owned()
                    } else {
                        format!("{} days", units::count(days))
                    },
                    units::count(fields.per_day as u64)
                ))),
                None => ui.weak(tr(
                    "Give the observations a day to see how long that takes.",
                )),
            };
            note(
                ui,
                &format!(
                    "Formula: {}. Design effect {} included.",
                    size.formula.label(),
                    units::number(fields.design_effect)
                ),
            );
        }
    });
    card_ui(ui, "", |ui| chart_ui(ui, &answer.curve, 280.0));
}

fn fields_ui(ui: &mut egui::Ui, planner: &mut Planner) {
    let fields = &mut planner.fields;
    egui::Grid::new("plan fields")
        .num_columns(4)
        .spacing([16.0, 8.0])
        .show(ui, |ui| {
            match fields.metric {
                PlanMetric::Share => {
                    percent(
                        ui,
                        "Share in the control",
                        &mut fields.baseline,
                        0.01..=99.0,
                    );
                    percent(
                        ui,
                        "Smallest difference worth finding (points)",
                        &mut fields.share_mde,
                        -50.0..=50.0,
                    );
                }
                PlanMetric::Mean => {
                    number(ui, "Standard deviation", &mut fields.sd, 0.0001..=1e9);
                    number(
                        ui,
                        "Smallest difference worth finding",
                        &mut fields.mean_mde,
                        -1e9..=1e9,
                    );
                }
            }
            ui.end_row();
            percent(ui, "Alpha, two-sided", &mut fields.alpha, 0.1..=40.0);
            percent(ui, "Power", &mut fields.power, 50.0..=99.9);
            ui.end_row();
            number(ui, "Treatment per control", &mut fields.ratio, 0.01..=100.0);
            number(
                ui,
                "Design effect (users)",
                &mut fields.design_effect,
                1.0..=1000.0,
            );
            ui.end_row();
            let label = ui.label(tr("Observations a day, all arms"));
            let drag = egui::DragValue::new(&mut fields.per_day)
                .range(0.0..=1e12)
                .speed(100.0)
                .custom_formatter(|value, _| units::count(value as u64))
                .custom_parser(|text| text.replace(',', "").parse().ok());
            ui.add(drag).labelled_by(label.id);
            ui.end_row();
        });
}

fn percent(ui: &mut egui::Ui, name: &str, value: &mut f64, range: std::ops::RangeInclusive<f64>) {
    let label = ui.label(tr(name));
    let mut shown = *value * 100.0;
    let speed = (shown.abs() / 100.0).max(0.01);
    let drag = egui::DragValue::new(&mut shown)
        .range(range)
        .speed(speed)
        .suffix(" %")
        .max_decimals(3);
    if ui.add(drag).labelled_by(label.id).changed() {
        *value = shown / 100.0;
    }
}

fn number(ui: &mut egui::Ui, name: &str, value: &mut f64, range: std::ops::RangeInclusive<f64>) {
    let label = ui.label(tr(name));
    let speed = (value.abs() / 100.0).max(0.001);
    ui.add(
        egui::DragValue::new(value)
            .range(range)
            .speed(speed)
            .max_decimals(3),
    )
    .labelled_by(label.id);
}
