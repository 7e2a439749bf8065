//! Group-sequential designs: bounds for a few planned looks.
//!
//! The score S at information fraction t is Brownian motion with drift θ, the expected z at the end.
//! Its density among experiments not yet stopped is carried from look to look by Gauss-Legendre
//! quadrature (Armitage, `McPherson` & Rowe 1969; Jennison & Turnbull 2000, chapter 19), with as many
//! nodes as the shortest step needs for about 1e-10.

use super::spending::Spending;
use crate::error::{Error, ErrorKind, Result};
use crate::stats::dist::{normal_quantile, normal_tails};
use crate::stats::power::Sides;
use crate::stats::quadrature::gauss_legendre;
use crate::stats::root::{Direction, bracket, find_root};
use serde::Serialize;
use std::f64::consts::TAU;

/// Beyond so many standard deviations a normal variable is taken as impossible.
const NEGLIGIBLE_Z: f64 = 9.0;

/// More looks than anybody plans, few enough to be quick.
const MOST_LOOKS: usize = 30;

/// The form of the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boundary {
    /// z proportional to 1/√t: strict early (O'Brien & Fleming 1979).
    ObrienFleming,
    /// One z for all looks (Pocock 1977).
    Pocock,
    /// z proportional to t^(δ−½): between the two (Wang & Tsiatis 1987).
    WangTsiatis {
        /// The shape δ, 0 for O'Brien-Fleming to 0.5 for Pocock.
        delta: f64,
    },
    /// From an alpha-spending function, for looks at any times (Lan & `DeMets` 1983).
    Spending(Spending),
}

/// Planned looks with the z at which each stops.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupDesign {
    /// The form of the bounds.
    pub boundary: Boundary,
    /// One-sided or symmetric two-sided.
    pub sides: Sides,
    /// Chance to stop at any look without an effect, over both sides.
    pub alpha: f64,
    /// Share of all observations at each look, rising to 1.
    pub information: Vec<f64>,
    /// Stop for an effect at |z| (one-sided: z) of at least this much; infinite where a look is too
    /// early for its spending to be a number.
    pub z: Vec<f64>,
    /// The p-value of `z` at a single look, with the sides of the design.
    pub nominal_p: Vec<f64>,
    /// Chance to have stopped by this look without an effect.
    pub cumulative_alpha: Vec<f64>,
}

/// Chances under some true effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Crossing {
    /// Chance to stop at each look for a positive effect.
    pub upper: Vec<f64>,
    /// Chance to stop at each look for a negative effect; zeros when one-sided.
    pub lower: Vec<f64>,
    /// Expected share of the full sample that is used.
    pub expected_information: f64,
}

impl Crossing {
    /// The chance to stop at any look for a positive effect.
    pub fn power(&self) -> f64 {
        self.upper.iter().sum::<f64>().min(1.0)
    }
}

impl GroupDesign {
    /// Looks after these shares of all observations. Errors name the setting: `information` unless
    /// it rises from above 0 to 1 by steps of at least a thousandth with at most 30 looks, `alpha`
    /// outside (0, 0.5), and the shapes of `boundary`.
    pub fn new(information: &[f64], alpha: f64, sides: Sides, boundary: Boundary) -> Result<Self> {
        check(information, alpha, boundary)?;
        let looks = information.len();
        let mut design = Self {
            boundary,
            sides,
            alpha,
            information: information.to_vec(),
            z: vec![f64::INFINITY; looks],
            nominal_p: vec![0.0; looks],
            cumulative_alpha: vec![0.0; looks],
        };
        let solved = match boundary {
            Boundary::ObrienFleming => design.shape_bounds(0.0),
            Boundary::Pocock => design.shape_bounds(0.5),
            Boundary::WangTsiatis { delta } => design.shape_bounds(delta),
            Boundary::Spending(spending) => design.spend(spending),
        };
        solved.ok_or_else(|| unsound("boundary", "No bounds keep this alpha"))?;
        design.describe();
        Ok(design)
    }

    /// `looks` at equal distances, 1 to 30. Errors as for [`GroupDesign::new`], and `looks`.
    pub fn equally_spaced(
        looks: usize,
        alpha: f64,
        sides: Sides,
        boundary: Boundary,
    ) -> Result<Self> {
        if !(1..=MOST_LOOKS).contains(&looks) {
            let hint = "Choose 1 to 30 looks";
            return Err(unsound("looks", &format!("{looks} looks cannot be planned")).hint(hint));
        }
        let information: Vec<f64> = (1..=looks).map(|k| k as f64 / looks as f64).collect();
        Self::new(&information, alpha, sides, boundary)
    }

