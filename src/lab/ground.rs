//! What rollouts are made from: rows of a log with their users, stages and, where a regression is
//! tried, a second version of every row.

use super::inject::{Dose, changed, worsened};
use super::random::{self, below, bits, mix};
use super::settings::{Injection, LabPlan};
use crate::data::{RequestLog, Units};
use crate::rules::passage::Assignment;

/// Rows that can be in either arm.
#[derive(Debug)]
pub(super) struct Ground {
    /// The rows. With a regression every row stands twice, as it was and worsened.
    pub(super) log: RequestLog,
    /// Per original row: who sent it.
    unit: Vec<u32>,
    /// Time zero and the end of the rollout, in the log's own microseconds.
    pub(super) span_us: (i64, i64),
    stages: Vec<Stretch>,
    dose: Option<Dose>,
    /// Per original row, whether its worsened version is any worse; empty without a regression.
    changed: Vec<bool>,
    max_canary: usize,
}

/// The rows of a stage.
#[derive(Debug, Clone, PartialEq)]
struct Stretch {
    rows: std::ops::Range<usize>,
    weight: f64,
    /// For permutations: the users there and how many of them were in the canary.
    pool: Option<(Vec<u32>, usize)>,
}

/// A user who is drawn again comes at most so much earlier or later.
const LONGEST_SHIFT_US: i64 = 3_600_000_000;

/// One rollout.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rollout {
    pub(super) assignment: Assignment,
    /// Which of the canary's requests are worsened, by their place among them; ascending.
    pub(super) harmed: Vec<u32>,
    /// Requests of the canary before the regression is there.
    pub(super) before_onset: u32,
}

impl Ground {
    /// The rows of `log`, all of which can be in either arm. `zero_us` is time zero of the replays.
    pub(super) fn new(
        log: RequestLog,
        zero_us: i64,
        plan: &LabPlan,
        max_canary: Option<u32>,
    ) -> Self {
        let last_us = log.event_span_us().map_or(zero_us, |(_, last)| last);
        let end_us = plan
            .stages
            .last()
            .and_then(|stage| stage.to_us)
            .map_or(last_us, |to| last_us.min(zero_us.saturating_add(to) - 1));
        let row_at = |us: i64| log.event_us.partition_point(|event| *event < us);
        let stages = plan
            .stages
            .iter()
            .map(|stage| {
                let from = row_at(zero_us.saturating_add(stage.from_us));
                let to = stage
                    .to_us
                    .map_or(log.n_rows(), |to| row_at(zero_us.saturating_add(to)));
                Stretch {
                    rows: from..to.max(from),
                    weight: stage.weight,
                    pool: None,
                }
            })
            .collect();
        let unit = match &log.units {
            Some(units) => (0..log.n_rows()).map(|row| units.of_row(row)).collect(),
            None => (0..log.n_rows() as u32).collect(),
        };
        Self {
            log,
            unit,
            span_us: (zero_us, end_us),
            stages,
            dose: None,
            changed: Vec::new(),
            max_canary: max_canary.map_or(usize::MAX, |n| n as usize),
        }
    }

    /// Keeps, in every stage, as many users in the canary as `is_canary` says of the rows.
    pub(super) fn keep_users(&mut self, is_canary: impl Fn(usize) -> bool) {
        for stage in &mut self.stages {
            let mut users: Vec<(u32, bool)> = stage
                .rows
                .clone()
                .map(|row| (self.unit[row], is_canary(row)))
                .collect();
            users.sort_unstable();
            // A user in both arms counts as one of the canary.
            users.dedup_by(|next, kept| {
                let is_same = next.0 == kept.0;
                kept.1 |= is_same && next.1;
                is_same
            });
            let n_canary = users.iter().filter(|user| user.1).count();
            let pool = users.into_iter().map(|user| user.0).collect();
            stage.pool = Some((pool, n_canary));
        }
    }

    /// The same rows with a regression in the canary.
    pub(super) fn with(&self, injection: &Injection) -> Self {
        let stages_us: Vec<(i64, i64)> = self
            .stages
            .iter()
            .map(|stage| self.times(&stage.rows))
            .collect();
        let log = worsened(&self.log, injection.harm);
        Self {
            changed: changed(&log),
            log,
            unit: self.unit.clone(),
            span_us: self.span_us,
            stages: self.stages.clone(),
            dose: Some(Dose::new(injection, &stages_us, self.span_us)),
            max_canary: self.max_canary,
        }
    }

    /// Rows of as many users as there are, or `growth` times as many, drawn with replacement; each time as
    /// another user. A user drawn again comes a little earlier or later: at the same instants, windows of
    /// the last so many requests would hold the same ones several times.
    pub(super) fn redrawn(&self, salt: u64, growth: f64) -> Self {
        let n_units = self.unit.iter().max().map_or(0, |unit| unit + 1);
        let n_drawn = (f64::from(n_units) * growth).round() as u32;
        let mut times = vec![0u32; n_units as usize];
        for draw in 0..n_drawn {
            times[(random::unit(salt, draw) * f64::from(n_units)) as usize] += 1;
        }
        let first: Vec<u32> = (times.iter())
            .scan(0, |n, count| Some(std::mem::replace(n, *n + count)))
            .collect();
        let apart_us = (self.span_us.1 - self.span_us.0).min(LONGEST_SHIFT_US * 20) / 20;
        let (mut drawn, mut stages) = (Vec::new(), Vec::new());
        for stage in &self.stages {
            let (from_us, to_us) = self.times(&stage.rows);
            let from = drawn.len();
            for row in stage.rows.clone() {
                let user = self.unit[row] as usize;
                for copy in 0..times[user] {
                    let unit = first[user] + copy;
                    let event_us = self.log.event_us[row];
                    let shift_us = match copy {
                        0 => 0,
                        _ => ((2.0 * random::unit(mix(salt), unit) - 1.0) * apart_us as f64) as i64,
                    };
                    let at_us = (event_us + shift_us).clamp(from_us, to_us);
                    drawn.push((at_us, row as u32, unit));
                }
            }
            drawn[from..].sort_by_key(|(at_us, ..)| *at_us);
            stages.push(stage.over(from..drawn.len(), &drawn[from..]));
        }
        let rows: Vec<u32> = drawn.iter().map(|(_, row, _)| *row).collect();
        let mut log = self.log.gathered(&rows);
        for (place, (at_us, ..)) in drawn.iter().enumerate() {
            let shift_us = at_us - log.event_us[place];
            log.event_us[place] += shift_us;
            log.start_us[place] += shift_us;
            if let Some(rated) = &mut log.rated_at_us {
                rated[place] += shift_us;
            }
        }
        Self {
            stages,
            log,
            unit: drawn.into_iter().map(|(.., unit)| unit).collect(),
            span_us: self.span_us,
            dose: None,
            changed: Vec::new(),
            max_canary: self.max_canary,
        }
    }

