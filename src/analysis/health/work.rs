//! Whether the arms did the same work: how long prompts are, and the mix of every segment column.

use rayon::prelude::*;

use super::super::model::{HealthCheck, Severity};
use super::{ALARMING, Evidence, fine, found, some_of};
use crate::data::{RequestLog, Segment};
use crate::stats::dist::chi_square_tails;
use crate::units;

const QUESTION: (&str, &str) = ("same-work", "Do the arms get the same kind of requests?");
/// Mean prompt lengths that differ by less do not matter.
const LONGER: f64 = 0.05;
/// Mixes that differ in fewer of the requests move no figure far.
const MUCH: f64 = 0.1;
/// A value of this share of one arm that the other never served matters whatever the rest.
const NOTABLE: f64 = 0.05;
/// Values of which less is expected in an arm are tested together.
const MIN_EXPECTED: f64 = 5.0;
/// Names listed.
const LISTED: usize = 6;

/// How the mix of one column differs between the control and another arm.
struct Mix {
    /// Per value: its share in the control and in the other arm, over equally weighted stages.
    shares: Vec<(f64, f64)>,
    /// Of the test of equal mixes.
    p: f64,
}

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let is_staged = evidence.strategy.strategy.has_stages();
    let stages = evidence.stages.iter().filter(|_| is_staged);
    let ends: Vec<i64> = stages.map(|stage| stage.to_us).collect();
    let log = evidence.log;
    checks_of_counts(evidence, &|segment| {
        Some(counts(log, &log.segments[segment], &ends))
    })
}

/// The same of requests that were counted by stage, arm and value; `None` where a column was not.
pub(super) fn checks_of_counts(
    evidence: &Evidence<'_>,
    counts: &(dyn Fn(usize) -> Option<Vec<Counts>> + Sync),
) -> Vec<HealthCheck> {
    let log = evidence.log;
    if evidence.arms.len() < 2 {
        return Vec::new();
    }
    let prompts = longer_prompts(evidence);
    let n_requests: u64 = evidence.arms.iter().map(|arm| arm.n_requests).sum();
    let counted = |(i, segment): (usize, &Segment)| {
        let is_kinds = is_groups(segment, n_requests as usize);
        is_kinds.then(|| counts(i)).flatten()
    };
    let of_columns: Vec<Option<Vec<Counts>>> =
        log.segments.par_iter().enumerate().map(counted).collect();
    let columns = || log.segments.iter().zip(&of_columns);
    let mixes: Vec<(usize, String)> = columns()
        .filter_map(|(segment, counts)| Some(different_mixes(evidence, segment, counts.as_ref()?)))
        .flatten()
        .collect();
    let named = |is_counted: bool| {
        let named = columns().filter(move |(_, counts)| counts.is_some() == is_counted);
        named.map(|(segment, _)| segment.name.as_str())
    };
    let of_prompts = prompts.iter().map(|_| "prompt tokens");
    let checked: Vec<&str> = of_prompts.chain(named(true)).collect();
    let unread = log.unread_columns.iter().map(String::as_str);
    let unchecked: Vec<&str> = named(false).chain(unread).collect();
    // Of an arm that nothing is decided about, its own row tells.
    let differing = mixes.iter().chain(prompts.iter().flatten());
    let is_beside = evidence.treatment.is_some_and(|treatment| {
        let mut arms = differing.map(|(arm, _)| *arm);
        arms.all(|arm| arm != treatment)
    });
    let worded = |of: &[(usize, String)]| of.iter().map(|(_, text)| text.clone()).collect();
    let prompts: Vec<String> = worded(prompts.as_deref().unwrap_or_default());
    let mixes: Vec<String> = worded(&mixes);
    let mut check = verdict(&prompts, &mixes, &checked, &unchecked);
    if let Some(check) = check
        .as_mut()
        .filter(|c| is_beside && c.severity == Severity::Warning)
    {
        check.severity = Severity::Note;
    }
    check.into_iter().collect()
}

/// Whether a column's values name kinds of requests rather than single ones.
pub(super) fn is_groups(segment: &Segment, n_rows: usize) -> bool {
    segment.values.len() < 1000 && 2 * segment.values.len() <= n_rows.max(20)
}

