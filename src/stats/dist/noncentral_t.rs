//! The noncentral t distribution, for the power of t tests.

use super::normal_cdf;

/// P(T ≤ t) and P(T > t) of the noncentral t distribution with `df` ≥ ½ degrees of freedom and
/// noncentrality `ncp`.
///
/// T = (Z + ncp)/S with S² = χ²/df, so P(T ≤ t) = E Φ(tS − ncp). The expectation over u = ln S,
/// whose density is proportional to exp(df·(u − e^{2u}/2)), is taken by the trapezoidal rule, which
/// converges exponentially for such integrands (Trefethen & Weideman 2014). Both tails are sums of
/// positive terms; relative accuracy is kept down to about 1e-30.
pub fn noncentral_t_tails(t: f64, df: f64, ncp: f64) -> (f64, f64) {
    /// Weights below e^-90 of the greatest are left out.
    const CUT: f64 = -90.0;
    const MAX_STEPS: u32 = 200_000;
    let width = (0.5 / df).sqrt();
    let step = (width / 4.0)
        .min(1.0 / 12.0)
        .min(0.125 / ncp.abs().max(1.0));
    let mut total = 0.0;
    let (mut lower, mut upper) = (0.0, 0.0);
    let mut add = |u: f64| {
        let ln_weight = df * (u - 0.5 * (2.0 * u).exp_m1());
        let weight = ln_weight.exp();
        let z = t * u.exp() - ncp;
        total += weight;
        lower += weight * normal_cdf(z);
        upper += weight * normal_cdf(-z);
        ln_weight > CUT
    };
    add(0.0);
    for sign in [1.0, -1.0] {
        for k in 1..MAX_STEPS {
            if !add(sign * step * f64::from(k)) {
                break;
            }
        }
    }
    (lower / total, upper / total)
}

#[cfg(test)]
mod tests {
    use super::super::t_tails;
    use super::*;

    #[test]
    fn without_noncentrality_it_is_student_t() {
        for df in [1.0, 2.5, 30.0, 1e4, 1e9] {
            for t in [-3.0, 0.0, 0.7, 4.0] {
                let (lower, upper) = noncentral_t_tails(t, df, 0.0);
                let central = t_tails(t, df);
                assert!((lower / central.lower() - 1.0).abs() < 1e-10, "{t} {df}");
                assert!((upper / central.upper() - 1.0).abs() < 1e-10, "{t} {df}");
            }
        }
    }

    #[test]
    fn the_chance_of_a_negative_value_is_normal() {
        // T < 0 exactly when Z < −ncp, at any df.
        for (df, ncp) in [(1.0, 0.5), (7.0, 2.0), (1e6, 3.0)] {
            let (lower, _) = noncentral_t_tails(0.0, df, ncp);
            assert!((lower / normal_cdf(-ncp) - 1.0).abs() < 1e-12);
        }
    }
}
