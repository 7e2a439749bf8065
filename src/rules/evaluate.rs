//! One condition over the evaluations of a replay.

use super::describe::condition_text;
use super::prepare::Prepared;
use super::state::{
    CounterValue, Observed, Order, Point, ScrapedCounters, Sliding, Sorted, Statistic, Tally,
    TallyValue, Thinner, Total, TotalValue,
};
use super::{
    ArmReading, ArmRole, Comparison, Condition, ConditionReplay, Metric, NoData, Reading, Truth,
    Window,
};

/// A condition with its windows and what it has counted so far.
pub(super) struct Evaluator<'a> {
    condition: &'a Condition,
    signal: Signal<'a>,
    record: Record<'a>,
}

/// The windows of a condition.
enum Signal<'a> {
    Tally(Pair<'a, Tally<'a>>),
    Total(Pair<'a, Total<'a>>),
    Order(Pair<'a, Order<'a>>),
    Sorted(Pair<'a, Sorted<'a>>),
    Counter(ScrapedCounters, Option<ScrapedCounters>),
    /// Why there are none.
    Unavailable(String),
}

/// The same window over the measured arm and, where it matters, the baseline.
struct Pair<'a, S> {
    measured: Sliding<'a, S>,
    baseline: Option<Sliding<'a, S>>,
    /// Whether it has yet to be observed.
    is_fresh: bool,
}

/// What a condition counts at its evaluations.
struct Record<'a> {
    condition: &'a Condition,
    needs_baseline: bool,
    zero_us: i64,
    /// What the windows showed last.
    observed: (Observed, Observed),
    /// What follows from it, if it has been judged.
    judged: Truth,
    is_judged: bool,
    /// The truth of the last evaluation, after the policy for missing data.
    previous: Truth,
    n_true: u64,
    n_no_data: u64,
    first: Option<Point>,
    series: Thinner,
}

/// The result of one comparison.
struct Judged {
    truth: Truth,
    value: f64,
    bound: f64,
}

/// A block of evaluations.
pub(super) struct Block<'b> {
    pub(super) points: &'b [Point],
    /// Whether the rule's minimum was met.
    pub(super) is_open: &'b [bool],
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(prepared: &'a Prepared<'a>, condition: &'a Condition) -> Self {
        let (zero_us, last_us) = prepared.span_us;
        Self {
            condition,
            signal: Signal::new(prepared, condition, condition.needs_baseline()),
            record: Record {
                condition,
                needs_baseline: condition.needs_baseline(),
                zero_us,
                observed: (Observed::NOTHING, Observed::NOTHING),
                judged: Truth::Unknown,
                is_judged: false,
                previous: Truth::False,
                n_true: 0,
                n_no_data: 0,
                first: None,
                series: Thinner::new(last_us - zero_us),
            },
        }
    }

    pub(super) fn condition(&self) -> &'a Condition {
        self.condition
    }

    pub(super) fn is_available(&self) -> bool {
        !matches!(self.signal, Signal::Unavailable(_))
    }

    /// Evaluates a block: its truths, after the policy for missing data, replace `truths`; where
    /// missing data resets the rule, `resets` is set.
    pub(super) fn run(&mut self, block: &Block<'_>, truths: &mut Vec<Truth>, resets: &mut [bool]) {
        let record = &mut self.record;
        match &mut self.signal {
            Signal::Tally(pair) => record.run(block, truths, resets, |p| pair.advance(p)),
            Signal::Total(pair) => record.run(block, truths, resets, |p| pair.advance(p)),
            Signal::Order(pair) => record.run(block, truths, resets, |p| pair.advance(p)),
            Signal::Sorted(pair) => record.run(block, truths, resets, |p| pair.advance(p)),
            Signal::Counter(measured, baseline) => record.run(block, truths, resets, |p| {
                let other = baseline
                    .as_ref()
                    .map_or(Observed::NOTHING, |b| b.observe(p));
                Some((measured.observe(p), other))
            }),
            Signal::Unavailable(_) => {
                truths.clear();
                truths.resize(block.points.len(), Truth::Unknown);
                record.n_no_data += block.is_open.iter().filter(|open| **open).count() as u64;
            }
        }
    }

    /// What the condition has done; `row_of` gives the file's row of an evaluation.
    pub(super) fn finish(self, row_of: impl Fn(Point) -> Option<u32>) -> ConditionReplay {
        let record = self.record;
        ConditionReplay {
            name: self.condition.name.clone(),
            text: condition_text(self.condition),
            threshold: self.condition.comparison.threshold(),
            evaluations_true: record.n_true,
            evaluations_no_data: record.n_no_data,
            first_row: record.first.and_then(row_of),
            first_us: record.first.map(|point| point.at_us - record.zero_us),
            unavailable: match self.signal {
                Signal::Unavailable(reason) => Some(reason),
                _ => None,
            },
            series: record.series.finish(),
        }
    }
}

