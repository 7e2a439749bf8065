//! One condition over the evaluations of a replay: what it sees becomes true, false or unknown.

use super::clock::Ticks;
use super::describe::condition_text;
use super::prepare::View;
use super::signal::Signal;
use super::state::{Block, Observed, Point, Seen, Thinner};
use super::{ArmReading, Comparison, Condition, ConditionReplay, NoData, Reading, TestRule, Truth};

/// A condition with its windows and what it has counted so far.
pub(super) struct Evaluator<'a> {
    condition: &'a Condition,
    signal: Signal<'a>,
    seen: Vec<Seen>,
    record: Record<'a>,
}

/// What an evaluation does to the rule besides being true or false; the greatest of its
/// conditions' counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    #[default]
    None,
    /// The rule keeps its state.
    Freeze,
    /// Persistence starts anew.
    Reset,
    /// The evaluation is an error.
    Error,
}

/// What a condition counts at its evaluations.
struct Record<'a> {
    condition: &'a Condition,
    needs_baseline: bool,
    least_n: u32,
    zero_us: i64,
    /// What was seen last, and what was when the block began.
    last: Option<Seen>,
    carried: Option<Seen>,
    /// What follows from it, before and after the policy for missing data.
    judged: Truth,
    outcome: (Truth, Effect),
    /// The truth of the last evaluation that was open.
    previous: Truth,
    n_true: u64,
    n_no_data: u64,
    first: Option<Point>,
    series: Thinner,
}

/// The result of one comparison.
pub(super) struct Judged {
    pub(super) truth: Truth,
    /// The measured value; NaN without data.
    pub(super) value: f64,
    bound: f64,
}

/// A block of evaluations; `is_open` where the rule's minimum was met, `None` for everywhere.
pub(super) struct Look<'b> {
    pub(super) block: &'b Block<'b>,
    pub(super) is_open: Option<&'b [bool]>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(view: View<'a>, condition: &'a Condition) -> Self {
        let (zero_us, last_us) = view.arms.span_us;
        let needs_baseline = condition.needs_baseline();
        Self {
            condition,
            signal: Signal::new(view, condition, needs_baseline),
            seen: Vec::new(),
            record: Record {
                condition,
                needs_baseline,
                least_n: condition.least_n(),
                zero_us,
                last: None,
                carried: None,
                judged: Truth::Unknown,
                outcome: (Truth::Unknown, Effect::None),
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
        self.unavailable().is_none()
    }

    /// Why it cannot be evaluated on this log.
    pub(super) fn unavailable(&self) -> Option<&str> {
        match &self.signal {
            Signal::Unavailable(reason) => Some(reason),
            _ => None,
        }
    }

    /// Evaluates a block: its truths, after the policy for missing data, replace `truths`; what
    /// missing data does to the rule raises `effects`. Whether all are false and nothing was missing.
    pub(super) fn run(
        &mut self,
        look: &Look<'_>,
        truths: &mut Vec<Truth>,
        effects: &mut [Effect],
    ) -> bool {
        truths.clear();
        if !self.is_available() {
            truths.resize(look.block.len(), Truth::Unknown);
            let is_open = look.is_open;
            self.record.n_no_data += is_open.map_or(truths.len(), |open| {
                open.iter().filter(|open| **open).count()
            }) as u64;
            return false;
        }
        truths.resize(look.block.len(), Truth::False);
        let before = (self.record.n_true, self.record.n_no_data);
        self.signal.observe(look.block, &mut self.seen);
        self.record.run(look, &self.seen, truths, effects);
        before == (self.record.n_true, self.record.n_no_data)
    }

    /// Every tick after `point`, the last one that was run, and before this instant is like that.
    pub(super) fn quiet_until(&mut self, point: Point) -> i64 {
        self.signal.quiet_until(point)
    }

    /// Takes in ticks like the last evaluation; `is_open`: the rule's minimum was met.
    pub(super) fn repeat(&mut self, ticks: Ticks, is_open: bool) {
        let record = &mut self.record;
        if is_open && record.judged == Truth::Unknown {
            record.n_no_data += ticks.n;
        }
        if is_open && record.outcome.0 == Truth::True {
            record.n_true += ticks.n;
        }
        if let Some(seen) = record.last.filter(|_| self.signal.is_seen_anew()) {
            record.repeat(&seen, ticks);
        }
    }

    /// What it saw at an evaluation of the block that was run last; `None` where it sees nothing. The
    /// baseline only where it matters to the condition.
    pub(super) fn reading(&self, at: u32) -> Option<Reading> {
        let end = self.seen.partition_point(|seen| seen.at <= at);
        let seen = match end.checked_sub(1) {
            Some(last) => self.seen[last],
            None => self.record.carried?,
        };
        Some(reading_of(self.condition, &seen))
    }

    /// What the condition has done; `row_of` gives the file's row of an evaluation.
    pub(super) fn finish(self, row_of: impl Fn(Point) -> Option<u32>) -> ConditionReplay {
        let unavailable = self.unavailable().map(str::to_owned);
        let record = self.record;
        ConditionReplay {
            name: self.condition.name.clone(),
            text: condition_text(self.condition),
            threshold: self.condition.comparison.threshold(),
            evaluations_true: record.n_true,
            evaluations_no_data: record.n_no_data,
            first_row: record.first.and_then(row_of),
            first_us: record.first.map(|point| point.at_us - record.zero_us),
            unavailable,
            series: record.series.finish(),
        }
    }
}