    /// The chances to stop when the expected z at the end is `drift`.
    pub fn crossing(&self, drift: f64) -> Crossing {
        let mut walk = Walk::start(drift, &self.information);
        let mut crossing = Crossing {
            upper: Vec::new(),
            lower: Vec::new(),
            expected_information: 0.0,
        };
        let mut running = 1.0;
        for (look, (&t, &z)) in self.information.iter().zip(&self.z).enumerate() {
            let bound = z * t.sqrt();
            let upper = walk.above(t, bound);
            let lower = match self.sides {
                Sides::One => 0.0,
                Sides::Two => walk.below(t, -bound),
            };
            let stopped = if look + 1 == self.information.len() {
                running
            } else {
                upper + lower
            };
            crossing.expected_information += t * stopped;
            running -= stopped;
            crossing.upper.push(upper);
            crossing.lower.push(lower);
            let floor = match self.sides {
                Sides::One => f64::NEG_INFINITY,
                Sides::Two => -bound,
            };
            walk.advance(t, floor, bound);
        }
        crossing
    }

    /// The expected z at the end with which an effect is found with chance `power`. An error naming
    /// `power` unless it is above alpha and below 1.
    pub fn drift(&self, power: f64) -> Result<f64> {
        if !(power > self.alpha && power < 1.0) {
            let hint = "Choose a power above alpha and below 1, such as 0.8";
            return Err(unsound("power", "This power cannot be planned with").hint(hint));
        }
        let gap = |drift: f64| self.crossing(drift).power() - power;
        let start = self.single_look_drift(power).max(0.0);
        bracket(gap, start, 0.05, Direction::Up, 200.0)
            .and_then(|(low, high)| find_root(gap, low, high))
            .ok_or_else(|| unsound("power", "No effect reaches this power"))
    }

    /// How many times more observations the full sample needs than a single look with the same
    /// alpha and power (Jennison & Turnbull 2000, section 2.2). Errors as for [`GroupDesign::drift`].
    pub fn inflation(&self, power: f64) -> Result<f64> {
        Ok((self.drift(power)? / self.single_look_drift(power)).powi(2))
    }

    fn single_look_drift(&self, power: f64) -> f64 {
        let z = |p: f64| normal_quantile(p).map_or(f64::INFINITY, |z| -z);
        z(self.alpha / self.sides.count()) + z(1.0 - power)
    }

    /// Bounds c·t^(δ−½) with c such that all looks together spend alpha.
    fn shape_bounds(&mut self, delta: f64) -> Option<()> {
        const GREATEST: f64 = 30.0;
        let bounds = |c: f64| -> Vec<f64> {
            let times = self.information.iter();
            times.map(|t| c * t.powf(delta - 0.5)).collect()
        };
        let gap = |c: f64| {
            let trial = Self {
                z: bounds(c),
                ..self.clone()
            };
            let crossing = trial.crossing(0.0);
            let sides = crossing.upper.iter().chain(&crossing.lower);
            self.alpha - sides.sum::<f64>()
        };
        let start = self.single_look_drift(0.5);
        // A single look needs no search: rounding alone keeps it from zero.
        let c = if gap(start) >= -1e-13 {
            start
        } else {
            let (low, high) = bracket(gap, start, 0.25, Direction::Up, GREATEST)?;
            find_root(gap, low, high)?
        };
        self.z = bounds(c);
        Some(())
    }

    /// Bounds look by look, each spending what its function allows. Two-sided designs spend half
    /// of alpha on each side.
    fn spend(&mut self, spending: Spending) -> Option<()> {
        const GREATEST: f64 = 38.0; // the normal tail underflows beyond
        let sides = self.sides.count();
        let mut walk = Walk::start(0.0, &self.information);
        let mut spent = 0.0;
        for (look, &t) in self.information.iter().enumerate() {
            let total = sides * spending.spent(t, self.alpha / sides)?;
            let target = total - spent;
            spent = total;
            let leaving = |z: f64| {
                let bound = z * t.sqrt();
                match self.sides {
                    Sides::One => walk.above(t, bound),
                    Sides::Two => walk.above(t, bound) + walk.below(t, -bound),
                }
            };
            let z = if target > 0.0 && leaving(GREATEST) < target {
                let gap = |z: f64| target.ln() - leaving(z).max(f64::MIN_POSITIVE).ln();
                find_root(gap, 0.0, GREATEST).unwrap_or(f64::INFINITY)
            } else {
                f64::INFINITY
            };
            self.z[look] = z;
            let bound = z * t.sqrt();
            let floor = match self.sides {
                Sides::One => f64::NEG_INFINITY,
                Sides::Two => -bound,
            };
            walk.advance(t, floor, bound);
        }
        Some(())
    }