    /// First and last event of some rows, the whole span where there are none.
    fn times(&self, rows: &std::ops::Range<usize>) -> (i64, i64) {
        match self.log.event_us.get(rows.clone()) {
            Some([first, .., last]) => (*first, *last),
            _ => self.span_us,
        }
    }

    /// Draws a rollout. Users keep their place: whoever is in the canary stays while it grows.
    pub(super) fn rollout(&self, salt: u64, reads_all: bool) -> Rollout {
        let mut assignment = Assignment {
            span_us: self.span_us,
            ..Assignment::default()
        };
        let mut harmed = Vec::new();
        let mut before_onset = 0;
        let harm_salt = mix(salt ^ 0x6861_726d);
        let copies = if self.dose.is_some() { 2 } else { 1 };
        'stages: for stage in &self.stages {
            let limit = stage.limit(salt);
            for row in stage.rows.clone() {
                let mut index = row as u32 * copies;
                let is_canary = u64::from(bits(salt, self.unit[row])) < limit;
                if is_canary {
                    if let Some(dose) = &self.dose {
                        let event_us = self.log.event_us[index as usize];
                        before_onset += u32::from(event_us < dose.onset_us);
                        if dose.hits(harm_salt, row as u32, event_us) && self.changed[row] {
                            harmed.push(assignment.canary.len() as u32);
                            index += 1;
                        }
                    }
                    assignment.canary.push(index);
                } else {
                    assignment.baseline.push(index);
                }
                if reads_all {
                    assignment.all.push(index);
                }
                if assignment.canary.len() >= self.max_canary {
                    assignment.span_us.1 = self.log.event_us[index as usize];
                    break 'stages;
                }
            }
        }
        Rollout {
            assignment,
            harmed,
            before_onset,
        }
    }

    /// Rows and users that take part, and how many requests a canary has on average.
    pub(super) fn volumes(&self) -> (u64, u64, f64) {
        let rows = self
            .stages
            .iter()
            .map(|stage| stage.rows.len() as u64)
            .sum();
        let mut units: Vec<u32> = self
            .stages
            .iter()
            .flat_map(|stage| self.unit[stage.rows.clone()].iter().copied())
            .collect();
        units.sort_unstable();
        units.dedup();
        let canary = self
            .stages
            .iter()
            .map(|stage| stage.rows.len() as f64 * stage.share())
            .sum::<f64>()
            .min(self.max_canary as f64);
        (rows, units.len() as u64, canary)
    }
}

impl Stretch {
    /// The same stage over other rows, with the same share of their users in the canary.
    fn over(&self, rows: std::ops::Range<usize>, drawn: &[(i64, u32, u32)]) -> Self {
        let pool = self.pool.as_ref().map(|(users, n_canary)| {
            let mut of_stage: Vec<u32> = drawn.iter().map(|(.., unit)| *unit).collect();
            of_stage.sort_unstable();
            of_stage.dedup();
            let share = *n_canary as f64 / users.len().max(1) as f64;
            let n_canary = (share * of_stage.len() as f64).round() as usize;
            (of_stage, n_canary)
        });
        Self {
            rows,
            weight: self.weight,
            pool,
        }
    }

    /// The hashes below which users are in the canary.
    fn limit(&self, salt: u64) -> u64 {
        let Some((users, n_canary)) = &self.pool else {
            return below(self.weight);
        };
        if *n_canary >= users.len() {
            return below(1.0);
        }
        let mut hashes: Vec<u32> = users.iter().map(|user| bits(salt, *user)).collect();
        let (_, first_out, _) = hashes.select_nth_unstable(*n_canary);
        u64::from(*first_out)
    }

    fn share(&self) -> f64 {
        match &self.pool {
            None => self.weight,
            Some((users, _)) if users.is_empty() => 0.0,
            Some((users, n_canary)) => *n_canary as f64 / users.len() as f64,
        }
    }
}

/// The rows of some arms up to `last_us`, and their log.
pub(super) fn rows_of_arms(log: &RequestLog, arms: &[usize]) -> RequestLog {
    let rows: Vec<u32> = (0..log.n_rows() as u32)
        .filter(|row| arms.contains(&usize::from(log.arm[*row as usize])))
        .collect();
    log.gathered(&rows)
}

/// How many rows name a user.
pub(super) fn names_users(log: &RequestLog) -> bool {
    log.units
        .as_ref()
        .is_some_and(|units| units.id.iter().any(|id| *id != Units::NONE))
}
