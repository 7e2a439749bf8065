//! The data of a chart as paths and shapes.

use std::fmt::Write as _;

use super::super::chart::{Along, Chart, Layer, Mark, Scale, Tone};
use super::super::text;
use super::frame::Frame;
use super::{LINE, TEXT, px, tone_class, write_anchored, write_segment};
use crate::units;

pub(super) fn write(out: &mut String, frame: &Frame, chart: &Chart, layer: &Layer) {
    match layer {
        Layer::Line { tone, points, .. } => write_line(out, frame, *tone, points),
        Layer::Band { tone, points, .. } => write_band(out, frame, *tone, points),
        Layer::Steps {
            tone,
            edges,
            heights,
            ..
        } => {
            write_steps(out, frame, *tone, (edges, heights));
        }
        Layer::Intervals {
            tone, along, items, ..
        } => {
            for item in items {
                write_interval(out, frame, chart, (*tone, *along), *item);
            }
        }
        Layer::Bars { tone, items, .. } => {
            for item in items {
                write_bar(out, frame, *tone, *item);
            }
        }
        Layer::Marks {
            tone, mark, points, ..
        } => {
            for &(x, y) in points {
                write_mark(out, frame, (*tone, *mark), (x, y));
            }
        }
        Layer::Labels { items } => {
            for (x, y, label) in items {
                write_label(out, frame, (*x, *y), label);
            }
        }
        Layer::Rule { .. } | Layer::Span { .. } => {} // drawn around the clipped data
    }
}

/// The outline of a point.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Circle,
    Square,
    Diamond,
    Up,
    Down,
}

impl Shape {
    /// The shape that tells tones apart without colour.
    pub(super) fn of(tone: Tone) -> Self {
        match tone {
            Tone::Control => Self::Square,
            Tone::Good | Tone::Arm(1) => Self::Up,
            Tone::Bad => Self::Down,
            Tone::Caution | Tone::Arm(2) => Self::Diamond,
            Tone::Arm(_) | Tone::Quiet => Self::Circle,
        }
    }

    fn corners(self) -> &'static [(f64, f64)] {
        match self {
            Self::Circle => &[],
            Self::Square => &[(-4.0, -4.0), (4.0, -4.0), (4.0, 4.0), (-4.0, 4.0)],
            Self::Diamond => &[(0.0, -5.5), (5.5, 0.0), (0.0, 5.5), (-5.5, 0.0)],
            Self::Up => &[(0.0, -5.5), (5.5, 4.5), (-5.5, 4.5)],
            Self::Down => &[(0.0, 5.5), (5.5, -4.5), (-5.5, -4.5)],
        }
    }
}

/// A point around which its outline is drawn.
pub(super) fn write_point(out: &mut String, shape: Shape, tone: Tone, (x, y): (f64, f64)) {
    let class = tone_class(tone);
    let corners = shape.corners();
    let _infallible = if corners.is_empty() {
        write!(
            out,
            "<circle class=\"dot {class}\" cx=\"{}\" cy=\"{}\" r=\"4.5\"/>",
            px(x),
            px(y)
        )
    } else {
        let points: Vec<String> = corners
            .iter()
            .map(|(dx, dy)| format!("{},{}", px(x + dx), px(y + dy)))
            .collect();
        write!(
            out,
            "<polygon class=\"dot {class}\" points=\"{}\"/>",
            points.join(" ")
        )
    };
}

fn write_line(out: &mut String, frame: &Frame, tone: Tone, points: &[(f64, f64)]) {
    // The treatment has the first colour of the arms, and the strongest line.
    let weight = match tone {
        _ if points.len() > 300 => " fine",
        Tone::Arm(1..) => " thin",
        _ => "",
    };
    let class = tone_class(tone);
    let mut path = String::new();
    for run in points.split(|(x, y)| !x.is_finite() || !y.is_finite()) {
        match run {
            [] => {}
            // A point between gaps has no line; it must not vanish.
            [(x, y)] => {
                let _infallible = write!(
                    out,
                    "<circle class=\"dot {class}\" cx=\"{}\" cy=\"{}\" r=\"3.0\"/>",
                    px(frame.x.px(*x)),
                    px(frame.y.px(*y))
                );
            }
            _ => push_run(
                &mut path,
                'M',
                run.iter().map(|&(x, y)| frame_px(frame, x, y)),
            ),
        }
    }
    if !path.is_empty() {
        let _infallible = write!(out, "<path class=\"line {class}{weight}\" d=\"{path}\"/>");
    }
}

