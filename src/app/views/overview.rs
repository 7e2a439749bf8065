//! The decision and its reasons, the log's health, the scorecard.

use super::super::command::Commands;
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::{
    Column, bold, card_to_copy_ui, card_ui, change, chart_ui, chip, headline, note, severity_chip,
    shortened, table_height, table_ui, verdict_chip, verdicts_width,
};
use super::super::words::tr;
use super::behind::value_link;
use super::{segment_arms, segments, settings};
use crate::analysis::{
    Analysis, Effect, InferenceUnit, MetricRole, ReasonWeight, ScorecardRow, Severity,
};
use crate::report::chart::Tone;
use crate::report::charts;
use crate::units;

/// A longer scorecard scrolls.
const MOST_LINES: usize = 80;
/// Reasons shown before the rest folds away.
const FIRST_REASONS: usize = 5;

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    decision_ui(ui, analysis);
    card_ui(ui, "", |ui| settings::ui(ui, state, analysis, commands));
    card_ui(ui, "Health of the log", |ui| health_ui(ui, analysis));
    let named = ("Scorecard", "the scorecard");
    let text = || scorecard_tsv(analysis);
    card_to_copy_ui(ui, named, commands, text, |ui, commands| {
        scorecard_ui(ui, analysis, commands);
        note(ui, unit_note(analysis));
        if analysis.log.has_outcome {
            note(ui, "Latency counts successful requests.");
        }
        let mut effects = analysis.scorecard.iter().flat_map(|row| &row.effects);
        if effects.any(|effect| effect.stratified.is_some()) {
            note(
                ui,
                "The treatment's share changed over time: differences are taken within stages and the stages combined, so they are not those of the two values beside them, which stand for the whole log.",
            );
        }
    });
    if let Some(forest) = charts::guardrail_forest(analysis) {
        card_ui(ui, "", |ui| {
            chart_ui(ui, &forest, 60.0 + 44.0 * forest.n_rows() as f32);
        });
    }
    if !analysis.segments.is_empty() {
        card_ui(ui, "Segments, the most harmful first", |ui| {
            segments::ui(ui, state, analysis, commands);
        });
    }
    if !analysis.segment_arms.is_empty() {
        card_ui(ui, "Every arm by segment", |ui| {
            segment_arms::ui(ui, state, analysis, commands);
        });
    }
}

/// How differences are counted.
fn unit_note(analysis: &Analysis) -> &'static str {
    let mut effects = analysis.scorecard.iter().flat_map(|row| &row.effects);
    if effects.any(|effect| effect.unit == InferenceUnit::Unit) {
        "Differences are arm minus control with intervals. By user: requests of one user may resemble each other, so users are the unit."
    } else {
        "Differences are arm minus control with intervals. By request: where users send several requests, intervals are too short."
    }
}

fn decision_ui(ui: &mut egui::Ui, analysis: &Analysis) {
    let decision = &analysis.decision;
    let color = theme::tone(theme::decision_tone(decision.kind), ui.visuals().dark_mode);
    theme::card(ui)
        .stroke(egui::Stroke::new(1.5, color))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            headline(ui, decision);
            note(
                ui,
                &format!(
                    "{}. {}. {}",
                    analysis.strategy.label(analysis.log.clock),
                    analysis.strategy.why,
                    analysis.strategy.consequence
                ),
            );
            ui.add_space(6.0);
            for reason in decision.reasons.iter().take(FIRST_REASONS) {
                reason_ui(ui, reason.weight, &reason.text);
            }
            if decision.reasons.len() > FIRST_REASONS {
                let title = format!("{} more reasons", decision.reasons.len() - FIRST_REASONS);
                egui::CollapsingHeader::new(tr(title))
                    .id_salt("reasons")
                    .show(ui, |ui| {
                        for reason in decision.reasons.iter().skip(FIRST_REASONS) {
                            reason_ui(ui, reason.weight, &reason.text);
                        }
                    });
            }
            if let Some(step) = &decision.next_step {
                ui.label(tr(format!("Next step: {step}")));
            }
            let texts: Vec<&str> = decision
                .would_change
                .iter()
                .map(|o| o.text.as_str())
                .collect();
            folded_ui(ui, "What would change a reading", &texts);
            let texts: Vec<&str> = decision.dissent.iter().map(String::as_str).collect();
            folded_ui(ui, "Doubts about this decision", &texts);
        });
    ui.add_space(10.0);
}

fn folded_ui(ui: &mut egui::Ui, title: &str, texts: &[&str]) {
    if texts.is_empty() {
        return;
    }
    egui::CollapsingHeader::new(format!("{} ({})", tr(title), texts.len()))
        .id_salt(title)
        .show(ui, |ui| {
            for text in texts {
                ui.add(egui::Label::new(tr(*text)).wrap());
            }
        });
}

