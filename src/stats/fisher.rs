//! Fisher's exact test of a 2×2 table.
//!
//! One hypergeometric probability by the deviance form (Loader 2000), the others by the ratio of
//! neighbours; nothing goes through binomial coefficients, so any counts work. Two-sided: the sum
//! over all tables with the same margins that are no more probable than the observed one.

use super::dist::{ln_add_exp, ln_binomial_term};
use super::estimate::{TestName, TestResult};
use super::least_likely::{Extreme, extreme};
use serde::Serialize;

/// Products of margins must fit into 128 bits.
const GREATEST_TOTAL: u64 = 1 << 62;

/// Fisher's exact test with its one-sided p-values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FisherTest {
    /// Two-sided test; its statistic is the upper left count.
    pub test: TestResult,
    /// P(X ≥ a): the upper left count is not greater by chance.
    pub p_greater: f64,
    /// P(X ≤ a): the upper left count is not smaller by chance.
    pub p_less: f64,
    /// The sample odds ratio ad/bc; infinite when only bc is zero, `None` when both are.
    pub odds_ratio: Option<f64>,
}

/// Fisher's exact test of rows `[[a, b], [c, d]]`. `None` if a row or column is empty, when only
/// one table is possible, or beyond 2⁶² observations.
pub fn fisher_exact(table: [[u64; 2]; 2]) -> Option<FisherTest> {
    let [[a, b], [c, d]] = table;
    let law = Hypergeometric::new(table)?;
    let ln_p = law.ln_two_sided(a);
    let (ad, bc) = (a as f64 * d as f64, b as f64 * c as f64);
    Some(FisherTest {
        test: TestResult::new(TestName::FisherExact, a as f64, None, ln_p),
        p_greater: law.upper(a),
        p_less: law.lower(a),
        odds_ratio: (ad > 0.0 || bc > 0.0).then(|| ad / bc),
    })
}

/// The law of the upper left count given the margins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hypergeometric {
    pub(super) row: u64,
    pub(super) other_row: u64,
    pub(super) column: u64,
}

/// Which way a tail runs from its first value.
#[derive(Clone, Copy)]
enum Tail {
    Lower,
    Upper,
}

impl Hypergeometric {
    /// `None` as for [`fisher_exact`].
    pub(super) fn new([[a, b], [c, d]]: [[u64; 2]; 2]) -> Option<Self> {
        let law = Self {
            row: a.checked_add(b)?,
            other_row: c.checked_add(d)?,
            column: a.checked_add(c)?,
        };
        let total = law.row.checked_add(law.other_row)?;
        let has_choice = law.row > 0 && law.other_row > 0 && law.column > 0 && law.column < total;
        (has_choice && total <= GREATEST_TOTAL).then_some(law)
    }

    pub(super) fn least(&self) -> u64 {
        self.column.saturating_sub(self.other_row)
    }

    pub(super) fn greatest(&self) -> u64 {
        self.row.min(self.column)
    }

    fn mode(&self) -> u64 {
        let total = u128::from(self.row) + u128::from(self.other_row);
        let product = (u128::from(self.row) + 1) * (u128::from(self.column) + 1);
        let mode = product / (total + 2);
        u64::try_from(mode)
            .unwrap_or(u64::MAX)
            .clamp(self.least(), self.greatest())
    }

    fn ln_pmf(&self, k: u64) -> f64 {
        let total = u128::from(self.row) + u128::from(self.other_row);
        let rest = total - u128::from(self.column);
        let (x, y) = (
            self.column as f64 / total as f64,
            rest as f64 / total as f64,
        );
        // C(r,k) C(s,m−k) / C(N,m) as a quotient of binomial terms at p = m/N.
        let term = |successes: u64, n: u128| {
            let excess =
                i128::from(successes) * total as i128 - (n * u128::from(self.column)) as i128;
            binomial_ln(successes, n, x, y, excess as f64 / total as f64)
        };
        term(k, u128::from(self.row)) + term(self.column - k, u128::from(self.other_row))
            - term(self.column, total)
    }

    /// P(X ≤ k).
    fn lower(&self, k: u64) -> f64 {
        if k >= self.greatest() {
            1.0
        } else if k <= self.mode() {
            self.ln_tail(k, Tail::Lower).exp()
        } else {
            1.0 - self.ln_tail(k + 1, Tail::Upper).exp()
        }
    }

