//! Thresholds that keep a false-rollback probability.
//!
//! The highest threshold that a condition exceeds in a whole rollout is a maximum over all looks. In
//! rollouts without a difference its order statistic of rank ⌈(B + 1)(1 − α)⌉ is exceeded by one
//! more such rollout with a probability of at most α, whatever the windows, the clock and the
//! distribution. With several alternatives each gets an equal part of α (Bonferroni).

use super::model::CalibratedThreshold;
use super::run::Trace;
use crate::rules::passage::oriented;
use crate::rules::{Condition, Minimum, Node, PerArm, Persistence, Rule, Window};

/// A version of a rule that looks at other windows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variant {
    /// How it differs, in words.
    pub(super) name: String,
    pub(super) rule: Rule,
}

/// The rule as it is, and with more to look at.
pub(super) fn variants(rule: &Rule) -> Vec<Variant> {
    let mut found = vec![Variant {
        name: "windows as written".to_owned(),
        rule: rule.clone(),
    }];
    let longest = rule
        .conditions()
        .iter()
        .filter_map(|condition| match condition.window {
            Window::Last { n } => Some(n),
            _ => None,
        })
        .max();
    if let Some(n) = longest {
        let least = rule.min.map_or(0, |min| min.n.canary);
        if least < n {
            found.push(Variant {
                name: format!("first look at a full window of {n}"),
                rule: with_minimum(rule.clone(), n, Window::Last { n }),
            });
        }
        let (wide, enough) = (n * 5, n * 2);
        let mut rule = with_minimum(rule.clone(), enough, Window::Last { n: wide });
        for condition in rule.conditions_mut() {
            if let Window::Last { n } = &mut condition.window {
                *n *= 5;
                condition.min_n.canary *= 3;
                condition.min_n.baseline *= 3;
            }
        }
        found.push(Variant {
            name: format!("windows of {wide} requests, first look at {enough}"),
            rule,
        });
    } else if rule.conditions().iter().any(|c| c.window == Window::Run) {
        for n in [200, 1000] {
            if rule.min.is_none_or(|min| min.n.canary < n) {
                found.push(Variant {
                    name: format!("first look at {n} canary requests"),
                    rule: with_minimum(rule.clone(), n, Window::Run),
                });
            }
        }
    } else if rule.persistence == Persistence::None
        && rule.min.is_none()
        && let Some(window) = rule.conditions().first().map(|c| c.window)
        && !matches!(window, Window::Counter { .. })
    {
        found.push(Variant {
            name: "at least 100 canary requests in the window".to_owned(),
            rule: with_minimum(rule.clone(), 100, window),
        });
    }
    found
}

fn with_minimum(mut rule: Rule, canary: u32, window: Window) -> Rule {
    let baseline = rule.min.map_or(0, |min| min.n.baseline);
    rule.min = Some(Minimum {
        window,
        n: PerArm { canary, baseline },
    });
    rule
}

/// Moves the thresholds so that `rule` fires in at most a share `alpha` of rollouts like `calm`, and
/// says what became of each.
pub(super) fn calibrate(rule: &mut Rule, calm: &[Trace], alpha: f64) -> Vec<CalibratedThreshold> {
    let mut free = Vec::new();
    alternatives(&rule.root, 0, &mut free);
    let part = alpha / free.len().max(1) as f64;
    let mut found = Vec::new();
    for (i, condition) in rule.conditions_mut().into_iter().enumerate() {
        let was = condition.comparison.threshold();
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
            kept: moved.err(),
        });
    }
    found
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
        return Err(format!(
            "too few rollouts: {} are needed",
            (1.0 / alpha).ceil()
        ));
    };
    if *level == f64::INFINITY {
        return Err("in too many rollouts it holds whatever its threshold".to_owned());
    }
    if *level == f64::NEG_INFINITY {
        return Err("it never had enough data to be judged".to_owned());
    }
    let safe = rounded_up(level.next_up(), 4);
    Ok(oriented(condition.comparison.cmp(), safe))
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

    #[test]
    fn a_rule_of_the_last_requests_gets_wider_windows() {
        let rule = presets::rulebook(&["quality-monitor"])
            .unwrap()
            .rules
            .remove(0);
        let found = variants(&rule);
        assert_eq!(found.len(), 3);
        assert_eq!(found[2].rule.min.unwrap().n.canary, 200);
        assert_eq!(
            found[2].rule.conditions()[0].window,
            Window::Last { n: 500 }
        );
        assert_eq!(found[2].rule.conditions()[2].min_n.canary, 30);
    }
}