fn verdict(
    prompts: &[String],
    mixes: &[String],
    checked: &[&str],
    unchecked: &[&str],
) -> Option<HealthCheck> {
    let rest = if unchecked.is_empty() {
        String::new()
    } else {
        format!(". Not compared: {}", names(unchecked))
    };
    if checked.is_empty() {
        return (!unchecked.is_empty()).then(|| {
            found(
                QUESTION,
                Severity::Note,
                format!("No column says what kind of request it was{rest}"),
                "Arms that answered different requests differ for that alone",
                "Map a column that tells kinds of requests apart as a segment",
            )
        });
    }
    let mut findings = Vec::new();
    if !mixes.is_empty() {
        let list = some_of(mixes, LISTED);
        findings.push(format!("The mix is not the control's: {list}"));
    }
    if !prompts.is_empty() {
        let list = prompts.join(", ");
        findings.push(format!("Prompt tokens against the control: {list}"));
    }
    if findings.is_empty() {
        let finding = format!(
            "No clear difference between the arms in: {}{rest}",
            names(checked)
        );
        return Some(fine(QUESTION.0, QUESTION.1, finding));
    }
    let finding = findings.join(". ") + &rest;
    Some(if mixes.is_empty() {
        found(
            QUESTION,
            Severity::Warning,
            finding,
            "Expected where the variant itself changes the prompt. Otherwise the arms answered different requests, and every difference may come from that",
            "Find out whether the variant changes the prompt; if not, compare within segments of similar requests",
        )
    } else {
        found(
            QUESTION,
            Severity::Warning,
            finding,
            "These arms answered other requests than the control, and a difference over all of them may come from the mix alone",
            "Compare within the values of these columns: filter by one, or read the segments",
        )
    })
}

fn names(of: &[&str]) -> String {
    let shown = of
        .iter()
        .take(LISTED)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match of.len().saturating_sub(LISTED) {
        0 => shown,
        n => format!("{shown}, and {n} more"),
    }
}

/// Prompts exist before an arm answers: where they differ, the arms did different work. `None`
/// without prompt tokens.
fn longer_prompts(evidence: &Evidence<'_>) -> Option<Vec<(usize, String)>> {
    let rows = &evidence.scorecard;
    let row = rows.iter().find(|row| row.id == "tokens_in_mean")?;
    let differs = row.effects.iter().filter_map(|effect| {
        let relative = effect.relative?.value;
        let is_clear = effect.test?.p < ALARMING && relative.abs() > LONGER;
        let name = &evidence.arms[effect.arm].name;
        is_clear.then(|| (effect.arm, format!("{name} {}", units::relative(relative))))
    });
    Some(differs.collect())
}

/// The arms whose mix of a column's values is clearly not the control's, the treatment first.
fn different_mixes(
    evidence: &Evidence<'_>,
    segment: &Segment,
    counts: &[Counts],
) -> Vec<(usize, String)> {
    let (log, control) = (evidence.log, evidence.control);
    let mut arms: Vec<usize> = (0..log.arms.len()).filter(|arm| *arm != control).collect();
    arms.sort_by_key(|arm| Some(*arm) != evidence.treatment);
    let worded = arms.into_iter().filter_map(|arm| {
        // Shares move with the stages of the treatment alone.
        let is_treatment = Some(arm) == evidence.treatment;
        let whole = [together(counts)];
        let stages = if is_treatment { counts } else { &whole };
        let mix = Mix::of(stages, (control, arm), evidence.request_design_effect)?;
        let name = &evidence.arms[arm].name;
        mix.is_different()
            .then(|| (arm, format!("{name}, {}", mix.words(segment))))
    });
    worded.collect()
}

/// Per arm: how often each value occurs.
pub(super) type Counts = Vec<Vec<u64>>;

fn counts(log: &RequestLog, segment: &Segment, ends: &[i64]) -> Vec<Counts> {
    let empty = vec![vec![0; segment.values.len()]; log.arms.len()];
    let mut stages = vec![empty; ends.len().max(1)];
    let mut stage = 0;
    for ((code, arm), event) in segment.code.iter().zip(&log.arm).zip(&log.event_us) {
        while stage + 1 < ends.len() && *event >= ends[stage] {
            stage += 1;
        }
        stages[stage][usize::from(*arm)][usize::from(*code)] += 1;
    }
    stages
}

fn together(stages: &[Counts]) -> Counts {
    let mut all = stages[0].clone();
    for arms in &stages[1..] {
        for (sum, counts) in all.iter_mut().zip(arms) {
            sum.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
        }
    }
    all
}