fn write_band(out: &mut String, frame: &Frame, tone: Tone, points: &[(f64, f64, f64)]) {
    let mut path = String::new();
    for run in points.split(|(x, a, b)| !(x.is_finite() && a.is_finite() && b.is_finite())) {
        if run.len() > 1 {
            push_run(
                &mut path,
                'M',
                run.iter().map(|&(x, lower, _)| frame_px(frame, x, lower)),
            );
            push_run(
                &mut path,
                'L',
                run.iter()
                    .rev()
                    .map(|&(x, _, upper)| frame_px(frame, x, upper)),
            );
            path.push('Z');
        } else if let [(x, lower, upper)] = run {
            let x = frame.x.px(*x);
            let (from, to) = ((x, frame.y.px(*lower)), (x, frame.y.px(*upper)));
            write_segment(out, &format!("whisker {}", tone_class(tone)), from, to);
        }
    }
    if !path.is_empty() {
        let _infallible = write!(
            out,
            "<path class=\"band {}\" d=\"{path}\"/>",
            tone_class(tone)
        );
    }
}

fn write_steps(out: &mut String, frame: &Frame, tone: Tone, (edges, heights): (&[f64], &[f64])) {
    if heights.is_empty() || edges.len() != heights.len() + 1 {
        return;
    }
    let base = frame.y.px(0.0).min(frame.plot.bottom);
    let mut path = format!("M{} {}", px(frame.x.px(edges[0])), px(base));
    for (k, height) in heights.iter().enumerate() {
        let y = if height.is_finite() {
            frame.y.px(*height)
        } else {
            base
        };
        let _infallible = write!(path, "V{}H{}", px(y), px(frame.x.px(edges[k + 1])));
    }
    let _infallible = write!(path, "V{}", px(base));
    let class = tone_class(tone);
    let _infallible = write!(
        out,
        "<path class=\"band {class}\" d=\"{path}Z\"/><path class=\"outline {class}\" d=\"{path}\"/>"
    );
}

fn write_interval(
    out: &mut String,
    frame: &Frame,
    chart: &Chart,
    (tone, along): (Tone, Along),
    (position, lower, estimate, upper): (f64, f64, f64, f64),
) {
    if !estimate.is_finite() || !position.is_finite() {
        return;
    }
    let plot = &frame.plot;
    let class = format!("whisker {}", tone_class(tone));
    let axis = match along {
        Along::X => &chart.x.scale,
        Along::Y => &chart.y.scale,
    };
    let _infallible = write!(
        out,
        "<g><title>{}</title>",
        text::escaped(&spoken(
            &chart.y.scale,
            axis,
            (position, lower, estimate, upper)
        ))
    );
    match along {
        Along::X => {
            let y = frame.y.px(position);
            let from = finite_or(frame.x.px(lower), plot.left).max(plot.left);
            let to = finite_or(frame.x.px(upper), plot.right).min(plot.right);
            write_segment(out, &class, (from, y), (to, y));
            write_end(
                out,
                &class,
                (from, y),
                if frame.x.contains(lower) { 0.0 } else { 6.0 },
            );
            write_end(
                out,
                &class,
                (to, y),
                if frame.x.contains(upper) { 0.0 } else { -6.0 },
            );
            write_point(out, Shape::of(tone), tone, (frame.x.px(estimate), y));
        }
        Along::Y => {
            let x = frame.x.px(position);
            let from = finite_or(frame.y.px(lower), plot.bottom);
            let to = finite_or(frame.y.px(upper), plot.top);
            write_segment(out, &class, (x, from), (x, to));
            write_point(out, Shape::of(tone), tone, (x, frame.y.px(estimate)));
        }
    }
    out.push_str("</g>");
}

