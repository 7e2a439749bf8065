//! What a condition sees: its windows over the evaluations of a replay, whatever its threshold.

use super::judge::Judge;
use super::prepare::View;
use super::state::{
    Block, Counted, CounterValue, Observed, Order, Point, Ring, ScrapedCounters, Seen, Sliding,
    Statistic, Streak, Tally, TallyValue, Total, TotalValue,
};
use super::tested::TestSignal;
use super::{ArmRole, Comparison, Condition, Metric, QuantileMethod, Window};

/// The windows of a condition.
pub(super) enum Signal<'a> {
    Tally(Pair<'a, Tally<'a>>),
    Total(Pair<'a, Total<'a>>),
    Order(Pair<'a, Order<'a>>),
    Ring(Pair<'a, Ring<'a>>),
    Streak(Pair<'a, Streak<'a>>),
    Counter(ScrapedCounters, Option<ScrapedCounters>),
    Test(TestSignal<'a>),
    Score(Judge),
    /// Why there are none.
    Unavailable(String),
}

/// The same window over the measured arm and, where it matters, the baseline.
pub(super) struct Pair<'a, S> {
    pub(super) measured: Sliding<'a, S>,
    pub(super) baseline: Option<Sliding<'a, S>>,
    /// Whether it has yet to be observed.
    is_fresh: bool,
}

impl<'a> Signal<'a> {
    pub(super) fn new(view: View<'a>, condition: &Condition, with_baseline: bool) -> Self {
        let prepared = view.prepared;
        if let Some(reason) = prepared.unavailable(condition) {
            return Self::Unavailable(reason);
        }
        let drop_zero = condition.drop_zero;
        if let Some(score) = &condition.score {
            return Judge::new(view, score).map_or_else(Self::Unavailable, Self::Score);
        }
        if let Window::Counter { .. } = condition.window {
            return Self::counter(view, condition, with_baseline);
        }
        if let Comparison::Test(rule) = condition.comparison {
            return Self::Test(TestSignal::new(view, condition, rule));
        }
        match &condition.metric {
            Metric::ErrorShare
            | Metric::SuccessShare
            | Metric::Share(_)
            | Metric::Count
            | Metric::Burn(_)
            | Metric::ErrorCount
            | Metric::ErrorsPerSecond
            | Metric::Rps => {
                let gives = match (&condition.metric, condition.window.span()) {
                    (Metric::Count, _) => TallyValue::Count,
                    (Metric::Rps, Some(span)) => TallyValue::PerSecond(span.as_seconds()),
                    (Metric::ErrorsPerSecond, Some(span)) => TallyValue::Hits(span.as_seconds()),
                    (Metric::ErrorCount, _) => TallyValue::Hits(1.0),
                    (Metric::Burn(slo), _) => TallyValue::Burn(1.0 - slo),
                    _ => TallyValue::Share,
                };
                let flags = prepared.flags(&condition.metric, drop_zero);
                let unlike = prepared.unlike(&condition.metric, drop_zero);
                let tally = || Tally::new(flags, gives).knowing(unlike);
                Self::Tally(Pair::new(view, condition, with_baseline, tally))
            }
            Metric::Consecutive(_) => {
                let flags = prepared.flags(&condition.metric, drop_zero);
                let streak = || Streak::new(flags);
                Self::Streak(Pair::new(view, condition, with_baseline, streak))
            }
            Metric::Mean(column) | Metric::Sum(column) => {
                let gives = match condition.metric {
                    Metric::Sum(_) => TotalValue::Sum,
                    _ => TotalValue::Mean,
                };
                let values = prepared.values(column);
                let addends = prepared.addends(column);
                let total = || match condition.window {
                    Window::Run => Total::running(values, drop_zero, gives),
                    _ => Total::sliding(values, addends, drop_zero, gives),
                };
                Self::Total(Pair::new(view, condition, with_baseline, total))
            }
            Metric::Quantile(column, probability) => {
                let probability = *probability;
                let method = condition.quantile_method;
                let is_late = prepared.arrivals(&condition.metric).is_some();
                match (condition.window, prepared.ranks(column, drop_zero)) {
                    (Window::Last { n }, _) if n <= Ring::MAX_N && !is_late => {
                        let values = prepared.values(column);
                        let ring = || Ring::new(values, drop_zero, n, probability, method);
                        Self::Ring(Pair::new(view, condition, with_baseline, ring))
                    }
                    (_, Some(ranks)) => {
                        let order = || Order::new(ranks, probability, method);
                        Self::Order(Pair::new(view, condition, with_baseline, order))
                    }
                    (_, None) => Self::Unavailable("its values were not ranked".to_owned()),
                }
            }
            Metric::Score => Self::Unavailable("it has no judge".to_owned()),
        }
    }

