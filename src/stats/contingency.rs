//! Tables of counts: Pearson's chi-square, the likelihood ratio, and arm sizes against configured
//! shares.
//!
//! Differences of counts are taken in integers, so that tables of billions lose no digits. The
//! statistic's distribution is an approximation for expected counts of about five and more;
//! [`ContingencyTest::min_expected`] says how far that holds.

use super::dist::{chi_square_tails, deviance};
use super::estimate::{TestName, TestResult};
use serde::Serialize;

/// Products of counts and margins must fit into 128 bits.
const GREATEST_TOTAL: i128 = 1 << 62;

/// Whether a 2×2 table is tested with Yates' continuity correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuity {
    /// The plain statistic.
    None,
    /// |O−E| is reduced by ½, but not below 0.
    Yates,
}

/// Chi-square test of a table with what one needs to judge it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ContingencyTest {
    /// The test of independence.
    pub test: TestResult,
    /// The smallest expected count.
    pub min_expected: f64,
    /// Cramér's V of the uncorrected statistic, 0 to 1.
    pub cramers_v: f64,
}

/// Chi-square test of a 2×2 table of rows `[[a, b], [c, d]]`: N(ad−bc)²/(r₁r₂c₁c₂), with Yates
/// N(|ad−bc|−N/2)²/(r₁r₂c₁c₂). `None` if a row or column is empty or beyond 2⁶² observations.
pub fn chi_square_2x2(table: [[u64; 2]; 2], continuity: Continuity) -> Option<ContingencyTest> {
    let [[a, b], [c, d]] = table.map(|row| row.map(i128::from));
    let margins = [a + b, c + d, a + c, b + d].map(|m| m as f64);
    if margins.contains(&0.0) || a + b + c + d > GREATEST_TOTAL {
        return None;
    }
    let total = (a + b + c + d) as f64;
    let cross = (a * d - b * c).unsigned_abs() as f64;
    let statistic = |cross: f64| {
        let [r1, r2, c1, c2] = margins;
        total * (cross / r1 / c1) * (cross / r2 / c2)
    };
    let plain = statistic(cross);
    let (value, name) = match continuity {
        Continuity::None => (plain, TestName::ChiSquare),
        Continuity::Yates => (
            statistic((cross - total / 2.0).max(0.0)),
            TestName::ChiSquareYates,
        ),
    };
    let [r1, r2, c1, c2] = margins;
    Some(ContingencyTest {
        test: test(name, value, 1.0),
        min_expected: r1.min(r2) * (c1.min(c2) / total),
        cramers_v: (plain / total).sqrt(),
    })
}

/// Chi-square test of independence in a table of at least two rows and two columns. `None` if the
/// table is smaller or ragged, if a row or column is empty, or beyond 2⁶² observations.
pub fn chi_square(table: &[Vec<u64>]) -> Option<ContingencyTest> {
    let margins = Margins::new(table)?;
    let total = margins.total as f64;
    let mut statistic = 0.0;
    let mut min_expected = f64::INFINITY;
    margins.for_each_cell(table, |cell| {
        // (O − E)²/E with E = r c / N, as (ON − rc)²/(N r c).
        let (row, column) = (cell.row_sum as f64, cell.column_sum as f64);
        statistic += cell.scaled_excess / row * (cell.scaled_excess / column) / total;
        min_expected = min_expected.min(row * (column / total));
    });
    let smaller = table.len().min(margins.columns.len()) - 1;
    Some(ContingencyTest {
        test: test(TestName::ChiSquare, statistic, margins.df()),
        min_expected,
        cramers_v: (statistic / total / smaller as f64).sqrt(),
    })
}

/// Likelihood-ratio (G) test of independence, 2 Σ O ln(O/E), empty cells counting nothing (Wilks
/// 1938). `None` as for [`chi_square`].
pub fn g_test(table: &[Vec<u64>]) -> Option<TestResult> {
    let margins = Margins::new(table)?;
    let total = margins.total as f64;
    let mut statistic = 0.0;
    margins.for_each_cell(table, |cell| {
        // Σ(E − O) is zero, so each term may be the deviance O ln(O/E) + E − O, which is positive.
        let expected = cell.row_sum as f64 * (cell.column_sum as f64 / total);
        statistic += if cell.count == 0 {
            2.0 * expected
        } else {
            2.0 * deviance(cell.count as f64, expected, cell.scaled_excess / total)
        };
    });
    Some(test(TestName::LikelihoodRatio, statistic, margins.df()))
}

/// Row and column sums of a table in which each is positive.
struct Margins {
    rows: Vec<i128>,
    columns: Vec<i128>,
    total: i128,
}

/// A cell with its margins.
struct Cell {
    count: u64,
    row_sum: i128,
    column_sum: i128,
    /// (Observed − expected)·total, from integers.
    scaled_excess: f64,
}

impl Margins {
    fn new(table: &[Vec<u64>]) -> Option<Self> {
        let width = table.first()?.len();
        if table.len() < 2 || width < 2 || table.iter().any(|row| row.len() != width) {
            return None;
        }
        let rows: Vec<i128> = table.iter().map(|row| sum(row.iter())).collect();
        let columns: Vec<i128> = (0..width)
            .map(|j| sum(table.iter().map(|row| &row[j])))
            .collect();
        let total: i128 = rows.iter().sum();
        let is_full = rows.iter().chain(&columns).all(|&s| s > 0);
        (is_full && total <= GREATEST_TOTAL).then_some(Self {
            rows,
            columns,
            total,
        })
    }

    fn df(&self) -> f64 {
        ((self.rows.len() - 1) * (self.columns.len() - 1)) as f64
    }

