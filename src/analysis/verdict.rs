//! What a difference means: its interval against zero and the margin, and where the unit matters.

use super::effect::{ArmSample, Compared};
use super::metrics::Metric;
use super::model::{Direction, InferenceUnit, MetricRole, Verdict};
use crate::stats::{Estimate, TestName, TestResult, dist};

/// A difference that few events alone make is none: the interval of a share is too short where an
/// expected count is below 5, and Fisher's test is exact. Other tests of `found` change nothing.
pub(super) fn with_few_events(verdict: Verdict, found: Option<TestResult>, level: f64) -> Verdict {
    let is_exact = |name| matches!(name, TestName::FisherExact | TestName::EffectiveFisher);
    let is_clear = found.is_none_or(|test| !is_exact(test.name) || test.p < 1.0 - level);
    match verdict {
        Verdict::Worse | Verdict::WorseMarginOpen | Verdict::Better if !is_clear => {
            Verdict::Inconclusive
        }
        Verdict::Changed if !is_clear => Verdict::NoClearChange,
        verdict => verdict,
    }
}

/// What is clear only before correction for many metrics, arms or segments is not clear.
pub(super) fn after_correction(verdict: Verdict, is_clear: bool) -> Verdict {
    match verdict {
        Verdict::Worse | Verdict::WorseMarginOpen if !is_clear => Verdict::Inconclusive,
        Verdict::Better if !is_clear => Verdict::WithinMargin,
        Verdict::Changed if !is_clear => Verdict::NoClearChange,
        verdict => verdict,
    }
}

/// Fewer observations than this in an arm tell nothing.
const MIN_OBSERVATIONS: u64 = 20;
/// Nor do fewer users, however many requests they sent: how they vary is a guess from so few. One who sent
/// most of them makes few of many.
const MIN_UNITS: f64 = 5.0;

/// The verdict, or that there is too little to give one.
pub(super) fn reading(
    metric: &Metric,
    (control, treated): (&ArmSample, &ArmSample),
    unit: InferenceUnit,
    difference: Option<&Estimate>,
    margin: Option<f64>,
) -> Verdict {
    let n_units = control.effective_units.min(treated.effective_units);
    let has_few_units = unit == InferenceUnit::Unit && n_units < MIN_UNITS;
    if control.n.min(treated.n) < MIN_OBSERVATIONS || has_few_units {
        return Verdict::NoData;
    }
    // Two arms that never vary and agree need no interval to be told equal.
    let is_same_constant = control.moments.m2 == 0.0
        && treated.moments.m2 == 0.0
        && control.moments.mean == treated.moments.mean;
    match difference {
        Some(difference) => of_difference(metric, difference, margin),
        None if !is_same_constant => Verdict::NoData,
        None => match basis(metric, margin) {
            (Direction::Neutral, None) => Verdict::NoClearChange,
            _ => Verdict::WithinMargin,
        },
    }
}

/// The verdict on a difference of a metric in its role.
pub(super) fn of_difference(
    metric: &Metric,
    difference: &Estimate,
    margin: Option<f64>,
) -> Verdict {
    let (direction, margin) = basis(metric, margin);
    verdict(direction, difference, margin)
}

/// A metric that is only told is neither better nor worse, whatever its direction.
fn basis(metric: &Metric, margin: Option<f64>) -> (Direction, Option<f64>) {
    match metric.role {
        MetricRole::Neutral | MetricRole::Ignored => (Direction::Neutral, None),
        _ => (metric.direction, margin),
    }
}

/// Squared standard error behind an interval: its width over twice the multiplier of its test.
pub(super) fn variance(estimate: &Estimate, test: Option<TestResult>) -> Option<f64> {
    let multiplier = match test.and_then(|test| test.t_df()) {
        Some(df) => dist::t_multiplier(estimate.level, df)?,
        None => dist::z_multiplier(estimate.level)?,
    };
    let se = (estimate.interval.upper - estimate.interval.lower) / (2.0 * multiplier);
    (se > 0.0 && se.is_finite()).then_some(se * se)
}

