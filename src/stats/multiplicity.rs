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

/// Benjamini and Hochberg's step-up adjustment: holds the expected share of false findings
/// (Benjamini & Hochberg 1995).
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let m = p.len() as f64;
    let mut running = 1.0_f64;
    adjust(
        p,
        |a, b| b.total_cmp(a),
        |rank, p| {
            running = running.min(p * m / (m - rank as f64));
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
    }

    #[test]
    fn ends() {
        check(&holm(&[]), &[]);
        check(&holm(&[0.7, 0.9]), &[1.0, 1.0]);
        check(&benjamini_hochberg(&[0.2]), &[0.2]);
    }
}
