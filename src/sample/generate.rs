//! Draws users one after the other and lets each make the requests of one visit.
//!
//! A user is an anonymous visitor: one visit, whose arm is fixed by the bucket of the user and the
//! stage at the first request, and kept in a cookie. So nobody wanders between arms when the canary
//! grows, except those who lose the cookie.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::calibration;
use super::story::{self, Arm, END_MS, HOUR_MS, START_MS};
use super::{SampleKind, SampleLog, SampleRequest, SampleSpec};

const MINUTE_MS: i64 = 60_000;

/// Generates a log. Takes well under a second for 200,000 requests.
pub fn generate(spec: &SampleSpec) -> SampleLog {
    let mut rng = ChaCha8Rng::seed_from_u64(spec.seed ^ spec.kind.salt());
    let arrivals = Arrivals::draw(&mut rng);
    let mut visits = Visits {
        kind: spec.kind,
        requests: Vec::with_capacity(spec.n_requests + calibration::VISIT_MAX as usize),
        n_users: 0,
        n_lost_cookies: 0,
    };
    while visits.requests.len() < spec.n_requests {
        let key = story::splitmix64(spec.seed ^ spec.kind.salt() ^ (visits.n_users << 32)) >> 24;
        let user = User::draw(&mut rng, key, &arrivals);
        visits.visit(&mut rng, &user, &arrivals);
    }
    let mut requests = visits.requests;
    requests.truncate(spec.n_requests);
    requests.sort_by_key(|request| (request.start_ms, request.number));
    SampleLog {
        spec: *spec,
        requests,
    }
}

impl SampleKind {
    /// Keeps the users of one kind of log out of the other.
    fn salt(self) -> u64 {
        match self {
            Self::CanaryRollout => 0,
            Self::AA => 0xaa,
        }
    }
}

/// When visits begin: a rate per minute, by region.
struct Arrivals {
    /// Per region, per minute: cumulative share of the region's visits up to its end.
    cumulative: Vec<Vec<f64>>,
    /// Per hour of the three days: visits relative to their mean.
    load: Vec<f64>,
}

impl Arrivals {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let n_minutes = ((END_MS - START_MS) / MINUTE_MS) as usize;
        let innovation =
            libm::sqrt(1.0 - calibration::BURST_CORRELATION * calibration::BURST_CORRELATION);
        let mut level = calibration::normal(rng);
        let mut bursts = Vec::with_capacity(n_minutes);
        for _ in 0..n_minutes {
            level = calibration::BURST_CORRELATION * level + innovation * calibration::normal(rng);
            bursts.push(libm::exp(calibration::BURST_SD_LOG * level));
        }

        let mut per_hour = vec![0.0; n_minutes / 60];
        let mut cumulative = Vec::new();
        for region in &calibration::REGIONS {
            let rates: Vec<f64> = (0..n_minutes)
                .map(|minute| daily_rate(minute as i64 + region.utc_offset_hours * 60))
                .zip(&bursts)
                .map(|(rate, burst)| rate * burst)
                .collect();
            let total: f64 = rates.iter().sum();
            let mut sum = 0.0;
            let mut ends = Vec::with_capacity(n_minutes);
            for (minute, rate) in rates.iter().enumerate() {
                sum += rate / total;
                ends.push(sum);
                per_hour[minute / 60] += region.share * rate / total;
            }
            cumulative.push(ends);
        }
        let n_hours = per_hour.len() as f64;
        let load = per_hour.iter().map(|share| share * n_hours).collect();
        Self { cumulative, load }
    }

    fn start_ms(&self, rng: &mut ChaCha8Rng, region: usize) -> i64 {
        let level: f64 = rng.random();
        let ends = &self.cumulative[region];
        let minute = ends
            .partition_point(|&end| end <= level)
            .min(ends.len() - 1);
        START_MS + minute as i64 * MINUTE_MS + rng.random_range(0..MINUTE_MS)
    }

    fn load(&self, time_ms: i64) -> f64 {
        self.load[((time_ms - START_MS) / HOUR_MS) as usize]
    }
}

/// Requests per hour at a minute of local time, linear between the middles of the hours.
fn daily_rate(local_minute: i64) -> f64 {
    let shifted = local_minute - 30;
    let hour = shifted.div_euclid(60).rem_euclid(24) as usize;
    let share = shifted.rem_euclid(60) as f64 / 60.0;
    calibration::HOURLY[hour] * (1.0 - share) + calibration::HOURLY[(hour + 1) % 24] * share
}

