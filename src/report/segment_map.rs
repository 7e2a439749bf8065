//! Every metric by every segment value as one table of readings, and what stands out in words: the
//! same in the window, on the command line and in HTML.

use crate::analysis::{
    Analysis, InferenceUnit, ScorecardRow, SegmentArms, SegmentArmsValue, SegmentColumn,
    SegmentEffect, SegmentSpread,
};
use crate::units;

/// Harmed values that are put into words; the map has them all.
const MAX_HARMS: usize = 6;

/// Metrics as columns, segment values as rows.
#[derive(Debug, Clone)]
pub struct SegmentMap<'a> {
    /// In the order of the scorecard.
    pub metrics: Vec<&'a ScorecardRow>,
    /// The most harmful first.
    pub rows: Vec<SegmentMapRow<'a>>,
}

/// One segment value.
#[derive(Debug, Clone)]
pub struct SegmentMapRow<'a> {
    /// The effect that put it where it stands.
    pub worst: &'a SegmentEffect,
    /// Per metric.
    pub cells: Vec<Option<&'a SegmentEffect>>,
}

/// The map; `None` where nothing is compared by segment.
pub fn segment_map(analysis: &Analysis) -> Option<SegmentMap<'_>> {
    let metrics: Vec<&ScorecardRow> = analysis
        .scorecard
        .iter()
        .filter(|row| analysis.segments.iter().any(|s| s.metric == row.id))
        .collect();
    let mut rows: Vec<SegmentMapRow<'_>> = Vec::new();
    for effect in &analysis.segments {
        let is_row = |row: &&mut SegmentMapRow<'_>| {
            row.worst.segment == effect.segment && row.worst.value == effect.value
        };
        let Some(k) = metrics.iter().position(|row| row.id == effect.metric) else {
            continue;
        };
        match rows.iter_mut().find(is_row) {
            Some(row) => row.cells[k] = Some(effect),
            None => {
                let mut cells = vec![None; metrics.len()];
                cells[k] = Some(effect);
                rows.push(SegmentMapRow {
                    worst: effect,
                    cells,
                });
            }
        }
    }
    (!rows.is_empty()).then_some(SegmentMap { metrics, rows })
}

/// A cell: the shape of its reading and the change; `—` without an effect.
pub fn cell_text(cell: Option<&SegmentEffect>) -> String {
    let Some(effect) = cell else {
        return units::NO_VALUE.to_owned();
    };
    match effect.effect.difference {
        Some(difference) => format!(
            "{} {}",
            effect.verdict.symbol(),
            effect.form.change(difference.value)
        ),
        None => units::NO_VALUE.to_owned(),
    }
}

/// What stands out, one sentence each: harm, where effects differ between values, what is not
/// compared.
pub fn segment_words(analysis: &Analysis) -> Vec<String> {
    let harms = || {
        let harms = analysis.segments.iter().filter_map(|s| s.harm.as_ref());
        harms.filter(|harm| harm.decides)
    };
    let news = || harms().filter(|harm| !harm.is_known && harm.same_as.is_none());
    let mut words: Vec<String> = news()
        .take(MAX_HARMS)
        .map(|harm| harm.text.clone())
        .collect();
    let n_more = news().count().saturating_sub(MAX_HARMS);
    if n_more > 0 {
        words.push(format!(
            "{} more effects of segments are worse",
            units::count(n_more as u64)
        ));
    }
    words.extend(analysis.segments.iter().filter_map(same_words));
    let n_known = harms().filter(|harm| harm.is_known).count();
    if n_known > 0 {
        words.push(format!(
            "{} further segment effects only repeat a harm of the whole log",
            units::count(n_known as u64)
        ));
    }
    let alpha = 1.0 - analysis.settings.level;
    let spreads = || {
        analysis
            .segment_spread
            .iter()
            .filter(|s| s.p_adjusted < alpha)
    };
    for column in &analysis.segment_columns {
        let of_column = spreads().filter(|s| s.segment == column.segment);
        words.extend(spread_words(&of_column.collect::<Vec<_>>()));
    }
    words.extend(analysis.segment_columns.iter().filter_map(column_words));
    words
}

/// A harm that is another one seen in a second column.
fn same_words(effect: &SegmentEffect) -> Option<String> {
    let harm = effect.harm.as_ref().filter(|harm| harm.decides)?;
    Some(format!(
        "{} is not worse where {} is {} once requests with {} are set aside: both are one harm",
        effect.label,
        effect.segment,
        effect.shown_value(),
        harm.same_as.as_ref()?
    ))
}

/// One sentence for all metrics whose effect differs between a column's values.
fn spread_words(spreads: &[&SegmentSpread]) -> Option<String> {
    let first = spreads.first()?;
    let metrics: Vec<&str> = spreads.iter().map(|s| s.label.as_str()).collect();
    let largest = spreads.iter().map(|s| s.p_adjusted).fold(0.0, f64::max);
    Some(format!(
        "Effects differ between the values of {} by more than chance: {} (Cochran\u{2019}s Q, corrected p {})",
        first.segment,
        metrics.join(", "),
        match units::p_value(largest) {
            p if p.starts_with('<') || spreads.len() == 1 => p,
            p => format!("at most {p}"),
        }
    ))
}

