//! [`replay`]: a rulebook over a log.

use rayon::prelude::*;

use super::after::after;
use super::apart::{are_apart, objection, too_early};
use super::arms::arm_rows;
use super::censoring::censoring;
use super::damage::averted;
use super::fit::PlanFit;
use super::grain::GrainOf;
use super::phase::{phase_range, range_of};
use super::plan::Plan;
use super::prepare::{Assignment, Prepared, View};
use super::walk::Walk;
use super::{Replay, ReplayEvent, ReplayStage, Rule, RuleReplay, Rulebook};
use crate::data::RequestLog;
use crate::error::Result;
use crate::jobs::Progress;

/// Which arms of the log a rulebook means, unless it names them itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplaySettings {
    /// The index of the baseline among the log's arms.
    pub control: usize,
    /// The index of the canary among the log's arms.
    pub treatment: usize,
}

/// A stage of the rollout as the log shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StageSpan {
    /// Its start, in the log's own microseconds.
    pub from_us: i64,
    /// Its end, exclusive.
    pub to_us: i64,
    /// The canary's share of the requests of both arms, 0 to 1.
    pub share: f64,
}

/// Replays every rule of the rulebook over the log, each on its own, open loop.
///
/// A rule that the log cannot feed is reported as skipped with the reason, and so is one that compares arms
/// which the log never shows beside each other. Fails if the arms do not exist or are one, or if the user
/// cancels.
pub fn replay(
    log: &RequestLog,
    rulebook: &Rulebook,
    settings: &ReplaySettings,
    progress: &Progress,
) -> Result<Replay> {
    run_all(log, rulebook, settings, &[], &Depth::First, progress)
}

/// As [`replay`], with the rollout's observed stages in order (without any there is one stage), and
/// with what takes several replays or passes: the range over phases, what acting would have averted,
/// and what the monitor does next.
pub fn replay_in_full(
    log: &RequestLog,
    rulebook: &Rulebook,
    settings: &ReplaySettings,
    stages: &[StageSpan],
    progress: &Progress,
) -> Result<Replay> {
    run_all(log, rulebook, settings, stages, &Depth::Full, progress)
}

/// As [`replay`], on a log that is made of cells.
pub(super) fn replay_at_grain(
    (log, settings, stages): (&RequestLog, &ReplaySettings, &[StageSpan]),
    rulebook: &Rulebook,
    grain: &GrainOf<'_>,
    progress: &Progress,
) -> Result<Replay> {
    let depth = Depth::Grain(grain);
    run_all(log, rulebook, settings, stages, &depth, progress)
}

/// What is found out of every rule.
enum Depth<'a> {
    /// What it does.
    First,
    /// With what takes several replays or passes.
    Full,
    /// What it does on a log that is made of cells, with the range over the edges of these.
    Grain(&'a GrainOf<'a>),
}

/// Replays one rule over the rows of two arms of a prepared log, open loop. The rule must be one of
/// the rulebooks that the log was prepared for, up to its thresholds; `plan` is the plan that it
/// belongs to, if any.
///
/// Fails only if the user cancels. Adds the log's rows to the progress of the phase.
pub fn replay_rule(
    prepared: &Prepared<'_>,
    arms: &Assignment,
    rule: &Rule,
    plan: Option<&Plan>,
    progress: &Progress,
) -> Result<RuleReplay> {
    let mut n_seen = 0;
    walk_through(prepared, arms, (rule, plan), |n| {
        progress.advance(n - std::mem::replace(&mut n_seen, n))
    })
}

/// As [`replay_rule`]; `tick` learns how many rows were seen and can stop it.
pub(super) fn walk_through(
    prepared: &Prepared<'_>,
    arms: &Assignment,
    (rule, plan): (&Rule, Option<&Plan>),
    mut tick: impl FnMut(u64) -> Result<()>,
) -> Result<RuleReplay> {
    let view = View::new(prepared, arms, rule, plan);
    let mut walk = match Walk::new(view) {
        Ok(walk) => walk,
        Err(reason) => return Ok(RuleReplay::skipped(rule, reason)),
    };
    if let Some(reason) = walk.run.never_holds() {
        walk.run.skip(reason);
    }
    while walk.step() {
        tick(walk.n_seen())?;
    }
    Ok(walk.run.finish())
}

