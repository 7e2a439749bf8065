//! A canary that was drawn at random, made smaller: where no known router explains the arms, who a smaller
//! share would have kept is not known. A random part of the canary stands for them.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::replan::overtaken;
use super::{ReplanEnd, ReplaySettings, StageSpan};
use crate::data::{RequestLog, Units};

/// What a canary was drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DrawnBy {
    /// Users: everything of one user went to one arm.
    User,
    /// Requests: users met both arms.
    Request,
}

/// The seed of the part that stays.
pub(super) const SEED: u64 = 1;

/// Of users that sent several requests within a stage, so many in both arms are clients that lost their
/// arm; more were never kept in one.
const STRAY: f64 = 0.05;

/// A canary to be thinned.
pub(super) struct Drawn {
    pub(super) by: DrawnBy,
    /// The baseline's index among the arms.
    pub(super) control: u16,
    /// Per user, or per row, a number from 0 to 1: the least stay first, so that parts are nested.
    place: Vec<f64>,
    stages: Vec<Stretch>,
}

/// A stretch of the log.
struct Stretch {
    from_us: i64,
    /// The canary's share of those who came, 0 to 1.
    share: f64,
    /// A plan may ask for so much more by chance alone: three standard errors.
    tolerance: f64,
}

impl Drawn {
    /// `stages` are the observed ones; without any the whole log is one.
    pub(super) fn of(log: &RequestLog, arms: &ReplaySettings, stages: &[StageSpan]) -> Self {
        let whole = [StageSpan {
            from_us: i64::MIN,
            to_us: i64::MAX,
            share: 0.0,
        }];
        let stages = if stages.is_empty() { &whole } else { stages };
        let by = drawn_by(log, arms, stages);
        let n = match (by, &log.units) {
            (DrawnBy::User, Some(units)) => units.n_units as usize,
            _ => log.n_rows(),
        };
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        Self {
            by,
            control: arms.control as u16,
            place: (0..n).map(|_| rng.random::<f64>()).collect(),
            stages: stages
                .iter()
                .map(|stage| shares(log, arms, *stage, by))
                .collect(),
        }
    }

    /// Whether a request of the canary that started at `start_us` stays under a plan that gives it
    /// `wanted`.
    pub(super) fn keeps(&self, log: &RequestLog, row: usize, wanted: f64) -> bool {
        let Some(stage) = self.stage_at(log.start_us[row]) else {
            return false;
        };
        let id = match (self.by, &log.units) {
            (DrawnBy::User, Some(units)) => units.id[row] as usize,
            _ => row,
        };
        // A user without a name is drawn for each request, by its row.
        let place = self
            .place
            .get(id)
            .or_else(|| self.place.get(row % self.place.len().max(1)));
        place.is_some_and(|place| *place * stage.share < wanted)
    }

    /// When the plan, given as starts and shares, first asks for more than the canary had.
    pub(super) fn overtaken(&self, planned: &[(i64, f64)], zero_us: i64) -> Option<ReplanEnd> {
        let starts = self.stages.iter().map(|stage| stage.from_us);
        overtaken(starts, planned, zero_us, |at_us, wanted| {
            let stage = self.stage_at(at_us)?;
            (wanted > stage.share + stage.tolerance).then_some(stage.share)
        })
    }

    fn stage_at(&self, at_us: i64) -> Option<&Stretch> {
        let after = self.stages.partition_point(|stage| stage.from_us <= at_us);
        self.stages.get(after.saturating_sub(1))
    }
}

/// Whether users kept their arm within stages.
fn drawn_by(log: &RequestLog, arms: &ReplaySettings, stages: &[StageSpan]) -> DrawnBy {
    let Some(units) = &log.units else {
        return DrawnBy::Request;
    };
    let (mut n_several, mut n_both) = (0_u64, 0_u64);
    for stage in stages {
        // Requests of a user in this stage, and those of them in the canary.
        let mut of_user = vec![(0_u32, 0_u32); units.n_units as usize];
        for (row, arm) in rows_within(log, arms, *stage) {
            if let Some(user) = of_user.get_mut(units.id[row] as usize) {
                user.0 += 1;
                user.1 += u32::from(arm == arms.treatment);
            }
        }
        for (n, n_canary) in of_user.into_iter().filter(|(n, _)| *n > 1) {
            n_several += 1;
            n_both += u64::from(n_canary > 0 && n_canary < n);
        }
    }
    if n_several > 0 && n_both as f64 <= STRAY * n_several as f64 {
        DrawnBy::User
    } else {
        DrawnBy::Request
    }
}

/// The canary's share of a stage, by what was drawn.
fn shares(log: &RequestLog, arms: &ReplaySettings, stage: StageSpan, by: DrawnBy) -> Stretch {
    let (mut n, mut n_canary) = (0_u64, 0_u64);
    let mut seen = vec![false; log.units.as_ref().map_or(0, |units| units.n_units as usize)];
    for (row, arm) in rows_within(log, arms, stage) {
        if let (DrawnBy::User, Some(units)) = (by, &log.units)
            && units.id[row] != Units::NONE
            && std::mem::replace(&mut seen[units.id[row] as usize], true)
        {
            continue;
        }
        n += 1;
        n_canary += u64::from(arm == arms.treatment);
    }
    let share = n_canary as f64 / n.max(1) as f64;
    Stretch {
        from_us: stage.from_us,
        share,
        tolerance: 3.0 * (share * (1.0 - share) / n.max(1) as f64).sqrt(),
    }
}

/// Rows of both arms that started within a stage, with their arms.
fn rows_within<'a>(
    log: &'a RequestLog,
    arms: &'a ReplaySettings,
    stage: StageSpan,
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let rows = log.arm.iter().map(|arm| usize::from(*arm)).enumerate();
    rows.filter(move |(row, arm)| {
        (*arm == arms.control || *arm == arms.treatment)
            && (stage.from_us..stage.to_us).contains(&log.start_us[*row])
    })
}
