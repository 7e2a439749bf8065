//! The tests behind the scorecard, side by side, with what each takes for granted.

use super::metrics::{Kind, Metric};
use super::model::{
    Assumption, Effect, Holds, InferenceUnit, ScorecardRow, StrategyFinding, TestLine, TestReport,
};
use crate::data::RequestLog;
use crate::stats::mann_whitney::PValue;
use crate::stats::{
    Continuity, Moments, Share, Variance, chi_square_2x2, expected_counts, fisher_exact,
    mann_whitney, student, two_proportions, welch,
};

/// One report per metric and arm other than the control.
pub(super) fn reports(
    log: &RequestLog,
    metrics: &[Metric],
    rows: &[Vec<u32>],
    scorecard: &[ScorecardRow],
    strategy: &StrategyFinding,
    control: usize,
    level: f64,
) -> Vec<TestReport> {
    let mut reports = Vec::new();
    for (metric, row) in metrics.iter().zip(scorecard) {
        let a = metric.observe(log, &rows[control]).values;
        for effect in &row.effects {
            let b = metric.observe(log, &rows[effect.arm]).values;
            let mut tests = scorecard_lines(effect);
            match (
                metric.kind,
                row.values[control].numerator,
                row.values[effect.arm].numerator,
            ) {
                (_, Some(x), Some(y)) => {
                    tests.extend(share_tests(
                        Share {
                            events: x,
                            n: a.len() as u64,
                        },
                        Share {
                            events: y,
                            n: b.len() as u64,
                        },
                        level,
                    ));
                }
                (Kind::Quantile(_, q), ..) if q != 0.5 => {}
                // The mean stands beside the median: both are asked for, one table holds both.
                _ => tests.extend(mean_tests(&a, &b, level)),
            }
            if tests.is_empty() {
                continue;
            }
            reports.push(TestReport {
                metric: metric.id.clone(),
                label: metric.label.clone(),
                form: metric.form,
                arm: effect.arm,
                tests,
                assumptions: assumptions(effect, strategy, &a, &b),
            });
        }
    }
    reports
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
        InferenceUnit::Unit => "used for the decision",
        InferenceUnit::Request if effect.by_unit.is_some() => "used for the decision, as chosen",
        InferenceUnit::Request => "used for the decision; the log names no users",
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

fn mean_tests(a: &[f64], b: &[f64], level: f64) -> Vec<TestLine> {
    let (ma, mb) = (Moments::from_slice(a), Moments::from_slice(b));
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
    let ranks = mann_whitney(a, b, PValue::Automatic).map(|t| {
        line(
            InferenceUnit::Request,
            t.test,
            None,
            "compares ranks; not misled by outliers",
        )
    });
    welch.into_iter().chain(student).chain(ranks).collect()
}

fn assumptions(
    effect: &Effect,
    strategy: &StrategyFinding,
    a: &[f64],
    b: &[f64],
) -> Vec<Assumption> {
    let mut list = Vec::new();
    let independence = match (effect.unit, effect.design_effect) {
        (InferenceUnit::Unit, Some(deff)) => (
            Holds::Yes,
            format!(
                "Users are the unit, and requests of one user may resemble each other; the design effect here is {}",
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
    list.push(assumption(
        "Observations are independent of each other",
        independence,
    ));
    list.push(assumption(
        "Nothing but the arm differs between the groups",
        if strategy.strategy.is_concurrent() {
            (
                Holds::Unknown,
                format!("{}; see health for the split", strategy.why),
            )
        } else {
            (Holds::No, strategy.consequence.clone())
        },
    ));
    list.extend(effect.stratified.as_ref().map(|stages| {
        let text = "The effect is about the same in every stage";
        let found = match stages.heterogeneity {
            Some(test) => (
                if test.p < 0.05 { Holds::No } else { Holds::Yes },
                format!(
                    "Cochran's Q over {} stages: p = {}. The combined effect is an average over stages, weighted by how far both arms ran in each",
                    stages.strata.len(),
                    crate::units::p_value(test.p)
                ),
            ),
            None => (Holds::Unknown, "One stage has both arms".to_owned()),
        };
        assumption(text, found)
    }));
    let n = a.len().min(b.len());
    let size = if n >= 500 {
        Holds::Yes
    } else if n >= 50 {
        Holds::Unknown
    } else {
        Holds::No
    };
    list.push(assumption(
        "The samples are large enough for normal theory",
        (
            size,
            format!(
                "The smaller arm has {} observations",
                crate::units::count(n as u64)
            ),
        ),
    ));
    if a.iter().chain(b).all(|v| *v == 0.0 || *v == 1.0) {
        let ones = |values: &[f64]| values.iter().filter(|v| **v == 1.0).count() as u64;
        let counts = [
            ones(a) + ones(b),
            (a.len() + b.len()) as u64 - ones(a) - ones(b),
        ];
        let shares = [a.len() as f64, b.len() as f64];
        let smallest = expected_counts(&[counts[0].min(counts[1]), 0], &shares)
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
