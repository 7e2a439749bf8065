//! What the rollouts in a log were. That is told by the whole log, whatever part of it is looked at, so
//! that it is found once and serves every selection.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::model::{Stage, Strategy};
use super::strata::Span;
use super::{stages, strategy};
use crate::data::RequestLog;

/// The rollouts of one log that were asked for so far, by control and treatment.
#[derive(Debug, Default)]
pub struct Rollouts {
    sizes: OnceLock<Vec<u64>>,
    found: Mutex<Vec<(Arms, Arc<Rollout>)>>,
}

/// Control and treatment.
type Arms = (usize, Option<usize>);

/// One rollout.
#[derive(Debug)]
pub(super) struct Rollout {
    /// Stretches of constant share; none without a treatment.
    pub(super) stages: Vec<Stage>,
    /// Where the strata begin within which the arms are compared; none where they are compared as a
    /// whole.
    pub(super) strata: Vec<i64>,
    /// What the log looks like, and why.
    pub(super) looks_like: (Strategy, String),
}

impl Rollouts {
    /// Requests per arm.
    pub(super) fn sizes(&self, log: &RequestLog) -> &[u64] {
        self.sizes.get_or_init(|| {
            let mut sizes = vec![0; log.arms.len()];
            for arm in &log.arm {
                sizes[usize::from(*arm)] += 1;
            }
            sizes
        })
    }

    /// The rollout from a control to a treatment.
    pub(super) fn find(&self, log: &RequestLog, arms: Arms) -> Arc<Rollout> {
        let list = || self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let known = list().iter().find(|(of, _)| *of == arms).cloned();
        if let Some((_, known)) = known {
            return known;
        }
        let new = Arc::new(Rollout::of(log, arms));
        list().push((arms, new.clone()));
        new
    }
}

impl Rollout {
    fn of(log: &RequestLog, (control, treatment): Arms) -> Self {
        let stages = treatment
            .map(|t| stages::infer(log, control, t))
            .unwrap_or_default();
        Self {
            looks_like: strategy::infer(log, control, treatment, &stages),
            strata: treatment
                .and_then(|treatment| strata_starts(log, (control, treatment), &stages))
                .unwrap_or_default(),
            stages,
        }
    }
}

fn strata_starts(
    log: &RequestLog,
    (control, treatment): (usize, usize),
    stages: &[Stage],
) -> Option<Vec<i64>> {
    let mut of_treatment = log.rows_of_arm(treatment);
    let first = of_treatment.next()?;
    let last = of_treatment.last().unwrap_or(first);
    let treatment_us = (log.event_us[first], log.event_us[last]);
    let (mut n_control, mut n_lonely) = (0, 0);
    for row in log.rows_of_arm(control) {
        let event_us = log.event_us[row];
        n_control += 1;
        n_lonely += u64::from(event_us < treatment_us.0 || event_us > treatment_us.1);
    }
    let span = Span {
        stages,
        whole_us: log.event_span_us()?,
        treatment_us,
        n_lonely,
        n_control,
    };
    Some(span.starts())
}
