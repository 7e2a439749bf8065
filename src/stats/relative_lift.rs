//! The relative change of a positive value, (b − a)/a, from two independent estimates.
//!
//! Three intervals: the delta method, symmetric, as experimentation platforms show; Fieller's (1954),
//! exact for normal estimates and wider towards the side where the control may be small; and the
//! logarithmic one, [`relative_change`](super::relative_change()).

use super::dist::z_multiplier;
use super::estimate::{Estimate, Interval, Method, square_and_add};

/// The relative change of a positive quantile, its interval by the square-and-add rule on the
/// logarithms (Li, Tang and Wong 2014): like the difference, which is joined by the same rule, it is
/// lopsided where the quantiles' intervals are. `None` unless all ends are positive and finite and
/// the levels agree.
pub fn relative_quantile(a: &Estimate, b: &Estimate) -> Option<Estimate> {
    let ends = [a, b].map(|e| [e.interval.lower, e.value, e.interval.upper]);
    let is_sound = |end: &f64| *end > 0.0 && end.is_finite();
    if a.level != b.level || !ends.iter().flatten().all(is_sound) {
        return None;
    }
    let ln = |[lower, value, upper]: [f64; 3]| {
        let interval = Interval {
            lower: lower.ln(),
            upper: upper.ln(),
        };
        (value.ln(), interval)
    };
    let joined = square_and_add(ln(ends[0]), ln(ends[1]))?;
    Some(Estimate {
        value: (b.value - a.value) / a.value,
        interval: Interval {
            lower: joined.lower.exp_m1(),
            upper: joined.upper.exp_m1(),
        },
        level: a.level,
        method: Method::SquareAndAdd,
        n: a.n.saturating_add(b.n),
    })
}

/// A value with the variance of its estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The estimate.
    pub value: f64,
    /// Its variance, the square of the standard error.
    pub variance: f64,
}

impl Measured {
    fn is_sound(self) -> bool {
        self.value.is_finite() && self.variance >= 0.0 && self.variance.is_finite()
    }
}

/// The standard error of the relative change by the delta method,
/// `√(v_b/a² + b² v_a/a⁴)`. `None` unless the control is positive and variances are finite and not
/// negative.
pub fn relative_standard_error(a: Measured, b: Measured) -> Option<f64> {
    if !(a.is_sound() && b.is_sound() && a.value > 0.0) {
        return None;
    }
    let own = b.variance.sqrt() / a.value;
    let baseline = b.value / a.value * (a.variance.sqrt() / a.value);
    let se = own.hypot(baseline);
    se.is_finite().then_some(se)
}

/// The relative change of `b` against control `a` with its normal delta-method interval. `None` as
/// for [`relative_standard_error`] or when `level` is outside (0, 1).
pub fn relative_lift(a: Measured, b: Measured, n: u64, level: f64) -> Option<Estimate> {
    let half = z_multiplier(level)? * relative_standard_error(a, b)?;
    let value = (b.value - a.value) / a.value;
    Some(Estimate {
        value,
        interval: Interval::around(value, half),
        level,
        method: Method::DeltaNormal,
        n,
    })
}

/// The relative change with Fieller's interval: all ratios r for which b − r·a does not differ from
/// zero. `None` where that set has no bounds, because the control itself does not differ from zero,
/// and as for [`relative_lift`].
pub fn fieller_lift(a: Measured, b: Measured, n: u64, level: f64) -> Option<Estimate> {
    let z = z_multiplier(level)?;
    relative_standard_error(a, b)?;
    let ratio = b.value / a.value;
    // g: squared relative half-width of the control.
    let width = z * (a.variance.sqrt() / a.value);
    let g = width * width;
    if g >= 1.0 {
        return None;
    }
    let value = (b.value - a.value) / a.value;
    let own = z * (b.variance.sqrt() / a.value) * (1.0 - g).sqrt();
    let half = own.hypot(ratio * width) / (1.0 - g);
    let centre = (value + g) / (1.0 - g);
    let interval = Interval::around(centre, half);
    (interval.lower.is_finite() && interval.upper.is_finite()).then_some(Estimate {
        value,
        interval,
        level,
        method: Method::Fieller,
        n,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(value: f64, standard_error: f64) -> Measured {
        Measured {
            value,
            variance: standard_error * standard_error,
        }
    }

    #[test]
    fn fieller_limits_are_where_the_difference_is_just_significant() {
        let (a, b) = (measured(10.0, 1.0), measured(12.0, 0.7));
        let estimate = fieller_lift(a, b, 2, 0.95).unwrap();
        for limit in [estimate.interval.lower, estimate.interval.upper] {
            let r = 1.0 + limit;
            let z = (b.value - r * a.value) / (b.variance + r * r * a.variance).sqrt();
            assert!((z.abs() - 1.959_963_984_540_054).abs() < 1e-12);
        }
    }

    #[test]
    fn a_control_that_may_be_zero_has_no_bounds() {
        assert_eq!(
            fieller_lift(measured(1.0, 0.6), measured(2.0, 0.1), 2, 0.95),
            None
        );
        assert_eq!(
            relative_lift(measured(0.0, 0.1), measured(2.0, 0.1), 2, 0.95),
            None
        );
        assert_eq!(
            relative_lift(measured(-1.0, 0.1), measured(2.0, 0.1), 2, 0.95),
            None
        );
        let still = relative_lift(measured(1.0, 0.0), measured(2.0, 0.0), 2, 0.95).unwrap();
        assert_eq!((still.value, still.interval.lower), (1.0, 1.0));
    }

    #[test]
    fn a_relative_quantile_is_as_lopsided_as_its_intervals() {
        let estimate = |value: f64, lower: f64, upper: f64| Estimate {
            value,
            interval: Interval { lower, upper },
            level: 0.95,
            method: Method::OrderStatistics,
            n: 500,
        };
        let (a, b) = (
            estimate(984.0, 960.0, 1010.0),
            estimate(1364.0, 1250.0, 7480.0),
        );
        let found = relative_quantile(&a, &b).unwrap();
        assert!((found.value - (1364.0 / 984.0 - 1.0)).abs() < 1e-15);
        // Like the difference it stays clear of zero, and reaches as far up.
        assert!(found.interval.lower > 0.25 && found.interval.upper > 6.0);
        // By hand, with an exact control only the treatment's own ends count.
        let exact = estimate(984.0, 984.0, 984.0);
        let found = relative_quantile(&exact, &b).unwrap();
        assert!((found.interval.lower - (1250.0 / 984.0 - 1.0)).abs() < 1e-12);
        assert!((found.interval.upper - (7480.0 / 984.0 - 1.0)).abs() < 1e-12);
        assert!(relative_quantile(&a, &estimate(5.0, 0.0, 9.0)).is_none());
    }
}
