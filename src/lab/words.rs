//! Findings as sentences, for every surface alike.

use super::model::{Calibrated, CalibratedThreshold, Chance, ConditionTrial, Detection, RuleTrial};
use super::settings::{Engine, Harm, Injection, Onset, Traffic};
use crate::units;

/// A regression: `errors 2.00 % → 4.00 %, from the start`.
pub(super) fn injection(injection: &Injection, error_share: Option<f64>) -> String {
    let harm = match (injection.harm, error_share) {
        (Harm::Errors { share }, Some(base)) => format!(
            "errors {} → {}",
            units::share(base),
            units::share(base + (1.0 - base) * share)
        ),
        (Harm::Errors { share }, None) => format!("{} of requests fail", units::share(share)),
        (Harm::LatencyTimes { factor }, _) => format!("latency × {}", plain(factor)),
        (Harm::LatencyPlus { ms }, _) => format!("latency {}", units::latency_change(ms)),
        (Harm::LatencyTail { factor }, _) => {
            format!("latency × {} for 5 % of requests", plain(factor))
        }
        (Harm::Rating { drop }, _) => format!("ratings {} lower", plain(drop)),
        (Harm::Tokens { factor }, _) => format!("tokens × {}", plain(factor)),
    };
    let onset = match injection.onset {
        Onset::Start => String::new(),
        Onset::Stage(i) => format!(", from stage {}", i + 1),
        Onset::MidStage(i) => format!(", from the middle of stage {}", i + 1),
        Onset::Ramp => ", growing to the end".to_owned(),
    };
    harm + &onset
}

/// What every figure of an engine takes for granted.
pub(super) fn engine(engine: &Engine, by_user: bool) -> String {
    let who = if by_user { "users" } else { "requests" };
    match engine {
        Engine::Relabel => format!(
            "Rollouts without a difference are the baseline's own requests, a random part of whose {who} is called canary. They keep the log's hours, incidents and bursts; nothing is assumed but that {who} could have been in either arm."
        ),
        Engine::Permute => format!(
            "Rollouts without a difference are the requests of both arms, whose {who} change arms at random inside every stage. If the canary really is worse, both arms share the harm and false rollbacks are overstated."
        ),
        Engine::Blocks { days } => format!(
            "Rollouts without a difference are made of the baseline's days, drawn with replacement in blocks of {days}; a random part of the {who} is called canary. They stand for other days like these, not for incidents that the log does not have."
        ),
        Engine::Parametric(Traffic::Log { .. }) => "Rollouts without a difference are single requests of the baseline, drawn independently and arriving at random at the log's mean rate. Real traffic comes in bursts and by user: it rolls back more often.".to_owned(),
        Engine::Parametric(Traffic::Model(_)) => "Rollouts without a difference come from a model: independent requests arriving at random, log-normal latencies, ratings of 1 to 5 alike. Real traffic comes in bursts and by user: it rolls back more often.".to_owned(),
    }
}

/// `3.5 % (2.2 % to 5.4 %)`; `0 of 1,000, at most 0.38 %`.
pub fn chance(chance: &Chance) -> String {
    if chance.n == 0 {
        return units::NO_VALUE.to_owned();
    }
    if chance.events == 0 {
        return format!(
            "never in {}, at most {}",
            units::count(chance.n),
            units::share(chance.upper)
        );
    }
    format!(
        "{} ({} to {})",
        rounded(chance.share),
        rounded(chance.lower),
        rounded(chance.upper)
    )
}

/// A probability from some hundreds of rollouts, without digits that they cannot give.
pub fn rounded(share: f64) -> String {
    if share > 0.995 && share < 1.0 {
        // Not quite always.
        format!("{:.1} %", (share * 1000.0).floor() / 10.0)
    } else if share >= 0.1 {
        format!("{:.0} %", share * 100.0)
    } else {
        format!("{:.1} %", share * 100.0)
    }
}

