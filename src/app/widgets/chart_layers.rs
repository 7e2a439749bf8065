//! Draws the layers of a chart into a plot.

use egui::{Color32, Stroke};
use egui_plot::{
    FilledArea, HLine, Line, LineStyle, MarkerShape, PlotPoint, PlotPoints, PlotUi, Points, Span,
    Text, VLine,
};

use super::super::theme;
use super::super::words::tr;
use crate::report::chart::{Along, Chart, Layer, Mark, Tone};
use crate::report::text;

/// Size of the labels of stages, events and firings.
const LABEL: f32 = 11.5;
/// More rows of labels than this would hide the data.
const MOST_ROWS: usize = 5;

/// Where the label of a layer stands: its row below the top edge, and whether it lies to the left of its line,
/// for want of room at the right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    row: usize,
    is_left: bool,
}

/// Places for the labels of a chart, one a layer: stages first, then events and firings, each in the topmost row
/// in which it runs into no other. `width` is that of the plot.
pub(super) fn places(chart: &Chart, (x0, x1): (f64, f64), width: f32) -> Vec<Place> {
    let px = |x: f64| ((x - x0) / (x1 - x0).max(f64::MIN_POSITIVE) * f64::from(width)) as f32;
    let mut wanted: Vec<(bool, f32, f32, usize)> = Vec::new();
    for (k, layer) in chart.layers.iter().enumerate() {
        let (label, at, is_rule) = match layer {
            Layer::Span { label, x, .. } => (label, x.0, false),
            Layer::Rule {
                label,
                axis: Along::X,
                at,
                ..
            } => (label, *at, true),
            _ => continue,
        };
        if !label.is_empty() {
            let needed = text::width(&tr(label), f64::from(LABEL)) as f32 + 8.0;
            wanted.push((is_rule, px(at), needed, k));
        }
    }
    wanted.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut places = vec![Place::default(); chart.layers.len()];
    let mut taken: Vec<Vec<(f32, f32)>> = Vec::new();
    for (is_rule, at, needed, k) in wanted {
        let is_left = is_rule && at + needed > width && at > needed;
        let from = if is_left { at - needed } else { at };
        let is_free = |row: &Vec<(f32, f32)>| {
            row.iter()
                .all(|(left, right)| from + needed <= *left || *right <= from)
        };
        let row = taken.iter().position(is_free).unwrap_or(taken.len());
        let row = row.min(MOST_ROWS - 1);
        taken.resize_with(taken.len().max(row + 1), Vec::new);
        taken[row].push((from, from + needed));
        places[k] = Place { row, is_left };
    }
    places
}

/// Draws a layer, without its name.
pub(super) fn draw(plot: &mut PlotUi<'_>, layer: &Layer, is_dark: bool) {
    let color = |tone: Tone| theme::tone(tone, is_dark);
    match layer {
        Layer::Line { name, tone, points } => {
            let points: PlotPoints<'_> = points.iter().map(|(x, y)| [*x, *y]).collect();
            plot.line(
                Line::new(name, points)
                    .color(color(*tone))
                    .width(1.8)
                    .style(style(*tone))
                    .allow_band(false),
            );
        }
        Layer::Band { name, tone, points } => {
            for part in points
                .split(|(_, lower, upper)| lower.is_nan() || upper.is_nan())
                .filter(|part| part.len() > 1)
            {
                let column =
                    |pick: fn(&(f64, f64, f64)) -> f64| part.iter().map(pick).collect::<Vec<f64>>();
                let area =
                    FilledArea::new(name, &column(|p| p.0), &column(|p| p.1), &column(|p| p.2));
                plot.add(
                    area.fill_color(color(*tone).gamma_multiply(0.16))
                        .stroke(Stroke::NONE)
                        .allow_hover(false),
                );
            }
        }
        Layer::Steps {
            name,
            tone,
            edges,
            heights,
        } => steps(plot, name, edges, heights, (color(*tone), style(*tone))),
        Layer::Intervals {
            name,
            tone,
            along,
            items,
        } => {
            for &(at, lower, value, upper) in items {
                let (ends, middle) = match along {
                    Along::X => ([[lower, at], [upper, at]], [value, at]),
                    Along::Y => ([[at, lower], [at, upper]], [at, value]),
                };
                plot.line(
                    Line::new(name, ends.to_vec())
                        .color(color(*tone))
                        .width(2.5)
                        .allow_hover(false),
                );
                plot.points(Points::new(name, middle).color(color(*tone)).radius(4.5));
            }
        }
        Layer::Bars { name, tone, items } => {
            for &(at, from, to) in items {
                plot.line(
                    Line::new(name, vec![[from, at], [to, at]])
                        .color(color(*tone))
                        .width(9.0),
                );
            }
        }
        Layer::Marks {
            name,
            tone,
            mark,
            points,
        } => {
            let (shape, radius) = match mark {
                Mark::Dot => (MarkerShape::Circle, 4.0),
                Mark::Flag => (MarkerShape::Down, 7.0),
                Mark::Tick => return strokes(plot, name, points, color(*tone)),
            };
            let points: PlotPoints<'_> = points.iter().map(|(x, y)| [*x, *y]).collect();
            plot.points(
                Points::new(name, points)
                    .shape(shape)
                    .color(color(*tone))
                    .radius(radius),
            );
        }
        Layer::Labels { items } => {
            for (x, y, label) in items {
                let text = egui::RichText::new(format!("  {}", tr(label))).size(LABEL);
                let text = Text::new("", PlotPoint::new(*x, *y), text);
                plot.text(text.anchor(egui::Align2::LEFT_BOTTOM).allow_hover(false));
            }
        }
        Layer::Rule { tone, axis, at, .. } => match axis {
            Along::X => {
                plot.vline(
                    VLine::new("", *at)
                        .color(color(*tone))
                        .width(1.4)
                        .style(LineStyle::dotted_dense()),
                );
            }
            Along::Y => plot.hline(HLine::new("", *at).color(color(*tone)).width(1.2)),
        },
        Layer::Span { tone, x, .. } => {
            let fill = color(*tone).gamma_multiply(0.07);
            plot.span(
                Span::new("", x.0..=x.1)
                    .fill(fill)
                    .border(Stroke::new(0.5, color(*tone).gamma_multiply(0.35))),
            );
        }
    }
}