    /// Nominal p-values and what has been spent, from the bounds.
    fn describe(&mut self) {
        let sides = self.sides.count();
        let tail = |z: f64| sides * normal_tails(z).upper();
        self.nominal_p = self.z.iter().map(|z| tail(*z)).collect();
        let crossing = self.crossing(0.0);
        let mut sum = 0.0;
        let stops = crossing.upper.iter().zip(&crossing.lower);
        self.cumulative_alpha = stops
            .map(|(upper, lower)| {
                sum += upper + lower;
                sum
            })
            .collect();
    }
}

/// The score among experiments that go on: points with their probability.
struct Walk {
    t: f64,
    drift: f64,
    points: Vec<(f64, f64)>,
    /// The shortest step of the plan, which sets how densely points lie.
    shortest: f64,
}

impl Walk {
    fn start(drift: f64, information: &[f64]) -> Self {
        let mut before = 0.0;
        let mut shortest = 1.0_f64;
        for &t in information {
            shortest = shortest.min(t - before);
            before = t;
        }
        Self {
            t: 0.0,
            drift,
            points: vec![(0.0, 1.0)],
            shortest: shortest.sqrt(),
        }
    }

    /// The chance to be at or above `bound` at time `t`.
    fn above(&self, t: f64, bound: f64) -> f64 {
        let step = t - self.t;
        let shift = self.drift * step;
        let parts = self.points.iter();
        parts
            .map(|(x, mass)| mass * normal_tails((bound - x - shift) / step.sqrt()).upper())
            .sum()
    }

    /// The chance to be at or below `bound` at time `t`.
    fn below(&self, t: f64, bound: f64) -> f64 {
        let step = t - self.t;
        let shift = self.drift * step;
        let parts = self.points.iter();
        parts
            .map(|(x, mass)| mass * normal_tails((bound - x - shift) / step.sqrt()).lower())
            .sum()
    }

    /// Moves on to time `t`, keeping what lies between `floor` and `ceiling`.
    fn advance(&mut self, t: f64, floor: f64, ceiling: f64) {
        let reach = NEGLIGIBLE_Z * t.sqrt();
        let low = floor.max(self.drift * t - reach);
        let high = ceiling.min(self.drift * t + reach);
        let step = t - self.t;
        let (shift, sd) = (self.drift * step, step.sqrt());
        let before = std::mem::take(&mut self.points);
        self.t = t;
        if low >= high {
            return;
        }
        let half = (high - low) / 2.0;
        let count = (5.0 * half / self.shortest).ceil() as usize + 30;
        let density = |x: f64| {
            let window = NEGLIGIBLE_Z * sd;
            let from = before.partition_point(|(y, _)| *y < x - shift - window);
            let near = before[from..].iter();
            near.take_while(|(y, _)| *y <= x - shift + window)
                .map(|(y, mass)| {
                    let z = (x - y - shift) / sd;
                    mass * (-0.5 * z * z).exp()
                })
                .sum::<f64>()
                / (sd * TAU.sqrt())
        };
        let nodes = gauss_legendre(count).into_iter();
        self.points = nodes
            .map(|(node, weight)| {
                let x = f64::midpoint(low, high) + half * node;
                (x, half * weight * density(x))
            })
            .collect();
    }
}

