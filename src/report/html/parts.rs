//! Pieces that several sections share: chips, estimates, figures with their table twins.

use maud::{Markup, PreEscaped, html};

use super::super::chart::{Chart, Tone};
use super::super::{charts, svg};
use crate::analysis::{Analysis, Effect, Verdict};
use crate::stats::{Estimate, Interval};
use crate::units::{self, ValueForm};

/// Width of a chart that has the column for itself, pixels.
pub(super) const WIDE: u32 = 860;
/// Width of a chart that shares the column, pixels.
pub(super) const HALF: u32 = 430;

/// A word with a shape and a colour.
pub(super) fn chip(tone: Tone, symbol: &str, label: &str) -> Markup {
    html! {
        span class={ "chip " (tone_class(tone)) } {
            span.symbol aria-hidden="true" { (symbol) } (label)
        }
    }
}

pub(super) fn verdict(verdict: Verdict) -> Markup {
    chip(
        charts::verdict_tone(verdict),
        verdict.symbol(),
        verdict.label(),
    )
}

/// The class that carries a tone's colour and tint.
pub(super) fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "t-good",
        Tone::Bad => "t-bad",
        Tone::Caution => "t-caution",
        Tone::Control | Tone::Arm(_) | Tone::Quiet => "t-quiet",
    }
}

/// `[lower, upper]` of a value.
pub(super) fn interval(form: ValueForm, estimate: &Estimate) -> String {
    bracketed(estimate, |end| form.value(end))
}

/// `[lower, upper]` of a difference.
pub(super) fn change_interval(form: ValueForm, estimate: &Estimate) -> String {
    bracketed(estimate, |end| form.change(end))
}

/// Breaks between the ends only: a number stays with its unit.
fn bracketed(estimate: &Estimate, end: impl Fn(f64) -> String) -> String {
    let Interval { lower, upper } = estimate.interval;
    format!("[{}, {}]", unbroken(&end(lower)), unbroken(&end(upper)))
}

/// `text` with spaces at which no line may end.
pub(super) fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

/// A sentence in which no line ends between a number and its unit.
pub(super) fn prose(text: &str) -> String {
    const UNITS: [&str; 7] = ["%", "pp", "ms", "s", "min", "h", "d"];
    let mut out = String::with_capacity(text.len());
    for word in text.split(' ') {
        let is_unit = UNITS.contains(&word.trim_end_matches([',', ';', ':', '.', ')', ']']));
        if is_unit && out.ends_with(|c: char| c.is_ascii_digit()) {
            out.push('\u{a0}');
        } else if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// A value over its interval.
pub(super) fn value_cell(form: ValueForm, estimate: Option<&Estimate>) -> Markup {
    html! {
        @match estimate {
            Some(estimate) => {
                span.value { (form.value(estimate.value)) }
                small { (interval(form, estimate)) }
            }
            None => span.none { (units::NO_VALUE) },
        }
    }
}

/// A difference over its interval.
pub(super) fn change_cell(form: ValueForm, estimate: Option<&Estimate>) -> Markup {
    html! {
        @match estimate {
            Some(estimate) => {
                span.value { (form.change(estimate.value)) }
                small { (change_interval(form, estimate)) }
            }
            None => span.none { (units::NO_VALUE) },
        }
    }
}

/// A relative change over its interval.
pub(super) fn relative_cell(estimate: Option<&Estimate>) -> Markup {
    html! {
        @match estimate {
            Some(estimate) => {
                span.value { (units::relative(estimate.value)) }
                small { (bracketed(estimate, units::relative)) }
            }
            None => span.none { (units::NO_VALUE) },
        }
    }
}

/// The scorecard's effect of `arm` on a metric.
pub(super) fn effect<'a>(analysis: &'a Analysis, metric: &str, arm: usize) -> Option<&'a Effect> {
    let row = analysis.scorecard.iter().find(|row| row.id == metric)?;
    row.effects.iter().find(|effect| effect.arm == arm)
}

/// A chart with its caption and, folded, its table twin.
pub(super) fn figure(chart: &Chart, (width, height): (u32, u32), twin: Option<Markup>) -> Markup {
    html! {
        figure {
            h4 { (chart.title) }
            (PreEscaped(svg::draw(chart, width, height)))
            figcaption { (chart.caption) }
            @if let Some(twin) = twin {
                details { summary { "Show as table" } (twin) }
            }
        }
    }
}

/// A table that scrolls by itself where the page is too narrow.
pub(super) fn table(class: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        div.scroll {
            table class=(class) { thead { (head) } tbody { (body) } }
        }
    }
}

/// `95 %`.
pub(super) fn level(level: f64) -> String {
    format!(
        "{} %",
        units::significant(level * 100.0, if level > 0.99 { 3 } else { 2 })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stays_with_its_unit() {
        assert_eq!(
            prose("worse by 48 %, +1.2 s [+1 min 3 s, +2 h] in 3 days"),
            "worse by 48\u{a0}%, +1.2\u{a0}s [+1\u{a0}min 3\u{a0}s, +2\u{a0}h] in 3 days"
        );
    }
}
