//! Rules as points: how often each is wrong, against what it costs when it should be right.

use super::model::{FrontierPoint, RuleLab};
use super::sequential::SEQUENTIAL_TEST;

/// A point for every rule and every calibrated version, by the first regression of the settings.
pub(super) fn points(lab: &RuleLab) -> Vec<FrontierPoint> {
    let mut found = Vec::new();
    for (rule, trial) in lab.rules.iter().enumerate() {
        if let Some(detection) = trial.detection.first() {
            found.push(FrontierPoint {
                rule,
                calibrated: None,
                name: if trial.id == SEQUENTIAL_TEST {
                    trial.title.clone()
                } else {
                    format!("{} as written", trial.id)
                },
                false_rollback: trial.false_rollback,
                harmed: detection.harmed,
                detected: detection.detected,
            });
        }
        for (i, version) in trial.calibrated.iter().enumerate() {
            if let Some(detection) = version.detection.first() {
                found.push(FrontierPoint {
                    rule,
                    calibrated: Some(i),
                    name: format!("{}, {}", trial.id, version.name),
                    false_rollback: version.false_rollback,
                    harmed: detection.harmed,
                    detected: detection.detected,
                });
            }
        }
    }
    found
}
