//! A lab as tables and sentences: terminal and report show the same.

use super::model::{Calibrated, Chance, Detection, RuleLab, RuleTrial};
use super::words::{self, chance, plain, rounded};
use crate::units;

/// What a lab says.
#[derive(Debug, Clone, PartialEq)]
pub struct LabDigest {
    /// One sentence: how many rollouts, and whether all of them are there.
    pub headline: String,
    /// A row for every rule.
    pub summary: LabTable,
    /// Rule by rule.
    pub rules: Vec<RuleDigest>,
    /// Every rule and calibrated version: how often it is wrong, and what it lets through.
    pub frontier: LabTable,
    /// What all figures rest on, one sentence each.
    pub assumptions: Vec<String>,
}

/// What a lab says of one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleDigest {
    /// Its id.
    pub id: String,
    /// Its title and id.
    pub title: String,
    /// The verdict, and what the log's own firing is worth.
    pub sentences: Vec<String>,
    /// Its conditions, its stages, what it finds.
    pub tables: Vec<LabTable>,
    /// Every calibrated version as a sentence, with its tables.
    pub calibrated: Vec<(String, Vec<LabTable>)>,
    /// What can mislead, one sentence each.
    pub guards: Vec<String>,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabTable {
    /// What it shows.
    pub title: String,
    /// The columns' names.
    pub columns: Vec<&'static str>,
    /// As many cells as columns.
    pub rows: Vec<Vec<LabCell>>,
}

/// What stands in a table: figures are kept in full beside their text.
#[derive(Debug, Clone, PartialEq)]
pub enum LabCell {
    /// Words; may be empty.
    Text(String),
    /// A number, and how it is written.
    Number(f64, String),
    /// A probability with its interval.
    Chance(Chance),
}

impl LabCell {
    /// As written for people.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Number(_, text) => text.clone(),
            Self::Chance(found) => chance(found),
        }
    }

    fn words(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn whole(value: f64) -> Self {
        Self::Number(value, whole(value))
    }

    fn share(value: f64) -> Self {
        Self::Number(value, rounded(value))
    }

    fn threshold(value: f64) -> Self {
        Self::Number(value, plain(value))
    }
}

/// Puts a lab into words.
pub fn digest(lab: &RuleLab) -> LabDigest {
    LabDigest {
        headline: format!(
            "{} rollouts without a difference, seed {}.{}",
            units::count(u64::from(lab.settings.replicates)),
            lab.settings.seed,
            if lab.is_partial {
                " More are to come."
            } else {
                ""
            }
        ),
        summary: LabTable {
            title: "Rules".to_owned(),
            columns: vec![
                "Rule",
                "False rollbacks",
                "Within 1,000 canary requests",
                "Canary requests to a false alarm",
                "Finds",
            ],
            rows: lab.rules.iter().map(summary).collect(),
        },
        rules: lab.rules.iter().map(|trial| rule(trial, lab)).collect(),
        frontier: frontier(lab),
        assumptions: lab.assumptions.clone(),
    }
}

fn summary(trial: &RuleTrial) -> Vec<LabCell> {
    if trial.skipped.is_some() {
        let mut row = vec![LabCell::words(&trial.id), LabCell::words("cannot be tried")];
        row.resize(5, LabCell::words(""));
        return row;
    }
    let early = trial.within.iter().find(|w| w.requests == 1_000);
    let mean = &trial.mean_time;
    vec![
        LabCell::words(&trial.id),
        LabCell::Chance(trial.false_rollback),
        early.map_or_else(
            || LabCell::words(units::NO_VALUE),
            |w| LabCell::share(w.chance.share),
        ),
        LabCell::Number(
            mean.requests,
            format!("{} of {}", whole(mean.requests), whole(mean.of_requests)),
        ),
        LabCell::words(trial.detection.first().map_or_else(String::new, |d| {
            format!("{} in {}", d.text, rounded(d.detected.share))
        })),
    ]
}

