//! Regressions and models of traffic as they are typed.

use crate::lab::{Harm, Injection, Onset, TrafficModel};

/// `latency=1.5x@ramp`.
pub(super) fn injection(text: &str) -> Result<Injection, String> {
    let (harm, onset) = match text.split_once('@') {
        Some((harm, onset)) => (harm, self::onset(onset)?),
        None => (text, Onset::Start),
    };
    let (what, size) = harm
        .split_once('=')
        .ok_or("write WHAT=SIZE, such as errors=0.02")?;
    let factor = || size.strip_suffix('x').and_then(positive);
    let harm = match what {
        "errors" => positive(size)
            .filter(|share| *share <= 1.0)
            .map(|share| Harm::Errors { share }),
        "latency" => match size.strip_prefix('+') {
            Some(ms) => positive(ms).map(|ms| Harm::LatencyPlus { ms }),
            None => factor().map(|factor| Harm::LatencyTimes { factor }),
        },
        "tail" => factor().map(|factor| Harm::LatencyTail { factor }),
        "rating" => size
            .strip_prefix('-')
            .and_then(positive)
            .map(|drop| Harm::Rating { drop }),
        "tokens" => factor().map(|factor| Harm::Tokens { factor }),
        _ => return Err("what gets worse is errors, latency, tail, rating or tokens".to_owned()),
    };
    let harm = harm.ok_or_else(|| {
        format!("{size:?} is no size of {what}: write errors=0.02, latency=1.5x, latency=+500, tail=3x, rating=-0.5 or tokens=2x")
    })?;
    Ok(Injection { harm, onset })
}

fn onset(text: &str) -> Result<Onset, String> {
    let stage = |prefix: &str| {
        text.strip_prefix(prefix)?
            .parse::<usize>()
            .ok()?
            .checked_sub(1)
    };
    match text {
        "start" => Ok(Onset::Start),
        "ramp" => Ok(Onset::Ramp),
        _ => stage("stage")
            .map(Onset::Stage)
            .or_else(|| stage("mid").map(Onset::MidStage))
            .ok_or_else(|| "a regression begins @start, @stage2, @mid2 or @ramp".to_owned()),
    }
}

/// `errors=0.02,requests=200000`.
pub(super) fn model(text: &str) -> Result<TrafficModel, String> {
    let mut model = TrafficModel::default();
    for part in text.split(',') {
        let (key, value) = part
            .split_once('=')
            .and_then(|(key, value)| Some((key.trim(), not_negative(value)?)))
            .ok_or_else(|| format!("{part:?} is not KEY=NUMBER"))?;
        let is_share = value <= 1.0;
        match key {
            "errors" if is_share => model.error_share = value,
            "rated" if is_share => model.rated_share = value,
            "errors" | "rated" => return Err(format!("{key} is a share of 0 to 1")),
            "latency" => model.latency_ms = value,
            "spread" => model.latency_sd_log = value,
            "rate" if value > 0.0 => model.per_second = value,
            "requests" if (100.0..=50e6).contains(&value) => model.requests = value as u32,
            "rate" | "requests" => return Err(format!("{value} is no {key} of a rollout")),
            _ => {
                return Err(format!(
                    "{key:?} is unknown; the keys are errors, requests, rate, latency, spread, rated"
                ));
            }
        }
    }
    Ok(model)
}

fn positive(text: &str) -> Option<f64> {
    not_negative(text).filter(|value| *value > 0.0)
}

fn not_negative(text: &str) -> Option<f64> {
    let value = text.trim().parse::<f64>().ok()?;
    (value >= 0.0 && value.is_finite()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, harm: Harm, onset: Onset) {
        assert_eq!(injection(text), Ok(Injection { harm, onset }), "{text}");
    }

    #[test]
    fn regressions_are_read() {
        check("errors=0.02", Harm::Errors { share: 0.02 }, Onset::Start);
        check(
            "latency=1.5x@ramp",
            Harm::LatencyTimes { factor: 1.5 },
            Onset::Ramp,
        );
        check(
            "latency=+500@stage2",
            Harm::LatencyPlus { ms: 500.0 },
            Onset::Stage(1),
        );
        check("tail=3x", Harm::LatencyTail { factor: 3.0 }, Onset::Start);
        check(
            "rating=-0.5@mid1",
            Harm::Rating { drop: 0.5 },
            Onset::MidStage(0),
        );
        for text in [
            "errors",
            "errors=2",
            "latency=1.5",
            "rating=0.5",
            "speed=2x",
            "errors=0.1@noon",
            "errors=0.1@stage0",
        ] {
            assert!(injection(text).is_err(), "{text}");
        }
    }

    #[test]
    fn models_are_read() {
        let found = model("errors=0.1,requests=5000").unwrap();
        assert_eq!((found.error_share, found.requests), (0.1, 5000));
        assert_eq!(found.latency_ms, TrafficModel::default().latency_ms);
        for text in ["errors=2", "speed=1", "errors", "requests=1", "rate=0"] {
            assert!(model(text).is_err(), "{text}");
        }
    }
}
