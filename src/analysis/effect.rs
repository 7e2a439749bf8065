//! One arm against the control, for one metric: value, difference, test and verdict.
//!
//! Where the log names units, inference stands on them: ratio metrics by the delta method,
//! quantiles by order statistics widened for clustering (Deng, Knoblich & Lu 2018). The figure
//! that takes requests as independent stands beside it with the design effect.

use super::looks;
use super::metrics::{Kind, Margin, Metric, Observations};
use super::model::{AtUnit, Effect, InferenceUnit, Verdict};
use super::ordered::Ordered;
use super::settings::{AnalysisSettings, Looks};
use super::strata::Strata;
use super::verdict;
use crate::stats::{
    self, Ascending as _, Comparison, Continuity, EffectiveShare, Estimate, FewEvents, Moments,
    RatioMoments, Reference, Share, TestResult, UnitSum, UnitSums, chi_square_2x2, expects_few,
    few_events, fisher_exact, newcombe,
};

/// What every estimate of an analysis stands on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inference<'a> {
    pub(super) level: f64,
    /// The unit that was chosen; requests stand in only where the log names no users.
    pub(super) unit: InferenceUnit,
    pub(super) looks: Looks,
    /// Stretches of time within which arms are compared; `None` compares over the whole log.
    pub(super) strata: Option<&'a Strata>,
}

impl<'a> Inference<'a> {
    /// First row of each stratum but the first.
    pub(super) fn bounds(self) -> &'a [u32] {
        self.strata.map_or(&[], Strata::bounds)
    }

    pub(super) fn new(settings: &AnalysisSettings, strata: Option<&'a Strata>) -> Self {
        Self {
            level: settings.level,
            unit: settings.unit,
            looks: settings.looks,
            strata,
        }
    }
}

/// A metric in one arm, prepared once and used for its value and for every comparison.
pub(super) struct ArmSample {
    pub(super) n: u64,
    /// Number of ones where the metric is a share.
    pub(super) n_events: Option<u64>,
    /// At the chosen unit.
    pub(super) estimate: Option<Estimate>,
    /// The interval that takes requests as independent.
    by_request: Option<Estimate>,
    /// The interval that takes users as independent, or requests where the log names none.
    by_unit: Option<Estimate>,
    pub(super) moments: Moments,
    /// Sums by unit, for shares and means where the log names units.
    units: Option<RatioMoments>,
    /// Of the units' own means, each counted once; beside `units` where the whole log is one stratum.
    own_means: Option<Moments>,
    /// Distinct units; 0 where the log names none.
    n_units: usize,
    /// As many of equal size would tell as much.
    pub(super) effective_units: f64,
}

impl ArmSample {
    /// A share or a mean.
    pub(super) fn new(
        metric: &Metric,
        observations: &Observations<'_>,
        inference: Inference<'_>,
    ) -> Self {
        let counts = observations.counts();
        let n = counts.n() as u64;
        let is_share = matches!(metric.kind, Kind::ErrorShare | Kind::RatedShare)
            || (metric.form == crate::units::ValueForm::Share && n > 0);
        let n_events = is_share.then(|| counts.n_equal(1.0));
        let moments = Moments::from_counts(&counts);
        let coded = observations.coded();
        let has_units = !coded.units.is_empty();
        let mut own_means = None;
        let units = has_units.then(|| {
            // Whole numbers add up without rounding as they are.
            let centre = if is_share { 0.0 } else { moments.mean };
            let mut sums = UnitSums::default();
            let of_units = sums.of(&coded, centre).iter();
            // Within stages users come again, and over them arms would be mixed with time.
            own_means = inference.strata.is_none().then(|| {
                let mut own = Moments::default();
                let means = of_units.clone().map(UnitSum::pair);
                means.for_each(|(sum, n)| own.push(centre + sum / n));
                own
            });
            RatioMoments::of_units(of_units.map(UnitSum::pair), centre)
        });
        Self {
            own_means,
            ..Self::of_moments(n_events, moments, units, inference)
        }
    }