    /// P(X ≥ k).
    fn upper(&self, k: u64) -> f64 {
        if k <= self.least() {
            1.0
        } else if k >= self.mode() {
            self.ln_tail(k, Tail::Upper).exp()
        } else {
            1.0 - self.ln_tail(k - 1, Tail::Lower).exp()
        }
    }

    fn ln_two_sided(&self, observed: u64) -> f64 {
        let support = self.least()..=self.greatest();
        match extreme(|k| self.ln_pmf(k), support, self.mode(), observed) {
            Extreme::All => 0.0,
            Extreme::Sides(below, above) => {
                let tail =
                    |k: Option<u64>, tail| k.map_or(f64::NEG_INFINITY, |k| self.ln_tail(k, tail));
                ln_add_exp(tail(below, Tail::Lower), tail(above, Tail::Upper))
            }
        }
    }

    /// Logarithm of the sum of probabilities from `first` away from the mode.
    fn ln_tail(&self, first: u64, tail: Tail) -> f64 {
        const NEGLIGIBLE: f64 = 1e-18;
        let (row, other, column) = (self.row as f64, self.other_row as f64, self.column as f64);
        let mut k = first as f64;
        let end = match tail {
            Tail::Lower => self.least(),
            Tail::Upper => self.greatest(),
        } as f64;
        let mut term = 1.0;
        let mut sum = 1.0;
        while k != end {
            match tail {
                Tail::Lower => {
                    term *= k / (row - k + 1.0) * ((other - column + k) / (column - k + 1.0));
                    k -= 1.0;
                }
                Tail::Upper => {
                    term *= (row - k) / (k + 1.0) * ((column - k) / (other - column + k + 1.0));
                    k += 1.0;
                }
            }
            sum += term;
            if term < sum * NEGLIGIBLE {
                break;
            }
        }
        self.ln_pmf(first) + sum.ln()
    }
}

/// ln of the binomial term of `k` among `n`, with `excess = k − nx`.
fn binomial_ln(k: u64, n: u128, x: f64, y: f64, excess: f64) -> f64 {
    let total = n as f64;
    let rest = n - u128::from(k);
    if k == 0 {
        total * if x < 0.5 { (-x).ln_1p() } else { y.ln() }
    } else if rest == 0 {
        total * if y < 0.5 { (-y).ln_1p() } else { x.ln() }
    } else {
        ln_binomial_term(k as f64, rest as f64, x, y, excess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_without_choice_have_no_test() {
        assert_eq!(fisher_exact([[u64::MAX / 2, 1], [1, u64::MAX / 2]]), None);
        assert_eq!(fisher_exact([[5, 0], [7, 0]]), None);
        assert_eq!(fisher_exact([[0, 0], [7, 2]]), None);
    }

    #[test]
    fn probabilities_sum_to_one() {
        let law = Hypergeometric {
            row: 17,
            other_row: 9,
            column: 12,
        };
        let sum: f64 = (law.least()..=law.greatest())
            .map(|k| law.ln_pmf(k).exp())
            .sum();
        assert!((sum - 1.0).abs() < 1e-13, "{sum}");
    }

    #[test]
    fn transposing_changes_nothing() {
        let p = |t| fisher_exact(t).unwrap().test.ln_p;
        let plain = p([[172, 46], [90, 127]]);
        assert!((plain - p([[172, 90], [46, 127]])).abs() < 1e-12);
        assert!((plain - p([[90, 127], [172, 46]])).abs() < 1e-12);
    }

    #[test]
    fn a_balanced_table_is_certain() {
        let test = fisher_exact([[50, 50], [50, 50]]).unwrap();
        assert_eq!(test.test.p, 1.0);
        assert_eq!(test.odds_ratio, Some(1.0));
    }

    #[test]
    fn billions_of_counts_approach_the_normal_limit() {
        let n = 2_000_000_000;
        let test = fisher_exact([[n, n + 60_000], [n + 60_000, n]]).unwrap();
        let chi = crate::stats::contingency::chi_square_2x2(
            [[n, n + 60_000], [n + 60_000, n]],
            crate::stats::contingency::Continuity::Yates,
        )
        .unwrap();
        assert!(
            (test.test.p / chi.test.p - 1.0).abs() < 1e-4,
            "{test:?} {chi:?}"
        );
    }
}
