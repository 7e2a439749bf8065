//! A chart as an SVG file of its own: title, caption and origin drawn, colours fixed to those for
//! white paper, so that editors and slides that know no CSS variables show it too.

use std::fmt::Write as _;

use super::super::chart::Chart;
use super::super::text;
use super::frame::Room;
use super::{LINE, TEXT, body, open, write_text};

/// Width of a picture, pixels.
const WIDTH: f64 = 900.0;
/// White around the drawing, pixels.
const PAD: f64 = 20.0;
/// Size of the title, pixels.
const HEADING: f64 = 15.5;

/// The chart as a file. `origin` stands below the caption: which log, rows and version it is from.
pub fn document(chart: &Chart, origin: &str) -> String {
    let room = WIDTH - 2.0 * PAD;
    let wrapped = |content: &str, size: f64| text::wrapped(&text::visible(content), size, room);
    let title = wrapped(&chart.title, HEADING);
    let mut notes = wrapped(&chart.caption, TEXT);
    notes.extend(wrapped(origin, TEXT));
    let top = 6.0 + title.len() as f64 * 20.0;
    let bottom = top + plot_height(chart);
    let height = bottom + notes.len() as f64 * LINE + 8.0;

    let mut drawn = String::new();
    for (k, line) in title.iter().enumerate() {
        write_text(&mut drawn, 0.0, 16.0 + 20.0 * k as f64, "heading", line);
    }
    let plot = Room {
        width: room,
        top,
        bottom,
    };
    body(&mut drawn, chart, plot);
    for (k, line) in notes.iter().enumerate() {
        let y = bottom + LINE * (k as f64 + 1.0);
        write_text(&mut drawn, 0.0, y, "note", line);
    }

    let whole = (WIDTH, height + 2.0 * PAD);
    let attributes = format!(
        " xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.0}\" height=\"{:.0}\"",
        whole.0, whole.1
    );
    let mut out = open(chart, whole.0, whole.1, &attributes);
    let _infallible = writeln!(
        out,
        "<style>{}</style><rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\
         <g transform=\"translate({PAD:.0} {PAD:.0})\">{drawn}</g></svg>",
        fixed_style(&drawn)
    );
    out
}

/// The chart without title and caption, in fixed colours, as a part of another file.
pub fn plain(chart: &Chart, width_px: u32, height_px: u32) -> String {
    let (width, height) = (f64::from(width_px), f64::from(height_px));
    let mut drawn = String::new();
    let room = Room {
        width,
        top: 0.0,
        bottom: height,
    };
    body(&mut drawn, chart, room);
    let attributes =
        format!(" xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\"");
    let mut out = open(chart, width, height, &attributes);
    let style = fixed_style(&drawn);
    let _infallible = writeln!(out, "<style>{style}</style>{drawn}</svg>");
    out
}

/// Height of the chart with its legend and axes.
fn plot_height(chart: &Chart) -> f64 {
    match chart.n_rows() {
        0 => 300.0,
        rows => 120.0 + 30.0 * rows as f64,
    }
}

/// The rules of [`super::STYLE`] that `drawn` needs, with the light palette put in.
fn fixed_style(drawn: &str) -> String {
    let palette = declarations(include_str!("palette.css"));
    let rules: Vec<(&str, &str)> = include_str!("chart.css")
        .split('}')
        .filter_map(|rule| rule.split_once('{'))
        .map(|(selectors, rule)| (selectors.trim(), rule.trim()))
        .collect();
    let tones: Vec<(&str, &str)> = rules
        .iter()
        .filter(|(selector, _)| drawn.contains(selector.trim_start_matches('.')))
        .filter_map(|(selector, rule)| Some((*selector, rule.strip_prefix("--tone: ")?)))
        .collect();
    let mut out = String::new();
    for (selectors, rule) in rules.iter().filter(|(_, rule)| !rule.starts_with("--")) {
        if !rule.contains("var(--tone)") {
            let _infallible = write!(out, "{selectors}{{{}}}", resolved(rule, &palette));
            continue;
        }
        for (class, colour) in &tones {
            let rule = rule.replace("var(--tone)", colour.trim_end_matches(';'));
            let _infallible = write!(out, "{selectors}{class}{{{}}}", resolved(&rule, &palette));
        }
    }
    out
}

/// `--name: value` of the first block of a style sheet.
fn declarations(sheet: &'static str) -> Vec<(String, &'static str)> {
    let block = sheet.split('}').next().unwrap_or_default();
    let (_, block) = block.split_once('{').unwrap_or_default();
    block
        .split(';')
        .filter_map(|line| line.trim().split_once(": "))
        .map(|(name, value)| (format!("var({name})"), value))
        .collect()
}

fn resolved(rule: &str, palette: &[(String, &str)]) -> String {
    palette.iter().fold(rule.to_owned(), |rule, (name, value)| {
        rule.replace(name, value)
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::charts;
    use super::super::super::fixture::canary;
    use super::*;

    #[test]
    fn no_variable_is_left_and_arms_have_their_colours() {
        let fixture = canary();
        let chart = charts::guardrail_forest(&fixture.analysis).unwrap();
        let svg = document(&chart, "requests.csv");
        assert!(!svg.contains("var(--"), "{svg}");
        assert!(svg.contains(".chart .dot.t-bad{fill: #b03a00;"), "{svg}");
        assert!(!svg.contains("t-arm5"), "unused");
        assert!(svg.contains("sans-serif"));
        assert!(svg.contains(">requests.csv</text>"));
    }
}