/// What a condition sees at one evaluation, from windows built for it alone.
pub(super) fn reading_at(view: View<'_>, condition: &Condition, point: Point) -> Reading {
    let seen = Signal::new(view, condition, true).observe_at(point);
    reading_of(condition, &seen)
}

fn reading_of(condition: &Condition, seen: &Seen) -> Reading {
    let judged = judge(condition, condition.needs_baseline(), seen);
    Reading {
        condition: condition.name.clone(),
        arm: condition.arm,
        measured: reading(seen.measured, condition.scale),
        baseline: reading(seen.baseline, condition.scale),
        bound: Some(judged.bound).filter(|bound| bound.is_finite()),
        statistic: matches!(condition.comparison, Comparison::Test(_))
            .then_some(judged.value)
            .filter(|value| value.is_finite()),
        truth: judged.truth,
    }
}

impl Record<'_> {
    fn run(
        &mut self,
        look: &Look<'_>,
        seen: &[Seen],
        truths: &mut [Truth],
        effects: &mut [Effect],
    ) {
        let n = truths.len();
        self.carried = self.last;
        let last_us = look.block.last().map_or(i64::MIN, |last| last.at_us);
        let mut at = 0;
        for found in seen {
            self.fill(look, at..found.at as usize, truths, effects);
            at = found.at as usize;
            self.last = Some(*found);
            self.judge(found, look.block, last_us - self.zero_us);
        }
        self.fill(look, at..n, truths, effects);
    }

    /// A stretch of evaluations that see the same. Truths are false until something else is found.
    #[inline]
    fn fill(
        &mut self,
        look: &Look<'_>,
        stretch: std::ops::Range<usize>,
        truths: &mut [Truth],
        effects: &mut [Effect],
    ) {
        if stretch.is_empty() {
            return;
        }
        if let Some(is_open) = look.is_open {
            for i in stretch {
                if is_open[i] {
                    self.fill_open(look, i..i + 1, truths, effects);
                }
            }
        } else {
            self.fill_open(look, stretch, truths, effects);
        }
    }

    #[inline]
    fn fill_open(
        &mut self,
        look: &Look<'_>,
        stretch: std::ops::Range<usize>,
        truths: &mut [Truth],
        effects: &mut [Effect],
    ) {
        let n = stretch.len() as u64;
        if self.judged == Truth::Unknown {
            self.n_no_data += n;
            self.outcome = self.without_data();
            if self.outcome.1 != Effect::None {
                for effect in &mut effects[stretch.clone()] {
                    *effect = (*effect).max(self.outcome.1);
                }
            }
        }
        let truth = self.outcome.0;
        self.previous = truth;
        if truth == Truth::True {
            self.n_true += n;
            self.first
                .get_or_insert_with(|| look.block.point(stretch.start));
        }
        if truth != Truth::False {
            truths[stretch].fill(truth);
        }
    }

    /// Draws what is seen again at every tick.
    fn repeat(&mut self, seen: &Seen, ticks: Ticks) {
        let judged = judge(self.condition, self.needs_baseline, seen);
        if !judged.value.is_nan() && !judged.bound.is_nan() {
            let ticks = Ticks {
                first_us: ticks.first_us - self.zero_us,
                ..ticks
            };
            self.series.repeat(ticks, judged.value, judged.bound);
        }
    }

    #[expect(clippy::inline_always, reason = "the innermost loop of a replay")]
    #[inline(always)]
    fn judge(&mut self, seen: &Seen, block: &Block<'_>, last_us: i64) {
        let judged = judge(self.condition, self.needs_baseline, seen);
        self.judged = if seen.measured.n < self.least_n {
            Truth::Unknown
        } else {
            judged.truth
        };
        self.outcome = (judged.truth, Effect::None);
        if !judged.value.is_nan() && !judged.bound.is_nan() {
            // Times are far apart in memory: most are not looked at.
            let zero_us = self.zero_us;
            let time_us = || block.point(seen.at as usize).at_us - zero_us;
            let (value, bound) = (judged.value, judged.bound);
            let is_one_slot = last_us < self.series.slot_end_us();
            if !(is_one_slot && self.series.offer_within(time_us, value, bound)) {
                self.series.offer(time_us(), value, bound);
            }
        }
    }

    /// What the lack of data means here.
    fn without_data(&self) -> (Truth, Effect) {
        let (is_few, is_quotient) = self.last.map_or((false, false), |seen| {
            let is_there = !seen.measured.value.is_nan();
            (is_there && self.least_n > 0, seen.measured.is_quotient)
        });
        if is_few {
            return (self.previous, Effect::Freeze);
        }
        let policy = match self.condition.nan {
            Some(policy) if is_quotient => Some(policy),
            _ => self.condition.no_data,
        };
        match policy {
            None => (Truth::Unknown, Effect::None),
            Some(NoData::False) => (Truth::False, Effect::None),
            Some(NoData::True) => (Truth::True, Effect::None),
            Some(NoData::Hold) => (self.previous, Effect::None),
            Some(NoData::Reset) => (Truth::False, Effect::Reset),
            Some(NoData::Error) => (Truth::Unknown, Effect::Error),
        }
    }
}

