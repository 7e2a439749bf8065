//! Charts of the rule lab: a rule at every threshold, what it finds, and rules against each other.

use super::super::chart::{Along, Axis, Chart, Layer, Mark, Scale, Tone};
use crate::lab::{Detection, FrontierPoint, Harm, Onset, RuleLab, RuleTrial};
use crate::units::{self, ValueForm};

/// False rollbacks and detection over the thresholds of one condition, the others as written.
/// `chosen` is marked. `None` before there is a profile.
pub fn lab_profile(
    trial: &RuleTrial,
    condition: usize,
    form: ValueForm,
    chosen: f64,
) -> Option<Chart> {
    let found = trial.conditions.get(condition)?;
    if found.profile.len() < 2 {
        return None;
    }
    let line = |name: &str, tone: Tone, value: &dyn Fn(usize) -> f64| Layer::Line {
        name: name.to_owned(),
        tone,
        points: (0..found.profile.len())
            .map(|i| (found.profile[i].threshold, value(i)))
            .collect(),
    };
    let mut layers = vec![
        line("False rollbacks", Tone::Bad, &|i| {
            found.profile[i].false_rollback
        }),
        line("by this condition alone", Tone::Control, &|i| {
            found.profile[i].alone
        }),
    ];
    for (k, detection) in trial.detection.iter().enumerate().take(3) {
        layers.push(line(
            &format!("Fires with {}", detection.text),
            Tone::Arm(k),
            &|i| {
                found.profile[i]
                    .detection
                    .get(k)
                    .map_or(f64::NAN, |d| d.detected)
            },
        ));
    }
    layers.push(Layer::Rule {
        label: "as written".to_owned(),
        tone: Tone::Quiet,
        axis: Along::X,
        at: found.threshold,
    });
    if chosen != found.threshold {
        layers.push(Layer::Rule {
            label: "chosen".to_owned(),
            tone: Tone::Caution,
            axis: Along::X,
            at: chosen,
        });
    }
    Some(Chart {
        id: format!("lab-profile-{}-{condition}", trial.id),
        title: format!("{} at every threshold", found.name),
        caption: format!(
            "Share of rollouts in which the rule fires, by the threshold of {}; its other conditions as written. {} rollouts without a difference.",
            found.name,
            units::count(trial.false_rollback.n)
        ),
        x: Axis::new("Threshold", Scale::Linear(form)),
        y: Axis::new("Rollouts", Scale::Linear(ValueForm::Share)).from_to(-0.02, 1.02),
        layers,
    })
}

/// How often a rule and its calibrated versions find more and more errors. `None` without at least
/// two sizes of errors from the start.
pub fn lab_detection(trial: &RuleTrial) -> Option<Chart> {
    let size = |detection: &Detection| match (detection.injection.harm, detection.injection.onset) {
        (Harm::Errors { share }, Onset::Start) => Some(share),
        _ => None,
    };
    let curve = |name: &str, tone, calm: f64, detection: &[Detection]| {
        let mut points = vec![(0.0, calm)];
        points.extend(
            detection
                .iter()
                .filter_map(|d| Some((size(d)?, d.detected.share))),
        );
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Layer::Line {
            name: name.to_owned(),
            tone,
            points,
        }
    };
    if trial.detection.iter().filter_map(size).count() < 2 {
        return None;
    }
    let mut layers = vec![curve(
        "As written",
        Tone::Bad,
        trial.false_rollback.share,
        &trial.detection,
    )];
    for (k, version) in trial.calibrated.iter().enumerate() {
        layers.push(curve(
            &format!("Calibrated, {}", version.name),
            Tone::Arm(k),
            version.false_rollback.share,
            &version.detection,
        ));
    }
    Some(Chart {
        id: format!("lab-detection-{}", trial.id),
        title: "How often it rolls back, by how much worse the canary is".to_owned(),
        caption: "Share of rollouts in which the rule fires, by the share of the canary's requests that fail besides. At 0 nothing is wrong: what fires there is false.".to_owned(),
        x: Axis::new("Errors added to the canary", Scale::Linear(ValueForm::Share)),
        y: Axis::new("Rollouts", Scale::Linear(ValueForm::Share)).from_to(-0.02, 1.02),
        layers,
    })
}

/// Every rule and calibrated version by how often it is wrong and what it lets through. `None`
/// before there are points.
pub fn lab_frontier(lab: &RuleLab, chosen: Option<usize>) -> Option<Chart> {
    let regression = lab.rules.iter().find_map(|trial| trial.detection.first())?;
    if lab.frontier.is_empty() {
        return None;
    }
    let most = lab.frontier.iter().map(|p| p.harmed).fold(0.0, f64::max);
    let most = if most > 0.0 { most } else { 1.0 };
    let widest = |wide: f64, p: &FrontierPoint| wide.max(p.false_rollback.share);
    let widest = lab.frontier.iter().fold(lab.settings.alpha, widest);
    // Points that are all near zero are told apart on an axis of their own length.
    let widest = if widest > 0.4 { 1.0 } else { widest };
    let marks = |name: &str, tone, mark, keep: &dyn Fn(usize) -> bool| Layer::Marks {
        name: name.to_owned(),
        tone,
        mark,
        points: lab
            .frontier
            .iter()
            .enumerate()
            .filter(|(i, _)| keep(*i))
            .map(|(_, point)| (point.false_rollback.share, point.harmed))
            .collect(),
    };
    let mut layers = vec![
        marks("As written", Tone::Bad, Mark::Dot, &|i| {
            lab.frontier[i].calibrated.is_none()
        }),
        marks("Calibrated", Tone::Good, Mark::Dot, &|i| {
            lab.frontier[i].calibrated.is_some()
        }),
    ];
    if let Some(chosen) = chosen {
        layers.push(marks("Chosen", Tone::Caution, Mark::Flag, &|i| i == chosen));
    }
    layers.push(Layer::Rule {
        label: format!(
            "{} false rollbacks",
            crate::lab::words::rounded(lab.settings.alpha)
        ),
        tone: Tone::Quiet,
        axis: Along::X,
        at: lab.settings.alpha,
    });
    layers.push(Layer::Labels {
        items: numbered(lab, widest, most),
    });
    Some(Chart {
        id: "lab-frontier".to_owned(),
        title: "False rollbacks against harm".to_owned(),
        caption: format!(
            "Each point is a rule, by its number in the list of them. To the left: it seldom rolls back without cause. Low: it acts before many requests are harmed ({}). The lower left corner is best.",
            regression.text
        ),
        x: Axis::new("False rollbacks", Scale::Linear(ValueForm::Share))
            .from_to(-0.03 * widest, 1.03 * widest),
        y: Axis::new(
            "Harmed requests in a rollout",
            Scale::Linear(ValueForm::Number),
        )
        .from_to(-0.05 * most, 1.15 * most),
        layers,
    })
}

/// The numbers of the points; those that lie on each other share a label.
fn numbered(lab: &RuleLab, widest: f64, most: f64) -> Vec<(f64, f64, String)> {
    let mut found: Vec<(f64, f64, String)> = Vec::new();
    for (i, point) in lab.frontier.iter().enumerate() {
        let (x, y) = (point.false_rollback.share, point.harmed);
        let is_near = |(at, up, _): &&mut (f64, f64, String)| {
            (*at - x).abs() < 0.03 * widest && (*up - y).abs() < 0.08 * most
        };
        match found.iter_mut().find(is_near) {
            Some((.., label)) => *label = format!("{label}, {}", i + 1),
            None => found.push((x, y, (i + 1).to_string())),
        }
    }
    found
}
