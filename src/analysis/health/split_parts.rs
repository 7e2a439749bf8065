//! Where a split broke: the arms' sizes by day and by segment value, corrected for looking at all.
//!
//! Counts are users, once a day and stage and once a segment value, or requests where users were
//! not what was assigned. Two arms of a canary are compared with the share of their stage; days also with
//! what they would be had the canary grown within it.

use super::super::Strategy;
use super::super::model::{HealthCheck, Severity};
use super::expected::expected;
use super::split::is_unequal_by_design;
use super::{ALARMING, Evidence, fine, found, some_of};
use crate::data::{Clock, RequestLog, Units, bucket_width_us};
use crate::stats::dist::normal_tails;
use crate::stats::{expected_counts, holm, sample_ratio_clustered};
use crate::units;

/// Arms listed of a part.
const LISTED_ARMS: usize = 4;
const QUESTION: (&str, &str) = (
    "sample-ratio-parts",
    "Is the split the same on every day and in every segment?",
);
const DAY_US: i64 = 86_400_000_000;
/// The most days that are told apart; longer logs are cut into longer parts.
const MAX_PARTS: usize = 400;
/// Parts in which an arm should have fewer than this are not tested.
const MIN_EXPECTED: f64 = 5.0;
/// Users in several arms beyond this share: requests were assigned, not users.
const BY_REQUEST: f64 = 0.1;

/// A day or a segment value.
struct Part {
    family: usize,
    label: String,
    /// Per stage and compared arm.
    counts: Vec<u64>,
}

/// What is expected of a part.
enum Plan {
    /// One weight per compared arm.
    Fixed(Vec<f64>),
    /// The treatment's share per stage; the control comes first.
    Stages(Vec<f64>),
}

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let strategy = evidence.strategy.strategy;
    let is_split = matches!(strategy, Strategy::AbTest | Strategy::Canary);
    let Some(treatment) = evidence.treatment.filter(|_| is_split) else {
        return Vec::new();
    };
    let is_by_unit = evidence
        .crossing
        .is_some_and(|c| c.n_in_several as f64 <= BY_REQUEST * c.n_units as f64);
    let totals: Vec<u64> = if is_by_unit {
        evidence
            .arms
            .iter()
            .map(|arm| arm.n_units.unwrap_or(0))
            .collect()
    } else {
        evidence.arms.iter().map(|arm| arm.n_requests).collect()
    };
    let plan = expected(evidence, &totals);
    let is_staged = strategy == Strategy::Canary && !plan.is_given;
    let compared = if is_staged {
        vec![evidence.control, treatment]
    } else {
        plan.arms
    };
    if compared.len() < 2 {
        return Vec::new();
    }
    let stage_ends: Vec<i64> = if is_staged {
        evidence.stages.iter().map(|stage| stage.to_us).collect()
    } else {
        Vec::new()
    };
    let parts = count(evidence.log, &compared, &stage_ends, is_by_unit);
    let k = compared.len();
    let plan = if is_staged {
        Plan::Stages(stage_shares(&parts, k))
    } else if plan.is_given {
        Plan::Fixed(plan.weights)
    } else {
        let sizes: Vec<u64> = compared.iter().map(|arm| totals[*arm]).collect();
        Plan::Fixed(if is_unequal_by_design(&sizes) {
            sizes.iter().map(|n| *n as f64).collect()
        } else {
            plan.weights
        })
    };
    let design_effect = if is_by_unit {
        1.0
    } else {
        evidence.request_design_effect
    };
    verdict(evidence, &compared, &parts, &plan, design_effect)
        .into_iter()
        .collect()
}