/// Where one unit says "clear" and the other does not.
pub(super) fn unit_warning(
    by_unit: Option<Compared>,
    by_request: Option<Compared>,
    design_effect: Option<f64>,
    level: f64,
) -> Option<String> {
    let p = |figures: Option<Compared>| Some(figures?.1?.p);
    let (unit, request) = (p(by_unit)?, p(by_request)?);
    let alpha = 1.0 - level;
    let figures = |p| crate::units::p_is(p);
    let deff = design_effect.map_or_else(String::new, |d| {
        format!(" (design effect {})", crate::units::number(d))
    });
    if request < alpha && unit >= alpha {
        Some(format!(
            "By request this would look clear ({}), by user it is not ({}): requests of one user resemble each other{deff}, so the figure by request overstates the evidence",
            figures(request),
            figures(unit)
        ))
    } else if unit < alpha && request >= alpha {
        Some(format!(
            "By user this is clear ({}), by request it is not ({}){deff}: users were assigned, so the figure by user stands",
            figures(unit),
            figures(request)
        ))
    } else {
        None
    }
}

/// One-sided p-value that the change for the worse exceeds the margin, with the standard error that
/// the interval has on that side; for neutral metrics the greater of both sides (two one-sided
/// tests, Schuirmann 1987).
pub(super) fn non_inferior(
    direction: Direction,
    difference: &Estimate,
    margin: f64,
    test: Option<TestResult>,
) -> Option<f64> {
    let Estimate {
        value,
        interval,
        level,
        ..
    } = *difference;
    let df = test.and_then(|test| test.t_df());
    let multiplier = match df {
        Some(df) => dist::t_multiplier(level, df)?,
        None => dist::z_multiplier(level)?,
    };
    let one_side = |room: f64, side: f64| -> Option<f64> {
        let se = side / multiplier;
        if !(se > 0.0 && se.is_finite()) {
            return None;
        }
        let tails = match df {
            Some(df) => dist::t_tails(room / se, df),
            None => dist::normal_tails(room / se),
        };
        Some(tails.upper())
    };
    let up = || one_side(margin - value, interval.upper - value);
    let down = || one_side(margin + value, value - interval.lower);
    match direction {
        Direction::LowerIsBetter => up(),
        Direction::HigherIsBetter => down(),
        Direction::Neutral => Some(up()?.max(down()?)),
    }
}

/// The reading of a difference: see [`Verdict`].
fn verdict(direction: Direction, difference: &Estimate, margin: Option<f64>) -> Verdict {
    let interval = difference.interval;
    // Towards worse is positive from here on.
    let (low, high, value) = match (direction, margin) {
        (Direction::LowerIsBetter, _) => (interval.lower, interval.upper, difference.value),
        (Direction::HigherIsBetter, _) => (-interval.upper, -interval.lower, -difference.value),
        (Direction::Neutral, Some(margin)) => return equivalence(difference, margin),
        (Direction::Neutral, None) => {
            return if interval.contains(0.0) {
                Verdict::NoClearChange
            } else {
                Verdict::Changed
            };
        }
    };
    let margin = margin.unwrap_or(0.0);
    if high < 0.0 {
        Verdict::Better
    } else if high <= margin {
        Verdict::WithinMargin
    } else if low > 0.0 && value > margin {
        Verdict::Worse
    } else if low > 0.0 {
        Verdict::WorseMarginOpen
    } else {
        Verdict::Inconclusive
    }
}

