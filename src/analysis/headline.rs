//! What is worse, in the words of the headline: since when, or where, rather than a blend of stretches
//! with harm and without that was never true at any time.

use super::decision::{listed, lower_first, margin_words};
use super::model::{Effect, ScorecardRow, SegmentEffect, Verdict};
use crate::units::{self, Clock, ValueForm};

/// A metric with the treatment's effect on it.
pub(super) type Read<'a> = (&'a ScorecardRow, &'a Effect);

/// What is worse by how much: since when, or where, rather than on the whole, where that is known.
pub(super) fn worded(worse: &[Read<'_>], segments: &[SegmentEffect], clock: Clock) -> String {
    let parts: Vec<String> = worse
        .iter()
        .map(|(row, effect)| {
            let label = lower_first(&row.label);
            if let Some(segment) = carried_by(row, segments) {
                let change = segment.effect.difference.map(|d| size(row, d.value));
                return format!(
                    "{label} is worse by {} where {} is {}",
                    change.unwrap_or_default(),
                    segment.segment,
                    segment.shown_value()
                );
            }
            if let Some(since) = since(row, effect, clock) {
                return format!("{label} is worse by {since}");
            }
            let change = match (effect.relative, effect.difference) {
                // Shares and ratings have scales that people know; a latency says little by itself.
                (Some(relative), _) if row.form != ValueForm::Share && row.id != "rating_mean" => {
                    units::relative(relative.value)
                }
                (_, Some(difference)) => row.form.change(difference.value),
                _ => String::new(),
            };
            let change = change.trim_start_matches(['+', '\u{2212}']);
            let better = |s: &&SegmentEffect| s.metric == row.id && s.verdict == Verdict::Better;
            match segments.iter().find(better) {
                Some(segment) => format!(
                    "{label} is worse by {change} (better where {} is {})",
                    segment.segment,
                    segment.shown_value()
                ),
                None => format!("{label} is worse by {change}"),
            }
        })
        .collect();
    listed(&parts)
}

/// "4.3 s to 4.5 s since 2026-03-03 12:00:01 UTC": the differences of the stages since there is harm.
fn since(row: &ScorecardRow, effect: &Effect, clock: Clock) -> Option<String> {
    let stages = effect.stratified.as_ref()?;
    let onset_us = stages.onset_us?;
    let of_stages = stages.strata.iter().filter(|s| s.from_us >= onset_us);
    let sizes = of_stages.filter_map(|s| Some(s.difference?.value.abs()));
    let (least, most) = sizes.fold((f64::INFINITY, 0.0_f64), |(a, b), v| (a.min(v), b.max(v)));
    let (least, most) = (size(row, least), size(row, most));
    let when = units::instant(onset_us, clock);
    Some(if least == most {
        format!("{most} since {when}")
    } else {
        format!("{least} to {most} since {when}")
    })
}

/// A change without its sign.
fn size(row: &ScorecardRow, change: f64) -> String {
    margin_words(row, change.abs())
}

/// The segment value that carries the harm of a metric.
pub(super) fn carried_by<'a>(
    row: &ScorecardRow,
    segments: &'a [SegmentEffect],
) -> Option<&'a SegmentEffect> {
    segments.iter().find(|s| s.metric == row.id && carries(s))
}

pub(super) fn carries(segment: &SegmentEffect) -> bool {
    let harm = segment.harm.as_ref();
    harm.is_some_and(|harm| harm.without.is_some())
}

/// Since when the log as a whole is harmed; `None` where some harm has no beginning within it.
pub(super) fn onset_us(worse: &[Read<'_>], segments: &[SegmentEffect]) -> Option<i64> {
    let general = worse
        .iter()
        .filter(|(row, _)| carried_by(row, segments).is_none());
    let onsets: Option<Vec<i64>> = general
        .map(|(_, effect)| effect.stratified.as_ref()?.onset_us)
        .collect();
    onsets?.into_iter().min()
}
