//! Where things stand: margins by the width of labels, ticks, grid and axes.

use super::super::chart::{Along, Chart, Layer, Scale, Tone};
use super::super::text;
use super::super::ticks::ticks;
use super::labels::{self, Placed};
use super::legend::{self, Legend};
use super::{LINE, TEXT, tone_class, write_anchored, write_segment, write_text};

/// The part of the picture that the chart may fill.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) width: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// The area between the axes.
pub(super) struct Plot {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// Coordinates to pixels.
pub(super) struct Map {
    range: (f64, f64),
    pixels: (f64, f64),
}

impl Map {
    pub(super) fn px(&self, value: f64) -> f64 {
        let (lo, hi) = self.range;
        let (from, to) = self.pixels;
        if hi > lo {
            from + (value - lo) / (hi - lo) * (to - from)
        } else {
            f64::midpoint(from, to)
        }
    }

    pub(super) fn contains(&self, value: f64) -> bool {
        value >= self.range.0 && value <= self.range.1
    }
}

/// A chart laid out.
pub(super) struct Frame {
    pub(super) plot: Plot,
    pub(super) x: Map,
    pub(super) y: Map,
    pub(super) legend: Legend,
    x_ticks: Vec<(f64, String)>,
    y_ticks: Vec<(f64, String)>,
    /// Labels of spans and vertical rules, above the plot.
    strip: Vec<Placed>,
    strip_top: f64,
}

impl Frame {
    pub(super) fn of(chart: &Chart, room: Room) -> Self {
        let (x_range, y_range) = chart.ranges();
        let legend = legend::lay_out(chart, room);
        let y_ticks = y_ticks(
            chart,
            y_range,
            (room.width, room.bottom - legend.bottom - 3.0 * LINE),
        );
        let widest = y_ticks
            .iter()
            .map(|(_, label)| text::width(label, TEXT))
            .fold(0.0, f64::max);
        let left = (widest + 10.0).max(18.0);
        let right = room.width - 14.0;
        let x = Map {
            range: x_range,
            pixels: (left, right.max(left + 10.0)),
        };
        let strip = labels::place(chart, &x, (left, right));
        let rows = strip.iter().map(|placed| placed.row + 1).max().unwrap_or(0);
        let y_label = if chart.y.label.is_empty() {
            0.0
        } else {
            LINE + 2.0
        };
        let strip_top = legend.bottom + y_label;
        let top = strip_top + rows as f64 * (LINE - 2.0) + 6.0;
        let x_label = if chart.x.label.is_empty() {
            0.0
        } else {
            LINE + 2.0
        };
        let bottom = (room.bottom - x_label - LINE - 8.0).max(top + 10.0);
        let y_pixels = if matches!(chart.y.scale, Scale::Category(_)) {
            (top, bottom)
        } else {
            (bottom, top)
        };
        Self {
            x_ticks: x_ticks(chart, x_range, &x),
            x,
            y: Map {
                range: y_range,
                pixels: y_pixels,
            },
            plot: Plot {
                left,
                right,
                top,
                bottom,
            },
            legend,
            y_ticks,
            strip,
            strip_top,
        }
    }

    /// Stages and other stretches of x, behind everything.
    pub(super) fn write_spans(&self, out: &mut String, chart: &Chart) {
        let mut n = 0;
        for layer in &chart.layers {
            let Layer::Span { tone, x, .. } = layer else {
                continue;
            };
            let clamp = |value: f64| self.x.px(value).clamp(self.plot.left, self.plot.right);
            let (from, to) = (clamp(x.0), clamp(x.1));
            if to > from {
                let class = format!("span{} {}", [" even", " odd"][n % 2], tone_class(*tone));
                self.write_rect(out, &class, (from, to));
                let edge = format!("edge {}", tone_class(*tone));
                write_segment(out, &edge, (from, self.strip_top), (from, self.plot.bottom));
            }
            n += 1;
        }
    }

    fn write_rect(&self, out: &mut String, class: &str, (from, to): (f64, f64)) {
        use std::fmt::Write as _;
        let _infallible = write!(
            out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            super::px(from),
            super::px(self.strip_top),
            super::px(to - from),
            super::px(self.plot.bottom - self.strip_top)
        );
    }

    pub(super) fn write_grid(&self, out: &mut String, chart: &Chart) {
        let plot = &self.plot;
        let rows = matches!(chart.y.scale, Scale::Category(_));
        if rows || chart.x.scale == Scale::LogMs {
            for (at, _) in &self.x_ticks {
                let x = self.x.px(*at);
                write_segment(out, "grid", (x, plot.top), (x, plot.bottom));
            }
        }
        if !rows {
            for (at, _) in &self.y_ticks {
                let y = self.y.px(*at);
                write_segment(out, "grid", (plot.left, y), (plot.right, y));
            }
        }
        if is_signed(&chart.x.scale) && self.x.contains(0.0) {
            let x = self.x.px(0.0);
            write_segment(out, "zero", (x, plot.top), (x, plot.bottom));
        }
        if is_signed(&chart.y.scale) && self.y.contains(0.0) {
            let y = self.y.px(0.0);
            write_segment(out, "zero", (plot.left, y), (plot.right, y));
        }
    }