fn column_words(column: &SegmentColumn) -> Option<String> {
    if column.n_compared == 0 && column.n_too_small == column.n_values {
        return (column.n_values > 0).then(|| {
            format!(
                "None of the {} values of {} is compared: all have fewer than {} requests in an arm",
                units::count(column.n_values),
                column.segment,
                SegmentEffect::MIN_REQUESTS
            )
        });
    }
    let too_small = (column.n_too_small > 0).then(|| {
        format!(
            "{} with fewer than {} requests in an arm",
            units::count(column.n_too_small),
            SegmentEffect::MIN_REQUESTS
        )
    });
    let not_shown = (column.n_not_shown > 0).then(|| {
        format!(
            "{} beyond the {} largest",
            units::count(column.n_not_shown),
            SegmentEffect::MAX_VALUES
        )
    });
    let left_out: Vec<String> = too_small.into_iter().chain(not_shown).collect();
    (!left_out.is_empty()).then(|| {
        format!(
            "Of {} values of {}, these are not compared: {}",
            units::count(column.n_values),
            column.segment,
            left_out.join(", ")
        )
    })
}

/// Every arm by segment: the metrics that decide, and the medians beside them.
pub fn arms_by_segment(analysis: &Analysis) -> impl Iterator<Item = &SegmentArms> {
    let rows = &analysis.scorecard;
    let is_told = |found: &&SegmentArms| {
        let row = rows.iter().find(|row| row.id == found.metric);
        let median_of_deciding = |row: &ScorecardRow| {
            let quantity = row.id.trim_end_matches("_p50");
            let mut deciding = rows.iter().filter(|other| other.role.decides());
            row.quantile == Some(0.5)
                && deciding.any(|other| other.quantile.is_some() && other.id.starts_with(quantity))
        };
        row.is_some_and(|row| row.role.decides() || median_of_deciding(row))
    };
    analysis.segment_arms.iter().filter(is_told)
}

/// How every arm by segment is read.
pub fn arms_note() -> &'static str {
    "Values as they were measured, each arm with its own requests: neither tested nor weighted. Compare \
     arms within a row; where one arm is better at some values and worse at others, a figure over all of \
     them depends on how often each occurs."
}

/// How many values are not among those shown, and why.
pub fn left_out_words(n: u64) -> String {
    match n {
        1 => "1 further value has too few requests, or is smaller than those".to_owned(),
        n => format!(
            "{} further values have too few requests, or are smaller than those",
            units::count(n)
        ),
    }
}

/// Values of a segment column that the control has and an arm has none of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingValues<'a> {
    /// The column.
    pub segment: &'a str,
    /// The values, as shown to people.
    pub values: Vec<&'a str>,
    /// Values that both have.
    pub n_shared: usize,
}

impl MissingValues<'_> {
    /// In a few words.
    pub fn words(&self) -> String {
        format!("no {} {}", self.segment, self.values.join(", "))
    }
}

/// The segment values that the control has and an arm has none of, column by column.
pub fn missing_values<'a>(analysis: &'a Analysis, arm: usize) -> Vec<MissingValues<'a>> {
    // Each metric of a column tells the same of its requests.
    let Some(metric) = analysis.segment_arms.first().map(|found| &found.metric) else {
        return Vec::new();
    };
    let columns = analysis.segment_arms.iter().filter(|f| f.metric == *metric);
    let of_column = |found: &'a SegmentArms| {
        let n = |value: &SegmentArmsValue, arm: usize| {
            let place = value.arms.iter().position(|of| of.arm == arm)?;
            value.n_requests.get(place).copied()
        };
        let is_large = |value: &&SegmentArmsValue| {
            n(value, analysis.control).is_some_and(|n| n >= SegmentEffect::MIN_REQUESTS as u64)
        };
        let large = || found.values.iter().filter(is_large);
        let missing = large().filter(|value| n(value, arm) == Some(0));
        let n_shared = large().filter(|value| n(value, arm) > Some(0)).count();
        (
            missing
                .map(SegmentArmsValue::shown_value)
                .collect::<Vec<_>>(),
            n_shared,
        )
    };
    let mut out = Vec::new();
    for found in columns {
        let (values, n_shared) = of_column(found);
        if !values.is_empty() {
            out.push(MissingValues {
                segment: &found.segment,
                values,
                n_shared,
            });
        }
    }
    out
}

/// What the readings stand on.
pub fn segment_note(analysis: &Analysis) -> String {
    let correction = analysis.settings.correction.label();
    format!(
        "Treatment minus control within each value, {}. Readings allow for the number of values and metrics ({correction}; metrics that decide by themselves, the others by themselves); intervals do not",
        match analysis.log.n_units {
            Some(_) => analysis.settings.unit.label(),
            None => InferenceUnit::Request.label(),
        }
    )
}
