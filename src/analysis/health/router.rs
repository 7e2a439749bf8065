//! Whether every row stands where the hash router puts it.

use super::super::model::{HealthCheck, Severity, Stage};
use super::{Evidence, fine, found};
use crate::data::{Buckets, Cut};
use crate::units;

const QUESTION: (&str, &str) = ("router", "Is every row in the arm that its hash gives it?");
/// Examples shown.
const EXAMPLES: usize = 5;
/// At the ends of a stage, this share of it, the neighbour's cut may already or still hold: stages
/// are seen at a coarser grain than they were made.
const BLURRED: f64 = 0.1;
/// More of the smaller arm than this on the wrong side is no accident.
const MANY: f64 = 0.02;

/// More than this, and the two arms that are compared were not made by the router at all.
const NOT_BY_IT: f64 = 0.5;

/// A stretch of constant share with its cut.
struct Stretch {
    from_us: i64,
    to_us: i64,
    cut: Cut,
}

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let log = evidence.log;
    let (Some(buckets), Some(treatment)) = (&log.buckets, evidence.treatment) else {
        return Vec::new();
    };
    let arms = (evidence.control, treatment);
    let stretches = stretches(evidence.stages, log.event_span_us());
    let stretches: Vec<Stretch> = stretches
        .into_iter()
        .filter_map(|(from_us, to_us)| {
            let cut = cut_of(evidence, buckets, arms, (from_us, to_us))?;
            Some(Stretch {
                from_us,
                to_us,
                cut,
            })
        })
        .collect();
    if stretches.is_empty() {
        return Vec::new();
    }
    let mut wrong: Vec<u32> = Vec::new();
    let (mut n_wrong, mut n_control, mut n_treatment) = (0u64, 0u64, 0u64);
    for (row, arm) in log.arm.iter().enumerate() {
        let (arm, bucket) = (usize::from(*arm), buckets.bucket[row]);
        if (arm != arms.0 && arm != arms.1) || bucket == Buckets::NONE {
            continue;
        }
        let is_treatment = arm == arms.1;
        *(if is_treatment {
            &mut n_treatment
        } else {
            &mut n_control
        }) += 1;
        if !may_stand(&stretches, log.start_us[row], bucket, is_treatment) {
            n_wrong += 1;
            wrong.push(log.row[row]);
        }
    }
    wrong.sort_unstable();
    let share = n_wrong as f64 / n_control.min(n_treatment).max(1) as f64;
    if share > NOT_BY_IT {
        return Vec::new();
    }
    let router = buckets.text();
    let cuts = cuts_text(&stretches, buckets);
    let n = n_control + n_treatment;
    if n_wrong == 0 {
        let finding = format!(
            "All {} rows stand where the router {router} puts them: {cuts}",
            units::count(n)
        );
        return vec![fine(QUESTION.0, QUESTION.1, finding)];
    }
    let rows: Vec<String> = wrong
        .iter()
        .take(EXAMPLES)
        .map(|row| units::count(u64::from(*row) + 1))
        .collect();
    let more = if wrong.len() > EXAMPLES { ", …" } else { "" };
    let finding = format!(
        "{} of {} rows do not stand in the bucket that the router {router} gives them ({cuts}): data rows {}{more}",
        units::count(n_wrong),
        units::count(n),
        rows.join(", ")
    );
    vec![found(
        QUESTION,
        if share < MANY {
            Severity::Note
        } else {
            Severity::Warning
        },
        finding,
        "Their arm was not chosen by the hash: an exclusion list, a forced rollback, a fallback to the other arm, or the arm was logged wrongly. Requests that were moved are seldom like the rest",
        "Look at these rows in the log; leave out what was routed by hand",
    )]
}

/// The stages, or the whole log.
fn stretches(stages: &[Stage], span: Option<(i64, i64)>) -> Vec<(i64, i64)> {
    if stages.is_empty() {
        let whole = span.map(|(_, last)| (i64::MIN, last.saturating_add(1)));
        return whole.into_iter().collect();
    }
    stages.iter().map(|s| (s.from_us, s.to_us)).collect()
}

/// The best cut of the rows that started well inside a stretch.
fn cut_of(
    evidence: &Evidence<'_>,
    buckets: &Buckets,
    arms: (usize, usize),
    (from_us, to_us): (i64, i64),
) -> Option<Cut> {
    let log = evidence.log;
    let inside = inner((from_us, to_us));
    let n_buckets = usize::from(buckets.hash.n_buckets());
    let (mut control, mut treatment) = (vec![0u32; n_buckets], vec![0u32; n_buckets]);
    for (row, start_us) in log.start_us.iter().enumerate() {
        let bucket = usize::from(buckets.bucket[row]);
        if !inside.contains(start_us) || bucket >= n_buckets {
            continue;
        }
        let arm = usize::from(log.arm[row]);
        if arm == arms.0 {
            control[bucket] += 1;
        } else if arm == arms.1 {
            treatment[bucket] += 1;
        }
    }
    Cut::best(&control, &treatment)
}

/// A stretch without its blurred ends.
fn inner((from_us, to_us): (i64, i64)) -> std::ops::Range<i64> {
    if from_us == i64::MIN {
        return from_us..to_us;
    }
    let blur = ((to_us - from_us) as f64 * BLURRED) as i64;
    from_us + blur..to_us - blur
}

/// Whether a row stands right by the cut of its stretch, or near an end by the neighbour's.
fn may_stand(stretches: &[Stretch], start_us: i64, bucket: u16, is_treatment: bool) -> bool {
    let after = stretches.partition_point(|s| s.from_us <= start_us);
    let own = after.saturating_sub(1);
    let is_right = |at: usize| {
        let stretch = stretches.get(at);
        stretch.is_some_and(|s| s.cut.is_right(bucket, is_treatment))
    };
    if is_right(own) {
        return true;
    }
    let stretch = &stretches[own];
    let inside = inner((stretch.from_us, stretch.to_us));
    (start_us < inside.start && own > 0 && is_right(own - 1))
        || (start_us >= inside.end && is_right(own + 1))
}

/// "the treatment has buckets below 500 (5.0 %), then below 1,000 (10 %)".
fn cuts_text(stretches: &[Stretch], buckets: &Buckets) -> String {
    let n_buckets = buckets.hash.n_buckets();
    let mut cuts: Vec<String> = Vec::new();
    for stretch in stretches {
        let cut = stretch.cut;
        let at = cut.roundest(n_buckets);
        let (n_treatment, side) = if cut.is_treatment_low {
            (at, "below")
        } else {
            (n_buckets - at, "from")
        };
        let share = units::share(f64::from(n_treatment) / f64::from(n_buckets));
        let text = format!("{side} {} ({share})", units::count(u64::from(at)));
        if cuts.last() != Some(&text) {
            cuts.push(text);
        }
    }
    format!("the treatment has the buckets {}", cuts.join(", then "))
}