/// What a condition sees at one evaluation, from windows built for it alone.
pub(super) fn reading_at(prepared: &Prepared<'_>, condition: &Condition, point: Point) -> Reading {
    let (measured, baseline) = match &mut Signal::new(prepared, condition, true) {
        Signal::Tally(pair) => pair.observe_at(point),
        Signal::Total(pair) => pair.observe_at(point),
        Signal::Order(pair) => pair.observe_at(point),
        Signal::Sorted(pair) => pair.observe_at(point),
        Signal::Counter(measured, baseline) => (
            measured.observe(point),
            baseline
                .as_ref()
                .map_or(Observed::NOTHING, |b| b.observe(point)),
        ),
        Signal::Unavailable(_) => (Observed::NOTHING, Observed::NOTHING),
    };
    let judged = judge(condition, condition.needs_baseline(), measured, baseline);
    Reading {
        condition: condition.name.clone(),
        arm: condition.arm,
        measured: reading(measured),
        baseline: reading(baseline),
        bound: Some(judged.bound).filter(|bound| bound.is_finite()),
        truth: judged.truth,
    }
}

impl<'a> Signal<'a> {
    fn new(prepared: &'a Prepared<'a>, condition: &Condition, with_baseline: bool) -> Self {
        if let Some(reason) = prepared.unavailable(condition) {
            return Self::Unavailable(reason);
        }
        let drop_zero = condition.drop_zero;
        if let Window::Counter { .. } = condition.window {
            return Self::counter(prepared, condition, with_baseline);
        }
        match condition.metric {
            Metric::ErrorShare
            | Metric::SuccessShare
            | Metric::Share(_)
            | Metric::Count
            | Metric::Rps => {
                let gives = match (condition.metric, condition.window.span()) {
                    (Metric::Count, _) => TallyValue::Count,
                    (Metric::Rps, Some(span)) => TallyValue::PerSecond(span.as_seconds()),
                    _ => TallyValue::Share,
                };
                let flags = prepared.flags(condition.metric, drop_zero);
                let tally = || Tally::new(flags, gives);
                Self::Tally(Pair::new(prepared, condition, with_baseline, tally))
            }
            Metric::Mean(quantity) | Metric::Sum(quantity) => {
                let gives = match condition.metric {
                    Metric::Sum(_) => TotalValue::Sum,
                    _ => TotalValue::Mean,
                };
                let values = prepared.values(quantity);
                let total = || match condition.window {
                    Window::Run => Total::running(values, drop_zero, gives),
                    _ => Total::sliding(values, drop_zero, gives),
                };
                Self::Total(Pair::new(prepared, condition, with_baseline, total))
            }
            Metric::Quantile(quantity, probability) => {
                let method = condition.quantile_method;
                if let Some(ranks) = prepared.ranks(quantity, drop_zero) {
                    let order = || Order::new(ranks, probability, method);
                    Self::Order(Pair::new(prepared, condition, with_baseline, order))
                } else {
                    let values = prepared.values(quantity);
                    let sorted = || Sorted::new(values, drop_zero, probability, method);
                    Self::Sorted(Pair::new(prepared, condition, with_baseline, sorted))
                }
            }
        }
    }

    fn counter(prepared: &'a Prepared<'a>, condition: &Condition, with_baseline: bool) -> Self {
        let flags = prepared.flags(condition.metric, condition.drop_zero);
        let gives = match condition.metric {
            Metric::Rps => CounterValue::PerSecond,
            _ => CounterValue::Share,
        };
        let scrape = |arm| {
            let rows = prepared.rows(arm);
            let event_us = &prepared.log.event_us;
            let span_us = (prepared.span_us.0, prepared.scrape_until_us);
            ScrapedCounters::scrape(rows, event_us, flags, condition.window, gives, span_us)
        };
        match scrape(condition.arm) {
            Ok(measured) => {
                let baseline = with_baseline
                    .then(|| scrape(ArmRole::Baseline).ok())
                    .flatten();
                Self::Counter(measured, baseline)
            }
            Err(reason) => Self::Unavailable(reason),
        }
    }
}

impl<'a, S: Statistic> Pair<'a, S> {
    fn new(
        prepared: &'a Prepared<'a>,
        condition: &Condition,
        with_baseline: bool,
        statistic: impl Fn() -> S,
    ) -> Self {
        let sliding = |arm| {
            let (rows, event_us) = (prepared.rows(arm), prepared.log.event_us.as_slice());
            let zero_us = prepared.span_us.0;
            Sliding::new(rows, event_us, condition.window, zero_us, statistic())
        };
        Self {
            measured: sliding(condition.arm),
            baseline: with_baseline.then(|| sliding(ArmRole::Baseline)),
            is_fresh: true,
        }
    }

