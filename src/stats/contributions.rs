//! How units make the value of an arm vary, summed over strata.

/// What the units of an arm contribute to its combined value, as deviations.
#[derive(Default)]
pub(super) struct Contributions {
    by_unit: Vec<f64>,
    seen: Vec<bool>,
    /// Observations that are units of their own, and the sum of their squares.
    n_independent: u64,
    squares: f64,
}

impl Contributions {
    /// Observations that are units of their own.
    pub(super) fn add_independent(&mut self, n: u64, squares: f64) {
        self.n_independent += n;
        self.squares += squares;
    }

    /// What observations of units contribute.
    pub(super) fn add_each(&mut self, observations: impl Iterator<Item = (u32, f64)>) {
        for (unit, contribution) in observations {
            let unit = unit as usize;
            if unit >= self.by_unit.len() {
                self.by_unit.resize(unit + 1, 0.0);
                self.seen.resize(unit + 1, false);
            }
            self.by_unit[unit] += contribution;
            self.seen[unit] = true;
        }
    }

    /// Variance of the sum of all contributions, of deviations that were enlarged for the means they were
    /// taken from; `None` below two units.
    pub(super) fn variance(&self) -> Option<f64> {
        let squares = self.squares + self.by_unit.iter().map(|c| c * c).sum::<f64>();
        (self.n_units() >= 2).then_some(squares)
    }

    pub(super) fn n_units(&self) -> u64 {
        self.n_independent + self.seen.iter().filter(|seen| **seen).count() as u64
    }

    /// Through units that are in both arms.
    pub(super) fn covariance(&self, other: &Self) -> f64 {
        let pairs = self.by_unit.iter().zip(&other.by_unit);
        pairs.map(|(a, b)| a * b).sum()
    }
}

/// What a sum of squared deviations from their own mean is too small by, of so many units of equal size; 1
/// for one unit.
pub(super) fn bessel(n_units: f64) -> f64 {
    if n_units > 1.0 {
        n_units / (n_units - 1.0)
    } else {
        1.0
    }
}
