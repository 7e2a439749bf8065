//! Sums of a cell's observations by unit.

use super::Coded;

/// One unit's observations in a cell.
#[derive(Debug, Clone, Copy)]
pub struct UnitSum {
    /// The unit.
    pub unit: u32,
    /// How many it has.
    pub n: u32,
    /// Their sum, each less a centre.
    pub sum: f64,
}

impl UnitSum {
    /// Sum and number.
    pub fn pair(&self) -> (f64, f64) {
        (self.sum, f64::from(self.n))
    }
}

/// Adds up cells by unit; keeps its tables for the next cell.
#[derive(Debug, Default)]
pub struct UnitSums {
    by_unit: Vec<(f64, u32)>,
    /// Units of a cell with the places of their observations, in order.
    places: Vec<u64>,
    found: Vec<UnitSum>,
}

/// A table over all units is worth its memory where a cell has observations of one in so many.
const SPARSE: usize = 16;

impl UnitSums {
    /// The units of a cell that names them, each once, ascending. Near the mean, a centre keeps the digits
    /// of values that lie far from zero and close to each other.
    pub fn of(&mut self, cell: &Coded<'_>, centre: f64) -> &[UnitSum] {
        self.found.clear();
        let highest = cell.units.iter().max().map_or(0, |unit| *unit as usize);
        if cell.len() < highest / SPARSE {
            self.add_sorted(cell, centre);
        } else {
            self.add_by_table(cell, centre, highest);
        }
        &self.found
    }

    fn add_sorted(&mut self, cell: &Coded<'_>, centre: f64) {
        let places = (0..).zip(cell.units);
        self.places.clear();
        self.places
            .extend(places.map(|(place, unit): (u64, _)| u64::from(*unit) << 32 | place));
        self.places.sort_unstable();
        for key in &self.places {
            let (unit, place) = ((key >> 32) as u32, *key as u32 as usize);
            let value = cell.table[cell.codes[place] as usize] - centre;
            match self.found.last_mut() {
                Some(last) if last.unit == unit => {
                    last.n += 1;
                    last.sum += value;
                }
                _ => self.found.push(UnitSum {
                    unit,
                    n: 1,
                    sum: value,
                }),
            }
        }
    }

    fn add_by_table(&mut self, cell: &Coded<'_>, centre: f64, highest: usize) {
        if highest >= self.by_unit.len() {
            self.by_unit.resize(highest + 1, (0.0, 0));
        }
        let mut n_units = 0;
        for (unit, code) in cell.units.iter().zip(cell.codes) {
            let sum = &mut self.by_unit[*unit as usize];
            n_units += usize::from(sum.1 == 0);
            *sum = (sum.0 + (cell.table[*code as usize] - centre), sum.1 + 1);
        }
        self.found.reserve(n_units);
        for (unit, sum) in (0..=highest as u32).zip(&mut self.by_unit) {
            let (sum, n) = std::mem::take(sum);
            if n > 0 {
                self.found.push(UnitSum { unit, n, sum });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::counts::coded;
    use super::*;

    #[test]
    fn sums_by_unit_are_the_same_with_and_without_a_table() {
        let values = [0.25, 1.5, 2.0, 4.0, 8.5];
        let (table, codes) = coded(&values);
        let sorted = [0_u32, 0, 3, 9, 9];
        let far = sorted.map(|unit| unit * 1000);
        let order = [3_usize, 0, 4, 2, 1];
        let mixed_codes = order.map(|i| codes[i]);
        let mixed_units = order.map(|i| sorted[i]);
        let mut sums = UnitSums::default();
        let mut of = |codes: &[u32], units: &[u32]| -> Vec<(u32, u32, f64)> {
            let cell = Coded {
                table: &table,
                codes,
                units,
            };
            let found = sums.of(&cell, 1.0).iter();
            found.map(|sum| (sum.unit, sum.n, sum.sum)).collect()
        };
        let expected = [(0, 2, -0.25), (3, 1, 1.0), (9, 2, 10.5)];
        assert_eq!(of(&codes, &sorted), expected);
        assert_eq!(of(&mixed_codes, &mixed_units), expected);
        let expected = expected.map(|(unit, n, sum)| (unit * 1000, n, sum));
        assert_eq!(of(&codes, &far), expected);
        assert_eq!(
            of(&mixed_codes, &mixed_units.map(|unit| unit * 1000)),
            expected
        );
    }
}
