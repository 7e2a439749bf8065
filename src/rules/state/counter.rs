//! [`ScrapedCounters`]: what Prometheus would have made of the log.

use super::counts::{Counted, Counts};
use super::rate::{Range, histogram_quantile, rate};
use super::{Observed, Point};
use crate::rules::{CounterFunc, FirstSeen, RateEngine, TimeSpan, Window};

/// The counters of one arm, as scrapes saw them.
#[derive(Debug, Clone)]
pub(in crate::rules) struct ScrapedCounters {
    range: TimeSpan,
    engine: RateEngine,
    func: CounterFunc,
    gives: CounterValue,
    /// Whether the expression takes a counter that does not exist for 0.
    absent_as_zero: bool,
    first_us: i64,
    step_us: i64,
    /// The scrapes that saw something new, ascending: logs may be quiet for years.
    changes: Vec<i64>,
    /// All requests, or all values.
    total: Series,
    /// What `gives` needs besides: hits, or values up to each bound.
    parts: Vec<Series>,
    /// How many changes the first and the last scrape of the range had seen at the last look.
    seen: (usize, usize),
}

/// What is computed from the counters.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) enum CounterValue {
    /// `rate(hits) / rate(total)`, over this.
    Share(f64),
    /// `rate(total)` or another function of it.
    Alone,
    /// `rate(hits)` or another function of them.
    Hits,
    /// `histogram_quantile(q, rate(buckets))`.
    Quantile {
        /// The probability.
        q: f64,
        /// Upper bounds of the buckets, ascending, without the infinite one.
        bounds: Vec<f64>,
    },
}

/// A counter.
#[derive(Debug, Clone)]
struct Series {
    /// Its value after so many of the changes, from none on.
    values: Vec<f64>,
    /// After how many of them it exists, and the first scrape that sees it; `None`: never.
    exists_from: Option<(usize, i64)>,
}

/// The scrapes inside a range.
#[derive(Debug, Clone, Copy)]
struct Samples {
    /// The first, and one after the last.
    scrapes: (i64, i64),
    /// How many changes the first and the last have seen.
    seen: (usize, usize),
}

impl ScrapedCounters {
    /// Scrapes the counters of the requests at `rows` from time zero to `last_us`, or says why not.
    pub(in crate::rules) fn scrape(
        rows: &[u32],
        event_us: &[i64],
        counted: Counted<'_>,
        window: Window,
        gives: CounterValue,
        (zero_us, last_us): (i64, i64),
    ) -> Result<Self, String> {
        let Window::Counter {
            span,
            scrape,
            phase,
            engine,
            first_seen,
            func,
        } = window
        else {
            return Err("its window has no counters".to_owned());
        };
        let first_us = zero_us + phase.us;
        let n_parts = match &gives {
            CounterValue::Share(_) | CounterValue::Hits => 1,
            CounterValue::Alone => 0,
            CounterValue::Quantile { bounds, .. } => bounds.len(),
        };
        let mut counts = Counts::new(counted, &gives, n_parts);
        let mut changes = Vec::new();
        let mut total = vec![0.0];
        let mut parts = vec![vec![0.0]; n_parts];
        let mut rows = rows.iter().map(|row| *row as usize).peekable();
        while let Some(next) = rows.peek() {
            // The first scrape at or after the request.
            let waited = (event_us[*next] - first_us).max(0) + scrape.us - 1;
            let at_us = first_us + waited / scrape.us * scrape.us;
            if at_us > last_us {
                break;
            }
            while let Some(row) = rows.next_if(|row| event_us[*row] <= at_us) {
                counts.take(row);
            }
            changes.push((at_us - first_us) / scrape.us);
            total.push(f64::from(counts.total));
            for (values, count) in parts.iter_mut().zip(&counts.parts) {
                values.push(f64::from(*count));
            }
        }
        let total = Series::new(total, &changes, first_seen);
        let parts = parts.into_iter().map(|values| match &gives {
            // All buckets of a histogram appear with its first value.
            CounterValue::Quantile { .. } => Series {
                values,
                exists_from: total.exists_from,
            },
            _ => Series::new(values, &changes, first_seen),
        });
        Ok(Self {
            range: span,
            engine,
            func,
            absent_as_zero: first_seen == FirstSeen::OrZero,
            first_us,
            step_us: scrape.us,
            parts: parts.collect(),
            total,
            changes,
            gives,
            seen: (0, 0),
        })
    }

