//! [`ScrapedCounters`]: what Prometheus would have made of the log.

use super::{Flag, Observed, Point};
use crate::rules::{FirstSeen, RateEngine, TimeSpan, Window};

/// Two counters of one arm, all requests and the hits among them, as scrapes saw them.
#[derive(Debug, Clone)]
pub(in crate::rules) struct ScrapedCounters {
    range: TimeSpan,
    engine: RateEngine,
    gives: CounterValue,
    first_us: i64,
    step_us: i64,
    total: Series,
    hits: Series,
}

/// What is computed from the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) enum CounterValue {
    /// `rate(hits) / rate(total)`.
    Share,
    /// `rate(total)`.
    PerSecond,
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
    /// Scrapes the counters of the requests at `rows` from `zero_us` to `last_us`, or says why
    /// not.
    pub(in crate::rules) fn scrape(
        rows: &[u32],
        event_us: &[i64],
        flags: &[Flag],
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
        } = window
        else {
            return Err("its window has no counters".to_owned());
        };
        let first_us = zero_us + phase.us;
        let n = ((last_us - first_us).div_euclid(scrape.us) + 1).max(0);
        if n > MAX_SCRAPES {
            return Err(format!("the log is too long for a scrape every {scrape}"));
        }
        let mut counts = (0_u32, 0_u32);
        let mut next = 0;
        let (mut total, mut hits) = (Vec::new(), Vec::new());
        for at_us in (0..n).map(|k| first_us + k * scrape.us) {
            while let Some(row) = rows.get(next).map(|row| *row as usize)
                && event_us[row] <= at_us
            {
                counts.0 += u32::from(flags[row] != Flag::Out);
                counts.1 += u32::from(flags[row] == Flag::Hit);
                next += 1;
            }
            total.push(f64::from(counts.0));
            hits.push(f64::from(counts.1));
        }
        Ok(Self {
            range: span,
            engine,
            gives,
            first_us,
            step_us: scrape.us,
            total: Series::new(total, first_seen),
            hits: Series::new(hits, first_seen),
        })
    }

    /// What the expression gives at an instant.
    pub(in crate::rules) fn observe(&self, point: Point) -> Observed {
        let Some(total) = self.rate(&self.total, point.at_us) else {
            return Observed::NOTHING;
        };
        let value = match self.gives {
            CounterValue::PerSecond => total,
            // Division of vectors: without a match on both sides there is no result.
            CounterValue::Share => match self.rate(&self.hits, point.at_us) {
                Some(hits) => hits / total,
                None => f64::NAN,
            },
        };
        let (first, end) = self.samples(&self.total, point.at_us);
        let n = self.total.values[end - 1] - self.total.values[first];
        Observed { value, n: n as u32 }
    }

    fn rate(&self, series: &Series, at_us: i64) -> Option<f64> {
        let (first, end) = self.samples(series, at_us);
        let range = Range {
            start_us: at_us - self.range.us,
            end_us: at_us,
        };
        let first_us = self.first_us + first as i64 * self.step_us;
        let last_us = first_us + (end - first) as i64 * self.step_us - self.step_us;
        rate(
            &series.values[first..end],
            (first_us, last_us),
            range,
            self.engine,
        )
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

impl Series {
    fn new(values: Vec<f64>, first_seen: FirstSeen) -> Self {
        let exists_from = match first_seen {
            FirstSeen::Zero => 0,
            FirstSeen::Absent => values.partition_point(|value| *value == 0.0),
        };
        Self {
            values,
            exists_from,
        }
    }
}

/// The range of a range selector.
#[derive(Debug, Clone, Copy)]
struct Range {
    start_us: i64,
    end_us: i64,
}

/// Prometheus' `rate()`: the increase over the samples, extrapolated to the edges of the range as
/// far as the sampling interval and a counter's zero point let it, over the length of the range.
/// `times` are those of the first and the last sample. `None` with fewer than two samples.
///
/// The order of the operations is that of `extrapolatedRate` (prometheus v2.42 and v3
/// `promql/functions.go`), so that results agree to the last bit.
fn rate(values: &[f64], times: (i64, i64), range: Range, engine: RateEngine) -> Option<f64> {
    let [first, .., last] = *values else {
        return None;
    };
    let mut increase = last - first;
    for pair in values.windows(2) {
        if pair[1] < pair[0] {
            increase += pair[0];
        }
    }
    let sampled = seconds(times.1 - times.0);
    let average = sampled / (values.len() - 1) as f64;
    let threshold = average * 1.1;
    let mut to_start = seconds(times.0 - range.start_us);
    let to_end = seconds(range.end_us - times.1);
    let to_zero = if increase > 0.0 && first >= 0.0 {
        sampled * (first / increase)
    } else {
        f64::INFINITY
    };
    let nearest = |distance: f64| {
        if distance < threshold {
            distance
        } else {
            average / 2.0
        }
    };
    let covered = match engine {
        RateEngine::Prom2 => {
            if to_zero < to_start {
                to_start = to_zero;
            }
            sampled + nearest(to_start) + nearest(to_end)
        }
        RateEngine::Prom3 => {
            to_start = nearest(to_start);
            if to_zero < to_start {
                to_start = to_zero;
            }
            sampled + to_start + nearest(to_end)
        }
    };
    let factor = covered / sampled / seconds(range.end_us - range.start_us);
    Some(increase * factor)
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
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
                gives: CounterValue::PerSecond,
                first_us: phase * 1_000_000,
                step_us: step * 1_000_000,
                total: series.clone(),
                hits: series.clone(),
            };
            let got = counters.rate(&series, at * 1_000_000);
            let expected = direct(&samples, ((at - range) * 1000, at * 1000), engine);
            prop_assert_eq!(got.map(f64::to_bits), expected.map(f64::to_bits), "{:?} {:?}", got, expected);
        }
    }

    /// One increment a minute, seen from its first on, in a range that begins long before: the
    /// older release extrapolates back to the zero point, the newer by half an interval.
    #[test]
    fn the_generations_differ_before_the_first_sample() {
        let range = Range {
            start_us: -200_000_000,
            end_us: 60_000_000,
        };
        for (engine, covered) in [(RateEngine::Prom2, 120.0), (RateEngine::Prom3, 90.0)] {
            let got = rate(&[1.0, 2.0], (0, 60_000_000), range, engine);
            assert_eq!(got, Some(covered / 60.0 / 260.0), "{engine:?}");
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
            };
            let flags = [Flag::Miss; 3];
            let gives = CounterValue::Share;
            ScrapedCounters::scrape(&rows, &event_us, &flags, window, gives, (0, 60_000_000))
                .unwrap()
        };
        let point = Point {
            at_us: 60_000_000,
            seen: 3,
        };
        assert!(counters(FirstSeen::Absent).observe(point).value.is_nan());
        assert_eq!(counters(FirstSeen::Zero).observe(point).value, 0.0);
    }
}
