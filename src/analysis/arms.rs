//! Which arm is the control, which one the decision is about, and how large each is.

use super::model::{ArmRole, ArmSummary, OutcomeCounts};
use super::settings::AnalysisSettings;
use crate::data::{Outcome, RequestLog, Units};
use crate::error::{Error, ErrorKind, Result};

/// Labels that mean "what is in production".
const CONTROL_NAMES: [&str; 14] = [
    "control",
    "baseline",
    "stable",
    "champion",
    "old",
    "production",
    "prod",
    "current",
    "a",
    "对照组",
    "基线",
    "旧版",
    "대조군",
    "기존",
];
/// Labels that mean "what is tried".
const TREATMENT_NAMES: [&str; 12] = [
    "treatment",
    "canary",
    "candidate",
    "challenger",
    "new",
    "experiment",
    "b",
    "实验组",
    "候选",
    "新版",
    "실험군",
    "신규",
];

/// Indices of the control and of the arm that the decision is about.
pub(super) fn choose(
    log: &RequestLog,
    settings: &AnalysisSettings,
) -> Result<(usize, Option<usize>)> {
    let sizes = sizes(log);
    let control = match &settings.control {
        Some(name) => named(log, name, "control")?,
        None => known(log, &CONTROL_NAMES).unwrap_or_else(|| largest(&sizes, None).unwrap_or(0)),
    };
    let treatment = match &settings.treatment {
        Some(name) => Some(named(log, name, "treatment")?),
        None => known(log, &TREATMENT_NAMES)
            .filter(|t| *t != control)
            .or_else(|| largest(&sizes, Some(control))),
    };
    if treatment == Some(control) {
        return Err(Error::new(
            ErrorKind::Settings,
            "Control and treatment are the same arm",
        )
        .hint("Name two different arms"));
    }
    Ok((control, treatment))
}

/// Size, span and outcomes of every arm.
pub(super) fn summarize(
    log: &RequestLog,
    rows: &[Vec<u32>],
    control: usize,
    treatment: Option<usize>,
) -> Vec<ArmSummary> {
    let n_all = log.n_rows().max(1) as f64;
    let mut arms: Vec<ArmSummary> = log
        .arms
        .iter()
        .enumerate()
        .map(|(i, arm)| ArmSummary {
            name: arm.name.clone(),
            role: match i {
                i if i == control => ArmRole::Control,
                i if Some(i) == treatment => ArmRole::Treatment,
                _ => ArmRole::Other,
            },
            n_requests: 0,
            n_units: None,
            share_of_requests: 0.0,
            span_us: None,
            outcomes: OutcomeCounts::default(),
        })
        .collect();
    for row in 0..log.n_rows() {
        let arm = &mut arms[usize::from(log.arm[row])];
        let event = log.event_us[row];
        arm.n_requests += 1;
        arm.span_us = Some(
            arm.span_us
                .map_or((event, event), |(first, _)| (first, event)),
        );
        let counter = match log.outcome[row] {
            Outcome::Ok => &mut arm.outcomes.ok,
            Outcome::Error => &mut arm.outcomes.error,
            Outcome::RateLimited => &mut arm.outcomes.rate_limited,
            Outcome::Cancelled => &mut arm.outcomes.cancelled,
            Outcome::Unknown => &mut arm.outcomes.unknown,
        };
        *counter += 1;
    }
    let mut last_seen =
        vec![usize::MAX; log.units.as_ref().map_or(0, |units| units.n_units as usize)];
    for (i, arm) in arms.iter_mut().enumerate() {
        arm.share_of_requests = arm.n_requests as f64 / n_all;
        arm.n_units = log.units.as_ref().map(|units| {
            let ids = rows[i]
                .iter()
                .map(|row| units.id[*row as usize])
                .filter(|id| *id != Units::NONE);
            let is_new = |id: &u32| std::mem::replace(&mut last_seen[*id as usize], i) != i;
            ids.filter(is_new).count() as u64
        });
    }
    arms
}

fn sizes(log: &RequestLog) -> Vec<u64> {
    let mut sizes = vec![0; log.arms.len()];
    for arm in &log.arm {
        sizes[usize::from(*arm)] += 1;
    }
    sizes
}

/// The largest arm but one; the first of equals.
fn largest(sizes: &[u64], except: Option<usize>) -> Option<usize> {
    let candidates = (0..sizes.len()).filter(|i| Some(*i) != except && sizes[*i] > 0);
    candidates.max_by_key(|&i| (sizes[i], std::cmp::Reverse(i)))
}

fn known(log: &RequestLog, names: &[&str]) -> Option<usize> {
    names.iter().find_map(|name| {
        log.arms
            .iter()
            .position(|arm| arm.name.to_lowercase() == *name)
    })
}

fn named(log: &RequestLog, name: &str, part: &str) -> Result<usize> {
    log.arm_index(name).ok_or_else(|| {
        let arms = log
            .arms
            .iter()
            .take(20)
            .map(|arm| arm.name.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        Error::new(ErrorKind::Settings, format!("No arm is called \"{name}\""))
            .key(part)
            .hint(format!("The arms are: {arms}"))
    })
}