impl Mix {
    /// Both mixes, averaged over the stages at n₁n₂/(n₁+n₂), as effects are. The chi-square of equal
    /// mixes is w Σ(q−p)²/m with w the sum of these weights and m the common share, Pearson's where
    /// there is one stage; divided by the design effect, as if all requests of a user were of one
    /// value (Rao & Scott 1981). `None` where an arm is empty or too little is expected of all but
    /// one value.
    fn of(stages: &[Counts], (a, b): (usize, usize), design_effect: f64) -> Option<Self> {
        let n_values = stages.first()?[a].len();
        let mut shares = vec![(0.0, 0.0); n_values];
        let mut common = vec![0.0; n_values];
        let mut weight = 0.0;
        for stage in stages {
            let sum = |arm: usize| stage[arm].iter().sum::<u64>() as f64;
            let (n_a, n_b) = (sum(a), sum(b));
            if n_a == 0.0 || n_b == 0.0 {
                continue;
            }
            let w = n_a * n_b / (n_a + n_b);
            weight += w;
            for (value, (share, common)) in shares.iter_mut().zip(&mut common).enumerate() {
                let (x_a, x_b) = (stage[a][value] as f64, stage[b][value] as f64);
                share.0 += w * x_a / n_a;
                share.1 += w * x_b / n_b;
                *common += w * (x_a + x_b) / (n_a + n_b);
            }
        }
        if weight == 0.0 {
            return None;
        }
        let (mut statistic, mut n_tested) = (0.0, 0usize);
        let (mut rest, mut rest_difference) = (0.0, 0.0);
        for ((p, q), common) in shares.iter().zip(&common) {
            if *common >= MIN_EXPECTED {
                statistic += (q - p).powi(2) / common;
                n_tested += 1;
            } else {
                rest += common;
                rest_difference += q - p;
            }
        }
        if rest >= MIN_EXPECTED {
            statistic += rest_difference.powi(2) / rest;
            n_tested += 1;
        }
        let df = n_tested.checked_sub(1).filter(|df| *df > 0)?;
        let tails = chi_square_tails(statistic / design_effect.max(1.0), df as f64);
        for share in &mut shares {
            *share = (share.0 / weight, share.1 / weight);
        }
        Some(Self {
            shares,
            p: tails.upper(),
        })
    }

    /// In no doubt, and in enough requests to matter.
    fn is_different(&self) -> bool {
        let moved: f64 = self.shares.iter().map(|(p, q)| (q - p).abs()).sum();
        let is_missing = |(p, q): &(f64, f64)| p.min(*q) == 0.0 && p.max(*q) >= NOTABLE;
        self.p < ALARMING && (moved / 2.0 >= MUCH || self.shares.iter().any(is_missing))
    }

    /// "`model_size` 13b 0 % (control 33.3 %), 70b 100 % (control 33.3 %)": values that one arm never
    /// served, then those that differ most.
    fn words(&self, segment: &Segment) -> String {
        let mut order: Vec<usize> = (0..self.shares.len()).collect();
        let rank = |value: &usize| {
            let (p, q) = self.shares[*value];
            (p.min(q) > 0.0, -(q - p).abs())
        };
        order.sort_by(|a, b| {
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        let values: Vec<String> = order
            .into_iter()
            .take(3)
            .map(|value| {
                let (p, q) = self.shares[value];
                let name = match segment.values[value].as_str() {
                    "" => "(empty)",
                    name => name,
                };
                let (q, p) = (units::share(q), units::share(p));
                format!("{name}: {q} (control {p})")
            })
            .collect();
        format!("{} {}", segment.name, values.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One stage is Pearson's chi-square: [[30, 70], [50, 50]] has 8.333.
    #[test]
    fn one_stage_is_pearsons_test() {
        let mix = Mix::of(&[vec![vec![30, 70], vec![50, 50]]], (0, 1), 1.0).unwrap();
        let expected = crate::stats::chi_square(&[vec![30, 70], vec![50, 50]]).unwrap();
        assert!((mix.p - expected.test.p).abs() < 1e-12);
        assert_eq!(mix.shares, [(0.3, 0.5), (0.7, 0.5)]);
    }

    /// The canary grew while the mix changed for both arms: within the stages all is equal.
    #[test]
    fn a_mix_that_changes_with_time_is_no_difference() {
        let stages = [
            vec![vec![900, 100], vec![90, 10]],
            vec![vec![100, 900], vec![100, 900]],
        ];
        let mix = Mix::of(&stages, (0, 1), 1.0).unwrap();
        assert!(mix.p > 0.999 && !mix.is_different(), "{}", mix.p);
        let whole = Mix::of(&[together(&stages)], (0, 1), 1.0).unwrap();
        assert!(whole.is_different());
    }
}
