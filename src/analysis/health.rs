//! Whether a log can carry a conclusion: each check is a question with its answer and advice.

use super::clusters::{Crossing, crossing, request_design_effect};
use super::model::{ArmSummary, HealthCheck, ScorecardRow, Severity, Strategy, StrategyFinding};
use super::settings::AnalysisSettings;
use crate::data::{Outcome, Quantity, RequestIds, RequestLog};
use crate::stats::{TestResult, chi_square, sample_ratio_clustered};
use crate::units::{self, Clock};

/// Sample-ratio p-values below these are alarming or suspicious (levels as in common practice).
const SRM_STOP: f64 = 0.001;
const SRM_WARNING: f64 = 0.01;
/// Arms further than this from equal shares were hardly meant to be equal.
const UNEQUAL_BY_DESIGN: f64 = 0.5;
/// Fewer requests than this in an arm tell little.
const FEW_REQUESTS: u64 = 100;

/// All checks that this log allows, the worst first.
pub(super) fn checks(
    log: &RequestLog,
    (arms, control): (&[ArmSummary], usize),
    strategy: &StrategyFinding,
    scorecard: &[ScorecardRow],
    settings: &AnalysisSettings,
) -> Vec<HealthCheck> {
    let mut checks = Vec::new();
    if arms.len() < 2 {
        checks.push(single_arm());
    } else {
        let by_request: Vec<u64> = arms.iter().map(|arm| arm.n_requests).collect();
        let crossing = crossing(log, control);
        let clusters = request_design_effect(log, crossing);
        checks.push(ratio(
            ("sample-ratio-requests", "requests", clusters),
            &by_request,
            arms,
            strategy,
            settings,
        ));
        if let Some(by_unit) = arms
            .iter()
            .map(|arm| arm.n_units)
            .collect::<Option<Vec<u64>>>()
        {
            checks.push(ratio(
                ("sample-ratio-units", "users", 1.0),
                &by_unit,
                arms,
                strategy,
                settings,
            ));
        }
        checks.push(concurrency(log, strategy));
        checks.extend(crossing.map(|found| one_arm_each(&found, strategy)));
        checks.extend(few_requests(arms));
        checks.extend(rated_share(log, arms));
        checks.extend(same_work(arms, scorecard));
    }
    if strategy.strategy != Strategy::Shadow {
        checks.extend(repeated_ids(log));
    }
    checks.extend(zero_latency(log));
    checks.extend(unknown_outcomes(log, arms));
    checks.extend(clock(log));
    checks.sort_by_key(|check| std::cmp::Reverse(check.severity));
    checks
}

fn check(
    id: &'static str,
    title: &str,
    severity: Severity,
    finding: String,
    advice: &str,
) -> HealthCheck {
    HealthCheck {
        id,
        title: title.to_owned(),
        severity,
        finding,
        advice: advice.to_owned(),
        test: None,
    }
}

fn single_arm() -> HealthCheck {
    check(
        "arms",
        "Are there two arms to compare?",
        Severity::Stop,
        "The log has one arm only".to_owned(),
        "Map the column that tells the variants apart, or open a log that holds both. The figures describe this arm; no comparison, rule or decision stands on them",
    )
}