fn run_all(
    log: &RequestLog,
    rulebook: &Rulebook,
    settings: &ReplaySettings,
    stages: &[StageSpan],
    depth: &Depth<'_>,
    progress: &Progress,
) -> Result<Replay> {
    progress.phase("Preparing", 0)?;
    let is_full = matches!(depth, Depth::Full);
    let prepared = Prepared::new(log, rulebook, stages);
    let zero_us = prepared.log.time_zero_us();
    let last_us = prepared
        .log
        .event_span_us()
        .map_or(zero_us, |(_, last)| last);
    let mut found = Replay {
        time_zero_us: zero_us,
        clock: log.clock,
        last_event_us: last_us - zero_us,
        canary_from_us: None,
        censoring: None,
        replanned: None,
        grain_us: None,
        events: ReplayEvent::all(prepared.log(), zero_us),
        stages: stages
            .iter()
            .map(|stage| ReplayStage {
                from_us: stage.from_us - zero_us,
                share: stage.share,
            })
            .collect(),
        routers: Vec::new(),
        rules: Vec::new(),
    };
    let arms = match arm_rows(prepared.log(), rulebook, settings)? {
        Ok(arms) => arms,
        Err(reason) => {
            let skip = |rule| RuleReplay::skipped(rule, reason.clone());
            found.rules.extend(rulebook.rules.iter().map(skip));
            return Ok(found);
        }
    };
    found.censoring = censoring(prepared.log(), &arms);
    let first = arms.canary.first();
    found.canary_from_us = first.map(|row| prepared.log.event_us[*row as usize] - zero_us);
    let is_apart = are_apart(prepared.log(), &arms);
    if is_full {
        let routers = rulebook.routers.iter();
        let fits = routers.map(|(name, router)| router.fit(name, prepared.log(), settings, stages));
        found.routers = fits.collect();
    }
    let n_rows = prepared.log.n_rows() as u64;
    // What completes a replay counts as another pass.
    let n_each = if is_full { 2 * n_rows } else { n_rows };
    progress.phase("Replaying", n_each * rulebook.rules.len() as u64)?;
    let one = |rule: &Rule| -> Result<RuleReplay> {
        let named = plan_of(rulebook, rule);
        let plan = named.map(|(_, plan)| plan);
        if let Some(reason) = objection(&arms, rule, log.clock).filter(|_| is_apart) {
            progress.advance(n_each)?;
            return Ok(RuleReplay::skipped(rule, reason));
        }
        if let Depth::Grain(grain) = depth
            && let Some(reason) = (grain.object)(rule)
        {
            progress.advance(n_each)?;
            return Ok(RuleReplay::skipped(rule, reason));
        }
        let mut n_seen = 0;
        let mut replayed = walk_through(&prepared, &arms, (rule, plan), |n| {
            progress.advance(n - std::mem::replace(&mut n_seen, n))
        })?;
        if let Some(reason) = too_early(&found, &replayed).filter(|_| is_apart) {
            replayed = RuleReplay::skipped(rule, reason);
        }
        if is_full && replayed.skipped.is_none() {
            replayed.plan = named.and_then(|named| PlanFit::of(&prepared, &arms, named));
            complete(&prepared, &arms, (rule, plan), &mut replayed, progress)?;
        }
        if let Depth::Grain(grain) = depth
            && replayed.skipped.is_none()
        {
            let shifts = (grain.shifts)(rule);
            replayed.phases = Some(range_of(&prepared, &arms, &shifts, plan, progress)?);
        }
        progress.advance(n_each - n_seen)?;
        Ok(replayed)
    };
    let rules: Result<Vec<RuleReplay>> = rulebook.rules.par_iter().map(one).collect();
    found.rules = rules?;
    Ok(found)
}

/// Adds what takes several replays or passes.
fn complete(
    prepared: &Prepared<'_>,
    arms: &Assignment,
    (rule, plan): (&Rule, Option<&Plan>),
    replayed: &mut RuleReplay,
    progress: &Progress,
) -> Result<()> {
    replayed.ratings = prepared.late_ratings(rule);
    replayed.phases = phase_range(prepared, arms, rule, plan, progress)?;
    if let Some(first) = &mut replayed.first {
        first.planned = replayed.plan.as_ref().and_then(|fit| fit.at(first.time_us));
        let view = View::new(prepared, arms, rule, plan);
        replayed.averted = averted(view, arms.span_us.0 + first.effective_us);
        replayed.after = after(prepared, arms, (rule, plan), first, progress)?;
    }
    Ok(())
}

