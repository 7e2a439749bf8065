//! What several conditions share: the rows of each arm, flags and ranks, built once a replay.

use super::state::{Flag, Ranks, Sorted};
use super::{ArmRole, Condition, Metric, Rule, Rulebook, Window};
use crate::data::{Clock, Numbers, Quantity, RequestLog};

use super::describe::quantity_text;

/// A log, seen with the eyes of a rulebook.
pub(super) struct Prepared<'a> {
    pub(super) log: &'a RequestLog,
    /// Time zero and the last event, in the log's own microseconds.
    pub(super) span_us: (i64, i64),
    /// Until when counters are scraped: long enough for the last evaluation.
    pub(super) scrape_until_us: i64,
    canary: Vec<u32>,
    baseline: Vec<u32>,
    all: Vec<u32>,
    flags: Vec<(Source, Vec<Flag>)>,
    ranks: Vec<(Source, Ranks)>,
    /// As floats, because windows read them at every step.
    values: Vec<(Quantity, Vec<f64>)>,
}

/// What flags or ranks are made from.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Source {
    metric: Option<Metric>,
    quantity: Option<Quantity>,
    drop_zero: bool,
}

/// The arms that a rulebook speaks of, by their index in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) canary: usize,
    pub(super) baseline: usize,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(log: &'a RequestLog, rulebook: &Rulebook, roles: Roles) -> Self {
        let zero_us = log.time_zero_us();
        let last_us = log.event_span_us().map_or(zero_us, |(_, last)| last);
        let mut prepared = Self {
            log,
            span_us: (zero_us, last_us),
            scrape_until_us: rulebook
                .rules
                .iter()
                .map(|rule| last_evaluation_us(rule, last_us))
                .fold(last_us, i64::max),
            canary: rows_of(log, roles.canary),
            baseline: rows_of(log, roles.baseline),
            all: Vec::new(),
            flags: Vec::new(),
            ranks: Vec::new(),
            values: Vec::new(),
        };
        for condition in rulebook.rules.iter().flat_map(Rule::conditions) {
            if prepared.unavailable(condition).is_none() {
                prepared.prepare(condition);
            }
        }
        if rulebook.rules.iter().any(|rule| rule.min.is_some()) {
            prepared.prepare_flags(Source::requests());
        }
        prepared
    }

    /// Why a condition can never be evaluated on this log.
    pub(super) fn unavailable(&self, condition: &Condition) -> Option<String> {
        if condition.metric.needs_outcome() && !self.log.has_outcome {
            return Some("the log has no column that tells success from failure".to_owned());
        }
        if let Some(quantity) = condition.metric.quantity()
            && self.log.quantity(quantity).is_none()
        {
            return Some(format!(
                "the log has no column for {}",
                quantity_text(quantity)
            ));
        }
        if condition.window.is_timed() && self.log.clock == Clock::RowOrder {
            return Some("the log has no times".to_owned());
        }
        None
    }

    /// The rows of an arm, ascending.
    pub(super) fn rows(&self, arm: ArmRole) -> &[u32] {
        match arm {
            ArmRole::Canary => &self.canary,
            ArmRole::Baseline => &self.baseline,
            ArmRole::All => &self.all,
        }
    }

    /// The flags that a share or a count needs.
    pub(super) fn flags(&self, metric: Metric, drop_zero: bool) -> &[Flag] {
        let source = Source::of_flags(metric, drop_zero);
        let found = self.flags.iter().find(|(known, _)| *known == source);
        found.map_or(&[], |(_, flags)| flags)
    }

    /// The ranks of a quantity; `None` where only small windows need them and they would have to be
    /// sorted.
    pub(super) fn ranks(&self, quantity: Quantity, drop_zero: bool) -> Option<&Ranks> {
        let source = Source::of_ranks(quantity, drop_zero);
        let found = self.ranks.iter().find(|(known, _)| *known == source);
        found.map(|(_, ranks)| ranks)
    }

    /// The values of a quantity that a condition measures; NaN where missing.
    pub(super) fn values(&self, quantity: Quantity) -> &[f64] {
        let found = self.values.iter().find(|(known, _)| *known == quantity);
        found.map_or(&[], |(_, values)| values)
    }

    fn prepare(&mut self, condition: &Condition) {
        if let Some(quantity) = condition.metric.quantity()
            && self.values.iter().all(|(known, _)| *known != quantity)
        {
            let values = self.log.quantity(quantity).map(Numbers::to_vec);
            self.values.push((quantity, values.unwrap_or_default()));
        }
        if condition.arm == ArmRole::All && self.all.is_empty() {
            self.all = (0..self.log.n_rows() as u32).collect();
        }
        match condition.metric {
            Metric::ErrorShare
            | Metric::SuccessShare
            | Metric::Count
            | Metric::Rps
            | Metric::Share(_) => {
                self.prepare_flags(Source::of_flags(condition.metric, condition.drop_zero));
            }
            Metric::Quantile(quantity, _) => {
                let source = Source::of_ranks(quantity, condition.drop_zero);
                if self.ranks.iter().any(|(known, _)| *known == source) {
                    return;
                }
                let values = self.values(quantity);
                let is_small = matches!(condition.window, Window::Last { n } if n <= Sorted::MAX_N);
                let ranks = if is_small {
                    Ranks::cheaply(values, source.drop_zero)
                } else {
                    Some(Ranks::of(values, source.drop_zero))
                };
                self.ranks.extend(ranks.map(|ranks| (source, ranks)));
            }
            Metric::Mean(_) | Metric::Sum(_) => {}
        }
    }

    fn prepare_flags(&mut self, source: Source) {
        if self.flags.iter().any(|(known, _)| *known == source) {
            return;
        }
        let flags = match source.metric {
            Some(Metric::ErrorShare) => Flag::errors(self.log),
            Some(Metric::SuccessShare) => Flag::successes(self.log),
            Some(Metric::Share(predicate)) => {
                let values = self.values(predicate.quantity);
                Flag::predicate(values, predicate, source.drop_zero)
            }
            _ => Flag::requests(self.log),
        };
        self.flags.push((source, flags));
    }
}

impl Source {
    fn requests() -> Self {
        Self::of_flags(Metric::Count, false)
    }

    fn of_flags(metric: Metric, drop_zero: bool) -> Self {
        let is_count = matches!(metric, Metric::Count | Metric::Rps);
        Self {
            metric: Some(if is_count { Metric::Count } else { metric }),
            quantity: None,
            drop_zero,
        }
    }

    fn of_ranks(quantity: Quantity, drop_zero: bool) -> Self {
        Self {
            metric: None,
            quantity: Some(quantity),
            drop_zero,
        }
    }
}

/// No evaluation of the rule is later: the last event, and an interval more where counters show
/// the last requests only at the next scrape.
pub(super) fn last_evaluation_us(rule: &Rule, last_us: i64) -> i64 {
    let is_scraped = |condition: &&Condition| matches!(condition.window, Window::Counter { .. });
    match rule.clock.interval() {
        Some(every) if rule.conditions().iter().any(is_scraped) => {
            last_us.saturating_add(every.us - 1)
        }
        _ => last_us,
    }
}

fn rows_of(log: &RequestLog, arm: usize) -> Vec<u32> {
    log.rows_of_arm(arm).map(|row| row as u32).collect()
}