    /// A share, of which the ones were counted, or a mean; with the sums by unit where the log names
    /// units.
    pub(super) fn of_moments(
        n_events: Option<u64>,
        moments: Moments,
        units: Option<RatioMoments>,
        inference: Inference<'_>,
    ) -> Self {
        let level = inference.level;
        let n = moments.n;
        let by_request = match n_events {
            Some(events) => Share { events, n }.wilson(level),
            None => stats::mean_estimate(&moments, level),
        };
        let of_few = |units| {
            let share = EffectiveShare::of_units(units).filter(EffectiveShare::is_few)?;
            share.estimate(level)
        };
        let by_unit = units.as_ref().and_then(|units| match n_events {
            Some(_) => of_few(units).or_else(|| units.share_estimate(Reference::Welch, level)),
            None => units.estimate(Reference::Welch, level),
        });
        let mut sample = Self {
            n,
            n_events,
            estimate: None,
            by_request,
            by_unit: by_unit.or(by_request),
            moments,
            units,
            own_means: None,
            n_units: units.map_or(0, |units| units.units as usize),
            effective_units: units.map_or(0.0, |units| units.effective_units()),
        };
        sample.choose(inference);
        sample
    }

    /// A quantile, from observations that other quantiles may share.
    pub(super) fn of_ordered(ordered: &Ordered<'_>, q: f64, inference: Inference<'_>) -> Self {
        let level = inference.level;
        let mut sample = Self {
            n: ordered.n(),
            n_events: None,
            estimate: None,
            by_request: ordered.by_request(q, level),
            by_unit: ordered.by_unit(q, level),
            moments: ordered.moments,
            units: None,
            own_means: None,
            n_units: ordered.n_units,
            effective_units: ordered.effective_units(),
        };
        sample.choose(inference);
        sample
    }

    fn choose(&mut self, inference: Inference<'_>) {
        self.estimate = match inference.unit {
            InferenceUnit::Unit => self.by_unit,
            InferenceUnit::Request => self.by_request,
        };
    }

    fn share(&self) -> Option<Share> {
        Some(Share {
            events: self.n_events?,
            n: self.n,
        })
    }

    /// Standard error of the value, from the interval that is shown.
    fn variance(&self, level: f64) -> Option<f64> {
        let interval = self.estimate?.interval;
        let z = stats::dist::z_multiplier(level)?;
        let se = (interval.upper - interval.lower) / (2.0 * z);
        se.is_finite().then_some(se * se)
    }
}

/// Distinct ids among small whole numbers.
pub(super) fn n_distinct(ids: impl Iterator<Item = u32>) -> usize {
    let mut seen = Vec::new();
    let is_new = |id: &u32| {
        let id = *id as usize;
        if id >= seen.len() {
            seen.resize(id + 1, false);
        }
        !std::mem::replace(&mut seen[id], true)
    };
    ids.filter(is_new).count()
}

/// A difference with its test, where there is one.
pub(super) type Compared = (Estimate, Option<TestResult>);

/// What an effect is put together from.
pub(super) struct Assembled<'a> {
    pub(super) arm: usize,
    /// Whether the log names users.
    pub(super) has_units: bool,
    /// Units of both arms; requests where the log names none.
    pub(super) n_units: u64,
    pub(super) by_unit: Option<Compared>,
    pub(super) by_request: Option<Compared>,
    /// Of the chosen unit; dropped where there is no difference.
    pub(super) relative: Option<Estimate>,
    pub(super) margin: Option<f64>,
    pub(super) reading: &'a dyn Fn(Option<&Estimate>) -> Verdict,
}

/// Arm minus control, over all rows of both.
pub(super) fn effect(
    metric: &Metric,
    arm: usize,
    control: &ArmSample,
    treated: &ArmSample,
    inference: Inference<'_>,
) -> Effect {
    let level = inference.level;
    let margin = control.estimate.and_then(|c| margin_of(metric, c.value));
    let has_units = control.n_units + treated.n_units > 0;
    let few = few_by_request(control, treated);
    let by_unit = compare_units(metric, control, treated, level);
    let by_request = || compare_requests(metric, control, treated, few, level);
    assemble(
        metric,
        &Assembled {
            arm,
            has_units,
            n_units: (control.n_units + treated.n_units) as u64,
            by_unit,
            by_request: match inference.looks {
                Looks::Fixed => by_request(),
                Looks::Continuous => {
                    looks::exact_shares(control.share(), treated.share(), level).or_else(by_request)
                }
            },
            relative: relative(metric, control, treated, inference),
            margin,
            reading: &|difference| {
                let unit = if has_units {
                    inference.unit
                } else {
                    InferenceUnit::Request
                };
                let reading =
                    verdict::reading(metric, (control, treated), unit, difference, margin);
                let exact = match unit {
                    InferenceUnit::Unit => by_unit.and_then(|(_, test)| test),
                    InferenceUnit::Request => few,
                };
                verdict::with_few_events(reading, exact, level)
            },
        },
        inference,
    )
}