/// A guardrail that may move neither way: any change beyond the margin is for the worse.
fn equivalence(difference: &Estimate, margin: f64) -> Verdict {
    let interval = difference.interval;
    if interval.lower >= -margin && interval.upper <= margin {
        Verdict::WithinMargin
    } else if !interval.contains(0.0) && difference.value.abs() > margin {
        Verdict::Worse
    } else {
        Verdict::Inconclusive
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Interval, Method};

    fn check(
        direction: Direction,
        lower: f64,
        upper: f64,
        margin: impl Into<Option<f64>>,
        expected: Verdict,
    ) {
        let value = f64::midpoint(lower, upper);
        let estimate = Estimate {
            value,
            interval: Interval { lower, upper },
            level: 0.95,
            method: Method::Welch,
            n: 100,
        };
        assert_eq!(
            verdict(direction, &estimate, margin.into()),
            expected,
            "{lower} {upper}"
        );
    }

    #[test]
    fn verdicts_read_the_interval_against_zero_and_margin() {
        let lower = Direction::LowerIsBetter;
        check(lower, -3.0, -1.0, 1.0, Verdict::Better);
        check(lower, -1.0, 0.5, 1.0, Verdict::WithinMargin);
        check(lower, 0.2, 0.8, 1.0, Verdict::WithinMargin);
        check(lower, -1.0, 2.0, 1.0, Verdict::Inconclusive);
        check(lower, 0.1, 1.5, 1.0, Verdict::WorseMarginOpen);
        check(lower, 0.9, 3.0, 1.0, Verdict::Worse);
        check(Direction::HigherIsBetter, -3.0, -0.9, 1.0, Verdict::Worse);
        check(Direction::HigherIsBetter, 1.0, 2.0, 1.0, Verdict::Better);
        let neither = Direction::Neutral;
        check(neither, -1.0, 1.0, None, Verdict::NoClearChange);
        check(neither, 1.0, 2.0, None, Verdict::Changed);
        check(neither, -0.5, 0.9, 1.0, Verdict::WithinMargin);
        check(neither, -3.0, -1.0, 1.0, Verdict::Worse);
        check(neither, -1.5, 0.9, 1.0, Verdict::Inconclusive);
    }

    #[test]
    fn non_inferiority_agrees_with_the_interval() {
        let estimate = Estimate {
            value: 0.3,
            interval: Interval {
                lower: -0.4,
                upper: 1.0,
            },
            level: 0.95,
            method: Method::Welch,
            n: 100,
        };
        // The margin at the interval's end is where the one-sided test has half of alpha.
        let p = |direction, margin| non_inferior(direction, &estimate, margin, None).unwrap();
        assert!((p(Direction::LowerIsBetter, 1.0) - 0.025).abs() < 1e-12);
        assert!((p(Direction::HigherIsBetter, 0.4) - 0.025).abs() < 1e-12);
        assert!((p(Direction::Neutral, 1.0) - 0.025).abs() < 1e-12);
        assert!(p(Direction::LowerIsBetter, 0.3) == 0.5);
    }

    /// An interval beside a chi-square test is no interval of Student's t with one degree of freedom.
    #[test]
    fn only_the_df_of_a_t_test_widen_what_an_interval_is_read_by() {
        let estimate = Estimate {
            value: -0.006,
            interval: crate::stats::Interval {
                lower: -0.0128,
                upper: 0.0015,
            },
            level: 0.95,
            n: 1000,
            method: crate::stats::Method::EffectiveNewcombe,
        };
        let test = |name, df| TestResult {
            name,
            statistic: 1.0,
            df: Some(df),
            p: 0.3,
            ln_p: -1.2,
        };
        let se = |test| variance(&estimate, Some(test)).unwrap().sqrt();
        let by_normal = 0.0143 / (2.0 * 1.959_963_984_540_054);
        let chi_square = test(crate::stats::TestName::EffectiveChiSquare, 1.0);
        assert!((se(chi_square) - by_normal).abs() < 1e-12);
        let by_t = 0.0143 / (2.0 * 2.228_138_851_986_273);
        assert!((se(test(crate::stats::TestName::DeltaWelch, 10.0)) - by_t).abs() < 1e-9);
    }
}
