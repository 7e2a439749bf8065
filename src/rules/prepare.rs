//! What replays of one log share: flags, ranks and sums, built once, whatever the arms and the
//! thresholds.

use std::borrow::Cow;

use super::state::{Addends, Arrivals, Flag, Flags, Frame, Ranks, Ring};
use super::{
    ArmRole, Clock, Column, Comparison, Condition, EventTime, LateRatings, Metric, Plan, Rule,
    Rulebook, Scope, StageAt, StageSpan, TestKind, TestUnit, Window,
};
use crate::data::{Clock as LogClock, Numbers, Quantity, RequestLog};

use super::describe::column_text;

/// A log, prepared for the conditions of a rulebook.
///
/// Replaying the same log with other arms ([`Assignment`]) or other thresholds needs no preparing
/// anew: relabelled logs and moved thresholds share everything in here.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub(super) log: Cow<'a, RequestLog>,
    /// Observed stages, in order; empty where nothing is known of them.
    stages: Vec<StageSpan>,
    stage_starts: Vec<i64>,
    flags: Vec<(Source, Flags)>,
    ranks: Vec<(Source, Ranks)>,
    addends: Vec<(Quantity, Addends)>,
    /// As floats, because windows read them at every step.
    values: Vec<(Quantity, Vec<f64>)>,
    /// When ratings arrived, where a condition measures them and they came later than their requests.
    arrivals: Option<Arrivals>,
}

/// Which rows of a log take part, and in which arm; each list ascends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Rows of the arm under test.
    pub canary: Vec<u32>,
    /// Rows of the arm it is compared with; none of them is the canary's.
    pub baseline: Vec<u32>,
    /// Every row that takes part: those of both arms and any others.
    pub all: Vec<u32>,
    /// Time zero and when the watch ends, in the log's own microseconds; no row's event is later.
    pub span_us: (i64, i64),
}

/// What flags or ranks are made from.
#[derive(Debug, Clone, PartialEq)]
struct Source {
    metric: Option<Metric>,
    quantity: Option<Quantity>,
    drop_zero: bool,
}

/// A prepared log with its arms, as one rule sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) prepared: &'a Prepared<'a>,
    pub(super) arms: &'a Assignment,
    pub(super) rule: &'a Rule,
    /// The last instant at which the rule may look.
    pub(super) until_us: i64,
}

impl Assignment {
    /// Two arms of a whole log by their index.
    pub fn of(log: &RequestLog, control: usize, treatment: usize) -> Self {
        let (mut canary, mut baseline) = (Vec::new(), Vec::new());
        for (row, arm) in (0..).zip(&log.arm) {
            if usize::from(*arm) == treatment {
                canary.push(row);
            } else if usize::from(*arm) == control {
                baseline.push(row);
            }
        }
        Self::of_rows(log, canary, baseline)
    }

    /// Two arms of a whole log by their rows.
    pub fn of_rows(log: &RequestLog, canary: Vec<u32>, baseline: Vec<u32>) -> Self {
        let zero_us = log.time_zero_us();
        Self {
            canary,
            baseline,
            all: (0..log.n_rows() as u32).collect(),
            span_us: (
                zero_us,
                log.event_span_us().map_or(zero_us, |(_, last)| last),
            ),
        }
    }
}

impl<'a> Prepared<'a> {
    /// Prepares a log for every condition of a rulebook. `stages` are the observed ones, in order; none
    /// where nothing is known of them.
    pub fn new(log: &'a RequestLog, rulebook: &Rulebook, stages: &[StageSpan]) -> Self {
        let log = in_event_time(log, rulebook.columns.event_time);
        let mut prepared = Self {
            stage_starts: stages.iter().map(|stage| stage.from_us).collect(),
            stages: stages.to_vec(),
            flags: Vec::new(),
            ranks: Vec::new(),
            addends: Vec::new(),
            values: Vec::new(),
            arrivals: None,
            log,
        };
        prepared.extend(rulebook);
        prepared
    }

