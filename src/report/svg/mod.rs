//! Charts as SVG text: no fonts, no randomness, the same bytes for the same chart.
//!
//! Within a page colours are CSS variables, so that one drawing serves light and dark; [`STYLE`]
//! defines them. A file of its own has them put in.

mod document;
mod frame;
mod labels;
mod layers;
mod legend;

use std::fmt::Write as _;

use super::chart::{Chart, Tone};
use super::text;
pub use document::{document, plain};
use frame::{Frame, Room};

/// The style sheet that charts need: the palette, light, dark and printed, and the chart's classes.
pub const STYLE: &str = concat!(include_str!("palette.css"), include_str!("chart.css"));

/// Size of the text on axes, pixels.
const TEXT: f64 = 12.0;
/// Height of a line of text, pixels.
const LINE: f64 = 16.0;

/// The chart for a page that has [`STYLE`] and writes title and caption itself.
pub fn draw(chart: &Chart, width_px: u32, height_px: u32) -> String {
    let (width, height) = (f64::from(width_px), f64::from(height_px));
    let mut out = open(chart, width, height, "");
    body(
        &mut out,
        chart,
        Room {
            width,
            top: 0.0,
            bottom: height,
        },
    );
    out.push_str("</svg>\n");
    out
}

fn open(chart: &Chart, width: f64, height: f64, attributes: &str) -> String {
    let id = safe_id(&chart.id);
    format!(
        "<svg{attributes} class=\"chart\" role=\"img\" \
         aria-labelledby=\"{id}-t {id}-d\" viewBox=\"0 0 {width:.0} {height:.0}\">\
         <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
        text::escaped(&chart.title),
        text::escaped(&chart.caption)
    )
}

fn body(out: &mut String, chart: &Chart, room: Room) {
    let frame = Frame::of(chart, room);
    legend::write(out, &frame.legend);
    frame.write_spans(out, chart);
    frame.write_grid(out, chart);
    let id = safe_id(&chart.id);
    let plot = &frame.plot;
    let _infallible = write!(
        out,
        "<clipPath id=\"{id}-c\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>\
         <g clip-path=\"url(#{id}-c)\">",
        px(plot.left - 7.0),
        px(plot.top - 1.0),
        px(plot.right - plot.left + 14.0),
        px(plot.bottom - plot.top + 2.0)
    );
    for layer in &chart.layers {
        layers::write(out, &frame, chart, layer);
    }
    out.push_str("</g>");
    frame.write_rules(out, chart);
    frame.write_axes(out, chart);
}

/// The class that gives a tone its colour.
fn tone_class(tone: Tone) -> &'static str {
    const ARMS: [&str; 6] = ["t-arm0", "t-arm1", "t-arm2", "t-arm3", "t-arm4", "t-arm5"];
    match tone {
        Tone::Control => "t-control",
        Tone::Arm(k) => ARMS[k % ARMS.len()],
        Tone::Good => "t-good",
        Tone::Bad => "t-bad",
        Tone::Caution => "t-caution",
        Tone::Quiet => "t-quiet",
    }
}

/// A coordinate with one decimal; far outside of the picture where it is not a number.
fn px(value: f64) -> String {
    let clamped = if value.is_finite() {
        value.clamp(-9_999.0, 99_999.0)
    } else {
        -9_999.0
    };
    let rounded = (clamped * 10.0).round() / 10.0;
    format!("{:.1}", if rounded == 0.0 { 0.0 } else { rounded })
}

fn write_text(out: &mut String, x: f64, y: f64, class: &str, content: &str) {
    write_anchored(out, (x, y), class, "start", content);
}

fn write_anchored(out: &mut String, (x, y): (f64, f64), class: &str, anchor: &str, content: &str) {
    let _infallible = write!(
        out,
        "<text x=\"{}\" y=\"{}\" class=\"{class}\" text-anchor=\"{anchor}\">{}</text>",
        px(x),
        px(y),
        text::escaped(content)
    );
}

fn write_segment(out: &mut String, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let _infallible = write!(
        out,
        "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
        px(x1),
        px(y1),
        px(x2),
        px(y2)
    );
}

/// `id` with only letters, digits and hyphens: chart ids may hold column names.
fn safe_id(id: &str) -> String {
    let mut out = String::from("c-");
    for c in id.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => out.push(c),
            _ => {
                let _infallible = write!(out, "_{:x}", u32::from(c));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