fn check(information: &[f64], alpha: f64, boundary: Boundary) -> Result<()> {
    const LEAST_STEP: f64 = 0.001;
    let mut before = 0.0;
    let rises = information.iter().all(|&t| {
        let is_step = t - before >= LEAST_STEP * (1.0 - 1e-9);
        before = t;
        is_step
    });
    let ends = information.last() == Some(&1.0) && information.len() <= MOST_LOOKS;
    if !(rises && ends) {
        let hint = "Give at most 30 rising shares of the full sample, a thousandth apart or more, \
                    the last one 1";
        return Err(unsound("information", "These looks cannot be planned").hint(hint));
    }
    if !(alpha > 0.0 && alpha < 0.5) {
        let hint = "Choose a significance level above 0 and below 0.5, such as 0.05";
        return Err(unsound("alpha", &format!("{alpha} cannot be planned with")).hint(hint));
    }
    let is_sound = match boundary {
        Boundary::WangTsiatis { delta } => (-0.5..=0.5).contains(&delta),
        Boundary::Spending(spending) => spending.spent(0.5, alpha).is_some(),
        Boundary::ObrienFleming | Boundary::Pocock => true,
    };
    if is_sound {
        Ok(())
    } else {
        let hint = "Delta lies between -0.5 and 0.5, gamma between -100 and 100, rho above 0";
        Err(unsound("boundary", "These bounds have no such shape").hint(hint))
    }
}

fn unsound(key: &str, what: &str) -> Error {
    Error::new(ErrorKind::Settings, what.to_owned()).key(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inflation(looks: usize, boundary: Boundary) -> f64 {
        let design = GroupDesign::equally_spaced(looks, 0.05, Sides::Two, boundary).unwrap();
        design.inflation(0.8).unwrap()
    }

    #[test]
    fn inflation_factors_of_jennison_and_turnbull() {
        // Tables 2.2 and 2.4, alpha 0.05, power 0.8.
        for (looks, pocock, obrien) in [(2, 1.110, 1.008), (3, 1.166, 1.017), (5, 1.229, 1.028)] {
            assert!((inflation(looks, Boundary::Pocock) - pocock).abs() < 6e-4);
            assert!((inflation(looks, Boundary::ObrienFleming) - obrien).abs() < 6e-4);
        }
    }

    #[test]
    fn one_look_is_no_design() {
        for boundary in [
            Boundary::Pocock,
            Boundary::Spending(Spending::ObrienFleming),
        ] {
            let design = GroupDesign::new(&[1.0], 0.05, Sides::Two, boundary).unwrap();
            assert!((design.z[0] - 1.959_963_984_540_054).abs() < 1e-9);
            assert!((design.inflation(0.9).unwrap() - 1.0).abs() < 1e-8);
            let crossing = design.crossing(0.0);
            assert!((crossing.expected_information - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn looks_too_early_to_spend_never_stop() {
        let spending = Boundary::Spending(Spending::ObrienFleming);
        let design = GroupDesign::new(&[0.001, 1.0], 0.05, Sides::Two, spending).unwrap();
        assert_eq!((design.z[0], design.nominal_p[0]), (f64::INFINITY, 0.0));
        assert!((design.z[1] - 1.96).abs() < 1e-3);
    }

    #[test]
    fn early_stops_save_observations() {
        let design =
            GroupDesign::equally_spaced(5, 0.05, Sides::Two, Boundary::ObrienFleming).unwrap();
        let drift = design.drift(0.9).unwrap();
        let crossing = design.crossing(drift);
        assert!((crossing.power() - 0.9).abs() < 1e-10);
        assert!(crossing.expected_information < 0.8);
        let lower: f64 = crossing.lower.iter().sum();
        assert!(lower < 1e-4);
    }

    #[test]
    fn nonsense_is_an_error_with_its_key() {
        let key = |information: &[f64], alpha, boundary| {
            let error = GroupDesign::new(information, alpha, Sides::One, boundary).unwrap_err();
            error.place.key.unwrap()
        };
        let pocock = Boundary::Pocock;
        assert_eq!(key(&[], 0.05, pocock), "information");
        assert_eq!(key(&[0.5], 0.05, pocock), "information");
        assert_eq!(key(&[0.5, 0.4, 1.0], 0.05, pocock), "information");
        assert_eq!(key(&[f64::NAN, 1.0], 0.05, pocock), "information");
        assert_eq!(key(&[0.5, 1.0], 0.0, pocock), "alpha");
        let wild = Boundary::Spending(Spending::HwangShihDeCani { gamma: f64::NAN });
        assert_eq!(key(&[0.5, 1.0], 0.05, wild), "boundary");
        for looks in [0, 31] {
            assert!(GroupDesign::equally_spaced(looks, 0.05, Sides::One, pocock).is_err());
        }
        let design = GroupDesign::new(&[0.5, 1.0], 0.05, Sides::One, pocock).unwrap();
        assert!(design.drift(1.0).is_err() && design.inflation(0.01).is_err());
    }
}