/// What a user keeps for a whole visit.
struct User {
    key: u64,
    start_ms: i64,
    n_requests: u32,
    region: &'static calibration::Region,
    language: &'static str,
    /// Multiplies latencies.
    slowness: f64,
    /// Share of the answers that this user rates.
    rates: f64,
    /// The user's part of the latent quality.
    generosity: f64,
}

impl User {
    fn draw(rng: &mut ChaCha8Rng, key: u64, arrivals: &Arrivals) -> Self {
        let shares: [(usize, f64); calibration::REGIONS.len()] =
            std::array::from_fn(|i| (i, calibration::REGIONS[i].share));
        let index = calibration::choose(rng, &shares, 0);
        let region = &calibration::REGIONS[index];
        let n_requests =
            calibration::lognormal(rng, calibration::VISIT_MEDIAN, calibration::VISIT_SD_LOG);
        let rates_median = calibration::RATE_SHARE
            * libm::exp(-calibration::RATE_SD_LOG * calibration::RATE_SD_LOG / 2.0);
        Self {
            key,
            start_ms: arrivals.start_ms(rng, index),
            n_requests: (libm::ceil(n_requests) as u32).min(calibration::VISIT_MAX),
            region,
            language: calibration::choose(rng, region.languages, region.languages[0].0),
            slowness: calibration::lognormal(rng, 1.0, calibration::USER_SD_LOG),
            rates: calibration::lognormal(rng, rates_median, calibration::RATE_SD_LOG),
            generosity: libm::sqrt(calibration::RATER_VARIANCE) * calibration::normal(rng),
        }
    }
}

/// The log as it grows.
struct Visits {
    kind: SampleKind,
    requests: Vec<SampleRequest>,
    n_users: u64,
    n_lost_cookies: u64,
}

impl Visits {
    fn visit(&mut self, rng: &mut ChaCha8Rng, user: &User, arrivals: &Arrivals) {
        self.n_users += 1;
        let first_arm = self.kind.arm(user.key, user.start_ms);
        let lost_from = self.cookie_lost_from(rng, user, first_arm);
        let mut time_ms = user.start_ms;
        for k in 0..user.n_requests {
            if time_ms >= END_MS {
                break;
            }
            // Without a cookie the service answers with its default.
            let arm = if k < lost_from {
                first_arm
            } else {
                Arm::Control
            };
            let request = self.request(rng, user, arm, time_ms, arrivals.load(time_ms));
            let pause_ms = calibration::lognormal(
                rng,
                calibration::PAUSE_MEDIAN_MS,
                calibration::PAUSE_SD_LOG,
            );
            time_ms += (request.latency_ms + pause_ms) as i64;
            self.requests.push(request);
        }
    }

    /// The request from which on the cookie is gone. Whose it is follows a quota, so that the
    /// share of users in both arms is exact in small logs too.
    fn cookie_lost_from(&mut self, rng: &mut ChaCha8Rng, user: &User, arm: Arm) -> u32 {
        let quota = story::LOST_COOKIE_SHARE * self.n_users as f64;
        let due = (self.n_lost_cookies as f64) < quota && self.kind.loses_cookies();
        if due && arm == Arm::Treatment && user.n_requests >= 3 {
            self.n_lost_cookies += 1;
            rng.random_range(1..user.n_requests)
        } else {
            user.n_requests
        }
    }

