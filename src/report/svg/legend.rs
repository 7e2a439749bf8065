//! The legend: above the plot, one entry a name, wrapping.

use std::fmt::Write as _;

use super::super::chart::{Chart, Layer, Mark, Tone};
use super::super::text;
use super::frame::Room;
use super::layers::{Shape, write_point};
use super::{LINE, TEXT, px, tone_class, write_segment, write_text};

/// Width of the sample before a name.
const SAMPLE: f64 = 22.0;
/// Between entries.
const GAP: f64 = 18.0;

/// Entries with their places.
pub(super) struct Legend {
    entries: Vec<Entry>,
    /// Where the legend ends.
    pub(super) bottom: f64,
}

struct Entry {
    at: (f64, f64),
    name: String,
    tone: Tone,
    sample: Sample,
}

/// What stands before a name.
#[derive(Clone, Copy, PartialEq)]
enum Sample {
    Line,
    Block,
    Point,
    Tick,
    Flag,
}

/// A legend for two names and more, or for one that the title cannot tell.
pub(super) fn lay_out(chart: &Chart, room: Room) -> Legend {
    let mut entries: Vec<Entry> = Vec::new();
    let (mut x, mut y) = (0.0, room.top + LINE / 2.0 + 2.0);
    for layer in &chart.layers {
        let Some((name, tone)) = layer.entry() else {
            continue;
        };
        let shown = text::visible(name);
        let name = text::cut(&shown, TEXT, room.width - SAMPLE - 8.0).into_owned();
        if let Some(known) = entries
            .iter_mut()
            .find(|e| e.name == name && e.tone == tone)
        {
            if sample(layer) == Sample::Line {
                known.sample = Sample::Line; // dashes tell arms apart, bands do not
            }
            continue;
        }
        let width = SAMPLE + 6.0 + text::width(&name, TEXT);
        if x > 0.0 && x + width > room.width {
            x = 0.0;
            y += LINE + 2.0;
        }
        entries.push(Entry {
            at: (x, y),
            name,
            tone,
            sample: sample(layer),
        });
        x += width + GAP;
    }
    let bottom = if entries.is_empty() {
        room.top
    } else {
        y + LINE / 2.0 + 6.0
    };
    Legend { entries, bottom }
}

pub(super) fn write(out: &mut String, legend: &Legend) {
    for Entry {
        at: (x, y),
        name,
        tone,
        sample,
    } in &legend.entries
    {
        let class = tone_class(*tone);
        let middle = (x + SAMPLE / 2.0, *y);
        match sample {
            Sample::Line => {
                write_segment(out, &format!("line {class}"), (*x, *y), (x + SAMPLE, *y));
            }
            Sample::Block => {
                let _infallible = write!(
                    out,
                    "<rect class=\"bar {class}\" x=\"{}\" y=\"{}\" width=\"16.0\" height=\"10.0\"/>",
                    px(x + 3.0),
                    px(y - 5.0)
                );
            }
            Sample::Point => {
                write_segment(out, &format!("whisker {class}"), (*x, *y), (x + SAMPLE, *y));
                write_point(out, Shape::of(*tone), *tone, middle);
            }
            Sample::Tick => {
                let (top, bottom) = ((middle.0, y - 6.0), (middle.0, y + 6.0));
                write_segment(out, &format!("tick {class}"), top, bottom);
            }
            Sample::Flag => write_point(out, Shape::Down, *tone, middle),
        }
        write_text(out, x + SAMPLE + 6.0, y + 4.0, "legend", name);
    }
}

fn sample(layer: &Layer) -> Sample {
    match layer {
        Layer::Band { .. } | Layer::Bars { .. } => Sample::Block,
        Layer::Intervals { .. }
        | Layer::Marks {
            mark: Mark::Dot, ..
        } => Sample::Point,
        Layer::Marks {
            mark: Mark::Tick, ..
        } => Sample::Tick,
        Layer::Marks {
            mark: Mark::Flag, ..
        } => Sample::Flag,
        Layer::Line { .. }
        | Layer::Steps { .. }
        | Layer::Labels { .. }
        | Layer::Rule { .. }
        | Layer::Span { .. } => Sample::Line,
    }
}
