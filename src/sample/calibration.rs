//! What both arms share: the measured distributions that the sample is drawn from.
//!
//! | what | from |
//! |---|---|
//! | prompt and completion tokens | Azure LLM inference traces 2023, conversation (19,366 requests) and code (8,819), CC BY 4.0: empirical quantiles, log-linear between |
//! | bursts | the same conversation trace: requests per minute vary by 0.28 beyond chance, each correlated 0.81 with the one before; visits spread the bursts of their beginnings, which leaves 0.18 |
//! | hours of the day | Open Bandit Dataset, small sample in obp 0.4.1, Apache-2.0: requests per hour in Tokyo, shifted to each region's clock |
//! | time to first token | `LLMPerf` leaderboard, Apache-2.0: pooled median 457 ms; Aibrix v0.2.1 benchmark, Apache-2.0: 21,073 prompt tokens need 1.89 s, so 0.09 ms a token |
//! | time per output token | `TensorZero` example gateway log, Apache-2.0, gpt-4o: 23.4 ms a token, log-normal residuals with standard deviation 0.21 |
//! | ratings | elastic/examples anonymous reviews, Apache-2.0: shares of 1 to 5, intraclass correlation 0.26 within reviewers |
//!
//! Assumed, because no public log tells: who speaks what where, tasks, visits, failures, who rates
//! and when. Prices are the list prices of gpt-4o-2024-08-06: 2.50 and 10 USD a million tokens.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

pub(super) const KOREAN: &str = "한국어";
const CHINESE: &str = "简体中文";
const JAPANESE: &str = "日本語";
const ENGLISH: &str = "English";

/// A data centre and the users it serves.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) name: &'static str,
    /// Share of all visits.
    pub(super) share: f64,
    /// Local time minus UTC.
    pub(super) utc_offset_hours: i64,
    /// Added to every latency.
    pub(super) network_ms: f64,
    pub(super) languages: &'static [(&'static str, f64)],
}

pub(super) const REGIONS: [Region; 4] = [
    Region {
        name: "us-east",
        share: 0.34,
        utc_offset_hours: -5,
        network_ms: 30.0,
        languages: &[
            (ENGLISH, 0.9),
            (CHINESE, 0.04),
            (KOREAN, 0.03),
            (JAPANESE, 0.03),
        ],
    },
    Region {
        name: "eu-west",
        share: 0.2,
        utc_offset_hours: 0,
        network_ms: 45.0,
        languages: &[(ENGLISH, 0.95), (CHINESE, 0.03), (KOREAN, 0.02)],
    },
    Region {
        name: "서울",
        share: 0.26,
        utc_offset_hours: 9,
        network_ms: 35.0,
        languages: &[(KOREAN, 0.82), (ENGLISH, 0.1), (JAPANESE, 0.08)],
    },
    Region {
        name: "上海",
        share: 0.2,
        utc_offset_hours: 8,
        network_ms: 60.0,
        languages: &[(CHINESE, 0.88), (ENGLISH, 0.09), (JAPANESE, 0.03)],
    },
];

pub(super) const CODE_TASK: &str = "code";
pub(super) const TASKS: [(&str, f64); 4] = [
    ("chat", 0.52),
    ("summarize", 0.16),
    (CODE_TASK, 0.14),
    ("search", 0.18),
];

/// Failures of both arms: status, share of requests, median latency (log-normal, sd 0.5). With the
/// timeouts 1.8 % of requests.
pub(super) const FAILURES: [(u16, f64, f64); 3] = [
    (429, 0.007, 24.0),
    (500, 0.0035, 310.0),
    (503, 0.0045, 65.0),
];
/// Status 504: no answer after a minute.
pub(super) const TIMEOUT_SHARE: f64 = 0.003;
pub(super) const TIMEOUT_MS: f64 = 60_000.0;
/// Status 499: the client closed the connection before the answer was complete.
pub(super) const GIVE_UP_SHARE: f64 = 0.006;

/// Requests per hour of local time, Tokyo, from midnight.
pub(super) const HOURLY: [f64; 24] = [
    1444.0, 635.0, 351.0, 193.0, 150.0, 226.0, 422.0, 588.0, 726.0, 734.0, 817.0, 814.0, 1112.0,
    852.0, 787.0, 839.0, 780.0, 873.0, 926.0, 1063.0, 1310.0, 1436.0, 1530.0, 1392.0,
];
/// Log-rate at which visits begin, minute by minute: autoregressive of order one.
pub(super) const BURST_SD_LOG: f64 = 0.4;
pub(super) const BURST_CORRELATION: f64 = 0.8;

