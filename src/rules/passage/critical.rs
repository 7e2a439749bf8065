//! The highest threshold that a condition still exceeds.

use super::super::state::{Observed, Seen};
use super::super::{Cmp, Comparison, Condition};

/// The highest oriented threshold at which a condition holds on what its windows show, given that
/// it holds at the one in `condition`. Infinite where every threshold is exceeded, as beside a
/// baseline of 0. A factor of a negative baseline means nothing and counts as exceeded.
pub(super) fn critical(condition: &Condition, seen: &Seen) -> f64 {
    let value = |observed: Observed| match condition.empty_as {
        Some(empty) if observed.value.is_nan() => empty,
        _ => observed.value * condition.scale,
    };
    let (x, base) = (value(seen.measured), value(seen.baseline));
    match condition.comparison {
        Comparison::Value { cmp, .. } => of_difference(cmp, x),
        Comparison::Drop { cmp, .. } => of_difference(cmp, base - x),
        Comparison::Rise { cmp, .. } => of_difference(cmp, x - base),
        Comparison::TimesBaseline { cmp, .. } => of_factor(cmp, x, base),
        test @ Comparison::Test(_) => of_difference(test.cmp(), seen.statistic),
    }
}

/// The highest oriented θ with `x cmp θ`.
fn of_difference(cmp: Cmp, x: f64) -> f64 {
    match cmp {
        Cmp::Gt => x.next_down(),
        Cmp::Lt => (-x).next_down(),
        Cmp::Ge | Cmp::Eq | Cmp::Ne => x,
        Cmp::Le => -x,
    }
}

/// The highest oriented factor with `x cmp base·factor`, where the product is rounded as the rule
/// rounds it: the quotient, corrected by the few last places that rounding can cost.
fn of_factor(cmp: Cmp, x: f64, base: f64) -> f64 {
    let is_upper = matches!(cmp, Cmp::Gt | Cmp::Ge);
    let holds = |level: f64| {
        let factor = super::oriented(cmp, level);
        cmp.holds(x, base * factor)
    };
    if base <= 0.0 {
        return f64::INFINITY;
    }
    let quotient = if is_upper { x / base } else { -(x / base) };
    let (mut low, mut high) = (quotient, quotient);
    for _ in 0..4 {
        (low, high) = (low.next_down(), high.next_up());
    }
    if !holds(low) || holds(high) {
        (low, high) = (f64::MIN, f64::MAX);
        if holds(high) {
            return f64::INFINITY;
        }
    }
    // Bisection between neighbours in the order of the floats.
    let (mut low, mut high) = (ordinal(low), ordinal(high));
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(float(middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    float(low)
}

/// Integers in the order of the finite floats; half their range, so that differences fit.
fn ordinal(value: f64) -> i128 {
    let bits = i128::from(value.to_bits() & !(1 << 63));
    if value.is_sign_negative() {
        -bits
    } else {
        bits
    }
}

fn float(ordinal: i128) -> f64 {
    let magnitude = f64::from_bits(ordinal.unsigned_abs() as u64);
    if ordinal < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The level holds and the next one does not.
    fn check(cmp: Cmp, x: f64, base: f64) {
        let level = of_factor(cmp, x, base);
        let holds = |level: f64| cmp.holds(x, base * super::super::oriented(cmp, level));
        assert!(holds(level), "{cmp} {x} {base}: {level}");
        assert!(!holds(level.next_up()), "{cmp} {x} {base}: {level}");
    }

    #[test]
    fn a_factor_is_exact_to_the_last_place() {
        for i in 1..200_u32 {
            for k in 1..40_u32 {
                let (x, base) = (f64::from(i) / 97.0, f64::from(k) / 101.0);
                for cmp in [Cmp::Gt, Cmp::Ge, Cmp::Lt, Cmp::Le] {
                    check(cmp, x, base);
                }
            }
        }
        check(Cmp::Gt, 0.15, 0.05);
        check(Cmp::Gt, 1e-300, 1e300);
    }

    #[test]
    fn nothing_is_too_much_beside_nothing() {
        assert_eq!(of_factor(Cmp::Gt, 0.1, 0.0), f64::INFINITY);
    }

    #[test]
    fn values_are_their_own_thresholds() {
        assert_eq!(of_difference(Cmp::Ge, 0.05), 0.05);
        assert!(of_difference(Cmp::Gt, 0.05) < 0.05);
        assert_eq!(of_difference(Cmp::Le, 0.95), -0.95);
        assert!(0.95 < -of_difference(Cmp::Lt, 0.95));
    }
}
