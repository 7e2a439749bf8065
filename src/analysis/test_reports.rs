//! The tests behind the scorecard, side by side, with what each takes for granted.

use std::borrow::Cow;

use rayon::prelude::*;

use super::health::INDEPENDENCE;
use super::metrics::{Kind, Metric};
use super::model::{
    ArmSummary, Assumption, CovariateFinding, CovariateSource, Effect, HealthCheck, Holds,
    InferenceUnit, ScorecardRow, Severity, StrategyFinding, TestLine, TestReport,
};
use super::ordered::Latencies;
use crate::data::{Clock, RequestLog};
use crate::stats::mann_whitney::PValue;
use crate::stats::{
    Continuity, Counts, Moments, Share, Variance, chi_square_2x2, expected_counts, fisher_exact,
    mann_whitney_counts, student, two_proportions, welch,
};

/// One report per metric and arm other than the control.
pub(super) fn reports(
    log: &RequestLog,
    (metrics, scorecard): (&[Metric], &[ScorecardRow]),
    (rows, latencies): (&[Vec<u32>], &Latencies<'_>),
    (strategy, covariate): (&StrategyFinding, Option<&CovariateFinding>),
    (arms, control): (&[ArmSummary], usize),
    level: f64,
) -> Vec<TestReport> {
    let of_metric = |(metric, row): (&Metric, &ScorecardRow)| -> Vec<TestReport> {
        let counts = |arm: usize| match metric.kind {
            Kind::Quantile(quantity, _) => {
                let arms = latencies.arms(quantity)?;
                Some(Cow::Borrowed(&arms[arm].ordered.counts))
            }
            _ => Some(Cow::Owned(metric.counts(log, &rows[arm]))),
        };
        let share = |arm: usize| {
            let value = &row.values[arm];
            let events = value.numerator?;
            Some(Share { events, n: value.n })
        };
        // Only means and the median are tested on the values themselves.
        let is_tail = matches!(metric.kind, Kind::Quantile(_, q) if q != 0.5);
        let mut of_control = None;
        let mut reports = Vec::new();
        for effect in &row.effects {
            let mut tests = scorecard_lines(effect);
            tests.extend(adjusted_line(effect, covariate));
            let mut ones = None;
            if let Some((a, b)) = share(control).zip(share(effect.arm)) {
                tests.extend(share_tests(a, b, level));
                ones = Some(a.events + b.events);
            } else if !is_tail {
                // The mean stands beside the median: both are asked for, one table holds both.
                let a = of_control.get_or_insert_with(|| counts(control)).as_ref();
                if let Some((a, b)) = a.zip(counts(effect.arm)) {
                    tests.extend(mean_tests(a, &b, level));
                    ones = n_ones(a).zip(n_ones(&b)).map(|(a, b)| a + b);
                }
            }
            if tests.is_empty() {
                continue;
            }
            let values = [control, effect.arm].map(|arm| &row.values[arm]);
            let sizes = values.map(|value| value.n);
            // An interval by user stands on so many users, however many requests they sent.
            let smaller = match effect.unit {
                InferenceUnit::Unit => values.map(|value| {
                    let n = value.estimate.map_or(0, |e| e.n);
                    arms[value.arm].n_units.map_or(n, |users| users.min(n))
                }),
                InferenceUnit::Request => sizes,
            };
            let smaller = smaller[0].min(smaller[1]);
            reports.push(TestReport {
                metric: metric.id.clone(),
                label: metric.label.clone(),
                form: metric.form,
                arm: effect.arm,
                tests,
                assumptions: assumptions(
                    metric.kind,
                    effect,
                    (strategy, log.clock),
                    (smaller, sizes),
                    ones,
                )
                .into_iter()
                .chain(
                    covariate
                        .filter(|_| !matches!(metric.kind, Kind::Quantile(..)))
                        .map(|found| before_exposure(effect, found)),
                )
                .collect(),
            });
        }
        reports
    };
    let reports = metrics.par_iter().zip(scorecard).map(of_metric);
    reports.collect::<Vec<_>>().concat()
}

/// The effect adjusted for what was known before exposure, with what that gained.
fn adjusted_line(effect: &Effect, covariate: Option<&CovariateFinding>) -> Option<TestLine> {
    let (adjusted, covariate) = (effect.adjusted?, covariate?);
    let gain = if adjusted.variance_reduction >= 0.0 {
        format!("{} less", crate::units::share(adjusted.variance_reduction))
    } else {
        format!("{} more", crate::units::share(-adjusted.variance_reduction))
    };
    let note = format!(
        "adjusted for {} (CUPED): variance {gain} than unadjusted; decides nothing",
        covariate.label
    );
    let (test, difference) = (adjusted.test, Some(adjusted.difference));
    Some(line(InferenceUnit::Unit, test, difference, &note))
}

/// Whether the covariate may be one.
fn before_exposure(effect: &Effect, covariate: &CovariateFinding) -> Assumption {
    let text = format!(
        "{} was known before exposure",
        upper_first(&covariate.label)
    );
    let counts = covariate.n_units.map(crate::units::count);
    let found = match (&covariate.refused, effect.adjusted) {
        (Some(why), _) => (Holds::No, format!("Not adjusted, because {why}")),
        (None, None) => (
            Holds::Unknown,
            "Nothing to adjust: nothing varies".to_owned(),
        ),
        (None, Some(_)) => (
            match covariate.source {
                CovariateSource::TimeBefore => Holds::Yes,
                CovariateSource::Column => Holds::Unknown,
            },
            format!(
                "{} and {} users have a value, others count with the mean; the arms do not differ in it beyond chance (p {})",
                counts[0],
                counts[1],
                covariate
                    .p_balance
                    .map_or_else(|| crate::units::NO_VALUE.to_owned(), crate::units::p_value)
            ),
        ),
    };
    assumption(&text, found)
}

fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>());
    first.unwrap_or_default() + chars.as_str()
}