/// Writes what stages, events and firings are called, over the lines of all; `ends` are the top and the bottom of the
/// plot.
pub(super) fn draw_name(
    plot: &mut PlotUi<'_>,
    layer: &Layer,
    is_dark: bool,
    (top, bottom): (f64, f64),
    place: Place,
) {
    let (label, tone, x) = match layer {
        Layer::Span { label, tone, x } => (label, *tone, x.0),
        Layer::Rule {
            label,
            tone,
            axis: Along::X,
            at,
        } => (label, *tone, *at),
        _ => return,
    };
    if label.is_empty() {
        return;
    }
    // Rows below the top edge, so that stages and firings do not collide.
    let y = top + (bottom - top) * 0.09 * place.row as f64;
    let visuals = &plot.response().ctx.global_style().visuals;
    // A line behind a word is seen, and the word is read.
    let ground = visuals.extreme_bg_color.gamma_multiply(0.75);
    let text = egui::RichText::new(format!(" {} ", tr(label)))
        .size(LABEL)
        .background_color(ground);
    let anchor = if place.is_left {
        egui::Align2::RIGHT_TOP
    } else {
        egui::Align2::LEFT_TOP
    };
    plot.text(
        Text::new("", PlotPoint::new(x, y), text)
            .color(theme::tone(tone, is_dark))
            .anchor(anchor)
            .allow_hover(false),
    );
}

/// Upright strokes over the rows of a chart.
fn strokes(plot: &mut PlotUi<'_>, name: &str, points: &[(f64, f64)], color: Color32) {
    for (x, row) in points {
        let ends = vec![[*x, row - 0.3], [*x, row + 0.3]];
        let stroke = Line::new(name, ends).color(color).width(2.0);
        plot.line(stroke.allow_band(false));
    }
}

fn steps(
    plot: &mut PlotUi<'_>,
    name: &str,
    edges: &[f64],
    heights: &[f64],
    (color, style): (Color32, LineStyle),
) {
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for (pair, height) in edges.windows(2).zip(heights) {
        xs.extend([pair[0], pair[1]]);
        ys.extend([*height, *height]);
    }
    let zeros = vec![0.0; xs.len()];
    plot.add(
        FilledArea::new(name, &xs, &zeros, &ys)
            .fill_color(color.gamma_multiply(0.12))
            .stroke(Stroke::NONE)
            .allow_hover(false),
    );
    let points: PlotPoints<'_> = xs.iter().zip(&ys).map(|(x, y)| [*x, *y]).collect();
    // The outline has two heights at each edge, which a band would smear.
    let line = Line::new(name, points).color(color).width(1.6).style(style);
    plot.line(line.allow_band(false));
}

/// The control is dashed, so that it is told apart without colour.
fn style(tone: Tone) -> LineStyle {
    if tone == Tone::Control {
        LineStyle::dashed_dense()
    } else {
        LineStyle::Solid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::{Axis, Scale};
    use crate::units::ValueForm;

    #[test]
    fn labels_run_into_no_other() {
        let rule = |at: f64| Layer::Rule {
            label: "1, 2".into(),
            tone: Tone::Bad,
            axis: Along::X,
            at,
        };
        let axis = || Axis::new("", Scale::Linear(ValueForm::Number));
        let chart = Chart {
            id: String::new(),
            title: String::new(),
            caption: String::new(),
            x: axis(),
            y: axis(),
            layers: vec![
                rule(0.0),
                Layer::Span {
                    label: "43 %".into(),
                    tone: Tone::Quiet,
                    x: (0.0, 1.0),
                },
                rule(0.01),
                rule(0.5),
                rule(0.999),
            ],
        };
        let found = places(&chart, (0.0, 1.0), 1000.0);
        let rows: Vec<usize> = found.iter().map(|place| place.row).collect();
        assert_eq!(rows, [1, 0, 2, 0, 0]);
        assert!(found[4].is_left && !found[3].is_left);
    }
}
