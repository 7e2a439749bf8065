//! Findings as sentences, for every surface alike.

use super::model::{
    Calibrated, CalibratedThreshold, Chance, ConditionTrial, Detection, OtherLogs, RuleTrial,
};
use super::settings::{Engine, Harm, Injection, Onset, Traffic};
use crate::units;

/// What the columns on false rollbacks mean.
pub const FIRING_WORDS: &str = "A false rollback is a firing in a rollout without a difference; a condition takes part in it if it held at that moment, and the rule would fire on it alone if there were no other alternative.";

/// What the columns on harm mean.
pub const HARM_WORDS: &str = "Means count the whole rollout where the rule does not fire. Harmed requests are those that the regression made worse, before the rule acts and in a rollout that nobody stops.";

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

/// A probability from some hundreds of rollouts, without digits that they cannot give. What is not quite
/// never, or not quite always, is never written as that.
pub fn rounded(share: f64) -> String {
    if share <= 0.0 {
        return "0 %".to_owned();
    }
    let fewest = usize::from(share < 0.1);
    let texts = (fewest..6).map(|digits| format!("{:.digits$}", share * 100.0));
    let is_honest = |text: &String| {
        let shown: f64 = text.parse().unwrap_or(0.0);
        share >= 1.0 || (shown > 0.0 && shown < 100.0)
    };
    match texts.into_iter().find(is_honest) {
        Some(text) => format!("{text} %"),
        None if share < 0.5 => "< 0.00001 %".to_owned(),
        None => "> 99.9999 %".to_owned(),
    }
}

/// A mean of counts: whole from ten on, two digits below.
pub fn few(value: f64) -> String {
    if value >= 9.95 {
        units::count(value.round() as u64)
    } else {
        units::significant(value, 2)
    }
}

/// What a rule's false rollbacks and finds come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// It rolls back more rollouts without a difference than is tolerated.
    Wrong,
    /// Too few rollouts to tell, or no regression was tried.
    Open,
    /// It seldom rolls back without cause, nor with one.
    Blind,
    /// It seldom rolls back without cause, and misses most rollouts with one of the regressions.
    Partial,
    /// It seldom rolls back without cause, and mostly with one.
    Good,
}

/// How good a rule, or a version of it, is where false rollbacks up to `alpha` are tolerated.
pub fn grade(
    (false_rollback, others): (&Chance, Option<&OtherLogs>),
    detection: &[Detection],
    alpha: f64,
) -> Grade {
    let finds = |d: &Detection| d.sees && is_found(d, false_rollback);
    if false_rollback.lower > alpha {
        Grade::Wrong
    } else if detection.is_empty() {
        Grade::Open
    } else if !detection.iter().any(finds) {
        Grade::Blind
    } else if false_rollback.upper > alpha || others.is_some_and(|others| others.upper > alpha) {
        Grade::Open
    } else if missed(false_rollback, detection).is_some() {
        Grade::Partial
    } else {
        Grade::Good
    }
}

/// Whether it rolls back half of the rollouts with a regression that it would not roll back anyway.
fn is_found(detection: &Detection, false_rollback: &Chance) -> bool {
    detection.detected.share - false_rollback.share >= 0.5
}

/// The first regression that the rule could see and mostly misses, of those that can be found.
fn missed<'d>(false_rollback: &Chance, detection: &'d [Detection]) -> Option<&'d Detection> {
    let mut seen = detection.iter().filter(|d| d.sees && d.findable >= 0.98);
    seen.find(|d| !is_found(d, false_rollback))
}

/// How often it rolls back without cause, and what it misses.
pub fn graded(false_rollback: &Chance, detection: &[Detection], grade: Grade) -> String {
    let n = units::count(false_rollback.n);
    let often = match false_rollback.events {
        0 => format!("0 of {n} false rollbacks"),
        _ => format!("{} false rollbacks", rounded(false_rollback.share)),
    };
    match (grade, missed(false_rollback, detection)) {
        (Grade::Blind, _) => format!("{often}, but it finds little"),
        (Grade::Partial, Some(missed)) => format!(
            "{often}, but it misses {} of rollouts with {}",
            rounded(1.0 - missed.detected.share),
            missed.text
        ),
        _ => often,
    }
}