/// Counts every part in one pass over the rows.
fn count(log: &RequestLog, compared: &[usize], stage_ends: &[i64], is_by_unit: bool) -> Vec<Part> {
    let k = compared.len();
    let n_stages = stage_ends.len().max(1);
    let slots: Vec<Option<usize>> = (0..log.arms.len())
        .map(|arm| compared.iter().position(|c| *c == arm))
        .collect();
    let (first, last) = log.event_span_us().unwrap_or((0, 0));
    let span = last.saturating_sub(first);
    let width = if span >= 2 * DAY_US && span / DAY_US < MAX_PARTS as i64 {
        DAY_US
    } else {
        bucket_width_us(span, if span < 2 * DAY_US { 24 } else { MAX_PARTS })
    };
    let origin = first.div_euclid(width) * width;
    let has_times = log.clock != Clock::RowOrder;
    let n_days = if has_times {
        ((last - origin) / width) as usize + 1
    } else {
        1
    };
    let cells = n_stages * k;
    let mut days = vec![0u64; n_days * cells];
    let mut segments: Vec<Vec<u64>> = log
        .segments
        .iter()
        .map(|segment| vec![0u64; segment.values.len() * cells])
        .collect();
    let units = log.units.as_ref().filter(|_| is_by_unit);
    // Per user: the last day and the last stage counted, plus one.
    let mut last_seen = vec![(0u32, 0u32); units.map_or(0, |u| u.n_units as usize)];
    let mut stage = 0;
    for row in 0..log.n_rows() {
        let event = log.event_us[row];
        while stage + 1 < n_stages && event >= stage_ends[stage] {
            stage += 1;
        }
        let Some(slot) = slots[usize::from(log.arm[row])] else {
            continue;
        };
        let day = if has_times {
            ((event - origin) / width) as usize
        } else {
            0
        };
        let (mut is_new_day, mut is_new_stage) = (true, true);
        if let Some(id) = units
            .map(|units| units.id[row])
            .filter(|id| *id != Units::NONE)
        {
            let seen = &mut last_seen[id as usize];
            is_new_stage = seen.1 != stage as u32 + 1;
            is_new_day = is_new_stage || seen.0 != day as u32 + 1;
            *seen = (day as u32 + 1, stage as u32 + 1);
        }
        if is_new_day {
            days[day * cells + stage * k + slot] += 1;
        }
        if is_new_stage {
            for (segment, counts) in log.segments.iter().zip(&mut segments) {
                counts[usize::from(segment.code[row]) * cells + stage * k + slot] += 1;
            }
        }
    }
    let mut parts = Vec::new();
    for (day, counts) in days.chunks(cells).enumerate().filter(|_| n_days > 1) {
        let at = units::instant(origin + day as i64 * width, log.clock);
        let is_date = log.clock == Clock::Epoch && width % DAY_US == 0;
        let label = if is_date {
            at.chars().take(10).collect()
        } else {
            format!("from {at}")
        };
        parts.push(Part {
            family: 0,
            label,
            counts: counts.to_vec(),
        });
    }
    for (i, (segment, counts)) in log.segments.iter().zip(&segments).enumerate() {
        for (value, counts) in segment.values.iter().zip(counts.chunks(cells)) {
            let value = if value.is_empty() { "(empty)" } else { value };
            parts.push(Part {
                family: i + 1,
                label: format!("{} = {value}", segment.name),
                counts: counts.to_vec(),
            });
        }
    }
    parts
}

/// The treatment's share of each stage, over one family of parts: each holds every row once.
fn stage_shares(parts: &[Part], k: usize) -> Vec<f64> {
    let Some(family) = parts.first().map(|part| part.family) else {
        return Vec::new();
    };
    let n_stages = parts[0].counts.len() / k;
    let mut sums = vec![0u64; n_stages * k];
    for part in parts.iter().filter(|part| part.family == family) {
        sums.iter_mut()
            .zip(&part.counts)
            .for_each(|(sum, n)| *sum += n);
    }
    let share = |arms: &[u64]| {
        let n: u64 = arms.iter().sum();
        if n == 0 {
            0.0
        } else {
            arms[1] as f64 / n as f64
        }
    };
    sums.chunks(k).map(share).collect()
}

/// What is expected of each day of a canary: its steps may be too small to be told apart as stages, so
/// that within a stage its share may have grown, though not shrunk (pooled adjacent violators, Ayer et
/// al. 1955).
fn grown(parts: &[Part], n_stages: usize, k: usize) -> Vec<Plan> {
    let days: Vec<&Part> = parts.iter().take_while(|part| part.family == 0).collect();
    let mut shares = vec![vec![0.0; n_stages]; days.len()];
    for stage in 0..n_stages {
        // Requests, those of the treatment, and days.
        let mut levels: Vec<(u64, u64, usize)> = Vec::new();
        for day in &days {
            let arms = &day.counts[stage * k..(stage + 1) * k];
            let mut level = (arms.iter().sum::<u64>(), arms[1], 1);
            while let Some(before) = levels.pop() {
                let has_grown = u128::from(level.1) * u128::from(before.0)
                    > u128::from(before.1) * u128::from(level.0);
                if has_grown {
                    levels.push(before);
                    break;
                }
                level = (level.0 + before.0, level.1 + before.1, level.2 + before.2);
            }
            levels.push(level);
        }
        let of_days = levels.iter().flat_map(|(n, treated, days)| {
            std::iter::repeat_n(*treated as f64 / (*n).max(1) as f64, *days)
        });
        for (of_day, share) in shares.iter_mut().zip(of_days) {
            of_day[stage] = share;
        }
    }
    shares.into_iter().map(Plan::Stages).collect()
}

/// The p-value of a part and what was expected of its arms; `None` where too little was expected.
fn test(part: &Part, plan: &Plan, k: usize, design_effect: f64) -> Option<(f64, Vec<f64>)> {
    let mut totals = vec![0u64; k];
    for stage in part.counts.chunks(k) {
        totals
            .iter_mut()
            .zip(stage)
            .for_each(|(total, n)| *total += n);
    }
    let (p, expected) = match plan {
        Plan::Fixed(weights) => {
            let test = sample_ratio_clustered(&totals, weights, design_effect)?;
            (test.p, expected_counts(&totals, weights)?)
        }
        Plan::Stages(shares) => {
            let (mut mean, mut variance, mut n_all) = (0.0, 0.0, 0.0);
            for (arms, share) in part.counts.chunks(k).zip(shares) {
                let n = arms.iter().sum::<u64>() as f64;
                n_all += n;
                mean += n * share;
                variance += n * share * (1.0 - share);
            }
            let z = (totals[1] as f64 - mean) / (variance * design_effect).sqrt();
            let p = if z.is_finite() {
                normal_tails(z).ln_two_sided().exp()
            } else {
                1.0
            };
            (p, vec![n_all - mean, mean])
        }
    };
    expected
        .iter()
        .all(|e| *e >= MIN_EXPECTED)
        .then_some((p, expected))
}

