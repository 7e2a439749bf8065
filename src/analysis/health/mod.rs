//! Whether a log can carry a conclusion: each check is a question with its answer, what the answer
//! means, and what to do.
//!
//! A check that does not apply to a log is absent. Families run side by side, so each reads only the
//! columns it needs; none keeps a table of all rows.

mod answered;
mod arms;
mod crossing;
mod designed;
mod doubts;
mod duplicates;
mod expected;
mod gaps;
mod latency;
mod lost;
mod missing;
mod neighbours;
mod router;
mod short;
mod split;
mod split_parts;
mod stamps;
mod times;
mod work;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_arms;

use rayon::prelude::*;

use super::by_user::UserRows;
use super::clusters::{Crossing, crossing, request_design_effect};
use super::model::{
    ArmSummary, CrossingLeftOut, HealthCheck, ScorecardRow, Severity, Stage, StrategyFinding,
};
use super::settings::AnalysisSettings;
use crate::data::RequestLog;
use crate::error::Result;
use crate::jobs::Progress;

/// Chance explains a departure with a smaller p-value hardly ever; the level of common practice for
/// sample ratios.
const ALARMING: f64 = 0.001;

/// What the checks look at.
pub(super) struct Subject<'a> {
    /// The selected rows.
    pub(super) log: &'a RequestLog,
    /// Per arm, user by user.
    pub(super) by_user: &'a [UserRows<'a>],
    /// Its arms.
    pub(super) arms: &'a [ArmSummary],
    /// Index of the control.
    pub(super) control: usize,
    /// Index of the treatment.
    pub(super) treatment: Option<usize>,
    /// Stretches of constant share.
    pub(super) stages: &'a [Stage],
    /// How the rollout was done.
    pub(super) strategy: &'a StrategyFinding,
    /// Metrics whose tests some checks read.
    pub(super) scorecard: &'a [ScorecardRow],
    /// The analyst's choices.
    pub(super) settings: &'a AnalysisSettings,
    /// What the choice about users in several arms left out.
    pub(super) left_out: Option<&'a CrossingLeftOut>,
}

/// A subject with what several families need.
struct Evidence<'a> {
    subject: &'a Subject<'a>,
    crossing: Option<Crossing>,
    /// How much whole users inflate the chance variation of request counts.
    request_design_effect: f64,
}

impl<'a> std::ops::Deref for Evidence<'a> {
    type Target = Subject<'a>;

    fn deref(&self) -> &Subject<'a> {
        self.subject
    }
}

type Family = fn(&Evidence<'_>) -> Vec<HealthCheck>;

/// All families, in the order in which their checks are shown within one severity.
const FAMILIES: [Family; 18] = [
    expected::checks,
    split::checks,
    split_parts::checks,
    crossing::checks,
    router::checks,
    times::checks,
    arms::checks,
    work::checks,
    short::checks,
    neighbours::checks,
    doubts::checks,
    lost::checks,
    answered::checks,
    missing::checks,
    duplicates::checks,
    latency::checks,
    gaps::checks,
    stamps::checks,
];

/// The check whether requests of different users are independent.
pub(super) const INDEPENDENCE: &str = "independence";

/// All checks that this log allows, the worst first. Fails when cancelled.
pub(super) fn checks(subject: &Subject<'_>, progress: &Progress) -> Result<Vec<HealthCheck>> {
    let crossing = crossing(subject.log, subject.by_user, subject.control);
    let evidence = Evidence {
        subject,
        crossing,
        request_design_effect: request_design_effect(crossing),
    };
    let of_family = |family: &Family| {
        progress.check()?;
        Ok(family(&evidence))
    };
    let found = FAMILIES.par_iter().map(of_family);
    let mut checks = found.collect::<Result<Vec<_>>>()?.concat();
    checks.sort_by_key(|check| std::cmp::Reverse(check.severity));
    Ok(checks)
}

/// What is known of a log whose requests were counted.
pub(super) struct Counted<'a> {
    /// How users spread over the arms, or over control and treatment; `None` where that is not known.
    pub(super) crossing: Option<Crossing>,
    /// Whether that is of all arms.
    pub(super) is_of_all_arms: bool,
    /// How often each value of a segment column occurs, by stage and arm.
    pub(super) mix: &'a (dyn Fn(usize) -> Option<Vec<Vec<Vec<u64>>>> + Sync),
}

/// The checks that read no single request, the same as [`checks`].
pub(super) fn checks_of_counts(subject: &Subject<'_>, counted: &Counted<'_>) -> Vec<HealthCheck> {
    let evidence = Evidence {
        subject,
        crossing: counted.crossing,
        request_design_effect: request_design_effect(counted.crossing),
    };
    let mut checks = expected::checks(&evidence);
    checks.extend(split::checks(&evidence));
    if counted.is_of_all_arms {
        checks.extend(crossing::checks_of_counts(&evidence));
    }
    checks.extend(times::checks_of_counts(&evidence));
    checks.extend(arms::checks(&evidence));
    checks.extend(work::checks_of_counts(&evidence, counted.mix));
    checks.extend(doubts::checks(&evidence));
    checks.extend(lost::checks(&evidence));
    checks.extend(missing::rated_share(&evidence).filter(|_| subject.arms.len() > 1));
    checks
}

/// A check that found nothing wrong.
fn fine(id: &'static str, title: &str, finding: String) -> HealthCheck {
    HealthCheck {
        id,
        title: title.to_owned(),
        severity: Severity::Ok,
        finding,
        meaning: String::new(),
        advice: String::new(),
        test: None,
        forbids_shipping: false,
        undermines: Vec::new(),
    }
}

/// A finding with what it means and what to do.
fn found(
    (id, title): (&'static str, &str),
    severity: Severity,
    finding: String,
    meaning: &str,
    advice: &str,
) -> HealthCheck {
    HealthCheck {
        severity,
        meaning: meaning.to_owned(),
        advice: advice.to_owned(),
        ..fine(id, title, finding)
    }
}

/// "3 users", "1 user".
fn counted(n: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        crate::units::count(n),
        if n == 1 { one } else { many }
    )
}

/// At most `most` of the parts, and how many more there are.
fn some_of(parts: &[String], most: usize) -> String {
    let shown = parts
        .iter()
        .take(most)
        .cloned()
        .collect::<Vec<_>>()
        .join("; ");
    if parts.len() > most {
        format!("{shown}; and {} more", parts.len() - most)
    } else {
        shown
    }
}
