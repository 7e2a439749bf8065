//! Regressions: what a worsened request looks like, and which requests are worsened.

use super::random::unit;
use super::settings::{Harm, Injection, Onset};
use crate::data::{Numbers, Outcome, Quantity, RequestLog};
use crate::rules::{Column, Metric, Rule};

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

/// Keeps the draw of a rating's step apart from all others.
const GRID_SALT: u64 = 0x7261_7469_6e67;

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

/// Whether a rule measures anything that a regression changes: it fires as often without it else.
pub(super) fn is_seen_by(harm: Harm, rule: &Rule) -> bool {
    let quantities: &[Quantity] = match harm {
        Harm::Errors { .. } => return rule.metrics().into_iter().any(Metric::needs_outcome),
        Harm::LatencyTimes { .. } | Harm::LatencyPlus { .. } | Harm::LatencyTail { .. } => {
            &[Quantity::LatencyMs, Quantity::TtftMs]
        }
        Harm::Rating { .. } => &[Quantity::Rating],
        Harm::Tokens { .. } => &[Quantity::TokensIn, Quantity::TokensOut, Quantity::Cost],
    };
    let columns = rule.metrics().into_iter().filter_map(Metric::column);
    columns.into_iter().any(|column| match column {
        Column::Of(quantity) => quantities.contains(quantity),
        Column::Named(_) => false,
    })
}

/// Which rows of a worsened log are worse than they were: a request that had failed anyway is not, nor an
/// answer that nobody rated.
pub(super) fn changed(worse: &RequestLog) -> Vec<bool> {
    let mut found: Vec<bool> = worse
        .outcome
        .chunks_exact(2)
        .map(|pair| pair[0] != pair[1])
        .collect();
    for (_, values) in &worse.quantities {
        let values = values.to_vec();
        for (is_changed, pair) in found.iter_mut().zip(values.chunks_exact(2)) {
            *is_changed |= pair[0].to_bits() != pair[1].to_bits();
        }
    }
    found
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
        for (row, value) in (0..).zip(worse.iter_mut().skip(1).step_by(2)) {
            let changed = change(*value);
            // On the log's own grid, as a log of the worse canary would be.
            *value = match (step, *quantity) {
                (Some(per_unit), Quantity::Rating) => on_grid(changed, per_unit, row),
                (Some(per_unit), _) => (changed * per_unit).round() / per_unit,
                (None, _) => changed,
            };
        }
        *values = worse.into();
    }
    log
}

/// A rating between two steps becomes either of them, in such parts that their mean stays: half a star less is
/// one star less for half of the ratings, where stars are whole. Rounding to the nearest would undo it.
fn on_grid(value: f64, per_unit: f64, row: u32) -> f64 {
    let steps = value * per_unit;
    let part = steps - steps.floor();
    let up = f64::from(u8::from(unit(GRID_SALT, row) < part));
    (steps.floor() + up) / per_unit
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
        // A zero stays zero, and what is missing cannot get worse.
        let slower = worsened(&log(), Harm::LatencyTimes { factor: 1.5 });
        assert_eq!(changed(&slower), [true, false, false]);
        let failed = worsened(&log(), Harm::Errors { share: 1.0 });
        assert_eq!(changed(&failed), [true, false, true]);
        let is_error: Vec<bool> = failed.outcome.iter().map(|o| o.is_error()).collect();
        assert_eq!(is_error, [false, true, false, false, false, true]);
        assert_eq!(failed.event_us, [0, 0, 10, 10, 20, 20]);
    }

    #[test]
    fn half_a_star_less_is_a_star_less_for_half_of_them() {
        let n = 10_000;
        let ratings = RequestLog {
            arm: vec![0; n],
            row: (0..n as u32).collect(),
            start_us: (0..n as i64).collect(),
            event_us: (0..n as i64).collect(),
            outcome: vec![Outcome::Ok; n],
            quantities: vec![(
                Quantity::Rating,
                (0..n)
                    .map(|i| [5.0, 4.0, 3.0, 1.0][i % 4])
                    .collect::<Vec<f64>>()
                    .into(),
            )],
            ..RequestLog::default()
        };
        let worse = worsened(&ratings, Harm::Rating { drop: 0.5 });
        let values = worse.quantity(Quantity::Rating).unwrap().to_vec();
        assert!(values.iter().all(|value| value.fract() == 0.0));
        let (before, after): (Vec<f64>, Vec<f64>) = values
            .chunks_exact(2)
            .filter(|pair| pair[0] > 1.0)
            .map(|pair| (pair[0], pair[1]))
            .unzip();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        assert!((mean(&before) - mean(&after) - 0.5).abs() < 0.02);
    }

    #[test]
    fn a_rule_sees_what_it_measures() {
        let check = |preset: &str, harm, expected| {
            let rulebook = crate::rules::presets::rulebook(&[preset]).unwrap();
            assert_eq!(is_seen_by(harm, &rulebook.rules[0]), expected, "{preset}");
        };
        check("quality-monitor", Harm::Rating { drop: 0.5 }, true);
        check("canary-monitor", Harm::Rating { drop: 0.5 }, false);
        check(
            "prometheus-success-ratio",
            Harm::Errors { share: 0.1 },
            true,
        );
        check(
            "prometheus-success-ratio",
            Harm::LatencyTail { factor: 10.0 },
            false,
        );
        check("auto-rollback", Harm::LatencyPlus { ms: 10.0 }, true);
        check("auto-rollback", Harm::Tokens { factor: 2.0 }, false);
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
