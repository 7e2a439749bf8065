//! Samples ranked together, for the tests that look at ranks alone.
//!
//! Tied values get the mean of their ranks. Ranks are kept doubled, which makes midranks integers.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::counts::{Ascending, Counts};

/// How the p-value of a rank test is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PValue {
    /// Exact for small samples, else normal. Two-sided: twice the smaller tail.
    Automatic,
    /// As `Automatic`, where the exact two-sided p-value counts the arrangements at least as far
    /// from the mean as the observed one, on either side.
    AutomaticByDeviation,
    /// Normal with continuity correction at any size.
    Normal,
    /// Normal without continuity correction.
    NormalUncorrected,
}

impl PValue {
    /// What the normal approximation takes off the distance from the mean.
    pub(super) const fn correction(self) -> f64 {
        match self {
            Self::NormalUncorrected => 0.0,
            _ => 0.5,
        }
    }

    pub(super) const fn may_be_exact(self) -> bool {
        matches!(self, Self::Automatic | Self::AutomaticByDeviation)
    }
}

/// Samples ranked together.
pub(super) struct Ranked {
    /// Finite values per sample.
    pub(super) sizes: Vec<usize>,
    /// Sum of the doubled ranks per sample.
    pub(super) doubled_rank_sums: Vec<u128>,
    /// Σ(t³ − t) over groups of t tied values.
    pub(super) ties: f64,
    /// The doubled ranks of all values, ascending; empty where the samples were counted.
    pub(super) doubled_ranks: Vec<u64>,
}

impl Ranked {
    /// Ranks the finite values of all samples.
    pub(super) fn new(samples: &[&[f64]]) -> Self {
        let mut all: Vec<(f64, usize)> = Vec::new();
        let mut sizes = Vec::with_capacity(samples.len());
        for (index, sample) in samples.iter().enumerate() {
            let before = all.len();
            let finite = sample.iter().filter(|v| v.is_finite());
            all.extend(finite.map(|&v| (v, index)));
            sizes.push(all.len() - before);
        }
        all.par_sort_unstable_by(|x, y| x.0.total_cmp(&y.0));
        let mut ranked = Self {
            doubled_rank_sums: vec![0; sizes.len()],
            sizes,
            ties: 0.0,
            doubled_ranks: Vec::with_capacity(all.len()),
        };
        let mut before = 0;
        // `==` rather than the order of bits: −0 ties with 0.
        for group in all.chunk_by(|x, y| x.0 == y.0) {
            let size = group.len();
            let doubled = (2 * before + size + 1) as u64;
            for (_, sample) in group {
                ranked.doubled_rank_sums[*sample] += u128::from(doubled);
            }
            let t = size as f64;
            ranked.ties += t * (t * t - 1.0);
            let ranks = std::iter::repeat_n(doubled, size);
            ranked.doubled_ranks.extend(ranks);
            before += size;
        }
        ranked
    }

    /// Ranks two samples that were counted.
    pub(super) fn of_counts(samples: [&Counts<'_>; 2]) -> Self {
        let mut ranked = Self {
            sizes: samples.map(Ascending::n).into(),
            doubled_rank_sums: vec![0; 2],
            ties: 0.0,
            doubled_ranks: Vec::new(),
        };
        let [mut a, mut b] = samples.map(|sample| sample.groups().peekable());
        let mut before = 0;
        loop {
            let order = match (a.peek(), b.peek()) {
                (Some(a), Some(b)) => a.0.total_cmp(&b.0),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return ranked,
            };
            let n = |group: Option<(f64, u64)>| group.map_or(0, |(_, n)| n);
            let sizes = [
                if order.is_le() { n(a.next()) } else { 0 },
                if order.is_ge() { n(b.next()) } else { 0 },
            ];
            let size = sizes[0] + sizes[1];
            let doubled = 2 * before + size + 1;
            for (sum, n) in ranked.doubled_rank_sums.iter_mut().zip(sizes) {
                *sum += u128::from(doubled) * u128::from(n);
            }
            let t = size as f64;
            ranked.ties += t * (t * t - 1.0);
            before += size;
        }
    }
}

/// Tail probabilities of an exact null distribution at the observed value.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExactTails {
    /// P(T ≥ t).
    pub(super) greater: f64,
    /// P(T ≤ t).
    pub(super) less: f64,
    /// P(|T − E T| ≥ |t − E T|).
    pub(super) deviation: f64,
}

impl ExactTails {
    /// The tails of the law `chances[t]` of T at `observed`, whose mean is `doubled_mean`/2.
    pub(super) fn of(chances: &[f64], observed: usize, doubled_mean: usize) -> Self {
        let sum = |holds: &dyn Fn(usize) -> bool| {
            let kept = chances.iter().enumerate().filter(|(t, _)| holds(*t));
            kept.map(|(_, chance)| chance).sum::<f64>().min(1.0)
        };
        let distance = (2 * observed).abs_diff(doubled_mean);
        Self {
            greater: sum(&|t| t >= observed),
            less: sum(&|t| t <= observed),
            deviation: sum(&|t| (2 * t).abs_diff(doubled_mean) >= distance),
        }
    }

    /// The two-sided p-value that `form` asks for.
    pub(super) fn two_sided(self, form: PValue) -> f64 {
        match form {
            PValue::AutomaticByDeviation => self.deviation,
            _ => (2.0 * self.greater.min(self.less)).min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::counts::coded;
    use super::*;

    #[test]
    fn ties_share_their_ranks() {
        let ranked = Ranked::new(&[&[1.0, 2.0, f64::NAN], &[2.0, 0.0, -0.0]]);
        // −0 and 0 share 1.5, 1 has 3, both 2 share 4.5.
        assert_eq!(ranked.sizes, [2, 3]);
        assert_eq!(ranked.doubled_ranks, [3, 3, 6, 9, 9]);
        assert_eq!(ranked.doubled_rank_sums, [15, 15]);
        assert_eq!(ranked.ties, 12.0);
    }

    #[test]
    fn counts_rank_as_values_do() {
        let (a, b) = ([1.0, 2.0, 2.0, 7.0], [2.0, 0.5, 7.0, 9.0, 9.0]);
        let ((table_a, codes_a), (table_b, codes_b)) = (coded(&a), coded(&b));
        let counted = Ranked::of_counts([
            &Counts::of(&table_a, &codes_a),
            &Counts::of(&table_b, &codes_b),
        ]);
        let ranked = Ranked::new(&[&a, &b]);
        assert_eq!(counted.sizes, ranked.sizes);
        assert_eq!(counted.doubled_rank_sums, ranked.doubled_rank_sums);
        assert_eq!(counted.ties, ranked.ties);
    }

    #[test]
    fn exact_tails_of_a_coin() {
        let tails = ExactTails::of(&[0.25, 0.5, 0.25], 2, 2);
        assert_eq!((tails.greater, tails.less), (0.25, 1.0));
        assert_eq!(tails.deviation, 0.5);
    }
}
