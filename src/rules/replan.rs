//! Another plan on the same log. A hash router nests its buckets: the canary of a smaller share is part
//! of that of a larger one. So the canary of a smaller share is in the log, request by request. Who
//! would have been with the baseline instead was answered by the canary; the nearest request of the
//! baseline in time stands in. A larger share than the log's is not in it.

use serde::Serialize;

use super::{HoldCmp, Plan, Replay, ReplaySettings, Rulebook, StageSpan, replay_in_full};
use crate::data::{Buckets, Clock, Cut, RequestLog};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;
use crate::units;

/// What became of a log when it was replayed under another plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replanned {
    /// The plan's name.
    pub plan: String,
    /// The router whose buckets are nested.
    pub router: String,
    /// Requests of the canary under the plan; all of them are the log's own.
    pub canary_requests: u64,
    /// Requests of the log's canary that the plan leaves with the baseline.
    pub stand_ins: u64,
    /// Requests that stand in another arm than the router's; they stay there.
    pub misrouted: u64,
    /// Why the replay ends before the log; `None` where it does not.
    pub end: Option<ReplanEnd>,
}

/// From when on the log does not hold what the plan asks for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReplanEnd {
    /// Since time zero.
    pub time_us: i64,
    /// The canary's share by the plan.
    pub wanted: f64,
    /// The largest share whose canary is in the log; 1 where the baseline is missing.
    pub seen: f64,
}

/// A log as another plan would have made it.
struct Remade {
    log: RequestLog,
    /// The plan's stages, in the log's own microseconds.
    stages: Vec<StageSpan>,
    facts: Replanned,
}

/// A router that explains less of the smaller arm than this made other arms than these.
const EXPLAINED: f64 = 0.8;
/// The ends of an observed stage, this share of it, are left out where its share is told: stages are
/// seen at a coarser grain than they were made.
const BLURRED: f64 = 0.1;
/// A stand-in that is further away than this part of the log is not of the same time.
const NEAR: i64 = 288;

/// As [`replay_in_full`], as if the rollout had gone by another plan: a preset's or the rulebook's own,
/// which every rule then belongs to. `stages` are those of the log as it is.
///
/// Fails where the log does not hold the canary of that plan, with the reason.
pub fn replay_planned(
    log: &RequestLog,
    rulebook: &Rulebook,
    settings: &ReplaySettings,
    stages: &[StageSpan],
    name: &str,
    progress: &Progress,
) -> Result<Replay> {
    progress.phase("Preparing", 0)?;
    let plan = rulebook.plan(name)?;
    let remade = remake(log, settings, (name, &plan), stages).map_err(|reason| {
        let message = format!("The plan {name:?} cannot be replayed on this log: {reason}");
        Error::new(ErrorKind::NotEnoughData, message)
            .key("plan")
            .hint("A plan that never gives the canary more than the log did, on a log that was routed by a known hash of its users or requests, can be")
    })?;
    let mut planned = rulebook.clone();
    for rule in &mut planned.rules {
        rule.plan = Some(name.to_owned());
    }
    planned.plans.insert(name.to_owned(), plan);
    let mut found = replay_in_full(&remade.log, &planned, settings, &remade.stages, progress)?;
    found.replanned = Some(remade.facts);
    Ok(found)
}

