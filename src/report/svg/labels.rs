//! Labels of spans and vertical rules: in rows above the plot, so that they hide nothing and none
//! runs into another.

use super::super::chart::{Along, Chart, Layer, Tone};
use super::super::text;
use super::TEXT;
use super::frame::Map;

/// More rows than this would squeeze the plot; what is left over goes unlabelled.
const MAX_ROWS: usize = 5;

/// A label with its place.
pub(super) struct Placed {
    pub(super) x: f64,
    pub(super) row: usize,
    pub(super) text: String,
    pub(super) tone: Tone,
    /// Where the rule stands that it belongs to; `None` for spans.
    pub(super) rule_px: Option<f64>,
}

/// Gives every label the topmost row in which it is free. Labels start right of their line, so a
/// line that comes from a row above cannot cross a label that starts further right.
pub(super) fn place(chart: &Chart, x: &Map, (left, right): (f64, f64)) -> Vec<Placed> {
    let mut wanted: Vec<(f64, &str, Tone, bool)> = Vec::new();
    for layer in &chart.layers {
        match layer {
            Layer::Span {
                label,
                tone,
                x: (from, to),
            } if !label.is_empty() => {
                let start = x.px(*from).max(left);
                if start < right && x.px(*to) > left {
                    wanted.push((start, label, *tone, false));
                }
            }
            Layer::Rule {
                label,
                tone,
                axis: Along::X,
                at,
            } if !label.is_empty() && x.contains(*at) => {
                wanted.push((x.px(*at), label, *tone, true));
            }
            _ => {}
        }
    }
    // Spans first, so that stages share the top row.
    wanted.sort_by(|a, b| a.3.cmp(&b.3).then(a.0.total_cmp(&b.0)));
    let mut taken: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut placed = Vec::new();
    for (at, label, tone, is_rule) in wanted {
        let shown = text::visible(label);
        let shown = text::cut(&shown, TEXT, (right - left) * 0.4);
        let width = text::width(&shown, TEXT);
        let start = (at + 4.0).min(right - width).max(left);
        let is_free = |row: &Vec<(f64, f64)>| {
            row.iter()
                .all(|&(from, to)| start + width + 6.0 < from || to + 6.0 < start)
        };
        let row = taken.iter().position(is_free).unwrap_or(taken.len());
        if row >= MAX_ROWS {
            continue;
        }
        if row == taken.len() {
            taken.push(Vec::new());
        }
        taken[row].push((start, start + width));
        let rule_px = is_rule.then_some(at);
        placed.push(Placed {
            x: start,
            row,
            text: shown.into_owned(),
            tone,
            rule_px,
        });
    }
    placed
}