fn reason_ui(ui: &mut egui::Ui, weight: ReasonWeight, text: &str) {
    let (word, tone) = match weight {
        ReasonWeight::Against => ("▼ against", Tone::Bad),
        ReasonWeight::Open => ("? open", Tone::Caution),
        ReasonWeight::For => ("▲ for", Tone::Good),
    };
    ui.horizontal_top(|ui| {
        chip(ui, word, tone);
        // Beside the chip to its last line, on a line with the word in it.
        ui.vertical(|ui| {
            ui.add_space(2.0);
            ui.add(egui::Label::new(tr(text)).wrap());
        });
    });
}

fn health_ui(ui: &mut egui::Ui, analysis: &Analysis) {
    let (open, fine): (Vec<_>, Vec<_>) = analysis
        .health
        .iter()
        .partition(|check| check.severity > Severity::Ok);
    for check in &open {
        ui.horizontal_wrapped(|ui| {
            severity_chip(ui, check.severity);
            ui.label(bold(tr(&check.title)));
            ui.label(tr(&check.finding));
        });
        for text in [&check.meaning, &check.advice] {
            if !text.is_empty() {
                note(ui, text);
            }
        }
    }
    if !fine.is_empty() {
        egui::CollapsingHeader::new(tr(if fine.len() == 1 {
            "1 check is fine".to_owned()
        } else {
            format!("{} checks are fine", fine.len())
        }))
        .id_salt("fine")
        .show(ui, |ui| {
            for check in &fine {
                ui.horizontal_wrapped(|ui| {
                    severity_chip(ui, check.severity);
                    ui.label(bold(tr(&check.title)));
                    ui.label(tr(&check.finding));
                });
            }
        });
    }
}

/// One line per metric and arm other than the control, the treatment first.
fn lines(analysis: &Analysis) -> Vec<(&ScorecardRow, usize)> {
    let mut others: Vec<usize> = (0..analysis.arms.len())
        .filter(|arm| *arm != analysis.control || analysis.arms.len() == 1)
        .collect();
    others.sort_by_key(|arm| Some(*arm) != analysis.treatment);
    analysis
        .scorecard
        .iter()
        .filter(|row| row.role != MetricRole::Ignored)
        .flat_map(|row| others.iter().map(move |arm| (row, *arm)))
        .collect()
}

fn scorecard_ui(ui: &mut egui::Ui, analysis: &Analysis, commands: &mut Commands) {
    let lines = lines(analysis);
    let changes = lines.iter().filter_map(|(row, arm)| {
        let effect = row.effects.iter().find(|effect| effect.arm == *arm)?;
        effect.difference.map(|d| change(row.form, d))
    });
    let verdicts = lines.iter().filter_map(|(row, arm)| row.effect_of(*arm));
    let is_judged = !analysis.decision.is_log_unsound;
    let verdicts = verdicts_width(ui, verdicts.map(|effect| effect.verdict), is_judged);
    let mut columns = vec![
        Column::rest("Metric", 150.0),
        Column::rest("Arm", 120.0),
        // Beside the name, so that a narrow window shows it.
        Column::controls("Verdict", verdicts),
        Column::number("Control", 62.0),
        Column::number("Arm's value", 62.0),
        Column::whole(ui, "Difference and interval", 180.0, changes),
        Column::number("Relative", 58.0),
        Column::number("p", 62.0),
    ];
    // Where all are by one unit the note below says so.
    if !is_of_one_unit(analysis) {
        columns.push(Column::controls("Unit", 84.0));
    }
    let height = table_height(lines.len());
    table_ui(
        ui,
        "scorecard",
        &columns,
        (
            lines.len(),
            if lines.len() > MOST_LINES {
                620.0
            } else {
                height
            },
        ),
        |ui, i, column| {
            let (row, arm) = lines[i];
            let effect = row.effect_of(arm);
            let is_first = i == 0 || lines[i - 1].0.id != row.id;
            match (column, effect) {
                (0, _) if is_first => {
                    let role = match row.role {
                        role if role.decides() => bold(tr(&row.label)),
                        _ => egui::RichText::new(tr(&row.label)),
                    };
                    let about = tr(format!(
                        "{}; {}. Denominator: {}",
                        row.role.label(),
                        row.direction.label(),
                        row.denominator
                    ));
                    ui.label(role)
                        .on_hover_text(format!("{about}\n{}", tr(&row.scale)).trim_end());
                }
                (1, _) => {
                    let color =
                        theme::tone(charts::arm_tone(analysis, arm), ui.visuals().dark_mode);
                    let name = &analysis.arms[arm].name;
                    ui.colored_label(color, shortened(name)).on_hover_text(name);
                }
                (2, Some(effect)) => {
                    let margin = effect
                        .margin
                        .map_or_else(String::new, |m| format!("Margin {}", row.form.change(m)));
                    verdict_chip(ui, effect.verdict, is_judged).on_hover_text(tr(margin));
                }
                (3, Some(_)) => {
                    value_link(ui, row, analysis.control, commands);
                }
                (4, _) => {
                    value_link(ui, row, arm, commands);
                }
                (5, Some(effect)) => {
                    if let Some(d) = effect.difference {
                        ui.label(change(row.form, d))
                            .on_hover_text(tr(difference_hover(row, effect)));
                    }
                }
                (6, Some(effect)) => {
                    ui.label(
                        effect
                            .relative
                            .map_or_else(String::new, |r| units::relative(r.value)),
                    );
                }
                (7, Some(effect)) => {
                    if let Some(test) = effect.test {
                        ui.label(units::p_value(effect.p_adjusted.unwrap_or(test.p)))
                            .on_hover_text(tr(p_hover(analysis, row, effect)));
                    }
                }
                (8, Some(effect)) => {
                    unit_ui(ui, row, effect);
                }
                _ => {}
            }
        },
    );
}