/// Remakes a log, or says why it cannot be. `stages` are the observed ones.
fn remake(
    log: &RequestLog,
    arms: &ReplaySettings,
    (name, plan): (&str, &Plan),
    stages: &[StageSpan],
) -> std::result::Result<Remade, String> {
    if log.clock == Clock::RowOrder {
        return Err("the log has no times".to_owned());
    }
    let Some(buckets) = &log.buckets else {
        return Err(
            "no hash router that is known here explains its arms: which users a smaller share would have kept in the canary is not known"
                .to_owned(),
        );
    };
    let routed = Routed::of(log, buckets, arms, stages)?;
    let zero_us = log.time_zero_us();
    let planned = Planned::of(plan, zero_us, &routed);
    let mut end = routed.overtaken(&planned, zero_us);
    let last_us = log.event_span_us().map_or(zero_us, |(_, last)| last);
    let mut moved = Vec::new();
    let (mut n_canary, mut n_wrong) = (0, 0);
    let mut order: Vec<u32> = Vec::with_capacity(log.n_rows());
    let baseline: Vec<u32> = log
        .rows_of_arm(arms.control)
        .map(|row| row as u32)
        .collect();
    let near_us = (last_us - zero_us) / NEAR + 1;
    for row in 0..log.n_rows() {
        if end.is_some_and(|end| log.event_us[row] >= zero_us + end.time_us) {
            break;
        }
        let arm = usize::from(log.arm[row]);
        let place = routed.place(buckets.bucket[row]);
        let is_planned = place.is_none_or(|place| place < planned.at(log.start_us[row]).1);
        let is_treatment = arm == arms.treatment;
        n_wrong += u64::from(match place {
            Some(_) => arm == arms.control && is_planned,
            None => is_treatment,
        });
        if !is_treatment || is_planned {
            n_canary += u64::from(is_treatment);
            order.push(row as u32);
            continue;
        }
        let Some(donor) = nearest(log, &baseline, log.event_us[row], near_us) else {
            let time_us = log.event_us[row] - zero_us;
            end = Some(ReplanEnd {
                time_us,
                wanted: planned.at(log.start_us[row]).0,
                seen: 1.0,
            });
            break;
        };
        moved.push((order.len(), row));
        order.push(donor);
    }
    match end {
        Some(end) if end.time_us <= 0 || order.is_empty() => return Err(not_in_log(end)),
        _ => {}
    }
    let mut remade = log.gathered(&order);
    let n_moved = moved.len() as u64;
    for (at, row) in moved {
        stand_in(&mut remade, at, log, row);
    }
    let remade = remade.assemble();
    let until_us = end.map_or(i64::MAX, |end| zero_us + end.time_us);
    let end_us = until_us.min(last_us.saturating_add(1));
    Ok(Remade {
        stages: planned.spans(end_us),
        facts: Replanned {
            plan: name.to_owned(),
            router: buckets.hash.text(&buckets.column),
            canary_requests: n_canary,
            stand_ins: n_moved,
            misrouted: n_wrong,
            end,
        },
        log: remade,
    })
}

/// Why a plan cannot be replayed from the start.
fn not_in_log(end: ReplanEnd) -> String {
    if end.seen >= 1.0 {
        return "from its start on the log has no requests of the baseline at the same time"
            .to_owned();
    }
    format!(
        "from its start on the plan gives the canary {} and the log only {}: what the canary would have answered the others is not in the log",
        units::share(end.wanted),
        units::share(end.seen)
    )
}

/// A request that the canary answered, as the baseline would have: the donor's outcome and values at the
/// request's own start, for its own user.
fn stand_in(remade: &mut RequestLog, at: usize, log: &RequestLog, row: usize) {
    let shift_us = log.start_us[row] - remade.start_us[at];
    remade.row[at] = log.row[row];
    remade.start_us[at] += shift_us;
    remade.event_us[at] += shift_us;
    if let Some(rated) = &mut remade.rated_at_us {
        rated[at] += shift_us;
    }
    if let (Some(to), Some(from)) = (&mut remade.units, &log.units) {
        to.id[at] = from.id[row];
    }
    if let (Some(to), Some(from)) = (&mut remade.buckets, &log.buckets) {
        to.bucket[at] = from.bucket[row];
    }
}

/// The baseline's request that ended nearest to a moment, the earlier of two; `None` where none is near.
fn nearest(log: &RequestLog, baseline: &[u32], at_us: i64, near_us: i64) -> Option<u32> {
    let after = baseline.partition_point(|row| log.event_us[*row as usize] <= at_us);
    let distance = |row: &u32| log.event_us[*row as usize].abs_diff(at_us);
    let neighbours = &baseline[after.saturating_sub(1)..baseline.len().min(after + 1)];
    let found = neighbours.iter().min_by_key(|row| distance(row))?;
    (distance(found) <= near_us.unsigned_abs()).then_some(*found)
}

/// How a log was routed: buckets in the order in which the canary gets them, and how many it had when.
struct Routed {
    n_buckets: u16,
    is_low: bool,
    /// Stretches in order: when each begins, and between how few and how many buckets were the canary's.
    stretches: Vec<(i64, (u16, u16))>,
}