/// What a trial says of a rule, in one sentence.
pub fn verdict(trial: &RuleTrial) -> String {
    if let Some(why) = &trial.skipped {
        return format!("It cannot be tried: {why}.");
    }
    let c = &trial.false_rollback;
    let mut text = if c.events == 0 {
        format!(
            "In {} rollouts without a difference it never rolled back: its probability is at most {}.",
            units::count(c.n),
            units::share(c.upper)
        )
    } else {
        format!(
            "It rolls back {} of rollouts without a difference ({} of {}; {} to {}).",
            rounded(c.share),
            units::count(c.events),
            units::count(c.n),
            rounded(c.lower),
            rounded(c.upper)
        )
    };
    if let Some(d) = trial.detection.first() {
        let share = rounded(d.detected.share);
        text += &[
            " With a regression (",
            &d.text,
            ") it rolls back ",
            &share,
            ".",
        ]
        .concat();
        if d.detected.lower <= c.upper && c.share > 0.2 {
            text += " So its firing tells little: it fires as often without a regression.";
        }
    }
    text
}

/// Where moving one threshold changes little, because the other conditions fire anyway.
pub fn others(condition: &ConditionTrial) -> Option<String> {
    let shares = || condition.profile.iter().map(|point| point.false_rollback);
    let (least, most) = (shares().fold(1.0, f64::min), shares().fold(0.0, f64::max));
    (least >= 0.2 && least >= 0.8 * most).then(|| {
        format!(
            "Moving this threshold alone changes little: the other conditions roll back {} of rollouts without a difference whatever it is. The dashed line is this condition on its own.",
            rounded(least)
        )
    })
}

/// How the log's own rollout compares, in one sentence.
pub fn own(trial: &RuleTrial) -> Option<String> {
    let own = trial.own?;
    let share = &trial.false_rollback;
    Some(match (own.requests, own.time_us, own.p) {
        (Some(requests), Some(us), Some(p)) => format!(
            "On this log it fires after {} canary requests ({}). Rollouts without a difference fire as early with a probability of {}{}.",
            units::count(u64::from(requests)),
            units::duration_us(us),
            rounded(p),
            if p <= 0.05 {
                ": this firing is hardly chance"
            } else {
                ": this firing can well be chance"
            }
        ),
        _ => format!(
            "On this log it never fires, as in {} of rollouts without a difference.",
            rounded(1.0 - share.share)
        ),
    })
}

/// `errors 2 % → 4 % in 99 % of rollouts, after 549 canary requests (median)`.
pub fn found(detection: &Detection) -> String {
    let delay = detection
        .median_delay_requests
        .filter(|_| detection.detected.events > 0)
        .map_or_else(String::new, |n| {
            format!(
                ", after {} canary requests (median)",
                units::count(n.round() as u64)
            )
        });
    format!(
        "{} in {} of rollouts{delay}",
        detection.text,
        rounded(detection.detected.share)
    )
}

/// What a calibrated version says, in one sentence.
pub(super) fn calibrated(version: &Calibrated, as_written: &Chance) -> String {
    let thresholds: Vec<String> = version
        .thresholds
        .iter()
        .filter(|t| t.kept.is_none())
        .map(|t| format!("{} {}", t.condition, plain(t.is)))
        .collect();
    let finds = version
        .detection
        .first()
        .map_or_else(String::new, |d| format!("; it finds {}", found(d)));
    format!(
        "As written {}; with {} and {}: {}{finds}.",
        rounded(as_written.share),
        version.name,
        if thresholds.is_empty() {
            "no other thresholds".to_owned()
        } else {
            thresholds.join(", ")
        },
        chance(&version.false_rollback),
    )
}

/// A threshold that could not be moved.
pub(super) fn kept(threshold: &CalibratedThreshold) -> Option<String> {
    let why = threshold.kept.as_ref()?;
    Some(format!(
        "{} stays at {}: {why}.",
        threshold.condition,
        plain(threshold.was)
    ))
}

/// A number as a person would type it.
pub fn plain(value: f64) -> String {
    let text = format!("{value:.4}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}
