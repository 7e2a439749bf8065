//! [`ScrapedCounters`]: what Prometheus would have made of the log.

use super::rate::{Range, histogram_quantile, rate};
use super::{Flag, Observed, Point, is_value};
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
    /// All requests, or all values.
    total: Series,
    /// What `gives` needs besides: hits, or values up to each bound.
    parts: Vec<Series>,
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

/// What increments the counters.
#[derive(Debug, Clone, Copy)]
pub(in crate::rules) enum Counted<'a> {
    /// Requests, by what each is to a share.
    Flags(&'a [Flag]),
    /// Values; NaN, and 0 on request, are none.
    Values(&'a [f64], bool),
}

/// A counter at every scrape.
#[derive(Debug, Clone)]
struct Series {
    values: Vec<f64>,
    /// The first scrape at which the series exists.
    exists_from: usize,
}

/// More scrapes than this are refused: a day of milliseconds, or three years of seconds.
const MAX_SCRAPES: i64 = 100_000_000;

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
        let n = ((last_us - first_us).div_euclid(scrape.us) + 1).max(0);
        if n > MAX_SCRAPES {
            return Err(format!("the log is too long for a scrape every {scrape}"));
        }
        let n_parts = match &gives {
            CounterValue::Share(_) | CounterValue::Hits => 1,
            CounterValue::Alone => 0,
            CounterValue::Quantile { bounds, .. } => bounds.len(),
        };
        let mut counts = Counts::new(counted, &gives, n_parts);
        let mut next = 0;
        let mut total = Vec::with_capacity(n as usize);
        let mut parts = vec![Vec::with_capacity(n as usize); n_parts];
        for at_us in (0..n).map(|k| first_us + k * scrape.us) {
            while let Some(row) = rows.get(next).map(|row| *row as usize)
                && event_us[row] <= at_us
            {
                counts.take(row);
                next += 1;
            }
            total.push(f64::from(counts.total));
            for (values, count) in parts.iter_mut().zip(&counts.parts) {
                values.push(f64::from(*count));
            }
        }
        let total = Series::new(total, first_seen);
        let parts = parts.into_iter().map(|values| match &gives {
            // All buckets of a histogram appear with its first value.
            CounterValue::Quantile { .. } => Series {
                values,
                exists_from: total.exists_from,
            },
            _ => Series::new(values, first_seen),
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
            gives,
        })
    }

    /// What the expression gives at an instant.
    pub(in crate::rules) fn observe(&self, point: Point) -> Observed {
        // `or vector(0)` stands behind the counter itself, or behind the dividend of a share.
        let total = match (self.value(&self.total, point.at_us), &self.gives) {
            (Some(total), _) => total,
            (None, CounterValue::Alone | CounterValue::Hits) if self.absent_as_zero => 0.0,
            (None, _) => return Observed::NOTHING,
        };
        let (value, is_quotient) = match &self.gives {
            CounterValue::Alone => (total, false),
            CounterValue::Hits => (self.hits(point).unwrap_or(f64::NAN), false),
            // Division of vectors: without a match on both sides there is no result.
            CounterValue::Share(allowed) => match self.hits(point) {
                Some(hits) => (hits / total / allowed, true),
                None => (f64::NAN, false),
            },
            CounterValue::Quantile { q, bounds } => {
                let rates = self
                    .parts
                    .iter()
                    .map(|part| self.value(part, point.at_us).unwrap_or(0.0));
                (
                    histogram_quantile(*q, bounds, &rates.collect::<Vec<f64>>(), total),
                    true,
                )
            }
        };
        let (first, end) = self.samples(&self.total, point.at_us);
        let n = match self.total.values[first..end] {
            [first, .., last] => last - first,
            _ => 0.0,
        };
        Observed {
            value,
            n: n as u32,
            is_quotient: is_quotient && value.is_nan(),
        }
    }

    /// The counter of some of the requests.
    fn hits(&self, point: Point) -> Option<f64> {
        let found = self.value(&self.parts[0], point.at_us);
        found.or(self.absent_as_zero.then_some(0.0))
    }

    fn value(&self, series: &Series, at_us: i64) -> Option<f64> {
        let (first, end) = self.samples(series, at_us);
        match self.func {
            CounterFunc::Rate => self.rate(series, at_us),
            CounterFunc::Increase => Some(
                self.extrapolated(&series.values[first..end], first, at_us)?
                    .0,
            ),
            CounterFunc::Irate => {
                let [.., before, last] = series.values[first..end] else {
                    return None;
                };
                let increase = if last < before { last } else { last - before };
                Some(increase / (self.step_us as f64 / 1e6))
            }
        }
    }

    fn rate(&self, series: &Series, at_us: i64) -> Option<f64> {
        let (first, end) = self.samples(series, at_us);
        Some(
            self.extrapolated(&series.values[first..end], first, at_us)?
                .1,
        )
    }

    /// The increase and the rate over the range that ends at `at_us`.
    fn extrapolated(&self, values: &[f64], first: usize, at_us: i64) -> Option<(f64, f64)> {
        let range = Range {
            start_us: at_us - self.range.us,
            end_us: at_us,
        };
        let first_us = self.first_us + first as i64 * self.step_us;
        let last_us = first_us + values.len() as i64 * self.step_us - self.step_us;
        rate(values, (first_us, last_us), range, self.engine)
    }

    /// The scrapes inside the range that ends at `at_us`, as positions `first..end`.
    fn samples(&self, series: &Series, at_us: i64) -> (usize, usize) {
        let after_start = at_us - self.range.us - self.first_us;
        let first = match self.engine {
            RateEngine::Prom2 => (after_start + self.step_us - 1).div_euclid(self.step_us),
            RateEngine::Prom3 => after_start.div_euclid(self.step_us) + 1,
        };
        let end = (at_us - self.first_us).div_euclid(self.step_us) + 1;
        let end = (end.max(0) as usize).min(series.values.len());
        let first = (first.max(0) as usize).max(series.exists_from);
        (first.min(end), end)
    }
}