/// The difference with every user counted once, however many requests they sent: of the means of the
/// users' own means. `None` for quantiles, without users, within stages, and where no user has
/// several observations.
pub(super) fn each_unit_once(
    control: &ArmSample,
    treated: &ArmSample,
    inference: Inference<'_>,
) -> Option<Estimate> {
    let (a, b) = (control.own_means.as_ref()?, treated.own_means.as_ref()?);
    let is_alone = a.n == control.n && b.n == treated.n;
    // Means of few events vary by far more than the users who happened to have one.
    if is_alone || few_by_unit(control, treated, inference.level).is_some() {
        return None;
    }
    let found = stats::welch(a, b, inference.level)?;
    match inference.looks {
        Looks::Fixed => Some(found.difference),
        Looks::Continuous => looks::always_valid((found.difference, Some(found.test)), a.n + b.n)
            .map(|(difference, _)| difference),
    }
}

/// Chooses the unit, sets the other beside it, and reads the result.
pub(super) fn assemble(metric: &Metric, parts: &Assembled<'_>, inference: Inference<'_>) -> Effect {
    let Assembled {
        has_units, margin, ..
    } = *parts;
    let (by_unit, by_request) = at_looks(parts, inference.looks);
    // With users known, requests stand in for them only where somebody chose so: too few users is
    // no data.
    let unit = if has_units {
        inference.unit
    } else {
        InferenceUnit::Request
    };
    let main = match unit {
        InferenceUnit::Unit => by_unit,
        InferenceUnit::Request => by_request,
    };
    let design_effect = by_unit
        .zip(by_request)
        .and_then(|(unit, request)| {
            let ratio = width(&unit.0) / width(&request.0);
            ratio.is_finite().then_some(ratio * ratio)
        })
        .filter(|_| has_units);
    let beside = |figures: Option<Compared>, at: InferenceUnit| -> Option<AtUnit> {
        let (difference, test) = figures.filter(|_| has_units && unit != at)?;
        Some(AtUnit {
            difference,
            test: test?,
        })
    };
    let test = main.and_then(|(_, test)| test);
    let difference = main.map(|(difference, _)| difference);
    Effect {
        arm: parts.arm,
        unit,
        difference,
        relative: relative_at_looks(parts, unit, difference, inference.looks),
        test,
        p_adjusted: None,
        by_request: beside(by_unit.and(by_request), InferenceUnit::Request),
        by_unit: beside(by_unit, InferenceUnit::Unit),
        each_unit_once: None,
        design_effect,
        unpaired: None,
        adjusted: None,
        stratified: None,
        unit_warning: verdict::unit_warning(by_unit, by_request, design_effect, inference.level)
            .filter(|_| has_units),
        margin,
        p_non_inferior: difference
            .zip(margin)
            .and_then(|(d, margin)| match inference.looks {
                Looks::Fixed => verdict::non_inferior(metric.direction, &d, margin, test),
                Looks::Continuous => looks::non_inferior(metric.direction, &d, margin),
            }),
        verdict: (parts.reading)(difference.as_ref()),
    }
}

/// Both comparisons as the number of looks demands.
fn at_looks(parts: &Assembled<'_>, looks: Looks) -> (Option<Compared>, Option<Compared>) {
    if looks == Looks::Fixed {
        return (parts.by_unit, parts.by_request);
    }
    let sequence = |figures: Option<Compared>, n_units: Option<u64>| {
        figures.and_then(|f| looks::always_valid(f, n_units.unwrap_or(f.0.n)))
    };
    let units = Some(parts.n_units).filter(|n| *n > 0);
    (
        sequence(parts.by_unit, units),
        sequence(parts.by_request, None),
    )
}