    /// What the expression gives at an instant.
    pub(in crate::rules) fn observe(&mut self, point: Point) -> Observed {
        let (samples, at_us) = (self.samples(point.at_us), point.at_us);
        // `or vector(0)` stands behind the counter itself, or behind the dividend of a share.
        let total = match (self.value(&self.total, samples, at_us), &self.gives) {
            (Some(total), _) => total,
            (None, CounterValue::Alone | CounterValue::Hits) if self.absent_as_zero => 0.0,
            (None, _) => return Observed::NOTHING,
        };
        let hits = || {
            let found = self.value(&self.parts[0], samples, at_us);
            found.or(self.absent_as_zero.then_some(0.0))
        };
        let (value, is_quotient) = match &self.gives {
            CounterValue::Alone => (total, false),
            CounterValue::Hits => (hits().unwrap_or(f64::NAN), false),
            // Division of vectors: without a match on both sides there is no result.
            CounterValue::Share(allowed) => match hits() {
                Some(hits) => (hits / total / allowed, true),
                None => (f64::NAN, false),
            },
            CounterValue::Quantile { q, bounds } => {
                let rates = self
                    .parts
                    .iter()
                    .map(|part| self.value(part, samples, at_us).unwrap_or(0.0));
                (
                    histogram_quantile(*q, bounds, &rates.collect::<Vec<f64>>(), total),
                    true,
                )
            }
        };
        let n = match self.total.samples(samples) {
            Some(seen) => seen.last - seen.first,
            None => 0.0,
        };
        Observed {
            value,
            n: n as u32,
            is_quotient: is_quotient && value.is_nan(),
        }
    }

    /// Every look after the last one, at `at_us`, and before this instant sees the same.
    pub(in crate::rules) fn quiet_until(&mut self, at_us: i64) -> i64 {
        let Samples { scrapes, seen } = self.samples(at_us);
        let next = self.changes.get(seen.1);
        let next_us = next.map_or(i64::MAX, |scrape| self.first_us + scrape * self.step_us);
        let exists = |series: &Series| series.exists_from.is_some_and(|(after, _)| after <= seen.1);
        let is_absent = !exists(&self.total) && !self.parts.iter().any(exists);
        // Without an increase rates are 0 wherever the samples stand, as long as they are two.
        let is_flat =
            seen.0 == seen.1 && scrapes.1 - scrapes.0 >= 2 && self.range.us >= 2 * self.step_us;
        if is_absent || is_flat { next_us } else { at_us }
    }

    fn value(&self, series: &Series, samples: Samples, at_us: i64) -> Option<f64> {
        let seen = series.samples(samples)?;
        let (increase, per_second) = match self.func {
            CounterFunc::Rate | CounterFunc::Increase => {
                let range = Range {
                    start_us: at_us - self.range.us,
                    end_us: at_us,
                };
                let time = |scrape: i64| self.first_us + scrape * self.step_us;
                let times = (time(seen.scrapes.0), time(seen.scrapes.1 - 1));
                rate((seen.first, seen.last), seen.n(), times, range, self.engine)
            }
            CounterFunc::Irate => {
                let before = seen.scrapes.1 - 2;
                let n_seen = samples.seen.1;
                let is_new = n_seen > 0 && self.changes[n_seen - 1] > before;
                let increase = seen.last - series.values[n_seen - usize::from(is_new)];
                (increase, increase / (self.step_us as f64 / 1e6))
            }
        };
        Some(match self.func {
            CounterFunc::Increase => increase,
            CounterFunc::Rate | CounterFunc::Irate => per_second,
        })
    }

    /// The scrapes inside the range that ends at `at_us`.
    fn samples(&mut self, at_us: i64) -> Samples {
        let after_start = at_us - self.range.us - self.first_us;
        let first = match self.engine {
            RateEngine::Prom2 => (after_start + self.step_us - 1).div_euclid(self.step_us),
            RateEngine::Prom3 => after_start.div_euclid(self.step_us) + 1,
        };
        let end = ((at_us - self.first_us).div_euclid(self.step_us) + 1).max(0);
        let first = first.max(0).min(end);
        self.seen = (
            n_until(&self.changes, self.seen.0, first),
            n_until(&self.changes, self.seen.1, end - 1),
        );
        Samples {
            scrapes: (first, end),
            seen: self.seen,
        }
    }
}

