//! Pauses that are too long for the traffic around them.

use super::super::model::{HealthCheck, Severity};
use super::{Evidence, fine, found, some_of};
use crate::data::Clock;
use crate::units;

const ALL: (&str, &str) = ("gaps", "Did requests come without a break?");
const ONE_ARM: (&str, &str) = ("arm-gaps", "Did every arm get requests throughout?");
/// Requests on either side that tell the rate around a pause.
const NEIGHBOURS: usize = 100;
/// A pause in which this many requests were to be expected is no chance; bursts take the margin up.
const EXPECTED_IN_GAP: f64 = 50.0;
/// The chance of an arm's pause, over all its pauses.
const IMPROBABLE: f64 = 1e-6;

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let has_times = evidence.log.clock != Clock::RowOrder;
    if !has_times || evidence.settings.filter.segment.is_some() {
        return Vec::new();
    }
    let mut checks: Vec<HealthCheck> = everywhere(evidence).into_iter().collect();
    if evidence.arms.len() > 1 && evidence.strategy.strategy.is_concurrent() {
        checks.push(by_arm(evidence));
    }
    checks
}

/// Pauses of the whole log against the rate of their neighbours, which follows day and night.
fn everywhere(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let log = evidence.log;
    let times = &log.event_us;
    if times.len() < 2 * NEIGHBOURS + 2 {
        return None;
    }
    let mut gaps = Vec::new();
    for i in NEIGHBOURS..times.len() - NEIGHBOURS - 1 {
        let gap = times[i + 1] - times[i];
        // Most neighbours are close: one comparison settles them.
        let around = times[i + 1 + NEIGHBOURS] - times[i - NEIGHBOURS] - gap;
        let expected = gap as f64 * (2 * NEIGHBOURS) as f64 / around.max(1) as f64;
        if expected >= EXPECTED_IN_GAP && gap >= 1_000_000 {
            gaps.push((gap, i));
        }
    }
    gaps.sort_by_key(|(gap, i)| (std::cmp::Reverse(*gap), *i));
    let Some((longest, _)) = gaps.first() else {
        return Some(fine(
            ALL.0,
            ALL.1,
            "No pause is longer than the traffic around it explains".to_owned(),
        ));
    };
    let listed: Vec<String> = gaps
        .iter()
        .map(|(gap, i)| {
            let at = units::instant(times[*i], log.clock);
            format!("{} after {at}", units::duration_us(*gap))
        })
        .collect();
    let share = *longest as f64 / (times[times.len() - 1] - times[0]).max(1) as f64;
    // Runs one after another have pauses between them.
    let is_long = share > 0.05 && evidence.strategy.strategy.is_concurrent();
    Some(found(
        ALL,
        if is_long {
            Severity::Warning
        } else {
            Severity::Note
        },
        format!("No request of any arm for {}", some_of(&listed, 3)),
        "An outage, a rule that stopped traffic, a time between runs, or a part of the export that is missing",
        "If the service was up, export again; trends and replays see nothing in that time",
    ))
}

/// A pause of one arm while others ran, against its share of the requests at that time.
struct Pause {
    arm: usize,
    from_us: i64,
    to_us: i64,
    n_others: usize,
    ln_chance: f64,
}

fn by_arm(evidence: &Evidence<'_>) -> HealthCheck {
    let mut pauses = pauses(evidence);
    pauses.sort_by(|a, b| a.ln_chance.total_cmp(&b.ln_chance));
    if pauses.is_empty() {
        return fine(
            ONE_ARM.0,
            ONE_ARM.1,
            "No arm paused while others ran".to_owned(),
        );
    }
    let listed: Vec<String> = pauses
        .iter()
        .map(|pause| {
            format!(
                "no request of {} for {} after {}, while others had {}",
                evidence.arms[pause.arm].name,
                units::duration_us(pause.to_us - pause.from_us),
                units::instant(pause.from_us, evidence.log.clock),
                units::count(pause.n_others as u64)
            )
        })
        .collect();
    found(
        ONE_ARM,
        Severity::Warning,
        some_of(&listed, 3),
        "The arm was switched off, its logging failed, or a part of its export is missing: in that time there is nothing to compare with",
        "Find out which; a time range without the pause compares like with like",
    )
}

/// The longest improbable pause of each arm.
fn pauses(evidence: &Evidence<'_>) -> Vec<Pause> {
    let log = evidence.log;
    let deff = evidence.request_design_effect.max(1.0);
    // Stages are shares of control and treatment alone; others run beside them.
    let of_both: f64 = [Some(evidence.control), evidence.treatment]
        .iter()
        .flatten()
        .map(|arm| evidence.arms[*arm].share_of_requests)
        .sum();
    // Between an arm's first and last request; before and after is no pause.
    let share = |arm: usize, at_us: i64| -> f64 {
        let stages = evidence.stages;
        let stage = stages.iter().find(|stage| at_us < stage.to_us);
        match stage.or(stages.last()).map(|stage| stage.share) {
            Some(share) if evidence.treatment == Some(arm) => share * of_both,
            // The control gives way as the treatment grows.
            Some(share) if evidence.control == arm => {
                ((1.0 - share) * of_both).min(evidence.arms[arm].share_of_requests)
            }
            _ => evidence.arms[arm].share_of_requests,
        }
    };
    let mut last: Vec<Option<usize>> = vec![None; log.arms.len()];
    let mut longest: Vec<(usize, usize)> = vec![(0, 0); log.arms.len()];
    for (row, arm) in log.arm.iter().enumerate() {
        let arm = usize::from(*arm);
        if let Some(before) = last[arm].replace(row)
            && row - before > longest[arm].1 - longest[arm].0
        {
            longest[arm] = (before, row);
        }
    }
    let pause = |arm: usize| -> Option<Pause> {
        let (from, to) = longest[arm];
        let n_others = to.saturating_sub(from + 1);
        let (from_us, to_us) = (log.event_us[from], log.event_us[to]);
        let share = share(arm, from_us).min(share(arm, to_us));
        let tries = evidence.arms[arm].n_requests.max(1) as f64;
        let ln_chance = n_others as f64 / deff * (-share).ln_1p() + tries.ln();
        (n_others > 0 && ln_chance < IMPROBABLE.ln()).then_some(Pause {
            arm,
            from_us,
            to_us,
            n_others,
            ln_chance,
        })
    };
    (0..log.arms.len()).filter_map(pause).collect()
}