/// How far other logs may be from this one.
pub fn of_other_logs(others: &OtherLogs) -> String {
    format!(
        "On other logs of the same traffic it may be {} to {}",
        rounded(others.lower),
        rounded(others.upper)
    )
}

/// Why no rule can find a regression more often, where that is so: one sentence.
pub fn ceiling(detection: &Detection) -> Option<String> {
    (detection.findable < 0.98).then(|| {
        format!(
            "In {} of rollouts with {} not a single request is harmed: beyond its false rollbacks no rule can find more than {}.",
            rounded(1.0 - detection.findable),
            detection.text,
            rounded(detection.findable)
        )
    })
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
    if let Some(others) = &trial.other_logs {
        text += " ";
        text += &of_other_logs(others);
        text += ".";
    }
    if let Some(d) = trial.detection.iter().find(|d| d.sees) {
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
        (Some(0), Some(us), _) => format!(
            "On this log it fires {}, before the canary's first request: that says nothing of the canary.",
            units::moment(us, own.clock)
        ),
        (Some(requests), Some(us), Some(p)) => format!(
            "On this log it fires after {} canary requests ({}). Rollouts without a difference fire as early with a probability of {}{}.",
            units::count(u64::from(requests)),
            units::moment(us, own.clock),
            rounded(p),
            if p <= 0.05 {
                ": this firing is hardly chance"
            } else {
                ": this firing can well be chance"
            }
        ),
        _ => format!(
            "On this log it never fires, as in {} of {} rollouts without a difference.",
            units::count(share.n - share.events),
            units::count(share.n)
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
        .map(|t| format!("{} {}", t.condition, t.is_text))
        .collect();
    let finds = version
        .detection
        .iter()
        .find(|d| d.sees)
        .map_or_else(String::new, |d| format!("; it finds {}", found(d)));
    let others = version
        .other_logs
        .as_ref()
        .map_or_else(String::new, |others| format!(" {}.", of_other_logs(others)));
    format!(
        "As written {}; with {} and {}: {}{finds}.{others}",
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
        threshold.condition, threshold.was_text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_is_never_written_as_always_or_never() {
        for (share, text) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.995, "99.5 %"),
            (0.9996, "99.96 %"),
            (0.000_4, "0.04 %"),
            (0.000_04, "0.004 %"),
            (0.035, "3.5 %"),
            (0.54, "54 %"),
        ] {
            assert_eq!(rounded(share), text);
        }
        assert_eq!(few(0.68), "0.68");
        assert_eq!(few(1.21), "1.2");
        assert_eq!(few(9.97), "10");
        assert_eq!(few(27_769.4), "27,769");
    }

    #[test]
    fn a_rule_that_finds_nothing_is_not_good() {
        let chance = |events| Chance::of(events, 1_000, 0.95);
        let detection = |events: usize, sees: bool| Detection {
            injection: Injection {
                harm: Harm::Errors { share: 0.02 },
                onset: Onset::Start,
            },
            text: "errors".to_owned(),
            sees,
            findable: 1.0,
            detected: chance(events),
            before: chance(0),
            by_stage: Vec::new(),
            median_delay_requests: None,
            mean_delay_requests: None,
            mean_delay_us: None,
            exposed: 0.0,
            harmed: 0.0,
            harmed_without_rule: 0.0,
        };
        let check = |events, found: &[Detection], expected| {
            assert_eq!(grade((&chance(events), None), found, 0.05), expected);
        };
        let half = [detection(10, true), detection(980, true)];
        check(0, &half, Grade::Partial);
        assert_eq!(
            graded(&chance(0), &half, Grade::Partial),
            "0 of 1,000 false rollbacks, but it misses 99 % of rollouts with errors"
        );
        check(0, &[detection(980, true)], Grade::Good);
        check(0, &[detection(40, true)], Grade::Blind);
        // What a rule does not measure it does not find, however often it fires then.
        check(10, &[detection(980, false)], Grade::Blind);
        check(540, &[detection(980, true)], Grade::Wrong);
        check(50, &[detection(980, true)], Grade::Open);
        check(0, &[], Grade::Open);
        let rare = Detection {
            findable: 0.676,
            ..detection(670, true)
        };
        let said = ceiling(&rare).unwrap();
        assert!(
            said.contains("In 32 % of rollouts") && said.contains("more than 68 %"),
            "{said}"
        );
        assert_eq!(ceiling(&detection(0, true)), None);
    }
}