fn rule(trial: &RuleTrial, lab: &RuleLab) -> RuleDigest {
    let mut found = RuleDigest {
        id: trial.id.clone(),
        title: format!("{} ({})", trial.title, trial.id),
        sentences: vec![words::verdict(trial)],
        tables: Vec::new(),
        calibrated: Vec::new(),
        guards: trial.guards.clone(),
    };
    if trial.skipped.is_some() {
        return found;
    }
    found.sentences.extend(words::own(trial));
    found.tables.push(conditions(trial));
    if trial.stages.len() > 1 {
        found.tables.push(stages(trial));
    }
    if !trial.detection.is_empty() {
        found.tables.push(detections(
            "As written",
            &trial.detection,
            &trial.false_rollback,
        ));
    }
    let alpha = rounded(lab.settings.alpha);
    found.calibrated = trial
        .calibrated
        .iter()
        .map(|version| {
            let name = format!("Calibrated to {alpha}: {}", version.name);
            (version.text.clone(), calibrated(name, version))
        })
        .collect();
    found
}

fn conditions(trial: &RuleTrial) -> LabTable {
    LabTable {
        title: "Conditions".to_owned(),
        columns: vec![
            "Condition",
            "Threshold",
            "Among causes",
            "On its own",
            "Says",
        ],
        rows: trial
            .conditions
            .iter()
            .map(|c| {
                vec![
                    LabCell::words(&c.name),
                    LabCell::threshold(c.threshold),
                    LabCell::share(c.causes.share),
                    LabCell::share(c.alone.share),
                    LabCell::words(&c.text),
                ]
            })
            .collect(),
    }
}

fn stages(trial: &RuleTrial) -> LabTable {
    LabTable {
        title: "Stages".to_owned(),
        columns: vec!["Stage", "Canary share", "First false alarm there"],
        rows: trial
            .stages
            .iter()
            .map(|s| {
                vec![
                    LabCell::words(&s.name),
                    LabCell::Number(s.weight, units::share(s.weight)),
                    LabCell::Chance(s.chance),
                ]
            })
            .collect(),
    }
}

/// With each regression and, beside it, without any: a rule that fires as often without has found nothing.
fn detections(title: &str, detections: &[Detection], without: &Chance) -> LabTable {
    LabTable {
        title: title.to_owned(),
        columns: vec![
            "Regression",
            "Fires with it",
            "Fires without",
            "Fired before",
            "Median delay, canary requests",
            "Exposed requests",
            "Harmed requests",
        ],
        rows: detections
            .iter()
            .map(|d| {
                vec![
                    LabCell::words(&d.text),
                    LabCell::Chance(d.detected),
                    LabCell::share(without.share),
                    LabCell::share(d.before.share),
                    d.median_delay_requests
                        .map_or_else(|| LabCell::words(units::NO_VALUE), LabCell::whole),
                    LabCell::whole(d.exposed),
                    LabCell::Number(
                        d.harmed,
                        format!("{} of {}", whole(d.harmed), whole(d.harmed_without_rule)),
                    ),
                ]
            })
            .collect(),
    }
}

fn calibrated(title: String, version: &Calibrated) -> Vec<LabTable> {
    let mut thresholds = LabTable {
        title,
        columns: vec!["Threshold of", "As written", "Calibrated"],
        rows: Vec::new(),
    };
    let is_kept = version.thresholds.iter().any(|t| t.kept.is_some());
    if is_kept {
        thresholds.columns.push("Stays, because");
    }
    for t in &version.thresholds {
        let mut row = vec![
            LabCell::words(&t.condition),
            LabCell::threshold(t.was),
            LabCell::threshold(t.is),
        ];
        if is_kept {
            row.push(LabCell::words(t.kept.clone().unwrap_or_default()));
        }
        thresholds.rows.push(row);
    }
    if version.detection.is_empty() {
        return vec![thresholds];
    }
    let found = detections("Finds", &version.detection, &version.false_rollback);
    vec![thresholds, found]
}

fn frontier(lab: &RuleLab) -> LabTable {
    LabTable {
        title: "False rollbacks against harm".to_owned(),
        columns: vec!["Rule", "False rollbacks", "Finds it", "Harmed requests"],
        rows: lab
            .frontier
            .iter()
            .map(|point| {
                vec![
                    LabCell::words(&point.name),
                    LabCell::Chance(point.false_rollback),
                    LabCell::Chance(point.detected),
                    LabCell::whole(point.harmed),
                ]
            })
            .collect(),
    }
}

fn whole(value: f64) -> String {
    units::count(value.round() as u64)
}
