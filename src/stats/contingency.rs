//! Pearson's chi-square: tables of counts, and arm sizes against configured shares.
//!
//! Differences of counts are taken in integers, so that tables of billions lose no digits. The
//! statistic's distribution is an approximation for expected counts of about five and more;
//! [`ContingencyTest::min_expected`] says how far that holds.

use super::dist::chi_square_tails;
use super::estimate::{TestName, TestResult};
use serde::Serialize;

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
/// N(|ad−bc|−N/2)²/(r₁r₂c₁c₂). `None` if a row or column is empty.
pub fn chi_square_2x2(table: [[u64; 2]; 2], continuity: Continuity) -> Option<ContingencyTest> {
    let [[a, b], [c, d]] = table.map(|row| row.map(i128::from));
    let margins = [a + b, c + d, a + c, b + d].map(|m| m as f64);
    if margins.contains(&0.0) {
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
/// table is smaller or ragged, or if a row or column is empty.
pub fn chi_square(table: &[Vec<u64>]) -> Option<ContingencyTest> {
    let columns = table.first()?.len();
    let rows = table.len();
    if rows < 2 || columns < 2 || table.iter().any(|row| row.len() != columns) {
        return None;
    }
    let row_sums: Vec<i128> = table.iter().map(|row| sum(row.iter())).collect();
    let column_sums: Vec<i128> = (0..columns)
        .map(|j| sum(table.iter().map(|row| &row[j])))
        .collect();
    if row_sums.iter().chain(&column_sums).any(|&s| s == 0) {
        return None;
    }
    let total: i128 = row_sums.iter().sum();
    let mut statistic = 0.0;
    let mut min_expected = f64::INFINITY;
    for (row, &row_sum) in table.iter().zip(&row_sums) {
        for (&count, &column_sum) in row.iter().zip(&column_sums) {
            // (O − E)²/E with E = r c / N, as (ON − rc)²/(N r c).
            let excess = (i128::from(count) * total - row_sum * column_sum) as f64;
            let expected = row_sum as f64 * (column_sum as f64 / total as f64);
            statistic += excess / row_sum as f64 * (excess / column_sum as f64) / total as f64;
            min_expected = min_expected.min(expected);
        }
    }
    let smaller = rows.min(columns) - 1;
    Some(ContingencyTest {
        test: test(
            TestName::ChiSquare,
            statistic,
            ((rows - 1) * (columns - 1)) as f64,
        ),
        min_expected,
        cramers_v: (statistic / total as f64 / smaller as f64).sqrt(),
    })
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
