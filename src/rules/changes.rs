//! What happened to a rule in order of time: its own states, the stages of the rollout, its action, and
//! the end of the comparison. Terminal, report and window list the same.

use super::{
    Action, CensoringKind, Condition, Reading, Replay, Rule, RuleReplay, State, Transition, Truth,
};
use crate::units;

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When, since time zero.
    pub time_us: i64,
    /// The 0-based data row of the file that was seen last; `None` where no row was.
    pub row: Option<u32>,
    /// What it was.
    pub what: String,
    /// What the conditions saw, each with its value and on how many requests it rests; empty where
    /// nothing was judged.
    pub saw: Vec<String>,
}

/// Everything that changed while a rule was replayed; `source` is the rule, whose metrics tell how values
/// are written. Changes of state beyond [`RuleReplay::MAX_TRANSITIONS`] are not in it.
pub fn changes(replay: &Replay, done: &RuleReplay, source: Option<&Rule>) -> Vec<Change> {
    if done.skipped.is_some() {
        return Vec::new();
    }
    let event = |time_us: i64, what: String| Change {
        time_us,
        row: None,
        what,
        saw: Vec::new(),
    };
    let stages = replay.stages.iter().enumerate().map(|(i, stage)| {
        let share = units::share(stage.share);
        event(
            stage.from_us.max(0),
            format!("stage {} begins: {share} of the requests", i + 1),
        )
    });
    let mut found: Vec<Change> = stages.collect();
    let states = done.transitions.iter();
    found.extend(states.map(|transition| state(transition, source)));
    if let Some(first) = &done.first {
        let action = match done.action {
            Action::Rollback => "the rollback",
            Action::Hold => "the hold",
            Action::Promote => "the promotion",
            Action::Alert => "the alert",
        };
        if first.effective_us > first.time_us {
            found.push(event(first.effective_us, format!("{action} takes effect")));
        }
    }
    if let Some(end) = &replay.censoring {
        let what = match end.kind {
            CensoringKind::RolledBack => "the log's own rollback: last request of the canary",
            CensoringKind::Promoted => "the log's own promotion: last request of the baseline",
        };
        found.push(event(end.time_us, what.to_owned()));
    }
    // Stages come before what is seen in them.
    found.sort_by_key(|change| change.time_us);
    found
}

fn state(transition: &Transition, source: Option<&Rule>) -> Change {
    let name = match transition.state {
        State::Inactive => "inactive",
        State::Pending => "pending",
        State::Firing => "firing",
    };
    let what = if transition.causes.is_empty() {
        name.to_owned()
    } else {
        format!("{name}: {}", transition.causes.join(", "))
    };
    let conditions = source.map(Rule::conditions).unwrap_or_default();
    let is_told = |reading: &&Reading| {
        transition.state == State::Inactive
            || transition.causes.is_empty()
            || transition.causes.contains(&reading.condition)
    };
    let told = transition.readings.iter().filter(is_told).map(|reading| {
        let condition = conditions.iter().find(|c| c.name == reading.condition);
        saw(reading, condition.copied())
    });
    Change {
        time_us: transition.time_us,
        row: transition.row,
        what,
        saw: told.collect(),
    }
}

/// "err-abs: 6.0 % from 100, bound 5.0 %"; with "(?)" where that is too little to judge.
fn saw(reading: &Reading, condition: Option<&Condition>) -> String {
    let form = condition.map_or(units::ValueForm::Number, Condition::form);
    let value = |value: Option<f64>| value.map(|value| form.value(value));
    let name = &reading.condition;
    let n = units::count(u64::from(reading.measured.n));
    let Some(measured) = value(reading.measured.value) else {
        return format!("{name}: no data");
    };
    let bound = match (reading.statistic, value(reading.bound)) {
        (Some(statistic), _) => format!(", statistic {}", units::number(statistic)),
        (None, Some(bound)) => format!(", bound {bound}"),
        (None, None) => String::new(),
    };
    let lack = if reading.truth == Truth::Unknown {
        " (?)"
    } else {
        ""
    };
    format!("{name}: {measured} from {n}{bound}{lack}")
}