/// How many of the changes are at most `scrape`; near `from` where looks go forward.
fn n_until(changes: &[i64], from: usize, scrape: i64) -> usize {
    let mut n = from;
    if n > 0 && changes[n - 1] > scrape {
        n = 0;
    }
    while changes.get(n).is_some_and(|change| *change <= scrape) {
        n += 1;
    }
    n
}

/// The samples of one counter inside a range, at least two.
struct Seen {
    scrapes: (i64, i64),
    first: f64,
    last: f64,
}

impl Seen {
    fn n(&self) -> i64 {
        self.scrapes.1 - self.scrapes.0
    }
}

impl Series {
    fn new(values: Vec<f64>, changes: &[i64], first_seen: FirstSeen) -> Self {
        let exists_from = match first_seen {
            FirstSeen::Zero => Some((0, 0)),
            FirstSeen::Absent | FirstSeen::OrZero => {
                let first = values.partition_point(|value| *value == 0.0);
                let scrape = first.checked_sub(1).and_then(|i| changes.get(i));
                scrape.map(|scrape| (first, *scrape))
            }
        };
        Self {
            values,
            exists_from,
        }
    }

    /// Its samples inside a range; `None` with fewer than two.
    fn samples(&self, samples: Samples) -> Option<Seen> {
        let (exists_after, exists_from) = self.exists_from?;
        let (first, end) = samples.scrapes;
        let (first, seen) = if exists_from > first {
            (exists_from, exists_after)
        } else {
            (first, samples.seen.0)
        };
        (end - first >= 2).then(|| Seen {
            scrapes: (first, end),
            first: self.values[seen],
            last: self.values[samples.seen.1],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Flag;
    use super::*;

    /// The published algorithm on a list of (milliseconds, value), as plainly as possible.
    fn direct(samples: &[(i64, f64)], range: (i64, i64), engine: RateEngine) -> Option<f64> {
        let inside: Vec<(i64, f64)> = samples
            .iter()
            .copied()
            .filter(|(t, _)| match engine {
                RateEngine::Prom2 => *t >= range.0 && *t <= range.1,
                RateEngine::Prom3 => *t > range.0 && *t <= range.1,
            })
            .collect();
        if inside.len() < 2 {
            return None;
        }
        let (first, last) = (inside[0], inside[inside.len() - 1]);
        let mut result = last.1 - first.1;
        let mut previous = 0.0;
        for (_, value) in &inside {
            if *value < previous {
                result += previous;
            }
            previous = *value;
        }
        let mut start = (first.0 - range.0) as f64 / 1000.0;
        let mut end = (range.1 - last.0) as f64 / 1000.0;
        let interval = (last.0 - first.0) as f64 / 1000.0;
        let average = interval / (inside.len() - 1) as f64;
        let zero = (result > 0.0 && first.1 >= 0.0).then(|| interval * (first.1 / result));
        let limit = average * 1.1;
        let extrapolated = match engine {
            RateEngine::Prom2 => {
                if let Some(zero) = zero
                    && zero < start
                {
                    start = zero;
                }
                let mut sum = interval;
                sum += if start < limit { start } else { average / 2.0 };
                sum += if end < limit { end } else { average / 2.0 };
                sum
            }
            RateEngine::Prom3 => {
                if start >= limit {
                    start = average / 2.0;
                }
                if let Some(zero) = zero
                    && zero < start
                {
                    start = zero;
                }
                if end >= limit {
                    end = average / 2.0;
                }
                interval + start + end
            }
        };
        let mut factor = extrapolated / interval;
        factor /= (range.1 - range.0) as f64 / 1000.0;
        Some(result * factor)
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(2),
            failure_persistence: None,
            ..ProptestConfig::with_cases(2000)
        })]

        #[test]
        fn rate_is_the_published_algorithm(
            steps in proptest::collection::vec(0..6_u32, 1..60),
            step in 1..20_i64, range in 1..400_i64, at in 0..1500_i64, phase in 0..20_i64,
            is_prom_3: bool, is_absent: bool,
        ) {
            let engine = if is_prom_3 { RateEngine::Prom3 } else { RateEngine::Prom2 };
            let first_seen = if is_absent { FirstSeen::Absent } else { FirstSeen::Zero };
            // A request a moment after the scrape before: as many as the counter rises by.
            let times: Vec<i64> = (0..).zip(&steps)
                .flat_map(|(k, n)| vec![(phase + k * step) * 1_000_000 - 1; *n as usize])
                .collect();
            let rows: Vec<u32> = (0..times.len() as u32).collect();
            let flags = vec![Flag::Miss; rows.len()];
            let n_scrapes = ((at - phase).div_euclid(step) + 1).max(0) as usize;
            let values = (0..n_scrapes).scan(0_u32, |sum, k| {
                *sum += steps.get(k).copied().unwrap_or(0);
                Some(f64::from(*sum))
            });
            let samples: Vec<(i64, f64)> = (0..).zip(values)
                .map(|(k, value)| ((phase + k * step) * 1000, value))
                .skip_while(|(_, value)| is_absent && *value == 0.0)
                .collect();
            let window = Window::Counter {
                span: TimeSpan::seconds(range),
                scrape: TimeSpan::seconds(step),
                phase: TimeSpan::seconds(phase),
                engine,
                first_seen,
                func: CounterFunc::Rate,
            };
            let (counted, gives) = (Counted::Flags(&flags), CounterValue::Alone);
            let span_us = (0, at * 1_000_000);
            let mut counters = ScrapedCounters::scrape(&rows, &times, counted, window, gives, span_us).unwrap();
            let point = Point { at_us: at * 1_000_000, seen: 0 };
            let got = Some(counters.observe(point).value).filter(|value| !value.is_nan());
            let expected = direct(&samples, ((at - range) * 1000, at * 1000), engine);
            prop_assert_eq!(got.map(f64::to_bits), expected.map(f64::to_bits), "{:?} {:?}", got, expected);
        }
    }