    fn counter(view: View<'a>, condition: &Condition, with_baseline: bool) -> Self {
        let prepared = view.prepared;
        let gives = match &condition.metric {
            Metric::Rps | Metric::Count => CounterValue::Alone,
            Metric::ErrorCount | Metric::ErrorsPerSecond => CounterValue::Hits,
            Metric::Burn(slo) => CounterValue::Share(1.0 - slo),
            Metric::Quantile(_, q) => CounterValue::Quantile {
                q: *q,
                bounds: condition.buckets.clone(),
            },
            _ => CounterValue::Share(1.0),
        };
        let counted = match &condition.metric {
            Metric::Quantile(column, _)
                if condition.quantile_method == QuantileMethod::PromBuckets =>
            {
                Counted::Values(prepared.values(column), condition.drop_zero)
            }
            metric => Counted::Flags(prepared.flags(metric, condition.drop_zero)),
        };
        let scrape = |arm| {
            let span_us = (view.zero_us(), view.until_us);
            let (rows, window) = (view.rows(arm), condition.window);
            let late = prepared.arrivals(&condition.metric).map(|a| a.of_arm(rows));
            let (rows, times) = match &late {
                Some(late) => (late.rows(), late.times()),
                None => (rows, prepared.log.event_us.as_slice()),
            };
            ScrapedCounters::scrape(rows, times, counted, window, gives.clone(), span_us)
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

    /// What is seen over a block of evaluations, wherever it changes; the first entry of the first
    /// block is at 0.
    pub(super) fn observe(&mut self, block: &Block<'_>, seen: &mut Vec<Seen>) {
        seen.clear();
        match self {
            Self::Tally(pair) => pair.observe(block, seen),
            Self::Total(pair) => pair.observe(block, seen),
            Self::Order(pair) => pair.observe(block, seen),
            Self::Ring(pair) => pair.observe(block, seen),
            Self::Streak(pair) => pair.observe(block, seen),
            Self::Unavailable(_) => {}
            other => {
                for (at, point) in (0..).zip(block.iter()) {
                    if let Some(mut found) = other.look(point) {
                        found.at = at;
                        seen.push(found);
                    }
                }
            }
        }
    }

    /// Every tick after `point`, which was observed last, and before this instant sees the same.
    pub(super) fn quiet_until(&mut self, point: Point) -> i64 {
        match self {
            Self::Tally(pair) => pair.quiet_until(point),
            Self::Total(pair) => pair.quiet_until(point),
            Self::Order(pair) => pair.quiet_until(point),
            Self::Ring(pair) => pair.quiet_until(point),
            Self::Streak(pair) => pair.quiet_until(point),
            Self::Test(test) => test.quiet_until(point),
            Self::Counter(measured, baseline) => {
                let measured = measured.quiet_until(point.at_us);
                let baseline = baseline.as_mut();
                measured.min(baseline.map_or(i64::MAX, |arm| arm.quiet_until(point.at_us)))
            }
            // Every point that is complete is one more to judge.
            Self::Score(_) => point.at_us,
            Self::Unavailable(_) => i64::MAX,
        }
    }

    /// Whether it is seen anew at every evaluation, changed or not.
    pub(super) fn is_seen_anew(&self) -> bool {
        matches!(self, Self::Counter(..))
    }

    /// Walks through evaluations; `see` gets the position of each and what is seen there, `None` while
    /// nothing has changed.
    pub(super) fn walk(&mut self, block: &Block<'_>, mut see: impl FnMut(usize, Option<&Seen>)) {
        let mut seen = Vec::new();
        self.observe(block, &mut seen);
        let mut changes = seen.iter().peekable();
        for i in 0..block.len() {
            see(i, changes.next_if(|change| change.at as usize == i));
        }
    }

    /// Walks over what is seen at looks after requests, for windows that only requests move: at the
    /// point, and wherever it changes later; `rows` are those after which a look is, `None` for all of
    /// the windows' own. `see` gets the row and says whether to go on.
    pub(super) fn walk_requests(
        &mut self,
        from: Point,
        rows: Option<&[u32]>,
        see: &mut impl FnMut(u32, &Seen) -> bool,
    ) {
        match self {
            Self::Tally(pair) => pair.walk_requests(from, rows, see),
            Self::Total(pair) => pair.walk_requests(from, rows, see),
            Self::Order(pair) => pair.walk_requests(from, rows, see),
            Self::Ring(pair) => pair.walk_requests(from, rows, see),
            Self::Streak(pair) => pair.walk_requests(from, rows, see),
            Self::Counter(..) | Self::Test(_) | Self::Score(_) | Self::Unavailable(_) => {}
        }
    }

    /// What is seen at one evaluation, from fresh windows.
    pub(super) fn observe_at(&mut self, point: Point) -> Seen {
        let nothing = pair_of(Observed::NOTHING, Observed::NOTHING);
        match self {
            Self::Tally(pair) => pair.observe_at(point),
            Self::Total(pair) => pair.observe_at(point),
            Self::Order(pair) => pair.observe_at(point),
            Self::Ring(pair) => pair.observe_at(point),
            Self::Streak(pair) => pair.observe_at(point),
            other => other.look(point).unwrap_or(nothing),
        }
    }

    fn look(&mut self, point: Point) -> Option<Seen> {
        match self {
            Self::Counter(measured, baseline) => Some(pair_of(
                measured.observe(point),
                baseline
                    .as_mut()
                    .map_or(Observed::NOTHING, |baseline| baseline.observe(point)),
            )),
            Self::Test(test) => test.look(point),
            Self::Score(judge) => Some(pair_of(judge.observe(point), Observed::NOTHING)),
            _ => None,
        }
    }
}

fn pair_of(measured: Observed, baseline: Observed) -> Seen {
    Seen {
        at: 0,
        measured,
        baseline,
        statistic: f64::NAN,
    }
}

impl<'a, S: Statistic> Pair<'a, S> {
    pub(super) fn new(
        view: View<'a>,
        condition: &Condition,
        with_baseline: bool,
        statistic: impl Fn() -> S,
    ) -> Self {
        let sliding = |arm| {
            let frame = view.frame();
            let rows = view.rows(arm);
            let late = view.prepared.arrivals(&condition.metric);
            Sliding::new(rows, frame, condition.window, statistic())
                .with_arrivals(late.map(|arrivals| arrivals.of_arm(rows)))
        };
        Self {
            measured: sliding(condition.arm),
            baseline: with_baseline.then(|| sliding(ArmRole::Baseline)),
            is_fresh: true,
        }
    }

    fn observe(&mut self, block: &Block<'_>, seen: &mut Vec<Seen>) {
        if self.is_fresh && self.measured.is_moved_by_requests() {
            self.skip_what_changes_nothing();
        }
        match block.rows() {
            Some(rows) if self.measured.is_moved_by_requests() => {
                self.observe_requests((rows.start, rows.end), seen);
            }
            _ => {
                for (at, point) in (0..).zip(block.iter()) {
                    if self.advance(point) {
                        seen.push(self.seen(at));
                    }
                }
            }
        }
    }

    /// The rows from `first` to `end` with an evaluation after each: only the rows of the two arms
    /// are looked at.
    fn observe_requests(&mut self, (first, end): (u32, u32), seen: &mut Vec<Seen>) {
        let mut is_fresh = std::mem::take(&mut self.is_fresh);
        loop {
            let measured = self.measured.next_row();
            let baseline = self.baseline.as_ref().map_or(u32::MAX, Sliding::next_row);
            let row = measured.min(baseline);
            if is_fresh && row > first {
                seen.push(self.seen(0));
            }
            if row >= end {
                break;
            }
            let mut has_changed = std::mem::take(&mut is_fresh);
            if measured == row {
                has_changed |= self.measured.step();
            }
            if let Some(window) = &mut self.baseline
                && baseline == row
            {
                has_changed |= window.step();
            }
            if has_changed {
                seen.push(self.seen(row - first));
            }
        }
    }

    /// See [`Signal::walk_requests`].
    fn walk_requests(
        &mut self,
        from: Point,
        rows: Option<&[u32]>,
        see: &mut impl FnMut(u32, &Seen) -> bool,
    ) {
        self.skip_what_changes_nothing();
        self.advance(from);
        if !see(from.seen - 1, &self.seen(0)) {
            return;
        }
        if let Some(rows) = rows {
            let later = rows.partition_point(|row| *row < from.seen);
            for row in &rows[later..] {
                let point = Point {
                    at_us: from.at_us,
                    seen: row + 1,
                };
                if self.advance(point) && !see(*row, &self.seen(0)) {
                    return;
                }
            }
            return;
        }
        loop {
            let measured = self.measured.next_row();
            let baseline = self.baseline.as_ref().map_or(u32::MAX, Sliding::next_row);
            let row = measured.min(baseline);
            if row == u32::MAX {
                return;
            }
            let mut has_changed = false;
            if measured == row {
                has_changed |= self.measured.step();
            }
            if let Some(window) = &mut self.baseline
                && baseline == row
            {
                has_changed |= window.step();
            }
            if has_changed && !see(row, &self.seen(0)) {
                return;
            }
        }
    }

    #[expect(clippy::inline_always, reason = "the innermost loop of a replay")]
    #[inline(always)]
    pub(super) fn seen(&self, at: u32) -> Seen {
        Seen {
            at,
            measured: self.measured.observed(),
            baseline: self
                .baseline
                .as_ref()
                .map_or(Observed::NOTHING, Sliding::observed),
            statistic: f64::NAN,
        }
    }

    fn skip_what_changes_nothing(&mut self) {
        self.measured.skip_what_changes_nothing();
        if let Some(baseline) = &mut self.baseline {
            baseline.skip_what_changes_nothing();
        }
    }

    /// Moves both windows; whether what they show may have changed.
    pub(super) fn advance(&mut self, point: Point) -> bool {
        let mut has_changed = std::mem::take(&mut self.is_fresh);
        has_changed |= self.measured.advance(point);
        if let Some(baseline) = &mut self.baseline {
            has_changed |= baseline.advance(point);
        }
        has_changed
    }

    pub(super) fn quiet_until(&self, point: Point) -> i64 {
        let measured = self.measured.quiet_until(point);
        let baseline = self.baseline.as_ref();
        measured.min(baseline.map_or(i64::MAX, |window| window.quiet_until(point)))
    }

    fn observe_at(&mut self, point: Point) -> Seen {
        self.measured.seek(point);
        if let Some(baseline) = &mut self.baseline {
            baseline.seek(point);
        }
        self.advance(point);
        self.seen(0)
    }
}
