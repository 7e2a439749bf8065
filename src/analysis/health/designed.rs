//! Counts that somebody set beforehand: benchmarks send every arm the same number of requests, or
//! small multiples of one.

/// The most multiples of the base that are looked for.
const MOST_TIMES: u64 = 10;
/// Smaller counts are multiples of something by chance.
const LEAST: u64 = 30;
/// So many counts fit before a design is seen in them.
const LEAST_FITTING: usize = 3;

/// What a set of counts was meant to be.
#[derive(Debug, PartialEq)]
pub(super) struct Design {
    /// What all are multiples of.
    pub(super) base: u64,
    /// Per count: what it should have been; `None` where there is none.
    pub(super) meant: Vec<Option<u64>>,
}

impl Design {
    /// The design behind counts, by the base that most of them are multiples of; counts of 0 take no
    /// part. `None` where fewer than three counts, or than two in three, fit: chance keeps counts
    /// much further from each other than a fiftieth of their standard deviation.
    pub(super) fn of(counts: &[u64]) -> Option<Self> {
        let present: Vec<u64> = counts.iter().copied().filter(|n| *n > 0).collect();
        let n_fitting = |base: u64| present.iter().filter(|n| fits(**n, base)).count();
        let bases = present.iter().copied().filter(|n| *n >= LEAST);
        let base = bases.max_by_key(|base| (n_fitting(*base), *base))?;
        let n = n_fitting(base);
        (n >= LEAST_FITTING && 3 * n >= 2 * present.len()).then(|| Self {
            base,
            meant: counts
                .iter()
                .map(|n| (*n > 0).then(|| base * times(*n, base)))
                .collect(),
        })
    }

    /// Whether all were meant to be equal.
    pub(super) fn is_equal(&self) -> bool {
        self.meant.iter().flatten().all(|n| *n == self.base)
    }

    /// Places of counts that fell short, each with what was meant.
    pub(super) fn short(&self, counts: &[u64]) -> Vec<(usize, u64)> {
        let meant = self.meant.iter().enumerate();
        meant
            .filter_map(|(i, meant)| Some((i, (*meant)?)))
            .filter(|(i, meant)| counts[*i] + slack(*meant) < *meant)
            .collect()
    }
}

fn times(n: u64, base: u64) -> u64 {
    ((n + base / 2) / base).max(1)
}

fn fits(n: u64, base: u64) -> bool {
    let times = times(n, base);
    times <= MOST_TIMES && n.abs_diff(base * times) <= slack(base * times)
}

/// A lost request or two of thousands.
fn slack(meant: u64) -> u64 {
    (meant as f64).sqrt() as u64 / 50
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counts: &[u64], base: Option<u64>, short: &[(usize, u64)]) {
        let found = Design::of(counts);
        assert_eq!(found.as_ref().map(|d| d.base), base, "{counts:?}");
        let found = found.map_or_else(Vec::new, |d| d.short(counts));
        assert_eq!(found, short, "{counts:?}");
    }

    #[test]
    fn benchmarks_are_told_from_chance() {
        check(
            &[2558, 2558, 2558, 2557, 2558, 1585],
            Some(2558),
            &[(5, 2558)],
        );
        let llmperf = [450, 300, 450, 150, 450, 150, 445, 450];
        check(&llmperf, Some(150), &[(6, 450)]);
        check(&[150, 0, 150, 150, 145], Some(150), &[(4, 150)]);
        check(&[1000, 1000], None, &[]);
        check(&[305, 280, 227, 243], None, &[]);
        check(&[1_000_300, 999_800, 1_000_500], None, &[]);
        check(&[5, 10, 15, 20], None, &[]);
    }
}
