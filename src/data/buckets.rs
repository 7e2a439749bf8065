//! Time buckets for trends: equal widths that people read easily, aligned to the clock.

use std::ops::Range;

use super::RequestLog;

/// The widths that a trend may use, in microseconds: from a second to a week.
const WIDTHS_US: [i64; 17] = {
    const S: i64 = 1_000_000;
    const M: i64 = 60 * S;
    const H: i64 = 60 * M;
    [
        S,
        5 * S,
        15 * S,
        30 * S,
        M,
        2 * M,
        5 * M,
        10 * M,
        15 * M,
        30 * M,
        H,
        2 * H,
        3 * H,
        6 * H,
        12 * H,
        24 * H,
        168 * H,
    ]
};

/// The smallest round width that cuts `span_us` into at most `max_buckets`.
pub fn bucket_width_us(span_us: i64, max_buckets: usize) -> i64 {
    let fits = |width: &&i64| span_us / **width < max_buckets as i64;
    WIDTHS_US.iter().find(fits).copied().unwrap_or_else(|| {
        let week = WIDTHS_US[WIDTHS_US.len() - 1];
        week * (span_us / week / max_buckets as i64 + 1)
    })
}

/// Consecutive buckets over the event times of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeBuckets {
    /// Start of the first bucket, a multiple of the width.
    pub first_us: i64,
    /// Width of every bucket; the last may be up to a tenth longer.
    pub width_us: i64,
    /// Number of buckets; empty ones included, so that gaps show.
    pub n_buckets: usize,
}

impl TimeBuckets {
    /// At most `max_buckets` round buckets over the log; `None` for an empty log.
    pub fn over(log: &RequestLog, max_buckets: usize) -> Option<Self> {
        let (first, last) = log.event_span_us()?;
        Some(Self::between(first, last, max_buckets))
    }

    /// At most `max_buckets` round buckets from a first to a last event time.
    pub fn between(first: i64, last: i64, max_buckets: usize) -> Self {
        let width_us = bucket_width_us(last.saturating_sub(first), max_buckets);
        let first_us = first.div_euclid(width_us) * width_us;
        let last_start = (last - first_us) / width_us;
        // A log that ends seconds into a new bucket would show a drop to nothing there: such a
        // stub belongs to the bucket before.
        let is_stub = last_start > 0 && (last - first_us) % width_us < width_us / 10;
        let n_buckets = last_start as usize + usize::from(!is_stub);
        Self {
            first_us,
            width_us,
            n_buckets,
        }
    }

    /// The bucket of an event time inside the span.
    pub fn index(&self, event_us: i64) -> usize {
        (((event_us - self.first_us) / self.width_us) as usize).min(self.n_buckets - 1)
    }

    /// The rows of each bucket.
    pub fn stretches(&self, log: &RequestLog) -> Vec<Range<usize>> {
        // Rows are in the order of time.
        let until = |bucket| log.event_us.partition_point(|t| self.index(*t) < bucket);
        let ends = (1..=self.n_buckets).map(until);
        ends.scan(0, |start, end| Some(std::mem::replace(start, end)..end))
            .collect()
    }

    /// The start of a bucket.
    pub fn start_us(&self, bucket: usize) -> i64 {
        self.first_us + bucket as i64 * self.width_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stub_at_the_end_joins_the_bucket_before() {
        let log = |last: i64| RequestLog {
            event_us: vec![0, last],
            ..RequestLog::default()
        };
        let hour = 3_600_000_000;
        let check = |last, n_buckets, index| {
            let buckets = TimeBuckets::over(&log(last), 10).unwrap();
            assert_eq!((buckets.n_buckets, buckets.index(last)), (n_buckets, index));
        };
        check(8 * hour + 1_000_000, 8, 7);
        check(8 * hour + hour / 2, 9, 8);
        check(0, 1, 0);
    }

    #[test]
    fn widths_are_round_and_never_too_many() {
        let hour = 3_600_000_000;
        assert_eq!(bucket_width_us(0, 100), 1_000_000);
        assert_eq!(bucket_width_us(72 * hour, 100), hour);
        assert_eq!(bucket_width_us(3 * 8760 * hour, 100), 2 * 168 * hour);
    }
}