fn verdict(
    evidence: &Evidence<'_>,
    compared: &[usize],
    parts: &[Part],
    plan: &Plan,
    design_effect: f64,
) -> Option<HealthCheck> {
    let k = compared.len();
    let grown = match plan {
        Plan::Stages(shares) => grown(parts, shares.len(), k),
        Plan::Fixed(_) => Vec::new(),
    };
    // Days come first.
    let plans = grown.iter().chain(std::iter::repeat(plan));
    let tested: Vec<(&Part, f64, Vec<f64>)> = parts
        .iter()
        .zip(plans)
        .filter_map(|(part, plan)| test(part, plan, k, design_effect).map(|(p, e)| (part, p, e)))
        .collect();
    if tested.len() < 2 {
        return None;
    }
    let corrected = holm(&tested.iter().map(|(_, p, _)| *p).collect::<Vec<f64>>());
    let mut broken: Vec<(f64, &Part, &Vec<f64>)> = tested
        .iter()
        .zip(&corrected)
        .filter(|(_, p)| **p < ALARMING)
        .map(|((part, p, expected), _)| (*p, *part, expected))
        .collect();
    broken.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n_parts = tested.len();
    if broken.is_empty() {
        let finding = format!("None of {n_parts} days and segment values departs from the rest");
        return Some(fine(QUESTION.0, QUESTION.1, finding));
    }
    let worded: Vec<String> = broken
        .iter()
        .map(|(p, part, expected)| {
            let mut arms: Vec<(f64, String)> = compared
                .iter()
                .enumerate()
                .map(|(slot, arm)| {
                    let n: u64 = part.counts.chunks(k).map(|stage| stage[slot]).sum();
                    let name = &evidence.arms[*arm].name;
                    let meant = expected[slot];
                    let off = (n as f64 - meant).powi(2) / meant.max(1.0);
                    let meant = units::count(meant.round() as u64);
                    (
                        off,
                        format!("{name} {} for {meant} expected", units::count(n)),
                    )
                })
                .collect();
            // Of many arms those that are furthest off.
            if arms.len() > LISTED_ARMS {
                arms.sort_by(|a, b| b.0.total_cmp(&a.0));
                arms.truncate(LISTED_ARMS);
            }
            let arms: Vec<String> = arms.into_iter().map(|(_, text)| text).collect();
            format!("{}: {} ({})", part.label, arms.join(", "), units::p_is(*p))
        })
        .collect();
    let is_everywhere = broken.len() * 2 > n_parts;
    let finding = if is_everywhere {
        let n = broken.len();
        format!(
            "Off in {n} of {n_parts} days and segment values; the clearest are {}",
            some_of(&worded, 3)
        )
    } else {
        format!("Off in {}", some_of(&worded, 3))
    };
    let (meaning, advice) = if is_everywhere {
        (
            "It is no single incident: assignment or logging differs between the arms throughout",
            "Check how arms are assigned and which requests of each reach the log",
        )
    } else {
        (
            "Something went wrong there and not elsewhere: a router, a filter or an export that failed for one arm",
            "Look there first. The same comparison without that day (time range) shows whether it matters",
        )
    };
    Some(found(QUESTION, Severity::Warning, finding, meaning, advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest p-value of days of one stage, compared with its share and with a canary that grows.
    fn smallest(days: &[[u64; 2]]) -> (f64, f64) {
        let part = |counts: &[u64; 2]| Part {
            family: 0,
            label: String::new(),
            counts: counts.to_vec(),
        };
        let parts: Vec<Part> = days.iter().map(part).collect();
        let shares = Plan::Stages(stage_shares(&parts, 2));
        let p = |(part, plan)| test(part, plan, 2, 1.0).map_or(1.0, |(p, _)| p);
        let steady = parts.iter().map(|part| p((part, &shares)));
        let growing = grown(&parts, 1, 2);
        let growing = parts.iter().zip(&growing).map(p);
        (steady.fold(1.0, f64::min), growing.fold(1.0, f64::min))
    }

    #[test]
    fn a_canary_may_grow_in_small_steps_but_lose_no_day() {
        let (steady, growing) = smallest(&[[605, 12], [560, 30], [520, 66]]);
        assert!(steady < 1e-4 && growing > 0.05, "{steady} {growing}");
        let (_, growing) = smallest(&[[560, 40], [600, 2], [560, 40]]);
        assert!(growing < 1e-4, "{growing}");
    }
}
