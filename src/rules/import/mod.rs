//! What teams already run, as a rulebook: Prometheus alerts, Argo Rollouts, Flagger, CloudWatch
//! alarms and AppConfig, Kayenta, Unleash, service level objectives.
//!
//! [`import`] translates a file into the rulebook's own TOML and says of every field what became
//! of it: nothing is dropped in silence, and what cannot be replayed exactly is refused by name.

mod argo;
mod cloudwatch;
mod expression;
mod flagger;
mod kayenta;
mod named;
mod notes;
mod objectives;
mod prometheus;
mod promql;
mod source;
mod unleash;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{RateEngine, Rulebook, TimeSpan};
use crate::error::{Error, ErrorKind, Result};
use notes::Fields;
pub(super) use notes::Notes;

pub use notes::{ImportNote, NoteKind};

/// What a file leaves open and the user may say.
#[derive(Debug, Clone)]
pub struct ImportSettings {
    /// The label value of the canary in the source's queries; default: told by words such as
    /// `canary`.
    pub canary: Option<String>,
    /// The label value of the baseline.
    pub baseline: Option<String>,
    /// What counters count whose names do not tell.
    pub counters: Vec<(String, CounterMeaning)>,
    /// Which generation of Prometheus evaluates the queries.
    pub engine: RateEngine,
    /// How often counters are scraped.
    pub scrape: TimeSpan,
    /// Upper bounds of latency histograms in ms, ascending; without them quantiles are exact.
    pub buckets_ms: Vec<f64>,
}

impl Default for ImportSettings {
    fn default() -> Self {
        Self {
            canary: None,
            baseline: None,
            counters: Vec::new(),
            engine: RateEngine::Prom3,
            scrape: TimeSpan::seconds(15),
            buckets_ms: Vec::new(),
        }
    }
}

/// What a counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterMeaning {
    /// Every request.
    Requests,
    /// Requests that did not fail.
    Successes,
    /// Requests that failed.
    Errors,
}

/// An imported file.
#[derive(Debug, Clone, Serialize)]
pub struct Import {
    /// What kind of file it was.
    pub kind: SourceKind,
    /// The rules as a rulebook; `None` where none could be taken over.
    pub rulebook: Option<Rulebook>,
    /// What could not be taken over or was assumed, the gravest first.
    pub notes: Vec<ImportNote>,
}

/// The systems whose files are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Alerting rules of Prometheus, plain or as `PrometheusRule`.
    Prometheus,
    /// `AnalysisTemplate` and `Rollout` of Argo Rollouts.
    ArgoRollouts,
    /// `Canary` and `MetricTemplate` of Flagger.
    Flagger,
    /// CloudWatch alarms and AppConfig strategies: `CloudFormation` or `describe-alarms`.
    CloudWatch,
    /// Canary configuration of Kayenta.
    Kayenta,
    /// Safeguards of Unleash release plans.
    Unleash,
    /// Service level objectives: Sloth or `OpenSLO`.
    Objectives,
}

impl SourceKind {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Prometheus => "Prometheus alerting rules",
            Self::ArgoRollouts => "Argo Rollouts",
            Self::Flagger => "Flagger",
            Self::CloudWatch => "CloudWatch and AppConfig",
            Self::Kayenta => "Kayenta canary configuration",
            Self::Unleash => "Unleash safeguards",
            Self::Objectives => "Service level objectives",
        }
    }
}

/// Rules and plans in the rulebook's own spelling, before they are checked.
#[derive(Debug, Default)]
struct Draft {
    rules: Vec<Value>,
    plans: BTreeMap<String, Value>,
}

impl Draft {
    /// Adds a rule; a second one of the same id gets a number.
    fn push(&mut self, mut rule: Value) {
        let id = slug(rule["id"].as_str().unwrap_or_default());
        let is_taken = |id: &str| self.rules.iter().any(|known| known["id"] == id);
        let mut free = id.clone();
        let mut k = 1;
        while is_taken(&free) {
            k += 1;
            free = format!("{id}-{k}");
        }
        rule["id"] = json!(free);
        self.rules.push(rule);
    }
}

