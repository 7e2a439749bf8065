//! Stretches of time within which both arms are compared, and the effect combined over them.
//!
//! Where the treatment's share changes with time, a difference over the whole log mixes the arms with
//! the time: a treatment that grows while the nights get slow looks slow. Within a stage of constant
//! share, time touches both arms alike.

use super::by_user::UserRows;
use super::effect::{Assembled, Compared, Inference, assemble};
use super::metrics::{Kind, Metric};
use super::model::{
    Direction, Effect, InferenceUnit, Stage, StratifiedEffect, StratumEffect, Verdict,
};
use super::scorecard::Observed;
use super::verdict;
use crate::data::{Clock, RequestLog};
use crate::stats::{
    Estimate, Independence, LayeredMeans, Method, Stratified, pool, relative_change,
    relative_quantile, stratified_means, stratified_quantiles,
};
use crate::units;

/// Stretches without the treatment that hold this share of the control's requests are worth cutting
/// off even where its share never changed.
const LONELY: f64 = 0.05;

/// What the strata of a rollout follow from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span<'a> {
    pub(super) stages: &'a [Stage],
    /// First and last event time of all requests, and of the treatment's.
    pub(super) whole_us: (i64, i64),
    pub(super) treatment_us: (i64, i64),
    /// Requests of the control before and after the treatment's, and all of them.
    pub(super) n_lonely: u64,
    pub(super) n_control: u64,
}

impl Span<'_> {
    /// The first event time of each stratum: the stages, cut once more where the treatment first and last
    /// ran; none where its share did not change, so that the whole log is one stratum.
    pub(super) fn starts(&self) -> Vec<i64> {
        let is_lonely = self.n_lonely as f64 > LONELY * self.n_control as f64;
        if self.stages.len() < 2 && !is_lonely {
            return Vec::new();
        }
        let (first_us, last_us) = self.whole_us;
        // Up to the first and the last moment, not row: of equal stamps the file's order says nothing.
        let mut starts: Vec<i64> = self
            .stages
            .iter()
            .skip(1)
            .map(|stage| stage.from_us)
            .chain([self.treatment_us.0, self.treatment_us.1 + 1])
            .filter(|us| *us > first_us && *us <= last_us)
            .chain([first_us])
            .collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    }
}

/// Consecutive stretches of rows.
#[derive(Debug, Clone)]
pub(super) struct Strata {
    /// First row of each stratum but the first; ascending.
    bounds: Vec<u32>,
    /// First event and end (exclusive) of each stratum.
    spans: Vec<(i64, i64)>,
}

impl Strata {
    /// The rows of a log between the starts of its strata; `None` where all are in one.
    pub(super) fn of(log: &RequestLog, starts: &[i64]) -> Option<Self> {
        let n_rows = log.n_rows() as u32;
        let row_at = |us: &i64| log.event_us.partition_point(|t| t < us) as u32;
        let mut bounds: Vec<u32> = starts
            .iter()
            .skip(1)
            .map(row_at)
            .filter(|row| *row > 0 && *row < n_rows)
            .collect();
        bounds.dedup();
        if bounds.is_empty() {
            return None;
        }
        let starts: Vec<u32> = [0].iter().chain(&bounds).copied().collect();
        let ends: Vec<u32> = bounds.iter().copied().chain([n_rows]).collect();
        let spans = starts
            .iter()
            .zip(&ends)
            .map(|(from, to)| {
                let last = log.event_us[*to as usize - 1];
                (log.event_us[*from as usize], last.saturating_add(1))
            })
            .collect();
        Some(Self { bounds, spans })
    }

    /// Of a log whose rows are not there: first event and end (exclusive) of each.
    pub(super) fn of_spans(spans: Vec<(i64, i64)>) -> Self {
        Self {
            bounds: Vec::new(),
            spans,
        }
    }

    /// First row of each stratum but the first.
    pub(super) fn bounds(&self) -> &[u32] {
        &self.bounds
    }

    /// How many rows are in each stratum.
    fn sizes(&self, rows: &UserRows<'_>) -> Vec<u64> {
        let ranges = rows.ends().between(&self.bounds);
        ranges.map(|range| range.len() as u64).collect()
    }
}

/// Compares two sets of rows within strata.
pub(super) struct Stratifier<'a> {
    strata: &'a Strata,
    clock: Clock,
    has_units: bool,
    inference: Inference<'a>,
    /// Requests of the control and of the treatment by stratum.
    n_requests: [Vec<u64>; 2],
}

