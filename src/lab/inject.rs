//! Regressions: what a worsened request looks like, and which requests are worsened.

use super::random::unit;
use super::settings::{Harm, Injection, Onset};
use crate::data::{Numbers, Outcome, Quantity, RequestLog};

/// Which of the canary's requests are worsened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dose {
    /// From when on, in the log's own microseconds.
    pub(super) onset_us: i64,
    /// Over how long it grows to its full size; 0 where it is there at once.
    ramp_us: i64,
    /// The share of requests at its full size.
    share: f64,
}

/// Share of the requests that a tail regression slows.
const TAIL_SHARE: f64 = 0.05;

impl Dose {
    pub(super) fn new(
        injection: &Injection,
        stages_us: &[(i64, i64)],
        (zero_us, end_us): (i64, i64),
    ) -> Self {
        let stage = |i: usize| stages_us.get(i).copied().unwrap_or((end_us, end_us));
        let (onset_us, ramp_us) = match injection.onset {
            Onset::Start => (zero_us, 0),
            Onset::Stage(i) => (stage(i).0, 0),
            Onset::MidStage(i) => (stage(i).0.midpoint(stage(i).1), 0),
            Onset::Ramp => (zero_us, (end_us - zero_us).max(1)),
        };
        let share = match injection.harm {
            Harm::Errors { share } => share,
            Harm::LatencyTail { .. } => TAIL_SHARE,
            _ => 1.0,
        };
        Self {
            onset_us,
            ramp_us,
            share,
        }
    }

    /// Whether a request is worsened.
    #[inline]
    pub(super) fn hits(&self, salt: u64, row: u32, event_us: i64) -> bool {
        if event_us < self.onset_us {
            return false;
        }
        let grown = if self.ramp_us == 0 {
            1.0
        } else {
            ((event_us - self.onset_us) as f64 / self.ramp_us as f64).min(1.0)
        };
        unit(salt, row) < self.share * grown
    }
}

/// The log with every row twice: at 2k as it was, at 2k + 1 worsened. Times stay, so that the order
/// of the requests does.
pub(super) fn worsened(log: &RequestLog, harm: Harm) -> RequestLog {
    let twice: Vec<u32> = (0..log.n_rows() as u32)
        .flat_map(|row| [row, row])
        .collect();
    let mut log = log.gathered(&twice);
    let ratings = log.quantity(Quantity::Rating).map(Numbers::to_vec);
    let least_rating = ratings
        .unwrap_or_default()
        .into_iter()
        .filter(|rating| !rating.is_nan())
        .fold(f64::INFINITY, f64::min);
    if let Harm::Errors { .. } = harm {
        for outcome in log.outcome.iter_mut().skip(1).step_by(2) {
            if *outcome == Outcome::Ok {
                *outcome = Outcome::Error;
            }
        }
    }
    for (quantity, values) in &mut log.quantities {
        let change: Box<dyn Fn(f64) -> f64> = match (harm, *quantity) {
            (
                Harm::LatencyTimes { factor } | Harm::LatencyTail { factor },
                Quantity::LatencyMs | Quantity::TtftMs,
            ) => Box::new(move |ms| ms * factor),
            (Harm::LatencyPlus { ms: more }, Quantity::LatencyMs | Quantity::TtftMs) => {
                Box::new(move |ms| if ms > 0.0 { ms + more } else { ms })
            }
            (Harm::Rating { drop }, Quantity::Rating) => {
                // `max` would turn a missing rating into the least one.
                Box::new(move |rating| match rating - drop {
                    lower if lower < least_rating => least_rating,
                    lower => lower,
                })
            }
            (
                Harm::Tokens { factor },
                Quantity::TokensIn | Quantity::TokensOut | Quantity::Cost,
            ) => Box::new(move |amount| amount * factor),
            _ => continue,
        };
        let mut worse = values.to_vec();
        let step = resolution(&worse);
        for value in worse.iter_mut().skip(1).step_by(2) {
            let changed = change(*value);
            // On the log's own grid, as a log of the worse canary would be.
            *value = match step {
                Some(per_unit) => (changed * per_unit).round() / per_unit,
                None => changed,
            };
        }
        *values = worse.into();
    }
    log
}

/// How many steps to a unit a column's values are written in; `None` where they are finer than
/// thousandths.
fn resolution(values: &[f64]) -> Option<f64> {
    [1.0, 10.0, 100.0, 1000.0].into_iter().find(|per_unit| {
        values
            .iter()
            .filter(|value| !value.is_nan())
            .all(|value| (value * per_unit).round() / per_unit == *value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> RequestLog {
        RequestLog {
            arm: vec![0; 3],
            row: vec![0, 1, 2],
            start_us: vec![0, 10, 20],
            event_us: vec![0, 10, 20],
            outcome: vec![Outcome::Ok, Outcome::Cancelled, Outcome::Ok],
            quantities: vec![
                (Quantity::LatencyMs, vec![100.5, 0.0, f64::NAN].into()),
                (Quantity::Rating, vec![5.0, 1.0, f64::NAN].into()),
            ],
            ..RequestLog::default()
        }
    }

    fn check(harm: Harm, quantity: Quantity, expected: [f64; 4]) {
        let worse = worsened(&log(), harm);
        let values = worse.quantity(quantity).unwrap().to_vec();
        assert_eq!(values[..4], expected, "{harm:?}");
        assert!(values[4].is_nan() && values[5].is_nan());
    }

    #[test]
    fn every_row_stands_beside_its_worse_version() {
        let latency = Quantity::LatencyMs;
        check(
            Harm::LatencyTimes { factor: 1.5 },
            latency,
            [100.5, 150.8, 0.0, 0.0],
        );
        check(
            Harm::LatencyPlus { ms: 20.0 },
            latency,
            [100.5, 120.5, 0.0, 0.0],
        );
        check(
            Harm::Rating { drop: 2.0 },
            Quantity::Rating,
            [5.0, 3.0, 1.0, 1.0],
        );
        check(
            Harm::Errors { share: 1.0 },
            latency,
            [100.5, 100.5, 0.0, 0.0],
        );
        let failed = worsened(&log(), Harm::Errors { share: 1.0 });
        let is_error: Vec<bool> = failed.outcome.iter().map(|o| o.is_error()).collect();
        assert_eq!(is_error, [false, true, false, false, false, true]);
        assert_eq!(failed.event_us, [0, 0, 10, 10, 20, 20]);
    }

    #[test]
    fn a_ramp_grows_and_a_stage_waits() {
        let injection = |onset| Injection {
            harm: Harm::Errors { share: 0.5 },
            onset,
        };
        let share = |onset, at: i64| {
            let dose = Dose::new(&injection(onset), &[(0, 400), (400, 1000)], (0, 1000));
            (0..10_000).filter(|row| dose.hits(1, *row, at)).count() as f64 / 10_000.0
        };
        assert!((share(Onset::Start, 0) - 0.5).abs() < 0.02);
        assert!((share(Onset::Ramp, 500) - 0.25).abs() < 0.02);
        assert_eq!(share(Onset::Stage(1), 399), 0.0);
        assert_eq!(share(Onset::MidStage(1), 699), 0.0);
        assert!(share(Onset::MidStage(1), 700) > 0.4);
    }
}