    fn for_each_cell(&self, table: &[Vec<u64>], mut visit: impl FnMut(Cell)) {
        for (row, &row_sum) in table.iter().zip(&self.rows) {
            for (&count, &column_sum) in row.iter().zip(&self.columns) {
                let scaled = i128::from(count) * self.total - row_sum * column_sum;
                visit(Cell {
                    count,
                    row_sum,
                    column_sum,
                    scaled_excess: scaled as f64,
                });
            }
        }
    }
}

/// Test for sample ratio mismatch: observed arm sizes against configured weights of any positive
/// scale. `None` below two arms, with unequal lengths, without observations or with a weight that
/// is not positive and finite.
pub fn sample_ratio(counts: &[u64], weights: &[f64]) -> Option<TestResult> {
    let expected = expected_counts(counts, weights)?;
    let statistic = counts
        .iter()
        .zip(&expected)
        .map(|(&observed, expected)| {
            let excess = observed as f64 - expected;
            excess / expected * excess
        })
        .sum();
    let df = (counts.len() - 1) as f64;
    Some(test(TestName::SampleRatio, statistic, df))
}

/// As [`sample_ratio`] for observations that came in clusters, such as requests by user: the
/// statistic is divided by the design effect of the counts (Rao & Scott 1981, first order), which
/// for clusters assigned whole is Σn²/Σn over the cluster sizes.
pub fn sample_ratio_clustered(
    counts: &[u64],
    weights: &[f64],
    design_effect: f64,
) -> Option<TestResult> {
    let plain = sample_ratio(counts, weights)?;
    let is_effect = design_effect >= 1.0 && design_effect.is_finite();
    is_effect.then(|| {
        test(
            TestName::SampleRatio,
            plain.statistic / design_effect,
            (counts.len() - 1) as f64,
        )
    })
}

/// The arm sizes that the weights promise for this many observations. `None` as for
/// [`sample_ratio`].
pub fn expected_counts(counts: &[u64], weights: &[f64]) -> Option<Vec<f64>> {
    let total = sum(counts.iter()) as f64;
    let valid = counts.len() >= 2
        && counts.len() == weights.len()
        && total > 0.0
        && weights.iter().all(|w| w.is_finite() && *w > 0.0);
    let scale: f64 = weights.iter().sum();
    valid.then(|| weights.iter().map(|w| total * w / scale).collect())
}

fn sum<'a>(counts: impl Iterator<Item = &'a u64>) -> i128 {
    counts.map(|&c| i128::from(c)).sum()
}

fn test(name: TestName, statistic: f64, df: f64) -> TestResult {
    let tails = chi_square_tails(statistic, df);
    TestResult::new(name, statistic, Some(df), tails.ln_upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_margins_have_no_test() {
        assert_eq!(chi_square_2x2([[5, 0], [7, 0]], Continuity::None), None);
        assert_eq!(chi_square_2x2([[0, 0], [7, 1]], Continuity::None), None);
        assert_eq!(chi_square(&[vec![1, 2]]), None);
        assert_eq!(chi_square(&[vec![1, 2], vec![3]]), None);
        assert_eq!(chi_square(&[vec![1, 0], vec![3, 0]]), None);
        assert_eq!(chi_square(&[]), None);
        assert_eq!(g_test(&[vec![1, 0], vec![3, 0]]), None);
        let huge = u64::MAX;
        assert_eq!(
            chi_square_2x2([[huge, 1], [1, huge]], Continuity::None),
            None
        );
        assert_eq!(chi_square(&[vec![huge, 1], vec![1, huge]]), None);
    }

    #[test]
    fn the_likelihood_ratio_by_hand() {
        let test = g_test(&[vec![0, 10], vec![10, 10]]).unwrap();
        // 2 (10 ln(10/6⅔) + 10 ln(10/6⅔) + 10 ln(10/13⅓))
        let expected = 2.0 * (20.0 * 1.5_f64.ln() + 10.0 * 0.75_f64.ln());
        assert!((test.statistic - expected).abs() < 1e-12);
        let even = g_test(&[vec![3, 6], vec![4, 8]]).unwrap();
        assert_eq!((even.statistic, even.p), (0.0, 1.0));
    }

    #[test]
    fn the_general_table_agrees_with_the_2x2_formula() {
        let special = chi_square_2x2([[2100, 300], [2200, 200]], Continuity::None).unwrap();
        let general = chi_square(&[vec![2100, 300], vec![2200, 200]]).unwrap();
        assert!((special.test.statistic - general.test.statistic).abs() < 1e-12);
        assert!((special.cramers_v - general.cramers_v).abs() < 1e-15);
        assert_eq!(special.min_expected, general.min_expected);
    }

    #[test]
    fn clusters_weaken_a_sample_ratio() {
        let plain = sample_ratio(&[550, 450], &[1.0, 1.0]).unwrap();
        let clustered = sample_ratio_clustered(&[550, 450], &[1.0, 1.0], 10.0).unwrap();
        assert!(plain.p < 0.01 && clustered.p > 0.1);
        assert_eq!(clustered.statistic, plain.statistic / 10.0);
        assert_eq!(sample_ratio_clustered(&[550, 450], &[1.0, 1.0], 0.5), None);
    }

    #[test]
    fn sample_ratio_needs_sound_weights() {
        assert_eq!(sample_ratio(&[10], &[1.0]), None);
        assert_eq!(sample_ratio(&[10, 12], &[1.0, 0.0]), None);
        assert_eq!(sample_ratio(&[0, 0], &[1.0, 1.0]), None);
        assert_eq!(sample_ratio(&[1, 2], &[1.0]), None);
        let scaled = sample_ratio(&[90, 12], &[9.0, 1.0]).unwrap();
        let shares = sample_ratio(&[90, 12], &[0.9, 0.1]).unwrap();
        assert!((scaled.p - shares.p).abs() < 1e-12);
    }
}
