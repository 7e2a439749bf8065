//! [`Routed`]: how a hash router assigned a log, told from the buckets of both arms.

use super::replan::overtaken;
use super::{ReplanEnd, ReplaySettings, StageSpan};
use crate::data::{Buckets, Cut, RequestLog};

/// A router that explains less of the smaller arm than this made other arms than these.
const EXPLAINED: f64 = 0.8;
/// The ends of an observed stage, this share of it, are left out where its share is told: stages are
/// seen at a coarser grain than they were made.
const BLURRED: f64 = 0.1;

/// How a log was routed: buckets in the order in which the canary gets them, and how many it had when.
pub(super) struct Routed {
    n_buckets: u16,
    pub(super) is_low: bool,
    /// Requests away from the switches that stand on the wrong side.
    pub(super) n_wrong: u64,
    /// Stretches in order: when each begins, and between how few and how many buckets were the canary's.
    stretches: Vec<(i64, (u16, u16))>,
}

impl Routed {
    /// `None` where the router does not explain these two arms. `stages` are the observed ones.
    pub(super) fn of(
        log: &RequestLog,
        buckets: &Buckets,
        arms: &ReplaySettings,
        stages: &[StageSpan],
    ) -> Option<Self> {
        let n_buckets = buckets.hash.n_buckets();
        let whole = [StageSpan {
            from_us: i64::MIN,
            to_us: i64::MAX,
            share: 0.0,
        }];
        let stages = if stages.is_empty() { &whole } else { stages };
        let counts: Vec<_> = stages
            .iter()
            .map(|stage| counts(log, buckets, arms, inner(*stage)))
            .collect();
        let cuts: Vec<Option<Cut>> = counts.iter().map(|(c, t)| Cut::best(c, t)).collect();
        let total = |counts: &[u32]| counts.iter().map(|n| u64::from(*n)).sum::<u64>();
        let (mut n_low, mut n_high, mut n_wrong) = (0, 0, 0);
        for (cut, (control, treatment)) in cuts.iter().zip(&counts) {
            let Some(cut) = cut else { continue };
            let n = total(control).min(total(treatment));
            *(if cut.is_treatment_low {
                &mut n_low
            } else {
                &mut n_high
            }) += n;
            n_wrong += cut.n_wrong;
        }
        let n = n_low + n_high;
        if n == 0 || n_wrong as f64 > (1.0 - EXPLAINED) * n as f64 {
            return None;
        }
        let is_low = n_low >= n_high;
        let mut held = (0, 0);
        let held = cuts.iter().zip(&counts).map(|(cut, (control, treatment))| {
            held = match cut {
                Some(cut) if cut.is_treatment_low == is_low && is_low => cut.at,
                Some(cut) if cut.is_treatment_low == is_low => {
                    (n_buckets - cut.at.1, n_buckets - cut.at.0)
                }
                None if total(treatment) > 0 => (n_buckets, n_buckets),
                // Nobody came: the router stood as before.
                None if total(control) == 0 => held,
                _ => (0, 0),
            };
            held
        });
        let starts = stages.iter().map(|stage| stage.from_us);
        let stretches = starts.zip(held).collect();
        let mut routed = Self {
            n_buckets,
            is_low,
            n_wrong,
            stretches,
        };
        routed.sharpen(log, buckets, arms, stages);
        Some(routed)
    }

    /// Moves the starts of stretches, which are known to a 288th of the log, to the requests between which
    /// the buckets in between change arms.
    fn sharpen(
        &mut self,
        log: &RequestLog,
        buckets: &Buckets,
        arms: &ReplaySettings,
        stages: &[StageSpan],
    ) {
        let middle = |stage: &StageSpan| stage.from_us + (stage.to_us - stage.from_us) / 2;
        for i in 1..self.stretches.len() {
            let (before, now) = (self.stretches[i - 1].1, self.stretches[i].1);
            let around = middle(&stages[i - 1])..middle(&stages[i]);
            let is_growth = now.0 > before.1;
            let between = if is_growth {
                before.1..now.0
            } else {
                now.1..before.0
            };
            let starts = |arm: usize| {
                let rows = (0..log.n_rows()).filter(move |row| usize::from(log.arm[*row]) == arm);
                let near = rows.filter(|row| {
                    around.contains(&log.start_us[*row])
                        && self
                            .place(buckets.bucket[*row])
                            .is_some_and(|place| between.contains(&place))
                });
                near.map(|row| log.start_us[row]).collect::<Vec<i64>>()
            };
            let (canary, control) = (starts(arms.treatment), starts(arms.control));
            // The canary has them as early, and loses them as late, as no request contradicts.
            let found = if is_growth {
                canary.into_iter().min().map(|first| {
                    let before = control.into_iter().filter(|at| *at < first).max();
                    before.map_or(around.start, |last| last + 1)
                })
            } else {
                canary.into_iter().max().map(|last| {
                    let after = control.into_iter().filter(|at| *at > last).min();
                    after.unwrap_or(around.end)
                })
            };
            if let Some(found) = found {
                self.stretches[i].0 = found;
            }
        }
        // Before the first stretch the router stood as in it.
        if let Some(first) = self.stretches.first_mut() {
            first.0 = i64::MIN;
        }
    }

    /// A bucket's place in the order in which the canary gets them; `None` for a row without one.
    pub(super) fn place(&self, bucket: u16) -> Option<u16> {
        let is_there = bucket < self.n_buckets;
        is_there.then(|| {
            if self.is_low {
                bucket
            } else {
                self.n_buckets - 1 - bucket
            }
        })
    }

    /// How many buckets a share is, rounded as the routers round.
    pub(super) fn size(&self, share: f64) -> u16 {
        let n = f64::from(self.n_buckets);
        if self.is_low {
            (share * n).ceil() as u16
        } else {
            (n - ((1.0 - share) * n).trunc()) as u16
        }
    }

    /// When the plan first asks for more buckets than the canary had.
    pub(super) fn overtaken(&self, planned: &[(i64, f64)], zero_us: i64) -> Option<ReplanEnd> {
        let starts = self.stretches.iter().map(|(from, _)| *from);
        overtaken(starts, planned, zero_us, |at_us, wanted| {
            let after = self.stretches.partition_point(|(from, _)| *from <= at_us);
            let (_, (_, most)) = *self.stretches.get(after.checked_sub(1)?)?;
            (self.size(wanted) > most).then(|| f64::from(most) / f64::from(self.n_buckets))
        })
    }
}

/// A stage without its blurred ends.
fn inner(stage: StageSpan) -> std::ops::Range<i64> {
    if stage.from_us == i64::MIN {
        return stage.from_us..stage.to_us;
    }
    let blur = ((stage.to_us - stage.from_us) as f64 * BLURRED) as i64;
    stage.from_us + blur..stage.to_us - blur
}

/// Rows per bucket of the control and of the treatment that started within a stretch.
fn counts(
    log: &RequestLog,
    buckets: &Buckets,
    arms: &ReplaySettings,
    within: std::ops::Range<i64>,
) -> (Vec<u32>, Vec<u32>) {
    let n = usize::from(buckets.hash.n_buckets());
    let (mut control, mut treatment) = (vec![0; n], vec![0; n]);
    for (row, start_us) in log.start_us.iter().enumerate() {
        let bucket = usize::from(buckets.bucket[row]);
        if bucket >= n || !within.contains(start_us) {
            continue;
        }
        let arm = usize::from(log.arm[row]);
        if arm == arms.control {
            control[bucket] += 1;
        } else if arm == arms.treatment {
            treatment[bucket] += 1;
        }
    }
    (control, treatment)
}
