//! The arithmetic of Prometheus on samples of counters.

use crate::rules::RateEngine;

/// The range of a range selector.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) start_us: i64,
    pub(super) end_us: i64,
}

/// Prometheus' `increase()` and `rate()`: the increase over the samples, extrapolated to the edges of the range as
/// far as the sampling interval and a counter's zero point let it, over the length of the range.
/// `ends` are the values of the first and the last of `n` samples, at least two, and `times` their times; counters
/// of a log never fall.
///
/// The order of the operations is that of `extrapolatedRate` (prometheus v2.42 and v3
/// `promql/functions.go`), so that results agree to the last bit.
pub(super) fn rate(
    (first, last): (f64, f64),
    n: i64,
    times: (i64, i64),
    range: Range,
    engine: RateEngine,
) -> (f64, f64) {
    let increase = last - first;
    let sampled = seconds(times.1 - times.0);
    let average = sampled / (n - 1) as f64;
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
    let factor = covered / sampled;
    let per_second = factor / seconds(range.end_us - range.start_us);
    (increase * factor, increase * per_second)
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

/// Prometheus' `histogram_quantile` over cumulative rates of buckets and the rate of all: linear
/// inside a bucket, the greatest finite bound above it. NaN without observations.
pub(super) fn histogram_quantile(q: f64, bounds: &[f64], rates: &[f64], all: f64) -> f64 {
    let Some(greatest) = bounds.last() else {
        return f64::NAN;
    };
    if all.is_nan() || all == 0.0 {
        return f64::NAN;
    }
    let mut rank = q * all;
    let bucket = rates.partition_point(|rate| *rate < rank);
    if bucket == bounds.len() {
        return *greatest;
    }
    if bucket == 0 && bounds[0] <= 0.0 {
        return bounds[0];
    }
    let (mut start, mut count) = (0.0, rates[bucket]);
    if bucket > 0 {
        start = bounds[bucket - 1];
        count -= rates[bucket - 1];
        rank -= rates[bucket - 1];
    }
    start + (bounds[bucket] - start) * (rank / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One increment a minute, seen from its first on, in a range that begins long before: the
    /// older release extrapolates back to the zero point, the newer by half an interval.
    #[test]
    fn the_generations_differ_before_the_first_sample() {
        let range = Range {
            start_us: -200_000_000,
            end_us: 60_000_000,
        };
        for (engine, covered) in [(RateEngine::Prom2, 120.0), (RateEngine::Prom3, 90.0)] {
            let (_, got) = rate((1.0, 2.0), 2, (0, 60_000_000), range, engine);
            assert_eq!(got, covered / 60.0 / 260.0, "{engine:?}");
        }
    }

    /// Half of the values below 100, the rest up to 200; the third bucket is the infinite one.
    #[test]
    fn quantiles_are_linear_inside_a_bucket() {
        let bounds = [100.0, 200.0];
        let quantile = |q| histogram_quantile(q, &bounds, &[5.0, 10.0], 10.0);
        assert_eq!(quantile(0.25), 50.0);
        assert_eq!(quantile(0.75), 150.0);
        assert_eq!(histogram_quantile(0.99, &bounds, &[5.0, 9.0], 10.0), 200.0);
        assert!(histogram_quantile(0.5, &bounds, &[0.0, 0.0], 0.0).is_nan());
    }
}
