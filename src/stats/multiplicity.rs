//! Adjusted p-values for several tests at once, in the order given.

/// Holm's step-down adjustment: holds the chance of any false finding (Holm 1979). Values must be
/// p-values; adjusted ones are at most 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let m = p.len() as f64;
    let mut running = 0.0_f64;
    adjust(p, f64::total_cmp, |rank, p| {
        running = running.max(p * (m - rank as f64));
        running.min(1.0)
    })
}

/// Bonferroni's adjustment: each value times their number.
pub fn bonferroni(p: &[f64]) -> Vec<f64> {
    let m = p.len() as f64;
    p.iter().map(|p| (p * m).min(1.0)).collect()
}

/// Hochberg's step-up adjustment: as [`holm`] and sharper, for tests that are independent or
/// positively dependent (Hochberg 1988).
pub fn hochberg(p: &[f64]) -> Vec<f64> {
    let mut running = 1.0_f64;
    adjust(
        p,
        |a, b| b.total_cmp(a),
        |rank, p| {
            running = running.min(p * (rank as f64 + 1.0));
            running
        },
    )
}

/// Benjamini and Yekutieli's step-up adjustment: as [`benjamini_hochberg`] under any dependence
/// (Benjamini & Yekutieli 2001).
pub fn benjamini_yekutieli(p: &[f64]) -> Vec<f64> {
    let harmonic: f64 = (1..=p.len()).map(|k| 1.0 / k as f64).sum();
    let m = p.len() as f64;
    let mut running = 1.0_f64;
    adjust(
        p,
        |a, b| b.total_cmp(a),
        |rank, p| {
            running = running.min(p * harmonic * (m / (m - rank as f64)));
            running
        },
    )
}

/// Benjamini and Hochberg's step-up adjustment: holds the expected share of false findings
/// (Benjamini & Hochberg 1995).
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let m = p.len() as f64;
    let mut running = 1.0_f64;
    adjust(
        p,
        |a, b| b.total_cmp(a),
        |rank, p| {
            // The factor is at least 1, so that rounding never puts a value below its p.
            running = running.min(p * (m / (m - rank as f64)));
            running
        },
    )
}

/// Visits the values in the order of `compare` with their rank from 0, and puts what `step` says at
/// their place.
fn adjust(
    p: &[f64],
    compare: impl Fn(&f64, &f64) -> std::cmp::Ordering,
    mut step: impl FnMut(usize, f64) -> f64,
) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| compare(&p[i], &p[j]));
    let mut adjusted = vec![1.0; p.len()];
    for (rank, &i) in order.iter().enumerate() {
        adjusted[i] = step(rank, p[i]);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(got: &[f64], expected: &[f64]) {
        assert_eq!(got.len(), expected.len());
        for (g, e) in got.iter().zip(expected) {
            assert!((g - e).abs() < 1e-12, "{got:?} {expected:?}");
        }
    }

    #[test]
    fn by_hand() {
        let p = [0.01, 0.04, 0.03, 0.005];
        check(&holm(&p), &[0.03, 0.06, 0.06, 0.02]);
        check(&benjamini_hochberg(&p), &[0.02, 0.04, 0.04, 0.02]);
        check(&bonferroni(&p), &[0.04, 0.16, 0.12, 0.02]);
        check(&hochberg(&p), &[0.03, 0.04, 0.04, 0.02]);
        let yekutieli = [0.02, 0.04, 0.04, 0.02].map(|p| p * (1.0 + 0.5 + 1.0 / 3.0 + 0.25));
        check(&benjamini_yekutieli(&p), &yekutieli);
    }

    #[test]
    fn ends() {
        check(&holm(&[]), &[]);
        check(&holm(&[0.7, 0.9]), &[1.0, 1.0]);
        check(&benjamini_hochberg(&[0.2]), &[0.2]);
    }
}
