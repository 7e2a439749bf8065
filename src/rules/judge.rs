//! [`Judge`]: a score over the replay. The points of every metric are made once; every evaluation
//! judges those that are complete.

use super::prepare::View;
use super::score::{Judgement, Score};
use super::signal::Signal;
use super::state::{Observed, Point};
use super::{
    ArmRole, Clock, Cmp, Comparison, Condition, Edge, LowSample, PerArm, ScoreMetric, TimeSpan,
    Window,
};

/// A score with the points of its metrics.
pub(super) struct Judge {
    score: Score,
    /// Per metric: the points of canary and baseline, NaN without data.
    points: Vec<(Vec<f64>, Vec<f64>)>,
    /// The end of the first point.
    first_us: i64,
}

impl Judge {
    pub(super) fn new(view: View<'_>, score: &Score) -> Self {
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
        Self {
            score: score.clone(),
            points,
            first_us,
        }
    }

    /// The score of the points so far, and how many they are.
    pub(super) fn observe(&self, point: Point) -> Observed {
        let judged = self.judged(point);
        let n = self.n_points(point);
        if n == 0 {
            return Observed::NOTHING;
        }
        Observed::new(self.score.of(&judged), n as u32)
    }

    fn n_points(&self, point: Point) -> usize {
        let n = (point.at_us - self.first_us).div_euclid(self.score.points.us) + 1;
        n.max(0) as usize
    }

    fn judged(&self, point: Point) -> Vec<Judgement> {
        let n = self.n_points(point);
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
