//! Another plan on the same log. A hash router nests its buckets: the canary of a smaller share is part
//! of that of a larger one. So the canary of a smaller share is in the log, request by request. Who
//! would have been with the baseline instead was answered by the canary; the nearest request of the
//! baseline in time stands in. A larger share than the log's is not in it. Where no known router explains the arms, a random part
//! of the canary stands for a smaller one ([`super::thin`]).

use serde::Serialize;

use super::routed::Routed;
use super::thin::{Drawn, DrawnBy, SEED};
use super::{HoldCmp, Plan, Replay, ReplaySettings, Rulebook, StageSpan, replay_in_full};
use crate::data::{Buckets, Clock, RequestLog};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;
use crate::units;

/// What became of a log when it was replayed under another plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replanned {
    /// The plan's name.
    pub plan: String,
    /// The router whose buckets are nested; empty where the canary was drawn at random.
    pub router: String,
    /// What was drawn, where no known router explains the arms: a random part of the canary stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drawn: Option<DrawnBy>,
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
            .hint("A plan that never gives the canary more than the log did, can be")
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
    let zero_us = log.time_zero_us();
    let starts = starts(plan, zero_us);
    let routing = Routing::of(log, arms, stages);
    let mut end = routing.overtaken(&starts, zero_us);
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
        let wanted = share_at(&starts, log.start_us[row]);
        let is_treatment = usize::from(log.arm[row]) == arms.treatment;
        let is_control = usize::from(log.arm[row]) == arms.control;
        let is_planned = match routing.keeps(log, row, wanted) {
            Some(is_planned) => {
                n_wrong += u64::from(is_control && is_planned);
                is_planned
            }
            None => {
                n_wrong += u64::from(is_treatment);
                true
            }
        };
        if !is_treatment || is_planned {
            n_canary += u64::from(is_treatment);
            order.push(row as u32);
            continue;
        }
        let Some(donor) = nearest(log, &baseline, log.event_us[row], near_us) else {
            let time_us = log.event_us[row] - zero_us;
            end = Some(ReplanEnd {
                time_us,
                wanted,
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
    let (router, drawn) = match &routing {
        Routing::Hashed(_, buckets) => (buckets.text(), None),
        Routing::Drawn(drawn) => (String::new(), Some(drawn.by)),
    };
    Ok(Remade {
        stages: spans(&starts, end_us),
        facts: Replanned {
            plan: name.to_owned(),
            router,
            drawn,
            canary_requests: n_canary,
            stand_ins: n_moved,
            misrouted: n_wrong,
            end,
        },
        log: remade,
    })
}

/// Who of a log's canary a smaller share would have kept.
enum Routing<'a> {
    /// By buckets, exactly.
    Hashed(Routed, &'a Buckets),
    /// A random part.
    Drawn(Drawn),
}

impl<'a> Routing<'a> {
    fn of(log: &'a RequestLog, arms: &ReplaySettings, stages: &[StageSpan]) -> Self {
        let hashed = log.buckets.as_ref().and_then(|buckets| {
            let routed = Routed::of(log, buckets, arms, stages)?;
            Some(Self::Hashed(routed, buckets))
        });
        hashed.unwrap_or_else(|| Self::Drawn(Drawn::of(log, arms, stages)))
    }

    /// Whether a plan that gives the canary `wanted` has a request in it; `None` where its arm does not
    /// follow from the router.
    fn keeps(&self, log: &RequestLog, row: usize, wanted: f64) -> Option<bool> {
        match self {
            Self::Hashed(routed, buckets) => {
                let place = routed.place(buckets.bucket[row])?;
                Some(place < routed.size(wanted))
            }
            // Of the baseline nobody is in a smaller canary.
            Self::Drawn(drawn) => {
                Some(log.arm[row] != drawn.control && drawn.keeps(log, row, wanted))
            }
        }
    }

    /// When the plan first asks for more than the canary had.
    fn overtaken(&self, starts: &[(i64, f64)], zero_us: i64) -> Option<ReplanEnd> {
        match self {
            Self::Hashed(routed, _) => routed.overtaken(starts, zero_us),
            Self::Drawn(drawn) => drawn.overtaken(starts, zero_us),
        }
    }
}

/// A plan's stages by their start in the log's own microseconds, with their share.
fn starts(plan: &Plan, zero_us: i64) -> Vec<(i64, f64)> {
    let mut stages = Vec::new();
    let mut from_us = zero_us;
    for stage in plan.schedule() {
        stages.push((from_us, stage.weight));
        let Some(hold) = stage.hold else { break };
        from_us += hold.us + i64::from(plan.hold_cmp == HoldCmp::Gt);
    }
    stages
}

/// When a plan, given as starts and shares, first asks for more than the canary had. `starts` are those
/// of the log's own stretches; `seen` is the largest share of one, where the plan's exceeds it.
pub(super) fn overtaken(
    starts: impl Iterator<Item = i64>,
    planned: &[(i64, f64)],
    zero_us: i64,
    seen: impl Fn(i64, f64) -> Option<f64>,
) -> Option<ReplanEnd> {
    let planned_starts = planned.iter().map(|(from_us, _)| *from_us);
    let mut moments: Vec<i64> = starts
        .chain(planned_starts)
        .map(|at| at.max(zero_us))
        .collect();
    moments.sort_unstable();
    moments.into_iter().find_map(|at_us| {
        let wanted = share_at(planned, at_us);
        Some(ReplanEnd {
            time_us: at_us - zero_us,
            wanted,
            seen: seen(at_us, wanted)?,
        })
    })
}

/// The planned share at a moment.
fn share_at(starts: &[(i64, f64)], at_us: i64) -> f64 {
    let after = starts.partition_point(|(from_us, _)| *from_us <= at_us);
    let found = starts.get(after.saturating_sub(1));
    found.map_or(0.0, |(_, share)| *share)
}

/// A plan's stages up to a moment.
fn spans(starts: &[(i64, f64)], end_us: i64) -> Vec<StageSpan> {
    let ends = starts.iter().skip(1).map(|(from_us, _)| *from_us);
    let spans = starts.iter().zip(ends.chain([i64::MAX]));
    spans
        .map(|((from_us, share), to_us)| StageSpan {
            from_us: *from_us,
            to_us: to_us.min(end_us),
            share: *share,
        })
        .filter(|span| span.from_us < span.to_us)
        .collect()
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

impl Replanned {
    /// What is to be said of it, in sentences.
    pub fn sentences(&self) -> Vec<String> {
        let (stay, go) = (
            units::count(self.canary_requests),
            units::count(self.stand_ins),
        );
        let mut found = vec![match self.drawn {
            None => format!(
                "Replayed as the plan {} would have run, because the router {} nests its buckets: {stay} \
                 requests of the canary stay with it, and {go} go to the baseline, whose nearest request in \
                 time stands in for the answer.",
                self.plan, self.router
            ),
            Some(by) => format!(
                "Replayed as the plan {} would have run if its canary had been drawn at random: no known \
                 router explains the arms, so a random part of the canary's {} stays with it (seed {SEED}), \
                 {stay} requests; {go} go to the baseline, whose nearest request in time stands in for the \
                 answer. Another draw would give other figures.",
                self.plan,
                match by {
                    DrawnBy::User => "users",
                    DrawnBy::Request => "requests",
                }
            ),
        }];
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
