//! What would change the decision: how much more data would settle what is open, and which margins
//! leave what is settled as it is. A margin at which an open metric would pass is not told: nobody
//! should choose one by the result.
//!
//! An interval narrows with the square root of the sample. Its end reaches a bound that lies the
//! distance d from the true value with probability [`POWER`] once (multiplier + z)·se = d, z being that
//! probability's normal quantile: without z, chance would miss it half of the time. The estimate stands
//! in for the true value.

use super::decision::margin_words;
use super::looks;
use super::model::{
    ArmSummary, ArmValue, Direction, Effect, InferenceUnit, LogSummary, MetricRole, Outlook,
    ScorecardRow, Verdict,
};
use super::settings::Looks;
use crate::stats::{Estimate, Method, Share, dist, newcombe};
use crate::units::{self, Clock};

/// The chance that the amounts aim at.
const POWER: f64 = 0.8;
/// More data than this many times the log is no plan.
const HOPELESS: f64 = 1000.0;

/// From here on, the amount is told as out of reach.
pub(super) const FAR: f64 = 10.0;

/// How fast this log gathers units in the two arms that are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traffic {
    control: usize,
    n_units: Option<u64>,
    n_requests: u64,
    days: Option<f64>,
}

impl Traffic {
    /// Of control and treatment, by their indices.
    pub(super) fn of(log: &LogSummary, arms: &[ArmSummary], [control, arm]: [usize; 2]) -> Self {
        let arms = [&arms[control], &arms[arm]];
        let days = log
            .first_us
            .zip(log.last_us)
            .map(|(first, last)| last.saturating_sub(first) as f64 / 86_400e6)
            .filter(|days| *days > 0.0 && log.clock == Clock::Epoch);
        Self {
            control,
            n_units: arms[0].n_units.zip(arms[1].n_units).map(|(a, b)| a + b),
            n_requests: arms[0].n_requests + arms[1].n_requests,
            days,
        }
    }

    /// Units so far, of the kind that the effect stands on.
    fn so_far(&self, unit: InferenceUnit) -> f64 {
        match (unit, self.n_units) {
            (InferenceUnit::Unit, Some(n)) => n as f64,
            _ => self.n_requests as f64,
        }
    }
}

/// One outlook per metric that decides; those that stand in the way of shipping first.
pub(super) fn outlooks(
    deciding: &[(&ScorecardRow, &Effect)],
    traffic: &Traffic,
    looks: Looks,
) -> Vec<Outlook> {
    let mut list: Vec<(u8, f64, Outlook)> = deciding
        .iter()
        .filter_map(|(row, effect)| outlook(row, effect, traffic, looks))
        .collect();
    list.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    list.into_iter().map(|(_, _, outlook)| outlook).collect()
}

/// The outlook with its rank: open before harmed before fine, and how near it is.
fn outlook(
    row: &ScorecardRow,
    effect: &Effect,
    traffic: &Traffic,
    looks: Looks,
) -> Option<(u8, f64, Outlook)> {
    let difference = effect.difference?;
    let reach = reach(&difference, effect.test.and_then(|test| test.t_df()), looks)?;
    // Towards worse is positive; a neutral guardrail is read on the side on which it stands.
    let is_flipped = match row.direction {
        Direction::LowerIsBetter => false,
        Direction::HigherIsBetter => true,
        Direction::Neutral => difference.value < 0.0,
    };
    let (value, low, high) = if is_flipped {
        (
            -difference.value,
            -difference.interval.upper,
            -difference.interval.lower,
        )
    } else {
        (
            difference.value,
            difference.interval.lower,
            difference.interval.upper,
        )
    };
    let margin = effect.margin.unwrap_or(0.0);
    let passing_margin = high.is_finite().then_some(high.max(0.0));
    let base = Outlook {
        metric: row.id.clone(),
        label: row.label.clone(),
        passing_margin,
        n_more: None,
        unit: effect.unit,
        days_more: None,
        text: String::new(),
    };
    match effect.verdict {
        Verdict::Inconclusive | Verdict::WorseMarginOpen => {
            // How far each end has to come, over how far it is from the estimate.
            let (side, room, what) = if value > margin {
                (value - low, value, "to show it worse")
            } else {
                (high - value, margin - value, "to pass")
            };
            if side.is_infinite() {
                return Some((
                    0,
                    f64::MAX,
                    without_end(row, [traffic.control, effect.arm], base),
                ));
            }
            let is_upper = (value > margin) == is_flipped;
            let arms = (effect, traffic.control);
            let factor = of_few_events(row, arms, (reach, side, room), is_upper)
                .unwrap_or_else(|| (reach * side / room).powi(2));
            Some((0, factor, data_outlook(row, base, (factor, what), traffic)))
        }
        Verdict::Worse => {
            let text = format!(
                "{} would no longer be called clearly worse with a margin of {} or more (now {})",
                row.label,
                margin_words(row, value),
                margin_words(row, margin)
            );
            Some((
                1,
                value / margin.max(f64::MIN_POSITIVE),
                Outlook { text, ..base },
            ))
        }
        Verdict::Better | Verdict::WithinMargin if row.role == MetricRole::Primary => {
            // It passes as a guardrail; what may be missing is the benefit.
            if effect.verdict == Verdict::Better || value >= 0.0 {
                return None;
            }
            let factor = (reach * (high - value) / value).powi(2);
            Some((
                0,
                factor,
                data_outlook(row, base, (factor, "to show it better"), traffic),
            ))
        }
        Verdict::WithinMargin => {
            let text = format!(
                "{} would no longer pass with a margin below {} (now {})",
                row.label,
                margin_words(row, passing_margin?),
                margin_words(row, margin)
            );
            let nearness = margin / high.max(f64::MIN_POSITIVE);
            Some((2, nearness, Outlook { text, ..base }))
        }
        _ => None,
    }
}

