//! Which rows of a log a rulebook's arms are.

use super::predicate::RowPredicate;
use super::{Assignment, ReplaySettings, Rulebook};
use crate::data::RequestLog;
use crate::error::{Error, ErrorKind, Result};

/// The rows of the arms, or why the rulebook's own labels do not lead to any.
pub(super) fn arm_rows(
    log: &RequestLog,
    rulebook: &Rulebook,
    settings: &ReplaySettings,
) -> Result<Result<Assignment, String>> {
    let labelled = |label: &Option<String>, otherwise: usize| match label {
        None => Ok(Arm::Index(otherwise)),
        Some(label) => Arm::of(label, log),
    };
    let canary = labelled(&rulebook.arms.canary, settings.treatment);
    let baseline = labelled(&rulebook.arms.baseline, settings.control);
    let (canary, baseline) = match (canary, baseline) {
        (Ok(canary), Ok(baseline)) => (canary, baseline),
        (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
    };
    let n_arms = log.arms.len();
    if let (Arm::Index(canary), Arm::Index(baseline)) = (&canary, &baseline) {
        let (canary, baseline) = (*canary, *baseline);
        if canary >= n_arms || baseline >= n_arms || canary == baseline {
            let message = "A replay needs two different arms, a control and a treatment";
            return Err(Error::new(ErrorKind::Settings, message)
                .hint("Choose which arm is the control and which is the treatment"));
        }
        return Ok(Ok(Assignment::of(log, baseline, canary)));
    }
    let (canary, baseline) = (canary.rows(log), baseline.rows(log));
    let is_shared = |row: &u32| canary.binary_search(row).is_ok();
    if baseline.iter().any(is_shared) {
        return Ok(Err(
            "the rulebook's predicates put some requests into both arms".to_owned(),
        ));
    }
    Ok(Ok(Assignment::of_rows(log, canary, baseline)))
}

/// An arm by its index, or by its rows.
enum Arm {
    Index(usize),
    Rows(Vec<u32>),
}

impl Arm {
    fn of(label: &str, log: &RequestLog) -> std::result::Result<Self, String> {
        if let Some(arm) = log.arm_index(label) {
            return Ok(Self::Index(arm));
        }
        if let Some(predicate) = RowPredicate::parse(label) {
            let rows = predicate?.rows(log)?;
            return if rows.is_empty() {
                Err(format!("no request of the log is in the arm {label}"))
            } else {
                Ok(Self::Rows(rows))
            };
        }
        let known: Vec<&str> = log.arms.iter().map(|arm| arm.name.as_str()).collect();
        Err(format!(
            "the log has no arm called {label:?}; it has {}",
            known.join(", ")
        ))
    }

    fn rows(self, log: &RequestLog) -> Vec<u32> {
        match self {
            Self::Index(arm) => log.rows_of_arm(arm).map(|row| row as u32).collect(),
            Self::Rows(rows) => rows,
        }
    }
}
