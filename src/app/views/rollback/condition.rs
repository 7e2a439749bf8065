//! One condition: what it saw over time, and its threshold, to be moved by a slider or in the chart.

use super::super::super::command::{Command, Commands};
use super::super::super::thresholds::FirstFires;
use super::super::super::widgets::{Brushed, brush_or_move_in, card_ui, note};
use super::super::super::words::tr;
use super::rule::{Shown, take_brushed, time_group};
use crate::report::chart::{Chart, Layer, Tone};
use crate::report::charts;
use crate::rules::{Comparison, Condition, ConditionReplay};
use crate::units::{self, ValueForm};

pub(super) fn condition_ui(
    ui: &mut egui::Ui,
    shown: &Shown<'_>,
    index: usize,
    condition: &Condition,
    commands: &mut Commands,
) {
    let Shown {
        rulebook,
        index: rule_index,
        rule,
        replay,
        done,
        analysis,
        session,
    } = *shown;
    let Some(result) = done.conditions.get(index) else {
        return;
    };
    let form = charts::condition_form(Some(rulebook), done, &condition.name);
    card_ui(ui, &condition.name, |ui| {
        ui.label(tr(&result.text));
        if let Some(why) = &result.unavailable {
            ui.colored_label(
                ui.visuals().warn_fg_color,
                tr(format!("Cannot be evaluated on this log: {why}")),
            );
            return;
        }
        threshold_ui(ui, (rule_index, index), condition, form, commands);
        // While a threshold moves, what is known without a replay is shown at once.
        let first = session.thresholds.first(rule).unwrap_or(match &done.first {
            Some(firing) => FirstFires::At(firing.time_us),
            None => FirstFires::Never,
        });
        let fires = match first {
            FirstFires::At(us) => {
                format!("The rule first fires {}.", units::moment(us, replay.clock))
            }
            FirstFires::Never => "The rule never fires.".to_owned(),
        };
        ui.strong(tr(fires));
        let first = result.first_us.map_or_else(
            || "never".to_owned(),
            |us| format!("first {}", units::moment(us, replay.clock)),
        );
        note(
            ui,
            &format!(
                "Holds at {} of {} evaluations, {first}; too few data at {}.",
                units::count(result.evaluations_true),
                units::count(done.evaluations),
                units::count(result.evaluations_no_data)
            ),
        );
        if let Some(mut chart) = charts::condition_chart(analysis, replay, done, result, form) {
            chart.title = format!("{}: value and bound", condition.name);
            let bound = bound_line(&chart);
            let before = result.threshold;
            chart
                .layers
                .extend(moved_line(condition, before, &bound, result));
            let group = Some(time_group(replay));
            let brushed = brush_or_move_in(ui, &chart, 180.0, group, &bound);
            if let Some(Brushed::Moved(from, to)) = brushed {
                let threshold = condition.comparison.threshold_for(before, from, to);
                if let Some(threshold) = threshold.filter(|_| from != to) {
                    let threshold = three_digits(threshold.max(0.0));
                    commands.push(Command::SetThreshold(rule_index, index, threshold));
                }
            }
            take_brushed(brushed, shown, Some(condition), commands);
            note(
                ui,
                "Drag the bound up or down to move the threshold. Click a moment for the requests in the window then; drag over a stretch to look at it alone.",
            );
        }
    });
}

/// The line of a condition's bound, as drawn.
fn bound_line(chart: &Chart) -> Vec<(f64, f64)> {
    let points = chart.layers.iter().find_map(|layer| match layer {
        Layer::Line { name, points, .. } if name == "bound" => Some(points.clone()),
        _ => None,
    });
    points.unwrap_or_default()
}

/// Where the bound goes while the threshold is dragged and the replay is still that of the old one. It
/// stays within what is drawn already, so that the axis holds still.
fn moved_line(
    condition: &Condition,
    before: f64,
    bound: &[(f64, f64)],
    seen: &ConditionReplay,
) -> Option<Layer> {
    if condition.comparison.threshold() == before {
        return None;
    }
    let drawn = seen
        .series
        .iter()
        .flat_map(|point| [point.value, point.bound]);
    let (low, high) = drawn
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    let moved = |(x, y): &(f64, f64)| {
        let y = condition.comparison.moved_bound(before, *y);
        (*x, y.max(low).min(high))
    };
    Some(Layer::Line {
        name: "bound, moved".to_owned(),
        tone: Tone::Caution,
        points: bound.iter().map(moved).collect(),
    })
}

/// A threshold that was dragged to, with as many digits as the hand has.
fn three_digits(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    // Through its text, so that 0.3 is the number that is written 0.3.
    let rounded = (value * 10f64.powi(digits)).round();
    format!("{rounded}e{}", -digits).parse().unwrap_or(value)
}

/// A slider for the threshold: per cent for shares, seconds for latencies, else as written.
fn threshold_ui(
    ui: &mut egui::Ui,
    (rule, index): (usize, usize),
    condition: &Condition,
    form: ValueForm,
    commands: &mut Commands,
) {
    let is_factor = matches!(condition.comparison, Comparison::TimesBaseline { .. });
    let (scale, suffix, least_top) = match form {
        _ if is_factor => (1.0, format!(" {}", tr("× baseline")), 5.0),
        ValueForm::Share => (100.0, " %".to_owned(), 100.0),
        ValueForm::LatencyMs => (0.001, " s".to_owned(), 60.0),
        ValueForm::Number | ValueForm::PerThousand => (1.0, String::new(), 5.0),
    };
    let is_share = form == ValueForm::Share && !is_factor;
    let mut shown = condition.comparison.threshold() * scale;
    let top = if is_share {
        least_top
    } else {
        f64::max(least_top, shown * 4.0)
    };
    ui.horizontal(|ui| {
        ui.label(tr("Threshold"));
        ui.spacing_mut().slider_width = 320.0;
        let slider = egui::Slider::new(&mut shown, 0.0..=top)
            .suffix(suffix)
            .max_decimals(2)
            .smart_aim(true)
            .logarithmic(is_share);
        let response = ui
            .add(slider)
            .accessible_name(tr(format!("Threshold of {}", condition.name)));
        if response.changed() {
            commands.push(Command::SetThreshold(rule, index, shown / scale));
        }
        if ui
            .small_button(tr("Reset all rules"))
            .accessible_name(tr(format!("Reset all rules, beside {}", condition.name)))
            .clicked()
        {
            commands.push(Command::ResetRules);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dragged_thresholds_have_three_digits() {
        for (dragged, expected) in [
            (0.050_312, 0.0503),
            (0.299_999_9, 0.3),
            (2_034.7, 2_030.0),
            (0.0, 0.0),
        ] {
            assert_eq!(three_digits(dragged).to_bits(), f64::to_bits(expected));
        }
    }
}
