//! Gauss-Legendre quadrature.

use std::f64::consts::PI;

/// The `n` ≥ 1 nodes on [−1, 1] in ascending order with their weights, by Newton's method on the
/// Legendre polynomial (DLMF 3.5(v)).
pub(super) fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    const MAX_STEPS: usize = 20;
    let count = n as f64;
    let mut nodes = vec![(0.0, 0.0); n];
    for i in 0..n.div_ceil(2) {
        let mut x = (PI * (i as f64 + 0.75) / (count + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..MAX_STEPS {
            let (mut before, mut value) = (1.0, x);
            for k in 2..=n {
                let k = k as f64;
                let next = ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k;
                (before, value) = (value, next);
            }
            slope = count * (x * value - before) / (x * x - 1.0);
            let step = value / slope;
            x -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        let weight = 2.0 / ((1.0 - x * x) * slope * slope);
        nodes[n - 1 - i] = (x, weight);
        nodes[i] = (-x, weight);
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_exact() {
        for n in [2, 5, 64, 401] {
            let nodes = gauss_legendre(n);
            let sum = |f: fn(f64) -> f64| nodes.iter().map(|(x, w)| w * f(*x)).sum::<f64>();
            assert!((sum(|_| 1.0) - 2.0).abs() < 1e-13, "{n}");
            assert!((sum(|x| x * x) - 2.0 / 3.0).abs() < 1e-13, "{n}");
            assert!(sum(|x| x.powi(3)).abs() < 1e-14, "{n}");
            assert!(nodes.is_sorted_by(|a, b| a.0 < b.0));
        }
        assert_eq!(gauss_legendre(1), [(0.0, 2.0)]);
    }
}