/// How many are 1, where all are 0 or 1.
fn n_ones(counts: &Counts<'_>) -> Option<u64> {
    let is_share = counts.groups().all(|(v, _)| v == 0.0 || v == 1.0);
    is_share.then(|| counts.n_equal(1.0))
}

fn line(
    unit: InferenceUnit,
    result: crate::stats::TestResult,
    difference: Option<crate::stats::Estimate>,
    note: &str,
) -> TestLine {
    TestLine {
        unit,
        result,
        difference,
        note: note.to_owned(),
    }
}

fn scorecard_lines(effect: &Effect) -> Vec<TestLine> {
    let note = match effect.unit {
        InferenceUnit::Unit => "used in the scorecard",
        InferenceUnit::Request if effect.by_unit.is_some() => "used in the scorecard, as chosen",
        InferenceUnit::Request => "used in the scorecard; the log names no users",
    };
    let main = effect
        .test
        .map(|test| line(effect.unit, test, effect.difference, note));
    let by_request = effect.by_request.as_ref().map(|r| {
        line(
            InferenceUnit::Request,
            r.test,
            Some(r.difference),
            "takes requests of one user as independent",
        )
    });
    let by_unit = effect.by_unit.map(|r| {
        line(
            InferenceUnit::Unit,
            r.test,
            Some(r.difference),
            "allows for requests of one user that resemble each other",
        )
    });
    let unpaired = effect.unpaired.map(|r| {
        let note = "takes the arms as independent: not used where they answered the same requests";
        line(effect.unit, r.test, Some(r.difference), note)
    });
    let stages = effect.stratified.as_ref();
    let pooled = stages.and_then(|s| {
        let note = "over the whole log, stages mixed: not used where shares changed";
        Some(line(effect.unit, s.pooled_test?, s.pooled, note))
    });
    let heterogeneity = stages.and_then(|s| s.heterogeneity).map(|test| {
        let note = "whether the effect differs between stages";
        line(effect.unit, test, None, note)
    });
    main.into_iter()
        .chain(by_request)
        .chain(by_unit)
        .chain(unpaired)
        .chain(pooled)
        .chain(heterogeneity)
        .collect()
}

fn share_tests(a: Share, b: Share, level: f64) -> Vec<TestLine> {
    let table = [
        [b.events, b.n.saturating_sub(b.events)],
        [a.events, a.n.saturating_sub(a.events)],
    ];
    let yates = chi_square_2x2(table, Continuity::Yates).map(|t| {
        line(
            InferenceUnit::Request,
            t.test,
            None,
            "conservative for small counts",
        )
    });
    let fisher = fisher_exact(table)
        .map(|t| line(InferenceUnit::Request, t.test, None, "exact for any count"));
    let z = two_proportions(a, b, Variance::Pooled, level).map(|c| {
        line(
            InferenceUnit::Request,
            c.test,
            Some(c.difference),
            "its square is the chi-square statistic",
        )
    });
    let unpooled = two_proportions(a, b, Variance::Unpooled, level).map(|c| {
        line(
            InferenceUnit::Request,
            c.test,
            Some(c.difference),
            "a variance for each arm, as the test by user has",
        )
    });
    yates
        .into_iter()
        .chain(fisher)
        .chain(z)
        .chain(unpooled)
        .collect()
}

fn mean_tests(a: &Counts<'_>, b: &Counts<'_>, level: f64) -> Vec<TestLine> {
    let (ma, mb) = (Moments::from_counts(a), Moments::from_counts(b));
    let welch = welch(&ma, &mb, level).map(|c| {
        line(
            InferenceUnit::Request,
            c.test,
            Some(c.difference),
            "difference of means, variances may differ",
        )
    });
    let student = student(&ma, &mb, level).map(|c| {
        line(
            InferenceUnit::Request,
            c.test,
            Some(c.difference),
            "difference of means, equal variances",
        )
    });
    let ranks = mann_whitney_counts(a, b, PValue::Automatic).map(|t| {
        line(
            InferenceUnit::Request,
            t.test,
            None,
            "compares ranks; not misled by outliers",
        )
    });
    welch.into_iter().chain(student).chain(ranks).collect()
}