impl Routed {
    fn of(
        log: &RequestLog,
        buckets: &Buckets,
        arms: &ReplaySettings,
        stages: &[StageSpan],
    ) -> std::result::Result<Self, String> {
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
            return Err(format!(
                "the router {} does not explain these two arms",
                buckets.hash.text(&buckets.column)
            ));
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
            stretches,
        };
        routed.sharpen(log, buckets, arms, stages);
        Ok(routed)
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
    fn place(&self, bucket: u16) -> Option<u16> {
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
    fn size(&self, share: f64) -> u16 {
        let n = f64::from(self.n_buckets);
        if self.is_low {
            (share * n).ceil() as u16
        } else {
            (n - ((1.0 - share) * n).trunc()) as u16
        }
    }

    /// When the plan first asks for more buckets than the canary had.
    fn overtaken(&self, planned: &Planned, zero_us: i64) -> Option<ReplanEnd> {
        let starts = self.stretches.iter().map(|(from, _)| *from);
        let planned_starts = planned.stages.iter().map(|(from, ..)| *from);
        let mut moments: Vec<i64> = starts
            .chain(planned_starts)
            .map(|at| at.max(zero_us))
            .collect();
        moments.sort_unstable();
        moments.into_iter().find_map(|at_us| {
            let (wanted, size) = planned.at(at_us);
            let after = self.stretches.partition_point(|(from, _)| *from <= at_us);
            let (_, (_, most)) = *self.stretches.get(after.checked_sub(1)?)?;
            (size > most).then(|| ReplanEnd {
                time_us: at_us - zero_us,
                wanted,
                seen: f64::from(most) / f64::from(self.n_buckets),
            })
        })
    }
}

/// A plan's stages by their start in the log's own microseconds, with share and number of buckets.
struct Planned {
    stages: Vec<(i64, f64, u16)>,
}

impl Planned {
    fn of(plan: &Plan, zero_us: i64, routed: &Routed) -> Self {
        let mut stages = Vec::new();
        let mut from_us = zero_us;
        for stage in plan.schedule() {
            stages.push((from_us, stage.weight, routed.size(stage.weight)));
            let Some(hold) = stage.hold else { break };
            from_us += hold.us + i64::from(plan.hold_cmp == HoldCmp::Gt);
        }
        Self { stages }
    }

    /// Share and number of buckets at a moment.
    fn at(&self, at_us: i64) -> (f64, u16) {
        let after = self.stages.partition_point(|(from, ..)| *from <= at_us);
        let found = self.stages.get(after.saturating_sub(1));
        found.map_or((0.0, 0), |(_, share, size)| (*share, *size))
    }

    /// Its stages up to a moment.
    fn spans(&self, end_us: i64) -> Vec<StageSpan> {
        let ends = self.stages.iter().skip(1).map(|(from, ..)| *from);
        let spans = self.stages.iter().zip(ends.chain([i64::MAX]));
        spans
            .map(|((from_us, share, _), to_us)| StageSpan {
                from_us: *from_us,
                to_us: to_us.min(end_us),
                share: *share,
            })
            .filter(|span| span.from_us < span.to_us)
            .collect()
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

impl Replanned {
    /// What is to be said of it, in sentences.
    pub fn sentences(&self) -> Vec<String> {
        let mut found = vec![format!(
            "Replayed as the plan {} would have run, because the router {} nests its buckets: {} \
             requests of the canary stay with it, and {} go to the baseline, whose nearest request in \
             time stands in for the answer.",
            self.plan,
            self.router,
            units::count(self.canary_requests),
            units::count(self.stand_ins)
        )];
        if let Some(end) = self.end {
            let at = units::duration_us(end.time_us);
            found.push(if end.seen >= 1.0 {
                format!(
                    "The replay ends after {at}: from then on the log has no requests of the baseline \
                     that could stand in."
                )
            } else {
                format!(
                    "The replay ends after {at}: from then on the plan gives the canary {} and the log \
                     only {}, so that what it would have answered is not known.",
                    units::share(end.wanted),
                    units::share(end.seen)
                )
            });
        }
        if self.misrouted > 0 {
            found.push(format!(
                "{} requests stand in another arm than the router's, and stay there.",
                units::count(self.misrouted)
            ));
        }
        found
    }
}