    #[test]
    fn a_success_that_never_came_has_no_rate() {
        let (rows, event_us) = ([0, 1, 2], [0, 10_000_000, 20_000_000]);
        let counters = |first_seen| {
            let window = Window::Counter {
                span: TimeSpan::seconds(60),
                scrape: TimeSpan::seconds(15),
                phase: TimeSpan::default(),
                engine: RateEngine::Prom2,
                first_seen,
                func: CounterFunc::Rate,
            };
            let counted = Counted::Flags(&[Flag::Miss; 3]);
            let gives = CounterValue::Share(1.0);
            ScrapedCounters::scrape(&rows, &event_us, counted, window, gives, (0, 60_000_000))
                .unwrap()
        };
        let point = Point {
            at_us: 60_000_000,
            seen: 3,
        };
        assert!(counters(FirstSeen::Absent).observe(point).value.is_nan());
        assert_eq!(counters(FirstSeen::Zero).observe(point).value, 0.0);
    }

    /// `increase` of the Prometheus test suite: 100 a minute seen every five minutes; and `irate`.
    #[test]
    fn functions_differ_by_the_length_they_divide_by() {
        // Ten requests between any two scrapes.
        let times: Vec<i64> = (0..100).map(|i| (i / 10 + 1) * 300_000_000 - 1).collect();
        let rows: Vec<u32> = (0..100).collect();
        let counters = |func| {
            let window = Window::Counter {
                span: TimeSpan::seconds(3000),
                scrape: TimeSpan::seconds(300),
                phase: TimeSpan::default(),
                engine: RateEngine::Prom3,
                first_seen: FirstSeen::Zero,
                func,
            };
            let counted = Counted::Flags(&[Flag::Miss; 100]);
            let span_us = (0, 3_000_000_000);
            ScrapedCounters::scrape(&rows, &times, counted, window, CounterValue::Alone, span_us)
                .unwrap()
        };
        let point = Point {
            at_us: 3_000_000_000,
            seen: 0,
        };
        let value = |func| counters(func).observe(point).value;
        assert_eq!(value(CounterFunc::Increase), 100.0);
        assert!((value(CounterFunc::Rate) * 3000.0 - 100.0).abs() < 1e-12);
        assert!((value(CounterFunc::Irate) * 300.0 - 10.0).abs() < 1e-12);
    }
}