fn ratio(
    (id, what, design_effect): (&'static str, &str, f64),
    counts: &[u64],
    arms: &[ArmSummary],
    strategy: &StrategyFinding,
    settings: &AnalysisSettings,
) -> HealthCheck {
    let title = format!("Did each arm get its share of {what}?");
    let listed: Vec<String> = arms
        .iter()
        .zip(counts)
        .map(|(arm, n)| format!("{} {}", arm.name, units::count(*n)))
        .collect();
    let shown = listed.join(", ");
    let expected_share = |arm: &ArmSummary| {
        let found = settings
            .expected_shares
            .iter()
            .find(|(name, _)| *name == arm.name);
        found.map(|(_, share)| *share)
    };
    // A stray label of a few rows is no arm that anybody planned.
    let n_all: u64 = counts.iter().sum();
    let planned = |i: &usize| expected_share(&arms[*i]).is_some() || counts[*i] * 100 >= n_all;
    let planned: Vec<usize> = (0..arms.len()).filter(planned).collect();
    let given: Vec<f64> = planned
        .iter()
        .filter_map(|i| expected_share(&arms[*i]))
        .collect();
    let is_given = given.len() == planned.len();
    let no_split = match strategy.strategy {
        Strategy::Canary => {
            Some("A canary's share is set by its stages, so no fixed ratio is expected")
        }
        Strategy::BlueGreen => {
            Some("Before and after last as long as they last, so no ratio is expected")
        }
        _ => None,
    };
    if let Some(why) = no_split.filter(|_| !is_given) {
        return check(
            id,
            &title,
            Severity::Note,
            format!("{shown}. {why}"),
            "If the split was fixed, name the expected shares (settings on the overview; --expect ARM=SHARE)",
        );
    }
    let counts: Vec<u64> = planned.iter().map(|i| counts[*i]).collect();
    let weights = if is_given {
        given
    } else {
        vec![1.0; planned.len()]
    };
    let Some(test) = sample_ratio_clustered(&counts, &weights, design_effect) else {
        return check(
            id,
            &title,
            Severity::Note,
            format!("{shown}. Too few to test"),
            "",
        );
    };
    let mean = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let largest = counts
        .iter()
        .map(|n| (*n as f64 / mean - 1.0).abs())
        .fold(0.0, f64::max);
    let expected = if is_given {
        "expected shares"
    } else {
        "equal shares"
    };
    let p = units::p_value(test.p);
    let allowance = if design_effect > 1.0 {
        format!(
            " allowing for users who send many requests (design effect {})",
            units::number(design_effect)
        )
    } else {
        String::new()
    };
    let finding = format!("{shown}; against {expected}{allowance}, chi-square p = {p}");
    let (severity, advice) = if test.p >= SRM_WARNING {
        (Severity::Ok, "")
    } else if !is_given && largest > UNEQUAL_BY_DESIGN {
        (
            Severity::Warning,
            "The split looks unequal by design: give the expected shares so that it can be tested. If equal shares were meant, assignment or logging is broken",
        )
    } else if test.p < SRM_STOP {
        (
            Severity::Stop,
            "Chance does not explain this: requests or users are missing from an arm, or assignment is broken. Find out which before trusting any difference",
        )
    } else {
        (
            Severity::Warning,
            "Chance seldom explains this; check assignment and logging",
        )
    };
    HealthCheck {
        test: Some(test),
        ..check(id, &title, severity, finding, advice)
    }
}

fn concurrency(log: &RequestLog, strategy: &StrategyFinding) -> HealthCheck {
    let (severity, advice) = if !strategy.strategy.is_concurrent() {
        (Severity::Warning, strategy.consequence.as_str())
    } else if log.clock == Clock::Relative && !strategy.is_declared {
        (
            Severity::Note,
            "Times count from an unknown start; where each session has its own, arms that ran on different days look the same. Make sure that they did run together",
        )
    } else {
        (Severity::Ok, "")
    };
    check(
        "concurrency",
        "Did the arms run at the same time?",
        severity,
        strategy.why.clone(),
        advice,
    )
}

/// Sticky users are in one arm, or move from the control to a growing canary; with routing by
/// request nearly everybody is in both.
fn one_arm_each(found: &Crossing, strategy: &StrategyFinding) -> HealthCheck {
    let is_canary = strategy.strategy == Strategy::Canary;
    let n_wrong = if is_canary {
        found.n_returning
    } else {
        found.n_in_several
    };
    let share = n_wrong as f64 / found.n_units.max(1) as f64;
    let of_users = |n: u64| {
        let share = units::share(n as f64 / found.n_units.max(1) as f64);
        format!(
            "{} of {} users ({share})",
            units::count(n),
            units::count(found.n_units)
        )
    };
    let n_moved = found.n_in_several.saturating_sub(found.n_returning);
    let finding = if is_canary && n_moved > 0 {
        format!(
            "{} moved from the control to a growing canary, and {} came back from it",
            of_users(n_moved),
            units::count(found.n_returning)
        )
    } else {
        format!("{} are in more than one arm", of_users(found.n_in_several))
    };
    let (severity, advice) = match strategy.strategy {
        _ if found.n_in_several == 0 => (Severity::Ok, ""),
        Strategy::Shadow | Strategy::BlueGreen | Strategy::Sequential => (
            Severity::Note,
            "Expected where every user meets every arm; the arms are then not independent, and intervals are somewhat too wide",
        ),
        _ if found.by_request_ratio > 0.6 => (
            Severity::Note,
            "Requests, not users, were assigned to arms. What a user saw in one arm can colour how they rate the other; intervals by user stay valid",
        ),
        _ if n_wrong == 0 => (
            Severity::Note,
            "Expected where the canary's share grows and users stick to it",
        ),
        _ if share < 0.001 => (Severity::Note, "Too few to matter"),
        _ if share < 0.10 => (
            Severity::Warning,
            "Their requests blur the difference between the arms a little. Look for clients that lose their assignment",
        ),
        _ => (
            Severity::Stop,
            "Assignment did not stick to users, nor was it by request: the arms are not separate groups. Find out how users changed arms before trusting any difference",
        ),
    };
    check(
        "crossing",
        "Is every user in one arm only?",
        severity,
        finding,
        advice,
    )
}

/// Prompts exist before an arm answers: where they differ, the arms did different work.
fn same_work(arms: &[ArmSummary], scorecard: &[ScorecardRow]) -> Option<HealthCheck> {
    let row = scorecard.iter().find(|row| row.id == "tokens_in_mean")?;
    let differs = row.effects.iter().filter_map(|effect| {
        let relative = effect.relative?.value;
        let is_clear = effect.test?.p < SRM_STOP && relative.abs() > 0.05;
        is_clear.then(|| format!("{} {}", arms[effect.arm].name, units::relative(relative)))
    });
    let differs: Vec<String> = differs.collect();
    let title = "Do the arms get the same kind of requests?";
    Some(if differs.is_empty() {
        check(
            "same-work",
            title,
            Severity::Ok,
            "Prompts are about equally long in all arms".to_owned(),
            "",
        )
    } else {
        let finding = format!("Prompt tokens against the control: {}", differs.join(", "));
        check(
            "same-work",
            title,
            Severity::Warning,
            finding,
            "Expected where the variant itself changes the prompt. Otherwise the arms answered different requests, and every difference may come from that",
        )
    })
}

fn few_requests(arms: &[ArmSummary]) -> Option<HealthCheck> {
    let few: Vec<String> = arms
        .iter()
        .filter(|arm| arm.n_requests < FEW_REQUESTS)
        .map(|arm| format!("{}: {}", arm.name, units::count(arm.n_requests)))
        .collect();
    (!few.is_empty()).then(|| {
        check("few-requests", "Has every arm enough requests?", Severity::Warning, format!("Fewer than {FEW_REQUESTS} requests in {}", few.join(", ")), "Tails and error shares of so few requests say little; collect more, or leave the arm out")
    })
}

fn rated_share(log: &RequestLog, arms: &[ArmSummary]) -> Option<HealthCheck> {
    let ratings = log.quantity(Quantity::Rating)?;
    let mut counts = vec![[0u64; 2]; arms.len()];
    for (row, rating) in ratings.iter().enumerate() {
        counts[usize::from(log.arm[row])][usize::from(rating.is_nan())] += 1;
    }
    let table: Vec<Vec<u64>> = counts
        .iter()
        .filter(|c| c[0] + c[1] > 0)
        .map(|c| c.to_vec())
        .collect();
    let test: TestResult = chi_square(&table)?.test;
    let shares: Vec<String> = arms
        .iter()
        .zip(&counts)
        .map(|(arm, c)| {
            format!(
                "{} {}",
                arm.name,
                units::share(c[0] as f64 / (c[0] + c[1]).max(1) as f64)
            )
        })
        .collect();
    let (severity, advice) = if test.p < SRM_STOP {
        (
            Severity::Warning,
            "Users of one arm rate more often, so mean ratings compare different users. Look at the share of low ratings per request too",
        )
    } else {
        (Severity::Ok, "")
    };
    let finding = format!(
        "{}; chi-square p = {} by request",
        shares.join(", "),
        units::p_value(test.p)
    );
    Some(HealthCheck {
        test: Some(test),
        ..check(
            "rated-share",
            "Are ratings given equally often in each arm?",
            severity,
            finding,
            advice,
        )
    })
}

fn repeated_ids(log: &RequestLog) -> Option<HealthCheck> {
    let ids = log.request_id.as_ref()?;
    let mut shared: Vec<u32> = (0..ids.len())
        .map(|row| ids.of_row(row))
        .filter(|id| *id > RequestIds::ONCE)
        .collect();
    shared.sort_unstable();
    let n_repeated = shared.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
    let share = n_repeated as f64 / ids.len().max(1) as f64;
    let finding = format!(
        "{} rows repeat an earlier request id",
        units::count(n_repeated)
    );
    let (severity, advice) = match share {
        0.0 => (Severity::Ok, ""),
        s if s < 0.01 => (Severity::Note, "Client retries look like this"),
        _ => (
            Severity::Warning,
            "The export may hold several rows per request, or the same rows twice; counts and intervals are then wrong",
        ),
    };
    Some(check(
        "repeated-ids",
        "Is every request logged once?",
        severity,
        finding,
        advice,
    ))
}

fn zero_latency(log: &RequestLog) -> Option<HealthCheck> {
    let latency = log.quantity(Quantity::LatencyMs)?;
    let n_zero = latency.iter().filter(|ms| **ms <= 0.0).count() as u64;
    let n_failed = latency
        .iter()
        .zip(&log.outcome)
        .filter(|(ms, outcome)| **ms <= 0.0 && outcome.is_error())
        .count() as u64;
    (n_zero > 0).then(|| {
        let finding = format!("Requests with latency 0: {}, of which failed: {}", units::count(n_zero), units::count(n_failed));
        check("zero-latency", "Are latencies real?", Severity::Note, finding, "They are left out of latency figures, which stand on successful requests; averages made elsewhere may include them")
    })
}

fn unknown_outcomes(log: &RequestLog, arms: &[ArmSummary]) -> Option<HealthCheck> {
    if !log.has_outcome {
        return Some(check(
            "outcomes",
            "Can success and failure be told apart?",
            Severity::Note,
            "The log has no status or error column".to_owned(),
            "Error shares cannot be shown, and failed requests may be among the latencies. Map a status column if there is one",
        ));
    }
    let n_unknown: u64 = arms.iter().map(|arm| arm.outcomes.unknown).sum();
    let share = n_unknown as f64 / log.n_rows().max(1) as f64;
    let has_ok = log.outcome.contains(&Outcome::Ok);
    let (severity, advice) = if share > 0.05 || !has_ok {
        (
            Severity::Warning,
            "Check that the status column was read rightly",
        )
    } else {
        (Severity::Ok, "")
    };
    let finding = format!(
        "{} requests ({}) have no readable outcome",
        units::count(n_unknown),
        units::share(share)
    );
    (n_unknown > 0).then(|| {
        check(
            "outcomes",
            "Can success and failure be told apart?",
            severity,
            finding,
            advice,
        )
    })
}

fn clock(log: &RequestLog) -> Option<HealthCheck> {
    let (severity, finding, advice) = match log.clock {
        Clock::Epoch => return None,
        Clock::Relative => (
            Severity::Note,
            "Times count from an unknown start, such as that of each session",
            "Trends and replays show time since that start; whether arms ran on the same days cannot be told",
        ),
        Clock::RowOrder => (
            Severity::Note,
            "The log has no times",
            "Trends cannot be shown, and rules that watch the clock cannot run",
        ),
    };
    Some(check(
        "clock",
        "When did it happen?",
        severity,
        finding.to_owned(),
        advice,
    ))
}