/// When a rule first fires, in microseconds since time zero; `None`: never, or it cannot run on
/// this log. As [`replay_rule`], but it stops there: for many relabellings of one log.
pub fn first_firing(
    prepared: &Prepared<'_>,
    arms: &Assignment,
    rule: &Rule,
    plan: Option<&Plan>,
) -> Option<FirstFiring> {
    let view = View::new(prepared, arms, rule, plan);
    let mut walk = Walk::new(view).ok()?;
    if walk.run.never_holds().is_some() {
        return None;
    }
    walk.run.without_readings();
    while walk.step() {
        if let Some((point, causes)) = walk.run.first() {
            return Some(FirstFiring {
                time_us: point.at_us - view.zero_us(),
                n_seen: point.seen,
                causes,
            });
        }
    }
    None
}

/// Evaluations later than `after_us`, in the log's own microseconds, at which a rule's conditions
/// hold.
pub(super) fn count_true_after(
    prepared: &Prepared<'_>,
    arms: &Assignment,
    rule: &Rule,
    plan: Option<&Plan>,
    after_us: i64,
) -> u64 {
    let view = View::new(prepared, arms, rule, plan);
    let Ok(mut walk) = Walk::new(view) else {
        return 0;
    };
    walk.run.without_readings();
    let mut n = 0;
    while walk.step() {
        n += walk.run.n_true_after(&walk.block, after_us);
        let skipped = walk.skipped.filter(|_| walk.run.holds());
        n += skipped.map_or(0, |ticks| ticks.n_after(after_us));
    }
    n
}

/// When and why a rule first fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstFiring {
    /// When it decides, since time zero.
    pub time_us: i64,
    /// Rows of the prepared log that were seen by then.
    pub n_seen: u32,
    /// The conditions that held, by their place in [`Rule::conditions`].
    pub causes: Vec<usize>,
}

