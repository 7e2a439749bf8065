//! The axes of charts: their marks and labels.

use std::ops::RangeInclusive;

use egui_plot::{AxisHints, GridInput, GridMark};

use super::super::words::tr;
use super::width_of;
use crate::report::chart::{Chart, Scale};
use crate::report::text;
use crate::report::ticks::ticks;

/// Room to the right of a plot, for half of the last label of its axis.
pub(super) const RIGHT: f32 = 10.0;
/// Room that a card leaves there besides.
const CARD: f32 = 14.0;
/// What the labels of the vertical axis take, about.
const Y_LABELS: f32 = 60.0;
/// Size of the labels of an axis.
const LABEL: f64 = 14.0;
/// What those of the horizontal axis take, with its title.
const X_LABELS: f32 = 46.0;
/// Beside a label of the vertical axis, on both sides together.
const BESIDE_LABEL: f32 = 8.0;
/// What the title of an axis takes, in lines.
const TITLE_LINES: f32 = 1.25;
/// Width of a category's label at most.
const LONGEST_LABEL: f32 = 340.0;

/// `width` is that of the plot with the labels of its other axis.
pub(super) fn x_axis(ui: &egui::Ui, chart: &Chart, n: usize, width: f32) -> AxisHints<'static> {
    let label = labels(chart.x.scale.clone(), n);
    let is_time = matches!(chart.x.scale, Scale::Time(_));
    let formatter = move |mark: GridMark, range: &RangeInclusive<f64>| {
        let (from_left, span) = (mark.value - range.start(), range.end() - range.start());
        // A time at the very left would run into the label of the other axis.
        if is_time && from_left < 0.015 * span {
            return String::new();
        }
        let label = label(mark, range);
        let to_right = (range.end() - mark.value) / span * f64::from(width - Y_LABELS);
        if fits(&label, to_right) {
            label
        } else {
            String::new()
        }
    };
    let title = fitting(ui, &tr(&chart.x.label), width - Y_LABELS);
    // Labels and title, also in the first frame.
    axis(AxisHints::new_x(), title, formatter).min_thickness(X_LABELS)
}

/// Whether half of a label has room right of its mark, which stands so far from the plot's end.
fn fits(label: &str, to_right: f64) -> bool {
    text::width(label, LABEL) / 2.0 <= to_right + f64::from(RIGHT + CARD)
}

/// `height` is that of the plot with the labels of its other axis; `bounds` is what it shows. The room of labels and
/// title is known beforehand: `egui_plot` finds it by drawing, one frame too late.
pub(super) fn y_axis(
    ui: &egui::Ui,
    chart: &Chart,
    n: usize,
    height: f32,
    bounds: (f64, f64),
) -> AxisHints<'static> {
    let mut room: f32 = 36.0;
    let most = LONGEST_LABEL.min(0.4 * ui.available_width());
    let scale = match &chart.y.scale {
        // Where labels leave a plot no room, egui_plot leaves out its axes.
        Scale::Category(rows) => Scale::Category(
            rows.iter()
                .map(|row| {
                    // A label is one line.
                    let row = row.replace(char::is_control, " ");
                    let label = fitting(ui, &tr(row), most);
                    room = room.max(width_of(ui, &label) + BESIDE_LABEL);
                    label
                })
                .collect(),
        ),
        scale => {
            for (_, label) in ticks(scale, bounds, n) {
                room = room.max(width_of(ui, &tr(label)) + BESIDE_LABEL);
            }
            scale.clone()
        }
    };
    let title = fitting(ui, &tr(&chart.y.label), height - X_LABELS);
    if !title.is_empty() {
        room += TITLE_LINES * ui.text_style_height(&egui::TextStyle::Body);
    }
    axis(AxisHints::new_y(), title, labels(scale, n)).min_thickness(room)
}

/// As much of a text as has room, with an ellipsis where it is cut.
fn fitting(ui: &egui::Ui, text: &str, room: f32) -> String {
    if width_of(ui, text) <= room {
        return text.to_owned();
    }
    let ends = text.char_indices().map(|(at, _)| at).rev();
    let mut cut = ends.map(|at| format!("{}…", text[..at].trim_end()));
    cut.find(|cut| width_of(ui, cut) <= room)
        .unwrap_or_default()
}

/// The label of a mark, where it has one.
fn labels(scale: Scale, n: usize) -> impl Fn(GridMark, &RangeInclusive<f64>) -> String {
    move |mark, range| {
        // Those of rows are ready to be shown.
        if let Scale::Category(rows) = &scale {
            let row = mark.value.round();
            let is_row = row >= 0.0 && (row - mark.value).abs() < 1e-6;
            let label = rows.get(row as usize).filter(|_| is_row);
            return label.cloned().unwrap_or_default();
        }
        let shown = ticks(&scale, (*range.start(), *range.end()), n);
        let near = |value: f64| (value - mark.value).abs() <= 1e-9 * value.abs().max(1.0);
        let label = shown.into_iter().find(|(value, _)| near(*value));
        label.map(|(_, label)| tr(label)).unwrap_or_default()
    }
}

fn axis(
    hints: AxisHints<'static>,
    title: String,
    label: impl Fn(GridMark, &RangeInclusive<f64>) -> String + 'static,
) -> AxisHints<'static> {
    hints
        .label(title)
        .formatter(label)
        .label_spacing(egui::Rangef::new(4.0, 12.0))
}

pub(super) fn spacer(scale: Scale, n: usize) -> impl Fn(GridInput) -> Vec<GridMark> {
    move |input| {
        let marks = ticks(&scale, input.bounds, n);
        let step_size = (input.bounds.1 - input.bounds.0) / marks.len().max(1) as f64;
        marks
            .into_iter()
            .map(|(value, _)| GridMark { value, step_size })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_end_within_their_card() {
        assert!(fits("5 Mar", 0.0) && fits("100 %", 0.0));
        assert!(!fits("2026-03-05 12:00", 0.0));
        assert!(fits("2026-03-05 12:00", 60.0));
    }
}