    /// Lines across the plot, and the labels of spans and rules.
    pub(super) fn write_rules(&self, out: &mut String, chart: &Chart) {
        let plot = &self.plot;
        let mut rows_used: Vec<f64> = Vec::new();
        for layer in &chart.layers {
            let Layer::Rule {
                label,
                tone,
                axis,
                at,
            } = layer
            else {
                continue;
            };
            let class = format!("rule {}", tone_class(*tone));
            match axis {
                Along::X if self.x.contains(*at) => {
                    let x = self.x.px(*at);
                    let row = self
                        .strip
                        .iter()
                        .find(|p| p.rule_px == Some(x))
                        .map_or(0, |p| p.row);
                    let top = self.strip_top + row as f64 * (LINE - 2.0) + 3.0;
                    write_segment(out, &class, (x, top), (x, plot.bottom));
                }
                Along::Y if self.y.contains(*at) => {
                    let y = self.y.px(*at);
                    write_segment(out, &class, (plot.left, y), (plot.right, y));
                    let crowded = rows_used.iter().any(|used| (used - y).abs() < LINE);
                    rows_used.push(y);
                    let (x, anchor) = if crowded {
                        (plot.left + 4.0, "start")
                    } else {
                        (plot.right - 4.0, "end")
                    };
                    let above = if y - plot.top < LINE {
                        y + LINE - 3.0
                    } else {
                        y - 5.0
                    };
                    let shown = text::visible(label);
                    let shown = text::cut(&shown, TEXT, (plot.right - plot.left) * 0.6);
                    write_anchored(out, (x, above), &in_plot(*tone), anchor, &shown);
                }
                _ => {}
            }
        }
        for placed in &self.strip {
            let y = self.strip_top + placed.row as f64 * (LINE - 2.0) + LINE - 4.0;
            write_text(out, placed.x, y, &in_plot(placed.tone), &placed.text);
        }
    }

    pub(super) fn write_axes(&self, out: &mut String, chart: &Chart) {
        let plot = &self.plot;
        let rows = matches!(chart.y.scale, Scale::Category(_));
        write_segment(
            out,
            "axis",
            (plot.left, plot.bottom),
            (plot.right, plot.bottom),
        );
        if rows {
            write_segment(out, "axis", (plot.left, plot.top), (plot.left, plot.bottom));
        }
        for (at, label) in &self.y_ticks {
            let at = (plot.left - 7.0, self.y.px(*at) + 4.0);
            write_anchored(out, at, if rows { "row" } else { "num" }, "end", label);
        }
        let right_edge = plot.right + 14.0;
        for (at, label) in &self.x_ticks {
            let x = self.x.px(*at);
            write_segment(out, "axis", (x, plot.bottom), (x, plot.bottom + 4.0));
            let half = text::width(label, TEXT) / 2.0;
            let centre = x.min(right_edge - half).max(half);
            write_anchored(
                out,
                (centre, plot.bottom + LINE + 2.0),
                "num",
                "middle",
                label,
            );
        }
        let below = plot.bottom + 2.0 * LINE + 4.0;
        let label = text::visible(&chart.x.label);
        let half = text::width(&label, TEXT) / 2.0;
        let middle = f64::midpoint(plot.left, plot.right)
            .min(right_edge - half)
            .max(half);
        if !label.is_empty() {
            write_anchored(out, (middle, below), "axis-label", "middle", &label);
        }
        if !chart.y.label.is_empty() {
            let label = text::visible(&chart.y.label);
            write_text(
                out,
                0.0,
                self.legend.bottom + LINE - 3.0,
                "axis-label",
                &label,
            );
        }
    }
}

fn in_plot(tone: Tone) -> String {
    format!("in-plot {}", tone_class(tone))
}

fn is_signed(scale: &Scale) -> bool {
    matches!(scale, Scale::Change(_) | Scale::Relative)
}

/// Every row of a category axis, cut to 45 % of the picture; else a tick every 32 pixels.
fn y_ticks(chart: &Chart, range: (f64, f64), (width, height): (f64, f64)) -> Vec<(f64, String)> {
    if let Scale::Category(labels) = &chart.y.scale {
        return ticks(&chart.y.scale, range, labels.len().max(1))
            .into_iter()
            .map(|(at, label)| (at, text::cut(&label, TEXT, 0.45 * width).into_owned()))
            .collect();
    }
    ticks(
        &chart.y.scale,
        range,
        ((height / 32.0) as usize).clamp(2, 8),
    )
}

/// As many ticks as have room beside each other.
fn x_ticks(chart: &Chart, range: (f64, f64), map: &Map) -> Vec<(f64, String)> {
    let width = (map.pixels.1 - map.pixels.0).max(1.0);
    let most = ((width / 38.0) as usize).clamp(1, 16);
    (1..=most)
        .rev()
        .map(|max| ticks(&chart.x.scale, range, max))
        .find(|found| {
            found.windows(2).all(|pair| {
                let gap = map.px(pair[1].0) - map.px(pair[0].0);
                let need = text::width(&pair[0].1, TEXT) + text::width(&pair[1].1, TEXT);
                gap >= need / 2.0 + 10.0
            })
        })
        .unwrap_or_default()
}