    /// What both windows show at `point`; `None` while nothing has changed.
    #[expect(clippy::inline_always, reason = "the innermost loop of a replay")]
    #[inline(always)]
    fn advance(&mut self, point: Point) -> Option<(Observed, Observed)> {
        let has_changed = self.measured.advance(point) | std::mem::take(&mut self.is_fresh);
        match &mut self.baseline {
            Some(baseline) => (baseline.advance(point) | has_changed)
                .then(|| (self.measured.observed(), baseline.observed())),
            None => has_changed.then(|| (self.measured.observed(), Observed::NOTHING)),
        }
    }

    fn observe_at(&mut self, point: Point) -> (Observed, Observed) {
        self.measured.seek(point);
        self.measured.advance(point);
        let other = self
            .baseline
            .as_mut()
            .map_or(Observed::NOTHING, |baseline| {
                baseline.seek(point);
                baseline.advance(point);
                baseline.observed()
            });
        (self.measured.observed(), other)
    }
}

impl Record<'_> {
    fn run(
        &mut self,
        block: &Block<'_>,
        truths: &mut Vec<Truth>,
        resets: &mut [bool],
        mut observe: impl FnMut(Point) -> Option<(Observed, Observed)>,
    ) {
        truths.clear();
        for (i, (&point, &is_open)) in block.points.iter().zip(block.is_open).enumerate() {
            let observed = observe(point);
            if !is_open {
                self.is_judged = false;
                self.observed = observed.unwrap_or(self.observed);
                truths.push(Truth::False);
                continue;
            }
            if observed.is_some() || !self.is_judged {
                self.observed = observed.unwrap_or(self.observed);
                self.judge(point);
            }
            let truth = match self.judged {
                Truth::Unknown => {
                    let (truth, is_reset) = self.without_data();
                    resets[i] |= is_reset;
                    truth
                }
                truth => truth,
            };
            self.previous = truth;
            if truth == Truth::True {
                self.n_true += 1;
                self.first.get_or_insert(point);
            }
            truths.push(truth);
        }
    }

    #[expect(clippy::inline_always, reason = "the innermost loop of a replay")]
    #[inline(always)]
    fn judge(&mut self, point: Point) {
        let (measured, baseline) = self.observed;
        let judged = judge(self.condition, self.needs_baseline, measured, baseline);
        self.judged = judged.truth;
        self.is_judged = true;
        if !judged.value.is_nan() && !judged.bound.is_nan() {
            let time_us = point.at_us - self.zero_us;
            self.series.offer(time_us, judged.value, judged.bound);
        }
    }

    /// What the lack of data means here, and whether it resets the rule.
    fn without_data(&mut self) -> (Truth, bool) {
        self.n_no_data += 1;
        match self.condition.no_data {
            None => (Truth::Unknown, false),
            Some(NoData::False) => (Truth::False, false),
            Some(NoData::True) => (Truth::True, false),
            Some(NoData::Hold) => (self.previous, false),
            Some(NoData::Reset) => (Truth::False, true),
        }
    }
}

/// Compares. Products and differences are formed as the monitors form them, so that equality is
/// decided by the same rounding.
#[expect(clippy::inline_always, reason = "the innermost loop of a replay")]
#[inline(always)]
fn judge(
    condition: &Condition,
    needs_baseline: bool,
    measured: Observed,
    baseline: Observed,
) -> Judged {
    let or_empty = |value: f64| match condition.empty_as {
        Some(empty) if value.is_nan() => empty,
        _ => value,
    };
    let value = or_empty(measured.value);
    let base = or_empty(baseline.value);
    let (bound, holds) = match condition.comparison {
        Comparison::Value { cmp, value: bound } => (bound, cmp.holds(value, bound)),
        Comparison::TimesBaseline { cmp, factor } => {
            let bound = base * factor;
            (bound, cmp.holds(value, bound))
        }
        Comparison::Drop { cmp, by } => (base - by, cmp.holds(base - value, by)),
        Comparison::Rise { cmp, by } => (base + by, cmp.holds(value - base, by)),
    };
    let is_missing = value.is_nan()
        || (needs_baseline && base.is_nan())
        || measured.n < condition.min_n.canary
        || baseline.n < condition.min_n.baseline;
    let is_required = condition
        .require
        .is_none_or(|require| require.cmp.holds(base, require.value));
    let truth = if is_missing {
        Truth::Unknown
    } else if is_required && holds {
        Truth::True
    } else {
        Truth::False
    };
    Judged {
        truth,
        value,
        bound,
    }
}

fn reading(observed: Observed) -> ArmReading {
    ArmReading {
        value: Some(observed.value).filter(|value| value.is_finite()),
        n: observed.n,
    }
}