/// The plan that a rule belongs to: the one that it names, or the only one.
fn plan_of<'a>(rulebook: &'a Rulebook, rule: &Rule) -> Option<(&'a str, &'a Plan)> {
    let found = match &rule.plan {
        Some(name) => rulebook.plans.get_key_value(name),
        None if rulebook.plans.len() == 1 => rulebook.plans.first_key_value(),
        None => None,
    };
    found.map(|(name, plan)| (name.as_str(), plan))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Arm, Clock as LogClock, Outcome, Quantity};
    use crate::error::ErrorKind;
    use crate::rules::{State, presets, with_threshold};

    const SETTINGS: ReplaySettings = ReplaySettings {
        control: 0,
        treatment: 1,
    };

    /// A request a second, the arms in turn from arm 0; `X` fails.
    fn log(outcomes: &str) -> RequestLog {
        let n = outcomes.len();
        RequestLog {
            arms: ["a", "b"].map(|name| Arm { name: name.into() }).into(),
            arm: (0..n).map(|i| (i % 2) as u16).collect(),
            row: (0..n as u32).collect(),
            start_us: (0..n as i64).map(|i| i * 1_000_000).collect(),
            event_us: (0..n as i64).map(|i| i * 1_000_000).collect(),
            outcome: outcomes
                .chars()
                .map(|c| {
                    if c == 'X' {
                        Outcome::Error
                    } else {
                        Outcome::Ok
                    }
                })
                .collect(),
            has_outcome: true,
            ..RequestLog::default()
        }
    }

    fn rulebook(clock: &str, conditions: &str, rest: &str) -> Rulebook {
        let text = format!("[[rule]]\nid = 'r'\nclock = {clock}\nany = [{conditions}]\n{rest}");
        Rulebook::parse(&text).unwrap()
    }

    fn run(log: &RequestLog, rulebook: &Rulebook) -> RuleReplay {
        let mut found = replay(log, rulebook, &SETTINGS, &Progress::unwatched()).unwrap();
        found.rules.remove(0)
    }

    const ERRORS: &str =
        "{ name = 'e', metric = 'error_share', window = { last = 2 }, cmp = '>=', value = 0.5 }";

    #[test]
    fn a_firing_carries_what_every_condition_saw() {
        let found = run(
            &log(".......X.X...."),
            &rulebook("'request'", ERRORS, "delay = '3s'"),
        );
        let first = found.first.unwrap();
        assert_eq!((first.row, first.time_us), (Some(7), 7_000_000));
        assert_eq!(first.effective_us, 10_000_000);
        assert_eq!(first.causes, ["e"]);
        let reading = &first.readings[0];
        assert_eq!((reading.measured.value, reading.measured.n), (Some(0.5), 2));
        assert_eq!(
            (reading.baseline.value, reading.bound),
            (Some(0.0), Some(0.5))
        );
        assert_eq!(found.evaluations_true, 6);
        let exposure = found.exposure.unwrap();
        assert_eq!((exposure.before.requests, exposure.before.errors), (5, 2));
        assert_eq!((exposure.after.requests, exposure.after.errors), (2, 0));
        let states: Vec<State> = found.transitions.iter().map(|t| t.state).collect();
        assert_eq!(states, [State::Firing, State::Inactive]);
    }

    #[test]
    fn a_moved_threshold_moves_the_firing() {
        let whole = rulebook("'request'", ERRORS, "");
        let moved = with_threshold(&whole, 0, 0, 1.0).unwrap();
        assert_eq!(
            run(&log(".......X.X...."), &moved).first.unwrap().row,
            Some(9)
        );
        assert!(with_threshold(&whole, 0, 1, 1.0).is_none());
    }

    #[test]
    fn the_lack_of_data_means_what_the_policy_says() {
        let trailing = |policy: &str| {
            let condition = format!(
                "{{ metric = 'error_share', window = {{ trailing = '1s' }}, cmp = '>', value = 0.5{policy} }}"
            );
            // Ticks at every second: the canary's window is empty at every other one.
            let found = run(
                &log(".X.X.X"),
                &rulebook("{ every = '1s', from = 0 }", &condition, ""),
            );
            (
                found.evaluations_true,
                found.conditions[0].evaluations_no_data,
            )
        };
        assert_eq!(trailing(""), (3, 3));
        assert_eq!(trailing(", no_data = 'false'"), (3, 3));
        assert_eq!(trailing(", no_data = 'true'"), (6, 3));
        assert_eq!(trailing(", no_data = 'hold'"), (5, 3));
        assert_eq!(trailing(", no_data = 'reset'"), (3, 3));
    }

    #[test]
    fn what_the_log_lacks_is_said_and_the_rest_runs() {
        let found = run(
            &log("........"),
            &presets::rulebook(&["quality-monitor"]).unwrap(),
        );
        assert_eq!(found.skipped, None);
        let unavailable = |i: usize| found.conditions[i].unavailable.clone();
        assert_eq!(unavailable(0), None);
        assert_eq!(unavailable(2).unwrap(), "the log has no column for rating");
        let rating = "{ metric = 'mean(rating)', window = { last = 2 }, cmp = '<', value = 2 }";
        let found = run(&log("...."), &rulebook("'request'", rating, ""));
        assert_eq!(found.skipped.unwrap(), "the log has no column for rating");
        let ticks = rulebook("{ every = '1s' }", ERRORS, "");
        let mut timeless = log("....");
        timeless.clock = LogClock::RowOrder;
        assert!(run(&timeless, &ticks).skipped.unwrap().contains("no times"));
    }

    #[test]
    fn arms_are_found_by_label_or_refused() {
        let labelled = |canary: &str| {
            let text = format!("[arms]\ncanary = '{canary}'\nbaseline = 'b'\n");
            let rule = rulebook("'request'", ERRORS, "").to_toml().unwrap();
            let rule = &rule[rule.find("[[rule]]").unwrap()..];
            Rulebook::parse(&format!("{text}{rule}")).unwrap()
        };
        assert_eq!(
            run(&log("X..."), &labelled("a")).first.unwrap().row,
            Some(0)
        );
        let skipped = run(&log("X..."), &labelled("c")).skipped.unwrap();
        assert!(skipped.contains("it has a, b"), "{skipped}");
        let same = ReplaySettings {
            control: 1,
            ..SETTINGS
        };
        let whole = rulebook("'request'", ERRORS, "");
        let error = replay(&log("...."), &whole, &same, &Progress::unwatched()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Settings);
    }

    #[test]
    fn a_cancelled_replay_stops() {
        let progress = Progress::unwatched();
        progress.cancel();
        let whole = rulebook("'request'", ERRORS, "");
        assert!(
            replay(&log("...."), &whole, &SETTINGS, &progress)
                .unwrap_err()
                .is_cancelled()
        );
    }

    #[test]
    fn values_without_a_grid_are_compared_exactly() {
        let mut fine = log(&".".repeat(200));
        let values: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 101).sqrt()).collect();
        fine.quantities = vec![(Quantity::LatencyMs, values.into())];
        let p95 =
            "{ metric = 'quantile(latency,0.95)', window = { last = 20 }, cmp = '>', value = 9.9 }";
        let p95_big = p95.replace("last = 20", "trailing = '39s'");
        let small = run(&fine, &rulebook("'request'", p95, ""));
        let ranked = run(&fine, &rulebook("{ request = 'canary' }", &p95_big, ""));
        let small_canary = run(&fine, &rulebook("{ request = 'canary' }", p95, ""));
        assert!(small.first.is_some());
        assert_eq!(small_canary.evaluations_true, ranked.evaluations_true);
    }
}
