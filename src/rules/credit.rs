//! What a firing is worth. One that comes before the log shows any harm did not foresee it: whatever stops a
//! rollout early averts what goes wrong later.

use super::{Averted, Replay, RuleReplay};
use crate::units;

/// Whether a firing can be credited with what a rollback would have averted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credit {
    /// No: the canary had not answered a single request.
    BeforeCanary,
    /// No: the log shows no harm yet.
    BeforeHarm {
        /// For how long to come.
        by_us: i64,
    },
    /// Nothing speaks against it.
    Open,
}

/// What the canary's later requests had more than the baseline's, rule by rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger<'a> {
    /// The measures in order: the id of an amount, and what it is.
    pub measures: Vec<(&'static str, String)>,
    /// The rules that can be credited, then one for all the others.
    pub rows: Vec<LedgerRow<'a>>,
    /// How to read it, one sentence each.
    pub notes: Vec<String>,
}

/// A line of a [`Ledger`].
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRow<'a> {
    /// The rule's title; of those that cannot be credited, what they have in common.
    pub who: String,
    /// What stopping the canary then would have averted.
    pub averted: &'a Averted,
}

/// What a rule's first firing is worth; `None` where it does not fire. `harm_from_us` is since when the
/// analysis shows harm, in the log's own microseconds, where its stages tell.
pub fn credit(replay: &Replay, rule: &RuleReplay, harm_from_us: Option<i64>) -> Option<Credit> {
    let first = rule.first.as_ref()?;
    if replay
        .canary_from_us
        .is_some_and(|from| first.time_us < from)
    {
        return Some(Credit::BeforeCanary);
    }
    let by_us = harm_from_us.map(|from| from - replay.time_zero_us - first.time_us);
    Some(match by_us {
        Some(by_us) if by_us > 0 => Credit::BeforeHarm { by_us },
        _ => Credit::Open,
    })
}

impl Credit {
    /// A few words for a table; `None` where nothing speaks against the firing.
    pub fn label(self) -> Option<&'static str> {
        match self {
            Self::BeforeCanary => Some("before the canary's first request"),
            Self::BeforeHarm { .. } => Some("before the log shows harm"),
            Self::Open => None,
        }
    }

    /// A sentence; `None` where nothing speaks against the firing.
    pub fn text(self, replay: &Replay) -> Option<String> {
        match self {
            Self::BeforeCanary => Some(
                "It fired before the canary had answered a single request: what it saw was not the canary."
                    .to_owned(),
            ),
            Self::BeforeHarm { by_us } => Some(format!(
                "It fired {} before the log shows harm: what made it fire was not that harm.",
                units::elapsed(by_us, replay.clock)
            )),
            Self::Open => None,
        }
    }
}

/// What acting would have averted, with one line for all firings that cannot be credited; `None` where
/// nothing could be compared.
pub fn ledger(replay: &Replay, harm_from_us: Option<i64>) -> Option<Ledger<'_>> {
    let fired: Vec<(&RuleReplay, &Averted, i64, Credit)> = replay
        .rules
        .iter()
        .filter_map(|rule| {
            let averted = rule.averted.as_ref()?;
            let first = rule.first.as_ref()?;
            let credit = credit(replay, rule, harm_from_us)?;
            Some((rule, averted, first.time_us, credit))
        })
        .filter(|(_, averted, ..)| !averted.amounts.is_empty())
        .collect();
    let (credited, lucky): (Vec<_>, Vec<_>) = fired
        .into_iter()
        .partition(|(.., credit)| *credit == Credit::Open);
    let mut rows: Vec<LedgerRow<'_>> = credited
        .iter()
        .map(|(rule, averted, ..)| LedgerRow {
            who: shown(rule).to_owned(),
            averted,
        })
        .collect();
    // The latest of them: what came before it was averted by none of the others either.
    if let Some((rule, averted, ..)) = lucky.iter().max_by_key(|(_, _, time_us, _)| *time_us) {
        let before = match harm_from_us {
            Some(_) => "A stop before the harm began",
            None => "A stop before the canary's first request",
        };
        rows.push(LedgerRow {
            who: format!("{before}: that of {}", shown(rule)),
            averted,
        });
    }
    let first = rows.first()?.averted;
    let measures = first.amounts.iter().map(|amount| {
        let what = match (amount.id, first.bad_rating) {
            ("errors", _) => "Errors".to_owned(),
            ("bad_ratings", Some(bad)) => format!("Ratings of {} or lower", units::plain(bad)),
            ("bad_ratings", None) => "Bad ratings".to_owned(),
            ("latency_s", _) => "Seconds of waiting".to_owned(),
            ("tokens", _) => "Tokens".to_owned(),
            _ => "Cost".to_owned(),
        };
        (amount.id, what)
    });
    Some(Ledger {
        measures: measures.collect(),
        notes: notes(&rows, &lucky),
        rows,
    })
}

fn notes(rows: &[LedgerRow<'_>], lucky: &[(&RuleReplay, &Averted, i64, Credit)]) -> Vec<String> {
    let mut found = vec![
        "Of the canary's requests after a rollback would have taken effect: their sum less what the baseline's \
         requests of the same time would give for as many. A rollback would have averted that; where it is negative, it \
         would have lost it. Every request of the canary counts once, while the scorecard weights stages: small \
         differences can have another sign there."
            .to_owned(),
    ];
    let mut amounts = rows.iter().flat_map(|row| &row.averted.amounts);
    if amounts.any(|amount| amount.interval.is_some()) {
        found.push("In brackets: 95 % intervals, from drawing users anew.".to_owned());
    }
    if !lucky.is_empty() {
        let names: Vec<&str> = lucky.iter().map(|(rule, ..)| shown(rule)).collect();
        found.push(format!(
            "Not credited with it, because they fired before there was anything to avert: {}.",
            names.join("; ")
        ));
    }
    found
}

fn shown(rule: &RuleReplay) -> &str {
    if rule.title.is_empty() {
        &rule.id
    } else {
        &rule.title
    }
}
