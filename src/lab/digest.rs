//! A lab as tables and sentences: terminal and report show the same.

use super::model::{Calibrated, Chance, Detection, FrontierPoint, RuleLab, RuleTrial};
use super::settings::Onset;
use super::words::{self, chance, rounded};
use crate::units;

/// What a lab says.
#[derive(Debug, Clone, PartialEq)]
pub struct LabDigest {
    /// One sentence: how many rollouts, and whether all of them are there.
    pub headline: String,
    /// Regressions that no rule can find in every rollout, one sentence each.
    pub ceilings: Vec<String>,
    /// A row for every rule.
    pub summary: LabTable,
    /// Rule by rule.
    pub rules: Vec<RuleDigest>,
    /// Every rule and calibrated version: how often it is wrong, and what it lets through.
    pub frontier: LabTable,
    /// What the columns mean, one sentence each.
    pub legend: Vec<String>,
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

    fn none() -> Self {
        Self::words(units::NO_VALUE)
    }

    fn count(n: u64) -> Self {
        Self::Number(n as f64, units::count(n))
    }

    fn mean(value: f64) -> Self {
        Self::Number(value, words::few(value))
    }

    fn share(value: f64) -> Self {
        Self::Number(value, rounded(value))
    }
}

/// Puts a lab into words.
pub fn digest(lab: &RuleLab) -> LabDigest {
    let tried = lab.rules.iter().find(|trial| trial.skipped.is_none());
    let detections = tried.map_or(&[][..], |trial| &trial.detection);
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
        ceilings: detections.iter().filter_map(words::ceiling).collect(),
        summary: LabTable {
            title: "Rules".to_owned(),
            columns: vec![
                "Rule",
                "Rollouts",
                "False rollbacks",
                "Within 1,000 canary requests",
                "Canary requests until one, mean",
                "Fires with a regression",
            ],
            rows: lab.rules.iter().map(summary).collect(),
        },
        rules: lab.rules.iter().map(|trial| rule(trial, lab)).collect(),
        frontier: frontier(lab),
        legend: vec![words::FIRING_WORDS.to_owned(), words::HARM_WORDS.to_owned()],
        assumptions: lab.assumptions.clone(),
    }
}

fn summary(trial: &RuleTrial) -> Vec<LabCell> {
    if trial.skipped.is_some() {
        let mut row = vec![LabCell::words(&trial.id), LabCell::words("cannot be tried")];
        row.resize(6, LabCell::words(""));
        return row;
    }
    let early = trial.within.iter().find(|w| w.requests == 1_000);
    let mean = &trial.mean_time;
    let found = trial.detection.iter().find(|d| d.sees);
    vec![
        LabCell::words(&trial.id),
        LabCell::count(trial.false_rollback.n),
        LabCell::Chance(trial.false_rollback),
        early.map_or_else(LabCell::none, |w| LabCell::share(w.chance.share)),
        match trial.false_rollback.events {
            0 => LabCell::words("never"),
            _ => LabCell::Number(mean.requests, words::few(mean.requests)),
        },
        LabCell::words(found.map_or_else(
            || NOTHING_SEEN.to_owned(),
            |d| match d.detected.events {
                0 => format!("{}: never", d.text),
                _ => format!("{}: {}", d.text, rounded(d.detected.share)),
            },
        )),
    ]
}

/// Instead of figures, where a regression changes nothing that a rule measures.
const NOTHING_SEEN: &str = "no condition on it";

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
            "False rollbacks it takes part in",
            "Rollbacks on it alone",
            "Says",
        ],
        rows: trial
            .conditions
            .iter()
            .map(|c| {
                vec![
                    LabCell::words(&c.name),
                    LabCell::Number(c.threshold, c.threshold_text.clone()),
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
        columns: vec!["Stage", "Canary share", "First false rollback there"],
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
    let is_late = detections.iter().any(|d| d.injection.onset != Onset::Start);
    let mut columns = vec!["Regression", "Rollouts", "Fires with it", "Fires without"];
    if is_late {
        columns.push("Fired before it began");
    }
    columns.extend([
        "Canary requests from its start to the firing, median",
        "Canary requests until the rule acts, mean",
        "Harmed until then, mean",
    ]);
    let row = |d: &Detection| {
        let mut row = vec![LabCell::words(&d.text), LabCell::count(d.detected.n)];
        if !d.sees {
            row.push(LabCell::words(NOTHING_SEEN));
            row.resize_with(columns.len(), LabCell::none);
            return row;
        }
        row.extend([LabCell::Chance(d.detected), LabCell::share(without.share)]);
        if is_late {
            row.push(LabCell::share(d.before.share));
        }
        let never = || LabCell::words("never");
        row.extend([
            d.median_delay_requests.map_or_else(never, LabCell::mean),
            LabCell::mean(d.exposed),
            LabCell::Number(
                d.harmed,
                format!(
                    "{} of {}",
                    words::few(d.harmed),
                    words::few(d.harmed_without_rule)
                ),
            ),
        ]);
        row
    };
    LabTable {
        title: title.to_owned(),
        rows: detections.iter().map(row).collect(),
        columns,
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
            LabCell::Number(t.was, t.was_text.clone()),
            LabCell::Number(t.is, t.is_text.clone()),
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
    let row = |(i, point): (usize, &FrontierPoint)| {
        let (without, with) = (point.false_rollback, point.detected);
        vec![
            LabCell::count(i as u64 + 1),
            LabCell::words(&point.name),
            LabCell::words(format!(
                "{} / {}",
                units::count(without.n),
                units::count(with.n)
            )),
            LabCell::Chance(without),
            LabCell::Chance(with),
            LabCell::mean(point.harmed),
        ]
    };
    LabTable {
        title: "False rollbacks against harm".to_owned(),
        columns: vec![
            "No.",
            "Rule",
            "Rollouts without / with",
            "False rollbacks",
            "Fires with it",
            "Harmed until it acts, mean",
        ],
        rows: lab.frontier.iter().enumerate().map(row).collect(),
    }
}
