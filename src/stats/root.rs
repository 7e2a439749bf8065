//! Bracketed root search: every quantile and power solver goes through here, so none can hang.

/// Which way a bracket grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Towards −∞.
    Down,
    /// Towards +∞.
    Up,
}

/// Steps from `start` by doubling steps until `f` changes sign; the last two points, lower first.
/// `None` if the sign has not changed at `limit`.
pub(crate) fn bracket(
    f: impl Fn(f64) -> f64,
    start: f64,
    first_step: f64,
    direction: Direction,
    limit: f64,
) -> Option<(f64, f64)> {
    const MAX_STEPS: usize = 200;
    let positive = f(start) > 0.0;
    let mut near = start;
    let mut step = first_step;
    for _ in 0..MAX_STEPS {
        let far = match direction {
            Direction::Down => (near - step).max(limit),
            Direction::Up => (near + step).min(limit),
        };
        if (f(far) > 0.0) != positive {
            return Some(if near < far { (near, far) } else { (far, near) });
        }
        if far == limit {
            return None;
        }
        near = far;
        step *= 2.0;
    }
    None
}

/// The root of `f` between `low` and `high`, to the last bits; `None` if `f` has the same sign at
/// both ends. T. R. Chandrupatla (1997): inverse quadratic steps where they are safe, else halving.
pub(crate) fn find_root(f: impl Fn(f64) -> f64, low: f64, high: f64) -> Option<f64> {
    const MAX_STEPS: usize = 200;
    let (mut x1, mut x2) = (low, high);
    let (mut f1, mut f2) = (f(x1), f(x2));
    if f1 == 0.0 {
        return Some(x1);
    }
    if f2 == 0.0 {
        return Some(x2);
    }
    if !((f1 < 0.0 && f2 > 0.0) || (f1 > 0.0 && f2 < 0.0)) {
        return None;
    }
    let mut fraction = 0.5;
    for _ in 0..MAX_STEPS {
        let x = x1 + fraction * (x2 - x1);
        let value = f(x);
        let (x3, f3);
        if (value > 0.0) == (f1 > 0.0) {
            (x3, f3) = (x1, f1);
        } else {
            (x3, f3) = (x2, f2);
            (x2, f2) = (x1, f1);
        }
        (x1, f1) = (x, value);
        let best = if f1.abs() < f2.abs() { x1 } else { x2 };
        let tolerance = 2.0 * f64::EPSILON * best.abs() + f64::MIN_POSITIVE;
        let least = tolerance / (x2 - x1).abs();
        if least > 0.5 || f1 == 0.0 {
            return Some(best);
        }
        let xi = (x1 - x2) / (x3 - x2);
        let phi = (f1 - f2) / (f3 - f2);
        fraction = if phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi {
            let quadratic = f1 / (f2 - f1) * f3 / (f2 - f3)
                + (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2);
            quadratic.clamp(least, 1.0 - least)
        } else {
            0.5
        };
    }
    Some(if f1.abs() < f2.abs() { x1 } else { x2 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn finds_roots_in_few_steps() {
        let calls = Cell::new(0);
        let root = find_root(
            |x| {
                calls.set(calls.get() + 1);
                x * x - 2.0
            },
            0.0,
            1e6,
        );
        assert!((root.unwrap() - 2.0_f64.sqrt()).abs() < 1e-15);
        assert!(calls.get() < 60, "{}", calls.get());
    }

    #[test]
    fn a_step_without_a_root_value_ends() {
        let root = find_root(|x| if x < 0.3 { -1.0 } else { f64::INFINITY }, 0.0, 1.0);
        assert!((root.unwrap() - 0.3).abs() < 1e-15);
    }

    #[test]
    fn no_sign_change_is_none() {
        assert_eq!(find_root(|_| 1.0, 0.0, 1.0), None);
        assert_eq!(find_root(|_| f64::NAN, 0.0, 1.0), None);
        assert_eq!(bracket(|_| 1.0, 0.0, 0.1, Direction::Up, 1e9), None);
    }

    #[test]
    fn brackets_in_both_directions() {
        let (low, high) = bracket(|x| x + 50.0, 0.0, 1.0, Direction::Down, -1e3).unwrap();
        assert!(low <= -50.0 && high >= -50.0);
        let (low, high) = bracket(|x| x - 50.0, 0.0, 1.0, Direction::Up, 1e3).unwrap();
        assert!(low <= 50.0 && high >= 50.0);
    }
}
