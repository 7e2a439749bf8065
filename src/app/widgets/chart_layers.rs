//! Draws the layers of a chart into a plot.

use egui::{Color32, Stroke};
use egui_plot::{
    FilledArea, HLine, Line, LineStyle, MarkerShape, PlotPoint, PlotPoints, PlotUi, Points, Span,
    Text, VLine,
};

use super::super::theme;
use super::super::words::tr;
use crate::report::chart::{Along, Layer, Mark, Tone};

/// Draws a layer; `ends` are the top and the bottom of the plot.
pub(super) fn draw(plot: &mut PlotUi<'_>, layer: &Layer, is_dark: bool, ends: (f64, f64)) {
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
            let points: PlotPoints<'_> = points.iter().map(|(x, y)| [*x, *y]).collect();
            let (shape, radius) = match mark {
                Mark::Dot => (MarkerShape::Circle, 4.0),
                Mark::Tick => (MarkerShape::Plus, 6.0),
                Mark::Flag => (MarkerShape::Down, 7.0),
            };
            plot.points(
                Points::new(name, points)
                    .shape(shape)
                    .color(color(*tone))
                    .radius(radius),
            );
        }
        Layer::Rule {
            label,
            tone,
            axis,
            at,
        } => match axis {
            Along::X => {
                plot.vline(
                    VLine::new("", *at)
                        .color(color(*tone))
                        .width(1.4)
                        .style(LineStyle::dotted_dense()),
                );
                caption(plot, label, (*at, row_y(ends, 1)), color(*tone));
            }
            Along::Y => plot.hline(HLine::new("", *at).color(color(*tone)).width(1.2)),
        },
        Layer::Span { label, tone, x } => {
            let fill = color(*tone).gamma_multiply(0.07);
            plot.span(
                Span::new("", x.0..=x.1)
                    .fill(fill)
                    .border(Stroke::new(0.5, color(*tone).gamma_multiply(0.35))),
            );
            caption(plot, label, (x.0, row_y(ends, 0)), color(*tone));
        }
    }
}

/// Labels stand in rows below the top edge, so that stages and firings do not collide.
fn row_y((top, bottom): (f64, f64), row: u8) -> f64 {
    top + (bottom - top) * 0.09 * f64::from(row)
}

/// A label to the right of and below a point.
fn caption(plot: &mut PlotUi<'_>, label: &str, (x, y): (f64, f64), color: Color32) {
    if !label.is_empty() {
        let text = egui::RichText::new(format!(" {}", tr(label))).size(11.5);
        let text = Text::new("", PlotPoint::new(x, y), text);
        plot.text(
            text.color(color)
                .anchor(egui::Align2::LEFT_TOP)
                .allow_hover(false),
        );
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