/// A quantile of which the log holds too few values for an end of its interval on that side.
fn without_end(row: &ScorecardRow, arms: [usize; 2], base: Outlook) -> Outlook {
    let tail = row.quantile.map_or(0.5, |q| q.max(1.0 - q));
    let values = || arms.iter().filter_map(|arm| row.values.get(*arm));
    let level = values().find_map(|value| Some(value.estimate?.level));
    // The greatest of n values lies below the quantile with the probability qⁿ.
    let outside = (1.0 - level.unwrap_or(0.95)) / 2.0;
    let needed = (outside.ln() / tail.ln()).ceil() as u64;
    let n = values().map(|value| value.n).min().unwrap_or(0);
    Outlook {
        text: format!(
            "{}: {} {} in one arm are too few for a bound on how far it differs; at least {} in each would be needed",
            row.label,
            units::count(n),
            row.denominator,
            units::count(needed.max(n + 1)),
        ),
        ..base
    }
}

/// How many times the log it takes where an arm has few events: Wilson's ends then come nearer with n
/// rather than with its root. `None` where no number of requests makes it.
fn of_few_events(
    row: &ScorecardRow,
    (effect, control): (&Effect, usize),
    (reach, side, room): (f64, f64, f64),
    is_upper: bool,
) -> Option<f64> {
    let difference = effect.difference?;
    let is_newcombe = matches!(
        difference.method,
        Method::Newcombe | Method::EffectiveNewcombe
    );
    let [control, treated] = [control, effect.arm].map(|arm| row.values.get(arm));
    let (control, treated) = control.zip(treated)?;
    let side_at = |factor: f64| -> Option<f64> {
        let grown = |value: &ArmValue| -> Option<Share> {
            let grown = |n: u64| (n as f64 * factor).round() as u64;
            Some(Share {
                events: grown(value.numerator?),
                n: grown(value.n),
            })
        };
        let d = newcombe(grown(control)?, grown(treated)?, difference.level)?;
        Some(if is_upper {
            d.interval.upper - d.value
        } else {
            d.value - d.interval.lower
        })
    };
    // What clustering and stages add is taken to stay.
    let scale = side / side_at(1.0).filter(|side| is_newcombe && *side > 0.0)?;
    let is_enough = |factor: f64| side_at(factor).is_some_and(|s| reach * scale * s <= room);
    let (mut low, mut high) = (1.0, HOPELESS);
    if !is_enough(high) {
        return None;
    }
    while high / low > 1.01 {
        let middle = (low * high).sqrt();
        if is_enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// How much further than an interval's end the bound has to lie for the end to clear it with
/// probability [`POWER`], as a multiple of the interval's side.
fn reach(difference: &Estimate, df: Option<f64>, looks: Looks) -> Option<f64> {
    let multiplier = match (looks, df) {
        (Looks::Continuous, _) => looks::multiplier(difference.n, difference.level)?,
        (Looks::Fixed, Some(df)) => dist::t_multiplier(difference.level, df)?,
        (Looks::Fixed, None) => dist::z_multiplier(difference.level)?,
    };
    // The multiplier of a two-sided level is the quantile at its upper end.
    let z = dist::z_multiplier(2.0 * POWER - 1.0)?;
    Some((multiplier + z) / multiplier)
}

/// How much more data it takes.
fn data_outlook(
    row: &ScorecardRow,
    base: Outlook,
    (factor, what): (f64, &str),
    traffic: &Traffic,
) -> Outlook {
    if !(factor.is_finite() && factor < HOPELESS) {
        return Outlook {
            text: format!(
                "{}: the estimate lies so near the bound that no realistic amount of data would tell",
                row.label
            ),
            ..base
        };
    }
    let n_more = (traffic.so_far(base.unit) * (factor - 1.0)).ceil().max(1.0);
    let noun = match base.unit {
        InferenceUnit::Unit => "users",
        InferenceUnit::Request => "requests",
    };
    if factor >= FAR {
        return Outlook {
            text: format!(
                "{} is out of this log's reach: some {} times its {noun} in both arms would be needed {what} with a chance of {}",
                row.label,
                units::count(round_up(factor)),
                units::share(POWER),
            ),
            n_more: Some(n_more as u64),
            ..base
        };
    }
    let days_more = traffic.days.map(|days| days * (factor - 1.0));
    let time = days_more.map_or_else(String::new, |days| {
        // Traffic is not known to the hour for weeks.
        let days = if days < 10.0 {
            days
        } else {
            round_up(days) as f64
        };
        format!(
            ", {} at this log's traffic,",
            units::duration_us((days * 86_400e6).min(9e17) as i64)
        )
    });
    Outlook {
        text: format!(
            "{} would need about {} more {noun} in both arms together{time} {what} with a chance of {}, if the true difference is the measured one",
            row.label,
            units::count(round_up(n_more)),
            units::share(POWER),
        ),
        n_more: Some(n_more as u64),
        days_more,
        ..base
    }
}

/// Two significant digits, upwards: more would promise what chance cannot keep.
pub(super) fn round_up(n: f64) -> u64 {
    let step = 10f64.powf((n.log10().floor() - 1.0).max(0.0));
    ((n / step).ceil() * step) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_two_digits_and_round_up() {
        for (n, expected) in [(1.0, 1), (12.0, 12), (101.0, 110), (12_345.0, 13_000)] {
            assert_eq!(round_up(n), expected, "{n}");
        }
    }
}