/// A cap where the interval ends, an arrow head where it leaves the plot.
fn write_end(out: &mut String, class: &str, (x, y): (f64, f64), depth: f64) {
    let _infallible = write!(
        out,
        "<path class=\"{class}\" d=\"M{0} {1}L{2} {3}L{0} {4}\"/>",
        px(x + depth),
        px(y - 5.0),
        px(x),
        px(y),
        px(y + 5.0)
    );
}

/// An interval in words, for the pointer and for screen readers.
fn spoken(
    rows: &Scale,
    scale: &Scale,
    (position, lower, estimate, upper): (f64, f64, f64, f64),
) -> String {
    let said = match scale {
        Scale::Change(form) => form.change_with_interval(estimate, lower, upper),
        Scale::Relative => format!(
            "{} [{}, {}]",
            units::relative(estimate),
            units::relative(lower),
            units::relative(upper)
        ),
        Scale::Linear(form) => {
            format!(
                "{} [{}, {}]",
                form.value(estimate),
                form.value(lower),
                form.value(upper)
            )
        }
        Scale::LogMs | Scale::Time(_) | Scale::Category(_) => String::new(),
    };
    match rows {
        Scale::Category(labels) => match labels.get(position as usize) {
            Some(label) => format!("{label}: {said}"),
            None => said,
        },
        _ => said,
    }
}

fn write_bar(out: &mut String, frame: &Frame, tone: Tone, (row, from, to): (f64, f64, f64)) {
    let half = ((frame.y.px(1.0) - frame.y.px(0.0)).abs() * 0.28).min(9.0);
    let (x, y) = (frame.x.px(from), frame.y.px(row));
    let width = (frame.x.px(to) - x).max(1.5); // an instant is still seen
    let _infallible = write!(
        out,
        "<rect class=\"bar {}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
        tone_class(tone),
        px(x),
        px(y - half),
        px(width),
        px(2.0 * half)
    );
}

fn write_mark(out: &mut String, frame: &Frame, (tone, mark): (Tone, Mark), (x, y): (f64, f64)) {
    if !x.is_finite() || !y.is_finite() {
        return;
    }
    let (x, y) = frame_px(frame, x, y);
    match mark {
        Mark::Dot => write_point(out, Shape::of(tone), tone, (x, y)),
        Mark::Tick => {
            write_segment(
                out,
                &format!("tick {}", tone_class(tone)),
                (x, y - 8.0),
                (x, y + 8.0),
            );
        }
        Mark::Flag => write_point(out, Shape::Down, tone, (x, y - 7.0)),
    }
}

/// Words at the upper right of a point, or at its upper left where the plot ends.
fn write_label(out: &mut String, frame: &Frame, (x, y): (f64, f64), label: &str) {
    if !x.is_finite() || !y.is_finite() {
        return;
    }
    let (x, y) = frame_px(frame, x, y);
    let width = text::width(label, TEXT);
    let (at, anchor) = if x + 7.0 + width > frame.plot.right {
        (x - 7.0, "end")
    } else {
        (x + 7.0, "start")
    };
    let y = (y - 6.0).max(frame.plot.top + LINE - 4.0);
    write_anchored(out, (at, y), "num", anchor, label);
}

fn push_run(path: &mut String, first: char, points: impl Iterator<Item = (f64, f64)>) {
    for (k, (x, y)) in points.enumerate() {
        let _infallible = write!(
            path,
            "{}{} {}",
            if k == 0 { first } else { 'L' },
            px(x),
            px(y)
        );
    }
}

fn frame_px(frame: &Frame, x: f64, y: f64) -> (f64, f64) {
    (frame.x.px(x), frame.y.px(y))
}

fn finite_or(value: f64, other: f64) -> f64 {
    if value.is_finite() { value } else { other }
}