/// Translates a file of one of the known systems.
///
/// Fails when the text is neither YAML nor JSON or of no known kind. Rules that cannot be taken
/// over are notes, not failures.
pub fn import(text: &str, settings: &ImportSettings) -> Result<Import> {
    let documents = source::documents(text)?;
    let kind = source::kind(&documents).ok_or_else(unknown_kind)?;
    let notes = Notes::default();
    let mut draft = Draft::default();
    // One after another: what a document leaves unread is noted when its fields are dropped.
    let each = documents.iter().filter_map(|document| {
        let fields = Fields::of(&document.value, document.place.clone(), &notes)?;
        Some((fields, &document.value))
    });
    let draft_mut = &mut draft;
    match kind {
        SourceKind::Prometheus => prometheus::translate(&documents, settings, &notes, draft_mut),
        SourceKind::Flagger => flagger::translate(&documents, settings, &notes, draft_mut),
        SourceKind::ArgoRollouts => {
            each.for_each(|(fields, value)| argo::translate(&fields, value, settings, draft_mut));
        }
        SourceKind::CloudWatch => {
            each.for_each(|(fields, _)| cloudwatch::translate(&fields, draft_mut));
        }
        SourceKind::Kayenta => each.for_each(|(fields, _)| kayenta::translate(&fields, draft_mut)),
        SourceKind::Unleash => each.for_each(|(fields, _)| unleash::translate(&fields, draft_mut)),
        SourceKind::Objectives => {
            each.for_each(|(fields, value)| objectives::translate(&fields, value, draft_mut));
        }
    }
    let rulebook = checked(draft, &notes);
    if rulebook.is_none() {
        notes.refuse(
            "",
            "Nothing of this file is a rule that a request log can replay",
        );
    }
    Ok(Import {
        kind,
        rulebook,
        notes: notes.into_list(),
    })
}

/// The drafts that make sound rules. Each is checked on its own, so that one bad rule does not
/// take the others with it.
fn checked(draft: Draft, notes: &Notes) -> Option<Rulebook> {
    let mut rulebook = Rulebook::default();
    for rule in draft.rules {
        let id = rule["id"].as_str().unwrap_or_default().to_owned();
        match parsed(&json!({ "rule": [rule] })) {
            Ok(part) => rulebook.rules.extend(part.rules),
            Err(cause) => notes.refuse(&id, in_words(&cause)),
        }
    }
    let first = rulebook.rules.first()?.clone();
    for (name, plan) in draft.plans {
        // A plan is checked beside a rule that is known to be sound.
        let beside = Rulebook {
            rules: vec![first.clone()],
            ..Rulebook::default()
        };
        let with_plan = beside.to_toml().and_then(|text| {
            let plan = toml::to_string(&json!({ "plan": { &name: plan } })).unwrap_or_default();
            Rulebook::parse(&format!("{text}\n{plan}"))
        });
        match with_plan {
            Ok(part) => rulebook.plans.extend(part.plans),
            Err(cause) => notes.refuse(&name, in_words(&cause)),
        }
    }
    Some(rulebook)
}

fn parsed(rulebook: &Value) -> Result<Rulebook> {
    let text = toml::to_string(rulebook).map_err(|cause| {
        Error::new(
            ErrorKind::Internal,
            format!("The imported rule has no TOML form: {cause}"),
        )
    })?;
    Rulebook::parse(&text)
}

/// Why the rulebook's own reader refuses a rule.
fn in_words(cause: &Error) -> String {
    match cause.hint.as_str() {
        "" => cause.message.clone(),
        hint => format!("{}. {hint}", cause.message),
    }
}

fn unknown_kind() -> Error {
    Error::new(ErrorKind::Settings, "This file holds no rules of a known system").hint(
        "Known are Prometheus rule files, Argo Rollouts AnalysisTemplate and Rollout, Flagger Canary, CloudWatch alarms \
         (CloudFormation or describe-alarms), AppConfig strategies, Kayenta canary configurations, Unleash safeguards, \
         and SLOs of Sloth or OpenSLO. A rulebook of Hindsight itself is TOML",
    )
}

/// Sets a key of every condition of a node.
fn set_in_all(node: &mut Value, key: &str, value: &Value) {
    for branch in ["all", "any"] {
        if let Some(parts) = node.get_mut(branch).and_then(Value::as_array_mut) {
            for part in parts {
                set_in_all(part, key, value);
            }
            return;
        }
    }
    if let Some(inner) = node.get_mut("not") {
        return set_in_all(inner, key, value);
    }
    node[key] = value.clone();
}

/// Seconds as rulebooks write spans.
fn seconds(length: f64) -> String {
    TimeSpan {
        us: (length * 1e6).round() as i64,
    }
    .to_string()
}

/// A name without spaces.
fn slug(name: &str) -> String {
    let spaced = name.split(|c: char| c.is_whitespace() || c == '/');
    let parts: Vec<&str> = spaced.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        "imported".to_owned()
    } else {
        parts.join("-")
    }
}