/// The relative change, widened as the difference was.
fn relative_at_looks(
    parts: &Assembled<'_>,
    unit: InferenceUnit,
    difference: Option<Estimate>,
    looks: Looks,
) -> Option<Estimate> {
    let (relative, difference) = (parts.relative?, difference?);
    let fixed = match unit {
        InferenceUnit::Unit => parts.by_unit,
        InferenceUnit::Request => parts.by_request,
    };
    match looks {
        Looks::Fixed => Some(relative),
        Looks::Continuous => looks::widened(relative, &fixed?.0, &difference),
    }
}

fn compare_units(
    metric: &Metric,
    control: &ArmSample,
    treated: &ArmSample,
    level: f64,
) -> Option<Compared> {
    if let Kind::Quantile(..) = metric.kind {
        if control.n_units < 2 || treated.n_units < 2 {
            return None;
        }
        let difference = stats::quantile_difference(&control.by_unit?, &treated.by_unit?)?;
        return Some((difference, stats::quantile_test(&difference)));
    }
    if let Some(found) = few_by_unit(control, treated, level) {
        return Some((found.difference, found.test));
    }
    let (a, b) = (control.units.as_ref()?, treated.units.as_ref()?);
    let found = stats::ratio_difference(a, b, Reference::Welch, level)?;
    Some((found.difference, Some(found.test)))
}

/// Shares of which an arm has few events, by user.
fn few_by_unit(control: &ArmSample, treated: &ArmSample, level: f64) -> Option<FewEvents> {
    let share = |sample: &ArmSample| {
        sample.n_events?;
        EffectiveShare::of_units(sample.units.as_ref()?)
    };
    few_events(&share(control)?, &share(treated)?, level)
}

/// `few` is the exact test where events are too few for the chi-square.
fn compare_requests(
    metric: &Metric,
    control: &ArmSample,
    treated: &ArmSample,
    few: Option<TestResult>,
    level: f64,
) -> Option<Compared> {
    if let Kind::Quantile(..) = metric.kind {
        let difference = stats::quantile_difference(&control.by_request?, &treated.by_request?)?;
        return Some((difference, stats::quantile_test(&difference)));
    }
    if let (Some(a), Some(b)) = (control.share(), treated.share()) {
        let table = [[b.events, b.n - b.events], [a.events, a.n - a.events]];
        let test = few.or_else(|| chi_square_2x2(table, Continuity::None).map(|t| t.test));
        return Some((newcombe(a, b, level)?, test));
    }
    let Comparison {
        difference, test, ..
    } = stats::welch(&control.moments, &treated.moments, level)?;
    Some((difference, Some(test)))
}

/// Fisher's exact test of two shares, where a count expected without a difference is below 5.
fn few_by_request(control: &ArmSample, treated: &ArmSample) -> Option<TestResult> {
    let (a, b) = (control.share()?, treated.share()?);
    let table = [[b.events, b.n - b.events], [a.events, a.n - a.events]];
    let found = expects_few(a, b).then(|| fisher_exact(table)).flatten()?;
    Some(found.test)
}

/// The change relative to the control, where the control's interval stays clear of zero.
fn relative(
    metric: &Metric,
    control: &ArmSample,
    treated: &ArmSample,
    inference: Inference<'_>,
) -> Option<Estimate> {
    let level = inference.level;
    let (a, b) = (control.estimate?, treated.estimate?);
    if let Kind::Quantile(..) = metric.kind {
        return stats::relative_quantile(&a, &b);
    }
    let by_unit = inference.unit == InferenceUnit::Unit;
    if let Some(few) = few_by_unit(control, treated, level).filter(|_| by_unit) {
        return stats::relative_quantile(&few.a, &few.b);
    }
    if a.interval.lower <= 0.0 {
        return None;
    }
    stats::relative_change(
        (a.value, control.variance(level)?),
        (b.value, treated.variance(level)?),
        a.n + b.n,
        level,
    )
}

fn margin_of(metric: &Metric, control: f64) -> Option<f64> {
    metric.margin.map(|margin| match margin {
        Margin::Absolute(size) => size,
        Margin::Relative(share) => share * control.abs(),
    })
}

fn width(estimate: &Estimate) -> f64 {
    estimate.interval.upper - estimate.interval.lower
}
