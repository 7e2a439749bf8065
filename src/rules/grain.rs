//! Replays of a log that is known by its cells: counts and sums over stretches of one length. A rule whose
//! every look and window begins and ends between stretches sees what it would see of the requests; any
//! other is not evaluated, and the reason says what it needs.

use super::replay::{StageSpan, replay_at_grain};
use super::{
    Anchor, Clock, Column, Comparison, Condition, EventTime, Metric, Phase, PhaseRange, Replay,
    ReplaySettings, Rule, RuleReplay, Rulebook, TestKind, TestUnit, TickMode, TimeSpan, Window,
};
use crate::data::{Outcome, Quantity, RequestLog};
use crate::error::Result;
use crate::jobs::Progress;
use crate::units;

/// So many shifts of a rule's ticks are tried at most.
const MOST_PHASES: i64 = 20;

/// What a rule's durations are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationsAre {
    /// Their sums: means are exact.
    Sums,
    /// Their bins: quantiles are within the bins' error, and so is everything else of the rule.
    Binned,
}

/// Replays every rule of the rulebook that stretches of `width_us` allow, open loop.
///
/// `log_of` makes the requests: each at the end of its stretch, with the durations that are asked for. Rows
/// of requests are not told, because there are none; [`RuleReplay::phases`] says between when and when a
/// rule first fires, wherever in a stretch its ticks fall.
///
/// Fails as [`super::replay()`].
pub fn replay_cells(
    log_of: &dyn Fn(DurationsAre) -> Result<RequestLog>,
    rulebook: &Rulebook,
    settings: &ReplaySettings,
    (width_us, stages): (i64, &[StageSpan]),
    progress: &Progress,
) -> Result<Replay> {
    let run = |durations: DurationsAre| -> Result<Replay> {
        let mut part = rulebook.clone();
        part.rules.retain(|rule| durations_of(rule) == durations);
        let log = log_of(durations)?;
        let has_failures = log.outcome.iter().any(|outcome| *outcome != Outcome::Ok);
        let grain = Grain {
            width_us,
            has_failures,
        };
        let ground = GrainOf {
            object: &|rule| of_event_time(rulebook).or_else(|| grain.objection(rule)),
            shifts: &|rule| grain.shifts(rule),
        };
        let mut replay = replay_at_grain((&log, settings, stages), &part, &ground, progress)?;
        for rule in &mut replay.rules {
            grain.settle(rule);
        }
        Ok(replay)
    };
    let mut replay = run(DurationsAre::Sums)?;
    let is_binned = |rule: &Rule| durations_of(rule) == DurationsAre::Binned;
    if rulebook.rules.iter().any(is_binned) {
        replay.rules.extend(run(DurationsAre::Binned)?.rules);
        let place = |id: &str| rulebook.rules.iter().position(|rule| rule.id == id);
        replay.rules.sort_by_key(|rule| place(&rule.id));
    }
    replay.grain_us = Some(width_us);
    Ok(replay)
}

/// What a replay asks about rules on cells.
pub(super) struct GrainOf<'a> {
    /// Why a rule cannot be evaluated.
    pub(super) object: &'a (dyn Fn(&Rule) -> Option<String> + Sync),
    /// The rule with its ticks elsewhere.
    pub(super) shifts: &'a (dyn Fn(&Rule) -> Vec<Rule> + Sync),
}

/// What a rule's durations have to be read from.
fn durations_of(rule: &Rule) -> DurationsAre {
    let is_of_bins = |metric: &&Metric| {
        matches!(metric, Metric::Quantile(..) | Metric::Share(_))
            && metric.column().is_some_and(is_duration)
    };
    if rule.metrics().iter().any(is_of_bins) {
        DurationsAre::Binned
    } else {
        DurationsAre::Sums
    }
}

fn is_duration(column: &Column) -> bool {
    matches!(column.known(), Some(Quantity::LatencyMs | Quantity::TtftMs))
}

struct Grain {
    width_us: i64,
    /// Whether any request was not answered.
    has_failures: bool,
}

impl Grain {
    /// Why a rule cannot be evaluated; `None` where it can.
    fn objection(&self, rule: &Rule) -> Option<String> {
        self.of_clock(rule.clock).or_else(|| {
            let minimum = rule.min.as_ref().map(|min| min.window);
            let windows = rule.conditions().into_iter().map(|c| c.window);
            let of_window = minimum
                .into_iter()
                .chain(windows)
                .find_map(|window| self.of_window(window));
            let of_condition = || {
                let mut conditions = rule.conditions().into_iter();
                conditions.find_map(|condition| self.of_condition(condition, rule.unit))
            };
            of_window.or_else(of_condition)
        })
    }

    fn of_clock(&self, clock: Clock) -> Option<String> {
        match clock {
            Clock::Request { .. } => {
                Some("needs the request log: it looks after requests, not at times".to_owned())
            }
            Clock::StageEnd => Some(of_stages()),
            Clock::Every {
                anchor: Anchor::Stage,
                ..
            }
            | Clock::OnceAt {
                anchor: Anchor::Stage,
                ..
            } => Some(of_stages()),
            Clock::Every {
                mode: TickMode::AfterFinish,
                ..
            } => Some(
                "needs the request log: when it looks depends on what it saw before".to_owned(),
            ),
            Clock::Every {
                every,
                phase,
                delay,
                ..
            } => self
                .finer(every, "interval")
                .or_else(|| self.finer(phase.span(), "phase"))
                .or_else(|| self.finer(delay, "delay")),
            Clock::OnceAt { at, .. } => self.finer(at, "time"),
        }
    }

