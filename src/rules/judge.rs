//! [`Judge`]: a score over the replay. The points of every metric are made once; every evaluation
//! judges those that are complete, unless none has come since.

use std::ops::Range;

use super::prepare::View;
use super::score::{Judgement, NanStrategy, Score};
use super::signal::Signal;
use super::state::{Observed, Point};
use super::{
    ArmRole, Clock, Cmp, Comparison, Condition, Edge, LowSample, PerArm, ScoreMetric, TimeSpan,
    Window,
};
use crate::units::count;

/// A judge goes through all points so far at every look. Where that comes to more points than this, the rule is
/// not evaluated: it would take minutes.
const MAX_JUDGED: u64 = 100_000_000;

/// A score with the points of its metrics.
pub(super) struct Judge {
    score: Score,
    /// Per metric: the points of canary and baseline, NaN without data.
    points: Vec<(Vec<f64>, Vec<f64>)>,
    /// The end of the first point.
    first_us: i64,
    /// How many points were judged last, and their score.
    last: Option<(usize, f64)>,
}

impl Judge {
    /// Fails with the reason why there are too many points for it.
    pub(super) fn new(view: View<'_>, score: &Score) -> Result<Self, String> {
        let delay = match view.rule.clock {
            Clock::Every { delay, .. } => delay,
            _ => TimeSpan::default(),
        };
        let step_us = score.points.us;
        let first_us = view.zero_us() + delay.us + step_us;
        let n = ((view.until_us - first_us).div_euclid(step_us) + 1).max(0);
        let event_us = &view.prepared.log.event_us;
        let ends: Vec<Point> = (0..n)
            .map(|k| first_us + k * step_us)
            .map(|at_us| Point {
                at_us,
                seen: event_us.partition_point(|event| *event <= at_us) as u32,
            })
            .collect();
        let points = score
            .metrics
            .iter()
            .map(|metric| series(view, metric, score.points, &ends))
            .collect();
        let judge = Self {
            score: score.clone(),
            points,
            first_us,
            last: None,
        };
        let look_us = match view.rule.clock {
            Clock::Every { every, .. } => every.us,
            _ => step_us,
        };
        match judge.n_judged(look_us) {
            n if n > MAX_JUDGED => Err(format!(
                "its judge would go through {} points, all so far at every look: look less often, or make points longer",
                count(n)
            )),
            _ => Ok(judge),
        }
    }

    /// The score of the points so far, and how many they are.
    pub(super) fn observe(&mut self, point: Point) -> Observed {
        let n = self.n_points(point);
        if n == 0 {
            return Observed::NOTHING;
        }
        let score = match self.last {
            Some((known, score)) if known <= n && self.n_new(known..n) == 0 => score,
            _ => self.score.of(&self.judged(n)),
        };
        self.last = Some((n, score));
        Observed::new(score, n as u32)
    }

    /// Points among these that are judged, over all metrics and both arms.
    fn n_new(&self, points: Range<usize>) -> usize {
        let metrics = self.score.metrics.iter().zip(&self.points);
        let new = metrics.map(|(metric, (canary, baseline))| {
            let of_arm = |arm: &[f64]| {
                let end = points.end.min(arm.len());
                let arm = &arm[points.start.min(end)..end];
                match metric.nan {
                    NanStrategy::Remove => arm.iter().filter(|value| !value.is_nan()).count(),
                    NanStrategy::Replace => arm.len(),
                }
            };
            of_arm(canary) + of_arm(baseline)
        });
        new.sum()
    }

    /// About how many points are gone through in all, with a look so often. Points without data are passed over
    /// much sooner than the others are judged.
    fn n_judged(&self, look_us: i64) -> u64 {
        const PASSED_OVER: usize = 16;
        let n = self.points.first().map_or(0, |(canary, _)| canary.len());
        let n_of_look = (look_us / self.score.points.us).max(1) as usize;
        let (mut kept, mut judged) = (0, 0);
        for end in (n_of_look..=n).step_by(n_of_look) {
            let new = self.n_new(end - n_of_look..end);
            kept += new;
            if new > 0 {
                judged += (kept + end / PASSED_OVER) as u64;
            }
        }
        judged
    }

    fn n_points(&self, point: Point) -> usize {
        let n = (point.at_us - self.first_us).div_euclid(self.score.points.us) + 1;
        n.max(0) as usize
    }

    fn judged(&self, n: usize) -> Vec<Judgement> {
        let so_far = |points: &[f64]| points[..n.min(points.len())].to_vec();
        self.score
            .metrics
            .iter()
            .zip(&self.points)
            .map(|(metric, (canary, baseline))| {
                metric.judge(&so_far(canary), &so_far(baseline), self.score.seed)
            })
            .collect()
    }
}