/// Counters while the requests are counted.
struct Counts<'a> {
    counted: Counted<'a>,
    bounds: &'a [f64],
    total: u32,
    parts: Vec<u32>,
}

impl<'a> Counts<'a> {
    fn new(counted: Counted<'a>, gives: &'a CounterValue, n_parts: usize) -> Self {
        Self {
            counted,
            bounds: match gives {
                CounterValue::Quantile { bounds, .. } => bounds,
                _ => &[],
            },
            total: 0,
            parts: vec![0; n_parts],
        }
    }

    #[inline]
    fn take(&mut self, row: usize) {
        match self.counted {
            Counted::Flags(flags) => {
                self.total += u32::from(flags[row] != Flag::Out);
                if let Some(hits) = self.parts.first_mut() {
                    *hits += u32::from(flags[row] == Flag::Hit);
                }
            }
            Counted::Values(values, drop_zero) if is_value(values[row], drop_zero) => {
                self.total += 1;
                let from = self.bounds.partition_point(|bound| *bound < values[row]);
                self.parts[from..].iter_mut().for_each(|count| *count += 1);
            }
            Counted::Values(..) => {}
        }
    }
}

impl Series {
    fn new(values: Vec<f64>, first_seen: FirstSeen) -> Self {
        let exists_from = match first_seen {
            FirstSeen::Zero => 0,
            FirstSeen::Absent | FirstSeen::OrZero => values.partition_point(|value| *value == 0.0),
        };
        Self {
            values,
            exists_from,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            resets in proptest::collection::vec(0..12_u32, 60),
            step in 1..20_i64, range in 1..400_i64, at in 0..1500_i64, phase in 0..20_i64,
            is_prom_3: bool, is_absent: bool,
        ) {
            let engine = if is_prom_3 { RateEngine::Prom3 } else { RateEngine::Prom2 };
            let first_seen = if is_absent { FirstSeen::Absent } else { FirstSeen::Zero };
            let values: Vec<f64> = steps.iter().zip(&resets).scan(0.0, |value, (step, reset)| {
                *value = if *reset == 0 { 0.0 } else { *value + f64::from(*step) };
                Some(*value)
            }).collect();
            let series = Series::new(values.clone(), first_seen);
            let samples: Vec<(i64, f64)> = (0..).zip(&values)
                .map(|(k, value)| ((phase + k * step) * 1000, *value))
                .skip(series.exists_from).collect();
            let counters = ScrapedCounters {
                range: TimeSpan::seconds(range),
                engine,
                func: CounterFunc::Rate,
                gives: CounterValue::Alone,
                absent_as_zero: false,
                first_us: phase * 1_000_000,
                step_us: step * 1_000_000,
                total: series.clone(),
                parts: Vec::new(),
            };
            let got = counters.rate(&series, at * 1_000_000);
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
        let counters = |func| ScrapedCounters {
            range: TimeSpan::seconds(3000),
            engine: RateEngine::Prom3,
            func,
            gives: CounterValue::Alone,
            absent_as_zero: false,
            first_us: 0,
            step_us: 300_000_000,
            total: Series::new(
                (0..11).map(|k| f64::from(k * 10)).collect(),
                FirstSeen::Zero,
            ),
            parts: Vec::new(),
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