/// What inference takes for granted of its unit.
const OF_USERS: &str = "Users are independent of each other";
const OF_REQUESTS: &str = "Requests are independent of each other";

/// Where requests of different users were found to resemble their neighbours, neither users nor requests
/// are independent, whatever else was found.
pub(super) fn heed_neighbours(reports: &mut [TestReport], health: &[HealthCheck]) {
    let is_warning = |check: &&HealthCheck| check.severity > Severity::Note;
    let mut of_id = health.iter().filter(|check| check.id == INDEPENDENCE);
    let Some(check) = of_id.find(is_warning) else {
        return;
    };
    let assumptions = reports
        .iter_mut()
        .flat_map(|report| &mut report.assumptions);
    for assumption in assumptions.filter(|a| [OF_USERS, OF_REQUESTS].contains(&a.text.as_str())) {
        assumption.holds = Holds::No;
        assumption.why = format!("{}. {}", check.finding, assumption.why);
    }
}

fn assumptions(
    kind: Kind,
    effect: &Effect,
    (strategy, clock): (&StrategyFinding, Clock),
    (smaller, sizes): (u64, [u64; 2]),
    ones: Option<u64>,
) -> Vec<Assumption> {
    let mut list = Vec::new();
    let independence = match (effect.unit, effect.design_effect) {
        (InferenceUnit::Unit, Some(deff)) => (
            Holds::Yes,
            format!(
                "Users are the unit, which allows for requests of one user that resemble each other (design effect {})",
                crate::units::number(deff)
            ),
        ),
        (InferenceUnit::Request, Some(deff)) => (
            if deff > 1.2 {
                Holds::No
            } else {
                Holds::Unknown
            },
            format!(
                "Requests are the unit by choice, although users are known; the design effect here is {}",
                crate::units::number(deff)
            ),
        ),
        (InferenceUnit::Unit, None) => (Holds::Yes, "Users are the unit".to_owned()),
        (InferenceUnit::Request, None) => (
            Holds::Unknown,
            "The log names no users: if users send several requests, intervals are too narrow"
                .to_owned(),
        ),
    };
    let text = match effect.unit {
        InferenceUnit::Unit => OF_USERS,
        InferenceUnit::Request => OF_REQUESTS,
    };
    list.push(assumption(text, independence));
    let alike = if strategy.strategy.is_concurrent() {
        let why = format!("{}; see health for the split", strategy.why);
        (Holds::Unknown, why)
    } else if strategy.is_order_known(clock) {
        (Holds::No, strategy.consequence.clone())
    } else {
        (Holds::Unknown, strategy.consequence.clone())
    };
    list.push(assumption(
        "Nothing but the arm differs between the groups",
        alike,
    ));
    list.extend(effect.stratified.as_ref().map(|stages| {
        let text = "The effect is about the same in every stage";
        let found = match stages.heterogeneity {
            Some(test) => (
                if test.p < 0.05 { Holds::No } else { Holds::Yes },
                format!(
                    "Cochran's Q over {} stages: {}. {}",
                    test.df.map_or(stages.strata.len(), |df| df as usize + 1),
                    crate::units::p_is(test.p),
                    if matches!(kind, Kind::Quantile(..)) {
                        "The difference is that of both arms' quantiles with the stages weighted alike, by how far both arms ran in each: it is no average of the stages' differences, and can lie outside all of them"
                    } else {
                        "The combined effect is an average over stages, weighted by how far both arms ran in each"
                    },
                ),
            ),
            None => (Holds::Unknown, "One stage has both arms".to_owned()),
        };
        assumption(text, found)
    }));
    let size = if smaller >= 500 {
        Holds::Yes
    } else if smaller >= 50 {
        Holds::Unknown
    } else {
        Holds::No
    };
    list.push(assumption(
        "The samples are large enough for normal theory",
        (
            size,
            match effect.unit {
                InferenceUnit::Unit => {
                    format!("The smaller arm has {} users", crate::units::count(smaller))
                }
                InferenceUnit::Request => format!(
                    "The smaller arm has {} observations",
                    crate::units::count(smaller)
                ),
            },
        ),
    ));
    if let Some(ones) = ones {
        let rarer = ones.min(sizes[0] + sizes[1] - ones);
        let shares = sizes.map(|n| n as f64);
        let smallest = expected_counts(&[rarer, 0], &shares)
            .map_or(0.0, |e| e.into_iter().fold(f64::INFINITY, f64::min));
        let holds = if smallest >= 5.0 {
            Holds::Yes
        } else {
            Holds::No
        };
        list.push(assumption(
            "Every expected count is at least 5 (chi-square)",
            (
                holds,
                format!("The smallest is {}", crate::units::number(smallest)),
            ),
        ));
    }
    list
}

fn assumption(text: &str, (holds, why): (Holds, String)) -> Assumption {
    Assumption {
        text: text.to_owned(),
        holds,
        why,
    }
}