/// The points of one metric: its value over each period, for both arms.
fn series(
    view: View<'_>,
    metric: &ScoreMetric,
    span: TimeSpan,
    ends: &[Point],
) -> (Vec<f64>, Vec<f64>) {
    let condition = Condition {
        name: metric.name.clone(),
        metric: metric.metric.clone(),
        arm: ArmRole::Canary,
        window: Window::Trailing {
            span,
            left: Edge::Open,
        },
        comparison: Comparison::Value {
            cmp: Cmp::Gt,
            value: 0.0,
        },
        scale: 1.0,
        min_n: PerArm::default(),
        require: None,
        empty_as: None,
        drop_zero: false,
        quantile_method: metric.quantile_method,
        buckets: Vec::new(),
        no_data: None,
        nan: None,
        low_sample: LowSample::default(),
        stop: false,
        score: None,
    };
    let mut signal = Signal::new(view, &condition, true);
    let mut last = (f64::NAN, f64::NAN);
    let block = super::state::Block::of(ends.to_vec());
    let mut seen = Vec::new();
    signal.observe(&block, &mut seen);
    let mut seen = seen.into_iter().peekable();
    (0..ends.len())
        .map(|at| {
            if let Some(found) = seen.next_if(|found| found.at as usize == at) {
                last = (
                    found.measured.value * metric.scale,
                    found.baseline.value * metric.scale,
                );
            }
            last
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Arm, Outcome, RequestLog};
    use crate::rules::{Assignment, Prepared, Rulebook};

    const HOUR_US: i64 = 3_600_000_000;

    /// Requests of both arms in turn, every ten minutes of so many days from each of these hours on; the canary fails
    /// more often from hour to hour.
    fn log(days: i64, from_hours: &[i64]) -> RequestLog {
        let mut log = RequestLog {
            arms: ["a", "b"].map(|name| Arm { name: name.into() }).into(),
            has_outcome: true,
            ..RequestLog::default()
        };
        for from in from_hours {
            for k in 0..days * 144 {
                let at_us = from * HOUR_US + k * HOUR_US / 6;
                let is_canary = k % 2 == 1;
                log.row.push(log.event_us.len() as u32);
                log.arm.push(u16::from(is_canary));
                log.start_us.push(at_us);
                log.event_us.push(at_us);
                let fails = k % 7 == 0 || (is_canary && k % 5 < 2);
                log.outcome
                    .push(if fails { Outcome::Error } else { Outcome::Ok });
            }
        }
        log
    }

    fn rulebook(every: &str, nan: &str) -> Rulebook {
        let text = format!(
            "[[rule]]\nid = 'r'\nclock = {{ every = '{every}' }}\n[rule.score]\njudge = 'netflix-aca'\npoints = {{ tumbling = '1h' }}\n\
             metrics = [{{ name = 'm', metric = 'error_share', scale = 100, direction = 'increase', nan = '{nan}' }}]\n"
        );
        Rulebook::parse(&text).unwrap()
    }

    fn judge(log: &RequestLog, every: &str, nan: &str) -> (Result<Judge, String>, Vec<Point>) {
        let rulebook = rulebook(every, nan);
        let rule = &rulebook.rules[0];
        let prepared = Prepared::new(log, &rulebook, &[]);
        let arms = Assignment::of(log, 0, 1);
        let score = rule.conditions()[0].score.as_deref().unwrap();
        let judge = Judge::new(View::new(&prepared, &arms, rule, None), score);
        let hours = 1..arms.span_us.1 / HOUR_US;
        let point = |hour: i64| Point {
            at_us: hour * HOUR_US,
            seen: 0,
        };
        (judge, hours.map(point).collect())
    }

    #[test]
    fn what_was_judged_is_kept_while_nothing_comes() {
        let log = log(1, &[0, 300]);
        let (judge, points) = judge(&log, "1h", "remove");
        let mut judge = judge.unwrap();
        for point in points {
            let found = judge.observe(point);
            let n = judge.n_points(point);
            let anew = judge.score.of(&judge.judged(n));
            assert_eq!((found.value.to_bits(), found.n), (anew.to_bits(), n as u32));
            if (26..300).contains(&n) {
                assert_eq!(judge.n_new(26..n), 0);
            }
        }
    }

    #[test]
    fn a_judge_of_too_many_points_says_so() {
        let years = log(1, &[0, 20 * 8766]);
        assert!(judge(&years, "1h", "remove").0.is_ok());
        let (refused, _) = judge(&years, "1h", "replace");
        let reason = refused.err().unwrap();
        assert!(reason.contains("look less often"), "{reason}");
        assert!(judge(&years, "365d", "replace").0.is_ok());
        let rulebook = rulebook("1h", "replace");
        let rule = &rulebook.rules[0];
        let (prepared, arms) = (
            Prepared::new(&years, &rulebook, &[]),
            Assignment::of(&years, 0, 1),
        );
        let progress = crate::jobs::Progress::unwatched();
        let found = crate::rules::replay_rule(&prepared, &arms, rule, None, &progress).unwrap();
        assert_eq!(found.skipped, Some(reason));
    }
}