impl<'a> Stratifier<'a> {
    /// Of the control's and the treatment's rows; `None` where the whole log is one stratum.
    pub(super) fn new(
        log: &RequestLog,
        inference: Inference<'a>,
        sides: [&UserRows<'_>; 2],
    ) -> Option<Self> {
        let strata = inference.strata?;
        Some(Self {
            strata,
            clock: log.clock,
            has_units: log.units.is_some(),
            inference,
            n_requests: sides.map(|rows| strata.sizes(rows)),
        })
    }

    /// Where the requests of both sides were counted by stratum.
    pub(super) fn of_counts(
        strata: &'a Strata,
        (clock, has_units): (Clock, bool),
        inference: Inference<'a>,
        n_requests: [Vec<u64>; 2],
    ) -> Self {
        Self {
            strata,
            clock,
            has_units,
            inference,
            n_requests,
        }
    }

    /// `pooled` with the effect within strata in its place; `pooled` itself where there is none, as
    /// where nothing varies. `sides` are the metric in the control and in the treatment.
    pub(super) fn effect(
        &self,
        metric: &Metric,
        pooled: Effect,
        sides: [&Observed<'_>; 2],
    ) -> Effect {
        self.effect_of(metric, pooled, self.compare(metric, sides))
    }

    /// [`Self::effect`], once the sides were compared by observation and by unit.
    pub(super) fn effect_of(
        &self,
        metric: &Metric,
        pooled: Effect,
        [by_request, by_unit]: [Option<Stratified>; 2],
    ) -> Effect {
        let has_units = self.has_units;
        let by_unit = by_unit.filter(|_| has_units);
        let unit = if has_units {
            self.inference.unit
        } else {
            InferenceUnit::Request
        };
        let main = match unit {
            InferenceUnit::Unit => &by_unit,
            InferenceUnit::Request => &by_request,
        };
        let Some(main) = main else {
            return pooled;
        };
        let compared = |found: &Option<Stratified>| -> Option<Compared> {
            found.as_ref().map(|found| (found.difference, found.test))
        };
        let effect = assemble(
            metric,
            &Assembled {
                arm: pooled.arm,
                has_units,
                n_units: by_unit.as_ref().map_or(0, |found| found.difference.n),
                by_unit: compared(&by_unit),
                by_request: compared(&by_request),
                relative: relative(metric, main, self.inference.level),
                margin: pooled.margin,
                reading: &|difference| match pooled.verdict {
                    Verdict::NoData => Verdict::NoData,
                    _ => difference.map_or(Verdict::NoData, |d| {
                        let reading = verdict::of_difference(metric, d, pooled.margin);
                        verdict::with_few_events(reading, main.test, self.inference.level)
                    }),
                },
            },
            self.inference,
        );
        let stratified = self.finding(metric, main, &effect, &pooled);
        Effect {
            stratified: Some(stratified),
            ..effect
        }
    }

    /// By observation and by unit.
    fn compare(&self, metric: &Metric, sides: [&Observed<'_>; 2]) -> [Option<Stratified>; 2] {
        let (level, bounds) = (self.inference.level, self.strata.bounds());
        let readings = [Independence::OfObservations, Independence::OfUnits];
        if let Kind::Quantile(_, q) = metric.kind {
            let [a, b] = sides.map(|side| side.layered(bounds));
            return readings.map(|by| stratified_quantiles(&a, &b, (q, by), level));
        }
        let [a, b] = sides.map(|side| LayeredMeans::new(&side.observations().cells(bounds)));
        readings.map(|by| stratified_means(&a, &b, by, level))
    }

    fn finding(
        &self,
        metric: &Metric,
        main: &Stratified,
        effect: &Effect,
        pooled: &Effect,
    ) -> StratifiedEffect {
        let strata: Vec<StratumEffect> = main
            .strata
            .iter()
            .map(|s| StratumEffect {
                from_us: self.strata.spans[s.index].0,
                to_us: self.strata.spans[s.index].1,
                n_requests: [0, 1].map(|side| self.n_requests[side][s.index]).into(),
                weight: s.weight,
                difference: s.difference,
            })
            .collect();
        let variances: Vec<(f64, f64)> = main
            .strata
            .iter()
            .filter_map(|s| {
                let difference = s.difference?;
                Some((difference.value, verdict::variance(&difference, s.test)?))
            })
            .collect();
        let n_all: u64 = self.n_requests.iter().flatten().sum();
        let n_used: u64 = strata.iter().map(|s| s.n_requests.0 + s.n_requests.1).sum();
        let heterogeneity =
            pool(&variances, self.inference.level).and_then(|found| found.heterogeneity);
        let differs = heterogeneity.is_some_and(|test| test.p < 1.0 - self.inference.level);
        let onset = onset(metric, &strata, self.clock).filter(|_| differs);
        StratifiedEffect {
            warning: warning(metric, &strata, effect, pooled),
            onset_us: onset.as_ref().map(|(from_us, _)| *from_us),
            onset: onset.map(|(_, text)| text),
            strata,
            weighted: (main.a.value, main.b.value),
            pooled: pooled.difference,
            pooled_test: pooled.test,
            pooled_verdict: pooled.verdict,
            heterogeneity,
            share_used: n_used as f64 / n_all.max(1) as f64,
        }
    }
}

/// Since when there is harm, with a sentence: the first stage from which on every one shows it, where none
/// before does.
fn onset(metric: &Metric, strata: &[StratumEffect], clock: Clock) -> Option<(i64, String)> {
    let told: Vec<(i64, Estimate)> = strata
        .iter()
        .filter_map(|stratum| Some((stratum.from_us, stratum.difference?)))
        .collect();
    let is_harmed = |(_, d): &&(i64, Estimate)| match metric.direction {
        Direction::LowerIsBetter => d.interval.lower > 0.0,
        Direction::HigherIsBetter => d.interval.upper < 0.0,
        Direction::Neutral => false,
    };
    let n_before = told.iter().take_while(|d| !is_harmed(d)).count();
    let (before, since) = told.split_at(n_before);
    if before.is_empty() || since.is_empty() || !since.iter().all(|d| is_harmed(&d)) {
        return None;
    }
    let listed = |differences: &[(i64, Estimate)]| -> String {
        let values = differences.iter().map(|(_, d)| metric.form.change(d.value));
        values.collect::<Vec<_>>().join(", ")
    };
    let text = format!(
        "Stage by stage no harm is shown before {} ({}), and harm in every stage since ({})",
        units::instant(since[0].0, clock),
        listed(before),
        listed(since),
    );
    Some((since[0].0, text))
}

/// Relative to the control at the same weights, where its interval stays clear of zero.
fn relative(metric: &Metric, found: &Stratified, level: f64) -> Option<Estimate> {
    if let Kind::Quantile(..) = metric.kind {
        return relative_quantile(&found.a, &found.b);
    }
    if found.a.interval.lower <= 0.0 {
        return None;
    }
    if found.difference.method == Method::EffectiveNewcombe {
        return relative_quantile(&found.a, &found.b);
    }
    let variance = |estimate| verdict::variance(estimate, None);
    relative_change(
        (found.a.value, variance(&found.a)?),
        (found.b.value, variance(&found.b)?),
        found.difference.n,
        level,
    )
}

/// Where the figure over the whole log would mislead: one sentence.
fn warning(
    metric: &Metric,
    strata: &[StratumEffect],
    effect: &Effect,
    pooled: &Effect,
) -> Option<String> {
    let (within, over) = (effect.difference?, pooled.difference?);
    let words = |value: f64| match (metric.direction, value > 0.0) {
        (Direction::LowerIsBetter, true) | (Direction::HigherIsBetter, false) => "worse",
        (Direction::LowerIsBetter, false) | (Direction::HigherIsBetter, true) => "better",
        (Direction::Neutral, true) => "higher",
        (Direction::Neutral, false) => "lower",
    };
    let shown = |e: &Estimate| {
        metric
            .form
            .change_with_interval(e.value, e.interval.lower, e.interval.upper)
    };
    let is_clear = |e: &Estimate| !e.interval.contains(0.0);
    let turns = within.value * over.value < 0.0 && (is_clear(&within) || is_clear(&over));
    if turns {
        let own: Vec<f64> = strata
            .iter()
            .filter_map(|s| Some(s.difference?.value))
            .collect();
        let in_every = own.len() > 1 && own.iter().all(|v| v * over.value < 0.0);
        let place = if in_every {
            format!("in every one of the {} stages", own.len())
        } else {
            "within the stages".to_owned()
        };
        return Some(format!(
            "Simpson's paradox between stages: over the whole log {} looks {} ({}), {place} it is {} ({}). Traffic and {} changed while the treatment's share did; only the comparison within stages tells the arms apart",
            metric.words(),
            words(over.value),
            shown(&over),
            words(within.value),
            shown(&within),
            metric.words(),
        ));
    }
    (effect.verdict != pooled.verdict).then(|| {
        format!(
            "Over the whole log {} would read \u{201c}{}\u{201d} ({}); within stages it reads \u{201c}{}\u{201d}. The treatment's share changed with time, so the figure over the whole log mixes the arms with the time",
            metric.words(),
            pooled.verdict.label(),
            shown(&over),
            effect.verdict.label(),
        )
    })
}