/// Requests in a visit: log-normal, rounded up, at most [`VISIT_MAX`].
pub(super) const VISIT_MEDIAN: f64 = 4.5;
pub(super) const VISIT_SD_LOG: f64 = 1.05;
pub(super) const VISIT_MAX: u32 = 400;
/// Time from an answer to the next request: log-normal.
pub(super) const PAUSE_MEDIAN_MS: f64 = 40_000.0;
pub(super) const PAUSE_SD_LOG: f64 = 1.2;

pub(super) const FIRST_TOKEN_MEDIAN_MS: f64 = 380.0;
pub(super) const FIRST_TOKEN_SD_LOG: f64 = 0.4;
pub(super) const PREFILL_MS_PER_TOKEN: f64 = 0.09;
pub(super) const TOKEN_MS: f64 = 23.4;
pub(super) const TOKEN_SD_LOG: f64 = 0.21;
/// Between users: their devices and networks.
pub(super) const USER_SD_LOG: f64 = 0.06;

pub(super) const USD_PER_PROMPT_TOKEN: f64 = 2.5e-6;
pub(super) const USD_PER_COMPLETION_TOKEN: f64 = 10e-6;

/// Mean probability that a successful request is rated; differs between users by `RATE_SD_LOG`.
pub(super) const RATE_SHARE: f64 = 0.1;
pub(super) const RATE_SD_LOG: f64 = 0.4;
/// From the answer to its rating: log-normal, at most six hours.
pub(super) const RATING_DELAY_MEDIAN_MS: f64 = 45_000.0;
pub(super) const RATING_DELAY_SD_LOG: f64 = 1.5;
pub(super) const RATING_DELAY_MAX_MS: f64 = 21_600_000.0;
/// A rating is 5 less the number of these that a standard normal quality falls below: normal
/// quantiles of the shares of 1, 1 to 2, 1 to 3 and 1 to 4 among the reviews (2.05, 3.85, 6.44,
/// 19.27 %).
const RATING_CUTS: [f64; 4] = [-2.043, -1.769, -1.519, -0.868];
/// Share of the quality's variance that is the user's; gives ratings the reviews' correlation.
pub(super) const RATER_VARIANCE: f64 = 0.43;

/// Cumulative shares of [`Quantiles`].
const LEVELS: [f64; 13] = [
    0.0, 0.01, 0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 1.0,
];

/// A distribution of positive counts by its quantiles at [`LEVELS`], log-linear between.
#[derive(Debug)]
pub(super) struct Quantiles([f64; LEVELS.len()]);

pub(super) const CONVERSATION_PROMPT: Quantiles = Quantiles([
    2.0, 29.0, 181.0, 207.0, 396.0, 703.0, 1020.0, 1071.0, 1189.0, 2734.0, 4083.0, 4142.0, 14050.0,
]);
pub(super) const CONVERSATION_COMPLETION: Quantiles = Quantiles([
    7.0, 16.0, 41.0, 54.0, 85.0, 103.0, 129.0, 177.0, 395.0, 424.0, 451.0, 601.0, 1000.0,
]);
pub(super) const CODE_PROMPT: Quantiles = Quantiles([
    3.0, 17.0, 75.0, 147.0, 578.0, 1075.0, 1469.0, 1909.0, 2744.0, 5187.0, 7303.0, 7436.0, 7437.0,
]);
pub(super) const CODE_COMPLETION: Quantiles = Quantiles([
    6.0, 6.0, 6.0, 7.0, 9.0, 11.0, 13.0, 16.0, 24.0, 55.0, 90.0, 251.0, 1899.0,
]);

impl Quantiles {
    /// The quantile at a uniform level.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> u32 {
        let level: f64 = rng.random();
        let above = LEVELS
            .partition_point(|&l| l <= level)
            .min(LEVELS.len() - 1);
        let (low, high) = (self.0[above - 1], self.0[above]);
        let share = (level - LEVELS[above - 1]) / (LEVELS[above] - LEVELS[above - 1]);
        libm::round(low * libm::exp(share * libm::log(high / low))) as u32
    }
}

/// The rating of an answer of this quality, where the mean answer has 0 and the deviation is 1.
pub(super) fn rating(quality: f64) -> u8 {
    5 - RATING_CUTS.iter().filter(|&&cut| quality < cut).count() as u8
}

/// A standard normal number.
pub(super) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    rng.sample(StandardNormal)
}

/// A log-normal number with this median.
pub(super) fn lognormal(rng: &mut ChaCha8Rng, median: f64, sd_log: f64) -> f64 {
    median * libm::exp(sd_log * normal(rng))
}

/// One of the values, with its probability; the last where rounding leaves a gap.
pub(super) fn choose<T: Copy>(rng: &mut ChaCha8Rng, choices: &[(T, f64)], last: T) -> T {
    let mut level: f64 = rng.random();
    for &(value, share) in choices {
        if level < share {
            return value;
        }
        level -= share;
    }
    last
}