/// Compares. Products and differences are formed as the monitors form them, so that equality is
/// decided by the same rounding.
#[expect(clippy::inline_always, reason = "the innermost loop of a replay")]
#[inline(always)]
pub(super) fn judge(condition: &Condition, needs_baseline: bool, seen: &Seen) -> Judged {
    let (measured, baseline) = (seen.measured, seen.baseline);
    let value_of = |observed: Observed| match condition.empty_as {
        Some(empty) if observed.value.is_nan() => empty,
        _ if condition.scale == 1.0 => observed.value,
        _ => observed.value * condition.scale,
    };
    let value = value_of(measured);
    let base = value_of(baseline);
    let (value, bound, holds) = match condition.comparison {
        Comparison::Value { cmp, value: bound } => (value, bound, cmp.holds(value, bound)),
        Comparison::TimesBaseline { cmp, factor } => {
            let bound = base * factor;
            (value, bound, cmp.holds(value, bound))
        }
        Comparison::Drop { cmp, by } => (value, base - by, cmp.holds(base - value, by)),
        Comparison::Rise { cmp, by } => (value, base + by, cmp.holds(value - base, by)),
        Comparison::Test(test) => tested(test, seen.statistic),
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

/// A limit is compared with the margin, a p-value with the level.
fn tested(test: TestRule, statistic: f64) -> (f64, f64, bool) {
    if test.kind.is_limit() {
        (statistic, test.margin, statistic > test.margin)
    } else {
        (statistic, test.alpha, statistic < test.alpha)
    }
}

fn reading(observed: Observed, scale: f64) -> ArmReading {
    ArmReading {
        value: Some(observed.value * scale).filter(|value| value.is_finite()),
        n: observed.n,
    }
}