    /// Prepares what a changed rulebook needs besides. Its event time must be the same.
    pub fn extend(&mut self, rulebook: &Rulebook) {
        if self.arrivals.is_none() && rulebook.rules.iter().any(Rule::reads_ratings) {
            self.arrivals = Arrivals::of_ratings(&self.log);
        }
        for condition in rulebook.rules.iter().flat_map(Rule::conditions) {
            if self.unavailable(condition).is_none() {
                self.prepare(condition);
            }
        }
        if rulebook.rules.iter().any(|rule| rule.min.is_some()) {
            self.prepare_flags(Source::requests());
        }
    }

    /// The log in the order of the replay: by what the rulebook calls event time.
    pub fn log(&self) -> &RequestLog {
        &self.log
    }

    /// Why a condition can never be evaluated on this log.
    pub(super) fn unavailable(&self, condition: &Condition) -> Option<String> {
        if let Some(score) = &condition.score {
            let mut metrics = score.metrics.iter();
            return metrics
                .find_map(|metric| self.lacks(&metric.metric))
                .or_else(|| {
                    self.is_timeless()
                        .then(|| "the log has no times".to_owned())
                });
        }
        self.lacks(&condition.metric).or_else(|| {
            let is_timed = condition.window.is_timed() && self.is_timeless();
            is_timed.then(|| "the log has no times".to_owned())
        })
    }

    fn lacks(&self, metric: &Metric) -> Option<String> {
        if metric.needs_outcome() && !self.log.has_outcome {
            return Some("the log has no column that tells success from failure".to_owned());
        }
        let column = metric.column()?;
        let is_there = self
            .quantity(column)
            .is_some_and(|quantity| self.log.quantity(quantity).is_some());
        match column {
            _ if is_there => None,
            Column::Of(_) => Some(format!("the log has no column for {}", column_text(column))),
            Column::Named(name) => Some(format!(
                "the log has no column of numbers called {name} besides those that a rulebook calls latency, ttft, rating, tokens_in, tokens_out and cost"
            )),
        }
    }

    /// What a rulebook's column is in this log.
    fn quantity(&self, column: &Column) -> Option<Quantity> {
        column.quantity(&self.log)
    }

    /// When the values of a metric arrived, where that is later than their requests.
    pub(super) fn arrivals(&self, metric: &Metric) -> Option<&Arrivals> {
        let arrivals = self.arrivals.as_ref()?;
        metric.reads_ratings().then_some(arrivals)
    }

    /// How late the ratings came that a rule measures.
    pub(super) fn late_ratings(&self, rule: &Rule) -> Option<LateRatings> {
        let arrivals = self.arrivals.as_ref().filter(|_| rule.reads_ratings())?;
        Some(arrivals.lateness(&self.log))
    }

    /// Whether anything that a rule measures arrives later than its request.
    pub(super) fn is_late(&self, rule: &Rule) -> bool {
        self.arrivals.is_some() && rule.reads_ratings()
    }

    /// The observed stage at an instant.
    fn stage_at(&self, zero_us: i64, at_us: i64) -> Option<StageAt> {
        let index = self
            .stages
            .iter()
            .position(|stage| (stage.from_us..stage.to_us).contains(&at_us))?;
        let stage = self.stages[index];
        Some(StageAt {
            index,
            share: stage.share,
            into_us: at_us - stage.from_us.max(zero_us),
        })
    }

    pub(super) fn is_timeless(&self) -> bool {
        self.log.clock == LogClock::RowOrder
    }

    /// The values of a column that a condition measures; NaN where missing.
    pub(super) fn values(&self, column: &Column) -> &[f64] {
        let quantity = self.quantity(column);
        let found = self
            .values
            .iter()
            .find(|(known, _)| Some(*known) == quantity);
        found.map_or(&[], |(_, values)| values)
    }

    /// The flags that a share or a count needs.
    pub(super) fn flags(&self, metric: &Metric, drop_zero: bool) -> &[Flag] {
        let source = Source::of_flags(metric, drop_zero);
        let found = self.flags.iter().find(|(known, _)| *known == source);
        found.map_or(&[], |(_, flags)| &flags.all)
    }

