//! Logs that are drawn anew for every rollout: single requests, or days.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Exp1, StandardNormal};

use super::ground::Ground;
use super::settings::{LabPlan, TrafficModel};
use crate::data::{Outcome, Quantity, RequestLog};

/// How a rollout's log is drawn.
#[derive(Debug)]
pub(super) struct Draw {
    pub(super) kind: Kind,
    /// Time zero of the replays.
    pub(super) zero_us: i64,
    pub(super) plan: LabPlan,
    pub(super) max_canary: Option<u32>,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Requests of a log, one by one.
    Requests {
        /// What is drawn from.
        pool: RequestLog,
        /// How many requests, and how many microseconds apart on average.
        n: u32,
        gap_us: f64,
        /// Share that fails instead of the pool's own.
        error_share: Option<f64>,
    },
    /// Requests of a model.
    Model(TrafficModel),
    /// Days of a log in blocks.
    Days {
        pool: RequestLog,
        /// Where each day's rows begin, and where the last one's end.
        starts: Vec<usize>,
        /// Days that stay together.
        together: u32,
    },
}

pub(super) const DAY_US: i64 = 86_400_000_000;

impl Draw {
    /// The rows of one rollout.
    pub(super) fn ground(&self, salt: u64) -> Ground {
        let mut rng = ChaCha8Rng::seed_from_u64(salt);
        let log = match &self.kind {
            Kind::Requests {
                pool,
                n,
                gap_us,
                error_share,
            } => requests(
                pool,
                *n,
                *error_share,
                self.times(&mut rng, *n, *gap_us),
                &mut rng,
            ),
            Kind::Model(model) => {
                let gap_us = 1e6 / model.per_second;
                let times = self.times(&mut rng, model.requests, gap_us);
                modelled(model, times, &mut rng)
            }
            Kind::Days {
                pool,
                starts,
                together,
            } => self.days(pool, starts, *together as usize, &mut rng),
        };
        Ground::new(log, self.zero_us, &self.plan, self.max_canary)
    }

    /// Instants of a Poisson process.
    fn times(&self, rng: &mut ChaCha8Rng, n: u32, gap_us: f64) -> Vec<i64> {
        let mut at = self.zero_us as f64;
        (0..n)
            .map(|_| {
                let gap: f64 = rng.sample(Exp1);
                at += gap * gap_us;
                at as i64
            })
            .collect()
    }

    fn days(
        &self,
        pool: &RequestLog,
        starts: &[usize],
        together: usize,
        rng: &mut ChaCha8Rng,
    ) -> RequestLog {
        let n_days = starts.len() - 1;
        let end_us = self.plan.stages.last().and_then(|stage| stage.to_us);
        let n_wanted = match end_us {
            Some(end_us) => (end_us as u64).div_ceil(DAY_US as u64) as usize,
            None => n_days,
        };
        let (mut rows, mut shifts) = (Vec::new(), Vec::new());
        let mut day = 0;
        while day < n_wanted {
            let first = rng.random_range(0..=n_days - together);
            for source in (first..first + together).take(n_wanted - day) {
                let shift_us = (day as i64 - source as i64) * DAY_US;
                for row in starts[source]..starts[source + 1] {
                    rows.push(row as u32);
                    shifts.push(shift_us);
                }
                day += 1;
            }
        }
        let mut log = pool.gathered(&rows);
        for ((event, start), shift) in log.event_us.iter_mut().zip(&mut log.start_us).zip(&shifts) {
            *event += shift;
            *start += shift;
        }
        for (rated, shift) in log.rated_at_us.iter_mut().flatten().zip(&shifts) {
            *rated += shift;
        }
        log
    }
}

fn requests(
    pool: &RequestLog,
    n: u32,
    error_share: Option<f64>,
    times: Vec<i64>,
    rng: &mut ChaCha8Rng,
) -> RequestLog {
    let n_pool = pool.n_rows() as u32;
    let rows: Vec<u32> = (0..n).map(|_| rng.random_range(0..n_pool)).collect();
    let mut log = pool.gathered(&rows);
    if let Some(share) = error_share {
        log.has_outcome = true;
        for outcome in &mut log.outcome {
            *outcome = outcome_at(share, rng);
        }
    }
    // A rating comes as long after its answer as it did.
    if let Some(rated) = &mut log.rated_at_us {
        for ((rated, event), time) in rated.iter_mut().zip(&log.event_us).zip(&times) {
            *rated += time - event;
        }
    }
    log.start_us.clone_from(&times);
    log.event_us = times;
    log.units = None;
    log
}

fn modelled(model: &TrafficModel, times: Vec<i64>, rng: &mut ChaCha8Rng) -> RequestLog {
    let n = times.len();
    let mut latency_ms = Vec::with_capacity(n);
    let mut rating = Vec::with_capacity(n);
    let mut outcome = Vec::with_capacity(n);
    for _ in 0..n {
        outcome.push(outcome_at(model.error_share, rng));
        let normal: f64 = rng.sample(StandardNormal);
        let ms = model.latency_ms * libm::exp(model.latency_sd_log * normal);
        // Tenths, as logs have them.
        latency_ms.push((ms * 10.0).round() / 10.0);
        rating.push(if rng.random::<f64>() < model.rated_share {
            f64::from(rng.random_range(1..=5_u8))
        } else {
            f64::NAN
        });
    }
    RequestLog {
        arm: vec![0; n],
        row: (0..n as u32).collect(),
        start_us: times.clone(),
        event_us: times,
        outcome,
        has_outcome: true,
        quantities: vec![
            (Quantity::LatencyMs, latency_ms.into()),
            (Quantity::Rating, rating.into()),
        ],
        ..RequestLog::default()
    }
}

fn outcome_at(error_share: f64, rng: &mut ChaCha8Rng) -> Outcome {
    if rng.random::<f64>() < error_share {
        Outcome::Error
    } else {
        Outcome::Ok
    }
}
