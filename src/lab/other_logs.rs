//! How often a rule fires without cause in rollouts of other logs of the same traffic.
//!
//! Rollouts of one log share its users and its base rates: however many there are, they do not tell how
//! another log would differ. Here users are drawn with replacement, as many as the log has, and
//! several rollouts are made of each such log. The share's variance is that between the logs beyond
//! what chance within them makes, v = max(c·Var(p) − mean p(1 − p)/(I − 1), 0), and that of all rollouts.
//! c takes the variance, which so many logs tell but roughly, at its upper nine tenths (chi-square). The
//! interval is that of a beta distribution with this variance. Incidents and weeks that the log does not
//! have are in none of them; docs/lab.md says how often it held the truth in simulated traffic.

use rayon::prelude::*;

use super::model::OtherLogs;
use super::random::{Set, salt};
use super::run::{Batch, Meter, Source, trace};
use super::settings::LabSettings;
use super::source::Made;
use crate::error::Result;
use crate::jobs::Progress;
use crate::rules::Rule;
use crate::rules::passage::{Until, Watch};
use crate::stats::dist::{beta_quantile, chi_square_upper_quantile};

/// Logs drawn.
const LOGS: u32 = 40;
/// Rollouts of each, at most.
const ROLLOUTS: u32 = 25;
/// Fewer users than this cannot stand for others.
const LEAST_UNITS: u64 = 20;

/// `None` where rollouts are drawn from a model or from days, where the log cannot feed the rule, or where
/// a handful of users sent all of it.
pub(super) fn other_logs(
    made: &Made,
    rule: &Rule,
    settings: &LabSettings,
    progress: &Progress,
) -> Result<Option<OtherLogs>> {
    let Source::Rows(ground) = &made.source else {
        return Ok(None);
    };
    if made.ground.units < LEAST_UNITS {
        return Ok(None);
    }
    let each = (2 * settings.replicates / LOGS).clamp(2, ROLLOUTS);
    let meter = Meter::new(progress, "On other logs", u64::from(LOGS * each))?;
    // A rollout of the baseline alone is smaller than one of all traffic.
    let planned = made.ground.planned_canary_requests;
    let growth = planned.map_or(1.0, |planned| planned / made.ground.canary_requests);
    let growth = match settings.max_canary_requests {
        None if growth.is_finite() => growth.max(1.0),
        _ => 1.0,
    };
    let of_log = |log: u32| -> Result<Option<u32>> {
        let ground = ground.redrawn(salt(settings.seed, Set::OtherLogs, log), growth);
        let Ok(watch) = Watch::new(&ground.log, rule) else {
            return Ok(None);
        };
        let batch = Batch {
            seed: settings.seed,
            set: Set::OtherLogs,
            from: 0,
            to: LOGS * each,
            injection: None,
            until: Until::Firing,
        };
        let mut fired = 0;
        for rollout in 0..each {
            let found = trace(
                &ground,
                &watch,
                rule,
                &batch,
                LOGS + log * each + rollout,
                &meter,
            )?;
            fired += u32::from(found.first.is_some());
        }
        Ok(Some(fired))
    };
    let fired: Result<Option<Vec<u32>>> = (0..LOGS).into_par_iter().map(of_log).collect();
    Ok(fired?.and_then(|fired| interval(&fired, each, settings.level)))
}

/// The share over all rollouts with its interval.
fn interval(fired: &[u32], each: u32, level: f64) -> Option<OtherLogs> {
    let (n_logs, rollouts) = (fired.len() as f64, f64::from(each));
    let shares: Vec<f64> = fired.iter().map(|n| f64::from(*n) / rollouts).collect();
    let share = shares.iter().sum::<f64>() / n_logs;
    let spread = shares.iter().map(|p| (p - share).powi(2)).sum::<f64>() / (n_logs - 1.0);
    let within = shares.iter().map(|p| p * (1.0 - p)).sum::<f64>() / n_logs / (rollouts - 1.0);
    let n = n_logs * rollouts;
    let events: u32 = fired.iter().sum();
    let mean = (f64::from(events) + 1.0) / (n + 2.0);
    let most = mean * (1.0 - mean);
    let df = n_logs - 1.0;
    let upper = spread * df / chi_square_upper_quantile(0.9, df)?;
    let variance = ((upper - within).max(0.0) + most / n).min(0.99 * most);
    let size = most / variance - 1.0;
    let (a, b) = (mean * size, (1.0 - mean) * size);
    let tail = (1.0 - level) / 2.0;
    Some(OtherLogs {
        n_logs: fired.len() as u64,
        n_rollouts: u64::from(each) * fired.len() as u64,
        share,
        lower: beta_quantile(tail, a, b)?,
        upper: beta_quantile(1.0 - tail, a, b)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_that_differ_widen_the_interval() {
        let alike = interval(&[2; 40], 10, 0.95).unwrap();
        assert!((alike.share - 0.2).abs() < 1e-12);
        // As wide as that of 400 rollouts.
        assert!(alike.lower > 0.16 && alike.upper < 0.25, "{alike:?}");
        let mut apart = [0; 40];
        apart[..8].fill(10);
        let apart = interval(&apart, 10, 0.95).unwrap();
        assert!((apart.share - 0.2).abs() < 1e-12);
        assert!(apart.lower < 0.01 && apart.upper > 0.7, "{apart:?}");
        let never = interval(&[0; 40], 10, 0.95).unwrap();
        assert!(
            never.lower < 0.001 && (0.005..0.015).contains(&never.upper),
            "{never:?}"
        );
    }
}