    /// The rows whose flags are unlike most; `None` where that would be many.
    pub(super) fn unlike(&self, metric: &Metric, drop_zero: bool) -> Option<&[u32]> {
        let source = Source::of_flags(metric, drop_zero);
        let (_, flags) = self.flags.iter().find(|(known, _)| *known == source)?;
        flags.unlike.as_deref()
    }

    /// The ranks of a column; `None` where only small windows need them.
    pub(super) fn ranks(&self, column: &Column, drop_zero: bool) -> Option<&Ranks> {
        let source = Source::of_ranks(self.quantity(column)?, drop_zero);
        let found = self.ranks.iter().find(|(known, _)| *known == source);
        found.map(|(_, ranks)| ranks)
    }

    /// What is known of a column's values.
    pub(super) fn addends(&self, column: &Column) -> Addends {
        let quantity = self.quantity(column);
        let found = self
            .addends
            .iter()
            .find(|(known, _)| Some(*known) == quantity);
        found.map_or(Addends::Any, |(_, addends)| *addends)
    }

    fn prepare(&mut self, condition: &Condition) {
        if let Some(score) = &condition.score {
            for metric in &score.metrics {
                self.prepare_metric(&metric.metric, false, false);
            }
            return;
        }
        let is_small = matches!(condition.window, Window::Last { n } if n <= Ring::MAX_N)
            && self.arrivals(&condition.metric).is_none();
        let keeps_values = is_small
            || matches!(condition.window, Window::Counter { .. })
            || matches!(condition.comparison, Comparison::Test(test) if test.kind == TestKind::MannWhitney);
        self.prepare_metric(&condition.metric, condition.drop_zero, keeps_values);
    }

    fn prepare_metric(&mut self, metric: &Metric, drop_zero: bool, keeps_values: bool) {
        let needs_values = keeps_values || !matches!(metric, Metric::Quantile(..));
        let quantity = metric.column().and_then(|column| self.quantity(column));
        if let Some(quantity) = quantity.filter(|_| needs_values)
            && self.values.iter().all(|(known, _)| *known != quantity)
        {
            let values = self.log.quantity(quantity).map(Numbers::to_vec);
            self.values.push((quantity, values.unwrap_or_default()));
        }
        match metric {
            Metric::ErrorShare
            | Metric::SuccessShare
            | Metric::Count
            | Metric::Rps
            | Metric::ErrorCount
            | Metric::ErrorsPerSecond
            | Metric::Burn(_)
            | Metric::Consecutive(_)
            | Metric::Share(_) => self.prepare_flags(Source::of_flags(metric, drop_zero)),
            Metric::Quantile(..) if !keeps_values => {
                let Some(quantity) = quantity else { return };
                let source = Source::of_ranks(quantity, drop_zero);
                if !self.ranks.iter().any(|(known, _)| *known == source) {
                    let values = self.log.quantity(quantity);
                    let ranks = values.map(|values| Ranks::of(values, source.drop_zero));
                    self.ranks.extend(ranks.map(|ranks| (source, ranks)));
                }
            }
            Metric::Mean(column) | Metric::Sum(column) => {
                let Some(quantity) = quantity else { return };
                if !self.addends.iter().any(|(known, _)| *known == quantity) {
                    let addends = Addends::of(self.values(column));
                    self.addends.push((quantity, addends));
                }
            }
            Metric::Quantile(..) | Metric::Score => {}
        }
    }

    fn prepare_flags(&mut self, source: Source) {
        if self.flags.iter().any(|(known, _)| *known == source) {
            return;
        }
        let flags = match &source.metric {
            Some(Metric::ErrorShare) => Flag::errors(&self.log),
            Some(Metric::SuccessShare) => Flag::successes(&self.log),
            Some(Metric::Share(predicate)) => {
                Flag::predicate(self.values(&predicate.column), predicate, source.drop_zero)
            }
            _ => Flag::requests(&self.log),
        };
        self.flags.push((source, Flags::new(flags)));
    }
}