    fn request(
        &self,
        rng: &mut ChaCha8Rng,
        user: &User,
        arm: Arm,
        start_ms: i64,
        load: f64,
    ) -> SampleRequest {
        let task = calibration::choose(rng, &calibration::TASKS, calibration::TASKS[0].0);
        let (prompt, completion) = if task == calibration::CODE_TASK {
            (calibration::CODE_PROMPT, calibration::CODE_COMPLETION)
        } else {
            (
                calibration::CONVERSATION_PROMPT,
                calibration::CONVERSATION_COMPLETION,
            )
        };
        let prompt_tokens = prompt.draw(rng);
        let completion_tokens = completion.draw(rng);
        let miss = rng.random::<f64>() < self.kind.cache_miss_probability(arm, start_ms, load);
        let answer = Answer::draw(rng, user, prompt_tokens, completion_tokens, miss);
        let outcome = Outcome::draw(rng, answer);
        let charged = if matches!(outcome.status, 429 | 500 | 503) {
            0.0
        } else {
            calibration::USD_PER_PROMPT_TOKEN * f64::from(prompt_tokens)
                + calibration::USD_PER_COMPLETION_TOKEN * f64::from(outcome.answer.tokens)
        };
        let mut request = SampleRequest {
            number: self.requests.len() as u32,
            start_ms,
            user: user.key,
            variant: self.kind.label(arm),
            status: outcome.status,
            latency_ms: rounded(outcome.answer.latency_ms, 10.0),
            ttft_ms: outcome.answer.ttft_ms.map(|ttft| rounded(ttft, 10.0)),
            rating: None,
            rated_at_ms: None,
            prompt_tokens,
            completion_tokens: outcome.answer.tokens,
            cost_usd: rounded(charged, 1e6),
            language: user.language,
            region: user.region.name,
            task,
        };
        if request.status == 200 && rng.random::<f64>() < user.rates {
            let own = libm::sqrt(1.0 - calibration::RATER_VARIANCE) * calibration::normal(rng);
            let shift = self.kind.quality_shift(arm, user.language, start_ms);
            let delay_ms = calibration::lognormal(
                rng,
                calibration::RATING_DELAY_MEDIAN_MS,
                calibration::RATING_DELAY_SD_LOG,
            )
            .min(calibration::RATING_DELAY_MAX_MS);
            request.rating = Some(calibration::rating(user.generosity + own + shift));
            request.rated_at_ms = Some(start_ms + libm::ceil(request.latency_ms + delay_ms) as i64);
        }
        request
    }
}

/// What came back, and how fast.
struct Answer {
    ttft_ms: Option<f64>,
    latency_ms: f64,
    tokens: u32,
}

impl Answer {
    /// A complete answer: time to first token, plus tokens times time per token.
    fn draw(
        rng: &mut ChaCha8Rng,
        user: &User,
        prompt_tokens: u32,
        completion_tokens: u32,
        cache_miss: bool,
    ) -> Self {
        let base = calibration::lognormal(
            rng,
            calibration::FIRST_TOKEN_MEDIAN_MS,
            calibration::FIRST_TOKEN_SD_LOG,
        );
        let prefill = calibration::PREFILL_MS_PER_TOKEN * f64::from(prompt_tokens);
        let per_token =
            calibration::lognormal(rng, calibration::TOKEN_MS, calibration::TOKEN_SD_LOG);
        let queueing = if cache_miss {
            calibration::lognormal(rng, story::CACHE_MISS_MEDIAN_MS, story::CACHE_MISS_SD_LOG)
        } else {
            0.0
        };
        let ttft = user.region.network_ms + user.slowness * (base + prefill) + queueing;
        let generation = user.slowness * per_token * f64::from(completion_tokens);
        Self {
            ttft_ms: Some(ttft),
            latency_ms: ttft + generation,
            tokens: completion_tokens,
        }
    }

    /// Nothing came, after `latency_ms`.
    fn none(latency_ms: f64) -> Self {
        Self {
            ttft_ms: None,
            latency_ms,
            tokens: 0,
        }
    }

    /// The part of the answer that had come when the client left.
    fn cut(self, after_ms: f64) -> Self {
        let Some(ttft) = self.ttft_ms.filter(|&ttft| ttft < after_ms) else {
            return Self::none(after_ms);
        };
        let share = (after_ms - ttft) / (self.latency_ms - ttft);
        Self {
            ttft_ms: Some(ttft),
            latency_ms: after_ms,
            tokens: libm::floor(share * f64::from(self.tokens)) as u32,
        }
    }
}

/// How a request ended: the answer, unless it failed or was given up.
struct Outcome {
    status: u16,
    answer: Answer,
}

impl Outcome {
    fn draw(rng: &mut ChaCha8Rng, answer: Answer) -> Self {
        let mut level: f64 = rng.random();
        for (status, share, median_ms) in calibration::FAILURES {
            if level < share {
                let answer = Answer::none(calibration::lognormal(rng, median_ms, 0.5));
                return Self { status, answer };
            }
            level -= share;
        }
        if level < calibration::TIMEOUT_SHARE {
            let answer = Answer::none(calibration::TIMEOUT_MS + 20.0 * rng.random::<f64>());
            return Self {
                status: 504,
                answer,
            };
        }
        level -= calibration::TIMEOUT_SHARE;
        if level < calibration::GIVE_UP_SHARE {
            let after_ms = answer.latency_ms * rng.random_range(0.1..0.95);
            let answer = answer.cut(after_ms);
            return Self {
                status: 499,
                answer,
            };
        }
        Self {
            status: 200,
            answer,
        }
    }
}

/// `value` in whole steps of `1 / per_unit`.
fn rounded(value: f64, per_unit: f64) -> f64 {
    libm::round(value * per_unit) / per_unit
}
