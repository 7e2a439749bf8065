//! Single requests in a report, where the analyst asked for them: how each went, and redacted text
//! of the columns that were named.

use std::collections::BTreeMap;

use serde::Serialize;

use super::redact::redacted;
use crate::analysis::{BadRequests, Badness};
use crate::data::{Outcome, Quantity, RequestLog};
use crate::units::{self, Clock, ValueForm};

/// What is shown of a request besides its text, where the log has it.
const MEASURES: [(Quantity, &str, ValueForm); 5] = [
    (Quantity::LatencyMs, "Latency", ValueForm::LatencyMs),
    (Quantity::TtftMs, "First token", ValueForm::LatencyMs),
    (Quantity::Rating, "Rating", ValueForm::Number),
    (Quantity::TokensOut, "Completion tokens", ValueForm::Number),
    (Quantity::Cost, "Cost", ValueForm::Number),
];

/// Bad requests of one arm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Examples {
    /// The arm.
    pub arm: String,
    /// What `values` of each request are.
    pub measures: Vec<Measure>,
    /// The columns that `texts` of each request are from.
    pub columns: Vec<String>,
    /// By what is bad about them.
    pub groups: Vec<ExampleGroup>,
}

/// A quantity of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// As shown to people.
    pub label: String,
    /// How it is written.
    pub form: ValueForm,
}

/// Requests that went badly in one way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExampleGroup {
    /// In which way.
    pub what: Badness,
    /// From how many they were picked.
    pub n: u64,
    /// The requests.
    pub requests: Vec<Example>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// Where it stands in the log, counted from 1.
    pub data_row: u64,
    /// When its outcome was known; empty without times.
    pub time: String,
    /// How it ended.
    pub outcome: &'static str,
    /// By measure; `None` where the request has none.
    pub values: Vec<Option<f64>>,
    /// By column, redacted.
    pub texts: Vec<String>,
}

/// Text of requests by data row (from 0): cells of the wanted columns, and ids that must not show.
pub type Texts = BTreeMap<u32, (Vec<String>, Vec<String>)>;

impl Examples {
    /// The picked rows of a log with what `texts` has of them.
    pub fn of(
        log: &RequestLog,
        arm: usize,
        picked: &[BadRequests],
        columns: Vec<String>,
        texts: &Texts,
    ) -> Self {
        let has = |(quantity, ..): &&(Quantity, &str, ValueForm)| log.quantity(*quantity).is_some();
        let measures: Vec<_> = MEASURES.iter().filter(has).collect();
        let example = |row: &u32| {
            let row = *row as usize;
            let value = |quantity: Quantity| log.quantity(quantity).map(|values| values[row]);
            Example {
                data_row: u64::from(log.row[row]) + 1,
                time: match log.clock {
                    Clock::RowOrder => String::new(),
                    clock => units::instant(log.event_us[row], clock),
                },
                outcome: outcome(log.outcome[row]),
                values: measures
                    .iter()
                    .map(|(quantity, ..)| value(*quantity).filter(|v| !v.is_nan()))
                    .collect(),
                texts: texts.get(&log.row[row]).map_or_else(
                    || vec![String::new(); columns.len()],
                    |(cells, ids)| {
                        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                        cells.iter().map(|cell| redacted(cell, &ids)).collect()
                    },
                ),
            }
        };
        let groups = picked.iter().map(|bad| ExampleGroup {
            what: bad.what,
            n: bad.n,
            requests: bad.rows.iter().map(example).collect(),
        });
        let groups = groups.collect();
        Self {
            arm: log.arms.get(arm).map_or("", |arm| &arm.name).to_owned(),
            measures: measures
                .iter()
                .map(|(_, label, form)| Measure {
                    label: (*label).to_owned(),
                    form: *form,
                })
                .collect(),
            columns,
            groups,
        }
    }
}

/// As the table of arms calls it.
fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "Answered",
        Outcome::Error => "Failed",
        Outcome::RateLimited => "Rate-limited (429)",
        Outcome::Cancelled => "Cancelled",
        Outcome::Unknown => "Unknown",
    }
}
