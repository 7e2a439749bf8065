//! `[rule.score]`: a judge and its metrics.

use super::super::raw::{RawScore, RawScoreMetric, RawWindow};
use super::super::{
    ArmRole, Cmp, Comparison, Condition, LowSample, Metric, PerArm, QuantileMethod, Score,
    ScoreMetric, TimeSpan, Window,
};
use super::{fault, timing::positive};
use crate::error::Result;

/// Reads a score as the rule's one condition: the score does not exceed the marginal one.
pub(super) fn score(raw: RawScore, at: &str) -> Result<Condition> {
    match raw.judge.as_deref() {
        Some("netflix-aca") => {}
        Some(other) => {
            return Err(fault(
                format!("{at}.judge"),
                format!("No judge is called {other:?}"),
            )
            .hint("Write judge = \"netflix-aca\""));
        }
        None => {
            return Err(fault(format!("{at}.judge"), "The score has no judge")
                .hint("Write judge = \"netflix-aca\""));
        }
    }
    let cmp = match raw.abort_cmp {
        None => Cmp::Le,
        Some(cmp @ (Cmp::Le | Cmp::Lt)) => cmp,
        Some(_) => {
            return Err(fault(format!("{at}.abort_cmp"), "A low score aborts")
                .hint("Write \"<=\" or \"<\""));
        }
    };
    let percent = |value: Option<f64>, otherwise: f64, key: &str| match value.unwrap_or(otherwise) {
        value if (0.0..=100.0).contains(&value) => Ok(value),
        value => Err(fault(
            format!("{at}.{key}"),
            format!("A score lies between 0 and 100, not {value}"),
        )),
    };
    let marginal = percent(raw.marginal, 75.0, "marginal")?;
    let score = Score {
        pass: percent(raw.pass, 95.0, "pass")?,
        points: points(raw.points, &format!("{at}.points"))?,
        seed: raw.seed.unwrap_or(1),
        groups: raw.groups,
        metrics: metrics(raw.metrics, at)?,
    };
    if score.pass < marginal {
        return Err(fault(format!("{at}.pass"), "pass is at least marginal"));
    }
    if score.groups.values().any(|weight| *weight < 0.0)
        || score.groups.values().sum::<f64>() > 100.0
    {
        return Err(fault(
            format!("{at}.groups"),
            "Weights of groups are at most 100 together",
        ));
    }
    Ok(Condition {
        name: "score".to_owned(),
        metric: Metric::Score,
        arm: ArmRole::Canary,
        window: Window::Run,
        comparison: Comparison::Value {
            cmp,
            value: marginal,
        },
        scale: 1.0,
        min_n: PerArm::default(),
        require: None,
        empty_as: None,
        drop_zero: false,
        quantile_method: QuantileMethod::default(),
        buckets: Vec::new(),
        no_data: None,
        nan: None,
        low_sample: LowSample::default(),
        stop: false,
        score: Some(Box::new(score)),
    })
}

fn points(raw: Option<RawWindow>, at: &str) -> Result<TimeSpan> {
    let Some(raw) = raw else {
        return Ok(TimeSpan::seconds(60));
    };
    let Some(span) = raw.tumbling else {
        return Err(fault(at, "Points are periods").hint("Write points = { tumbling = \"60s\" }"));
    };
    positive(span, &format!("{at}.tumbling"))?;
    Ok(span)
}

fn metrics(raw: Vec<RawScoreMetric>, at: &str) -> Result<Vec<ScoreMetric>> {
    if raw.is_empty() {
        return Err(fault(format!("{at}.metrics"), "The score has no metrics"));
    }
    let mut metrics: Vec<ScoreMetric> = Vec::new();
    for (i, raw) in raw.into_iter().enumerate() {
        let at = format!("{at}.metrics[{i}]");
        let Some(metric) = raw.metric else {
            return Err(fault(format!("{at}.metric"), "The condition has no metric")
                .hint("Write metric = \"error_share\" or another metric"));
        };
        if matches!(metric, Metric::Score | Metric::Consecutive(_)) {
            return Err(fault(
                format!("{at}.metric"),
                format!("{metric} has no value per period"),
            ));
        }
        let name = raw.name.unwrap_or_else(|| metric.to_string());
        if metrics.iter().any(|known| known.name == name) {
            return Err(fault(at, format!("Two metrics are called {name:?}")));
        }
        let scale = raw.scale.unwrap_or(1.0);
        if !(scale.is_finite() && scale != 0.0) {
            return Err(fault(
                format!("{at}.scale"),
                "scale is a number other than 0",
            ));
        }
        metrics.push(ScoreMetric {
            group: raw.group.unwrap_or_else(|| "default".to_owned()),
            name,
            metric,
            scale,
            direction: raw.direction.unwrap_or_default(),
            critical: raw.critical,
            must_have_data: raw.must_have_data,
            nan: raw.nan.unwrap_or_default(),
            outlier_factor: raw.outlier_factor,
            quantile_method: raw.quantile_method.unwrap_or_default(),
            effect: raw.effect.unwrap_or_default(),
        });
    }
    Ok(metrics)
}