    fn of_window(&self, window: Window) -> Option<String> {
        match window {
            Window::Last { .. } => Some(
                "needs the request log: its window is counted in requests, not in time".to_owned(),
            ),
            Window::Stage => Some(of_stages()),
            Window::Run => None,
            Window::Trailing { span, .. } => self.finer(span, "window"),
            Window::Tumbling {
                align: Anchor::Stage,
                ..
            } => Some(of_stages()),
            Window::Tumbling { span, slide, .. } => {
                let of_span = self.finer(span, "period");
                of_span.or_else(|| self.finer(slide, "slide"))
            }
            Window::Counter {
                span,
                scrape,
                phase,
                ..
            } => self
                .finer(span, "window")
                .or_else(|| self.finer(scrape, "scrape interval"))
                .or_else(|| self.finer(phase, "phase")),
        }
    }

    fn of_condition(&self, condition: &Condition, unit: TestUnit) -> Option<String> {
        let single = || Some("needs the request log: it measures single requests".to_owned());
        if let Some(column) = condition.metric.column()
            && column.known() == Some(Quantity::TokensOut)
            && self.has_failures
        {
            return Some(
                "needs the request log: cells count completion tokens of answered requests alone"
                    .to_owned(),
            );
        }
        if let Comparison::Test(test) = condition.comparison {
            let is_of_shares =
                matches!(condition.metric, Metric::ErrorShare | Metric::SuccessShare);
            if !is_of_shares || unit == TestUnit::User || test.kind == TestKind::MannWhitney {
                return Some(
                    "needs the request log: its test looks at single requests or users".to_owned(),
                );
            }
        }
        match &condition.metric {
            Metric::ErrorShare
            | Metric::SuccessShare
            | Metric::Count
            | Metric::Rps
            | Metric::ErrorCount
            | Metric::ErrorsPerSecond
            | Metric::Burn(_) => None,
            // Which of the values are 0 is not known of any but durations.
            Metric::Mean(column) | Metric::Sum(column) => {
                let drops = condition.drop_zero && !is_duration(column);
                if drops { single() } else { None }
            }
            Metric::Quantile(column, _) => {
                if is_duration(column) {
                    None
                } else {
                    single()
                }
            }
            Metric::Share(predicate) => {
                if is_duration(&predicate.column) {
                    None
                } else {
                    single()
                }
            }
            Metric::Consecutive(_) | Metric::Score => single(),
        }
    }

    /// What is said of a span that ends within a stretch.
    fn finer(&self, span: TimeSpan, what: &str) -> Option<String> {
        (span.us % self.width_us != 0).then(|| {
            format!(
                "needs finer cells: its {what} of {} is no multiple of their {}",
                units::duration_us(span.us),
                units::duration_us(self.width_us)
            )
        })
    }

    /// The rule with its ticks and scrapes at other edges of stretches, spread over one interval.
    fn shifts(&self, rule: &Rule) -> Vec<Rule> {
        let Clock::Every { every, .. } = rule.clock else {
            return vec![rule.clone()];
        };
        let n_edges = (every.us / self.width_us).max(1);
        let n = n_edges.min(MOST_PHASES);
        let shifted = |k: i64| {
            let mut shifted = rule.clone();
            if let Clock::Every { phase, .. } = &mut shifted.clock {
                let us = phase.span().us + k * n_edges / n * self.width_us;
                *phase = Phase::Fixed(TimeSpan { us });
            }
            for condition in shifted.conditions_mut() {
                if let Window::Counter { scrape, phase, .. } = &mut condition.window {
                    // In another order, so that both vary on their own.
                    phase.us += 7 * k * self.width_us % scrape.us;
                }
            }
            shifted
        };
        (0..n).map(shifted).collect()
    }

    /// Leaves out rows, and lets the latest firing be anywhere in its stretch.
    fn settle(&self, rule: &mut RuleReplay) {
        if let Some(first) = &mut rule.first {
            first.row = None;
            first.event_index = None;
        }
        for transition in &mut rule.transitions {
            transition.row = None;
        }
        for condition in &mut rule.conditions {
            condition.first_row = None;
        }
        match &mut rule.phases {
            Some(PhaseRange {
                latest_us: Some(latest_us),
                ..
            }) => *latest_us += self.width_us,
            // One look that shows nothing is no range.
            Some(PhaseRange { n_phases: 1, .. }) => rule.phases = None,
            _ => {}
        }
    }
}

fn of_stages() -> String {
    "needs the request log: it looks at stages, which begin within cells".to_owned()
}

/// Why no rule of a rulebook can be evaluated.
fn of_event_time(rulebook: &Rulebook) -> Option<String> {
    (rulebook.columns.event_time != EventTime::End).then(|| {
        "needs the request log: cells count requests when their outcome is known".to_owned()
    })
}
