//! Sample-size calculators, filled from the log's own baseline, spread and traffic.

use super::super::command::Commands;
use super::super::planner::{Answer, PlanFields, PlanGoal, PlanMetric, Planner};
use super::super::widgets::{bold, card_ui, chart_ui, note};
use super::super::words::tr;
use super::behind::arms_ui;
use crate::analysis::Analysis;
use crate::stats::power::{Better, SampleSize};
use crate::stats::sequential::Boundary;
use crate::units;

pub(super) fn ui(
    ui: &mut egui::Ui,
    planner: &mut Planner,
    analysis: Option<&Analysis>,
    commands: &mut Commands,
) {
    card_ui(ui, "How much data does it take?", |ui| {
        let before = planner.fields.metric;
        ui.horizontal_wrapped(|ui| {
            for (metric, name) in [
                (PlanMetric::Share, "A share (errors, conversions)"),
                (PlanMetric::Mean, "A mean (ratings)"),
                (PlanMetric::Ratio, "A ratio by user (errors per request)"),
                (PlanMetric::Quantile, "A quantile (p95 latency)"),
            ] {
                ui.selectable_value(&mut planner.fields.metric, metric, tr(name));
            }
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
            let metric = planner.fields.metric.of_log();
            arms_ui(ui, analysis, metric, &[analysis.control], commands);
        }
        goal_ui(ui, &mut planner.fields);
        ui.add_space(6.0);
        fields_ui(ui, planner);
    });
    let fields = planner.fields.clone();
    let answer = planner.answer().clone();
    card_ui(ui, "Answer", |ui| match &answer.size {
        Err(why) => {
            ui.colored_label(ui.visuals().error_fg_color, tr(why));
        }
        Ok(size) => answer_ui(ui, &fields, &answer, size),
    });
    card_ui(ui, "", |ui| chart_ui(ui, &answer.curve, 280.0));
}

/// What is to be shown, and how often it is looked at.
fn goal_ui(ui: &mut egui::Ui, fields: &mut PlanFields) {
    if matches!(fields.metric, PlanMetric::Share | PlanMetric::Mean) {
        ui.horizontal_wrapped(|ui| {
            ui.label(tr("To show"));
            for (goal, name) in [
                (PlanGoal::Difference, "a difference"),
                (PlanGoal::NonInferior, "no loss beyond a margin"),
            ] {
                ui.selectable_value(&mut fields.goal, goal, tr(name));
            }
            if fields.goal == PlanGoal::NonInferior {
                ui.label(tr("of a metric where"));
                for (better, name) in [
                    (Better::Lower, "lower is better"),
                    (Better::Higher, "higher is better"),
                ] {
                    ui.selectable_value(&mut fields.better, better, tr(name));
                }
            }
        });
    }
    ui.horizontal_wrapped(|ui| {
        let label = ui.label(tr("Looks at equal distances"));
        ui.add(egui::DragValue::new(&mut fields.looks).range(1..=20))
            .labelled_by(label.id);
        if fields.looks > 1 {
            for (boundary, name) in [
                (Boundary::ObrienFleming, "O\u{2019}Brien-Fleming bounds"),
                (Boundary::Pocock, "Pocock bounds"),
            ] {
                ui.selectable_value(&mut fields.boundary, boundary, tr(name));
            }
        }
    });
}

fn answer_ui(ui: &mut egui::Ui, fields: &PlanFields, answer: &Answer, size: &SampleSize) {
    let counted = match fields.metric {
        PlanMetric::Ratio => " users",
        _ => "",
    };
    ui.label(
        bold(tr(format!(
            "{}{counted} in the control and {} in the treatment",
            units::count(size.n_control),
            units::count(size.n_treatment)
        )))
        .size(20.0),
    );
    let (what, power) = (question(fields), units::share(fields.power));
    ui.label(match fields.effective_goal() {
        PlanGoal::Difference => tr(format!(
            "{what}, with power {power} at a two-sided alpha of {}.",
            fields.alpha
        )),
        PlanGoal::NonInferior => tr(format!(
            "{what}, with power {power} at a one-sided alpha of {}.",
            fields.tested_alpha()
        )),
    });
    match answer.days {
        Some(days) => ui.label(bold(tr(format!(
            "About {} at {} observations a day.",
            if days == 1 {
                "1 day".to_owned()
            } else {
                format!("{} days", units::count(days))
            },
            units::count(fields.per_day as u64)
        )))),
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
    if let Some(plan) = &answer.looks {
        note(
            ui,
            &format!(
                "That is the most, {} times a single look. Expected: {} of it if the effect is true, {} without one.",
                units::number(plan.inflation),
                units::share(plan.expected_information),
                units::share(plan.expected_information_null)
            ),
        );
        let looks = plan.design.information.iter().zip(&plan.design.z);
        for ((at, z), p) in looks.zip(&plan.design.nominal_p) {
            note(
                ui,
                &format!(
                    "At {} of the units stop if z reaches {} (p {}).",
                    units::share(*at),
                    units::number(*z),
                    units::p_value(*p)
                ),
            );
        }
    }
    if !answer.alternatives.is_empty() {
        let other = |size: &SampleSize| {
            let n = units::count(size.n_control);
            format!("{n} ({})", tr(size.formula.label()))
        };
        let others: Vec<String> = answer.alternatives.iter().map(other).collect();
        let lead = tr("By other formulas, in the control:");
        note(ui, &format!("{lead} {}.", others.join("; ")));
    }
    for text in &answer.notes {
        ui.add(egui::Label::new(bold(tr(text))).wrap());
    }
}

/// What the sample is for.
fn question(fields: &PlanFields) -> String {
    let asked = fields.form().change(fields.asked());
    match (fields.metric, fields.effective_goal()) {
        (_, PlanGoal::NonInferior) => format!(
            "to show that the treatment loses no more than {}, if nothing differs",
            asked.trim_start_matches(['+', '\u{2212}'])
        ),
        (PlanMetric::Share, _) => format!(
            "to tell {} from {} ({}, {} relative)",
            units::share(fields.baseline + fields.share_mde),
            units::share(fields.baseline),
            units::points(fields.share_mde),
            units::relative(fields.share_mde / fields.baseline)
        ),
        (PlanMetric::Mean, _) => format!(
            "to find a difference of {asked} at a standard deviation of {}",
            units::number(fields.sd)
        ),
        (PlanMetric::Ratio | PlanMetric::Quantile, _) => format!(
            "to find a difference of {asked}, where {} units give an interval of \u{b1}{}",
            units::count(fields.pilot_n),
            fields
                .form()
                .change(fields.pilot_half_width)
                .trim_start_matches('+')
        ),
    }
}

fn fields_ui(ui: &mut egui::Ui, planner: &mut Planner) {
    let fields = &mut planner.fields;
    let is_margin = fields.effective_goal() == PlanGoal::NonInferior;
    // Two fields beside each other where there is room.
    let is_narrow = ui.available_width() < 700.0;
    let between = |ui: &mut egui::Ui| {
        if is_narrow {
            ui.end_row();
        }
    };
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
                    between(ui);
                    percent(
                        ui,
                        asked_name(is_margin, "Smallest difference worth finding (points)"),
                        &mut fields.share_mde,
                        -50.0..=50.0,
                    );
                }
                PlanMetric::Mean => {
                    number(ui, "Standard deviation", &mut fields.sd, 0.0001..=1e9);
                    between(ui);
                    number(
                        ui,
                        asked_name(is_margin, "Smallest difference worth finding"),
                        &mut fields.mean_mde,
                        -1e9..=1e9,
                    );
                }
                PlanMetric::Ratio | PlanMetric::Quantile => pilot_ui(ui, fields, between),
            }
            ui.end_row();
            percent(ui, "Alpha, two-sided", &mut fields.alpha, 0.1..=40.0);
            between(ui);
            percent(ui, "Power", &mut fields.power, 50.0..=99.9);
            ui.end_row();
            number(ui, "Treatment per control", &mut fields.ratio, 0.01..=100.0);
            between(ui);
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

fn asked_name(is_margin: bool, difference: &'static str) -> &'static str {
    if is_margin {
        "Margin: what may be lost at most"
    } else {
        difference
    }
}

/// The interval of a metric in one arm, and the difference asked for.
fn pilot_ui(ui: &mut egui::Ui, fields: &mut PlanFields, between: impl Fn(&mut egui::Ui)) {
    let label = ui.label(tr(match fields.metric {
        PlanMetric::Ratio => "Users of a pilot arm",
        _ => "Requests of a pilot arm",
    }));
    ui.add(egui::DragValue::new(&mut fields.pilot_n).range(2..=u64::MAX / 2))
        .labelled_by(label.id);
    between(ui);
    if fields.form() == units::ValueForm::Share {
        let name = "Half the width of its 95 % interval (points)";
        percent(ui, name, &mut fields.pilot_half_width, 0.001..=50.0);
        ui.end_row();
        let name = "Smallest difference worth finding (points)";
        percent(ui, name, &mut fields.pilot_mde, -50.0..=50.0);
    } else {
        let name = "Half the width of its 95 % interval (ms)";
        number(ui, name, &mut fields.pilot_half_width, 0.0001..=1e9);
        ui.end_row();
        let name = "Smallest difference worth finding (ms)";
        number(ui, name, &mut fields.pilot_mde, -1e9..=1e9);
    }
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