impl<'a> View<'a> {
    pub(super) fn new(
        prepared: &'a Prepared<'a>,
        arms: &'a Assignment,
        rule: &'a Rule,
        plan: Option<&Plan>,
    ) -> Self {
        let (zero_us, last_us) = arms.span_us;
        let watched = match (rule.scope, plan) {
            (Scope::DeploymentAndBake, Some(plan)) => {
                let us = plan.duration().us + plan.bake.unwrap_or_default().us;
                zero_us.saturating_add(us)
            }
            _ => i64::MAX,
        };
        Self {
            until_us: last_evaluation_us(rule, last_us).min(watched),
            prepared,
            arms,
            rule,
        }
    }

    /// The rows of an arm, ascending.
    pub(super) fn rows(self, arm: ArmRole) -> &'a [u32] {
        match arm {
            ArmRole::Canary => &self.arms.canary,
            ArmRole::Baseline => &self.arms.baseline,
            ArmRole::All => &self.arms.all,
        }
    }

    /// Time zero, in the log's own microseconds.
    pub(super) fn zero_us(self) -> i64 {
        self.arms.span_us.0
    }

    pub(super) fn frame(self) -> Frame<'a> {
        Frame {
            event_us: &self.prepared.log.event_us,
            zero_us: self.zero_us(),
            stages: &self.prepared.stage_starts,
        }
    }

    /// The observed stage at an instant.
    pub(super) fn stage_at(self, at_us: i64) -> Option<StageAt> {
        self.prepared.stage_at(self.zero_us(), at_us)
    }

    /// The unit of every row for tests, with the number of units; `None` where it is the request.
    pub(super) fn units(self) -> Option<(&'a [u32], u32)> {
        match (self.rule.unit, &self.prepared.log.units) {
            (TestUnit::User, Some(units)) => Some((&units.id, units.n_units)),
            _ => None,
        }
    }
}

impl Source {
    fn requests() -> Self {
        Self::of_flags(&Metric::Count, false)
    }

    fn of_flags(metric: &Metric, drop_zero: bool) -> Self {
        let metric = match metric.clone() {
            Metric::Rps => Metric::Count,
            Metric::ErrorCount
            | Metric::ErrorsPerSecond
            | Metric::Burn(_)
            | Metric::Consecutive(None) => Metric::ErrorShare,
            Metric::Consecutive(Some(predicate)) => Metric::Share(predicate),
            metric => metric,
        };
        Self {
            metric: Some(metric),
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
    match rule.clock {
        Clock::Every { every, .. } if rule.conditions().iter().any(is_scraped) => {
            last_us.saturating_add(every.us - 1)
        }
        _ => last_us,
    }
}

/// The log sorted by another event time than its own.
fn in_event_time(log: &RequestLog, event_time: EventTime) -> Cow<'_, RequestLog> {
    let event_us: Vec<i64> = match event_time {
        EventTime::End => return Cow::Borrowed(log),
        EventTime::Start => log.start_us.clone(),
        EventTime::FirstToken => {
            let Some(ttft_ms) = log.quantity(Quantity::TtftMs) else {
                return Cow::Borrowed(log);
            };
            let rows = log.start_us.iter().zip(ttft_ms.iter()).zip(&log.event_us);
            rows.map(|((start_us, ttft_ms), event_us)| {
                if ttft_ms.is_nan() {
                    *event_us
                } else {
                    start_us + (ttft_ms * 1000.0).round() as i64
                }
            })
            .collect()
        }
    };
    let mut by_time = log.clone();
    by_time.event_us = event_us;
    // Ties keep the order of the file, not that of the outcomes.
    let mut order: Vec<u32> = (0..by_time.event_us.len() as u32).collect();
    order.sort_by_key(|row| (by_time.event_us[*row as usize], by_time.row[*row as usize]));
    Cow::Owned(by_time.gathered(&order))
}
