//! Published sample sizes that are wrong, said where somebody asks the same question.

use super::Design;
use super::proportions::{self, ShareFormula};
use crate::error::Result;
use crate::units;

/// A question about shares with the answer that guides copy from each other.
struct Published {
    baseline: f64,
    change: f64,
    per_group: u64,
}

/// A guide to LLM rollouts: "Baseline 10%, detect 5%p improvement, 80% power -> Need 2,348 per
/// group". Fifteen formulas at any usual alpha, power and sidedness give no such number.
const PUBLISHED: [Published; 1] = [Published {
    baseline: 0.10,
    change: 0.05,
    per_group: 2348,
}];

/// What to know about published answers to this question, at the usual two-sided alpha and power.
/// Fails where the design or a share is none.
pub fn notes(baseline: f64, change: f64, design: &Design) -> Result<Vec<String>> {
    let usual = Design::default();
    if *design != usual {
        return Ok(Vec::new());
    }
    let same = |a: f64, b: f64| (a - b).abs() < 1e-12;
    let mut notes = Vec::new();
    for p in PUBLISHED {
        if !(same(baseline, p.baseline) && same(change, p.change)) {
            continue;
        }
        let arms = (p.per_group, p.per_group);
        let formula = ShareFormula::Pooled;
        let power = proportions::power(baseline, baseline + change, arms, &usual, formula)?;
        let mde = proportions::detectable_change(baseline, arms, &usual, formula)?.up;
        notes.push(format!(
            "Guides give {} per group for this question; no formula does. With so many the power \
             is {}, and even {} would be found.",
            units::count(p.per_group),
            units::share(power.power),
            mde.map_or_else(|| "nothing".to_owned(), units::points)
        ));
    }
    Ok(notes)
}
