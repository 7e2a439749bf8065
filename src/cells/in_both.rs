//! Users of the stages in which control and treatment can be compared: their number is what intervals
//! within stages stand on.

use std::collections::HashSet;

use super::unit_gather::{Products, Ratio};
use super::{Cell, Cells, Group, Measure, Place, Scope, UnitMeasure, UnitPlan, UnitProducts};
use crate::data::Outcome;

/// In which stages both compared arms have a denominator, by place, measure and start of the stage.
pub(super) type InBoth = HashSet<(Place, UnitMeasure, i64)>;

/// In which stages control and treatment both have a denominator.
pub(super) struct Both<'a> {
    pub(super) ratios: &'a [Ratio],
    stages: &'a [i64],
    /// By segment value, ratio and stage.
    flags: Vec<bool>,
}

impl<'a> Both<'a> {
    pub(super) fn of(
        in_both: &InBoth,
        places: &[Place],
        ratios: &'a [Ratio],
        stages: &'a [i64],
    ) -> Self {
        let mut flags = Vec::with_capacity(places.len() * ratios.len() * stages.len());
        for place in places {
            for ratio in ratios {
                let key = |from_us: &i64| (place.clone(), ratio.measure, *from_us);
                flags.extend(stages.iter().map(|from_us| in_both.contains(&key(from_us))));
            }
        }
        Self {
            ratios,
            stages,
            flags,
        }
    }

    fn has(&self, value: u16, ratio: usize, from_us: i64) -> bool {
        let Ok(stage) = self.stages.binary_search(&from_us) else {
            return false;
        };
        self.flags[(usize::from(value) * self.ratios.len() + ratio) * self.stages.len() + stage]
    }

    /// Counts one user in the arms in which they have a denominator in such a stage.
    pub(super) fn add_user(&self, products: &mut Products, value: u16, groups: &[(Group, &[f64])]) {
        for of_arm in groups.chunk_by(|(a, _), (b, _)| a.arm == b.arm) {
            for (i, ratio) in self.ratios.iter().enumerate() {
                let mut own = of_arm.iter();
                let counts = own.any(|(group, totals)| {
                    totals[ratio.den] > 0.0 && self.has(value, i, group.from_us)
                });
                if counts {
                    self.add(products, (value, of_arm[0].0.arm, i), 1);
                }
            }
        }
    }

    /// The same for requests without a user, which are one each and are there by stage.
    pub(super) fn add_singles(&self, products: &mut Products) {
        let mut found = Vec::new();
        let of_stages = products.iter();
        for ((value, _, groups), sums) in
            of_stages.filter(|((_, scope, _), _)| *scope == Scope::Stage)
        {
            for (i, sums) in sums.iter().enumerate() {
                if sums.n_units > 0 && self.has(*value, i, groups[0].from_us) {
                    found.push(((*value, groups[0].arm, i), sums.n_units));
                }
            }
        }
        for (of, n) in found {
            self.add(products, of, n);
        }
    }

    fn add(&self, products: &mut Products, (value, arm, ratio): (u16, u16, usize), n: u64) {
        let group = Group { arm, from_us: 0 };
        let sums = products
            .entry((value, Scope::Overlap, [group, group]))
            .or_insert_with(|| vec![UnitProducts::default(); self.ratios.len()]);
        sums[ratio].add(&UnitProducts::of_users(n));
    }
}

/// The stages by place and measure, of the log's cells over its stages.
pub(super) fn in_both(by_stage: &Cells, plan: &UnitPlan, ratios: &[Ratio]) -> InBoth {
    let Some(compared) = &plan.compared else {
        return InBoth::new();
    };
    let mut seen: [HashSet<(u32, UnitMeasure, i64)>; 2] = Default::default();
    for cell in &by_stage.cells {
        let name = &by_stage.arms[usize::from(cell.arm)];
        let Some(side) = compared.iter().position(|arm| arm == name) else {
            continue;
        };
        let measures = ratios.iter().map(|ratio| ratio.measure);
        seen[side].extend(
            measures
                .filter(|measure| is_denominator(cell, *measure))
                .map(|measure| (cell.place, measure, cell.time_us)),
        );
    }
    let both = seen[0].intersection(&seen[1]);
    both.map(|(place, measure, from_us)| {
        (by_stage.places[*place as usize].clone(), *measure, *from_us)
    })
    .collect()
}

/// Whether what a cell counts are denominators of a ratio.
fn is_denominator(cell: &Cell, ratio: UnitMeasure) -> bool {
    match (ratio, cell.measure) {
        (UnitMeasure::Requests | UnitMeasure::Users | UnitMeasure::RatedShare, measure) => {
            measure == Measure::Requests
        }
        (UnitMeasure::ErrorShare, Measure::Outcome) => {
            // Those that count have the lowest numbers.
            cell.bin
                .is_some_and(|bin| bin <= Outcome::RateLimited.number())
        }
        (UnitMeasure::Mean(of) | UnitMeasure::UpTo(of, _), Measure::Of(quantity)) => {
            of == quantity && cell.bin.is_none()
        }
        _ => false,
    }
}