/// Whether no difference reads otherwise at another unit, and all have the same.
fn is_of_one_unit(analysis: &Analysis) -> bool {
    let effects = || analysis.scorecard.iter().flat_map(|row| &row.effects);
    let mut units = effects().map(|effect| effect.unit);
    let first = units.next();
    units.all(|unit| Some(unit) == first) && effects().all(|effect| effect.unit_warning.is_none())
}

/// The unit, with the figures at the other one; where both lead to different readings it is marked.
fn unit_ui(ui: &mut egui::Ui, row: &ScorecardRow, effect: &Effect) {
    let label = match &effect.unit_warning {
        Some(_) => format!("{} !", effect.unit.label()),
        None => effect.unit.label().to_owned(),
    };
    let mut hover: Vec<String> = effect.unit_warning.iter().cloned().collect();
    for (name, other) in [
        ("By request", &effect.by_request),
        ("By user", &effect.by_unit),
    ] {
        hover.extend(other.iter().map(|other| {
            let d = other.difference;
            let (shown, p) = (change(row.form, d), units::p_value(other.test.p));
            format!("{name}: {shown}, p {p}")
        }));
    }
    hover.extend(
        effect
            .design_effect
            .map(|d| format!("Design effect {}", units::number(d))),
    );
    ui.label(tr(label)).on_hover_text(tr(hover.join("\n")));
}

/// How the interval was made; within stages, with the figure over the whole log.
fn difference_hover(row: &ScorecardRow, effect: &Effect) -> String {
    let mut lines: Vec<String> = effect
        .difference
        .iter()
        .map(|d| d.method.label().to_owned())
        .collect();
    if let Some(stages) = &effect.stratified {
        let pooled = stages.pooled;
        let pooled = pooled.map_or_else(String::new, |d| change(row.form, d));
        lines.push(format!(
            "Within {} stages. Over the whole log: {pooled}",
            stages.strata.len()
        ));
        lines.extend(stages.warning.clone());
    }
    lines.join("\n")
}

/// Which test, and what became of its p.
fn p_hover(analysis: &Analysis, row: &ScorecardRow, effect: &Effect) -> String {
    let Some(test) = effect.test else {
        return String::new();
    };
    let name = test.name.label();
    match (effect.p_adjusted, effect.p_non_inferior) {
        (Some(_), _) => format!(
            "{name}, p {} alone; shown corrected over the {} metrics ({})",
            units::p_value(test.p),
            row.role.label().to_lowercase(),
            analysis.settings.correction.label()
        ),
        (None, Some(p)) if row.role.decides() => format!(
            "{name}, of no difference. That the margin is kept: p {} (one-sided, not corrected: every guardrail must pass)",
            units::p_value(p)
        ),
        _ => name.to_owned(),
    }
}

fn scorecard_tsv(analysis: &Analysis) -> String {
    let mut out = "metric\tarm\tcontrol\tvalue\tdifference\tlower\tupper\tp\tverdict\n".to_owned();
    for (row, arm) in lines(analysis) {
        let effect = row.effect_of(arm);
        let difference = effect.and_then(|e| e.difference);
        let number = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
        let cells = [
            row.id.clone(),
            analysis.arms[arm].name.replace(['\t', '\n'], " "),
            number(row.values[analysis.control].estimate.map(|e| e.value)),
            number(row.values[arm].estimate.map(|e| e.value)),
            number(difference.map(|d| d.value)),
            number(difference.map(|d| d.interval.lower)),
            number(difference.map(|d| d.interval.upper)),
            number(effect.and_then(|e| e.test).map(|t| t.p)),
            effect.map_or_else(String::new, |e| e.verdict.label().to_owned()),
        ];
        out += &(cells.join("\t") + "\n");
    }
    out
}
