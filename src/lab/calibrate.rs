//! Thresholds that keep a false-rollback probability.
//!
//! The highest threshold that a condition exceeds in a whole rollout is a maximum over all looks. In
//! rollouts without a difference its order statistic of rank ⌈(B + 1)(1 − α)⌉ is exceeded by one
//! more such rollout with a probability of at most α, whatever the windows, the clock and the
//! distribution. With several alternatives each gets an equal part of α (Bonferroni).

use super::model::CalibratedThreshold;
use super::run::Trace;
use crate::rules::passage::oriented;
use crate::rules::{Condition, Node, Rule, threshold_text};

/// Moves the thresholds so that `rule` fires in at most a share `alpha` of rollouts like `calm`, and
/// says what became of each.
pub(super) fn calibrate(rule: &mut Rule, calm: &[Trace], alpha: f64) -> Vec<CalibratedThreshold> {
    let mut free = Vec::new();
    alternatives(&rule.root, 0, &mut free);
    let part = alpha / free.len().max(1) as f64;
    let mut found = Vec::new();
    for (i, condition) in rule.conditions_mut().into_iter().enumerate() {
        let was = condition.comparison.threshold();
        let was_text = threshold_text(condition, was);
        let moved = if free.contains(&i) {
            threshold(condition, i, calm, part)
        } else {
            Err("it only counts together with a condition that was calibrated".to_owned())
        };
        if let Ok(threshold) = moved {
            condition.comparison.set_threshold(threshold);
        }
        found.push(CalibratedThreshold {
            condition: condition.name.clone(),
            was,
            is: condition.comparison.threshold(),
            was_text,
            is_text: threshold_text(condition, condition.comparison.threshold()),
            kept: moved.err(),
        });
    }
    found
}

/// How many rollouts it takes at least to calibrate a rule.
pub(super) fn needed(rule: &Rule, alpha: f64) -> u64 {
    let mut free = Vec::new();
    alternatives(&rule.root, 0, &mut free);
    rollouts(alpha / free.len().max(1) as f64)
}

/// With so many rollouts the rank ⌈(B + 1)(1 − α)⌉ exists.
fn rollouts(alpha: f64) -> u64 {
    (1.0 / alpha).ceil() as u64
}

/// The leaves whose thresholds are free: every alternative of an `any`, and one of an `all`. Gives
/// the number of leaves of the node, whose first is `first`.
fn alternatives(node: &Node, first: usize, free: &mut Vec<usize>) -> usize {
    match node {
        Node::Condition(_) => {
            free.push(first);
            1
        }
        // A watch refuses rules with a negation.
        Node::Not(part) => alternatives(part, first, &mut Vec::new()),
        Node::Any(parts) => {
            let mut at = first;
            for part in parts {
                at += alternatives(part, at, free);
            }
            at - first
        }
        Node::All(parts) => {
            let mut at = first;
            let mut of_parts = Vec::new();
            for part in parts {
                let mut own = Vec::new();
                at += alternatives(part, at, &mut own);
                of_parts.push(own);
            }
            // The part with the fewest alternatives spends least of α.
            free.extend(
                of_parts
                    .into_iter()
                    .min_by_key(Vec::len)
                    .unwrap_or_default(),
            );
            at - first
        }
    }
}

/// The threshold that a condition alone exceeds in at most a share `alpha` of rollouts, rounded to
/// four digits on the safe side, or why there is none.
fn threshold(condition: &Condition, i: usize, calm: &[Trace], alpha: f64) -> Result<f64, String> {
    let mut reaches: Vec<f64> = calm.iter().map(|trace| trace.reach(i)).collect();
    reaches.sort_unstable_by(f64::total_cmp);
    let rank = ((reaches.len() + 1) as f64 * (1.0 - alpha)).ceil() as usize;
    let Some(level) = rank.checked_sub(1).and_then(|k| reaches.get(k)) else {
        return Err(format!("too few rollouts: {} are needed", rollouts(alpha)));
    };
    if *level == f64::INFINITY {
        return Err("in too many rollouts it holds whatever its threshold".to_owned());
    }
    if *level == f64::NEG_INFINITY {
        let why = match condition.require {
            Some(_) => "the baseline never was what it requires",
            None => "it never had enough data to be judged",
        };
        return Err(why.to_owned());
    }
    // A share or a number that is zero in all of them: any threshold would do, and none is known to.
    if reaches.iter().all(|reach| *reach == 0.0) {
        return Err("the baseline never had any, so that no level can be told from it".to_owned());
    }
    let safe = rounded_up(level.next_up(), 4);
    // Adding zero makes a negative zero a zero.
    Ok(oriented(condition.comparison.cmp(), safe) + 0.0)
}

/// The next number above with so many digits.
fn rounded_up(value: f64, digits: i32) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let place = digits - 1 - value.abs().log10().floor() as i32;
    // Through text, so that the result is the float nearest to what a reader writes.
    let scale = 10_f64.powi(place);
    let digits = (value * scale).ceil();
    let text = format!("{digits}e{}", -place);
    match text.parse::<f64>() {
        Ok(rounded) if rounded >= value => rounded,
        // Scaling rounded the wrong way.
        Ok(_) => format!("{}e{}", digits + 1.0, -place)
            .parse()
            .unwrap_or(value),
        Err(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::presets;

    #[test]
    fn rounding_is_to_the_safe_side() {
        for (value, rounded) in [
            (0.050_000_1, 0.050_01),
            (0.05, 0.05),
            (-0.933_333, -0.9333),
            (11.0, 11.0),
            (4_123.4, 4_124.0),
            (0.0, 0.0),
        ] {
            assert_eq!(rounded_up(value, 4), rounded, "{value}");
        }
        for i in 1..2000_u32 {
            let value = f64::from(i) / 771.0;
            assert!(rounded_up(value, 4) >= value);
        }
    }

    #[test]
    fn every_alternative_is_free_and_one_of_a_conjunction() {
        let free = |id: &str| {
            let rulebook = presets::rulebook(&[id]).unwrap();
            let mut free = Vec::new();
            alternatives(&rulebook.rules[0].root, 0, &mut free);
            free
        };
        assert_eq!(free("quality-monitor"), [0, 1, 2, 3]);
        assert_eq!(free("prometheus-success-ratio"), [0]);
        let leaf = |rule: &Rule| Node::Condition(Box::new(rule.conditions()[0].clone()));
        let rule = presets::rulebook(&["monitor-canary"])
            .unwrap()
            .rules
            .remove(0);
        let both = Node::All(vec![Node::Any(vec![leaf(&rule), leaf(&rule)]), leaf(&rule)]);
        let mut found = Vec::new();
        assert_eq!(alternatives(&both, 0, &mut found), 3);
        assert_eq!(found, [2]);
    }
}
